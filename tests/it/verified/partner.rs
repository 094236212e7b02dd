//! Issuing with a partner.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use super::{ACME, HOOLI, HOOLI_UUID, KREDITA, KREDITA_UUID, advance, assert_answer, id, not_found, simulate, start_as, text};
use crate::client::Client;

const RICHARD: &str = "5a1c0de0-0000-4000-8000-000000000001";

fn name(parts: &[(&str, &str, &str)]) -> Value {
    let parts: Vec<Value> = parts.iter().map(|(kind, key, value)| json!({"type": kind, "data": {*key: value}})).collect();
    json!({"type": "FullNameCredential", "data": parts})
}

fn full_name() -> Value {
    name(&[("FirstNameCredential", "firstName", "Richard"), ("LastNameCredential", "lastName", "Hendricks")])
}

fn email(address: &str) -> Value {
    json!({"type": "EmailCredential", "data": {"email": address}})
}

/// The parameters of an address, in order.
fn parameters(url: &str) -> Vec<(String, String)> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn names(url: &str) -> Vec<String> {
    parameters(url).into_iter().map(|(name, _)| name).collect()
}

fn decoded(part: &str) -> String {
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

async fn issue(client: &Client, body: Value) -> Value {
    let answer = client.post("/credentials", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{body}: {}", answer.text());
    answer.json()
}

#[tokio::test]
async fn a_person_goes_from_the_issuer_to_the_partner() {
    let (api, hooli) = start_as(HOOLI);
    let issued = issue(
        &hooli,
        json!({
            "email": "richard@piedpiper.net", "trackingId": "ga4p3yav", "partnerUuid": KREDITA_UUID,
            "credentials": [email("richard@piedpiper.net"), full_name()]
        }),
    )
    .await;
    let keys: Vec<&String> = issued.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["email", "trackingId", "credentials", "url"]);
    let url = text(&issued, "/url");
    let (request, query) = url.strip_prefix(&format!("{}/request/", api.base)).unwrap().split_once('?').unwrap();
    assert_eq!(id(&json!([request]), "/0"), request);
    let start = "email=richard%40piedpiper.net&redirectUrl=http%3A%2F%2Flocalhost%3A7020%2Fregister&jwt=";
    let token = query.strip_prefix(start).unwrap_or_else(|| panic!("{query}"));

    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    assert_eq!(decoded(parts[0]), r#"{"alg":"HS256","typ":"access"}"#);
    let claims: Value = serde_json::from_str(&decoded(parts[1])).unwrap();
    let expected = json!({
        "brandUuid": HOOLI_UUID, "credentialGroupUuid": id(&claims, "/credentialGroupUuid"), "partnerBrandUuid": KREDITA_UUID,
        "tier": 10, "iat": 1_767_225_600, "exp": 1_767_225_900, "aud": "http://localhost", "sub": RICHARD, "jti": id(&claims, "/jti")
    });
    assert_eq!(decoded(parts[1]), expected.to_string());

    let done = simulate(&api, "consent", json!({"url": url}));
    let uuid = id(&done, "/uuid");
    assert_eq!(done["redirectUrl"], format!("http://localhost:7020/register?sharedCredentialsUuid={uuid}&verified=ga4p3yav"));
    // The partner reads it, not the issuer.
    let path = format!("/sharedCredentials/{uuid}");
    assert_answer(&hooli.get(&path).await, StatusCode::NOT_FOUND, &not_found("Shared credentials not found."));
    let shared = api.bearer(KREDITA).get(&path).await;
    assert_eq!(shared.status, StatusCode::OK);
    let shared = shared.json();
    let types: Vec<&Value> = shared["credentials"].as_array().unwrap().iter().map(|one| &one["type"]).collect();
    assert_eq!(types, ["FullNameCredential", "EmailCredential"], "the token shows what was just issued, not the SSN of before");
    assert_eq!(shared["email"], "richard@piedpiper.net");
    assert_eq!(api.understudy.messages(None).unwrap().len(), 0, "nobody needs a code");

    advance(&api, TimeDelta::hours(5));
    let list = hooli.get("/userCredentials/richard%40piedpiper.net").await;
    assert_answer(&list, StatusCode::OK, &json!({"credentials": []}));
    let asked = json!({"email": "richard@piedpiper.net", "credentialRequests": ["EmailCredential"]});
    assert_answer(&hooli.post("/hasMatchingCredentials", asked).await, StatusCode::CREATED, &json!({"match": false}));
}

#[tokio::test]
async fn who_signs_in_with_a_code_can_share_what_was_there_before() {
    let (api, hooli) = start_as(HOOLI);
    let body = json!({"phone": "+12025550123", "partnerUuid": KREDITA_UUID, "credentials": [email("a@b.co"), full_name()]});
    let (early, late) = (issue(&hooli, body.clone()).await, issue(&hooli, body).await);
    let shared = async |done: Value| {
        let shared = api.bearer(KREDITA).get(&format!("/sharedCredentials/{}", text(&done, "/uuid"))).await.json();
        shared["credentials"].as_array().unwrap().len()
    };
    assert_eq!(shared(simulate(&api, "consent", json!({"url": early["url"], "code": "111111"}))).await, 3);
    advance(&api, TimeDelta::minutes(5));
    assert_eq!(shared(simulate(&api, "consent", json!({"url": late["url"]}))).await, 3);
    assert_eq!(api.understudy.messages(Some("+12025550123")).unwrap().len(), 2);
}

#[tokio::test]
async fn the_token_signs_in_for_five_minutes_and_the_address_goes_on_with_a_code() {
    let (api, hooli) = start_as(HOOLI);
    let offer = async || {
        let body = json!({"phone": "+12125550123", "partnerUuid": KREDITA_UUID, "credentials": [email("a@b.co"), full_name()]});
        text(&issue(&hooli, body).await, "/url").strip_prefix(&api.base).unwrap().to_owned()
    };
    let has = async |path: &str, what: &str| api.with_cookies().get(path).await.text().contains(what);
    let path = offer().await;
    assert!(has(&path, "id=\"share\"").await);
    assert_eq!(api.understudy.messages(None).unwrap().len(), 0, "nobody needs a code");
    advance(&api, TimeDelta::milliseconds(299_999));
    assert!(has(&path, "id=\"share\"").await);
    advance(&api, TimeDelta::milliseconds(1));
    assert!(has(&path, "id=\"verify\"").await);
    assert_eq!(api.understudy.messages(Some("+12125550123")).unwrap().len(), 1);
    let path = offer().await;
    assert!(has(&path.replace("jwt=ey", "jwt=fy"), "id=\"verify\"").await);
}

#[tokio::test]
async fn without_a_link_or_what_the_partner_asks_for_there_is_no_address() {
    let (api, hooli) = start_as(HOOLI);
    let body =
        |partner: &str, credentials: Value| json!({"phone": "+12125550123", "partnerUuid": partner, "credentials": credentials});
    let both = || json!([email("a@b.co"), full_name()]);
    let unlinked = issue(&api.bearer(ACME), body(KREDITA_UUID, both())).await;
    assert_eq!(unlinked.get("url"), None, "Acme has no partners");
    let back = issue(&api.bearer(KREDITA), body(HOOLI_UUID, both())).await;
    assert_eq!(back.get("url"), None, "Hooli is no partner of Kredita's");
    for partner in ["5a1c0de0-0000-4000-8000-0000000000ff", "kredita", "", HOOLI_UUID, "5a1c0de0-0000-4000-8000-0000000000c1"] {
        assert_eq!(issue(&hooli, body(partner, both())).await.get("url"), None, "{partner}");
    }
    let (_fresh, hooli) = start_as(HOOLI);
    assert_eq!(issue(&hooli, body(KREDITA_UUID, json!([email("a@b.co")]))).await.get("url"), None, "no name");
}

#[tokio::test]
async fn what_the_person_held_before_counts_and_what_was_sent_stands_in_the_address() {
    let (api, hooli) = start_as(HOOLI);
    let first = name(&[("FirstNameCredential", "firstName", "A")]);
    let without = json!({"phone": "+12125550123", "credentials": [email("a@b.co")]});
    issue(&hooli, without).await;
    let with = json!({
        "phone": "+12125550123", "email": "a@b.co", "partnerUuid": KREDITA_UUID.to_uppercase(), "credentials": [first]
    });
    let url = text(&issue(&hooli, with).await, "/url");
    assert_eq!(names(&url), ["email", "phone", "redirectUrl", "jwt"]);
    assert_eq!(parameters(&url)[1].1, "+12125550123");
    // What was just issued is not enough to share, so the token does not sign in, and the code shows all.
    let uuid = text(&simulate(&api, "consent", json!({"url": url})), "/uuid");
    let shared = api.bearer(KREDITA).get(&format!("/sharedCredentials/{uuid}")).await.json();
    assert_eq!(shared["credentials"].as_array().unwrap().len(), 2);
    assert_eq!(api.understudy.messages(Some("+12125550123")).unwrap().len(), 1);
}

#[tokio::test]
async fn matching_for_a_partner_takes_the_partners_requests() {
    let (api, hooli) = start_as(HOOLI);
    let ask = |partner: &str| json!({"phone": "+12025550123", "partnerUuid": partner, "credentialRequests": "ignored"});
    let answer = hooli.post("/hasMatchingCredentials", ask(KREDITA_UUID)).await;
    let body = answer.json();
    let (request, url) = (id(&body, "/requestId"), text(&body, "/url"));
    assert_answer(&answer, StatusCode::CREATED, &json!({"match": true, "requestId": request, "url": url}));
    assert!(url.starts_with(&format!("{}/request/{request}?phone=%2B12025550123&redirectUrl=", api.base)), "{url}");
    assert_eq!(names(&url), ["phone", "redirectUrl", "jwt"]);
    let done = simulate(&api, "consent", json!({"url": url}));
    let uuid = text(&done, "/uuid");
    assert_eq!(done["redirectUrl"], format!("http://localhost:7020/register?sharedCredentialsUuid={uuid}"));
    let shared = api.bearer(KREDITA).get(&format!("/sharedCredentials/{uuid}")).await;
    assert_eq!(shared.json()["credentials"].as_array().unwrap().len(), 3);

    let miss = json!({"match": false});
    for partner in [HOOLI_UUID, "5a1c0de0-0000-4000-8000-0000000000c1", "5a1c0de0-0000-4000-8000-0000000000ff", "kredita"] {
        assert_answer(&hooli.post("/hasMatchingCredentials", ask(partner)).await, StatusCode::CREATED, &miss);
    }
    for (key, partner) in [(KREDITA, HOOLI_UUID), (KREDITA, KREDITA_UUID), (ACME, KREDITA_UUID)] {
        assert_answer(&api.bearer(key).post("/hasMatchingCredentials", ask(partner)).await, StatusCode::CREATED, &miss);
    }
    let nobody = json!({"phone": "+12125550123", "partnerUuid": KREDITA_UUID});
    assert_answer(&hooli.post("/hasMatchingCredentials", nobody).await, StatusCode::CREATED, &miss);
    hooli.patch("/credentials/11111111-1111-4111-8112-000000000001", json!({"status": "revoked"})).await;
    assert_answer(&hooli.post("/hasMatchingCredentials", ask(KREDITA_UUID)).await, StatusCode::CREATED, &miss);
}

#[tokio::test]
async fn a_description_is_the_heading_for_a_partner_too() {
    let (api, hooli) = start_as(HOOLI);
    for (sent, heading) in [
        (json!({"phone": "+12025550123", "partnerUuid": KREDITA_UUID, "description": "Open your account"}), "Open your account"),
        (json!({"phone": "+12025550123", "partnerUuid": KREDITA_UUID}), "Please share the following information:"),
    ] {
        let url = text(&hooli.post("/hasMatchingCredentials", &sent).await.json(), "/url");
        let page = api.with_cookies().get(url.strip_prefix(&api.base).unwrap()).await;
        assert!(page.text().contains(heading), "{sent}: {}", page.text());
    }
}
