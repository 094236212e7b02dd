//! What goes wrong, in the words of the API and in those of its authorization server.

use http::header::{ALLOW, CACHE_CONTROL, HeaderName, PRAGMA, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::auth;
use crate::http::{Problem, Reply, Req, any, reply};

/// Media type of the authorization server's answers.
pub(super) const PLAIN_JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What the authorization server says beside an error that it does not explain.
const SEE_LOG: &str = "For more on this error consult the server log at the debug level.";

/// Everything that an operation can fail with; `Display` is the message that the API sends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A parameter, or a part of the body, is not right.
    #[error("{reason}")]
    Invalid {
        /// Which; none where several are to blame.
        field: Option<String>,
        /// The message.
        reason: String,
    },
    /// There is no token, or it is of no use.
    #[error("Invalid or expired access token")]
    Unauthorized,
    /// The token is good, but its client is no institution.
    #[error("Institution role required")]
    Forbidden,
    /// What was asked for does not exist for the caller.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// There is no living link with this token.
    #[error("Token not found or expired")]
    NoLink,
    /// The window's requests are used up.
    #[error("Rate limit exceeded")]
    RateLimited,
    /// The authorization server refuses.
    #[error("{}", .0.error_description)]
    OAuth(OAuthError),
    /// What the shared layers found.
    #[error("{}", words(.0))]
    Shared(Problem),
    /// The database failed; the cause goes to the log.
    #[error("Internal server error")]
    Store(#[from] rusqlite::Error),
    /// A reply could not be made; the cause goes to the log.
    #[error("Internal server error")]
    Internal(String),
}

/// An error of the authorization server, as OAuth 2.0 shapes it.
#[derive(Debug, Serialize)]
pub(crate) struct OAuthError {
    #[serde(skip)]
    status: StatusCode,
    error: String,
    error_description: String,
}

impl OAuthError {
    /// An error with a description.
    pub(super) fn refusal(status: StatusCode, error: &str, description: impl Into<String>) -> Error {
        Error::OAuth(Self { status, error: error.to_owned(), error_description: description.into() })
    }

    /// An error that the server explains only in its log.
    pub(super) fn unexplained(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), error_description: SEE_LOG.to_owned() }
    }
}

impl Error {
    /// A parameter or a part of the body that is not right.
    pub(super) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field: Some(field.into()), reason: reason.into() }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Shared(problem)
    }
}

fn words(problem: &Problem) -> &'static str {
    match problem {
        Problem::NoRoute => "Not found",
        Problem::MethodNotAllowed(_) => "Method not allowed",
        Problem::TooLarge { .. } => "Request body too large",
        Problem::Incomplete(_) => "Request body incomplete",
        Problem::Malformed(_) | Problem::Invalid { .. } => "Malformed JSON body",
        Problem::RateLimited { .. } => "Rate limit exceeded",
        Problem::Busy => "Service unavailable",
        Problem::Internal => "Internal server error",
    }
}

/// Status and `error`, as the API's table of errors has them.
pub(super) fn class(error: &Error) -> (StatusCode, &'static str) {
    match error {
        Error::Invalid { .. } | Error::Shared(Problem::Malformed(_) | Problem::Invalid { .. } | Problem::Incomplete(_)) => {
            (StatusCode::BAD_REQUEST, "BAD_REQUEST")
        }
        Error::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
        Error::Forbidden => (StatusCode::FORBIDDEN, "FORBIDDEN"),
        Error::NotFound(_) | Error::NoLink | Error::Shared(Problem::NoRoute) => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        Error::Shared(Problem::MethodNotAllowed(_)) => (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"),
        Error::Shared(Problem::TooLarge { .. }) => (StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE"),
        Error::RateLimited | Error::Shared(Problem::RateLimited { .. }) => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT"),
        Error::Shared(Problem::Busy) => (StatusCode::SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE"),
        Error::OAuth(_) | Error::Shared(Problem::Internal) | Error::Store(_) | Error::Internal(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR")
        }
    }
}

/// An error of the API.
#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    message: String,
    details: Details<'a>,
}

#[derive(Serialize)]
struct Details<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
}

/// The envelope of an error: the authorization server's on its paths, the API's everywhere else.
pub(super) fn render(error: Error, req: &Req) -> Reply {
    match &error {
        Error::Store(cause) => tracing::error!(%cause, "5n: the database failed"),
        Error::Internal(cause) => tracing::error!(cause, "5n: a reply could not be made"),
        _ => {}
    }
    let allowed = match &error {
        Error::Shared(Problem::MethodNotAllowed(methods)) => Some(any::allow(methods)),
        _ => None,
    };
    let window = match error {
        Error::Shared(Problem::RateLimited { limit, retry_after_s }) => Some((limit, retry_after_s)),
        _ => None,
    };
    let reply = match error {
        Error::OAuth(error) => oauth(&error),
        error if auth::is_authorization_server(&req.path) => oauth(&translated(&error, req)),
        error => api(&error, req),
    };
    match (allowed, window) {
        (Some(methods), _) if reply.status == StatusCode::METHOD_NOT_ALLOWED => reply.header(ALLOW, methods),
        (_, Some((limit, reset_s))) => {
            let number = |reply, name, value| number(reply, name, i64::try_from(value).unwrap_or(i64::MAX));
            let reply = number(number(reply, "x-ratelimit-limit", limit), "x-ratelimit-remaining", 0);
            number(reply, "x-ratelimit-reset", reset_s)
        }
        _ => reply,
    }
}

fn api(error: &Error, req: &Req) -> Reply {
    let (status, code) = class(error);
    let message = match error {
        Error::Shared(Problem::NoRoute) => format!("Cannot {} {}", req.method, req.path),
        error => error.to_string(),
    };
    let field = match error {
        Error::Invalid { field, .. } => field.as_deref(),
        _ => None,
    };
    let reply = reply::json(status, &Body { error: code, message, details: Details { field } });
    if status == StatusCode::UNAUTHORIZED { reply.header(WWW_AUTHENTICATE, "Bearer") } else { reply }
}

/// How the authorization server words what the shared layers found.
fn translated(error: &Error, req: &Req) -> OAuthError {
    if !auth::knows_realm(&req.path) {
        return OAuthError::unexplained(StatusCode::NOT_FOUND, "Realm does not exist");
    }
    let (status, _) = class(error);
    match status {
        StatusCode::INTERNAL_SERVER_ERROR => OAuthError::unexplained(status, "unknown_error"),
        status => {
            let reason = status.canonical_reason().unwrap_or("Error");
            let reason = if status == StatusCode::PAYLOAD_TOO_LARGE { "Request Entity Too Large" } else { reason };
            OAuthError::unexplained(status, format!("HTTP {} {reason}", status.as_u16()))
        }
    }
}

fn oauth(error: &OAuthError) -> Reply {
    no_store(reply::json_as(error.status, PLAIN_JSON, error))
}

/// Forbids caches to keep a reply of the token endpoint.
pub(super) fn no_store(reply: Reply) -> Reply {
    reply.header(CACHE_CONTROL, "no-store").header(PRAGMA, "no-cache")
}

/// A header with a number in it.
pub(super) fn number(reply: Reply, name: &'static str, value: i64) -> Reply {
    reply.header(HeaderName::from_static(name), HeaderValue::from(value))
}
