//! Requests for data, from making one to its decision.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    BIGHEAD, CONTRACTS, CREDENTIALS, ERLICH, GAVIN, JARED, JARED_GOOGLE, LINK, MONICA, REQUEST, RICHARD, SCORES, USERS, ask, each,
    encoded, error, institution, ok, proposal, simulate, start,
};

#[tokio::test]
async fn a_user_who_approves_at_once_is_readable_at_once() {
    let api = start();
    let client = institution(&api).await;
    let path = format!("{CREDENTIALS}/{}", encoded(ERLICH));
    let score = format!("{SCORES}/{}", encoded(ERLICH));
    assert_eq!(ok(&client, &path).await, json!([]));
    assert_eq!(client.get(&score).await.json(), error("NOT_FOUND", "User not found", None));

    let answer = client.post(REQUEST, json!({"partyId": ERLICH, "providers": ["GOOGLE", "TWITTER"]})).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert!(answer.body.is_empty());
    assert!(answer.headers.get("content-type").is_none());

    let users = ok(&client, &format!("{USERS}?search=erlich")).await;
    let row = |id: i64, provider: &str, proposal: &Value| {
        json!({"id": id, "fullName": "Erlich Bachman", "email": "erlich.bachman@example.com", "status": "ACTIVE", "kycStatus": "APPROVED",
            "partyId": ERLICH, "proposalId": proposal, "reqStatus": "APPROVED", "kycProvider": provider,
            "regDate": "2026-01-17T12:00:00.000Z"})
    };
    let proposals: Vec<Value> = each(&users["items"], "proposalId").into_iter().cloned().collect();
    let expected = json!({"items": [row(516, "TWITTER", &proposals[0]), row(515, "GOOGLE", &proposals[1])],
        "pagination": {"offset": 0, "limit": 10, "total": 2}, "totalCount": 16});
    assert_eq!(users, expected);
    for proposal in &proposals {
        let id = proposal.as_str().unwrap();
        assert_eq!(id.len(), 138, "{id}");
        assert!(id.starts_with("00") && id[66..].starts_with("ca111220"), "{id}");
        assert!(id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{id}");
    }
    let credentials = ok(&client, &path).await;
    assert_eq!(each(&credentials, "contractId"), [CONTRACTS[13], CONTRACTS[14]]);
    assert_eq!(each(&credentials, "provider"), ["GOOGLE", "TWITTER"]);
    assert_eq!(each(&credentials, "freshness"), ["FRESH", "FRESH"]);
    let score = ok(&client, &score).await["humanScore"].clone();
    assert_eq!((&score["totalScore"], &score["confidenceLevel"]), (&json!(61), &json!("medium-high")));
    assert_eq!(score["details"]["providerCount"], 3);

    ask(&client, ERLICH, &["GOOGLE", "TWITTER"]).await;
    assert_eq!(ok(&client, &format!("{USERS}?search=erlich")).await, expected, "asking again changes nothing");
}

#[tokio::test]
async fn pending_rejected_and_asked_again() {
    let api = start();
    let client = institution(&api).await;
    let page = ok(&client, &format!("{USERS}?reqStatus=PENDING&kycStatus=APPROVED")).await;
    assert_eq!(each(&page["items"], "id"), [511]);
    assert!(page["items"][0].get("fullName").is_none() && page["items"][0].get("email").is_none());
    assert_eq!(ok(&client, &format!("{CREDENTIALS}/{JARED}")).await, json!([]));
    let refused = client.post(LINK, json!({"contractId": JARED_GOOGLE})).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert_eq!(refused.json(), error("NOT_FOUND", "Credential not found", None));

    let proposal = proposal(&client, 511).await;
    assert_eq!(simulate(&api, "decide-request", json!({"proposalId": proposal, "decision": "approve"})), json!({}));
    let credentials = ok(&client, &format!("{CREDENTIALS}/{JARED}")).await;
    assert_eq!(each(&credentials, "provider"), ["GOOGLE"]);
    let row = ok(&client, &format!("{USERS}?search=jared")).await["items"][0].clone();
    assert_eq!((&row["id"], &row["fullName"], &row["reqStatus"]), (&json!(511), &json!("Jared Dunn"), &json!("APPROVED")));

    ask(&client, MONICA, &["LINKEDIN"]).await;
    let page = ok(&client, &format!("{USERS}?reqStatus=REJECTED")).await;
    assert_eq!(each(&page["items"], "id"), [515, 512], "the old row stays as history");
}

#[tokio::test]
async fn a_policy_with_a_delay_acts_when_the_delay_is_over() {
    let api = start();
    let client = institution(&api).await;
    ask(&client, BIGHEAD, &["DISCORD", "REDDIT"]).await;
    let states = async || {
        let page = ok(&client, &format!("{USERS}?limit=2")).await;
        each(&page["items"], "reqStatus").into_iter().map(|state| state.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states().await, ["PENDING", "PENDING"]);
    api.understudy.advance(TimeDelta::milliseconds(2999)).unwrap();
    assert_eq!(states().await, ["PENDING", "PENDING"]);
    assert_eq!(ok(&client, &format!("{CREDENTIALS}/{BIGHEAD}")).await, json!([]));
    let fired = super::fired(&api, TimeDelta::milliseconds(1));
    assert_eq!(fired, ["requestDecided", "requestDecided"]);
    assert_eq!(states().await, ["APPROVED", "APPROVED"]);
    let credentials = ok(&client, &format!("{CREDENTIALS}/{}", encoded(BIGHEAD))).await;
    assert_eq!(each(&credentials, "partyId"), [BIGHEAD]);
    let page = ok(&client, &format!("{USERS}?limit=1")).await;
    assert_eq!(page["items"][0]["kycStatus"], "TO_DO", "approved, but not linked");
}

#[tokio::test]
async fn a_decision_by_hand_takes_the_place_of_the_policy() {
    let api = start();
    let client = institution(&api).await;
    ask(&client, BIGHEAD, &["DISCORD"]).await;
    let proposal = proposal(&client, 515).await;
    simulate(&api, "decide-request", json!({"proposalId": proposal, "decision": "reject"}));
    assert!(super::fired(&api, TimeDelta::seconds(10)).is_empty());
    assert_eq!(ok(&client, &format!("{USERS}?limit=1")).await["items"][0]["reqStatus"], "REJECTED");
}

#[tokio::test]
async fn bodies_that_are_not_right_are_refused_and_nothing_is_asked() {
    let api = start();
    let client = institution(&api).await;
    let malformed = error("BAD_REQUEST", "Malformed JSON body", None);
    let party = error("BAD_REQUEST", "partyId is required", Some("partyId"));
    let providers = error("BAD_REQUEST", "providers must be a non-empty array", Some("providers"));
    let unknown =
        error("BAD_REQUEST", "providers must contain only: GOOGLE, LINKEDIN, GITHUB, DISCORD, TWITTER, REDDIT", Some("providers"));
    let with = |providers: Value| json!({"partyId": RICHARD, "providers": providers}).to_string();
    for (case, body, expected) in [
        ("nothing", String::new(), &malformed),
        ("broken", "{".to_owned(), &malformed),
        ("an array", "[]".to_owned(), &malformed),
        ("a text", "\"x\"".to_owned(), &malformed),
        ("null", "null".to_owned(), &malformed),
        ("two objects", "{}{}".to_owned(), &malformed),
        ("a form", "partyId=x".to_owned(), &malformed),
        ("not UTF-8 in an escape", r#"{"partyId":"\ud800"}"#.to_owned(), &malformed),
        ("no party", json!({"providers": ["GOOGLE"]}).to_string(), &party),
        ("party and providers", "{}".to_owned(), &party),
        ("a number", json!({"partyId": 1, "providers": ["GOOGLE"]}).to_string(), &party),
        ("null as party", json!({"partyId": null, "providers": ["GOOGLE"]}).to_string(), &party),
        ("blank", json!({"partyId": " \t", "providers": ["GOOGLE"]}).to_string(), &party),
        ("no providers", json!({"partyId": RICHARD}).to_string(), &providers),
        ("a text as providers", with(json!("GOOGLE")), &providers),
        ("null as providers", with(Value::Null), &providers),
        ("no provider", with(json!([])), &providers),
        ("unknown", with(json!(["GOOGLE", "MYSPACE"])), &unknown),
        ("lower case", with(json!(["google"])), &unknown),
        ("no account", with(json!(["SUMSUB"])), &unknown),
        ("a number among them", with(json!(["REDDIT", 1])), &unknown),
        ("null among them", with(json!([null])), &unknown),
        ("a list among them", with(json!([["GOOGLE"]])), &unknown),
    ] {
        let answer = client.post(REQUEST, body.as_str()).header("content-type", "application/json").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{case}");
        assert_eq!(answer.json(), *expected, "{case}");
    }
    for party in ["nobody", &RICHARD.to_uppercase(), &format!(" {RICHARD}"), RICHARD.trim_start_matches("party::")] {
        let answer = client.post(REQUEST, json!({"partyId": party, "providers": ["GOOGLE"]})).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{party}");
        assert_eq!(answer.json(), error("NOT_FOUND", "User not found", None), "{party}");
    }
    assert_eq!(ok(&client, USERS).await["totalCount"], 14);
}

#[tokio::test]
async fn the_body_is_json_whatever_its_content_type_says() {
    let api = start();
    let client = institution(&api).await;
    for (content_type, provider) in [(None, "GOOGLE"), (Some("text/plain"), "TWITTER"), (Some("application/xml"), "REDDIT")] {
        let body = json!({"partyId": GAVIN, "providers": [provider], "more": 1}).to_string();
        let mut call = client.post(REQUEST, body.as_str());
        if let Some(content_type) = content_type {
            call = call.header("content-type", content_type);
        }
        assert_eq!(call.await.status, StatusCode::NO_CONTENT, "{content_type:?}");
    }
    assert_eq!(ok(&client, USERS).await["totalCount"], 17);
}

#[tokio::test]
async fn each_account_is_asked_for_once_until_it_was_refused() {
    let api = start();
    let client = institution(&api).await;
    let rows = async || {
        let page = ok(&client, &format!("{USERS}?search={}&limit=100&orderType=ASC", encoded(GAVIN))).await;
        let rows = page["items"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| format!("{} {} {}", row["id"], row["kycProvider"].as_str().unwrap(), row["reqStatus"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    ask(&client, GAVIN, &["GOOGLE", "GOOGLE", "GITHUB", "GOOGLE"]).await;
    assert_eq!(rows().await, ["513 SUMSUB PENDING", "515 GOOGLE PENDING", "516 GITHUB PENDING"]);
    ask(&client, GAVIN, &["GITHUB", "REDDIT"]).await;
    assert_eq!(rows().await[3..], ["517 REDDIT PENDING"], "what is pending is skipped");
    let decide = async |id: i64, decision: &str| {
        let proposal = proposal(&client, id).await;
        simulate(&api, "decide-request", json!({"proposalId": proposal, "decision": decision}));
    };
    decide(515, "approve").await;
    ask(&client, GAVIN, &["GOOGLE"]).await;
    assert_eq!(rows().await.len(), 4, "what is approved is skipped");
    decide(515, "revoke").await;
    decide(516, "reject").await;
    ask(&client, GAVIN, &["GOOGLE", "GITHUB"]).await;
    assert_eq!(
        rows().await,
        [
            "513 SUMSUB PENDING",
            "515 GOOGLE REVOKED",
            "516 GITHUB REJECTED",
            "517 REDDIT PENDING",
            "518 GOOGLE PENDING",
            "519 GITHUB PENDING"
        ]
    );
    assert_ne!(proposal(&client, 515).await, proposal(&client, 518).await);
}

#[tokio::test]
async fn a_withdrawn_approval_ends_access_but_not_links_that_are_alive() {
    let api = start();
    let client = institution(&api).await;
    let contract = CONTRACTS[17];
    let token = super::link(&client, contract).await;
    let proposal = proposal(&client, 514).await;
    simulate(&api, "decide-request", json!({"proposalId": proposal, "decision": "revoke"}));
    assert_eq!(ok(&client, &format!("{CREDENTIALS}/{}", super::JOHN)).await, json!([]));
    assert_eq!(ok(&client, CREDENTIALS).await["pagination"]["total"], 10);
    assert_eq!(ok(&client, &format!("{CREDENTIALS}/resolve?q=johndoe")).await, json!({"credentials": []}));
    assert_eq!(client.get(&format!("{SCORES}/{}", super::JOHN)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(client.post(LINK, json!({"contractId": contract})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(super::check(&api, &token).await.json()["status"], "strong");
    api.understudy.advance(TimeDelta::seconds(900)).unwrap();
    assert_eq!(super::check(&api, &token).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn one_approved_request_is_enough_for_the_score() {
    let api = start();
    let client = institution(&api).await;
    let decide = async |id: i64| {
        let proposal = proposal(&client, id).await;
        simulate(&api, "decide-request", json!({"proposalId": proposal, "decision": "revoke"}));
    };
    let path = format!("{SCORES}/{}", super::DINESH);
    decide(506).await;
    assert_eq!(ok(&client, &path).await["humanScore"]["totalScore"], 46);
    assert_eq!(ok(&client, SCORES).await["pagination"]["total"], 4);
    decide(507).await;
    assert_eq!(client.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ok(&client, SCORES).await["pagination"]["total"], 3);
}
