//! `events`: what happens in a world, as server-sent events.
//!
//! The body is drawn, not pushed: an event is written when the connection has room for it. A reader that is slow falls behind in a
//! channel of bounded size, and is told when it missed some.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Interval, MissedTickBehavior};

use super::{Answer, Call, Details, Later};
use crate::http::{form, reply};
use crate::world::World;
use crate::world::events::{Event, Summary};
use crate::world::journal::{Filter, Since};

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// How often something is sent, so that connections stay open and readers that left are noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What a reader sees first, and what it sees while nothing happens.
const COMMENT: Bytes = Bytes::from_static(b": understudy\n\n");

/// Kinds of events, as the stream spells them.
const KINDS: [&str; 5] = ["request", "timer", "clock", "message", "reset"];

/// `GET events`: 200, and events until the reader leaves, the server stops or the world is deleted. `types` keeps some kinds;
/// `Last-Event-ID` (or else `since`) begins with the requests that the journal still holds after that one. 400 for anything else.
pub(super) fn watch(call: &Call<'_>) -> Result<Later, Details> {
    let world = call.world()?;
    let kinds = kinds(call)?;
    let since = since(call)?;
    let reply = reply::body(StatusCode::OK, EVENT_STREAM, Bytes::new()).header(CACHE_CONTROL, "no-store");
    let pieces = Some(Watch::new(world, kinds, since, call.end()).body());
    Ok(Box::pin(std::future::ready(Ok(Answer { reply, pieces }))))
}

/// The kinds that `types` lists; all when it is absent.
fn kinds(call: &Call<'_>) -> Result<Vec<&'static str>, Details> {
    let lists = form::all(call.req.query.as_bytes(), "types");
    if lists.is_empty() {
        return Ok(KINDS.to_vec());
    }
    let kind = |name| {
        let known = KINDS.into_iter().find(|known| *known == name);
        known.ok_or_else(|| Details::new(StatusCode::BAD_REQUEST, format!("types: {name:?} is none of {}", KINDS.join(", "))))
    };
    lists.iter().flat_map(|list| list.split(',')).map(kind).collect()
}

fn since(call: &Call<'_>) -> Result<Option<u64>, Details> {
    let header = call.req.headers.get("last-event-id").map(|id| String::from_utf8_lossy(id.as_bytes()));
    let (name, id) = match (header, call.req.query("since")) {
        (Some(id), _) => ("Last-Event-ID", id),
        (None, Some(id)) => ("since", id),
        (None, None) => return Ok(None),
    };
    let refused = || Details::new(StatusCode::BAD_REQUEST, format!("{name}: {id:?} is not the id of a request"));
    id.parse().map(Some).map_err(|_| refused())
}

/// What one reader has seen and is yet to see.
struct Watch {
    kinds: Vec<&'static str>,
    events: Receiver<Event>,
    /// Requests from before.
    earlier: VecDeque<Summary>,
    /// The last request that it was told of.
    told: u64,
    comments: Interval,
    end: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Watch {
    fn new(world: &World, kinds: Vec<&'static str>, since: Option<u64>, end: impl Future<Output = ()> + Send + 'static) -> Self {
        // Watched before the journal is read: a request between the two comes twice, and is told once.
        let events = world.events.watch();
        let mut earlier = VecDeque::new();
        if let Some(since) = since.filter(|_| kinds.contains(&"request")) {
            // Of a number that was not yet given, all: numbering began anew since then.
            let since = if since > world.journal.last_id() { 0 } else { since };
            let filter = Filter { since: Some(Since::Id(since)), ..Filter::default() };
            earlier.extend(world.journal.list(&filter).iter().map(|entry| Summary::from(&**entry)));
        }
        let told = earlier.back().map_or(0, |last| last.id);
        let mut comments = tokio::time::interval(KEEP_ALIVE);
        comments.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { kinds, events, earlier, told, comments, end: Box::pin(end) }
    }

    fn body(self) -> UnsyncBoxBody<Bytes, std::io::Error> {
        let pieces = stream::unfold(self, async |mut watch| {
            let piece = watch.next().await?;
            Some((Ok(Frame::data(piece)), watch))
        });
        StreamBody::new(pieces).boxed_unsync()
    }

    /// The next piece; none at the end. A comment comes at once, after what was there before.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(summary) = self.earlier.pop_front() {
                return Some(written("request", Some(summary.id), &summary));
            }
            tokio::select! {
                // In this order: what happened is told before the end.
                biased;
                event = self.events.recv() => {
                    let piece = match event {
                        Ok(event) => self.tell(&event),
                        Err(RecvError::Lagged(missed)) => Some(written("lagged", None, &Lagged { missed })),
                        Err(RecvError::Closed) => return None,
                    };
                    if piece.is_some() {
                        return piece;
                    }
                }
                () = &mut self.end => return None,
                _ = self.comments.tick() => return Some(COMMENT),
            }
        }
    }

    fn tell(&mut self, event: &Event) -> Option<Bytes> {
        let wants = |kind| self.kinds.contains(&kind);
        match event {
            Event::Request(summary) if wants("request") && summary.id > self.told => {
                self.told = summary.id;
                Some(written("request", Some(summary.id), &**summary))
            }
            Event::Timer(timer) if wants("timer") => Some(written("timer", None, timer)),
            Event::Clock(clock) if wants("clock") => Some(written("clock", None, clock)),
            Event::Message(message) if wants("message") => Some(written("message", None, &**message)),
            Event::Reset => {
                // Numbering begins anew, for this reader and for its next connection.
                self.told = 0;
                wants("reset").then(|| written("reset", Some(0), &Reset {}))
            }
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct Lagged {
    missed: u64,
}

#[derive(Serialize)]
struct Reset {}

/// An event on the wire. Compact JSON has no line breaks, so it fits into one line of data.
fn written(kind: &str, id: Option<u64>, data: &impl Serialize) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {kind}\n{id}data: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_comment_comes_at_once_and_every_fifteen_seconds() {
        let events = crate::world::events::Events::default();
        let start = tokio::time::Instant::now();
        let mut watch = Watch {
            kinds: KINDS.to_vec(),
            events: events.watch(),
            earlier: VecDeque::new(),
            told: 0,
            comments: tokio::time::interval(KEEP_ALIVE),
            end: Box::pin(std::future::pending()),
        };
        for after_s in [0, 15, 30] {
            assert_eq!(watch.next().await, Some(COMMENT));
            assert_eq!(start.elapsed().as_secs(), after_s);
        }
        events.tell(|| Event::Reset);
        assert_eq!(watch.next().await.unwrap(), "event: reset\nid: 0\ndata: {}\n\n");
        drop(events);
        assert_eq!(watch.next().await, None, "the world is gone");
    }
}
