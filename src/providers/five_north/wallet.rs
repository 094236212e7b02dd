//! The stand-in for the web application in which users link accounts and decide on requests.

use askama::Template;
use http::StatusCode;
use http::header::LOCATION;
use serde_json::Map;

use super::credentials::Ages;
use super::error::Error;
use super::ledger;
use super::pages::{MessagePage, page, shell};
use super::store::credentials as contracts;
use super::store::people::{self, User};
use super::store::requests::{self, Request};
use super::types::{ContractState, Freshness, KycProvider, ReqStatus};
use super::users::{self, Decision};
use crate::http::wire::uri_component;
use crate::http::{Refusal, Reply, Req, reply};
use crate::pages::{Page, Shell};
use crate::world::Cx;

/// The most users that the list of wallets shows.
const MOST_WALLETS: i64 = 100;

/// Users, each with a link to their wallet.
#[derive(Debug, Template)]
#[template(path = "providers/five_north/pages/wallets.html", config = "src/pages/askama.toml")]
struct WalletsPage {
    /// Name, e-mail address and address of the wallet.
    users: Vec<(String, String, String)>,
}

impl Page for WalletsPage {
    fn shell(&self) -> Shell<'_> {
        shell("Wallets", false)
    }
}

/// What a user has linked, and what was asked of them.
#[derive(Debug, Template)]
#[template(path = "providers/five_north/pages/wallet.html", config = "src/pages/askama.toml")]
struct WalletPage<'a> {
    user: &'a User,
    /// Where the forms go.
    action: String,
    requests: Vec<RequestView>,
    accounts: Vec<AccountView>,
    unlinked: Vec<KycProvider>,
    /// Why the last action was refused.
    error: Option<String>,
}

impl Page for WalletPage<'_> {
    fn shell(&self) -> Shell<'_> {
        shell("Wallet", self.error.is_some())
    }
}

/// A request for data, as its user sees it.
#[derive(Debug)]
struct RequestView {
    id: i64,
    institution: String,
    provider: &'static str,
    proposal_id: String,
    state: &'static str,
    tone: &'static str,
    asked_on: String,
    is_pending: bool,
    is_approved: bool,
}

/// A linked account, as its user sees it.
#[derive(Debug)]
struct AccountView {
    /// For ids: `google`.
    slug: String,
    provider: &'static str,
    contract_id: String,
    state: &'static str,
    tone: &'static str,
    issued_on: String,
    expires_on: String,
    is_active: bool,
}

/// `GET /wallet`: lists the first users, for a developer to become one of them.
///
/// 200 with the page.
pub(super) fn list(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let users = people::first(cx.db, MOST_WALLETS)?;
    let users = users.into_iter().map(|user| (user.full_name(), user.email.clone(), address(req, &user.party_id))).collect();
    page(StatusCode::OK, &WalletsPage { users })
}

/// `GET /wallet/{partyId}`: shows a user what they have linked and what was asked of them.
///
/// 200 with the page; 404 with one that says so when no user has the party.
pub(super) fn show(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    match people::by_party(cx.db, &req.param("partyId"))? {
        Some(user) => wallet(cx, req, StatusCode::OK, &user, None),
        None => nobody(),
    }
}

/// `POST /wallet/{partyId}`: the user pushes a button: `action` on `subject` (a proposal, a contract or a provider).
///
/// 303 back to the wallet; 400, 404 or 409 with the wallet and the reason when nothing was done; 403 for a form that another
/// website sent; 404 when no user has the party.
pub(super) fn act(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    if req.header("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        let text = "This form was sent from another website, so nothing was done.";
        return page(StatusCode::FORBIDDEN, &MessagePage { title: "Not allowed", text });
    }
    let Some(user) = people::by_party(cx.db, &req.param("partyId"))? else { return nobody() };
    let (action, subject) = (req.form("action").unwrap_or_default(), req.form("subject").unwrap_or_default());
    let (status, reason) = match perform(cx, &user, &action, &subject) {
        Ok(()) => return Ok(reply::empty(StatusCode::SEE_OTHER).header(LOCATION, address(req, &user.party_id))),
        Err(Refusal::Store(error)) => return Err(error.into()),
        Err(Refusal::Panicked(cause)) => return Err(Error::Internal(cause)),
        Err(Refusal::Invalid(reason)) => (StatusCode::BAD_REQUEST, reason),
        Err(Refusal::NotFound(reason)) => (StatusCode::NOT_FOUND, reason),
        Err(Refusal::Conflict(reason)) => (StatusCode::CONFLICT, reason),
    };
    wallet(cx, req, status, &user, Some(format!("Nothing was done: {reason}.")))
}

fn perform(cx: &mut Cx<'_>, user: &User, action: &str, subject: &str) -> Result<(), Refusal> {
    let decision = match action {
        "approve" => Some(Decision::Approve),
        "reject" => Some(Decision::Reject),
        "withdraw" => Some(Decision::Revoke),
        _ => None,
    };
    if let Some(decision) = decision {
        let own = requests::by_proposal(cx.db, subject)?.is_some_and(|request| request.user_id == user.id);
        return if own {
            users::decide(cx, subject, decision)
        } else {
            Err(Refusal::NotFound("there is no such request here".to_owned()))
        };
    }
    if action == "link" {
        let provider = KycProvider::of_account(subject).ok_or_else(|| Refusal::Invalid("there is no such provider".to_owned()))?;
        return ledger::issue(cx, user, provider, &Map::new()).map(|_| ());
    }
    let own = contracts::by_id(cx.db, subject)?.is_some_and(|contract| contract.user_id == user.id);
    match action {
        "reverify" | "revoke" | "unlink" if !own => Err(Refusal::NotFound("there is no such credential here".to_owned())),
        "reverify" => ledger::reverify(cx, subject).map(|_| ()),
        "revoke" => ledger::revoke(cx, subject),
        "unlink" => ledger::archive(cx, subject),
        _ => Err(Refusal::Invalid("there is no such action".to_owned())),
    }
}

fn nobody() -> Result<Reply, Error> {
    page(StatusCode::NOT_FOUND, &MessagePage { title: "No such wallet", text: "No user has this party." })
}

fn address(req: &Req, party_id: &str) -> String {
    req.links.url("api", &format!("/wallet/{}", uri_component(party_id)))
}

fn wallet(cx: &Cx<'_>, req: &Req, status: StatusCode, user: &User, error: Option<String>) -> Result<Reply, Error> {
    let ages = Ages::of(cx)?;
    let current = contracts::all_current(cx.db, user.id)?;
    let linked = |provider: &KycProvider| {
        current.iter().any(|contract| contract.provider == *provider && contract.state == ContractState::Active)
    };
    let unlinked = KycProvider::ACCOUNTS.into_iter().filter(|provider| !linked(provider)).collect();
    let accounts = current
        .iter()
        .map(|contract| {
            let is_active = contract.state == ContractState::Active;
            let (state, tone) = match (is_active, contract.is_expired, ages.freshness(contract.issued_at, cx.now)) {
                (false, _, _) => ("Revoked", "red"),
                (true, true, _) => ("Expired", "red"),
                (true, false, Freshness::Fresh) => ("Fresh", "green"),
                (true, false, Freshness::Moderate) => ("Moderate", "amber"),
                (true, false, _) => ("Stale", "red"),
            };
            AccountView {
                slug: contract.provider.name().to_lowercase(),
                provider: contract.provider.title(),
                contract_id: contract.contract_id.clone(),
                state,
                tone,
                issued_on: day(contract.issued_at),
                expires_on: day(contract.expires_at),
                is_active,
            }
        })
        .collect();
    let requests = requests::of_user(cx.db, user.id)?.into_iter().map(request_view).collect();
    let action = address(req, &user.party_id);
    page(status, &WalletPage { user, action, requests, accounts, unlinked, error })
}

fn request_view(request: Request) -> RequestView {
    let (state, tone) = match request.state {
        ReqStatus::Pending => ("Pending", "amber"),
        ReqStatus::Approved => ("Approved", "green"),
        ReqStatus::Rejected => ("Rejected", "red"),
        ReqStatus::Revoked => ("Withdrawn", "red"),
    };
    RequestView {
        id: request.id,
        institution: request.institution,
        provider: request.provider.title(),
        proposal_id: request.proposal_id,
        state,
        tone,
        asked_on: day(request.created_at),
        is_pending: request.state == ReqStatus::Pending,
        is_approved: request.state == ReqStatus::Approved,
    }
}

/// `6 February 2026`.
fn day(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%-d %B %Y").to_string()
}
