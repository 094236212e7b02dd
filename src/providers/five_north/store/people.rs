//! Users and the accounts that they have linked.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::types::{KycProvider, KycStatus, UserStatus};
use crate::world::store::{AsJson, AsText, Millis};

/// What a user does with requests for data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum Policy {
    /// Decides by hand.
    #[default]
    Manual,
    /// Approves each one after a while.
    AutoApprove,
    /// Rejects each one after a while.
    AutoReject,
}

/// A person with an account at 5N ID.
#[derive(Clone, Debug)]
pub(in super::super) struct User {
    pub id: i64,
    pub party_id: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub username: String,
    pub alias: Option<String>,
    pub status: UserStatus,
    pub registered_at: DateTime<Utc>,
    /// State of the identity check; none where none was begun.
    pub sumsub: Option<KycStatus>,
    pub policy: Policy,
    pub policy_delay_s: i64,
}

impl User {
    /// First and last name.
    pub(in super::super) fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }
}

/// What a provider tells about the reach of an account, in the order in which it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct Metrics {
    pub followers_count: Option<i64>,
    pub following_count: Option<i64>,
    pub posts_count: Option<i64>,
    pub verified: Option<bool>,
    pub github_repos: Option<i64>,
    pub github_followers: Option<i64>,
    pub twitter_description: Option<String>,
    pub github_bio: Option<String>,
    pub github_company: Option<String>,
    pub github_location: Option<String>,
    pub google_contact_count: Option<i64>,
}

/// A linked account.
#[derive(Clone, Debug)]
pub(in super::super) struct Account {
    pub user_id: i64,
    pub provider: KycProvider,
    /// The subject's id at the provider.
    pub provider_id: String,
    pub created_at: DateTime<Utc>,
    pub metrics: Metrics,
}

/// A linked account with the credential that came of it.
#[derive(Clone, Debug)]
pub(in super::super) struct CountedAccount {
    pub provider: KycProvider,
    pub provider_id: String,
    pub created_at: DateTime<Utc>,
    pub metrics: Metrics,
    pub issued_at: DateTime<Utc>,
    pub metadata: Map<String, Value>,
}

/// A user whose human score an institution may read.
#[derive(Debug)]
pub(in super::super) struct Person {
    pub id: i64,
    pub party_id: String,
    pub email: String,
}

pub(in super::super) fn insert(db: &Connection, user: &User) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO five_north_user (id, party_id, first_name, last_name, email, email_key, username_key, alias, status,
            registered_at_ms, sumsub, policy, policy_delay_s)
         VALUES (:id, :party, :first_name, :last_name, :email, :email_key, :username_key, :alias, :status,
            :registered_at, :sumsub, :policy, :delay)",
    )?
    .execute(named_params! {
        ":id": user.id,
        ":party": user.party_id,
        ":first_name": user.first_name,
        ":last_name": user.last_name,
        ":email": user.email,
        ":email_key": user.email.to_lowercase(),
        ":username_key": user.username.to_lowercase(),
        ":alias": user.alias.as_deref().map(str::to_lowercase),
        ":status": AsText(user.status),
        ":registered_at": Millis(user.registered_at),
        ":sumsub": user.sumsub.map(AsText),
        ":policy": AsText(user.policy),
        ":delay": user.policy_delay_s,
    })?;
    Ok(())
}

/// A query for whole rows, in the order that [`user`] reads.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, party_id, first_name, last_name, email, username_key, alias, status, registered_at_ms, sumsub, ",
            "policy, policy_delay_s FROM five_north_user ",
            $rest
        )
    };
}

fn user(row: &Row<'_>) -> Result<User> {
    Ok(User {
        id: row.get(0)?,
        party_id: row.get(1)?,
        first_name: row.get(2)?,
        last_name: row.get(3)?,
        email: row.get(4)?,
        username: row.get(5)?,
        alias: row.get(6)?,
        status: row.get::<_, AsText<_>>(7)?.0,
        registered_at: row.get::<_, Millis>(8)?.0,
        sumsub: row.get::<_, Option<AsText<_>>>(9)?.map(|text| text.0),
        policy: row.get::<_, AsText<_>>(10)?.0,
        policy_delay_s: row.get(11)?,
    })
}

/// The user with this party, exactly as written.
pub(in super::super) fn by_party(db: &Connection, party_id: &str) -> Result<Option<User>> {
    db.prepare_cached(select!("WHERE party_id = ?1"))?.query_row([party_id], user).optional()
}

pub(in super::super) fn by_id(db: &Connection, id: i64) -> Result<Option<User>> {
    db.prepare_cached(select!("WHERE id = ?1"))?.query_row([id], user).optional()
}

/// The first users, by id.
pub(in super::super) fn first(db: &Connection, limit: i64) -> Result<Vec<User>> {
    db.prepare_cached(select!("ORDER BY id LIMIT ?1"))?.query_map([limit], user)?.collect()
}

/// Links an account, or replaces the one that the user had linked there before.
pub(in super::super) fn link_account(db: &Connection, account: &Account) -> Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO five_north_account (user_id, provider, provider_id, created_at_ms, metrics)
         VALUES (:user, :provider, :provider_id, :created_at, :metrics)",
    )?
    .execute(named_params! {
        ":user": account.user_id,
        ":provider": AsText(account.provider),
        ":provider_id": account.provider_id,
        ":created_at": Millis(account.created_at),
        ":metrics": AsJson(&account.metrics),
    })?;
    Ok(())
}

/// A user's accounts that count for the human score: those with an active credential, be it expired.
pub(in super::super) fn counted_accounts(db: &Connection, user_id: i64) -> Result<Vec<CountedAccount>> {
    db.prepare_cached(
        "SELECT a.provider, a.provider_id, a.created_at_ms, a.metrics, c.issued_at_ms, c.metadata
         FROM five_north_account a
         JOIN five_north_credential c ON c.user_id = a.user_id AND c.provider = a.provider AND c.is_current = 1 AND c.state = 'active'
         WHERE a.user_id = ?1",
    )?
    .query_map([user_id], |row| {
        Ok(CountedAccount {
            provider: row.get::<_, AsText<_>>(0)?.0,
            provider_id: row.get(1)?,
            created_at: row.get::<_, Millis>(2)?.0,
            metrics: row.get::<_, AsJson<_>>(3)?.0,
            issued_at: row.get::<_, Millis>(4)?.0,
            metadata: super::object(&row.get::<_, String>(5)?),
        })
    })?
    .collect()
}

fn person(row: &Row<'_>) -> Result<Person> {
    Ok(Person { id: row.get(0)?, party_id: row.get(1)?, email: row.get(2)? })
}

/// The user with this party, if the institution may read their human score.
pub(in super::super) fn approved(db: &Connection, institution_id: i64, party_id: &str) -> Result<Option<Person>> {
    db.prepare_cached(
        "SELECT u.id, u.party_id, u.email FROM five_north_user u
         JOIN five_north_approval a ON a.institution_id = ?1 AND a.user_id = u.id
         WHERE u.party_id = ?2",
    )?
    .query_row((institution_id, party_id), person)
    .optional()
}

/// Users whose human score an institution may read, by id.
pub(in super::super) fn all_approved(db: &Connection, institution_id: i64, offset: i64, limit: i64) -> Result<Vec<Person>> {
    db.prepare_cached(
        "SELECT u.id, u.party_id, u.email FROM five_north_approval a
         JOIN five_north_user u ON u.id = a.user_id
         WHERE a.institution_id = ?1 ORDER BY a.user_id LIMIT ?2 OFFSET ?3",
    )?
    .query_map((institution_id, limit, offset), person)?
    .collect()
}

/// How many users [`all_approved`] has.
pub(in super::super) fn count_approved(db: &Connection, institution_id: i64) -> Result<i64> {
    db.prepare_cached("SELECT people FROM five_north_institution WHERE id = ?1")?.query_row([institution_id], |row| row.get(0))
}

/// Those of the users with one of these parties or one of these e-mail addresses (in lower case) whose human score an institution
/// may read, by id.
pub(in super::super) fn some_approved(
    db: &Connection,
    institution_id: i64,
    parties: &[String],
    emails: &[String],
) -> Result<Vec<Person>> {
    db.prepare_cached(
        "SELECT u.id, u.party_id, u.email FROM five_north_user u
         CROSS JOIN five_north_approval a ON a.institution_id = :institution AND a.user_id = u.id
         WHERE u.id IN (SELECT id FROM five_north_user WHERE party_id IN (SELECT value FROM json_each(:parties))
            UNION SELECT id FROM five_north_user WHERE email_key IN (SELECT value FROM json_each(:emails)))
         ORDER BY u.id",
    )?
    .query_map(
        named_params! { ":institution": institution_id, ":parties": super::list(parties), ":emails": super::list(emails) },
        person,
    )?
    .collect()
}
