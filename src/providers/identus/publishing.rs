//! What the ledger does with DIDs: it publishes them, and confirms their updates.

use super::store;
use crate::world::Cx;

/// The ledger holds a DID that waited for it.
pub(super) fn publish(cx: &mut Cx<'_>, suffix: &str) -> rusqlite::Result<()> {
    store::dids::publish(cx.db, suffix, cx.now).map(drop)
}

/// The ledger confirms an update: the key is there. One with the name of a key that the DID has already changes nothing.
pub(super) fn confirm_update(cx: &mut Cx<'_>, suffix: &str) -> rusqlite::Result<()> {
    let Some(did) = store::dids::by_suffix(cx.db, suffix)? else { return Ok(()) };
    let Some((key, version)) = store::dids::update(cx.db, did.seq)? else { return Ok(()) };
    store::dids::delete_update(cx.db, did.seq)?;
    if store::dids::keys(cx.db, did.seq)?.iter().any(|known| known.name == key.name) {
        return Ok(());
    }
    store::dids::append_key(cx.db, did.seq, &key)?;
    store::dids::set_version(cx.db, did.seq, &version, cx.now)
}
