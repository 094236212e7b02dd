//! All that a brand issued to a person.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    ACME, HOOLI, HOOLI_UUID, KREDITA, KREDITA_UUID, advance, assert_answer, bad_request, millis, simulate, start_as, text,
};
use crate::client::Client;
use crate::harness::{Api, builder};

const RICHARD: [&str; 4] = ["richard@piedpiper.net", "richard.hendricks@verified.inc", "+10123456789", "+550123456789"];

async fn list(client: &Client, user: &str) -> Vec<Value> {
    let answer = client.get(&format!("/userCredentials/{user}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{user}");
    answer.json()["credentials"].as_array().unwrap().clone()
}

async fn issue_ssn(client: &Client, user: Value, id: Option<&str>) -> StatusCode {
    let mut body = user;
    body["credentials"] = json!([{"id": id, "type": "SsnCredential", "data": {"ssn": "999999999"}}]);
    client.post("/credentials", body).await.status
}

#[tokio::test]
async fn a_list_has_composites_with_their_parts_and_each_part_once_more() {
    let (_api, hooli) = start_as(HOOLI);
    let one = |id: &str, kind: &str, data: Value| {
        json!({
            "id": format!("11111111-1111-4111-8111-{id}"), "createdAt": "1721304000000", "updatedAt": "1721304000000", "type": kind,
            "issuanceDate": "1721304000000", "data": data, "issuerUuid": HOOLI_UUID, "status": "valid", "verificationMethod": null
        })
    };
    let atom = |id: &str, kind: &str, key: &str, value: &str| one(id, kind, json!({key: value}));
    let first = atom("000000000003", "FirstNameCredential", "firstName", "Richard");
    let last = atom("000000000004", "LastNameCredential", "lastName", "Hendricks");
    let address = [
        atom("000000000008", "Line1Credential", "line1", "5320 Newell Rd"),
        atom("000000000009", "CityCredential", "city", "Palo Alto"),
        atom("00000000000a", "StateCredential", "state", "CA"),
        atom("00000000000b", "CountryCredential", "country", "US"),
        atom("00000000000c", "ZipCodeCredential", "zipCode", "94303"),
    ];
    let mut all = vec![
        atom("000000000001", "EmailCredential", "email", "richard@piedpiper.net"),
        one("000000000002", "FullNameCredential", json!([first, last])),
        first,
        last,
        atom("000000000005", "SsnCredential", "ssn", "111223333"),
        atom("000000000006", "BirthDateCredential", "birthDate", "617976000000"),
        one("000000000007", "AddressCredential", address.iter().cloned().collect()),
    ];
    all.extend(address);
    all.push(atom("00000000000d", "PhoneCredential", "phone", "+10123456789"));
    assert_eq!(all.len(), 13);
    let expected = json!({"credentials": all});
    for user in ["%2B10123456789", "+10123456789", "richard%40piedpiper.net", "Richard@PiedPiper.NET", "richard@piedpiper.net/"] {
        assert_answer(&hooli.get(&format!("/userCredentials/{user}")).await, StatusCode::OK, &expected);
    }
}

#[tokio::test]
async fn a_brand_sees_and_changes_what_it_issued_itself() {
    let (api, hooli) = start_as(HOOLI);
    let (kredita, acme) = (api.bearer(KREDITA), api.bearer(ACME));
    assert_eq!(issue_ssn(&kredita, json!({"phone": RICHARD[2]}), None).await, StatusCode::CREATED);
    let of_kredita = list(&kredita, RICHARD[0]).await;
    assert_eq!(of_kredita.len(), 1);
    assert_eq!(of_kredita[0]["issuerUuid"], KREDITA_UUID);
    assert_eq!(list(&hooli, RICHARD[0]).await.len(), 13);
    let none = json!({"credentials": []});
    assert_answer(&acme.get("/userCredentials/+10123456789").await, StatusCode::OK, &none);
    let revoke = json!({"status": "revoked"});
    assert_answer(&acme.patch("/userCredentials/+10123456789", &revoke).await, StatusCode::OK, &none);
    assert_answer(&hooli.get("/userCredentials/nobody%40example.com").await, StatusCode::OK, &none);
    assert_answer(&hooli.patch("/userCredentials/nobody%40example.com", &revoke).await, StatusCode::OK, &none);

    kredita.patch("/userCredentials/+10123456789", revoke).await;
    assert_eq!(list(&kredita, RICHARD[0]).await[0]["status"], "revoked");
    assert!(list(&hooli, RICHARD[0]).await.iter().all(|one| one["status"] == "valid"));
}

#[tokio::test]
async fn a_status_for_a_person_reaches_all_of_it() {
    let (api, hooli) = start_as(HOOLI);
    hooli.patch("/credentials/11111111-1111-4111-8111-000000000003", json!({"status": "revoked", "expirationDate": 1})).await;
    advance(&api, TimeDelta::minutes(1));
    let path = "/userCredentials/jared%40piedpiper.net";
    let before = list(&hooli, "jared@piedpiper.net").await;
    for status in ["revoked", "revoked", "valid"] {
        let answer = hooli.patch(path, json!({"status": status, "expirationDate": 5, "data": {}})).await;
        let mut expected = before.clone();
        let mark = |one: &mut Value| {
            one["status"] = json!(status);
            one["updatedAt"] = json!(millis(60_000));
        };
        for one in &mut expected {
            mark(one);
            if let Some(parts) = one["data"].as_array_mut() {
                parts.iter_mut().for_each(mark);
            }
        }
        assert_answer(&answer, StatusCode::OK, &json!({"credentials": expected}));
        assert_answer(&hooli.get(path).await, StatusCode::OK, &json!({"credentials": expected}));
    }
    // Another person's stay as they were: the part that was revoked, and is past its expiration, is in the list.
    let richard = list(&hooli, RICHARD[0]).await;
    assert_eq!(richard.len(), 13);
    let revoked: Vec<&Value> = richard.iter().filter(|one| one["status"] == "revoked").map(|one| &one["type"]).collect();
    assert_eq!(revoked, ["FirstNameCredential"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_call_about_a_person_is_named() {
    let (_api, hooli) = start_as(HOOLI);
    let message = "userIdentifier must be an email or phone number";
    for user in ["richard", "10123456789", "a@b", "%20", "+0123", "5a1c0de0-0000-4000-8000-000000000001", "%ff"] {
        let path = format!("/userCredentials/{user}");
        assert_answer(&hooli.get(&path).await, StatusCode::BAD_REQUEST, &bad_request(message));
        assert_answer(&hooli.patch(&path, json!({"status": "valid"})).await, StatusCode::BAD_REQUEST, &bad_request(message));
    }
    for (sent, message) in [
        (json!({}), "status is required"),
        (json!({"status": "expired"}), "status must be one of valid, revoked"),
        (json!({"status": "VALID"}), "status must be one of valid, revoked"),
        (json!({"status": ["valid"]}), "status must be one of valid, revoked"),
        (json!({"status": null}), "status must be one of valid, revoked"),
    ] {
        let answer = hooli.patch("/userCredentials/richard%40piedpiper.net", &sent).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, bad_request(message)), "{sent}");
    }
}

#[tokio::test]
async fn identifiers_sent_together_mean_one_person_and_are_not_merged_with_another() {
    let (_api, hooli) = start_as(HOOLI);
    // A new phone beside a known email joins its person.
    assert_eq!(
        issue_ssn(&hooli, json!({"email": "JARED@piedpiper.net", "phone": "+12025550999"}), None).await,
        StatusCode::CREATED
    );
    assert_eq!(list(&hooli, "+12025550999").await.len(), 14);
    // Two known persons: the phone's.
    assert_eq!(issue_ssn(&hooli, json!({"email": "jared@piedpiper.net", "phone": RICHARD[3]}), None).await, StatusCode::CREATED);
    assert_eq!(list(&hooli, RICHARD[1]).await.len(), 14);
    assert_eq!(list(&hooli, "jared@piedpiper.net").await.len(), 14);
}

#[tokio::test]
async fn at_five_the_credentials_of_the_test_person_are_gone() {
    let (api, hooli) = start_as(HOOLI);
    let kredita = api.bearer(KREDITA);
    let id = "6f0a5c1e-2f64-4f0e-9d55-6a7c1f0b9d01";
    assert_eq!(issue_ssn(&kredita, json!({"email": RICHARD[1], "phone": "+12125550199"}), Some(id)).await, StatusCode::CREATED);
    let before = kredita.get("/sharedCredentials/33333333-3333-4333-8333-000000000001").await.body;

    advance(&api, TimeDelta::milliseconds(5 * 3_600_000 - 1));
    assert_eq!(list(&hooli, RICHARD[0]).await.len(), 13);
    assert_eq!(list(&kredita, "+12125550199").await.len(), 1);
    advance(&api, TimeDelta::milliseconds(1));
    for user in RICHARD {
        assert_eq!(list(&hooli, user).await, Vec::<Value>::new(), "{user}");
        assert_eq!(list(&kredita, user).await, Vec::<Value>::new(), "{user}");
    }
    for gone in ["11111111-1111-4111-8111-000000000002", "11111111-1111-4111-8111-000000000003"] {
        assert_eq!(hooli.get(&format!("/credentials/{gone}")).await.status, StatusCode::NOT_FOUND, "{gone}");
    }
    let asked = json!({"email": RICHARD[0], "credentialRequests": ["EmailCredential"]});
    assert_answer(&hooli.post("/hasMatchingCredentials", asked).await, StatusCode::CREATED, &json!({"match": false}));
    assert_eq!(list(&hooli, "jared@piedpiper.net").await.len(), 13, "Jared is no test person");
    // Ids are free again, and the person is known still; but the next morning it is all gone again.
    assert_eq!(issue_ssn(&hooli, json!({"email": RICHARD[0]}), Some(id)).await, StatusCode::CREATED);
    assert_eq!(list(&hooli, RICHARD[3]).await.len(), 1);
    advance(&api, TimeDelta::days(1) - TimeDelta::milliseconds(1));
    assert_eq!(list(&hooli, RICHARD[3]).await.len(), 1);
    advance(&api, TimeDelta::milliseconds(1));
    assert_eq!(list(&hooli, RICHARD[3]).await.len(), 0);
    // What was shared is a copy, which the wipe does not touch.
    let (fresh, _) = start_as(HOOLI);
    advance(&fresh, TimeDelta::hours(6));
    let later = fresh.bearer(KREDITA).get("/sharedCredentials/33333333-3333-4333-8333-000000000001").await;
    assert_eq!((later.status, later.body), (StatusCode::OK, before));
    assert_eq!(fresh.bearer(HOOLI).get("/1-click/22222222-2222-4222-8222-000000000001").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_clock_that_jumps_over_five_misses_no_wipe() {
    let (api, hooli) = start_as(HOOLI);
    let fired = api.understudy.advance(TimeDelta::days(3)).unwrap();
    assert_eq!(fired.iter().filter(|timer| timer.kind == "dailyWipe").count(), 3);
    assert_eq!(list(&hooli, RICHARD[0]).await.len(), 0);
    // A world that begins after five has its first wipe the next morning.
    let late = Api::with("verified", builder().frozen_at("2026-01-01T05:00:01Z".parse().unwrap()));
    let hooli = late.bearer(HOOLI);
    assert_eq!(list(&hooli, RICHARD[0]).await.len(), 13);
    advance(&late, TimeDelta::seconds(86_398));
    assert_eq!(list(&hooli, RICHARD[0]).await.len(), 13);
    advance(&late, TimeDelta::seconds(1));
    assert_eq!(list(&hooli, RICHARD[0]).await.len(), 0);
}

#[tokio::test]
async fn a_wipe_that_was_due_while_the_server_was_down_is_made_up_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.sqlite");
    {
        let api = Api::with("verified", builder().data(&file));
        assert_eq!(list(&api.bearer(HOOLI), RICHARD[0]).await.len(), 13);
    }
    let later = builder().frozen_at("2026-01-01T04:59:59Z".parse().unwrap()).data(&file);
    {
        let api = Api::with("verified", later);
        assert_eq!(list(&api.bearer(HOOLI), RICHARD[0]).await.len(), 13);
    }
    let later = builder().frozen_at("2026-01-05T12:00:00Z".parse().unwrap()).data(&file);
    let api = Api::with("verified", later);
    let hooli = api.bearer(HOOLI);
    assert_eq!(list(&hooli, RICHARD[0]).await.len(), 0);
    assert_eq!(list(&hooli, "jared@piedpiper.net").await.len(), 13);
}

#[tokio::test]
async fn the_wipe_can_be_had_at_once() {
    let (api, hooli) = start_as(HOOLI);
    assert_eq!(simulate(&api, "wipe", json!({})), json!({}));
    assert_eq!(list(&hooli, RICHARD[2]).await.len(), 0);
    assert_eq!(list(&hooli, "+12025550123").await.len(), 13);
    assert_eq!(
        issue_ssn(&hooli, json!({"phone": RICHARD[2]}), Some("11111111-1111-4111-8111-000000000001")).await,
        StatusCode::CREATED
    );
    // Over the control API it is the same.
    let control = Client::new(api.understudy.control_url());
    let answer = control.post("/simulations/verified/wipe", json!({})).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({})));
    assert_eq!(list(&hooli, RICHARD[2]).await.len(), 0);
    let wrong = control.post("/simulations/verified/wipe", json!({"at": "05:00"})).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(text(&wrong.json(), "/detail").contains("unknown field `at`"), "{}", wrong.text());
}

#[tokio::test]
async fn ids_of_before_a_wipe_find_nothing_of_what_came_after() {
    let (api, hooli) = start_as(HOOLI);
    let issue = async |id: Option<&str>| {
        let parts = json!([{"type": "FirstNameCredential", "data": {"firstName": "Richard"}},
            {"type": "LastNameCredential", "data": {"lastName": "Hendricks"}}]);
        let name = json!({"id": id, "type": "FullNameCredential", "data": parts});
        let answer = hooli.post("/credentials", json!({"phone": RICHARD[2], "credentials": [name]})).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        let issued = answer.json();
        ["/credentials/0/id", "/credentials/0/data/0/id", "/credentials/0/data/1/id"].map(|at| text(&issued, at))
    };
    let read = async |id: &str| hooli.get(&format!("/credentials/{id}")).await.status;
    let mut gone: Vec<String> = Vec::new();
    for _ in 0..3 {
        let ids = issue(None).await;
        for id in &ids {
            assert_eq!(read(id).await, StatusCode::OK, "{id}");
        }
        for id in &gone {
            assert!(!ids.contains(id), "{id}");
            assert_eq!(read(id).await, StatusCode::NOT_FOUND, "{id}");
            let change = hooli.patch(&format!("/credentials/{id}"), json!({"status": "revoked"})).await;
            assert_eq!(change.status, StatusCode::NOT_FOUND, "{id}");
        }
        simulate(&api, "wipe", json!({}));
        gone.extend(ids);
    }
    // Whoever wants one of them back gets it, and that one alone.
    issue(None).await;
    let again = issue(Some(&gone[0])).await;
    assert_eq!(
        (again[0].as_str(), read(&gone[0]).await, read(&gone[1]).await),
        (gone[0].as_str(), StatusCode::OK, StatusCode::NOT_FOUND)
    );
    assert_eq!(issue_ssn(&hooli, json!({"phone": RICHARD[2]}), Some(&gone[0])).await, StatusCode::CONFLICT);
    assert_eq!(issue_ssn(&hooli, json!({"phone": RICHARD[2]}), Some(&again[1])).await, StatusCode::CONFLICT, "a part's id");
}
