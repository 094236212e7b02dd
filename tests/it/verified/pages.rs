//! The wallet in a real browser, as a person uses it. Screenshots are left in `target/tmp`.

use http::StatusCode;
use serde_json::{Value, json};
use thirtyfour::Key;

use super::wallet::{hosted, text};
use super::{HOOLI, KREDITA};
use crate::browser::Browser;
use crate::harness::Api;

/// A phone and a desktop.
const WINDOWS: [(&str, u32, u32); 2] = [("phone", 390, 844), ("desktop", 1280, 800)];

async fn shoot(browser: &Browser, name: &str) {
    browser.screenshot(format!("{}/verified-{name}.png", env!("CARGO_TARGET_TMPDIR"))).await;
}

/// A page that the browser can be sent to in the end.
fn destination(api: &Api) -> String {
    format!("{}/health", api.understudy.control_url())
}

/// Reads the 1-Click that the browser's address names.
async fn read_back(api: &Api, browser: &Browser) -> Value {
    let url = url::Url::parse(&browser.url().await).unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    assert_eq!(url.as_str().split_once('?').unwrap().0, destination(api));
    let (name, uuid) = &pairs[0];
    assert_eq!((name.as_str(), &pairs[1]), ("1ClickUuid", &("optedOut".to_owned(), "false".to_owned())));
    let read = api.get(&format!("/1-click/{uuid}")).bearer(HOOLI).await;
    assert_eq!(read.status, StatusCode::OK);
    read.json()
}

/// Presses the tabulator until an element has the focus.
async fn tab_to(browser: &Browser, css: &str) {
    let focused = format!("{css}:focus");
    for _ in 0..8 {
        browser.press(Key::Tab).await;
        if browser.exists(&focused).await {
            return;
        }
    }
    panic!("the tabulator does not lead to {css}");
}

#[tokio::test]
async fn a_person_without_javascript_signs_up_in_a_minute() {
    let api = Api::start("verified");
    let browser = Browser::without_javascript().await;
    for (window, width, height) in WINDOWS {
        browser.set_window(width, height).await;
        let url = hosted(&api, json!({"phone": "+10123456789", "redirectUrl": destination(&api)})).await;
        browser.goto(&url).await;
        assert_eq!(browser.text("#sent-to").await, "We texted a 6-digit code to (012) 345-6789.");
        browser.wait_until("#code:focus").await; // the code can be typed at once
        shoot(&browser, &format!("{window}-code")).await;
        browser.fill("#code", "000000").await;
        browser.click("#verify").await;
        browser.wait_for("#error", "Invalid or expired verification code").await;
        shoot(&browser, &format!("{window}-code-wrong")).await;
        browser.fill("#code", "111111").await;
        browser.click("#verify").await;

        browser.wait_for("#heading", "1-Click Signup").await;
        assert_eq!(browser.text("#label-fullName").await, "FULL NAME");
        assert_eq!(browser.value("#field-fullName-firstName").await, "Richard");
        assert_eq!(browser.text("#value-birthDate").await, "On file: August 1, 1989");
        shoot(&browser, &format!("{window}-consent")).await;
        browser.fill("#field-ssn", "222-33").await;
        browser.click("#share").await;
        browser.wait_for("#error-ssn", r#"must match format "ssn""#).await;
        shoot(&browser, &format!("{window}-consent-wrong")).await;
        browser.fill("#field-ssn", "222-33-4455").await;
        browser.click("#share").await;

        browser.wait_for("body", "\"status\":\"ok\"").await;
        let read = read_back(&api, &browser).await;
        assert_eq!(
            read["credentials"],
            json!({
                "fullName": {"firstName": "Richard", "lastName": "Hendricks"},
                "email": "richard@piedpiper.net",
                "phone": "+10123456789",
                "address": {"line1": "5320 Newell Rd", "city": "Palo Alto", "state": "CA", "country": "US", "zipCode": "94303"},
                "birthDate": "617976000000",
                "ssn": "222334455"
            }),
            "{window}"
        );
        let methods = &read["metadata"]["credentials"];
        assert_eq!(methods["ssn"]["verificationMethod"], "self_attested", "{window}");
        assert_eq!(methods["birthDate"]["verificationMethod"], "phone_carrier", "{window}");
        assert_eq!(methods["address"]["country"]["verificationMethod"], "phone_carrier", "{window}");

        browser.goto(&url).await;
        browser.wait_for("h1", "You’re all set").await;
        shoot(&browser, &format!("{window}-done")).await;
        browser.click("#continue").await;
        browser.wait_for("body", "\"status\":\"ok\"").await;
    }
}

#[tokio::test]
async fn the_keyboard_is_enough() {
    let api = Api::start("verified");
    let browser = Browser::without_javascript().await;
    browser.set_window(1280, 800).await;
    let url = hosted(&api, json!({"phone": "+12125550022", "redirectUrl": destination(&api)})).await;
    browser.goto(&url).await;
    browser.wait_until("#code:focus").await;
    browser.press("111-111").await;
    browser.press(Key::Enter).await;

    browser.wait_for("h1", "Confirm it’s you").await;
    shoot(&browser, "identity").await;
    tab_to(&browser, "#birthDate").await;
    tab_to(&browser, "#ssn4").await;
    browser.press("6789").await;
    browser.press(Key::Enter).await;

    browser.wait_for("#heading", "1-Click Signup").await;
    for css in ["#select-fullName", "#field-fullName-firstName", "#field-fullName-lastName", "#field-email", "#select-phone"] {
        tab_to(&browser, css).await;
    }
    browser.press(Key::Space).await;
    for css in ["#field-address-country", "#field-birthDate", "#select-ssn", "#field-ssn", "#share"] {
        tab_to(&browser, css).await;
    }
    shoot(&browser, "focus").await;
    browser.press(Key::Enter).await;
    browser.wait_for("body", "\"status\":\"ok\"").await;
    let read = read_back(&api, &browser).await;
    assert_eq!(read["credentials"].get("phone"), None, "its tick was taken away");
    assert_eq!(read["credentials"]["ssn"], "123456789");
}

#[tokio::test]
async fn mistakes_are_announced_and_lead_to_their_fields() {
    let api = Api::start("verified");
    let browser = Browser::without_javascript().await;
    let url = hosted(&api, json!({"phone": "+10123456789", "redirectUrl": destination(&api)})).await;
    browser.goto(&url).await;
    browser.fill("#code", "111 111").await;
    browser.click("#verify").await;
    browser.fill("#field-email", "richard").await;
    browser.fill("#field-address-state", "Texas").await;
    browser.click("#share").await;
    browser.wait_for("#error-email", "must match").await;
    browser.wait_until("#error:focus").await; // the summary has the focus, so that it is read out
    browser.wait_until("#field-email[aria-invalid=true][aria-describedby~=error-email]").await;
    browser.wait_until("#field-address-state[aria-invalid=true][aria-describedby~=error-address-state]").await;
    assert!(!browser.exists("#field-ssn[aria-invalid]").await);
    browser.press(Key::Tab).await;
    browser.wait_until("#error a[href='#field-email']:focus").await;
    browser.press(Key::Enter).await;
    assert!(browser.exists("#field-email:focus").await || browser.url().await.ends_with("#field-email"));
    shoot(&browser, "mistakes").await;
}

#[tokio::test]
async fn a_person_opts_out_before_and_after_the_code() {
    let api = Api::start("verified");
    let browser = Browser::without_javascript().await;
    browser.set_window(390, 844).await;
    for (code, method) in [(None, Value::Null), (Some("111111"), json!("otp"))] {
        let url = hosted(&api, json!({"phone": "+10123456789", "redirectUrl": destination(&api)})).await;
        browser.goto(&url).await;
        if let Some(code) = code {
            browser.fill("#code", code).await;
            browser.click("#verify").await;
            browser.wait_for("#heading", "1-Click Signup").await;
        }
        assert_eq!(browser.text("#decline").await, "Enter info manually instead");
        browser.click("#decline").await;
        browser.wait_for("body", "\"status\":\"ok\"").await;
        let ended = url::Url::parse(&browser.url().await).unwrap();
        let uuid = ended.query_pairs().find(|(name, _)| name == "1ClickUuid").unwrap().1.into_owned();
        assert_eq!(ended.query(), Some(format!("1ClickUuid={uuid}&optedOut=true").as_str()));
        let read = api.get(&format!("/1-click/{uuid}")).bearer(HOOLI).await.json();
        assert_eq!(read["metadata"], json!({"identifiers": {"phone": {"verificationMethod": method}}}));
        browser.goto(&url).await;
        browser.wait_for("h1", "Nothing was shared").await;
    }
}

#[tokio::test]
async fn no_page_is_wider_than_its_window() {
    let api = Api::start("verified");
    let browser = Browser::start().await;
    let long = "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarengewis";
    let issue = json!({"email": format!("{long}@piedpiper.example"), "credentials": [
        {"type": "FullNameCredential", "data": [
            {"type": "FirstNameCredential", "data": {"firstName": "Hubert"}}, {"type": "LastNameCredential", "data": {"lastName": long}}
        ]},
        {"type": "EmailCredential", "data": {"email": format!("{long}@piedpiper.example")}},
        {"type": "EmailCredential", "data": {"email": format!("two.{long}@piedpiper.example")}}
    ]});
    assert_eq!(api.post("/credentials", issue).bearer(HOOLI).await.status, StatusCode::CREATED);
    for (window, width, height) in [("narrow", 320, 700), ("phone", 390, 844), ("desktop", 1280, 800)] {
        browser.set_window(width, height).await;
        let ask = json!({
            "email": format!("{long}@piedpiper.example"),
            "description": format!("{long} {long}"),
            "credentialRequests": [
                {"type": "FullNameCredential", "mandatory": "yes", "description": format!("{long}{long}")},
                {"type": "EmailCredential", "mandatory": "yes", "allowUserInput": true},
                {"type": "EmployerCredential", "allowUserInput": true},
                {"type": "GenderCredential", "mandatory": "yes", "allowUserInput": true, "description": "So that we know how to greet you."},
                {"type": format!("{long}Credential")}
            ]
        });
        let url = text(&api.post("/hasMatchingCredentials", ask).bearer(KREDITA).await.json(), "url");
        let redirect: String = url::form_urlencoded::byte_serialize(destination(&api).as_bytes()).collect();
        browser.goto(&format!("{url}&redirectUrl={redirect}")).await;
        assert_eq!(browser.overflow().await, 0, "code page, {window}");
        browser.fill("#code", "000000").await;
        browser.click("#verify").await;
        browser.wait_for("#error", "Invalid").await;
        assert_eq!(browser.overflow().await, 0, "wrong code, {window}");
        browser.fill("#code", "111111").await;
        browser.click("#verify").await;
        browser.wait_for("h1", "Wolfe").await;
        shoot(&browser, &format!("{window}-long")).await;
        assert_eq!(browser.overflow().await, 0, "consent page, {window}");
        browser.click("#share").await;
        browser.wait_for("#error-gender", "This field is required.").await;
        assert_eq!(browser.overflow().await, 0, "mistake, {window}");
        browser.click("#decline").await;
        browser.wait_for("body", "\"status\":\"ok\"").await;
        browser.goto(&url).await;
        browser.wait_for("h1", "Nothing was shared").await;
        assert_eq!(browser.overflow().await, 0, "done page, {window}");
        browser.goto(&format!("{}/mt/unknown", api.base)).await;
        assert_eq!(browser.overflow().await, 0, "message, {window}");
    }
}

#[tokio::test]
async fn a_person_selects_among_several_values() {
    let api = Api::start("verified");
    let issue = json!({"email": "jared@piedpiper.net", "credentials": [{"type": "EmailCredential", "data": {"email": "dunn@piedpiper.net"}}]});
    assert_eq!(api.post("/credentials", issue).bearer(HOOLI).await.status, StatusCode::CREATED);
    let browser = Browser::without_javascript().await;
    browser.set_window(390, 1000).await;
    let ask = json!({"email": "jared@piedpiper.net", "credentialRequests": [
        {"type": "EmailCredential", "mandatory": "yes", "allowUserInput": true}, {"type": "AddressCredential"}
    ]});
    let url = text(&api.post("/hasMatchingCredentials", ask).bearer(KREDITA).await.json(), "url");
    let redirect: String = url::form_urlencoded::byte_serialize(destination(&api).as_bytes()).collect();
    browser.goto(&format!("{url}&redirectUrl={redirect}")).await;
    browser.fill("#code", "111111").await;
    browser.click("#verify").await;
    browser.wait_for("#label-email", "EMAIL *").await;
    shoot(&browser, "several").await;
    browser.click("#choice-email option[value=other]").await;
    browser.fill("#field-email", "j@dunn.example").await;
    shoot(&browser, "several-other").await;
    browser.click("#select-address").await;
    shoot(&browser, "left-out").await;
    browser.click("#share").await;
    browser.wait_for("body", "\"status\":\"ok\"").await;
    let ended = browser.url().await;
    let uuid = ended.split_once("sharedCredentialsUuid=").unwrap().1.to_owned();
    let read = api.get(&format!("/sharedCredentials/{uuid}")).bearer(KREDITA).await.json();
    let credentials = read["credentials"].as_array().unwrap();
    assert_eq!(credentials.len(), 1, "{read}");
    assert_eq!(credentials[0]["data"], json!({"email": "j@dunn.example"}));
}
