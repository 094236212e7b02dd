//! `simulations`: what people and outside systems do.

use http::StatusCode;
use serde_json::json;

use super::{Controlled, detail, start_flow};

#[tokio::test]
async fn simulations_are_listed_with_an_example() {
    let server = Controlled::start();
    let all = server.control.get("/simulations").await.json();
    let names: Vec<&str> = all["simulations"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for name in ["consent", "decline", "wipe"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    assert_eq!(all["simulations"][0]["provider"], "verified");
}

#[tokio::test]
async fn a_simulation_does_what_a_person_would() {
    let server = Controlled::start();
    let wallet = start_flow(&server.verified).await;
    let done = server.control.post("/simulations/verified/consent", json!({"url": wallet})).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    let uuid = done.json()["uuid"].as_str().unwrap().to_owned();
    let shared = server.verified.get(&format!("/1-click/{uuid}")).await;
    assert_eq!(shared.status, StatusCode::OK, "what was shared can be read: {}", shared.text());

    let again = server.control.post("/simulations/verified/consent", json!({"url": wallet})).await;
    assert_eq!(detail(&again, StatusCode::CONFLICT, "again"), "the request was decided before, or is over");
}

#[tokio::test]
async fn an_empty_body_is_an_empty_input() {
    let server = Controlled::start();
    let done = server.control.post("/simulations/verified/wipe", ()).await;
    assert_eq!((done.status, done.json()), (StatusCode::OK, json!({})));
}

#[tokio::test]
async fn a_simulation_that_cannot_be_says_why() {
    let server = Controlled::start();
    let unknown = server.understudy.provider_url("verified") + "/request/9f2053fc-cc4c-41cb-8d14-7d3ccf6167eb";
    for (path, input, status, expected) in [
        ("nobody/consent", json!({}), StatusCode::NOT_FOUND, "there is no provider \"nobody\"; there are "),
        (
            "verified/nothing",
            json!({}),
            StatusCode::NOT_FOUND,
            "verified has no simulation \"nothing\"; it has consent, decline, wipe",
        ),
        ("verified/consent", json!({}), StatusCode::BAD_REQUEST, "missing field `url`"),
        ("verified/consent", json!({"url": 7}), StatusCode::BAD_REQUEST, "url: invalid type: integer `7`, expected a string"),
        ("verified/wipe", json!({"url": ""}), StatusCode::BAD_REQUEST, "url: unknown field `url`"),
        (
            "verified/consent",
            json!({"url": unknown}),
            StatusCode::NOT_FOUND,
            "url: no request of this world has this wallet address",
        ),
    ] {
        let case = format!("{path} {input}");
        let answer = server.control.post(&format!("/simulations/{path}"), input).await;
        let detail = detail(&answer, status, &case);
        assert!(detail.starts_with(expected), "{case}: {detail}");
    }
}

#[tokio::test]
async fn a_simulation_acts_in_its_own_world_only() {
    let server = Controlled::start();
    server.control.post("/worlds", json!({"name": "w"})).await;
    let (control, _) = server.of("w");
    let wallet = start_flow(&server.verified).await;
    let answer = control.post("/simulations/verified/consent", json!({"url": wallet})).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());
}
