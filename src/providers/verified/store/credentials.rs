//! Credentials: each that stands on its own is a row, with all its parts in one document.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::types::{FromSqlError, ToSql, ToSqlOutput};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};
use serde::ser::{Error as _, SerializeMap as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::providers::verified::body;
use crate::providers::verified::credential::{Credential, Data};
use crate::providers::verified::fields::Fields;
use crate::providers::verified::types::Status;
use crate::world::clock::from_millis;

/// A credential as it is kept. The issuer stands beside it, parts have that of the whole; what is as usual is left out: times that are
/// those of the whole's creation, a status that is valid.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    created: Option<i64>,
    updated: Option<i64>,
    issued: Option<i64>,
    expires: Option<i64>,
    #[serde(default)]
    is_revoked: bool,
    verification_method: Option<String>,
    /// Of an atomic credential.
    #[serde(borrow)]
    fields: Option<&'a RawValue>,
    /// Of a composite.
    #[serde(default)]
    parts: Vec<Document<'a>>,
}

impl Document<'_> {
    fn credential(self, issuer: &str, usual: i64) -> Credential {
        let created = self.created.unwrap_or(usual);
        let at = |ms: Option<i64>| from_millis(ms.unwrap_or(created));
        Credential {
            id: self.id.into_owned(),
            kind: self.kind.into_owned(),
            data: match self.fields {
                Some(fields) => Data::Fields(Fields::stored(fields.to_owned())),
                None => Data::Children(self.parts.into_iter().map(|part| part.credential(issuer, created)).collect()),
            },
            issuer: issuer.to_owned(),
            status: if self.is_revoked { Status::Revoked } else { Status::Valid },
            created: from_millis(created),
            updated: at(self.updated),
            issued: at(self.issued),
            expires: self.expires.map(from_millis),
            verification_method: self.verification_method,
        }
    }
}

/// Writes a [`Document`].
struct Written<'a> {
    credential: &'a Credential,
    /// When the whole was created, for a part.
    usual: Option<DateTime<Utc>>,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let Credential { id, kind, data, issuer: _, status, created, updated, issued, expires, verification_method } =
            self.credential;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", id)?;
        map.serialize_entry("type", kind)?;
        for (key, at, usual) in
            [("created", created, self.usual.as_ref()), ("updated", updated, Some(created)), ("issued", issued, Some(created))]
        {
            if usual != Some(at) {
                map.serialize_entry(key, &at.timestamp_millis())?;
            }
        }
        if let Some(expires) = expires {
            map.serialize_entry("expires", &expires.timestamp_millis())?;
        }
        if *status == Status::Revoked {
            map.serialize_entry("is_revoked", &true)?;
        }
        if let Some(method) = verification_method {
            map.serialize_entry("verification_method", method)?;
        }
        match data {
            Data::Fields(fields) => map.serialize_entry("fields", fields)?,
            Data::Children(parts) => {
                let written = |part| Written { credential: part, usual: Some(*created) };
                if parts.iter().any(|part| part.issuer != self.credential.issuer) {
                    return Err(S::Error::custom("a part has another issuer than the whole"));
                }
                map.serialize_entry("parts", &parts.iter().map(written).collect::<Vec<_>>())?;
            }
        }
        map.end()
    }
}

impl ToSql for Written<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        serde_json::to_string(self).map(Into::into).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }
}

fn written(credential: &Credential) -> Written<'_> {
    Written { credential, usual: None }
}

/// Reads a row: its number, the issuer, the document.
fn held(row: &Row<'_>) -> Result<(i64, Credential)> {
    let document: Document<'_> =
        serde_json::from_str(row.get_ref(2)?.as_str()?).map_err(|error| FromSqlError::Other(error.into()))?;
    Ok((row.get(0)?, document.credential(row.get_ref(1)?.as_str()?, 0)))
}

/// The bytes under which an id is kept; none for a text that is no UUID.
fn key(id: &str) -> Option<[u8; 16]> {
    body::uuid(id).and_then(|id| Uuid::try_parse(&id).ok()).map(Uuid::into_bytes)
}

/// The credential that has this id or a part with it, if this brand issued it; with its row number.
pub(in super::super) fn issued(db: &Connection, id: &str, issuer: &str) -> Result<Option<(i64, Credential)>> {
    let Some(key) = key(id) else { return Ok(None) };
    db.prepare_cached(
        "SELECT seq, issuer, document FROM verified_credential_id JOIN verified_credential ON seq = whole
         WHERE id = ?1 AND issuer = ?2",
    )?
    .query_row((key, issuer), held)
    .optional()
}

/// All credentials issued to a person, by one brand or by all, in the order of their creation.
pub(in super::super) fn of_user(db: &Connection, user: &str, issuer: Option<&str>) -> Result<Vec<Credential>> {
    db.prepare_cached(
        "SELECT seq, issuer, document FROM verified_credential WHERE user = ?1 AND (?2 IS NULL OR issuer = ?2) ORDER BY seq",
    )?
    .query_map((user, issuer), |row| Ok(held(row)?.1))?
    .collect()
}

/// Whether a credential has this id, or a part of one, whoever issued it.
pub(in super::super) fn exists(db: &Connection, id: &str) -> Result<bool> {
    db.prepare_cached("SELECT 1 FROM verified_credential_id WHERE id = ?1")?.exists([key(id)])
}

/// Adds a credential with all its parts. `one_click` says which 1-Click it was sent back from.
pub(in super::super) fn insert(db: &Connection, credential: &Credential, user: &str, one_click: Option<&str>) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO verified_credential (user, issuer, type, one_click, document)
         VALUES (:user, :issuer, :type, :one_click, :document)",
    )?
    .execute(named_params! {
        ":user": user,
        ":issuer": credential.issuer,
        ":type": credential.kind,
        ":one_click": one_click,
        ":document": written(credential),
    })?;
    let seq = db.last_insert_rowid();
    credential.try_each(&mut |part| add_id(db, &part.id, seq))
}

fn add_id(db: &Connection, id: &str, seq: i64) -> Result<()> {
    db.prepare_cached("INSERT INTO verified_credential_id (id, whole) VALUES (?1, ?2)")?.execute((key(id), seq))?;
    Ok(())
}

fn delete_id(db: &Connection, id: &str) -> Result<()> {
    db.prepare_cached("DELETE FROM verified_credential_id WHERE id = ?1")?.execute([key(id)])?;
    Ok(())
}

/// Writes what a change made of a credential and its parts, which had the ids `before`.
pub(in super::super) fn update(db: &Connection, seq: i64, credential: &Credential, before: &BTreeSet<String>) -> Result<()> {
    db.prepare_cached("UPDATE verified_credential SET document = ?2 WHERE seq = ?1")?.execute((seq, written(credential)))?;
    let after = credential.ids();
    before.difference(&after).try_for_each(|id| delete_id(db, id))?;
    after.difference(before).try_for_each(|id| add_id(db, id, seq))
}

/// Gives everything that a brand issued to a person a status.
pub(in super::super) fn set_status_of_user(
    db: &Connection,
    user: &str,
    issuer: &str,
    status: Status,
    now: DateTime<Utc>,
) -> Result<()> {
    let all: Vec<(i64, Credential)> = db
        .prepare_cached("SELECT seq, issuer, document FROM verified_credential WHERE user = ?1 AND issuer = ?2")?
        .query_map([user, issuer], held)?
        .collect::<Result<_>>()?;
    for (seq, mut credential) in all {
        credential.set_status(status, now);
        db.prepare_cached("UPDATE verified_credential SET document = ?2 WHERE seq = ?1")?.execute((seq, written(&credential)))?;
    }
    Ok(())
}

fn delete(db: &Connection, (seq, credential): &(i64, Credential)) -> Result<()> {
    credential.try_each(&mut |part| delete_id(db, &part.id))?;
    db.prepare_cached("DELETE FROM verified_credential WHERE seq = ?1")?.execute([seq])?;
    Ok(())
}

/// Deletes what was sent back from a 1-Click before, of one type.
pub(in super::super) fn delete_sent_back(db: &Connection, one_click: &str, kind: &str) -> Result<()> {
    let all: Vec<(i64, Credential)> = db
        .prepare_cached("SELECT seq, issuer, document FROM verified_credential WHERE one_click = ?1 AND type = ?2")?
        .query_map([one_click, kind], held)?
        .collect::<Result<_>>()?;
    all.iter().try_for_each(|one| delete(db, one))
}

/// Deletes all credentials of the test persons, whoever issued them.
pub(in super::super) fn delete_of_test_users(db: &Connection) -> Result<()> {
    let all: Vec<(i64, Credential)> = db
        .prepare_cached(
            "SELECT seq, issuer, document FROM verified_credential
             WHERE user IN (SELECT uuid FROM verified_user WHERE is_test = 1)",
        )?
        .query_map([], held)?
        .collect::<Result<_>>()?;
    all.iter().try_for_each(|one| delete(db, one))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::http::Provider as _;
    use crate::providers::verified::Verified;

    fn id(number: u128) -> String {
        Uuid::from_u128(number).to_string()
    }

    fn shown(credential: &Credential) -> Value {
        let times = [credential.created, credential.updated, credential.issued].map(|at| at.timestamp_millis());
        let mut members = json!({
            "id": credential.id,
            "type": credential.kind,
            "issuer": credential.issuer,
            "status": credential.status,
            "times": times,
            "expires": credential.expires.map(|at| at.timestamp_millis()),
            "method": credential.verification_method,
        });
        members["data"] = match &credential.data {
            Data::Fields(fields) => serde_json::to_value(fields).unwrap(),
            Data::Children(children) => children.iter().map(shown).collect(),
        };
        members
    }

    #[test]
    fn rows_of_earlier_data_files_become_documents() {
        let db = Connection::open_in_memory().unwrap();
        let [first, second] = Verified::SCHEMA else { panic!("two steps") };
        db.execute_batch(first).unwrap();
        let people = "INSERT INTO verified_user VALUES ('u', 0), ('v', 0);
            INSERT INTO verified_brand (uuid, issuer_name, receiver_name, trusted) VALUES ('b', '', '', 0), ('c', '', '', 0)";
        db.execute_batch(people).unwrap();
        // Number, parent, data, issuer; parts that a change renewed have later numbers than their neighbours.
        let rows = [
            (1, None, None, "b"),
            (2, Some(1), None, "b"),
            (4, Some(1), Some(r#"{"x":"a,]}\"é"}"#), "b"),
            (5, Some(2), Some(r#"{"y":[1,null]}"#), "b"),
            (6, Some(2), None, "b"),
            (7, Some(6), Some("{}"), "b"),
            (8, None, Some(r#"{"z":1}"#), "c"),
            (9, None, None, "b"),
            (10, None, None, "b"),
            (11, Some(10), None, "b"),
            (12, Some(10), None, "b"),
        ];
        let part = |number: i64, data: Value, issuer: &str| {
            let is_revoked = number == 5;
            json!({
                "id": id(number.unsigned_abs().into()), "type": format!("T{number}"), "issuer": issuer,
                "status": if is_revoked { "revoked" } else { "valid" }, "times": [number, number + 100, number + 200],
                "expires": (number == 4).then_some(9), "method": (number == 8).then_some("m"), "data": data,
            })
        };
        for (number, parent, data, issuer) in rows {
            let user = if number == 8 { "v" } else { "u" };
            let status = if number == 5 { "revoked" } else { "valid" };
            db.execute(
                "INSERT INTO verified_credential VALUES (?1, ?2, ?3, ?4, ?5, 'T' || ?1, ?6, ?1, ?1 + 100, ?1 + 200, ?7, ?8, ?9, ?10)",
                rusqlite::params![
                    number,
                    id(u128::from(u64::try_from(number).unwrap())),
                    parent,
                    user,
                    issuer,
                    data,
                    (number == 4).then_some(9),
                    status,
                    (number == 8).then_some("m"),
                    (number == 9).then_some("o")
                ],
            )
            .unwrap();
        }
        db.execute_batch(second).unwrap();

        let third = part(6, json!([part(7, json!({}), "b")]), "b");
        let inner = part(2, json!([part(5, json!({"y": [1, null]}), "b"), third]), "b");
        let whole = part(1, json!([inner, part(4, json!({"x": "a,]}\"é"}), "b")]), "b");
        let empty = part(10, json!([part(11, json!([]), "b"), part(12, json!([]), "b")]), "b");
        let of = |user| of_user(&db, user, None).unwrap().iter().map(shown).collect::<Vec<_>>();
        assert_eq!(of("u"), [whole.clone(), part(9, json!([]), "b"), empty]);
        assert_eq!(of("v"), [part(8, json!({"z": 1}), "c")]);
        let (seq, found) = issued(&db, &id(7), "b").unwrap().expect("parts are found by their ids");
        assert_eq!((seq, shown(&found)), (1, whole));
        assert!(issued(&db, &id(8), "b").unwrap().is_none() && issued(&db, &id(8), "c").unwrap().is_some());
        delete_sent_back(&db, "o", "T9").unwrap();
        assert_eq!((of("u").len(), exists(&db, &id(9)).unwrap(), exists(&db, &id(12)).unwrap()), (2, false, true));
    }

    #[test]
    fn what_was_written_is_read() {
        let db = Connection::open_in_memory().unwrap();
        Verified::SCHEMA.iter().for_each(|step| db.execute_batch(step).unwrap());
        db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        let atomic = |number, moved| Credential {
            id: id(number),
            kind: "K".to_owned(),
            data: Data::Fields(serde_json::from_value(json!({"a": "é\""})).unwrap()),
            issuer: "b".to_owned(),
            status: if moved > 2 { Status::Revoked } else { Status::Valid },
            created: from_millis(moved),
            updated: from_millis(moved.min(3)),
            issued: from_millis(moved.max(2)),
            expires: (moved == 3).then_some(from_millis(0)),
            verification_method: (moved == 4).then(|| "m".to_owned()),
        };
        let composite = |number, children| Credential { data: Data::Children(children), ..atomic(number, 2) };
        let whole = composite(1, vec![atomic(2, 1), composite(3, vec![atomic(4, 4), atomic(5, 2)]), atomic(6, 3)]);
        insert(&db, &whole, "u", None).unwrap();
        insert(&db, &composite(7, vec![]), "u", None).unwrap();
        assert_eq!(of_user(&db, "u", Some("b")).unwrap(), [whole.clone(), composite(7, vec![])]);
        assert_eq!(of_user(&db, "u", Some("c")).unwrap(), []);
        assert!(insert(&db, &atomic(4, 1), "u", None).is_err(), "an id is used once");

        let (seq, before) = issued(&db, &id(6), "b").unwrap().unwrap();
        let changed = composite(1, vec![atomic(6, 1), atomic(8, 1)]);
        update(&db, seq, &changed, &before.ids()).unwrap();
        assert_eq!(issued(&db, &id(8), "b").unwrap(), Some((seq, changed)));
        let known: Vec<u128> = (1..10).filter(|number| exists(&db, &id(*number)).unwrap()).collect();
        assert_eq!(known, [1, 6, 7, 8]);

        let foreign = Credential { issuer: "c".to_owned(), ..atomic(9, 1) };
        assert!(insert(&db, &composite(10, vec![foreign]), "u", None).is_err(), "parts have the issuer of the whole");
    }
}
