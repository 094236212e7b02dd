//! What becomes of credentials' contracts: issued, verified again, revoked, archived, deleted.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::credentials::EXPIRES;
use super::store::credentials::{self, Contract, NewContract};
use super::store::people::{self, Account, Metrics, User};
use super::types::{ContractState, KycProvider};
use super::{contract_id, store};
use crate::http::Refusal;
use crate::http::wire::to_rfc3339_millis;
use crate::world::Cx;

/// How long a credential is valid unless the setting says otherwise, in days.
const LIFETIME_DAYS: i64 = 365;

/// How old an account is said to be that was linked without a word about it, in days.
const ACCOUNT_AGE_DAYS: i64 = 365;

/// How long a credential is valid that is issued now, in days.
pub(super) fn lifetime_days(cx: &Cx<'_>) -> rusqlite::Result<i64> {
    Ok(cx.setting::<Option<i64>>("credential_lifetime_days")?.unwrap_or(LIFETIME_DAYS))
}

/// What a credential says of an account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Profile<'a> {
    pub provider: KycProvider,
    pub email: Option<&'a str>,
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub username: Option<&'a str>,
    pub provider_id: &'a str,
    pub domain: Option<&'a str>,
    pub verified_at: DateTime<Utc>,
}

/// The metadata of a credential about an account. Members of `given` take the place of those that follow from the account, or join
/// them at the end.
pub(super) fn metadata(profile: &Profile<'_>, given: &Map<String, Value>) -> Map<String, Value> {
    let mut metadata = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = given.get(key).cloned().or(value) {
            metadata.insert(key.to_owned(), value);
        }
    };
    let text = |text: &str| Some(Value::from(text));
    put("email", profile.email.map(Value::from));
    put("firstName", text(profile.first_name));
    put("lastName", text(profile.last_name));
    put("username", profile.username.map(Value::from));
    put("providerId", text(profile.provider_id));
    put("verifiedAt", text(&to_rfc3339_millis(profile.verified_at)));
    let has_email = profile.email.is_some() || given.contains_key("email");
    put("emailVerified", has_email.then_some(Value::Bool(true)));
    let folder = profile.provider.name().to_lowercase();
    let provider_id = given.get("providerId").and_then(Value::as_str).unwrap_or(profile.provider_id);
    put("profilePicture", text(&format!("https://avatars.example.com/{folder}/{provider_id}.png")));
    put("domain", profile.domain.map(Value::from));
    for (key, value) in given {
        metadata.entry(key.clone()).or_insert_with(|| value.clone());
    }
    metadata
}

/// A user links an account, and gets a credential of it. Refused while there is one that was not revoked.
pub(super) fn issue(cx: &mut Cx<'_>, user: &User, provider: KycProvider, given: &Map<String, Value>) -> Result<String, Refusal> {
    if let Some(current) = credentials::current(cx.db, user.id, provider)? {
        if current.state != ContractState::Revoked {
            let reason = format!("{} has a credential of {}; verify it again or archive it", user.full_name(), provider.title());
            return Err(Refusal::Conflict(reason));
        }
        credentials::set_state(cx.db, &current.contract_id, ContractState::Revoked, false)?;
    }
    let provider_id = match given.get("providerId").and_then(Value::as_str) {
        Some(given) => given.to_owned(),
        None => cx.rng.code(12),
    };
    let profile = Profile {
        provider,
        email: Some(&user.email),
        first_name: &user.first_name,
        last_name: &user.last_name,
        username: None,
        provider_id: &provider_id,
        domain: None,
        verified_at: cx.now,
    };
    let created_at = cx.now - TimeDelta::days(ACCOUNT_AGE_DAYS);
    let account = Account { user_id: user.id, provider, provider_id: provider_id.clone(), created_at, metrics: Metrics::default() };
    people::link_account(cx.db, &account)?;
    Ok(make(cx, user.id, provider, &metadata(&profile, given))?)
}

/// A user verifies an account again: a new contract takes the place of the current one.
pub(super) fn reverify(cx: &mut Cx<'_>, contract_id: &str) -> Result<String, Refusal> {
    let old = active(cx, contract_id)?;
    end(cx, &old, ContractState::Superseded, false)?;
    let mut metadata = old.metadata;
    metadata.insert("verifiedAt".to_owned(), Value::from(to_rfc3339_millis(cx.now)));
    Ok(make(cx, old.user_id, old.provider, &metadata)?)
}

/// A contract is revoked for good.
pub(super) fn revoke(cx: &Cx<'_>, contract_id: &str) -> Result<(), Refusal> {
    let contract = active(cx, contract_id)?;
    Ok(end(cx, &contract, ContractState::Revoked, true)?)
}

/// A user unlinks an account: its contract is archived without a successor.
pub(super) fn archive(cx: &Cx<'_>, contract_id: &str) -> Result<(), Refusal> {
    let contract = active(cx, contract_id)?;
    Ok(end(cx, &contract, ContractState::Archived, false)?)
}

/// The record of a contract disappears. Links to it live on and say so.
pub(super) fn delete(cx: &Cx<'_>, contract_id: &str) -> Result<(), Refusal> {
    let contract = found(cx, contract_id)?;
    cx.cancel_timer(EXPIRES, contract_id)?;
    credentials::delete(cx.db, contract_id)?;
    store::settle(cx.db, contract.user_id, contract.provider)?;
    Ok(())
}

/// A contract has expired.
pub(super) fn expire(cx: &Cx<'_>, contract_id: &str) -> rusqlite::Result<()> {
    let active = credentials::by_id(cx.db, contract_id)?.filter(|contract| contract.state == ContractState::Active);
    if let Some(contract) = active {
        credentials::expire(cx.db, contract_id)?;
        store::settle(cx.db, contract.user_id, contract.provider)?;
    }
    Ok(())
}

fn found(cx: &Cx<'_>, contract_id: &str) -> Result<Contract, Refusal> {
    credentials::by_id(cx.db, contract_id)?
        .ok_or_else(|| Refusal::NotFound(format!("there is no credential with the contract {contract_id:?}")))
}

fn active(cx: &Cx<'_>, contract_id: &str) -> Result<Contract, Refusal> {
    let contract = found(cx, contract_id)?;
    let state = match contract.state {
        ContractState::Active => return Ok(contract),
        ContractState::Revoked => "was revoked",
        ContractState::Superseded => "was superseded by a newer one",
        ContractState::Archived => "was archived",
    };
    Err(Refusal::Conflict(format!("the credential {state}")))
}

fn end(cx: &Cx<'_>, contract: &Contract, state: ContractState, is_current: bool) -> rusqlite::Result<()> {
    cx.cancel_timer(EXPIRES, &contract.contract_id)?;
    credentials::set_state(cx.db, &contract.contract_id, state, is_current)?;
    store::settle(cx.db, contract.user_id, contract.provider)
}

fn make(cx: &mut Cx<'_>, user_id: i64, provider: KycProvider, metadata: &Map<String, Value>) -> rusqlite::Result<String> {
    let contract_id = contract_id(cx);
    let expires_at = cx.now + TimeDelta::days(lifetime_days(cx)?);
    credentials::insert(
        cx.db,
        &NewContract {
            contract_id: &contract_id,
            user_id,
            provider,
            state: ContractState::Active,
            is_current: true,
            issued_at: cx.now,
            expires_at,
            metadata,
        },
    )?;
    store::settle(cx.db, user_id, provider)?;
    cx.set_timer(EXPIRES, &contract_id, expires_at)?;
    Ok(contract_id)
}
