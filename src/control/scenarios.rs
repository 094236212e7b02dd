//! `scenarios`: the stories that come with the program, and playing one.

use std::time::Duration;

use http::StatusCode;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Call, Details, Later};
use crate::http::{Reply, reply};
use crate::scenario::library;
use crate::scenario::{Failed, Moment, Report, Stage};

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
    call.takes_only(&[])?;
    Ok(reply::json(StatusCode::OK, &json!({ "scenarios": library::all() })))
}

/// `POST scenarios/<name>/run`: plays one in a world of its own, waiting `pace_ms` of real time before each step; `keep` leaves the
/// world. 200 with what came of it, passed or not; 400 for what makes no sense; 404 for an unknown one; 409 where
/// this server lacks a provider of it.
pub(super) fn run(call: &Call<'_>) -> Result<Later, Details> {
    call.world()?;
    call.takes_only(&[])?;
    let Run { pace_ms, keep } = call.body()?;
    if pace_ms > MAX_PACE_MS {
        return Err(Details::new(StatusCode::BAD_REQUEST, format!("pace_ms: {pace_ms} is no number from 0 to {MAX_PACE_MS}")));
    }
    let name = call.req.param("name").into_owned();
    let text = library::text(&name).ok_or_else(|| {
        let known: Vec<&str> = library::names().collect();
        Details::new(StatusCode::NOT_FOUND, format!("there is no scenario {name:?}; there are {}", known.join(", ")))
    })?;
    // A scenario is a client like any other: it calls this server as the caller did.
    let links = &call.req.links;
    let url = format!("{}://{}", links.scheme, links.authority);
    let token = call.req.header(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
    let (done, outcome) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("understudy-scenario".to_owned())
        .spawn(move || {
            // Who asked may have left meanwhile.
            let _ = done.send(play(&url, token, &name, text, Duration::from_millis(pace_ms), keep));
        })
        .map_err(Details::internal)?;
    Ok(Box::pin(async move {
        let report = outcome.await.map_err(Details::internal)?.map_err(|failed| match failed {
            // The story is right; it is this server that lacks what it needs, such as a provider.
            Failed::Mistakes(_) => Details::new(StatusCode::CONFLICT, failed.to_string()),
            other => Details::internal(other),
        })?;
        Ok(Answer::from(reply::json(StatusCode::OK, &report)))
    }))
}

fn play(url: &str, token: Option<String>, name: &str, text: &str, pace: Duration, keep: bool) -> Result<Report, Failed> {
    let mut stage = Stage::at(url, token)?.keeping(keep);
    let scenario = stage.read_text(name, text).map_err(Failed::Mistakes)?;
    Ok(stage.play(&scenario, &mut |moment| {
        if matches!(moment, Moment::Next(..)) {
            std::thread::sleep(pace);
        }
    }))
}
