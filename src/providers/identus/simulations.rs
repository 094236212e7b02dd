//! What people and outside systems do: let time pass for background steps, revoke a credential, end a DID.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{flow, store};
use crate::crypto::prism;
use crate::http::{Input, Refusal, Simulation};
use crate::world::Cx;

/// All of them.
pub(super) const ALL: &[Simulation] = &[
    Simulation {
        name: "settle",
        summary: "Takes all background steps of everything in the world (issuance, connections, presentations, DIDs) without moving the clock",
        example: "{}",
        run: settle,
    },
    Simulation {
        name: "revoke",
        summary: "The issuer's operator revokes the credential of a record (of either side) in the agent",
        example: r#"{"recordId": "fde44892-7269-45fb-ab80-b88869450cd0"}"#,
        run: revoke,
    },
    Simulation {
        name: "deactivate",
        summary: "The owner of a published DID deactivates it on the ledger",
        example: r#"{"did": "did:prism:b1ed63efd21ec8d0a582dc64f87e834f8f1180080e544b3a9b0473dfb78c4560"}"#,
        run: deactivate,
    },
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn shown<T: Serialize>(value: &T) -> Result<Value, Refusal> {
    serde_json::to_value(value).map_err(|error| Refusal::Conflict(error.to_string()))
}

fn settle(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let Nothing {} = input.read()?;
    shown(&flow::settle(cx)?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Revoke {
    record_id: String,
}

/// The record whose credential is revoked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Revocation {
    record_id: String,
    thid: String,
    revoked: bool,
}

fn revoke(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let wanted: Revoke = input.read()?;
    let record = store::records::any(cx.db, &wanted.record_id)?;
    let record = record.ok_or_else(|| Refusal::NotFound(format!("there is no record {}", wanted.record_id)))?;
    if !store::status_lists::revoke(cx.db, &record.thid)? {
        return Err(Refusal::Conflict(format!("record {} has no credential yet: it is in {}", record.id, record.state.name())));
    }
    shown(&Revocation { record_id: record.id, thid: record.thid, revoked: true })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deactivate {
    did: String,
}

/// The DID that has ended.
#[derive(Serialize)]
struct Deactivation {
    did: String,
    deactivated: bool,
}

fn deactivate(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let wanted: Deactivate = input.read()?;
    let named = prism::parse(&wanted.did).map_err(|reason| Refusal::Invalid(format!("did: {reason}")))?;
    let did = store::dids::by_suffix(cx.db, &named.suffix)?;
    let did = did.ok_or_else(|| Refusal::NotFound(format!("there is no DID {}", wanted.did)))?;
    if did.published_at.is_none() {
        return Err(Refusal::Conflict(format!("{} is not published", named.short())));
    }
    store::dids::deactivate(cx.db, &did.suffix, cx.now)?;
    shown(&Deactivation { did: named.short(), deactivated: true })
}
