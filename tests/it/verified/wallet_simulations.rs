//! What a person does in the wallet, as a simulation.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};

use super::wallet::{enter, hosted, one_click, post, signed_in, text};
use super::{HOOLI, KREDITA};
use crate::client::{Client, Response};
use crate::harness::{Api, builder};

const WRONG_CODE: &str = "Invalid or expired verification code";
const IS_OVER: &str = "the request was decided before, or is over";

async fn simulate(api: &Api, name: &str, input: Value) -> Response {
    let control = Client::new(api.understudy.control_url());
    control.post(&format!("/simulations/verified/{name}"), input).await
}

/// Runs a simulation that must succeed.
async fn done(api: &Api, name: &str, input: Value) -> Value {
    let answer = simulate(api, name, input).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

/// Runs a simulation that must be refused; its reason.
async fn refused(api: &Api, name: &str, input: Value, status: StatusCode) -> String {
    let answer = simulate(api, name, input.clone()).await;
    assert_eq!(answer.status, status, "{input}: {}", answer.text());
    text(&answer.json(), "detail")
}

async fn read(api: &Api, uuid: &str) -> Value {
    api.get(&format!("/1-click/{uuid}")).bearer(HOOLI).await.json()
}

#[tokio::test]
async fn a_person_consents_at_every_kind_of_address() {
    let api = Api::with("verified", builder().setting("verified", "codes", json!("random")));
    let hosted =
        json!({"phone": "+10123456789", "verificationOptions": "both_link_and_code", "redirectUrl": "https://app.example/in"});
    let mut not_hosted = hosted.clone();
    not_hosted["isHosted"] = json!(false);
    not_hosted["birthDate"] = json!("1989-08-01");
    for (case, body, by_link) in [
        ("the request's page", &hosted, false),
        ("the short link", &hosted, true),
        ("the address of a flow without pages", &not_hosted, false),
        ("the short link of a flow without pages", &not_hosted, true),
    ] {
        let started = one_click(&api, body.clone()).await;
        let sms = text(&started, "smsBody");
        let link = sms.split(' ').find(|word| word.starts_with("http")).unwrap();
        let url = if by_link { link.to_owned() } else { text(&started, "url") };
        let outcome = done(&api, "consent", json!({"url": url})).await;
        let uuid = text(&outcome, "uuid");
        assert_eq!(
            outcome,
            json!({"redirectUrl": format!("https://app.example/in?1ClickUuid={uuid}&optedOut=false"), "uuid": uuid}),
            "{case}"
        );
        let read = read(&api, &uuid).await;
        assert_eq!(read["credentials"]["ssn"], "123456789", "{case}");
        assert_eq!(read["metadata"]["identifiers"], json!({"phone": {"verificationMethod": "otp"}}), "{case}");
        let again =
            refused(&api, "consent", json!({"url": url}), if by_link { StatusCode::NOT_FOUND } else { StatusCode::CONFLICT }).await;
        assert!(!again.is_empty(), "{case}");
    }
}

#[tokio::test]
async fn a_person_consents_to_matching_credentials() {
    let api = Api::start("verified");
    let ask = json!({"email": "richard@piedpiper.net", "credentialRequests": ["EmailCredential", {"type": "GenderCredential", "allowUserInput": true}]});
    let answer = api.post("/hasMatchingCredentials", &ask).bearer(KREDITA).await.json();
    let url = format!("{}&redirectUrl=https%3A%2F%2Fkredita.example%2Fin", text(&answer, "url"));
    let outcome = done(&api, "consent", json!({"url": url, "values": {"gender": "Other"}})).await;
    let uuid = text(&outcome, "uuid");
    assert_eq!(outcome["redirectUrl"], format!("https://kredita.example/in?sharedCredentialsUuid={uuid}"));
    let shared = api.get(&format!("/sharedCredentials/{uuid}")).bearer(KREDITA).await.json();
    assert_eq!(shared["credentials"][1]["data"], json!({"gender": "Other"}));
    let declined = api.post("/hasMatchingCredentials", &ask).bearer(KREDITA).await.json();
    let outcome = done(&api, "decline", json!({"url": text(&declined, "url")})).await;
    assert_eq!(outcome, json!({"redirectUrl": "http://localhost:7020/register?optedOut=true", "uuid": null}));
}

#[tokio::test]
async fn a_person_changes_values_and_enters_a_code() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let input = json!({"url": url, "code": "111-111", "values": {"ssn": "222-33-4455", "fullName.firstName": "Dick", "phone": "+12025550123"}});
    let outcome = done(&api, "consent", input).await;
    let read = read(&api, &text(&outcome, "uuid")).await;
    assert_eq!(read["credentials"]["fullName"], json!({"firstName": "Dick", "lastName": "Hendricks"}));
    assert_eq!((&read["credentials"]["ssn"], &read["credentials"]["phone"]), (&json!("222334455"), &json!("+10123456789")));
}

#[tokio::test]
async fn a_person_declines() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let outcome = done(&api, "decline", json!({"url": url})).await;
    let uuid = text(&outcome, "uuid");
    assert_eq!(
        outcome,
        json!({"redirectUrl": format!("http://localhost:7020/register?1ClickUuid={uuid}&optedOut=true"), "uuid": uuid})
    );
    let expected =
        json!({"identifiers": {"phone": "+10123456789"}, "metadata": {"identifiers": {"phone": {"verificationMethod": null}}}});
    assert_eq!(read(&api, &uuid).await, expected);
    for name in ["consent", "decline"] {
        let reason = refused(&api, name, json!({"url": url}), StatusCode::CONFLICT).await;
        assert_eq!(reason, IS_OVER, "{name}");
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_and_changes_nothing() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let no_flow = "url: no request of this world has this wallet address";
    for (input, status, reason) in [
        (json!({"url": url, "values": {"ssn": "1"}}), StatusCode::BAD_REQUEST, "values.ssn: must match format \"ssn\""),
        (
            json!({"url": url, "values": {"ssn": "1", "address.state": "Texas"}}),
            StatusCode::BAD_REQUEST,
            "values.address.state: must match format \"iso3166RegionCode\"; values.ssn: must match format \"ssn\"",
        ),
        (json!({"url": "https://wallet.example/request/00000000-0000-4000-8000-000000000000"}), StatusCode::NOT_FOUND, no_flow),
        (json!({"url": "https://wallet.example/mt/00000000-0000-4000-8000-000000000000"}), StatusCode::NOT_FOUND, no_flow),
        (json!({"url": "https://wallet.example/signin/verify/generic"}), StatusCode::NOT_FOUND, no_flow),
        (json!({"url": "https://wallet.example/"}), StatusCode::NOT_FOUND, no_flow),
        (json!({"url": "request"}), StatusCode::NOT_FOUND, no_flow),
    ] {
        assert_eq!(refused(&api, "consent", input.clone(), status).await, reason, "{input}");
    }
    for input in
        [json!({}), json!({"url": 1}), json!({"url": url, "colour": "red"}), json!({"url": url, "values": {"ssn": 1}}), json!([])]
    {
        let reason = refused(&api, "consent", input.clone(), StatusCode::BAD_REQUEST).await;
        assert!(!reason.is_empty(), "{input}");
    }
    done(&api, "consent", json!({"url": url})).await;
}

#[tokio::test]
async fn a_simulation_goes_on_where_a_browser_left_off() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    for _ in 0..2 {
        assert_eq!(enter(&api, &url, "000000").await.status, StatusCode::BAD_REQUEST);
    }
    let wrong = done(&api, "consent", json!({"url": url, "code": "000000"})).await;
    let over = "Maximum code attempts exceeded. Please start a new 1-Click flow.";
    assert_eq!(wrong, json!({"redirectUrl": null, "uuid": null, "error": over}));
    assert_eq!(api.get(&url).await.status, StatusCode::NOT_FOUND, "a simulated wrong code counts like one typed");
    assert_eq!(refused(&api, "consent", json!({"url": url}), StatusCode::CONFLICT).await, IS_OVER);

    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let wrong = done(&api, "consent", json!({"url": url, "code": "000000"})).await;
    assert_eq!(wrong, json!({"redirectUrl": null, "uuid": null, "error": WRONG_CODE}));
    let outcome = done(&api, "consent", json!({"url": format!("{url}/")})).await;
    assert_eq!(read(&api, &text(&outcome, "uuid")).await["credentials"]["ssn"], "123456789");

    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let browser = signed_in(&api, &url).await;
    done(&api, "decline", json!({"url": url})).await;
    assert_eq!(post(&browser, &url, "share", []).await.status, StatusCode::OK, "the done page");

    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    api.understudy.advance(TimeDelta::minutes(5)).unwrap();
    assert_eq!(done(&api, "consent", json!({"url": url})).await["error"], WRONG_CODE, "there is no right one any more");
    api.understudy.advance(TimeDelta::minutes(25)).unwrap();
    for name in ["consent", "decline"] {
        assert_eq!(refused(&api, name, json!({"url": url}), StatusCode::CONFLICT).await, IS_OVER);
    }
}

#[tokio::test]
async fn a_flow_without_pages_takes_no_values() {
    let api = Api::start("verified");
    let requests = json!([{"type": "SsnCredential", "mandatory": "yes", "allowUserInput": true}, {"type": "EmailCredential"}]);
    let body = json!({"phone": "+13135550033", "isHosted": false, "birthDate": "1989-08-01", "credentialRequests": requests});
    for by_browser in [true, false] {
        let url = text(&one_click(&api, body.clone()).await, "url");
        let uuid = if by_browser {
            super::wallet::parameter(&api.get(&format!("{url}&code=111111")).await, "1ClickUuid")
        } else {
            text(&done(&api, "consent", json!({"url": url, "values": {"ssn": "222334455"}})).await, "uuid")
        };
        assert_eq!(read(&api, &uuid).await["credentials"], json!({"email": "richard@piedpiper.net"}), "by browser: {by_browser}");
    }
}
