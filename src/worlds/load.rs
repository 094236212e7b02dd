//! States that come as a file: checked, since anybody may have written it, and brought up to date.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use serde_json::Value;

use super::{Registry, RegistryError, Worlds};
use crate::world::clock::{EARLIEST_MS, LATEST_MS};
use crate::world::image::Image;
use crate::world::snapshot::{Snapshot, SnapshotError, check_name};
use crate::world::store::{self, AsJson, OpenError};
use crate::world::{self, Saved, World};

/// What every SQLite file begins with.
pub const MAGIC: &[u8] = b"SQLite format 3\0";

/// Where the header of a database says that there is a write-ahead log beside it (2) or not (1).
const LOG_FLAGS: std::ops::Range<usize> = 18..20;

/// What a file is called in errors.
const FILE: &str = "the file";

/// Why a file was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not what it should be.
    #[error("{0}")]
    Refused(String),
    /// It cannot be kept.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The fixtures of a provider that is new to it failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The database failed.
    #[error("the world's database failed: {0}")]
    Store(#[from] rusqlite::Error),
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, LoadError> {
    Err(LoadError::Refused(reason.into()))
}

impl Worlds {
    /// Keeps the state in an SQLite file as a snapshot of a world. A running clock shows real time moved by the offset in the file.
    pub fn load_snapshot(
        &self,
        world: &World,
        file: &[u8],
        name: Option<String>,
        real: DateTime<Utc>,
    ) -> Result<Arc<Snapshot>, LoadError> {
        check_name(name.as_deref())?;
        let (base, _) = self.filled(real)?;
        let saved = self.registry.load_file(file, &base, real)?;
        Ok(world.keep_snapshot(name, saved, &self.space, real)?)
    }
}

impl Registry {
    /// Checks the state in an SQLite file, and brings it up to date as a data file is.
    fn load_file(&self, file: &[u8], base: &Image, real: DateTime<Utc>) -> Result<Saved, LoadError> {
        let mut db = open(file)?;
        let any = self.tables(&self.left_out).map_err(RegistryError::from)?;
        refuse_foreign(&objects(&db).map_err(damaged)?, &objects(&any)?, false)?;
        self.bring_up_to_date(&db, real)?;
        let left_out = self.left_out_in(&db, Path::new(FILE)).map_err(RegistryError::from)?;
        let same = self.tables(left_out).map_err(RegistryError::from)?;
        refuse_foreign(&objects(&db)?, &objects(&same)?, true)?;
        check_whole(&db)?;
        self.check_state(&db, real)?;
        if number(&db, "PRAGMA page_size")? != i64::from(store::PAGE_SIZE) {
            db.pragma_update(None, "page_size", store::PAGE_SIZE)?;
            db.execute_batch("VACUUM")?;
        }
        match Saved::of(&mut db, base, real).map_err(damaged)? {
            Some(saved) => Ok(saved),
            None => refuse("the file holds no world"),
        }
    }

    fn bring_up_to_date(&self, db: &Connection, real: DateTime<Utc>) -> Result<(), LoadError> {
        if !world::is_complete(db).map_err(damaged)? {
            return refuse("the file holds no world");
        }
        self.update(db, Path::new(FILE), real).map_err(|error| match error {
            RegistryError::Store(OpenError::Newer { what, .. }) => {
                LoadError::Refused(format!("the file was written by a newer version of Understudy ({what})"))
            }
            RegistryError::Store(OpenError::Other { source, .. }) => damaged(source),
            error => error.into(),
        })
    }

    /// Refuses values with which the world could not go on.
    fn check_state(&self, db: &Connection, real: DateTime<Utc>) -> Result<(), LoadError> {
        let (mode, ms): (String, i64) =
            db.query_row("SELECT clock_mode, clock_ms FROM world", [], |row| Ok((row.get(0)?, row.get(1)?))).map_err(damaged)?;
        let offset = if mode == "running" { real.timestamp_millis() } else { 0 };
        let shown = offset.checked_add(ms).filter(|shown| (EARLIEST_MS..=LATEST_MS).contains(shown));
        if !matches!(mode.as_str(), "running" | "frozen") || shown.is_none() {
            return refuse(format!("the file's clock cannot be shown: {mode}, {ms}"));
        }
        let endless = format!("SELECT count(*) FROM world_timer WHERE every_ms < {}", TimeDelta::seconds(1).num_milliseconds());
        if number(db, &endless)? > 0 {
            return refuse("the file has a timer that comes back more often than every second");
        }
        let mut settings = db.prepare("SELECT provider, key, value FROM world_setting")?;
        let mut rows = settings.query([])?;
        while let Some(row) = rows.next()? {
            let (slug, key): (String, String) = (row.get(0)?, row.get(1)?);
            let value: AsJson<Value> = row.get(2).map_err(damaged)?;
            self.check_kept_setting(&slug, &key, &value.0)
                .map_err(|reason| LoadError::Refused(format!("the file's settings: {reason}")))?;
        }
        Ok(())
    }
}

/// Opens the file as a database in memory that trusts nothing in it.
fn open(file: &[u8]) -> Result<Connection, LoadError> {
    if !file.starts_with(MAGIC) {
        return refuse("the file is not an SQLite database");
    }
    let mut bytes = file.to_vec();
    if let Some(flags) = bytes.get_mut(LOG_FLAGS) {
        // A log was left behind with the file; what stands in the file itself is a state.
        flags.fill(1);
    }
    let db = store::open_bytes(&*bytes, bytes.len()).map_err(damaged)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    db.pragma_update(None, "cell_size_check", true).map_err(damaged)?;
    let id = number(&db, "PRAGMA application_id").map_err(damaged)?;
    if id != store::APPLICATION_ID {
        return refuse("the file is an SQLite database of another program, not of Understudy");
    }
    Ok(db)
}

/// What SQLite found wrong with the file is the file's fault.
fn damaged(error: rusqlite::Error) -> LoadError {
    LoadError::Refused(format!("the file is damaged: {error}"))
}

fn number(db: &Connection, query: &str) -> rusqlite::Result<i64> {
    db.query_row(query, [], |row| row.get(0))
}

/// Tables, indexes, triggers and views: kind, name, and how they were made.
fn objects(db: &Connection) -> rusqlite::Result<BTreeSet<(String, String, String)>> {
    db.prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

/// Refuses what no world of this process has; in a file that is `up_to_date` whatever differs from such a world.
fn refuse_foreign(
    found: &BTreeSet<(String, String, String)>,
    reference: &BTreeSet<(String, String, String)>,
    up_to_date: bool,
) -> Result<(), LoadError> {
    for object @ (kind, name, _) in found {
        let known = reference.iter().any(|(a_kind, a_name, _)| (a_kind, a_name) == (kind, name));
        // What a table is like may have changed since; what runs by itself must be ours before anything is run.
        let must_be_same = up_to_date || kind != "table";
        if !known || must_be_same && !reference.contains(object) {
            return refuse(format!("the file has a {kind} {name:?} that no world of this server has"));
        }
    }
    match reference.iter().find(|object| up_to_date && !found.contains(object)) {
        Some((kind, name, _)) => refuse(format!("the file lacks the {kind} {name:?}")),
        None => Ok(()),
    }
}

/// Refuses damage, and rows that point at nothing.
fn check_whole(db: &Connection) -> Result<(), LoadError> {
    let verdict: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(damaged)?;
    if verdict != "ok" {
        return refuse(format!("the file is damaged: {verdict}"));
    }
    let mut broken = db.prepare("PRAGMA foreign_key_check")?;
    let mut rows = broken.query([]).map_err(damaged)?;
    match rows.next().map_err(damaged)? {
        Some(row) => {
            let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
            refuse(format!("the file has a row in {table} whose row in {parent} is missing"))
        }
        None => Ok(()),
    }
}
