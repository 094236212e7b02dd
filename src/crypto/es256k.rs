//! ECDSA over secp256k1 and SHA-256, as JOSE's `ES256K` writes it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use k256::ecdsa::signature::Signer as _;
use k256::ecdsa::{Signature, SigningKey, VerifyingKey};

/// The signature of `message`: 64 bytes, r and s. Deterministic (RFC 6979), with the lower of the two possible s. None when the
/// private key is not one.
pub(crate) fn sign(private_key: &[u8; 32], message: &[u8]) -> Option<[u8; 64]> {
    let signature: Signature = SigningKey::from_slice(private_key).ok()?.sign(message);
    Some(signature.normalize_s().to_bytes().into())
}

/// A compact JWT of `payload` with the header `{"typ":"JWT","alg":"ES256K"}`. None when the private key is not one.
pub(crate) fn jwt(private_key: &[u8; 32], payload: &str) -> Option<String> {
    let mut jwt = BASE64_URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"ES256K"}"#);
    jwt.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut jwt);
    let signature = sign(private_key, jwt.as_bytes())?;
    jwt.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
    Some(jwt)
}

/// The compressed public key (33 bytes) of a private key. None when the private key is not one.
pub(crate) fn public_key(private_key: &[u8; 32]) -> Option<[u8; 33]> {
    let key = SigningKey::from_slice(private_key).ok()?;
    key.verifying_key().to_sec1_point(true).as_bytes().try_into().ok()
}

/// The coordinates x and y of a public key in SEC1 form. None when it is no point of the curve.
pub(crate) fn coordinates(public_key: &[u8]) -> Option<([u8; 32], [u8; 32])> {
    let point = VerifyingKey::from_sec1_bytes(public_key).ok()?.to_sec1_point(false);
    let bytes = point.as_bytes().strip_prefix(&[4])?;
    Some((*bytes.first_chunk()?, *bytes.last_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_key_is_refused() {
        assert!(sign(&[0; 32], b"x").is_none());
        assert!(public_key(&[0xff; 32]).is_none());
        assert!(coordinates(&[2; 33]).is_some());
        assert!(coordinates(&[5; 33]).is_none());
        assert!(coordinates(&[]).is_none());
    }

    #[test]
    fn signatures_are_deterministic_and_have_a_low_s() {
        let half_order = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";
        for n in 1..50_u8 {
            let signature = sign(&[n; 32], b"message").unwrap();
            assert_eq!(sign(&[n; 32], b"message").unwrap(), signature);
            let s = crate::crypto::hex(&signature[32..]);
            assert!(s.as_str() <= half_order, "{s}");
        }
    }
}
