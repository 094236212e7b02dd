//! `clock`: what it shows, setting it, moving it, and what fires on the way.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Controlled, detail, start_flow};
use crate::harness::builder;

/// Kind and due time of what fired.
fn fired(answer: &Value) -> Vec<(&str, &str)> {
    let fired = answer["fired"].as_array().unwrap();
    fired.iter().map(|timer| (timer["kind"].as_str().unwrap(), timer["due"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_frozen_clock_stands_until_it_is_moved() {
    let server = Controlled::start();
    let clock = server.control.get("/clock").await.json();
    assert_eq!((clock["now"].as_str(), clock["mode"].as_str()), (Some("2026-01-01T00:00:00.000Z"), Some("frozen")));
    let moved = server.control.post("/clock/advance", json!({"by": "PT0.25S"})).await;
    assert_eq!(moved.status, StatusCode::OK);
    assert_eq!(moved.json()["now"], "2026-01-01T00:00:00.250Z");
    assert_eq!(server.control.get("/clock").await.json()["now"], "2026-01-01T00:00:00.250Z");
}

#[tokio::test]
async fn a_running_clock_keeps_its_distance_from_real_time() {
    let server = Controlled::with(understudy::Understudy::builder().starting_at(crate::harness::start_time()));
    let before = server.control.get("/clock").await.json();
    assert_eq!(before["mode"], "running");
    let moved = server.control.post("/clock/advance", json!({"by": "P1D"})).await.json();
    let day_ms = 86_400_000;
    assert_eq!(moved["offset_ms"].as_i64().unwrap(), before["offset_ms"].as_i64().unwrap() + day_ms);
    let frozen = server.control.put("/clock", json!({"mode": "frozen"})).await.json();
    assert!(frozen["now"].as_str().unwrap() >= moved["now"].as_str().unwrap(), "it stands where it was: {frozen} after {moved}");
    assert_eq!(server.control.get("/clock").await.json()["now"], frozen["now"]);
    let running = server.control.put("/clock", json!({"mode": "running"})).await.json();
    assert_eq!((&running["mode"], &running["now"]), (&json!("running"), &frozen["now"]), "it goes on from there");
}

#[tokio::test]
async fn timers_fire_on_the_way_in_order_each_at_its_own_due_time() {
    let server = Controlled::start();
    let wallet = start_flow(&server.verified).await;
    let subject = wallet.rsplit('/').next().unwrap();
    let nothing = server.control.post("/clock/advance", json!({"by": "PT4M59.999S"})).await.json();
    assert_eq!(fired(&nothing), [], "not a millisecond early");
    let moved = server.control.post("/clock/advance", json!({"by": "P1DT12H"})).await.json();
    assert_eq!(
        fired(&moved),
        [
            ("codeExpires", "2026-01-01T00:05:00.000Z"),
            ("flowExpires", "2026-01-01T00:30:00.000Z"),
            ("dailyWipe", "2026-01-01T05:00:00.000Z"),
            ("dailyWipe", "2026-01-02T05:00:00.000Z"),
        ]
    );
    assert_eq!(
        moved["fired"][0],
        json!({"provider": "verified", "kind": "codeExpires", "subject": subject, "due": "2026-01-01T00:05:00.000Z"})
    );
    assert_eq!(moved["now"], "2026-01-02T12:04:59.999Z");
}

#[tokio::test]
async fn a_timer_fires_at_its_very_millisecond() {
    let server = Controlled::start();
    start_flow(&server.verified).await;
    let moved = server.control.post("/clock/advance", json!({"by": "PT5M"})).await.json();
    assert_eq!(fired(&moved), [("codeExpires", "2026-01-01T00:05:00.000Z")]);
}

#[tokio::test]
async fn setting_the_clock_ahead_fires_what_becomes_due() {
    let server = Controlled::start();
    let moved = server.control.put("/clock", json!({"now": "2026-01-03T00:00:00+01:00"})).await.json();
    assert_eq!(moved["now"], "2026-01-02T23:00:00.000Z");
    assert_eq!(fired(&moved), [("dailyWipe", "2026-01-01T05:00:00.000Z"), ("dailyWipe", "2026-01-02T05:00:00.000Z")]);
}

#[tokio::test]
async fn a_clock_set_back_meets_its_recurring_timers_again() {
    let server = Controlled::start();
    server.control.put("/clock", json!({"now": "2026-06-01T12:00:00Z"})).await;
    let back = server.control.put("/clock", json!({"now": "2025-12-24T00:00:00Z"})).await.json();
    assert_eq!((back["now"].as_str(), fired(&back)), (Some("2025-12-24T00:00:00.000Z"), vec![]));
    let moved = server.control.post("/clock/advance", json!({"by": "P1D"})).await.json();
    assert_eq!(fired(&moved), [("dailyWipe", "2025-12-24T05:00:00.000Z")]);
}

#[tokio::test]
async fn an_empty_change_changes_nothing() {
    let server = Controlled::start();
    for body in [json!({}), json!({"now": null, "mode": null})] {
        let clock = server.control.put("/clock", body.clone()).await.json();
        assert_eq!((clock["now"].as_str(), clock["mode"].as_str()), (Some("2026-01-01T00:00:00.000Z"), Some("frozen")), "{body}");
    }
}

#[tokio::test]
async fn what_is_no_duration_or_leads_too_far_is_refused_and_the_clock_stays() {
    let server = Controlled::start();
    for (by, expected) in [
        ("P1Y", r#"by: "P1Y" is no ISO 8601 duration"#),
        ("P1M", r#"by: "P1M" is no ISO 8601 duration"#),
        ("PT-5M", r#"by: "PT-5M" is no ISO 8601 duration"#),
        ("-PT5M", r#"by: "-PT5M" is no ISO 8601 duration"#),
        ("5 minutes", r#"by: "5 minutes" is no ISO 8601 duration"#),
        ("", r#"by: "" is no ISO 8601 duration"#),
        ("PT0.5M", r#"by: "PT0.5M" is no ISO 8601 duration"#),
        ("P99999999D", "the clock can show 1970-01-01T00:00:00Z to 2199-12-31T23:59:59.999Z, and not"),
        ("P63552D", "the clock can show 1970-01-01T00:00:00Z to 2199-12-31T23:59:59.999Z, and not"),
    ] {
        let answer = server.control.post("/clock/advance", json!({"by": by})).await;
        let detail = detail(&answer, StatusCode::BAD_REQUEST, by);
        assert!(detail.starts_with(expected), "{by}: {detail}");
    }
    for now in ["1969-12-31T23:59:59.999Z", "2200-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        let answer = server.control.put("/clock", json!({"now": now})).await;
        let detail = detail(&answer, StatusCode::BAD_REQUEST, now);
        assert!(
            detail.starts_with("the clock can show 1970-01-01T00:00:00Z to 2199-12-31T23:59:59.999Z, and not"),
            "{now}: {detail}"
        );
    }
    assert_eq!(server.control.get("/clock").await.json()["now"], "2026-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn the_first_and_the_last_moment_can_be_shown() {
    let server = Controlled::with(builder().frozen_at("2199-12-30T12:00:00Z".parse().unwrap()));
    for now in ["2199-12-31T23:59:59.999Z", "1970-01-01T00:00:00.000Z"] {
        let answer = server.control.put("/clock", json!({"now": now})).await;
        assert_eq!(answer.json()["now"], now);
    }
}

#[tokio::test]
async fn a_world_has_a_clock_of_its_own() {
    let server = Controlled::start();
    server.control.post("/worlds", json!({"name": "w", "now": "2030-01-01T00:00:00Z", "clock": "frozen"})).await;
    let (control, _) = server.of("w");
    control.post("/clock/advance", json!({"by": "PT1H"})).await;
    assert_eq!(control.get("/clock").await.json()["now"], "2030-01-01T01:00:00.000Z");
    assert_eq!(server.control.get("/clock").await.json()["now"], "2026-01-01T00:00:00.000Z");
}
