//! Clients, their tokens, and the requests that they have made of late.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Result, named_params};

use crate::world::store::Millis;

/// An OAuth client.
#[derive(Debug)]
pub(in super::super) struct Client {
    pub id: String,
    pub secret: String,
    /// The institution that it acts for; none for one without that role.
    pub institution_id: Option<i64>,
    pub enabled: bool,
    pub has_service_account: bool,
    /// A UUID.
    pub service_account_id: String,
    pub token_lifetime_s: i64,
    /// Requests in a window; none where the setting decides.
    pub rate_limit: Option<i64>,
}

/// What is remembered of a token that was issued.
#[derive(Debug)]
pub(in super::super) struct Token {
    pub client_id: String,
    pub expires_at: DateTime<Utc>,
    pub revoked: bool,
}

/// A window of time in which requests are counted.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Window {
    pub began_at: DateTime<Utc>,
    pub requests: i64,
}

pub(in super::super) fn insert_institution(db: &Connection, id: i64, name: &str) -> Result<()> {
    db.prepare_cached("INSERT INTO five_north_institution (id, name) VALUES (?1, ?2)")?.execute((id, name))?;
    Ok(())
}

pub(in super::super) fn insert_client(db: &Connection, client: &Client) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO five_north_client
            (id, secret, institution_id, enabled, has_service_account, service_account_id, token_lifetime_s, rate_limit)
         VALUES (:id, :secret, :institution, :enabled, :has_service_account, :service_account, :lifetime, :rate_limit)",
    )?
    .execute(named_params! {
        ":id": client.id,
        ":secret": client.secret,
        ":institution": client.institution_id,
        ":enabled": client.enabled,
        ":has_service_account": client.has_service_account,
        ":service_account": client.service_account_id,
        ":lifetime": client.token_lifetime_s,
        ":rate_limit": client.rate_limit,
    })?;
    Ok(())
}

pub(in super::super) fn client(db: &Connection, id: &str) -> Result<Option<Client>> {
    db.prepare_cached(
        "SELECT id, secret, institution_id, enabled, has_service_account, service_account_id, token_lifetime_s, rate_limit
         FROM five_north_client WHERE id = ?1",
    )?
    .query_row([id], |row| {
        Ok(Client {
            id: row.get(0)?,
            secret: row.get(1)?,
            institution_id: row.get(2)?,
            enabled: row.get(3)?,
            has_service_account: row.get(4)?,
            service_account_id: row.get(5)?,
            token_lifetime_s: row.get(6)?,
            rate_limit: row.get(7)?,
        })
    })
    .optional()
}

/// The id and secret of the first client that the API lets in; none in an empty world.
pub(in super::super) fn first_client(db: &Connection) -> Result<Option<(String, String)>> {
    db.prepare_cached(
        "SELECT id, secret FROM five_north_client
         WHERE institution_id IS NOT NULL AND enabled = 1 AND has_service_account = 1 ORDER BY institution_id, id LIMIT 1",
    )?
    .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
    .optional()
}

/// Remembers a token, and forgets those that have expired.
pub(in super::super) fn insert_token(
    db: &Connection,
    digest: &[u8],
    client_id: &str,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<()> {
    db.prepare_cached("DELETE FROM five_north_token WHERE expires_at_ms <= ?1")?.execute([Millis(now)])?;
    db.prepare_cached("INSERT OR REPLACE INTO five_north_token (digest, client_id, expires_at_ms) VALUES (?1, ?2, ?3)")?
        .execute((digest, client_id, Millis(expires_at)))?;
    Ok(())
}

pub(in super::super) fn token(db: &Connection, digest: &[u8]) -> Result<Option<Token>> {
    db.prepare_cached("SELECT client_id, expires_at_ms, revoked FROM five_north_token WHERE digest = ?1")?
        .query_row([digest], |row| {
            Ok(Token { client_id: row.get(0)?, expires_at: row.get::<_, Millis>(1)?.0, revoked: row.get(2)? })
        })
        .optional()
}

/// Ends all tokens that were issued up to now.
pub(in super::super) fn revoke_tokens(db: &Connection, now: DateTime<Utc>) -> Result<()> {
    db.prepare_cached("UPDATE five_north_token SET revoked = 1")?.execute([])?;
    db.prepare_cached("INSERT OR REPLACE INTO five_north_revocation (id, at_ms) VALUES (1, ?1)")?.execute([Millis(now)])?;
    Ok(())
}

/// When all tokens were last revoked.
pub(in super::super) fn revoked_at(db: &Connection) -> Result<Option<DateTime<Utc>>> {
    db.prepare_cached("SELECT at_ms FROM five_north_revocation")?.query_row([], |row| Ok(row.get::<_, Millis>(0)?.0)).optional()
}

pub(in super::super) fn window(db: &Connection, subject: &str) -> Result<Option<Window>> {
    db.prepare_cached("SELECT began_at_ms, requests FROM five_north_window WHERE subject = ?1")?
        .query_row([subject], |row| Ok(Window { began_at: row.get::<_, Millis>(0)?.0, requests: row.get(1)? }))
        .optional()
}

pub(in super::super) fn count(db: &Connection, subject: &str, window: Window) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO five_north_window (subject, began_at_ms, requests) VALUES (?1, ?2, ?3)")?
        .execute((subject, Millis(window.began_at), window.requests))?;
    Ok(())
}
