//! A client that costs little: prepared bytes out, a status and a length back.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer.
pub(crate) struct Exchange {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Asks once.
pub(crate) fn ask(address: SocketAddr, request: &[u8]) -> Exchange {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection = Connection::open(address).await;
        let (status, length) = connection.exchange(request).await;
        Exchange { status, body: connection.buffer[connection.head..connection.head + length].to_vec() }
    })
}

/// Answers a second that a server gives to `connections` clients, each of which asks again as soon as it was answered.
///
/// The clients' thread never sleeps: waking it would be charged to whichever server it waits for, and all the more the slower one.
pub(crate) fn throughput(address: SocketAddr, request: &[u8], status: u16, connections: usize, time: Duration) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let start = Instant::now();
        let awake = tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..connections {
            let request = request.to_vec();
            clients.spawn(async move {
                let mut connection = Connection::open(address).await;
                let mut answered = 0_u32;
                while start.elapsed() < time {
                    assert_eq!(connection.exchange(&request).await.0, status);
                    answered += 1;
                }
                answered
            });
        }
        let mut answered = 0;
        while let Some(count) = clients.join_next().await {
            answered += count.expect("the client did not fail");
        }
        awake.abort();
        f64::from(answered) / start.elapsed().as_secs_f64()
    })
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Where the body of the last answer begins.
    head: usize,
}

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("an option");
        Self { stream, buffer: Vec::new(), head: 0 }
    }

    /// Sends a request; returns status and length of the body, which is then in the buffer behind the head.
    async fn exchange(&mut self, request: &[u8]) -> (u16, usize) {
        self.stream.write_all(request).await.expect("the server reads");
        self.buffer.clear();
        loop {
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.expect("the server answers"), 0, "the server hung up");
            let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            self.head = at + 4;
            let head = std::str::from_utf8(&self.buffer[..at]).expect("a head is text");
            let status = head[9..12].parse().expect("a status");
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().expect("a length"))
            });
            let length = length.unwrap_or(0);
            while self.buffer.len() < self.head + length {
                assert_ne!(self.stream.read_buf(&mut self.buffer).await.expect("the server goes on"), 0, "the server hung up");
            }
            return (status, length);
        }
    }
}
