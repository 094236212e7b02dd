//! `requests`: what came in and went out.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Controlled, KEY, detail, issue};
use crate::raw::Raw;

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
        ("?status=4xx", vec![2, 3, 4]),
        ("?status=2XX,400", vec![1, 3]),
        ("?status=5xx", vec![]),
        ("?status=201&status=400", vec![1, 3]),
        ("?provider=nobody,verified&status=201", vec![1]),
        ("?operation=getCredential,issueCredentials", vec![1, 2, 3]),
        ("?method=POST", vec![1, 3]),
        ("?method=post,get", vec![1, 2, 3, 4]),
        ("?method=DELETE", vec![]),
        ("?path=/credentials", vec![1, 3]),
        ("?path=/credentials/*", vec![2]),
        ("?path=/cred*", vec![1, 2, 3]),
        ("?path=*", vec![1, 2, 3, 4]),
        ("?path=/verified/credentials", vec![]),
        ("?since=2026-01-01T00:00:00Z", vec![1, 2, 3, 4]),
        ("?since=2026-01-01T01:00:00%2B01:00", vec![1, 2, 3, 4]),
        ("?since=2026-01-01T00:00:00.001Z", vec![]),
        ("?limit=2", vec![3, 4]),
        ("?limit=1&status=201", vec![1]),
        ("?limit=1000", vec![1, 2, 3, 4]),
        ("?format=json", vec![1, 2, 3, 4]),
        ("?operation=issueCredentials&status=201&provider=verified&since=0", vec![1]),
    ] {
        assert_eq!(ids(&server, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_moment_of_the_worlds_clock_divides_the_requests() {
    let server = Controlled::start();
    server.verified.get("/nothing").await;
    server.control.post("/clock/advance", json!({"by": "PT1H"})).await;
    server.verified.get("/nothing").await;
    assert_eq!(ids(&server, "?since=2026-01-01T01:00:00Z").await, [2]);
    assert_eq!(ids(&server, "?since=2026-01-01T00:00:00Z").await, [1, 2]);
}

#[tokio::test]
async fn a_query_that_asks_for_what_cannot_be_is_refused() {
    let server = Controlled::start();
    let status = "is neither a status such as 404 nor a class such as 4xx";
    let since = "is neither the id of a request nor a moment such as 2026-01-01T00:00:00Z";
    let unknown =
        "unknown parameter; this call knows provider, operation, method, path, status, since, limit, count, wait_ms, format";
    for (query, expected) in [
        ("status=abc", format!(r#"status: "abc" {status}"#)),
        ("status=", format!(r#"status: "" {status}"#)),
        ("status=99", format!(r#"status: "99" {status}"#)),
        ("status=600", format!(r#"status: "600" {status}"#)),
        ("status=-1", format!(r#"status: "-1" {status}"#)),
        ("status=0xx", format!(r#"status: "0xx" {status}"#)),
        ("status=6xx", format!(r#"status: "6xx" {status}"#)),
        ("status=404,", format!(r#"status: "" {status}"#)),
        ("status=4x", format!(r#"status: "4x" {status}"#)),
        ("since=now", format!(r#"since: "now" {since}"#)),
        ("since=-1", format!(r#"since: "-1" {since}"#)),
        ("since=99999999999999999999", format!(r#"since: "99999999999999999999" {since}"#)),
        ("since=2026-01-01", format!(r#"since: "2026-01-01" {since}"#)),
        ("limit=0", r#"limit: "0" is no number from 1 to 1000"#.to_owned()),
        ("limit=1001", r#"limit: "1001" is no number from 1 to 1000"#.to_owned()),
        ("limit=all", r#"limit: "all" is no number from 1 to 1000"#.to_owned()),
        ("count=0", r#"count: "0" is no number from 1 to 1000"#.to_owned()),
        ("count=1001", r#"count: "1001" is no number from 1 to 1000"#.to_owned()),
        ("wait_ms=-1", r#"wait_ms: "-1" is no number from 0 to 60000"#.to_owned()),
        ("wait_ms=60001", r#"wait_ms: "60001" is no number from 0 to 60000"#.to_owned()),
        ("wait_ms=PT5S", r#"wait_ms: "PT5S" is no number from 0 to 60000"#.to_owned()),
        ("format=xml", r#"format: "xml" is none of json, har, scenario"#.to_owned()),
        ("format=Scenario", r#"format: "Scenario" is none of json, har, scenario"#.to_owned()),
        ("format=scenario&status=404", "status: unknown parameter; this call knows format, loosely".to_owned()),
        ("operations=getCredential", format!("operations: {unknown}")),
        ("status=404&x", format!("x: {unknown}")),
    ] {
        let answer = server.control.get(&format!("/requests?{query}")).await;
        assert_eq!(detail(&answer, StatusCode::BAD_REQUEST, query), expected);
    }
    issue(&server.verified, "a@example.com").await;
    for (method, path) in [(Method::DELETE, "/requests?provider=5n"), (Method::GET, "/requests/1?provider=5n")] {
        let answer = server.control.call(method, path).await;
        let detail = detail(&answer, StatusCode::BAD_REQUEST, path);
        assert_eq!(detail, "provider: unknown parameter; this call knows none");
    }
    assert_eq!(ids(&server, "").await, [1], "nothing was forgotten");
}

#[tokio::test]
async fn a_count_says_whether_it_is_reached() {
    let server = Controlled::start();
    server.verified.get("/nothing").await;
    server.verified.get("/nothing").await;
    for (query, expected) in [
        ("", None),
        ("?wait_ms=0", None),
        ("?count=2", Some(true)),
        ("?count=3", Some(false)),
        ("?count=2&limit=1", Some(true)),
        ("?count=1&status=200", Some(false)),
        ("?wait_ms=60000", Some(true)),
        ("?wait_ms=60000&count=2&status=404", Some(true)),
        ("?wait_ms=5&since=2", Some(false)),
        ("?wait_ms=5&count=3", Some(false)),
    ] {
        let shown = server.control.get(&format!("/requests{query}")).await.json();
        assert_eq!(shown["count_reached"].as_bool(), expected, "{query}");
    }
}

#[tokio::test]
async fn a_wait_ends_with_the_request_that_makes_the_count_full() {
    let server = Controlled::start();
    let waiting = server.control.get("/requests?wait_ms=60000&count=2&operation=getCredential");
    let asking = async {
        for path in ["/credentials/a", "/nothing", "/credentials/b"] {
            server.verified.get(path).await;
            server.control.post("/clock/advance", json!({"by": "PT1S"})).await;
        }
    };
    let (shown, ()) = tokio::join!(waiting, asking);
    let shown = shown.json();
    let ids: Vec<&Value> = shown["requests"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!((ids, &shown["count_reached"]), (vec![&json!(1), &json!(3)], &json!(true)));
}

#[tokio::test]
async fn a_wait_ends_when_the_world_is_deleted_or_the_server_stops() {
    let server = Controlled::start();
    server.control.post("/worlds", json!({"name": "w"})).await;
    let (control, verified) = server.of("w");
    let waiting = async || control.get("/requests?wait_ms=60000&count=2").await.json();
    let deleting = async {
        verified.get("/nothing").await;
        server.control.delete("/worlds/w").await
    };
    // Begun in this order: the call that waits is there before the world is gone, or finds none.
    let (shown, _) = tokio::join!(waiting(), deleting);
    assert!(shown["count_reached"] == false || shown["status"] == 404, "{shown}");

    let mut raw = Raw::connect(server.understudy.addresses()[0]);
    raw.send(
        "GET /_understudy/requests?wait_ms=60000 HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    );
    assert_eq!(raw.answer().status, 100, "it has begun");
    raw.send("{}");
    drop(server);
    let answer = raw.answer();
    assert_eq!((answer.status, answer.json()), (200, json!({"requests": [], "count_reached": false})));
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

#[tokio::test]
async fn the_answer_to_head_is_noted_as_it_goes_out() {
    let server = Controlled::start();
    server.verified.call(Method::HEAD, "/schema").await;
    let noted = server.control.get("/requests/1").await.json();
    assert_eq!((&noted["method"], &noted["status"]), (&json!("HEAD"), &json!(200)));
    assert!(noted["response"].get("body").is_none(), "{noted}");
}
