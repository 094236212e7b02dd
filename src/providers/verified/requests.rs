//! Asking whether a person holds credentials, and reading what was shared.

use chrono::TimeDelta;
use http::StatusCode;
use serde::Serialize;

use super::credential::{Credential, Dto, Place};
use super::error::Error;
use super::identifier::{self, Contact};
use super::partner::{self, Referral};
use super::store::{self, credentials, flows};
use super::types::{CredentialRequest, Flow};
use super::{auth, body, matching, wallet};
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// How long shared data can be read, from its first reading.
pub(super) const ACCESS: TimeDelta = TimeDelta::minutes(5);

/// Heading of the consent page when the brand gives none.
pub(super) const DEFAULT_DESCRIPTION: &str = "Please share the following information:";

/// The answer to `/hasMatchingCredentials`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Match {
    #[serde(rename = "match")]
    is_match: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// `POST /hasMatchingCredentials`: whether a person holds what the caller (or the partner that it names) asks for.
///
/// 201 with `match` and, if so, the address of the consent page; 400 without an identifier, with a wrong one, or with requests that
/// are missing or wrong. A person or a partner that is unknown is no match.
pub(super) fn has_matching(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let body = body::object(req)?;
    let contact = Contact::read(&body)?;
    let description = identifier::text(&body, "description")?.unwrap_or(DEFAULT_DESCRIPTION);
    let partner_uuid = identifier::text(&body, "partnerUuid")?;
    let requests = match partner_uuid {
        Some(_) => Vec::new(),
        None => CredentialRequest::list(body.get("credentialRequests"))?,
    };
    let miss = || Ok(reply::json(StatusCode::CREATED, &Match { is_match: false, request_id: None, url: None }));
    let Some(user) = contact.user(cx)? else { return miss() };
    let held = credentials::of_user(cx.db, &user, None)?;
    let hit = match partner_uuid {
        Some(partner) => {
            let asked =
                store::brand(cx.db, &partner.to_lowercase())?.and_then(|partner| partner.partner_requests).unwrap_or_default();
            let answers = |credential: &&Credential| {
                let alone = std::slice::from_ref(*credential);
                asked.iter().any(|request| !matching::candidates(request, alone, cx.now).is_empty())
            };
            let scope = held.iter().filter(answers).map(|credential| credential.id.clone()).collect();
            let (issuer, contact, user) = (&caller, &contact, user.as_str());
            let referral = Referral { issuer, partner, contact, user, scope, description, tracking_id: None };
            partner::offer(cx, req, referral)?.map(|offer| (offer.id, offer.url))
        }
        None if matching::satisfies(&requests, &held, cx.now) => {
            let id = cx.rng.uuid().to_string();
            let flow = Flow {
                brand: caller.uuid.clone(),
                user: Some(user),
                ..Flow::matching(id.clone(), contact.clone(), requests, description)
            };
            flows::insert_flow(cx.db, &flow)?;
            let url = wallet::request_url(req, &id, &contact);
            Some((id, url))
        }
        None => None,
    };
    match hit {
        Some((id, url)) => Ok(reply::json(StatusCode::CREATED, &Match { is_match: true, request_id: Some(id), url: Some(url) })),
        None => miss(),
    }
}

/// The answer with shared credentials.
#[derive(Serialize)]
struct SharedCredentials<'a> {
    uuid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    credentials: Vec<Dto<'a>>,
}

/// `GET /sharedCredentials/{uuid}`: reads what a person shared with the caller.
///
/// 200 with it, for five minutes from the first reading; 404 afterwards, and when it is unknown or another brand's.
pub(super) fn get_shared(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let shared = flows::shared(cx.db, &req.param("uuid").to_lowercase())?.filter(|shared| shared.brand == caller.uuid);
    let shared = shared.ok_or_else(|| Error::NotFound("Shared credentials not found.".to_owned()))?;
    if !shared.is_read {
        flows::mark_shared_read(cx.db, &shared.uuid)?;
        cx.set_timer("sharedAccessExpires", &shared.uuid, cx.now + ACCESS)?;
    }
    let wire = cx.setting("wire")?;
    let answer = SharedCredentials {
        uuid: &shared.uuid,
        email: shared.email.as_deref(),
        phone: shared.phone.as_deref(),
        credentials: Dto::list(&shared.credentials, Place::Shared, wire),
    };
    Ok(reply::json(StatusCode::OK, &answer))
}

/// The answer with a brand's predefined requests.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PartnerRequests<'a> {
    credential_requests: &'a [CredentialRequest],
}

/// `GET /credentialRequests/{partnerUuid}`: what a brand asks for as a partner. Every brand may read it.
///
/// 200 with its requests; 404 for an unknown brand, or one that defined none.
pub(super) fn get_partner_requests(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::caller(cx, req)?;
    let partner = store::brand(cx.db, &req.param("partnerUuid").to_lowercase())?;
    let requests =
        partner.and_then(|partner| partner.partner_requests).ok_or_else(|| Error::NotFound("Brand not found.".to_owned()))?;
    Ok(reply::json(StatusCode::OK, &PartnerRequests { credential_requests: &requests }))
}
