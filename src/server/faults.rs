//! Faults at the edge: answers that no provider made, and answers that come late, in pieces, or not at all.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Channel, Either, Full};
use serde_json::Value;

use super::Body;
use super::line::{End, Line};
use crate::http::{AnyProvider, Problem, Reply, Req, reply};
use crate::world::faults::{Answer, Connection, Cut};
use crate::world::journal::NO_ANSWER;

/// Pieces of a body that drips.
const PIECES: usize = 20;

/// How long the first half of a body may take to leave before the connection is cut. What is still in the server's own hands then
/// is lost with the rest.
const HALF_TIME: Duration = Duration::from_millis(20);

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// There is no answer, or no more of it: a fault.
#[derive(Debug, thiserror::Error)]
#[error("a fault rule cuts the connection")]
pub struct Broken;

/// The reply that a rule gives instead of the provider.
pub(super) fn instead(answer: Answer, provider: &dyn AnyProvider, req: &Req) -> Reply {
    match answer {
        Answer::RateLimited { limit, retry_after_s } => {
            let mut reply = provider.problem(Problem::RateLimited { limit, retry_after_s }, req);
            provider.finish(req, &mut reply);
            reply.headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
            reply
        }
        Answer::Respond { status, headers, body } => {
            let plain = match body {
                None | Some(Value::Null) => reply::empty(status),
                Some(Value::String(text)) => reply::body(status, TEXT, text),
                Some(json) => reply::json_as(status, json_type(provider, req), &json),
            };
            let mut finished = plain.clone();
            provider.finish(req, &mut finished);
            // The caller may have that very answer already; it was to get it all the same.
            let mut reply = if finished.status == status { finished } else { plain };
            for name in headers.keys() {
                reply.headers.remove(name);
            }
            reply.headers.extend(headers);
            reply
        }
    }
}

/// The media type of JSON as the provider writes it: that of its errors, where they are JSON.
fn json_type(provider: &dyn AnyProvider, req: &Req) -> HeaderValue {
    let error = provider.problem(Problem::Internal, req);
    let media_type = error.headers.get(CONTENT_TYPE).filter(|value| value.to_str().is_ok_and(|value| value.contains("json")));
    media_type.cloned().unwrap_or(reply::JSON)
}

/// A reply that nobody will get.
pub(super) fn nothing() -> Reply {
    reply::empty(StatusCode::from_u16(NO_ANSWER).unwrap_or_default())
}

/// What the caller gets of a reply: its status, headers and body.
pub(super) fn delivered<'a>(reply: &'a Reply, cut: Option<Cut>, method: &Method) -> (StatusCode, Option<&'a HeaderMap>, Bytes) {
    // The answer to HEAD goes out without its body.
    let is_empty = reply.body.is_empty() || *method == Method::HEAD;
    let whole = || (reply.status, Some(&reply.headers), if is_empty { Bytes::new() } else { reply.body.clone() });
    match cut.map(|cut| cut.connection) {
        None | Some(Connection::Drip) => whole(),
        Some(Connection::Truncate) if !is_empty => (reply.status, Some(&reply.headers), half(&reply.body)),
        Some(_) => {
            let nothing = nothing();
            (nothing.status, None, nothing.body)
        }
    }
}

fn half(body: &Bytes) -> Bytes {
    let mut half = body.clone();
    half.truncate(body.len() / 2);
    half
}

/// Sends a response on its way as a connection fault has it.
pub(super) async fn send(
    cut: Cut,
    line: &Arc<Line>,
    version: Version,
    response: Response<Bytes>,
) -> Result<Response<Body>, Broken> {
    let is_stream = version == Version::HTTP_2;
    match cut.connection {
        Connection::Reset => {
            if !is_stream {
                line.end(End::Reset);
            }
            Err(Broken)
        }
        Connection::Hang => {
            if is_stream {
                // The other streams go on; the client's leaving ends this one.
                line.stopped().await;
            } else {
                line.end(End::Hang);
            }
            Err(Broken)
        }
        Connection::Truncate if response.body().is_empty() => Err(Broken),
        Connection::Drip if response.body().is_empty() => Ok(response.map(|body| Either::Left(Full::new(body)))),
        Connection::Truncate | Connection::Drip => {
            let (mut head, mut body) = response.into_parts();
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            let (mut sender, channel) = Channel::new(1);
            let line = line.clone();
            tokio::spawn(async move {
                if cut.connection == Connection::Truncate {
                    // Who left before does not miss it.
                    let _ = sender.send_data(half(&body)).await;
                    line.pause(HALF_TIME).await;
                    return sender.abort(io::Error::other(Broken));
                }
                let size = body.len().div_ceil(PIECES);
                while !body.is_empty() {
                    let piece = body.split_to(size.min(body.len()));
                    if sender.send_data(piece).await.is_err() {
                        return;
                    }
                    if !body.is_empty() {
                        line.pause(cut.pause).await;
                    }
                }
            });
            Ok(Response::from_parts(head, Either::Right(channel.boxed_unsync())))
        }
    }
}
