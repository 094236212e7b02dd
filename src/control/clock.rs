//! `clock`: what a world's clock shows, and moving it.

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{Call, Details};
use crate::http::{Reply, reply};
use crate::world::clock::{Mode, OutOfRange, duration};
use crate::world::timers::Timer;
use crate::world::{ClockView, Failure};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    now: Option<DateTime<Utc>>,
    mode: Option<Mode>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    by: String,
}

#[derive(Serialize)]
struct Moved {
    #[serde(flatten)]
    clock: ClockView,
    fired: Vec<Timer>,
}

/// `GET clock`: 200 with what it shows.
pub(super) fn get(call: &Call<'_>) -> Result<Reply, Details> {
    Ok(reply::json(StatusCode::OK, &call.world()?.clock(call.req.received)))
}

/// `PUT clock`: 200 with the clock and the timers that fired; 400 for a moment that it cannot show.
pub(super) fn set(call: &Call<'_>) -> Result<Reply, Details> {
    let world = call.world()?;
    let Set { now, mode } = call.body()?;
    moved(world.set_clock(now, mode, call.req.received))
}

/// `POST clock/advance`: 200 with the clock and the timers that fired; 400 for what is no duration or leads too far.
pub(super) fn advance(call: &Call<'_>) -> Result<Reply, Details> {
    let world = call.world()?;
    let Advance { by } = call.body()?;
    let by = duration(&by).ok_or_else(|| {
        Details::new(
            StatusCode::BAD_REQUEST,
            format!("by: {by:?} is no ISO 8601 duration of days, hours, minutes, seconds such as \"PT5M\""),
        )
    })?;
    moved(world.advance(by, call.req.received))
}

fn moved(outcome: Result<(ClockView, Vec<Timer>), Failure<OutOfRange>>) -> Result<Reply, Details> {
    match outcome {
        Ok((clock, fired)) => Ok(reply::json(StatusCode::OK, &Moved { clock, fired })),
        Err(Failure::Refused(error)) => Err(Details::new(StatusCode::BAD_REQUEST, error.to_string())),
        Err(failure) => Err(Details::internal(failure)),
    }
}
