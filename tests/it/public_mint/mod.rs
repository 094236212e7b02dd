//! Public Mint, as a partner's server sees it.

mod confirmed;
mod creation;
mod fixtures;
mod gateway;
mod kyc;
mod links;
mod listing;
mod lookups;
mod updates;
mod uploads;
mod webhooks;
mod worlds;

use chrono::{DateTime, Utc};
use http::StatusCode;
use serde_json::{Map, Value, json};
use understudy::{Builder, Understudy};

use crate::client::{Client, Response};
use crate::harness::Api;

pub(crate) const KEY_A: &str = "pmSandboxAppA0000000000000000001";
const KEY_B: &str = "pmSandboxAppB0000000000000000002";
const APP_A: &str = "3f488bf9-52c1-4236-83d2-a99caacd3dc4";
const APP_B: &str = "c2d7f9a0-6b1e-4f57-9a3d-0e8b7c5a1f42";

/// An approved person.
const ANA: &str = "85ba7735-a1ee-4b33-aca4-b8ec4d448e9e";
/// A document of hers.
const ANAS_CARD: &str = "119fa5d3-4038-4741-89c3-c699c70f0505";
/// A pending person.
const JOAO: &str = "ff567acd-6254-49f0-8836-1201b37e58ff";
/// A document of his.
const JOAOS_CARD: &str = "2fc12664-1289-4590-a104-96d035f68da5";
/// A rejected person in the United States.
const JOHN: &str = "810f7336-c436-43f9-a593-d5034c803af9";
/// A blocked person.
const GRACE: &str = "64c18ded-ee86-4917-9040-b227089ae4b9";
/// A person in review.
const PRIYA: &str = "a1cc9a2d-f60a-4906-9f8d-8364500e2c49";
/// An approved company of Ana's.
const MINHO: &str = "27aaa5b6-5263-44d5-aa02-f1844272777a";
/// A pending company of Grace's.
const BINGEN: &str = "88293815-52ad-4cb8-adb0-354d1124c815";
/// App B's only identity, a pending person.
const LUIS: &str = "5fcd478d-2bbf-49f4-9a10-c66f0ba2dd2e";
/// An id that nothing has.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// The moment at which these tests begin.
fn start_time() -> DateTime<Utc> {
    "2026-01-02T03:04:05.678Z".parse().unwrap()
}

/// A server with seed 7, whose clock stands at [`start_time`].
fn builder() -> Builder {
    Understudy::builder().seed(7).frozen_at(start_time())
}

/// A server, and app A as its client.
fn start() -> Api {
    start_with(builder())
}

fn start_with(builder: Builder) -> Api {
    let mut api = Api::with("publicmint", builder);
    api.client = api.client.header("apikey", KEY_A);
    api
}

/// The same server, as app B sees it.
fn as_b(api: &Api) -> Client {
    api.client.header("apikey", KEY_B)
}

/// A new person, as sent.
pub(crate) fn maria() -> Value {
    json!({
        "address": {
            "city": "Braga",
            "country": "PT",
            "postalCode": "4444-333",
            "state": "Braga",
            "street": "Avenida D. João I, 40"
        },
        "birthday": "2000-11-11",
        "documents": [
            {
                "description": "ID card",
                "label": "id card",
                "side": "FrontSide",
                "type": "IdentityCard",
                "url": "https://pmint-custodial-api-sandbox-identity-docs.s3.amazonaws.com/b3/a6/24/13/KtQ2mZx81LwPvR5d.png"
            }
        ],
        "email": "maria.soares@example.com",
        "faceImages": [
            "https://pmint-custodial-api-sandbox-identity-docs.s3.amazonaws.com/b3/a6/24/13/9vv4YJJ0HnYefysx.jpeg"
        ],
        "gender": "Female",
        "name": "Maria Soares",
        "phone": {"number": "910000001", "sms": false},
        "tax": {"country": "PT", "idNumber": "211111111", "state": "Braga"},
        "type": "person"
    })
}

/// A new company of Ana's, as sent.
fn pike_labs() -> Value {
    json!({
        "address": {"city": "Seattle", "country": "US", "postalCode": "98101", "state": "WA", "street": "1 Pike St"},
        "email": "hello@pikelabs.example",
        "identityOwner": ANA,
        "name": "Pike Labs Inc",
        "phone": {"number": "2065550100", "sms": "true"},
        "tax": {"country": "US", "formationRegion": "DE", "idNumber": "811112222", "state": "WA"},
        "type": "company"
    })
}

/// `base` with some values replaced or added, or taken out where there is none, by their JSON pointers.
fn with(base: &Value, edits: &[(&str, Option<Value>)]) -> Value {
    let mut edited = base.clone();
    for (pointer, value) in edits {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match (edited.pointer_mut(parent).unwrap(), value) {
            (Value::Object(object), Some(value)) => drop(object.insert(key.to_owned(), value.clone())),
            (Value::Object(object), None) => drop(object.remove(key).unwrap()),
            (Value::Array(array), Some(value)) => array[key.parse::<usize>().unwrap()] = value.clone(),
            (parent, _) => panic!("{pointer} cannot be set in {parent}"),
        }
    }
    edited
}

/// Creates an identity and returns it.
async fn create(client: &Client, body: Value) -> Value {
    let answer = client.post("/identities", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["data"].clone()
}

/// Reads an identity.
async fn read(client: &Client, id: &str) -> Value {
    let answer = client.get(&format!("/identities/{id}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["data"].clone()
}

fn id_of(identity: &Value) -> &str {
    identity["id"].as_str().unwrap()
}

/// Status and code of an error.
#[track_caller]
fn assert_error(answer: &Response, status: u16, code: &str, message: &str) {
    assert_eq!((answer.status.as_u16(), answer.json()), (status, json!({"code": code, "message": message})));
}

/// That fields are wrong: each path with its code.
#[track_caller]
fn assert_invalid(case: &str, answer: &Response, expected: &Value) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{case}: {}", answer.text());
    assert_eq!(codes(answer), *expected, "{case}");
}

/// The codes of a validation error by path; several of one path as an array.
#[track_caller]
fn codes(answer: &Response) -> Value {
    let body = answer.json();
    assert_eq!(body["code"], "validation_failed", "{body}");
    assert_eq!(body["message"], "Validation failed", "{body}");
    let errors = body["errors"].as_object().unwrap();
    let paths: Vec<_> = errors.keys().collect();
    assert!(paths.is_sorted(), "{paths:?}");
    let codes = errors.iter().map(|(path, list)| {
        let codes: Vec<Value> = list.as_array().unwrap().iter().map(|error| error["code"].clone()).collect();
        (path.clone(), if let [code] = codes.as_slice() { code.clone() } else { Value::from(codes) })
    });
    Value::Object(codes.collect::<Map<_, _>>())
}
