//! Matching credentials, and reading what was shared.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};
use understudy::http::Refusal;

use super::{
    ACME, HOOLI, HOOLI_UUID, KREDITA, KREDITA_UUID, advance, assert_answer, bad_request, id, millis, not_found, simulate, start_as,
    text,
};
use crate::client::Client;

const SHARED: &str = "/sharedCredentials/33333333-3333-4333-8333-000000000001";

async fn ask(client: &Client, requests: Value) -> Value {
    let sent = json!({"email": "big.head@hooli.example", "credentialRequests": requests});
    let answer = client.post("/hasMatchingCredentials", &sent).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{sent}: {}", answer.text());
    answer.json()
}

fn part(kind: &str, key: &str, value: &str) -> Value {
    json!({"type": kind, "data": {key: value}})
}

fn first() -> Value {
    part("FirstNameCredential", "firstName", "Nelson")
}

fn last() -> Value {
    part("LastNameCredential", "lastName", "Bighetti")
}

fn ssn() -> Value {
    part("SsnCredential", "ssn", "111223333")
}

fn whole(kind: &str, parts: &[Value]) -> Value {
    json!({"type": kind, "data": parts})
}

#[tokio::test]
async fn a_match_has_an_address_with_what_was_sent_and_a_miss_has_nothing() {
    let (api, kredita) = start_as(KREDITA);
    let requests = json!([
        {"type": "EmailCredential", "issuers": [], "mandatory": "yes"},
        {"type": "FullNameCredential", "issuers": [], "mandatory": "yes"},
        {"type": "DobCredential", "issuers": [], "required": false}
    ]);
    for (contact, query) in [
        (json!({"email": "richard@piedpiper.net"}), "email=richard%40piedpiper.net"),
        (json!({"phone": "+10123456789"}), "phone=%2B10123456789"),
        (
            json!({"phone": "+550123456789", "email": "Richard.Hendricks+a'b@Verified.inc"}),
            "email=Richard.Hendricks%2Ba'b%40Verified.inc&phone=%2B550123456789",
        ),
    ] {
        let mut sent = contact.clone();
        sent["credentialRequests"] = requests.clone();
        let answer = kredita.post("/hasMatchingCredentials", &sent).await;
        let request = id(&answer.json(), "/requestId");
        let url = format!("{}/request/{request}?{query}", api.base);
        assert_answer(&answer, StatusCode::CREATED, &json!({"match": true, "requestId": request, "url": url}));
    }
    for contact in [json!({"email": "nobody@example.com"}), json!({"phone": "+12125550123"})] {
        let mut sent = contact.clone();
        sent["credentialRequests"] = json!([{"type": "EmailCredential"}]);
        assert_answer(&kredita.post("/hasMatchingCredentials", &sent).await, StatusCode::CREATED, &json!({"match": false}));
    }
    assert_eq!(api.understudy.messages(None).unwrap().len(), 0, "asking sends nothing");
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_named() {
    let (_api, kredita) = start_as(KREDITA);
    let good = json!([{"type": "EmailCredential"}]);
    let with = |requests: Value| json!({"email": "a@b.co", "credentialRequests": requests});
    for (sent, message) in [
        (json!({"credentialRequests": good}), "Either email or phone is required"),
        (json!({"email": null, "credentialRequests": good}), "Either email or phone is required"),
        (json!({"email": "a", "credentialRequests": good}), "email must be a valid email address"),
        (json!({"email": ["a@b.co"], "credentialRequests": good}), "email must be a string"),
        (json!({"phone": "0123456789", "credentialRequests": good}), "phone must be a phone number in E.164 format"),
        (json!({"email": "a@b.co", "phone": 1, "credentialRequests": good}), "phone must be a string"),
        (json!({"email": "a@b.co"}), "credentialRequests is required"),
        (with(json!(null)), "credentialRequests is required"),
        (with(json!([])), "credentialRequests is required"),
        (with(json!({"type": "EmailCredential"})), "credentialRequests is required"),
        (with(json!("EmailCredential")), "credentialRequests is required"),
        (with(json!(["EmailCredential", {"issuers": []}])), "credentialRequests[1].type is required"),
        (with(json!([{"type": "A", "mandatory": "YES"}])), "credentialRequests[0].mandatory must be one of yes, no, if_available"),
        (
            with(json!([{"type": "A", "children": [{"type": "B", "mandatory": 1}]}])),
            "credentialRequests[0].children[0].mandatory must be one of yes, no, if_available",
        ),
        (json!({"email": "a@b.co", "credentialRequests": good, "description": 1}), "description must be a string"),
        (json!({"email": "a@b.co", "credentialRequests": good, "partnerUuid": 1}), "partnerUuid must be a string"),
    ] {
        let answer = kredita.post("/hasMatchingCredentials", &sent).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, bad_request(message)), "{sent}");
    }
}

/// What is held, what is asked for, and whether that is a match.
fn matching_cases() -> Vec<(&'static str, Vec<Value>, Value, bool)> {
    let state = || part("StateCredential", "state", "CA");
    let country = || part("CountryCredential", "country", "US");
    let full = || whole("FullNameCredential", &[first(), last()]);
    let must = |kind: &str| json!([{"type": kind, "mandatory": "yes"}]);
    let four = json!([
        {"type": "SsnCredential", "issuers": [], "mandatory": "yes"},
        {"type": "FullNameCredential", "issuers": [], "mandatory": "yes"},
        {"type": "PhoneCredential", "issuers": [], "mandatory": "if_available", "allowUserInput": true},
        {"type": "AddressCredential", "issuers": [], "children": [
            {"type": "CityCredential", "issuers": [], "mandatory": "if_available"},
            {"type": "StateCredential", "issuers": [], "mandatory": "yes"},
            {"type": "CountryCredential", "issuers": [], "mandatory": "yes"},
            {"type": "ZipCodeCredential", "issuers": []}
        ]}
    ]);
    let address = |parts: &[Value]| whole("AddressCredential", parts);
    let five = [
        part("Line1Credential", "line1", "1 Market St"),
        part("CityCredential", "city", "Palo Alto"),
        state(),
        country(),
        part("ZipCodeCredential", "zipCode", "94303"),
    ];
    vec![
        ("the four of the reference", vec![ssn(), full(), address(&[state(), country()])], four.clone(), true),
        ("the four without a state", vec![ssn(), full(), address(&[country()])], four.clone(), false),
        ("the four without a country", vec![ssn(), full(), address(&[state()])], four.clone(), false),
        ("the four without an address", vec![ssn(), full()], four.clone(), false),
        ("the four without an ssn", vec![full(), address(&[state(), country()])], four.clone(), false),
        (
            "the four with half a name",
            vec![ssn(), whole("FullNameCredential", &[first()]), address(&[state(), country()])],
            four,
            false,
        ),
        ("an optional type", vec![ssn()], json!(["SsnCredential"]), true),
        ("an optional type that is not held", vec![ssn()], json!(["EmailCredential"]), false),
        ("one of two optional types", vec![ssn()], json!(["EmailCredential", "SsnCredential"]), true),
        ("a type without a schema", vec![ssn()], must("DobCredential"), false),
        ("an optional type without a schema beside another", vec![ssn()], json!(["DobCredential", "SsnCredential"]), true),
        (
            "a mandatory type that is not held",
            vec![ssn()],
            json!(["SsnCredential", {"type": "EmailCredential", "mandatory": "yes"}]),
            false,
        ),
        ("its deprecated spelling", vec![ssn()], json!(["SsnCredential", {"type": "EmailCredential", "required": true}]), false),
        (
            "a spelling that is not binding",
            vec![ssn()],
            json!(["SsnCredential", {"type": "EmailCredential", "required": false, "mandatory": "no"}]),
            true,
        ),
        (
            "one that is wanted if it is available",
            vec![ssn()],
            json!(["SsnCredential", {"type": "EmailCredential", "mandatory": "if_available"}]),
            true,
        ),
        (
            "a mandatory type that may be typed",
            vec![ssn()],
            json!(["SsnCredential", {"type": "EmailCredential", "mandatory": "yes", "allowUserInput": true}]),
            true,
        ),
        (
            "nothing but what may be typed",
            vec![ssn()],
            json!([{"type": "EmailCredential", "mandatory": "yes", "allowUserInput": true}]),
            false,
        ),
        ("a part by its own type", vec![full()], must("LastNameCredential"), true),
        ("a part that is not there", vec![full()], must("MiddleNameCredential"), false),
        ("a whole name", vec![full()], must("FullNameCredential"), true),
        ("a name without its last", vec![whole("FullNameCredential", &[first()])], must("FullNameCredential"), false),
        ("the same, not mandatory", vec![whole("FullNameCredential", &[first()])], json!(["FullNameCredential"]), true),
        (
            "a mandatory name by any of its optional parts",
            vec![whole("FullNameCredential", &[first()])],
            json!([{"type": "FullNameCredential", "mandatory": "yes", "children": ["FirstNameCredential", "LastNameCredential"]}]),
            true,
        ),
        (
            "a name of other parts",
            vec![whole("FullNameCredential", &[first()])],
            json!([{"type": "FullNameCredential", "children": ["MiddleNameCredential"]}]),
            false,
        ),
        (
            "a binding part of an optional whole",
            vec![whole("FullNameCredential", &[first()]), ssn()],
            json!(["SsnCredential", {"type": "FullNameCredential", "children": [{"type": "LastNameCredential", "mandatory": "yes"}]}]),
            false,
        ),
        (
            "a binding part that may be typed",
            vec![whole("FullNameCredential", &[first()])],
            json!([{"type": "FullNameCredential", "children": ["FirstNameCredential", {"type": "LastNameCredential", "mandatory": "yes", "allowUserInput": true}]}]),
            true,
        ),
        (
            "a binding part of a whole that may be typed",
            vec![whole("FullNameCredential", &[first()]), ssn()],
            json!(["SsnCredential", {"type": "FullNameCredential", "allowUserInput": true, "children": [{"type": "LastNameCredential", "mandatory": "yes"}]}]),
            true,
        ),
        (
            "a name in the old form",
            vec![json!({"type": "FullNameCredential", "data": {"fullName": "Nelson Bighetti"}})],
            must("FullNameCredential"),
            true,
        ),
        (
            "the old form by its parts",
            vec![json!({"type": "FullNameCredential", "data": {"fullName": "Nelson Bighetti"}})],
            json!([{"type": "FullNameCredential", "mandatory": "yes", "children": [{"type": "LastNameCredential", "mandatory": "yes"}]}]),
            true,
        ),
        (
            "a part of the old form",
            vec![json!({"type": "FullNameCredential", "data": {"fullName": "Nelson Bighetti"}})],
            must("LastNameCredential"),
            false,
        ),
        ("an address but for its second line", vec![address(&five)], must("AddressCredential"), true),
        ("an address without its postcode", vec![address(&five[..4])], must("AddressCredential"), false),
        ("one of two names is whole", vec![whole("FullNameCredential", &[first()]), full()], must("FullNameCredential"), true),
        (
            "halves of two names",
            vec![whole("FullNameCredential", &[first()]), whole("FullNameCredential", &[last()])],
            must("FullNameCredential"),
            false,
        ),
        (
            "an issuer that issued",
            vec![ssn()],
            json!([{"type": "SsnCredential", "mandatory": "yes", "issuers": [KREDITA_UUID, HOOLI_UUID]}]),
            true,
        ),
        ("the same in capitals", vec![ssn()], json!([{"type": "SsnCredential", "issuers": [HOOLI_UUID.to_uppercase()]}]), true),
        ("an issuer that did not", vec![ssn()], json!([{"type": "SsnCredential", "issuers": [KREDITA_UUID]}]), false),
        (
            "an issuer of a part",
            vec![full()],
            json!([{"type": "FullNameCredential", "children": [{"type": "FirstNameCredential", "mandatory": "yes", "issuers": [KREDITA_UUID]}]}]),
            false,
        ),
        (
            "a nested composite",
            vec![whole(
                "EmployerCredential",
                &[
                    part("EmployerNameCredential", "employer", "Hooli"),
                    whole(
                        "AnnualIncomeCredential",
                        &[part("CurrencyCredential", "currency", "USD"), part("AmountCredential", "amount", "5")],
                    ),
                ],
            )],
            json!([{"type": "EmployerCredential", "mandatory": "yes", "children": [{"type": "AnnualIncomeCredential", "children": [{"type": "AmountCredential", "mandatory": "yes"}]}]}]),
            true,
        ),
        (
            "a nested composite by its own type",
            vec![whole(
                "EmployerCredential",
                &[
                    part("EmployerNameCredential", "employer", "Hooli"),
                    whole(
                        "AnnualIncomeCredential",
                        &[part("CurrencyCredential", "currency", "USD"), part("AmountCredential", "amount", "5")],
                    ),
                ],
            )],
            must("AnnualIncomeCredential"),
            true,
        ),
    ]
}

#[tokio::test]
async fn credentials_match_by_the_rules() {
    for (case, held, requests, expected) in matching_cases() {
        let (api, hooli) = start_as(HOOLI);
        let issued = hooli.post("/credentials", json!({"email": "big.head@hooli.example", "credentials": held})).await;
        assert_eq!(issued.status, StatusCode::CREATED, "{case}: {}", issued.text());
        assert_eq!(ask(&api.bearer(KREDITA), requests).await["match"], expected, "{case}");
    }
}

#[tokio::test]
async fn what_is_revoked_or_has_expired_never_matches() {
    let (api, hooli) = start_as(HOOLI);
    let soon = json!([
        {"type": "SsnCredential", "data": {"ssn": "111223333"}, "expirationDate": millis(60_000)},
        whole("FullNameCredential", &[first(), last()])
    ]);
    let issued = hooli.post("/credentials", json!({"email": "big.head@hooli.example", "credentials": soon})).await.json();
    let (ssn, name, first) =
        (text(&issued, "/credentials/0/id"), text(&issued, "/credentials/1/id"), text(&issued, "/credentials/1/data/0/id"));
    let matches = async |kind: &str| ask(&hooli, json!([{"type": kind, "mandatory": "yes"}])).await["match"] == true;
    advance(&api, TimeDelta::milliseconds(59_999));
    assert!(matches("SsnCredential").await);
    advance(&api, TimeDelta::milliseconds(1));
    assert!(!matches("SsnCredential").await, "it ends at its expiration, not after it");
    let change = async |credential: &str, change: Value| {
        assert_eq!(hooli.patch(&format!("/credentials/{credential}"), change).await.status, StatusCode::OK);
    };
    change(&ssn, json!({"expirationDate": millis(120_000)})).await;
    assert!(matches("SsnCredential").await);
    change(&ssn, json!({"status": "revoked"})).await;
    assert!(!matches("SsnCredential").await);
    change(&ssn, json!({"status": "valid"})).await;
    assert!(matches("SsnCredential").await);

    change(&first, json!({"status": "revoked"})).await;
    assert!(!matches("FirstNameCredential").await);
    assert!(!matches("FullNameCredential").await, "a part that is revoked is not there");
    assert!(matches("LastNameCredential").await);
    change(&first, json!({"status": "valid", "expirationDate": 1})).await;
    assert!(!matches("FullNameCredential").await);
    change(&first, json!({"expirationDate": null})).await;
    assert!(matches("FullNameCredential").await);
    change(&name, json!({"status": "revoked"})).await;
    assert!(!matches("LastNameCredential").await, "a revoked whole takes its parts along");
}

#[tokio::test]
async fn what_a_person_shared_can_be_read_for_five_minutes() {
    let (api, kredita) = start_as(KREDITA);
    let requests = json!([
        {"type": "EmailCredential", "mandatory": "yes"},
        {"type": "FullNameCredential", "mandatory": "yes", "children": ["LastNameCredential"]},
        "DobCredential"
    ]);
    let sent = json!({"email": "Richard@piedpiper.net", "phone": "+10123456789", "credentialRequests": requests});
    let url = text(&kredita.post("/hasMatchingCredentials", sent).await.json(), "/url");
    let url = format!("{url}&redirectUrl=https%3A%2F%2Fkredita.example%2Fregister");
    let done = simulate(&api, "consent", json!({"url": url}));
    let uuid = id(&done, "/uuid");
    assert_eq!(done["redirectUrl"], format!("https://kredita.example/register?sharedCredentialsUuid={uuid}"));
    let sms = api.understudy.messages(Some("+10123456789")).unwrap();
    assert_eq!(sms[0].body, "Enter this code to verify for Kredita: 111-111");

    advance(&api, TimeDelta::days(1));
    let one = |id: &str, kind: &str, data: Value| {
        json!({
            "id": format!("11111111-1111-4111-8111-{id}"), "createdAt": "1721304000000", "updatedAt": "1721304000000", "type": kind,
            "issuanceDate": 1_721_304_000_000_i64, "data": data, "issuer": HOOLI_UUID, "issuerUuid": HOOLI_UUID, "status": "valid",
            "verificationMethod": null
        })
    };
    let last = one("000000000004", "LastNameCredential", json!({"lastName": "Hendricks"}));
    let expected = json!({"uuid": uuid, "email": "Richard@piedpiper.net", "phone": "+10123456789", "credentials": [
        one("000000000001", "EmailCredential", json!({"email": "richard@piedpiper.net"})),
        one("000000000002", "FullNameCredential", json!([last]))
    ]});
    let path = format!("/sharedCredentials/{uuid}");
    assert_answer(&kredita.get(&path).await, StatusCode::OK, &expected);
    advance(&api, TimeDelta::milliseconds(299_999));
    assert_answer(&kredita.get(&path).await, StatusCode::OK, &expected);
    advance(&api, TimeDelta::milliseconds(1));
    assert_answer(&kredita.get(&path).await, StatusCode::NOT_FOUND, &not_found("Shared credentials not found."));
    let again = api.understudy.simulate("verified", "consent", json!({"url": url}));
    assert!(matches!(again, Err(Refusal::Conflict(_))), "{again:?}");
}

#[tokio::test]
async fn shared_credentials_are_read_by_their_brand_only_and_as_they_were() {
    let (api, hooli) = start_as(HOOLI);
    for key in [HOOLI, ACME] {
        let answer = api.bearer(key).get(SHARED).await;
        assert_answer(&answer, StatusCode::NOT_FOUND, &not_found("Shared credentials not found."));
    }
    let kredita = api.bearer(KREDITA);
    for unknown in ["33333333-3333-4333-8333-00000000000f", "none", "22222222-2222-4222-8222-000000000001"] {
        let answer = kredita.get(&format!("/sharedCredentials/{unknown}")).await;
        assert_answer(&answer, StatusCode::NOT_FOUND, &not_found("Shared credentials not found."));
    }
    // What happens to the credentials later does not change what was shared; the first reading is the owner's.
    advance(&api, TimeDelta::minutes(10));
    hooli.patch("/userCredentials/richard%40piedpiper.net", json!({"status": "revoked"})).await;
    hooli
        .patch("/credentials/11111111-1111-4111-8111-000000000001", json!({"data": {"email": "r@x.co"}, "expirationDate": 5}))
        .await;
    let one = |id: &str, kind: &str, data: Value| {
        json!({
            "id": format!("11111111-1111-4111-8111-{id}"), "createdAt": "1721304000000", "updatedAt": "1721304000000", "type": kind,
            "issuanceDate": 1_721_304_000_000_i64, "data": data, "issuer": HOOLI_UUID, "issuerUuid": HOOLI_UUID, "status": "valid",
            "verificationMethod": null
        })
    };
    let expected = json!({"uuid": "33333333-3333-4333-8333-000000000001", "email": "richard@piedpiper.net", "credentials": [
        one("000000000001", "EmailCredential", json!({"email": "richard@piedpiper.net"})),
        one("000000000002", "FullNameCredential", json!([
            one("000000000003", "FirstNameCredential", json!({"firstName": "Richard"})),
            one("000000000004", "LastNameCredential", json!({"lastName": "Hendricks"}))
        ]))
    ]});
    assert_answer(&kredita.get(SHARED).await, StatusCode::OK, &expected);
    advance(&api, TimeDelta::milliseconds(299_999));
    assert_answer(&kredita.get(SHARED).await, StatusCode::OK, &expected);
    advance(&api, TimeDelta::milliseconds(1));
    assert_eq!(kredita.get(SHARED).await.status, StatusCode::NOT_FOUND);
    // A reset brings it back.
    api.understudy.reset().unwrap();
    assert_answer(&kredita.get(SHARED).await, StatusCode::OK, &expected);
}

#[tokio::test]
async fn an_expiration_of_shared_credentials_is_a_number() {
    let (api, kredita) = start_as(KREDITA);
    api.bearer(HOOLI).patch("/credentials/11111111-1111-4111-8112-000000000005", json!({"expirationDate": "1893484800000"})).await;
    let sent = json!({"phone": "+12025550123", "credentialRequests": ["SsnCredential"]});
    let url = text(&kredita.post("/hasMatchingCredentials", sent).await.json(), "/url");
    let uuid = text(&simulate(&api, "consent", json!({"url": url})), "/uuid");
    let expected = json!({"uuid": uuid, "phone": "+12025550123", "credentials": [{
        "id": "11111111-1111-4111-8112-000000000005", "createdAt": "1721304000000", "updatedAt": millis(0), "type": "SsnCredential",
        "issuanceDate": 1_721_304_000_000_i64, "expirationDate": 1_893_484_800_000_i64, "data": {"ssn": "222113333"},
        "issuer": HOOLI_UUID, "issuerUuid": HOOLI_UUID, "status": "valid", "verificationMethod": null
    }]});
    assert_answer(&kredita.get(&format!("/sharedCredentials/{uuid}")).await, StatusCode::OK, &expected);
}

#[tokio::test]
async fn a_declined_request_shares_nothing() {
    let (api, kredita) = start_as(KREDITA);
    let sent = json!({"phone": "+12025550123", "credentialRequests": ["SsnCredential"]});
    let url = text(&kredita.post("/hasMatchingCredentials", sent).await.json(), "/url");
    let done = simulate(&api, "decline", json!({"url": url}));
    assert_eq!(done, json!({"redirectUrl": "http://localhost:7020/register?optedOut=true", "uuid": null}));
    for act in ["consent", "decline"] {
        let again = api.understudy.simulate("verified", act, json!({"url": url}));
        assert!(matches!(again, Err(Refusal::Conflict(_))), "{again:?}");
    }
    let unknown = api.understudy.simulate("verified", "consent", json!({"url": format!("{}/request/none", api.base)}));
    assert!(matches!(unknown, Err(Refusal::NotFound(_))), "{unknown:?}");
}

#[tokio::test]
async fn a_partners_requests_can_be_read_by_every_brand() {
    let api = crate::harness::Api::start("verified");
    let expected = json!({"credentialRequests": [
        {"type": "FullNameCredential", "issuers": [], "mandatory": "yes", "children": [
            {"type": "FirstNameCredential", "issuers": []}, {"type": "LastNameCredential", "issuers": []}
        ]},
        {"type": "EmailCredential", "issuers": [], "mandatory": "yes"},
        {"type": "SsnCredential", "issuers": [], "mandatory": "if_available", "description": "Used to verify your identity"}
    ]});
    for key in [HOOLI, KREDITA, ACME] {
        assert_answer(&api.bearer(key).get(&format!("/credentialRequests/{KREDITA_UUID}")).await, StatusCode::OK, &expected);
    }
    for unknown in [HOOLI_UUID, "5a1c0de0-0000-4000-8000-0000000000c1", "5a1c0de0-0000-4000-8000-0000000000ff", "kredita"] {
        let answer = api.bearer(HOOLI).get(&format!("/credentialRequests/{unknown}")).await;
        assert_answer(&answer, StatusCode::NOT_FOUND, &not_found("Brand not found."));
    }
}
