//! TLS: the same service over HTTPS, with a certificate of the local authority, on ports that tell those who speak plain HTTP.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::server::TlsStream;

use super::authority::{Authority, AuthorityError, CERTIFICATE_FILE, LEAF_LIFE, Names};
use super::line::{Line, Socket};
use crate::world::clock::real_now;

/// The first byte of a TLS connection: a record that is part of a handshake.
const HANDSHAKE: u8 = 0x16;

/// How long before its end a certificate is replaced.
const RENEWAL: TimeDelta = TimeDelta::days(30);

/// How much of what is not TLS is read and dropped, so that the client sees the answer and not a reset.
const DRAIN_LIMIT: u64 = 1024 * 1024;

/// Where the authority is that vouches for the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// Made at every start, and nowhere else.
    Memory,
    /// Made on first use, and kept in this folder.
    Folder(PathBuf),
}

impl Keeper {
    /// The authority. Where there is none, it is made, for these names.
    pub(crate) fn authority(&self, names: &Names, now: DateTime<Utc>) -> Result<Authority, AuthorityError> {
        match self {
            Self::Memory => Authority::in_memory(names, now),
            Self::Folder(folder) => Authority::in_folder(folder, names, now),
        }
    }
}

/// What a server needs in order to speak TLS.
pub struct Tls {
    acceptor: TlsAcceptor,
    pem: String,
    file: Option<PathBuf>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Tls {
    /// TLS for a server with these names. Those that the authority may not vouch for are left out, and the log says so.
    pub fn new(keeper: &Keeper, names: &Names) -> Result<Self, AuthorityError> {
        let now = real_now();
        let authority = keeper.authority(names, now)?;
        let file = match keeper {
            Keeper::Memory => None,
            Keeper::Folder(folder) => Some(folder.join(CERTIFICATE_FILE)),
        };
        let pem = authority.pem().to_owned();
        let (names, others) = authority.permitted(names);
        if !others.is_empty() {
            tracing::warn!(
                "the local authority may not vouch for {others}, which clients will refuse; delete its folder to have one made that may"
            );
        }
        let provider = Arc::new(ring::default_provider());
        let certificates = Certificates { authority, names, provider: provider.clone(), current: Mutex::new(None) };
        // What cannot be made should be known at the start, not at the first handshake.
        certificates.current(now)?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(certificates));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), pem, file })
    }

    /// The authority's certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The file that has the authority's certificate; none when it is in memory.
    pub fn file(&self) -> Option<&std::path::Path> {
        self.file.as_deref()
    }
}

/// The server's certificate: made at the start, and anew before it ends.
struct Certificates {
    authority: Authority,
    names: Names,
    provider: Arc<CryptoProvider>,
    current: Mutex<Option<(Arc<CertifiedKey>, DateTime<Utc>)>>,
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificates").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Certificates {
    fn current(&self, now: DateTime<Utc>) -> Result<Arc<CertifiedKey>, AuthorityError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((certificate, renewal)) = &*current
            && now < *renewal
        {
            return Ok(certificate.clone());
        }
        let made = self.make(&self.names, now)?;
        *current = Some((made.clone(), now + LEAF_LIFE - RENEWAL));
        Ok(made)
    }

    fn make(&self, names: &Names, now: DateTime<Utc>) -> Result<Arc<CertifiedKey>, AuthorityError> {
        let leaf = self.authority.leaf(names, now)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf.key));
        let chain = vec![CertificateDer::from(leaf.certificate)];
        Ok(Arc::new(CertifiedKey::from_der(chain, key, &self.provider)?))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let now = real_now();
        let made = match hello.server_name() {
            // Made for the one name: many clients take no certificate for *.localhost, since that is a whole top-level domain.
            Some(name) if name.to_ascii_lowercase().ends_with(".localhost") && !self.names.has_host(name) => {
                let mut names = Names::default();
                names.add(name);
                self.make(&names, now)
            }
            _ => self.current(now),
        };
        made.inspect_err(|error| tracing::error!(%error, "there is no certificate for a client")).ok()
    }
}

/// A connection, with or without TLS.
pub enum Stream {
    /// Without.
    Plain(Socket),
    /// With.
    Tls(Box<TlsStream<Socket>>),
}

/// Waits for the first byte of a connection, and for the TLS handshake where the server speaks TLS. None when the connection is over:
/// the client left, did not finish within `limit`, or spoke plain HTTP to a TLS port and was told.
pub async fn begin(tls: Option<&Tls>, mut stream: TcpStream, line: &Arc<Line>, limit: Duration) -> Option<Stream> {
    let peer = line.peer;
    let mut first = [0];
    let begins_tls = match stream.peek(&mut first).await {
        Ok(0) => return None,
        Ok(_) => first == [HANDSHAKE],
        Err(error) => {
            tracing::debug!(%peer, %error, "a connection ended before it said anything");
            return None;
        }
    };
    match tls {
        None => {
            if begins_tls {
                tracing::warn!(%peer, "a client spoke TLS to a port without; use http:// there, or start with --tls");
            }
            Some(Stream::Plain(Socket::new(stream, line.clone())))
        }
        Some(tls) if begins_tls => {
            match tokio::time::timeout(limit, tls.acceptor.accept(Socket::new(stream, line.clone()))).await {
                Ok(Ok(stream)) => Some(Stream::Tls(Box::new(stream))),
                Ok(Err(error)) => {
                    tracing::warn!(%peer, %error, "a TLS handshake failed; does the client trust what `understudy ca` prints?");
                    None
                }
                Err(_) => {
                    tracing::debug!(%peer, "a TLS handshake took longer than {} ms", limit.as_millis());
                    None
                }
            }
        }
        Some(_) => {
            tracing::warn!(%peer, "a client spoke plain HTTP to a TLS port; use https:// there");
            if !matches!(tokio::time::timeout(limit, tell_plain(&mut stream)).await, Ok(Ok(()))) {
                tracing::debug!(%peer, "it did not listen");
            }
            None
        }
    }
}

/// Answers whatever is not TLS, and lets the client read that.
async fn tell_plain(stream: &mut TcpStream) -> io::Result<()> {
    let port = stream.local_addr()?.port();
    let said =
        format!("This port speaks HTTPS. Use https://localhost:{port}/, and trust the certificate that `understudy ca` prints.\n");
    let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close";
    stream.write_all(format!("{head}\r\ncontent-length: {}\r\n\r\n{said}", said.len()).as_bytes()).await?;
    stream.shutdown().await?;
    // What is still unread when a connection is closed has the system reset it, and the answer may be lost.
    tokio::io::copy(&mut stream.take(DRAIN_LIMIT), &mut tokio::io::sink()).await.map(drop)
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_kept_until_it_nears_its_end() {
        let now = real_now();
        let names = Names::local();
        let authority = Authority::in_memory(&names, now).unwrap();
        let provider = Arc::new(ring::default_provider());
        let certificates = Certificates { authority, names, provider, current: Mutex::new(None) };
        let at = |days| certificates.current(now + TimeDelta::days(days)).unwrap();
        let first = at(0);
        assert!(Arc::ptr_eq(&first, &at(59)));
        let second = at(60);
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(Arc::ptr_eq(&second, &at(119)));
    }
}
