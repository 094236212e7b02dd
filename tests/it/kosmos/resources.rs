//! Templates, buckets, service keys.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    COMMUNITY, DEFAULT, OTHER_COMMUNITY, OTHER_TENANT, SERVICE, SERVICE_EXT, START_MS, SYSTEM, Signed as _, TENANT,
    fixture_session, open, refused, seal, sealed, start,
};

fn templates(rest: &str) -> String {
    format!("/idproofingapi/proofingtemplates/tenant/{TENANT}/community/{DEFAULT}{rest}")
}

fn bucket(tenant: &str, community: &str) -> String {
    format!("/idproofingapi/bucket/tenant/{tenant}/community/{community}")
}

fn template(dvc_id: &str) -> Value {
    json!({"documentType": "dl_object", "dvcID": dvc_id, "workflow": [{"name": "A", "type": "HTML", "html": "PHA+"}]})
}

#[tokio::test]
async fn a_session_has_the_templates_of_its_configuration_and_document_type() {
    let api = start();
    for (number, ids) in [("01", &["65b000000000000000000001"][..]), ("04", &["65b000000000000000000002"]), ("0b", &[])] {
        let list = api.get(&format!("/idproofingapi/proofingtemplates/{}", fixture_session(number))).await.json();
        let found: Vec<&Value> = list["list"].as_array().unwrap().iter().map(|template| &template["_id"]).collect();
        assert_eq!(found, ids, "{number}");
    }
    let list = api.get(&format!("/idproofingapi/proofingtemplates/{}", fixture_session("01"))).await.json();
    let kinds: Vec<&Value> = list["list"][0]["workflow"].as_array().unwrap().iter().map(|step| &step["type"]).collect();
    assert_eq!(kinds, ["HTML", "CAPTURE_FRONT", "CAPTURE_BACK", "CAPTURE_SELFIE", "PROCESSING"]);
    assert_eq!(
        list["list"][0]["workflow"][0].to_string(),
        r#"{"name":"WELCOME","html":"PGgxPldlbGNvbWU8L2gxPg==","type":"HTML","actions":[{"name":"start","on":"click","call":"start","jumpTo":"FRONT","script":null}],"params":[{"name":"firstname","field":"user.firstname"}]}"#
    );
    refused(&api.get("/idproofingapi/proofingtemplates/x").await, 400, "Session not found", "unknown");
}

#[tokio::test]
async fn a_template_is_made_changed_and_deleted() {
    let api = start();
    let workflow = json!({
        "name": "W", "type": "HTML", "html": "PGgx PjwvaDE-_=",
        "actions": {"name": "go", "on": null, "script": "x"}, "params": {"name": "n"}
    });
    let body = json!({"documentType": "dl_object", "dvcID": "document_only", "workflow": workflow});
    let made = api.put(&templates(""), &body).signed().await.json();
    let id = made["_id"].as_str().unwrap().to_owned();
    let expected = json!({
        "_id": id, "tenantId": TENANT, "communityId": DEFAULT, "documentType": "dl_object",
        "workflow": [{
            "name": "W", "html": "PGgx PjwvaDE-_=", "type": "HTML",
            "actions": [{"name": "go", "on": null, "call": null, "jumpTo": null, "script": "x"}],
            "params": [{"name": "n", "field": null}]
        }]
    });
    assert_eq!(made.to_string(), expected.to_string());
    refused(&api.put(&templates(""), &body).signed().await, 400, "Proofing template already exists", "again");
    let passport = json!({"documentType": "ppt_object", "dvcID": "document_only", "workflow": [workflow]});
    let second = api.put(&templates(""), sealed(&passport)).signed().await.json();
    assert_eq!(open(&second["data"])["documentType"], "ppt_object");

    let changed = json!({"workflow": [{"name": "B", "type": "PROCESSING", "html": "PHA+"}]});
    for _ in 0..2 {
        let answer = api.patch(&templates(&format!("/id/{id}")), &changed).signed().await.json();
        assert_eq!(answer["workflow"], json!([{"name": "B", "html": "PHA+", "type": "PROCESSING", "actions": [], "params": []}]));
    }
    let raw = json!({"data": {"workflow": [{"name": "C", "type": "HTML", "html": "<h1>raw</h1>"}]}});
    let by_dvc = api.patch(&templates("/dvcId/document_only"), &raw).licensed(SERVICE_EXT).await.json();
    assert_eq!((&by_dvc["_id"], &by_dvc["workflow"][0]["html"]), (&json!(id), &json!("<h1>raw</h1>")), "the oldest");
    let chosen = json!({"documentType": "ppt_object", "workflow": raw["data"]["workflow"]});
    let by_type = api.patch(&templates("/dvcId/document_only"), sealed(&chosen)).licensed(SERVICE).await.json();
    assert_eq!(open(&by_type["data"])["documentType"], "ppt_object");

    let gone = api.delete(&templates(&format!("/id/{id}"))).signed().await;
    assert_eq!((gone.status.as_u16(), gone.text()), (204, ""));
    let missing = "Proofing template not found";
    refused(&api.delete(&templates(&format!("/id/{id}"))).signed().await, 404, missing, "second delete");
    refused(&api.patch(&templates(&format!("/id/{id}")), &changed).signed().await, 404, missing, "change");
    refused(&api.patch(&templates("/dvcId/nothing"), &raw).licensed(SERVICE).await, 404, missing, "unknown dvcID");
    refused(&api.delete(&templates("/id/xyz")).signed().await, 400, "id must be 24 hexadecimal characters", "no id");
}

#[tokio::test]
async fn templates_are_checked_field_by_field() {
    let api = start();
    let types = "type must be one of [HTML, CAPTURE_FRONT, CAPTURE_BACK, CAPTURE_SELFIE, PROCESSING]";
    let with_step = |step: Value| json!({"documentType": "dl_object", "dvcID": "d", "workflow": [step]});
    for (body, message) in [
        (json!({}), "documentType is required, dvcID is required, workflow is required"),
        (
            json!({"documentType": "x", "dvcID": "", "workflow": []}),
            "documentType must be one of [dl_object, ppt_object, idcard_object], dvcID is not allowed to be empty, workflow must contain at least 1 items",
        ),
        (json!({"documentType": "dl_object", "dvcID": "d", "workflow": 1}), "workflow must be an array"),
        (json!({"documentType": "dl_object", "dvcID": "d", "workflow": [1]}), "workflow must be of type object"),
        (with_step(json!({})), "name is required, type is required, html is required"),
        (with_step(json!({"name": "a", "type": "X", "html": "PHA+"})), types),
        (with_step(json!({"name": "a", "type": "HTML", "html": "<p>"})), "html must be a valid base64 string"),
        (with_step(json!({"name": "a", "type": "HTML", "html": "PHA+", "actions": 1})), "actions must be an array"),
        (with_step(json!({"name": "a", "type": "HTML", "html": "PHA+", "actions": [{"call": 1}]})), "call must be a string"),
        (with_step(json!({"name": "a", "type": "HTML", "html": "PHA+", "params": ["x"]})), "params must be of type object"),
    ] {
        refused(&api.put(&templates(""), &body).signed().await, 400, message, &body.to_string());
    }
    let path = templates("/id/65b000000000000000000001");
    refused(&api.patch(&path, json!({})).signed().await, 400, "workflow is required", "by id");
    let html = json!({"workflow": [{"name": "a", "type": "HTML", "html": "<p>"}]});
    refused(&api.patch(&path, html).signed().await, 400, "html must be a valid base64 string", "by id");
    let path = templates("/dvcId/default_config");
    refused(&api.patch(&path, json!({})).licensed(SERVICE).await, 400, "data is required", "by dvcID");
    refused(&api.patch(&path, json!({"data": {}})).licensed(SERVICE).await, 400, "workflow is required", "by dvcID");
    refused(
        &api.patch(&path, json!({"data": {"documentType": 1, "workflow": []}})).licensed(SERVICE).await,
        400,
        "documentType must be a string, workflow must contain at least 1 items",
        "by dvcID",
    );
}

#[tokio::test]
async fn unknown_tenants_and_communities_are_forbidden() {
    let api = start();
    for (tenant, community) in [(TENANT, OTHER_COMMUNITY), ("x", DEFAULT), (OTHER_TENANT, DEFAULT)] {
        let path = format!("/idproofingapi/proofingtemplates/tenant/{tenant}/community/{community}");
        let steps = &template("d")["workflow"];
        refused(&api.put(&path, template("d")).signed().await, 403, "Forbidden", "create");
        let by_dvc = json!({"data": {"workflow": steps}});
        refused(&api.patch(&format!("{path}/dvcId/d"), by_dvc).licensed(SERVICE).await, 403, "Forbidden", "by dvcID");
        let id = format!("{path}/id/65b000000000000000000001");
        refused(&api.patch(&id, json!({"workflow": steps})).signed().await, 403, "Forbidden", "by id");
        refused(&api.delete(&id).signed().await, 403, "Forbidden", "delete");
        let body = json!({"type": "aws", "bucketName": "b", "isEnabled": true, "createdBy": "me"});
        refused(&api.put(&bucket(tenant, community), body).licensed(SERVICE).await, 403, "Forbidden", "put bucket");
        refused(&api.get(&bucket(tenant, community)).licensed(SERVICE).await, 400, "Bucket not found", "get bucket");
    }
}

#[tokio::test]
async fn a_license_that_is_not_needed_must_still_be_valid() {
    let api = start();
    let wrong = api.put(&templates(""), template("a")).signed().header("licensekey", &seal("x")).await;
    refused(&wrong, 401, "Invalid or Unauthorized License", "wrong");
    assert_eq!(api.put(&templates(""), template("a")).licensed(COMMUNITY).await.status, 200, "of any level");
}

#[tokio::test]
async fn a_bucket_is_shown_and_replaced() {
    let api = start();
    let shown = api.get(&bucket(TENANT, DEFAULT)).licensed(SERVICE).await.text().to_owned();
    let expected = json!({"data": {
        "_id": "65c000000000000000000001", "tenantId": TENANT, "communityId": DEFAULT, "type": "aws", "bucketName": "sandbox-bucket",
        "isEnabled": true, "createdBy": "admin", "createdTS": START_MS, "updatedTS": START_MS,
        "aws_credential": {"accessKey": "SANDBOXACCESSKEY", "secretKey": "sandbox-secret", "region": "us-east-1"}
    }});
    assert_eq!(shown, expected.to_string());
    api.understudy.advance(TimeDelta::seconds(3)).unwrap();
    let body = json!({
        "type": "gcp", "bucketName": "other", "isEnabled": false, "createdBy": "me",
        "gcp_credential": {"projectid": "p", "clientEmail": "e", "privateKey": "k"}
    });
    for form in [body.clone(), json!({"data": body})] {
        let put = api.put(&bucket(TENANT, DEFAULT), form).licensed(SERVICE).await.json();
        assert_eq!((&put["data"]["_id"], &put["data"]["createdTS"]), (&json!("65c000000000000000000001"), &json!(START_MS)));
        assert_eq!(put["data"]["updatedTS"], START_MS + 3000);
        assert_eq!(put["data"]["gcp_credential"], body["gcp_credential"]);
        assert!(put["data"].get("aws_credential").is_none());
    }
    let encrypted = api.put(&bucket(TENANT, DEFAULT), sealed(&body)).licensed(SERVICE).await.json();
    assert_eq!(open(&encrypted["data"])["bucketName"], "other");
    refused(&api.get(&bucket(OTHER_TENANT, OTHER_COMMUNITY)).licensed(SERVICE).await, 400, "Bucket not found", "none");
    let made = api.put(&bucket(OTHER_TENANT, OTHER_COMMUNITY), &body).licensed(SERVICE).await.json();
    assert_eq!(made["data"]["createdTS"], START_MS + 3000);
}

#[tokio::test]
async fn buckets_are_checked_field_by_field() {
    let api = start();
    let good = json!({"type": "aws", "bucketName": "b", "isEnabled": true, "createdBy": "me"});
    for (name, value, message) in [
        ("type", json!("s3"), "type must be one of [aws, gcp, azure]"),
        ("bucketName", json!(""), "bucketName is not allowed to be empty"),
        ("isEnabled", json!("true"), "isEnabled must be a boolean"),
        ("createdBy", json!(true), "createdBy must be a string"),
        ("aws_credential", json!(1), "aws_credential must be of type object"),
        ("aws_credential", json!({}), "accessKey is required, secretKey is required, region is required"),
        ("gcp_credential", json!({"projectid": "p"}), "clientEmail is required, privateKey is required"),
        ("azure_credential", json!({"accountName": "a", "accountKey": 1}), "accountKey must be a string"),
    ] {
        let mut body = good.clone();
        body[name] = value;
        refused(&api.put(&bucket(TENANT, DEFAULT), &body).licensed(SERVICE).await, 400, message, &body.to_string());
    }
    let all = "type is required, bucketName is required, isEnabled is required, createdBy is required";
    refused(&api.put(&bucket(TENANT, DEFAULT), json!({})).licensed(SERVICE).await, 400, all, "nothing");
}

#[tokio::test]
async fn a_service_key_is_replaced() {
    let api = start();
    let keys = api.get("/idproofingapi/servicekeys").licensed(SYSTEM).await.json();
    assert_eq!(
        keys.to_string(),
        json!([
            {"tag": "sandbox_service", "keyId": "a0000000-0000-4000-8000-000000000001", "keySecret": "a1000000-0000-4000-8000-000000000001", "type": "hawk"},
            {"tag": "sandbox_service_2", "keyId": "a0000000-0000-4000-8000-000000000002", "keySecret": "a1000000-0000-4000-8000-000000000002", "type": "hawk"}
        ])
        .to_string()
    );
    let old = keys[0]["keySecret"].as_str().unwrap();
    assert_eq!(api.get(&bucket(TENANT, DEFAULT)).licensed(old).await.status, 200, "its secret is a license of level service");
    refused(&api.get("/idproofingapi/servicekeys").licensed(old).await, 401, "Invalid or Unauthorized License", "not system");
    let path = "/idproofingapi/servicekey/a0000000-0000-4000-8000-000000000001";
    let reset = api.delete(path).licensed(SYSTEM).await.json();
    assert_eq!(reset.as_array().map(Vec::len), Some(1));
    assert_eq!((&reset[0]["tag"], &reset[0]["type"]), (&json!("sandbox_service"), &json!("hawk")));
    refused(&api.delete(path).licensed(SYSTEM).await, 400, "Service key not found", "it has another id now");
    let after = api.get("/idproofingapi/servicekeys").licensed(SYSTEM).await.json();
    assert_eq!((&after[0], &after[1]), (&reset[0], &keys[1]));
    let license = "Invalid or Unauthorized License";
    refused(&api.get(&bucket(TENANT, DEFAULT)).licensed(old).await, 401, license, "the old secret");
    let new = reset[0]["keySecret"].as_str().unwrap();
    assert_eq!(api.get(&bucket(TENANT, DEFAULT)).licensed(new).await.status, 200, "the new secret");
}
