//! All SQL of 5N ID.

pub(super) mod credentials;
pub(super) mod people;
pub(super) mod requests;
pub(super) mod tokens;

use chrono::TimeDelta;
use rusqlite::{Connection, Result, params};
use serde_json::{Map, Value};

use super::types::KycProvider;
use crate::world::store::AsText;

/// A list of values as JSON text, which is how a statement takes one.
fn list(values: &[String]) -> String {
    Value::from(values).to_string()
}

/// A JSON object that was kept as text.
fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// Brings what follows from a user's requests and credentials for a provider up to date: the state that the requests show, which
/// credentials are disclosed to whom, and who may read the user's human score. Called after every change to either.
pub(super) fn settle(db: &Connection, user_id: i64, provider: KycProvider) -> Result<()> {
    let pair = params![user_id, AsText(provider)];
    db.prepare_cached(
        "UPDATE five_north_request SET kyc_status = COALESCE(
            (SELECT IIF(c.state = 'active' AND c.is_expired = 1, 'EXPIRED', 'APPROVED') FROM five_north_credential c
             WHERE c.user_id = ?1 AND c.provider = ?2 AND c.is_current = 1),
            (SELECT u.sumsub FROM five_north_user u WHERE u.id = ?1 AND ?2 = 'SUMSUB'),
            'TO_DO')
         WHERE user_id = ?1 AND provider = ?2",
    )?
    .execute(pair)?;
    db.prepare_cached(
        "DELETE FROM five_north_disclosure WHERE credential_id IN
            (SELECT id FROM five_north_credential WHERE user_id = ?1 AND provider = ?2)",
    )?
    .execute(pair)?;
    db.prepare_cached(
        "INSERT INTO five_north_disclosure (institution_id, credential_id)
         SELECT r.institution_id, c.id FROM five_north_credential c
         CROSS JOIN five_north_request r INDEXED BY five_north_request_pair ON r.user_id = c.user_id AND r.provider = c.provider AND r.state = 'APPROVED'
         WHERE c.user_id = ?1 AND c.provider = ?2 AND c.is_current = 1",
    )?
    .execute(pair)?;
    db.prepare_cached("DELETE FROM five_north_approval WHERE user_id = ?1")?.execute([user_id])?;
    db.prepare_cached(
        "INSERT INTO five_north_approval (institution_id, user_id)
         SELECT DISTINCT institution_id, user_id FROM five_north_request WHERE user_id = ?1 AND state = 'APPROVED'",
    )?
    .execute([user_id])?;
    Ok(())
}

/// Moves all times of the fixture by the distance between its loading and the world's beginning, and lets credentials expire
/// `lifetime_days` after their issue.
pub(super) fn shift(db: &Connection, by: TimeDelta, lifetime_days: i64) -> Result<()> {
    let by_ms = by.num_milliseconds();
    db.execute("UPDATE five_north_user SET registered_at_ms = registered_at_ms + ?1", [by_ms])?;
    db.execute("UPDATE five_north_account SET created_at_ms = created_at_ms + ?1", [by_ms])?;
    db.execute(
        "UPDATE five_north_request SET registered_at_ms = registered_at_ms + ?1, created_at_ms = created_at_ms + ?1",
        [by_ms],
    )?;
    db.execute(
        "UPDATE five_north_credential SET issued_at_ms = issued_at_ms + ?1,
            expires_at_ms = issued_at_ms + ?1 + ?2 * 86400000,
            metadata = json_set(metadata, '$.verifiedAt', strftime('%Y-%m-%dT%H:%M:%fZ', (issued_at_ms + ?1) / 1000.0, 'unixepoch'))",
        [by_ms, lifetime_days],
    )?;
    Ok(())
}
