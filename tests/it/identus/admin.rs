//! Entities, as the administrator sees them.

use http::StatusCode;
use serde_json::{Value, json};

use super::*;

const ALICES_ENTITY: &str = "583d9250-6b70-5004-a9aa-9b2a4dc05947";
const ALICES_WALLET: &str = "4c7c0257-1f90-50aa-9eb7-8c156ec7c1ca";
const PHRASE: &str = "arena side web oyster color female eye surround put motion crumble people host wrist use";

async fn create(api: &Api, body: Value) -> crate::client::Response {
    api.post("/api/v1/admin/entity", body).header("x-admin-api-key", ADMIN).await
}

#[tokio::test]
async fn an_entity_is_created_with_wallet_key_and_did() {
    let api = start();
    let made = data(&create(&api, json!({"name": "carol", "role": "admin"})).await, StatusCode::CREATED);
    assert_eq!(keys(&made), ["id_entity", "id_wallet", "name", "role", "created_at", "key", "public_addr", "longDid"]);
    assert_eq!(
        (&made["name"], &made["role"], &made["created_at"]),
        (&json!("carol"), &json!("admin"), &json!("2026-01-01T00:00:00.000Z"))
    );
    assert_eq!(api.read(text(&made["key"]), "/api/v1/identity/dids").await[0]["longFormDid"], made["longDid"]);

    let path = format!("/api/v1/admin/entity/{}", text(&made["id_entity"]));
    let seen = data(&api.get(&path).header("x-admin-api-key", ADMIN).await, StatusCode::OK);
    assert_eq!(keys(&seen), ["kind", "self", "id", "name", "walletId", "createdAt", "updatedAt"]);
    assert_eq!((&seen["name"], &seen["createdAt"]), (&json!("carol (admin)"), &json!("2026-01-01T00:00:00Z")));
    let all = data(&api.get("/api/v1/admin/entities").header("x-admin-api-key", ADMIN).await, StatusCode::OK);
    let names: Vec<&str> = all.as_array().unwrap().iter().map(|entity| text(&entity["name"])).collect();
    assert_eq!(names, ["alice (admin)", "bob (caller)", "carol (admin)"]);
}

#[tokio::test]
async fn the_key_and_the_did_follow_from_phrase_name_role_and_time() {
    // Alice's fixture made anew, at the moment of her creation, in a world without fixtures.
    let builder = understudy::Understudy::builder().seed(7).frozen_at("2024-10-03T15:20:00Z".parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("identus.json"), r#"{"adminKey":"my-admin-token","wallets":[],"entities":[]}"#).unwrap();
    let api = Api::with("identus", builder.fixtures(folder.path()));
    let made = data(&create(&api, json!({"name": "alice", "role": "admin", "mnemonic": PHRASE})).await, StatusCode::CREATED);
    assert_eq!(made["key"], ALICE);
    assert_eq!(
        made["public_addr"],
        "addr_test1qzmmyn4ny5x5vhe7re9kxudz6fld2hlvmln2f0rhhw6k9xdx3f2jrx33dra3qwwra6m5cmhdkpr30c6eg9qhjkpr27pqhcvr3t"
    );
    assert!(text(&made["longDid"]).starts_with(&format!("{ALICES_DID}:")));
    let again = create(&api, json!({"name": "other", "role": "admin", "mnemonic": PHRASE})).await;
    agent_refusal(&again, 422, "A wallet with the same seed already exist");
}

#[tokio::test]
async fn a_wallet_that_exists_is_used_again() {
    let api = start();
    let body = json!({"name": "twin", "role": "worker", "id_wallet": ALICES_WALLET, "mnemonic": PHRASE});
    let twin = data(&create(&api, body.clone()).await, StatusCode::CREATED);
    assert_eq!(twin["id_wallet"], ALICES_WALLET);
    let dids = api.read(text(&twin["key"]), "/api/v1/identity/dids").await;
    assert_eq!((&dids[0]["did"], &dids[2]["longFormDid"]), (&json!(ALICES_DID), &twin["longDid"]));
    agent_refusal(&create(&api, body).await, 400, "The apikey is in use by another entity");
    // An unknown one is not an error: a new wallet is made.
    let other = data(&create(&api, json!({"name": "x", "id_wallet": NOBODY})).await, StatusCode::CREATED);
    assert_ne!(other["id_wallet"], NOBODY);
    assert_eq!(other["role"], json!(null));
    let nameless = data(&create(&api, json!({"id_wallet": ALICES_WALLET})).await, StatusCode::CREATED);
    assert_eq!(nameless["name"], json!(null));
}

#[tokio::test]
async fn a_new_wallet_needs_a_name() {
    let api = start();
    for (body, what) in
        [(json!({"role": "x"}), "missing required field at 'name'"), (json!({"name": 5}), "expected a String at 'name'")]
    {
        let detail = format!(
            "An error occurred when decoding the request body: path=['POST /wallets/'], details=[Invalid value for: body ({what})]"
        );
        agent_refusal(&create(&api, body).await, 400, &detail);
    }
}

#[tokio::test]
async fn a_removed_entity_loses_its_key_and_its_wallet_stays() {
    let api = start();
    let twin =
        data(&create(&api, json!({"name": "twin", "role": "worker", "id_wallet": ALICES_WALLET})).await, StatusCode::CREATED);
    let path = format!("/api/v1/admin/entity/{}", text(&twin["id_entity"]));
    let removed = api.delete(&path).header("x-admin-api-key", ADMIN).await;
    assert_eq!((removed.text(), removed.header("cache-control")), (r#"{"data":""}"#, "public, max-age=31557600"));
    agent_refusal(&api.get("/api/v1/vc/offers").header("apikey", text(&twin["key"])).await, 401, "Invalid API key");
    assert_eq!(api.read(ALICE, "/api/v1/identity/dids").await.as_array().unwrap().len(), 3);
    let again = api.delete(&path).header("x-admin-api-key", ADMIN).await;
    let detail = format!("There is no entity matching the given identifier: id={}", text(&twin["id_entity"]));
    agent_refusal(&again, 404, &detail);
    for id in [text(&twin["id_entity"]), NOBODY, "nope"] {
        refusal(&api.get(&format!("/api/v1/admin/entity/{id}")).header("x-admin-api-key", ADMIN).await, 404, "Not found");
    }
}

#[tokio::test]
async fn nobody_but_the_administrator_gets_in() {
    let api = start();
    let entity = format!("/api/v1/admin/entity/{ALICES_ENTITY}");
    for key in [None, Some(""), Some("nope"), Some(ALICE)] {
        for (method, path) in [
            (http::Method::GET, "/api/v1/admin"),
            (http::Method::GET, "/api/v1/admin/entities"),
            (http::Method::GET, entity.as_str()),
            (http::Method::DELETE, entity.as_str()),
            (http::Method::POST, "/api/v1/admin/entity"),
        ] {
            let mut call = api.call(method.clone(), path);
            if let Some(key) = key {
                call = call.header("x-admin-api-key", key);
            }
            let refused = call.await;
            assert_eq!(refused.text(), r#"{"data":null,"status":401,"statusText":"Unauthorized"}"#, "{method} {path}");
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        }
    }
    let admin = data(&api.get("/api/v1/admin").header("X-Admin-Api-Key", ADMIN).await, StatusCode::OK);
    let base = api.understudy.provider_url("identus");
    assert_eq!(admin, json!({"isAdmin": true, "host": format!("{base}/"), "agent": format!("{base}/cloud-agent/")}));
}
