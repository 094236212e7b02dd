//! Switches of the provider.

use serde_json::Value;

use super::formats;
use crate::http::Setting;

/// The longest time that a sandbox decision may take, in milliseconds: 30 days.
const DELAY_MAX_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// All of them.
pub(super) const ALL: &[Setting] = &[
    Setting {
        key: "webhooks",
        summary: "Where an app's webhooks go: an object of app ids and URLs (null for nowhere); an app that is not in it has the URL of \
                  its fixture. They are put into the outbox, and posted where the server may call",
        default: "{}",
        check: webhooks,
    },
    Setting {
        key: "sandboxDelayMs",
        summary: "How long the sandbox takes to approve or reject, in milliseconds on the world's clock",
        default: "0",
        check: delay,
    },
    Setting {
        key: "kycProviders",
        summary: "Names of the active KYC providers: each has an opinion of every identity created from then on, and operations",
        default: r#"["PrimeTrust"]"#,
        check: providers,
    },
    Setting {
        key: "envelope",
        summary: "What stands around a single identity: \"data\" (an object with the field data) or \"none\"",
        default: r#""data""#,
        check: envelope,
    },
];

fn webhooks(value: &Value) -> Result<(), String> {
    let urls = value.as_object().ok_or("it wants an object of app ids and URLs")?;
    for (id, url) in urls {
        if formats::uuid(id).as_ref() != Some(id) {
            return Err(format!("{id:?} is no app id: a version 4 UUID in lower case"));
        }
        if !url.is_null() && !url.as_str().is_some_and(formats::is_uri) {
            return Err(format!("{url} is no http or https URL"));
        }
    }
    Ok(())
}

fn delay(value: &Value) -> Result<(), String> {
    let is_delay = value.as_u64().is_some_and(|delay_ms| delay_ms <= DELAY_MAX_MS);
    if is_delay { Ok(()) } else { Err(format!("it wants a whole number from 0 to {DELAY_MAX_MS}")) }
}

fn providers(value: &Value) -> Result<(), String> {
    let names = value.as_array().ok_or("it wants an array of names")?;
    let is_name = |name: &Value| name.as_str().is_some_and(|name| !name.trim().is_empty());
    if names.iter().all(is_name) { Ok(()) } else { Err("each name is a string that is not blank".to_owned()) }
}

fn envelope(value: &Value) -> Result<(), String> {
    match value.as_str() {
        Some("data" | "none") => Ok(()),
        _ => Err("it is \"data\" or \"none\"".to_owned()),
    }
}
