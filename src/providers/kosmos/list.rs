//! Lists of sessions, with filters and pages.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Serialize;

use super::documents::Certificate;
use super::endpoint::{Call, Endpoint};
use super::error::Error;
use super::fields::{Checks, Object};
use super::sessions::certificates;
use super::store::sessions::{Filter, Session, list};
use super::types::{DOCUMENT_TYPES, DocumentType, Level, Outcome, Status, User};
use crate::http::{Reply, Req};
use crate::world::Cx;

const FETCH: Endpoint = Endpoint::licensed(&[Level::System, Level::Service], &[200, 400, 401, 500]);

/// States that a list can be narrowed to; the last three name an outcome too.
const STATUSES: &[&str] = &[
    "PENDING",
    "INPROGRESS",
    "EXPIRED",
    "ABANDONED",
    "COMPLETED",
    "DECLINED",
    "COMPLETED_PASS",
    "COMPLETED_FAILED",
    "COMPLETED_NOT_PERFORMED",
];

/// Outcomes that a list can be narrowed to.
const RECOMMENDATIONS: &[&str] = &["COMPLETED_PASS", "COMPLETED_FAILED", "COMPLETED_NOT_PERFORMED", "REVIEW"];

/// Answer of `fetchSessions`.
#[derive(Serialize)]
struct List<'a> {
    data: Vec<Item<'a>>,
    page: Page,
}

/// Where a list stands.
#[derive(Serialize)]
struct Page {
    index: i64,
    total: i64,
    size: usize,
}

/// A session in a list.
#[derive(Serialize)]
struct Item<'a> {
    _id: &'a str,
    id: &'a str,
    #[serde(rename = "dvcID")]
    dvc_id: &'a str,
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
    #[serde(rename = "expiryTS")]
    expiry: i64,
    #[serde(rename = "createdTS")]
    created: i64,
    user: ListedUser<'a>,
    #[serde(rename = "startedTS", skip_serializing_if = "Option::is_none")]
    started: Option<i64>,
    #[serde(rename = "completedTS", skip_serializing_if = "Option::is_none")]
    completed: Option<i64>,
    #[serde(rename = "resultStatus", skip_serializing_if = "Option::is_none")]
    result: Option<Outcome>,
    #[serde(rename = "session-result")]
    certificates: Vec<Certificate>,
}

/// A person, in the order of keys that lists have.
#[derive(Serialize)]
struct ListedUser<'a> {
    uid: Option<&'a str>,
    firstname: Option<&'a str>,
    lastname: Option<&'a str>,
    username: Option<&'a str>,
}

/// `POST /idproofingapi/proofingsession/fetch`: a page of the sessions of a tenant's community, newest first.
///
/// 200 with it; 400 for a field that is missing or wrong; 401 without credentials or for a license that may not.
pub(super) fn fetch(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    FETCH.answer(cx, req, |cx, call| {
        let body = call.data(false)?;
        let mut checks = Checks::default();
        let filter = filter(&mut checks, &body);
        let index = checks.count(&body, "pIndex", 0);
        let size = checks.count(&body, "pSize", 1);
        checks.done()?;
        let (sessions, total) = list(cx.db, &filter, index.saturating_mul(size), size)?;
        let data = sessions.iter().map(|session| item(cx, call, session)).collect::<Result<Vec<_>, _>>()?;
        let page = Page { index, total, size: data.len() };
        call.reply_data(cx, &List { data, page })
    })
}

fn filter(checks: &mut Checks, body: &Object) -> Filter {
    let mut filter =
        Filter { tenant_id: checks.text(body, "tenantId"), community_id: checks.text(body, "communityId"), ..Filter::default() };
    let Some(query) = checks.optional_object(body, "query") else { return filter };
    filter.id = checks.optional_text(query, "id");
    if let Some(status) = checks.optional_choice(query, "status", STATUSES) {
        (filter.status, filter.result) = match status.as_str() {
            "PENDING" => (Some(Status::Pending), None),
            "INPROGRESS" => (Some(Status::InProgress), None),
            "EXPIRED" => (Some(Status::Expired), None),
            "ABANDONED" => (Some(Status::Abandoned), None),
            "DECLINED" => (Some(Status::Declined), None),
            other => (Some(Status::Completed), outcome(other)),
        };
    }
    filter.recommendation = checks.optional_choice(query, "overallRecommendation", RECOMMENDATIONS).as_deref().and_then(outcome);
    filter.document_type =
        checks.optional_choice(query, "documentType", DOCUMENT_TYPES).as_deref().and_then(DocumentType::of_object);
    filter.name = checks.optional_text(query, "name").map(|name| name.to_lowercase());
    filter.uid = checks.optional_text(query, "uid");
    filter.dvc_id = checks.optional_text(query, "dvcID");
    filter.from = date(checks, query, "startDate");
    filter.to = date(checks, query, "endDate");
    filter
}

fn outcome(name: &str) -> Option<Outcome> {
    [Outcome::Pass, Outcome::Failed, Outcome::NotPerformed, Outcome::Review]
        .into_iter()
        .find(|outcome| outcome.completion() == name)
}

/// A moment in the form `YYYY-MM-DD HH:mm:ss.SSS`, in UTC.
fn date(checks: &mut Checks, query: &Object, name: &str) -> Option<DateTime<Utc>> {
    let text = checks.optional_text(query, name)?;
    // Every part has its full width, which parsing alone would not insist on.
    let read = (text.len() == "YYYY-MM-DD HH:mm:ss.SSS".len())
        .then(|| NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.3f").ok())
        .flatten();
    if read.is_none() {
        checks.mistake(format!("{name} must be in YYYY-MM-DD HH:mm:ss.SSS format"));
    }
    read.map(|at| at.and_utc())
}

fn item<'a>(cx: &mut Cx<'_>, call: &Call<'_>, session: &'a Session) -> Result<Item<'a>, Error> {
    let User { uid, username, firstname, lastname } = &session.user;
    Ok(Item {
        _id: &session.document_id,
        id: &session.id,
        dvc_id: &session.dvc_id,
        tenant_dns: &session.tenant_dns,
        tenant_id: &session.tenant_id,
        community_name: &session.community_name,
        community_id: &session.community_id,
        document_type: session.document_type,
        status: session.status,
        expiry: session.expires.timestamp_millis(),
        created: session.created.timestamp_millis(),
        user: ListedUser {
            uid: uid.as_deref(),
            firstname: firstname.as_deref(),
            lastname: lastname.as_deref(),
            username: username.as_deref(),
        },
        started: session.started.map(|at| at.timestamp_millis()),
        completed: session.completed.map(|at| at.timestamp_millis()),
        result: session.result,
        certificates: certificates(cx, call, session)?,
    })
}
