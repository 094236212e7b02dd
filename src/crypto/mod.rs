//! Pure functions of bytes and keys, over vetted crates.

pub mod jws;
pub mod sigv4;
