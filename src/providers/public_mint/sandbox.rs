//! The sandbox: where no KYC provider is connected, the partner says what one decides. Production has no such operations.

use chrono::TimeDelta;
use http::StatusCode;

use super::auth;
use super::body::{self, Object, Sent};
use super::error::Error;
use super::field_errors::{FieldError, FieldErrors};
use super::formats;
use super::kyc::{self, Decision, MANUAL_REVIEW};
use super::store;
use super::types::{App, Message};
use super::{DECISION_TIMER, PRODUCTION};
use crate::http::{Problem, Reply, Req, reply};
use crate::world::Cx;

/// `POST /sandbox/identities/approve`: has every KYC provider approve an identity, named by id, by e-mail address or by both.
///
/// 200 with a message; 400 `validation_failed`; 404 `identity_not_found`, also when the two names disagree.
pub(super) fn approve(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    decide(cx, req, Decision::Approve)?;
    Ok(reply::json(StatusCode::OK, &Message { message: "Identity sent to approval" }))
}

/// `POST /sandbox/identities/reject`: has every KYC provider reject an identity, for the given reasons or for a manual review.
///
/// 200 with a message; 400 `validation_failed`; 404 `identity_not_found`, also when the two names disagree.
pub(super) fn reject(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    decide(cx, req, Decision::Reject)?;
    Ok(reply::json(StatusCode::OK, &Message { message: "Identity sent to rejection" }))
}

/// Who is meant, and why.
#[derive(Debug)]
struct Order {
    identity_id: Option<String>,
    email: Option<String>,
    exceptions: Vec<String>,
}

fn decide(cx: &mut Cx<'_>, req: &Req, decision: Decision) -> Result<(), Error> {
    if req.links.real.is_some_and(|(_, environment)| environment == PRODUCTION) {
        return Err(Problem::NoRoute.into());
    }
    let app = auth::caller(cx, req)?;
    let Order { identity_id, email, exceptions } = read(req, decision)?;
    let number = find(cx, &app, identity_id.as_deref(), email.as_deref())?.ok_or(Error::IdentityNotFound)?;
    let stored = store::identity(cx.db, number)?.ok_or(Error::IdentityNotFound)?;
    let delay_ms: i64 = cx.setting("sandboxDelayMs")?;
    if delay_ms > 0 {
        let id = &stored.identity.id;
        store::set_decision(cx.db, id, decision, &exceptions)?;
        cx.set_timer(DECISION_TIMER, id, cx.now + TimeDelta::milliseconds(delay_ms))?;
    } else {
        kyc::decide(cx, &stored, decision, &exceptions)?;
    }
    Ok(())
}

/// The row of the one identity that both names mean.
fn find(cx: &Cx<'_>, app: &App, id: Option<&str>, email: Option<&str>) -> rusqlite::Result<Option<i64>> {
    let by_id = id.map(|id| store::number(cx.db, &app.id, id)).transpose()?;
    let by_email = email.map(|email| store::number_by_email(cx.db, &app.id, email)).transpose()?;
    Ok(match (by_id, by_email) {
        (Some(by_id), Some(by_email)) => by_id.filter(|number| Some(*number) == by_email),
        (found, None) | (None, found) => found.flatten(),
    })
}

fn read(req: &Req, decision: Decision) -> Result<Order, Error> {
    let body = body::object(req)?;
    let mut errors = FieldErrors::default();
    let root = Object::root(&body);
    let known: &[&str] = match decision {
        Decision::Approve => &["email", "identityId"],
        Decision::Reject => &["email", "exceptions", "identityId"],
    };
    root.refuse_others(known, &mut errors);
    let id = name(&root, "identityId", &mut errors);
    let id = root.format("identityId", id, "uuid", formats::uuid, &mut errors);
    let email = name(&root, "email", &mut errors);
    if matches!((&id, &email), (Sent::Absent, Sent::Absent)) {
        errors.add("identityId", FieldError::required());
    }
    let exceptions = match decision {
        Decision::Approve => None,
        Decision::Reject => exceptions(&root, &mut errors),
    };
    errors.check()?;
    Ok(Order {
        identity_id: id.value(),
        email: email.value().map(str::to_owned),
        exceptions: exceptions.unwrap_or_else(|| vec![MANUAL_REVIEW.to_owned()]),
    })
}

/// A string; null is of the wrong type.
fn name<'a>(root: &Object<'a>, name: &str, errors: &mut FieldErrors) -> Sent<&'a str> {
    let sent = root.string(name, errors);
    if sent == Sent::Null {
        errors.add(name, FieldError::invalid_type("string"));
        return Sent::Wrong;
    }
    sent
}

/// The reasons of a rejection; none when there are none, or wrong ones.
fn exceptions(root: &Object<'_>, errors: &mut FieldErrors) -> Option<Vec<String>> {
    let items = match root.array("exceptions", errors) {
        Sent::Null => {
            errors.add("exceptions", FieldError::invalid_type("array"));
            return None;
        }
        sent => sent.value()?,
    };
    let mut reasons = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let path = format!("exceptions[{at}]");
        match item.as_str() {
            None => errors.add(path, FieldError::invalid_type("string")),
            Some(text) if text.trim().is_empty() => errors.add(path, FieldError::not_blank()),
            Some(text) => reasons.push(text.to_owned()),
        }
    }
    Some(reasons)
}

/// The decision that an identity was waiting for is made; nothing happens when the identity was deleted meanwhile.
pub(super) fn decide_now(cx: &Cx<'_>, identity_id: &str) -> rusqlite::Result<()> {
    let Some((decision, exceptions)) = store::take_decision(cx.db, identity_id)? else { return Ok(()) };
    let Some(number) = store::number_in_any_app(cx.db, identity_id)? else { return Ok(()) };
    let Some(stored) = store::identity(cx.db, number)? else { return Ok(()) };
    kyc::decide(cx, &stored, decision, &exceptions)
}
