//! The same seed gives the same bytes; worlds do not see each other; what is pending survives a restart.

use http::StatusCode;
use serde_json::{Value, json};
use understudy::worlds::Spec;

use super::*;
use crate::client::Client;

/// A session through all parts of the service: each answer with its headers.
async fn session(client: &Client, advance: impl Fn()) -> Vec<String> {
    let mut seen = Vec::new();
    let mut note =
        |response: &crate::client::Response| seen.push(format!("{} {:?} {}", response.status, response.headers, response.text()));
    let created = client.post("/api/v1/admin/entity", json!({"name": "carol", "role": "x"})).header("x-admin-api-key", ADMIN).await;
    note(&created);
    let body = json!({"connection": CONNECTION, "key_peer1": ALICE, "key_peer2": BOB, "did_peer1": ALICES_DID, "did_peer2": BOBS_DID,
        "claims": {"claim_type": "identity"}});
    note(&client.post("/api/v1/vc/issuance/custodial", body).await);
    let proof = json!({"connection": CONNECTION, "key_peer1": ALICE, "key_peer2": BOB, "claim_type": "identity", "domain": "d"});
    note(&client.post("/api/v1/proof/presentation/custodial", proof).await);
    let connect = json!({"key_peer1": ALICE, "key_peer2": BOB, "name_peer1": "a", "name_peer2": "b"});
    note(&client.post("/api/v1/p2p/custodial/connect", connect).await);
    note(&client.post("/api/v1/wallet/mnemonic", ()).await);
    let offer = json!({"connection": CONNECTION, "author": ALICES_DID});
    note(&client.post("/api/v1/vc/offer-noschema", offer).header("apikey", ALICE).await);
    advance();
    note(&client.get("/api/v1/vc/offers").header("apikey", BOB).await);
    note(
        &client
            .post("/api/v1/definition", json!({"name": "n", "description": "d", "author": "a", "location": "l"}))
            .header("apikey", ALICE)
            .await,
    );
    seen
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes_and_another_seed_gives_others() {
    let run = async |seed: u64| {
        let base = json!("http://agent.example/cloud-agent");
        let api = Api::with("identus", builder().seed(seed).setting("identus", "status_list_base", base));
        session(&api, || drop(api.understudy.advance(chrono::TimeDelta::seconds(1)).unwrap())).await
    };
    let first = run(7).await;
    assert_eq!(run(7).await, first);
    assert_ne!(run(8).await, first);
    assert!(first[1].contains("ZXlK"), "{}", first[1]);
}

#[tokio::test]
async fn two_worlds_do_not_see_each_other() {
    let api = start();
    let spec = Spec { name: Some("other".to_owned()), ..Spec::default() };
    let other = api.understudy.create_world(spec).unwrap();
    let client = Client::new(other.provider_url("identus"));
    let before = client.get("/api/v1/vc/offers").header("apikey", BOB).await.text().to_owned();
    let made = api.credential(json!({"claim_type": "identity"})).await;
    assert_eq!(client.get("/api/v1/vc/offers").header("apikey", BOB).await.text(), before);
    let id = text(&made["recordId"]);
    let found = client.get(&format!("/api/v1/vc/offer/{id}")).header("apikey", BOB).await;
    agent_refusal(&found, 404, &format!("The requested record was not found: recordId={id}, state=None"));
}

#[tokio::test]
async fn a_reset_world_is_as_at_the_start() {
    let api = start();
    let before = api.read(ALICE, "/api/v1/vc/offers").await;
    api.offer(json!({})).await;
    api.entity("carol").await;
    api.understudy.reset().unwrap();
    assert_eq!(api.read(ALICE, "/api/v1/vc/offers").await, before);
    assert_eq!(api.settle(), json!({"issuances": 0, "connections": 0, "presentations": 0, "dids": 0}));
}

#[tokio::test]
async fn what_is_pending_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.db");
    let thread = {
        let api = Api::with("identus", builder().data(&file));
        let offered = api.offer(json!({})).await;
        api.advance_ms(199);
        offered["thid"].clone()
    };
    let api = Api::with("identus", understudy::Understudy::builder().data(&file));
    assert_eq!(api.state(ALICE, &thread).await, "OfferPending");
    api.advance_ms(1);
    assert_eq!(api.state(BOB, &thread).await, "OfferReceived");
}

#[tokio::test]
async fn settling_brings_everything_to_rest_without_moving_the_clock() {
    let api = start();
    let before = api.understudy.clock().now;
    let offered = api.offer(json!({})).await;
    let invited = api.make(ALICE, "/api/v1/p2p/invite", json!({})).await;
    let oob = text(&invited["invitation"]["invitationUrl"]).split_once("_oob=").unwrap().1.to_owned();
    api.make(BOB, "/api/v1/p2p/accept", json!({"invitation": oob})).await;
    let asked = json!({"connection": CONNECTION, "challenge": "c", "domain": "d"});
    api.make(ALICE, "/api/v1/proof/presentation", asked).await;
    api.make(ALICE, "/api/v1/identity/did", json!({})).await;
    assert_eq!(api.settle(), json!({"issuances": 1, "connections": 1, "presentations": 1, "dids": 1}));
    assert_eq!(api.settle(), json!({"issuances": 0, "connections": 0, "presentations": 0, "dids": 0}));
    assert_eq!(api.understudy.clock().now, before);
    assert_eq!(api.state(BOB, &offered["thid"]).await, "OfferReceived");
    assert!(api.advance_ms(100_000).is_empty(), "no timer is left");
    let refused = api.understudy.simulate("identus", "settle", json!({"x": 1})).unwrap_err();
    assert!(refused.to_string().contains("unknown field"), "{refused}");
}

#[tokio::test]
async fn settings_take_only_what_they_can_be() {
    let api = start();
    let control = Client::new(api.understudy.control_url());
    let set = async |key: &str, value: &Value| control.put("/settings/identus", json!({ key: value })).await.status;
    for (key, good, bad) in [
        ("step_ms", vec![json!(0), json!(86_400_000)], vec![json!(-1), json!(86_400_001), json!("1"), json!(1.5)]),
        ("did_publish_ms", vec![json!(1)], vec![json!(true)]),
        ("did_update_ms", vec![json!(1)], vec![json!([])]),
        ("custodial_wait_ms", vec![json!(0)], vec![json!(-1), json!("1")]),
        ("realtime", vec![json!(true)], vec![json!(1)]),
        ("strict_quirks", vec![json!(false)], vec![json!("true")]),
        ("propagate_agent_status", vec![json!(true)], vec![json!(0)]),
        ("cache_control", vec![json!(true)], vec![json!("x")]),
        (
            "status_list_base",
            vec![json!("https://a.example/b"), json!(null)],
            vec![json!("a.example"), json!("https://a.example/"), json!(1)],
        ),
    ] {
        for value in good {
            assert_eq!(set(key, &value).await, StatusCode::OK, "{key} {value}");
        }
        for value in bad {
            assert_eq!(set(key, &value).await, StatusCode::BAD_REQUEST, "{key} {value}");
        }
    }
    let base = with_setting("status_list_base", json!("https://a.example/agent"));
    let vc = base.credential(json!({})).await;
    let status = &super::verify::payload(&super::verify::jwt(&vc["credential"]))["vc"]["credentialStatus"];
    let expected = "https://a.example/agent/credential-status/99569288-c60e-4e0f-a40f-0542350eed5b";
    assert_eq!(status["statusListCredential"], expected);
}

#[tokio::test]
async fn the_environment_has_what_a_client_needs() {
    let api = start();
    let info = Client::new(api.understudy.control_url()).get("/info").await.json();
    let providers = info["providers"].as_array().unwrap();
    let about = providers.iter().find(|provider| provider["slug"] == "identus").unwrap();
    let variables: Vec<(&str, &str)> =
        about["environment"].as_array().unwrap().iter().map(|one| (text(&one["name"]), text(&one["value"]))).collect();
    let base = api.understudy.provider_url("identus");
    let expected = [
        ("IDENTUS_API_URL", base.as_str()),
        ("IDENTUS_ADMIN_KEY", ADMIN),
        ("IDENTUS_ISSUER_KEY", ALICE),
        ("IDENTUS_HOLDER_KEY", BOB),
        ("IDENTUS_CONNECTION", CONNECTION),
    ];
    assert_eq!(variables, expected);
}
