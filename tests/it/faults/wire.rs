//! Faults of the connection, byte by byte, and in HTTP/2.

use std::io::{ErrorKind, Read as _};

use understudy::world::faults::{Connection, Respond, Rule, When};

use super::{DEEDS, is_waiting, start, until_hits};
use crate::client::Client;
use crate::raw::{Raw, request};

/// What comes until the connection ends, and how it ends.
fn rest(raw: &mut Raw) -> (String, Result<usize, ErrorKind>) {
    let mut bytes = Vec::new();
    let end = raw.stream.read_to_end(&mut bytes).map_err(|error| error.kind());
    (String::from_utf8(bytes).unwrap(), end)
}

/// Head and body of an answer.
fn split(answer: &str) -> (&str, &str) {
    answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answer:?}"))
}

#[tokio::test]
async fn a_reset_loses_the_answer_and_the_work_too_when_it_comes_before() {
    for deed in &DEEDS {
        for (when, traces) in [(None, 1), (Some(When::Before), 0), (Some(When::After), 1)] {
            let understudy = start();
            let id = understudy.fault(Rule { connection: Some(Connection::Reset), when, ..deed.rule() }).unwrap();
            let mut raw = Raw::connect(understudy.addresses()[0]);
            raw.send(deed.bytes());
            assert_eq!(rest(&mut raw), (String::new(), Err(ErrorKind::ConnectionReset)), "{} {when:?}", deed.slug);
            assert_eq!((understudy.fault_hits(id), deed.traces(&understudy).await), (Some(1), traces), "{} {when:?}", deed.slug);
        }
    }
}

#[tokio::test]
async fn a_truncated_answer_ends_in_the_middle_of_its_body() {
    for deed in &DEEDS {
        let understudy = start();
        let rule = Rule { connection: Some(Connection::Truncate), ..deed.rule() };
        understudy.fault(rule).unwrap();
        let mut raw = Raw::connect(understudy.addresses()[0]);
        raw.send(deed.bytes());
        let (answer, end) = rest(&mut raw);
        let (head, body) = split(&answer);
        assert!(head.starts_with("HTTP/1.1 20"), "{}: {head}", deed.slug);
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
        assert_eq!(body.len(), length.parse::<usize>().unwrap() / 2, "{}", deed.slug);
        assert!(end.is_ok(), "{}: an orderly end, {end:?}", deed.slug);
        assert_eq!(deed.traces(&understudy).await, 1, "{}: the work is done", deed.slug);
    }
}

#[test]
fn a_large_answer_of_a_rule_is_cut_too_and_one_without_a_body_is_lost() {
    let understudy = start();
    let address = understudy.addresses()[0];
    let get = "GET /verified/x HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let respond = |body| Some(Respond { status: 200, headers: std::collections::BTreeMap::new(), body });
    let large = "x".repeat(300_000);
    understudy
        .fault(Rule { connection: Some(Connection::Truncate), respond: respond(Some(large.into())), ..Rule::default() })
        .unwrap();
    let mut raw = Raw::connect(address);
    raw.send(get);
    let (answer, _) = rest(&mut raw);
    let (head, body) = split(&answer);
    assert!(head.contains("content-length: 300000"), "{head}");
    assert_eq!(body.len(), 150_000);
    understudy.clear_faults();
    understudy.fault(Rule { connection: Some(Connection::Truncate), respond: respond(None), ..Rule::default() }).unwrap();
    let mut raw = Raw::connect(address);
    raw.send(get);
    assert_eq!(rest(&mut raw), (String::new(), Ok(0)));
}

#[test]
fn a_dripping_answer_comes_in_pieces_and_is_whole_in_the_end() {
    for deed in &DEEDS {
        let undisturbed = start();
        let mut raw = Raw::connect(undisturbed.addresses()[0]);
        raw.send(deed.bytes());
        let whole = raw.answer();

        // A few milliseconds between two pieces.
        let understudy = start();
        understudy.fault(Rule { connection: Some(Connection::Drip), delay_ms: Some(1), ..deed.rule() }).unwrap();
        let mut raw = Raw::connect(understudy.addresses()[0]);
        raw.send(deed.bytes());
        let dripped = raw.answer();
        let sorted = |answer: &crate::raw::Answer| {
            let mut headers = answer.headers.clone();
            headers.sort();
            (answer.status, headers, answer.text().to_owned())
        };
        assert_eq!(sorted(&dripped), sorted(&whole), "{}", deed.slug);
        raw.send("GET /verified/x HTTP/1.1\r\nhost: localhost\r\n\r\n");
        assert_eq!(raw.answer().status, 404, "{}: the connection goes on", deed.slug);

        // So long between two pieces that only the first one comes; the server's stop brings the others.
        let understudy = start();
        understudy.fault(Rule { connection: Some(Connection::Drip), delay_ms: Some(600_000), ..deed.rule() }).unwrap();
        let mut raw = Raw::connect(understudy.addresses()[0]);
        raw.send(deed.bytes());
        let mut first = Vec::new();
        let piece = whole.body.len().div_ceil(20);
        while first.windows(4).position(|four| four == b"\r\n\r\n").is_none_or(|at| first.len() < at + 4 + piece) {
            let mut more = [0; 4096];
            let read = raw.stream.read(&mut more).unwrap();
            first.extend_from_slice(&more[..read]);
        }
        let first = String::from_utf8(first).unwrap();
        assert_eq!(split(&first).1.len(), piece, "{}: one piece and no more", deed.slug);
        assert!(is_waiting(&raw));
        drop(understudy);
        let (others, _) = rest(&mut raw);
        assert_eq!(format!("{}{others}", split(&first).1), whole.text(), "{}", deed.slug);
    }
}

#[tokio::test]
async fn a_request_that_hangs_gets_nothing_and_holds_nobody() {
    for deed in &DEEDS {
        for (when, traces) in [(When::After, 1), (When::Before, 0)] {
            let understudy = start();
            let rule = Rule { connection: Some(Connection::Hang), when: Some(when), ..deed.rule() };
            let id = understudy.fault(rule).unwrap();
            let mut raw = Raw::connect(understudy.addresses()[0]);
            raw.send(deed.bytes());
            until_hits(&understudy, id, 1).await;
            assert_eq!(deed.traces(&understudy).await, traces, "{} {when:?}", deed.slug);
            raw.send(deed.bytes());
            assert_eq!(request(understudy.addresses()[0], "GET", "/verified/x", &[], "").status, 404, "{}", deed.slug);
            assert!(is_waiting(&raw), "{} {when:?}", deed.slug);
            drop(understudy);
            assert_eq!(rest(&mut raw).0, "", "{} {when:?}: the stop ends it without an answer", deed.slug);
        }
    }
}

#[tokio::test]
async fn in_http_2_a_fault_ends_one_stream_and_the_others_go_on() {
    for deed in &DEEDS {
        for connection in [Connection::Reset, Connection::Truncate] {
            let understudy = start();
            understudy.fault(Rule { connection: Some(connection), ..deed.rule() }).unwrap();
            let client = deed
                .headers
                .iter()
                .fold(Client::http2(understudy.provider_url(deed.slug)), |client, (name, value)| client.header(name, value));
            let lost = client.post(deed.path, (deed.body)()).attempt().await.unwrap_err();
            assert!(lost.contains("stream error") || lost.contains("internal error"), "{} {connection:?}: {lost}", deed.slug);
            assert_eq!((deed.count)(&client.get(deed.traces).await), 1, "{} {connection:?}", deed.slug);
        }
    }
}

#[tokio::test]
async fn in_http_2_a_request_that_hangs_leaves_its_connection_to_others() {
    for deed in &DEEDS {
        let understudy = start();
        let id = understudy.fault(Rule { connection: Some(Connection::Hang), ..deed.rule() }).unwrap();
        let client = deed
            .headers
            .iter()
            .fold(Client::http2(understudy.provider_url(deed.slug)), |client, (name, value)| client.header(name, value));
        let hung = tokio::spawn({
            let client = client.clone();
            async move { client.post(deed.path, (deed.body)()).attempt().await }
        });
        while understudy.fault_hits(id) == Some(0) {
            client.get(deed.traces).await;
        }
        assert_eq!((deed.count)(&client.get(deed.traces).await), 1, "{}", deed.slug);
        assert!(!hung.is_finished(), "{}", deed.slug);
        tokio::task::spawn_blocking(move || drop(understudy)).await.unwrap();
        assert!(hung.await.unwrap().is_err(), "{}: the stop ends it without an answer", deed.slug);
    }
}

#[tokio::test]
async fn a_dripping_answer_is_whole_in_http_2_too() {
    let understudy = start();
    let deed = &DEEDS[0];
    let client = deed
        .headers
        .iter()
        .fold(Client::http2(understudy.provider_url(deed.slug)), |client, (name, value)| client.header(name, value));
    let whole = client.get("/schema").await;
    let rule = Rule { connection: Some(Connection::Drip), delay_ms: Some(1), ..Rule::default() };
    understudy.fault(rule).unwrap();
    let dripped = client.get("/schema").await;
    assert_eq!((dripped.status, &dripped.body), (whole.status, &whole.body));
    assert_eq!(dripped.header("content-length"), whole.body.len().to_string());
}
