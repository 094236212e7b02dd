//! Errors of the control API: problem details (RFC 9457).

use http::header::HeaderName;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::http::simulation::Refusal;
use crate::http::{Reply, reply};
use crate::world::Failure;
use crate::world::faults::BadRule;
use crate::world::snapshot::SnapshotError;
use crate::worlds::{LoadError, NewWorldError, RegistryError};

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What went wrong.
#[derive(Clone, Debug)]
pub struct Details {
    status: StatusCode,
    detail: String,
    header: Option<(HeaderName, String)>,
}

impl Details {
    /// A problem with this status; `detail` says what to do about it.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), header: None }
    }

    /// Adds a header.
    pub fn header(self, name: HeaderName, value: String) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    /// The server itself failed; the cause goes to the log.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a control call failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the server failed; its log says why")
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
}

impl From<Details> for Reply {
    fn from(details: Details) -> Self {
        let Details { status, detail, header } = details;
        let title = status.canonical_reason().unwrap_or("Error");
        let body = Body { r#type: "about:blank", title, status: status.as_u16(), detail: &detail };
        let reply = reply::json_as(status, PROBLEM_JSON, &body);
        match header {
            Some((name, value)) => reply.header(name, value),
            None => reply,
        }
    }
}

impl From<rusqlite::Error> for Details {
    fn from(error: rusqlite::Error) -> Self {
        Self::internal(error)
    }
}

impl From<Failure<rusqlite::Error>> for Details {
    fn from(failure: Failure<rusqlite::Error>) -> Self {
        match failure {
            Failure::Refused(error) => Self::internal(error),
            other => Self::internal(other),
        }
    }
}

impl From<RegistryError> for Details {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::NoProvider { .. } => Self::new(StatusCode::NOT_FOUND, error.to_string()),
            other => Self::internal(other),
        }
    }
}

impl From<NewWorldError> for Details {
    fn from(error: NewWorldError) -> Self {
        let status = match &error {
            NewWorldError::BadName(_) | NewWorldError::Clock(_) | NewWorldError::Setting(_) | NewWorldError::Fixtures(_) => {
                StatusCode::BAD_REQUEST
            }
            NewWorldError::Exists(_) => StatusCode::CONFLICT,
            NewWorldError::NoSource(_) | NewWorldError::Snapshot(SnapshotError::Unknown { .. }) => StatusCode::NOT_FOUND,
            NewWorldError::Snapshot(_) | NewWorldError::Store(_) | NewWorldError::Registry(_) => return Self::internal(error),
        };
        Self::new(status, error.to_string())
    }
}

impl From<SnapshotError> for Details {
    fn from(error: SnapshotError) -> Self {
        let status = match &error {
            SnapshotError::BadName(_) => StatusCode::BAD_REQUEST,
            SnapshotError::Unknown { .. } => StatusCode::NOT_FOUND,
            SnapshotError::NoRoom { .. } => StatusCode::INSUFFICIENT_STORAGE,
            SnapshotError::Store(_) => return Self::internal(error),
        };
        Self::new(status, error.to_string())
    }
}

impl From<BadRule> for Details {
    fn from(error: BadRule) -> Self {
        let status = match &error {
            BadRule::Invalid(_) => StatusCode::BAD_REQUEST,
            BadRule::TooMany => StatusCode::CONFLICT,
        };
        Self::new(status, error.to_string())
    }
}

impl From<LoadError> for Details {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Refused(reason) => Self::new(StatusCode::BAD_REQUEST, reason),
            LoadError::Snapshot(error) => error.into(),
            LoadError::Store(_) | LoadError::Registry(_) => Self::internal(error),
        }
    }
}

impl From<Refusal> for Details {
    fn from(refusal: Refusal) -> Self {
        let status = match &refusal {
            Refusal::Invalid(_) => StatusCode::BAD_REQUEST,
            Refusal::NotFound(_) => StatusCode::NOT_FOUND,
            Refusal::Conflict(_) => StatusCode::CONFLICT,
            Refusal::Panicked(_) | Refusal::Store(_) => return Self::internal(refusal),
        };
        Self::new(status, refusal.to_string())
    }
}
