//! Templates, buckets, service keys and uploaded objects.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};

use super::super::buckets::Credentials;
use super::super::templates::Step;
use super::super::types::DocumentType;
use crate::world::store::{AsJson, AsText, Millis};

/// A stored template.
pub(in super::super) struct Template {
    pub id: String,
    pub tenant_id: String,
    pub community_id: String,
    pub dvc_id: String,
    pub document_type: DocumentType,
    pub workflow: Vec<Step>,
}

const TEMPLATE: &str = "SELECT id, tenant_id, community_id, dvc_id, document_type, workflow FROM kosmos_template";

fn template_of(row: &Row<'_>) -> Result<Template> {
    Ok(Template {
        id: row.get(0)?,
        tenant_id: row.get(1)?,
        community_id: row.get(2)?,
        dvc_id: row.get(3)?,
        document_type: row.get::<_, AsText<_>>(4)?.0,
        workflow: row.get::<_, AsJson<_>>(5)?.0,
    })
}

/// The template with this id, under a tenant and community.
pub(in super::super) fn template(db: &Connection, tenant_id: &str, community_id: &str, id: &str) -> Result<Option<Template>> {
    db.prepare_cached(&[TEMPLATE, " WHERE id = ?3 AND tenant_id = ?1 AND community_id = ?2"].concat())?
        .query_row([tenant_id, community_id, id], template_of)
        .optional()
}

/// The templates of a configuration, oldest first; all its document types or one.
pub(in super::super) fn templates(
    db: &Connection,
    tenant_id: &str,
    community_id: &str,
    dvc_id: &str,
    document_type: Option<DocumentType>,
) -> Result<Vec<Template>> {
    let sql =
        " WHERE tenant_id = ?1 AND community_id = ?2 AND dvc_id = ?3 AND (?4 IS NULL OR document_type = ?4) ORDER BY position";
    db.prepare_cached(&[TEMPLATE, sql].concat())?
        .query_map((tenant_id, community_id, dvc_id, document_type.map(AsText)), template_of)?
        .collect()
}

/// Keeps a template; says whether there was room: one a configuration and document type.
pub(in super::super) fn insert_template(db: &Connection, template: &Template) -> Result<bool> {
    let added = db
        .prepare_cached(
            "INSERT INTO kosmos_template (id, tenant_id, community_id, dvc_id, document_type, workflow)
             VALUES (:id, :tenant_id, :community_id, :dvc_id, :document_type, :workflow)
             ON CONFLICT (tenant_id, community_id, dvc_id, document_type) DO NOTHING",
        )?
        .execute(named_params! {
            ":id": template.id, ":tenant_id": template.tenant_id, ":community_id": template.community_id,
            ":dvc_id": template.dvc_id, ":document_type": AsText(template.document_type), ":workflow": AsJson(&template.workflow),
        })?;
    Ok(added == 1)
}

/// Gives a template another workflow.
pub(in super::super) fn update_workflow(db: &Connection, id: &str, workflow: &[Step]) -> Result<()> {
    db.prepare_cached("UPDATE kosmos_template SET workflow = ?2 WHERE id = ?1")?.execute((id, AsJson(workflow)))?;
    Ok(())
}

/// Deletes a template; says whether there was one.
pub(in super::super) fn delete_template(db: &Connection, tenant_id: &str, community_id: &str, id: &str) -> Result<bool> {
    let deleted = db
        .prepare_cached("DELETE FROM kosmos_template WHERE id = ?3 AND tenant_id = ?1 AND community_id = ?2")?
        .execute([tenant_id, community_id, id])?;
    Ok(deleted > 0)
}

/// A stored bucket.
pub(in super::super) struct Bucket {
    pub id: String,
    pub tenant_id: String,
    pub community_id: String,
    pub kind: String,
    pub name: String,
    pub enabled: bool,
    pub created_by: String,
    pub created: DateTime<Utc>,
    pub updated: DateTime<Utc>,
    pub credentials: Credentials,
}

/// The bucket of a tenant's community.
pub(in super::super) fn bucket(db: &Connection, tenant_id: &str, community_id: &str) -> Result<Option<Bucket>> {
    db.prepare_cached(
        "SELECT id, tenant_id, community_id, kind, name, enabled, created_by, created_ms, updated_ms, credentials
         FROM kosmos_bucket WHERE tenant_id = ?1 AND community_id = ?2",
    )?
    .query_row([tenant_id, community_id], |row| {
        Ok(Bucket {
            id: row.get(0)?,
            tenant_id: row.get(1)?,
            community_id: row.get(2)?,
            kind: row.get(3)?,
            name: row.get(4)?,
            enabled: row.get(5)?,
            created_by: row.get(6)?,
            created: row.get::<_, Millis>(7)?.0,
            updated: row.get::<_, Millis>(8)?.0,
            credentials: row.get::<_, AsJson<_>>(9)?.0,
        })
    })
    .optional()
}

/// Keeps the bucket of a tenant's community. One that was there keeps its id and its creation.
pub(in super::super) fn put_bucket(db: &Connection, bucket: &Bucket) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO kosmos_bucket (id, tenant_id, community_id, kind, name, enabled, created_by, created_ms, updated_ms, credentials)
         VALUES (:id, :tenant_id, :community_id, :kind, :name, :enabled, :created_by, :created_ms, :updated_ms, :credentials)
         ON CONFLICT (tenant_id, community_id) DO UPDATE SET kind = excluded.kind, name = excluded.name,
             enabled = excluded.enabled, created_by = excluded.created_by, updated_ms = excluded.updated_ms,
             credentials = excluded.credentials",
    )?
    .execute(named_params! {
        ":id": bucket.id, ":tenant_id": bucket.tenant_id, ":community_id": bucket.community_id, ":kind": bucket.kind,
        ":name": bucket.name, ":enabled": bucket.enabled, ":created_by": bucket.created_by,
        ":created_ms": Millis(bucket.created), ":updated_ms": Millis(bucket.updated), ":credentials": AsJson(&bucket.credentials),
    })?;
    Ok(())
}

/// Moves the times of all buckets.
pub(in super::super) fn shift_buckets(db: &Connection, by: TimeDelta) -> Result<()> {
    db.execute("UPDATE kosmos_bucket SET created_ms = created_ms + ?1, updated_ms = updated_ms + ?1", [by.num_milliseconds()])?;
    Ok(())
}

/// A stored service key.
pub(in super::super) struct ServiceKey {
    pub key_id: String,
    pub secret: String,
    pub tag: String,
    pub kind: String,
}

fn service_key_of(row: &Row<'_>) -> Result<ServiceKey> {
    Ok(ServiceKey { key_id: row.get(0)?, secret: row.get(1)?, tag: row.get(2)?, kind: row.get(3)? })
}

/// All service keys, in their order.
pub(in super::super) fn service_keys(db: &Connection) -> Result<Vec<ServiceKey>> {
    db.prepare_cached("SELECT key_id, secret, tag, kind FROM kosmos_service_key ORDER BY position")?
        .query_map([], service_key_of)?
        .collect()
}

/// Keeps a service key.
pub(in super::super) fn insert_service_key(db: &Connection, key: &ServiceKey) -> Result<()> {
    db.execute(
        "INSERT INTO kosmos_service_key (key_id, secret, tag, kind) VALUES (?1, ?2, ?3, ?4)",
        [&key.key_id, &key.secret, &key.tag, &key.kind],
    )?;
    Ok(())
}

/// Gives a service key another id and secret; the key as it is now, if there was one.
pub(in super::super) fn reset_service_key(db: &Connection, key_id: &str, new_id: &str, secret: &str) -> Result<Option<ServiceKey>> {
    db.prepare_cached(
        "UPDATE kosmos_service_key SET key_id = ?2, secret = ?3 WHERE key_id = ?1 RETURNING key_id, secret, tag, kind",
    )?
    .query_row([key_id, new_id, secret], service_key_of)
    .optional()
}

/// Keeps an uploaded object; one of that name is replaced.
pub(in super::super) fn put_object(db: &Connection, session_id: &str, name: &str, bytes: &[u8]) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO kosmos_object (session_id, name, bytes) VALUES (?1, ?2, ?3)
         ON CONFLICT (session_id, name) DO UPDATE SET bytes = excluded.bytes",
    )?
    .execute((session_id, name, bytes))?;
    Ok(())
}

/// An uploaded object.
pub(in super::super) fn object(db: &Connection, session_id: &str, name: &str) -> Result<Option<Vec<u8>>> {
    db.prepare_cached("SELECT bytes FROM kosmos_object WHERE session_id = ?1 AND name = ?2")?
        .query_row([session_id, name], |row| row.get(0))
        .optional()
}

/// Whether an object was uploaded.
pub(in super::super) fn has_object(db: &Connection, session_id: &str, name: &str) -> Result<bool> {
    db.prepare_cached("SELECT EXISTS (SELECT 1 FROM kosmos_object WHERE session_id = ?1 AND name = ?2)")?
        .query_row([session_id, name], |row| row.get(0))
}

/// Deletes all objects of a session.
pub(in super::super) fn delete_objects(db: &Connection, session_id: &str) -> Result<()> {
    db.prepare_cached("DELETE FROM kosmos_object WHERE session_id = ?1")?.execute([session_id])?;
    Ok(())
}
