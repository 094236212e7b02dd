//! A world of a running server, in the hands of a Rust test.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::control::access::Token;
use crate::control::simulations::perform;
use crate::http::{AnyProvider, Links, Refusal, Variable};
use crate::server::tls::Tls;
use crate::world::clock::{Mode, OutOfRange, real_now};
use crate::world::faults::{BadRule, Fault, Rule};
use crate::world::journal::{Entry, Filter};
use crate::world::outbox::{self, Sent};
use crate::world::snapshot::{Snapshot, SnapshotError};
use crate::world::timers::Timer;
use crate::world::{ClockView, CreateError, Failure, World};
use crate::worlds::{DEFAULT, LoadError, Worlds};

/// A world of a running server.
#[derive(Clone)]
pub struct WorldHandle {
    pub(crate) world: Arc<World>,
    pub(crate) worlds: Arc<Worlds>,
    pub(crate) gateway: String,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) token: Option<Token>,
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
    pub(crate) fn trusted(&self) -> Option<&str> {
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
    /// world can begin with it ([`Start::Snapshot`](crate::worlds::Start::Snapshot)).
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
    /// [`faults`](crate::world::faults) for how several combine.
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
        self.world.request(real_now(), "", |cx| outbox::list(cx.db, to)).1
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
