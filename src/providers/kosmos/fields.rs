//! Checks of a body's fields, with the messages of the deployed service: every mistake is said, joined by commas.

use serde_json::{Map, Value};

use super::error::Error;

/// A JSON object, as received.
pub(super) type Object = Map<String, Value>;

/// Collects what is wrong with a body. A getter of a value that is wrong returns a stand-in, which nobody sees, since
/// [`Checks::done`] then refuses the body.
#[derive(Default)]
pub(super) struct Checks {
    mistakes: Vec<String>,
}

impl Checks {
    /// Notes a mistake.
    pub(super) fn mistake(&mut self, text: impl Into<String>) {
        self.mistakes.push(text.into());
    }

    /// 400 with all mistakes, if there were any.
    pub(super) fn done(self) -> Result<(), Error> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(Error::bad(self.mistakes.join(", "))) }
    }

    /// A required text that is not empty.
    pub(super) fn text(&mut self, object: &Object, name: &str) -> String {
        match object.get(name) {
            Some(Value::String(text)) if text.is_empty() => self.mistake(format!("{name} is not allowed to be empty")),
            Some(Value::String(text)) => return text.clone(),
            Some(_) => self.mistake(format!("{name} must be a string")),
            None => self.mistake(format!("{name} is required")),
        }
        String::new()
    }

    /// A required text that may be empty.
    pub(super) fn any_text(&mut self, object: &Object, name: &str) -> String {
        match object.get(name) {
            Some(Value::String(text)) => return text.clone(),
            Some(_) => self.mistake(format!("{name} must be a string")),
            None => self.mistake(format!("{name} is required")),
        }
        String::new()
    }

    /// An optional text; `null` is as good as none.
    pub(super) fn optional_text(&mut self, object: &Object, name: &str) -> Option<String> {
        match object.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.mistake(format!("{name} must be a string"));
                None
            }
        }
    }

    /// An optional number, none of which may be negative.
    pub(super) fn optional_amount(&mut self, object: &Object, name: &str, most: f64) -> Option<f64> {
        let value = object.get(name).filter(|value| !value.is_null())?;
        match value.as_f64() {
            None => self.mistake(format!("{name} must be a number")),
            Some(number) if number < 0.0 => self.mistake(format!("{name} must be greater than or equal to 0")),
            Some(number) if number > most => self.mistake(format!("{name} must be less than or equal to {most}")),
            Some(number) => return Some(number),
        }
        None
    }

    /// A required whole number of at least `least`.
    pub(super) fn count(&mut self, object: &Object, name: &str, least: i64) -> i64 {
        let whole = |value: &Value| value.as_i64().or_else(|| whole_number(value.as_f64()?));
        match object.get(name) {
            None => self.mistake(format!("{name} is required")),
            Some(value @ Value::Number(_)) => match whole(value) {
                Some(number) if number >= least => return number,
                Some(_) => self.mistake(format!("{name} must be greater than or equal to {least}")),
                None => self.mistake(format!("{name} must be an integer")),
            },
            Some(_) => self.mistake(format!("{name} must be a number")),
        }
        least
    }

    /// An optional truth value.
    pub(super) fn optional_flag(&mut self, object: &Object, name: &str) -> Option<bool> {
        match object.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::Bool(flag)) => Some(*flag),
            Some(_) => {
                self.mistake(format!("{name} must be a boolean"));
                None
            }
        }
    }

    /// A required truth value.
    pub(super) fn flag(&mut self, object: &Object, name: &str) -> bool {
        match object.get(name) {
            Some(Value::Bool(flag)) => return *flag,
            Some(_) => self.mistake(format!("{name} must be a boolean")),
            None => self.mistake(format!("{name} is required")),
        }
        false
    }

    /// A required object.
    pub(super) fn object<'a>(&mut self, object: &'a Object, name: &str) -> Option<&'a Object> {
        if object.contains_key(name) {
            return self.given_object(object, name);
        }
        self.mistake(format!("{name} is required"));
        None
    }

    /// An optional object.
    pub(super) fn optional_object<'a>(&mut self, object: &'a Object, name: &str) -> Option<&'a Object> {
        if object.get(name).is_none_or(Value::is_null) { None } else { self.given_object(object, name) }
    }

    fn given_object<'a>(&mut self, object: &'a Object, name: &str) -> Option<&'a Object> {
        let found = object.get(name).and_then(Value::as_object);
        if found.is_none() {
            self.mistake(format!("{name} must be of type object"));
        }
        found
    }

    /// A required text out of a list.
    pub(super) fn choice(&mut self, object: &Object, name: &str, choices: &[&str]) -> String {
        let before = self.mistakes.len();
        let text = self.text(object, name);
        if self.mistakes.len() == before && !choices.contains(&text.as_str()) {
            self.mistake(not_one_of(name, choices));
        }
        text
    }

    /// An optional text out of a list.
    pub(super) fn optional_choice(&mut self, object: &Object, name: &str, choices: &[&str]) -> Option<String> {
        let text = self.optional_text(object, name)?;
        if !choices.contains(&text.as_str()) {
            self.mistake(not_one_of(name, choices));
        }
        Some(text)
    }

    /// A list of texts out of `choices`; none when it is absent.
    pub(super) fn choices(&mut self, object: &Object, name: &str, choices: &[&str]) -> Option<Vec<String>> {
        let texts = self.texts(object, name)?;
        if texts.iter().any(|text| !choices.contains(&text.as_str())) {
            self.mistake(not_one_of(name, choices));
        }
        Some(texts)
    }

    /// A list of texts; none when it is absent.
    pub(super) fn texts(&mut self, object: &Object, name: &str) -> Option<Vec<String>> {
        let value = object.get(name).filter(|value| !value.is_null())?;
        let Some(items) = value.as_array() else {
            self.mistake(format!("{name} must be an array"));
            return None;
        };
        let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        if texts.is_none() {
            self.mistake(format!("{name} must be a string"));
        }
        texts
    }
}

/// `X must be one of [a, b]`.
pub(super) fn not_one_of(name: &str, choices: &[&str]) -> String {
    format!("{name} must be one of [{}]", choices.join(", "))
}

/// A number without a fraction, as an integer, where it is one that a float holds exactly.
#[expect(clippy::cast_possible_truncation, reason = "the number is whole and below 2^53")]
fn whole_number(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}
