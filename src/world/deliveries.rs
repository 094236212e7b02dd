//! Webhooks on their way: rows that the server posts once the transaction that made them is committed.
//!
//! A world posts nothing itself. It says what is due ([`World::claim_deliveries`]) and is told what arrived
//! ([`World::settle_delivery`]); what did not arrive becomes due again after a while on the world's clock.
//!
//! [`World::claim_deliveries`]: super::World::claim_deliveries
//! [`World::settle_delivery`]: super::World::settle_delivery

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension as _};

use super::store::Millis;

/// How long after a failed attempt the next one is due: so many retries there are.
pub const RETRIES: [TimeDelta; 3] = [TimeDelta::seconds(10), TimeDelta::minutes(1), TimeDelta::minutes(10)];

/// A webhook whose time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its number in the world.
    pub id: i64,
    /// The slug of the provider that sends it.
    pub provider: String,
    /// Where it goes.
    pub url: String,
    /// What it says: JSON.
    pub body: String,
    /// 1 for the first attempt.
    pub attempt: i64,
    /// How often the world had been filled when it was claimed: numbers begin anew then.
    pub(super) filling: u64,
}

impl Delivery {
    /// Whether there is another attempt should this one fail.
    pub fn is_retried(&self) -> bool {
        retry(self.attempt).is_some()
    }
}

/// How long after attempt number `attempt` the next one is due.
fn retry(attempt: i64) -> Option<TimeDelta> {
    RETRIES.get(usize::try_from(attempt).ok()?.checked_sub(1)?).copied()
}

/// Whether a URL is one that a server can post to: there is no TLS for what goes out.
pub(super) fn can_be_posted(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("http"))
}

/// Has `body` posted to `url` as soon as possible.
pub(super) fn add(db: &Connection, provider: &str, at: DateTime<Utc>, url: &str, body: &str) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO world_delivery (provider, url, body, attempts, due_ms) VALUES (?1, ?2, ?3, 0, ?4)")?
        .execute((provider, url, body, Millis(at)))?;
    Ok(())
}

/// When the next one is due.
pub(super) fn next_due(db: &Connection) -> rusqlite::Result<Option<DateTime<Utc>>> {
    db.prepare_cached("SELECT due_ms FROM world_delivery ORDER BY due_ms, id LIMIT 1")?
        .query_row([], |row| Ok(row.get::<_, Millis>(0)?.0))
        .optional()
}

/// Those that are due, in the order in which they were made, each counted as attempted. A claimed one is due again later, so that
/// nothing needs to be undone when the attempt fails, or the process ends before it is over.
pub(super) fn claim(db: &Connection, now: DateTime<Utc>, filling: u64) -> rusqlite::Result<Vec<Delivery>> {
    let due: Vec<Delivery> = db
        .prepare_cached("SELECT id, provider, url, body, attempts + 1 FROM world_delivery WHERE due_ms <= ?1 ORDER BY id")?
        .query_map([Millis(now)], |row| {
            Ok(Delivery {
                id: row.get(0)?,
                provider: row.get(1)?,
                url: row.get(2)?,
                body: row.get(3)?,
                attempt: row.get(4)?,
                filling,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    for delivery in &due {
        match retry(delivery.attempt) {
            Some(after) => db.prepare_cached("UPDATE world_delivery SET attempts = ?2, due_ms = ?3 WHERE id = ?1")?.execute((
                delivery.id,
                delivery.attempt,
                Millis(now + after),
            ))?,
            None => db.prepare_cached("DELETE FROM world_delivery WHERE id = ?1")?.execute([delivery.id])?,
        };
    }
    Ok(due)
}

/// Takes one off that arrived.
pub(super) fn remove(db: &Connection, id: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM world_delivery WHERE id = ?1")?.execute([id])?;
    Ok(())
}
