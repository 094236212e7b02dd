//! `settings/<slug>`: the documented switches of a provider, for a whole world.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Call, Details};
use crate::http::{Reply, reply};

/// `GET settings/<slug>`: 200 with each switch, its value and its default.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, Details> {
    show(call)
}

/// `PUT settings/<slug>`: sets the switches that the body names (`null` brings a default back); 200 with all of them; 400 for one
/// that does not exist or a value that it cannot take, and then nothing is set.
pub(super) fn set(call: &Call<'_>) -> Result<Reply, Details> {
    let slug = call.req.param("provider");
    let registry = &call.control.worlds.registry;
    registry.require(&slug)?;
    let values: Map<String, Value> = call.body()?;
    for (key, value) in &values {
        registry.check_setting(&slug, key, value).map_err(|reason| Details::new(StatusCode::BAD_REQUEST, reason))?;
    }
    let (_, outcome) =
        call.world()?.request(call.req.received, &slug, |cx| values.iter().try_for_each(|(key, value)| cx.set_setting(key, value)));
    outcome?;
    show(call)
}

fn show(call: &Call<'_>) -> Result<Reply, Details> {
    let slug = call.req.param("provider");
    let provider = call.control.worlds.registry.require(&slug)?;
    let (_, shown) = call.world()?.request(call.req.received, &slug, |cx| {
        provider
            .about()
            .settings
            .iter()
            .map(|setting| {
                let default: Value = serde_json::from_str(setting.default).unwrap_or_default();
                let value = cx.made_setting(setting.key).unwrap_or(&default).clone();
                Ok(json!({ "key": setting.key, "value": value, "default": default, "summary": setting.summary }))
            })
            .collect::<rusqlite::Result<Vec<Value>>>()
    });
    Ok(reply::json(StatusCode::OK, &json!({ "settings": shown? })))
}
