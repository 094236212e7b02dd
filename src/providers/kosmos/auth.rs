//! Who calls: the encrypted headers, the plain triple, and licenses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::endpoint::{Credential, Endpoint};
use super::error::Error;
use super::store::{self, Keys};
use super::types::{Level, whole};
use crate::crypto::ecdh::{self, SharedKey};
use crate::crypto::hex;
use crate::http::Req;
use crate::world::Cx;

/// Message for whatever is wrong with `requestid` and `publickey`.
const UNAUTHORIZED: &str = "Unauthorized";
/// Message for whatever is wrong with the license.
const BAD_LICENSE: &str = "Invalid or Unauthorized License";

/// Seconds that a `requestid` is fresh, unless set otherwise.
pub(super) const ALLOWED_TIME_SPAN: u64 = 60;

/// A caller who proved who they are.
pub(super) struct Caller {
    /// The key on which caller and service agree.
    pub key: SharedKey,
    /// Whether the credentials came in plain text, which makes all answers plain.
    pub plain: bool,
    /// Whether the license has one of the levels that the endpoint asks for.
    pub permitted: bool,
}

/// The credentials that the endpoint asks for, checked. None for an open endpoint.
///
/// What is wrong is a 401 where the endpoint lists it, and a 400 elsewhere. A level that is too low is one of these
/// only where the endpoint does not list 403.
pub(super) fn caller(cx: &mut Cx<'_>, req: &Req, endpoint: &Endpoint, keys: &Keys) -> Result<Option<Caller>, Error> {
    let levels = match endpoint.credential {
        Credential::Open => return Ok(None),
        Credential::Signed => None,
        Credential::Licensed(levels) => Some(levels),
    };
    let refuse = |message: String| Error::new(endpoint.refusal(StatusCode::UNAUTHORIZED), message);
    let plain = plain_triple(req);
    let license_header = if plain { "license" } else { "licensekey" };
    let mut needed = if plain { vec!["keyId", "keySecret"] } else { vec!["requestid", "publickey"] };
    needed.extend(levels.map(|_| license_header));
    for name in needed {
        if header(req, name).is_none_or(<[u8]>::is_empty) {
            return Err(refuse(format!("{name} is required")));
        }
    }

    let unauthorized = || refuse(UNAUTHORIZED.to_owned());
    let key = if plain { plain_key(req, keys) } else { signed_key(cx, req, keys)? }.ok_or_else(unauthorized)?;

    let mut permitted = true;
    let given = header(req, license_header);
    if levels.is_some() || (endpoint.checks_given_license && given.is_some()) {
        let open = || given.and_then(|text| license_text(req, &key, plain, text));
        let level = match open() {
            Some(secret) => level(cx, &secret)?,
            None => None,
        };
        let level = level.ok_or_else(|| refuse(BAD_LICENSE.to_owned()))?;
        permitted = levels.is_none_or(|levels| levels.contains(&level));
        if !permitted && !endpoint.lists(StatusCode::FORBIDDEN) {
            return Err(refuse(BAD_LICENSE.to_owned()));
        }
    }
    Ok(Some(Caller { key, plain, permitted }))
}

/// The bytes of a header: some clients send letters that are not ASCII.
fn header<'r>(req: &'r Req, name: &str) -> Option<&'r [u8]> {
    req.headers.get(name).map(http::HeaderValue::as_bytes)
}

/// Whether the documented plain credentials stand in for the encrypted ones.
fn plain_triple(req: &Req) -> bool {
    let has = |name: &str| header(req, name).is_some();
    !has("requestid") && !has("publickey") && has("keyId") && has("keySecret")
}

/// The key of a caller who sends both keys of their pair, if they belong together.
fn plain_key(req: &Req, keys: &Keys) -> Option<SharedKey> {
    let (public, private) = (header(req, "keyId")?, header(req, "keySecret")?);
    let belongs = STANDARD.encode(ecdh::decode_base64(public)) == ecdh::public_key(keys.curve, private)?;
    belongs.then(|| ecdh::agree(keys.curve, keys.private.as_bytes(), public)).flatten()
}

/// The key of a caller whose `requestid` opens with it and is fresh.
fn signed_key(cx: &mut Cx<'_>, req: &Req, keys: &Keys) -> Result<Option<SharedKey>, Error> {
    let (Some(sealed), Some(public)) = (header(req, "requestid"), header(req, "publickey")) else { return Ok(None) };
    let Some(key) = ecdh::agree(keys.curve, keys.private.as_bytes(), public) else { return Ok(None) };
    let Some(at) = key.open(sealed).and_then(|text| moment(&text)) else { return Ok(None) };
    let seconds = cx.setting::<Option<u64>>("allowed_time_span")?.unwrap_or(ALLOWED_TIME_SPAN);
    let span = TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1000));
    // The caller's clock is a real one; one that follows the world's clock is as good.
    let fresh = [req.received, cx.now].into_iter().any(|now| (now - at).abs() <= span);
    if !fresh || (cx.setting::<bool>("refuse_replays")? && replayed(cx, sealed, span)?) {
        return Ok(None);
    }
    Ok(Some(key))
}

/// Whether this `requestid` was used before; it counts as used from now on.
fn replayed(cx: &Cx<'_>, sealed: &[u8], span: TimeDelta) -> Result<bool, Error> {
    let digest = hex(Sha256::digest(ecdh::decode_base64(sealed)));
    store::forget_requests(cx.db, cx.now - span * 2)?;
    Ok(!store::note_request(cx.db, &digest, cx.now)?)
}

/// The moment that a `requestid` names, if it is an object with all members.
fn moment(text: &[u8]) -> Option<DateTime<Utc>> {
    let Value::Object(members) = serde_json::from_slice(text).ok()? else { return None };
    let filled = |name: &str| members.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    if !filled("uuid") || !(filled("appid") || filled("appId")) {
        return None;
    }
    let seconds = members.get("ts").filter(|ts| ts.is_number())?.as_f64()?;
    DateTime::from_timestamp_millis(whole((seconds * 1000.0).round()))
}

/// The license's secret. Plain text in `licensekey` counts only where the caller says so.
fn license_text(req: &Req, key: &SharedKey, plain: bool, text: &[u8]) -> Option<String> {
    let bytes = if plain || req.header("noecdsa") == Some("true") { text.to_vec() } else { key.open(text)? };
    String::from_utf8(bytes).ok()
}

/// The level of a license that is known, enabled and not expired.
fn level(cx: &Cx<'_>, secret: &str) -> Result<Option<Level>, Error> {
    if let Some(license) = store::license(cx.db, secret)? {
        let valid = !license.disabled && license.expiry.is_none_or(|expiry| cx.now < expiry);
        return Ok(valid.then_some(license.level));
    }
    Ok(store::is_service_key(cx.db, secret)?.then_some(Level::Service))
}
