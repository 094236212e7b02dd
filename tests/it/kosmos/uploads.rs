//! Upload addresses and the object storage behind them.

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};

use super::{
    DEFAULT, SERVICE, Signed as _, TENANT, creation, fixture_session, open, refused, result, sealed, session_path, start, started,
};
use crate::client::{Client, Response};
use crate::harness::Api;

const NAMES: [&str; 8] = [
    "document_front_image",
    "document_front_image_compressed",
    "document_front_face",
    "document_back_image",
    "document_back_image_compressed",
    "document_back_imageBarcode",
    "document_back_imageBarcode_compressed",
    "selfie_liveness_image",
];

async fn presign(client: &Client, id: &str, names: &[&str]) -> Value {
    let answer = client.post(&format!("/idproofingapi/presignedurls/{id}"), json!({"imagesUrl": names})).signed().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn put_bucket(client: &Client, kind: &str, enabled: bool) {
    let body = json!({"type": kind, "bucketName": "a b/c", "isEnabled": enabled, "createdBy": "me"});
    let path = format!("/idproofingapi/bucket/tenant/{TENANT}/community/{DEFAULT}");
    assert_eq!(client.put(&path, body).licensed(SERVICE).await.status, 200);
}

#[track_caller]
fn denied(answer: &Response, code: &str, case: &str) {
    assert_eq!(answer.status, 403, "{case}");
    assert_eq!(answer.header("content-type"), "application/xml");
    assert!(answer.text().contains(&format!("<Error><Code>{code}</Code><Message>")), "{case}: {}", answer.text());
}

#[tokio::test]
async fn images_are_uploaded_and_submitted_by_name() {
    let api = start();
    let id = fixture_session("0b");
    let seen = super::view(&api, &id).await;
    assert_eq!((&seen["useBucket"], &seen["useHighResolutionImages"]), (&json!(true), &json!(true)));
    let urls = presign(&api, &id, &["document_front_image", "document_front_face"]).await;
    let keys: Vec<&String> = urls.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["document_front_image", "document_front_face"]);
    let url = urls["document_front_image"].as_str().unwrap();
    let begin = format!(
        "{}/_bucket/sandbox-bucket/{id}/document_front_image.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000000Z\
         &X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=",
        api.base
    );
    assert_eq!(url.strip_prefix(&begin).map(str::len), Some(64), "{url}");
    let put = api.put(url, b"front".to_vec()).header("content-type", "image/png").await;
    assert_eq!((put.status.as_u16(), put.text()), (200, ""));
    assert_eq!(put.header("etag"), "\"e6ec529ba185279aa0adcf93e645c7cd\"");

    let body = json!({"document_front": {"result": {}, "imageNames": ["document_front_image", "document_front_face"]}});
    let path = session_path(&id, "/v3/submit/document");
    refused(&api.post(&path, &body).signed().await, 400, "document_front_face is not uploaded", "one is missing");
    api.put(urls["document_front_face"].as_str().unwrap(), b"old".to_vec()).await;
    api.put(urls["document_front_face"].as_str().unwrap(), b"face".to_vec()).await;
    assert_eq!(api.post(&path, &body).signed().await.status, 200);
    let selfie = json!({"imageNames": ["selfie_liveness_image"]});
    let path = session_path(&id, "/submit/verification/selfie_liveness");
    refused(&api.post(&path, &selfie).signed().await, 400, "selfie_liveness_image is not uploaded", "no selfie");
    let urls = presign(&api, &id, &["selfie_liveness_image"]).await;
    api.put(urls["selfie_liveness_image"].as_str().unwrap(), b"selfie".to_vec()).await;
    assert_eq!(api.post(&path, &selfie).signed().await.status, 200);
    let told = result(&api, &id, json!({})).await;
    assert_eq!(told["dl_object"]["image"], "ZnJvbnQ=");
    assert_eq!(told["dl_object"]["face"], "ZmFjZQ==", "the last upload counts");
    assert_eq!(told["liveid_object"]["face"], "c2VsZmll");
}

#[tokio::test]
async fn every_image_has_its_file_and_every_vendor_its_address() {
    let api = start();
    let id = fixture_session("0b");
    let urls = presign(&api, &id, &NAMES).await;
    for name in NAMES {
        let extension = if name.ends_with("_compressed") || name.ends_with("_face") { "jpeg" } else { "png" };
        assert!(urls[name].as_str().unwrap().contains(&format!("/{id}/{name}.{extension}?")), "{name}");
    }
    for (kind, words, success) in [
        (
            "gcp",
            "X-Goog-Algorithm=GOOG4-HMAC-SHA256&X-Goog-Date=20260101T000000Z&X-Goog-Expires=900&X-Goog-SignedHeaders=host&X-Goog-Signature=",
            200,
        ),
        ("azure", "sv=2023-11-03&se=2026-01-01T00%3A15%3A00Z&sr=b&sp=cw&sig=", 201),
    ] {
        put_bucket(&api, kind, true).await;
        let urls = presign(&api, &id, &["document_back_image"]).await;
        let url = urls["document_back_image"].as_str().unwrap();
        assert!(url.starts_with(&format!("{}/_bucket/a%20b%2Fc/{id}/document_back_image.png?{words}", api.base)), "{url}");
        let put = api.put(url, b"x".to_vec()).header("x-ms-blob-type", "BlockBlob").await;
        assert_eq!((put.status.as_u16(), put.text()), (success, ""), "{kind}");
        denied(&api.put(&format!("{url}0"), b"x".to_vec()).await, "SignatureDoesNotMatch", kind);
        let other = url.replace("document_back_image.png", "document_front_image.png");
        denied(&api.put(&other, b"x".to_vec()).await, "SignatureDoesNotMatch", kind);
    }
}

#[tokio::test]
async fn an_address_is_valid_for_fifteen_minutes_and_newer_ones_change_nothing() {
    for kind in ["aws", "gcp", "azure"] {
        let api = start();
        put_bucket(&api, kind, true).await;
        let id = fixture_session("0b");
        let urls = presign(&api, &id, &["document_front_image"]).await;
        let url = urls["document_front_image"].as_str().unwrap();
        api.understudy.advance(TimeDelta::milliseconds(899_999)).unwrap();
        assert_ne!(presign(&api, &id, &["document_front_image"]).await, urls, "each call makes new addresses");
        assert!(api.put(url, b"x".to_vec()).await.status.is_success(), "{kind}: one millisecond before");
        api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
        denied(&api.put(url, b"x".to_vec()).await, "AccessDenied", kind);
    }
}

#[tokio::test]
async fn storage_refuses_what_is_not_signed() {
    let api = start();
    let id = fixture_session("0b");
    let urls = presign(&api, &id, &["document_front_image"]).await;
    let url = urls["document_front_image"].as_str().unwrap();
    let (bare, query) = url.split_once('?').unwrap();
    denied(&api.put(bare, b"x".to_vec()).await, "AccessDenied", "no signature");
    denied(&api.put(&format!("{bare}?{}", query.replace("900", "901")), b"x".to_vec()).await, "SignatureDoesNotMatch", "longer");
    denied(
        &api.put(&format!("{bare}?{}", query.replace("20260101T", "20260102T")), b"x".to_vec()).await,
        "SignatureDoesNotMatch",
        "later",
    );
    denied(&api.put(&format!("{bare}?sv=x&se=y&sig=z"), b"x".to_vec()).await, "SignatureDoesNotMatch", "of another kind");
    denied(&api.get(url).await, "AccessDenied", "reading");
    let large = api.put(url, vec![0; 25 * 1024 * 1024]).await;
    assert_eq!(large.status, 200, "25 MiB");
    for bytes in [25 * 1024 * 1024 + 1, 50 * 1024 * 1024 + 1] {
        let over = api.put(url, vec![0; bytes]).await;
        assert_eq!(over.status, 400, "{bytes}");
        assert!(over.text().contains("<Code>EntityTooLarge</Code>"));
    }
    let preflight = api.call(Method::OPTIONS, url).await;
    assert_eq!(preflight.status, 204);
}

#[tokio::test]
async fn presigning_refuses_what_it_must() {
    let api = start();
    let path = |id: &str| format!("/idproofingapi/presignedurls/{id}");
    let names = json!({"imagesUrl": ["document_front_image"]});
    let all = format!("imagesUrl must be one of [{}]", NAMES.join(", "));
    for (body, message) in [
        (json!({}), "imagesUrl is required"),
        (json!({"imagesUrl": "x"}), "imagesUrl must be an array"),
        (json!({"imagesUrl": []}), "imagesUrl must contain at least 1 items"),
        (json!({"imagesUrl": [1]}), "imagesUrl must be a string"),
        (json!({"imagesUrl": ["document_front_image", "x"]}), all.as_str()),
    ] {
        refused(&api.post(&path(&fixture_session("0b")), &body).signed().await, 400, message, &body.to_string());
    }
    refused(&api.post(&path("x"), &names).signed().await, 404, "Session not found", "unknown");
    refused(&api.post(&path(&fixture_session("01")), &names).signed().await, 403, "Session is PENDING", "pending");
    let flag = "High resolution images are not enabled";
    refused(&api.post(&path(&fixture_session("02")), &names).signed().await, 403, flag, "not enabled");
    put_bucket(&api, "aws", false).await;
    refused(&api.post(&path(&fixture_session("0b")), &names).signed().await, 404, "Bucket not found", "disabled bucket");
    let mut elsewhere = creation("u", json!({"useHighResolutionImages": true}));
    elsewhere["sessionRequest"]["tenantDNS"] = json!("other.localhost");
    let id = started(&api, elsewhere).await;
    refused(&api.post(&path(&id), &names).signed().await, 404, "Bucket not found", "no bucket");
    put_bucket(&api, "aws", true).await;
    let encrypted = api.post(&path(&fixture_session("0b")), sealed(&names)).signed().await.json();
    assert!(open(&encrypted["data"])["document_front_image"].is_string());
}

#[tokio::test]
async fn an_upload_that_is_cancelled_ends_the_session() {
    let api = start();
    let id = fixture_session("0b");
    let urls = presign(&api, &id, &["document_front_image"]).await;
    api.put(urls["document_front_image"].as_str().unwrap(), b"x".to_vec()).await;
    let path = session_path(&id, "/upload/cancel");
    refused(&api.post(&path, json!({"screenName": 1})).signed().await, 400, "screenName must be a string", "wrong field");
    let done = api.post(&path, json!({"screenName": "Document Upload"})).signed().await;
    assert_eq!(done.json(), json!({"data": {"status": "COMPLETED"}}));
    let completion = api.get(&session_path(&id, "/complete")).signed().await.json();
    assert_eq!(completion, json!({"completionStatus": "COMPLETED_NOT_PERFORMED"}));
    refused(&api.post(&path, ()).signed().await, 400, "Session is COMPLETED", "second cancel");
    let told = result(&api, &id, json!({"alwaysReturnAssets": true})).await;
    assert_eq!(told["errorInfo"], json!({"reasonCode": "IDV0016", "message": "Session ended without image upload"}));
    assert!(told.get("dl_object").is_none(), "nothing was captured");
    let body = json!({"data": {"query": {"id": id}, "pIndex": 0, "pSize": 1, "tenantId": TENANT, "communityId": DEFAULT}});
    let listed = api.post(&session_path("fetch", ""), body).licensed(SERVICE).await.json();
    let certificates = listed["data"]["data"][0]["session-result"].as_array().unwrap();
    assert_eq!(certificates.len(), 1);
    assert_eq!(
        (&certificates[0]["type"], &certificates[0]["result"]["reasonCode"]),
        (&json!("session_summary"), &json!("IDV0016"))
    );
}

async fn high_resolution(api: &Api) -> String {
    started(api, creation("u", json!({"useHighResolutionImages": true, "pii_retention_off": true}))).await
}

#[tokio::test]
async fn cancelling_an_upload_refuses_what_it_must_in_order() {
    let api = start();
    let cancel = |id: &str| session_path(id, "/upload/cancel");
    refused(&api.post(&cancel("x"), ()).signed().await, 404, "Session not found", "unknown");
    let flag = "High resolution images are not enabled";
    refused(&api.post(&cancel(&fixture_session("03")), ()).signed().await, 405, flag, "the flag before the state");
    let id = high_resolution(&api).await;
    for (kind, enabled) in [("gcp", true), ("azure", true), ("aws", false)] {
        put_bucket(&api, kind, enabled).await;
        refused(&api.post(&cancel(&id), ()).signed().await, 501, "Bucket configuration is not supported", kind);
    }
    put_bucket(&api, "aws", true).await;
    let encrypted = api.post(&cancel(&id), sealed(&json!({}))).signed().await.json();
    assert_eq!(open(&encrypted["data"]), json!({"status": "COMPLETED"}));
    let pending = super::create(&api, creation("u", json!({"useHighResolutionImages": true}))).await;
    refused(&api.post(&cancel(&pending), ()).signed().await, 400, "Session is PENDING", "not begun");
}
