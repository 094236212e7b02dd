//! What was read from a document, the certificates about it, and their proofs.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rusqlite::Connection;
use serde::Serialize;
use sha2::{Digest as _, Sha512};

use super::endpoint::Call;
use super::error::Error;
use super::store::sessions::{Capture, Certified, Session, capture};
use super::types::{DocumentType, Outcome, reason};
use crate::crypto::{ecdh, hex, hs256};
use crate::http::{Problem, Req};
use crate::world::Cx;

/// A PNG of one pixel, which stands for every image that nobody sent.
pub(super) const SAMPLE_IMAGE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// Secret that signs `proof_jwt`, unless set otherwise.
pub(super) const PROOF_SECRET: &str = "sandbox-1kosmos-proof-secret";

/// Names that a document shows whose session does not know any.
const NOBODY: (&str, &str) = ("John", "Doe");

/// `dl_object`, `ppt_object`, `idcard_object` and `document`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the wire has documentType and documentId")]
pub(super) struct Document {
    #[serde(rename = "type")]
    kind: &'static str,
    document_type: &'static str,
    category: &'static str,
    proofed_by: String,
    document_id: &'static str,
    id: String,
    first_name: String,
    last_name: String,
    family_name: String,
    middle_name: &'static str,
    given_name: String,
    full_name: String,
    dob: &'static str,
    doe: &'static str,
    doi: &'static str,
    gender: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eye_color: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    street: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    country: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    zip_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place_of_birth: Option<&'static str>,
    face: String,
    image: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_back: Option<String>,
    #[serde(rename = "proof_jwt")]
    proof: String,
}

impl Document {
    /// The same document as version 3 has it, where a passport is spelled out.
    pub(super) fn in_v3(self) -> Self {
        let document_type = if self.document_type == "PPT" { "PASSPORT" } else { self.document_type };
        Self { document_type, ..self }
    }
}

/// `liveid_object` and `liveId`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LiveId {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    category: &'static str,
    proofed_by: &'static str,
    face: String,
}

/// What was read from a document, without images; empty where nothing was.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    document_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dob: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doe: Option<&'static str>,
}

/// What the connector answered, for those who want it raw.
#[derive(Debug, Serialize)]
pub(super) struct RawData {
    connector: String,
    response: RawResponse,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RawResponse {
    status: Outcome,
    #[serde(flatten)]
    extracted: Metadata,
}

/// Verdict of a certificate.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    status: Outcome,
    reason_code: Option<&'static str>,
    message: Option<&'static str>,
}

/// A certificate, as `verify` returns it and lists of sessions show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Certificate {
    doc_type: String,
    doc_id: String,
    #[serde(rename = "type")]
    kind: String,
    authority: String,
    ts: i64,
    verified: bool,
    result: Finding,
    metadata: Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(rename = "raw_data", skip_serializing_if = "Option::is_none")]
    raw: Option<RawData>,
    public_key: String,
    #[serde(rename = "proof_jwt")]
    proof: String,
}

/// Claims of `proof_jwt`.
#[derive(Debug, Serialize)]
struct Claims<'a> {
    aud: String,
    iss: String,
    issuer: Party<'a>,
    recipient: Party<'a>,
    document: Proved<'a>,
    ts: i64,
    purpose: [&'a str; 1],
    iat: i64,
    exp: i64,
}

#[derive(Debug, Serialize)]
struct Party<'a> {
    username: &'a str,
}

#[derive(Debug, Serialize)]
struct Proved<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    doe: &'a str,
    id_hash: String,
}

/// What a certificate is about.
pub(super) struct About {
    pub document_type: DocumentType,
    /// The document's type as the certificate names it.
    pub doc_type: String,
    pub doc_id: String,
    pub kind: String,
    pub authority: String,
    pub at: DateTime<Utc>,
    pub result: Outcome,
    pub reason: Option<String>,
    pub metadata: Metadata,
    /// Whether the connector's answer comes along.
    pub raw: bool,
    /// `https://<tenant>/<community>`.
    pub audience: String,
    /// The person's user name.
    pub username: String,
}

impl Certificate {
    /// The certificate, opened by whoever has the private key of `recipient`, or of the caller where there is none.
    pub(super) fn issue(cx: &mut Cx<'_>, call: &Call<'_>, about: About, recipient: Option<&str>) -> Result<Self, Error> {
        let proof = proof(cx, call.req, &about)?;
        let why = about.reason.as_deref().and_then(reason);
        let selfie = matches!(about.kind.as_str(), "selfie_liveness" | "face_compare" | "face_liveness");
        let certificate = Self {
            doc_type: if selfie { "liveid".to_owned() } else { about.doc_type },
            doc_id: about.doc_id,
            kind: about.kind,
            authority: about.authority.clone(),
            ts: about.at.timestamp_millis(),
            verified: about.result == Outcome::Pass,
            result: Finding { status: about.result, reason_code: why.map(|why| why.code), message: why.map(|why| why.message) },
            metadata: about.metadata.clone(),
            token: None,
            raw: None,
            public_key: call.keys.public.clone(),
            proof,
        };
        let token = match recipient {
            Some(key) => {
                let text = serde_json::to_vec(&certificate).unwrap_or_default();
                ecdh::agree(call.keys.curve, call.keys.private.as_bytes(), key.as_bytes())
                    .map(|key| key.seal(cx.rng.bytes(), &text))
            }
            None => Some(call.token(cx, &certificate)),
        };
        let raw = about.raw.then(|| raw(&about.authority, about.result, about.metadata));
        Ok(Self { token, raw, ..certificate })
    }

    /// The envelope that only its recipient can open.
    pub(super) fn into_token(self) -> String {
        self.token.unwrap_or_default()
    }
}

/// The document's number, as it is printed.
fn number(document_type: DocumentType) -> &'static str {
    match document_type {
        DocumentType::Licence => "D1234567",
        DocumentType::Passport => "P1234567",
        DocumentType::IdCard => "I1234567",
    }
}

/// The day after which documents are not valid any more.
const EXPIRY: &str = "20301231";

/// What is read from a document on which these names stand.
pub(super) fn metadata(document_type: DocumentType, first: Option<&str>, last: Option<&str>) -> Metadata {
    Metadata {
        document_type: Some(document_type.upper()),
        document_id: Some(number(document_type)),
        first_name: Some(first.unwrap_or(NOBODY.0).to_owned()),
        last_name: Some(last.unwrap_or(NOBODY.1).to_owned()),
        dob: Some("19900101"),
        doe: Some(EXPIRY),
    }
}

/// What is read from a session's document; nothing once personal data is deleted.
pub(super) fn session_metadata(session: &Session) -> Metadata {
    if session.assets_deleted {
        return Metadata::default();
    }
    metadata(session.document_type, session.user.firstname.as_deref(), session.user.lastname.as_deref())
}

/// What the connector of a session answered.
pub(super) fn session_raw(session: &Session, result: Outcome) -> RawData {
    raw(&session.connector_type, result, session_metadata(session))
}

fn raw(connector: &str, status: Outcome, extracted: Metadata) -> RawData {
    RawData { connector: connector.to_owned(), response: RawResponse { status, extracted } }
}

/// A certificate of a session, made for the caller who reads it.
pub(super) fn session_certificate(
    cx: &mut Cx<'_>,
    call: &Call<'_>,
    session: &Session,
    certified: &Certified,
) -> Result<Certificate, Error> {
    let selfie = matches!(certified.kind.as_str(), "selfie_liveness" | "face_compare");
    let uuid = if selfie { &session.liveid_uuid } else { &session.document_uuid };
    let of_document = certified.kind == session.document_type.authentication();
    let about = About {
        document_type: session.document_type,
        doc_type: session.document_type.short().to_owned(),
        doc_id: uuid.clone().unwrap_or_default(),
        kind: certified.kind.clone(),
        authority: if certified.kind == SUMMARY { "1kosmos".to_owned() } else { session.connector_type.clone() },
        at: certified.at,
        result: certified.result,
        reason: certified.reason.clone(),
        metadata: if of_document { session_metadata(session) } else { Metadata::default() },
        raw: session.config.flag("returnRawData") && of_document && !session.assets_deleted,
        audience: audience(session),
        username: session.user.username.clone().unwrap_or_default(),
    };
    Certificate::issue(cx, call, about, None)
}

/// The certificate that sums up a session.
pub(super) const SUMMARY: &str = "session_summary";

/// Whom proofs about a session are for.
fn audience(session: &Session) -> String {
    format!("https://{}/{}", session.tenant_dns, session.community_name)
}

fn proof(cx: &Cx<'_>, req: &Req, about: &About) -> Result<String, Error> {
    let claims = Claims {
        aud: about.audience.clone(),
        iss: req.links.url("api", "/idproofingapi"),
        issuer: Party { username: "1kosmos" },
        recipient: Party { username: &about.username },
        document: Proved { kind: about.document_type.short(), doe: EXPIRY, id_hash: sha512(number(about.document_type)) },
        ts: about.at.timestamp_millis(),
        purpose: ["idproofing"],
        iat: about.at.timestamp(),
        exp: end_of_day(EXPIRY).timestamp(),
    };
    let secret = cx.setting::<Option<String>>("proof_secret")?;
    signed(secret.as_deref().unwrap_or(PROOF_SECRET), &claims)
}

/// Header of a proof.
#[derive(Serialize)]
struct Header {
    alg: &'static str,
    typ: &'static str,
}

fn signed(secret: &str, claims: &Claims<'_>) -> Result<String, Error> {
    hs256::sign(secret.as_bytes(), &Header { alg: "HS256", typ: "JWT" }, claims).map_err(|error| {
        tracing::error!(%error, "a proof cannot be written");
        Problem::Internal.into()
    })
}

fn sha512(text: &str) -> String {
    hex(Sha512::digest(text))
}

/// The last second of a day in the form `YYYYMMDD`.
fn end_of_day(day: &str) -> DateTime<Utc> {
    let midnight = NaiveDate::parse_from_str(day, "%Y%m%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0)).unwrap_or_default();
    midnight.and_utc() + TimeDelta::days(1) - TimeDelta::seconds(1)
}

/// The document of a session, with the images that were submitted, or the sample where there were none.
pub(super) fn document(cx: &Cx<'_>, req: &Req, session: &Session) -> Result<Document, Error> {
    let images = submitted(cx.db, session, "document")?;
    let document_type = session.document_type;
    let user = &session.user;
    let first = user.firstname.clone().unwrap_or_else(|| NOBODY.0.to_owned());
    let last = user.lastname.clone().unwrap_or_else(|| NOBODY.1.to_owned());
    let about = About {
        document_type,
        doc_type: String::new(),
        doc_id: String::new(),
        kind: String::new(),
        authority: String::new(),
        at: session.completed.unwrap_or(cx.now),
        result: Outcome::Pass,
        reason: None,
        metadata: Metadata::default(),
        raw: false,
        audience: audience(session),
        username: user.username.clone().unwrap_or_default(),
    };
    let card = document_type != DocumentType::Passport;
    let licence = document_type == DocumentType::Licence;
    let image = |image: Option<String>| image.unwrap_or_else(|| SAMPLE_IMAGE.to_owned());
    Ok(Document {
        kind: document_type.short(),
        document_type: document_type.upper(),
        category: "identity_document",
        proofed_by: session.connector_type.clone(),
        document_id: number(document_type),
        id: session.document_uuid.clone().unwrap_or_default(),
        full_name: format!("{first} {last}"),
        family_name: last.clone(),
        given_name: first.clone(),
        first_name: first,
        last_name: last,
        middle_name: "",
        dob: "19900101",
        doe: EXPIRY,
        doi: "20201231",
        gender: "M",
        height: licence.then_some("70"),
        eye_color: licence.then_some("BRO"),
        street: card.then_some("123 Main St"),
        city: card.then_some("Springfield"),
        state: card.then_some("IL"),
        country: "USA",
        zip_code: card.then_some("62701"),
        place_of_birth: (!card).then_some("ILLINOIS, USA"),
        face: image(images.face),
        image: image(images.front),
        image_back: card.then(|| image(images.back)),
        proof: proof(cx, req, &about)?,
    })
}

/// The selfie of a session.
pub(super) fn live_id(db: &Connection, session: &Session) -> Result<LiveId, Error> {
    let images = submitted(db, session, "selfie_liveness")?;
    Ok(LiveId {
        id: session.liveid_uuid.clone().unwrap_or_default(),
        kind: "liveid",
        category: "identity_document",
        proofed_by: "1kosmos",
        face: images.face.or(images.front).unwrap_or_else(|| SAMPLE_IMAGE.to_owned()),
    })
}

fn submitted(db: &Connection, session: &Session, kind: &str) -> Result<Capture, Error> {
    Ok(capture(db, &session.id, kind)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_signed_as_published() {
        let claims = Claims {
            aud: "https://localhost:8443/default".to_owned(),
            iss: "https://localhost:8443/idproofingapi".to_owned(),
            issuer: Party { username: "1kosmos" },
            recipient: Party { username: "johndoe" },
            document: Proved { kind: "dl", doe: EXPIRY, id_hash: sha512(number(DocumentType::Licence)) },
            ts: 1_767_225_600_000,
            purpose: ["idproofing"],
            iat: 1_767_225_600,
            exp: end_of_day(EXPIRY).timestamp(),
        };
        assert_eq!(
            serde_json::to_string(&claims).unwrap(),
            r#"{"aud":"https://localhost:8443/default","iss":"https://localhost:8443/idproofingapi","issuer":{"username":"1kosmos"},"recipient":{"username":"johndoe"},"document":{"type":"dl","doe":"20301231","id_hash":"284416930a194cbd15441e2b1c061bbe75aa624fb61c6437b1a4bc1404885e6d58e92c37665d6b7b3f50c41eec8beb3d74f6487156d83b01b97b1a39232e02e6"},"ts":1767225600000,"purpose":["idproofing"],"iat":1767225600,"exp":1924991999}"#
        );
        let token = signed(PROOF_SECRET, &claims).unwrap();
        assert_eq!(token.rsplit('.').next(), Some("u0mPQ7KQdanfhHzr1Vh4MQzyiZlUEVzRvAt0cDlH-s4"));
    }
}
