//! Reading what a fresh world holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Map;
use uuid::Uuid;

use super::ledger::{self, Profile};
use super::store;
use super::store::credentials::{self, NewContract};
use super::store::people::{self, Account, Metrics, Policy, User};
use super::store::requests::{self, NewRequest};
use super::store::tokens::{self, Client};
use super::types::{ContractState, KycProvider, KycStatus, ReqStatus, UserStatus};
use crate::http::{FixtureError, fixture};
use crate::world::Cx;

/// The longest time ago that a fixture can speak of, in days: a century.
const LONGEST_AGO_DAYS: i64 = 36_525;

/// The longest time that a policy may take, in seconds: a year.
const LONGEST_DELAY_S: i64 = 31_536_000;

/// A fixture file. Times are days before the world's beginning.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fixture {
    institutions: Vec<InstitutionEntry>,
    clients: Vec<ClientEntry>,
    users: Vec<UserEntry>,
    /// In the order in which they were issued.
    credentials: Vec<CredentialEntry>,
    requests: Vec<RequestEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct InstitutionEntry {
    id: i64,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClientEntry {
    client_id: String,
    client_secret: String,
    /// A UUID: the subject of its tokens.
    service_account_id: String,
    /// The institution that it acts for; without one it lacks the role that the API asks for.
    institution: Option<i64>,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default = "yes")]
    service_account: bool,
    #[serde(default = "an_hour")]
    token_lifetime_seconds: i64,
    /// Requests in 60 seconds; 0 for no limit. Where absent, the setting `rate_limit` decides.
    rate_limit: Option<i64>,
}

fn yes() -> bool {
    true
}

fn an_hour() -> i64 {
    3600
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserEntry {
    id: i64,
    first_name: String,
    last_name: String,
    email: String,
    /// The e-mail address when absent.
    username: Option<String>,
    party_id: String,
    alias: Option<String>,
    status: UserStatus,
    registered_days_ago: i64,
    /// State of the identity check at Sumsub.
    sumsub: Option<KycStatus>,
    #[serde(default)]
    policy: Policy,
    /// How long the policy takes to act.
    #[serde(default)]
    policy_delay_seconds: i64,
    #[serde(default)]
    accounts: Vec<AccountEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccountEntry {
    provider: KycProvider,
    age_in_days: i64,
    provider_id: String,
    username: Option<String>,
    /// E-mail address at the provider.
    email: Option<String>,
    domain: Option<String>,
    #[serde(default)]
    metrics: Metrics,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CredentialEntry {
    contract_id: String,
    user: i64,
    provider: KycProvider,
    issued_days_ago: i64,
    /// What became of it; `active` when absent.
    #[serde(default = "active")]
    state: ContractState,
}

fn active() -> ContractState {
    ContractState::Active
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequestEntry {
    id: i64,
    institution: i64,
    user: i64,
    kyc_provider: KycProvider,
    req_status: ReqStatus,
    created_days_ago: i64,
    proposal_id: String,
}

/// Ids that have been seen, to refuse the second of a kind.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    fn add(&mut self, id: impl Display, path: impl Display) -> Result<(), FixtureError> {
        let id = id.to_string();
        if self.0.contains(&id) {
            return Err(FixtureError::content(path.to_string(), format!("{id} is there already")));
        }
        self.0.insert(id);
        Ok(())
    }

    fn require(&self, id: impl Display, path: impl Display, what: &str) -> Result<(), FixtureError> {
        let id = id.to_string();
        if self.0.contains(&id) { Ok(()) } else { Err(FixtureError::content(path.to_string(), format!("there is no {what} {id}"))) }
    }
}

fn ensure(holds: bool, path: impl Display, reason: &str) -> Result<(), FixtureError> {
    if holds { Ok(()) } else { Err(FixtureError::content(path.to_string(), reason)) }
}

fn not_blank(text: &str, path: impl Display) -> Result<(), FixtureError> {
    ensure(!text.trim().is_empty(), path, "must not be blank")
}

fn ago(now: DateTime<Utc>, days: i64, path: impl Display) -> Result<DateTime<Utc>, FixtureError> {
    ensure((0..=LONGEST_AGO_DAYS).contains(&days), path, "must be 0 to 36525 days")?;
    Ok(now - TimeDelta::days(days))
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
        && !text.contains(char::is_whitespace)
}

/// Fills the tables, as of `cx.now`.
pub(super) fn load(cx: &mut Cx<'_>, text: &str) -> Result<(), FixtureError> {
    let fixture: Fixture = fixture::read(text)?;
    let institutions = load_institutions(cx, &fixture.institutions)?;
    load_clients(cx, &fixture.clients, &institutions)?;
    let users = load_users(cx, fixture.users)?;
    load_credentials(cx, &fixture.credentials, &users)?;
    load_requests(cx, &fixture.requests, &users, &institutions)
}

fn load_institutions(cx: &Cx<'_>, entries: &[InstitutionEntry]) -> Result<Seen, FixtureError> {
    let mut seen = Seen::default();
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("institutions[{index}]");
        ensure(entry.id > 0, format!("{path}.id"), "must be above 0")?;
        seen.add(entry.id, format!("{path}.id"))?;
        not_blank(&entry.name, format!("{path}.name"))?;
        tokens::insert_institution(cx.db, entry.id, &entry.name)?;
    }
    Ok(seen)
}

fn load_clients(cx: &Cx<'_>, entries: &[ClientEntry], institutions: &Seen) -> Result<(), FixtureError> {
    let (mut ids, mut accounts) = (Seen::default(), Seen::default());
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("clients[{index}]");
        not_blank(&entry.client_id, format!("{path}.clientId"))?;
        ids.add(&entry.client_id, format!("{path}.clientId"))?;
        not_blank(&entry.client_secret, format!("{path}.clientSecret"))?;
        let account = format!("{path}.serviceAccountId");
        ensure(Uuid::try_parse(&entry.service_account_id).is_ok(), &account, "must be a UUID")?;
        accounts.add(&entry.service_account_id, account)?;
        if let Some(institution) = entry.institution {
            institutions.require(institution, format!("{path}.institution"), "institution")?;
        }
        let lifetime = 1..=31_536_000;
        ensure(lifetime.contains(&entry.token_lifetime_seconds), format!("{path}.tokenLifetimeSeconds"), "must be 1 to 31536000")?;
        ensure(entry.rate_limit.is_none_or(|limit| limit >= 0), format!("{path}.rateLimit"), "must not be negative")?;
        let client = Client {
            id: entry.client_id.clone(),
            secret: entry.client_secret.clone(),
            institution_id: entry.institution,
            enabled: entry.enabled,
            has_service_account: entry.service_account,
            service_account_id: entry.service_account_id.clone(),
            token_lifetime_s: entry.token_lifetime_seconds,
            rate_limit: entry.rate_limit,
        };
        tokens::insert_client(cx.db, &client)?;
    }
    Ok(())
}

/// The users of a fixture, each with its accounts, by id.
type Users = BTreeMap<i64, (User, Vec<AccountEntry>)>;

fn load_users(cx: &Cx<'_>, entries: Vec<UserEntry>) -> Result<Users, FixtureError> {
    let mut users = Users::new();
    let (mut parties, mut emails, mut usernames, mut aliases) =
        (Seen::default(), Seen::default(), Seen::default(), Seen::default());
    for (index, entry) in entries.into_iter().enumerate() {
        let path = format!("users[{index}]");
        ensure(entry.id > 0, format!("{path}.id"), "must be above 0")?;
        ensure(!users.contains_key(&entry.id), format!("{path}.id"), &format!("{} is there already", entry.id))?;
        not_blank(&entry.first_name, format!("{path}.firstName"))?;
        not_blank(&entry.last_name, format!("{path}.lastName"))?;
        ensure(is_email(&entry.email), format!("{path}.email"), "must be an e-mail address")?;
        emails.add(entry.email.to_lowercase(), format!("{path}.email"))?;
        let username = entry.username.unwrap_or_else(|| entry.email.clone());
        not_blank(&username, format!("{path}.username"))?;
        usernames.add(username.to_lowercase(), format!("{path}.username"))?;
        not_blank(&entry.party_id, format!("{path}.partyId"))?;
        parties.add(&entry.party_id, format!("{path}.partyId"))?;
        if let Some(alias) = &entry.alias {
            let label = |alias: &str| !alias.is_empty() && alias.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            ensure(label(alias), format!("{path}.alias"), "must be a label of letters, digits and hyphens")?;
            aliases.add(alias.to_lowercase(), format!("{path}.alias"))?;
        }
        let delay = 0..=LONGEST_DELAY_S;
        ensure(delay.contains(&entry.policy_delay_seconds), format!("{path}.policyDelaySeconds"), "must be 0 to 31536000")?;
        let user = User {
            id: entry.id,
            party_id: entry.party_id,
            first_name: entry.first_name,
            last_name: entry.last_name,
            email: entry.email,
            username,
            alias: entry.alias,
            status: entry.status,
            registered_at: ago(cx.now, entry.registered_days_ago, format!("{path}.registeredDaysAgo"))?,
            sumsub: entry.sumsub,
            policy: entry.policy,
            policy_delay_s: entry.policy_delay_seconds,
        };
        people::insert(cx.db, &user)?;
        load_accounts(cx, user.id, &entry.accounts, &path)?;
        users.insert(user.id, (user, entry.accounts));
    }
    Ok(users)
}

fn load_accounts(cx: &Cx<'_>, user_id: i64, entries: &[AccountEntry], user: &str) -> Result<(), FixtureError> {
    let mut seen = Seen::default();
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("{user}.accounts[{index}]");
        of_account(entry.provider, format!("{path}.provider"))?;
        seen.add(entry.provider.name(), format!("{path}.provider"))?;
        not_blank(&entry.provider_id, format!("{path}.providerId"))?;
        ensure(entry.email.as_deref().is_none_or(is_email), format!("{path}.email"), "must be an e-mail address")?;
        let metrics = &entry.metrics;
        let counts = [
            ("followersCount", metrics.followers_count),
            ("followingCount", metrics.following_count),
            ("postsCount", metrics.posts_count),
            ("githubRepos", metrics.github_repos),
            ("githubFollowers", metrics.github_followers),
            ("googleContactCount", metrics.google_contact_count),
        ];
        for (name, count) in counts {
            let possible = 0..=1_000_000_000_000;
            ensure(count.is_none_or(|count| possible.contains(&count)), format!("{path}.metrics.{name}"), "must be 0 to 10^12")?;
        }
        let account = Account {
            user_id,
            provider: entry.provider,
            provider_id: entry.provider_id.clone(),
            created_at: ago(cx.now, entry.age_in_days, format!("{path}.ageInDays"))?,
            metrics: entry.metrics.clone(),
        };
        people::link_account(cx.db, &account)?;
    }
    Ok(())
}

fn of_account(provider: KycProvider, path: impl Display) -> Result<(), FixtureError> {
    ensure(provider != KycProvider::Sumsub, path, "SUMSUB checks identities and has no accounts")
}

fn load_credentials(cx: &Cx<'_>, entries: &[CredentialEntry], users: &Users) -> Result<(), FixtureError> {
    let (mut contracts, mut current) = (Seen::default(), Seen::default());
    // A revoked credential stays the current one until the user links the account again.
    let last: BTreeMap<_, _> = entries.iter().enumerate().map(|(index, entry)| ((entry.user, entry.provider), index)).collect();
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("credentials[{index}]");
        not_blank(&entry.contract_id, format!("{path}.contractId"))?;
        contracts.add(&entry.contract_id, format!("{path}.contractId"))?;
        let (user, accounts) = users
            .get(&entry.user)
            .ok_or_else(|| FixtureError::content(format!("{path}.user"), format!("there is no user {}", entry.user)))?;
        let provider = format!("{path}.provider");
        let account = accounts.iter().find(|account| account.provider == entry.provider);
        let account = account.ok_or_else(|| {
            FixtureError::content(&provider, format!("user {} has no account at {}", entry.user, entry.provider.name()))
        })?;
        let is_last = last.get(&(entry.user, entry.provider)) == Some(&index);
        let is_current = entry.state == ContractState::Active || (entry.state == ContractState::Revoked && is_last);
        if is_current {
            let pair = format!("{}:{}", entry.user, entry.provider.name());
            current.add(pair, provider)?;
        }
        let issued_at = ago(cx.now, entry.issued_days_ago, format!("{path}.issuedDaysAgo"))?;
        let profile = Profile {
            provider: entry.provider,
            email: account.email.as_deref(),
            first_name: &user.first_name,
            last_name: &user.last_name,
            username: account.username.as_deref(),
            provider_id: &account.provider_id,
            domain: account.domain.as_deref(),
            verified_at: issued_at,
        };
        let contract = NewContract {
            contract_id: &entry.contract_id,
            user_id: entry.user,
            provider: entry.provider,
            state: entry.state,
            is_current,
            issued_at,
            expires_at: issued_at,
            metadata: &ledger::metadata(&profile, &Map::new()),
        };
        credentials::insert(cx.db, &contract)?;
    }
    Ok(())
}

fn load_requests(cx: &Cx<'_>, entries: &[RequestEntry], users: &Users, institutions: &Seen) -> Result<(), FixtureError> {
    let (mut ids, mut proposals, mut live) = (Seen::default(), Seen::default(), Seen::default());
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("requests[{index}]");
        ensure(entry.id > 0, format!("{path}.id"), "must be above 0")?;
        ids.add(entry.id, format!("{path}.id"))?;
        institutions.require(entry.institution, format!("{path}.institution"), "institution")?;
        let (user, _) = users
            .get(&entry.user)
            .ok_or_else(|| FixtureError::content(format!("{path}.user"), format!("there is no user {}", entry.user)))?;
        not_blank(&entry.proposal_id, format!("{path}.proposalId"))?;
        proposals.add(&entry.proposal_id, format!("{path}.proposalId"))?;
        if matches!(entry.req_status, ReqStatus::Pending | ReqStatus::Approved) {
            let what = format!("{}:{}:{}", entry.institution, entry.user, entry.kyc_provider.name());
            live.add(what, format!("{path}.reqStatus"))?;
        }
        let request = NewRequest {
            id: Some(entry.id),
            institution_id: entry.institution,
            user,
            provider: entry.kyc_provider,
            proposal_id: &entry.proposal_id,
            state: entry.req_status,
            created_at: ago(cx.now, entry.created_days_ago, format!("{path}.createdDaysAgo"))?,
        };
        requests::insert(cx.db, &request)?;
        store::settle(cx.db, entry.user, entry.kyc_provider)?;
    }
    Ok(())
}
