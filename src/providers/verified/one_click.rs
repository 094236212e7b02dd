//! 1-Click: a phone number in, a person's data out.

use chrono::TimeDelta;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::credential::Credential;
use super::entity::OneClickEntity;
use super::error::{Error, OneClickError};
use super::formats::AllFormats;
use super::identifier::{self, is_phone};
use super::profile::{NoSubscriber, Subscriber};
use super::requests::ACCESS;
use super::store::{self, credentials, flows};
use super::types::{Brand, Caller, CredentialRequest, Flow, FlowState, OneClick, OneClickState};
use super::{auth, body, day, matching, redirect, sourcing, wallet};
use crate::http::wire::uri_component;
use crate::http::{Reply, Req, reply};
use crate::world::Cx;
use crate::world::outbox::{Channel, Message};

/// How long code and short link hold.
pub(super) const CODE_LIFE: TimeDelta = TimeDelta::minutes(5);

/// How long a hosted flow can be finished.
const FLOW_LIFE: TimeDelta = TimeDelta::minutes(30);

/// What the message to the person holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Verification {
    OnlyLink,
    #[default]
    OnlyCode,
    Both,
}

/// What both kinds of 1-Click are asked with.
struct Asked {
    phone: String,
    email: Option<String>,
    /// As a credential holds it.
    birth_date: Option<String>,
    requests: Vec<CredentialRequest>,
}

impl Asked {
    fn read(body: &Map<String, Value>, brand: &Brand) -> Result<Self, Error> {
        let phone = body.get("phone").and_then(Value::as_str).ok_or(OneClickError::PhoneRequired)?;
        if !is_phone(phone) {
            return Err(OneClickError::UnsupportedPhone.into());
        }
        let email = identifier::email(body)?;
        let birth_date = match body.get("birthDate") {
            None | Some(Value::Null) => None,
            Some(value) => {
                let day = value.as_str().and_then(day::read_iso).and_then(day::to_millis);
                Some(day.ok_or_else(|| Error::bad("birthDate must be in YYYY-MM-DD format"))?)
            }
        };
        let requests = match body.get("credentialRequests") {
            None | Some(Value::Null) => brand.default_requests.clone().unwrap_or_else(CredentialRequest::defaults),
            given => CredentialRequest::list(given)?,
        };
        Ok(Self { phone: phone.to_owned(), email, birth_date, requests })
    }

    /// 400 when the owner's birth date must be right, and is not.
    fn check_birth_date(&self, subscriber: &Subscriber) -> Result<(), Error> {
        let is_wrong = |birth_date: &String| subscriber.is_strict && !subscriber.was_born(birth_date);
        if self.birth_date.as_ref().is_some_and(is_wrong) { Err(OneClickError::BirthDateMismatch.into()) } else { Ok(()) }
    }

    /// All that the network knows of the person: mock data, then credentials that brands issued.
    fn known(&self, cx: &mut Cx<'_>, subscriber: &Subscriber) -> Result<(Option<String>, Vec<Credential>), Error> {
        let user = store::user(cx.db, &self.phone)?;
        let mut known = subscriber.credentials(cx);
        if let Some(user) = &user {
            known.extend(credentials::of_user(cx.db, user, None)?);
        }
        Ok((user, known))
    }
}

/// The answer to starting a 1-Click.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(rename = "match")]
    is_match: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sms_body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<String>,
}

/// `POST /1-click`: starts a 1-Click and sends the person a message.
///
/// 201 with `match` and, if so, the wallet's address and the message; 400 for a missing or wrong field, `OCE002` and `OCE003` about
/// the phone, `OCE011` and `OCE012` about the birth date. A number that is not served, or lacks what must be there, is no match.
pub(super) fn create(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let caller = calling_brand(cx, &caller)?;
    let body = body::object(req)?;
    let asked = Asked::read(&body, &caller)?;
    let verification = match identifier::text(&body, "verificationOptions")? {
        None | Some("only_code") => Verification::OnlyCode,
        Some("only_link") => Verification::OnlyLink,
        Some("both_link_and_code") => Verification::Both,
        Some(_) => return Err(Error::bad("verificationOptions must be one of only_link, only_code, both_link_and_code")),
    };
    let (title, description) = content(&body)?;
    let redirect_url = identifier::text(&body, "redirectUrl")?.map(str::to_owned);
    if redirect_url.as_deref().is_some_and(|url| !redirect::is_possible(url)) {
        return Err(Error::bad("redirectUrl must be an absolute URL"));
    }
    let is_hosted = match body.get("isHosted") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(hosted)) => *hosted,
        Some(_) => return Err(Error::bad("isHosted must be a boolean")),
    };
    if !is_hosted && asked.birth_date.is_none() {
        return Err(OneClickError::BirthDateRequired.into());
    }
    let miss = || Ok(reply::json(StatusCode::CREATED, &Started::default()));
    let Ok(subscriber) = Subscriber::find(cx, &asked.phone)? else { return miss() };
    asked.check_birth_date(&subscriber)?;
    let (user, known) = asked.known(cx, &subscriber)?;
    if !matching::all_binding(&asked.requests, &known, cx.now) {
        return miss();
    }

    let uuid = cx.rng.uuid().to_string();
    let id = if is_hosted { cx.rng.uuid().to_string() } else { uuid.clone() };
    let code = wallet::new_code(cx)?;
    let link = (verification != Verification::OnlyCode).then(|| cx.rng.uuid().to_string());
    let flow = Flow {
        brand: caller.uuid.clone(),
        one_click: Some(uuid.clone()),
        user,
        phone: Some(asked.phone.clone()),
        email: asked.email.clone(),
        is_hosted,
        title,
        redirect_url,
        needs_identity: subscriber.is_strict && asked.birth_date.is_none(),
        code: Some(code.clone()),
        link: link.clone(),
        ..Flow::matching(id, identifier::Contact::default(), asked.requests, &description)
    };
    let one_click = OneClick {
        uuid: uuid.clone(),
        brand: caller.uuid,
        phone: asked.phone,
        email: asked.email,
        state: OneClickState::Created,
        phone_verified: false,
        shared: None,
        is_read: false,
        is_closed: false,
    };
    flows::insert_one_click(cx.db, &one_click)?;
    flows::insert_flow(cx.db, &flow)?;
    cx.set_timer("codeExpires", &flow.id, cx.now + CODE_LIFE)?;
    if is_hosted {
        cx.set_timer("flowExpires", &flow.id, cx.now + FLOW_LIFE)?;
    }
    let link = link.map(|link| req.links.url("wallet", &format!("/mt/{link}")));
    let sms_body = sms_body(&caller.receiver_name, verification, link.as_deref(), &code);
    let sent_code = (verification != Verification::OnlyLink).then_some(code.as_str());
    cx.send(&Message { channel: Channel::Sms, to: &one_click.phone, body: &sms_body, code: sent_code, link: link.as_deref() })?;

    let url = match (is_hosted, verification) {
        (true, _) => Some(req.links.url("wallet", &format!("/request/{}", flow.id))),
        (false, Verification::OnlyLink) => None,
        (false, _) => Some(req.links.url("wallet", &non_hosted_path(&one_click.phone, &uuid))),
    };
    let uuid = (!is_hosted).then_some(uuid);
    Ok(reply::json(StatusCode::CREATED, &Started { url, is_match: true, sms_body: Some(sms_body), uuid }))
}

/// All of the brand that calls.
fn calling_brand(cx: &Cx<'_>, caller: &Caller) -> Result<Brand, Error> {
    store::brand(cx.db, &caller.uuid)?.ok_or(Error::NotAuthenticated)
}

fn content(body: &Map<String, Value>) -> Result<(String, String), Error> {
    let content = match body.get("content") {
        None | Some(Value::Null) => &Map::new(),
        Some(Value::Object(content)) => content,
        Some(_) => return Err(Error::bad("content must be an object")),
    };
    let title = match content.get("title") {
        None | Some(Value::Null) => "Signup",
        Some(Value::String(title)) if matches!(title.as_str(), "Signup" | "Verify" | "Apply" | "Login" | "Access") => title,
        Some(_) => return Err(Error::bad("content.title must be one of Signup, Verify, Apply, Login, Access")),
    };
    let description = match content.get("description") {
        None | Some(Value::Null) => "Make sure everything is correct:",
        Some(Value::String(description)) => description,
        Some(_) => return Err(Error::bad("content.description must be a string")),
    };
    Ok((title.to_owned(), description.to_owned()))
}

fn sms_body(brand: &str, verification: Verification, link: Option<&str>, code: &str) -> String {
    let code = wallet::hyphenated(code);
    let link = link.unwrap_or_default();
    match verification {
        Verification::OnlyLink => format!("Click this link to verify for {brand}: {link}"),
        Verification::OnlyCode => format!("Enter this code to verify for {brand}: {code}"),
        Verification::Both => format!("Click this link to verify for {brand}: {link} or enter this code: {code}"),
    }
}

fn non_hosted_path(phone: &str, uuid: &str) -> String {
    let phone = uri_component(phone);
    format!(
        "/signin/verify/generic?phone={phone}&phoneCarrier=true&requestId={uuid}&issuePhoneCarrierCredentials=false&isHosted=false"
    )
}

/// `POST /1-click/trusted`: the person's data at once, for a brand that has verified the phone itself.
///
/// 201 with the data, readable again for five minutes; 403 when it is not enabled for the brand; 400 for a missing or wrong field,
/// `OCE002`, `OCE003` about the phone, `OCE011`, `OCE012` about the birth date, `OCE013` when nothing is known, `OCE007` when
/// something is missing that must be there.
pub(super) fn create_trusted(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    if !caller.trusted {
        return Err(Error::Forbidden("Trusted 1-Click is not enabled for this brand"));
    }
    let body = body::object(req)?;
    let asked = Asked::read(&body, &calling_brand(cx, &caller)?)?;
    if asked.birth_date.is_none() {
        return Err(OneClickError::BirthDateRequired.into());
    }
    let subscriber = Subscriber::find(cx, &asked.phone)?.map_err(|reason| match reason {
        NoSubscriber::Unsupported => OneClickError::UnsupportedPhone,
        NoSubscriber::NoData => OneClickError::NoCredentials,
    })?;
    asked.check_birth_date(&subscriber)?;
    let (_, known) = asked.known(cx, &subscriber)?;
    if !matching::all_binding(&asked.requests, &known, cx.now) {
        return Err(OneClickError::MissingMandatory.into());
    }
    let shared = sourcing::first_of_each(&asked.requests, &known, cx.now);
    if shared.is_empty() {
        return Err(OneClickError::NoCredentials.into());
    }
    let one_click = OneClick {
        uuid: cx.rng.uuid().to_string(),
        brand: caller.uuid.clone(),
        phone: asked.phone,
        email: asked.email,
        state: OneClickState::SharedCredentials,
        phone_verified: false,
        shared: Some(shared),
        is_read: true,
        is_closed: false,
    };
    flows::insert_one_click(cx.db, &one_click)?;
    cx.set_timer("oneClickAccessExpires", &one_click.uuid, cx.now + ACCESS)?;
    let mut entity = entity(cx, &one_click)?;
    entity.uuid = Some(&one_click.uuid);
    Ok(reply::json(StatusCode::CREATED, &entity))
}

/// `GET /1-click/{uuid}`: the data that the person shared.
///
/// 200 with it, for five minutes from the first reading, or with the identifiers only after an opt-out; 404 `OCE015` in every other
/// case: unknown, another brand's, unfinished, or read more than five minutes ago.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let one_click = flows::one_click(cx.db, &req.param("uuid").to_lowercase())?;
    let is_readable = |one_click: &OneClick| {
        one_click.brand == caller.uuid
            && match one_click.state {
                OneClickState::Created => false,
                OneClickState::UserOptedOut => true,
                OneClickState::SharedCredentials => !one_click.is_closed,
            }
    };
    let one_click = one_click.filter(is_readable).ok_or(OneClickError::NotFound)?;
    if one_click.state == OneClickState::SharedCredentials && !one_click.is_read {
        flows::mark_one_click_read(cx.db, &one_click.uuid)?;
        cx.set_timer("oneClickAccessExpires", &one_click.uuid, cx.now + ACCESS)?;
    }
    Ok(reply::json(StatusCode::OK, &entity(cx, &one_click)?))
}

fn entity<'a>(cx: &Cx<'_>, one_click: &'a OneClick) -> Result<OneClickEntity<'a>, Error> {
    let formats = cx.setting::<AllFormats>("formats")?.of(&one_click.brand);
    Ok(OneClickEntity::of(one_click, &formats, cx.setting("wire")?))
}

/// Ends a flow's 1-Click with what the person shares, or (`None`) with an opt-out.
pub(super) fn finish(cx: &Cx<'_>, flow: &mut Flow, is_verified: bool, shared: Option<&[Credential]>) -> Result<(), Error> {
    let Some(uuid) = flow.one_click.clone() else { return Ok(()) };
    let (one_click_state, flow_state) = match shared {
        Some(_) => (OneClickState::SharedCredentials, FlowState::Shared),
        None => (OneClickState::UserOptedOut, FlowState::Declined),
    };
    flows::finish_one_click(cx.db, &uuid, one_click_state, is_verified, shared)?;
    flow.state = flow_state;
    flow.outcome = Some(uuid);
    Ok(())
}
