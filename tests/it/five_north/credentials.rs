//! Credentials: list, those of one party, look-ups.

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    BIGHEAD, CONTRACTS, CREDENTIALS, DINESH, ERLICH, GAVIN, GILFOYLE, JARED, JOHN, MONICA, RICHARD, each, encoded, error,
    institution, ok, simulate, start,
};

fn john() -> Value {
    json!({
        "partyId": JOHN, "email": "user@example.com", "contractId": CONTRACTS[17], "provider": "GOOGLE", "kycStatus": "APPROVED",
        "expirationDate": "2027-02-10T12:00:00.000Z", "issuedAt": "2026-02-10T12:00:00.000Z", "freshness": "FRESH",
        "metadata": {"email": "user@example.com", "firstName": "John", "lastName": "Doe", "username": "johndoe",
            "providerId": "100000000000000000123", "verifiedAt": "2026-02-10T12:00:00.000Z", "emailVerified": true,
            "profilePicture": "https://avatars.example.com/google/100000000000000000123.png"}
    })
}

fn dinesh() -> Value {
    json!([
        {"partyId": DINESH, "email": "dinesh.chugtai@example.com", "contractId": CONTRACTS[5], "provider": "GITHUB",
         "kycStatus": "APPROVED", "expirationDate": "2027-01-02T12:00:00.000Z", "issuedAt": "2026-01-02T12:00:00.000Z",
         "freshness": "MODERATE",
         "metadata": {"email": "dinesh.chugtai@example.com", "firstName": "Dinesh", "lastName": "Chugtai", "username": "dchugtai",
            "providerId": "7719340", "verifiedAt": "2026-01-02T12:00:00.000Z", "emailVerified": true,
            "profilePicture": "https://avatars.example.com/github/7719340.png"}},
        {"partyId": DINESH, "email": "dinesh.chugtai@example.com", "contractId": CONTRACTS[6], "provider": "LINKEDIN",
         "kycStatus": "APPROVED", "expirationDate": "2026-10-19T12:00:00.000Z", "issuedAt": "2025-10-19T12:00:00.000Z",
         "freshness": "STALE",
         "metadata": {"email": "dinesh.chugtai@work.example.com", "firstName": "Dinesh", "lastName": "Chugtai",
            "providerId": "pQ81zTnV4c", "verifiedAt": "2025-10-19T12:00:00.000Z", "emailVerified": true,
            "profilePicture": "https://avatars.example.com/linkedin/pQ81zTnV4c.png"}}
    ])
}

#[tokio::test]
async fn the_last_part_of_the_list_is_as_documented() {
    let api = start();
    let client = institution(&api).await;
    let answer = client.get(&format!("{CREDENTIALS}?offset=10")).await;
    let expected = json!({"items": [john()], "pagination": {"offset": 10, "limit": 10, "total": 11}});
    assert_eq!(answer.text(), expected.to_string(), "members in their order");
}

#[tokio::test]
async fn the_list_holds_current_credentials_in_the_order_of_their_issue() {
    let api = start();
    let client = institution(&api).await;
    let page = ok(&client, &format!("{CREDENTIALS}?limit=100")).await;
    let expected: Vec<&str> = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 17].into_iter().map(|row| CONTRACTS[row]).collect();
    assert_eq!(each(&page["items"], "contractId"), expected);
    let states = [
        ("APPROVED", "FRESH"),
        ("APPROVED", "FRESH"),
        ("APPROVED", "FRESH"),
        ("APPROVED", "FRESH"),
        ("APPROVED", "FRESH"),
        ("APPROVED", "MODERATE"),
        ("APPROVED", "STALE"),
        ("APPROVED", "REVOKED"),
        ("APPROVED", "FRESH"),
        ("EXPIRED", "STALE"),
        ("APPROVED", "FRESH"),
    ];
    assert_eq!(each(&page["items"], "kycStatus"), states.map(|(kyc_status, _)| kyc_status));
    assert_eq!(each(&page["items"], "freshness"), states.map(|(_, freshness)| freshness));
    let twitter = &page["items"][3]["metadata"];
    assert_eq!(
        twitter.to_string(),
        json!({"firstName": "Richard", "lastName": "Hendricks", "username": "richardhendricks", "providerId": "2244994945",
            "verifiedAt": "2026-02-11T12:00:00.000Z", "profilePicture": "https://avatars.example.com/twitter/2244994945.png"})
        .to_string(),
        "without an e-mail address there is no emailVerified"
    );
}

#[tokio::test]
async fn the_list_can_be_narrowed_to_parties_and_emails() {
    let api = start();
    let client = institution(&api).await;
    let (john, dinesh, richard) = (encoded(JOHN), encoded(DINESH), encoded(RICHARD));
    for (query, expected, limit) in [
        (format!("partyIds={john}"), vec![17], 10),
        (format!("partyIds={JOHN}"), vec![17], 10),
        (format!("partyIds={john}&partyIds={dinesh}"), vec![5, 6, 17], 10),
        (format!("partyIds={john},{dinesh}"), vec![5, 6, 17], 10),
        (format!("partyIds={john},%20{dinesh}%20,,{john}&partyIds={john}"), vec![5, 6, 17], 10),
        (format!("partyIds={richard}&limit=2&offset=3"), vec![3, 4], 2),
        (format!("partyIds={}", encoded(JARED)), vec![], 10),
        ("partyIds=nobody".to_owned(), vec![], 10),
        (format!("partyIds={}", JOHN.to_uppercase()), vec![], 10),
        ("emails=USER@example.com".to_owned(), vec![17], 10),
        ("emails=user%40example.com,dinesh.chugtai@example.com".to_owned(), vec![5, 6, 17], 10),
        ("emails=dinesh.chugtai@work.example.com".to_owned(), vec![], 10),
        (format!("partyIds={dinesh}&emails=user@example.com"), vec![5, 6, 17], 10),
        (format!("partyIds={dinesh}&emails="), vec![5, 6], 10),
    ] {
        let page = ok(&client, &format!("{CREDENTIALS}?{query}")).await;
        let expected: Vec<&str> = expected.into_iter().map(|row: usize| CONTRACTS[row]).collect();
        assert_eq!(each(&page["items"], "contractId"), expected, "{query}");
        assert_eq!(page["pagination"]["limit"], limit, "{query}");
    }
    let off = ok(&client, &format!("{CREDENTIALS}?partyIds=&emails=%20,")).await;
    assert_eq!(off["pagination"], json!({"offset": 0, "limit": 10, "total": 11}));
    for query in ["limit=0", "offset=x", "partyIds=a&limit=-1"] {
        assert_eq!(client.get(&format!("{CREDENTIALS}?{query}")).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn credentials_of_a_party_come_as_a_bare_array() {
    let api = start();
    let client = institution(&api).await;
    for path in [format!("{CREDENTIALS}/{}", encoded(DINESH)), format!("{CREDENTIALS}/{DINESH}")] {
        assert_eq!(client.get(&path).await.text(), dinesh().to_string(), "{path}");
    }
    assert_eq!(ok(&client, &format!("{CREDENTIALS}/{JOHN}")).await, json!([john()]));
    for party in [JARED, MONICA, ERLICH, BIGHEAD, GAVIN] {
        assert_eq!(ok(&client, &format!("{CREDENTIALS}/{}", encoded(party))).await, json!([]), "{party}");
    }
    let bare = JOHN.trim_start_matches("party::");
    for party in ["nobody", "request", bare, "party%3A%3A", "%2F", "%FF", "a%20b", &JOHN.to_uppercase()] {
        // In the document `request` is a path of its own, with another method.
        let answer = client.without_contract().get(&format!("{CREDENTIALS}/{party}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{party}");
        assert_eq!(answer.json(), error("NOT_FOUND", "User not found", None), "{party}");
    }
}

#[tokio::test]
async fn look_ups_find_users_and_tell_all_their_credentials() {
    let api = start();
    let client = institution(&api).await;
    let resolve = format!("{CREDENTIALS}/resolve");
    let answer = client.get(&format!("{resolve}?q=JohnDoe")).await;
    let john = john();
    let expected = json!({"credentials": [{
        "partyId": JOHN, "userId": 123, "email": "user@example.com", "username": "johndoe", "firstName": "John", "lastName": "Doe",
        "kycProvider": "GOOGLE", "contractId": CONTRACTS[17], "metadata": john["metadata"]
    }]});
    assert_eq!(answer.text(), expected.to_string());

    let dinesh = dinesh();
    let expected = json!({"credentials": [
        {"partyId": DINESH, "userId": 1002, "email": "dinesh.chugtai@example.com", "username": "dchugtai", "firstName": "Dinesh",
         "lastName": "Chugtai", "kycProvider": "GITHUB", "contractId": CONTRACTS[5], "metadata": dinesh[0]["metadata"]},
        {"partyId": DINESH, "userId": 1002, "email": "dinesh.chugtai@example.com", "firstName": "Dinesh", "lastName": "Chugtai",
         "kycProvider": "LINKEDIN", "contractId": CONTRACTS[6], "metadata": dinesh[1]["metadata"]}
    ]});
    let (dinesh, encoded_dinesh) = (DINESH, encoded(DINESH));
    for query in [
        "q=dchugtai".to_owned(),
        "q=%20DCHUGTAI%20".to_owned(),
        "q=dinesh.chugtai%40work.example.com".to_owned(),
        "q=dinesh.chugtai@example.com".to_owned(),
        "q=dchugtai&partyId=&a=%20".to_owned(),
        format!("partyId={dinesh}"),
        format!("partyId={encoded_dinesh}"),
        "a=dinesh".to_owned(),
        "a=DINESH.5n.XYZ".to_owned(),
    ] {
        let answer = client.get(&format!("{resolve}?{query}")).await;
        assert_eq!(answer.text(), expected.to_string(), "{query}");
    }
    for query in [
        "q=dchug",
        "q=chugtai@work.example.com",
        "q=monica.hall%40example.com",
        "q=jared.dunn@example.com",
        "q=aviato",
        "q=%25",
        "partyId=party%3A%3Anobody",
        "a=nobody",
        "a=dinesh.example.com",
        "a=erlich",
        "a=.5n.xyz",
    ] {
        assert_eq!(ok(&client, &format!("{resolve}?{query}")).await, json!({"credentials": []}), "{query}");
    }
    assert_eq!(ok(&client, &format!("{resolve}?q=gilfoyle")).await["credentials"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_look_up_needs_exactly_one_of_three() {
    let api = start();
    let client = institution(&api).await;
    let expected = error("BAD_REQUEST", "Exactly one of q, partyId or a must be provided", None);
    for query in ["", "?q=a&partyId=b", "?q=a&a=b", "?partyId=a&a=b", "?q=a&partyId=b&a=c", "?q=", "?q=%20&a=", "?x=1"] {
        let answer = client.get(&format!("{CREDENTIALS}/resolve{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.json(), expected, "{query}");
    }
}

#[tokio::test]
async fn a_domain_is_found_too() {
    let api = start();
    let client = institution(&api).await;
    super::ask(&client, ERLICH, &["LINKEDIN"]).await;
    let metadata = json!({"domain": "aviato.example.com", "verifiedBy": {"dns": true}});
    simulate(&api, "issue-credential", json!({"partyId": ERLICH, "provider": "LINKEDIN", "metadata": metadata}));
    let found = ok(&client, &format!("{CREDENTIALS}/resolve?q=Aviato.example.com")).await;
    assert_eq!(each(&found["credentials"], "kycProvider"), ["LINKEDIN"]);
    let shown = &found["credentials"][0]["metadata"];
    assert_eq!(shown["domain"], "aviato.example.com");
    assert_eq!(shown["verifiedBy"], json!({"dns": true}));
    assert_eq!(ok(&client, &format!("{CREDENTIALS}/resolve?a=erlich")).await, found);
}

#[tokio::test]
async fn a_credential_that_is_not_disclosed_gives_its_owner_not_away() {
    let api = start();
    let client = institution(&api).await;
    super::ask(&client, ERLICH, &["GOOGLE"]).await;
    // Twitter was not asked for, so its username is unknown here.
    assert_eq!(ok(&client, &format!("{CREDENTIALS}/resolve?q=aviato")).await, json!({"credentials": []}));
    super::ask(&client, ERLICH, &["TWITTER"]).await;
    let found = ok(&client, &format!("{CREDENTIALS}/resolve?q=aviato")).await;
    assert_eq!(each(&found["credentials"], "kycProvider"), ["GOOGLE", "TWITTER"]);
    assert_eq!(ok(&client, &format!("{CREDENTIALS}/{GILFOYLE}")).await.as_array().unwrap().len(), 3);
}
