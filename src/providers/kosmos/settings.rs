//! The documented switches.

use serde_json::Value;

use crate::http::Setting;

/// All switches.
pub(super) const ALL: &[Setting] = &[
    Setting {
        key: "allowed_time_span",
        summary: "Seconds that a requestid may differ from the clock, either way",
        default: "60",
        check: |value| natural(value, 86_400),
    },
    Setting { key: "refuse_replays", summary: "Whether a requestid may be used only once", default: "false", check: flag },
    Setting {
        key: "ec_curve_name",
        summary: "Curve of all keys: secp256k1, or prime256v1 as in FedRAMP builds",
        default: "\"secp256k1\"",
        check: |value| choice(value, &["secp256k1", "prime256v1"]),
    },
    Setting {
        key: "encrypt_get_responses",
        summary: "Whether signed GET requests are answered with encrypted bodies",
        default: "false",
        check: flag,
    },
    Setting {
        key: "error_shape",
        summary: "Keys of errors: seed (statusCode, error, message), deployed (code, message), or both",
        default: "\"both\"",
        check: |value| choice(value, &["both", "seed", "deployed"]),
    },
    Setting {
        key: "start_idempotent",
        summary: "Whether a session that was started can be started again",
        default: "false",
        check: flag,
    },
    Setting {
        key: "processing_delay_ms",
        summary: "Milliseconds between the last submission and the outcome",
        default: "0",
        check: |value| natural(value, 86_400_000),
    },
    Setting {
        key: "proof_secret",
        summary: "Secret that signs proof_jwt",
        default: "\"sandbox-1kosmos-proof-secret\"",
        check: |value| match value.as_str() {
            Some(text) if !text.is_empty() => Ok(()),
            _ => Err("must be a text that is not empty".to_owned()),
        },
    },
];

fn flag(value: &Value) -> Result<(), String> {
    if value.is_boolean() { Ok(()) } else { Err("must be true or false".to_owned()) }
}

fn natural(value: &Value, most: u64) -> Result<(), String> {
    match value.as_u64() {
        Some(number) if number <= most => Ok(()),
        _ => Err(format!("must be a whole number from 0 to {most}")),
    }
}

fn choice(value: &Value, choices: &[&str]) -> Result<(), String> {
    match value.as_str() {
        Some(text) if choices.contains(&text) => Ok(()),
        _ => Err(format!("must be one of {}", choices.join(", "))),
    }
}
