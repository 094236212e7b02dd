//! The list of users: requests for data, with what the institution may see.

use http::StatusCode;
use serde_json::{Value, json};

use super::{CLIENT, GAVIN, JARED, JOHN, USERS, bearer_of, each, encoded, error, institution, ok, simulate, start};

fn ids(page: &Value) -> Vec<i64> {
    each(&page["items"], "id").into_iter().map(|id| id.as_i64().expect("a number")).collect()
}

#[tokio::test]
async fn the_first_two_rows_are_as_documented() {
    let api = start();
    let client = institution(&api).await;
    let answer = client.get(&format!("{USERS}?limit=2")).await;
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    let expected = json!({
        "items": [
            {"id": 514, "fullName": "John Doe", "email": "user@example.com", "status": "ACTIVE", "kycStatus": "APPROVED", "partyId": JOHN,
             "proposalId": "00ff0d82fcb85b348afcd6a23666605fa0c5d04c540f322eda183b823aa1fff431ca111220561a83f98ebfcf430ddd454dcc202e7293d409efb67cdc9dbfa2a9b639e17bd0",
             "reqStatus": "APPROVED", "kycProvider": "GOOGLE", "regDate": "2025-11-18T12:00:00.000Z"},
            {"id": 513, "status": "INACTIVE", "kycStatus": "IN_REVIEW", "partyId": GAVIN,
             "proposalId": "00fb1d663e0f34da6e9f4f63176579606acb5eb9672ac4096adc68df06382f87f2ca11122004e4401d77ba149f668fc482a0a415d6e0eff65986e5bd096f5aa8ccc8dd87eb",
             "reqStatus": "PENDING", "kycProvider": "SUMSUB", "regDate": "2025-07-31T12:00:00.000Z"}
        ],
        "pagination": {"offset": 0, "limit": 2, "total": 14},
        "totalCount": 14
    });
    assert_eq!(answer.text(), expected.to_string(), "members in their order");
}

#[tokio::test]
async fn the_list_is_cut_into_parts() {
    let api = start();
    let client = institution(&api).await;
    for (query, offset, limit, expected) in [
        ("", 0, 10, (505..=514).rev().collect::<Vec<i64>>()),
        ("?offset=10", 10, 10, vec![504, 503, 502, 501]),
        ("?offset=13&limit=1", 13, 1, vec![501]),
        ("?offset=14", 14, 10, vec![]),
        ("?offset=9223372036854775807", i64::MAX, 10, vec![]),
        ("?limit=100", 0, 100, (501..=514).rev().collect()),
        ("?limit=101", 0, 100, (501..=514).rev().collect()),
        ("?limit=99999999999999999999999", 0, 100, (501..=514).rev().collect()),
        ("?offset=&limit=", 0, 10, (505..=514).rev().collect()),
        ("?limit=002&offset=01", 1, 2, vec![513, 512]),
        ("?limit=1&limit=5", 0, 1, vec![514]),
    ] {
        let page = ok(&client, &format!("{USERS}{query}")).await;
        assert_eq!(ids(&page), expected, "{query}");
        assert_eq!(page["pagination"], json!({"offset": offset, "limit": limit, "total": 14}), "{query}");
        assert_eq!(page["totalCount"], 14, "{query}");
    }
}

#[tokio::test]
async fn parameters_that_are_not_right_are_refused() {
    let api = start();
    let client = institution(&api).await;
    let offset = "offset must be an integer of at least 0";
    let limit = "limit must be an integer of at least 1";
    let order_by = "orderBy must be one of: id, fullName, email, status, kycStatus, partyId, proposalId, reqStatus, kycProvider, regDate, createdAt";
    let order_type = "orderType must be one of: ASC, DESC";
    for (query, field, message) in [
        ("offset=-1", "offset", offset),
        ("offset=1.5", "offset", offset),
        ("offset=x", "offset", offset),
        ("offset=%2B1", "offset", offset),
        ("offset=%201", "offset", offset),
        ("offset=1e3", "offset", offset),
        ("offset=9223372036854775808", "offset", offset),
        ("offset=%D9%A1", "offset", offset),
        ("limit=0", "limit", limit),
        ("limit=-5", "limit", limit),
        ("limit=ten", "limit", limit),
        ("limit=0x10", "limit", limit),
        ("limit=%00", "limit", limit),
        ("offset=x&limit=x", "offset", offset),
        ("orderBy=name", "orderBy", order_by),
        ("orderBy=FULLNAME", "orderBy", order_by),
        ("orderBy=id;DROP", "orderBy", order_by),
        ("orderType=UP", "orderType", order_type),
        ("orderType=ASCENDING", "orderType", order_type),
    ] {
        let answer = client.get(&format!("{USERS}?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.json(), error("BAD_REQUEST", message, Some(field)), "{query}");
    }
}

#[tokio::test]
async fn the_list_can_be_sorted_by_every_column_in_both_directions() {
    let api = start();
    let client = institution(&api).await;
    let all = ok(&client, &format!("{USERS}?limit=100")).await;
    let created_days_ago = |id: i64| match id {
        501..=505 => 9,
        506 | 507 => 40,
        508..=510 => 18,
        511 => 1,
        512 => 7,
        513 => 3,
        _ => 5,
    };
    for column in [
        "id",
        "fullName",
        "email",
        "status",
        "kycStatus",
        "partyId",
        "proposalId",
        "reqStatus",
        "kycProvider",
        "regDate",
        "createdAt",
    ] {
        for (order_type, ascending) in [("ASC", true), ("desc", false), ("", false), ("asc", true)] {
            let page = ok(&client, &format!("{USERS}?limit=100&orderBy={column}&orderType={order_type}")).await;
            let mut expected: Vec<(String, i64)> = all["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| {
                    let id = row["id"].as_i64().unwrap();
                    let key = match column {
                        "id" => format!("{id:09}"),
                        "createdAt" => format!("{:09}", 1000 - created_days_ago(id)),
                        column => row[column].as_str().unwrap_or_default().to_owned(),
                    };
                    (key, id)
                })
                .collect();
            expected.sort_by(|(a, x), (b, y)| if ascending { a.cmp(b) } else { b.cmp(a) }.then(y.cmp(x)));
            let expected: Vec<i64> = expected.into_iter().map(|(_, id)| id).collect();
            assert_eq!(ids(&page), expected, "{column} {order_type:?}");
            let part = ok(&client, &format!("{USERS}?limit=3&offset=4&orderBy={column}&orderType={order_type}")).await;
            assert_eq!(ids(&part), expected[4..7], "a part by {column} {order_type:?}");
        }
    }
}

#[tokio::test]
async fn filters_and_search_narrow_the_list() {
    let api = start();
    let client = institution(&api).await;
    let all: Vec<i64> = (501..=514).rev().collect();
    for (query, expected) in [
        ("reqStatus=PENDING", vec![513, 511]),
        ("reqStatus=pending", vec![513, 511]),
        ("reqStatus=PENDING,REJECTED", vec![513, 512, 511]),
        ("reqStatus=PENDING&reqStatus=REJECTED", vec![513, 512, 511]),
        ("reqStatus=PENDING,%20,rejected&reqStatus=PENDING", vec![513, 512, 511]),
        ("reqStatus=PENDING&kycStatus=APPROVED", vec![511]),
        ("reqStatus=", all.clone()),
        ("reqStatus=,%20,", all.clone()),
        ("reqStatus=NONSENSE", vec![]),
        ("reqStatus=NONSENSE,PENDING", vec![513, 511]),
        ("status=INACTIVE", vec![513]),
        ("status=inactive,blocked", vec![513]),
        ("status=ACTIVE&reqStatus=PENDING", vec![511]),
        ("kycStatus=EXPIRED", vec![510]),
        ("kycStatus=IN_REVIEW,expired", vec![513, 510]),
        ("kycStatus=TO_DO", vec![]),
        ("search=richard", vec![505, 504, 503, 502, 501]),
        ("search=DINESH.CHUGTAI", vec![507, 506]),
        ("search=john%20doe", vec![514]),
        ("search=hn%20D", vec![514]),
        ("search=monica", vec![]),
        ("search=jared", vec![]),
        ("search=0b24404d", vec![511]),
        ("search=::1220", all.clone()),
        ("search=PARTY::1C9D", vec![512]),
        ("search=oe", vec![514]),
        ("search=%20", all.clone()),
        ("search=", all.clone()),
        ("search=%22", vec![]),
        ("search=%22%20OR%20%22", vec![]),
        ("search=%25", vec![]),
        ("search=*", vec![]),
        ("search=_%25_", vec![]),
        ("search='%3B--", vec![]),
        ("search=gilfoyle&kycStatus=EXPIRED", vec![510]),
        ("search=gi&kycStatus=EXPIRED", vec![510]),
        ("search=richard&reqStatus=PENDING", vec![]),
        ("search=%C3%89", vec![]),
    ] {
        let page = ok(&client, &format!("{USERS}?limit=100&{query}")).await;
        assert_eq!(ids(&page), expected, "{query}");
        assert_eq!(page["pagination"]["total"], json!(expected.len()), "{query}");
        assert_eq!(page["totalCount"], 14, "{query}");
    }
    let page = ok(&client, &format!("{USERS}?search=richard&orderBy=kycProvider&orderType=ASC&limit=2&offset=1")).await;
    assert_eq!(ids(&page), [503, 501]);
    assert_eq!(page["pagination"], json!({"offset": 1, "limit": 2, "total": 5}));
}

#[tokio::test]
async fn search_finds_a_name_from_the_approval_to_the_withdrawal() {
    let api = start();
    let client = institution(&api).await;
    let proposal = super::proposal(&client, 511).await;
    let found = async || ids(&ok(&client, &format!("{USERS}?search=jared")).await);
    assert!(found().await.is_empty());
    simulate(&api, "decide-request", json!({"proposalId": proposal, "decision": "approve"}));
    assert_eq!(found().await, [511]);
    let row = ok(&client, &format!("{USERS}?search=JARED.DUNN@")).await["items"][0].clone();
    assert_eq!(row["fullName"], "Jared Dunn");
    assert_eq!(row["partyId"], JARED);
    assert_eq!(row["reqStatus"], "APPROVED");
    simulate(&api, "decide-request", json!({"proposalId": proposal, "decision": "revoke"}));
    assert!(found().await.is_empty());
    let page = ok(&client, &format!("{USERS}?search={}", encoded(JARED))).await;
    assert_eq!(page["items"][0]["reqStatus"], "REVOKED");
    assert!(page["items"][0].get("fullName").is_none() && page["items"][0].get("email").is_none());
}

#[tokio::test]
async fn a_get_may_have_a_content_type_and_a_body() {
    let api = start();
    let client = bearer_of(&api, CLIENT).await.header("content-type", "application/json");
    assert_eq!(client.get(USERS).await.status, StatusCode::OK);
    assert_eq!(client.get(USERS).body("{").await.status, StatusCode::OK);
}
