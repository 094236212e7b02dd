//! Issuing with a partner: the person goes from the issuer to the partner, signed in by a token that holds for five minutes.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::identifier::Contact;
use super::store::{self, credentials, flows};
use super::types::{Brand, Caller, Flow, FlowState};
use super::{matching, wallet};
use crate::crypto::hs256;
use crate::http::Req;
use crate::http::wire::uri_component;
use crate::world::Cx;

/// The key of partner tokens in every world: nothing is secret here.
const KEY: &[u8] = b"verified-sandbox-emulator";

/// How long a token signs in.
const LIFE: TimeDelta = TimeDelta::minutes(5);

/// Header of a partner token.
#[derive(Serialize)]
struct Header {
    alg: &'static str,
    typ: &'static str,
}

/// Claims of a partner token.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    /// The issuing brand.
    brand_uuid: String,
    credential_group_uuid: String,
    partner_brand_uuid: String,
    tier: u32,
    /// Seconds since the epoch.
    iat: i64,
    exp: i64,
    aud: String,
    /// The person.
    sub: String,
    jti: String,
}

/// A request at a partner that a person can go to.
pub(super) struct Offer {
    pub id: String,
    pub url: String,
}

/// What a person is to be asked at a partner.
pub(super) struct Referral<'a> {
    pub issuer: &'a Caller,
    /// Uuid of the partner, as sent.
    pub partner: &'a str,
    pub contact: &'a Contact,
    /// Uuid of the person.
    pub user: &'a str,
    /// Ids of the credentials that the token shows.
    pub scope: Vec<String>,
    pub description: &'a str,
    pub tracking_id: Option<&'a str>,
}

/// Makes a request at the partner, if it is linked to the issuer and finds what it asks for among the person's credentials.
pub(super) fn offer(cx: &mut Cx<'_>, req: &Req, referral: Referral<'_>) -> Result<Option<Offer>, Error> {
    let Referral { issuer, partner, contact, user, scope, description, tracking_id } = referral;
    let partner = partner.to_lowercase();
    if !store::are_linked(cx.db, &issuer.uuid, &partner)? {
        return Ok(None);
    }
    let Some(partner) = store::brand(cx.db, &partner)? else { return Ok(None) };
    let Some(requests) = partner.partner_requests.clone() else { return Ok(None) };
    let held = credentials::of_user(cx.db, user, None)?;
    if !matching::satisfies(&requests, &held, cx.now) {
        return Ok(None);
    }
    let id = cx.rng.uuid().to_string();
    let flow = Flow {
        brand: partner.uuid.clone(),
        user: Some(user.to_owned()),
        scope: Some(scope),
        tracking_id: tracking_id.map(str::to_owned),
        ..Flow::matching(id.clone(), contact.clone(), requests, description)
    };
    flows::insert_flow(cx.db, &flow)?;

    let token = token(cx, issuer, &partner, user)?;
    let mut url = wallet::request_url(req, &flow.id, contact);
    if let Some(redirect_url) = &partner.redirect_url {
        url += &format!("&redirectUrl={}", uri_component(redirect_url));
    }
    url += &format!("&jwt={}", uri_component(&token));
    Ok(Some(Offer { id, url }))
}

fn token(cx: &mut Cx<'_>, issuer: &Caller, partner: &Brand, user: &str) -> Result<String, Error> {
    let iat = cx.now.timestamp();
    let claims = Claims {
        brand_uuid: issuer.uuid.clone(),
        credential_group_uuid: cx.rng.uuid().to_string(),
        partner_brand_uuid: partner.uuid.clone(),
        tier: 10,
        iat,
        exp: iat + LIFE.num_seconds(),
        aud: "http://localhost".to_owned(),
        sub: user.to_owned(),
        jti: cx.rng.uuid().to_string(),
    };
    Ok(sign(&claims)?)
}

fn sign(claims: &Claims) -> Result<String, serde_json::Error> {
    hs256::sign(KEY, &Header { alg: "HS256", typ: "access" }, claims)
}

/// Whether a token signs in to a flow now: ours, for its person and its partner, and not older than five minutes.
pub(super) fn signs_in(cx: &Cx<'_>, token: &str, flow: &Flow) -> bool {
    hs256::open::<Claims>(KEY, token).is_some_and(|claims| {
        Some(&claims.sub) == flow.user.as_ref()
            && claims.partner_brand_uuid == flow.brand
            && flow.scope.is_some()
            && flow.state == FlowState::Open
            && claims.iat <= cx.now.timestamp()
            && cx.now.timestamp() < claims.exp
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_spelled_as_in_the_vector() {
        let claims = Claims {
            brand_uuid: "7854ec22-f913-4d67-824d-adb2a756bf3c".to_owned(),
            credential_group_uuid: "d4601e5d-6a8c-4dde-a4f7-557e332410aa".to_owned(),
            partner_brand_uuid: "f42c3a46-b45f-459e-a707-104ee6aa3000".to_owned(),
            tier: 10,
            iat: 1_721_304_000,
            exp: 1_721_304_300,
            aud: "http://localhost".to_owned(),
            sub: "5a1c0de0-0000-4000-8000-000000000001".to_owned(),
            jti: "5a1c0de0-0000-4000-8000-0000000000aa".to_owned(),
        };
        let expected = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImFjY2VzcyJ9.eyJicmFuZFV1aWQiOiI3ODU0ZWMyMi1mOTEzLTRkNjctODI0ZC1hZGIyYTc1NmJmM2MiLCJjcmVkZW50aWFsR3JvdXBVdWlkIjoiZDQ2MDFlNWQtNmE4Yy00ZGRlLWE0ZjctNTU3ZTMzMjQxMGFhIiwicGFydG5lckJyYW5kVXVpZCI6ImY0MmMzYTQ2LWI0NWYtNDU5ZS1hNzA3LTEwNGVlNmFhMzAwMCIsInRpZXIiOjEwLCJpYXQiOjE3MjEzMDQwMDAsImV4cCI6MTcyMTMwNDMwMCwiYXVkIjoiaHR0cDovL2xvY2FsaG9zdCIsInN1YiI6IjVhMWMwZGUwLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMSIsImp0aSI6IjVhMWMwZGUwLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDBhYSJ9.J_tbEJnD8gTXL6b8n27k1hGrkP4cGneLzztU_MUq2FE";
        assert_eq!(sign(&claims).unwrap(), expected);
    }
}
