//! `snapshots`, `database`: states of a world put aside, gone back to, taken away as a file and brought back.

use chrono::{DateTime, Utc};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::form_urlencoded;

use super::{Call, Details};
use crate::http::{Reply, reply, wire};
use crate::world::clock::Mode;
use crate::world::snapshot::Snapshot;
use crate::worlds::MAGIC;

/// Media type of an SQLite file.
const SQLITE: HeaderValue = HeaderValue::from_static("application/vnd.sqlite3");

/// What else clients call an SQLite file.
const FILE_TYPES: [&str; 3] = ["application/vnd.sqlite3", "application/x-sqlite3", "application/octet-stream"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Take {
    name: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    name: Option<&'a str>,
    #[serde(serialize_with = "wire::rfc3339_millis")]
    taken_at: DateTime<Utc>,
    #[serde(serialize_with = "wire::rfc3339_millis")]
    now: DateTime<Utc>,
    clock: Mode,
    seed: u64,
    size_bytes: usize,
    memory_bytes: usize,
}

/// `GET snapshots`: 200 with the world's, oldest first.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, Details> {
    let snapshots = call.world()?.snapshots();
    let shown: Vec<Shown<'_>> = snapshots.iter().map(|snapshot| show(snapshot)).collect();
    Ok(reply::json(StatusCode::OK, &json!({ "snapshots": shown })))
}

/// `POST snapshots`: 201 with the state put aside, or with the one in the SQLite file that is the body; 400 for a file that cannot be
/// a state, 507 when snapshots would take too much memory.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, Details> {
    let world = call.world()?;
    let (worlds, real) = (&call.control.worlds, call.req.received);
    let as_file = is_file(call);
    for (parameter, _) in form_urlencoded::parse(call.req.query.as_bytes()) {
        if !(as_file && parameter == "name") {
            let detail = format!("there is no parameter {parameter:?}; a file may have ?name=, an object has it inside");
            return Err(Details::new(StatusCode::BAD_REQUEST, detail));
        }
    }
    let snapshot = if as_file {
        let name = call.req.query("name").map(Into::into);
        worlds.load_snapshot(world, &call.req.body, name, real)?
    } else {
        let Take { name } = call.body()?;
        worlds.take_snapshot(world, name, real)?
    };
    let location = call.req.links.url("", &format!("/_understudy/snapshots/{}", snapshot.id));
    Ok(reply::json(StatusCode::CREATED, &show(&snapshot)).header(LOCATION, location))
}

/// `DELETE snapshots/<id>`: 204; 404 for an unknown one.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, Details> {
    call.world()?.delete_snapshot(&call.req.param("id"))?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `POST snapshots/<id>/restore`: 204; 404 for an unknown one.
pub(super) fn restore(call: &Call<'_>) -> Result<Reply, Details> {
    call.world()?.restore_snapshot(&call.req.param("id"), call.req.received)?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `GET snapshots/<id>/file`: 200 with an SQLite file; 404 for an unknown one.
pub(super) fn file(call: &Call<'_>) -> Result<Reply, Details> {
    let world = call.world()?;
    let snapshot = world.snapshot(&call.req.param("id"))?;
    Ok(sqlite(snapshot.saved.image.to_bytes(), &format!("{}-{}", world.name(), snapshot.id)))
}

/// `GET database`: 200 with the state as an SQLite file.
pub(super) fn database(call: &Call<'_>) -> Result<Reply, Details> {
    let world = call.world()?;
    Ok(sqlite(world.save(call.req.received)?.image.to_bytes(), world.name()))
}

fn is_file(call: &Call<'_>) -> bool {
    let media_type = call.req.header(CONTENT_TYPE.as_str()).and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    call.req.body.starts_with(MAGIC) || FILE_TYPES.iter().any(|known| media_type.eq_ignore_ascii_case(known))
}

fn sqlite(bytes: Vec<u8>, stem: &str) -> Reply {
    reply::body(StatusCode::OK, SQLITE, bytes).header(CONTENT_DISPOSITION, format!("attachment; filename=\"{stem}.sqlite3\""))
}

fn show(snapshot: &Snapshot) -> Shown<'_> {
    let Snapshot { id, name, taken_at, saved, .. } = snapshot;
    Shown {
        id,
        name: name.as_deref(),
        taken_at: *taken_at,
        now: saved.now,
        clock: saved.mode(),
        seed: saved.seed(),
        size_bytes: saved.image.len(),
        memory_bytes: snapshot.memory(),
    }
}
