//! Sockets: accept loop, limits of time, and a stop that lets what is in flight finish.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::sync::watch;

use super::Server;
use super::address::Port;

/// How long a connection may take for the head of a request, and may be idle between two.
pub const HEAD_TIME: Duration = Duration::from_secs(75);

/// How long a stop waits for what is in flight.
pub const STOP_TIME: Duration = Duration::from_secs(10);

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
async fn deleted(life: &mut Option<watch::Receiver<()>>) {
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

/// Serves a socket until `stop` turns true; then finishes what is in flight, for [`STOP_TIME`] at most.
pub async fn serve(server: Arc<Server>, listening: Listening, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listening.socket)?;
    let port = Arc::new(listening.port);
    let mut life = listening.life;
    let connections = GracefulShutdown::new();
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .half_close(true)
        .pipeline_flush(true)
        .header_read_timeout(HEAD_TIME);
    builder
        .http2()
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(HEAD_TIME);
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
        // Small answers must not wait for the client's acknowledgement of the ones before.
        let _ = stream.set_nodelay(true);
        let server = server.clone();
        let port = port.clone();
        let service = service_fn(move |request| {
            let server = server.clone();
            let port = port.clone();
            async move { Ok::<_, Infallible>(server.answer(&port, peer, request).await) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                tracing::debug!(%peer, error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_TIME, connections.shutdown()).await.is_err() {
        tracing::warn!("some connections did not finish within {} s and are cut", STOP_TIME.as_secs());
    }
    Ok(())
}
