//! How long a page of a list of 100,000 sessions takes: `cargo bench --bench kosmos`.
//!
//! Prints, for each filter, the fastest and the middle one of its runs, over a real socket.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench reports, and stops when something fails"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use understudy::Understudy;
use understudy::crypto::ecdh::{Curve, agree};
use understudy::world::clock::real_now;

const SESSIONS: u32 = 100_000;
const RUNS: usize = 20;

fn main() {
    let text = include_str!("../../fixtures/1kosmos.json");
    let mut fixture: Value = serde_json::from_str(text).unwrap();
    let client = fixture["keys"]["secp256k1"]["client"].clone();
    let service = fixture["keys"]["secp256k1"]["service"]["publicKey"].as_str().unwrap().to_owned();
    let pattern = fixture["sessions"][6].clone();
    let sessions = fixture["sessions"].as_array_mut().unwrap();
    for number in 0..SESSIONS {
        let mut session = pattern.clone();
        session["_id"] = json!(format!("{number:024x}"));
        session["id"] = json!(format!("20000000-0000-4000-8000-{number:012x}"));
        session["user"]["uid"] = json!(format!("person-{number}"));
        sessions.push(session);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("1kosmos.json"), fixture.to_string()).unwrap();
    let (server, took) = timed(|| Understudy::builder().only(["1kosmos"]).fixtures(folder.path()).start().unwrap());
    println!("loading {SESSIONS} sessions: {took:.1?}");

    let key = agree(Curve::Secp256k1, client["privateKey"].as_str().unwrap().as_bytes(), service.as_bytes()).unwrap();
    let id = json!({"ts": real_now().timestamp(), "appid": "bench", "uuid": "u"}).to_string();
    let headers = format!(
        "publickey: {}\r\nrequestid: {}\r\nlicensekey: {}\r\n",
        client["publicKey"].as_str().unwrap(),
        key.seal([1; 16], id.as_bytes()),
        key.seal([2; 16], b"22222222-2222-4222-8222-222222222222")
    );
    for (query, index) in [
        (json!({}), 0),
        (json!({}), u64::from(SESSIONS) / 25 - 1),
        (json!({"id": "10000000-0000-4000-8000-000000000003"}), 0),
        (json!({"status": "COMPLETED"}), 0),
        (json!({"uid": "person-99999"}), 0),
        (json!({"name": "roe", "documentType": "ppt_object"}), 0),
    ] {
        let data = json!({
            "query": query, "pIndex": index, "pSize": 25,
            "tenantId": "64a000000000000000000001", "communityId": "64a000000000000000000002"
        });
        let body = json!({ "data": data }).to_string();
        let request = format!(
            "POST /1kosmos/idproofingapi/proofingsession/fetch HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut times: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let (answer, took) = timed(|| {
                    let mut socket = TcpStream::connect(server.addresses()[0]).unwrap();
                    socket.write_all(request.as_bytes()).unwrap();
                    let mut answer = String::new();
                    socket.read_to_string(&mut answer).unwrap();
                    answer
                });
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                took
            })
            .collect();
        times.sort_unstable();
        println!("{query} page {index}: fastest {:.1?}, middle {:.1?}", times[0], times[RUNS / 2]);
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let value = work();
    (value, begin.elapsed())
}
