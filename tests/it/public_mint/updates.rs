//! Changing identities that are not confirmed.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    ANA, BINGEN, GRACE, JOAO, JOHN, LUIS, MINHO, NOBODY, assert_error, assert_invalid, create, id_of, maria, pike_labs, read,
    start, with,
};
use crate::client::{Client, Response};

async fn patch(client: &Client, id: &str, body: Value) -> Response {
    client.patch(&format!("/identities/{id}"), body).await
}

/// Changes an identity and returns it.
async fn change(client: &Client, id: &str, body: Value) -> Value {
    let answer = patch(client, id, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["data"].clone()
}

#[tokio::test]
async fn nothing_sent_changes_nothing() {
    let api = start();
    for id in [ANA, JOAO, JOHN, BINGEN] {
        let before = read(&api, id).await;
        assert_eq!(change(&api, id, json!({})).await, before);
        assert_eq!(read(&api, id).await, before);
    }
    assert_eq!(api.understudy.messages(None).unwrap(), []);
}

#[tokio::test]
async fn what_is_sent_replaces_what_was_there_as_a_whole() {
    let api = start();
    let before = read(&api, JOAO).await;
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    let cases = [
        ("name", json!("João Soares"), json!("João Soares")),
        ("birthday", json!("1999-01-01"), json!("1999-01-01")),
        ("gender", json!("Undefined"), json!("undefined")),
        ("email", json!("joao@example.com"), json!("joao@example.com")),
        ("phone", json!({"number": "1"}), json!({"number": "1", "sms": false})),
        (
            "address",
            json!({"city": "Porto", "country": "PT", "postalCode": "4000-322", "street": "Rua das Flores 9"}),
            json!({"city": "Porto", "country": "PT", "postalCode": "4000-322", "state": null, "street": "Rua das Flores 9"}),
        ),
        (
            "tax",
            json!({"country": "ES", "idNumber": "2"}),
            json!({"country": "ES", "formationRegion": null, "idNumber": "2", "state": null}),
        ),
        ("identityOwner", json!(ANA), json!(ANA)),
        ("identityOwner", json!(null), json!(null)),
        ("type", json!("person"), json!("person")),
        ("faceImages", json!(["https://h.example/face.png"]), json!(null)),
        ("documents", json!([]), before["documents"].clone()),
    ];
    let mut expected = before;
    expected["updatedAt"] = json!("2026-01-02T03:04:05.679Z");
    for (field, sent, kept) in cases {
        if field != "faceImages" {
            expected[field] = kept;
        }
        assert_eq!(change(&api, JOAO, json!({ field: sent })).await, expected, "{field}");
        assert_eq!(read(&api, JOAO).await, expected, "{field}");
    }
    assert_eq!(api.understudy.messages(None).unwrap(), [], "a pending identity is not submitted again");
}

#[tokio::test]
async fn documents_are_added() {
    let api = start();
    let before = read(&api, JOAO).await;
    let document = json!({"side": "BackSide", "type": "IdentityCard", "url": "https://h.example/back.png"});
    api.understudy.advance(TimeDelta::minutes(1)).unwrap();
    let after = change(&api, JOAO, json!({"documents": [document, document]})).await;
    let documents = after["documents"].as_array().unwrap();
    assert_eq!(documents.len(), 3);
    assert_eq!(documents[0], before["documents"][0]);
    assert_ne!(documents[1]["id"], documents[2]["id"]);
    let expected = json!({
        "createdAt": "2026-01-02T03:05:05.678Z",
        "description": null,
        "id": documents[1]["id"],
        "label": null,
        "side": "BackSide",
        "type": "IdentityCard",
        "updatedAt": "2026-01-02T03:05:05.678Z",
        "url": "https://h.example/back.png"
    });
    assert_eq!(documents[1], expected);
    assert_eq!(change(&api, JOAO, json!({"documents": [document]})).await["documents"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn each_rule_names_its_field() {
    let api = start();
    let company = create(&api, pike_labs()).await;
    let cases = [
        ("address: null", JOAO, json!({"address": null}), json!({"address": "not_null"})),
        (
            "address: a part",
            JOAO,
            json!({"address": {"city": "Porto", "country": "PT"}}),
            json!({"address.postalCode": "required", "address.street": "required"}),
        ),
        (
            "address: no state in the US",
            JOAO,
            json!({"address": {"city": "x", "country": "US", "postalCode": "x", "street": "x"}}),
            json!({"address.state": "required"}),
        ),
        ("documents: null", JOAO, json!({"documents": null}), json!({"documents": "not_null"})),
        (
            "documents: empty",
            JOAO,
            json!({"documents": [{}]}),
            json!({"documents[0].side": "required", "documents[0].type": "required", "documents[0].url": "required"}),
        ),
        ("email: null", JOAO, json!({"email": null}), json!({"email": "not_null"})),
        ("email: blank", JOAO, json!({"email": " "}), json!({"email": "not_blank"})),
        ("email: wrong", JOAO, json!({"email": "x"}), json!({"email": "invalid_format"})),
        ("face images: null", JOAO, json!({"faceImages": null}), json!({"faceImages": "not_null"})),
        ("face images: wrong", JOAO, json!({"faceImages": ["x"]}), json!({"faceImages[0]": "invalid_format"})),
        ("name: null", JOAO, json!({"name": null}), json!({"name": "not_null"})),
        ("name: blank", JOAO, json!({"name": ""}), json!({"name": "not_blank"})),
        ("phone: null", JOAO, json!({"phone": null}), json!({"phone": "not_null"})),
        ("phone: no number", JOAO, json!({"phone": {"sms": true}}), json!({"phone.number": "required"})),
        ("tax: null", JOAO, json!({"tax": null}), json!({"tax": "not_null"})),
        ("tax: a part", JOAO, json!({"tax": {"state": "x"}}), json!({"tax.country": "required", "tax.idNumber": "required"})),
        ("type: null", JOAO, json!({"type": null}), json!({"type": "not_null"})),
        ("type: another", JOAO, json!({"type": "trust"}), json!({"type": "invalid_choice"})),
        ("birthday: null", JOAO, json!({"birthday": null}), json!({"birthday": "required"})),
        ("birthday: too young", JOAO, json!({"birthday": "2020-01-01"}), json!({"birthday": "out_of_range"})),
        ("gender: null", JOAO, json!({"gender": null}), json!({"gender": "required"})),
        ("gender: lower case", JOAO, json!({"gender": "male"}), json!({"gender": "invalid_choice"})),
        ("owner: wrong", JOAO, json!({"identityOwner": "x"}), json!({"identityOwner": "invalid_format"})),
        ("more", JOAO, json!({"blocked": true, "id": "x"}), json!({"blocked": "additional_property", "id": "additional_property"})),
        ("a company's owner: null", id_of(&company), json!({"identityOwner": null}), json!({"identityOwner": "required"})),
        (
            "a company's tax without its region",
            id_of(&company),
            json!({"tax": {"country": "PT", "idNumber": "1"}}),
            json!({"tax.formationRegion": "required"}),
        ),
        (
            "from person to company",
            JOAO,
            json!({"type": "company"}),
            json!({"identityOwner": "required", "tax.formationRegion": "required"}),
        ),
        (
            "from person to company with a tax without region",
            JOAO,
            json!({"type": "company", "identityOwner": ANA, "tax": {"country": "PT", "idNumber": "1"}}),
            json!({"tax.formationRegion": "required"}),
        ),
        (
            "from company to person",
            id_of(&company),
            json!({"type": "person"}),
            json!({"birthday": "required", "gender": "required"}),
        ),
    ];
    for (case, id, body, expected) in cases {
        let before = read(&api, id).await;
        assert_invalid(case, &patch(&api, id, body).await, &expected);
        assert_eq!(read(&api, id).await, before, "{case}");
    }
}

#[tokio::test]
async fn a_type_changes_when_the_result_is_whole() {
    let api = start();
    let company =
        json!({"type": "company", "identityOwner": ANA, "tax": {"country": "PT", "formationRegion": "Braga", "idNumber": "1"}});
    let changed = change(&api, JOAO, company).await;
    assert_eq!((&changed["type"], &changed["birthday"]), (&json!("company"), &json!("2000-11-11")));
    assert_eq!(change(&api, JOAO, json!({"birthday": null, "gender": null})).await["birthday"], Value::Null);
    assert_invalid(
        "no longer a person",
        &patch(&api, JOAO, json!({"type": "person"})).await,
        &json!({"birthday": "required", "gender": "required"}),
    );
    let person = json!({"type": "person", "birthday": "1990-01-01", "gender": "Male", "identityOwner": null});
    let changed = change(&api, JOAO, person).await;
    assert_eq!(changed["tax"]["formationRegion"], "Braga");
    assert_eq!(changed["identityOwner"], Value::Null);
    let kept = json!({"type": "company", "identityOwner": GRACE});
    assert_eq!(change(&api, JOAO, kept).await["identityOwner"], GRACE, "the region that is there is enough");

    let blank = with(&maria(), &[("/tax/formationRegion", Some(json!(" ")))]);
    let person = create(&api, blank).await;
    let answer = patch(&api, id_of(&person), json!({"type": "company", "identityOwner": ANA})).await;
    assert_invalid("a blank region", &answer, &json!({"tax.formationRegion": "not_blank"}));
}

#[tokio::test]
async fn ones_own_address_is_no_conflict_and_another_ones_is() {
    let api = start();
    let changed = change(&api, JOAO, json!({"email": "FooBar@publicmint.com"})).await;
    assert_eq!(changed["email"], "FooBar@publicmint.com");
    let answer = patch(&api, JOAO, json!({"email": "ANA.ribeiro@example.com"})).await;
    assert_error(&answer, 400, "email_already_in_use", "Email already in use");
    change(&api, JOAO, json!({"email": "luis.matos@other-partner.example"})).await;
}

#[tokio::test]
async fn an_owner_is_a_person_of_the_same_app() {
    let api = start();
    for owner in [NOBODY, LUIS] {
        let answer = patch(&api, BINGEN, json!({"identityOwner": owner})).await;
        assert_error(&answer, 404, "identity_owner_not_found", "Identity owner not found");
    }
    for (id, owner) in [(BINGEN, MINHO), (BINGEN, BINGEN), (JOAO, MINHO)] {
        let answer = patch(&api, id, json!({"identityOwner": owner})).await;
        assert_error(&answer, 422, "identity_owner_must_be_of_type_person", "Identity owner must be of type person");
    }
    let both = json!({"identityOwner": NOBODY, "email": "ana.ribeiro@example.com"});
    assert_error(&patch(&api, BINGEN, both).await, 400, "email_already_in_use", "Email already in use");
    assert_eq!(change(&api, BINGEN, json!({"identityOwner": JOAO.to_uppercase()})).await["identityOwner"], JOAO);
    let own = json!({"type": "company", "identityOwner": JOAO, "tax": {"country": "PT", "formationRegion": "x", "idNumber": "1"}});
    let answer = patch(&api, JOAO, own).await;
    assert_error(&answer, 422, "identity_owner_must_be_of_type_person", "Identity owner must be of type person");
    assert_eq!(change(&api, JOAO, json!({"identityOwner": JOAO})).await["identityOwner"], JOAO, "a person may");
}

#[tokio::test]
async fn a_rejected_identity_is_submitted_again_by_a_change() {
    let api = start();
    let before = read(&api, JOHN).await;
    assert_invalid("refused", &patch(&api, JOHN, json!({"name": ""})).await, &json!({"name": "not_blank"}));
    change(&api, JOHN, json!({})).await;
    assert_eq!(read(&api, JOHN).await["kycStatus"], before["kycStatus"]);
    let after = change(&api, JOHN, json!({"documents": []})).await;
    assert_eq!(after["kycStatus"], json!([{"exceptions": [], "provider": "PrimeTrust", "status": "pending"}]));
    assert_eq!(after["identityConfirmed"], false);
    assert_eq!(after["updatedAt"], "2026-01-02T03:04:05.678Z");
    let sent = api.understudy.messages(None).unwrap();
    let bodies: Vec<Value> = sent.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect();
    let expected = json!({
        "data": {"identityId": JOHN, "verificationId": "e7228190-fd45-4f2e-a0d3-bfe703225577"},
        "type": "identityVerificationUpdated"
    });
    assert_eq!(bodies, [expected]);
}
