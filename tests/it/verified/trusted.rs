//! Trusted 1-Click, the mock data behind phone numbers, and the formats in which brands get it.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{
    ACME, HOOLI, HOOLI_UUID, KREDITA, KREDITA_UUID, advance, assert_answer, bad_request, entity, id, millis, no_one_click,
    one_click_error, richard, start_as, text,
};
use crate::client::{Client, Response};
use crate::harness::Api;

const PHONE: &str = "+10123456789";

async fn ask(client: &Client, phone: &str, requests: Value) -> Response {
    let body = json!({"phone": phone, "birthDate": "1989-08-01", "credentialRequests": requests});
    client.post("/1-click/trusted", body).await
}

/// The credentials of a trusted 1-Click with these requests.
async fn credentials(client: &Client, phone: &str, requests: Value) -> Value {
    let answer = ask(client, phone, requests.clone()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{requests}: {}", answer.text());
    answer.json()["credentials"].clone()
}

#[tokio::test]
async fn the_data_comes_at_once_and_can_be_read_again_for_five_minutes() {
    let (api, hooli) = start_as(HOOLI);
    let answer = hooli.post("/1-click/trusted", json!({"phone": PHONE, "birthDate": "1989-08-01"})).await;
    let body = answer.json();
    let uuid = id(&body, "/uuid");
    let data = entity(&body, json!(null), richard(PHONE), &millis(0), |_| json!("phone_carrier"));
    let mut expected = Map::from_iter([("uuid".to_owned(), json!(uuid))]);
    expected.extend(data.as_object().unwrap().clone());
    assert_answer(&answer, StatusCode::CREATED, &expected.into());

    let path = format!("/1-click/{uuid}");
    assert_answer(&hooli.get(&path).await, StatusCode::OK, &data);
    assert_answer(&api.bearer(KREDITA).get(&path).await, StatusCode::NOT_FOUND, &no_one_click());
    advance(&api, TimeDelta::milliseconds(299_999));
    assert_answer(&hooli.get(&path).await, StatusCode::OK, &data);
    advance(&api, TimeDelta::milliseconds(1));
    assert_answer(&hooli.get(&path).await, StatusCode::NOT_FOUND, &no_one_click());
    assert_eq!(api.understudy.messages(None).unwrap().len(), 0, "nobody gets a message");
}

#[tokio::test]
async fn a_brand_without_the_feature_is_refused_before_all_else() {
    let (_api, acme) = start_as(ACME);
    let message = "Trusted 1-Click is not enabled for this brand";
    let expected = json!({"name": "Forbidden", "message": message, "code": 403, "className": "forbidden"});
    for sent in [json!({"phone": PHONE, "birthDate": "1989-08-01"}), json!({})] {
        assert_answer(&acme.post("/1-click/trusted", sent).await, StatusCode::FORBIDDEN, &expected);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_named() {
    let (_api, hooli) = start_as(HOOLI);
    let call = |phone: Value, birth_date: Value| json!({"phone": phone, "birthDate": birth_date});
    let must = |phone: &str, kind: &str| json!({"phone": phone, "birthDate": "1989-08-01", "credentialRequests": [{"type": kind, "mandatory": "yes"}, "EmailCredential"]});
    let (missing, unsupported) = ("Either 'phone' or 'email' is required", "Unsupported phone number to use 1-Click");
    let need_date = "Additional information is required to source data for user: birthDate";
    let need_more = "Unable to use 1-click due to missing mandatory credentials";
    for (sent, code, message) in [
        (json!({"birthDate": "1989-08-01", "email": "a@b.co"}), "OCE003", missing),
        (call(json!(1), json!("1989-08-01")), "OCE003", missing),
        (call(json!("0123456789"), json!("1989-08-01")), "OCE002", unsupported),
        (call(json!("+447911123456"), json!("1989-08-01")), "OCE002", unsupported),
        (call(json!("+1212555001"), json!("1989-08-01")), "OCE002", unsupported),
        (call(json!("+550123456780"), json!("1989-08-01")), "OCE002", unsupported),
        (json!({"phone": PHONE}), "OCE011", need_date),
        (call(json!(PHONE), json!(null)), "OCE011", need_date),
        (call(json!("+12125550022"), json!("1989-08-02")), "OCE012", "BirthDate mismatch."),
        (call(json!("+14045551300"), json!("1989-08-01")), "OCE013", "No credentials found"),
        (must("+13135550030", "FullNameCredential"), "OCE007", need_more),
        (must("+13135550031", "AddressCredential"), "OCE007", need_more),
        (must("+13135550033", "SsnCredential"), "OCE007", need_more),
        (must("+13135550034", "BirthDateCredential"), "OCE007", need_more),
        (must(PHONE, "EmployerCredential"), "OCE007", need_more),
    ] {
        let answer = hooli.post("/1-click/trusted", &sent).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, one_click_error(code, message)), "{sent}");
    }
    for (sent, message) in [
        (call(json!(PHONE), json!("01.08.1989")), "birthDate must be in YYYY-MM-DD format"),
        (call(json!(PHONE), json!(617_976_000_000_i64)), "birthDate must be in YYYY-MM-DD format"),
        (json!({"phone": PHONE, "birthDate": "1989-08-01", "email": "a"}), "email must be a valid email address"),
        (json!({"phone": PHONE, "birthDate": "1989-08-01", "credentialRequests": []}), "credentialRequests is required"),
        (json!({"phone": PHONE, "birthDate": "1989-08-01", "credentialRequests": [{}]}), "credentialRequests[0].type is required"),
    ] {
        let answer = hooli.post("/1-click/trusted", &sent).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, bad_request(message)), "{sent}");
    }
    // Nothing of what is asked for can be had.
    let nothing = ask(&hooli, PHONE, json!(["EmployerCredential", "DobCredential"])).await;
    assert_answer(&nothing, StatusCode::BAD_REQUEST, &one_click_error("OCE013", "No credentials found"));
}

#[tokio::test]
async fn any_birth_date_does_except_for_the_phone_that_is_strict() {
    let (_api, hooli) = start_as(HOOLI);
    for (phone, birth_date) in [(PHONE, "2001-01-31"), ("+12125550010", "1900-01-01"), ("+12125550022", "1989-08-01")] {
        let answer = hooli.post("/1-click/trusted", json!({"phone": phone, "birthDate": birth_date})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{phone}");
        assert_eq!(answer.json()["credentials"], richard(phone), "{phone}");
    }
}

#[tokio::test]
async fn test_phones_lack_what_they_are_known_to_lack() {
    let (_api, hooli) = start_as(HOOLI);
    for (phone, lacks) in [
        ("+10123456789", None),
        ("+550123456789", None),
        ("+12125550010", None),
        ("+13135550030", Some("fullName")),
        ("+13135550031", Some("address")),
        ("+13135550033", Some("ssn")),
        ("+13135550034", Some("birthDate")),
    ] {
        let mut expected = richard(phone);
        if let Some(lacks) = lacks {
            expected.as_object_mut().unwrap().shift_remove(lacks).unwrap();
        }
        assert_eq!(credentials(&hooli, phone, json!(null)).await.to_string(), expected.to_string(), "{phone}");
    }
}

#[tokio::test]
async fn other_numbers_have_the_mock_data_that_the_sum_of_their_digits_picks() {
    let (_api, hooli) = start_as(HOOLI);
    let people = [
        (
            "Richard",
            "Hendricks",
            "617976000000",
            "123456789",
            "5320 Newell Rd",
            "Palo Alto",
            "CA",
            "94303",
            "richard@piedpiper.net",
        ),
        ("Dinesh", "Chugtai", "500299200000", "333224444", "1021 Broadway", "San Francisco", "CA", "94133", "dinesh@piedpiper.net"),
        (
            "Monica",
            "Hall",
            "721310400000",
            "222334444",
            "1133 Broderick St",
            "San Francisco",
            "CA",
            "94115",
            "monica@raviga.example",
        ),
        (
            "Bertram",
            "Gilfoyle",
            "290952000000",
            "444556666",
            "6536 Del Playa Dr",
            "Goleta",
            "CA",
            "93117",
            "gilfoyle@piedpiper.net",
        ),
        ("Jian", "Yang", "832334400000", "555667777", "107 SE Washington St", "Houston", "TX", "77002", "jian@piedpiper.net"),
    ];
    for (phone, number) in [
        ("+12125550200", 3), // 1 + 2 + 1 + 2 + 5 + 5 + 5 + 0 + 2 = 23
        ("+12125550201", 4),
        ("+12125550202", 0),
        ("+12125550203", 1),
        ("+12125550204", 2),
        ("+10000000000", 1),
        ("+19999999999", 1), // 91
    ] {
        let (first, last, born, ssn, line1, city, state, zip, email) = people[number];
        let expected = json!({
            "fullName": {"firstName": first, "lastName": last},
            "email": email,
            "phone": phone,
            "address": {"line1": line1, "city": city, "state": state, "country": "US", "zipCode": zip},
            "birthDate": born,
            "ssn": ssn
        });
        for _ in 0..2 {
            assert_eq!(credentials(&hooli, phone, json!(null)).await.to_string(), expected.to_string(), "{phone}");
        }
    }
}

#[tokio::test]
async fn requests_say_what_comes_and_in_which_order() {
    let (_api, hooli) = start_as(HOOLI);
    for (requests, expected) in [
        (json!(["SsnCredential", "EmailCredential"]), json!({"ssn": "123456789", "email": "richard@piedpiper.net"})),
        (json!([{"type": "FullNameCredential"}]), json!({"fullName": {"firstName": "Richard", "lastName": "Hendricks"}})),
        (
            json!([{"type": "FullNameCredential", "children": ["LastNameCredential", "FirstNameCredential"]}]),
            json!({"fullName": {"lastName": "Hendricks", "firstName": "Richard"}}),
        ),
        (
            json!([{"type": "AddressCredential", "children": [{"type": "ZipCodeCredential"}, {"type": "Line2Credential"}]}, "DobCredential"]),
            json!({"address": {"zipCode": "94303"}}),
        ),
        (
            json!([{"type": "FullNameCredential", "mandatory": "yes", "children": ["MiddleNameCredential"]}, "PhoneCredential"]),
            json!(null),
        ),
        (json!(["FirstNameCredential", "StateCredential"]), json!({"firstName": "Richard", "state": "CA"})),
    ] {
        let answer = ask(&hooli, PHONE, requests.clone()).await;
        if expected.is_null() {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{requests}");
        } else {
            assert_eq!(answer.json()["credentials"].to_string(), expected.to_string(), "{requests}");
        }
    }
}

#[tokio::test]
async fn what_the_mock_data_does_not_have_comes_from_issued_credentials() {
    let (api, hooli) = start_as(HOOLI);
    let employer = json!({"phone": "+13135550033", "credentials": [
        {"type": "EmployerCredential", "data": [{"type": "EmployerNameCredential", "data": {"employer": "Hooli"}}]},
        {"type": "SsnCredential", "data": {"ssn": "999887777"}, "verificationMethod": "otp", "expirationDate": millis(60_000)}
    ]});
    let issued = hooli.post("/credentials", employer).await.json();
    let kredita = api.bearer(KREDITA);
    let requests = json!([{"type": "EmployerCredential", "mandatory": "yes"}, {"type": "SsnCredential", "mandatory": "yes"}]);
    let answer = ask(&kredita, "+13135550033", requests.clone()).await;
    let body = answer.json();
    assert_eq!(body["credentials"], json!({"employer": {"employerName": "Hooli"}, "ssn": "999887777"}), "{body}");
    let leaf = json!({
        "id": issued["credentials"][1]["id"], "verificationMethod": "otp", "status": "valid", "issuerUuid": HOOLI_UUID,
        "issuanceDate": millis(0), "expirationDate": millis(60_000)
    });
    assert_eq!(body["metadata"]["credentials"]["ssn"].to_string(), leaf.to_string());
    // What has expired, and what is revoked, cannot be had.
    advance(&api, TimeDelta::minutes(1));
    let message = "Unable to use 1-click due to missing mandatory credentials";
    let refused = ask(&kredita, "+13135550033", requests).await;
    assert_answer(&refused, StatusCode::BAD_REQUEST, &one_click_error("OCE007", message));
    hooli.patch("/userCredentials/+13135550033", json!({"status": "revoked"})).await;
    let refused = ask(&kredita, "+13135550033", json!([{"type": "EmployerCredential", "required": true}])).await;
    assert_answer(&refused, StatusCode::BAD_REQUEST, &one_click_error("OCE007", message));
}

#[tokio::test]
async fn issuers_choose_between_mock_data_and_issued_credentials() {
    let (_api, hooli) = start_as(HOOLI);
    for (issuers, ssn) in [
        (json!([]), json!("123456789")),
        (json!([super::VERIFIED_UUID]), json!("123456789")),
        (json!([HOOLI_UUID, super::VERIFIED_UUID]), json!("123456789")),
        (json!([HOOLI_UUID.to_uppercase()]), json!("111223333")),
        (json!([KREDITA_UUID]), json!(null)),
    ] {
        let requests = json!([{"type": "SsnCredential", "issuers": issuers}, "EmailCredential"]);
        let shared = credentials(&hooli, PHONE, requests).await;
        assert_eq!(shared.get("ssn").cloned().unwrap_or_default(), ssn, "{issuers}");
    }
}

async fn set_formats(api: &Api, formats: Value) {
    let control = Client::new(api.understudy.control_url());
    let answer = control.put("/settings/verified", json!({"formats": formats})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

#[tokio::test]
async fn brands_get_data_in_their_formats() {
    let (api, hooli) = start_as(HOOLI);
    let kredita = api.bearer(KREDITA);
    for (formats, pointer, expected) in [
        (json!({"birthDate": "unixTimestamp"}), "/birthDate", json!("617976000000")),
        (json!({"birthDate": "MM/dd/yyyy"}), "/birthDate", json!("08/01/1989")),
        (json!({"birthDate": "MM/DD/YYYY"}), "/birthDate", json!("08/01/1989")),
        (json!({"birthDate": "yyyy-MM-dd"}), "/birthDate", json!("1989-08-01")),
        (json!({"birthDate": "d/M/yy"}), "/birthDate", json!("1/8/89")),
        (json!({"state": "abbreviation"}), "/address/state", json!("CA")),
        (json!({"state": "full"}), "/address/state", json!("California")),
        (json!({"country": "full"}), "/address/country", json!("United States of America")),
        (json!({"country": "abbreviation"}), "/address/country", json!("US")),
        (json!({"address": "object"}), "/address/city", json!("Palo Alto")),
        (json!({"address": "line1, city, state-country"}), "/address", json!("5320 Newell Rd, Palo Alto, CA-US")),
        (json!({"address": "line1, line2, city"}), "/address", json!("5320 Newell Rd, Palo Alto")),
        (
            json!({"address": "city, state-country", "state": "full", "country": "full"}),
            "/address",
            json!("Palo Alto, California-United States of America"),
        ),
        (json!({"fullName": "firstName, lastName"}), "/fullName", json!("Richard, Hendricks")),
        (json!({"fullName": "lastName, firstName middleName"}), "/fullName", json!("Hendricks, Richard")),
        (json!({"fullName": "object"}), "/fullName/firstName", json!("Richard")),
    ] {
        set_formats(&api, json!({HOOLI_UUID: formats})).await;
        let body = ask(&hooli, PHONE, json!(null)).await.json();
        assert_eq!(body["credentials"].pointer(pointer), Some(&expected), "{formats}");
        assert!(body["metadata"]["credentials"]["address"]["line1"]["id"].is_string(), "metadata stays nested: {formats}");
        assert!(body["metadata"]["credentials"]["fullName"]["firstName"]["id"].is_string(), "{formats}");
        // A second reading has the formats of its own time; another brand has its own.
        assert_eq!(ask(&kredita, PHONE, json!(null)).await.json()["credentials"], richard(PHONE), "{formats}");
        let again = hooli.get(&format!("/1-click/{}", text(&body, "/uuid"))).await.json();
        assert_eq!(again["credentials"], body["credentials"], "{formats}");
    }
    // Another PUT of the same key replaces the whole of it.
    set_formats(&api, json!({KREDITA_UUID: {"birthDate": "yyyy-MM-dd"}})).await;
    assert_eq!(credentials(&hooli, PHONE, json!(null)).await, richard(PHONE));
    assert_eq!(credentials(&kredita, PHONE, json!(["BirthDateCredential"])).await, json!({"birthDate": "1989-08-01"}));
}

#[tokio::test]
async fn a_format_that_cannot_be_is_refused_and_the_old_one_stays() {
    let (api, hooli) = start_as(HOOLI);
    set_formats(&api, json!({HOOLI_UUID: {"state": "full"}})).await;
    let control = Client::new(api.understudy.control_url());
    for formats in [
        json!({HOOLI_UUID: {"birthDate": "dd.MM.yyyy"}}),
        json!({HOOLI_UUID: {"birthDate": ""}}),
        json!({HOOLI_UUID: {"state": "long"}}),
        json!({HOOLI_UUID: {"address": "street"}}),
        json!({HOOLI_UUID: {"fullName": "firstName; lastName"}}),
        json!({HOOLI_UUID: {"city": "full"}}),
        json!({"Hooli": {}}),
        json!([]),
    ] {
        let answer = control.put("/settings/verified", json!({"formats": formats})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{formats}");
        assert!(text(&answer.json(), "/detail").starts_with("verified.formats: "), "{}", answer.text());
    }
    assert_eq!(credentials(&hooli, PHONE, json!(["StateCredential"])).await, json!({"state": "California"}));
}
