//! Presentations as the agent makes them: asking for a proof, giving it, and the steps between them.

use http::StatusCode;
use serde_json::Value;

use super::Error;
use super::body::Body;
use super::credential;
use super::flow::{self, Kind};
use super::issuing;
use super::keys;
use super::store::{self, records::RETRIES};
use super::types::{Presentation, PresentationRole, PresentationState};
use crate::crypto::prism::{self, Usage};
use crate::world::Cx;

/// The agent's call that asks for a presentation.
const REQUEST_CALL: &str = "POST /present-proof/presentations/";

/// Asks the other end of a connection for a proof.
///
/// Fails, in this order: 400 when the connection cannot be decoded, or challenge or domain is missing; 400 without connection; 404 for an
/// unknown one; 400 for one that is not established.
pub(super) fn request(
    cx: &mut Cx<'_>,
    wallet: &str,
    connection: Option<&Value>,
    challenge: Option<String>,
    domain: Option<String>,
) -> Result<Presentation, Error> {
    let connection_id = issuing::connection_id(cx, connection, REQUEST_CALL)?;
    let missing =
        |cx: &Cx<'_>, field: &str| Error::decoding(cx, REQUEST_CALL, &format!("missing required field at 'options.{field}'"));
    let challenge = challenge.ok_or_else(|| missing(cx, "challenge"))?;
    let domain = domain.ok_or_else(|| missing(cx, "domain"))?;
    let connection = issuing::established(cx, wallet, connection_id.as_deref(), "Presentation Request missing connectionId")?;
    let presentation = Presentation {
        id: cx.rng.uuid().to_string(),
        wallet: wallet.to_owned(),
        thid: cx.rng.uuid().to_string(),
        role: PresentationRole::Verifier,
        state: PresentationState::RequestPending,
        connection: connection.id,
        challenge,
        domain,
        definition: cx.rng.uuid().to_string(),
        record: None,
        proof: None,
        retries: RETRIES,
    };
    store::presentations::insert(cx.db, &presentation)?;
    flow::schedule(cx, Kind::Presentation, &presentation.id)?;
    Ok(presentation)
}

/// Answers a request with the credential of a record.
///
/// Fails with 404 for an unknown presentation, 400 for one that is not in `RequestReceived`, 500 for a record without credential.
pub(super) fn accept(cx: &mut Cx<'_>, wallet: &str, id: &str, record: &str) -> Result<Presentation, Error> {
    let mut presentation = store::presentations::get(cx.db, wallet, id)?.ok_or_else(|| not_found(cx, id))?;
    if presentation.state != PresentationState::RequestReceived {
        let detail = format!("Invalid protocol state for operation: {}", presentation.state.name());
        return Err(Error::agent(cx, StatusCode::BAD_REQUEST, detail));
    }
    let held = store::records::get(cx.db, wallet, record)?.filter(|record| record.credential.is_some());
    let held = held.ok_or_else(|| Error::agent(cx, StatusCode::INTERNAL_SERVER_ERROR, "Issued credential not found"))?;
    presentation.record = Some(held.id);
    advance(cx, &mut presentation, PresentationState::PresentationPending)?;
    Ok(presentation)
}

/// Takes a proof as good.
///
/// Fails with 404 for an unknown presentation, 400 for one that has brought no proof yet, 500 for one that is not in
/// `PresentationVerified`.
pub(super) fn conclude(cx: &mut Cx<'_>, wallet: &str, id: &str) -> Result<Presentation, Error> {
    let mut presentation = store::presentations::get(cx.db, wallet, id)?.ok_or_else(|| not_found(cx, id))?;
    if presentation.proof.is_none() {
        return Err(Error::agent(cx, StatusCode::BAD_REQUEST, format!("No request found for this record: {id}")));
    }
    if presentation.state != PresentationState::PresentationVerified {
        return Err(Error::unexpected(cx, &format!("PATCH /present-proof/presentations/{id}")));
    }
    advance(cx, &mut presentation, PresentationState::PresentationAccepted)?;
    Ok(presentation)
}

fn not_found(cx: &Cx<'_>, id: &str) -> Error {
    Error::agent(cx, StatusCode::NOT_FOUND, format!("Record Id not found: {id}"))
}

/// The fields of a body that ask for a presentation; `challenge` is the name of the one that holds the challenge.
pub(super) fn request_of(cx: &mut Cx<'_>, wallet: &str, body: &Body, challenge: &str) -> Result<Presentation, Error> {
    request(cx, wallet, body.get("connection"), body.text(challenge), body.text("domain"))
}

/// Whether a background step waits for a side.
pub(super) fn is_pending(presentation: &Presentation) -> bool {
    use PresentationState::{PresentationGenerated, PresentationPending, PresentationReceived, RequestPending};
    let waits = matches!(presentation.state, RequestPending | PresentationPending | PresentationGenerated | PresentationReceived);
    waits && presentation.retries > 0
}

fn advance(cx: &Cx<'_>, presentation: &mut Presentation, state: PresentationState) -> rusqlite::Result<()> {
    store::presentations::advance(cx.db, presentation, state)?;
    if is_pending(presentation) { flow::schedule(cx, Kind::Presentation, &presentation.id) } else { Ok(()) }
}

/// The next background step of a side; nothing where none waits.
pub(super) fn step(cx: &mut Cx<'_>, id: &str) -> rusqlite::Result<()> {
    let Some(mut presentation) = store::presentations::any(cx.db, id)?.filter(is_pending) else { return Ok(()) };
    match presentation.state {
        PresentationState::RequestPending => {
            deliver_request(cx, &presentation)?;
            advance(cx, &mut presentation, PresentationState::RequestSent)
        }
        PresentationState::PresentationPending => {
            if let Some(proof) = prove(cx, &presentation)? {
                presentation.proof = Some(proof);
                return advance(cx, &mut presentation, PresentationState::PresentationGenerated);
            }
            store::presentations::fail(cx.db, id)?;
            if presentation.retries > 1 { flow::schedule(cx, Kind::Presentation, id) } else { Ok(()) }
        }
        PresentationState::PresentationGenerated => {
            advance(cx, &mut presentation, PresentationState::PresentationSent)?;
            let verifier = store::presentations::side(cx.db, &presentation.thid, PresentationRole::Verifier)?;
            match verifier.filter(|verifier| verifier.state == PresentationState::RequestSent) {
                Some(mut verifier) => {
                    verifier.proof.clone_from(&presentation.proof);
                    advance(cx, &mut verifier, PresentationState::PresentationReceived)
                }
                None => Ok(()),
            }
        }
        PresentationState::PresentationReceived => {
            let state = if shows_revoked(cx, &presentation)? {
                PresentationState::PresentationVerificationFailed
            } else {
                PresentationState::PresentationVerified
            };
            advance(cx, &mut presentation, state)
        }
        _ => Ok(()),
    }
}

/// The request arrives at the other end of the connection, where there is one.
fn deliver_request(cx: &mut Cx<'_>, request: &Presentation) -> rusqlite::Result<()> {
    let connection = store::connections::any(cx.db, &request.connection)?;
    let Some(peer) = connection.map(|connection| store::connections::peer(cx.db, &connection)).transpose()?.flatten() else {
        return Ok(());
    };
    let received = Presentation {
        id: cx.rng.uuid().to_string(),
        wallet: peer.wallet,
        role: PresentationRole::Prover,
        state: PresentationState::RequestReceived,
        connection: peer.id,
        ..request.clone()
    };
    store::presentations::insert(cx.db, &received)
}

/// Signs the presentation. None when the credential or a key to sign with is missing.
fn prove(cx: &Cx<'_>, presentation: &Presentation) -> rusqlite::Result<Option<String>> {
    let Some(record) = presentation.record.as_deref() else { return Ok(None) };
    let Some(record) = store::records::any(cx.db, record)? else { return Ok(None) };
    let Some(credential) = record.credential.as_deref().and_then(credential::decode) else { return Ok(None) };
    let subject = record.subject_id.or_else(|| Some(credential::payload_of(&credential)?.get("sub")?.as_str()?.to_owned()));
    let Some(named) = subject.and_then(|subject| prism::parse(&subject).ok()) else { return Ok(None) };
    let Some(holder) = store::dids::by_suffix(cx.db, &named.suffix)?.filter(|did| did.wallet == presentation.wallet) else {
        return Ok(None);
    };
    let Some(key) = keys::signing_key_or_any(cx, &holder, Usage::Authentication)? else { return Ok(None) };
    Ok(credential::present(&holder.long_form, &presentation.domain, &presentation.challenge, &credential, &key))
}

/// Whether the credential that a proof shows is revoked.
fn shows_revoked(cx: &Cx<'_>, received: &Presentation) -> rusqlite::Result<bool> {
    let prover = store::presentations::side(cx.db, &received.thid, PresentationRole::Prover)?;
    let Some(record) = prover.and_then(|prover| prover.record) else { return Ok(false) };
    match store::records::any(cx.db, &record)? {
        Some(record) => store::status_lists::is_revoked(cx.db, &record.thid),
        None => Ok(false),
    }
}
