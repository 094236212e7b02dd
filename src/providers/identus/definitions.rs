//! Credential definitions: kept and shown, but no credential is made from them.

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::Error;
use super::body::Body;
use super::schemas::{FIRST_VERSION, guid, long_id};
use super::store::schemas::{self, DefinitionRow};
use super::types::as_stamp;
use super::{answer, auth, js, param};
use crate::http::{Problem, Reply, Req};
use crate::world::Cx;
use crate::world::rng::Rng;

/// A definition, as the agent returns it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    guid: String,
    id: String,
    long_id: String,
    name: String,
    version: String,
    tag: String,
    description: String,
    author: String,
    #[serde(serialize_with = "as_stamp")]
    authored: DateTime<Utc>,
    schema_id: String,
    definition: Value,
    key_correctness_proof: Value,
    signature_type: &'static str,
    support_revocation: bool,
    kind: &'static str,
    #[serde(rename = "self")]
    url: String,
}

fn view(row: DefinitionRow) -> View {
    View {
        url: format!("/credential-definition-registry/definitions/{}", row.guid),
        guid: row.guid,
        long_id: long_id(&row.author, &row.id, &row.version),
        id: row.id,
        name: row.name,
        version: row.version,
        tag: row.tag,
        description: row.description,
        author: row.author,
        authored: row.authored,
        schema_id: row.schema_id,
        definition: row.definition,
        key_correctness_proof: row.key_proof,
        signature_type: "CL",
        support_revocation: true,
        kind: "CredentialDefinition",
    }
}

/// `GET /api/v1/definition`: lists the wallet's definitions, oldest first.
///
/// 200.
pub(super) fn list(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let rows = schemas::list_definitions(cx.db, &caller.wallet)?;
    answer::read(cx, rows.into_iter().map(view).collect::<Vec<_>>())
}

/// `GET /api/v1/definition/{guid}`: one definition.
///
/// 200; the agent's 404 when it is unknown.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let guid = param(req, "guid")?;
    let row = schemas::get_definition(cx.db, &caller.wallet, &guid.to_ascii_lowercase())?;
    let unknown =
        || Error::agent(cx, StatusCode::NOT_FOUND, format!("Credential Definition record cannot be found by guid={guid}"));
    answer::read(cx, view(row.ok_or_else(unknown)?))
}

/// `POST /api/v1/definition`: creates a definition for the schema at `location`.
///
/// 201; 400 when name, description, author or location is missing.
pub(super) fn create(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let body = Body::of(req)?;
    let text = |field: &str| body.truthy(field).map(js::text);
    let needed =
        |field: &str| text(field).ok_or_else(|| Error::handler(StatusCode::BAD_REQUEST, "Bad params for creating VC Definition"));
    let (name, description) = (needed("name")?, needed("description")?);
    let (author, schema_id) = (needed("author")?, needed("location")?);
    let version = text("version").unwrap_or_else(|| FIRST_VERSION.to_owned());
    let tag = text("tags").unwrap_or_default();
    let id = cx.rng.uuid().to_string();
    let value = KeyValue::random(&mut cx.rng);
    let definition = PublicKey { schema_id: &schema_id, kind: "CL", tag: &tag, value, issuer_id: &author };
    let row = DefinitionRow {
        guid: guid(&long_id(&author, &id, &version)),
        definition: kept(&definition)?,
        key_proof: kept(&KeyProof::random(&mut cx.rng))?,
        id,
        name,
        version,
        tag,
        description,
        author,
        schema_id,
        authored: cx.now,
    };
    schemas::insert_definition(cx.db, &caller.wallet, &row)?;
    Ok(answer::created(view(row)))
}

/// A number of `digits` decimal digits (a multiple of 18).
fn number(rng: &mut Rng, digits: usize) -> String {
    (0..digits / 18).map(|_| rng.code(18)).collect()
}

/// The public half of a definition's key, in the form of `AnonCreds`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PublicKey<'a> {
    schema_id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    tag: &'a str,
    value: KeyValue,
    issuer_id: &'a str,
}

#[derive(Serialize)]
struct KeyValue {
    primary: Primary,
}

#[derive(Serialize)]
struct Primary {
    n: String,
    s: String,
    r: Secrets,
    rctxt: String,
    z: String,
}

#[derive(Serialize)]
struct Secrets {
    master_secret: String,
}

impl KeyValue {
    /// Random numbers: no credential can be made with them.
    fn random(rng: &mut Rng) -> Self {
        let mut next = || number(rng, 612);
        let r = Secrets { master_secret: next() };
        Self { primary: Primary { n: next(), s: next(), r, rctxt: next(), z: next() } }
    }
}

/// The proof that a key is sound, in the form of `AnonCreds`.
#[derive(Serialize)]
struct KeyProof {
    c: String,
    xz_cap: String,
    xr_cap: [(&'static str, String); 1],
}

impl KeyProof {
    /// Random numbers too.
    fn random(rng: &mut Rng) -> Self {
        Self { c: number(rng, 72), xz_cap: number(rng, 684), xr_cap: [("master_secret", number(rng, 684))] }
    }
}

/// A value that is kept as JSON.
fn kept<T: Serialize>(value: &T) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|error| {
        tracing::error!(%error, "a definition could not be written as JSON");
        Error::from(Problem::Internal)
    })
}
