//! Credentials that were disclosed to an institution: lists and look-ups.

use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;

use super::store::credentials::{self, Contract};
use super::store::people;
use super::types::{ContractState, Credential, Freshness, KycStatus, Page, Pagination, Resolved, ResolvedCredential};
use super::{auth, error::Error, query};
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// Timer: a credential expires. Its subject is the contract.
pub(super) const EXPIRES: &str = "credentialExpires";

/// What an alias has behind its label when it is written as a full domain name.
const ALIAS_DOMAIN: &str = ".5n.xyz";

/// The ages at which a credential is no longer what it was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ages {
    /// From here on it is of moderate worth.
    pub moderate: TimeDelta,
    /// From here on it is stale.
    pub stale: TimeDelta,
}

impl Ages {
    /// As the settings have them.
    pub(super) fn of(cx: &Cx<'_>) -> rusqlite::Result<Self> {
        let days =
            |key: &str, default: i64| Ok::<_, rusqlite::Error>(TimeDelta::days(cx.setting::<Option<i64>>(key)?.unwrap_or(default)));
        Ok(Self { moderate: days("moderate_after_days", 30)?, stale: days("stale_after_days", 90)? })
    }

    /// How fresh a credential is that was issued at a moment.
    pub(super) fn freshness(self, issued_at: DateTime<Utc>, now: DateTime<Utc>) -> Freshness {
        let age = now - issued_at;
        if age >= self.stale {
            Freshness::Stale
        } else if age >= self.moderate {
            Freshness::Moderate
        } else {
            Freshness::Fresh
        }
    }
}

fn view(contract: Contract, ages: Ages, now: DateTime<Utc>) -> Credential {
    let revoked = contract.state == ContractState::Revoked;
    Credential {
        freshness: if revoked { Freshness::Revoked } else { ages.freshness(contract.issued_at, now) },
        kyc_status: if contract.is_expired && !revoked { KycStatus::Expired } else { KycStatus::Approved },
        party_id: contract.party_id,
        email: contract.email,
        contract_id: contract.contract_id,
        provider: contract.provider,
        expiration_date: contract.expires_at,
        issued_at: contract.issued_at,
        metadata: contract.metadata,
    }
}

fn views(cx: &Cx<'_>, contracts: Vec<Contract>) -> rusqlite::Result<Vec<Credential>> {
    let ages = Ages::of(cx)?;
    Ok(contracts.into_iter().map(|contract| view(contract, ages, cx.now)).collect())
}

/// `GET /api/v1/institutions/me/credentials`: lists the credentials that were disclosed to the institution.
///
/// 200 with a part of the list; 400 when `offset` or `limit` is not right; 401, 403, 429.
pub(super) fn list(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::institution(cx, req, |cx, caller| {
        let offset = query::offset(req)?;
        let limit = query::limit(req)?.unwrap_or(query::DEFAULT_LIMIT);
        let (contracts, total) = match people_filter(req) {
            None => {
                let contracts = credentials::disclosed(cx.db, caller.institution_id, offset, limit)?;
                (contracts, credentials::count_disclosed(cx.db, caller.institution_id)?)
            }
            Some(PeopleFilter { parties, emails }) => {
                part(credentials::disclosed_of(cx.db, caller.institution_id, &parties, &emails)?, offset, limit)
            }
        };
        let items = views(cx, contracts)?;
        Ok(reply::json(StatusCode::OK, &Page { items, pagination: Pagination { offset, limit, total } }))
    })
}

/// Which people a list is about.
#[derive(Debug)]
pub(super) struct PeopleFilter {
    /// Their parties, exactly as written.
    pub parties: Vec<String>,
    /// Or their e-mail addresses, in lower case.
    pub emails: Vec<String>,
}

/// `partyIds` and `emails`; none when neither has a value.
pub(super) fn people_filter(req: &Req) -> Option<PeopleFilter> {
    let parties = query::list(req, "partyIds");
    let emails = query::list_as(req, "emails", str::to_lowercase);
    if parties.is_none() && emails.is_none() {
        return None;
    }
    Some(PeopleFilter { parties: parties.unwrap_or_default(), emails: emails.unwrap_or_default() })
}

/// A part of what was found, and how much was found in all.
pub(super) fn part<T>(found: Vec<T>, offset: i64, limit: i64) -> (Vec<T>, i64) {
    let count = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    (found.into_iter().skip(count(offset)).take(count(limit)).collect(), total)
}

/// `GET /api/v1/institutions/me/credentials/{partyId}`: a user's credentials that were disclosed to the institution.
///
/// 200 with all of them as an array, be it empty; 404 when no user has the party; 401, 403, 429.
pub(super) fn of_party(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::institution(cx, req, |cx, caller| {
        let party_id = req.param("partyId").into_owned();
        if people::by_party(cx.db, &party_id)?.is_none() {
            return Err(Error::NotFound("User"));
        }
        let contracts = credentials::disclosed_of(cx.db, caller.institution_id, &[party_id], &[])?;
        Ok(reply::json(StatusCode::OK, &views(cx, contracts)?))
    })
}

/// `GET /api/v1/institutions/me/credentials/resolve`: finds users by e-mail address or username (`q`), party (`partyId`) or alias
/// (`a`), and tells all their credentials that were disclosed to the institution.
///
/// 200 with them, be there none; 400 unless exactly one of the three is given; 401, 403, 429.
pub(super) fn resolve(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::institution(cx, req, |cx, caller| {
        let given = |name: &str| {
            let value = req.query(name)?.trim().to_owned();
            (!value.is_empty()).then_some(value)
        };
        let institution_id = caller.institution_id;
        let contracts = match (given("q"), given("partyId"), given("a")) {
            (Some(handle), None, None) => credentials::disclosed_by_handle(cx.db, institution_id, &handle.to_lowercase())?,
            (None, Some(party_id), None) => credentials::disclosed_of(cx.db, institution_id, &[party_id], &[])?,
            (None, None, Some(alias)) => {
                let alias = alias.to_lowercase();
                let label = alias.strip_suffix(ALIAS_DOMAIN).unwrap_or(&alias);
                credentials::disclosed_by_alias(cx.db, institution_id, label)?
            }
            _ => {
                let reason = "Exactly one of q, partyId or a must be provided".to_owned();
                return Err(Error::Invalid { field: None, reason });
            }
        };
        let credentials = contracts.into_iter().map(resolved).collect();
        Ok(reply::json(StatusCode::OK, &Resolved { credentials }))
    })
}

fn resolved(contract: Contract) -> ResolvedCredential {
    let text = |key: &str| contract.metadata.get(key)?.as_str().map(str::to_owned);
    ResolvedCredential {
        username: text("username"),
        first_name: text("firstName"),
        last_name: text("lastName"),
        party_id: contract.party_id,
        user_id: contract.user_id,
        email: contract.email,
        kyc_provider: contract.provider,
        contract_id: contract.contract_id,
        metadata: contract.metadata,
    }
}
