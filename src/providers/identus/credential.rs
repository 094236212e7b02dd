//! The JWTs that the agent signs: credentials and presentations.

use base64::Engine as _;
use base64::prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::crypto::{es256k, java_json};

/// What stands in a credential.
#[derive(Debug)]
pub(super) struct Credential<'a> {
    /// Long form of the issuer's DID.
    pub issuer: &'a str,
    /// Long form of the holder's DID.
    pub subject: &'a str,
    /// From when it holds, in seconds since the epoch.
    pub not_before_s: i64,
    /// Until when, in seconds since the epoch.
    pub expires_s: i64,
    /// The claims; a claim named `id` gives way to the subject's DID.
    pub claims: Map<String, Value>,
    /// URL of the status list.
    pub status_list: &'a str,
    /// Place in the status list.
    pub status_index: u32,
}

impl Credential<'_> {
    /// The payload, byte for byte as the agent serializes it.
    fn payload(&self) -> String {
        let mut subject = self.claims.clone();
        subject.insert("id".to_owned(), self.subject.into());
        // The shape is a JWT's, not one of ours: members stand in the order in which the agent's hash maps give them.
        java_json::write(&json!({
            "iss": self.issuer,
            "sub": self.subject,
            "nbf": self.not_before_s,
            "exp": self.expires_s,
            "vc": {
                "credentialSubject": java_json::hashed(Value::Object(subject)),
                "type": ["VerifiableCredential"],
                "@context": ["https://www.w3.org/2018/credentials/v1"],
                "issuer": self.issuer,
                "credentialStatus": {
                    "statusPurpose": "Revocation",
                    "statusListIndex": self.status_index,
                    "id": format!("{}#{}", self.status_list, self.status_index),
                    "type": "StatusList2021Entry",
                    "statusListCredential": self.status_list,
                },
            },
        }))
    }

    /// The compact JWT. None when the key is none.
    pub(super) fn sign(&self, key: &[u8; 32]) -> Option<String> {
        es256k::jwt(key, &self.payload())
    }
}

/// A JWT as records hold it: once more in base64, URL-safe and padded.
pub(super) fn encode(jwt: &str) -> String {
    BASE64_URL_SAFE.encode(jwt)
}

/// The JWT in a record's `credential`.
pub(super) fn decode(credential: &str) -> Option<String> {
    String::from_utf8(BASE64_URL_SAFE.decode(credential).ok()?).ok()
}

/// A JWT that presents `credential` (a JWT) to `domain`. None when the key is none.
pub(super) fn present(holder: &str, domain: &str, challenge: &str, credential: &str, key: &[u8; 32]) -> Option<String> {
    let payload = json!({
        "iss": holder,
        "aud": domain,
        "vp": {
            "type": ["VerifiablePresentation"],
            "@context": ["https://www.w3.org/2018/presentations/v1"],
            "verifiableCredential": [credential],
        },
        "nonce": challenge,
    });
    es256k::jwt(key, &java_json::write(&payload))
}

/// The claims of the credential in a presentation: its subject without `id`.
pub(super) fn presented_claims(presentation: &str) -> Option<Map<String, Value>> {
    let vp = payload_of(presentation)?;
    let vc = payload_of(vp.pointer("/vp/verifiableCredential/0")?.as_str()?)?;
    let mut claims = vc.pointer("/vc/credentialSubject")?.as_object()?.clone();
    claims.shift_remove("id");
    Some(claims)
}

/// The payload of a compact JWT; its signature is not looked at.
pub(super) fn payload_of(jwt: &str) -> Option<Value> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::crypto::{bip39, hd_key};

    const ISSUER: &str = "did:prism:b2579c2278605d6b77bdb5019f2fe23bade92c320c0910fdca15817140bad684:CnwKehI7Cgdpc3N1ZS0xEAJKLgoJc2VjcDI1NmsxEiEDWqLyvi_SLT_za4M8o3nV9KARlFxcHOEKa1QN0tO6WVQSOwoHbWFzdGVyMBABSi4KCXNlY3AyNTZrMRIhAu_lgDUANOXwUXqaIZbI2yELFUHQ204Z-mW_cEdJjlrj";
    const OTHER_ISSUER: &str = "did:prism:82261bcc9dcafca698486a1b80924b07bf439d17fe611db2523273ad369e8dfa:CnoKeBI5CgVrZXktMRAESi4KCXNlY3AyNTZrMRIhA3JC3h_myAwpk0alqFYDe4ixsf2ETyAYs8X-3gazHRwUEjsKB21hc3RlcjAQAUouCglzZWNwMjU2azESIQICj7l8YuRU-Gjo3jo-622s0Q2h-x-6I6AUqyt3Atv6eg";
    const HOLDER: &str = "did:prism:b1ed63efd21ec8d0a582dc64f87e834f8f1180080e544b3a9b0473dfb78c4560:CnoKeBI5CgVrZXktMRAESi4KCXNlY3AyNTZrMRIhAiN0CpoL_9RpmQ1ImtfnHqQRFrre-4fLO_Kl_xdEGc06EjsKB21hc3RlcjAQAUouCglzZWNwMjU2azESIQPsVxuzdV5oWCbZUp5RLkRoQfXqtU4jPjnIIbOt3sE4LA";
    const LIST: &str = "http://host.docker.internal:8100/cloud-agent/credential-status/99569288-c60e-4e0f-a40f-0542350eed5b";

    fn key(path: [u32; 5]) -> [u8; 32] {
        let seed = bip39::seed("arena side web oyster color female eye surround put motion crumble people host wrist use");
        hd_key::derive(&seed, &path).unwrap()
    }

    fn credential(issuer: &str, expires_s: i64, status_index: u32) -> Credential<'_> {
        let Value::Object(claims) = json!({"claim_type": "test", "object": "a simple test"}) else { panic!("an object") };
        Credential { issuer, subject: HOLDER, not_before_s: 1_728_052_256, expires_s, claims, status_list: LIST, status_index }
    }

    fn sha256(text: &str) -> String {
        crate::crypto::hex(Sha256::digest(text))
    }

    #[test]
    fn known_credentials_are_signed_byte_for_byte() {
        let jwt = credential(OTHER_ISSUER, 1_730_644_256, 1).sign(&key([29, 29, 0, 2, 0])).unwrap();
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        assert_eq!(sha256(signed), "cda0575a66fbaff503d64749262eaf354e71414183dec73debd5aa4a7b6f5164");
        assert_eq!(signature, "FkyhO91UggiI3YSSaIjYyPaHimwUAizOg_xQxmQekMlK1kjWN8G8v6_uIwpFEzCIJGwPlr92yUzgVJDDHpfMmQ");
        assert_eq!(jwt.len(), 2186);

        let jwt = credential(ISSUER, 4_102_444_800, 2).sign(&key([29, 29, 1, 2, 0])).unwrap();
        let (signed, signature) = jwt.rsplit_once('.').unwrap();
        assert_eq!(sha256(signed), "bb64f6cdaf67560eb9126d5d92c2b0f8d84cdc5aa39947d1c0d004a4f5ce9a07");
        assert_eq!(signature, "P8OgGe6F39JZcoOny1wGdnCbOas5SHg5g6jFlC67WFgkkBvnizIB3Ddn5CMsrw95EHrO7J4OMbnTBliMEVVreQ");
        let encoded = encode(&jwt);
        assert_eq!(
            (encoded.len(), sha256(&encoded).as_str()),
            (2924, "204ecdc5b2a20808fe33c0f020d9c0e62e9e090e179ac4c98539949fa311b267")
        );
        assert_eq!(decode(&encoded).as_deref(), Some(jwt.as_str()));
    }

    #[test]
    fn a_presentation_gives_its_claims_back() {
        let vc = credential(ISSUER, 4_102_444_800, 2).sign(&key([29, 29, 1, 2, 0])).unwrap();
        let vp = present(HOLDER, "test.com", "identity", &vc, &key([29, 29, 0, 4, 0])).unwrap();
        let payload = payload_of(&vp).unwrap();
        assert_eq!(payload.as_object().unwrap().keys().collect::<Vec<_>>(), ["iss", "aud", "vp", "nonce"]);
        assert_eq!(Value::Object(presented_claims(&vp).unwrap()), json!({"claim_type": "test", "object": "a simple test"}));
        assert_eq!(presented_claims("a.b.c"), None);
    }

    #[test]
    fn an_id_among_the_claims_gives_way_and_nulls_are_dropped() {
        let mut made = credential(ISSUER, 0, 1);
        made.claims.insert("id".to_owned(), "x".into());
        made.claims.insert("none".to_owned(), Value::Null);
        let payload: Value = serde_json::from_str(&made.payload()).unwrap();
        let subject = json!({"claim_type": "test", "object": "a simple test", "id": HOLDER});
        assert_eq!(payload["vc"]["credentialSubject"], subject);
    }
}
