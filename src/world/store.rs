//! SQLite: opening, copying, and how values are kept in it.

use std::error::Error;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, MAIN_DB, OpenFlags, OptionalExtension as _};
use serde::Serialize;
use serde::de::{DeserializeOwned, IntoDeserializer as _};

use super::clock::from_millis;

/// Marks a SQLite file as a world of ours (`PRAGMA application_id`): the letters `UNDR`.
pub(crate) const APPLICATION_ID: i64 = 0x554E_4452;

/// How long to wait for a process that is about to let go of the file.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a path must escape to stand in a URI.
const URI_PATH: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#').add(b' ');

/// Bytes of a page. A world has some two hundred tables and indexes, nearly all of them with little in them: small pages keep worlds
/// small, quick to copy, and transactions cheap to undo.
pub(crate) const PAGE_SIZE: u16 = 2048;

/// How many pages a connection to a database in memory caches. Fetching one is a copy within memory, and SQLite looks through the whole
/// cache at the end of many a transaction that added to an index: a small cache is the quicker one.
const CACHED_PAGES: u8 = 100;

/// Room for usual JSON, so that it grows rarely while it is written.
const USUAL_JSON: usize = 1024;

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
    /// The file's folder does not exist.
    #[error("cannot open {path}: there is no folder {folder}")]
    NoFolder {
        /// The file.
        path: String,
        /// The folder.
        folder: String,
    },
    /// Permissions are lacking, the disk is full, the file is damaged, ...
    #[error("cannot open {path}: {source}")]
    Other {
        /// The file.
        path: String,
        /// SQLite's reason.
        source: rusqlite::Error,
    },
}

/// Opens an empty database in memory.
///
/// It is a file of SQLite's `memdb`, private to the connection, behind a page cache of a bounded size. In a `:memory:` database the
/// cache is the database, and SQLite looks through all of it at the end of many a transaction that added to an index, so that
/// writing becomes slower as a world grows.
pub fn open_memory() -> rusqlite::Result<Connection> {
    let db = connect_memory()?;
    db.pragma_update(None, "page_size", PAGE_SIZE)?;
    db.pragma_update(None, "application_id", APPLICATION_ID)?;
    configure(&db)?;
    Ok(db)
}

/// Opens a database in memory, as [`open_memory`] does, that holds the `length` bytes of a database.
pub fn open_bytes(bytes: impl Read, length: usize) -> rusqlite::Result<Connection> {
    let mut db = connect_memory()?;
    db.deserialize_read_exact(MAIN_DB, bytes, length, false)?;
    configure(&db)?;
    Ok(db)
}

fn connect_memory() -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags("file:world?vfs=memdb", flags)?;
    db.pragma_update(None, "cache_size", CACHED_PAGES)?;
    Ok(db)
}

/// Opens or creates the data file of a world, for this process alone. The second value says whether the file is new. A file that
/// is something else is left as it is.
pub fn open_file(path: &Path) -> Result<(Connection, bool), OpenError> {
    let shown = path.display().to_string();
    let other = |source: rusqlite::Error| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => OpenError::NotOurs(shown.clone()),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => OpenError::InUse(shown.clone()),
        _ => OpenError::Other { path: shown.clone(), source },
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Err(OpenError::NoFolder { folder: folder.display().to_string(), path: shown });
    }
    let new = std::fs::metadata(path).map_or(true, |file| file.len() == 0);
    if !new && application_id(path).map_err(other)? != APPLICATION_ID {
        return Err(OpenError::NotOurs(shown));
    }
    let db = Connection::open(path).map_err(other)?;
    let prepare = || {
        db.busy_timeout(PATIENCE)?;
        // Exclusive: one process owns the file, and the write-ahead log needs no shared memory beside it.
        db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        if new {
            db.pragma_update(None, "page_size", PAGE_SIZE)?;
            // Before there is a write-ahead log, so that it stands in the file itself whatever happens later.
            db.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE; COMMIT;")?;
        configure(&db)
    };
    prepare().map_err(other)?;
    Ok((db, new))
}

/// The mark in the header of a file, read without lock or log: even a foreign write-ahead log stays as it is.
fn application_id(path: &Path) -> rusqlite::Result<i64> {
    let path = percent_encode(path.as_os_str().as_encoded_bytes(), URI_PATH);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)?.query_row("PRAGMA application_id", [], |row| row.get(0))
}

fn configure(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")?;
    // Plans must not depend on bound values, or statements that are prepared once are prepared again for each value.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(())
}

/// Makes `to` hold what `from` holds, all at once.
pub fn copy_pages(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    to.flush_prepared_statement_cache();
    match Backup::new(from, to)?.step(-1)? {
        StepResult::Done => Ok(()),
        // Both sides belong to this process and are locked by it: nobody else can be in the way.
        _ => Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None)),
    }
}

/// How many steps of the schema of `owner` the database has seen, if any; more than this version knows are refused.
pub fn steps_seen(db: &Connection, owner: &str, steps: &[&str], path: Option<&Path>) -> Result<Option<usize>, OpenError> {
    let seen: Option<i64> = db
        .query_row("SELECT steps FROM world_schema WHERE owner = ?1", [owner], |row| row.get(0))
        .optional()
        .map_err(|source| OpenError::Other { path: shown(path), source })?;
    let seen = seen.map(|seen| usize::try_from(seen).unwrap_or(0));
    match seen {
        Some(seen) if seen > steps.len() => Err(OpenError::Newer {
            path: shown(path),
            what: format!("schema {seen} of {owner}, this version knows {}", steps.len()),
        }),
        seen => Ok(seen),
    }
}

fn shown(path: Option<&Path>) -> String {
    path.map_or_else(|| "the database".to_owned(), |path| path.display().to_string())
}

/// Brings the schema of `owner` (a provider's slug, or `world`) up to date: applies those of `steps` that the database has not
/// seen. Returns whether it had seen none. Steps are append-only. The caller has begun a transaction.
pub fn migrate(db: &Connection, owner: &str, steps: &[&str], path: Option<&Path>) -> Result<bool, OpenError> {
    let other = |source| OpenError::Other { path: shown(path), source };
    db.execute_batch("CREATE TABLE IF NOT EXISTS world_schema (owner TEXT PRIMARY KEY, steps INTEGER NOT NULL) STRICT")
        .map_err(other)?;
    let seen = steps_seen(db, owner, steps, path)?;
    let done = seen.unwrap_or(0);
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
        let failed = |error: Box<dyn Error + Send + Sync>| rusqlite::Error::ToSqlConversionFailure(error);
        let mut written = Vec::with_capacity(USUAL_JSON);
        serde_json::to_writer(&mut written, &self.0).map_err(|error| failed(error.into()))?;
        String::from_utf8(written).map(Into::into).map_err(|error| failed(error.into()))
    }
}

impl<T: DeserializeOwned> FromSql for AsJson<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(|error| FromSqlError::Other(error.into()))
    }
}
