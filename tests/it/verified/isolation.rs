//! The same again, and apart: seeds, worlds, resets, restarts, fixtures.

use std::path::Path;

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};
use understudy::worlds::Spec;

use super::{HOOLI, HOOLI_UUID, KREDITA, KREDITA_UUID, advance, assert_answer, id, not_found, simulate, start_as, text};
use crate::client::Client;
use crate::harness::{Api, builder, contract};

/// A day in the life of a client: the answers, word for word, without the server's port.
async fn story(api: &Api) -> Vec<String> {
    let hooli = api.bearer(HOOLI);
    let mut answers = Vec::new();
    let phone = "+12125550010";
    let name = json!([{"type": "FirstNameCredential", "data": {"firstName": "A"}}, {"type": "LastNameCredential", "data": {"lastName": "B"}}]);
    let credentials =
        json!([{"type": "FullNameCredential", "data": name}, {"type": "EmailCredential", "data": {"email": "a@b.co"}}]);
    let calls = [
        ("/1-click/trusted", json!({"phone": phone, "birthDate": "1989-08-01"})),
        ("/credentials", json!({"phone": phone, "partnerUuid": KREDITA_UUID, "credentials": credentials})),
        ("/credentials", json!({"phone": phone, "credentials": [{}]})),
        ("/hasMatchingCredentials", json!({"phone": phone, "credentialRequests": ["EmailCredential"]})),
        ("/1-click", json!({"phone": phone, "verificationOptions": "both_link_and_code"})),
    ];
    for (path, body) in calls {
        answers.push(hooli.post(path, body).await.text().to_owned());
    }
    let started: Value = serde_json::from_str(answers.last().unwrap()).unwrap();
    let done = simulate(api, "consent", json!({"url": started["url"], "values": {"ssn": "222334455"}}));
    answers.push(done.to_string());
    advance(api, TimeDelta::hours(1));
    answers.push(hooli.get(&format!("/1-click/{}", text(&done, "/uuid"))).await.text().to_owned());
    answers.push(hooli.get(&format!("/userCredentials/{phone}")).await.text().to_owned());
    answers.into_iter().map(|answer| answer.replace(&api.base, "")).collect()
}

#[tokio::test]
async fn the_same_seed_and_the_same_calls_give_the_same_bytes() {
    let first = story(&Api::start("verified")).await;
    assert_eq!(first, story(&Api::start("verified")).await);
    let other = story(&Api::with("verified", builder().seed(8))).await;
    assert_ne!(first[0], other[0], "another seed gives other ids");
    assert_eq!(first[2], other[2], "and the same errors");

    let api = Api::start("verified");
    story(&api).await;
    api.understudy.reset().unwrap();
    assert_eq!(first, story(&api).await, "a reset goes back to the beginning");
}

#[tokio::test]
async fn two_worlds_know_nothing_of_each_other() {
    let (api, hooli) = start_as(HOOLI);
    let spec = Spec { name: Some("other".to_owned()), now: Some("2030-06-01T12:00:00Z".parse().unwrap()), ..Spec::default() };
    let world = api.understudy.create_world(spec).unwrap();
    let other = Client::new(world.provider_url("verified")).with_contract(&contract("verified")).bearer(HOOLI);
    let issued = json!({"email": "a@b.co", "credentials": [{"type": "SsnCredential", "data": {"ssn": "111223333"}}]});
    let issued = id(&other.post("/credentials", issued).await.json(), "/credentials/0/id");
    assert_eq!(other.get(&format!("/credentials/{issued}")).await.status, StatusCode::OK);
    let gone = not_found("Credential not found.");
    assert_answer(&hooli.get(&format!("/credentials/{issued}")).await, StatusCode::NOT_FOUND, &gone);
    assert_eq!(hooli.get("/userCredentials/a%40b.co").await.json(), json!({"credentials": []}));
    // Time passes in one of them only.
    advance(&api, TimeDelta::hours(6));
    let count =
        async |client: &Client| client.get("/userCredentials/+10123456789").await.json()["credentials"].as_array().unwrap().len();
    assert_eq!((count(&hooli).await, count(&other).await), (0, 13));
    // Links lead into the world that they come from; messages stay there.
    let started = other.post("/1-click", json!({"phone": "+12125550010", "verificationOptions": "only_link"})).await.json();
    assert!(text(&started, "/url").starts_with(&format!("{}/request/", world.provider_url("verified"))), "{started}");
    assert!(text(&started, "/smsBody").contains(&format!("{}/mt/", world.provider_url("verified"))), "{started}");
    assert_eq!((api.understudy.messages(None).unwrap().len(), world.messages(None).unwrap().len()), (0, 1));
    let refused = api.understudy.simulate("verified", "consent", json!({"url": started["url"]}));
    assert!(refused.is_err(), "{refused:?}");
    let done = world.simulate("verified", "consent", json!({"url": started["url"]})).unwrap();
    assert_eq!(other.get(&format!("/1-click/{}", text(&done, "/uuid"))).await.status, StatusCode::OK);
    // So do settings.
    let control = Client::new(world.control_url());
    control.put("/settings/verified", json!({"wire": "observed"})).await;
    let path = "/credentials/11111111-1111-4111-8112-000000000005";
    assert_eq!(hooli.get(path).await.json().get("expirationDate"), None);
    assert_eq!(other.get(path).await.json().get("expirationDate"), Some(&json!(null)));
}

#[tokio::test]
async fn a_window_that_was_opened_before_a_restart_closes_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.sqlite");
    let path = "/1-click/22222222-2222-4222-8222-000000000001";
    let shared = "/sharedCredentials/33333333-3333-4333-8333-000000000001";
    {
        let api = Api::with("verified", builder().data(&file));
        assert_eq!(api.bearer(HOOLI).get(path).await.status, StatusCode::OK);
        assert_eq!(api.bearer(KREDITA).get(shared).await.status, StatusCode::OK);
    }
    for (now, status) in [("2026-01-01T00:04:59.999Z", StatusCode::OK), ("2026-01-01T00:05:00Z", StatusCode::NOT_FOUND)] {
        let api = Api::with("verified", builder().frozen_at(now.parse().unwrap()).data(&file));
        assert_eq!(api.bearer(HOOLI).get(path).await.status, status, "{now}");
        assert_eq!(api.bearer(KREDITA).get(shared).await.status, status, "{now}");
    }
}

#[tokio::test]
async fn what_was_due_while_its_provider_was_left_out_happens_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.sqlite");
    let path = "/1-click/22222222-2222-4222-8222-000000000001";
    {
        let api = Api::with("verified", builder().data(&file));
        assert_eq!(api.bearer(HOOLI).get(path).await.status, StatusCode::OK);
    }
    let later = || builder().frozen_at("2026-01-01T06:00:00Z".parse().unwrap()).data(&file);
    for _ in 0..2 {
        let without = later().only(["identus"]).start().unwrap();
        let fired = without.advance(TimeDelta::days(1)).unwrap();
        assert!(fired.iter().all(|timer| timer.provider == "identus"), "{fired:?}");
    }
    // Its timers wait in a snapshot as in the file.
    let snapshot = later().only(["identus"]).start().unwrap().database().unwrap();
    let api = Api::with("verified", later());
    assert_eq!(api.bearer(HOOLI).get(path).await.status, StatusCode::NOT_FOUND);
    let fired = api.understudy.advance(TimeDelta::days(1)).unwrap();
    assert_eq!(fired.iter().filter(|timer| timer.kind == "dailyWipe").count(), 1);

    let elsewhere = Api::with("verified", builder());
    let loaded = elsewhere.understudy.load_snapshot(&snapshot, None).unwrap();
    elsewhere.understudy.restore(&loaded.id).unwrap();
    assert_eq!(elsewhere.bearer(HOOLI).get(path).await.status, StatusCode::NOT_FOUND);
}

fn fixture() -> Value {
    serde_json::from_str(include_str!("../../../fixtures/verified.json")).unwrap()
}

fn write(folder: &Path, fixture: &str) {
    std::fs::write(folder.join("verified.json"), fixture).unwrap();
}

#[tokio::test]
async fn a_folder_of_fixtures_replaces_what_is_built_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut own = fixture();
    own["brands"][0]["apiKey"] = json!("own-key");
    own["brands"][0]["receiverName"] = json!("Hooli XYZ");
    own["brands"][0]["defaultRequests"] = json!([{"type": "EmailCredential"}]);
    own["brands"][1]["partnerRequests"] = json!([{"type": "LastNameCredential", "mandatory": "yes"}]);
    own["profiles"] = json!([own["profiles"][4]]);
    own["phones"] = json!([]);
    write(folder.path(), &own.to_string());
    let api = Api::with("verified", builder().fixtures(folder.path()));
    assert_eq!(api.bearer(HOOLI).get("/userCredentials/a%40b.co").await.status, StatusCode::UNAUTHORIZED);
    let hooli = api.bearer("own-key");
    let answer = hooli.post("/1-click/trusted", json!({"phone": "+12125550022", "birthDate": "2000-01-01"})).await;
    assert_eq!(answer.json()["credentials"], json!({"email": "jian@piedpiper.net"}));
    let started = hooli.post("/1-click", json!({"phone": "+12125550022"})).await.json();
    assert_eq!(started["smsBody"], "Enter this code to verify for Hooli XYZ: 111-111");
    // What a partner asks for by the type of a part is on the page that its token opens.
    let asked = json!({"phone": "+12025550123", "partnerUuid": KREDITA_UUID});
    let url = text(&hooli.post("/hasMatchingCredentials", asked).await.json(), "/url");
    let page = api.with_cookies().get(url.strip_prefix(&api.base).unwrap()).await;
    assert!(page.text().contains("Dunn"), "{}", page.text());
}

#[test]
fn a_mistake_in_a_fixture_is_named_with_its_file_and_place() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change, &str); 22] = [
        ("an unknown field", |f| f["brands"][0]["color"] = json!("red"), "at brands[0].color: unknown field `color`"),
        (
            "a missing field",
            |f| drop(f["brands"][1].as_object_mut().unwrap().shift_remove("name")),
            "at brands[1]: missing field `name`",
        ),
        (
            "a wrong type",
            |f| f["users"][0]["isTest"] = json!("yes"),
            "at users[0].isTest: invalid type: string \"yes\", expected a boolean",
        ),
        ("no brands", |f| drop(f.as_object_mut().unwrap().shift_remove("brands")), "missing field `brands`"),
        (
            "a uuid in capitals",
            |f| f["brands"][0]["uuid"] = json!(HOOLI_UUID.to_uppercase()),
            "at brands[0].uuid: \"7854EC22-F913-4D67-824D-ADB2A756BF3C\" is no UUID in lower case with hyphens",
        ),
        (
            "a uuid twice",
            |f| f["users"][1]["uuid"] = json!(HOOLI_UUID),
            "at users[1].uuid: 7854ec22-f913-4d67-824d-adb2a756bf3c is used twice",
        ),
        (
            "a key twice",
            |f| f["brands"][1]["apiKey"] = json!(HOOLI),
            "at brands[1].apiKey: it is empty, begins or ends with a space, or is another brand's",
        ),
        ("an empty key", |f| f["brands"][1]["apiKey"] = json!(""), "at brands[1].apiKey: it is empty"),
        (
            "an unknown partner",
            |f| f["brands"][0]["partners"] = json!(["kredita"]),
            "at brands[0].partners[0]: no brand of this file is \"kredita\"",
        ),
        (
            "a wrong identifier",
            |f| f["users"][0]["identifiers"][1] = json!("richard"),
            "at users[0].identifiers[1]: \"richard\" is neither an email nor a phone number",
        ),
        (
            "an identifier twice",
            |f| f["users"][1]["identifiers"][0] = json!("RICHARD@piedpiper.net"),
            "at users[1].identifiers[0]: \"RICHARD@piedpiper.net\" is used twice",
        ),
        (
            "an unknown issuer",
            |f| f["users"][0]["issued"][0]["issuer"] = json!("hooli"),
            "at users[0].issued[0].issuer: no brand of this file is \"hooli\"",
        ),
        (
            "data against the schema",
            |f| f["users"][0]["issued"][0]["credentials"][2]["data"]["ssn"] = json!("1"),
            "at users[0].issued[0].credentials[2]: must match format \"ssn\"",
        ),
        (
            "a credential without an id",
            |f| f["users"][0]["issued"][0]["credentials"][1]["data"][0]["id"] = json!(null),
            "at users[0].issued[0].credentials[1]: every credential of a fixture needs an id, parts included",
        ),
        (
            "an id twice",
            |f| f["users"][1]["issued"][0]["credentials"][0]["id"] = json!("11111111-1111-4111-8111-000000000001"),
            "at users[1].issued[0].credentials[0]: Credential with id 11111111-1111-4111-8111-000000000001 already exists",
        ),
        ("no profiles", |f| f["profiles"] = json!([]), "at profiles: there must be at least one"),
        (
            "a wrong phone",
            |f| f["phones"][0]["phone"] = json!("0123"),
            "at phones[0].phone: \"0123\" is no E.164 number, or stands here twice",
        ),
        (
            "a profile that is not there",
            |f| f["phones"][0]["profile"] = json!(5),
            "at phones[0].profile: there are 5 profiles, counted from 0",
        ),
        ("an unknown type", |f| f["phones"][4]["lacks"] = json!(["Name"]), "at phones[4].lacks: \"Name\" is no credential type"),
        ("a 1-Click of nobody", |f| f["oneClicks"][0]["brand"] = json!(""), "at oneClicks[0].brand: no brand of this file is \"\""),
        (
            "a 1-Click with a wrong phone",
            |f| f["oneClicks"][1]["phone"] = json!("0123"),
            "at oneClicks[1].phone: \"0123\" is no phone number in E.164",
        ),
        (
            "an unknown credential",
            |f| f["sharedCredentials"][0]["credentials"][1] = json!("11111111"),
            "at sharedCredentials[0].credentials[1]: no credential of a user is \"11111111\"",
        ),
    ];
    for (case, change, reason) in cases {
        let folder = tempfile::tempdir().unwrap();
        let mut fixture = fixture();
        change(&mut fixture);
        write(folder.path(), &fixture.to_string());
        let error = builder().fixtures(folder.path()).start().err().unwrap_or_else(|| panic!("{case} is accepted")).to_string();
        let file = folder.path().join("verified.json").display().to_string();
        assert!(error.starts_with(&file) && error.contains(reason), "{case}: {error}");
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "{\n  \"brands\": [,\n");
    let error = builder().fixtures(folder.path()).start().err().unwrap().to_string();
    assert!(error.contains("line 2"), "{error}");
    // Profiles are held against the schemas like anything else.
    for (key, value) in [("birthDate", "1989-08-01"), ("ssn", "123-45-6789"), ("state", "California"), ("email", "richard")] {
        let mut fixture = fixture();
        fixture["profiles"][2][key] = json!(value);
        write(folder.path(), &fixture.to_string());
        let error = builder().fixtures(folder.path()).start().err().unwrap_or_else(|| panic!("{key} is accepted")).to_string();
        assert!(error.contains("at profiles[2]: "), "{key}: {error}");
    }
}
