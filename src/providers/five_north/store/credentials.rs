//! Credentials, what they can be found by, and the links that show them.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};
use serde_json::{Map, Value};

use super::super::types::{ContractState, KycProvider};
use crate::world::store::{AsJson, AsText, Millis};

/// A credential's contract, with its owner's party and e-mail address.
#[derive(Clone, Debug)]
pub(in super::super) struct Contract {
    pub contract_id: String,
    pub user_id: i64,
    pub party_id: String,
    pub email: String,
    pub provider: KycProvider,
    pub state: ContractState,
    pub is_expired: bool,
    pub issued_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub metadata: Map<String, Value>,
}

/// A contract that is about to be made.
#[derive(Debug)]
pub(in super::super) struct NewContract<'a> {
    pub contract_id: &'a str,
    pub user_id: i64,
    pub provider: KycProvider,
    pub state: ContractState,
    /// Whether it is the one that its owner has with the provider from now on.
    pub is_current: bool,
    pub issued_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub metadata: &'a Map<String, Value>,
}

fn contract(row: &Row<'_>) -> Result<Contract> {
    Ok(Contract {
        contract_id: row.get(0)?,
        user_id: row.get(1)?,
        party_id: row.get(2)?,
        email: row.get(3)?,
        provider: row.get::<_, AsText<_>>(4)?.0,
        state: row.get::<_, AsText<_>>(5)?.0,
        is_expired: row.get(6)?,
        issued_at: row.get::<_, Millis>(7)?.0,
        expires_at: row.get::<_, Millis>(8)?.0,
        metadata: super::object(&row.get::<_, String>(9)?),
    })
}

/// A query for whole rows, in the order that [`contract`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT c.contract_id, c.user_id, u.party_id, u.email, c.provider, c.state, c.is_expired, ",
            "c.issued_at_ms, c.expires_at_ms, c.metadata ",
            $rest
        )
    };
}

/// Makes a contract, to be found by the e-mail address, username and domain in its metadata.
pub(in super::super) fn insert(db: &Connection, new: &NewContract<'_>) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO five_north_credential (contract_id, user_id, provider, state, is_current, issued_at_ms, expires_at_ms, metadata)
         VALUES (:contract, :user, :provider, :state, :is_current, :issued_at, :expires_at, :metadata)",
    )?
    .execute(named_params! {
        ":contract": new.contract_id,
        ":user": new.user_id,
        ":provider": AsText(new.provider),
        ":state": AsText(new.state),
        ":is_current": new.is_current,
        ":issued_at": Millis(new.issued_at),
        ":expires_at": Millis(new.expires_at),
        ":metadata": AsJson(new.metadata),
    })?;
    let id = db.last_insert_rowid();
    let handles = ["email", "username", "domain"].into_iter().filter_map(|key| new.metadata.get(key)?.as_str());
    for handle in handles {
        db.prepare_cached("INSERT OR IGNORE INTO five_north_handle (handle, credential_id) VALUES (?1, ?2)")?
            .execute((handle.to_lowercase(), id))?;
    }
    Ok(())
}

/// The contract with this id, whoever may see it.
pub(in super::super) fn by_id(db: &Connection, contract_id: &str) -> Result<Option<Contract>> {
    db.prepare_cached(select!("FROM five_north_credential c JOIN five_north_user u ON u.id = c.user_id WHERE c.contract_id = ?1"))?
        .query_row([contract_id], contract)
        .optional()
}

/// The contract that a user has with a provider now, be it revoked.
pub(in super::super) fn current(db: &Connection, user_id: i64, provider: KycProvider) -> Result<Option<Contract>> {
    db.prepare_cached(select!(
        "FROM five_north_credential c JOIN five_north_user u ON u.id = c.user_id
         WHERE c.user_id = ?1 AND c.provider = ?2 AND c.is_current = 1"
    ))?
    .query_row((user_id, AsText(provider)), contract)
    .optional()
}

/// All contracts that a user has now, be they revoked, oldest first.
pub(in super::super) fn all_current(db: &Connection, user_id: i64) -> Result<Vec<Contract>> {
    db.prepare_cached(select!(
        "FROM five_north_credential c JOIN five_north_user u ON u.id = c.user_id
         WHERE c.user_id = ?1 AND c.is_current = 1 ORDER BY c.id"
    ))?
    .query_map([user_id], contract)?
    .collect()
}

/// When each active contract that is not marked as expired expires, with its id.
pub(in super::super) fn expiries(db: &Connection) -> Result<Vec<(String, DateTime<Utc>)>> {
    db.prepare(
        "SELECT contract_id, expires_at_ms FROM five_north_credential WHERE state = 'active' AND is_expired = 0 ORDER BY id",
    )?
    .query_map([], |row| Ok((row.get(0)?, row.get::<_, Millis>(1)?.0)))?
    .collect()
}

/// Says of a contract what it is on the ledger now, and whether it is still the one that its owner has.
pub(in super::super) fn set_state(db: &Connection, contract_id: &str, state: ContractState, is_current: bool) -> Result<()> {
    db.prepare_cached("UPDATE five_north_credential SET state = ?2, is_current = ?3 WHERE contract_id = ?1")?.execute((
        contract_id,
        AsText(state),
        is_current,
    ))?;
    Ok(())
}

/// Marks a contract as expired.
pub(in super::super) fn expire(db: &Connection, contract_id: &str) -> Result<()> {
    db.prepare_cached("UPDATE five_north_credential SET is_expired = 1 WHERE contract_id = ?1")?.execute([contract_id])?;
    Ok(())
}

/// Forgets a contract. Links to it live on.
pub(in super::super) fn delete(db: &Connection, contract_id: &str) -> Result<()> {
    db.prepare_cached("DELETE FROM five_north_credential WHERE contract_id = ?1")?.execute([contract_id])?;
    Ok(())
}

/// Credentials disclosed to an institution, oldest first.
pub(in super::super) fn disclosed(db: &Connection, institution_id: i64, offset: i64, limit: i64) -> Result<Vec<Contract>> {
    db.prepare_cached(select!(
        "FROM five_north_disclosure d
         JOIN five_north_credential c ON c.id = d.credential_id JOIN five_north_user u ON u.id = c.user_id
         WHERE d.institution_id = ?1 ORDER BY d.credential_id LIMIT ?2 OFFSET ?3"
    ))?
    .query_map((institution_id, limit, offset), contract)?
    .collect()
}

/// How many credentials [`disclosed`] has.
pub(in super::super) fn count_disclosed(db: &Connection, institution_id: i64) -> Result<i64> {
    db.prepare_cached("SELECT disclosed FROM five_north_institution WHERE id = ?1")?.query_row([institution_id], |row| row.get(0))
}

// Where people are looked up, they come first (CROSS JOIN keeps the order): a walk through all that is disclosed to the institution,
// already in the order of the answer, tempts the planner.

/// Credentials disclosed to an institution of the users with one of these parties or e-mail addresses (in lower case), oldest first.
pub(in super::super) fn disclosed_of(
    db: &Connection,
    institution_id: i64,
    parties: &[String],
    emails: &[String],
) -> Result<Vec<Contract>> {
    db.prepare_cached(select!(
        "FROM five_north_user u
         CROSS JOIN five_north_credential c ON c.user_id = u.id
         CROSS JOIN five_north_disclosure d ON d.institution_id = :institution AND d.credential_id = c.id
         WHERE u.id IN (SELECT id FROM five_north_user WHERE party_id IN (SELECT value FROM json_each(:parties))
            UNION SELECT id FROM five_north_user WHERE email_key IN (SELECT value FROM json_each(:emails)))
         ORDER BY c.id"
    ))?
    .query_map(
        named_params! { ":institution": institution_id, ":parties": super::list(parties), ":emails": super::list(emails) },
        contract,
    )?
    .collect()
}

/// As [`disclosed_of`], of the user with this alias (in lower case).
pub(in super::super) fn disclosed_by_alias(db: &Connection, institution_id: i64, alias: &str) -> Result<Vec<Contract>> {
    db.prepare_cached(select!(
        "FROM five_north_user u
         CROSS JOIN five_north_credential c ON c.user_id = u.id
         CROSS JOIN five_north_disclosure d ON d.institution_id = ?1 AND d.credential_id = c.id
         WHERE u.alias = ?2 ORDER BY c.id"
    ))?
    .query_map((institution_id, alias), contract)?
    .collect()
}

/// As [`disclosed_of`], of the users whose account has this username, or one of whose disclosed credentials this e-mail address,
/// username or domain (in lower case).
pub(in super::super) fn disclosed_by_handle(db: &Connection, institution_id: i64, handle: &str) -> Result<Vec<Contract>> {
    db.prepare_cached(select!(
        "FROM five_north_user u
         CROSS JOIN five_north_credential c ON c.user_id = u.id
         CROSS JOIN five_north_disclosure d ON d.institution_id = ?1 AND d.credential_id = c.id
         WHERE u.id IN (
            SELECT found.user_id FROM five_north_handle h
            CROSS JOIN five_north_disclosure shown ON shown.institution_id = ?1 AND shown.credential_id = h.credential_id
            CROSS JOIN five_north_credential found ON found.id = h.credential_id
            WHERE h.handle = ?2
            UNION SELECT id FROM five_north_user WHERE username_key = ?2)
         ORDER BY c.id"
    ))?
    .query_map((institution_id, handle), contract)?
    .collect()
}

/// Whether an institution may make links to a contract: it has an approved request for what the contract is about.
pub(in super::super) fn may_link(db: &Connection, institution_id: i64, contract_id: &str) -> Result<bool> {
    db.prepare_cached(
        "SELECT 1 FROM five_north_credential c
         CROSS JOIN five_north_request r INDEXED BY five_north_request_pair ON r.user_id = c.user_id AND r.provider = c.provider
         WHERE c.contract_id = ?2 AND r.institution_id = ?1 AND r.state = 'APPROVED'",
    )?
    .exists((institution_id, contract_id))
}

/// Makes a link.
pub(in super::super) fn insert_link(db: &Connection, token: &str, contract_id: &str) -> Result<()> {
    db.prepare_cached("INSERT INTO five_north_link (token, contract_id) VALUES (?1, ?2)")?.execute((token, contract_id))?;
    Ok(())
}

/// The id of the contract that a living link shows.
pub(in super::super) fn linked(db: &Connection, token: &str) -> Result<Option<String>> {
    db.prepare_cached("SELECT contract_id FROM five_north_link WHERE token = ?1")?.query_row([token], |row| row.get(0)).optional()
}

/// Ends a link.
pub(in super::super) fn delete_link(db: &Connection, token: &str) -> Result<()> {
    db.prepare_cached("DELETE FROM five_north_link WHERE token = ?1")?.execute([token])?;
    Ok(())
}
