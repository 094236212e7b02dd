//! The control API, `/_understudy/…`: worlds, snapshots, time, faults, messages, requests, events, scenarios, simulations,
//! settings.
//!
//! It is for the developer at this machine, or for whoever has its token (see [`access`]), and refuses what a browser sends from
//! another site's page.

pub mod access;
mod clock;
mod details;
mod events;
mod faults;
mod info;
mod outbox;
mod requests;
mod scenarios;
mod settings;
pub mod simulations;
mod snapshots;
mod worlds;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use crate::http::router::{Match, PathRules, Router};
use crate::http::{Problem, Reply, Req, any, form, reply};
use crate::server::address::WORLD_HEADER;
use crate::server::listen::{Listening, deleted};
use crate::server::tls::Tls;
use crate::world::World;
use crate::world::journal::Move;
use crate::worlds::{Registry, Worlds};
use Handler::{Direct, Waiting};
use Parameters::{Any, Only};
use access::Access;
use details::Details;

/// OpenAPI 3.1 document of the control API.
pub const OPENAPI: &str = include_str!("openapi.json");

/// The largest body that the control API takes: 32 MiB.
pub const BODY_LIMIT: usize = 32 * 1024 * 1024;

/// One call and all that it may need.
struct Call<'a> {
    control: &'a Control,
    world: Option<&'a Arc<World>>,
    world_name: &'a str,
    req: &'a Req,
}

impl Call<'_> {
    /// The world that the address names.
    fn world(&self) -> Result<&Arc<World>, Details> {
        self.world.ok_or_else(|| unknown_world_details(self.world_name))
    }

    /// Refuses a query with a parameter that the call does not have.
    fn takes_only(&self, known: &[&str]) -> Result<(), Details> {
        let unknown = form::pairs(self.req.query.as_bytes()).find(|(name, _)| !known.contains(&&**name));
        unknown.map_or(Ok(()), |(name, _)| {
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(Details::new(StatusCode::BAD_REQUEST, format!("{name}: unknown parameter; this call knows {known}")))
        })
    }

    /// Ends when the server is to stop, or the world is deleted.
    fn end(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stop = self.control.stop.clone();
        let mut life = self.world.and_then(|world| self.control.worlds.life(world));
        async move {
            if life.is_some() {
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => {}
                    () = deleted(&mut life) => {}
                }
            }
        }
    }

    /// The body, which is an object, in the shape that the call wants; an empty body is an empty object.
    fn body<T: DeserializeOwned>(&self) -> Result<T, Details> {
        let empty;
        let req = if self.req.body.is_empty() {
            empty = Req { body: bytes::Bytes::from_static(b"{}"), ..self.req.clone() };
            &empty
        } else {
            self.req
        };
        // serde would take a list for an object: values in the order of the fields.
        let is_object = req.body.trim_ascii_start().starts_with(b"{");
        let checked = if is_object { Ok(()) } else { req.json_object().map(drop) };
        checked.and_then(|()| req.json()).map_err(|problem| Details::new(StatusCode::BAD_REQUEST, problem.to_string()))
    }
}

/// Who answers a call.
enum Handler {
    Direct(fn(&Call<'_>) -> Result<Reply, Details>),
    /// What takes real time: it waits for something to happen, tells what happens, or plays a story.
    Waiting(fn(&Call<'_>) -> Result<Later, Details>),
}

/// The parameters that the query of a call may have.
enum Parameters {
    Only(&'static [&'static str]),
    /// Any, as far as the table knows: what there may be depends on the rest of the call, or (of `health`) on the probes and redirects
    /// that bring theirs.
    Any,
}

const NOTHING: Parameters = Only(&[]);

/// The call that even those may make who have no token.
const HEALTH: &str = "getHealth";

/// All calls: method, path below `/_understudy`, id in the document, query, handler.
const CALLS: &[(Method, &str, &str, Parameters, Handler)] = &[
    (Method::GET, "/health", HEALTH, Any, Direct(info::health)),
    (Method::GET, "/info", "getInfo", NOTHING, Direct(info::info)),
    (Method::GET, "/openapi/{file}", "getOpenApi", NOTHING, Direct(info::openapi)),
    (Method::GET, "/worlds", "listWorlds", NOTHING, Direct(worlds::list)),
    (Method::POST, "/worlds", "createWorld", NOTHING, Direct(worlds::create)),
    (Method::GET, "/worlds/{name}", "getWorld", NOTHING, Direct(worlds::get)),
    (Method::DELETE, "/worlds/{name}", "deleteWorld", NOTHING, Direct(worlds::delete)),
    (Method::POST, "/reset", "resetWorld", NOTHING, Direct(worlds::reset)),
    (Method::GET, "/snapshots", "listSnapshots", NOTHING, Direct(snapshots::list)),
    (Method::POST, "/snapshots", "takeSnapshot", Any, Direct(snapshots::create)),
    (Method::DELETE, "/snapshots/{id}", "deleteSnapshot", NOTHING, Direct(snapshots::delete)),
    (Method::POST, "/snapshots/{id}/restore", "restoreSnapshot", NOTHING, Direct(snapshots::restore)),
    (Method::GET, "/snapshots/{id}/file", "downloadSnapshot", NOTHING, Direct(snapshots::file)),
    (Method::GET, "/database", "downloadDatabase", NOTHING, Direct(snapshots::database)),
    (Method::GET, "/clock", "getClock", NOTHING, Direct(clock::get)),
    (Method::PUT, "/clock", "setClock", NOTHING, Direct(clock::set)),
    (Method::POST, "/clock/advance", "advanceClock", NOTHING, Direct(clock::advance)),
    (Method::GET, "/faults", "listFaults", NOTHING, Direct(faults::list)),
    (Method::POST, "/faults", "createFault", NOTHING, Direct(faults::create)),
    (Method::DELETE, "/faults", "clearFaults", NOTHING, Direct(faults::clear)),
    (Method::GET, "/faults/{id}", "getFault", NOTHING, Direct(faults::get)),
    (Method::DELETE, "/faults/{id}", "deleteFault", NOTHING, Direct(faults::delete)),
    (Method::GET, "/outbox", "listMessages", Only(&["to"]), Direct(outbox::list)),
    (Method::DELETE, "/outbox", "clearMessages", Only(&["to"]), Direct(outbox::clear)),
    (Method::GET, "/requests", "listRequests", Any, Waiting(requests::list)),
    (Method::DELETE, "/requests", "clearRequests", NOTHING, Direct(requests::clear)),
    (Method::GET, "/requests/{id}", "getRequest", NOTHING, Direct(requests::get)),
    (Method::GET, "/events", "watchEvents", Only(&["types", "since"]), Waiting(events::watch)),
    (Method::GET, "/scenarios", "listScenarios", NOTHING, Direct(scenarios::list)),
    (Method::POST, "/scenarios/{name}/run", "runScenario", NOTHING, Waiting(scenarios::run)),
    (Method::GET, "/simulations", "listSimulations", NOTHING, Direct(simulations::list)),
    (Method::POST, "/simulations/{provider}/{name}", "runSimulation", NOTHING, Direct(simulations::run)),
    (Method::GET, "/settings/{provider}", "getSettings", NOTHING, Direct(settings::get)),
    (Method::PUT, "/settings/{provider}", "setSettings", NOTHING, Direct(settings::set)),
];

/// What a call answers.
#[derive(Debug)]
pub struct Answer {
    /// The answer, or the head of it.
    pub reply: Reply,
    /// The body of one that comes in pieces, instead of the reply's own.
    pub pieces: Option<UnsyncBoxBody<Bytes, std::io::Error>>,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self { reply, pieces: None }
    }
}

/// An answer that takes real time to come. Nothing of a world is locked meanwhile.
type Later = Pin<Box<dyn Future<Output = Result<Answer, Details>> + Send>>;

/// Who calls.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// Host and port that the caller wrote.
    pub authority: &'a str,
    /// Where the connection comes from.
    pub peer: SocketAddr,
}

/// The control API of one process.
#[derive(Debug)]
pub struct Control {
    worlds: Arc<Worlds>,
    started: DateTime<Utc>,
    /// Where this server listens; new ports are bound on the same host.
    gateway: SocketAddr,
    tls: Option<Arc<Tls>>,
    access: Access,
    listeners: UnboundedSender<Listening>,
    stop: watch::Receiver<bool>,
    router: Router,
}

impl Control {
    /// A control API over `worlds`, for whoever `access` admits, of a server that listens at `gateway` (over TLS where there is `tls`).
    /// New ports are bound on the same host and handed to `listeners`; calls that wait end when `stop` turns true.
    pub fn new(
        worlds: Arc<Worlds>,
        started: DateTime<Utc>,
        gateway: SocketAddr,
        tls: Option<Arc<Tls>>,
        access: Access,
        listeners: UnboundedSender<Listening>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let table = Self::operations().map(|(method, path, _)| (method.clone(), path));
        #[expect(clippy::expect_used, reason = "two routes for one path are a mistake in the table above, found by every test")]
        let router =
            Router::new(PathRules { trailing_slash: true, ignore_case: false }, table).expect("no two routes are the same");
        Self { worlds, started, gateway, tls, access, listeners, stop, router }
    }

    /// How callers speak to this server.
    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Who may use it.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The operations: method, path below `/_understudy`, id.
    pub fn operations() -> impl Iterator<Item = (&'static Method, &'static str, &'static str)> {
        CALLS.iter().map(|(method, path, id, ..)| (method, *path, *id))
    }

    /// Answers one call. `world` is the one that the address names as `world_name`, if it exists; `req.path` is the path below
    /// `/_understudy/`.
    pub async fn answer(
        &self,
        caller: &Caller<'_>,
        world: Option<&Arc<World>>,
        world_name: &str,
        req: &Req,
        refused: Option<Problem>,
    ) -> Answer {
        // On the world's clock before the call, which may move it.
        let moved = world.filter(|_| is_move(req)).map(|world| (world, world.now(req.received)));
        let outcome = match self.begin(caller, world, world_name, req, refused) {
            Ok(Begun::Done(reply)) => Ok(reply.into()),
            Ok(Begun::Later(later)) => later.await,
            Err(details) => Err(details),
        };
        let answer: Answer = outcome.unwrap_or_else(|details| Reply::from(details).into());
        if let Some((world, at)) = moved {
            world.journal.note_move(Move {
                after: 0,
                at,
                method: req.method.clone(),
                path: req.path.clone(),
                query: req.query.clone(),
                body: req.body.clone(),
                status: answer.reply.status,
                answer: answer.reply.body.clone(),
            });
        }
        answer
    }

    fn begin(
        &self,
        caller: &Caller<'_>,
        world: Option<&Arc<World>>,
        world_name: &str,
        req: &Req,
        refused: Option<Problem>,
    ) -> Result<Begun, Details> {
        let found = self.router.find(&req.method, &format!("/{}", req.path));
        match &found {
            Match::Route(index, _) if CALLS.get(*index).is_some_and(|call| call.2 == HEALTH) => {
                self.access.check_health(caller, req)?;
            }
            _ => self.access.check(caller, req)?,
        }
        match (refused, found) {
            (Some(problem @ Problem::TooLarge { .. }), _) => Err(Details::new(StatusCode::PAYLOAD_TOO_LARGE, problem.to_string())),
            (Some(problem @ Problem::Busy), _) => Err(Details::new(StatusCode::SERVICE_UNAVAILABLE, problem.to_string())),
            (Some(problem), _) => Err(Details::new(StatusCode::REQUEST_TIMEOUT, problem.to_string())),
            (None, Match::Route(index, params)) => {
                let req = &Req { params, ..req.clone() };
                let call = &Call { control: self, world, world_name, req };
                let Some((_, _, _, parameters, handler)) = CALLS.get(index) else { return Err(no_call(&req.path)) };
                if let Only(known) = parameters {
                    call.takes_only(known)?;
                }
                match handler {
                    Direct(handler) => handler(call).map(Begun::Done),
                    Waiting(handler) => handler(call).map(Begun::Later),
                }
            }
            (None, Match::OtherMethods(allowed)) => {
                let allowed = any::allow(&allowed);
                let details = Details::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} takes {allowed}", req.path));
                if req.method == Method::OPTIONS {
                    return Ok(Begun::Done(reply::empty(StatusCode::NO_CONTENT).header(http::header::ALLOW, allowed)));
                }
                Err(details.header(http::header::ALLOW, allowed))
            }
            (None, Match::Nothing) => Err(no_call(&req.path)),
        }
    }
}

/// Whether a call belongs to the story of a world: it changes it, or shows its messages.
fn is_move(req: &Req) -> bool {
    let noun = req.path.split('/').next().unwrap_or_default();
    match noun {
        "clock" | "faults" | "simulations" | "settings" => req.method != Method::GET,
        "outbox" => true,
        _ => false,
    }
}

enum Begun {
    Done(Reply),
    Later(Later),
}

fn no_call(path: &str) -> Details {
    let mut known: Vec<&str> = Vec::new();
    for (_, path, _) in Control::operations() {
        if !known.contains(&path) {
            known.push(path);
        }
    }
    Details::new(StatusCode::NOT_FOUND, format!("the control API has no /{path}; it has {}", known.join(", ")))
}

fn unknown_world_details(name: &str) -> Details {
    Details::new(
        StatusCode::NOT_FOUND,
        format!("there is no world named {name:?}; create it with POST /_understudy/worlds {{\"name\":{name:?}}}"),
    )
}

/// The answer to an address that names a world which does not exist.
pub fn unknown_world(name: &str) -> Reply {
    unknown_world_details(name).into()
}

/// The answer to an address of the gateway that leads to no provider.
pub fn nowhere(registry: &Registry) -> Reply {
    let slugs: Vec<String> = registry.slugs().map(|slug| format!("/{slug}")).collect();
    let detail = format!(
        "nothing is here; providers are at {}, the control API at /_understudy/, another world below /~<world>/ or with the header {WORLD_HEADER}",
        slugs.join(", ")
    );
    Details::new(StatusCode::NOT_FOUND, detail).into()
}
