//! `understudy fixtures check`: checks fixture files without serving.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Failed, Outcome, print};
use crate::providers;
use crate::world::clock::real_now;
use crate::worlds::Registry;

/// What to do with fixtures.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check the fixture files of a folder, or the built-in ones; exit status 1 and the first mistake's place if there is one
    Check {
        /// The folder; its files are named <slug>.json
        folder: Option<PathBuf>,
    },
}

/// Checks.
pub(super) fn run(options: &Options) -> Outcome {
    let Action::Check { folder } = &options.action;
    let mut registry = Registry::new(providers::all());
    if let Some(folder) = folder {
        registry = registry.with_fixtures(folder).map_err(Failed::run)?;
    }
    registry.image(real_now(), true).map_err(Failed::run)?;
    print(format!("fixtures are right: {}", registry.slugs().collect::<Vec<_>>().join(", ")))
}
