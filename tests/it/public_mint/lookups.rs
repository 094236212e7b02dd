//! Reading, deleting, and whose an identity is.

use http::{Method, StatusCode};
use serde_json::json;

use super::{ANA, ANAS_CARD, GRACE, JOHN, LUIS, MINHO, NOBODY, as_b, assert_error, create, maria, read, start, with};

#[tokio::test]
async fn an_identity_is_returned_as_it_is_kept() {
    let api = start();
    let answer = api.get(&format!("/identities/{ANA}")).await;
    let card = |id: &str, side: &str, file: &str| {
        json!({
            "createdAt": "2024-03-01T09:00:00.000Z",
            "description": "ID card",
            "id": id,
            "label": "id card",
            "side": side,
            "type": "IdentityCard",
            "updatedAt": "2024-03-01T09:00:00.000Z",
            "url": format!("https://pmint-custodial-api-sandbox-identity-docs.s3.amazonaws.com/85/ba/77/35/{file}")
        })
    };
    let expected = json!({
        "data": {
            "address": {
                "city": "Braga",
                "country": "PT",
                "postalCode": "4710-057",
                "state": "Braga",
                "street": "Rua do Souto 12"
            },
            "appId": "3f488bf9-52c1-4236-83d2-a99caacd3dc4",
            "birthday": "1988-05-14",
            "blocked": false,
            "createdAt": "2024-03-01T09:00:00.000Z",
            "documents": [
                card(ANAS_CARD, "FrontSide", "STdsO41mwSVSvBBi.png"),
                card("61ff23ad-b754-4434-a4c2-8b627230ff4f", "BackSide", "wx9SXS5Q88MNxZjA.png")
            ],
            "email": "ana.ribeiro@example.com",
            "gender": "female",
            "id": ANA,
            "identityConfirmed": true,
            "identityOwner": null,
            "kycStatus": [{"exceptions": [], "provider": "PrimeTrust", "status": "approved"}],
            "name": "Ana Ribeiro",
            "phone": {"number": "911222333", "sms": true},
            "tax": {"country": "PT", "formationRegion": null, "idNumber": "215874963", "state": "Braga"},
            "type": "person",
            "updatedAt": "2024-03-01T10:30:00.000Z"
        }
    });
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.text(), expected.to_string());
}

#[tokio::test]
async fn another_apps_identity_does_not_exist() {
    let api = start();
    let b = as_b(&api);
    for (client, id) in [(&api.client, LUIS), (&b, ANA), (&api.client, NOBODY)] {
        for (method, path) in [
            (Method::GET, format!("/identities/{id}")),
            (Method::PATCH, format!("/identities/{id}")),
            (Method::DELETE, format!("/identities/{id}")),
            (Method::GET, format!("/identities/{id}/operations")),
            (Method::GET, format!("/identities/{id}/documents/{ANAS_CARD}/presign-url")),
        ] {
            let answer = client.call(method, &path).body(json!({})).await;
            assert_error(&answer, 404, "identity_not_found", "Identity not found");
        }
        for path in ["/sandbox/identities/approve", "/sandbox/identities/reject"] {
            let answer = client.post(path, json!({"identityId": id})).await;
            assert_error(&answer, 404, "identity_not_found", "Identity not found");
        }
    }
    for (client, email) in [(&api.client, "luis.matos@other-partner.example"), (&b, "ana.ribeiro@example.com")] {
        let answer = client.post("/sandbox/identities/approve", json!({"email": email})).await;
        assert_error(&answer, 404, "identity_not_found", "Identity not found");
    }
    assert_eq!(read(&b, LUIS).await["name"], "Luís Matos");
}

#[tokio::test]
async fn a_deleted_identity_is_gone_everywhere_and_its_address_is_free() {
    let api = start();
    let answer = api.delete(&format!("/identities/{JOHN}")).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NO_CONTENT, 0));
    assert!(!answer.headers.contains_key("content-type"));
    let document = "067d97d3-ed8e-44f5-851d-241c7f67a42f";
    for (method, path) in [
        (Method::DELETE, format!("/identities/{JOHN}")),
        (Method::GET, format!("/identities/{JOHN}")),
        (Method::PATCH, format!("/identities/{JOHN}")),
        (Method::GET, format!("/identities/{JOHN}/operations")),
        (Method::GET, format!("/identities/{JOHN}/documents/{document}/presign-url")),
    ] {
        assert_error(&api.call(method, &path).await, 404, "identity_not_found", "Identity not found");
    }
    for body in [json!({"identityId": JOHN}), json!({"email": "john.doe@mycompany.com"})] {
        let answer = api.post("/sandbox/identities/approve", body).await;
        assert_error(&answer, 404, "identity_not_found", "Identity not found");
    }
    assert_eq!(api.get("/identities").await.json()["total"], 6);
    assert_eq!(api.get(&format!("/identities?filter[id]={JOHN}")).await.json()["total"], 0);
    let again = create(&api, with(&maria(), &[("/email", Some(json!("john.doe@mycompany.com")))])).await;
    assert_eq!(again["email"], "john.doe@mycompany.com");
}

#[tokio::test]
async fn neither_confirmation_nor_a_block_nor_ownership_keeps_an_identity() {
    let api = start();
    for id in [ANA, GRACE] {
        assert_eq!(api.delete(&format!("/identities/{id}")).await.status, StatusCode::NO_CONTENT, "{id}");
    }
    assert_eq!(read(&api, MINHO).await["identityOwner"], ANA, "a company keeps its owner");
    let answer = api.get(&format!("/identities?filter[identityOwner]={ANA}")).await;
    assert_eq!(answer.json()["total"], 1);
}
