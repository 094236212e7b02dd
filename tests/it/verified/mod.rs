//! Verified Inc.: what its clients see.

mod errors;
mod isolation;
mod issuing;
mod one_click;
mod page;
mod pages;
mod partner;
mod requests;
mod schemas;
mod send_back;
mod trusted;
mod users;
mod wallet;
mod wallet_addresses;
mod wallet_consent;
mod wallet_endings;
mod wallet_matching;
mod wallet_simulations;
mod wire;

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use crate::client::{Client, Response};
use crate::harness::Api;

/// Key of Hooli, which issues and accepts, and may issue with Kredita.
pub(crate) const HOOLI: &str = "yVg3LEnF08y0MDmpHcPxB+sZWFcDARmPRKdY2M906ng=";
/// Key of Kredita, which accepts and has requests as a partner.
pub(crate) const KREDITA: &str = "it6JXCP4E+j9W4oG+UyR1eJ4XNfvp8cB+lx2vxDJluo=";
/// Key of Acme Lending, which may not use trusted 1-Click.
pub(crate) const ACME: &str = "YWNtZS1sZW5kaW5nLXNhbmRib3gtYXBpLWtleS0wMDE=";

/// Uuid of Hooli.
pub(crate) const HOOLI_UUID: &str = "7854ec22-f913-4d67-824d-adb2a756bf3c";
/// Uuid of Kredita.
pub(crate) const KREDITA_UUID: &str = "f42c3a46-b45f-459e-a707-104ee6aa3000";
/// Uuid of the brand that issues mock data.
pub(crate) const VERIFIED_UUID: &str = "c3be0124-8f03-4983-baef-3302e0be88f4";

/// A moment of the test's clock, so many milliseconds after its start, as the API spells moments.
pub(crate) fn millis(after_start: i64) -> String {
    (1_767_225_600_000 + after_start).to_string()
}

/// A server, and a client with this brand's key.
pub(crate) fn start_as(key: &str) -> (Api, Client) {
    let api = Api::start("verified");
    let client = api.bearer(key);
    (api, client)
}

/// Moves the clock ahead.
pub(crate) fn advance(api: &Api, by: TimeDelta) {
    api.understudy.advance(by).unwrap();
}

/// Does what a person or the calendar does.
pub(crate) fn simulate(api: &Api, name: &str, input: Value) -> Value {
    api.understudy.simulate("verified", name, input).unwrap()
}

/// Holds an answer against status and body, byte by byte: the order of keys counts.
#[track_caller]
pub(crate) fn assert_answer(answer: &Response, status: StatusCode, body: &Value) {
    assert_eq!((answer.status, answer.text()), (status, body.to_string().as_str()));
}

/// The body of a 400.
pub(crate) fn bad_request(message: &str) -> Value {
    json!({"name": "BadRequest", "message": message, "code": 400, "className": "bad-request"})
}

/// The body of a 400 of a 1-Click with a code of its own.
pub(crate) fn one_click_error(code: &str, message: &str) -> Value {
    json!({"name": "BadRequest", "message": message, "code": 400, "className": "bad-request", "data": {"errorCode": code}})
}

/// The body of a 404.
pub(crate) fn not_found(message: &str) -> Value {
    json!({"name": "NotFound", "message": message, "code": 404, "className": "not-found"})
}

/// The body of a 404 of a 1-Click.
pub(crate) fn no_one_click() -> Value {
    json!({
        "name": "NotFound", "message": "1-Click Not Found", "code": 404, "className": "not-found",
        "data": {"errorCode": "OCE015"}
    })
}

/// A text of an answer, by JSON pointer.
#[track_caller]
pub(crate) fn text(body: &Value, pointer: &str) -> String {
    let value = body.pointer(pointer).and_then(Value::as_str);
    value.unwrap_or_else(|| panic!("no text at {pointer} of {body}")).to_owned()
}

/// An id of an answer, by JSON pointer: a random UUID in its usual spelling.
#[track_caller]
pub(crate) fn id(body: &Value, pointer: &str) -> String {
    let text = text(body, pointer);
    let uuid = uuid::Uuid::try_parse(&text).unwrap_or_else(|error| panic!("{text} at {pointer}: {error}"));
    assert_eq!((uuid.to_string(), uuid.get_version_num()), (text.clone(), 4), "{pointer}");
    text
}

/// The data of a 1-Click as a brand reads it without formats of its own: `credentials`, all issued by Verified itself at `at`, and
/// metadata beside them with ids taken from `body`; `methods` says how each was verified, by its pointer (`/fullName/firstName`).
#[track_caller]
pub(crate) fn entity(body: &Value, phone_method: Value, credentials: Value, at: &str, methods: impl Fn(&str) -> Value) -> Value {
    let mut seen = std::collections::BTreeSet::new();
    let metadata = beside(&credentials, "", &mut |pointer| {
        let id = id(body, &format!("/metadata/credentials{pointer}/id"));
        assert!(seen.insert(id.clone()), "{id} is used twice");
        json!({
            "id": id, "verificationMethod": methods(pointer), "status": "valid", "issuerUuid": VERIFIED_UUID, "issuanceDate": at,
            "expirationDate": null
        })
    });
    json!({
        "identifiers": {"phone": body["identifiers"]["phone"]},
        "credentials": credentials,
        "metadata": {"identifiers": {"phone": {"verificationMethod": phone_method}}, "credentials": metadata}
    })
}

/// Something about each text of nested objects, in the same nesting.
fn beside(values: &Value, pointer: &str, about: &mut impl FnMut(&str) -> Value) -> Value {
    match values {
        Value::Object(inner) => {
            inner.iter().map(|(key, value)| (key.clone(), beside(value, &format!("{pointer}/{key}"), about))).collect()
        }
        _ => about(pointer),
    }
}

/// What the mock data knows of Richard, whose number this is, by the default requests.
pub(crate) fn richard(phone: &str) -> Value {
    json!({
        "fullName": {"firstName": "Richard", "lastName": "Hendricks"},
        "email": "richard@piedpiper.net",
        "phone": phone,
        "address": {"line1": "5320 Newell Rd", "city": "Palo Alto", "state": "CA", "country": "US", "zipCode": "94303"},
        "birthDate": "617976000000",
        "ssn": "123456789"
    })
}
