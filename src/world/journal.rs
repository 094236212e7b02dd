//! What came in and what went out: the latest exchanges of a world, in memory, under a bound.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode, Version};

use super::clock::Stopwatch;

use super::faults::Connection;

/// How many exchanges are kept.
pub const MAX_ENTRIES: usize = 1000;
/// How many bytes of targets, headers and bodies are kept, in all. Bodies are never cut: a large one pushes out what is older, and
/// the newest exchange is kept whatever its size.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// What an exchange counts beside that: its headers are parts of the buffer, so large at least, that the request was read into.
const BUFFER_BYTES: usize = 8 * 1024;

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
    /// Version of HTTP that was spoken.
    pub version: Version,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Host and port, as the caller wrote them.
    pub authority: String,
    /// Path and query, as the caller wrote them.
    pub target: PathAndQuery,
    /// The path below the provider's base.
    pub path: String,
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
        let names = self.target.as_str().len() + self.path.len() + self.authority.len();
        BUFFER_BYTES + bodies + headers(&self.request_headers) + headers(&self.response_headers) + names
    }
}

/// A call of the control API that changed the world, or showed its messages: without it, what clients did afterwards would not be
/// understood.
#[derive(Clone, Debug)]
pub struct Move {
    /// Number of the latest exchange before it.
    pub after: u64,
    /// When, on the world's clock.
    pub at: DateTime<Utc>,
    /// Its method.
    pub method: Method,
    /// The path below `/_understudy/`.
    pub path: String,
    /// Its query.
    pub query: String,
    /// Its body.
    pub body: Bytes,
    /// Status of the answer.
    pub status: StatusCode,
    /// The answer.
    pub answer: Bytes,
}

impl Move {
    fn size(&self) -> usize {
        BUFFER_BYTES + self.path.len() + self.query.len() + self.body.len() + self.answer.len()
    }
}

/// Which statuses to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statuses {
    /// This one.
    One(u16),
    /// Those of a class, by its first digit: 4 for 400 to 499.
    Class(u16),
}

/// From where on to show entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// After the entry with this id.
    Id(u64),
    /// From this moment of the world's clock on.
    Moment(DateTime<Utc>),
}

/// Which entries to show. Of a list, one must fit; what is empty or `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of these providers, by slug.
    pub providers: Vec<String>,
    /// Of these operations.
    pub operations: Vec<String>,
    /// With these methods.
    pub methods: Vec<String>,
    /// With this path below the provider's base; one that ends in `*` stands for all that begin so.
    pub path: Option<String>,
    /// Answered with these statuses.
    pub statuses: Vec<Statuses>,
    /// From there on.
    pub since: Option<Since>,
}

impl Filter {
    /// Whether it lets an entry through.
    pub fn admits(&self, entry: &Entry) -> bool {
        let among = |wanted: &[String], is: &str| wanted.is_empty() || wanted.iter().any(|one| one == is);
        let status = entry.status.as_u16();
        among(&self.providers, entry.provider)
            && among(&self.operations, entry.operation.unwrap_or_default())
            && among(&self.methods, entry.method.as_str())
            && self.path.as_deref().is_none_or(|path| match path.strip_suffix('*') {
                Some(beginning) => entry.path.starts_with(beginning),
                None => entry.path == path,
            })
            && (self.statuses.is_empty()
                || self.statuses.iter().any(|wanted| match wanted {
                    Statuses::One(one) => status == *one,
                    Statuses::Class(class) => status / 100 == *class,
                }))
            && self.since.is_none_or(|since| match since {
                Since::Id(id) => entry.id > id,
                Since::Moment(moment) => entry.at >= moment,
            })
    }
}

#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<Arc<Entry>>,
    /// Moves, kept under the same bounds, by themselves.
    moves: VecDeque<Arc<Move>>,
    moves_bytes: usize,
    bytes: usize,
    last_id: u64,
    /// Whether something since the beginning is not kept any more.
    forgot: bool,
    /// Threads that wait for more.
    waiting: usize,
}

impl Ring {
    fn admitted(&self, filter: &Filter) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.iter().filter(|entry| filter.admits(entry))
    }
}

/// All exchanges and all moves since the beginning.
pub type Whole = (Vec<Arc<Entry>>, Vec<Arc<Move>>);

/// The journal of a world: a ring that forgets its oldest entries.
#[derive(Debug, Default)]
pub struct Journal {
    ring: Mutex<Ring>,
    noted: Condvar,
}

impl Journal {
    /// Notes an exchange; its `id` is given here. `then` sees it before any later one is noted.
    pub fn note(&self, mut entry: Entry, then: impl FnOnce(&Entry)) {
        let mut ring = self.ring();
        ring.last_id += 1;
        entry.id = ring.last_id;
        ring.bytes += entry.size();
        then(&entry);
        ring.entries.push_back(Arc::new(entry));
        while ring.entries.len() > MAX_ENTRIES || (ring.bytes > MAX_BYTES && ring.entries.len() > 1) {
            if let Some(forgotten) = ring.entries.pop_front() {
                ring.bytes -= forgotten.size();
                ring.forgot = true;
            }
        }
        // To wake nobody costs a call of the system, too.
        if ring.waiting > 0 {
            self.noted.notify_all();
        }
    }

    /// Notes a move; `after` is given here.
    pub fn note_move(&self, mut moved: Move) {
        let mut ring = self.ring();
        moved.after = ring.last_id;
        ring.moves_bytes += moved.size();
        ring.moves.push_back(Arc::new(moved));
        while ring.moves.len() > MAX_ENTRIES || (ring.moves_bytes > MAX_BYTES && ring.moves.len() > 1) {
            if let Some(forgotten) = ring.moves.pop_front() {
                ring.moves_bytes -= forgotten.size();
                ring.forgot = true;
            }
        }
    }

    /// Everything since the beginning, moves too; none where some of it is not kept any more.
    pub fn whole(&self) -> Option<Whole> {
        let ring = self.ring();
        (!ring.forgot).then(|| (ring.entries.iter().cloned().collect(), ring.moves.iter().cloned().collect()))
    }

    /// The entries that `filter` admits, newest last.
    pub fn list(&self, filter: &Filter) -> Vec<Arc<Entry>> {
        self.ring().admitted(filter).cloned().collect()
    }

    /// How many entries `filter` admits.
    pub fn count(&self, filter: &Filter) -> usize {
        self.ring().admitted(filter).count()
    }

    /// Blocks until `filter` admits `count` entries, or `patience` of real time is over; returns those that there are then.
    pub fn wait(&self, filter: &Filter, count: usize, patience: Duration) -> Vec<Arc<Entry>> {
        let watch = Stopwatch::start();
        let mut ring = self.ring();
        loop {
            let found: Vec<Arc<Entry>> = ring.admitted(filter).cloned().collect();
            let left = patience.saturating_sub(watch.elapsed());
            if found.len() >= count || left.is_zero() {
                return found;
            }
            ring.waiting += 1;
            ring = self.noted.wait_timeout(ring, left).unwrap_or_else(PoisonError::into_inner).0;
            ring.waiting -= 1;
        }
    }

    /// One entry, if it is still kept.
    pub fn get(&self, id: u64) -> Option<Arc<Entry>> {
        self.ring().entries.iter().find(|entry| entry.id == id).cloned()
    }

    /// Forgets all entries; numbering goes on.
    pub fn clear(&self) {
        let mut ring = self.ring();
        ring.forgot = ring.forgot || !ring.entries.is_empty() || !ring.moves.is_empty();
        ring.entries.clear();
        ring.moves.clear();
        ring.bytes = 0;
        ring.moves_bytes = 0;
    }

    /// Forgets all entries and starts numbering anew.
    pub fn reset(&self) {
        let mut ring = self.ring();
        *ring = Ring { waiting: ring.waiting, ..Ring::default() };
    }

    /// Number of the latest entry, kept or not; 0 before the first.
    pub fn last_id(&self) -> u64 {
        self.ring().last_id
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
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
            version: Version::HTTP_11,
            scheme: "http",
            authority: String::new(),
            target: PathAndQuery::from_static("/"),
            path: String::new(),
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
            ("path", Entry { path: large(), ..entry() }),
            ("host", Entry { authority: large(), ..entry() }),
        ] {
            let journal = Journal::default();
            for _ in 0..40 {
                journal.note(one.clone(), |_| {});
            }
            let kept = journal.list(&Filter::default());
            assert_eq!((kept.len(), kept.last().unwrap().id), (15, 40), "{case}");
        }
    }

    #[test]
    fn the_whole_is_there_until_something_is_forgotten() {
        let moved = |size| Move {
            after: 0,
            at: DateTime::UNIX_EPOCH,
            method: Method::POST,
            path: "clock/advance".to_owned(),
            query: String::new(),
            body: vec![0; size].into(),
            status: StatusCode::OK,
            answer: Bytes::new(),
        };
        let journal = Journal::default();
        journal.clear();
        journal.note(entry(), |_| {});
        journal.note_move(moved(1));
        journal.note(entry(), |_| {});
        journal.note_move(moved(1));
        let (entries, moves) = journal.whole().expect("nothing is forgotten");
        assert_eq!((entries.len(), moves.iter().map(|one| one.after).collect::<Vec<_>>()), (2, vec![1, 2]));
        journal.clear();
        assert!(journal.whole().is_none(), "cleared");
        journal.reset();
        assert!(journal.whole().is_some_and(|(entries, moves)| entries.is_empty() && moves.is_empty()), "a new beginning");
        journal.note_move(moved(MAX_BYTES));
        journal.note_move(moved(MAX_BYTES));
        assert!(journal.whole().is_none(), "pushed out");
        journal.reset();
        (0..=MAX_ENTRIES).for_each(|_| journal.note(entry(), |_| {}));
        assert!(journal.whole().is_none(), "too many");
    }

    #[test]
    fn the_newest_is_kept_whatever_its_size() {
        let journal = Journal::default();
        journal.note(entry(), |_| {});
        journal.note(Entry { request_body: vec![0; 2 * MAX_BYTES].into(), ..entry() }, |_| {});
        assert_eq!(journal.list(&Filter::default()).len(), 1);
        journal.note(entry(), |_| {});
        assert_eq!(journal.list(&Filter::default()).iter().map(|one| one.id).collect::<Vec<_>>(), [3]);
    }
}
