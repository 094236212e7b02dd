//! The pages that watch a world, as a client and as a person see them. Screenshots are left in `target/tmp`.

use chrono::TimeDelta;
use http::{Method, StatusCode};
use thirtyfour::Key;
use understudy::world::clock::Mode;
use understudy::world::journal::Filter;
use understudy::worlds::Spec;
use understudy::{Understudy, WorldHandle};

use crate::browser::Browser;
use crate::client::{Client, Response};
use crate::control::{KEY, issue, start_flow};
use crate::harness::{builder, start_time};

/// A phone and a desktop.
const WINDOWS: [(&str, u32, u32); 2] = [("phone", 390, 1400), ("desktop", 1280, 1200)];

async fn shoot(browser: &Browser, name: &str) {
    browser.screenshot(format!("{}/dashboard-{name}.png", env!("CARGO_TARGET_TMPDIR"))).await;
}

fn start() -> Understudy {
    builder().start().expect("the server starts")
}

fn verified(world: &WorldHandle) -> Client {
    Client::new(world.provider_url("verified")).bearer(KEY)
}

/// Requests with every class of answer, and a message.
async fn some_traffic(world: &WorldHandle) {
    let verified = verified(world);
    issue(&verified, "a@example.com").await;
    let wallet = start_flow(&verified).await;
    verified.get("/credentials/none").await;
    verified.get("/userCredentials/richard%40piedpiper.net").await;
    let home = Client::new(&wallet);
    assert_eq!(home.post("/verify", [("code", "111111")]).await.status, StatusCode::FOUND);
    verified.get(&format!("/nothing/{}?q=%3Cb%3E&x=1", "a-long-path/".repeat(12))).await;
}

async fn act(home: &Client, fields: &[(&str, &str)]) -> Response {
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let call = home.call(Method::POST, "/").header("content-type", "application/x-www-form-urlencoded");
    call.body(form.into_bytes()).await
}

#[tokio::test]
async fn pages_look_well_on_a_phone_and_on_a_desktop() {
    let understudy = start();
    let world = understudy.create_world(Spec { name: Some("demo".to_owned()), ..Default::default() }).unwrap();
    let browser = Browser::start().await;
    for (window, width, height) in WINDOWS {
        browser.set_window(width, height).await;
        browser.goto(&format!("{}/", world.url())).await;
        browser.wait_for("#live", "Live").await;
        shoot(&browser, &format!("{window}-empty")).await;
        assert_eq!(browser.overflow().await, 0, "{window}: empty");
        some_traffic(&understudy).await;
        browser.goto(&understudy.url()).await;
        browser.wait_for("#live", "Live").await;
        shoot(&browser, &format!("{window}-front")).await;
        assert_eq!(browser.overflow().await, 0, "{window}: front");
        browser.goto(&format!("{}/?request=1", understudy.url())).await;
        shoot(&browser, &format!("{window}-request")).await;
        assert_eq!(browser.overflow().await, 0, "{window}: request");
    }
}

#[tokio::test]
async fn a_page_is_complete_without_a_script_and_loads_nothing_from_elsewhere() {
    let understudy = start();
    some_traffic(&understudy).await;
    let home = Client::new(understudy.url());
    for path in ["/", "/?only=errors", "/?request=1", "/?request=77"] {
        let page = home.get(path).await;
        let expected = if path.ends_with("77") { StatusCode::NOT_FOUND } else { StatusCode::OK };
        assert_eq!(page.status, expected, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-"), "{path}: {policy}");
        assert!(policy.contains("connect-src 'self'; img-src data:; form-action 'self'"), "{path}: {policy}");
        assert!(!page.text().contains(" src="), "{path}");
    }
}

#[tokio::test]
async fn a_call_of_another_method_or_from_another_site_is_refused() {
    let understudy = start();
    let home = Client::new(understudy.url());
    let answer = home.put("/", ()).await;
    assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD, POST"));
    let head = home.call(Method::HEAD, "/").await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    issue(&verified(&understudy), "a@example.com").await;
    for (name, value) in [("origin", "https://evil.example"), ("origin", "null"), ("host", "evil.example")] {
        let form = [("do", "forget-requests")];
        let refused = home.post("/", form).header(name, value).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert_eq!(understudy.requests(&Filter::default()).len(), 1, "nothing was done");
}

#[tokio::test]
async fn forms_act_on_the_world_and_lead_back() {
    let understudy = start();
    let world = understudy.create_world(Spec { name: Some("w".to_owned()), ..Spec::default() }).unwrap();
    world.set_clock_mode(Mode::Frozen).unwrap();
    let home = Client::new(world.url());
    let done = async |fields: &[(&str, &str)]| {
        let answer = act(&home, fields).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/~w/"), "{fields:?}: {}", answer.text());
    };
    done(&[("do", "set"), ("now", " 2030-01-01T01:00:00+01:00 ")]).await;
    done(&[("do", "advance"), ("by", "PT5M")]).await;
    assert_eq!(world.clock().now.to_rfc3339(), "2030-01-01T00:05:00+00:00");
    done(&[("do", "run")]).await;
    assert_eq!(world.clock().mode, Mode::Running);
    done(&[("do", "freeze")]).await;
    assert_eq!(world.clock().mode, Mode::Frozen);
    start_flow(&verified(&world)).await;
    done(&[("do", "forget-requests")]).await;
    assert_eq!(world.requests(&Filter::default()).len(), 0);
    assert_eq!(world.messages(None).unwrap().len(), 1);
    done(&[("do", "forget-messages")]).await;
    assert_eq!(world.messages(None).unwrap(), []);
    start_flow(&verified(&world)).await;
    done(&[("do", "reset")]).await;
    assert_eq!((world.requests(&Filter::default()).len(), world.messages(None).unwrap().len()), (0, 0));
    assert_eq!(world.clock().mode, Mode::Running, "as at its creation");
    assert_eq!(understudy.clock().now, start_time(), "other worlds are left alone");
}

#[tokio::test]
async fn a_form_that_makes_no_sense_is_shown_again_with_what_is_wrong() {
    let understudy = start();
    let home = Client::new(understudy.url());
    let range = "the clock can show 1970-01-01T00:00:00Z to 2199-12-31T23:59:59.999Z, and not ";
    for (fields, expected) in [
        (&[("do", "advance"), ("by", "5 min")][..], "“5 min” is no duration such as PT5M (five minutes)"),
        (&[("do", "advance")], "“” is no duration such as PT5M"),
        (&[("do", "advance"), ("by", "P99999999D")], range),
        (&[("do", "set"), ("now", "<tomorrow>")], "“&#60;tomorrow&#62;” is no moment such as 2026-01-01T00:00:00Z."),
        (&[("do", "set"), ("now", "2200-01-01T00:00:00Z")], range),
        (&[("do", "nothing")], "There is nothing called “nothing” to do."),
        (&[], "There is nothing called “” to do."),
    ] {
        let page = act(&home, fields).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{fields:?}");
        assert!(page.text().contains(expected), "{fields:?}: {}", page.text());
        assert!(page.text().contains("<title>Error: World default"), "{fields:?}");
    }
    assert_eq!(understudy.clock().now, start_time());
}

#[tokio::test]
async fn looking_at_a_world_leaves_no_trace() {
    let [quiet, watched] = [start(), start()];
    let home = Client::new(watched.url());
    for path in ["/", "/?only=errors", "/?request=1"] {
        home.get(path).await;
    }
    let made = [issue(&verified(&quiet), "a@example.com").await, issue(&verified(&watched), "a@example.com").await];
    assert_eq!(made[0].body, made[1].body, "the same ids");
}

#[tokio::test]
async fn a_person_without_javascript_sees_and_moves_the_world() {
    let understudy = start();
    some_traffic(&understudy).await;
    let browser = Browser::without_javascript().await;
    browser.goto(&understudy.url()).await;
    assert_eq!(browser.text("#now").await, "2026-01-01 00:00:00");
    assert!(!browser.exists("#live:not([hidden])").await, "nothing claims to be live");
    assert_eq!(browser.text("#outbox .code-shown").await, "111111");
    browser.fill("#by", "half an hour").await;
    browser.click("#advance").await;
    browser.wait_for("#by-error", "“half an hour” is no duration").await;
    browser.wait_until("#by:focus").await;
    assert_eq!(browser.value("#by").await, "half an hour");
    browser.fill("#by", "PT30M").await;
    browser.press(Key::Enter).await;
    browser.wait_for("#now", "2026-01-01 00:30:00").await;
    browser.click("#by-day").await;
    browser.wait_for("#now", "2026-01-02 00:30:00").await;
    browser.fill("#set", "2027-01-01T00:00:00Z").await;
    browser.click("#set-clock").await;
    browser.wait_for("#now", "2027-01-01 00:00:00").await;
    browser.click("#run").await;
    browser.wait_for("#mode", "running").await;
    browser.click("#freeze").await;
    browser.wait_for("#mode", "frozen").await;

    browser.click("#errors").await;
    browser.wait_until("#all").await;
    assert!(!browser.exists("#request-1").await, "it went well");
    browser.click("#request-3").await;
    browser.wait_for("#status", "404 Not Found").await;
    assert!(browser.text("#answered pre").await.contains("\"className\": \"not-found\""));
    browser.click("#older").await;
    browser.wait_for("#url", "/verified/1-click").await;
    assert!(browser.text("#sent pre").await.contains("\"phone\": \"+10123456789\""));
    assert!(browser.text("#curl").await.starts_with("curl 'http://"), "it can be sent again");
    browser.click("#back").await;
    browser.click("#forget-requests").await;
    browser.wait_for("#requests .empty", "No request yet.").await;
    browser.click("#reset").await;
    browser.wait_for("#now", "2026-01-01 00:00:00").await;
    browser.wait_for("#outbox .empty", "Nothing was sent yet.").await;
}

#[tokio::test]
async fn the_page_follows_the_world_live() {
    let understudy = start();
    let verified = verified(&understudy);
    let browser = Browser::start().await;
    browser.goto(&understudy.url()).await;
    browser.wait_for("#live", "Live").await;
    assert!(browser.exists("#requests .empty").await);
    browser.fill("#by", "PT").await;
    start_flow(&verified).await;
    browser.wait_for("#requests tbody", "createOneClick").await;
    browser.wait_for("#outbox", "111111").await;
    understudy.advance(TimeDelta::minutes(5)).unwrap();
    browser.wait_for("#now", "2026-01-01 00:05:00").await;
    assert_eq!(browser.value("#by").await, "PT", "what is being typed stays");
    verified.get("/nothing/%3Cscript%3Ealert(1)%3C/script%3E").await;
    browser.wait_for("#requests tbody", "/nothing/%3Cscript%3E").await;
    understudy.reset().unwrap();
    browser.wait_for("#requests .empty", "No request yet.").await;
    browser.wait_for("#now", "2026-01-01 00:00:00").await;
    understudy.set_clock_mode(Mode::Running).unwrap();
    browser.wait_for("#mode", "running").await;
    drop(understudy);
    browser.wait_for("#live", "Not connected").await;
}

#[tokio::test]
async fn a_request_is_shown_whatever_its_body() {
    let understudy = start();
    let verified = verified(&understudy).without_contract();
    let home = Client::new(understudy.url());
    let post = |media_type: &'static str, body: Vec<u8>| {
        verified.call(Method::POST, "/nothing").header("content-type", media_type).body(body)
    };
    for (media_type, body, expected) in [
        ("application/json", br#"{"a":{"b":1}}"#.to_vec(), "{\n  &#34;a&#34;: {\n    &#34;b&#34;: 1\n  }\n}"),
        ("application/json", b"{".to_vec(), ">{</pre>"),
        ("text/html", b"<script>alert(1)</script>".to_vec(), "&#60;script&#62;alert(1)&#60;/script&#62;"),
        ("application/octet-stream", vec![0xff, 0xfe], "The body is not text"),
        ("text/plain", vec![b'x'; 100_001], "Only its beginning"),
        ("text/plain", Vec::new(), "No body."),
    ] {
        post(media_type, body.clone()).await;
        let id = understudy.requests(&Filter::default()).last().unwrap().id;
        let page = home.get(&format!("/?request={id}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains(expected), "{media_type}: {expected} is not in {}", page.text());
        assert_eq!(page.text().contains("id=\"curl\""), !expected.contains("not text") && body.len() < 100_000, "{media_type}");
    }
    for id in ["0", "77", "x", "%3Cb%3E"] {
        let page = home.get(&format!("/?request={id}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{id}");
        assert!(page.text().contains("id=\"unknown\"") && !page.text().contains("<b>&"), "{id}");
    }
}
