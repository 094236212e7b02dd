//! Compact tokens with ES256: ECDSA on P-256 with SHA-256 (RFC 7518).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::jws;

/// A private key, with the id that its public half is published under.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    signing: SigningKey,
    jwk: Jwk,
    id: String,
}

/// The public half of a key, as a JSON web key (RFC 7517). Its members stand in the order that the thumbprint wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Jwk {
    /// The curve: `P-256`.
    pub(crate) crv: &'static str,
    /// The kind of key: `EC`.
    pub(crate) kty: &'static str,
    /// First coordinate, 32 bytes in base64url.
    pub(crate) x: String,
    /// Second coordinate, 32 bytes in base64url.
    pub(crate) y: String,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

impl Key {
    /// The key whose private scalar is the SHA-256 of `text`; none for the one text in 2^32 or so whose hash is no scalar.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let signing = SigningKey::from_slice(&Sha256::digest(text)).ok()?;
        let jwk = public(signing.verifying_key())?;
        let id = thumbprint(&jwk);
        Some(Self { signing, jwk, id })
    }

    /// Its RFC 7638 thumbprint.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Its public half.
    pub(crate) fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// `claims` as a signed token. The signature is deterministic (RFC 6979): the same claims give the same token.
    pub(crate) fn sign<T: Serialize>(&self, claims: &T) -> serde_json::Result<String> {
        let header = Header { alg: "ES256", typ: "JWT", kid: &self.id };
        jws::compact(&header, claims, |message| {
            let signature: Signature = self.signing.sign(message);
            signature.to_bytes().to_vec()
        })
    }

    /// The claims of a token that this key has signed; none when it did not, or when they have another shape. What the claims say
    /// (that the token has expired, say) is the caller's business.
    pub(crate) fn open<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        jws::opened(token, |message, signature| {
            Signature::from_slice(signature).is_ok_and(|signature| self.signing.verifying_key().verify(message, &signature).is_ok())
        })
    }
}

fn public(key: &VerifyingKey) -> Option<Jwk> {
    let point = key.to_sec1_point(false);
    Some(Jwk { crv: "P-256", kty: "EC", x: URL_SAFE_NO_PAD.encode(point.x()?), y: URL_SAFE_NO_PAD.encode(point.y()?) })
}

fn thumbprint(jwk: &Jwk) -> String {
    // The members that RFC 7638 hashes, in its order, without blanks: exactly what a Jwk is written as.
    let members = serde_json::to_vec(jwk).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIMS: &str = r#"{"exp":1771246800,"iat":1771243200,"jti":"trrtcc:0b6c2f1e-6f0d-4b52-9a3e-5d1f7c2a9e10","iss":"http://localhost:8080/realms/5n-apps","aud":"account","sub":"5f0b7a44-2f35-4c36-9d0e-3a0b3f6f1c01","typ":"Bearer","azp":"5n-sandbox-institution","acr":"1","realm_access":{"roles":["institution"]},"scope":"profile email","clientHost":"127.0.0.1","email_verified":false,"preferred_username":"service-account-5n-sandbox-institution","clientAddress":"127.0.0.1","client_id":"5n-sandbox-institution"}"#;
    const TOKEN: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjFncm04SWZpLWFCRDcwWl9fcVl2VGNtem5pU3p4NzgyX0dUVTl5SGpTSEkifQ.eyJleHAiOjE3NzEyNDY4MDAsImlhdCI6MTc3MTI0MzIwMCwianRpIjoidHJydGNjOjBiNmMyZjFlLTZmMGQtNGI1Mi05YTNlLTVkMWY3YzJhOWUxMCIsImlzcyI6Imh0dHA6Ly9sb2NhbGhvc3Q6ODA4MC9yZWFsbXMvNW4tYXBwcyIsImF1ZCI6ImFjY291bnQiLCJzdWIiOiI1ZjBiN2E0NC0yZjM1LTRjMzYtOWQwZS0zYTBiM2Y2ZjFjMDEiLCJ0eXAiOiJCZWFyZXIiLCJhenAiOiI1bi1zYW5kYm94LWluc3RpdHV0aW9uIiwiYWNyIjoiMSIsInJlYWxtX2FjY2VzcyI6eyJyb2xlcyI6WyJpbnN0aXR1dGlvbiJdfSwic2NvcGUiOiJwcm9maWxlIGVtYWlsIiwiY2xpZW50SG9zdCI6IjEyNy4wLjAuMSIsImVtYWlsX3ZlcmlmaWVkIjpmYWxzZSwicHJlZmVycmVkX3VzZXJuYW1lIjoic2VydmljZS1hY2NvdW50LTVuLXNhbmRib3gtaW5zdGl0dXRpb24iLCJjbGllbnRBZGRyZXNzIjoiMTI3LjAuMC4xIiwiY2xpZW50X2lkIjoiNW4tc2FuZGJveC1pbnN0aXR1dGlvbiJ9.MwYv3MQTB0b5ZOAOCdxXPFqgJDCuexuL4hdoEO55R_junGyRhaevfC1t0MWrHQGX9ZYJ2JqiHJp2i91Zij3uaQ";

    fn key() -> Key {
        Key::from_text("5n-id-sandbox-es256-key").unwrap()
    }

    #[test]
    fn a_key_is_published_under_its_thumbprint() {
        let key = key();
        assert_eq!(key.id(), "1grm8Ifi-aBD70Z__qYvTcmzniSzx782_GTU9yHjSHI");
        assert_eq!(
            serde_json::to_string(key.jwk()).unwrap(),
            r#"{"crv":"P-256","kty":"EC","x":"BsdD0cg-JJCcSRhhls-5PKZp2K-FAlRcC03Ha_WbHLQ","y":"5RjPVtY3QImpt1LR0jA4bkz8Fr0lqaQ3nIw8WwIOfiQ"}"#
        );
    }

    #[test]
    fn a_known_token_is_signed_byte_for_byte_and_opened_again() {
        let claims: serde_json::Value = serde_json::from_str(CLAIMS).unwrap();
        assert_eq!(key().sign(&claims).unwrap(), TOKEN);
        assert_eq!(key().open::<serde_json::Value>(TOKEN), Some(claims));
    }

    #[test]
    fn a_token_that_was_touched_is_not_opened() {
        let (signed, signature) = TOKEN.rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let other = Key::from_text("another").unwrap();
        let others = other.sign(&serde_json::json!({"exp": 1})).unwrap();
        for (case, token) in [
            ("empty", String::new()),
            ("no dots", "abc".to_owned()),
            ("one dot", format!("{header}.{claims}")),
            ("signature cut", TOKEN[..TOKEN.len() - 1].to_owned()),
            ("signature of nothing", format!("{signed}.")),
            ("signature of zeros", format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0_u8; 64]))),
            ("claims changed", format!("{header}.{}.{signature}", claims.replace("eyJleHAi", "eyJleHBi"))),
            ("header changed", format!("e30.{claims}.{signature}")),
            ("another key", others),
        ] {
            assert_eq!(key().open::<serde_json::Value>(&token), None, "{case}");
        }
    }
}
