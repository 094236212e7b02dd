//! Keys, routes, methods and bodies, before any operation looks at them.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ANA, ANAS_CARD, JOAO, KEY_A, KEY_B, NOBODY, assert_error, assert_invalid, maria, start};
use crate::client::{Client, Response};
use crate::harness::Api;

/// Every operation of the API, with a body where it takes one.
fn operations() -> Vec<(Method, String, Value)> {
    vec![
        (Method::POST, "/identities".to_owned(), maria()),
        (Method::GET, "/identities".to_owned(), json!(null)),
        (Method::GET, format!("/identities/{ANA}"), json!(null)),
        (Method::PATCH, format!("/identities/{ANA}"), json!({})),
        (Method::DELETE, format!("/identities/{ANA}"), json!(null)),
        (Method::GET, format!("/identities/{ANA}/operations"), json!(null)),
        (Method::GET, format!("/identities/{ANA}/documents/{ANAS_CARD}/presign-url"), json!(null)),
        (Method::POST, "/sandbox/identities/approve".to_owned(), json!({"identityId": JOAO})),
        (Method::POST, "/sandbox/identities/reject".to_owned(), json!({"identityId": JOAO})),
        (Method::POST, "/presign-url".to_owned(), json!({"filename": "a.png"})),
    ]
}

fn keyless(api: &Api) -> Client {
    let mut client = api.client.clone();
    client.headers.clear();
    client
}

#[track_caller]
fn assert_refused(case: &str, answer: &Response, message: &str) {
    assert_eq!((answer.status, answer.json()), (StatusCode::UNAUTHORIZED, json!({ "message": message })), "{case}");
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    let challenge = answer.headers.get("www-authenticate").map(|value| value.to_str().unwrap());
    let expected = (message == "No API key found in request").then_some("Key realm=\"kong\"");
    assert_eq!(challenge, expected, "{case}");
}

#[tokio::test]
async fn every_operation_wants_one_known_key() {
    let api = start();
    let client = keyless(&api);
    for (method, path, body) in operations() {
        let case = format!("{method} {path}");
        let send = |path: &str| client.call(method.clone(), path).body(&body);
        assert_refused(&case, &send(&path).await, "No API key found in request");
        assert_refused(&case, &send(&path).header("apikey", "").await, "No API key found in request");
        assert_refused(&case, &send(&format!("{path}?apikey=")).await, "No API key found in request");
        assert_refused(&case, &send(&path).header("apikey", "nope").await, "Invalid authentication credentials");
        assert_refused(&case, &send(&format!("{path}?apikey=nope")).await, "Invalid authentication credentials");
        let twice = send(&path).header("apikey", KEY_A).header("apikey", KEY_A);
        assert_refused(&case, &twice.await, "Duplicate API key found");
        assert_refused(&case, &send(&format!("{path}?apikey={KEY_A}&apikey={KEY_A}")).await, "Duplicate API key found");
    }
    assert_eq!(api.get("/identities").await.json()["total"], 7, "nothing happened");
}

#[tokio::test]
async fn a_key_may_stand_in_the_query_and_the_header_wins() {
    let api = start();
    let client = keyless(&api);
    let total = |answer: Response| answer.json()["total"].clone();
    assert_eq!(total(client.get(&format!("/identities?apikey={KEY_A}")).await), 7);
    assert_eq!(total(client.get(&format!("/identities?apikey={KEY_A}")).header("apikey", KEY_B).await), 1);
    assert_eq!(total(client.get("/identities?apikey=nope&apikey=nope").header("ApiKey", KEY_B).await), 1);
    assert_refused("no text", &client.get("/identities").header("apikey", "Bearer").await, "Invalid authentication credentials");
    let bearer = client.get("/identities").bearer(KEY_A).await;
    assert_refused("bearer", &bearer, "No API key found in request");
}

#[tokio::test]
async fn an_unknown_path_is_refused_before_the_key_is_looked_at() {
    let api = start();
    for path in [
        "/",
        "/identity",
        "/identities/a/b",
        "/Identities",
        "/sandbox",
        "/sandbox/identities",
        "/documents",
        "/_s3",
        "/identities//",
    ] {
        for client in [&api.client, &keyless(&api)] {
            let answer = client.get(path).await;
            assert_eq!(
                (answer.status, answer.json()),
                (StatusCode::NOT_FOUND, json!({"message": "no Route matched with those values"})),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn an_unknown_method_is_refused_after_the_key_is_looked_at() {
    let api = start();
    let client = keyless(&api);
    for (method, path) in [
        (Method::PUT, format!("/identities/{ANA}")),
        (Method::POST, format!("/identities/{ANA}")),
        (Method::DELETE, "/identities".to_owned()),
        (Method::OPTIONS, "/identities".to_owned()),
        (Method::PATCH, format!("/identities/{ANA}/operations")),
        (Method::GET, "/sandbox/identities/approve".to_owned()),
        (Method::GET, "/presign-url".to_owned()),
    ] {
        assert_error(&api.call(method.clone(), &path).await, 404, "not_found", "Not Found");
        assert_refused(&path, &client.call(method, &path).await, "No API key found in request");
    }
}

#[tokio::test]
async fn a_trailing_slash_makes_no_difference() {
    let api = start();
    assert_eq!(api.get("/identities/").await.json()["total"], 7);
    assert_eq!(api.get(&format!("/identities/{ANA}/")).await.json()["data"]["id"], ANA);
    assert_eq!(api.get(&format!("/identities/{ANA}/operations/")).await.status, StatusCode::OK);
    let answer = api.post("/sandbox/identities/approve/", json!({"identityId": JOAO})).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let api = start();
    let answer = api.call(Method::HEAD, "/identities").await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_invalid_without_fields() {
    let api = start();
    let deep = "[".repeat(100_000);
    for (path, method) in [
        ("/identities", Method::POST),
        (&format!("/identities/{ANA}"), Method::PATCH),
        ("/sandbox/identities/approve", Method::POST),
        ("/sandbox/identities/reject", Method::POST),
        ("/presign-url", Method::POST),
    ] {
        for body in [
            "",
            "{",
            "nonsense",
            "[]",
            "null",
            "1",
            "\"x\"",
            "{} {}",
            "{\"a\":1,}",
            "{'a':1}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":1e999}",
            &deep,
        ] {
            let answer = api.call(method.clone(), path).header("content-type", "application/json").body(body).await;
            assert_invalid(&format!("{path} {}", &body[..body.len().min(20)]), &answer, &json!({}));
        }
        let answer = api.call(method.clone(), path).header("content-type", "application/json").body(vec![b'{', 0xff, b'}']).await;
        assert_invalid("no UTF-8", &answer, &json!({}));
    }
}

#[tokio::test]
async fn a_body_of_another_type_counts_as_an_empty_object() {
    let api = start();
    let body = maria().to_string();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/vnd.api+json", ""] {
        let answer = api.call(Method::POST, "/identities").header("content-type", content_type).body(body.as_str()).await;
        assert_eq!(answer.json()["errors"]["name"][0]["code"], "required", "{content_type}");
        let path = format!("/identities/{ANA}");
        let answer = api.call(Method::PATCH, &path).header("content-type", content_type).body("nonsense").await;
        assert_eq!(answer.status, StatusCode::OK, "{content_type}");
    }
    let answer = api.call(Method::POST, "/identities").body(body.as_str()).await;
    assert_eq!(answer.json()["errors"]["name"][0]["code"], "required", "no type");
    let answer =
        api.call(Method::POST, "/identities").header("content-type", "Application/JSON ; charset=UTF-8").body(body.as_str()).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_nothing_stored() {
    let api = start();
    for size in [4 * 1024 * 1024 + 1, 12 * 1024 * 1024] {
        let mut body = maria();
        body["name"] = Value::from("x".repeat(size - body.to_string().len() + "Maria Soares".len()));
        assert_eq!(body.to_string().len(), size);
        assert_error(&api.post("/identities", body).await, 413, "payload_too_large", "Payload too large");
    }
    let mut body = maria();
    body["name"] = Value::from("x".repeat(4 * 1024 * 1024 - body.to_string().len() + "Maria Soares".len()));
    assert_eq!(api.post("/identities", body).await.status, StatusCode::OK);
    assert_eq!(api.get("/identities").await.json()["total"], 8);
}

#[tokio::test]
async fn ids_in_paths_are_checked_before_anything_is_looked_up() {
    let api = start();
    let bare = ANA.replace('-', "");
    for id in [
        "123",
        "abc",
        bare.as_str(),
        &format!("%7B{ANA}%7D"),
        &format!("urn:uuid:{ANA}"),
        "%20",
        "%FF",
        "85ba7735-a1ee-1b33-aca4-b8ec4d448e9e",
    ] {
        for (method, path) in [
            (Method::GET, format!("/identities/{id}")),
            (Method::PATCH, format!("/identities/{id}")),
            (Method::DELETE, format!("/identities/{id}")),
            (Method::GET, format!("/identities/{id}/operations")),
        ] {
            let answer = api.call(method, &path).await;
            let expected = json!({
                "code": "validation_failed",
                "message": "Validation failed",
                "errors": {"id": [{"code": "invalid_format", "message": "This value is not a valid uuid", "args": {"format": "uuid"}}]}
            });
            assert_eq!((answer.status.as_u16(), answer.text()), (400, expected.to_string().as_str()), "{path}");
        }
        let answer = api.get(&format!("/identities/{id}/documents/{id}/presign-url")).await;
        assert_invalid(id, &answer, &json!({"id": "invalid_format", "identityId": "invalid_format"}));
    }
    assert_eq!(api.get(&format!("/identities/{}", ANA.to_uppercase())).await.json()["data"]["id"], ANA);
    assert_error(&api.get(&format!("/identities/{NOBODY}")).await, 404, "identity_not_found", "Identity not found");
}
