//! How values are spelled on the wire: one function a spelling.

use chrono::{DateTime, SecondsFormat, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serializer;

/// What JavaScript's `encodeURIComponent` leaves as it is.
const URI_COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// `2026-01-01T00:00:00.000Z`.
pub fn rfc3339_millis<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&to_rfc3339_millis(*at))
}

/// `2026-01-01T00:00:00.000Z`.
pub fn to_rfc3339_millis(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Milliseconds since the epoch, as a string of digits: `"1721304000000"`.
pub fn millis_text<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(itoa::Buffer::new().format(at.timestamp_millis()))
}

/// As JavaScript's `encodeURIComponent` encodes: `+` as `%2B`, `@` as `%40`, a space as `%20`.
pub fn uri_component(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, URI_COMPONENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uri_components_are_encoded_as_in_javascript() {
        for (text, expected) in [
            ("+10123456789", "%2B10123456789"),
            ("tester@verified.inc", "tester%40verified.inc"),
            ("https://app.example/a b", "https%3A%2F%2Fapp.example%2Fa%20b"),
            ("A-Za_z0.9!~*'()", "A-Za_z0.9!~*'()"),
            ("é", "%C3%A9"),
        ] {
            assert_eq!(uri_component(text).to_string(), expected);
        }
    }
}
