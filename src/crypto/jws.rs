//! JSON Web Signatures in compact form (RFC 7515).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

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

/// The payload of a compact token whose signature `verify` finds right; none for anything else. `verify` is given the first two
/// parts as they stand, and the signature.
pub fn opened<P: DeserializeOwned>(token: &str, verify: impl FnOnce(&[u8], &[u8]) -> bool) -> Option<P> {
    let (message, signature) = token.rsplit_once('.')?;
    let (_, payload) = message.split_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !verify(message.as_bytes(), &signature) {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}
