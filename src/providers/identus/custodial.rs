//! Custodial calls: a whole exchange between two parties whose keys travel in the body.
//!
//! The real service sleeps between the steps. Here the call takes the steps of its own exchange at the present moment of the world's
//! clock, so it never races with them; with `realtime` the caller waits for as long as there. A step that fails leaves what came before
//! it, as it does there.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Error;
use super::body::Body;
use super::error::render;
use super::offers::{for_first_did, matching, terms};
use super::store;
use super::types::{ConnectionState, CustodialIssuance, MatchResult, PresentationRole, Record, RecordRole, RecordState};
use super::{agent_base, answer, auth, connecting, credential, flow, issuing, js, presentations, presenting};
use crate::http::{Reply, Req};
use crate::world::Cx;

/// What the real service waits for between two steps, in milliseconds.
const DELAY_MS: u32 = 4750;

/// The times that the real service would have slept in a call so far.
#[derive(Default)]
struct Waits(u32);

impl Waits {
    fn one(&mut self) {
        self.0 += 1;
    }
}

/// How long one of them lasts for whoever waits, in milliseconds: nothing, unless a setting says otherwise.
fn wait_ms(cx: &Cx<'_>) -> rusqlite::Result<u32> {
    match cx.setting::<Option<u32>>("custodial_wait_ms")? {
        Some(ms) => Ok(ms),
        None if cx.setting::<bool>("realtime")? => Ok(DELAY_MS),
        None => Ok(0),
    }
}

/// An outcome that stays, with all that was done before it, even when it is a refusal; the caller gets it after the waits.
fn kept(cx: &Cx<'_>, outcome: Result<Reply, Error>, req: &Req, waits: &Waits) -> Result<Reply, Error> {
    let wait = Duration::from_millis(u64::from(wait_ms(cx)?) * u64::from(waits.0));
    match outcome {
        Err(Error::Store(error)) => Err(Error::Store(error)),
        Err(refusal) => Ok(render(refusal, req).after(wait)),
        Ok(reply) => Ok(reply.after(wait)),
    }
}

/// `POST /api/v1/vc/issuance/custodial`: offers, accepts and issues in one call. Public: the keys are in the body.
///
/// 201 with the holder's record; 201 with the newest credential of the same claim type where there is one and `noDuplicate` is not off;
/// 400 when a field is missing; 404 when the offer does not arrive at the holder; the errors of the single steps.
pub(super) fn issue(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let body = Body::of(req)?;
    if ["connection", "key_peer1", "key_peer2", "did_peer1", "did_peer2"].iter().any(|field| body.truthy(field).is_none()) {
        return Err(Error::handler(StatusCode::BAD_REQUEST, "Bad data for creation of custodial Creds"));
    }
    let claim_type = js::claim_type(&js::claims(body.get("claims")));
    if let Some(claim_type) = claim_type.filter(|_| body.get("noDuplicate").is_none_or(js::switched_on))
        && let Ok(holder) = auth::by_key(cx, body.text("key_peer2").as_deref())
        && let Some(vc) = store::records::newest_match(cx.db, &holder.wallet, &claim_type, RecordState::CredentialReceived)?
    {
        return Ok(answer::created(MatchResult { record_id: vc.id.clone(), vc }));
    }
    let mut waits = Waits::default();
    let outcome = issue_new(cx, req, &body, &mut waits);
    kept(cx, outcome, req, &waits)
}

fn issue_new(cx: &mut Cx<'_>, req: &Req, body: &Body, waits: &mut Waits) -> Result<Reply, Error> {
    let issuer = auth::by_key(cx, body.text("key_peer1").as_deref())?;
    let offered = issuing::offer(cx, &issuer.wallet, &terms(body, "did_peer1"))?;
    flow::carry_issuance(cx, &offered.thid)?;
    waits.one();
    let holder = auth::by_key(cx, body.text("key_peer2").as_deref())?;
    let delay_ms = f64::from(Some(wait_ms(cx)?).filter(|ms| *ms > 0).unwrap_or(DELAY_MS));
    let received = holders(cx, &holder.wallet, &offered.thid)?.ok_or_else(|| {
        let message = format!("Offer just issued by issuer cannot be found by holder after a delay of {} secs", delay_ms / 1000.0);
        Error::handler(StatusCode::NOT_FOUND, message)
    })?;
    issuing::accept(cx, &holder.wallet, &received.id, body.text("did_peer2").as_deref())?;
    flow::carry_issuance(cx, &offered.thid)?;
    waits.one();
    let base = agent_base(cx, &req.links)?;
    issuing::issue(cx, &issuer.wallet, &offered.id, base)?;
    flow::carry_issuance(cx, &offered.thid)?;
    waits.one();
    let vc = store::records::get(cx.db, &holder.wallet, &received.id)?.ok_or_else(|| issuing::not_found(cx, &received.id, None))?;
    Ok(answer::created(CustodialIssuance { was_offered: true, was_accepted: true, vc }))
}

/// The holder's side of a thread, in the wallet of the holder.
fn holders(cx: &Cx<'_>, wallet: &str, thid: &str) -> Result<Option<Record>, Error> {
    Ok(store::records::thread(cx.db, wallet, thid)?.into_iter().find(|record| record.role == RecordRole::Holder))
}

/// What a custodial connection returns.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Connected {
    from: Option<String>,
    anon_did_from: Option<String>,
    #[serde(rename = "connection_id_from")]
    connection_from: String,
    to: Option<String>,
    anon_did_to: Option<String>,
    #[serde(rename = "connection_id_to")]
    connection_to: String,
    thid: String,
    is_accepted: bool,
}

/// `POST /api/v1/p2p/custodial/connect`: invites and accepts in one call. Public: the keys are in the body.
///
/// 201; the errors of the single steps.
pub(super) fn connect(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let body = Body::of(req)?;
    let mut waits = Waits::default();
    let outcome = connect_new(cx, &body, &mut waits);
    kept(cx, outcome, req, &waits)
}

fn connect_new(cx: &mut Cx<'_>, body: &Body, waits: &mut Waits) -> Result<Reply, Error> {
    let (from, to) = (body.text("name_peer1"), body.text("name_peer2"));
    let named = |name: &Option<String>| name.clone().unwrap_or_else(|| "null".to_owned());
    let inviter = auth::by_key(cx, body.text("key_peer1").as_deref())?;
    let invited = connecting::invite(cx, &inviter.wallet, &format!("{} for {}", named(&from), named(&to)))?;
    waits.one();
    let invitee = auth::by_key(cx, body.text("key_peer2").as_deref())?;
    let oob = connecting::invitation(&invited)?;
    let accepted = connecting::accept(cx, &invitee.wallet, Some(&oob))?;
    flow::carry_connection(cx, &invited.thid)?;
    waits.one();
    let invited = store::connections::any(cx.db, &invited.id)?.ok_or_else(|| issuing::no_connection(cx, &invited.id))?;
    Ok(answer::created(Connected {
        from,
        anon_did_from: invited.my_did,
        connection_from: invited.id,
        to,
        anon_did_to: invited.their_did,
        connection_to: accepted.id,
        thid: invited.thid,
        is_accepted: invited.state == ConnectionState::ConnectionResponseSent,
    }))
}

/// What a custodial presentation returns.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    was_presented: bool,
    was_accepted: bool,
    thid: String,
    proof: Option<String>,
    claim: Option<Map<String, Value>>,
}

/// `POST /api/v1/proof/presentation/custodial`: asks for a proof, gives it and takes it in one call. Public: the keys are in the body.
///
/// 201 with proof and claims; 201 with a proof of the same type that was given before, where there is one and `noDuplicate` is not off;
/// 404 when the request does not arrive at the prover, or the prover has no such credential; the errors of the single steps.
pub(super) fn present(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let body = Body::of(req)?;
    if let Some(claim_type) = body.text("claim_type").filter(|_| body.get("noDuplicate").is_none_or(js::switched_on))
        && let Ok(prover) = auth::by_key(cx, body.text("key_peer2").as_deref())
        && let Ok(found) = presentations::sent(cx, &prover.wallet, &claim_type)
    {
        return Ok(answer::created(found));
    }
    let mut waits = Waits::default();
    let outcome = present_new(cx, &body, &mut waits);
    kept(cx, outcome, req, &waits)
}

fn present_new(cx: &mut Cx<'_>, body: &Body, waits: &mut Waits) -> Result<Reply, Error> {
    let verifier = auth::by_key(cx, body.text("key_peer1").as_deref())?;
    let asked = presenting::request_of(cx, &verifier.wallet, body, "claim_type")?;
    flow::carry_presentation(cx, &asked.thid)?;
    waits.one();
    let prover = auth::by_key(cx, body.text("key_peer2").as_deref())?;
    let received =
        store::presentations::side(cx.db, &asked.thid, PresentationRole::Prover)?.filter(|side| side.wallet == prover.wallet);
    let Some(received) = received else {
        let message = format!("No presentation request received so far{}", for_first_did(cx, &prover.wallet)?);
        return Err(Error::handler(StatusCode::NOT_FOUND, message));
    };
    let named = match body.truthy("thid") {
        Some(thid) => holders(cx, &prover.wallet, &js::text(thid))?,
        None => None,
    };
    let record = match named {
        Some(record) => record,
        None => matching(cx, &prover.wallet, &asked.challenge, &[RecordState::CredentialReceived])?,
    };
    presenting::accept(cx, &prover.wallet, &received.id, &record.id)?;
    flow::carry_presentation(cx, &asked.thid)?;
    // Twice, for the proof to arrive and to be verified.
    waits.one();
    waits.one();
    let concluded = presenting::conclude(cx, &verifier.wallet, &asked.id)?;
    let claim = concluded.proof.as_deref().and_then(credential::presented_claims);
    Ok(answer::created(Shown { was_presented: true, was_accepted: true, thid: concluded.thid, proof: concluded.proof, claim }))
}
