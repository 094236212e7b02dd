//! Presentations: asking for a proof, giving it, taking it.

use http::StatusCode;
use serde_json::{Value, json};

use super::verify;
use super::*;

const REQUEST: &str = "/api/v1/proof/presentation";
const ACCEPT: &str = "/api/v1/proof/presentation/accept";
const CUSTODIAL: &str = "/api/v1/proof/presentation/custodial";

fn request() -> Value {
    json!({"connection": CONNECTION, "challenge": "identity", "domain": "test.com"})
}

fn custodial() -> Value {
    json!({"connection": CONNECTION, "key_peer1": ALICE, "key_peer2": BOB, "claim_type": "identity", "domain": "test.com"})
}

async fn in_thread(api: &Api, key: &str, thid: &Value) -> Value {
    let found = api.read(key, &format!("/api/v1/proof/presentations?thid={}", text(thid))).await;
    let [one] = found.as_array().unwrap().as_slice() else { panic!("one presentation: {found}") };
    one.clone()
}

async fn conclude(api: &Api, key: &str, id: &str) -> crate::client::Response {
    api.patch(&format!("{REQUEST}/{id}"), json!({})).header("apikey", key).await
}

#[tokio::test]
async fn a_proof_goes_from_request_to_acceptance_step_by_step_and_verifies() {
    let api = start();
    let vc = api.credential(json!({"claim_type": "identity", "name": "SDXL"})).await;
    let asked = api.make(ALICE, REQUEST, request()).await;
    let expected = ["presentationId", "thid", "role", "status", "proofs", "data", "requestData", "connectionId", "metaRetries"];
    assert_eq!(keys(&asked), expected);
    assert_eq!((&asked["role"], &asked["status"], &asked["data"]), (&json!("Verifier"), &json!("RequestPending"), &json!([])));
    let wanted: Value = serde_json::from_str(text(&asked["requestData"][0])).unwrap();
    let definition = wanted["presentation_definition"]["id"].clone();
    assert_eq!(
        wanted.to_string(),
        format!(
            r#"{{"options":{{"challenge":"identity","domain":"test.com"}},"presentation_definition":{{"id":{definition},"input_descriptors":[],"name":null,"purpose":null,"format":null}}}}"#
        )
    );
    let thread = &asked["thid"];
    api.advance_ms(199);
    assert_eq!(api.read(BOB, "/api/v1/proof/presentations").await, json!([]));
    api.advance_ms(1);
    let received = in_thread(&api, BOB, thread).await;
    assert_eq!((&received["role"], &received["status"]), (&json!("Prover"), &json!("RequestReceived")));
    assert_eq!((&received["requestData"], &received["connectionId"]), (&asked["requestData"], &json!(BOBS_CONNECTION)));
    assert_eq!(in_thread(&api, ALICE, thread).await["status"], "RequestSent");

    let body = json!({"presentationId": received["presentationId"], "recordId": vc["recordId"]});
    assert_eq!(api.make(BOB, ACCEPT, body).await["status"], "PresentationPending");
    for (ms, prover, verifier) in [
        (199, "PresentationPending", "RequestSent"),
        (1, "PresentationGenerated", "RequestSent"),
        (199, "PresentationGenerated", "RequestSent"),
        (1, "PresentationSent", "PresentationReceived"),
        (199, "PresentationSent", "PresentationReceived"),
        (1, "PresentationSent", "PresentationVerified"),
    ] {
        api.advance_ms(ms);
        assert_eq!(
            (&in_thread(&api, BOB, thread).await["status"], &in_thread(&api, ALICE, thread).await["status"]),
            (&json!(prover), &json!(verifier))
        );
    }
    let taken = data(&conclude(&api, ALICE, text(&asked["presentationId"])).await, StatusCode::OK);
    assert_eq!(
        (&taken["status"], in_thread(&api, BOB, thread).await["status"].clone()),
        (&json!("PresentationAccepted"), json!("PresentationSent"))
    );
    assert_eq!(taken["data"], in_thread(&api, BOB, thread).await["data"]);
    let payload = verify::presentation(&api, text(&taken["data"][0])).await;
    assert_eq!(keys(&payload), ["iss", "aud", "vp", "nonce"]);
    assert_eq!(keys(&payload["vp"]), ["type", "@context", "verifiableCredential"]);
    assert_eq!((&payload["aud"], &payload["nonce"]), (&json!("test.com"), &json!("identity")));
    assert_eq!(payload["vp"]["verifiableCredential"], json!([verify::jwt(&vc["credential"])]));
    assert!(text(&payload["iss"]).starts_with(&format!("{BOBS_DID}:")));

    for (key, status, count) in [(BOB, "PresentationSent", 1), (BOB, "PresentationAccepted", 0), (ALICE, "PresentationAccepted", 1)]
    {
        for filter in
            [format!("?status={status}"), format!("?thid=null&status={status}"), format!("?thid={}&status={status}", text(thread))]
        {
            let found = api.read(key, &format!("/api/v1/proof/presentations{filter}")).await;
            assert_eq!(found.as_array().unwrap().len(), count, "{filter}");
        }
    }
}

#[tokio::test]
async fn requests_are_refused_for_each_reason_in_its_order() {
    let api = start();
    let call = "POST /present-proof/presentations/";
    let decoding = |what: &str| {
        format!("An error occurred when decoding the request body: path=['{call}'], details=[Invalid value for: body ({what})]")
    };
    for (body, status, detail) in [
        (json!({"connection": "nope"}), 400, decoding("Invalid UUID: nope at 'connectionId'")),
        (json!({"domain": "d"}), 400, decoding("missing required field at 'options.challenge'")),
        (json!({"challenge": "c"}), 400, decoding("missing required field at 'options.domain'")),
        (json!({"challenge": "c", "domain": "d"}), 400, "Presentation Request missing connectionId".to_owned()),
        (
            json!({"connection": NOBODY, "challenge": "c", "domain": "d"}),
            404,
            format!("There is no connection record matching the provided identifier: recordId={NOBODY}"),
        ),
    ] {
        agent_refusal_of(body.to_string(), &api.post(REQUEST, body).header("apikey", ALICE).await, status, &detail);
    }
    let invited = api.make(ALICE, "/api/v1/p2p/invite", json!({})).await;
    let body = json!({"connection": invited["connectionId"], "challenge": "c", "domain": "d"});
    let refused = api.post(REQUEST, body).header("apikey", ALICE).await;
    agent_refusal(&refused, 400, "The operation is not allowed for the current connection record state: state=InvitationGenerated");
}

#[tokio::test]
async fn answers_and_conclusions_are_refused_for_each_reason() {
    let api = start();
    let vc = api.credential(json!({"claim_type": "identity"})).await;
    let asked = api.make(ALICE, REQUEST, request()).await;
    let id = text(&asked["presentationId"]);
    let accept = async |key: &str, body: Value| api.post(ACCEPT, body).header("apikey", key).await;
    agent_refusal(&accept(BOB, json!({})).await, 404, "Record Id not found: null");
    agent_refusal(&accept(BOB, json!({"presentationId": NOBODY})).await, 404, &format!("Record Id not found: {NOBODY}"));
    agent_refusal(&accept(BOB, json!({"presentationId": id})).await, 404, &format!("Record Id not found: {id}"));
    let own = json!({"presentationId": id, "recordId": vc["recordId"]});
    agent_refusal(&accept(ALICE, own).await, 400, "Invalid protocol state for operation: RequestPending");
    agent_refusal(&conclude(&api, ALICE, id).await, 400, &format!("No request found for this record: {id}"));
    agent_refusal(&conclude(&api, ALICE, NOBODY).await, 404, &format!("Record Id not found: {NOBODY}"));
    agent_refusal(&conclude(&api, BOB, id).await, 404, &format!("Record Id not found: {id}"));
    api.settle();
    let received = in_thread(&api, BOB, &asked["thid"]).await;
    for record in [json!(NOBODY), json!(OFFER_RECEIVED), json!(null), json!(OFFER)] {
        let body = json!({"presentationId": received["presentationId"], "recordId": record});
        agent_refusal(&accept(BOB, body).await, 500, "Issued credential not found");
    }
    let body = json!({"presentationId": received["presentationId"], "recordId": vc["recordId"]});
    data(&accept(BOB, body.clone()).await, StatusCode::CREATED);
    agent_refusal(&accept(BOB, body).await, 400, "Invalid protocol state for operation: PresentationPending");
    let unexpected =
        format!("An unexpected error occurred when processing the request: path=['PATCH /present-proof/presentations/{id}']");
    api.advance_ms(400);
    agent_refusal(&conclude(&api, ALICE, id).await, 500, &unexpected);
    api.advance_ms(200);
    data(&conclude(&api, ALICE, id).await, StatusCode::OK);
    agent_refusal(&conclude(&api, ALICE, id).await, 500, &unexpected);
}

#[tokio::test]
async fn a_custodial_proof_is_given_at_once_and_the_same_again_is_reused() {
    let api = start();
    let claims = json!({"claim_type": "identity", "name": "SDXL"});
    api.credential(claims.clone()).await;
    let present = async |body: &Value| data(&api.post(CUSTODIAL, body).await, StatusCode::CREATED);
    let first = present(&custodial()).await;
    assert_eq!(keys(&first), ["wasPresented", "wasAccepted", "thid", "proof", "claim"]);
    assert_eq!(first["claim"], claims);
    verify::presentation(&api, text(&first["proof"])).await;
    assert_eq!(in_thread(&api, ALICE, &first["thid"]).await["status"], "PresentationAccepted");
    let theirs = in_thread(&api, BOB, &first["thid"]).await;
    assert_eq!(theirs["status"], "PresentationSent");

    let again = present(&custodial()).await;
    let expected =
        json!({"presentationId": theirs["presentationId"], "thid": first["thid"], "proof": first["proof"], "claim": claims});
    assert_eq!(keys(&again), ["presentationId", "thid", "proof", "claim"]);
    assert_eq!(again, expected);
    let found = api.read(BOB, "/api/v1/proof/presentation/match/identity").await;
    assert_eq!(found, expected);
    let taken = api.read(ALICE, "/api/v1/proof/presentation/match/identity?status=PresentationAccepted").await;
    assert_eq!((&taken["proof"], &taken["claim"]), (&json!(null), &json!(null)));

    let mut anew = custodial();
    anew["noDuplicate"] = json!("false");
    assert_ne!(present(&anew).await["thid"], first["thid"]);

    // The credential of a thread, whatever its type; the proof is then not found by that type.
    let other = api.credential(json!({"claim_type": "worker"})).await;
    let mut by_thread = custodial();
    by_thread["thid"] = other["thid"].clone();
    by_thread["claim_type"] = json!("caller");
    assert_eq!(present(&by_thread).await["claim"], json!({"claim_type": "worker"}));
    let expired = api.get("/api/v1/proof/presentation/match/caller").header("apikey", BOB).await;
    refusal(&expired, 404, "All proofs have expired for this proof type (caller)");
}

#[tokio::test]
async fn the_published_example_can_be_shown_though_its_keys_are_not_known() {
    let api = start();
    let mut body = custodial();
    body["claim_type"] = json!("test");
    let shown = data(&api.post(CUSTODIAL, body).await, StatusCode::CREATED);
    assert_eq!(shown["claim"], json!({"claim_type": "test", "object": "a simple test"}));
    let jwt = text(&shown["proof"]);
    assert!(text(&verify::payload(jwt)["iss"]).starts_with(EXAMPLE_HOLDER));
    let keys = verify::keys_of(&api, BOBS_DID, "authentication").await;
    assert!(verify::is_signed_by(jwt, &keys[0]), "Bob's own key stands in");
}

#[tokio::test]
async fn a_custodial_proof_that_fails_leaves_what_came_before() {
    let api = start();
    let carol = api.entity("carol").await;
    let refused = async |field: &str, value: Value| {
        let mut body = custodial();
        body[field] = value;
        api.post(CUSTODIAL, body).await
    };
    let count = async || api.read(ALICE, "/api/v1/proof/presentations").await.as_array().unwrap().len();
    agent_refusal(&refused("key_peer1", json!("nope")).await, 401, "Invalid API key");
    let missing = "An error occurred when decoding the request body: path=['POST /present-proof/presentations/'], details=[Invalid value for: body (missing required field at 'options.domain')]";
    agent_refusal(&refused("domain", json!(null)).await, 400, missing);
    assert_eq!(count().await, 0);
    agent_refusal(&refused("key_peer2", json!("nope")).await, 401, "Invalid API key");
    let message = format!("No presentation request received so far for DID {}", short(&carol["longDid"]));
    refusal(&refused("key_peer2", carol["key"].clone()).await, 404, &message);
    refusal(&refused("claim_type", json!("x")).await, 404, "No matching VC for this proof request (type: x)");
    assert_eq!(count().await, 3);
}

#[tokio::test]
async fn a_search_for_a_proof_says_why_there_is_none() {
    let api = start();
    let find = async || api.get("/api/v1/proof/presentation/match/identity").header("apikey", BOB).await;
    refusal(&find().await, 404, &format!("No presentation request received so far for DID {BOBS_DID}"));
    api.make(ALICE, REQUEST, request()).await;
    api.settle();
    refusal(&find().await, 404, "No matching presentation for this proof request (type: identity)");
}

#[tokio::test]
async fn a_revoked_credential_fails_verification() {
    let api = start();
    let vc = api.credential(json!({"claim_type": "identity"})).await;
    api.understudy.simulate("identus", "revoke", json!({"recordId": vc["recordId"]})).unwrap();
    let refused = api.post(CUSTODIAL, custodial()).await.json();
    assert!(text(&refused["message"]).contains("PATCH /present-proof/presentations/"), "{refused}");
    let asked = api.read(ALICE, "/api/v1/proof/presentations?status=PresentationVerificationFailed").await;
    assert_eq!(asked.as_array().unwrap().len(), 1);
    for (input, reason) in
        [(json!({"recordId": NOBODY}), "there is no record"), (json!({"recordId": OFFER}), "has no credential yet")]
    {
        let refused = api.understudy.simulate("identus", "revoke", input).unwrap_err().to_string();
        assert!(refused.contains(reason), "{refused}");
    }
}
