//! Simulations: inputs, answers and refusals. What they do is shown where it matters.

use http::StatusCode;
use serde_json::{Value, json};

use super::{CONTRACTS, ERLICH, GAVIN, RICHARD, RICHARD_GOOGLE, SLUG, institution, proposal, simulate, start};
use crate::client::Client;

/// Runs a simulation over HTTP.
async fn run(control: &Client, name: &str, input: Value) -> (StatusCode, Value) {
    let answer = control.post(&format!("/simulations/{SLUG}/{name}"), input).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn what_is_not_right_is_refused_with_a_reason() {
    let api = start();
    let client = institution(&api).await;
    let pending = proposal(&client, 511).await;
    let (approved, rejected) = (proposal(&client, 514).await, proposal(&client, 512).await);
    let control = Client::new(api.understudy.control_url());
    let decide = |proposal: &str, decision: &str| json!({"proposalId": proposal, "decision": decision});
    let contract = |contract: &str| json!({"contractId": contract});
    let cases = [
        ("decide-request", json!({}), 400),
        ("decide-request", json!({"proposalId": pending}), 400),
        ("decide-request", decide(&pending, "allow"), 400),
        ("decide-request", json!({"proposalId": 1, "decision": "approve"}), 400),
        ("decide-request", json!({"proposalId": pending, "decision": "approve", "more": 1}), 400),
        ("decide-request", decide("nothing", "approve"), 404),
        ("decide-request", decide(&pending, "revoke"), 409),
        ("decide-request", decide(&approved, "approve"), 409),
        ("decide-request", decide(&approved, "reject"), 409),
        ("decide-request", decide(&rejected, "approve"), 409),
        ("decide-request", decide(&rejected, "revoke"), 409),
        ("issue-credential", json!({"partyId": ERLICH}), 400),
        ("issue-credential", json!({"partyId": ERLICH, "provider": "MYSPACE"}), 400),
        ("issue-credential", json!({"partyId": ERLICH, "provider": "SUMSUB"}), 400),
        ("issue-credential", json!({"partyId": ERLICH, "provider": "GITHUB", "metadata": []}), 400),
        ("issue-credential", json!({"partyId": ERLICH, "provider": "GITHUB", "metadata": {"email": null}}), 400),
        ("issue-credential", json!({"partyId": ERLICH, "provider": "GITHUB", "metadata": {"emailVerified": "yes"}}), 400),
        ("issue-credential", json!({"partyId": "nobody", "provider": "GITHUB"}), 404),
        ("issue-credential", json!({"partyId": RICHARD, "provider": "GOOGLE"}), 409),
        ("reverify-credential", json!({}), 400),
        ("reverify-credential", contract("nothing"), 404),
        ("reverify-credential", contract(CONTRACTS[7]), 409),
        ("reverify-credential", contract(CONTRACTS[8]), 409),
        ("revoke-credential", contract("nothing"), 404),
        ("revoke-credential", contract(CONTRACTS[7]), 409),
        ("revoke-credential", contract(CONTRACTS[8]), 409),
        ("archive-credential", contract("nothing"), 404),
        ("archive-credential", contract(CONTRACTS[7]), 409),
        ("archive-credential", contract(CONTRACTS[8]), 409),
        ("delete-credential", contract("nothing"), 404),
        ("delete-credential", json!({"contractId": null}), 400),
        ("revoke-tokens", json!({"client": "x"}), 400),
        ("fly", json!({}), 404),
    ];
    for (name, input, status) in cases {
        let (answered, body) = run(&control, name, input.clone()).await;
        assert_eq!(answered.as_u16(), status, "{name} {input}: {body}");
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{name} {input}: {body}");
    }
    assert_eq!(client.get(super::USERS).await.json()["totalCount"], 14);
}

#[tokio::test]
async fn answers_are_as_promised() {
    let api = start();
    let client = institution(&api).await;
    let control = Client::new(api.understudy.control_url());
    let proposal = proposal(&client, 511).await;
    let nothing = (StatusCode::OK, json!({}));
    assert_eq!(run(&control, "decide-request", json!({"proposalId": proposal, "decision": "approve"})).await, nothing);
    assert_eq!(run(&control, "decide-request", json!({"proposalId": proposal, "decision": "revoke"})).await, nothing);
    let (status, issued) = run(&control, "issue-credential", json!({"partyId": GAVIN, "provider": "REDDIT"})).await;
    assert_eq!(status, StatusCode::OK);
    let keys: Vec<&String> = issued.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["contractId"]);
    assert_eq!(issued["contractId"].as_str().unwrap().len(), 138);
    let (status, again) = run(&control, "reverify-credential", issued.clone()).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(again, issued);
    assert_eq!(run(&control, "archive-credential", again.clone()).await, nothing);
    assert_eq!(run(&control, "delete-credential", again).await, nothing);
    assert_eq!(run(&control, "revoke-credential", json!({"contractId": RICHARD_GOOGLE})).await, nothing);
    assert_eq!(run(&control, "revoke-tokens", json!({})).await, nothing);
}

#[tokio::test]
async fn every_example_works_on_a_fresh_world() {
    for simulation in all() {
        let api = start();
        let input = serde_json::from_str(simulation.example).expect("examples are JSON");
        let answer = simulate(&api, simulation.name, input);
        assert!(answer.is_object(), "{}", simulation.name);
    }
    let names: Vec<&str> = all().iter().map(|simulation| simulation.name).collect();
    assert_eq!(
        names,
        [
            "decide-request",
            "issue-credential",
            "reverify-credential",
            "revoke-credential",
            "archive-credential",
            "delete-credential",
            "revoke-tokens"
        ]
    );
}

fn all() -> &'static [understudy::http::Simulation] {
    let all = understudy::providers::all();
    all.iter().find(|provider| provider.about().slug == SLUG).expect("it is there").about().simulations
}

#[tokio::test]
async fn settings_take_what_they_can_be() {
    let api = start();
    let control = Client::new(api.understudy.control_url());
    let path = format!("/settings/{SLUG}");
    for (key, value, status) in [
        ("rate_limit", json!(0), 200),
        ("rate_limit", json!(5), 200),
        ("rate_limit", json!(-1), 400),
        ("rate_limit", json!("5"), 400),
        ("rate_limit", json!(1.5), 400),
        ("rate_limit", Value::Null, 200),
        ("link_lifetime_s", json!(1), 200),
        ("link_lifetime_s", json!(0), 400),
        ("moderate_after_days", json!(0), 400),
        ("stale_after_days", json!(36525), 200),
        ("credential_lifetime_days", json!(36526), 400),
        ("speed", json!(1), 400),
    ] {
        let answer = control.put(&path, json!({key: value})).await;
        assert_eq!(answer.status.as_u16(), status, "{key} {value}: {}", answer.text());
    }
    let shown = control.get(&path).await.json();
    let defaults: Vec<(String, Value)> = shown["settings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|setting| (setting["key"].as_str().unwrap().to_owned(), setting["default"].clone()))
        .collect();
    let expected = [
        ("rate_limit", 0),
        ("link_lifetime_s", 900),
        ("moderate_after_days", 30),
        ("stale_after_days", 90),
        ("credential_lifetime_days", 365),
    ];
    assert_eq!(defaults, expected.map(|(key, default)| (key.to_owned(), json!(default))));
}
