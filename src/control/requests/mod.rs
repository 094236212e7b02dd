//! `requests`: what came in and went out.

mod har;
mod query;
mod scenario;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Answer, Call, Details, Later};
use crate::http::{Reply, reply, wire};
use crate::world::World;
use crate::world::events::Event;
use crate::world::faults::Connection;
use crate::world::journal::Entry;
use query::{Format, Query};

#[derive(Serialize)]
struct Exchanges {
    requests: Vec<Exchange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count_reached: Option<bool>,
}

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

/// `GET requests`: 200 with the exchanges kept, newest last. Filters: `provider`, `operation`, `method`, `path`, `status`, `since`
/// (an id or a moment); `limit` shows the latest of them. With `wait_ms`, the answer comes once `count` of them are there, or that
/// time is over, or the server stops. `format=har` and `format=scenario` are files. 400 for anything else.
pub(super) fn list(call: &Call<'_>) -> Result<Later, Details> {
    let world = call.world()?.clone();
    if call.req.query("format").as_deref() == Some("scenario") {
        let reply = scenario::file(call, &world)?;
        return Ok(Box::pin(async move { Ok(Answer::from(reply)) }));
    }
    let query = Query::read(call)?;
    let end = call.end();
    Ok(Box::pin(async move {
        if !query.patience.is_zero() {
            tokio::select! {
                () = enough(&world, &query) => {}
                () = end => {}
            }
        }
        Ok(Answer::from(show(&world, &query)))
    }))
}

/// Ends when the exchanges that are waited for are there, or the time for it is over. Nothing is held meanwhile.
async fn enough(world: &World, query: &Query) {
    // Watched first, so that none can come unseen between the look and the wait.
    let mut events = world.events.watch();
    let there = async {
        while world.journal.count(&query.filter) < query.count.unwrap_or(1) {
            while let Ok(Event::Timer(_) | Event::Clock(_) | Event::Message(_) | Event::Reset) = events.recv().await {}
        }
    };
    let _ = tokio::time::timeout(query.patience, there).await;
}

fn show(world: &World, query: &Query) -> Reply {
    let found = world.journal.list(&query.filter);
    let count_reached = query.count.map(|count| found.len() >= count);
    let hidden = query.limit.map_or(0, |limit| found.len().saturating_sub(limit));
    let shown = found.get(hidden..).unwrap_or_default();
    match query.format {
        Format::Json => {
            let requests = shown.iter().map(|entry| exchange(entry)).collect();
            reply::json(StatusCode::OK, &Exchanges { requests, count_reached })
        }
        Format::Har => har::file(world.name(), shown),
    }
}

/// `DELETE requests`: 204; numbering goes on.
pub(super) fn clear(call: &Call<'_>) -> Result<Reply, Details> {
    let world = call.world()?;
    world.journal.clear();
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `GET requests/<id>`: 200 with one exchange; 404 when it is unknown or forgotten.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, Details> {
    let world = call.world()?;
    let id = call.req.param("id");
    let entry = id.parse().ok().and_then(|id| world.journal.get(id));
    let entry = entry.ok_or_else(|| Details::new(StatusCode::NOT_FOUND, format!("no request {id} is kept")))?;
    Ok(reply::json(StatusCode::OK, &exchange(&entry)))
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
