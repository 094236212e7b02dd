//! Institutions' requests for data, from making one to its decision, and the list of them.

use chrono::TimeDelta;
use http::StatusCode;

use super::store::people::{self, Policy};
use super::store::requests::{self, Cut, Filter, NewRequest, OrderBy, Request};
use super::types::{KycProvider, Pagination, ReqStatus, UserPage};
use super::{auth, contract_id, error::Error, query, store};
use crate::http::{Refusal, Reply, Req, reply};
use crate::world::Cx;

/// Timer: a user decides on a request by their policy. Its subject is the proposal.
pub(super) const DECIDED: &str = "requestDecided";

/// `GET /api/v1/institutions/me/users`: lists the institution's requests for data, with what it may see of the users.
///
/// 200 with a part of the list; 400 when `offset`, `limit`, `orderBy` or `orderType` is not right; 401, 403, 429.
pub(super) fn list(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::institution(cx, req, |cx, caller| {
        let cut = Cut {
            offset: query::offset(req)?,
            limit: query::limit(req)?.unwrap_or(query::DEFAULT_LIMIT),
            by: order_by(req)?,
            ascending: is_ascending(req)?,
        };
        let filter = Filter {
            statuses: query::list_as(req, "status", str::to_uppercase),
            req_statuses: query::list_as(req, "reqStatus", str::to_uppercase),
            kyc_statuses: query::list_as(req, "kycStatus", str::to_uppercase),
            search: query::text(req, "search").filter(|text| !text.trim().is_empty()).map(|text| text.to_lowercase()),
        };
        let (items, total) = requests::list(cx.db, caller.institution_id, &filter, cut)?;
        let total_count = requests::count_all(cx.db, caller.institution_id)?;
        let pagination = Pagination { offset: cut.offset, limit: cut.limit, total };
        Ok(reply::json(StatusCode::OK, &UserPage { items, pagination, total_count }))
    })
}

fn order_by(req: &Req) -> Result<OrderBy, Error> {
    let Some(name) = query::text(req, "orderBy") else { return Ok(OrderBy::Id) };
    let known = OrderBy::ALL.iter().find(|(known, _)| *known == name).map(|(_, by)| *by);
    known.ok_or_else(|| {
        let names: Vec<&str> = OrderBy::ALL.iter().map(|(name, _)| *name).collect();
        Error::invalid("orderBy", format!("orderBy must be one of: {}", names.join(", ")))
    })
}

fn is_ascending(req: &Req) -> Result<bool, Error> {
    match query::text(req, "orderType").map(|text| text.to_ascii_uppercase()).as_deref() {
        None | Some("DESC") => Ok(false),
        Some("ASC") => Ok(true),
        Some(_) => Err(Error::invalid("orderType", "orderType must be one of: ASC, DESC")),
    }
}

/// `POST /api/v1/institutions/me/credentials/request`: asks a user for access to their credentials of some providers.
///
/// 204, also for those that were asked for before and not refused; 400 when the body is no JSON object, or its `partyId` or
/// `providers` is not right; 404 when no user has the party; 401, 403, 429.
pub(super) fn request(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::institution(cx, req, |cx, caller| {
        let body = req.json_object()?;
        let party_id = query::required(&body, "partyId").ok_or_else(|| Error::invalid("partyId", "partyId is required"))?;
        let given = body.get("providers").and_then(serde_json::Value::as_array).filter(|given| !given.is_empty());
        let given = given.ok_or_else(|| Error::invalid("providers", "providers must be a non-empty array"))?;
        let mut providers = Vec::new();
        for name in given {
            let provider = name.as_str().and_then(KycProvider::of_account).ok_or_else(unknown_provider)?;
            if !providers.contains(&provider) {
                providers.push(provider);
            }
        }
        let user = people::by_party(cx.db, party_id)?.ok_or(Error::NotFound("User"))?;
        for provider in providers {
            if requests::is_live(cx.db, caller.institution_id, user.id, provider)? {
                continue;
            }
            let proposal_id = contract_id(cx);
            requests::insert(
                cx.db,
                &NewRequest {
                    id: None,
                    institution_id: caller.institution_id,
                    user: &user,
                    provider,
                    proposal_id: &proposal_id,
                    state: ReqStatus::Pending,
                    created_at: cx.now,
                },
            )?;
            store::settle(cx.db, user.id, provider)?;
            if user.policy != Policy::Manual {
                cx.set_timer(DECIDED, &proposal_id, cx.now + TimeDelta::seconds(user.policy_delay_s))?;
            }
        }
        Ok(reply::empty(StatusCode::NO_CONTENT))
    })
}

fn unknown_provider() -> Error {
    let names = KycProvider::ACCOUNTS.map(KycProvider::name).join(", ");
    Error::invalid("providers", format!("providers must contain only: {names}"))
}

/// What a user decides on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Decision {
    /// Grants what is asked for.
    Approve,
    /// Refuses it.
    Reject,
    /// Withdraws what was granted.
    Revoke,
}

/// A user decides on a request; refused where its state does not allow the decision.
pub(super) fn decide(cx: &Cx<'_>, proposal_id: &str, decision: Decision) -> Result<(), Refusal> {
    let request = requests::by_proposal(cx.db, proposal_id)?
        .ok_or_else(|| Refusal::NotFound(format!("there is no request with the proposal {proposal_id:?}")))?;
    let (needed, state) = match decision {
        Decision::Approve => (ReqStatus::Pending, ReqStatus::Approved),
        Decision::Reject => (ReqStatus::Pending, ReqStatus::Rejected),
        Decision::Revoke => (ReqStatus::Approved, ReqStatus::Revoked),
    };
    if request.state != needed {
        let (is, needed) = (format!("{:?}", request.state).to_lowercase(), format!("{needed:?}").to_lowercase());
        return Err(Refusal::Conflict(format!("the request is {is}; this needs one that is {needed}")));
    }
    cx.cancel_timer(DECIDED, proposal_id)?;
    settle_as(cx, &request, state)?;
    Ok(())
}

/// A user decides on a request by their policy, if it is still pending.
pub(super) fn decide_by_policy(cx: &Cx<'_>, proposal_id: &str) -> rusqlite::Result<()> {
    let Some(request) = requests::by_proposal(cx.db, proposal_id)?.filter(|request| request.state == ReqStatus::Pending) else {
        return Ok(());
    };
    let policy = people::by_id(cx.db, request.user_id)?.map_or(Policy::Manual, |user| user.policy);
    match policy {
        Policy::Manual => Ok(()),
        Policy::AutoApprove => settle_as(cx, &request, ReqStatus::Approved),
        Policy::AutoReject => settle_as(cx, &request, ReqStatus::Rejected),
    }
}

fn settle_as(cx: &Cx<'_>, request: &Request, state: ReqStatus) -> rusqlite::Result<()> {
    if let Some(user) = people::by_id(cx.db, request.user_id)? {
        requests::set_state(cx.db, request.id, &user, state)?;
        store::settle(cx.db, request.user_id, request.provider)?;
    }
    Ok(())
}
