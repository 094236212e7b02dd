//! Large lists: the same answers from thousands of rows, whichever way the database takes.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{CREDENTIALS, SCORES, SLUG, USERS, builder, institution, ok};
use crate::harness::Api;

/// Enough for the list to walk its index instead of gathering and sorting.
const MANY: i64 = 2500;

/// A fixture with [`MANY`] users besides the built-in clients: every tenth pending, every hundredth rejected, the others approved.
fn folder() -> TempDir {
    super::fixture::folder(|text| {
        let mut fixture: Value = serde_json::from_str(&text).unwrap();
        let (mut users, mut credentials, mut requests) = (Vec::new(), Vec::new(), Vec::new());
        for id in 1..=MANY {
            let email = format!("user{id}@many.example.com");
            users.push(json!({"id": id, "firstName": format!("Vorname{id}"), "lastName": format!("Ärger{}", id % 7), "email": email,
                "partyId": format!("party::{id:032x}::1220{id:064x}"), "status": if id % 50 == 0 {"BLOCKED"} else {"ACTIVE"},
                "registeredDaysAgo": id % 300,
                "accounts": [{"provider": "GITHUB", "ageInDays": id % 4000, "providerId": id.to_string(), "username": format!("hub{id}"), "email": email}]}));
            credentials
                .push(json!({"contractId": format!("00{id:064x}"), "user": id, "provider": "GITHUB", "issuedDaysAgo": id % 400}));
            let state = if id % 100 == 0 {
                "REJECTED"
            } else if id % 10 == 0 {
                "PENDING"
            } else {
                "APPROVED"
            };
            requests.push(json!({"id": id, "institution": 1, "user": id, "kycProvider": "GITHUB", "reqStatus": state,
                "createdDaysAgo": (id * 7) % 365, "proposalId": format!("proposal{id}")}));
        }
        fixture["users"] = users.into();
        fixture["credentials"] = credentials.into();
        fixture["requests"] = requests.into();
        fixture.to_string()
    })
}

fn ids(page: &Value) -> Vec<i64> {
    page["items"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn thousands_of_rows_are_counted_sorted_and_searched_like_few() {
    let folder = folder();
    let api = Api::with(SLUG, builder().fixtures(folder.path()));
    let client = institution(&api).await;
    let list = async |query: &str| ok(&client, &format!("{USERS}?{query}")).await;

    let page = list("limit=3").await;
    assert_eq!(ids(&page), [2500, 2499, 2498]);
    assert_eq!(page["pagination"]["total"], MANY);
    for (query, total, first) in [
        ("reqStatus=PENDING", 225, 2490),
        ("reqStatus=REJECTED", 25, 2500),
        ("reqStatus=APPROVED", 2250, 2499),
        ("reqStatus=APPROVED,PENDING", 2475, 2499),
        ("status=BLOCKED", 50, 2500),
        ("status=ACTIVE&reqStatus=APPROVED,PENDING,REJECTED", 2450, 2499),
        ("kycStatus=EXPIRED", 210, 2399),
        ("search=party::", 2500, 2500),
        ("search=many.example.com", 2250, 2499),
        ("search=vorname12", 100, 1299),
        ("search=%C3%84RGER3", 321, 2495),
        ("search=%C3%84R", 2250, 2499),
        ("search=er", 2250, 2499),
        ("search=user2499@", 1, 2499),
        ("search=user2499@&reqStatus=PENDING", 0, 0),
    ] {
        let page = list(query).await;
        assert_eq!(page["pagination"]["total"], total, "{query}");
        assert_eq!(page["totalCount"], MANY, "{query}");
        assert_eq!(ids(&page).first().copied().unwrap_or_default(), first, "{query}");
    }

    // Every row appears exactly once while paging through the list, whatever the order.
    let quick = client.without_contract();
    for order in ["id&orderType=DESC", "fullName&orderType=ASC", "status&orderType=DESC", "kycStatus&orderType=ASC"] {
        let mut seen = Vec::new();
        for offset in (0..MANY).step_by(100) {
            seen.extend(ids(&ok(&quick, &format!("{USERS}?orderBy={order}&offset={offset}&limit=100")).await));
        }
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 2500, "{order}");
        assert_eq!(seen.len(), 2500, "{order}");
    }
}

#[tokio::test]
async fn thousands_of_credentials_and_scores_come_in_parts() {
    let folder = folder();
    let api = Api::with(SLUG, builder().fixtures(folder.path()));
    let client = institution(&api).await;
    for path in [CREDENTIALS, SCORES] {
        let page = ok(&client, &format!("{path}?offset=2245&limit=100")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), 5, "{path}");
        assert_eq!(page["pagination"], json!({"offset": 2245, "limit": 100, "total": 2250}), "{path}");
    }
    let found = ok(&client, &format!("{CREDENTIALS}/resolve?q=HUB2499")).await;
    assert_eq!(super::each(&found["credentials"], "userId"), [2499]);
    assert_eq!(ok(&client, &format!("{CREDENTIALS}/resolve?q=hub2490")).await, json!({"credentials": []}), "pending");
}
