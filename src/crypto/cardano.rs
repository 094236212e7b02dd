//! Cardano test network addresses of a mnemonic phrase: Icarus root keys and BIP32-Ed25519 derivation (its second version).

use bech32::{Bech32, Hrp};
use blake2::digest::consts::U28;
use blake2::{Blake2b, Digest as _};
use curve25519_dalek::{EdwardsPoint, Scalar};
use hmac::{Hmac, KeyInit as _, Mac as _};
use pbkdf2::pbkdf2_hmac;
use sha2::Sha512;

/// Added to an index to harden the step.
const HARDENED: u32 = 0x8000_0000;

/// First byte of an address that has a payment and a stake key, on a test network.
const BASE_TESTNET: u8 = 0x00;

/// Rounds of PBKDF2 between seed and root key.
const ROUNDS: u32 = 4096;

/// The address and the root's private key, both in Bech32.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// `addr_test1…`
    pub address: String,
    /// `ed25519e_sk1…`
    pub private_key: String,
}

/// An extended private key: both halves of 32 bytes, and the chain code.
#[derive(Clone, Copy)]
struct Key {
    left: [u8; 32],
    right: [u8; 32],
    chain: [u8; 32],
}

/// The first address of the first account below a seed: `m/1852'/1815'/0'/0/0` pays, `m/1852'/1815'/0'/2/0` stakes. None only where
/// the library for Bech32 or HMAC refuses its input, which it has no reason to.
pub(crate) fn account(seed: &[u8; 64]) -> Option<Account> {
    let root = root(seed)?;
    let account = [1852, 1815, 0].iter().try_fold(root, |key, index| child(&key, HARDENED + index))?;
    let address_key = |role: u32| child(&child(&account, role)?, 0);
    let mut address = vec![BASE_TESTNET];
    for role in [0, 2] {
        address.extend(Blake2b::<U28>::digest(public_key(&address_key(role)?)));
    }
    let private_key = [root.left, root.right].concat();
    Some(Account { address: encode("addr_test", &address)?, private_key: encode("ed25519e_sk", &private_key)? })
}

fn encode(prefix: &str, bytes: &[u8]) -> Option<String> {
    bech32::encode::<Bech32>(Hrp::parse(prefix).ok()?, bytes).ok()
}

fn root(seed: &[u8; 64]) -> Option<Key> {
    let mut bytes = [0; 96];
    pbkdf2_hmac::<Sha512>(b"", seed, ROUNDS, &mut bytes);
    let (left, rest) = bytes.split_first_chunk::<32>()?;
    let mut left = *left;
    let [first, .., last] = &mut left;
    *first &= 0xf8;
    *last = (*last & 0x1f) | 0x40;
    Some(Key { left, right: *rest.first_chunk()?, chain: *rest.last_chunk()? })
}

fn public_key(key: &Key) -> [u8; 32] {
    // The base point's order divides out, so reducing the number first gives the same point.
    EdwardsPoint::mul_base(&Scalar::from_bytes_mod_order(key.left)).compress().to_bytes()
}

fn child(parent: &Key, index: u32) -> Option<Key> {
    let serial = index.to_le_bytes();
    let of = |tag: u8| {
        if index >= HARDENED {
            mac(&parent.chain, &[&[tag], &parent.left, &parent.right, &serial])
        } else {
            mac(&parent.chain, &[&[tag + 2], &public_key(parent), &serial])
        }
    };
    let tweak = of(0)?;
    let chain = *of(1)?.last_chunk()?;
    // The left half of the tweak counts 28 bytes, times 8.
    let mut eighth = [0_u8; 32];
    let mut carry = 0;
    for (to, from) in eighth.iter_mut().zip(tweak.iter().take(28).copied().chain([0])) {
        *to = (from << 3) | carry;
        carry = from >> 5;
    }
    Some(Key { left: sum(&eighth, &parent.left), right: sum(tweak.last_chunk()?, &parent.right), chain })
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Option<[u8; 64]> {
    let mut mac = Hmac::<Sha512>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}

/// The sum of two little-endian numbers of 256 bits; what goes beyond is lost.
fn sum(a: &[u8; 32], b: &[u8; 32]) -> [u8; 32] {
    let mut carry = 0_u16;
    let mut total = [0; 32];
    for ((to, a), b) in total.iter_mut().zip(a).zip(b) {
        let digit = u16::from(*a) + u16::from(*b) + carry;
        [*to, _] = digit.to_le_bytes();
        carry = digit >> 8;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::bip39;

    #[test]
    fn addresses_of_known_wallets_are_derived() {
        for (phrase, address, private_key) in [
            (
                "arena side web oyster color female eye surround put motion crumble people host wrist use",
                "addr_test1qzmmyn4ny5x5vhe7re9kxudz6fld2hlvmln2f0rhhw6k9xdx3f2jrx33dra3qwwra6m5cmhdkpr30c6eg9qhjkpr27pqhcvr3t",
                "ed25519e_sk18p796sqj5psxjj7uvk509cntfgxvc80ge60s0u4dhx2qgg4wdavr92ljx8ufqvfekl8xpc38y3pvnl6uu3nzptx2vtzta02k6nnpwvqshvndz",
            ),
            (
                "victory lumber heart diamond orient moment love cute action perfect drive control holiday grant warrior",
                "addr_test1qpv3ungd35ewqw5cylprda23hle5ww5nam63pzs6fqlwlky4lz76573marn65e774qra20we2d4q3aexrkrv75yqpu2qjccaul",
                "ed25519e_sk1zrzghcsede7yvmqhld6e6r25t3v57rxkzysk69cw2ze0a4qj8azuyzdnqm7zg46vm0vwzqrvtgvxvswvj7yr5w2xlhc479tfhzk6vgccv78l0",
            ),
        ] {
            let expected = Account { address: address.to_owned(), private_key: private_key.to_owned() };
            assert_eq!(account(&bip39::seed(phrase)), Some(expected));
        }
    }
}
