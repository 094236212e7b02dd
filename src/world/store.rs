//! SQLite: opening, copying, and how values are kept in it.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _};
use serde::Serialize;
use serde::de::{DeserializeOwned, IntoDeserializer as _};

use super::clock::from_millis;

/// Marks a SQLite file as a world of ours (`PRAGMA application_id`): the letters `UNDR`.
const APPLICATION_ID: i64 = 0x554E_4452;

/// How many statements a connection keeps prepared. Every statement of every provider fits.
const STATEMENT_CACHE: usize = 512;

/// Why a data file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file exists and is something else.
    #[error("{0} is not an Understudy data file; give another path to --data (nothing was written)")]
    NotOurs(String),
    /// The file was written by a version that knows more than this one.
    #[error("{path} was written by a newer version of Understudy ({what}); use that version or another file (nothing was written)")]
    Newer {
        /// The file.
        path: String,
        /// What this version does not know.
        what: String,
    },
    /// Another process has the file open.
    #[error("{0} is in use by another process; stop it or use another file")]
    InUse(String),
    /// The folder is missing, permissions are lacking, the disk is full, ...
    #[error("cannot open {path}: {source}")]
    Other {
        /// The file.
        path: String,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
}

/// Opens an empty database in memory.
pub fn open_memory() -> rusqlite::Result<Connection> {
    let db = Connection::open_in_memory()?;
    configure(&db)?;
    Ok(db)
}

/// Opens or creates the data file of a world, for this process alone. The second value says whether the file is new.
pub fn open_file(path: &Path) -> Result<(Connection, bool), OpenError> {
    let shown = path.display().to_string();
    let other = |source: rusqlite::Error| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => OpenError::NotOurs(shown.clone()),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => OpenError::InUse(shown.clone()),
        _ => OpenError::Other { path: shown.clone(), source },
    };
    let new = std::fs::metadata(path).map_or(true, |file| file.len() == 0);
    let db = Connection::open(path).map_err(other)?;
    if !new {
        let id: i64 = db.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(other)?;
        if id != APPLICATION_ID {
            return Err(OpenError::NotOurs(shown));
        }
    }
    // Exclusive: one process owns the file, and the write-ahead log needs no shared memory beside it.
    db.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         BEGIN IMMEDIATE; COMMIT;",
    )
    .map_err(other)?;
    configure(&db).map_err(other)?;
    Ok((db, new))
}

fn configure(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")?;
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    db.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(())
}

/// A database kept aside, from which worlds are copied page by page.
#[derive(Debug)]
pub struct Image(Mutex<Connection>);

impl Image {
    /// Keeps `db` as it is.
    pub fn of(db: Connection) -> Self {
        Self(Mutex::new(db))
    }

    /// A copy of what `db` holds now.
    pub fn copy_of(db: &Connection) -> rusqlite::Result<Self> {
        let mut copy = Connection::open_in_memory()?;
        copy_pages(db, &mut copy)?;
        Ok(Self::of(copy))
    }

    /// Makes `db` hold what the image holds.
    pub fn copy_into(&self, db: &mut Connection) -> rusqlite::Result<()> {
        copy_pages(&self.connection(), db)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn copy_pages(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    to.flush_prepared_statement_cache();
    match Backup::new(from, to)?.step(-1)? {
        StepResult::Done => Ok(()),
        // Both sides belong to this process and are locked by it: nobody else can be in the way.
        _ => Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None)),
    }
}

/// Brings the schema of `owner` (a provider's slug, or `world`) up to date: applies those of `steps` that the database has not
/// seen. Returns whether it had seen none. Steps are append-only.
pub fn migrate(db: &Connection, owner: &str, steps: &[&str], path: Option<&Path>) -> Result<bool, OpenError> {
    let shown = || path.map_or_else(|| "the database".to_owned(), |path| path.display().to_string());
    let other = |source| OpenError::Other { path: shown(), source };
    db.execute_batch("CREATE TABLE IF NOT EXISTS world_schema (owner TEXT PRIMARY KEY, steps INTEGER NOT NULL) STRICT")
        .map_err(other)?;
    let seen: Option<i64> =
        db.query_row("SELECT steps FROM world_schema WHERE owner = ?1", [owner], |row| row.get(0)).optional().map_err(other)?;
    let done = usize::try_from(seen.unwrap_or(0)).unwrap_or(0);
    if done > steps.len() {
        return Err(OpenError::Newer {
            path: shown(),
            what: format!("schema {done} of {owner}, this version knows {}", steps.len()),
        });
    }
    for step in steps.iter().skip(done) {
        db.execute_batch(step).map_err(other)?;
    }
    db.execute(
        "INSERT INTO world_schema (owner, steps) VALUES (?1, ?2) ON CONFLICT (owner) DO UPDATE SET steps = excluded.steps",
        (owner, i64::try_from(steps.len()).unwrap_or(i64::MAX)),
    )
    .map_err(other)?;
    Ok(seen.is_none())
}

/// A moment, kept as whole milliseconds since the epoch (`…_ms INTEGER`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Millis(pub DateTime<Utc>);

impl ToSql for Millis {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.timestamp_millis().into())
    }
}

impl FromSql for Millis {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(|ms| Self(from_millis(ms)))
    }
}

/// An enumeration without data, kept as the text that serde gives its variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsText<T>(pub T);

impl<T: Serialize> ToSql for AsText<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match serde_json::to_value(&self.0) {
            Ok(serde_json::Value::String(text)) => Ok(text.into()),
            Ok(other) => Err(rusqlite::Error::ToSqlConversionFailure(format!("{other} is not text").into())),
            Err(error) => Err(rusqlite::Error::ToSqlConversionFailure(error.into())),
        }
    }
}

impl<T: DeserializeOwned> FromSql for AsText<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?.into_deserializer();
        T::deserialize(text).map(Self).map_err(|error: serde::de::value::Error| FromSqlError::Other(error.into()))
    }
}

/// Any value, kept as compact JSON text (for columns that are never queried).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsJson<T>(pub T);

impl<T: Serialize> ToSql for AsJson<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        serde_json::to_string(&self.0).map(Into::into).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }
}

impl<T: DeserializeOwned> FromSql for AsJson<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(|error| FromSqlError::Other(error.into()))
    }
}
