//! Sockets: accept loop, limits of time, and a stop that lets what is in flight finish.

use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::sync::watch;

use super::Server;
use super::address::Port;
use super::line::Line;
use super::tls;

/// How long clients may take, and how much they may have under way.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the head of a request, and to be idle between two; 75 s by default.
    pub head: Duration,
    /// For a TLS handshake; 10 s by default.
    pub handshake: Duration,
    /// For the body of a request; a minute by default.
    pub body: Duration,
    /// For what is in flight when the server is to stop; 10 s by default.
    pub stop: Duration,
    /// Connections at a time, on all ports together; 4096 by default. Further ones wait.
    pub connections: usize,
    /// Bytes of request bodies at a time, of all connections together; 256 MiB by default. A request that would bring more is
    /// refused.
    pub bodies: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(75),
            handshake: Duration::from_secs(10),
            body: Duration::from_mins(1),
            stop: Duration::from_secs(10),
            connections: 4096,
            bodies: 256 * 1024 * 1024,
        }
    }
}

/// How long accepting rests when the system has no socket to give.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// Streams that one HTTP/2 connection may have open.
const MAX_STREAMS: u32 = 256;

/// A listening socket and what it stands for.
#[derive(Debug)]
pub struct Listening {
    /// The bound socket.
    pub socket: TcpListener,
    /// What it stands for.
    pub port: Port,
    /// Closes when the world that it belongs to is deleted; none when it belongs to no world.
    pub life: Option<watch::Receiver<()>>,
}

/// Ends when the world that a port belongs to no longer exists; never for a port that belongs to none.
pub(crate) async fn deleted(life: &mut Option<watch::Receiver<()>>) {
    match life {
        Some(life) => while life.changed().await.is_ok() {},
        None => std::future::pending().await,
    }
}

/// Binds an address.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = TcpListener::bind(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// An address that a client on this machine can use: a wildcard becomes loopback.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() { SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port()) } else { address }
}

/// Serves a socket until `stop` turns true; then finishes what is in flight, for [`Limits::stop`] at most.
pub async fn serve(server: Arc<Server>, listening: Listening, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listening.socket)?;
    let port = Arc::new(listening.port);
    let mut life = listening.life;
    let limits = server.limits;
    let connections = GracefulShutdown::new();
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).auto_date_header(false).half_close(true).header_read_timeout(limits.head);
    builder
        .http2()
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(limits.head);
    let builder = Arc::new(builder);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
            () = deleted(&mut life) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                #[expect(clippy::disallowed_methods, reason = "a real shortage of sockets takes real time to pass")]
                tokio::time::sleep(ACCEPT_REST).await;
                continue;
            }
        };
        // Accepted first, so that a port on which nobody calls takes nothing from the others.
        let permit = tokio::select! {
            permit = server.capacity.connections.clone().acquire_owned() => permit,
            _ = stop.wait_for(|stop| *stop) => break,
            () = deleted(&mut life) => break,
        };
        // Small answers must not wait for the client's acknowledgement of the ones before.
        let _ = stream.set_nodelay(true);
        let server = server.clone();
        let line = Arc::new(Line::new(port.clone(), peer, stop.clone()));
        let service = service_fn({
            let (server, line) = (server.clone(), line.clone());
            move |request| {
                line.note_asked();
                let (server, line) = (server.clone(), line.clone());
                async move { server.answer(&line, request).await }
            }
        });
        let (builder, watcher) = (builder.clone(), connections.watcher());
        tokio::spawn(async move {
            let _permit = permit;
            let served = async {
                match tls::begin(server.tls.as_deref(), stream, &line, limits.handshake).await {
                    Some(stream) => watcher.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned()).await,
                    None => Ok(()),
                }
            };
            serve_one(served, &line, limits.head).await;
            line.finish().await;
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.stop, connections.shutdown()).await.is_err() {
        tracing::warn!("some connections did not finish within {} ms and are cut", limits.stop.as_millis());
    }
    Ok(())
}

/// Sees a connection through, unless it asks for nothing within `patience`.
async fn serve_one(
    connection: impl Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>>,
    line: &Line,
    patience: Duration,
) {
    let peer = line.peer;
    let mut connection = pin!(connection);
    let ended_or_asked = poll_fn(|cx| match connection.as_mut().poll(cx) {
        Poll::Ready(ended) => Poll::Ready(Some(ended)),
        Poll::Pending if line.has_asked() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    // The limit of hyper begins when it knows which version of HTTP is spoken, and is not there in HTTP/2.
    let ended = match tokio::time::timeout(patience, ended_or_asked).await {
        Ok(Some(ended)) => ended,
        Ok(None) => connection.await,
        Err(_) => return tracing::debug!(%peer, "a connection asked for nothing"),
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, error, "a connection ended early");
    }
}
