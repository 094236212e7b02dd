//! Pure functions of bytes and keys, over vetted crates.

pub mod es256;
pub mod jws;
pub mod sigv4;
