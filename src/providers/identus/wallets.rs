//! Mnemonic phrases, and the wallet addresses that follow from them. Nothing is stored.

use serde::Serialize;

use super::Error;
use super::{answer, param};
use crate::crypto::{bip39, cardano, hex};
use crate::http::{Problem, Reply, Req};
use crate::world::Cx;

#[derive(Serialize)]
struct Mnemonic {
    mnemonic: String,
    seed: String,
}

/// `POST /api/v1/wallet/mnemonic`: makes a phrase of 15 words. Public.
///
/// 201.
#[expect(clippy::unnecessary_wraps, reason = "the signature of handlers")]
pub(super) fn generate(cx: &mut Cx<'_>, _req: &Req) -> Result<Reply, Error> {
    let mnemonic = bip39::phrase(cx.rng.bytes());
    let seed = hex(bip39::seed(&mnemonic));
    Ok(answer::created(Mnemonic { mnemonic, seed }))
}

#[derive(Serialize)]
struct Wallet {
    addr: String,
    private: String,
    mnemonic: String,
    seed: String,
}

/// `GET /api/v1/wallet/{mnemonic}`: the address and the keys of a phrase, which may be any text. Public.
///
/// 200.
pub(super) fn derive(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let mnemonic = param(req, "mnemonic")?;
    let seed = bip39::seed(&mnemonic);
    let account = cardano::account(&seed).ok_or(Problem::Internal)?;
    answer::read(cx, Wallet { addr: account.address, private: account.private_key, mnemonic, seed: hex(seed) })
}
