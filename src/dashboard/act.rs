//! What the forms of the front page do.

use chrono::DateTime;
use http::StatusCode;
use http::header::LOCATION;

use crate::http::{Reply, Req, reply};
use crate::world::clock::{Mode, OutOfRange, duration};
use crate::world::{CreateError, Failure, World, outbox};

/// A form that makes no sense.
#[derive(Debug)]
pub(super) struct Mistake {
    /// The field, by its name.
    pub field: &'static str,
    /// What was typed into it.
    pub value: String,
    /// What is wrong with it.
    pub text: String,
}

/// Does what a form asks for, and leads back to the page that it is on.
pub(super) fn act(world: &World, req: &Req) -> Result<Reply, Mistake> {
    let field = |name: &str| req.form(name).unwrap_or_default().trim().to_owned();
    let real = req.received;
    let done = match field("do").as_str() {
        "advance" => {
            let value = field("by");
            let Some(by) = duration(&value) else {
                let text = format!("“{value}” is no duration such as PT5M (five minutes) or P1DT12H (a day and a half).");
                return Err(Mistake { field: "by", value, text });
            };
            world.advance(by, real).map(drop).map_err(|failure| mistake("by", value, failure))
        }
        "set" => {
            let value = field("now");
            let Ok(now) = DateTime::parse_from_rfc3339(&value) else {
                let text = format!("“{value}” is no moment such as 2026-01-01T00:00:00Z.");
                return Err(Mistake { field: "now", value, text });
            };
            world.set_clock(Some(now.to_utc()), None, real).map(drop).map_err(|failure| mistake("now", value, failure))
        }
        "freeze" => mode(world, Mode::Frozen, req),
        "run" => mode(world, Mode::Running, req),
        "reset" => world.reset(None, real).map_err(|error| Mistake {
            field: "do",
            value: String::new(),
            text: match error {
                CreateError::Clock(error) => error.to_string(),
                CreateError::Store(error) => internal(&error),
            },
        }),
        "forget-requests" => {
            world.journal.clear();
            Ok(())
        }
        "forget-messages" => world.request(real, "", |cx| outbox::clear(cx.db, None)).1.map_err(|failure| Mistake {
            field: "do",
            value: String::new(),
            text: internal(&failure),
        }),
        other => Err(Mistake { field: "do", value: String::new(), text: format!("There is nothing called “{other}” to do.") }),
    };
    done.map(|()| reply::empty(StatusCode::SEE_OTHER).header(LOCATION, super::home(req)))
}

fn mode(world: &World, mode: Mode, req: &Req) -> Result<(), Mistake> {
    world.set_clock(None, Some(mode), req.received).map(drop).map_err(|failure| mistake("do", String::new(), failure))
}

fn mistake(field: &'static str, value: String, failure: Failure<OutOfRange>) -> Mistake {
    let text = match failure {
        Failure::Refused(error) => format!("{error}."),
        failure => internal(&failure),
    };
    Mistake { field, value, text }
}

fn internal(cause: &dyn std::fmt::Display) -> String {
    tracing::error!(%cause, "a form of the dashboard failed");
    "The server failed; its log says why.".to_owned()
}

impl super::FrontPage<'_> {
    /// What is wrong with a field.
    pub(super) fn wrong(&self, field: &str) -> Option<&str> {
        self.mistake.as_ref().filter(|mistake| mistake.field == field).map(|mistake| mistake.text.as_str())
    }

    /// What was typed into a field that is wrong.
    pub(super) fn typed(&self, field: &str) -> &str {
        self.mistake.as_ref().filter(|mistake| mistake.field == field).map_or("", |mistake| mistake.value.as_str())
    }
}
