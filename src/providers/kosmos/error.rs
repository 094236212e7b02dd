//! Everything that can go wrong, and how it is worded.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::http::{Problem, Reply, reply};

/// Everything a 1Kosmos operation can fail with: a status and a message, in the form that the world's setting asks for.
#[derive(Debug)]
pub(crate) struct Error {
    kind: Kind,
    shape: Shape,
}

#[derive(Debug, thiserror::Error)]
enum Kind {
    /// A refusal with its status.
    #[error("{1}")]
    Refused(StatusCode, String),
    /// A refusal that says its message and nothing else.
    #[error("{0}")]
    Bare(&'static str),
    #[error("{}", words(.0))]
    Shared(Problem),
    #[error("Internal Server Error")]
    Store(#[from] rusqlite::Error),
}

/// Which keys an error has: documented are the first three, deployed services send the last two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Shape {
    /// `statusCode`, `error`, `code` and `message`.
    #[default]
    Both,
    /// `statusCode`, `error` and `message`.
    Seed,
    /// `code` and `message`.
    Deployed,
}

/// The wire form of an error.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    message: &'a str,
}

impl Error {
    /// A refusal.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Kind::Refused(status, message.into()).into()
    }

    /// 400 with a message.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 403 `Forbidden`.
    pub(super) fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden")
    }

    /// 400 whose body is the message alone.
    pub(super) fn bare(message: &'static str) -> Self {
        Kind::Bare(message).into()
    }

    /// The same error in another form.
    pub(super) fn shaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// The same error if it comes from the database.
    pub(super) fn into_store(self) -> Result<rusqlite::Error, Self> {
        match self.kind {
            Kind::Store(error) => Ok(error),
            _ => Err(self),
        }
    }

    /// Whether a body was too large.
    pub(super) fn is_too_large(&self) -> bool {
        matches!(self.kind, Kind::Shared(Problem::TooLarge { .. }))
    }

    /// Whether there were more requests than are taken.
    pub(super) fn is_overload(&self) -> bool {
        matches!(self.kind, Kind::Shared(Problem::RateLimited { .. } | Problem::Busy))
    }

    /// What a caller is told.
    pub(super) fn message(&self) -> String {
        self.kind.to_string()
    }

    /// The reply that says it.
    pub(super) fn reply(&self) -> Reply {
        if let Kind::Store(error) = &self.kind {
            tracing::error!(provider = "1kosmos", %error, "the world's database failed");
        }
        let message = self.message();
        let status = match &self.kind {
            Kind::Refused(status, _) => *status,
            Kind::Bare(_) => {
                let body = Envelope { status_code: None, error: None, code: None, message: &message };
                return reply::json(StatusCode::BAD_REQUEST, &body);
            }
            Kind::Shared(Problem::NoRoute | Problem::MethodNotAllowed(_)) => StatusCode::NOT_FOUND,
            Kind::Shared(Problem::Internal) | Kind::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Kind::Shared(Problem::RateLimited { .. }) => StatusCode::TOO_MANY_REQUESTS,
            Kind::Shared(Problem::Busy) => StatusCode::SERVICE_UNAVAILABLE,
            // No endpoint lists 413 or 408: what its body lacks or has too much of is a bad request.
            Kind::Shared(_) => StatusCode::BAD_REQUEST,
        };
        let documented = self.shape != Shape::Deployed;
        let deployed = self.shape != Shape::Seed;
        let body = Envelope {
            status_code: documented.then_some(status.as_u16()),
            error: status.canonical_reason().filter(|_| documented),
            code: deployed.then_some(status.as_u16()),
            message: &message,
        };
        reply::json(status, &body)
    }
}

fn words(problem: &Problem) -> String {
    match problem {
        Problem::NoRoute | Problem::MethodNotAllowed(_) => "Not found".to_owned(),
        Problem::TooLarge { limit } => format!("request body is larger than {limit} bytes"),
        Problem::Incomplete(_) => "request body is incomplete".to_owned(),
        Problem::Malformed(_) => "Invalid JSON".to_owned(),
        Problem::Invalid { path, reason } => format!("{path}: {reason}"),
        Problem::RateLimited { .. } => "Too Many Requests".to_owned(),
        Problem::Busy => "Service Unavailable".to_owned(),
        Problem::Internal => "Internal Server Error".to_owned(),
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self { kind, shape: Shape::default() }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Kind::Shared(problem).into()
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Kind::Store(error).into()
    }
}
