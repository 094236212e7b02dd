//! Spelling: the setting `wire`, and what the framework adds to every answer.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ACME, HOOLI, HOOLI_UUID, KREDITA, VERIFIED_UUID, assert_answer, id, millis, not_found, simulate, start_as, text};
use crate::client::Client;
use crate::harness::{Api, builder};

const PHONE: &str = "+12125550010";
const SHARED: &str = "/sharedCredentials/33333333-3333-4333-8333-000000000001";

/// A server that spells as the real sandbox was seen to, and a client with this brand's key.
fn observed(key: &str) -> (Api, Client) {
    let api = Api::with("verified", builder().setting("verified", "wire", json!("observed")));
    let client = api.bearer(key);
    (api, client)
}

#[tokio::test]
async fn issued_credentials_as_observed() {
    let (_api, hooli) = observed(HOOLI);
    let sent = json!({"email": "a@b.co", "credentials": [
        {"type": "SsnCredential", "data": {"ssn": "111223333"}, "expirationDate": 1_893_484_800_000_i64},
        {"type": "FullNameCredential", "data": [{"type": "FirstNameCredential", "data": {"firstName": "A"}}]}
    ]});
    let answer = hooli.post("/credentials", sent).await;
    let body = answer.json();
    let rest = |expires: Value| json!({"issuerUuid": HOOLI_UUID, "issuanceDate": millis(0), "expirationDate": expires, "status": "valid", "verificationMethod": null});
    let one = |pointer: &str, kind: &str, data: Value, expires: Value| {
        let mut one = json!({"id": id(&body, pointer), "type": kind, "data": data});
        one.as_object_mut().unwrap().extend(rest(expires).as_object().unwrap().clone());
        one
    };
    let first = one("/credentials/1/data/0/id", "FirstNameCredential", json!({"firstName": "A"}), json!(null));
    let expected = json!({"email": "a@b.co", "credentials": [
        one("/credentials/0/id", "SsnCredential", json!({"ssn": "111223333"}), json!("1893484800000")),
        one("/credentials/1/id", "FullNameCredential", json!([first]), json!(null))
    ]});
    assert_answer(&answer, StatusCode::CREATED, &expected);
}

#[tokio::test]
async fn stored_and_changed_credentials_as_observed() {
    let (_api, hooli) = observed(HOOLI);
    let stored = |updated: &str, expires: Value| {
        json!({
            "id": "11111111-1111-4111-8111-000000000008", "createdAt": "1721304000000", "updatedAt": updated,
            "type": "Line1Credential", "issuanceDate": "1721304000000", "expirationDate": expires,
            "data": {"line1": "5320 Newell Rd"}, "issuerUuid": HOOLI_UUID, "status": "valid", "verificationMethod": null
        })
    };
    let path = "/credentials/11111111-1111-4111-8111-000000000008";
    assert_answer(&hooli.get(path).await, StatusCode::OK, &stored("1721304000000", json!(null)));
    let changed = hooli.patch(path, json!({"expirationDate": 2_701_483_024_054_i64})).await;
    let now = millis(0);
    let expected = json!({
        "id": "11111111-1111-4111-8111-000000000008", "createdAt": "1721304000000", "updatedAt": now, "type": "Line1Credential",
        "issuanceDate": "1721304000000", "expirationDate": "2701483024054", "issuerUuid": HOOLI_UUID, "status": "valid",
        "verificationMethod": null, "data": {"line1": "5320 Newell Rd"}
    });
    assert_answer(&changed, StatusCode::OK, &expected);
    let list = hooli.get("/userCredentials/+10123456789").await.json();
    let part = stored(&now, json!("2701483024054")).to_string();
    assert_eq!(list["credentials"][7].to_string(), part);
    assert_eq!(list["credentials"][6]["data"][0].to_string(), part);
    let all = hooli.patch("/userCredentials/+10123456789", json!({"status": "valid"})).await.json();
    assert_eq!(all["credentials"][7].to_string(), part);
    assert_eq!(all["credentials"][0].get("expirationDate"), Some(&json!(null)));
}

#[tokio::test]
async fn shared_credentials_as_observed() {
    let (_api, kredita) = observed(KREDITA);
    let one = |id: &str, kind: &str, data: Value| {
        json!({
            "id": format!("11111111-1111-4111-8111-{id}"), "createdAt": "1721304000000", "updatedAt": "1721304000000", "type": kind,
            "issuanceDate": "1721304000000", "expirationDate": null, "data": data, "issuerUuid": HOOLI_UUID, "status": "valid",
            "verificationMethod": null
        })
    };
    let expected = json!({"uuid": "33333333-3333-4333-8333-000000000001", "email": "richard@piedpiper.net", "credentials": [
        one("000000000001", "EmailCredential", json!({"email": "richard@piedpiper.net"})),
        one("000000000002", "FullNameCredential", json!([
            one("000000000003", "FirstNameCredential", json!({"firstName": "Richard"})),
            one("000000000004", "LastNameCredential", json!({"lastName": "Hendricks"}))
        ]))
    ]});
    assert_answer(&kredita.get(SHARED).await, StatusCode::OK, &expected);
}

#[tokio::test]
async fn one_clicks_as_observed() {
    let (api, hooli) = observed(HOOLI);
    let sent = json!({
        "phone": PHONE, "email": "a@b.co", "birthDate": "1989-08-01",
        "credentialRequests": [{"type": "FullNameCredential", "children": ["FirstNameCredential"]}, "SsnCredential"]
    });
    let entity = |body: &Value, phone_method: Value, ssn: &str, ssn_method: &str| {
        let leaf = |pointer: &str| id(body, &format!("/metadata/id/{pointer}"));
        let both = |value: Value| json!({"fullName": {"firstName": value}, "ssn": value});
        json!({
            "identifiers": {"phone": PHONE, "email": "a@b.co"},
            "credentials": {"fullName": {"firstName": "Richard"}, "ssn": ssn},
            "metadata": {
                "id": {"fullName": {"firstName": leaf("fullName/firstName")}, "ssn": leaf("ssn")},
                "verificationMethod": {"fullName": {"firstName": "phone_carrier"}, "ssn": ssn_method},
                "status": both(json!("valid")),
                "expirationDate": both(json!(null)),
                "issuanceDate": both(json!(millis(0))),
                "issuerUuid": both(json!(VERIFIED_UUID)),
                "identifiers": {"verificationMethod": {"phone": phone_method, "email": null}}
            }
        })
    };
    let answer = hooli.post("/1-click/trusted", &sent).await;
    let body = answer.json();
    let uuid = id(&body, "/uuid");
    let data = entity(&body, json!(null), "123456789", "phone_carrier");
    assert_answer(&hooli.get(&format!("/1-click/{uuid}")).await, StatusCode::OK, &data);
    assert_eq!(answer.text(), format!("{{\"uuid\":\"{uuid}\",{}", &data.to_string()[1..]));

    let mut hosted = sent.clone();
    hosted["credentialRequests"][1] = json!({"type": "SsnCredential", "allowUserInput": true});
    let url = text(&hooli.post("/1-click", &hosted).await.json(), "/url");
    let done = simulate(&api, "consent", json!({"url": url, "values": {"ssn": "222334455"}}));
    let answer = hooli.get(&format!("/1-click/{}", text(&done, "/uuid"))).await;
    assert_answer(&answer, StatusCode::OK, &entity(&answer.json(), json!("otp"), "222334455", "self_attested"));
    let opted_out = json!({
        "identifiers": {"phone": "+10123456789"}, "metadata": {"identifiers": {"verificationMethod": {"phone": "otp"}}}
    });
    assert_answer(&hooli.get("/1-click/22222222-2222-4222-8222-000000000002").await, StatusCode::OK, &opted_out);
}

#[tokio::test]
async fn the_spelling_can_be_changed_at_any_time() {
    let (api, hooli) = start_as(HOOLI);
    let control = Client::new(api.understudy.control_url());
    let path = "/credentials/11111111-1111-4111-8111-000000000005";
    let seed = hooli.get(path).await.json();
    assert_eq!(seed.get("expirationDate"), None);
    for (value, expires) in
        [(json!("observed"), Some(json!(null))), (json!("seed"), None), (json!("observed"), Some(json!(null))), (json!(null), None)]
    {
        let set = control.put("/settings/verified", json!({"wire": value})).await;
        assert_eq!(set.status, StatusCode::OK, "{value}");
        assert_eq!(hooli.get(path).await.json().get("expirationDate").cloned(), expires, "{value}");
    }
    for wrong in [json!({"wire": "v2"}), json!({"codes": 111_111}), json!({"colour": "blue"})] {
        assert_eq!(control.put("/settings/verified", &wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_of_the_framework() {
    let (_api, hooli) = start_as(HOOLI);
    for (path, status) in [
        ("/credentials/11111111-1111-4111-8111-000000000005", StatusCode::OK),
        ("/credentials/none", StatusCode::NOT_FOUND),
        ("/nowhere", StatusCode::NOT_FOUND),
        ("/hasMatchingCredentials", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let answer = hooli.get(path).header("origin", "https://app.example").await;
        assert_eq!(answer.status, status, "{path}");
        for (name, value) in [
            ("content-type", "application/json; charset=utf-8"),
            ("x-powered-by", "Express"),
            ("access-control-allow-origin", "*"),
            ("vary", "Accept, Accept-Encoding"),
            ("date", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
        let start = format!("W/\"{:x}-", answer.body.len());
        let tag = answer.header("etag");
        assert!(tag.starts_with(&start) && tag.len() == start.len() + 28 && tag.ends_with('"'), "{path}: {tag}");
    }
}

#[tokio::test]
async fn an_entity_tag_saves_the_body_until_it_changes() {
    let (_api, hooli) = start_as(HOOLI);
    let path = "/credentials/11111111-1111-4111-8111-000000000005";
    let first = hooli.get(path).await;
    let tag = first.header("etag").to_owned();
    for known in [tag.as_str(), "*", &format!("W/\"0-a\", {tag}")] {
        let answer = hooli.get(path).header("if-none-match", known).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
        assert_eq!(answer.header("etag"), tag, "{known}");
        assert!(!answer.headers.contains_key("content-type"), "{known}");
    }
    assert_eq!(hooli.get(path).header("if-none-match", "W/\"0-a\"").await.status, StatusCode::OK);
    hooli.patch(path, json!({"status": "revoked"})).await;
    let changed = hooli.get(path).header("if-none-match", &tag).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_ne!(changed.header("etag"), tag);
    // Only what was read and found: no error, nothing that was made.
    let missing = hooli.get("/credentials/none").header("if-none-match", "*").await;
    assert_answer(&missing, StatusCode::NOT_FOUND, &not_found("Credential not found."));
    let patched = hooli.patch(path, json!({})).header("if-none-match", "*").await;
    assert_eq!(patched.status, StatusCode::OK);
}

#[tokio::test]
async fn browsers_may_ask_from_anywhere() {
    let api = Api::start("verified");
    for path in ["/1-click", "/credentials/5", "/userCredentials/a%40b.co", "/jsonSchema", "/nowhere"] {
        let answer = api
            .without_contract()
            .call(Method::OPTIONS, path)
            .header("origin", "https://app.example")
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "authorization, x-own")
            .await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), "GET,HEAD,PUT,PATCH,POST,DELETE", "{path}");
        assert_eq!(answer.header("access-control-allow-headers"), "authorization, x-own", "{path}");
    }
    let bare = api.without_contract().call(Method::OPTIONS, "/1-click").await;
    assert_eq!(bare.status, StatusCode::NO_CONTENT);
    assert!(!bare.headers.contains_key("access-control-allow-headers"));
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let (api, hooli) = start_as(HOOLI);
    for path in
        ["/credentials/11111111-1111-4111-8111-000000000005", "/userCredentials/+10123456789", "/jsonSchema", "/credentials/none"]
    {
        let full = hooli.get(path).await;
        let head = hooli.call(Method::HEAD, path).await;
        assert_eq!((head.status, head.body.len()), (full.status, 0), "{path}");
        for name in ["etag", "content-type", "content-length", "vary"] {
            assert_eq!(head.headers.get(name), full.headers.get(name), "{path}: {name}");
        }
    }
    assert_eq!(api.call(Method::HEAD, "/credentials/none").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_trailing_slash_makes_no_difference() {
    let (api, hooli) = start_as(HOOLI);
    for path in [
        "/credentials/11111111-1111-4111-8111-000000000005",
        "/userCredentials/+10123456789",
        "/jsonSchema",
        "/schema/SsnCredential",
    ] {
        assert_eq!(hooli.get(&format!("{path}/")).await.body, hooli.get(path).await.body, "{path}");
    }
    let sent = json!({"phone": PHONE, "credentialRequests": ["SsnCredential"]});
    assert_eq!(hooli.post("/1-click/", &sent).await.status, StatusCode::CREATED);
    assert_eq!(hooli.post("/hasMatchingCredentials/", &sent).await.status, StatusCode::CREATED);
    assert_eq!(api.bearer(ACME).post("/1-click/trusted/", &sent).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_client_that_thinks_it_talks_to_the_real_hosts_gets_their_addresses() {
    let api = Api::start("verified");
    for (host, wallet) in [
        ("core-api.sandbox-verifiedinc.com", "http://wallet.sandbox-verifiedinc.com"),
        ("core-api.verified.inc", "http://wallet.verified.inc"),
        ("verified.localhost:11111", "http://verified.localhost:11111"),
    ] {
        let client = Client::new(api.understudy.url()).header("host", host).bearer(HOOLI);
        let sent = json!({"phone": PHONE, "verificationOptions": "only_link"});
        let started = client.post("/1-click", sent).await.json();
        assert!(text(&started, "/url").starts_with(&format!("{wallet}/request/")), "{host}: {started}");
        assert!(text(&started, "/smsBody").contains(&format!(": {wallet}/mt/")), "{host}: {started}");
        let shared =
            client.post("/hasMatchingCredentials", json!({"phone": "+12025550123", "credentialRequests": ["SsnCredential"]})).await;
        assert!(text(&shared.json(), "/url").starts_with(&format!("{wallet}/request/")), "{host}: {}", shared.text());
    }
    for host in ["schema-resolver.verified.inc", "schema.verified.inc"] {
        let client = Client::new(api.understudy.url()).header("host", host);
        assert_eq!(client.get("/jsonSchema/SsnCredential").await.body, api.get("/jsonSchema/SsnCredential").await.body, "{host}");
    }
}
