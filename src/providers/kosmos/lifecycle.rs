//! What happens to a session: its states, attempts, timers, and what remains of it.

use chrono::TimeDelta;
use http::StatusCode;
use http::header::USER_AGENT;

use super::documents::SUMMARY;
use super::endpoint::Call;
use super::error::Error;
use super::steering::{self, Auto, Verdict};
use super::store::resources::{delete_objects, has_object};
use super::store::sessions::{self, Certified, Event, Session};
use super::types::{Outcome, Status, whole};
use crate::http::Req;
use crate::world::Cx;
use crate::world::timers::Timer;

/// A session that nobody began is over.
const EXPIRES: &str = "sessionExpires";
/// A session that nobody went on with is over.
const ABANDONED: &str = "sessionAbandoned";
/// A verification ends that takes a while.
const VERIFIED: &str = "verificationDone";
/// What is known about the person goes.
const FORGOTTEN: &str = "personalDataExpires";
/// Uploaded objects go.
const EMPTIED: &str = "uploadsDeleted";

/// Days, in minutes, until a session expires that nobody began.
const EXPIRE_MIN: f64 = 7.0 * 24.0 * 60.0;
/// Minutes until a session is abandoned that was begun.
const ABANDON_MIN: f64 = 60.0;

/// Who did something, for the history.
pub(super) struct Actor {
    ip_address: String,
    user_agent: Option<String>,
}

impl Actor {
    /// Whoever sent a request.
    pub(super) fn of(req: &Req) -> Self {
        let user_agent = req.headers.get(USER_AGENT).map(|text| String::from_utf8_lossy(text.as_bytes()).into_owned());
        Self { ip_address: req.peer.to_string(), user_agent }
    }

    /// The service itself, or a person whom a simulation plays.
    pub(super) fn nobody() -> Self {
        Self { ip_address: "127.0.0.1".to_owned(), user_agent: None }
    }

    /// An entry of the history.
    pub(super) fn does(&self, cx: &Cx<'_>, activity: &str, screen_name: Option<String>) -> Event {
        Event {
            activity: activity.to_owned(),
            ip_address: self.ip_address.clone(),
            user_agent: self.user_agent.clone(),
            screen_name,
            at: cx.now,
            status: None,
            error: None,
        }
    }
}

/// The session that the path names; the endpoint's own refusal when there is none.
pub(super) fn find(cx: &Cx<'_>, call: &Call<'_>) -> Result<Session, Error> {
    sessions::session(cx.db, &call.req.param("sessionId"))?.ok_or_else(|| call.missing("Session not found"))
}

/// The session that the path names, if it goes on; the endpoint's own refusal otherwise.
pub(super) fn find_in_progress(cx: &Cx<'_>, call: &Call<'_>) -> Result<Session, Error> {
    let session = find(cx, call)?;
    if session.status == Status::InProgress { Ok(session) } else { Err(call.wrong_state(session.status)) }
}

/// Keeps a new session and sets its timer.
pub(super) fn create(cx: &Cx<'_>, session: &mut Session) -> Result<(), Error> {
    session.expires = session.created + TimeDelta::milliseconds(session.config.minutes_ms("expireSessionInMin", EXPIRE_MIN));
    sessions::insert_session(cx.db, session)?;
    cx.set_timer(EXPIRES, &session.id, session.expires)?;
    Ok(())
}

/// The deadline of a session that starts now.
pub(super) fn abandonment(session: &Session) -> TimeDelta {
    TimeDelta::milliseconds(session.config.minutes_ms("abandonSessionInMin", ABANDON_MIN))
}

/// The person begins.
pub(super) fn start(cx: &Cx<'_>, session: &mut Session, actor: &Actor) -> Result<(), Error> {
    let deadline = cx.now + abandonment(session);
    session.status = Status::InProgress;
    session.started = Some(cx.now);
    session.abandoned = Some(deadline);
    sessions::save(cx.db, session)?;
    cx.cancel_timer(EXPIRES, &session.id)?;
    cx.set_timer(ABANDONED, &session.id, deadline)?;
    sessions::add_event(cx.db, &session.id, &actor.does(cx, "STARTED", Some("WELCOME".to_owned())))?;
    Ok(())
}

/// The person declines.
pub(super) fn decline(cx: &Cx<'_>, session: &mut Session, actor: &Actor) -> Result<(), Error> {
    end(cx, session, Status::Declined, "DECLINED", actor)
}

fn end(cx: &Cx<'_>, session: &mut Session, status: Status, activity: &str, actor: &Actor) -> Result<(), Error> {
    session.status = status;
    session.completed = Some(cx.now);
    session.awaiting_retry = false;
    sessions::save(cx.db, session)?;
    sessions::add_event(cx.db, &session.id, &actor.does(cx, activity, None))?;
    cancel_timers(cx, session)
}

fn cancel_timers(cx: &Cx<'_>, session: &Session) -> Result<(), Error> {
    for kind in [EXPIRES, ABANDONED, VERIFIED] {
        cx.cancel_timer(kind, &session.id)?;
    }
    Ok(())
}

/// Whether everything that the verification needs was submitted.
pub(super) fn is_captured(cx: &Cx<'_>, session: &Session) -> Result<bool, Error> {
    let has = |kind| sessions::capture(cx.db, &session.id, kind).map(|capture| capture.is_some());
    Ok(has("document")? && (!session.config.wants_selfie() || has("selfie_liveness")?))
}

/// Something was submitted: verifies once all is there, at once or after the time that is set.
pub(super) fn submitted(cx: &mut Cx<'_>, session: &mut Session) -> Result<(), Error> {
    if !is_captured(cx, session)? {
        return Ok(());
    }
    match cx.setting::<u32>("processing_delay_ms")? {
        0 => verify(cx, session),
        delay_ms => Ok(cx.set_timer(VERIFIED, &session.id, cx.now + TimeDelta::milliseconds(delay_ms.into()))?),
    }
}

/// Ends the current attempt.
fn verify(cx: &mut Cx<'_>, session: &mut Session) -> Result<(), Error> {
    let verdict = steering::verdict(session);
    session.captured = true;
    if verdict.outcome == Outcome::Failed {
        let retries = session.config.max_retries();
        if session.retries < retries {
            session.awaiting_retry = true;
            session.attempt_reason = verdict.reason.map(str::to_owned);
            return Ok(sessions::save(cx.db, session)?);
        }
        if retries > 0 {
            return complete(cx, session, Verdict { reason: Some("IDV0014"), ..verdict });
        }
    }
    complete(cx, session, verdict)
}

/// Ends a session with an outcome, and certifies it.
fn complete(cx: &mut Cx<'_>, session: &mut Session, verdict: Verdict) -> Result<(), Error> {
    let checks: Vec<String> = session.config.checks().map(str::to_owned).collect();
    let kinds = [session.document_type.authentication().to_owned()].into_iter().chain(checks).chain([SUMMARY.to_owned()]);
    finish(cx, session, verdict, kinds)
}

fn finish(cx: &mut Cx<'_>, session: &mut Session, verdict: Verdict, kinds: impl Iterator<Item = String>) -> Result<(), Error> {
    session.status = Status::Completed;
    session.completed = Some(cx.now);
    session.result = Some(verdict.outcome);
    session.reason = verdict.reason.map(str::to_owned);
    session.awaiting_retry = false;
    session.document_uuid = Some(cx.rng.uuid().to_string());
    session.liveid_uuid = Some(cx.rng.uuid().to_string());
    sessions::save(cx.db, session)?;
    for (position, kind) in (0..).zip(kinds) {
        let reason = session.reason.clone();
        sessions::add_certificate(cx.db, &session.id, position, &Certified { kind, at: cx.now, result: verdict.outcome, reason })?;
    }
    cancel_timers(cx, session)?;
    Ok(forget_later(cx, session)?)
}

/// Sets the timer that deletes personal data, where the configuration asks for it.
fn forget_later(cx: &Cx<'_>, session: &Session) -> rusqlite::Result<()> {
    let seconds = session.config.number("pii_retention_ttl").filter(|seconds| *seconds > 0.0);
    if let (Some(seconds), Some(completed)) = (seconds, session.completed)
        && !session.config.flag("pii_retention_off")
        && !session.assets_deleted
    {
        cx.set_timer(FORGOTTEN, &session.id, completed + TimeDelta::milliseconds(whole(seconds * 1000.0)))?;
    }
    Ok(())
}

/// Deletes what is known about the person: images, uploads, and what was read from the document.
pub(super) fn forget(cx: &Cx<'_>, session: &mut Session) -> Result<(), Error> {
    session.assets_deleted = true;
    sessions::save(cx.db, session)?;
    sessions::delete_captures(cx.db, &session.id)?;
    delete_objects(cx.db, &session.id)?;
    Ok(())
}

/// Begins another attempt after a failed one. The caller knows that there may be one.
pub(super) fn retry(cx: &Cx<'_>, session: &mut Session, actor: &Actor) -> Result<(), Error> {
    session.retries += 1;
    session.awaiting_retry = false;
    session.attempt_reason = None;
    session.chosen = None;
    session.chosen_reason = None;
    session.captured = false;
    sessions::save(cx.db, session)?;
    sessions::delete_captures(cx.db, &session.id)?;
    sessions::add_event(cx.db, &session.id, &actor.does(cx, "RETRY", None))?;
    Ok(())
}

/// Ends a session whose failed attempt will not be repeated.
pub(super) fn give_up(cx: &mut Cx<'_>, session: &mut Session) -> Result<(), Error> {
    let verdict = Verdict::of(Outcome::Failed, session.attempt_reason.as_deref());
    complete(cx, session, verdict)
}

/// Ends a session whose failed attempt will not be repeated, because the person said so.
pub(super) fn cancel_retry(cx: &mut Cx<'_>, session: &mut Session, actor: &Actor) -> Result<(), Error> {
    sessions::add_event(cx.db, &session.id, &actor.does(cx, "RETRY_CANCELLED", None))?;
    give_up(cx, session)
}

/// Ends a session without images.
pub(super) fn cancel_upload(cx: &mut Cx<'_>, session: &mut Session, screen: Option<String>, actor: &Actor) -> Result<(), Error> {
    sessions::add_event(cx.db, &session.id, &actor.does(cx, "UPLOAD_CANCELLED", screen))?;
    let verdict = Verdict { outcome: Outcome::NotPerformed, reason: Some("IDV0016") };
    finish(cx, session, verdict, [SUMMARY.to_owned()].into_iter())?;
    if session.config.flag("pii_retention_off") {
        return forget(cx, session);
    }
    cx.set_timer(EMPTIED, &session.id, cx.now + TimeDelta::seconds(1))?;
    Ok(())
}

/// Takes a session of a configuration that needs nobody one step on, at its `poll`th reading: nothing at the first, begun at
/// the second, ended at the third. One that expires is over at the second.
pub(super) fn advance(cx: &mut Cx<'_>, session: &mut Session, auto: Auto) -> Result<(), Error> {
    session.polls += 1;
    let nobody = Actor::nobody();
    match (session.status, session.polls, auto.status) {
        (Status::Pending, 2.., Status::Expired) => end(cx, session, Status::Expired, "E_IDV_SESSION_EXPIRED", &nobody),
        (Status::Pending, 2, _) => start(cx, session, &nobody),
        (Status::InProgress, 3.., Status::Abandoned) => end(cx, session, Status::Abandoned, "E_IDV_SESSION_ABANDONED", &nobody),
        (Status::InProgress, 3.., Status::Declined) => decline(cx, session, &nobody),
        (Status::InProgress, 3.., Status::Completed) if session.awaiting_retry => give_up(cx, session),
        (Status::InProgress, 3.., Status::Completed) => {
            session.captured = true;
            let verdict = steering::verdict(session);
            complete(cx, session, verdict)
        }
        _ => Ok(sessions::save(cx.db, session)?),
    }
}

/// Something happens to a session because its time has come.
pub(super) fn on_timer(cx: &mut Cx<'_>, timer: &Timer) -> Result<(), Error> {
    let Some(mut session) = sessions::session(cx.db, &timer.subject)? else { return Ok(()) };
    let session = &mut session;
    let nobody = Actor::nobody();
    match (timer.kind.as_str(), session.status) {
        (EXPIRES, Status::Pending) => end(cx, session, Status::Expired, "E_IDV_SESSION_EXPIRED", &nobody),
        (ABANDONED, Status::InProgress) => end(cx, session, Status::Abandoned, "E_IDV_SESSION_ABANDONED", &nobody),
        (VERIFIED, Status::InProgress) => verify(cx, session),
        (FORGOTTEN, Status::Completed) => forget(cx, session),
        (EMPTIED, _) => Ok(delete_objects(cx.db, &session.id)?),
        (EXPIRES | ABANDONED | VERIFIED | FORGOTTEN, _) => Ok(()),
        (other, _) => {
            tracing::warn!(timer = other, "1kosmos: no such timer");
            Ok(())
        }
    }
}

/// Sets the timers of all sessions that are open, for a world that begins.
pub(super) fn arm_all(cx: &Cx<'_>) -> rusqlite::Result<()> {
    for session in sessions::open_sessions(cx.db)? {
        match session.status {
            Status::Pending => cx.set_timer(EXPIRES, &session.id, session.expires)?,
            Status::InProgress => cx.set_timer(ABANDONED, &session.id, session.abandoned.unwrap_or(cx.now))?,
            _ => forget_later(cx, &session)?,
        }
    }
    Ok(())
}

/// Refuses names of objects that were not uploaded for a session.
pub(super) fn require_uploaded(cx: &Cx<'_>, session: &Session, names: &[String]) -> Result<(), Error> {
    for name in names {
        if !has_object(cx.db, &session.id, name)? {
            return Err(Error::new(StatusCode::BAD_REQUEST, format!("{name} is not uploaded")));
        }
    }
    Ok(())
}
