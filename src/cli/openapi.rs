//! `understudy openapi <slug>`: prints a contract.

use clap::Args;

use super::{Failed, Outcome, print};
use crate::worlds::Registry;
use crate::{control, providers};

/// Which contract.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// A provider's slug, or `control`
    slug: String,
}

/// Prints the document.
pub(super) fn run(options: &Options) -> Outcome {
    if options.slug == "control" {
        return print(control::OPENAPI.trim_end());
    }
    let registry = Registry::new(providers::all());
    let provider = registry.require(&options.slug).map_err(Failed::usage)?;
    print(provider.about().openapi.trim_end())
}
