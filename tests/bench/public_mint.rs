//! What lists of Public Mint identities cost when there are many: `cargo bench --bench public_mint` prints, for each filter and order,
//! the time of one answer with a hundred thousand identities. `-- --quick` does the same with ten thousand.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring program prints, measures real time, and ends when something is wrong"
)]

mod client;

use std::time::{Duration, Instant};

use client::{ask, throughput};
use serde_json::{Value, json};
use understudy::Understudy;

/// App A's key.
const KEY: &str = "pmSandboxAppA0000000000000000001";

/// What is asked, and how long one answer may take, in milliseconds.
const QUERIES: &[(&str, &str, f64)] = &[
    ("newest", "", 30.0),
    ("first updated", "?sort=updatedAt", 30.0),
    ("both times", "?sort=-createdAt,updatedAt", 30.0),
    ("a page far back", "?page[number]=3000", 100.0),
    ("by id", "?filter[id]=in:00000000-0000-4000-8000-000000000001,00000000-0000-4000-8000-000000000002", 2.0),
    ("by address", "?filter[email]=person77@example.com", 2.0),
    ("by part of an address", "?filter[email]=like:person777", 100.0),
    ("by part of an address that nobody has", "?filter[email]=like:nobody", 100.0),
    ("by name", "?filter[name]=Person%2077", 2.0),
    ("by owner", "?filter[identityOwner]=85ba7735-a1ee-4b33-aca4-b8ec4d448e9e", 2.0),
    ("by type", "?filter[type]=company", 100.0),
    ("by rating", "?filter[riskRating]=nin:low,medium", 100.0),
    ("blocked", "?filter[blocked]=true", 100.0),
];

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let count = if quick { 10_000 } else { 100_000 };
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("publicmint.json"), fixture(count).to_string()).expect("the fixture is written");
    let start = Instant::now();
    let many = Understudy::builder().only(["publicmint"]).fixtures(folder.path()).start().expect("the server starts");
    println!("{count} identities were read in {:.1} s", start.elapsed().as_secs_f64());
    let few = Understudy::builder().only(["publicmint"]).start().expect("the server starts");
    let time = Duration::from_millis(if quick { 200 } else { 500 });
    println!("{:<40} {:>10} {:>10}", "one answer, in milliseconds", "with 7", "with many");
    for (name, query, limit) in QUERIES {
        let request = get(&format!("/publicmint/identities{query}"));
        let [with_few, with_many] = [&few, &many].map(|server| {
            let answer = ask(server.addresses()[0], &request);
            assert_eq!(answer.status, 200, "{name}: {}", String::from_utf8_lossy(&answer.body));
            1e3 / throughput(server.addresses()[0], &request, 200, 1, time)
        });
        println!("{name:<40} {with_few:>10.2} {with_many:>10.2}   (target: at most {limit})");
    }
    let created = Instant::now();
    let rounds = 1000;
    for number in 0..rounds {
        assert_eq!(ask(many.addresses()[0], &post(number)).status, 200);
    }
    println!("{:<40} {:>10} {:>10.2}", "creating one", "", created.elapsed().as_secs_f64() * 1e3 / f64::from(rounds));
}

/// The built-in fixture with `count` more persons of app A.
fn fixture(count: u32) -> Value {
    let mut fixture: Value = serde_json::from_str(include_str!("../../fixtures/publicmint.json")).expect("it is JSON");
    let model = fixture["identities"][1].clone();
    let identities = fixture["identities"].as_array_mut().expect("a list");
    for number in 0..count {
        let mut one = model.clone();
        let id = |kind: u32| format!("{number:08x}-0000-4000-8000-{kind:012x}");
        let at = format!(
            "2025-{:02}-{:02}T{:02}:{:02}:00.{:03}Z",
            1 + number % 12,
            1 + number % 28,
            number % 24,
            number % 60,
            number % 1000
        );
        one["verificationIds"]["PrimeTrust"] = json!(id(1));
        one["riskRating"] = json!(["low", "medium", "high"][number as usize % 3]);
        let identity = &mut one["identity"];
        identity["id"] = json!(id(2));
        identity["email"] = json!(format!("person{number}@example.com"));
        identity["name"] = json!(format!("Person {number}"));
        identity["blocked"] = json!(number % 50 == 0);
        identity["createdAt"] = json!(at);
        identity["updatedAt"] = json!(at);
        identity["documents"][0]["id"] = json!(id(3));
        identities.push(one);
    }
    fixture
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\napikey: {KEY}\r\n\r\n").into_bytes()
}

fn post(number: i32) -> Vec<u8> {
    let body = json!({
        "address": {"city": "Braga", "country": "PT", "postalCode": "4444-333", "street": "Avenida D. João I, 40"},
        "birthday": "2000-11-11",
        "email": format!("new{number}@example.com"),
        "gender": "Female",
        "name": "New",
        "phone": {"number": "910000001"},
        "tax": {"country": "PT", "idNumber": "211111111"}
    })
    .to_string();
    let head = format!(
        "POST /publicmint/identities HTTP/1.1\r\nhost: localhost\r\napikey: {KEY}\r\ncontent-type: application/json\r\ncontent-length: {}",
        body.len()
    );
    format!("{head}\r\n\r\n{body}").into_bytes()
}
