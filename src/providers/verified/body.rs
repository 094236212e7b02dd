//! Bodies of the API: JSON objects, whose unknown fields are ignored.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::error::Error;
use super::types::Status;
use crate::http::Req;

/// The body as an object; nothing at all counts as an empty one, as in the real service's framework.
pub(super) fn object(req: &Req) -> Result<Map<String, Value>, Error> {
    if req.body.is_empty() { Ok(Map::new()) } else { Ok(req.json_object()?) }
}

/// A UUID in its usual spelling, with hyphens; in lower case.
pub(super) fn uuid(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    canonical(&lower).map(|_| lower)
}

/// A UUID that is spelled with hyphens and in lower case.
pub(super) fn canonical(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|uuid| uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text)
}

/// `status` of a body that changes credentials.
pub(super) fn status(body: &Map<String, Value>) -> Result<Option<Status>, Error> {
    match body.get("status") {
        None => Ok(None),
        Some(Value::String(text)) if text == "valid" => Ok(Some(Status::Valid)),
        Some(Value::String(text)) if text == "revoked" => Ok(Some(Status::Revoked)),
        Some(_) => Err(Error::bad("status must be one of valid, revoked")),
    }
}
