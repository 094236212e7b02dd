//! The way of one request: from whole request to whole response.

pub mod address;
pub mod authority;
pub mod capacity;
pub mod deliver;
pub mod faults;
pub mod line;
pub mod listen;
#[cfg(test)]
mod tests;
pub mod tls;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use http::header::{ALLOW, CONTENT_LENGTH, DATE};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body as _, Incoming};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::control::{self, Control, access};
use crate::dashboard;
use crate::http::{AnyProvider, Match, Params, Problem, Reply, Req};
use crate::world::clock::{Stopwatch, real_now};
use crate::world::faults::{Call, Cut};
use crate::world::journal::Note;
use crate::world::{Cx, Failure, World};
use crate::worlds::Worlds;
use address::{Address, Target};
use capacity::{Capacity, Room};
use deliver::Webhooks;
use faults::Broken;
use line::Line;
use listen::{Limits, Listening};
use tls::Tls;

/// How often due timers fire without being asked, and worlds that nobody used for too long are deleted.
const TICK: Duration = Duration::from_secs(1);

/// How often worlds begin and go to sleep, a few at a time, while there are any that should.
const TIDYING: Duration = Duration::from_millis(20);

/// How much of a body that is too large is read and dropped, so that the client sees the refusal and not a reset.
const DRAIN_LIMIT: u64 = 1024 * 1024 * 1024;

/// What goes out: nearly always a whole body; otherwise one that comes in pieces, or breaks off.
pub type Body = Either<Full<Bytes>, UnsyncBoxBody<Bytes, std::io::Error>>;

/// What every connection shares.
pub struct Server {
    /// The worlds.
    pub worlds: Arc<Worlds>,
    /// The control API.
    pub control: Control,
    /// Scheme and authority for links, where the caller's address is not the right one.
    pub external: Option<(&'static str, String)>,
    /// Where webhooks may go.
    pub webhooks: Webhooks,
    /// How long clients may take.
    pub limits: Limits,
    /// What is free of them.
    pub capacity: Capacity,
    /// What it speaks TLS with, on every port; plain HTTP when absent.
    pub tls: Option<Arc<Tls>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

impl Server {
    /// `https` or `http`.
    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Answers one request that came in on `line`; an error where a fault leaves it without an answer.
    pub async fn answer(&self, line: &Arc<Line>, request: Request<Incoming>) -> Result<Response<Body>, Broken> {
        let peer = line.peer;
        let (head, body) = request.into_parts();
        let Address { world: world_name, target, links } =
            address::resolve(&self.worlds.registry, &line.port, self.scheme(), self.external.as_ref(), &head.uri, &head.headers);
        let provider = match &target {
            Target::Provider(slug, _) => self.worlds.registry.provider(slug),
            _ => None,
        };
        let limit = provider.map_or(control::BODY_LIMIT, |provider| provider.about().body_limit);
        let mut room = self.capacity.body();
        let body = if body.is_end_stream() {
            Ok(Bytes::new())
        } else {
            let late = |_| Err(Problem::Incomplete(format!("it took longer than {} ms", self.limits.body.as_millis())));
            tokio::time::timeout(self.limits.body, read(body, limit, &mut room)).await.unwrap_or_else(late)
        };
        let real = real_now();
        let (body, refused) = match body {
            Ok(body) => (body, None),
            Err(problem) => (Bytes::new(), Some(problem)),
        };
        let mut req = Req {
            method: head.method,
            path: String::new(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers,
            body,
            params: Params::default(),
            received: real,
            peer: peer.ip(),
            links,
        };
        let world = self.worlds.get(&world_name);
        let is_head = req.method == Method::HEAD;
        let asked = world.clone();
        let mut pieces = None;
        let mut cut = None;
        let (now, reply) = match (world, target, provider) {
            (Some(world), Target::Provider(_, path), Some(provider)) => {
                path.clone_into(&mut req.path);
                if self.control.access().token.is_some() {
                    access::strip(&mut req.headers);
                }
                let target = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
                let outcome = Self::provider(line, &world, &**provider, req, refused, target, head.version).await;
                cut = outcome.cut;
                (outcome.now, outcome.reply)
            }
            (world, Target::Control(path), _) => {
                let now = world.as_ref().map_or(real, |world| world.now(real));
                path.clone_into(&mut req.path);
                let caller = control::Caller { authority: address::host(&head.uri, &req.headers), peer };
                let answer = self.control.answer(&caller, world.as_ref(), &world_name, &req, refused).await;
                pieces = answer.pieces;
                (now, answer.reply)
            }
            (None, _, _) => (real, control::unknown_world(&world_name)),
            (Some(world), Target::Front, _) => {
                let caller = control::Caller { authority: address::host(&head.uri, &req.headers), peer };
                let front = || dashboard::answer(&self.worlds, &world, &req);
                (world.now(real), self.control.access().at_the_door(&caller, &req).unwrap_or_else(front))
            }
            (Some(world), _, _) => (world.now(real), control::nowhere(&self.worlds.registry)),
        };
        if let Some(world) = asked {
            self.worlds.look_for_webhooks(&world, real);
            self.worlds.limit_awake(&world);
        }
        if !reply.wait.is_zero() {
            line.pause(reply.wait).await;
        }
        let response = respond(now, reply, is_head);
        match (cut, pieces) {
            (Some(cut), _) => faults::send(cut, line, head.version, response).await,
            (None, None) => Ok(response.map(|body| Either::Left(Full::new(body)))),
            (None, Some(pieces)) => {
                let mut response = response.map(|_| Either::Right(pieces));
                response.headers_mut().remove(CONTENT_LENGTH);
                Ok(response)
            }
        }
    }

    /// Has a provider answer unless a fault comes between, and notes the exchange.
    async fn provider(
        line: &Line,
        world: &World,
        provider: &dyn AnyProvider,
        mut req: Req,
        refused: Option<Problem>,
        target: PathAndQuery,
        version: Version,
    ) -> Outcome {
        let watch = Stopwatch::start();
        let slug = provider.about().slug;
        let found = provider.find(&req.method, &req.path);
        let operation = match &found {
            Match::Route(index, _) => id_of(provider, *index),
            _ => None,
        };
        let plan = world.strike(&Call { provider: slug, operation, method: &req.method, path: &req.path }, req.received);
        if !plan.before.is_zero() {
            line.pause(plan.before).await;
            req.received = real_now();
        }
        let (now, mut reply) = if plan.is_cut_before() {
            (world.now(req.received), faults::nothing())
        } else if let Some(answer) = plan.answer {
            (world.now(req.received), faults::instead(answer, provider, &req))
        } else {
            work(world, provider, operation, found, &mut req, refused)
        };
        let took = watch.elapsed();
        let (status, response_headers, response_body) = faults::delivered(&reply, plan.cut, &req.method);
        tracing::debug!(
            world = world.name(),
            provider = slug,
            operation,
            "{} {} -> {} in {took:?}",
            req.method,
            loggable(provider, operation),
            reply.status.as_u16()
        );
        world.note(Note {
            at: now,
            took,
            provider: slug,
            operation,
            method: &req.method,
            version,
            scheme: req.links.scheme,
            authority: &req.links.authority,
            target: &target,
            path: &req.path,
            request_headers: &req.headers,
            request_body: &req.body,
            status,
            response_headers,
            response_body,
            faults: plan.faults,
            connection: plan.cut.map(|cut| cut.connection),
        });
        reply.wait += plan.after;
        Outcome { now, reply, cut: plan.cut }
    }
}

/// What came of a request to a provider.
struct Outcome {
    /// The world's time.
    now: DateTime<Utc>,
    /// The answer.
    reply: Reply,
    /// What happens to it on its way.
    cut: Option<Cut>,
}

/// Has a provider do its work. Returns the world's time with the answer.
fn work(
    world: &World,
    provider: &dyn AnyProvider,
    operation: Option<&'static str>,
    found: Match,
    req: &mut Req,
    refused: Option<Problem>,
) -> (DateTime<Utc>, Reply) {
    let (now, mut reply) = match (refused, found) {
        (Some(problem), _) => (world.now(req.received), provider.problem(problem, req)),
        (None, Match::Route(index, params)) => {
            req.params = params;
            match provider.refuse(req) {
                Some(refusal) => (world.now(req.received), refusal),
                None => handle(world, provider, operation, req, |cx| provider.call(index, cx, req)),
            }
        }
        (None, found) => {
            let allowed = if let Match::OtherMethods(allowed) = found { allowed } else { Vec::new() };
            let preflight = if req.method == Method::OPTIONS { provider.preflight(req, &allowed) } else { None };
            match preflight.or_else(|| provider.refuse(req)) {
                Some(reply) => (world.now(req.received), reply),
                None => {
                    let problem = if allowed.is_empty() { Problem::NoRoute } else { Problem::MethodNotAllowed(allowed) };
                    handle(world, provider, operation, req, |cx| provider.unmatched(cx, req, problem))
                }
            }
        }
    };
    provider.finish(req, &mut reply);
    (now, reply)
}

/// Has the provider answer in one transaction of the world. Returns the world's time with the answer.
fn handle(
    world: &World,
    provider: &dyn AnyProvider,
    operation: Option<&'static str>,
    req: &Req,
    work: impl FnOnce(&mut Cx<'_>) -> Result<Reply, Reply>,
) -> (DateTime<Utc>, Reply) {
    let slug = provider.about().slug;
    let (now, outcome) = world.request(req.received, slug, work);
    let reply = outcome.unwrap_or_else(|failure| match failure {
        Failure::Refused(reply) => reply,
        failure => {
            tracing::error!(world = world.name(), provider = slug, operation, %failure, "a request failed and is undone");
            provider.problem(Problem::Internal, req)
        }
    });
    (now, reply)
}

/// What the log says instead of a path, in which there may be secrets: that of the operation, with its parameters' names. The journal
/// has it whole, for those who may see that.
fn loggable(provider: &dyn AnyProvider, operation: Option<&str>) -> &'static str {
    provider.operations().iter().find(|known| Some(known.id) == operation).map_or("(no operation)", |known| known.path)
}

fn id_of(provider: &dyn AnyProvider, index: usize) -> Option<&'static str> {
    provider.operations().get(index).map(|operation| operation.id)
}

/// Serves sockets, and those that come later, until `stop` turns true and what is in flight has finished.
pub async fn run(
    server: Arc<Server>,
    listening: Vec<Listening>,
    mut new_listening: UnboundedReceiver<Listening>,
    mut stop: watch::Receiver<bool>,
) {
    let mut sockets = JoinSet::new();
    for one in listening {
        sockets.spawn(listen::serve(server.clone(), one, stop.clone()));
    }
    sockets.spawn({
        let (server, stop) = (server.clone(), stop.clone());
        async move {
            deliver::run(server, stop).await;
            Ok(())
        }
    });
    let stopping = stop.clone();
    let mut tick = tokio::time::interval(TICK);
    let mut tidying = tokio::time::interval(TIDYING);
    tidying.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_untidy = false;
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            Some(one) = new_listening.recv() => {
                sockets.spawn(listen::serve(server.clone(), one, stopping.clone()));
            }
            _ = tick.tick() => {
                server.worlds.tick(real_now());
                is_untidy = true;
            }
            _ = tidying.tick(), if is_untidy => is_untidy = server.worlds.tidy(real_now()),
        }
    }
    while let Some(ended) = sockets.join_next().await {
        if let Ok(Err(error)) = ended {
            tracing::error!(%error, "a socket could not be served");
        }
    }
}

/// Reads a body under a limit, and as far as there is room. Past either the rest is read and dropped.
async fn read(mut body: Incoming, limit: usize, room: &mut Room<'_>) -> Result<Bytes, Problem> {
    let announced = body.size_hint().lower();
    let too_large = || Some(Problem::TooLarge { limit });
    let mut refused = if announced > u64::try_from(limit).unwrap_or(u64::MAX) { too_large() } else { None };
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    let mut seen = 0_u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Problem::Incomplete(error.to_string()))?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len() as u64;
        if refused.is_none() {
            if seen > limit as u64 {
                refused = too_large();
            } else if !room.take(data.len()) {
                refused = Some(Problem::Busy);
            }
        }
        if refused.is_some() {
            room.clear();
            whole = BytesMut::new();
            first = Bytes::new();
            if seen > DRAIN_LIMIT {
                break;
            }
        } else if first.is_empty() && whole.is_empty() {
            // One frame is the usual case, and needs no copy.
            first = data;
        } else {
            if whole.is_empty() {
                whole.extend_from_slice(&std::mem::take(&mut first));
            }
            whole.extend_from_slice(&data);
        }
    }
    if let Some(problem) = refused {
        return Err(problem);
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

thread_local! {
    /// The second that was asked for last, and how it is written: it is the same for many answers.
    static DATE_OF: RefCell<(i64, HeaderValue)> = const { RefCell::new((i64::MIN, HeaderValue::from_static(""))) };
}

fn date(now: DateTime<Utc>) -> HeaderValue {
    DATE_OF.with_borrow_mut(|(second, written)| {
        if *second != now.timestamp()
            && let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(now.into()))
        {
            (*second, *written) = (now.timestamp(), date);
        }
        written.clone()
    })
}

fn respond(now: DateTime<Utc>, reply: Reply, is_head: bool) -> Response<Bytes> {
    let Reply { status, mut headers, body, wait: _ } = reply;
    headers.insert(DATE, date(now));
    let bodiless = status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
    if is_head && !bodiless {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED && !headers.contains_key(ALLOW) {
        headers.insert(ALLOW, HeaderValue::from_static(""));
    }
    let body = if is_head || bodiless { Bytes::new() } else { body };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
