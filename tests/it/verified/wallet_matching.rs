//! The wallet for requests of matching credentials, and for partners.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use super::page::{Form, shown};
use super::wallet::{enter, parameter, post, signed_in, text};
use super::{HOOLI, KREDITA, KREDITA_UUID, VERIFIED_UUID};
use crate::client::{Client, Response};
use crate::harness::Api;

/// Asks for matching credentials with Kredita's key; the wallet's address.
async fn asked(api: &Api, body: Value) -> String {
    let answer = api.post("/hasMatchingCredentials", &body).bearer(KREDITA).await.json();
    assert_eq!(answer["match"], true, "{body}");
    text(&answer, "url")
}

/// Richard's mail and name, as Kredita asks for them.
async fn published(api: &Api) -> String {
    let requests = json!([
        {"type": "EmailCredential", "issuers": [], "mandatory": "yes"},
        {"type": "FullNameCredential", "issuers": [], "mandatory": "yes"},
        {"type": "DobCredential", "issuers": [], "required": false}
    ]);
    asked(api, json!({"email": "richard@piedpiper.net", "credentialRequests": requests})).await
}

/// Reads what an answer of the wallet says was shared with Kredita.
async fn read_shared(api: &Api, ended: &Response) -> Response {
    api.get(&format!("/sharedCredentials/{}", parameter(ended, "sharedCredentialsUuid"))).bearer(KREDITA).await
}

#[tokio::test]
async fn general_acceptance_goes_as_in_the_published_transcript() {
    let api = Api::start("verified");
    let url = published(&api).await;
    assert!(url.ends_with("?email=richard%40piedpiper.net"), "{url}");
    let opened = format!("{url}&redirectUrl=https%3A%2F%2Fkredita.example%2Fregister");
    assert_eq!(api.understudy.messages(None).unwrap().len(), 0, "nothing is sent before somebody looks");
    let browser = api.with_cookies();
    let page = browser.get(&opened).await;
    assert_eq!(
        (page.status, shown(page.text())),
        (
            StatusCode::OK,
            "KKredita\nEnter your code\nWe emailed a 6-digit code to richard@piedpiper.net.\nVerification code\n[code: ]\nVerify\n\
             In this sandbox the code is in the outbox; the published test code is 111111."
                .to_owned()
        )
    );
    let sent = serde_json::to_value(api.understudy.messages(None).unwrap()).unwrap();
    assert_eq!(
        sent,
        json!([{
            "id": 1, "at": "2026-01-01T00:00:00.000Z", "provider": "verified", "channel": "email", "to": "richard@piedpiper.net",
            "body": "Enter this code to verify for Kredita: 111-111", "code": "111111", "link": null
        }])
    );
    assert_eq!(enter(&browser, &url, "111111").await.status, StatusCode::FOUND);
    let consent = browser.get(&url).await;
    insta::assert_snapshot!(shown(consent.text()), @r"
    KKredita
    Please share the following information:
    This information was verified by companies that you use.
    * Required
    Email *
    richard@piedpiper.net
    Full Name *
    Richard Hendricks
    DobCredential
    Not available
    Share
    Decline
    By choosing “Share” you agree to share the information above with Kredita under its terms <https://kredita.example/terms> and privacy policy <https://kredita.example/privacy>.
    ");
    let shared = post(&browser, &url, "share", []).await;
    let uuid = parameter(&shared, "sharedCredentialsUuid");
    assert_eq!(shared.location(), format!("https://kredita.example/register?sharedCredentialsUuid={uuid}"));

    let read = read_shared(&api, &shared).await;
    let fixture = api.get("/sharedCredentials/33333333-3333-4333-8333-000000000001").bearer(KREDITA).await;
    let expected = fixture.text().replace("33333333-3333-4333-8333-000000000001", &uuid);
    assert_eq!((read.status, read.text()), (StatusCode::OK, expected.as_str()));
    assert_eq!(api.get(&format!("/sharedCredentials/{uuid}")).bearer(HOOLI).await.status, StatusCode::NOT_FOUND);
    api.understudy.advance(TimeDelta::minutes(5) - TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(read_shared(&api, &shared).await.text(), read.text());
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    let late = read_shared(&api, &shared).await;
    assert_eq!(late.text(), r#"{"name":"NotFound","message":"Shared credentials not found.","code":404,"className":"not-found"}"#);
}

#[tokio::test]
async fn the_code_goes_to_the_phone_where_there_is_one() {
    let api = Api::start("verified");
    let ask = |contact: Value| {
        let mut body = contact;
        body["credentialRequests"] = json!(["EmailCredential"]);
        body
    };
    for (contact, query, shown_as, channel, to) in [
        (
            json!({"phone": "+12025550123"}),
            "phone=%2B12025550123",
            "We texted a 6-digit code to (202) 555-0123.",
            "sms",
            "+12025550123",
        ),
        (
            json!({"email": "Jared@PiedPiper.net"}),
            "email=Jared%40PiedPiper.net",
            "We emailed a 6-digit code to Jared@PiedPiper.net.",
            "email",
            "Jared@PiedPiper.net",
        ),
        (
            json!({"email": "jared@piedpiper.net", "phone": "+12025550123"}),
            "email=jared%40piedpiper.net&phone=%2B12025550123",
            "We texted a 6-digit code to (202) 555-0123.",
            "sms",
            "+12025550123",
        ),
    ] {
        let url = asked(&api, ask(contact)).await;
        assert_eq!(url.split_once('?').unwrap().1, query);
        let before = api.understudy.messages(None).unwrap().len();
        let page = api.get(&url).await;
        assert_eq!(shown(page.text()).lines().nth(2), Some(shown_as), "{query}");
        api.get(&url).await;
        let sent = api.understudy.messages(None).unwrap().split_off(before);
        assert_eq!(sent.len(), 1, "{query}: a code that holds is not sent again");
        let sent = serde_json::to_value(&sent[0]).unwrap();
        assert_eq!((&sent["channel"], &sent["to"]), (&json!(channel), &json!(to)), "{query}");
    }
}

#[tokio::test]
async fn an_expired_code_is_followed_by_another_one() {
    let api = Api::with("verified", crate::harness::builder().setting("verified", "codes", json!("random")));
    let url = published(&api).await;
    let code = |at: usize| api.understudy.messages(None).unwrap()[at].code.clone().unwrap();
    api.get(&url).await;
    api.understudy.advance(TimeDelta::minutes(5)).unwrap();
    assert_eq!(enter(&api, &url, &code(0)).await.status, StatusCode::BAD_REQUEST);
    api.get(&url).await;
    assert_ne!(code(0), code(1));
    assert_eq!(enter(&api, &url, &code(0)).await.status, StatusCode::BAD_REQUEST);
    api.understudy.advance(TimeDelta::minutes(5) - TimeDelta::milliseconds(1)).unwrap();
    assert_eq!(enter(&api, &url, &code(1)).await.status, StatusCode::FOUND);
}

#[tokio::test]
async fn a_request_does_not_expire() {
    let api = Api::start("verified");
    let ask = json!({"email": "jared@piedpiper.net", "credentialRequests": ["EmailCredential"]});
    let url = asked(&api, ask).await;
    api.understudy.advance(TimeDelta::days(400)).unwrap();
    let browser = signed_in(&api, &url).await;
    let shared = post(&browser, &url, "share", []).await;
    assert_eq!(read_shared(&api, &shared).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_declined_request_tells_nothing_but_that() {
    let api = Api::start("verified");
    for sign_in in [true, false] {
        let url = published(&api).await;
        let browser = if sign_in { signed_in(&api, &url).await } else { api.with_cookies() };
        let declined = post(&browser, &url, "decline", []).await;
        assert_eq!((declined.status, declined.location()), (StatusCode::FOUND, "http://localhost:7020/register?optedOut=true"));
        let done = browser.get(&url).await;
        assert_eq!(
            (done.status, shown(done.text())),
            (
                StatusCode::OK,
                "KKredita\nNothing was shared\nYou chose to go on without sharing.\nContinue to Kredita <http://localhost:7020/register?optedOut=true>".to_owned()
            )
        );
        let late = post(&browser, &url, "share", []).await;
        assert_eq!(shown(late.text()), shown(done.text()), "a second decision changes nothing");
    }
}

#[tokio::test]
async fn the_heading_is_what_the_brand_wrote_and_typed_values_become_part_of_the_record() {
    let api = Api::start("verified");
    let ask = json!({
        "email": "jared@piedpiper.net",
        "description": "Two things, please:",
        "credentialRequests": [
            {"type": "SsnCredential", "allowUserInput": true, "mandatory": "if_available"},
            {"type": "GenderCredential", "allowUserInput": true, "mandatory": "yes"}
        ]
    });
    let url = asked(&api, ask).await;
    let browser = signed_in(&api, &url).await;
    let page = browser.get(&url).await;
    assert_eq!(shown(page.text()).lines().nth(1), Some("Two things, please:"));
    assert!(page.text().contains("<title>Two things, please: · Kredita</title>"));
    let form = Form::of(page.text(), "/share").with("gender", "Female");
    let refused = form.clone().with("ssn", "123").send(&browser).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    api.understudy.advance(TimeDelta::seconds(1)).unwrap();
    let shared = form.with("ssn", "222-33-4455").send(&browser).await;
    let read = read_shared(&api, &shared).await.json();
    let credentials = read["credentials"].as_array().unwrap();
    assert_eq!(credentials.len(), 2, "{read}");
    for (credential, kind, data) in [
        (&credentials[0], "SsnCredential", json!({"ssn": "222334455"})),
        (&credentials[1], "GenderCredential", json!({"gender": "Female"})),
    ] {
        let id = text(credential, "id");
        assert!(!id.starts_with("11111111-"), "a typed value has an id of its own: {id}");
        let expected = json!({
            "id": id, "createdAt": "1767225601000", "updatedAt": "1767225601000", "type": kind, "issuanceDate": 1_767_225_601_000_i64,
            "data": data, "issuer": VERIFIED_UUID, "issuerUuid": VERIFIED_UUID, "status": "valid", "verificationMethod": "self_attested"
        });
        assert_eq!(credential.to_string(), expected.to_string());
    }
    let held = api.get("/userCredentials/jared%40piedpiper.net").bearer(HOOLI).await.json();
    assert!(!held.to_string().contains("222334455"), "what Hooli issued is not touched");
}

#[tokio::test]
async fn only_usable_credentials_are_offered() {
    let api = Api::start("verified");
    let ask = || json!({"email": "jared@piedpiper.net", "credentialRequests": ["EmailCredential", "SsnCredential", "BirthDateCredential"]});
    let url = asked(&api, ask()).await;
    let browser = signed_in(&api, &url).await;
    for (id, change) in [
        ("11111111-1111-4111-8112-000000000005", json!({"status": "revoked"})),
        ("11111111-1111-4111-8112-000000000006", json!({"expirationDate": 1_767_225_660_000_i64})),
    ] {
        assert_eq!(api.patch(&format!("/credentials/{id}"), &change).bearer(HOOLI).await.status, StatusCode::OK);
    }
    api.understudy.advance(TimeDelta::minutes(1) - TimeDelta::milliseconds(1)).unwrap();
    let lines = shown(browser.get(&url).await.text());
    assert_eq!(lines.matches("Not available").count(), 1, "the revoked one: {lines}");
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    let lines = shown(browser.get(&url).await.text());
    assert_eq!(lines.matches("Not available").count(), 2, "the expired one, too: {lines}");
    let shared = post(&browser, &url, "share", []).await;
    let read = read_shared(&api, &shared).await.json();
    let kinds: Vec<String> = read["credentials"].as_array().unwrap().iter().map(|credential| text(credential, "type")).collect();
    assert_eq!(kinds, ["EmailCredential"]);
}

/// Issues Richard's mail and name with Kredita as partner; the wallet's address.
async fn issued_with_partner(api: &Api, tracking_id: Option<&str>) -> String {
    let mut body = json!({
        "email": "richard@piedpiper.net", "partnerUuid": KREDITA_UUID,
        "credentials": [
            {"type": "EmailCredential", "data": {"email": "richard@piedpiper.net"}},
            {"type": "FullNameCredential", "data": [
                {"type": "FirstNameCredential", "data": {"firstName": "Dick"}}, {"type": "LastNameCredential", "data": {"lastName": "Hendricks"}}
            ]}
        ]
    });
    if let Some(tracking_id) = tracking_id {
        body["trackingId"] = json!(tracking_id);
    }
    text(&api.post("/credentials", body).bearer(HOOLI).await.json(), "url")
}

#[tokio::test]
async fn a_partner_session_sees_what_was_just_issued() {
    let api = Api::start("verified");
    let url = issued_with_partner(&api, Some("ga4p3yav")).await;
    let query = url.split_once('?').unwrap().1;
    assert!(
        query.starts_with("email=richard%40piedpiper.net&redirectUrl=http%3A%2F%2Flocalhost%3A7020%2Fregister&jwt="),
        "{query}"
    );
    let browser = api.with_cookies();
    let page = browser.get(&url).await;
    insta::assert_snapshot!(shown(page.text()), @r"
    KKredita
    Please share the following information:
    This information was verified by companies that you use.
    * Required
    Full Name *
    Dick Hendricks
    Email *
    richard@piedpiper.net
    Social Security Number
    Not available
    Kredita: Used to verify your identity
    Share
    Decline
    By choosing “Share” you agree to share the information above with Kredita under its terms <https://kredita.example/terms> and privacy policy <https://kredita.example/privacy>.
    ");
    assert_eq!(api.understudy.messages(None).unwrap().len(), 0, "no code was asked, and none sent");
    let shared = Form::of(page.text(), "/share").send(&browser).await;
    let uuid = parameter(&shared, "sharedCredentialsUuid");
    assert_eq!(shared.location(), format!("http://localhost:7020/register?sharedCredentialsUuid={uuid}&verified=ga4p3yav"));
    let read = read_shared(&api, &shared).await.json();
    let kinds: Vec<String> = read["credentials"].as_array().unwrap().iter().map(|credential| text(credential, "type")).collect();
    assert_eq!(kinds, ["FullNameCredential", "EmailCredential"]);
    assert_eq!(read["credentials"][0]["data"][0]["data"], json!({"firstName": "Dick"}));
}

#[tokio::test]
async fn a_tracking_id_is_passed_on_only_if_there_was_one() {
    let api = Api::start("verified");
    for (tracking_id, verified) in [(None, ""), (Some("a b&c=ü"), "&verified=a%20b%26c%3D%C3%BC")] {
        let url = issued_with_partner(&api, tracking_id).await;
        let browser = api.with_cookies();
        browser.get(&url).await;
        let shared = post(&browser, &url, "share", []).await;
        let uuid = parameter(&shared, "sharedCredentialsUuid");
        assert_eq!(shared.location(), format!("http://localhost:7020/register?sharedCredentialsUuid={uuid}{verified}"));
    }
    let url = issued_with_partner(&api, Some("ga4p3yav")).await;
    let declined = post(&api, &url, "decline", []).await;
    assert_eq!(
        declined.location(),
        "http://localhost:7020/register?optedOut=true",
        "not when declined: the address's own was not seen"
    );
}

#[tokio::test]
async fn a_token_signs_in_for_five_minutes_and_a_code_afterwards() {
    let api = Api::start("verified");
    let url = issued_with_partner(&api, None).await;
    api.understudy.advance(TimeDelta::minutes(5) - TimeDelta::milliseconds(1)).unwrap();
    assert!(shown(api.with_cookies().get(&url).await.text()).contains("Dick Hendricks"));
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    let browser = api.with_cookies();
    assert!(shown(browser.get(&url).await.text()).contains("Enter your code"));
    assert_eq!(enter(&browser, &url, "111111").await.status, StatusCode::FOUND);
    let page = browser.get(&url).await;
    let lines = shown(page.text());
    assert!(
        lines.contains("[choice.fullName: Richard Hendricks of Richard Hendricks | Dick Hendricks]"),
        "all of Richard's: {lines}"
    );
    assert!(lines.contains("Social Security Number *\n111-22-3333"), "and what was not just issued: {lines}");
    let kinds = |read: &Value| {
        read["credentials"].as_array().unwrap().iter().map(|credential| text(credential, "type")).collect::<Vec<_>>()
    };
    let shared = post(&browser, &url, "share", []).await;
    assert_eq!(kinds(&read_shared(&api, &shared).await.json()), ["FullNameCredential", "EmailCredential", "SsnCredential"]);
}

#[tokio::test]
async fn a_token_for_another_flow_or_with_another_signature_signs_nobody_in() {
    let api = Api::start("verified");
    let url = issued_with_partner(&api, None).await;
    let (address, token) = url.split_once("&jwt=").unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let jared = json!({"email": "jared@piedpiper.net", "partnerUuid": KREDITA_UUID, "credentials": [{"type": "EmailCredential", "data": {"email": "jared@piedpiper.net"}}]});
    let other = text(&api.post("/credentials", jared).bearer(HOOLI).await.json(), "url");
    let other = other.split_once("&jwt=").unwrap().1;
    for (case, forged) in [
        ("no token", String::new()),
        ("no signature", format!("{signed}.")),
        ("cut", signed.to_owned()),
        ("another algorithm", format!("eyJhbGciOiJub25lIn0.{claims}.")),
        ("other claims", format!("{header}.{}.{signature}", other.split('.').nth(1).unwrap())),
        ("another person's", other.to_owned()),
    ] {
        let page = api.with_cookies().get(&format!("{address}&jwt={forged}")).await;
        assert!(shown(page.text()).contains("Enter your code"), "{case}: {}", shown(page.text()));
    }
    let plain = published(&api).await;
    let page = api.with_cookies().get(&format!("{plain}&jwt={token}")).await;
    assert!(shown(page.text()).contains("Enter your code"), "a request without a partner takes no token");
}

#[tokio::test]
async fn a_partner_request_by_matching_shows_what_matched() {
    let api = Api::start("verified");
    let body = json!({"email": "richard@piedpiper.net", "phone": "+10123456789", "partnerUuid": KREDITA_UUID});
    let answer = api.post("/hasMatchingCredentials", body).bearer(HOOLI).await.json();
    let (url, id) = (text(&answer, "url"), text(&answer, "requestId"));
    let start = format!(
        "{}/request/{id}?email=richard%40piedpiper.net&phone=%2B10123456789&redirectUrl=http%3A%2F%2Flocalhost%3A7020%2Fregister&jwt=",
        api.base
    );
    assert!(url.starts_with(&start), "{url}");
    let browser = api.with_cookies();
    let lines = shown(browser.get(&url).await.text());
    for expected in ["Full Name *\nRichard Hendricks", "Email *\nrichard@piedpiper.net", "Social Security Number *\n111-22-3333"] {
        assert!(lines.contains(expected), "{expected} in {lines}");
    }
    let shared = post(&browser, &url, "share", []).await;
    let read = read_shared(&api, &shared).await.json();
    assert_eq!((&read["email"], &read["phone"]), (&json!("richard@piedpiper.net"), &json!("+10123456789")));
    assert_eq!(read["credentials"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_token_that_shows_too_little_to_share_asks_for_a_code() {
    let api = Api::start("verified");
    // Kredita wants a name, too, which Richard has, but not from this issuing.
    let body = json!({"email": "richard@piedpiper.net", "partnerUuid": KREDITA_UUID, "credentials": [{"type": "EmailCredential", "data": {"email": "rh@piedpiper.net"}}]});
    let url = text(&api.post("/credentials", body).bearer(HOOLI).await.json(), "url");
    let browser = api.with_cookies();
    let page = browser.get(&url).await;
    assert!(shown(page.text()).contains("Enter your code"), "{}", shown(page.text()));
    assert_eq!(enter(&browser, &url, "111111").await.status, StatusCode::FOUND);
    let shared = post(&browser, &url, "share", []).await;
    assert_eq!(read_shared(&api, &shared).await.json()["credentials"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_was_shared_outlives_the_daily_wipe() {
    let api = Api::start("verified");
    let url = published(&api).await;
    let browser = signed_in(&api, &url).await;
    let shared = post(&browser, &url, "share", []).await;
    let open = published(&api).await;
    let late: Client = signed_in(&api, &open).await;
    api.understudy.advance(TimeDelta::hours(5)).unwrap();
    assert_eq!(read_shared(&api, &shared).await.json()["credentials"].as_array().unwrap().len(), 2);
    let nothing = post(&late, &open, "share", []).await;
    assert_eq!(nothing.status, StatusCode::BAD_REQUEST, "what is required is gone");
}
