//! What the service keeps, and how it looks on the wire.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::js;
use crate::crypto::prism::Usage;

/// `2024-10-03T15:28:01.776806Z`: trailing zeros of the fraction are gone, and the fraction itself where it is zero.
pub(super) fn stamp(at: &DateTime<Utc>) -> String {
    let whole = at.format("%Y-%m-%dT%H:%M:%S");
    match at.timestamp_subsec_nanos() {
        0 => format!("{whole}Z"),
        nanos => format!("{whole}.{}Z", format!("{nanos:09}").trim_end_matches('0')),
    }
}

/// Writes a moment as [`stamp`] does.
pub(super) fn as_stamp<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&stamp(at))
}

/// Writes a moment that may be absent as [`stamp`] does.
#[expect(clippy::ref_option, reason = "serde hands over what the field is")]
pub(super) fn as_stamp_if_any<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => as_stamp(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// A side of a thread of issuance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum RecordRole {
    Issuer,
    Holder,
}

/// Where one side of an issuance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum RecordState {
    OfferPending,
    OfferSent,
    OfferReceived,
    RequestPending,
    RequestGenerated,
    RequestSent,
    RequestReceived,
    CredentialPending,
    CredentialGenerated,
    CredentialSent,
    CredentialReceived,
}

impl RecordState {
    /// Its name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OfferPending => "OfferPending",
            Self::OfferSent => "OfferSent",
            Self::OfferReceived => "OfferReceived",
            Self::RequestPending => "RequestPending",
            Self::RequestGenerated => "RequestGenerated",
            Self::RequestSent => "RequestSent",
            Self::RequestReceived => "RequestReceived",
            Self::CredentialPending => "CredentialPending",
            Self::CredentialGenerated => "CredentialGenerated",
            Self::CredentialSent => "CredentialSent",
            Self::CredentialReceived => "CredentialReceived",
        }
    }
}

/// One side's record of an issuance, as returned by every operation on offers. Members are in the agent's order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    #[serde(rename = "recordId")]
    pub id: String,
    pub thid: String,
    pub credential_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_id: Option<String>,
    /// Seconds; on the issuer's side only.
    #[serde(rename = "validityPeriod", skip_serializing_if = "Option::is_none", serialize_with = "seconds")]
    pub validity_s: Option<f64>,
    pub claims: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automatic_issuance: Option<bool>,
    #[serde(serialize_with = "as_stamp")]
    pub created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_stamp_if_any")]
    pub updated_at: Option<DateTime<Utc>>,
    pub role: RecordRole,
    #[serde(rename = "protocolState")]
    pub state: RecordState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    #[serde(rename = "metaRetries")]
    pub retries: i64,
    #[serde(rename = "metaLastFailure", skip_serializing_if = "Option::is_none")]
    pub failure: Option<Box<RawValue>>,
    #[serde(skip)]
    pub wallet: String,
    #[serde(skip)]
    pub connection: String,
    /// The issuer's DID without `did:prism:`; on the issuer's side only.
    #[serde(skip)]
    pub issuer: Option<String>,
    #[serde(skip)]
    pub status_base: Option<String>,
}

#[expect(clippy::ref_option, reason = "serde hands over what the field is")]
fn seconds<S: Serializer>(validity_s: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    validity_s.map(js::float).serialize(serializer)
}

/// A credential that was found, with the id of its record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MatchResult {
    pub record_id: String,
    pub vc: Record,
}

/// What custodial issuance of a new credential returns.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustodialIssuance {
    pub was_offered: bool,
    pub was_accepted: bool,
    pub vc: Record,
}

/// The agent's error object, as it stands in a record whose background step failed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    pub status: u16,
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub detail: String,
    pub instance: String,
}

/// A side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ConnectionRole {
    Inviter,
    Invitee,
}

/// Where one side of a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ConnectionState {
    InvitationGenerated,
    InvitationExpired,
    ConnectionRequestPending,
    ConnectionRequestSent,
    ConnectionRequestReceived,
    ConnectionResponsePending,
    ConnectionResponseSent,
    ConnectionResponseReceived,
}

impl ConnectionState {
    /// Its name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::InvitationGenerated => "InvitationGenerated",
            Self::InvitationExpired => "InvitationExpired",
            Self::ConnectionRequestPending => "ConnectionRequestPending",
            Self::ConnectionRequestSent => "ConnectionRequestSent",
            Self::ConnectionRequestReceived => "ConnectionRequestReceived",
            Self::ConnectionResponsePending => "ConnectionResponsePending",
            Self::ConnectionResponseSent => "ConnectionResponseSent",
            Self::ConnectionResponseReceived => "ConnectionResponseReceived",
        }
    }

    /// Whether messages can go over it.
    pub(super) fn is_established(self) -> bool {
        matches!(self, Self::ConnectionResponseSent | Self::ConnectionResponseReceived)
    }
}

/// One side of a connection, as it is kept.
#[derive(Debug)]
pub(super) struct Connection {
    pub id: String,
    pub wallet: String,
    /// The invitation's id, the same on both sides.
    pub thid: String,
    pub label: Option<String>,
    pub my_did: Option<String>,
    pub their_did: Option<String>,
    pub role: ConnectionRole,
    pub state: ConnectionState,
    /// Who invited: stands in the invitation.
    pub inviter_did: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: Option<DateTime<Utc>>,
}

/// Where a DID stands on its way to the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum DidStatus {
    Created,
    PublicationPending,
    Published,
}

/// A DID of a wallet, as it is kept.
#[derive(Clone, Debug)]
pub(super) struct ManagedDid {
    pub seq: i64,
    /// Without `did:prism:`.
    pub suffix: String,
    pub wallet: String,
    pub long_form: String,
    pub status: DidStatus,
    pub deactivated: bool,
    /// Hash of the last operation.
    pub version: String,
    pub published_at: Option<DateTime<Utc>>,
    pub updated_at: Option<DateTime<Utc>>,
}

/// A key of a DID, with the path to its private half where that is known.
#[derive(Clone, Debug)]
pub(super) struct DidKey {
    pub name: String,
    pub usage: Usage,
    pub curve: String,
    pub data: Vec<u8>,
    pub path: Option<Vec<u32>>,
}

/// A side of a presentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PresentationRole {
    Verifier,
    Prover,
}

/// Where one side of a presentation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PresentationState {
    RequestPending,
    RequestSent,
    RequestReceived,
    PresentationPending,
    PresentationGenerated,
    PresentationSent,
    PresentationReceived,
    PresentationVerified,
    PresentationVerificationFailed,
    PresentationAccepted,
}

impl PresentationState {
    /// Its name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RequestPending => "RequestPending",
            Self::RequestSent => "RequestSent",
            Self::RequestReceived => "RequestReceived",
            Self::PresentationPending => "PresentationPending",
            Self::PresentationGenerated => "PresentationGenerated",
            Self::PresentationSent => "PresentationSent",
            Self::PresentationReceived => "PresentationReceived",
            Self::PresentationVerified => "PresentationVerified",
            Self::PresentationVerificationFailed => "PresentationVerificationFailed",
            Self::PresentationAccepted => "PresentationAccepted",
        }
    }
}

/// One side of a presentation, as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Presentation {
    pub id: String,
    pub wallet: String,
    pub thid: String,
    pub role: PresentationRole,
    pub state: PresentationState,
    pub connection: String,
    pub challenge: String,
    pub domain: String,
    /// Id of the (empty) presentation definition in the request.
    pub definition: String,
    /// The prover's record whose credential is shown.
    pub record: Option<String>,
    pub proof: Option<String>,
    pub retries: i64,
}

/// An entity, as the agent returns it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entity {
    pub kind: &'static str,
    #[serde(rename = "self")]
    pub url: String,
    pub id: String,
    pub name: String,
    #[serde(rename = "walletId")]
    pub wallet: String,
    #[serde(serialize_with = "as_stamp")]
    pub created_at: DateTime<Utc>,
    #[serde(serialize_with = "as_stamp")]
    pub updated_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::stamp;

    #[test]
    fn moments_lose_their_trailing_zeros() {
        for text in
            ["2024-10-03T15:28:01.77680643Z", "2024-10-04T14:45:04.421Z", "2024-10-03T15:28:01Z", "2024-10-03T15:28:01.000000001Z"]
        {
            assert_eq!(stamp(&text.parse().unwrap()), text);
        }
        assert_eq!(stamp(&"2024-10-03T15:28:01.500000Z".parse().unwrap()), "2024-10-03T15:28:01.5Z");
    }
}
