//! HTTPS, asked by a client that trusts nobody but the server's own authority.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use understudy::Understudy;
use understudy::server::tls::Keeper;

use crate::control::KEY;
use crate::harness::builder;
use crate::raw::Raw;

/// What a client needs in order to trust one authority.
pub(crate) fn trusting(pem: &str, protocol: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).expect("it is PEM")).expect("it is an authority");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let mut config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    Arc::new(config)
}

/// One request over TLS to a server that goes by `name`: status and body, or why there was no connection.
pub(crate) async fn ask(
    address: SocketAddr,
    name: &str,
    client: &Arc<ClientConfig>,
    request: (Method, &str, Value),
) -> Result<(StatusCode, Bytes), String> {
    ask_with(("authorization", &format!("Bearer {KEY}")), address, name, client, request).await
}

/// As [`ask`], with another header than the key.
pub(crate) async fn ask_with(
    header: (&str, &str),
    address: SocketAddr,
    name: &str,
    client: &Arc<ClientConfig>,
    request: (Method, &str, Value),
) -> Result<(StatusCode, Bytes), String> {
    let (method, path, body) = request;
    let stream = TcpStream::connect(address).await.expect("the server accepts");
    let server = ServerName::try_from(name.to_owned()).expect("it is a name");
    let stream = TlsConnector::from(client.clone()).connect(server, stream).await.map_err(|error| error.to_string())?;
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    assert_eq!(client.alpn_protocols, [if h2 { &b"h2"[..] } else { b"http/1.1" }], "the server speaks what the client asked for");
    let host = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
    let request = Request::builder().method(method).header(header.0, header.1).header("content-type", "application/json");
    let answer = if h2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = request.uri(format!("https://{host}:{}{path}", address.port()));
        sender.send_request(request.body(Full::new(body)).unwrap()).await
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = request.uri(path).header("host", format!("{host}:{}", address.port()));
        sender.send_request(request.body(Full::new(body)).unwrap()).await
    };
    let answer = answer.expect("the server answers");
    Ok((answer.status(), answer.into_body().collect().await.expect("the answer is whole").to_bytes()))
}

async fn get(server: &Understudy, name: &str, client: &Arc<ClientConfig>, path: &str) -> Result<(StatusCode, Bytes), String> {
    ask(server.addresses()[0], name, client, (Method::GET, path, Value::Null)).await
}

fn start() -> Understudy {
    builder().tls(Keeper::Memory).start().expect("the server starts")
}

fn json_of(bytes: &Bytes) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {}", bytes.escape_ascii()))
}

#[tokio::test]
async fn every_name_of_this_machine_is_vouched_for_over_http_1_and_2() {
    let server = start();
    let port = server.addresses()[0].port();
    for protocol in ["http/1.1", "h2"] {
        let client = trusting(server.ca_pem().unwrap(), protocol);
        for (name, host) in [
            ("localhost", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "[::1]"),
            ("anything.localhost", "anything.localhost"),
            ("deep.below.localhost", "deep.below.localhost"),
        ] {
            let (status, body) = get(&server, name, &client, "/_understudy/info").await.unwrap();
            assert_eq!(status, StatusCode::OK, "{protocol} {name}");
            let base = &json_of(&body)["providers"][0]["base_url"];
            assert_eq!(*base, format!("https://{host}:{port}/verified"), "{protocol} {name}: links lead back");
        }
    }
}

#[tokio::test]
async fn the_names_of_providers_and_their_real_hosts_are_vouched_for() {
    let server = start();
    for protocol in ["http/1.1", "h2"] {
        let client = trusting(server.ca_pem().unwrap(), protocol);
        for provider in understudy::providers::all() {
            let about = provider.about();
            let own = format!("{}.localhost", about.slug);
            for name in about.sites.iter().flat_map(|site| site.hosts).copied().chain([own.as_str()]) {
                get(&server, name, &client, "/").await.unwrap_or_else(|error| panic!("{protocol} {name}: {error}"));
            }
        }
        for name in ["verified.localhost", "VERIFIED.localhost", "core-api.sandbox-verifiedinc.com"] {
            let (status, _) = get(&server, name, &client, "/userCredentials/richard%40piedpiper.net").await.unwrap();
            assert_eq!(status, StatusCode::OK, "{protocol} {name} leads to the provider");
        }
    }
}

#[tokio::test]
async fn names_that_are_given_are_vouched_for_and_no_others() {
    let server = builder().tls(Keeper::Memory).tls_name("understudy").external("https", "sandbox.example:8443").start().unwrap();
    let client = trusting(server.ca_pem().unwrap(), "h2");
    for name in ["understudy", "sandbox.example", "localhost"] {
        get(&server, name, &client, "/").await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for name in ["evil.example", "example.com", "10.0.0.1", "localhost.evil.example"] {
        let refused = get(&server, name, &client, "/").await.expect_err(name);
        assert!(refused.contains("certificate not valid for name"), "{name}: {refused}");
    }
}

#[tokio::test]
async fn a_client_that_trusts_another_authority_refuses() {
    let (server, other) = (start(), start());
    let client = trusting(other.ca_pem().unwrap(), "h2");
    let refused = get(&server, "localhost", &client, "/_understudy/health").await.unwrap_err();
    assert!(refused.contains("invalid peer certificate"), "{refused}");
    let client = trusting(server.ca_pem().unwrap(), "h2");
    assert_eq!(get(&server, "localhost", &client, "/_understudy/health").await.unwrap().0, StatusCode::OK, "others are served");
}

#[test]
fn who_speaks_plain_http_is_told_to_use_https() {
    let server = start();
    let address = server.addresses()[0];
    let large = format!("POST / HTTP/1.1\r\nHost: {address}\r\nContent-Length: 300000\r\n\r\n{}", "a".repeat(300_000));
    for request in [
        "GET /verified/schema HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
        &large,
        "nonsense\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut raw = Raw::connect(address);
        raw.send(request);
        let answer = raw.answer();
        let case = &request[..request.len().min(40)];
        assert_eq!((answer.status, answer.header("content-type")), (400, Some("text/plain; charset=utf-8")), "{case:?}");
        let expected = format!("This port speaks HTTPS. Use https://localhost:{}/, ", address.port());
        assert!(answer.text().starts_with(&expected), "{case:?}: {}", answer.text());
        assert!(raw.is_closed(), "{case:?}");
    }
}

#[tokio::test]
async fn who_speaks_nonsense_harms_nobody() {
    let server = start();
    for sent in [
        &b""[..],
        b"\x16",
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x00\x00",
        b"\x16\xff\xff\xff\xff\xff\xff\xff",
        b"\x00\x00",
        b"\x80\x2e\x01",
    ] {
        let mut raw = Raw::connect(server.addresses()[0]);
        raw.send(sent);
        drop(raw);
        let client = trusting(server.ca_pem().unwrap(), "http/1.1");
        assert_eq!(get(&server, "localhost", &client, "/_understudy/health").await.unwrap().0, StatusCode::OK, "{sent:?}");
    }
}

#[tokio::test]
async fn every_port_speaks_tls() {
    let server = builder().only(["verified"]).listen("verified", 0).tls(Keeper::Memory).start().unwrap();
    assert!(server.url().starts_with("https://127.0.0.1:"), "{}", server.url());
    let client = trusting(server.ca_pem().unwrap(), "h2");
    let (status, _) = ask(server.addresses()[1], "127.0.0.1", &client, (Method::GET, "/schema", Value::Null)).await.unwrap();
    assert_eq!(status, StatusCode::OK, "a provider's own port");
    let request = (Method::POST, "/_understudy/worlds", json!({"name": "w", "listen": true}));
    let (status, made) = ask(server.addresses()[0], "localhost", &client, request).await.unwrap();
    assert_eq!(status, StatusCode::CREATED);
    let url = json_of(&made)["providers"]["verified"].as_str().unwrap().to_owned();
    let address = url.strip_prefix("https://").expect("its address says how it speaks").parse().unwrap();
    let (status, _) = ask(address, "127.0.0.1", &client, (Method::GET, "/schema", Value::Null)).await.unwrap();
    assert_eq!(status, StatusCode::OK, "a world's own port");
}

#[test]
fn an_authority_in_a_folder_stays_the_same_and_one_in_memory_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("tls");
    let start = |keeper: Keeper| builder().tls(keeper).start().unwrap();
    let (first, second) = (start(Keeper::Folder(at.clone())), start(Keeper::Folder(at.clone())));
    assert_eq!(first.ca_pem(), second.ca_pem());
    assert_eq!(first.ca_file(), Some(at.join("authority.pem").as_path()));
    assert_eq!(first.ca_pem(), Some(std::fs::read_to_string(at.join("authority.pem")).unwrap().as_str()));
    let (third, fourth) = (start(Keeper::Memory), start(Keeper::Memory));
    assert_ne!(third.ca_pem(), fourth.ca_pem());
    assert_eq!(third.ca_file(), None);
    assert_eq!(builder().start().unwrap().ca_pem(), None, "there is none without TLS");
}
