//! A session's life: states, attempts, timers, results.

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use understudy::http::Refusal;

use super::{
    SERVICE, START_MS, Signed as _, create, creation, fixture_session, open, refused, result, sealed, session_path, start, started,
    submit, view, with_setting,
};
use crate::client::Client;

async fn complete(client: &Client, id: &str) -> Value {
    let answer = client.get(&session_path(id, "/complete")).signed().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["completionStatus"].clone()
}

#[tokio::test]
async fn a_person_passes_with_document_and_selfie() {
    let api = start();
    let id = create(&api, creation("sbx-pass-1", json!({"checks": ["selfie_liveness"]}))).await;

    let pending = result(&api, &id, json!({})).await;
    assert_eq!(pending, json!({"responseStatus": "INPROGRESS", "sessionId": id, "publicKey": super::SERVICE_PUBLIC}));
    assert_eq!(result(&api, &id, json!({"granularStatus": true})).await["responseStatus"], "PENDING");
    let valid = api.get(&session_path(&id, "/validate")).signed().await;
    assert_eq!((valid.status.as_u16(), &valid.json()["status"]), (200, &json!("PENDING")));

    let begun = api.get(&session_path(&id, "/start")).signed().header("user-agent", "Mozilla/5.0").await.json();
    let record = &begun["data"];
    assert_eq!(record["status"], "INPROGRESS");
    assert_eq!(record["startedTS"], START_MS);
    assert_eq!(record["abandonedTS"], START_MS + 3_600_000);
    assert_eq!(record["expiryTS"], START_MS + 7 * 86_400_000);
    assert_eq!(record["resultStatus"], Value::Null);
    assert_eq!(record["tenantId"], super::TENANT);
    assert_eq!(record["communityId"], super::DEFAULT);
    assert_eq!(record["dvcID"], "v1");
    assert_eq!(record["url"], format!("{}/idproofing/session/{id}", api.base));
    assert_eq!(
        record["history"],
        json!([{"activity": "STARTED", "ipAddress": "127.0.0.1", "userAgent": "Mozilla/5.0", "screenName": "WELCOME", "ts": START_MS}])
    );
    let keys: Vec<&String> = record.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "_id",
            "id",
            "url",
            "tenantDNS",
            "tenantId",
            "communityName",
            "communityId",
            "documentType",
            "status",
            "did",
            "dvcID",
            "expiryTS",
            "createdTS",
            "startedTS",
            "abandonedTS",
            "resultStatus",
            "user",
            "history",
            "session-result"
        ]
    );
    refused(&api.get(&session_path(&id, "/start")).signed().await, 400, "Session url is already used", "second start");

    let event = json!({"screen_name": "WELCOME", "status": "COMPLETED", "error": ""});
    let noted = api.post(&session_path(&id, "/submit/event/E_IDV_USER_CONSENT"), sealed(&event)).signed().await;
    assert_eq!((noted.status.as_u16(), noted.text()), (200, ""));
    assert!(noted.headers.get("content-type").is_none());
    assert_eq!(noted.header("content-length"), "0");

    submit(&api, &id).await;
    refused(&api.get(&session_path(&id, "/complete")).signed().await, 400, "Required documents are not submitted", "no selfie");
    let selfie = json!({"result": {}, "images": {"image": "AA=="}});
    let taken = api.post(&session_path(&id, "/submit/verification/selfie_liveness"), selfie).signed().await;
    assert_eq!((taken.status.as_u16(), taken.text()), (200, ""));
    assert_eq!(complete(&api, &id).await, "COMPLETED_PASS");
    assert_eq!(complete(&api, &id).await, "COMPLETED_PASS", "again");

    let passed = result(&api, &id, json!({})).await;
    assert_eq!(passed["responseStatus"], "SUCCESS");
    assert_eq!(passed["dl_object"]["image"], "AA==", "the submitted image");
    assert_eq!(passed["dl_object"]["firstName"], "John");
    assert_eq!(passed["dl_object"]["documentId"], "D1234567");
    assert_eq!(passed["liveid_object"]["face"], "AA==");
    assert_eq!(passed["liveid_object"]["proofedBy"], "1kosmos");
    let keys: Vec<&String> = passed.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["responseStatus", "sessionId", "dl_object", "liveid_object", "token", "publicKey"]);
    let certificate = open(&passed["token"]);
    assert_eq!(certificate["type"], "session_summary");
    assert_eq!(certificate["result"], json!({"status": "PASS", "reasonCode": null, "message": null}));
}

#[tokio::test]
async fn a_failed_attempt_can_be_repeated() {
    let api = start();
    let id = started(&api, creation("sbx-fail-once-IDV0008", json!({"maxRetries": 1}))).await;
    submit(&api, &id).await;
    assert_eq!(view(&api, &id).await["status"], "INPROGRESS");
    let body = json!({"document_front": {"images": {}}});
    refused(
        &api.post(&session_path(&id, "/v2/submit/document"), body).signed().await,
        400,
        "Session is awaiting retry",
        "no retry yet",
    );
    let again = api.get(&session_path(&id, "/retry")).signed().await;
    assert_eq!((again.status.as_u16(), again.text()), (200, ""));
    refused(&api.get(&session_path(&id, "/retry")).signed().await, 400, "Retry is not available", "nothing failed since");
    submit(&api, &id).await;
    assert_eq!(complete(&api, &id).await, "COMPLETED_PASS");
    refused(&api.get(&session_path(&id, "/retry")).signed().await, 400, "Retry is not available", "over");
    refused(&api.get(&session_path(&id, "/retry/cancel")).signed().await, 400, "There is no retry to cancel", "over");
}

#[tokio::test]
async fn retries_run_out() {
    let api = start();
    let id = started(&api, creation("sbx-fail-IDV0008", json!({"maxRetries": 1}))).await;
    submit(&api, &id).await;
    api.get(&session_path(&id, "/retry")).signed().await;
    submit(&api, &id).await;
    let over = result(&api, &id, json!({})).await;
    assert_eq!(over["responseStatus"], "FAILED");
    assert_eq!(over["errorInfo"], json!({"reasonCode": "IDV0014", "message": "All retry attempts exhausted"}));
}

#[tokio::test]
async fn an_attempt_that_is_not_repeated_keeps_its_reason() {
    let api = start();
    let ids = [fixture_session("0a"), started(&api, creation("sbx-fail-IDV0007", json!({"maxRetries": 3}))).await];
    submit(&api, &ids[1]).await;
    assert_eq!(complete(&api, &ids[0]).await, "COMPLETED_FAILED");
    let answer = api.get(&session_path(&ids[1], "/retry/cancel")).signed().await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, ""));
    for (id, code) in ids.iter().zip(["IDV0009", "IDV0007"]) {
        assert_eq!(result(&api, id, json!({})).await["errorInfo"]["reasonCode"], code);
    }
}

#[tokio::test]
async fn tokens_and_configuration_decide_the_outcome() {
    let api = start();
    for (uid, config, outcome, code) in [
        ("someone", json!({}), "COMPLETED_PASS", None),
        ("sbx-pass", json!({}), "COMPLETED_PASS", None),
        ("sbx-fail", json!({}), "COMPLETED_FAILED", Some("IDV0009")),
        ("sbx-fail-IDV0011", json!({}), "COMPLETED_FAILED", Some("IDV0011")),
        ("sbx-fail-once", json!({}), "COMPLETED_FAILED", Some("IDV0009")),
        ("sbx-not-performed", json!({}), "COMPLETED_NOT_PERFORMED", Some("IDV0004")),
        ("sbx-not-performed-IDV0001", json!({}), "COMPLETED_NOT_PERFORMED", Some("IDV0001")),
        ("sbx-review", json!({}), "REVIEW", None),
        ("sbx-fail-IDV0012", json!({"fraudDetectFailureBypass": true}), "COMPLETED_PASS", None),
        ("sbx-fail-IDV0011", json!({"fraudDetectFailureBypass": true}), "COMPLETED_FAILED", Some("IDV0011")),
        ("sbx-fail", json!({"skip": true}), "COMPLETED_NOT_PERFORMED", Some("IDV0010")),
    ] {
        let id = started(&api, creation(uid, config.clone())).await;
        submit(&api, &id).await;
        assert_eq!(complete(&api, &id).await, outcome, "{uid} {config}");
        let told = result(&api, &id, json!({})).await;
        assert_eq!(told["errorInfo"]["reasonCode"], code.map_or(Value::Null, Value::from), "{uid} {config}");
    }
    for (field, place) in [("username", "user"), ("did", "")] {
        let mut body = creation("someone", json!({}));
        let request = &mut body["sessionRequest"];
        let object = if place.is_empty() { request } else { &mut request[place] };
        object[field] = json!("sbx-review");
        let id = started(&api, body).await;
        submit(&api, &id).await;
        assert_eq!(complete(&api, &id).await, "REVIEW", "{field}");
    }
}

#[tokio::test]
async fn what_is_told_follows_the_state() {
    let api = start();
    let all = json!({"apiVersion": "v3", "alwaysReturnAssets": true});
    for (number, plain, granular, status, result_v3, assets, always) in [
        ("01", "INPROGRESS", "PENDING", "INPROGRESS", Value::Null, false, false),
        ("02", "INPROGRESS", "INPROGRESS", "INPROGRESS", Value::Null, false, false),
        ("03", "SUCCESS", "SUCCESS", "COMPLETED", json!("SUCCESS"), true, true),
        ("04", "FAILED", "FAILED", "COMPLETED", json!("FAILED"), false, true),
        ("05", "FAILED", "FAILED", "COMPLETED", json!("NOT_PERFORMED"), false, false),
        ("06", "REVIEW", "REVIEW", "COMPLETED", json!("REVIEW"), false, true),
        ("07", "EXPIRED", "EXPIRED", "EXPIRED", json!("EXPIRED"), false, false),
        ("08", "ABANDONED", "ABANDONED", "ABANDONED", json!("ABANDONED"), false, false),
        ("09", "DECLINED", "DECLINED", "DECLINED", json!("DECLINED"), false, false),
    ] {
        let id = fixture_session(number);
        let object = match number {
            "04" => "ppt_object",
            "06" => "idcard_object",
            _ => "dl_object",
        };
        let told = result(&api, &id, json!({})).await;
        assert_eq!(told["responseStatus"], plain, "{number}");
        assert_eq!(told.get(object).is_some(), assets, "{number}");
        assert_eq!(told.get("token").is_some(), assets, "{number}");
        assert_eq!(told.get("liveid_object").is_some(), assets, "{number}");
        for absent in ["sessionStatus", "sessionResult", "document", "liveId", "metadata", "raw_data"] {
            assert!(told.get(absent).is_none(), "{number} {absent}");
        }
        let finely = result(&api, &id, json!({"granularStatus": true, "apiVersion": "v3"})).await;
        assert_eq!(finely["responseStatus"], granular, "{number}");
        assert_eq!(finely["sessionStatus"], if number == "01" { "PENDING" } else { status }, "{number}");
        let v3 = result(&api, &id, all.clone()).await;
        assert_eq!((&v3["sessionStatus"], &v3["sessionResult"]), (&json!(status), &result_v3), "{number}");
        assert_eq!(v3.get(object).is_some(), always, "{number}");
        assert_eq!(v3.get("document").is_some(), always, "{number}");
        assert_eq!(v3.get("liveId").is_some(), always, "{number}");
        assert_eq!(v3.get("errorInfo").is_some(), ["04", "05"].contains(&number), "{number}");
    }
    let passport = result(&api, &fixture_session("04"), all).await;
    assert_eq!(
        (&passport["ppt_object"]["documentType"], &passport["document"]["documentType"]),
        (&json!("PPT"), &json!("PASSPORT"))
    );
    assert_eq!(passport["errorInfo"], json!({"reasonCode": "IDV0011", "message": "Document expired"}));
    let described = result(&api, &fixture_session("03"), json!({"includeMetadata": true, "apiVersion": "v9"})).await;
    assert_eq!(
        described["metadata"],
        json!({"documentType": "DL", "documentId": "D1234567", "firstName": "John", "lastName": "Doe", "dob": "19900101", "doe": "20301231"})
    );
    assert!(described.get("sessionStatus").is_none());
    assert_eq!(result(&api, &fixture_session("01"), json!({"includeMetadata": true})).await["metadata"], json!({}));
}

#[tokio::test]
async fn encrypted_results_have_no_key_inside() {
    let api = start();
    let body = json!({"dvcID": "default_config", "sessionId": fixture_session("01")});
    let answer = api.post("/idproofingapi/document_share_session/result", sealed(&body)).licensed(SERVICE).await.json();
    assert_eq!(answer["publicKey"], super::SERVICE_PUBLIC);
    assert_eq!(open(&answer["data"]), json!({"responseStatus": "INPROGRESS", "sessionId": fixture_session("01")}));
}

#[tokio::test]
async fn a_pending_session_expires_at_its_time() {
    let api = start();
    let id = create(&api, creation("u", json!({"expireSessionInMin": 0.5}))).await;
    api.understudy.advance(TimeDelta::milliseconds(29_999)).unwrap();
    assert_eq!(view(&api, &id).await["status"], "PENDING");
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(view(&api, &id).await["status"], "EXPIRED");
    refused(&api.get(&session_path(&id, "/start")).signed().await, 400, "Session is EXPIRED", "start");
    assert_eq!(result(&api, &id, json!({})).await["responseStatus"], "EXPIRED");

    let usual = create(&api, creation("u", json!({}))).await;
    api.understudy.advance(TimeDelta::minutes(10_080) - TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(view(&api, &usual).await["status"], "PENDING");
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(view(&api, &usual).await["status"], "EXPIRED");
}

#[tokio::test]
async fn a_started_session_is_abandoned_at_its_time_and_never_expires() {
    let api = start();
    let id = started(&api, creation("u", json!({"expireSessionInMin": 1, "abandonSessionInMin": 2}))).await;
    let usual = started(&api, creation("u", json!({}))).await;
    api.understudy.advance(TimeDelta::milliseconds(119_999)).unwrap();
    assert_eq!(view(&api, &id).await["status"], "INPROGRESS");
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(view(&api, &id).await["status"], "ABANDONED");
    assert_eq!(view(&api, &usual).await["status"], "INPROGRESS");
    api.understudy.advance(TimeDelta::minutes(58) - TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(view(&api, &usual).await["status"], "INPROGRESS");
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(view(&api, &usual).await["status"], "ABANDONED");
    let body = json!({"document_front": {"images": {}}});
    refused(&api.post(&session_path(&id, "/v2/submit/document"), body).signed().await, 403, "Session is ABANDONED", "submit");
}

#[tokio::test]
async fn the_clock_leaves_its_marks() {
    let api = start();
    let pending = create(&api, creation("u", json!({"expireSessionInMin": 1}))).await;
    let begun = started(&api, creation("u", json!({"abandonSessionInMin": 2}))).await;
    api.understudy.advance(TimeDelta::hours(1)).unwrap();
    for (id, status, minutes) in [(pending, "EXPIRED", 1), (begun, "ABANDONED", 2)] {
        let body = json!({"data": {"query": {"id": id}, "pIndex": 0, "pSize": 1, "tenantId": super::TENANT, "communityId": super::DEFAULT}});
        let list = api.post(&session_path("fetch", ""), body).licensed(SERVICE).await.json();
        let item = &list["data"]["data"][0];
        let end = json!(START_MS + minutes * 60_000);
        assert_eq!((&item["status"], &item["completedTS"]), (&json!(status), &end), "at its own time, whenever somebody looks");
        assert_eq!(item["session-result"], json!([]), "{status}");
    }
}

#[tokio::test]
async fn a_person_can_decline_before_and_after_they_begin() {
    let api = start();
    for begin in [false, true] {
        let id = create(&api, creation("u", json!({}))).await;
        if begin {
            api.get(&session_path(&id, "/start")).signed().await;
        }
        for time in ["first", "second"] {
            let answer = api.get(&session_path(&id, "/decline")).signed().await;
            let user = json!({"uid": "u", "username": "johndoe", "firstname": "John", "lastname": "Doe"});
            assert_eq!(answer.json(), json!({"status": "DECLINED", "user": user, "id": id, "documentType": "dl_object"}), "{time}");
        }
        refused(&api.get(&session_path(&id, "/validate")).signed().await, 400, "Session is DECLINED", "validate");
    }
}

#[tokio::test]
async fn each_operation_refuses_the_states_that_it_must() {
    let api = start();
    let states =
        [("03", "COMPLETED"), ("07", "EXPIRED"), ("08", "ABANDONED"), ("09", "DECLINED"), ("01", "PENDING"), ("02", "INPROGRESS")];
    let side = json!({"document_front": {"images": {}}});
    let names = json!({"document_front": {"imageNames": []}});
    for (number, state) in states {
        let id = fixture_session(number);
        for (method, rest, body, allowed, status) in [
            (Method::GET, "/validate", None, &["PENDING", "INPROGRESS"][..], 400),
            (Method::GET, "/complete", None, &["COMPLETED", "INPROGRESS"], 400),
            (Method::GET, "/decline", None, &["PENDING", "INPROGRESS", "DECLINED"], 400),
            (Method::GET, "/start", None, &["PENDING", "INPROGRESS"], 400),
            (Method::POST, "/submit/document", None, &["INPROGRESS"], 403),
            (Method::POST, "/v2/submit/document", Some(&side), &["INPROGRESS"], 403),
            (Method::POST, "/v3/submit/document", Some(&names), &["INPROGRESS"], 403),
            (Method::POST, "/submit/verification/document_liveness_front", None, &["INPROGRESS"], 403),
        ] {
            if allowed.contains(&state) {
                continue;
            }
            let mut call = api.call(method, &session_path(&id, rest)).signed();
            if let Some(body) = body {
                call = call.body(body);
            }
            refused(&call.await, status, &format!("Session is {state}"), &format!("{rest} of {state}"));
        }
    }
    for rest in ["", "/validate", "/complete", "/decline", "/retry", "/retry/cancel", "/start"] {
        let answer = api.get(&session_path("10000000-0000-4000-8000-0000000000ff", rest)).signed().await;
        refused(&answer, 400, "Session not found", rest);
    }
}

#[tokio::test]
async fn the_view_shows_what_the_configuration_says() {
    let api = start();
    assert_eq!(
        view(&api, &fixture_session("02")).await.to_string(),
        json!({
            "status": "INPROGRESS",
            "user": {"uid": "user-456", "username": "janeroe", "firstname": "Jane", "lastname": "Roe"},
            "id": fixture_session("02"), "documentType": "dl_object", "license": "sandbox-capture-license",
            "selfieCaptureMode": "auto", "workflowId": null, "wfInstanceId": null, "useBucket": false,
            "useHighResolutionImages": false, "bypassConfig": [], "autoDetectTimeout": 40, "postTimeoutCaptureMode": "none",
            "autoCaptureCountdownSeconds": 5, "autoCaptureCountdownVisible": true
        })
        .to_string()
    );
    let mut body = creation(
        "u",
        json!({
            "selfieCaptureMode": "manualWithFaceDetection", "useHighResolutionImages": true, "bypassConfig": [{"a": 1}],
            "autoDetectTimeout": 7.5, "postTimeoutCaptureMode": "manual"
        }),
    );
    body["connector"]["config"] = json!({"license": "lic"});
    body["sessionRequest"]["workflowMetadata"] = json!({"workflowId": "workflow-xyz", "wfInstanceId": "instance-789"});
    let id = create(&api, body).await;
    let seen = view(&api, &id).await;
    for (field, value) in [
        ("license", json!("lic")),
        ("selfieCaptureMode", json!("manualWithFaceDetection")),
        ("workflowId", json!("workflow-xyz")),
        ("wfInstanceId", json!("instance-789")),
        ("useBucket", json!(true)),
        ("useHighResolutionImages", json!(true)),
        ("bypassConfig", json!([{"a": 1}])),
        ("autoDetectTimeout", json!(7.5)),
        ("postTimeoutCaptureMode", json!("manual")),
        ("autoCaptureCountdownSeconds", Value::Null),
        ("autoCaptureCountdownVisible", Value::Null),
    ] {
        assert_eq!(seen[field], value, "{field}");
    }
}

#[tokio::test]
async fn configurations_can_end_by_themselves() {
    let api = start();
    for (dvc_id, second, end) in [
        ("auto_pass", "INPROGRESS", "SUCCESS"),
        ("auto_fail", "INPROGRESS", "FAILED"),
        ("auto_not_performed", "INPROGRESS", "FAILED"),
        ("auto_review", "INPROGRESS", "REVIEW"),
        ("auto_expired", "EXPIRED", "EXPIRED"),
        ("auto_abandoned", "INPROGRESS", "ABANDONED"),
        ("auto_declined", "INPROGRESS", "DECLINED"),
    ] {
        let mut by_id = creation("u", json!({}));
        by_id["verification"]["id"] = json!(dvc_id);
        let by_dvc = json!({"dvcID": dvc_id, "sessionRequest": by_id["sessionRequest"]});
        for body in [by_id, by_dvc] {
            let id = create(&api, body).await;
            let mut told = Vec::new();
            for _ in 0..4 {
                told.push(result(&api, &id, json!({"granularStatus": true})).await);
            }
            let statuses: Vec<&Value> = told.iter().map(|told| &told["responseStatus"]).collect();
            assert_eq!(statuses, ["PENDING", second, end, end], "{dvc_id}");
            assert_eq!(told[3].get("dl_object").is_some(), dvc_id == "auto_pass", "{dvc_id}");
        }
    }
    let id = create(&api, json!({"dvcID": "auto_fail", "sessionRequest": creation("u", json!({}))["sessionRequest"]})).await;
    for _ in 0..3 {
        result(&api, &id, json!({})).await;
    }
    let failed = result(&api, &id, json!({"alwaysReturnAssets": true})).await;
    assert_eq!(failed["errorInfo"]["reasonCode"], "IDV0009");
    assert!(failed["dl_object"]["proof_jwt"].as_str().is_some_and(|proof| !proof.is_empty()));
}

#[tokio::test]
async fn a_person_can_be_played() {
    let api = start();
    let play = |id: &str, outcome: &str| {
        api.understudy.simulate("1kosmos", "complete-session", json!({"sessionId": id, "outcome": outcome}))
    };
    for (outcome, completion) in [
        ("pass", "COMPLETED_PASS"),
        ("fail", "COMPLETED_FAILED"),
        ("not_performed", "COMPLETED_NOT_PERFORMED"),
        ("review", "REVIEW"),
    ] {
        // What a person chooses is stronger than a token.
        let id = create(&api, creation("sbx-review", json!({"checks": ["selfie_liveness"]}))).await;
        let done = play(&id, outcome).unwrap();
        assert_eq!(done["status"], "COMPLETED", "{outcome}");
        assert_eq!(complete(&api, &id).await, completion, "{outcome}");
        assert!(matches!(play(&id, outcome), Err(Refusal::Conflict(_))), "{outcome}");
    }
    let id = fixture_session("0a");
    assert_eq!(play(&id, "fail").unwrap()["awaitingRetry"], true);
    let over = play(&id, "fail").unwrap();
    assert_eq!((&over["status"], &over["reasonCode"]), (&json!("COMPLETED"), &json!("IDV0014")));
    assert!(matches!(play("nobody", "pass"), Err(Refusal::NotFound(_))));
    assert!(matches!(play(&fixture_session("01"), "perhaps"), Err(Refusal::Invalid(_))));
    let coded = json!({"sessionId": fixture_session("01"), "outcome": "fail", "reasonCode": "IDV0008"});
    let done = api.understudy.simulate("1kosmos", "complete-session", coded).unwrap();
    assert_eq!(done["reasonCode"], "IDV0008");
}

#[tokio::test]
async fn verification_can_take_its_time() {
    let api = with_setting("processing_delay_ms", json!(5000));
    let id = started(&api, creation("sbx-fail", json!({}))).await;
    submit(&api, &id).await;
    api.understudy.advance(TimeDelta::milliseconds(4999)).unwrap();
    refused(&api.get(&session_path(&id, "/complete")).signed().await, 400, "Verification is in progress", "one millisecond before");
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(complete(&api, &id).await, "COMPLETED_FAILED");
}

#[tokio::test]
async fn a_start_can_be_made_repeatable() {
    let api = with_setting("start_idempotent", json!(true));
    let id = started(&api, creation("u", json!({}))).await;
    let again = api.get(&session_path(&id, "/start")).signed().await;
    assert_eq!((again.status.as_u16(), again.json()["data"]["history"].as_array().unwrap().len()), (200, 1));
}

#[tokio::test]
async fn personal_data_is_deleted_when_it_should_be() {
    let api = start();
    let id = started(&api, creation("u", json!({"pii_retention_off": true, "returnRawData": true}))).await;
    submit(&api, &id).await;
    let first = result(&api, &id, json!({})).await;
    assert_eq!(first["raw_data"]["connector"], "microblink");
    assert!(first.get("dl_object").is_some());
    let second = result(&api, &id, json!({"alwaysReturnAssets": true, "includeMetadata": true})).await;
    assert_eq!(second, json!({"responseStatus": "SUCCESS", "sessionId": id, "metadata": {}, "publicKey": super::SERVICE_PUBLIC}));

    let id = started(&api, creation("u", json!({"pii_retention_ttl": 10}))).await;
    submit(&api, &id).await;
    api.understudy.advance(TimeDelta::milliseconds(9999)).unwrap();
    assert!(result(&api, &id, json!({})).await.get("dl_object").is_some());
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    assert!(result(&api, &id, json!({})).await.get("dl_object").is_none());
}

#[tokio::test]
async fn events_are_kept_in_every_state() {
    let api = start();
    let event = json!({"screen_name": "FRONT", "status": true, "error": "blurred"});
    for (number, body) in
        [("01", event.clone()), ("03", json!({"data": event})), ("07", sealed(&event)), ("09", sealed(&json!({"data": event})))]
    {
        let answer = api.post(&session_path(&fixture_session(number), "/submit/event/E_IDV_X-1.2"), body).signed().await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, ""), "{number}");
    }
    let begun = api.get(&session_path(&fixture_session("01"), "/start")).signed().await.json();
    let activities: Vec<&Value> = begun["data"]["history"].as_array().unwrap().iter().map(|entry| &entry["activity"]).collect();
    assert_eq!(activities, ["E_IDV_X-1.2", "STARTED"]);
    assert_eq!(view(&api, &fixture_session("03")).await["status"], "COMPLETED");

    let path = session_path(&fixture_session("01"), "/submit/event/E");
    for (body, message) in [
        (json!({}), "screen_name is required, status is required, error is required"),
        (
            json!({"screen_name": 1, "status": 1, "error": 1}),
            "screen_name must be a string, status must be one of [string, boolean], error must be a string",
        ),
        (json!({"screen_name": "", "status": "", "error": ""}), "screen_name is not allowed to be empty"),
        (json!({"data": 1}), "data must be of type object"),
    ] {
        refused(&api.post(&path, &body).signed().await, 400, message, &body.to_string());
    }
    for name in ["a%20b", &"x".repeat(101), "%C3%A9"] {
        let path = session_path(&fixture_session("01"), &format!("/submit/event/{name}"));
        let message = "eventName must be 1 to 100 of the characters A-Z, a-z, 0-9, _, . and -";
        refused(&api.post(&path, &event).signed().await, 400, message, name);
    }
    refused(&api.post(&session_path("x", "/submit/event/E"), &event).signed().await, 400, "Session not found", "unknown");
}
