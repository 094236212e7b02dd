//! Uploading a document: the form, the upload, and the file behind the document's link.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{assert_invalid, builder, create, id_of, maria, start, start_with, with};
use crate::client::Response;
use crate::harness::Api;

const BUCKET: &str = "pmint-custodial-api-sandbox-identity-docs";
const BOUNDARY: &str = "understudy";

async fn form(api: &Api, filename: &str) -> Value {
    let answer = api.post("/presign-url", json!({ "filename": filename })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["data"].clone()
}

/// Names and values of a form's fields.
fn fields(form: &Value) -> Vec<(String, String)> {
    let fields = form["fields"].as_object().unwrap();
    fields.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

/// The body of an upload: the fields, then the file if there is one.
fn body(fields: &[(String, String)], file: Option<&[u8]>) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    if let Some(file) = file {
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"front.png\"\r\nContent-Type: image/png";
        body.extend(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").bytes());
        body.extend(file);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

/// Posts a form as a browser does: without a key.
async fn upload(api: &Api, url: &str, body: Vec<u8>) -> Response {
    let mut browser = api.client.clone();
    browser.headers.clear();
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    browser.call(Method::POST, url).header("content-type", &content_type).body(body).await
}

#[track_caller]
fn assert_refused(case: &str, answer: &Response, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{case}: {}", answer.text());
    assert_eq!(answer.header("content-type"), "application/xml", "{case}");
    assert!(answer.text().starts_with(&format!("<Error><Code>{code}</Code><Message>")), "{case}: {}", answer.text());
}

#[tokio::test]
async fn a_form_is_signed_and_says_what_an_upload_must_be_like() {
    let api = start();
    let answer = api.post("/presign-url", json!({"filename": "front.png"})).await;
    let body = answer.json();
    let fields = &body["data"]["fields"];
    let key = fields["key"].as_str().unwrap();
    let policy = format!(
        r#"{{"expiration":"2026-01-02T03:19:05Z","conditions":[["content-length-range",1,10485760],{{"key":"{key}"}},{{"bucket":"{BUCKET}"}},{{"X-Amz-Algorithm":"AWS4-HMAC-SHA256"}},{{"X-Amz-Credential":"AKIAPMINTSANDBOX0001/20260102/eu-west-1/s3/aws4_request"}},{{"X-Amz-Date":"20260102T030405Z"}}]}}"#
    );
    let expected = json!({
        "data": {
            "url": format!("{}/_s3/{BUCKET}/", api.understudy.provider_url("publicmint")),
            "fields": {
                "key": key,
                "bucket": BUCKET,
                "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
                "X-Amz-Credential": "AKIAPMINTSANDBOX0001/20260102/eu-west-1/s3/aws4_request",
                "X-Amz-Date": "20260102T030405Z",
                "Policy": STANDARD.encode(policy),
                "X-Amz-Signature": fields["X-Amz-Signature"]
            }
        }
    });
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, expected.to_string().as_str()));
    assert_eq!(&key[12 + 16..], ".png");
    assert_ne!(form(&api, "front.png").await["fields"]["key"], key);
    for (filename, extension) in [("a.tar.gz", ".gz"), ("A.JPEG", ".JPEG"), ("noextension", ""), ("a.b/c", ""), ("a.", "")] {
        let form = form(&api, filename).await;
        let key = form["fields"]["key"].as_str().unwrap();
        assert_eq!(&key[12 + 16..], extension, "{filename}");
    }
}

#[tokio::test]
async fn a_form_wants_a_filename_and_nothing_else() {
    let api = start();
    for (case, body, expected) in [
        ("nothing", json!({}), json!({"filename": "required"})),
        ("null", json!({"filename": null}), json!({"filename": "not_null"})),
        ("blank", json!({"filename": " "}), json!({"filename": "not_blank"})),
        ("number", json!({"filename": 1}), json!({"filename": "invalid_type"})),
        ("more", json!({"filename": "a.png", "type": "x"}), json!({"type": "additional_property"})),
    ] {
        assert_invalid(case, &api.post("/presign-url", body).await, &expected);
    }
}

#[tokio::test]
async fn an_uploaded_file_is_served_by_the_documents_link() {
    let api = start();
    for (filename, media_type) in [
        ("front.png", "image/png"),
        ("front.jpg", "image/jpeg"),
        ("front.JPEG", "image/jpeg"),
        ("statement.pdf", "application/pdf"),
        ("notes.txt", "application/octet-stream"),
        ("notes", "application/octet-stream"),
    ] {
        let form = form(&api, filename).await;
        let url = form["url"].as_str().unwrap();
        let mut fields = fields(&form);
        fields.reverse();
        let file = [b"\r\n--under\x00\xff".as_slice(), filename.as_bytes()].concat();
        let answer = upload(&api, url, body(&fields, Some(&file))).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0), "{filename}");
        let address = format!("{url}{}", form["fields"]["key"].as_str().unwrap());
        assert_eq!(answer.location(), address);

        let documents = json!([{"side": "FrontSide", "type": "Passport", "url": address}]);
        let email = format!("{filename}@example.com");
        let person = create(&api, with(&maria(), &[("/documents", Some(documents)), ("/email", Some(json!(email)))])).await;
        let document = &person["documents"][0];
        assert_eq!(document["url"], address);
        let path = format!("/identities/{}/documents/{}/presign-url", id_of(&person), document["id"].as_str().unwrap());
        let link = api.get(&path).await.json()["data"]["url"].as_str().unwrap().to_owned();
        assert!(link.starts_with(&format!("{address}?")), "{link}");
        let answer = api.get(&link).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, media_type), "{filename}");
        assert_eq!(answer.body, file, "{filename}");
    }
}

#[tokio::test]
async fn a_form_is_good_for_900_seconds() {
    for (now, good) in [("2026-01-02T03:19:04.999Z", true), ("2026-01-02T03:19:05Z", true), ("2026-01-02T03:19:05.001Z", false)] {
        let api = start();
        let form = form(&api, "a.png").await;
        api.understudy.set_clock(now.parse().unwrap()).unwrap();
        let answer = upload(&api, form["url"].as_str().unwrap(), body(&fields(&form), Some(b"x"))).await;
        if good {
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{now}");
        } else {
            assert_refused(now, &answer, 403, "AccessDenied");
            let expected =
                "<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>";
            assert_eq!(answer.text(), expected);
        }
    }
}

#[tokio::test]
async fn only_what_the_form_allows_is_taken() {
    let api = start();
    let form = form(&api, "a.png").await;
    let url = form["url"].as_str().unwrap();
    let whole = fields(&form);
    let set = |name: &str, value: &str| -> Vec<(String, String)> {
        whole.iter().map(|(key, old)| (key.clone(), if key == name { value.to_owned() } else { old.clone() })).collect()
    };
    let without = |name: &str| -> Vec<(String, String)> { whole.iter().filter(|(key, _)| key != name).cloned().collect() };
    let plus = |name: &str| [whole.clone(), vec![(name.to_owned(), "x".to_owned())]].concat();
    let other_policy = STANDARD.encode(r#"{"expiration":"2036-01-02T03:19:05Z","conditions":[]}"#);
    for (case, fields, status, code) in [
        ("another key", set("key", "b3/a6/24/13/other.png"), 403, "AccessDenied"),
        ("another bucket", set("bucket", "other"), 403, "AccessDenied"),
        ("another policy", set("Policy", &other_policy), 403, "SignatureDoesNotMatch"),
        ("another signature", set("X-Amz-Signature", &"0".repeat(64)), 403, "SignatureDoesNotMatch"),
        ("another credential", set("X-Amz-Credential", "AKIA/20260102/eu-west-1/s3/aws4_request"), 403, "SignatureDoesNotMatch"),
        ("another date", set("X-Amz-Date", "20260102T030406Z"), 403, "AccessDenied"),
        ("another day", set("X-Amz-Date", "20260103T030405Z"), 403, "SignatureDoesNotMatch"),
        ("no date", set("X-Amz-Date", "now"), 403, "SignatureDoesNotMatch"),
        ("another algorithm", set("X-Amz-Algorithm", "AWS4"), 403, "SignatureDoesNotMatch"),
        ("one more", plus("acl"), 403, "AccessDenied"),
        ("no key", without("key"), 400, "InvalidArgument"),
        ("no policy", without("Policy"), 403, "AccessDenied"),
        ("no signature", without("X-Amz-Signature"), 400, "InvalidArgument"),
        ("no algorithm", without("X-Amz-Algorithm"), 400, "InvalidArgument"),
        ("no credential", without("X-Amz-Credential"), 400, "InvalidArgument"),
        ("no date field", without("X-Amz-Date"), 400, "InvalidArgument"),
        ("nothing", vec![], 400, "InvalidArgument"),
    ] {
        assert_refused(case, &upload(&api, url, body(&fields, Some(b"x"))).await, status, code);
    }
    assert_eq!(upload(&api, url, body(&without("bucket"), Some(b"x"))).await.status, StatusCode::NO_CONTENT, "the address says it");
    assert_eq!(upload(&api, url, body(&plus("x-ignore-me"), Some(b"x"))).await.status, StatusCode::NO_CONTENT);
    assert_refused("no file", &upload(&api, url, body(&whole, None)).await, 400, "InvalidArgument");
    assert_refused("an empty file", &upload(&api, url, body(&whole, Some(b""))).await, 400, "EntityTooSmall");
    let other = url.replace(BUCKET, "other");
    assert_refused("another bucket", &upload(&api, &other, body(&whole, Some(b"x"))).await, 404, "NoSuchBucket");
    let cut = body(&whole, Some(b"x"));
    assert_refused("cut short", &upload(&api, url, cut[..cut.len() - 10].to_vec()).await, 400, "MalformedPOSTRequest");
    assert_refused("empty", &upload(&api, url, vec![]).await, 400, "MalformedPOSTRequest");
    let answer = api.post(url, [("key", "x")]).await;
    assert_refused("another type", &answer, 412, "PreconditionFailed");
}

#[tokio::test]
async fn a_file_has_at_most_ten_mebibytes() {
    let api = start();
    let form = form(&api, "a.bin").await;
    let url = form["url"].as_str().unwrap();
    let fields = fields(&form);
    let file = vec![b'\r'; 10 * 1024 * 1024];
    assert_eq!(upload(&api, url, body(&fields, Some(&file))).await.status, StatusCode::NO_CONTENT);
    for more in [1, 1024 * 1024] {
        let file = vec![b'x'; 10 * 1024 * 1024 + more];
        assert_refused("too large", &upload(&api, url, body(&fields, Some(&file))).await, 400, "EntityTooLarge");
    }
}

#[tokio::test]
async fn a_second_upload_replaces_the_file_and_deleting_the_identity_keeps_it() {
    let api = start();
    let form = form(&api, "a.pdf").await;
    let url = form["url"].as_str().unwrap();
    for file in [b"first".as_slice(), b"second"] {
        assert_eq!(upload(&api, url, body(&fields(&form), Some(file))).await.status, StatusCode::NO_CONTENT);
    }
    let address = format!("{url}{}", form["fields"]["key"].as_str().unwrap());
    let documents = json!([{"side": "FrontSide", "type": "Other", "url": address}]);
    let person = create(&api, with(&maria(), &[("/documents", Some(documents))])).await;
    let path = format!("/identities/{}/documents/{}/presign-url", id_of(&person), person["documents"][0]["id"].as_str().unwrap());
    let link = api.get(&path).await.json()["data"]["url"].as_str().unwrap().to_owned();
    assert_eq!(api.get(&link).await.body, b"second".as_slice());
    assert_eq!(api.delete(&format!("/identities/{}", id_of(&person))).await.status, StatusCode::NO_CONTENT);
    api.understudy.advance(TimeDelta::seconds(1)).unwrap();
    assert_eq!(api.get(&link).await.body, b"second".as_slice());
}

#[tokio::test]
async fn a_file_uploaded_under_one_name_of_the_server_is_found_under_another() {
    let api = start_with(builder().listen("publicmint", 0));
    let own = format!("http://{}", api.understudy.addresses()[1]);
    let answer =
        api.post(&format!("{own}/presign-url"), json!({"filename": "a.png"})).header("host", "localhost:8080").await.json();
    assert_eq!(answer["data"]["url"], format!("http://localhost:8080/_s3/{BUCKET}/"));
    let upload_to = format!("{own}/_s3/{BUCKET}/");
    assert_eq!(upload(&api, &upload_to, body(&fields(&answer["data"]), Some(b"bytes"))).await.status, StatusCode::NO_CONTENT);
    let address = format!("http://localhost:8080/_s3/{BUCKET}/{}", answer["data"]["fields"]["key"].as_str().unwrap());
    let documents = json!([{"side": "FrontSide", "type": "Other", "url": address}]);
    let person = create(&api, with(&maria(), &[("/documents", Some(documents))])).await;
    let path = format!("/identities/{}/documents/{}/presign-url", id_of(&person), person["documents"][0]["id"].as_str().unwrap());
    let link = api.get(&path).await.json()["data"]["url"].as_str().unwrap().to_owned();
    assert!(link.starts_with(&api.understudy.provider_url("publicmint")), "{link}");
    assert_eq!(api.get(&link).await.body, b"bytes".as_slice());
}
