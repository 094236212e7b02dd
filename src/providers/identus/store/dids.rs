//! DIDs, their keys and the updates that wait for the ledger.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};

use super::super::types::{DidKey, DidStatus, ManagedDid};
use super::cut_off;
use crate::world::store::{AsJson, AsText, Millis};

fn did(row: &Row<'_>) -> Result<ManagedDid> {
    Ok(ManagedDid {
        seq: row.get(0)?,
        suffix: row.get(1)?,
        wallet: row.get(2)?,
        long_form: row.get(3)?,
        status: row.get::<_, AsText<_>>(4)?.0,
        deactivated: row.get(5)?,
        version: row.get(6)?,
        published_at: row.get::<_, Option<Millis>>(7)?.map(|at| at.0),
        updated_at: row.get::<_, Option<Millis>>(8)?.map(|at| at.0),
    })
}

fn key(row: &Row<'_>) -> Result<DidKey> {
    Ok(DidKey {
        name: row.get(0)?,
        usage: row.get::<_, AsText<_>>(1)?.0,
        curve: row.get(2)?,
        data: row.get(3)?,
        path: row.get::<_, Option<AsJson<_>>>(4)?.map(|path| path.0),
    })
}

/// Adds a DID (its `seq` is not looked at) with its keys. Returns the row's number.
pub(crate) fn insert(db: &Connection, did: &ManagedDid, keys: &[DidKey]) -> Result<i64> {
    db.prepare_cached(
        "INSERT INTO identus_did (suffix, wallet_id, long_form, status, deactivated, version, published_ms, updated_ms)
         VALUES (:suffix, :wallet_id, :long_form, :status, :deactivated, :version, :published_ms, :updated_ms)",
    )?
    .execute(named_params! {
        ":suffix": did.suffix,
        ":wallet_id": did.wallet,
        ":long_form": did.long_form,
        ":status": AsText(did.status),
        ":deactivated": did.deactivated,
        ":version": did.version,
        ":published_ms": did.published_at.map(Millis),
        ":updated_ms": did.updated_at.map(Millis),
    })?;
    let seq = db.last_insert_rowid();
    for key in keys {
        append_key(db, seq, key)?;
    }
    Ok(seq)
}

/// Adds a key behind those that a DID has.
pub(crate) fn append_key(db: &Connection, did: i64, key: &DidKey) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO identus_did_key (did_seq, position, name, usage, curve, data, path)
         VALUES (:did_seq, (SELECT count(*) FROM identus_did_key WHERE did_seq = :did_seq), :name, :usage, :curve, :data, :path)",
    )?
    .execute(named_params! {
        ":did_seq": did,
        ":name": key.name,
        ":usage": AsText(key.usage),
        ":curve": key.curve,
        ":data": key.data,
        ":path": key.path.as_ref().map(AsJson),
    })?;
    Ok(())
}

/// The keys of a DID's present state.
pub(crate) fn keys(db: &Connection, did: i64) -> Result<Vec<DidKey>> {
    db.prepare_cached("SELECT name, usage, curve, data, path FROM identus_did_key WHERE did_seq = ?1 ORDER BY position")?
        .query_map([did], key)?
        .collect()
}

/// A DID of any wallet.
pub(crate) fn by_suffix(db: &Connection, suffix: &str) -> Result<Option<ManagedDid>> {
    db.prepare_cached(
        "SELECT seq, suffix, wallet_id, long_form, status, deactivated, version, published_ms, updated_ms
         FROM identus_did WHERE suffix = ?1",
    )?
    .query_row([suffix], did)
    .optional()
}

/// The DIDs of a wallet, oldest first; only the first hundred when `strict`.
pub(crate) fn list(db: &Connection, wallet: &str, strict: bool) -> Result<Vec<ManagedDid>> {
    db.prepare_cached(
        "SELECT seq, suffix, wallet_id, long_form, status, deactivated, version, published_ms, updated_ms
         FROM identus_did WHERE wallet_id = ?1 ORDER BY seq LIMIT ?2",
    )?
    .query_map((wallet, cut_off(strict)), did)?
    .collect()
}

/// The suffix of a wallet's first DID.
pub(crate) fn first(db: &Connection, wallet: &str) -> Result<Option<String>> {
    db.prepare_cached("SELECT suffix FROM identus_did WHERE wallet_id = ?1 ORDER BY seq LIMIT 1")?
        .query_row([wallet], |row| row.get(0))
        .optional()
}

/// The DIDs that wait for the ledger, oldest first.
pub(crate) fn pending(db: &Connection) -> Result<Vec<String>> {
    db.prepare_cached("SELECT suffix FROM identus_did WHERE status = 'PUBLICATION_PENDING' ORDER BY seq")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// Has the ledger hold a DID that waits for it; says whether it did.
pub(crate) fn publish(db: &Connection, suffix: &str, now: DateTime<Utc>) -> Result<bool> {
    let changed = db
        .prepare_cached(
            "UPDATE identus_did SET status = ?2, published_ms = ?3, updated_ms = ?3
             WHERE suffix = ?1 AND status = 'PUBLICATION_PENDING'",
        )?
        .execute((suffix, AsText(DidStatus::Published), Millis(now)))?;
    Ok(changed > 0)
}

/// Has the ledger hold the end of a DID.
pub(crate) fn deactivate(db: &Connection, suffix: &str, now: DateTime<Utc>) -> Result<()> {
    db.prepare_cached("UPDATE identus_did SET deactivated = 1, updated_ms = ?2 WHERE suffix = ?1")?
        .execute((suffix, Millis(now)))?;
    Ok(())
}

/// The last operation on a DID changes.
pub(crate) fn set_version(db: &Connection, did: i64, version: &str, now: DateTime<Utc>) -> Result<()> {
    db.prepare_cached("UPDATE identus_did SET version = ?2, updated_ms = ?3 WHERE seq = ?1")?.execute((
        did,
        version,
        Millis(now),
    ))?;
    Ok(())
}

/// Keeps an update until the ledger confirms it.
pub(crate) fn insert_update(db: &Connection, did: i64, key: &DidKey, version: &str) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO identus_did_update (did_seq, name, usage, curve, data, path, version)
         VALUES (:did_seq, :name, :usage, :curve, :data, :path, :version)",
    )?
    .execute(named_params! {
        ":did_seq": did,
        ":name": key.name,
        ":usage": AsText(key.usage),
        ":curve": key.curve,
        ":data": key.data,
        ":path": key.path.as_ref().map(AsJson),
        ":version": version,
    })?;
    Ok(())
}

/// The update of a DID that the ledger has not confirmed.
pub(crate) fn update(db: &Connection, did: i64) -> Result<Option<(DidKey, String)>> {
    db.prepare_cached("SELECT name, usage, curve, data, path, version FROM identus_did_update WHERE did_seq = ?1")?
        .query_row([did], |row| Ok((key(row)?, row.get(5)?)))
        .optional()
}

/// Forgets the update of a DID.
pub(crate) fn delete_update(db: &Connection, did: i64) -> Result<()> {
    db.prepare_cached("DELETE FROM identus_did_update WHERE did_seq = ?1")?.execute([did])?;
    Ok(())
}

/// The DIDs with an update that the ledger has not confirmed, oldest first.
pub(crate) fn with_update(db: &Connection) -> Result<Vec<String>> {
    db.prepare_cached(
        "SELECT suffix FROM identus_did_update JOIN identus_did ON identus_did.seq = identus_did_update.did_seq ORDER BY did_seq",
    )?
    .query_map([], |row| row.get(0))?
    .collect()
}
