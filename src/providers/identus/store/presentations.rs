//! Presentations: a row a side.

use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};

use super::super::types::{Presentation, PresentationRole, PresentationState};
use super::records::RETRIES;
use crate::world::store::AsText;

fn presentation(row: &Row<'_>) -> Result<Presentation> {
    Ok(Presentation {
        id: row.get(0)?,
        wallet: row.get(1)?,
        thid: row.get(2)?,
        role: row.get::<_, AsText<_>>(3)?.0,
        state: row.get::<_, AsText<_>>(4)?.0,
        connection: row.get(5)?,
        challenge: row.get(6)?,
        domain: row.get(7)?,
        definition: row.get(8)?,
        record: row.get(9)?,
        proof: row.get(10)?,
        retries: row.get(11)?,
    })
}

/// Adds one side of a presentation.
pub(crate) fn insert(db: &Connection, presentation: &Presentation) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO identus_presentation
             (id, wallet_id, thid, role, state, connection_id, challenge, domain, definition_id, record_id, proof, retries)
         VALUES
             (:id, :wallet_id, :thid, :role, :state, :connection_id, :challenge, :domain, :definition_id, :record_id, :proof, :retries)",
    )?
    .execute(named_params! {
        ":id": presentation.id,
        ":wallet_id": presentation.wallet,
        ":thid": presentation.thid,
        ":role": AsText(presentation.role),
        ":state": AsText(presentation.state),
        ":connection_id": presentation.connection,
        ":challenge": presentation.challenge,
        ":domain": presentation.domain,
        ":definition_id": presentation.definition,
        ":record_id": presentation.record,
        ":proof": presentation.proof,
        ":retries": presentation.retries,
    })?;
    Ok(())
}

/// Moves one side to another state, with what it has there; attempts begin anew.
pub(crate) fn advance(db: &Connection, presentation: &mut Presentation, state: PresentationState) -> Result<()> {
    presentation.state = state;
    presentation.retries = RETRIES;
    db.prepare_cached(
        "UPDATE identus_presentation SET state = :state, record_id = :record_id, proof = :proof, retries = :retries WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": presentation.id,
        ":state": AsText(state),
        ":record_id": presentation.record,
        ":proof": presentation.proof,
        ":retries": RETRIES,
    })?;
    Ok(())
}

/// A background step failed: one attempt less.
pub(crate) fn fail(db: &Connection, id: &str) -> Result<()> {
    db.prepare_cached("UPDATE identus_presentation SET retries = retries - 1 WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// One side, in any wallet.
pub(crate) fn any(db: &Connection, id: &str) -> Result<Option<Presentation>> {
    db.prepare_cached(
        "SELECT id, wallet_id, thid, role, state, connection_id, challenge, domain, definition_id, record_id, proof, retries
         FROM identus_presentation WHERE id = ?1",
    )?
    .query_row([id], presentation)
    .optional()
}

/// One side, in the wallet that has it.
pub(crate) fn get(db: &Connection, wallet: &str, id: &str) -> Result<Option<Presentation>> {
    Ok(any(db, id)?.filter(|presentation| presentation.wallet == wallet))
}

/// One side of a thread, in whichever wallet it is.
pub(crate) fn side(db: &Connection, thid: &str, role: PresentationRole) -> Result<Option<Presentation>> {
    db.prepare_cached(
        "SELECT id, wallet_id, thid, role, state, connection_id, challenge, domain, definition_id, record_id, proof, retries
         FROM identus_presentation WHERE thid = ?1 AND role = ?2 ORDER BY seq LIMIT 1",
    )?
    .query_row((thid, AsText(role)), presentation)
    .optional()
}

/// The presentations of a wallet, oldest first, with this thread and in this state where they are given.
pub(crate) fn list(db: &Connection, wallet: &str, thid: Option<&str>, state: Option<&str>) -> Result<Vec<Presentation>> {
    match (thid, state) {
        (Some(thid), _) => db
            .prepare_cached(
                "SELECT id, wallet_id, thid, role, state, connection_id, challenge, domain, definition_id, record_id, proof, retries
                 FROM identus_presentation WHERE wallet_id = ?1 AND thid = ?2 AND (?3 IS NULL OR state = ?3) ORDER BY seq",
            )?
            .query_map((wallet, thid, state), presentation)?
            .collect(),
        (None, Some(state)) => db
            .prepare_cached(
                "SELECT id, wallet_id, thid, role, state, connection_id, challenge, domain, definition_id, record_id, proof, retries
                 FROM identus_presentation WHERE wallet_id = ?1 AND state = ?2 ORDER BY seq",
            )?
            .query_map((wallet, state), presentation)?
            .collect(),
        (None, None) => db
            .prepare_cached(
                "SELECT id, wallet_id, thid, role, state, connection_id, challenge, domain, definition_id, record_id, proof, retries
                 FROM identus_presentation WHERE wallet_id = ?1 ORDER BY seq",
            )?
            .query_map([wallet], presentation)?
            .collect(),
    }
}

/// The presentations of a wallet with this challenge and in this state, oldest first.
pub(crate) fn with_challenge(db: &Connection, wallet: &str, challenge: &str, state: &str) -> Result<Vec<Presentation>> {
    db.prepare_cached(
        "SELECT id, wallet_id, thid, role, state, connection_id, challenge, domain, definition_id, record_id, proof, retries
         FROM identus_presentation WHERE wallet_id = ?1 AND challenge = ?2 AND state = ?3 ORDER BY seq",
    )?
    .query_map((wallet, challenge, state), presentation)?
    .collect()
}

/// Whether a wallet has any presentation.
pub(crate) fn has_any(db: &Connection, wallet: &str) -> Result<bool> {
    db.prepare_cached("SELECT 1 FROM identus_presentation WHERE wallet_id = ?1")?.exists([wallet])
}

/// The sides that a background step waits for, oldest first.
pub(crate) fn pending(db: &Connection) -> Result<Vec<String>> {
    db.prepare_cached(
        "SELECT id FROM identus_presentation
         WHERE state IN ('RequestPending', 'PresentationPending', 'PresentationGenerated', 'PresentationReceived') ORDER BY seq",
    )?
    .query_map([], |row| row.get(0))?
    .collect()
}
