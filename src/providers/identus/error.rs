//! What an operation can fail with, in the shapes in which the service and the agent behind it say so.

use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue, VARY};
use serde::Serialize;

use super::answer::{self, PAGE_POLICY};
use crate::http::{Problem, Reply, Req, reply};
use crate::world::Cx;

/// Everything below it is the API; what no route matches there is a 400.
const API: &str = "/api/v1/";

/// Everything that an operation can fail with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The service's own check inside a route.
    #[error("{message}")]
    Handler {
        /// Status code.
        status: StatusCode,
        /// What it says.
        message: String,
    },
    /// The service's own check before a route.
    #[error("{text}")]
    Middleware {
        /// Status code.
        status: StatusCode,
        /// What it says.
        text: &'static str,
    },
    /// The agent refused.
    #[error("{}", agent_message(*.status, .detail.as_deref()))]
    Agent {
        /// The agent's status code.
        status: StatusCode,
        /// The agent's reason, if it gives one.
        detail: Option<String>,
        /// Whether the caller sees the agent's status, and not 500.
        propagate: bool,
    },
    /// What cannot be read as a request: an error page. The text begins with the error's name.
    #[error("{text}")]
    Page {
        /// Status code.
        status: StatusCode,
        /// What it says.
        text: String,
    },
    /// The agent's own API, served beside the service's, refused.
    #[error("{detail}")]
    AgentApi {
        /// Status code.
        status: StatusCode,
        /// The kind of error.
        kind: &'static str,
        /// Its title.
        title: &'static str,
        /// What it says.
        detail: String,
        /// Names this occurrence.
        instance: String,
    },
    /// What the shared layers found.
    #[error("{0}")]
    Shared(Problem),
    /// SQLite failed.
    #[error("the database failed: {0}")]
    Store(#[from] rusqlite::Error),
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Shared(problem)
    }
}

fn agent_message(status: StatusCode, detail: Option<&str>) -> String {
    let status = status.as_u16();
    let detail = detail.map(|detail| format!(" - {detail}")).unwrap_or_default();
    format!("Request failed with status code {status}{detail}")
}

impl Error {
    /// A refusal of the service itself.
    pub(super) fn handler(status: StatusCode, message: impl Into<String>) -> Self {
        Self::Handler { status, message: message.into() }
    }

    /// A refusal of the agent.
    pub(super) fn agent(cx: &Cx<'_>, status: StatusCode, detail: impl Into<String>) -> Self {
        Self::of_agent(cx, status, Some(detail.into()))
    }

    /// A refusal of the agent that says nothing but its status.
    pub(super) fn agent_status(cx: &Cx<'_>, status: StatusCode) -> Self {
        Self::of_agent(cx, status, None)
    }

    /// The agent's 400 for a body that it cannot decode. `call` is its method and path.
    pub(super) fn decoding(cx: &Cx<'_>, call: &str, reason: &str) -> Self {
        let detail = format!(
            "An error occurred when decoding the request body: path=['{call}'], details=[Invalid value for: body ({reason})]"
        );
        Self::agent(cx, StatusCode::BAD_REQUEST, detail)
    }

    /// The agent's 500 for what it did not foresee. `call` is its method and path.
    pub(super) fn unexpected(cx: &Cx<'_>, call: &str) -> Self {
        let detail = format!("An unexpected error occurred when processing the request: path=['{call}']");
        Self::agent(cx, StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    fn of_agent(cx: &Cx<'_>, status: StatusCode, detail: Option<String>) -> Self {
        match cx.setting::<bool>("propagate_agent_status") {
            Ok(propagate) => Self::Agent { status, detail, propagate },
            Err(error) => Self::Store(error),
        }
    }

    /// A refusal of what cannot be read as a request.
    pub(super) fn page(status: StatusCode, text: impl Into<String>) -> Self {
        Self::Page { status, text: text.into() }
    }
}

/// `{"data":null,"status":…,"message":…}`
#[derive(Serialize)]
struct HandlerBody<'a> {
    data: (),
    status: u16,
    message: &'a str,
}

/// `{"data":null,"status":…,"statusText":…}`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MiddlewareBody<'a> {
    data: (),
    status: u16,
    status_text: &'a str,
}

/// The agent's own error object.
#[derive(Serialize)]
struct AgentBody<'a> {
    status: u16,
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    detail: &'a str,
    instance: &'a str,
}

/// The envelope of an error.
pub(super) fn render(error: Error, req: &Req) -> Reply {
    match &error {
        Error::Handler { status, message } => handler(*status, message),
        Error::Agent { status, propagate, .. } => {
            let status = if *propagate { *status } else { StatusCode::INTERNAL_SERVER_ERROR };
            handler(status, &error.to_string())
        }
        Error::Middleware { status, text } => {
            reply::json(*status, &MiddlewareBody { data: (), status: status.as_u16(), status_text: text })
        }
        Error::Page { status, text } => page(*status, text),
        Error::AgentApi { status, kind, title, detail, instance } => {
            reply::json(*status, &AgentBody { status: status.as_u16(), kind, title, detail, instance })
        }
        Error::Shared(Problem::NoRoute | Problem::MethodNotAllowed(_)) => unmatched(req),
        Error::Shared(Problem::TooLarge { .. }) => {
            page(StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLargeError: request entity too large")
        }
        Error::Shared(Problem::Incomplete(_)) => page(StatusCode::BAD_REQUEST, "BadRequestError: request aborted"),
        Error::Shared(Problem::Malformed(reason)) => page(StatusCode::BAD_REQUEST, &format!("SyntaxError: {reason}")),
        Error::Shared(Problem::Invalid { path, reason }) => handler(StatusCode::BAD_REQUEST, &format!("{path}: {reason}")),
        // No limit is documented; both are worded as the service words what its handlers refuse.
        Error::Shared(Problem::RateLimited { .. }) => handler(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"),
        Error::Shared(Problem::Busy) => handler(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        Error::Shared(Problem::Internal) => handler(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
        Error::Store(cause) => {
            tracing::error!(provider = "identus", error = %cause, "the database failed");
            handler(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }
    }
}

fn handler(status: StatusCode, message: &str) -> Reply {
    reply::json(status, &HandlerBody { data: (), status: status.as_u16(), message })
}

/// What no route matches: a 400 in the API, a redirect elsewhere.
fn unmatched(req: &Req) -> Reply {
    if req.path.get(..API.len()).is_some_and(|start| start.eq_ignore_ascii_case(API)) {
        let status = StatusCode::BAD_REQUEST;
        return reply::json(
            status,
            &MiddlewareBody { data: (), status: status.as_u16(), status_text: "What made you think you could call this?" },
        );
    }
    answer::redirect(req, "/web/cracked").header(VARY, "Accept")
}

/// An error page as Express writes it, without a stack.
fn page(status: StatusCode, text: &str) -> Reply {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;");
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n<pre>{text}</pre>\n</body>\n</html>\n"
    );
    reply::html(status, html).header(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY))
}
