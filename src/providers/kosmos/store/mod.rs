//! All SQL of the provider.

pub(super) mod resources;
pub(super) mod sessions;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Result, named_params};

use super::types::{Config, Level};
use crate::crypto::ecdh::Curve;
use crate::world::store::{AsJson, AsText, Millis};

/// The service's key pair on a curve, in base64.
pub(super) struct Keys {
    /// The curve.
    pub curve: Curve,
    /// The scalar. It never leaves the service.
    pub private: String,
    /// X and Y.
    pub public: String,
}

/// The key pair on a curve.
pub(super) fn keys(db: &Connection, curve: Curve) -> Result<Keys> {
    db.prepare_cached("SELECT private_key, public_key FROM kosmos_key WHERE curve = ?1")?
        .query_row([curve.name()], |row| Ok(Keys { curve, private: row.get(0)?, public: row.get(1)? }))
}

/// Keeps a key pair.
pub(super) fn insert_keys(db: &Connection, keys: &Keys) -> Result<()> {
    db.execute(
        "INSERT INTO kosmos_key (curve, private_key, public_key) VALUES (?1, ?2, ?3)",
        (keys.curve.name(), &keys.private, &keys.public),
    )?;
    Ok(())
}

/// Whether there are keys at all.
pub(super) fn has_keys(db: &Connection) -> Result<bool> {
    db.query_row("SELECT EXISTS (SELECT 1 FROM kosmos_key)", [], |row| row.get(0))
}

/// A named secret; empty when there is none.
pub(super) fn secret(db: &Connection, name: &str) -> Result<String> {
    let found =
        db.prepare_cached("SELECT value FROM kosmos_secret WHERE name = ?1")?.query_row([name], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or_default())
}

/// Keeps a named secret.
pub(super) fn insert_secret(db: &Connection, name: &str, value: &str) -> Result<()> {
    db.execute("INSERT INTO kosmos_secret (name, value) VALUES (?1, ?2)", [name, value])?;
    Ok(())
}

/// A tenant, as community discovery shows it.
pub(super) struct Tenant {
    pub id: String,
    pub tag: String,
    pub name: String,
    pub kind: String,
    pub firstname: String,
    pub lastname: String,
    pub other_dns: Vec<String>,
}

/// A community of a tenant.
pub(super) struct Community {
    pub id: String,
    pub tenant_id: String,
    pub name: String,
}

const TENANT: &str = "SELECT id, tag, name, kind, firstname, lastname, other_dns FROM kosmos_tenant";

fn tenant_of(row: &rusqlite::Row<'_>) -> Result<Tenant> {
    Ok(Tenant {
        id: row.get(0)?,
        tag: row.get(1)?,
        name: row.get(2)?,
        kind: row.get(3)?,
        firstname: row.get(4)?,
        lastname: row.get(5)?,
        other_dns: row.get::<_, AsJson<_>>(6)?.0,
    })
}

/// The tenant with this id.
pub(super) fn tenant(db: &Connection, id: &str) -> Result<Option<Tenant>> {
    db.prepare_cached(&[TENANT, " WHERE id = ?1"].concat())?.query_row([id], tenant_of).optional()
}

/// The first tenant.
pub(super) fn first_tenant(db: &Connection) -> Result<Option<Tenant>> {
    db.prepare_cached(&[TENANT, " ORDER BY position LIMIT 1"].concat())?.query_row([], tenant_of).optional()
}

/// The tenant with this host name.
pub(super) fn tenant_by_dns(db: &Connection, dns: &str) -> Result<Option<Tenant>> {
    db.prepare_cached(&[TENANT, " WHERE id = (SELECT tenant_id FROM kosmos_dns WHERE dns = ?1)"].concat())?
        .query_row([dns.to_ascii_lowercase()], tenant_of)
        .optional()
}

/// Keeps a tenant with its host names.
pub(super) fn insert_tenant(db: &Connection, position: i64, tenant: &Tenant, dns: &[String]) -> Result<()> {
    db.execute(
        "INSERT INTO kosmos_tenant (id, position, tag, name, kind, firstname, lastname, other_dns)
         VALUES (:id, :position, :tag, :name, :kind, :firstname, :lastname, :other_dns)",
        named_params! {
            ":id": tenant.id, ":position": position, ":tag": tenant.tag, ":name": tenant.name, ":kind": tenant.kind,
            ":firstname": tenant.firstname, ":lastname": tenant.lastname, ":other_dns": AsJson(&tenant.other_dns),
        },
    )?;
    for name in dns {
        db.execute("INSERT INTO kosmos_dns (dns, tenant_id) VALUES (?1, ?2)", [&name.to_ascii_lowercase(), &tenant.id])?;
    }
    Ok(())
}

fn community_of(row: &rusqlite::Row<'_>) -> Result<Community> {
    Ok(Community { id: row.get(0)?, tenant_id: row.get(1)?, name: row.get(2)? })
}

/// The community of a tenant with this id.
pub(super) fn community(db: &Connection, tenant_id: &str, id: &str) -> Result<Option<Community>> {
    db.prepare_cached("SELECT id, tenant_id, name FROM kosmos_community WHERE id = ?2 AND tenant_id = ?1")?
        .query_row([tenant_id, id], community_of)
        .optional()
}

/// The community of a tenant with this name.
pub(super) fn community_by_name(db: &Connection, tenant_id: &str, name: &str) -> Result<Option<Community>> {
    db.prepare_cached("SELECT id, tenant_id, name FROM kosmos_community WHERE tenant_id = ?1 AND name = ?2")?
        .query_row([tenant_id, name], community_of)
        .optional()
}

/// Keeps a community.
pub(super) fn insert_community(db: &Connection, community: &Community) -> Result<()> {
    db.execute(
        "INSERT INTO kosmos_community (id, tenant_id, name) VALUES (?1, ?2, ?3)",
        [&community.id, &community.tenant_id, &community.name],
    )?;
    Ok(())
}

/// A license.
pub(super) struct License {
    pub secret: String,
    pub key_id: String,
    pub tag: String,
    pub level: Level,
    pub disabled: bool,
    pub expiry: Option<DateTime<Utc>>,
}

/// The license with this secret.
pub(super) fn license(db: &Connection, secret: &str) -> Result<Option<License>> {
    db.prepare_cached("SELECT secret, key_id, tag, level, disabled, expiry_ms FROM kosmos_license WHERE secret = ?1")?
        .query_row([secret], |row| {
            Ok(License {
                secret: row.get(0)?,
                key_id: row.get(1)?,
                tag: row.get(2)?,
                level: row.get::<_, AsText<_>>(3)?.0,
                disabled: row.get(4)?,
                expiry: row.get::<_, Option<Millis>>(5)?.map(|at| at.0),
            })
        })
        .optional()
}

/// A valid license of this level, for whoever wants to try the service.
pub(super) fn license_of_level(db: &Connection, level: Level) -> Result<Option<String>> {
    db.prepare_cached(
        "SELECT secret FROM kosmos_license WHERE level = ?1 AND NOT disabled AND expiry_ms IS NULL ORDER BY secret LIMIT 1",
    )?
    .query_row([AsText(level)], |row| row.get(0))
    .optional()
}

/// Keeps a license.
pub(super) fn insert_license(db: &Connection, license: &License) -> Result<()> {
    db.execute(
        "INSERT INTO kosmos_license (secret, key_id, tag, level, disabled, expiry_ms)
         VALUES (:secret, :key_id, :tag, :level, :disabled, :expiry_ms)",
        named_params! {
            ":secret": license.secret, ":key_id": license.key_id, ":tag": license.tag, ":level": AsText(license.level),
            ":disabled": license.disabled, ":expiry_ms": license.expiry.map(Millis),
        },
    )?;
    Ok(())
}

/// Whether a service key has this secret.
pub(super) fn is_service_key(db: &Connection, secret: &str) -> Result<bool> {
    db.prepare_cached("SELECT EXISTS (SELECT 1 FROM kosmos_service_key WHERE secret = ?1)")?.query_row([secret], |row| row.get(0))
}

/// Notes that a `requestid` was used; says whether it is new.
pub(super) fn note_request(db: &Connection, digest: &str, at: DateTime<Utc>) -> Result<bool> {
    let added = db
        .prepare_cached("INSERT INTO kosmos_request (digest, at_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute((digest, Millis(at)))?;
    Ok(added == 1)
}

/// Forgets the `requestid`s that were used before a moment.
pub(super) fn forget_requests(db: &Connection, before: DateTime<Utc>) -> Result<()> {
    db.prepare_cached("DELETE FROM kosmos_request WHERE at_ms < ?1")?.execute([Millis(before)])?;
    Ok(())
}

/// What a dvcID stands for.
pub(super) struct Configuration {
    pub dvc_id: String,
    pub tag: String,
    pub connector_id: String,
    pub connector_type: String,
    pub connector_config: Config,
    pub config: Config,
}

/// The configuration with this dvcID.
pub(super) fn configuration(db: &Connection, dvc_id: &str) -> Result<Option<Configuration>> {
    db.prepare_cached(
        "SELECT dvc_id, tag, connector_id, connector_type, connector_config, config FROM kosmos_configuration WHERE dvc_id = ?1",
    )?
    .query_row([dvc_id], |row| {
        Ok(Configuration {
            dvc_id: row.get(0)?,
            tag: row.get(1)?,
            connector_id: row.get(2)?,
            connector_type: row.get(3)?,
            connector_config: row.get::<_, AsJson<_>>(4)?.0,
            config: row.get::<_, AsJson<_>>(5)?.0,
        })
    })
    .optional()
}

/// Keeps a configuration.
pub(super) fn insert_configuration(db: &Connection, configuration: &Configuration) -> Result<()> {
    db.execute(
        "INSERT INTO kosmos_configuration (dvc_id, tag, connector_id, connector_type, connector_config, config)
         VALUES (:dvc_id, :tag, :connector_id, :connector_type, :connector_config, :config)",
        named_params! {
            ":dvc_id": configuration.dvc_id, ":tag": configuration.tag, ":connector_id": configuration.connector_id,
            ":connector_type": configuration.connector_type, ":connector_config": AsJson(&configuration.connector_config),
            ":config": AsJson(&configuration.config),
        },
    )?;
    Ok(())
}
