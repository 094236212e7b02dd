//! The schema resolver: what each credential type looks like. No key is needed.

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::error::Error;
use super::schema::{self, Attributes, CredentialType};
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// A type in the older form.
#[derive(Serialize)]
struct OlderForm {
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Attributes>,
    json: &'static Value,
}

/// An object with a key for each type, in their order.
struct ByType<T>(fn(&'static CredentialType) -> T);

impl<T: Serialize> Serialize for ByType<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(schema::all().map(|kind| (kind.name.as_str(), (self.0)(kind))))
    }
}

/// `GET /jsonSchema`: 200 with the JSON Schema of each type.
pub(super) fn list_json(_cx: &mut Cx<'_>, _req: &Req) -> Result<Reply, Error> {
    Ok(reply::json(StatusCode::OK, &ByType(schema::json_schema)))
}

/// `GET /jsonSchema/{type}`: 200 with its JSON Schema; 404 for an unknown type.
pub(super) fn get_json(_cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    Ok(reply::json(StatusCode::OK, schema::json_schema(known(req)?)))
}

/// `GET /schema`: 200 with each type in the older form.
pub(super) fn list(_cx: &mut Cx<'_>, _req: &Req) -> Result<Reply, Error> {
    Ok(reply::json(StatusCode::OK, &ByType(|kind| OlderForm { attributes: None, json: schema::json_schema(kind) })))
}

/// `GET /schema/{type}`: 200 with the type in the older form, and its attributes; 404 for an unknown type.
pub(super) fn get(_cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let kind = known(req)?;
    let body = OlderForm { attributes: Some(schema::attributes(kind)), json: schema::json_schema(kind) };
    Ok(reply::json(StatusCode::OK, &body))
}

fn known(req: &Req) -> Result<&'static CredentialType, Error> {
    let name = req.param("type");
    schema::credential_type(&name).ok_or_else(|| Error::NotFound(format!("Schema not found for type: {name}")))
}
