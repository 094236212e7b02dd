//! `understudy healthcheck`: for container images without curl.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use clap::Args;

use super::{Failed, Outcome, print};

const PATIENCE: Duration = Duration::from_secs(5);

/// Which server.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Base URL of the server, as seen from this machine
    #[arg(long, env = "UNDERSTUDY_URL", default_value = "http://127.0.0.1:11111")]
    url: String,
}

/// Asks; prints what the server says of itself.
pub(super) fn run(options: &Options) -> Outcome {
    let url = url::Url::parse(&options.url).map_err(|error| Failed::usage(format!("--url {:?}: {error}", options.url)))?;
    let host = url.host_str().ok_or_else(|| Failed::usage(format!("--url {:?} has no host", options.url)))?;
    let port = url.port_or_known_default().unwrap_or(80);
    let answer = ask(host, port).map_err(|error| Failed::run(format!("no answer from {host}:{port}: {error}")))?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => print(body),
        _ => Err(Failed::run(format!("{host}:{port} is not healthy: {}", answer.lines().next().unwrap_or("it says nothing")))),
    }
}

fn ask(host: &str, port: u16) -> std::io::Result<String> {
    let name = host.trim_matches(['[', ']']);
    let address = (name, port).to_socket_addrs()?.next().ok_or_else(|| std::io::Error::other("the name has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /_understudy/health HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
