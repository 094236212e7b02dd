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
mod server;

use std::time::{Duration, Instant};

use client::ask;
use server::Server;

/// Hooli's published sandbox key.
const KEY: &str = "yVg3LEnF08y0MDmpHcPxB+sZWFcDARmPRKdY2M906ng=";

/// When worlds that nobody uses are asleep for certain; what is measured meanwhile is whether memory still changes.
const PATIENCE: Duration = Duration::from_mins(2);

fn main() {
    let count = if std::env::args().any(|argument| argument == "--quick") { 100 } else { 1000 };
    let mut server = Server::understudy(&[]);
    // The first world finds everything cold.
    server.create("warm");
    server.issue("warm");
    let launched = server.memory_kib();

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

impl Server {
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

    fn memory_kib(&self) -> f64 {
        self.resident_kib().expect("this is Linux") as f64
    }

    fn each(&self, before: f64, count: usize) -> f64 {
        (self.memory_kib() - before) / count as f64
    }

    /// Waits until memory has not shrunk for a while; says how many seconds it took.
    fn wait_until_memory_rests(&mut self) -> f64 {
        let start = Instant::now();
        let (mut least, mut since) = (self.memory_kib(), Instant::now());
        while since.elapsed() < Duration::from_secs(10) && start.elapsed() < PATIENCE {
            // Nothing is asked of the server meanwhile, for that would keep a world awake.
            std::thread::sleep(Duration::from_millis(200));
            let now = self.memory_kib();
            if now < least {
                (least, since) = (now, Instant::now());
            }
        }
        start.elapsed().as_secs_f64()
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
