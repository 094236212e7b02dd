//! Access tokens at the API: who is let in, for how long, how often.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::json;
use understudy::worlds::Spec;

use super::{
    BATCH, CHECK, CLIENT, CREDENTIALS, LINK, REQUEST, RICHARD, RICHARD_GOOGLE, SCORES, SECRET, SLUG, USERS, ask_token, bearer_of,
    builder, check, each, encoded, error, institution, link, ok, simulate, start,
};
use crate::client::{Client, Response};
use crate::harness::Api;

/// Every operation for institutions, called with what it needs.
async fn call_all(client: &Client) -> Vec<(&'static str, Response)> {
    vec![
        ("listUsers", client.get(USERS).await),
        ("listHumanScores", client.get(SCORES).await),
        ("getHumanScore", client.get(&format!("{SCORES}/{}", encoded(RICHARD))).await),
        ("listCredentials", client.get(CREDENTIALS).await),
        ("getCredentials", client.get(&format!("{CREDENTIALS}/{RICHARD}")).await),
        ("resolveCredentials", client.get(&format!("{CREDENTIALS}/resolve?q=johndoe")).await),
        ("requestCredentials", client.post(REQUEST, json!({"partyId": RICHARD, "providers": ["REDDIT"]})).await),
        ("generateLink", client.post(LINK, json!({"contractId": RICHARD_GOOGLE})).await),
        ("generateLinksBatch", client.post(BATCH, json!({"requests": []})).await),
    ]
}

#[tokio::test]
async fn every_operation_for_institutions_wants_a_good_token() {
    let api = start();
    let token = ask_token(&api, CLIENT, SECRET).await.json()["access_token"].as_str().unwrap().to_owned();
    let expected = error("UNAUTHORIZED", "Invalid or expired access token", None);
    let (signed, _) = token.rsplit_once('.').unwrap();
    for (case, header) in [
        ("none", None),
        ("another scheme", Some(format!("Basic {token}"))),
        ("no scheme", Some(token.clone())),
        ("no token", Some("Bearer".to_owned())),
        ("an empty token", Some("Bearer ".to_owned())),
        ("rubbish", Some("Bearer rubbish".to_owned())),
        ("a cut token", Some(format!("Bearer {signed}"))),
        ("a touched signature", Some(format!("Bearer {signed}.{}", "A".repeat(86)))),
    ] {
        let client = header.map_or_else(|| api.client.clone(), |header| api.header("authorization", &header));
        for (operation, answer) in call_all(&client).await {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{case}: {operation}");
            assert_eq!(answer.json(), expected, "{case}: {operation}");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{case}: {operation}");
            assert_eq!(answer.header("content-type"), "application/json; charset=utf-8", "{case}: {operation}");
        }
    }
    for scheme in ["Bearer", "bearer", "BEARER"] {
        for (operation, answer) in call_all(&api.header("authorization", &format!("{scheme} {token}"))).await {
            assert!(answer.status.is_success(), "{scheme}: {operation}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn a_client_without_the_role_is_refused_whatever_it_asks() {
    let api = start();
    let client = bearer_of(&api, "5n-sandbox-no-role").await;
    for (operation, answer) in call_all(&client).await {
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{operation}");
        assert_eq!(answer.json(), error("FORBIDDEN", "Institution role required", None), "{operation}");
    }
    let answer = client.post(REQUEST, "{").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "the role comes before the body");
    let answer = client.get(&format!("{USERS}?limit=x")).header("authorization", "Bearer x").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "the token comes before everything");
}

#[tokio::test]
async fn a_token_ends_at_the_second_of_its_expiration() {
    let api = start();
    for (client, lifetime_s) in [("5n-sandbox-short-lived", 5), (CLIENT, 3600)] {
        let caller = bearer_of(&api, client).await;
        api.understudy.advance(TimeDelta::milliseconds(lifetime_s * 1000 - 1)).unwrap();
        assert_eq!(caller.get(USERS).await.status, StatusCode::OK, "{client}");
        api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
        assert_eq!(caller.get(USERS).await.status, StatusCode::UNAUTHORIZED, "{client}");
    }
}

#[tokio::test]
async fn a_token_issued_within_a_second_ends_on_the_full_second() {
    let api = start();
    api.understudy.advance(TimeDelta::milliseconds(700)).unwrap();
    let caller = bearer_of(&api, "5n-sandbox-short-lived").await;
    api.understudy.advance(TimeDelta::milliseconds(4299)).unwrap();
    assert_eq!(caller.get(USERS).await.status, StatusCode::OK);
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(caller.get(USERS).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn revoked_tokens_are_refused_and_the_next_one_works_at_the_same_moment() {
    let api = start();
    let (old, other) = (institution(&api).await, institution(&api).await);
    assert_ne!(old.headers, other.headers, "each call gives another token");
    assert_eq!(simulate(&api, "revoke-tokens", json!({})), json!({}));
    for client in [&old, &other] {
        assert_eq!(client.get(USERS).await.status, StatusCode::UNAUTHORIZED);
    }
    let new = institution(&api).await;
    assert_eq!(new.get(USERS).await.status, StatusCode::OK);
    assert_eq!(old.get(USERS).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_outlives_a_reset_but_not_a_later_revocation() {
    let api = start();
    let caller = institution(&api).await;
    api.understudy.reset().unwrap();
    assert_eq!(caller.get(USERS).await.status, StatusCode::OK);
    simulate(&api, "revoke-tokens", json!({}));
    assert_eq!(caller.get(USERS).await.status, StatusCode::UNAUTHORIZED);
    api.understudy.reset().unwrap();
    api.understudy.advance(TimeDelta::milliseconds(3_599_999)).unwrap();
    assert_eq!(caller.get(USERS).await.status, StatusCode::OK);
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(caller.get(USERS).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_institution_sees_nothing_of_anothers() {
    let api = start();
    let (ours, theirs) = (institution(&api).await, bearer_of(&api, "5n-sandbox-institution-2").await);
    for path in [USERS, CREDENTIALS, SCORES] {
        let page = ok(&theirs, path).await;
        assert_eq!(page["items"], json!([]), "{path}");
        assert_eq!(page["pagination"], json!({"offset": 0, "limit": 10, "total": 0}), "{path}");
    }
    assert_eq!(ok(&theirs, USERS).await["totalCount"], 0);
    assert_eq!(ok(&theirs, &format!("{CREDENTIALS}/{RICHARD}")).await, json!([]));
    assert_eq!(ok(&theirs, &format!("{CREDENTIALS}/resolve?q=johndoe")).await, json!({"credentials": []}));
    assert_eq!(theirs.get(&format!("{SCORES}/{RICHARD}")).await.status, StatusCode::NOT_FOUND);
    let answer = theirs.post(LINK, json!({"contractId": RICHARD_GOOGLE})).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.json(), error("NOT_FOUND", "Credential not found", None));

    super::ask(&theirs, super::ERLICH, &["GOOGLE"]).await;
    assert_eq!(ok(&theirs, CREDENTIALS).await["pagination"]["total"], 1);
    assert_eq!(ok(&ours, CREDENTIALS).await["pagination"]["total"], 11, "theirs does not show at ours");
}

#[tokio::test]
async fn worlds_are_isolated() {
    let api = start();
    let ours = institution(&api).await;
    let spec = Spec {
        name: Some("other".to_owned()),
        seed: Some(7),
        now: Some(super::t0()),
        mode: Some(understudy::world::clock::Mode::Frozen),
        ..Spec::default()
    };
    let other = api.understudy.create_world(spec).unwrap();
    let there = Client::new(other.provider_url(SLUG)).with_contract(&crate::harness::contract(SLUG));
    let theirs = bearer_of(&there, CLIENT).await;
    super::ask(&ours, super::ERLICH, &["GOOGLE"]).await;
    let token = link(&ours, RICHARD_GOOGLE).await;
    assert_eq!(ok(&ours, USERS).await["totalCount"], 15);
    assert_eq!(ok(&theirs, USERS).await["totalCount"], 14);
    assert_eq!(check(&there, &token).await.status, StatusCode::NOT_FOUND);
    simulate(&api, "revoke-tokens", json!({}));
    assert_eq!(theirs.get(USERS).await.status, StatusCode::OK);
    let link = theirs.post(LINK, json!({"contractId": RICHARD_GOOGLE})).await.json();
    assert!(link["verificationUrl"].as_str().unwrap().starts_with(&format!("{}/verify/", there.base)), "{link}");
}

#[tokio::test]
async fn the_limited_client_has_five_requests_in_sixty_seconds() {
    let api = start();
    let client = bearer_of(&api, "5n-sandbox-rate-limited").await;
    let counts =
        |answer: &Response| ["limit", "remaining", "reset"].map(|name| answer.header(&format!("x-ratelimit-{name}")).to_owned());
    let calls = [
        (USERS.to_owned(), 200),
        (format!("{USERS}?limit=x"), 400),
        (format!("{SCORES}/nobody"), 404),
        (format!("{CREDENTIALS}/resolve?q=johndoe"), 200),
    ];
    for ((path, status), remaining) in calls.iter().zip(["4", "3", "2", "1"]) {
        let answer = client.get(path).await;
        assert_eq!(answer.status.as_u16(), *status, "{path}");
        assert_eq!(counts(&answer), ["5", remaining, "60"], "{path}");
    }
    api.understudy.advance(TimeDelta::milliseconds(17_001)).unwrap();
    let answer = client.post(REQUEST, json!({"partyId": RICHARD, "providers": ["REDDIT"]})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(counts(&answer), ["5", "0", "43"], "a part of a second is a whole one");
    api.understudy.advance(TimeDelta::milliseconds(999)).unwrap();
    for _ in 0..3 {
        let answer = client.post(REQUEST, json!({"partyId": super::JARED, "providers": ["REDDIT"]})).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.json(), error("RATE_LIMIT", "Rate limit exceeded", None));
        assert_eq!(counts(&answer), ["5", "0", "42"]);
        assert_eq!(answer.header("retry-after"), "42");
    }
    let ours = institution(&api).await;
    let users = ok(&ours, USERS).await;
    assert_eq!(users["totalCount"], 15, "a refused request changes nothing, and others of the institution are not limited");
    assert!(ours.get(USERS).await.headers.get("x-ratelimit-limit").is_none());
    api.understudy.advance(TimeDelta::milliseconds(41_999)).unwrap();
    let answer = client.get(USERS).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "one millisecond before the end");
    assert_eq!(answer.header("retry-after"), "1");
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    let answer = client.get(USERS).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(counts(&answer), ["5", "4", "60"]);
}

#[tokio::test]
async fn refusals_of_token_and_role_come_before_the_limit_and_do_not_count() {
    let api = Api::with(SLUG, builder().setting(SLUG, "rate_limit", json!(1)));
    let nobody = bearer_of(&api, "5n-sandbox-no-role").await;
    for _ in 0..3 {
        assert_eq!(api.get(USERS).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(nobody.get(USERS).await.status, StatusCode::FORBIDDEN);
    }
    let client = institution(&api).await;
    assert_eq!(client.get(USERS).await.status, StatusCode::OK);
    assert_eq!(client.get(USERS).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(bearer_of(&api, "5n-sandbox-short-lived").await.get(USERS).await.status, StatusCode::OK, "each client has its own");
}

#[tokio::test]
async fn the_setting_limits_the_public_check_by_address() {
    let api = Api::with(SLUG, builder().setting(SLUG, "rate_limit", json!(2)));
    for expected in [404, 404, 429] {
        let answer = api.get(&format!("{CHECK}/nothing")).await;
        assert_eq!(answer.status.as_u16(), expected);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("x-ratelimit-limit"), "2");
    }
    assert_eq!(api.get("/verify/nothing").await.status, StatusCode::NOT_FOUND, "the page is not limited");
    api.understudy.advance(TimeDelta::seconds(60)).unwrap();
    assert_eq!(api.get(&format!("{CHECK}/nothing")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_same_seed_and_clock_give_the_same_bytes() {
    let run = async || {
        let api = start();
        let client = bearer_of(&api, CLIENT).await;
        super::ask(&client, super::ERLICH, &["GOOGLE", "TWITTER"]).await;
        let link = client.post(LINK, json!({"contractId": RICHARD_GOOGLE})).await.json();
        let new = simulate(&api, "issue-credential", json!({"partyId": super::GAVIN, "provider": "GITHUB"}));
        let users = ok(&client, USERS).await;
        assert_eq!(each(&users["items"], "id").len(), 10);
        let bodies: Vec<String> = [USERS, CREDENTIALS, SCORES].iter().map(|path| (*path).to_owned()).collect();
        let mut all = vec![link["token"].to_string(), new.to_string()];
        for path in bodies {
            all.push(client.get(&path).await.text().to_owned());
        }
        all
    };
    assert_eq!(run().await, run().await);
}
