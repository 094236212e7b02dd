//! What is wrong with the fields of a request, each under its dotted path.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::error::Error;

/// Everything that is wrong with a request, by path, in the order of the paths.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct FieldErrors(BTreeMap<String, Vec<FieldError>>);

impl FieldErrors {
    /// Notes what is wrong at a path.
    pub(super) fn add(&mut self, path: impl Into<String>, error: FieldError) {
        self.0.entry(path.into()).or_default().push(error);
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Goes on when nothing is wrong.
    pub(super) fn check(self) -> Result<(), Error> {
        if self.is_empty() { Ok(()) } else { Err(Error::Validation(self)) }
    }
}

/// One thing that is wrong with a field.
#[derive(Debug, Serialize)]
pub(super) struct FieldError {
    code: &'static str,
    message: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Args>,
}

/// What a client needs to word the error itself.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Args {
    Type { expected: &'static str },
    Format { format: &'static str },
    Choices { choices: Vec<&'static str> },
    Least { min: u32 },
    Range { min: u32, max: u32, unit: &'static str },
}

impl FieldError {
    const fn plain(code: &'static str, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message), args: None }
    }

    /// It must be there.
    pub(super) const fn required() -> Self {
        Self::plain("required", "This value is required")
    }

    /// It may be absent, but not null.
    pub(super) const fn not_null() -> Self {
        Self::plain("not_null", "This value must not be null")
    }

    /// It must say something.
    pub(super) const fn not_blank() -> Self {
        Self::plain("not_blank", "This value must not be blank")
    }

    /// There is no such property.
    pub(super) const fn additional_property() -> Self {
        Self::plain("additional_property", "This property is not allowed")
    }

    /// The identity is confirmed.
    pub(super) const fn immutable() -> Self {
        Self::plain("immutable", "This value cannot be changed once the identity is confirmed")
    }

    /// Another JSON type than it should be.
    pub(super) fn invalid_type(expected: &'static str) -> Self {
        let message = format!("This value must be of type {expected}").into();
        Self { code: "invalid_type", message, args: Some(Args::Type { expected }) }
    }

    /// Not spelled as it should be.
    pub(super) fn invalid_format(format: &'static str) -> Self {
        let message = format!("This value is not a valid {format}").into();
        Self { code: "invalid_format", message, args: Some(Args::Format { format }) }
    }

    /// None of the values that there are.
    pub(super) fn invalid_choice(choices: impl Into<Vec<&'static str>>) -> Self {
        let args = Some(Args::Choices { choices: choices.into() });
        Self { code: "invalid_choice", message: "This value is not one of the allowed choices".into(), args }
    }

    /// A number that is too small.
    pub(super) fn below(min: u32) -> Self {
        let message = format!("This value must be an integer of at least {min}").into();
        Self { code: "out_of_range", message, args: Some(Args::Least { min }) }
    }

    /// An age that is too low or too high.
    pub(super) fn age(min: u32, max: u32) -> Self {
        let message = format!("This value must be between {min} and {max} years").into();
        Self { code: "out_of_range", message, args: Some(Args::Range { min, max, unit: "years" }) }
    }
}
