//! Issuing, reading and changing credentials.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};
use understudy::worlds::{Spec, Start};

use super::{
    ACME, HOOLI, HOOLI_UUID, KREDITA, KREDITA_UUID, advance, assert_answer, bad_request, id, millis, not_found, start_as, text,
};
use crate::client::Client;
use crate::harness::{Api, builder, contract};

const ID: &str = "6f0a5c1e-2f64-4f0e-9d55-6a7c1f0b9d01";
const OTHER_ID: &str = "6f0a5c1e-2f64-4f0e-9d55-6a7c1f0b9d02";

fn ssn(credential_id: &str) -> Value {
    json!({"id": credential_id, "type": "SsnCredential", "data": {"ssn": "111223333"}})
}

fn issue_one(credential: &Value) -> Value {
    json!({"email": "big.head@hooli.example", "credentials": [credential]})
}

fn taken(credential_id: &str) -> Value {
    let message = format!("Credential with id {credential_id} already exists");
    json!({"name": "Conflict", "message": message, "code": 409, "className": "conflict"})
}

async fn held_by(client: &Client, user: &str) -> Value {
    let answer = client.get(&format!("/userCredentials/{user}")).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.json()["credentials"].clone()
}

#[tokio::test]
async fn credentials_are_issued_and_echoed_in_the_order_of_the_request() {
    let (_api, hooli) = start_as(HOOLI);
    let sent = json!({
        "email": "Test@Example.com", "phone": "+12125550123", "trackingId": "moc.elpmaxe@tset",
        "credentials": [
            {"type": "SsnCredential", "data": {"ssn": "111223333"}, "expirationDate": 1_893_484_800_000_i64},
            {"type": "FullNameCredential", "data": [
                {"type": "FirstNameCredential", "data": {"firstName": "Richard"}},
                {"type": "LastNameCredential", "data": {"lastName": "Hendricks"}}
            ]}
        ]
    });
    let answer = hooli.post("/credentials", sent).await;
    let body = answer.json();
    let now = millis(0);
    let expected = json!({
        "email": "Test@Example.com", "phone": "+12125550123", "trackingId": "moc.elpmaxe@tset",
        "credentials": [
            {
                "id": id(&body, "/credentials/0/id"), "type": "SsnCredential", "data": {"ssn": "111223333"},
                "issuerUuid": HOOLI_UUID, "issuanceDate": now, "expirationDate": "1893484800000", "status": "valid",
                "verificationMethod": null
            },
            {
                "id": id(&body, "/credentials/1/id"), "type": "FullNameCredential",
                "data": [
                    {
                        "id": id(&body, "/credentials/1/data/0/id"), "type": "FirstNameCredential",
                        "data": {"firstName": "Richard"}, "issuerUuid": HOOLI_UUID, "issuanceDate": now, "status": "valid",
                        "verificationMethod": null
                    },
                    {
                        "id": id(&body, "/credentials/1/data/1/id"), "type": "LastNameCredential",
                        "data": {"lastName": "Hendricks"}, "issuerUuid": HOOLI_UUID, "issuanceDate": now, "status": "valid",
                        "verificationMethod": null
                    }
                ],
                "issuerUuid": HOOLI_UUID, "issuanceDate": now, "status": "valid", "verificationMethod": null
            }
        ]
    });
    assert_answer(&answer, StatusCode::CREATED, &expected);
    let ids: BTreeSet<String> =
        ["/0/id", "/1/id", "/1/data/0/id", "/1/data/1/id"].map(|at| id(&body["credentials"], at)).into_iter().collect();
    assert_eq!(ids.len(), 4);
    // Both identifiers mean the same person, whatever the case of letters.
    let by_email = held_by(&hooli, "tEST%40example.COM").await;
    assert_eq!(by_email, held_by(&hooli, "+12125550123").await);
    assert_eq!(by_email.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn only_what_was_sent_is_echoed_and_unknown_fields_are_ignored() {
    let (_api, hooli) = start_as(HOOLI);
    let sent = json!({
        "phone": "+12125550123", "colour": "blue",
        "credentials": [{
            "id": ID, "type": "SsnCredential", "data": {"ssn": "111223333"}, "expirationDate": null, "status": "revoked",
            "issuanceDate": "1", "createdAt": "1", "issuerUuid": KREDITA_UUID, "verificationMethod": "otp"
        }]
    });
    let answer = hooli.post("/credentials", sent).await;
    let expected = json!({"phone": "+12125550123", "credentials": [{
        "id": ID, "type": "SsnCredential", "data": {"ssn": "111223333"}, "issuerUuid": HOOLI_UUID, "issuanceDate": millis(0),
        "status": "valid", "verificationMethod": "otp"
    }]});
    assert_answer(&answer, StatusCode::CREATED, &expected);
}

#[tokio::test]
async fn expirations_are_taken_as_numbers_and_as_digits() {
    let (_api, hooli) = start_as(HOOLI);
    for (sent, kept) in [
        (json!(1_893_484_800_000_i64), Some(1_893_484_800_000_i64)),
        (json!("1893484800000"), Some(1_893_484_800_000)),
        (json!(1_893_484_800_000.0), Some(1_893_484_800_000)),
        (json!(0), Some(0)),
        (json!(null), None),
    ] {
        let credential = json!({"type": "SsnCredential", "data": {"ssn": "111223333"}, "expirationDate": sent});
        let answer = hooli.post("/credentials", issue_one(&credential)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{sent}");
        let issued = answer.json()["credentials"][0].clone();
        assert_eq!(issued.get("expirationDate").cloned(), kept.map(|ms| ms.to_string().into()), "{sent}");
        let read = hooli.get(&format!("/credentials/{}", text(&issued, "/id"))).await.json();
        assert_eq!(read.get("expirationDate").cloned(), kept.map(Value::from), "{sent}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_issuing_call_is_named() {
    let (_api, hooli) = start_as(HOOLI);
    let good = || json!([{"type": "SsnCredential", "data": {"ssn": "111223333"}}]);
    let element = |element: Value| json!({"email": "a@b.co", "credentials": [element]});
    let data = json!({"ssn": "111223333"});
    let first = json!({"type": "FirstNameCredential", "data": {"firstName": "Richard"}});
    let cases = [
        (json!({"credentials": good()}), "Either email or phone is required"),
        (json!({"email": null, "phone": null, "credentials": good()}), "Either email or phone is required"),
        (json!({"email": "a@b", "credentials": good()}), "email must be a valid email address"),
        (json!({"email": "", "credentials": good()}), "email must be a valid email address"),
        (json!({"email": 7, "credentials": good()}), "email must be a string"),
        (json!({"phone": "2125550123", "credentials": good()}), "phone must be a phone number in E.164 format"),
        (json!({"email": "a@b.co", "phone": "+0123", "credentials": good()}), "phone must be a phone number in E.164 format"),
        (json!({"phone": ["+12125550123"], "credentials": good()}), "phone must be a string"),
        (json!({"email": "a@b.co"}), "credentials is required"),
        (json!({"email": "a@b.co", "credentials": null}), "credentials is required"),
        (json!({"email": "a@b.co", "credentials": []}), "credentials is required"),
        (json!({"email": "a@b.co", "credentials": {"type": "SsnCredential"}}), "credentials is required"),
        (json!({"email": "a@b.co", "credentials": good(), "trackingId": 5}), "trackingId must be a string"),
        (json!({"email": "a@b.co", "credentials": good(), "partnerUuid": {}}), "partnerUuid must be a string"),
        (element(json!("SsnCredential")), "credentials[0] must be an object"),
        (element(json!(null)), "credentials[0] must be an object"),
        (element(json!({"data": data})), "credentials[0].type is required"),
        (element(json!({"type": null, "data": data})), "credentials[0].type is required"),
        (element(json!({"type": 1, "data": data})), "credentials[0].type must be a string"),
        (element(json!({"type": "SsnCredential"})), "credentials[0].data is required"),
        (element(json!({"type": "SsnCredential", "data": null})), "credentials[0].data is required"),
        (element(json!({"type": "SsnCredential", "data": "1"})), "credentials[0].data of SsnCredential must be an object"),
        (element(json!({"type": "SsnCredential", "data": []})), "credentials[0].data of SsnCredential must be an object"),
        (element(json!({"type": "FooCredential", "data": {}})), "Schema not found for type: FooCredential"),
        (element(json!({"type": "ssn", "data": {}})), "Schema not found for type: ssn"),
        (element(json!({"type": "SsnCredential", "data": {"ssn": "111-22-3333"}})), "must match format \"ssn\""),
        (element(json!({"type": "SsnCredential", "data": {}})), "must have required property 'ssn'"),
        (element(json!({"type": "SsnCredential", "data": {"ssn": null}})), "must match format \"ssn\""),
        (element(json!({"type": "SsnCredential", "data": {"ssn": ["1"]}})), "must be string"),
        (
            element(json!({"type": "FullNameCredential", "data": {"firstName": "Richard"}})),
            "credentials[0].data of FullNameCredential must be an array of credentials",
        ),
        (
            element(json!({"type": "FullNameCredential", "data": [{"type": "FirstNameCredential"}]})),
            "credentials[0].data[0].data is required",
        ),
        (
            element(json!({"type": "FullNameCredential", "data": [{"type": "NopeCredential", "data": {}}]})),
            "Schema not found for type: NopeCredential",
        ),
        (
            element(json!({"type": "FullNameCredential", "data": [first, {"type": "SsnCredential", "data": data}]})),
            "FullNameCredential doesn't match the schema",
        ),
    ];
    for (sent, message) in cases {
        let answer = hooli.post("/credentials", &sent).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, bad_request(message)), "{sent}");
    }
    for wrong in [
        json!("6f0a5c1e"),
        json!(""),
        json!(5),
        json!("6f0a5c1e2f644f0e9d556a7c1f0b9d01"),
        json!("{6f0a5c1e-2f64-4f0e-9d55-6a7c1f0b9d01}"),
        json!("urn:uuid:6f0a5c1e-2f64-4f0e-9d55-6a7c1f0b9d01"),
    ] {
        let answer = hooli.post("/credentials", element(json!({"id": wrong, "type": "SsnCredential", "data": data}))).await;
        assert_answer(&answer, StatusCode::BAD_REQUEST, &bad_request("credentials[0].id must be a UUID"));
    }
    for wrong in [json!("soon"), json!(""), json!(1.5), json!(true), json!([]), json!("-5"), json!("1e3"), json!(1e300)] {
        let sent = element(json!({"type": "SsnCredential", "data": data, "expirationDate": wrong}));
        let answer = hooli.post("/credentials", sent).await;
        let message = "credentials[0].expirationDate must be milliseconds since the epoch";
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, bad_request(message)), "{wrong}");
    }
    assert_eq!(held_by(&hooli, "a@b.co").await, json!([]), "a call that is refused issues nothing");
}

#[tokio::test]
async fn a_second_credential_with_the_same_id_is_a_conflict() {
    let (api, hooli) = start_as(HOOLI);
    let sent = issue_one(&json!({
        "id": ID, "type": "SsnCredential", "data": {"ssn": "111223333"}, "expirationDate": 1_893_484_800_000_i64
    }));
    let expected = json!({"email": "big.head@hooli.example", "credentials": [{
        "id": ID, "type": "SsnCredential", "data": {"ssn": "111223333"}, "issuerUuid": HOOLI_UUID, "issuanceDate": millis(0),
        "expirationDate": "1893484800000", "status": "valid", "verificationMethod": null
    }]});
    assert_answer(&hooli.post("/credentials", &sent).await, StatusCode::CREATED, &expected);
    assert_answer(&hooli.post("/credentials", &sent).await, StatusCode::CONFLICT, &taken(ID));
    // Another brand's id is as taken, in any case of its letters; and revoking does not free it.
    let kredita = api.bearer(KREDITA);
    hooli.patch(&format!("/credentials/{ID}"), json!({"status": "revoked"})).await;
    for again in [ssn(ID), ssn(&ID.to_uppercase())] {
        assert_answer(&kredita.post("/credentials", issue_one(&again)).await, StatusCode::CONFLICT, &taken(ID));
    }
    // A part's id is taken, too.
    let part = "11111111-1111-4111-8111-000000000003";
    assert_answer(&hooli.post("/credentials", issue_one(&ssn(part))).await, StatusCode::CONFLICT, &taken(part));
    assert_eq!(held_by(&hooli, "big.head@hooli.example").await.as_array().unwrap().len(), 1);
    assert_eq!(held_by(&kredita, "big.head@hooli.example").await, json!([]));
}

#[tokio::test]
async fn a_conflict_undoes_the_whole_request() {
    let (_api, hooli) = start_as(HOOLI);
    let both = json!({"phone": "+12125550123", "credentials": [ssn(OTHER_ID), ssn("11111111-1111-4111-8111-000000000005")]});
    let conflict = taken("11111111-1111-4111-8111-000000000005");
    assert_answer(&hooli.post("/credentials", &both).await, StatusCode::CONFLICT, &conflict);
    let twice = json!({"phone": "+12125550123", "credentials": [ssn(OTHER_ID), ssn(OTHER_ID)]});
    assert_answer(&hooli.post("/credentials", &twice).await, StatusCode::CONFLICT, &taken(OTHER_ID));
    let late = json!({"phone": "+12125550123", "credentials": [ssn(OTHER_ID), {"type": "SsnCredential", "data": {"ssn": "1"}}]});
    let wrong = bad_request("must match format \"ssn\"");
    assert_answer(&hooli.post("/credentials", &late).await, StatusCode::BAD_REQUEST, &wrong);

    let gone = hooli.get(&format!("/credentials/{OTHER_ID}")).await;
    assert_answer(&gone, StatusCode::NOT_FOUND, &not_found("Credential not found."));
    assert_eq!(held_by(&hooli, "+12125550123").await, json!([]));
    let free = hooli.post("/credentials", json!({"phone": "+12125550123", "credentials": [ssn(OTHER_ID)]})).await;
    assert_eq!(free.status, StatusCode::CREATED);
}

#[tokio::test]
async fn of_many_requests_with_one_id_at_once_one_wins() {
    let api = Api::with("verified", builder().workers(4));
    let hooli = Arc::new(api.bearer(HOOLI));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let hooli = hooli.clone();
        running.spawn(async move { hooli.post("/credentials", issue_one(&ssn(ID))).await.status });
    }
    let statuses = running.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::CREATED).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::CONFLICT).count(), 63);
    assert_eq!(held_by(&hooli, "big.head@hooli.example").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn ids_stay_taken_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.sqlite");
    {
        let api = Api::with("verified", builder().data(&file));
        assert_eq!(api.bearer(HOOLI).post("/credentials", issue_one(&ssn(ID))).await.status, StatusCode::CREATED);
    }
    let api = Api::with("verified", builder().data(&file));
    let hooli = api.bearer(HOOLI);
    assert_answer(&hooli.post("/credentials", issue_one(&ssn(ID))).await, StatusCode::CONFLICT, &taken(ID));
    assert_eq!(hooli.get(&format!("/credentials/{ID}")).await.json()["data"], json!({"ssn": "111223333"}));
    assert_eq!(hooli.post("/credentials", issue_one(&ssn(OTHER_ID))).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn ids_are_taken_in_the_copy_of_a_world_and_free_in_a_new_one() {
    let (api, hooli) = start_as(HOOLI);
    hooli.post("/credentials", issue_one(&ssn(ID))).await;
    let world = |from: Option<&str>| {
        let spec = Spec { from: from.map_or(Start::Fixtures, |name| Start::World(name.to_owned())), ..Spec::default() };
        let world = api.understudy.create_world(spec).unwrap();
        Client::new(world.provider_url("verified")).with_contract(&contract("verified")).bearer(HOOLI)
    };
    let copy = world(Some("default"));
    assert_answer(&copy.post("/credentials", issue_one(&ssn(ID))).await, StatusCode::CONFLICT, &taken(ID));
    assert_eq!(copy.post("/credentials", issue_one(&ssn(OTHER_ID))).await.status, StatusCode::CREATED);
    assert_eq!(hooli.get(&format!("/credentials/{OTHER_ID}")).await.status, StatusCode::NOT_FOUND, "the original is not touched");
    assert_eq!(world(None).post("/credentials", issue_one(&ssn(ID))).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn ids_of_parts_are_used_if_they_are_free_and_replaced_otherwise() {
    let (_api, hooli) = start_as(HOOLI);
    let free = "6f0a5c1e-2f64-4f0e-9d55-6a7c1f0b9d03";
    let part = |id: Value, name: &str| json!({"id": id, "type": "FirstNameCredential", "data": {"firstName": name}});
    let parts = [
        (json!(free), Some(free)),
        (json!(ID), None),
        (json!(free), None),
        (json!("11111111-1111-4111-8111-000000000001"), None),
        (json!(OTHER_ID), None),
        (json!("first"), None),
        (json!(7), None),
        (json!(null), None),
    ];
    for (sent, kept) in parts {
        let (_api, fresh) = start_as(HOOLI);
        let last = json!({"id": free, "type": "LastNameCredential", "data": {"lastName": "Bighetti"}});
        let whole = json!({"id": ID, "type": "FullNameCredential", "data": [part(sent.clone(), "Nelson"), last]});
        let body = json!({"email": "a@b.co", "credentials": [whole, ssn(OTHER_ID)]});
        let answer = fresh.post("/credentials", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{sent}");
        let issued = answer.json();
        assert_eq!(issued["credentials"][0]["id"], ID, "{sent}");
        assert_eq!(issued["credentials"][1]["id"], OTHER_ID, "{sent}");
        let first = id(&issued, "/credentials/0/data/0/id");
        match kept {
            Some(kept) => assert_eq!(first, kept, "{sent}"),
            None => assert!(![ID, OTHER_ID, "11111111-1111-4111-8111-000000000001"].contains(&first.as_str()), "{sent}"),
        }
        let all: BTreeSet<String> = held_by(&fresh, "a@b.co").await.as_array().unwrap().iter().map(|one| id(one, "/id")).collect();
        assert_eq!(all.len(), 4, "{sent}");
    }
    // The provider's own example repeats one id on a composite and all its parts.
    let repeated = json!({"id": ID, "type": "FullNameCredential", "data": [part(json!(ID), "Nelson")]});
    assert_eq!(hooli.post("/credentials", issue_one(&repeated)).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_credential_is_read_by_its_issuer_only() {
    let (api, hooli) = start_as(HOOLI);
    let expected = json!({
        "id": "11111111-1111-4111-8111-000000000004", "createdAt": "1721304000000", "updatedAt": "1721304000000",
        "type": "LastNameCredential", "issuanceDate": "1721304000000", "data": {"lastName": "Hendricks"}, "issuerUuid": HOOLI_UUID,
        "status": "valid", "verificationMethod": null
    });
    let path = "/credentials/11111111-1111-4111-8111-000000000004";
    assert_answer(&hooli.get(path).await, StatusCode::OK, &expected);
    assert_answer(&hooli.get("/credentials/11111111-1111-4111-8111-000000000004/").await, StatusCode::OK, &expected);
    let missing = not_found("Credential not found.");
    for (client, path) in [
        (api.bearer(KREDITA), path),
        (api.bearer(ACME), path),
        (hooli.clone(), "/credentials/11111111-1111-4111-8111-0000000000ff"),
        (hooli.clone(), "/credentials/none"),
        (hooli.clone(), "/credentials/%2e"),
    ] {
        assert_answer(&client.get(path).await, StatusCode::NOT_FOUND, &missing);
        assert_answer(&client.patch(path, json!({"status": "revoked"})).await, StatusCode::NOT_FOUND, &missing);
    }
    assert_answer(&hooli.get(path).await, StatusCode::OK, &expected);
}

#[tokio::test]
async fn a_part_is_changed_by_its_own_id_and_shows_in_its_composite() {
    let (api, hooli) = start_as(HOOLI);
    advance(&api, TimeDelta::minutes(1));
    let path = "/credentials/11111111-1111-4111-8111-000000000008";
    let sent = json!({"data": {"line1": "1920 Main St"}, "expirationDate": 2_701_483_024_054_i64, "colour": 1});
    let expected = json!({
        "id": "11111111-1111-4111-8111-000000000008", "createdAt": "1721304000000", "updatedAt": millis(60_000),
        "type": "Line1Credential", "issuanceDate": "1721304000000", "expirationDate": 2_701_483_024_054_i64,
        "issuerUuid": HOOLI_UUID, "status": "valid", "verificationMethod": null, "data": {"line1": "1920 Main St"}
    });
    assert_answer(&hooli.patch(path, &sent).await, StatusCode::OK, &expected);
    assert_answer(&hooli.patch(path, &sent).await, StatusCode::OK, &expected);
    let whole = hooli.get("/credentials/11111111-1111-4111-8111-000000000007").await.json();
    assert_eq!(whole["data"][0]["data"], json!({"line1": "1920 Main St"}));
    assert_eq!(whole["data"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_change_of_nothing_changes_nothing() {
    let (api, hooli) = start_as(HOOLI);
    let path = "/credentials/11111111-1111-4111-8111-000000000005";
    let before = hooli.get(path).await.json();
    advance(&api, TimeDelta::minutes(1));
    for sent in [json!({}), json!({"id": ID, "type": "PhoneCredential", "issuerUuid": KREDITA_UUID})] {
        let answer = hooli.patch(path, &sent).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, before.clone()), "{sent}");
    }
    assert_eq!(hooli.patch(path, ()).await.json(), before);
}

#[tokio::test]
async fn an_expiration_is_set_kept_and_cleared() {
    let (_api, hooli) = start_as(HOOLI);
    let path = "/credentials/11111111-1111-4111-8111-000000000002";
    for (sent, kept) in [
        (json!({"expirationDate": 2_701_483_024_054_i64}), json!(2_701_483_024_054_i64)),
        (json!({"expirationDate": "1893484800000"}), json!(1_893_484_800_000_i64)),
        (json!({"status": "valid"}), json!(1_893_484_800_000_i64)),
        (json!({"expirationDate": null}), json!(null)),
    ] {
        let changed = hooli.patch(path, &sent).await.json();
        assert_eq!(changed.get("expirationDate").cloned().unwrap_or_default(), kept, "{sent}");
        assert_eq!(changed.get("expirationDate").is_none(), kept.is_null(), "{sent}");
        let part = &changed["data"][0];
        assert_eq!(part.get("expirationDate"), None, "an expiration is not passed on to parts: {sent}");
    }
}

#[tokio::test]
async fn new_parts_replace_the_old_ones_and_keep_ids_by_type() {
    let (api, hooli) = start_as(HOOLI);
    advance(&api, TimeDelta::minutes(1));
    let path = "/credentials/11111111-1111-4111-8111-000000000002";
    let sent = json!({"data": [
        {"type": "LastNameCredential", "data": {"lastName": "Bighetti"}},
        {"type": "MiddleNameCredential", "data": {"middleName": 2}}
    ]});
    let answer = hooli.patch(path, sent).await;
    let body = answer.json();
    let middle = id(&body, "/data/1/id");
    let (start, now) = ("1721304000000", millis(60_000));
    let expected = json!({
        "id": "11111111-1111-4111-8111-000000000002", "createdAt": start, "updatedAt": now, "type": "FullNameCredential",
        "issuanceDate": start, "issuerUuid": HOOLI_UUID, "status": "valid", "verificationMethod": null,
        "data": [
            {
                "id": "11111111-1111-4111-8111-000000000004", "createdAt": start, "updatedAt": now, "type": "LastNameCredential",
                "issuanceDate": start, "issuerUuid": HOOLI_UUID, "status": "valid", "verificationMethod": null,
                "data": {"lastName": "Bighetti"}
            },
            {
                "id": middle, "createdAt": now, "updatedAt": now, "type": "MiddleNameCredential", "issuanceDate": now,
                "issuerUuid": HOOLI_UUID, "status": "valid", "verificationMethod": null, "data": {"middleName": "2"}
            }
        ]
    });
    assert_answer(&answer, StatusCode::OK, &expected);
    let gone = hooli.get("/credentials/11111111-1111-4111-8111-000000000003").await;
    assert_answer(&gone, StatusCode::NOT_FOUND, &not_found("Credential not found."));
    assert_eq!(hooli.get(&format!("/credentials/{middle}")).await.json()["data"], json!({"middleName": "2"}));
    // The list has them where the composite is, and nothing twice.
    let types: Vec<String> =
        held_by(&hooli, "+10123456789").await.as_array().unwrap().iter().map(|one| text(one, "/type")).collect();
    let expected = ["EmailCredential", "FullNameCredential", "LastNameCredential", "MiddleNameCredential", "SsnCredential"];
    assert_eq!(types[..5], expected);
    assert_eq!(types.len(), 13);
    // The old form takes the place of all parts, and gives it back.
    let legacy = hooli.patch(path, json!({"data": {"fullName": "Nelson Bighetti"}})).await.json();
    assert_eq!(legacy["data"], json!({"fullName": "Nelson Bighetti"}));
    assert_eq!(held_by(&hooli, "+10123456789").await.as_array().unwrap().len(), 11);
    let parts = json!({"data": [{"type": "FirstNameCredential", "data": {"firstName": "Nelson"}}]});
    let again = hooli.patch(path, parts).await.json();
    assert_eq!(again["data"][0]["data"], json!({"firstName": "Nelson"}));
    assert_eq!(again["id"], "11111111-1111-4111-8111-000000000002");
}

#[tokio::test]
async fn a_status_reaches_the_parts() {
    let (_api, hooli) = start_as(HOOLI);
    let path = "/credentials/11111111-1111-4111-8111-000000000007";
    for status in ["revoked", "revoked", "valid"] {
        let changed = hooli.patch(path, json!({"status": status})).await.json();
        assert_eq!(changed["status"], status);
        let parts = changed["data"].as_array().unwrap();
        assert_eq!(parts.len(), 5);
        assert!(parts.iter().all(|part| part["status"] == status && part["updatedAt"] == millis(0)), "{status}: {changed}");
    }
    // A part's own status stays its own.
    hooli.patch("/credentials/11111111-1111-4111-8111-000000000008", json!({"status": "revoked"})).await;
    let whole = hooli.get(path).await.json();
    assert_eq!((&whole["status"], &whole["data"][0]["status"]), (&json!("valid"), &json!("revoked")));
    assert_eq!(whole["data"][1]["status"], "valid");
}

#[tokio::test]
async fn what_is_wrong_with_a_change_is_named_and_nothing_is_changed() {
    let (_api, hooli) = start_as(HOOLI);
    let one_of = "status must be one of valid, revoked";
    let ssn = "/credentials/11111111-1111-4111-8111-000000000005";
    let name = "/credentials/11111111-1111-4111-8111-000000000002";
    let first = json!({"type": "FirstNameCredential", "data": {"firstName": "A"}});
    let before = (hooli.get(ssn).await.json(), hooli.get(name).await.json());
    for (path, sent, message) in [
        (ssn, json!({"status": "expired"}), one_of),
        (ssn, json!({"status": "Valid"}), one_of),
        (ssn, json!({"status": null}), one_of),
        (ssn, json!({"status": true, "data": {"ssn": "999999999"}}), one_of),
        (ssn, json!({"expirationDate": "soon"}), "credential.expirationDate must be milliseconds since the epoch"),
        (ssn, json!({"expirationDate": -1}), "credential.expirationDate must be milliseconds since the epoch"),
        (ssn, json!({"data": {"ssn": "1"}}), "must match format \"ssn\""),
        (
            ssn,
            json!({"data": {"ssn": "999999999"}, "expirationDate": []}),
            "credential.expirationDate must be milliseconds since the epoch",
        ),
        (ssn, json!({"data": {}}), "must have required property 'ssn'"),
        (ssn, json!({"data": "1"}), "credential.data of SsnCredential must be an object"),
        (ssn, json!({"status": "revoked", "data": []}), "credential.data of SsnCredential must be an object"),
        (name, json!({"data": {"firstName": "A"}}), "credential.data of FullNameCredential must be an array of credentials"),
        (
            name,
            json!({"data": [first, {"type": "CityCredential", "data": {"city": "A"}}]}),
            "FullNameCredential doesn't match the schema",
        ),
        (name, json!({"data": [{"type": "NopeCredential", "data": {}}]}), "Schema not found for type: NopeCredential"),
    ] {
        let answer = hooli.patch(path, &sent).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, bad_request(message)), "{sent}");
    }
    assert_eq!((hooli.get(ssn).await.json(), hooli.get(name).await.json()), before);
}

#[tokio::test]
async fn of_two_new_parts_of_one_type_the_first_keeps_the_id() {
    let (_api, hooli) = start_as(HOOLI);
    let first = |name: &str| json!({"type": "FirstNameCredential", "data": {"firstName": name}});
    let path = "/credentials/11111111-1111-4111-8111-000000000002";
    let changed = hooli.patch(path, json!({"data": [first("A"), first("B")]})).await.json();
    assert_eq!(changed["data"][0]["id"], "11111111-1111-4111-8111-000000000003");
    let second = id(&changed, "/data/1/id");
    assert_eq!(hooli.get(&format!("/credentials/{second}")).await.json()["data"], json!({"firstName": "B"}));
    // Nested composites keep theirs at every depth.
    let income = |amount: &str| {
        json!([{"type": "EmployerNameCredential", "data": {"employer": "Hooli"}}, {"type": "AnnualIncomeCredential", "data": [
            {"type": "CurrencyCredential", "data": {"currency": "USD"}}, {"type": "AmountCredential", "data": {"amount": amount}}
        ]}])
    };
    let issued = hooli.post("/credentials", issue_one(&json!({"type": "EmployerCredential", "data": income("1")}))).await.json();
    let path = format!("/credentials/{}", id(&issued, "/credentials/0/id"));
    let before = hooli.get(&path).await.json();
    let after = hooli.patch(&path, json!({"data": income("2")})).await.json();
    for pointer in ["/data/0/id", "/data/1/id", "/data/1/data/0/id", "/data/1/data/1/id"] {
        assert_eq!(id(&after, pointer), id(&before, pointer), "{pointer}");
    }
    assert_eq!(after["data"][1]["data"][1]["data"], json!({"amount": "2"}));
    assert_eq!(held_by(&hooli, "big.head%40hooli.example").await.as_array().unwrap().len(), 5);
}
