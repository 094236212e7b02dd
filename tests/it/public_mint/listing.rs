//! Lists: filters, orders, pages.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::json;

use super::{ANA, APP_A, APP_B, BINGEN, GRACE, JOAO, JOHN, LUIS, MINHO, PRIYA, as_b, assert_invalid, create, maria, start, with};
use crate::client::Client;

/// How many there are, and the ids of the page.
async fn list(client: &Client, query: &str) -> (i64, Vec<String>) {
    let answer = client.get(&format!("/identities{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
    let body = answer.json();
    let ids = body["data"].as_array().unwrap().iter().map(|identity| identity["id"].as_str().unwrap().to_owned());
    (body["total"].as_i64().unwrap(), ids.collect())
}

#[tokio::test]
async fn a_page_is_a_total_and_whole_identities() {
    let api = start();
    let answer = api.get("/identities?filter[email]=like:@publicmint.com&page[size]=2&sort=-createdAt").await;
    let identity = api.get(&format!("/identities/{JOAO}")).await.json()["data"].clone();
    let expected = json!({"total": 1, "data": [identity]});
    assert_eq!(answer.text(), expected.to_string());
    let answer = api.get("/identities?filter[appId]=foobar").await;
    assert_eq!(answer.text(), r#"{"total":0,"data":[]}"#);
}

#[tokio::test]
async fn filters_admit_what_they_say() {
    let api = start();
    let newest_first = [BINGEN, MINHO, PRIYA, GRACE, JOHN, JOAO, ANA];
    let upper = APP_A.to_uppercase();
    let cases: Vec<(String, Vec<&str>)> = vec![
        (String::new(), newest_first.to_vec()),
        (format!("?filter[appId]={APP_A}"), newest_first.to_vec()),
        (format!("?filter[appId]={upper}"), newest_first.to_vec()),
        (format!("?filter[appId]={APP_B}"), vec![]),
        ("?filter[blocked]=true".to_owned(), vec![GRACE]),
        ("?filter[blocked]=false".to_owned(), vec![BINGEN, MINHO, PRIYA, JOHN, JOAO, ANA]),
        ("?filter[email]=ana.ribeiro@example.com".to_owned(), vec![ANA]),
        ("?filter[email]=ANA.Ribeiro@Example.com".to_owned(), vec![ANA]),
        ("?filter[email]=ana.ribeiro".to_owned(), vec![]),
        ("?filter[email]=like:EXAMPLE.COM".to_owned(), vec![PRIYA, ANA]),
        ("?filter[email]=like:_".to_owned(), vec![]),
        ("?filter[email]=like:%25".to_owned(), vec![]),
        ("?filter[email]=like:".to_owned(), newest_first.to_vec()),
        (format!("?filter[id]={ANA}"), vec![ANA]),
        (format!("?filter[id]={}", ANA.to_uppercase()), vec![ANA]),
        (format!("?filter[id]={LUIS}"), vec![]),
        (format!("?filter[id]=in:{ANA},{JOAO},{LUIS},foobar,,"), vec![JOAO, ANA]),
        (format!("?filter%5Bid%5D=in:{ANA},{JOAO}&all=true"), vec![JOAO, ANA]),
        (format!("?filter%5bid%5d=in%3A{ANA}%2C{JOAO}"), vec![JOAO, ANA]),
        (format!("?filter[id]={ANA},{JOAO}"), vec![]),
        ("?filter[id]=foobar".to_owned(), vec![]),
        ("?filter[id]=in:".to_owned(), vec![]),
        (format!("?filter[identityOwner]={ANA}"), vec![MINHO]),
        (format!("?filter[identityOwner]=in:{ANA},{}", GRACE.to_uppercase()), vec![BINGEN, MINHO]),
        ("?filter[identityOwner]=biz".to_owned(), vec![]),
        ("?filter[name]=Ana%20Ribeiro".to_owned(), vec![ANA]),
        ("?filter[name]=Ana+Ribeiro".to_owned(), vec![ANA]),
        ("?filter[name]=ana%20ribeiro".to_owned(), vec![]),
        ("?filter[name]=Minho%20T%C3%AAxteis%20Lda".to_owned(), vec![MINHO]),
        ("?filter[name]=Ana".to_owned(), vec![]),
        ("?filter[riskRating]=medium".to_owned(), vec![PRIYA, JOHN]),
        ("?filter[riskRating]=in:low,high".to_owned(), vec![BINGEN, MINHO, GRACE, JOAO, ANA]),
        ("?filter[riskRating]=nin:low".to_owned(), vec![BINGEN, PRIYA, GRACE, JOHN]),
        ("?filter[riskRating]=nin:low,medium&sort=createdAt".to_owned(), vec![GRACE, BINGEN]),
        ("?filter[riskRating]=nin:foo,bar".to_owned(), newest_first.to_vec()),
        ("?filter[riskRating]=nin:".to_owned(), newest_first.to_vec()),
        ("?filter[riskRating]=in:".to_owned(), vec![]),
        ("?filter[riskRating]=none".to_owned(), vec![]),
        ("?filter[type]=company".to_owned(), vec![BINGEN, MINHO]),
        ("?filter[type]=person".to_owned(), vec![PRIYA, GRACE, JOHN, JOAO, ANA]),
        ("?filter[type]=Person".to_owned(), vec![]),
        ("?filter[type]=like-minded".to_owned(), vec![]),
        ("?filter[name]=other:Ana".to_owned(), vec![]),
        ("?filter[type]=person&filter[riskRating]=low&filter[blocked]=false".to_owned(), vec![JOAO, ANA]),
        (format!("?filter[id]=in:{ANA},{MINHO}&filter[type]=company"), vec![MINHO]),
        ("?filter[name]=x&filter[name]=Ana%20Ribeiro".to_owned(), vec![ANA]),
        ("?apikey=x&other=1&page[foo]=0&filter=x&filters[type]=x".to_owned(), newest_first.to_vec()),
    ];
    for (query, expected) in cases {
        let count = i64::try_from(expected.len()).unwrap();
        assert_eq!(list(&api, &query).await, (count, expected.iter().map(|id| (*id).to_owned()).collect()), "{query}");
    }
}

#[tokio::test]
async fn an_app_lists_its_own_identities_only() {
    let api = start();
    assert_eq!(list(&as_b(&api), "").await, (1, vec![LUIS.to_owned()]));
    assert_eq!(list(&as_b(&api), &format!("?filter[appId]={APP_A}")).await, (0, vec![]));
    assert_eq!(list(&as_b(&api), &format!("?filter[id]={ANA}&all=true")).await, (0, vec![]));
}

#[tokio::test]
async fn orders_are_kept_and_ties_broken_by_id() {
    let api = start();
    let created = [ANA, JOAO, JOHN, GRACE, PRIYA, MINHO, BINGEN];
    // Grace was updated last.
    let updated = [ANA, JOAO, JOHN, PRIYA, MINHO, BINGEN, GRACE];
    let reversed = |ids: [&'static str; 7]| ids.into_iter().rev().collect::<Vec<_>>();
    for (query, expected) in [
        ("?sort=createdAt", created.to_vec()),
        ("?sort=-createdAt", reversed(created)),
        ("?sort=updatedAt", updated.to_vec()),
        ("?sort=-updatedAt", reversed(updated)),
        ("?sort=createdAt,-createdAt", created.to_vec()),
        ("?sort=-updatedAt,createdAt", reversed(updated)),
        ("?sort=createdAt&sort=-updatedAt", reversed(updated)),
    ] {
        assert_eq!(list(&api, query).await.1, expected, "{query}");
    }
    let mut new = Vec::new();
    for number in 0..5 {
        let edits = [("/email", Some(json!(format!("tie{number}@example.com")))), ("/name", Some(json!("Tie")))];
        new.push(create(&api, with(&maria(), &edits)).await["id"].as_str().unwrap().to_owned());
    }
    new.sort();
    for sort in ["createdAt", "-createdAt", "updatedAt", "-updatedAt", "createdAt,updatedAt", "-updatedAt,-createdAt"] {
        assert_eq!(list(&api, &format!("?filter[name]=Tie&sort={sort}")).await.1, new, "{sort}");
        let all = list(&api, &format!("?all=true&sort={sort}")).await.1;
        let ties: Vec<_> = all.iter().filter(|id| new.contains(id)).collect();
        assert_eq!(ties, new.iter().collect::<Vec<_>>(), "{sort}");
    }
    // The second key decides where the first one is the same.
    api.understudy.advance(TimeDelta::minutes(1)).unwrap();
    let last = new[4].clone();
    assert_eq!(api.patch(&format!("/identities/{last}"), json!({"documents": []})).await.status, StatusCode::OK);
    assert_eq!(list(&api, "?filter[name]=Tie&sort=createdAt,-updatedAt").await.1[0], last);
    assert_eq!(list(&api, "?filter[name]=Tie&sort=createdAt,updatedAt").await.1[4], last);
}

#[tokio::test]
async fn pages_are_cut_from_the_whole() {
    let api = start();
    for number in 0..30 {
        create(&api, with(&maria(), &[("/email", Some(json!(format!("p{number}@example.com"))))])).await;
    }
    let (total, all) = list(&api, "?all=true").await;
    assert_eq!((total, all.len()), (37, 37));
    for (query, expected) in [
        ("", &all[..30]),
        ("?page[number]=2", &all[30..]),
        ("?page[size]=2&page[number]=4", &all[6..8]),
        ("?page%5Bsize%5D=10&page%5Bnumber%5D=4", &all[30..]),
        ("?page[size]=37", &all[..]),
        ("?page[size]=007&page[number]=01", &all[..7]),
        ("?page[size]=5000", &all[..]),
        ("?page[number]=3", &[]),
        ("?page[size]=99999999999999999999999999", &all[..]),
        ("?page[number]=99999999999999999999999999", &[]),
        ("?page[size]=9223372036854775807&page[number]=9223372036854775807", &[]),
        ("?all=true&page[size]=1&page[number]=0", &all[..]),
        ("?all=true&page[size]=x", &all[..]),
        ("?all=false&page[size]=1", &all[..1]),
        ("?page[size]=0&page[size]=1", &all[..1]),
    ] {
        assert_eq!(list(&api, query).await, (37, expected.to_vec()), "{query}");
    }
    let fixtures = start();
    assert_eq!(list(&fixtures, "?page[size]=2&page[number]=4").await, (7, vec![ANA.to_owned()]));
}

#[tokio::test]
async fn what_a_list_cannot_do_is_said() {
    let api = start();
    for (query, expected) in [
        ("?filter[foo]=1", json!({"filter[foo]": "additional_property"})),
        ("?filter[]=1", json!({"filter[]": "additional_property"})),
        ("?filter[Name]=x", json!({"filter[Name]": "additional_property"})),
        ("?filter%5Bfoo%5D=1", json!({"filter[foo]": "additional_property"})),
        ("?filter[kycStatus]=x", json!({"filter[kycStatus]": "additional_property"})),
        ("?filter[address][city]=x", json!({"filter[address][city]": "additional_property"})),
        ("?filter[name]=like:an", json!({"filter[name]": "invalid_choice"})),
        ("?filter[name]=in:a,b", json!({"filter[name]": "invalid_choice"})),
        ("?filter[appId]=in:x", json!({"filter[appId]": "invalid_choice"})),
        ("?filter[blocked]=yes", json!({"filter[blocked]": "invalid_choice"})),
        ("?filter[blocked]=in:true", json!({"filter[blocked]": "invalid_choice"})),
        ("?filter[blocked]=", json!({"filter[blocked]": "invalid_choice"})),
        ("?filter[email]=in:a@b.c", json!({"filter[email]": "invalid_choice"})),
        ("?filter[email]=nin:a@b.c", json!({"filter[email]": "invalid_choice"})),
        ("?filter[id]=nin:x", json!({"filter[id]": "invalid_choice"})),
        ("?filter[id]=like:x", json!({"filter[id]": "invalid_choice"})),
        ("?filter[identityOwner]=nin:x", json!({"filter[identityOwner]": "invalid_choice"})),
        ("?filter[riskRating]=like:x", json!({"filter[riskRating]": "invalid_choice"})),
        ("?filter[type]=in:person", json!({"filter[type]": "invalid_choice"})),
        ("?sort=name", json!({"sort": "invalid_choice"})),
        ("?sort=", json!({"sort": "invalid_choice"})),
        ("?sort=createdAt,", json!({"sort": "invalid_choice"})),
        ("?sort=+createdAt", json!({"sort": "invalid_choice"})),
        ("?sort=--createdAt", json!({"sort": "invalid_choice"})),
        ("?all=1", json!({"all": "invalid_choice"})),
        ("?all=TRUE", json!({"all": "invalid_choice"})),
        ("?page[size]=0", json!({"page[size]": "out_of_range"})),
        ("?page[size]=-1", json!({"page[size]": "out_of_range"})),
        ("?page[size]=1.5", json!({"page[size]": "out_of_range"})),
        ("?page[size]=", json!({"page[size]": "out_of_range"})),
        ("?page[size]=ten", json!({"page[size]": "out_of_range"})),
        ("?page[number]=0", json!({"page[number]": "out_of_range"})),
        ("?page[number]=+1", json!({"page[number]": "out_of_range"})),
        (
            "?filter[foo]=1&filter[name]=in:x&sort=x&all=x&page[size]=0&page[number]=x",
            json!({
                "all": "invalid_choice", "filter[foo]": "additional_property", "filter[name]": "invalid_choice",
                "page[number]": "out_of_range", "page[size]": "out_of_range", "sort": "invalid_choice"
            }),
        ),
    ] {
        assert_invalid(query, &api.get(&format!("/identities{query}")).await, &expected);
    }
    let answer = api.get("/identities?filter[email]=in:x&page[size]=0").await.json();
    let operators = json!([{
        "code": "invalid_choice",
        "message": "This value is not one of the allowed choices",
        "args": {"choices": ["default", "like"]}
    }]);
    assert_eq!(answer["errors"]["filter[email]"], operators);
    let size = json!([{"code": "out_of_range", "message": "This value must be an integer of at least 1", "args": {"min": 1}}]);
    assert_eq!(answer["errors"]["page[size]"], size);
    let sort = api.get("/identities?sort=x").await.json()["errors"]["sort"][0]["args"].clone();
    assert_eq!(sort, json!({"choices": ["createdAt", "-createdAt", "updatedAt", "-updatedAt"]}));
}
