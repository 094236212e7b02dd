//! Links that prove to anybody what a credential is worth at the moment.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde_json::Value;

use super::auth::Caller;
use super::credentials::Ages;
use super::store::credentials::{self, Contract};
use super::types::{
    BatchError, BatchResult, BatchResults, Colour, ContractState, Freshness, VerificationLink, VerificationReport,
    VerificationStatus,
};
use super::{auth, error, error::Error, query};
use crate::http::wire::to_rfc3339_millis;
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// Timer: a link's life ends. Its subject is the token.
pub(super) const LINK_EXPIRES: &str = "linkExpires";

/// How long a link lives unless the setting says otherwise, in seconds.
const LINK_LIFETIME_S: i64 = 900;

/// The most items that a batch may have.
const MAX_BATCH: usize = 100;

/// `POST /api/v1/verification/generate-link`: makes a link that shows a credential to anybody.
///
/// 200 with the link; 400 when the body is no JSON object or has no `contractId`; 404 when there is no such credential, or the
/// institution has no approved request for it; 401, 403, 429.
pub(super) fn generate(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::institution(cx, req, |cx, caller| {
        let body = req.json_object()?;
        let contract_id =
            query::required(&body, "contractId").ok_or_else(|| Error::invalid("contractId", "contractId is required"))?;
        let link = make(cx, req, caller, contract_id)?;
        Ok(reply::json(StatusCode::OK, &link))
    })
}

/// `POST /api/v1/verification/generate-links-batch`: makes a link for each of up to 100 credentials.
///
/// 200 with a result for each, be it an error; 400 when the body is no JSON object, `requests` is no array or too long, or one of
/// its items has no `contractId`, and then no link is made; 401, 403, 429.
pub(super) fn generate_batch(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::institution(cx, req, |cx, caller| {
        let body = req.json_object()?;
        let requests = body.get("requests").and_then(Value::as_array);
        let requests = requests.ok_or_else(|| Error::invalid("requests", "requests must be an array"))?;
        if requests.len() > MAX_BATCH {
            return Err(Error::invalid("requests", format!("Maximum {MAX_BATCH} requests per batch")));
        }
        let mut contract_ids = Vec::with_capacity(requests.len());
        for (index, item) in requests.iter().enumerate() {
            let contract_id = item.as_object().and_then(|item| query::required(item, "contractId"));
            let field = || format!("requests[{index}].contractId");
            contract_ids.push(contract_id.ok_or_else(|| Error::invalid(field(), format!("{} is required", field())))?);
        }
        let mut results = Vec::with_capacity(contract_ids.len());
        for contract_id in contract_ids {
            let (result, refusal) = match make(cx, req, caller, contract_id) {
                Ok(link) => (Some(link), None),
                Err(error @ (Error::Store(_) | Error::Internal(_))) => return Err(error),
                Err(refusal) => (None, Some(BatchError { message: refusal.to_string(), code: error::class(&refusal).1 })),
            };
            results.push(BatchResult { contract_id: contract_id.to_owned(), result, error: refusal });
        }
        Ok(reply::json(StatusCode::OK, &BatchResults { results }))
    })
}

fn make(cx: &mut Cx<'_>, req: &Req, caller: &Caller, contract_id: &str) -> Result<VerificationLink, Error> {
    if !credentials::may_link(cx.db, caller.institution_id, contract_id)? {
        return Err(Error::NotFound("Credential"));
    }
    let token = URL_SAFE_NO_PAD.encode(cx.rng.bytes::<32>());
    let lifetime_s = cx.setting::<Option<i64>>("link_lifetime_s")?.unwrap_or(LINK_LIFETIME_S);
    credentials::insert_link(cx.db, &token, contract_id)?;
    cx.set_timer(LINK_EXPIRES, &token, cx.now + TimeDelta::seconds(lifetime_s))?;
    Ok(VerificationLink { verification_url: req.links.url("api", &format!("/verify/{token}")), token })
}

/// `GET /api/v1/verification/check/{token}`: what the credential behind a link is worth now. For anybody: no access token is asked
/// for, and one that is sent makes no difference.
///
/// 200 with the report; 404 when no living link has the token; 429.
pub(super) fn check(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::anybody(cx, req, |cx| {
        let report = report(cx, &req.param("token"))?.ok_or(Error::NoLink)?;
        Ok(reply::json(StatusCode::OK, &report))
    })
}

/// What the credential behind a link is worth now; none when no living link has the token.
pub(super) fn report(cx: &Cx<'_>, token: &str) -> rusqlite::Result<Option<VerificationReport>> {
    let Some(contract_id) = credentials::linked(cx.db, token)? else { return Ok(None) };
    let Some(contract) = credentials::by_id(cx.db, &contract_id)? else { return Ok(Some(GONE)) };
    Ok(Some(of(contract, Ages::of(cx)?, cx.now)))
}

/// The report on a credential that no longer exists.
const GONE: VerificationReport = VerificationReport {
    status: VerificationStatus::NotFound,
    color: Colour::Red,
    contract_id: None,
    issued_at: None,
    expired_at: None,
    is_active: false,
    is_archived: false,
    is_superseded: false,
    is_revoked: false,
    message: Some(Cow::Borrowed("Credential not found")),
    kyc_provider: None,
    credential_data: None,
};

fn of(contract: Contract, ages: Ages, now: DateTime<Utc>) -> VerificationReport {
    let said = Cow::Borrowed;
    let (status, color, message): (_, _, Option<Cow<'static, str>>) = match (contract.state, contract.is_expired) {
        (ContractState::Revoked, _) => (VerificationStatus::Revoked, Colour::Red, Some(said("Credential has been revoked"))),
        (ContractState::Superseded, _) => {
            (VerificationStatus::Archived, Colour::Red, Some(said("Credential has been superseded by a newer one")))
        }
        (ContractState::Archived, _) => (VerificationStatus::Archived, Colour::Red, Some(said("Credential has been archived"))),
        (ContractState::Active, true) => (VerificationStatus::Expired, Colour::Red, Some(said("Credential has expired"))),
        (ContractState::Active, false) => match ages.freshness(contract.issued_at, now) {
            Freshness::Fresh => (VerificationStatus::Strong, Colour::Green, None),
            Freshness::Moderate => (VerificationStatus::Moderate, Colour::Amber, Some(verified_over(ages.moderate))),
            Freshness::Stale | Freshness::Revoked => (VerificationStatus::Weak, Colour::Red, Some(verified_over(ages.stale))),
        },
    };
    let active = contract.state == ContractState::Active;
    VerificationReport {
        status,
        color,
        contract_id: Some(contract.contract_id),
        issued_at: Some(to_rfc3339_millis(contract.issued_at)),
        expired_at: Some(to_rfc3339_millis(contract.expires_at)),
        is_active: active && !contract.is_expired,
        is_archived: !active,
        is_superseded: contract.state == ContractState::Superseded,
        is_revoked: contract.state == ContractState::Revoked,
        message,
        kyc_provider: Some(contract.provider),
        credential_data: active.then_some(contract.metadata),
    }
}

fn verified_over(age: TimeDelta) -> Cow<'static, str> {
    Cow::Owned(format!("Credential was verified more than {} days ago", age.num_days()))
}
