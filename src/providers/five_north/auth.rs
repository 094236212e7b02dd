//! Who calls: the token endpoint and its neighbours, and the check that every operation for institutions begins with.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::error::{Error, OAuthError, PLAIN_JSON, no_store, number, render};
use super::store::tokens::{self, Client, Window};
use super::types::{Claims, RealmAccess, TokenResponse};
use crate::crypto::es256::Key;
use crate::http::{Reply, Req, form, reply};
use crate::world::Cx;

/// The realms that clients are known in: that of the sandbox and that of production.
const REALMS: [&str; 2] = ["5n-apps", "5n-apps-mainnet"];

/// The private key that tokens of every world are signed with is the SHA-256 of this text. There is nothing to keep secret.
const KEY_TEXT: &str = "5n-id-sandbox-es256-key";

/// The role that the API asks for.
const INSTITUTION: &str = "institution";

/// What every client is granted, asked for or not.
const DEFAULT_SCOPE: &str = "profile email";

/// Seconds in which a limited caller has its number of requests.
const WINDOW_S: i64 = 60;

/// Who calls an operation for institutions.
#[derive(Debug)]
pub(super) struct Caller {
    /// The institution that the client acts for.
    pub institution_id: i64,
}

/// Does `work` for the institution that the request's access token stands for, within its rate limit.
///
/// 401 without a token that is known, signed and neither expired nor revoked; 403 when its client is no institution; 429 when the
/// client has used up its window. Only then is the request itself looked at: `work` may refuse as long as it has written nothing.
pub(super) fn institution(
    cx: &mut Cx<'_>,
    req: &Req,
    work: impl FnOnce(&mut Cx<'_>, &Caller) -> Result<Reply, Error>,
) -> Result<Reply, Error> {
    let token = bearer(req).ok_or(Error::Unauthorized)?;
    let client = client_of(cx, token)?.ok_or(Error::Unauthorized)?;
    let institution_id = client.institution_id.ok_or(Error::Forbidden)?;
    let subject = format!("client:{}", client.id);
    metered(cx, req, &subject, client.rate_limit, |cx| work(cx, &Caller { institution_id }))
}

/// Does `work` for anybody, within the rate limit of their address; 429 when it has used up its window.
pub(super) fn anybody(cx: &mut Cx<'_>, req: &Req, work: impl FnOnce(&mut Cx<'_>) -> Result<Reply, Error>) -> Result<Reply, Error> {
    let subject = format!("address:{}", req.peer);
    metered(cx, req, &subject, None, work)
}

/// Counts a request of `subject` and does `work`, unless the window is used up. `own_limit` goes before the setting.
fn metered(
    cx: &mut Cx<'_>,
    req: &Req,
    subject: &str,
    own_limit: Option<i64>,
    work: impl FnOnce(&mut Cx<'_>) -> Result<Reply, Error>,
) -> Result<Reply, Error> {
    let limit = match own_limit {
        Some(limit) => limit,
        None => cx.setting("rate_limit")?,
    };
    if limit == 0 {
        return work(cx);
    }
    let length = TimeDelta::seconds(WINDOW_S);
    let running = |window: &Window| window.began_at <= cx.now && cx.now < window.began_at + length;
    let window = tokens::window(cx.db, subject)?.filter(running).unwrap_or(Window { began_at: cx.now, requests: 0 });
    let left_ms = (window.began_at + length - cx.now).num_milliseconds();
    let reset_s = (left_ms + 999) / 1000;
    let marked = |reply: Reply, remaining: i64| {
        let reply = number(reply, "x-ratelimit-limit", limit);
        let reply = number(reply, "x-ratelimit-remaining", remaining);
        number(reply, "x-ratelimit-reset", reset_s)
    };
    if window.requests >= limit {
        return Ok(marked(render(Error::RateLimited, req), 0).header(RETRY_AFTER, HeaderValue::from(reset_s)));
    }
    let requests = window.requests + 1;
    tokens::count(cx.db, subject, Window { requests, ..window })?;
    match work(cx) {
        Ok(reply) => Ok(marked(reply, limit - requests)),
        Err(error @ (Error::Store(_) | Error::Internal(_))) => Err(error),
        // A refusal counts too. It comes before anything was written, so there is nothing else to undo.
        Err(refusal) => Ok(marked(render(refusal, req), limit - requests)),
    }
}

fn bearer(req: &Req) -> Option<&str> {
    let (scheme, token) = req.header("authorization")?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The client that a token was issued to; none for a token of no use.
fn client_of(cx: &Cx<'_>, token: &str) -> Result<Option<Client>, Error> {
    let known = tokens::token(cx.db, &Sha256::digest(token))?;
    let client_id = match known {
        // Issued by this world: no need to verify the signature.
        Some(known) => (!known.revoked && cx.now < known.expires_at).then_some(known.client_id),
        // Issued before a reset or by another world: all have the same key.
        None => claims_of(cx, token)?.map(|claims| claims.azp),
    };
    let client = client_id.map(|id| tokens::client(cx.db, &id)).transpose()?.flatten();
    Ok(client.filter(|client| client.enabled))
}

/// The claims of a token that is signed and neither expired nor revoked.
fn claims_of(cx: &Cx<'_>, token: &str) -> Result<Option<Claims>, Error> {
    let Some(claims) = key()?.open::<Claims>(token) else { return Ok(None) };
    let revoked = match tokens::token(cx.db, &Sha256::digest(token))? {
        Some(known) => known.revoked,
        None => tokens::revoked_at(cx.db)?.is_some_and(|at| claims.iat <= at.timestamp()),
    };
    let of_ours = REALMS.iter().any(|realm| claims.iss.ends_with(&format!("/realms/{realm}")));
    let valid = of_ours && !revoked && cx.now.timestamp() < claims.exp;
    Ok(valid.then_some(claims))
}

fn key() -> Result<Key, Error> {
    Key::from_text(KEY_TEXT).ok_or_else(|| Error::Internal("the signing key is none".to_owned()))
}

/// `POST /realms/{realm}/protocol/openid-connect/token`: issues an access token to a client (OAuth 2.0 client credentials).
///
/// 200 with the token; 404 for an unknown realm; 415 when the body is no form; 400 `invalid_request` without `grant_type` or with
/// a field given twice; 400 `unsupported_grant_type` for any but `client_credentials`; 401 `invalid_client` without a client, or
/// for one that is unknown or disabled; 401 `unauthorized_client` when the secret is missing or wrong, or when the client has no
/// service account; 400 `invalid_scope` for an unknown scope.
pub(super) fn token(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let realm = realm(req)?;
    issue(cx, req, realm)
}

/// `POST /oauth/token`: as [`token`], in the realm of the sandbox.
pub(super) fn token_alias(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let [sandbox, _] = REALMS;
    issue(cx, req, sandbox)
}

fn issue(cx: &mut Cx<'_>, req: &Req, realm: &str) -> Result<Reply, Error> {
    require_form(req)?;
    match req.form("grant_type").as_deref() {
        Some("client_credentials") => {}
        Some(_) => return Err(OAuthError::refusal(StatusCode::BAD_REQUEST, "unsupported_grant_type", "Unsupported grant_type")),
        None => return Err(OAuthError::refusal(StatusCode::BAD_REQUEST, "invalid_request", "Missing form parameter: grant_type")),
    }
    let client = authenticate(cx, req)?;
    let mut names: Vec<Cow<'_, str>> = form::pairs(&req.body).map(|(name, _)| name).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(OAuthError::refusal(StatusCode::BAD_REQUEST, "invalid_request", "duplicated parameter"));
    }
    if !client.has_service_account {
        let description = "Client not enabled to retrieve service account";
        return Err(OAuthError::refusal(StatusCode::UNAUTHORIZED, "unauthorized_client", description));
    }
    let scope = scope(req)?;
    let now_s = cx.now.timestamp();
    let exp = now_s + client.token_lifetime_s;
    let role = client.institution_id.map(|_| INSTITUTION.to_owned());
    let claims = Claims {
        exp,
        iat: now_s,
        jti: format!("trrtcc:{}", cx.rng.uuid()),
        iss: issuer(req, realm),
        aud: "account".to_owned(),
        sub: client.service_account_id,
        typ: "Bearer".to_owned(),
        azp: client.id.clone(),
        acr: "1".to_owned(),
        realm_access: RealmAccess { roles: role.into_iter().collect() },
        scope: scope.clone(),
        client_host: req.peer.to_string(),
        email_verified: false,
        preferred_username: format!("service-account-{}", client.id),
        client_address: req.peer.to_string(),
        client_id: client.id.clone(),
    };
    let access_token = key()?.sign(&claims).map_err(|error| Error::Internal(error.to_string()))?;
    let expires_at = DateTime::<Utc>::from_timestamp(exp, 0).unwrap_or(cx.now);
    tokens::insert_token(cx.db, &Sha256::digest(&access_token), &client.id, expires_at, cx.now)?;
    let response = TokenResponse {
        access_token,
        expires_in: client.token_lifetime_s,
        refresh_expires_in: 0,
        token_type: "Bearer",
        not_before_policy: 0,
        scope,
    };
    Ok(no_store(reply::json_as(StatusCode::OK, PLAIN_JSON, &response)))
}

fn require_form(req: &Req) -> Result<(), Error> {
    let content_type = req.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(());
    }
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Err(Error::OAuth(OAuthError::unexplained(status, "HTTP 415 Unsupported Media Type")))
}

/// The client whose id and secret are in the form or, where they are not, in the `Authorization` header.
fn authenticate(cx: &Cx<'_>, req: &Req) -> Result<Client, Error> {
    let refused = |error| OAuthError::refusal(StatusCode::UNAUTHORIZED, error, "Invalid client or Invalid client credentials");
    let (basic_id, basic_secret) = basic(req).unzip();
    let id = req.form("client_id").map(Cow::into_owned).or(basic_id).ok_or_else(|| refused("invalid_client"))?;
    let secret = req.form("client_secret").map(Cow::into_owned).or(basic_secret);
    let client = tokens::client(cx.db, &id)?.filter(|client| client.enabled).ok_or_else(|| refused("invalid_client"))?;
    if secret.as_ref() == Some(&client.secret) { Ok(client) } else { Err(refused("unauthorized_client")) }
}

/// Id and secret from HTTP Basic; each is percent-encoded, as in a form.
fn basic(req: &Req) -> Option<(String, String)> {
    let (scheme, encoded) = req.header("authorization")?.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    Some((decoded(id), decoded(secret)))
}

/// The scope that is granted.
fn scope(req: &Req) -> Result<String, Error> {
    let asked = req.form("scope").unwrap_or_default();
    if asked.split_whitespace().any(|scope| !matches!(scope, "openid" | "profile" | "email")) {
        return Err(OAuthError::refusal(StatusCode::BAD_REQUEST, "invalid_scope", format!("Invalid scopes: {asked}")));
    }
    let openid = asked.split_whitespace().any(|scope| scope == "openid");
    Ok(if openid { format!("openid {DEFAULT_SCOPE}") } else { DEFAULT_SCOPE.to_owned() })
}

fn realm(req: &Req) -> Result<&'static str, Error> {
    let asked = req.param("realm");
    let known = REALMS.into_iter().find(|realm| *realm == asked);
    known.ok_or_else(|| Error::OAuth(OAuthError::unexplained(StatusCode::NOT_FOUND, "Realm does not exist")))
}

fn issuer(req: &Req, realm: &str) -> String {
    req.links.url("auth", &format!("/realms/{realm}"))
}

/// Whether a path belongs to the authorization server.
pub(super) fn is_authorization_server(path: &str) -> bool {
    path == "/oauth/token" || path.starts_with("/realms/")
}

/// Whether the realm in a path of the authorization server exists.
pub(super) fn knows_realm(path: &str) -> bool {
    path.strip_prefix("/realms/").is_none_or(|rest| {
        let realm = percent_decode_str(rest.split('/').next().unwrap_or_default()).decode_utf8_lossy();
        REALMS.contains(&&*realm)
    })
}

/// What a library for `OpenID Connect` needs to know of a realm.
#[derive(Serialize)]
struct Discovery {
    issuer: String,
    token_endpoint: String,
    introspection_endpoint: String,
    jwks_uri: String,
    grant_types_supported: [&'static str; 1],
    response_types_supported: [&'static str; 0],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
    scopes_supported: [&'static str; 3],
    token_endpoint_auth_methods_supported: [&'static str; 2],
    introspection_endpoint_auth_methods_supported: [&'static str; 2],
}

/// `GET /realms/{realm}/.well-known/openid-configuration`: where the realm's endpoints are and what they can do.
///
/// 200 with the document; 404 for an unknown realm.
pub(super) fn discovery(_cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let issuer = issuer(req, realm(req)?);
    let endpoint = |name: &str| format!("{issuer}/protocol/openid-connect/{name}");
    let document = Discovery {
        token_endpoint: endpoint("token"),
        introspection_endpoint: endpoint("token/introspect"),
        jwks_uri: endpoint("certs"),
        grant_types_supported: ["client_credentials"],
        response_types_supported: [],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["ES256"],
        scopes_supported: ["openid", "profile", "email"],
        token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
        introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
        issuer,
    };
    Ok(reply::json_as(StatusCode::OK, PLAIN_JSON, &document).header(CACHE_CONTROL, "no-cache"))
}

/// Keys that tokens are signed with.
#[derive(Serialize)]
struct KeySet<'a> {
    keys: [PublicKey<'a>; 1],
}

#[derive(Serialize)]
struct PublicKey<'a> {
    kid: &'a str,
    kty: &'a str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    crv: &'a str,
    x: &'a str,
    y: &'a str,
}

/// `GET /realms/{realm}/protocol/openid-connect/certs`: the key that access tokens are signed with, as a JSON web key set.
///
/// 200 with the set; 404 for an unknown realm.
pub(super) fn certs(_cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    realm(req)?;
    let key = key()?;
    let jwk = key.jwk();
    let public = PublicKey { kid: key.id(), kty: jwk.kty, alg: "ES256", usage: "sig", crv: jwk.crv, x: &jwk.x, y: &jwk.y };
    Ok(reply::json_as(StatusCode::OK, PLAIN_JSON, &KeySet { keys: [public] }).header(CACHE_CONTROL, "no-cache"))
}

/// What a token is worth.
#[derive(Serialize)]
struct Introspection {
    #[serde(flatten)]
    claims: Option<Claims>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    active: bool,
}

/// `POST /realms/{realm}/protocol/openid-connect/token/introspect`: tells a client what a token is worth (RFC 7662).
///
/// 200 with the claims of a good token, or with `active` false; 404 for an unknown realm; 415 when the body is no form; 401
/// `invalid_request` when the client is not who it says; 400 `invalid_request` without `token`.
pub(super) fn introspect(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    realm(req)?;
    require_form(req)?;
    authenticate(cx, req).map_err(|error| match error {
        Error::OAuth(_) => OAuthError::refusal(StatusCode::UNAUTHORIZED, "invalid_request", "Authentication failed."),
        other => other,
    })?;
    let Some(token) = req.form("token") else {
        return Err(OAuthError::refusal(StatusCode::BAD_REQUEST, "invalid_request", "Token not provided."));
    };
    let claims = claims_of(cx, &token)?;
    let answer = Introspection {
        username: claims.as_ref().map(|claims| claims.preferred_username.clone()),
        token_type: claims.as_ref().map(|_| "Bearer"),
        active: claims.is_some(),
        claims,
    };
    Ok(no_store(reply::json_as(StatusCode::OK, PLAIN_JSON, &answer)))
}
