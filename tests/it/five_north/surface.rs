//! The edges of the API: methods, paths, sizes, and the document.

use http::{Method, StatusCode};
use serde_json::json;

use super::{CREDENTIALS, LINK, REQUEST, SCORES, SLUG, TOKEN, USERS, error, institution, start};
use crate::client::Client;
use crate::harness::contract;

#[test]
fn the_document_is_sound() {
    assert_eq!(contract(SLUG).flaws(), Vec::<String>::new());
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let api = start();
    let client = institution(&api).await;
    for (path, allow, methods) in [
        (USERS, "GET, HEAD", [Method::POST, Method::PUT, Method::PATCH, Method::DELETE]),
        (SCORES, "GET, HEAD", [Method::POST, Method::PUT, Method::PATCH, Method::DELETE]),
        (CREDENTIALS, "GET, HEAD", [Method::POST, Method::PUT, Method::PATCH, Method::DELETE]),
        (LINK, "POST", [Method::GET, Method::PUT, Method::PATCH, Method::DELETE]),
        ("/api/v1/verification/check/x", "GET, HEAD", [Method::POST, Method::PUT, Method::PATCH, Method::DELETE]),
        ("/verify/x", "GET, HEAD", [Method::POST, Method::PUT, Method::PATCH, Method::DELETE]),
    ] {
        for method in methods {
            let answer = client.call(method.clone(), path).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(answer.header("allow"), allow, "{method} {path}");
            assert_eq!(answer.json(), error("METHOD_NOT_ALLOWED", "Method not allowed", None), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn unknown_routes_are_named() {
    let api = start();
    for (method, path) in [
        (Method::GET, "/api/v1/institutions/me"),
        (Method::GET, "/api/v1/institutions/me/users/1"),
        (Method::POST, "/api/v1/verification"),
        (Method::DELETE, "/api/v1/verification/check"),
        (Method::GET, "/api/v2/institutions/me/users"),
        (Method::GET, "/api/v1/institutions/me/credentials/a/b"),
        (Method::GET, "/"),
        (Method::PUT, "/oauth"),
    ] {
        let answer = api.call(method.clone(), path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        assert_eq!(answer.json(), error("NOT_FOUND", &format!("Cannot {method} {path}"), None), "{method} {path}");
    }
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused() {
    let api = start();
    let client = institution(&api).await;
    let large = vec![b' '; understudy::http::BODY_LIMIT + 1];
    for path in [REQUEST, LINK] {
        let answer = client.post(path, large.clone()).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert_eq!(answer.json(), error("PAYLOAD_TOO_LARGE", "Request body too large", None), "{path}");
    }
    let answer = api.post(TOKEN, large).header("content-type", "application/x-www-form-urlencoded").await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.json()["error"], "HTTP 413 Request Entity Too Large");
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    let api = start();
    let client = institution(&api).await;
    let get = client.get(USERS).await;
    let head = client.call(Method::HEAD, USERS).await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn raw_and_encoded_parties_mean_the_same_and_slashes_stay_inside() {
    let api = start();
    let client = institution(&api).await;
    let control = Client::new(api.understudy.control_url());
    let party = super::JOHN;
    let lower = party.replace(':', "%3a");
    for path in [party.to_owned(), super::encoded(party), lower] {
        assert_eq!(client.get(&format!("{SCORES}/{path}")).await.status, StatusCode::OK, "{path}");
    }
    let answer = client.get(&format!("{SCORES}/a%2Fb")).await;
    assert_eq!(answer.json(), error("NOT_FOUND", "User not found", None), "one segment");
    let info = control.get("/info").await.json();
    let ours = info["providers"].as_array().unwrap().iter().find(|provider| provider["slug"] == SLUG).unwrap().clone();
    let shown = ours.to_string();
    for value in
        [format!("{}/api/v1", api.base), format!("{}{TOKEN}", api.base), super::CLIENT.to_owned(), super::SECRET.to_owned()]
    {
        assert!(shown.contains(&json!(value).to_string()), "{value} should be in {shown}");
    }
}

#[tokio::test]
async fn no_input_makes_the_server_fail() {
    let api = start();
    let client = institution(&api).await;
    let nasty = [
        "%00",
        "a%00b",
        "abc%00def",
        "%00%00%00",
        "%22",
        "%22%22%22",
        "a%22b%22c",
        "'",
        "%5C",
        "%25%25%25",
        "***",
        "a*b*c",
        "NEAR(a%20b)",
        "a%20AND%20b",
        "-abc",
        "%5Eabc",
        "a:b:c",
        "(((",
        ")))",
        "%7B%7D%7B",
        "%C2%A0%C2%A0%C2%A0",
        "%CC%81%CC%81%CC%81",
        "%C4%B0%C4%B0%C4%B0",
        "%E2%80%8B%E2%80%8B%E2%80%8B",
        "%F0%9F%98%80%F0%9F%98%80%F0%9F%98%80",
        "%FF%FE%FD",
        "%ED%A0%80",
        "%",
        "%4",
        "&&&",
        "=",
        "%0A%0D%09",
        "%EF%BF%BF%EF%BF%BF%EF%BF%BF",
        "%1F%1F%1F",
    ];
    let long = "%41".repeat(5000);
    for value in nasty.into_iter().chain([long.as_str()]) {
        for name in ["search", "status", "reqStatus", "kycStatus", "orderBy", "orderType", "offset", "limit"] {
            let answer = client.get(&format!("{USERS}?{name}={value}")).await;
            assert!(answer.status.as_u16() < 500, "{name}={value}: {}", answer.text());
        }
        for query in [
            format!("{CREDENTIALS}?partyIds={value}"),
            format!("{SCORES}?emails={value}"),
            format!("{CREDENTIALS}/resolve?q={value}"),
        ] {
            let answer = client.get(&query).await;
            assert!(answer.status.as_u16() < 500, "{query}: {}", answer.text());
        }
        if !value.contains(['&', '=']) {
            for path in [SCORES, CREDENTIALS, "/api/v1/verification/check", "/verify", "/wallet"] {
                let answer = client.get(&format!("{path}/{value}")).await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}/{value}");
            }
        }
        let form = format!("grant_type={value}&client_id={value}&client_secret={value}&scope={value}");
        let answer = api.post(TOKEN, form.as_str()).header("content-type", "application/x-www-form-urlencoded").await;
        assert!(answer.status.is_client_error(), "{value}: {}", answer.text());
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in
        [deep.as_str(), "{\"contractId\":\"\\u0000\"}", "{\"contractId\":\"x\",\"contractId\":1}", "\u{feff}{}", "{\"a\":1e999}"]
    {
        for path in [LINK, REQUEST, super::BATCH] {
            let answer = client.post(path, body).await;
            assert!(answer.status.is_client_error(), "{path}: {}", answer.text());
        }
    }
}
