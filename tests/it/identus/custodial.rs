//! A whole issuance in one call.

use http::StatusCode;
use serde_json::{Value, json};

use super::verify;
use super::*;

const ISSUE: &str = "/api/v1/vc/issuance/custodial";

fn body(claims: Value) -> Value {
    json!({"connection": CONNECTION, "key_peer1": ALICE, "key_peer2": BOB, "did_peer1": ALICES_DID, "did_peer2": BOBS_DID, "claims": claims})
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[tokio::test]
async fn a_form_issues_at_once_the_same_again_reuses_and_without_reuse_issues_anew() {
    let api = start();
    let mut form = vec![
        ("connection", CONNECTION),
        ("key_peer1", ALICE),
        ("key_peer2", BOB),
        ("did_peer1", ALICES_DID),
        ("did_peer2", BOBS_DID),
        ("claims", r#"{"claim_type":"identity","name":"SDXL"}"#),
    ];
    let send = async |form: &[(&str, &str)]| {
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let made = api.post(ISSUE, encoded.as_str()).header("content-type", "application/x-www-form-urlencoded").await;
        data(&made, StatusCode::CREATED)
    };
    let first = send(&form).await;
    assert_eq!(keys(&first), ["wasOffered", "wasAccepted", "vc"]);
    assert_eq!((&first["wasOffered"], &first["wasAccepted"]), (&json!(true), &json!(true)));
    let vc = &first["vc"];
    assert_eq!(
        (&vc["role"], &vc["protocolState"], &vc["subjectId"]),
        (&json!("Holder"), &json!("CredentialReceived"), &json!(BOBS_DID))
    );
    let payload = verify::credential(&api, &verify::jwt(&vc["credential"])).await;
    assert_eq!(payload["exp"].as_i64().unwrap() - payload["nbf"].as_i64().unwrap(), 2_592_000);

    let again = send(&form).await;
    assert_eq!(again, json!({"recordId": vc["recordId"], "vc": vc}));

    form.push(("noDuplicate", "false"));
    let second = send(&form).await;
    assert_ne!(second["vc"]["thid"], vc["thid"]);
    let index = |vc: &Value| verify::payload(&verify::jwt(&vc["credential"]))["vc"]["credentialStatus"]["statusListIndex"].clone();
    assert_eq!((index(vc), index(&second["vc"])), (json!(27), json!(28)));
    assert_eq!(api.read(BOB, "/api/v1/vc/match/identity").await["recordId"], vc["recordId"], "a match is the oldest");
    form.pop();
    api.advance_ms(1000);
    assert_eq!(send(&form).await["recordId"], second["vc"]["recordId"], "the newest is reused");
}

#[tokio::test]
async fn the_published_example_is_reused() {
    let api = start();
    let reused = data(&api.post(ISSUE, body(json!({"claim_type": "test"}))).await, StatusCode::CREATED);
    assert_eq!(reused["recordId"], CREDENTIAL_RECEIVED);
}

#[tokio::test]
async fn only_what_javascript_takes_for_false_turns_reuse_off() {
    let api = start();
    for (value, reused) in [
        (json!(null), true),
        (json!(true), true),
        (json!("true"), true),
        (json!("False"), true),
        (json!(1), true),
        (json!({}), true),
        (json!(false), false),
        (json!("false"), false),
        (json!(0), false),
        (json!("0"), false),
        (json!(""), false),
    ] {
        let made = api.post(ISSUE, with(body(json!({"claim_type": "test"})), "noDuplicate", value.clone())).await;
        assert_eq!(data(&made, StatusCode::CREATED).get("wasOffered").is_none(), reused, "{value}");
    }
    // Without a claim type there is nothing to find.
    for claims in [json!({}), json!({"claim_type": ""}), json!({"claim_type": 0}), json!("{bad")] {
        assert_eq!(data(&api.post(ISSUE, body(claims.clone())).await, StatusCode::CREATED)["wasOffered"], true, "{claims}");
    }
}

#[tokio::test]
async fn a_missing_field_is_refused_before_anything_happens() {
    let api = start();
    for field in ["connection", "key_peer1", "key_peer2", "did_peer1", "did_peer2"] {
        for value in [json!(null), json!(""), json!(0), json!(false)] {
            let refused = api.post(ISSUE, with(body(json!({})), field, value)).await;
            refusal(&refused, 400, "Bad data for creation of custodial Creds");
        }
    }
    refusal(&api.post(ISSUE, ()).await, 400, "Bad data for creation of custodial Creds");
    assert_eq!(api.read(ALICE, "/api/v1/vc/offers").await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_steps_before_it() {
    let api = start();
    let carol = api.entity("carol").await;
    let unknown = format!("did:prism:{}", "0".repeat(64));
    let not_found = "Offer just issued by issuer cannot be found by holder after a delay of 4.75 secs";
    let keyless = api.make(BOB, "/api/v1/identity/did", json!({"purpose": "issue"})).await;
    for (field, value, status, message, left) in [
        ("key_peer1", json!("nope"), 500, "Request failed with status code 401 - Invalid API key".to_owned(), None),
        (
            "connection",
            json!("nope"),
            500,
            "Request failed with status code 400 - An error occurred when decoding the request body: path=['POST /issue-credentials/credential-offers/'], details=[Invalid value for: body (Invalid UUID: nope at 'connectionId')]".to_owned(),
            None,
        ),
        (
            "did_peer1",
            json!(BOBS_DID),
            500,
            format!("Request failed with status code 400 - AssertionMethod key not found for the {BOBS_DID}"),
            None,
        ),
        ("key_peer2", json!("nope"), 500, "Request failed with status code 401 - Invalid API key".to_owned(), Some("OfferSent")),
        ("key_peer2", carol["key"].clone(), 404, not_found.to_owned(), Some("OfferSent")),
        (
            "did_peer2",
            json!(unknown),
            500,
            String::new(),
            Some("OfferSent"),
        ),
        (
            "did_peer2",
            json!(short(&keyless["longDid"])),
            500,
            format!("Request failed with status code 400 - Authentication key not found for the {}", short(&keyless["longDid"])),
            Some("OfferSent"),
        ),
    ] {
        let before = api.read(ALICE, "/api/v1/vc/offers").await.as_array().unwrap().len();
        let refused = api.post(ISSUE, with(body(json!({"claim_type": "new"})), field, value.clone())).await;
        if message.is_empty() {
            assert!(text(&refused.json()["message"]).contains("/accept-offer']"), "{}", refused.text());
        } else {
            refusal(&refused, status, &message);
        }
        let after = api.read(ALICE, "/api/v1/vc/offers").await;
        let new = &after.as_array().unwrap()[before..];
        let states: Vec<&str> = new.iter().map(|record| text(&record["protocolState"])).collect();
        assert_eq!(states, left.into_iter().collect::<Vec<_>>(), "{field}: {value}");
    }
}

#[tokio::test]
async fn other_threads_are_left_alone() {
    let api = start();
    let other = api.offer(json!({})).await;
    api.credential(json!({})).await;
    assert_eq!(api.state(ALICE, &other["thid"]).await, "OfferPending");
    api.advance_ms(200);
    assert_eq!(api.state(ALICE, &other["thid"]).await, "OfferSent");
}

#[tokio::test]
async fn two_new_entities_can_issue_to_each_other() {
    let api = start();
    let create = async |name: &str, role: &str| {
        let made = api.post("/api/v1/admin/entity", json!({"name": name, "role": role})).header("x-admin-api-key", ADMIN).await;
        data(&made, StatusCode::CREATED)
    };
    let (carol, dave) = (create("carol", "admin").await, create("dave", "caller").await);
    let (kc, kd) = (text(&carol["key"]), text(&dave["key"]));
    let status = async |key: &str| text(&api.read(key, "/api/v1/identity/dids").await[0]["status"]).to_owned();
    assert_eq!(status(kc).await, "PUBLICATION_PENDING");
    api.advance_ms(999);
    assert_eq!(status(kd).await, "PUBLICATION_PENDING");
    api.advance_ms(1);
    assert_eq!((status(kc).await.as_str(), status(kd).await.as_str()), ("PUBLISHED", "PUBLISHED"));

    let names = json!({"key_peer1": kc, "key_peer2": kd, "name_peer1": "carol", "name_peer2": "dave"});
    let connected = data(&api.post("/api/v1/p2p/custodial/connect", names).await, StatusCode::CREATED);
    assert_eq!(connected["isAccepted"], true);
    let body = json!({"connection": connected["connection_id_from"], "key_peer1": kc, "key_peer2": kd,
        "did_peer1": short(&carol["longDid"]), "did_peer2": short(&dave["longDid"]), "claims": {"claim_type": "identity"}});
    let refused = api.post(ISSUE, body.clone()).await;
    agent_refusal(&refused, 400, &format!("AssertionMethod key not found for the {}", short(&carol["longDid"])));

    let path = format!("/api/v1/identity/did/{}", short(&carol["longDid"]));
    let updated = data(&api.patch(&path, json!({})).header("apikey", kc).await, StatusCode::OK);
    assert_eq!(updated, json!({"did": short(&carol["longDid"]), "wasUpdated": true}));
    let issued = data(&api.post(ISSUE, body).await, StatusCode::CREATED);
    let payload = verify::credential(&api, &verify::jwt(&issued["vc"]["credential"])).await;
    assert_eq!(payload["vc"]["credentialStatus"]["statusListIndex"], 1, "a list of its own for each wallet");
}

#[tokio::test]
async fn both_sides_may_be_one_wallet() {
    let mut fixture: Value = serde_json::from_str(include_str!("../../../fixtures/identus.json")).unwrap();
    fixture["connections"][0]["invitee"]["wallet"] = fixture["wallets"][0]["id"].clone();
    fixture["records"] = json!([]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("identus.json"), fixture.to_string()).unwrap();
    let api = Api::with("identus", builder().fixtures(folder.path()));
    let mut own = body(json!({"claim_type": "own"}));
    own["key_peer2"] = json!(ALICE);
    own["did_peer2"] = json!(ALICES_DID);
    let issued = data(&api.post(ISSUE, own).await, StatusCode::CREATED);
    assert_eq!((&issued["vc"]["role"], &issued["vc"]["protocolState"]), (&json!("Holder"), &json!("CredentialReceived")));
    let both = api.read(ALICE, &format!("/api/v1/vc/offers?thid={}", text(&issued["vc"]["thid"]))).await;
    let roles: Vec<&str> = both.as_array().unwrap().iter().map(|record| text(&record["role"])).collect();
    assert_eq!(roles, ["Issuer", "Holder"]);
    verify::credential(&api, &verify::jwt(&issued["vc"]["credential"])).await;
}

#[tokio::test]
async fn the_answer_comes_as_late_as_it_is_told_to_though_the_work_is_done() {
    let api = with_setting("custodial_wait_ms", json!(400));
    let call = api.post(ISSUE, body(json!({"claim_type": "late"}))).into_future();
    let answered = tokio::time::timeout(std::time::Duration::from_millis(800), call).await;
    assert!(answered.is_err(), "three times 400 ms are not over");
    let found = api.read(BOB, "/api/v1/vc/match/late").await;
    assert_eq!(found["vc"]["protocolState"], "CredentialReceived");
    let carol = api.entity("carol").await;
    let refused = api.post(ISSUE, with(body(json!({})), "key_peer2", carol["key"].clone())).await;
    refusal(&refused, 404, "Offer just issued by issuer cannot be found by holder after a delay of 0.4 secs");
}
