//! Every operation once, in one session: none is forgotten by the route table, the document or these tests.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use understudy::providers;

use super::*;
use crate::contract::Contract;
use crate::harness::document;

/// The operations of the provider.
fn operations() -> BTreeSet<String> {
    let all = providers::all();
    let provider = all.iter().find(|provider| provider.about().slug == "identus").unwrap();
    provider.operations().iter().map(|operation| operation.id.to_owned()).collect()
}

#[tokio::test]
async fn every_operation_succeeds_in_its_place() {
    let mut api =
        Api::with("identus", builder().setting("identus", "step_ms", json!(0)).setting("identus", "did_publish_ms", json!(0)));
    let contract = Arc::new(Contract::new(document("identus")));
    api.client = api.client.with_contract(&contract);
    let api = api;
    let read = async |key: &str, path: &str| api.read(key, &format!("/api/v1/{path}")).await;
    let make = async |key: &str, path: &str, body: Value| api.make(key, &format!("/api/v1/{path}"), body).await;
    let admin = async |method: Method, path: &str, body: Value| {
        let answer = api.call(method, &format!("/api/v1/admin{path}")).header("x-admin-api-key", ADMIN).body(body).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        answer.json()["data"].clone()
    };
    let public = async |method: Method, path: &str, body: Value| {
        let answer = api.call(method, path).body(body).await;
        assert!(answer.status.is_success() || answer.status.is_redirection(), "{path}: {}", answer.text());
    };

    let offered = make(ALICE, "vc/offer-noschema", json!({"connection": CONNECTION, "author": ALICES_DID})).await;
    let received = api.in_thread(BOB, &offered["thid"]).await;
    make(BOB, "vc/accept", json!({"recordId": received["recordId"], "did": BOBS_DID})).await;
    make(ALICE, "vc/issue", json!({"recordId": offered["recordId"]})).await;
    read(BOB, &format!("vc/offer/{}", text(&received["recordId"]))).await;
    let vc = api.credential(json!({"claim_type": "identity"})).await;
    read(BOB, "vc/match/identity").await;
    read(ALICE, "vc/offers").await;

    public(Method::POST, "/api/v1/wallet/mnemonic", json!({})).await;
    public(Method::GET, "/api/v1/wallet/word", json!({})).await;
    let created = admin(Method::POST, "/entity", json!({"name": "carol"})).await;
    admin(Method::GET, "", json!({})).await;
    admin(Method::GET, "/entities", json!({})).await;
    let entity = format!("/entity/{}", text(&created["id_entity"]));
    admin(Method::GET, &entity, json!({})).await;

    make(ALICE, "identity/did", json!({})).await;
    read(ALICE, "identity/dids").await;
    let path = format!("/api/v1/identity/did/{}", short(&created["longDid"]));
    data(&api.patch(&path, json!({})).header("apikey", text(&created["key"])).await, StatusCode::OK);
    public(Method::GET, &format!("/api/v1/identity/dids/{}", short(&created["longDid"])), json!({})).await;
    admin(Method::DELETE, &entity, json!({})).await;

    let invited = make(ALICE, "p2p/invite", json!({})).await;
    let oob = text(&invited["invitation"]["invitationUrl"]).split_once("_oob=").unwrap().1.to_owned();
    make(BOB, "p2p/accept", json!({"invitation": oob})).await;
    read(ALICE, "p2p").await;
    read(ALICE, &format!("p2p/{CONNECTION}")).await;
    public(Method::POST, "/api/v1/p2p/custodial/connect", json!({"key_peer1": ALICE, "key_peer2": BOB})).await;

    let asked = make(ALICE, "proof/presentation", json!({"connection": CONNECTION, "challenge": "identity", "domain": "d"})).await;
    let theirs = read(BOB, "proof/presentations").await;
    let answer = json!({"presentationId": theirs[0]["presentationId"], "recordId": vc["recordId"]});
    make(BOB, "proof/presentation/accept", answer).await;
    let path = format!("/api/v1/proof/presentation/{}", text(&asked["presentationId"]));
    data(&api.patch(&path, json!({})).header("apikey", ALICE).await, StatusCode::OK);
    read(BOB, "proof/presentation/match/identity").await;
    let body = json!({"connection": CONNECTION, "key_peer1": ALICE, "key_peer2": BOB, "claim_type": "identity", "domain": "d"});
    public(Method::POST, "/api/v1/proof/presentation/custodial", body).await;

    let schema = json!({"name": "n", "description": "d", "author": ALICES_DID, "aProp": []});
    let made = make(ALICE, "schema", schema.clone()).await;
    read(ALICE, "schema").await;
    read(ALICE, &format!("schema/{}", text(&made["guid"]))).await;
    let mut newer = schema.clone();
    newer["version"] = json!("2.0.0");
    let path = format!("/api/v1/schema/{}", text(&made["id"]));
    data(&api.patch(&path, newer).header("apikey", ALICE).await, StatusCode::OK);
    make(ALICE, "schema/install", json!({"aSchema": [schema]})).await;
    let definition = json!({"name": "n", "description": "d", "author": ALICES_DID, "location": "l"});
    let made = make(ALICE, "definition", definition).await;
    read(ALICE, "definition").await;
    read(ALICE, &format!("definition/{}", text(&made["guid"]))).await;

    public(Method::GET, "/api/v1/public", json!({})).await;
    public(Method::GET, "/cloud-agent/credential-status/99569288-c60e-4e0f-a40f-0542350eed5b", json!({})).await;
    public(Method::GET, "/", json!({})).await;
    public(Method::GET, "/refresh", json!({})).await;
    assert_eq!(api.get("/api/v1/public/unauthorized_api").await.status, StatusCode::UNAUTHORIZED);

    let succeeded = contract.coverage().into_iter().filter(|(_, statuses)| statuses.iter().any(|status| *status < 400));
    let mut seen: BTreeSet<String> = succeeded.map(|(id, _)| id).collect();
    seen.insert("refuseUnauthorized".to_owned());
    assert_eq!(seen, operations());
}
