//! `worlds`, `reset`: the worlds themselves.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::StatusCode;
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Call, Details};
use crate::http::{Reply, reply};
use crate::server::address::Port;
use crate::server::listen::{Listening, bind, reachable};
use crate::world::clock::{Mode, duration};
use crate::world::{ClockView, CreateError, Source, World};
use crate::worlds::{Additions, DEFAULT, Spec, Start};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: Option<String>,
    from: Option<String>,
    #[serde(default)]
    fixtures: Additions,
    seed: Option<u64>,
    now: Option<DateTime<Utc>>,
    clock: Option<Mode>,
    #[serde(default)]
    listen: bool,
    #[serde(default)]
    settings: BTreeMap<String, Map<String, Value>>,
    idle_ttl: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    #[serde(default)]
    to: ResetTo,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ResetTo {
    #[default]
    Fixtures,
    Empty,
}

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    seed: u64,
    clock: ClockView,
    url: String,
    control: String,
    providers: BTreeMap<&'static str, String>,
}

/// `GET worlds`: 200 with all of them.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, Details> {
    let worlds = call.control.worlds.all();
    let shown: Vec<Shown<'_>> = worlds.iter().map(|world| show(call, world, BTreeMap::new())).collect();
    Ok(reply::json(StatusCode::OK, &json!({ "worlds": shown })))
}

/// `GET worlds/<name>`: 200; 404 for an unknown one.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, Details> {
    let name = call.req.param("name");
    let world = call.control.worlds.get(&name).ok_or_else(|| super::unknown_world_details(&name))?;
    Ok(reply::json(StatusCode::OK, &show(call, &world, BTreeMap::new())))
}

/// `POST worlds`: 201 with name and addresses; 400 for what makes no sense, 404 for an unknown source, 409 for a name that is taken.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, Details> {
    let body: Create = call.body()?;
    let bad = |detail: String| Details::new(StatusCode::BAD_REQUEST, detail);
    let registry = &call.control.worlds.registry;
    let from = start(body.from.as_deref(), call.world_name).map_err(bad)?;
    let idle_ttl = body
        .idle_ttl
        .map(|text| duration(&text).ok_or_else(|| bad(format!("idle_ttl: {text:?} is no ISO 8601 duration such as \"PT10M\""))))
        .transpose()?;
    let mut settings = Vec::new();
    for (slug, values) in body.settings {
        for (key, value) in values {
            registry.check_setting(&slug, &key, &value).map_err(|reason| bad(format!("settings: {reason}")))?;
            settings.push((slug.clone(), key, value));
        }
    }
    let spec = Spec {
        name: body.name,
        from,
        fixtures: body.fixtures,
        seed: body.seed,
        now: body.now,
        mode: body.clock,
        settings,
        idle_ttl,
    };
    let world = call.control.worlds.create(spec, call.req.received)?;
    let own = if body.listen { open_ports(call, &world) } else { Ok(BTreeMap::new()) };
    let own = own.inspect_err(|_| call.control.worlds.forget(&world))?;
    let location = call.req.links.url("", &format!("/_understudy/worlds/{}", world.name()));
    Ok(reply::json(StatusCode::CREATED, &show(call, &world, own)).header(LOCATION, location))
}

/// `DELETE worlds/<name>`: 204; 404 for an unknown one, 409 for the default world, which stays.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, Details> {
    let name = call.req.param("name");
    if name == DEFAULT {
        return Err(Details::new(
            StatusCode::CONFLICT,
            "the default world stays; POST /_understudy/reset brings it back to its beginning",
        ));
    }
    if call.control.worlds.delete(&name) {
        Ok(reply::empty(StatusCode::NO_CONTENT))
    } else {
        Err(super::unknown_world_details(&name))
    }
}

/// `POST reset`: 204; data, clock, journal and outbox are as at the world's creation, or there is no data at all.
pub(super) fn reset(call: &Call<'_>) -> Result<Reply, Details> {
    let Reset { to } = call.body()?;
    let world = call.world()?;
    let empty = match to {
        ResetTo::Fixtures => None,
        ResetTo::Empty => {
            let image = call.control.worlds.empty(call.req.received)?;
            Some(Source::Fixtures { image, loaded_at: call.req.received })
        }
    };
    world.reset(empty, call.req.received).map_err(|error| match error {
        CreateError::Clock(error) => Details::new(StatusCode::BAD_REQUEST, error.to_string()),
        CreateError::Store(error) => Details::internal(error),
    })?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// What a world made in the world `here` begins with.
fn start(from: Option<&str>, here: &str) -> Result<Start, String> {
    let Some(from) = from.filter(|from| *from != "fixtures") else { return Ok(Start::Fixtures) };
    match from.split_once(':') {
        Some(("world", name)) => Ok(Start::World(name.to_owned())),
        Some(("snapshot", id)) => {
            let (world, id) = id.split_once('/').unwrap_or((here, id));
            Ok(Start::Snapshot { world: world.to_owned(), id: id.to_owned() })
        }
        _ => Err(format!(
            "from: {from:?} is none of \"fixtures\", \"world:<name>\", \"snapshot:<id>\" and \"snapshot:<world>/<id>\""
        )),
    }
}

/// A port of its own for each provider, paths as in production.
fn open_ports(call: &Call<'_>, world: &Arc<World>) -> Result<BTreeMap<&'static str, String>, Details> {
    let mut own = BTreeMap::new();
    let Some(life) = call.control.worlds.life(world) else {
        return Err(Details::new(StatusCode::CONFLICT, format!("the world {:?} was deleted meanwhile", world.name())));
    };
    for slug in call.control.worlds.registry.slugs() {
        let failed =
            |error: std::io::Error| Details::internal(format!("a port for world {:?} cannot be opened: {error}", world.name()));
        let socket = bind(SocketAddr::new(call.control.gateway.ip(), 0)).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        own.insert(slug, format!("{}://{}", call.control.scheme(), reachable(address)));
        let port = Port { provider: Some(slug), world: Some(world.name().to_owned()) };
        call.control
            .listeners
            .send(Listening { socket, port, life: Some(life.clone()) })
            .map_err(|_| Details::internal("the server is stopping"))?;
    }
    Ok(own)
}

fn show<'a>(call: &Call<'_>, world: &'a Arc<World>, own: BTreeMap<&'static str, String>) -> Shown<'a> {
    let links = &call.req.links;
    let prefix = if world.name() == DEFAULT { String::new() } else { format!("/~{}", world.name()) };
    let url = format!("{}://{}{prefix}", links.scheme, links.authority);
    let providers = if own.is_empty() {
        call.control.worlds.registry.slugs().map(|slug| (slug, format!("{url}/{slug}"))).collect()
    } else {
        own
    };
    Shown {
        name: world.name(),
        seed: world.seed(),
        clock: world.clock(call.req.received),
        control: format!("{url}/_understudy"),
        url,
        providers,
    }
}
