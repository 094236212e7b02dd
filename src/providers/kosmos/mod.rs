//! 1Kosmos ID Proofing API, v2.0.0: sessions in which a person proves their identity with a document and a selfie.
//!
//! Source: the provider's reference of `idproofingapi.json` (v2.0.0) and the wire format of its published helper libraries, as of
//! February 2026. What neither says is marked as assumed in the OpenAPI document.
//!
//! The API is below `/idproofingapi`. At the host's root stand what its clients need besides: the service directory and community
//! discovery, the `docuverify` front through which the helper libraries create and read sessions, the object storage behind upload
//! addresses, and the page that a person opens.
//!
//! A backend with a license creates a session, sends a person to its address, and reads the result. The capture app at that address,
//! which has a throw-away key pair and no license, starts the session and submits documents and captures. Whoever calls agrees with
//! the service on an AES key (ECDH) and encrypts a `requestid` with it; bodies may be plain or encrypted, and answers take the form
//! of the request.
//!
//! Known gaps: the workflow API and the license, events and wallet services of the same vendor are not emulated; addresses in the
//! service directory that belong to them lead nowhere. An unknown path is refused with all four keys of an error whatever the setting
//! `error_shape` says. Connectors are never called: outcomes are steered by tokens in names, by configurations, by the page, or by
//! the simulation.
//!
//! Glossary: a *dvcID* names a verification configuration; a *connector* is the vendor that reads documents; a *license* is an API
//! key with a level; `dl`, `ppt` and `idcard` are driver's licence, passport and identity card; *liveid* is the selfie.

mod auth;
mod buckets;
mod creation;
mod directory;
mod documents;
mod endpoint;
mod error;
mod fields;
mod fixture;
mod lifecycle;
mod list;
mod multipart;
mod pages;
mod results;
mod service_keys;
mod sessions;
mod settings;
mod simulations;
mod steering;
mod store;
mod submissions;
mod templates;
mod types;
mod uploads;
mod utilities;
mod verification;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use http::header::{HeaderName, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, StatusCode};

use crate::crypto::ecdh::{Curve, public_key};
use crate::http::{FixtureError, Links, PathRules, Provider, Reply, Req, Route, Setting, Simulation, Site, Variable, etag, reply};
use crate::world::Cx;
use crate::world::timers::Timer;
use error::Error;
use store::Keys;
use types::Level;

/// The 1Kosmos ID Proofing API.
#[derive(Debug)]
pub(crate) struct Kosmos;

/// Methods that a browser may use from another origin.
const METHODS: &str = "GET,POST,PUT,PATCH,DELETE,OPTIONS";

/// What the real service sends with every answer, but for its `Strict-Transport-Security`, which a browser would remember for
/// localhost.
const HEADERS: [(&str, &str); 7] = [
    ("access-control-allow-origin", "*"),
    ("x-dns-prefetch-control", "off"),
    ("x-frame-options", "SAMEORIGIN"),
    ("x-download-options", "noopen"),
    ("x-permitted-cross-domain-policies", "none"),
    ("referrer-policy", "no-referrer"),
    ("x-xss-protection", "0"),
];

impl Provider for Kosmos {
    const SLUG: &'static str = "1kosmos";
    const TITLE: &'static str = "1Kosmos ID Proofing";
    const SITES: &'static [Site] = &[Site { name: "api", hosts: &["pilot-root.1kosmos.net", "idpass.1kosmos.net"] }];
    const OPENAPI: &'static str = include_str!("openapi.json");
    const SCHEMA: &'static [&'static str] = &[include_str!("schema.sql")];
    const FIXTURE: &'static str = include_str!("../../../fixtures/1kosmos.json");
    const ROUTES: &'static [Route<Error>] = &[
        Route::get("/idproofingapi/proofingsession/{sessionId}", "getSession", sessions::get),
        Route::get("/idproofingapi/proofingsession/{sessionId}/complete", "completeSession", sessions::complete),
        Route::get("/idproofingapi/proofingsession/{sessionId}/decline", "declineSession", sessions::decline),
        Route::get("/idproofingapi/proofingsession/{sessionId}/retry", "retrySession", sessions::retry),
        Route::get("/idproofingapi/proofingsession/{sessionId}/retry/cancel", "cancelRetry", sessions::cancel_retry),
        Route::get("/idproofingapi/proofingsession/{sessionId}/start", "startSession", sessions::start),
        Route::get("/idproofingapi/proofingsession/{sessionId}/validate", "validateSession", sessions::validate),
        Route::post("/idproofingapi/presignedurls/{sessionId}", "createPresignedUrls", uploads::presign),
        Route::post("/idproofingapi/proofingsession/fetch", "fetchSessions", list::fetch),
        Route::post("/idproofingapi/proofingsession/{sessionId}/submit/document", "submitDocument", submissions::document),
        Route::post("/idproofingapi/proofingsession/{sessionId}/submit/event/{eventName}", "submitEvent", submissions::event),
        Route::post(
            "/idproofingapi/proofingsession/{sessionId}/submit/verification/{verificationName}",
            "submitVerification",
            submissions::verification,
        ),
        Route::post("/idproofingapi/proofingsession/{sessionId}/upload/cancel", "cancelUpload", submissions::cancel),
        Route::post("/idproofingapi/proofingsession/{sessionId}/v2/submit/document", "submitDocumentV2", submissions::document_v2),
        Route::post("/idproofingapi/proofingsession/{sessionId}/v3/submit/document", "submitDocumentV3", submissions::document_v3),
        Route::get("/idproofingapi/proofingtemplates/{sessionId}", "getTemplates", templates::get),
        Route::put(
            "/idproofingapi/proofingtemplates/tenant/{tenantId}/community/{communityId}",
            "createTemplate",
            templates::create,
        ),
        Route::patch(
            "/idproofingapi/proofingtemplates/tenant/{tenantId}/community/{communityId}/dvcId/{dvcId}",
            "updateTemplateByDvcId",
            templates::update_by_dvc,
        ),
        Route::patch(
            "/idproofingapi/proofingtemplates/tenant/{tenantId}/community/{communityId}/id/{id}",
            "updateTemplate",
            templates::update,
        ),
        Route::delete(
            "/idproofingapi/proofingtemplates/tenant/{tenantId}/community/{communityId}/id/{id}",
            "deleteTemplate",
            templates::delete,
        ),
        Route::get("/idproofingapi/bucket/tenant/{tenantId}/community/{communityId}", "getBucket", buckets::get),
        Route::put("/idproofingapi/bucket/tenant/{tenantId}/community/{communityId}", "putBucket", buckets::put),
        Route::get("/idproofingapi/servicekeys", "getServiceKeys", service_keys::list),
        Route::delete("/idproofingapi/servicekey/{keyId}", "resetServiceKey", service_keys::reset),
        Route::post("/idproofingapi/document_share_session/create", "createSession", creation::create),
        Route::post("/idproofingapi/document_share_session/result", "getSessionResult", results::get),
        Route::get("/idproofingapi/info", "getInfo", utilities::info),
        Route::post("/idproofingapi/ecdsa_helper/{method}", "ecdsaHelper", utilities::helper),
        Route::post("/idproofingapi/ecdsa_helper", "ecdsaHelperDefault", utilities::helper_default),
        Route::get("/idproofingapi/environment", "getEnvironment", utilities::environment),
        Route::get("/idproofingapi/healthz", "getHealth", utilities::health),
        Route::get("/idproofingapi/publickeys", "getPublicKeys", utilities::public_keys),
        Route::get("/idproofingapi/sd", "getServiceDirectory", directory::services),
        Route::post("/idproofingapi/verify", "verifyDocument", verification::verify),
        Route::get("/caas/sd", "getCaasServiceDirectory", directory::services),
        Route::post("/api/r1/system/community_info/fetch", "fetchCommunityInfo", directory::community),
        Route::get("/docuverify/publickeys", "getDocuverifyPublicKeys", utilities::public_keys),
        Route::post("/docuverify/ecdsa_helper/{method}", "docuverifyEcdsaHelper", utilities::helper),
        Route::post("/docuverify/ecdsa_helper", "docuverifyEcdsaHelperDefault", utilities::helper_default),
        Route::post("/docuverify/document_share_session/create", "createDocuverifySession", creation::create_at_front),
        Route::post("/docuverify/document_share_session/result", "getDocuverifyResult", results::get_at_front),
        Route::post("/docuverify/v3/document_share_session/result", "getDocuverifyResultV3", results::get_v3_at_front),
        Route::post("/docuverify/verify", "verifyDocuverify", verification::verify_at_front),
        Route::put("/_bucket/{bucketName}/{sessionId}/{object}", "putObject", uploads::put),
        Route::get("/_bucket/{bucketName}/{sessionId}/{object}", "getObject", uploads::refuse),
        Route::get("/idproofing/session/{sessionId}", "showSessionPage", pages::show),
        Route::post("/idproofing/session/{sessionId}", "actOnSessionPage", pages::act),
    ];
    const SIMULATIONS: &'static [Simulation] = simulations::ALL;
    const SETTINGS: &'static [Setting] = settings::ALL;
    const PATH_RULES: PathRules = PathRules { trailing_slash: true, ignore_case: false };
    const BODY_LIMIT: usize = 50 * 1024 * 1024;
    type Error = Error;

    fn load(cx: &mut Cx<'_>, fixture: &str) -> Result<(), FixtureError> {
        fixture::load(cx, fixture)
    }

    fn begin(cx: &mut Cx<'_>, loaded_at: DateTime<Utc>) -> rusqlite::Result<()> {
        if !store::has_keys(cx.db)? {
            make_keys(cx)?;
        }
        let by = cx.now - loaded_at;
        store::sessions::shift(cx.db, by)?;
        store::resources::shift_buckets(cx.db, by)?;
        lifecycle::arm_all(cx)
    }

    fn on_timer(cx: &mut Cx<'_>, timer: &Timer) -> rusqlite::Result<()> {
        lifecycle::on_timer(cx, timer).or_else(|error| match error.into_store() {
            Ok(error) => Err(error),
            Err(refusal) => {
                tracing::warn!(timer = timer.kind, reason = refusal.message(), "1kosmos: a timer did nothing");
                Ok(())
            }
        })
    }

    fn environment(cx: &mut Cx<'_>, links: &Links) -> rusqlite::Result<Vec<Variable>> {
        let curve = cx.setting::<Option<String>>("ec_curve_name")?.and_then(|name| Curve::named(&name)).unwrap_or(Curve::Secp256k1);
        let client = |part: &str| store::secret(cx.db, &[part, " ", curve.name()].concat());
        let license = store::license_of_level(cx.db, Level::Service)?.unwrap_or_default();
        let variable = |name: &str, value: String, summary: &str| Variable {
            name: ["KOSMOS_", name].concat(),
            value,
            summary: summary.to_owned(),
        };
        Ok(vec![
            variable("API_URL", links.url("api", "/idproofingapi"), "Base URL of the ID Proofing API"),
            variable("DNS", links.authority.clone(), "Host name of the tenant, for the helper libraries"),
            variable("COMMUNITY", "default".to_owned(), "Community of the tenant"),
            variable("LICENSE_KEY", license, "License key of level service, to be encrypted into `licensekey`"),
            variable("PUBLIC_KEY", store::keys(cx.db, curve)?.public, "Public key of the service"),
            variable("CLIENT_PUBLIC_KEY", client("client public")?, "Public key of a test client, for `publickey`"),
            variable("CLIENT_PRIVATE_KEY", client("client private")?, "Private key of that test client"),
        ])
    }

    fn render(error: Error, req: &Req) -> Reply {
        if req.path.starts_with("/_bucket/") && req.method == Method::PUT && error.is_too_large() {
            return uploads::too_large();
        }
        if req.path.starts_with("/_bucket/") && error.is_overload() {
            return uploads::slow_down();
        }
        error.reply()
    }

    fn preflight(req: &Req, _allowed: &[Method]) -> Option<Reply> {
        let name = HeaderName::from_static;
        let reply = reply::empty(StatusCode::NO_CONTENT).header(name("access-control-allow-methods"), METHODS);
        Some(match req.headers.get("access-control-request-headers") {
            Some(asked) => reply.header(name("access-control-allow-headers"), asked.clone()),
            None => reply,
        })
    }

    fn finish(req: &Req, reply: &mut Reply) {
        for (name, value) in HEADERS {
            reply.headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
        }
        reply.headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
        reply.headers.entry(VARY).or_insert(HeaderValue::from_static("Accept-Encoding"));
        let tagged = !reply.body.is_empty() && !req.path.starts_with("/_bucket/");
        if tagged {
            etag::tag(reply);
        }
    }
}

/// Makes key pairs and an upload secret for a world that was loaded from no fixture.
fn make_keys(cx: &mut Cx<'_>) -> rusqlite::Result<()> {
    for curve in [Curve::Secp256k1, Curve::Prime256v1] {
        // All but one in 2^32 draws are scalars of the curve.
        let made = (0..4).find_map(|_| {
            let private = STANDARD.encode(cx.rng.bytes::<32>());
            let public = public_key(curve, private.as_bytes())?;
            Some(Keys { curve, private, public })
        });
        if let Some(keys) = made {
            store::insert_keys(cx.db, &keys)?;
        }
    }
    store::insert_secret(cx.db, "upload", &cx.rng.hex::<32>())
}
