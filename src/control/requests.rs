//! `requests`: what came in and what went out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Call, Details};
use crate::http::{Reply, reply, wire};
use crate::world::faults::Connection;
use crate::world::journal::{Entry, Filter};

#[derive(Serialize)]
struct Exchange {
    id: u64,
    at: String,
    took_us: u128,
    provider: &'static str,
    operation: Option<&'static str>,
    method: String,
    url: String,
    status: u16,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<Connection>,
    request: Half,
    response: Half,
}

#[derive(Serialize)]
struct Half {
    headers: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

/// `GET requests`: 200 with the exchanges kept, newest last. Filters: `provider`, `operation`, `status`, `since` (an id).
pub(super) fn list(call: &Call<'_>) -> Result<Reply, Details> {
    let req = call.req;
    let filter = Filter {
        provider: req.query("provider").map(Into::into),
        operation: req.query("operation").map(Into::into),
        status: number(call, "status")?,
        since: number(call, "since")?,
    };
    let requests: Vec<Exchange> = call.world()?.journal.list(&filter).iter().map(exchange).collect();
    Ok(reply::json(StatusCode::OK, &json!({ "requests": requests })))
}

/// `DELETE requests`: 204; numbering goes on.
pub(super) fn clear(call: &Call<'_>) -> Result<Reply, Details> {
    call.world()?.journal.clear();
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `GET requests/<id>`: 200 with one exchange; 404 when it is unknown or forgotten.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, Details> {
    let id = call.req.param("id");
    let entry = id.parse().ok().and_then(|id| call.world.and_then(|world| world.journal.get(id)));
    call.world()?;
    let entry = entry.ok_or_else(|| Details::new(StatusCode::NOT_FOUND, format!("no request {id} is kept")))?;
    Ok(reply::json(StatusCode::OK, &exchange(&entry)))
}

fn number<T: std::str::FromStr>(call: &Call<'_>, name: &str) -> Result<Option<T>, Details> {
    let Some(text) = call.req.query(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Details::new(StatusCode::BAD_REQUEST, format!("{name}: {text:?} is not a number that fits")))
}

fn exchange(entry: &Entry) -> Exchange {
    Exchange {
        id: entry.id,
        at: wire::to_rfc3339_millis(entry.at),
        took_us: entry.took.as_micros(),
        provider: entry.provider,
        operation: entry.operation,
        method: entry.method.to_string(),
        url: entry.url(),
        status: entry.status.as_u16(),
        faults: entry.faults.clone(),
        connection: entry.connection,
        request: half(&entry.request_headers, &entry.request_body),
        response: half(&entry.response_headers, &entry.response_body),
    }
}

/// Headers with one value as text, with several as a list; a body as JSON where it says that it is, as text where it is text, and
/// as `{"base64": …}` otherwise.
fn half(headers: &HeaderMap, body: &Bytes) -> Half {
    let mut shown = Map::new();
    for name in headers.keys() {
        let mut values: Vec<Value> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned().into()).collect();
        let value = if values.len() == 1 { values.pop().unwrap_or_default() } else { values.into() };
        shown.insert(name.to_string(), value);
    }
    let says_json =
        headers.get(CONTENT_TYPE).is_some_and(|media_type| String::from_utf8_lossy(media_type.as_bytes()).contains("json"));
    let json = || serde_json::from_slice(body).ok().filter(|_| says_json);
    let text = || std::str::from_utf8(body).ok().map(Value::from);
    let body = (!body.is_empty()).then(|| json().or_else(text).unwrap_or_else(|| json!({ "base64": STANDARD.encode(body) })));
    Half { headers: shown, body }
}
