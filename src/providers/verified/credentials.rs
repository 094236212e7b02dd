//! Issuing, reading and changing credentials.

use std::collections::BTreeSet;

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::credential::{Credential, Data, Dto, Place};
use super::draft::{Draft, Issuance, bad_expiration, expiration, known_type};
use super::error::Error;
use super::identifier::{self, Contact};
use super::partner::{self, Referral};
use super::requests::DEFAULT_DESCRIPTION;
use super::store::credentials::Held;
use super::store::{self, credentials, ids};
use super::types::Wire;
use super::{auth, body};
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// The answer to issuing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Issued<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking_id: Option<&'a str>,
    credentials: Vec<Dto<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

/// `POST /credentials`: issues credentials to a person, all or none.
///
/// 201 with the credentials in the order of the request, and with `url` where a partner is named, is linked, and finds what it asks
/// for; 400 for a missing or wrong field or a schema that is not met; 409 when a top-level `id` is taken, by whichever brand, or
/// stands twice in the request.
pub(super) fn issue(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let mut body = body::object(req)?;
    let elements = body.remove("credentials");
    let contact = Contact::read(&body)?;
    let tracking_id = identifier::text(&body, "trackingId")?;
    let partner_uuid = identifier::text(&body, "partnerUuid")?;
    let elements = match elements {
        Some(Value::Array(list)) if !list.is_empty() => list,
        _ => return Err(Error::bad("credentials is required")),
    };
    let drafts: Vec<Draft> = elements
        .into_iter()
        .enumerate()
        .map(|(at, element)| Draft::read(element, &format_args!("credentials[{at}]")))
        .collect::<Result<_, _>>()?;

    let mut taken = BTreeSet::new();
    for id in drafts.iter().filter_map(|draft| draft.id.as_ref()) {
        if !taken.insert(id.clone()) || credentials::exists(cx.db, id)? {
            return Err(Error::IdTaken(id.clone()));
        }
    }
    let user = contact.known_user(cx)?;
    let of = Issuance { issuer: &caller.uuid, now: cx.now };
    let mut issued = Vec::with_capacity(drafts.len());
    for mut draft in drafts {
        let row = credentials::next_row(cx.db)?;
        let mut own = Some(draft.id.take().unwrap_or_else(|| ids::fresh(&mut cx.rng, row)));
        // A part's own id is used if it is free, and replaced otherwise; clients repeat a parent's id on its parts.
        let credential = draft.issue(of, &mut |id| match own.take() {
            Some(own) => Ok(own),
            None => match id {
                Some(id) if !taken.contains(&id) && !credentials::exists(cx.db, &id)? => {
                    taken.insert(id.clone());
                    Ok(id)
                }
                _ => Ok(ids::fresh(&mut cx.rng, row)),
            },
        })?;
        credentials::insert(cx.db, &credential, &user, None)?;
        issued.push(credential);
    }
    let url = match partner_uuid {
        Some(partner) => {
            let scope = issued.iter().map(|credential| credential.id.clone()).collect();
            let (issuer, contact, user, description) = (&caller, &contact, user.as_str(), DEFAULT_DESCRIPTION);
            let referral = Referral { issuer, partner, contact, user, scope, description, tracking_id };
            partner::offer(cx, req, referral)?.map(|offer| offer.url)
        }
        None => None,
    };
    let wire = cx.setting("wire")?;
    let answer = Issued {
        email: contact.email.as_deref(),
        phone: contact.phone.as_deref(),
        tracking_id,
        credentials: Dto::list(&issued, Place::Issued, wire),
        url,
    };
    Ok(reply::json(StatusCode::CREATED, &answer))
}

/// `GET /credentials/{id}`: reads a credential that the caller issued, or a part of one.
///
/// 200 with it; 404 when it is unknown or another brand's.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let id = req.param("id").to_lowercase();
    let held = own(cx, &caller.uuid, &id)?;
    let wire = cx.setting("wire")?;
    if wire == Wire::Seed && held.is_whole(&id) {
        return Ok(reply::body(StatusCode::OK, reply::JSON, held.document));
    }
    let whole = held.credential()?;
    let credential = whole.find(&id).ok_or_else(unknown)?;
    Ok(reply::json(StatusCode::OK, &Dto { credential, place: Place::Stored, wire }))
}

/// `PATCH /credentials/{id}`: changes data, expiration or status of a credential that the caller issued, or of a part of one.
///
/// 200 with it; 400 for a wrong status or expiration, or data against the schema; 404 when it is unknown or another brand's.
pub(super) fn patch(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let id = req.param("id").to_lowercase();
    let held = own(cx, &caller.uuid, &id)?;
    let mut whole = held.credential()?;
    let before = whole.ids();
    let credential = whole.find_mut(&id).ok_or_else(unknown)?;
    let mut body = body::object(req)?;
    let status = body::status(&body)?;
    let expires = match body.get("expirationDate") {
        None => credential.expires,
        given => expiration(given).ok_or_else(|| bad_expiration(&"credential"))?,
    };
    let data = body.remove("data").filter(|data| !data.is_null());
    let draft = data.map(|data| Draft::of(known_type(&credential.kind)?, data, &"credential")).transpose()?;

    if status.is_some() || draft.is_some() || body.contains_key("expirationDate") {
        credential.updated = cx.now;
        credential.expires = expires;
        if let Some(draft) = draft {
            credential.data = replaced(cx, held.seq, credential, draft)?;
        }
        if let Some(status) = status {
            credential.set_status(status, cx.now);
        }
        credentials::update(cx.db, held.seq, &whole, &before)?;
    }
    let credential = whole.find(&id).ok_or_else(unknown)?;
    let wire = cx.setting("wire")?;
    Ok(reply::json(StatusCode::OK, &Dto { credential, place: Place::Changed, wire }))
}

fn unknown() -> Error {
    Error::NotFound("Credential not found.".to_owned())
}

/// The only credential that may have this id (in lower case), or a part with it.
fn own(cx: &Cx<'_>, issuer: &str, id: &str) -> Result<Held, Error> {
    credentials::issued(cx.db, id, Some(issuer))?.ok_or_else(unknown)
}

/// New data for a credential. A part of a type that was there before keeps its id, and when it was created.
fn replaced(cx: &mut Cx<'_>, row: i64, credential: &Credential, draft: Draft) -> Result<Data, Error> {
    let of = Issuance { issuer: &credential.issuer, now: cx.now };
    let fresh = draft.issue(of, &mut |_| Ok(ids::fresh(&mut cx.rng, row)))?;
    Ok(with_old_ids(fresh.data, credential.children()))
}

fn with_old_ids(data: Data, before: &[Credential]) -> Data {
    let Data::Children(children) = data else { return data };
    let keep = |child: Credential| match before.iter().find(|before| before.kind == child.kind) {
        Some(before) => Credential {
            id: before.id.clone(),
            created: before.created,
            issued: before.issued,
            status: before.status,
            data: with_old_ids(child.data, before.children()),
            ..child
        },
        None => child,
    };
    // Two parts of one type cannot both keep the one id.
    let mut kept: Vec<Credential> = Vec::new();
    for child in children {
        let is_second = kept.iter().any(|earlier| earlier.kind == child.kind);
        kept.push(if is_second { child } else { keep(child) });
    }
    Data::Children(kept)
}

/// The answer with a person's credentials.
#[derive(Serialize)]
struct UserCredentials<'a> {
    credentials: Vec<Dto<'a>>,
}

/// `GET /userCredentials/{userIdentifier}`: all that the caller issued to a person, revoked and expired ones included.
///
/// 200 with a list in which parts of composites stand once more on their own, empty for a person who is unknown; 400 for a path that
/// is neither a mail address nor a phone number.
pub(super) fn list_of_user(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let user = user_of_path(cx, req)?;
    user_credentials(cx, user.as_deref(), &caller.uuid)
}

/// `PATCH /userCredentials/{userIdentifier}`: gives all that the caller issued to a person one status.
///
/// 200 with all of it, as in reading; 400 for a missing or wrong status, or a path as in reading.
pub(super) fn patch_of_user(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let user = user_of_path(cx, req)?;
    let body = body::object(req)?;
    let status = body::status(&body)?.ok_or_else(|| Error::bad("status is required"))?;
    if let Some(user) = &user {
        credentials::set_status_of_user(cx.db, user, &caller.uuid, status, cx.now)?;
    }
    user_credentials(cx, user.as_deref(), &caller.uuid)
}

fn user_of_path(cx: &Cx<'_>, req: &Req) -> Result<Option<String>, Error> {
    let text = req.param("userIdentifier");
    let identifier = identifier::Identifier::read(&text);
    let identifier = identifier.ok_or_else(|| Error::bad("userIdentifier must be an email or phone number"))?;
    Ok(store::user(cx.db, identifier.key())?)
}

fn user_credentials(cx: &Cx<'_>, user: Option<&str>, issuer: &str) -> Result<Reply, Error> {
    let wire = cx.setting("wire")?;
    let whole = match user {
        Some(user) => credentials::of_user(cx.db, user, Some(issuer))?,
        None => Vec::new(),
    };
    let mut flat = Vec::new();
    let mut add = |credential| flat.push(Dto { credential, place: Place::Stored, wire });
    whole.iter().for_each(|credential| credential.each(&mut add));
    Ok(reply::json(StatusCode::OK, &UserCredentials { credentials: flat }))
}
