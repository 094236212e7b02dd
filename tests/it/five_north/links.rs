//! Verification links and what they say.

use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    BATCH, CHECK, CONTRACTS, JARED_GOOGLE, LINK, RICHARD_GOOGLE, SLUG, builder, check, error, institution, link, simulate, start,
};
use crate::harness::Api;

fn strong() -> Value {
    json!({
        "status": "strong", "color": "green", "contractId": RICHARD_GOOGLE, "issuedAt": "2026-02-06T12:00:00.000Z",
        "expiredAt": "2027-02-06T12:00:00.000Z", "isActive": true, "isArchived": false, "isSuperseded": false, "isRevoked": false,
        "message": null, "kycProvider": "GOOGLE",
        "credentialData": {"email": "richard.hendricks@example.com", "firstName": "Richard", "lastName": "Hendricks",
            "providerId": "104512345678901234567", "verifiedAt": "2026-02-06T12:00:00.000Z", "emailVerified": true,
            "profilePicture": "https://avatars.example.com/google/104512345678901234567.png"}
    })
}

#[tokio::test]
async fn a_link_shows_the_credential_to_anybody() {
    let api = start();
    let client = institution(&api).await;
    let answer = client.post(LINK, json!({"contractId": RICHARD_GOOGLE})).await;
    assert_eq!(answer.status, StatusCode::OK);
    let made = answer.json();
    let token = made["token"].as_str().unwrap();
    assert_eq!(answer.text(), json!({"verificationUrl": format!("{}/verify/{token}", api.base), "token": token}).to_string());
    for caller in [&api.client, &api.bearer("rubbish"), &client] {
        let answer = check(caller, token).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.text(), strong().to_string(), "members in their order");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    assert!(answer.headers.get("access-control-allow-origin").is_none(), "only the check is for pages of other origins");
}

#[tokio::test]
async fn a_link_lives_for_fifteen_minutes_and_the_credential_ages_meanwhile() {
    let api = start();
    let client = institution(&api).await;
    let token = link(&client, RICHARD_GOOGLE).await;
    assert_eq!(check(&api, &token).await.json()["status"], "strong");
    api.understudy.advance(TimeDelta::milliseconds(899_999)).unwrap();
    assert_eq!(check(&api, &token).await.json()["status"], "strong", "reading does not use it up");
    let fired = super::fired(&api, TimeDelta::milliseconds(1));
    assert_eq!(fired, ["linkExpires"]);
    let gone = error("NOT_FOUND", "Token not found or expired", None);
    let answer = check(&api, &token).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::NOT_FOUND, gone.clone()));
    api.understudy.advance(TimeDelta::days(21)).unwrap();
    assert_eq!(check(&api, &token).await.json(), gone);

    assert_eq!(client.post(LINK, json!({"contractId": RICHARD_GOOGLE})).await.status, StatusCode::UNAUTHORIZED);
    let client = institution(&api).await;
    let token = link(&client, RICHARD_GOOGLE).await;
    let report = check(&api, &token).await.json();
    assert_eq!((&report["status"], &report["color"]), (&json!("moderate"), &json!("amber")));
    assert_eq!(report["message"], "Credential was verified more than 30 days ago");
    simulate(&api, "revoke-credential", json!({"contractId": RICHARD_GOOGLE}));
    let report = check(&api, &token).await.json();
    let expected = json!({"status": "revoked", "color": "red", "contractId": RICHARD_GOOGLE, "issuedAt": "2026-02-06T12:00:00.000Z",
        "expiredAt": "2027-02-06T12:00:00.000Z", "isActive": false, "isArchived": true, "isSuperseded": false, "isRevoked": true,
        "message": "Credential has been revoked", "kycProvider": "GOOGLE", "credentialData": null});
    assert_eq!(report, expected);
}

#[tokio::test]
async fn each_state_of_a_credential_has_its_report() {
    let api = start();
    let client = institution(&api).await;
    let facts = |report: &Value| {
        let flag = |name: &str| report[name].as_bool().unwrap();
        let text = |name: &str| report[name].as_str().map(str::to_owned);
        (
            text("status").unwrap(),
            text("color").unwrap(),
            [flag("isActive"), flag("isArchived"), flag("isSuperseded"), flag("isRevoked")],
            text("message"),
            report["credentialData"].is_object(),
        )
    };
    for (row, status, color, flags, message, data) in [
        (0, "strong", "green", [true, false, false, false], None, true),
        (5, "moderate", "amber", [true, false, false, false], Some("Credential was verified more than 30 days ago"), true),
        (6, "weak", "red", [true, false, false, false], Some("Credential was verified more than 90 days ago"), true),
        (7, "revoked", "red", [false, true, false, true], Some("Credential has been revoked"), false),
        (8, "archived", "red", [false, true, true, false], Some("Credential has been superseded by a newer one"), false),
        (9, "strong", "green", [true, false, false, false], None, true),
        (10, "expired", "red", [false, false, false, false], Some("Credential has expired"), true),
    ] {
        let report = check(&api, &link(&client, CONTRACTS[row]).await).await.json();
        let expected = (status.to_owned(), color.to_owned(), flags, message.map(str::to_owned), data);
        assert_eq!(facts(&report), expected, "{row}");
    }
    let superseded = check(&api, &link(&client, CONTRACTS[8]).await).await.json();
    let expected = json!({"status": "archived", "color": "red", "contractId": CONTRACTS[8], "issuedAt": "2025-07-31T12:00:00.000Z",
        "expiredAt": "2026-07-31T12:00:00.000Z", "isActive": false, "isArchived": true, "isSuperseded": true, "isRevoked": false,
        "message": "Credential has been superseded by a newer one", "kycProvider": "DISCORD", "credentialData": null});
    assert_eq!(superseded, expected);

    let (archived, deleted) = (link(&client, CONTRACTS[1]).await, link(&client, CONTRACTS[2]).await);
    simulate(&api, "archive-credential", json!({"contractId": CONTRACTS[1]}));
    simulate(&api, "delete-credential", json!({"contractId": CONTRACTS[2]}));
    let report = check(&api, &archived).await.json();
    assert_eq!(
        facts(&report),
        (
            "archived".to_owned(),
            "red".to_owned(),
            [false, true, false, false],
            Some("Credential has been archived".to_owned()),
            false
        )
    );
    let expected = json!({"status": "not_found", "color": "red", "contractId": null, "issuedAt": null, "expiredAt": null, "isActive": false,
        "isArchived": false, "isSuperseded": false, "isRevoked": false, "message": "Credential not found", "kycProvider": null,
        "credentialData": null});
    assert_eq!(check(&api, &deleted).await.text(), expected.to_string());
}

#[tokio::test]
async fn each_call_makes_another_link_and_older_ones_live_on() {
    let api = start();
    let client = institution(&api).await;
    let first = link(&client, RICHARD_GOOGLE).await;
    let second = link(&client, RICHARD_GOOGLE).await;
    assert_ne!(first, second);
    for token in [&first, &second] {
        assert_eq!(token.len(), 43);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'), "{token}");
        assert_eq!(check(&api, token).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn links_are_refused_without_a_contract_that_the_institution_may_show() {
    let api = start();
    let client = institution(&api).await;
    let malformed = error("BAD_REQUEST", "Malformed JSON body", None);
    let required = error("BAD_REQUEST", "contractId is required", Some("contractId"));
    for (case, body, expected) in [
        ("nothing", "", &malformed),
        ("broken", "{\"contractId\":", &malformed),
        ("a list", "[]", &malformed),
        ("no contract", "{}", &required),
        ("null", "{\"contractId\":null}", &required),
        ("a number", "{\"contractId\":1}", &required),
        ("blank", "{\"contractId\":\"  \"}", &required),
    ] {
        let answer = client.post(LINK, body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{case}");
        assert_eq!(answer.json(), *expected, "{case}");
    }
    let refused = error("NOT_FOUND", "Credential not found", None);
    for contract in
        ["nothing", JARED_GOOGLE, CONTRACTS[12], CONTRACTS[13], &RICHARD_GOOGLE.to_uppercase(), &format!("{RICHARD_GOOGLE} ")]
    {
        let answer = client.post(LINK, json!({"contractId": contract})).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{contract}");
        assert_eq!(answer.json(), refused, "{contract}");
    }
}

#[tokio::test]
async fn a_batch_has_a_result_for_each_item() {
    let api = start();
    let client = institution(&api).await;
    let item = |contract: &str| json!({"contractId": contract});
    let body = json!({"requests": [item(RICHARD_GOOGLE), item(JARED_GOOGLE), item(RICHARD_GOOGLE), item("nothing")]});
    let answer = client.post(BATCH, body).await;
    assert_eq!(answer.status, StatusCode::OK);
    let results = answer.json()["results"].clone();
    let made = |result: &Value| {
        let token = result["result"]["token"].as_str().unwrap().to_owned();
        let expected = json!({"contractId": RICHARD_GOOGLE, "result": {"verificationUrl": format!("{}/verify/{token}", api.base), "token": token}});
        assert_eq!(result.to_string(), expected.to_string());
        token
    };
    let refused =
        |contract: &str| json!({"contractId": contract, "error": {"message": "Credential not found", "code": "NOT_FOUND"}});
    let (first, third) = (made(&results[0]), made(&results[2]));
    assert_ne!(first, third);
    assert_eq!(results[1], refused(JARED_GOOGLE));
    assert_eq!(results[3], refused("nothing"));
    for token in [first, third] {
        assert_eq!(check(&api, &token).await.text(), strong().to_string());
    }
    assert_eq!(client.post(BATCH, json!({"requests": []})).await.text(), r#"{"results":[]}"#);
}

#[tokio::test]
async fn a_batch_has_at_most_a_hundred_items() {
    let api = start();
    let client = institution(&api).await;
    let batch = |count: usize| json!({"requests": vec![json!({"contractId": RICHARD_GOOGLE}); count]});
    let answer = client.post(BATCH, batch(100)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["results"].as_array().unwrap().len(), 100);
    let answer = client.post(BATCH, batch(101)).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json(), error("BAD_REQUEST", "Maximum 100 requests per batch", Some("requests")));
    let fired = super::fired(&api, TimeDelta::seconds(900));
    assert_eq!(fired.len(), 100, "the refused batch made no link");
}

#[tokio::test]
async fn a_batch_with_an_item_that_is_not_right_makes_no_link() {
    let api = start();
    let client = institution(&api).await;
    let malformed = error("BAD_REQUEST", "Malformed JSON body", None);
    let no_list = error("BAD_REQUEST", "requests must be an array", Some("requests"));
    let item = |index: usize| {
        let field = format!("requests[{index}].contractId");
        error("BAD_REQUEST", &format!("{field} is required"), Some(&field))
    };
    let good = json!({"contractId": RICHARD_GOOGLE});
    for (case, body, expected) in [
        ("broken", "{".to_owned(), malformed.clone()),
        ("a list", "[]".to_owned(), malformed),
        ("no list", "{}".to_owned(), no_list.clone()),
        ("an object", json!({"requests": {}}).to_string(), no_list.clone()),
        ("null", json!({"requests": null}).to_string(), no_list),
        ("a text", json!({"requests": ["x"]}).to_string(), item(0)),
        ("an empty item", json!({"requests": [good, {}]}).to_string(), item(1)),
        ("a number as contract", json!({"requests": [good, good, {"contractId": 5}]}).to_string(), item(2)),
        ("a blank contract", json!({"requests": [{"contractId": ""}, {}]}).to_string(), item(0)),
        ("null as an item", json!({"requests": [null]}).to_string(), item(0)),
    ] {
        let answer = client.post(BATCH, body.as_str()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{case}");
        assert_eq!(answer.json(), expected, "{case}");
    }
    assert!(super::fired(&api, TimeDelta::seconds(900)).is_empty(), "there is no link");
}

#[tokio::test]
async fn unknown_links_are_not_found() {
    let api = start();
    for token in ["nothing", "%2F", "a%2Fb", "..", "%00", &"x".repeat(5000), "%FF", "'"] {
        let answer = check(&api, token).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{token}");
        assert_eq!(answer.json(), error("NOT_FOUND", "Token not found or expired", None), "{token}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
}

#[tokio::test]
async fn browsers_of_other_origins_may_ask_for_the_check_only() {
    let api = start();
    let answer = api.call(Method::OPTIONS, &format!("{CHECK}/x")).header("origin", "https://a.example").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-methods"), "GET, HEAD");
    assert_eq!(answer.header("access-control-allow-headers"), "authorization, content-type");
    let answer = api.call(Method::OPTIONS, LINK).header("origin", "https://a.example").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(answer.headers.get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn the_life_of_links_is_a_setting() {
    let api = Api::with(SLUG, builder().setting(SLUG, "link_lifetime_s", json!(5)));
    let client = institution(&api).await;
    let token = link(&client, RICHARD_GOOGLE).await;
    api.understudy.advance(TimeDelta::milliseconds(4999)).unwrap();
    assert_eq!(check(&api, &token).await.status, StatusCode::OK);
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(check(&api, &token).await.status, StatusCode::NOT_FOUND);
}
