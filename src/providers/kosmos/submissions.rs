//! What the capture app submits: documents, liveness captures, events, and that there will be no images.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::endpoint::{Call, Endpoint, done};
use super::error::Error;
use super::fields::{Checks, Object, not_one_of};
use super::lifecycle::{self, Actor};
use super::store::resources::{bucket, object};
use super::store::sessions::{self, Capture, Session};
use super::types::Status;
use crate::http::{Reply, Req};
use crate::world::Cx;

const V1: Endpoint = Endpoint::signed(&[200, 400, 401, 403, 500]);
const V2: Endpoint = Endpoint::signed(&[200, 400, 401, 403, 500]);
const V3: Endpoint = Endpoint::signed(&[200, 400, 401, 403, 500]);
const VERIFICATION: Endpoint = Endpoint::signed(&[200, 400, 401, 403, 500]);
const EVENT: Endpoint = Endpoint::signed(&[200, 400, 401, 500]);
const CANCEL: Endpoint = Endpoint::signed(&[200, 400, 401, 404, 405, 500, 501]);

/// Captures beside the document.
const VERIFICATIONS: &[&str] = &["document_liveness_front", "document_liveness_back", "selfie_liveness"];

/// Answer of `cancelUpload`.
#[derive(Serialize)]
struct Cancelled {
    status: Status,
}

/// How the sides of a document come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// With their images.
    Images,
    /// With the names of images that were uploaded.
    Names,
}

/// One side of a document.
#[derive(Default)]
struct Side {
    image: Option<String>,
    face: Option<String>,
    names: Vec<String>,
}

/// Both sides of a document.
struct Document {
    front: Side,
    back: Option<Side>,
}

/// `POST /idproofingapi/proofingsession/{sessionId}/submit/document`: the document, with or without its images.
///
/// 200 without a body; 400 for a wrong body and an unknown session; 401 without credentials; 403 when the session does not go on.
pub(super) fn document(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    V1.answer(cx, req, |cx, call| {
        let body = call.body()?;
        let has_sides = body.contains_key("document_front") || body.contains_key("document_back");
        let by_name = ["document_front", "document_back"]
            .iter()
            .any(|side| body.get(*side).and_then(Value::as_object).is_some_and(|side| side.contains_key("imageNames")));
        let document = if has_sides {
            read(&body, if by_name { Form::Names } else { Form::Images })?
        } else {
            Document { front: Side::default(), back: Some(Side::default()) }
        };
        submit(cx, call, &document)
    })
}

/// `POST /idproofingapi/proofingsession/{sessionId}/v2/submit/document`: the document, with its images.
///
/// 200, 400, 401 and 403 as before.
pub(super) fn document_v2(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    V2.answer(cx, req, |cx, call| {
        let body = call.body()?;
        submit(cx, call, &read(&body, Form::Images)?)
    })
}

/// `POST /idproofingapi/proofingsession/{sessionId}/v3/submit/document`: the document, whose images were uploaded.
///
/// 200, 400, 401 and 403 as before; 400 too for an image that was not uploaded.
pub(super) fn document_v3(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    V3.answer(cx, req, |cx, call| {
        let body = call.body()?;
        submit(cx, call, &read(&body, Form::Names)?)
    })
}

fn read(body: &Object, form: Form) -> Result<Document, Error> {
    let mut checks = Checks::default();
    let front = checks.object(body, "document_front").map(|front| side(&mut checks, front, form, "document_front_"));
    let back = checks.optional_object(body, "document_back").map(|back| side(&mut checks, back, form, "document_back_"));
    checks.optional_choice(body, "fallbackCaptureMode", &["manual", "auto"]);
    checks.done()?;
    Ok(Document { front: front.unwrap_or_default(), back })
}

fn side(checks: &mut Checks, object: &Object, form: Form, prefix: &str) -> Side {
    checks.optional_object(object, "result");
    match form {
        Form::Images => {
            if object.get("images").is_none_or(Value::is_null) {
                checks.mistake("images is required");
            }
            images(checks, object)
        }
        Form::Names => {
            let names = checks.texts(object, "imageNames").unwrap_or_else(|| {
                if object.get("imageNames").is_none_or(Value::is_null) {
                    checks.mistake("imageNames is required");
                }
                Vec::new()
            });
            let known: Vec<&str> = super::uploads::IMAGES.iter().copied().filter(|name| name.starts_with(prefix)).collect();
            if names.iter().any(|name| !known.contains(&name.as_str())) {
                checks.mistake(not_one_of("imageNames", &known));
            }
            Side { names, ..Side::default() }
        }
    }
}

/// `images`: an object, or a list whose first member is the image.
fn images(checks: &mut Checks, object: &Object) -> Side {
    if object.get("images").is_some_and(Value::is_array) {
        let list = checks.texts(object, "images").unwrap_or_default();
        return Side { image: list.into_iter().next().filter(|image| !image.is_empty()), ..Side::default() };
    }
    let Some(images) = checks.optional_object(object, "images") else { return Side::default() };
    for name in ["cropped", "imageBarcode"] {
        checks.optional_text(images, name);
    }
    let mut image = |name| checks.optional_text(images, name).filter(|image| !image.is_empty());
    Side { image: image("image"), face: image("face"), names: Vec::new() }
}

fn submit(cx: &mut Cx<'_>, call: &Call<'_>, document: &Document) -> Result<Reply, Error> {
    let mut session = lifecycle::find_in_progress(cx, call)?;
    refuse_while_awaiting_retry(&session)?;
    let needs_back = session.document_type.has_back() && session.config.checks().any(|check| check == "document_liveness_back");
    if needs_back && document.back.is_none() {
        return Err(Error::bad("document_back is required"));
    }
    let nothing = Side::default();
    let back = document.back.as_ref().unwrap_or(&nothing);
    lifecycle::require_uploaded(cx, &session, &document.front.names)?;
    lifecycle::require_uploaded(cx, &session, &back.names)?;
    let uploaded = |side: &Side, wanted: &[&str]| first_uploaded(cx, &session, &side.names, wanted);
    let capture = Capture {
        front: or(
            document.front.image.clone(),
            uploaded(&document.front, &["document_front_image", "document_front_image_compressed"])?,
        ),
        back: or(back.image.clone(), uploaded(back, &["document_back_image", "document_back_image_compressed"])?),
        face: or(document.front.face.clone(), uploaded(&document.front, &["document_front_face"])?),
    };
    submit_document(cx, &mut session, &capture)?;
    Ok(done())
}

/// Keeps a document and goes on with it.
pub(super) fn submit_document(cx: &mut Cx<'_>, session: &mut Session, capture: &Capture) -> Result<(), Error> {
    sessions::put_capture(cx.db, &session.id, "document", capture)?;
    lifecycle::submitted(cx, session)
}

/// Keeps a capture beside the document and goes on with it.
pub(super) fn submit_verification(cx: &mut Cx<'_>, session: &mut Session, name: &str, capture: &Capture) -> Result<(), Error> {
    sessions::put_capture(cx.db, &session.id, name, capture)?;
    lifecycle::submitted(cx, session)
}

fn or(image: Option<String>, other: Option<String>) -> Option<String> {
    image.or(other)
}

/// The first of the wanted objects that was named and uploaded, in base64.
fn first_uploaded(cx: &Cx<'_>, session: &Session, names: &[String], wanted: &[&str]) -> Result<Option<String>, Error> {
    let Some(name) = wanted.iter().find(|wanted| names.iter().any(|name| name == *wanted)) else { return Ok(None) };
    Ok(object(cx.db, &session.id, name)?.map(|bytes| STANDARD.encode(bytes)))
}

fn refuse_while_awaiting_retry(session: &Session) -> Result<(), Error> {
    if session.awaiting_retry { Err(Error::bad("Session is awaiting retry")) } else { Ok(()) }
}

/// `POST /idproofingapi/proofingsession/{sessionId}/submit/verification/{verificationName}`: a capture beside the document.
///
/// 200 without a body; 400 for an unknown name, a wrong body and an unknown session; 401 without credentials; 403 when the session
/// does not go on.
pub(super) fn verification(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    VERIFICATION.answer(cx, req, |cx, call| {
        let body = call.body()?;
        let name = req.param("verificationName");
        if !VERIFICATIONS.contains(&name.as_ref()) {
            return Err(Error::bad(not_one_of("verificationName", VERIFICATIONS)));
        }
        let mut checks = Checks::default();
        checks.optional_object(&body, "result");
        let side = images(&mut checks, &body);
        let names = checks.texts(&body, "imageNames");
        let given = |key: &str| body.get(key).is_some_and(|value| !value.is_null());
        if name == "selfie_liveness" && !given("images") && !given("imageNames") {
            checks.mistake("images is required");
        }
        let event = checks.optional_object(&body, "event").and_then(|event| {
            let screen = checks.optional_text(event, "screen_name");
            Some((checks.optional_text(event, "event_name")?, screen))
        });
        checks.done()?;
        let mut session = lifecycle::find_in_progress(cx, call)?;
        refuse_while_awaiting_retry(&session)?;
        let names = names.unwrap_or_default();
        lifecycle::require_uploaded(cx, &session, &names)?;
        if let Some((activity, screen)) = event {
            sessions::add_event(cx.db, &session.id, &Actor::of(req).does(cx, &activity, screen))?;
        }
        let uploaded = first_uploaded(cx, &session, &names, &["selfie_liveness_image"])?;
        let capture = Capture { front: or(side.image, uploaded), back: None, face: side.face };
        submit_verification(cx, &mut session, &name, &capture)?;
        Ok(done())
    })
}

/// `POST /idproofingapi/proofingsession/{sessionId}/submit/event/{eventName}`: something happened on the person's screen.
///
/// 200 without a body, in every state; 400 for a wrong name, a wrong body and an unknown session; 401 without credentials.
pub(super) fn event(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    EVENT.answer(cx, req, |cx, call| {
        let body = call.data(true)?;
        let name = req.param("eventName");
        let mut checks = Checks::default();
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
        if !(1..=100).contains(&name.len()) || !name.chars().all(allowed) {
            checks.mistake("eventName must be 1 to 100 of the characters A-Z, a-z, 0-9, _, . and -");
        }
        let screen = checks.text(&body, "screen_name");
        let status = body.get("status");
        match status {
            Some(Value::String(_) | Value::Bool(_)) => {}
            Some(_) => checks.mistake(not_one_of("status", &["string", "boolean"])),
            None => checks.mistake("status is required"),
        }
        let error = checks.any_text(&body, "error");
        checks.done()?;
        let session = lifecycle::find(cx, call)?;
        let mut event = Actor::of(req).does(cx, &name, Some(screen));
        event.status = status.cloned();
        event.error = Some(error);
        sessions::add_event(cx.db, &session.id, &event)?;
        Ok(done())
    })
}

/// `POST /idproofingapi/proofingsession/{sessionId}/upload/cancel`: there will be no images, and the session ends.
///
/// 200 with its state; 400 for a wrong body and when the session does not go on; 401 without credentials; 404 for an unknown
/// session; 405 when its images are not uploaded anyway; 501 when its bucket is not one of AWS.
pub(super) fn cancel(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    CANCEL.answer(cx, req, |cx, call| {
        let body = call.body()?;
        let mut checks = Checks::default();
        let screen = checks.optional_text(&body, "screenName");
        checks.done()?;
        let mut session = lifecycle::find(cx, call)?;
        if !session.config.high_resolution() {
            return Err(Error::new(StatusCode::METHOD_NOT_ALLOWED, "High resolution images are not enabled"));
        }
        let bucket = bucket(cx.db, &session.tenant_id, &session.community_id)?;
        if !bucket.is_some_and(|bucket| bucket.enabled && bucket.kind == "aws") {
            return Err(Error::new(StatusCode::NOT_IMPLEMENTED, "Bucket configuration is not supported"));
        }
        if session.status != Status::InProgress {
            return Err(call.wrong_state(session.status));
        }
        lifecycle::cancel_upload(cx, &mut session, screen, &Actor::of(req))?;
        call.reply_data(cx, &Cancelled { status: session.status })
    })
}
