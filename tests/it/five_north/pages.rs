//! What people see, in a real browser.

use http::{Method, StatusCode};
use serde_json::json;
use thirtyfour::Key;

use super::{
    CONTRACTS, CREDENTIALS, ERLICH, JARED, RICHARD, RICHARD_GOOGLE, USERS, check, each, encoded, institution, link, ok, simulate,
    start,
};
use crate::browser::Browser;

/// Writes a picture where `UNDERSTUDY_SCREENSHOTS` names a folder.
async fn picture(browser: &Browser, name: &str) {
    if let Ok(folder) = std::env::var("UNDERSTUDY_SCREENSHOTS") {
        for (width, height) in [(390, 984), (1280, 940)] {
            browser.set_window(width, height).await;
            browser.screenshot(format!("{folder}/5n-{name}-{width}.png")).await;
        }
    }
}

#[tokio::test]
async fn the_verification_page_shows_what_the_check_says() {
    let api = start();
    let client = institution(&api).await;
    let browser = Browser::without_javascript().await;
    for (row, name) in [(0, "strong"), (5, "moderate"), (6, "weak"), (7, "revoked"), (8, "archived"), (10, "expired")] {
        let token = link(&client, CONTRACTS[row]).await;
        let report = check(&api, &token).await.json();
        browser.goto(&format!("{}/verify/{token}", api.base)).await;
        for (hook, member) in [
            ("status", "status"),
            ("color", "color"),
            ("provider", "kycProvider"),
            ("issued-at", "issuedAt"),
            ("expires-at", "expiredAt"),
            ("contract-id", "contractId"),
        ] {
            assert_eq!(browser.text(&format!("[data-testid={hook}]")).await, report[member].as_str().unwrap(), "{name}: {hook}");
        }
        match report["message"].as_str() {
            Some(message) => assert_eq!(browser.text("[data-testid=message]").await, message, "{name}"),
            None => assert!(!browser.exists("[data-testid=message]").await, "{name}"),
        }
        match report["credentialData"].as_object() {
            Some(data) => {
                let shown = browser.text("[data-testid=credential-data]").await;
                for (key, value) in data {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    assert!(shown.contains(&format!("{key} {value}")), "{name}: {key} {value} should be in {shown}");
                }
            }
            None => assert!(!browser.exists("[data-testid=credential-data]").await, "{name}"),
        }
        picture(&browser, name).await;
    }
    let token = link(&client, RICHARD_GOOGLE).await;
    simulate(&api, "delete-credential", json!({"contractId": RICHARD_GOOGLE}));
    browser.goto(&format!("{}/verify/{token}", api.base)).await;
    assert_eq!(browser.text("[data-testid=status]").await, "not_found");
    assert_eq!(browser.text("[data-testid=message]").await, "Credential not found");
    assert!(!browser.exists("[data-testid=provider]").await);
    api.understudy.advance(chrono::TimeDelta::seconds(900)).unwrap();
    browser.goto(&format!("{}/verify/{token}", api.base)).await;
    assert_eq!(browser.text("h1").await, "Verification link not found or expired");
    picture(&browser, "gone").await;
}

#[tokio::test]
async fn the_verification_page_has_the_right_status_and_headers() {
    let api = start();
    let client = institution(&api).await;
    let token = link(&client, RICHARD_GOOGLE).await;
    for (token, status) in [(token.as_str(), StatusCode::OK), ("unknown", StatusCode::NOT_FOUND)] {
        let page = api.get(&format!("/verify/{token}")).await;
        assert_eq!(page.status, status);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    }
    api.understudy.advance(chrono::TimeDelta::milliseconds(899_999)).unwrap();
    assert_eq!(api.get(&format!("/verify/{token}")).await.status, StatusCode::OK);
    api.understudy.advance(chrono::TimeDelta::milliseconds(1)).unwrap();
    let page = api.get(&format!("/verify/{token}")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text().contains("Verification link not found or expired"));
}

#[tokio::test]
async fn what_a_credential_says_is_shown_as_text() {
    let api = start();
    let client = institution(&api).await;
    super::ask(&client, ERLICH, &["GITHUB"]).await;
    let evil = "<img src=x onerror=alert(1)>&\"'";
    let made = simulate(
        &api,
        "issue-credential",
        json!({"partyId": ERLICH, "provider": "GITHUB", "metadata": {"username": evil, "<b>": {"a": 1}}}),
    );
    let token = link(&client, made["contractId"].as_str().unwrap()).await;
    let browser = Browser::without_javascript().await;
    browser.goto(&format!("{}/verify/{token}", api.base)).await;
    let shown = browser.text("[data-testid=credential-data]").await;
    assert!(shown.contains(evil), "{shown}");
    assert!(shown.contains("<b> {\"a\":1}"), "{shown}");
    assert!(!browser.exists("[data-testid=credential-data] img, [data-testid=credential-data] b").await);
}

#[tokio::test]
async fn a_user_decides_in_the_wallet() {
    let api = start();
    let client = institution(&api).await;
    let browser = Browser::without_javascript().await;
    browser.goto(&format!("{}/wallet", api.base)).await;
    picture(&browser, "wallets").await;
    browser.click("#users li:nth-child(5) a").await;
    browser.wait_for("#title", "Jared Dunn").await;
    assert_eq!(browser.text("#party").await, JARED);
    assert_eq!(browser.text("#request-511-state").await, "Pending");
    picture(&browser, "wallet-pending").await;

    browser.click("#approve-511").await;
    browser.wait_for("#request-511-state", "Approved").await;
    assert_eq!(browser.url().await, format!("{}/wallet/{}", api.base, encoded(JARED)));
    assert_eq!(each(&ok(&client, &format!("{CREDENTIALS}/{JARED}")).await, "provider"), ["GOOGLE"]);
    browser.click("#withdraw-511").await;
    browser.wait_for("#request-511-state", "Withdrawn").await;
    assert_eq!(ok(&client, &format!("{CREDENTIALS}/{JARED}")).await, json!([]));
    assert!(!browser.exists("#approve-511, #withdraw-511").await);

    super::ask(&client, JARED, &["GITHUB"]).await;
    browser.goto(&format!("{}/wallet/{JARED}", api.base)).await;
    browser.click("#reject-515").await;
    browser.wait_for("#request-515-state", "Rejected").await;
    let page = ok(&client, &format!("{USERS}?limit=1")).await;
    assert_eq!(page["items"][0]["reqStatus"], "REJECTED");
}

#[tokio::test]
async fn a_user_links_and_unlinks_accounts_in_the_wallet() {
    let api = start();
    let client = institution(&api).await;
    super::ask(&client, super::GAVIN, &["GITHUB"]).await;
    let proposal = super::proposal(&client, 515).await;
    simulate(&api, "decide-request", json!({"proposalId": proposal, "decision": "approve"}));
    let browser = Browser::start().await;
    let wallet = format!("{}/wallet/{}", api.base, super::GAVIN);
    browser.goto(&wallet).await;
    assert_eq!(browser.text("#no-accounts").await, "You have not linked an account.");
    let state = async || {
        let credentials = ok(&client, &format!("{CREDENTIALS}/{}", super::GAVIN)).await;
        let credential = credentials.as_array().unwrap().first().cloned().unwrap_or_default();
        let text = |member: &str| credential[member].as_str().unwrap_or_default().to_owned();
        (text("contractId"), text("freshness"))
    };
    // Each step is over when the server has done what the button says; then the page is looked at anew.
    let push = async |button: &str| {
        let before = state().await;
        browser.click(button).await;
        for _ in 0..10_000 {
            if state().await != before {
                break;
            }
        }
        browser.goto(&wallet).await;
        state().await
    };
    let (first, _) = push("#link-github").await;
    assert_eq!(browser.text("#account-github-state").await, "Fresh");
    assert_eq!(browser.text("#contract-github").await, first);
    picture(&browser, "wallet-linked").await;
    let (second, _) = push("#reverify-github").await;
    assert_ne!(first, second);
    assert_eq!(browser.text("#contract-github").await, second);
    assert_eq!(push("#revoke-github").await, (second, "REVOKED".to_owned()));
    assert_eq!(browser.text("#account-github-state").await, "Revoked");
    assert!(!browser.exists("#reverify-github").await);
    assert_eq!(push("#link-github").await.1, "FRESH");
    assert_eq!(push("#unlink-github").await, (String::new(), String::new()));
    assert_eq!(browser.text("#no-accounts").await, "You have not linked an account.");
}

#[tokio::test]
async fn the_wallet_works_with_the_keyboard() {
    let api = start();
    let client = institution(&api).await;
    let browser = Browser::without_javascript().await;
    browser.goto(&format!("{}/wallet/{JARED}", api.base)).await;
    browser.press(Key::Tab).await;
    browser.wait_until("#approve-511:focus").await;
    browser.press(Key::Tab).await;
    browser.wait_until("#reject-511:focus").await;
    browser.press(Key::Shift + Key::Tab).await;
    browser.press(Key::Enter).await;
    browser.wait_for("#request-511-state", "Approved").await;
    assert_eq!(ok(&client, &format!("{USERS}?search=jared")).await["items"][0]["reqStatus"], "APPROVED");
}

#[tokio::test]
async fn the_wallet_of_richard_is_full() {
    let api = start();
    let browser = Browser::start().await;
    browser.goto(&format!("{}/wallet/{RICHARD}", api.base)).await;
    assert_eq!(browser.text("#account-twitter-state").await, "Fresh");
    assert_eq!(browser.text("#request-501-state").await, "Approved");
    assert!(browser.exists("#link-reddit").await && !browser.exists("#link-google").await);
    picture(&browser, "wallet-full").await;
    browser.goto(&format!("{}/wallet/nobody", api.base)).await;
    assert_eq!(browser.text("h1").await, "No such wallet");
}

#[tokio::test]
async fn buttons_that_do_not_fit_the_state_do_nothing_and_say_so() {
    let api = start();
    let client = institution(&api).await;
    let pending = super::proposal(&client, 511).await;
    let approved = super::proposal(&client, 514).await;
    let jared = format!("/wallet/{}", encoded(JARED));
    let jared_google = super::JARED_GOOGLE;
    for (case, form, status) in [
        ("nothing", vec![], 400),
        ("no such action", vec![("action", "fly"), ("subject", jared_google)], 400),
        ("another's request", vec![("action", "withdraw"), ("subject", &approved)], 404),
        ("no such request", vec![("action", "approve"), ("subject", "x")], 404),
        ("another's credential", vec![("action", "revoke"), ("subject", RICHARD_GOOGLE)], 404),
        ("no such credential", vec![("action", "unlink"), ("subject", "x")], 404),
        ("no such provider", vec![("action", "link"), ("subject", "SUMSUB")], 400),
        ("linked already", vec![("action", "link"), ("subject", "GOOGLE")], 409),
        ("not approved yet", vec![("action", "withdraw"), ("subject", &pending)], 409),
    ] {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let answer = api.post(&jared, body.as_str()).header("content-type", "application/x-www-form-urlencoded").await;
        assert_eq!(answer.status.as_u16(), status, "{case}");
        assert!(answer.text().contains("Nothing was done: "), "{case}");
    }
    let approve = [("action", "approve"), ("subject", pending.as_str())];
    let answer = api.post("/wallet/nobody", approve).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    for site in ["cross-site", "same-site"] {
        let answer = api.post(&jared, approve).header("sec-fetch-site", site).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{site}");
    }
    assert_eq!(ok(&client, &format!("{USERS}?reqStatus=PENDING")).await["pagination"]["total"], 2);
    let answer = api.post(&jared, approve).header("sec-fetch-site", "same-origin").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location(), format!("{}{jared}", api.base));
    let answer = api.call(Method::DELETE, &jared).await;
    assert_eq!(answer.header("allow"), "GET, HEAD, POST");
}
