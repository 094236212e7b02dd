//! The DIDs of a wallet and their keys: what is made, what is found, what signs.

use http::StatusCode;

use super::Error;
use super::store;
use super::types::{DidKey, DidStatus, ManagedDid};
use crate::crypto::prism::{self, PublicKey, SECP256K1, Usage};
use crate::crypto::{es256k, hd_key};
use crate::world::Cx;

/// Name of the key that signs operations on a DID.
pub(super) const MASTER: &str = "master0";

/// Reads hexadecimal digits; what is none is left out.
pub(super) fn unhex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let valid = digits.len() == 2 * N;
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().as_chunks::<2>().0) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    valid.then_some(bytes)
}

/// `m/29'/29'/<did>'/<usage>'/<key>'`
pub(super) fn path(did_index: u32, usage: Usage, key_index: u32) -> Vec<u32> {
    vec![29, 29, did_index, u32::from(usage.number()), key_index]
}

/// The key at a path below a seed; none where derivation fails, which it practically never does.
pub(super) fn derived(seed: &[u8; 64], name: &str, usage: Usage, path: Vec<u32>) -> Option<DidKey> {
    let data = es256k::public_key(&hd_key::derive(seed, &path)?)?.to_vec();
    Some(DidKey { name: name.to_owned(), usage, curve: SECP256K1.to_owned(), data, path: Some(path) })
}

/// A key as operations hold it.
pub(super) fn public(key: &DidKey) -> PublicKey {
    PublicKey { id: key.name.clone(), usage: key.usage, curve: key.curve.clone(), data: key.data.clone() }
}

/// A DID with one key and the master key at the next index of its wallet, and the operation's name of it. Nothing is stored.
pub(super) fn new_did(seed: &[u8; 64], wallet: &str, index: u32, name: &str, usage: Usage) -> Option<(ManagedDid, Vec<DidKey>)> {
    let keys = vec![
        derived(seed, name, usage, path(index, usage, 0))?,
        derived(seed, MASTER, Usage::Master, path(index, Usage::Master, 0))?,
    ];
    let operation = prism::create_operation(&keys.iter().map(public).collect::<Vec<_>>());
    let suffix = prism::hash(&operation);
    let did = ManagedDid {
        seq: 0,
        version: suffix.clone(),
        suffix,
        wallet: wallet.to_owned(),
        long_form: prism::long(&operation),
        status: DidStatus::PublicationPending,
        deactivated: false,
        published_at: None,
        updated_at: None,
    };
    Some((did, keys))
}

/// The seed of a wallet.
pub(super) fn seed(cx: &Cx<'_>, wallet: &str) -> Result<Option<[u8; 64]>, rusqlite::Error> {
    Ok(store::entities::seed(cx.db, wallet)?.and_then(|seed| unhex(&seed)))
}

/// Reads a DID; the agent's 400 when it is none.
pub(super) fn parse(cx: &Cx<'_>, text: &str) -> Result<prism::Did, Error> {
    prism::parse(text)
        .map_err(|reason| Error::agent(cx, StatusCode::BAD_REQUEST, format!("Error parsing string as PrismDID: {reason}")))
}

/// A DID that a caller names as their own, and that must have a key for `usage`.
///
/// Fails, in this order: 400 when the text is no DID; 500 (`call`) when nobody knows it; 400 (`no_key`) when it has no such key; 400 when
/// it is not in the caller's wallet; 400 when it is deactivated.
pub(super) fn own_did(cx: &Cx<'_>, wallet: &str, text: &str, usage: Usage, no_key: &str, call: &str) -> Result<ManagedDid, Error> {
    let refuse = |detail: String| Err(Error::agent(cx, StatusCode::BAD_REQUEST, detail));
    let named = parse(cx, text)?;
    let known = store::dids::by_suffix(cx.db, &named.suffix)?;
    let visible = known.filter(|did| did.wallet == wallet || did.status == DidStatus::Published);
    let has_key = match (&visible, &named.long) {
        (Some(did), _) => store::dids::keys(cx.db, did.seq)?.iter().any(|key| key.usage == usage),
        (None, Some((_, state))) => state.keys.iter().any(|key| key.usage == usage),
        (None, None) => return Err(Error::unexpected(cx, call)),
    };
    if !has_key {
        return refuse(format!("{no_key} key not found for the {text}"));
    }
    match visible.filter(|did| did.wallet == wallet) {
        None => refuse("The provided DID can't be found in the agent wallet".to_owned()),
        Some(did) if did.deactivated => refuse("The provided DID is published but deactivated".to_owned()),
        Some(did) => Ok(did),
    }
}

/// The private half of a DID's first key for `usage`; none where its path is not known.
pub(super) fn signing_key(cx: &Cx<'_>, did: &ManagedDid, usage: Usage) -> Result<Option<[u8; 32]>, rusqlite::Error> {
    let Some(seed) = seed(cx, &did.wallet)? else { return Ok(None) };
    let keys = store::dids::keys(cx.db, did.seq)?;
    let path = keys.into_iter().find(|key| key.usage == usage && key.path.is_some()).and_then(|key| key.path);
    Ok(path.and_then(|path| hd_key::derive(&seed, &path)))
}

/// As [`signing_key`]; where the private half is not known, that of the first DID of the same wallet that has one. So a proof about a
/// DID that was imported without its keys can be made, though nobody can verify it.
pub(super) fn signing_key_or_any(cx: &Cx<'_>, did: &ManagedDid, usage: Usage) -> Result<Option<[u8; 32]>, rusqlite::Error> {
    if let Some(key) = signing_key(cx, did, usage)? {
        return Ok(Some(key));
    }
    for other in store::dids::list(cx.db, &did.wallet, true)? {
        if let Some(key) = signing_key(cx, &other, usage)? {
            return Ok(Some(key));
        }
    }
    Ok(None)
}
