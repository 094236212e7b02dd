//! Credentials: composites and their parts, each a row.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};

use crate::providers::verified::credential::{Credential, Data};
use crate::providers::verified::fields::Fields;
use crate::providers::verified::types::Status;
use crate::world::store::{AsJson, AsText, Millis};

/// A row: its number, its parent's, and the credential; a composite's children are not in it yet.
struct Stored {
    seq: i64,
    parent: Option<i64>,
    credential: Credential,
}

fn stored(row: &Row<'_>) -> Result<Stored> {
    let data = match row.get(4)? {
        Some(text) => Data::Fields(Fields::stored(text)),
        None => Data::Children(Vec::new()),
    };
    Ok(Stored {
        seq: row.get(0)?,
        parent: row.get(1)?,
        credential: Credential {
            id: row.get(2)?,
            kind: row.get(3)?,
            data,
            issuer: row.get(5)?,
            status: row.get::<_, AsText<_>>(6)?.0,
            created: row.get::<_, Millis>(7)?.0,
            updated: row.get::<_, Millis>(8)?.0,
            issued: row.get::<_, Millis>(9)?.0,
            expires: row.get::<_, Option<Millis>>(10)?.map(|at| at.0),
            verification_method: row.get(11)?,
        },
    })
}

/// Fills in the children of a composite, and theirs.
fn complete(db: &Connection, mut stored: Stored) -> Result<Credential> {
    if let Data::Children(children) = &mut stored.credential.data {
        let rows: Vec<Stored> = db
            .prepare_cached(
                "SELECT seq, parent, id, type, data, issuer, status, created_ms, updated_ms, issued_ms, expires_ms, verification_method
                 FROM verified_credential WHERE parent = ?1 ORDER BY seq",
            )?
            .query_map([stored.seq], self::stored)?
            .collect::<Result<_>>()?;
        for row in rows {
            children.push(complete(db, row)?);
        }
    }
    Ok(stored.credential)
}

/// A credential that this brand issued, whole, with its row number.
pub(in super::super) fn issued(db: &Connection, id: &str, issuer: &str) -> Result<Option<(i64, Credential)>> {
    let row = db
        .prepare_cached(
            "SELECT seq, parent, id, type, data, issuer, status, created_ms, updated_ms, issued_ms, expires_ms, verification_method
             FROM verified_credential WHERE id = ?1 AND issuer = ?2",
        )?
        .query_row([id, issuer], stored)
        .optional()?;
    row.map(|row| Ok((row.seq, complete(db, row)?))).transpose()
}

/// The person to whom a credential was issued.
pub(in super::super) fn owner(db: &Connection, seq: i64) -> Result<String> {
    db.prepare_cached("SELECT user FROM verified_credential WHERE seq = ?1")?.query_row([seq], |row| row.get(0))
}

/// All credentials issued to a person, by one brand or by all, whole, in the order of their creation.
pub(in super::super) fn of_user(db: &Connection, user: &str, issuer: Option<&str>) -> Result<Vec<Credential>> {
    let rows: Vec<Stored> = match issuer {
        Some(issuer) => db
            .prepare_cached(
                "SELECT seq, parent, id, type, data, issuer, status, created_ms, updated_ms, issued_ms, expires_ms, verification_method
                 FROM verified_credential WHERE user = ?1 AND issuer = ?2 ORDER BY seq",
            )?
            .query_map([user, issuer], stored)?
            .collect::<Result<_>>()?,
        None => db
            .prepare_cached(
                "SELECT seq, parent, id, type, data, issuer, status, created_ms, updated_ms, issued_ms, expires_ms, verification_method
                 FROM verified_credential WHERE user = ?1 ORDER BY seq",
            )?
            .query_map([user], stored)?
            .collect::<Result<_>>()?,
    };
    Ok(assemble(rows))
}

/// Puts children into their parents. Parents come before their children, since they are inserted first.
fn assemble(mut rows: Vec<Stored>) -> Vec<Credential> {
    let mut whole: Vec<Credential> = Vec::new();
    let mut below: Vec<Stored> = Vec::new();
    while let Some(mut row) = rows.pop() {
        if let Data::Children(children) = &mut row.credential.data {
            let mine;
            (mine, below) = below.into_iter().partition(|child| child.parent == Some(row.seq));
            children.extend(mine.into_iter().rev().map(|child| child.credential));
        }
        match row.parent {
            Some(_) => below.push(row),
            None => whole.push(row.credential),
        }
    }
    whole.reverse();
    whole
}

/// Whether a credential has this id, whoever issued it.
pub(in super::super) fn exists(db: &Connection, id: &str) -> Result<bool> {
    db.prepare_cached("SELECT 1 FROM verified_credential WHERE id = ?1")?.exists([id])
}

/// Adds a credential and all that it contains, as a part of `parent` if given. `one_click` says which 1-Click it was sent back from.
pub(in super::super) fn insert(
    db: &Connection,
    credential: &Credential,
    user: &str,
    parent: Option<i64>,
    one_click: Option<&str>,
) -> Result<()> {
    let data = match &credential.data {
        Data::Fields(fields) => Some(AsJson(fields)),
        Data::Children(_) => None,
    };
    db.prepare_cached(
        "INSERT INTO verified_credential
             (id, parent, user, issuer, type, data, created_ms, updated_ms, issued_ms, expires_ms, status, verification_method, one_click)
         VALUES (:id, :parent, :user, :issuer, :type, :data, :created_ms, :updated_ms, :issued_ms, :expires_ms, :status,
             :verification_method, :one_click)",
    )?
    .execute(named_params! {
        ":id": credential.id,
        ":parent": parent,
        ":user": user,
        ":issuer": credential.issuer,
        ":type": credential.kind,
        ":data": data,
        ":created_ms": Millis(credential.created),
        ":updated_ms": Millis(credential.updated),
        ":issued_ms": Millis(credential.issued),
        ":expires_ms": credential.expires.map(Millis),
        ":status": AsText(credential.status),
        ":verification_method": credential.verification_method,
        ":one_click": one_click,
    })?;
    let seq = db.last_insert_rowid();
    credential.children().iter().try_for_each(|child| insert(db, child, user, Some(seq), one_click))
}

/// Writes what a change made of an atomic credential or of a composite itself (not of its children).
pub(in super::super) fn update(db: &Connection, seq: i64, credential: &Credential) -> Result<()> {
    let data = match &credential.data {
        Data::Fields(fields) => Some(AsJson(fields)),
        Data::Children(_) => None,
    };
    db.prepare_cached(
        "UPDATE verified_credential SET data = :data, updated_ms = :updated_ms, expires_ms = :expires_ms, status = :status
         WHERE seq = :seq",
    )?
    .execute(named_params! {
        ":data": data,
        ":updated_ms": Millis(credential.updated),
        ":expires_ms": credential.expires.map(Millis),
        ":status": AsText(credential.status),
        ":seq": seq,
    })?;
    Ok(())
}

/// Gives everything that a credential contains a status.
pub(in super::super) fn set_status_below(db: &Connection, seq: i64, status: Status, now: DateTime<Utc>) -> Result<()> {
    db.prepare_cached(
        "WITH RECURSIVE below (seq) AS (
             SELECT seq FROM verified_credential WHERE parent = ?1
             UNION ALL SELECT child.seq FROM verified_credential child JOIN below ON child.parent = below.seq)
         UPDATE verified_credential SET status = ?2, updated_ms = ?3 WHERE seq IN (SELECT seq FROM below)",
    )?
    .execute((seq, AsText(status), Millis(now)))?;
    Ok(())
}

/// Gives everything that a brand issued to a person a status.
pub(in super::super) fn set_status_of_user(
    db: &Connection,
    user: &str,
    issuer: &str,
    status: Status,
    now: DateTime<Utc>,
) -> Result<()> {
    db.prepare_cached(
        "UPDATE verified_credential SET status = :status, updated_ms = :now WHERE user = :user AND issuer = :issuer",
    )?
    .execute(named_params! { ":status": AsText(status), ":now": Millis(now), ":user": user, ":issuer": issuer })?;
    Ok(())
}

/// Deletes a credential's children and theirs.
pub(in super::super) fn delete_below(db: &Connection, seq: i64) -> Result<()> {
    let children: Vec<i64> = db
        .prepare_cached("SELECT seq FROM verified_credential WHERE parent = ?1")?
        .query_map([seq], |row| row.get(0))?
        .collect::<Result<_>>()?;
    for child in children {
        delete_below(db, child)?;
        db.prepare_cached("DELETE FROM verified_credential WHERE seq = ?1")?.execute([child])?;
    }
    Ok(())
}

/// Deletes what was sent back from a 1-Click before, of one type.
pub(in super::super) fn delete_sent_back(db: &Connection, one_click: &str, kind: &str) -> Result<()> {
    let rows: Vec<i64> = db
        .prepare_cached("SELECT seq FROM verified_credential WHERE one_click = ?1 AND type = ?2 AND parent IS NULL")?
        .query_map([one_click, kind], |row| row.get(0))?
        .collect::<Result<_>>()?;
    for seq in rows {
        delete_below(db, seq)?;
        db.prepare_cached("DELETE FROM verified_credential WHERE seq = ?1")?.execute([seq])?;
    }
    Ok(())
}

/// Deletes all credentials of the test persons, whoever issued them.
pub(in super::super) fn delete_of_test_users(db: &Connection) -> Result<()> {
    db.prepare_cached("DELETE FROM verified_credential WHERE user IN (SELECT uuid FROM verified_user WHERE is_test = 1)")?
        .execute([])?;
    Ok(())
}
