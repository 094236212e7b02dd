//! From pending to approved, and what is locked then.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use super::{ANA, MINHO, assert_invalid, create, id_of, maria, read, start};

fn operations(status: &str) -> Value {
    let codes = ["deposit:stablecoin", "deposit:wire", "withdrawal:stablecoin", "withdrawal:wire"];
    let operation = |code| json!({"action": "create", "code": code, "provider": "PrimeTrust", "status": status});
    json!({"data": codes.map(operation)})
}

#[tokio::test]
async fn a_person_goes_from_pending_to_active() {
    let api = start();
    let mut person = create(&api, maria()).await;
    let path = format!("/identities/{}", id_of(&person));
    let answer = api.get(&format!("{path}/operations")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, operations("pending").to_string().as_str()));

    api.understudy.set_clock("2026-01-02T03:05:10.120Z".parse().unwrap()).unwrap();
    let answer = api.post("/sandbox/identities/approve", json!({"identityId": person["id"]})).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, r#"{"message":"Identity sent to approval"}"#));

    person["identityConfirmed"] = json!(true);
    person["kycStatus"] = json!([{"exceptions": [], "provider": "PrimeTrust", "status": "approved"}]);
    person["updatedAt"] = json!("2026-01-02T03:05:10.120Z");
    assert_eq!(api.get(&path).await.json(), json!({ "data": person }));
    assert_eq!(api.get(&format!("{path}/operations")).await.json(), operations("active"));

    api.understudy.set_clock("2026-01-02T03:06:00Z".parse().unwrap()).unwrap();
    let address =
        json!({"city": "Porto", "country": "PT", "postalCode": "4000-322", "state": "Porto", "street": "Rua das Flores 9"});
    let answer = api.patch(&path, json!({ "address": address })).await;
    person["address"] = address;
    person["updatedAt"] = json!("2026-01-02T03:06:00.000Z");
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "data": person })));
}

#[tokio::test]
async fn locked_fields_can_only_be_sent_as_they_are() {
    let api = start();
    let person = create(&api, maria()).await;
    let path = format!("/identities/{}", id_of(&person));
    api.post("/sandbox/identities/approve", json!({"identityId": person["id"]})).await;

    let answer = api.patch(&path, json!({"name": "Someone Else"})).await;
    let expected = json!({
        "code": "validation_failed",
        "message": "Validation failed",
        "errors": {
            "name": [{"code": "immutable", "message": "This value cannot be changed once the identity is confirmed"}]
        }
    });
    assert_eq!((answer.status.as_u16(), answer.text()), (400, expected.to_string().as_str()));

    let same =
        json!({"name": "Maria Soares", "gender": "Female", "tax": {"country": "PT", "idNumber": "211111111", "state": "Lisboa"}});
    let answer = api.patch(&path, same).await;
    assert_eq!((answer.status, &answer.json()["data"]["tax"]["state"]), (StatusCode::OK, &json!("Lisboa")));

    let answer = api.patch(&path, json!({"tax": {"country": "PT", "idNumber": "999999999"}})).await;
    assert_invalid("tax number", &answer, &json!({"tax.idNumber": "immutable"}));
    let answer = api.patch(&path, json!({"address": {"city": "Porto", "country": "PT"}})).await;
    assert_invalid("address", &answer, &json!({"address.postalCode": "required", "address.street": "required"}));

    let answer = api.post("/sandbox/identities/reject", json!({"email": "maria.soares@example.com"})).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, r#"{"message":"Identity sent to rejection"}"#));
    let answer = api.patch(&path, json!({"name": "Maria A. Soares"})).await.json();
    assert_eq!(answer["data"]["name"], "Maria A. Soares");
    assert_eq!(answer["data"]["kycStatus"], json!([{"exceptions": [], "provider": "PrimeTrust", "status": "pending"}]));
    assert_eq!(answer["data"]["identityConfirmed"], false);
}

#[tokio::test]
async fn all_locked_fields_are_named_and_nothing_is_written() {
    let api = start();
    let before = read(&api, ANA).await;
    let body = json!({
        "name": "ana ribeiro",
        "birthday": "1988-05-15",
        "gender": "Male",
        "tax": {"country": "ES", "idNumber": "2"},
        "email": "new@example.com",
        "phone": {"number": "1"}
    });
    let expected = json!({
        "birthday": "immutable", "gender": "immutable", "name": "immutable", "tax.country": "immutable", "tax.idNumber": "immutable"
    });
    assert_invalid("all", &api.patch(&format!("/identities/{ANA}"), body).await, &expected);
    let taken = json!({"name": "x", "email": "foobar@publicmint.com"});
    assert_invalid("before the address", &api.patch(&format!("/identities/{ANA}"), taken).await, &json!({"name": "immutable"}));
    let invalid = json!({"name": "x", "phone": {}});
    assert_invalid(
        "after the fields",
        &api.patch(&format!("/identities/{ANA}"), invalid).await,
        &json!({"phone.number": "required"}),
    );
    assert_eq!(read(&api, ANA).await, before);

    let company = json!({"birthday": "1990-01-01", "gender": "Female"});
    let answer = api.patch(&format!("/identities/{MINHO}"), company).await;
    assert_invalid("a company", &answer, &json!({"birthday": "immutable", "gender": "immutable"}));
    let nothing = json!({"birthday": null, "gender": null});
    assert_eq!(api.patch(&format!("/identities/{MINHO}"), nothing).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_rest_of_a_confirmed_identity_stays_open() {
    let api = start();
    api.understudy.advance(TimeDelta::minutes(1)).unwrap();
    let body = json!({
        "email": "ana@example.com",
        "phone": {"number": "1"},
        "type": "company",
        "identityOwner": "ff567acd-6254-49f0-8836-1201b37e58ff",
        "tax": {"country": "PT", "idNumber": "215874963", "formationRegion": "Minho", "state": "Porto"},
        "faceImages": [],
        "documents": [{"side": "FrontSide", "type": "Other", "url": "http://h/x"}]
    });
    let answer = api.patch(&format!("/identities/{ANA}"), body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let identity = &answer.json()["data"];
    assert_eq!(identity["identityConfirmed"], true);
    assert_eq!(identity["kycStatus"][0]["status"], "approved");
    assert_eq!(identity["type"], "company");
    assert_eq!(identity["updatedAt"], "2026-01-02T03:05:05.678Z");
    assert_eq!(api.understudy.messages(None).unwrap(), []);
}
