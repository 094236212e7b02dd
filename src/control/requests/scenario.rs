//! What happened since a world began, as a scenario that plays again.

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;

use super::super::{Call, Details};
use crate::http::Reply;
use crate::scenario::record::{self, Event, Exchange, Facts, Recording};
use crate::world::World;
use crate::world::journal::{Entry, Move, NO_ANSWER};

const YAML: HeaderValue = HeaderValue::from_static("application/yaml; charset=utf-8");

/// The recording of a world; 409 when it cannot be played in a fresh one.
fn recording(call: &Call<'_>, world: &World) -> Result<Recording, Details> {
    let conflict = |detail: &str| Details::new(StatusCode::CONFLICT, detail);
    if !world.begins_with_fixtures() {
        return Err(conflict(
            "this world began with the state of another, which a scenario cannot make; record one that began with the fixtures",
        ));
    }
    let (entries, moves) = world.journal.whole().ok_or_else(|| {
        conflict("the beginning is not kept any more; POST /_understudy/reset begins anew (1000 requests and 16 MiB are kept)")
    })?;
    let mut providers = Vec::new();
    for provider in call.control.worlds.registry.providers() {
        let about = provider.about();
        let links = call.req.links.provider(about.slug);
        let credentials = world.look(call.req.received, about.slug, |cx| provider.environment(cx, &links))?;
        providers.push(Facts {
            slug: about.slug.to_owned(),
            basic: basic_scheme(about.openapi),
            operations: provider.operations().iter().map(|one| (one.id.to_owned(), one.path.to_owned())).collect(),
            // Not the addresses, which differ from world to world and have names of their own.
            credentials: credentials
                .into_iter()
                .filter(|variable| !variable.value.contains(&call.req.links.authority))
                .map(|variable| (variable.name, variable.value))
                .collect(),
        });
    }
    let mut moves = moves.iter().peekable();
    let mut events = Vec::new();
    for entry in &entries {
        while let Some(moved) = moves.next_if(|moved| moved.after < entry.id) {
            events.push(Event::Move(shown(moved)));
        }
        events.push(Event::Request(exchange(entry)));
    }
    events.extend(moves.map(|moved| Event::Move(shown(moved))));
    Ok(Recording { seed: world.seed(), settings: world.first_settings().to_vec(), providers, events })
}

/// The answer to `GET requests?format=scenario`. It takes no filter, since a story is whole or none; `loosely` lists the steps of which
/// only the status is expected.
pub(super) fn file(call: &Call<'_>, world: &World) -> Result<Reply, Details> {
    call.takes_only(&["format", "loosely"])?;
    let loosely = call.req.query("loosely").unwrap_or_default();
    let loosely: Result<Vec<usize>, _> = loosely.split(',').filter(|step| !step.is_empty()).map(str::parse).collect();
    let loosely = loosely.map_err(|_| Details::new(StatusCode::BAD_REQUEST, "loosely: it wants numbers of steps, such as 3,7"))?;
    let recording = recording(call, world)?;
    let text = record::write(&recording, &loosely).map_err(|reason| Details::new(StatusCode::CONFLICT, reason))?;
    let name = HeaderValue::from_str(&format!("attachment; filename=\"{}.yaml\"", world.name())).map_err(Details::internal)?;
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, YAML), (CONTENT_DISPOSITION, name)]);
    Ok(Reply { status: StatusCode::OK, headers, body: text.into(), wait: std::time::Duration::ZERO })
}

/// The name of the security scheme that is HTTP Basic, in a contract that has one.
fn basic_scheme(openapi: &str) -> Option<String> {
    let document: Value = serde_json::from_str(openapi).ok()?;
    let schemes = document.pointer("/components/securitySchemes")?.as_object()?;
    schemes.iter().find(|(_, scheme)| scheme.get("scheme").is_some_and(|scheme| scheme == "basic")).map(|(name, _)| name.clone())
}

fn exchange(entry: &Entry) -> Exchange {
    let below = entry.target.path().strip_suffix(entry.path.as_str()).unwrap_or_default();
    let is_whole = entry.status.as_u16() != NO_ANSWER && entry.connection.is_none();
    Exchange {
        at: entry.at,
        slug: entry.provider.to_owned(),
        operation: entry.operation.map(str::to_owned),
        method: entry.method.clone(),
        base: format!("{}://{}{below}", entry.scheme, entry.authority),
        path: entry.path.clone(),
        query: entry.target.query().unwrap_or_default().to_owned(),
        headers: entry.request_headers.clone(),
        body: entry.request_body.clone(),
        status: is_whole.then(|| entry.status.as_u16()),
        response_headers: entry.response_headers.clone(),
        response_body: entry.response_body.clone(),
    }
}

fn shown(moved: &Move) -> record::Move {
    let json = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or(Value::Null);
    record::Move {
        at: moved.at,
        method: moved.method.clone(),
        path: moved.path.clone(),
        query: moved.query.clone(),
        body: json(&moved.body),
        status: moved.status.as_u16(),
        answer: json(&moved.answer),
    }
}
