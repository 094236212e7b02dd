//! What the service says about itself, and encryption for those who cannot do it themselves.

use http::StatusCode;
use serde::Serialize;

use super::auth::ALLOWED_TIME_SPAN;
use super::endpoint::{Call, Endpoint};
use super::error::Error;
use super::fields::{Checks, not_one_of};
use super::types::DocumentType;
use crate::crypto::ecdh;
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// Tag, commit and build time of the release that is emulated.
const VERSION: &str = "2.0.0.0a1b2c3.1767225600";

/// Connectors that documents can be verified with.
pub(super) const CONNECTORS: &[&str] = &["microblink", "authenticid"];

const INFO: Endpoint = Endpoint::open(&[200]);
const ENVIRONMENT: Endpoint = Endpoint::open(&[200]);
const HEALTH: Endpoint = Endpoint::open(&[200]);
const PUBLIC_KEYS: Endpoint = Endpoint::open(&[200, 401]);
const HELPER: Endpoint = Endpoint::open(&[200, 400]);

/// A document type that a connector can verify.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Supported {
    verifier_type: &'static str,
    doc_type: &'static str,
}

/// Answer of `getEnvironment`.
#[derive(Serialize)]
struct Environment {
    allowed_time_span: u64,
    #[serde(rename = "EC_CURVE_NAME")]
    curve: &'static str,
}

/// Answer of `getHealth`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Health<'a> {
    status: &'static str,
    public_key: &'a str,
    code: &'static str,
    version: &'static str,
}

/// Answer of `getPublicKeys`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PublicKeys<'a> {
    public_key: &'a str,
}

/// Answer of `ecdsaHelper`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Helped {
    data: String,
    public_key: String,
}

/// `GET /idproofingapi/info`: connectors and their document types.
///
/// 200 with them. Anybody may ask.
pub(super) fn info(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    INFO.answer(cx, req, |cx, call| {
        let kinds = [DocumentType::Licence, DocumentType::Passport, DocumentType::IdCard];
        let supported: Vec<Supported> = CONNECTORS
            .iter()
            .flat_map(|verifier_type| kinds.map(|kind| Supported { verifier_type, doc_type: kind.short() }))
            .collect();
        call.reply(cx, &supported)
    })
}

/// `GET /idproofingapi/environment`: what clients must know about the wire.
///
/// 200 with it. Anybody may ask.
pub(super) fn environment(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    ENVIRONMENT.answer(cx, req, |cx, call| {
        let allowed_time_span = cx.setting::<Option<u64>>("allowed_time_span")?.unwrap_or(ALLOWED_TIME_SPAN);
        call.reply(cx, &Environment { allowed_time_span, curve: call.keys.curve.name() })
    })
}

/// `GET /idproofingapi/healthz`: the service is well.
///
/// 200 with its version. Anybody may ask.
pub(super) fn health(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    HEALTH.answer(cx, req, |cx, call| {
        let public_key = &call.keys.public;
        call.reply(cx, &Health { status: "all services operational", public_key, code: "200", version: VERSION })
    })
}

/// `GET /idproofingapi/publickeys` and `GET /docuverify/publickeys`: the service's public key.
///
/// 200 with it. Anybody may ask.
pub(super) fn public_keys(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    PUBLIC_KEYS.answer(cx, req, |cx, call| call.reply(cx, &PublicKeys { public_key: &call.keys.public }))
}

/// `POST /idproofingapi/ecdsa_helper/{method}` and `POST /docuverify/ecdsa_helper/{method}`: encrypts or decrypts a text under the
/// key on which the owners of two keys agree.
///
/// 200 with the result; 400 for another method, a field that is missing or wrong, a wrong key, and what does not decrypt. Anybody may
/// ask.
pub(super) fn helper(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    HELPER.answer(cx, req, |cx, call| help(cx, call, &req.param("method")))
}

/// `POST /idproofingapi/ecdsa_helper` and `POST /docuverify/ecdsa_helper`: as `encrypt`.
///
/// 200 and 400 as before.
pub(super) fn helper_default(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    HELPER.answer(cx, req, |cx, call| help(cx, call, "encrypt"))
}

fn help(cx: &mut Cx<'_>, call: &mut Call<'_>, method: &str) -> Result<Reply, Error> {
    let body = call.body()?;
    let encrypts = method == "encrypt";
    if !encrypts && method != "decrypt" {
        return Err(Error::bad(not_one_of("method", &["encrypt", "decrypt"])));
    }
    let mut checks = Checks::default();
    let text = if encrypts { checks.any_text(&body, "dataStr") } else { checks.text(&body, "dataStr") };
    let public_key = checks.text(&body, "publicKey");
    let private_key = checks.text(&body, "privateKey");
    checks.done()?;
    let key = ecdh::agree(call.keys.curve, private_key.as_bytes(), public_key.as_bytes());
    let key = key.ok_or_else(|| Error::bad("Invalid public or private key"))?;
    let data = if encrypts {
        key.seal(cx.rng.bytes(), text.as_bytes())
    } else {
        let opened = key.open(text.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok());
        opened.ok_or_else(|| Error::bad("Unable to decrypt data"))?
    };
    Ok(reply::json(StatusCode::OK, &Helped { data, public_key }))
}
