//! 1-Clicks, shared credentials, and people's visits to the wallet.

use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};

use crate::providers::verified::credential::Credential;
use crate::providers::verified::types::{Flow, FlowState, OneClick, OneClickState, Session};
use crate::world::store::{AsJson, AsText};

/// A 1-Click, whosever it is.
pub(in super::super) fn one_click(db: &Connection, uuid: &str) -> Result<Option<OneClick>> {
    db.prepare_cached(
        "SELECT uuid, brand, phone, email, state, phone_verified, shared, is_read, is_closed FROM verified_one_click WHERE uuid = ?1",
    )?
    .query_row([uuid], |row| {
        Ok(OneClick {
            uuid: row.get(0)?,
            brand: row.get(1)?,
            phone: row.get(2)?,
            email: row.get(3)?,
            state: row.get::<_, AsText<_>>(4)?.0,
            phone_verified: row.get(5)?,
            shared: row.get::<_, Option<AsJson<_>>>(6)?.map(|json| json.0),
            is_read: row.get(7)?,
            is_closed: row.get(8)?,
        })
    })
    .optional()
}

/// Adds a 1-Click.
pub(in super::super) fn insert_one_click(db: &Connection, one_click: &OneClick) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO verified_one_click (uuid, brand, phone, email, state, phone_verified, shared, is_read, is_closed)
         VALUES (:uuid, :brand, :phone, :email, :state, :phone_verified, :shared, :is_read, :is_closed)",
    )?
    .execute(named_params! {
        ":uuid": one_click.uuid,
        ":brand": one_click.brand,
        ":phone": one_click.phone,
        ":email": one_click.email,
        ":state": AsText(one_click.state),
        ":phone_verified": one_click.phone_verified,
        ":shared": one_click.shared.as_ref().map(AsJson),
        ":is_read": one_click.is_read,
        ":is_closed": one_click.is_closed,
    })?;
    Ok(())
}

/// Ends a 1-Click: with what was shared, or with an opt-out.
pub(in super::super) fn finish_one_click(
    db: &Connection,
    uuid: &str,
    state: OneClickState,
    phone_verified: bool,
    shared: Option<&[Credential]>,
) -> Result<()> {
    db.prepare_cached(
        "UPDATE verified_one_click SET state = :state, phone_verified = :phone_verified, shared = :shared WHERE uuid = :uuid",
    )?
    .execute(named_params! {
        ":state": AsText(state),
        ":phone_verified": phone_verified,
        ":shared": shared.map(AsJson),
        ":uuid": uuid,
    })?;
    Ok(())
}

/// Notes that the data of a 1-Click was read.
pub(in super::super) fn mark_one_click_read(db: &Connection, uuid: &str) -> Result<()> {
    db.prepare_cached("UPDATE verified_one_click SET is_read = 1 WHERE uuid = ?1")?.execute([uuid])?;
    Ok(())
}

/// Ends reading the data of a 1-Click. What was shared stays, to compare what the brand sends back.
pub(in super::super) fn close_one_click(db: &Connection, uuid: &str) -> Result<()> {
    db.prepare_cached("UPDATE verified_one_click SET is_closed = 1 WHERE uuid = ?1")?.execute([uuid])?;
    Ok(())
}

/// Credentials that a person shared with a brand.
#[derive(Clone, Debug)]
pub(in super::super) struct Shared {
    pub uuid: String,
    pub brand: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub credentials: Vec<Credential>,
    /// Whether it was read once: from then on it can be read for five minutes.
    pub is_read: bool,
}

/// Shared credentials, whosever they are.
pub(in super::super) fn shared(db: &Connection, uuid: &str) -> Result<Option<Shared>> {
    db.prepare_cached("SELECT uuid, brand, email, phone, credentials, is_read FROM verified_shared WHERE uuid = ?1")?
        .query_row([uuid], |row| {
            Ok(Shared {
                uuid: row.get(0)?,
                brand: row.get(1)?,
                email: row.get(2)?,
                phone: row.get(3)?,
                credentials: row.get::<_, AsJson<_>>(4)?.0,
                is_read: row.get(5)?,
            })
        })
        .optional()
}

/// Adds shared credentials.
pub(in super::super) fn insert_shared(db: &Connection, shared: &Shared) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO verified_shared (uuid, brand, email, phone, credentials, is_read)
         VALUES (:uuid, :brand, :email, :phone, :credentials, :is_read)",
    )?
    .execute(named_params! {
        ":uuid": shared.uuid,
        ":brand": shared.brand,
        ":email": shared.email,
        ":phone": shared.phone,
        ":credentials": AsJson(&shared.credentials),
        ":is_read": shared.is_read,
    })?;
    Ok(())
}

/// Notes that shared credentials were read.
pub(in super::super) fn mark_shared_read(db: &Connection, uuid: &str) -> Result<()> {
    db.prepare_cached("UPDATE verified_shared SET is_read = 1 WHERE uuid = ?1")?.execute([uuid])?;
    Ok(())
}

/// Deletes shared credentials.
pub(in super::super) fn delete_shared(db: &Connection, uuid: &str) -> Result<()> {
    db.prepare_cached("DELETE FROM verified_shared WHERE uuid = ?1")?.execute([uuid])?;
    Ok(())
}

fn flow_row(row: &Row<'_>) -> Result<Flow> {
    Ok(Flow {
        id: row.get("id")?,
        brand: row.get("brand")?,
        one_click: row.get("one_click")?,
        user: row.get("user")?,
        phone: row.get("phone")?,
        email: row.get("email")?,
        requests: row.get::<_, AsJson<_>>("requests")?.0,
        is_hosted: row.get("is_hosted")?,
        title: row.get("title")?,
        description: row.get("description")?,
        redirect_url: row.get("redirect_url")?,
        seen_redirect_url: row.get("seen_redirect_url")?,
        needs_identity: row.get("needs_identity")?,
        state: row.get::<_, AsText<_>>("state")?.0,
        code: row.get("code")?,
        attempts: row.get("attempts")?,
        link: row.get("link")?,
        scope: row.get::<_, Option<AsJson<_>>>("scope")?.map(|json| json.0),
        tracking_id: row.get("tracking_id")?,
        outcome: row.get("outcome")?,
    })
}

/// The flow with this id.
pub(in super::super) fn flow(db: &Connection, id: &str) -> Result<Option<Flow>> {
    db.prepare_cached("SELECT * FROM verified_flow WHERE id = ?1")?.query_row([id], flow_row).optional()
}

/// The flow that a short link leads to, while it holds.
pub(in super::super) fn flow_by_link(db: &Connection, link: &str) -> Result<Option<Flow>> {
    db.prepare_cached("SELECT * FROM verified_flow WHERE link = ?1")?.query_row([link], flow_row).optional()
}

/// Adds a flow.
pub(in super::super) fn insert_flow(db: &Connection, flow: &Flow) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO verified_flow (id, brand, one_click, user, phone, email, requests, is_hosted, title, description, redirect_url,
             seen_redirect_url, needs_identity, state, code, attempts, link, scope, tracking_id, outcome)
         VALUES (:id, :brand, :one_click, :user, :phone, :email, :requests, :is_hosted, :title, :description, :redirect_url,
             :seen_redirect_url, :needs_identity, :state, :code, :attempts, :link, :scope, :tracking_id, :outcome)",
    )?
    .execute(named_params! {
        ":id": flow.id,
        ":brand": flow.brand,
        ":one_click": flow.one_click,
        ":user": flow.user,
        ":phone": flow.phone,
        ":email": flow.email,
        ":requests": AsJson(&flow.requests),
        ":is_hosted": flow.is_hosted,
        ":title": flow.title,
        ":description": flow.description,
        ":redirect_url": flow.redirect_url,
        ":seen_redirect_url": flow.seen_redirect_url,
        ":needs_identity": flow.needs_identity,
        ":state": AsText(flow.state),
        ":code": flow.code,
        ":attempts": flow.attempts,
        ":link": flow.link,
        ":scope": flow.scope.as_ref().map(AsJson),
        ":tracking_id": flow.tracking_id,
        ":outcome": flow.outcome,
    })?;
    Ok(())
}

/// Writes what can change of a flow.
pub(in super::super) fn update_flow(db: &Connection, flow: &Flow) -> Result<()> {
    db.prepare_cached(
        "UPDATE verified_flow SET seen_redirect_url = :seen_redirect_url, state = :state, code = :code, attempts = :attempts,
             link = :link, outcome = :outcome
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":seen_redirect_url": flow.seen_redirect_url,
        ":state": AsText(flow.state),
        ":code": flow.code,
        ":attempts": flow.attempts,
        ":link": flow.link,
        ":outcome": flow.outcome,
        ":id": flow.id,
    })?;
    Ok(())
}

/// Takes code and link of a flow away.
pub(in super::super) fn expire_code(db: &Connection, id: &str) -> Result<()> {
    db.prepare_cached("UPDATE verified_flow SET code = NULL, link = NULL WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// Ends a flow that nobody finished.
pub(in super::super) fn expire_flow(db: &Connection, id: &str) -> Result<()> {
    db.prepare_cached("UPDATE verified_flow SET state = ?2 WHERE id = ?1 AND state = ?3")?.execute((
        id,
        AsText(FlowState::Expired),
        AsText(FlowState::Open),
    ))?;
    Ok(())
}

/// The session of a browser with this token, if it belongs to this flow.
pub(in super::super) fn session(db: &Connection, token: &str, flow: &str) -> Result<Option<Session>> {
    db.prepare_cached("SELECT token, is_scoped, is_identified FROM verified_session WHERE token = ?1 AND flow = ?2")?
        .query_row([token, flow], |row| Ok(Session { token: row.get(0)?, is_scoped: row.get(1)?, is_identified: row.get(2)? }))
        .optional()
}

/// Adds or changes a session.
pub(in super::super) fn put_session(db: &Connection, session: &Session, flow: &str) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO verified_session (token, flow, is_scoped, is_identified) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (token) DO UPDATE SET is_scoped = excluded.is_scoped, is_identified = excluded.is_identified",
    )?
    .execute((&session.token, flow, session.is_scoped, session.is_identified))?;
    Ok(())
}

/// Notes that the person of a 1-Click proved to have the phone.
pub(in super::super) fn mark_phone_verified(db: &Connection, uuid: &str) -> Result<()> {
    db.prepare_cached("UPDATE verified_one_click SET phone_verified = 1 WHERE uuid = ?1")?.execute([uuid])?;
    Ok(())
}
