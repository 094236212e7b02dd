//! Fixtures: what is wrong with one is said with its place.

use serde_json::{Value, json};

use super::*;

const BUILT_IN: &str = include_str!("../../../fixtures/identus.json");

fn start_with(fixture: &str) -> Result<Api, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("identus.json"), fixture).unwrap();
    let builder = builder().fixtures(folder.path());
    // The harness expects success, so failures are found out first.
    builder.clone().start().map_err(|error| error.to_string()).map(drop)?;
    Ok(Api::with("identus", builder))
}

fn set(fixture: &mut Value, pointer: &str, value: Value) {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = fixture.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer} leads nowhere"));
    match parent {
        Value::Object(members) => {
            members.insert(field.to_owned(), value);
        }
        Value::Array(items) => items[field.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer} leads nowhere"),
    }
}

#[test]
fn a_fixture_that_is_wrong_is_refused_with_place_and_reason() {
    let built_in: Value = serde_json::from_str(BUILT_IN).unwrap();
    let upper = ALICES_DID.to_uppercase();
    for (pointer, value, place, reason) in [
        ("/extra", json!(1), "extra", "unknown field"),
        ("/adminKey", json!(""), "adminKey", "it is empty"),
        ("/adminKey", json!(5), "adminKey", "invalid type"),
        ("/wallets/0/id", json!("x"), "wallets[0].id", "not a lower-case UUID"),
        ("/wallets/1/id", built_in["wallets"][0]["id"].clone(), "wallets[1].id", "comes twice"),
        ("/wallets/1/mnemonic", built_in["wallets"][0]["mnemonic"].clone(), "wallets[1].mnemonic", "another wallet has it"),
        ("/wallets/0/dids/0/did", json!(upper), "wallets[0].dids[0].did", "must start with 'did:'"),
        ("/wallets/0/dids/0/did", json!(BOBS_DID), "wallets[0].dids[0].did", "follows from mnemonic, index and keys"),
        ("/wallets/0/dids/0/index", json!(4_294_967_295_u32), "wallets[0].dids[0].index", "below 2147483648"),
        ("/wallets/0/dids/0/keys", json!([]), "wallets[0].dids[0].keys", "made with one key"),
        ("/wallets/0/dids/0/keys/0/purpose", json!("x"), "wallets[0].dids[0].keys[0].purpose", "unknown variant"),
        ("/wallets/0/dids/0/addedKeys/0/id", json!("key-1"), "wallets[0].dids[0].addedKeys[0]", "has a key named"),
        ("/wallets/0/dids/0/publishedAt", json!(null), "wallets[0].dids[0].publishedAt", "belongs to a DID with status PUBLISHED"),
        ("/wallets/0/dids/1/did", json!(EXAMPLE_ISSUER), "wallets[0].dids[1].did", "in its long form"),
        ("/wallets/0/dids/1/keys", json!([{"id": "a", "purpose": "issue"}]), "wallets[0].dids[1].keys", "stand in the long form"),
        ("/wallets/0/dids/1/addedKeys/0/path", json!("m/1/2"), "wallets[0].dids[1].addedKeys[0]", "not a path of hardened steps"),
        ("/wallets/0/dids/1/addedKeys/0/path", json!(null), "wallets[0].dids[1].addedKeys[0]", "needs a path"),
        ("/wallets/1/dids/0/did", built_in["wallets"][0]["dids"][0]["did"].clone(), "wallets[1].dids[0].did", "comes twice"),
        ("/wallets/0/statusList/lastIndex", json!(131_072), "wallets[0].statusList.lastIndex", "131072 places"),
        ("/wallets/0/statusList/issuer", json!(BOBS_DID), "wallets[0].statusList.issuer", "the wallet has no DID"),
        ("/entities/0/wallet", json!(NOBODY), "entities[0].wallet", "there is no wallet"),
        ("/entities/0/key", json!("x"), "entities[0].key", "64 lower-case hexadecimal digits"),
        ("/entities/1/key", json!(ALICE), "entities[1].key", "comes twice"),
        ("/entities/0/createdAt", json!("yesterday"), "entities[0].createdAt", "invalid characters"),
        ("/connections/0/inviter/did", json!("did:x"), "connections[0].inviter.did", "did:peer:2"),
        ("/connections/0/invitee/wallet", json!(NOBODY), "connections[0].invitee.wallet", "there is no wallet"),
        ("/connections/0/invitee/id", json!(CONNECTION), "connections[0].invitee.id", "comes twice"),
        ("/records/0/id", json!("x"), "records[0].id", "not a lower-case UUID"),
        ("/records/0/thid", json!("x"), "records[0].thid", "not a lower-case UUID"),
        ("/records/1/role", json!("Issuer"), "records[1].thid", "comes twice"),
        ("/records/0/connection", json!(BOBS_CONNECTION), "records[0].connection", "no such connection"),
        ("/records/0/state", json!("OfferReceived"), "records[0].state", "of the other role"),
        ("/records/0/state", json!("Done"), "records[0].state", "unknown variant"),
        ("/records/0/author", json!(null), "records[0].author", "author and validity"),
        ("/records/1/validity", json!(1), "records[1].author", "author and validity"),
        ("/records/0/author", json!(BOBS_DID), "records[0].author", "the wallet has no DID"),
        ("/records/1/subjectId", json!(BOBS_DID), "records[1].subjectId", "from acceptance on"),
        ("/records/3/subjectId", json!(ALICES_DID), "records[3].subjectId", "the wallet has no DID"),
        ("/records/3/credential", json!(null), "records[3].credential", "from CredentialGenerated"),
        ("/records/3/credential", json!("x"), "records[3].credential", "not a JWT"),
        ("/records/2/statusIndex", json!(27), "records[2].statusIndex", "no such place"),
    ] {
        let mut fixture = built_in.clone();
        set(&mut fixture, pointer, value.clone());
        let refused = start_with(&fixture.to_string()).map(drop).expect_err(&format!("{pointer} = {value}"));
        assert!(refused.contains(place) && refused.contains(reason), "{pointer} = {value}: {refused}");
    }
    for text in ["", "{", "[]", "{} x"] {
        assert!(start_with(text).is_err(), "{text}");
    }
}

#[tokio::test]
async fn an_empty_fixture_and_one_of_ones_own_are_taken() {
    let empty = start_with(r#"{"adminKey":"k","wallets":[],"entities":[]}"#).unwrap();
    let entities = empty.get("/api/v1/admin/entities").header("x-admin-api-key", "k").await;
    assert_eq!(data(&entities, http::StatusCode::OK), json!([]));

    // What is pending in a fixture goes on from the world's beginning; an invitation can still be used.
    let mut fixture: Value = serde_json::from_str(BUILT_IN).unwrap();
    set(&mut fixture, "/records/0/state", json!("OfferPending"));
    let bob = fixture["wallets"][1]["id"].clone();
    set(
        &mut fixture,
        "/records/1",
        json!({
            "id": NOBODY, "wallet": bob, "thid": NOBODY, "role": "Holder", "state": "OfferReceived",
            "connection": BOBS_CONNECTION, "claims": {}, "createdAt": "2024-10-03T15:28:02Z"
        }),
    );
    set(&mut fixture, "/entities/0/key", json!(null));
    let api = start_with(&fixture.to_string()).unwrap();
    api.advance_ms(199);
    assert_eq!(api.read(BOB, &format!("/api/v1/vc/offers?thid={OFFER_THREAD}")).await, json!([]));
    api.advance_ms(1);
    assert_eq!(api.state(BOB, &json!(OFFER_THREAD)).await, "OfferReceived");
}

#[tokio::test]
async fn a_credential_that_cannot_be_signed_uses_up_its_attempts() {
    // The issuer's assertion key is there, but nobody knows its private half.
    let mut fixture: Value = serde_json::from_str(BUILT_IN).unwrap();
    let long = "did:prism:b2579c2278605d6b77bdb5019f2fe23bade92c320c0910fdca15817140bad684:CnwKehI7Cgdpc3N1ZS0xEAJKLgoJc2VjcDI1NmsxEiEDWqLyvi_SLT_za4M8o3nV9KARlFxcHOEKa1QN0tO6WVQSOwoHbWFzdGVyMBABSi4KCXNlY3AyNTZrMRIhAu_lgDUANOXwUXqaIZbI2yELFUHQ204Z-mW_cEdJjlrj";
    fixture["wallets"][0]["dids"].as_array_mut().unwrap().push(json!({"did": long, "status": "CREATED"}));
    let api = start_with(&fixture.to_string()).unwrap();
    let body = json!({"connection": CONNECTION, "key_peer1": ALICE, "key_peer2": BOB, "did_peer1": long, "did_peer2": BOBS_DID});
    let made = data(&api.post("/api/v1/vc/issuance/custodial", body).await, http::StatusCode::CREATED);
    assert_eq!(made["vc"]["protocolState"], "RequestSent");
    let stuck = api.in_thread(ALICE, &made["vc"]["thid"]).await;
    assert_eq!((&stuck["protocolState"], &stuck["metaRetries"]), (&json!("CredentialPending"), &json!(0)));
    assert_eq!(keys(&stuck["metaLastFailure"]), ["status", "type", "title", "detail", "instance"]);
    assert_eq!(api.settle()["issuances"], 0);
}
