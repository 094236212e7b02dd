//! The pages that watch a world: its clock, the latest requests, what was sent to people, and how to use each provider.
//!
//! They are complete without a script. With one, the front page follows the world's events: it fetches itself when something
//! happened, and takes over the parts that changed, so that there is one rendering of everything.

mod act;
mod exchange;

use std::sync::LazyLock;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY};
use http::{HeaderValue, Method, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::http::{Reply, Req, Variable, reply, wire};
use crate::pages::{Page, Shell};
use crate::world::clock::Mode;
use crate::world::journal::{Entry, Filter, Statuses};
use crate::world::outbox::{self, Sent};
use crate::world::timers::{self, Timer};
use crate::world::{Failure, World};
use crate::worlds::{DEFAULT, Worlds};

/// Requests on the page; the journal has more.
const REQUESTS: usize = 50;
/// Messages on the page; the outbox has all of them.
const MESSAGES: usize = 20;
/// Timers on the page.
const TIMERS: usize = 4;

/// The script of the front page. The policy admits it by its hash, and no other.
const SCRIPT: &str = include_str!("live.js");

/// What the pages may load and do: their style, that script, calls and forms of their own, and nothing from anywhere.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(SCRIPT));
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; connect-src 'self'; img-src data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
});

#[derive(Debug, Template)]
#[template(path = "dashboard/front.html", config = "src/pages/askama.toml")]
struct FrontPage<'a> {
    world: &'a str,
    seed: u64,
    /// Other worlds: name and address.
    others: Vec<(String, String)>,
    now: String,
    frozen: bool,
    /// Path of this page.
    home: String,
    /// Path of the control API.
    control: String,
    only_errors: bool,
    requests: Vec<Row>,
    kept: usize,
    timers: Vec<TimerView>,
    providers: Vec<ProviderView>,
    messages: Vec<MessageView>,
    /// What was wrong with a form, and what was typed into it.
    mistake: Option<act::Mistake>,
    script: &'static str,
}

/// A request in the table.
#[derive(Debug)]
struct Row {
    id: u64,
    at: String,
    took: String,
    provider: &'static str,
    operation: &'static str,
    method: String,
    /// With its query.
    path: String,
    status: u16,
}

#[derive(Debug)]
struct TimerView {
    provider: String,
    kind: String,
    due: String,
}

#[derive(Debug)]
struct ProviderView {
    slug: &'static str,
    title: &'static str,
    variables: Vec<Variable>,
}

#[derive(Debug)]
struct MessageView {
    channel: &'static str,
    to: String,
    at: String,
    body: String,
    code: Option<String>,
    link: Option<String>,
}

impl Page for FrontPage<'_> {
    fn shell(&self) -> Shell<'_> {
        Shell { failed: self.mistake.is_some(), ..Shell::new("services", format!("World {}", self.world)) }
    }
}

#[derive(Debug, Template)]
#[template(path = "dashboard/sign_in.html", config = "src/pages/askama.toml")]
struct SignInPage {
    wrong: bool,
}

impl Page for SignInPage {
    fn shell(&self) -> Shell<'_> {
        Shell { failed: self.wrong, ..Shell::new("services", "Control token") }
    }
}

/// A page that asks for the control token; `wrong` when what was entered is not it.
pub fn sign_in(status: StatusCode, wrong: bool) -> Reply {
    dressed((SignInPage { wrong }).render().map(|html| reply::html(status, html)).map_err(Failed::from))
}

/// `GET /`: 200 page about the world that the address names; `?request=<id>` shows one exchange, 404 when it is not kept.
/// `POST /` does what a form of that page asks for: 303 back to it, or 400 with the page when the form makes no sense.
///
/// The pages show test credentials and messages to everybody who can reach the port, as the control API does to those on this
/// machine; so they are shown under the same condition, which the caller has checked.
pub fn answer(worlds: &Worlds, world: &World, req: &Req) -> Reply {
    let shown = match (&req.method, req.query("request")) {
        (&Method::POST, _) => match act::act(world, req) {
            Ok(back) => Ok(back),
            Err(mistake) => front(worlds, world, req, Some(mistake)),
        },
        (&(Method::GET | Method::HEAD), Some(id)) => exchange::page(world, req, &id),
        (&(Method::GET | Method::HEAD), None) => front(worlds, world, req, None),
        _ => Ok(reply::empty(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, "GET, HEAD, POST")),
    };
    dressed(shown)
}

/// A page of the dashboard with the headers that all of them have.
fn dressed(shown: Result<Reply, Failed>) -> Reply {
    let reply = shown.unwrap_or_else(|error| {
        tracing::error!(%error, "a page of the dashboard failed");
        reply::html(StatusCode::INTERNAL_SERVER_ERROR, "The page failed; the server's log says why.".to_owned())
    });
    // Forms tell their origin, which is checked, only where the referrer is not hidden from ourselves.
    let reply = reply.header(CACHE_CONTROL, "no-store").header(REFERRER_POLICY, "same-origin");
    match &*POLICY {
        Some(policy) => reply.header(CONTENT_SECURITY_POLICY, policy.clone()),
        None => reply,
    }
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    World(#[from] Failure<rusqlite::Error>),
    #[error(transparent)]
    Template(#[from] askama::Error),
}

fn front(worlds: &Worlds, world: &World, req: &Req, mistake: Option<act::Mistake>) -> Result<Reply, Failed> {
    let status = if mistake.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let page = FrontPage { mistake, ..view(worlds, world, req)? };
    Ok(reply::html(status, page.render()?))
}

fn view<'a>(worlds: &Worlds, world: &'a World, req: &Req) -> Result<FrontPage<'a>, Failure<rusqlite::Error>> {
    let real = req.received;
    let mut providers = Vec::new();
    for provider in worlds.registry.providers() {
        let about = provider.about();
        let links = req.links.provider(about.slug);
        let variables = world.look(real, about.slug, |cx| provider.environment(cx, &links))?;
        providers.push(ProviderView { slug: about.slug, title: about.title, variables });
    }
    let (sent, timers) = world.look(real, "", |cx| Ok((outbox::list(cx.db, None)?, timers::upcoming(cx.db, TIMERS)?)))?;
    let clock = world.clock(real);
    let only_errors = req.query("only").is_some_and(|only| only == "errors");
    let statuses = if only_errors { vec![Statuses::Class(4), Statuses::Class(5)] } else { Vec::new() };
    let kept = world.journal.list(&Filter { statuses, ..Filter::default() });
    let address = |name: &str| if name == DEFAULT { "/".to_owned() } else { format!("/~{name}/") };
    let others = worlds.all().into_iter().filter(|other| other.name() != world.name());
    Ok(FrontPage {
        world: world.name(),
        seed: world.seed(),
        others: others.map(|other| (other.name().to_owned(), address(other.name()))).collect(),
        now: wire::to_rfc3339_millis(clock.now),
        frozen: clock.mode == Mode::Frozen,
        home: home(req),
        control: control(req),
        only_errors,
        requests: kept.iter().rev().take(REQUESTS).map(|entry| Row::from(&**entry)).collect(),
        kept: kept.len(),
        timers: timers.into_iter().map(Into::into).collect(),
        providers,
        messages: sent.into_iter().rev().take(MESSAGES).map(Into::into).collect(),
        mistake: None,
        script: SCRIPT,
    })
}

/// Path of the front page.
fn home(req: &Req) -> String {
    format!("{}/", req.links.prefix)
}

/// Path of the control API.
fn control(req: &Req) -> String {
    format!("{}/_understudy", req.links.prefix)
}

impl From<&Entry> for Row {
    fn from(entry: &Entry) -> Self {
        Self {
            id: entry.id,
            at: entry.at.format("%H:%M:%S%.3f").to_string(),
            took: took(entry),
            provider: entry.provider,
            operation: entry.operation.unwrap_or("no operation"),
            method: entry.method.to_string(),
            path: entry.target.query().map_or_else(|| entry.path.clone(), |query| format!("{}?{query}", entry.path)),
            status: entry.status.as_u16(),
        }
    }
}

impl Row {
    /// The class of its status, by its first digit.
    fn class(&self) -> u16 {
        self.status / 100
    }
}

/// Real time that an exchange took, in milliseconds.
fn took(entry: &Entry) -> String {
    format!("{:.1} ms", entry.took.as_secs_f64() * 1000.0)
}

impl From<Timer> for TimerView {
    fn from(timer: Timer) -> Self {
        Self { provider: timer.provider, kind: timer.kind, due: timer.due.format("%Y-%m-%d %H:%M:%S").to_string() }
    }
}

impl From<Sent> for MessageView {
    fn from(sent: Sent) -> Self {
        let channel = match sent.channel {
            outbox::Channel::Sms => "SMS",
            outbox::Channel::Email => "Mail",
            outbox::Channel::Webhook => "Webhook",
        };
        let at = sent.at.format("%Y-%m-%d %H:%M:%S").to_string();
        Self { channel, to: sent.to, at, body: sent.body, code: sent.code, link: sent.link }
    }
}
