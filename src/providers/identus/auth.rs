//! Who calls: an entity by its key, or the administrator by theirs.

use http::StatusCode;
use http::header::AUTHORIZATION;

use super::Error;
use super::store;
use crate::http::Req;
use crate::world::Cx;

/// The wallet that a caller's key opens. Everything that the caller can see is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// Id of the wallet.
    pub wallet: String,
}

/// The caller by the header `apikey`; where it is absent, by an `Authorization` of the form `apikey = K`, `apikey=K` or `apikey K`.
///
/// The agent's 401 (a 500 here) when there is no key, or an unknown one.
pub(super) fn caller(cx: &Cx<'_>, req: &Req) -> Result<Caller, Error> {
    let key = match req.headers.get("apikey") {
        Some(key) => key.to_str().unwrap_or("?"),
        None => req.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(spelled_out).unwrap_or_default(),
    };
    by_key(cx, Some(key))
}

/// The caller by a key that travels in a body.
pub(super) fn by_key(cx: &Cx<'_>, key: Option<&str>) -> Result<Caller, Error> {
    let key = key.filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| Error::agent(cx, StatusCode::UNAUTHORIZED, "ApiKey key is not provided"))?;
    match store::entities::wallet_of_key(cx.db, key)? {
        Some(wallet) => Ok(Caller { wallet }),
        None => Err(Error::agent(cx, StatusCode::UNAUTHORIZED, "Invalid API key")),
    }
}

/// Lets only the administrator pass; 401 for anybody else.
pub(super) fn admin(cx: &Cx<'_>, req: &Req) -> Result<(), Error> {
    let expected = store::admin_key(cx.db)?;
    if expected.is_some() && req.header("x-admin-api-key") == expected.as_deref() {
        return Ok(());
    }
    Err(Error::Middleware { status: StatusCode::UNAUTHORIZED, text: "Unauthorized" })
}

fn spelled_out(value: &str) -> Option<&str> {
    let (name, rest) = value.trim().split_at_checked("apikey".len())?;
    if !name.eq_ignore_ascii_case("apikey") || !rest.starts_with(['=', ' ', '\t']) {
        return None;
    }
    Some(rest.trim_start().trim_start_matches('=').trim())
}

#[cfg(test)]
mod tests {
    use super::spelled_out;

    #[test]
    fn a_key_is_found_in_each_spelling() {
        for (value, key) in [
            ("apikey = K", Some("K")),
            ("apikey=K", Some("K")),
            ("apikey K", Some("K")),
            ("ApiKey  =  K ", Some("K")),
            ("apikey", None),
            ("apikeyK", None),
            ("Bearer K", None),
            ("", None),
        ] {
            assert_eq!(spelled_out(value), key, "{value}");
        }
    }
}
