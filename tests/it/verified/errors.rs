//! Errors that every operation has: keys, methods, paths, bodies.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ACME, HOOLI, HOOLI_UUID, KREDITA, KREDITA_UUID, assert_answer, bad_request, start_as};
use crate::client::Response;
use crate::contract::Contract;
use crate::harness::{Api, document};

const SSN: &str = "/credentials/11111111-1111-4111-8111-000000000005";

/// Every operation that needs a key, with a body that succeeds for Hooli and the status of that.
fn operations() -> Vec<(Method, String, Value, StatusCode)> {
    let phone = json!("+10123456789");
    let created = StatusCode::CREATED;
    let one_click = "/1-click/22222222-2222-4222-8222-000000000001";
    let credentials = json!([{"type": "SsnCredential", "data": {"ssn": "111223333"}}]);
    vec![
        (Method::POST, "/1-click".to_owned(), json!({"phone": phone}), created),
        (Method::POST, "/1-click/trusted".to_owned(), json!({"phone": phone, "birthDate": "1989-08-01"}), created),
        (Method::GET, one_click.to_owned(), json!(null), StatusCode::OK),
        (Method::POST, format!("{one_click}/credentials"), json!({"credentials": {"ssn": "111223333"}}), created),
        (Method::POST, "/hasMatchingCredentials".to_owned(), json!({"phone": phone, "credentialRequests": ["A"]}), created),
        // Kredita's own record: found by its key only.
        (Method::GET, "/sharedCredentials/33333333-3333-4333-8333-000000000001".to_owned(), json!(null), StatusCode::NOT_FOUND),
        (Method::POST, "/credentials".to_owned(), json!({"phone": phone, "credentials": credentials}), created),
        (Method::GET, SSN.to_owned(), json!(null), StatusCode::OK),
        (Method::PATCH, SSN.to_owned(), json!({"status": "valid"}), StatusCode::OK),
        (Method::GET, "/userCredentials/+10123456789".to_owned(), json!(null), StatusCode::OK),
        (Method::PATCH, "/userCredentials/+10123456789".to_owned(), json!({"status": "valid"}), StatusCode::OK),
        (Method::GET, format!("/credentialRequests/{KREDITA_UUID}"), json!(null), StatusCode::OK),
    ]
}

async fn call(api: &Api, method: &Method, path: &str, body: &Value, authorization: Option<&str>) -> Response {
    let mut call = api.call(method.clone(), path);
    if let Some(value) = authorization {
        call = call.header("authorization", value);
    }
    if body.is_null() { call.await } else { call.body(body).await }
}

#[tokio::test]
async fn every_operation_takes_a_key_in_both_spellings_and_no_other() {
    let api = Api::start("verified");
    let refusal =
        json!({"name": "NotAuthenticated", "message": "Invalid or missing API key", "code": 401, "className": "not-authenticated"});
    let escaped = HOOLI.replace('+', "%2B").replace('=', "%3D");
    let spaced = HOOLI.replace('+', " ");
    let shorter = HOOLI.trim_end_matches('=');
    let lower = HOOLI.to_lowercase();
    let wrong = [
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Basic {HOOLI}")),
        Some(format!("Bearer{HOOLI}")),
        Some(format!("Bearer Bearer {HOOLI}")),
        Some(format!("Bearer {escaped}")),
        Some(format!("Bearer {spaced}")),
        Some(format!("Bearer {shorter}")),
        Some(format!("Bearer {HOOLI}x")),
        Some(lower),
        Some(HOOLI_UUID.to_owned()),
    ];
    for (method, path, body, status) in operations() {
        for key in &wrong {
            let answer = call(&api, &method, &path, &body, key.as_deref()).await;
            assert_eq!((answer.status, answer.json()), (StatusCode::UNAUTHORIZED, refusal.clone()), "{method} {path} with {key:?}");
        }
        for key in [format!("Bearer {HOOLI}"), HOOLI.to_owned(), format!("bearer {HOOLI}"), format!("BEARER   {HOOLI} ")] {
            let answer = call(&api, &method, &path, &body, Some(&key)).await;
            assert_eq!(answer.status, status, "{method} {path} with {key:?}: {}", answer.text());
        }
    }
    let answer = call(&api, &Method::GET, SSN, &json!(null), None).await;
    assert_answer(&answer, StatusCode::UNAUTHORIZED, &refusal);
}

#[tokio::test]
async fn what_belongs_to_one_brand_is_hidden_from_the_others() {
    let api = Api::start("verified");
    for (method, path, body, _) in operations().into_iter().filter(|(_, path, ..)| path.contains("1111-") || path.contains("2222-"))
    {
        for key in [KREDITA, ACME] {
            let answer = call(&api, &method, &path, &body, Some(key)).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    let (api, hooli) = start_as(HOOLI);
    let expected = bad_request("Invalid JSON body");
    let deep = "[".repeat(100_000);
    let bodies: Vec<Vec<u8>> =
        ["{", "[]", "[{}]", "\"a\"", "1", "null", "true", "{\"phone\":}", "phone=%2B10123456789", "{} {}", "{'a':1}", &deep]
            .into_iter()
            .map(|text| text.as_bytes().to_vec())
            .chain([vec![0xff, 0xfe], b"{\"phone\":\"\xff\"}".to_vec()])
            .collect();
    for (method, path, ..) in operations().into_iter().filter(|(method, ..)| method != Method::GET) {
        for body in &bodies {
            let answer = hooli.call(method.clone(), &path).body(body.clone()).await;
            let shown = String::from_utf8_lossy(body).chars().take(40).collect::<String>();
            assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected.clone()), "{method} {path}: {shown}");
        }
    }
    // Without a key, that is what is wrong.
    assert_eq!(api.post("/1-click", "{").await.status, StatusCode::UNAUTHORIZED);
    // The media type is not looked at.
    let plain = hooli.post("/1-click", "{\"phone\":\"+10123456789\"}").header("content-type", "text/plain").await;
    assert_eq!(plain.status, StatusCode::CREATED);
}

#[tokio::test]
async fn an_unknown_path_is_named() {
    let api = Api::start("verified");
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/v1/credentials"),
        (Method::POST, "/one-click"),
        (Method::GET, "/Credentials/5"),
        (Method::DELETE, "/userCredentials"),
        (Method::PATCH, "/credentials/5/status"),
        (Method::GET, "/credentials//"),
        (Method::GET, "/%3Cscript%3E"),
    ] {
        let answer = api.call(method.clone(), path).await;
        let expected = json!({
            "name": "NotFound", "message": "Page not found", "code": 404, "className": "not-found", "data": {"url": path}
        });
        assert_eq!((answer.status, answer.json()), (StatusCode::NOT_FOUND, expected), "{method} {path}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_allowed_is_named_in_the_frameworks_words() {
    let api = Api::start("verified");
    for (method, path, word, allow) in [
        (Method::GET, "/1-click", "find", "POST"),
        (Method::HEAD, "/1-click", "find", "POST"),
        (Method::GET, "/credentials", "find", "POST"),
        (Method::GET, "/hasMatchingCredentials", "find", "POST"),
        (Method::GET, "/1-click/a/credentials", "find", "POST"),
        (Method::POST, "/credentials/5", "create", "GET, HEAD, PATCH"),
        (Method::PUT, "/credentials/5", "update", "GET, HEAD, PATCH"),
        (Method::DELETE, "/credentials/5", "remove", "GET, HEAD, PATCH"),
        (Method::DELETE, "/userCredentials/a@b.co", "remove", "GET, HEAD, PATCH"),
        (Method::PATCH, "/1-click", "patch", "POST"),
        (Method::PATCH, "/1-click/5", "patch", "GET, HEAD"),
        (Method::POST, "/jsonSchema", "create", "GET, HEAD"),
        (Method::PUT, "/sharedCredentials/5", "update", "GET, HEAD"),
        (Method::DELETE, "/credentialRequests/5", "remove", "GET, HEAD"),
    ] {
        let answer = api.call(method.clone(), path).await;
        assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, allow), "{method} {path}");
        if method != Method::HEAD {
            let message = format!("Method `{word}` is not supported by this endpoint.");
            let expected = json!({"name": "MethodNotAllowed", "message": message, "code": 405, "className": "method-not-allowed"});
            assert_eq!(answer.text(), expected.to_string(), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn document_images_fit_and_a_body_without_end_is_refused() {
    let (_api, hooli) = start_as(HOOLI);
    let image = format!("data:image/png;base64,{}", "A".repeat(10 * 1024 * 1024));
    let sent = json!({"phone": "+12125550123", "credentials": [{"type": "FacialImageCredential", "data": {"image": image}}]});
    let answer = hooli.post("/credentials", sent).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.json()["credentials"][0]["data"]["image"], image);

    let refused = hooli.post("/credentials", vec![b' '; 64 * 1024 * 1024]).await;
    let message = "request entity too large (limit 33554432 bytes)";
    let expected = json!({"name": "PayloadTooLarge", "message": message, "code": 413, "className": "payload-too-large"});
    assert_answer(&refused, StatusCode::PAYLOAD_TOO_LARGE, &expected);
}

#[tokio::test]
async fn odd_values_in_paths_and_bodies_are_no_server_errors() {
    let (_api, hooli) = start_as(HOOLI);
    for path in [
        "/credentials/%00",
        "/credentials/%ff%fe",
        "/userCredentials/%00@b.co",
        "/sharedCredentials/'%20OR%201=1",
        "/1-click/%F0%9F%92%A9",
        "/credentialRequests/%25",
        "/jsonSchema/..%2F..%2Fetc",
    ] {
        let status = hooli.get(path).await.status;
        assert!(status.is_client_error(), "{path}: {status}");
    }
    let long = "a".repeat(100_000);
    for (path, body) in [
        (
            "/credentials",
            json!({"email": format!("{long}@b.co"), "credentials": [{"type": "FirstNameCredential", "data": {"firstName": long}}]}),
        ),
        (
            "/credentials",
            json!({"email": "a@b.co", "trackingId": "\u{0}\u{1f600}", "credentials": [{"type": "FirstNameCredential", "data": {"firstName": "\u{0}'\";--"}}]}),
        ),
        ("/hasMatchingCredentials", json!({"phone": "+10123456789", "credentialRequests": vec![json!({"type": long}); 50]})),
        (
            "/1-click",
            json!({"phone": "+10123456789", "content": {"description": long}, "redirectUrl": format!("https://a.example/{long}")}),
        ),
    ] {
        let answer = hooli.post(path, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{path}: {}", answer.text().chars().take(200).collect::<String>());
    }
}

#[tokio::test]
async fn every_json_operation_succeeds_with_a_key_or_needs_none() {
    let api = Api::start("verified");
    let judge = Arc::new(Contract::new(document("verified"))); // its own, to see what this test alone calls
    let client = api.with_contract(&judge);
    for (method, path, body, _) in operations() {
        let key = if path.starts_with("/shared") { KREDITA } else { HOOLI };
        let call = client.call(method.clone(), &path).bearer(key);
        let answer = if body.is_null() { call.await } else { call.body(&body).await };
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.text());
    }
    for path in ["/jsonSchema", "/jsonSchema/SsnCredential", "/schema", "/schema/SsnCredential"] {
        assert_eq!(client.get(path).await.status, StatusCode::OK, "{path}");
    }
    let seen = judge.coverage();
    assert_eq!(seen.len(), 16, "{seen:?}");
    assert!(seen.values().flatten().all(|status| matches!(status, 200 | 201)), "{seen:?}");
}
