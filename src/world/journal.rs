//! What came in and what went out: the latest exchanges of a world, in memory, under a bound.

mod kept;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode, Version};

use super::clock::Stopwatch;
use super::faults::Connection;
use kept::Kept;

/// How many exchanges are kept.
pub const MAX_ENTRIES: usize = 1000;
/// How many bytes of targets, headers and bodies are kept, in all. Bodies are never cut: a large one pushes out what is older, and
/// the newest exchange is kept whatever its size.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// How much memory the texts of an exchange may take, so that it is used again.
const USUAL_ROOM: usize = 4096;
/// What a move counts beside its texts: its body is a part of the buffer, so large at least, that the request was read into.
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
}

/// An exchange as it is noted; the members are those of [`Entry`].
#[derive(Debug)]
#[expect(missing_docs, reason = "each member is described at Entry")]
pub struct Note<'a> {
    pub at: DateTime<Utc>,
    pub took: Duration,
    pub provider: &'static str,
    pub operation: Option<&'static str>,
    pub method: &'a Method,
    pub version: Version,
    pub scheme: &'static str,
    pub authority: &'a str,
    pub target: &'a PathAndQuery,
    pub path: &'a str,
    pub request_headers: &'a HeaderMap,
    pub request_body: &'a Bytes,
    pub status: StatusCode,
    /// None where the caller got no answer.
    pub response_headers: Option<&'a HeaderMap>,
    pub response_body: Bytes,
    pub faults: Vec<u64>,
    pub connection: Option<Connection>,
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
    fn admits(&self, entry: &Kept) -> bool {
        let among = |wanted: &[String], is: &str| wanted.is_empty() || wanted.iter().any(|one| one == is);
        let status = entry.status.as_u16();
        among(&self.providers, entry.provider)
            && among(&self.operations, entry.operation.unwrap_or_default())
            && among(&self.methods, entry.method.as_str())
            && self.path.as_deref().is_none_or(|path| match path.strip_suffix('*') {
                Some(beginning) => entry.path().starts_with(beginning),
                None => entry.path() == path,
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
    entries: VecDeque<Arc<Kept>>,
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
    fn forget_oldest(&mut self) -> Option<Arc<Kept>> {
        let forgotten = self.entries.pop_front()?;
        self.bytes -= forgotten.size();
        self.forgot = true;
        Some(forgotten)
    }

    fn admitted(&self, filter: &Filter) -> impl Iterator<Item = &Arc<Kept>> {
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
    /// Notes an exchange, under the next number. `then` can look at it before any later one is noted.
    pub fn note(&self, note: Note<'_>, then: impl FnOnce(&dyn Fn() -> Entry)) {
        let mut ring = self.ring();
        ring.last_id += 1;
        // The oldest makes room for the newest.
        let oldest = if ring.entries.len() < MAX_ENTRIES { None } else { ring.forget_oldest() };
        let room = oldest.and_then(Arc::into_inner).map(Kept::into_room).filter(|room| room.capacity() <= USUAL_ROOM);
        let kept = Kept::new(ring.last_id, note, room.unwrap_or_default());
        ring.bytes += kept.size();
        then(&|| kept.entry());
        ring.entries.push_back(Arc::new(kept));
        while ring.bytes > MAX_BYTES && ring.entries.len() > 1 {
            ring.forget_oldest();
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
        (!ring.forgot).then(|| (shown(ring.entries.iter().cloned().collect()), ring.moves.iter().cloned().collect()))
    }

    /// The entries that `filter` admits, newest last.
    pub fn list(&self, filter: &Filter) -> Vec<Arc<Entry>> {
        let found = self.ring().admitted(filter).cloned().collect();
        shown(found)
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
            let found: Vec<Arc<Kept>> = ring.admitted(filter).cloned().collect();
            let left = patience.saturating_sub(watch.elapsed());
            if found.len() >= count || left.is_zero() {
                drop(ring);
                return shown(found);
            }
            ring.waiting += 1;
            ring = self.noted.wait_timeout(ring, left).unwrap_or_else(PoisonError::into_inner).0;
            ring.waiting -= 1;
        }
    }

    /// One entry, if it is still kept.
    pub fn get(&self, id: u64) -> Option<Arc<Entry>> {
        let found = self.ring().entries.iter().find(|entry| entry.id == id).cloned();
        found.map(|kept| Arc::new(kept.entry()))
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

fn shown(kept: Vec<Arc<Kept>>) -> Vec<Arc<Entry>> {
    kept.iter().map(|kept| Arc::new(kept.entry())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    type Change<'a> = &'a dyn Fn(&mut Entry);

    fn note_of(journal: &Journal, change: impl FnOnce(&mut Entry)) {
        let mut entry = Entry {
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
        };
        change(&mut entry);
        let note = Note {
            at: entry.at,
            took: entry.took,
            provider: entry.provider,
            operation: entry.operation,
            method: &entry.method,
            version: entry.version,
            scheme: entry.scheme,
            authority: &entry.authority,
            target: &entry.target,
            path: &entry.path,
            request_headers: &entry.request_headers,
            request_body: &entry.request_body,
            status: entry.status,
            response_headers: Some(&entry.response_headers),
            response_body: entry.response_body.clone(),
            faults: entry.faults.clone(),
            connection: entry.connection,
        };
        journal.note(note, |_| {});
        let kept = journal.get(journal.last_id()).expect("the newest is kept");
        assert_eq!(format!("{:?}", Entry { id: 0, ..(*kept).clone() }), format!("{entry:?}"));
    }

    #[test]
    fn whatever_is_large_in_an_exchange_counts() {
        let large = || "x".repeat(MIB);
        let header = || HeaderMap::from_iter([(http::header::COOKIE, large().parse().unwrap())]);
        let cases: [(&str, Change<'_>); 6] = [
            ("request body", &|entry| entry.request_body = large().into()),
            ("response body", &|entry| entry.response_body = large().into()),
            ("request headers", &|entry| entry.request_headers = header()),
            ("response headers", &|entry| entry.response_headers = header()),
            ("path", &|entry| entry.path = large()),
            ("host", &|entry| entry.authority = large()),
        ];
        for (case, enlarge) in cases {
            let journal = Journal::default();
            for _ in 0..40 {
                note_of(&journal, enlarge);
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
        note_of(&journal, |_| {});
        journal.note_move(moved(1));
        note_of(&journal, |_| {});
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
        (0..=MAX_ENTRIES).for_each(|_| note_of(&journal, |_| {}));
        assert!(journal.whole().is_none(), "too many");
    }

    #[test]
    fn an_exchange_is_shown_as_it_was() {
        let headers = [("b", "1"), ("a", "2"), ("b", "3"), ("c", "")];
        let headers = headers.map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        let mut strange = HeaderMap::from_iter(headers);
        strange.insert("d", http::HeaderValue::from_bytes(b"\xff\xfe").unwrap());
        // What was noted is compared with what is shown.
        note_of(&Journal::default(), |entry| {
            entry.took = Duration::from_micros(7);
            entry.operation = Some("op");
            entry.method = "BREW".parse().unwrap();
            entry.authority = "localhost:1".to_owned();
            entry.target = PathAndQuery::from_static("/tiny/a%20b?c=d");
            entry.path = "/a%20b".to_owned();
            entry.request_headers = strange.clone();
            entry.request_body = Bytes::from_static(b"{}");
            entry.status = StatusCode::IM_A_TEAPOT;
            entry.response_headers = strange.clone();
            entry.response_body = Bytes::from_static(b"\0\xff");
            entry.faults = vec![2, 3];
            entry.connection = Some(Connection::Truncate);
        });
    }

    #[test]
    fn the_newest_is_kept_whatever_its_size() {
        let journal = Journal::default();
        note_of(&journal, |_| {});
        note_of(&journal, |entry| entry.request_body = vec![0; 2 * MAX_BYTES].into());
        assert_eq!(journal.list(&Filter::default()).len(), 1);
        note_of(&journal, |_| {});
        assert_eq!(journal.list(&Filter::default()).iter().map(|one| one.id).collect::<Vec<_>>(), [3]);
    }
}
