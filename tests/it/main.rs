//! Black-box tests over a real socket: one binary, a module a provider.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failed expectation is reported"
)]

mod browser;
mod cli;
mod client;
mod contract;
mod contracts;
mod control;
mod dashboard;
mod embed;
mod exec;
mod faults;
mod five_north;
mod harness;
mod identus;
mod kosmos;
mod malformed;
mod public_mint;
mod raw;
mod scenario;
mod server;
mod stress;
mod tls;
mod verified;
