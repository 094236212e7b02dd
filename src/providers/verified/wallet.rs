//! The wallet: what a person sees and does. Plain forms, which a browser without JavaScript can send, and curl too.

pub(super) mod acts;

use askama::Template;
use http::StatusCode;
use http::header::SET_COOKIE;

use super::consent::{self, Form, Mistake};
use super::credential::Credential;
use super::error::Error;
use super::identifier::Contact;
use super::profile::Subscriber;
use super::store::{self, credentials, flows};
use super::types::{Brand, Flow, FlowState, Session};
use super::views::{CodePage, ConsentPage, Destination, DonePage, IdentityPage, MessagePage, Next, Tone};
use super::{day, matching, one_click, partner, readable, redirect, sourcing};
use crate::http::wire::uri_component;
use crate::http::{Reply, Req, form, reply};
use crate::pages::{self, Colour};
use crate::world::Cx;
use crate::world::outbox::{Channel, Message};

/// Wrong codes after which a flow is over.
const MAX_ATTEMPTS: i64 = 3;

const WRONG_CODE: &str = "Invalid or expired verification code";
const TOO_MANY_CODES: &str = "Maximum code attempts exceeded. Please start a new 1-Click flow.";
const NOT_THEM: &str = "That does not match our records. Please try again.";
const OPT_OUT: &str = "Enter info manually instead";
const FIXED_CODE_TIP: &str = "In this sandbox the code is in the outbox; the published test code is 111111.";
const RANDOM_CODE_TIP: &str = "In this sandbox the code is in the outbox.";

/// The wallet's address of a request, with the identifiers that were sent.
pub(super) fn request_url(req: &Req, id: &str, contact: &Contact) -> String {
    let email = contact.email.as_ref().map(|email| format!("email={}", uri_component(email)));
    let phone = contact.phone.as_ref().map(|phone| format!("phone={}", uri_component(phone)));
    let query: Vec<String> = email.into_iter().chain(phone).collect();
    req.links.url("wallet", &format!("/request/{id}?{}", query.join("&")))
}

/// A verification code: the published one, unless the setting `codes` is `random`.
pub(super) fn new_code(cx: &mut Cx<'_>) -> Result<String, Error> {
    Ok(if are_codes_random(cx)? { cx.rng.code(6) } else { "111111".to_owned() })
}

fn are_codes_random(cx: &Cx<'_>) -> Result<bool, Error> {
    let kind: String = cx.setting("codes")?;
    Ok(kind == "random")
}

/// `111-111`.
pub(super) fn hyphenated(code: &str) -> String {
    code.split_at_checked(3).map_or_else(|| code.to_owned(), |(left, right)| format!("{left}-{right}"))
}

/// A flow, the brand that it is for, and the browser's visit to it.
struct Visit {
    flow: Flow,
    brand: Brand,
    session: Option<Session>,
}

impl Visit {
    /// The flow with pages whose id is in the path, as the browser sees it.
    fn hosted(cx: &Cx<'_>, req: &Req) -> Result<Option<Self>, Error> {
        let visit = Self::of(cx, &req.param("id"))?.filter(|visit| visit.flow.is_hosted);
        visit.map(|visit| visit.by_browser(cx, req)).transpose()
    }

    /// The flow with this id, without a browser.
    fn of(cx: &Cx<'_>, id: &str) -> Result<Option<Self>, Error> {
        let Some(flow) = flows::flow(cx.db, &id.to_lowercase())? else { return Ok(None) };
        let Some(brand) = store::brand(cx.db, &flow.brand)? else { return Ok(None) };
        Ok(Some(Self { flow, brand, session: None }))
    }

    /// With the session that the browser has there, and with the `redirectUrl` that its address carries: it is kept for the steps that
    /// follow without it.
    fn by_browser(mut self, cx: &Cx<'_>, req: &Req) -> Result<Self, Error> {
        if let Some(token) = req.cookie(&cookie_name(&self.flow)) {
            self.session = flows::session(cx.db, token, &self.flow.id)?;
        }
        self.see_redirect_url(cx, &req.query)?;
        Ok(self)
    }

    fn look(&self) -> pages::Brand<'_> {
        let colour = self.brand.colour.as_deref().and_then(Colour::parse).unwrap_or_default();
        pages::Brand { name: &self.brand.receiver_name, colour }
    }

    /// The address of this flow's page, or of something below it.
    fn url(&self, req: &Req, below: &str) -> String {
        req.links.url("wallet", &format!("/request/{}{below}", self.flow.id))
    }

    fn see_redirect_url(&mut self, cx: &Cx<'_>, query: &str) -> Result<(), Error> {
        if self.flow.state == FlowState::Open
            && let Some(url) = form::first(query.as_bytes(), "redirectUrl").filter(|url| redirect::is_possible(url))
            && self.flow.seen_redirect_url.as_deref() != Some(&url)
        {
            self.flow.seen_redirect_url = Some(url.into_owned());
            flows::update_flow(cx.db, &self.flow)?;
        }
        Ok(())
    }

    /// The page of a flow that is over; none while it is open.
    fn over(&self) -> Result<Option<Reply>, Error> {
        let (title, text, hint) = match self.flow.state {
            FlowState::Open => return Ok(None),
            FlowState::Shared => return self.done("You’re all set", "Your information was shared.").map(Some),
            FlowState::Declined => return self.done("Nothing was shared", "You chose to go on without sharing.").map(Some),
            FlowState::Expired => {
                ("This link has expired", "The request was not finished in time.", "Go back to the app and start again.")
            }
            FlowState::Locked => ("Too many wrong codes", TOO_MANY_CODES, "Go back to the app and start again."),
        };
        self.message(StatusCode::NOT_FOUND, title, text, hint).map(Some)
    }

    fn message(&self, status: StatusCode, title: &str, text: &str, hint: &str) -> Result<Reply, Error> {
        let page = MessagePage { brand: Some(self.look()), title, text, hint: Some(hint), tone: Tone::Refusal };
        page_reply(status, &page)
    }

    fn done(&self, title: &str, text: &str) -> Result<Reply, Error> {
        let parameters = redirect::parameters(&self.flow);
        let shown: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let url = redirect::target(&self.flow, &self.brand);
        let next = url.as_deref().map_or(Next::Parameters(&shown), Next::Redirect);
        page_reply(StatusCode::OK, &DonePage { brand: self.look(), title, text, next })
    }

    /// Sends the browser on once the flow was decided, or says what it would have been sent on with.
    fn leave(&self) -> Result<Reply, Error> {
        match redirect::target(&self.flow, &self.brand) {
            Some(url) => Ok(reply::private(reply::redirect(&url))),
            None => self.over().map(|page| page.unwrap_or_else(|| reply::empty(StatusCode::OK))),
        }
    }

    /// Signs a browser in.
    fn sign_in(&self, cx: &mut Cx<'_>, req: &Req, is_scoped: bool) -> Result<(Session, String), Error> {
        let session = Session { token: cx.rng.hex::<32>(), is_scoped, is_identified: false };
        flows::put_session(cx.db, &session, &self.flow.id)?;
        let secure = if req.links.scheme == "https" { "; Secure" } else { "" };
        let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Lax{secure}", cookie_name(&self.flow), session.token);
        Ok((session, cookie))
    }

    /// The page that a signed-in person gets next: the identity question where there is one, then consent.
    fn next_page(&self, cx: &mut Cx<'_>, req: &Req, session: &Session) -> Result<Reply, Error> {
        if self.flow.needs_identity && !session.is_identified {
            return self.identity_page(req, StatusCode::OK, "", None);
        }
        self.consent_page(cx, req, session, StatusCode::OK, &Form::default(), &[])
    }

    fn code_page(&self, cx: &Cx<'_>, req: &Req, status: StatusCode, error: Option<&str>) -> Result<Reply, Error> {
        let number;
        let sent_to = match (&self.flow.phone, &self.flow.email) {
            (Some(phone), _) => {
                number = readable::phone(phone);
                Destination::Phone(&number)
            }
            (None, email) => Destination::Email(email.as_deref().unwrap_or_default()),
        };
        let form = if self.flow.is_hosted {
            pages::Form::post(self.url(req, "/verify"))
        } else {
            let rest = form::pairs(req.query.as_bytes()).filter(|(name, _)| name != "code").collect();
            pages::Form::get(req.links.url("wallet", "/signin/verify/generic"), rest)
        };
        let can_opt_out = self.flow.is_hosted && self.flow.one_click.is_some();
        let page = CodePage {
            brand: self.look(),
            sent_to,
            form,
            error,
            decline: can_opt_out.then(|| pages::Form::post(self.url(req, "/decline"))),
            decline_label: OPT_OUT,
            sandbox_tip: Some(if are_codes_random(cx)? { RANDOM_CODE_TIP } else { FIXED_CODE_TIP }),
        };
        page_reply(status, &page)
    }

    fn identity_page(&self, req: &Req, status: StatusCode, birth_date: &str, error: Option<&str>) -> Result<Reply, Error> {
        let form = pages::Form::post(self.url(req, "/identity"));
        page_reply(status, &IdentityPage { brand: self.look(), form, birth_date, error })
    }

    fn consent_page(
        &self,
        cx: &mut Cx<'_>,
        req: &Req,
        session: &Session,
        status: StatusCode,
        form: &Form,
        mistakes: &[Mistake],
    ) -> Result<Reply, Error> {
        let known = self.known(cx, session.is_scoped)?;
        let fields = consent::fields(&consent::items(cx, &self.flow.requests, &known), form, mistakes);
        let is_one_click = self.flow.one_click.is_some();
        let heading = if is_one_click { format!("1-Click {}", self.flow.title) } else { self.flow.description.clone() };
        let source = if is_one_click {
            "This information comes from your phone carrier and other trusted sources, verified with your phone number."
        } else {
            "This information was verified by companies that you use."
        };
        let page = ConsentPage {
            brand: self.look(),
            heading: &heading,
            description: is_one_click.then_some(self.flow.description.as_str()),
            source,
            fields: &fields,
            error: (!mistakes.is_empty()).then_some("Please check the information below."),
            share: pages::Form::post(self.url(req, "/share")),
            share_label: if is_one_click { &heading } else { "Share" },
            decline: pages::Form::post(self.url(req, "/decline")),
            decline_label: if is_one_click { OPT_OUT } else { "Decline" },
            terms_url: self.brand.terms_url.as_deref(),
            privacy_url: self.brand.privacy_url.as_deref(),
        };
        page_reply(status, &page)
    }

    /// All that the person could share: for a 1-Click what the phone number tells and what was issued; a partner token shows what it
    /// was made for.
    fn known(&self, cx: &mut Cx<'_>, is_scoped: bool) -> Result<Vec<Credential>, Error> {
        let mut known = Vec::new();
        if let (Some(_), Some(phone)) = (&self.flow.one_click, &self.flow.phone)
            && let Ok(subscriber) = Subscriber::find(cx, phone)?
        {
            known = subscriber.credentials(cx);
        }
        if let Some(user) = &self.flow.user {
            let mut issued = credentials::of_user(cx.db, user, None)?;
            if let Some(scope) = self.flow.scope.as_ref().filter(|_| is_scoped) {
                issued.retain(|credential| scope.contains(&credential.id));
            }
            known.extend(issued);
        }
        Ok(known)
    }

    /// Ends the flow with what the person shares.
    fn share(&mut self, cx: &mut Cx<'_>, shared: Vec<Credential>) -> Result<(), Error> {
        if self.flow.one_click.is_some() {
            one_click::finish(cx, &mut self.flow, true, Some(&shared))?;
        } else {
            let uuid = cx.rng.uuid().to_string();
            let Flow { brand, email, phone, .. } = &self.flow;
            let record = flows::Shared {
                uuid: uuid.clone(),
                brand: brand.clone(),
                email: email.clone(),
                phone: phone.clone(),
                credentials: shared,
                is_read: false,
            };
            flows::insert_shared(cx.db, &record)?;
            self.flow.state = FlowState::Shared;
            self.flow.outcome = Some(uuid);
        }
        self.close(cx)
    }

    /// Ends the flow with nothing.
    fn decline(&mut self, cx: &Cx<'_>) -> Result<(), Error> {
        if let Some(uuid) = &self.flow.one_click {
            let is_verified = flows::one_click(cx.db, uuid)?.is_some_and(|one_click| one_click.phone_verified);
            one_click::finish(cx, &mut self.flow, is_verified, None)?;
        } else {
            self.flow.state = FlowState::Declined;
        }
        self.close(cx)
    }

    fn close(&mut self, cx: &Cx<'_>) -> Result<(), Error> {
        self.flow.code = None;
        self.flow.link = None;
        cx.cancel_timer("codeExpires", &self.flow.id)?;
        cx.cancel_timer("flowExpires", &self.flow.id)?;
        flows::update_flow(cx.db, &self.flow)?;
        Ok(())
    }

    /// Takes a code. A wrong one counts, and the third ends the flow.
    fn take_code(&mut self, cx: &Cx<'_>, typed: &str) -> Result<CodeOutcome, Error> {
        let typed: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        if self.flow.code.as_deref() == Some(typed.as_str()) {
            self.mark_verified(cx)?;
            return Ok(CodeOutcome::Right);
        }
        self.flow.attempts += 1;
        if self.flow.attempts < MAX_ATTEMPTS {
            flows::update_flow(cx.db, &self.flow)?;
            return Ok(CodeOutcome::Wrong);
        }
        self.flow.state = FlowState::Locked;
        self.close(cx)?;
        Ok(CodeOutcome::Over)
    }

    fn mark_verified(&self, cx: &Cx<'_>) -> Result<(), Error> {
        if let Some(uuid) = &self.flow.one_click {
            flows::mark_phone_verified(cx.db, uuid)?;
        }
        Ok(())
    }

    /// Sends a code for a request of matching credentials, unless one holds. (A 1-Click sends its only one when it is made.)
    fn send_code(&mut self, cx: &mut Cx<'_>) -> Result<(), Error> {
        if self.flow.one_click.is_some() || self.flow.code.is_some() {
            return Ok(());
        }
        let code = new_code(cx)?;
        self.flow.code = Some(code.clone());
        flows::update_flow(cx.db, &self.flow)?;
        cx.set_timer("codeExpires", &self.flow.id, cx.now + one_click::CODE_LIFE)?;
        let (channel, to) = match (&self.flow.phone, &self.flow.email) {
            (Some(phone), _) => (Channel::Sms, phone.as_str()),
            (None, email) => (Channel::Email, email.as_deref().unwrap_or_default()),
        };
        let body = format!("Enter this code to verify for {}: {}", self.brand.receiver_name, hyphenated(&code));
        cx.send(&Message { channel, to, body: &body, code: Some(&code), link: None })?;
        Ok(())
    }

    /// Shares at once what answers the requests, for a flow without pages.
    fn share_at_once(&mut self, cx: &mut Cx<'_>) -> Result<(), Error> {
        let known = self.known(cx, false)?;
        let shared = sourcing::first_of_each(&self.flow.requests, &known, cx.now);
        self.share(cx, shared)
    }

    /// Whether a partner token signs in now. One that shows too little to share does not: the person would be stuck.
    fn takes_token(&self, cx: &mut Cx<'_>, token: &str) -> Result<bool, Error> {
        if !partner::signs_in(cx, token, &self.flow) {
            return Ok(false);
        }
        let known = self.known(cx, true)?;
        Ok(matching::all_binding(&self.flow.requests, &known, cx.now))
    }
}

/// What came of a code.
enum CodeOutcome {
    Right,
    Wrong,
    Over,
}

fn cookie_name(flow: &Flow) -> String {
    format!("verified-{}", flow.id)
}

fn page_reply(status: StatusCode, page: &impl Template) -> Result<Reply, Error> {
    Ok(reply::private(reply::html(status, page.render()?)))
}

fn unknown() -> Result<Reply, Error> {
    let page = MessagePage {
        brand: None,
        title: "Nothing here",
        text: "This link is unknown, was used before, or has expired.",
        hint: Some("Go back to the app and start again."),
        tone: Tone::Neutral,
    };
    page_reply(StatusCode::NOT_FOUND, &page)
}

/// `GET /mt/{uuid}`: the short link of the message. It proves the phone like the code does, once.
///
/// 302 to the request, signed in, or, without pages, to the brand with the data shared; 404 page when unknown, used or expired.
pub(super) fn open_link(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let Some(flow) = flows::flow_by_link(cx.db, &req.param("uuid").to_lowercase())? else { return unknown() };
    let visit = Visit::of(cx, &flow.id)?.filter(|visit| visit.flow.state == FlowState::Open);
    let Some(visit) = visit else { return unknown() };
    let mut visit = visit.by_browser(cx, req)?;
    visit.mark_verified(cx)?;
    visit.flow.link = None;
    flows::update_flow(cx.db, &visit.flow)?;
    if !visit.flow.is_hosted {
        visit.share_at_once(cx)?;
        return visit.leave();
    }
    let (_, cookie) = visit.sign_in(cx, req, false)?;
    Ok(reply::private(reply::redirect(&visit.url(req, ""))).header(SET_COOKIE, cookie))
}

/// `GET /request/{id}`: where the person is: code, identity question, consent, or the end.
///
/// 200 page; 404 page for a flow that is unknown or was not finished in time.
pub(super) fn show(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let Some(mut visit) = Visit::hosted(cx, req)? else { return unknown() };
    if let Some(page) = visit.over()? {
        return Ok(page);
    }
    if let Some(session) = visit.session.clone() {
        return visit.next_page(cx, req, &session);
    }
    if let Some(token) = req.query("jwt")
        && visit.takes_token(cx, &token)?
    {
        let (session, cookie) = visit.sign_in(cx, req, true)?;
        return Ok(visit.next_page(cx, req, &session)?.header(SET_COOKIE, cookie));
    }
    visit.send_code(cx)?;
    visit.code_page(cx, req, StatusCode::OK, None)
}

/// `POST /request/{id}/verify` with `code`: signs the browser in.
///
/// 302 back to the request; 400 page for a wrong code, the third of which ends the flow; 200 page when it was decided before; 404 page
/// for a flow that is unknown or was not finished in time.
pub(super) fn verify(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let Some(mut visit) = Visit::hosted(cx, req)? else { return unknown() };
    if let Some(page) = visit.over()? {
        return Ok(page);
    }
    let code = req.form("code").unwrap_or_default();
    match visit.take_code(cx, &code)? {
        CodeOutcome::Right => {
            let (_, cookie) = visit.sign_in(cx, req, false)?;
            Ok(reply::private(reply::redirect(&visit.url(req, ""))).header(SET_COOKIE, cookie))
        }
        CodeOutcome::Wrong => visit.code_page(cx, req, StatusCode::BAD_REQUEST, Some(WRONG_CODE)),
        CodeOutcome::Over => too_many_codes(&visit),
    }
}

fn too_many_codes(visit: &Visit) -> Result<Reply, Error> {
    visit.message(StatusCode::BAD_REQUEST, "Too many wrong codes", TOO_MANY_CODES, "Go back to the app and start again.")
}

/// `POST /request/{id}/identity` with `birthDate` (`YYYY-MM-DD`) or `ssn4`: answers the identity question.
///
/// 302 back to the request; 400 page for an answer that does not match; 200 page when the flow was decided before; 404 page for one
/// that is unknown or was not finished in time.
pub(super) fn identity(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let Some(visit) = Visit::hosted(cx, req)? else { return unknown() };
    if let Some(page) = visit.over()? {
        return Ok(page);
    }
    let back = reply::private(reply::redirect(&visit.url(req, "")));
    let Some(mut session) = visit.session.clone().filter(|_| visit.flow.needs_identity) else { return Ok(back) };
    let phone = visit.flow.phone.as_deref().unwrap_or_default();
    let birth_date = req.form("birthDate").unwrap_or_default();
    let ssn4 = req.form("ssn4").unwrap_or_default();
    let born = day::read_typed(birth_date.trim()).and_then(day::to_millis);
    let is_them = Subscriber::find(cx, phone)?.is_ok_and(|subscriber| {
        born.is_some_and(|born| subscriber.was_born(&born)) || (birth_date.is_empty() && subscriber.has_ssn_ending(ssn4.trim()))
    });
    if !is_them {
        return visit.identity_page(req, StatusCode::BAD_REQUEST, &birth_date, Some(NOT_THEM));
    }
    session.is_identified = true;
    flows::put_session(cx.db, &session, &visit.flow.id)?;
    Ok(back)
}

/// `POST /request/{id}/share`: shares what the form says; a value that is not in it is shared as it was shown.
///
/// 302 to the brand, or back to the request when the browser is not signed in; 200 page without a redirect URL, and when it was decided
/// before; 400 consent page for a value that cannot be shared, and nothing is; 404 page for a flow that is unknown or was not finished in time.
pub(super) fn share(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let Some(mut visit) = Visit::hosted(cx, req)? else { return unknown() };
    if let Some(page) = visit.over()? {
        return Ok(page);
    }
    let session = visit.session.clone().filter(|session| session.is_identified || !visit.flow.needs_identity);
    let Some(session) = session else { return Ok(reply::private(reply::redirect(&visit.url(req, "")))) };
    let form = Form(form::pairs(&req.body).map(|(name, value)| (name.into_owned(), value.into_owned())).collect());
    let known = visit.known(cx, session.is_scoped)?;
    let items = consent::items(cx, &visit.flow.requests, &known);
    match consent::choose(cx, &items, &form) {
        Ok(shared) => {
            visit.share(cx, shared)?;
            visit.leave()
        }
        Err(mistakes) => visit.consent_page(cx, req, &session, StatusCode::BAD_REQUEST, &form, &mistakes),
    }
}

/// `POST /request/{id}/decline`: shares nothing, signed in or not.
///
/// 302 to the brand; 200 page without a redirect URL, and when it was decided before; 404 page for a flow that is unknown or was not
/// finished in time.
pub(super) fn decline(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let Some(mut visit) = Visit::hosted(cx, req)? else { return unknown() };
    if let Some(page) = visit.over()? {
        return Ok(page);
    }
    visit.decline(cx)?;
    visit.leave()
}

/// `GET /signin/verify/generic?requestId=…&code=…`: the end of a 1-Click without pages; the brand's page sends the browser here with
/// the code that the person typed.
///
/// 302 to the brand, with the data shared; 200 form without a code, 400 form for a wrong one, the third of which ends the flow; 404
/// page for a flow that is unknown.
pub(super) fn verify_non_hosted(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let id = req.query("requestId").unwrap_or_default();
    let Some(visit) = Visit::of(cx, &id)?.filter(|visit| !visit.flow.is_hosted) else { return unknown() };
    let mut visit = visit.by_browser(cx, req)?;
    if let Some(page) = visit.over()? {
        return Ok(page);
    }
    let Some(code) = req.query("code").filter(|code| !code.trim().is_empty()) else {
        return visit.code_page(cx, req, StatusCode::OK, None);
    };
    match visit.take_code(cx, &code)? {
        CodeOutcome::Right => {
            visit.share_at_once(cx)?;
            visit.leave()
        }
        CodeOutcome::Wrong => visit.code_page(cx, req, StatusCode::BAD_REQUEST, Some(WRONG_CODE)),
        CodeOutcome::Over => too_many_codes(&visit),
    }
}
