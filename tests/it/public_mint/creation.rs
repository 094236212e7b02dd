//! Creating identities.

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    ANA, APP_A, LUIS, MINHO, NOBODY, as_b, assert_error, assert_invalid, create, id_of, maria, pike_labs, read, start, with,
};

/// Values to set, or to take out, by their JSON pointers.
type Edits<'a> = Vec<(&'a str, Option<Value>)>;

#[tokio::test]
async fn a_new_person_is_pending_and_returned_whole() {
    let api = start();
    let answer = api.post("/identities", maria()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    let body = answer.json();
    let (id, document) = (&body["data"]["id"], &body["data"]["documents"][0]["id"]);
    let expected = json!({
        "data": {
            "address": {
                "city": "Braga",
                "country": "PT",
                "postalCode": "4444-333",
                "state": "Braga",
                "street": "Avenida D. João I, 40"
            },
            "appId": APP_A,
            "birthday": "2000-11-11",
            "blocked": false,
            "createdAt": "2026-01-02T03:04:05.678Z",
            "documents": [
                {
                    "createdAt": "2026-01-02T03:04:05.678Z",
                    "description": "ID card",
                    "id": document,
                    "label": "id card",
                    "side": "FrontSide",
                    "type": "IdentityCard",
                    "updatedAt": "2026-01-02T03:04:05.678Z",
                    "url": "https://pmint-custodial-api-sandbox-identity-docs.s3.amazonaws.com/b3/a6/24/13/KtQ2mZx81LwPvR5d.png"
                }
            ],
            "email": "maria.soares@example.com",
            "gender": "female",
            "id": id,
            "identityConfirmed": false,
            "identityOwner": null,
            "kycStatus": [{"exceptions": [], "provider": "PrimeTrust", "status": "pending"}],
            "name": "Maria Soares",
            "phone": {"number": "910000001", "sms": false},
            "tax": {"country": "PT", "formationRegion": null, "idNumber": "211111111", "state": "Braga"},
            "type": "person",
            "updatedAt": "2026-01-02T03:04:05.678Z"
        }
    });
    // As text: the order of the keys is the service's too.
    assert_eq!(answer.text(), expected.to_string());
    assert_ne!(id, document);
    assert_eq!(read(&api, id.as_str().unwrap()).await, expected["data"]);
}

#[tokio::test]
async fn a_company_has_an_owner_and_neither_birthday_nor_gender() {
    let api = start();
    let company = create(&api, pike_labs()).await;
    assert_eq!(company["type"], "company");
    assert_eq!(company["birthday"], Value::Null);
    assert_eq!(company["gender"], Value::Null);
    assert_eq!(company["phone"], json!({"number": "2065550100", "sms": true}));
    assert_eq!(company["identityOwner"], ANA);
    assert_eq!(company["tax"]["formationRegion"], "DE");
    assert_eq!(company["documents"], json!([]));
    let answer = api.get(&format!("/identities?filter[identityOwner]={ANA}&sort=createdAt")).await.json();
    assert_eq!(answer["total"], 2);
    assert_eq!(answer["data"][0]["name"], "Minho Têxteis Lda");
    assert_eq!(answer["data"][1], company);
}

#[tokio::test]
async fn a_person_is_what_is_created_unless_a_type_is_given() {
    let api = start();
    let answer = create(&api, with(&maria(), &[("/type", None)])).await;
    assert_eq!(answer["type"], "person");
    let answer = api.post("/identities", json!({})).await;
    let expected = json!({
        "address": "required", "birthday": "required", "email": "required", "gender": "required", "name": "required",
        "phone": "required", "tax": "required"
    });
    assert_invalid("nothing", &answer, &expected);
    let answer = api.post("/identities", json!({"type": "company"})).await;
    let expected = json!({
        "address": "required", "email": "required", "identityOwner": "required", "name": "required", "phone": "required", "tax": "required"
    });
    assert_invalid("a company of nothing", &answer, &expected);
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let api = start();
    let body = json!({
        "address": {"city": "Bingen", "country": "US", "postalCode": "98605", "street": "24404 Karianne Club"},
        "birthday": "2008-01-03",
        "companyOfficer": false,
        "email": "kid@example.com",
        "gender": "male",
        "name": "Kid Doe",
        "tax": {"country": "PT", "idNumber": "1"},
        "type": "person"
    });
    let answer = api.post("/identities", body).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let expected = json!({
        "code": "validation_failed",
        "message": "Validation failed",
        "errors": {
            "address.state": [{"code": "required", "message": "This value is required"}],
            "birthday": [{
                "code": "out_of_range",
                "message": "This value must be between 18 and 99 years",
                "args": {"min": 18, "max": 99, "unit": "years"}
            }],
            "companyOfficer": [{"code": "additional_property", "message": "This property is not allowed"}],
            "gender": [{
                "code": "invalid_choice",
                "message": "This value is not one of the allowed choices",
                "args": {"choices": ["Male", "Female", "Undefined"]}
            }],
            "phone": [{"code": "required", "message": "This value is required"}]
        }
    });
    assert_eq!(answer.text(), expected.to_string());
}

#[tokio::test]
async fn each_rule_for_a_person_names_its_field() {
    let api = start();
    let us = |object: &str| format!("/{object}/country");
    let (us_address, us_tax) = (us("address"), us("tax"));
    let long_list = Value::from(vec![json!(1); 3]);
    let cases: Vec<(&str, Edits<'_>, Value)> = vec![
        ("address: null", vec![("/address", Some(json!(null)))], json!({"address": "not_null"})),
        ("address: text", vec![("/address", Some(json!("x")))], json!({"address": "invalid_type"})),
        ("address: array", vec![("/address", Some(json!([])))], json!({"address": "invalid_type"})),
        (
            "address: empty",
            vec![("/address", Some(json!({})))],
            json!({"address.city": "required", "address.country": "required", "address.postalCode": "required", "address.street": "required"}),
        ),
        ("address: more", vec![("/address/zip", Some(json!("1")))], json!({"address.zip": "additional_property"})),
        ("city: null", vec![("/address/city", Some(json!(null)))], json!({"address.city": "not_null"})),
        ("city: blank", vec![("/address/city", Some(json!(" \t")))], json!({"address.city": "not_blank"})),
        ("city: number", vec![("/address/city", Some(json!(1)))], json!({"address.city": "invalid_type"})),
        ("country: missing", vec![("/address/country", None)], json!({"address.country": "required"})),
        ("country: null", vec![("/address/country", Some(json!(null)))], json!({"address.country": "not_null"})),
        ("country: blank", vec![("/address/country", Some(json!("")))], json!({"address.country": "not_blank"})),
        ("country: lower case", vec![("/address/country", Some(json!("pt")))], json!({"address.country": "invalid_format"})),
        ("country: three letters", vec![("/address/country", Some(json!("PRT")))], json!({"address.country": "invalid_format"})),
        ("country: digits", vec![("/address/country", Some(json!("P1")))], json!({"address.country": "invalid_format"})),
        ("country: object", vec![("/address/country", Some(json!({})))], json!({"address.country": "invalid_type"})),
        ("postal code: number", vec![("/address/postalCode", Some(json!(4444)))], json!({"address.postalCode": "invalid_type"})),
        ("postal code: null", vec![("/address/postalCode", Some(json!(null)))], json!({"address.postalCode": "not_null"})),
        ("postal code: blank", vec![("/address/postalCode", Some(json!("")))], json!({"address.postalCode": "not_blank"})),
        ("postal code: missing", vec![("/address/postalCode", None)], json!({"address.postalCode": "required"})),
        ("street: missing", vec![("/address/street", None)], json!({"address.street": "required"})),
        ("street: null", vec![("/address/street", Some(json!(null)))], json!({"address.street": "not_null"})),
        ("street: blank", vec![("/address/street", Some(json!("\n")))], json!({"address.street": "not_blank"})),
        ("state: null", vec![("/address/state", Some(json!(null)))], json!({"address.state": "not_null"})),
        ("state: number", vec![("/address/state", Some(json!(5)))], json!({"address.state": "invalid_type"})),
        (
            "state: missing in the US",
            vec![(&us_address, Some(json!("US"))), ("/address/state", None)],
            json!({"address.state": "required"}),
        ),
        (
            "state: null in the US",
            vec![(&us_address, Some(json!("US"))), ("/address/state", Some(json!(null)))],
            json!({"address.state": "not_null"}),
        ),
        (
            "state: blank in the US",
            vec![(&us_address, Some(json!("US"))), ("/address/state", Some(json!(" ")))],
            json!({"address.state": "not_blank"}),
        ),
        ("birthday: missing", vec![("/birthday", None)], json!({"birthday": "required"})),
        ("birthday: null", vec![("/birthday", Some(json!(null)))], json!({"birthday": "required"})),
        ("birthday: number", vec![("/birthday", Some(json!(20_001_111)))], json!({"birthday": "invalid_type"})),
        ("birthday: no day", vec![("/birthday", Some(json!("2001-02-29")))], json!({"birthday": "invalid_format"})),
        ("birthday: with time", vec![("/birthday", Some(json!("2000-11-11T00:00:00Z")))], json!({"birthday": "invalid_format"})),
        ("birthday: empty", vec![("/birthday", Some(json!("")))], json!({"birthday": "invalid_format"})),
        ("birthday: 17", vec![("/birthday", Some(json!("2008-01-03")))], json!({"birthday": "out_of_range"})),
        ("birthday: 100", vec![("/birthday", Some(json!("1926-01-02")))], json!({"birthday": "out_of_range"})),
        ("birthday: unborn", vec![("/birthday", Some(json!("2030-01-01")))], json!({"birthday": "out_of_range"})),
        ("documents: null", vec![("/documents", Some(json!(null)))], json!({"documents": "not_null"})),
        ("documents: object", vec![("/documents", Some(json!({})))], json!({"documents": "invalid_type"})),
        (
            "documents: numbers",
            vec![("/documents", Some(long_list))],
            json!({"documents[0]": "invalid_type", "documents[1]": "invalid_type", "documents[2]": "invalid_type"}),
        ),
        (
            "document: empty",
            vec![("/documents/0", Some(json!({})))],
            json!({"documents[0].side": "required", "documents[0].type": "required", "documents[0].url": "required"}),
        ),
        ("document: more", vec![("/documents/0/id", Some(json!("1")))], json!({"documents[0].id": "additional_property"})),
        (
            "description: number",
            vec![("/documents/0/description", Some(json!(1)))],
            json!({"documents[0].description": "invalid_type"}),
        ),
        ("label: array", vec![("/documents/0/label", Some(json!([])))], json!({"documents[0].label": "invalid_type"})),
        ("side: another", vec![("/documents/0/side", Some(json!("Front")))], json!({"documents[0].side": "invalid_choice"})),
        ("side: null", vec![("/documents/0/side", Some(json!(null)))], json!({"documents[0].side": "not_null"})),
        ("side: true", vec![("/documents/0/side", Some(json!(true)))], json!({"documents[0].side": "invalid_type"})),
        (
            "document type: another",
            vec![("/documents/0/type", Some(json!("passport")))],
            json!({"documents[0].type": "invalid_choice"}),
        ),
        ("document type: null", vec![("/documents/0/type", Some(json!(null)))], json!({"documents[0].type": "not_null"})),
        ("url: null", vec![("/documents/0/url", Some(json!(null)))], json!({"documents[0].url": "not_null"})),
        ("url: blank", vec![("/documents/0/url", Some(json!("")))], json!({"documents[0].url": "not_blank"})),
        ("url: relative", vec![("/documents/0/url", Some(json!("/a.png")))], json!({"documents[0].url": "invalid_format"})),
        ("url: ftp", vec![("/documents/0/url", Some(json!("ftp://h/a.png")))], json!({"documents[0].url": "invalid_format"})),
        ("url: no host", vec![("/documents/0/url", Some(json!("http:///a.png")))], json!({"documents[0].url": "invalid_format"})),
        ("url: number", vec![("/documents/0/url", Some(json!(7)))], json!({"documents[0].url": "invalid_type"})),
        ("email: missing", vec![("/email", None)], json!({"email": "required"})),
        ("email: null", vec![("/email", Some(json!(null)))], json!({"email": "not_null"})),
        ("email: blank", vec![("/email", Some(json!("")))], json!({"email": "not_blank"})),
        ("email: number", vec![("/email", Some(json!(1)))], json!({"email": "invalid_type"})),
        ("email: no at", vec![("/email", Some(json!("maria")))], json!({"email": "invalid_format"})),
        ("email: no dot", vec![("/email", Some(json!("maria@localhost")))], json!({"email": "invalid_format"})),
        ("email: space", vec![("/email", Some(json!("maria @example.com")))], json!({"email": "invalid_format"})),
        ("email: two ats", vec![("/email", Some(json!("m@a@example.com")))], json!({"email": "invalid_format"})),
        ("email: nobody", vec![("/email", Some(json!("@example.com")))], json!({"email": "invalid_format"})),
        ("face images: null", vec![("/faceImages", Some(json!(null)))], json!({"faceImages": "not_null"})),
        ("face images: text", vec![("/faceImages", Some(json!("http://h")))], json!({"faceImages": "invalid_type"})),
        (
            "face images: wrong items",
            vec![("/faceImages", Some(json!(["http://h/a", "a", 1, null])))],
            json!({"faceImages[1]": "invalid_format", "faceImages[2]": "invalid_type", "faceImages[3]": "invalid_type"}),
        ),
        ("gender: missing", vec![("/gender", None)], json!({"gender": "required"})),
        ("gender: null", vec![("/gender", Some(json!(null)))], json!({"gender": "required"})),
        ("gender: lower case", vec![("/gender", Some(json!("female")))], json!({"gender": "invalid_choice"})),
        ("gender: upper case", vec![("/gender", Some(json!("FEMALE")))], json!({"gender": "invalid_choice"})),
        ("gender: number", vec![("/gender", Some(json!(1)))], json!({"gender": "invalid_type"})),
        ("owner: no uuid", vec![("/identityOwner", Some(json!("ana")))], json!({"identityOwner": "invalid_format"})),
        ("owner: number", vec![("/identityOwner", Some(json!(1)))], json!({"identityOwner": "invalid_type"})),
        ("name: missing", vec![("/name", None)], json!({"name": "required"})),
        ("name: null", vec![("/name", Some(json!(null)))], json!({"name": "not_null"})),
        ("name: blank", vec![("/name", Some(json!("   ")))], json!({"name": "not_blank"})),
        ("name: array", vec![("/name", Some(json!(["Maria"])))], json!({"name": "invalid_type"})),
        ("phone: null", vec![("/phone", Some(json!(null)))], json!({"phone": "not_null"})),
        ("phone: text", vec![("/phone", Some(json!("910000001")))], json!({"phone": "invalid_type"})),
        ("phone: empty", vec![("/phone", Some(json!({})))], json!({"phone.number": "required"})),
        ("phone: more", vec![("/phone/country", Some(json!("PT")))], json!({"phone.country": "additional_property"})),
        ("number: null", vec![("/phone/number", Some(json!(null)))], json!({"phone.number": "not_null"})),
        ("number: blank", vec![("/phone/number", Some(json!("")))], json!({"phone.number": "not_blank"})),
        ("number: number", vec![("/phone/number", Some(json!(910_000_001)))], json!({"phone.number": "invalid_type"})),
        ("sms: another text", vec![("/phone/sms", Some(json!("TRUE")))], json!({"phone.sms": "invalid_type"})),
        ("sms: number", vec![("/phone/sms", Some(json!(1)))], json!({"phone.sms": "invalid_type"})),
        ("tax: null", vec![("/tax", Some(json!(null)))], json!({"tax": "not_null"})),
        ("tax: text", vec![("/tax", Some(json!("1")))], json!({"tax": "invalid_type"})),
        ("tax: empty", vec![("/tax", Some(json!({})))], json!({"tax.country": "required", "tax.idNumber": "required"})),
        ("tax: more", vec![("/tax/id", Some(json!(1)))], json!({"tax.id": "additional_property"})),
        ("tax country: lower case", vec![("/tax/country", Some(json!("pt")))], json!({"tax.country": "invalid_format"})),
        ("tax country: null", vec![("/tax/country", Some(json!(null)))], json!({"tax.country": "not_null"})),
        ("id number: number", vec![("/tax/idNumber", Some(json!(211_111_111)))], json!({"tax.idNumber": "invalid_type"})),
        ("id number: null", vec![("/tax/idNumber", Some(json!(null)))], json!({"tax.idNumber": "not_null"})),
        ("id number: blank", vec![("/tax/idNumber", Some(json!(" ")))], json!({"tax.idNumber": "not_blank"})),
        ("tax state: null", vec![("/tax/state", Some(json!(null)))], json!({"tax.state": "not_null"})),
        (
            "tax state: missing in the US",
            vec![(&us_tax, Some(json!("US"))), ("/tax/state", None)],
            json!({"tax.state": "required"}),
        ),
        ("formation region: null", vec![("/tax/formationRegion", Some(json!(null)))], json!({"tax.formationRegion": "not_null"})),
        (
            "formation region: number",
            vec![("/tax/formationRegion", Some(json!(1)))],
            json!({"tax.formationRegion": "invalid_type"}),
        ),
        ("type: null", vec![("/type", Some(json!(null)))], json!({"type": "not_null"})),
        ("type: another", vec![("/type", Some(json!("Person")))], json!({"type": "invalid_choice"})),
        ("type: number", vec![("/type", Some(json!(1)))], json!({"type": "invalid_type"})),
        (
            "what the service sets",
            ["/appId", "/blocked", "/createdAt", "/id", "/identityConfirmed", "/kycStatus", "/riskRating", "/updatedAt"]
                .map(|pointer| (pointer, Some(json!(1))))
                .to_vec(),
            json!({
                "appId": "additional_property", "blocked": "additional_property", "createdAt": "additional_property",
                "id": "additional_property", "identityConfirmed": "additional_property", "kycStatus": "additional_property",
                "riskRating": "additional_property", "updatedAt": "additional_property"
            }),
        ),
        (
            "retired names",
            vec![("/identityType", Some(json!("person"))), ("/companyOfficer", Some(json!(false)))],
            json!({"companyOfficer": "additional_property", "identityType": "additional_property"}),
        ),
    ];
    for (case, edits, expected) in cases {
        assert_invalid(case, &api.post("/identities", with(&maria(), &edits)).await, &expected);
    }
    assert_eq!(api.get("/identities").await.json()["total"], 7, "nothing was created");
}

#[tokio::test]
async fn each_rule_for_a_company_names_its_field() {
    let api = start();
    let cases = [
        ("owner: missing", vec![("/identityOwner", None)], json!({"identityOwner": "required"})),
        ("owner: null", vec![("/identityOwner", Some(json!(null)))], json!({"identityOwner": "required"})),
        ("owner: no uuid", vec![("/identityOwner", Some(json!(ANA.replace('-', ""))))], json!({"identityOwner": "invalid_format"})),
        ("formation region: missing", vec![("/tax/formationRegion", None)], json!({"tax.formationRegion": "required"})),
        ("formation region: null", vec![("/tax/formationRegion", Some(json!(null)))], json!({"tax.formationRegion": "not_null"})),
        ("formation region: blank", vec![("/tax/formationRegion", Some(json!("")))], json!({"tax.formationRegion": "not_blank"})),
        ("birthday: too young", vec![("/birthday", Some(json!("2020-01-01")))], json!({"birthday": "out_of_range"})),
        ("gender: another", vec![("/gender", Some(json!("male")))], json!({"gender": "invalid_choice"})),
    ];
    for (case, edits, expected) in cases {
        assert_invalid(case, &api.post("/identities", with(&pike_labs(), &edits)).await, &expected);
    }
}

#[tokio::test]
async fn what_the_rules_allow_is_stored_as_it_is_sent() {
    let api = start();
    let edits = [
        ("/address/country", Some(json!("ZZ"))),
        ("/address/state", None),
        ("/address/street", Some(json!(" 1 ' \" \\ \u{0} 名 "))),
        ("/documents", Some(json!([{"side": "BackSide", "type": "UtilityBill", "url": "http://h", "label": null}]))),
        ("/email", Some(json!("MARIA+x@Example.COM"))),
        ("/gender", Some(json!("Undefined"))),
        ("/identityOwner", Some(json!(ANA.to_uppercase()))),
        ("/phone", Some(json!({"number": "1", "sms": null}))),
        ("/tax/formationRegion", Some(json!(""))),
        ("/tax/state", Some(json!(""))),
    ];
    let person = create(&api, with(&maria(), &edits)).await;
    assert_eq!(person["address"]["state"], Value::Null);
    assert_eq!(person["address"]["street"], " 1 ' \" \\ \u{0} 名 ");
    assert_eq!(person["documents"][0]["label"], Value::Null);
    assert_eq!(person["documents"][0]["description"], Value::Null);
    assert_eq!(person["email"], "MARIA+x@Example.COM");
    assert_eq!(person["gender"], "undefined");
    assert_eq!(person["identityOwner"], ANA);
    assert_eq!(person["phone"], json!({"number": "1", "sms": false}));
    assert_eq!(person["tax"], json!({"country": "PT", "formationRegion": "", "idNumber": "211111111", "state": ""}));
    for (sms, expected) in [(json!(true), true), (json!("true"), true), (json!(false), false), (json!("false"), false)] {
        let email = format!("sms{}{}@example.com", sms.is_string(), expected);
        let body = with(&maria(), &[("/phone/sms", Some(sms)), ("/email", Some(json!(email)))]);
        assert_eq!(create(&api, body).await["phone"]["sms"], expected);
    }
    let company = with(&pike_labs(), &[("/birthday", Some(json!("1990-05-05"))), ("/gender", Some(json!(null)))]);
    assert_eq!(create(&api, company).await["birthday"], "1990-05-05");
}

#[tokio::test]
async fn ages_are_counted_on_the_worlds_day() {
    for (now, birthday, allowed) in [
        ("2026-01-02T00:00:00Z", "2008-01-02", true),
        ("2026-01-01T23:59:59.999Z", "2008-01-02", false),
        ("2026-01-02T12:00:00Z", "1926-01-03", true),
        ("2026-01-02T23:59:59.999Z", "1926-01-03", true),
        ("2026-01-03T00:00:00Z", "1926-01-03", false),
        ("2026-02-28T23:59:59.999Z", "2008-02-29", false),
        ("2026-03-01T00:00:00Z", "2008-02-29", true),
        ("2028-02-28T23:59:59.999Z", "2010-02-28", true),
        ("2028-02-29T00:00:00Z", "2010-03-01", false),
    ] {
        let api = start();
        api.understudy.set_clock(now.parse().unwrap()).unwrap();
        let answer = api.post("/identities", with(&maria(), &[("/birthday", Some(json!(birthday)))])).await;
        let expected = if allowed { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        assert_eq!(answer.status, expected, "{birthday} at {now}: {}", answer.text());
    }
}

#[tokio::test]
async fn an_address_is_used_once_in_an_app_whatever_its_case() {
    let api = start();
    let taken = with(&maria(), &[("/email", Some(json!("FOOBAR@publicmint.com")))]);
    assert_error(&api.post("/identities", &taken).await, 400, "email_already_in_use", "Email already in use");
    let created = create(&api, maria()).await;
    assert_error(&api.post("/identities", maria()).await, 400, "email_already_in_use", "Email already in use");
    create(&as_b(&api), taken).await;
    let deleted = api.delete(&format!("/identities/{}", id_of(&created))).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    create(&api, maria()).await;
}

#[tokio::test]
async fn an_owner_is_a_person_of_the_same_app() {
    let api = start();
    let owned_by = |owner: &str| with(&pike_labs(), &[("/identityOwner", Some(json!(owner)))]);
    for owner in [NOBODY, LUIS] {
        let answer = api.post("/identities", owned_by(owner)).await;
        assert_error(&answer, 404, "identity_owner_not_found", "Identity owner not found");
    }
    let answer = api.post("/identities", owned_by(MINHO)).await;
    assert_error(&answer, 422, "identity_owner_must_be_of_type_person", "Identity owner must be of type person");
    let answer = api.post("/identities", with(&maria(), &[("/identityOwner", Some(json!(MINHO)))])).await;
    assert_error(&answer, 422, "identity_owner_must_be_of_type_person", "Identity owner must be of type person");
    create(&api, owned_by(&ANA.to_uppercase())).await;
    assert_eq!(api.delete(&format!("/identities/{ANA}")).await.status, StatusCode::NO_CONTENT);
    let orphan = with(&owned_by(ANA), &[("/email", Some(json!("other@pikelabs.example")))]);
    let answer = api.post("/identities", orphan).await;
    assert_error(&answer, 404, "identity_owner_not_found", "Identity owner not found");
}

#[tokio::test]
async fn checks_come_in_their_order() {
    let api = start();
    let edits = [("/email", Some(json!("foobar@publicmint.com"))), ("/identityOwner", Some(json!(NOBODY)))];
    let body = with(&pike_labs(), &edits);
    let invalid = with(&body, &[("/name", Some(json!("")))]);
    assert_eq!(api.post("/identities", &invalid).header("apikey", "nope").await.status, StatusCode::UNAUTHORIZED, "the key first");
    assert_invalid("fields before the address", &api.post("/identities", invalid).await, &json!({"name": "not_blank"}));
    assert_error(&api.post("/identities", body).await, 400, "email_already_in_use", "Email already in use");
}
