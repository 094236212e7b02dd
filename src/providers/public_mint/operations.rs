//! Money operations of an identity: which there are, and whether KYC lets them be used.

use http::StatusCode;

use super::auth;
use super::body::path_id;
use super::error::Error;
use super::field_errors::FieldErrors;
use super::kyc;
use super::store::{self, Verification};
use super::types::{Data, KycStatus, Operation, OperationStatus};
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// The action that each operation has here.
const ACTION: &str = "create";

/// The operations of every KYC provider, by code.
const CODES: [&str; 4] = ["deposit:stablecoin", "deposit:wire", "withdrawal:stablecoin", "withdrawal:wire"];

/// `GET /identities/{id}/operations`: the operations of the active KYC providers, and whether the identity may use them.
///
/// 200 with all of them, by provider and code; 400 `validation_failed` when the id is none; 404 `identity_not_found` when the app has
/// no such identity.
pub(super) fn list(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let app = auth::caller(cx, req)?;
    let mut errors = FieldErrors::default();
    let id = path_id(req, "id", &mut errors);
    errors.check()?;
    let stored = store::identity_of_app(cx.db, &app.id, &id)?.ok_or(Error::IdentityNotFound)?;
    let providers = kyc::providers(cx)?;
    let of_provider = |provider| {
        let verification = stored.verifications.iter().find(|verification| verification.provider == provider);
        let status = status(verification, stored.identity.blocked);
        CODES.map(|code| Operation { action: ACTION, code, provider, status })
    };
    let operations: Vec<Operation<'_>> = providers.iter().flat_map(|provider| of_provider(provider.as_str())).collect();
    Ok(reply::json(StatusCode::OK, &Data { data: operations }))
}

/// Whether the operations of a KYC provider can be used.
fn status(verification: Option<&Verification>, blocked: bool) -> OperationStatus {
    match verification.map(|verification| verification.status) {
        _ if blocked => OperationStatus::Inactive,
        Some(KycStatus::Approved) => OperationStatus::Active,
        Some(KycStatus::Pending | KycStatus::Review) => OperationStatus::Pending,
        Some(KycStatus::Rejected) | None => OperationStatus::Inactive,
    }
}

/// The operations (action and code) that a change of mind makes usable.
pub(super) fn activated(before: &Verification, after: &Verification, blocked: bool) -> Vec<(&'static str, &'static str)> {
    let is_active = |verification| status(Some(verification), blocked) == OperationStatus::Active;
    if is_active(after) && !is_active(before) { CODES.map(|code| (ACTION, code)).to_vec() } else { Vec::new() }
}
