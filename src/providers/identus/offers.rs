//! Credential offers and the records that they become, step by step.

use http::StatusCode;

use super::Error;
use super::body::Body;
use super::issuing::{self, Terms};
use super::store;
use super::types::{MatchResult, Record, RecordState};
use super::{agent_base, answer, auth, js, param, query};
use crate::crypto::prism;
use crate::http::{Reply, Req};
use crate::world::Cx;

/// `GET /api/v1/vc/offers`: lists the wallet's records, as issuer and as holder, oldest first.
///
/// 200; with `thid` those of one thread, none when it is unknown.
pub(super) fn list(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let records = match query(req, "thid") {
        Some(thid) => store::records::thread(cx.db, &caller.wallet, &thid)?,
        None => store::records::list(cx.db, &caller.wallet, cx.setting("strict_quirks")?)?,
    };
    answer::read(cx, records)
}

/// `GET /api/v1/vc/offer/{id}`: one record.
///
/// 200; the agent's 404 when it is unknown or another wallet's.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let id = param(req, "id")?;
    let record = store::records::get(cx.db, &caller.wallet, &id)?.ok_or_else(|| issuing::not_found(cx, &id, None))?;
    answer::read(cx, record)
}

/// `GET /api/v1/vc/match/{type}`: the first credential whose claim `claim_type` is this text.
///
/// 200 with a credential that the wallet received, or else one that it issued; 404 when none matches, or there is no record at all.
pub(super) fn find(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let states = [RecordState::CredentialReceived, RecordState::CredentialSent];
    let found = matching(cx, &caller.wallet, &param(req, "type")?, &states)?;
    answer::read(cx, MatchResult { record_id: found.id.clone(), vc: found })
}

/// The first credential of a wallet with this claim type, in the first of `states` in which there is one.
pub(super) fn matching(cx: &Cx<'_>, wallet: &str, claim_type: &str, states: &[RecordState]) -> Result<Record, Error> {
    let strict = cx.setting("strict_quirks")?;
    let search = if strict { store::records::oldest_match_in_cut_off } else { store::records::oldest_match };
    for state in states {
        if let Some(found) = search(cx.db, wallet, claim_type, *state)? {
            return Ok(found);
        }
    }
    if store::records::has_any(cx.db, wallet)? {
        let message = format!("No matching VC for this proof request (type: {claim_type})");
        return Err(Error::handler(StatusCode::NOT_FOUND, message));
    }
    if strict {
        return Err(Error::handler(StatusCode::INTERNAL_SERVER_ERROR, "srvIdentusIdentity is not defined"));
    }
    Err(Error::handler(StatusCode::NOT_FOUND, format!("No VC received so far{}", for_first_did(cx, wallet)?)))
}

/// ` for DID <first DID of the wallet>`; nothing when it has none.
pub(super) fn for_first_did(cx: &Cx<'_>, wallet: &str) -> Result<String, Error> {
    let first = store::dids::first(cx.db, wallet)?;
    Ok(first.map(|suffix| format!(" for DID {}", prism::short(&suffix))).unwrap_or_default())
}

/// `POST /api/v1/vc/offer-noschema`: offers a credential over a connection.
///
/// 201 with the issuer's record in `OfferPending`; the agent's errors of [`issuing::offer`].
pub(super) fn create(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let offered = issuing::offer(cx, &caller.wallet, &terms(&Body::of(req)?, "author"))?;
    Ok(answer::created(offered))
}

/// The terms of an offer in a body; `author` is the field that names the issuer's DID.
pub(super) fn terms(body: &Body, author: &str) -> Terms {
    Terms {
        connection: body.get("connection").cloned(),
        author: body.get(author).cloned(),
        validity: body.get("validity").cloned(),
        claims: js::claims(body.get("claims")),
    }
}

/// `POST /api/v1/vc/accept`: the holder accepts an offer.
///
/// 201 with the holder's record in `RequestPending`; the agent's errors of [`issuing::accept`].
pub(super) fn accept(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let body = Body::of(req)?;
    let record = body.text("recordId").unwrap_or_else(|| "null".to_owned());
    let accepted = issuing::accept(cx, &caller.wallet, &record, body.text("did").as_deref())?;
    Ok(answer::created(accepted))
}

/// `POST /api/v1/vc/issue`: the issuer issues what was requested.
///
/// 201 with the issuer's record in `CredentialPending`; the agent's errors of [`issuing::issue`].
pub(super) fn issue(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let record = Body::of(req)?.text("recordId").unwrap_or_else(|| "null".to_owned());
    let base = agent_base(cx, &req.links)?;
    let issued = issuing::issue(cx, &caller.wallet, &record, base)?;
    Ok(answer::created(issued))
}
