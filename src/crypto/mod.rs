//! Pure functions of bytes and keys, over vetted crates. Nothing here knows providers, worlds or HTTP.

pub(crate) mod bip39;
pub(crate) mod cardano;
pub mod ecdh;
pub(crate) mod es256;
pub(crate) mod es256k;
pub(crate) mod hd_key;
pub mod hs256;
pub(crate) mod java_json;
pub mod jws;
pub(crate) mod peer_did;
pub(crate) mod prism;
pub mod sigv4;

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
