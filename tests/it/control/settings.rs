//! `settings`: the documented switches of a provider.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Controlled, detail, start_flow};
use crate::client::Response;

/// The value of each setting, by key.
fn values(answer: &Response) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let settings = answer.json()["settings"].as_array().unwrap().clone();
    settings
        .iter()
        .map(|one| (one["key"].as_str().unwrap().to_owned(), one["value"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[tokio::test]
async fn settings_are_shown_with_value_and_default() {
    let server = Controlled::start();
    let shown = server.control.get("/settings/verified").await.json();
    for setting in shown["settings"].as_array().unwrap() {
        assert_eq!(setting["value"], setting["default"], "{setting}");
    }
    assert_eq!(shown["settings"][0]["key"], "wire");
    assert_eq!(shown["settings"][0]["default"], "seed");
}

#[tokio::test]
async fn a_setting_holds_until_null_brings_the_default_back() {
    let server = Controlled::start();
    let set = values(&server.control.put("/settings/verified", json!({"codes": "random", "wire": "observed"})).await);
    assert_eq!((&set["codes"], &set["wire"]), (&json!("random"), &json!("observed")));
    start_flow(&server.verified).await;
    let code = server.control.get("/outbox").await.json()["messages"][0]["code"].clone();
    assert_ne!(code, "111111", "the setting is obeyed");
    let set = values(&server.control.put("/settings/verified", json!({"codes": null})).await);
    assert_eq!((&set["codes"], &set["wire"]), (&json!("fixed"), &json!("observed")), "what is not named stays");
    assert_eq!(values(&server.control.get("/settings/verified").await), set);
}

#[tokio::test]
async fn settings_are_made_all_or_none() {
    let server = Controlled::start();
    let before = values(&server.control.get("/settings/verified").await);
    for (body, expected) in [
        (json!({"codes": "random", "nothing": 1}), "verified has no setting \"nothing\"; it has wire, codes, formats"),
        (json!({"codes": "random", "wire": "neither"}), "verified.wire: it must be one of seed, observed"),
        (json!({"codes": 111_111}), "verified.codes: it must be one of fixed, random"),
    ] {
        let answer = server.control.put("/settings/verified", body.clone()).await;
        assert_eq!(detail(&answer, StatusCode::BAD_REQUEST, &body.to_string()), expected);
        assert_eq!(values(&server.control.get("/settings/verified").await), before, "{body}");
    }
}

#[tokio::test]
async fn settings_of_an_unknown_provider_are_a_404() {
    let server = Controlled::start();
    for answer in [server.control.get("/settings/nobody").await, server.control.put("/settings/nobody", json!({})).await] {
        let detail = detail(&answer, StatusCode::NOT_FOUND, "nobody");
        assert_eq!(detail.split("; ").next(), Some("there is no provider \"nobody\""));
    }
}

#[tokio::test]
async fn a_setting_is_one_worlds() {
    let server = Controlled::start();
    server.control.post("/worlds", json!({"name": "w"})).await;
    let (control, _) = server.of("w");
    control.put("/settings/verified", json!({"codes": "random"})).await;
    assert_eq!(values(&control.get("/settings/verified").await)["codes"], "random");
    assert_eq!(values(&server.control.get("/settings/verified").await)["codes"], "fixed");
}
