//! Verified Inc., Core API v1: 1-Click signup, and issuing, sharing and revoking of credentials.
//!
//! Source: <https://docs.verified.inc>, the revision of July 2024, and the provider's published clients, schemas and sample
//! responses of that time. `openapi.json` says of each operation and field how sure it is.
//!
//! Words: a *brand* is a customer with an API key, issuer or verifier or both; a *credential* is a value with its issuer, a
//! *composite* contains others; the *wallet* is the provider's own web site, where a person verifies a phone and consents; a
//! *flow* is one visit to it; a *profile* is the mock data that the sandbox has for a phone number.
//!
//! Known gaps: the next API generation (`/v2`), the push webhook, and the internal routes of the provider's own demos.

mod auth;
mod body;
mod consent;
mod credential;
mod credentials;
mod day;
mod draft;
mod entity;
mod error;
mod fields;
mod fixture;
mod formats;
mod identifier;
mod matching;
mod one_click;
mod partner;
mod profile;
mod readable;
mod redirect;
mod requests;
mod schema;
mod schemas;
mod send_back;
mod simulations;
mod sourcing;
mod store;
mod types;
mod views;
mod wallet;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS,
    CONTENT_TYPE, HeaderName, VARY,
};
use http::{HeaderValue, Method, StatusCode};
use serde_json::Value;

use crate::http::reply::JSON;
use crate::http::{FixtureError, Links, PathRules, Provider, Reply, Req, Route, Setting, Simulation, Site, Variable, etag, reply};
use crate::world::Cx;
use crate::world::timers::Timer;
use error::Error;

/// The provider; see the module.
#[derive(Debug)]
pub(crate) struct Verified;

/// At this time of each day, credentials issued to the test person are deleted.
const WIPE_HOUR: u32 = 5;

const POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");

impl Provider for Verified {
    const SLUG: &'static str = "verified";
    const TITLE: &'static str = "Verified Inc.";
    const SITES: &'static [Site] = &[
        Site { name: "api", hosts: &["core-api.sandbox-verifiedinc.com", "core-api.verified.inc"] },
        Site { name: "wallet", hosts: &["wallet.sandbox-verifiedinc.com", "wallet.verified.inc"] },
        Site { name: "schema", hosts: &["schema-resolver.verified.inc", "schema.verified.inc"] },
    ];
    const OPENAPI: &'static str = include_str!("openapi.json");
    const SCHEMA: &'static [&'static str] = &[include_str!("schema.sql"), include_str!("documents.sql")];
    const FIXTURE: &'static str = include_str!("../../../fixtures/verified.json");
    const ROUTES: &'static [Route<Error>] = &[
        Route::post("/1-click", "createOneClick", one_click::create),
        Route::post("/1-click/trusted", "createTrustedOneClick", one_click::create_trusted),
        Route::get("/1-click/{uuid}", "getOneClick", one_click::get),
        Route::post("/1-click/{uuid}/credentials", "updateOneClickCredentials", send_back::send_back),
        Route::post("/hasMatchingCredentials", "hasMatchingCredentials", requests::has_matching),
        Route::get("/sharedCredentials/{uuid}", "getSharedCredentials", requests::get_shared),
        Route::post("/credentials", "issueCredentials", credentials::issue),
        Route::get("/credentials/{id}", "getCredential", credentials::get),
        Route::patch("/credentials/{id}", "patchCredential", credentials::patch),
        Route::get("/userCredentials/{userIdentifier}", "getUserCredentials", credentials::list_of_user),
        Route::patch("/userCredentials/{userIdentifier}", "patchUserCredentials", credentials::patch_of_user),
        Route::get("/credentialRequests/{partnerUuid}", "getCredentialRequests", requests::get_partner_requests),
        Route::get("/jsonSchema", "listJsonSchemas", schemas::list_json),
        Route::get("/jsonSchema/{type}", "getJsonSchema", schemas::get_json),
        Route::get("/schema", "listSchemas", schemas::list),
        Route::get("/schema/{type}", "getSchema", schemas::get),
        Route::get("/mt/{uuid}", "openShortLink", wallet::open_link),
        Route::get("/request/{id}", "showRequest", wallet::show),
        Route::post("/request/{id}/verify", "verifyCode", wallet::verify),
        Route::post("/request/{id}/identity", "confirmIdentity", wallet::identity),
        Route::post("/request/{id}/share", "shareRequest", wallet::share),
        Route::post("/request/{id}/decline", "declineRequest", wallet::decline),
        Route::get("/signin/verify/generic", "verifyNonHosted", wallet::verify_non_hosted),
    ];
    const SIMULATIONS: &'static [Simulation] = simulations::ALL;
    const SETTINGS: &'static [Setting] = &[
        Setting {
            key: "wire",
            summary: "How dates, nothings and metadata are spelled: \"seed\" as the reference documentation says, \"observed\" as saved responses of the real sandbox show.",
            default: r#""seed""#,
            check: |value| one_of(value, &["seed", "observed"]),
        },
        Setting {
            key: "codes",
            summary: "Verification codes: \"fixed\" for 111111 every time, \"random\" for others, which are in the outbox.",
            default: r#""fixed""#,
            check: |value| one_of(value, &["fixed", "random"]),
        },
        Setting {
            key: "formats",
            summary: "Formats of 1-Click data by brand uuid: birthDate (\"unixTimestamp\" or a pattern such as \"MM/dd/yyyy\"), state and country (\"abbreviation\" or \"full\"), address and fullName (\"object\" or a template such as \"firstName, lastName\").",
            default: "{}",
            check: formats::check,
        },
    ];
    const PATH_RULES: PathRules = PathRules { trailing_slash: true, ignore_case: false };
    type Error = Error;

    fn load(cx: &mut Cx<'_>, fixture: &str) -> Result<(), FixtureError> {
        fixture::load(cx, fixture)
    }

    fn begin(cx: &mut Cx<'_>, _loaded_at: DateTime<Utc>) -> rusqlite::Result<()> {
        let today = cx.now.date_naive().and_time(NaiveTime::from_hms_opt(WIPE_HOUR, 0, 0).unwrap_or_default()).and_utc();
        let first = if today > cx.now { today } else { today + TimeDelta::days(1) };
        cx.set_recurring_timer("dailyWipe", first, TimeDelta::days(1))
    }

    fn on_timer(cx: &mut Cx<'_>, timer: &Timer) -> rusqlite::Result<()> {
        match timer.kind.as_str() {
            "dailyWipe" => store::credentials::delete_of_test_users(cx.db),
            "codeExpires" => store::flows::expire_code(cx.db, &timer.subject),
            "flowExpires" => store::flows::expire_flow(cx.db, &timer.subject),
            "oneClickAccessExpires" => store::flows::close_one_click(cx.db, &timer.subject),
            "sharedAccessExpires" => store::flows::delete_shared(cx.db, &timer.subject),
            other => {
                tracing::warn!(timer = other, "verified: no such timer");
                Ok(())
            }
        }
    }

    fn environment(cx: &mut Cx<'_>, links: &Links) -> rusqlite::Result<Vec<Variable>> {
        let variable = |name: String, value: String, summary: String| Variable { name, value, summary };
        let mut all = vec![
            variable("VERIFIED_API_URL".to_owned(), links.url("api", ""), "base URL of the Core API".to_owned()),
            variable("VERIFIED_WALLET_URL".to_owned(), links.url("wallet", ""), "base URL of the wallet".to_owned()),
        ];
        for (at, (name, key)) in store::keys(cx.db)?.into_iter().enumerate() {
            let variable_name = match at {
                0 => "VERIFIED_API_KEY".to_owned(),
                _ => format!("VERIFIED_API_KEY_{}", name.to_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_")),
            };
            all.push(variable(variable_name, key, format!("API key of {name}")));
        }
        Ok(all)
    }

    fn render(error: Error, req: &Req) -> Reply {
        error::render(&error, req)
    }

    /// As the framework's CORS module answers, on every path.
    fn preflight(req: &Req, _allowed: &[Method]) -> Option<Reply> {
        let methods = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");
        let mut answer = reply::empty(StatusCode::NO_CONTENT).header(ACCESS_CONTROL_ALLOW_METHODS, methods);
        if let Some(asked) = req.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            answer = answer.header(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        Some(answer)
    }

    /// What the framework adds to every answer: open CORS, and a weak entity tag to what is JSON, which a matching `If-None-Match`
    /// turns into a 304.
    fn finish(req: &Req, reply: &mut Reply) {
        reply.headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        reply.headers.insert(POWERED_BY, HeaderValue::from_static("Express"));
        if reply.headers.get(CONTENT_TYPE) != Some(&JSON) {
            return;
        }
        reply.headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        etag::revalidate(req, reply);
    }
}

fn one_of(value: &Value, known: &[&str]) -> Result<(), String> {
    if value.as_str().is_some_and(|text| known.contains(&text)) {
        Ok(())
    } else {
        Err(format!("it must be one of {}", known.join(", ")))
    }
}
