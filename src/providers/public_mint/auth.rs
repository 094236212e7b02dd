//! Who calls: an app, by the key that the gateway finds in the request.

use super::error::Error;
use super::store;
use super::types::App;
use crate::http::{Req, form};
use crate::world::Cx;

/// Name of the header, and of the query parameter that is looked at in its absence.
const NAME: &str = "apikey";

/// The app that the request's key stands for; 401 without a key (or an empty one), with two, or with one that nobody has.
pub(super) fn caller(cx: &Cx<'_>, req: &Req) -> Result<App, Error> {
    let mut headers = req.headers.get_all(NAME).iter();
    let key = match (headers.next(), headers.next()) {
        (Some(_), Some(_)) => return Err(Error::DuplicateKey),
        (Some(key), None) => key.to_str().map_err(|_| Error::UnknownKey)?.trim().to_owned(),
        (None, _) => {
            let mut values = form::all(req.query.as_bytes(), NAME).into_iter();
            match (values.next(), values.next()) {
                (Some(_), Some(_)) => return Err(Error::DuplicateKey),
                (key, _) => key.unwrap_or_default().into_owned(),
            }
        }
    };
    if key.is_empty() {
        return Err(Error::NoKey);
    }
    store::app_by_key(cx.db, &key)?.ok_or(Error::UnknownKey)
}
