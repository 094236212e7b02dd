//! 5N ID (Five North): credentials of linked accounts on the Canton network, human scores, verification links.
//!
//! An institution (a backend with an OAuth client) asks users for the credentials of accounts that they have linked, reads those
//! that users have approved, reads how likely it is that a user is a real person, and makes short-lived links that prove to
//! anybody what a credential is worth at the moment. There are no callbacks: clients poll.
//!
//! Source: <https://github.com/fivenorth-io/id-sdk>, its `docs/api-reference.md` as of 2026-02-12, and its types up to version
//! 0.1.10 (2026-04-08): `email` on credentials and human scores, the filter `emails`, aliases. The authorization server is a
//! [Keycloak](https://github.com/keycloak/keycloak), whose answers to client credentials are followed.
//!
//! Known gaps: what needs an end user's own token (`/users/me/human-scores`); the paths of versions before 0.1.8; the testnet
//! host; the web application in which institutions apply for access. Users decide on the wallet page or through simulations. The
//! formula of the human score is not public: the one here keeps to its published parts and range. Tokens are signed with ES256,
//! where the real server uses RS256. Both networks share one set of data.
//!
//! Glossary. *Party*: an identity on the ledger. *Contract*: a record on the ledger; credentials and proposals are contracts, so
//! their ids are contract ids. *Request* (for data): what an institution makes and a user decides on, one for each account; on
//! the ledger it is a *proposal*, on the wire it is a row of `users`. *Disclosed*: readable by an institution, because a request
//! was approved. *Superseded*: archived because the user has verified the same account again.

mod auth;
mod credentials;
mod error;
mod fixture;
mod human_scores;
mod ledger;
mod pages;
mod query;
mod score;
mod simulations;
mod store;
mod types;
mod users;
mod verification;
mod wallet;

use chrono::{DateTime, TimeDelta, Utc};
use http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW};
use http::{HeaderValue, Method, StatusCode};
use serde_json::Value;

use crate::http::{FixtureError, Links, Provider, Reply, Req, Route, Setting, Simulation, Site, Variable, any, reply};
use crate::world::Cx;
use crate::world::timers::Timer;
use error::Error;

/// The provider; see the module.
#[derive(Debug)]
pub(crate) struct FiveNorth;

/// What stands before a token on the one path that pages of other origins may call.
const CHECK: &str = "/api/v1/verification/check/";

impl Provider for FiveNorth {
    const SLUG: &'static str = "5n";
    const TITLE: &'static str = "5N ID";
    const SITES: &'static [Site] = &[
        Site { name: "api", hosts: &["id.devnet.cantonloop.com", "id.cantonloop.com"] },
        // One host for both environments: the realm tells them apart.
        Site { name: "auth", hosts: &["auth.console-dev.fivenorth.io", "auth.console-dev.fivenorth.io"] },
    ];
    const OPENAPI: &'static str = include_str!("openapi.json");
    const SCHEMA: &'static [&'static str] = &[include_str!("schema.sql")];
    const FIXTURE: &'static str = include_str!("../../../fixtures/5n.json");
    const ROUTES: &'static [Route<Error>] = &[
        Route::post("/realms/{realm}/protocol/openid-connect/token", "obtainToken", auth::token),
        Route::post("/oauth/token", "obtainTokenAlias", auth::token_alias),
        Route::post("/realms/{realm}/protocol/openid-connect/token/introspect", "introspectToken", auth::introspect),
        Route::get("/realms/{realm}/protocol/openid-connect/certs", "getKeySet", auth::certs),
        Route::get("/realms/{realm}/.well-known/openid-configuration", "getDiscovery", auth::discovery),
        Route::get("/api/v1/institutions/me/users", "listUsers", users::list),
        Route::get("/api/v1/institutions/me/human-scores", "listHumanScores", human_scores::list),
        Route::get("/api/v1/institutions/me/human-scores/{partyId}", "getHumanScore", human_scores::get),
        Route::get("/api/v1/institutions/me/credentials", "listCredentials", credentials::list),
        Route::get("/api/v1/institutions/me/credentials/resolve", "resolveCredentials", credentials::resolve),
        Route::get("/api/v1/institutions/me/credentials/{partyId}", "getCredentials", credentials::of_party),
        Route::post("/api/v1/institutions/me/credentials/request", "requestCredentials", users::request),
        Route::post("/api/v1/verification/generate-link", "generateLink", verification::generate),
        Route::post("/api/v1/verification/generate-links-batch", "generateLinksBatch", verification::generate_batch),
        Route::get("/api/v1/verification/check/{token}", "checkToken", verification::check),
        Route::get("/verify/{token}", "showVerification", pages::verification),
        Route::get("/wallet", "listWallets", wallet::list),
        Route::get("/wallet/{partyId}", "showWallet", wallet::show),
        Route::post("/wallet/{partyId}", "actInWallet", wallet::act),
    ];
    const SIMULATIONS: &'static [Simulation] = simulations::ALL;
    const SETTINGS: &'static [Setting] = &[
        Setting {
            key: "rate_limit",
            summary: "Requests that a client (on the public check: an address) may make in 60 seconds; 0 for no limit. A client of \
                      the fixture with a limit of its own keeps it.",
            default: "0",
            check: |value| number(value, 0, 1_000_000),
        },
        Setting {
            key: "link_lifetime_s",
            summary: "Life of a verification link, in seconds; for links made from now on.",
            default: "900",
            check: |value| number(value, 1, 31_536_000),
        },
        Setting {
            key: "moderate_after_days",
            summary: "Age in days from which a credential is MODERATE and no longer FRESH.",
            default: "30",
            check: |value| number(value, 1, 36_525),
        },
        Setting {
            key: "stale_after_days",
            summary: "Age in days from which a credential is STALE and no longer MODERATE.",
            default: "90",
            check: |value| number(value, 1, 36_525),
        },
        Setting {
            key: "credential_lifetime_days",
            summary: "Days from issue to expiration; for credentials issued from now on, and for those of the fixture when it is set \
                      at the world's creation.",
            default: "365",
            check: |value| number(value, 1, 36_525),
        },
    ];
    type Error = Error;

    fn load(cx: &mut Cx<'_>, fixture: &str) -> Result<(), FixtureError> {
        fixture::load(cx, fixture)
    }

    fn begin(cx: &mut Cx<'_>, loaded_at: DateTime<Utc>) -> rusqlite::Result<()> {
        store::shift(cx.db, cx.now - loaded_at, ledger::lifetime_days(cx)?)?;
        for (contract_id, expires_at) in store::credentials::expiries(cx.db)? {
            if expires_at <= cx.now {
                ledger::expire(cx, &contract_id)?;
            } else {
                cx.set_timer(credentials::EXPIRES, &contract_id, expires_at)?;
            }
        }
        for (proposal_id, created_at, delay_s) in store::requests::awaiting_policy(cx.db)? {
            cx.set_timer(users::DECIDED, &proposal_id, created_at + TimeDelta::seconds(delay_s))?;
        }
        Ok(())
    }

    fn on_timer(cx: &mut Cx<'_>, timer: &Timer) -> rusqlite::Result<()> {
        match timer.kind.as_str() {
            users::DECIDED => users::decide_by_policy(cx, &timer.subject),
            credentials::EXPIRES => ledger::expire(cx, &timer.subject),
            verification::LINK_EXPIRES => store::credentials::delete_link(cx.db, &timer.subject),
            other => {
                tracing::warn!(timer = other, "5n: no such timer");
                Ok(())
            }
        }
    }

    fn environment(cx: &mut Cx<'_>, links: &Links) -> rusqlite::Result<Vec<Variable>> {
        let variable =
            |name: &str, value: String, summary: &str| Variable { name: name.to_owned(), value, summary: summary.to_owned() };
        let mut variables = vec![
            variable("FIVE_NORTH_ID_BASE_URL", links.url("api", "/api/v1"), "baseUrl of the SDK"),
            variable(
                "FIVE_NORTH_ID_TOKEN_ENDPOINT",
                links.url("auth", "/realms/5n-apps/protocol/openid-connect/token"),
                "tokenEndpoint of the SDK",
            ),
        ];
        if let Some((id, secret)) = store::tokens::first_client(cx.db)? {
            variables.push(variable("FIVE_NORTH_ID_CLIENT_ID", id, "OAuth client id of an institution"));
            variables.push(variable("FIVE_NORTH_ID_CLIENT_SECRET", secret, "its secret"));
        }
        Ok(variables)
    }

    fn render(error: Error, req: &Req) -> Reply {
        error::render(error, req)
    }

    /// Only the public check expects browsers of other origins; elsewhere `OPTIONS` is a method like any other.
    fn preflight(req: &Req, allowed: &[Method]) -> Option<Reply> {
        if allowed.is_empty() || !req.path.starts_with(CHECK) {
            return None;
        }
        let reply = reply::empty(StatusCode::NO_CONTENT).header(ALLOW, any::allow(allowed));
        Some(
            reply
                .header(ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD")
                .header(ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
        )
    }

    fn finish(req: &Req, reply: &mut Reply) {
        if req.path.starts_with(CHECK) {
            reply.headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
    }
}

fn number(value: &Value, least: i64, most: i64) -> Result<(), String> {
    let fits = value.as_i64().is_some_and(|number| (least..=most).contains(&number));
    if fits { Ok(()) } else { Err(format!("must be a whole number from {least} to {most}")) }
}

/// A fresh contract id, as Canton shapes it: version, discriminator, then the suffix of an authenticated contract.
fn contract_id(cx: &mut Cx<'_>) -> String {
    let (discriminator, unicum) = (cx.rng.hex::<32>(), cx.rng.hex::<32>());
    format!("00{discriminator}ca111220{unicum}")
}
