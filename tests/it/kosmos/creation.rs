//! Bodies of creations and of readings, field by field.

use serde_json::{Value, json};

use super::{SERVICE, Signed as _, create, creation, fixture_session, refused, sealed, start, started, view};

#[tokio::test]
async fn creation_checks_every_field() {
    let api = start();
    let path = "/idproofingapi/document_share_session/create";
    let good = creation("u", json!({}));
    let with = |pointer: &str, value: Value| {
        let mut body = good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        body
    };
    let without = |pointer: &str| {
        let mut body = good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        body
    };
    let ids = |tenant: &str, community: &str| {
        let mut body = with("/sessionRequest/tenantDNS", json!("nowhere.example"));
        body["sessionRequest"]["tenantId"] = json!(tenant);
        body["sessionRequest"]["communityId"] = json!(community);
        body
    };
    for (body, message) in [
        (json!({}), "connector is required, verification is required, sessionRequest is required"),
        (with("/connector", json!("x")), "connector must be of type object"),
        (without("/connector/id"), "id is required"),
        (with("/connector/id", json!("")), "id is not allowed to be empty"),
        (with("/connector/type", json!(1)), "type must be a string"),
        (with("/connector/config", json!([])), "config must be of type object"),
        (without("/verification/tag"), "tag is required"),
        (with("/verification/type", json!(1)), "type must be a string"),
        (with("/verification/config", json!(1)), "config must be of type object"),
        (with("/verification/config/debug", json!("x")), "debug must be a boolean"),
        (with("/verification/config/checks", json!("x")), "checks must be an array"),
        (with("/verification/config/checks", json!([1])), "checks must be a string"),
        (
            with("/verification/config/checks", json!(["x"])),
            "checks must be one of [document_liveness_front, document_liveness_back, selfie_liveness, face_compare, fraud_detection]",
        ),
        (with("/verification/config/maxRetries", json!("1")), "maxRetries must be a number"),
        (with("/verification/config/maxRetries", json!(-1)), "maxRetries must be greater than or equal to 0"),
        (with("/verification/config/expireSessionInMin", json!(-0.5)), "expireSessionInMin must be greater than or equal to 0"),
        (
            with("/verification/config/abandonSessionInMin", json!(1e300)),
            "abandonSessionInMin must be less than or equal to 52704000",
        ),
        (with("/verification/config/pii_retention_ttl", json!(604_801)), "pii_retention_ttl must be less than or equal to 604800"),
        (
            with("/verification/config/selfieCaptureMode", json!("x")),
            "selfieCaptureMode must be one of [auto, manualWithFaceDetection]",
        ),
        (
            with("/verification/config/postTimeoutCaptureMode", json!("x")),
            "postTimeoutCaptureMode must be one of [none, manual, auto]",
        ),
        (with("/verification/config/bypassConfig", json!({})), "bypassConfig must be an array"),
        (with("/verification/config/bypassConfig", json!([1])), "bypassConfig must be of type object"),
        (without("/sessionRequest/tenantDNS"), "tenantDNS is required, tenantId is required, communityId is required"),
        (without("/sessionRequest/documentType"), "documentType is required"),
        (with("/sessionRequest/documentType", json!("x")), "documentType must be one of [dl_object, ppt_object, idcard_object]"),
        (with("/sessionRequest/tenantDNS", json!("nowhere.example")), "tenantId is required, communityId is required"),
        (with("/sessionRequest/communityName", json!("x")), "tenantId is required, communityId is required"),
        (ids(super::TENANT, ""), "communityId is required"),
        (with("/sessionRequest/did", json!(1)), "did must be a string"),
        (with("/sessionRequest/userUID", json!(1)), "userUID must be a string"),
        (with("/sessionRequest/user", json!(1)), "user must be of type object"),
        (with("/sessionRequest/user/firstname", json!(1)), "firstname must be a string"),
        (with("/sessionRequest/workflowMetadata", json!(1)), "workflowMetadata must be of type object"),
        (with("/dvcID", json!("nobody")), "dvcID not found"),
        (with("/dvcID", json!("")), "dvcID is not allowed to be empty"),
    ] {
        refused(&api.post(path, &body).licensed(SERVICE).await, 400, message, &body.to_string());
    }
    for body in
        [ids("t", "c"), with("/sessionRequest/tenantDNS", json!("LOCALHOST:8443")), with("/sessionRequest/user", Value::Null)]
    {
        assert_eq!(api.post(path, &body).licensed(SERVICE).await.status, 200, "{body}");
    }
}

#[tokio::test]
async fn creation_is_answered_plainly_and_reads_all_spellings_of_a_uid() {
    let api = start();
    let path = "/idproofingapi/document_share_session/create";
    let mut body = creation("u", json!({}));
    for (uid, user_uid, expected) in [(json!("a"), json!("b"), "a"), (Value::Null, json!("b"), "b"), (json!(42), json!("b"), "42")]
    {
        body["sessionRequest"]["user"]["uid"] = uid;
        body["sessionRequest"]["userUID"] = user_uid;
        let made = api.post(path, sealed(&body)).licensed(SERVICE).await.json();
        let id = made["sessionId"].as_str().unwrap();
        assert_eq!(made, json!({"sessionId": id, "url": format!("{}/idproofing/session/{id}", api.base)}));
        assert_eq!(view(&api, id).await["user"]["uid"], expected);
    }
    body["sessionRequest"]["user"] = json!({});
    body["sessionRequest"].as_object_mut().unwrap().remove("userUID");
    let id = create(&api, body).await;
    assert_eq!(view(&api, &id).await["user"], json!({"uid": null, "username": null, "firstname": null, "lastname": null}));
}

#[tokio::test]
async fn own_settings_win_over_those_known_under_the_same_id() {
    let api = start();
    let mut body = creation("sbx-fail", json!({"maxRetries": 0}));
    body["verification"]["id"] = json!("retry_config");
    let id = started(&api, body.clone()).await;
    assert_eq!(view(&api, &id).await["autoCaptureCountdownSeconds"], 5, "what the request does not say");
    api.understudy.simulate("1kosmos", "complete-session", json!({"sessionId": id, "outcome": "fail"})).unwrap();
    assert_eq!(view(&api, &id).await["status"], "COMPLETED", "what it says");
}

#[tokio::test]
async fn reading_a_result_checks_every_field() {
    let api = start();
    let path = "/idproofingapi/document_share_session/result";
    let good =
        json!({"connector": {"id": "c", "type": "x"}, "verification": {"id": "v", "tag": "t"}, "sessionId": fixture_session("01")});
    for (name, value, message) in [
        ("sessionId", Value::Null, "sessionId must be a string"),
        ("sessionId", json!(""), "sessionId is not allowed to be empty"),
        ("sessionId", json!("x"), "Session not found"),
        ("includeMetadata", json!("x"), "includeMetadata must be a boolean"),
        ("apiVersion", json!(3), "apiVersion must be a string"),
        ("alwaysReturnAssets", json!(1), "alwaysReturnAssets must be a boolean"),
        ("granularStatus", json!("yes"), "granularStatus must be a boolean"),
        ("connector", json!({"id": "c"}), "type is required"),
        ("verification", json!({"id": "c"}), "tag is required"),
        ("dvcID", json!("nobody"), "dvcID not found"),
    ] {
        let mut body = good.clone();
        body[name] = value;
        refused(&api.post(path, &body).licensed(SERVICE).await, 400, message, &body.to_string());
    }
    refused(
        &api.post(path, json!({})).licensed(SERVICE).await,
        400,
        "connector is required, verification is required, sessionId is required",
        "empty",
    );
}
