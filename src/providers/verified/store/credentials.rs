//! Credentials: each that stands on its own is a row, with all its parts in one document.

use std::collections::BTreeSet;
use std::error::Error;

use chrono::{DateTime, Utc};
use rusqlite::types::FromSqlError;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params, params_from_iter};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::ids;
use crate::providers::verified::body;
use crate::providers::verified::credential::{Credential, Data, Dto, Place};
use crate::providers::verified::fields::Fields;
use crate::providers::verified::types::{Status, Wire};
use crate::world::clock::from_millis;
use crate::world::store::AsJson;

/// A credential as it is kept: spelled as the answer to reading it is, unless the world is set otherwise.
pub(in super::super) struct Held {
    /// Number of its row.
    pub seq: i64,
    /// JSON.
    pub document: String,
}

impl Held {
    fn read(row: &Row<'_>) -> Result<Self> {
        Ok(Self { seq: row.get(0)?, document: row.get(1)? })
    }

    /// Whether the whole has this id, and not one of its parts.
    pub(in super::super) fn is_whole(&self, id: &str) -> bool {
        self.document.strip_prefix("{\"id\":\"").and_then(|rest| rest.strip_prefix(id)).is_some_and(|rest| rest.starts_with('"'))
    }

    /// The whole.
    pub(in super::super) fn credential(&self) -> Result<Credential> {
        parse(&self.document)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    id: String,
    #[serde(borrow)]
    created_at: &'a str,
    #[serde(borrow)]
    updated_at: &'a str,
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    issuance_date: &'a str,
    expiration_date: Option<i64>,
    #[serde(borrow)]
    data: &'a RawValue,
    issuer_uuid: String,
    status: Status,
    verification_method: Option<String>,
}

impl TryFrom<Document<'_>> for Credential {
    type Error = Box<dyn Error + Send + Sync>;

    fn try_from(document: Document<'_>) -> std::result::Result<Self, Self::Error> {
        let at = |digits: &str| digits.parse().map(from_millis);
        let data = if document.data.get().starts_with('[') {
            let parts: Vec<Document<'_>> = serde_json::from_str(document.data.get())?;
            Data::Children(parts.into_iter().map(Self::try_from).collect::<std::result::Result<_, _>>()?)
        } else {
            Data::Fields(Fields::stored(document.data.to_owned()))
        };
        Ok(Self {
            id: document.id,
            kind: document.kind,
            data,
            issuer: document.issuer_uuid,
            status: document.status,
            created: at(document.created_at)?,
            updated: at(document.updated_at)?,
            issued: at(document.issuance_date)?,
            expires: document.expiration_date.map(from_millis),
            verification_method: document.verification_method,
        })
    }
}

fn parse(document: &str) -> Result<Credential> {
    let document: Document<'_> = serde_json::from_str(document).map_err(|error| FromSqlError::Other(error.into()))?;
    Ok(document.try_into().map_err(FromSqlError::Other)?)
}

fn document(credential: &Credential) -> AsJson<Dto<'_>> {
    AsJson(Dto { credential, place: Place::Stored, wire: Wire::Seed })
}

/// The only credential that may have this id or a part with it, if this brand (or any) issued it. Whoever looks for the id in it may
/// still find that it is gone.
pub(in super::super) fn issued(db: &Connection, id: &str, issuer: Option<&str>) -> Result<Option<Held>> {
    let Some(id) = body::canonical(id) else { return Ok(None) };
    db.prepare_cached(
        "SELECT seq, document FROM verified_credential
         WHERE seq = coalesce((SELECT whole FROM verified_credential_id WHERE id = ?1), ?2) AND (?3 IS NULL OR issuer = ?3)",
    )?
    .query_row((id.into_bytes(), ids::row(id), issuer), Held::read)
    .optional()
}

/// All credentials issued to a person, by one brand or by all, in the order of their creation.
pub(in super::super) fn of_user(db: &Connection, user: &str, issuer: Option<&str>) -> Result<Vec<Credential>> {
    db.prepare_cached("SELECT document FROM verified_credential WHERE user = ?1 AND (?2 IS NULL OR issuer = ?2) ORDER BY seq")?
        .query_map((user, issuer), |row| parse(row.get_ref(0)?.as_str()?))?
        .collect()
}

/// Whether a credential has this id, or a part of one, whoever issued it.
pub(in super::super) fn exists(db: &Connection, id: &str) -> Result<bool> {
    let Some(held) = issued(db, id, None)? else { return Ok(false) };
    Ok(held.is_whole(id) || held.credential()?.find(id).is_some())
}

/// The row that the next credential gets.
pub(in super::super) fn next_row(db: &Connection) -> Result<i64> {
    db.prepare_cached("SELECT coalesce(max(seq), 0) + 1 FROM verified_credential")?.query_row([], |row| row.get(0))
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
        ":document": document(credential),
    })?;
    let seq = db.last_insert_rowid();
    credential.try_each(&mut |part| add_id(db, &part.id, seq))
}

/// Has an id lead to its row, unless it tells it.
fn add_id(db: &Connection, id: &str, seq: i64) -> Result<()> {
    let id = body::canonical(id);
    if id.map(ids::row) != Some(seq) {
        let key = id.map(Uuid::into_bytes);
        db.prepare_cached("INSERT INTO verified_credential_id (id, whole) VALUES (?1, ?2)")?.execute((key, seq))?;
    }
    Ok(())
}

fn delete_id(db: &Connection, id: &str, seq: i64) -> Result<()> {
    if let Some(id) = body::canonical(id).filter(|id| ids::row(*id) != seq) {
        db.prepare_cached("DELETE FROM verified_credential_id WHERE id = ?1")?.execute([id.into_bytes()])?;
    }
    Ok(())
}

fn rewrite(db: &Connection, seq: i64, credential: &Credential) -> Result<()> {
    db.prepare_cached("UPDATE verified_credential SET document = ?2 WHERE seq = ?1")?.execute((seq, document(credential)))?;
    Ok(())
}

/// Writes what a change made of a credential and its parts, which had the ids `before`.
pub(in super::super) fn update(db: &Connection, seq: i64, credential: &Credential, before: &BTreeSet<String>) -> Result<()> {
    rewrite(db, seq, credential)?;
    let after = credential.ids();
    before.difference(&after).try_for_each(|id| delete_id(db, id, seq))?;
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
    let all: Vec<Held> = db
        .prepare_cached("SELECT seq, document FROM verified_credential WHERE user = ?1 AND issuer = ?2")?
        .query_map([user, issuer], Held::read)?
        .collect::<Result<_>>()?;
    for held in all {
        let mut credential = held.credential()?;
        credential.set_status(status, now);
        rewrite(db, held.seq, &credential)?;
    }
    Ok(())
}

/// Deletes what `query` selects: numbers and documents.
fn delete_all(db: &Connection, query: &str, values: &[&str]) -> Result<()> {
    let all: Vec<Held> = db.prepare_cached(query)?.query_map(params_from_iter(values), Held::read)?.collect::<Result<_>>()?;
    for held in all {
        held.credential()?.try_each(&mut |part| delete_id(db, &part.id, held.seq))?;
        db.prepare_cached("DELETE FROM verified_credential WHERE seq = ?1")?.execute([held.seq])?;
    }
    Ok(())
}

/// Deletes what was sent back from a 1-Click before, of one type.
pub(in super::super) fn delete_sent_back(db: &Connection, one_click: &str, kind: &str) -> Result<()> {
    delete_all(db, "SELECT seq, document FROM verified_credential WHERE one_click = ?1 AND type = ?2", &[one_click, kind])
}

/// Deletes all credentials of the test persons, whoever issued them.
pub(in super::super) fn delete_of_test_users(db: &Connection) -> Result<()> {
    let theirs = "SELECT seq, document FROM verified_credential WHERE user IN (SELECT uuid FROM verified_user WHERE is_test = 1)";
    delete_all(db, theirs, &[])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::http::Provider as _;
    use crate::providers::verified::Verified;
    use crate::world::rng::Rng;

    fn id(number: u128) -> String {
        Uuid::from_u128(number).to_string()
    }

    /// A database with the provider's tables, whose rows may point anywhere.
    fn empty() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        Verified::SCHEMA.iter().for_each(|step| db.execute_batch(step).unwrap());
        db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        db
    }

    fn valid(id: String, data: Data) -> Credential {
        let [created, updated, issued] = [from_millis(0); 3];
        Credential {
            id,
            kind: "K".to_owned(),
            data,
            issuer: "b".to_owned(),
            status: Status::Valid,
            created,
            updated,
            issued,
            expires: None,
            verification_method: None,
        }
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
        let found = issued(&db, &id(7), Some("b")).unwrap().expect("parts are found by their ids");
        assert_eq!((found.seq, shown(&found.credential().unwrap())), (1, whole));
        let rewritten = |held: &Held| serde_json::to_string(&document(&held.credential().unwrap()).0).unwrap();
        for number in [1, 9, 10] {
            let held = issued(&db, &id(number), Some("b")).unwrap().unwrap();
            assert_eq!(held.document, rewritten(&held), "as if it were written today");
        }
        assert!(issued(&db, &id(8), Some("b")).unwrap().is_none() && issued(&db, &id(8), Some("c")).unwrap().is_some());
        delete_sent_back(&db, "o", "T9").unwrap();
        assert_eq!((of("u").len(), exists(&db, &id(9)).unwrap(), exists(&db, &id(12)).unwrap()), (2, false, true));
    }

    #[test]
    fn what_was_written_is_read() {
        let db = empty();
        let atomic = |number, moved| Credential {
            status: if moved > 2 { Status::Revoked } else { Status::Valid },
            created: from_millis(moved),
            updated: from_millis(moved.min(3)),
            issued: from_millis(moved.max(2)),
            expires: (moved == 3).then_some(from_millis(0)),
            verification_method: (moved == 4).then(|| "m".to_owned()),
            ..valid(id(number), Data::Fields(serde_json::from_value(json!({"a": "é\""})).unwrap()))
        };
        let composite = |number, children| Credential { data: Data::Children(children), ..atomic(number, 2) };
        let whole = composite(1, vec![atomic(2, 1), composite(3, vec![atomic(4, 4), atomic(5, 2)]), atomic(6, 3)]);
        insert(&db, &whole, "u", None).unwrap();
        insert(&db, &composite(7, vec![]), "u", None).unwrap();
        assert_eq!(of_user(&db, "u", Some("b")).unwrap(), [whole.clone(), composite(7, vec![])]);
        assert_eq!(of_user(&db, "u", Some("c")).unwrap(), []);
        assert!(insert(&db, &atomic(4, 1), "u", None).is_err(), "an id is used once");

        let held = issued(&db, &id(6), Some("b")).unwrap().unwrap();
        assert_eq!((held.is_whole(&id(1)), held.is_whole(&id(6)), held.is_whole("")), (true, false, false));
        let before = held.credential().unwrap();
        let changed = composite(1, vec![atomic(6, 1), atomic(8, 1)]);
        update(&db, held.seq, &changed, &before.ids()).unwrap();
        let held = issued(&db, &id(8), Some("b")).unwrap().unwrap();
        assert_eq!(held.credential().unwrap(), changed);
        let known: Vec<u128> = (1..10).filter(|number| exists(&db, &id(*number)).unwrap()).collect();
        assert_eq!(known, [1, 6, 7, 8]);
    }

    #[test]
    fn ids_that_tell_their_row_need_no_index_and_never_find_another_credential() {
        let db = empty();
        let mut rng = Rng::new(7, 1);
        let mut issue = |db: &Connection, own: Option<&str>| {
            let row = next_row(db).unwrap();
            let mut fresh = || ids::fresh(&mut rng, row);
            let child = valid(fresh(), Data::Children(vec![]));
            let whole = valid(own.map_or_else(&mut fresh, str::to_owned), Data::Children(vec![child]));
            insert(db, &whole, "u", Some("o")).unwrap();
            (whole.id.clone(), whole.children()[0].id.clone())
        };
        let indexed = |db: &Connection| db.query_row("SELECT count(*) FROM verified_credential_id", [], |row| row.get(0));

        let first = issue(&db, None);
        let second = issue(&db, None);
        assert_eq!(indexed(&db), Ok(0));
        for (whole, child) in [&first, &second] {
            assert_eq!(issued(&db, child, Some("b")).unwrap().map(|held| held.is_whole(whole)), Some(true));
            assert!(exists(&db, whole).unwrap() && exists(&db, child).unwrap() && issued(&db, whole, Some("c")).unwrap().is_none());
        }

        delete_sent_back(&db, "o", "K").unwrap();
        let third = issue(&db, None);
        let known = |db: &Connection, id: &str| exists(db, id).unwrap();
        assert_eq!(issued(&db, &first.0, None).unwrap().map(|held| held.is_whole(&third.0)), Some(true), "the row is used again");
        assert!(!known(&db, &first.0) && !known(&db, &first.1), "and the ids of before are gone");
        assert!(known(&db, &third.0) && known(&db, &third.1));

        let chosen = issue(&db, Some(&first.0));
        assert_eq!((indexed(&db), known(&db, &chosen.0), known(&db, &chosen.1), known(&db, &first.1)), (Ok(1), true, true, false));
        assert_eq!(issued(&db, &first.0, None).unwrap().map(|held| held.is_whole(&first.0)), Some(true), "an id that was chosen");

        let held = issued(&db, &chosen.0, None).unwrap().unwrap();
        let before = held.credential().unwrap().ids();
        update(&db, held.seq, &valid(chosen.0.clone(), Data::Children(vec![])), &before).unwrap();
        assert_eq!((known(&db, &chosen.0), known(&db, &chosen.1)), (true, false));
        delete_sent_back(&db, "o", "K").unwrap();
        assert_eq!((indexed(&db), known(&db, &first.0), known(&db, &third.0)), (Ok(0), false, false));
    }
}
