//! The front page: what a client needs to call the service, with the keys that the world holds.

use askama::Template;
use http::StatusCode;
use http::header::CONTENT_SECURITY_POLICY;

use super::Error;
use super::answer;
use super::store;
use crate::crypto::prism;
use crate::http::{Problem, Reply, Req, reply};
use crate::pages::{Brand, Colour, Page, Shell};
use crate::world::Cx;

/// `Content-Security-Policy` of a page with a style of its own.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

/// Entities and connections that the page shows.
const SHOWN: u32 = 20;

/// An entity with what its key opens.
struct EntityCard {
    id: String,
    name: String,
    key: String,
    created: String,
    dids: Vec<String>,
}

/// A connection that offers can be made over.
struct ConnectionCard {
    id: String,
    label: String,
}

#[derive(Template)]
#[template(path = "providers/identus/pages/home.html", config = "src/pages/askama.toml")]
struct Home {
    base: String,
    admin_key: Option<String>,
    entities: Vec<EntityCard>,
    connections: Vec<ConnectionCard>,
}

impl Page for Home {
    fn shell(&self) -> Shell<'_> {
        let brand = Brand { name: "Identus Identity", colour: Colour::default() };
        Shell { brand: Some(brand), ..Shell::new("OpenSourceAIS Identity", "Home") }
    }
}

/// `GET /`: the front page, which clients call to see whether the service is there. Public.
///
/// 200 with keys, DIDs and connections.
pub(super) fn home(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let mut entities = Vec::new();
    for entity in store::entities::first(cx.db, SHOWN)? {
        let dids = store::dids::list(cx.db, &entity.wallet, true)?;
        entities.push(EntityCard {
            id: entity.id,
            name: entity.name,
            key: entity.api_key,
            created: entity.created_at.format("%-d %b %Y, %H:%M UTC").to_string(),
            dids: dids.iter().map(|did| prism::short(&did.suffix)).collect(),
        });
    }
    let connections = store::connections::first_established(cx.db, SHOWN)?;
    let connections = connections.into_iter().map(|one| ConnectionCard { id: one.id, label: one.label.unwrap_or_default() });
    let page = Home {
        base: req.links.url("api", "/api/v1/"),
        admin_key: store::admin_key(cx.db)?,
        entities,
        connections: connections.collect(),
    };
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "the front page could not be written");
        Error::from(Problem::Internal)
    })?;
    Ok(reply::html(StatusCode::OK, html).header(CONTENT_SECURITY_POLICY, POLICY))
}

/// `GET /refresh`: asks the agent whether it is there, and goes back to the front page. Public.
///
/// 302.
#[expect(clippy::unnecessary_wraps, reason = "the signature of handlers")]
pub(super) fn refresh(_cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    Ok(answer::redirect(req, "/"))
}
