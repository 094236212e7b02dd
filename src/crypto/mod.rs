//! Pure functions of bytes and keys, over vetted crates. Nothing here knows providers, worlds or HTTP.

pub(crate) mod bip39;
pub(crate) mod cardano;
pub(crate) mod es256k;
pub(crate) mod hd_key;
pub(crate) mod java_json;
pub(crate) mod peer_did;
pub(crate) mod prism;
