//! `worlds`, `reset`: making, copying, deleting worlds, and bringing them back to their beginning.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Controlled, detail, issue, issued_id, start_flow};
use crate::client::{Body, Client, Response};
use crate::control::KEY;
use crate::harness::{builder, contract};

fn names(answer: &Response) -> Vec<String> {
    let worlds = answer.json()["worlds"].as_array().unwrap().clone();
    worlds.iter().map(|world: &Value| world["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_world_is_made_from_the_fixtures_with_addresses_of_its_own() {
    let server = Controlled::start();
    let url = server.understudy.url();
    let body = json!({"name": "w", "seed": 9, "now": "2027-02-03T04:05:06.789Z", "clock": "frozen"});
    let made = server.control.post("/worlds", body).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.location(), format!("{url}/_understudy/worlds/w"));
    let mut world = made.json();
    assert!(world["clock"].as_object_mut().unwrap().remove("offset_ms").is_some());
    let providers = world.as_object_mut().unwrap().remove("providers").unwrap();
    assert_eq!(
        world,
        json!({
            "name": "w",
            "seed": 9,
            "clock": {"now": "2027-02-03T04:05:06.789Z", "mode": "frozen"},
            "url": format!("{url}/~w"),
            "control": format!("{url}/~w/_understudy"),
        })
    );
    assert_eq!(providers["verified"], format!("{url}/~w/verified"));
    let fixture =
        Client::new(providers["verified"].as_str().unwrap()).bearer(KEY).get("/userCredentials/richard%40piedpiper.net").await;
    assert_eq!(fixture.status, StatusCode::OK, "the fixtures are there: {}", fixture.text());
    assert_eq!(server.control.get(made.location()).await.json()["name"], "w");
    assert_eq!(names(&server.control.get("/worlds").await), ["default", "w"]);
}

#[tokio::test]
async fn a_world_without_a_name_gets_one_that_was_never_used() {
    let server = Controlled::start();
    let mut seen = BTreeSet::new();
    for body in [json!({}), json!({"name": null}), json!({"from": "fixtures"})] {
        let made = server.control.post("/worlds", body.clone()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{body}");
        let name = made.json()["name"].as_str().unwrap().to_owned();
        assert!(seen.insert(name.clone()), "{name} is used again");
        // A client that still talks to a world that is gone must not meet another's.
        server.control.delete(&format!("/worlds/{name}")).await;
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["world-1", "world-2", "world-3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn worlds_made_at_the_same_time_get_different_names() {
    let server = Controlled::with(builder().workers(4));
    let calls: Vec<_> = (0..32)
        .map(|_| {
            let control = server.control.clone();
            tokio::spawn(async move { control.post("/worlds", json!({})).await })
        })
        .collect();
    let mut made = BTreeSet::new();
    for call in calls {
        let answer = call.await.unwrap();
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        made.insert(answer.json()["name"].as_str().unwrap().to_owned());
    }
    assert_eq!(made.len(), 32);
}

#[tokio::test]
async fn names_that_cannot_stand_in_an_address_are_refused() {
    let server = Controlled::start();
    let long = "a".repeat(64);
    for name in ["", " ", "W", "a b", "a/b", "-a", "_a", "é", "a.b", "~a", "a%20b", &long] {
        let answer = server.control.post("/worlds", json!({"name": name})).await;
        let detail = detail(&answer, StatusCode::BAD_REQUEST, name);
        assert!(detail.starts_with(&format!("{name:?} cannot be a world's name: ")), "{detail}");
    }
    let longest = "a".repeat(63);
    for name in ["a", "0", "a-b_c-9", &longest] {
        let answer = server.control.post("/worlds", json!({"name": name})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{name}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_name_that_is_taken_is_a_conflict() {
    let server = Controlled::start();
    server.control.post("/worlds", json!({"name": "w"})).await;
    for name in ["w", "default"] {
        let answer = server.control.post("/worlds", json!({"name": name})).await;
        assert_eq!(detail(&answer, StatusCode::CONFLICT, name), format!("there is already a world named {name:?}"));
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_no_world_is_made() {
    let server = Controlled::start();
    for (body, status, expected) in [
        (json!({"from": "nothing"}), StatusCode::BAD_REQUEST, "from: \"nothing\" is none of \"fixtures\", \"world:<name>\", "),
        (json!({"from": "world:nobody"}), StatusCode::NOT_FOUND, "there is no world named \"nobody\" to copy"),
        (json!({"from": "world:"}), StatusCode::NOT_FOUND, "there is no world named \"\" to copy"),
        (json!({"now": "2200-01-01T00:00:00Z"}), StatusCode::BAD_REQUEST, "the clock can show 1970-01-01T00:00:00Z to"),
        (json!({"idle_ttl": "P1Y"}), StatusCode::BAD_REQUEST, "idle_ttl: \"P1Y\" is no ISO 8601 duration such as \"PT10M\""),
        (json!({"settings": {"nobody": {"a": 1}}}), StatusCode::BAD_REQUEST, "settings: there is no provider \"nobody\""),
        (json!({"settings": {"verified": {"a": 1}}}), StatusCode::BAD_REQUEST, "settings: verified has no setting \"a\"; it has "),
        (json!({"fixtures": {"nobody": {}}}), StatusCode::BAD_REQUEST, "fixtures: there is no provider \"nobody\""),
        (json!({"fixtures": {"verified": {"users": [{"uuid": 1}]}}}), StatusCode::BAD_REQUEST, "fixtures: "),
        (json!({"fixtures": {"verified": {"usrs": []}}}), StatusCode::BAD_REQUEST, "fixtures: "),
        (
            json!({"fixtures": {"verified": {}}, "from": "world:default"}),
            StatusCode::BAD_REQUEST,
            "fixtures: only a world that begins with the fixtures takes additions",
        ),
        (json!({"settings": {"verified": {"wire": 1}}}), StatusCode::BAD_REQUEST, "settings: verified.wire: it must be one of "),
    ] {
        let case = body.to_string();
        let mut named = body;
        named["name"] = json!("w");
        let answer = server.control.post("/worlds", named).await;
        let detail = detail(&answer, status, &case);
        assert!(detail.starts_with(expected), "{case}: {detail}");
    }
    assert_eq!(names(&server.control.get("/worlds").await), ["default"]);
}

#[tokio::test]
async fn fixtures_are_added_to_and_a_reset_brings_the_additions_back() {
    let server = Controlled::start();
    let brand = json!({"uuid": "7854ec22-f913-4d67-824d-adb2a756bfff", "name": "Raviga", "apiKey": "raviga-key", "trusted": false,
        "redirectUrl": "http://localhost/", "partners": []});
    let made = server.control.post("/worlds", json!({"name": "w", "fixtures": {"verified": {"brands": [brand]}}})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let (control, verified) = server.of("w");
    let read = async || verified.bearer("raviga-key").get("/userCredentials/richard%40piedpiper.net").await.status;
    assert_eq!(read().await, StatusCode::OK);
    control.post("/reset", ()).await;
    assert_eq!(read().await, StatusCode::OK);
    let default = server.verified.bearer("raviga-key").get("/userCredentials/richard%40piedpiper.net").await;
    assert_eq!(default.status, StatusCode::UNAUTHORIZED, "other worlds are as they were");
}

#[tokio::test]
async fn settings_hold_from_the_first_request_and_after_a_reset() {
    let server = Controlled::start();
    server.control.post("/worlds", json!({"name": "w", "settings": {"verified": {"codes": "random"}}})).await;
    let (control, verified) = server.of("w");
    let code = async || control.get("/outbox").await.json()["messages"][0]["code"].clone();
    start_flow(&verified).await;
    assert_ne!(code().await, "111111");
    control.put("/settings/verified", json!({"codes": null})).await;
    control.post("/reset", ()).await;
    start_flow(&verified).await;
    assert_ne!(code().await, "111111", "as at creation");
    start_flow(&server.verified).await;
    assert_eq!(server.control.get("/outbox").await.json()["messages"][0]["code"], "111111", "the default world has its own");
}

#[tokio::test]
async fn a_copy_is_exact_with_data_timers_chance_and_settings_and_goes_its_own_way() {
    let server = Controlled::start();
    server.control.put("/settings/verified", json!({"wire": "observed"})).await;
    let credential = issued_id(&issue(&server.verified, "a@example.com").await);
    start_flow(&server.verified).await;
    server.control.post("/clock/advance", json!({"by": "PT1M"})).await;
    let made = server.control.post("/worlds", json!({"name": "copy", "from": "world:default"})).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!((&made.json()["seed"], &made.json()["clock"]["now"]), (&json!(7), &json!("2026-01-01T00:01:00.000Z")));
    let (control, verified) = server.of("copy");

    let path = format!("/credentials/{credential}");
    assert_eq!(verified.get(&path).await.body, server.verified.get(&path).await.body);
    for path in ["/outbox", "/settings/verified"] {
        assert_eq!(control.get(path).await.body, server.control.get(path).await.body, "{path}");
    }
    // Chance goes on from the same place: the same request draws the same ids in both.
    let there = issue(&verified, "b@example.com").await;
    let here = issue(&server.verified, "b@example.com").await;
    assert_eq!(there.body, here.body);
    // And so does time: the same timers are due at the same moments.
    let moved = async |control: &Client| control.post("/clock/advance", json!({"by": "P1D"})).await.json()["fired"].clone();
    let fired = moved(&control).await;
    assert_eq!(fired.as_array().unwrap().len(), 3, "{fired}");
    assert_eq!(server.control.get("/clock").await.json()["now"], "2026-01-01T00:01:00.000Z", "only the copy's clock moved");
    assert_eq!(moved(&server.control).await, fired);
    // The copy goes its own way, and comes back to what it was copied as.
    let extra = issued_id(&issue(&verified, "c@example.com").await);
    assert_eq!(server.verified.get(&format!("/credentials/{extra}")).await.status, StatusCode::NOT_FOUND);
    control.post("/reset", ()).await;
    assert_eq!(verified.get(&format!("/credentials/{extra}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(verified.get(&path).await.status, StatusCode::OK);
    assert_eq!(control.get("/clock").await.json()["now"], "2026-01-01T00:01:00.000Z");
    assert_eq!(moved(&control).await, fired);
}

#[tokio::test]
async fn a_copy_can_have_another_seed_and_another_time() {
    let server = Controlled::start();
    let body = json!({"name": "copy", "from": "world:default", "seed": 8, "now": "2026-01-05T00:00:00Z", "clock": "running"});
    let made = server.control.post("/worlds", body).await.json();
    assert_eq!((&made["seed"], &made["clock"]["mode"]), (&json!(8), &json!("running")));
    assert!(made["clock"]["now"].as_str().unwrap().starts_with("2026-01-05T00:00:"), "{made}");
    let (_, verified) = server.of("copy");
    assert_ne!(issued_id(&issue(&verified, "a@example.com").await), issued_id(&issue(&server.verified, "a@example.com").await));
}

#[tokio::test]
async fn a_world_of_the_same_seed_and_clock_gives_the_same_bytes() {
    let server = Controlled::start();
    let mut answers = BTreeSet::new();
    for name in ["a", "b"] {
        let body = json!({"name": name, "seed": 7, "now": "2026-01-01T00:00:00Z", "clock": "frozen"});
        server.control.post("/worlds", body).await;
        answers.insert(issue(&server.of(name).1, "a@example.com").await.body);
    }
    answers.insert(issue(&server.verified, "a@example.com").await.body);
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn ports_of_its_own_answer_for_a_world_and_die_with_it() {
    let server = Controlled::start();
    let made = server.control.post("/worlds", json!({"name": "w", "listen": true})).await.json();
    let base = made["providers"]["verified"].as_str().unwrap().to_owned();
    assert!(!base.starts_with(&server.understudy.url()), "{base} is another port");
    let own = Client::new(&base).with_contract(&contract("verified")).bearer(KEY);
    let id = issued_id(&issue(&own, "a@example.com").await);
    let path = format!("/credentials/{id}");
    assert_eq!(own.get(&path).await.status, StatusCode::OK);
    assert_eq!(server.of("w").1.get(&path).await.status, StatusCode::OK, "it is the same world");
    assert_eq!(server.verified.get(&path).await.status, StatusCode::NOT_FOUND);
    assert!(start_flow(&own).await.starts_with(&format!("{base}/request/")), "links stay at the port");
    // The control API is at the port too, and speaks of the world.
    let there = Client::new(format!("{base}/_understudy")).get("/info").await.json();
    assert_eq!(there["world"], "w");

    assert_eq!(server.control.delete("/worlds/w").await.status, StatusCode::NO_CONTENT);
    let address = base.strip_prefix("http://").unwrap();
    // Closing takes the accept loop one turn; a port that stays open would keep this from ending.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_ports_of_a_deleted_world_do_not_serve_its_namesake() {
    let server = Controlled::start();
    let made = server.control.post("/worlds", json!({"name": "w", "listen": true})).await.json();
    let old = Client::new(made["providers"]["verified"].as_str().unwrap()).bearer(KEY);
    old.get("/credentials/none").await;
    server.control.delete("/worlds/w").await;
    server.control.post("/worlds", json!({"name": "w"})).await;
    if let Ok(answer) = old.get("/userCredentials/richard%40piedpiper.net").attempt().await {
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());
    }
    assert_eq!(server.of("w").0.get("/requests").await.json()["requests"], json!([]), "the new world saw nothing");
}

#[tokio::test]
async fn a_deleted_world_is_gone_and_its_name_free() {
    let server = Controlled::start();
    server.control.post("/worlds", json!({"name": "w"})).await;
    let (control, verified) = server.of("w");
    let id = issued_id(&issue(&verified, "a@example.com").await);
    let gone = server.control.delete("/worlds/w").await;
    assert_eq!((gone.status, gone.body.len()), (StatusCode::NO_CONTENT, 0));
    assert_eq!(control.get("/clock").await.status, StatusCode::NOT_FOUND);
    let answer = verified.without_contract().get(&format!("/credentials/{id}")).await;
    detail(&answer, StatusCode::NOT_FOUND, "the provider in the deleted world");
    for answer in [server.control.get("/worlds/w").await, server.control.delete("/worlds/w").await] {
        let detail = detail(&answer, StatusCode::NOT_FOUND, "w");
        assert!(detail.starts_with("there is no world named \"w\""), "{detail}");
    }
    assert_eq!(server.control.post("/worlds", json!({"name": "w"})).await.status, StatusCode::CREATED);
    assert_eq!(verified.get(&format!("/credentials/{id}")).await.status, StatusCode::NOT_FOUND, "the new one is fresh");
}

#[tokio::test]
async fn the_default_world_stays() {
    let server = Controlled::start();
    let answer = server.control.delete("/worlds/default").await;
    detail(&answer, StatusCode::CONFLICT, "default");
    assert_eq!(names(&server.control.get("/worlds").await), ["default"]);
}

#[tokio::test]
async fn a_reset_brings_everything_back_to_the_beginning() {
    let server = Controlled::start();
    let first = issue(&server.verified, "a@example.com").await;
    let user = "/userCredentials/a%40example.com";
    start_flow(&server.verified).await;
    server.control.put("/settings/verified", json!({"codes": "random", "wire": "observed"})).await;
    server.control.put("/clock", json!({"now": "2026-03-01T00:00:00Z", "mode": "running"})).await;
    for body in [Body::from(()), json!({}).into(), json!({"to": "fixtures"}).into()] {
        let done = server.control.post("/reset", body).await;
        assert_eq!((done.status, done.body.len()), (StatusCode::NO_CONTENT, 0));
        let clock = server.control.get("/clock").await.json();
        assert_eq!((clock["now"].as_str(), clock["mode"].as_str()), (Some("2026-01-01T00:00:00.000Z"), Some("frozen")));
        assert_eq!(server.control.get("/outbox").await.json(), json!({"messages": []}));
        assert_eq!(server.control.get("/requests").await.json(), json!({"requests": []}));
        for setting in server.control.get("/settings/verified").await.json()["settings"].as_array().unwrap() {
            assert_eq!(setting["value"], setting["default"], "{setting}");
        }
        let path = format!("/credentials/{}", issued_id(&first));
        assert_eq!(server.verified.get(&path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(server.control.get("/requests").await.json()["requests"][0]["id"], 1, "numbering begins anew");
        assert_ne!(server.verified.get(user).await.body, first.body);
    }
    let fired = server.control.post("/clock/advance", json!({"by": "P1D"})).await.json()["fired"].clone();
    assert_eq!(fired.as_array().unwrap().len(), 1, "only the daily wipe is left: {fired}");
}

#[tokio::test]
async fn a_reset_world_gives_the_bytes_of_a_fresh_one() {
    let server = Controlled::start();
    let first = issue(&server.verified, "a@example.com").await;
    issue(&server.verified, "b@example.com").await;
    server.control.post("/reset", ()).await;
    assert_eq!(issue(&server.verified, "a@example.com").await.body, first.body);
}

#[tokio::test]
async fn a_reset_to_empty_leaves_no_data() {
    let server = Controlled::start();
    assert_eq!(server.verified.get("/userCredentials/richard%40piedpiper.net").await.status, StatusCode::OK);
    assert_eq!(server.control.post("/reset", json!({"to": "empty"})).await.status, StatusCode::NO_CONTENT);
    let refused = server.verified.get("/userCredentials/richard%40piedpiper.net").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "there is no key: {}", refused.text());
    assert_eq!(server.control.get("/clock").await.json()["now"], "2026-01-01T00:00:00.000Z");
    let fired = server.control.post("/clock/advance", json!({"by": "P1D"})).await.json()["fired"].clone();
    assert_eq!(fired.as_array().unwrap().len(), 1, "recurring timers are there: {fired}");
    server.control.post("/reset", ()).await;
    assert_eq!(server.verified.get("/userCredentials/richard%40piedpiper.net").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_reset_leaves_other_worlds_alone() {
    let server = Controlled::start();
    server.control.post("/worlds", json!({"name": "w"})).await;
    let (control, verified) = server.of("w");
    let id = issued_id(&issue(&server.verified, "a@example.com").await);
    issue(&verified, "a@example.com").await;
    control.post("/reset", ()).await;
    assert_eq!(server.verified.get(&format!("/credentials/{id}")).await.status, StatusCode::OK);
}
