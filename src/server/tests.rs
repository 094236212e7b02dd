//! The edge over real sockets, with a provider that misbehaves on request, and limits that a test can wait for.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::address::Port;
use super::authority::Names;
use super::capacity::Capacity;
use super::deliver::Webhooks;
use super::listen::{Limits, Listening, bind};
use super::tls::{Keeper, Tls};
use super::{Server, run};
use crate::control::Control;
use crate::control::access::Access;
use crate::world::clock::{Mode, real_now};
use crate::worlds::tests::worlds;
use crate::worlds::{DEFAULT, Spec};

/// Long enough for a test, short enough to wait for a server that hangs.
const LONG: Duration = Duration::from_secs(30);

struct Rig {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Rig {
    fn start() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        Self::over(None, limits)
    }

    fn over(tls: Option<Arc<Tls>>, limits: Limits) -> Self {
        let worlds = Arc::new(worlds(7));
        let spec = Spec {
            name: Some(DEFAULT.to_owned()),
            now: Some(chrono::DateTime::UNIX_EPOCH),
            mode: Some(Mode::Frozen),
            ..Spec::default()
        };
        worlds.create(spec, real_now()).unwrap();
        let (listeners, new_listening) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let access = Access::default();
        let socket = bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        let control = Control::new(worlds.clone(), real_now(), address, tls.clone(), access, listeners, stopped.clone());
        let capacity = Capacity::new(&limits);
        let server = Arc::new(Server { worlds, control, external: None, webhooks: Webhooks::Off, limits, capacity, tls });
        let listening = vec![Listening { socket, port: Port::default(), life: None }];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let thread = std::thread::spawn(move || runtime.block_on(run(server, listening, new_listening, stopped)));
        Self { address, stop, thread: Some(thread) }
    }

    fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Connection { stream, read: Vec::new() }
    }

    /// One request on a connection of its own.
    fn call(&self, method: &str, path: &str) -> (u16, Value) {
        let mut connection = self.connect();
        connection.send(&format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"));
        connection.answer()
    }

    fn count(&self) -> Value {
        self.call("GET", "/tiny/count").1["n"].clone()
    }

    fn end(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.end();
    }
}

struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// Status and body of the next answer; the body is JSON unless it is empty.
    fn answer(&mut self) -> (u16, Value) {
        let (head, body) = self.whole();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Head and body of the next answer.
    fn whole(&mut self) -> (String, Vec<u8>) {
        let end = loop {
            match self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => assert!(self.more(), "the connection ended: {}", self.read.escape_ascii()),
            }
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let length = head.split("content-length: ").nth(1).map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
        while self.read.len() < length {
            assert!(self.more(), "the connection ended in a body");
        }
        (head, self.read.drain(..length).collect())
    }

    fn more(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let read = self.stream.read(&mut bytes).expect("something comes, or the end");
        self.read.extend_from_slice(&bytes[..read]);
        read > 0
    }

    fn is_closed(&mut self) -> bool {
        self.read.is_empty() && !self.more()
    }
}

#[test]
fn a_handler_that_panics_harms_only_its_own_request() {
    let rig = Rig::start();
    let mut connection = rig.connect();
    // Pipelined: the one after the panic is answered on the same connection.
    for (method, path) in [("POST", "count"), ("POST", "panic"), ("POST", "count"), ("POST", "fail"), ("GET", "count")] {
        connection.send(&format!("{method} /tiny/{path} HTTP/1.1\r\nhost: localhost\r\n\r\n"));
    }
    let answers: Vec<(u16, Value)> = (0..5).map(|_| connection.answer()).collect();
    assert_eq!((answers[0].0, &answers[0].1["n"]), (200, &Value::from(1)));
    assert_eq!(answers[1], (500, Value::from("internal")), "in the provider's own shape");
    assert_eq!((answers[2].0, &answers[2].1["n"]), (200, &Value::from(2)), "what the panic did is undone");
    assert_eq!(answers[3], (500, Value::from("store")));
    assert_eq!((answers[4].0, &answers[4].1["n"]), (200, &Value::from(2)), "and so is what a failure did");
    let (_, journal) = rig.call("GET", "/_understudy/requests?status=500");
    let noted: Vec<&Value> = journal["requests"].as_array().unwrap().iter().map(|one| &one["operation"]).collect();
    assert_eq!(noted, ["panic", "fail"], "they are in the journal");
}

#[test]
fn an_error_undoes_the_work_and_a_refusal_that_is_an_answer_keeps_it() {
    let rig = Rig::start();
    assert_eq!(rig.call("POST", "/tiny/refuse"), (409, Value::from("refused")));
    assert_eq!(rig.count(), 0);
    assert_eq!(rig.call("POST", "/tiny/refuse-and-keep"), (403, Value::from("refused")));
    assert_eq!(rig.count(), 1);
}

#[test]
fn a_simulation_that_panics_is_undone_and_an_internal_error() {
    let rig = Rig::start();
    let (status, problem) = rig.call("POST", "/_understudy/simulations/tiny/panic");
    assert_eq!((status, &problem["detail"]), (500, &Value::from("the server failed; its log says why")));
    assert_eq!(rig.count(), 0);
}

#[test]
fn a_body_that_takes_too_long_is_refused_and_the_connection_closed() {
    let rig = Rig::with(Limits { body: Duration::from_millis(50), ..Limits::default() });
    for (path, place) in [("/tiny/echo", ""), ("/_understudy/reset", "/detail")] {
        let mut connection = rig.connect();
        connection.send(&format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nab"));
        let (status, body) = connection.answer();
        assert_eq!(status, 408, "{path}");
        let said = body.pointer(place).and_then(Value::as_str).unwrap_or_default();
        assert!(said.ends_with("it took longer than 50 ms"), "{path}: {body}");
        assert!(connection.is_closed(), "{path}: the rest of the body must not be taken for a request");
    }
    assert_eq!(rig.count(), 0, "others are served");
}

#[test]
fn a_body_that_breaks_off_is_refused() {
    let rig = Rig::start();
    for body in ["content-length: 5\r\n\r\nab", "transfer-encoding: chunked\r\n\r\n5\r\nab"] {
        let mut connection = rig.connect();
        connection.send(&format!("POST /tiny/count HTTP/1.1\r\nhost: localhost\r\n{body}"));
        connection.stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(connection.answer().0, 408, "{body}");
    }
    assert_eq!(rig.count(), 0);
}

#[test]
fn connections_that_ask_for_nothing_are_closed() {
    let rig = Rig::with(Limits { head: Duration::from_millis(100), ..Limits::default() });
    for (case, sent) in [
        ("silence", ""),
        ("the first letter", "P"),
        ("half a head", "GET /tiny/count HTTP/1.1\r\nhost: local"),
        ("half a preface", "PRI * HTTP/2.0\r\n"),
    ] {
        let mut connection = rig.connect();
        connection.send(sent);
        assert!(connection.is_closed(), "{case}");
    }
    // A whole HTTP/2 preface with settings: the server's settings come, and then the end.
    let mut connection = rig.connect();
    connection.stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").unwrap();
    while connection.more() {}
    assert!(!connection.read.is_empty(), "HTTP/2 without a request");
    // One that was served is closed when it is idle.
    let mut connection = rig.connect();
    connection.send("GET /tiny/count HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(connection.answer().0, 200);
    assert!(connection.is_closed(), "idle after a request");
}

#[test]
fn a_tls_handshake_that_does_not_finish_is_given_up() {
    let tls = Arc::new(Tls::new(&Keeper::Memory, &Names::local()).unwrap());
    let limits = Limits { handshake: Duration::from_millis(50), head: Duration::from_millis(100), ..Limits::default() };
    let mut rig = Rig::over(Some(tls), limits);
    for (case, sent) in
        [("silence", &b""[..]), ("one byte", b"\x16"), ("half a hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")]
    {
        let mut connection = rig.connect();
        connection.stream.write_all(sent).unwrap();
        assert!(connection.is_closed(), "{case}");
    }
    let mut connection = rig.connect();
    connection.stream.write_all(b"\x16").unwrap();
    rig.end();
    // What it sent may still be unread, and so it may see a reset.
    let seen = connection.stream.read(&mut [0]).map_err(|error| error.kind());
    assert!(matches!(seen, Ok(0) | Err(std::io::ErrorKind::ConnectionReset)), "a stop does not leave one open: {seen:?}");
}

#[test]
fn a_stop_lets_a_request_in_flight_finish() {
    let mut rig = Rig::start();
    let mut idle = rig.connect();
    idle.send("GET /tiny/count HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert_eq!(idle.answer().0, 200);
    let mut connection = rig.connect();
    connection.send("POST /tiny/count HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
    assert!(connection.whole().0.starts_with("HTTP/1.1 100 "), "the request has begun");
    rig.stop.send_replace(true);
    assert!(idle.is_closed(), "an idle connection is closed at once");
    while TcpStream::connect(rig.address).is_ok() {
        std::thread::yield_now(); // until the port is closed
    }
    connection.send("12345");
    let (status, body) = connection.answer();
    assert_eq!((status, &body["n"]), (200, &Value::from(1)));
    assert!(connection.is_closed());
    rig.end();
}

#[test]
fn a_stop_waits_no_longer_than_it_may() {
    let mut rig = Rig::with(Limits { stop: Duration::from_millis(50), ..Limits::default() });
    let mut connection = rig.connect();
    connection.send("POST /tiny/count HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
    assert!(connection.whole().0.starts_with("HTTP/1.1 100 "), "the request has begun");
    rig.end();
    assert!(connection.is_closed());
}

impl Rig {
    /// One request with a body, on a connection of its own.
    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        let mut connection = self.connect();
        let length = body.len();
        connection.send(&format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}"));
        connection.answer()
    }
}

/// Real time in which a test that waits for it would not end.
const NEVER: Duration = Duration::from_hours(10);

const HEALTH: &str = "GET /_understudy/health HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[test]
fn a_connection_over_the_limit_waits_for_another_to_end() {
    let rig = Rig::with(Limits { connections: 1, ..Limits::default() });
    let mut first = rig.connect();
    first.send(HEALTH);
    assert_eq!(first.answer().0, 200);
    let mut second = rig.connect();
    second.send(HEALTH);
    for _ in 0..20 {
        first.send(HEALTH);
        assert_eq!(first.answer().0, 200);
    }
    second.stream.set_nonblocking(true).unwrap();
    let waiting = second.stream.peek(&mut [0]).map_err(|error| error.kind());
    assert_eq!(waiting, Err(std::io::ErrorKind::WouldBlock));
    second.stream.set_nonblocking(false).unwrap();
    drop(first);
    assert_eq!(second.answer().0, 200);
}

#[test]
fn a_connection_that_hangs_ends_with_its_client() {
    let rig = Rig::with(Limits { connections: 1, ..Limits::default() });
    assert_eq!(rig.post("/_understudy/faults", r#"{"connection":"hang"}"#).0, 201);
    let mut hung = rig.connect();
    hung.send("POST /tiny/count HTTP/1.1\r\nhost: localhost\r\n\r\n");
    // More than one read takes, so that the end of the stream is looked for and not just found.
    hung.send(&"x".repeat(10_000));
    let mut next = rig.connect();
    next.send("GET /_understudy/faults/1 HTTP/1.1\r\nhost: localhost\r\n\r\n");
    hung.stream.shutdown(std::net::Shutdown::Both).unwrap();
    assert_eq!(next.answer().1["hits"], 1, "the only place is free again");
}

#[test]
fn a_connection_that_hangs_or_is_delayed_does_not_hold_the_stop() {
    let mut rig = Rig::with(Limits { stop: NEVER, ..Limits::default() });
    let hang = r#"{"connection":"hang","path":"/count"}"#;
    assert_eq!(rig.post("/_understudy/faults", hang).0, 201);
    assert_eq!(rig.post("/_understudy/faults", r#"{"delay_ms":600000,"path":"/panic"}"#).0, 201);
    let mut hung = rig.connect();
    hung.send("POST /tiny/count HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut delayed = rig.connect();
    delayed.send("POST /tiny/panic HTTP/1.1\r\nhost: localhost\r\n\r\n");
    while [1, 2].iter().any(|id| rig.call("GET", &format!("/_understudy/faults/{id}")).1["hits"] == 0) {}
    rig.end();
    assert!(hung.is_closed(), "without an answer");
    assert_eq!(delayed.answer().0, 500, "what is delayed is answered");
}

#[test]
fn a_body_for_which_there_is_no_room_is_refused_until_there_is() {
    let rig = Rig::with(Limits { bodies: 1000, ..Limits::default() });
    let mut slow = rig.connect();
    slow.send("POST /tiny/count HTTP/1.1\r\nhost: localhost\r\ncontent-length: 900\r\n\r\n");
    slow.send(&"x".repeat(800));
    let body = "x".repeat(300);
    // The first may come before the server has read what was sent above.
    let refused = (0..1000).map(|_| rig.post("/tiny/count", &body)).find(|(status, _)| *status != 200);
    assert_eq!(refused, Some((400, Value::from("the server is busy"))), "in the provider's own words");
    assert_eq!(rig.post("/_understudy/reset", &format!("{{{}}}", " ".repeat(300))).0, 503, "and in the control API's");
    assert_eq!(rig.post("/tiny/count", "short").0, 200, "what fits is taken");
    slow.send(&"x".repeat(100));
    assert_eq!(slow.answer().0, 200);
    assert_eq!(rig.post("/tiny/count", &"x".repeat(1000)).0, 200, "all is given back");
    assert_ne!(rig.post("/tiny/count", &"x".repeat(1001)).0, 200, "more than that is never taken");
    assert_eq!(rig.post("/tiny/count", &"x".repeat(1000)).0, 200);
}
