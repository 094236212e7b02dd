//! DIDs of a wallet, and the resolution of any.

use http::StatusCode;
use serde_json::{Value, json};

use super::*;

const ALICES_LONG: &str = "did:prism:82261bcc9dcafca698486a1b80924b07bf439d17fe611db2523273ad369e8dfa:CnoKeBI5CgVrZXktMRAESi4KCXNlY3AyNTZrMRIhA3JC3h_myAwpk0alqFYDe4ixsf2ETyAYs8X-3gazHRwUEjsKB21hc3RlcjAQAUouCglzZWNwMjU2azESIQICj7l8YuRU-Gjo3jo-622s0Q2h-x-6I6AUqyt3Atv6eg";

fn resolution(did: &str, metadata: Value) -> Value {
    let method = |name: &str, x: &str, y: &str| {
        json!({"id": format!("{did}#{name}"), "type": "JsonWebKey2020", "controller": did,
            "publicKeyJwk": {"crv": "secp256k1", "x": x, "y": y, "kty": "EC"}})
    };
    json!({
        "@context": "https://w3id.org/did-resolution/v1",
        "didDocument": {
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
            "id": did,
            "controller": did,
            "verificationMethod": [
                method("key-1", "ckLeH-bIDCmTRqWoVgN7iLGx_YRPIBizxf7eBrMdHBQ", "nxVvedSf4rOQTzbId15LYRPRh9dWwWqzk_Gdd9nKNVc"),
                method("issue-2", "Zl_jnzDejx0jUZXySPF27VcNvjdQUcoYZXFsskQ0SVg", "1qPdrw3FxtW5oVKIrDt9hPVGaA4oOuo1e7mkeEtz-T8"),
            ],
            "authentication": [format!("{did}#key-1")],
            "assertionMethod": [format!("{did}#issue-2")],
            "keyAgreement": [],
            "capabilityInvocation": [],
            "capabilityDelegation": [],
            "service": [],
        },
        "didDocumentMetadata": metadata,
        "didResolutionMetadata": {},
    })
}

async fn resolve(api: &Api, did: &str) -> Value {
    data(&api.get(&format!("/api/v1/identity/dids/{did}")).await, StatusCode::OK)
}

#[tokio::test]
async fn a_published_did_resolves_to_its_present_state_by_either_name() {
    let api = start();
    let version = "c5ddd53d3d381a4fb6044e12b242757d034957b53f102a237f109861b838b24f";
    let metadata =
        json!({"deactivated": false, "versionId": version, "created": "2024-10-03T15:20:04Z", "updated": "2024-10-03T15:22:10Z"});
    assert_eq!(resolve(&api, ALICES_DID).await.to_string(), resolution(ALICES_DID, metadata).to_string());
    let metadata = json!({"deactivated": false, "canonicalId": ALICES_DID, "versionId": version, "created": "2024-10-03T15:20:04Z",
        "updated": "2024-10-03T15:22:10Z"});
    assert_eq!(resolve(&api, ALICES_LONG).await.to_string(), resolution(ALICES_LONG, metadata).to_string());
}

#[tokio::test]
async fn a_long_form_that_was_never_published_resolves_to_its_own_state() {
    let api = start();
    let made = api.make(ALICE, "/api/v1/identity/did", json!({"id": "issue-1", "purpose": "issue"})).await;
    assert_eq!(made["wasPublished"], true);
    let long = text(&made["longDid"]).to_owned();
    let resolved = resolve(&api, &long).await;
    assert_eq!(resolved["didDocumentMetadata"], json!({"deactivated": false, "versionId": short(&made["longDid"])[10..]}));
    assert_eq!(resolved["didDocument"]["assertionMethod"], json!([format!("{long}#issue-1")]));
    refusal(
        &api.get(&format!("/api/v1/identity/dids/{}", short(&made["longDid"]))).await,
        500,
        "Request failed with status code 404",
    );
    api.advance_ms(1000);
    let published = resolve(&api, short(&made["longDid"])).await;
    assert_eq!(published["didDocumentMetadata"]["created"], "2026-01-01T00:00:01Z");
}

#[tokio::test]
async fn what_does_not_resolve_is_refused_without_a_reason() {
    let api = start();
    let unknown = format!("did:prism:{}", "0".repeat(64));
    let wrong = ALICES_LONG.replace("8226", "9226");
    for (did, status) in [(unknown.as_str(), 404), ("nope", 400), ("did:peer:2.x", 400), ("did:prism:12", 400), (&wrong, 400)] {
        let message = format!("Request failed with status code {status}");
        refusal(&api.get(&format!("/api/v1/identity/dids/{did}")).await, 500, &message);
    }
    let ended = api.understudy.simulate("identus", "deactivate", json!({"did": ALICES_DID})).unwrap();
    assert_eq!(ended, json!({"did": ALICES_DID, "deactivated": true}));
    for did in [ALICES_DID, ALICES_LONG] {
        refusal(&api.get(&format!("/api/v1/identity/dids/{did}")).await, 500, "Request failed with status code 410");
    }
    for (input, reason) in [
        (json!({"did": unknown}), "there is no DID"),
        (json!({"did": "nope"}), "must start with 'did:' prefix"),
        (json!({}), "missing field `did`"),
    ] {
        let refused = api.understudy.simulate("identus", "deactivate", input).unwrap_err().to_string();
        assert!(refused.contains(reason), "{refused}");
    }
}

#[tokio::test]
async fn dids_are_listed_oldest_first_with_the_long_form_until_they_are_published() {
    let api = start();
    let published = |did: &str| json!({"did": did, "status": "PUBLISHED"});
    assert_eq!(api.read(ALICE, "/api/v1/identity/dids").await, json!([published(ALICES_DID), published(EXAMPLE_ISSUER)]));
    let made = api.make(ALICE, "/api/v1/identity/did", json!({})).await;
    let pending = json!({"did": short(&made["longDid"]), "longFormDid": made["longDid"], "status": "PUBLICATION_PENDING"});
    assert_eq!(api.read(ALICE, "/api/v1/identity/dids").await[2].to_string(), pending.to_string());
    assert_eq!(api.settle()["dids"], 1);
    assert_eq!(api.read(ALICE, "/api/v1/identity/dids").await[2], published(short(&made["longDid"])));
    assert_eq!(api.read(BOB, "/api/v1/identity/dids").await, json!([published(BOBS_DID), published(EXAMPLE_HOLDER)]));
}

#[tokio::test]
async fn publication_takes_as_long_as_the_settings_say() {
    for (key, value, ms) in [("did_publish_ms", json!(30), 30), ("realtime", json!(true), 10_000)] {
        let api = with_setting(key, value);
        api.make(ALICE, "/api/v1/identity/did", json!({})).await;
        let status = async || text(&api.read(ALICE, "/api/v1/identity/dids").await[2]["status"]).to_owned();
        api.advance_ms(ms - 1);
        assert_eq!(status().await, "PUBLICATION_PENDING", "{key}");
        api.advance_ms(1);
        assert_eq!(status().await, "PUBLISHED", "{key}");
    }
}

#[tokio::test]
async fn names_and_purposes_of_keys_are_checked() {
    let api = start();
    let decoding = |call: &str| {
        format!(
            "An error occurred when decoding the request body: path=['{call}'], details=[Invalid value for: body (invalid value 'x' at 'purpose')]"
        )
    };
    let long = "k".repeat(51);
    let create = "POST /did-registrar/dids";
    let update = format!("POST /did-registrar/dids/{ALICES_DID}/updates");
    for (body, status, detail) in [
        (json!({"purpose": "x"}), 400, None),
        (json!({"id": "master0"}), 422, Some("DID template cannot contain reserved key name: [master0]".to_owned())),
        (json!({"id": long}), 422, Some(format!("public key id is longer than 50 characters: [{long}]"))),
        (json!({"id": "a b"}), 422, Some("public key id is not a valid URI fragment: [a b]".to_owned())),
        (json!({"id": ""}), 422, Some("public key id is not a valid URI fragment: []".to_owned())),
    ] {
        let made = api.post("/api/v1/identity/did", body.clone()).header("apikey", ALICE).await;
        agent_refusal(&made, status, &detail.clone().unwrap_or_else(|| decoding(create)));
        let changed = api.patch(&format!("/api/v1/identity/did/{ALICES_DID}"), body).header("apikey", ALICE).await;
        agent_refusal(&changed, status, &detail.unwrap_or_else(|| decoding(&update)));
    }
    api.make(ALICE, "/api/v1/identity/did", json!({"id": "k".repeat(50)})).await;
}

#[tokio::test]
async fn only_a_published_did_of_the_wallet_gets_a_key() {
    let api = start();
    let update = async |did: &str| api.patch(&format!("/api/v1/identity/did/{did}"), json!({})).header("apikey", ALICE).await;
    let made = api.make(ALICE, "/api/v1/identity/did", json!({})).await;
    let pending = short(&made["longDid"]).to_owned();
    let unknown = format!("did:prism:{}", "0".repeat(64));
    agent_refusal(&update(&pending).await, 409, &format!("DID not published: {pending}"));
    agent_refusal(&update(&unknown).await, 404, &format!("DID not found: {unknown}"));
    agent_refusal(&update(BOBS_DID).await, 404, &format!("DID not found: {BOBS_DID}"));
    agent_refusal(&update("nope").await, 400, "Error parsing string as PrismDID: DID syntax must start with 'did:' prefix");
    api.understudy.simulate("identus", "deactivate", json!({"did": EXAMPLE_ISSUER})).unwrap();
    agent_refusal(&update(EXAMPLE_ISSUER).await, 409, &format!("DID already deactivated: {EXAMPLE_ISSUER}"));
    api.settle();
    let updated = data(&update(&pending).await, StatusCode::OK);
    assert_eq!(updated, json!({"did": pending, "wasUpdated": true}));
    let by_long_form = data(&update(ALICES_LONG).await, StatusCode::OK);
    assert_eq!(by_long_form["did"], ALICES_LONG);
}

#[tokio::test]
async fn a_key_whose_name_is_taken_changes_nothing() {
    let api = start();
    let before = resolve(&api, ALICES_DID).await;
    for body in [json!({}), json!({"id": "key-1", "purpose": "authentication"})] {
        data(&api.patch(&format!("/api/v1/identity/did/{ALICES_DID}"), body).header("apikey", ALICE).await, StatusCode::OK);
        assert_eq!(resolve(&api, ALICES_DID).await, before);
    }
    let body = json!({"id": "issue-3", "purpose": "issue"});
    data(&api.patch(&format!("/api/v1/identity/did/{ALICES_DID}"), body).header("apikey", ALICE).await, StatusCode::OK);
    let after = resolve(&api, ALICES_DID).await;
    assert_eq!(after["didDocument"]["assertionMethod"].as_array().unwrap().len(), 2);
    assert_ne!(after["didDocumentMetadata"]["versionId"], before["didDocumentMetadata"]["versionId"]);
    assert_eq!(after["didDocumentMetadata"]["updated"], "2026-01-01T00:00:00Z");
}

#[tokio::test]
async fn an_update_that_takes_time_is_confirmed_at_its_time_and_blocks_others_until_then() {
    let api = with_setting("did_update_ms", json!(500));
    let path = format!("/api/v1/identity/did/{ALICES_DID}");
    let update = async |id: &str| api.patch(&path, json!({"id": id})).header("apikey", ALICE).await;
    let count = async || resolve(&api, ALICES_DID).await["didDocument"]["verificationMethod"].as_array().unwrap().len();
    data(&update("issue-3").await, StatusCode::OK);
    api.advance_ms(499);
    assert_eq!(count().await, 2);
    agent_refusal(&update("issue-4").await, 409, &format!("Multiple in-flight update operations are not allowed: {ALICES_DID}"));
    api.advance_ms(1);
    assert_eq!(count().await, 3);
    data(&update("issue-4").await, StatusCode::OK);
    assert_eq!(api.settle()["dids"], 1);
    assert_eq!(count().await, 4);
}
