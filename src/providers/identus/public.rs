//! What anybody may ask.

use http::StatusCode;
use serde::Serialize;

use super::Error;
use super::answer;
use crate::http::{Reply, Req};
use crate::world::Cx;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Running {
    status: &'static str,
    app: &'static str,
    host: String,
    version: &'static str,
    is_debug: bool,
    is_docker: bool,
}

/// `GET /api/v1/public`: whether the service runs, and where. Public.
///
/// 200.
pub(super) fn status(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let host = req.links.url("api", "/");
    answer::read(cx, Running { status: "running", app: "identity", host, version: "1.0.0", is_debug: true, is_docker: false })
}

/// `GET /api/v1/public/unauthorized_api`: where the service sends those whom it does not let in.
///
/// 401.
pub(super) fn unauthorized(_cx: &mut Cx<'_>, _req: &Req) -> Result<Reply, Error> {
    Err(Error::Middleware { status: StatusCode::UNAUTHORIZED, text: "What made you think you are authorized to call this?" })
}
