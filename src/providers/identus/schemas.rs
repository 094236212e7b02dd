//! Credential schemas.

use chrono::{DateTime, Utc};
use http::StatusCode;
use md5::{Digest as _, Md5};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Error;
use super::body::Body;
use super::store::schemas::{self, SchemaRow};
use super::types::as_stamp;
use super::{answer, auth, js, param};
use crate::http::{Links, Problem, Reply, Req};
use crate::world::Cx;

/// The type of every schema.
const TYPE: &str = "https://w3c-ccg.github.io/vc-json-schemas/schema/2.0/schema.json";

/// The version of a schema or definition that names none.
pub(super) const FIRST_VERSION: &str = "1.0.0";

/// A version of a schema, as the agent returns it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    guid: String,
    id: String,
    long_id: String,
    name: String,
    version: String,
    tags: Vec<String>,
    description: String,
    #[serde(rename = "type")]
    kind_of_schema: &'static str,
    schema: Value,
    author: String,
    #[serde(serialize_with = "as_stamp")]
    authored: DateTime<Utc>,
    kind: &'static str,
    #[serde(rename = "self")]
    url: String,
}

fn view(row: SchemaRow) -> View {
    View {
        url: format!("/schema-registry/schemas/{}", row.guid),
        guid: row.guid,
        long_id: long_id(&row.author, &row.id, &row.version),
        id: row.id,
        name: row.name,
        version: row.version,
        tags: row.tags,
        description: row.description,
        kind_of_schema: TYPE,
        schema: row.schema,
        author: row.author,
        authored: row.authored,
        kind: "CredentialSchema",
    }
}

/// The name of one version, from which its `guid` follows.
pub(super) fn long_id(author: &str, id: &str, version: &str) -> String {
    format!("{author}/{id}?version={version}")
}

/// `UUID.nameUUIDFromBytes` of Java: the MD5 hash of the bytes alone, marked as version 3.
pub(super) fn guid(long_id: &str) -> String {
    uuid::Builder::from_md5_bytes(Md5::digest(long_id).into()).into_uuid().to_string()
}

/// `GET /api/v1/schema`: lists the wallet's schemas, oldest first.
///
/// 200.
pub(super) fn list(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let rows = schemas::list(cx.db, &caller.wallet)?;
    answer::read(cx, rows.into_iter().map(view).collect::<Vec<_>>())
}

/// `GET /api/v1/schema/{id}`: one version of a schema, by its `guid`.
///
/// 200; the agent's 404 when it is unknown.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let guid = param(req, "id")?;
    let row = schemas::get(cx.db, &caller.wallet, &guid.to_ascii_lowercase())?;
    let row = row.ok_or_else(|| {
        Error::agent(cx, StatusCode::NOT_FOUND, format!("Credential Schema record cannot be found by guid={guid}"))
    })?;
    answer::read(cx, view(row))
}

/// What a body says of a schema.
struct Wanted {
    name: String,
    version: String,
    description: String,
    author: String,
    tags: Vec<String>,
    properties: Vec<Value>,
}

/// Reads the description of a schema; none when name, description, author or properties are missing.
fn wanted(body: &Body) -> Option<Wanted> {
    let text = |field: &str| body.truthy(field).map(js::text);
    // A form can only send an array as text.
    let array = |value: &Value| match value {
        Value::Array(items) => Some(items.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    };
    Some(Wanted {
        name: text("name")?.replace(' ', "_"),
        version: text("version").unwrap_or_else(|| FIRST_VERSION.to_owned()),
        description: text("description")?,
        author: text("author")?,
        tags: body.truthy("aTag").and_then(array).unwrap_or_default().iter().map(js::text).collect(),
        properties: body.truthy("aProp").and_then(array)?,
    })
}

/// The JSON schema of a credential's claims.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(rename = "$id")]
    id: String,
    #[serde(rename = "$schema")]
    draft: &'static str,
    description: String,
    #[serde(rename = "type")]
    kind: &'static str,
    properties: Map<String, Value>,
    required: Vec<String>,
    additional_properties: bool,
}

/// What is known of one property.
#[derive(Serialize)]
struct Property {
    #[serde(rename = "type")]
    kind: String,
}

fn document(wanted: &Wanted, links: &Links) -> serde_json::Result<Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for property in &wanted.properties {
        let Some(name) = property.get("name").filter(|name| js::truthy(name)).map(js::text) else { continue };
        let kind = property.get("type").map_or_else(|| "string".to_owned(), js::text);
        properties.insert(name.clone(), serde_json::to_value(Property { kind })?);
        if property.get("isRequired").is_some_and(js::switched_on) {
            required.push(name);
        }
    }
    let file = format!("{}_{}", wanted.name, wanted.version.replace('.', "_"));
    serde_json::to_value(Document {
        id: links.url("api", &format!("/assets/schema/{file}.json")),
        draft: "https://json-schema.org/draft/2020-12/schema",
        description: wanted.description.clone(),
        kind: "object",
        properties,
        required,
        additional_properties: true,
    })
}

fn bad_params() -> Error {
    Error::handler(StatusCode::BAD_REQUEST, "Bad params for creating Schema")
}

/// Stores a version of the schema `id`; the agent's 409 when there is that version.
fn store(cx: &Cx<'_>, wallet: &str, id: String, wanted: Wanted, links: &Links) -> Result<SchemaRow, Error> {
    let row = SchemaRow {
        guid: guid(&long_id(&wanted.author, &id, &wanted.version)),
        schema: document(&wanted, links).map_err(|error| {
            tracing::error!(%error, "a schema could not be written as JSON");
            Error::from(Problem::Internal)
        })?,
        id,
        name: wanted.name,
        version: wanted.version,
        tags: wanted.tags,
        description: wanted.description,
        author: wanted.author,
        authored: cx.now,
    };
    if schemas::get(cx.db, wallet, &row.guid)?.is_some() {
        let detail = format!("Credential Schema record with id={} and version={} already exists", row.id, row.version);
        return Err(Error::agent(cx, StatusCode::CONFLICT, detail));
    }
    schemas::insert(cx.db, wallet, &row)?;
    Ok(row)
}

/// `POST /api/v1/schema`: creates a schema.
///
/// 201; 400 when name, description, author or properties are missing.
pub(super) fn create(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let wanted = wanted(&Body::of(req)?).ok_or_else(bad_params)?;
    let id = cx.rng.uuid().to_string();
    let row = store(cx, &caller.wallet, id, wanted, &req.links)?;
    Ok(answer::created(view(row)))
}

/// `PATCH /api/v1/schema/{id}`: stores another version of a schema. (In the real service this call fails on every input.)
///
/// 200; 400 when name, description, author or properties are missing; the agent's 404 for an unknown id, 409 for a version that exists.
pub(super) fn update(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let id = param(req, "id")?.to_ascii_lowercase();
    let wanted = wanted(&Body::of(req)?).ok_or_else(bad_params)?;
    if !schemas::has_id(cx.db, &caller.wallet, &id)? {
        return Err(Error::agent(cx, StatusCode::NOT_FOUND, format!("Credential Schema record cannot be found by id={id}")));
    }
    let row = store(cx, &caller.wallet, id, wanted, &req.links)?;
    Ok(answer::changed(view(row)))
}

/// What an installation did, by the names of the schemas.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Installed {
    a_registered: Vec<String>,
    a_updated: Vec<String>,
}

/// `POST /api/v1/schema/install`: creates those of the given schemas that are new, and new versions of the others.
///
/// 201 with the names of both; 400 when a schema lacks name, description, author or properties, and then nothing is done.
pub(super) fn install(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let body = Body::of(req)?;
    let given = match body.get("aSchema") {
        Some(Value::Array(given)) => given.clone(),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| bad_params())?,
        _ => return Err(bad_params()),
    };
    let mut installed = Installed::default();
    for schema in given {
        let Value::Object(fields) = schema else { return Err(bad_params()) };
        let wanted = wanted(&Body::from(fields)).ok_or_else(bad_params)?;
        let name = wanted.name.clone();
        match schemas::id_of_name(cx.db, &caller.wallet, &name)? {
            None => {
                let id = cx.rng.uuid().to_string();
                store(cx, &caller.wallet, id, wanted, &req.links)?;
                installed.a_registered.push(name);
            }
            Some(id) if schemas::has_version(cx.db, &caller.wallet, &id, &wanted.version)? => {}
            Some(id) => {
                store(cx, &caller.wallet, id, wanted, &req.links)?;
                installed.a_updated.push(name);
            }
        }
    }
    Ok(answer::created(installed))
}

#[cfg(test)]
mod tests {
    use super::guid;

    #[test]
    fn a_name_has_the_uuid_that_java_gives_it() {
        // UUID.nameUUIDFromBytes("hello".getBytes())
        assert_eq!(guid("hello"), "5d41402a-bc4b-3a76-b971-9d911017c592");
    }
}
