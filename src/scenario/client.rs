//! A plain HTTP client: no redirects followed, no proxy, a cookie jar as a browser has one.

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use serde_json::Value;
use ureq::Agent;

/// Real time within which an answer must be complete.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest answer that is read: 64 MiB.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Sends requests.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    /// For the control API.
    token: Option<String>,
    cookies: BTreeMap<String, String>,
}

/// A request as it goes out.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Incoming {
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }
}

impl Client {
    pub(super) fn new(token: Option<String>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("understudy/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(PATIENCE))
            .max_idle_connections(0)
            .allow_non_standard_methods(true)
            .build();
        Self { agent: config.new_agent(), token, cookies: BTreeMap::new() }
    }

    /// Forgets all cookies.
    pub(super) fn forget(&mut self) {
        self.cookies.clear();
    }

    /// Sends a request; an error says why there is no whole answer.
    pub(super) fn send(&mut self, outgoing: &Outgoing) -> Result<Incoming, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in &outgoing.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} cannot be the name of a header"))?;
            let value = HeaderValue::from_str(value).map_err(|_| format!("{value:?} cannot be the value of a header"))?;
            headers.append(name, value);
        }
        if !self.cookies.is_empty() && !headers.contains_key(COOKIE) {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            headers.extend(HeaderValue::from_str(&pairs.join("; ")).ok().map(|cookies| (COOKIE, cookies)));
        }
        let incoming = self.exchange(outgoing, headers)?;
        self.keep_cookies(&incoming.headers);
        Ok(incoming)
    }

    /// Calls the control API.
    pub(super) fn control(&mut self, method: Method, url: &str, body: Option<&Value>) -> Result<Incoming, String> {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = &self.token {
            let bearer =
                HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| "the control token cannot be sent".to_owned())?;
            headers.insert(http::header::AUTHORIZATION, bearer);
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.exchange(&Outgoing { method, url: url.to_owned(), headers: Vec::new(), body }, headers)
    }

    /// As [`Client::control`]; anything but success is an error that tells what the API says.
    pub(super) fn command(&mut self, method: Method, url: &str, body: Option<&Value>) -> Result<Value, String> {
        let answer = self.control(method.clone(), url, body).map_err(|reason| format!("{method} {url}: {reason}"))?;
        let json = answer.json();
        if (200..300).contains(&answer.status) {
            return Ok(json.unwrap_or_default());
        }
        let detail =
            json.as_ref().and_then(|json| json.get("detail")).and_then(Value::as_str).map_or_else(|| answer.text(), str::to_owned);
        Err(format!("{method} {url}: {} {detail}", answer.status))
    }

    fn exchange(&self, outgoing: &Outgoing, headers: HeaderMap) -> Result<Incoming, String> {
        let Outgoing { method, url, body, .. } = outgoing;
        let wants_no_body = [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS].contains(method);
        let answer = if wants_no_body && !body.is_empty() {
            let mut builder = if *method == Method::DELETE { self.agent.delete(url) } else { self.agent.get(url) };
            if let Some(all) = builder.headers_mut() {
                all.extend(headers);
            }
            builder.force_send_body().send(body.as_slice())
        } else {
            let mut request = Request::builder().method(method).uri(url).body(()).map_err(|error| error.to_string())?;
            *request.headers_mut() = headers;
            if wants_no_body { self.agent.run(request) } else { self.agent.run(request.map(|()| body.as_slice())) }
        };
        let (parts, mut body) = answer.map_err(|error| words(&error))?.into_parts();
        let body = body.with_config().limit(LARGEST).read_to_vec().map_err(|error| words(&error))?;
        Ok(Incoming { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE) {
            let text = String::from_utf8_lossy(cookie.as_bytes()).into_owned();
            let (pair, attributes) = text.split_once(';').unwrap_or((&text, ""));
            let Some((name, value)) = pair.split_once('=') else { continue };
            if attributes.to_ascii_lowercase().split(';').any(|attribute| attribute.trim() == "max-age=0") {
                self.cookies.remove(name.trim());
            } else {
                self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }
}

fn words(error: &ureq::Error) -> String {
    format!("no whole answer: {error}")
}
