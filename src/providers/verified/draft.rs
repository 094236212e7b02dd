//! Credentials as a brand sends them, checked.

use std::fmt::Display;

use chrono::{DateTime, TimeZone as _, Utc};
use serde_json::{Map, Value};

use super::body;
use super::credential::{Credential, Data};
use super::error::Error;
use super::schema::{self, CredentialType, Kind};
use super::types::Status;

/// A credential that was sent: right, but not issued yet.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// As sent, in lower case.
    pub id: Option<String>,
    pub kind: &'static CredentialType,
    pub data: DraftData,
    pub expires: Option<DateTime<Utc>>,
    pub verification_method: Option<String>,
}

/// What a sent credential says.
#[derive(Clone, Debug)]
pub(super) enum DraftData {
    Fields(Map<String, Value>),
    Children(Vec<Draft>),
}

/// Who issues, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Issuance<'a> {
    pub issuer: &'a str,
    pub now: DateTime<Utc>,
}

impl Draft {
    /// Reads an element of `credentials` at the dotted path `at`.
    pub(super) fn read(value: Value, at: &dyn Display) -> Result<Self, Error> {
        Self::shape(value, at, true)?.checked()
    }

    /// Reads the `data` of a credential of a known type.
    pub(super) fn of(kind: &'static CredentialType, data: Value, at: &dyn Display) -> Result<Self, Error> {
        let data = Self::data(kind, data, at)?;
        Self { id: None, kind, data, expires: None, verification_method: None }.checked()
    }

    fn shape(value: Value, at: &dyn Display, is_top: bool) -> Result<Self, Error> {
        let Value::Object(mut object) = value else { return Err(Error::bad(format!("{at} must be an object"))) };
        let name = match object.get("type") {
            None | Some(Value::Null) => return Err(Error::bad(format!("{at}.type is required"))),
            Some(Value::String(name)) => name,
            Some(_) => return Err(Error::bad(format!("{at}.type must be a string"))),
        };
        let kind = known_type(name)?;
        let data = object.remove("data").filter(|data| !data.is_null());
        let data = data.ok_or_else(|| Error::bad(format!("{at}.data is required")))?;
        let id = match object.get("id") {
            None | Some(Value::Null) => None,
            Some(id) => {
                let uuid = id.as_str().and_then(body::uuid);
                if uuid.is_none() && is_top {
                    return Err(Error::bad(format!("{at}.id must be a UUID")));
                }
                uuid
            }
        };
        let verification_method = match object.remove("verificationMethod") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(_) => return Err(Error::bad(format!("{at}.verificationMethod must be a string"))),
        };
        let expires = expiration(object.get("expirationDate")).ok_or_else(|| bad_expiration(at))?;
        Ok(Self { id, kind, data: Self::data(kind, data, at)?, expires, verification_method })
    }

    fn data(kind: &'static CredentialType, data: Value, at: &dyn Display) -> Result<DraftData, Error> {
        match (kind.kind, data) {
            (Kind::Atomic | Kind::Empty, Value::Object(fields)) => Ok(DraftData::Fields(fields)),
            (Kind::Atomic | Kind::Empty, _) => Err(Error::bad(format!("{at}.data of {} must be an object", kind.name))),
            (Kind::Composite, Value::Array(children)) => children
                .into_iter()
                .enumerate()
                .map(|(number, child)| Self::shape(child, &format_args!("{at}.data[{number}]"), false))
                .collect::<Result<_, _>>()
                .map(DraftData::Children),
            (Kind::Composite, Value::Object(fields)) if is_legacy(kind, &fields) => Ok(DraftData::Fields(fields)),
            (Kind::Composite, _) => Err(Error::bad(format!("{at}.data of {} must be an array of credentials", kind.name))),
        }
    }

    /// Checks the data against the schema of the type, then that of each part against its own, and takes over the spelling in which
    /// it is stored.
    fn checked(mut self) -> Result<Self, Error> {
        let validate = |flat| schema::validate(&self.kind.name, flat).map_err(Error::BadRequest);
        self.data = match self.data {
            DraftData::Fields(fields) => DraftData::Fields(validate(fields)?),
            DraftData::Children(children) => {
                let mut flat = Map::new();
                children.iter().for_each(|child| child.flatten(&mut flat));
                validate(flat)?;
                DraftData::Children(children.into_iter().map(Self::checked).collect::<Result<_, _>>()?)
            }
        };
        Ok(self)
    }

    fn flatten(&self, into: &mut Map<String, Value>) {
        match &self.data {
            DraftData::Fields(fields) => into.extend(fields.iter().map(|(key, value)| (key.clone(), value.clone()))),
            DraftData::Children(children) => children.iter().for_each(|child| child.flatten(into)),
        }
    }

    /// The credential that it becomes. `id` gives each part its id: the one that was sent, if any, to begin with.
    pub(super) fn issue(
        self,
        of: Issuance<'_>,
        id: &mut impl FnMut(Option<String>) -> Result<String, Error>,
    ) -> Result<Credential, Error> {
        let own = id(self.id)?;
        let data = match self.data {
            DraftData::Fields(fields) => Data::Fields(fields.into()),
            DraftData::Children(children) => {
                Data::Children(children.into_iter().map(|child| child.issue(of, id)).collect::<Result<_, _>>()?)
            }
        };
        Ok(Credential {
            id: own,
            kind: self.kind.name.clone(),
            data,
            issuer: of.issuer.to_owned(),
            status: Status::Valid,
            created: of.now,
            updated: of.now,
            issued: of.now,
            expires: self.expires,
            verification_method: self.verification_method,
        })
    }
}

/// The type of this name, or the provider's error.
pub(super) fn known_type(name: &str) -> Result<&'static CredentialType, Error> {
    schema::credential_type(name).ok_or_else(|| Error::bad(format!("Schema not found for type: {name}")))
}

/// Whether an object is a composite in the old form: its one text, and no child's value beside it.
fn is_legacy(kind: &CredentialType, fields: &Map<String, Value>) -> bool {
    let is_child_key = |key: &String| {
        kind.children.iter().filter_map(|child| schema::credential_type(child)).any(|child| child.data_key.as_ref() == Some(key))
    };
    kind.legacy_single_key.as_ref().is_some_and(|legacy| fields.contains_key(legacy))
        && !fields.keys().filter(|key| Some(*key) != kind.legacy_single_key.as_ref()).any(is_child_key)
}

/// An expiration as sent: milliseconds since the epoch, as a number or digits; `null` or nothing for none. `None` for anything else.
pub(super) fn expiration(value: Option<&Value>) -> Option<Option<DateTime<Utc>>> {
    let ms = match value {
        None | Some(Value::Null) => return Some(None),
        // Numbers are read as JavaScript reads them: 5.0 is 5.
        Some(Value::Number(number)) => {
            number.as_i64().or_else(|| serde_json::from_str(number.to_string().strip_suffix(".0")?).ok())?
        }
        Some(Value::String(text)) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
        Some(_) => return None,
    };
    Utc.timestamp_millis_opt(ms).single().filter(|_| ms >= 0).map(Some)
}

/// The error for an expiration that is none.
pub(super) fn bad_expiration(at: &dyn Display) -> Error {
    Error::bad(format!("{at}.expirationDate must be milliseconds since the epoch"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// What a caller might send: right in parts, wrong in others.
    fn element() -> impl Strategy<Value = Value> {
        let text = prop_oneof!["[a-zA-Z0-9@.+ -]{0,12}", any::<String>()].prop_map(Value::from);
        let scalar = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), any::<f64>().prop_map(Value::from), text];
        let key = prop::sample::select(vec!["firstName", "line1", "state", "country", "zipCode", "address", "amount", "x"]);
        let fields = prop::collection::vec((key, scalar.clone()), 0..4)
            .prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>().into());
        let kinds: Vec<String> = schema::all().map(|kind| kind.name.clone()).collect();
        let whole = move |data: BoxedStrategy<Value>| {
            let rest = (scalar.clone(), scalar.clone());
            (prop::sample::select(kinds.clone()), data, rest)
                .prop_map(|(kind, data, (id, expires))| json!({"type": kind, "data": data, "id": id, "expirationDate": expires}))
        };
        let leaf = prop_oneof![fields, Just(Value::Null), any::<i64>().prop_map(Value::from)].boxed();
        whole(leaf.clone()).prop_recursive(3, 16, 4, move |inner| {
            whole(prop_oneof![leaf.clone(), prop::collection::vec(inner, 0..4).prop_map(Value::from)].boxed())
        })
    }

    /// The data of a draft as it would be sent again.
    fn data(draft: Draft) -> Value {
        match draft.data {
            DraftData::Fields(fields) => fields.into(),
            DraftData::Children(children) => {
                children.into_iter().map(|child| json!({"type": child.kind.name, "data": data(child)})).collect()
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_accepted_is_accepted_again_as_it_is_kept(element in element()) {
            if let Ok(draft) = Draft::read(element, &"credential") {
                let kind = draft.kind;
                let kept = data(draft);
                let again = Draft::of(kind, kept.clone(), &"credential").map_err(|error| TestCaseError::fail(format!("{kept}: {error}")))?;
                prop_assert_eq!(data(again), kept);
            }
        }
    }
}
