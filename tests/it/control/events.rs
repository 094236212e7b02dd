//! `events`: what happens in a world, as server-sent events.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use understudy::world::events::MAX_BEHIND;

use super::{Controlled, PHONE, detail, start_flow};

/// Real time within which something must come; a server that hangs fails the test instead of stalling it.
const DEADLINE: Duration = Duration::from_mins(1);

/// An event as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Event {
    kind: String,
    id: Option<String>,
    data: Value,
}

/// A reader of one stream of events.
struct Reader {
    body: Incoming,
    text: String,
}

impl Reader {
    async fn open(server: &Controlled, query: &str) -> Self {
        Self::at(&format!("{}/events{query}", server.understudy.control_url()), &[], false).await
    }

    /// Opens a stream; once its head is there, nothing is missed.
    async fn at(url: &str, headers: &[(&str, &str)], http2: bool) -> Self {
        let mut request = Request::get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let pool: Pool<_, Empty<Bytes>> = Pool::builder(TokioExecutor::new()).http2_only(http2).build_http();
        let answer = pool.request(request.body(Empty::new()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{url}");
        assert_eq!(answer.headers()["content-type"], "text/event-stream", "{url}");
        assert_eq!(answer.headers()["cache-control"], "no-store", "{url}");
        Self { body: answer.into_body(), text: String::new() }
    }

    /// The next block of lines; none at the end of the stream.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let frame = tokio::time::timeout(DEADLINE, self.body.frame()).await.expect("something comes, or the end")?;
            let data = frame.expect("the stream does not break").into_data().expect("there are no trailers");
            self.text += std::str::from_utf8(&data).unwrap();
        }
    }

    /// The next event; comments are passed over.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            if block.starts_with(':') {
                continue;
            }
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            return Some(Event {
                kind: field("event: ").expect("an event has a kind"),
                id: field("id: "),
                data: serde_json::from_str(&field("data: ").expect("an event has data")).unwrap(),
            });
        }
    }

    /// The next event, which must be there.
    async fn event(&mut self) -> Event {
        self.next().await.expect("the stream goes on")
    }

    /// Reads until an event of this kind; returns the kinds on the way, and it.
    async fn until(&mut self, kind: &str) -> (Vec<String>, Event) {
        let mut before = Vec::new();
        loop {
            let event = self.event().await;
            if event.kind == kind {
                return (before, event);
            }
            before.push(event.kind);
        }
    }
}

#[tokio::test]
async fn requests_are_told_as_they_are_answered_over_http_1_and_2() {
    let server = Controlled::start();
    let url = format!("{}/events", server.understudy.control_url());
    let mut readers = [Reader::at(&url, &[], false).await, Reader::at(&url, &[], true).await];
    server.verified.get("/credentials/none?a=b").await;
    for reader in &mut readers {
        let mut event = reader.event().await;
        assert!(event.data.as_object_mut().unwrap().remove("took_us").unwrap().is_u64());
        let expected = json!({
            "id": 1, "at": "2026-01-01T00:00:00.000Z", "provider": "verified", "operation": "getCredential",
            "method": "GET", "path": "/credentials/none", "status": 404
        });
        assert_eq!(event, Event { kind: "request".to_owned(), id: Some("1".to_owned()), data: expected });
    }
}

#[tokio::test]
async fn timers_messages_and_the_clock_are_told_in_their_order() {
    let server = Controlled::start();
    let mut reader = Reader::open(&server, "").await;
    let wallet = start_flow(&server.verified).await;
    let message = reader.event().await;
    assert_eq!((message.kind.as_str(), &message.id), ("message", &None));
    assert_eq!(message.data, server.control.get("/outbox").await.json()["messages"][0]);
    assert_eq!(message.data["to"], PHONE);
    assert_eq!(reader.event().await.kind, "request", "the answer comes after what it did");

    let clock = server.control.post("/clock/advance", json!({"by": "PT5M"})).await.json();
    let timer = reader.event().await;
    let subject = wallet.rsplit('/').next().unwrap();
    let due = "2026-01-01T00:05:00.000Z";
    assert_eq!((timer.kind.as_str(), timer.id), ("timer", None));
    assert_eq!(timer.data, json!({"provider": "verified", "kind": "codeExpires", "subject": subject, "due": due}));
    let moved = reader.event().await;
    assert_eq!((moved.kind.as_str(), &moved.data["now"], &moved.data["mode"]), ("clock", &clock["now"], &clock["mode"]));

    server.control.put("/clock", json!({"mode": "running"})).await;
    let started = reader.event().await;
    assert_eq!((started.kind.as_str(), &started.data["mode"]), ("clock", &json!("running")));
}

#[tokio::test]
async fn what_is_undone_is_not_told() {
    let server = Controlled::start();
    let mut reader = Reader::open(&server, "?types=message,clock").await;
    let refused = server.verified.post("/1-click", json!({"phone": "nonsense"})).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(server.control.post("/clock/advance", json!({"by": "P99999999D"})).await.status, StatusCode::BAD_REQUEST);
    server.control.put("/clock", json!({})).await;
    let event = reader.event().await;
    assert_eq!((event.kind.as_str(), &event.data["now"]), ("clock", &json!("2026-01-01T00:00:00.000Z")));
}

#[tokio::test]
async fn a_reset_is_told_and_numbering_begins_anew() {
    let server = Controlled::start();
    server.verified.get("/nothing").await;
    let mut reader = Reader::open(&server, "?since=0").await;
    assert_eq!(reader.event().await.id.as_deref(), Some("1"));
    server.control.post("/reset", json!({})).await;
    let reset = reader.event().await;
    assert_eq!((reset.kind.as_str(), reset.id.as_deref(), reset.data), ("reset", Some("0"), json!({})));
    assert_eq!(reader.event().await.kind, "clock");
    server.verified.get("/nothing").await;
    let first = reader.event().await;
    assert_eq!((first.kind.as_str(), first.id.as_deref()), ("request", Some("1")));
}

#[tokio::test]
async fn a_stream_is_taken_up_where_it_broke_off() {
    let server = Controlled::start();
    for _ in 0..3 {
        server.verified.get("/nothing").await;
    }
    let url = format!("{}/events", server.understudy.control_url());
    for (query, headers, expected) in [
        ("?since=0", &[][..], vec!["1", "2", "3", "4"]),
        ("?since=2", &[], vec!["3", "4"]),
        ("", &[("last-event-id", "1")], vec!["2", "3", "4"]),
        ("?since=0", &[("last-event-id", "2")], vec!["3", "4"]),
        ("?since=3", &[], vec!["4"]),
        // Numbers that were not given yet: the world was reset since.
        ("?since=77", &[], vec!["1", "2", "3", "4"]),
        ("", &[], vec!["4"]),
    ] {
        server.control.delete("/requests").await;
        server.control.post("/reset", json!({})).await;
        for _ in 0..3 {
            server.verified.get("/nothing").await;
        }
        let mut reader = Reader::at(&format!("{url}{query}"), headers, false).await;
        server.verified.get("/nothing").await;
        let mut ids = Vec::new();
        while ids.last().map(String::as_str) != Some("4") {
            ids.extend(reader.event().await.id);
        }
        assert_eq!(ids, expected, "{query} {headers:?}");
    }
}

#[tokio::test]
async fn only_the_kinds_that_are_asked_for_are_told() {
    let server = Controlled::start();
    for (types, expected) in [
        ("request", vec!["request"]),
        ("message", vec!["message"]),
        ("timer", vec!["timer"]),
        ("clock", vec!["clock", "clock"]),
        ("reset", vec!["reset"]),
        ("clock,request", vec!["request", "clock", "clock"]),
        ("clock&types=request", vec!["request", "clock", "clock"]),
        ("request,timer,clock,message,reset", vec!["message", "request", "timer", "clock", "reset", "clock"]),
    ] {
        server.control.post("/worlds", json!({"name": "w", "clock": "frozen", "now": "2026-01-01T00:00:00Z"})).await;
        let (control, verified) = server.of("w");
        let mut reader = Reader::at(&format!("{}/events?types={types}", control.base), &[], false).await;
        start_flow(&verified).await;
        control.post("/clock/advance", json!({"by": "PT5M"})).await;
        control.post("/reset", json!({})).await;
        control.call(http::Method::DELETE, "/worlds/w").await;
        let mut kinds = Vec::new();
        while let Some(event) = reader.next().await {
            kinds.push(event.kind);
        }
        assert_eq!(kinds, expected, "{types}: what was told before the world was deleted comes whole");
    }
}

#[tokio::test]
async fn a_query_that_asks_for_what_cannot_be_is_refused() {
    let server = Controlled::start();
    let kinds = "is none of request, timer, clock, message, reset";
    for (query, expected) in [
        ("types=", format!(r#"types: "" {kinds}"#)),
        ("types=requests", format!(r#"types: "requests" {kinds}"#)),
        ("types=clock,,timer", format!(r#"types: "" {kinds}"#)),
        ("since=", r#"since: "" is not the id of a request"#.to_owned()),
        ("since=-1", r#"since: "-1" is not the id of a request"#.to_owned()),
        ("since=2026-01-01T00:00:00Z", r#"since: "2026-01-01T00:00:00Z" is not the id of a request"#.to_owned()),
        ("type=clock", "type: unknown parameter; this call knows types, since".to_owned()),
    ] {
        let answer = server.control.get(&format!("/events?{query}")).await;
        assert_eq!(detail(&answer, StatusCode::BAD_REQUEST, query), expected);
    }
    let answer = server.control.get("/events").header("last-event-id", "x").await;
    assert_eq!(detail(&answer, StatusCode::BAD_REQUEST, "header"), r#"Last-Event-ID: "x" is not the id of a request"#);
    let answer = server.control.get("/events").header("origin", "https://evil.example").await;
    detail(&answer, StatusCode::FORBIDDEN, "another site's page");
}

#[tokio::test]
async fn the_head_of_a_stream_can_be_asked_for() {
    let server = Controlled::start();
    let head = server.control.call(http::Method::HEAD, "/events").await;
    assert_eq!((head.status, head.header("content-type")), (StatusCode::OK, "text/event-stream"));
    assert!(!head.headers.contains_key("content-length"), "nobody knows how long it is");
}

#[tokio::test]
async fn a_stream_ends_when_the_server_stops_and_does_not_hold_it() {
    let server = Controlled::start();
    let url = format!("{}/events", server.understudy.control_url());
    let mut readers = [Reader::at(&url, &[], false).await, Reader::at(&url, &[], true).await];
    drop(server);
    for reader in &mut readers {
        assert_eq!(reader.next().await, None);
    }
}

#[tokio::test]
async fn a_reader_that_does_not_read_misses_some_and_is_told_so() {
    let server = Controlled::start();
    // Large ones, so that the connection has room for few; nothing is read before all of them are sent.
    let mut reader = Reader::open(&server, "").await;
    let path = format!("/nothing/{}", "x".repeat(60_000));
    let sent = u64::try_from(MAX_BEHIND).unwrap() * 2;
    for _ in 0..sent {
        assert_eq!(server.verified.get(&path).await.status, StatusCode::NOT_FOUND);
    }
    let (before, lagged) = reader.until("lagged").await;
    let missed = lagged.data["missed"].as_u64().unwrap();
    assert!(missed > 0, "{lagged:?}");
    let next = reader.event().await;
    let first_after = u64::try_from(before.len()).unwrap() + missed + 1;
    assert_eq!((next.kind.as_str(), next.data["id"].as_u64()), ("request", Some(first_after)), "as many as it says");
    let mut last = first_after;
    while last < sent {
        last = reader.event().await.data["id"].as_u64().unwrap();
    }
    server.verified.get("/nothing").await;
    assert_eq!(reader.event().await.data["id"], sent + 1, "it goes on");
}

#[tokio::test]
async fn watching_leaves_no_trace() {
    let quiet = Controlled::start();
    let watched = Controlled::start();
    let mut reader = Reader::open(&watched, "").await;
    let mut ids = Vec::new();
    for server in [&quiet, &watched] {
        let wallet = start_flow(&server.verified).await;
        ids.push(wallet.rsplit('/').next().unwrap().to_owned());
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(reader.event().await.kind, "message");
}
