//! What came in and what went out: the latest exchanges of a world, in memory, under a bound.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode};

use super::faults::Connection;

/// How many exchanges are kept.
pub const MAX_ENTRIES: usize = 1000;
/// How many bytes of targets, headers and bodies are kept, in all; the newest exchange is kept whatever its size.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The status of an exchange in which the caller got no answer: 444, as some servers write it into their logs.
pub const NO_ANSWER: u16 = 444;

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Entry {
    /// 1, 2, 3, ... in the order of answering.
    pub id: u64,
    /// When the request was handled, on the world's clock.
    pub at: DateTime<Utc>,
    /// Real time from the last byte of the request to the answer.
    pub took: Duration,
    /// The provider that answered, by slug.
    pub provider: &'static str,
    /// The operation; none when no route matched.
    pub operation: Option<&'static str>,
    /// Method of the request.
    pub method: Method,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Host and port, as the caller wrote them.
    pub authority: String,
    /// Path and query, as the caller wrote them.
    pub target: PathAndQuery,
    /// Headers of the request.
    pub request_headers: HeaderMap,
    /// Body of the request.
    pub request_body: Bytes,
    /// Status of the answer.
    pub status: StatusCode,
    /// Headers of the answer.
    pub response_headers: HeaderMap,
    /// Body of the answer.
    pub response_body: Bytes,
    /// The fault rules that struck, in the order of their creation.
    pub faults: Vec<u64>,
    /// What they did to the connection. The answer is what the caller got of it: half a body after `truncate`, nothing after `reset`
    /// and `hang` (then with the status [`NO_ANSWER`]).
    pub connection: Option<Connection>,
}

impl Entry {
    /// The address as the caller wrote it.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority, self.target)
    }

    fn size(&self) -> usize {
        let headers = |headers: &HeaderMap| headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
        let bodies = self.request_body.len() + self.response_body.len();
        bodies + headers(&self.request_headers) + headers(&self.response_headers) + self.target.as_str().len()
    }
}

/// Which entries to show; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this provider's, by slug.
    pub provider: Option<String>,
    /// Only this operation's.
    pub operation: Option<String>,
    /// Only answers with this status.
    pub status: Option<u16>,
    /// Only entries with a greater id.
    pub since: Option<u64>,
}

impl Filter {
    fn admits(&self, entry: &Entry) -> bool {
        self.provider.as_deref().is_none_or(|slug| entry.provider == slug)
            && self.operation.as_deref().is_none_or(|operation| entry.operation == Some(operation))
            && self.status.is_none_or(|status| entry.status.as_u16() == status)
            && self.since.is_none_or(|id| entry.id > id)
    }
}

#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<Entry>,
    bytes: usize,
    last_id: u64,
}

/// The journal of a world: a ring that forgets its oldest entries.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Ring>);

impl Journal {
    /// Notes an exchange; its `id` is given here.
    pub fn note(&self, mut entry: Entry) {
        let mut ring = self.ring();
        ring.last_id += 1;
        entry.id = ring.last_id;
        ring.bytes += entry.size();
        ring.entries.push_back(entry);
        while ring.entries.len() > MAX_ENTRIES || (ring.bytes > MAX_BYTES && ring.entries.len() > 1) {
            if let Some(forgotten) = ring.entries.pop_front() {
                ring.bytes -= forgotten.size();
            }
        }
    }

    /// The entries that `filter` admits, newest last.
    pub fn list(&self, filter: &Filter) -> Vec<Entry> {
        self.ring().entries.iter().filter(|entry| filter.admits(entry)).cloned().collect()
    }

    /// One entry, if it is still kept.
    pub fn get(&self, id: u64) -> Option<Entry> {
        self.ring().entries.iter().find(|entry| entry.id == id).cloned()
    }

    /// Forgets all entries; numbering goes on.
    pub fn clear(&self) {
        let mut ring = self.ring();
        ring.entries.clear();
        ring.bytes = 0;
    }

    /// Forgets all entries and starts numbering anew.
    pub fn reset(&self) {
        *self.ring() = Ring::default();
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn entry() -> Entry {
        Entry {
            id: 0,
            at: DateTime::UNIX_EPOCH,
            took: Duration::ZERO,
            provider: "tiny",
            operation: None,
            method: Method::GET,
            scheme: "http",
            authority: String::new(),
            target: PathAndQuery::from_static("/"),
            request_headers: HeaderMap::new(),
            request_body: Bytes::new(),
            status: StatusCode::OK,
            response_headers: HeaderMap::new(),
            response_body: Bytes::new(),
            faults: Vec::new(),
            connection: None,
        }
    }

    #[test]
    fn whatever_is_large_in_an_exchange_counts() {
        let large = || "x".repeat(MIB);
        let header = || HeaderMap::from_iter([(http::header::COOKIE, large().parse().unwrap())]);
        for (case, one) in [
            ("request body", Entry { request_body: large().into(), ..entry() }),
            ("response body", Entry { response_body: large().into(), ..entry() }),
            ("request headers", Entry { request_headers: header(), ..entry() }),
            ("response headers", Entry { response_headers: header(), ..entry() }),
        ] {
            let journal = Journal::default();
            for _ in 0..40 {
                journal.note(one.clone());
            }
            let kept = journal.list(&Filter::default());
            assert_eq!((kept.len(), kept.last().unwrap().id), (15, 40), "{case}");
        }
    }

    #[test]
    fn the_newest_is_kept_whatever_its_size() {
        let journal = Journal::default();
        journal.note(entry());
        journal.note(Entry { request_body: vec![0; 2 * MAX_BYTES].into(), ..entry() });
        assert_eq!(journal.list(&Filter::default()).len(), 1);
        journal.note(entry());
        assert_eq!(journal.list(&Filter::default()).iter().map(|one| one.id).collect::<Vec<_>>(), [3]);
    }
}
