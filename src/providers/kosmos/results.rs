//! What a back end is told about a session.

use http::StatusCode;
use serde::Serialize;

use super::creation::Basis;
use super::documents::{self, Document, LiveId, Metadata, RawData, SUMMARY};
use super::endpoint::{Call, Endpoint};
use super::error::Error;
use super::fields::Checks;
use super::lifecycle;
use super::steering;
use super::store;
use super::store::sessions::{self, Session};
use super::types::{DocumentType, Level, Outcome, Status, reason};
use crate::http::{Reply, Req};
use crate::world::Cx;

const RESULT: Endpoint = Endpoint::licensed(&[Level::System, Level::Service], &[200, 400, 401, 403, 500]);
const FRONT: Endpoint = Endpoint::licensed(&[Level::System, Level::Service, Level::ServiceExt], &[200, 400, 401, 403, 404, 500]);

/// Answer of all operations that read a result.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'a> {
    response_status: &'a str,
    session_id: &'a str,
    #[serde(rename = "dl_object", skip_serializing_if = "Option::is_none")]
    licence: Option<Document>,
    #[serde(rename = "ppt_object", skip_serializing_if = "Option::is_none")]
    passport: Option<Document>,
    #[serde(rename = "idcard_object", skip_serializing_if = "Option::is_none")]
    id_card: Option<Document>,
    #[serde(rename = "liveid_object", skip_serializing_if = "Option::is_none")]
    live_id_object: Option<LiveId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(rename = "raw_data", skip_serializing_if = "Option::is_none")]
    raw: Option<RawData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_info: Option<ErrorInfo>,
    #[serde(flatten)]
    v3: Option<ViewV3<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<&'a str>,
}

/// What version 3 adds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ViewV3<'a> {
    session_status: &'a str,
    session_result: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    live_id: Option<LiveId>,
}

/// Why there is no pass.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorInfo {
    reason_code: &'static str,
    message: &'static str,
}

/// What the caller wants to know.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the request's own")]
struct Wanted {
    metadata: bool,
    v3: bool,
    always_assets: bool,
    granular: bool,
}

/// `POST /idproofingapi/document_share_session/result`: the state of a session, and what was read from the document.
///
/// 200 with it; 400 for a field that is missing or wrong, and for an unknown session or dvcID; 401 without credentials; 403 for a
/// license that may not.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    RESULT.answer(cx, req, |cx, call| {
        let body = call.body()?;
        let mut checks = Checks::default();
        let basis = Basis::read(cx, &mut checks, &body)?;
        let session_id = checks.text(&body, "sessionId");
        let metadata = checks.optional_flag(&body, "includeMetadata").unwrap_or(false);
        let v3 = checks.optional_text(&body, "apiVersion").as_deref() == Some("v3");
        let always_assets = checks.optional_flag(&body, "alwaysReturnAssets").unwrap_or(false);
        let granular = checks.optional_flag(&body, "granularStatus").unwrap_or(false);
        checks.done()?;
        call.permit()?;
        if basis.is_none() {
            return Err(call.missing("dvcID not found"));
        }
        answer(cx, call, &session_id, &Wanted { metadata, v3, always_assets, granular })
    })
}

/// `POST /docuverify/document_share_session/result`: the same of a session of a configuration.
///
/// 200 with it; 400 for a field that is missing or wrong; 401 without credentials; 403 for a license that may not; 404 for an
/// unknown session or dvcID.
pub(super) fn get_at_front(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    at_front(cx, req, &Wanted::default())
}

/// `POST /docuverify/v3/document_share_session/result`: the same in the form of version 3.
///
/// 200, 400, 401, 403 and 404 as before.
pub(super) fn get_v3_at_front(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    at_front(cx, req, &Wanted { v3: true, ..Wanted::default() })
}

fn at_front(cx: &mut Cx<'_>, req: &Req, wanted: &Wanted) -> Result<Reply, Error> {
    FRONT.answer(cx, req, |cx, call| {
        let body = call.body()?;
        let mut checks = Checks::default();
        let dvc_id = checks.text(&body, "dvcID");
        let session_id = checks.text(&body, "sessionId");
        checks.done()?;
        call.permit()?;
        store::configuration(cx.db, &dvc_id)?.ok_or_else(|| Error::new(StatusCode::NOT_FOUND, "dvcID not found"))?;
        answer(cx, call, &session_id, wanted)
    })
}

fn answer(cx: &mut Cx<'_>, call: &Call<'_>, session_id: &str, wanted: &Wanted) -> Result<Reply, Error> {
    let mut session = sessions::session(cx.db, session_id)?.ok_or_else(|| call.missing("Session not found"))?;
    if let Some(auto) = steering::auto(&session.dvc_id) {
        lifecycle::advance(cx, &mut session, auto)?;
    }
    let assets = assets_due(&session, wanted.always_assets);
    let mut view = View {
        response_status: response_status(&session, wanted.granular),
        session_id,
        licence: None,
        passport: None,
        id_card: None,
        live_id_object: None,
        token: None,
        raw: None,
        metadata: None,
        error_info: None,
        v3: None,
        public_key: None,
    };
    if wanted.v3 {
        let (session_status, session_result) = v3_status(&session, wanted.granular);
        view.v3 = Some(ViewV3 { session_status, session_result, document: None, live_id: None });
    }
    if assets {
        add_assets(cx, call, &session, &mut view)?;
    }
    if wanted.metadata {
        view.metadata = Some(if assets { documents::session_metadata(&session) } else { Metadata::default() });
    }
    if session.status == Status::Completed {
        view.error_info = session
            .reason
            .as_deref()
            .and_then(reason)
            .map(|reason| ErrorInfo { reason_code: reason.code, message: reason.message });
    }
    if !call.seals(cx)? {
        view.public_key = Some(&call.keys.public);
    }
    let reply = call.reply(cx, &view)?;
    if assets && session.config.flag("pii_retention_off") {
        lifecycle::forget(cx, &mut session)?;
    }
    Ok(reply)
}

/// Whether the document and what goes with it are shown.
fn assets_due(session: &Session, always: bool) -> bool {
    let due = match session.result {
        Some(Outcome::Pass) => true,
        Some(Outcome::Failed | Outcome::Review) => always,
        Some(Outcome::NotPerformed) => always && session.captured,
        None => false,
    };
    due && session.status == Status::Completed && !session.assets_deleted
}

fn add_assets(cx: &mut Cx<'_>, call: &Call<'_>, session: &Session, view: &mut View<'_>) -> Result<(), Error> {
    let document = documents::document(cx, call.req, session)?;
    match session.document_type {
        DocumentType::Licence => view.licence = Some(document),
        DocumentType::Passport => view.passport = Some(document),
        DocumentType::IdCard => view.id_card = Some(document),
    }
    let selfie = session.config.wants_selfie();
    if selfie {
        view.live_id_object = Some(documents::live_id(cx.db, session)?);
    }
    if let Some(v3) = &mut view.v3 {
        v3.document = Some(documents::document(cx, call.req, session)?.in_v3());
        v3.live_id = if selfie { Some(documents::live_id(cx.db, session)?) } else { None };
    }
    let summary = sessions::certificates(cx.db, &session.id)?.into_iter().find(|certified| certified.kind == SUMMARY);
    if let Some(summary) = summary {
        view.token = Some(documents::session_certificate(cx, call, session, &summary)?.into_token());
    }
    if session.config.flag("returnRawData") {
        view.raw = Some(documents::session_raw(session, session.result.unwrap_or(Outcome::Review)));
    }
    Ok(())
}

/// `responseStatus`: a pending session passes for one in progress unless the caller wants to know.
pub(super) fn response_status(session: &Session, granular: bool) -> &'static str {
    match (session.status, session.result) {
        (Status::Pending, _) if !granular => Status::InProgress.name(),
        (Status::Completed, Some(outcome)) => outcome.response(),
        (status, _) => status.name(),
    }
}

fn v3_status(session: &Session, granular: bool) -> (&'static str, Option<&'static str>) {
    match session.status {
        Status::Pending if granular => (Status::Pending.name(), None),
        Status::Pending | Status::InProgress => (Status::InProgress.name(), None),
        Status::Completed => (Status::Completed.name(), session.result.map(Outcome::session_result)),
        over => (over.name(), Some(over.name())),
    }
}
