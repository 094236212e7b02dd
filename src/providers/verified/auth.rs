//! Who calls: a brand, by its API key.

use std::sync::Arc;

use super::error::Error;
use super::store;
use super::types::Caller;
use crate::http::Req;
use crate::world::Cx;

/// The brand whose key the `Authorization` header carries, raw or after `Bearer`; 401 without one, or with a key that is none.
pub(super) fn caller(cx: &Cx<'_>, req: &Req) -> Result<Arc<Caller>, Error> {
    let header = req.header("authorization").ok_or(Error::NotAuthenticated)?.trim();
    let key = match header.split_at_checked(7) {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer ") => key.trim(),
        _ => header,
    };
    cx.lasting(key, || store::caller(cx.db, key))?.ok_or(Error::NotAuthenticated)
}
