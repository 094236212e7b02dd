//! Whether offers and matches stay fast in a wallet with 100,000 records.
//!
//! `cargo bench --bench identus` serves two worlds, the built-in one and one with the records, asks both for the same things, and prints
//! how long an answer takes in each. It fails when one takes over ten times as long in the large world.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring program prints, measures real time, and ends when something is wrong"
)]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use understudy::Understudy;

const ALICE: &str = "96f51b29ceafc80a84b2853776e091e4f0bb721abe6b7098986e2dfb5248d1e7";
const BOB: &str = "92b3d51933b87bffc1d3f46a98923151a84b5c3dde8fc54c6daefe326cbe6000";

/// Records that the large world has in Bob's wallet, beside those of the fixture.
const RECORDS: usize = 100_000;

/// How often each thing is asked for; the median counts.
const ROUNDS: usize = 200;

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("identus.json"), fixture().to_string()).expect("a file");
    let start = Instant::now();
    let large = Understudy::builder().seed(7).only(["identus"]).fixtures(folder.path()).start().expect("a server");
    println!("{RECORDS} records read in {:.1?}", start.elapsed());
    let small = Understudy::builder().seed(7).only(["identus"]).start().expect("a server");

    let author = "did:prism:82261bcc9dcafca698486a1b80924b07bf439d17fe611db2523273ad369e8dfa";
    let holder = "did:prism:b1ed63efd21ec8d0a582dc64f87e834f8f1180080e544b3a9b0473dfb78c4560";
    let connection = "e3b400a6-501a-5538-b276-da01380911ff";
    let offer = json!({"connection": connection, "author": author, "claims": {"claim_type": "test"}});
    let custodial = json!({"connection": connection, "key_peer1": ALICE, "key_peer2": BOB, "did_peer1": author, "did_peer2": holder,
        "claims": {"claim_type": "test"}});
    let mut slow = Vec::new();
    for (name, request) in [
        ("offers of a thread", get("/identus/api/v1/vc/offers?thid=87323d88-51ec-424f-882a-a1f2655888db", BOB)),
        ("one offer", get("/identus/api/v1/vc/offer/5aa7a5ec-35dc-4327-8e06-d9f51952c8ec", BOB)),
        ("match", get("/identus/api/v1/vc/match/test", BOB)),
        ("match of nothing", get("/identus/api/v1/vc/match/nothing", BOB)),
        ("custodial, reused", post("/identus/api/v1/vc/issuance/custodial", ALICE, &custodial)),
        ("new offer", post("/identus/api/v1/vc/offer-noschema", ALICE, &offer)),
    ] {
        let [before, after] = [&small, &large].map(|server| median(server.addresses()[0], &request));
        let ratio = after.as_secs_f64() / before.as_secs_f64();
        println!("{name:20} {before:>10.1?} {after:>10.1?}  x{ratio:.2}");
        if ratio > 10.0 {
            slow.push(name);
        }
    }
    assert!(slow.is_empty(), "slow with {RECORDS} records: {slow:?}");
    let start = Instant::now();
    let all = ask(&mut connect(large.addresses()[0]), &get("/identus/api/v1/vc/offers", BOB));
    println!("all offers           {:.1?} for {all} bytes", start.elapsed());
}

/// The built-in fixture with many more offers to Bob.
fn fixture() -> Value {
    let mut fixture: Value = serde_json::from_str(include_str!("../../fixtures/identus.json")).expect("JSON");
    let mut like = fixture["records"][1].clone();
    let records = fixture["records"].as_array_mut().expect("an array");
    for n in 0..RECORDS {
        like["id"] = json!(format!("00000000-0000-4000-8000-{n:012}"));
        like["thid"] = json!(format!("00000000-0000-4000-9000-{n:012}"));
        like["claims"]["claim_type"] = json!(format!("type {}", n % 1000));
        records.push(like.clone());
    }
    fixture
}

fn get(path: &str, key: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\napikey: {key}\r\n\r\n").into_bytes()
}

fn post(path: &str, key: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\napikey: {key}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn median(address: SocketAddr, request: &[u8]) -> Duration {
    let mut stream = connect(address);
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            ask(&mut stream, request);
            start.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_nodelay(true).expect("an option");
    stream
}

/// Sends a request and reads the whole answer; returns the length of its body.
fn ask(stream: &mut TcpStream, request: &[u8]) -> usize {
    stream.write_all(request).expect("the server reads");
    let mut answer = Vec::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        let read = stream.read(&mut chunk).expect("the server answers");
        assert_ne!(read, 0, "the server hung up");
        answer.extend_from_slice(&chunk[..read]);
        let Some(at) = answer.windows(4).take(4096).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&answer[..at]).expect("a head is text");
        let status = &head[9..12];
        assert!(matches!(status, "200" | "201" | "404"), "{status}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.unwrap_or_else(|| panic!("no length: {head}")).parse().unwrap();
        if answer.len() >= at + 4 + length {
            return length;
        }
    }
}
