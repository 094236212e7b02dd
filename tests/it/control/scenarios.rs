//! The stories that come with the program, and playing them.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use understudy::Understudy;
use understudy::control::access::Token;
use understudy::scenario::Stage;
use understudy::server::tls::Keeper;

use super::{control_of, detail};
use crate::client::Client;
use crate::tls::{ask_with, trusting};

const SECRET: &str = "s3cret-of-a-team";
const RUN: &str = "/scenarios/verified-one-click/run";

/// A server with every provider, and a client of its control API.
fn start() -> (Understudy, Client) {
    let understudy = crate::harness::builder().start().expect("the server starts");
    let control = control_of(&understudy);
    (understudy, control)
}

#[tokio::test]
async fn the_stories_are_listed_as_their_files_say() {
    let (_server, control) = start();
    let listed = control.get("/scenarios").await.json();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    let names: Vec<&str> = listed["scenarios"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, files);
    let (server, _) = start();
    let stage = Stage::of(&server).unwrap();
    for (name, listed) in names.iter().zip(listed["scenarios"].as_array().unwrap()) {
        let story = stage.read_text(name, understudy::scenario::library::text(name).unwrap()).unwrap();
        assert_eq!((&listed["title"], &listed["description"]), (&json!(story.title), &json!(story.description)), "{name}");
    }
    let onboarding = &listed["scenarios"][names.iter().position(|name| *name == "onboarding").unwrap()];
    assert_eq!(onboarding["providers"].as_array().unwrap().len(), 3, "{onboarding}");
    assert!(onboarding["steps"].as_u64().unwrap() > 10, "{onboarding}");
}

#[tokio::test]
async fn a_story_plays_in_a_world_of_its_own() {
    let (server, control) = start();
    let report = control.post("/scenarios/identus-issuance/run", ()).await;
    assert_eq!(report.status, StatusCode::OK);
    let report = report.json();
    let steps = report["steps"].as_array().unwrap();
    assert!(steps.len() > 3 && steps.iter().all(|step| step["outcome"] == "passed"), "{report}");
    assert_eq!(report["passed"], true);
    assert!(report.to_string().contains("\"protocolState\":\"OfferReceived\""), "what was answered is told: {report}");
    assert!(server.world("world-1").is_none(), "it is deleted");
    assert_eq!(server.messages(None).unwrap(), []);

    let kept = control.post("/scenarios/verified-one-click/run", json!({"keep": true, "pace_ms": 1})).await.json();
    let name = kept["world"].as_str().unwrap().rsplit_once("/~").unwrap().1.to_owned();
    assert_eq!(server.world(&name).expect("it is kept").messages(None).unwrap().len(), 1, "{kept}");
}

#[tokio::test]
async fn whoever_was_admitted_has_a_story_played() {
    let server = crate::harness::builder().control_token(Token::new(SECRET).unwrap()).start().unwrap();
    let control = control_of(&server);
    let browser = Client::new(server.url()).with_cookies();
    browser.post("/", [("token", SECRET)]).await;
    for (how, call) in [
        ("a header", control.post(RUN, ()).header("understudy-token", SECRET)),
        ("a bearer, as some write it", control.post(RUN, ()).header("authorization", &format!("bearer {SECRET}"))),
        ("a cookie", browser.post(&format!("/_understudy{RUN}"), ())),
    ] {
        let report = call.await;
        assert_eq!((report.status, &report.json()["passed"]), (StatusCode::OK, &json!(true)), "{how}: {}", report.text());
    }
    assert_eq!(control.post(RUN, ()).header("understudy-token", "wrong").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_token_goes_to_this_server_whatever_the_caller_calls_it() {
    let server = crate::harness::builder().control_token(Token::new(SECRET).unwrap()).start().unwrap();
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let name = elsewhere.local_addr().unwrap().to_string();
    let control = control_of(&server);
    let call = control.post(RUN, json!({"keep": true})).header("understudy-token", SECRET).header("host", &name);
    let report = call.await.json();
    assert_eq!(report["passed"], true, "{report}");
    assert_eq!(report["world"], format!("http://{name}/~world-1"), "as the caller reaches it");
    elsewhere.set_nonblocking(true).unwrap();
    assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody called there");
}

#[tokio::test]
async fn a_story_plays_over_https() {
    let server = crate::harness::builder().tls(Keeper::Memory).control_token(Token::new(SECRET).unwrap()).start().unwrap();
    let client = trusting(server.ca_pem().unwrap(), "h2");
    let path = format!("/_understudy{RUN}");
    let request = (Method::POST, path.as_str(), Value::Null);
    let (status, body) =
        ask_with(("understudy-token", SECRET), server.addresses()[0], "localhost", &client, request).await.unwrap();
    let report: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &report["passed"]), (StatusCode::OK, &json!(true)), "{report}");
    assert!(report.to_string().contains("https://127.0.0.1:"), "its links are the server's: {report}");
}

#[tokio::test]
async fn what_cannot_be_played_is_refused() {
    let (_server, control) = start();
    let unknown = control.post("/scenarios/none/run", ()).await;
    assert!(detail(&unknown, StatusCode::NOT_FOUND, "unknown").starts_with("there is no scenario \"none\"; there are "));
    for (body, said) in [
        (json!({"pace": 1}), "unknown field `pace`"),
        (json!({"pace_ms": 60_001}), "pace_ms: 60001 is no number from 0 to 60000"),
        (json!({"pace_ms": -1}), "pace_ms"),
        (json!({"keep": "yes"}), "keep"),
    ] {
        let answer = control.without_contract().post("/scenarios/verified-one-click/run", &body).await;
        let detail = detail(&answer, StatusCode::BAD_REQUEST, said);
        assert!(detail.contains(said), "{body}: {detail}");
    }
}

#[test]
fn a_server_without_a_storys_provider_says_so() {
    let server = crate::harness::builder().only(["5n"]).start().unwrap();
    let stage = Stage::of(&server).unwrap();
    let text = understudy::scenario::library::text("verified-one-click").unwrap();
    let mistakes = stage.read_text("x", text).unwrap_err();
    assert!(mistakes[0].message.contains("there is no provider `verified`"), "{mistakes:?}");
}
