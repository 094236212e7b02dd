//! The registry of providers: a line each.

mod five_north;
mod identus;
mod kosmos;
mod public_mint;
mod verified;

use std::sync::Arc;

use crate::http::{AnyProvider, any};

/// All providers, in the order in which they are shown.
pub fn all() -> Vec<Arc<dyn AnyProvider>> {
    vec![
        any::of::<verified::Verified>(),
        any::of::<five_north::FiveNorth>(),
        any::of::<identus::Identus>(),
        any::of::<kosmos::Kosmos>(),
        any::of::<public_mint::PublicMint>(),
    ]
}
