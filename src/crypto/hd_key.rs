//! Hierarchical deterministic secp256k1 keys (BIP-32), hardened steps only.

use hmac::{Hmac, KeyInit as _, Mac as _};
use k256::elliptic_curve::PrimeField as _;
use k256::{FieldBytes, Scalar};
use sha2::Sha512;

/// Added to an index to harden the step.
const HARDENED: u32 = 0x8000_0000;

/// The private key at a path below a seed, every step hardened: `[29, 29, 0, 4, 0]` is `m/29'/29'/0'/4'/0'`.
///
/// None where an intermediate key is not a number of the curve's order, which happens once in 2^127 derivations.
pub(crate) fn derive(seed: &[u8; 64], path: &[u32]) -> Option<[u8; 32]> {
    let (mut key, mut chain) = split(&mac(b"Bitcoin seed", &[seed])?)?;
    for index in path {
        let index = index.checked_add(HARDENED)?.to_be_bytes();
        let (tweak, next_chain) = split(&mac(&chain, &[&[0], &key, &index])?)?;
        key = (scalar(tweak)? + scalar(key)?).to_repr().into();
        chain = next_chain;
    }
    // Zero and numbers beyond the order are no keys.
    k256::SecretKey::from_slice(&key).ok()?;
    Some(key)
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Option<[u8; 64]> {
    let mut mac = Hmac::<Sha512>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}

fn split(bytes: &[u8; 64]) -> Option<([u8; 32], [u8; 32])> {
    Some((*bytes.first_chunk()?, *bytes.last_chunk()?))
}

fn scalar(bytes: [u8; 32]) -> Option<Scalar> {
    Scalar::from_repr(FieldBytes::from(bytes)).into_option()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{bip39, es256k, hex};

    #[test]
    fn keys_of_a_known_wallet_are_derived() {
        let seed = bip39::seed("arena side web oyster color female eye surround put motion crumble people host wrist use");
        for (path, private, public) in [
            (
                [29, 29, 0, 4, 0],
                "0d69b2951f407b65ede6ef32cb6d7fc81c2958c3c57e6bd80f0b9bc4c3d521c5",
                "037242de1fe6c80c299346a5a856037b88b1b1fd844f2018b3c5fede06b31d1c14",
            ),
            (
                [29, 29, 0, 1, 0],
                "2852ef9bb36ae7dd9a67c2a73e4704ff24a8f175e69dfdf918a43990b27a0344",
                "02028fb97c62e454f868e8de3a3eeb6dacd10da1fb1fba23a014ab2b7702dbfa7a",
            ),
            (
                [29, 29, 0, 2, 0],
                "0dfc839ac85475d1249e36be1dde59b6857bdf6a6cc205869e47a85669f162b8",
                "03665fe39f30de8f1d235195f248f176ed570dbe375051ca1865716cb244344958",
            ),
            (
                [29, 29, 1, 2, 0],
                "8ed64647d957d7130f0277958c7c767499ff2f27a6ebb1d7d66613c196a21a02",
                "035aa2f2be2fd22d3ff36b833ca379d5f4a011945c5c1ce10a6b540dd2d3ba5954",
            ),
            (
                [29, 29, 1, 1, 0],
                "ec77a3418d53beebb84a783aadcfc70b9d586712d48d38949514e39c89a40041",
                "02efe580350034e5f0517a9a2196c8db210b1541d0db4e19fa65bf7047498e5ae3",
            ),
        ] {
            let key = derive(&seed, &path).unwrap();
            assert_eq!(hex(key), private, "{path:?}");
            assert_eq!(hex(es256k::public_key(&key).unwrap()), public, "{path:?}");
        }
    }
}
