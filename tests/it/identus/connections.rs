//! Invitations, and the connections that they become.

use http::StatusCode;
use serde_json::{Value, json};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;

use super::*;

fn oob(connection: &Value) -> &str {
    text(&connection["invitation"]["invitationUrl"]).strip_prefix("https://my.domain.com/path?_oob=").unwrap()
}

async fn states(api: &Api, inviter: &Value, invitee: &Value) -> (String, String) {
    let state = async |key: &str, side: &Value| {
        text(&api.read(key, &format!("/api/v1/p2p/{}", text(&side["connectionId"]))).await["state"]).to_owned()
    };
    (state(ALICE, inviter).await, state(BOB, invitee).await)
}

#[tokio::test]
async fn an_invitation_becomes_a_connection_step_by_step() {
    let api = start();
    let invited = api.make(ALICE, "/api/v1/p2p/invite", json!({"from": "alice"})).await;
    let expected =
        ["connectionId", "thid", "label", "goal", "role", "state", "invitation", "createdAt", "metaRetries", "self", "kind"];
    assert_eq!(keys(&invited), expected);
    assert_eq!((&invited["label"], &invited["state"]), (&json!("p2p initiated by alice"), &json!("InvitationGenerated")));
    assert_eq!((&invited["connectionId"], &invited["self"]), (&invited["thid"], &invited["thid"]));
    let invitation = String::from_utf8(BASE64_URL_SAFE.decode(oob(&invited)).unwrap()).unwrap();
    assert_eq!(
        invitation,
        format!(
            r#"{{"id":{},"type":"https://didcomm.org/out-of-band/2.0/invitation","from":{},"body":{{"goal":"p2p connection","accept":[]}}}}"#,
            invited["thid"], invited["invitation"]["from"]
        )
    );

    let accepted = api.make(BOB, "/api/v1/p2p/accept", json!({"invitation": oob(&invited)})).await;
    let expected = [
        "connectionId",
        "thid",
        "goal",
        "myDid",
        "theirDid",
        "role",
        "state",
        "invitation",
        "createdAt",
        "updatedAt",
        "metaRetries",
        "self",
        "kind",
    ];
    assert_eq!(keys(&accepted), expected);
    assert_eq!((&accepted["thid"], &accepted["theirDid"]), (&invited["thid"], &invited["invitation"]["from"]));
    assert_ne!(accepted["connectionId"], invited["connectionId"]);
    for (ms, inviter, invitee) in [
        (199, "InvitationGenerated", "ConnectionRequestPending"),
        (1, "ConnectionResponsePending", "ConnectionRequestSent"),
        (199, "ConnectionResponsePending", "ConnectionRequestSent"),
        (1, "ConnectionResponseSent", "ConnectionResponseReceived"),
    ] {
        api.advance_ms(ms);
        assert_eq!(states(&api, &invited, &accepted).await, (inviter.to_owned(), invitee.to_owned()));
    }
    let established = api.read(ALICE, &format!("/api/v1/p2p/{}", text(&invited["connectionId"]))).await;
    assert_eq!((&established["theirDid"], &established["myDid"]), (&accepted["myDid"], &invited["invitation"]["from"]));
    assert_eq!(api.read(ALICE, "/api/v1/p2p").await.as_array().unwrap().len(), 2);

    let body = json!({"connection": accepted["connectionId"], "author": BOBS_DID});
    let refused = api.post("/api/v1/vc/offer-noschema", body).header("apikey", BOB).await;
    agent_refusal(&refused, 400, &format!("AssertionMethod key not found for the {BOBS_DID}"));
}

#[tokio::test]
async fn an_invitation_can_be_used_for_three_hundred_seconds() {
    // The request arrives one step after acceptance.
    for (wait, inviter, invitee) in [
        (300_000 - 200, "ConnectionResponseSent", "ConnectionResponseReceived"),
        (300_000 - 199, "InvitationExpired", "ConnectionRequestSent"),
    ] {
        let api = start();
        let invited = api.make(ALICE, "/api/v1/p2p/invite", json!({})).await;
        api.advance_ms(wait);
        assert_eq!(
            api.read(ALICE, &format!("/api/v1/p2p/{}", text(&invited["connectionId"]))).await["state"],
            "InvitationGenerated"
        );
        let accepted = api.make(BOB, "/api/v1/p2p/accept", json!({"invitation": oob(&invited)})).await;
        api.advance_ms(60_000);
        assert_eq!(states(&api, &invited, &accepted).await, (inviter.to_owned(), invitee.to_owned()), "{wait}");
        assert_eq!(api.settle()["connections"], 0);
    }
}

#[tokio::test]
async fn invitations_that_cannot_be_used_are_refused() {
    let api = start();
    let carol = api.entity("carol").await;
    let invited = api.make(ALICE, "/api/v1/p2p/invite", json!({})).await;
    assert_eq!(invited["label"], "p2p initiated by Anon");
    let accept = async |key: &str, body: Value| api.post("/api/v1/p2p/accept", body).header("apikey", key).await;
    let call = "POST /connection-invitations/";
    let missing = format!(
        "An error occurred when decoding the request body: path=['{call}'], details=[Invalid value for: body (missing required field at 'invitation')]"
    );
    agent_refusal(&accept(BOB, json!({})).await, 400, &missing);
    let unexpected = format!("An unexpected error occurred when processing the request: path=['{call}']");
    agent_refusal(&accept(BOB, json!({"invitation": "++"})).await, 500, &unexpected);
    for content in ["nope", "{}", "[]", ""] {
        let refused = accept(BOB, json!({"invitation": BASE64_URL_SAFE.encode(content)})).await.json();
        let start = "Request failed with status code 400 - An error occurred while parsing the invitation content: cause=[";
        assert!(text(&refused["message"]).starts_with(start), "{content}: {refused}");
    }
    let used = format!("The provided invitation has already been used: invitationId={}", text(&invited["thid"]));
    agent_refusal(&accept(ALICE, json!({"invitation": oob(&invited)})).await, 400, &used);
    let unpadded = oob(&invited).trim_end_matches('=').to_owned();
    let first = api.make(BOB, "/api/v1/p2p/accept", json!({"invitation": unpadded})).await;
    agent_refusal(&accept(BOB, json!({"invitation": oob(&invited)})).await, 400, &used);

    // Whoever comes second is not answered.
    let second = data(&accept(text(&carol["key"]), json!({"invitation": oob(&invited)})).await, StatusCode::CREATED);
    api.settle();
    let path = format!("/api/v1/p2p/{}", text(&second["connectionId"]));
    assert_eq!(api.read(text(&carol["key"]), &path).await["state"], "ConnectionRequestSent");
    let (inviter, invitee) = states(&api, &invited, &first).await;
    assert_eq!((inviter.as_str(), invitee.as_str()), ("ConnectionResponseSent", "ConnectionResponseReceived"));

    // Nobody here made this one, so nobody answers.
    let foreign = format!(r#"{{"id":"{NOBODY}","type":"t","from":"did:peer:2.x","body":{{}}}}"#);
    let waiting = api.make(BOB, "/api/v1/p2p/accept", json!({"invitation": BASE64_URL_SAFE.encode(foreign)})).await;
    api.settle();
    let path = format!("/api/v1/p2p/{}", text(&waiting["connectionId"]));
    assert_eq!(api.read(BOB, &path).await["state"], "ConnectionRequestSent");
}

#[tokio::test]
async fn a_label_has_255_characters_at_most() {
    let api = start();
    let name = |length: usize| "é".repeat(length - "p2p initiated by ".len());
    api.make(ALICE, "/api/v1/p2p/invite", json!({"from": name(255)})).await;
    let refused = api.post("/api/v1/p2p/invite", json!({"from": name(256)})).header("apikey", ALICE).await;
    agent_refusal(&refused, 400, "The label must not be longer than 255 characters");
}

#[tokio::test]
async fn a_connection_is_seen_by_its_own_side_only() {
    let api = start();
    let none = |id: &str| format!("There is no connection record matching the provided identifier: recordId={id}");
    let get = async |key: &str, id: &str| api.get(&format!("/api/v1/p2p/{id}")).header("apikey", key).await;
    assert_eq!(data(&get(ALICE, CONNECTION).await, StatusCode::OK)["state"], "ConnectionResponseSent");
    assert_eq!(data(&get(ALICE, &CONNECTION.to_uppercase()).await, StatusCode::OK)["connectionId"], CONNECTION);
    assert_eq!(data(&get(BOB, BOBS_CONNECTION).await, StatusCode::OK)["thid"], CONNECTION);
    agent_refusal(&get(BOB, CONNECTION).await, 404, &none(CONNECTION));
    agent_refusal(&get(ALICE, NOBODY).await, 404, &none(NOBODY));
    agent_refusal(&get(ALICE, "nope").await, 404, "The requested resource path doesn't exist.");
}

#[tokio::test]
async fn a_custodial_connection_is_established_at_once() {
    let api = start();
    let body = json!({"key_peer1": ALICE, "key_peer2": BOB, "name_peer1": "osais", "name_peer2": "ping"});
    let connect = async |body: &Value| api.post("/api/v1/p2p/custodial/connect", body).await;
    let made = data(&connect(&body).await, StatusCode::CREATED);
    let expected = ["from", "anonDidFrom", "connection_id_from", "to", "anonDidTo", "connection_id_to", "thid", "isAccepted"];
    assert_eq!(keys(&made), expected);
    assert_eq!((&made["from"], &made["to"], &made["isAccepted"]), (&json!("osais"), &json!("ping"), &json!(true)));
    assert_eq!(made["connection_id_from"], made["thid"]);
    let inviter = api.read(ALICE, &format!("/api/v1/p2p/{}", text(&made["connection_id_from"]))).await;
    assert_eq!(inviter["label"], "p2p initiated by osais for ping");
    assert_eq!((&inviter["myDid"], &inviter["theirDid"]), (&made["anonDidFrom"], &made["anonDidTo"]));
    assert_ne!(data(&connect(&body).await, StatusCode::CREATED)["thid"], made["thid"], "a new one each time");

    for (field, value, status, detail) in [
        ("key_peer1", json!("nope"), 401, "Invalid API key"),
        ("key_peer1", json!(null), 401, "ApiKey key is not provided"),
        ("key_peer2", json!("nope"), 401, "Invalid API key"),
    ] {
        let mut body = body.clone();
        body[field] = value;
        agent_refusal(&connect(&body).await, status, detail);
    }
    let mut own = body.clone();
    own["key_peer2"] = json!(ALICE);
    let refused = connect(&own).await.json();
    assert!(text(&refused["message"]).contains("The provided invitation has already been used"), "{refused}");
}
