//! Mail addresses and phone numbers: what people are known by.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::error::Error;
use super::schema;
use super::store;
use crate::world::Cx;

/// A mail address or a phone number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Identifier<'a> {
    /// In lower case, since letters' case does not matter.
    Email(Cow<'a, str>),
    /// E.164.
    Phone(&'a str),
}

impl<'a> Identifier<'a> {
    /// Reads either.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        if is_phone(text) {
            Some(Self::Phone(text))
        } else if is_email(text) {
            Some(Self::Email(text.to_lowercase().into()))
        } else {
            None
        }
    }

    /// As it is looked up.
    pub(super) fn key(&self) -> &str {
        match self {
            Self::Email(email) => email,
            Self::Phone(phone) => phone,
        }
    }
}

/// Whether a text is a mail address by the provider's rule.
pub(super) fn is_email(text: &str) -> bool {
    fits("EmailCredential", "email", text)
}

/// Whether a text is a phone number in E.164.
pub(super) fn is_phone(text: &str) -> bool {
    fits("PhoneCredential", "phone", text)
}

fn fits(kind: &str, key: &str, text: &str) -> bool {
    schema::validate(kind, Map::from_iter([(key.to_owned(), Value::from(text))])).is_ok()
}

/// `email` and `phone` of a body, each checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Contact {
    pub email: Option<String>,
    pub phone: Option<String>,
}

impl Contact {
    /// Reads both; 400 for one that is not right, or when there is neither.
    pub(super) fn read(body: &Map<String, Value>) -> Result<Self, Error> {
        let contact = Self { email: email(body)?, phone: phone(body)? };
        if contact.email.is_none() && contact.phone.is_none() {
            return Err(Error::bad("Either email or phone is required"));
        }
        Ok(contact)
    }

    /// The person: the phone's, or else the email's.
    pub(super) fn user(&self, cx: &Cx<'_>) -> Result<Option<String>, Error> {
        if let Some(phone) = &self.phone
            && let Some(user) = store::user(cx.db, phone)?
        {
            return Ok(Some(user));
        }
        match &self.email {
            Some(email) => Ok(store::user(cx.db, &email.to_lowercase())?),
            None => Ok(None),
        }
    }

    /// The person, made known if nobody was; what was sent means that person from now on, unless it means somebody already.
    pub(super) fn known_user(&self, cx: &mut Cx<'_>) -> Result<String, Error> {
        // The phone's owner comes before the email's.
        let sent: Vec<String> = self.phone.iter().cloned().chain(self.email.as_ref().map(|email| email.to_lowercase())).collect();
        let known: Vec<Option<String>> = sent.iter().map(|one| store::user(cx.db, one)).collect::<rusqlite::Result<_>>()?;
        let user = match known.iter().flatten().next() {
            Some(user) => user.clone(),
            None => {
                let uuid = cx.rng.uuid().to_string();
                store::insert_user(cx.db, &uuid, false)?;
                uuid
            }
        };
        let mut unknown = sent.iter().zip(&known).filter(|(_, owner)| owner.is_none());
        unknown.try_for_each(|(one, _)| store::insert_identifier(cx.db, one, &user))?;
        Ok(user)
    }
}

/// `email` of a body.
pub(super) fn email(body: &Map<String, Value>) -> Result<Option<String>, Error> {
    match text(body, "email")? {
        Some(email) if is_email(email) => Ok(Some(email.to_owned())),
        Some(_) => Err(Error::bad("email must be a valid email address")),
        None => Ok(None),
    }
}

fn phone(body: &Map<String, Value>) -> Result<Option<String>, Error> {
    match text(body, "phone")? {
        Some(phone) if is_phone(phone) => Ok(Some(phone.to_owned())),
        Some(_) => Err(Error::bad("phone must be a phone number in E.164 format")),
        None => Ok(None),
    }
}

/// A text of a body; none when it is absent or null, 400 when it is something else.
pub(super) fn text<'a>(body: &'a Map<String, Value>, field: &str) -> Result<Option<&'a str>, Error> {
    match body.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::bad(format!("{field} must be a string"))),
    }
}
