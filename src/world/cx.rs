//! What a handler sees of a world, and the settings that it finds there.

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::outbox::{Channel, Message};
use super::rng::Rng;
use super::store::AsJson;
use super::{deliveries, outbox, timers};

/// What a handler has in its hands: the open transaction of a world, the moment, and chance.
#[derive(Debug)]
pub struct Cx<'a> {
    /// The database, inside the transaction of this request.
    pub db: &'a Connection,
    /// The world's time: fixed for the request; a timer's own due time while it fires.
    pub now: DateTime<Utc>,
    /// The random source of this request.
    pub rng: Rng,
    pub(super) provider: &'a str,
    pub(super) beside: Beside<'a>,
}

/// What a world has in its hands beside the database, so that not every request asks for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside<'a> {
    pub(super) settings: &'a Settings,
    pub(super) lasting: &'a Lasting,
    /// Set where timers, webhooks or settings change.
    pub(super) is_changed: &'a Cell<bool>,
}

/// Rows that were read once and do not change.
#[derive(Debug, Default)]
pub(super) struct Lasting(RefCell<BTreeMap<TypeId, Box<dyn Any + Send>>>);

impl Lasting {
    fn of<T: Send + Sync + 'static>(&self, key: &str) -> Option<Arc<T>> {
        self.0.borrow().get(&TypeId::of::<T>())?.downcast_ref::<BTreeMap<String, Arc<T>>>()?.get(key).cloned()
    }

    fn keep<T: Send + Sync + 'static>(&self, key: &str, value: &Arc<T>) {
        let mut all = self.0.borrow_mut();
        let kept = all.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(BTreeMap::<String, Arc<T>>::new()));
        if let Some(kept) = kept.downcast_mut::<BTreeMap<String, Arc<T>>>() {
            kept.insert(key.to_owned(), value.clone());
        }
    }
}

impl Cx<'_> {
    /// The same transaction and moment in the hands of another provider, with a random stream of its own.
    pub fn of<'b>(&'b self, provider: &'b str, stream: u64) -> Cx<'b> {
        Cx { db: self.db, now: self.now, rng: self.rng.sibling(stream), provider, beside: self.beside }
    }

    /// Has `kind` happen to `subject` at `due` (the provider's `on_timer` is told). Setting the same again moves it.
    pub fn set_timer(&self, kind: &str, subject: &str, due: DateTime<Utc>) -> rusqlite::Result<()> {
        self.beside.is_changed.set(true);
        timers::set(self.db, self.provider, kind, subject, due, None)
    }

    /// Has `kind` happen at `first` and again after each `every`.
    pub fn set_recurring_timer(&self, kind: &str, first: DateTime<Utc>, every: TimeDelta) -> rusqlite::Result<()> {
        self.beside.is_changed.set(true);
        timers::set(self.db, self.provider, kind, "", first, Some(every))
    }

    /// Takes a timer back; nothing happens when there is none.
    pub fn cancel_timer(&self, kind: &str, subject: &str) -> rusqlite::Result<()> {
        self.beside.is_changed.set(true);
        timers::cancel(self.db, self.provider, kind, subject)
    }

    /// Puts a message into the outbox.
    pub fn send(&self, message: &Message<'_>) -> rusqlite::Result<()> {
        outbox::add(self.db, self.provider, self.now, message)
    }

    /// Puts a webhook into the outbox, and has the server post it to `url` (where its policy allows, and only over plain HTTP) once
    /// this transaction is committed. `body` is JSON.
    pub fn send_webhook(&self, url: &str, body: &str) -> rusqlite::Result<()> {
        self.send(&Message { channel: Channel::Webhook, to: url, body, code: None, link: None })?;
        if deliveries::can_be_posted(url) {
            self.beside.is_changed.set(true);
            deliveries::add(self.db, self.provider, self.now, url, body)?;
        }
        Ok(())
    }

    /// The value of a setting of this provider; its type's default where none was made (or the value does not fit the type, which
    /// the check at the time of setting rules out).
    pub fn setting<T: DeserializeOwned + Default>(&self, key: &str) -> rusqlite::Result<T> {
        Ok(self.made_setting(key).and_then(|value| T::deserialize(value).ok()).unwrap_or_default())
    }

    /// Makes a setting of this provider; `Value::Null` brings the default back. It holds from the next request on.
    pub fn set_setting(&self, key: &str, value: &Value) -> rusqlite::Result<()> {
        self.beside.is_changed.set(true);
        set_setting(self.db, self.provider, key, value)
    }

    /// What `read` finds for a key, read once: for rows that come from fixtures and that nothing changes afterwards. Whatever brings
    /// the world back to another state forgets it. Where nothing is found, nothing is kept.
    pub fn lasting<T: Send + Sync + 'static>(
        &self,
        key: &str,
        read: impl FnOnce() -> rusqlite::Result<Option<T>>,
    ) -> rusqlite::Result<Option<Arc<T>>> {
        if let Some(known) = self.beside.lasting.of(key) {
            return Ok(Some(known));
        }
        let found = read()?.map(Arc::new);
        if let Some(found) = &found {
            self.beside.lasting.keep(key, found);
        }
        Ok(found)
    }

    /// The value of a setting of this provider that somebody made; none where the default holds.
    pub fn made_setting(&self, key: &str) -> Option<&Value> {
        self.beside
            .settings
            .0
            .iter()
            .find(|(provider, known, _)| provider == self.provider && known == key)
            .map(|(_, _, value)| value)
    }
}

/// The settings that somebody made in a world, as at the beginning of a transaction. There are few, and every request asks.
#[derive(Debug, Default)]
pub(super) struct Settings(pub(super) Vec<(String, String, Value)>);

impl Settings {
    pub(super) fn read(db: &Connection) -> rusqlite::Result<Self> {
        db.prepare_cached("SELECT provider, key, value FROM world_setting")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, AsJson<_>>(2)?.0)))?
            .collect::<rusqlite::Result<_>>()
            .map(Self)
    }
}

pub(super) fn set_setting(db: &Connection, provider: &str, key: &str, value: &Value) -> rusqlite::Result<()> {
    if value.is_null() {
        db.execute("DELETE FROM world_setting WHERE provider = ?1 AND key = ?2", [provider, key])?;
    } else {
        db.execute(
            "INSERT INTO world_setting (provider, key, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (provider, key) DO UPDATE SET value = excluded.value",
            (provider, key, value.to_string()),
        )?;
    }
    Ok(())
}
