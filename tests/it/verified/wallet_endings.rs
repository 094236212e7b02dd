//! How a visit to the wallet ends: where the browser goes and with what, opting out, the second visit, and flows without pages.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use super::page::{Form, shown};
use super::wallet::{enter, hosted, one_click, parameter, post, signed_in, text};
use super::{HOOLI, KREDITA};
use crate::client::Response;
use crate::harness::{Api, builder};

/// A world in which no brand has a redirect URL of its own.
fn without_brand_redirects() -> (Api, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut fixture: Value = serde_json::from_str(include_str!("../../../fixtures/verified.json")).unwrap();
    for brand in fixture["brands"].as_array_mut().unwrap() {
        brand.as_object_mut().unwrap().remove("redirectUrl");
    }
    std::fs::write(folder.path().join("verified.json"), fixture.to_string()).unwrap();
    (Api::with("verified", builder().fixtures(folder.path())), folder)
}

#[tokio::test]
async fn opting_out_goes_as_in_the_published_transcript() {
    let api = Api::start("verified");
    for (case, code, method) in [("after the code", Some("111-111"), json!("otp")), ("before the code", None, Value::Null)] {
        let url = hosted(&api, json!({"phone": "+10123456789"})).await;
        let browser = api.with_cookies();
        if let Some(code) = code {
            assert_eq!(enter(&browser, &url, code).await.status, StatusCode::FOUND);
        }
        let page = browser.get(&url).await;
        let declined = Form::of(page.text(), "/decline").send(&browser).await;
        let uuid = parameter(&declined, "1ClickUuid");
        assert_eq!(declined.location(), format!("http://localhost:7020/register?1ClickUuid={uuid}&optedOut=true"), "{case}");
        let expected = json!({"identifiers": {"phone": "+10123456789"}, "metadata": {"identifiers": {"phone": {"verificationMethod": method}}}});
        for wait in [0, 0, 6, 600] {
            api.understudy.advance(TimeDelta::minutes(wait)).unwrap();
            let read = api.get(&format!("/1-click/{uuid}")).bearer(HOOLI).await;
            assert_eq!((read.status, read.text()), (StatusCode::OK, expected.to_string().as_str()), "{case}: there is no window");
        }
        let foreign = api.get(&format!("/1-click/{uuid}")).bearer(KREDITA).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{case}");
    }
}

#[tokio::test]
async fn an_unfinished_flow_cannot_be_read() {
    let api = Api::start("verified");
    let started = one_click(&api, json!({"phone": "+10123456789", "isHosted": false, "birthDate": "1989-08-01"})).await;
    let path = format!("/1-click/{}", text(&started, "uuid"));
    assert_eq!(api.get(&path).bearer(HOOLI).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_redirect_url_is_the_most_particular_one() {
    let (bare, _folder) = without_brand_redirects();
    let full = Api::start("verified");
    let (query, body, brand) = ("https://app.example/query", "https://app.example/body", "http://localhost:7020/register");
    for (api, in_query, in_body, expected) in [
        (&full, Some(query), Some(body), Some(query)),
        (&full, Some(query), None, Some(query)),
        (&full, None, Some(body), Some(body)),
        (&full, None, None, Some(brand)),
        (&bare, Some(query), Some(body), Some(query)),
        (&bare, None, Some(body), Some(body)),
        (&bare, None, None, None),
    ] {
        for step in ["share", "decline"] {
            let case = format!("{step}, query {in_query:?}, body {in_body:?}");
            let mut request = json!({"phone": "+10123456789"});
            if let Some(in_body) = in_body {
                request["redirectUrl"] = json!(in_body);
            }
            let url = hosted(api, request).await;
            let with_query = in_query.map_or_else(|| url.clone(), |in_query| format!("{url}?redirectUrl={}", encoded(in_query)));
            let browser = signed_in(api, &with_query).await;
            let ended = post(&browser, &url, step, []).await;
            let opted_out = step == "decline";
            if let Some(expected) = expected {
                let uuid = parameter(&ended, "1ClickUuid");
                assert_eq!(ended.location(), format!("{expected}?1ClickUuid={uuid}&optedOut={opted_out}"), "{case}");
            } else {
                assert_eq!(ended.status, StatusCode::OK, "{case}");
                let lines = shown(ended.text());
                let uuid = lines.lines().skip_while(|line| *line != "1ClickUuid").nth(1).unwrap();
                let title = if opted_out {
                    "Nothing was shared\nYou chose to go on without sharing."
                } else {
                    "You’re all set\nYour information was shared."
                };
                assert_eq!(
                    lines,
                    format!(
                        "HHooli\n{title}\nParameter\nValue\n1ClickUuid\n{uuid}\noptedOut\n{opted_out}\n\
                         Hooli has no redirect URL, so this page shows what it would have received."
                    ),
                    "{case}"
                );
                assert_eq!(api.get(&format!("/1-click/{uuid}")).bearer(HOOLI).await.status, StatusCode::OK, "{case}");
                assert_eq!(shown(browser.get(&url).await.text()), lines, "{case}: the second visit");
            }
        }
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn a_redirect_url_of_the_address_counts_at_every_step() {
    let api = Api::start("verified");
    let query = format!("?redirectUrl={}", encoded("https://app.example/late"));
    for step in ["verify", "share", "decline"] {
        let url = hosted(&api, json!({"phone": "+10123456789"})).await;
        let browser = signed_in(&api, &url).await;
        let answer = browser.post(&format!("{url}/{step}{query}"), [("code", "111111")]).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{step}");
        let ended = if step == "verify" { post(&browser, &url, "share", []).await } else { answer };
        assert!(ended.location().starts_with("https://app.example/late?1ClickUuid="), "{step}: {}", ended.location());
    }
    let started = one_click(&api, json!({"phone": "+10123456789", "verificationOptions": "only_link"})).await;
    let sms = text(&started, "smsBody");
    let browser = api.with_cookies();
    browser.get(&format!("{}{query}", sms.rsplit(' ').next().unwrap())).await;
    let ended = post(&browser, &text(&started, "url"), "share", []).await;
    assert!(ended.location().starts_with("https://app.example/late?1ClickUuid="), "the short link: {}", ended.location());
}

#[tokio::test]
async fn a_redirect_url_keeps_what_it_has_and_gets_each_parameter_once() {
    let api = Api::start("verified");
    for (given, expected) in [
        ("https://app.example/done?x=1", "https://app.example/done?x=1&1ClickUuid={}&optedOut=false"),
        ("https://app.example/done?x=a%20b&y#top", "https://app.example/done?x=a%20b&y&1ClickUuid={}&optedOut=false#top"),
        ("https://app.example/#/route", "https://app.example/?1ClickUuid={}&optedOut=false#/route"),
        ("https://app.example/?1ClickUuid=old&optedOut=true&z=2", "https://app.example/?z=2&1ClickUuid={}&optedOut=false"),
        ("https://app.example/?1ClickUuid=a&1ClickUuid=b", "https://app.example/?1ClickUuid={}&optedOut=false"),
        ("https://app.example", "https://app.example?1ClickUuid={}&optedOut=false"),
        ("myapp://signup?a=b", "myapp://signup?a=b&1ClickUuid={}&optedOut=false"),
        ("https://app.example/grüße?q=ü", "https://app.example/gr%C3%BC%C3%9Fe?q=%C3%BC&1ClickUuid={}&optedOut=false"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/?1ClickUuid={}&optedOut=false"),
        ("https://app.example/a b", "https://app.example/a%20b?1ClickUuid={}&optedOut=false"),
        ("https://app.example/\r\nx", "https://app.example/x?1ClickUuid={}&optedOut=false"),
    ] {
        for in_body in [true, false] {
            let request =
                if in_body { json!({"phone": "+10123456789", "redirectUrl": given}) } else { json!({"phone": "+10123456789"}) };
            let url = hosted(&api, request).await;
            let query = if in_body { String::new() } else { format!("?redirectUrl={}", encoded(given)) };
            let browser = signed_in(&api, &format!("{url}{query}")).await;
            let shared = post(&browser, &url, "share", []).await;
            let uuid = parameter(&shared, "1ClickUuid");
            assert_eq!(shared.location(), expected.replace("{}", &uuid), "{given}");
        }
    }
}

#[tokio::test]
async fn a_redirect_url_that_leads_nowhere_is_not_taken() {
    let api = Api::start("verified");
    for given in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "/done",
        "done",
        "",
        "https://",
    ] {
        let url = hosted(&api, json!({"phone": "+10123456789"})).await;
        let browser = signed_in(&api, &format!("{url}?redirectUrl={}", encoded(given))).await;
        let shared = post(&browser, &url, "share", []).await;
        assert!(shared.location().starts_with("http://localhost:7020/register?1ClickUuid="), "{given}: {}", shared.location());
        let refused = api.post("/1-click", json!({"phone": "+10123456789", "redirectUrl": given})).bearer(HOOLI).await;
        let expected = json!({"name": "BadRequest", "message": "redirectUrl must be an absolute URL", "code": 400, "className": "bad-request"});
        assert_eq!((refused.status, refused.json()), (StatusCode::BAD_REQUEST, expected), "{given}");
    }
}

#[tokio::test]
async fn the_second_visit_finds_a_page_that_leads_on() {
    let api = Api::start("verified");
    for (step, title) in [
        ("share", "You’re all set\nYour information was shared."),
        ("decline", "Nothing was shared\nYou chose to go on without sharing."),
    ] {
        let url = hosted(&api, json!({"phone": "+10123456789", "redirectUrl": "https://app.example/done?x=1"})).await;
        let browser = signed_in(&api, &url).await;
        let ended = post(&browser, &url, step, []).await;
        let done = format!("HHooli\n{title}\nContinue to Hooli <{}>", ended.location());
        for (who, browser) in [("the same browser", &browser), ("another browser", &api.with_cookies())] {
            let page = browser.get(&url).await;
            assert_eq!((page.status, shown(page.text())), (StatusCode::OK, done.clone()), "{step}, {who}");
            for again in ["share", "decline", "verify", "identity"] {
                let answer = post(browser, &url, again, [("ssn", "222334455"), ("code", "000000")]).await;
                assert_eq!((answer.status, shown(answer.text())), (StatusCode::OK, done.clone()), "{step}, then {again} by {who}");
            }
        }
        let read = api.get(&format!("/1-click/{}", parameter(&ended, "1ClickUuid"))).bearer(HOOLI).await.json();
        let ssn = read.pointer("/credentials/ssn");
        assert_eq!(ssn, (step == "share").then(|| json!("123456789")).as_ref(), "the first decision holds");
    }
}

/// The address that a brand's own page would send the browser to.
async fn non_hosted(api: &Api, options: &str, redirect_url: Option<&str>) -> Value {
    let mut request =
        json!({"phone": "+12125550010", "isHosted": false, "birthDate": "1989-08-01", "verificationOptions": options});
    if let Some(url) = redirect_url {
        request["redirectUrl"] = json!(url);
    }
    one_click(api, request).await
}

/// Reads what the flow of an answer shared.
async fn read_back(api: &Api, ended: &Response) -> Value {
    api.get(&format!("/1-click/{}", parameter(ended, "1ClickUuid"))).bearer(HOOLI).await.json()
}

#[tokio::test]
async fn a_flow_without_pages_goes_as_in_the_published_transcript() {
    let api = Api::start("verified");
    let started = non_hosted(&api, "only_code", Some("https://app.example/in")).await;
    let uuid = text(&started, "uuid");
    let url = format!(
        "{}/signin/verify/generic?phone=%2B12125550010&phoneCarrier=true&requestId={uuid}&issuePhoneCarrierCredentials=false&isHosted=false",
        api.base
    );
    assert_eq!(
        started.to_string(),
        json!({"url": url, "match": true, "smsBody": "Enter this code to verify for Hooli: 111-111", "uuid": uuid}).to_string()
    );
    let ended = api.get(&format!("{url}&code=111111")).await;
    assert_eq!(
        (ended.status, ended.location()),
        (StatusCode::FOUND, format!("https://app.example/in?1ClickUuid={uuid}&optedOut=false").as_str())
    );
    let read = read_back(&api, &ended).await;
    assert_eq!(
        read["credentials"],
        json!({
            "fullName": {"firstName": "Richard", "lastName": "Hendricks"},
            "email": "richard@piedpiper.net",
            "phone": "+12125550010",
            "address": {"line1": "5320 Newell Rd", "city": "Palo Alto", "state": "CA", "country": "US", "zipCode": "94303"},
            "birthDate": "617976000000",
            "ssn": "123456789"
        })
    );
    assert_eq!(read["metadata"]["identifiers"], json!({"phone": {"verificationMethod": "otp"}}));
    assert_eq!(read.get("uuid"), None);
    let again = api.get(&format!("{url}&code=111111")).await;
    assert_eq!(
        (again.status, shown(again.text())),
        (StatusCode::OK, format!("HHooli\nYou’re all set\nYour information was shared.\nContinue to Hooli <{}>", ended.location()))
    );
}

#[tokio::test]
async fn a_flow_without_pages_ends_by_link_too() {
    let api = Api::start("verified");
    for (options, has_url) in [("only_link", false), ("both_link_and_code", true)] {
        let started = non_hosted(&api, options, None).await;
        assert_eq!(started.get("url").is_some(), has_url, "{started}");
        let (uuid, sms) = (text(&started, "uuid"), text(&started, "smsBody"));
        let link = sms.split(' ').find(|word| word.starts_with("http")).unwrap();
        let ended = api.get(link).await;
        assert_eq!(ended.location(), format!("http://localhost:7020/register?1ClickUuid={uuid}&optedOut=false"), "{options}");
        assert_eq!(read_back(&api, &ended).await["credentials"]["ssn"], "123456789", "{options}");
        assert_eq!(api.get(link).await.status, StatusCode::NOT_FOUND, "{options}: once");
    }
}

#[tokio::test]
async fn the_code_may_stand_anywhere_in_the_query() {
    let api = Api::start("verified");
    for place in [0, 1, 3, 5] {
        for code in ["111111", "111-111", "111%20111", "+111111+"] {
            let url = text(&non_hosted(&api, "only_code", None).await, "url");
            let (path, query) = url.split_once('?').unwrap();
            let mut pairs: Vec<String> = query.split('&').map(str::to_owned).collect();
            pairs.insert(place, format!("code={code}"));
            let ended = api.get(&format!("{path}?{}", pairs.join("&"))).await;
            assert_eq!(ended.status, StatusCode::FOUND, "code={code} at {place}");
        }
    }
}

#[tokio::test]
async fn a_missing_or_wrong_code_gets_a_form_that_comes_back() {
    let api = Api::start("verified");
    let redirect = encoded("https://app.example/in?a=1&b=2");
    for (code, status, error) in [
        ("", StatusCode::OK, ""),
        ("&code=", StatusCode::OK, ""),
        ("&code=123456", StatusCode::BAD_REQUEST, "Invalid or expired verification code\n"),
    ] {
        let url = format!("{}&redirectUrl={redirect}", text(&non_hosted(&api, "only_code", None).await, "url"));
        let page = api.get(&format!("{url}{code}")).await;
        let expected = format!(
            "HHooli\nEnter your code\nWe texted a 6-digit code to (212) 555-0010.\n{error}Verification code\n[code: ]\nVerify\n\
             In this sandbox the code is in the outbox; the published test code is 111111."
        );
        assert_eq!((page.status, shown(page.text())), (status, expected), "{code}");
        let form = Form::of(page.text(), "/signin/verify/generic");
        assert_eq!(form.method, "get", "{code}");
        let names: Vec<&str> = form.pairs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["phone", "phoneCarrier", "requestId", "issuePhoneCarrierCredentials", "isHosted", "redirectUrl", "code"],
            "{code}"
        );
        let ended = form.with("code", "111-111").send(&api).await;
        assert!(ended.location().starts_with("https://app.example/in?a=1&b=2&1ClickUuid="), "{code}: {}", ended.location());
    }
}

#[tokio::test]
async fn three_wrong_codes_end_a_flow_without_pages_as_well() {
    let api = Api::start("verified");
    let started = non_hosted(&api, "both_link_and_code", None).await;
    let url = text(&started, "url");
    for attempt in 1..=3 {
        let wrong = api.get(&format!("{url}&code=999999")).await;
        let text = if attempt < 3 {
            "Invalid or expired verification code"
        } else {
            "Maximum code attempts exceeded. Please start a new 1-Click flow."
        };
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST, "{attempt}");
        assert!(shown(wrong.text()).lines().any(|line| line == text), "{attempt}: {}", shown(wrong.text()));
    }
    for late in ["", "&code=111111"] {
        assert_eq!(api.get(&format!("{url}{late}")).await.status, StatusCode::NOT_FOUND, "{late}");
    }
    let sms = text(&started, "smsBody");
    let link = sms.split(' ').find(|word| word.starts_with("http")).unwrap();
    assert_eq!(api.get(link).await.status, StatusCode::NOT_FOUND, "the link is dead as well");
    assert_eq!(api.get(&format!("/1-click/{}", text(&started, "uuid"))).bearer(HOOLI).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_code_of_a_flow_without_pages_expires_after_five_minutes() {
    let api = Api::start("verified");
    for (wait, status) in
        [(TimeDelta::minutes(5) - TimeDelta::milliseconds(1), StatusCode::FOUND), (TimeDelta::minutes(5), StatusCode::BAD_REQUEST)]
    {
        let url = text(&non_hosted(&api, "only_code", None).await, "url");
        api.understudy.advance(wait).unwrap();
        assert_eq!(api.get(&format!("{url}&code=111111")).await.status, status, "{wait}");
    }
}

#[tokio::test]
async fn a_flow_without_pages_and_without_redirect_url_ends_on_a_page() {
    let (api, _folder) = without_brand_redirects();
    let started = non_hosted(&api, "both_link_and_code", None).await;
    let uuid = text(&started, "uuid");
    let page = api.get(&format!("{}&code=111111", text(&started, "url"))).await;
    let lines = shown(page.text());
    assert_eq!(page.status, StatusCode::OK);
    assert!(lines.contains(&format!("1ClickUuid\n{uuid}\noptedOut\nfalse\n")), "{lines}");
}

#[tokio::test]
async fn each_kind_of_flow_has_its_own_address_only() {
    let api = Api::start("verified");
    let hosted_url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let id = hosted_url.rsplit('/').next().unwrap();
    let elsewhere = "redirectUrl=https%3A%2F%2Felsewhere.example";
    let page = api.get(&format!("/signin/verify/generic?requestId={id}&code=111111&{elsewhere}")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let started = non_hosted(&api, "only_code", None).await;
    let uuid = text(&started, "uuid");
    assert_eq!(api.get(&format!("/request/{uuid}?{elsewhere}")).await.status, StatusCode::NOT_FOUND);
    for step in ["verify", "identity", "share", "decline"] {
        let answer = api.post(&format!("/request/{uuid}/{step}"), [("code", "111111")]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{step}");
    }
    let browser = signed_in(&api, &hosted_url).await;
    for ended in [post(&browser, &hosted_url, "share", []).await, api.get(&format!("{}&code=111111", text(&started, "url"))).await]
    {
        assert!(ended.location().starts_with("http://localhost:7020/register?"), "a 404 changes nothing: {}", ended.location());
    }
}

#[tokio::test]
async fn no_page_is_kept_framed_or_told_to_others() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let browser = api.with_cookies();
    let answers = [
        ("code page", browser.get(&url).await),
        ("wrong code", enter(&browser, &url, "1").await),
        ("right code", enter(&browser, &url, "111111").await),
        ("consent page", browser.get(&url).await),
        ("mistake", post(&browser, &url, "share", [("ssn", "1")]).await),
        ("end", post(&browser, &url, "share", []).await),
        ("done page", browser.get(&url).await),
        ("unknown", browser.get("/mt/x").await),
    ];
    for (case, answer) in answers {
        assert_eq!(answer.header("cache-control"), "no-store", "{case}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{case}");
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
            "{case}"
        );
        assert_eq!(answer.headers.get("etag"), None, "{case}");
        if !answer.body.is_empty() {
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{case}");
            assert_eq!(answer.text().matches("<script").count() + answer.text().matches("src=\"http").count(), 0, "{case}");
        }
    }
}
