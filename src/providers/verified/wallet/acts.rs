//! What a person does in the wallet, without pages.

use super::{CodeOutcome, TOO_MANY_CODES, Visit, WRONG_CODE};
use crate::http::form;
use crate::providers::verified::consent::{self, Form, Mistake};
use crate::providers::verified::error::Error;
use crate::providers::verified::redirect;
use crate::providers::verified::store::flows;
use crate::providers::verified::types::FlowState;
use crate::world::Cx;

/// What came of an act: where the browser would go, and the uuid of what was shared (or of the 1-Click that was not); or what the
/// page says of a wrong code, which counts like one typed there.
#[derive(Clone, Debug)]
pub(in super::super) struct Outcome {
    pub redirect_url: Option<String>,
    pub uuid: Option<String>,
    pub error: Option<&'static str>,
}

/// Why an act did nothing.
pub(in super::super) enum Refused {
    NoFlow,
    Over,
    Mistakes(Vec<Mistake>),
    Failed(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Signs in, by the partner token of the address or else with the code (the right one, if none is given), changes values and shares.
/// A flow without pages shows no values to change.
pub(in super::super) fn consent(
    cx: &mut Cx<'_>,
    url: &str,
    code: Option<&str>,
    values: Vec<(String, String)>,
) -> Result<Outcome, Refused> {
    let (mut visit, query) = open(cx, url)?;
    let is_scoped = match form::first(query.as_bytes(), "jwt") {
        Some(token) if code.is_none() => visit.takes_token(cx, &token)?,
        _ => false,
    };
    if !is_scoped {
        visit.send_code(cx)?;
        let code = match (code, &visit.flow.code) {
            (Some(typed), _) => typed.to_owned(),
            (None, Some(sent)) => sent.clone(),
            (None, None) => return Ok(wrong_code(WRONG_CODE)),
        };
        match visit.take_code(cx, &code)? {
            CodeOutcome::Right => {}
            CodeOutcome::Wrong => return Ok(wrong_code(WRONG_CODE)),
            CodeOutcome::Over => return Ok(wrong_code(TOO_MANY_CODES)),
        }
    }
    if visit.flow.is_hosted {
        let known = visit.known(cx, is_scoped)?;
        let items = consent::items(cx, &visit.flow.requests, &known);
        let shared = consent::choose(cx, &items, &Form(values)).map_err(Refused::Mistakes)?;
        visit.share(cx, shared)?;
    } else {
        visit.share_at_once(cx)?;
    }
    Ok(outcome(&visit))
}

/// Shares nothing.
pub(in super::super) fn decline(cx: &Cx<'_>, url: &str) -> Result<Outcome, Refused> {
    let (mut visit, _) = open(cx, url)?;
    visit.decline(cx)?;
    Ok(outcome(&visit))
}

fn outcome(visit: &Visit) -> Outcome {
    Outcome { redirect_url: redirect::target(&visit.flow, &visit.brand), uuid: visit.flow.outcome.clone(), error: None }
}

fn wrong_code(text: &'static str) -> Outcome {
    Outcome { redirect_url: None, uuid: None, error: Some(text) }
}

/// The open flow that an address of the wallet leads to, and the query of that address.
fn open(cx: &Cx<'_>, url: &str) -> Result<(Visit, String), Refused> {
    let url = url::Url::parse(url).map_err(|_| Refused::NoFlow)?;
    let last_two: Vec<&str> = url.path().trim_end_matches('/').rsplit('/').take(2).collect();
    let id = match last_two.as_slice() {
        [id, "request"] => Some((*id).to_owned()),
        [link, "mt"] => flows::flow_by_link(cx.db, &link.to_lowercase()).map_err(Error::from)?.map(|flow| flow.id),
        ["generic", "verify"] => url.query_pairs().find(|(name, _)| name == "requestId").map(|(_, id)| id.into_owned()),
        _ => None,
    };
    let mut visit = Visit::of(cx, &id.ok_or(Refused::NoFlow)?)?.ok_or(Refused::NoFlow)?;
    if visit.flow.state != FlowState::Open {
        return Err(Refused::Over);
    }
    let query = url.query().unwrap_or_default();
    visit.see_redirect_url(cx, query)?;
    Ok((visit, query.to_owned()))
}
