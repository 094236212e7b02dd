//! What people do.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Error;
use super::lifecycle::{self, Actor};
use super::store::sessions::{self, Capture, Session};
use super::submissions::{submit_document, submit_verification};
use super::types::{Outcome, Status, reason};
use crate::http::{Input, Refusal, Simulation};
use crate::world::Cx;

/// All simulations.
pub(super) const ALL: &[Simulation] = &[Simulation {
    name: "complete-session",
    summary: "The person opens the session, submits every required capture, and the attempt ends with the outcome: pass, fail, \
              not_performed or review (reasonCode says why)",
    example: r#"{"sessionId":"10000000-0000-4000-8000-000000000001","outcome":"pass"}"#,
    run: complete_session,
}];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CompleteSession {
    session_id: String,
    outcome: Ending,
    reason_code: Option<String>,
}

/// How a person's attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    Pass,
    Fail,
    NotPerformed,
    Review,
}

impl Ending {
    /// The outcome that it leads to.
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Pass => Outcome::Pass,
            Self::Fail => Outcome::Failed,
            Self::NotPerformed => Outcome::NotPerformed,
            Self::Review => Outcome::Review,
        }
    }
}

/// What became of the session.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Completed<'a> {
    session_id: &'a str,
    status: Status,
    result_status: Option<Outcome>,
    reason_code: Option<&'a str>,
    awaiting_retry: bool,
}

fn complete_session(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let wanted: CompleteSession = input.read()?;
    if wanted.reason_code.as_deref().is_some_and(|code| reason(code).is_none()) {
        return Err(Refusal::Invalid("reasonCode: no such reason was published".to_owned()));
    }
    let session = sessions::session(cx.db, &wanted.session_id)?;
    let mut session = session.ok_or_else(|| Refusal::NotFound(format!("there is no session {:?}", wanted.session_id)))?;
    if !matches!(session.status, Status::Pending | Status::InProgress) {
        return Err(Refusal::Conflict(format!("the session is {}", session.status.name())));
    }
    play(cx, &mut session, wanted.outcome.outcome(), wanted.reason_code).map_err(refusal)?;
    let reason_code = session.reason.as_deref().or(session.attempt_reason.as_deref());
    let completed = Completed {
        session_id: &session.id,
        status: session.status,
        result_status: session.result,
        reason_code,
        awaiting_retry: session.awaiting_retry,
    };
    serde_json::to_value(completed).map_err(|error| Refusal::Invalid(error.to_string()))
}

fn play(cx: &mut Cx<'_>, session: &mut Session, outcome: Outcome, reason: Option<String>) -> Result<(), Error> {
    let nobody = Actor::nobody();
    if session.status == Status::Pending {
        lifecycle::start(cx, session, &nobody)?;
    }
    if session.awaiting_retry {
        lifecycle::retry(cx, session, &nobody)?;
    }
    session.chosen = Some(outcome);
    session.chosen_reason = reason;
    submit_missing(cx, session)
}

/// Submits what the verification still needs; once more what it has, if it needs nothing.
pub(super) fn submit_missing(cx: &mut Cx<'_>, session: &mut Session) -> Result<(), Error> {
    sessions::save(cx.db, session)?;
    let has = |kind| sessions::capture(cx.db, &session.id, kind).map(|capture| capture.is_some());
    let (document, selfie) = (has("document")?, has("selfie_liveness")?);
    if session.config.wants_selfie() && !selfie {
        submit_verification(cx, session, "selfie_liveness", &Capture::default())?;
    }
    if !document {
        submit_document(cx, session, &Capture::default())?;
    } else if selfie || !session.config.wants_selfie() {
        lifecycle::submitted(cx, session)?;
    }
    Ok(())
}

fn refusal(error: Error) -> Refusal {
    error.into_store().map_or_else(|error| Refusal::Conflict(error.message()), Refusal::Store)
}
