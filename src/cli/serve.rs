//! `understudy`: serves until it is told to stop.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::net::IpAddr;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;
use tracing_subscriber::EnvFilter;

use super::{Failed, Outcome, ca, print};
use crate::control::access::Token;
use crate::server::deliver::Webhooks;
use crate::server::listen::reachable;
use crate::world::clock::Mode;
use crate::worlds::{NewWorldError, RegistryError};
use crate::{Builder, DEFAULT_PORT, StartError, Understudy};

/// How to serve.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Port to listen on; 0 picks a free one
    #[arg(long, env = "UNDERSTUDY_PORT", default_value_t = DEFAULT_PORT)]
    port: u16,
    /// Write the ready line to this file too, whole or not at all
    #[arg(long, env = "UNDERSTUDY_READY_FILE", value_name = "PATH")]
    ready_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) server: ServerOptions,
}

/// What a server is to be like, whoever starts it.
#[derive(Debug, Args)]
pub(super) struct ServerOptions {
    /// Address to listen on; on any but a loopback one, the control API wants a token
    #[arg(long, env = "UNDERSTUDY_HOST", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Keep the default world in this file; it is created if missing
    #[arg(long, env = "UNDERSTUDY_DATA", value_name = "FILE")]
    data: Option<PathBuf>,
    /// Take <slug>.json files from this folder instead of the built-in fixtures
    #[arg(long, env = "UNDERSTUDY_FIXTURES", value_name = "DIR")]
    fixtures: Option<PathBuf>,
    /// Seed of the random source: the same seed and clock give the same ids, tokens and keys; random unless given
    #[arg(long, env = "UNDERSTUDY_SEED", value_name = "N")]
    seed: Option<u64>,
    /// What the clock shows at the start (RFC 3339), and `frozen` to have it stand there
    #[arg(long, env = "UNDERSTUDY_CLOCK", value_name = "TIME[,frozen]", value_parser = clock)]
    clock: Option<(Option<DateTime<Utc>>, Mode)>,
    /// Emulate only these providers
    #[arg(long, env = "UNDERSTUDY_ONLY", value_name = "SLUG,...", value_delimiter = ',')]
    only: Vec<String>,
    /// Serve a provider on a port of its own too, paths as in production
    #[arg(long, env = "UNDERSTUDY_LISTEN", value_name = "SLUG=PORT", value_delimiter = ',', value_parser = listen)]
    listen: Vec<(String, u16)>,
    /// What links begin with, when the address that callers use is not the right one
    #[arg(long, env = "UNDERSTUDY_EXTERNAL_URL", value_name = "URL", value_parser = external)]
    external_url: Option<(&'static str, String)>,
    /// Serve HTTPS, with a certificate of a local authority that is made on first use (see `understudy ca`)
    #[arg(long, env = "UNDERSTUDY_TLS", value_parser = FalseyValueParser::new())]
    pub(super) tls: bool,
    #[command(flatten)]
    pub(super) authority: ca::Authority,
    /// What control calls must have (Authorization: Bearer TOKEN); made and printed where one is needed and none given
    #[arg(long, env = "UNDERSTUDY_CONTROL_TOKEN", value_name = "TOKEN", hide_env_values = true, value_parser = Token::new)]
    control_token: Option<Token>,
    /// Where webhooks may be posted to; they are in the outbox either way
    #[arg(long, env = "UNDERSTUDY_WEBHOOKS", value_enum, default_value_t = WebhookPolicy::Loopback)]
    webhooks: WebhookPolicy,
    /// Make a setting of a provider (see GET /_understudy/settings/<slug>); the value is JSON, or else text
    #[arg(long, env = "UNDERSTUDY_SET", value_name = "SLUG.KEY=VALUE", value_parser = setting)]
    set: Vec<(String, String, Value)>,
    /// How to write the log
    #[arg(long, env = "UNDERSTUDY_LOG", value_enum, default_value_t = LogFormat::Text)]
    log: LogFormat,
    /// Log each request
    #[arg(long, short, env = "UNDERSTUDY_VERBOSE", value_parser = FalseyValueParser::new())]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum WebhookPolicy {
    /// Nowhere
    Off,
    /// This machine only
    Loopback,
    /// Wherever their URL says (http only)
    Anywhere,
}

impl From<WebhookPolicy> for Webhooks {
    fn from(policy: WebhookPolicy) -> Self {
        match policy {
            WebhookPolicy::Off => Self::Off,
            WebhookPolicy::Loopback => Self::Loopback,
            WebhookPolicy::Anywhere => Self::Anywhere,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// A JSON object a line
    Json,
}

fn clock(text: &str) -> Result<(Option<DateTime<Utc>>, Mode), String> {
    let (time, mode) = match text.rsplit_once(',') {
        Some((time, "frozen")) => (time, Mode::Frozen),
        Some((time, "running")) => (time, Mode::Running),
        Some((_, other)) => return Err(format!("{other:?} is neither frozen nor running")),
        None if text == "frozen" => return Ok((None, Mode::Frozen)),
        None => (text, Mode::Running),
    };
    let time =
        DateTime::parse_from_rfc3339(time).map_err(|error| format!("{time:?} is no time such as 2026-01-01T00:00:00Z: {error}"))?;
    Ok((Some(time.to_utc()), mode))
}

fn listen(text: &str) -> Result<(String, u16), String> {
    let (slug, port) = text.split_once('=').ok_or("it wants a provider and a port, such as verified=3003")?;
    let port = port.parse().map_err(|_| format!("{port:?} is no port"))?;
    Ok((slug.to_owned(), port))
}

fn external(text: &str) -> Result<(&'static str, String), String> {
    let url = url::Url::parse(text).map_err(|error| format!("it wants a URL such as https://sandbox.example.com: {error}"))?;
    let scheme = match url.scheme() {
        "http" => "http",
        "https" => "https",
        other => return Err(format!("{other} is neither http nor https")),
    };
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("only scheme, host and port can be given".to_owned());
    }
    let host = url.host_str().ok_or("it has no host")?;
    Ok((scheme, url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))))
}

fn setting(text: &str) -> Result<(String, String, Value), String> {
    let (path, value) = text.split_once('=').ok_or("it wants a setting and a value, such as verified.wire=observed")?;
    let (slug, key) = path.split_once('.').ok_or("it wants a provider and a key, such as verified.wire=observed")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((slug.to_owned(), key.to_owned(), value))
}

#[derive(Serialize)]
struct Ready<'a> {
    event: &'static str,
    version: &'static str,
    url: &'a str,
    control: String,
    providers: BTreeMap<&'static str, String>,
}

/// Serves until SIGINT or SIGTERM.
pub(super) fn run(options: &Options) -> Outcome {
    until_stopped(options, |_| Ok(()))
}

/// Serves until SIGINT or SIGTERM; then, before it stops, `at_the_end` is done.
pub(super) fn until_stopped(options: &Options, at_the_end: impl FnOnce(&Understudy) -> Outcome) -> Outcome {
    start_log(&options.server, "info");
    let (understudy, seed) = start(&options.server, options.port)?;
    let signals = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|error| Failed::run(format!("cannot wait for signals: {error}")))?;
    signals.block_on(async {
        // Signals are watched before anybody is told that they may be sent.
        let stopped = stop_signal().map_err(|error| Failed::run(format!("cannot wait for signals: {error}")))?;
        announce(options, seed, &understudy)?;
        stopped.await;
        Ok(())
    })?;
    let ended = at_the_end(&understudy);
    tracing::info!("stopping");
    drop(understudy);
    ended
}

/// Starts a server; returns it with its seed.
pub(super) fn start(options: &ServerOptions, port: u16) -> Result<(Understudy, u64), Failed> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => random_seed()?,
    };
    let understudy = builder(options, port, seed)?.start().map_err(|error| match &error {
        StartError::Setting(_)
        | StartError::Registry(RegistryError::NoProvider { .. })
        | StartError::World(NewWorldError::Clock(_)) => Failed::usage(&error),
        _ => Failed::run(&error),
    })?;
    Ok((understudy, seed))
}

fn builder(options: &ServerOptions, port: u16, seed: u64) -> Result<Builder, Failed> {
    let mut builder =
        Understudy::builder().host(options.host).port(port).only(options.only.iter().cloned()).webhooks(options.webhooks.into());
    // A data file goes on with its own seed unless another is asked for.
    builder = if options.seed.is_some() { builder.seed(seed) } else { builder.process_seed(seed) };
    if let Some(file) = &options.data {
        builder = builder.data(file);
    }
    if let Some(folder) = &options.fixtures {
        builder = builder.fixtures(folder);
    }
    if let Some((time, mode)) = options.clock {
        builder = builder.clock(time, mode);
    }
    if let Some((scheme, authority)) = &options.external_url {
        builder = builder.external(scheme, authority);
    }
    if options.tls {
        builder = options.authority.tls(builder)?;
    }
    if let Some(token) = &options.control_token {
        builder = builder.control_token(token.clone());
    }
    for (slug, port) in &options.listen {
        builder = builder.listen(slug, *port);
    }
    for (slug, key, value) in &options.set {
        builder = builder.setting(slug, key, value.clone());
    }
    Ok(builder)
}

/// Prints the ready line, writes the ready file, and greets people.
fn announce(options: &Options, seed: u64, understudy: &Understudy) -> Outcome {
    let url = understudy.url();
    let mut providers: BTreeMap<&str, String> = understudy.providers().map(|slug| (slug, understudy.provider_url(slug))).collect();
    let own = understudy.addresses().iter().skip(1).zip(&options.server.listen);
    for (address, (slug, _)) in own {
        if let Some(base) = providers.get_mut(slug.as_str()) {
            *base = format!("{}://{}", understudy.scheme(), reachable(*address));
        }
    }
    let ready =
        Ready { event: "ready", version: env!("CARGO_PKG_VERSION"), url: &url, control: understudy.control_url(), providers };
    let line = serde_json::to_string(&ready).map_err(Failed::run)?;
    if let Some(path) = &options.ready_file {
        write_whole(path, &line).map_err(|error| Failed::run(format!("cannot write {}: {error}", path.display())))?;
    }
    print(&line)?;
    if std::io::stderr().is_terminal() && matches!(options.server.log, LogFormat::Text) {
        greet(seed, &options.server, &ready);
    }
    if let Some(token) = understudy.control_token()
        && options.server.control_token.is_none()
    {
        tell_token(&options.server, token);
    }
    tracing::info!(url, seed, "ready");
    Ok(())
}

fn greet(seed: u64, options: &ServerOptions, ready: &Ready<'_>) {
    let mut text = format!("\n  Understudy {} is ready (world `default`, seed {seed}", ready.version);
    text += &options.data.as_ref().map_or_else(|| ", in memory)\n\n".to_owned(), |file| format!(", in {})\n\n", file.display()));
    for (slug, base) in &ready.providers {
        text += &format!("    {slug:<12}{base}\n");
    }
    text += &format!("    {:<12}{}\n\n  Ctrl-C stops it. `understudy env` prints test keys.\n\n", "control", ready.control);
    // A greeting that cannot be shown is not missed.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Tells the token that was made, once, and past the log, which never has secrets.
fn tell_token(options: &ServerOptions, token: &Token) {
    let secret = token.secret();
    let line = match options.log {
        LogFormat::Text => {
            format!("understudy: the control API wants the token {secret} (made for this run; --control-token gives one)\n")
        }
        LogFormat::Json => format!("{{\"message\":\"the control API wants a token\",\"control_token\":\"{secret}\"}}\n"),
    };
    // Where standard error is closed there is nobody to tell.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Writes a file so that a reader sees all of it or none.
pub(super) fn write_whole(path: &std::path::Path, line: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    std::fs::write(&beside, format!("{line}\n"))?;
    std::fs::rename(&beside, path)
}

fn random_seed() -> Result<u64, Failed> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failed::run(format!("the system gives no random numbers ({error}); give --seed")))?;
    // Short enough to copy, and exact in every JSON reader.
    Ok(u64::from_le_bytes(bytes) >> 32)
}

/// Has the log begin, at this level unless more is asked for.
pub(super) fn start_log(options: &ServerOptions, level: &str) {
    let usual = if options.verbose { "info,understudy=debug" } else { level };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second start in one process (in tests) keeps the first log.
    let _ = match options.log {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}

#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a way to be told, it serves until it is ended.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_or_refused_with_a_reason() {
        assert_eq!(clock("2026-01-01T00:00:00Z,frozen").unwrap().1, Mode::Frozen);
        assert_eq!(clock("2026-01-01T00:00:00Z").unwrap().1, Mode::Running);
        assert_eq!(clock("frozen").unwrap(), (None, Mode::Frozen));
        assert!(clock("yesterday").is_err());
        assert!(clock("2026-01-01T00:00:00Z,melted").is_err());
        assert_eq!(listen("5n=80").unwrap(), ("5n".to_owned(), 80));
        assert!(listen("5n").is_err());
        assert!(listen("5n=99999").is_err());
        assert_eq!(external("https://x.example:8443").unwrap(), ("https", "x.example:8443".to_owned()));
        assert!(external("https://x.example/path").is_err());
        assert!(external("ftp://x.example").is_err());
        assert_eq!(setting("verified.wire=observed").unwrap().2, "observed");
        assert_eq!(setting("a.b=[1]").unwrap().2, serde_json::json!([1]));
        assert!(setting("verified=1").is_err());
    }
}
