//! `outbox`: messages that would have been sent.

use http::StatusCode;
use serde::Serialize;

use super::{Call, Details};
use crate::http::{Reply, reply};
use crate::world::outbox::{self, Sent};

#[derive(Serialize)]
struct Messages {
    messages: Vec<Sent>,
}

/// `GET outbox`: 200 with the messages, oldest first; `to` keeps one recipient's.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, Details> {
    let to = call.req.query("to");
    let (_, messages) = call.world()?.request(call.req.received, "", |cx| outbox::list(cx.db, to.as_deref()));
    Ok(reply::json(StatusCode::OK, &Messages { messages: messages? }))
}

/// `DELETE outbox`: 204; `to` forgets one recipient's only.
pub(super) fn clear(call: &Call<'_>) -> Result<Reply, Details> {
    let to = call.req.query("to");
    let (_, outcome) = call.world()?.request(call.req.received, "", |cx| outbox::clear(cx.db, to.as_deref()));
    outcome?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
