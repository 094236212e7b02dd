//! How the service answers: the success envelope, and the headers that every answer carries.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_HEADERS, CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, PRAGMA, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS, X_XSS_PROTECTION,
};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Error;
use crate::http::wire::uri_component;
use crate::http::{Reply, Req, etag, reply};
use crate::world::Cx;

/// `Content-Security-Policy` of an error page.
pub(super) const PAGE_POLICY: &str = "default-src 'none'";

/// `Content-Security-Policy` of the API's answers.
const POLICY: &str = "default-src 'self'";

/// Of successful `GET`s; a year.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=31557600");

/// Of everything else.
const NOT_CACHED: HeaderValue = HeaderValue::from_static("private, no-cache, no-store, must-revalidate");

/// What signs the session cookie. It protects nothing: no operation reads the session.
const COOKIE_SECRET: &[u8] = b"identity";

#[derive(Serialize)]
struct Data<T> {
    data: T,
}

/// 200 with the result of reading something; the service lets it be cached unless the setting `cache_control` is off.
pub(super) fn read<T: Serialize>(cx: &Cx<'_>, data: T) -> Result<Reply, Error> {
    let cached = cx.setting::<Option<bool>>("cache_control")?.unwrap_or(true);
    let reply = reply::json(StatusCode::OK, &Data { data });
    Ok(if cached { reply.header(CACHE_CONTROL, CACHED) } else { reply })
}

/// 200 with the result of changing something that was there.
pub(super) fn changed<T: Serialize>(data: T) -> Reply {
    reply::json(StatusCode::OK, &Data { data })
}

/// 201 with the result of a `POST`.
pub(super) fn created<T: Serialize>(data: T) -> Reply {
    reply::json(StatusCode::CREATED, &Data { data })
}

/// 302 to a path of the service, with the body that Express gives it.
pub(super) fn redirect(req: &Req, path: &str) -> Reply {
    let target = format!("{}{path}", req.links.prefix);
    let wants_page =
        req.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"));
    let (media_type, body) = if wants_page {
        (reply::HTML, format!("<p>Found. Redirecting to <a href=\"{target}\">{target}</a></p>"))
    } else {
        (HeaderValue::from_static("text/plain; charset=utf-8"), format!("Found. Redirecting to {target}"))
    };
    reply::body(StatusCode::FOUND, media_type, body).header(LOCATION, target)
}

/// `OPTIONS` anything: 204, every origin, the headers that the browser asked for.
pub(super) fn preflight(req: &Req) -> Reply {
    let reply = reply::empty(StatusCode::NO_CONTENT)
        .header(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .header(ACCESS_CONTROL_ALLOW_METHODS, "OPTIONS,PUT,GET,POST,PATCH,DELETE,LINK,UNLINK")
        .header(VARY, "Access-Control-Request-Headers");
    match req.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        Some(asked) => reply.header(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone()),
        None => reply,
    }
}

/// What every answer but a preflight's carries.
pub(super) fn finish(req: &Req, reply: &mut Reply) {
    if reply.status == StatusCode::NO_CONTENT {
        return;
    }
    let fixed: [(HeaderName, &'static str); 8] = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, "PUT, GET, POST, PATCH, DELETE, OPTIONS, LINK, UNLINK"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_XSS_PROTECTION, "1; mode=block"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "Origin, X-Requested-With, charset, Content-Type, Accept, Authorization, Access-Control-Allow-Credentials, x-www-form-urlencoded, X-Content-Type-Options, X-XSS-Protection, Content-Security-Policy, Permissions-Policy",
        ),
        (PRAGMA, "no-cache"),
        (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    ];
    for (name, value) in fixed {
        reply.headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    reply.headers.entry(CACHE_CONTROL).or_insert(NOT_CACHED);
    if let Some(cookie) = session_cookie(req, reply) {
        reply.headers.insert(SET_COOKIE, cookie);
    }
    if reply.status.is_redirection() {
        return;
    }
    etag::revalidate(req, reply);
}

/// A new session for a caller that brings none. Its id follows from the exchange, so that the same requests give the same bytes.
fn session_cookie(req: &Req, reply: &Reply) -> Option<HeaderValue> {
    if req.cookie("identity").is_some_and(is_session) {
        return None;
    }
    let mut hash = Sha256::new();
    for part in [req.method.as_str().as_bytes(), req.path.as_bytes(), req.query.as_bytes(), &req.body, &reply.body] {
        hash.update(part);
        hash.update([0]);
    }
    let id: String = BASE64_URL_SAFE_NO_PAD.encode(hash.finalize()).chars().take(32).collect();
    let value = format!("s:{id}.{}", sign(&id)?);
    HeaderValue::from_str(&format!("identity={}; Path=/; HttpOnly; SameSite=Lax", uri_component(&value))).ok()
}

fn is_session(cookie: &str) -> bool {
    let value = percent_encoding::percent_decode_str(cookie).decode_utf8_lossy();
    let signed = value.strip_prefix("s:").and_then(|signed| signed.rsplit_once('.'));
    signed.is_some_and(|(id, signature)| sign(id).is_some_and(|expected| expected == signature))
}

fn sign(id: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(COOKIE_SECRET).ok()?;
    mac.update(id.as_bytes());
    Some(BASE64_STANDARD_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entity_tag_of_a_known_body_is_computed() {
        let body = r#"{"data":{"status":"running","app":"identity","host":"http://localhost:7999/","version":"1.0.0","isDebug":true,"isDocker":false}}"#;
        assert_eq!(etag::weak(body.as_bytes()), r#"W/"80-QfH2WanpY7cqO4nvza4oXVhsVvk""#);
    }

    #[test]
    fn only_a_session_that_was_signed_here_is_one() {
        let good = format!("s%3Aabc.{}", uri_component(&sign("abc").unwrap()));
        assert!(is_session(&good), "{good}");
        for bad in ["", "s%3A", "s%3Aabc", "s%3Aabc.x", "abc"] {
            assert!(!is_session(bad), "{bad}");
        }
    }
}
