//! The stories that come with the program, and playing them.

use http::StatusCode;
use serde_json::json;
use understudy::Understudy;
use understudy::scenario::Stage;

use super::{control_of, detail};
use crate::client::Client;

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
    let stage = Stage::at(&server.url(), None).unwrap();
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
    let stage = Stage::at(&server.url(), None).unwrap();
    let text = understudy::scenario::library::text("verified-one-click").unwrap();
    let mistakes = stage.read_text("x", text).unwrap_err();
    assert!(mistakes[0].message.contains("there is no provider `verified`"), "{mistakes:?}");
}
