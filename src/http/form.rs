//! Query strings and `application/x-www-form-urlencoded` bodies, parsed when they are asked for.

use std::borrow::Cow;

/// The pairs of a query string or form, in order; `+` is a space, percent-escapes are UTF-8.
pub fn pairs(encoded: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    url::form_urlencoded::parse(encoded)
}

/// The first value of `name`.
pub fn first<'a>(encoded: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    pairs(encoded).find(|(key, _)| key == name).map(|(_, value)| value)
}

/// All values of `name`, in order.
pub fn all<'a>(encoded: &'a [u8], name: &str) -> Vec<Cow<'a, str>> {
    pairs(encoded).filter(|(key, _)| key == name).map(|(_, value)| value).collect()
}
