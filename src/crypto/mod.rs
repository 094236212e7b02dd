//! Pure functions of bytes and keys, over vetted crates.

pub mod sigv4;
