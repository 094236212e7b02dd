//! A connection below HTTP: who is at its other end, and what becomes of it when HTTP lets go of it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::address::Port;

/// What becomes of a connection instead of an orderly close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is reset.
    Reset,
    /// It stays open, and silent, until the client leaves or the server stops.
    Hang,
}

/// A connection, as those see it who answer on it.
#[derive(Debug)]
pub struct Line {
    /// What its port stands for.
    pub port: Arc<Port>,
    /// Where it comes from.
    pub peer: SocketAddr,
    stop: watch::Receiver<bool>,
    asked: AtomicBool,
    ending: Mutex<Ending>,
}

#[derive(Debug, Default)]
struct Ending {
    how: Option<End>,
    stream: Option<TcpStream>,
}

impl Line {
    /// A connection to a port, until `stop` turns true.
    pub fn new(port: Arc<Port>, peer: SocketAddr, stop: watch::Receiver<bool>) -> Self {
        Self { port, peer, stop, asked: AtomicBool::new(false), ending: Mutex::default() }
    }

    /// Notes that something was asked.
    pub fn note_asked(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether anything was asked.
    pub fn has_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Says what becomes of the connection. HTTP has to let go of it: the answer is to be an error.
    pub fn end(&self, how: End) {
        self.ending().how = Some(how);
    }

    /// Ends when the server is to stop.
    pub async fn stopped(&self) {
        // A server that is gone has stopped.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    /// Waits for so long in real time, or until the server is to stop.
    pub async fn pause(&self, wait: Duration) {
        #[expect(clippy::disallowed_methods, reason = "what takes long on the wire takes real time")]
        let slept = tokio::time::sleep(wait);
        tokio::select! {
            () = slept => {}
            () = self.stopped() => {}
        }
    }

    /// Does what was said about the end, once HTTP has let go.
    pub async fn finish(&self) {
        let Ending { how, stream } = std::mem::take(&mut *self.ending());
        let (Some(how), Some(mut stream)) = (how, stream) else { return };
        match how {
            End::Reset => {
                // Without it the connection is closed in the orderly way, which is a lost answer all the same.
                let _ = stream.set_zero_linger();
            }
            End::Hang => {
                let mut dropped = [0; 4096];
                let left = async { while stream.read(&mut dropped).await.is_ok_and(|read| read > 0) {} };
                tokio::select! {
                    () = left => {}
                    () = self.stopped() => {}
                }
            }
        }
    }

    fn ending(&self) -> MutexGuard<'_, Ending> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The socket of a connection. When it is dropped, [`Line::finish`] gets it if there is something to do.
#[derive(Debug)]
pub struct Socket {
    /// There until the drop.
    stream: Option<TcpStream>,
    line: Arc<Line>,
}

impl Socket {
    /// The socket of `line`.
    pub fn new(stream: TcpStream, line: Arc<Line>) -> Self {
        Self { stream: Some(stream), line }
    }

    fn with<T>(&mut self, work: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &mut self.stream {
            Some(stream) => work(Pin::new(stream)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let mut ending = self.line.ending();
        if ending.how.is_some() {
            ending.stream = self.stream.take();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(cx))
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }
}
