//! AWS Signature Version 4, as far as presigned object links and upload forms need it.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html> and
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-UsingHTTPPOST.html>, as of 2026-01-10.

use chrono::{DateTime, NaiveDateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use super::hex;

/// Value of `X-Amz-Algorithm`.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What stays as it is in names and values of a canonical query.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A pair of keys, and what it signs for.
#[derive(Clone, Copy, Debug)]
pub struct Signer {
    /// Public half.
    pub access_key_id: &'static str,
    /// Secret half.
    pub secret: &'static str,
    /// Region of the service.
    pub region: &'static str,
    /// The service.
    pub service: &'static str,
}

impl Signer {
    /// The scope of signatures made at `at`: `20260102/eu-west-1/s3/aws4_request`.
    pub fn scope(&self, at: DateTime<Utc>) -> String {
        format!("{}/{}/{}/aws4_request", at.format("%Y%m%d"), self.region, self.service)
    }

    /// Value of `X-Amz-Credential` at `at`: the public key and the scope.
    pub fn credential(&self, at: DateTime<Utc>) -> String {
        format!("{}/{}", self.access_key_id, self.scope(at))
    }

    /// The key that signs on the day of `at`.
    pub fn signing_key(&self, at: DateTime<Utc>) -> [u8; 32] {
        let date = at.format("%Y%m%d").to_string();
        let first = hmac(format!("AWS4{}", self.secret).as_bytes(), date.as_bytes());
        [self.region, self.service, "aws4_request"].iter().fold(first, |key, part| hmac(&key, part.as_bytes()))
    }

    /// The query of a link that `GET`s `path` (complete, as it will be sent) at `host` until `expires_s` seconds after `at`.
    pub fn presign_get(&self, host: &str, path: &str, at: DateTime<Utc>, expires_s: u32) -> String {
        let query = [
            ("X-Amz-Algorithm", ALGORITHM.to_owned()),
            ("X-Amz-Credential", self.credential(at)),
            ("X-Amz-Date", timestamp(at)),
            ("X-Amz-Expires", expires_s.to_string()),
            ("X-Amz-SignedHeaders", "host".to_owned()),
        ];
        let query = canonical_query(query.iter().map(|(name, value)| (*name, value.as_str())));
        let signature = self.signature(&canonical_request("GET", path, &query, host), at);
        format!("{query}&X-Amz-Signature={signature}")
    }

    /// The signature of a canonical request at `at`.
    pub fn signature(&self, canonical_request: &str, at: DateTime<Utc>) -> String {
        let hash = hex(Sha256::digest(canonical_request.as_bytes()));
        let text = format!("{ALGORITHM}\n{}\n{}\n{hash}", timestamp(at), self.scope(at));
        hex(hmac(&self.signing_key(at), text.as_bytes()))
    }

    /// The signature of an upload form's policy, which is given as the Base64 text that the form carries.
    pub fn policy_signature(&self, policy: &str, at: DateTime<Utc>) -> String {
        hex(hmac(&self.signing_key(at), policy.as_bytes()))
    }
}

/// What is hashed for a request whose only signed header is `host`, and whose body is not covered.
pub fn canonical_request(method: &str, path: &str, canonical_query: &str, host: &str) -> String {
    format!("{method}\n{path}\n{canonical_query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD")
}

/// Names and values encoded and sorted.
pub fn canonical_query<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let encode = |text| utf8_percent_encode(text, UNRESERVED).to_string();
    let mut pairs: Vec<(String, String)> = pairs.map(|(name, value)| (encode(name), encode(value))).collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// The pairs of a query as it was sent; a plus is a plus.
pub fn query_pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').unwrap_or((part, ""))).map(|(name, value)| (decode(name), decode(value))).collect()
}

/// `20260102T030405Z`.
pub fn timestamp(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// Reads `20260102T030405Z`, and no other spelling of a moment.
pub fn parse_timestamp(text: &str) -> Option<DateTime<Utc>> {
    let at = NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok()?.and_utc();
    (timestamp(at) == text).then_some(at)
}

/// Whether two signatures are the same, in a time that does not tell where they differ.
pub fn same(left: &str, right: &str) -> bool {
    left.len() == right.len() && left.bytes().zip(right.bytes()).fold(0, |differs, (left, right)| differs | (left ^ right)) == 0
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(message);
            mac.finalize().into_bytes().into()
        }
        // HMAC takes keys of any length.
        Err(_) => [0; 32],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNER: Signer = Signer {
        access_key_id: "AKIAPMINTSANDBOX0001",
        secret: "pmint-sandbox-secret-0000000000000000001",
        region: "eu-west-1",
        service: "s3",
    };
    const PATH: &str = "/_s3/pmint-custodial-api-sandbox-identity-docs/b3/a6/24/13/KtQ2mZx81LwPvR5d.png";

    fn at() -> DateTime<Utc> {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    /// Made with botocore.
    #[test]
    fn a_presigned_link_is_what_the_aws_client_library_makes() {
        assert_eq!(hex(SIGNER.signing_key(at())), "5e0e3bd860708efdfb0cc4595a60a909555a0b2a6886c921af3093d4864ed463");
        let query = SIGNER.presign_get("localhost:8080", PATH, at(), 900);
        assert_eq!(
            query,
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAPMINTSANDBOX0001%2F20260102%2Feu-west-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=09fde9de6cbb160e312040168bee5dd59bea0c543cd8ea322667731cbec00dbe"
        );
        let mut pairs = query_pairs(&query);
        pairs.retain(|(name, _)| name != "X-Amz-Signature");
        pairs.reverse();
        let query = canonical_query(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let request = canonical_request("GET", PATH, &query, "localhost:8080");
        assert_eq!(hex(Sha256::digest(request.as_bytes())), "a3c4fdf072157d18677a950bc8f905d92eaf91435acfe4fdef3a613293621221");
    }

    #[test]
    fn a_policy_is_signed_as_it_stands() {
        let policy = "eyJleHBpcmF0aW9uIjoiMjAyNi0wMS0wMlQwMzoxOTowNVoiLCJjb25kaXRpb25zIjpbWyJjb250ZW50LWxlbmd0aC1yYW5nZSIsMSwxMDQ4NTc2MF0s\
                      eyJrZXkiOiJiMy9hNi8yNC8xMy9LdFEybVp4ODFMd1B2UjVkLnBuZyJ9LHsiYnVja2V0IjoicG1pbnQtY3VzdG9kaWFsLWFwaS1zYW5kYm94LWlkZW50aXR5\
                      LWRvY3MifSx7IlgtQW16LUFsZ29yaXRobSI6IkFXUzQtSE1BQy1TSEEyNTYifSx7IlgtQW16LUNyZWRlbnRpYWwiOiJBS0lBUE1JTlRTQU5EQk9YMDAwMS8y\
                      MDI2MDEwMi9ldS13ZXN0LTEvczMvYXdzNF9yZXF1ZXN0In0seyJYLUFtei1EYXRlIjoiMjAyNjAxMDJUMDMwNDA1WiJ9XX0=";
        assert_eq!(SIGNER.policy_signature(policy, at()), "8315a5bbd8eeb9f852645283c8b1b139a114717ee7889612219c6b56e56fa8f5");
    }

    #[test]
    fn timestamps_have_one_spelling() {
        assert_eq!(parse_timestamp("20260102T030405Z"), Some(at()));
        for text in ["20260102T030405", "2026-01-02T03:04:05Z", "20260102T030405z", "", "20260132T030405Z", "20260102T030405Z "] {
            assert_eq!(parse_timestamp(text), None, "{text:?}");
        }
    }

    #[test]
    fn signatures_are_compared_whole() {
        assert!(same("ab", "ab"));
        for (left, right) in [("ab", "aB"), ("ab", "abc"), ("", "a")] {
            assert!(!same(left, right));
        }
    }
}
