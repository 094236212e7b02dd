//! `simulations`: what people and outside systems do.

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Details};
use crate::http::{AnyProvider, Input, Links, Refusal, Reply, reply};
use crate::world::{Failure, World};

/// `GET simulations`: 200 with all of them: provider, name, what it does, an example input.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, Details> {
    let mut all = Vec::new();
    for provider in call.control.worlds.registry.providers() {
        let about = provider.about();
        for simulation in about.simulations {
            let example: Value = serde_json::from_str(simulation.example).unwrap_or_default();
            all.push(json!({ "provider": about.slug, "name": simulation.name, "summary": simulation.summary, "example": example }));
        }
    }
    Ok(reply::json(StatusCode::OK, &json!({ "simulations": all })))
}

/// `POST simulations/<slug>/<name>`: 200 with its result; 400, 404 or 409 with the reason when nothing was done.
pub(super) fn run(call: &Call<'_>) -> Result<Reply, Details> {
    let slug = call.req.param("provider");
    let name = call.req.param("name");
    let provider = call.control.worlds.registry.require(&slug)?;
    let value: Value = call.body()?;
    let links = call.req.links.provider(&slug);
    let result = perform(call.world()?, &**provider, &name, value, links, call.req.received)?;
    Ok(reply::json(StatusCode::OK, &result))
}

/// Runs a simulation in a world.
pub fn perform(
    world: &World,
    provider: &dyn AnyProvider,
    name: &str,
    value: Value,
    links: Links,
    real: DateTime<Utc>,
) -> Result<Value, Refusal> {
    let about = provider.about();
    let simulation = about.simulations.iter().find(|simulation| simulation.name == name).ok_or_else(|| {
        let known: Vec<&str> = about.simulations.iter().map(|simulation| simulation.name).collect();
        Refusal::NotFound(format!("{} has no simulation {name:?}; it has {}", about.slug, known.join(", ")))
    })?;
    let input = Input { value, links };
    let (_, outcome) = world.request(real, about.slug, |cx| (simulation.run)(cx, &input));
    outcome.map_err(|failure| match failure {
        Failure::Refused(refusal) => refusal,
        Failure::Store(error) => Refusal::Store(error),
        Failure::Panicked(message) => Refusal::Panicked(message),
    })
}
