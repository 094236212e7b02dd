//! The wallet, driven over HTTP: the code, the short link, the identity question, and who is signed in.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use super::page::{Form, shown};
use super::{HOOLI, KREDITA};
use crate::client::{Client, Response};
use crate::harness::Api;

/// Starts a 1-Click for Hooli; the answer.
pub(super) async fn one_click(api: &Api, body: Value) -> Value {
    let started = api.post("/1-click", &body).bearer(HOOLI).await;
    assert_eq!(started.status, StatusCode::CREATED, "{body}: {}", started.text());
    started.json()
}

/// Starts a hosted 1-Click for Hooli; the wallet's address of it.
pub(super) async fn hosted(api: &Api, body: Value) -> String {
    text(&one_click(api, body).await, "url")
}

/// A text of an object.
#[track_caller]
pub(super) fn text(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap_or_else(|| panic!("no {key} in {object}")).to_owned()
}

/// Enters a code.
pub(super) async fn enter(browser: &Client, url: &str, code: &str) -> Response {
    let page = url.split('?').next().unwrap_or_default();
    browser.post(&format!("{page}/verify"), [("code", code)]).await
}

/// A browser that entered the right code.
pub(super) async fn signed_in(api: &Api, url: &str) -> Client {
    let browser = api.with_cookies();
    assert_eq!(browser.get(url).await.status, StatusCode::OK);
    let entered = enter(&browser, url, "111111").await;
    assert_eq!((entered.status, entered.location()), (StatusCode::FOUND, url.split('?').next().unwrap()));
    browser
}

/// Sends a form of the wallet with these fields only, as curl would.
pub(super) async fn post<const N: usize>(browser: &Client, url: &str, step: &str, fields: [(&str, &str); N]) -> Response {
    let page = url.split('?').next().unwrap_or_default();
    browser.post(&format!("{page}/{step}"), fields).await
}

/// The value of a query parameter in the address that an answer leads to.
#[track_caller]
pub(super) fn parameter(answer: &Response, name: &str) -> String {
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text());
    let url = url::Url::parse(answer.location()).expect("a redirect leads to a URL");
    let value = url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    value.unwrap_or_else(|| panic!("no {name} in {url}"))
}

/// Shares with these fields, and reads the 1-Click that results.
pub(super) async fn share_and_read<const N: usize>(api: &Api, browser: &Client, url: &str, fields: [(&str, &str); N]) -> Value {
    let shared = post(browser, url, "share", fields).await;
    let read = api.get(&format!("/1-click/{}", parameter(&shared, "1ClickUuid"))).bearer(HOOLI).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text());
    read.json()
}

const WRONG_CODE: &str = "Invalid or expired verification code";

/// The page that asks for a code, after a wrong one if `error` says so.
fn code_page(error: Option<&str>, sent_to: &str) -> String {
    let error = error.map(|error| format!("{error}\n")).unwrap_or_default();
    format!(
        "HHooli\nEnter your code\nWe texted a 6-digit code to {sent_to}.\n{error}Verification code\n[code: ]\nVerify\nEnter info manually instead\n\
         In this sandbox the code is in the outbox; the published test code is 111111."
    )
}

#[tokio::test]
async fn a_hosted_one_click_goes_as_in_the_published_transcript() {
    let api = Api::start("verified");
    let started = one_click(&api, json!({"phone": "+10123456789", "redirectUrl": "https://app.example/done?x=1"})).await;
    let url = text(&started, "url");
    assert_eq!(started, json!({"url": url, "match": true, "smsBody": "Enter this code to verify for Hooli: 111-111"}));
    let id = url.strip_prefix(&format!("{}/request/", api.base)).expect("the wallet is where the caller reaches it");
    assert!(uuid::Uuid::try_parse(id).is_ok(), "{id}");

    let browser = api.with_cookies();
    let page = browser.get(&url).await;
    assert_eq!((page.status, shown(page.text())), (StatusCode::OK, code_page(None, "(012) 345-6789")));
    let wrong = enter(&browser, &url, "000000").await;
    assert_eq!((wrong.status, shown(wrong.text())), (StatusCode::BAD_REQUEST, code_page(Some(WRONG_CODE), "(012) 345-6789")));
    let right = enter(&browser, &url, "111111").await;
    assert_eq!((right.status, right.location()), (StatusCode::FOUND, url.as_str()));
    assert_eq!(right.header("set-cookie").split("; ").skip(1).collect::<Vec<_>>(), ["Path=/", "HttpOnly", "SameSite=Lax"]);
    let consent = browser.get(&url).await;
    assert_eq!(consent.status, StatusCode::OK);
    assert_eq!(shown(consent.text()).lines().nth(1), Some("1-Click Signup"));
    let shared = post(&browser, &url, "share", [("ssn", "222334455")]).await;
    let uuid = parameter(&shared, "1ClickUuid");
    assert_eq!(shared.location(), format!("https://app.example/done?x=1&1ClickUuid={uuid}&optedOut=false"));
    assert_ne!(uuid, id, "what the brand reads is not what stands in the wallet's address");

    let path = format!("/1-click/{uuid}");
    let foreign = api.get(&path).bearer(KREDITA).await;
    let not_found =
        r#"{"name":"NotFound","message":"1-Click Not Found","code":404,"className":"not-found","data":{"errorCode":"OCE015"}}"#;
    assert_eq!((foreign.status, foreign.text()), (StatusCode::NOT_FOUND, not_found));
    let read = api.get(&path).bearer(HOOLI).await;
    let body = read.json();
    assert_eq!(
        body["credentials"].to_string(),
        json!({
            "fullName": {"firstName": "Richard", "lastName": "Hendricks"},
            "email": "richard@piedpiper.net",
            "phone": "+10123456789",
            "address": {"line1": "5320 Newell Rd", "city": "Palo Alto", "state": "CA", "country": "US", "zipCode": "94303"},
            "birthDate": "617976000000",
            "ssn": "222334455"
        })
        .to_string()
    );
    assert_eq!(body["identifiers"], json!({"phone": "+10123456789"}));
    assert_eq!(body["metadata"]["identifiers"], json!({"phone": {"verificationMethod": "otp"}}));
    assert_eq!(body["metadata"]["credentials"]["ssn"]["verificationMethod"], "self_attested");
    assert_eq!(body["metadata"]["credentials"]["birthDate"]["verificationMethod"], "phone_carrier");
    api.understudy.advance(TimeDelta::minutes(5) - TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(api.get(&path).bearer(HOOLI).await.json(), body);
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    let late = api.get(&path).bearer(HOOLI).await;
    assert_eq!((late.status, late.text()), (StatusCode::NOT_FOUND, not_found));
}

#[tokio::test]
async fn a_code_may_be_typed_in_several_ways() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    for code in ["111111", "111-111", "111 111", " 111111 ", "111111\r\n"] {
        let browser = api.with_cookies();
        let entered = enter(&browser, &url, code).await;
        assert_eq!((entered.status, entered.location()), (StatusCode::FOUND, url.as_str()), "{code:?}");
        assert!(shown(browser.get(&url).await.text()).contains("1-Click Signup"), "{code:?}");
    }
}

#[tokio::test]
async fn whatever_is_not_the_code_is_a_wrong_code() {
    let api = Api::start("verified");
    for code in ["", " ", "11111", "1111111", "111112", "111+111", "１１１１１１", "<b>111111</b>"] {
        let url = hosted(&api, json!({"phone": "+10123456789"})).await;
        let entered = enter(&api, &url, code).await;
        assert_eq!(
            (entered.status, shown(entered.text())),
            (StatusCode::BAD_REQUEST, code_page(Some(WRONG_CODE), "(012) 345-6789")),
            "{code:?}"
        );
    }
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let nothing = api.post(&format!("{url}/verify"), ()).await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_third_wrong_code_ends_the_flow() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    for _ in 0..2 {
        let wrong = enter(&api, &url, "000000").await;
        assert_eq!((wrong.status, shown(wrong.text())), (StatusCode::BAD_REQUEST, code_page(Some(WRONG_CODE), "(012) 345-6789")));
    }
    let over = "HHooli\nToo many wrong codes\nMaximum code attempts exceeded. Please start a new 1-Click flow.\nGo back to the app and start again.";
    let third = enter(&api, &url, "000000").await;
    assert_eq!((third.status, shown(third.text())), (StatusCode::BAD_REQUEST, over.to_owned()));
    let late = enter(&api, &url, "111111").await;
    assert_eq!((late.status, shown(late.text())), (StatusCode::NOT_FOUND, over.to_owned()));
    let page = api.get(&url).await;
    assert_eq!((page.status, shown(page.text())), (StatusCode::NOT_FOUND, over.to_owned()));
    for step in ["share", "decline", "identity"] {
        assert_eq!(post(&api, &url, step, []).await.status, StatusCode::NOT_FOUND, "{step}");
    }
}

#[tokio::test]
async fn wrong_codes_of_different_browsers_count_together_and_signed_in_ones_lose_the_flow_too() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let person = signed_in(&api, &url).await;
    for _ in 0..3 {
        assert_eq!(enter(&api.with_cookies(), &url, "999999").await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(post(&person, &url, "share", []).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_code_holds_for_five_minutes_to_the_millisecond() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    api.understudy.advance(TimeDelta::minutes(5) - TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(enter(&api, &url, "111111").await.status, StatusCode::FOUND);
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    let late = enter(&api, &url, "111111").await;
    assert_eq!((late.status, shown(late.text())), (StatusCode::BAD_REQUEST, code_page(Some(WRONG_CODE), "(012) 345-6789")));
}

#[tokio::test]
async fn a_short_link_signs_in_once() {
    let api = Api::start("verified");
    for options in ["only_link", "both_link_and_code"] {
        let started = one_click(&api, json!({"phone": "+10123456789", "verificationOptions": options})).await;
        let (url, sms) = (text(&started, "url"), text(&started, "smsBody"));
        let link = sms.split(' ').find(|word| word.starts_with("http")).unwrap();
        let browser = api.with_cookies();
        let opened = browser.get(link).await;
        assert_eq!((opened.status, opened.location()), (StatusCode::FOUND, url.as_str()), "{options}");
        assert!(shown(browser.get(&url).await.text()).contains("1-Click Signup"), "{options}");
        let again = api.with_cookies().get(link).await;
        assert_eq!(
            (again.status, shown(again.text())),
            (
                StatusCode::NOT_FOUND,
                "Nothing here\nThis link is unknown, was used before, or has expired.\nGo back to the app and start again."
                    .to_owned()
            ),
            "{options}"
        );
        let read = share_and_read(&api, &browser, &url, []).await;
        assert_eq!(read["metadata"]["identifiers"], json!({"phone": {"verificationMethod": "otp"}}), "{options}");
    }
}

#[tokio::test]
async fn a_short_link_holds_as_long_as_the_code() {
    let api = Api::start("verified");
    let open = async |wait: TimeDelta| {
        let started = one_click(&api, json!({"phone": "+10123456789", "verificationOptions": "only_link"})).await;
        api.understudy.advance(wait).unwrap();
        let sms = text(&started, "smsBody");
        api.get(sms.rsplit(' ').next().unwrap()).await.status
    };
    assert_eq!(open(TimeDelta::minutes(5) - TimeDelta::milliseconds(1)).await, StatusCode::FOUND);
    assert_eq!(open(TimeDelta::minutes(5)).await, StatusCode::NOT_FOUND);
    assert_eq!(api.get("/mt/00000000-0000-4000-8000-000000000000").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_sent_to_the_person_is_in_the_outbox() {
    let api = Api::start("verified");
    for (options, has_code, has_link) in
        [("only_code", true, false), ("only_link", false, true), ("both_link_and_code", true, true)]
    {
        let started = one_click(&api, json!({"phone": "+12125550010", "verificationOptions": options})).await;
        let sent = api.understudy.messages(Some("+12125550010")).unwrap().pop().unwrap();
        let sent = serde_json::to_value(sent).unwrap();
        assert_eq!(sent["body"], started["smsBody"], "{options}");
        assert_eq!(sent["channel"], "sms", "{options}");
        assert_eq!(sent["code"], if has_code { json!("111111") } else { Value::Null }, "{options}");
        let link = sent["link"].as_str().unwrap_or_default();
        let (body, mt) = (text(&sent, "body"), format!("{}/mt/", api.base));
        assert_eq!((link.starts_with(&mt), body.contains(&mt)), (has_link, has_link), "{options}: {sent}");
        let expected = match options {
            "only_code" => "Enter this code to verify for Hooli: 111-111".to_owned(),
            "only_link" => format!("Click this link to verify for Hooli: {link}"),
            _ => format!("Click this link to verify for Hooli: {link} or enter this code: 111-111"),
        };
        assert_eq!(body, expected, "{options}");
    }
    one_click(&api, json!({"phone": "+14045551300"})).await;
    assert_eq!(api.understudy.messages(Some("+14045551300")).unwrap().len(), 0, "no match, no message");
}

#[tokio::test]
async fn random_codes_are_read_from_the_outbox() {
    let api = Api::with("verified", crate::harness::builder().setting("verified", "codes", json!("random")));
    let started = one_click(&api, json!({"phone": "+10123456789"})).await;
    let url = text(&started, "url");
    let code = api.understudy.messages(None).unwrap().pop().unwrap().code.unwrap();
    assert_eq!(started["smsBody"], format!("Enter this code to verify for Hooli: {}-{}", &code[..3], &code[3..]));
    assert_ne!(code, "111111");
    let page = api.get(&url).await;
    assert_eq!(shown(page.text()).lines().last(), Some("In this sandbox the code is in the outbox."));
    assert_eq!(enter(&api, &url, "111111").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(enter(&api, &url, &code).await.status, StatusCode::FOUND);
    let other = one_click(&api, json!({"phone": "+10123456789"})).await;
    assert_ne!(other["smsBody"], started["smsBody"]);
}

const IDENTITY: &str = "HHooli\nConfirm it’s you\nThis is your first time here, so we need one more detail. Either one will do.\n";

#[tokio::test]
async fn a_strict_phone_asks_for_birth_date_or_ssn() {
    let api = Api::start("verified");
    let not_them = format!("{IDENTITY}That does not match our records. Please try again.\n");
    for (case, fields, is_them, typed) in [
        ("the right day", [("birthDate", "1989-08-01"), ("ssn4", "")], true, ""),
        ("the right digits", [("birthDate", ""), ("ssn4", "6789")], true, ""),
        ("the right digits, with blanks", [("birthDate", ""), ("ssn4", " 6789 ")], true, ""),
        ("another day", [("birthDate", "1989-08-02"), ("ssn4", "")], false, "1989-08-02"),
        ("a day that is none", [("birthDate", "1989-02-30"), ("ssn4", "")], false, "1989-02-30"),
        ("other digits", [("birthDate", ""), ("ssn4", "1234")], false, ""),
        ("too few digits", [("birthDate", ""), ("ssn4", "789")], false, ""),
        ("the whole SSN", [("birthDate", ""), ("ssn4", "123456789")], false, ""),
        ("nothing", [("birthDate", ""), ("ssn4", "")], false, ""),
        ("the wrong day with the right digits", [("birthDate", "1990-01-01"), ("ssn4", "6789")], false, "1990-01-01"),
    ] {
        let url = hosted(&api, json!({"phone": "+12125550022"})).await;
        let browser = signed_in(&api, &url).await;
        let fields_shown = |typed| {
            format!("Date of birth\n[birthDate: {typed}]\nor\nLast 4 digits of your Social Security number\n[ssn4: ]\nContinue")
        };
        let asked = browser.get(&url).await;
        assert_eq!((asked.status, shown(asked.text())), (StatusCode::OK, format!("{IDENTITY}{}", fields_shown(""))), "{case}");
        let early = post(&browser, &url, "share", []).await;
        assert_eq!((early.status, early.location()), (StatusCode::FOUND, url.as_str()), "{case}: nothing is shared before");

        let answered = post(&browser, &url, "identity", fields).await;
        if is_them {
            assert_eq!((answered.status, answered.location()), (StatusCode::FOUND, url.as_str()), "{case}");
            assert!(shown(browser.get(&url).await.text()).contains("1-Click Signup"), "{case}");
            parameter(&post(&browser, &url, "share", []).await, "1ClickUuid");
        } else {
            let again = format!("{not_them}{}", fields_shown(typed));
            assert_eq!((answered.status, shown(answered.text())), (StatusCode::BAD_REQUEST, again), "{case}");
            let right = post(&browser, &url, "identity", [("ssn4", "6789")]).await;
            assert_eq!(right.status, StatusCode::FOUND, "{case}: another try is allowed");
        }
    }
}

#[tokio::test]
async fn a_birth_date_in_the_call_answers_the_identity_question() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+12125550022", "birthDate": "1989-08-01"})).await;
    let browser = signed_in(&api, &url).await;
    assert!(shown(browser.get(&url).await.text()).contains("1-Click Signup"));
    let wrong = api.post("/1-click", json!({"phone": "+12125550022", "birthDate": "1989-08-02"})).bearer(HOOLI).await;
    assert_eq!(
        (wrong.status, wrong.text()),
        (
            StatusCode::BAD_REQUEST,
            r#"{"name":"BadRequest","message":"BirthDate mismatch.","code":400,"className":"bad-request","data":{"errorCode":"OCE012"}}"#
        )
    );
}

#[tokio::test]
async fn the_identity_question_is_for_signed_in_browsers_of_flows_that_ask_it() {
    let api = Api::start("verified");
    let strict = hosted(&api, json!({"phone": "+12125550022"})).await;
    let stranger = post(&api.with_cookies(), &strict, "identity", [("ssn4", "6789")]).await;
    assert_eq!((stranger.status, stranger.location()), (StatusCode::FOUND, strict.as_str()));
    let browser = signed_in(&api, &strict).await;
    assert!(shown(browser.get(&strict).await.text()).contains("Confirm it’s you"), "the stranger's answer counts for nothing");

    let easy = hosted(&api, json!({"phone": "+12125550010"})).await;
    let browser = signed_in(&api, &easy).await;
    let answered = post(&browser, &easy, "identity", [("ssn4", "0000")]).await;
    assert_eq!((answered.status, answered.location()), (StatusCode::FOUND, easy.as_str()), "nothing was asked");
}

#[tokio::test]
async fn being_signed_in_belongs_to_the_browser_and_the_flow() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let other_url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let browser = signed_in(&api, &url).await;
    assert_eq!(shown(browser.get(&other_url).await.text()), code_page(None, "(012) 345-6789"), "another flow");
    let stranger = api.with_cookies();
    assert_eq!(shown(stranger.get(&url).await.text()), code_page(None, "(012) 345-6789"), "another browser");
    let attempt = post(&stranger, &url, "share", [("ssn", "222334455")]).await;
    assert_eq!((attempt.status, attempt.location()), (StatusCode::FOUND, url.as_str()));
    assert_eq!(enter(&browser, &other_url, "111111").await.status, StatusCode::FOUND);
    for url in [&url, &other_url] {
        assert!(shown(browser.get(url).await.text()).contains("1-Click Signup"), "one browser can be signed in twice");
    }
    let read = share_and_read(&api, &browser, &url, []).await;
    assert_eq!(read["credentials"]["ssn"], "123456789", "the stranger shared nothing");
}

#[tokio::test]
async fn a_cookie_of_one_flow_opens_no_other() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let other = hosted(&api, json!({"phone": "+10123456789"})).await;
    let cookie = enter(&api, &url, "111111").await.header("set-cookie").to_owned();
    let (pair, _) = cookie.split_once(';').unwrap();
    let (_, token) = pair.split_once('=').unwrap();
    let name = |url: &str| format!("verified-{}", url.rsplit('/').next().unwrap());
    assert_eq!(pair, format!("{}={token}", name(&url)));
    let moved = api.get(&other).header("cookie", &format!("{}={token}", name(&other))).await;
    assert_eq!(shown(moved.text()), code_page(None, "(012) 345-6789"));
    let forged = api.get(&url).header("cookie", &format!("{}=00", name(&url))).await;
    assert_eq!(shown(forged.text()), code_page(None, "(012) 345-6789"));
    let own = api.get(&url).header("cookie", &format!("a=b; {pair}; c=d")).await;
    assert!(shown(own.text()).contains("1-Click Signup"));
}

#[tokio::test]
async fn a_hosted_flow_is_dead_after_thirty_minutes() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let browser = signed_in(&api, &url).await;
    api.understudy.advance(TimeDelta::minutes(30) - TimeDelta::milliseconds(1)).unwrap();
    assert!(shown(browser.get(&url).await.text()).contains("1-Click Signup"));
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    let dead = "HHooli\nThis link has expired\nThe request was not finished in time.\nGo back to the app and start again.";
    let page = browser.get(&url).await;
    assert_eq!((page.status, shown(page.text())), (StatusCode::NOT_FOUND, dead.to_owned()));
    for step in ["verify", "identity", "share", "decline"] {
        let answer = post(&browser, &url, step, [("code", "111111")]).await;
        assert_eq!((answer.status, shown(answer.text())), (StatusCode::NOT_FOUND, dead.to_owned()), "{step}");
    }
}

#[tokio::test]
async fn a_flow_that_was_finished_in_time_does_not_die() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let browser = signed_in(&api, &url).await;
    api.understudy.advance(TimeDelta::minutes(30) - TimeDelta::milliseconds(1)).unwrap();
    let shared = post(&browser, &url, "share", []).await;
    api.understudy.advance(TimeDelta::days(3)).unwrap();
    assert!(shown(browser.get(&url).await.text()).contains("You’re all set"));
    let read = api.get(&format!("/1-click/{}", parameter(&shared, "1ClickUuid"))).bearer(HOOLI).await;
    assert_eq!(read.status, StatusCode::OK, "there is no limit before the first reading");
}

#[tokio::test]
async fn unknown_addresses_are_pages_that_say_so() {
    let api = Api::start("verified");
    let id = "00000000-0000-4000-8000-000000000000";
    let nothing = "Nothing here\nThis link is unknown, was used before, or has expired.\nGo back to the app and start again.";
    for path in [
        format!("/request/{id}"),
        "/request/x".to_owned(),
        format!("/mt/{id}"),
        format!("/signin/verify/generic?requestId={id}"),
        "/signin/verify/generic".to_owned(),
    ] {
        let page = api.get(&path).await;
        assert_eq!((page.status, shown(page.text())), (StatusCode::NOT_FOUND, nothing.to_owned()), "{path}");
    }
    for step in ["verify", "identity", "share", "decline"] {
        let page = api.post(&format!("/request/{id}/{step}"), [("code", "111111")]).await;
        assert_eq!((page.status, shown(page.text())), (StatusCode::NOT_FOUND, nothing.to_owned()), "{step}");
    }
}

#[tokio::test]
async fn the_code_page_sends_what_a_browser_finds_in_it() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let browser = api.with_cookies();
    let form = Form::of(browser.get(&url).await.text(), "/verify");
    assert_eq!((form.method.as_str(), form.action.as_str()), ("post", format!("{url}/verify").as_str()));
    let entered = form.with("code", "111-111").send(&browser).await;
    assert_eq!((entered.status, entered.location()), (StatusCode::FOUND, url.as_str()));
}

#[tokio::test]
async fn numbers_are_shown_in_national_form_where_there_is_one() {
    let api = Api::start("verified");
    for (phone, shown_as) in [
        ("+10123456789", "(012) 345-6789"),
        ("+12125550010", "(212) 555-0010"),
        ("+19998887777", "(999) 888-7777"),
        ("+550123456789", "+550123456789"),
    ] {
        let url = hosted(&api, json!({"phone": phone})).await;
        assert_eq!(shown(api.get(&url).await.text()), code_page(None, shown_as), "{phone}");
    }
}

#[tokio::test]
async fn an_address_may_be_spelled_in_other_ways() {
    let api = Api::start("verified");
    let started = one_click(&api, json!({"phone": "+10123456789", "verificationOptions": "only_link"})).await;
    let (url, sms) = (text(&started, "url"), text(&started, "smsBody"));
    let id = url.rsplit('/').next().unwrap();
    let page = shown(api.get(&url).await.text());
    for path in [
        format!("/request/{}", id.to_uppercase()),
        format!("/request/{id}/"),
        format!("/request/%{:02x}{}", id.as_bytes()[0], &id[1..]),
    ] {
        assert_eq!(shown(api.get(&path).await.text()), page, "{path}");
    }
    let link = sms.rsplit('/').next().unwrap();
    assert_eq!(api.get(&format!("/mt/{}/", link.to_uppercase())).await.location(), url);
}

#[tokio::test]
async fn garbage_in_a_form_is_no_error_of_the_server() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+12125550022"})).await;
    let browser = signed_in(&api, &url).await;
    let garbage: [&[u8]; 5] =
        [b"\xff\xfe=\x00", b"%zz&&=&=a&%", b"{\"code\":\"111111\"}", b"code[]=111111&birthDate=%ff", b"ssn4=%F0%9F%98%80"];
    for step in ["verify", "identity"] {
        for body in garbage.iter().take(if step == "verify" { 2 } else { 5 }) {
            let answer = browser.post(&format!("{url}/{step}"), body.to_vec()).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{step} {}", body.escape_ascii());
        }
    }
    assert_eq!(post(&browser, &url, "identity", [("ssn4", "6789")]).await.status, StatusCode::FOUND);
    let shared = browser.post(&format!("{url}/share"), garbage[..3].concat()).await;
    let read = api.get(&format!("/1-click/{}", parameter(&shared, "1ClickUuid"))).bearer(HOOLI).await.json();
    assert_eq!(read["credentials"]["ssn"], "123456789", "it names no field");
}

#[tokio::test]
async fn other_methods_are_refused_as_the_api_refuses_them() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let refuse = |method: &str| json!({"name": "MethodNotAllowed", "message": format!("Method `{method}` is not supported by this endpoint."), "code": 405, "className": "method-not-allowed"});
    for step in ["verify", "identity", "share", "decline"] {
        let answer = api.get(&format!("{url}/{step}")).await;
        assert_eq!(
            (answer.status, answer.json(), answer.header("allow")),
            (StatusCode::METHOD_NOT_ALLOWED, refuse("find"), "POST"),
            "{step}"
        );
    }
    for address in [url.as_str(), "/mt/x", "/signin/verify/generic"] {
        let answer = api.post(address, ()).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::METHOD_NOT_ALLOWED, refuse("create")), "{address}");
    }
}
