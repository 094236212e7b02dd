//! What the service says about itself, and how the helper libraries find and use it.

use http::Method;
use serde_json::{Value, json};

use super::{
    DEFAULT, OTHER_COMMUNITY, OTHER_TENANT, PRIVATE, PUBLIC, SERVICE, SERVICE_EXT, SERVICE_PUBLIC, Signed as _, TENANT, creation,
    fixture_session, open, refused, sealed, session_path, start,
};
use crate::client::Client;

#[tokio::test]
async fn headers_can_be_made_without_a_library() {
    let api = start();
    let public = api.get("/idproofingapi/publickeys").await.json();
    assert_eq!(public, json!({"publicKey": SERVICE_PUBLIC}));
    let text = json!({"ts": understudy::world::clock::real_now().timestamp(), "appid": "it", "uuid": "u-1"}).to_string();
    for base in ["/idproofingapi", "/docuverify"] {
        for path in ["/ecdsa_helper/encrypt", "/ecdsa_helper", "/ecdsa_helper/"] {
            let body = json!({"dataStr": text, "publicKey": SERVICE_PUBLIC, "privateKey": PRIVATE});
            let made = api.post(&format!("{base}{path}"), body).await.json();
            assert_eq!(made["publicKey"], SERVICE_PUBLIC, "{base}{path}");
            let id = made["data"].as_str().unwrap();
            let seen = api
                .get(&session_path(&fixture_session("01"), "/validate"))
                .header("publickey", PUBLIC)
                .header("requestid", id)
                .await;
            assert_eq!(seen.status, 200, "{base}{path}");
            let back = json!({"dataStr": id, "publicKey": SERVICE_PUBLIC, "privateKey": PRIVATE});
            assert_eq!(api.post(&format!("{base}/ecdsa_helper/decrypt"), back).await.json()["data"], text);
        }
    }
}

#[tokio::test]
async fn published_envelopes_are_opened() {
    let api = start();
    let decrypt = |text: &str, private: &str| json!({"dataStr": text, "publicKey": SERVICE_PUBLIC, "privateKey": private});
    for (private, envelope, text) in [
        (PRIVATE, "AAECAwQFBgcICQoLDA0OD023Iytum/humH2fNoRf0aJdObkBAuHI2Y+bqjgTAoEQyUDnharD1Zp/i04kTwkeAz0W0DQ=", SERVICE),
        (PRIVATE, "AAECAwQFBgcICQoLDA0ODxBqoFJrpc/muZPvNa67UQY=", ""),
        (
            "EIuHOBi+0zqa0+Gn4lzBm7L9r0QMaRByf1GdlU+hWEc=",
            "AAECAwQFBgcICQoLDA0ODyKtxNh/YJWDHYCehxKPr8KAzOAEhigGtSThExU=",
            "leading zero",
        ),
    ] {
        let opened = api.post("/idproofingapi/ecdsa_helper/decrypt", decrypt(envelope, private)).await.json();
        assert_eq!(opened["data"], text);
    }
    for private in [
        "AGj4HcTH3Uu/bbc8rLt3oeBVb1PZPUSat0z3oEapGMA=",
        "aPgdxMfdS79ttzysu3eh4FVvU9k9RJq3TPegRqkYwA==",
        "AABo+B3Ex91Lv223PKy7d6HgVW9T2T1EmrdM96BGqRjA",
    ] {
        let sealed = api.post("/idproofingapi/ecdsa_helper", decrypt("x", private)).await.json()["data"].clone();
        let service = "GhqhEFJDKwSABTUAv+WxCsB5SiCt9FURkQsQhea+/LQ=";
        let public = "wWZKRuqY0F7xRxfkOUvptIdyryfKNH5ZMlECk66fqrVpPt/QMQl4wUImqohbNTM5tNFiNEYuTYXO/4VxYXCr/g==";
        let body = json!({"dataStr": sealed, "publicKey": public, "privateKey": service});
        assert_eq!(api.post("/idproofingapi/ecdsa_helper/decrypt", body).await.json()["data"], "x", "{private}");
    }
}

#[tokio::test]
async fn the_helper_refuses_what_it_cannot_do() {
    let api = start();
    let good = json!({"dataStr": "x", "publicKey": SERVICE_PUBLIC, "privateKey": PRIVATE});
    let method = "method must be one of [encrypt, decrypt]";
    refused(&api.post("/idproofingapi/ecdsa_helper/sign", &good).await, 400, method, "another method");
    for (path, name, value, message) in [
        ("encrypt", "dataStr", Value::Null, "dataStr must be a string"),
        ("decrypt", "dataStr", json!(""), "dataStr is not allowed to be empty"),
        ("encrypt", "publicKey", json!(""), "publicKey is not allowed to be empty"),
        ("encrypt", "privateKey", json!(1), "privateKey must be a string"),
        ("encrypt", "publicKey", json!("AAAA"), "Invalid public or private key"),
        ("encrypt", "privateKey", json!("AAAA"), "Invalid public or private key"),
        ("decrypt", "dataStr", json!("AAAA"), "Unable to decrypt data"),
        // A text whose bytes are not UTF-8 cannot be shown.
        ("decrypt", "dataStr", json!(super::key().seal([1; 16], &[0xff, 0xfe])), "Unable to decrypt data"),
    ] {
        let mut body = good.clone();
        body[name] = value;
        refused(&api.post(&format!("/idproofingapi/ecdsa_helper/{path}"), &body).await, 400, message, &format!("{path} {body}"));
    }
    let all = "dataStr is required, publicKey is required, privateKey is required";
    refused(&api.post("/idproofingapi/ecdsa_helper", json!({})).await, 400, all, "nothing");
    refused(&api.post("/idproofingapi/ecdsa_helper", "{").await, 400, "Invalid JSON", "no JSON");
    let mut empty = good;
    empty["dataStr"] = json!("");
    assert_eq!(api.post("/idproofingapi/ecdsa_helper", empty).await.status, 200, "an empty text can be encrypted");
}

#[tokio::test]
async fn the_service_describes_itself() {
    let api = start();
    let info = api.get("/idproofingapi/info").await.json();
    let pairs: Vec<(&str, &str)> = info
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["verifierType"].as_str().unwrap(), entry["docType"].as_str().unwrap()))
        .collect();
    let (first, second) = ("microblink", "authenticid");
    assert_eq!(pairs, [(first, "dl"), (first, "ppt"), (first, "idcard"), (second, "dl"), (second, "ppt"), (second, "idcard")]);
    assert_eq!(api.get("/idproofingapi/environment").await.text(), r#"{"allowed_time_span":60,"EC_CURVE_NAME":"secp256k1"}"#);
    assert_eq!(
        api.get("/idproofingapi/healthz").await.text(),
        format!(
            r#"{{"status":"all services operational","publicKey":"{SERVICE_PUBLIC}","code":"200","version":"2.0.0.0a1b2c3.1767225600"}}"#
        )
    );
}

#[tokio::test]
async fn the_service_directory_leads_back_to_the_caller() {
    let api = start();
    let directory = api.get("/caas/sd").await.json();
    assert_eq!(api.get("/idproofingapi/sd").await.json(), directory);
    let services = directory.as_object().unwrap();
    assert_eq!(services.len(), 26);
    for (name, path) in [
        ("licenses", "/licenses"),
        ("docuverify", "/docuverify"),
        ("idproofingapi", "/idproofingapi"),
        ("adminconsole", ""),
        ("adsyncserver", "/goadsyncserver"),
        ("user_management", "/users-mgmt"),
        ("testme", "/public"),
        ("public_assets_upload_url", "/_assets"),
    ] {
        assert_eq!(directory[name], format!("{}{path}", api.base), "{name}");
    }
    let port = api.understudy.addresses()[0].port();
    let root = Client::new(format!("http://127.0.0.1:{port}"));
    for (host, base) in [
        ("1kosmos.localhost:1".to_owned(), "http://1kosmos.localhost:1".to_owned()),
        ("pilot-root.1kosmos.net".to_owned(), "http://pilot-root.1kosmos.net".to_owned()),
    ] {
        let answer = root.get("/caas/sd").header("host", &host).await.json();
        assert_eq!(answer["docuverify"], format!("{base}/docuverify"), "{host}");
    }
}

#[tokio::test]
async fn communities_are_found_by_names_and_ids() {
    let api = start();
    let path = "/api/r1/system/community_info/fetch";
    for (body, tenant, community) in [
        (json!({"dns": "localhost:8443", "communityName": "default"}), TENANT, DEFAULT),
        (json!({"dns": "127.0.0.1", "communityName": "default"}), TENANT, DEFAULT),
        (json!({"dns": "IDPASS.1kosmos.net", "communityId": DEFAULT}), TENANT, DEFAULT),
        (json!({"dns": "1kosmos.localhost", "communityName": "default"}), TENANT, DEFAULT),
        (json!({"tenantId": TENANT, "communityId": DEFAULT}), TENANT, DEFAULT),
        (json!({"dns": "other.localhost:1", "communityName": "default"}), OTHER_TENANT, OTHER_COMMUNITY),
    ] {
        let found = api.post(path, &body).await.json();
        assert_eq!((&found["tenant"]["id"], &found["community"]["id"]), (&json!(tenant), &json!(community)), "{body}");
        assert!(found["community"]["logo"].is_string(), "{body}");
    }
    let plain = api.post(path, json!({"dns": "localhost", "communityName": "default", "skipLogos": true})).await;
    let expected = json!({
        "tenant": {
            "id": TENANT, "firstname": "Sandbox", "lastname": "Admin", "tenanttype": "master", "tenanttag": "sandbox", "name": "Sandbox",
            "otherDNS": ["localhost", "127.0.0.1"], "displayTenantInfoForPersona": true
        },
        "community": {
            "id": DEFAULT, "tenantid": TENANT, "name": "default", "publicKey": SERVICE_PUBLIC, "accountsPerPerson": 12,
            "personsPerAccount": 20, "personLimitRule": "reject", "otpSeed": null
        },
        "message": null
    });
    assert_eq!(plain.text(), expected.to_string());
    for body in [
        json!({}),
        json!({"dns": "nowhere.example", "communityName": "default"}),
        json!({"dns": "localhost", "communityName": "x"}),
        json!({"dns": "localhost"}),
        json!({"tenantId": TENANT, "communityId": OTHER_COMMUNITY}),
        json!({"dns": 1, "communityName": 2}),
    ] {
        let answer = api.post(path, &body).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (400, r#"{"message":"Unable to load tenant/community"}"#), "{body}");
    }
    refused(&api.post(path, "{").await, 400, "Invalid JSON", "no JSON");
}

#[tokio::test]
async fn the_helper_libraries_run_through_discovery() {
    let api = start();
    let tenant =
        api.post("/api/r1/system/community_info/fetch", json!({"dns": "localhost:8443", "communityName": "default"})).await;
    assert_eq!(tenant.status, 200);
    let directory = api.get("/caas/sd").await.json();
    let front = directory["docuverify"].as_str().unwrap().strip_prefix(&api.base).unwrap().to_owned();
    assert_eq!(api.get(&format!("{front}/publickeys")).await.json(), json!({"publicKey": SERVICE_PUBLIC}));
    let request = json!({
        "tenantDNS": "localhost:8443", "communityName": "default", "documentType": "dl_object",
        "userUID": "3f2b8c52-6a0e-4d0b-9c53-0a5d3a1c7e11", "did": "3f2b8c52-6a0e-4d0b-9c53-0a5d3a1c7e12"
    });
    let body = sealed(&json!({"dvcID": "auto_pass", "sessionRequest": request}));
    let made = api.post(&format!("{front}/document_share_session/create"), body).licensed(SERVICE).await.json();
    let id = made["sessionId"].as_str().unwrap();
    assert_eq!(made["url"], format!("{}/idproofing/session/{id}", api.base), "plain");
    let body = sealed(&json!({"dvcID": "auto_pass", "sessionId": id}));
    let mut told = Vec::new();
    for _ in 0..3 {
        let answer = api.post(&format!("{front}/document_share_session/result"), &body).licensed(SERVICE).await.json();
        told.push(open(&answer["data"]));
    }
    assert_eq!(told[0], json!({"responseStatus": "INPROGRESS", "sessionId": id}));
    assert_eq!(told[1], told[0]);
    assert_eq!(told[2]["responseStatus"], "SUCCESS");
    assert!(told[2]["dl_object"]["proof_jwt"].is_string() && told[2]["token"].is_string());
    let v3 = api.post(&format!("{front}/v3/document_share_session/result"), &body).licensed(SERVICE_EXT).await.json();
    let v3 = open(&v3["data"]);
    assert_eq!((&v3["sessionStatus"], &v3["sessionResult"]), (&json!("COMPLETED"), &json!("SUCCESS")));
    assert_eq!(v3["document"]["id"], v3["dl_object"]["id"]);
}

#[tokio::test]
async fn the_front_refuses_what_it_must() {
    let api = start();
    let request = creation("u", json!({}))["sessionRequest"].clone();
    let id = fixture_session("01");
    for (path, body, status, message) in [
        ("/document_share_session/create", json!({"sessionRequest": request}), 400, "dvcID is required"),
        (
            "/document_share_session/create",
            json!({"dvcID": "", "sessionRequest": request}),
            400,
            "dvcID is not allowed to be empty",
        ),
        ("/document_share_session/create", json!({"dvcID": "x", "sessionRequest": request}), 404, "dvcID not found"),
        ("/document_share_session/create", json!({"dvcID": "auto_pass"}), 400, "sessionRequest is required"),
        ("/document_share_session/result", json!({"sessionId": id}), 400, "dvcID is required"),
        ("/document_share_session/result", json!({"dvcID": "auto_pass"}), 400, "sessionId is required"),
        ("/document_share_session/result", json!({"dvcID": "x", "sessionId": id}), 404, "dvcID not found"),
        ("/document_share_session/result", json!({"dvcID": "auto_pass", "sessionId": "x"}), 404, "Session not found"),
        ("/v3/document_share_session/result", json!({"dvcID": "x", "sessionId": id}), 404, "dvcID not found"),
        ("/v3/document_share_session/result", json!({"dvcID": "auto_pass", "sessionId": "x"}), 404, "Session not found"),
    ] {
        let answer = api.call(Method::POST, &format!("/docuverify{path}")).body(&body).licensed(SERVICE).await;
        refused(&answer, status, message, &format!("{path} {body}"));
    }
}
