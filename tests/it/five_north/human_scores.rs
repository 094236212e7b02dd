//! Human scores.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    BIGHEAD, DINESH, ERLICH, GAVIN, GILFOYLE, JARED, JOHN, MONICA, RICHARD, SCORES, ask, each, encoded, error, institution, ok,
    simulate, start,
};

fn john() -> Value {
    json!({
        "partyId": JOHN, "email": "user@example.com",
        "humanScore": {
            "totalScore": 23, "confidenceLevel": "medium-low",
            "breakdown": {"accountAgeScore": 7, "socialMetricsScore": 2, "emailConsistencyScore": 10, "providerCountScore": 4},
            "badges": [{"id": "account-veteran", "name": "Account Veteran", "description": "Oldest linked account is 900 days old",
                "level": "bronze", "category": "account_age", "icon": "clock"}],
            "details": {
                "accountAges": [{"provider": "GOOGLE", "ageInDays": 900}],
                "socialMetrics": [{"provider": "GOOGLE", "ageInDays": 900, "email": "user@example.com",
                    "accountCreatedAt": "2023-08-31T12:00:00.000Z", "googleContactCount": 21}],
                "emailConsistency": {"uniqueEmails": ["user@example.com"], "consistencyScore": 100},
                "providerCount": 1,
                "allUserInfo": [{"provider": "GOOGLE", "email": "user@example.com", "firstName": "John", "lastName": "Doe",
                    "username": "johndoe", "providerId": "100000000000000000123", "verifiedAt": "2026-02-10T12:00:00.000Z",
                    "emailVerified": true, "profilePicture": "https://avatars.example.com/google/100000000000000000123.png"}],
                "allTokenClaims": [{"provider": "GOOGLE", "iss": "https://accounts.google.com", "sub": "100000000000000000123",
                    "email": "user@example.com", "email_verified": true, "name": "John Doe", "given_name": "John",
                    "family_name": "Doe", "iat": 1_770_724_800, "exp": 1_770_728_400}]
            }
        }
    })
}

#[tokio::test]
async fn a_list_of_one_is_as_documented() {
    let api = start();
    let client = institution(&api).await;
    let answer = client.get(&format!("{SCORES}?partyIds={JOHN}")).await;
    let expected = json!({"items": [john()], "pagination": {"offset": 0, "limit": 10, "total": 1}});
    assert_eq!(answer.text(), expected.to_string(), "members in their order");
    assert_eq!(client.get(&format!("{SCORES}/{}", encoded(JOHN))).await.text(), john().to_string());
}

#[tokio::test]
async fn the_score_of_dinesh_is_as_documented() {
    let api = start();
    let client = institution(&api).await;
    let expected = json!({
        "partyId": DINESH, "email": "dinesh.chugtai@example.com",
        "humanScore": {
            "totalScore": 46, "confidenceLevel": "medium",
            "breakdown": {"accountAgeScore": 16, "socialMetricsScore": 12, "emailConsistencyScore": 10, "providerCountScore": 8},
            "badges": [
                {"id": "account-veteran", "name": "Account Veteran", "description": "Oldest linked account is 2000 days old", "level": "gold", "category": "account_age", "icon": "clock"},
                {"id": "multi-provider", "name": "Multi-Provider", "description": "2 providers linked", "level": "bronze", "category": "providers", "icon": "layers"},
                {"id": "consistent-identity", "name": "Consistent Identity", "description": "50% of linked emails match", "level": "bronze", "category": "email", "icon": "mail"},
                {"id": "code-contributor", "name": "Code Contributor", "description": "23 public repositories", "level": "silver", "category": "developer", "icon": "code"},
                {"id": "social-reach", "name": "Social Reach", "description": "239 followers across providers", "level": "silver", "category": "social", "icon": "users"}
            ],
            "details": {
                "accountAges": [{"provider": "LINKEDIN", "ageInDays": 2000}, {"provider": "GITHUB", "ageInDays": 1500}],
                "socialMetrics": [
                    {"provider": "LINKEDIN", "ageInDays": 2000, "followersCount": 143, "email": "dinesh.chugtai@work.example.com", "accountCreatedAt": "2020-08-26T12:00:00.000Z"},
                    {"provider": "GITHUB", "ageInDays": 1500, "followingCount": 88, "email": "dinesh.chugtai@example.com", "accountCreatedAt": "2022-01-08T12:00:00.000Z", "githubRepos": 23, "githubFollowers": 96, "githubCompany": "Pied Piper"}
                ],
                "emailConsistency": {"uniqueEmails": ["dinesh.chugtai@example.com", "dinesh.chugtai@work.example.com"], "consistencyScore": 50},
                "providerCount": 2,
                "allUserInfo": [
                    {"provider": "LINKEDIN", "email": "dinesh.chugtai@work.example.com", "firstName": "Dinesh", "lastName": "Chugtai", "providerId": "pQ81zTnV4c", "verifiedAt": "2025-10-19T12:00:00.000Z", "emailVerified": true, "profilePicture": "https://avatars.example.com/linkedin/pQ81zTnV4c.png"},
                    {"provider": "GITHUB", "email": "dinesh.chugtai@example.com", "firstName": "Dinesh", "lastName": "Chugtai", "username": "dchugtai", "providerId": "7719340", "verifiedAt": "2026-01-02T12:00:00.000Z", "emailVerified": true, "profilePicture": "https://avatars.example.com/github/7719340.png"}
                ],
                "allTokenClaims": [
                    {"provider": "LINKEDIN", "iss": "https://www.linkedin.com/oauth", "sub": "pQ81zTnV4c", "email": "dinesh.chugtai@work.example.com", "email_verified": true, "name": "Dinesh Chugtai", "given_name": "Dinesh", "family_name": "Chugtai", "iat": 1_760_875_200, "exp": 1_760_878_800}
                ]
            }
        }
    });
    assert_eq!(client.get(&format!("{SCORES}/{DINESH}")).await.text(), expected.to_string());
}

#[tokio::test]
async fn every_user_of_the_fixture_scores_as_published() {
    let api = start();
    let client = institution(&api).await;
    for party in [JARED, MONICA, ERLICH, BIGHEAD, GAVIN] {
        ask(&client, party, &["REDDIT"]).await;
    }
    api.understudy.advance(TimeDelta::seconds(3)).unwrap();
    let users = ok(&client, &format!("{}?limit=100&reqStatus=PENDING", super::USERS)).await;
    for proposal in each(&users["items"], "proposalId") {
        simulate(&api, "decide-request", json!({"proposalId": proposal, "decision": "approve"}));
    }
    // Monica rejects on her own; a request that was made by hand is decided by hand.
    let rejected = ok(&client, &format!("{}?reqStatus=REJECTED", super::USERS)).await;
    assert_eq!(each(&rejected["items"], "partyId"), [MONICA, MONICA]);

    let rows: [(&str, [i64; 4], i64, &str, &str); 8] = [
        (
            RICHARD,
            [30, 27, 20, 20],
            97,
            "high",
            "account-veteran:platinum multi-provider:platinum consistent-identity:gold code-contributor:gold social-reach:gold verified-account:silver",
        ),
        (
            DINESH,
            [16, 12, 10, 8],
            46,
            "medium",
            "account-veteran:gold multi-provider:bronze consistent-identity:bronze code-contributor:silver social-reach:silver",
        ),
        (GILFOYLE, [25, 9, 10, 8], 52, "medium", "account-veteran:gold multi-provider:bronze verified-account:silver"),
        (JARED, [21, 2, 10, 4], 37, "medium-low", "account-veteran:gold"),
        (ERLICH, [30, 9, 10, 12], 61, "medium-high", "account-veteran:platinum multi-provider:silver social-reach:bronze"),
        (BIGHEAD, [0, 3, 10, 4], 17, "low", "verified-account:silver"),
        (GAVIN, [0, 0, 0, 0], 0, "low", ""),
        (JOHN, [7, 2, 10, 4], 23, "medium-low", "account-veteran:bronze"),
    ];
    for (party, [age, social, email, count], total, confidence, badges) in rows {
        let score = ok(&client, &format!("{SCORES}/{party}")).await["humanScore"].clone();
        let expected = json!({"accountAgeScore": age, "socialMetricsScore": social, "emailConsistencyScore": email, "providerCountScore": count});
        assert_eq!(score["breakdown"], expected, "{party}");
        assert_eq!(score["totalScore"], total, "{party}");
        assert_eq!(score["confidenceLevel"], confidence, "{party}");
        let shown: Vec<String> = score["badges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|badge| format!("{}:{}", badge["id"].as_str().unwrap(), badge["level"].as_str().unwrap()))
            .collect();
        assert_eq!(shown.join(" "), badges, "{party}");
    }
    let gavin = ok(&client, &format!("{SCORES}/{GAVIN}")).await["humanScore"]["details"].clone();
    let expected = json!({"accountAges": [], "socialMetrics": [], "emailConsistency": {"uniqueEmails": [], "consistencyScore": 0},
        "providerCount": 0, "allUserInfo": [], "allTokenClaims": []});
    assert_eq!(gavin, expected);
    let gilfoyle = ok(&client, &format!("{SCORES}/{GILFOYLE}")).await["humanScore"]["details"].clone();
    assert_eq!(
        each(&gilfoyle["accountAges"], "provider"),
        ["DISCORD", "REDDIT"],
        "a revoked one does not count, an expired one does"
    );
}

#[tokio::test]
async fn monica_scores_as_published_where_she_has_approved() {
    let folder = super::fixture::folder(|text| text.replace("\"REJECTED\"", "\"APPROVED\""));
    let api = crate::harness::Api::with(super::SLUG, super::builder().fixtures(folder.path()));
    let client = institution(&api).await;
    let score = ok(&client, &format!("{SCORES}/{MONICA}")).await["humanScore"].clone();
    assert_eq!(score["totalScore"], 50);
    assert_eq!(score["confidenceLevel"], "medium");
    let breakdown = json!({"accountAgeScore": 24, "socialMetricsScore": 12, "emailConsistencyScore": 10, "providerCountScore": 4});
    assert_eq!(score["breakdown"], breakdown);
    let badges: Vec<String> = each(&score["badges"], "id")
        .iter()
        .zip(each(&score["badges"], "level"))
        .map(|(id, level)| format!("{id}:{level}"))
        .collect();
    assert_eq!(badges, ["\"account-veteran\":\"gold\"", "\"social-reach\":\"gold\""]);
}

#[tokio::test]
async fn the_list_holds_approved_users_by_their_id() {
    let api = start();
    let client = institution(&api).await;
    let page = ok(&client, SCORES).await;
    assert_eq!(each(&page["items"], "partyId"), [JOHN, RICHARD, DINESH, GILFOYLE]);
    let totals: Vec<&Value> = page["items"].as_array().unwrap().iter().map(|item| &item["humanScore"]["totalScore"]).collect();
    assert_eq!(totals, [23, 97, 46, 52]);
    assert_eq!(page["pagination"], json!({"offset": 0, "limit": 10, "total": 4}));
    let page = ok(&client, &format!("{SCORES}?offset=1&limit=2")).await;
    assert_eq!(each(&page["items"], "partyId"), [RICHARD, DINESH]);
    assert_eq!(page["pagination"], json!({"offset": 1, "limit": 2, "total": 4}));
    for query in ["limit=0", "offset=-1"] {
        assert_eq!(client.get(&format!("{SCORES}?{query}")).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn all_parties_that_are_asked_for_come_in_one_answer() {
    let api = start();
    let client = institution(&api).await;
    let many = |count: usize| (0..count).map(|number| format!("party{number}")).collect::<Vec<_>>().join(",");
    for (query, parties, limit, total) in [
        (format!("partyIds={JOHN},{GILFOYLE},{JARED},nobody"), vec![JOHN, GILFOYLE], 10, 2),
        (format!("partyIds={},{JOHN}", many(11)), vec![JOHN], 12, 1),
        (format!("partyIds={},{JOHN}", many(150)), vec![JOHN], 100, 1),
        (format!("partyIds={JOHN}&partyIds={JOHN}"), vec![JOHN], 10, 1),
        (format!("partyIds={JOHN},{RICHARD}&limit=1"), vec![JOHN], 1, 2),
        (format!("partyIds={JOHN},{RICHARD}&offset=1"), vec![RICHARD], 10, 2),
        ("emails=User@Example.com".to_owned(), vec![JOHN], 10, 1),
        (format!("emails=user@example.com&partyIds={DINESH}"), vec![JOHN, DINESH], 10, 2),
    ] {
        let page = ok(&client, &format!("{SCORES}?{query}")).await;
        assert_eq!(each(&page["items"], "partyId"), parties, "{query}");
        assert_eq!(page["pagination"]["limit"], limit, "{query}");
        assert_eq!(page["pagination"]["total"], total, "{query}");
    }
    assert_eq!(ok(&client, &format!("{SCORES}?partyIds=,")).await["pagination"]["total"], 4);
}

#[tokio::test]
async fn a_user_who_has_approved_nothing_has_no_score_here() {
    let api = start();
    let client = institution(&api).await;
    for party in [JARED, MONICA, ERLICH, BIGHEAD, GAVIN, "nobody", "%2E%2E"] {
        let answer = client.get(&format!("{SCORES}/{party}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{party}");
        assert_eq!(answer.json(), error("NOT_FOUND", "User not found", None), "{party}");
    }
}

#[tokio::test]
async fn the_score_follows_the_accounts_that_count() {
    let api = start();
    let client = institution(&api).await;
    let john = async || ok(&client, &format!("{SCORES}/{JOHN}")).await["humanScore"].clone();
    let linked = simulate(
        &api,
        "issue-credential",
        json!({"partyId": JOHN, "provider": "DISCORD", "metadata": {"email": "OTHER@example.com"}}),
    );
    let score = john().await;
    assert_eq!(score["details"]["providerCount"], 2, "an account counts that was never asked for");
    assert_eq!(
        score["details"]["emailConsistency"],
        json!({"uniqueEmails": ["other@example.com", "user@example.com"], "consistencyScore": 50})
    );
    assert_eq!(score["breakdown"]["emailConsistencyScore"], 10);
    simulate(&api, "archive-credential", linked.clone());
    assert_eq!(john().await["details"]["providerCount"], 1);
    let linked = simulate(&api, "issue-credential", json!({"partyId": JOHN, "provider": "DISCORD"}));
    simulate(&api, "revoke-credential", linked);
    assert_eq!(john().await["details"]["providerCount"], 1);
    api.understudy.advance(TimeDelta::days(400)).unwrap();
    let client = institution(&api).await;
    let score = ok(&client, &format!("{SCORES}/{JOHN}")).await["humanScore"].clone();
    assert_eq!(score["details"]["accountAges"], json!([{"provider": "GOOGLE", "ageInDays": 1300}]), "an expired one counts on");
    assert_eq!(score["badges"][0]["level"], "silver");
}
