//! `understudy exec -- CMD`: a command with a server of its own.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::process::{ExitCode, ExitStatus};

use clap::Args;
use tokio::process::{Child, Command};

use super::serve::{self, ServerOptions};
use super::{Failed, env};
use crate::Understudy;

/// Exit statuses of a shell for a command that cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// What to run, beside which server.
#[derive(Debug, Args)]
#[command(
    after_help = "CMD finds the base URLs and keys of every provider in its environment, as `understudy env` prints them, with
UNDERSTUDY_URL, UNDERSTUDY_CONTROL_URL and, with --tls, what has common clients trust the local authority.
Its exit status is that of this command: 128 and the signal's number when it died by one, 127 when it is not
found, 126 when it cannot be run.

  understudy exec -- npm test
  understudy exec --only verified --clock 2026-01-01T00:00:00Z,frozen -- pytest -q"
)]
pub(super) struct Options {
    /// Port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    #[command(flatten)]
    server: ServerOptions,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Serves, runs the command, stops serving, and ends as the command did. Standard streams are the command's.
pub(super) fn run(options: &Options) -> Result<ExitCode, Failed> {
    serve::start_log(&options.server, "warn");
    let (understudy, _) = serve::start(&options.server, options.port)?;
    let mut command = command(options, &understudy)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|error| Failed::run(format!("cannot wait for a command: {error}")))?;
    let status = runtime.block_on(async {
        // Signals are watched before there is a command that could miss one.
        let mut signals = signals::Signals::new().map_err(|error| Failed::run(format!("cannot wait for signals: {error}")))?;
        let child = command.spawn().map_err(|error| not_run(options, &error))?;
        wait(child, &mut signals).await.map_err(|error| Failed::run(format!("cannot wait for the command: {error}")))
    })?;
    drop(understudy);
    Ok(ExitCode::from(status_of(status)))
}

/// The command with its environment.
fn command(options: &Options, understudy: &Understudy) -> Result<Command, Failed> {
    let Some((program, arguments)) = options.command.split_first() else { return Err(Failed::usage("there is no command")) };
    let mut groups = vec![env::server(&understudy.url(), understudy.control_token())];
    if options.server.tls {
        groups.push((String::new(), options.server.authority.variables()?));
    }
    for slug in understudy.providers() {
        groups.push((slug.to_owned(), understudy.environment(slug).map_err(env::unanswered)?));
    }
    let mut command = Command::new(program);
    command.args(arguments);
    command.envs(groups.into_iter().flat_map(|(_, variables)| variables).map(|one| (one.name, one.value)));
    Ok(command)
}

fn not_run(options: &Options, error: &std::io::Error) -> Failed {
    let name = options.command.first().map(|name| name.to_string_lossy()).unwrap_or_default();
    let status = if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
    Failed { status, message: format!("cannot run {name}: {error}") }
}

/// Waits until the command has ended; passes on what this process is told meanwhile.
async fn wait(mut child: Child, signals: &mut signals::Signals) -> std::io::Result<ExitStatus> {
    loop {
        tokio::select! {
            status = child.wait() => return status,
            signal = signals.next() => signals::pass_on(signal, &child),
        }
    }
}

#[cfg(unix)]
fn status_of(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(not(unix))]
fn status_of(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(unix)]
mod signals {
    //! What this process is told to do, and tells the command.

    use rustix::process::{Pid, Signal, getpgrp, kill_process};
    use rustix::termios::tcgetpgrp;
    use tokio::process::Child;
    use tokio::signal::unix::{self, SignalKind};

    /// The signals that are passed on.
    pub(super) struct Signals {
        hangup: unix::Signal,
        interrupt: unix::Signal,
        quit: unix::Signal,
        terminate: unix::Signal,
    }

    impl Signals {
        pub(super) fn new() -> std::io::Result<Self> {
            Ok(Self {
                hangup: unix::signal(SignalKind::hangup())?,
                interrupt: unix::signal(SignalKind::interrupt())?,
                quit: unix::signal(SignalKind::quit())?,
                terminate: unix::signal(SignalKind::terminate())?,
            })
        }

        pub(super) async fn next(&mut self) -> Signal {
            tokio::select! {
                _ = self.hangup.recv() => Signal::HUP,
                _ = self.interrupt.recv() => Signal::INT,
                _ = self.quit.recv() => Signal::QUIT,
                _ = self.terminate.recv() => Signal::TERM,
            }
        }
    }

    /// Tells the command, unless the terminal has: a key such as Ctrl-C reaches the whole foreground group, and many programs take a
    /// second interrupt for impatience.
    pub(super) fn pass_on(signal: Signal, child: &Child) {
        let by_key = matches!(signal, Signal::INT | Signal::QUIT) && is_in_foreground();
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let (false, Some(pid)) = (by_key, pid)
            && let Err(error) = kill_process(pid, signal)
        {
            tracing::warn!(%error, ?signal, "a signal could not be passed on");
        }
    }

    /// Whether this process is what the user of a terminal is working with.
    fn is_in_foreground() -> bool {
        let ours = |group: rustix::io::Result<Pid>| group.is_ok_and(|group| group == getpgrp());
        ours(tcgetpgrp(std::io::stdin())) || ours(tcgetpgrp(std::io::stderr()))
    }
}

#[cfg(not(unix))]
mod signals {
    //! Here the system tells the command by itself.

    use tokio::process::Child;

    /// Nothing but the console's interrupt.
    pub(super) struct Signals;

    impl Signals {
        pub(super) fn new() -> std::io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn next(&mut self) {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The console has told it.
    pub(super) fn pass_on(_: (), _: &Child) {}
}
