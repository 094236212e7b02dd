//! Documents and captures: their bodies, and what each operation asks for.

use serde_json::{Value, json};

use super::{Signed as _, creation, fixture_session, refused, result, sealed, session_path, start, started, submit};

const CHECKED: &str = "verificationName must be one of [document_liveness_front, document_liveness_back, selfie_liveness]";

#[tokio::test]
async fn the_first_version_takes_any_documented_body_or_none() {
    let api = start();
    let v2 = json!({"document_front": {"images": {"image": "QQ=="}}});
    for (body, image) in [
        (Value::Null, None),
        (json!({}), None),
        (v2.clone(), Some("QQ==")),
        (sealed(&v2), Some("QQ==")),
        (json!({"document_front": {"images": ["QQ==", "Qg=="]}, "document_back": {"images": []}}), Some("QQ==")),
        (json!({"document_front": {"imageNames": []}}), None),
    ] {
        let id = started(&api, creation("u", json!({"checks": ["document_liveness_front"]}))).await;
        let mut call = api.call(http::Method::POST, &session_path(&id, "/submit/document")).signed();
        if !body.is_null() {
            call = call.body(&body);
        }
        let answer = call.await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, ""), "{body}");
        let told = result(&api, &id, json!({})).await;
        assert_eq!(told["responseStatus"], "SUCCESS", "{body}");
        assert_eq!(told["dl_object"]["image"] == "QQ==", image.is_some(), "{body}");
    }
}

#[tokio::test]
async fn documents_are_checked_field_by_field() {
    let api = start();
    let front = "imageNames must be one of [document_front_image, document_front_image_compressed, document_front_face]";
    let back = "imageNames must be one of [document_back_image, document_back_image_compressed, document_back_imageBarcode, \
                document_back_imageBarcode_compressed]";
    for (version, body, message) in [
        ("/v2", json!({}), "document_front is required"),
        ("/v2", json!({"document_front": 1}), "document_front must be of type object"),
        ("/v2", json!({"document_front": {}}), "images is required"),
        ("/v2", json!({"document_front": {"images": null}}), "images is required"),
        ("/v2", json!({"document_front": {"images": 1}}), "images must be of type object"),
        ("/v2", json!({"document_front": {"images": [1]}}), "images must be a string"),
        ("/v2", json!({"document_front": {"images": {"image": 1}}}), "image must be a string"),
        ("/v2", json!({"document_front": {"images": {"face": 1}}}), "face must be a string"),
        ("/v2", json!({"document_front": {"images": {"cropped": 1}}}), "cropped must be a string"),
        ("/v2", json!({"document_front": {"images": {"imageBarcode": 1}}}), "imageBarcode must be a string"),
        ("/v2", json!({"document_front": {"result": 1, "images": {}}}), "result must be of type object"),
        ("/v2", json!({"document_front": {"images": {}}, "document_back": {}}), "images is required"),
        ("/v2", json!({"document_front": {"images": {}}, "document_back": 1}), "document_back must be of type object"),
        (
            "/v2",
            json!({"document_front": {"images": {}}, "fallbackCaptureMode": "x"}),
            "fallbackCaptureMode must be one of [manual, auto]",
        ),
        ("/v3", json!({}), "document_front is required"),
        ("/v3", json!({"document_front": {}}), "imageNames is required"),
        ("/v3", json!({"document_front": {"imageNames": "x"}}), "imageNames must be an array"),
        ("/v3", json!({"document_front": {"imageNames": [1]}}), "imageNames must be a string"),
        ("/v3", json!({"document_front": {"imageNames": ["document_back_image"]}}), front),
        ("/v3", json!({"document_front": {"imageNames": []}, "document_back": {"imageNames": ["document_front_image"]}}), back),
        ("/v3", json!({"document_front": {"imageNames": []}, "fallbackCaptureMode": 1}), "fallbackCaptureMode must be a string"),
        ("/v3", json!({"document_front": {"imageNames": ["document_front_image"]}}), "document_front_image is not uploaded"),
        ("", json!({"document_back": {"images": {}}}), "document_front is required"),
        ("", json!({"document_front": {}}), "images is required"),
    ] {
        let path = session_path(&fixture_session("0b"), &format!("{version}/submit/document"));
        refused(&api.post(&path, &body).signed().await, 400, message, &format!("{version} {body}"));
    }
    for version in ["", "/v2", "/v3"] {
        let body = json!({"document_front": {"images": {}, "imageNames": []}});
        let path = session_path("x", &format!("{version}/submit/document"));
        refused(&api.post(&path, &body).signed().await, 400, "Session not found", version);
    }
}

#[tokio::test]
async fn the_back_is_needed_when_its_liveness_is_checked() {
    let api = start();
    for (document_type, needed) in [("dl_object", true), ("idcard_object", true), ("ppt_object", false)] {
        let mut body = creation("u", json!({"checks": ["document_liveness_back"]}));
        body["sessionRequest"]["documentType"] = json!(document_type);
        let id = started(&api, body).await;
        let path = session_path(&id, "/v2/submit/document");
        let front = json!({"document_front": {"images": {}}, "fallbackCaptureMode": "manual"});
        let answer = api.post(&path, front).signed().await;
        if needed {
            refused(&answer, 400, "document_back is required", document_type);
            let both = json!({"document_front": {"images": {}}, "document_back": {"images": {"image": "Qg=="}}});
            assert_eq!(api.post(&path, both).signed().await.status, 200);
            assert_eq!(result(&api, &id, json!({})).await[document_type]["imageBack"], "Qg==");
        } else {
            assert_eq!(answer.status, 200, "{document_type}");
            assert!(result(&api, &id, json!({})).await[document_type].get("imageBack").is_none());
        }
    }
}

#[tokio::test]
async fn a_second_submission_replaces_the_first() {
    let api = start();
    let id = started(&api, creation("u", json!({"checks": ["face_compare"]}))).await;
    submit(&api, &id).await;
    let body = json!({"document_front": {"images": {"image": "Qg==", "face": "Qw=="}}});
    assert_eq!(api.post(&session_path(&id, "/v2/submit/document"), body).signed().await.status, 200);
    let selfie = json!({"images": {"image": "QQ==", "face": "RA=="}});
    assert_eq!(api.post(&session_path(&id, "/submit/verification/selfie_liveness"), selfie).signed().await.status, 200);
    let told = result(&api, &id, json!({})).await;
    assert_eq!((&told["dl_object"]["image"], &told["dl_object"]["face"]), (&json!("Qg=="), &json!("Qw==")));
    assert_eq!(told["liveid_object"]["face"], "RA==");
}

#[tokio::test]
async fn captures_are_checked_and_can_bring_an_event() {
    let api = start();
    let id = started(&api, creation("u", json!({"checks": ["selfie_liveness", "document_liveness_front"]}))).await;
    let path = |name: &str| session_path(&id, &format!("/submit/verification/{name}"));
    refused(&api.post(&path("face_compare"), json!({})).signed().await, 400, CHECKED, "unknown name");
    for (name, body, message) in [
        ("selfie_liveness", json!({}), "images is required"),
        ("selfie_liveness", json!({"images": 1}), "images must be of type object"),
        ("selfie_liveness", json!({"images": {"image": 1}}), "image must be a string"),
        ("selfie_liveness", json!({"images": {}, "result": 1}), "result must be of type object"),
        ("selfie_liveness", json!({"imageNames": "x"}), "imageNames must be an array"),
        ("selfie_liveness", json!({"imageNames": ["selfie_liveness_image"]}), "selfie_liveness_image is not uploaded"),
        ("selfie_liveness", json!({"images": {}, "event": 1}), "event must be of type object"),
        ("selfie_liveness", json!({"images": {}, "event": {"event_name": 1}}), "event_name must be a string"),
        ("document_liveness_front", json!({"event": {"screen_name": 1}}), "screen_name must be a string"),
    ] {
        refused(&api.post(&path(name), &body).signed().await, 400, message, &body.to_string());
    }
    let event = json!({"event": {"screen_name": "FRONT", "event_name": "E_IDV_DOCUMENTPREVIEW"}});
    for body in [event, json!({"event": {"screen_name": "FRONT"}}), json!({})] {
        let answer = api.post(&path("document_liveness_front"), &body).signed().await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, ""), "{body}");
    }
    let answer = api.post(&session_path("x", "/submit/verification/selfie_liveness"), json!({"images": {}})).signed().await;
    refused(&answer, 400, "Session not found", "unknown session");
}
