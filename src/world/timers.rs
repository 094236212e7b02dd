//! What happens later: rows that fire, in order of their due time, when somebody looks at the world.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::Serialize;

use super::store::{AsJson, Millis};

/// Something that happens at its due time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Timer {
    /// Row number; among timers due at the same moment the lower one fires first.
    #[serde(skip)]
    pub id: i64,
    /// The provider that set it.
    pub provider: String,
    /// What happens, in the provider's words (`offerExpires`).
    pub kind: String,
    /// What it happens to: an id, or empty.
    pub subject: String,
    /// When.
    #[serde(rename = "due", serialize_with = "crate::http::wire::rfc3339_millis")]
    pub due: DateTime<Utc>,
    /// The distance to its next time, for one that comes back.
    #[serde(skip)]
    pub every: Option<TimeDelta>,
}

fn timer(row: &Row<'_>) -> rusqlite::Result<Timer> {
    Ok(Timer {
        id: row.get(0)?,
        provider: row.get(1)?,
        kind: row.get(2)?,
        subject: row.get(3)?,
        due: row.get::<_, Millis>(4)?.0,
        every: row.get::<_, Option<i64>>(5)?.map(TimeDelta::milliseconds),
    })
}

/// Sets a timer, or moves the one that the provider already has for this kind and subject.
pub(super) fn set(
    db: &Connection,
    provider: &str,
    kind: &str,
    subject: &str,
    due: DateTime<Utc>,
    every: Option<TimeDelta>,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO world_timer (provider, kind, subject, due_ms, every_ms)
         VALUES (:provider, :kind, :subject, :due_ms, :every_ms)
         ON CONFLICT (provider, kind, subject) DO UPDATE SET due_ms = excluded.due_ms, every_ms = excluded.every_ms",
    )?
    .execute(rusqlite::named_params! {
        ":provider": provider,
        ":kind": kind,
        ":subject": subject,
        ":due_ms": Millis(due),
        ":every_ms": every.map(|every| every.num_milliseconds()),
    })?;
    Ok(())
}

/// Removes a timer; nothing happens when there is none.
pub(super) fn cancel(db: &Connection, provider: &str, kind: &str, subject: &str) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM world_timer WHERE provider = ?1 AND kind = ?2 AND subject = ?3")?
        .execute([provider, kind, subject])?;
    Ok(())
}

/// When the next timer is due.
pub(super) fn next(db: &Connection) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let due: Option<Millis> = db.prepare_cached("SELECT min(due_ms) FROM world_timer")?.query_row([], |row| row.get(0))?;
    Ok(due.map(|due| due.0))
}

/// The timers that fire next, soonest first.
pub fn upcoming(db: &Connection, limit: usize) -> rusqlite::Result<Vec<Timer>> {
    db.prepare_cached("SELECT id, provider, kind, subject, due_ms, every_ms FROM world_timer ORDER BY due_ms, id LIMIT ?1")?
        .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], timer)?
        .collect()
}

/// The timer that fires next, if its time has come.
pub(super) fn next_due(db: &Connection, now: DateTime<Utc>) -> rusqlite::Result<Option<Timer>> {
    db.prepare_cached(
        "SELECT id, provider, kind, subject, due_ms, every_ms FROM world_timer
         WHERE due_ms <= ?1 ORDER BY due_ms, id LIMIT 1",
    )?
    .query_row([Millis(now)], timer)
    .optional()
}

/// Takes a timer that is about to fire out of the table, or puts it at its next time when it comes back.
pub(super) fn consume(db: &Connection, timer: &Timer) -> rusqlite::Result<()> {
    match timer.every {
        None => db.prepare_cached("DELETE FROM world_timer WHERE id = ?1")?.execute([timer.id])?,
        Some(every) => {
            db.prepare_cached("UPDATE world_timer SET due_ms = ?2 WHERE id = ?1")?.execute((timer.id, Millis(timer.due + every)))?
        }
    };
    Ok(())
}

/// Puts the timers of providers that are not among `present` aside, and those back that were put aside for one of them.
pub fn have_wait(db: &Connection, present: &[&str]) -> rusqlite::Result<()> {
    let present = AsJson(present);
    let moved = |from: &str, to: &str, which: &str| -> rusqlite::Result<()> {
        let of = format!("{from} WHERE provider {which} (SELECT value FROM json_each(?1))");
        let columns = "provider, kind, subject, due_ms, every_ms";
        db.execute(&format!("INSERT INTO {to} ({columns}) SELECT {columns} FROM {of} ORDER BY id"), [&present])?;
        db.execute(&format!("DELETE FROM {of}"), [&present])?;
        Ok(())
    };
    moved("world_timer", "world_timer_waiting", "NOT IN")?;
    moved("world_timer_waiting", "world_timer", "IN")
}

/// Brings timers that come back to their first time after `now`, for a clock that was set back: they would be silent until it is
/// where it was.
pub(super) fn rebase(db: &Connection, now: DateTime<Utc>) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE world_timer SET due_ms = due_ms - ((due_ms - ?1 - 1) / every_ms) * every_ms
         WHERE every_ms > 0 AND due_ms - every_ms > ?1",
        [Millis(now)],
    )?;
    Ok(())
}
