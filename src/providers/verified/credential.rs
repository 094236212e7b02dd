//! A credential: a value that an issuer vouches for, or a composite of such.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::fields::Fields;
use super::schema;
use super::types::{Status, Wire};
use crate::http::wire;

/// A credential with all that it contains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Credential {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub data: Data,
    /// Uuid of the issuing brand.
    pub issuer: String,
    pub status: Status,
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub created: DateTime<Utc>,
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub updated: DateTime<Utc>,
    #[serde(with = "chrono::serde::ts_milliseconds")]
    pub issued: DateTime<Utc>,
    #[serde(with = "chrono::serde::ts_milliseconds_option")]
    pub expires: Option<DateTime<Utc>>,
    pub verification_method: Option<String>,
}

/// What a credential says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Data {
    /// Of an atomic credential: an object, usually with one text.
    Fields(Fields),
    /// Of a composite.
    Children(Vec<Credential>),
}

impl Credential {
    /// Whether it can be shared: valid, and not past its expiration.
    pub(super) fn is_usable(&self, now: DateTime<Utc>) -> bool {
        self.status == Status::Valid && self.expires.is_none_or(|expires| expires > now)
    }

    /// Its parts; none for an atomic one.
    pub(super) fn children(&self) -> &[Self] {
        match &self.data {
            Data::Fields(_) => &[],
            Data::Children(children) => children,
        }
    }

    /// Itself and all that it contains, parents first.
    pub(super) fn each<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        for child in self.children() {
            child.each(visit);
        }
    }

    /// As [`Self::each`], until a visit fails.
    pub(super) fn try_each<'a, E>(&'a self, visit: &mut impl FnMut(&'a Self) -> Result<(), E>) -> Result<(), E> {
        visit(self)?;
        self.children().iter().try_for_each(|child| child.try_each(visit))
    }

    /// The ids of itself and of all that it contains.
    pub(super) fn ids(&self) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        self.each(&mut |part| {
            ids.insert(part.id.clone());
        });
        ids
    }

    /// Itself or the part that has this id.
    pub(super) fn find(&self, id: &str) -> Option<&Self> {
        if self.id == id { Some(self) } else { self.children().iter().find_map(|child| child.find(id)) }
    }

    /// As [`Self::find`], to be changed.
    pub(super) fn find_mut(&mut self, id: &str) -> Option<&mut Self> {
        if self.id == id {
            return Some(self);
        }
        match &mut self.data {
            Data::Fields(_) => None,
            Data::Children(children) => children.iter_mut().find_map(|child| child.find_mut(id)),
        }
    }

    /// Gives itself and all that it contains a status.
    pub(super) fn set_status(&mut self, status: Status, now: DateTime<Utc>) {
        self.status = status;
        self.updated = now;
        if let Data::Children(children) = &mut self.data {
            children.iter_mut().for_each(|child| child.set_status(status, now));
        }
    }

    /// Whether it is a composite in the old form: one text instead of parts.
    pub(super) fn is_legacy(&self) -> bool {
        let composite = schema::credential_type(&self.kind).is_some_and(|kind| kind.kind == schema::Kind::Composite);
        composite && matches!(self.data, Data::Fields(_))
    }

    /// The text of an atomic credential (or a composite in the old form).
    pub(super) fn text(&self) -> Option<&str> {
        let Data::Fields(fields) = &self.data else { return None };
        let kind = schema::credential_type(&self.kind)?;
        let key = kind.data_key.as_deref().or(kind.legacy_single_key.as_deref())?;
        fields.get(key)?.as_str()
    }
}

/// In which answer a credential stands, which decides its keys, their order and their types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The answer to issuing.
    Issued,
    /// Reading, and lists.
    Stored,
    /// The answer to changing one: as stored, with `data` last.
    Changed,
    /// Shared credentials.
    Shared,
}

/// A credential on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dto<'a> {
    pub credential: &'a Credential,
    pub place: Place,
    pub wire: Wire,
}

impl Dto<'_> {
    /// All of a list.
    pub(super) fn list(credentials: &[Credential], place: Place, wire: Wire) -> Vec<Dto<'_>> {
        credentials.iter().map(|credential| Dto { credential, place, wire }).collect()
    }

    fn data<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match &self.credential.data {
            Data::Fields(fields) => map.serialize_entry("data", fields),
            Data::Children(children) => map.serialize_entry("data", &Dto::list(children, self.place, self.wire)),
        }
    }

    fn issuance<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let issued = self.credential.issued;
        if self.place == Place::Shared && self.wire == Wire::Seed {
            map.serialize_entry("issuanceDate", &issued.timestamp_millis())
        } else {
            map.serialize_entry("issuanceDate", &Digits(issued))
        }
    }

    fn expiration<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match (self.wire, self.credential.expires) {
            (Wire::Observed, expires) => map.serialize_entry("expirationDate", &expires.map(Digits)),
            (Wire::Seed, None) => Ok(()),
            (Wire::Seed, Some(expires)) if self.place == Place::Issued => map.serialize_entry("expirationDate", &Digits(expires)),
            (Wire::Seed, Some(expires)) => map.serialize_entry("expirationDate", &expires.timestamp_millis()),
        }
    }
}

/// A moment as a text of digits.
#[derive(Serialize)]
struct Digits(#[serde(serialize_with = "wire::millis_text")] DateTime<Utc>);

impl Serialize for Dto<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Credential { id, kind, issuer, status, created, updated, verification_method, .. } = self.credential;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", id)?;
        if self.place == Place::Issued {
            map.serialize_entry("type", kind)?;
            self.data(&mut map)?;
            map.serialize_entry("issuerUuid", issuer)?;
            self.issuance(&mut map)?;
            self.expiration(&mut map)?;
        } else {
            map.serialize_entry("createdAt", &Digits(*created))?;
            map.serialize_entry("updatedAt", &Digits(*updated))?;
            map.serialize_entry("type", kind)?;
            self.issuance(&mut map)?;
            self.expiration(&mut map)?;
            if self.place != Place::Changed {
                self.data(&mut map)?;
            }
            if self.place == Place::Shared && self.wire == Wire::Seed {
                map.serialize_entry("issuer", issuer)?;
            }
            map.serialize_entry("issuerUuid", issuer)?;
        }
        map.serialize_entry("status", status)?;
        map.serialize_entry("verificationMethod", verification_method)?;
        if self.place == Place::Changed {
            self.data(&mut map)?;
        }
        map.end()
    }
}
