//! Which of the credentials that the network knows of answer a request.

use chrono::{DateTime, Utc};

use super::credential::Credential;
use super::matching;
use super::profile::ISSUER;
use super::types::CredentialRequest;

/// The credentials that can answer a request, reduced to the requested parts. Mock data comes first, and alone where there is some;
/// otherwise those that satisfy the request, or, where the person may complete them, those that satisfy a part of it.
pub(super) fn values(request: &CredentialRequest, known: &[Credential], now: DateTime<Utc>) -> Vec<Credential> {
    let of = |is_mock: bool| -> Vec<Credential> {
        let mut satisfying = matching::candidates(request, known, now);
        satisfying.retain(|credential| (credential.issuer == ISSUER) == is_mock);
        if satisfying.is_empty() && request.takes_input() {
            let partial = |credential: &&Credential| {
                credential.kind == request.kind
                    && credential.is_usable(now)
                    && matching::is_acceptable(request, &credential.issuer)
                    && (credential.issuer == ISSUER) == is_mock
            };
            satisfying = known.iter().filter(partial).collect();
        }
        satisfying.into_iter().filter_map(|credential| matching::reduced(request, credential, now)).collect()
    };
    let mock = of(true);
    if mock.is_empty() { of(false) } else { mock.into_iter().take(1).collect() }
}

/// What is shared when nobody is asked: the first credential that answers each request.
pub(super) fn first_of_each(requests: &[CredentialRequest], known: &[Credential], now: DateTime<Utc>) -> Vec<Credential> {
    requests.iter().filter_map(|request| values(request, known, now).into_iter().next()).collect()
}
