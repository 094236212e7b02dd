//! Status lists: which places of a list are taken, and which of them are revoked.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};

use crate::world::store::Millis;

/// Places of a list, counted from 0; the first one is never used.
pub(crate) const PLACES: u32 = 131_072;

/// A status list.
#[derive(Debug)]
pub(crate) struct StatusList {
    pub seq: i64,
    pub id: String,
    /// Long form of the DID that it was made for.
    pub issuer: String,
    pub last_index: u32,
    pub created_at: DateTime<Utc>,
}

fn list(row: &Row<'_>) -> Result<StatusList> {
    Ok(StatusList {
        seq: row.get(0)?,
        id: row.get(1)?,
        issuer: row.get(2)?,
        last_index: row.get(3)?,
        created_at: row.get::<_, Millis>(4)?.0,
    })
}

/// Adds a list.
pub(crate) fn insert(db: &Connection, id: &str, wallet: &str, issuer: &str, last_index: u32, now: DateTime<Utc>) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO identus_status_list (id, wallet_id, issuer, last_index, created_ms)
         VALUES (:id, :wallet_id, :issuer, :last_index, :created_ms)",
    )?
    .execute(named_params! {
        ":id": id,
        ":wallet_id": wallet,
        ":issuer": issuer,
        ":last_index": last_index,
        ":created_ms": Millis(now),
    })?;
    Ok(())
}

/// A list by its id.
pub(crate) fn get(db: &Connection, id: &str) -> Result<Option<StatusList>> {
    db.prepare_cached("SELECT seq, id, issuer, last_index, created_ms FROM identus_status_list WHERE id = ?1")?
        .query_row([id], list)
        .optional()
}

/// The list that a wallet fills now.
pub(crate) fn latest(db: &Connection, wallet: &str) -> Result<Option<StatusList>> {
    db.prepare_cached(
        "SELECT seq, id, issuer, last_index, created_ms FROM identus_status_list WHERE wallet_id = ?1 ORDER BY seq DESC LIMIT 1",
    )?
    .query_row([wallet], list)
    .optional()
}

/// Takes a place of a list for the credential of a thread; the list is filled at least up to there.
pub(crate) fn take(db: &Connection, list: i64, place: u32, thid: &str) -> Result<()> {
    db.prepare_cached("UPDATE identus_status_list SET last_index = max(last_index, ?2) WHERE seq = ?1")?.execute((list, place))?;
    db.prepare_cached("INSERT INTO identus_status_entry (thid, list_seq, place, revoked) VALUES (?1, ?2, ?3, 0)")?
        .execute((thid, list, place))?;
    Ok(())
}

/// Revokes the credential of a thread; says whether it has a place in a list.
pub(crate) fn revoke(db: &Connection, thid: &str) -> Result<bool> {
    Ok(db.prepare_cached("UPDATE identus_status_entry SET revoked = 1 WHERE thid = ?1")?.execute([thid])? > 0)
}

/// Whether the credential of a thread is revoked.
pub(crate) fn is_revoked(db: &Connection, thid: &str) -> Result<bool> {
    db.prepare_cached("SELECT 1 FROM identus_status_entry WHERE thid = ?1 AND revoked = 1")?.exists([thid])
}

/// The places of a list that are revoked.
pub(crate) fn revoked(db: &Connection, list: i64) -> Result<Vec<u32>> {
    db.prepare_cached("SELECT place FROM identus_status_entry WHERE list_seq = ?1 AND revoked = 1 ORDER BY place")?
        .query_map([list], |row| row.get(0))?
        .collect()
}
