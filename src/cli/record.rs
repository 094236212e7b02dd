//! `understudy record`: serves as usual, and writes what clients did as a scenario.

use std::path::PathBuf;

use clap::Args;

use super::{Failed, Outcome, serve};
use crate::Understudy;
use crate::scenario::Stage;

/// Where to write, and how to serve.
#[derive(Debug, Args)]
#[group(id = "record")]
pub(super) struct Options {
    /// Write the scenario to this file when the server is told to stop; until then, GET /_understudy/requests?format=scenario
    /// shows it
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    serve: serve::Options,
}

/// Serves until SIGINT or SIGTERM, and writes.
pub(super) fn run(options: &Options) -> Outcome {
    serve::until_stopped(&options.serve, |understudy| write(options, understudy))
}

fn write(options: &Options, understudy: &Understudy) -> Outcome {
    let out = options.out.display();
    let mut stage = Stage::of(understudy).map_err(Failed::run)?;
    let recorded =
        stage.record(understudy.server_url()).map_err(|reason| Failed::run(format!("nothing is written to {out}: {reason}")))?;
    serve::write_whole(&options.out, recorded.text.trim_end())
        .map_err(|error| Failed::run(format!("cannot write {out}: {error}")))?;
    let steps = recorded.report.steps.len();
    if recorded.report.passed {
        tracing::info!(steps, "{out} is written; it plays again");
        Ok(())
    } else {
        Err(Failed::run(format!("{out} is written, but it does not play again as it is:\n{}", recorded.report)))
    }
}
