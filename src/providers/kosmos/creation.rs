//! Creating sessions, by this API and by its `docuverify` front.

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::endpoint::{Call, Endpoint};
use super::error::Error;
use super::fields::{Checks, Object, not_one_of};
use super::lifecycle;
use super::sessions::url;
use super::store::sessions::Session;
use super::store::{self, Community, Configuration, Tenant};
use super::types::{CHECKS, Config, DOCUMENT_TYPES, DocumentType, Level, Status, User};
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// Answer of both operations. It is plain even where the request was encrypted.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created<'a> {
    session_id: &'a str,
    url: String,
}

const CREATE: Endpoint = Endpoint::licensed(&[Level::System, Level::Service], &[200, 400, 401, 403, 500]);
const FRONT: Endpoint = Endpoint::licensed(&[Level::System, Level::Service, Level::ServiceExt], &[200, 400, 401, 403, 404, 500]);

/// Most minutes that a timer of a session can be set to: a hundred years.
const MOST_MINUTES: f64 = 100.0 * 366.0 * 24.0 * 60.0;
/// Most seconds that personal data can be kept when it is to be deleted: seven days.
const MOST_RETENTION_S: f64 = 604_800.0;

/// `POST /idproofingapi/document_share_session/create`: a new session.
///
/// 200 with its id and address; 400 for a field that is missing or wrong, or an unknown dvcID; 401 without credentials; 403 for a
/// license that may not.
pub(super) fn create(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    CREATE.answer(cx, req, |cx, call| {
        let body = call.body()?;
        let mut checks = Checks::default();
        let basis = Basis::read(cx, &mut checks, &body)?;
        let request = Request::read(cx, call, &mut checks, &body)?;
        checks.done()?;
        call.permit()?;
        let basis = basis.ok_or_else(|| Error::bad("dvcID not found"))?;
        insert(cx, call, basis, request)
    })
}

/// `POST /docuverify/document_share_session/create`: a new session of a configuration.
///
/// 200 with its id and address; 400 for a field that is missing or wrong; 401 without credentials; 403 for a license that may not;
/// 404 for an unknown dvcID.
pub(super) fn create_at_front(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    FRONT.answer(cx, req, |cx, call| {
        let body = call.body()?;
        let mut checks = Checks::default();
        let dvc_id = checks.text(&body, "dvcID");
        let request = Request::read(cx, call, &mut checks, &body)?;
        checks.done()?;
        call.permit()?;
        let basis = Basis::of_dvc(cx, &dvc_id)?.ok_or_else(|| Error::new(StatusCode::NOT_FOUND, "dvcID not found"))?;
        insert(cx, call, basis, request)
    })
}

/// What a session is verified with.
pub(super) struct Basis {
    pub dvc_id: String,
    pub connector_type: String,
    connector_license: Option<String>,
    config: Config,
}

impl Basis {
    /// What the configuration with this dvcID says.
    pub(super) fn of_dvc(cx: &Cx<'_>, dvc_id: &str) -> Result<Option<Self>, Error> {
        Ok(store::configuration(cx.db, dvc_id)?.map(|configuration| {
            let Configuration { dvc_id, connector_type, connector_config, config, .. } = configuration;
            let connector_license = connector_config.text("license").map(str::to_owned);
            Self { dvc_id, connector_type, connector_license, config }
        }))
    }

    /// What `connector` and `verification` say, or `dvcID` in their place. None for a dvcID that is not known.
    pub(super) fn read(cx: &Cx<'_>, checks: &mut Checks, body: &Object) -> Result<Option<Self>, Error> {
        if body.contains_key("dvcID") {
            let dvc_id = checks.text(body, "dvcID");
            return Self::of_dvc(cx, &dvc_id);
        }
        let mut connector_type = String::new();
        let mut connector_license = None;
        if let Some(connector) = checks.object(body, "connector") {
            checks.text(connector, "id");
            connector_type = checks.text(connector, "type");
            let config = checks.optional_object(connector, "config");
            connector_license = config.and_then(|config| config.get("license")?.as_str()).map(str::to_owned);
        }
        let mut dvc_id = String::new();
        let mut given = Object::new();
        if let Some(verification) = checks.object(body, "verification") {
            dvc_id = checks.text(verification, "id");
            checks.text(verification, "tag");
            checks.optional_text(verification, "type");
            if let Some(config) = checks.optional_object(verification, "config") {
                check_config(checks, config);
                given.clone_from(config);
            }
        }
        // The request's own configuration wins over what is known under this id.
        let mut config = store::configuration(cx.db, &dvc_id)?.map(|known| known.config).unwrap_or_default();
        config.0.extend(given);
        Ok(Some(Self { dvc_id, connector_type, connector_license, config }))
    }
}

/// Checks the keys of a verification's `config` whose types are known.
pub(super) fn check_config(checks: &mut Checks, config: &Object) {
    for name in [
        "debug",
        "skip",
        "returnRawData",
        "fraudDetectFailureBypass",
        "useV1BlinkIdVerify",
        "useHighResolutionImages",
        "autoCaptureCountdownVisible",
        "pii_retention_off",
    ] {
        checks.optional_flag(config, name);
    }
    for name in ["verifier", "document_type"] {
        checks.optional_text(config, name);
    }
    checks.optional_amount(config, "expireSessionInMin", MOST_MINUTES);
    checks.optional_amount(config, "abandonSessionInMin", MOST_MINUTES);
    checks.optional_amount(config, "pii_retention_ttl", MOST_RETENTION_S);
    for name in ["maxRetries", "action_code", "autoDetectTimeout", "autoCaptureCountdownSeconds"] {
        checks.optional_amount(config, name, f64::MAX);
    }
    checks.choices(config, "checks", CHECKS);
    checks.optional_choice(config, "selfieCaptureMode", &["auto", "manualWithFaceDetection"]);
    checks.optional_choice(config, "postTimeoutCaptureMode", &["none", "manual", "auto"]);
    match config.get("bypassConfig") {
        None | Some(Value::Null) => {}
        Some(Value::Array(items)) if items.iter().all(Value::is_object) => {}
        Some(Value::Array(_)) => checks.mistake("bypassConfig must be of type object"),
        Some(_) => checks.mistake("bypassConfig must be an array"),
    }
}

/// `sessionRequest`: whom the session is about, and for which tenant's community.
struct Request {
    tenant_dns: String,
    tenant_id: String,
    community_id: String,
    community_name: String,
    document_type: DocumentType,
    did: Option<String>,
    user: User,
    workflow_metadata: Option<Object>,
}

impl Request {
    fn read(cx: &Cx<'_>, call: &Call<'_>, checks: &mut Checks, body: &Object) -> Result<Self, Error> {
        let nothing = Object::new();
        let request = checks.object(body, "sessionRequest");
        let present = request.is_some();
        let request = request.unwrap_or(&nothing);
        let unread = &mut Checks::default();
        let checks = if present { checks } else { unread };

        let tenant_dns = checks.text(request, "tenantDNS");
        let community_name = checks.text(request, "communityName");
        let document_type = checks.text(request, "documentType");
        let document_type = DocumentType::of_object(&document_type).unwrap_or_else(|| {
            if !document_type.is_empty() {
                checks.mistake(not_one_of("documentType", DOCUMENT_TYPES));
            }
            DocumentType::Licence
        });
        let did = checks.optional_text(request, "did");
        let user_uid = checks.optional_text(request, "userUID");
        let user = checks.optional_object(request, "user").unwrap_or(&nothing);
        // One page of the provider calls the uid an integer.
        let number = user.get("uid").filter(|uid| uid.is_number()).map(ToString::to_string);
        let uid = if number.is_some() { number } else { checks.optional_text(user, "uid") };
        let user = User {
            uid: uid.or(user_uid),
            username: checks.optional_text(user, "username"),
            firstname: checks.optional_text(user, "firstname"),
            lastname: checks.optional_text(user, "lastname"),
        };
        let workflow_metadata = checks.optional_object(request, "workflowMetadata").cloned();

        let known = resolve(cx, call.req, &tenant_dns, &community_name)?;
        let (known_tenant, known_community) =
            known.map_or((None, None), |(tenant, community)| (Some(tenant.id), Some(community.id)));
        let mut id = |name: &str, known: Option<String>| {
            let given = checks.optional_text(request, name).filter(|id| !id.is_empty());
            given.or(known).unwrap_or_else(|| {
                checks.mistake(format!("{name} is required"));
                String::new()
            })
        };
        let tenant_id = id("tenantId", known_tenant);
        let community_id = id("communityId", known_community);
        Ok(Self { tenant_dns, tenant_id, community_id, community_name, document_type, did, user, workflow_metadata })
    }
}

/// The tenant of a host name. The server's own names mean the first tenant.
pub(super) fn resolve_tenant(cx: &Cx<'_>, req: &Req, dns: &str) -> Result<Option<Tenant>, Error> {
    let host = strip_port(dns);
    if let Some(tenant) = store::tenant_by_dns(cx.db, host)? {
        return Ok(Some(tenant));
    }
    let own = host.eq_ignore_ascii_case(strip_port(&req.links.authority))
        || ["localhost", "127.0.0.1", "[::1]", "1kosmos.localhost"].iter().any(|name| host.eq_ignore_ascii_case(name));
    if own { Ok(store::first_tenant(cx.db)?) } else { Ok(None) }
}

fn resolve(cx: &Cx<'_>, req: &Req, dns: &str, community: &str) -> Result<Option<(Tenant, Community)>, Error> {
    let Some(tenant) = resolve_tenant(cx, req, dns)? else { return Ok(None) };
    let community = store::community_by_name(cx.db, &tenant.id, community)?;
    Ok(community.map(|community| (tenant, community)))
}

fn strip_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && (!host.contains(':') || host.ends_with(']')) => {
            host
        }
        _ => authority,
    }
}

fn insert(cx: &mut Cx<'_>, call: &Call<'_>, basis: Basis, request: Request) -> Result<Reply, Error> {
    let Request { tenant_dns, tenant_id, community_id, community_name, document_type, did, user, workflow_metadata } = request;
    let mut session = Session {
        id: cx.rng.uuid().to_string(),
        document_id: cx.rng.hex::<12>(),
        tenant_dns,
        tenant_id,
        community_id,
        community_name,
        document_type,
        status: Status::Pending,
        did,
        dvc_id: basis.dvc_id,
        user,
        created: cx.now,
        expires: cx.now,
        started: None,
        abandoned: None,
        completed: None,
        result: None,
        reason: None,
        retries: 0,
        awaiting_retry: false,
        attempt_reason: None,
        chosen: None,
        chosen_reason: None,
        captured: false,
        polls: 0,
        assets_deleted: false,
        document_uuid: None,
        liveid_uuid: None,
        connector_type: basis.connector_type,
        connector_license: basis.connector_license,
        config: basis.config,
        workflow_metadata,
    };
    lifecycle::create(cx, &mut session)?;
    Ok(reply::json(StatusCode::OK, &Created { session_id: &session.id, url: url(call.req, &session.id) }))
}
