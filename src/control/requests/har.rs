//! Exchanges as an HTTP archive (HAR 1.2), the file that browsers' developer tools, proxies and load testers read.
//!
//! Source: <http://www.softwareishard.com/blog/har-12-spec/> as of 2026-01. Where the specification has no word for binary request
//! bodies, `postData.text` is base64 and `_encoding` says so, as tools do. `text` stands beside `params` (the specification wants one
//! of them), since developer tools show only the former.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode, Version};
use serde::Serialize;

use crate::http::{Reply, form, reply, wire};
use crate::world::journal::Entry;

/// What the specification wants where a size is not known.
const UNKNOWN: i64 = -1;

#[derive(Serialize)]
struct Archive {
    log: Log,
}

#[derive(Serialize)]
struct Log {
    version: &'static str,
    creator: Creator,
    entries: Vec<Exchange>,
    comment: String,
}

#[derive(Serialize)]
struct Creator {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exchange {
    started_date_time: String,
    time: f64,
    request: Request,
    response: Response,
    cache: Cache,
    timings: Timings,
    #[serde(rename = "_id")]
    id: u64,
    #[serde(rename = "_provider")]
    provider: &'static str,
    #[serde(rename = "_operation")]
    operation: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    http_version: &'static str,
    cookies: Vec<Cookie>,
    headers: Vec<Pair>,
    query_string: Vec<Pair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_data: Option<PostData>,
    headers_size: i64,
    body_size: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    mime_type: String,
    params: Vec<Pair>,
    text: String,
    #[serde(rename = "_encoding", skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status: u16,
    status_text: &'static str,
    http_version: &'static str,
    cookies: Vec<Cookie>,
    headers: Vec<Pair>,
    content: Content,
    #[serde(rename = "redirectURL")]
    redirect_url: String,
    headers_size: i64,
    body_size: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    size: usize,
    mime_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
}

#[derive(Serialize)]
struct Cache {}

#[derive(Serialize)]
struct Timings {
    blocked: i64,
    dns: i64,
    connect: i64,
    ssl: i64,
    send: i64,
    wait: f64,
    receive: i64,
}

#[derive(Serialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cookie {
    name: String,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    http_only: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    secure: bool,
}

/// 200 with a file of these exchanges of a world.
pub(super) fn file(world: &str, entries: &[Arc<Entry>]) -> Reply {
    let log = Log {
        version: "1.2",
        creator: Creator { name: "Understudy", version: env!("CARGO_PKG_VERSION") },
        entries: entries.iter().map(|entry| exchange(entry)).collect(),
        comment: format!("World {world}. startedDateTime is what the world's clock showed, time is real."),
    };
    let name = format!("attachment; filename=\"understudy-{world}.har\"");
    reply::json(StatusCode::OK, &Archive { log }).header(CONTENT_DISPOSITION, name)
}

fn exchange(entry: &Entry) -> Exchange {
    let time = entry.took.as_secs_f64() * 1000.0;
    Exchange {
        started_date_time: wire::to_rfc3339_millis(entry.at),
        time,
        request: request(entry),
        response: response(entry),
        cache: Cache {},
        timings: Timings { blocked: UNKNOWN, dns: UNKNOWN, connect: UNKNOWN, ssl: UNKNOWN, send: 0, wait: time, receive: 0 },
        id: entry.id,
        provider: entry.provider,
        operation: entry.operation,
    }
}

fn request(entry: &Entry) -> Request {
    let headers = &entry.request_headers;
    let query = entry.target.query().unwrap_or_default();
    Request {
        method: entry.method.to_string(),
        url: entry.url(),
        http_version: version(entry.version),
        cookies: headers.get_all(COOKIE).iter().flat_map(sent_cookies).collect(),
        headers: pairs(headers),
        query_string: decoded(query.as_bytes()),
        post_data: (!entry.request_body.is_empty()).then(|| post_data(headers, &entry.request_body)),
        headers_size: UNKNOWN,
        body_size: entry.request_body.len(),
    }
}

fn post_data(headers: &HeaderMap, body: &Bytes) -> PostData {
    let mime_type = mime_type(headers);
    let is_form = mime_type.starts_with("application/x-www-form-urlencoded");
    let (text, encoding) = text(body);
    PostData { params: if is_form { decoded(body) } else { Vec::new() }, mime_type, text, encoding }
}

fn response(entry: &Entry) -> Response {
    let headers = &entry.response_headers;
    let body = &entry.response_body;
    let (text, encoding) = text(body);
    Response {
        status: entry.status.as_u16(),
        status_text: entry.status.canonical_reason().unwrap_or_default(),
        http_version: version(entry.version),
        cookies: headers.get_all(SET_COOKIE).iter().map(set_cookie).collect(),
        headers: pairs(headers),
        content: Content { size: body.len(), mime_type: mime_type(headers), text: (!body.is_empty()).then_some(text), encoding },
        redirect_url: headers.get(LOCATION).map(shown).unwrap_or_default(),
        headers_size: UNKNOWN,
        body_size: body.len(),
    }
}

fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

/// A body as text, or in base64 and the word for it.
fn text(body: &Bytes) -> (String, Option<&'static str>) {
    match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (STANDARD.encode(body), Some("base64")),
    }
}

/// What the body says that it is; browsers write `x-unknown` where it does not say.
fn mime_type(headers: &HeaderMap) -> String {
    headers.get(CONTENT_TYPE).map_or_else(|| "x-unknown".to_owned(), shown)
}

fn pairs(headers: &HeaderMap) -> Vec<Pair> {
    headers.iter().map(|(name, value)| Pair { name: name.to_string(), value: shown(value) }).collect()
}

fn decoded(query: &[u8]) -> Vec<Pair> {
    form::pairs(query).map(|(name, value)| Pair { name: name.into_owned(), value: value.into_owned() }).collect()
}

fn shown(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn sent_cookies(header: &HeaderValue) -> Vec<Cookie> {
    let text = shown(header);
    text.split(';').filter(|pair| !pair.trim().is_empty()).map(named).collect()
}

fn set_cookie(header: &HeaderValue) -> Cookie {
    let text = shown(header);
    let mut parts = text.split(';');
    let mut cookie = named(parts.next().unwrap_or_default());
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "path" => cookie.path = Some(value.to_owned()),
            "domain" => cookie.domain = Some(value.to_owned()),
            "expires" => cookie.expires = httpdate::parse_http_date(value).ok().map(|at| wire::to_rfc3339_millis(at.into())),
            "httponly" => cookie.http_only = true,
            "secure" => cookie.secure = true,
            _ => {}
        }
    }
    cookie
}

fn named(pair: &str) -> Cookie {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Cookie { name: name.trim().to_owned(), value: value.trim().to_owned(), ..Cookie::default() }
}
