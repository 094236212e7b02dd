//! A session as the capture app sees and moves it.

use http::StatusCode;
use serde::Serialize;

use super::documents::{Certificate, session_certificate};
use super::endpoint::{Call, Endpoint, done};
use super::error::Error;
use super::lifecycle::{self, Actor};
use super::store::sessions::{self, Event, Session};
use super::types::{DocumentType, Outcome, Status, User};
use crate::http::{Reply, Req};
use crate::world::Cx;

/// A session as the capture app sees it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'a> {
    status: Status,
    user: &'a User,
    id: &'a str,
    document_type: DocumentType,
    license: Option<&'a str>,
    selfie_capture_mode: &'a str,
    workflow_id: Option<&'a str>,
    wf_instance_id: Option<&'a str>,
    use_bucket: bool,
    use_high_resolution_images: bool,
    bypass_config: Vec<&'a serde_json::Value>,
    auto_detect_timeout: Number,
    post_timeout_capture_mode: &'a str,
    auto_capture_countdown_seconds: Option<Number>,
    auto_capture_countdown_visible: Option<bool>,
}

/// A number that is written as it was given.
type Number = serde_json::Number;

/// A session's record.
#[derive(Serialize)]
struct Record<'a> {
    _id: &'a str,
    id: &'a str,
    url: String,
    #[serde(rename = "tenantDNS")]
    tenant_dns: &'a str,
    #[serde(rename = "tenantId")]
    tenant_id: &'a str,
    #[serde(rename = "communityName")]
    community_name: &'a str,
    #[serde(rename = "communityId")]
    community_id: &'a str,
    #[serde(rename = "documentType")]
    document_type: DocumentType,
    status: Status,
    did: Option<&'a str>,
    #[serde(rename = "dvcID")]
    dvc_id: &'a str,
    #[serde(rename = "expiryTS")]
    expiry: i64,
    #[serde(rename = "createdTS")]
    created: i64,
    #[serde(rename = "startedTS", skip_serializing_if = "Option::is_none")]
    started: Option<i64>,
    #[serde(rename = "abandonedTS", skip_serializing_if = "Option::is_none")]
    abandoned: Option<i64>,
    #[serde(rename = "completedTS", skip_serializing_if = "Option::is_none")]
    completed: Option<i64>,
    #[serde(rename = "resultStatus")]
    result: Option<Outcome>,
    user: &'a User,
    history: Vec<HistoryEntry>,
    #[serde(rename = "session-result")]
    certificates: Vec<Certificate>,
}

/// What happened in a session.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryEntry {
    activity: String,
    ip_address: String,
    user_agent: Option<String>,
    screen_name: Option<String>,
    ts: i64,
}

impl From<Event> for HistoryEntry {
    fn from(event: Event) -> Self {
        let Event { activity, ip_address, user_agent, screen_name, at, .. } = event;
        Self { activity, ip_address, user_agent, screen_name, ts: at.timestamp_millis() }
    }
}

/// Answer of `completeSession`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Completion {
    completion_status: &'static str,
}

/// Answer of `declineSession`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declined<'a> {
    status: Status,
    user: &'a User,
    id: &'a str,
    document_type: DocumentType,
}

const GET: Endpoint = Endpoint::signed(&[200, 400, 500]);
const COMPLETE: Endpoint = Endpoint::signed(&[200, 400, 401, 500]);
const DECLINE: Endpoint = Endpoint::signed(&[200, 400, 401, 500]);
const RETRY: Endpoint = Endpoint::signed(&[200, 400, 500]);
const CANCEL_RETRY: Endpoint = Endpoint::signed(&[200, 400, 500]);
const START: Endpoint = Endpoint::signed(&[200, 400, 401, 500]);
const VALIDATE: Endpoint = Endpoint::signed(&[200, 400, 401, 500]);

/// `GET /idproofingapi/proofingsession/{sessionId}`: the session, in whatever state.
///
/// 200 with it; 400 without credentials and for an unknown session.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    GET.answer(cx, req, |cx, call| {
        let session = lifecycle::find(cx, call)?;
        call.reply(cx, &view(&session))
    })
}

/// `GET /idproofingapi/proofingsession/{sessionId}/validate`: the session, if its address can still be used.
///
/// 200 with it while it is pending or in progress; 400 afterwards and for an unknown session; 401 without credentials.
pub(super) fn validate(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    VALIDATE.answer(cx, req, |cx, call| {
        let session = lifecycle::find(cx, call)?;
        match session.status {
            Status::Pending | Status::InProgress => call.reply(cx, &view(&session)),
            status => Err(call.wrong_state(status)),
        }
    })
}

/// `GET /idproofingapi/proofingsession/{sessionId}/start`: the person begins, and the address is used.
///
/// 200 with the record; 400 when it is not pending or unknown; 401 without credentials.
pub(super) fn start(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    START.answer(cx, req, |cx, call| {
        let mut session = lifecycle::find(cx, call)?;
        match session.status {
            Status::Pending => lifecycle::start(cx, &mut session, &Actor::of(req))?,
            Status::InProgress if cx.setting("start_idempotent")? => {}
            Status::InProgress => return Err(Error::bad("Session url is already used")),
            status => return Err(call.wrong_state(status)),
        }
        let record = record(cx, call, &session)?;
        call.reply_data(cx, &record)
    })
}

/// `GET /idproofingapi/proofingsession/{sessionId}/complete`: how the session ended; a failed attempt that could be repeated
/// ends it.
///
/// 200 with the outcome; 400 when captures are missing, in every other state and for an unknown session; 401 without credentials.
pub(super) fn complete(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    COMPLETE.answer(cx, req, |cx, call| {
        let mut session = lifecycle::find(cx, call)?;
        match session.status {
            Status::Completed => {}
            Status::InProgress if session.awaiting_retry => lifecycle::give_up(cx, &mut session)?,
            Status::InProgress if lifecycle::is_captured(cx, &session)? => return Err(Error::bad("Verification is in progress")),
            Status::InProgress => return Err(Error::bad("Required documents are not submitted")),
            status => return Err(call.wrong_state(status)),
        }
        let completion_status = session.result.map_or("", Outcome::completion);
        call.reply(cx, &Completion { completion_status })
    })
}

/// `GET /idproofingapi/proofingsession/{sessionId}/decline`: the person declines.
///
/// 200, also when they did before; 400 when the session is over otherwise or unknown; 401 without credentials.
pub(super) fn decline(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    DECLINE.answer(cx, req, |cx, call| {
        let mut session = lifecycle::find(cx, call)?;
        match session.status {
            Status::Pending | Status::InProgress => lifecycle::decline(cx, &mut session, &Actor::of(req))?,
            Status::Declined => {}
            status => return Err(call.wrong_state(status)),
        }
        let Session { status, user, id, document_type, .. } = &session;
        call.reply(cx, &Declined { status: *status, user, id, document_type: *document_type })
    })
}

/// `GET /idproofingapi/proofingsession/{sessionId}/retry`: another attempt after a failed one.
///
/// 200 without a body; 400 when there is none to be had, for an unknown session and without credentials.
pub(super) fn retry(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    RETRY.answer(cx, req, |cx, call| {
        let mut session = lifecycle::find(cx, call)?;
        let available =
            session.status == Status::InProgress && session.awaiting_retry && session.retries < session.config.max_retries();
        if !available {
            return Err(Error::bad("Retry is not available"));
        }
        lifecycle::retry(cx, &mut session, &Actor::of(req))?;
        Ok(done())
    })
}

/// `GET /idproofingapi/proofingsession/{sessionId}/retry/cancel`: no other attempt after a failed one.
///
/// 200 without a body; 400 when none is awaited, for an unknown session and without credentials.
pub(super) fn cancel_retry(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    CANCEL_RETRY.answer(cx, req, |cx, call| {
        let mut session = lifecycle::find(cx, call)?;
        if session.status != Status::InProgress || !session.awaiting_retry {
            return Err(Error::new(StatusCode::BAD_REQUEST, "There is no retry to cancel"));
        }
        lifecycle::cancel_retry(cx, &mut session, &Actor::of(req))?;
        Ok(done())
    })
}

fn view(session: &Session) -> View<'_> {
    let config = &session.config;
    let workflow = |name: &str| session.workflow_metadata.as_ref().and_then(|metadata| metadata.get(name)?.as_str());
    let number = |name: &str| config.0.get(name).and_then(|value| value.as_number().cloned());
    View {
        status: session.status,
        user: &session.user,
        id: &session.id,
        document_type: session.document_type,
        license: session.connector_license.as_deref(),
        selfie_capture_mode: config.text("selfieCaptureMode").unwrap_or("auto"),
        workflow_id: workflow("workflowId"),
        wf_instance_id: workflow("wfInstanceId"),
        use_bucket: config.high_resolution(),
        use_high_resolution_images: config.high_resolution(),
        bypass_config: config.0.get("bypassConfig").and_then(|value| value.as_array()).into_iter().flatten().collect(),
        auto_detect_timeout: number("autoDetectTimeout").unwrap_or_else(|| 40.into()),
        post_timeout_capture_mode: config.text("postTimeoutCaptureMode").unwrap_or("none"),
        auto_capture_countdown_seconds: number("autoCaptureCountdownSeconds"),
        auto_capture_countdown_visible: config.0.get("autoCaptureCountdownVisible").and_then(serde_json::Value::as_bool),
    }
}

fn record<'a>(cx: &mut Cx<'_>, call: &Call<'_>, session: &'a Session) -> Result<Record<'a>, Error> {
    let history = sessions::history(cx.db, &session.id)?.into_iter().map(HistoryEntry::from).collect();
    Ok(Record {
        _id: &session.document_id,
        id: &session.id,
        url: url(call.req, &session.id),
        tenant_dns: &session.tenant_dns,
        tenant_id: &session.tenant_id,
        community_name: &session.community_name,
        community_id: &session.community_id,
        document_type: session.document_type,
        status: session.status,
        did: session.did.as_deref(),
        dvc_id: &session.dvc_id,
        expiry: session.expires.timestamp_millis(),
        created: session.created.timestamp_millis(),
        started: session.started.map(|at| at.timestamp_millis()),
        abandoned: session.abandoned.map(|at| at.timestamp_millis()),
        completed: session.completed.map(|at| at.timestamp_millis()),
        result: session.result,
        user: &session.user,
        history,
        certificates: certificates(cx, call, session)?,
    })
}

/// The certificates of a session, made for the caller.
pub(super) fn certificates(cx: &mut Cx<'_>, call: &Call<'_>, session: &Session) -> Result<Vec<Certificate>, Error> {
    let certified = sessions::certificates(cx.db, &session.id)?;
    certified.iter().map(|certified| session_certificate(cx, call, session, certified)).collect()
}

/// The address of a session's page.
pub(super) fn url(req: &Req, id: &str) -> String {
    req.links.url("api", &format!("/idproofing/session/{id}"))
}
