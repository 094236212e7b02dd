//! What a provider is made of: requests, replies, routes, problems, and the [`Provider`] trait.

pub mod any;
pub mod etag;
pub mod fixture;
pub mod form;
pub mod links;
pub mod reply;
pub mod router;
pub mod simulation;
pub mod wire;

use std::borrow::Cow;
use std::net::IpAddr;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::COOKIE;
use http::{HeaderMap, Method};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use any::AnyProvider;
pub use fixture::FixtureError;
pub use links::{Links, Site};
pub use reply::Reply;
pub use router::{Match, Params, PathRules};
pub use simulation::{Input, Refusal, Simulation};

use crate::world::Cx;
use crate::world::timers::Timer;

/// A whole request, as a handler sees it.
#[derive(Clone, Debug)]
pub struct Req {
    /// Method.
    pub method: Method,
    /// Path below the provider's base, as written (percent-escapes included).
    pub path: String,
    /// Query without the question mark, as written; empty for none.
    pub query: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Values of the route's parameters.
    pub params: Params,
    /// The real moment at which the edge had the whole request, for rules about the caller's own clock. Everything else reads
    /// `cx.now`.
    pub received: DateTime<Utc>,
    /// The network address that the request came from.
    pub peer: IpAddr,
    /// Builds absolute URLs from the address that the caller used.
    pub links: Links,
}

impl Req {
    /// A path parameter, percent-decoded; a literal `+` stays a plus.
    pub fn param(&self, name: &str) -> Cow<'_, str> {
        self.params.get(name)
    }

    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        form::first(self.query.as_bytes(), name)
    }

    /// The first value of a field of a form body.
    pub fn form(&self, name: &str) -> Option<Cow<'_, str>> {
        form::first(&self.body, name)
    }

    /// A header's value as text; none when it is absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The body read as JSON of a known shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let reader = &mut serde_json::Deserializer::from_slice(&self.body);
        let value = serde_path_to_error::deserialize(&mut *reader).map_err(|error| {
            let path = error.path().to_string();
            let reason = error.into_inner();
            if reason.is_data() {
                Problem::Invalid { path, reason: reason.to_string() }
            } else {
                Problem::Malformed(reason.to_string())
            }
        })?;
        reader.end().map_err(|error| Problem::Malformed(error.to_string()))?;
        Ok(value)
    }

    /// The body read as a JSON object whose fields the provider checks one by one.
    pub fn json_object(&self) -> Result<Map<String, Value>, Problem> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Problem::Malformed("the body is not a JSON object".to_owned())),
            Err(error) => Err(Problem::Malformed(error.to_string())),
        }
    }
}

/// What the shared layers find wrong with a request. Each provider words it in its own way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No route has this path.
    #[error("no such route")]
    NoRoute,
    /// The path is known; only these methods are allowed there.
    #[error("method not allowed")]
    MethodNotAllowed(Vec<Method>),
    /// The body is larger than the provider takes.
    #[error("body over {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The body did not arrive in time, or the connection broke.
    #[error("body incomplete: {0}")]
    Incomplete(String),
    /// The body is not JSON, or not a JSON object.
    #[error("malformed JSON: {0}")]
    Malformed(String),
    /// A part of the body has another shape than it should.
    #[error("{path}: {reason}")]
    Invalid {
        /// Dotted path of the part.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A rate limit is reached; what it allows is allowed again after so many seconds.
    #[error("too many requests; try again in {retry_after_s} s")]
    RateLimited {
        /// How many requests a window allows.
        limit: u64,
        /// Seconds until the next window, rounded up.
        retry_after_s: u64,
    },
    /// The server has as much in its hands as it takes at a time.
    #[error("the server is busy")]
    Busy,
    /// The server itself failed; the cause is in the log.
    #[error("internal error")]
    Internal,
}

/// Handles one operation.
pub type Handler<E> = fn(&mut Cx<'_>, &Req) -> Result<Reply, E>;

/// One operation of a provider: where it is, what it is called, what it does.
#[derive(Debug)]
pub struct Route<E> {
    /// Method.
    pub method: Method,
    /// Path below the provider's base, with `{parameters}`.
    pub path: &'static str,
    /// Operation id, as in the OpenAPI document.
    pub operation: &'static str,
    /// What it does.
    pub handler: Handler<E>,
}

impl<E> Route<E> {
    /// A `GET` operation; it answers `HEAD` too.
    pub const fn get(path: &'static str, operation: &'static str, handler: Handler<E>) -> Self {
        Self { method: Method::GET, path, operation, handler }
    }

    /// A `POST` operation.
    pub const fn post(path: &'static str, operation: &'static str, handler: Handler<E>) -> Self {
        Self { method: Method::POST, path, operation, handler }
    }

    /// A `PUT` operation.
    pub const fn put(path: &'static str, operation: &'static str, handler: Handler<E>) -> Self {
        Self { method: Method::PUT, path, operation, handler }
    }

    /// A `PATCH` operation.
    pub const fn patch(path: &'static str, operation: &'static str, handler: Handler<E>) -> Self {
        Self { method: Method::PATCH, path, operation, handler }
    }

    /// A `DELETE` operation.
    pub const fn delete(path: &'static str, operation: &'static str, handler: Handler<E>) -> Self {
        Self { method: Method::DELETE, path, operation, handler }
    }
}

/// A documented switch of a provider, made for a whole world.
#[derive(Debug)]
pub struct Setting {
    /// Its name.
    pub key: &'static str,
    /// What it does, with its values.
    pub summary: &'static str,
    /// The value that holds until another is set, as JSON.
    pub default: &'static str,
    /// Refuses, with a reason, what the setting cannot be.
    pub check: fn(&Value) -> Result<(), String>,
}

/// What a client needs to use a provider of a world: an environment variable with a value.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Variable {
    /// Name of the environment variable (`VERIFIED_API_KEY`).
    pub name: String,
    /// Its value.
    pub value: String,
    /// What it is, for people.
    pub summary: String,
}

/// The largest body that a provider takes unless it says otherwise: 32 MiB.
pub const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// An emulated provider: data where it can be data, functions where it must.
pub trait Provider: Send + Sync + 'static {
    /// Its name in addresses.
    const SLUG: &'static str;
    /// Its name for people.
    const TITLE: &'static str;
    /// The services that the real provider runs under host names of their own. The first one is the API.
    const SITES: &'static [Site];
    /// OpenAPI 3.1 document, as JSON.
    const OPENAPI: &'static str;
    /// Its tables, in append-only steps of SQL.
    const SCHEMA: &'static [&'static str];
    /// What a fresh world holds, as JSON: the built-in fixture.
    const FIXTURE: &'static str;
    /// Its operations.
    const ROUTES: &'static [Route<Self::Error>];
    /// What people and outside systems do.
    const SIMULATIONS: &'static [Simulation];
    /// Its switches.
    const SETTINGS: &'static [Setting] = &[];
    /// How its paths are compared.
    const PATH_RULES: PathRules = PathRules { trailing_slash: false, ignore_case: false };
    /// The largest body that it takes, in bytes.
    const BODY_LIMIT: usize = BODY_LIMIT;
    /// Everything that an operation can fail with.
    type Error: From<Problem> + From<rusqlite::Error>;

    /// Fills the tables from a fixture, checking it strictly; `cx.now` is the moment of loading.
    fn load(cx: &mut Cx<'_>, fixture: &str) -> Result<(), FixtureError>;

    /// A world begins at `cx.now` with what was loaded at `loaded_at` (or with empty tables): sets the timers that come back, moves
    /// times that are relative to the beginning.
    fn begin(_cx: &mut Cx<'_>, _loaded_at: DateTime<Utc>) -> rusqlite::Result<()> {
        Ok(())
    }

    /// One of its timers fires; `cx.now` is the timer's due time.
    fn on_timer(cx: &mut Cx<'_>, timer: &Timer) -> rusqlite::Result<()>;

    /// What a client needs to know to use it, with the test credentials that the world holds.
    fn environment(cx: &mut Cx<'_>, links: &Links) -> rusqlite::Result<Vec<Variable>>;

    /// The provider's envelope of an error.
    fn render(error: Self::Error, req: &Req) -> Reply;

    /// Answers a request that no route matches, where the real service looks at more than method and path (at the caller's key, say).
    /// `problem` is [`Problem::NoRoute`] or [`Problem::MethodNotAllowed`], and what is returned unless the provider knows better.
    fn unmatched(_cx: &mut Cx<'_>, _req: &Req, problem: Problem) -> Result<Reply, Self::Error> {
        Err(problem.into())
    }

    /// Refuses what the real service refuses before it looks for a route (a body that it cannot read, say). Nothing unless told
    /// otherwise. `OPTIONS` where no route does is answered before.
    fn admit(_req: &Req) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Answers `OPTIONS` where no route does; `allowed` is empty on a path that is not known. 204 with `Allow` on a known path,
    /// unless the real service does otherwise; none makes it a problem like any other method.
    fn preflight(_req: &Req, allowed: &[Method]) -> Option<Reply> {
        let reply = || reply::empty(http::StatusCode::NO_CONTENT).header(http::header::ALLOW, any::allow(allowed));
        (!allowed.is_empty()).then(reply)
    }

    /// Gives every reply what all replies of the real service carry (headers, entity tags).
    fn finish(_req: &Req, _reply: &mut Reply) {}
}
