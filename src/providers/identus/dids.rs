//! DIDs of a wallet, and the resolution of any.

use http::StatusCode;
use serde::Serialize;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::Error;
use super::body::Body;
use super::flow::{self, Kind};
use super::store;
use super::types::{DidStatus, ManagedDid};
use super::{answer, auth, keys, param, publishing};
use crate::crypto::es256k;
use crate::crypto::prism::{self, PublicKey, SECP256K1, State, Usage};
use crate::http::{Reply, Req};
use crate::world::Cx;

/// The agent's call that creates a DID.
const CREATE_CALL: &str = "POST /did-registrar/dids";

/// The longest name that a key may have.
const MAX_NAME: usize = 50;

/// A DID of a wallet.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    did: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    long_form_did: Option<String>,
    status: DidStatus,
}

/// `GET /api/v1/identity/dids`: lists the wallet's DIDs, oldest first.
///
/// 200.
pub(super) fn list(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let dids = store::dids::list(cx.db, &caller.wallet, cx.setting("strict_quirks")?)?;
    let view = |did: ManagedDid| View {
        did: prism::short(&did.suffix),
        long_form_did: (did.status != DidStatus::Published).then_some(did.long_form),
        status: did.status,
    };
    answer::read(cx, dids.into_iter().map(view).collect::<Vec<_>>())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    long_did: String,
    was_published: bool,
}

/// `POST /api/v1/identity/did`: creates a DID with one key, and has it published.
///
/// 201; the agent's 400 for a purpose that it does not know, 422 for a key name that it does not take.
pub(super) fn create(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let body = Body::of(req)?;
    let name = body.text("id").unwrap_or_else(|| "key-2".to_owned());
    let usage = purpose(cx, body.text("purpose").as_deref().unwrap_or("authentication"), CREATE_CALL)?;
    check_name(cx, &name)?;
    let long_did = create_in(cx, &caller.wallet, &name, usage)?;
    Ok(answer::created(Created { long_did, was_published: true }))
}

/// Creates a DID at the next index of a wallet, and has it published. Returns its long form.
pub(super) fn create_in(cx: &mut Cx<'_>, wallet: &str, name: &str, usage: Usage) -> Result<String, Error> {
    let index = store::entities::take_did_index(cx.db, wallet)?;
    let made = keys::seed(cx, wallet)?.and_then(|seed| keys::new_did(&seed, wallet, index, name, usage));
    let (did, keys) = made.ok_or_else(|| Error::unexpected(cx, CREATE_CALL))?;
    store::dids::insert(cx.db, &did, &keys)?;
    flow::schedule(cx, Kind::DidPublication, &did.suffix)?;
    Ok(did.long_form)
}

fn purpose(cx: &Cx<'_>, purpose: &str, call: &str) -> Result<Usage, Error> {
    match purpose {
        "authentication" => Ok(Usage::Authentication),
        "issue" => Ok(Usage::Issuing),
        other => Err(Error::decoding(cx, call, &format!("invalid value '{other}' at 'purpose'"))),
    }
}

/// A name can stand behind the `#` of a URL, and is neither too long nor the master key's.
fn check_name(cx: &Cx<'_>, name: &str) -> Result<(), Error> {
    let refuse = |detail: String| Err(Error::agent(cx, StatusCode::UNPROCESSABLE_ENTITY, detail));
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte);
    if name == keys::MASTER {
        return refuse(format!("DID template cannot contain reserved key name: [{name}]"));
    }
    if name.len() > MAX_NAME {
        return refuse(format!("public key id is longer than {MAX_NAME} characters: [{name}]"));
    }
    if name.is_empty() || !name.bytes().all(fits) {
        return refuse(format!("public key id is not a valid URI fragment: [{name}]"));
    }
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Updated {
    did: String,
    was_updated: bool,
}

/// `PATCH /api/v1/identity/did/{did}`: adds a key to a published DID.
///
/// 200, also when the DID has a key of that name, which the ledger then refuses; the agent's 400 for what is no DID or purpose, 404 for a
/// DID that is not in the wallet, 409 for one that is not published or has an update on its way, 422 for a key name that it does not take.
pub(super) fn update(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let text = param(req, "did")?;
    let body = Body::of(req)?;
    let name = body.text("id").unwrap_or_else(|| "issue-2".to_owned());
    let call = format!("POST /did-registrar/dids/{text}/updates");
    let usage = purpose(cx, body.text("purpose").as_deref().unwrap_or("issue"), &call)?;
    let named = keys::parse(cx, &text)?;
    check_name(cx, &name)?;
    let did = store::dids::by_suffix(cx.db, &named.suffix)?.filter(|did| did.wallet == caller.wallet);
    let did = did.ok_or_else(|| Error::agent(cx, StatusCode::NOT_FOUND, format!("DID not found: {text}")))?;
    if did.deactivated {
        return Err(Error::agent(cx, StatusCode::CONFLICT, format!("DID already deactivated: {text}")));
    }
    if did.status != DidStatus::Published {
        return Err(Error::agent(cx, StatusCode::CONFLICT, format!("DID not published: {text}")));
    }
    if store::dids::update(cx.db, did.seq)?.is_some() {
        let detail = format!("Multiple in-flight update operations are not allowed: {text}");
        return Err(Error::agent(cx, StatusCode::CONFLICT, detail));
    }
    let known = store::dids::keys(cx.db, did.seq)?;
    let index = own_index(&known).map_or_else(|| store::entities::take_did_index(cx.db, &caller.wallet), Ok)?;
    let count = known.iter().filter(|key| key.usage == usage).count();
    let path = keys::path(index, usage, u32::try_from(count).unwrap_or(u32::MAX >> 1));
    let key = keys::seed(cx, &caller.wallet)?.and_then(|seed| keys::derived(&seed, &name, usage, path));
    let key = key.ok_or_else(|| Error::unexpected(cx, &call))?;
    let version = prism::hash(&prism::add_key_operation(&did.version, &did.suffix, &keys::public(&key)));
    store::dids::insert_update(cx.db, did.seq, &key, &version)?;
    if cx.setting::<i64>("did_update_ms")? == 0 {
        publishing::confirm_update(cx, &did.suffix)?;
    } else {
        flow::schedule(cx, Kind::DidUpdate, &did.suffix)?;
    }
    Ok(answer::changed(Updated { did: text, was_updated: true }))
}

/// The index of a DID in its wallet, as the path of its master key says; none for one whose master key came from elsewhere.
fn own_index(keys: &[super::types::DidKey]) -> Option<u32> {
    keys.iter().find(|key| key.usage == Usage::Master)?.path.as_ref()?.get(2).copied()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Resolution {
    #[serde(rename = "@context")]
    context: &'static str,
    did_document: Document,
    did_document_metadata: Metadata,
    did_resolution_metadata: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(rename = "@context")]
    context: [&'static str; 2],
    id: String,
    controller: String,
    verification_method: Vec<Method>,
    authentication: Vec<String>,
    assertion_method: Vec<String>,
    key_agreement: Vec<String>,
    capability_invocation: Vec<String>,
    capability_delegation: Vec<String>,
    service: Vec<ServiceView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Method {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    controller: String,
    public_key_jwk: Jwk,
}

#[derive(Serialize)]
struct Jwk {
    crv: String,
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    kty: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceView {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    service_endpoint: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    deactivated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    canonical_id: Option<String>,
    version_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
}

/// `GET /api/v1/identity/dids/{did}`: resolves a DID of any wallet, by its short or its long form. Public.
///
/// 200; the agent's 400 for what is no DID, 404 for a short form that is not published, 410 for a DID that was deactivated.
pub(super) fn resolve(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let text = param(req, "did")?;
    let named = prism::parse(&text).map_err(|_| Error::agent_status(cx, StatusCode::BAD_REQUEST))?;
    let published = store::dids::by_suffix(cx.db, &named.suffix)?.filter(|did| did.status == DidStatus::Published);
    let seconds = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let short = named.short();
    let (state, metadata) = match (published, named.long) {
        (Some(did), _) if did.deactivated => return Err(Error::agent_status(cx, StatusCode::GONE)),
        (Some(did), long) => {
            let mut state = long.map(|(_, state)| state).unwrap_or_default();
            state.keys = store::dids::keys(cx.db, did.seq)?.iter().map(keys::public).collect();
            let metadata = Metadata {
                deactivated: false,
                canonical_id: (text != short).then_some(short),
                version_id: did.version,
                created: did.published_at.map(seconds),
                updated: did.updated_at.map(seconds),
            };
            (state, metadata)
        }
        (None, Some((operation, state))) => {
            let version_id = prism::hash(&operation);
            (state, Metadata { deactivated: false, canonical_id: None, version_id, created: None, updated: None })
        }
        (None, None) => return Err(Error::agent_status(cx, StatusCode::NOT_FOUND)),
    };
    let resolution = Resolution {
        context: "https://w3id.org/did-resolution/v1",
        did_document: document(&text, &state),
        did_document_metadata: metadata,
        did_resolution_metadata: serde_json::Map::new(),
    };
    answer::read(cx, resolution)
}

fn document(did: &str, state: &State) -> Document {
    let with_usage =
        |usage: Usage| state.keys.iter().filter(|key| key.usage == usage).map(|key| format!("{did}#{}", key.id)).collect();
    let hidden = |key: &&PublicKey| !matches!(key.usage, Usage::Master | Usage::Revocation);
    Document {
        context: ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
        id: did.to_owned(),
        controller: did.to_owned(),
        verification_method: state.keys.iter().filter(hidden).map(|key| method(did, key)).collect(),
        authentication: with_usage(Usage::Authentication),
        assertion_method: with_usage(Usage::Issuing),
        key_agreement: with_usage(Usage::KeyAgreement),
        capability_invocation: with_usage(Usage::CapabilityInvocation),
        capability_delegation: with_usage(Usage::CapabilityDelegation),
        service: state
            .services
            .iter()
            .map(|service| ServiceView {
                id: format!("{did}#{}", service.id),
                kind: service.kind.clone(),
                service_endpoint: service.endpoint.clone(),
            })
            .collect(),
    }
}

fn method(did: &str, key: &PublicKey) -> Method {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let point = if key.curve == SECP256K1 { es256k::coordinates(&key.data) } else { None };
    let public_key_jwk = match point {
        Some((x, y)) => Jwk { crv: key.curve.clone(), x: encode(&x), y: Some(encode(&y)), kty: "EC" },
        None => Jwk { crv: key.curve.clone(), x: encode(&key.data), y: None, kty: "OKP" },
    };
    Method { id: format!("{did}#{}", key.id), kind: "JsonWebKey2020", controller: did.to_owned(), public_key_jwk }
}
