//! Offers, their acceptance, and issuance, step by step.

use http::StatusCode;
use serde_json::{Value, json};

use super::verify;
use super::*;

const OFFERS: &str = "/api/v1/vc/offers";
const CREATE: &str = "/api/v1/vc/offer-noschema";
const ACCEPT: &str = "/api/v1/vc/accept";
const ISSUE: &str = "/api/v1/vc/issue";

#[tokio::test]
async fn the_published_examples_are_in_the_fixture_word_for_word() {
    let api = start();
    let offers = api.get(&format!("{OFFERS}?thid={OFFER_THREAD}"));
    assert_eq!(
        offers.header("apikey", ALICE).await.text(),
        r#"{"data":[{"recordId":"61faa8cb-7bc9-4c41-a0e5-7c10d81dd98f","thid":"87323d88-51ec-424f-882a-a1f2655888db","credentialFormat":"JWT","validityPeriod":3600,"claims":{"uid":"12345","name":"Stable Diffusion SDXL"},"automaticIssuance":false,"createdAt":"2024-10-03T15:28:01.776806Z","updatedAt":"2024-10-03T15:28:02.395132Z","role":"Issuer","protocolState":"OfferSent","metaRetries":5}]}"#
    );
    let offers = api.get(&format!("{OFFERS}?thid={OFFER_THREAD}"));
    assert_eq!(
        offers.header("apikey", BOB).await.text(),
        r#"{"data":[{"recordId":"5aa7a5ec-35dc-4327-8e06-d9f51952c8ec","thid":"87323d88-51ec-424f-882a-a1f2655888db","credentialFormat":"JWT","claims":{"uid":"12345","name":"Stable Diffusion SDXL"},"createdAt":"2024-10-03T15:28:02.385192Z","role":"Holder","protocolState":"OfferReceived","metaRetries":5}]}"#
    );
    let found = api.get("/api/v1/vc/match/test").header("apikey", BOB).await;
    let credential = text(&found.json()["data"]["vc"]["credential"]).to_owned();
    assert_eq!((credential.len(), credential.ends_with("TFE=")), (2920, true));
    assert_eq!(
        found.text(),
        format!(
            r#"{{"data":{{"recordId":"fde44892-7269-45fb-ab80-b88869450cd0","vc":{{"recordId":"fde44892-7269-45fb-ab80-b88869450cd0","thid":"259caa16-25db-48d0-a0d9-4400818ab2e0","credentialFormat":"JWT","subjectId":"did:prism:ca602ff65d8021bb4b77cbce6df6917e0b062d73f8c5fb7d0d6c3cded5874d88","claims":{{"claim_type":"test","object":"a simple test"}},"createdAt":"2024-10-04T14:30:00.484157Z","updatedAt":"2024-10-04T14:30:58.621911Z","role":"Holder","protocolState":"CredentialReceived","credential":"{credential}","metaRetries":5}}}}}}"#
        )
    );
}

#[tokio::test]
async fn a_credential_goes_from_offer_to_holder_step_by_step_and_verifies() {
    let api = start();
    let claims = json!({"uid": "12345", "name": "Stable Diffusion SDXL"});

    let offered = api.offer(claims.clone()).await;
    let expected =
        "recordId thid credentialFormat validityPeriod claims automaticIssuance createdAt role protocolState metaRetries";
    assert_eq!(keys(&offered), expected.split(' ').collect::<Vec<_>>());
    assert_eq!((&offered["protocolState"], &offered["validityPeriod"]), (&json!("OfferPending"), &json!(3600)));
    let created = text(&offered["createdAt"]);
    assert!(
        created.starts_with("2026-01-01T00:00:00.000000") && created.len() > 27,
        "nanoseconds in the answer to a creation: {created}"
    );
    let thread = &offered["thid"];

    // One step to the holder, due at exactly its time.
    assert_eq!(api.read(BOB, &format!("{OFFERS}?thid={}", text(thread))).await, json!([]));
    assert!(api.advance_ms(199).is_empty());
    assert_eq!(api.read(BOB, &format!("{OFFERS}?thid={}", text(thread))).await, json!([]));
    assert_eq!(api.state(ALICE, thread).await, "OfferPending");
    assert_eq!(api.advance_ms(1).len(), 1);
    let sent = api.in_thread(ALICE, thread).await;
    assert_eq!((&sent["protocolState"], &sent["createdAt"]), (&json!("OfferSent"), &json!("2026-01-01T00:00:00Z")));
    assert_eq!(sent["updatedAt"], "2026-01-01T00:00:00.2Z");
    let received = api.in_thread(BOB, thread).await;
    let expected = "recordId thid credentialFormat claims createdAt role protocolState metaRetries";
    assert_eq!(keys(&received), expected.split(' ').collect::<Vec<_>>());
    assert_ne!(received["recordId"], offered["recordId"]);
    assert_eq!((&received["claims"], &received["role"]), (&claims, &json!("Holder")));

    // Two steps back to the issuer.
    let accepted = api.make(BOB, ACCEPT, json!({"recordId": received["recordId"], "did": BOBS_DID})).await;
    assert_eq!((&accepted["protocolState"], &accepted["subjectId"]), (&json!("RequestPending"), &json!(BOBS_DID)));
    for (ms, holder, issuer) in [
        (199, "RequestPending", "OfferSent"),
        (1, "RequestGenerated", "OfferSent"),
        (199, "RequestGenerated", "OfferSent"),
        (1, "RequestSent", "RequestReceived"),
    ] {
        api.advance_ms(ms);
        assert_eq!((api.state(BOB, thread).await.as_str(), api.state(ALICE, thread).await.as_str()), (holder, issuer));
    }

    // Two steps to the holder again; the credential is signed after the first.
    let issued = api.make(ALICE, ISSUE, json!({"recordId": offered["recordId"]})).await;
    assert_eq!((&issued["protocolState"], issued.get("credential")), (&json!("CredentialPending"), None));
    for (ms, issuer, holder) in [
        (199, "CredentialPending", "RequestSent"),
        (1, "CredentialGenerated", "RequestSent"),
        (199, "CredentialGenerated", "RequestSent"),
        (1, "CredentialSent", "CredentialReceived"),
    ] {
        api.advance_ms(ms);
        assert_eq!((api.state(ALICE, thread).await.as_str(), api.state(BOB, thread).await.as_str()), (issuer, holder));
    }
    let (mine, theirs) = (api.in_thread(ALICE, thread).await, api.in_thread(BOB, thread).await);
    assert_eq!(mine["credential"], theirs["credential"]);
    assert_eq!(api.read(ALICE, &format!("/api/v1/vc/offer/{}", text(&offered["recordId"]))).await, mine);

    let payload = verify::credential(&api, &verify::jwt(&mine["credential"])).await;
    assert_eq!(keys(&payload), ["iss", "sub", "nbf", "exp", "vc"]);
    assert_eq!(keys(&payload["vc"]), ["credentialSubject", "type", "@context", "issuer", "credentialStatus"]);
    assert_eq!(payload["nbf"], 1_767_225_600, "the moment of signing");
    assert_eq!(payload["exp"], 1_767_225_600 + 3600);
    assert!(
        text(&payload["iss"]).starts_with(&format!("{ALICES_DID}:")) && text(&payload["sub"]).starts_with(&format!("{BOBS_DID}:"))
    );
    let subject = &payload["vc"]["credentialSubject"];
    assert_eq!((&subject["uid"], &subject["name"], &subject["id"]), (&claims["uid"], &claims["name"], &payload["sub"]));
    let status = &payload["vc"]["credentialStatus"];
    let list =
        format!("{}/cloud-agent/credential-status/99569288-c60e-4e0f-a40f-0542350eed5b", api.understudy.provider_url("identus"));
    assert_eq!(keys(status), ["statusPurpose", "statusListIndex", "id", "type", "statusListCredential"]);
    assert_eq!(
        *status,
        json!({"statusPurpose": "Revocation", "statusListIndex": 27, "id": format!("{list}#27"), "type": "StatusList2021Entry",
            "statusListCredential": list})
    );
}

#[tokio::test]
async fn the_published_example_is_accepted_and_issued() {
    let api = start();
    api.make(BOB, ACCEPT, json!({"recordId": OFFER_RECEIVED, "did": EXAMPLE_HOLDER})).await;
    assert_eq!(api.settle()["issuances"], 1);
    api.make(ALICE, ISSUE, json!({"recordId": OFFER})).await;
    api.settle();
    let received = api.in_thread(BOB, &json!(OFFER_THREAD)).await;
    let payload = verify::credential(&api, &verify::jwt(&received["credential"])).await;
    assert!(text(&payload["iss"]).starts_with(EXAMPLE_ISSUER) && text(&payload["sub"]).starts_with(EXAMPLE_HOLDER));
}

#[tokio::test]
async fn records_are_listed_oldest_first_and_seen_by_their_wallet_only() {
    let api = start();
    let ids =
        |records: Value| records.as_array().unwrap().iter().map(|record| text(&record["recordId"]).to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(api.read(ALICE, OFFERS).await), [OFFER, "d7879b89-ef83-5d15-9bc6-23a2f1120be8"]);
    assert_eq!(ids(api.read(BOB, OFFERS).await), [OFFER_RECEIVED, CREDENTIAL_RECEIVED]);
    let new = api.offer(json!({})).await;
    assert_eq!(ids(api.read(ALICE, OFFERS).await).last().map(String::as_str), new["recordId"].as_str());

    // A second key of the same wallet sees the same; another wallet sees nothing.
    let twin = json!({"name": "twin", "role": "worker", "id_wallet": "4c7c0257-1f90-50aa-9eb7-8c156ec7c1ca"});
    let twin = data(&api.post("/api/v1/admin/entity", twin).header("x-admin-api-key", ADMIN).await, StatusCode::CREATED);
    assert_eq!(api.read(text(&twin["key"]), OFFERS).await, api.read(ALICE, OFFERS).await);
    let carol = api.entity("carol").await;
    let key = text(&carol["key"]);
    assert_eq!(api.read(key, OFFERS).await, json!([]));
    for (path, expected) in [
        (format!("/api/v1/vc/offer/{OFFER}"), format!("The requested record was not found: recordId={OFFER}, state=None")),
        (format!("/api/v1/vc/offer/{NOBODY}"), format!("The requested record was not found: recordId={NOBODY}, state=None")),
    ] {
        agent_refusal(&api.get(&path).header("apikey", key).await, 404, &expected);
    }
    for query in ["?thid=", "?thid=", "?other=1"] {
        assert_eq!(api.read(ALICE, &format!("{OFFERS}{query}")).await.as_array().unwrap().len(), 3, "{query}");
    }
    for query in [format!("?thid={NOBODY}"), format!("?thid={OFFER_THREAD}&thid={OFFER_THREAD}")] {
        assert_eq!(api.read(ALICE, &format!("{OFFERS}{query}")).await, json!([]), "{query}");
    }
}

#[tokio::test]
async fn validity_is_a_number_or_text_of_one_and_claims_an_object_or_text_of_one() {
    let api = start();
    for (validity, expected) in [
        (json!(null), json!(2_592_000)),
        (json!(0), json!(2_592_000)),
        (json!(""), json!(2_592_000)),
        (json!(false), json!(2_592_000)),
        (json!("3600"), json!(3600)),
        (json!("0"), json!(0)),
        (json!(3600.0), json!(3600)),
        (json!(1.5), json!(1.5)),
        (json!(-5), json!(-5)),
        (json!("1e3"), json!(1000)),
    ] {
        let body = json!({"connection": CONNECTION, "author": ALICES_DID, "validity": validity});
        let offered = api.make(ALICE, CREATE, body).await;
        assert_eq!(offered["validityPeriod"].to_string(), expected.to_string(), "{validity}");
    }
    for (claims, expected) in [
        (json!(null), json!({})),
        (json!("{bad"), json!({})),
        (json!("[1]"), json!({})),
        (json!([1]), json!({})),
        (json!("{\"z\":1.0,\"a\":[null,{\"x\":true}]}"), json!({"z": 1, "a": [null, {"x": true}]})),
        (json!({"z": null, "a": "é/\u{2028}"}), json!({"z": null, "a": "é/\u{2028}"})),
    ] {
        let body = json!({"connection": CONNECTION, "author": ALICES_DID, "claims": claims});
        let offered = api.make(ALICE, CREATE, body).await;
        assert_eq!(offered["claims"].to_string(), expected.to_string(), "{claims}");
    }
    let form = [("connection", CONNECTION), ("author", ALICES_DID), ("validity", "60"), ("claims", r#"{"a":"b"}"#)];
    let offered = data(&api.post(CREATE, form).header("apikey", ALICE).await, StatusCode::CREATED);
    assert_eq!((&offered["validityPeriod"], &offered["claims"]), (&json!(60), &json!({"a": "b"})));
}

#[tokio::test]
async fn an_offer_is_refused_for_each_reason_in_its_order() {
    let api = start();
    let carol = api.entity("carol").await;
    let invited = api.make(ALICE, "/api/v1/p2p/invite", json!({})).await;
    // A DID of Alice's without assertion key, one of Carol's with, and one that is not published.
    let unpublished = api.make(text(&carol["key"]), "/api/v1/identity/did", json!({"purpose": "issue"})).await;
    let unpublished = short(&unpublished["longDid"]).to_owned();
    let other = data(
        &api.patch(&format!("/api/v1/identity/did/{}", short(&carol["longDid"])), json!({}))
            .header("apikey", text(&carol["key"]))
            .await,
        StatusCode::OK,
    );
    let others = text(&other["did"]).to_owned();
    let keyless = api.make(ALICE, "/api/v1/identity/did", json!({})).await;
    let keyless = short(&keyless["longDid"]).to_owned();
    api.understudy.simulate("identus", "deactivate", json!({"did": EXAMPLE_ISSUER})).unwrap();

    let call = "POST /issue-credentials/credential-offers/";
    let decoding = |what: &str| {
        format!("An error occurred when decoding the request body: path=['{call}'], details=[Invalid value for: body ({what})]")
    };
    let parsing = |what: &str| format!("Error parsing string as PrismDID: {what}");
    let wrong_suffix = format!("{ALICES_DID}:AAAA");
    let cases = [
        (json!({"connection": "nope"}), 400, decoding("Invalid UUID: nope at 'connectionId'")),
        (json!({"connection": ""}), 400, decoding("Invalid UUID:  at 'connectionId'")),
        (json!({"connection": CONNECTION, "validity": "soon"}), 400, decoding("expected a Double at 'validityPeriod'")),
        (json!({"validity": true}), 400, decoding("expected a Double at 'validityPeriod'")),
        (json!({"author": 5}), 400, decoding("expected a String at 'issuingDID'")),
        (json!({"author": ALICES_DID}), 400, "Missing connectionId for credential offer".to_owned()),
        (
            json!({"connection": NOBODY}),
            404,
            format!("There is no connection record matching the provided identifier: recordId={NOBODY}"),
        ),
        (
            json!({"connection": BOBS_CONNECTION}),
            404,
            format!("There is no connection record matching the provided identifier: recordId={BOBS_CONNECTION}"),
        ),
        (
            json!({"connection": invited["connectionId"]}),
            400,
            "The operation is not allowed for the current connection record state: state=InvitationGenerated".to_owned(),
        ),
        (json!({"connection": CONNECTION}), 400, "Missing request parameter: issuingDID".to_owned()),
        (json!({"connection": CONNECTION, "author": "nope"}), 400, parsing("DID syntax must start with 'did:' prefix")),
        (
            json!({"connection": CONNECTION, "author": "did:peer:2.x"}),
            400,
            parsing("Expected DID to have method prism, but got \"peer\" instead"),
        ),
        (json!({"connection": CONNECTION, "author": "did:prism:12"}), 400, parsing("Provided DID is not a valid PRISM DID")),
        (
            json!({"connection": CONNECTION, "author": wrong_suffix}),
            400,
            parsing("Canonical suffix does not match the computed state"),
        ),
        (json!({"connection": CONNECTION, "author": keyless}), 400, format!("AssertionMethod key not found for the {keyless}")),
        (json!({"connection": CONNECTION, "author": BOBS_DID}), 400, format!("AssertionMethod key not found for the {BOBS_DID}")),
        (
            json!({"connection": CONNECTION, "author": others}),
            400,
            "The provided DID can't be found in the agent wallet".to_owned(),
        ),
        (
            json!({"connection": CONNECTION, "author": EXAMPLE_ISSUER}),
            400,
            "The provided DID is published but deactivated".to_owned(),
        ),
        (
            json!({"connection": CONNECTION, "author": unpublished}),
            500,
            format!("An unexpected error occurred when processing the request: path=['{call}']"),
        ),
    ];
    let before = api.read(ALICE, OFFERS).await;
    for (body, status, detail) in cases {
        agent_refusal_of(body.to_string(), &api.post(CREATE, body).header("apikey", ALICE).await, status, &detail);
    }
    assert_eq!(api.read(ALICE, OFFERS).await, before, "nothing was offered");
}

#[tokio::test]
async fn an_unpublished_did_of_the_wallet_and_a_long_form_can_issue() {
    let api = start();
    let made = api.make(ALICE, "/api/v1/identity/did", json!({"id": "issue-1", "purpose": "issue"})).await;
    for author in [short(&made["longDid"]), text(&made["longDid"])] {
        let body = json!({"connection": CONNECTION, "author": author});
        assert_eq!(api.make(ALICE, CREATE, body).await["protocolState"], "OfferPending", "{author}");
    }
    // Made from the same phrase elsewhere, this DID is the published one; its credentials verify from the long form alone.
    assert!(text(&made["longDid"]).starts_with("did:prism:b2579c2278605d6b77bdb5019f2fe23bade92c320c0910fdca15817140bad684:"));
    let body = json!({"connection": CONNECTION, "key_peer1": ALICE, "key_peer2": BOB, "did_peer1": made["longDid"], "did_peer2": BOBS_DID});
    let issued = data(&api.post("/api/v1/vc/issuance/custodial", body).await, StatusCode::CREATED);
    verify::credential(&api, &verify::jwt(&issued["vc"]["credential"])).await;
}

#[tokio::test]
async fn acceptance_is_refused_for_each_reason_in_its_order() {
    let api = start();
    let carol = api.entity("carol").await;
    let keyless = api.make(BOB, "/api/v1/identity/did", json!({"purpose": "issue"})).await;
    let keyless = short(&keyless["longDid"]).to_owned();
    let unknown = format!("did:prism:{}", "0".repeat(64));
    let call = |record: &str| format!("POST /issue-credentials/records/{record}/accept-offer");
    let unexpected = |record: &str| format!("An unexpected error occurred when processing the request: path=['{}']", call(record));
    for (body, status, detail) in [
        (
            json!({"recordId": OFFER_RECEIVED, "did": "x"}),
            400,
            "Error parsing string as PrismDID: DID syntax must start with 'did:' prefix".to_owned(),
        ),
        (json!({"recordId": OFFER_RECEIVED, "did": unknown}), 500, unexpected(OFFER_RECEIVED)),
        (json!({"recordId": OFFER_RECEIVED, "did": keyless}), 400, format!("Authentication key not found for the {keyless}")),
        (
            json!({"recordId": OFFER_RECEIVED, "did": short(&carol["longDid"])}),
            400,
            "The provided DID can't be found in the agent wallet".to_owned(),
        ),
        (json!({"did": BOBS_DID}), 500, unexpected("null")),
        (json!({"recordId": NOBODY, "did": BOBS_DID}), 500, unexpected(NOBODY)),
        (json!({"recordId": OFFER, "did": BOBS_DID}), 500, unexpected(OFFER)),
        (
            json!({"recordId": CREDENTIAL_RECEIVED, "did": BOBS_DID}),
            404,
            format!("The requested record was not found: recordId={CREDENTIAL_RECEIVED}, state=Some(CredentialReceived)"),
        ),
        (json!({"recordId": OFFER_RECEIVED}), 500, unexpected(OFFER_RECEIVED)),
        (json!({}), 500, unexpected("null")),
    ] {
        agent_refusal_of(body.to_string(), &api.post(ACCEPT, body).header("apikey", BOB).await, status, &detail);
    }
    api.understudy.simulate("identus", "deactivate", json!({"did": EXAMPLE_HOLDER})).unwrap();
    let refused = api.post(ACCEPT, json!({"recordId": OFFER_RECEIVED, "did": EXAMPLE_HOLDER})).header("apikey", BOB).await;
    agent_refusal(&refused, 400, "The provided DID is published but deactivated");

    api.make(BOB, ACCEPT, json!({"recordId": OFFER_RECEIVED, "did": BOBS_DID})).await;
    let again = api.post(ACCEPT, json!({"recordId": OFFER_RECEIVED, "did": BOBS_DID})).header("apikey", BOB).await;
    let detail = format!("The requested record was not found: recordId={OFFER_RECEIVED}, state=Some(RequestPending)");
    agent_refusal(&again, 404, &detail);
}

#[tokio::test]
async fn issuing_too_early_twice_or_by_another_fails() {
    let api = start();
    let issue = |key: &'static str, body: Value| api.post(ISSUE, body).header("apikey", key);
    let unexpected = |id: &str| {
        format!(
            "An unexpected error occurred when processing the request: path=['POST /issue-credentials/records/{id}/issue-credential']"
        )
    };
    let not_in = |state: &str| format!("The requested record was not found: recordId={OFFER}, state=Some({state})");
    agent_refusal(&issue(ALICE, json!({})).await, 500, &unexpected("null"));
    agent_refusal(&issue(ALICE, json!({"recordId": NOBODY})).await, 500, &unexpected(NOBODY));
    agent_refusal(&issue(ALICE, json!({"recordId": OFFER_RECEIVED})).await, 500, &unexpected(OFFER_RECEIVED));
    agent_refusal(&issue(BOB, json!({"recordId": OFFER})).await, 500, &unexpected(OFFER));
    agent_refusal(&issue(ALICE, json!({"recordId": OFFER})).await, 404, &not_in("OfferSent"));

    api.make(BOB, ACCEPT, json!({"recordId": OFFER_RECEIVED, "did": BOBS_DID})).await;
    api.advance_ms(399);
    agent_refusal(&issue(ALICE, json!({"recordId": OFFER})).await, 404, &not_in("OfferSent"));
    api.advance_ms(1);
    api.make(ALICE, ISSUE, json!({"recordId": OFFER})).await;
    agent_refusal(&issue(ALICE, json!({"recordId": OFFER})).await, 404, &not_in("CredentialPending"));
    api.settle();
    agent_refusal(&issue(ALICE, json!({"recordId": OFFER})).await, 404, &not_in("CredentialSent"));
}

#[tokio::test]
async fn a_match_is_the_oldest_credential_received_or_else_issued() {
    let api = start();
    let find = |key: &'static str, claim_type: &str| api.get(&format!("/api/v1/vc/match/{claim_type}")).header("apikey", key);
    refusal(&find(BOB, "other").await, 404, "No matching VC for this proof request (type: other)");
    refusal(&find(BOB, "Test").await, 404, "No matching VC for this proof request (type: Test)");
    let issued = data(&find(ALICE, "test").await, StatusCode::OK);
    assert_eq!((&issued["vc"]["role"], &issued["vc"]["protocolState"]), (&json!("Issuer"), &json!("CredentialSent")));

    api.offer(json!({"claim_type": "gpu provider"})).await;
    api.settle();
    refusal(&find(BOB, "gpu%20provider").await, 404, "No matching VC for this proof request (type: gpu provider)");
    let older = api.credential(json!({"claim_type": "gpu provider"})).await;
    api.advance_ms(1000);
    api.credential(json!({"claim_type": "gpu provider"})).await;
    let found = data(&find(BOB, "gpu%20provider").await, StatusCode::OK);
    assert_eq!(keys(&found), ["recordId", "vc"]);
    assert_eq!((&found["recordId"], &found["vc"]), (&older["recordId"], &older));
    for (claim_type, path) in
        [(json!(5), "5"), (json!(1.0), "1"), (json!(true), "true"), (json!(["a", "b"]), "a,b"), (json!("a/b+c"), "a%2Fb+c")]
    {
        let made = api.credential(json!({"claim_type": claim_type})).await;
        assert_eq!(data(&find(BOB, path).await, StatusCode::OK)["recordId"], made["recordId"], "{claim_type}");
    }
    for (claim_type, path) in [(json!(0), "0"), (json!(false), "false"), (json!(null), "null")] {
        api.credential(json!({"claim_type": claim_type})).await;
        refusal(&find(BOB, path).await, 404, &format!("No matching VC for this proof request (type: {path})"));
    }
}

#[tokio::test]
async fn a_match_in_an_empty_wallet_names_its_first_did_or_is_the_known_accident() {
    for (strict, status, message) in
        [(false, 404, "No VC received so far for DID "), (true, 500, "srvIdentusIdentity is not defined")]
    {
        let api = with_setting("strict_quirks", json!(strict));
        let carol = api.entity("carol").await;
        let message = if strict { message.to_owned() } else { format!("{message}{}", short(&carol["longDid"])) };
        let found = api.get("/api/v1/vc/match/test").header("apikey", text(&carol["key"]));
        let found = if strict {
            api.without_contract().get("/api/v1/vc/match/test").header("apikey", text(&carol["key"])).await
        } else {
            found.await
        };
        refusal(&found, status, &message);
    }
}

#[tokio::test]
async fn lists_end_after_a_hundred_rows_only_when_quirks_are_kept() {
    for (strict, expected) in [(false, 107), (true, 100)] {
        let api = Api::with(
            "identus",
            builder().setting("identus", "strict_quirks", json!(strict)).setting("identus", "step_ms", json!(0)),
        );
        for _ in 0..105 {
            api.offer(json!({"claim_type": "many"})).await;
        }
        assert_eq!(api.read(ALICE, OFFERS).await.as_array().unwrap().len(), expected);
        let late = api.credential(json!({"claim_type": "late"})).await;
        let found = api.get("/api/v1/vc/match/late").header("apikey", BOB).await;
        if strict {
            refusal(&found, 404, "No matching VC for this proof request (type: late)");
        } else {
            assert_eq!(data(&found, StatusCode::OK)["recordId"], late["recordId"]);
        }
    }
}

#[tokio::test]
async fn without_delay_the_first_states_are_still_shown_and_the_next_request_sees_the_last() {
    let api = with_setting("step_ms", json!(0));
    let offered = api.offer(json!({})).await;
    assert_eq!(offered["protocolState"], "OfferPending");
    let received = api.in_thread(BOB, &offered["thid"]).await;
    let accepted = api.make(BOB, ACCEPT, json!({"recordId": received["recordId"], "did": BOBS_DID})).await;
    assert_eq!(accepted["protocolState"], "RequestPending");
    let issued = api.make(ALICE, ISSUE, json!({"recordId": offered["recordId"]})).await;
    assert_eq!(issued["protocolState"], "CredentialPending");
    assert_eq!(api.state(BOB, &offered["thid"]).await, "CredentialReceived");
}

#[tokio::test]
async fn in_realtime_a_step_takes_two_seconds_unless_it_is_set() {
    for (set, ms) in [(None, 2000), (Some(50), 50)] {
        let mut builder = builder().setting("identus", "realtime", json!(true));
        if let Some(set) = set {
            builder = builder.setting("identus", "step_ms", json!(set));
        }
        let api = Api::with("identus", builder);
        let offered = api.offer(json!({})).await;
        api.advance_ms(ms - 1);
        assert_eq!(api.state(ALICE, &offered["thid"]).await, "OfferPending");
        api.advance_ms(1);
        assert_eq!(api.state(ALICE, &offered["thid"]).await, "OfferSent");
    }
}

#[tokio::test]
async fn the_status_of_the_agent_is_passed_on_when_that_is_set() {
    let api = with_setting("propagate_agent_status", json!(true));
    for (reply, status, message) in [
        (api.get(OFFERS).await, 401, "Request failed with status code 401 - ApiKey key is not provided".to_owned()),
        (
            api.post(CREATE, json!({})).header("apikey", ALICE).await,
            400,
            "Request failed with status code 400 - Missing connectionId for credential offer".to_owned(),
        ),
        (
            api.post(ISSUE, json!({"recordId": OFFER})).header("apikey", ALICE).await,
            404,
            format!(
                "Request failed with status code 404 - The requested record was not found: recordId={OFFER}, state=Some(OfferSent)"
            ),
        ),
    ] {
        assert_eq!(reply.status.as_u16(), status);
        // The service's own field says what the status line says.
        assert_eq!(reply.json(), json!({"data": null, "status": status, "message": message}));
    }
}

#[tokio::test]
async fn a_revoked_credential_has_its_bit_set_in_the_status_list() {
    use std::io::Read as _;

    use base64::Engine as _;

    let api = start();
    let vc = api.credential(json!({"claim_type": "identity"})).await;
    let status = verify::payload(&verify::jwt(&vc["credential"]))["vc"]["credentialStatus"].clone();
    let url = text(&status["statusListCredential"]).to_owned();
    let bits = async || {
        let list = api.get(&url).await;
        assert_eq!(list.status, StatusCode::OK);
        let list = list.json();
        assert_eq!(list["id"], url.as_str());
        let packed = base64::prelude::BASE64_URL_SAFE.decode(text(&list["credentialSubject"]["encodedList"])).unwrap();
        let mut bits = Vec::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bits).unwrap();
        bits
    };
    let before = bits().await;
    assert_eq!((before.len(), before.iter().all(|byte| *byte == 0)), (16_384, true));
    for record in [text(&vc["recordId"]), CREDENTIAL_RECEIVED] {
        api.understudy.simulate("identus", "revoke", json!({"recordId": record})).unwrap();
    }
    let after = bits().await;
    assert_eq!((after[3], after.iter().filter(|byte| **byte != 0).count()), (0b0011_0000, 1), "places 26 and 27");
    let unknown = api.get(&format!("/cloud-agent/credential-status/{NOBODY}")).await;
    assert_eq!((unknown.status, &unknown.json()["title"]), (StatusCode::NOT_FOUND, &json!("Status List Not Found")));
}
