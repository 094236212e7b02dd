//! Messages that a real provider would have sent: kept where a developer or a test can read them.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};

use super::store::{AsText, Millis};

/// How a message would have travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A text message to a phone number.
    Sms,
    /// A mail.
    Email,
    /// A request to the customer's server.
    Webhook,
}

/// A message on its way to nobody.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// How it would have travelled.
    pub channel: Channel,
    /// Phone number, mail address or URL.
    pub to: &'a str,
    /// The text as the person would read it.
    pub body: &'a str,
    /// The one-time code in it, digits only.
    pub code: Option<&'a str>,
    /// The link in it.
    pub link: Option<&'a str>,
}

/// A message as the control API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// 1, 2, 3, ... in the order of sending.
    pub id: i64,
    /// When, on the world's clock.
    #[serde(serialize_with = "crate::http::wire::rfc3339_millis")]
    pub at: DateTime<Utc>,
    /// The slug of the provider that sent it.
    pub provider: String,
    /// How it would have travelled.
    pub channel: Channel,
    /// Phone number, mail address or URL.
    pub to: String,
    /// The text as the person would read it.
    pub body: String,
    /// The one-time code in it, digits only.
    pub code: Option<String>,
    /// The link in it.
    pub link: Option<String>,
}

pub(super) fn add(db: &Connection, provider: &str, at: DateTime<Utc>, message: &Message<'_>) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO world_message (at_ms, provider, channel, recipient, body, code, link)
         VALUES (:at_ms, :provider, :channel, :recipient, :body, :code, :link)",
    )?
    .execute(rusqlite::named_params! {
        ":at_ms": Millis(at),
        ":provider": provider,
        ":channel": AsText(message.channel),
        ":recipient": message.to,
        ":body": message.body,
        ":code": message.code,
        ":link": message.link,
    })?;
    Ok(())
}

fn sent(row: &Row<'_>) -> rusqlite::Result<Sent> {
    Ok(Sent {
        id: row.get(0)?,
        at: row.get::<_, Millis>(1)?.0,
        provider: row.get(2)?,
        channel: row.get::<_, AsText<_>>(3)?.0,
        to: row.get(4)?,
        body: row.get(5)?,
        code: row.get(6)?,
        link: row.get(7)?,
    })
}

/// The messages sent so far, oldest first; only those to `to` when it is given.
pub fn list(db: &Connection, to: Option<&str>) -> rusqlite::Result<Vec<Sent>> {
    db.prepare_cached(
        "SELECT id, at_ms, provider, channel, recipient, body, code, link FROM world_message
         WHERE ?1 IS NULL OR recipient = ?1 ORDER BY id",
    )?
    .query_map([to], sent)?
    .collect()
}

/// Number of the latest message that is kept; 0 when there is none.
pub(super) fn last_id(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT coalesce(max(id), 0) FROM world_message")?.query_row([], |row| row.get(0))
}

/// The messages with a greater number, oldest first.
pub(super) fn after(db: &Connection, id: i64) -> rusqlite::Result<Vec<Sent>> {
    db.prepare_cached(
        "SELECT id, at_ms, provider, channel, recipient, body, code, link FROM world_message WHERE id > ?1 ORDER BY id",
    )?
    .query_map([id], sent)?
    .collect()
}

/// Forgets the messages sent so far; only those to `to` when it is given.
pub fn clear(db: &Connection, to: Option<&str>) -> rusqlite::Result<()> {
    db.execute("DELETE FROM world_message WHERE ?1 IS NULL OR recipient = ?1", [to])?;
    Ok(())
}
