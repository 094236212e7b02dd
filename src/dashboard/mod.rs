//! The page that shows a world: how to use each provider, and what was sent to people.

use askama::Template;
use http::StatusCode;
use http::header::CACHE_CONTROL;

use crate::http::{Reply, Req, Variable, reply, wire};
use crate::pages::{Page, Shell};
use crate::world::clock::Mode;
use crate::world::outbox::{self, Sent};
use crate::world::{Failure, World};
use crate::worlds::Worlds;

/// Messages on the page; the outbox has all of them.
const MESSAGES: usize = 20;

#[derive(Debug, Template)]
#[template(path = "dashboard/front.html", config = "src/pages/askama.toml")]
struct FrontPage<'a> {
    world: &'a str,
    seed: u64,
    now: String,
    frozen: bool,
    control: String,
    providers: Vec<ProviderView>,
    messages: Vec<MessageView>,
}

#[derive(Debug)]
struct ProviderView {
    slug: &'static str,
    title: &'static str,
    variables: Vec<Variable>,
}

#[derive(Debug)]
struct MessageView {
    to: String,
    at: String,
    body: String,
    link: Option<String>,
}

impl Page for FrontPage<'_> {
    fn shell(&self) -> Shell<'_> {
        Shell::new("services", format!("World {}", self.world))
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
    match (SignInPage { wrong }).render() {
        Ok(html) => reply::html(status, html).header(CACHE_CONTROL, "no-store"),
        Err(error) => failed(&error),
    }
}

/// `GET /`: 200 page about the world that the address names.
///
/// The page shows test credentials and messages to everybody who can reach the port, as the control API does to those on this
/// machine; so it is shown under the same condition, which the caller has checked.
pub fn front(worlds: &Worlds, world: &World, req: &Req) -> Reply {
    match view(worlds, world, req).map(|page| page.render()) {
        Ok(Ok(html)) => reply::html(StatusCode::OK, html).header(CACHE_CONTROL, "no-store"),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

fn failed(cause: &dyn std::fmt::Display) -> Reply {
    tracing::error!(%cause, "the front page failed");
    reply::html(StatusCode::INTERNAL_SERVER_ERROR, "The page failed; the server's log says why.".to_owned())
}

fn view<'a>(worlds: &Worlds, world: &'a World, req: &Req) -> Result<FrontPage<'a>, Failure<rusqlite::Error>> {
    let mut providers = Vec::new();
    for provider in worlds.registry.providers() {
        let about = provider.about();
        let links = req.links.provider(about.slug);
        let variables = world.request(req.received, about.slug, |cx| provider.environment(cx, &links)).1?;
        providers.push(ProviderView { slug: about.slug, title: about.title, variables });
    }
    let sent = world.request(req.received, "", |cx| outbox::list(cx.db, None)).1?;
    let message = |Sent { to, at, body, link, .. }| MessageView { to, at: wire::to_rfc3339_millis(at), body, link };
    let clock = world.clock(req.received);
    Ok(FrontPage {
        world: world.name(),
        seed: world.seed(),
        now: wire::to_rfc3339_millis(clock.now),
        frozen: clock.mode == Mode::Frozen,
        control: req.links.url("", "/_understudy"),
        providers,
        messages: sent.into_iter().rev().take(MESSAGES).map(message).collect(),
    })
}
