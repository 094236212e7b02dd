//! `faults`: making, listing and taking back rules. What they do to requests is in `crate::faults`.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Controlled, detail, issue};
use crate::client::Client;

/// Makes a rule; returns its id.
async fn make(control: &Client, rule: Value) -> u64 {
    let made = control.post("/faults", &rule).await;
    assert_eq!(made.status, StatusCode::CREATED, "{rule}: {}", made.text());
    made.json()["id"].as_u64().unwrap()
}

async fn ids(control: &Client) -> Vec<u64> {
    let listed = control.get("/faults").await.json();
    listed["faults"].as_array().unwrap().iter().map(|fault| fault["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_rule_is_shown_as_it_was_made_with_what_it_did() {
    let server = Controlled::start();
    let rule = json!({
        "provider": "verified",
        "operation": "listSchemas",
        "path": "/sch*",
        "method": "GET",
        "after": 1,
        "times": 1,
        "chance": 1.0,
        "delay_ms": 1,
        "respond": {"status": 503, "headers": {"retry-after": "1", "x-two": ["a", "b"]}, "body": {"down": true}}
    });
    let shown = |hits: u64, spent: bool| {
        let mut shown = rule.clone();
        shown["id"] = json!(1);
        shown["hits"] = json!(hits);
        shown["spent"] = json!(spent);
        shown
    };
    let made = server.control.post("/faults", &rule).await;
    assert_eq!((made.status, made.json()), (StatusCode::CREATED, shown(0, false)));
    let unchecked = server.verified.without_contract();
    for (expected, hits, spent) in [(200, 0, false), (503, 1, true), (200, 1, true)] {
        assert_eq!(unchecked.get("/schema").await.status, expected);
        let fault = server.control.get("/faults/1").await;
        assert_eq!(fault.json(), shown(hits, spent));
        assert_eq!(server.control.get("/faults").await.json(), json!({"faults": [shown(hits, spent)]}));
    }
}

#[tokio::test]
async fn rules_are_taken_back_one_by_one_or_all_together() {
    let server = Controlled::start();
    let down = json!({"respond": {"status": 503}});
    for _ in 0..3 {
        make(&server.control, down.clone()).await;
    }
    assert_eq!(server.control.delete("/faults/2").await.status, StatusCode::NO_CONTENT);
    assert_eq!(ids(&server.control).await, [1, 3]);
    for path in ["/faults/2", "/faults/0", "/faults/x", "/faults/-1", "/faults/99999999999999999999"] {
        for answer in [server.control.get(path).await, server.control.delete(path).await] {
            let expected = format!("there is no fault {}", path.rsplit('/').next().unwrap());
            assert_eq!(detail(&answer, StatusCode::NOT_FOUND, path), expected);
        }
    }
    assert_eq!(server.verified.without_contract().get("/schema").await.status, 503);
    assert_eq!(server.control.delete("/faults").await.status, StatusCode::NO_CONTENT);
    assert_eq!(ids(&server.control).await, Vec::<u64>::new());
    assert_eq!(server.verified.get("/schema").await.status, 200);
    assert_eq!(make(&server.control, down).await, 4, "numbering goes on");
}

#[tokio::test]
async fn health_says_how_many_rules_may_still_strike() {
    let server = Controlled::start();
    let faults = async || server.control.get("/health").await.json()["faults"].clone();
    make(&server.control, json!({"delay_ms": 1, "times": 1})).await;
    make(&server.control, json!({"delay_ms": 1})).await;
    assert_eq!(faults().await, 2);
    server.verified.get("/schema").await;
    assert_eq!(faults().await, 1, "one is spent");
}

#[tokio::test]
async fn rules_belong_to_one_world_end_with_a_reset_and_are_not_copied() {
    let server = Controlled::start();
    make(&server.control, json!({"respond": {"status": 503}})).await;
    for from in [json!({"name": "w"}), json!({"name": "v", "from": "world:default"})] {
        assert_eq!(server.control.post("/worlds", &from).await.status, StatusCode::CREATED);
        let (control, verified) = server.of(from["name"].as_str().unwrap());
        assert_eq!(ids(&control).await, Vec::<u64>::new(), "{from}");
        assert_eq!(verified.get("/schema").await.status, 200, "{from}");
    }
    server.control.post("/reset", ()).await;
    assert_eq!(server.verified.get("/schema").await.status, 200);
    assert_eq!(make(&server.control, json!({"delay_ms": 1})).await, 1, "as at creation");
}

#[tokio::test]
async fn the_journal_shows_what_the_caller_got_and_which_rules_struck() {
    let server = Controlled::start();
    make(&server.control, json!({"delay_ms": 1, "method": "POST"})).await;
    make(&server.control, json!({"respond": {"status": 503, "body": {"down": true}}, "operation": "listSchemas"})).await;
    make(&server.control, json!({"connection": "reset", "times": 1, "method": "POST"})).await;
    make(&server.control, json!({"connection": "truncate", "times": 1, "operation": "getCredential"})).await;
    let unchecked = server.verified.without_contract();
    unchecked.get("/schema").await;
    let body = json!({"email": "a@example.com", "credentials": [{"type": "EmailCredential", "data": {"email": "a@example.com"}}]});
    assert!(unchecked.post("/credentials", body).attempt().await.is_err());
    assert!(unchecked.get("/credentials/none").attempt().await.is_err());
    let whole = server.verified.get("/credentials/none").await;
    let half = String::from_utf8(whole.body[..whole.body.len() / 2].to_vec()).unwrap();
    let noted = server.control.get("/requests").await.json();
    let shown: Vec<Value> = noted["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| json!([one["operation"], one["status"], one["faults"], one["connection"], one["response"]["body"]]))
        .collect();
    assert_eq!(
        shown,
        [
            json!(["listSchemas", 503, [2], null, {"down": true}]),
            json!(["issueCredentials", 444, [1, 3], "reset", null]),
            json!(["getCredential", 404, [4], "truncate", half]),
            json!(["getCredential", 404, null, null, whole.json()]),
        ]
    );
}

#[tokio::test]
async fn a_rule_that_cannot_be_is_refused_with_the_reason() {
    let server = Controlled::start();
    let effect = json!({"delay_ms": 1});
    let with = |name: &str, value: Value| {
        let mut rule = effect.clone();
        rule[name] = value;
        rule
    };
    let respond = |answer: Value| json!({"respond": answer});
    let limit = |per: &str| json!({"rate_limit": {"requests": 1, "per": per}});
    for (rule, expected) in [
        (json!({}), "a fault needs an effect: delay_ms, respond, rate_limit or connection"),
        (json!({"provider": "verified", "times": 1}), "a fault needs an effect"),
        (with("colour", json!("red")), "colour: unknown field `colour`, expected one of `provider`, `operation`"),
        (with("provider", json!("nobody")), "provider: there is no provider \"nobody\"; there are verified"),
        (with("provider", json!(7)), "provider: invalid type"),
        (with("operation", json!("fly")), "operation: there is no operation \"fly\"; verified has "),
        (with("path", json!("schema")), "path: \"schema\" must begin with / or *"),
        (with("path", json!("/a?b")), "path: \"/a?b\" has a query or a fragment"),
        (with("path", json!("/{id")), "path: \"/{id\" has a { without }"),
        (with("path", json!("/a".repeat(501))), "path: it is over 1000 characters"),
        (with("method", json!("G T")), "method: \"G T\" is no HTTP method"),
        (with("after", json!(-1)), "after: invalid value"),
        (with("after", json!(1.5)), "after: invalid type"),
        (with("times", json!(0)), "times: it must be 1 or more"),
        (with("times", json!("2")), "times: invalid type"),
        (with("chance", json!(1.1)), "chance: it must be from 0 to 1"),
        (with("chance", json!(-0.1)), "chance: it must be from 0 to 1"),
        (json!({"delay_ms": 0}), "delay_ms: it must be from 1 to 600000"),
        (json!({"delay_ms": 600_001}), "delay_ms: it must be from 1 to 600000"),
        (json!({"delay_ms": -5}), "delay_ms: invalid value"),
        (respond(json!({})), "respond: missing field `status`"),
        (respond(json!({"status": 199})), "respond.status: it must be from 200 to 599"),
        (respond(json!({"status": 600})), "respond.status: it must be from 200 to 599"),
        (respond(json!({"status": 200, "text": ""})), "respond.text: unknown field `text`"),
        (respond(json!({"status": 204, "body": "x"})), "respond.body: an answer with status 204 has none"),
        (respond(json!({"status": 304, "body": {}})), "respond.body: an answer with status 304 has none"),
        (respond(json!({"status": 200, "headers": {"a b": "c"}})), "respond.headers: \"a b\" is no header's name"),
        (respond(json!({"status": 200, "headers": {"a": "b\nc"}})), "respond.headers.a: \"b\\nc\" cannot be sent"),
        (respond(json!({"status": 200, "headers": {"a": 7}})), "respond.headers.a: "),
        (respond(json!({"status": 200, "headers": {"Content-Length": "7"}})), "respond.headers.Content-Length: the server sets it"),
        (respond(json!({"status": 200, "headers": {"transfer-encoding": "x"}})), "respond.headers.transfer-encoding: the server"),
        (respond(json!({"status": 200, "headers": {"connection": "close"}})), "respond.headers.connection: the server sets it"),
        (limit("1 minute"), "rate_limit.per: \"1 minute\" is no ISO 8601 duration"),
        (limit("PT0S"), "rate_limit.per: \"PT0S\" is no ISO 8601 duration such as \"PT1M\", above zero"),
        (limit("P367D"), "rate_limit.per: "),
        (json!({"rate_limit": {"requests": -1, "per": "PT1M"}}), "rate_limit.requests: invalid value"),
        (json!({"rate_limit": {"per": "PT1M"}}), "rate_limit: missing field `requests`"),
        (json!({"connection": "melt"}), "connection: unknown variant `melt`, expected one of `reset`, `truncate`, `drip`, `hang`"),
        (json!({"connection": "reset", "when": "never"}), "when: unknown variant `never`"),
        (json!({"respond": {"status": 500}, "rate_limit": {"requests": 1, "per": "PT1M"}}), "respond, rate_limit: "),
        (json!({"respond": {"status": 500}, "connection": "reset"}), "respond, connection: "),
        (json!({"respond": {"status": 500}, "connection": "hang"}), "respond, connection: "),
        (json!({"rate_limit": {"requests": 1, "per": "PT1M"}, "connection": "drip"}), "rate_limit, connection: "),
        (json!({"rate_limit": {"requests": 1, "per": "PT1M"}, "chance": 0.5}), "rate_limit, chance: "),
        (json!({"respond": {"status": 500}, "when": "before"}), "when: it is for delay_ms and for"),
        (json!({"connection": "drip", "delay_ms": 1, "when": "before"}), "when: it is for delay_ms and for"),
        (json!({"connection": "truncate", "delay_ms": 1, "when": "before"}), "when: an answer can be cut only after the work"),
        (json!({"respond": {"status": 500}, "delay_ms": 1, "when": "after"}), "when: there is no work before or after"),
    ] {
        let answer = server.control.post("/faults", &rule).await;
        let detail = detail(&answer, StatusCode::BAD_REQUEST, &rule.to_string());
        assert!(detail.starts_with(expected), "{rule}: {detail}");
    }
    assert_eq!(ids(&server.control).await, Vec::<u64>::new(), "none was made");
}

#[tokio::test]
async fn an_operation_is_looked_for_in_the_provider_that_is_named_or_in_all() {
    let server = Controlled::with(crate::harness::builder());
    let refused = |provider: Option<&str>| json!({"provider": provider, "operation": "getIdentity", "delay_ms": 1});
    make(&server.control, refused(None)).await;
    make(&server.control, refused(Some("publicmint"))).await;
    let answer = server.control.post("/faults", refused(Some("verified"))).await;
    let one = detail(&answer, StatusCode::BAD_REQUEST, "verified");
    assert!(one.contains("verified has ") && one.contains("listSchemas") && !one.contains("publicmint has "), "{one}");
    let answer = server.control.post("/faults", json!({"operation": "fly", "delay_ms": 1})).await;
    let all = detail(&answer, StatusCode::BAD_REQUEST, "all");
    for slug in server.understudy.providers() {
        assert!(all.contains(&format!("{slug} has ")), "{slug}: {all}");
    }
}

#[tokio::test]
async fn a_world_has_so_many_rules_and_no_more() {
    let server = Controlled::start();
    for _ in 0..understudy::world::faults::MAX_RULES {
        server.understudy.fault(understudy::world::faults::Rule { delay_ms: Some(1), ..Default::default() }).unwrap();
    }
    let answer = server.control.post("/faults", json!({"delay_ms": 1})).await;
    let detail = detail(&answer, StatusCode::CONFLICT, "1001");
    assert_eq!(detail, "a world takes 1000 fault rules; delete some");
    assert_eq!(ids(&server.control).await.len(), 1000);
}

#[tokio::test]
async fn the_control_api_is_never_struck() {
    let server = Controlled::start();
    for rule in [json!({"respond": {"status": 503}}), json!({"connection": "reset"}), json!({"path": "*", "delay_ms": 600_000})] {
        make(&server.control, rule).await;
    }
    assert_eq!(server.control.get("/clock").await.status, StatusCode::OK);
    assert_eq!(Client::new(server.understudy.url()).get("/").await.status, StatusCode::OK, "nor the front page");
    server.control.delete("/faults").await;
    issue(&server.verified, "a@example.com").await;
}
