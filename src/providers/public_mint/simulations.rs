//! What Public Mint's staff and its KYC providers do.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::formats;
use super::kyc::{self, MANUAL_REVIEW};
use super::store::{self, Stored};
use super::types::{KycStatus, RiskRating};
use crate::http::{Input, Refusal, Simulation};
use crate::world::Cx;

/// All of them.
pub(super) const ALL: &[Simulation] = &[
    Simulation {
        name: "set-kyc",
        summary: "A KYC provider (all of them unless one is named) has another opinion of an identity: pending, review, approved or \
                  rejected, for the given reasons",
        example: r#"{"identityId": "ff567acd-6254-49f0-8836-1201b37e58ff", "status": "review", "provider": "PrimeTrust", "exceptions": ["manual_review_required"]}"#,
        run: set_kyc,
    },
    Simulation {
        name: "set-blocked",
        summary: "Public Mint's staff blocks an identity, or unblocks it; a blocked one can use no operation",
        example: r#"{"identityId": "ff567acd-6254-49f0-8836-1201b37e58ff", "blocked": true}"#,
        run: set_blocked,
    },
    Simulation {
        name: "set-risk",
        summary: "Public Mint's staff rates an identity's risk low, medium or high; only filters show it",
        example: r#"{"identityId": "ff567acd-6254-49f0-8836-1201b37e58ff", "riskRating": "high"}"#,
        run: set_risk,
    },
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetKyc {
    identity_id: String,
    status: KycStatus,
    provider: Option<String>,
    exceptions: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetBlocked {
    identity_id: String,
    blocked: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetRisk {
    identity_id: String,
    risk_rating: RiskRating,
}

/// An identity and how it is rated, as simulations return it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    identity: super::types::Identity,
    risk_rating: RiskRating,
}

fn set_kyc(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let SetKyc { identity_id, status, provider, exceptions } = input.read()?;
    let stored = find(cx, &identity_id)?;
    let wants_exceptions = matches!(status, KycStatus::Review | KycStatus::Rejected);
    let exceptions = match exceptions {
        Some(given) => given,
        None if wants_exceptions => vec![MANUAL_REVIEW.to_owned()],
        None => Vec::new(),
    };
    if exceptions.iter().any(|exception| exception.trim().is_empty()) {
        return Err(Refusal::Invalid("exceptions: none of them may be blank".to_owned()));
    }
    if !wants_exceptions && !exceptions.is_empty() {
        return Err(Refusal::Invalid("exceptions: only review and rejected have them".to_owned()));
    }
    if status == KycStatus::Review && exceptions.is_empty() {
        return Err(Refusal::Invalid("exceptions: a review needs at least one".to_owned()));
    }
    if let Some(provider) = &provider {
        let active = kyc::providers(cx)?;
        let is_known =
            active.contains(provider) || stored.verifications.iter().any(|verification| verification.provider == *provider);
        if !is_known {
            return Err(Refusal::NotFound(format!("there is no KYC provider {provider:?}; there are {}", active.join(", "))));
        }
    }
    kyc::set(cx, stored, provider.as_deref(), status, &exceptions)?;
    show(cx, &identity_id)
}

fn set_blocked(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let SetBlocked { identity_id, blocked } = input.read()?;
    let stored = find(cx, &identity_id)?;
    if stored.identity.blocked != blocked {
        store::set_blocked(cx.db, stored.number, blocked, cx.now)?;
    }
    show(cx, &identity_id)
}

fn set_risk(cx: &mut Cx<'_>, input: &Input) -> Result<Value, Refusal> {
    let SetRisk { identity_id, risk_rating } = input.read()?;
    let stored = find(cx, &identity_id)?;
    if stored.risk_rating != risk_rating {
        store::set_risk_rating(cx.db, stored.number, risk_rating, cx.now)?;
    }
    show(cx, &identity_id)
}

/// The identity, whichever app it belongs to.
fn find(cx: &Cx<'_>, id: &str) -> Result<Stored, Refusal> {
    let id = formats::uuid(id).ok_or_else(|| Refusal::Invalid("identityId: it wants a version 4 UUID".to_owned()))?;
    let stored = match store::number_in_any_app(cx.db, &id)? {
        Some(number) => store::identity(cx.db, number)?,
        None => None,
    };
    stored.ok_or_else(|| Refusal::NotFound(format!("there is no identity {id}")))
}

fn show(cx: &Cx<'_>, id: &str) -> Result<Value, Refusal> {
    let Stored { identity, risk_rating, .. } = find(cx, id)?;
    serde_json::to_value(Outcome { identity, risk_rating }).map_err(|error| Refusal::Invalid(error.to_string()))
}
