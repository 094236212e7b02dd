//! Errors as the service words them: one JSON object `{name, message, code, className, data?}`, the shape of its framework
//! (Feathers). 1-Click errors carry an `errorCode`; the pairs of code and message are those of the provider's error list.

use http::{Method, StatusCode};
use serde::Serialize;

use crate::http::any::allow;
use crate::http::{Problem, Reply, Req, reply};

/// Everything that an operation can fail with; `Display` is the `message` that is sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A field is missing or wrong.
    #[error("{0}")]
    BadRequest(String),
    /// A 1-Click cannot be.
    #[error("{0}")]
    OneClick(OneClickError),
    /// No key, or an unknown one.
    #[error("Invalid or missing API key")]
    NotAuthenticated,
    /// The brand's key is right, but the feature is not enabled for it.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Unknown, another brand's, or no longer readable.
    #[error("{0}")]
    NotFound(String),
    /// The id is taken.
    #[error("Credential with id {0} already exists")]
    IdTaken(String),
    /// What the shared layers found.
    #[error("{0}")]
    Shared(Problem),
    /// The cause goes to the log, never to the client.
    #[error("Internal error")]
    Store(#[from] rusqlite::Error),
    /// A page could not be rendered; the cause goes to the log.
    #[error("Internal error")]
    Page(#[from] askama::Error),
    /// A token could not be written; the cause goes to the log.
    #[error("Internal error")]
    Token(#[from] serde_json::Error),
}

impl Error {
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::BadRequest(message.into())
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Shared(problem)
    }
}

impl From<OneClickError> for Error {
    fn from(error: OneClickError) -> Self {
        Self::OneClick(error)
    }
}

/// 1-Click errors with a code of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OneClickError {
    #[error("Unsupported phone number to use 1-Click")]
    UnsupportedPhone,
    #[error("Either 'phone' or 'email' is required")]
    PhoneRequired,
    #[error("Unable to use 1-click due to missing mandatory credentials")]
    MissingMandatory,
    #[error("Additional information is required to source data for user: birthDate")]
    BirthDateRequired,
    #[error("BirthDate mismatch.")]
    BirthDateMismatch,
    #[error("No credentials found")]
    NoCredentials,
    #[error("1-Click Not Found")]
    NotFound,
}

impl OneClickError {
    fn code(self) -> &'static str {
        match self {
            Self::UnsupportedPhone => "OCE002",
            Self::PhoneRequired => "OCE003",
            Self::MissingMandatory => "OCE007",
            Self::BirthDateRequired => "OCE011",
            Self::BirthDateMismatch => "OCE012",
            Self::NoCredentials => "OCE013",
            Self::NotFound => "OCE015",
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    name: &'a str,
    message: &'a str,
    code: u16,
    #[serde(rename = "className")]
    class_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
}

/// What the firewall before the service says.
#[derive(Serialize)]
struct Firewall {
    error: &'static str,
    message: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    ErrorCode {
        #[serde(rename = "errorCode")]
        error_code: &'static str,
    },
    Url {
        url: &'a str,
    },
}

/// The envelope of an error.
pub(super) fn render(error: &Error, req: &Req) -> Reply {
    if let Error::Store(_) | Error::Page(_) | Error::Token(_) = error {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(provider = "verified", cause, "an operation failed");
    }
    if let Error::Shared(Problem::RateLimited { .. }) = error {
        // No limit is documented; the provider's firewall has one, and does not speak as the service does.
        let body = Firewall { error: "Request blocked by firewall", message: "Too many requests" };
        return reply::json(StatusCode::TOO_MANY_REQUESTS, &body);
    }
    let (status, name, class_name) = class(error);
    let mut message = error.to_string();
    let mut data = None;
    let mut allowed = None;
    match error {
        Error::OneClick(error) => data = Some(Data::ErrorCode { error_code: error.code() }),
        Error::Shared(problem) => {
            message = words(problem, &req.method);
            match problem {
                Problem::NoRoute => data = Some(Data::Url { url: &req.path }),
                Problem::MethodNotAllowed(methods) => allowed = Some(allow(methods)),
                _ => {}
            }
        }
        _ => {}
    }
    let body = Body { name, message: &message, code: status.as_u16(), class_name, data };
    let reply = reply::json(status, &body);
    match allowed {
        Some(allowed) => reply.header(http::header::ALLOW, allowed),
        None => reply,
    }
}

fn class(error: &Error) -> (StatusCode, &'static str, &'static str) {
    const BAD_REQUEST: (StatusCode, &str, &str) = (StatusCode::BAD_REQUEST, "BadRequest", "bad-request");
    const NOT_FOUND: (StatusCode, &str, &str) = (StatusCode::NOT_FOUND, "NotFound", "not-found");
    match error {
        Error::NotFound(_) | Error::OneClick(OneClickError::NotFound) | Error::Shared(Problem::NoRoute) => NOT_FOUND,
        Error::BadRequest(_)
        | Error::OneClick(_)
        | Error::Shared(Problem::Malformed(_) | Problem::Invalid { .. } | Problem::Incomplete(_)) => BAD_REQUEST,
        Error::NotAuthenticated => (StatusCode::UNAUTHORIZED, "NotAuthenticated", "not-authenticated"),
        Error::Forbidden(_) => (StatusCode::FORBIDDEN, "Forbidden", "forbidden"),
        Error::IdTaken(_) => (StatusCode::CONFLICT, "Conflict", "conflict"),
        Error::Shared(Problem::MethodNotAllowed(_)) => (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "method-not-allowed"),
        Error::Shared(Problem::TooLarge { .. }) => (StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge", "payload-too-large"),
        Error::Shared(Problem::RateLimited { .. }) => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", "too-many-requests"),
        Error::Shared(Problem::Busy) => (StatusCode::SERVICE_UNAVAILABLE, "Unavailable", "unavailable"),
        Error::Shared(Problem::Internal) | Error::Store(_) | Error::Page(_) | Error::Token(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "GeneralError", "general-error")
        }
    }
}

fn words(problem: &Problem, method: &Method) -> String {
    match problem {
        Problem::NoRoute => "Page not found".to_owned(),
        Problem::MethodNotAllowed(_) => format!("Method `{}` is not supported by this endpoint.", service_method(method)),
        Problem::TooLarge { limit } => format!("request entity too large (limit {limit} bytes)"),
        Problem::Malformed(_) => "Invalid JSON body".to_owned(),
        Problem::Incomplete(_) => "request aborted".to_owned(),
        Problem::Invalid { path, reason } => format!("{path}: {reason}"),
        Problem::RateLimited { .. } => "Too many requests".to_owned(),
        Problem::Busy => "Service unavailable".to_owned(),
        Problem::Internal => "Internal error".to_owned(),
    }
}

/// The framework's word for a method. No route takes ids without taking `GET`, so `get` never comes up.
fn service_method(method: &Method) -> String {
    match method.as_str() {
        "GET" | "HEAD" => "find".to_owned(),
        "POST" => "create".to_owned(),
        "PUT" => "update".to_owned(),
        "DELETE" => "remove".to_owned(),
        other => other.to_ascii_lowercase(),
    }
}
