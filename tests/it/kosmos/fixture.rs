//! Fixtures are read strictly: what is wrong is said with its place.

use serde_json::{Value, json};

use crate::harness::builder;

fn fixture() -> Value {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/1kosmos.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Why a server does not start with this fixture.
fn refusal(fixture: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("1kosmos.json"), serde_json::to_string_pretty(fixture).unwrap()).unwrap();
    builder().only(["1kosmos"]).fixtures(folder.path()).start().expect_err("the fixture is wrong").to_string()
}

#[test]
fn mistakes_are_named_with_their_place() {
    let cases: &[(&str, Value, &str)] = &[
        ("/more", json!(1), "at more: unknown field `more`"),
        ("/sessions/0/status", json!("DONE"), "at sessions[0].status: unknown variant `DONE`"),
        ("/sessions/0/colour", json!("red"), "at sessions[0].colour: unknown field `colour`"),
        ("/sessions/0/user", json!({"uid": 1}), "at sessions[0].user.uid: invalid type: integer `1`, expected a string"),
        ("/licenses/0/authLevel", json!("root"), "at licenses[0].authLevel: unknown variant `root`"),
        ("/licenses/5/expiry", json!("2020"), "at licenses[5].expiry: "),
        ("/keys/secp256k1/client/publicKey", json!("AAAA"), "at keys.secp256k1.client: the keys are no pair on this curve"),
        ("/keys/prime256v1/service/privateKey", json!("AA=="), "at keys.prime256v1.service: the keys are no pair on this curve"),
        ("/uploadSecret", json!(""), "at uploadSecret: must not be empty"),
        ("/tenants/0/id", json!("x"), "at tenants[0].id: must be 24 lower-case hexadecimal digits"),
        ("/tenants/1/id", json!("64a000000000000000000001"), "at tenants[1].id: \"64a000000000000000000001\" is there already"),
        ("/tenants/1/dns/0", json!("LOCALHOST"), "at tenants[1].dns: \"localhost\" is there already"),
        ("/tenants/1/dns/0", json!(""), "at tenants[1].dns: must not be empty"),
        (
            "/tenants/1/communities/0/id",
            json!("64a000000000000000000002"),
            "at tenants[1].communities[0].id: \"64a000000000000000000002\" is there already",
        ),
        ("/tenants/1/communities/0/name", json!(""), "at tenants[1].communities[0].name: must not be empty"),
        (
            "/licenses/1/keySecret",
            json!("11111111-1111-4111-8111-111111111111"),
            "at licenses[1].keySecret: \"11111111-1111-4111-8111-111111111111\" is there already",
        ),
        ("/licenses/1/keyId", json!("X"), "at licenses[1].keyId: must be a UUID in lower case"),
        ("/serviceKeys/0/keySecret", json!("11111111-1111-4111-8111-111111111111"), "at serviceKeys[0].keySecret: "),
        ("/configurations/0/dvcID", json!(""), "at configurations[0].dvcID: must not be empty"),
        ("/configurations/1/dvcID", json!("default_config"), "at configurations[1].dvcID: \"default_config\" is there already"),
        ("/configurations/0/config/maxRetries", json!("2"), "at configurations[0].config: maxRetries must be a number"),
        ("/configurations/0/connector/type", json!(""), "at configurations[0].connector.type: must not be empty"),
        ("/templates/0/_id", json!("x"), "at templates[0]._id: must be 24 lower-case hexadecimal digits"),
        (
            "/templates/0/communityId",
            json!("64a000000000000000000012"),
            "at templates[0].communityId: tenant \"64a000000000000000000001\" has no community \"64a000000000000000000012\"",
        ),
        ("/templates/0/dvcID", json!("nothing"), "at templates[0].dvcID: there is no configuration \"nothing\""),
        (
            "/templates/1/documentType",
            json!("dl_object"),
            "at templates[1]: there is a template for this configuration and document type already",
        ),
        ("/templates/0/workflow", json!([]), "at templates[0].workflow: must not be empty"),
        ("/templates/0/workflow/0/type", json!("X"), "at templates[0].workflow[0].type: must be one of HTML"),
        ("/templates/0/workflow/0/html", json!("<p>"), "at templates[0].workflow[0].html: must be base64"),
        ("/templates/0/workflow/0/actions/0/x", json!(1), "at templates[0].workflow[0].actions[0].x: unknown field `x`"),
        ("/buckets/0/type", json!("s3"), "at buckets[0].type: must be one of aws, gcp, azure"),
        ("/buckets/0/tenantId", json!("x"), "at buckets[0].communityId: "),
        ("/buckets/0/credentials/aws_credential/region", json!(1), "at buckets[0].credentials"),
        ("/sessions/1/_id", json!("65a000000000000000000101"), "at sessions[1]._id: \"65a000000000000000000101\" is there already"),
        ("/sessions/1/id", json!("10000000-0000-4000-8000-000000000001"), "at sessions[1].id: "),
        ("/sessions/0/id", json!("one"), "at sessions[0].id: must be a UUID in lower case"),
        ("/sessions/0/tenantDNS", json!(""), "at sessions[0].tenantDNS: must not be empty"),
        ("/sessions/0/communityId", json!("x"), "at sessions[0].communityId: "),
        ("/sessions/0/dvcID", json!("x"), "at sessions[0].dvcID: there is no configuration \"x\""),
        (
            "/sessions/0/createdAgo",
            json!("yesterday"),
            "at sessions[0].createdAgo: must be an ISO 8601 duration such as PT5M or P1D",
        ),
        ("/sessions/0/createdAgo", json!("P8D"), "at sessions[0]: a session that is PENDING cannot be so old"),
        ("/sessions/1/startedAgo", json!("PT2H"), "at sessions[1]: createdAgo, startedAgo and completedAgo are not in this order"),
        ("/sessions/0/startedAgo", json!("PT0S"), "at sessions[0].startedAgo: must not be given for a session that is PENDING"),
        ("/sessions/2/completedAgo", Value::Null, "at sessions[2].completedAgo: must be given for a session that is COMPLETED"),
        ("/sessions/2/resultStatus", Value::Null, "at sessions[2].resultStatus: must be given for a session that is COMPLETED"),
        ("/sessions/2/documentUuid", json!("x"), "at sessions[2].documentUuid: must be a UUID in lower case"),
        (
            "/sessions/2/reasonCode",
            json!("IDV0009"),
            "at sessions[2].reasonCode: must not be given for a session that is COMPLETED",
        ),
        ("/sessions/3/reasonCode", json!("IDV0013"), "at sessions[3].reasonCode: no such reason was published"),
        ("/sessions/2/awaitingRetry", json!(true), "at sessions[2].awaitingRetry: must be false unless the session is INPROGRESS"),
        ("/sessions/6/createdAgo", json!("P1D"), "at sessions[6]: a session that is EXPIRED cannot be so young"),
        ("/sessions/7/startedAgo", json!("PT5M"), "at sessions[7]: a session that is ABANDONED cannot be so young"),
    ];
    for (pointer, value, message) in cases {
        let mut wrong = fixture();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match wrong.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value.clone(),
            object => object[name] = value.clone(),
        }
        let refusal = refusal(&wrong);
        assert!(refusal.contains(message), "{pointer} {value}: {message:?} should be in {refusal:?}");
        assert!(refusal.contains("1kosmos.json"), "{refusal}");
    }
}

#[test]
fn a_missing_part_is_named_with_its_line() {
    let mut wrong = fixture();
    wrong["sessions"][0].as_object_mut().unwrap().remove("user");
    let refusal = refusal(&wrong);
    assert!(refusal.contains("at sessions[0]: missing field `user`") && refusal.contains("line "), "{refusal}");
}

#[test]
fn a_fixture_that_is_in_progress_for_too_long_is_refused() {
    let mut wrong = fixture();
    wrong["sessions"][1]["createdAgo"] = json!("PT2H");
    wrong["sessions"][1]["startedAgo"] = json!("PT1H");
    assert!(refusal(&wrong).contains("at sessions[1]: a session that is INPROGRESS cannot be so old"));
}
