//! Schemas and definitions.

use http::StatusCode;
use serde_json::{Value, json};

use super::*;

fn schema() -> Value {
    json!({"name": "AI identity card", "description": "Who an AI is", "author": ALICES_DID, "aTag": ["ai"],
        "aProp": [{"name": "uid", "type": "string", "isRequired": true}, {"name": "url", "type": "string"}]})
}

#[tokio::test]
async fn a_schema_is_created_and_read() {
    let api = start();
    let made = api.make(ALICE, "/api/v1/schema", schema()).await;
    let expected =
        ["guid", "id", "longId", "name", "version", "tags", "description", "type", "schema", "author", "authored", "kind", "self"];
    assert_eq!(keys(&made), expected);
    assert_eq!((&made["name"], &made["version"], &made["tags"]), (&json!("AI_identity_card"), &json!("1.0.0"), &json!(["ai"])));
    assert_eq!(made["longId"], format!("{ALICES_DID}/{}?version=1.0.0", text(&made["id"])));
    let base = api.understudy.provider_url("identus");
    assert_eq!(
        made["schema"],
        json!({"$id": format!("{base}/assets/schema/AI_identity_card_1_0_0.json"), "$schema": "https://json-schema.org/draft/2020-12/schema",
            "description": "Who an AI is", "type": "object", "properties": {"uid": {"type": "string"}, "url": {"type": "string"}},
            "required": ["uid"], "additionalProperties": true})
    );
    assert_eq!(api.read(ALICE, &format!("/api/v1/schema/{}", text(&made["guid"]))).await, made);
    assert_eq!(api.read(ALICE, "/api/v1/schema").await, json!([made]));
    assert_eq!(api.read(BOB, "/api/v1/schema").await, json!([]));
    let unknown = api.get(&format!("/api/v1/schema/{}", text(&made["guid"]))).header("apikey", BOB).await;
    agent_refusal(&unknown, 404, &format!("Credential Schema record cannot be found by guid={}", text(&made["guid"])));
}

#[tokio::test]
async fn another_version_of_a_schema_is_stored_beside_the_first() {
    let api = start();
    let made = api.make(ALICE, "/api/v1/schema", schema()).await;
    let path = format!("/api/v1/schema/{}", text(&made["id"]));
    let update = async |path: &str, body: Value| api.patch(path, body).header("apikey", ALICE).await;
    let same = update(&path, schema()).await;
    agent_refusal(&same, 409, &format!("Credential Schema record with id={} and version=1.0.0 already exists", text(&made["id"])));
    let mut newer = schema();
    newer["version"] = json!("1.1.0");
    let newer = data(&update(&path, newer).await, StatusCode::OK);
    assert_eq!((&newer["id"], &newer["version"]), (&made["id"], &json!("1.1.0")));
    assert_eq!(api.read(ALICE, "/api/v1/schema").await, json!([made, newer]));
    let unknown = update(&format!("/api/v1/schema/{NOBODY}"), schema()).await;
    agent_refusal(&unknown, 404, &format!("Credential Schema record cannot be found by id={NOBODY}"));
}

#[tokio::test]
async fn a_schema_or_definition_without_a_needed_field_is_refused() {
    let api = start();
    for field in ["name", "description", "author", "aProp"] {
        let mut body = schema();
        body[field] = json!(null);
        refusal(&api.post("/api/v1/schema", &body).header("apikey", ALICE).await, 400, "Bad params for creating Schema");
        let path = format!("/api/v1/schema/{NOBODY}");
        refusal(&api.patch(&path, &body).header("apikey", ALICE).await, 400, "Bad params for creating Schema");
        let several = json!({"aSchema": [schema(), body]});
        refusal(&api.post("/api/v1/schema/install", several).header("apikey", ALICE).await, 400, "Bad params for creating Schema");
    }
    for body in [json!({}), json!({"aSchema": "x"}), json!({"aSchema": [5]})] {
        refusal(&api.post("/api/v1/schema/install", body).header("apikey", ALICE).await, 400, "Bad params for creating Schema");
    }
    assert_eq!(api.read(ALICE, "/api/v1/schema").await, json!([]));
    let definition = json!({"name": "AI", "description": "Of an AI", "author": ALICES_DID, "location": "http://x/schema"});
    for field in ["name", "description", "author", "location"] {
        let mut body = definition.clone();
        body[field] = json!("");
        refusal(&api.post("/api/v1/definition", body).header("apikey", ALICE).await, 400, "Bad params for creating VC Definition");
    }
}

#[tokio::test]
async fn an_installation_creates_what_is_new_and_updates_what_has_another_version() {
    let api = start();
    let install = async |schemas: Value| api.make(ALICE, "/api/v1/schema/install", json!({"aSchema": schemas})).await;
    let (first, mut newer) = (schema(), schema());
    newer["version"] = json!("2.0.0");
    assert_eq!(install(json!([first])).await, json!({"aRegistered": ["AI_identity_card"], "aUpdated": []}));
    assert_eq!(install(json!([first, newer])).await, json!({"aRegistered": [], "aUpdated": ["AI_identity_card"]}));
    assert_eq!(install(json!([first, newer])).await, json!({"aRegistered": [], "aUpdated": []}));
    let all = api.read(ALICE, "/api/v1/schema").await;
    assert_eq!((all[0]["id"] == all[1]["id"], all.as_array().unwrap().len()), (true, 2));
}

#[tokio::test]
async fn a_definition_is_created_and_read() {
    let api = start();
    let body = json!({"name": "AI", "description": "Of an AI", "author": ALICES_DID, "location": "http://x/schema"});
    let made = api.make(ALICE, "/api/v1/definition", body).await;
    let expected = [
        "guid",
        "id",
        "longId",
        "name",
        "version",
        "tag",
        "description",
        "author",
        "authored",
        "schemaId",
        "definition",
        "keyCorrectnessProof",
        "signatureType",
        "supportRevocation",
        "kind",
        "self",
    ];
    assert_eq!(keys(&made), expected);
    assert_eq!((&made["schemaId"], &made["tag"], &made["version"]), (&json!("http://x/schema"), &json!(""), &json!("1.0.0")));
    assert_eq!(api.read(ALICE, "/api/v1/definition").await, json!([made]));
    assert_eq!(api.read(ALICE, &format!("/api/v1/definition/{}", text(&made["guid"]))).await, made);
    assert_eq!(api.read(BOB, "/api/v1/definition").await, json!([]));
    let unknown = api.get(&format!("/api/v1/definition/{NOBODY}")).header("apikey", ALICE).await;
    agent_refusal(&unknown, 404, &format!("Credential Definition record cannot be found by guid={NOBODY}"));
}
