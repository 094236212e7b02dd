//! Mnemonic phrases and what follows from them.

use http::StatusCode;
use serde_json::json;

use super::*;

#[tokio::test]
async fn known_phrases_have_their_addresses_and_keys() {
    let api = start();
    for (phrase, addr, private, seed) in [
        (
            "arena side web oyster color female eye surround put motion crumble people host wrist use",
            "addr_test1qzmmyn4ny5x5vhe7re9kxudz6fld2hlvmln2f0rhhw6k9xdx3f2jrx33dra3qwwra6m5cmhdkpr30c6eg9qhjkpr27pqhcvr3t",
            "ed25519e_sk18p796sqj5psxjj7uvk509cntfgxvc80ge60s0u4dhx2qgg4wdavr92ljx8ufqvfekl8xpc38y3pvnl6uu3nzptx2vtzta02k6nnpwvqshvndz",
            "16bf3c46fefebc48c544a4c9f6e79c3ae79bb2496d5d68b503a6177634e9b146154c420f6914b86a3657f98f650f3413f3cefd24af6afc710a2b2dbd1182a6bb",
        ),
        (
            "victory lumber heart diamond orient moment love cute action perfect drive control holiday grant warrior",
            "addr_test1qpv3ungd35ewqw5cylprda23hle5ww5nam63pzs6fqlwlky4lz76573marn65e774qra20we2d4q3aexrkrv75yqpu2qjccaul",
            "ed25519e_sk1zrzghcsede7yvmqhld6e6r25t3v57rxkzysk69cw2ze0a4qj8azuyzdnqm7zg46vm0vwzqrvtgvxvswvj7yr5w2xlhc479tfhzk6vgccv78l0",
            "d38832a83097203cce3802b2f2e610ed48ee60138680febe69709584be22ed6ef1aaac730202ae587cb7c30f908509f9466f22e741b045d2dacb5a04863f5aea",
        ),
    ] {
        let derived = api.get(&format!("/api/v1/wallet/{}", phrase.replace(' ', "%20"))).await;
        let expected = json!({"addr": addr, "private": private, "mnemonic": phrase, "seed": seed});
        assert_eq!(data(&derived, StatusCode::OK).to_string(), expected.to_string());
    }
}

#[tokio::test]
async fn a_new_phrase_gives_the_seed_that_it_came_with_and_another_each_time() {
    let api = start();
    let made = data(&api.post("/api/v1/wallet/mnemonic", json!({"ignored": true})).await, StatusCode::CREATED);
    let phrase = text(&made["mnemonic"]);
    assert_eq!(phrase.split(' ').count(), 15);
    let derived = data(&api.get(&format!("/api/v1/wallet/{}", phrase.replace(' ', "%20"))).await, StatusCode::OK);
    assert_eq!((&derived["seed"], &derived["mnemonic"]), (&made["seed"], &made["mnemonic"]));
    assert_ne!(data(&api.post("/api/v1/wallet/mnemonic", ()).await, StatusCode::CREATED), made);
}

#[tokio::test]
async fn a_phrase_may_be_any_text() {
    let api = start();
    for path in ["x", "%C3%A9%20%F0%9F%98%80", "a+b"] {
        let derived = data(&api.get(&format!("/api/v1/wallet/{path}")).await, StatusCode::OK);
        assert_eq!(text(&derived["seed"]).len(), 128, "{path}");
    }
    let plus = data(&api.get("/api/v1/wallet/a+b").await, StatusCode::OK);
    assert_eq!(plus["mnemonic"], "a+b");
}
