//! Sending back what a person changed in the brand's own form.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    ACME, HOOLI, HOOLI_UUID, KREDITA, advance, assert_answer, bad_request, id, millis, no_one_click, simulate, start_as, text,
};
use crate::client::Client;
use crate::harness::Api;

const PHONE: &str = "+12125550010";
const FINISHED: &str = "/1-click/22222222-2222-4222-8222-000000000001/credentials";

/// The uuid of a trusted 1-Click.
async fn trusted(client: &Client) -> String {
    let answer =
        client.post("/1-click/trusted", json!({"phone": PHONE, "birthDate": "1989-08-01", "email": "rich@example.com"})).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    id(&answer.json(), "/uuid")
}

fn part(kind: &str, key: &str, value: &str, method: &str) -> Value {
    json!({"type": kind, "verificationMethod": method, "data": {key: value}})
}

async fn held(client: &Client, user: &str) -> Vec<Value> {
    client.get(&format!("/userCredentials/{user}")).await.json()["credentials"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_was_changed_is_the_persons_word_and_what_was_not_keeps_its_proof() {
    let (_api, hooli) = start_as(HOOLI);
    let uuid = trusted(&hooli).await;
    let before = hooli.get(&format!("/1-click/{uuid}")).await.body;
    let sent = json!({"uuid": uuid, "credentials": {
        "fullName": {"firstName": "Leonardo", "lastName": "Messi"},
        "ssn": "111111110",
        "email": "leonardo@verified.inc",
        "phone": PHONE,
        "birthDate": 617_976_000_000_i64,
        "address": {"line1": "1 Market St", "city": "Palo Alto", "state": "CA", "country": "US", "zipCode": 94303}
    }});
    let (own, carrier) = ("self_attested", "phone_carrier");
    let expected = json!([
        {"type": "FullNameCredential", "verificationMethod": own, "data": [
            part("FirstNameCredential", "firstName", "Leonardo", own), part("LastNameCredential", "lastName", "Messi", own)
        ]},
        part("SsnCredential", "ssn", "111111110", own),
        part("EmailCredential", "email", "leonardo@verified.inc", own),
        part("PhoneCredential", "phone", PHONE, carrier),
        part("BirthDateCredential", "birthDate", "617976000000", carrier),
        {"type": "AddressCredential", "verificationMethod": own, "data": [
            part("Line1Credential", "line1", "1 Market St", own),
            part("CityCredential", "city", "Palo Alto", carrier),
            part("StateCredential", "state", "CA", carrier),
            part("CountryCredential", "country", "US", carrier),
            part("ZipCodeCredential", "zipCode", "94303", carrier)
        ]}
    ]);
    assert_answer(&hooli.post(&format!("/1-click/{uuid}/credentials"), sent).await, StatusCode::CREATED, &expected);
    assert_eq!(hooli.get(&format!("/1-click/{uuid}")).await.body, before, "what was shared stays as it was");

    // It is issued by the brand to the person, whom phone and email mean.
    let issued = held(&hooli, PHONE).await;
    assert_eq!(issued, held(&hooli, "rich%40example.com").await);
    assert_eq!(issued.len(), 13);
    let ssn = issued.iter().find(|one| one["type"] == "SsnCredential").unwrap();
    let expected = json!({
        "id": id(ssn, "/id"), "createdAt": millis(0), "updatedAt": millis(0), "type": "SsnCredential", "issuanceDate": millis(0),
        "data": {"ssn": "111111110"}, "issuerUuid": HOOLI_UUID, "status": "valid", "verificationMethod": own
    });
    assert_eq!(ssn.to_string(), expected.to_string());
}

#[tokio::test]
async fn a_composite_takes_what_its_parts_have_in_common() {
    let (_api, hooli) = start_as(HOOLI);
    let path = format!("/1-click/{}/credentials", trusted(&hooli).await);
    for (name, method) in [
        (json!({"firstName": "Richard", "lastName": "Hendricks"}), "phone_carrier"),
        (json!({"lastName": "Hendricks"}), "phone_carrier"),
        (json!({"firstName": "Rich", "lastName": "Hendricks"}), "self_attested"),
        (json!({"firstName": "Richard", "middleName": "T"}), "self_attested"),
        (json!("Richard Hendricks"), "self_attested"),
    ] {
        let taken = hooli.post(&path, json!({"credentials": {"fullName": name}})).await;
        assert_eq!(taken.status, StatusCode::CREATED, "{name}: {}", taken.text());
        assert_eq!(taken.json()[0]["verificationMethod"], method, "{name}");
    }
}

#[tokio::test]
async fn sending_again_replaces_what_was_sent_of_the_same_type() {
    let (_api, hooli) = start_as(HOOLI);
    let (uuid, other) = (trusted(&hooli).await, trusted(&hooli).await);
    let send = async |uuid: &str, credentials: Value| {
        let answer = hooli.post(&format!("/1-click/{uuid}/credentials"), json!({"credentials": credentials})).await;
        assert_eq!(answer.status, StatusCode::CREATED);
    };
    send(&uuid, json!({"ssn": "111111110", "fullName": {"firstName": "Leo", "lastName": "Messi"}})).await;
    send(&uuid, json!({"ssn": "111111111"})).await;
    send(&uuid, json!({"fullName": {"firstName": "Lionel"}})).await;
    send(&other, json!({"ssn": "222222222"})).await;
    let values: Vec<Value> =
        held(&hooli, PHONE).await.iter().filter(|one| one["data"].is_object()).map(|one| one["data"].clone()).collect();
    assert_eq!(json!(values), json!([{"ssn": "111111111"}, {"firstName": "Lionel"}, {"ssn": "222222222"}]));
}

#[tokio::test]
async fn hosted_flows_are_taken_too_and_long_after_the_window() {
    let (api, hooli) = start_as(HOOLI);
    let url = text(&hooli.post("/1-click", json!({"phone": PHONE})).await.json(), "/url");
    let uuid = text(&simulate(&api, "consent", json!({"url": url, "values": {"ssn": "222334455"}})), "/uuid");
    assert_eq!(hooli.get(&format!("/1-click/{uuid}")).await.status, StatusCode::OK);
    advance(&api, TimeDelta::days(1));
    assert_eq!(hooli.get(&format!("/1-click/{uuid}")).await.status, StatusCode::NOT_FOUND);
    let answer = hooli.post(&format!("/1-click/{uuid}/credentials"), json!({"credentials": {"ssn": "222334455"}})).await;
    assert_answer(&answer, StatusCode::CREATED, &json!([part("SsnCredential", "ssn", "222334455", "self_attested")]));
}

#[tokio::test]
async fn only_the_brand_of_a_one_click_with_data_can_send_back() {
    let (api, hooli) = start_as(HOOLI);
    let body = json!({"credentials": {"ssn": "111111110"}});
    let url =
        text(&hooli.post("/1-click", json!({"phone": PHONE, "isHosted": false, "birthDate": "1989-08-01"})).await.json(), "/uuid");
    for (client, path) in [
        (api.bearer(KREDITA), FINISHED.to_owned()),
        (api.bearer(ACME), FINISHED.to_owned()),
        (hooli.clone(), "/1-click/22222222-2222-4222-8222-000000000002/credentials".to_owned()),
        (hooli.clone(), "/1-click/22222222-2222-4222-8222-00000000000f/credentials".to_owned()),
        (hooli.clone(), "/1-click/none/credentials".to_owned()),
        (hooli.clone(), format!("/1-click/{url}/credentials")),
    ] {
        assert_answer(&client.post(&path, &body).await, StatusCode::NOT_FOUND, &no_one_click());
        assert_answer(&client.post(&path, json!({})).await, StatusCode::NOT_FOUND, &no_one_click());
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_named_and_nothing_is_taken() {
    let (_api, hooli) = start_as(HOOLI);
    let values = |values: Value| json!({"credentials": values});
    let no_schema = "FullNameCredential doesn't match the schema";
    for (sent, message) in [
        (json!({}), "credentials is required"),
        (values(json!(null)), "credentials is required"),
        (values(json!({})), "credentials is required"),
        (values(json!([])), "credentials is required"),
        (values(json!("ssn")), "credentials is required"),
        (
            json!({"uuid": "22222222-2222-4222-8222-000000000002", "credentials": {"ssn": "111111110"}}),
            "uuid must be the uuid of the path",
        ),
        (json!({"uuid": 1, "credentials": {"ssn": "111111110"}}), "uuid must be the uuid of the path"),
        (values(json!({"ssn": "111111110", "foo": "1"})), "Schema not found for type: FooCredential"),
        (values(json!({"": "1"})), "Schema not found for type: Credential"),
        (values(json!({"fullName": {"firstName": "A", "foo": "1"}})), "Schema not found for type: FooCredential"),
        (values(json!({"fullName": {"firstName": "A", "ssn": "111111110"}})), no_schema),
        (values(json!({"fullName": ["A", "B"]})), "fullName must be an object"),
        (values(json!({"fullName": null})), "fullName must be an object"),
        (values(json!({"phoneInfo": "+12125550010"})), "phoneInfo must be an object"),
        (values(json!({"ssn": {"ssn": "111111110"}})), "ssn must be a string"),
        (values(json!({"ssn": ["111111110"]})), "ssn must be a string"),
        (values(json!({"ssn": "111-11-1110"})), "must match format \"ssn\""),
        (values(json!({"ssn": null})), "must match format \"ssn\""),
        (values(json!({"birthDate": "08/01/1989"})), "must match format \"unixMsEpochDayFormat\""),
        (values(json!({"email": "leonardo"})), "must match format \"email\""),
    ] {
        let answer = hooli.post(FINISHED, &sent).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, bad_request(message)), "{sent}");
    }
    let empty = hooli.post(FINISHED, values(json!({"fullName": {}}))).await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);
    assert_eq!(held(&hooli, "+10123456789").await.len(), 13, "the fixture's only");
}

async fn set_formats(api: &Api, formats: Value) {
    let control = Client::new(api.understudy.control_url());
    let answer = control.put("/settings/verified", json!({"formats": {HOOLI_UUID: formats}})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

#[tokio::test]
async fn values_are_taken_in_the_brands_formats_and_in_the_default_ones() {
    let (api, hooli) = start_as(HOOLI);
    let address = |state: &str, country: &str| json!([{"line1": "5320 Newell Rd"}, {"city": "Palo Alto"}, {"state": state}, {"country": country}]);
    for (formats, key, sent, kept) in [
        (json!({}), "birthDate", json!("500299200000"), json!({"birthDate": "500299200000"})),
        (json!({"birthDate": "MM/dd/yyyy"}), "birthDate", json!("11/08/1985"), json!({"birthDate": "500299200000"})),
        (json!({"birthDate": "MM/dd/yyyy"}), "birthDate", json!("500299200000"), json!({"birthDate": "500299200000"})),
        (json!({"birthDate": "d/M/yy"}), "birthDate", json!("8/11/85"), json!({"birthDate": "500299200000"})),
        (json!({"birthDate": "yyyyMMdd"}), "birthDate", json!("19851108"), json!({"birthDate": "500299200000"})),
        (json!({"state": "full"}), "state", json!("Texas"), json!({"state": "TX"})),
        (json!({"state": "full"}), "state", json!("TX"), json!({"state": "TX"})),
        (json!({"country": "full"}), "country", json!("Brazil"), json!({"country": "BR"})),
        (json!({"country": "full"}), "country", json!("BR"), json!({"country": "BR"})),
        (
            json!({"fullName": "lastName, firstName"}),
            "fullName",
            json!("Messi, Leo"),
            json!([{"lastName": "Messi"}, {"firstName": "Leo"}]),
        ),
        (json!({"fullName": "lastName, firstName"}), "fullName", json!({"firstName": "Leo"}), json!([{"firstName": "Leo"}])),
        (json!({"fullName": "lastName, firstName"}), "fullName", json!("Messi"), json!({"fullName": "Messi"})),
        (
            json!({"address": "line1, city, state-country"}),
            "address",
            json!("5320 Newell Rd, Palo Alto, CA-US"),
            address("CA", "US"),
        ),
        (
            json!({"address": "line1, line2, city, state-country", "state": "full", "country": "full"}),
            "address",
            json!("5320 Newell Rd, Palo Alto, California-United States of America"),
            address("CA", "US"),
        ),
        (
            json!({"address": "line1, line2, city"}),
            "address",
            json!("1 Market St, Floor 2, San Francisco"),
            json!([{"line1": "1 Market St"}, {"line2": "Floor 2"}, {"city": "San Francisco"}]),
        ),
    ] {
        set_formats(&api, formats.clone()).await;
        let answer = hooli.post(FINISHED, json!({"credentials": {key: sent}})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{formats} {sent}: {}", answer.text());
        let data = &answer.json()[0]["data"];
        let values = data.as_array().map_or(data.clone(), |parts| parts.iter().map(|part| part["data"].clone()).collect());
        assert_eq!(values, kept, "{formats} {sent}");
    }
    set_formats(&api, json!({"birthDate": "MM/dd/yyyy"})).await;
    for wrong in ["13/01/1989", "02/30/1989", "8-1-1989", "08/01/1989 ", "1989-08-01", "08/01/"] {
        let answer = hooli.post(FINISHED, json!({"credentials": {"birthDate": wrong}})).await;
        let message = "must match format \"unixMsEpochDayFormat\"";
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, bad_request(message)), "{wrong}");
    }
}

#[tokio::test]
async fn what_a_brand_got_in_its_formats_it_can_send_back_as_it_was() {
    let (api, hooli) = start_as(HOOLI);
    for formats in [
        json!({}),
        json!({"birthDate": "d/M/yy", "state": "full", "country": "full"}),
        json!({"address": "line1, line2, city, state-country-zipCode", "fullName": "firstName middleName lastName"}),
        json!({"address": "line1, line2, city, state-country, zipCode", "state": "full", "country": "full", "fullName": "lastName, firstName"}),
    ] {
        set_formats(&api, formats.clone()).await;
        let answer = hooli.post("/1-click/trusted", json!({"phone": PHONE, "birthDate": "1989-08-01"})).await.json();
        let path = format!("/1-click/{}/credentials", text(&answer, "/uuid"));
        let taken = hooli.post(&path, json!({"credentials": answer["credentials"]})).await;
        assert_eq!(taken.status, StatusCode::CREATED, "{formats}: {}", taken.text());
        let methods: Vec<Value> = taken.json().as_array().unwrap().iter().map(|one| one["verificationMethod"].clone()).collect();
        assert_eq!(methods, vec![json!("phone_carrier"); 6], "{formats}: {}", taken.text());
    }
}
