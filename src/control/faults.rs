//! `faults`: what goes wrong on purpose.

use http::StatusCode;
use serde_json::json;

use super::{Call, Details};
use crate::http::{Reply, reply};
use crate::world::faults::{Fault, Rule};

/// `GET faults`: 200 with all rules, spent ones too, in the order of creation.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, Details> {
    Ok(reply::json(StatusCode::OK, &json!({ "faults": call.world()?.faults.list() })))
}

/// `POST faults`: 201 with the rule; 400 for what can be none; 409 when the world has as many as it takes.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, Details> {
    let world = call.world()?;
    let rule: Rule = call.body()?;
    call.control.worlds.registry.check_fault(&rule)?;
    let id = world.faults.add(rule)?;
    let fault = world.faults.get(id).ok_or_else(|| unknown(&id.to_string()))?;
    Ok(reply::json(StatusCode::CREATED, &fault))
}

/// `DELETE faults`: 204; numbering goes on.
pub(super) fn clear(call: &Call<'_>) -> Result<Reply, Details> {
    call.world()?.faults.clear();
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

/// `GET faults/<id>`: 200 with a rule and what it did so far; 404 when there is none.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, Details> {
    let (id, world) = (call.req.param("id"), call.world()?);
    let fault: Option<Fault> = id.parse().ok().and_then(|id| world.faults.get(id));
    Ok(reply::json(StatusCode::OK, &fault.ok_or_else(|| unknown(&id))?))
}

/// `DELETE faults/<id>`: 204; 404 when there is none.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, Details> {
    let (id, world) = (call.req.param("id"), call.world()?);
    if id.parse().is_ok_and(|id| world.faults.remove(id)) { Ok(reply::empty(StatusCode::NO_CONTENT)) } else { Err(unknown(&id)) }
}

fn unknown(id: &str) -> Details {
    Details::new(StatusCode::NOT_FOUND, format!("there is no fault {id}"))
}
