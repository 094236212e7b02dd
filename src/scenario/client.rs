//! A plain client of HTTP and HTTPS: no redirects followed, no proxy, a cookie jar as a browser has one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use serde_json::Value;
use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::ring;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

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
    /// `trusted` has the certificates (PEM) of those whom HTTPS servers may be vouched for by, nobody else's; the error says what is
    /// wrong with it.
    pub(super) fn new(token: Option<String>, trusted: Option<&str>) -> Result<Self, String> {
        let roots = trusted.map(certificates).transpose()?.unwrap_or_default();
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .root_certs(RootCerts::Specific(Arc::new(roots)));
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .user_agent(concat!("understudy/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(PATIENCE))
            .max_idle_connections(0)
            .allow_non_standard_methods(true)
            .tls_config(tls.build())
            .build();
        Ok(Self { agent: config.new_agent(), token, cookies: BTreeMap::new() })
    }

    /// What the control API asks for.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
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

fn certificates(pem: &str) -> Result<Vec<Certificate<'static>>, String> {
    let items = parse_pem(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let items = items.map_err(|error| format!("what is to be trusted is no PEM: {error}"))?;
    let found = items.into_iter().filter_map(|item| if let PemItem::Certificate(one) = item { Some(one) } else { None });
    let found: Vec<_> = found.collect();
    if found.is_empty() { Err("there is no certificate in what is to be trusted".to_owned()) } else { Ok(found) }
}

/// Why there is no answer; where TLS is the reason, what helps.
fn words(error: &ureq::Error) -> String {
    let tls = if let ureq::Error::Io(error) = error { error.get_ref().and_then(|error| error.downcast_ref()) } else { None };
    match tls {
        Some(rustls::Error::InvalidCertificate(reason)) => format!(
            "its certificate is not trusted ({reason}); it must be vouched for by the local authority that was given (--ca-dir names its folder), for the name in the address"
        ),
        Some(rustls::Error::InvalidMessage(_)) => "it does not speak HTTPS; use http:// there".to_owned(),
        _ => format!("no whole answer: {error}"),
    }
}
