//! The human score: integers from age, reach and agreement of a user's linked accounts.
//!
//! The provider names the four parts of its score and their range, not its formula; this one is ours.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

use super::store::people::{CountedAccount, Metrics};
use super::types::KycProvider;
use crate::http::wire::to_rfc3339_millis;

/// A user's human score.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HumanScoreItem {
    pub party_id: String,
    /// E-mail address of the user's account at 5N ID.
    pub email: String,
    pub human_score: HumanScore,
}

/// The score, its parts, and what it was made from.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HumanScore {
    /// 0 to 100: the sum of the parts.
    pub total_score: i64,
    pub confidence_level: Confidence,
    pub breakdown: Breakdown,
    pub badges: Vec<Badge>,
    pub details: Details,
}

/// The score in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Confidence {
    Low,
    MediumLow,
    Medium,
    MediumHigh,
    High,
}

/// The parts of the score.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Breakdown {
    /// 0 to 30.
    pub account_age_score: i64,
    /// 0 to 30.
    pub social_metrics_score: i64,
    /// 0 to 20.
    pub email_consistency_score: i64,
    /// 0 to 20.
    pub provider_count_score: i64,
}

/// Something that a user has achieved.
#[derive(Debug, Serialize)]
pub(super) struct Badge {
    pub id: &'static str,
    pub name: &'static str,
    pub description: String,
    pub level: Level,
    pub category: &'static str,
    pub icon: &'static str,
}

/// How far a user has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Bronze,
    Silver,
    Gold,
    Platinum,
}

/// What the score was made from.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Details {
    pub account_ages: Vec<AccountAge>,
    pub social_metrics: Vec<SocialMetrics>,
    pub email_consistency: EmailConsistency,
    pub provider_count: i64,
    pub all_user_info: Vec<Map<String, Value>>,
    pub all_token_claims: Vec<TokenClaims>,
}

/// How old an account is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountAge {
    pub provider: KycProvider,
    pub age_in_days: i64,
}

/// What a provider tells about the reach of an account.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SocialMetrics {
    pub provider: KycProvider,
    pub age_in_days: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub followers_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub following_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub posts_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub account_created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github_repos: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github_followers: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub twitter_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github_bio: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github_company: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github_location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub google_contact_count: Option<i64>,
}

/// How far the accounts' e-mail addresses agree.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EmailConsistency {
    /// In lower case, sorted.
    pub unique_emails: Vec<String>,
    /// 0 to 100: the share of the most frequent one.
    pub consistency_score: i64,
}

/// What an account's ID token said.
#[derive(Debug, Serialize)]
pub(super) struct TokenClaims {
    pub provider: KycProvider,
    pub iss: &'static str,
    pub sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    pub name: String,
    pub given_name: String,
    pub family_name: String,
    pub iat: i64,
    pub exp: i64,
}

/// What is added up over all accounts.
#[derive(Debug, Default)]
struct Sums {
    oldest_days: i64,
    followers: i64,
    posts: i64,
    contacts: i64,
    repositories: i64,
    is_verified: bool,
}

/// The score of a user with these accounts.
pub(super) fn of(mut accounts: Vec<CountedAccount>, now: DateTime<Utc>) -> HumanScore {
    accounts.sort_by_key(|account| account.provider);
    let age = |account: &CountedAccount| (now - account.created_at).num_days().max(0);
    let mut sums = Sums::default();
    for account in &accounts {
        let Metrics { followers_count, posts_count, verified, github_repos, github_followers, google_contact_count, .. } =
            account.metrics;
        let count = |metric: Option<i64>| metric.unwrap_or(0);
        sums.oldest_days = sums.oldest_days.max(age(account));
        sums.followers += count(followers_count) + count(github_followers);
        sums.posts += count(posts_count) + count(github_repos);
        sums.contacts += count(google_contact_count);
        sums.repositories += count(github_repos);
        sums.is_verified |= verified == Some(true);
    }
    let emails: Vec<String> = accounts.iter().filter_map(email).map(str::to_lowercase).collect();
    let consistency = consistency(&emails);
    let provider_count = whole(accounts.len());
    let breakdown = Breakdown {
        account_age_score: 30 * sums.oldest_days.min(3650) / 3650,
        social_metrics_score: points(sums.followers, &[(10_000, 15), (1000, 12), (100, 8), (10, 4), (1, 2)])
            + points(sums.posts, &[(1000, 8), (100, 6), (10, 4), (1, 2)])
            + points(sums.contacts, &[(100, 4), (10, 2), (1, 1)])
            + if sums.is_verified { 3 } else { 0 },
        email_consistency_score: if emails.len() == 1 { 10 } else { consistency.consistency_score / 5 },
        provider_count_score: (4 * provider_count).min(20),
    };
    let total_score = breakdown.account_age_score
        + breakdown.social_metrics_score
        + breakdown.email_consistency_score
        + breakdown.provider_count_score;
    let badges = badges(&sums, provider_count, (emails.len() >= 2).then_some(consistency.consistency_score));
    let details = Details {
        account_ages: accounts.iter().map(|account| AccountAge { provider: account.provider, age_in_days: age(account) }).collect(),
        social_metrics: accounts.iter().map(|account| social_metrics(account, age(account))).collect(),
        email_consistency: consistency,
        provider_count,
        all_user_info: accounts.iter().map(user_info).collect(),
        all_token_claims: accounts.iter().filter_map(token_claims).collect(),
    };
    HumanScore { total_score, confidence_level: confidence(total_score), breakdown, badges, details }
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn text<'a>(account: &'a CountedAccount, key: &str) -> Option<&'a str> {
    account.metadata.get(key)?.as_str()
}

fn email(account: &CountedAccount) -> Option<&str> {
    text(account, "email")
}

/// The points of the first threshold that a number reaches.
fn points(number: i64, thresholds: &[(i64, i64)]) -> i64 {
    thresholds.iter().find(|(threshold, _)| number >= *threshold).map_or(0, |(_, points)| *points)
}

fn consistency(emails: &[String]) -> EmailConsistency {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    for email in emails {
        *counts.entry(email).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(0);
    let consistency_score = if emails.is_empty() { 0 } else { 100 * whole(most) / whole(emails.len()) };
    EmailConsistency { unique_emails: counts.into_keys().cloned().collect(), consistency_score }
}

fn confidence(total_score: i64) -> Confidence {
    match total_score {
        ..20 => Confidence::Low,
        20..40 => Confidence::MediumLow,
        40..60 => Confidence::Medium,
        60..80 => Confidence::MediumHigh,
        80.. => Confidence::High,
    }
}

/// The highest level whose threshold a number reaches; thresholds in rising order.
fn level(number: i64, thresholds: &[i64]) -> Option<Level> {
    let levels = [Level::Bronze, Level::Silver, Level::Gold, Level::Platinum];
    levels.into_iter().zip(thresholds).filter(|(_, threshold)| number >= **threshold).map(|(level, _)| level).next_back()
}

fn badges(sums: &Sums, provider_count: i64, consistency: Option<i64>) -> Vec<Badge> {
    let (days, repositories, followers) = (sums.oldest_days, sums.repositories, sums.followers);
    let percent = consistency.unwrap_or(0);
    let badge = |id, name, description, level: Option<Level>, category, icon| {
        level.map(|level| Badge { id, name, description, level, category, icon })
    };
    let all = [
        badge(
            "account-veteran",
            "Account Veteran",
            format!("Oldest linked account is {days} days old"),
            level(days, &[365, 1095, 1825, 3650]),
            "account_age",
            "clock",
        ),
        badge(
            "multi-provider",
            "Multi-Provider",
            format!("{provider_count} providers linked"),
            level(provider_count, &[2, 3, 4, 5]),
            "providers",
            "layers",
        ),
        badge(
            "consistent-identity",
            "Consistent Identity",
            format!("{percent}% of linked emails match"),
            level(percent, &[50, 75, 100]),
            "email",
            "mail",
        ),
        badge(
            "code-contributor",
            "Code Contributor",
            format!("{repositories} public repositories"),
            level(repositories, &[1, 10, 50, 200]),
            "developer",
            "code",
        ),
        badge(
            "social-reach",
            "Social Reach",
            format!("{followers} followers across providers"),
            level(followers, &[10, 100, 1000, 10_000]),
            "social",
            "users",
        ),
        badge(
            "verified-account",
            "Verified Account",
            "At least one account is verified by its provider".to_owned(),
            sums.is_verified.then_some(Level::Silver),
            "social",
            "check",
        ),
    ];
    all.into_iter().flatten().collect()
}

fn social_metrics(account: &CountedAccount, age_in_days: i64) -> SocialMetrics {
    let metrics = account.metrics.clone();
    SocialMetrics {
        provider: account.provider,
        age_in_days,
        followers_count: metrics.followers_count,
        following_count: metrics.following_count,
        posts_count: metrics.posts_count,
        verified: metrics.verified,
        email: email(account).map(str::to_owned),
        account_created_at: to_rfc3339_millis(account.created_at),
        github_repos: metrics.github_repos,
        github_followers: metrics.github_followers,
        twitter_description: metrics.twitter_description,
        github_bio: metrics.github_bio,
        github_company: metrics.github_company,
        github_location: metrics.github_location,
        google_contact_count: metrics.google_contact_count,
    }
}

/// The provider, and all that the credential tells.
fn user_info(account: &CountedAccount) -> Map<String, Value> {
    let provider = ("provider".to_owned(), Value::from(account.provider.name()));
    std::iter::once(provider).chain(account.metadata.clone()).collect()
}

/// Only two of the providers give ID tokens.
fn token_claims(account: &CountedAccount) -> Option<TokenClaims> {
    let iss = match account.provider {
        KycProvider::Google => "https://accounts.google.com",
        KycProvider::Linkedin => "https://www.linkedin.com/oauth",
        _ => return None,
    };
    let (given_name, family_name) = (text(account, "firstName").unwrap_or_default(), text(account, "lastName").unwrap_or_default());
    let iat = account.issued_at.timestamp();
    Some(TokenClaims {
        provider: account.provider,
        iss,
        sub: account.provider_id.clone(),
        email: email(account).map(str::to_owned),
        email_verified: email(account).map(|_| true),
        name: format!("{given_name} {family_name}"),
        given_name: given_name.to_owned(),
        family_name: family_name.to_owned(),
        iat,
        exp: iat + 3600,
    })
}
