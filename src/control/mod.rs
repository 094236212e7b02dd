//! The control API, `/_understudy/…`: worlds, time, messages, requests, simulations, settings.
//!
//! It is for the developer at this machine, or for whoever has its token (see [`access`]), and refuses what a browser sends from
//! another site's page.

pub mod access;
mod clock;
mod details;
mod info;
mod outbox;
mod requests;
mod settings;
pub mod simulations;
mod worlds;

use std::net::SocketAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::UnboundedSender;

use crate::http::router::{Match, PathRules, Router};
use crate::http::{Problem, Reply, Req, any, reply};
use crate::server::address::WORLD_HEADER;
use crate::server::listen::Listening;
use crate::world::World;
use crate::worlds::{Registry, Worlds};
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

type Handler = fn(&Call<'_>) -> Result<Reply, Details>;

/// The call that even those may make who have no token.
const HEALTH: &str = "getHealth";

const ROUTES: &[(Method, &str, &str, Handler)] = &[
    (Method::GET, "/health", HEALTH, info::health),
    (Method::GET, "/info", "getInfo", info::info),
    (Method::GET, "/openapi/{file}", "getOpenApi", info::openapi),
    (Method::GET, "/worlds", "listWorlds", worlds::list),
    (Method::POST, "/worlds", "createWorld", worlds::create),
    (Method::GET, "/worlds/{name}", "getWorld", worlds::get),
    (Method::DELETE, "/worlds/{name}", "deleteWorld", worlds::delete),
    (Method::POST, "/reset", "resetWorld", worlds::reset),
    (Method::GET, "/clock", "getClock", clock::get),
    (Method::PUT, "/clock", "setClock", clock::set),
    (Method::POST, "/clock/advance", "advanceClock", clock::advance),
    (Method::GET, "/outbox", "listMessages", outbox::list),
    (Method::DELETE, "/outbox", "clearMessages", outbox::clear),
    (Method::GET, "/requests", "listRequests", requests::list),
    (Method::DELETE, "/requests", "clearRequests", requests::clear),
    (Method::GET, "/requests/{id}", "getRequest", requests::get),
    (Method::GET, "/simulations", "listSimulations", simulations::list),
    (Method::POST, "/simulations/{provider}/{name}", "runSimulation", simulations::run),
    (Method::GET, "/settings/{provider}", "getSettings", settings::get),
    (Method::PUT, "/settings/{provider}", "setSettings", settings::set),
];

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
    /// The address that new ports are bound on.
    host: std::net::IpAddr,
    /// How callers speak to this server.
    scheme: &'static str,
    access: Access,
    listeners: UnboundedSender<Listening>,
    router: Router,
}

impl Control {
    /// A control API over `worlds`, for whoever `access` admits. New ports are bound on `host`, spoken to by `scheme` and handed to
    /// `listeners`.
    pub fn new(
        worlds: Arc<Worlds>,
        started: DateTime<Utc>,
        host: std::net::IpAddr,
        scheme: &'static str,
        access: Access,
        listeners: UnboundedSender<Listening>,
    ) -> Self {
        let table = ROUTES.iter().map(|(method, path, _, _)| (method.clone(), *path));
        #[expect(clippy::expect_used, reason = "two routes for one path are a mistake in the table above, found by every test")]
        let router =
            Router::new(PathRules { trailing_slash: true, ignore_case: false }, table).expect("no two routes are the same");
        Self { worlds, started, host, scheme, access, listeners, router }
    }

    /// Who may use it.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The operations: method, path below `/_understudy`, id.
    pub fn operations() -> impl Iterator<Item = (&'static Method, &'static str, &'static str)> {
        ROUTES.iter().map(|(method, path, id, _)| (method, *path, *id))
    }

    /// Answers one call. `world` is the one that the address names as `world_name`, if it exists; `req.path` is the path below
    /// `/_understudy/`.
    pub fn answer(
        &self,
        caller: &Caller<'_>,
        world: Option<&Arc<World>>,
        world_name: &str,
        req: &Req,
        refused: Option<Problem>,
    ) -> Reply {
        let found = self.router.find(&req.method, &format!("/{}", req.path));
        let admitted = match &found {
            Match::Route(index, _) if ROUTES.get(*index).is_some_and(|route| route.2 == HEALTH) => {
                self.access.check_health(caller, req)
            }
            _ => self.access.check(caller, req),
        };
        let outcome = admitted.and_then(|()| match (refused, found) {
            (Some(problem @ Problem::TooLarge { .. }), _) => Err(Details::new(StatusCode::PAYLOAD_TOO_LARGE, problem.to_string())),
            (Some(problem), _) => Err(Details::new(StatusCode::REQUEST_TIMEOUT, problem.to_string())),
            (None, Match::Route(index, params)) => {
                let req = &Req { params, ..req.clone() };
                let call = &Call { control: self, world, world_name, req };
                ROUTES.get(index).map_or_else(|| Err(no_call(&req.path)), |(_, _, _, handler)| handler(call))
            }
            (None, Match::OtherMethods(allowed)) => {
                let allowed = any::allow(&allowed);
                let details = Details::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} takes {allowed}", req.path));
                if req.method == Method::OPTIONS {
                    return Ok(reply::empty(StatusCode::NO_CONTENT).header(http::header::ALLOW, allowed));
                }
                Err(details.header(http::header::ALLOW, allowed))
            }
            (None, Match::Nothing) => Err(no_call(&req.path)),
        });
        outcome.unwrap_or_else(Into::into)
    }
}

fn no_call(path: &str) -> Details {
    let mut known: Vec<&str> = ROUTES.iter().map(|(_, path, _, _)| *path).collect();
    known.dedup();
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
