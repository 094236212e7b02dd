//! Query parameters that several operations have, and the fields of JSON bodies.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::error::Error;
use crate::http::{Req, form};

/// The number of rows where the caller does not say.
pub(super) const DEFAULT_LIMIT: i64 = 10;

/// The most rows that an answer has.
pub(super) const MAX_LIMIT: i64 = 100;

/// `offset`; 0 when absent.
pub(super) fn offset(req: &Req) -> Result<i64, Error> {
    let Some(text) = text(req, "offset") else { return Ok(0) };
    let number = digits(&text).and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| Error::invalid("offset", "offset must be an integer of at least 0"))
}

/// `limit`, brought down to [`MAX_LIMIT`]; none when absent.
pub(super) fn limit(req: &Req) -> Result<Option<i64>, Error> {
    let Some(text) = text(req, "limit") else { return Ok(None) };
    // A number too long to be read is a large one.
    let number = digits(&text).map(|digits| digits.parse().unwrap_or(MAX_LIMIT).min(MAX_LIMIT));
    let number = number.filter(|limit| *limit >= 1);
    number.map(Some).ok_or_else(|| Error::invalid("limit", "limit must be an integer of at least 1"))
}

fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// The value of a parameter; an empty one counts as absent.
pub(super) fn text(req: &Req, name: &str) -> Option<String> {
    req.query(name).filter(|value| !value.is_empty()).map(std::borrow::Cow::into_owned)
}

/// The distinct values of a parameter that can be repeated, or have several values with commas between; none when no value remains.
pub(super) fn list(req: &Req, name: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let given = form::all(req.query.as_bytes(), name);
    let values = given.iter().flat_map(|value| value.split(',')).map(str::trim).filter(|value| !value.is_empty());
    let distinct: Vec<String> = values.filter(|value| seen.insert(*value)).map(str::to_owned).collect();
    (!distinct.is_empty()).then_some(distinct)
}

/// As [`list`], each value through `spell` first.
pub(super) fn list_as(req: &Req, name: &str, spell: impl Fn(&str) -> String) -> Option<Vec<String>> {
    let values: BTreeSet<String> = list(req, name)?.iter().map(|value| spell(value)).collect();
    Some(values.into_iter().collect())
}

/// A text of a JSON body that is there and not blank.
pub(super) fn required<'a>(body: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    body.get(field)?.as_str().filter(|text| !text.trim().is_empty())
}
