//! Templates: the screens that the capture app shows.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::endpoint::{Call, Endpoint};
use super::error::Error;
use super::fields::{Checks, Object};
use super::lifecycle;
use super::store;
use super::store::resources::{Template, delete_template, insert_template, template, templates, update_workflow};
use super::types::{DOCUMENT_TYPES, DocumentType, Level};
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// Kinds of screens.
pub(super) const STEP_TYPES: &[&str] = &["HTML", "CAPTURE_FRONT", "CAPTURE_BACK", "CAPTURE_SELFIE", "PROCESSING"];

/// A screen.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    pub name: String,
    /// Base64 of HTML. It is data for the capture app; nothing here renders it.
    pub html: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub actions: Vec<Action>,
    #[serde(default)]
    pub params: Vec<Param>,
}

/// What a control of a screen does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Action {
    pub name: Option<String>,
    pub on: Option<String>,
    pub call: Option<String>,
    pub jump_to: Option<String>,
    pub script: Option<String>,
}

/// What a screen shows of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Param {
    pub name: Option<String>,
    pub field: Option<String>,
}

/// A template on the wire.
#[derive(Serialize)]
struct View<'a> {
    _id: &'a str,
    #[serde(rename = "tenantId")]
    tenant_id: &'a str,
    #[serde(rename = "communityId")]
    community_id: &'a str,
    #[serde(rename = "documentType")]
    document_type: DocumentType,
    workflow: &'a [Step],
}

/// Answer of `getTemplates`.
#[derive(Serialize)]
struct List<'a> {
    list: Vec<View<'a>>,
}

const GET: Endpoint = Endpoint::open(&[200, 400, 401, 500]);
const CREATE: Endpoint = Endpoint::signed(&[200, 400, 401, 403, 500]).checking_given_license();
const UPDATE_BY_DVC: Endpoint =
    Endpoint::licensed(&[Level::System, Level::Service, Level::ServiceExt], &[200, 400, 401, 403, 404, 500]);
const UPDATE: Endpoint = Endpoint::signed(&[200, 400, 401, 403, 404, 500]);
const DELETE: Endpoint = Endpoint::signed(&[204, 400, 401, 403, 404, 500]);

/// `GET /idproofingapi/proofingtemplates/{sessionId}`: the templates of a session's configuration and document type.
///
/// 200 with them, perhaps none; 400 for an unknown session. Anybody may ask.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    GET.answer(cx, req, |cx, call| {
        let session = lifecycle::find(cx, call)?;
        let found = templates(cx.db, &session.tenant_id, &session.community_id, &session.dvc_id, Some(session.document_type))?;
        call.reply(cx, &List { list: found.iter().map(view).collect() })
    })
}

/// `PUT /idproofingapi/proofingtemplates/tenant/{tenantId}/community/{communityId}`: a new template.
///
/// 200 with it; 400 for a field that is missing or wrong, and when there is one already; 401 without credentials; 403 for an unknown
/// tenant or community.
pub(super) fn create(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    CREATE.answer(cx, req, |cx, call| {
        let body = call.body()?;
        let mut checks = Checks::default();
        let document_type = checks.choice(&body, "documentType", DOCUMENT_TYPES);
        let dvc_id = checks.text(&body, "dvcID");
        let workflow = workflow(&mut checks, &body, true);
        checks.done()?;
        require_community(cx, req)?;
        let template = Template {
            id: cx.rng.hex::<12>(),
            tenant_id: req.param("tenantId").into_owned(),
            community_id: req.param("communityId").into_owned(),
            dvc_id,
            document_type: DocumentType::of_object(&document_type).unwrap_or(DocumentType::Licence),
            workflow,
        };
        if !insert_template(cx.db, &template)? {
            return Err(Error::bad("Proofing template already exists"));
        }
        call.reply(cx, &view(&template))
    })
}

/// `PATCH /idproofingapi/proofingtemplates/tenant/{tenantId}/community/{communityId}/dvcId/{dvcId}`: another workflow for the
/// template of a configuration, the oldest where a document type does not tell which.
///
/// 200 with it; 400 for a field that is missing or wrong; 401 without credentials; 403 for a license that may not and for an unknown
/// tenant or community; 404 for an unknown template.
pub(super) fn update_by_dvc(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    UPDATE_BY_DVC.answer(cx, req, |cx, call| {
        let body = call.data(false)?;
        let mut checks = Checks::default();
        let document_type = checks.optional_choice(&body, "documentType", DOCUMENT_TYPES);
        let workflow = workflow(&mut checks, &body, false);
        checks.done()?;
        call.permit()?;
        require_community(cx, req)?;
        let document_type = document_type.as_deref().and_then(DocumentType::of_object);
        let (tenant_id, community_id, dvc_id) = (req.param("tenantId"), req.param("communityId"), req.param("dvcId"));
        let found = templates(cx.db, &tenant_id, &community_id, &dvc_id, document_type)?.into_iter().next();
        replace(cx, call, found, workflow)
    })
}

/// `PATCH /idproofingapi/proofingtemplates/tenant/{tenantId}/community/{communityId}/id/{id}`: another workflow for a template.
///
/// 200 with it; 400 for a field that is missing or wrong; 401 without credentials; 403 for an unknown tenant or community; 404 for an
/// unknown template.
pub(super) fn update(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    UPDATE.answer(cx, req, |cx, call| {
        let body = call.body()?;
        let mut checks = Checks::default();
        let workflow = workflow(&mut checks, &body, true);
        checks.done()?;
        require_community(cx, req)?;
        let found = template(cx.db, &req.param("tenantId"), &req.param("communityId"), &req.param("id"))?;
        replace(cx, call, found, workflow)
    })
}

/// `DELETE /idproofingapi/proofingtemplates/tenant/{tenantId}/community/{communityId}/id/{id}`: deletes a template.
///
/// 204; 400 for what is no id; 401 without credentials; 403 for an unknown tenant or community; 404 for an unknown template.
pub(super) fn delete(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    DELETE.answer(cx, req, |cx, _call| {
        let id = req.param("id");
        if id.len() != 24 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::bad("id must be 24 hexadecimal characters"));
        }
        require_community(cx, req)?;
        if !delete_template(cx.db, &req.param("tenantId"), &req.param("communityId"), &id)? {
            return Err(not_found());
        }
        Ok(reply::empty(StatusCode::NO_CONTENT))
    })
}

fn replace(cx: &mut Cx<'_>, call: &Call<'_>, found: Option<Template>, workflow: Vec<Step>) -> Result<Reply, Error> {
    let mut template = found.ok_or_else(not_found)?;
    update_workflow(cx.db, &template.id, &workflow)?;
    template.workflow = workflow;
    call.reply(cx, &view(&template))
}

fn not_found() -> Error {
    Error::new(StatusCode::NOT_FOUND, "Proofing template not found")
}

/// 403 unless the path names a tenant and one of its communities.
pub(super) fn require_community(cx: &Cx<'_>, req: &Req) -> Result<(), Error> {
    store::community(cx.db, &req.param("tenantId"), &req.param("communityId"))?.map(|_| ()).ok_or_else(Error::forbidden)
}

fn view(template: &Template) -> View<'_> {
    View {
        _id: &template.id,
        tenant_id: &template.tenant_id,
        community_id: &template.community_id,
        document_type: template.document_type,
        workflow: &template.workflow,
    }
}

/// `workflow`: at least one screen. A single object counts as a list of one, here and further down.
fn workflow(checks: &mut Checks, body: &Object, html_is_base64: bool) -> Vec<Step> {
    let Some(value) = body.get("workflow").filter(|value| !value.is_null()) else {
        checks.mistake("workflow is required");
        return Vec::new();
    };
    let steps = objects(checks, "workflow", value);
    if value.as_array().is_some_and(Vec::is_empty) {
        checks.mistake("workflow must contain at least 1 items");
    }
    steps.into_iter().map(|object| step(checks, object, html_is_base64)).collect()
}

fn step(checks: &mut Checks, object: &Object, html_is_base64: bool) -> Step {
    let name = checks.text(object, "name");
    let kind = checks.choice(object, "type", STEP_TYPES);
    let html = checks.text(object, "html");
    if html_is_base64 && !is_base64(&html) {
        checks.mistake("html must be a valid base64 string");
    }
    let actions = object.get("actions").map(|value| objects(checks, "actions", value)).unwrap_or_default();
    let actions = actions
        .into_iter()
        .map(|action| Action {
            name: checks.optional_text(action, "name"),
            on: checks.optional_text(action, "on"),
            call: checks.optional_text(action, "call"),
            jump_to: checks.optional_text(action, "jumpTo"),
            script: checks.optional_text(action, "script"),
        })
        .collect();
    let params = object.get("params").map(|value| objects(checks, "params", value)).unwrap_or_default();
    let params = params
        .into_iter()
        .map(|param| Param { name: checks.optional_text(param, "name"), field: checks.optional_text(param, "field") })
        .collect();
    Step { name, html, kind, actions, params }
}

/// The objects of a list, or the one object in its place.
fn objects<'a>(checks: &mut Checks, name: &str, value: &'a Value) -> Vec<&'a Object> {
    match value {
        Value::Object(object) => vec![object],
        Value::Array(items) => {
            let objects: Vec<&Object> = items.iter().filter_map(Value::as_object).collect();
            if objects.len() < items.len() {
                checks.mistake(format!("{name} must be of type object"));
            }
            objects
        }
        Value::Null => Vec::new(),
        _ => {
            checks.mistake(format!("{name} must be an array"));
            Vec::new()
        }
    }
}

/// Letters of either alphabet, padding and white space.
pub(super) fn is_base64(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_alphanumeric() || "+/-_=".contains(letter) || letter.is_ascii_whitespace())
}
