//! Posting webhooks: after the transaction that made them, outside every handler, and to this machine only unless told otherwise.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use url::{Host, Url};

use super::Server;
use crate::world::World;
use crate::world::clock::real_now;
use crate::world::deliveries::Delivery;

/// How long a receiver may take to answer, in real time.
pub const ANSWER_TIME: Duration = Duration::from_secs(5);

/// How often worlds are looked at without being told to: a running clock makes retries due.
const LOOK: Duration = Duration::from_secs(1);

/// Where webhooks may go. They are in the outbox either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Webhooks {
    /// Nowhere.
    Off,
    /// To `localhost`, names below it, and loopback addresses.
    #[default]
    Loopback,
    /// Wherever their URL says.
    Anywhere,
}

/// Posts what is due in any world, each world's webhooks one after the other, until `stop` turns true.
pub async fn run(server: Arc<Server>, mut stop: watch::Receiver<bool>) {
    let mut look = tokio::time::interval(LOOK);
    let mut busy: BTreeMap<String, tokio::task::JoinHandle<()>> = BTreeMap::new();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            _ = look.tick() => {}
            () = server.worlds.webhooks.notified() => {}
        }
        busy.retain(|_, task| !task.is_finished());
        for world in server.worlds.all() {
            if world.has_due_delivery(real_now()) && !busy.contains_key(world.name()) {
                let name = world.name().to_owned();
                busy.insert(name, tokio::spawn(deliver_all(world, server.webhooks)));
            }
        }
    }
    for task in busy.into_values() {
        task.abort();
    }
}

async fn deliver_all(world: Arc<World>, policy: Webhooks) {
    loop {
        let claimed = match world.claim_deliveries(real_now()) {
            Ok(claimed) if claimed.is_empty() => return,
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::error!(world = world.name(), %error, "webhooks cannot be read");
                return;
            }
        };
        for delivery in claimed {
            deliver(&world, policy, &delivery).await;
        }
    }
}

/// One attempt. What is not allowed to go out counts as delivered: trying again would change nothing.
async fn deliver(world: &World, policy: Webhooks, delivery: &Delivery) {
    let Delivery { provider, url, attempt, .. } = delivery;
    // Paths and queries of webhooks often have secrets in them.
    let receiver = Url::parse(url).map_or_else(|_| "no URL".to_owned(), |url| url.origin().ascii_serialization());
    let done = match target(policy, url) {
        Err(reason) => {
            tracing::debug!(world = world.name(), provider, receiver, reason, "a webhook stays in the outbox");
            true
        }
        Ok(target) => {
            let answer = tokio::time::timeout(ANSWER_TIME, post(&target, &delivery.body)).await;
            let failure = match answer {
                Ok(Ok(status)) if status.is_success() => None,
                Ok(Ok(status)) => Some(format!("it was answered {status}")),
                Ok(Err(error)) => Some(error),
                Err(_) => Some(format!("there was no answer within {} s", ANSWER_TIME.as_secs())),
            };
            match &failure {
                None => tracing::debug!(world = world.name(), provider, receiver, attempt, "a webhook was delivered"),
                Some(reason) => {
                    let retried = delivery.is_retried();
                    tracing::warn!(
                        world = world.name(),
                        provider,
                        receiver,
                        attempt,
                        retried,
                        reason,
                        "a webhook was not delivered"
                    );
                }
            }
            failure.is_none()
        }
    };
    if done && let Err(error) = world.settle_delivery(delivery) {
        tracing::error!(world = world.name(), %error, "a delivered webhook cannot be taken off");
    }
}

/// A URL that may be posted to.
#[derive(Debug)]
struct Target {
    url: Url,
    port: u16,
}

/// Checks a URL against the policy; the error says why nothing may go there.
fn target(policy: Webhooks, text: &str) -> Result<Target, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is no URL")?;
    if url.scheme() != "http" {
        return Err("only http URLs are posted to");
    }
    let allowed = match (policy, url.host()) {
        (Webhooks::Off, _) | (_, None) => false,
        (Webhooks::Anywhere, _) => true,
        (Webhooks::Loopback, Some(Host::Domain(name))) => is_local_name(name),
        (Webhooks::Loopback, Some(Host::Ipv4(address))) => address.is_loopback(),
        (Webhooks::Loopback, Some(Host::Ipv6(address))) => IpAddr::V6(address).to_canonical().is_loopback(),
    };
    if !allowed {
        return Err("the server was not told that it may call this host");
    }
    let port = url.port_or_known_default().unwrap_or(80);
    Ok(Target { url, port })
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name == "localhost" || name.ends_with(".localhost")
}

async fn connect(target: &Target) -> std::io::Result<TcpStream> {
    let port = target.port;
    match target.url.host() {
        // Not looked up, so that no resolver can lead elsewhere.
        Some(Host::Domain(name)) if is_local_name(name) => match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            Ok(stream) => Ok(stream),
            Err(_) => TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await,
        },
        Some(Host::Domain(name)) => TcpStream::connect((name, port)).await,
        Some(Host::Ipv4(address)) => TcpStream::connect((address, port)).await,
        Some(Host::Ipv6(address)) => TcpStream::connect((address, port)).await,
        None => Err(std::io::ErrorKind::InvalidInput.into()),
    }
}

async fn post(target: &Target, body: &str) -> Result<StatusCode, String> {
    let stream = connect(target).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let path = target.url.query().map_or_else(|| target.url.path().to_owned(), |query| format!("{}?{query}", target.url.path()));
    let host = target.url.host_str().unwrap_or_default();
    let authority = target.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let request = Request::post(path)
        .header(HOST, authority)
        .header(USER_AGENT, concat!("understudy/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .map_err(|error| error.to_string())?;
    let exchange = async move {
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        // Status is all that counts: with the rest dropped, the connection ends.
        Ok(answer.status())
    };
    let (answer, _) = tokio::join!(exchange, connection);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_allowed_unless_told_otherwise() {
        for url in ["http://localhost:1/x", "http://a.localhost", "http://127.0.0.1", "http://127.9.9.9:5/", "http://[::1]:5/?q"] {
            assert!(target(Webhooks::Loopback, url).is_ok(), "{url}");
            assert!(target(Webhooks::Anywhere, url).is_ok(), "{url}");
            assert!(target(Webhooks::Off, url).is_err(), "{url}");
        }
        for url in
            ["http://example.com", "http://10.0.0.1/", "http://localhost.example.com", "http://[::2]/", "http://127.0.0.1.nip.io"]
        {
            assert!(target(Webhooks::Loopback, url).is_err(), "{url}");
            assert!(target(Webhooks::Anywhere, url).is_ok(), "{url}");
        }
        for url in ["https://localhost/", "ftp://localhost/", "localhost", "", "http://"] {
            assert!(target(Webhooks::Anywhere, url).is_err(), "{url}");
        }
    }
}
