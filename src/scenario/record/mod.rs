//! Writes what clients did in a world as a scenario that plays again in a fresh one.
//!
//! Values that a client took from an answer are captured there; test credentials are named; the rest of an answer is expected as it
//! was, but for what changes from world to world (ids, tokens, times, addresses), of which only the type is expected.

mod known;
mod prove;
mod steps;
mod volatile;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, Method};
use serde_json::{Map, Value, json};

pub use prove::Recorded;
use steps::Steps;

/// What happened in a world since it began.
#[derive(Debug)]
pub struct Recording {
    /// Its seed.
    pub seed: u64,
    /// Settings that were made when it began: provider, key, value.
    pub settings: Vec<(String, String, Value)>,
    /// What its providers offer.
    pub providers: Vec<Facts>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// What a scenario can name of a provider.
#[derive(Debug)]
pub struct Facts {
    /// Its slug.
    pub slug: String,
    /// Operation ids and their paths, parameters in braces.
    pub operations: Vec<(String, String)>,
    /// Test credentials: name and value.
    pub credentials: Vec<(String, String)>,
    /// The security scheme of its contract that is HTTP Basic, if there is one.
    pub basic: Option<String>,
}

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A client asked a provider.
    Request(Exchange),
    /// Somebody used the control API.
    Move(Move),
}

/// A request and its answer.
#[derive(Debug)]
pub struct Exchange {
    /// When, on the world's clock.
    pub at: DateTime<Utc>,
    /// The provider, by slug.
    pub slug: String,
    /// The operation; none when no route matched.
    pub operation: Option<String>,
    /// The method.
    pub method: Method,
    /// The address of the provider, as the client wrote it, without a slash at its end.
    pub base: String,
    /// The path below it.
    pub path: String,
    /// The query, as the client wrote it.
    pub query: String,
    /// Headers of the request.
    pub headers: HeaderMap,
    /// Body of the request.
    pub body: Bytes,
    /// Status of the answer; none where a fault cut it off.
    pub status: Option<u16>,
    /// Headers of the answer.
    pub response_headers: HeaderMap,
    /// Body of the answer.
    pub response_body: Bytes,
}

/// A call of the control API.
#[derive(Debug)]
pub struct Move {
    /// When, on the world's clock.
    pub at: DateTime<Utc>,
    /// The method.
    pub method: Method,
    /// The path below `/_understudy/`.
    pub path: String,
    /// The query.
    pub query: String,
    /// Its body, as JSON; null for none.
    pub body: Value,
    /// Status of the answer.
    pub status: u16,
    /// The answer, as JSON.
    pub answer: Value,
}

/// The recording as the text of a scenario. Of the answers of the steps in `loosely` (1, 2, 3, …), only the status is expected.
pub fn write(recording: &Recording, loosely: &[usize]) -> Result<String, String> {
    let began = recording.events.first().map(|event| match event {
        Event::Request(exchange) => exchange.at,
        Event::Move(moved) => moved.at,
    });
    let mut start = Map::new();
    if let Some(began) = began {
        start.insert("now".to_owned(), rfc3339(began).into());
    }
    start.insert("seed".to_owned(), recording.seed.into());
    let mut settings: Map<String, Value> = Map::new();
    for (slug, key, value) in &recording.settings {
        if let Some(of) = settings.entry(slug.clone()).or_insert_with(|| json!({})).as_object_mut() {
            of.insert(key.clone(), value.clone());
        }
    }
    if !settings.is_empty() {
        start.insert("settings".to_owned(), settings.into());
    }
    let steps = Steps::of(recording, began, loosely);
    if steps.is_empty() {
        return Err("nothing happened yet that could be played again".to_owned());
    }
    let scenario = json!({
        "title": "A recorded session",
        "description": "What clients did, as it was recorded. Give the steps sentences, and leave out what does not matter.",
        "start": start,
        "steps": steps,
    });
    serde_saphyr::to_string(&scenario).map_err(|error| format!("it cannot be written as YAML: {error}"))
}

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
