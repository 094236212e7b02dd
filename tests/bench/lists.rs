//! What lists of 5N ID cost with 100,000 users, beside the same with 100.
//!
//! `cargo bench --bench lists` prints it; `-- --quick` measures 20,000 for a shorter time.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring program prints, measures real time, and ends when something is wrong"
)]

mod client;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use client::{ask, throughput};
use serde_json::{Value, json};
use tempfile::TempDir;
use understudy::Understudy;

const FEW: usize = 100;

/// What is asked: a name, a path below `/5n/api/v1/institutions/me`, and the total that it must find among so many users.
type Question = (&'static str, &'static str, fn(usize) -> usize);

const QUESTIONS: [Question; 9] = [
    ("users, page 1", "/users", |users| users),
    ("users, page 1 by name", "/users?orderBy=fullName&orderType=ASC", |users| users),
    ("users, pending", "/users?reqStatus=PENDING", |users| users / 100),
    ("users, search for one", "/users?search=user42%40", |_| 1),
    ("users, search for a word", "/users?search=ger-42-", |_| 1),
    ("users, search and filter", "/users?search=user42%40&reqStatus=APPROVED", |_| 1),
    ("credentials, page 1", "/credentials", |users| users - users / 100),
    ("credentials of one", "/credentials?emails=user42%40many.example.com", |_| 1),
    ("human scores, page 1", "/human-scores", |users| users - users / 100),
];

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (many, rounds, round) =
        if quick { (20_000, 3, Duration::from_millis(200)) } else { (100_000, 7, Duration::from_millis(700)) };
    let (few_server, many_server) = (Server::with(FEW), Server::with(many));
    println!("{:<28} {:>12} {:>14} {:>8}", "answers a second", format!("{FEW} users"), format!("{many} users"), "ratio");
    for (name, path, total) in QUESTIONS {
        few_server.check(path, total(FEW));
        many_server.check(path, total(many));
        let (mut few_rates, mut many_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..=rounds {
            let few_rate = few_server.rate(path, round);
            let many_rate = many_server.rate(path, round);
            // The first round warms up.
            if number > 0 {
                few_rates.push(few_rate);
                many_rates.push(many_rate);
                ratios.push(many_rate / few_rate);
            }
        }
        println!("{name:<28} {:>12.0} {:>14.0} {:>8.2}", median(&mut few_rates), median(&mut many_rates), median(&mut ratios));
    }
}

/// A server whose sandbox institution has asked a number of users, with an access token.
struct Server {
    address: SocketAddr,
    token: String,
    _understudy: Understudy,
    _fixture: TempDir,
}

impl Server {
    fn with(users: usize) -> Self {
        let fixture = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(fixture.path().join("5n.json"), fixture_of(users).to_string()).expect("a writable folder");
        let start = Instant::now();
        let understudy = Understudy::builder().only(["5n"]).fixtures(fixture.path()).start().expect("the server starts");
        println!("{users} users loaded in {:.1} s", start.elapsed().as_secs_f64());
        let address = understudy.addresses()[0];
        let form = "grant_type=client_credentials&client_id=bench&client_secret=bench";
        let answer = ask(address, request("POST", "/5n/oauth/token", "", form).as_bytes());
        let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
        let token = body["access_token"].as_str().expect("a token").to_owned();
        Self { address, token, _understudy: understudy, _fixture: fixture }
    }

    fn request(&self, path: &str) -> String {
        request("GET", &format!("/5n/api/v1/institutions/me{path}"), &self.token, "")
    }

    fn check(&self, path: &str, total: usize) {
        let answer = ask(self.address, self.request(path).as_bytes());
        assert_eq!(answer.status, 200, "{path}");
        let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(body["pagination"]["total"], total, "{path}: {body}");
    }

    fn rate(&self, path: &str, time: Duration) -> f64 {
        throughput(self.address, self.request(path).as_bytes(), 200, 1, time)
    }
}

fn request(method: &str, path: &str, token: &str, form: &str) -> String {
    let (kind, length) = ("application/x-www-form-urlencoded", form.len());
    format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{form}"
    )
}

/// One request for each user: every hundredth pending, the others approved.
fn fixture_of(users: usize) -> Value {
    let (mut people, mut credentials, mut requests) = (Vec::new(), Vec::new(), Vec::new());
    for id in 1..=users {
        let email = format!("user{id}@many.example.com");
        people.push(json!({"id": id, "firstName": format!("Given{id}"), "lastName": format!("Bolger-{id}-"), "email": email,
            "partyId": format!("party::{id:032x}::1220{id:064x}"), "status": "ACTIVE", "registeredDaysAgo": id % 300,
            "accounts": [{"provider": "GITHUB", "ageInDays": id % 4000, "providerId": id.to_string(), "email": email,
                "metrics": {"githubRepos": id % 90}}]}));
        credentials
            .push(json!({"contractId": format!("00{id:064x}"), "user": id, "provider": "GITHUB", "issuedDaysAgo": id % 300}));
        let state = if id % 100 == 0 { "PENDING" } else { "APPROVED" };
        requests.push(json!({"id": id, "institution": 1, "user": id, "kycProvider": "GITHUB", "reqStatus": state,
            "createdDaysAgo": id % 200, "proposalId": format!("proposal{id}")}));
    }
    json!({
        "institutions": [{"id": 1, "name": "Bench"}],
        "clients": [{"clientId": "bench", "clientSecret": "bench", "institution": 1,
            "serviceAccountId": "5f0b7a44-2f35-4c36-9d0e-3a0b3f6f1c01"}],
        "users": people, "credentials": credentials, "requests": requests
    })
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
