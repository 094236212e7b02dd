//! All SQL of the provider: a file a noun.

pub(super) mod connections;
pub(super) mod dids;
pub(super) mod entities;
pub(super) mod presentations;
pub(super) mod records;
pub(super) mod schemas;
pub(super) mod status_lists;

use chrono::{DateTime, Utc};
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, Result};

/// A moment, kept as whole microseconds since the epoch (`…_us INTEGER`): the agent's precision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Micros(pub DateTime<Utc>);

impl ToSql for Micros {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(self.0.timestamp_micros().into())
    }
}

impl FromSql for Micros {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(|us| Self(DateTime::from_timestamp_micros(us).unwrap_or_default()))
    }
}

/// How many rows a list that the agent cuts off has: its first hundred, or all.
pub(super) fn cut_off(strict: bool) -> i64 {
    if strict { 100 } else { -1 }
}

/// The administrator's key; none in an empty world.
pub(super) fn admin_key(db: &Connection) -> Result<Option<String>> {
    db.prepare_cached("SELECT admin_key FROM identus_config")?.query_row([], |row| row.get(0)).optional()
}

/// Sets the administrator's key.
pub(super) fn set_admin_key(db: &Connection, key: &str) -> Result<()> {
    db.execute("INSERT INTO identus_config (id, admin_key) VALUES (1, ?1)", [key])?;
    Ok(())
}
