//! What a fresh world holds, read strictly.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use uuid::Uuid;

use super::buckets::{Credentials, KINDS};
use super::creation::check_config;
use super::documents::SUMMARY;
use super::fields::{Checks, Object};
use super::lifecycle::{self, Actor, abandonment};
use super::store::resources::{self, Bucket, ServiceKey, Template};
use super::store::sessions::{self, Capture, Certified, Session};
use super::store::{self, Community, Configuration, Keys, License, Tenant};
use super::templates::{STEP_TYPES, Step, is_base64};
use super::types::{Config, DocumentType, Level, Outcome, Status, User, reason};
use crate::crypto::ecdh::{Curve, public_key};
use crate::http::{FixtureError, fixture};
use crate::world::Cx;
use crate::world::clock::duration;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fixture {
    keys: CurveKeys,
    upload_secret: String,
    tenants: Vec<TenantEntry>,
    licenses: Vec<LicenseEntry>,
    service_keys: Vec<ServiceKeyEntry>,
    configurations: Vec<ConfigurationEntry>,
    templates: Vec<TemplateEntry>,
    buckets: Vec<BucketEntry>,
    sessions: Vec<SessionEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CurveKeys {
    secp256k1: KeyEntry,
    prime256v1: KeyEntry,
}

/// Pairs of the service, and of the client with which it is tried.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    service: Pair,
    client: Pair,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Pair {
    private_key: String,
    public_key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantEntry {
    id: String,
    tag: String,
    name: String,
    tenanttype: String,
    firstname: String,
    lastname: String,
    dns: Vec<String>,
    #[serde(rename = "otherDNS")]
    other_dns: Vec<String>,
    communities: Vec<CommunityEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CommunityEntry {
    id: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LicenseEntry {
    key_id: String,
    key_secret: String,
    tag: String,
    auth_level: Level,
    #[serde(default)]
    disabled: bool,
    expiry: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ServiceKeyEntry {
    tag: String,
    key_id: String,
    key_secret: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigurationEntry {
    #[serde(rename = "dvcID")]
    dvc_id: String,
    tag: String,
    connector: ConnectorEntry,
    config: Object,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectorEntry {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    config: Object,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateEntry {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "tenantId")]
    tenant_id: String,
    #[serde(rename = "communityId")]
    community_id: String,
    #[serde(rename = "dvcID")]
    dvc_id: String,
    #[serde(rename = "documentType")]
    document_type: DocumentType,
    workflow: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BucketEntry {
    #[serde(rename = "_id")]
    id: String,
    tenant_id: String,
    community_id: String,
    #[serde(rename = "type")]
    kind: String,
    bucket_name: String,
    is_enabled: bool,
    created_by: String,
    credentials: Credentials,
}

/// A session. Its times are given as what has passed since them when the world begins.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SessionEntry {
    #[serde(rename = "_id")]
    document_id: String,
    id: String,
    #[serde(rename = "tenantDNS")]
    tenant_dns: String,
    tenant_id: String,
    community_id: String,
    document_type: DocumentType,
    #[serde(rename = "dvcID")]
    dvc_id: String,
    did: Option<String>,
    user: UserEntry,
    status: Status,
    created_ago: String,
    started_ago: Option<String>,
    completed_ago: Option<String>,
    result_status: Option<Outcome>,
    reason_code: Option<String>,
    #[serde(default)]
    awaiting_retry: bool,
    document_uuid: Option<String>,
    liveid_uuid: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry {
    uid: Option<String>,
    username: Option<String>,
    firstname: Option<String>,
    lastname: Option<String>,
}

type Outcomes<T> = Result<T, FixtureError>;

/// Fills the tables from a fixture.
pub(super) fn load(cx: &mut Cx<'_>, text: &str) -> Outcomes<()> {
    let fixture: Fixture = fixture::read(text)?;
    keys(cx, Curve::Secp256k1, &fixture.keys.secp256k1)?;
    keys(cx, Curve::Prime256v1, &fixture.keys.prime256v1)?;
    if fixture.upload_secret.is_empty() {
        return wrong("uploadSecret", "must not be empty");
    }
    store::insert_secret(cx.db, "upload", &fixture.upload_secret)?;
    tenants(cx, fixture.tenants)?;
    licenses(cx, fixture.licenses, fixture.service_keys)?;
    configurations(cx, fixture.configurations)?;
    templates(cx, fixture.templates)?;
    buckets(cx, fixture.buckets)?;
    let mut seen = Seen::default();
    for (index, entry) in fixture.sessions.into_iter().enumerate() {
        session(cx, &format!("sessions[{index}]"), entry, &mut seen)?;
    }
    Ok(lifecycle::arm_all(cx)?)
}

fn wrong<T>(path: impl Into<String>, reason: impl Into<String>) -> Outcomes<T> {
    Err(FixtureError::content(path, reason))
}

/// Values that may be there only once.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    fn once(&mut self, path: &str, value: &str) -> Outcomes<()> {
        if self.0.insert(value.to_owned()) { Ok(()) } else { wrong(path, format!("{value:?} is there already")) }
    }
}

fn object_id(path: &str, id: &str) -> Outcomes<()> {
    let valid = id.len() == 24 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if valid { Ok(()) } else { wrong(path, "must be 24 lower-case hexadecimal digits") }
}

fn uuid(path: &str, id: &str) -> Outcomes<()> {
    match Uuid::parse_str(id) {
        Ok(parsed) if parsed.to_string() == id => Ok(()),
        _ => wrong(path, "must be a UUID in lower case"),
    }
}

fn filled(path: &str, text: &str) -> Outcomes<()> {
    if text.is_empty() { wrong(path, "must not be empty") } else { Ok(()) }
}

fn keys(cx: &Cx<'_>, curve: Curve, entry: &KeyEntry) -> Outcomes<()> {
    for (name, pair) in [("service", &entry.service), ("client", &entry.client)] {
        if public_key(curve, pair.private_key.as_bytes()).as_ref() != Some(&pair.public_key) {
            return wrong(format!("keys.{}.{name}", curve.name()), "the keys are no pair on this curve");
        }
    }
    let Pair { private_key: private, public_key: public } = &entry.service;
    store::insert_keys(cx.db, &Keys { curve, private: private.clone(), public: public.clone() })?;
    store::insert_secret(cx.db, &["client private ", curve.name()].concat(), &entry.client.private_key)?;
    store::insert_secret(cx.db, &["client public ", curve.name()].concat(), &entry.client.public_key)?;
    Ok(())
}

fn tenants(cx: &Cx<'_>, entries: Vec<TenantEntry>) -> Outcomes<()> {
    let (mut ids, mut names) = (Seen::default(), Seen::default());
    for (index, (entry, position)) in entries.into_iter().zip(0_i64..).enumerate() {
        let path = format!("tenants[{index}]");
        object_id(&format!("{path}.id"), &entry.id)?;
        ids.once(&format!("{path}.id"), &entry.id)?;
        let dns: Vec<String> = entry.dns.iter().chain(&entry.other_dns).cloned().collect();
        for name in &dns {
            filled(&format!("{path}.dns"), name)?;
            names.once(&format!("{path}.dns"), &name.to_ascii_lowercase())?;
        }
        let tenant = Tenant {
            id: entry.id.clone(),
            tag: entry.tag,
            name: entry.name,
            kind: entry.tenanttype,
            firstname: entry.firstname,
            lastname: entry.lastname,
            other_dns: entry.other_dns,
        };
        store::insert_tenant(cx.db, position, &tenant, &dns)?;
        let mut communities = Seen::default();
        for (number, community) in entry.communities.into_iter().enumerate() {
            let path = format!("{path}.communities[{number}]");
            object_id(&format!("{path}.id"), &community.id)?;
            ids.once(&format!("{path}.id"), &community.id)?;
            filled(&format!("{path}.name"), &community.name)?;
            communities.once(&format!("{path}.name"), &community.name)?;
            store::insert_community(cx.db, &Community { id: community.id, tenant_id: entry.id.clone(), name: community.name })?;
        }
    }
    Ok(())
}

fn licenses(cx: &Cx<'_>, entries: Vec<LicenseEntry>, keys: Vec<ServiceKeyEntry>) -> Outcomes<()> {
    let mut seen = Seen::default();
    for (index, entry) in entries.into_iter().enumerate() {
        let path = format!("licenses[{index}]");
        for (name, value) in [("keyId", &entry.key_id), ("keySecret", &entry.key_secret)] {
            uuid(&format!("{path}.{name}"), value)?;
            seen.once(&format!("{path}.{name}"), value)?;
        }
        let LicenseEntry { key_id, key_secret: secret, tag, auth_level: level, disabled, expiry } = entry;
        store::insert_license(cx.db, &License { secret, key_id, tag, level, disabled, expiry })?;
    }
    for (index, entry) in keys.into_iter().enumerate() {
        let path = format!("serviceKeys[{index}]");
        for (name, value) in [("keyId", &entry.key_id), ("keySecret", &entry.key_secret)] {
            uuid(&format!("{path}.{name}"), value)?;
            seen.once(&format!("{path}.{name}"), value)?;
        }
        let ServiceKeyEntry { tag, key_id, key_secret: secret, kind } = entry;
        resources::insert_service_key(cx.db, &ServiceKey { key_id, secret, tag, kind })?;
    }
    Ok(())
}

fn configurations(cx: &Cx<'_>, entries: Vec<ConfigurationEntry>) -> Outcomes<()> {
    let mut seen = Seen::default();
    for (index, entry) in entries.into_iter().enumerate() {
        let path = format!("configurations[{index}]");
        filled(&format!("{path}.dvcID"), &entry.dvc_id)?;
        seen.once(&format!("{path}.dvcID"), &entry.dvc_id)?;
        filled(&format!("{path}.connector.id"), &entry.connector.id)?;
        filled(&format!("{path}.connector.type"), &entry.connector.kind)?;
        let mut checks = Checks::default();
        check_config(&mut checks, &entry.config);
        checks.done().or_else(|error| wrong(format!("{path}.config"), error.message()))?;
        let configuration = Configuration {
            dvc_id: entry.dvc_id,
            tag: entry.tag,
            connector_id: entry.connector.id,
            connector_type: entry.connector.kind,
            connector_config: Config(entry.connector.config),
            config: Config(entry.config),
        };
        store::insert_configuration(cx.db, &configuration)?;
    }
    Ok(())
}

/// The community that an entry names.
fn community(cx: &Cx<'_>, path: &str, tenant_id: &str, community_id: &str) -> Outcomes<Community> {
    match store::community(cx.db, tenant_id, community_id)? {
        Some(community) => Ok(community),
        None => wrong(format!("{path}.communityId"), format!("tenant {tenant_id:?} has no community {community_id:?}")),
    }
}

fn configuration(cx: &Cx<'_>, path: &str, dvc_id: &str) -> Outcomes<Configuration> {
    match store::configuration(cx.db, dvc_id)? {
        Some(configuration) => Ok(configuration),
        None => wrong(format!("{path}.dvcID"), format!("there is no configuration {dvc_id:?}")),
    }
}

fn templates(cx: &Cx<'_>, entries: Vec<TemplateEntry>) -> Outcomes<()> {
    let mut seen = Seen::default();
    for (index, entry) in entries.into_iter().enumerate() {
        let path = format!("templates[{index}]");
        object_id(&format!("{path}._id"), &entry.id)?;
        seen.once(&format!("{path}._id"), &entry.id)?;
        community(cx, &path, &entry.tenant_id, &entry.community_id)?;
        configuration(cx, &path, &entry.dvc_id)?;
        if entry.workflow.is_empty() {
            return wrong(format!("{path}.workflow"), "must not be empty");
        }
        for (number, step) in entry.workflow.iter().enumerate() {
            let path = format!("{path}.workflow[{number}]");
            filled(&format!("{path}.name"), &step.name)?;
            if !STEP_TYPES.contains(&step.kind.as_str()) {
                return wrong(format!("{path}.type"), format!("must be one of {}", STEP_TYPES.join(", ")));
            }
            if step.html.is_empty() || !is_base64(&step.html) {
                return wrong(format!("{path}.html"), "must be base64");
            }
        }
        let template = Template {
            id: entry.id,
            tenant_id: entry.tenant_id,
            community_id: entry.community_id,
            dvc_id: entry.dvc_id,
            document_type: entry.document_type,
            workflow: entry.workflow,
        };
        if !resources::insert_template(cx.db, &template)? {
            return wrong(path, "there is a template for this configuration and document type already");
        }
    }
    Ok(())
}

fn buckets(cx: &Cx<'_>, entries: Vec<BucketEntry>) -> Outcomes<()> {
    let mut seen = Seen::default();
    for (index, entry) in entries.into_iter().enumerate() {
        let path = format!("buckets[{index}]");
        object_id(&format!("{path}._id"), &entry.id)?;
        community(cx, &path, &entry.tenant_id, &entry.community_id)?;
        seen.once(&format!("{path}._id"), &entry.id)?;
        seen.once(&format!("{path}.communityId"), &entry.community_id)?;
        if !KINDS.contains(&entry.kind.as_str()) {
            return wrong(format!("{path}.type"), format!("must be one of {}", KINDS.join(", ")));
        }
        filled(&format!("{path}.bucketName"), &entry.bucket_name)?;
        let bucket = Bucket {
            id: entry.id,
            tenant_id: entry.tenant_id,
            community_id: entry.community_id,
            kind: entry.kind,
            name: entry.bucket_name,
            enabled: entry.is_enabled,
            created_by: entry.created_by,
            created: cx.now,
            updated: cx.now,
            credentials: entry.credentials,
        };
        resources::put_bucket(cx.db, &bucket)?;
    }
    Ok(())
}

/// The moment that was so long ago.
fn ago(cx: &Cx<'_>, path: &str, text: &str) -> Outcomes<DateTime<Utc>> {
    match duration(text).and_then(|passed| cx.now.checked_sub_signed(passed)) {
        Some(moment) => Ok(moment),
        None => wrong(path, "must be an ISO 8601 duration such as PT5M or P1D"),
    }
}

fn session(cx: &mut Cx<'_>, path: &str, entry: SessionEntry, seen: &mut Seen) -> Outcomes<()> {
    object_id(&format!("{path}._id"), &entry.document_id)?;
    seen.once(&format!("{path}._id"), &entry.document_id)?;
    uuid(&format!("{path}.id"), &entry.id)?;
    seen.once(&format!("{path}.id"), &entry.id)?;
    filled(&format!("{path}.tenantDNS"), &entry.tenant_dns)?;
    let community = community(cx, path, &entry.tenant_id, &entry.community_id)?;
    let configuration = configuration(cx, path, &entry.dvc_id)?;
    for (name, value) in [("documentUuid", &entry.document_uuid), ("liveidUuid", &entry.liveid_uuid)] {
        if let Some(value) = value {
            uuid(&format!("{path}.{name}"), value)?;
        }
    }
    check_state(path, &entry)?;

    let moment =
        |name: &str, text: &Option<String>| text.as_deref().map(|text| ago(cx, &format!("{path}.{name}"), text)).transpose();
    let created = ago(cx, &format!("{path}.createdAgo"), &entry.created_ago)?;
    let started = moment("startedAgo", &entry.started_ago)?;
    let completed = moment("completedAgo", &entry.completed_ago)?;
    if started.is_some_and(|started| started < created) || completed.is_some_and(|completed| completed < started.unwrap_or(created))
    {
        return wrong(path, "createdAgo, startedAgo and completedAgo are not in this order");
    }
    let UserEntry { uid, username, firstname, lastname } = entry.user;
    let completing = entry.status == Status::Completed;
    let mut session = Session {
        id: entry.id,
        document_id: entry.document_id,
        tenant_dns: entry.tenant_dns,
        tenant_id: entry.tenant_id,
        community_id: entry.community_id,
        community_name: community.name,
        document_type: entry.document_type,
        status: Status::Pending,
        did: entry.did,
        dvc_id: entry.dvc_id,
        user: User { uid, username, firstname, lastname },
        created,
        expires: created,
        started,
        abandoned: None,
        completed,
        result: entry.result_status,
        reason: entry.reason_code.clone().filter(|_| completing),
        retries: 0,
        awaiting_retry: entry.awaiting_retry,
        attempt_reason: entry.reason_code.filter(|_| !completing),
        chosen: None,
        chosen_reason: None,
        captured: false,
        polls: 0,
        assets_deleted: false,
        document_uuid: entry.document_uuid,
        liveid_uuid: entry.liveid_uuid,
        connector_type: configuration.connector_type,
        connector_license: configuration.connector_config.text("license").map(str::to_owned),
        config: configuration.config,
        workflow_metadata: None,
    };
    session.abandoned = started.map(|started| started + abandonment(&session));
    session.status = entry.status;
    session.captured = (completing && session.reason.as_deref() != Some("IDV0016")) || session.awaiting_retry;
    place(cx, path, session)
}

/// Keeps a session with what follows from its state.
fn place(cx: &mut Cx<'_>, path: &str, mut session: Session) -> Outcomes<()> {
    lifecycle::create(cx, &mut session).or_else(|error| match error.into_store() {
        Ok(error) => Err(FixtureError::Store(error)),
        Err(refusal) => wrong(path, refusal.message()),
    })?;
    let (activity, end) = match session.status {
        Status::Expired => ("E_IDV_SESSION_EXPIRED", Some(session.expires)),
        Status::Abandoned => ("E_IDV_SESSION_ABANDONED", session.abandoned),
        Status::Declined => ("DECLINED", session.completed),
        _ => ("", None),
    };
    let nobody = Actor::nobody();
    let entry = |cx: &Cx<'_>, activity: &str, screen: Option<&str>, at: DateTime<Utc>| {
        let mut event = nobody.does(cx, activity, screen.map(str::to_owned));
        event.at = at;
        event
    };
    if let Some(started) = session.started {
        sessions::add_event(cx.db, &session.id, &entry(cx, "STARTED", Some("WELCOME"), started))?;
    }
    if let Some(end) = end {
        if end > cx.now {
            return wrong(path, format!("a session that is {} cannot be so young", session.status.name()));
        }
        session.completed = Some(end);
        sessions::add_event(cx.db, &session.id, &entry(cx, activity, None, end))?;
    }
    if matches!(session.status, Status::Pending) && session.expires <= cx.now {
        return wrong(path, "a session that is PENDING cannot be so old");
    }
    if matches!(session.status, Status::InProgress) && session.abandoned.is_some_and(|deadline| deadline <= cx.now) {
        return wrong(path, "a session that is INPROGRESS cannot be so old");
    }
    sessions::save(cx.db, &session)?;
    if session.status != Status::Pending {
        cx.cancel_timer("sessionExpires", &session.id)?;
    }
    if session.captured {
        sessions::put_capture(cx.db, &session.id, "document", &Capture::default())?;
        if session.config.wants_selfie() {
            sessions::put_capture(cx.db, &session.id, "selfie_liveness", &Capture::default())?;
        }
    }
    certify(cx, &session)
}

fn certify(cx: &Cx<'_>, session: &Session) -> Outcomes<()> {
    let (Some(result), Some(at)) = (session.result, session.completed) else { return Ok(()) };
    let mut kinds = vec![SUMMARY.to_owned()];
    if session.captured {
        kinds = session.config.checks().map(str::to_owned).chain(kinds).collect();
        kinds.insert(0, session.document_type.authentication().to_owned());
    }
    for (position, kind) in (0..).zip(kinds) {
        let reason = session.reason.clone();
        sessions::add_certificate(cx.db, &session.id, position, &Certified { kind, at, result, reason })?;
    }
    Ok(())
}

/// Refuses what cannot be together.
fn check_state(path: &str, entry: &SessionEntry) -> Outcomes<()> {
    let status = entry.status.name();
    let must = |name: &str, there: bool, due: bool| {
        if there == due {
            Ok(())
        } else {
            wrong(
                format!("{path}.{name}"),
                format!("must {}be given for a session that is {status}", if due { "" } else { "not " }),
            )
        }
    };
    let completed = entry.status == Status::Completed;
    match entry.status {
        Status::Pending | Status::Expired => must("startedAgo", entry.started_ago.is_some(), false)?,
        Status::InProgress | Status::Abandoned | Status::Completed => must("startedAgo", entry.started_ago.is_some(), true)?,
        Status::Declined => {}
    }
    must("completedAgo", entry.completed_ago.is_some(), completed || entry.status == Status::Declined)?;
    must("resultStatus", entry.result_status.is_some(), completed)?;
    must("documentUuid", entry.document_uuid.is_some(), completed)?;
    must("liveidUuid", entry.liveid_uuid.is_some(), completed)?;
    if entry.awaiting_retry && entry.status != Status::InProgress {
        return wrong(format!("{path}.awaitingRetry"), "must be false unless the session is INPROGRESS");
    }
    let failed = matches!(entry.result_status, Some(Outcome::Failed | Outcome::NotPerformed)) || entry.awaiting_retry;
    must("reasonCode", entry.reason_code.is_some(), failed)?;
    if entry.reason_code.as_deref().is_some_and(|code| reason(code).is_none()) {
        return wrong(format!("{path}.reasonCode"), "no such reason was published");
    }
    Ok(())
}
