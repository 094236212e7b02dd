//! Whether a person's credentials satisfy what a brand asks for, and which of them do.

use chrono::{DateTime, Utc};

use super::credential::{Credential, Data};
use super::schema;
use super::types::CredentialRequest;

/// Whether credentials satisfy a list of requests: every binding one, and at least one of any kind.
pub(super) fn satisfies(requests: &[CredentialRequest], held: &[Credential], now: DateTime<Utc>) -> bool {
    all_binding(requests, held, now) && requests.iter().any(|request| !candidates(request, held, now).is_empty())
}

/// Whether credentials satisfy every binding request of a list.
pub(super) fn all_binding(requests: &[CredentialRequest], held: &[Credential], now: DateTime<Utc>) -> bool {
    requests.iter().filter(|request| is_binding(request)).all(|request| !candidates(request, held, now).is_empty())
}

/// Whether a request must be satisfied for a match: it, or one of its parts, is mandatory, and the person may not type it instead.
pub(super) fn is_binding(request: &CredentialRequest) -> bool {
    !request.takes_input() && (request.is_mandatory() || request.children.iter().any(is_binding))
}

/// The credentials that satisfy a request: usable ones of its type from an acceptable issuer, alone or as parts of others.
pub(super) fn candidates<'a>(request: &CredentialRequest, held: &'a [Credential], now: DateTime<Utc>) -> Vec<&'a Credential> {
    let mut found = Vec::new();
    let mut look = |credential: &'a Credential| {
        if credential.kind == request.kind
            && credential.is_usable(now)
            && is_acceptable(request, &credential.issuer)
            && has_parts(request, credential, now)
        {
            found.push(credential);
        }
    };
    held.iter().for_each(|credential| credential.each(&mut look));
    found
}

/// Whether a request accepts credentials of this issuer.
pub(super) fn is_acceptable(request: &CredentialRequest, issuer: &str) -> bool {
    request.issuers.is_empty() || request.issuers.iter().any(|wanted| wanted.eq_ignore_ascii_case(issuer))
}

fn has_parts(request: &CredentialRequest, credential: &Credential, now: DateTime<Utc>) -> bool {
    if credential.is_legacy() {
        return true;
    }
    if !request.children.is_empty() {
        return satisfies(&request.children, credential.children(), now);
    }
    let needed =
        schema::credential_type(&request.kind).map(|kind| kind.children_required_when_mandatory.as_slice()).unwrap_or_default();
    !request.is_mandatory()
        || needed.iter().all(|kind| credential.children().iter().any(|child| child.kind == *kind && child.is_usable(now)))
}

/// A credential with the requested parts only, in the order of the request; none when nothing is left of it.
pub(super) fn reduced(request: &CredentialRequest, credential: &Credential, now: DateTime<Utc>) -> Option<Credential> {
    let Data::Children(children) = &credential.data else { return Some(credential.clone()) };
    let kept: Vec<Credential> = if request.children.is_empty() {
        children.iter().filter(|child| child.is_usable(now)).cloned().collect()
    } else {
        let part = |wanted: &CredentialRequest| {
            let child = children.iter().find(|child| child.kind == wanted.kind && child.is_usable(now))?;
            reduced(wanted, child, now)
        };
        request.children.iter().filter_map(part).collect()
    };
    (!kept.is_empty()).then(|| Credential { data: Data::Children(kept), ..credential.clone() })
}
