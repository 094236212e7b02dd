//! Webhooks: in the outbox always, at the partner's server where that is on this machine.

use std::collections::VecDeque;

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use understudy::server::deliver::Webhooks;

use super::{APP_A, APP_B, JOAO, LUIS, as_b, builder, create, id_of, maria, start, start_with};
use crate::harness::Api;

/// A partner's server on this machine.
struct Receiver {
    listener: TcpListener,
    answers: VecDeque<&'static str>,
}

impl Receiver {
    /// Listens; answers 204, after these answers.
    async fn start(answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { listener, answers: answers.iter().copied().collect() }
    }

    fn url(&self) -> String {
        format!("http://localhost:{}/hooks?from=mint", self.listener.local_addr().unwrap().port())
    }

    /// The next request: its head in lower case, and its body.
    async fn next(&mut self) -> (String, Value) {
        let (mut socket, _) = self.listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        loop {
            let mut chunk = [0; 4096];
            let count = socket.read(&mut chunk).await.unwrap();
            assert_ne!(count, 0, "the request is cut short: {}", bytes.escape_ascii());
            bytes.extend(&chunk[..count]);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>().unwrap();
            if body.len() == length {
                let answer = self.answers.pop_front().unwrap_or("204 No Content");
                let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n");
                socket.write_all(answer.as_bytes()).await.unwrap();
                return (head, serde_json::from_str(body).unwrap());
            }
        }
    }
}

/// A server that posts app A's webhooks to `receiver`.
fn start_posting_to(receiver: &Receiver) -> Api {
    start_with(builder().setting("publicmint", "webhooks", json!({ APP_A: receiver.url() })))
}

fn messages(api: &Api) -> Vec<(String, Value)> {
    let messages = api.understudy.messages(None).unwrap();
    messages.into_iter().map(|message| (message.to, serde_json::from_str(&message.body).unwrap())).collect()
}

fn updated(identity: &str, verification: &str) -> Value {
    json!({"data": {"identityId": identity, "verificationId": verification}, "type": "identityVerificationUpdated"})
}

const JOAOS_VERIFICATION: &str = "3552df72-31f9-4e99-9193-d3470dea6d6e";

fn activated() -> Value {
    let codes = ["deposit:stablecoin", "deposit:wire", "withdrawal:stablecoin", "withdrawal:wire"];
    json!({"data": {"operations": codes.map(|code| json!({"action": "create", "code": code}))}, "type": "operationActivated"})
}

#[tokio::test]
async fn every_event_is_in_the_outbox_with_its_body() {
    let api = start();
    let person = create(&api, maria()).await;
    api.post("/sandbox/identities/approve", json!({"identityId": JOAO})).await;
    api.post("/sandbox/identities/reject", json!({"identityId": JOAO, "exceptions": ["a", "b"]})).await;
    as_b(&api).post("/sandbox/identities/approve", json!({"identityId": LUIS})).await;
    let sent = messages(&api);
    let a = "https://partner-a.example/webhooks/publicmint".to_owned();
    let b = "https://partner-b.example/webhooks/publicmint".to_owned();
    let verification = sent[0].1["data"]["verificationId"].clone();
    assert_ne!(verification, person["id"]);
    let expected = [
        (
            a.clone(),
            json!({"data": {"identityId": person["id"], "verificationId": verification}, "type": "identityVerificationCreated"}),
        ),
        (a.clone(), updated(JOAO, JOAOS_VERIFICATION)),
        (a.clone(), activated()),
        (a.clone(), updated(JOAO, JOAOS_VERIFICATION)),
        (a, json!({"data": {"exceptions": ["a", "b"], "identityId": JOAO}, "type": "identityExceptionRaised"})),
        (b.clone(), updated(LUIS, "5fdb9a30-7ee7-44c2-8ec1-aee676a3b617")),
        (b, activated()),
    ];
    assert_eq!(sent, expected);
    // The order of keys is part of the text.
    let first = &api.understudy.messages(None).unwrap()[0];
    assert!(
        first.body.starts_with(r#"{"data":{"identityId":""#) && first.body.ends_with(r#"},"type":"identityVerificationCreated"}"#)
    );
    let refused = api.post("/identities", maria()).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(messages(&api).len(), 7, "a refused request sends nothing");
}

#[tokio::test]
async fn events_arrive_in_their_order() {
    let mut receiver = Receiver::start(&[]).await;
    let api = start_posting_to(&receiver);
    let person = create(&api, maria()).await;
    let (head, body) = receiver.next().await;
    assert!(head.starts_with("post /hooks?from=mint http/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nhost: localhost:{}\r\n", receiver.listener.local_addr().unwrap().port())), "{head}");
    assert!(head.contains("\r\ncontent-type: application/json\r\n"), "{head}");
    assert_eq!((&body["type"], &body["data"]["identityId"]), (&json!("identityVerificationCreated"), &person["id"]));
    let verification = body["data"]["verificationId"].as_str().unwrap();
    api.post("/sandbox/identities/approve", json!({"identityId": person["id"]})).await;
    assert_eq!(receiver.next().await.1, updated(id_of(&person), verification));
    assert_eq!(receiver.next().await.1, activated());
    let bodies: Vec<Value> = messages(&api).into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies.len(), 3, "they are in the outbox too");
}

#[tokio::test]
async fn what_does_not_arrive_is_sent_again_on_the_worlds_clock() {
    let refusal = "503 Service Unavailable";
    let mut receiver = Receiver::start(&[refusal, refusal, refusal, refusal]).await;
    let api = start_posting_to(&receiver);
    create(&api, maria()).await;
    let (_, first) = receiver.next().await;
    for wait in [TimeDelta::seconds(10), TimeDelta::minutes(1), TimeDelta::minutes(10)] {
        api.understudy.advance(wait).unwrap();
        assert_eq!(receiver.next().await.1, first, "{wait}");
    }
    // It has been given up: what comes next is another one.
    api.understudy.advance(TimeDelta::days(1)).unwrap();
    api.post("/sandbox/identities/approve", json!({"identityId": JOAO})).await;
    assert_eq!(receiver.next().await.1, updated(JOAO, JOAOS_VERIFICATION));
    assert_eq!(receiver.next().await.1, activated());
}

#[tokio::test]
async fn a_retry_that_arrives_is_the_last() {
    let mut receiver = Receiver::start(&["500 Internal Server Error"]).await;
    let api = start_posting_to(&receiver);
    create(&api, maria()).await;
    let (_, first) = receiver.next().await;
    // Before it is due, something else is sent: a retry does not overtake its time.
    api.understudy.advance(TimeDelta::milliseconds(9999)).unwrap();
    api.post("/sandbox/identities/reject", json!({"identityId": JOAO})).await;
    assert_eq!(receiver.next().await.1["type"], "identityVerificationUpdated");
    assert_eq!(receiver.next().await.1["type"], "identityExceptionRaised");
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(receiver.next().await.1, first);
    api.understudy.advance(TimeDelta::days(1)).unwrap();
    api.understudy.simulate("publicmint", "set-kyc", json!({"identityId": JOAO, "status": "pending"})).unwrap();
    assert_eq!(receiver.next().await.1["type"], "identityVerificationUpdated");
}

#[tokio::test]
async fn a_server_that_hangs_up_is_asked_again() {
    let mut receiver = Receiver::start(&[]).await;
    let api = start_posting_to(&receiver);
    create(&api, maria()).await;
    drop(receiver.listener.accept().await.unwrap());
    api.understudy.advance(TimeDelta::seconds(10)).unwrap();
    assert_eq!(receiver.next().await.1["type"], "identityVerificationCreated");
}

#[tokio::test]
async fn nothing_is_posted_where_the_server_may_not_call() {
    let mut receiver = Receiver::start(&[]).await;
    let off = start_with(builder().webhooks(Webhooks::Off).setting("publicmint", "webhooks", json!({ APP_A: receiver.url() })));
    create(&off, maria()).await;
    assert_eq!(messages(&off)[0].0, receiver.url());
    let on = start_posting_to(&receiver);
    create(&on, maria()).await;
    on.post("/sandbox/identities/approve", json!({"identityId": JOAO})).await;
    let kinds = [receiver.next().await, receiver.next().await, receiver.next().await].map(|(_, body)| body["type"].clone());
    assert_eq!(
        kinds,
        ["identityVerificationCreated", "identityVerificationUpdated", "operationActivated"],
        "only those of the second"
    );
}

#[tokio::test]
async fn the_setting_says_where_an_apps_webhooks_go() {
    let urls = json!({ APP_A: null, APP_B: "https://elsewhere.example/" });
    let api = start_with(builder().setting("publicmint", "webhooks", urls));
    create(&api, maria()).await;
    create(&as_b(&api), maria()).await;
    let sent: Vec<String> = messages(&api).into_iter().map(|(to, _)| to).collect();
    assert_eq!(sent, ["https://elsewhere.example/"]);
}

#[tokio::test]
async fn settings_refuse_what_they_cannot_be() {
    for (key, value) in [
        ("webhooks", json!([])),
        ("webhooks", json!({"x": "http://h"})),
        ("webhooks", json!({ APP_A: "ftp://h" })),
        ("webhooks", json!({ APP_A: 1 })),
        ("sandboxDelayMs", json!(-1)),
        ("sandboxDelayMs", json!("1")),
        ("sandboxDelayMs", json!(1.5)),
        ("sandboxDelayMs", json!(2_592_000_001_i64)),
        ("kycProviders", json!("PrimeTrust")),
        ("kycProviders", json!([1])),
        ("kycProviders", json!([" "])),
        ("envelope", json!("bare")),
        ("envelope", json!(true)),
        ("nothing", json!(1)),
    ] {
        assert!(builder().setting("publicmint", key, value.clone()).start().is_err(), "{key} {value}");
    }
}
