//! Lists of sessions: filters, order, pages, size.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    DEFAULT, OTHER_COMMUNITY, OTHER_TENANT, SERVICE, START_MS, Signed as _, TENANT, create, creation, fixture_session, open,
    refused, session_path, start, started, submit,
};
use crate::client::Client;
use crate::harness::{Api, builder};

async fn fetch(client: &Client, query: Value, index: i64, size: i64) -> Value {
    let body = json!({"data": {"query": query, "pIndex": index, "pSize": size, "tenantId": TENANT, "communityId": DEFAULT}});
    let answer = client.post(&session_path("fetch", ""), body).licensed(SERVICE).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["data"].clone()
}

/// The last two digits of the fixture's sessions in a list.
fn numbers(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|item| &item["id"].as_str().unwrap()[34..]).collect()
}

#[tokio::test]
async fn filters_narrow_a_list() {
    let api = start();
    let all = ["01", "02", "0b", "0a", "03", "04", "05", "06", "09", "08", "07"];
    for (query, expected) in [
        (json!({}), &all[..]),
        (json!({"id": fixture_session("04")}), &["04"]),
        (json!({"id": "x"}), &[]),
        (json!({"status": "PENDING"}), &["01"]),
        (json!({"status": "INPROGRESS"}), &["02", "0b", "0a"]),
        (json!({"status": "EXPIRED"}), &["07"]),
        (json!({"status": "ABANDONED"}), &["08"]),
        (json!({"status": "COMPLETED"}), &["03", "04", "05", "06"]),
        (json!({"status": "DECLINED"}), &["09"]),
        (json!({"status": "COMPLETED_PASS"}), &["03"]),
        (json!({"status": "COMPLETED_FAILED"}), &["04"]),
        (json!({"status": "COMPLETED_NOT_PERFORMED"}), &["05"]),
        (json!({"overallRecommendation": "COMPLETED_PASS"}), &["03"]),
        (json!({"overallRecommendation": "COMPLETED_FAILED"}), &["04"]),
        (json!({"overallRecommendation": "COMPLETED_NOT_PERFORMED"}), &["05"]),
        (json!({"overallRecommendation": "REVIEW"}), &["06"]),
        (json!({"status": "COMPLETED", "overallRecommendation": "REVIEW"}), &["06"]),
        (json!({"status": "COMPLETED_PASS", "overallRecommendation": "REVIEW"}), &[]),
        (json!({"documentType": "ppt_object"}), &["04"]),
        (json!({"documentType": "idcard_object"}), &["06"]),
        (json!({"name": "jOH"}), &["01", "0b", "03", "05", "09", "07"]),
        (json!({"name": "roe"}), &["02", "0a", "04", "06", "08"]),
        (json!({"name": "n d"}), &[]),
        (json!({"uid": "456"}), &["02", "0a", "04", "06", "08"]),
        (json!({"uid": "USER"}), &[]),
        (json!({"dvcID": "high_res"}), &["0b"]),
        (json!({"dvcID": "high"}), &[]),
        (json!({"startDate": "2025-12-31 23:50:00.000"}), &["01", "02", "0b", "0a"]),
        (json!({"startDate": "2025-12-31 23:50:00.001"}), &["01", "02", "0b"]),
        (json!({"endDate": "2025-12-31 18:00:00.000"}), &["08", "07"]),
        (json!({"endDate": "2025-12-31 17:59:59.999"}), &["07"]),
        (
            json!({"startDate": "2025-12-31 20:00:00.000", "endDate": "2025-12-31 22:00:00.000", "documentType": "dl_object"}),
            &["05"],
        ),
        (Value::Null, &all[..]),
    ] {
        let list = fetch(&api, query.clone(), 0, 100).await;
        assert_eq!(numbers(&list), expected, "{query}");
        assert_eq!(list["page"], json!({"index": 0, "total": expected.len(), "size": expected.len()}), "{query}");
    }
}

#[tokio::test]
async fn pages_are_cut_from_the_whole() {
    let api = start();
    for (index, size, expected, shown) in [
        (0, 4, &["01", "02", "0b", "0a"][..], 4),
        (2, 4, &["09", "08", "07"], 3),
        (3, 4, &[], 0),
        (0, 1, &["01"], 1),
        (i64::MAX, 25, &[], 0),
    ] {
        let list = fetch(&api, json!({}), index, size).await;
        assert_eq!(numbers(&list), expected, "{index}");
        assert_eq!(list["page"], json!({"index": index, "total": 11, "size": shown}), "{index}");
    }
    let body = json!({"data": {"pIndex": 0, "pSize": 5, "tenantId": OTHER_TENANT, "communityId": OTHER_COMMUNITY}});
    let nothing = api.post(&session_path("fetch", ""), body).licensed(SERVICE).await.json();
    assert_eq!(nothing, json!({"data": {"data": [], "page": {"index": 0, "total": 0, "size": 0}}}));
    let mixed = json!({"data": {"pIndex": 0, "pSize": 5, "tenantId": TENANT, "communityId": OTHER_COMMUNITY}});
    assert_eq!(api.post(&session_path("fetch", ""), mixed).licensed(SERVICE).await.json(), nothing);
}

#[tokio::test]
async fn a_list_shows_a_session_and_its_certificates() {
    let api = start();
    let id =
        started(&api, creation("sbx-fail-IDV0008", json!({"checks": ["document_liveness_front"], "returnRawData": true}))).await;
    api.understudy.advance(TimeDelta::seconds(5)).unwrap();
    submit(&api, &id).await;
    let list = fetch(&api, json!({"id": id}), 0, 1).await;
    let item = &list["data"][0];
    let keys: Vec<&String> = item.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "_id",
            "id",
            "dvcID",
            "tenantDNS",
            "tenantId",
            "communityName",
            "communityId",
            "documentType",
            "status",
            "expiryTS",
            "createdTS",
            "user",
            "startedTS",
            "completedTS",
            "resultStatus",
            "session-result"
        ]
    );
    assert_eq!(item["user"].to_string(), r#"{"uid":"sbx-fail-IDV0008","firstname":"John","lastname":"Doe","username":"johndoe"}"#);
    assert_eq!((&item["createdTS"], &item["completedTS"]), (&json!(START_MS), &json!(START_MS + 5000)));
    assert_eq!(item["resultStatus"], "FAILED");
    let certificates = item["session-result"].as_array().unwrap();
    let kinds: Vec<&Value> = certificates.iter().map(|certificate| &certificate["type"]).collect();
    assert_eq!(kinds, ["dl_authenticate", "document_liveness_front", "session_summary"]);
    for certificate in certificates {
        assert_eq!(
            certificate["result"],
            json!({"status": "FAILED", "reasonCode": "IDV0008", "message": "Document liveness check failed"})
        );
        assert_eq!((&certificate["verified"], &certificate["ts"]), (&json!(false), &json!(START_MS + 5000)));
        let mut inside = certificate.clone();
        inside.as_object_mut().unwrap().remove("token");
        inside.as_object_mut().unwrap().remove("raw_data");
        assert_eq!(open(&certificate["token"]), inside, "the token is the certificate");
    }
    assert_eq!(certificates[0]["authority"], "microblink");
    assert_eq!(certificates[2]["authority"], "1kosmos");
    assert_eq!(certificates[0]["raw_data"]["response"]["status"], "FAILED");
    assert_eq!(certificates[1]["metadata"], json!({}));

    let pending = create(&api, creation("u", json!({}))).await;
    let list = fetch(&api, json!({"id": pending}), 0, 1).await;
    for absent in ["startedTS", "completedTS", "resultStatus"] {
        assert!(list["data"][0].get(absent).is_none(), "{absent}");
    }
    assert_eq!(list["data"][0]["session-result"], json!([]));
}

#[tokio::test]
async fn fetching_checks_every_field() {
    let api = start();
    let path = session_path("fetch", "");
    let good = json!({"query": {}, "pIndex": 0, "pSize": 1, "tenantId": TENANT, "communityId": DEFAULT});
    for (name, value, message) in [
        ("tenantId", json!(""), "tenantId is not allowed to be empty"),
        ("communityId", json!(1), "communityId must be a string"),
        ("pIndex", json!(-1), "pIndex must be greater than or equal to 0"),
        ("pIndex", json!("0"), "pIndex must be a number"),
        ("pIndex", json!(0.5), "pIndex must be an integer"),
        ("pSize", json!(0), "pSize must be greater than or equal to 1"),
        ("pSize", Value::Null, "pSize must be a number"),
        ("query", json!([]), "query must be of type object"),
        ("query", json!({"id": 1}), "id must be a string"),
        (
            "query",
            json!({"status": "REVIEW"}),
            "status must be one of [PENDING, INPROGRESS, EXPIRED, ABANDONED, COMPLETED, DECLINED, COMPLETED_PASS, COMPLETED_FAILED, COMPLETED_NOT_PERFORMED]",
        ),
        (
            "query",
            json!({"overallRecommendation": "PASS"}),
            "overallRecommendation must be one of [COMPLETED_PASS, COMPLETED_FAILED, COMPLETED_NOT_PERFORMED, REVIEW]",
        ),
        ("query", json!({"documentType": "dl"}), "documentType must be one of [dl_object, ppt_object, idcard_object]"),
        ("query", json!({"startDate": "2026-01-01"}), "startDate must be in YYYY-MM-DD HH:mm:ss.SSS format"),
        ("query", json!({"startDate": "2026-1-1 0:0:0.0"}), "startDate must be in YYYY-MM-DD HH:mm:ss.SSS format"),
        ("query", json!({"endDate": "2026-02-30 00:00:00.000"}), "endDate must be in YYYY-MM-DD HH:mm:ss.SSS format"),
        ("query", json!({"endDate": "2026-01-01T00:00:00.000"}), "endDate must be in YYYY-MM-DD HH:mm:ss.SSS format"),
    ] {
        let mut body = good.clone();
        body[name] = value;
        refused(&api.post(&path, json!({"data": body})).licensed(SERVICE).await, 400, message, &body.to_string());
    }
    refused(&api.post(&path, json!({})).licensed(SERVICE).await, 400, "data is required", "nothing");
    refused(&api.post(&path, &good).licensed(SERVICE).await, 400, "data is required", "bare");
    refused(&api.post(&path, json!({"data": 1})).licensed(SERVICE).await, 400, "data must be of type object", "no object");
    let whole = json!({"data": {"pIndex": 0.0, "pSize": 1e0, "tenantId": TENANT, "communityId": DEFAULT}});
    assert_eq!(api.post(&path, whole).licensed(SERVICE).await.status, 200, "a whole number, however it is written");
}

#[tokio::test]
async fn a_long_list_is_complete() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/1kosmos.json")).unwrap();
    let mut fixture: Value = serde_json::from_str(&text).unwrap();
    let pattern = fixture["sessions"][6].clone();
    let sessions = fixture["sessions"].as_array_mut().unwrap();
    for number in 0..2_000_u32 {
        let mut session = pattern.clone();
        session["_id"] = json!(format!("{number:024x}"));
        session["id"] = json!(format!("20000000-0000-4000-8000-{number:012x}"));
        session["user"]["uid"] = json!(format!("person-{number}"));
        sessions.push(session);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("1kosmos.json"), fixture.to_string()).unwrap();
    let api = Api::with("1kosmos", builder().only(["1kosmos"]).fixtures(folder.path()));
    for (query, total) in [
        (json!({}), 2_011),
        (json!({"uid": "person-199"}), 11),
        (json!({"status": "EXPIRED"}), 2_001),
        (json!({"name": "doe", "documentType": "dl_object"}), 2_006),
        (json!({"overallRecommendation": "REVIEW"}), 1),
    ] {
        let list = fetch(&api, query.clone(), 0, 25).await;
        assert_eq!(list["page"]["total"], total, "{query}");
    }
    assert_eq!(fetch(&api, json!({}), 80, 25).await["page"], json!({"index": 80, "total": 2_011, "size": 11}));
}
