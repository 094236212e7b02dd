//! The worlds of one process, and the providers that are in all of them.

mod load;
mod registry;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::sync::watch;

use crate::world::clock::{Mode, OutOfRange, Stopwatch};
use crate::world::image::Image;
use crate::world::snapshot::{self, Snapshot, SnapshotError, Space};
use crate::world::store::{self, OpenError};
use crate::world::{self, CreateError, Hooks, Origin, Saved, Source, World};

pub use load::{LoadError, MAGIC};
pub use registry::{Additions, Fixture, Registry, RegistryError};

/// The world that an address means which names none. It is there from the start and stays.
pub const DEFAULT: &str = "default";

/// How long worlds may take to begin and to go to sleep at a time. Requests wait meanwhile.
const TIDYING: Duration = Duration::from_millis(1);

/// What a new world begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// The fixtures.
    #[default]
    Fixtures,
    /// An exact copy of the world of this name as it is now.
    World(String),
    /// A snapshot.
    Snapshot {
        /// The world that it was taken of.
        world: String,
        /// Its id.
        id: String,
    },
}

/// What a new world is to be like; everything has a default.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// Its name; the next of `world-1`, `world-2`, ... when absent. No such name is given twice.
    pub name: Option<String>,
    /// What it begins with.
    pub from: Start,
    /// What is added to the fixtures, where it begins with them: members of objects are set, items of lists appended.
    pub fixtures: Additions,
    /// Seed of the random source; the process's when absent.
    pub seed: Option<u64>,
    /// First moment of the clock.
    pub now: Option<DateTime<Utc>>,
    /// Running or frozen.
    pub mode: Option<Mode>,
    /// Settings: provider, key, value. They have been checked.
    pub settings: Vec<(String, String, Value)>,
    /// Real time without a request after which the world is deleted; never when absent.
    pub idle_ttl: Option<TimeDelta>,
}

/// Why there is no new world.
#[derive(Debug, thiserror::Error)]
pub enum NewWorldError {
    /// What is to be added to the fixtures cannot be.
    #[error("fixtures: {0}")]
    Fixtures(String),
    /// The name cannot stand in an address.
    #[error("{0:?} cannot be a world's name: 1 to 63 lower-case letters, digits, '-' or '_', beginning with a letter or digit")]
    BadName(String),
    /// There is one of that name.
    #[error("there is already a world named {0:?}")]
    Exists(String),
    /// The world to copy does not exist.
    #[error("there is no world named {0:?} to copy")]
    NoSource(String),
    /// The snapshot to begin with does not exist.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The clock cannot show that moment.
    #[error(transparent)]
    Clock(#[from] OutOfRange),
    /// A setting does not exist or cannot have that value.
    #[error("{0}")]
    Setting(String),
    /// The database failed.
    #[error("the world's database failed: {0}")]
    Store(#[from] rusqlite::Error),
    /// The fixtures failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl From<CreateError> for NewWorldError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Store(error) => Self::Store(error),
            CreateError::Clock(error) => Self::Clock(error),
        }
    }
}

#[derive(Clone)]
struct Held {
    world: Arc<World>,
    created: DateTime<Utc>,
    idle_ttl: Option<TimeDelta>,
    /// Closed when the world is no longer held.
    life: Arc<watch::Sender<()>>,
}

/// How many worlds may be awake at a time, beside the default one: an open database takes most of a megabyte.
const AWAKE: usize = 64;

/// The worlds of one process.
pub struct Worlds {
    /// The providers that are in all of them.
    pub registry: Arc<Registry>,
    seed: u64,
    /// Fixtures, and when they were read; then the empty tables. Made when first needed.
    filled: Mutex<Option<(Arc<Image>, DateTime<Utc>)>>,
    empty: Mutex<Option<Arc<Image>>>,
    /// What snapshots may take.
    space: Arc<Space>,
    held: RwLock<BTreeMap<String, Held>>,
    /// Those that were opened, and may be awake.
    awake: Mutex<Vec<Weak<World>>>,
    /// How many worlds were named here.
    named: AtomicU64,
    /// Told when some world has a webhook to post.
    pub webhooks: Notify,
}

impl Worlds {
    /// No world yet. `seed` is that of worlds which are given none.
    pub fn new(registry: Registry, seed: u64) -> Self {
        Self {
            registry: Arc::new(registry),
            seed,
            filled: Mutex::new(None),
            empty: Mutex::new(None),
            space: Arc::new(Space::new(snapshot::MEMORY)),
            held: RwLock::default(),
            awake: Mutex::default(),
            named: AtomicU64::new(0),
            webhooks: Notify::new(),
        }
    }

    /// Lets all snapshots together take so many bytes of memory.
    #[must_use]
    pub fn snapshot_memory(self, bytes: usize) -> Self {
        Self { space: Arc::new(Space::new(bytes)), ..self }
    }

    /// The world of this name.
    pub fn get(&self, name: &str) -> Option<Arc<World>> {
        self.read().get(name).map(|held| held.world.clone())
    }

    /// Closes when this very world is deleted; none when it is not held.
    pub fn life(&self, world: &Arc<World>) -> Option<watch::Receiver<()>> {
        self.read().get(world.name()).filter(|held| Arc::ptr_eq(&held.world, world)).map(|held| held.life.subscribe())
    }

    /// All worlds, by name.
    pub fn all(&self) -> Vec<Arc<World>> {
        self.read().values().map(|held| held.world.clone()).collect()
    }

    /// Creates a world in memory.
    pub fn create(&self, spec: Spec, real: DateTime<Utc>) -> Result<Arc<World>, NewWorldError> {
        if let Some(name) = &spec.name {
            check_name(name)?;
            if self.get(name).is_some() {
                return Err(NewWorldError::Exists(name.clone()));
            }
        }
        let origin = self.origin(&spec, real)?;
        let create = |name: String| World::create(name, self.registry.clone(), origin, real);
        // The world is made before the map is locked, so that others are not kept waiting; the name is then claimed or refused.
        let idle_ttl = spec.idle_ttl;
        let world = match spec.name {
            Some(name) => create(name)?,
            None => create(self.free_name())?,
        };
        if world.name() == DEFAULT {
            // It is there for everybody: what is wrong with it has the process not start.
            world.begin()?;
        }
        self.hold(world, idle_ttl, real)
    }

    /// Creates the default world in a data file, or goes on with the one that is there.
    pub fn open(&self, path: &Path, spec: Spec, real: DateTime<Utc>) -> Result<Arc<World>, NewWorldError> {
        // Before there is a file: a fixture that is wrong leaves none behind.
        let origin = self.origin(&spec, real)?;
        let failed = |source| RegistryError::from(OpenError::Other { path: path.display().to_string(), source });
        let (db, new) = store::open_file(path).map_err(RegistryError::from)?;
        let name = DEFAULT.to_owned();
        let hooks: Arc<dyn Hooks> = self.registry.clone();
        let world = if new || !world::is_complete(&db).map_err(failed)? {
            World::create_in(db, name, hooks, origin, real)?
        } else {
            self.registry.update(&db, path, real)?;
            World::resume(db, name, hooks, origin, spec.seed, real)?
        };
        self.hold(world, None, real)
    }

    /// Deletes a world; says whether there was one.
    pub fn delete(&self, name: &str) -> bool {
        self.held.write().unwrap_or_else(PoisonError::into_inner).remove(name).is_some()
    }

    /// An image without fixtures.
    pub fn empty(&self, real: DateTime<Utc>) -> Result<Arc<Image>, RegistryError> {
        let mut empty = lock(&self.empty);
        if let Some(image) = &*empty {
            return Ok(image.clone());
        }
        let image = Arc::new(self.registry.image(real, false)?);
        *empty = Some(image.clone());
        Ok(image)
    }

    /// Puts the state of a world aside.
    pub fn take_snapshot(&self, world: &World, name: Option<String>, real: DateTime<Utc>) -> Result<Arc<Snapshot>, SnapshotError> {
        world.take_snapshot(name, &self.space, real)
    }

    /// Fires due timers of all worlds, and deletes those that nobody used for too long.
    pub fn tick(&self, real: DateTime<Utc>) {
        let held: Vec<Held> = self.read().values().cloned().collect();
        for Held { world, created, idle_ttl, .. } in &held {
            match idle_ttl {
                Some(idle_ttl) if real - world.last_used(*created) > *idle_ttl => {
                    tracing::info!(world = world.name(), "deleted, since nobody used it");
                    self.forget(world);
                }
                _ => world.tick(real),
            }
        }
    }

    /// Has worlds begin that were not used yet, and those sleep that nobody used for a while, for a moment. Says whether more are
    /// left.
    pub fn tidy(&self, real: DateTime<Utc>) -> bool {
        let held: Vec<Held> = self.read().values().cloned().collect();
        let watch = Stopwatch::start();
        for Held { world, created, .. } in &held {
            match world.tidy(world.name() != DEFAULT, *created, real) {
                Ok(done) => {
                    self.limit_awake(world);
                    if done && watch.elapsed() > TIDYING {
                        return true;
                    }
                }
                Err(error) => tracing::error!(world = world.name(), %error, "a world can neither begin nor sleep"),
            }
        }
        false
    }

    /// Has worlds go to sleep where too many are awake, those first that were not used for longest. To be called after whatever may
    /// have awakened `world`.
    pub fn limit_awake(&self, world: &Arc<World>) {
        if !world.was_opened() || world.name() == DEFAULT {
            return;
        }
        let mut listed = lock(&self.awake);
        listed.push(Arc::downgrade(world));
        if listed.len() <= AWAKE {
            return;
        }
        let mut awake: Vec<Arc<World>> = Vec::with_capacity(listed.len());
        for world in listed.iter().rev().filter_map(Weak::upgrade) {
            if world.is_awake() && !awake.iter().any(|other| Arc::ptr_eq(other, &world)) {
                awake.push(world);
            }
        }
        // Of those that were used in the same millisecond, the ones opened first go first.
        awake.reverse();
        awake.sort_by_key(|world| world.last_used(DateTime::UNIX_EPOCH));
        // Some more than there have to be, so that it is not the next one's turn at once.
        let surplus = if awake.len() > AWAKE { awake.len() - AWAKE * 3 / 4 } else { 0 };
        for world in awake.drain(..surplus) {
            if let Err(error) = world.go_to_sleep() {
                tracing::error!(world = world.name(), %error, "a world cannot sleep");
            }
        }
        *listed = awake.iter().map(Arc::downgrade).collect();
    }

    /// Deletes this very world, not one that took its name since.
    pub fn forget(&self, world: &Arc<World>) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if held.get(world.name()).is_some_and(|held| Arc::ptr_eq(&held.world, world)) {
            held.remove(world.name());
        }
    }

    /// Has a world's webhooks posted, if any are due. To be called after whatever may have made or found some.
    pub fn look_for_webhooks(&self, world: &World, real: DateTime<Utc>) {
        if world.has_due_delivery(real) {
            self.webhooks.notify_one();
        }
    }

    fn hold(&self, world: World, idle_ttl: Option<TimeDelta>, real: DateTime<Utc>) -> Result<Arc<World>, NewWorldError> {
        let world = Arc::new(world);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if held.contains_key(world.name()) {
            return Err(NewWorldError::Exists(world.name().to_owned()));
        }
        held.insert(
            world.name().to_owned(),
            Held { world: world.clone(), created: real, idle_ttl, life: Arc::new(watch::Sender::new(())) },
        );
        Ok(world)
    }

    fn origin(&self, spec: &Spec, real: DateTime<Utc>) -> Result<Origin, NewWorldError> {
        let named = |name: &str| self.get(name).ok_or_else(|| NewWorldError::NoSource(name.to_owned()));
        let (source, seed) = match &spec.from {
            Start::Fixtures if !spec.fixtures.is_empty() => {
                for slug in spec.fixtures.keys() {
                    self.registry.require(slug).map_err(|error| NewWorldError::Fixtures(error.to_string()))?;
                }
                let made = self.registry.image_with(real, true, &spec.fixtures);
                let image = Arc::new(made.map_err(|error| NewWorldError::Fixtures(error.to_string()))?);
                (Source::Fixtures { image, loaded_at: real }, Some(spec.seed.unwrap_or(self.seed)))
            }
            _ if !spec.fixtures.is_empty() => {
                return Err(NewWorldError::Fixtures("only a world that begins with the fixtures takes additions".to_owned()));
            }
            Start::Fixtures => {
                let (image, loaded_at) = self.filled(real)?;
                (Source::Fixtures { image, loaded_at }, Some(spec.seed.unwrap_or(self.seed)))
            }
            Start::World(name) => (Source::Saved(named(name)?.save(real)?), spec.seed),
            Start::Snapshot { world, id } => (Source::Saved(Saved::clone(&named(world)?.snapshot(id)?.saved)), spec.seed),
        };
        Ok(Origin { source, seed, now: spec.now, mode: spec.mode, settings: spec.settings.clone() })
    }

    fn filled(&self, real: DateTime<Utc>) -> Result<(Arc<Image>, DateTime<Utc>), RegistryError> {
        let mut filled = lock(&self.filled);
        if let Some((image, loaded_at)) = &*filled {
            return Ok((image.clone(), *loaded_at));
        }
        let image = Arc::new(self.registry.image(real, true)?);
        *filled = Some((image.clone(), real));
        Ok((image, real))
    }

    fn free_name(&self) -> String {
        loop {
            let number = self.named.fetch_add(1, Ordering::Relaxed) + 1;
            let name = format!("world-{number}");
            if self.get(&name).is_none() {
                return name;
            }
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Held>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn check_name(name: &str) -> Result<(), NewWorldError> {
    let fits = (1..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'));
    if fits { Ok(()) } else { Err(NewWorldError::BadName(name.to_owned())) }
}

impl std::fmt::Debug for Worlds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worlds").field("names", &self.read().keys()).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
