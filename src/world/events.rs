//! What happens in a world, told to those who watch it. When nobody does, nothing is put together and nothing is kept.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::Method;
use serde::Serialize;
use tokio::sync::broadcast;

use super::ClockView;
use super::journal::Entry;
use super::outbox::Sent;
use super::timers::Timer;

/// How many events a slow watcher may be behind before it misses some.
pub const MAX_BEHIND: usize = 256;

/// Something that happened. What is part of a transaction is told once that is committed.
#[derive(Clone, Debug)]
pub enum Event {
    /// A request was answered.
    Request(Arc<Summary>),
    /// A timer fired.
    Timer(Timer),
    /// The clock was moved, stopped or started.
    Clock(ClockView),
    /// A message went to the outbox.
    Message(Arc<Sent>),
    /// The world was brought back to a beginning: nothing of what was told before holds any more.
    Reset,
}

/// A request and its answer, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its number in the journal.
    pub id: u64,
    /// When it was handled, on the world's clock.
    #[serde(serialize_with = "crate::http::wire::rfc3339_millis")]
    pub at: DateTime<Utc>,
    /// The provider that answered, by slug.
    pub provider: &'static str,
    /// The operation; none when no route matched.
    pub operation: Option<&'static str>,
    /// Method of the request.
    #[serde(serialize_with = "method")]
    pub method: Method,
    /// Path below the provider's base.
    pub path: String,
    /// Status of the answer.
    pub status: u16,
    /// Real time from the last byte of the request to the answer.
    #[serde(rename = "took_us", serialize_with = "micros")]
    pub took: Duration,
}

impl From<&Entry> for Summary {
    fn from(entry: &Entry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            provider: entry.provider,
            operation: entry.operation,
            method: entry.method.clone(),
            path: entry.path.clone(),
            status: entry.status.as_u16(),
            took: entry.took,
        }
    }
}

fn method<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
}

fn micros<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(took.as_micros())
}

/// Where a world tells what happens.
#[derive(Debug, Default)]
pub struct Events(OnceLock<broadcast::Sender<Event>>);

impl Events {
    /// Everything that happens from now on. It ends with the world.
    pub fn watch(&self) -> broadcast::Receiver<Event> {
        self.0.get_or_init(|| broadcast::Sender::new(MAX_BEHIND)).subscribe()
    }

    /// Whether somebody watches.
    pub fn are_watched(&self) -> bool {
        self.0.get().is_some_and(|sender| sender.receiver_count() > 0)
    }

    /// Tells those who watch; `event` is put together only if there are any.
    pub fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(sender) = self.0.get().filter(|sender| sender.receiver_count() > 0) {
            // The last of them may have left this moment.
            let _ = sender.send(event());
        }
    }
}
