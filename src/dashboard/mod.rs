//! The page that watches a world.

use http::StatusCode;

use crate::http::{Reply, Req, reply};
use crate::world::World;
use crate::worlds::Worlds;

/// `GET /`: what is here, with links.
pub fn front(worlds: &Worlds, world: &World, req: &Req) -> Reply {
    let _ = (worlds, world, req);
    reply::html(StatusCode::OK, String::new())
}
