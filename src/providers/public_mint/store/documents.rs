//! Documents, and the files in the bucket.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Result, named_params};

use crate::providers::public_mint::types::Document;
use crate::world::store::{AsJson, AsText, Millis};

/// Adds a document to an identity. `object_key` is where its file is in the bucket.
pub(in super::super) fn insert(db: &Connection, identity: i64, document: &Document, object_key: &str) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO public_mint_document (identity, id, side, type, label, description, url, object_key, created_ms, updated_ms)
         VALUES (:identity, :id, :side, :type, :label, :description, :url, :object_key, :created_ms, :updated_ms)",
    )?
    .execute(named_params! {
        ":identity": identity,
        ":id": document.id,
        ":side": AsText(document.side),
        ":type": AsText(document.r#type),
        ":label": document.label,
        ":description": document.description,
        ":url": document.url,
        ":object_key": object_key,
        ":created_ms": Millis(document.created_at),
        ":updated_ms": Millis(document.updated_at),
    })?;
    Ok(())
}

/// The documents of these identities, each identity's in the order in which they were added.
pub(super) fn of_identities(db: &Connection, numbers: &[i64]) -> Result<BTreeMap<i64, Vec<Document>>> {
    let mut statement = db.prepare_cached(
        "SELECT identity, id, side, type, label, description, url, created_ms, updated_ms FROM public_mint_document
         WHERE identity IN (SELECT value FROM json_each(?1)) ORDER BY identity, number",
    )?;
    let mut found: BTreeMap<i64, Vec<Document>> = BTreeMap::new();
    let mut rows = statement.query([AsJson(numbers)])?;
    while let Some(row) = rows.next()? {
        found.entry(row.get(0)?).or_default().push(Document {
            id: row.get(1)?,
            side: row.get::<_, AsText<_>>(2)?.0,
            r#type: row.get::<_, AsText<_>>(3)?.0,
            label: row.get(4)?,
            description: row.get(5)?,
            url: row.get(6)?,
            created_at: row.get::<_, Millis>(7)?.0,
            updated_at: row.get::<_, Millis>(8)?.0,
        });
    }
    Ok(found)
}

/// Where the file of an identity's document is in the bucket.
pub(in super::super) fn object_key(db: &Connection, identity: i64, id: &str) -> Result<Option<String>> {
    db.prepare_cached("SELECT object_key FROM public_mint_document WHERE id = ?1 AND identity = ?2")?
        .query_row((id, identity), |row| row.get(0))
        .optional()
}

/// Whether a document of an identity that is not deleted has its file under a key.
pub(in super::super) fn is_in_use(db: &Connection, key: &str) -> Result<bool> {
    db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM public_mint_document JOIN public_mint_identity ON public_mint_identity.number = identity
             WHERE object_key = ?1 AND deleted_ms IS NULL)",
    )?
    .query_row([key], |row| row.get(0))
}

/// Keeps a file; one under the same key is replaced.
pub(in super::super) fn put_object(db: &Connection, key: &str, bytes: &[u8]) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO public_mint_object (key, bytes) VALUES (?1, ?2)")?.execute((key, bytes))?;
    Ok(())
}

/// The file under a key.
pub(in super::super) fn object(db: &Connection, key: &str) -> Result<Option<Vec<u8>>> {
    db.prepare_cached("SELECT bytes FROM public_mint_object WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()
}
