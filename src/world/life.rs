//! How a world begins, sleeps and awakens.
//!
//! A world's database is opened when it is first used: until then the world is an [`Origin`] and the moment of its creation, and what
//! its beginning does (at that moment, whenever it is done) is still to be done. A world that nobody uses is put to sleep: its
//! database is closed, and what differs from the image that it began with is kept. Neither can be told from outside.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension as _};

use super::clock::{Clock, Mode, OutOfRange};
use super::cx::{Beside, Lasting, Settings, set_setting};
use super::events::Event;
use super::image::Image;
use super::rng::Rng;
use super::store::AsText;
use super::{CreateError, Cx, Hooks, Origin, World, deliveries, run, store, timers, view};

/// How long nobody has used a world that is put to sleep, in real time.
const IDLE: TimeDelta = TimeDelta::seconds(3);

/// The largest database that is put to sleep: another takes too long to compare and to copy.
const SLEEPER_LIMIT: usize = 8 * 1024 * 1024;

/// A state of a world that was put aside, whole: data, timers, settings, outbox, chance, and the clock.
#[derive(Clone, Debug)]
pub struct Saved {
    /// The database.
    pub image: Arc<Image>,
    /// What the clock showed.
    pub now: DateTime<Utc>,
    pub(super) facts: Facts,
}

impl Saved {
    /// Reads what can be told of the world in a database.
    pub fn of(db: &mut Connection, beside: &Image, real: DateTime<Utc>) -> rusqlite::Result<Option<Self>> {
        let Some(mut facts) = Facts::read(db)? else { return Ok(None) };
        facts.known = Some(Known::read(db)?);
        Ok(Some(Self { image: Arc::new(beside.beside(db)?), now: facts.clock.now(real), facts }))
    }

    /// Running or frozen.
    pub fn mode(&self) -> Mode {
        self.facts.clock.mode
    }

    /// Seed of the random source.
    pub fn seed(&self) -> u64 {
        self.facts.seed
    }

    /// The facts of a world that takes this state at the moment `real`: its clock shows what it showed, and goes on from there
    /// where it was running.
    pub(super) fn facts_at(&self, real: DateTime<Utc>) -> Result<Facts, OutOfRange> {
        let clock = Clock::showing(self.now, self.facts.clock.mode, real)?;
        Ok(Facts { clock, ..self.facts.clone() })
    }
}

/// What a world, or the empty world that it is reset to, is made from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Fixtures, or none.
    Fixtures {
        /// The database to copy.
        image: Arc<Image>,
        /// When they were read into it.
        loaded_at: DateTime<Utc>,
    },
    /// A state of a world.
    Saved(Saved),
}

impl Source {
    pub(super) fn image(&self) -> &Arc<Image> {
        match self {
            Self::Fixtures { image, .. } | Self::Saved(Saved { image, .. }) => image,
        }
    }
}

/// What is known of a world without its database.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) seed: u64,
    pub(super) draws: u64,
    pub(super) clock: Clock,
    /// What every request wants to know of the database; read again after any of it changed.
    pub(super) known: Option<Known>,
}

#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) settings: Arc<Settings>,
    /// When the next timer is due.
    pub(super) next_due: Option<DateTime<Utc>>,
    /// When the next webhook is due.
    pub(super) next_delivery: Option<DateTime<Utc>>,
}

impl Known {
    fn read(db: &Connection) -> rusqlite::Result<Self> {
        let settings = Arc::new(Settings::read(db)?);
        Ok(Self { settings, next_due: timers::next(db)?, next_delivery: deliveries::next_due(db)? })
    }
}

impl Facts {
    /// Those of the world in a database; none where there is none.
    pub(super) fn read(db: &Connection) -> rusqlite::Result<Option<Self>> {
        db.query_row("SELECT seed, draws, clock_mode, clock_ms FROM world", [], |row| {
            let clock = Clock { mode: row.get::<_, AsText<_>>(2)?.0, value_ms: row.get(3)? };
            let [seed, draws] = [row.get::<_, i64>(0)?, row.get(1)?].map(i64::cast_unsigned);
            Ok(Self { seed, draws, clock, known: None })
        })
        .optional()
    }

    pub(super) fn write(&self, db: &Connection) -> rusqlite::Result<()> {
        db.prepare_cached("INSERT OR REPLACE INTO world (id, seed, draws, clock_mode, clock_ms) VALUES (1, ?1, ?2, ?3, ?4)")?
            .execute((self.seed.cast_signed(), self.draws.cast_signed(), AsText(self.clock.mode), self.clock.value_ms))?;
        Ok(())
    }

    /// Reading draws too, and writes nothing. Two copies of the same state are to be the same.
    fn write_where_new(&self, db: &Connection) -> rusqlite::Result<()> {
        match Self::read(db)? {
            Some(Self { seed, draws, clock, .. }) if (seed, draws, clock) == (self.seed, self.draws, self.clock) => Ok(()),
            _ => self.write(db),
        }
    }

    /// Those of a world that has `kept` of another, with what `origin` asks for.
    fn with(kept: Self, origin: &Origin, real: DateTime<Utc>) -> Result<Self, OutOfRange> {
        let clock = match (origin.now, origin.mode) {
            (None, None) => kept.clock,
            (now, mode) => Clock::showing(now.unwrap_or(kept.clock.now(real)), mode.unwrap_or(kept.clock.mode), real)?,
        };
        Ok(Self { seed: origin.seed.unwrap_or(kept.seed), clock, known: None, ..kept })
    }

    /// Those of a world that begins with `source`, as `origin` asks.
    pub(super) fn at_beginning(source: &Source, origin: &Origin, real: DateTime<Utc>) -> Result<Self, OutOfRange> {
        Self::with(before(source, real)?, origin, real)
    }
}

fn before(source: &Source, real: DateTime<Utc>) -> Result<Facts, OutOfRange> {
    match source {
        Source::Fixtures { .. } => Ok(Facts { seed: 0, draws: 0, clock: Clock::REAL, known: None }),
        Source::Saved(saved) => saved.facts_at(real),
    }
}

/// What a world is while its database is closed.
#[derive(Debug)]
pub(super) enum Rest {
    /// It was not used yet.
    Begins {
        /// What it is made from.
        source: Source,
        /// When it was created, or reset.
        real: DateTime<Utc>,
    },
    /// It is as in this image.
    Sleeps(Arc<Image>),
}

/// All that changes in a world, behind its lock.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) facts: Facts,
    /// How often the database was filled.
    pub(super) filling: u64,
    db: Option<Connection>,
    /// What the database is made from when there is none. A world in a file always has one.
    rest: Rest,
    in_file: bool,
    lasting: Lasting,
}

/// A world with its database open.
pub(super) struct State<'a> {
    pub(super) db: &'a mut Connection,
    pub(super) facts: &'a mut Facts,
    pub(super) filling: u64,
    pub(super) in_file: bool,
    pub(super) lasting: &'a Lasting,
    /// Whether timers, webhooks or settings changed in this transaction.
    pub(super) is_changed: Cell<bool>,
}

impl Life {
    /// A world in memory, which was not used yet.
    pub(super) fn new(origin: &Origin, real: DateTime<Utc>) -> Result<Self, OutOfRange> {
        let source = origin.source.clone();
        let facts = Facts::at_beginning(&source, origin, real)?;
        Ok(Self { facts, filling: 0, db: None, rest: Rest::Begins { source, real }, in_file: false, lasting: Lasting::default() })
    }

    /// A world begins in an empty data file.
    pub(super) fn begun_in(
        mut db: Connection,
        hooks: &dyn Hooks,
        origin: &Origin,
        real: DateTime<Utc>,
    ) -> Result<Self, CreateError> {
        let Self { facts, rest, .. } = Self::new(origin, real)?;
        store::copy_pages(&awaken(&rest, &facts, hooks, origin)?, &mut db)?;
        Ok(Self { facts, filling: 0, db: Some(db), rest, in_file: true, lasting: Lasting::default() })
    }

    /// The world in a data file goes on, as `origin` asks.
    pub(super) fn resumed(db: Connection, origin: &Origin, real: DateTime<Utc>) -> Result<Self, CreateError> {
        let transaction = db.unchecked_transaction()?;
        let kept = Facts::read(&transaction)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let before = kept.clock.now(real);
        let facts = Facts::with(kept, origin, real)?;
        settle(&transaction, &facts, origin, before, real)?;
        transaction.commit()?;
        let rest = Rest::Begins { source: origin.source.clone(), real };
        Ok(Self { facts, filling: 0, db: Some(db), rest, in_file: true, lasting: Lasting::default() })
    }

    pub(super) fn has_begun(&self) -> bool {
        self.db.is_some() || matches!(self.rest, Rest::Sleeps(_))
    }

    /// What every request wants to know, unless that takes opening the database.
    pub(super) fn known(&mut self) -> rusqlite::Result<Option<&Known>> {
        match &self.db {
            Some(db) => self.facts.known(db).map(Some),
            None => Ok(self.facts.known.as_ref()),
        }
    }
}

impl Facts {
    pub(super) fn known(&mut self, db: &Connection) -> rusqlite::Result<&Known> {
        match &mut self.known {
            Some(known) => Ok(known),
            none => Ok(none.insert(Known::read(db)?)),
        }
    }
}

/// Ends the transaction in which a request left the database that only read it.
fn end_reading(db: &Connection) -> rusqlite::Result<()> {
    if db.is_autocommit() { Ok(()) } else { run(db, "COMMIT") }
}

/// The database of a world that is at rest.
fn awaken(rest: &Rest, facts: &Facts, hooks: &dyn Hooks, origin: &Origin) -> rusqlite::Result<Connection> {
    let (source, real) = match rest {
        Rest::Sleeps(image) => return image.open(),
        Rest::Begins { source, real } => (source, *real),
    };
    let db = source.image().open()?;
    let transaction = db.unchecked_transaction()?;
    // A clock that could not be shown was refused when the world was created.
    let before = before(source, real).map_or(real, |facts| facts.clock.now(real));
    settle(&transaction, facts, origin, before, real)?;
    if let Source::Fixtures { loaded_at, .. } = source {
        let beside =
            Beside { settings: &Settings::read(&transaction)?, lasting: &Lasting::default(), is_changed: &Cell::default() };
        let (now, rng) = (facts.clock.now(real), Rng::new(facts.seed, 0));
        hooks.begin(&mut Cx { db: &transaction, now, rng, provider: "", beside }, *loaded_at)?;
    }
    transaction.commit()?;
    Ok(db)
}

/// Writes facts and settings into a database whose clock showed `before`.
fn settle(db: &Connection, facts: &Facts, origin: &Origin, before: DateTime<Utc>, real: DateTime<Utc>) -> rusqlite::Result<()> {
    let now = facts.clock.now(real);
    if now < before {
        timers::rebase(db, now)?;
    }
    facts.write(db)?;
    for (provider, key, value) in &origin.settings {
        set_setting(db, provider, key, value)?;
    }
    Ok(())
}

impl World {
    /// The world with its database, which is opened where it was closed.
    pub(super) fn open<'a>(&self, life: &'a mut Life) -> rusqlite::Result<State<'a>> {
        let Life { facts, filling, db, rest, in_file, lasting } = life;
        let db = match db {
            Some(db) => db,
            none => {
                self.opened.store(true, Ordering::Relaxed);
                none.insert(awaken(rest, facts, &*self.hooks, &self.origin)?)
            }
        };
        Ok(State { db, facts, filling: *filling, in_file: *in_file, lasting, is_changed: Cell::default() })
    }

    /// Has the world be something else from now on.
    fn become_as(&self, life: &mut Life, rest: Rest, facts: Facts) -> rusqlite::Result<()> {
        match &mut life.db {
            // Made ready beside the file, which then changes all at once.
            Some(db) if life.in_file => {
                let ready = awaken(&rest, &facts, &*self.hooks, &self.origin)?;
                facts.write(&ready)?;
                store::copy_pages(&ready, db)?;
            }
            db => *db = None,
        }
        life.rest = rest;
        life.facts = facts;
        life.lasting = Lasting::default();
        life.filling += 1;
        Ok(())
    }

    /// Goes back to how the world was at its creation, or to `source` (an empty world) instead.
    pub fn reset(&self, source: Option<Source>, real: DateTime<Utc>) -> Result<(), CreateError> {
        self.note_use(real);
        let mut life = self.life();
        let source = source.unwrap_or_else(|| self.origin.source.clone());
        let facts = Facts::at_beginning(&source, &self.origin, real)?;
        self.become_as(&mut life, Rest::Begins { source, real }, facts)?;
        self.journal.reset();
        self.faults.reset();
        self.events.tell(|| Event::Reset);
        self.events.tell(|| Event::Clock(view(&life.facts.clock, real)));
        Ok(())
    }

    /// The state, whole, from which others can be made, and to which this one can go back.
    pub fn save(&self, real: DateTime<Utc>) -> rusqlite::Result<Saved> {
        let mut life = self.life();
        let state = self.open(&mut life)?;
        end_reading(state.db)?;
        state.facts.write_where_new(state.db)?;
        let image = self.origin.source.image().beside(state.db)?;
        state.facts.known(state.db)?;
        Ok(Saved { image: Arc::new(image), now: state.facts.clock.now(real), facts: state.facts.clone() })
    }

    /// Takes another state. The clock shows what it showed there, and goes on from that where it was running.
    pub fn restore(&self, saved: &Saved, real: DateTime<Utc>) -> rusqlite::Result<()> {
        let facts = saved.facts_at(real).unwrap_or_else(|_| saved.facts.clone());
        let mut life = self.life();
        self.become_as(&mut life, Rest::Sleeps(saved.image.clone()), facts)?;
        self.events.tell(|| Event::Clock(view(&life.facts.clock, real)));
        Ok(())
    }

    /// Opens the database of a world that was not used yet, so that its timers are known, and closes that of one which nobody has
    /// used for a while, where it `may_sleep`. Says whether there was anything to do.
    pub fn tidy(&self, may_sleep: bool, created: DateTime<Utc>, real: DateTime<Utc>) -> rusqlite::Result<bool> {
        let mut life = self.life();
        let mut done = false;
        if !life.has_begun() {
            let state = self.open(&mut life)?;
            state.facts.known(state.db)?;
            done = true;
        }
        let is_idle = real - self.last_used(created) >= IDLE;
        Ok(may_sleep && is_idle && self.sleep(&mut life)? || done)
    }

    /// Closes its database at once, where it may be.
    pub fn go_to_sleep(&self) -> rusqlite::Result<bool> {
        self.sleep(&mut self.life())
    }

    /// Whether its database was opened since this was last asked.
    pub fn was_opened(&self) -> bool {
        self.opened.load(Ordering::Relaxed) && self.opened.swap(false, Ordering::Relaxed)
    }

    fn sleep(&self, life: &mut Life) -> rusqlite::Result<bool> {
        let Life { db: Some(db), in_file: false, .. } = life else { return Ok(false) };
        let pages: usize = db.query_row("PRAGMA page_count", [], |row| row.get::<_, u32>(0))?.try_into().unwrap_or(usize::MAX);
        if pages.saturating_mul(store::PAGE_SIZE.into()) > SLEEPER_LIMIT {
            return Ok(false);
        }
        life.facts.known(db)?;
        end_reading(db)?;
        life.rest = Rest::Sleeps(Arc::new(self.origin.source.image().beside(db)?));
        life.db = None;
        Ok(true)
    }

    /// Whether its database is open.
    pub fn is_awake(&self) -> bool {
        self.life().db.is_some()
    }
}
