//! Connections: a row a side.

use chrono::{DateTime, Utc};
use rusqlite::{Connection as Db, OptionalExtension as _, Result, Row, named_params};

use super::super::types::{Connection, ConnectionRole, ConnectionState};
use super::Micros;
use crate::world::store::AsText;

fn connection(row: &Row<'_>) -> Result<Connection> {
    Ok(Connection {
        id: row.get(0)?,
        wallet: row.get(1)?,
        thid: row.get(2)?,
        label: row.get(3)?,
        my_did: row.get(4)?,
        their_did: row.get(5)?,
        role: row.get::<_, AsText<_>>(6)?.0,
        state: row.get::<_, AsText<_>>(7)?.0,
        inviter_did: row.get(8)?,
        created_at: row.get::<_, Micros>(9)?.0,
        updated_at: row.get::<_, Option<Micros>>(10)?.map(|at| at.0),
    })
}

/// Adds one side of a connection.
pub(crate) fn insert(db: &Db, connection: &Connection) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO identus_connection
             (id, wallet_id, thid, label, my_did, their_did, role, state, inviter_did, created_us, updated_us)
         VALUES (:id, :wallet_id, :thid, :label, :my_did, :their_did, :role, :state, :inviter_did, :created_us, :updated_us)",
    )?
    .execute(named_params! {
        ":id": connection.id,
        ":wallet_id": connection.wallet,
        ":thid": connection.thid,
        ":label": connection.label,
        ":my_did": connection.my_did,
        ":their_did": connection.their_did,
        ":role": AsText(connection.role),
        ":state": AsText(connection.state),
        ":inviter_did": connection.inviter_did,
        ":created_us": Micros(connection.created_at),
        ":updated_us": connection.updated_at.map(Micros),
    })?;
    Ok(())
}

/// A side of a connection, in any wallet.
pub(crate) fn any(db: &Db, id: &str) -> Result<Option<Connection>> {
    db.prepare_cached(
        "SELECT id, wallet_id, thid, label, my_did, their_did, role, state, inviter_did, created_us, updated_us
         FROM identus_connection WHERE id = ?1",
    )?
    .query_row([id], connection)
    .optional()
}

/// A side of a connection, in the wallet that has it.
pub(crate) fn get(db: &Db, wallet: &str, id: &str) -> Result<Option<Connection>> {
    Ok(any(db, id)?.filter(|connection| connection.wallet == wallet))
}

/// The connections of a wallet, oldest first.
pub(crate) fn list(db: &Db, wallet: &str) -> Result<Vec<Connection>> {
    db.prepare_cached(
        "SELECT id, wallet_id, thid, label, my_did, their_did, role, state, inviter_did, created_us, updated_us
         FROM identus_connection WHERE wallet_id = ?1 ORDER BY created_us, seq",
    )?
    .query_map([wallet], connection)?
    .collect()
}

/// The sides of a thread that have this role, oldest first.
pub(crate) fn sides(db: &Db, thid: &str, role: ConnectionRole) -> Result<Vec<Connection>> {
    db.prepare_cached(
        "SELECT id, wallet_id, thid, label, my_did, their_did, role, state, inviter_did, created_us, updated_us
         FROM identus_connection WHERE thid = ?1 AND role = ?2 ORDER BY seq",
    )?
    .query_map((thid, AsText(role)), connection)?
    .collect()
}

/// The first `count` established connections, seen by who invited.
pub(crate) fn first_established(db: &Db, count: u32) -> Result<Vec<Connection>> {
    db.prepare_cached(
        "SELECT id, wallet_id, thid, label, my_did, their_did, role, state, inviter_did, created_us, updated_us
         FROM identus_connection WHERE role = 'Inviter' AND state = 'ConnectionResponseSent' ORDER BY seq LIMIT ?1",
    )?
    .query_map([count], connection)?
    .collect()
}

/// The other end: the side of the same thread whose DID is this side's counterpart.
pub(crate) fn peer(db: &Db, connection: &Connection) -> Result<Option<Connection>> {
    let role = match connection.role {
        ConnectionRole::Inviter => ConnectionRole::Invitee,
        ConnectionRole::Invitee => ConnectionRole::Inviter,
    };
    Ok(sides(db, &connection.thid, role)?.into_iter().find(|other| other.my_did.is_some() && other.my_did == connection.their_did))
}

/// Moves one side to another state, with the DIDs that it has there.
pub(crate) fn advance(
    db: &Db,
    id: &str,
    state: ConnectionState,
    my_did: Option<&str>,
    their_did: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    db.prepare_cached(
        "UPDATE identus_connection
         SET state = :state, my_did = coalesce(:my_did, my_did), their_did = coalesce(:their_did, their_did), updated_us = :updated_us
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": id,
        ":state": AsText(state),
        ":my_did": my_did,
        ":their_did": their_did,
        ":updated_us": Micros(now),
    })?;
    Ok(())
}

/// The sides that a background step waits for, oldest first.
pub(crate) fn pending(db: &Db) -> Result<Vec<String>> {
    db.prepare_cached(
        "SELECT id FROM identus_connection WHERE state IN ('ConnectionRequestPending', 'ConnectionResponsePending') ORDER BY seq",
    )?
    .query_map([], |row| row.get(0))?
    .collect()
}
