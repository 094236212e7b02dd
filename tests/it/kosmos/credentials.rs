//! Who may call what: encrypted headers, the plain triple, licenses and levels.

use chrono::{TimeDelta, Utc};
use http::Method;
use serde_json::{Value, json};
use understudy::world::clock::real_now;

use super::{
    COMMUNITY, DEFAULT, PRIVATE, PUBLIC, SERVICE, SERVICE_EXT, SYSTEM, Signed as _, TENANT, creation, fixture_session, open,
    refused, request_id, seal, sealed, session_path, start, with_setting,
};
use crate::client::{Call, Client};
use crate::harness::document;

/// An operation: method, path, whether a license is needed, whether 401 is listed.
fn operations() -> Vec<(Method, String, bool, bool)> {
    let (get, post, put, patch, delete) = (Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE);
    let session = |rest: &str| session_path(&fixture_session("02"), rest);
    let place = format!("tenant/{TENANT}/community/{DEFAULT}");
    let api = |rest: String| format!("/idproofingapi/{rest}");
    vec![
        (get.clone(), session(""), false, false),
        (get.clone(), session("/complete"), false, true),
        (get.clone(), session("/decline"), false, true),
        (get.clone(), session("/retry"), false, false),
        (get.clone(), session("/retry/cancel"), false, false),
        (get.clone(), session("/start"), false, true),
        (get.clone(), session("/validate"), false, true),
        (post.clone(), api(format!("presignedurls/{}", fixture_session("02"))), false, true),
        (post.clone(), session_path("fetch", ""), true, true),
        (post.clone(), session("/submit/document"), false, true),
        (post.clone(), session("/submit/event/E"), false, true),
        (post.clone(), session("/submit/verification/selfie_liveness"), false, true),
        (post.clone(), session("/upload/cancel"), false, true),
        (post.clone(), session("/v2/submit/document"), false, true),
        (post.clone(), session("/v3/submit/document"), false, true),
        (put.clone(), api(format!("proofingtemplates/{place}")), false, true),
        (patch.clone(), api(format!("proofingtemplates/{place}/dvcId/default_config")), true, true),
        (patch, api(format!("proofingtemplates/{place}/id/65b000000000000000000001")), false, true),
        (delete.clone(), api(format!("proofingtemplates/{place}/id/65b000000000000000000001")), false, true),
        (get.clone(), api(format!("bucket/{place}")), true, true),
        (put, api(format!("bucket/{place}")), true, true),
        (get, api("servicekeys".to_owned()), true, true),
        (delete, api("servicekey/a0000000-0000-4000-8000-000000000001".to_owned()), true, true),
        (post.clone(), api("document_share_session/create".to_owned()), true, true),
        (post.clone(), api("document_share_session/result".to_owned()), true, true),
        (post.clone(), api("verify".to_owned()), true, true),
        (post.clone(), "/docuverify/document_share_session/create".to_owned(), true, true),
        (post.clone(), "/docuverify/document_share_session/result".to_owned(), true, true),
        (post.clone(), "/docuverify/v3/document_share_session/result".to_owned(), true, true),
        (post, "/docuverify/verify".to_owned(), true, true),
    ]
}

#[tokio::test]
async fn every_operation_refuses_missing_and_wrong_credentials() {
    let contract = document("1kosmos");
    let methods = contract["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let closed = methods.filter(|operation| operation["security"] != json!([{}])).count();
    assert_eq!(operations().len(), closed, "no operation is left out");
    let api = start();
    let off_curve = "Bw".repeat(42) + "Bw==";
    let p256 = "m/CKn8koGMmgUaQbj+RGmWxcFxWNJgZ8i2yYxwfzMOYJ4LXLyz41sQyci7OAkj5cQkdxubok1a4WplGPoXPh3Q==";
    for (method, path, licensed, lists_401) in operations() {
        let status = if lists_401 { 401 } else { 400 };
        let id = request_id(0);
        for (case, public, requestid, message) in [
            ("no requestid", Some(PUBLIC), None, "requestid is required"),
            ("empty requestid", Some(PUBLIC), Some(""), "requestid is required"),
            ("no publickey", None, Some(id.as_str()), "publickey is required"),
            ("foreign key", Some(p256), Some(id.as_str()), "Unauthorized"),
            ("off the curve", Some(off_curve.as_str()), Some(id.as_str()), "Unauthorized"),
            ("stale", Some(PUBLIC), Some(&*request_id(-120)), "Unauthorized"),
            ("from the future", Some(PUBLIC), Some(&*request_id(120)), "Unauthorized"),
            ("not encrypted", Some(PUBLIC), Some("{\"ts\":1}"), "Unauthorized"),
        ] {
            let mut call = api.call(method.clone(), &path).header("licensekey", &seal(SYSTEM));
            if let Some(public) = public {
                call = call.header("publickey", public);
            }
            if let Some(requestid) = requestid {
                call = call.header("requestid", requestid);
            }
            refused(&call.await, status, message, &format!("{case}: {method} {path}"));
        }
        if licensed {
            let bare = || api.call(method.clone(), &path).signed();
            refused(&bare().await, status, "licensekey is required", &path);
            for (case, license) in [
                ("unknown", seal("no-such-license")),
                ("disabled", seal("55555555-5555-4555-8555-555555555555")),
                ("expired", seal("66666666-6666-4666-8666-666666666666")),
                ("plain", SERVICE.to_owned()),
                ("damaged", "AAAA".to_owned()),
            ] {
                let answer = bare().header("licensekey", &license).await;
                refused(&answer, status, "Invalid or Unauthorized License", &format!("{case}: {method} {path}"));
            }
        }
    }
}

#[tokio::test]
async fn levels_decide_what_a_license_may() {
    let api = start();
    let place = format!("tenant/{TENANT}/community/{DEFAULT}");
    let create = creation("u", json!({}));
    let read = json!({"dvcID": "default_config", "sessionId": fixture_session("01")});
    let verify = json!({
        "connector": {"id": "c", "type": "microblink"}, "verification": {"id": "v", "tag": "t", "type": "dl_authenticate"},
        "document": {"id": "d", "type": "dl"}
    });
    let front = json!({"dvcID": "default_config", "sessionRequest": create["sessionRequest"]});
    let check = json!({"dvcID": "default_config", "verifications": ["dl_verify"], "document": {"id": "d", "type": "dl"}});
    let bucket = json!({"type": "aws", "bucketName": "b", "isEnabled": true, "createdBy": "me"});
    let fetch = json!({"data": {"tenantId": TENANT, "communityId": DEFAULT, "pIndex": 0, "pSize": 1}});
    let workflow = json!({"data": {"workflow": [{"name": "A", "type": "HTML", "html": "<p>"}]}});
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    let none = Value::Null;
    for (method, path, body, lowest, too_low) in [
        (post.clone(), session_path("fetch", ""), &fetch, SERVICE, 401),
        (Method::PATCH, format!("/idproofingapi/proofingtemplates/{place}/dvcId/default_config"), &workflow, SERVICE_EXT, 403),
        (get.clone(), format!("/idproofingapi/bucket/{place}"), &none, SERVICE, 403),
        (put, format!("/idproofingapi/bucket/{place}"), &bucket, SERVICE, 403),
        (get, "/idproofingapi/servicekeys".to_owned(), &none, SYSTEM, 401),
        (Method::DELETE, "/idproofingapi/servicekey/a0000000-0000-4000-8000-000000000002".to_owned(), &none, SYSTEM, 401),
        (post.clone(), "/idproofingapi/document_share_session/create".to_owned(), &create, SERVICE, 403),
        (post.clone(), "/idproofingapi/document_share_session/result".to_owned(), &read, SERVICE, 403),
        (post.clone(), "/idproofingapi/verify".to_owned(), &verify, SERVICE, 403),
        (post.clone(), "/docuverify/document_share_session/create".to_owned(), &front, SERVICE_EXT, 403),
        (post.clone(), "/docuverify/document_share_session/result".to_owned(), &read, SERVICE_EXT, 403),
        (post.clone(), "/docuverify/v3/document_share_session/result".to_owned(), &read, SERVICE_EXT, 403),
        (post, "/docuverify/verify".to_owned(), &check, SERVICE_EXT, 403),
    ] {
        let levels = [COMMUNITY, SERVICE_EXT, SERVICE, SYSTEM];
        let reached = levels.iter().position(|level| *level == lowest).unwrap();
        for (number, level) in levels.into_iter().enumerate() {
            let mut call = api.call(method.clone(), &path).licensed(level);
            if !body.is_null() {
                call = call.body(body);
            }
            let answer = call.await;
            let case = format!("{method} {path} with {level}");
            if number >= reached {
                assert_eq!(answer.status, 200, "{case}: {}", answer.text());
            } else {
                let message = if too_low == 403 { "Forbidden" } else { "Invalid or Unauthorized License" };
                refused(&answer, too_low, message, &case);
            }
        }
    }
}

#[tokio::test]
async fn fields_are_checked_before_a_level_that_is_too_low() {
    let api = start();
    let answer = api.post("/idproofingapi/document_share_session/create", json!({})).licensed(SERVICE_EXT).await;
    refused(&answer, 400, "connector is required, verification is required, sessionRequest is required", "empty body");
}

#[tokio::test]
async fn a_request_id_is_an_object_with_all_its_members() {
    let api = start();
    let now = real_now().timestamp();
    let path = session_path(&fixture_session("02"), "/validate");
    for (content, good) in [
        (json!({"ts": now, "appid": "a", "uuid": "5f3c9c1d2b7aa"}), true),
        (json!({"ts": now, "appId": "a", "uuid": "u"}), true),
        (json!({"ts": now, "appid": "a", "uuid": "u", "deviceId": "d"}), true),
        (json!({"ts": now, "uuid": "u"}), false),
        (json!({"ts": now, "appid": "", "uuid": "u"}), false),
        (json!({"ts": now, "appid": "a"}), false),
        (json!({"ts": now, "appid": "a", "uuid": ""}), false),
        (json!({"ts": now, "appid": "a", "uuid": 7}), false),
        (json!({"appid": "a", "uuid": "u"}), false),
        (json!({"ts": now.to_string(), "appid": "a", "uuid": "u"}), false),
        (json!({"ts": now * 1000, "appid": "a", "uuid": "u"}), false),
        (json!({"ts": 1e300, "appid": "a", "uuid": "u"}), false),
        (json!([now]), false),
        (json!("x"), false),
    ] {
        let answer = api.get(&path).header("publickey", PUBLIC).header("requestid", &seal(&content.to_string())).await;
        assert_eq!(answer.status, if good { 200 } else { 401 }, "{content}");
    }
    let text = api.get(&path).header("publickey", PUBLIC).header("requestid", &seal("no JSON")).await;
    refused(&text, 401, "Unauthorized", "no JSON");
}

/// Asks with a request id of this moment.
async fn status_at(client: &Client, moment: chrono::DateTime<Utc>) -> u16 {
    let ms = moment.timestamp_millis();
    let id = seal(&format!("{{\"ts\":{}.{:03},\"appid\":\"a\",\"uuid\":\"u\"}}", ms / 1000, ms % 1000));
    let path = session_path(&fixture_session("01"), "/validate");
    client.get(&path).header("publickey", PUBLIC).header("requestid", &id).await.status.as_u16()
}

#[tokio::test]
async fn a_request_id_is_fresh_for_sixty_seconds_either_way() {
    let api = start();
    let now = crate::harness::start_time();
    for (offset_ms, status) in [(-60_001, 401), (-60_000, 200), (0, 200), (60_000, 200), (60_001, 401)] {
        assert_eq!(status_at(&api, now + TimeDelta::milliseconds(offset_ms)).await, status, "{offset_ms}");
    }
    // A caller whose clock is real is understood wherever the world's clock stands.
    api.understudy.advance(TimeDelta::days(2)).unwrap();
    assert_eq!(status_at(&api, real_now()).await, 200);
    assert_eq!(status_at(&api, now).await, 401);

    let api = with_setting("allowed_time_span", json!(5));
    for (offset_ms, status) in [(-5001, 401), (-5000, 200), (5000, 200), (5001, 401)] {
        assert_eq!(status_at(&api, now + TimeDelta::milliseconds(offset_ms)).await, status, "{offset_ms}");
    }
    assert_eq!(api.get("/idproofingapi/environment").await.json(), json!({"allowed_time_span": 5, "EC_CURVE_NAME": "secp256k1"}));
}

#[tokio::test]
async fn a_request_id_can_be_used_again_unless_that_is_refused() {
    let path = session_path(&fixture_session("01"), "/validate");
    for (strict, second) in [(false, 200), (true, 401)] {
        let api = with_setting("refuse_replays", json!(strict));
        let id = request_id(0);
        let ask = || api.get(&path).header("publickey", PUBLIC).header("requestid", &id);
        assert_eq!((ask().await.status.as_u16(), ask().await.status.as_u16()), (200, second));
        let unpadded = id.trim_end_matches('=').to_owned() + "*";
        assert_eq!(
            api.get(&path).header("publickey", PUBLIC).header("requestid", &unpadded).await.status,
            second,
            "another spelling"
        );
    }
}

#[tokio::test]
async fn headers_are_read_as_leniently_as_node_reads_base64() {
    let api = start();
    let path = session_path(&fixture_session("01"), "/validate");
    let url_safe = |text: &str| text.replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned();
    let answer = api.get(&path).header("publickey", &url_safe(PUBLIC)).header("requestid", &url_safe(&request_id(0))).await;
    assert_eq!(answer.status, 200);
    let stray = format!("\u{bf}{PUBLIC}");
    assert_eq!(api.get(&path).header("publickey", &stray).header("requestid", &request_id(0)).await.status, 200);
}

fn triple<'a>(call: Call<'a>, secret: &str) -> Call<'a> {
    call.header("keyId", PUBLIC).header("keySecret", secret)
}

#[tokio::test]
async fn the_plain_triple_stands_in_for_encrypted_headers() {
    let api = with_setting("encrypt_get_responses", json!(true));
    let path = session_path(&fixture_session("01"), "/validate");
    let seen = triple(api.get(&path), PRIVATE).await;
    assert_eq!((seen.status.as_u16(), &seen.json()["status"]), (200, &json!("PENDING")), "plain, whatever the setting says");
    refused(&triple(api.get(&path), "AAAB").await, 401, "Unauthorized", "not a pair");
    refused(&api.get(&path).header("keyId", PUBLIC).await, 401, "requestid is required", "no secret");
    refused(&triple(api.get(&path), PRIVATE).header("publickey", PUBLIC).await, 401, "requestid is required", "mixed");

    let create = "/idproofingapi/document_share_session/result";
    let body = json!({"dvcID": "default_config", "sessionId": fixture_session("01")});
    refused(&triple(api.post(create, &body), PRIVATE).await, 401, "license is required", "no license");
    refused(
        &triple(api.post(create, &body), PRIVATE).header("license", "x").await,
        401,
        "Invalid or Unauthorized License",
        "unknown",
    );
    refused(&triple(api.post(create, &body), PRIVATE).header("license", COMMUNITY).await, 403, "Forbidden", "too low");
    let told = triple(api.post(create, sealed(&body)), PRIVATE).header("license", SERVICE).await;
    assert_eq!(told.json()["responseStatus"], "INPROGRESS", "plain though the request was encrypted");
}

#[tokio::test]
async fn a_plain_license_needs_the_callers_word() {
    let api = start();
    let call = || api.get("/idproofingapi/servicekeys").signed().header("licensekey", SYSTEM);
    refused(&call().await, 401, "Invalid or Unauthorized License", "without");
    assert_eq!(call().header("noecdsa", "true").await.status, 200);
}

#[tokio::test]
async fn open_operations_ignore_credentials() {
    let api = start();
    for path in ["/idproofingapi/publickeys", "/idproofingapi/healthz", "/idproofingapi/info", "/idproofingapi/sd", "/caas/sd"] {
        let answer = api.get(path).header("requestid", "x").header("publickey", "y").header("licensekey", "z").await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_other_curve_is_used_when_it_is_set() {
    use understudy::crypto::ecdh::{Curve, agree};
    let api = with_setting("ec_curve_name", json!("prime256v1"));
    let service = "m/CKn8koGMmgUaQbj+RGmWxcFxWNJgZ8i2yYxwfzMOYJ4LXLyz41sQyci7OAkj5cQkdxubok1a4WplGPoXPh3Q==";
    let public = "dyLapFVRhwL2vqOAJH7S+iJu5AqPxNJP4fyIZVJLuvKNoh5Lvj2u6DMe9mB8Pt8iJwCst8JYe4kX0VNfgKoHPw==";
    let private = "SeldBGIevSQmfJMEPEeIx/Y0AxQ2Wh41kVbwMsZ/TwQ=";
    assert_eq!(api.get("/idproofingapi/publickeys").await.json(), json!({"publicKey": service}));
    assert_eq!(api.get("/idproofingapi/environment").await.json()["EC_CURVE_NAME"], "prime256v1");
    let key = agree(Curve::Prime256v1, private.as_bytes(), service.as_bytes()).unwrap();
    let id = json!({"ts": real_now().timestamp(), "appid": "a", "uuid": "u"}).to_string();
    let id = key.seal([1; 16], id.as_bytes());
    let path = session_path(&fixture_session("01"), "/validate");
    assert_eq!(api.get(&path).header("publickey", public).header("requestid", &id).await.status, 200);
    refused(&api.get(&path).signed().await, 401, "Unauthorized", "keys of the usual curve");
    let vector = "AAECAwQFBgcICQoLDA0ODw9Jtj1ThM2rZg+QQtkDX6cNM4qUqK/W1Yc9tXRnoJpDEom+v1VTXYEeWmhGmnM6LiXXT9Q=";
    let body = json!({"dataStr": vector, "publicKey": service, "privateKey": private});
    assert_eq!(api.post("/idproofingapi/ecdsa_helper/decrypt", body).await.json()["data"], "b5a7e6d0-1f4e-4c7e-9a52-0c2f6d1e8a01");
}

#[tokio::test]
async fn secrets_stay_out_of_what_can_be_read() {
    let api = start();
    let id = open(&json!(seal("{}")));
    assert_eq!(id, json!({}));
    let answer = api.get("/idproofingapi/servicekeys").licensed(SERVICE).await;
    refused(&answer, 401, "Invalid or Unauthorized License", "the refusal does not repeat the license");
    assert!(!answer.text().contains(SERVICE));
}
