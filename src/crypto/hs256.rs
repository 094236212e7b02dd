//! HMAC with SHA-256: codes, and the JSON Web Tokens that they sign (`HS256`).

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

use super::{hex, jws};

/// Signs a compact token with this header (whose `alg` should say `HS256`).
pub fn sign<H: Serialize, P: Serialize>(key: &[u8], header: &H, claims: &P) -> Result<String, serde_json::Error> {
    jws::compact(header, claims, |message| hmac_sha256(key, message).to_vec())
}

/// The claims of a compact token whose signature is right; none for anything else. The header's own claim about the algorithm is
/// not asked: there is only this one.
pub fn open<P: DeserializeOwned>(key: &[u8], token: &str) -> Option<P> {
    jws::opened(token, |message, signature| mac(key, message).verify_slice(signature).is_ok())
}

/// HMAC-SHA256 of a message under a key of any length.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    mac(key, message).finalize().into_bytes().into()
}

/// HMAC-SHA256 in lower-case hexadecimal digits.
pub fn hmac_sha256_hex(key: &[u8], message: &[u8]) -> String {
    hex(hmac_sha256(key, message))
}

fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.update(message);
    mac
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_token_has_the_known_signature() {
        // That of jwt.io.
        let claims = json!({"sub": "1234567890", "name": "John Doe", "iat": 1_516_239_022});
        let token = sign(b"your-256-bit-secret", &json!({"alg": "HS256", "typ": "JWT"}), &claims).unwrap();
        assert_eq!(token.rsplit('.').next(), Some("SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"));
    }

    /// RFC 7515, appendix A.1, with the header and payload spelled as there.
    #[test]
    fn the_signature_of_rfc_7515_is_verified_and_a_changed_one_is_not() {
        let key = URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let payload: Value = open(&key, token).unwrap();
        assert_eq!(payload["iss"], "joe");
        assert_eq!(open::<Value>(&key, &token.replace("dBjf", "dBjg")), None);
        assert_eq!(open::<Value>(b"another key", token), None);
    }

    #[test]
    fn what_is_signed_can_be_opened_and_junk_cannot() {
        let token = sign(b"k", &json!({"alg": "HS256"}), &json!({"a": 1})).unwrap();
        assert_eq!(open::<Value>(b"k", &token), Some(json!({"a": 1})));
        for junk in ["", ".", "..", "a.b.c", "é.é.é"] {
            assert_eq!(open::<Value>(b"k", junk), None, "{junk}");
        }
    }

    #[test]
    fn a_code_is_that_of_rfc_4231() {
        let code = hmac_sha256_hex(&[0x0b; 20], b"Hi There");
        assert_eq!(code, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }
}
