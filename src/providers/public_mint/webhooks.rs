//! Webhooks: what the partner's server is told, as `{"data": {...}, "type": "..."}`. They carry no signature.

use std::collections::BTreeMap;

use serde::Serialize;

use super::store;
use super::types::Data;
use crate::world::Cx;

/// What happened, in the order of the keys of the body: data, then type.
#[derive(Debug, Serialize)]
struct Event<T> {
    #[serde(flatten)]
    data: Data<T>,
    r#type: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VerificationOf<'a> {
    identity_id: &'a str,
    verification_id: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExceptionsOf<'a> {
    exceptions: &'a [String],
    identity_id: &'a str,
}

#[derive(Debug, Serialize)]
struct Operations {
    operations: Vec<Activated>,
}

#[derive(Debug, Serialize)]
struct Activated {
    action: &'static str,
    code: &'static str,
}

/// A KYC provider was asked about an identity.
pub(super) fn verification_created(cx: &Cx<'_>, app_id: &str, identity_id: &str, verification_id: &str) -> rusqlite::Result<()> {
    send(cx, app_id, "identityVerificationCreated", &VerificationOf { identity_id, verification_id })
}

/// A KYC provider thinks otherwise of an identity.
pub(super) fn verification_updated(cx: &Cx<'_>, app_id: &str, identity_id: &str, verification_id: &str) -> rusqlite::Result<()> {
    send(cx, app_id, "identityVerificationUpdated", &VerificationOf { identity_id, verification_id })
}

/// A KYC provider is not content.
pub(super) fn exception_raised(cx: &Cx<'_>, app_id: &str, identity_id: &str, exceptions: &[String]) -> rusqlite::Result<()> {
    send(cx, app_id, "identityExceptionRaised", &ExceptionsOf { exceptions, identity_id })
}

/// Money operations (action and code) can be used from now on.
pub(super) fn operation_activated(cx: &Cx<'_>, app_id: &str, operations: &[(&'static str, &'static str)]) -> rusqlite::Result<()> {
    let operations = operations.iter().map(|&(action, code)| Activated { action, code }).collect();
    send(cx, app_id, "operationActivated", &Operations { operations })
}

/// Sends an event to the URL that the setting `webhooks` names for the app, or else to the app's own; to nobody where there is none.
fn send<T: Serialize>(cx: &Cx<'_>, app_id: &str, r#type: &'static str, data: &T) -> rusqlite::Result<()> {
    let mut urls: BTreeMap<String, Option<String>> = cx.setting("webhooks")?;
    let url = match urls.remove(app_id) {
        Some(url) => url,
        None => store::app_by_id(cx.db, app_id)?.and_then(|app| app.webhook_url),
    };
    let Some(url) = url else { return Ok(()) };
    let event = Event { data: Data { data }, r#type };
    let body = serde_json::to_string(&event).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    cx.send_webhook(&url, &body)
}
