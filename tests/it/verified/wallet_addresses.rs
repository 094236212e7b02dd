//! The wallet under all the addresses that lead to it: worlds, host names, and the links between them.

use http::StatusCode;
use serde_json::json;
use understudy::worlds::Spec;

use super::page::{Form, shown};
use super::wallet::{parameter, text};
use super::{HOOLI, KREDITA};
use crate::client::Client;
use crate::harness::{Api, contract};

/// Walks through a hosted 1-Click that `api` starts; every address must begin with `wallet`, and is opened by `browser` with `wallet`
/// replaced by `reach`.
async fn walk(api: &Client, browser: &Client, wallet: &str, reach: &str) {
    let reached = |url: &str| {
        let below = url.strip_prefix(wallet).unwrap_or_else(|| panic!("{url} is not below {wallet}"));
        format!("{reach}{below}")
    };
    let request = json!({"phone": "+10123456789", "verificationOptions": "both_link_and_code"});
    let started = api.post("/1-click", &request).bearer(HOOLI).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.text());
    let started = started.json();
    let url = text(&started, "url");
    assert_eq!(url.rsplit_once('/').unwrap().0, format!("{wallet}/request"));
    let sms = text(&started, "smsBody");
    let link = sms.split(' ').find(|word| word.starts_with("http")).unwrap();
    assert_eq!(link.rsplit_once('/').unwrap().0, format!("{wallet}/mt"));

    let code = browser.get(&reached(&url)).await;
    assert_eq!(code.status, StatusCode::OK, "{}", code.text());
    let form = Form::of(code.text(), "/verify");
    assert_eq!(form.action, format!("{url}/verify"));
    assert_eq!(Form::of(code.text(), "/decline").action, format!("{url}/decline"));
    let entered = Form { action: reached(&form.action), ..form }.with("code", "111111").send(browser).await;
    assert_eq!(entered.location(), url);
    let consent = browser.get(&reached(&url)).await;
    let form = Form::of(consent.text(), "/share");
    assert_eq!(form.action, format!("{url}/share"));
    assert_eq!(Form::of(consent.text(), "/decline").action, format!("{url}/decline"));
    assert_eq!(browser.get(&reached(link)).await.location(), url);
    let shared = Form { action: reached(&form.action), ..form }.send(browser).await;
    let read = api.get(&format!("/1-click/{}", parameter(&shared, "1ClickUuid"))).bearer(HOOLI).await;
    assert_eq!(read.status, StatusCode::OK);

    let request = json!({"phone": "+10123456789", "isHosted": false, "birthDate": "1989-08-01"});
    let url = text(&api.post("/1-click", &request).bearer(HOOLI).await.json(), "url");
    assert!(url.starts_with(&format!("{wallet}/signin/verify/generic?")), "{url}");
    let form = Form::of(browser.get(&reached(&url)).await.text(), "/signin");
    assert_eq!(form.action, format!("{wallet}/signin/verify/generic"));

    let request = json!({"email": "richard@piedpiper.net", "credentialRequests": ["EmailCredential"]});
    let url = text(&api.post("/hasMatchingCredentials", &request).bearer(KREDITA).await.json(), "url");
    assert!(url.starts_with(&format!("{wallet}/request/")), "{url}");
    assert_eq!(browser.get(&reached(&url)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_gateway_names_itself() {
    let api = Api::start("verified");
    walk(&api, &api.with_cookies(), &api.base, &api.base).await;
}

#[tokio::test]
async fn a_world_of_its_own_is_named_in_every_address() {
    let api = Api::start("verified");
    let world = api.understudy.create_world(Spec { name: Some("mine".to_owned()), ..Spec::default() }).unwrap();
    let base = world.provider_url("verified");
    assert!(base.ends_with("/~mine/verified"), "{base}");
    let mine = Client::new(&base).with_contract(&contract("verified"));
    walk(&mine, &mine.with_cookies(), &base, &base).await;
    assert_eq!(world.messages(None).unwrap().len(), 3, "two texts and a mail");
    assert_eq!(api.understudy.messages(None).unwrap().len(), 0, "nothing of it in the default world");
}

#[tokio::test]
async fn a_world_named_by_the_header_is_named_in_every_address_too() {
    let api = Api::start("verified");
    let world = api.understudy.create_world(Spec { name: Some("mine".to_owned()), ..Spec::default() }).unwrap();
    let base = world.provider_url("verified");
    // A browser sends no such header.
    let browser = Client::new(&base).with_contract(&contract("verified")).with_cookies();
    walk(&api.client.header("understudy-world", "mine"), &browser, &base, &base).await;
}

#[tokio::test]
async fn a_flow_exists_in_its_own_world_only() {
    let api = Api::start("verified");
    api.understudy.create_world(Spec { name: Some("mine".to_owned()), ..Spec::default() }).unwrap();
    let url = text(&api.post("/1-click", json!({"phone": "+10123456789"})).bearer(HOOLI).await.json(), "url");
    let elsewhere = url.replace("/verified/", "/~mine/verified/");
    let page = api.without_contract().get(&elsewhere).await;
    assert_eq!((page.status, shown(page.text()).lines().next()), (StatusCode::NOT_FOUND, Some("Nothing here")));
}

#[tokio::test]
async fn host_names_lead_to_the_wallet_without_a_prefix() {
    let api = Api::start("verified");
    let port = url::Url::parse(&api.base).unwrap().port().unwrap();
    let reach = format!("http://127.0.0.1:{port}");
    let checked = Client::new(&reach).with_contract(&contract("verified"));
    for (called, wallet) in [
        ("verified.localhost", "verified.localhost"),
        ("core-api.sandbox-verifiedinc.com", "wallet.sandbox-verifiedinc.com"),
        ("core-api.verified.inc", "wallet.verified.inc"),
    ] {
        for suffix in [format!(":{port}"), String::new()] {
            let (called, wallet) = (format!("{called}{suffix}"), format!("{wallet}{suffix}"));
            let browser = checked.header("host", &wallet).with_cookies();
            walk(&checked.header("host", &called), &browser, &format!("http://{wallet}"), &reach).await;
        }
    }
}

#[tokio::test]
async fn a_port_of_the_providers_own_needs_no_prefix() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _api = Api::with("verified", crate::harness::builder().listen("verified", port));
    let base = format!("http://127.0.0.1:{port}");
    let client = Client::new(&base).with_contract(&contract("verified"));
    walk(&client, &client.with_cookies(), &base, &base).await;
}

#[tokio::test]
async fn an_external_address_stands_in_every_link_and_makes_cookies_secure() {
    let api = Api::with("verified", crate::harness::builder().external("https", "sandbox.example"));
    let reach = format!("http://{}/verified", api.understudy.addresses()[0]);
    let client = Client::new(&reach).with_contract(&contract("verified"));
    walk(&client, &client.with_cookies(), "https://sandbox.example/verified", &reach).await;
    let url = text(&client.post("/1-click", json!({"phone": "+10123456789"})).bearer(HOOLI).await.json(), "url");
    let id = url.rsplit('/').next().unwrap();
    let entered = client.post(&format!("/request/{id}/verify"), [("code", "111111")]).await;
    assert_eq!(
        entered.header("set-cookie").split("; ").skip(1).collect::<Vec<_>>(),
        ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"]
    );
}
