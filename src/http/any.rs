//! Providers of different types behind one interface, for those who handle all of them alike.

use std::marker::PhantomData;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::Method;

use super::router::{Match, Router};
use super::{FixtureError, Links, Problem, Provider, Reply, Req, Setting, Simulation, Site, Variable};
use crate::world::Cx;
use crate::world::timers::Timer;

/// One operation, without its handler.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Operation {
    /// Method.
    #[serde(serialize_with = "method_text")]
    pub method: Method,
    /// Path below the provider's base, with `{parameters}`.
    pub path: &'static str,
    /// Operation id.
    pub id: &'static str,
}

fn method_text<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
}

/// What a provider is, in data. See [`Provider`] for the meaning of each field.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each field is a constant of Provider, described there")]
pub struct About {
    pub slug: &'static str,
    pub title: &'static str,
    pub sites: &'static [Site],
    pub openapi: &'static str,
    pub schema: &'static [&'static str],
    pub fixture: &'static str,
    pub simulations: &'static [Simulation],
    pub settings: &'static [Setting],
    pub body_limit: usize,
}

/// Any provider.
pub trait AnyProvider: Send + Sync {
    /// What it is.
    fn about(&self) -> &About;
    /// Its operations, in the order of its route table.
    fn operations(&self) -> &[Operation];
    /// Finds the operation for a request.
    fn find(&self, method: &Method, path: &str) -> Match;
    /// Runs an operation, by its place in [`AnyProvider::operations`]. An error is already in the provider's envelope.
    fn call(&self, operation: usize, cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Reply>;
    /// See [`Provider::unmatched`]. An error is already in the provider's envelope.
    fn unmatched(&self, cx: &mut Cx<'_>, req: &Req, problem: Problem) -> Result<Reply, Reply>;
    /// The provider's envelope of a problem.
    fn problem(&self, problem: Problem, req: &Req) -> Reply;
    /// See [`Provider::admit`]. A refusal is already in the provider's envelope.
    fn refuse(&self, req: &Req) -> Option<Reply>;
    /// See [`Provider::preflight`].
    fn preflight(&self, req: &Req, allowed: &[Method]) -> Option<Reply>;
    /// See [`Provider::finish`].
    fn finish(&self, req: &Req, reply: &mut Reply);
    /// See [`Provider::load`].
    fn load(&self, cx: &mut Cx<'_>, fixture: &str) -> Result<(), FixtureError>;
    /// See [`Provider::begin`].
    fn begin(&self, cx: &mut Cx<'_>, loaded_at: DateTime<Utc>) -> rusqlite::Result<()>;
    /// See [`Provider::on_timer`].
    fn on_timer(&self, cx: &mut Cx<'_>, timer: &Timer) -> rusqlite::Result<()>;
    /// See [`Provider::environment`].
    fn environment(&self, cx: &mut Cx<'_>, links: &Links) -> rusqlite::Result<Vec<Variable>>;
}

/// The `Allow` header for these methods; `HEAD` comes with `GET`.
pub fn allow(methods: &[Method]) -> String {
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
        names.push("HEAD");
    }
    names.sort_unstable();
    names.join(", ")
}

/// A provider as [`AnyProvider`], with its routes compiled.
pub fn of<P: Provider>() -> Arc<dyn AnyProvider> {
    let table = P::ROUTES.iter().map(|route| (route.method.clone(), route.path));
    #[expect(
        clippy::expect_used,
        reason = "two routes of a provider for one path are a mistake in its source, found by every test"
    )]
    let router = Router::new(P::PATH_RULES, table).expect("no two routes of a provider have the same method and path");
    let operations =
        P::ROUTES.iter().map(|route| Operation { method: route.method.clone(), path: route.path, id: route.operation }).collect();
    let about = About {
        slug: P::SLUG,
        title: P::TITLE,
        sites: P::SITES,
        openapi: P::OPENAPI,
        schema: P::SCHEMA,
        fixture: P::FIXTURE,
        simulations: P::SIMULATIONS,
        settings: P::SETTINGS,
        body_limit: P::BODY_LIMIT,
    };
    Arc::new(Of::<P> { about, operations, router, provider: PhantomData })
}

struct Of<P> {
    about: About,
    operations: Vec<Operation>,
    router: Router,
    provider: PhantomData<fn() -> P>,
}

impl<P: Provider> AnyProvider for Of<P> {
    fn about(&self) -> &About {
        &self.about
    }

    fn operations(&self) -> &[Operation] {
        &self.operations
    }

    fn find(&self, method: &Method, path: &str) -> Match {
        self.router.find(method, path)
    }

    fn call(&self, operation: usize, cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Reply> {
        match P::ROUTES.get(operation) {
            Some(route) => (route.handler)(cx, req).map_err(|error| P::render(error, req)),
            None => Err(self.problem(Problem::NoRoute, req)),
        }
    }

    fn unmatched(&self, cx: &mut Cx<'_>, req: &Req, problem: Problem) -> Result<Reply, Reply> {
        P::unmatched(cx, req, problem).map_err(|error| P::render(error, req))
    }

    fn problem(&self, problem: Problem, req: &Req) -> Reply {
        P::render(problem.into(), req)
    }

    fn refuse(&self, req: &Req) -> Option<Reply> {
        P::admit(req).err().map(|error| P::render(error, req))
    }

    fn preflight(&self, req: &Req, allowed: &[Method]) -> Option<Reply> {
        P::preflight(req, allowed)
    }

    fn finish(&self, req: &Req, reply: &mut Reply) {
        P::finish(req, reply);
    }

    fn load(&self, cx: &mut Cx<'_>, fixture: &str) -> Result<(), FixtureError> {
        P::load(cx, fixture)
    }

    fn begin(&self, cx: &mut Cx<'_>, loaded_at: DateTime<Utc>) -> rusqlite::Result<()> {
        P::begin(cx, loaded_at)
    }

    fn on_timer(&self, cx: &mut Cx<'_>, timer: &Timer) -> rusqlite::Result<()> {
        P::on_timer(cx, timer)
    }

    fn environment(&self, cx: &mut Cx<'_>, links: &Links) -> rusqlite::Result<Vec<Variable>> {
        P::environment(cx, links)
    }
}
