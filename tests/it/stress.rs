//! Many clients at once, slow ones, rude ones, and requests that make no sense. `cargo bench --bench stress` does the same for longer.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};

use bytes::Bytes;
use http::Response;
use serde_json::json;
use understudy::{Understudy, providers};

use crate::control::KEY;
use crate::harness::{builder, contract};
use crate::malformed::{Generator, Malformed};
use crate::raw::{Answer, Raw, request};

/// Malformed requests for each provider here; the bench sends 10,000.
const MALFORMED: usize = 400;

const HEALTH: &str = "GET /_understudy/health HTTP/1.1\r\nhost: localhost\r\n\r\n";

fn start() -> Understudy {
    builder().start().expect("the server starts")
}

/// The document says nothing of a method: how it is refused is each provider's business, and tried in its own tests.
const UNJUDGED: &str = "no such method on this path";

/// What an internal error of a provider says, in small letters: no request may bring one about.
const INTERNAL: [&str; 4] = ["internal error", "internal server error", "internalerror", "unknown_error"];

fn says_internal(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_lowercase();
    INTERNAL.iter().any(|words| text.contains(words))
}

/// The answer as the judge of contracts takes it.
fn judged(answer: &Answer) -> Response<Bytes> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(answer.body.clone().into()).unwrap()
}

/// Sends what is no HTTP, and sees it refused or the connection closed.
fn send_junk(address: SocketAddr, one: &Malformed) {
    let mut stream = TcpStream::connect(address).unwrap();
    // The server may close before all is sent.
    let _ = stream.write_all(&one.bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(answer.len());
    let is_internal = answer.starts_with(b"HTTP/1.1 500") && says_internal(&answer[head..]);
    assert!(!is_internal, "{}\n{}", one.bytes.escape_ascii(), answer.escape_ascii());
}

#[test]
fn malformed_requests_are_answered_in_the_providers_own_shape_and_never_with_an_internal_error() {
    let understudy = start();
    let address = understudy.addresses()[0];
    let mut wrong = Vec::new();
    for provider in providers::all() {
        let slug = provider.about().slug;
        let contract = contract(slug);
        let mut generator = Generator::new(&*provider, 11);
        let mut raw = Raw::connect(address);
        for _ in 0..MALFORMED {
            let one = generator.next();
            if !one.is_http {
                send_junk(address, &one);
                continue;
            }
            raw.send(&one.bytes);
            let answer = raw.answer();
            let shown = || format!("{}: {}\n -> {} {}", slug, one.bytes.escape_ascii(), answer.status, answer.body.escape_ascii());
            if answer.status == 500 && says_internal(&answer.body) {
                wrong.push(format!("an internal error: {}", shown()));
            } else if let Err(violation) = contract.check(&one.method, &one.target, &judged(&answer))
                && !violation.contains(UNJUDGED)
            {
                wrong.push(format!("{violation}\n{}", shown()));
            }
            if answer.header("connection") == Some("close") {
                raw = Raw::connect(address);
            }
        }
    }
    assert!(wrong.is_empty(), "{} answers are wrong; the first:\n{}", wrong.len(), wrong[..wrong.len().min(8)].join("\n\n"));
    assert_eq!(request(address, "GET", "/_understudy/health", &[], "").status, 200);
}

#[test]
fn a_thousand_connections_are_held_and_served() {
    // Both ends of each are in this process.
    rlimit::increase_nofile_limit(4096).unwrap();
    let understudy = start();
    let address = understudy.addresses()[0];
    let mut held: Vec<Raw> = (0..1000).map(|_| Raw::connect(address)).collect();
    // Every second one is a slow sender: its request comes in three parts, each after all others had their turn.
    let (first, rest) = HEALTH.split_at(10);
    let (second, third) = rest.split_at(20);
    for (raw, number) in held.iter_mut().zip(0..) {
        raw.send(if number % 2 == 0 { HEALTH } else { first });
    }
    for (raw, number) in held.iter_mut().zip(0..) {
        if number % 2 == 0 {
            assert_eq!(raw.answer().status, 200, "{number}");
            raw.send(HEALTH);
        } else {
            raw.send(second);
        }
    }
    for (raw, number) in held.iter_mut().zip(0..) {
        if number % 2 == 1 {
            raw.send(third);
        }
        assert_eq!(raw.answer().status, 200, "{number}");
    }
    // Half-closed: no more requests, but the answer to the last one is wanted.
    for raw in &mut held {
        raw.send(HEALTH);
        raw.stream.shutdown(Shutdown::Write).unwrap();
    }
    for (raw, number) in held.iter_mut().zip(0..) {
        assert_eq!(raw.answer().status, 200, "{number}");
        assert!(raw.is_closed(), "{number}");
    }
}

#[test]
fn no_acknowledged_write_is_lost_however_many_clients_leave_in_the_middle() {
    const WRITERS: usize = 8;
    const WRITES: usize = 40;
    let understudy = start();
    let address = understudy.addresses()[0];
    let body = json!({"email": "a@example.com", "credentials": [{"type": "EmailCredential", "data": {"email": "a@example.com"}}]});
    let issue = format!(
        "POST /verified/credentials HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.to_string().len()
    );
    let acknowledged: Vec<String> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut raw = Raw::connect(address);
                    let write = |_| {
                        // Others send the same, or parts of it, and do not wait for the answer.
                        for end in [issue.len(), issue.len() / 2, 20] {
                            let mut rude = TcpStream::connect(address).unwrap();
                            let _ = rude.write_all(&issue.as_bytes()[..end]);
                        }
                        raw.send(&issue);
                        let answer = raw.answer();
                        assert_eq!(answer.status, 201, "{}", answer.text());
                        answer.json()["credentials"][0]["id"].as_str().unwrap().to_owned()
                    };
                    (0..WRITES).map(write).collect::<Vec<_>>()
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    let mut raw = Raw::connect(address);
    for id in &acknowledged {
        raw.send(format!("GET /verified/credentials/{id} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}\r\n\r\n"));
        assert_eq!(raw.answer().status, 200, "{id}");
    }
    let distinct: std::collections::BTreeSet<&String> = acknowledged.iter().collect();
    assert_eq!(distinct.len(), WRITERS * WRITES);
}
