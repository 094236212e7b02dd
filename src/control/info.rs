//! `health`, `info`, `openapi`: what is running, and how to use it.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Call, Details, OPENAPI};
use crate::http::any::Operation;
use crate::http::{Reply, Variable, reply};
use crate::world::ClockView;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    uptime_ms: i64,
    faults: usize,
}

#[derive(Serialize)]
struct Info<'a> {
    version: &'static str,
    world: &'a str,
    seed: u64,
    clock: ClockView,
    providers: Vec<ProviderInfo<'a>>,
}

#[derive(Serialize)]
struct ProviderInfo<'a> {
    slug: &'static str,
    title: &'static str,
    base_url: String,
    hosts: Vec<&'static str>,
    openapi: String,
    environment: Vec<Variable>,
    operations: &'a [Operation],
}

/// `GET health`: 200 as soon as the server can serve, with the number of fault rules that may still strike in the world. Its state
/// is not touched.
pub(super) fn health(call: &Call<'_>) -> Result<Reply, Details> {
    let uptime_ms = (call.req.received - call.control.started).num_milliseconds();
    let faults = call.world.map_or(0, |world| world.faults.active());
    Ok(reply::json(StatusCode::OK, &Health { status: "ok", version: env!("CARGO_PKG_VERSION"), uptime_ms, faults }))
}

/// `GET info`: 200 with what a client needs: addresses, test credentials as environment variables, operations.
pub(super) fn info(call: &Call<'_>) -> Result<Reply, Details> {
    let world = call.world()?;
    let real = call.req.received;
    let registry = &call.control.worlds.registry;
    let mut providers = Vec::new();
    for provider in registry.providers() {
        let about = provider.about();
        let links = call.req.links.provider(about.slug);
        let (_, environment) = world.request(real, about.slug, |cx| provider.environment(cx, &links));
        let environment = environment?;
        providers.push(ProviderInfo {
            slug: about.slug,
            title: about.title,
            base_url: links.url("", ""),
            hosts: about.sites.iter().flat_map(|site| site.hosts).copied().collect(),
            openapi: call.req.links.url("", &format!("/_understudy/openapi/{}.json", about.slug)),
            environment,
            operations: provider.operations(),
        });
    }
    let info =
        Info { version: env!("CARGO_PKG_VERSION"), world: world.name(), seed: world.seed(), clock: world.clock(real), providers };
    Ok(reply::json(StatusCode::OK, &info))
}

/// `GET openapi/<slug>.json` (`control` for this API): 200 with the document, its server set to the caller's address; 404 for an
/// unknown name.
pub(super) fn openapi(call: &Call<'_>) -> Result<Reply, Details> {
    let file = call.req.param("file");
    let slug = file.strip_suffix(".json").unwrap_or(&file);
    let links = &call.req.links;
    let (text, server) = if slug == "control" {
        (OPENAPI, links.url("", "/_understudy"))
    } else {
        let provider = call.control.worlds.registry.require(slug)?;
        (provider.about().openapi, links.provider(slug).url("", ""))
    };
    let mut document: Value = serde_json::from_str(text).map_err(Details::internal)?;
    if let Some(object) = document.as_object_mut() {
        object.insert("servers".to_owned(), json!([{ "url": server }]));
    }
    Ok(reply::json(StatusCode::OK, &document))
}
