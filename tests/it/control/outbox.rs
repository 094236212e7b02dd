//! `outbox`: messages that would have been sent.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Controlled, PHONE, start_flow};

async fn send(server: &Controlled, phone: &str) {
    let made = server.verified.post("/1-click", json!({"phone": phone})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
}

async fn recipients(server: &Controlled, path: &str) -> Vec<String> {
    let shown = server.control.get(path).await;
    assert_eq!(shown.status, StatusCode::OK);
    let messages = shown.json()["messages"].as_array().unwrap().clone();
    messages.iter().map(|message: &Value| message["to"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_message_is_shown_with_its_code() {
    let server = Controlled::start();
    start_flow(&server.verified).await;
    let shown = server.control.get("/outbox").await.json();
    assert_eq!(
        shown,
        json!({"messages": [{
            "id": 1,
            "at": "2026-01-01T00:00:00.000Z",
            "provider": "verified",
            "channel": "sms",
            "to": PHONE,
            "body": "Enter this code to verify for Hooli: 111-111",
            "code": "111111",
            "link": null
        }]})
    );
}

#[tokio::test]
async fn messages_are_listed_oldest_first_and_filtered_by_recipient() {
    let server = Controlled::start();
    for phone in [PHONE, "+12025550123", PHONE] {
        send(&server, phone).await;
    }
    assert_eq!(recipients(&server, "/outbox").await, [PHONE, "+12025550123", PHONE]);
    assert_eq!(recipients(&server, "/outbox?to=%2B12025550123").await, ["+12025550123"]);
    assert_eq!(recipients(&server, "/outbox?to=nobody").await, Vec::<String>::new());
}

#[tokio::test]
async fn messages_are_forgotten_all_or_one_recipients() {
    let server = Controlled::start();
    for phone in [PHONE, "+12025550123"] {
        send(&server, phone).await;
    }
    let answer = server.control.delete("/outbox?to=%2B10123456789").await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(recipients(&server, "/outbox").await, ["+12025550123"]);
    server.control.delete("/outbox").await;
    assert_eq!(recipients(&server, "/outbox").await, Vec::<String>::new());
    send(&server, PHONE).await;
    assert_eq!(server.control.get("/outbox").await.json()["messages"][0]["id"], 3, "numbering goes on");
}
