//! Request bodies as Express's parsers read them: JSON, or a flat form; anything else is an empty object.

use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use serde_json::{Map, Value};

use super::Error;
use super::js;
use crate::http::{Req, form};

/// The largest form, in bytes.
const FORM_LIMIT: usize = 102_400;

/// The most fields that a form may have.
const FORM_FIELDS: usize = 1000;

/// The fields of a body. A field that is null counts as absent.
#[derive(Debug, Default)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    /// The body of a request. Never fails in a handler: [`check`] has refused what cannot be read.
    pub(super) fn of(req: &Req) -> Result<Self, Error> {
        match parse(req)? {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Ok(Self::default()),
        }
    }

    /// A field that is there and not null.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A field that JavaScript takes for true.
    pub(super) fn truthy(&self, name: &str) -> Option<&Value> {
        self.get(name).filter(|value| js::truthy(value))
    }

    /// A field as text, as JavaScript turns values into text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(js::text)
    }
}

impl From<Map<String, Value>> for Body {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

/// Refuses a body that cannot be read: 400 (no JSON, or neither object nor array), 413 (a form over its limits), 415 (a charset that is
/// not known).
pub(super) fn check(req: &Req) -> Result<(), Error> {
    if req.body.is_empty() { Ok(()) } else { parse(req).map(drop) }
}

fn parse(req: &Req) -> Result<Value, Error> {
    let has_body = req.headers.contains_key(CONTENT_LENGTH) || req.headers.contains_key(TRANSFER_ENCODING) || !req.body.is_empty();
    let content_type = req.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let charset = charset(content_type);
    match media_type.as_str() {
        "application/json" if has_body => json(&decode(&req.body, charset.as_deref().unwrap_or("utf-8"))?),
        "application/x-www-form-urlencoded" if has_body => match charset.as_deref() {
            None | Some("utf-8") => flat_form(&req.body),
            Some(other) => Err(unsupported_charset(other)),
        },
        _ => Ok(Value::Object(Map::new())),
    }
}

/// The `charset` parameter of a content type, in lower case.
fn charset(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    })
}

fn unsupported_charset(charset: &str) -> Error {
    let text = format!("UnsupportedMediaTypeError: unsupported charset \"{}\"", charset.to_ascii_uppercase());
    Error::page(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
}

/// The text of a JSON body. Bytes that are no character become U+FFFD.
fn decode(bytes: &[u8], charset: &str) -> Result<String, Error> {
    let text = match charset {
        "utf-8" | "utf8" => String::from_utf8_lossy(bytes).into_owned(),
        "utf-16" | "utf-16le" => utf16(bytes, bytes.starts_with(&[0xfe, 0xff]) && charset == "utf-16"),
        "utf-16be" => utf16(bytes, true),
        "utf-32" | "utf-32le" => utf32(bytes, bytes.starts_with(&[0, 0, 0xfe, 0xff]) && charset == "utf-32"),
        "utf-32be" => utf32(bytes, true),
        other => return Err(unsupported_charset(other)),
    };
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn utf16(bytes: &[u8], big_endian: bool) -> String {
    let unit = |pair: &[u8; 2]| if big_endian { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
    let (pairs, _) = bytes.as_chunks::<2>();
    char::decode_utf16(pairs.iter().map(unit)).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn utf32(bytes: &[u8], big_endian: bool) -> String {
    let unit = |quad: &[u8; 4]| if big_endian { u32::from_be_bytes(*quad) } else { u32::from_le_bytes(*quad) };
    let (quads, _) = bytes.as_chunks::<4>();
    quads.iter().map(|quad| char::from_u32(unit(quad)).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn flat_form(bytes: &[u8]) -> Result<Value, Error> {
    let too_large = |text: &str| Error::page(StatusCode::PAYLOAD_TOO_LARGE, format!("PayloadTooLargeError: {text}"));
    if bytes.len() > FORM_LIMIT {
        return Err(too_large("request entity too large"));
    }
    if bytes.split(|byte| *byte == b'&').count() > FORM_FIELDS {
        return Err(too_large("too many parameters"));
    }
    let mut fields = Map::new();
    for (name, value) in form::pairs(bytes) {
        let value = Value::String(value.into_owned());
        match fields.get_mut(name.as_ref()) {
            None => {
                fields.insert(name.into_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Ok(Value::Object(fields))
}

/// JSON whose top level is an object or an array; nothing at all is an empty object.
fn json(text: &str) -> Result<Value, Error> {
    if text.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
    let first = text.char_indices().find(|(_, c)| !blank(*c));
    if let Some((at, c)) = first
        && !matches!(c, '{' | '[')
    {
        return Err(unexpected(text, Some(at)));
    }
    match serde_json::from_str(text) {
        Ok(value) => Ok(js::normal(value)),
        Err(error) if error.is_eof() => Err(unexpected(text, None)),
        Err(error) => Err(unexpected(text, offset(text, error.line(), error.column()))),
    }
}

/// The byte that a line and a column, both from 1, mean.
fn offset(text: &str, line: usize, column: usize) -> Option<usize> {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let at = start + column.saturating_sub(1);
    (0..=at).rev().find(|at| text.is_char_boundary(*at))
}

/// The error that V8 raises, as far as a position can tell.
fn unexpected(text: &str, at: Option<usize>) -> Error {
    let found = at.and_then(|at| text.get(at..)?.chars().next().map(|c| (at, c)));
    let reason = match found {
        None => "Unexpected end of JSON input".to_owned(),
        Some((at, c)) => {
            let place = text.get(..at).unwrap_or_default().encode_utf16().count();
            match c {
                '"' => format!("Unexpected string in JSON at position {place}"),
                '0'..='9' | '-' => format!("Unexpected number in JSON at position {place}"),
                c => format!("Unexpected token {c} in JSON at position {place}"),
            }
        }
    };
    Error::page(StatusCode::BAD_REQUEST, format!("SyntaxError: {reason}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn malformed_json_is_refused_with_its_place() {
        for (text, reason) in [
            ("{bad", "Unexpected token b in JSON at position 1"),
            ("{", "Unexpected end of JSON input"),
            ("  ", "Unexpected end of JSON input"),
            ("{\"é\":x}", "Unexpected token x in JSON at position 5"),
            ("{\n\"a\": tru}", "Unexpected token } in JSON at position 10"),
            ("nope", "Unexpected token n in JSON at position 0"),
            ("5", "Unexpected number in JSON at position 0"),
            (" \"a\"", "Unexpected string in JSON at position 1"),
        ] {
            let refused = json(text).unwrap_err().to_string();
            assert_eq!(refused, format!("SyntaxError: {reason}"), "{text}");
        }
        assert_eq!(json("").unwrap(), json!({}));
        assert_eq!(json("[1.0]").unwrap(), json!([1]));
    }

    #[test]
    fn forms_are_flat_and_repeated_keys_become_arrays() {
        let fields = flat_form(b"a=1&b=x+y&a=2&a[b]=%7B%7D&a=3&c").unwrap();
        assert_eq!(fields, json!({"a": ["1", "2", "3"], "b": "x y", "a[b]": "{}", "c": ""}));
    }

    #[test]
    fn every_unicode_encoding_is_read() {
        let text = "{\"a\":\"é😀\"}";
        let units = || text.encode_utf16();
        let marked = |bytes: Vec<u8>, mark: &[u8]| [mark.to_vec(), bytes].concat();
        let le: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        let le32: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
        let be32: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
        for (charset, bytes) in [
            ("utf-8", text.as_bytes().to_vec()),
            ("utf-8", marked(text.as_bytes().to_vec(), &[0xef, 0xbb, 0xbf])),
            ("utf-16le", le.clone()),
            ("utf-16", marked(le, &[0xff, 0xfe])),
            ("utf-16", marked(be.clone(), &[0xfe, 0xff])),
            ("utf-16be", be),
            ("utf-32", le32.clone()),
            ("utf-32le", le32),
            ("utf-32be", be32.clone()),
            ("utf-32", marked(be32, &[0, 0, 0xfe, 0xff])),
        ] {
            assert_eq!(decode(&bytes, charset).unwrap(), text, "{charset}");
        }
        assert!(decode(b"{}", "iso-8859-1").is_err());
    }

    proptest! {
        #[test]
        fn no_body_makes_a_parser_panic(text: String, bytes: Vec<u8>) {
            let _ = json(&text);
            let _ = flat_form(&bytes);
            for charset in ["utf-8", "utf-16", "utf-32be"] {
                let _ = decode(&bytes, charset).map(|text| json(&text));
            }
        }
    }
}
