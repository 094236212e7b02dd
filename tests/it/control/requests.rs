//! `requests`: what came in and went out.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Controlled, KEY, detail, issue};

async fn ids(server: &Controlled, query: &str) -> Vec<u64> {
    let shown = server.control.get(&format!("/requests{query}")).await;
    assert_eq!(shown.status, StatusCode::OK, "{query}: {}", shown.text());
    let requests = shown.json()["requests"].as_array().unwrap().clone();
    requests.iter().map(|one: &Value| one["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn an_exchange_is_noted_whole() {
    let server = Controlled::start();
    let answer = issue(&server.verified.header("x-trace", "one"), "a@example.com").await;
    let noted = server.control.get("/requests/1").await.json();
    assert_eq!(noted["at"], "2026-01-01T00:00:00.000Z");
    assert_eq!(noted["provider"], "verified");
    assert_eq!(noted["operation"], "issueCredentials");
    assert_eq!(noted["method"], "POST");
    assert_eq!(noted["url"], format!("{}/credentials", server.understudy.provider_url("verified")));
    assert_eq!(noted["status"], 201);
    assert_eq!(noted["request"]["headers"]["x-trace"], "one");
    assert_eq!(noted["request"]["headers"]["authorization"], format!("Bearer {KEY}"));
    assert_eq!(
        noted["request"]["body"],
        json!({"email": "a@example.com", "credentials": [{"type": "EmailCredential", "data": {"email": "a@example.com"}}]})
    );
    assert_eq!(noted["response"]["headers"]["content-type"], "application/json; charset=utf-8");
    assert_eq!(noted["response"]["body"], answer.json());
}

#[tokio::test]
async fn requests_that_no_route_takes_are_noted_without_an_operation() {
    let server = Controlled::start();
    server.verified.get("/nothing?a=b%20c").await;
    server.verified.call(Method::PUT, "/credentials").await;
    let all = server.control.get("/requests").await.json()["requests"].clone();
    let shown = |one: &Value| (one["method"].clone(), one["operation"].clone(), one["status"].clone());
    assert_eq!(shown(&all[0]), (json!("GET"), Value::Null, json!(404)));
    assert_eq!(all[0]["url"], format!("{}/nothing?a=b%20c", server.understudy.provider_url("verified")));
    assert_eq!((&all[1]["method"], &all[1]["operation"]), (&json!("PUT"), &Value::Null));
}

#[tokio::test]
async fn control_calls_are_not_noted() {
    let server = Controlled::start();
    server.control.get("/clock").await;
    server.control.get("/nothing").await;
    assert_eq!(ids(&server, "").await, Vec::<u64>::new());
}

#[tokio::test]
async fn filters_narrow_and_combine() {
    let server = Controlled::start();
    issue(&server.verified, "a@example.com").await; // 1: issueCredentials, 201
    server.verified.get("/credentials/none").await; // 2: getCredential, 404
    server.verified.post("/credentials", json!({})).await; // 3: issueCredentials, 400
    server.verified.get("/nothing").await; // 4: none, 404
    for (query, expected) in [
        ("", vec![1, 2, 3, 4]),
        ("?provider=verified", vec![1, 2, 3, 4]),
        ("?provider=nobody", vec![]),
        ("?operation=issueCredentials", vec![1, 3]),
        ("?operation=nothing", vec![]),
        ("?status=404", vec![2, 4]),
        ("?status=500", vec![]),
        ("?since=2", vec![3, 4]),
        ("?since=4", vec![]),
        ("?status=404&since=2", vec![4]),
        ("?operation=issueCredentials&status=201&provider=verified&since=0", vec![1]),
    ] {
        assert_eq!(ids(&server, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_filter_that_is_no_number_is_refused() {
    let server = Controlled::start();
    for query in ["status=abc", "status=", "status=99999", "status=-1", "since=now", "since=-1", "since=99999999999999999999"] {
        let answer = server.control.get(&format!("/requests?{query}")).await;
        let (name, value) = query.split_once('=').unwrap();
        let expected = format!("{name}: {value:?} is not a number that fits");
        assert_eq!(detail(&answer, StatusCode::BAD_REQUEST, query), expected);
    }
}

#[tokio::test]
async fn a_body_is_shown_as_json_as_text_or_as_base64() {
    let server = Controlled::start();
    let json = "application/json";
    for (media_type, body, expected) in [
        (json, br#"{"a":[1,null]}"#.to_vec(), json!({"a": [1, null]})),
        ("application/problem+json; charset=utf-8", b"[1]".to_vec(), json!([1])),
        (json, b"{".to_vec(), json!("{")),
        (json, vec![0xff, 0x00], json!({"base64": "/wA="})),
        ("text/plain", br#"{"a":1}"#.to_vec(), json!(r#"{"a":1}"#)),
        ("text/plain", "é".as_bytes().to_vec(), json!("é")),
        ("application/octet-stream", vec![0x80], json!({"base64": "gA=="})),
        ("application/x-www-form-urlencoded", b"a=b".to_vec(), json!("a=b")),
    ] {
        server.control.delete("/requests").await;
        server.verified.call(Method::POST, "/nothing").header("content-type", media_type).body(body.clone()).await;
        let noted = server.control.get("/requests").await.json()["requests"][0].clone();
        assert_eq!(noted["request"]["body"], expected, "{media_type} {}", body.escape_ascii());
    }
    server.control.delete("/requests").await;
    server.verified.call(Method::POST, "/nothing").await;
    let noted = server.control.get("/requests").await.json()["requests"][0].clone();
    assert!(noted["request"].get("body").is_none(), "an empty body is absent: {noted}");
}

#[tokio::test]
async fn a_header_with_several_values_is_a_list() {
    let server = Controlled::start();
    server.verified.get("/nothing").header("x-many", "a").header("x-many", "b").header("x-one", "c").await;
    let headers = server.control.get("/requests/1").await.json()["request"]["headers"].clone();
    assert_eq!((&headers["x-many"], &headers["x-one"]), (&json!(["a", "b"]), &json!("c")));
}

#[tokio::test]
async fn an_exchange_that_is_unknown_or_forgotten_is_a_404() {
    let server = Controlled::start();
    server.verified.get("/nothing").await;
    for id in ["0", "2", "x", "-1", "99999999999999999999"] {
        let answer = server.control.get(&format!("/requests/{id}")).await;
        assert_eq!(detail(&answer, StatusCode::NOT_FOUND, id), format!("no request {id} is kept"));
    }
    assert_eq!(server.control.get("/requests/1").await.status, StatusCode::OK);
    assert_eq!(server.control.delete("/requests").await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.control.get("/requests/1").await.status, StatusCode::NOT_FOUND);
    server.verified.get("/nothing").await;
    assert_eq!(ids(&server, "").await, [2], "numbering goes on");
}

#[tokio::test]
async fn the_latest_thousand_are_kept() {
    let server = Controlled::start();
    for _ in 0..1003 {
        server.verified.get("/nothing").await;
    }
    let kept = ids(&server, "").await;
    assert_eq!((kept.len(), kept.first(), kept.last()), (1000, Some(&4), Some(&1003)));
}

#[tokio::test]
async fn bodies_are_kept_up_to_16_mib_in_all() {
    let server = Controlled::start();
    let mib = 1024 * 1024;
    for _ in 0..9 {
        server.verified.call(Method::POST, "/nothing").header("content-type", "text/plain").body(vec![b'x'; 2 * mib]).await;
    }
    let kept = ids(&server, "").await;
    assert_eq!(kept, [3, 4, 5, 6, 7, 8, 9], "seven of 2 MiB and their answers fit, eight do not");
}
