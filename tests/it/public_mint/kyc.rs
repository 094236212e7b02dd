//! KYC: the sandbox's decisions, what staff and providers do, and the operations that follow.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};
use understudy::http::Refusal;

use super::{
    ANA, BINGEN, GRACE, JOAO, JOHN, NOBODY, PRIYA, assert_error, assert_invalid, builder, create, id_of, maria, read, start,
    start_with, with,
};
use crate::client::Client;
use crate::harness::Api;

/// Status of each operation, by code.
async fn statuses(client: &Client, id: &str) -> Vec<String> {
    let answer = client.get(&format!("/identities/{id}/operations")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let data = answer.json()["data"].clone();
    data.as_array().unwrap().iter().map(|operation| operation["status"].as_str().unwrap().to_owned()).collect()
}

/// Types of the webhooks sent so far.
fn sent(api: &Api) -> Vec<String> {
    let messages = api.understudy.messages(None).unwrap();
    let events = messages.iter().map(|message| serde_json::from_str::<Value>(&message.body).unwrap());
    events.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

fn kyc(status: &str, exceptions: &[&str]) -> Value {
    json!([{"exceptions": exceptions, "provider": "PrimeTrust", "status": status}])
}

#[tokio::test]
async fn operations_follow_the_opinion_of_kyc_and_the_block() {
    let api = start();
    for (id, expected) in
        [(ANA, "active"), (JOAO, "pending"), (JOHN, "inactive"), (GRACE, "inactive"), (PRIYA, "pending"), (BINGEN, "pending")]
    {
        assert_eq!(statuses(&api, id).await, [expected; 4], "{id}");
    }
}

#[tokio::test]
async fn the_sandbox_decides_from_any_state() {
    for (id, decision, expected, webhooks) in [
        (JOAO, "approve", kyc("approved", &[]), vec!["identityVerificationUpdated", "operationActivated"]),
        (PRIYA, "approve", kyc("approved", &[]), vec!["identityVerificationUpdated", "operationActivated"]),
        (JOHN, "approve", kyc("approved", &[]), vec!["identityVerificationUpdated", "operationActivated"]),
        (ANA, "approve", kyc("approved", &[]), vec![]),
        (
            JOAO,
            "reject",
            kyc("rejected", &["manual_review_required"]),
            vec!["identityVerificationUpdated", "identityExceptionRaised"],
        ),
        (
            PRIYA,
            "reject",
            kyc("rejected", &["manual_review_required"]),
            vec!["identityVerificationUpdated", "identityExceptionRaised"],
        ),
        (
            ANA,
            "reject",
            kyc("rejected", &["manual_review_required"]),
            vec!["identityVerificationUpdated", "identityExceptionRaised"],
        ),
        (JOHN, "reject", kyc("rejected", &["manual_review_required"]), vec![]),
    ] {
        let case = format!("{decision} {id}");
        let api = start();
        let before = read(&api, id).await;
        let answer = api.post(&format!("/sandbox/identities/{decision}"), json!({"identityId": id.to_uppercase()})).await;
        assert_eq!(answer.status, StatusCode::OK, "{case}");
        let after = read(&api, id).await;
        assert_eq!(after["kycStatus"], expected, "{case}");
        assert_eq!(after["identityConfirmed"], decision == "approve", "{case}");
        let changed = before["kycStatus"] != after["kycStatus"];
        let updated = if changed { json!("2026-01-02T03:04:05.678Z") } else { before["updatedAt"].clone() };
        assert_eq!(after["updatedAt"], updated, "{case}");
        assert_eq!(sent(&api), webhooks, "{case}");
        let operations = if decision == "approve" { "active" } else { "inactive" };
        assert_eq!(statuses(&api, id).await, [operations; 4], "{case}");
    }
}

#[tokio::test]
async fn a_rejection_carries_reasons_and_a_second_one_replaces_them() {
    let api = start();
    let reject = |exceptions: Value| api.post("/sandbox/identities/reject", json!({"identityId": JOAO, "exceptions": exceptions}));
    assert_eq!(reject(json!(["document_blurred", "name_mismatch"])).await.status, StatusCode::OK);
    assert_eq!(read(&api, JOAO).await["kycStatus"], kyc("rejected", &["document_blurred", "name_mismatch"]));
    assert_eq!(reject(json!([])).await.status, StatusCode::OK);
    assert_eq!(read(&api, JOAO).await["kycStatus"], kyc("rejected", &[]));
    assert_eq!(sent(&api), ["identityVerificationUpdated", "identityExceptionRaised"]);
}

#[tokio::test]
async fn a_blocked_identity_is_approved_without_operations() {
    let api = start();
    api.understudy.simulate("publicmint", "set-blocked", json!({"identityId": JOAO, "blocked": true})).unwrap();
    assert_eq!(api.post("/sandbox/identities/approve", json!({"identityId": JOAO})).await.status, StatusCode::OK);
    assert_eq!(read(&api, JOAO).await["identityConfirmed"], true);
    assert_eq!(statuses(&api, JOAO).await, ["inactive"; 4]);
    assert_eq!(sent(&api), ["identityVerificationUpdated"]);
    api.understudy.simulate("publicmint", "set-blocked", json!({"identityId": JOAO, "blocked": false})).unwrap();
    assert_eq!(statuses(&api, JOAO).await, ["active"; 4]);
}

#[tokio::test]
async fn the_sandbox_finds_an_identity_by_id_by_address_or_by_both() {
    let api = start();
    for body in [
        json!({"email": "FOOBAR@publicmint.com"}),
        json!({"identityId": JOAO, "email": "foobar@PublicMint.com"}),
        json!({"identityId": JOAO}),
    ] {
        assert_eq!(api.post("/sandbox/identities/approve", &body).await.status, StatusCode::OK, "{body}");
        assert_eq!(read(&api, JOAO).await["kycStatus"], kyc("approved", &[]));
        assert_eq!(api.post("/sandbox/identities/reject", &body).await.status, StatusCode::OK, "{body}");
    }
    for body in [
        json!({"identityId": NOBODY}),
        json!({"email": "nobody@example.com"}),
        json!({"email": ""}),
        json!({"identityId": JOAO, "email": "ana.ribeiro@example.com"}),
        json!({"identityId": JOAO, "email": "nobody@example.com"}),
        json!({"identityId": NOBODY, "email": "foobar@publicmint.com"}),
    ] {
        for path in ["/sandbox/identities/approve", "/sandbox/identities/reject"] {
            assert_error(&api.post(path, &body).await, 404, "identity_not_found", "Identity not found");
        }
    }
}

#[tokio::test]
async fn the_sandbox_refuses_what_names_nobody() {
    let api = start();
    for (case, body, expected) in [
        ("nothing", json!({}), json!({"identityId": "required"})),
        ("no uuid", json!({"identityId": "x"}), json!({"identityId": "invalid_format"})),
        ("number", json!({"identityId": 1}), json!({"identityId": "invalid_type"})),
        ("null", json!({"identityId": null}), json!({"identityId": "invalid_type"})),
        ("address: number", json!({"email": 1}), json!({"email": "invalid_type"})),
        ("address: null", json!({"email": null}), json!({"email": "invalid_type"})),
        ("more", json!({"identityId": JOAO, "reason": "x"}), json!({"reason": "additional_property"})),
        ("all", json!({"id": JOAO, "email": []}), json!({"email": "invalid_type", "id": "additional_property"})),
    ] {
        for path in ["/sandbox/identities/approve", "/sandbox/identities/reject"] {
            assert_invalid(case, &api.post(path, &body).await, &expected);
        }
    }
    let with_exceptions = |exceptions: Value| json!({"identityId": JOAO, "exceptions": exceptions});
    let answer = api.post("/sandbox/identities/approve", with_exceptions(json!(["x"]))).await;
    assert_invalid("approved for a reason", &answer, &json!({"exceptions": "additional_property"}));
    for (case, exceptions, expected) in [
        ("null", json!(null), json!({"exceptions": "invalid_type"})),
        ("text", json!("x"), json!({"exceptions": "invalid_type"})),
        ("items", json!(["x", " ", 1]), json!({"exceptions[1]": "not_blank", "exceptions[2]": "invalid_type"})),
    ] {
        assert_invalid(case, &api.post("/sandbox/identities/reject", with_exceptions(exceptions)).await, &expected);
    }
    assert_eq!(read(&api, JOAO).await["kycStatus"], kyc("pending", &[]));
}

#[tokio::test]
async fn a_decision_may_take_its_time() {
    let api = start_with(builder().setting("publicmint", "sandboxDelayMs", json!(60_000)));
    let approve = json!({"identityId": JOAO});
    assert_eq!(api.post("/sandbox/identities/approve", &approve).await.text(), r#"{"message":"Identity sent to approval"}"#);
    api.understudy.advance(TimeDelta::milliseconds(59_999)).unwrap();
    assert_eq!(read(&api, JOAO).await["kycStatus"], kyc("pending", &[]));
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    let after = read(&api, JOAO).await;
    assert_eq!(after["kycStatus"], kyc("approved", &[]));
    assert_eq!(after["updatedAt"], "2026-01-02T03:05:05.678Z");
    assert_eq!(sent(&api), ["identityVerificationUpdated", "operationActivated"]);

    // A later decision takes the place of one that waits.
    api.post("/sandbox/identities/approve", json!({"identityId": JOHN})).await;
    api.understudy.advance(TimeDelta::seconds(30)).unwrap();
    api.post("/sandbox/identities/reject", json!({"identityId": JOHN, "exceptions": ["x"]})).await;
    api.understudy.advance(TimeDelta::seconds(30)).unwrap();
    assert_eq!(read(&api, JOHN).await["kycStatus"], kyc("rejected", &["manual_review_required"]));
    api.understudy.advance(TimeDelta::seconds(30)).unwrap();
    assert_eq!(read(&api, JOHN).await["kycStatus"], kyc("rejected", &["x"]));

    // Of a deleted identity nothing is decided.
    api.post("/sandbox/identities/approve", json!({"identityId": PRIYA})).await;
    api.delete(&format!("/identities/{PRIYA}")).await;
    let webhooks = sent(&api);
    assert_eq!(api.understudy.advance(TimeDelta::minutes(2)).unwrap().len(), 1);
    assert_eq!(sent(&api), webhooks);
}

#[tokio::test]
async fn production_has_no_sandbox() {
    let api = start();
    for (host, status) in [("api.sandbox.publicmint.io", 200), ("API.publicmint.io:443", 404)] {
        let url = api.understudy.url();
        for decision in ["approve", "reject"] {
            let call = api.client.post(&format!("{url}/sandbox/identities/{decision}"), json!({"identityId": JOAO}));
            let answer = call.header("host", host).await;
            assert_eq!(answer.status.as_u16(), status, "{host}");
            if status == 404 {
                assert_eq!(answer.json(), json!({"message": "no Route matched with those values"}));
            }
        }
        let answer = api.client.get(&format!("{url}/identities")).header("host", host).await;
        assert_eq!(answer.status, StatusCode::OK, "{host}");
    }
}

#[tokio::test]
async fn providers_change_their_minds() {
    let api = start();
    let set = |input: Value| api.understudy.simulate("publicmint", "set-kyc", input);
    let result = set(json!({"identityId": JOAO, "status": "review"})).unwrap();
    assert_eq!(result["identity"], read(&api, JOAO).await);
    assert_eq!(result["riskRating"], "low");
    assert_eq!(result["identity"]["kycStatus"], kyc("review", &["manual_review_required"]));
    assert_eq!(statuses(&api, JOAO).await, ["pending"; 4]);
    let result = set(json!({"identityId": JOAO, "status": "review", "exceptions": ["selfie_missing"]})).unwrap();
    assert_eq!(result["identity"]["kycStatus"], kyc("review", &["selfie_missing"]));
    let result = set(json!({"identityId": JOAO, "status": "approved", "provider": "PrimeTrust"})).unwrap();
    assert_eq!(result["identity"]["kycStatus"], kyc("approved", &[]));
    assert_eq!(result["identity"]["identityConfirmed"], true);
    let result = set(json!({"identityId": JOAO, "status": "rejected", "exceptions": []})).unwrap();
    assert_eq!(result["identity"]["kycStatus"], kyc("rejected", &[]));
    let result = set(json!({"identityId": JOAO, "status": "pending"})).unwrap();
    assert_eq!(result["identity"]["kycStatus"], kyc("pending", &[]));
    let expected = [
        "identityVerificationUpdated",
        "identityExceptionRaised",
        "identityVerificationUpdated",
        "operationActivated",
        "identityVerificationUpdated",
        "identityExceptionRaised",
        "identityVerificationUpdated",
    ];
    assert_eq!(sent(&api), expected);
}

#[tokio::test]
async fn a_review_is_not_submitted_again_by_a_change() {
    let api = start();
    let before = read(&api, PRIYA).await["kycStatus"].clone();
    let answer = api.patch(&format!("/identities/{PRIYA}"), json!({"name": "Priya N."})).await;
    assert_eq!(answer.json()["data"]["kycStatus"], before);
}

#[tokio::test]
async fn simulations_refuse_what_makes_no_sense() {
    let api = start();
    let run = |name: &str, input: Value| api.understudy.simulate("publicmint", name, input).unwrap_err();
    for (name, input) in [
        ("set-kyc", json!({})),
        ("set-kyc", json!({"identityId": JOAO})),
        ("set-kyc", json!({"identityId": JOAO, "status": "Approved"})),
        ("set-kyc", json!({"identityId": JOAO, "status": "approved", "more": 1})),
        ("set-kyc", json!({"identityId": "x", "status": "approved"})),
        ("set-kyc", json!({"identityId": JOAO, "status": "approved", "exceptions": ["x"]})),
        ("set-kyc", json!({"identityId": JOAO, "status": "review", "exceptions": []})),
        ("set-kyc", json!({"identityId": JOAO, "status": "rejected", "exceptions": [" "]})),
        ("set-blocked", json!({"identityId": JOAO})),
        ("set-blocked", json!({"identityId": JOAO, "blocked": "true"})),
        ("set-blocked", json!({"identityId": "x", "blocked": true})),
        ("set-risk", json!({"identityId": JOAO, "riskRating": "none"})),
        ("set-risk", json!({"riskRating": "low"})),
    ] {
        let refusal = run(name, input.clone());
        assert!(matches!(refusal, Refusal::Invalid(_)), "{name} {input}: {refusal}");
    }
    for (name, input) in [
        ("set-kyc", json!({"identityId": NOBODY, "status": "approved"})),
        ("set-kyc", json!({"identityId": JOAO, "status": "approved", "provider": "Nobody"})),
        ("set-blocked", json!({"identityId": NOBODY, "blocked": true})),
        ("set-risk", json!({"identityId": NOBODY, "riskRating": "low"})),
    ] {
        let refusal = run(name, input.clone());
        assert!(matches!(refusal, Refusal::NotFound(_)), "{name} {input}: {refusal}");
    }
    assert_eq!(sent(&api), Vec::<String>::new());
}

#[tokio::test]
async fn staff_blocks_and_rates() {
    let api = start();
    let before = read(&api, ANA).await;
    let blocked = json!({"identityId": ANA, "blocked": true});
    let result = api.understudy.simulate("publicmint", "set-blocked", blocked.clone()).unwrap();
    assert_eq!(result["identity"]["blocked"], true);
    assert_eq!(result["identity"]["updatedAt"], "2026-01-02T03:04:05.678Z");
    assert_eq!(statuses(&api, ANA).await, ["inactive"; 4]);
    assert_eq!(api.get("/identities?filter[blocked]=true").await.json()["total"], 2);
    api.understudy.advance(TimeDelta::minutes(1)).unwrap();
    api.understudy.simulate("publicmint", "set-blocked", blocked).unwrap();
    assert_eq!(read(&api, ANA).await["updatedAt"], "2026-01-02T03:04:05.678Z", "nothing changed");
    let result = api.understudy.simulate("publicmint", "set-risk", json!({"identityId": ANA, "riskRating": "high"})).unwrap();
    assert_eq!(result["riskRating"], "high");
    assert!(!read(&api, ANA).await.as_object().unwrap().contains_key("riskRating"));
    assert_eq!(api.get(&format!("/identities?filter[riskRating]=high&filter[id]={ANA}")).await.json()["total"], 1);
    let after = read(&api, ANA).await;
    assert_eq!(after["kycStatus"], before["kycStatus"]);
}

#[tokio::test]
async fn with_two_kyc_providers_both_have_to_approve() {
    let api = start_with(builder().setting("publicmint", "kycProviders", json!(["PrimeTrust", "Fourthline"])));
    let person = create(&api, maria()).await;
    let id = id_of(&person);
    let entry = |provider: &str, status: &str| json!({"exceptions": [], "provider": provider, "status": status});
    assert_eq!(person["kycStatus"], json!([entry("Fourthline", "pending"), entry("PrimeTrust", "pending")]));
    assert_eq!(sent(&api), ["identityVerificationCreated", "identityVerificationCreated"]);
    let set = json!({"identityId": id, "status": "approved", "provider": "PrimeTrust"});
    let half = api.understudy.simulate("publicmint", "set-kyc", set).unwrap();
    assert_eq!(half["identity"]["identityConfirmed"], false);
    let operations = api.get(&format!("/identities/{id}/operations")).await.json();
    let shown: Vec<(&str, &str)> = operations["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|operation| (operation["provider"].as_str().unwrap(), operation["status"].as_str().unwrap()))
        .collect();
    assert_eq!(shown, [[("Fourthline", "pending"); 4], [("PrimeTrust", "active"); 4]].concat());
    api.post("/sandbox/identities/approve", json!({"identityId": id})).await;
    assert_eq!(read(&api, id).await["identityConfirmed"], true);
    let expected = [
        "identityVerificationCreated",
        "identityVerificationCreated",
        "identityVerificationUpdated",
        "operationActivated",
        "identityVerificationUpdated",
        "operationActivated",
    ];
    assert_eq!(sent(&api), expected);

    // A provider that was never asked has operations, but lets nobody use them, until it has an opinion.
    assert_eq!(statuses(&api, ANA).await, [["inactive"; 4], ["active"; 4]].concat());
    let set = json!({"identityId": ANA, "status": "approved", "provider": "Fourthline"});
    let asked = api.understudy.simulate("publicmint", "set-kyc", set).unwrap();
    assert_eq!(asked["identity"]["kycStatus"], json!([entry("Fourthline", "approved"), entry("PrimeTrust", "approved")]));
    assert_eq!(statuses(&api, ANA).await, ["active"; 8]);
}

#[tokio::test]
async fn without_kyc_providers_nobody_is_confirmed() {
    let api = start_with(builder().setting("publicmint", "kycProviders", json!([])));
    let person = create(&api, with(&maria(), &[])).await;
    assert_eq!((&person["kycStatus"], &person["identityConfirmed"]), (&json!([]), &json!(false)));
    let answer = api.post("/sandbox/identities/approve", json!({"identityId": person["id"]})).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(read(&api, id_of(&person)).await, person);
    assert_eq!(statuses(&api, id_of(&person)).await, Vec::<String>::new());
}
