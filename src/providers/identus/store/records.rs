//! Records of issuance: a row a side.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};
use serde_json::value::RawValue;

use super::super::types::{Record, RecordRole, RecordState};
use super::{Micros, cut_off};
use crate::world::store::{AsJson, AsText};

/// Attempts that a background step has.
pub(crate) const RETRIES: i64 = 5;

fn record(row: &Row<'_>) -> Result<Record> {
    let role = row.get::<_, AsText<_>>(3)?.0;
    Ok(Record {
        id: row.get(0)?,
        wallet: row.get(1)?,
        thid: row.get(2)?,
        credential_format: "JWT",
        role,
        state: row.get::<_, AsText<_>>(4)?.0,
        connection: row.get(5)?,
        issuer: row.get(6)?,
        subject_id: row.get(7)?,
        validity_s: row.get(8)?,
        claims: raw(row.get(9)?),
        automatic_issuance: (role == RecordRole::Issuer).then_some(false),
        credential: row.get(10)?,
        status_base: row.get(11)?,
        retries: row.get(12)?,
        failure: row.get::<_, Option<String>>(13)?.map(raw),
        created_at: row.get::<_, Micros>(14)?.0,
        updated_at: row.get::<_, Option<Micros>>(15)?.map(|at| at.0),
    })
}

/// JSON that was written here, and is sent as it is.
fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_default()
}

/// Adds one side's record; `claim_type` is the claim that it is found by.
pub(crate) fn insert(db: &Connection, record: &Record, claim_type: Option<&str>) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO identus_record
             (id, wallet_id, thid, role, state, connection_id, issuer, subject_id, validity_s, claims, claim_type, credential,
              status_base, retries, failure, created_us, updated_us)
         VALUES
             (:id, :wallet_id, :thid, :role, :state, :connection_id, :issuer, :subject_id, :validity_s, :claims, :claim_type, :credential,
              :status_base, :retries, :failure, :created_us, :updated_us)",
    )?
    .execute(named_params! {
        ":id": record.id,
        ":wallet_id": record.wallet,
        ":thid": record.thid,
        ":role": AsText(record.role),
        ":state": AsText(record.state),
        ":connection_id": record.connection,
        ":issuer": record.issuer,
        ":subject_id": record.subject_id,
        ":validity_s": record.validity_s,
        ":claims": record.claims.get(),
        ":claim_type": claim_type,
        ":credential": record.credential,
        ":status_base": record.status_base,
        ":retries": record.retries,
        ":failure": record.failure.as_deref().map(RawValue::get),
        ":created_us": Micros(record.created_at),
        ":updated_us": record.updated_at.map(Micros),
    })?;
    Ok(())
}

/// Keeps what a step changed in a record: everything that can change.
pub(crate) fn update(db: &Connection, record: &Record) -> Result<()> {
    db.prepare_cached(
        "UPDATE identus_record
         SET state = :state, subject_id = :subject_id, credential = :credential, status_base = :status_base, retries = :retries,
             failure = :failure, updated_us = :updated_us
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": record.id,
        ":state": AsText(record.state),
        ":subject_id": record.subject_id,
        ":credential": record.credential,
        ":status_base": record.status_base,
        ":retries": record.retries,
        ":failure": record.failure.as_deref().map(RawValue::get),
        ":updated_us": record.updated_at.map(Micros),
    })?;
    Ok(())
}

/// Moves a record to another state: attempts begin anew, the last failure is forgotten.
pub(crate) fn advance(db: &Connection, record: &mut Record, state: RecordState, now: DateTime<Utc>) -> Result<()> {
    record.state = state;
    record.retries = RETRIES;
    record.failure = None;
    record.updated_at = Some(now);
    update(db, record)
}

/// A record of any wallet.
pub(crate) fn any(db: &Connection, id: &str) -> Result<Option<Record>> {
    db.prepare_cached(
        "SELECT id, wallet_id, thid, role, state, connection_id, issuer, subject_id, validity_s, claims, credential, status_base, retries,
             failure, created_us, updated_us
         FROM identus_record WHERE id = ?1",
    )?
    .query_row([id], record)
    .optional()
}

/// A record, in the wallet that has it.
pub(crate) fn get(db: &Connection, wallet: &str, id: &str) -> Result<Option<Record>> {
    Ok(any(db, id)?.filter(|record| record.wallet == wallet))
}

/// The records of a wallet, oldest first; only the first hundred when `strict`.
pub(crate) fn list(db: &Connection, wallet: &str, strict: bool) -> Result<Vec<Record>> {
    db.prepare_cached(
        "SELECT id, wallet_id, thid, role, state, connection_id, issuer, subject_id, validity_s, claims, credential, status_base, retries,
             failure, created_us, updated_us
         FROM identus_record WHERE wallet_id = ?1 ORDER BY created_us, seq LIMIT ?2",
    )?
    .query_map((wallet, cut_off(strict)), record)?
    .collect()
}

/// The records of a wallet in one thread, oldest first: one, or two where both sides are the same wallet.
pub(crate) fn thread(db: &Connection, wallet: &str, thid: &str) -> Result<Vec<Record>> {
    db.prepare_cached(
        "SELECT id, wallet_id, thid, role, state, connection_id, issuer, subject_id, validity_s, claims, credential, status_base, retries,
             failure, created_us, updated_us
         FROM identus_record WHERE wallet_id = ?1 AND thid = ?2 ORDER BY seq",
    )?
    .query_map((wallet, thid), record)?
    .collect()
}

/// One side of a thread, in whichever wallet it is.
pub(crate) fn side(db: &Connection, thid: &str, role: RecordRole) -> Result<Option<Record>> {
    db.prepare_cached(
        "SELECT id, wallet_id, thid, role, state, connection_id, issuer, subject_id, validity_s, claims, credential, status_base, retries,
             failure, created_us, updated_us
         FROM identus_record WHERE thid = ?1 AND role = ?2 ORDER BY seq LIMIT 1",
    )?
    .query_row((thid, AsText(role)), record)
    .optional()
}

/// Whether a wallet has any record.
pub(crate) fn has_any(db: &Connection, wallet: &str) -> Result<bool> {
    db.prepare_cached("SELECT 1 FROM identus_record WHERE wallet_id = ?1")?.exists([wallet])
}

/// The oldest record of a wallet in this state whose claim type is this text.
pub(crate) fn oldest_match(db: &Connection, wallet: &str, claim_type: &str, state: RecordState) -> Result<Option<Record>> {
    db.prepare_cached(
        "SELECT id, wallet_id, thid, role, state, connection_id, issuer, subject_id, validity_s, claims, credential, status_base, retries,
             failure, created_us, updated_us
         FROM identus_record WHERE wallet_id = ?1 AND claim_type = ?2 AND state = ?3 ORDER BY created_us, seq LIMIT 1",
    )?
    .query_row((wallet, claim_type, AsText(state)), record)
    .optional()
}

/// As [`oldest_match`], but only among the first hundred records of the wallet.
pub(crate) fn oldest_match_in_cut_off(
    db: &Connection,
    wallet: &str,
    claim_type: &str,
    state: RecordState,
) -> Result<Option<Record>> {
    db.prepare_cached(
        "SELECT id, wallet_id, thid, role, state, connection_id, issuer, subject_id, validity_s, claims, credential, status_base, retries,
             failure, created_us, updated_us
         FROM (SELECT * FROM identus_record WHERE wallet_id = ?1 ORDER BY created_us, seq LIMIT 100)
         WHERE claim_type = ?2 AND state = ?3 ORDER BY created_us, seq LIMIT 1",
    )?
    .query_row((wallet, claim_type, AsText(state)), record)
    .optional()
}

/// The newest record of a wallet in this state whose claim type is this text.
pub(crate) fn newest_match(db: &Connection, wallet: &str, claim_type: &str, state: RecordState) -> Result<Option<Record>> {
    db.prepare_cached(
        "SELECT id, wallet_id, thid, role, state, connection_id, issuer, subject_id, validity_s, claims, credential, status_base, retries,
             failure, created_us, updated_us
         FROM identus_record WHERE wallet_id = ?1 AND claim_type = ?2 AND state = ?3 ORDER BY created_us DESC, seq DESC LIMIT 1",
    )?
    .query_row((wallet, claim_type, AsText(state)), record)
    .optional()
}

/// The records that a background step waits for, oldest first.
pub(crate) fn pending(db: &Connection) -> Result<Vec<String>> {
    db.prepare_cached(
        "SELECT id FROM identus_record
         WHERE state IN ('OfferPending', 'RequestPending', 'RequestGenerated', 'CredentialPending', 'CredentialGenerated')
         ORDER BY seq",
    )?
    .query_map([], |row| row.get(0))?
    .collect()
}

/// The claim type of a record.
pub(crate) fn claim_type(db: &Connection, id: &str) -> Result<Option<String>> {
    db.prepare_cached("SELECT claim_type FROM identus_record WHERE id = ?1")?.query_row([id], |row| row.get(0))
}

/// What a failed background step leaves: one attempt less, and the reason.
pub(crate) fn fail(db: &Connection, id: &str, failure: &super::super::types::Failure, now: DateTime<Utc>) -> Result<()> {
    db.prepare_cached("UPDATE identus_record SET retries = retries - 1, failure = ?2, updated_us = ?3 WHERE id = ?1")?
        .execute((id, AsJson(failure), Micros(now)))?;
    Ok(())
}
