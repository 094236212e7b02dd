//! KYC: what its providers think of an identity, and what follows when one changes its mind.

use serde::{Deserialize, Serialize};

use super::operations;
use super::store::{self, Stored, Verification};
use super::types::KycStatus;
use super::webhooks;
use crate::world::Cx;

/// The KYC provider that there is unless the setting `kycProviders` says otherwise.
const PROVIDER: &str = "PrimeTrust";

/// What a rejected identity, or one in review, needs unless somebody says otherwise.
pub(super) const MANUAL_REVIEW: &str = "manual_review_required";

/// What the sandbox is told to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Decision {
    Approve,
    Reject,
}

/// The active KYC providers, by name.
pub(super) fn providers(cx: &Cx<'_>) -> rusqlite::Result<Vec<String>> {
    let set: Option<Vec<String>> = cx.setting("kycProviders")?;
    let mut providers = set.unwrap_or_else(|| vec![PROVIDER.to_owned()]);
    providers.sort();
    providers.dedup();
    Ok(providers)
}

/// What the active providers think of a new identity: nothing yet.
pub(super) fn begin(cx: &mut Cx<'_>) -> rusqlite::Result<Vec<Verification>> {
    let providers = providers(cx)?;
    Ok(providers.into_iter().map(|provider| pending(cx, provider)).collect())
}

fn pending(cx: &mut Cx<'_>, provider: String) -> Verification {
    Verification { id: cx.rng.uuid().to_string(), provider, status: KycStatus::Pending, exceptions: Vec::new() }
}

/// Has every provider approve, or reject for these reasons.
pub(super) fn decide(cx: &Cx<'_>, stored: &Stored, decision: Decision, exceptions: &[String]) -> rusqlite::Result<()> {
    let (status, exceptions) = match decision {
        Decision::Approve => (KycStatus::Approved, &[][..]),
        Decision::Reject => (KycStatus::Rejected, exceptions),
    };
    change(cx, stored, |_| Some((status, exceptions.to_vec())))
}

/// Starts anew with an identity that was rejected.
pub(super) fn resubmit(cx: &Cx<'_>, stored: &Stored) -> rusqlite::Result<()> {
    if stored.verifications.iter().any(|verification| verification.status == KycStatus::Rejected) {
        change(cx, stored, |_| Some((KycStatus::Pending, Vec::new())))?;
    }
    Ok(())
}

/// Has one provider (asking it first where it was not yet), or all of them, think so.
pub(super) fn set(
    cx: &mut Cx<'_>,
    mut stored: Stored,
    provider: Option<&str>,
    status: KycStatus,
    exceptions: &[String],
) -> rusqlite::Result<()> {
    if let Some(provider) = provider
        && !stored.verifications.iter().any(|verification| verification.provider == provider)
    {
        let verification = pending(cx, provider.to_owned());
        store::set_verification(cx.db, stored.number, &verification)?;
        webhooks::verification_created(cx, &stored.identity.app_id, &stored.identity.id, &verification.id)?;
        stored.verifications.push(verification);
        stored.verifications.sort_by(|left, right| left.provider.cmp(&right.provider));
    }
    change(cx, &stored, |verification| {
        let is_meant = provider.is_none_or(|provider| provider == verification.provider);
        is_meant.then(|| (status, exceptions.to_vec()))
    })
}

/// Gives verifications another status and other exceptions, where `next` says so, and tells the partner what follows: which
/// verifications changed, then that there are exceptions, then which operations became active.
fn change(cx: &Cx<'_>, stored: &Stored, next: impl Fn(&Verification) -> Option<(KycStatus, Vec<String>)>) -> rusqlite::Result<()> {
    let (app_id, id) = (&stored.identity.app_id, &stored.identity.id);
    let mut changed = false;
    let mut raised: Option<Vec<String>> = None;
    let mut activated = Vec::new();
    for before in &stored.verifications {
        let Some((status, exceptions)) = next(before) else { continue };
        if (before.status, &before.exceptions) == (status, &exceptions) {
            continue;
        }
        let after = Verification { status, exceptions, ..before.clone() };
        store::set_verification(cx.db, stored.number, &after)?;
        changed = true;
        if before.status == status {
            continue;
        }
        webhooks::verification_updated(cx, app_id, id, &after.id)?;
        if matches!(status, KycStatus::Review | KycStatus::Rejected) {
            let raised = raised.get_or_insert_default();
            let new: Vec<String> = after.exceptions.iter().filter(|exception| !raised.contains(exception)).cloned().collect();
            raised.extend(new);
        }
        activated.extend(operations::activated(before, &after, stored.identity.blocked));
    }
    if let Some(exceptions) = raised {
        webhooks::exception_raised(cx, app_id, id, &exceptions)?;
    }
    activated.sort_unstable();
    activated.dedup();
    if !activated.is_empty() {
        webhooks::operation_activated(cx, app_id, &activated)?;
    }
    if changed {
        store::touch(cx.db, stored.number, cx.now)?;
    }
    Ok(())
}
