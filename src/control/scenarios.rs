//! `scenarios`: the stories that come with the program, and playing one.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Call, Details, Later};
use crate::http::{Reply, reply};
use crate::scenario::library;
use crate::scenario::{Failed, Moment, Report, Stage};
use crate::server::listen::reachable;
use crate::server::tls::Tls;

/// The longest wait before each step, in milliseconds of real time.
const MAX_PACE_MS: u64 = 60_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    #[serde(default)]
    pace_ms: u64,
    #[serde(default)]
    keep: bool,
}

/// `GET scenarios`: 200 with all of them: name, title, description, providers, number of steps.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, Details> {
    call.world()?;
    Ok(reply::json(StatusCode::OK, &json!({ "scenarios": library::all() })))
}

/// `POST scenarios/<name>/run`: plays one in a world of its own, waiting `pace_ms` of real time before each step; `keep` leaves the
/// world. 200 with what came of it, passed or not; 400 for what makes no sense; 404 for an unknown one; 409 where
/// this server lacks a provider of it.
pub(super) fn run(call: &Call<'_>) -> Result<Later, Details> {
    call.world()?;
    let Run { pace_ms, keep } = call.body()?;
    if pace_ms > MAX_PACE_MS {
        return Err(Details::new(StatusCode::BAD_REQUEST, format!("pace_ms: {pace_ms} is no number from 0 to {MAX_PACE_MS}")));
    }
    let name = call.req.param("name").into_owned();
    let text = library::text(&name).ok_or_else(|| {
        let known: Vec<&str> = library::names().collect();
        Details::new(StatusCode::NOT_FOUND, format!("there is no scenario {name:?}; there are {}", known.join(", ")))
    })?;
    let play = Play {
        // Not the address that the caller wrote: the token would go wherever that leads.
        url: format!("{}://{}", call.control.scheme(), reachable(call.control.gateway)),
        // The caller was admitted, with a header or by a cookie that does not have it.
        token: call.control.access.token.as_ref().map(|token| token.secret().to_owned()),
        tls: call.control.tls.clone(),
        pace: Duration::from_millis(pace_ms),
        keep,
    };
    let links = &call.req.links;
    let gateway = format!("{}://{}", links.scheme, links.authority);
    let (done, outcome) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("understudy-scenario".to_owned())
        .spawn(move || {
            // Who asked may have left meanwhile.
            let _ = done.send(play.run(&name, text));
        })
        .map_err(Details::internal)?;
    Ok(Box::pin(async move {
        let mut report = outcome.await.map_err(Details::internal)?.map_err(|failed| match failed {
            // The story is right; it is this server that lacks what it needs, such as a provider.
            Failed::Mistakes(_) => Details::new(StatusCode::CONFLICT, failed.to_string()),
            other => Details::internal(other),
        })?;
        // As whoever asked reaches it.
        let kept = report.world.as_ref().and_then(|world| world.rsplit_once("/~"));
        report.world = kept.map(|(_, name)| format!("{gateway}/~{name}"));
        Ok(Answer::from(reply::json(StatusCode::OK, &report)))
    }))
}

/// A scenario is a client like any other; this is how it reaches the server, and how it plays.
struct Play {
    url: String,
    token: Option<String>,
    tls: Option<Arc<Tls>>,
    pace: Duration,
    keep: bool,
}

impl Play {
    fn run(self, name: &str, text: &str) -> Result<Report, Failed> {
        let mut stage = Stage::at(&self.url, self.token, self.tls.as_deref().map(Tls::pem))?.keeping(self.keep);
        let scenario = stage.read_text(name, text).map_err(Failed::Mistakes)?;
        Ok(stage.play(&scenario, &mut |moment| {
            if matches!(moment, Moment::Next(..)) {
                std::thread::sleep(self.pace);
            }
        }))
    }
}
