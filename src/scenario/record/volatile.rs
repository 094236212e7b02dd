//! Which values change from world to world.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

#[expect(clippy::expect_used, reason = "a constant pattern")]
static CHANGING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        [0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}   # a UUID
        | \b\d{4}-\d{2}-\d{2}[T\ ]\d{2}:\d{2}                                          # a time
        | \b[A-Z][a-z]{2},?\ \d{2}\ [A-Z][a-z]{2}\ \d{4}                               # a time for people
        | https?://(127\.|localhost|\[::1\])[^\s]*                                     # an address here
        | \b\d{10,}\b                                                                  # a moment as a number, a long id
        | [A-Za-z0-9+/_=:.~-]{20,}                                                     # a token, a digest, a DID
        | (?i:code|pin).*\b(?:[0-9]{3}-[0-9]{3}|[0-9]{4,8})\b                          # a sentence with a code
        ",
    )
    .expect("it is a regular expression")
});

/// Whether a text, which stands under this key, may be another one in another world.
pub(super) fn is_volatile(key: &str, text: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let is_secret = ["code", "otp", "pin", "token", "secret", "nonce"].contains(&key.as_str());
    (is_secret && text.bytes().any(|byte| byte.is_ascii_digit())) || CHANGING.is_match(text)
}

/// Whether a text is worth to be captured: it changes, and stands for itself rather than for a sentence.
pub(super) fn is_token(key: &str, text: &str) -> bool {
    text.len() >= 4 && !text.contains(char::is_whitespace) && is_volatile(key, text)
}

/// Whether a number is a moment or a random id.
pub(super) fn is_volatile_number(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number.abs() >= 1e8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tokens_times_and_addresses_change() {
        for text in [
            "c775c566-7e2e-4d5d-97d8-ff4532000cb4",
            "2026-01-01T00:00:00.000Z",
            "http://127.0.0.1:36191/~world-1/verified/request/x",
            "1767225600000",
            "did:prism:82261bcc9dcafca698486a1b80924b07bf439d17fe611db2523273ad369e8dfa",
            "Enter this code to verify for Hooli: 111-111",
        ] {
            assert!(is_volatile("", text), "{text}");
        }
        for text in ["Hendricks", "OfferPending", "not-authenticated", "CA", "", "Palo Alto", "94303", "5320 Newell Rd"] {
            assert!(!is_volatile("", text), "{text}");
        }
        assert!(is_token("code", "111111") && !is_token("uid", "12345") && !is_token("code", "code 111111"));
    }
}
