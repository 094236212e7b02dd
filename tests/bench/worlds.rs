//! What a thousand worlds side by side cost: `cargo bench --bench worlds` (`-- --quick` makes a hundred).
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measuring program prints, measures real time, and ends when something is wrong"
)]

#[expect(dead_code, reason = "load.rs needs more of it")]
mod client;

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use client::ask;
use serde_json::Value;

/// Hooli's published sandbox key.
const KEY: &str = "yVg3LEnF08y0MDmpHcPxB+sZWFcDARmPRKdY2M906ng=";

/// When worlds that nobody uses are asleep for certain; what is measured meanwhile is whether memory still changes.
const PATIENCE: Duration = Duration::from_mins(2);

fn main() {
    let count = if std::env::args().any(|argument| argument == "--quick") { 100 } else { 1000 };
    let mut server = Server::start();
    // The first world finds everything cold.
    server.create("warm");
    server.issue("warm");
    let launched = server.resident_kib();

    let names: Vec<String> = (0..count).map(|number| format!("w{number}")).collect();
    let mut created: Vec<f64> = names.iter().map(|name| timed(|| server.create(name))).collect();
    println!("creating a world                {:>9.3} ms    (target: at most 1)", median(&mut created));
    println!("memory of one, not used yet     {:>9.1} KiB   (target: at most 200)", server.each(launched, count));

    let mut used: Vec<f64> = names.iter().map(|name| timed(|| server.issue(name))).collect();
    println!("its first request               {:>9.3} ms", median(&mut used));
    println!("memory of one, just used        {:>9.1} KiB", server.each(launched, count));
    let mut both: Vec<f64> = (0..count.min(200))
        .map(|number| {
            let name = format!("both{number}");
            timed(|| {
                server.create(&name);
                server.issue(&name);
            })
        })
        .collect();
    println!("creating and a first request    {:>9.3} ms", median(&mut both));
    for number in 0..both.len() {
        assert_eq!(server.ask("DELETE", &format!("/_understudy/worlds/both{number}"), ""), 204);
    }

    let waited = server.wait_until_memory_rests();
    println!(
        "memory of one, idle             {:>9.1} KiB   (target: at most 200; after {waited:.0} s)",
        server.each(launched, count)
    );
    let mut awakened: Vec<f64> = names.iter().map(|name| timed(|| server.issue(name))).collect();
    println!("awakening, with a request       {:>9.3} ms", median(&mut awakened));
    println!("all {count} answered, each with a credential of its own, and again after its sleep");
}

/// A server as a process of its own; killed when dropped.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_understudy"));
        command.args(["--port", "0", "--seed", "7"]).stderr(Stdio::null());
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("it is piped")).read_line(&mut line).expect("the server says where it is");
        let ready: Value = serde_json::from_str(&line).expect("the ready line is JSON");
        let address = ready["url"].as_str().expect("a URL").trim_start_matches("http://");
        Self { address: address.parse().expect("an address"), process }
    }

    fn create(&self, name: &str) {
        assert_eq!(self.ask("POST", "/_understudy/worlds", &format!("{{\"name\":\"{name}\"}}")), 201, "{name} is made");
    }

    fn issue(&self, name: &str) {
        let body = r#"{"email":"a@example.com","credentials":[{"type":"EmailCredential","data":{"email":"a@example.com"}}]}"#;
        assert_eq!(self.ask("POST", &format!("/~{name}/verified/credentials"), body), 201, "{name} answers");
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> u16 {
        let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}");
        let head = format!("{head}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        ask(self.address, head.as_bytes()).status
    }

    /// Memory that it holds.
    fn resident_kib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("this is Linux");
        let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a size");
        line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
    }

    fn each(&self, before: f64, count: usize) -> f64 {
        (self.resident_kib() - before) / count as f64
    }

    /// Waits until memory has not shrunk for a while; says how many seconds it took.
    fn wait_until_memory_rests(&mut self) -> f64 {
        let start = Instant::now();
        let (mut least, mut since) = (self.resident_kib(), Instant::now());
        while since.elapsed() < Duration::from_secs(10) && start.elapsed() < PATIENCE {
            // Nothing is asked of the server meanwhile, for that would keep a world awake.
            std::thread::sleep(Duration::from_millis(200));
            let now = self.resident_kib();
            if now < least {
                (least, since) = (now, Instant::now());
            }
        }
        start.elapsed().as_secs_f64()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which its clients then noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
