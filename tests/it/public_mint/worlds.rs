//! Worlds beside each other, the same bytes from the same seed, settings and what a client is told.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};
use understudy::worlds::{Spec, Start};

use super::{ANA, ANAS_CARD, JOAO, KEY_A, as_b, builder, create, id_of, maria, pike_labs, read, start, start_with};
use crate::client::Client;
use crate::harness::{Api, contract};

/// Everything that draws ids, keys or signatures, as text.
async fn story(api: &Api) -> Vec<String> {
    let mut texts = Vec::new();
    let person = create(api, maria()).await;
    texts.push(person.to_string());
    texts.push(api.post("/identities", pike_labs()).await.text().to_owned());
    texts.push(api.post("/presign-url", json!({"filename": "a.png"})).await.json()["data"]["fields"].to_string());
    let link = api.get(&format!("/identities/{ANA}/documents/{ANAS_CARD}/presign-url")).header("host", "localhost").await;
    texts.push(link.text().to_owned());
    api.post("/sandbox/identities/approve", json!({"identityId": person["id"]})).await;
    api.understudy.advance(TimeDelta::minutes(5)).unwrap();
    let document = json!({"documents": [{"side": "FrontSide", "type": "Other", "url": "http://h"}]});
    texts.push(api.patch(&format!("/identities/{}", id_of(&person)), document).await.text().to_owned());
    texts.push(api.get("/identities?all=true").await.text().to_owned());
    texts.extend(api.understudy.messages(None).unwrap().into_iter().map(|message| message.body));
    texts
}

#[tokio::test]
async fn the_same_seed_and_clock_give_the_same_bytes() {
    let (one, two) = (start(), start());
    let first = story(&one).await;
    assert_eq!(story(&two).await, first);
    one.understudy.reset().unwrap();
    assert_eq!(story(&one).await, first, "after a reset too");
    let other = start_with(builder().seed(8));
    assert_ne!(story(&other).await, first);
}

#[tokio::test]
async fn worlds_do_not_see_each_other() {
    let api = start();
    let spec = Spec { name: Some("other".to_owned()), ..Spec::default() };
    let world = api.understudy.create_world(spec).unwrap();
    let other = Client::new(world.provider_url("publicmint")).with_contract(&contract("publicmint")).header("apikey", KEY_A);
    create(&api, maria()).await;
    assert_eq!(api.delete(&format!("/identities/{ANA}")).await.status, StatusCode::NO_CONTENT);
    api.post("/sandbox/identities/approve", json!({"identityId": JOAO})).await;
    assert_eq!(other.get("/identities").await.json()["total"], 7);
    assert_eq!(read(&other, ANA).await["name"], "Ana Ribeiro");
    assert_eq!(read(&other, JOAO).await["kycStatus"][0]["status"], "pending");
    assert_eq!(world.messages(None).unwrap(), []);
    create(&other, maria()).await;
}

#[tokio::test]
async fn a_copied_world_goes_on_from_where_it_was() {
    let api = start();
    let person = create(&api, maria()).await;
    let copy = Spec { name: Some("copy".to_owned()), from: Start::World("default".to_owned()), ..Spec::default() };
    let world = api.understudy.create_world(copy).unwrap();
    let copy = Client::new(world.provider_url("publicmint")).with_contract(&contract("publicmint")).header("apikey", KEY_A);
    assert_eq!(read(&copy, id_of(&person)).await, person);
    assert_eq!(api.delete(&format!("/identities/{}", id_of(&person))).await.status, StatusCode::NO_CONTENT);
    assert_eq!(read(&copy, id_of(&person)).await, person);
}

#[tokio::test]
async fn a_reset_brings_everything_back() {
    let api = start();
    let before = api.get("/identities?all=true").await.json();
    create(&api, maria()).await;
    api.delete(&format!("/identities/{ANA}")).await;
    api.understudy.reset().unwrap();
    assert_eq!(api.get("/identities?all=true").await.json(), before);
    assert_eq!(api.understudy.messages(None).unwrap(), []);
}

#[tokio::test]
async fn a_single_identity_may_come_without_its_envelope() {
    let api = start_with(builder().setting("publicmint", "envelope", json!("none")));
    let created = api.post("/identities", maria()).await.json();
    assert_eq!(created["name"], "Maria Soares");
    let id = created["id"].as_str().unwrap();
    assert_eq!(api.get(&format!("/identities/{id}")).await.json(), created);
    assert_eq!(api.patch(&format!("/identities/{id}"), json!({})).await.json(), created);
    assert_eq!(api.get("/identities").await.json()["data"][0], created);
}

#[tokio::test]
async fn a_client_is_told_keys_and_ids() {
    let api = start();
    let info = Client::new(api.understudy.control_url()).get("/info").await.json();
    let providers = info["providers"].as_array().unwrap();
    let provider = providers.iter().find(|provider| provider["slug"] == "publicmint").unwrap();
    let text = provider.to_string();
    for expected in [
        ("PUBLICMINT_BASE_URL", api.understudy.provider_url("publicmint")),
        ("PUBLICMINT_API_KEY", KEY_A.to_owned()),
        ("PUBLICMINT_APP_ID", super::APP_A.to_owned()),
        ("PUBLICMINT_API_KEY_2", super::KEY_B.to_owned()),
        ("PUBLICMINT_APP_ID_2", super::APP_B.to_owned()),
    ] {
        assert!(
            text.contains(&format!("\"{}\"", expected.0)) && text.contains(&format!("\"{}\"", expected.1)),
            "{expected:?}: {text}"
        );
    }
}

#[tokio::test]
async fn simulations_are_offered_with_examples_that_work() {
    let api = start();
    let control = Client::new(api.understudy.control_url());
    let offered = control.get("/simulations").await.json();
    let mut names = Vec::new();
    for simulation in offered["simulations"].as_array().unwrap().iter().filter(|one| one["provider"] == "publicmint") {
        let name = simulation["name"].as_str().unwrap();
        names.push(name.to_owned());
        let answer = control.post(&format!("/simulations/publicmint/{name}"), simulation["example"].clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.text());
        assert_eq!(answer.json()["identity"]["id"], JOAO);
        let unknown: Value = json!({"identityId": super::NOBODY, "status": "pending", "blocked": true, "riskRating": "low"});
        let answer = control.post(&format!("/simulations/publicmint/{name}"), unknown).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}");
    }
    assert_eq!(names, ["set-kyc", "set-blocked", "set-risk"]);
    let identity = read(&api, JOAO).await;
    assert_eq!((&identity["kycStatus"][0]["status"], &identity["blocked"]), (&json!("review"), &json!(true)));
    assert_eq!(as_b(&api).get("/identities").await.json()["total"], 1);
}

/// Every status that the contract declares and that can be brought about was seen by some test of this file's story or of the others;
/// here it is made sure that each operation has been answered well and refused.
#[tokio::test]
async fn every_operation_answers_well_and_refuses() {
    let api = start();
    story(&api).await;
    let mut keyless = api.client.clone();
    keyless.headers.clear();
    api.get(&format!("/identities/{ANA}/operations")).await;
    api.post("/sandbox/identities/reject", json!({"identityId": ANA})).await;
    api.get(&format!("/identities/{ANA}")).await;
    api.delete(&format!("/identities/{JOAO}")).await;
    for operation in understudy::providers::all().iter().find(|one| one.about().slug == "publicmint").unwrap().operations() {
        let path =
            operation.path.replace("{id}", ANA).replace("{identityId}", ANA).replace("{bucket}", "x").replace("{*key}", "x/y");
        let answer = keyless.call(operation.method.clone(), &path).await;
        assert!(answer.status.is_client_error(), "{}: {}", operation.id, answer.status);
    }
    let seen = contract("publicmint").coverage();
    for operation in [
        "createIdentity",
        "listIdentities",
        "getIdentity",
        "updateIdentity",
        "deleteIdentity",
        "listIdentityOperations",
        "presignDocument",
        "approveIdentity",
        "rejectIdentity",
        "presignUpload",
    ] {
        let statuses = &seen[operation];
        assert!(statuses.iter().any(|status| *status < 300) && statuses.contains(&401), "{operation}: {statuses:?}");
    }
}
