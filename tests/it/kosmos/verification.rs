//! Verifying a document in one call.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use understudy::crypto::ecdh::{Curve, agree};
use understudy::crypto::hs256::hmac_sha256;

use super::{SERVICE, SERVICE_PUBLIC, START_MS, Signed as _, open, refused, sealed, start, with_setting};

const PATH: &str = "/idproofingapi/verify";

fn document(id: &str) -> Value {
    json!({
        "connector": {"id": "c", "type": "microblink", "config": {}},
        "verification": {"id": "v", "tag": "t", "type": "dl_authenticate", "config": {}},
        "document": {"id": id, "type": "DL", "front_image": "AA=="}
    })
}

/// The claims of a token, after its signature was checked.
#[track_caller]
fn claims(token: &Value, secret: &str) -> Value {
    let (signed, signature) = token.as_str().unwrap().rsplit_once('.').unwrap();
    assert_eq!(signature, URL_SAFE_NO_PAD.encode(hmac_sha256(secret.as_bytes(), signed.as_bytes())));
    let (header, claims) = signed.split_once('.').unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(header).unwrap(), br#"{"alg":"HS256","typ":"JWT"}"#);
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[tokio::test]
async fn a_document_is_certified() {
    let api = start();
    let certificate = api.post(PATH, document("doc-0001")).licensed(SERVICE).await.json();
    let keys: Vec<&String> = certificate.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["docType", "docId", "type", "authority", "ts", "verified", "result", "metadata", "token", "publicKey", "proof_jwt"]
    );
    let mut inside = certificate.clone();
    inside.as_object_mut().unwrap().remove("token");
    assert_eq!(open(&certificate["token"]), inside);
    let proof = claims(&certificate["proof_jwt"], "sandbox-1kosmos-proof-secret");
    for field in ["token", "proof_jwt"] {
        assert!(certificate[field].is_string());
    }
    inside.as_object_mut().unwrap().remove("proof_jwt");
    assert_eq!(
        inside,
        json!({
            "docType": "dl", "docId": "doc-0001", "type": "dl_authenticate", "authority": "microblink", "ts": START_MS, "verified": true,
            "result": {"status": "PASS", "reasonCode": null, "message": null},
            "metadata": {"documentType": "DL", "documentId": "D1234567", "firstName": "John", "lastName": "Doe", "dob": "19900101", "doe": "20301231"},
            "publicKey": SERVICE_PUBLIC
        })
    );
    let keys: Vec<&String> = proof.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["aud", "iss", "issuer", "recipient", "document", "ts", "purpose", "iat", "exp"]);
    assert_eq!(proof["iss"], format!("{}/idproofingapi", api.base));
    assert_eq!(proof["aud"], "https://localhost/default");
    assert_eq!(proof["issuer"], json!({"username": "1kosmos"}));
    assert_eq!((&proof["ts"], &proof["iat"], &proof["exp"]), (&json!(START_MS), &json!(START_MS / 1000), &json!(1_924_991_999)));
    assert_eq!(
        proof["document"]["id_hash"],
        "284416930a194cbd15441e2b1c061bbe75aa624fb61c6437b1a4bc1404885e6d58e92c37665d6b7b3f50c41eec8beb3d74f6487156d83b01b97b1a39232e02e6"
    );
}

#[tokio::test]
async fn proofs_are_signed_with_the_secret_that_is_set() {
    let api = with_setting("proof_secret", json!("other"));
    let certificate = api.post(PATH, document("doc-0001")).licensed(SERVICE).await.json();
    assert_eq!(claims(&certificate["proof_jwt"], "other")["purpose"], json!(["idproofing"]));
    let id = super::started(&api, super::creation("u", json!({}))).await;
    super::submit(&api, &id).await;
    let told = super::result(&api, &id, json!({})).await;
    let proof = claims(&told["dl_object"]["proof_jwt"], "other");
    assert_eq!((&proof["aud"], &proof["recipient"]["username"]), (&json!("https://localhost/default"), &json!("johndoe")));
}

#[tokio::test]
async fn the_beginning_of_the_id_decides() {
    let api = start();
    for (id, status, code) in [
        ("x-sbx-fail", "PASS", Value::Null),
        ("sbx-pass", "PASS", Value::Null),
        ("sbx-fail-7", "FAILED", json!("IDV0009")),
        ("sbx-fail-IDV0011", "FAILED", json!("IDV0011")),
        ("sbx-fail-once", "FAILED", json!("IDV0009")),
        ("sbx-not-performed", "NOT_PERFORMED", json!("IDV0004")),
        ("sbx-review", "REVIEW", Value::Null),
    ] {
        let certificate = api.post(PATH, document(id)).licensed(SERVICE).await.json();
        assert_eq!((&certificate["result"]["status"], &certificate["result"]["reasonCode"]), (&json!(status), &code), "{id}");
        assert_eq!(certificate["verified"], status == "PASS", "{id}");
    }
    refused(&api.post(PATH, document("sbx-error-403")).licensed(SERVICE).await, 403, "Forbidden", "403");
    refused(&api.post(PATH, document("sbx-error-500")).licensed(SERVICE).await, 500, "Internal Server Error", "500");
}

#[tokio::test]
async fn a_certificate_can_be_for_somebody_else_and_raw() {
    let api = start();
    let private = "EIuHOBi+0zqa0+Gn4lzBm7L9r0QMaRByf1GdlU+hWEc=";
    let public = "oeOXraHhfjDsLgjkmHLtWgTc9HVK+qi9ovkwD33wE1aYTcP3KMgPgFdDOwp0gZ32OOR1kqVOR470BneUkBnVew==";
    let mut body = document("doc-0001");
    body["referrerPublicKey"] = json!(public);
    body["verification"]["config"]["returnRawData"] = json!(true);
    body["verification"]["type"] = json!("id_capture");
    let answer = api.post(PATH, sealed(&body)).licensed(SERVICE).await.json();
    let certificate = open(&answer["data"]);
    assert_eq!(certificate["type"], "id_capture");
    assert_eq!(
        (&certificate["raw_data"]["connector"], &certificate["raw_data"]["response"]["status"]),
        (&json!("microblink"), &json!("PASS"))
    );
    let key = agree(Curve::Secp256k1, private.as_bytes(), SERVICE_PUBLIC.as_bytes()).unwrap();
    let token = key.open(certificate["token"].as_str().unwrap().as_bytes()).expect("the referrer can open it");
    let inside: Value = serde_json::from_slice(&token).unwrap();
    assert!(inside.get("raw_data").is_none() && inside["docId"] == "doc-0001");
    assert!(super::key().open(certificate["token"].as_str().unwrap().as_bytes()).is_none(), "the caller cannot");
}

#[tokio::test]
async fn verification_checks_every_field() {
    let api = start();
    let mismatch = "document type does not match verification type";
    for (pointer, value, message) in [
        ("/connector/id", json!(""), "id is not allowed to be empty"),
        ("/connector/type", json!("other"), "type must be one of [microblink, authenticid]"),
        ("/verification/tag", json!(1), "tag must be a string"),
        (
            "/verification/type",
            json!("x"),
            "type must be one of [dl_authenticate, ppt_authenticate, idcard_authenticate, id_capture]",
        ),
        ("/verification/config", json!({"returnRawData": 1}), "returnRawData must be a boolean"),
        ("/document/id", json!(7), "id must be a string"),
        ("/document/type", json!("ppt"), mismatch),
        ("/document/type", json!("idcard"), mismatch),
        ("/document/type", json!("visa"), mismatch),
        ("/document/type", json!(""), "type is not allowed to be empty"),
        ("/document/front_image", json!(1), "front_image must be a string"),
        ("/document/back_image_url", json!(1), "back_image_url must be a string"),
        ("/referrerPublicKey", json!("AAAA"), "referrerPublicKey must be a valid public key"),
        ("/referrerPublicKey", json!(1), "referrerPublicKey must be a string"),
    ] {
        let mut body = document("d");
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        refused(&api.post(PATH, &body).licensed(SERVICE).await, 400, message, &body.to_string());
    }
    let empty = "connector is required, verification is required, document is required";
    refused(&api.post(PATH, json!({})).licensed(SERVICE).await, 400, empty, "nothing");
    let mut passport = document("d");
    passport["verification"]["type"] = json!("ppt_authenticate");
    passport["document"] = json!({"id": "d", "type": "Ppt"});
    refused(&api.post(PATH, &passport).licensed(SERVICE).await, 400, "front_image is required", "passport without image");
    passport["document"]["front_image_url"] = json!("https://example.com/p.png");
    let certificate = api.post(PATH, &passport).licensed(SERVICE).await.json();
    assert_eq!((&certificate["docType"], &certificate["metadata"]["documentId"]), (&json!("ppt"), &json!("P1234567")));
    let mut card = document("d");
    card["verification"]["type"] = json!("idcard_authenticate");
    card["document"]["type"] = json!("IDCARD");
    assert_eq!(api.post(PATH, &card).licensed(SERVICE).await.json()["docType"], "idcard");
}

#[tokio::test]
async fn the_front_certifies_each_verification_in_order() {
    let api = start();
    let path = "/docuverify/verify";
    let body = |dvc_id: &str, id: &str| json!({"dvcID": dvc_id, "verifications": ["ssn_verify", "face_liveness", "dl_verify"], "document": {"id": id, "type": "DL"}});
    let answer = api.post(path, sealed(&body("default_config", "d"))).licensed(SERVICE).await.json();
    let told = open(&answer["data"]);
    assert_eq!((&told["docType"], &told["docId"]), (&json!("dl"), &json!("d")));
    let certificates = told["certifications"].as_array().unwrap();
    let seen: Vec<(&str, &str, bool)> = certificates
        .iter()
        .map(|c| (c["type"].as_str().unwrap(), c["docType"].as_str().unwrap(), c["metadata"].as_object().unwrap().is_empty()))
        .collect();
    assert_eq!(seen, [("ssn_verify", "dl", true), ("face_liveness", "liveid", true), ("dl_verify", "dl", false)]);
    for (dvc_id, id, status) in [
        ("default_config", "d", "PASS"),
        ("auto_fail", "d", "FAILED"),
        ("auto_not_performed", "d", "NOT_PERFORMED"),
        ("auto_review", "d", "REVIEW"),
        ("auto_expired", "d", "PASS"),
        ("auto_fail", "sbx-pass", "PASS"),
        ("auto_pass", "sbx-review", "REVIEW"),
        ("auto_pass", "sbx-error-500", "PASS"),
    ] {
        let told = api.post(path, body(dvc_id, id)).licensed(SERVICE).await.json();
        for certificate in told["certifications"].as_array().unwrap() {
            assert_eq!(certificate["result"]["status"], status, "{dvc_id} {id}");
        }
    }
    for (name, value, status, message) in [
        ("dvcID", json!(""), 400, "dvcID is not allowed to be empty"),
        ("dvcID", json!("x"), 404, "dvcID not found"),
        ("verifications", Value::Null, 400, "verifications is required"),
        ("verifications", json!("x"), 400, "verifications must be an array"),
        ("verifications", json!([]), 400, "verifications must contain at least 1 items"),
        ("verifications", json!([1]), 400, "verifications must be a string"),
        ("verifications", json!([""]), 400, "verifications is not allowed to be empty"),
        ("document", json!(1), 400, "document must be of type object"),
        ("document", json!({}), 400, "id is required, type is required"),
    ] {
        let mut body = body("default_config", "d");
        body[name] = value;
        refused(&api.post(path, &body).licensed(SERVICE).await, status, message, &body.to_string());
    }
}
