//! The control API: what all calls have in common, health, info and contracts. A module a noun for the rest.

mod clock;
mod events;
mod faults;
mod har;
mod outbox;
mod requests;
mod safety;
mod scenarios;
mod settings;
mod simulations;
mod snapshots;
mod worlds;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use understudy::control::Control;
use understudy::{Builder, Understudy, WorldHandle};

use crate::client::{Client, Response};
use crate::harness::{Api, builder, contract};

/// The API key of Hooli, a brand of the fixtures.
pub(crate) const KEY: &str = "yVg3LEnF08y0MDmpHcPxB+sZWFcDARmPRKdY2M906ng=";

/// A phone number of the fixtures with mock data.
pub(crate) const PHONE: &str = "+10123456789";

/// A server with a client of its control API, checked against the API's own document.
pub(crate) struct Controlled {
    pub(crate) understudy: Understudy,
    pub(crate) control: Client,
    /// A client of Verified with Hooli's key.
    pub(crate) verified: Client,
}

impl Controlled {
    pub(crate) fn start() -> Self {
        Self::with(builder().only(["verified"]))
    }

    pub(crate) fn with(builder: Builder) -> Self {
        let Api { understudy, client } = Api::with("verified", builder);
        let control = control_of(&understudy);
        Self { understudy, control, verified: client.bearer(KEY) }
    }

    /// Clients of another world: of its control API, and of Verified there.
    pub(crate) fn of(&self, world: &str) -> (Client, Client) {
        let url = format!("{}/~{world}", self.understudy.url());
        let control = Client::new(format!("{url}/_understudy")).with_contract(&contract("control"));
        let verified = Client::new(format!("{url}/verified")).with_contract(&contract("verified")).bearer(KEY);
        (control, verified)
    }
}

/// A client of a world's control API.
pub(crate) fn control_of(world: &WorldHandle) -> Client {
    Client::new(world.control_url()).with_contract(&contract("control"))
}

/// Has Verified send a code to [`PHONE`]; returns the address of the wallet.
pub(crate) async fn start_flow(verified: &Client) -> String {
    let made = verified.post("/1-click", json!({"phone": PHONE})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    made.json()["url"].as_str().unwrap().to_owned()
}

/// Issues a credential; returns the answer.
pub(crate) async fn issue(verified: &Client, email: &str) -> Response {
    let body = json!({"email": email, "credentials": [{"type": "EmailCredential", "data": {"email": email}}]});
    let made = verified.post("/credentials", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    made
}

/// The id of the credential in an answer of [`issue`].
pub(crate) fn issued_id(answer: &Response) -> String {
    answer.json()["credentials"][0]["id"].as_str().unwrap().to_owned()
}

/// The detail of a problem, which is what the status says and nothing else.
#[track_caller]
pub(crate) fn detail(answer: &Response, status: StatusCode, case: &str) -> String {
    assert_eq!(answer.status, status, "{case}: {}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json", "{case}");
    let problem = answer.json();
    assert_eq!(problem["status"], status.as_u16(), "{case}");
    assert_eq!(problem["title"], status.canonical_reason().unwrap(), "{case}");
    problem["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn health_says_that_the_server_can_serve_whatever_the_world() {
    let server = Controlled::start();
    for path in ["/_understudy/health", "/~nobody/_understudy/health"] {
        let answer = Client::new(server.understudy.url()).get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let health = answer.json();
        assert_eq!(health["status"], "ok", "{path}");
        assert_eq!(health["version"], env!("CARGO_PKG_VERSION"), "{path}");
        assert_eq!(health["faults"], 0, "{path}");
        assert!(health["uptime_ms"].as_i64().unwrap() < 60_000, "{path}");
    }
}

#[tokio::test]
async fn info_says_what_a_client_needs() {
    let server = Controlled::start();
    let info = server.control.get("/info").await.json();
    assert_eq!(info["world"], "default");
    assert_eq!(info["seed"], 7);
    assert_eq!(info["clock"]["now"], "2026-01-01T00:00:00.000Z");
    assert_eq!(info["clock"]["mode"], "frozen");
    let verified = info["providers"].as_array().unwrap().iter().find(|one| one["slug"] == "verified").unwrap();
    let base = server.understudy.provider_url("verified");
    assert_eq!(verified["base_url"], base);
    let variable = |name: &str| {
        let all = verified["environment"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name} is not in {all:?}"))["value"].clone()
    };
    assert_eq!(variable("VERIFIED_API_URL"), base);
    assert_eq!(variable("VERIFIED_API_KEY"), KEY);
    let operations = verified["operations"].as_array().unwrap();
    assert!(operations.contains(&json!({"method": "GET", "path": "/credentials/{id}", "id": "getCredential"})), "{operations:?}");

    // The key works where it says.
    let listed = Client::new(verified["base_url"].as_str().unwrap()).bearer(variable("VERIFIED_API_KEY").as_str().unwrap());
    assert_eq!(listed.get("/userCredentials/richard%40piedpiper.net").await.status, StatusCode::OK);
    // And so does the address of the contract.
    let document = Client::new("").get(verified["openapi"].as_str().unwrap()).await;
    assert_eq!(document.json()["servers"][0]["url"], base);
}

#[tokio::test]
async fn info_speaks_of_the_world_in_the_address() {
    let server = Controlled::start();
    server.control.post("/worlds", json!({"name": "w", "seed": 8})).await;
    let (control, _) = server.of("w");
    let info = control.get("/info").await.json();
    assert_eq!((&info["world"], &info["seed"]), (&json!("w"), &json!(8)));
    assert_eq!(info["providers"][0]["base_url"], format!("{}/~w/verified", server.understudy.url()));
    assert_eq!(info["providers"][0]["environment"][0]["value"], format!("{}/~w/verified", server.understudy.url()));
}

#[tokio::test]
async fn contracts_name_the_address_of_the_caller_as_their_server() {
    let server = Controlled::start();
    server.understudy.create_world(understudy::worlds::Spec { name: Some("w".to_owned()), ..Default::default() }).unwrap();
    let port = server.understudy.addresses()[0].port();
    for (base, file, expected) in [
        (format!("http://127.0.0.1:{port}"), "verified.json", format!("http://127.0.0.1:{port}/verified")),
        (format!("http://localhost:{port}"), "verified.json", format!("http://localhost:{port}/verified")),
        (format!("http://127.0.0.1:{port}/~w"), "verified.json", format!("http://127.0.0.1:{port}/~w/verified")),
        (format!("http://127.0.0.1:{port}"), "control.json", format!("http://127.0.0.1:{port}/_understudy")),
        (format!("http://127.0.0.1:{port}/~w"), "control.json", format!("http://127.0.0.1:{port}/~w/_understudy")),
    ] {
        let client = Client::new(format!("{base}/_understudy")).with_contract(&contract("control"));
        let mut document = client.get(&format!("/openapi/{file}")).await.json();
        assert_eq!(document["servers"], json!([{"url": expected}]), "{base} {file}");
        let slug = file.strip_suffix(".json").unwrap();
        let mut original = crate::harness::document(slug);
        original.as_object_mut().unwrap().remove("servers");
        document.as_object_mut().unwrap().remove("servers");
        assert_eq!(document, original, "{base} {file}: all but the server is as it is in the source");
    }
    let unknown = server.control.get("/openapi/nobody.json").await;
    let detail = detail(&unknown, StatusCode::NOT_FOUND, "nobody.json");
    assert_eq!(detail.split("; ").next(), Some("there is no provider \"nobody\""));
}

#[tokio::test]
async fn an_unknown_world_is_a_404_that_says_how_to_make_it() {
    let server = Controlled::start();
    let (control, _) = server.of("nobody");
    for (_, method, path) in calls() {
        if matches!(path.as_str(), "/health" | "/openapi/control.json" | "/worlds" | "/worlds/default" | "/simulations") {
            continue; // these speak of the server, not of a world
        }
        let body: Value = if path == "/clock/advance" { json!({"by": "PT1S"}) } else { json!({}) };
        let answer = control.call(method.clone(), &path).body(body).await;
        let case = format!("{method} {path}");
        let detail = detail(&answer, StatusCode::NOT_FOUND, &case);
        assert_eq!(
            detail, r#"there is no world named "nobody"; create it with POST /_understudy/worlds {"name":"nobody"}"#,
            "{case}"
        );
    }
}

/// A right path for each operation, with its id and method.
fn calls() -> Vec<(&'static str, Method, String)> {
    let fill = |path: &str, id: &str| {
        let path = path.replace("{file}", "control.json").replace("{provider}", "verified").replace("{id}", "1");
        path.replace("{name}", if id == "runSimulation" { "wipe" } else { "default" })
    };
    Control::operations().map(|(method, path, id)| (id, method.clone(), fill(path, id))).collect()
}

#[tokio::test]
async fn an_unknown_call_is_a_404_that_lists_the_calls() {
    let server = Controlled::start();
    let answer = server.control.get("/nothing").await;
    let detail = detail(&answer, StatusCode::NOT_FOUND, "/nothing");
    let (what, known) = detail.split_once("; it has ").unwrap();
    assert_eq!(what, "the control API has no /nothing");
    let mut expected: Vec<&str> = Control::operations().map(|(_, path, _)| path).collect();
    expected.sort_unstable();
    expected.dedup();
    let mut known: Vec<&str> = known.split(", ").collect();
    known.sort_unstable();
    assert_eq!(known, expected, "each path once");
}

#[tokio::test]
async fn a_parameter_that_a_call_does_not_have_is_a_400_and_nothing_is_done() {
    let server = Controlled::start();
    let before = server.understudy.database().unwrap();
    let document = crate::harness::document("control");
    for (id, method, path) in calls() {
        let answer = server.control.call(method.clone(), &format!("{path}?tto=x")).await;
        let case = format!("{method} {path}");
        if id == "getHealth" {
            assert_eq!(answer.status, StatusCode::OK, "probes and redirects bring their own");
            continue;
        }
        let unknown = detail(&answer, StatusCode::BAD_REQUEST, &case);
        let wordings = ["tto: unknown parameter; this call knows ", "there is no parameter \"tto\"; "];
        assert!(wordings.iter().any(|wording| unknown.starts_with(wording)), "{case}: {unknown}");

        let operations = document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
        let operation = operations.into_iter().find(|operation| operation["operationId"] == id).unwrap();
        let parameters = operation["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "query");
        for name in parameters.map(|parameter| parameter["name"].as_str().unwrap()) {
            let known = unknown.contains(name) || (name, id) == ("loosely", "listRequests");
            assert!(known, "{case}: {name} is documented, but: {unknown}");
        }
    }
    assert_eq!(server.understudy.database().unwrap(), before);
}

#[tokio::test]
async fn a_call_with_another_method_is_a_405_that_says_which_are_allowed() {
    let server = Controlled::start();
    for (path, allowed) in [
        ("/health", "GET, HEAD"),
        ("/worlds", "GET, HEAD, POST"),
        ("/worlds/default", "DELETE, GET, HEAD"),
        ("/reset", "POST"),
        ("/clock", "GET, HEAD, PUT"),
        ("/clock/advance", "POST"),
        ("/settings/verified", "GET, HEAD, PUT"),
    ] {
        let answer = server.control.patch(path, ()).await;
        detail(&answer, StatusCode::METHOD_NOT_ALLOWED, path);
        assert_eq!(answer.header("allow"), allowed, "PATCH {path}");
        let options = server.control.call(Method::OPTIONS, path).await;
        assert_eq!((options.status, options.header("allow")), (StatusCode::NO_CONTENT, allowed), "OPTIONS {path}");
        assert!(options.body.is_empty(), "OPTIONS {path}");
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_a_call_wants_is_a_400_that_names_the_place() {
    let server = Controlled::start();
    for (method, path, body, expected) in [
        (Method::POST, "/worlds", "{", "malformed JSON: EOF while parsing an object at line 1 column 1"),
        (Method::POST, "/worlds", "{}{}", "malformed JSON: trailing characters at line 1 column 3"),
        (Method::POST, "/worlds", "[]x", "malformed JSON: trailing characters at line 1 column 3"),
        (Method::POST, "/worlds", "\"w\"", "malformed JSON: the body is not a JSON object"),
        (Method::POST, "/worlds", "null", "malformed JSON: the body is not a JSON object"),
        (Method::POST, "/clock/advance", "[\"PT5M\"]", "malformed JSON: the body is not a JSON object"),
        (Method::POST, "/simulations/verified/wipe", "7", "malformed JSON: the body is not a JSON object"),
        (Method::POST, "/worlds", r#"{"nmae":"w"}"#, "nmae: unknown field `nmae`, expected one of `name`"),
        (Method::POST, "/worlds", r#"{"name":7}"#, "name: invalid type: integer `7`"),
        (Method::POST, "/worlds", r#"{"seed":-1}"#, "seed: invalid value: integer `-1`"),
        (Method::POST, "/worlds", r#"{"now":"tomorrow"}"#, "now: "),
        (Method::POST, "/worlds", r#"{"clock":"melted"}"#, "clock: unknown variant `melted`"),
        (Method::POST, "/worlds", r#"{"listen":"yes"}"#, "listen: invalid type"),
        (Method::POST, "/worlds", r#"{"settings":{"verified":7}}"#, "settings.verified: invalid type"),
        (Method::POST, "/reset", r#"{"to":"nothing"}"#, "to: unknown variant `nothing`"),
        (Method::POST, "/reset", r#"{"from":"fixtures"}"#, "from: unknown field `from`, expected `to`"),
        (Method::PUT, "/clock", r#"{"now":1}"#, "now: invalid type"),
        (Method::PUT, "/clock", r#"{"time":"2026-01-01T00:00:00Z"}"#, "time: unknown field `time`"),
        (Method::POST, "/clock/advance", "", ".: missing field `by`"),
        (Method::POST, "/clock/advance", r#"{"by":5}"#, "by: invalid type"),
        (Method::PUT, "/settings/verified", " []", "malformed JSON: the body is not a JSON object"),
        (Method::POST, "/simulations/verified/wipe", "{", "malformed JSON"),
    ] {
        let answer = server.control.call(method.clone(), path).body(body).await;
        let case = format!("{method} {path} {body}");
        let detail = detail(&answer, StatusCode::BAD_REQUEST, &case);
        assert!(detail.starts_with(expected), "{case}: {detail}");
    }
    let worlds = server.control.get("/worlds").await.json();
    assert_eq!(worlds["worlds"].as_array().unwrap().len(), 1, "nothing was made");
}

#[tokio::test]
async fn a_body_over_the_limit_is_a_413() {
    let server = Controlled::start();
    let body = vec![b' '; 32 * 1024 * 1024 + 1];
    let answer = server.control.call(Method::POST, "/worlds").body(body).await;
    assert_eq!(detail(&answer, StatusCode::PAYLOAD_TOO_LARGE, "33554433 bytes"), "body over 33554432 bytes");
    assert_eq!(server.control.get("/health").await.status, StatusCode::OK);
}

#[tokio::test]
async fn only_loopback_names_are_answered() {
    let server = Controlled::start();
    let port = server.understudy.addresses()[0].port();
    for host in ["localhost", "LOCALHOST", "app.localhost", "localhost.", "127.0.0.1", "127.1.2.3", "[::1]"] {
        for host in [host.to_owned(), format!("{host}:{port}"), format!("{host}:1")] {
            let answer = server.control.get("/clock").header("host", &host).await;
            assert_eq!(answer.status, StatusCode::OK, "{host}");
        }
    }
    for host in ["evil.example", "evil.example:11111", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0"] {
        for (_, method, path) in calls() {
            let answer = server.control.call(method.clone(), &path).header("host", host).await;
            let detail = detail(&answer, StatusCode::FORBIDDEN, &format!("{host}: {method} {path}"));
            assert_eq!(detail, "the control API answers loopback names only; use localhost or 127.0.0.1");
        }
    }
}

#[tokio::test]
async fn pages_of_other_sites_are_refused_before_anything_is_done() {
    let server = Controlled::start();
    let own = server.understudy.url();
    let authority = own.strip_prefix("http://").unwrap();
    for (name, value, expected) in [
        ("origin", own.clone(), StatusCode::NO_CONTENT),
        ("origin", "null".to_owned(), StatusCode::FORBIDDEN),
        ("origin", "https://evil.example".to_owned(), StatusCode::FORBIDDEN),
        ("origin", "http://localhost:3000".to_owned(), StatusCode::FORBIDDEN),
        ("origin", format!("{own}.evil.example"), StatusCode::FORBIDDEN),
        ("origin", format!("http://evil@{authority}"), StatusCode::FORBIDDEN),
        ("origin", format!("ftp://{authority}"), StatusCode::FORBIDDEN),
        ("sec-fetch-site", "same-origin".to_owned(), StatusCode::NO_CONTENT),
        ("sec-fetch-site", "none".to_owned(), StatusCode::NO_CONTENT),
        ("sec-fetch-site", "same-site".to_owned(), StatusCode::FORBIDDEN),
        ("sec-fetch-site", "cross-site".to_owned(), StatusCode::FORBIDDEN),
    ] {
        issue(&server.verified, "before@example.com").await;
        let case = format!("{name}: {value}");
        let answer = server.control.call(Method::DELETE, "/requests").header(name, &value).await;
        assert_eq!(answer.status, expected, "{case}");
        let kept = server.control.get("/requests").await.json()["requests"].as_array().unwrap().len();
        assert_eq!(kept == 0, expected.is_success(), "{case}: {kept} are kept");
        if expected == StatusCode::FORBIDDEN {
            let detail = detail(&answer, expected, &case);
            assert_eq!(detail, "the control API refuses requests that a browser sends from another site's page", "{case}");
        }
    }
}

#[tokio::test]
async fn the_page_of_this_server_may_call_whatever_links_are_said_to_begin_with() {
    let server = Controlled::with(builder().external("https", "sandbox.example"));
    let authority = server.understudy.addresses()[0].to_string();
    let control = Client::new(format!("http://{authority}/_understudy")).with_contract(&contract("control"));
    let origin = format!("http://{authority}");
    assert_eq!(control.get("/clock").header("origin", &origin).await.status, StatusCode::OK);
    assert_eq!(control.get("/clock").header("origin", "https://sandbox.example").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let server = Controlled::start();
    for path in ["/worlds", "/outbox", "/settings/verified", "/openapi/control.json", "/nothing"] {
        let get = server.control.get(path).await;
        let head = server.control.call(Method::HEAD, path).await;
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        assert_eq!(head.header("content-length"), get.body.len().to_string(), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
}

#[tokio::test]
async fn a_trailing_slash_makes_no_difference() {
    let server = Controlled::start();
    let bare = server.control.get("/settings/verified").await;
    assert_eq!((bare.status, server.control.get("/settings/verified/").await.body), (StatusCode::OK, bare.body));
}
