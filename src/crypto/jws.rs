//! JSON Web Signatures in compact form (RFC 7515).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

/// `header.payload.signature`, each part in base64url without padding; `sign` is given the first two parts as they stand.
pub fn compact<H: Serialize, P: Serialize>(
    header: &H,
    payload: &P,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Result<String, serde_json::Error> {
    let encoded = |json: Vec<u8>| URL_SAFE_NO_PAD.encode(json);
    let mut token = format!("{}.{}", encoded(serde_json::to_vec(header)?), encoded(serde_json::to_vec(payload)?));
    let signature = sign(token.as_bytes());
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(token)
}

/// HMAC with SHA-256 (`HS256`).
pub fn hs256(key: &[u8], message: &[u8]) -> Vec<u8> {
    mac(key, message).finalize().into_bytes().to_vec()
}

/// The payload of a compact token whose `HS256` signature is right; none for anything else. The header's own claim about the
/// algorithm is not asked: there is only this one.
pub fn verified_hs256<P: DeserializeOwned>(token: &str, key: &[u8]) -> Option<P> {
    let (message, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    mac(key, message.as_bytes()).verify_slice(&signature).ok()?;
    let (_, payload) = message.split_once('.')?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(message);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// RFC 7515, appendix A.1, with the header and payload spelled as there.
    #[test]
    fn the_signature_of_rfc_7515_is_verified_and_a_changed_one_is_not() {
        let key = URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let payload: Value = verified_hs256(token, &key).unwrap();
        assert_eq!(payload["iss"], "joe");
        assert_eq!(verified_hs256::<Value>(&token.replace("dBjf", "dBjg"), &key), None);
        assert_eq!(verified_hs256::<Value>(token, b"another key"), None);
    }

    #[test]
    fn what_is_signed_can_be_verified_and_junk_cannot() {
        let token = compact(&json!({"alg": "HS256"}), &json!({"a": 1}), |message| hs256(b"k", message)).unwrap();
        assert_eq!(verified_hs256::<Value>(&token, b"k"), Some(json!({"a": 1})));
        for junk in ["", ".", "..", "a.b.c", "é.é.é"] {
            assert_eq!(verified_hs256::<Value>(junk, b"k"), None, "{junk}");
        }
    }
}
