//! What clients did becomes a scenario that plays again.

use std::io::Read as _;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use understudy::Understudy;
use understudy::scenario::{Failed, Report, Stage};

use super::stories;
use crate::cli::Running;
use crate::raw::request;
use crate::tls::{ask, trusting};

/// Calls of every provider, with what people and faults do in between.
const SESSION: &str = r#"title: A session
auth:
  1kosmos: {keyId: KOSMOS_CLIENT_PUBLIC_KEY, keySecret: KOSMOS_CLIENT_PRIVATE_KEY, license: KOSMOS_LICENSE_KEY}
  5n: {clientBasic: '${FIVE_NORTH_ID_CLIENT_ID}:${FIVE_NORTH_ID_CLIENT_SECRET}'}
  identus: {apikey: IDENTUS_ISSUER_KEY, adminKey: IDENTUS_ADMIN_KEY}
  publicmint: PUBLICMINT_API_KEY
  verified: VERIFIED_API_KEY
steps:
  - request: 1kosmos.fetchSessions
    json: {}
    expect: {status: 400}
  - request: 5n.obtainToken
    path: {realm: 5n-apps}
    form: {grant_type: client_credentials}
    capture: {token: $.access_token}
  - request: 5n.listUsers
    auth: ${token}
  - request: identus.listOffers
  - request: identus.listEntities
  - request: publicmint.listIdentities
  - request: publicmint.listIdentities
    auth: none
    expect: {status: 401}
  - advance: PT1H
  - request: identus.listDids
    capture: {author: "$.data[0].did"}
  - request: identus.createOffer
    json: {connection: "${IDENTUS_CONNECTION}", author: "${author}", validity: 3600, claims: {uid: "12345"}}
    expect: {status: 201}
    capture: {thread: $.data.thid}
  - advance: PT1S
  - request: identus.listOffers
    query: {thid: "${thread}"}
  - request: verified.createOneClick
    json: {phone: "+10123456789", redirectUrl: "https://hooli.example/in"}
    capture: {wallet: $.url}
  - open: ${wallet}
    expect: {status: 200}
  - outbox: {to: "+10123456789"}
    capture: {code: $.code}
  - simulate: verified/consent
    input: {url: "${wallet}", code: "${code}"}
    capture: {uuid: {jsonpath: $.redirectUrl, query: 1ClickUuid}}
  - request: verified.getOneClick
    path: {uuid: "${uuid}"}
  - request: publicmint.createIdentity
    json: {}
    expect: {status: 4xx}
  - settings: {verified: {codes: random}}
  - fault: {provider: verified, times: 1, respond: {status: 503}}
  - request: verified.listSchemas
    expect: {status: 503}
  - fault: {provider: verified, times: 1, connection: reset}
  - request: verified.listSchemas
    expect: {connection: broken}
  - clear_faults: true
  - request: verified.listSchemas
"#;

/// The text of a recording of the world in which a scenario was played, which plays again.
#[track_caller]
fn recorded(stage: &mut Stage, name: &str, text: &str) -> String {
    let scenario = stage.read_text(name, text).unwrap_or_else(|mistakes| panic!("{}", Failed::Mistakes(mistakes)));
    let played = stage.play(&scenario, &mut |_| {});
    assert!(played.passed, "{played}");
    let recorded = stage.record(played.world.as_deref().expect("it is kept")).unwrap();
    assert!(recorded.report.passed, "{}\n{}", recorded.report, recorded.text);
    let requests = |report: &Report| {
        let is_request = |action: &str| action.contains(" /") && !action.contains(" /_understudy");
        report.steps.iter().filter(|step| is_request(&step.action)).count()
    };
    assert!(requests(&recorded.report) >= requests(&played), "{name}: all requests are there\n{}", recorded.text);
    recorded.text
}

#[test]
fn a_session_with_every_provider_plays_again() {
    let server = Understudy::builder().start().unwrap();
    let mut stage = Stage::of(&server).unwrap().keeping(true);
    let text = recorded(&mut stage, "session", SESSION);
    for secret in [
        "yVg3LEnF08y0MDmpHcPxB",
        "5n-sandbox-secret",
        "5n-sandbox-institution",
        "96f51b29ceafc80a",
        "pmSandboxAppA",
        "T7sDtEXyuwAHIAYJ",
    ] {
        assert!(!text.contains(secret), "{secret} has a name: {text}");
    }
    for part in [
        "clientBasic: ${FIVE_NORTH_ID_CLIENT_ID}:${FIVE_NORTH_ID_CLIENT_SECRET}",
        "authorization: Bearer ${access_token}",
        "access_token: $.access_token",
        "code: $.code",
        "simulate: verified/consent",
        "advance: PT1H",
        "connection: broken",
        "clear_faults: true",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn every_story_that_was_played_can_be_recorded() {
    let server = Understudy::builder().start().unwrap();
    let mut stage = Stage::of(&server).unwrap().keeping(true);
    for file in std::fs::read_dir(stories()).unwrap() {
        let file = file.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        recorded(&mut stage, &file.display().to_string(), &text);
    }
}

#[test]
fn what_is_not_whole_is_not_recorded() {
    let server = Understudy::builder().start().unwrap();
    let mut stage = Stage::of(&server).unwrap();
    let refused = |stage: &mut Stage, url: &str| match stage.record(url) {
        Err(Failed::Server(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&mut stage, &server.url()), "nothing happened yet that could be played again");
    let get = |path: &str| request(server.addresses()[0], "GET", path, &[], "");
    get("/verified/schema");
    assert!(stage.record(&server.url()).unwrap().report.passed);
    let wrong = get("/_understudy/requests?format=scenario&loosely=a");
    assert_eq!((wrong.status, wrong.json()["detail"].clone()), (400, json!("loosely: it wants numbers of steps, such as 3,7")));
    assert_eq!(get("/_understudy/requests?format=scenario&provider=5n").status, 400, "no filter");
    assert_eq!(request(server.addresses()[0], "DELETE", "/_understudy/requests", &[], "").status, 204);
    assert!(refused(&mut stage, &server.url()).starts_with("the beginning is not kept any more"));
    server.reset().unwrap();
    get("/verified/schema");
    assert!(stage.record(&server.url()).unwrap().report.passed, "a reset begins anew");

    let made = request(server.addresses()[0], "POST", "/_understudy/worlds", &[], r#"{"from": "world:default", "name": "copy"}"#);
    assert_eq!(made.status, 201);
    assert!(refused(&mut stage, &format!("{}/~copy", server.url())).starts_with("this world began with the state of another"));
}

#[test]
fn the_recorder_writes_when_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.yaml");
    let out = file.to_str().unwrap();
    let server = Running::serving(&["record", "--out", out, "--port", "0", "--clock", "2026-03-01T00:00:00Z"]);
    let made = server.post("/verified/1-click", &json!({"phone": "+10123456789"}));
    let url: Value = made.json()["url"].clone();
    let uuid = url.as_str().unwrap().rsplit_once('/').unwrap().1;
    assert_eq!(server.get(&format!("/verified/request/{uuid}")).status, 200);
    assert_eq!(server.stop("TERM").0, Some(0));
    let mut text = String::new();
    std::fs::File::open(&file).unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains("id: ${url}") && text.contains("authorization: Bearer ${VERIFIED_API_KEY}"), "{text}");
    understudy::scenario::run(&file).unwrap();

    let idle = Running::serving(&["record", "--out", out, "--port", "0"]);
    assert_eq!(idle.stop("INT").0, Some(1), "there is nothing to write");
}

#[tokio::test]
async fn a_recording_over_https_plays_again_with_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let (file, place) = (folder.path().join("session.yaml"), folder.path().join("tls"));
    let options = ["--port", "0", "--tls", "--ca-dir", place.to_str().unwrap(), "--control-token", "s3cret"];
    let server = Running::serving(&[&["record", "--out", file.to_str().unwrap()], &options[..]].concat());
    let client = trusting(&std::fs::read_to_string(place.join("authority.pem")).unwrap(), "http/1.1");
    let made = (Method::POST, "/verified/1-click", json!({"phone": "+10123456789"}));
    let (status, body) = ask(server.address(), "localhost", &client, made).await.unwrap();
    assert_eq!(status, StatusCode::CREATED, "{}", body.escape_ascii());
    let url = serde_json::from_slice::<Value>(&body).unwrap()["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://localhost:"), "{url}");
    let page = format!("/verified/request/{}", url.rsplit_once('/').unwrap().1);
    assert_eq!(ask(server.address(), "localhost", &client, (Method::GET, &page, Value::Null)).await.unwrap().0, StatusCode::OK);
    assert_eq!(server.stop("TERM").0, Some(0));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("id: ${url}") && !text.contains("https://localhost:"), "{text}");
    understudy::scenario::run(&file).unwrap();
}
