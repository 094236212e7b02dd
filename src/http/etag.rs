//! Entity tags as the Express framework makes them, and answers to callers that have a representation already. Several of the
//! emulated services run on it.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderValue, Method, StatusCode};
use sha1::{Digest as _, Sha1};

use super::{Reply, Req};

/// Room for the tag of a body of up to 16 MiB.
const USUAL_LENGTH: usize = 40;

/// `W/"<length, in hexadecimal>-<27 characters of the SHA-1 in base64>"`.
pub fn weak(body: &[u8]) -> String {
    let mut tag = String::with_capacity(USUAL_LENGTH);
    tag += "W/\"";
    // Writing to a text does not fail.
    let _ = write!(tag, "{:x}-", body.len());
    STANDARD_NO_PAD.encode_string(Sha1::digest(body), &mut tag);
    tag.push('"');
    tag
}

/// Gives a reply the tag of its body.
pub fn tag(reply: &mut Reply) {
    if let Ok(tag) = HeaderValue::try_from(weak(&reply.body)) {
        reply.headers.insert(ETAG, tag);
    }
}

/// Gives a reply the tag of its body, and makes it a 304 when the caller has that body already.
pub fn revalidate(req: &Req, reply: &mut Reply) {
    tag(reply);
    let is_read = reply.status.is_success() && matches!(req.method, Method::GET | Method::HEAD);
    let known = reply.headers.get(ETAG).and_then(|tag| tag.to_str().ok()).is_some_and(|tag| is_known(req, tag));
    if is_read && known {
        reply.status = StatusCode::NOT_MODIFIED;
        reply.headers.remove(CONTENT_TYPE);
        reply.body.clear();
    }
}

/// Whether the caller has the representation with this tag, and did not ask to have it anew.
fn is_known(req: &Req, tag: &str) -> bool {
    let anew = req
        .header(CACHE_CONTROL.as_str())
        .is_some_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case("no-cache")));
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tags = req.headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    !anew && tags.map(opaque).any(|known| known == "*" || known == opaque(tag))
}

#[cfg(test)]
mod tests {
    use super::weak;

    #[test]
    fn tags_are_those_of_the_framework() {
        let body = br#"{"match":true,"requestId":"2b9cfd36-7802-4b4e-a9cc-20d3bf1815b4","url":"https://wallet.sandbox-verifiedinc.com/request/2b9cfd36-7802-4b4e-a9cc-20d3bf1815b4?email=tester%40verified.inc"}"#;
        assert_eq!(weak(body), r#"W/"b9-6XlTiTGSxmcDW6FYSMHMk+bfYv0""#);
    }
}
