//! Reading a JSON body field by field, so that everything that is wrong with it is said at once.

use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::error::Error;
use super::field_errors::{FieldError, FieldErrors};
use super::formats;
use crate::http::{Problem, Req};

/// The largest JSON body, in bytes: 4 MiB. (The bucket takes larger ones.)
const LIMIT: usize = 4 * 1024 * 1024;

/// The body of a request: an empty object when its content type is not JSON; 400 without fields when it is no JSON object, 413 when
/// it is too large.
pub(super) fn object(req: &Req) -> Result<Map<String, Value>, Error> {
    if req.body.len() > LIMIT {
        return Err(Problem::TooLarge { limit: LIMIT }.into());
    }
    let content_type = req.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Ok(Map::new());
    }
    Ok(req.json_object()?)
}

/// The id in a parameter of the path, in lower case; notes when it is none.
pub(super) fn path_id(req: &Req, name: &str, errors: &mut FieldErrors) -> String {
    let text = req.param(name);
    formats::uuid(&text).unwrap_or_else(|| {
        errors.add(name, FieldError::invalid_format("uuid"));
        String::new()
    })
}

/// What a body says about a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent<T> {
    /// Nothing.
    Absent,
    /// Null, where null may stand.
    Null,
    /// Something that is wrong, as has been noted.
    Wrong,
    /// A value.
    Is(T),
}

impl<T> Sent<T> {
    /// The value, if there is one.
    pub(super) fn value(self) -> Option<T> {
        if let Self::Is(value) = self { Some(value) } else { None }
    }

    /// Reads the value on; none means that it is wrong, as has been noted.
    pub(super) fn and_then<U>(self, read: impl FnOnce(T) -> Option<U>) -> Sent<U> {
        match self {
            Self::Absent => Sent::Absent,
            Self::Null => Sent::Null,
            Self::Wrong => Sent::Wrong,
            Self::Is(value) => read(value).map_or(Sent::Wrong, Sent::Is),
        }
    }
}

/// An object of a body, and where it is.
#[derive(Debug)]
pub(super) struct Object<'a> {
    fields: &'a Map<String, Value>,
    /// What stands before its fields in a path: nothing, `address.`, `documents[0].`
    prefix: String,
}

impl<'a> Object<'a> {
    /// The body itself.
    pub(super) fn root(fields: &'a Map<String, Value>) -> Self {
        Self { fields, prefix: String::new() }
    }

    /// The object at a path.
    pub(super) fn at(path: &str, value: &'a Value, errors: &mut FieldErrors) -> Option<Self> {
        match value {
            Value::Object(fields) => Some(Self { fields, prefix: format!("{path}.") }),
            _ => {
                errors.add(path, FieldError::invalid_type("object"));
                None
            }
        }
    }

    /// The path of one of its fields.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Refuses fields with other names.
    pub(super) fn refuse_others(&self, known: &[&str], errors: &mut FieldErrors) {
        for name in self.fields.keys().filter(|name| !known.contains(&name.as_str())) {
            errors.add(self.path(name), FieldError::additional_property());
        }
    }

    /// A field of any type.
    pub(super) fn any(&self, name: &str) -> Sent<&'a Value> {
        match self.fields.get(name) {
            None => Sent::Absent,
            Some(Value::Null) => Sent::Null,
            Some(value) => Sent::Is(value),
        }
    }

    /// A field that is a string.
    pub(super) fn string(&self, name: &str, errors: &mut FieldErrors) -> Sent<&'a str> {
        self.any(name).and_then(|value| {
            let text = value.as_str();
            if text.is_none() {
                errors.add(self.path(name), FieldError::invalid_type("string"));
            }
            text
        })
    }

    /// A field that is an array.
    pub(super) fn array(&self, name: &str, errors: &mut FieldErrors) -> Sent<&'a [Value]> {
        self.any(name).and_then(|value| {
            let items = value.as_array().map(Vec::as_slice);
            if items.is_none() {
                errors.add(self.path(name), FieldError::invalid_type("array"));
            }
            items
        })
    }

    /// Refuses null.
    pub(super) fn not_null<T>(&self, name: &str, sent: Sent<T>, errors: &mut FieldErrors) -> Sent<T> {
        if matches!(sent, Sent::Null) {
            errors.add(self.path(name), FieldError::not_null());
            return Sent::Wrong;
        }
        sent
    }

    /// Refuses absence and null.
    pub(super) fn required<T>(&self, name: &str, sent: Sent<T>, errors: &mut FieldErrors) -> Sent<T> {
        if matches!(sent, Sent::Absent) {
            errors.add(self.path(name), FieldError::required());
            return Sent::Wrong;
        }
        self.not_null(name, sent, errors)
    }

    /// A string that is neither null nor blank.
    pub(super) fn text(&self, name: &str, errors: &mut FieldErrors) -> Sent<&'a str> {
        let sent = self.string(name, errors);
        let sent = self.not_null(name, sent, errors);
        self.not_blank(name, sent, errors)
    }

    /// Refuses a string without anything but white space.
    pub(super) fn not_blank(&self, name: &str, sent: Sent<&'a str>, errors: &mut FieldErrors) -> Sent<&'a str> {
        sent.and_then(|text| {
            if text.trim().is_empty() {
                errors.add(self.path(name), FieldError::not_blank());
                return None;
            }
            Some(text)
        })
    }

    /// A string that must be there and say something.
    pub(super) fn required_text(&self, name: &str, errors: &mut FieldErrors) -> Option<&'a str> {
        let sent = self.text(name, errors);
        self.required(name, sent, errors).value()
    }

    /// Reads a string in its format.
    pub(super) fn format<T>(
        &self,
        name: &str,
        sent: Sent<&'a str>,
        format: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
        errors: &mut FieldErrors,
    ) -> Sent<T> {
        sent.and_then(|text| {
            let value = read(text);
            if value.is_none() {
                errors.add(self.path(name), FieldError::invalid_format(format));
            }
            value
        })
    }

    /// A string that is one of a few.
    pub(super) fn choice<T: Copy>(&self, name: &str, choices: &[(&'static str, T)], errors: &mut FieldErrors) -> Sent<T> {
        self.string(name, errors).and_then(|text| {
            let chosen = choices.iter().find(|(choice, _)| *choice == text).map(|(_, value)| *value);
            if chosen.is_none() {
                let choices: Vec<&'static str> = choices.iter().map(|(choice, _)| *choice).collect();
                errors.add(self.path(name), FieldError::invalid_choice(choices));
            }
            chosen
        })
    }
}
