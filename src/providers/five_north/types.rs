//! The wire, spelled as 5N ID spells it.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::http::wire::rfc3339_millis;

/// Where an account can be linked, and where identities are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum KycProvider {
    Google,
    Linkedin,
    Github,
    Discord,
    Twitter,
    Reddit,
    /// Checks identities; it has no accounts, and no credentials come of it.
    Sumsub,
}

impl KycProvider {
    /// Those that credentials come from, in the order in which a human score counts them.
    pub(super) const ACCOUNTS: [Self; 6] = [Self::Google, Self::Linkedin, Self::Github, Self::Discord, Self::Twitter, Self::Reddit];

    /// As on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Google => "GOOGLE",
            Self::Linkedin => "LINKEDIN",
            Self::Github => "GITHUB",
            Self::Discord => "DISCORD",
            Self::Twitter => "TWITTER",
            Self::Reddit => "REDDIT",
            Self::Sumsub => "SUMSUB",
        }
    }

    /// As people write it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Google => "Google",
            Self::Linkedin => "LinkedIn",
            Self::Github => "GitHub",
            Self::Discord => "Discord",
            Self::Twitter => "Twitter",
            Self::Reddit => "Reddit",
            Self::Sumsub => "Sumsub",
        }
    }

    /// The provider of accounts with this name, exactly as written.
    pub(super) fn of_account(name: &str) -> Option<Self> {
        Self::ACCOUNTS.into_iter().find(|provider| provider.name() == name)
    }
}

/// Where a person stands at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum KycStatus {
    ToDo,
    InReview,
    Successful,
    Rejected,
    Blocked,
    Expired,
    Approved,
}

/// State of a request for data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum ReqStatus {
    Pending,
    Approved,
    Rejected,
    Revoked,
}

/// State of a user's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum UserStatus {
    Active,
    Inactive,
    Blocked,
}

/// How long ago a credential was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Freshness {
    Fresh,
    Moderate,
    Stale,
    Revoked,
}

/// What a credential's contract is on the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ContractState {
    Active,
    Revoked,
    /// Archived, because a newer one replaced it.
    Superseded,
    /// Archived, without a successor.
    Archived,
}

/// Which part of a list was asked for, and of how many rows.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Pagination {
    pub offset: i64,
    pub limit: i64,
    /// Rows that match the filters.
    pub total: i64,
}

/// A part of a list.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    pub items: Vec<T>,
    pub pagination: Pagination,
}

/// A part of the list of users.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserPage {
    pub items: Vec<InstitutionUser>,
    pub pagination: Pagination,
    /// The institution's requests for data, without filters.
    pub total_count: i64,
}

/// A request for data, with what the institution may see of the user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstitutionUser {
    /// Of the request, not of the user.
    pub id: i64,
    /// Only while the request is approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// Only while the request is approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub status: UserStatus,
    pub kyc_status: KycStatus,
    pub party_id: String,
    /// Contract id of the proposal.
    pub proposal_id: String,
    pub req_status: ReqStatus,
    pub kyc_provider: KycProvider,
    /// When the user registered.
    #[serde(serialize_with = "rfc3339_millis")]
    pub reg_date: DateTime<Utc>,
}

/// A credential that was disclosed to an institution.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Credential {
    pub party_id: String,
    /// E-mail address of the owner's account at 5N ID.
    pub email: String,
    pub contract_id: String,
    pub provider: KycProvider,
    pub kyc_status: KycStatus,
    #[serde(serialize_with = "rfc3339_millis")]
    pub expiration_date: DateTime<Utc>,
    #[serde(serialize_with = "rfc3339_millis")]
    pub issued_at: DateTime<Utc>,
    pub freshness: Freshness,
    pub metadata: Map<String, Value>,
}

/// Answer of `resolve`.
#[derive(Debug, Serialize)]
pub(super) struct Resolved {
    pub credentials: Vec<ResolvedCredential>,
}

/// A credential of a user who was looked up.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResolvedCredential {
    pub party_id: String,
    pub user_id: i64,
    /// E-mail address of the user's account at 5N ID.
    pub email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    pub kyc_provider: KycProvider,
    pub contract_id: String,
    pub metadata: Map<String, Value>,
}

/// A verification link.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VerificationLink {
    pub verification_url: String,
    /// Last segment of the URL.
    pub token: String,
}

/// Answer of `generate-links-batch`.
#[derive(Debug, Serialize)]
pub(super) struct BatchResults {
    /// One for each item of the request, in its order.
    pub results: Vec<BatchResult>,
}

/// What became of one item of a batch: either a link or an error.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchResult {
    pub contract_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<VerificationLink>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<BatchError>,
}

/// Why an item of a batch has no link.
#[derive(Debug, Serialize)]
pub(super) struct BatchError {
    pub message: String,
    pub code: &'static str,
}

/// In one word, what a verification link says of its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum VerificationStatus {
    Strong,
    Moderate,
    Weak,
    Archived,
    Revoked,
    Expired,
    NotFound,
}

/// The same as a traffic light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Colour {
    Green,
    Amber,
    Red,
}

/// What a verification link says of its credential. Every field is always there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the wire has these four flags")]
pub(super) struct VerificationReport {
    pub status: VerificationStatus,
    pub color: Colour,
    pub contract_id: Option<String>,
    pub issued_at: Option<String>,
    /// When the credential expires or has expired.
    pub expired_at: Option<String>,
    pub is_active: bool,
    pub is_archived: bool,
    pub is_superseded: bool,
    pub is_revoked: bool,
    pub message: Option<Cow<'static, str>>,
    pub kyc_provider: Option<KycProvider>,
    pub credential_data: Option<Map<String, Value>>,
}

/// Answer of the token endpoint.
#[derive(Debug, Serialize)]
pub(super) struct TokenResponse {
    pub access_token: String,
    /// In seconds.
    pub expires_in: i64,
    /// There is no refresh token.
    pub refresh_expires_in: i64,
    pub token_type: &'static str,
    #[serde(rename = "not-before-policy")]
    pub not_before_policy: i64,
    pub scope: String,
}

/// Claims of an access token, as Keycloak issues them to a service account.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    pub exp: i64,
    pub iat: i64,
    pub jti: String,
    pub iss: String,
    pub aud: String,
    pub sub: String,
    pub typ: String,
    pub azp: String,
    pub acr: String,
    pub realm_access: RealmAccess,
    pub scope: String,
    #[serde(rename = "clientHost")]
    pub client_host: String,
    pub email_verified: bool,
    pub preferred_username: String,
    #[serde(rename = "clientAddress")]
    pub client_address: String,
    pub client_id: String,
}

/// Roles in a realm.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RealmAccess {
    pub roles: Vec<String>,
}
