//! Pure functions of bytes and keys, over vetted crates. No time, no chance, no state: whoever calls brings them.

pub mod ecdh;
pub mod hex;
pub mod hs256;
