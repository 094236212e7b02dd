//! Fixtures: what is refused, with place and reason.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{SLUG, builder, start};

/// The built-in fixture.
fn built_in() -> String {
    let all = understudy::providers::all();
    all.iter().find(|provider| provider.about().slug == SLUG).expect("it is there").about().fixture.to_owned()
}

/// A folder with the built-in fixture, changed.
pub(crate) fn folder(change: impl FnOnce(String) -> String) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join("5n.json"), change(built_in())).expect("it can be written to");
    folder
}

/// A fixture with another value in one place.
fn with(text: &str, pointer: &str, value: Value) -> String {
    let mut fixture: Value = serde_json::from_str(text).expect("the fixture is JSON");
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = fixture.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
    match parent {
        Value::Array(elements) => elements[key.parse::<usize>().expect("an index")] = value,
        parent => parent[key] = value,
    }
    fixture.to_string()
}

#[test]
fn the_built_in_fixture_loads() {
    let api = start();
    assert!(api.understudy.providers().any(|slug| slug == SLUG));
}

#[test]
fn fixtures_that_are_not_right_are_refused_with_place_and_reason() {
    let cases = [
        ("/extra", json!(1), "extra", "unknown field `extra`"),
        ("/institutions/0/name", json!(" "), "institutions[0].name", "must not be blank"),
        ("/institutions/0/id", json!(0), "institutions[0].id", "must be above 0"),
        ("/institutions/1/id", json!(1), "institutions[1].id", "1 is there already"),
        ("/clients/0/role", json!("x"), "clients[0].role", "unknown field `role`"),
        ("/clients/1/clientId", json!("5n-sandbox-institution"), "clients[1].clientId", "is there already"),
        ("/clients/0/clientId", json!(""), "clients[0].clientId", "must not be blank"),
        ("/clients/0/clientSecret", json!(""), "clients[0].clientSecret", "must not be blank"),
        ("/clients/0/serviceAccountId", json!("x"), "clients[0].serviceAccountId", "must be a UUID"),
        (
            "/clients/1/serviceAccountId",
            json!("5f0b7a44-2f35-4c36-9d0e-3a0b3f6f1c01"),
            "clients[1].serviceAccountId",
            "is there already",
        ),
        ("/clients/0/institution", json!(9), "clients[0].institution", "there is no institution 9"),
        ("/clients/0/tokenLifetimeSeconds", json!(0), "clients[0].tokenLifetimeSeconds", "must be 1 to 31536000"),
        ("/clients/0/rateLimit", json!(-1), "clients[0].rateLimit", "must not be negative"),
        ("/users/0/id", json!("x"), "users[0].id", "invalid type"),
        ("/users/0/id", json!(-1), "users[0].id", "must be above 0"),
        ("/users/1/id", json!(1001), "users[1].id", "1001 is there already"),
        ("/users/0/firstName", json!(""), "users[0].firstName", "must not be blank"),
        ("/users/0/lastName", json!(""), "users[0].lastName", "must not be blank"),
        ("/users/0/email", json!("richard"), "users[0].email", "must be an e-mail address"),
        ("/users/1/email", json!("RICHARD.hendricks@example.com"), "users[1].email", "is there already"),
        ("/users/1/username", json!("richard.hendricks@example.com"), "users[1].username", "is there already"),
        ("/users/0/partyId", json!(""), "users[0].partyId", "must not be blank"),
        ("/users/1/partyId", json!(super::RICHARD), "users[1].partyId", "is there already"),
        ("/users/0/alias", json!("a.b"), "users[0].alias", "must be a label"),
        ("/users/1/alias", json!("RICHARD"), "users[1].alias", "richard is there already"),
        ("/users/0/status", json!("GONE"), "users[0].status", "unknown variant `GONE`"),
        ("/users/0/registeredDaysAgo", json!(-1), "users[0].registeredDaysAgo", "must be 0 to 36525 days"),
        ("/users/0/sumsub", json!("GONE"), "users[0].sumsub", "unknown variant `GONE`"),
        ("/users/0/policy", json!("ask"), "users[0].policy", "unknown variant `ask`"),
        ("/users/0/policyDelaySeconds", json!(-1), "users[0].policyDelaySeconds", "must be 0 to 31536000"),
        ("/users/0/accounts/0/provider", json!("SUMSUB"), "users[0].accounts[0].provider", "has no accounts"),
        ("/users/0/accounts/1/provider", json!("GOOGLE"), "users[0].accounts[1].provider", "GOOGLE is there already"),
        ("/users/0/accounts/0/providerId", json!(""), "users[0].accounts[0].providerId", "must not be blank"),
        ("/users/0/accounts/0/email", json!("a b@c"), "users[0].accounts[0].email", "must be an e-mail address"),
        ("/users/0/accounts/0/ageInDays", json!(40000), "users[0].accounts[0].ageInDays", "must be 0 to 36525 days"),
        ("/users/0/accounts/0/metrics/likes", json!(1), "users[0].accounts[0].metrics.likes", "unknown field `likes`"),
        (
            "/users/0/accounts/0/metrics/followersCount",
            json!(-1),
            "users[0].accounts[0].metrics.followersCount",
            "must be 0 to 10^12",
        ),
        ("/credentials/0/contractId", json!(""), "credentials[0].contractId", "must not be blank"),
        ("/credentials/1/contractId", json!(super::RICHARD_GOOGLE), "credentials[1].contractId", "is there already"),
        ("/credentials/0/user", json!(1), "credentials[0].user", "there is no user 1"),
        ("/credentials/0/provider", json!("REDDIT"), "credentials[0].provider", "user 1001 has no account at REDDIT"),
        ("/credentials/1/provider", json!("GOOGLE"), "credentials[1].provider", "1001:GOOGLE is there already"),
        ("/credentials/0/issuedDaysAgo", json!(-1), "credentials[0].issuedDaysAgo", "must be 0 to 36525 days"),
        ("/credentials/0/state", json!("lost"), "credentials[0].state", "unknown variant `lost`"),
        ("/requests/0/id", json!(0), "requests[0].id", "must be above 0"),
        ("/requests/1/id", json!(501), "requests[1].id", "501 is there already"),
        ("/requests/0/institution", json!(3), "requests[0].institution", "there is no institution 3"),
        ("/requests/0/user", json!(3), "requests[0].user", "there is no user 3"),
        ("/requests/0/kycProvider", json!("X"), "requests[0].kycProvider", "unknown variant `X`"),
        ("/requests/0/reqStatus", json!("DONE"), "requests[0].reqStatus", "unknown variant `DONE`"),
        ("/requests/1/kycProvider", json!("GOOGLE"), "requests[1].reqStatus", "1:1001:GOOGLE is there already"),
        ("/requests/0/createdDaysAgo", json!(99999), "requests[0].createdDaysAgo", "must be 0 to 36525 days"),
        ("/requests/0/proposalId", json!(""), "requests[0].proposalId", "must not be blank"),
    ];
    for (pointer, value, place, reason) in cases {
        let folder = folder(|text| with(&text, pointer, value));
        let refusal = builder().fixtures(folder.path()).start().expect_err(place).to_string();
        assert!(refusal.contains(&format!("at {place}: ")), "{place} should be in: {refusal}");
        assert!(refusal.contains(reason), "{reason} should be in: {refusal}");
        assert!(refusal.contains("5n.json"), "{refusal}");
    }
    for (case, text) in [("empty", ""), ("broken", "{"), ("a list", "[]"), ("without users", "{}"), ("more behind it", "{} {}")] {
        let folder = folder(|_| text.to_owned());
        assert!(builder().fixtures(folder.path()).start().is_err(), "{case}");
    }
}

#[tokio::test]
async fn a_pending_request_of_the_fixture_meets_the_users_policy() {
    let change = |text: String| text.replace("\"REJECTED\"", "\"PENDING\"");
    let folder = folder(change);
    let api = crate::harness::Api::with(SLUG, builder().fixtures(folder.path()));
    let client = super::institution(&api).await;
    let page = super::ok(&client, &format!("{}?reqStatus=REJECTED", super::USERS)).await;
    assert_eq!(super::each(&page["items"], "id"), [512], "her policy rejects, and was due long ago");
}

#[tokio::test]
async fn an_empty_world_answers_too() {
    let folder = folder(|_| json!({"institutions": [], "clients": [], "users": [], "credentials": [], "requests": []}).to_string());
    let api = crate::harness::Api::with(SLUG, builder().fixtures(folder.path()));
    let answer = super::ask_token(&api, super::CLIENT, super::SECRET).await;
    assert_eq!(answer.json()["error"], "invalid_client");
    assert_eq!(api.get("/wallet").await.status, http::StatusCode::OK);
    assert!(super::fired(&api, chrono::TimeDelta::days(4000)).is_empty());
}
