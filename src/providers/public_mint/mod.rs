//! Public Mint: identities of persons and companies, and their KYC.
//!
//! Source: <https://developers.publicmint.io> (API Reference: Identities, Creating identities, Sandbox, Authentication, Pagination,
//! Operations, Webhooks, Documents) as of 2026-01-10.
//!
//! Emulated are the identity operations, the two steps of uploading a document, and the bucket in which documents are. What the
//! provider's pages leave open is our choice; the contract marks it as assumed: the shape of error bodies and of KYC states, the
//! statuses of operations, the reject call of the sandbox.
//!
//! Known gaps: no legacy documents, verifications, transactions, transfer methods or identity relations; operations are listed, not
//! activated; webhooks over HTTPS are only put into the outbox; no e-mail domain, country or tax number is looked up.
//!
//! Glossary. *Identity*: a person or a company, not a credential. *App*: a partner, the holder of one API key. *Owner*: the person whom
//! a company belongs to. *Verification*: what one KYC provider thinks of an identity, an entry of `kycStatus`. *Confirmed*: all of them
//! have approved. *Exception*: a reason why one has not.

mod auth;
mod body;
mod bucket;
mod documents;
mod error;
mod field_errors;
mod fixture;
mod formats;
mod identities;
mod kyc;
mod listing;
mod multipart;
mod operations;
mod rules;
mod sandbox;
mod settings;
mod simulations;
mod store;
mod types;
mod webhooks;

use http::Method;

use crate::http::{FixtureError, Links, PathRules, Problem, Provider, Reply, Req, Route, Setting, Simulation, Site, Variable};
use crate::world::Cx;
use crate::world::timers::Timer;
use error::Error;

/// Name of the one site.
const API: &str = "api";

/// Which of the environments is the real one.
const PRODUCTION: usize = 1;

/// The timer of a sandbox decision that was asked for a while ago.
const DECISION_TIMER: &str = "sandboxDecision";

/// Public Mint.
#[derive(Debug)]
pub(crate) struct PublicMint;

impl Provider for PublicMint {
    const SLUG: &'static str = "publicmint";
    const TITLE: &'static str = "Public Mint identities";
    const SITES: &'static [Site] = &[Site { name: API, hosts: &["api.sandbox.publicmint.io", "api.publicmint.io"] }];
    const OPENAPI: &'static str = include_str!("openapi.json");
    const SCHEMA: &'static [&'static str] = &[include_str!("schema.sql")];
    const FIXTURE: &'static str = include_str!("../../../fixtures/publicmint.json");
    const ROUTES: &'static [Route<Error>] = &[
        Route::post("/identities", "createIdentity", identities::create),
        Route::get("/identities", "listIdentities", listing::list),
        Route::get("/identities/{id}", "getIdentity", identities::get),
        Route::patch("/identities/{id}", "updateIdentity", identities::update),
        Route::delete("/identities/{id}", "deleteIdentity", identities::delete),
        Route::get("/identities/{id}/operations", "listIdentityOperations", operations::list),
        Route::get("/identities/{identityId}/documents/{id}/presign-url", "presignDocument", documents::presign),
        Route::post("/sandbox/identities/approve", "approveIdentity", sandbox::approve),
        Route::post("/sandbox/identities/reject", "rejectIdentity", sandbox::reject),
        Route::post("/presign-url", "presignUpload", documents::presign_upload),
        Route::post("/_s3/{bucket}", "uploadObject", bucket::upload),
        Route::get("/_s3/{bucket}", "getRootObject", bucket::get),
        Route::get("/_s3/{bucket}/{*key}", "getObject", bucket::get),
    ];
    const SIMULATIONS: &'static [Simulation] = simulations::ALL;
    const SETTINGS: &'static [Setting] = settings::ALL;
    const PATH_RULES: PathRules = PathRules { trailing_slash: true, ignore_case: false };
    const BODY_LIMIT: usize = bucket::FORM_MAX;
    type Error = Error;

    fn load(cx: &mut Cx<'_>, fixture: &str) -> Result<(), FixtureError> {
        fixture::load(cx, fixture)
    }

    fn on_timer(cx: &mut Cx<'_>, timer: &Timer) -> rusqlite::Result<()> {
        match timer.kind.as_str() {
            DECISION_TIMER => sandbox::decide_now(cx, &timer.subject),
            other => {
                tracing::warn!(timer = other, "publicmint: no such timer");
                Ok(())
            }
        }
    }

    fn environment(cx: &mut Cx<'_>, links: &Links) -> rusqlite::Result<Vec<Variable>> {
        let variable = |name: String, value: String, summary: String| Variable { name, value, summary };
        let base = variable("PUBLICMINT_BASE_URL".to_owned(), links.url(API, ""), "Base URL of the API".to_owned());
        let mut all = vec![base];
        for ((name, id, key), number) in store::apps(cx.db)?.into_iter().zip(1..) {
            let suffix = if number == 1 { String::new() } else { format!("_{number}") };
            all.push(variable(format!("PUBLICMINT_API_KEY{suffix}"), key, format!("API key of the app {name}")));
            all.push(variable(format!("PUBLICMINT_APP_ID{suffix}"), id, format!("Id of the app {name}")));
        }
        Ok(all)
    }

    fn render(error: Error, req: &Req) -> Reply {
        error::render(error, req)
    }

    /// The gateway asks for the key before the API says that it does not know the method; a path that is no route it refuses itself.
    fn unmatched(cx: &mut Cx<'_>, req: &Req, problem: Problem) -> Result<Reply, Error> {
        if matches!(problem, Problem::MethodNotAllowed(_)) && !bucket::is_bucket_path(&req.path) {
            auth::caller(cx, req)?;
        }
        Err(problem.into())
    }

    /// `OPTIONS` is a method like any other.
    fn preflight(_req: &Req, _allowed: &[Method]) -> Option<Reply> {
        None
    }
}
