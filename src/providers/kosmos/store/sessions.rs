//! Sessions with their history, captures and certificates.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};
use serde_json::Value;

use super::super::fields::Object;
use super::super::types::{Config, DocumentType, Outcome, Status, User};
use crate::world::store::{AsJson, AsText, Millis};

/// A stored session.
pub(in super::super) struct Session {
    pub id: String,
    /// `_id` of the record.
    pub document_id: String,
    pub tenant_dns: String,
    pub tenant_id: String,
    pub community_id: String,
    pub community_name: String,
    pub document_type: DocumentType,
    pub status: Status,
    pub did: Option<String>,
    pub dvc_id: String,
    pub user: User,
    pub created: DateTime<Utc>,
    pub expires: DateTime<Utc>,
    pub started: Option<DateTime<Utc>>,
    /// The deadline after which a started session is abandoned.
    pub abandoned: Option<DateTime<Utc>>,
    pub completed: Option<DateTime<Utc>>,
    pub result: Option<Outcome>,
    pub reason: Option<String>,
    pub retries: i64,
    pub awaiting_retry: bool,
    pub attempt_reason: Option<String>,
    pub chosen: Option<Outcome>,
    pub chosen_reason: Option<String>,
    pub captured: bool,
    pub polls: i64,
    pub assets_deleted: bool,
    pub document_uuid: Option<String>,
    pub liveid_uuid: Option<String>,
    pub connector_type: String,
    pub connector_license: Option<String>,
    pub config: Config,
    pub workflow_metadata: Option<Object>,
}

const SESSION: &str =
    "SELECT id, document_id, tenant_dns, tenant_id, community_id, community_name, document_type, status, did, dvc_id,
     uid, username, firstname, lastname, created_ms, expires_ms, started_ms, abandoned_ms, completed_ms, result, reason, retries,
     awaiting_retry, attempt_reason, chosen, chosen_reason, captured, polls, assets_deleted, document_uuid, liveid_uuid,
     connector_type, connector_license, config, workflow_metadata FROM kosmos_session";

fn session_of(row: &Row<'_>) -> Result<Session> {
    let moment = |name: &str| row.get::<_, Option<Millis>>(name).map(|at| at.map(|at| at.0));
    let outcome = |name: &str| row.get::<_, Option<AsText<Outcome>>>(name).map(|outcome| outcome.map(|outcome| outcome.0));
    Ok(Session {
        id: row.get("id")?,
        document_id: row.get("document_id")?,
        tenant_dns: row.get("tenant_dns")?,
        tenant_id: row.get("tenant_id")?,
        community_id: row.get("community_id")?,
        community_name: row.get("community_name")?,
        document_type: row.get::<_, AsText<_>>("document_type")?.0,
        status: row.get::<_, AsText<_>>("status")?.0,
        did: row.get("did")?,
        dvc_id: row.get("dvc_id")?,
        user: User {
            uid: row.get("uid")?,
            username: row.get("username")?,
            firstname: row.get("firstname")?,
            lastname: row.get("lastname")?,
        },
        created: row.get::<_, Millis>("created_ms")?.0,
        expires: row.get::<_, Millis>("expires_ms")?.0,
        started: moment("started_ms")?,
        abandoned: moment("abandoned_ms")?,
        completed: moment("completed_ms")?,
        result: outcome("result")?,
        reason: row.get("reason")?,
        retries: row.get("retries")?,
        awaiting_retry: row.get("awaiting_retry")?,
        attempt_reason: row.get("attempt_reason")?,
        chosen: outcome("chosen")?,
        chosen_reason: row.get("chosen_reason")?,
        captured: row.get("captured")?,
        polls: row.get("polls")?,
        assets_deleted: row.get("assets_deleted")?,
        document_uuid: row.get("document_uuid")?,
        liveid_uuid: row.get("liveid_uuid")?,
        connector_type: row.get("connector_type")?,
        connector_license: row.get("connector_license")?,
        config: row.get::<_, AsJson<_>>("config")?.0,
        workflow_metadata: row.get::<_, Option<AsJson<_>>>("workflow_metadata")?.map(|object| object.0),
    })
}

/// The session with this id.
pub(in super::super) fn session(db: &Connection, id: &str) -> Result<Option<Session>> {
    db.prepare_cached(&[SESSION, " WHERE id = ?1"].concat())?.query_row([id], session_of).optional()
}

/// Keeps a new session.
pub(in super::super) fn insert_session(db: &Connection, session: &Session) -> Result<()> {
    let lower = |name: &Option<String>| name.as_deref().unwrap_or_default().to_lowercase();
    let name_search = [lower(&session.user.firstname), lower(&session.user.lastname)].join("\n");
    db.prepare_cached(
        "INSERT INTO kosmos_session (id, document_id, tenant_dns, tenant_id, community_id, community_name, document_type, status, did,
             dvc_id, uid, username, firstname, lastname, name_search, created_ms, expires_ms, connector_type, connector_license,
             config, workflow_metadata)
         VALUES (:id, :document_id, :tenant_dns, :tenant_id, :community_id, :community_name, :document_type, :status, :did,
             :dvc_id, :uid, :username, :firstname, :lastname, :name_search, :created_ms, :expires_ms, :connector_type,
             :connector_license, :config, :workflow_metadata)",
    )?
    .execute(named_params! {
        ":id": session.id, ":document_id": session.document_id, ":tenant_dns": session.tenant_dns,
        ":tenant_id": session.tenant_id, ":community_id": session.community_id, ":community_name": session.community_name,
        ":document_type": AsText(session.document_type), ":status": AsText(session.status), ":did": session.did,
        ":dvc_id": session.dvc_id, ":uid": session.user.uid, ":username": session.user.username,
        ":firstname": session.user.firstname, ":lastname": session.user.lastname, ":name_search": name_search,
        ":created_ms": Millis(session.created), ":expires_ms": Millis(session.expires),
        ":connector_type": session.connector_type, ":connector_license": session.connector_license,
        ":config": AsJson(&session.config), ":workflow_metadata": session.workflow_metadata.as_ref().map(AsJson),
    })?;
    save(db, session)
}

/// Keeps what can change of a session.
pub(in super::super) fn save(db: &Connection, session: &Session) -> Result<()> {
    db.prepare_cached(
        "UPDATE kosmos_session SET status = :status, started_ms = :started_ms, abandoned_ms = :abandoned_ms,
             completed_ms = :completed_ms, result = :result, reason = :reason, retries = :retries,
             awaiting_retry = :awaiting_retry, attempt_reason = :attempt_reason, chosen = :chosen, chosen_reason = :chosen_reason,
             captured = :captured, polls = :polls, assets_deleted = :assets_deleted, document_uuid = :document_uuid,
             liveid_uuid = :liveid_uuid
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": session.id, ":status": AsText(session.status), ":started_ms": session.started.map(Millis),
        ":abandoned_ms": session.abandoned.map(Millis), ":completed_ms": session.completed.map(Millis),
        ":result": session.result.map(AsText), ":reason": session.reason, ":retries": session.retries,
        ":awaiting_retry": session.awaiting_retry, ":attempt_reason": session.attempt_reason,
        ":chosen": session.chosen.map(AsText), ":chosen_reason": session.chosen_reason, ":captured": session.captured,
        ":polls": session.polls, ":assets_deleted": session.assets_deleted, ":document_uuid": session.document_uuid,
        ":liveid_uuid": session.liveid_uuid,
    })?;
    Ok(())
}

/// What a list of sessions is narrowed to.
#[derive(Default)]
pub(in super::super) struct Filter {
    pub tenant_id: String,
    pub community_id: String,
    pub id: Option<String>,
    pub status: Option<Status>,
    /// A result that goes with the status.
    pub result: Option<Outcome>,
    /// A result asked for on its own.
    pub recommendation: Option<Outcome>,
    pub document_type: Option<DocumentType>,
    /// Part of the first or last name, in lower case.
    pub name: Option<String>,
    pub uid: Option<String>,
    pub dvc_id: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

const MATCHING: &str = " FROM kosmos_session INDEXED BY kosmos_session_list
     WHERE tenant_id = :tenant_id AND community_id = :community_id
       AND created_ms BETWEEN :from_ms AND :to_ms
       AND (:id IS NULL OR id = :id)
       AND (:status IS NULL OR status = :status)
       AND (:result IS NULL OR result = :result)
       AND (:recommendation IS NULL OR result = :recommendation)
       AND (:document_type IS NULL OR document_type = :document_type)
       AND (:dvc_id IS NULL OR dvc_id = :dvc_id)
       AND (:uid IS NULL OR instr(uid, :uid) > 0)
       AND (:name IS NULL OR instr(name_search, :name) > 0)";

/// One page of the sessions that a filter lets through, newest first, and how many it lets through in all.
pub(in super::super) fn list(db: &Connection, filter: &Filter, offset: i64, limit: i64) -> Result<(Vec<Session>, i64)> {
    let from_ms = filter.from.map_or(i64::MIN, |at| at.timestamp_millis());
    let to_ms = filter.to.map_or(i64::MAX, |at| at.timestamp_millis());
    let (status, result) = (filter.status.map(AsText), filter.result.map(AsText));
    let (recommendation, document_type) = (filter.recommendation.map(AsText), filter.document_type.map(AsText));
    let mut parameters: Vec<(&str, &dyn rusqlite::ToSql)> = vec![
        (":tenant_id", &filter.tenant_id),
        (":community_id", &filter.community_id),
        (":from_ms", &from_ms),
        (":to_ms", &to_ms),
        (":id", &filter.id),
        (":status", &status),
        (":result", &result),
        (":recommendation", &recommendation),
        (":document_type", &document_type),
        (":dvc_id", &filter.dvc_id),
        (":uid", &filter.uid),
        (":name", &filter.name),
    ];
    let total = db.prepare_cached(&["SELECT count(*)", MATCHING].concat())?.query_row(&*parameters, |row| row.get(0))?;
    parameters.push((":offset", &offset));
    parameters.push((":limit", &limit));
    let page = [
        SESSION,
        " WHERE id IN (SELECT id",
        MATCHING,
        " ORDER BY created_ms DESC, id DESC LIMIT :limit OFFSET :offset) ORDER BY created_ms DESC, id DESC",
    ];
    let sessions = db.prepare_cached(&page.concat())?.query_map(&*parameters, session_of)?.collect::<Result<_>>()?;
    Ok((sessions, total))
}

/// Something that happened in a session.
pub(in super::super) struct Event {
    pub activity: String,
    pub ip_address: String,
    pub user_agent: Option<String>,
    pub screen_name: Option<String>,
    pub at: DateTime<Utc>,
    /// Text or boolean, as the caller said.
    pub status: Option<Value>,
    pub error: Option<String>,
}

/// Adds to a session's history.
pub(in super::super) fn add_event(db: &Connection, session_id: &str, event: &Event) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO kosmos_history (session_id, activity, ip_address, user_agent, screen_name, at_ms, status, error)
         VALUES (:session_id, :activity, :ip_address, :user_agent, :screen_name, :at_ms, :status, :error)",
    )?
    .execute(named_params! {
        ":session_id": session_id, ":activity": event.activity, ":ip_address": event.ip_address,
        ":user_agent": event.user_agent, ":screen_name": event.screen_name, ":at_ms": Millis(event.at),
        ":status": event.status.as_ref().map(AsJson), ":error": event.error,
    })?;
    Ok(())
}

/// A session's history, oldest first.
pub(in super::super) fn history(db: &Connection, session_id: &str) -> Result<Vec<Event>> {
    db.prepare_cached(
        "SELECT activity, ip_address, user_agent, screen_name, at_ms, status, error FROM kosmos_history
         WHERE session_id = ?1 ORDER BY position",
    )?
    .query_map([session_id], |row| {
        Ok(Event {
            activity: row.get(0)?,
            ip_address: row.get(1)?,
            user_agent: row.get(2)?,
            screen_name: row.get(3)?,
            at: row.get::<_, Millis>(4)?.0,
            status: row.get::<_, Option<AsJson<_>>>(5)?.map(|status| status.0),
            error: row.get(6)?,
        })
    })?
    .collect()
}

/// Images of one submission, in base64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Capture {
    pub front: Option<String>,
    pub back: Option<String>,
    pub face: Option<String>,
}

/// Keeps a submission; one of that kind is replaced.
pub(in super::super) fn put_capture(db: &Connection, session_id: &str, kind: &str, capture: &Capture) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO kosmos_capture (session_id, kind, front, back, face) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (session_id, kind) DO UPDATE SET front = excluded.front, back = excluded.back, face = excluded.face",
    )?
    .execute((session_id, kind, &capture.front, &capture.back, &capture.face))?;
    Ok(())
}

/// A submission.
pub(in super::super) fn capture(db: &Connection, session_id: &str, kind: &str) -> Result<Option<Capture>> {
    db.prepare_cached("SELECT front, back, face FROM kosmos_capture WHERE session_id = ?1 AND kind = ?2")?
        .query_row([session_id, kind], |row| Ok(Capture { front: row.get(0)?, back: row.get(1)?, face: row.get(2)? }))
        .optional()
}

/// Deletes all submissions of a session.
pub(in super::super) fn delete_captures(db: &Connection, session_id: &str) -> Result<()> {
    db.prepare_cached("DELETE FROM kosmos_capture WHERE session_id = ?1")?.execute([session_id])?;
    Ok(())
}

/// What a certificate says, without what is made when it is read.
pub(in super::super) struct Certified {
    pub kind: String,
    pub at: DateTime<Utc>,
    pub result: Outcome,
    pub reason: Option<String>,
}

/// Adds a certificate to a session.
pub(in super::super) fn add_certificate(db: &Connection, session_id: &str, position: i64, certified: &Certified) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO kosmos_certificate (session_id, position, kind, at_ms, result, reason)
         VALUES (:session_id, :position, :kind, :at_ms, :result, :reason)",
    )?
    .execute(named_params! {
        ":session_id": session_id, ":position": position, ":kind": certified.kind, ":at_ms": Millis(certified.at),
        ":result": AsText(certified.result), ":reason": certified.reason,
    })?;
    Ok(())
}

/// A session's certificates, in their order.
pub(in super::super) fn certificates(db: &Connection, session_id: &str) -> Result<Vec<Certified>> {
    db.prepare_cached("SELECT kind, at_ms, result, reason FROM kosmos_certificate WHERE session_id = ?1 ORDER BY position")?
        .query_map([session_id], |row| {
            Ok(Certified {
                kind: row.get(0)?,
                at: row.get::<_, Millis>(1)?.0,
                result: row.get::<_, AsText<_>>(2)?.0,
                reason: row.get(3)?,
            })
        })?
        .collect()
}

/// Moves the times of all sessions, of what happened in them and of their certificates.
pub(in super::super) fn shift(db: &Connection, by: TimeDelta) -> Result<()> {
    let by_ms = by.num_milliseconds();
    db.execute(
        "UPDATE kosmos_session SET created_ms = created_ms + ?1, expires_ms = expires_ms + ?1, started_ms = started_ms + ?1,
             abandoned_ms = abandoned_ms + ?1, completed_ms = completed_ms + ?1",
        [by_ms],
    )?;
    db.execute("UPDATE kosmos_history SET at_ms = at_ms + ?1", [by_ms])?;
    db.execute("UPDATE kosmos_certificate SET at_ms = at_ms + ?1", [by_ms])?;
    Ok(())
}

/// The sessions on which time still works.
pub(in super::super) fn open_sessions(db: &Connection) -> Result<Vec<Session>> {
    db.prepare_cached(
        &[SESSION, " WHERE status IN ('PENDING', 'INPROGRESS') OR config LIKE '%pii_retention_ttl%' ORDER BY id"].concat(),
    )?
    .query_map([], session_of)?
    .collect()
}
