//! Verified Inc.
mod schema;
mod views;
use crate::http::*;
use crate::world::Cx;
use crate::world::timers::Timer;
/// Verified Inc.
pub struct Verified;
/// E
pub struct Error;
impl From<Problem> for Error {
    fn from(_: Problem) -> Self {
        Self
    }
}
impl From<rusqlite::Error> for Error {
    fn from(_: rusqlite::Error) -> Self {
        Self
    }
}
impl Provider for Verified {
    const SLUG: &'static str = "verified";
    const TITLE: &'static str = "Verified Inc.";
    const SITES: &'static [Site] = &[
        Site { name: "api", hosts: &["core-api.sandbox-verifiedinc.com", "core-api.verified.inc"] },
        Site { name: "wallet", hosts: &["wallet.sandbox-verifiedinc.com", "wallet.verified.inc"] },
    ];
    const OPENAPI: &'static str = "{}";
    const SCHEMA: &'static [&'static str] = &[];
    const FIXTURE: &'static str = "{}";
    const ROUTES: &'static [Route<Self::Error>] = &[];
    const SIMULATIONS: &'static [Simulation] = &[];
    type Error = Error;
    fn load(_cx: &mut Cx<'_>, _fixture: &str) -> Result<(), FixtureError> {
        Ok(())
    }
    fn on_timer(_cx: &mut Cx<'_>, _timer: &Timer) -> rusqlite::Result<()> {
        Ok(())
    }
    fn environment(_cx: &mut Cx<'_>, _links: &Links) -> rusqlite::Result<Vec<Variable>> {
        Ok(vec![])
    }
    fn render(_error: Error, _req: &Req) -> Reply {
        reply::empty(http::StatusCode::NOT_FOUND)
    }
}
