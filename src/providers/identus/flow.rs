//! What happens in the background: each step of an exchange is due one `step_ms` after the one before.
//!
//! A step is a timer named for the kind of exchange, with the id of one side as its subject. Whoever cannot wait (custodial calls, the
//! simulation `settle`) takes the steps at once.

use chrono::TimeDelta;
use rusqlite::Result;

use super::store;
use super::types::{ConnectionRole, PresentationRole, RecordRole};
use super::{connecting, issuing, presenting, publishing};
use crate::world::Cx;
use crate::world::timers::Timer;

/// An exchange, as timers name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Issuance,
    Connection,
    Presentation,
    DidPublication,
    DidUpdate,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Issuance => "issuanceStep",
            Self::Connection => "connectionStep",
            Self::Presentation => "presentationStep",
            Self::DidPublication => "didPublication",
            Self::DidUpdate => "didUpdate",
        }
    }
}

/// A number of milliseconds that is a setting; where it is not set, one of two defaults.
fn delay(cx: &Cx<'_>, key: &str, usual_ms: i64, realtime_ms: i64) -> Result<TimeDelta> {
    let ms = match cx.setting::<Option<i64>>(key)? {
        Some(ms) => ms,
        None if cx.setting::<bool>("realtime")? => realtime_ms,
        None => usual_ms,
    };
    Ok(TimeDelta::milliseconds(ms))
}

/// Has the next step of `kind` happen to `subject` when its time has come.
pub(super) fn schedule(cx: &Cx<'_>, kind: Kind, subject: &str) -> Result<()> {
    let delay = match kind {
        Kind::Issuance | Kind::Connection | Kind::Presentation => delay(cx, "step_ms", 200, 2000)?,
        Kind::DidPublication => delay(cx, "did_publish_ms", 1000, 10_000)?,
        Kind::DidUpdate => TimeDelta::milliseconds(cx.setting::<i64>("did_update_ms")?),
    };
    cx.set_timer(kind.name(), subject, cx.now + delay)
}

/// A world begins: what is pending in the fixture goes on from now.
pub(super) fn begin(cx: &Cx<'_>) -> Result<()> {
    for suffix in store::dids::pending(cx.db)? {
        schedule(cx, Kind::DidPublication, &suffix)?;
    }
    for id in store::records::pending(cx.db)? {
        schedule(cx, Kind::Issuance, &id)?;
    }
    Ok(())
}

/// A timer fires.
pub(super) fn on_timer(cx: &mut Cx<'_>, timer: &Timer) -> Result<()> {
    let kinds = [Kind::Issuance, Kind::Connection, Kind::Presentation, Kind::DidPublication, Kind::DidUpdate];
    if let Some(kind) = kinds.into_iter().find(|kind| kind.name() == timer.kind) {
        return step(cx, kind, &timer.subject);
    }
    tracing::warn!(timer = timer.kind, "identus: no such timer");
    Ok(())
}

fn step(cx: &mut Cx<'_>, kind: Kind, subject: &str) -> Result<()> {
    match kind {
        Kind::Issuance => issuing::step(cx, subject),
        Kind::Connection => connecting::step(cx, subject),
        Kind::Presentation => presenting::step(cx, subject),
        Kind::DidPublication => publishing::publish(cx, subject),
        Kind::DidUpdate => publishing::confirm_update(cx, subject),
    }
}

/// Takes one step now instead of at its time.
fn step_now(cx: &mut Cx<'_>, kind: Kind, subject: &str) -> Result<()> {
    cx.cancel_timer(kind.name(), subject)?;
    step(cx, kind, subject)
}

/// Takes all steps of one thread of issuance now.
pub(super) fn carry_issuance(cx: &mut Cx<'_>, thid: &str) -> Result<()> {
    loop {
        let sides =
            [store::records::side(cx.db, thid, RecordRole::Issuer)?, store::records::side(cx.db, thid, RecordRole::Holder)?];
        let Some(next) = sides.into_iter().flatten().find(issuing::is_pending) else { return Ok(()) };
        step_now(cx, Kind::Issuance, &next.id)?;
    }
}

/// Takes all steps of one connection now.
pub(super) fn carry_connection(cx: &mut Cx<'_>, thid: &str) -> Result<()> {
    loop {
        let mut sides = store::connections::sides(cx.db, thid, ConnectionRole::Inviter)?;
        sides.extend(store::connections::sides(cx.db, thid, ConnectionRole::Invitee)?);
        let Some(next) = sides.into_iter().find(connecting::is_pending) else { return Ok(()) };
        step_now(cx, Kind::Connection, &next.id)?;
    }
}

/// Takes all steps of one presentation now.
pub(super) fn carry_presentation(cx: &mut Cx<'_>, thid: &str) -> Result<()> {
    loop {
        let sides = [
            store::presentations::side(cx.db, thid, PresentationRole::Verifier)?,
            store::presentations::side(cx.db, thid, PresentationRole::Prover)?,
        ];
        let Some(next) = sides.into_iter().flatten().find(presenting::is_pending) else { return Ok(()) };
        step_now(cx, Kind::Presentation, &next.id)?;
    }
}

/// How much [`settle`] brought to rest.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Settled {
    pub issuances: usize,
    pub connections: usize,
    pub presentations: usize,
    pub dids: usize,
}

/// Takes all steps of everything in the world now.
pub(super) fn settle(cx: &mut Cx<'_>) -> Result<Settled> {
    let mut settled = Settled::default();
    for suffix in store::dids::pending(cx.db)? {
        step_now(cx, Kind::DidPublication, &suffix)?;
        settled.dids += 1;
    }
    for suffix in store::dids::with_update(cx.db)? {
        step_now(cx, Kind::DidUpdate, &suffix)?;
        settled.dids += 1;
    }
    for id in store::connections::pending(cx.db)? {
        // An earlier one may have taken the steps of this one's other side too.
        let Some(connection) = store::connections::any(cx.db, &id)?.filter(connecting::is_pending) else { continue };
        carry_connection(cx, &connection.thid)?;
        settled.connections += 1;
    }
    for id in store::records::pending(cx.db)? {
        let Some(record) = store::records::any(cx.db, &id)?.filter(issuing::is_pending) else { continue };
        carry_issuance(cx, &record.thid)?;
        settled.issuances += 1;
    }
    for id in store::presentations::pending(cx.db)? {
        let Some(presentation) = store::presentations::any(cx.db, &id)?.filter(presenting::is_pending) else { continue };
        carry_presentation(cx, &presentation.thid)?;
        settled.presentations += 1;
    }
    Ok(settled)
}
