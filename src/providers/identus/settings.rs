//! The provider's switches.

use serde_json::Value;

use crate::http::Setting;

/// A delay of a day or less, in milliseconds.
fn delay(value: &Value) -> Result<(), String> {
    const MAX_MS: i64 = 86_400_000;
    match value.as_i64() {
        Some(0..=MAX_MS) => Ok(()),
        _ => Err(format!("it must be a whole number of milliseconds, 0 to {MAX_MS}")),
    }
}

fn flag(value: &Value) -> Result<(), String> {
    if value.is_boolean() { Ok(()) } else { Err("it must be true or false".to_owned()) }
}

fn base_url(value: &Value) -> Result<(), String> {
    let text = value.as_str().unwrap_or_default();
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && !text.ends_with('/') => Ok(()),
        _ => Err("it must be a URL of http or https that does not end in a slash".to_owned()),
    }
}

/// All of them.
pub(super) const ALL: &[Setting] = &[
    Setting {
        key: "step_ms",
        summary: "Time that each background step of an issuance, a connection or a presentation takes, in milliseconds (2000 with realtime)",
        default: "200",
        check: delay,
    },
    Setting {
        key: "did_publish_ms",
        summary: "Time until the ledger has published a DID, in milliseconds (10000 with realtime)",
        default: "1000",
        check: delay,
    },
    Setting {
        key: "did_update_ms",
        summary: "Time until the ledger has confirmed the update of a DID, in milliseconds; 0: at once",
        default: "0",
        check: delay,
    },
    Setting {
        key: "custodial_wait_ms",
        summary: "Real time that a custodial call takes for each of the two or three times that the real service sleeps in it, in milliseconds (4750 with realtime)",
        default: "0",
        check: delay,
    },
    Setting {
        key: "realtime",
        summary: "Whether everything takes as long as in reality: step_ms 2000, did_publish_ms 10000 and custodial_wait_ms 4750, unless they are set",
        default: "false",
        check: flag,
    },
    Setting {
        key: "strict_quirks",
        summary: "Whether accidents of the real service are kept: lists of offers, DIDs and entities end after 100 rows, a match in an empty wallet is a 500",
        default: "false",
        check: flag,
    },
    Setting {
        key: "propagate_agent_status",
        summary: "Whether errors of the agent keep their status; false: they are all 500",
        default: "false",
        check: flag,
    },
    Setting {
        key: "cache_control",
        summary: "Whether successful GETs may be cached for a year, as the real service says; false: nothing may be cached",
        default: "true",
        check: flag,
    },
    Setting {
        key: "status_list_base",
        summary: "URL of the agent: what the URLs of status lists begin with; null: this server, as the caller reached it",
        default: "null",
        check: base_url,
    },
];
