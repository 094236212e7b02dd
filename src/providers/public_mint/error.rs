//! Errors as they are sent: `{code, message, errors?}` from the API, `{message}` from the gateway in front of it, XML from the bucket.
//!
//! The gateway's words are those of Kong 2.x (`kong/plugins/key-auth/handler.lua`, `kong/runloop/handler.lua` at 2.8.0). Codes and
//! statuses of the API are the provider's; that they stand under `code`, with the fields under `errors`, is assumed.

use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::{StatusCode, header};
use serde::Serialize;

use super::bucket::{BucketError, is_bucket_path};
use super::field_errors::FieldErrors;
use super::types::Message;
use crate::http::any::allow;
use crate::http::{Problem, Reply, Req, reply};

/// Media type of the bucket's errors.
const XML: HeaderValue = HeaderValue::from_static("application/xml");

/// Everything that an operation can fail with; `Display` is the `message` that is sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The gateway found no key.
    #[error("No API key found in request")]
    NoKey,
    /// The gateway found the key twice.
    #[error("Duplicate API key found")]
    DuplicateKey,
    /// Nobody has this key.
    #[error("Invalid authentication credentials")]
    UnknownKey,
    /// Fields are wrong.
    #[error("Validation failed")]
    Validation(FieldErrors),
    /// Another identity of the app has the e-mail address.
    #[error("Email already in use")]
    EmailAlreadyInUse,
    /// No such owner that the app may see.
    #[error("Identity owner not found")]
    IdentityOwnerNotFound,
    /// A company cannot own.
    #[error("Identity owner must be of type person")]
    IdentityOwnerMustBePerson,
    /// No such identity that the app may see.
    #[error("Identity not found")]
    IdentityNotFound,
    /// The identity has no such document.
    #[error("Document not found")]
    DocumentNotFound,
    /// The bucket refuses.
    #[error("{0}")]
    Bucket(#[from] BucketError),
    /// What the shared layers found.
    #[error("{0}")]
    Shared(Problem),
    /// The cause goes to the log, never to the client.
    #[error("Internal server error")]
    Store(#[from] rusqlite::Error),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Malformed(_) | Problem::Invalid { .. } => Self::Validation(FieldErrors::default()),
            other => Self::Shared(other),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<&'a FieldErrors>,
}

/// The reply to a failed request.
pub(super) fn render(error: Error, req: &Req) -> Reply {
    if let Error::Store(cause) = &error {
        tracing::error!(path = req.path, %cause, "a Public Mint operation failed");
    }
    if is_bucket_path(&req.path) && !matches!(error, Error::Shared(Problem::NoRoute)) {
        return bucket(error);
    }
    let api = |status, code, message: &str, errors| reply::json(status, &Body { code, message, errors });
    let refused = |message| reply::json(StatusCode::UNAUTHORIZED, &Message { message });
    match &error {
        Error::NoKey => refused("No API key found in request").header(WWW_AUTHENTICATE, "Key realm=\"kong\""),
        Error::DuplicateKey => refused("Duplicate API key found"),
        Error::UnknownKey => refused("Invalid authentication credentials"),
        Error::Validation(errors) => api(StatusCode::BAD_REQUEST, "validation_failed", &error.to_string(), Some(errors)),
        Error::EmailAlreadyInUse => api(StatusCode::BAD_REQUEST, "email_already_in_use", &error.to_string(), None),
        Error::IdentityOwnerNotFound => api(StatusCode::NOT_FOUND, "identity_owner_not_found", &error.to_string(), None),
        Error::IdentityOwnerMustBePerson => {
            api(StatusCode::UNPROCESSABLE_ENTITY, "identity_owner_must_be_of_type_person", &error.to_string(), None)
        }
        Error::IdentityNotFound => api(StatusCode::NOT_FOUND, "identity_not_found", &error.to_string(), None),
        Error::DocumentNotFound => api(StatusCode::NOT_FOUND, "document_not_found", &error.to_string(), None),
        Error::Shared(Problem::NoRoute) => {
            reply::json(StatusCode::NOT_FOUND, &Message { message: "no Route matched with those values" })
        }
        Error::Shared(Problem::MethodNotAllowed(_)) => api(StatusCode::NOT_FOUND, "not_found", "Not Found", None),
        Error::Shared(Problem::TooLarge { .. }) => {
            api(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "Payload too large", None)
        }
        Error::Shared(Problem::Incomplete(_)) => api(StatusCode::REQUEST_TIMEOUT, "request_timeout", "Request timeout", None),
        // As the gateway before the service refuses, which is the one that would count.
        Error::Shared(Problem::RateLimited { .. }) => {
            reply::json(StatusCode::TOO_MANY_REQUESTS, &Message { message: "API rate limit exceeded" })
        }
        Error::Shared(Problem::Busy) => {
            reply::json(StatusCode::SERVICE_UNAVAILABLE, &Message { message: "failure to get a peer from the ring-balancer" })
        }
        Error::Shared(Problem::Malformed(_) | Problem::Invalid { .. } | Problem::Internal) | Error::Bucket(_) | Error::Store(_) => {
            api(StatusCode::INTERNAL_SERVER_ERROR, "internal_server_error", "Internal server error", None)
        }
    }
}

/// Text as it may stand between XML tags.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            c if c.is_control() => f.write_str("\u{fffd}"),
            c => write!(f, "{c}"),
        })
    }
}

fn bucket(error: Error) -> Reply {
    let error = match error {
        Error::Bucket(error) => error,
        Error::Shared(Problem::MethodNotAllowed(allowed)) => {
            return xml(&BucketError::MethodNotAllowed).header(header::ALLOW, allow(&allowed));
        }
        Error::Shared(Problem::TooLarge { .. }) => BucketError::EntityTooLarge,
        Error::Shared(Problem::Incomplete(_)) => BucketError::RequestTimeout,
        Error::Shared(Problem::RateLimited { .. } | Problem::Busy) => BucketError::SlowDown,
        _ => BucketError::InternalError,
    };
    xml(&error)
}

fn xml(error: &BucketError) -> Reply {
    let (status, code) = error.class();
    let message = error.to_string();
    let text = format!("<Error><Code>{code}</Code><Message>{}</Message></Error>", Escaped(&message));
    reply::body(status, XML, text)
}
