//! Institutions' requests for data, and the list of them.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, ToSql, named_params};

use super::super::types::{InstitutionUser, KycProvider, KycStatus, ReqStatus};
use super::people::User;
use crate::world::store::{AsText, Millis};

/// What the list can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum OrderBy {
    Id,
    FullName,
    Email,
    Status,
    KycStatus,
    PartyId,
    ProposalId,
    ReqStatus,
    KycProvider,
    RegDate,
    CreatedAt,
}

impl OrderBy {
    /// All of them, as on the wire.
    pub(in super::super) const ALL: [(&'static str, Self); 11] = [
        ("id", Self::Id),
        ("fullName", Self::FullName),
        ("email", Self::Email),
        ("status", Self::Status),
        ("kycStatus", Self::KycStatus),
        ("partyId", Self::PartyId),
        ("proposalId", Self::ProposalId),
        ("reqStatus", Self::ReqStatus),
        ("kycProvider", Self::KycProvider),
        ("regDate", Self::RegDate),
        ("createdAt", Self::CreatedAt),
    ];
}

/// Which rows of an institution's list are wanted. A filter that is absent lets all through.
#[derive(Debug, Default)]
pub(in super::super) struct Filter {
    /// States of the user's account.
    pub statuses: Option<Vec<String>>,
    /// States of the request.
    pub req_statuses: Option<Vec<String>>,
    /// States of the user at the provider.
    pub kyc_statuses: Option<Vec<String>>,
    /// A part of name, e-mail address or party, in lower case.
    pub search: Option<String>,
}

/// Which part of a list is wanted, and how it is sorted.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Cut {
    pub by: OrderBy,
    pub ascending: bool,
    pub offset: i64,
    pub limit: i64,
}

/// A request, as its decision needs it.
#[derive(Debug)]
pub(in super::super) struct Request {
    pub id: i64,
    pub user_id: i64,
    pub provider: KycProvider,
    pub proposal_id: String,
    pub state: ReqStatus,
    /// Name of the institution.
    pub institution: String,
    pub created_at: DateTime<Utc>,
}

/// A request that is about to be made.
#[derive(Debug)]
pub(in super::super) struct NewRequest<'a> {
    /// The next number when absent.
    pub id: Option<i64>,
    pub institution_id: i64,
    pub user: &'a User,
    pub provider: KycProvider,
    pub proposal_id: &'a str,
    pub state: ReqStatus,
    pub created_at: DateTime<Utc>,
}

/// What the list finds a row by.
fn searchable(name: &str, email: &str, party_id: &str) -> String {
    // A character that nobody types keeps a search from matching across two of them.
    format!("{name}\u{1f}{email}\u{1f}{party_id}").to_lowercase()
}

/// What a row shows of its user: name and e-mail address only while the request is approved.
fn shown(user: &User, state: ReqStatus) -> (String, String) {
    if state == ReqStatus::Approved { (user.full_name(), user.email.clone()) } else { (String::new(), String::new()) }
}

/// Makes a request. [`super::settle`] completes it.
pub(in super::super) fn insert(db: &Connection, new: &NewRequest<'_>) -> Result<()> {
    let user = new.user;
    let (name, email) = shown(user, new.state);
    db.prepare_cached(
        "INSERT INTO five_north_request (id, institution_id, user_id, provider, proposal_id, state, created_at_ms, full_name, email,
            user_status, kyc_status, party_id, registered_at_ms, search_text)
         VALUES (:id, :institution, :user, :provider, :proposal, :state, :created_at, :name, :email,
            :status, :kyc_status, :party, :registered_at, :search)",
    )?
    .execute(named_params! {
        ":id": new.id,
        ":institution": new.institution_id,
        ":user": user.id,
        ":provider": AsText(new.provider),
        ":proposal": new.proposal_id,
        ":state": AsText(new.state),
        ":created_at": Millis(new.created_at),
        ":name": name,
        ":email": email,
        ":status": AsText(user.status),
        ":kyc_status": AsText(KycStatus::ToDo),
        ":party": user.party_id,
        ":registered_at": Millis(user.registered_at),
        ":search": searchable(&name, &email, &user.party_id),
    })?;
    Ok(())
}

/// Brings a request into another state. [`super::settle`] does the rest.
pub(in super::super) fn set_state(db: &Connection, id: i64, user: &User, state: ReqStatus) -> Result<()> {
    let (name, email) = shown(user, state);
    db.prepare_cached(
        "UPDATE five_north_request SET state = :state, full_name = :name, email = :email, search_text = :search WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": id,
        ":state": AsText(state),
        ":name": name,
        ":email": email,
        ":search": searchable(&name, &email, &user.party_id),
    })?;
    Ok(())
}

fn request(row: &Row<'_>) -> Result<Request> {
    Ok(Request {
        id: row.get(0)?,
        user_id: row.get(1)?,
        provider: row.get::<_, AsText<_>>(2)?.0,
        proposal_id: row.get(3)?,
        state: row.get::<_, AsText<_>>(4)?.0,
        institution: row.get(5)?,
        created_at: row.get::<_, Millis>(6)?.0,
    })
}

/// The request with this proposal.
pub(in super::super) fn by_proposal(db: &Connection, proposal_id: &str) -> Result<Option<Request>> {
    db.prepare_cached(
        "SELECT r.id, r.user_id, r.provider, r.proposal_id, r.state, i.name, r.created_at_ms
         FROM five_north_request r JOIN five_north_institution i ON i.id = r.institution_id WHERE r.proposal_id = ?1",
    )?
    .query_row([proposal_id], request)
    .optional()
}

/// All requests to a user, newest first.
pub(in super::super) fn of_user(db: &Connection, user_id: i64) -> Result<Vec<Request>> {
    db.prepare_cached(
        "SELECT r.id, r.user_id, r.provider, r.proposal_id, r.state, i.name, r.created_at_ms
         FROM five_north_request r JOIN five_north_institution i ON i.id = r.institution_id WHERE r.user_id = ?1 ORDER BY r.id DESC",
    )?
    .query_map([user_id], request)?
    .collect()
}

/// Whether an institution has asked a user for data of a provider and was not refused.
pub(in super::super) fn is_live(db: &Connection, institution_id: i64, user_id: i64, provider: KycProvider) -> Result<bool> {
    db.prepare_cached(
        "SELECT 1 FROM five_north_request INDEXED BY five_north_request_live
         WHERE institution_id = ?1 AND user_id = ?2 AND provider = ?3 AND state IN ('PENDING', 'APPROVED')",
    )?
    .exists((institution_id, user_id, AsText(provider)))
}

/// How many requests an institution has made.
pub(in super::super) fn count_all(db: &Connection, institution_id: i64) -> Result<i64> {
    db.prepare_cached("SELECT COALESCE(sum(requests), 0) FROM five_north_tally WHERE institution_id = ?1")?
        .query_row([institution_id], |row| row.get(0))
}

/// Matches up to this number are found first and then sorted; more are walked in order until the page is full, which then takes
/// only a few steps.
const FEW: i64 = 2000;

/// A search for fewer characters than an index of three-letter parts can answer.
const SHORT: usize = 3;

/// Where the rows of a list come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// In order, letting pass what matches.
    Walk,
    /// By their states.
    States,
    /// By a part of their text.
    Text,
}

macro_rules! matching {
    () => {
        "r.institution_id = :institution
         AND (:req_statuses IS NULL OR r.state IN (SELECT value FROM json_each(:req_statuses)))
         AND (:kyc_statuses IS NULL OR r.kyc_status IN (SELECT value FROM json_each(:kyc_statuses)))
         AND (:statuses IS NULL OR r.user_status IN (SELECT value FROM json_each(:statuses)))
         AND (:search IS NULL OR instr(r.search_text, :search) > 0)"
    };
}

macro_rules! from_walk {
    () => {
        concat!("FROM five_north_request r WHERE ", matching!())
    };
}

macro_rules! from_states {
    () => {
        concat!(
            "FROM five_north_tally t CROSS JOIN five_north_request r INDEXED BY five_north_request_states
                ON r.institution_id = t.institution_id AND r.state = t.state AND r.kyc_status = t.kyc_status
                AND r.user_status = t.user_status
             WHERE t.institution_id = :institution
             AND (:req_statuses IS NULL OR t.state IN (SELECT value FROM json_each(:req_statuses)))
             AND (:kyc_statuses IS NULL OR t.kyc_status IN (SELECT value FROM json_each(:kyc_statuses)))
             AND (:statuses IS NULL OR t.user_status IN (SELECT value FROM json_each(:statuses))) AND ",
            matching!()
        )
    };
}

macro_rules! from_text {
    () => {
        concat!(
            "FROM five_north_search s CROSS JOIN five_north_request r ON r.id = s.rowid
             WHERE s.search_text MATCH '\"' || replace(:search, '\"', '\"\"') || '\"' AND ",
            matching!()
        )
    };
}

macro_rules! sorted {
    ($from:ident, $column:literal, $direction:literal) => {
        concat!(
            "SELECT r.id, r.full_name, r.email, r.user_status, r.kyc_status, r.party_id, r.proposal_id, r.state, r.provider,
                r.registered_at_ms ",
            $from!(),
            " ORDER BY r.",
            $column,
            " ",
            $direction,
            ", r.id DESC LIMIT :limit OFFSET :offset"
        )
    };
}

/// The statement for each order, of rows that come from one place.
macro_rules! statement {
    ($from:ident, $cut:expr) => {
        match ($cut.by, $cut.ascending) {
            (OrderBy::Id, true) => sorted!($from, "id", "ASC"),
            (OrderBy::Id, false) => sorted!($from, "id", "DESC"),
            (OrderBy::FullName, true) => sorted!($from, "full_name", "ASC"),
            (OrderBy::FullName, false) => sorted!($from, "full_name", "DESC"),
            (OrderBy::Email, true) => sorted!($from, "email", "ASC"),
            (OrderBy::Email, false) => sorted!($from, "email", "DESC"),
            (OrderBy::Status, true) => sorted!($from, "user_status", "ASC"),
            (OrderBy::Status, false) => sorted!($from, "user_status", "DESC"),
            (OrderBy::KycStatus, true) => sorted!($from, "kyc_status", "ASC"),
            (OrderBy::KycStatus, false) => sorted!($from, "kyc_status", "DESC"),
            (OrderBy::PartyId, true) => sorted!($from, "party_id", "ASC"),
            (OrderBy::PartyId, false) => sorted!($from, "party_id", "DESC"),
            (OrderBy::ProposalId, true) => sorted!($from, "proposal_id", "ASC"),
            (OrderBy::ProposalId, false) => sorted!($from, "proposal_id", "DESC"),
            (OrderBy::ReqStatus, true) => sorted!($from, "state", "ASC"),
            (OrderBy::ReqStatus, false) => sorted!($from, "state", "DESC"),
            (OrderBy::KycProvider, true) => sorted!($from, "provider", "ASC"),
            (OrderBy::KycProvider, false) => sorted!($from, "provider", "DESC"),
            (OrderBy::RegDate, true) => sorted!($from, "registered_at_ms", "ASC"),
            (OrderBy::RegDate, false) => sorted!($from, "registered_at_ms", "DESC"),
            (OrderBy::CreatedAt, true) => sorted!($from, "created_at_ms", "ASC"),
            (OrderBy::CreatedAt, false) => sorted!($from, "created_at_ms", "DESC"),
        }
    };
}

/// A part of an institution's list, and how many rows match the filter in all.
pub(in super::super) fn list(
    db: &Connection,
    institution_id: i64,
    filter: &Filter,
    cut: Cut,
) -> Result<(Vec<InstitutionUser>, i64)> {
    let values = |values: &Option<Vec<String>>| values.as_deref().map(super::list);
    let (statuses, req_statuses, kyc_statuses) =
        (values(&filter.statuses), values(&filter.req_statuses), values(&filter.kyc_statuses));
    let matching: [(&str, &dyn ToSql); 5] = [
        (":institution", &institution_id),
        (":req_statuses", &req_statuses),
        (":kyc_statuses", &kyc_statuses),
        (":statuses", &statuses),
        (":search", &filter.search),
    ];
    let source = match &filter.search {
        None => Plan::States,
        // The index reads a search only up to a zero character.
        Some(search) if search.chars().count() < SHORT || search.contains('\0') => Plan::Walk,
        Some(_) => Plan::Text,
    };
    let count = match source {
        Plan::Walk => concat!("SELECT count(*) ", from_walk!()),
        Plan::Text => concat!("SELECT count(*) ", from_text!()),
        Plan::States => {
            "SELECT COALESCE(sum(t.requests), 0) FROM five_north_tally t WHERE t.institution_id = :institution
             AND (:req_statuses IS NULL OR t.state IN (SELECT value FROM json_each(:req_statuses)))
             AND (:kyc_statuses IS NULL OR t.kyc_status IN (SELECT value FROM json_each(:kyc_statuses)))
             AND (:statuses IS NULL OR t.user_status IN (SELECT value FROM json_each(:statuses))) AND :search IS NULL"
        }
    };
    let total: i64 = db.prepare_cached(count)?.query_row(&matching[..], |row| row.get(0))?;
    if cut.offset >= total {
        return Ok((Vec::new(), total));
    }
    let plan = if total > FEW { Plan::Walk } else { source };
    let statement = match plan {
        Plan::Walk => statement!(from_walk, cut),
        Plan::States => statement!(from_states, cut),
        Plan::Text => statement!(from_text, cut),
    };
    let paging: [(&str, &dyn ToSql); 2] = [(":limit", &cut.limit), (":offset", &cut.offset)];
    let parameters: Vec<(&str, &dyn ToSql)> = matching.into_iter().chain(paging).collect();
    let rows = db.prepare_cached(statement)?.query_map(&*parameters, row)?.collect::<Result<Vec<_>>>()?;
    Ok((rows, total))
}

fn row(row: &Row<'_>) -> Result<InstitutionUser> {
    let visible = |text: String| (!text.is_empty()).then_some(text);
    Ok(InstitutionUser {
        id: row.get(0)?,
        full_name: visible(row.get(1)?),
        email: visible(row.get(2)?),
        status: row.get::<_, AsText<_>>(3)?.0,
        kyc_status: row.get::<_, AsText<_>>(4)?.0,
        party_id: row.get(5)?,
        proposal_id: row.get(6)?,
        req_status: row.get::<_, AsText<_>>(7)?.0,
        kyc_provider: row.get::<_, AsText<_>>(8)?.0,
        reg_date: row.get::<_, Millis>(9)?.0,
    })
}

/// Pending requests to users who decide by a policy: proposal, creation, and how many seconds the policy takes.
pub(in super::super) fn awaiting_policy(db: &Connection) -> Result<Vec<(String, DateTime<Utc>, i64)>> {
    db.prepare(
        "SELECT r.proposal_id, r.created_at_ms, u.policy_delay_s
         FROM five_north_user u JOIN five_north_request r ON r.user_id = u.id
         WHERE u.policy <> 'manual' AND r.state = 'PENDING' ORDER BY r.id",
    )?
    .query_map([], |row| Ok((row.get(0)?, row.get::<_, Millis>(1)?.0, row.get(2)?)))?
    .collect()
}
