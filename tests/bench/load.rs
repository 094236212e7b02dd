//! What a request costs, beside a bare hyper server that returns a constant of the same size; and what launching and worlds cost.
//!
//! `cargo bench --bench load` prints all of it. Both servers are processes of their own and are asked in turn, round by round, so
//! that a machine whose speed drifts slows both; what counts is the ratio. `cargo bench --bench load -- --quick` does the same with
//! fewer rounds and fewer stored credentials.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measuring program prints, measures real time, and ends when something is wrong"
)]

mod client;
mod server;

use std::process::Command;
use std::time::{Duration, Instant};

use client::{Exchange, ask, throughput};
use serde_json::{Value, json};
use server::Server;

/// Hooli's published sandbox key.
const KEY: &str = "yVg3LEnF08y0MDmpHcPxB+sZWFcDARmPRKdY2M906ng=";

/// Connections that ask at the same time.
const CONNECTIONS: usize = 16;

/// How much is measured.
struct Effort {
    rounds: usize,
    round: Duration,
    stored: usize,
    launches: usize,
    worlds: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--bare") {
        bare(arguments[at + 1].parse().expect("a size"), arguments[at + 2].parse().expect("a status"));
        return;
    }
    let effort = if arguments.iter().any(|argument| argument == "--quick") {
        Effort { rounds: 3, round: Duration::from_millis(300), stored: 20_000, launches: 3, worlds: 20 }
    } else {
        Effort { rounds: 9, round: Duration::from_secs(1), stored: 1_000_000, launches: 15, worlds: 200 }
    };
    launch(&effort);
    requests(&effort);
}

/// The yardstick, as a process of its own.
fn bare_server(size: usize, status: u16) -> Server {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.args(["--bare", &size.to_string(), &status.to_string()]);
    Server::start(command, |line| line.trim().to_owned())
}

/// The yardstick: hyper, as this crate configures it, with a constant for an answer.
fn bare(size: usize, status: u16) {
    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Full};
    use hyper::service::service_fn;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto::Builder;

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("an address"));
        let body = Bytes::from(vec![b'x'; size]);
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("an option");
            let body = body.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let body = body.clone();
                    async move {
                        request.into_body().collect().await?;
                        let response = hyper::Response::builder().status(status).body(Full::new(body)).expect("a response");
                        Ok::<_, hyper::Error>(response)
                    }
                });
                // A client that leaves is no concern of a yardstick.
                let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
}

fn launch(effort: &Effort) {
    let mut times = Vec::new();
    let mut resident = Vec::new();
    for _ in 0..effort.launches {
        let start = Instant::now();
        let server = Server::understudy(&[]);
        let answer = ask(server.address, &get("/verified/credentials/11111111-1111-4111-8111-000000000002"));
        assert_eq!(answer.status, 200, "the first answer is right");
        times.push(start.elapsed().as_secs_f64() * 1e3);
        resident.extend(server.resident_kib());
    }
    println!("launch to first answer          {:>9.1} ms    (target: at most 30)", median(&mut times));
    let mut resident: Vec<f64> = resident.into_iter().map(|kib| kib as f64 / 1024.0).collect();
    println!("resident memory after launch    {:>9.1} MiB   (target: at most 25)", median(&mut resident));
    let server = Server::understudy(&[]);
    let mut times: Vec<f64> = (0..effort.worlds)
        .map(|_| {
            let start = Instant::now();
            assert_eq!(ask(server.address, &post("/_understudy/worlds", &json!({}))).status, 201);
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    println!(
        "creating a world                {:>9.2} ms    (target: at most 1; see worlds.rs for its first use)",
        median(&mut times)
    );
}

fn requests(effort: &Effort) {
    let server = Server::understudy(&[]);
    let read = get("/verified/credentials/11111111-1111-4111-8111-000000000002");
    let issue = post("/verified/credentials", &full_name(1));
    let read_few = compare("GET /credentials/{id}", effort, &server, &read, 200, 0.6);
    let issue_few = compare("POST /credentials (FullName)", effort, &server, &issue, 201, 0.35);

    let before = Instant::now();
    let batch = post("/verified/credentials", &full_name(500));
    for _ in 0..effort.stored / 1500 {
        assert_eq!(ask(server.address, &batch).status, 201);
    }
    println!("stored {} credentials in {:.1} s; the same again:", effort.stored, before.elapsed().as_secs_f64());
    let read_many = compare("GET /credentials/{id}", effort, &server, &read, 200, 0.6);
    let issue_many = compare("POST /credentials (FullName)", effort, &server, &issue, 201, 0.35);
    println!("GET with many of what it was with few    {:>6.2}      (target: at least 0.90)", read_many / read_few);
    println!("POST with many of what it was with few   {:>6.2}      (target: at least 0.90)", issue_many / issue_few);
}

/// Asks both servers in turn; returns the median of the ratios.
fn compare(name: &str, effort: &Effort, server: &Server, request: &[u8], status: u16, target: f64) -> f64 {
    let answer: Exchange = ask(server.address, request);
    assert_eq!(answer.status, status, "{name}: {}", String::from_utf8_lossy(&answer.body));
    let yardstick = bare_server(answer.body.len(), status);
    let (mut ours, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=effort.rounds {
        let mine = throughput(server.address, request, status, CONNECTIONS, effort.round);
        let theirs = throughput(yardstick.address, request, status, CONNECTIONS, effort.round);
        // The first round warms up.
        if round > 0 {
            ours.push(mine);
            bare.push(theirs);
            ratios.push(mine / theirs);
        }
    }
    let ratio = median(&mut ratios);
    println!(
        "{name:<30} {:>9.0} /s   bare hyper {:>9.0} /s   ratio {ratio:.2}   (target: at least {target:.2})",
        median(&mut ours),
        median(&mut bare)
    );
    ratio
}

fn full_name(count: usize) -> Value {
    let part = |kind: &str, key: &str, value: &str| json!({"type": kind, "data": {key: value}});
    let one = json!({"type": "FullNameCredential", "data": [
        part("FirstNameCredential", "firstName", "Nelson"), part("LastNameCredential", "lastName", "Bighetti")]});
    json!({"email": "big.head@hooli.example", "credentials": vec![one; count]})
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}\r\n\r\n").into_bytes()
}

fn post(path: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let head = "content-type: application/json\r\nhost: localhost";
    format!("POST {path} HTTP/1.1\r\n{head}\r\nauthorization: Bearer {KEY}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
