//! Who may use the control API and see the front page.
//!
//! Without a token it is the developer at this machine: a loopback caller that used a loopback name. With one it is whoever has the
//! token, from wherever. In either case a browser that shows a page of another site is refused.

use std::sync::Arc;

use http::header::{AUTHORIZATION, COOKIE, LOCATION, ORIGIN, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use subtle::ConstantTimeEq as _;

use super::{Caller, Details};
use crate::crypto::{hex, hs256};
use crate::dashboard;
use crate::http::{Reply, Req, reply};
use crate::server::address::{is_address, is_loopback};

/// The header that has the token, for clients whose `Authorization` is taken. `Authorization: Bearer` does too.
pub const TOKEN_HEADER: HeaderName = HeaderName::from_static("understudy-token");

/// What a person's browser keeps after the token was entered.
const COOKIE_NAME: &str = "understudy-session";

/// Bytes of a token that is made.
const TOKEN_BYTES: usize = 24;

/// The secret that a control call must have.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<str>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// A token that is given: visible ASCII, so that a header can have it. The error says what is wrong.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("a token cannot be empty");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a token has letters, digits and signs of ASCII only, and no blanks");
        }
        Ok(Self(text.into()))
    }

    /// A token that nobody can guess, from the system's random source.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex(bytes).into()))
    }

    /// The secret itself.
    pub fn secret(&self) -> &str {
        &self.0
    }

    fn is(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }

    /// What a browser keeps: it proves that the token was known, and does not tell it.
    fn session(&self) -> String {
        hs256::hmac_sha256_hex(self.0.as_bytes(), b"session of the front page")
    }

    /// Whether a request has it: as a header, or as what a browser was given for it.
    fn comes_with(&self, req: &Req) -> bool {
        let header = |name: &HeaderName| req.headers.get(name).map(http::HeaderValue::as_bytes);
        let bearer = header(&AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.split_at_checked(b"bearer ".len())?;
            scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
        });
        bearer.is_some_and(|token| self.is(token))
            || header(&TOKEN_HEADER).is_some_and(|token| self.is(token))
            || req.cookie(COOKIE_NAME).is_some_and(|session| self.session().as_bytes().ct_eq(session.as_bytes()).into())
    }
}

/// Takes off a request to a provider what is meant for the control API, so that neither handlers nor the journal see it.
pub fn strip(headers: &mut HeaderMap) {
    headers.remove(TOKEN_HEADER);
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let (session, others): (Vec<&str>, Vec<&str>) =
        cookies.map(str::trim).partition(|pair| pair.split_once('=').is_some_and(|(name, _)| name == COOKIE_NAME));
    if !session.is_empty() {
        let others = others.join("; ");
        headers.remove(COOKIE);
        if !others.is_empty()
            && let Ok(others) = others.parse()
        {
            headers.insert(COOKIE, others);
        }
    }
}

/// The rules of one server.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// What every call must have; none where only the developer at this machine can call.
    pub token: Option<Token>,
}

impl Access {
    /// Refuses callers that may not use the control API.
    pub(super) fn check(&self, caller: &Caller<'_>, req: &Req) -> Result<(), Details> {
        not_foreign(caller, req)?;
        match &self.token {
            Some(token) if token.comes_with(req) => Ok(()),
            Some(_) => Err(Details::new(
                StatusCode::UNAUTHORIZED,
                "the control API wants its token, as `Authorization: Bearer <token>` or `Understudy-Token: <token>`; the server printed it at its start, or was given it with --control-token",
            )
            .header(WWW_AUTHENTICATE, "Bearer realm=\"understudy\"".to_owned())),
            None => developer_only(caller),
        }
    }

    /// Refuses callers that may not even know whether the server can serve: without a token as for every call, with one those under
    /// a name that somebody else's DNS may have pointed here.
    pub(super) fn check_health(&self, caller: &Caller<'_>, req: &Req) -> Result<(), Details> {
        if self.token.is_some() && (is_loopback(caller.authority) || is_address(caller.authority)) {
            return not_foreign(caller, req);
        }
        self.check(caller, req)
    }

    /// What the front page is answered with instead of the page; none when it may be shown. With a token, a person enters it in a
    /// form, and the browser is given a cookie for it.
    pub fn at_the_door(&self, caller: &Caller<'_>, req: &Req) -> Option<Reply> {
        let refusal = self.check(caller, req).err()?;
        let Some(token) = &self.token else { return Some(refusal.into()) };
        if not_foreign(caller, req).is_err() {
            return Some(refusal.into());
        }
        if req.method != Method::POST {
            return Some(dashboard::sign_in(StatusCode::UNAUTHORIZED, false));
        }
        let entered = url::form_urlencoded::parse(&req.body).find(|(name, _)| name == "token");
        if !entered.is_some_and(|(_, entered)| token.is(entered.trim().as_bytes())) {
            return Some(dashboard::sign_in(StatusCode::UNAUTHORIZED, true));
        }
        let secure = if req.links.scheme == "https" { "; Secure" } else { "" };
        let cookie = format!("{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Strict{secure}", token.session());
        let back = format!("{}/", req.links.prefix);
        Some(reply::empty(StatusCode::SEE_OTHER).header(LOCATION, back).header(SET_COOKIE, cookie))
    }
}

/// Refuses what a browser sends from a page of another site.
fn not_foreign(caller: &Caller<'_>, req: &Req) -> Result<(), Details> {
    let foreign_origin = req.headers.get(ORIGIN).is_some_and(|origin| {
        // Not the scheme of links, which may be that of an address elsewhere.
        let host =
            origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")));
        host != Some(caller.authority)
    });
    let foreign_site = req.header("sec-fetch-site").is_some_and(|site| matches!(site, "cross-site" | "same-site"));
    if foreign_origin || foreign_site {
        return forbidden("the control API refuses requests that a browser sends from another site's page");
    }
    Ok(())
}

/// Refuses callers from elsewhere, or under a name that somebody else's DNS may have pointed here.
fn developer_only(caller: &Caller<'_>) -> Result<(), Details> {
    if !caller.peer.ip().to_canonical().is_loopback() {
        return forbidden("the control API answers callers on this machine only");
    }
    if !is_loopback(caller.authority) {
        return forbidden("the control API answers loopback names only; use localhost or 127.0.0.1");
    }
    Ok(())
}

fn forbidden(detail: &str) -> Result<(), Details> {
    Err(Details::new(StatusCode::FORBIDDEN, detail))
}
