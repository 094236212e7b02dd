//! Presentations of a wallet, one side each.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Error;
use super::body::Body;
use super::offers::for_first_did;
use super::store;
use super::types::{Presentation, PresentationRole, PresentationState};
use super::{answer, auth, credential, param, presenting, query};
use crate::http::{Reply, Req};
use crate::world::Cx;

/// The state whose presentations are searched unless another is asked for.
const USUAL_STATE: &str = "PresentationSent";

/// A side of a presentation, as every operation returns it. Members are in the agent's order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    presentation_id: String,
    thid: String,
    role: PresentationRole,
    status: PresentationState,
    proofs: [Value; 0],
    data: Vec<String>,
    request_data: [String; 1],
    connection_id: String,
    meta_retries: i64,
}

/// What a request holds: written as text into the answer.
#[derive(Serialize)]
struct RequestData<'a> {
    options: Options<'a>,
    presentation_definition: Definition<'a>,
}

#[derive(Serialize)]
struct Options<'a> {
    challenge: &'a str,
    domain: &'a str,
}

#[derive(Serialize)]
struct Definition<'a> {
    id: &'a str,
    input_descriptors: [Value; 0],
    name: (),
    purpose: (),
    format: (),
}

fn view(presentation: Presentation) -> Result<View, Error> {
    let request = RequestData {
        options: Options { challenge: &presentation.challenge, domain: &presentation.domain },
        presentation_definition: Definition {
            id: &presentation.definition,
            input_descriptors: [],
            name: (),
            purpose: (),
            format: (),
        },
    };
    let request = serde_json::to_string(&request).map_err(|_| Error::from(crate::http::Problem::Internal))?;
    Ok(View {
        presentation_id: presentation.id,
        thid: presentation.thid,
        role: presentation.role,
        status: presentation.state,
        proofs: [],
        data: presentation.proof.into_iter().collect(),
        request_data: [request],
        connection_id: presentation.connection,
        meta_retries: presentation.retries,
    })
}

/// A presentation that was found, with what it shows where that is asked for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Found {
    presentation_id: String,
    thid: String,
    proof: Option<String>,
    claim: Option<Map<String, Value>>,
}

/// `GET /api/v1/proof/presentations`: lists the wallet's presentations, oldest first.
///
/// 200; with `thid` (the text `null` counts as none) those of one thread, with `status` those in this state.
pub(super) fn list(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let thid = query(req, "thid").filter(|thid| thid != "null");
    let presentations = store::presentations::list(cx.db, &caller.wallet, thid.as_deref(), query(req, "status").as_deref())?;
    answer::read(cx, presentations.into_iter().map(view).collect::<Result<Vec<_>, _>>()?)
}

/// `GET /api/v1/proof/presentation/match/{type}`: the first presentation that was asked for with this challenge.
///
/// 200, with proof and claims when the state asked for is `PresentationSent`; 404 when there is no presentation at all, none matches, or
/// none of those that do shows a credential of this type.
pub(super) fn find(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let status = query(req, "status").unwrap_or_else(|| USUAL_STATE.to_owned());
    let found = matching(cx, &caller.wallet, &param(req, "type")?, &status)?;
    answer::read(cx, found)
}

/// As [`find`] with the usual state.
pub(super) fn sent(cx: &Cx<'_>, wallet: &str, claim_type: &str) -> Result<Found, Error> {
    matching(cx, wallet, claim_type, USUAL_STATE)
}

fn matching(cx: &Cx<'_>, wallet: &str, claim_type: &str, status: &str) -> Result<Found, Error> {
    let refuse = |message: String| Err(Error::handler(StatusCode::NOT_FOUND, message));
    let candidates = store::presentations::with_challenge(cx.db, wallet, claim_type, status)?;
    if candidates.is_empty() {
        return if store::presentations::has_any(cx.db, wallet)? {
            refuse(format!("No matching presentation for this proof request (type: {claim_type})"))
        } else {
            refuse(format!("No presentation request received so far{}", for_first_did(cx, wallet)?))
        };
    }
    for found in candidates {
        if status != USUAL_STATE {
            return Ok(Found { presentation_id: found.id, thid: found.thid, proof: None, claim: None });
        }
        let claim = found.proof.as_deref().and_then(credential::presented_claims);
        if claim.as_ref().and_then(super::js::claim_type).as_deref() == Some(claim_type) {
            return Ok(Found { presentation_id: found.id, thid: found.thid, proof: found.proof, claim });
        }
    }
    refuse(format!("All proofs have expired for this proof type ({claim_type})"))
}

/// `POST /api/v1/proof/presentation`: the verifier asks for a proof.
///
/// 201 with the verifier's side in `RequestPending`; the agent's errors of [`presenting::request`].
pub(super) fn create(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let requested = presenting::request_of(cx, &caller.wallet, &Body::of(req)?, "challenge")?;
    Ok(answer::created(view(requested)?))
}

/// `POST /api/v1/proof/presentation/accept`: the prover answers with a credential.
///
/// 201 with the prover's side in `PresentationPending`; the agent's errors of [`presenting::accept`].
pub(super) fn accept(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let body = Body::of(req)?;
    let named = |field: &str| body.text(field).unwrap_or_else(|| "null".to_owned());
    let accepted = presenting::accept(cx, &caller.wallet, &named("presentationId"), &named("recordId"))?;
    Ok(answer::created(view(accepted)?))
}

/// `PATCH /api/v1/proof/presentation/{id}`: the verifier takes a proof as good.
///
/// 200 with the verifier's side in `PresentationAccepted`; the agent's errors of [`presenting::conclude`].
pub(super) fn conclude(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let concluded = presenting::conclude(cx, &caller.wallet, &param(req, "id")?)?;
    Ok(answer::changed(view(concluded)?))
}
