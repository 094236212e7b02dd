//! The page at a session's address, by plain requests and in a real browser.

use chrono::TimeDelta;
use serde_json::json;
use thirtyfour::prelude::Key;

use super::{Signed as _, create, creation, fixture_session, result, session_path, start, view, with_setting};
use crate::browser::Browser;
use crate::client::{Client, Response};
use crate::harness::Api;

fn page(id: &str) -> String {
    format!("/idproofing/session/{id}")
}

async fn post<const N: usize>(client: &Client, id: &str, fields: [(&str, &str); N]) -> Response {
    client.post(&page(id), fields).await
}

/// The heading of a page.
#[track_caller]
fn heading(answer: &Response) -> String {
    let text = answer.text();
    let begin = text.find("<h1 id=\"heading\">").unwrap_or_else(|| panic!("{text}")) + "<h1 id=\"heading\">".len();
    text[begin..].split("</h1>").next().unwrap().to_owned()
}

#[tokio::test]
async fn a_person_goes_from_screen_to_screen() {
    let api = start();
    let mut body = creation("u", json!({"checks": ["selfie_liveness"]}));
    body["sessionRequest"]["user"]["firstname"] = json!("<b>Zoë</b>");
    let id = create(&api, body).await;
    let welcome = api.get(&page(&id)).await;
    assert_eq!(heading(&welcome), "Start Your Verification");
    assert!(welcome.text().contains("&#60;b&#62;Zoë"), "escaped: {}", welcome.text());
    assert!(welcome.header("content-security-policy").starts_with("default-src 'none'"));

    let unticked = post(&api, &id, [("action", "start")]).await;
    assert_eq!(unticked.status, 400);
    assert!(unticked.text().contains("Tick the box to agree before you start."));
    let begun = post(&api, &id, [("action", "start"), ("consent", "yes")]).await;
    assert_eq!((begun.status.as_u16(), begun.location()), (303, format!("{}{}", api.base, page(&id)).as_str()));
    for (screen, title, next) in [
        ("FRONT", "Front of your document", "Back of your document"),
        ("BACK", "Back of your document", "Your selfie"),
        ("SELFIE", "Your selfie", "How should this end?"),
    ] {
        assert_eq!(heading(&api.get(&page(&id)).await), title);
        let empty = post(&api, &id, [("action", "capture"), ("screen", screen)]).await;
        assert_eq!(empty.status, 400, "{screen}");
        assert!(empty.text().contains("Choose a photo first, or use the sample image."));
        let wrong = post(&api, &id, [("action", "capture"), ("screen", "OTHER"), ("use", "sample")]).await;
        assert_eq!(wrong.status, 303, "a form of another screen changes nothing");
        assert_eq!(heading(&api.get(&page(&id)).await), title);
        assert_eq!(post(&api, &id, [("action", "capture"), ("screen", screen), ("use", "sample")]).await.status, 303);
        assert_eq!(heading(&api.get(&page(&id)).await), next);
    }
    assert_eq!(view(&api, &id).await["status"], "INPROGRESS", "nothing is submitted before the outcome is chosen");
    assert_eq!(post(&api, &id, [("action", "finish"), ("outcome", "x")]).await.status, 400);
    let done = post(&api, &id, [("action", "finish"), ("outcome", "fail"), ("code", "IDV0008")]).await;
    let next = done.location().strip_prefix(&api.base).unwrap().to_owned();
    let processing = api.get(&next).await;
    assert_eq!(heading(&processing), "Processing");
    let over = format!("{}?screen=result", page(&id));
    assert!(processing.text().contains(&format!("<meta http-equiv=\"refresh\" content=\"1;url={}{over}\">", api.base)));
    let ended = api.get(&over).await;
    assert_eq!(heading(&ended), "You were not verified");
    assert!(ended.text().contains("COMPLETED_FAILED") && ended.text().contains("IDV0008"));
    assert_eq!(heading(&api.get(&page(&id)).await), "This session is no longer available");
    assert_eq!(result(&api, &id, json!({})).await["errorInfo"]["reasonCode"], "IDV0008");

    let listed = history(&api).await;
    assert_eq!(
        listed,
        ["E_IDV_INITIALIZATION", "E_IDV_USER_CONSENT", "STARTED", "E_IDV_DOCUMENTCAPTURE"],
        "what the page notes on its way"
    );
}

/// What the page notes about a session that is begun there and then started no more.
async fn history(api: &Api) -> Vec<String> {
    let id = create(api, creation("u", json!({}))).await;
    api.get(&page(&id)).await;
    post(api, &id, [("action", "start"), ("consent", "yes")]).await;
    post(api, &id, [("action", "capture"), ("screen", "FRONT"), ("use", "sample")]).await;
    activities(api, &id).await
}

async fn activities(api: &Api, id: &str) -> Vec<String> {
    let control = Client::new(api.understudy.control_url());
    control.put("/settings/1kosmos", json!({"start_idempotent": true})).await;
    let record = api.get(&session_path(id, "/start")).signed().await.json();
    control.put("/settings/1kosmos", json!({"start_idempotent": null})).await;
    let entries = record["data"]["history"].as_array().unwrap();
    entries.iter().map(|entry| entry["activity"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_outcome_can_be_chosen() {
    let api = start();
    for (outcome, word, title) in [
        ("pass", "COMPLETED_PASS", "You are verified"),
        ("fail", "COMPLETED_FAILED", "You were not verified"),
        ("review", "REVIEW", "Your documents are in review"),
        ("not_performed", "COMPLETED_NOT_PERFORMED", "You could not be verified"),
        ("steered", "REVIEW", "Your documents are in review"),
    ] {
        let mut body = creation("sbx-review", json!({}));
        body["sessionRequest"]["documentType"] = json!("ppt_object");
        let id = create(&api, body).await;
        post(&api, &id, [("action", "start"), ("consent", "yes")]).await;
        assert_eq!(heading(&api.get(&page(&id)).await), "Photo page of your passport");
        post(&api, &id, [("action", "capture"), ("screen", "FRONT"), ("use", "sample")]).await;
        assert!(api.get(&page(&id)).await.text().contains("outcome-steered"), "a passport has no back");
        post(&api, &id, [("action", "finish"), ("outcome", outcome)]).await;
        let ended = api.get(&format!("{}?screen=result", page(&id))).await;
        assert_eq!(heading(&ended), title, "{outcome}");
        assert!(ended.text().contains(&format!("id=\"completion\">{word}<")), "{outcome}");
    }
}

#[tokio::test]
async fn declining_and_retrying_are_within_reach() {
    let api = start();
    let id = create(&api, creation("u", json!({}))).await;
    let declined = post(&api, &id, [("action", "decline")]).await;
    assert_eq!(heading(&api.get(declined.location()).await), "You declined");
    assert_eq!(view(&api, &id).await["status"], "DECLINED");

    let id = create(&api, creation("u", json!({"maxRetries": 2}))).await;
    post(&api, &id, [("action", "start"), ("consent", "yes")]).await;
    for round in 0..2 {
        for screen in ["FRONT", "BACK"] {
            post(&api, &id, [("action", "capture"), ("screen", screen), ("use", "sample")]).await;
        }
        post(&api, &id, [("action", "finish"), ("outcome", "fail"), ("code", "IDV0011")]).await;
        let again = api.get(&page(&id)).await;
        assert_eq!(heading(&again), "That did not work");
        assert!(again.text().contains("Document expired."));
        assert!(again.text().contains(["You can try 2 more times.", "You can try once more."][round]));
        let action = ["retry", "cancel"][round];
        post(&api, &id, [("action", action)]).await;
    }
    assert_eq!(heading(&api.get(&format!("{}?screen=result", page(&id))).await), "You were not verified");
    assert_eq!(result(&api, &id, json!({})).await["errorInfo"]["reasonCode"], "IDV0011");
}

#[tokio::test]
async fn a_session_that_is_over_or_unknown_shows_nothing() {
    let api = start();
    for number in ["03", "04", "05", "06", "07", "08", "09"] {
        let answer = api.get(&page(&fixture_session(number))).await;
        assert_eq!((answer.status.as_u16(), heading(&answer).as_str()), (200, "This session is no longer available"), "{number}");
        let acted = post(&api, &fixture_session(number), [("action", "start"), ("consent", "yes")]).await;
        assert_eq!(acted.status, 303, "{number}");
    }
    for answer in [api.get(&page("x")).await, post(&api, "x", [("action", "start")]).await] {
        assert_eq!((answer.status.as_u16(), heading(&answer).as_str()), (404, "This session is no longer available"));
    }
    assert_eq!(heading(&api.get(&page(&fixture_session("0a"))).await), "That did not work");
}

#[tokio::test]
async fn the_result_leads_back_to_where_the_metadata_say() {
    let api = start();
    for (url, next) in [
        ("https://app.example/done", Some("https://app.example/done?sessionId=ID&#38;status=SUCCESS")),
        ("http://app.example/done?a=1#x", Some("http://app.example/done?a=1&#38;sessionId=ID&#38;status=SUCCESS#x")),
        ("javascript:alert(1)", None),
        ("myapp://done", None),
        ("nowhere", None),
    ] {
        let mut body = creation("u", json!({}));
        body["sessionRequest"]["workflowMetadata"] = json!({"callbackUrl": url});
        let id = create(&api, body).await;
        api.understudy.simulate("1kosmos", "complete-session", json!({"sessionId": id, "outcome": "pass"})).unwrap();
        let ended = api.get(&format!("{}?screen=result", page(&id))).await;
        let next = next.map(|next| next.replace("ID", &id));
        match next {
            Some(next) => {
                assert!(ended.text().contains(&format!("href=\"{next}\"")), "{url}: {}", ended.text());
                assert!(ended.text().contains(&format!("content=\"3;url={next}\"")), "{url}");
            }
            None => assert!(!ended.text().contains("id=\"continue\"") && !ended.text().contains("refresh"), "{url}"),
        }
    }
}

#[tokio::test]
async fn the_page_waits_while_the_verification_takes_its_time() {
    let api = with_setting("processing_delay_ms", json!(2000));
    let id = create(&api, creation("u", json!({}))).await;
    api.understudy.simulate("1kosmos", "complete-session", json!({"sessionId": id, "outcome": "pass"})).unwrap();
    let waiting = api.get(&page(&id)).await;
    assert_eq!(heading(&waiting), "Processing");
    assert!(waiting.text().contains("?screen=processing"));
    api.understudy.advance(TimeDelta::seconds(2)).unwrap();
    assert_eq!(heading(&api.get(&format!("{}?screen=processing", page(&id))).await), "Processing");
    assert_eq!(heading(&api.get(&format!("{}?screen=result", page(&id))).await), "You are verified");
}

#[tokio::test]
async fn odd_forms_do_no_harm() {
    let api = start();
    let id = create(&api, creation("u", json!({}))).await;
    for (content_type, body) in [
        ("multipart/form-data", &b"x"[..]),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\n--b--"),
        ("application/json", b"{\"action\":\"start\"}"),
        ("", b"\xff\xfe=%"),
    ] {
        let answer = api.post(&page(&id), body.to_vec()).header("content-type", content_type).await;
        assert_eq!(answer.status, 303, "{content_type}");
    }
    assert_eq!(view(&api, &id).await["status"], "PENDING");
}

#[tokio::test]
async fn a_browser_without_scripts_takes_a_person_through() {
    let api = start();
    let id = create(&api, creation("u", json!({"checks": ["selfie_liveness"], "maxRetries": 1}))).await;
    let folder = tempfile::tempdir().unwrap();
    let photo = folder.path().join("photo.png");
    std::fs::write(&photo, b"\x89PNG front").unwrap();
    let browser = Browser::without_javascript().await;
    browser.set_window(390, 984).await;
    browser.goto(&format!("{}{}", api.base, page(&id))).await;
    shot(&browser, "welcome").await;
    browser.click("#start").await;
    browser.wait_for("#heading", "Start Your Verification").await;
    browser.click("#consent").await;
    browser.click("#start").await;
    browser.wait_for("#heading", "Front of your document").await;
    shot(&browser, "front").await;
    browser.click("#continue").await;
    browser.wait_for("#error", "Choose a photo first").await;
    shot(&browser, "error").await;
    browser.choose_file("#image", &photo).await;
    browser.click("#continue").await;
    browser.wait_for("#heading", "Back of your document").await;
    browser.click("#sample").await;
    browser.wait_for("#heading", "Your selfie").await;
    shot(&browser, "selfie").await;
    browser.click("#sample").await;
    browser.wait_for("#heading", "How should this end?").await;
    browser.click("#outcome-fail").await;
    shot(&browser, "outcome").await;
    browser.click("#finish").await;
    browser.wait_for("#heading", "That did not work").await;
    shot(&browser, "retry").await;
    browser.click("#retry").await;
    browser.wait_for("#heading", "Front of your document").await;
    browser.choose_file("#image", &photo).await;
    browser.click("#continue").await;
    browser.wait_for("#heading", "Back of your document").await;
    browser.click("#sample").await;
    browser.wait_for("#heading", "Your selfie").await;
    browser.click("#sample").await;
    browser.wait_for("#heading", "How should this end?").await;
    browser.click("#finish").await;
    browser.wait_for("#completion", "COMPLETED_PASS").await;
    shot(&browser, "result").await;
    browser.set_window(1280, 940).await;
    shot(&browser, "result-wide").await;
    assert_eq!(result(&api, &id, json!({})).await["dl_object"]["image"], "iVBORyBmcm9udA==", "the chosen file");
}

#[tokio::test]
async fn a_keyboard_is_enough() {
    let api = start();
    let id = create(&api, creation("u", json!({}))).await;
    let browser = Browser::start().await;
    browser.set_window(1280, 940).await;
    browser.goto(&format!("{}{}", api.base, page(&id))).await;
    shot(&browser, "welcome-wide").await;
    browser.press(Key::Tab + "").await;
    browser.wait_until("#consent:focus").await;
    browser.press(" ").await;
    browser.wait_until("#consent:checked").await;
    browser.press(Key::Tab + "").await;
    browser.wait_until("#start:focus").await;
    browser.press(Key::Enter + "").await;
    browser.wait_for("#heading", "Front of your document").await;
    for title in ["Back of your document", "How should this end?"] {
        // Forwards the file field comes first, where a driver's keys would be taken for a path.
        browser.press(Key::Shift + Key::Tab).await;
        browser.wait_until("#sample:focus").await;
        browser.press(Key::Enter + "").await;
        browser.wait_for("#heading", title).await;
    }
    shot(&browser, "outcome-wide").await;
    browser.press(Key::Tab + "").await;
    browser.wait_until("#outcome-pass:focus").await;
    browser.press(Key::Enter + "").await;
    browser.wait_for("#completion", "COMPLETED_PASS").await;

    let declining = create(&api, creation("u", json!({}))).await;
    browser.goto(&format!("{}{}", api.base, page(&declining))).await;
    browser.click("#decline").await;
    browser.wait_for("#completion", "DECLINED").await;
    browser.goto(&format!("{}{}", api.base, page(&declining))).await;
    browser.wait_for("#heading", "This session is no longer available").await;
    shot(&browser, "gone-wide").await;
}

/// Keeps a picture of the page where `KOSMOS_SHOTS` names a folder.
async fn shot(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("KOSMOS_SHOTS") {
        browser.screenshot(std::path::Path::new(&folder).join(format!("{name}.png"))).await;
    }
}
