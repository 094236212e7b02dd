//! Credential schemas and credential definitions.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};
use serde_json::Value;

use super::Micros;
use crate::world::store::AsJson;

/// A schema, as it is kept.
#[derive(Debug)]
pub(crate) struct SchemaRow {
    pub guid: String,
    pub id: String,
    pub name: String,
    pub version: String,
    pub tags: Vec<String>,
    pub description: String,
    pub schema: Value,
    pub author: String,
    pub authored: DateTime<Utc>,
}

fn schema(row: &Row<'_>) -> Result<SchemaRow> {
    Ok(SchemaRow {
        guid: row.get(0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        version: row.get(3)?,
        tags: row.get::<_, AsJson<_>>(4)?.0,
        description: row.get(5)?,
        schema: row.get::<_, AsJson<_>>(6)?.0,
        author: row.get(7)?,
        authored: row.get::<_, Micros>(8)?.0,
    })
}

/// Adds a version of a schema.
pub(crate) fn insert(db: &Connection, wallet: &str, schema: &SchemaRow) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO identus_schema (guid, wallet_id, id, name, version, tags, description, schema, author, authored_us)
         VALUES (:guid, :wallet_id, :id, :name, :version, :tags, :description, :schema, :author, :authored_us)",
    )?
    .execute(named_params! {
        ":guid": schema.guid,
        ":wallet_id": wallet,
        ":id": schema.id,
        ":name": schema.name,
        ":version": schema.version,
        ":tags": AsJson(&schema.tags),
        ":description": schema.description,
        ":schema": AsJson(&schema.schema),
        ":author": schema.author,
        ":authored_us": Micros(schema.authored),
    })?;
    Ok(())
}

/// The schemas of a wallet, oldest first.
pub(crate) fn list(db: &Connection, wallet: &str) -> Result<Vec<SchemaRow>> {
    db.prepare_cached(
        "SELECT guid, id, name, version, tags, description, schema, author, authored_us
         FROM identus_schema WHERE wallet_id = ?1 ORDER BY seq",
    )?
    .query_map([wallet], schema)?
    .collect()
}

/// One version of a schema.
pub(crate) fn get(db: &Connection, wallet: &str, guid: &str) -> Result<Option<SchemaRow>> {
    db.prepare_cached(
        "SELECT guid, id, name, version, tags, description, schema, author, authored_us
         FROM identus_schema WHERE wallet_id = ?1 AND guid = ?2",
    )?
    .query_row([wallet, guid], schema)
    .optional()
}

/// Whether a wallet has a schema with this id, in any version.
pub(crate) fn has_id(db: &Connection, wallet: &str, id: &str) -> Result<bool> {
    db.prepare_cached("SELECT 1 FROM identus_schema WHERE wallet_id = ?1 AND id = ?2")?.exists([wallet, id])
}

/// The id of the wallet's newest schema of this name.
pub(crate) fn id_of_name(db: &Connection, wallet: &str, name: &str) -> Result<Option<String>> {
    db.prepare_cached("SELECT id FROM identus_schema WHERE wallet_id = ?1 AND name = ?2 ORDER BY seq DESC LIMIT 1")?
        .query_row([wallet, name], |row| row.get(0))
        .optional()
}

/// Whether a wallet's schema has this version.
pub(crate) fn has_version(db: &Connection, wallet: &str, id: &str, version: &str) -> Result<bool> {
    db.prepare_cached("SELECT 1 FROM identus_schema WHERE wallet_id = ?1 AND id = ?2 AND version = ?3")?
        .exists([wallet, id, version])
}

/// A definition, as it is kept.
#[derive(Debug)]
pub(crate) struct DefinitionRow {
    pub guid: String,
    pub id: String,
    pub name: String,
    pub version: String,
    pub tag: String,
    pub description: String,
    pub author: String,
    pub schema_id: String,
    pub definition: Value,
    pub key_proof: Value,
    pub authored: DateTime<Utc>,
}

fn definition(row: &Row<'_>) -> Result<DefinitionRow> {
    Ok(DefinitionRow {
        guid: row.get(0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        version: row.get(3)?,
        tag: row.get(4)?,
        description: row.get(5)?,
        author: row.get(6)?,
        schema_id: row.get(7)?,
        definition: row.get::<_, AsJson<_>>(8)?.0,
        key_proof: row.get::<_, AsJson<_>>(9)?.0,
        authored: row.get::<_, Micros>(10)?.0,
    })
}

/// Adds a definition.
pub(crate) fn insert_definition(db: &Connection, wallet: &str, definition: &DefinitionRow) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO identus_definition
             (guid, wallet_id, id, name, version, tag, description, author, schema_id, definition, key_proof, authored_us)
         VALUES (:guid, :wallet_id, :id, :name, :version, :tag, :description, :author, :schema_id, :definition, :key_proof, :authored_us)",
    )?
    .execute(named_params! {
        ":guid": definition.guid,
        ":wallet_id": wallet,
        ":id": definition.id,
        ":name": definition.name,
        ":version": definition.version,
        ":tag": definition.tag,
        ":description": definition.description,
        ":author": definition.author,
        ":schema_id": definition.schema_id,
        ":definition": AsJson(&definition.definition),
        ":key_proof": AsJson(&definition.key_proof),
        ":authored_us": Micros(definition.authored),
    })?;
    Ok(())
}

/// The definitions of a wallet, oldest first.
pub(crate) fn list_definitions(db: &Connection, wallet: &str) -> Result<Vec<DefinitionRow>> {
    db.prepare_cached(
        "SELECT guid, id, name, version, tag, description, author, schema_id, definition, key_proof, authored_us
         FROM identus_definition WHERE wallet_id = ?1 ORDER BY seq",
    )?
    .query_map([wallet], definition)?
    .collect()
}

/// One definition.
pub(crate) fn get_definition(db: &Connection, wallet: &str, guid: &str) -> Result<Option<DefinitionRow>> {
    db.prepare_cached(
        "SELECT guid, id, name, version, tag, description, author, schema_id, definition, key_proof, authored_us
         FROM identus_definition WHERE wallet_id = ?1 AND guid = ?2",
    )?
    .query_row([wallet, guid], definition)
    .optional()
}
