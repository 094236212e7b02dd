//! Credential data against the schemas, and the schema resolver.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{HOOLI, assert_answer, bad_request, not_found, start_as};
use crate::client::Client;
use crate::harness::{Api, contract};

/// Which part of a composite holds a property of its flat data, at whatever depth.
const PARTS: &[(&str, &[(&str, &str)])] = &[
    ("FullNameCredential", &[("firstName", "FirstNameCredential"), ("ssn", "SsnCredential")]),
    ("FullNameCredential", &[("lastName", "LastNameCredential")]),
    (
        "AddressCredential",
        &[
            ("line1", "Line1Credential"),
            ("city", "CityCredential"),
            ("state", "StateCredential"),
            ("country", "CountryCredential"),
            ("zipCode", "ZipCodeCredential"),
        ],
    ),
    ("AnnualIncomeCredential", &[("currency", "CurrencyCredential"), ("amount", "AmountCredential")]),
    ("EmployerCredential", &[("employer", "EmployerNameCredential")]),
    ("PhoneInfoCredential", &[("phone", "PhoneCredential"), ("type", "LineTypeCredential")]),
];

fn is_composite(kind: &str) -> bool {
    PARTS.iter().any(|(composite, _)| *composite == kind)
}

/// Flat data as a call of the API spells it: an object, or the parts of a composite.
fn as_sent(kind: &str, flat: &Map<String, Value>) -> Value {
    let is_legacy = ["fullName", "address", "income"].iter().any(|key| flat.contains_key(*key));
    if !is_composite(kind) || is_legacy {
        return flat.clone().into();
    }
    let mut parts: Vec<Value> = Vec::new();
    let mut inner = Map::new();
    for (key, value) in flat {
        let of = |composite: &str| {
            let keys = PARTS.iter().filter(|(known, _)| *known == composite).flat_map(|(_, keys)| keys.iter());
            keys.clone().find(|(known, _)| known == key).map(|(_, part)| *part)
        };
        match (of(kind), of("AnnualIncomeCredential")) {
            (Some(part), _) => parts.push(json!({"type": part, "data": {key: value}})),
            (None, Some(_)) => drop(inner.insert(key.clone(), value.clone())),
            (None, None) => panic!("no part of {kind} holds {key}"),
        }
    }
    if !inner.is_empty() {
        let data = as_sent("AnnualIncomeCredential", &inner);
        parts.push(json!({"type": "AnnualIncomeCredential", "data": data}));
    }
    parts.into()
}

/// What an answer says of a credential, without ids and dates: its data, parts as type and data.
fn bare(data: &Value) -> Value {
    match data {
        Value::Array(parts) => parts.iter().map(|part| json!({"type": part["type"], "data": bare(&part["data"])})).collect(),
        other => other.clone(),
    }
}

#[tokio::test]
async fn data_is_accepted_and_refused_as_by_the_providers_validator() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert_eq!(vectors.len(), 56);
    let (_api, hooli) = start_as(HOOLI);
    for vector in vectors {
        let kind = vector["type"].as_str().unwrap();
        let data = as_sent(kind, vector["flattened"].as_object().unwrap());
        let sent = json!({"email": "a@b.co", "credentials": [{"type": kind, "data": data}]});
        let answer = hooli.post("/credentials", sent).await;
        if vector["valid"] == true {
            assert_eq!(answer.status, StatusCode::CREATED, "{vector}: {}", answer.text());
            let stored = vector.get("stored").unwrap_or(&data);
            let issued = &answer.json()["credentials"][0];
            assert_eq!(bare(&issued["data"]), *stored, "{vector}");
            let read = hooli.get(&format!("/credentials/{}", issued["id"].as_str().unwrap())).await.json();
            assert_eq!(bare(&read["data"]), *stored, "{vector}");
        } else {
            let expected = bad_request(vector["message"].as_str().unwrap());
            assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, expected), "{vector}");
        }
    }
}

async fn issued_data(hooli: &Client, kind: &str, data: Value) -> Value {
    let answer = hooli.post("/credentials", json!({"email": "a@b.co", "credentials": [{"type": kind, "data": data}]})).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    bare(&answer.json()["credentials"][0]["data"])
}

#[tokio::test]
async fn scalars_are_kept_as_strings_each_its_own() {
    let (_api, hooli) = start_as(HOOLI);
    for (sent, kept) in [
        (json!({"firstName": 1}), json!({"firstName": "1"})),
        (json!({"firstName": true}), json!({"firstName": "true"})),
        (json!({"firstName": null}), json!({"firstName": ""})),
        (json!({"firstName": 1.5, "nick": 7}), json!({"firstName": "1.5", "nick": 7})),
    ] {
        assert_eq!(issued_data(&hooli, "FirstNameCredential", sent.clone()).await, kept, "{sent}");
    }
    // Two parts of one type do not take each other's values.
    let first = |name: Value| json!({"type": "FirstNameCredential", "data": {"firstName": name}});
    let kept = issued_data(&hooli, "FullNameCredential", json!([first(json!(1)), first(json!("Two"))])).await;
    assert_eq!(kept, json!([first(json!("1")), first(json!("Two"))]));
    let nested = json!([
        {"type": "EmployerNameCredential", "data": {"employer": 5}},
        {"type": "AnnualIncomeCredential", "data": [
            {"type": "CurrencyCredential", "data": {"currency": "USD"}},
            {"type": "AmountCredential", "data": {"amount": -101_000}}
        ]}
    ]);
    let mut kept = nested.clone();
    kept[0]["data"]["employer"] = json!("5");
    kept[1]["data"][1]["data"]["amount"] = json!("-101000");
    assert_eq!(issued_data(&hooli, "EmployerCredential", nested).await, kept);
}

#[tokio::test]
async fn a_part_must_be_right_by_its_own_schema_and_by_that_of_the_whole() {
    let (_api, hooli) = start_as(HOOLI);
    let part = |kind: &str, key: &str, value: &str| json!({"type": kind, "data": {key: value}});
    for (kind, data, message) in [
        (
            "AddressCredential",
            json!([part("StateCredential", "state", "XX"), part("CountryCredential", "country", "US")]),
            "AddressCredential doesn't match the schema",
        ),
        // The property of another part: right for the whole, wrong for the part.
        ("FullNameCredential", json!([part("FirstNameCredential", "lastName", "A")]), "must have required property 'firstName'"),
        // Parts in the old form of the whole.
        ("FullNameCredential", json!([part("FullNameCredential", "middle", "A")]), "data of FullNameCredential must be an array"),
    ] {
        let answer = hooli.post("/credentials", json!({"email": "a@b.co", "credentials": [{"type": kind, "data": data}]})).await;
        let body = answer.json();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{data}");
        assert!(body["message"].as_str().unwrap().contains(message), "{data}: {body}");
    }
    for kind in [
        "FullNameCredential",
        "AddressCredential",
        "AnnualIncomeCredential",
        "EmployerCredential",
        "GovernmentIdCredential",
        "PhoneInfoCredential",
    ] {
        let answer = hooli.post("/credentials", json!({"email": "a@b.co", "credentials": [{"type": kind, "data": []}]})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{kind} without parts");
    }
}

#[tokio::test]
async fn every_part_can_be_issued_alone() {
    let (_api, hooli) = start_as(HOOLI);
    for (_, parts) in PARTS {
        for (key, kind) in *parts {
            let value = match *key {
                "ssn" => "111223333",
                "phone" => "+10123456789",
                "type" => "Mobile",
                "currency" => "USD",
                "amount" => "5",
                "country" => "US",
                "state" => "CA",
                _ => "a",
            };
            assert_eq!(issued_data(&hooli, kind, json!({*key: value})).await, json!({*key: value}), "{kind}");
        }
    }
}

#[tokio::test]
async fn the_resolver_serves_every_type_without_a_key() {
    let api = Api::start("verified");
    let all = api.get("/jsonSchema").await;
    assert_eq!((all.status, all.header("content-type")), (StatusCode::OK, "application/json; charset=utf-8"));
    let all = all.json();
    let names: Vec<&String> = all.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 49);
    let older = api.get("/schema").await.json();
    assert_eq!(older.as_object().unwrap().len(), 49);
    for name in names {
        let one = api.get(&format!("/jsonSchema/{name}")).await;
        assert_answer(&one, StatusCode::OK, &all[name]);
        assert_eq!(older[name], json!({"json": all[name]}), "{name}");
        let older = api.get(&format!("/schema/{name}")).await.json();
        assert_eq!(older["json"], all[name], "{name}");
        assert_eq!(older["attributes"]["type"], **name, "{name}");
        assert_eq!(older.as_object().unwrap().keys().collect::<Vec<_>>(), ["attributes", "json"], "{name}");
    }
}

#[tokio::test]
async fn the_older_form_describes_each_property() {
    let api = Api::start("verified");
    let ssn = api.get("/schema/SsnCredential").await.json()["attributes"].clone();
    let attributes = ssn["attributes"].as_array().unwrap();
    assert_eq!(attributes.len(), 1);
    let keys: Vec<&String> = attributes[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["key", "label", "comment", "displayFormat"]);
    assert_eq!((&attributes[0]["key"], &attributes[0]["displayFormat"]), (&json!("ssn"), &json!("SSN")));
    let name = api.get("/schema/FullNameCredential").await.json();
    let of_name: Vec<&Value> = name["attributes"]["attributes"].as_array().unwrap().iter().map(|one| &one["key"]).collect();
    assert_eq!(of_name, ["firstName", "middleName", "lastName"]);
}

#[tokio::test]
async fn a_type_without_a_schema_is_not_found() {
    let api = Api::start("verified");
    for path in ["/jsonSchema", "/schema"] {
        for name in ["FooCredential", "ssncredential", "ssn"] {
            let answer = api.get(&format!("{path}/{name}")).await;
            assert_answer(&answer, StatusCode::NOT_FOUND, &not_found(&format!("Schema not found for type: {name}")));
        }
    }
    // What is served is what the provider's document says, in another world too.
    let world = api.understudy.create_world(understudy::worlds::Spec::default()).unwrap();
    let other = Client::new(world.provider_url("verified")).with_contract(&contract("verified"));
    assert_eq!(other.get("/schema").await.body, api.get("/schema").await.body);
}
