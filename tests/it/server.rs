//! The edge: addresses, HTTP as clients really speak it, and limits.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use understudy::worlds::Spec;
use understudy::{Understudy, WorldHandle};

use crate::client::Client;
use crate::control::{Controlled, KEY, PHONE};
use crate::harness::{builder, contract};
use crate::raw::{Answer, Raw, request};

/// Date of every answer while the clock stands at the beginning of tests.
const DATE: &str = "Thu, 01 Jan 2026 00:00:00 GMT";

fn start() -> Understudy {
    builder().start().expect("the server starts")
}

fn world(understudy: &Understudy, name: &str) -> WorldHandle {
    understudy.create_world(Spec { name: Some(name.to_owned()), ..Spec::default() }).expect("the world is made")
}

/// Issues a credential with whole lines of extra headers; returns its id.
fn issue(understudy: &Understudy, path: &str, headers: &[&str]) -> String {
    let body = json!({"email": "a@example.com", "credentials": [{"type": "EmailCredential", "data": {"email": "a@example.com"}}]});
    let key = format!("Authorization: Bearer {KEY}");
    let headers = [&[key.as_str(), "Content-Type: application/json"], headers].concat();
    let made = request(understudy.addresses()[0], "POST", path, &headers, &body.to_string());
    assert_eq!(made.status, 201, "{path} {headers:?}: {}", made.text());
    made.json()["credentials"][0]["id"].as_str().unwrap().to_owned()
}

/// One request without body, `Host` as given.
fn get_as(understudy: &Understudy, at: usize, host: &str, path: &str, headers: &[&str]) -> Answer {
    let mut raw = Raw::connect(understudy.addresses()[at]);
    let mut head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {KEY}\r\n");
    for line in headers {
        head += line;
        head += "\r\n";
    }
    raw.send(head + "\r\n");
    raw.answer()
}

#[test]
fn every_kind_of_address_leads_to_its_world() {
    let understudy = builder().listen("verified", 0).start().unwrap();
    world(&understudy, "w");
    let id = issue(&understudy, "/~w/verified/credentials", &[]);
    let inside = "Understudy-World: w";
    for (at, host, path, headers, found) in [
        (0, "localhost", "/~w/verified/credentials/{id}", &[][..], true),
        (0, "localhost", "/verified/credentials/{id}", &[inside], true),
        (0, "localhost", "/verified/credentials/{id}", &["UNDERSTUDY-WORLD:  w "], true),
        (0, "verified.localhost", "/~w/credentials/{id}", &[], true),
        (0, "verified.localhost:1", "/credentials/{id}", &[inside], true),
        (0, "VERIFIED.localhost", "/credentials/{id}", &[inside], true),
        (0, "core-api.sandbox-verifiedinc.com", "/~w/credentials/{id}", &[], true),
        (0, "core-api.verified.inc:443", "/credentials/{id}", &[inside], true),
        (1, "localhost", "/credentials/{id}", &[inside], true),
        (1, "anything.example", "/~w/credentials/{id}", &[], true),
        // The path wins over the header; without either it is the default world, which does not have it.
        (0, "localhost", "/~w/verified/credentials/{id}", &["Understudy-World: default"], true),
        (0, "localhost", "/~default/verified/credentials/{id}", &[inside], false),
        (0, "localhost", "/verified/credentials/{id}", &[], false),
        (0, "verified.localhost", "/credentials/{id}", &[], false),
        (0, "core-api.sandbox-verifiedinc.com", "/credentials/{id}", &[], false),
        (1, "localhost", "/credentials/{id}", &[], false),
    ] {
        let answer = get_as(&understudy, at, host, &path.replace("{id}", &id), headers);
        let expected = if found { (200, None) } else { (404, Some("NotFound")) };
        let body = answer.json();
        assert_eq!((answer.status, body["name"].as_str()), expected, "port {at}, {host}{path} {headers:?}: {body}");
    }
}

#[test]
fn an_address_of_an_unknown_world_is_never_the_default_one_by_accident() {
    let understudy = builder().listen("verified", 0).start().unwrap();
    for (at, path, headers) in [
        (0, "/~nobody/verified/schema", &[][..]),
        (0, "/~/verified/schema", &[]),
        (0, "/~W/verified/schema", &[]),
        (0, "/~nobody", &[]),
        (0, "/verified/schema", &["Understudy-World: nobody"]),
        (0, "/verified/schema", &["Understudy-World:"]),
        (0, "/verified/schema", &["Understudy-World: d\u{e9}fault"]),
        (0, "/", &["Understudy-World: nobody"]),
        (1, "/~nobody/schema", &[]),
    ] {
        let answer = get_as(&understudy, at, "localhost", path, headers);
        assert_eq!(answer.status, 404, "{path} {headers:?}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path} {headers:?}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("there is no world named "), "{path} {headers:?}: {detail}");
    }
}

#[test]
fn an_address_that_leads_nowhere_says_where_something_is() {
    let understudy = start();
    for path in ["/nothing", "/nothing/verified", "/_understudyx", "/verifiedx/schema", "//verified"] {
        let answer = get_as(&understudy, 0, "localhost", path, &[]);
        assert_eq!(answer.status, 404, "{path}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("nothing is here; providers are at /verified"), "{path}: {detail}");
    }
}

#[test]
fn links_follow_the_address_that_the_caller_used() {
    let understudy = builder().listen("verified", 0).start().unwrap();
    world(&understudy, "w");
    for (at, host, path, headers, link) in [
        (0, "localhost:1", "/verified/1-click", &[][..], "http://localhost:1/verified/request/"),
        (0, "localhost:1", "/~w/verified/1-click", &[], "http://localhost:1/~w/verified/request/"),
        (0, "localhost:1", "/verified/1-click", &["Understudy-World: w"], "http://localhost:1/~w/verified/request/"),
        (0, "verified.localhost:1", "/1-click", &[], "http://verified.localhost:1/request/"),
        (0, "core-api.sandbox-verifiedinc.com", "/1-click", &[], "http://wallet.sandbox-verifiedinc.com/request/"),
        (1, "localhost:2", "/1-click", &[], "http://localhost:2/request/"),
    ] {
        let body = json!({"phone": PHONE}).to_string();
        let mut raw = Raw::connect(understudy.addresses()[at]);
        let more = [headers, &[""]].concat().join("\r\n");
        raw.send(format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        let url = raw.answer().json()["url"].as_str().unwrap().to_owned();
        assert!(url.starts_with(link), "{host}{path} {headers:?}: {url}");
    }
}

#[test]
fn an_absolute_request_target_names_the_host() {
    let understudy = start();
    let mut raw = Raw::connect(understudy.addresses()[0]);
    raw.send(format!(
        "GET http://verified.localhost/schema HTTP/1.1\r\nHost: other.example\r\nAuthorization: Bearer {KEY}\r\n\r\n"
    ));
    assert_eq!(raw.answer().status, 200);
}

#[test]
fn requests_on_one_connection_are_answered_in_order() {
    let understudy = start();
    let mut raw = Raw::connect(understudy.addresses()[0]);
    for number in 0..3 {
        raw.send(format!("GET /verified/{number} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert_eq!(raw.answer().json()["data"]["url"], format!("/{number}"), "one after the other");
    }
    let get = |number| format!("GET /verified/{number} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let pipelined: Vec<String> = (3..50).map(get).collect();
    raw.send(pipelined.concat());
    for number in 3..50 {
        assert_eq!(raw.answer().json()["data"]["url"], format!("/{number}"), "all at once");
    }
}

#[test]
fn a_request_is_answered_while_the_next_is_still_on_its_way() {
    let understudy = start();
    let mut raw = Raw::connect(understudy.addresses()[0]);
    raw.send("GET /verified/1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /verified/2 HTTP/1.1\r\nHo");
    assert_eq!(raw.answer().json()["data"]["url"], "/1");
    raw.send("st: localhost\r\n\r\n");
    assert_eq!(raw.answer().json()["data"]["url"], "/2");
}

#[test]
fn a_connection_is_closed_when_the_client_asks_for_it() {
    let understudy = start();
    for head in ["GET /verified/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "GET /verified/x HTTP/1.0\r\n\r\n"] {
        let mut raw = Raw::connect(understudy.addresses()[0]);
        raw.send(head);
        assert_eq!(raw.answer().status, 404, "{head}");
        assert!(raw.is_closed(), "{head}");
    }
}

#[tokio::test]
async fn http_2_is_spoken_to_those_who_begin_with_it() {
    let server = Controlled::start();
    let http2 = Client::http2(server.understudy.provider_url("verified")).with_contract(&contract("verified")).bearer(KEY);
    let get = server.verified.get("/schema").await;
    let same = http2.get("/schema").await;
    assert_eq!((same.status, &same.body), (StatusCode::OK, &get.body));
    assert_eq!(same.header("date"), DATE);
    let head = http2.call(Method::HEAD, "/schema").await;
    assert_eq!((head.body.len(), head.header("content-length")), (0, get.body.len().to_string().as_str()));
    let many = futures(64, |number| {
        let http2 = http2.clone();
        async move { http2.get(&format!("/{number}")).await.json()["data"]["url"].clone() }
    });
    for (number, url) in many.await.into_iter().enumerate() {
        assert_eq!(url, format!("/{number}"), "streams of one connection");
    }
    let control = Client::http2(server.understudy.control_url()).with_contract(&contract("control"));
    assert_eq!(control.get("/clock").await.status, StatusCode::OK);
    let foreign = control.get("/clock").header("origin", "https://evil.example").await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
}

/// Runs `count` futures at once; their values in order.
async fn futures<F: Future<Output = Value> + Send + 'static>(count: usize, make: impl Fn(usize) -> F) -> Vec<Value> {
    let tasks: Vec<_> = (0..count).map(|number| tokio::spawn(make(number))).collect();
    let mut values = Vec::new();
    for task in tasks {
        values.push(task.await.unwrap());
    }
    values
}

#[test]
fn head_answers_as_get_without_the_body() {
    let understudy = start();
    let address = understudy.addresses()[0];
    let key = format!("Authorization: Bearer {KEY}");
    for path in
        ["/verified/schema", "/verified/nothing", "/verified/credentials/none", "/nothing", "/_understudy/worlds", "/~nobody/x"]
    {
        let get = request(address, "GET", path, &[&key], "");
        let mut raw = Raw::connect(address);
        raw.send(format!("HEAD {path} HTTP/1.1\r\nHost: {address}\r\n{key}\r\nContent-Length: 0\r\n\r\nGET /_understudy/health HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        let head = raw.answer_to(true);
        assert!(!get.body.is_empty(), "{path}");
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-length"), Some(get.body.len().to_string().as_str()), "{path}");
        let sorted = |answer: &Answer| {
            let mut headers = answer.headers.clone();
            headers.retain(|(name, _)| !path.contains("/~nobody") || name != "date");
            headers.sort();
            headers
        };
        if path != "/_understudy/worlds" {
            assert_eq!(sorted(&head), sorted(&get), "{path}");
        }
        assert_eq!(raw.answer().status, 200, "{path}: no byte of a body came between");
    }
}

#[test]
fn options_says_what_is_allowed() {
    let understudy = start();
    let address = understudy.addresses()[0];
    let control = request(address, "OPTIONS", "/_understudy/worlds", &[], "");
    assert_eq!((control.status, control.header("allow"), control.body.len()), (204, Some("GET, HEAD, POST"), 0));
    assert_eq!(control.header("content-length"), None, "204 has none");
    let provider = request(address, "OPTIONS", "/verified/credentials", &["Origin: https://app.example"], "");
    assert_eq!((provider.status, provider.header("access-control-allow-origin")), (204, Some("*")));
}

#[test]
fn dates_are_the_worlds_and_no_answer_leaks_real_time() {
    let understudy = start();
    let address = understudy.addresses()[0];
    let year = |answer: &Answer| answer.header("date").map(str::to_owned);
    for (method, path) in [
        ("GET", "/verified/schema"),
        ("HEAD", "/verified/schema"),
        ("GET", "/verified/nothing"),
        ("OPTIONS", "/verified/schema"),
        ("PUT", "/verified/schema"),
        ("GET", "/nothing"),
        ("GET", "/"),
        ("GET", "/_understudy/nothing"),
        ("GET", "/_understudy/outbox"),
    ] {
        let answer = request(address, method, path, &[], "");
        assert_eq!(year(&answer).as_deref(), Some(DATE), "{method} {path}");
    }
    understudy.advance(chrono::TimeDelta::days(400)).unwrap();
    let later = request(address, "GET", "/verified/schema", &[], "");
    assert_eq!(year(&later).as_deref(), Some("Fri, 05 Feb 2027 00:00:00 GMT"));
    // What hyper answers by itself has no date at all.
    let mut raw = Raw::connect(address);
    raw.send("nonsense\r\n\r\n");
    assert_eq!(year(&raw.answer()), None);
}

#[test]
fn a_body_over_the_limit_is_read_and_refused_so_that_the_client_sees_it() {
    let understudy = start();
    let body = vec![b' '; 33 * 1024 * 1024];
    for chunked in [false, true] {
        let mut raw = Raw::connect(understudy.addresses()[0]);
        let framing = if chunked { "Transfer-Encoding: chunked".to_owned() } else { format!("Content-Length: {}", body.len()) };
        raw.send(format!(
            "POST /verified/credentials HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
        ));
        if chunked {
            for chunk in body.chunks(1024 * 1024) {
                raw.send(format!("{:x}\r\n", chunk.len()));
                raw.send(chunk);
                raw.send("\r\n");
            }
            raw.send("0\r\n\r\n");
        } else {
            raw.send(&body);
        }
        let refused = raw.answer();
        assert_eq!(refused.status, 413, "chunked: {chunked}: {}", refused.text());
        assert_eq!(refused.json()["code"], 413, "chunked: {chunked}: in the provider's own shape");
        raw.send(format!("GET /verified/schema HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\r\n"));
        assert_eq!(raw.answer().status, 200, "chunked: {chunked}: the connection goes on");
    }
    let noted = request(understudy.addresses()[0], "GET", "/_understudy/requests?status=413", &[], "").json();
    assert_eq!(noted["requests"].as_array().unwrap().len(), 2, "they are in the journal");
    assert!(noted["requests"][0]["request"].get("body").is_none(), "without their bodies");
}

#[test]
fn a_body_of_just_the_limit_is_taken() {
    let understudy = start();
    let body = " ".repeat(32 * 1024 * 1024);
    let key = format!("Authorization: Bearer {KEY}");
    let answer =
        request(understudy.addresses()[0], "POST", "/verified/credentials", &[&key, "Content-Type: application/json"], &body);
    assert_eq!(answer.status, 400, "it is read, and is no JSON: {}", answer.text());
}

#[test]
fn a_body_can_come_in_chunks() {
    let understudy = start();
    let body = json!({"email": "a@example.com", "credentials": [{"type": "EmailCredential", "data": {"email": "a@example.com"}}]})
        .to_string();
    let mut raw = Raw::connect(understudy.addresses()[0]);
    raw.send(format!(
        "POST /verified/credentials HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    ));
    for piece in body.as_bytes().chunks(7) {
        raw.send(format!("{:x};ext=1\r\n", piece.len()));
        raw.send(piece);
        raw.send("\r\n");
    }
    raw.send("0\r\nX-Trailer: 1\r\n\r\n");
    let made = raw.answer();
    assert_eq!(made.status, 201, "{}", made.text());
    let noted = request(understudy.addresses()[0], "GET", "/_understudy/requests/1", &[], "").json();
    assert_eq!(noted["request"]["body"], serde_json::from_str::<Value>(&body).unwrap(), "the journal has it whole");
}

#[test]
fn a_client_that_expects_100_continue_gets_it() {
    let understudy = start();
    let mut raw = Raw::connect(understudy.addresses()[0]);
    raw.send(format!(
        "POST /verified/credentials HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    ));
    assert_eq!(raw.answer().status, 100);
    raw.send("{}");
    assert_eq!(raw.answer().status, 400);
}

#[test]
fn what_is_not_http_is_refused_and_the_connection_closed() {
    let understudy = start();
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(70_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X-Header: 1\r\n".repeat(200));
    for (request, status) in [
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/9.9\r\n\r\n", 400),
        ("GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nBad\u{1}Name: 1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1}\u{0}\u{5}\u{1}\u{0}\u{0}\r\n\r\n", 400), // TLS to a plain port
        (&long, 414),
        (&many, 431),
    ] {
        let mut raw = Raw::connect(understudy.addresses()[0]);
        raw.send(request);
        let case = &request[..request.len().min(60)];
        let answer = raw.answer();
        assert_eq!(answer.status, status, "{case:?}");
        assert!(raw.is_closed(), "{case:?}");
    }
    assert_eq!(request(understudy.addresses()[0], "GET", "/_understudy/health", &[], "").status, 200);
}

#[test]
fn a_client_that_stops_sending_still_gets_its_answer() {
    let understudy = start();
    let mut raw = Raw::connect(understudy.addresses()[0]);
    raw.send(format!("GET /verified/schema HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n\r\n"));
    raw.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(raw.answer().status, 200);
    assert!(raw.is_closed());
}

#[test]
fn a_client_that_leaves_harms_nobody() {
    let understudy = start();
    for sent in
        ["", "GET", "GET / HTTP/1.1\r\n", "POST /verified/credentials HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc"]
    {
        let mut raw = Raw::connect(understudy.addresses()[0]);
        raw.send(sent);
        drop(raw);
        assert_eq!(request(understudy.addresses()[0], "GET", "/_understudy/health", &[], "").status, 200, "{sent:?}");
    }
}
