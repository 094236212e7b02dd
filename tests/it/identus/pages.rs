//! The front page, in a browser.

use http::StatusCode;

use super::*;
use crate::browser::Browser;

#[tokio::test]
async fn the_front_page_shows_what_a_client_needs_without_javascript() {
    let api = start();
    let browser = Browser::without_javascript().await;
    browser.goto(&format!("{}/", api.understudy.provider_url("identus"))).await;
    assert_eq!(browser.text("h1").await, "Identity agent is running");
    assert_eq!(browser.text("#base").await, format!("{}/api/v1/", api.understudy.provider_url("identus")));
    assert_eq!(browser.text("#admin-key").await, ADMIN);
    let alice = "#entity-583d9250-6b70-5004-a9aa-9b2a4dc05947";
    assert_eq!(browser.text(&format!("{alice} h3")).await, "alice (admin)");
    assert_eq!(browser.text(&format!("{alice} .key")).await, ALICE);
    assert_eq!(browser.text(&format!("{alice} .did")).await, ALICES_DID);
    assert_eq!(browser.text(".connection").await, CONNECTION);
}

#[tokio::test]
async fn the_front_page_of_an_empty_world_says_so_and_refreshing_leads_back_to_it() {
    let api = start();
    let page = api.get("/").await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    assert!(!page.text().contains("<script"), "no script");
    let refreshed = api.get("/refresh").await;
    let url = url::Url::parse(&api.understudy.provider_url("identus")).unwrap();
    assert_eq!((refreshed.status, refreshed.location()), (StatusCode::FOUND, format!("{}/", url.path()).as_str()));
    let hostile = json!({"name": "<b>x</b>", "role": "\"'&"});
    api.post("/api/v1/admin/entity", hostile).header("x-admin-api-key", ADMIN).await;
    let page = api.get("/").await;
    assert!(page.text().contains("&#60;b&#62;x&#60;/b&#62;") && !page.text().contains("<b>x</b>"), "{}", page.text());
}

#[tokio::test]
async fn the_front_page_fits_a_phone_and_a_desk() {
    let api = start();
    let browser = Browser::start().await;
    for (width, height) in [(390, 844), (1280, 800)] {
        browser.set_window(width, height).await;
        browser.goto(&format!("{}/", api.understudy.provider_url("identus"))).await;
        assert_eq!(browser.overflow().await, 0, "{width}");
        browser.screenshot(format!("{}/identus-home-{width}.png", env!("CARGO_TARGET_TMPDIR"))).await;
    }
}
