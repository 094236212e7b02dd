//! Understudy: a local stand-in for identity and credential provider APIs.
//!
//! An app, a test suite or a demo points at this machine instead of a provider's sandbox: same paths, headers, JSON, status codes,
//! error bodies, lifecycles and timers, with time and chance under control. The `understudy` binary serves it to any language; this
//! library starts it inside a Rust test:
//!
//! ```
//! use chrono::TimeDelta;
//! use understudy::Understudy;
//!
//! let understudy = Understudy::builder().seed(7).frozen_at("2026-01-01T00:00:00Z".parse()?).start()?;
//! let api = understudy.provider_url("verified"); // the app under test gets this as its base URL
//! assert!(api.starts_with("http://127.0.0.1:"));
//!
//! understudy.advance(TimeDelta::minutes(5))?; // credentials that were read five minutes ago are gone now
//! understudy.reset()?; // and everything is as at the start
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Several can run in one test binary; each is stopped when it is dropped. A test that wants a world of its own on a shared server
//! asks for one with [`Understudy::create_world`].

pub mod cli;
pub mod control;
pub mod crypto;
pub mod dashboard;
pub mod http;
pub mod pages;
pub mod providers;
pub mod scenario;
pub mod server;
pub mod world;
pub mod worlds;

mod builder;
mod handle;

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::watch;

pub use builder::{Builder, StartError};
use control::access::Token;
pub use handle::WorldHandle;
use server::tls::Tls;
use world::clock::real_now;
use worlds::{DEFAULT, NewWorldError, Spec, Worlds};

/// The port that the server uses unless told otherwise: the one-time code of the test users.
pub const DEFAULT_PORT: u16 = 11111;

/// A running server. Dropping it stops it, and lets what is in flight finish. What [`WorldHandle`] can do, it does to the default
/// world.
#[must_use = "the server stops when this is dropped"]
#[derive(Debug)]
pub struct Understudy {
    default: WorldHandle,
    worlds: Arc<Worlds>,
    addresses: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Understudy {
    /// A server on a free port of 127.0.0.1, with a world in memory, a running clock and seed 0, unless told otherwise.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The addresses that it listens on: the gateway's, then one for each [`Builder::listen`], in that order.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// How clients speak to it: `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.default.tls.is_some() { "https" } else { "http" }
    }

    /// The certificate (PEM) that clients are to trust; none without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.default.trusted()
    }

    /// The file that [`Understudy::ca_pem`] is in; none without TLS, or with an authority in memory.
    pub fn ca_file(&self) -> Option<&Path> {
        self.default.tls.as_deref().and_then(Tls::file)
    }

    /// What control calls must have, if anything.
    pub fn control_token(&self) -> Option<&Token> {
        self.default.token.as_ref()
    }

    /// Slugs of the providers that it emulates.
    pub fn providers(&self) -> impl Iterator<Item = &'static str> {
        self.worlds.registry.slugs()
    }

    /// Creates another world in memory.
    pub fn create_world(&self, spec: Spec) -> Result<WorldHandle, NewWorldError> {
        for (slug, key, value) in &spec.settings {
            self.worlds.registry.check_setting(slug, key, value).map_err(NewWorldError::Setting)?;
        }
        let world = self.worlds.create(spec, real_now())?;
        Ok(WorldHandle { world, ..self.default.clone() })
    }

    /// The world of this name.
    pub fn world(&self, name: &str) -> Option<WorldHandle> {
        Some(WorldHandle { world: self.worlds.get(name)?, ..self.default.clone() })
    }

    /// Deletes a world; says whether there was one. The default world stays.
    pub fn delete_world(&self, name: &str) -> bool {
        name != DEFAULT && self.worlds.delete(name)
    }
}

impl Deref for Understudy {
    type Target = WorldHandle;

    fn deref(&self) -> &WorldHandle {
        &self.default
    }
}

impl Drop for Understudy {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the server's thread ended in a panic");
        }
    }
}
