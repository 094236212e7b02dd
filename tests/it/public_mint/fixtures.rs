//! Fixtures: what a world begins with, and what is refused.

use std::path::Path;

use http::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ANA, APP_B, LUIS, builder, with};
use crate::harness::Api;

/// The fixture that is built in.
fn built_in() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/publicmint.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A folder with this fixture.
fn folder(text: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("publicmint.json"), text).unwrap();
    folder
}

fn refusal(text: &str) -> String {
    let folder = folder(text);
    match builder().fixtures(folder.path()).start() {
        Ok(_) => panic!("it was taken: {text}"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_fixture_of_ones_own_takes_the_place_of_the_built_in_one() {
    let mut fixture = built_in();
    fixture["apps"][0]["apiKey"] = json!("mine");
    fixture["apps"][0]["webhookUrl"] = Value::Null;
    fixture["identities"].as_array_mut().unwrap().truncate(1);
    let folder = folder(&fixture.to_string());
    let mut api = Api::with("publicmint", builder().fixtures(folder.path()));
    api.client = api.client.header("apikey", "mine");
    let answer = api.get("/identities").await.json();
    assert_eq!((&answer["total"], &answer["data"][0]["id"]), (&json!(1), &json!(ANA)));
    assert_eq!(answer["data"][0], fixture["identities"][0]["identity"], "an identity is written as it is returned");
    assert_eq!(api.post("/sandbox/identities/reject", json!({"identityId": ANA})).await.status, StatusCode::OK);
    assert_eq!(api.understudy.messages(None).unwrap(), [], "no address, no webhook");
}

#[test]
fn what_is_not_json_or_not_of_the_shape_is_refused_with_its_place() {
    for (text, expected) in [
        ("", "line 1"),
        ("{", "line 1"),
        ("[]", "line 1"),
        ("{\"apps\": []}", "missing field `identities`"),
        ("{\"apps\": [], \"identities\": [], \"more\": 1}", "unknown field `more`"),
        ("{\"apps\": [\n{}], \"identities\": []}", "line 2, at apps[0]: missing field `name`"),
        ("{\"apps\": [], \"identities\": []} x", "line 1"),
    ] {
        let reason = refusal(text);
        assert!(reason.contains("publicmint.json") && reason.contains(expected), "{text}: {reason}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    let ana = "/identities/0/identity";
    let at = |field: &str| format!("{ana}{field}");
    let cases: Vec<(&str, String, Option<Value>, &str)> = vec![
        ("apps[0].appId", "/apps/0/appId".to_owned(), Some(json!("x")), "no version 4 UUID"),
        ("apps[1].appId", "/apps/1/appId".to_owned(), Some(json!("3f488bf9-52c1-4236-83d2-a99caacd3dc4")), "there twice"),
        ("apps[0].name", "/apps/0/name".to_owned(), Some(json!(" ")), "blank"),
        ("apps[0].apiKey", "/apps/0/apiKey".to_owned(), Some(json!("")), "letters and digits"),
        ("apps[0].apiKey", "/apps/0/apiKey".to_owned(), Some(json!("a b")), "letters and digits"),
        ("apps[1].apiKey", "/apps/1/apiKey".to_owned(), Some(json!("pmSandboxAppA0000000000000000001")), "another app"),
        ("apps[0].webhookUrl", "/apps/0/webhookUrl".to_owned(), Some(json!("x")), "URL"),
        ("identities[0].identity.appId", at("/appId"), Some(json!(LUIS)), "no app"),
        ("identities[0].identity.id", at("/id"), Some(json!("x")), "no version 4 UUID"),
        ("identities[0].identity.id", at("/id"), Some(json!("3f488bf9-52c1-4236-83d2-a99caacd3dc4")), "there twice"),
        (
            "identities[1].identity.email",
            "/identities/1/identity/email".to_owned(),
            Some(json!("ANA.RIBEIRO@example.com")),
            "another identity",
        ),
        ("identities[0].identity.email", at("/email"), Some(json!("x")), "no e-mail address"),
        ("identities[0].identity.name", at("/name"), Some(json!("")), "blank"),
        ("identities[0].identity.address.city", at("/address/city"), Some(json!("")), "blank"),
        ("identities[0].identity.address.country", at("/address/country"), Some(json!("pt")), "two capital letters"),
        (
            "identities[2].identity.address.state",
            "/identities/2/identity/address/state".to_owned(),
            Some(json!(null)),
            "United States",
        ),
        ("identities[0].identity.address.postalCode", at("/address/postalCode"), Some(json!("")), "blank"),
        ("identities[0].identity.address.street", at("/address/street"), Some(json!("")), "blank"),
        ("identities[0].identity.phone.number", at("/phone/number"), Some(json!("")), "blank"),
        ("identities[0].identity.tax.country", at("/tax/country"), Some(json!("x")), "two capital letters"),
        ("identities[0].identity.tax.idNumber", at("/tax/idNumber"), Some(json!("")), "blank"),
        ("identities[2].identity.tax.state", "/identities/2/identity/tax/state".to_owned(), Some(json!(null)), "United States"),
        (
            "identities[5].identity.tax.formationRegion",
            "/identities/5/identity/tax/formationRegion".to_owned(),
            Some(json!(null)),
            "company",
        ),
        ("identities[5].identity.identityOwner", "/identities/5/identity/identityOwner".to_owned(), Some(json!(null)), "company"),
        (
            "identities[5].identity.identityOwner",
            "/identities/5/identity/identityOwner".to_owned(),
            Some(json!(APP_B)),
            "no identity",
        ),
        (
            "identities[5].identity.identityOwner",
            "/identities/5/identity/identityOwner".to_owned(),
            Some(json!(LUIS)),
            "another app",
        ),
        (
            "identities[5].identity.identityOwner",
            "/identities/5/identity/identityOwner".to_owned(),
            Some(json!("88293815-52ad-4cb8-adb0-354d1124c815")),
            "only persons own",
        ),
        ("identities[0].identity.birthday", at("/birthday"), Some(json!(null)), "person"),
        ("identities[0].identity.birthday", at("/birthday"), Some(json!("1988-13-14")), "line 1"),
        ("identities[0].identity.gender", at("/gender"), Some(json!(null)), "person"),
        ("identities[0].identity.gender", at("/gender"), Some(json!("Female")), "unknown variant"),
        ("identities[0].identity.type", at("/type"), Some(json!("trust")), "unknown variant"),
        ("identities[0].identity.updatedAt", at("/updatedAt"), Some(json!("2024-02-01T10:30:00.000Z")), "before createdAt"),
        ("identities[0].identity.createdAt", at("/createdAt"), Some(json!("yesterday")), "line 1"),
        ("identities[0].identity.more", at("/more"), Some(json!(1)), "unknown field"),
        ("identities[0].identity", at("/tax"), None, "missing field `tax`"),
        ("identities[0].faceImages[0]", "/identities/0/faceImages".to_owned(), Some(json!(["x"])), "URL"),
        ("identities[0].identity.documents[0].url", at("/documents/0/url"), Some(json!("x")), "URL"),
        ("identities[0].identity.documents[0].id", at("/documents/0/id"), Some(json!("x")), "no version 4 UUID"),
        (
            "identities[0].identity.documents[1].id",
            at("/documents/1/id"),
            Some(json!("119fa5d3-4038-4741-89c3-c699c70f0505")),
            "there twice",
        ),
        ("identities[0].identity.documents[0].side", at("/documents/0/side"), Some(json!("Top")), "unknown variant"),
        ("identities[0].riskRating", "/identities/0/riskRating".to_owned(), Some(json!("none")), "unknown variant"),
        ("identities[0].verificationIds", "/identities/0/verificationIds/Other".to_owned(), Some(json!(APP_B)), "no entry"),
        (
            "identities[0].identity.kycStatus[0].provider",
            "/identities/0/verificationIds/PrimeTrust".to_owned(),
            None,
            "verificationIds",
        ),
        (
            "identities[0].verificationIds.PrimeTrust",
            "/identities/0/verificationIds/PrimeTrust".to_owned(),
            Some(json!("x")),
            "UUID",
        ),
        ("identities[0].identity.identityConfirmed", at("/identityConfirmed"), Some(json!(false)), "approved"),
        ("identities[0].identity.identityConfirmed", at("/kycStatus/0/status"), Some(json!("pending")), "approved"),
        ("identities[0].identity.kycStatus[0].status", at("/kycStatus/0/status"), Some(json!("done")), "unknown variant"),
        ("identities[0].identity.kycStatus[0].exceptions", at("/kycStatus/0/exceptions"), Some(json!(["x"])), "other states"),
        (
            "identities[4].identity.kycStatus[0].exceptions",
            "/identities/4/identity/kycStatus/0/exceptions".to_owned(),
            Some(json!([])),
            "a review has some",
        ),
    ];
    for (place, pointer, value, reason) in cases {
        let text = with(&built_in(), &[(&pointer, value)]).to_string();
        let said = refusal(&text);
        assert!(said.contains(&format!("at {place}:")) && said.contains(reason), "{pointer}: {said}");
    }
    let mut twice = built_in();
    let entry = twice["identities"][0]["identity"]["kycStatus"][0].clone();
    twice["identities"][0]["identity"]["kycStatus"].as_array_mut().unwrap().push(entry);
    let said = refusal(&twice.to_string());
    assert!(said.contains("at identities[0].identity.kycStatus[1].provider: entries are sorted"), "{said}");
}
