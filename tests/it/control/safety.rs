//! Who may use the control API and see the front page, and who may not.

use std::net::Ipv4Addr;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use understudy::Understudy;
use understudy::control::access::Token;

use super::{Controlled, calls, control_of, detail};
use crate::client::Client;
use crate::harness::builder;
use crate::raw::{Raw, request};

const SECRET: &str = "correct-horse.battery+staple=";

const LOOPBACK_ONLY: &str = "the control API answers loopback names only; use localhost or 127.0.0.1";
const SAME_SITE_ONLY: &str = "the control API refuses requests that a browser sends from another site's page";

fn with_token() -> Controlled {
    Controlled::with(builder().only(["verified"]).control_token(Token::new(SECRET).unwrap()))
}

/// Sends a request whose every line is given; returns status and, of a problem, the detail.
fn raw(server: &Understudy, lines: &[&str], body: &str) -> (u16, Value) {
    let mut raw = Raw::connect(server.addresses()[0]);
    raw.send(format!("{}\r\nContent-Length: {}\r\n\r\n{body}", lines.join("\r\n"), body.len()));
    let answer = raw.answer();
    let detail = serde_json::from_slice::<Value>(&answer.body).map_or(Value::Null, |problem| problem["detail"].clone());
    (answer.status, detail)
}

#[test]
fn names_that_others_may_have_pointed_here_are_refused_however_they_are_spelled() {
    let server = builder().only(["verified"]).start().unwrap();
    let port = server.addresses()[0].port();
    for host in [
        "evil.example",
        "EVIL.example",
        "evil.example.",
        "localhost.evil.example",
        "localhost.evil.example.",
        "evil-localhost",
        "notlocalhost",
        "127.0.0.1.nip.io",
        "127.0.0.1.evil.example",
        "[::1].evil.example",
        "[::2]",
        "[::ffff:10.0.0.1]",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "2130706433",
        "0x7f000001",
        "localhost@evil.example",
        "127.0.0.1:80@evil.example",
        "localhost:80:80",
        "localhost/evil.example",
        "localhost%00.evil.example",
        "local host",
    ] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            for path in ["/_understudy/info", "/"] {
                let (status, said) = raw(&server, &[&format!("GET {path} HTTP/1.1"), &format!("Host: {host}")], "");
                // What is no host at all need not be told more.
                assert!(status == 403 && said == LOOPBACK_ONLY || status == 400, "{host} {path}: {status} {said}");
            }
        }
    }
    // In an absolute target, it is the target that counts.
    let (status, said) = raw(&server, &["GET http://evil.example/_understudy/info HTTP/1.1", "Host: localhost"], "");
    assert_eq!((status, said), (403, json!(LOOPBACK_ONLY)), "absolute target");
    for host in ["localhost", "LocalHost", "localhost.", "a.localhost", "127.0.0.1", "127.8.8.8", "[::1]"] {
        let (status, _) = raw(&server, &["GET /_understudy/info HTTP/1.1", &format!("Host: {host}:{port}")], "");
        assert_eq!(status, 200, "{host}");
    }
}

#[test]
fn what_a_page_of_another_site_can_have_a_browser_send_is_refused() {
    for token in [None, Some(Token::new(SECRET).unwrap())] {
        let sent = token.as_ref().map_or_else(|| "X-Nothing: 1".to_owned(), |_| format!("Understudy-Token: {SECRET}"));
        let server = token.into_iter().fold(builder().only(["verified"]), understudy::Builder::control_token).start().unwrap();
        let port = server.addresses()[0].port();
        let host = format!("Host: localhost:{port}");
        for header in [
            "Origin: null".to_owned(),
            "Origin: ".to_owned(),
            "Origin: https://evil.example".to_owned(),
            "Origin: http://localhost".to_owned(),
            "Origin: http://localhost:1".to_owned(),
            format!("Origin: http://127.0.0.1:{port}"),
            format!("Origin: http://localhost:{port}.evil.example"),
            format!("Origin: http://localhost:{port}/"),
            format!("Origin: http://evil@localhost:{port}"),
            format!("Origin: ftp://localhost:{port}"),
            format!("Origin: localhost:{port}"),
            "Origin: chrome-extension://abcdefgh".to_owned(),
            "Sec-Fetch-Site: cross-site".to_owned(),
            "Sec-Fetch-Site: same-site".to_owned(),
        ] {
            for (line, media_type, body) in [
                ("POST /_understudy/worlds HTTP/1.1", "application/json", r#"{"name":"evil"}"#),
                ("POST /_understudy/worlds HTTP/1.1", "text/plain", r#"{"name":"evil"}"#),
                ("POST /_understudy/worlds HTTP/1.1", "application/x-www-form-urlencoded", r#"{"name":"evil"}"#),
                ("GET /_understudy/info HTTP/1.1", "text/plain", ""),
                ("GET /_understudy/health HTTP/1.1", "text/plain", ""),
                ("OPTIONS /_understudy/worlds HTTP/1.1", "text/plain", ""),
                ("GET / HTTP/1.1", "text/plain", ""),
                ("POST / HTTP/1.1", "application/x-www-form-urlencoded", "token=x"),
            ] {
                let (status, said) = raw(&server, &[line, &host, &header, &sent, &format!("Content-Type: {media_type}")], body);
                assert_eq!((status, said), (403, json!(SAME_SITE_ONLY)), "{line} {media_type} {header}");
            }
            let upgrade = ["GET /_understudy/info HTTP/1.1", &host, &header, &sent, "Connection: Upgrade", "Upgrade: websocket"];
            let key = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
            assert_eq!(raw(&server, &[&upgrade[..], &key].concat(), "").0, 403, "websocket, {header}");
        }
        assert!(server.world("evil").is_none());
        // The page of this server itself may.
        let own = format!("Origin: http://localhost:{port}");
        let lines = ["POST /_understudy/worlds HTTP/1.1", &host, &own, &sent, "Sec-Fetch-Site: same-origin"];
        assert_eq!(raw(&server, &lines, r#"{"name":"good"}"#).0, 201);
    }
}

#[test]
fn no_answer_lets_another_site_read_it() {
    let server = builder().only(["verified"]).start().unwrap();
    for path in ["/_understudy/info", "/_understudy/health", "/_understudy/nothing", "/"] {
        let answer = request(server.addresses()[0], "GET", path, &[], "");
        assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("access-control-")), "{path}: {:?}", answer.headers);
    }
}

#[tokio::test]
async fn with_a_token_every_call_must_have_it() {
    let server = with_token();
    for (id, method, path) in calls() {
        let answer = server.control.call(method.clone(), &path).await;
        if id == "getHealth" {
            assert_eq!(answer.status, StatusCode::OK);
            continue;
        }
        let said = detail(&answer, StatusCode::UNAUTHORIZED, &format!("{method} {path}"));
        assert!(said.starts_with("the control API wants its token, as "), "{said}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"understudy\"", "{method} {path}");
    }
    let unknown = server.control.without_contract().get("/nothing").await;
    detail(&unknown, StatusCode::UNAUTHORIZED, "what there is, is not told either");
}

#[tokio::test]
async fn only_the_token_itself_is_taken_from_wherever() {
    let server = with_token();
    let twice = format!("{SECRET}{SECRET}");
    for (name, value, expected) in [
        ("authorization", format!("Bearer {SECRET}"), StatusCode::OK),
        ("authorization", format!("bearer {SECRET}"), StatusCode::OK),
        ("understudy-token", SECRET.to_owned(), StatusCode::OK),
        ("authorization", SECRET.to_owned(), StatusCode::UNAUTHORIZED),
        ("authorization", format!("Basic {SECRET}"), StatusCode::UNAUTHORIZED),
        ("authorization", format!("Bearer  {SECRET}"), StatusCode::UNAUTHORIZED),
        ("authorization", "Bearer ".to_owned(), StatusCode::UNAUTHORIZED),
        ("authorization", "Bearer".to_owned(), StatusCode::UNAUTHORIZED),
        ("understudy-token", String::new(), StatusCode::UNAUTHORIZED),
        ("understudy-token", SECRET[1..].to_owned(), StatusCode::UNAUTHORIZED),
        ("understudy-token", SECRET[..SECRET.len() - 1].to_owned(), StatusCode::UNAUTHORIZED),
        ("understudy-token", SECRET.to_uppercase(), StatusCode::UNAUTHORIZED),
        ("understudy-token", twice, StatusCode::UNAUTHORIZED),
        ("cookie", format!("understudy-session={SECRET}"), StatusCode::UNAUTHORIZED),
    ] {
        for host in ["localhost", "understudy.internal:11111", "10.0.0.1"] {
            let answer = server.control.get("/clock").header(name, &value).header("host", host).await;
            assert_eq!(answer.status, expected, "{name}: {value} at {host}");
        }
    }
}

#[tokio::test]
async fn whether_it_can_serve_is_told_without_a_token_but_not_under_any_name() {
    let server = with_token();
    for (host, expected) in [
        ("localhost", StatusCode::OK),
        ("10.0.0.1:11111", StatusCode::OK),
        ("[fd00::1]:11111", StatusCode::OK),
        ("evil.example", StatusCode::UNAUTHORIZED),
        ("10.0.0.1.nip.io", StatusCode::UNAUTHORIZED),
    ] {
        // Not against the contract, in which this call needs no token.
        let answer = server.control.without_contract().get("/health").header("host", host).await;
        assert_eq!(answer.status, expected, "{host}");
    }
    let answer = server.control.get("/health").header("host", "understudy").header("understudy-token", SECRET).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_server_that_others_can_reach_makes_a_token() {
    let start = || builder().only(["verified"]).host(Ipv4Addr::UNSPECIFIED.into()).start().unwrap();
    let (server, other) = (start(), start());
    let token = server.control_token().expect("it has one").secret().to_owned();
    assert!(token.len() >= 32, "nobody guesses it: {} digits", token.len());
    assert_ne!(Some(token.as_str()), other.control_token().map(Token::secret));
    let control = control_of(&server);
    assert_eq!(control.get("/clock").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(control.get("/clock").bearer(&token).await.status, StatusCode::OK);
    assert!(builder().only(["verified"]).start().unwrap().control_token().is_none(), "on loopback there is none");
}

#[test]
fn what_no_header_can_hold_is_no_token() {
    for text in ["", " ", "a b", "a\tb", "a\nb", "s\u{e9}cret"] {
        assert!(Token::new(text).is_err(), "{text:?}");
    }
    let token = Token::new("s3cret!").unwrap();
    assert_eq!(token.secret(), "s3cret!");
    assert!(!format!("{token:?}").contains("s3cret"), "it is not told by accident");
}

#[tokio::test]
async fn a_person_enters_the_token_once() {
    let server = with_token();
    let browser = Client::new(server.understudy.url()).with_cookies();
    let form = browser.get("/").await;
    assert_eq!(form.status, StatusCode::UNAUTHORIZED);
    assert!(form.text().contains("name=\"token\""), "a form asks for it: {}", form.text());
    assert!(!form.text().contains("VERIFIED_API_KEY"), "nothing else is told");
    let wrong = browser.post("/", [("token", "wrong")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text().contains("That is not the token."));
    assert!(!wrong.headers.contains_key("set-cookie"));

    let right = browser.post("/", [("token", SECRET)]).await;
    assert_eq!((right.status, right.location()), (StatusCode::SEE_OTHER, "/"));
    let cookie = right.header("set-cookie");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains(SECRET), "{cookie}");
    let page = browser.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("VERIFIED_API_KEY"));
    assert_eq!(browser.get("/_understudy/clock").await.status, StatusCode::OK, "its scripts may call too");

    // A world's page goes back to that world.
    server.understudy.create_world(understudy::worlds::Spec { name: Some("w".to_owned()), ..Default::default() }).unwrap();
    let other = Client::new(server.understudy.url()).with_cookies();
    assert_eq!(other.post("/~w/", [("token", SECRET)]).await.location(), "/~w/");
    // With another token, what a browser kept is worth nothing.
    let changed = Controlled::with(builder().only(["verified"]).control_token(Token::new("another").unwrap()));
    let kept = cookie.split(';').next().unwrap();
    let answer = Client::new(changed.understudy.url()).get("/").header("cookie", kept).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn providers_and_the_journal_never_see_the_token() {
    let server = with_token();
    let browser = Client::new(server.understudy.url());
    let signed_in = browser.post("/", [("token", SECRET)]).await;
    let session = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let call = server.verified.get("/userCredentials/richard%40piedpiper.net").header("understudy-token", SECRET);
    call.header("cookie", &format!("a=1; {session}; b=2")).await;
    server.verified.get("/userCredentials/richard%40piedpiper.net").header("cookie", &session).await;
    let noted = server.control.get("/requests").header("understudy-token", SECRET).await.json();
    let headers: Vec<&Value> = noted["requests"].as_array().unwrap().iter().map(|one| &one["request"]["headers"]).collect();
    assert_eq!(headers.len(), 2);
    assert_eq!(headers[0]["cookie"], "a=1; b=2");
    assert_eq!(headers[1]["cookie"], Value::Null);
    assert!(headers.iter().all(|one| one["understudy-token"].is_null()), "{headers:?}");
}

#[tokio::test]
async fn a_call_that_is_refused_changes_nothing() {
    let server = with_token();
    for (_, method, path) in calls().into_iter().filter(|(_, method, _)| *method != Method::GET) {
        server.control.call(method, &path).body(json!({"name": "w", "by": "PT5M"})).await;
    }
    let clock = server.understudy.clock();
    assert_eq!(clock.now.to_rfc3339(), "2026-01-01T00:00:00+00:00");
    assert!(server.understudy.world("w").is_none());
}
