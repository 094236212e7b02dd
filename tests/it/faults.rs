//! Fault rules at work: what clients of the providers get.

mod coverage;
mod wire;

use std::io::ErrorKind;

use serde_json::{Value, json};
use understudy::world::faults::{Connection, RateLimit, Respond, Rule, When};
use understudy::{Understudy, WorldHandle};

use crate::client::{Client, Response};
use crate::control::KEY;
use crate::harness::{builder, contract};
use crate::raw::Raw;

/// Work that leaves a trace, and how to count the traces: in two providers.
struct Deed {
    slug: &'static str,
    headers: &'static [(&'static str, &'static str)],
    path: &'static str,
    body: fn() -> Value,
    /// Where traces are read.
    traces: &'static str,
    count: fn(&Response) -> usize,
}

const DEEDS: [Deed; 2] = [
    Deed {
        slug: "verified",
        headers: &[("authorization", "Bearer yVg3LEnF08y0MDmpHcPxB+sZWFcDARmPRKdY2M906ng=")],
        path: "/credentials",
        body: || json!({"email": "a@example.com", "credentials": [{"type": "EmailCredential", "data": {"email": "a@example.com"}}]}),
        traces: "/userCredentials/a%40example.com",
        count: |answer| if answer.status == 404 { 0 } else { answer.json()["credentials"].as_array().map_or(0, Vec::len) },
    },
    Deed {
        slug: "publicmint",
        headers: &[("apikey", "pmSandboxAppA0000000000000000001")],
        path: "/identities",
        body: || {
            json!({
                "address": {"city": "Braga", "country": "PT", "postalCode": "4444-333", "state": "Braga", "street": "Avenida"},
                "birthday": "2000-11-11", "documents": [], "faceImages": [], "email": "maria@example.com", "gender": "Female",
                "name": "Maria Soares", "phone": {"number": "910000001", "sms": false},
                "tax": {"country": "PT", "idNumber": "211111111", "state": "Braga"}, "type": "person"
            })
        },
        traces: "/identities",
        count: |answer| {
            let is_maria = |identity: &&Value| identity["email"] == "maria@example.com";
            answer.json()["data"].as_array().unwrap().iter().filter(is_maria).count()
        },
    },
];

impl Deed {
    fn client(&self, world: &WorldHandle) -> Client {
        let client = Client::new(world.provider_url(self.slug)).with_contract(&contract(self.slug));
        self.headers.iter().fold(client, |client, (name, value)| client.header(name, value))
    }

    /// How often it was done.
    async fn traces(&self, world: &WorldHandle) -> usize {
        (self.count)(&self.client(world).get(self.traces).await)
    }

    /// Its request, byte by byte.
    fn bytes(&self) -> String {
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
        let body = (self.body)().to_string();
        format!(
            "POST /{}{} HTTP/1.1\r\nhost: localhost\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.slug,
            self.path,
            body.len()
        )
    }

    fn rule(&self) -> Rule {
        Rule { provider: Some(self.slug.to_owned()), method: Some("POST".to_owned()), ..Rule::default() }
    }
}

fn start() -> Understudy {
    builder().start().expect("the server starts")
}

/// Waits until a rule has struck so often. Each look is a request, so that the server gets to its work.
async fn until_hits(world: &WorldHandle, id: u64, hits: u64) {
    let control = Client::new(world.control_url());
    while world.fault_hits(id) < Some(hits) {
        assert_eq!(control.get("/health").await.status, 200);
    }
}

/// Whether nothing came in yet on a connection, which is open.
fn is_waiting(raw: &Raw) -> bool {
    raw.stream.set_nonblocking(true).unwrap();
    let peeked = raw.stream.peek(&mut [0]);
    raw.stream.set_nonblocking(false).unwrap();
    matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

#[tokio::test]
async fn an_answer_of_a_rule_comes_instead_of_the_work() {
    let understudy = start();
    for deed in &DEEDS {
        let answer = Respond {
            status: 503,
            headers: serde_json::from_value(json!({"x-one": "1", "x-two": ["a", "b"], "retry-after": "7"})).unwrap(),
            body: Some(json!({"down": [true]})),
        };
        let id = understudy.fault(Rule { respond: Some(answer), times: Some(1), ..deed.rule() }).unwrap();
        let client = deed.client(&understudy);
        let struck = client.without_contract().post(deed.path, (deed.body)()).await;
        assert_eq!((struck.status.as_u16(), struck.text()), (503, "{\"down\":[true]}"), "{}", deed.slug);
        assert_eq!((struck.header("x-one"), struck.header("retry-after")), ("1", "7"));
        assert_eq!(struck.headers.get_all("x-two").iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(struck.header("content-type"), "application/json; charset=utf-8", "{}", deed.slug);
        assert_eq!(struck.header("date"), "Thu, 01 Jan 2026 00:00:00 GMT", "of the world's clock");
        assert_eq!((deed.traces(&understudy).await, understudy.fault_hits(id)), (0, Some(1)), "{}", deed.slug);
        assert!(client.post(deed.path, (deed.body)()).await.status.is_success(), "{}", deed.slug);
        assert_eq!(deed.traces(&understudy).await, 1, "{}", deed.slug);
    }
}

#[tokio::test]
async fn an_answer_carries_what_every_answer_of_the_provider_carries_unless_the_rule_says_otherwise() {
    let understudy = start();
    let client = Client::new(understudy.provider_url("verified")).bearer(KEY);
    let usual = client.get("/schema").header("origin", "https://app.example").await;
    let of = |headers: Value, body: Value| {
        let respond = Respond { status: 200, headers: serde_json::from_value(headers).unwrap(), body: Some(body) };
        understudy.clear_faults();
        understudy.fault(Rule { respond: Some(respond), ..Rule::default() }).unwrap();
    };
    of(json!({}), json!("some text"));
    let text = client.get("/schema").header("origin", "https://app.example").await;
    assert_eq!((text.text(), text.header("content-type")), ("some text", "text/plain; charset=utf-8"));
    assert_eq!(text.header("access-control-allow-origin"), usual.header("access-control-allow-origin"));
    of(json!({"Content-Type": "text/html", "access-control-allow-origin": "https://other.example"}), json!("<p>down</p>"));
    let page = client.get("/schema").header("origin", "https://app.example").await;
    assert_eq!((page.header("content-type"), page.header("access-control-allow-origin")), ("text/html", "https://other.example"));
    assert_eq!(page.headers.get_all("content-type").iter().count(), 1);
    of(json!({}), Value::Null);
    let empty = client.get("/schema").await;
    assert_eq!((empty.status.as_u16(), empty.body.len(), empty.headers.get("content-type")), (200, 0, None));
    let head = client.call(http::Method::HEAD, "/schema").await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (200, "0"));
}

#[tokio::test]
async fn a_rate_limit_answers_as_the_provider_would() {
    let understudy = start();
    for (slug, path, expected) in [
        ("verified", "/schema", json!({"error": "Request blocked by firewall", "message": "Too many requests"})),
        ("5n", "/api/v1/institutions/me/users", json!({"error": "RATE_LIMIT", "message": "Rate limit exceeded", "details": {}})),
        ("identus", "/api/v1/public", json!({"data": null, "status": 429, "message": "Too Many Requests"})),
        (
            "1kosmos",
            "/idproofingapi/proofingtemplates/x",
            json!({"statusCode": 429, "error": "Too Many Requests", "code": 429, "message": "Too Many Requests"}),
        ),
        ("publicmint", "/identities", json!({"message": "API rate limit exceeded"})),
    ] {
        let limit = RateLimit { requests: 2, per: "PT1M".to_owned() };
        understudy.fault(Rule { provider: Some(slug.to_owned()), rate_limit: Some(limit), ..Rule::default() }).unwrap();
        let client = Client::new(understudy.provider_url(slug));
        let usual = client.get(path).await.status;
        assert_eq!(client.get(path).await.status, usual, "{slug}");
        understudy.advance(chrono::TimeDelta::milliseconds(17_500)).unwrap();
        let refused = client.get(path).await;
        assert_eq!((refused.status.as_u16(), refused.json()), (429, expected), "{slug}");
        assert_eq!(refused.header("retry-after"), "43", "{slug}: rounded up");
        if slug == "5n" {
            assert_eq!((refused.header("x-ratelimit-limit"), refused.header("x-ratelimit-reset")), ("2", "43"));
        }
        understudy.advance(chrono::TimeDelta::milliseconds(42_500)).unwrap();
        assert_eq!(client.get(path).await.status, usual, "{slug}: a new window");
    }
}

#[tokio::test]
async fn a_rate_limit_of_an_object_store_is_the_stores() {
    let understudy = start();
    let limit = RateLimit { requests: 0, per: "PT1M".to_owned() };
    understudy.fault(Rule { rate_limit: Some(limit), ..Rule::default() }).unwrap();
    for (slug, path) in [("publicmint", "/_s3/bucket/x"), ("1kosmos", "/_bucket/x/y")] {
        let refused = Client::new(understudy.provider_url(slug)).get(path).await;
        assert_eq!(refused.status, 503, "{slug}");
        assert!(
            refused.text().ends_with("<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>")
        );
    }
}

#[tokio::test]
async fn a_delay_holds_nobody_but_its_own_request() {
    for when in [When::Before, When::After] {
        for deed in &DEEDS {
            let understudy = start();
            let rule = Rule { delay_ms: Some(600_000), when: Some(when), ..deed.rule() };
            let id = understudy.fault(rule).unwrap();
            let mut raw = Raw::connect(understudy.addresses()[0]);
            raw.send(deed.bytes());
            until_hits(&understudy, id, 1).await;
            let done = usize::from(when == When::After);
            assert_eq!(deed.traces(&understudy).await, done, "{} {when:?}: others are answered meanwhile", deed.slug);
            understudy.advance(chrono::TimeDelta::hours(1)).unwrap();
            assert!(is_waiting(&raw), "{} {when:?}: the world's clock has nothing to do with it", deed.slug);
            // A server that stops waits no longer.
            drop(understudy);
            let answer = raw.answer();
            assert!((200..300).contains(&answer.status), "{} {when:?}: {}", deed.slug, answer.text());
        }
    }
}

#[tokio::test]
async fn chance_disturbs_no_other_draw_and_follows_the_seed() {
    // Ids of what is issued, and which requests were struck.
    async fn session(seed: u64, rule: Option<Rule>) -> (Vec<String>, Vec<bool>) {
        let understudy = builder().seed(seed).only(["verified"]).start().unwrap();
        let id = rule.map(|rule| understudy.fault(rule).unwrap());
        let client = DEEDS[0].client(&understudy);
        let (mut ids, mut struck, mut hits) = (Vec::new(), Vec::new(), 0);
        for _ in 0..40 {
            let answer = client.post("/credentials", (DEEDS[0].body)()).await.json();
            ids.push(answer["credentials"][0]["id"].as_str().unwrap().to_owned());
            let now = id.and_then(|id| understudy.fault_hits(id)).unwrap_or(0);
            struck.push(now > hits);
            hits = now;
        }
        (ids, struck)
    }
    let rule = || Some(Rule { chance: Some(0.5), delay_ms: Some(1), ..Rule::default() });
    let (ids, struck) = session(7, rule()).await;
    assert_eq!(session(7, None).await.0, ids, "the rule changes no id");
    assert_eq!(session(7, rule()).await, (ids, struck.clone()), "the same seed, the same faults");
    assert_ne!(session(8, rule()).await.1, struck, "another seed, others");
    assert!(struck.contains(&true) && struck.contains(&false));
}

#[tokio::test]
async fn rules_follow_one_another() {
    let understudy = start();
    let client = Client::new(understudy.provider_url("verified")).bearer(KEY);
    for status in [500, 502, 503] {
        let respond = Respond { status, headers: std::collections::BTreeMap::new(), body: None };
        understudy.fault(Rule { respond: Some(respond), times: Some(1), ..Rule::default() }).unwrap();
    }
    for expected in [500, 502, 503, 200] {
        assert_eq!(client.get("/schema").await.status, expected);
    }
}

#[tokio::test]
async fn a_path_rule_is_about_the_path_below_the_providers_base_wherever_it_is_called() {
    let understudy = builder().listen("verified", 0).start().unwrap();
    let world = understudy.create_world(understudy::worlds::Spec { name: Some("w".to_owned()), ..Default::default() }).unwrap();
    for world in [&*understudy, &world] {
        let respond = Respond { status: 418, headers: std::collections::BTreeMap::new(), body: None };
        let rule = Rule { path: Some("/sch*".to_owned()), respond: Some(respond), ..Rule::default() };
        world.fault(rule).unwrap();
    }
    let port = understudy.addresses()[1];
    for (url, expected) in [
        (format!("{}/verified/schema", understudy.url()), 418),
        (format!("{}/~w/verified/schema?a=b", understudy.url()), 418),
        (format!("http://{port}/schema"), 418),
        (format!("http://{port}/verified/schema"), 404),
        (format!("{}/5n/schema", understudy.url()), 418),
        (format!("{}/5n/other/schema", understudy.url()), 404),
    ] {
        let answer = Client::new("").bearer(KEY).get(&url).await;
        assert_eq!(answer.status, expected, "{url}");
    }
}

#[tokio::test]
async fn connection_faults_need_no_route() {
    let understudy = start();
    understudy.fault(Rule { connection: Some(Connection::Reset), ..Rule::default() }).unwrap();
    let client = Client::new(understudy.url());
    for path in ["/verified/nothing", "/5n/wallet", "/1kosmos/x", "/identus/", "/publicmint/x"] {
        assert!(client.get(path).attempt().await.is_err(), "{path}");
    }
    assert_eq!(client.get("/nothing").await.status, 404, "what leads to no provider is not struck");
}
