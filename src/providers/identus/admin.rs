//! Entities, as the administrator sees them.

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Error;
use super::body::Body;
use super::store::{self, entities::EntityRow};
use super::types::Entity;
use super::{agent_base, answer, auth, dids, js, param};
use crate::crypto::prism::Usage;
use crate::crypto::{bip39, cardano, hex};
use crate::http::wire::rfc3339_millis;
use crate::http::{Problem, Reply, Req};
use crate::world::Cx;

/// The agent's call that creates a wallet.
const WALLET_CALL: &str = "POST /wallets/";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    is_admin: bool,
    host: String,
    agent: String,
}

/// `GET /api/v1/admin`: where the agent is. For the administrator.
///
/// 200; 401.
pub(super) fn status(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::admin(cx, req)?;
    let base = agent_base(cx, &req.links)?;
    let host = base.strip_suffix("cloud-agent").map_or_else(|| format!("{base}/"), str::to_owned);
    answer::read(cx, Status { is_admin: true, agent: format!("{base}/"), host })
}

fn view(entity: EntityRow, base: &str) -> Entity {
    Entity {
        kind: "Entity",
        url: format!("{base}/iam/entities/{}", entity.id),
        id: entity.id,
        name: entity.name,
        wallet: entity.wallet,
        created_at: entity.created_at,
        updated_at: entity.created_at,
    }
}

/// `GET /api/v1/admin/entities`: lists all entities, oldest first. For the administrator.
///
/// 200; 401.
pub(super) fn list(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::admin(cx, req)?;
    let base = agent_base(cx, &req.links)?;
    let entities = store::entities::list(cx.db, cx.setting("strict_quirks")?)?;
    answer::read(cx, entities.into_iter().map(|entity| view(entity, &base)).collect::<Vec<_>>())
}

/// `GET /api/v1/admin/entity/{id}`: one entity. For the administrator.
///
/// 200; 401; 404 whatever is wrong.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::admin(cx, req)?;
    let base = agent_base(cx, &req.links)?;
    let entity = store::entities::get(cx.db, &param(req, "id")?.to_ascii_lowercase())?;
    let entity = entity.ok_or_else(|| Error::handler(StatusCode::NOT_FOUND, "Not found"))?;
    answer::read(cx, view(entity, &base))
}

/// An entity that was just created, with its key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewEntity {
    #[serde(rename = "id_entity")]
    pub id: String,
    #[serde(rename = "id_wallet")]
    wallet: String,
    name: Option<Value>,
    role: Option<Value>,
    #[serde(rename = "created_at", serialize_with = "rfc3339_millis")]
    created_at: DateTime<Utc>,
    key: String,
    #[serde(rename = "public_addr")]
    public_address: String,
    long_did: String,
}

/// `POST /api/v1/admin/entity`: creates an entity with its key, its wallet (unless `id_wallet` names one) and a DID. For the
/// administrator.
///
/// 201; 401; the agent's 400 when a new wallet gets no name, 422 when there is a wallet with the same seed.
pub(super) fn create(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::admin(cx, req)?;
    let created = create_entity(cx, &Body::of(req)?)?;
    Ok(answer::created(created))
}

fn create_entity(cx: &mut Cx<'_>, body: &Body) -> Result<NewEntity, Error> {
    let phrase = body.truthy("mnemonic").map_or_else(|| bip39::phrase(cx.rng.bytes()), js::text);
    let seed = bip39::seed(&phrase);
    let seed_digits = hex(seed);
    let asked = body.text("id_wallet").map(|id| id.to_ascii_lowercase());
    let wallet = match asked {
        Some(id) if store::entities::seed(cx.db, &id)?.is_some() => id,
        _ => create_wallet(cx, body.get("name"), &seed_digits)?,
    };
    let text = |field: &str| body.text(field).unwrap_or_else(|| "null".to_owned());
    let (name, role) = (text("name"), text("role"));
    let entity = EntityRow {
        id: cx.rng.uuid().to_string(),
        name: format!("{name} ({role})"),
        wallet: wallet.clone(),
        api_key: api_key(&seed_digits, &name, &role, cx.now),
        created_at: cx.now,
    };
    if store::entities::wallet_of_key(cx.db, &entity.api_key)?.is_some() {
        return Err(Error::agent(cx, StatusCode::BAD_REQUEST, "The apikey is in use by another entity"));
    }
    store::entities::insert(cx.db, &entity)?;
    let long_did = dids::create_in(cx, &wallet, "key-1", Usage::Authentication)?;
    Ok(NewEntity {
        id: entity.id,
        wallet,
        name: body.get("name").cloned(),
        role: body.get("role").cloned(),
        created_at: cx.now,
        key: entity.api_key,
        public_address: cardano::account(&seed).ok_or(Problem::Internal)?.address,
        long_did,
    })
}

fn create_wallet(cx: &mut Cx<'_>, name: Option<&Value>, seed: &str) -> Result<String, Error> {
    match name {
        None => return Err(Error::decoding(cx, WALLET_CALL, "missing required field at 'name'")),
        Some(Value::String(_)) => {}
        Some(_) => return Err(Error::decoding(cx, WALLET_CALL, "expected a String at 'name'")),
    }
    if store::entities::seed_is_taken(cx.db, seed)? {
        return Err(Error::agent(cx, StatusCode::UNPROCESSABLE_ENTITY, "A wallet with the same seed already exist"));
    }
    let id = cx.rng.uuid().to_string();
    store::entities::insert_wallet(cx.db, &id, seed)?;
    Ok(id)
}

/// The key of an entity: the SHA-256 hash of seed, name, role and the time of creation in words.
pub(super) fn api_key(seed: &str, name: &str, role: &str, created_at: DateTime<Utc>) -> String {
    let created = created_at.format("%a, %d %b %Y %H:%M:%S GMT");
    hex(Sha256::digest(format!("{seed}{name}{role}{created}")))
}

/// `DELETE /api/v1/admin/entity/{id}`: removes an entity; its key stops working, its wallet stays. For the administrator.
///
/// 200; 401; the agent's 404 when it is unknown.
pub(super) fn delete(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::admin(cx, req)?;
    let id = param(req, "id")?;
    if store::entities::delete(cx.db, &id.to_ascii_lowercase())? {
        return answer::read(cx, "");
    }
    Err(Error::agent(cx, StatusCode::NOT_FOUND, format!("There is no entity matching the given identifier: id={id}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_known_entities_follow_from_seed_name_role_and_time() {
        for (phrase, name, role, created, key) in [
            (
                "arena side web oyster color female eye surround put motion crumble people host wrist use",
                "alice",
                "admin",
                "2024-10-03T15:20:00Z",
                "96f51b29ceafc80a84b2853776e091e4f0bb721abe6b7098986e2dfb5248d1e7",
            ),
            (
                "victory lumber heart diamond orient moment love cute action perfect drive control holiday grant warrior",
                "bob",
                "caller",
                "2024-10-03T15:21:00Z",
                "92b3d51933b87bffc1d3f46a98923151a84b5c3dde8fc54c6daefe326cbe6000",
            ),
        ] {
            let seed = hex(bip39::seed(phrase));
            assert_eq!(api_key(&seed, name, role, created.parse().unwrap()), key, "{name}");
        }
    }
}
