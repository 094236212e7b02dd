//! How likely it is that a user is a real person.

use http::StatusCode;

use super::credentials::{PeopleFilter, part, people_filter};
use super::score::{self, HumanScoreItem};
use super::store::people::{self, Person};
use super::types::{Page, Pagination};
use super::{auth, error::Error, query};
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// `GET /api/v1/institutions/me/human-scores`: lists the human scores of users who have approved a request of the institution.
///
/// 200 with a part of the list, by default large enough for all parties and e-mail addresses that were asked for; 400 when
/// `offset` or `limit` is not right; 401, 403, 429.
pub(super) fn list(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::institution(cx, req, |cx, caller| {
        let offset = query::offset(req)?;
        let limit = query::limit(req)?;
        let (found, limit, total) = match people_filter(req) {
            None => {
                let limit = limit.unwrap_or(query::DEFAULT_LIMIT);
                let found = people::all_approved(cx.db, caller.institution_id, offset, limit)?;
                (found, limit, people::count_approved(cx.db, caller.institution_id)?)
            }
            Some(PeopleFilter { parties, emails }) => {
                let asked = i64::try_from(parties.len() + emails.len()).unwrap_or(query::MAX_LIMIT);
                let limit = limit.unwrap_or(asked.clamp(query::DEFAULT_LIMIT, query::MAX_LIMIT));
                let found = people::some_approved(cx.db, caller.institution_id, &parties, &emails)?;
                let (found, total) = part(found, offset, limit);
                (found, limit, total)
            }
        };
        let items = found.into_iter().map(|person| item(cx, person)).collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(reply::json(StatusCode::OK, &Page { items, pagination: Pagination { offset, limit, total } }))
    })
}

/// `GET /api/v1/institutions/me/human-scores/{partyId}`: the human score of one user.
///
/// 200 with the score; 404 when no user has the party, or the user has approved no request of the institution; 401, 403, 429.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::institution(cx, req, |cx, caller| {
        let person = people::approved(cx.db, caller.institution_id, &req.param("partyId"))?.ok_or(Error::NotFound("User"))?;
        Ok(reply::json(StatusCode::OK, &item(cx, person)?))
    })
}

fn item(cx: &Cx<'_>, person: Person) -> rusqlite::Result<HumanScoreItem> {
    let accounts = people::counted_accounts(cx.db, person.id)?;
    Ok(HumanScoreItem { party_id: person.party_id, email: person.email, human_score: score::of(accounts, cx.now) })
}
