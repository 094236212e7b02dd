//! What a fresh world holds, read strictly: every mistake is named with its place.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::store::{self, entities::EntityRow, records::RETRIES, status_lists};
use super::types::{Connection, ConnectionRole, ConnectionState, DidKey, DidStatus, ManagedDid, Record, RecordRole, RecordState};
use super::{admin, credential, js, keys};
use crate::crypto::prism::{self, Usage};
use crate::crypto::{bip39, hex};
use crate::http::{FixtureError, fixture};
use crate::world::Cx;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fixture {
    /// Value of the header `x-admin-api-key`.
    admin_key: String,
    wallets: Vec<Wallet>,
    entities: Vec<Entity>,
    #[serde(default)]
    connections: Vec<Pair>,
    #[serde(default)]
    records: Vec<Side>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wallet {
    id: String,
    mnemonic: String,
    #[serde(default)]
    dids: Vec<Identifier>,
    status_list: Option<StatusList>,
}

/// A DID: one of the wallet's own (`index`, `keys`), or one that was made elsewhere (its long form).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Identifier {
    /// Short form of an own one, which has to follow from the rest; long form of another.
    did: String,
    index: Option<u32>,
    #[serde(default)]
    keys: Vec<Key>,
    #[serde(default)]
    added_keys: Vec<Key>,
    status: DidStatus,
    published_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    id: String,
    purpose: Purpose,
    /// Path of the private key below the wallet's seed (`m/29'/29'/0'/2'/0'`); that of the next key of the DID when absent.
    path: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Purpose {
    Authentication,
    Issue,
}

impl Purpose {
    fn usage(self) -> Usage {
        match self {
            Self::Authentication => Usage::Authentication,
            Self::Issue => Usage::Issuing,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StatusList {
    id: String,
    issuer: String,
    last_index: u32,
    created_at: DateTime<Utc>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entity {
    id: String,
    name: String,
    role: String,
    wallet: String,
    created_at: DateTime<Utc>,
    /// 64 hexadecimal digits; that which follows from the rest when absent.
    key: Option<String>,
}

/// Both sides of a connection, or an invitation that nobody has accepted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Pair {
    label: String,
    inviter: End,
    invitee: Option<End>,
    created_at: DateTime<Utc>,
    updated_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    id: String,
    wallet: String,
    /// `did:peer:2…`
    did: String,
}

/// One side's record of an issuance.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Side {
    id: String,
    wallet: String,
    thid: String,
    role: RecordRole,
    state: RecordState,
    connection: String,
    /// The issuer's DID, on the issuer's side.
    author: Option<String>,
    /// Seconds, on the issuer's side.
    validity: Option<f64>,
    /// The holder's DID, on the holder's side from acceptance on.
    subject_id: Option<String>,
    claims: Map<String, Value>,
    credential: Option<String>,
    /// Place of the credential in the wallet's status list, on the issuer's side.
    status_index: Option<u32>,
    created_at: DateTime<Utc>,
    updated_at: Option<DateTime<Utc>>,
}

/// Ids that were seen, to find those that come twice.
#[derive(Default)]
struct Seen(BTreeSet<String>);

impl Seen {
    fn uuid(&mut self, path: &str, id: &str) -> Result<(), FixtureError> {
        let sound = id.len() == 36 && Uuid::try_parse(id).is_ok() && !id.bytes().any(|byte| byte.is_ascii_uppercase());
        if !sound {
            return Err(FixtureError::content(path, format!("{id:?} is not a lower-case UUID")));
        }
        self.once(path, id)
    }

    fn once(&mut self, path: &str, text: &str) -> Result<(), FixtureError> {
        if self.0.insert(text.to_owned()) { Ok(()) } else { Err(FixtureError::content(path, format!("{text:?} comes twice"))) }
    }
}

/// Fills the tables from a fixture.
pub(super) fn load(cx: &mut Cx<'_>, text: &str) -> Result<(), FixtureError> {
    let fixture: Fixture = fixture::read(text)?;
    if fixture.admin_key.is_empty() {
        return Err(FixtureError::content("adminKey", "it is empty"));
    }
    store::set_admin_key(cx.db, &fixture.admin_key)?;
    let mut seen = Seen::default();
    for (n, wallet) in fixture.wallets.iter().enumerate() {
        load_wallet(cx, &mut seen, &format!("wallets[{n}]"), wallet)?;
    }
    for (n, entity) in fixture.entities.iter().enumerate() {
        load_entity(cx, &mut seen, &format!("entities[{n}]"), entity)?;
    }
    for (n, pair) in fixture.connections.iter().enumerate() {
        load_connection(cx, &mut seen, &format!("connections[{n}]"), pair)?;
    }
    let mut sides = Seen::default();
    for (n, side) in fixture.records.iter().enumerate() {
        load_record(cx, &mut seen, &mut sides, &format!("records[{n}]"), side)?;
    }
    Ok(())
}

fn load_wallet(cx: &Cx<'_>, seen: &mut Seen, at: &str, wallet: &Wallet) -> Result<(), FixtureError> {
    seen.uuid(&format!("{at}.id"), &wallet.id)?;
    let seed = bip39::seed(&wallet.mnemonic);
    let digits = hex(seed);
    if store::entities::seed_is_taken(cx.db, &digits)? {
        return Err(FixtureError::content(format!("{at}.mnemonic"), "another wallet has it"));
    }
    store::entities::insert_wallet(cx.db, &wallet.id, &digits)?;
    let mut next_index = 0;
    for (n, did) in wallet.dids.iter().enumerate() {
        load_did(cx, seen, &format!("{at}.dids[{n}]"), wallet, &seed, did)?;
        next_index = next_index.max(did.index.map_or(0, |index| index + 1));
    }
    store::entities::set_next_did_index(cx.db, &wallet.id, next_index)?;
    if let Some(list) = &wallet.status_list {
        let at = format!("{at}.statusList");
        seen.uuid(&format!("{at}.id"), &list.id)?;
        if list.last_index >= status_lists::PLACES {
            return Err(FixtureError::content(format!("{at}.lastIndex"), format!("a list has {} places", status_lists::PLACES)));
        }
        let issuer = own_did(cx, &format!("{at}.issuer"), &wallet.id, &list.issuer)?;
        status_lists::insert(cx.db, &list.id, &wallet.id, &issuer.long_form, list.last_index, list.created_at)?;
    }
    Ok(())
}

fn load_did(
    cx: &Cx<'_>,
    seen: &mut Seen,
    at: &str,
    wallet: &Wallet,
    seed: &[u8; 64],
    given: &Identifier,
) -> Result<(), FixtureError> {
    let content = |field: &str, reason: String| FixtureError::content(format!("{at}.{field}"), reason);
    let named = prism::parse(&given.did).map_err(|reason| content("did", reason.to_string()))?;
    seen.once(&format!("{at}.did"), &named.suffix)?;
    if given.index.is_some_and(|index| index >= 1 << 31) {
        return Err(content("index", "it must be below 2147483648".to_owned()));
    }
    let (mut did, mut held) = match (given.index, &named.long) {
        (Some(index), _) => {
            let [key] = given.keys.as_slice() else { return Err(content("keys", "an own DID is made with one key".to_owned())) };
            let made = keys::new_did(seed, &wallet.id, index, &key.id, key.purpose.usage());
            let made = made.ok_or_else(|| content("index", "no key follows from it".to_owned()))?;
            if made.0.suffix != named.suffix {
                return Err(content("did", format!("{} follows from mnemonic, index and keys", prism::short(&made.0.suffix))));
            }
            made
        }
        (None, None) => return Err(content("did", "a DID without index has to be given in its long form".to_owned())),
        (None, Some(_)) if !given.keys.is_empty() => return Err(content("keys", "the keys stand in the long form".to_owned())),
        (None, Some((operation, state))) => {
            let held = state.keys.iter().map(|key| DidKey {
                name: key.id.clone(),
                usage: key.usage,
                curve: key.curve.clone(),
                data: key.data.clone(),
                path: None,
            });
            let did = ManagedDid {
                seq: 0,
                suffix: named.suffix.clone(),
                wallet: wallet.id.clone(),
                long_form: prism::long(operation),
                status: given.status,
                deactivated: false,
                version: named.suffix.clone(),
                published_at: None,
                updated_at: None,
            };
            (did, held.collect())
        }
    };
    if (given.status == DidStatus::Published) != given.published_at.is_some() {
        return Err(content("publishedAt", "it belongs to a DID with status PUBLISHED, and to no other".to_owned()));
    }
    did.status = given.status;
    did.published_at = given.published_at;
    did.updated_at = given.updated_at.or(given.published_at);
    for (n, key) in given.added_keys.iter().enumerate() {
        let field = format!("addedKeys[{n}]");
        if held.iter().any(|known| known.name == key.id) {
            return Err(content(&field, format!("the DID has a key named {:?}", key.id)));
        }
        let usage = key.purpose.usage();
        let count = u32::try_from(held.iter().filter(|known| known.usage == usage).count()).unwrap_or_default();
        let path = match (&key.path, given.index) {
            (Some(path), _) => {
                derivation_path(path).ok_or_else(|| content(&field, format!("{path:?} is not a path of hardened steps")))?
            }
            (None, Some(index)) => keys::path(index, usage, count),
            (None, None) => return Err(content(&field, "a key of a DID without index needs a path".to_owned())),
        };
        let made =
            keys::derived(seed, &key.id, usage, path).ok_or_else(|| content(&field, "no key follows from its path".to_owned()))?;
        did.version = prism::hash(&prism::add_key_operation(&did.version, &did.suffix, &keys::public(&made)));
        held.push(made);
    }
    store::dids::insert(cx.db, &did, &held)?;
    Ok(())
}

/// Reads `m/29'/29'/0'/2'/0'`.
fn derivation_path(text: &str) -> Option<Vec<u32>> {
    let steps = text.strip_prefix("m/")?.split('/');
    steps.map(|step| step.strip_suffix('\'')?.parse().ok().filter(|index| *index < 1 << 31)).collect()
}

fn own_did(cx: &Cx<'_>, at: &str, wallet: &str, text: &str) -> Result<ManagedDid, FixtureError> {
    let named = prism::parse(text).map_err(|reason| FixtureError::content(at, reason.to_string()))?;
    let did = store::dids::by_suffix(cx.db, &named.suffix)?.filter(|did| did.wallet == wallet);
    did.ok_or_else(|| FixtureError::content(at, format!("the wallet has no DID {text}")))
}

fn known_wallet(cx: &Cx<'_>, at: &str, wallet: &str) -> Result<String, FixtureError> {
    let seed = store::entities::seed(cx.db, wallet)?;
    seed.ok_or_else(|| FixtureError::content(format!("{at}.wallet"), format!("there is no wallet {wallet:?}")))
}

fn load_entity(cx: &Cx<'_>, seen: &mut Seen, at: &str, entity: &Entity) -> Result<(), FixtureError> {
    seen.uuid(&format!("{at}.id"), &entity.id)?;
    let seed = known_wallet(cx, at, &entity.wallet)?;
    let key = match &entity.key {
        None => admin::api_key(&seed, &entity.name, &entity.role, entity.created_at),
        Some(key) if key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) => {
            key.clone()
        }
        Some(_) => return Err(FixtureError::content(format!("{at}.key"), "a key is 64 lower-case hexadecimal digits")),
    };
    seen.once(&format!("{at}.key"), &key)?;
    let row = EntityRow {
        id: entity.id.clone(),
        name: format!("{} ({})", entity.name, entity.role),
        wallet: entity.wallet.clone(),
        api_key: key,
        created_at: entity.created_at,
    };
    store::entities::insert(cx.db, &row)?;
    Ok(())
}

fn load_connection(cx: &Cx<'_>, seen: &mut Seen, at: &str, pair: &Pair) -> Result<(), FixtureError> {
    let ends =
        [(ConnectionRole::Inviter, "inviter", Some(&pair.inviter)), (ConnectionRole::Invitee, "invitee", pair.invitee.as_ref())];
    for (role, name, end) in ends {
        let Some(end) = end else { continue };
        let at = format!("{at}.{name}");
        seen.uuid(&format!("{at}.id"), &end.id)?;
        known_wallet(cx, &at, &end.wallet)?;
        if !end.did.starts_with("did:peer:2") {
            return Err(FixtureError::content(format!("{at}.did"), "it must be a did:peer:2"));
        }
        let other = if role == ConnectionRole::Inviter { pair.invitee.as_ref() } else { Some(&pair.inviter) };
        let connection = Connection {
            id: end.id.clone(),
            wallet: end.wallet.clone(),
            thid: pair.inviter.id.clone(),
            label: (role == ConnectionRole::Inviter).then(|| pair.label.clone()),
            my_did: other.map(|_| end.did.clone()),
            their_did: other.map(|other| other.did.clone()),
            role,
            state: match (role, other) {
                (ConnectionRole::Inviter, None) => ConnectionState::InvitationGenerated,
                (ConnectionRole::Inviter, Some(_)) => ConnectionState::ConnectionResponseSent,
                (ConnectionRole::Invitee, _) => ConnectionState::ConnectionResponseReceived,
            },
            inviter_did: pair.inviter.did.clone(),
            created_at: pair.created_at,
            updated_at: other.and(pair.updated_at),
        };
        store::connections::insert(cx.db, &connection)?;
    }
    Ok(())
}

fn load_record(cx: &Cx<'_>, seen: &mut Seen, sides: &mut Seen, at: &str, side: &Side) -> Result<(), FixtureError> {
    use RecordState::{CredentialGenerated, CredentialReceived, CredentialSent, OfferReceived};
    let content = |field: &str, reason: &str| FixtureError::content(format!("{at}.{field}"), reason);
    seen.uuid(&format!("{at}.id"), &side.id)?;
    known_wallet(cx, at, &side.wallet)?;
    Seen::default().uuid(&format!("{at}.thid"), &side.thid)?;
    sides.once(&format!("{at}.thid"), &format!("{:?} of {}", side.role, side.thid))?;
    if store::connections::get(cx.db, &side.wallet, &side.connection)?.is_none() {
        return Err(content("connection", "the wallet has no such connection"));
    }
    let is_issuer = side.role == RecordRole::Issuer;
    if is_issuer != issuers(side.state) {
        return Err(content("state", "it is one of the other role"));
    }
    if is_issuer != (side.author.is_some() && side.validity.is_some()) || (side.author.is_some() != side.validity.is_some()) {
        return Err(content("author", "an issuer's record has author and validity, a holder's has neither"));
    }
    let has_subject = !is_issuer && side.state != OfferReceived;
    if side.subject_id.is_some() != has_subject {
        return Err(content("subjectId", "a holder's record has it from acceptance on, an issuer's never"));
    }
    let has_credential = matches!(side.state, CredentialGenerated | CredentialSent | CredentialReceived);
    if side.credential.is_some() != has_credential {
        return Err(content("credential", "it is there from CredentialGenerated or CredentialReceived on"));
    }
    if side
        .credential
        .as_deref()
        .is_some_and(|text| credential::decode(text).and_then(|jwt| credential::payload_of(&jwt)).is_none())
    {
        return Err(content("credential", "it is not a JWT in base64url"));
    }
    let issuer = match &side.author {
        Some(author) => Some(own_did(cx, &format!("{at}.author"), &side.wallet, author)?.suffix),
        None => None,
    };
    if let Some(subject) = &side.subject_id {
        own_did(cx, &format!("{at}.subjectId"), &side.wallet, subject)?;
    }
    if let Some(index) = side.status_index {
        let list = status_lists::latest(cx.db, &side.wallet)?.filter(|list| is_issuer && index <= list.last_index);
        let list = list.ok_or_else(|| content("statusIndex", "the issuer's status list has no such place yet"))?;
        status_lists::take(cx.db, list.seq, index, &side.thid)?;
    }
    let claims = serde_json::to_string(&side.claims).and_then(RawValue::from_string);
    let record = Record {
        id: side.id.clone(),
        thid: side.thid.clone(),
        credential_format: "JWT",
        subject_id: side.subject_id.clone(),
        validity_s: side.validity,
        claims: claims.map_err(|error| content("claims", &error.to_string()))?,
        automatic_issuance: None,
        created_at: side.created_at,
        updated_at: side.updated_at,
        role: side.role,
        state: side.state,
        credential: side.credential.clone(),
        retries: RETRIES,
        failure: None,
        wallet: side.wallet.clone(),
        connection: side.connection.clone(),
        issuer,
        status_base: None,
    };
    store::records::insert(cx.db, &record, js::claim_type(&side.claims).as_deref())?;
    Ok(())
}

/// Whether a state is one of the issuer's side.
fn issuers(state: RecordState) -> bool {
    use RecordState::{CredentialGenerated, CredentialPending, CredentialSent, OfferPending, OfferSent, RequestReceived};
    matches!(state, OfferPending | OfferSent | RequestReceived | CredentialPending | CredentialGenerated | CredentialSent)
}
