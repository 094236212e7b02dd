//! Pure functions of bytes and keys, over vetted crates. Nothing here knows providers, worlds or HTTP.

pub(crate) mod bip39;
pub(crate) mod cardano;
pub mod ecdh;
pub mod es256;
pub(crate) mod es256k;
pub(crate) mod hd_key;
pub mod hex;
pub mod hs256;
pub(crate) mod java_json;
pub mod jws;
pub(crate) mod peer_did;
pub(crate) mod prism;
pub mod sigv4;
