//! An HTTP client for black-box tests: plain HTTP over loopback, no redirects followed, no retries, and every
//! answer held against the provider's contract.
//!
//! ```ignore
//! let api = Client::new("http://127.0.0.1:11111/verified").with_contract(&contract).bearer(KEY);
//! let made = api.post("/v1/offers", json!({"templateId": "tpl_1"})).header("x-trace", "1").await;
//! assert_eq!(made.status, StatusCode::CREATED);
//! ```

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE},
};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

use crate::contract::Contract;

/// Real time within which an answer must be complete; a server that hangs fails the test instead of stalling it.
const DEADLINE: Duration = Duration::from_mins(1);

/// A caller of one base URL. Clones share connections and, where there are any, cookies.
///
/// Connections belong to the runtime that opened them, so make a client per test and never a static one.
#[derive(Clone)]
pub(crate) struct Client {
    /// What every path is appended to, without a trailing slash.
    pub base: String,
    /// Sent with every request that does not set them itself.
    pub headers: HeaderMap,
    /// What every answer must conform to.
    pub contract: Option<Arc<Contract>>,
    cookies: Option<Arc<Mutex<BTreeMap<String, String>>>>,
    pool: Pool<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// A client that speaks HTTP/1.1.
    pub(crate) fn new(base: impl Into<String>) -> Self {
        Self::over(base.into(), false)
    }

    /// A client that speaks HTTP/2 from the first byte ("prior knowledge": no TLS, no upgrade).
    pub(crate) fn http2(base: impl Into<String>) -> Self {
        Self::over(base.into(), true)
    }

    fn over(base: String, http2: bool) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            headers: HeaderMap::new(),
            contract: None,
            cookies: None,
            pool: Pool::builder(TokioExecutor::new()).http2_only(http2).build_http(),
        }
    }

    /// The same client, each answer checked against `contract`.
    pub(crate) fn with_contract(&self, contract: &Arc<Contract>) -> Self {
        Self { contract: Some(Arc::clone(contract)), ..self.clone() }
    }

    /// The same client, unchecked: for answers that a fault rule or a test made up.
    pub(crate) fn without_contract(&self) -> Self {
        Self { contract: None, ..self.clone() }
    }

    /// The same client with an empty cookie jar of its own: it returns each `name=value` that it was given until the
    /// server expires it. `Path`, `Domain` and `Secure` are ignored.
    pub(crate) fn with_cookies(&self) -> Self {
        Self { cookies: Some(Arc::default()), ..self.clone() }
    }

    /// The same client with one more default header (a second value for a name replaces the first).
    pub(crate) fn header(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.insert(header_name(name), header_value(value));
        client
    }

    /// The same client, authenticated by `Authorization: Bearer <key>`.
    pub(crate) fn bearer(&self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str, body: impl Into<Body>) -> Call<'_> {
        self.call(Method::POST, path).body(body)
    }

    pub(crate) fn put(&self, path: &str, body: impl Into<Body>) -> Call<'_> {
        self.call(Method::PUT, path).body(body)
    }

    pub(crate) fn patch(&self, path: &str, body: impl Into<Body>) -> Call<'_> {
        self.call(Method::PATCH, path).body(body)
    }

    pub(crate) fn delete(&self, path: &str) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    /// A request of any method, to be refined and then awaited. `path` starts with `/`, or is an absolute URL (such as
    /// a `Location`), which is then called as it is.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap_or_else(|error| panic!("{path:?} cannot be sent as a request target: {error}"));
        Call { client: self, request }
    }

    /// Sends `request`, whose URI is a path below the base or an absolute URL, and reads the whole answer.
    ///
    /// # Panics
    ///
    /// When no complete answer arrives in time, or when it breaks the contract. Use [`Client::try_send`] where a broken
    /// connection is what the test expects.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Response {
        let target = format!("{} {} on {}", request.method(), request.uri(), self.base);
        self.try_send(request).await.unwrap_or_else(|reason| panic!("{target}: {reason}"))
    }

    /// As [`Client::send`], but returns the reason when there is no complete answer.
    pub(crate) async fn try_send(&self, mut request: Request<Bytes>) -> Result<Response, String> {
        for (name, value) in &self.headers {
            request.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        if let Some(cookies) = self.cookie_header() {
            request.headers_mut().insert(COOKIE, cookies);
        }
        if request.uri().authority().is_none() {
            let url = format!("{}{}", self.base, request.uri());
            *request.uri_mut() = url.parse().map_err(|error| format!("{url} is no URL: {error}"))?;
        }
        let method = request.method().clone();
        let url = request.uri().to_string();

        let exchange = async {
            let (parts, body) = self.pool.request(request.map(Full::new)).await.map_err(|e| causes(&e))?.into_parts();
            let body = body.collect().await.map_err(|e| causes(&e))?.to_bytes();
            Ok::<_, String>(http::Response::from_parts(parts, body))
        };
        let answer = tokio::time::timeout(DEADLINE, exchange)
            .await
            .map_err(|_| format!("no complete answer within {} s", DEADLINE.as_secs()))??;

        self.keep_cookies(answer.headers());
        if let Some(contract) = &self.contract
            && let Some(path) = url.strip_prefix(&self.base)
            && (path.is_empty() || path.starts_with(['/', '?']))
            && let Err(violation) = contract.check(&method, path, &answer)
        {
            panic!("broken contract: {violation}");
        }
        let (parts, body) = answer.into_parts();
        Ok(Response { status: parts.status, headers: parts.headers, body })
    }

    fn cookie_header(&self) -> Option<HeaderValue> {
        let jar = self.cookies.as_ref()?.lock().expect("no holder of the jar panics");
        let pairs: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| header_value(&pairs.join("; ")))
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        let Some(jar) = &self.cookies else { return };
        let mut jar = jar.lock().expect("no holder of the jar panics");
        for cookie in headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().expect("a cookie is printable");
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').expect("a cookie is name=value");
            let expired = attributes.to_ascii_lowercase().split(';').any(|attribute| {
                let attribute = attribute.trim();
                attribute == "max-age=0" || attribute.starts_with("expires=thu, 01 jan 1970")
            });
            if expired {
                jar.remove(name.trim());
            } else {
                jar.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }
}

/// A request in the making. Awaiting it sends it (see [`Client::send`]).
#[must_use = "a call does nothing until it is awaited"]
pub(crate) struct Call<'a> {
    client: &'a Client,
    request: Request<Bytes>,
}

impl Call<'_> {
    /// Adds a header; a name given twice is sent twice.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request.headers_mut().append(header_name(name), header_value(value));
        self
    }

    /// Authenticates this one request, whatever the client's default.
    pub(crate) fn bearer(mut self, key: &str) -> Self {
        self.request.headers_mut().insert(AUTHORIZATION, header_value(&format!("Bearer {key}")));
        self
    }

    /// Sets the body, and the content type that belongs to it unless one is set already.
    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        let Body { content_type, bytes } = body.into();
        if let Some(content_type) = content_type {
            self.request.headers_mut().entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
        }
        *self.request.body_mut() = bytes;
        self
    }

    /// Sends the request where no complete answer may come (see [`Client::try_send`]).
    pub(crate) async fn attempt(self) -> Result<Response, String> {
        self.client.try_send(self.request).await
    }
}

impl<'a> IntoFuture for Call<'a> {
    type Output = Response;
    type IntoFuture = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.client.send(self.request))
    }
}

/// What a request carries: from a JSON value, from raw bytes or text (no content type), from a form's pairs, or `()`.
pub(crate) struct Body {
    content_type: Option<&'static str>,
    bytes: Bytes,
}

impl From<()> for Body {
    fn from((): ()) -> Self {
        Self { content_type: None, bytes: Bytes::new() }
    }
}

impl From<Value> for Body {
    fn from(json: Value) -> Self {
        Self { content_type: Some("application/json"), bytes: json.to_string().into() }
    }
}

impl From<&Value> for Body {
    fn from(json: &Value) -> Self {
        json.clone().into()
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self { content_type: None, bytes: bytes.into() }
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        text.as_bytes().to_vec().into()
    }
}

/// A form, `application/x-www-form-urlencoded`.
impl<const N: usize> From<[(&str, &str); N]> for Body {
    fn from(pairs: [(&str, &str); N]) -> Self {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        Self { content_type: Some("application/x-www-form-urlencoded"), bytes: form.into() }
    }
}

/// A complete answer.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Response {
    /// The body as JSON; panics, showing it, when it is not.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{} without JSON ({error}): {}", self.status, self.body.escape_ascii()))
    }

    /// The body as text; panics when it is not UTF-8.
    #[track_caller]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body)
            .unwrap_or_else(|error| panic!("{} without text ({error}): {}", self.status, self.body.escape_ascii()))
    }

    /// The first value of a header; panics, listing what is there, when it is absent.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        let value = value.unwrap_or_else(|| panic!("{} without a {name} header: {:?}", self.status, self.headers));
        value.to_str().expect("test servers send printable headers")
    }

    /// Where a redirect or a creation points to.
    #[track_caller]
    pub(crate) fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }
}

#[track_caller]
fn header_name(name: &str) -> HeaderName {
    name.parse().unwrap_or_else(|_| panic!("{name:?} is no header name"))
}

#[track_caller]
fn header_value(value: &str) -> HeaderValue {
    value.parse().unwrap_or_else(|_| panic!("{value:?} cannot be a header's value"))
}

/// An error with all its causes: hyper's outermost one says little.
fn causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(words, ": {cause}"); // writing to a String cannot fail
        source = cause.source();
    }
    words
}
