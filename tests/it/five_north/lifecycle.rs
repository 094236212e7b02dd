//! Credentials over time.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    CONTRACTS, CREDENTIALS, ERLICH, GILFOYLE, JOHN, LINK, RICHARD, RICHARD_GOOGLE, SLUG, USERS, ask, builder, check, each,
    institution, link, ok, simulate, start,
};
use crate::client::Client;
use crate::harness::Api;

/// State, freshness and verdict of a contract.
async fn standing(api: &Api, party: &str, contract: &str) -> (String, String, String) {
    let client = institution(api).await;
    let credentials = ok(&client, &format!("{CREDENTIALS}/{party}")).await;
    let credential = credentials.as_array().unwrap().iter().find(|credential| credential["contractId"] == contract);
    let text = |member: &str| credential.map_or_else(String::new, |found| found[member].as_str().unwrap().to_owned());
    let verdict = check(api, &link(&client, contract).await).await.json()["status"].as_str().unwrap().to_owned();
    (text("kycStatus"), text("freshness"), verdict)
}

fn facts(kyc_status: &str, freshness: &str, verdict: &str) -> (String, String, String) {
    (kyc_status.to_owned(), freshness.to_owned(), verdict.to_owned())
}

#[tokio::test]
async fn a_credential_ages_at_exact_moments() {
    let api = start();
    // Issued ten days before the beginning.
    for (days, before, at) in [
        (20, facts("APPROVED", "FRESH", "strong"), facts("APPROVED", "MODERATE", "moderate")),
        (80, facts("APPROVED", "MODERATE", "moderate"), facts("APPROVED", "STALE", "weak")),
        (355, facts("APPROVED", "STALE", "weak"), facts("EXPIRED", "STALE", "expired")),
    ] {
        api.understudy.set_clock(super::t0() + TimeDelta::days(days) - TimeDelta::milliseconds(1)).unwrap();
        assert_eq!(standing(&api, RICHARD, RICHARD_GOOGLE).await, before, "just before day {days}");
        api.understudy.set_clock(super::t0() + TimeDelta::days(days)).unwrap();
        assert_eq!(standing(&api, RICHARD, RICHARD_GOOGLE).await, at, "at day {days}");
    }
    let client = institution(&api).await;
    let users = ok(&client, &format!("{USERS}?kycStatus=EXPIRED&limit=100&search=richard")).await;
    assert!(each(&users["items"], "kycProvider").contains(&&json!("GOOGLE")), "{users}");
    let report = check(&api, &link(&client, RICHARD_GOOGLE).await).await.json();
    assert_eq!(report["expiredAt"], "2027-02-06T12:00:00.000Z");
    assert!(report["credentialData"].is_object(), "an expired credential still shows its data");
}

#[tokio::test]
async fn ages_and_lifetime_are_settings() {
    let settings = builder().setting(SLUG, "moderate_after_days", json!(11)).setting(SLUG, "stale_after_days", json!(12)).setting(
        SLUG,
        "credential_lifetime_days",
        json!(13),
    );
    let api = Api::with(SLUG, settings);
    for (days, expected) in [
        (0, facts("APPROVED", "FRESH", "strong")),
        (1, facts("APPROVED", "MODERATE", "moderate")),
        (2, facts("APPROVED", "STALE", "weak")),
        (3, facts("EXPIRED", "STALE", "expired")),
    ] {
        api.understudy.set_clock(super::t0() + TimeDelta::days(days)).unwrap();
        assert_eq!(standing(&api, RICHARD, RICHARD_GOOGLE).await, expected, "day {days}");
    }
    let client = institution(&api).await;
    let report = check(&api, &link(&client, RICHARD_GOOGLE).await).await.json();
    assert_eq!(report["expiredAt"], "2026-02-19T12:00:00.000Z");
}

#[tokio::test]
async fn verifying_again_supersedes_the_old_contract() {
    let api = start();
    let client = institution(&api).await;
    let old = link(&client, RICHARD_GOOGLE).await;
    api.understudy.advance(TimeDelta::milliseconds(60_001)).unwrap();
    let new =
        simulate(&api, "reverify-credential", json!({"contractId": RICHARD_GOOGLE}))["contractId"].as_str().unwrap().to_owned();
    assert_ne!(new, RICHARD_GOOGLE);
    assert_eq!(check(&api, &old).await.json()["message"], "Credential has been superseded by a newer one");
    let credentials = ok(&client, &format!("{CREDENTIALS}/{RICHARD}")).await;
    let google: Vec<&Value> =
        credentials.as_array().unwrap().iter().filter(|credential| credential["provider"] == "GOOGLE").collect();
    let expected = json!({
        "partyId": RICHARD, "email": "richard.hendricks@example.com", "contractId": new, "provider": "GOOGLE", "kycStatus": "APPROVED",
        "expirationDate": "2027-02-16T12:01:00.001Z", "issuedAt": "2026-02-16T12:01:00.001Z", "freshness": "FRESH",
        "metadata": {"email": "richard.hendricks@example.com", "firstName": "Richard", "lastName": "Hendricks",
            "providerId": "104512345678901234567", "verifiedAt": "2026-02-16T12:01:00.001Z", "emailVerified": true,
            "profilePicture": "https://avatars.example.com/google/104512345678901234567.png"}
    });
    assert_eq!(google.len(), 1);
    assert_eq!(google[0].to_string(), expected.to_string());
    assert_eq!(each(&credentials, "provider").last().unwrap(), &"GOOGLE", "in the order of issue");
    assert_eq!(link(&client, RICHARD_GOOGLE).await.len(), 43, "a superseded contract can still be shown");
}

#[tokio::test]
async fn an_expired_credential_can_be_verified_again() {
    let api = start();
    let client = institution(&api).await;
    let expired = CONTRACTS[10];
    let kyc_status = async || {
        let users = ok(&client, &format!("{USERS}?search=gilfoyle")).await;
        users["items"].as_array().unwrap().iter().find(|row| row["id"] == 510).unwrap()["kycStatus"].clone()
    };
    assert_eq!(kyc_status().await, "EXPIRED");
    let new = simulate(&api, "reverify-credential", json!({"contractId": expired}));
    assert_eq!(kyc_status().await, "APPROVED");
    assert_eq!(check(&api, &link(&client, expired).await).await.json()["status"], "archived");
    assert_eq!(check(&api, &link(&client, new["contractId"].as_str().unwrap()).await).await.json()["status"], "strong");
}

#[tokio::test]
async fn after_a_revocation_the_account_can_be_linked_again() {
    let api = start();
    let client = institution(&api).await;
    let revoked = CONTRACTS[7];
    assert_eq!(standing(&api, GILFOYLE, revoked).await, facts("APPROVED", "REVOKED", "revoked"));
    let new = simulate(&api, "issue-credential", json!({"partyId": GILFOYLE, "provider": "GITHUB"}));
    let new = new["contractId"].as_str().unwrap();
    assert_eq!(standing(&api, GILFOYLE, new).await, facts("APPROVED", "FRESH", "strong"));
    let credentials = ok(&client, &format!("{CREDENTIALS}/{GILFOYLE}")).await;
    assert!(!each(&credentials, "contractId").contains(&&json!(revoked)));
    assert_eq!(check(&api, &link(&client, revoked).await).await.json()["status"], "revoked", "and says so for good");
}

#[tokio::test]
async fn a_revoked_credential_keeps_its_state_beyond_its_expiration() {
    let api = start();
    simulate(&api, "revoke-credential", json!({"contractId": RICHARD_GOOGLE}));
    api.understudy.advance(TimeDelta::days(400)).unwrap();
    assert_eq!(standing(&api, RICHARD, RICHARD_GOOGLE).await, facts("APPROVED", "REVOKED", "revoked"));
    let client = institution(&api).await;
    let users = ok(&client, &format!("{USERS}?search=richard&orderType=ASC")).await;
    assert_eq!(each(&users["items"], "kycStatus"), ["APPROVED", "EXPIRED", "EXPIRED", "EXPIRED", "EXPIRED"]);
}

#[tokio::test]
async fn an_unlinked_account_is_to_do_again() {
    let api = start();
    let client = institution(&api).await;
    simulate(&api, "archive-credential", json!({"contractId": CONTRACTS[17]}));
    let row = async |client: &Client| ok(client, &format!("{USERS}?search=john")).await["items"][0].clone();
    assert_eq!(row(&client).await["kycStatus"], "TO_DO");
    assert_eq!(ok(&client, &format!("{CREDENTIALS}/{JOHN}")).await, json!([]));
    assert_eq!(ok(&client, &format!("{CREDENTIALS}/resolve?q=johndoe")).await, json!({"credentials": []}));
    let new = simulate(&api, "issue-credential", json!({"partyId": JOHN, "provider": "GOOGLE"}));
    assert_eq!(row(&client).await["kycStatus"], "APPROVED", "an approval holds for credentials that are issued later");
    let credentials = ok(&client, &format!("{CREDENTIALS}/{JOHN}")).await;
    assert_eq!(each(&credentials, "contractId"), [&new["contractId"]]);
}

#[tokio::test]
async fn a_deleted_record_is_gone_everywhere() {
    let api = start();
    let client = institution(&api).await;
    let token = link(&client, CONTRACTS[17]).await;
    simulate(&api, "delete-credential", json!({"contractId": CONTRACTS[17]}));
    assert_eq!(check(&api, &token).await.json()["status"], "not_found");
    assert_eq!(ok(&client, &format!("{CREDENTIALS}/{JOHN}")).await, json!([]));
    assert_eq!(ok(&client, CREDENTIALS).await["pagination"]["total"], 10);
    assert_eq!(client.post(LINK, json!({"contractId": CONTRACTS[17]})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ok(&client, &format!("{USERS}?search=john")).await["items"][0]["kycStatus"], "TO_DO");
    api.understudy.advance(TimeDelta::seconds(900)).unwrap();
    assert_eq!(check(&api, &token).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_linked_account_without_a_word_about_it_has_the_usual_data() {
    let api = start();
    let client = institution(&api).await;
    ask(&client, ERLICH, &["GITHUB", "DISCORD"]).await;
    let made = simulate(&api, "issue-credential", json!({"partyId": ERLICH, "provider": "GITHUB"}));
    let given = json!({"username": "bach", "lastName": "B.", "providerId": "77", "level": 3, "email": "e@b.example"});
    simulate(&api, "issue-credential", json!({"partyId": ERLICH, "provider": "DISCORD", "metadata": given}));
    let credentials = ok(&client, &format!("{CREDENTIALS}/{ERLICH}")).await;
    let id = credentials[0]["metadata"]["providerId"].as_str().unwrap();
    assert!(id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    let expected = json!({"partyId": ERLICH, "email": "erlich.bachman@example.com", "contractId": made["contractId"], "provider": "GITHUB",
        "kycStatus": "APPROVED", "expirationDate": "2027-02-16T12:00:00.000Z", "issuedAt": "2026-02-16T12:00:00.000Z", "freshness": "FRESH",
        "metadata": {"email": "erlich.bachman@example.com", "firstName": "Erlich", "lastName": "Bachman", "providerId": id,
            "verifiedAt": "2026-02-16T12:00:00.000Z", "emailVerified": true,
            "profilePicture": format!("https://avatars.example.com/github/{id}.png")}});
    assert_eq!(credentials[0].to_string(), expected.to_string());
    let expected = json!({"email": "e@b.example", "firstName": "Erlich", "lastName": "B.", "username": "bach", "providerId": "77",
        "verifiedAt": "2026-02-16T12:00:00.000Z", "emailVerified": true,
        "profilePicture": "https://avatars.example.com/discord/77.png", "level": 3});
    assert_eq!(credentials[1]["metadata"].to_string(), expected.to_string());
    let score = ok(&client, &format!("{}/{ERLICH}", super::SCORES)).await["humanScore"]["details"].clone();
    let github = score["socialMetrics"].as_array().unwrap().iter().find(|metrics| metrics["provider"] == "GITHUB").unwrap();
    let expected = json!({"provider": "GITHUB", "ageInDays": 365, "email": "erlich.bachman@example.com", "accountCreatedAt": "2025-02-16T12:00:00.000Z"});
    assert_eq!(github.to_string(), expected.to_string());
}

#[tokio::test]
async fn a_reset_brings_the_fixture_back_relative_to_the_new_beginning() {
    let api = Api::with(SLUG, crate::harness::builder());
    let client = institution(&api).await;
    let first = ok(&client, CREDENTIALS).await;
    assert_eq!(first["items"][0]["issuedAt"], "2025-12-22T00:00:00.000Z", "the clock begins on January 1st here");
    assert_eq!(first["items"][0]["metadata"]["verifiedAt"], "2025-12-22T00:00:00.000Z");
    simulate(&api, "revoke-credential", json!({"contractId": RICHARD_GOOGLE}));
    api.understudy.advance(TimeDelta::days(100)).unwrap();
    api.understudy.reset().unwrap();
    assert_eq!(ok(&client, CREDENTIALS).await, first);
}
