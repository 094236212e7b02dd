//! What a handler answers, and the usual ways to make it.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, REFERRER_POLICY};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

/// Media type of a JSON body.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
/// Media type of a page.
pub const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// What a page may load: its own style and drawings, and nothing from anywhere.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

/// Room for a usual body, so that it grows rarely while it is written.
const USUAL_BODY: usize = 1024;

/// A response: status, headers, body. `Date` and `Content-Length` are the edge's business.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body; empty for none.
    pub body: Bytes,
    /// Real time that the caller waits for it once the work is done. Waiting is the edge's business: a handler never does.
    pub wait: Duration,
}

impl Reply {
    /// Has the caller wait for it.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// Adds a header; one that stands there already stays beside it. A value that no header can hold is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.headers.append(name, value);
        }
        self
    }
}

/// No body and no content type.
pub fn empty(status: StatusCode) -> Reply {
    Reply { status, headers: HeaderMap::new(), body: Bytes::new(), wait: Duration::ZERO }
}

/// A body of the given media type.
pub fn body(status: StatusCode, media_type: HeaderValue, body: impl Into<Bytes>) -> Reply {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, media_type);
    Reply { status, headers, body: body.into(), wait: Duration::ZERO }
}

/// Compact JSON, `application/json; charset=utf-8`.
pub fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Reply {
    json_as(status, JSON, value)
}

/// Compact JSON under another media type.
pub fn json_as<T: Serialize + ?Sized>(status: StatusCode, media_type: HeaderValue, value: &T) -> Reply {
    let mut written = Vec::with_capacity(USUAL_BODY);
    match serde_json::to_writer(&mut written, value) {
        Ok(()) => body(status, media_type, written),
        Err(error) => {
            // Only a map with keys that are not strings, or a Serialize that fails, comes here.
            tracing::error!(%error, "a reply could not be written as JSON");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// Marks a page for one person, or what leads to it: it runs no script and loads nothing, is not kept by caches, framed, or told to
/// the site that a link leads to.
#[must_use]
pub fn private(reply: Reply) -> Reply {
    reply.header(CACHE_CONTROL, "no-store").header(CONTENT_SECURITY_POLICY, PAGE_POLICY).header(REFERRER_POLICY, "no-referrer")
}

/// A page.
pub fn html(status: StatusCode, page: String) -> Reply {
    body(status, HTML, page)
}

/// 302 to `location`.
pub fn redirect(location: &str) -> Reply {
    empty(StatusCode::FOUND).header(LOCATION, location)
}
