//! Issuance as the agent does it: offering, accepting, issuing, and the steps between them.

use http::StatusCode;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Error;
use super::credential::{self, Credential};
use super::flow::{self, Kind};
use super::js;
use super::keys;
use super::store::{self, records::RETRIES, status_lists};
use super::types::{Connection, Failure, Record, RecordRole, RecordState};
use crate::crypto::prism::{self, Usage};
use crate::world::Cx;

/// How long a credential holds when nobody says: 30 days.
const USUAL_VALIDITY_S: f64 = 2_592_000.0;

/// The agent's call that offers a credential.
const OFFER_CALL: &str = "POST /issue-credentials/credential-offers/";

/// What an offer is made of, as it came in a body.
#[derive(Debug, Default)]
pub(super) struct Terms {
    pub connection: Option<Value>,
    pub author: Option<Value>,
    pub validity: Option<Value>,
    pub claims: Map<String, Value>,
}

/// Offers a credential over a connection. The record that is returned shows its creation in nanoseconds, as only this answer does.
///
/// Fails, in this order: 400 when connection, validity or author cannot be decoded; 400 without connection; 404 for an unknown one; 400 for
/// one that is not established; 400 without author; what [`keys::own_did`] fails with.
pub(super) fn offer(cx: &mut Cx<'_>, wallet: &str, terms: &Terms) -> Result<Record, Error> {
    let connection_id = connection_id(cx, terms.connection.as_ref(), OFFER_CALL)?;
    let validity_s = validity_s(terms.validity.as_ref())
        .ok_or_else(|| Error::decoding(cx, OFFER_CALL, "expected a Double at 'validityPeriod'"))?;
    if terms.author.as_ref().is_some_and(|author| !author.is_string()) {
        return Err(Error::decoding(cx, OFFER_CALL, "expected a String at 'issuingDID'"));
    }
    let connection = established(cx, wallet, connection_id.as_deref(), "Missing connectionId for credential offer")?;
    let Some(author) = terms.author.as_ref().and_then(Value::as_str) else {
        return Err(Error::agent(cx, StatusCode::BAD_REQUEST, "Missing request parameter: issuingDID"));
    };
    let issuer = keys::own_did(cx, wallet, author, Usage::Issuing, "AssertionMethod", OFFER_CALL)?;

    let nanos = i64::try_from(1 + cx.rng.below(999)).unwrap_or(1);
    let record = Record {
        id: cx.rng.uuid().to_string(),
        thid: cx.rng.uuid().to_string(),
        credential_format: "JWT",
        subject_id: None,
        validity_s: Some(validity_s),
        claims: raw(&terms.claims)?,
        automatic_issuance: Some(false),
        created_at: cx.now + chrono::TimeDelta::nanoseconds(nanos),
        updated_at: None,
        role: RecordRole::Issuer,
        state: RecordState::OfferPending,
        credential: None,
        retries: RETRIES,
        failure: None,
        wallet: wallet.to_owned(),
        connection: connection.id,
        issuer: Some(issuer.suffix),
        status_base: None,
    };
    store::records::insert(cx.db, &record, js::claim_type(&terms.claims).as_deref())?;
    flow::schedule(cx, Kind::Issuance, &record.id)?;
    Ok(record)
}

/// Accepts an offer that was received, for the DID `did`.
///
/// Fails, in this order: with what [`keys::own_did`] fails with; 500 for a record that is not there; 404 for one that is in another state
/// than `OfferReceived`; 500 without `did`.
pub(super) fn accept(cx: &mut Cx<'_>, wallet: &str, record_id: &str, did: Option<&str>) -> Result<Record, Error> {
    let call = format!("POST /issue-credentials/records/{record_id}/accept-offer");
    if let Some(did) = did {
        keys::own_did(cx, wallet, did, Usage::Authentication, "Authentication", &call)?;
    }
    let mut record = in_state(cx, wallet, record_id, RecordState::OfferReceived, &call)?;
    record.subject_id = Some(did.ok_or_else(|| Error::unexpected(cx, &call))?.to_owned());
    advance(cx, &mut record, RecordState::RequestPending)?;
    Ok(record)
}

/// Issues the credential that was requested. `status_base` is what the URL of its status list begins with.
///
/// Fails with 500 for a record that is not there, 404 for one that is in another state than `RequestReceived`.
pub(super) fn issue(cx: &mut Cx<'_>, wallet: &str, record_id: &str, status_base: String) -> Result<Record, Error> {
    let call = format!("POST /issue-credentials/records/{record_id}/issue-credential");
    let mut record = in_state(cx, wallet, record_id, RecordState::RequestReceived, &call)?;
    record.status_base = Some(status_base);
    advance(cx, &mut record, RecordState::CredentialPending)?;
    Ok(record)
}

/// The id of a connection from a body: none when it is absent, 400 when it is no UUID.
pub(super) fn connection_id(cx: &Cx<'_>, value: Option<&Value>, call: &str) -> Result<Option<String>, Error> {
    let Some(text) = value.map(js::text) else { return Ok(None) };
    let id = (text.len() == 36).then(|| Uuid::try_parse(&text).ok()).flatten();
    match id {
        Some(id) => Ok(Some(id.to_string())),
        None => Err(Error::decoding(cx, call, &format!("Invalid UUID: {text} at 'connectionId'"))),
    }
}

/// A connection that messages can go over: 400 (`missing`) without an id, 404 for an unknown one, 400 for one in the making.
pub(super) fn established(cx: &Cx<'_>, wallet: &str, id: Option<&str>, missing: &str) -> Result<Connection, Error> {
    let id = id.ok_or_else(|| Error::agent(cx, StatusCode::BAD_REQUEST, missing))?;
    let connection = store::connections::get(cx.db, wallet, id)?.ok_or_else(|| no_connection(cx, id))?;
    if connection.state.is_established() {
        return Ok(connection);
    }
    let state = connection.state.name();
    let detail = format!("The operation is not allowed for the current connection record state: state={state}");
    Err(Error::agent(cx, StatusCode::BAD_REQUEST, detail))
}

/// The agent's 404 for a connection.
pub(super) fn no_connection(cx: &Cx<'_>, id: &str) -> Error {
    let detail = format!("There is no connection record matching the provided identifier: recordId={id}");
    Error::agent(cx, StatusCode::NOT_FOUND, detail)
}

fn validity_s(value: Option<&Value>) -> Option<f64> {
    match value.filter(|value| js::truthy(value)) {
        None => Some(USUAL_VALIDITY_S),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') => text.parse().ok(),
        Some(_) => None,
    }
    .filter(|seconds| seconds.is_finite())
}

fn raw(claims: &Map<String, Value>) -> Result<Box<RawValue>, Error> {
    serde_json::value::to_raw_value(claims).map_err(|error| {
        tracing::error!(%error, "claims could not be written as JSON");
        Error::from(crate::http::Problem::Internal)
    })
}

fn in_state(cx: &Cx<'_>, wallet: &str, id: &str, state: RecordState, call: &str) -> Result<Record, Error> {
    let record = store::records::get(cx.db, wallet, id)?.ok_or_else(|| Error::unexpected(cx, call))?;
    if record.state == state {
        return Ok(record);
    }
    Err(not_found(cx, id, Some(record.state)))
}

/// The agent's 404 for a record that is not there, or is in another state.
pub(super) fn not_found(cx: &Cx<'_>, id: &str, state: Option<RecordState>) -> Error {
    let state = state.map_or_else(|| "None".to_owned(), |state| format!("Some({})", state.name()));
    Error::agent(cx, StatusCode::NOT_FOUND, format!("The requested record was not found: recordId={id}, state={state}"))
}

/// Whether a background step waits for a record.
pub(super) fn is_pending(record: &Record) -> bool {
    use RecordState::{CredentialGenerated, CredentialPending, OfferPending, RequestGenerated, RequestPending};
    let waits = matches!(record.state, OfferPending | RequestPending | RequestGenerated | CredentialPending | CredentialGenerated);
    waits && record.retries > 0
}

/// Moves a record on, and has its next step follow where there is one.
fn advance(cx: &Cx<'_>, record: &mut Record, state: RecordState) -> rusqlite::Result<()> {
    store::records::advance(cx.db, record, state, cx.now)?;
    if is_pending(record) { flow::schedule(cx, Kind::Issuance, &record.id) } else { Ok(()) }
}

/// The next background step of a record; nothing where none waits.
pub(super) fn step(cx: &mut Cx<'_>, id: &str) -> rusqlite::Result<()> {
    let Some(mut record) = store::records::any(cx.db, id)?.filter(is_pending) else { return Ok(()) };
    match record.state {
        RecordState::OfferPending => {
            deliver_offer(cx, &record)?;
            advance(cx, &mut record, RecordState::OfferSent)
        }
        RecordState::RequestPending => advance(cx, &mut record, RecordState::RequestGenerated),
        RecordState::RequestGenerated => {
            advance(cx, &mut record, RecordState::RequestSent)?;
            let issuer = store::records::side(cx.db, &record.thid, RecordRole::Issuer)?;
            match issuer.filter(|issuer| issuer.state == RecordState::OfferSent) {
                Some(mut issuer) => advance(cx, &mut issuer, RecordState::RequestReceived),
                None => Ok(()),
            }
        }
        RecordState::CredentialPending => match generate(cx, &record)? {
            Some(credential) => {
                record.credential = Some(credential);
                advance(cx, &mut record, RecordState::CredentialGenerated)
            }
            None => fail(cx, &record),
        },
        RecordState::CredentialGenerated => {
            advance(cx, &mut record, RecordState::CredentialSent)?;
            let holder = store::records::side(cx.db, &record.thid, RecordRole::Holder)?;
            match holder.filter(|holder| holder.state == RecordState::RequestSent) {
                Some(mut holder) => {
                    holder.credential = record.credential;
                    advance(cx, &mut holder, RecordState::CredentialReceived)
                }
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// The offer arrives at the other end of the connection, where there is one.
fn deliver_offer(cx: &mut Cx<'_>, record: &Record) -> rusqlite::Result<()> {
    let connection = store::connections::any(cx.db, &record.connection)?;
    let Some(peer) = connection.map(|connection| store::connections::peer(cx.db, &connection)).transpose()?.flatten() else {
        return Ok(());
    };
    let claim_type = store::records::claim_type(cx.db, &record.id)?;
    let received = Record {
        id: cx.rng.uuid().to_string(),
        thid: record.thid.clone(),
        credential_format: "JWT",
        subject_id: None,
        validity_s: None,
        claims: record.claims.clone(),
        automatic_issuance: None,
        created_at: cx.now,
        updated_at: None,
        role: RecordRole::Holder,
        state: RecordState::OfferReceived,
        credential: None,
        retries: RETRIES,
        failure: None,
        wallet: peer.wallet,
        connection: peer.id,
        issuer: None,
        status_base: None,
    };
    store::records::insert(cx.db, &received, claim_type.as_deref())
}

/// Builds and signs the credential, and takes its place in the status list. None when there is no key to sign with.
fn generate(cx: &mut Cx<'_>, record: &Record) -> rusqlite::Result<Option<String>> {
    let issuer = record.issuer.as_deref().map(|suffix| store::dids::by_suffix(cx.db, suffix)).transpose()?.flatten();
    let holder = store::records::side(cx.db, &record.thid, RecordRole::Holder)?;
    let Some((issuer, subject)) = issuer.zip(holder.and_then(|holder| holder.subject_id)) else { return Ok(None) };
    let Some(key) = keys::signing_key(cx, &issuer, Usage::Issuing)? else { return Ok(None) };
    let Ok(named) = prism::parse(&subject) else { return Ok(None) };
    let subject = store::dids::by_suffix(cx.db, &named.suffix)?.map_or(subject, |did| did.long_form);

    let (list, index) = next_place(cx, record, &issuer.long_form)?;
    let not_before_s = cx.now.timestamp();
    #[expect(clippy::cast_possible_truncation, reason = "a validity beyond all time ends at its end")]
    let validity_s = record.validity_s.unwrap_or(USUAL_VALIDITY_S).trunc() as i64;
    let made = Credential {
        issuer: &issuer.long_form,
        subject: &subject,
        not_before_s,
        expires_s: not_before_s.saturating_add(validity_s),
        claims: serde_json::from_str(record.claims.get()).unwrap_or_default(),
        status_list: &format!("{}/credential-status/{list}", record.status_base.as_deref().unwrap_or_default()),
        status_index: index,
    };
    Ok(made.sign(&key).as_deref().map(credential::encode))
}

/// The next place in the wallet's status list; a new list when there is none, or the last is full.
fn next_place(cx: &mut Cx<'_>, record: &Record, issuer: &str) -> rusqlite::Result<(String, u32)> {
    let filling = status_lists::latest(cx.db, &record.wallet)?.filter(|list| list.last_index + 1 < status_lists::PLACES);
    let list = if let Some(list) = filling {
        list
    } else {
        let id = cx.rng.uuid().to_string();
        status_lists::insert(cx.db, &id, &record.wallet, issuer, 0, cx.now)?;
        status_lists::get(cx.db, &id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?
    };
    let index = list.last_index + 1;
    status_lists::take(cx.db, list.seq, index, &record.thid)?;
    Ok((list.id, index))
}

/// A step failed: one attempt less, and the reason in the record. It is tried again while attempts are left.
fn fail(cx: &mut Cx<'_>, record: &Record) -> rusqlite::Result<()> {
    let failure = Failure {
        status: 500,
        kind: "error:CredentialServiceError:UnexpectedError".to_owned(),
        title: "Unexpected Error".to_owned(),
        detail: "The key of the issuing DID is not in the agent wallet".to_owned(),
        instance: format!("error:instance:{}", cx.rng.uuid()),
    };
    store::records::fail(cx.db, &record.id, &failure, cx.now)?;
    if record.retries > 1 { flow::schedule(cx, Kind::Issuance, &record.id) } else { Ok(()) }
}
