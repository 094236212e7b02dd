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

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::http::{AnyProvider, Links, Refusal, Variable};
use control::Control;
use control::access::{Access, Token};
use control::simulations::perform;
use server::Server;
use server::address::{Port, strip_port};
use server::authority::{Authority, AuthorityError, Names};
use server::capacity::Capacity;
use server::deliver::Webhooks;
use server::listen::{Limits, Listening, bind, reachable};
use server::tls::{Keeper, Tls};
use world::clock::{Mode, OutOfRange, real_now};
use world::faults::{BadRule, Fault, Rule};
use world::journal::{Entry, Filter};
use world::outbox::Sent;
use world::snapshot::{Snapshot, SnapshotError};
use world::timers::Timer;
use world::{ClockView, CreateError, Failure, World};
use worlds::{DEFAULT, LoadError, NewWorldError, Registry, RegistryError, Spec, Worlds};

/// The port that the server uses unless told otherwise: the one-time code of the test users.
pub const DEFAULT_PORT: u16 = 11111;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A provider or a fixture is not right.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The default world cannot be made, or its data file cannot be used.
    #[error(transparent)]
    World(#[from] NewWorldError),
    /// A setting does not exist or cannot have that value.
    #[error("{0}")]
    Setting(String),
    /// An address cannot be listened on.
    #[error("{}", bind_advice(*.address, .source))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// There is no certificate to serve HTTPS with.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The system gave no random numbers for a control token.
    #[error("a control token cannot be made ({0}); give one")]
    Token(getrandom::Error),
    /// The system gave no thread or no event loop.
    #[error("the server's thread cannot be started: {0}")]
    Thread(std::io::Error),
}

fn bind_advice(address: SocketAddr, source: &std::io::Error) -> String {
    let port = address.port();
    match source.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("port {port} on {} is taken; stop what uses it or give another port (0 picks a free one)", address.ip())
        }
        std::io::ErrorKind::PermissionDenied => format!("this user may not listen on port {port}; give a port above 1023"),
        _ => format!("cannot listen on {address}: {source}"),
    }
}

/// How a server is to be; see [`Understudy::builder`].
#[derive(Clone, Debug)]
pub struct Builder {
    host: IpAddr,
    port: u16,
    listen: Vec<(String, u16)>,
    only: Vec<String>,
    fixtures: Option<PathBuf>,
    data: Option<PathBuf>,
    external: Option<(&'static str, String)>,
    webhooks: Webhooks,
    tls: Option<Keeper>,
    tls_names: Vec<String>,
    control_token: Option<Token>,
    workers: usize,
    snapshot_memory: usize,
    seed: Option<u64>,
    world: Spec,
}

impl Builder {
    /// The address to listen on; 127.0.0.1 unless given.
    #[must_use]
    pub fn host(self, host: IpAddr) -> Self {
        Self { host, ..self }
    }

    /// The port of the gateway; a free one unless given.
    #[must_use]
    pub fn port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// Serves a provider on a port of its own too, paths as in production.
    #[must_use]
    pub fn listen(mut self, slug: impl Into<String>, port: u16) -> Self {
        self.listen.push((slug.into(), port));
        self
    }

    /// Keeps only these providers.
    #[must_use]
    pub fn only(self, slugs: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { only: slugs.into_iter().map(Into::into).collect(), ..self }
    }

    /// Takes `<slug>.json` files of a folder instead of the built-in fixtures.
    #[must_use]
    pub fn fixtures(self, folder: impl Into<PathBuf>) -> Self {
        Self { fixtures: Some(folder.into()), ..self }
    }

    /// Keeps the default world in a file.
    #[must_use]
    pub fn data(self, file: impl Into<PathBuf>) -> Self {
        Self { data: Some(file.into()), ..self }
    }

    /// What links begin with when the caller's address is not the right one: `http` or `https`, and host with port.
    #[must_use]
    pub fn external(self, scheme: &'static str, authority: impl Into<String>) -> Self {
        Self { external: Some((scheme, authority.into())), ..self }
    }

    /// Where webhooks may go; to this machine only unless given. They are in the outbox either way.
    #[must_use]
    pub fn webhooks(self, webhooks: Webhooks) -> Self {
        Self { webhooks, ..self }
    }

    /// Serves HTTPS on every port, with a certificate of a local authority. Clients are to trust [`Understudy::ca_pem`].
    #[must_use]
    pub fn tls(self, authority: Keeper) -> Self {
        Self { tls: Some(authority), ..self }
    }

    /// Another host name or address that clients reach the server by over HTTPS, beside those of this machine, the providers' real
    /// hosts and the host of [`Builder::external`]. An authority that was made before may not vouch for it.
    #[must_use]
    pub fn tls_name(mut self, name: impl Into<String>) -> Self {
        self.tls_names.push(name.into());
        self
    }

    /// What control calls must have; with it they may come from other machines. A server that is bound to anything but loopback
    /// makes one unless it is given.
    #[must_use]
    pub fn control_token(self, token: Token) -> Self {
        Self { control_token: Some(token), ..self }
    }

    /// Threads that answer requests; 1 unless given.
    #[must_use]
    pub fn workers(self, workers: usize) -> Self {
        Self { workers, ..self }
    }

    /// Bytes of memory that all snapshots together may take; 1 GiB unless given.
    #[must_use]
    pub fn snapshot_memory(self, bytes: usize) -> Self {
        Self { snapshot_memory: bytes, ..self }
    }

    /// Seed of the random source of every world that is given none; 0 unless given. Ids, tokens and keys follow from it.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self.world.seed = Some(seed);
        self
    }

    /// As [`Builder::seed`], but a world in a data file goes on with the seed that it has.
    #[must_use]
    pub fn process_seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Has the default world's clock begin at this moment (or the real one), and go on from there or stand.
    #[must_use]
    pub fn clock(mut self, now: Option<DateTime<Utc>>, mode: Mode) -> Self {
        self.world.now = now;
        self.world.mode = Some(mode);
        self
    }

    /// Has the default world's clock begin at this moment and go on from there.
    #[must_use]
    pub fn starting_at(self, now: DateTime<Utc>) -> Self {
        self.clock(Some(now), Mode::Running)
    }

    /// Has the default world's clock stand at this moment until it is moved.
    #[must_use]
    pub fn frozen_at(self, now: DateTime<Utc>) -> Self {
        self.clock(Some(now), Mode::Frozen)
    }

    /// Makes a setting of a provider in the default world.
    #[must_use]
    pub fn setting(mut self, slug: impl Into<String>, key: impl Into<String>, value: Value) -> Self {
        self.world.settings.push((slug.into(), key.into(), value));
        self
    }

    /// Starts the server: binds, makes the default world, and returns once it answers. It serves from a thread of its own.
    pub fn start(self) -> Result<Understudy, StartError> {
        let started = real_now();
        let mut registry = Registry::new(providers::all());
        if let Some(folder) = &self.fixtures {
            registry = registry.with_fixtures(folder)?;
        }
        if !self.only.is_empty() {
            registry = registry.only(&self.only)?;
        }
        for (slug, key, value) in &self.world.settings {
            registry.check_setting(slug, key, value).map_err(StartError::Setting)?;
        }
        let tls = match &self.tls {
            Some(keeper) => Some(Arc::new(Tls::new(keeper, &self.names())?)),
            None => None,
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let token = match self.control_token {
            None if !self.host.is_loopback() => Some(Token::random().map_err(StartError::Token)?),
            given => given,
        };
        let mut listening = vec![listen_on(SocketAddr::new(self.host, self.port), None)?];
        for (slug, port) in &self.listen {
            let provider = registry.require(slug)?.about().slug;
            listening.push(listen_on(SocketAddr::new(self.host, *port), Some(provider))?);
        }
        let addresses: Vec<SocketAddr> = listening.iter().filter_map(|one| one.socket.local_addr().ok()).collect();
        let gateway = addresses.first().copied().unwrap_or(SocketAddr::new(self.host, self.port));

        let worlds = Arc::new(Worlds::new(registry, self.seed.unwrap_or(0)).snapshot_memory(self.snapshot_memory));
        let default = Spec { name: Some(DEFAULT.to_owned()), ..self.world };
        match &self.data {
            Some(path) => worlds.open(path, default, started)?,
            None => worlds.create(default, started)?,
        };
        let limits = Limits::default();
        let (listeners, new_listening) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let access = Access { token: token.clone() };
        let control = Control::new(worlds.clone(), started, gateway, tls.clone(), access, listeners, stopped.clone());
        let server = Arc::new(Server {
            worlds: worlds.clone(),
            control,
            external: self.external.clone(),
            webhooks: self.webhooks,
            limits,
            capacity: Capacity::new(&limits),
            tls: tls.clone(),
        });
        let runtime = runtime(self.workers).map_err(StartError::Thread)?;
        let thread = std::thread::Builder::new()
            .name("understudy".to_owned())
            .spawn(move || runtime.block_on(server::run(server, listening, new_listening, stopped)))
            .map_err(StartError::Thread)?;

        let url = match &self.external {
            Some((scheme, authority)) => format!("{scheme}://{authority}"),
            None => format!("{scheme}://{}", reachable(gateway)),
        };
        let world = worlds.get(DEFAULT).ok_or_else(|| NewWorldError::NoSource(DEFAULT.to_owned()))?;
        let default = WorldHandle { world, worlds: worlds.clone(), gateway: url, tls, token };
        Ok(Understudy { default, worlds, addresses, stop, thread: Some(thread) })
    }

    /// The authority that would vouch for such a server; it is made if there is none.
    pub(crate) fn authority(&self, keeper: &Keeper, now: DateTime<Utc>) -> Result<Authority, AuthorityError> {
        keeper.authority(&self.names(), now)
    }

    /// Names that clients may reach the server by; of all providers, since the authority is made once for all servers.
    fn names(&self) -> Names {
        let mut names = Names::local();
        for provider in providers::all() {
            let about = provider.about();
            names.add(&format!("{}.localhost", about.slug));
            about.sites.iter().flat_map(|site| site.hosts).for_each(|host| names.add(host));
        }
        if !self.host.is_unspecified() {
            names.add(&self.host.to_string());
        }
        if let Some((_, authority)) = &self.external {
            names.add(strip_port(authority));
        }
        self.tls_names.iter().for_each(|name| names.add(name));
        names
    }
}

fn listen_on(address: SocketAddr, provider: Option<&'static str>) -> Result<Listening, StartError> {
    let socket = bind(address).map_err(|source| StartError::Bind { address, source })?;
    Ok(Listening { socket, port: Port { provider, world: None }, life: None })
}

fn runtime(workers: usize) -> std::io::Result<tokio::runtime::Runtime> {
    if workers > 1 {
        tokio::runtime::Builder::new_multi_thread().worker_threads(workers).thread_name("understudy-worker").enable_all().build()
    } else {
        tokio::runtime::Builder::new_current_thread().enable_all().build()
    }
}

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
        Builder {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            listen: Vec::new(),
            only: Vec::new(),
            fixtures: None,
            data: None,
            external: None,
            webhooks: Webhooks::default(),
            tls: None,
            tls_names: Vec::new(),
            control_token: None,
            workers: 1,
            snapshot_memory: world::snapshot::MEMORY,
            seed: None,
            world: Spec::default(),
        }
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

/// A world of a running server.
#[derive(Clone)]
pub struct WorldHandle {
    world: Arc<World>,
    worlds: Arc<Worlds>,
    gateway: String,
    tls: Option<Arc<Tls>>,
    token: Option<Token>,
}

impl std::fmt::Debug for WorldHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorldHandle").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl WorldHandle {
    /// Its name.
    pub fn name(&self) -> &str {
        self.world.name()
    }

    /// Base URL of its server: the gateway.
    pub fn server_url(&self) -> &str {
        &self.gateway
    }

    /// Base URL of the world: the gateway, for the default world.
    pub fn url(&self) -> String {
        if self.name() == DEFAULT { self.gateway.clone() } else { format!("{}/~{}", self.gateway, self.name()) }
    }

    /// Base URL of a provider in this world.
    pub fn provider_url(&self, slug: &str) -> String {
        format!("{}/{slug}", self.url())
    }

    /// Base URL of the control API of this world.
    pub fn control_url(&self) -> String {
        format!("{}/_understudy", self.url())
    }

    /// What a provider's clients need to know of this world, as environment variables: base URLs, keys. None for an unknown slug.
    pub fn environment(&self, slug: &str) -> Result<Vec<Variable>, Failure<rusqlite::Error>> {
        let Some(provider) = self.worlds.registry.provider(slug) else { return Ok(Vec::new()) };
        let links = self.links(slug);
        self.world.look(real_now(), provider.about().slug, |cx| provider.environment(cx, &links))
    }

    /// The certificate (PEM) of the authority that vouches for its server; none without TLS.
    fn trusted(&self) -> Option<&str> {
        self.tls.as_deref().map(Tls::pem)
    }

    fn links(&self, slug: &str) -> Links {
        let (scheme, authority) = self.gateway.split_once("://").unwrap_or(("http", &self.gateway));
        let scheme = if scheme == "https" { "https" } else { "http" };
        let prefix = if self.name() == DEFAULT { format!("/{slug}") } else { format!("/~{}/{slug}", self.name()) };
        Links { scheme, authority: authority.to_owned(), prefix, real: None }
    }

    /// The clock.
    pub fn clock(&self) -> ClockView {
        self.world.clock(real_now())
    }

    /// Sets the clock to another moment; what becomes due on the way fires, in order, and is returned.
    pub fn set_clock(&self, now: DateTime<Utc>) -> Result<Vec<Timer>, Failure<OutOfRange>> {
        let moved = self.world.set_clock(Some(now), None, real_now()).map(|(_, fired)| fired);
        self.worlds.look_for_webhooks(&self.world, real_now());
        moved
    }

    /// Has the clock stand still, or go on.
    pub fn set_clock_mode(&self, mode: Mode) -> Result<(), Failure<OutOfRange>> {
        self.world.set_clock(None, Some(mode), real_now()).map(|_| ())
    }

    /// Moves the clock ahead; what becomes due on the way fires, in order, and is returned.
    pub fn advance(&self, by: TimeDelta) -> Result<Vec<Timer>, Failure<OutOfRange>> {
        let moved = self.world.advance(by, real_now()).map(|(_, fired)| fired);
        self.worlds.look_for_webhooks(&self.world, real_now());
        moved
    }

    /// Brings everything back to how it was at the world's creation.
    pub fn reset(&self) -> Result<(), CreateError> {
        self.world.reset(None, real_now())
    }

    /// Puts the state aside: data, timers, settings, outbox, chance, and the clock. [`WorldHandle::restore`] goes back to it, and a
    /// world can begin with it ([`worlds::Start::Snapshot`]).
    pub fn snapshot(&self, name: Option<&str>) -> Result<Arc<Snapshot>, SnapshotError> {
        self.worlds.take_snapshot(&self.world, name.map(ToOwned::to_owned), real_now())
    }

    /// Keeps the state in an SQLite file (see [`WorldHandle::database`]) as a snapshot, once it is checked.
    pub fn load_snapshot(&self, file: &[u8], name: Option<&str>) -> Result<Arc<Snapshot>, LoadError> {
        self.worlds.load_snapshot(&self.world, file, name.map(ToOwned::to_owned), real_now())
    }

    /// Its snapshots, oldest first. They are deleted with it.
    pub fn snapshots(&self) -> Vec<Arc<Snapshot>> {
        self.world.snapshots()
    }

    /// Goes back to a snapshot. The clock shows what it showed then, and goes on from there where it was running; the journal stays.
    pub fn restore(&self, id: &str) -> Result<(), SnapshotError> {
        let restored = self.world.restore_snapshot(id, real_now());
        self.worlds.look_for_webhooks(&self.world, real_now());
        restored
    }

    /// Deletes a snapshot.
    pub fn delete_snapshot(&self, id: &str) -> Result<(), SnapshotError> {
        self.world.delete_snapshot(id)
    }

    /// The state as an SQLite file.
    pub fn database(&self) -> rusqlite::Result<Vec<u8>> {
        Ok(self.world.save(real_now())?.image.to_bytes())
    }

    /// Makes a fault rule for the providers of this world; returns its id. See [`Rule`] for what it can be, and
    /// [`world::faults`] for how several combine.
    ///
    /// ```
    /// use understudy::Understudy;
    /// use understudy::world::faults::{Connection, Rule};
    ///
    /// let understudy = Understudy::builder().start()?;
    /// let lost = understudy.fault(Rule {
    ///     provider: Some("verified".to_owned()),
    ///     operation: Some("issueCredentials".to_owned()),
    ///     connection: Some(Connection::Reset),
    ///     times: Some(1),
    ///     ..Rule::default()
    /// })?;
    /// // The app under test issues a credential here, and has to find out that it was issued although no answer came.
    /// assert_eq!(understudy.fault_hits(lost), Some(0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fault(&self, rule: Rule) -> Result<u64, BadRule> {
        self.worlds.registry.check_fault(&rule)?;
        self.world.faults.add(rule)
    }

    /// How often a fault rule struck; none when there is no such rule (any more).
    pub fn fault_hits(&self, id: u64) -> Option<u64> {
        self.world.faults.get(id).map(|fault| fault.hits)
    }

    /// All fault rules, in the order of their creation.
    pub fn faults(&self) -> Vec<Fault> {
        self.world.faults.list()
    }

    /// Takes a fault rule back; says whether there was one.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.world.faults.remove(id)
    }

    /// Takes all fault rules back.
    pub fn clear_faults(&self) {
        self.world.faults.clear();
    }

    /// Does what a person or an outside system would do; see the provider's simulations.
    pub fn simulate(&self, slug: &str, name: &str, input: Value) -> Result<Value, Refusal> {
        let provider: &Arc<dyn AnyProvider> =
            self.worlds.registry.provider(slug).ok_or_else(|| Refusal::NotFound(format!("there is no provider {slug:?}")))?;
        let result = perform(&self.world, &**provider, name, input, self.links(slug), real_now());
        self.worlds.look_for_webhooks(&self.world, real_now());
        result
    }

    /// The messages that would have been sent, oldest first; only those to `to` when it is given.
    pub fn messages(&self, to: Option<&str>) -> Result<Vec<Sent>, Failure<rusqlite::Error>> {
        self.world.request(real_now(), "", |cx| world::outbox::list(cx.db, to)).1
    }

    /// The requests that the journal holds and `filter` admits, with their answers, newest last.
    ///
    /// ```
    /// # let understudy = understudy::Understudy::builder().start()?;
    /// use understudy::world::journal::{Filter, Statuses};
    ///
    /// let failed = understudy.requests(&Filter { statuses: vec![Statuses::Class(5)], ..Filter::default() });
    /// assert!(failed.is_empty());
    /// # Ok::<(), understudy::StartError>(())
    /// ```
    pub fn requests(&self, filter: &Filter) -> Vec<Arc<Entry>> {
        self.world.journal.list(filter)
    }

    /// Blocks until there are `count` requests that `filter` admits, for what the app under test does in its own time. Returns
    /// those that there are then: fewer than `count` once `patience`, in real time, is over.
    #[must_use = "there may be fewer than were waited for"]
    pub fn wait_for_requests(&self, filter: &Filter, count: usize, patience: Duration) -> Vec<Arc<Entry>> {
        self.world.journal.wait(filter, count, patience)
    }
}
