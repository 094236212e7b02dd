//! Bodies plain and encrypted, errors, headers, and what all operations have in common.

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use understudy::worlds::Spec;

use super::{
    DEFAULT, SERVICE, SERVICE_PUBLIC, Signed as _, TENANT, create, creation, fixture_session, open, refused, request_id, seal,
    sealed, session_path, start, submit, with_setting,
};
use crate::client::Client;
use crate::harness::{Api, builder, document};

#[tokio::test]
async fn answers_take_the_form_of_the_request() {
    let api = start();
    let fetch =
        json!({"query": {"id": fixture_session("01")}, "tenantId": TENANT, "communityId": DEFAULT, "pIndex": 0, "pSize": 5});
    let path = session_path("fetch", "");
    let plain = api.post(&path, json!({"data": fetch})).licensed(SERVICE).await.json();
    for body in [sealed(&fetch), sealed(&json!({"data": fetch}))] {
        let answer = api.post(&path, body).licensed(SERVICE).await.json();
        assert_eq!(answer["publicKey"], SERVICE_PUBLIC);
        assert_eq!(open(&answer["data"]), plain["data"]);
    }
    let refusal = api.post(&path, sealed(&json!({}))).licensed(SERVICE).await;
    refused(
        &refusal,
        400,
        "tenantId is required, communityId is required, pIndex is required, pSize is required",
        "errors are plain",
    );
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused() {
    let api = start();
    let path = session_path(&fixture_session("02"), "/v2/submit/document");
    let good = seal("{}");
    let mut flipped = good.clone().into_bytes();
    flipped[30] = if flipped[30] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    for (body, message) in [
        ("{".to_owned(), "Invalid JSON"),
        ("[]".to_owned(), "Invalid JSON"),
        ("7".to_owned(), "Invalid JSON"),
        ("\u{0}".to_owned(), "Invalid JSON"),
        (json!({"data": flipped}).to_string(), "data can't be decrypted"),
        (json!({"data": "AAAA"}).to_string(), "data can't be decrypted"),
        (json!({"data": ""}).to_string(), "data can't be decrypted"),
        (json!({"data": seal("no JSON")}).to_string(), "data can't be decrypted"),
        (json!({"data": seal("[]")}).to_string(), "data can't be decrypted"),
        (json!({"data": good, "more": 1}).to_string(), "document_front is required"),
        (String::new(), "document_front is required"),
    ] {
        refused(&api.post(&path, body.as_str()).signed().await, 400, message, &body);
    }
}

#[tokio::test]
async fn a_body_is_json_whatever_its_content_type_says() {
    let api = start();
    let body = json!({"dvcID": "default_config", "sessionId": fixture_session("01")}).to_string();
    let call = api.post("/idproofingapi/document_share_session/result", body.as_str()).licensed(SERVICE);
    assert_eq!(call.header("content-type", "text/plain").header("charset", "utf-8").await.status, 200);
}

#[tokio::test]
async fn large_bodies_are_taken_and_larger_ones_refused() {
    let api = start();
    let id = super::started(&api, creation("u", json!({}))).await;
    let path = session_path(&id, "/v2/submit/document");
    let body = json!({"document_front": {"images": {"image": "A".repeat(40_000_000)}}});
    assert_eq!(api.post(&path, body).signed().await.status, 200);
    let over = vec![b' '; 50 * 1024 * 1024 + 1];
    refused(&api.post(&path, over).signed().await, 400, "request body is larger than 52428800 bytes", "over 50 MiB");
}

#[tokio::test]
async fn get_requests_are_answered_encrypted_when_set_so() {
    let api = with_setting("encrypt_get_responses", json!(true));
    let place = format!("/idproofingapi/bucket/tenant/{TENANT}/community/{DEFAULT}");
    for (path, member) in [
        (session_path(&fixture_session("01"), ""), "status"),
        (session_path(&fixture_session("01"), "/start"), "startedTS"),
        (session_path(&fixture_session("03"), "/complete"), "completionStatus"),
        (session_path(&fixture_session("09"), "/decline"), "status"),
        (place, "bucketName"),
    ] {
        let answer = api.get(&path).licensed(SERVICE).await.json();
        assert!(open(&answer["data"]).get(member).is_some(), "{path}");
    }
    let unknown = api.get(&session_path("x", "")).signed().await;
    refused(&unknown, 400, "Session not found", "errors are plain");
}

#[tokio::test]
async fn errors_have_the_keys_that_are_set() {
    for (shape, expected) in [
        ("both", json!({"statusCode": 400, "error": "Bad Request", "code": 400, "message": "Session not found"})),
        ("seed", json!({"statusCode": 400, "error": "Bad Request", "message": "Session not found"})),
        ("deployed", json!({"code": 400, "message": "Session not found"})),
    ] {
        let api = with_setting("error_shape", json!(shape));
        let answer = api.get(&session_path("x", "")).signed().await;
        assert_eq!(answer.text(), expected.to_string(), "{shape}");
    }
}

#[tokio::test]
async fn settings_refuse_what_they_cannot_be() {
    for (key, value) in [
        ("allowed_time_span", json!(-1)),
        ("refuse_replays", json!("yes")),
        ("ec_curve_name", json!("P-256")),
        ("encrypt_get_responses", json!(1)),
        ("error_shape", json!("x")),
        ("start_idempotent", json!(null)),
        ("processing_delay_ms", json!(1.5)),
        ("proof_secret", json!("")),
        ("nothing", json!(1)),
    ] {
        let started = builder().setting("1kosmos", key, value.clone()).start();
        assert_eq!(started.is_err(), !value.is_null(), "{key} {value}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_not_found() {
    let api = start();
    let client = api.without_contract();
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/idproofingapi"),
        (Method::GET, "/idproofingapi/nothing"),
        (Method::GET, "/proofingsession/x"),
        (Method::POST, "/idproofingapi/healthz"),
        (Method::DELETE, "/idproofingapi/document_share_session/create"),
        (Method::PUT, "/idproofingapi/proofingsession/x/start"),
        (Method::PATCH, "/docuverify/verify"),
    ] {
        refused(&client.call(method.clone(), path).await, 404, "Not found", &format!("{method} {path}"));
    }
    assert_eq!(client.get("/idproofingapi/healthz/").await.status, 200, "a trailing slash makes no difference");
}

#[tokio::test]
async fn browsers_of_other_origins_are_let_in() {
    let api = start();
    let client = api.without_contract();
    for path in ["/idproofingapi/document_share_session/create", "/_bucket/b/s/o.png", "/nothing"] {
        let answer = client.call(Method::OPTIONS, path).header("access-control-request-headers", "requestid,publickey").await;
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), "GET,POST,PUT,PATCH,DELETE,OPTIONS");
        assert_eq!(answer.header("access-control-allow-headers"), "requestid,publickey");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    let bare = client.call(Method::OPTIONS, "/caas/sd").await;
    assert!(bare.headers.get("access-control-allow-headers").is_none());
}

#[tokio::test]
async fn answers_carry_the_headers_of_the_real_service() {
    let api = start();
    for answer in [api.get("/idproofingapi/healthz").await, api.get(&session_path("x", "")).await] {
        for (name, value) in [
            ("content-type", "application/json; charset=utf-8"),
            ("access-control-allow-origin", "*"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "SAMEORIGIN"),
            ("referrer-policy", "no-referrer"),
            ("x-xss-protection", "0"),
            ("x-dns-prefetch-control", "off"),
            ("x-download-options", "noopen"),
            ("x-permitted-cross-domain-policies", "none"),
            ("vary", "Accept-Encoding"),
        ] {
            assert_eq!(answer.header(name), value, "{name}");
        }
        assert!(answer.header("etag").starts_with(&format!("W/\"{:x}-", answer.body.len())));
        assert!(answer.headers.get("strict-transport-security").is_none());
    }
}

#[tokio::test]
async fn every_listed_failure_can_be_asked_for_and_no_other() {
    let api = start();
    let contract = document("1kosmos");
    let client = api.header("x-sandbox-fault", "0");
    for (path, item) in contract["paths"].as_object().unwrap() {
        if !(path.starts_with("/idproofingapi") || path.starts_with("/docuverify")) {
            continue;
        }
        for (method, operation) in item.as_object().unwrap() {
            let listed: Vec<u16> =
                operation["responses"].as_object().unwrap().keys().map(|status| status.parse().unwrap()).collect();
            let method: Method = method.to_uppercase().parse().unwrap();
            let path = path.replace(['{', '}'], "");
            for status in [400, 401, 403, 404, 405, 409, 500, 501, 503] {
                let answer = client.call(method.clone(), &path).header("x-sandbox-fault", &format!("{status}: Out of order")).await;
                let case = format!("{status} of {method} {path}");
                if listed.contains(&status) {
                    refused(&answer, status, "Out of order", &case);
                } else {
                    assert_ne!(answer.status, status, "{case}");
                }
            }
        }
    }
    let usual = api.get("/idproofingapi/publickeys").header("x-sandbox-fault", "401").await;
    refused(&usual, 401, "Unauthorized", "a usual message");
    for nonsense in ["200", "x", "", "99999", "401:"] {
        let answer = api.get("/idproofingapi/publickeys").header("x-sandbox-fault", nonsense).await;
        assert_eq!(answer.status, if nonsense == "401:" { 401 } else { 200 }, "{nonsense}");
    }
    let id = fixture_session("01");
    let faulty = api.get(&session_path(&id, "/start")).signed().header("x-sandbox-fault", "500").await;
    refused(&faulty, 500, "Internal Server Error", "start");
    assert_eq!(super::view(&api, &id).await["status"], "PENDING", "a fault has no effect");
}

/// All that a fixed course of requests is answered, in bytes.
async fn course(client: &Client) -> Vec<u8> {
    let id = request_id(0);
    let license = seal(SERVICE);
    let client = client.header("publickey", super::PUBLIC).header("requestid", &id).header("licensekey", &license);
    let created =
        client.post("/idproofingapi/document_share_session/create", creation("sbx-review", json!({"returnRawData": true}))).await;
    let session = created.json()["sessionId"].as_str().unwrap().to_owned();
    let mut bytes = session.clone().into_bytes();
    for path in ["/start", "/submit/document", "/complete"] {
        let method = if path == "/submit/document" { Method::POST } else { Method::GET };
        let answer = client.call(method, &session_path(&session, path)).header("user-agent", "x").await;
        bytes.extend(String::from_utf8_lossy(&answer.body).replace(&client.base, "").into_bytes());
    }
    let body = json!({"dvcID": "default_config", "sessionId": session});
    bytes.extend(client.post("/idproofingapi/document_share_session/result", sealed(&body)).await.body);
    bytes
}

#[tokio::test]
async fn the_same_seed_and_a_standing_clock_give_the_same_bytes() {
    let (one, two) = (start(), start());
    let other = Api::with("1kosmos", builder().seed(8));
    let (first, second, third) = (course(&one).await, course(&two).await, course(&other).await);
    assert_eq!(first.escape_ascii().to_string(), second.escape_ascii().to_string());
    assert_ne!(first, third);
}

#[tokio::test]
async fn worlds_do_not_see_each_other() {
    let api = start();
    let other = api.understudy.create_world(Spec { name: Some("other".to_owned()), ..Spec::default() }).unwrap();
    let client = Client::new(other.provider_url("1kosmos")).with_contract(api.contract.as_ref().unwrap());
    let id = create(&client, creation("u", json!({}))).await;
    assert_eq!(api.get(&session_path(&id, "")).signed().await.status, 400);
    let answer = client.get(&session_path(&id, "/start")).signed().await.json();
    assert_eq!(
        answer["data"]["url"],
        format!("{}/idproofing/session/{id}", other.provider_url("1kosmos")),
        "links stay in the world"
    );
    submit(&client, &id).await;
    api.understudy.reset().unwrap();
    assert_eq!(client.get(&session_path(&id, "/complete")).signed().await.status, 200);
    other.advance(TimeDelta::hours(1)).unwrap();
    assert_eq!(super::view(&client, &fixture_session("02")).await["status"], "ABANDONED");
    assert_eq!(super::view(&api, &fixture_session("02")).await["status"], "INPROGRESS");
}

#[tokio::test]
async fn keys_are_the_same_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.db");
    let mut seen = Vec::new();
    let mut id = String::new();
    for _ in 0..2 {
        let api = Api::with("1kosmos", builder().data(&file));
        seen.push(api.get("/idproofingapi/publickeys").await.json());
        if id.is_empty() {
            id = create(&api, creation("u", json!({}))).await;
        }
        assert_eq!(super::view(&api, &id).await["status"], "PENDING");
    }
    assert_eq!(seen, [json!({"publicKey": SERVICE_PUBLIC}), json!({"publicKey": SERVICE_PUBLIC})]);
}

#[tokio::test]
async fn an_empty_world_has_keys_of_its_own() {
    let api = start();
    let reset = Client::new(api.understudy.control_url()).post("/reset", json!({"to": "empty"})).await;
    assert_eq!(reset.status, 204);
    let made = api.get("/idproofingapi/publickeys").await.json();
    assert_ne!(made, json!({"publicKey": SERVICE_PUBLIC}));
    assert_eq!(api.get("/idproofingapi/publickeys").await.json(), made);
    assert_eq!(api.get(&session_path(&fixture_session("01"), "")).await.status, 400);
    let unknown = api.post("/api/r1/system/community_info/fetch", json!({"dns": "localhost", "communityName": "default"})).await;
    assert_eq!(unknown.json(), json!({"message": "Unable to load tenant/community"}));
    let _: Value = made;
}
