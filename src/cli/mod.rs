//! The command line: alone prints, reads the environment, and names files.

mod ca;
mod env;
mod exec;
mod fixtures;
mod healthcheck;
mod openapi;
mod record;
mod replay;
mod scenario;
mod serve;
mod show;

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a command comes to: 0, or a sentence for standard error and an exit status.
type Outcome = Result<(), Failed>;

/// A command that did not do what it should.
#[derive(Debug)]
struct Failed {
    status: u8,
    message: String,
}

impl Failed {
    /// The command was used wrongly: exit status 2.
    fn usage(message: impl Display) -> Self {
        Self { status: 2, message: message.to_string() }
    }

    /// The command was right, but could not be carried out: exit status 1.
    fn run(message: impl Display) -> Self {
        Self { status: 1, message: message.to_string() }
    }

    /// Says why, on standard error.
    fn tell(self) -> ExitCode {
        // Where standard error is closed there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "understudy: {}", self.message);
        ExitCode::from(self.status)
    }
}

/// A local stand-in for identity and credential provider APIs.
///
/// Point an app, a test suite or a demo at this machine instead of a provider's sandbox. Without a command, it serves.
#[derive(Debug, Parser)]
#[command(name = "understudy", version, subcommand_negates_reqs = true, args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Options,
}

const EXAMPLES: &str = "Examples:
  understudy                                    serve on http://127.0.0.1:11111, all in memory
  understudy --port 0 --seed 7 --clock 2026-01-01T00:00:00Z,frozen
                                                a free port, and the same answers every time
  understudy --data ./sandbox.db                keep the default world in a file
  understudy --only verified --listen verified=3003
                                                one provider, on a port of its own
  understudy env                                what to put into the environment of a client
  understudy exec -- npm test                   a server of its own for any test suite
  understudy replay onboarding --pace 1s        a story, told step by step

The control API is at /_understudy (clock, worlds, outbox, requests, simulations);
its contract is at /_understudy/openapi/control.json.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a provider's OpenAPI document, or that of the control API
    Openapi(openapi::Options),
    /// Check fixture files
    Fixtures(fixtures::Options),
    /// Play scenarios, as tests or before an audience; exit status 1 if one fails, 2 if a file has mistakes
    Replay(replay::Options),
    /// Serve, and write what clients did as a scenario that plays again
    Record(record::Options),
    /// Help to write scenarios
    Scenario(scenario::Options),
    /// Print the environment variables that clients of the providers need
    Env(env::Options),
    /// Print the certificate that clients of --tls are to trust
    Ca(ca::Options),
    /// Run a command with a server of its own, and stop with it
    Exec(exec::Options),
    /// Ask a running server whether it can serve; exit status 0 if so
    Healthcheck(healthcheck::Options),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Some(Command::Exec(options)) => {
            return exec::run(&options).unwrap_or_else(Failed::tell);
        }
        Some(Command::Ca(options)) => ca::run(&options),
        None => serve::run(&arguments.serve),
        Some(Command::Openapi(options)) => openapi::run(&options),
        Some(Command::Fixtures(options)) => fixtures::run(&options),
        Some(Command::Replay(options)) => replay::run(&options),
        Some(Command::Record(options)) => record::run(&options),
        Some(Command::Scenario(options)) => scenario::run(&options),
        Some(Command::Env(options)) => env::run(&options),
        Some(Command::Healthcheck(options)) => healthcheck::run(&options),
    };
    outcome.map_or_else(Failed::tell, |()| ExitCode::SUCCESS)
}

/// Prints a line to standard output.
fn print(line: impl Display) -> Outcome {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| Failed::run(format!("cannot write to standard output: {error}")))
}
