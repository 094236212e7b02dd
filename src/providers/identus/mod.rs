//! `OpenSourceAIS` Identity: verifiable credentials over a Hyperledger Identus cloud agent.
//!
//! The service wraps a multi-tenant agent: each call becomes calls of the agent, whose JSON is passed through inside `data`. What is
//! emulated here is therefore the wrapper's envelope, the agent's records, and the agent's background jobs.
//!
//! Source: <https://github.com/incubiq/ai_identity> (the published server) and <https://github.com/hyperledger/identus-cloud-agent>,
//! version 1.39, as of 2025-06.
//!
//! Glossary. *Record*: one side's view of an issuance; both sides share a thread (`thid`). *Wallet*: what a key opens; everything that
//! a caller sees is in one wallet. *Peer 1* and *peer 2* of custodial calls: issuer (or verifier, or inviter) and holder (or prover, or
//! invitee).
//!
//! Known gaps:
//! - The clock has milliseconds. Times are in microseconds, as the agent's, where fixtures give them; nanoseconds of a creation are drawn.
//! - Status lists are not signed, and `AnonCreds` definitions hold random numbers.
//! - Of the admin's website there is the front page only.
//! - Custodial calls take the steps of their own exchange at once, also with `realtime`, when only their answer comes as late as there.
//! - Bodies that are compressed are not unpacked.

mod admin;
mod answer;
mod auth;
mod body;
mod connecting;
mod connections;
mod credential;
mod custodial;
mod definitions;
mod dids;
mod error;
mod fixture;
mod flow;
mod issuing;
mod js;
mod keys;
mod offers;
mod pages;
mod presentations;
mod presenting;
mod public;
mod publishing;
mod schemas;
mod settings;
mod simulations;
mod status_lists;
mod store;
mod types;
mod wallets;

use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use error::Error;

use crate::http::{FixtureError, Links, PathRules, Provider, Reply, Req, Route, Setting, Simulation, Site, Variable, form};
use crate::world::Cx;
use crate::world::timers::Timer;

/// `OpenSourceAIS` Identity.
#[derive(Debug)]
pub(crate) struct Identus;

impl Provider for Identus {
    const SLUG: &'static str = "identus";
    const TITLE: &'static str = "Identus VC (OpenSourceAIS Identity)";
    const SITES: &'static [Site] = &[Site { name: "api", hosts: &["identity.opensourceais.com"] }];
    const OPENAPI: &'static str = include_str!("openapi.json");
    const SCHEMA: &'static [&'static str] = &[include_str!("schema.sql")];
    const FIXTURE: &'static str = include_str!("../../../fixtures/identus.json");
    const ROUTES: &'static [Route<Error>] = &[
        Route::get("/api/v1/vc/offers", "listOffers", offers::list),
        Route::get("/api/v1/vc/match/{type}", "matchCredential", offers::find),
        Route::post("/api/v1/vc/offer-noschema", "createOffer", offers::create),
        Route::post("/api/v1/vc/accept", "acceptOffer", offers::accept),
        Route::post("/api/v1/vc/issue", "issueCredential", offers::issue),
        Route::post("/api/v1/vc/issuance/custodial", "issueCustodially", custodial::issue),
        Route::post("/api/v1/wallet/mnemonic", "createMnemonic", wallets::generate),
        Route::get("/api/v1/wallet/{mnemonic}", "deriveWallet", wallets::derive),
        Route::get("/api/v1/admin", "getAdmin", admin::status),
        Route::get("/api/v1/admin/entities", "listEntities", admin::list),
        Route::get("/api/v1/admin/entity/{id}", "getEntity", admin::get),
        Route::post("/api/v1/admin/entity", "createEntity", admin::create),
        Route::delete("/api/v1/admin/entity/{id}", "deleteEntity", admin::delete),
        Route::get("/api/v1/identity/dids", "listDids", dids::list),
        Route::get("/api/v1/identity/dids/{did}", "resolveDid", dids::resolve),
        Route::post("/api/v1/identity/did", "createDid", dids::create),
        Route::patch("/api/v1/identity/did/{did}", "updateDid", dids::update),
        Route::get("/api/v1/p2p", "listConnections", connections::list),
        Route::get("/api/v1/p2p/{id}", "getConnection", connections::get),
        Route::post("/api/v1/p2p/invite", "createInvitation", connections::invite),
        Route::post("/api/v1/p2p/accept", "acceptInvitation", connections::accept),
        Route::post("/api/v1/p2p/custodial/connect", "connectCustodially", custodial::connect),
        Route::get("/api/v1/vc/offer/{id}", "getOffer", offers::get),
        Route::get("/api/v1/proof/presentations", "listPresentations", presentations::list),
        Route::get("/api/v1/proof/presentation/match/{type}", "matchPresentation", presentations::find),
        Route::post("/api/v1/proof/presentation", "requestPresentation", presentations::create),
        Route::post("/api/v1/proof/presentation/accept", "acceptPresentationRequest", presentations::accept),
        Route::patch("/api/v1/proof/presentation/{id}", "acceptPresentation", presentations::conclude),
        Route::post("/api/v1/proof/presentation/custodial", "presentCustodially", custodial::present),
        Route::get("/api/v1/schema", "listSchemas", schemas::list),
        Route::get("/api/v1/schema/{id}", "getSchema", schemas::get),
        Route::post("/api/v1/schema", "createSchema", schemas::create),
        Route::patch("/api/v1/schema/{id}", "updateSchema", schemas::update),
        Route::post("/api/v1/schema/install", "installSchemas", schemas::install),
        Route::get("/api/v1/definition", "listDefinitions", definitions::list),
        Route::get("/api/v1/definition/{guid}", "getDefinition", definitions::get),
        Route::post("/api/v1/definition", "createDefinition", definitions::create),
        Route::get("/api/v1/public", "getStatus", public::status),
        Route::get("/api/v1/public/unauthorized_api", "refuseUnauthorized", public::unauthorized),
        Route::get("/cloud-agent/credential-status/{id}", "getStatusList", status_lists::get),
        Route::get("/", "showHome", pages::home),
        Route::get("/refresh", "refreshHome", pages::refresh),
    ];
    const SIMULATIONS: &'static [Simulation] = simulations::ALL;
    const SETTINGS: &'static [Setting] = settings::ALL;
    const PATH_RULES: PathRules = PathRules { trailing_slash: true, ignore_case: true };
    const BODY_LIMIT: usize = 52_428_800;
    type Error = Error;

    fn load(cx: &mut Cx<'_>, fixture: &str) -> Result<(), FixtureError> {
        fixture::load(cx, fixture)
    }

    fn begin(cx: &mut Cx<'_>, _loaded_at: DateTime<Utc>) -> rusqlite::Result<()> {
        flow::begin(cx)
    }

    fn on_timer(cx: &mut Cx<'_>, timer: &Timer) -> rusqlite::Result<()> {
        flow::on_timer(cx, timer)
    }

    fn environment(cx: &mut Cx<'_>, links: &Links) -> rusqlite::Result<Vec<Variable>> {
        environment(cx, links)
    }

    fn admit(req: &Req) -> Result<(), Error> {
        body::check(req)
    }

    fn preflight(req: &Req, _allowed: &[Method]) -> Option<Reply> {
        Some(answer::preflight(req))
    }

    fn finish(req: &Req, reply: &mut Reply) {
        answer::finish(req, reply);
    }

    fn render(error: Error, req: &Req) -> Reply {
        error::render(error, req)
    }
}

/// A value of the path, decoded. 400 when its percent-escapes are not those of UTF-8 text.
fn param(req: &Req, name: &str) -> Result<String, Error> {
    let raw = req.params.raw(name);
    let escapes = raw.split('%').skip(1);
    let sound = escapes.clone().all(|rest| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2);
    let decoded = if sound { percent_decode_str(raw).decode_utf8().ok() } else { None };
    match decoded {
        Some(text) => Ok(text.into_owned()),
        None => Err(Error::page(StatusCode::BAD_REQUEST, format!("URIError: Failed to decode param '{raw}'"))),
    }
}

/// A query parameter, none when it is empty. One that is given several times reads as its values joined by commas.
fn query(req: &Req, name: &str) -> Option<String> {
    let values = form::all(req.query.as_bytes(), name);
    Some(values.join(",")).filter(|text| !text.is_empty())
}

/// The base URL of the agent: the setting, or this server as the caller reached it.
fn agent_base(cx: &Cx<'_>, links: &Links) -> rusqlite::Result<String> {
    let given: Option<String> = cx.setting("status_list_base")?;
    Ok(given.unwrap_or_else(|| links.url("api", "/cloud-agent")))
}

/// The base URL, the administrator's key, the keys of the first two entities, and the first connection.
fn environment(cx: &mut Cx<'_>, links: &Links) -> rusqlite::Result<Vec<Variable>> {
    let variable = |name: &str, value: String, summary: String| Variable { name: name.to_owned(), value, summary };
    let mut variables = vec![variable("IDENTUS_API_URL", links.url("api", ""), "Base URL".to_owned())];
    if let Some(key) = store::admin_key(cx.db)? {
        variables.push(variable("IDENTUS_ADMIN_KEY", key, "Value of the header x-admin-api-key".to_owned()));
    }
    for (entity, name) in store::entities::first(cx.db, 2)?.into_iter().zip(["IDENTUS_ISSUER_KEY", "IDENTUS_HOLDER_KEY"]) {
        let summary = format!("Value of the header apikey for {}", entity.name);
        variables.push(variable(name, entity.api_key, summary));
    }
    if let Some(connection) = store::connections::first_established(cx.db, 1)?.into_iter().next() {
        let summary = "Id of the connection from issuer to holder, on the issuer's side".to_owned();
        variables.push(variable("IDENTUS_CONNECTION", connection.id, summary));
    }
    Ok(variables)
}
