//! Load and rudeness: a thousand connections are held while 10,000 malformed requests go to each provider; memory is measured before
//! and after, every answer is held against the provider's contract, and no internal error may come.
//!
//! `cargo bench --bench stress` takes some minutes; `-- --quick` sends a tenth. It ends with an error when something is wrong.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measuring program prints, and ends when something is wrong"
)]

#[path = "../it/contract.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod contract;
#[path = "../it/malformed.rs"]
mod malformed;
#[path = "../it/raw.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod raw;
mod server;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use bytes::Bytes;
use contract::Contract;
use http::Response;
use malformed::Generator;
use raw::Raw;
use server::Server;
use understudy::providers;

/// Connections that are held all the time.
const HELD: usize = 1000;

/// What memory may grow by: the journal, which is bounded by 16 MiB of content, and what the requests made.
const GROWTH_KIB: u64 = 64 * 1024;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let count = if quick { 1000 } else { 10_000 };
    rlimit::increase_nofile_limit(4096).expect("the system allows so many files");
    let server = Server::understudy(&["--clock", "2026-01-01T00:00:00Z,frozen"]);
    let mut held: Vec<Raw> = (0..HELD).map(|_| Raw::connect(server.address)).collect();
    for raw in &mut held {
        raw.send("GET /_understudy/health HTTP/1.1\r\nhost: localhost\r\n\r\n");
        assert_eq!(raw.answer().status, 200);
    }
    // The first round fills the journal, caches and pools; growth after it is a leak.
    round(&server, 1, count / 2);
    let before = server.resident_kib();
    println!("{HELD} connections held, {} malformed requests to each provider answered: {before:?} KiB", count / 2);
    round(&server, 2, count / 2);
    let after = server.resident_kib();
    println!("as many again: {after:?} KiB");
    for raw in &mut held {
        raw.send("GET /_understudy/health HTTP/1.1\r\nhost: localhost\r\n\r\n");
        assert_eq!(raw.answer().status, 200, "a connection that was held is served");
    }
    if let (Some(before), Some(after)) = (before, after) {
        assert!(after < before + GROWTH_KIB, "memory grew from {before} to {after} KiB");
    }
}

fn round(server: &Server, seed: u64, count: usize) {
    for provider in providers::all() {
        let slug = provider.about().slug;
        let contract = Contract::new(serde_json::from_str(provider.about().openapi).expect("the document is JSON"));
        let mut generator = Generator::new(&*provider, seed);
        let mut raw = Raw::connect(server.address);
        for _ in 0..count {
            let one = generator.next();
            if !one.is_http {
                let mut stream = TcpStream::connect(server.address).expect("the server accepts");
                // It may close before all is sent.
                let _ = stream.write_all(&one.bytes);
                let _ = stream.shutdown(Shutdown::Write);
                let _ = stream.read_to_end(&mut Vec::new());
                continue;
            }
            raw.send(&one.bytes);
            let answer = raw.answer();
            let mut response = Response::builder().status(answer.status);
            for (name, value) in &answer.headers {
                response = response.header(name, value);
            }
            let response: Response<Bytes> = response.body(answer.body.clone().into()).expect("a response");
            // How a method is refused that the document does not have is each provider's business.
            if let Err(violation) = contract.check(&one.method, &one.target, &response)
                && !violation.contains("no such method on this path")
            {
                panic!("{violation}\n{slug}: {}", one.bytes.escape_ascii());
            }
            if answer.header("connection") == Some("close") {
                raw = Raw::connect(server.address);
            }
        }
        println!("{slug:<12} {count} requests, every answer in its shape");
    }
}
