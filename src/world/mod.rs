//! A world: one database, one clock, one source of chance, its timers, its outbox, its journal, its faults. Nothing is global.
//!
//! A handler sees a world as a [`Cx`]: the open transaction, the moment, the random source. What a provider does in a world beside
//! answering requests (its timers, its beginning) comes in through [`Hooks`], so that this room knows neither HTTP nor providers.

pub mod clock;
mod cx;
pub mod deliveries;
pub mod events;
pub mod faults;
pub mod image;
pub mod journal;
mod life;
pub mod outbox;
pub mod rng;
pub mod snapshot;
pub mod store;
pub mod timers;

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;
use serde::Serialize;
use serde_json::Value;

use clock::{Clock, Mode, OutOfRange};
pub use cx::Cx;
use cx::{Beside, Lasting, Settings};
use deliveries::Delivery;
use events::{Event, Events, Summary};
use faults::{Call, Faults, Plan};
use journal::{Journal, Note};
use life::{Life, State};
pub use life::{Saved, Source};
use rng::Rng;
use snapshot::Shelf;
use store::{AsText, OpenError};
use timers::Timer;

/// The world's own tables. Steps are append-only.
const SCHEMA: &[&str] = &[include_str!("schema.sql"), include_str!("deliveries.sql"), include_str!("waiting.sql")];

/// Timers that may fire in one go; past it something sets timers without end.
const MAX_FIRED: usize = 1_000_000;

/// What providers do in a world beside answering requests.
pub trait Hooks: Send + Sync {
    /// A timer of a provider fires.
    fn on_timer(&self, cx: &mut Cx<'_>, timer: &Timer) -> rusqlite::Result<()>;

    /// A world begins: `cx.now` is its first moment, `loaded_at` the moment at which its fixtures were read into the image that it
    /// was copied from. Recurring timers are set here, and fixture times that are relative to the beginning moved.
    fn begin(&self, cx: &mut Cx<'_>, loaded_at: DateTime<Utc>) -> rusqlite::Result<()>;
}

/// What a world is made from, at creation and at every reset.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Fixtures, or a state whose clock, chance and timers come with it.
    pub source: Source,
    /// Seed of the random source; that of the state when absent.
    pub seed: Option<u64>,
    /// First moment of the clock; real time (or the copied clock) when absent.
    pub now: Option<DateTime<Utc>>,
    /// Running or frozen; running (or as copied) when absent.
    pub mode: Option<Mode>,
    /// Settings to make: provider, key, value.
    pub settings: Vec<(String, String, Value)>,
}

/// Why a world did not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum Failure<E> {
    /// The work itself refused; what it had done is undone.
    #[error("refused")]
    Refused(E),
    /// SQLite failed.
    #[error("the world's database failed: {0}")]
    Store(#[from] rusqlite::Error),
    /// The work panicked; what it had done is undone.
    #[error("a handler panicked: {0}")]
    Panicked(String),
}

/// The clock as the control API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct ClockView {
    /// What it shows.
    #[serde(serialize_with = "crate::http::wire::rfc3339_millis")]
    pub now: DateTime<Utc>,
    /// Running or frozen.
    pub mode: Mode,
    /// Its distance from real time, in milliseconds.
    pub offset_ms: i64,
}

/// A world. All access goes through one lock; a request holds it for microseconds.
pub struct World {
    name: String,
    hooks: Arc<dyn Hooks>,
    origin: Origin,
    life: Mutex<Life>,
    shelf: Mutex<Shelf>,
    used_ms: AtomicI64,
    /// Whether its database was opened since somebody last asked.
    opened: AtomicBool,
    /// What came in and went out.
    pub journal: Journal,
    /// Tells those who watch what happens.
    pub events: Events,
    /// What goes wrong on purpose.
    pub faults: Faults,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Refuses a database in which the world's own tables are of a newer version.
pub fn check_schema(db: &Connection, path: &Path) -> Result<(), OpenError> {
    store::steps_seen(db, "world", SCHEMA, Some(path)).map(drop)
}

/// Creates the world's own tables in a database, or brings them up to date. Providers add theirs.
pub fn create_schema(db: &Connection, path: Option<&Path>) -> Result<(), OpenError> {
    store::migrate(db, "world", SCHEMA, path)?;
    Ok(())
}

/// Whether a database holds a world whose creation was not cut short. One that cannot be read is no such database: it may hold
/// what somebody wants back.
pub fn is_complete(db: &Connection) -> rusqlite::Result<bool> {
    let exists = |query: &str| db.query_row(query, [], |row| row.get::<_, bool>(0));
    Ok(exists("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'world')")?
        && exists("SELECT EXISTS (SELECT 1 FROM world)")?)
}

/// Does `work` in the transaction that is open in a database which no world owns yet, at the moment `now`.
pub fn prepare<T, E>(
    db: &Connection,
    provider: &str,
    now: DateTime<Utc>,
    work: impl FnOnce(&mut Cx<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let beside = Beside { settings: &Settings::default(), lasting: &Lasting::default(), is_changed: &Cell::default() };
    work(&mut Cx { db, now, rng: Rng::new(0, 0), provider, beside })
}

impl World {
    /// Creates a world in memory. Its database is opened when it is first used.
    pub fn create(name: String, hooks: Arc<dyn Hooks>, origin: Origin, real: DateTime<Utc>) -> Result<Self, CreateError> {
        let life = Life::new(&origin, real)?;
        Ok(Self::with(name, hooks, origin, life))
    }

    /// Creates a world in an empty data file.
    pub fn create_in(
        db: Connection,
        name: String,
        hooks: Arc<dyn Hooks>,
        origin: Origin,
        real: DateTime<Utc>,
    ) -> Result<Self, CreateError> {
        let life = Life::begun_in(db, &*hooks, &origin, real)?;
        Ok(Self::with(name, hooks, origin, life))
    }

    /// Goes on with the world in a data file. Of `origin`, time and settings are applied where they are given, and `seed` where it
    /// is; the rest says what a reset goes back to, with the seed that the world has now.
    pub fn resume(
        db: Connection,
        name: String,
        hooks: Arc<dyn Hooks>,
        origin: Origin,
        seed: Option<u64>,
        real: DateTime<Utc>,
    ) -> Result<Self, CreateError> {
        let life = Life::resumed(db, &Origin { seed, ..origin.clone() }, real)?;
        let origin = Origin { seed: Some(life.facts.seed), ..origin };
        Ok(Self::with(name, hooks, origin, life))
    }

    fn with(name: String, hooks: Arc<dyn Hooks>, origin: Origin, life: Life) -> Self {
        Self {
            name,
            hooks,
            origin,
            life: Mutex::new(life),
            shelf: Mutex::default(),
            used_ms: AtomicI64::new(i64::MAX),
            opened: AtomicBool::new(false),
            journal: Journal::default(),
            events: Events::default(),
            faults: Faults::default(),
        }
    }

    /// Opens its database, which otherwise its first use does.
    pub fn begin(&self) -> rusqlite::Result<()> {
        self.open(&mut self.life()).map(drop)
    }

    /// Its name in addresses.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The real moment at which it was last asked for something; `from` when it never was.
    pub fn last_used(&self, from: DateTime<Utc>) -> DateTime<Utc> {
        match self.used_ms.load(Ordering::Relaxed) {
            i64::MAX => from,
            ms => clock::from_millis(ms),
        }
    }

    /// What its clock shows to somebody who uses it.
    pub fn now(&self, real: DateTime<Utc>) -> DateTime<Utc> {
        self.note_use(real);
        self.life().facts.clock.now(real)
    }

    fn note_use(&self, real: DateTime<Utc>) {
        self.used_ms.store(real.timestamp_millis(), Ordering::Relaxed);
    }

    /// Settings that are made whenever it begins: provider, key, value.
    pub fn first_settings(&self) -> &[(String, String, Value)] {
        &self.origin.settings
    }

    /// Whether it begins with the fixtures, and not with another world's state.
    pub fn begins_with_fixtures(&self) -> bool {
        matches!(self.origin.source, Source::Fixtures { .. })
    }

    /// Seed of its random source.
    pub fn seed(&self) -> u64 {
        self.life().facts.seed
    }

    /// Does `work` in one transaction: due timers fire first, each at its own due time; then `work` runs at the world's time. A
    /// refusal or a panic undoes the work, but not the timers. Returns the world's time with the outcome.
    pub fn request<T, E>(
        &self,
        real: DateTime<Utc>,
        provider: &str,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T, E>,
    ) -> (DateTime<Utc>, Result<T, Failure<E>>) {
        self.note_use(real);
        let mut life = self.life();
        let now = life.facts.clock.now(real);
        let mut state = match self.open(&mut life) {
            Ok(state) => state,
            Err(error) => return (now, Err(error.into())),
        };
        let outcome = self.transaction(&mut state, |state, fired| {
            *fired = self.fire_due(state, now)?;
            let rng = state.next_rng();
            let settings = state.facts.known(state.db)?.settings.clone();
            let cx = &mut state.cx(now, rng, provider, &settings);
            if fired.is_empty() {
                // Nothing to keep on a refusal: the transaction itself is the savepoint.
                return guarded(|| work(cx)).map(Ok);
            }
            match savepoint(state.db, || guarded(|| work(cx))) {
                Ok(value) => Ok(Ok(value)),
                Err(Failure::Store(error)) => Err(Failure::Store(error)),
                Err(refused) => Ok(Err(refused)),
            }
        });
        let outcome = outcome.and_then(std::convert::identity);
        (now, outcome)
    }

    /// Reads the world as it is now, for those who watch: due timers fire as before any request, but nothing is drawn from the random
    /// source, so that whoever is watched cannot tell.
    pub fn look<T, E>(
        &self,
        real: DateTime<Utc>,
        provider: &str,
        work: impl FnOnce(&mut Cx<'_>) -> Result<T, E>,
    ) -> Result<T, Failure<E>> {
        self.tick(real);
        let mut life = self.life();
        let now = life.facts.clock.now(real);
        let mut state = self.open(&mut life)?;
        state.transaction(|state| {
            let rng = Rng::new(state.facts.seed, state.facts.draws);
            let settings = state.facts.known(state.db)?.settings.clone();
            guarded(|| work(&mut state.cx(now, rng, provider, &settings)))
        })
    }

    /// Fires what is due, for those who watch. Of a world that was not used yet nothing is known.
    pub fn tick(&self, real: DateTime<Utc>) {
        let mut life = self.life();
        let now = life.facts.clock.now(real);
        match life.known().map(|known| known.is_some_and(|known| known.next_due.is_some_and(|due| due <= now))) {
            Ok(false) => {}
            Ok(true) => {
                let outcome = self.open(&mut life).map_err(Failure::<()>::Store).and_then(|mut state| {
                    self.transaction(&mut state, |state, fired| {
                        *fired = self.fire_due(state, now)?;
                        Ok(())
                    })
                });
                if let Err(error) = outcome {
                    tracing::error!(world = self.name, %error, "due timers could not fire");
                }
            }
            Err(error) => tracing::error!(world = self.name, %error, "the timer table cannot be read"),
        }
    }

    /// The clock, for those who list worlds without using them.
    pub fn clock(&self, real: DateTime<Utc>) -> ClockView {
        view(&self.life().facts.clock, real)
    }

    /// Sets the clock: to another moment, to another mode, or both. What becomes due on the way fires, in order.
    pub fn set_clock(
        &self,
        now: Option<DateTime<Utc>>,
        mode: Option<Mode>,
        real: DateTime<Utc>,
    ) -> Result<(ClockView, Vec<Timer>), Failure<OutOfRange>> {
        self.move_clock(real, |clock, before| Clock::showing(now.unwrap_or(before), mode.unwrap_or(clock.mode), real))
    }

    /// Moves the clock ahead. What becomes due on the way fires, in order.
    pub fn advance(&self, by: TimeDelta, real: DateTime<Utc>) -> Result<(ClockView, Vec<Timer>), Failure<OutOfRange>> {
        self.move_clock(real, |clock, before| {
            let target = before.checked_add_signed(by).ok_or_else(|| OutOfRange(format!("{by} after {before}")))?;
            Clock::showing(target, clock.mode, real)
        })
    }

    fn move_clock(
        &self,
        real: DateTime<Utc>,
        to: impl FnOnce(&Clock, DateTime<Utc>) -> Result<Clock, OutOfRange>,
    ) -> Result<(ClockView, Vec<Timer>), Failure<OutOfRange>> {
        self.note_use(real);
        let mut life = self.life();
        let before = life.facts.clock.now(real);
        let clock = to(&life.facts.clock, before).map_err(Failure::Refused)?;
        let mut state = self.open(&mut life)?;
        let fired = self.transaction(&mut state, |state, fired| {
            let after = clock.now(real);
            // What was due before the clock is set back has happened, seen or not.
            *fired = self.fire_due(state, after.max(before))?;
            if after < before {
                state.is_changed.set(true);
                timers::rebase(state.db, after)?;
            }
            write_clock(state.db, clock)?;
            Ok(fired.clone())
        })?;
        life.facts.clock = clock;
        let shown = view(&clock, real);
        self.events.tell(|| Event::Clock(shown.clone()));
        Ok((shown, fired))
    }

    /// Notes an exchange in the journal, and tells those who watch.
    pub fn note(&self, note: Note<'_>) {
        self.journal.note(note, |entry| self.events.tell(|| Event::Request(Arc::new(Summary::from(&entry())))));
    }

    /// What fault rules have in store for a request.
    pub fn strike(&self, call: &Call<'_>, real: DateTime<Utc>) -> Plan {
        if self.faults.is_empty() {
            return Plan::default();
        }
        let (seed, now) = {
            let life = self.life();
            (life.facts.seed, life.facts.clock.now(real))
        };
        self.faults.strike(call, seed, now)
    }

    /// Whether a webhook waits to be posted.
    pub fn has_due_delivery(&self, real: DateTime<Utc>) -> bool {
        let mut life = self.life();
        let now = life.facts.clock.now(real);
        // What cannot be read is found out, and said, by the next request.
        life.known().is_ok_and(|known| known.is_some_and(|known| known.next_delivery.is_some_and(|due| due <= now)))
    }

    /// The webhooks that are due, for whoever posts them now.
    pub fn claim_deliveries(&self, real: DateTime<Utc>) -> Result<Vec<Delivery>, Failure<rusqlite::Error>> {
        let mut life = self.life();
        let now = life.facts.clock.now(real);
        let mut state = self.open(&mut life)?;
        state.transaction(|state| {
            state.is_changed.set(true);
            Ok(deliveries::claim(state.db, now, state.filling)?)
        })
    }

    /// Notes that a webhook arrived.
    pub fn settle_delivery(&self, delivery: &Delivery) -> Result<(), Failure<rusqlite::Error>> {
        let mut life = self.life();
        if life.filling != delivery.filling {
            return Ok(());
        }
        let mut state = self.open(&mut life)?;
        state.transaction(|state| {
            state.is_changed.set(true);
            Ok(deliveries::remove(state.db, delivery.id)?)
        })
    }

    /// One transaction around `work`, which says which timers fired. What was kept is told to those who watch: these timers, and the
    /// messages that are new.
    fn transaction<T, E>(
        &self,
        state: &mut State<'_>,
        work: impl FnOnce(&mut State<'_>, &mut Vec<Timer>) -> Result<T, Failure<E>>,
    ) -> Result<T, Failure<E>> {
        let mut fired = Vec::new();
        if !self.events.are_watched() {
            return state.transaction(|state| work(state, &mut fired));
        }
        let last = outbox::last_id(state.db)?;
        let value = state.transaction(|state| work(state, &mut fired))?;
        for timer in fired {
            self.events.tell(|| Event::Timer(timer));
        }
        match outbox::after(state.db, last) {
            Ok(messages) => {
                for message in messages {
                    self.events.tell(|| Event::Message(Arc::new(message)));
                }
            }
            Err(error) => tracing::error!(world = self.name, %error, "the outbox cannot be read"),
        }
        Ok(value)
    }

    fn fire_due(&self, state: &mut State<'_>, upto: DateTime<Utc>) -> rusqlite::Result<Vec<Timer>> {
        let mut fired = Vec::new();
        if !state.is_due(upto)? {
            return Ok(fired);
        }
        while let Some(timer) = timers::next_due(state.db, upto)? {
            timers::consume(state.db, &timer)?;
            let rng = state.next_rng();
            let settings = Settings::read(state.db)?;
            state.is_changed.set(true);
            let cx = &mut state.cx(timer.due, rng, &timer.provider, &settings);
            match savepoint(state.db, || guarded(|| self.hooks.on_timer(cx, &timer))) {
                Ok(()) => {}
                Err(Failure::Store(error)) => return Err(error),
                Err(failure) => {
                    let cause = match failure {
                        Failure::Refused(error) => error.to_string(),
                        other => other.to_string(),
                    };
                    tracing::error!(
                        world = self.name,
                        provider = timer.provider,
                        timer = timer.kind,
                        cause,
                        "a timer failed and is dropped"
                    );
                }
            }
            fired.push(timer);
            if fired.len() >= MAX_FIRED {
                tracing::error!(world = self.name, "over {MAX_FIRED} timers fired in one go; the rest waits");
                break;
            }
        }
        Ok(fired)
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        // Handlers' panics are caught inside, so a poisoned lock still guards a sound state.
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a world could not be created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// SQLite failed.
    #[error("the world's database failed: {0}")]
    Store(#[from] rusqlite::Error),
    /// The first moment cannot be shown.
    #[error(transparent)]
    Clock(#[from] OutOfRange),
}

impl State<'_> {
    fn next_rng(&mut self) -> Rng {
        self.facts.draws += 1;
        Rng::new(self.facts.seed, self.facts.draws)
    }

    fn is_due(&mut self, now: DateTime<Utc>) -> rusqlite::Result<bool> {
        Ok(self.facts.known(self.db)?.next_due.is_some_and(|due| due <= now))
    }

    /// What a handler gets to see.
    fn cx<'b>(&'b self, now: DateTime<Utc>, rng: Rng, provider: &'b str, settings: &'b Settings) -> Cx<'b> {
        let beside = Beside { settings, lasting: self.lasting, is_changed: &self.is_changed };
        Cx { db: self.db, now, rng, provider, beside }
    }

    /// One transaction around `work`.
    ///
    /// In memory, one that only read stays open for the next, since it keeps nobody waiting; and the number of draws, which a file
    /// has with whatever else was written, is kept beside the database.
    fn transaction<T, E>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Failure<E>>) -> Result<T, Failure<E>> {
        if self.db.is_autocommit() {
            run(self.db, "BEGIN")?;
        }
        let changes = self.db.total_changes();
        let outcome = work(self).and_then(|value| {
            let has_written = self.db.total_changes() != changes;
            if has_written && self.in_file {
                self.db.prepare_cached("UPDATE world SET draws = ?1")?.execute([self.facts.draws.cast_signed()])?;
            }
            if has_written || self.in_file {
                run(self.db, "COMMIT")?;
            }
            Ok(value)
        });
        if self.is_changed.take() {
            self.facts.known = None;
        }
        if outcome.is_err() && !self.db.is_autocommit() {
            run(self.db, "ROLLBACK")?;
        }
        outcome
    }
}

/// Keeps what `work` did in the database when it succeeds, and undoes it otherwise, inside the open transaction.
fn savepoint<T, E>(db: &Connection, work: impl FnOnce() -> Result<T, Failure<E>>) -> Result<T, Failure<E>> {
    run(db, "SAVEPOINT work")?;
    let outcome = work();
    if outcome.is_err() {
        run(db, "ROLLBACK TO work")?;
    }
    run(db, "RELEASE work")?;
    outcome
}

/// Runs `work`, turning a refusal or a panic into a failure.
fn guarded<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<T, Failure<E>> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(Failure::Refused),
        Err(payload) => Err(Failure::Panicked(panic_message(&*payload))),
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

fn run(db: &Connection, statement: &str) -> rusqlite::Result<()> {
    db.prepare_cached(statement)?.execute([])?;
    Ok(())
}

fn view(clock: &Clock, real: DateTime<Utc>) -> ClockView {
    ClockView { now: clock.now(real), mode: clock.mode, offset_ms: clock.offset(real).num_milliseconds() }
}

fn write_clock(db: &Connection, clock: Clock) -> rusqlite::Result<()> {
    db.execute("UPDATE world SET clock_mode = ?1, clock_ms = ?2", (AsText(clock.mode), clock.value_ms))?;
    Ok(())
}
