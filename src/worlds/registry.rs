//! The providers of a process with their fixtures: what fills a fresh world, and what happens in every world.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use serde_json::Value;

use crate::http::any::About;
use crate::http::{AnyProvider, FixtureError};
use crate::world::faults::{BadRule, Rule};
use crate::world::image::Image;
use crate::world::store::{self, OpenError};
use crate::world::timers::{self, Timer};
use crate::world::{self, Cx, Hooks};

/// What is added to fixtures, by the slug of their provider: objects as in its fixture file.
pub type Additions = BTreeMap<String, Value>;

/// The providers of a process, and the fixture of each.
pub struct Registry {
    entries: Vec<Entry>,
    /// Providers that this process does without, whose tables files may have.
    pub(super) left_out: Vec<Arc<dyn AnyProvider>>,
}

struct Entry {
    provider: Arc<dyn AnyProvider>,
    fixture: Fixture,
}

/// The text that a fresh world is filled from.
#[derive(Clone, Debug)]
pub enum Fixture {
    /// The one built in.
    Embedded(&'static str),
    /// A file's.
    File(PathBuf, String),
}

impl Fixture {
    fn text(&self) -> &str {
        match self {
            Self::Embedded(text) => text,
            Self::File(_, text) => text,
        }
    }

    fn name(&self, slug: &str) -> String {
        match self {
            Self::Embedded(_) => format!("built-in {slug}.json"),
            Self::File(path, _) => path.display().to_string(),
        }
    }
}

/// Why the providers or their fixtures cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No provider has this slug.
    #[error("there is no provider {slug:?}; there are {known}")]
    NoProvider {
        /// What was asked for.
        slug: String,
        /// The slugs that there are.
        known: String,
    },
    /// A fixture file or its folder cannot be read.
    #[error("{path}: {reason}")]
    Unreadable {
        /// The file or folder.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// A file in the fixture folder belongs to no provider.
    #[error("{path}: no provider has this name; fixtures are named {known}")]
    Stray {
        /// The file.
        path: String,
        /// The names that there are.
        known: String,
    },
    /// A fixture is wrong.
    #[error("{name}: {error}")]
    Fixture {
        /// The file.
        name: String,
        /// What is wrong, and where.
        error: FixtureError,
    },
    /// The tables cannot be made.
    #[error(transparent)]
    Store(#[from] OpenError),
}

impl Registry {
    /// The given providers, filled from their built-in fixtures.
    pub fn new(providers: impl IntoIterator<Item = Arc<dyn AnyProvider>>) -> Self {
        let entries = providers.into_iter().map(|provider| {
            let fixture = Fixture::Embedded(provider.about().fixture);
            Entry { provider, fixture }
        });
        Self { entries: entries.collect(), left_out: Vec::new() }
    }

    /// Keeps only the providers with these slugs.
    pub fn only<S: AsRef<str>>(mut self, slugs: &[S]) -> Result<Self, RegistryError> {
        for slug in slugs {
            self.require(slug.as_ref())?;
        }
        let is_named = |entry: &Entry| slugs.iter().any(|slug| slug.as_ref() == entry.provider.about().slug);
        let (named, others): (Vec<_>, Vec<_>) = self.entries.into_iter().partition(is_named);
        self.entries = named;
        self.left_out.extend(others.into_iter().map(|entry| entry.provider));
        Ok(self)
    }

    /// Takes `<slug>.json` files of a folder instead of the built-in fixtures; providers without a file keep theirs. Any other JSON
    /// file there is refused, since it would be a fixture that silently does nothing.
    pub fn with_fixtures(mut self, folder: &Path) -> Result<Self, RegistryError> {
        let unreadable = |path: &Path, error: std::io::Error| RegistryError::Unreadable {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        let all = self.slugs().map(|slug| format!("{slug}.json")).collect::<Vec<_>>().join(", ");
        let files = std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
        for file in files {
            let path = file.map_err(|error| unreadable(folder, error))?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let slug = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let Some(entry) = self.entries.iter_mut().find(|entry| entry.provider.about().slug == slug) else {
                return Err(RegistryError::Stray { path: path.display().to_string(), known: all });
            };
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            entry.fixture = Fixture::File(path, text);
        }
        Ok(self)
    }

    /// The providers.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<dyn AnyProvider>> {
        self.entries.iter().map(|entry| &entry.provider)
    }

    /// Their slugs.
    pub fn slugs(&self) -> impl Iterator<Item = &'static str> {
        self.entries.iter().map(|entry| entry.provider.about().slug)
    }

    /// The provider with this slug.
    pub fn provider(&self, slug: &str) -> Option<&Arc<dyn AnyProvider>> {
        self.providers().find(|provider| provider.about().slug == slug)
    }

    /// The provider with this slug, or an error that names those that there are.
    pub fn require(&self, slug: &str) -> Result<&Arc<dyn AnyProvider>, RegistryError> {
        self.provider(slug)
            .ok_or_else(|| RegistryError::NoProvider { slug: slug.to_owned(), known: self.slugs().collect::<Vec<_>>().join(", ") })
    }

    /// Refuses a setting that a provider does not have, or a value that it cannot take. `null` brings the default back.
    pub fn check_setting(&self, slug: &str, key: &str, value: &Value) -> Result<(), String> {
        let provider = self.require(slug).map_err(|error| error.to_string())?;
        check_setting(provider.about(), key, value)
    }

    /// As [`Registry::check_setting`], for one that a file has: it may be a left-out provider's.
    pub(super) fn check_kept_setting(&self, slug: &str, key: &str, value: &Value) -> Result<(), String> {
        match self.left_out.iter().map(|provider| provider.about()).find(|about| about.slug == slug) {
            Some(about) => check_setting(about, key, value),
            None => self.check_setting(slug, key, value),
        }
    }

    /// Refuses a fault rule that names a provider or an operation which does not exist.
    pub fn check_fault(&self, rule: &Rule) -> Result<(), BadRule> {
        let invalid = |what: &str, reason: String| Err(BadRule::Invalid(format!("{what}: {reason}")));
        if let Some(slug) = &rule.provider
            && let Err(error) = self.require(slug)
        {
            return invalid("provider", error.to_string());
        }
        let Some(operation) = &rule.operation else { return Ok(()) };
        let meant = self.providers().filter(|provider| rule.provider.as_ref().is_none_or(|slug| provider.about().slug == slug));
        let meant: Vec<&Arc<dyn AnyProvider>> = meant.collect();
        if meant.iter().any(|provider| provider.operations().iter().any(|known| known.id == operation)) {
            return Ok(());
        }
        let known = meant.iter().map(|provider| {
            let ids: Vec<&str> = provider.operations().iter().map(|known| known.id).collect();
            format!("{} has {}", provider.about().slug, ids.join(", "))
        });
        invalid("operation", format!("there is no operation {operation:?}; {}", known.collect::<Vec<_>>().join("; ")))
    }

    /// A database with all tables, filled from the fixtures when `filled`.
    pub fn image(&self, now: DateTime<Utc>, filled: bool) -> Result<Image, RegistryError> {
        self.image_with(now, filled, &BTreeMap::new())
    }

    /// The same with additions to the fixtures, by provider.
    pub(super) fn image_with(&self, now: DateTime<Utc>, filled: bool, additions: &Additions) -> Result<Image, RegistryError> {
        let failed = |source| OpenError::Other { path: "memory".to_owned(), source };
        let mut db = self.tables([])?;
        let transaction = db.unchecked_transaction().map_err(failed)?;
        for entry in &self.entries {
            match additions.get(entry.provider.about().slug) {
                Some(addition) if filled => entry.load_with(&transaction, now, addition)?,
                _ if filled => entry.load(&transaction, now)?,
                _ => {}
            }
        }
        transaction.commit().map_err(failed)?;
        Ok(Image::whole(&mut db).map_err(failed)?)
    }

    /// The left-out providers that a database has tables of.
    pub(super) fn left_out_in(&self, db: &Connection, path: &Path) -> Result<Vec<&Arc<dyn AnyProvider>>, OpenError> {
        let mut there = Vec::new();
        for provider in &self.left_out {
            let about = provider.about();
            if store::steps_seen(db, about.slug, about.schema, Some(path))?.is_some() {
                there.push(provider);
            }
        }
        Ok(there)
    }

    /// An empty database with all tables: those of `others` too, which are left out otherwise.
    pub(super) fn tables<'a>(
        &'a self,
        others: impl IntoIterator<Item = &'a Arc<dyn AnyProvider>>,
    ) -> Result<Connection, OpenError> {
        let failed = |source| OpenError::Other { path: "memory".to_owned(), source };
        let db = store::open_memory().map_err(failed)?;
        let transaction = db.unchecked_transaction().map_err(failed)?;
        world::create_schema(&transaction, None)?;
        for about in self.providers().chain(others).map(|provider| provider.about()) {
            store::migrate(&transaction, about.slug, about.schema, None)?;
        }
        transaction.commit().map_err(failed)?;
        Ok(db)
    }

    /// Brings a data file up to date: missing tables are made, providers that are new to it get their fixtures. Of providers that are
    /// left out, the tables are kept up to date where there are any, and timers wait. All or nothing, and nothing where any part of the
    /// file is of a newer version.
    pub(super) fn update(&self, db: &Connection, path: &Path, now: DateTime<Utc>) -> Result<(), RegistryError> {
        let failed = |source| OpenError::Other { path: path.display().to_string(), source };
        world::check_schema(db, path)?;
        for about in self.providers().map(|provider| provider.about()) {
            store::steps_seen(db, about.slug, about.schema, Some(path))?;
        }
        let left_out = self.left_out_in(db, path)?;
        let transaction = db.unchecked_transaction().map_err(failed)?;
        world::create_schema(&transaction, Some(path))?;
        for entry in &self.entries {
            let about = entry.provider.about();
            if store::migrate(&transaction, about.slug, about.schema, Some(path))? {
                entry.load(&transaction, now)?;
            }
        }
        for about in left_out.into_iter().map(|provider| provider.about()) {
            store::migrate(&transaction, about.slug, about.schema, Some(path))?;
        }
        timers::have_wait(&transaction, &self.slugs().collect::<Vec<_>>()).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(())
    }
}

impl Entry {
    fn load(&self, db: &Connection, now: DateTime<Utc>) -> Result<(), RegistryError> {
        let slug = self.provider.about().slug;
        world::prepare(db, slug, now, |cx| self.provider.load(cx, self.fixture.text()))
            .map_err(|error| RegistryError::Fixture { name: self.fixture.name(slug), error })
    }

    /// Loads the fixture with an addition, which is checked as strictly as a file is.
    fn load_with(&self, db: &Connection, now: DateTime<Utc>, addition: &Value) -> Result<(), RegistryError> {
        let slug = self.provider.about().slug;
        // A fixture that is no JSON is refused as it is, with its place.
        let Ok(mut fixture) = serde_json::from_str(self.fixture.text()) else { return self.load(db, now) };
        add(&mut fixture, addition);
        world::prepare(db, slug, now, |cx| self.provider.load(cx, &fixture.to_string())).map_err(|error| RegistryError::Fixture {
            name: format!("{} with the additions to {slug}", self.fixture.name(slug)),
            error,
        })
    }
}

/// Refuses a setting that a provider does not have, or a value that it cannot have.
fn check_setting(about: &About, key: &str, value: &Value) -> Result<(), String> {
    let (slug, settings) = (about.slug, about.settings);
    let setting = settings.iter().find(|setting| setting.key == key).ok_or_else(|| {
        let known = settings.iter().map(|setting| setting.key).collect::<Vec<_>>().join(", ");
        format!("{slug} has no setting {key:?}; it has {known}")
    })?;
    if value.is_null() {
        return Ok(());
    }
    (setting.check)(value).map_err(|reason| format!("{slug}.{key}: {reason}"))
}

/// Puts an addition into a fixture: members of objects are set, items of lists appended.
fn add(fixture: &mut Value, addition: &Value) {
    match (fixture, addition) {
        (Value::Object(members), Value::Object(added)) => {
            for (name, value) in added {
                add(members.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(items), Value::Array(added)) => items.extend(added.iter().cloned()),
        (fixture, addition) => *fixture = addition.clone(),
    }
}

impl Hooks for Registry {
    fn on_timer(&self, cx: &mut Cx<'_>, timer: &Timer) -> rusqlite::Result<()> {
        match self.provider(&timer.provider) {
            Some(provider) => provider.on_timer(cx, timer),
            // No provider, no timers: those of a provider that this process was started without (--only) wait.
            None => Ok(()),
        }
    }

    fn begin(&self, cx: &mut Cx<'_>, loaded_at: DateTime<Utc>) -> rusqlite::Result<()> {
        for (provider, stream) in self.providers().zip(0..) {
            provider.begin(&mut cx.of(provider.about().slug, stream), loaded_at)?;
        }
        Ok(())
    }
}
