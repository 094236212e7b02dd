//! `understudy healthcheck`: for container images without curl.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{Failed, Outcome, ca, print};
use crate::control::access::Token;

const PATIENCE: Duration = Duration::from_secs(5);

/// Which server.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Base URL of the server, as seen from this machine
    #[arg(long, env = "UNDERSTUDY_URL", default_value = "http://127.0.0.1:11111")]
    url: String,
    #[command(flatten)]
    authority: ca::Folder,
    /// The server's control token, if it goes by a name that is neither localhost nor an address
    #[arg(long, env = "UNDERSTUDY_CONTROL_TOKEN", value_name = "TOKEN", hide_env_values = true, value_parser = Token::new)]
    control_token: Option<Token>,
}

/// Asks; prints what the server says of itself.
pub(super) fn run(options: &Options) -> Outcome {
    let url = url::Url::parse(&options.url).map_err(|error| Failed::usage(format!("--url {:?}: {error}", options.url)))?;
    let host = url.host_str().ok_or_else(|| Failed::usage(format!("--url {:?} has no host", options.url)))?;
    let port = url.port_or_known_default().unwrap_or(80);
    let trusted = if url.scheme() == "https" { Some(trusted(options)?) } else { None };
    let token = options.control_token.as_ref();
    let answer = ask(host, port, trusted, token).map_err(|error| Failed::run(format!("no answer from {host}:{port}: {error}")))?;
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => print(body),
        _ => Err(Failed::run(format!("{host}:{port} is not healthy: {}", answer.lines().next().unwrap_or("it says nothing")))),
    }
}

/// The local authority, which must have been made; a probe makes nothing.
fn trusted(options: &Options) -> Result<ClientConfig, Failed> {
    let (file, pem) = options.authority.trusted()?;
    let failed = |error: &dyn std::fmt::Display| Failed::run(format!("cannot trust {}: {error}", file.display()));
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| failed(&error))?;
    roots.add(certificate).map_err(|error| failed(&error))?;
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| failed(&error))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn ask(host: &str, port: u16, trusted: Option<ClientConfig>, token: Option<&Token>) -> io::Result<String> {
    let name = host.trim_matches(['[', ']']);
    let address = (name, port).to_socket_addrs()?.next().ok_or_else(|| io::Error::other("the name has no address"))?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let token = token.map(|token| format!("Authorization: Bearer {}\r\n", token.secret())).unwrap_or_default();
    let request = format!("GET /_understudy/health HTTP/1.1\r\nHost: {host}:{port}\r\n{token}Connection: close\r\n\r\n");
    match trusted {
        None => exchange(stream, &request),
        Some(trusted) => {
            let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
            let connection = ClientConnection::new(Arc::new(trusted), name).map_err(io::Error::other)?;
            exchange(StreamOwned::new(connection, stream), &request)
        }
    }
}

fn exchange(mut stream: impl Read + Write, request: &str) -> io::Result<String> {
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
