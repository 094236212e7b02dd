//! JSON Web Signatures in compact form, with HMAC-SHA256 (`HS256`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use sha2::Sha256;

use super::hex;

/// Signs claims as a JSON Web Token with the header `{"alg":"HS256","typ":"JWT"}`. Claims that cannot be JSON are signed as empty.
pub fn sign<T: Serialize>(secret: &[u8], claims: &T) -> String {
    let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims).unwrap_or_default());
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(hmac_sha256(secret, signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// HMAC-SHA256 of a message under a key of any length.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(message);
            mac.finalize().into_bytes().into()
        }
        // HMAC takes keys of any length: this does not happen.
        Err(_) => [0; 32],
    }
}

/// HMAC-SHA256 in lower-case hexadecimal digits.
pub fn hmac_sha256_hex(key: &[u8], message: &[u8]) -> String {
    hex(&hmac_sha256(key, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_known_signature() {
        // The example of RFC 7515, appendix A.1, has another spelling of the header; this is that of jwt.io.
        let claims = serde_json::json!({"sub": "1234567890", "name": "John Doe", "iat": 1_516_239_022});
        let token = sign(b"your-256-bit-secret", &claims);
        assert_eq!(token.rsplit('.').next(), Some("SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"));
    }

    #[test]
    fn a_code_is_that_of_rfc_4231() {
        let code = hmac_sha256_hex(&[0x0b; 20], b"Hi There");
        assert_eq!(code, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }
}
