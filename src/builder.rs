//! Starting a server: what it is to be, and why it may not start.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::control::Control;
use crate::control::access::{Access, Token};
use crate::providers;
use crate::server::address::{Port, strip_port};
use crate::server::authority::{Authority, AuthorityError, Names};
use crate::server::capacity::Capacity;
use crate::server::deliver::Webhooks;
use crate::server::listen::{Limits, Listening, bind, reachable};
use crate::server::tls::{Keeper, Tls};
use crate::server::{self, Server};
use crate::world::clock::{Mode, real_now};
use crate::world::snapshot;
use crate::worlds::{DEFAULT, NewWorldError, Registry, RegistryError, Spec, Worlds};
use crate::{Understudy, WorldHandle};

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
    /// A server on a free port of 127.0.0.1, with a world in memory, a running clock and seed 0.
    pub(crate) fn new() -> Self {
        Self {
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
            snapshot_memory: snapshot::MEMORY,
            seed: None,
            world: Spec::default(),
        }
    }

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
