//! Checks what was signed, by another implementation of secp256k1 (`libsecp256k1`), against resolved DID documents.

use base64::Engine as _;
use base64::prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use secp256k1::{Message, PublicKey, ecdsa};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Api, text};

/// The payload of a compact JWT.
#[track_caller]
pub(super) fn payload(jwt: &str) -> Value {
    serde_json::from_slice(&part(jwt, 1)).unwrap()
}

/// The JWT in a record's `credential`.
#[track_caller]
pub(super) fn jwt(credential: &Value) -> String {
    String::from_utf8(BASE64_URL_SAFE.decode(text(credential)).unwrap()).unwrap()
}

#[track_caller]
fn part(jwt: &str, n: usize) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(jwt.split('.').nth(n).unwrap()).unwrap()
}

/// Whether the signature of a JWT is one of this key (a JWK).
pub(super) fn is_signed_by(jwt: &str, jwk: &Value) -> bool {
    assert_eq!(part(jwt, 0), br#"{"typ":"JWT","alg":"ES256K"}"#);
    let coordinate = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(text(&jwk[name])).unwrap();
    let key = PublicKey::from_slice(&[vec![4], coordinate("x"), coordinate("y")].concat()).unwrap();
    let (signed, _) = jwt.rsplit_once('.').unwrap();
    let mut signature = ecdsa::Signature::from_compact(&part(jwt, 2)).unwrap();
    let given = signature.serialize_compact();
    signature.normalize_s();
    assert_eq!(signature.serialize_compact(), given, "the lower s");
    ecdsa::verify(&signature, Message::from_digest(Sha256::digest(signed).into()), &key).is_ok()
}

/// The keys of a resolved DID that stand under `relation`.
pub(super) async fn keys_of(api: &Api, did: &str, relation: &str) -> Vec<Value> {
    let resolved = super::data(&api.get(&format!("/api/v1/identity/dids/{did}")).await, http::StatusCode::OK);
    let document = &resolved["didDocument"];
    let methods = document["verificationMethod"].as_array().unwrap();
    let key = |id: &Value| methods.iter().find(|method| method["id"] == *id).unwrap()["publicKeyJwk"].clone();
    document[relation].as_array().unwrap().iter().map(key).collect()
}

/// Checks a credential: signed by an assertion key of its issuer.
pub(super) async fn credential(api: &Api, jwt: &str) -> Value {
    let payload = payload(jwt);
    let keys = keys_of(api, text(&payload["iss"]), "assertionMethod").await;
    assert!(keys.iter().any(|key| is_signed_by(jwt, key)), "one of {keys:?} signed {jwt}");
    payload
}

/// Checks a presentation: signed by an authentication key of its holder, and so its credential by its issuer.
pub(super) async fn presentation(api: &Api, jwt: &str) -> Value {
    let payload = payload(jwt);
    let keys = keys_of(api, text(&payload["iss"]), "authentication").await;
    assert!(keys.iter().any(|key| is_signed_by(jwt, key)), "one of {keys:?} signed {jwt}");
    credential(api, text(&payload["vp"]["verifiableCredential"][0])).await;
    payload
}

#[tokio::test]
async fn the_published_self_contained_credential_verifies_and_a_changed_one_does_not() {
    let jwk = |x: &str, y: &str| serde_json::json!({"crv": "secp256k1", "kty": "EC", "x": x, "y": y});
    let api = super::start();
    let vc = api.credential(serde_json::json!({"a": 1})).await;
    let jwt = jwt(&vc["credential"]);
    let key = jwk("Zl_jnzDejx0jUZXySPF27VcNvjdQUcoYZXFsskQ0SVg", "1qPdrw3FxtW5oVKIrDt9hPVGaA4oOuo1e7mkeEtz-T8");
    assert!(is_signed_by(&jwt, &key));
    let other = jwk("ckLeH-bIDCmTRqWoVgN7iLGx_YRPIBizxf7eBrMdHBQ", "nxVvedSf4rOQTzbId15LYRPRh9dWwWqzk_Gdd9nKNVc");
    assert!(!is_signed_by(&jwt, &other));
    let (head, rest) = jwt.split_once('.').unwrap();
    assert!(!is_signed_by(&format!("{head}.x{rest}"), &key));
}
