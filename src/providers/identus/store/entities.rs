//! Wallets and the entities that open them.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};

use super::{Micros, cut_off};

/// An entity, as it is kept.
#[derive(Debug)]
pub(crate) struct EntityRow {
    pub id: String,
    /// `<name> (<role>)`
    pub name: String,
    pub wallet: String,
    pub api_key: String,
    pub created_at: DateTime<Utc>,
}

fn entity(row: &Row<'_>) -> Result<EntityRow> {
    Ok(EntityRow {
        id: row.get(0)?,
        name: row.get(1)?,
        wallet: row.get(2)?,
        api_key: row.get(3)?,
        created_at: row.get::<_, Micros>(4)?.0,
    })
}

/// Adds a wallet whose keys follow from a seed of 128 hexadecimal digits.
pub(crate) fn insert_wallet(db: &Connection, id: &str, seed: &str) -> Result<()> {
    db.prepare_cached("INSERT INTO identus_wallet (id, seed, next_did_index) VALUES (?1, ?2, 0)")?.execute([id, seed])?;
    Ok(())
}

/// The seed of a wallet.
pub(crate) fn seed(db: &Connection, wallet: &str) -> Result<Option<String>> {
    db.prepare_cached("SELECT seed FROM identus_wallet WHERE id = ?1")?.query_row([wallet], |row| row.get(0)).optional()
}

/// Whether a wallet has this seed.
pub(crate) fn seed_is_taken(db: &Connection, seed: &str) -> Result<bool> {
    db.prepare_cached("SELECT 1 FROM identus_wallet WHERE seed = ?1")?.exists([seed])
}

/// Takes the index for a wallet's next DID.
pub(crate) fn take_did_index(db: &Connection, wallet: &str) -> Result<u32> {
    db.prepare_cached("UPDATE identus_wallet SET next_did_index = next_did_index + 1 WHERE id = ?1 RETURNING next_did_index - 1")?
        .query_row([wallet], |row| row.get(0))
}

/// Sets the index for a wallet's next DID.
pub(crate) fn set_next_did_index(db: &Connection, wallet: &str, index: u32) -> Result<()> {
    db.prepare_cached("UPDATE identus_wallet SET next_did_index = ?2 WHERE id = ?1")?.execute((wallet, index))?;
    Ok(())
}

/// The wallet that a key opens.
pub(crate) fn wallet_of_key(db: &Connection, key: &str) -> Result<Option<String>> {
    db.prepare_cached("SELECT wallet_id FROM identus_entity WHERE api_key = ?1")?.query_row([key], |row| row.get(0)).optional()
}

/// Adds an entity.
pub(crate) fn insert(db: &Connection, entity: &EntityRow) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO identus_entity (id, name, wallet_id, api_key, created_us) VALUES (:id, :name, :wallet_id, :api_key, :created_us)",
    )?
    .execute(named_params! {
        ":id": entity.id,
        ":name": entity.name,
        ":wallet_id": entity.wallet,
        ":api_key": entity.api_key,
        ":created_us": Micros(entity.created_at),
    })?;
    Ok(())
}

/// An entity.
pub(crate) fn get(db: &Connection, id: &str) -> Result<Option<EntityRow>> {
    db.prepare_cached("SELECT id, name, wallet_id, api_key, created_us FROM identus_entity WHERE id = ?1")?
        .query_row([id], entity)
        .optional()
}

/// The entities, oldest first; only the first hundred when `strict`.
pub(crate) fn list(db: &Connection, strict: bool) -> Result<Vec<EntityRow>> {
    db.prepare_cached("SELECT id, name, wallet_id, api_key, created_us FROM identus_entity ORDER BY seq LIMIT ?1")?
        .query_map([cut_off(strict)], entity)?
        .collect()
}

/// The first `count` entities.
pub(crate) fn first(db: &Connection, count: u32) -> Result<Vec<EntityRow>> {
    db.prepare_cached("SELECT id, name, wallet_id, api_key, created_us FROM identus_entity ORDER BY seq LIMIT ?1")?
        .query_map([count], entity)?
        .collect()
}

/// Removes an entity, and its key with it; says whether there was one.
pub(crate) fn delete(db: &Connection, id: &str) -> Result<bool> {
    Ok(db.prepare_cached("DELETE FROM identus_entity WHERE id = ?1")?.execute([id])? > 0)
}
