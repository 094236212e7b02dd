//! 1-Click with verification by the wallet, as the brand's back end sees it.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};
use understudy::http::Refusal;

use super::{
    ACME, HOOLI, KREDITA, advance, assert_answer, bad_request, entity, id, millis, no_one_click, one_click_error, richard,
    simulate, start_as, text,
};
use crate::client::Client;
use crate::harness::Api;

const PHONE: &str = "+10123456789";

/// Starts a 1-Click, and returns the answer's body.
async fn start(client: &Client, body: Value) -> Value {
    let answer = client.post("/1-click", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{body}: {}", answer.text());
    answer.json()
}

/// Has the person of a started 1-Click consent, with these values; returns the uuid to read.
fn consent(api: &Api, url: &str, values: Value) -> String {
    text(&simulate(api, "consent", json!({"url": url, "values": values})), "/uuid")
}

#[tokio::test]
async fn a_hosted_flow_ends_with_data_that_can_be_read_for_five_minutes() {
    let (api, hooli) = start_as(HOOLI);
    let answer = hooli.post("/1-click", json!({"phone": PHONE, "redirectUrl": "https://app.example/done?x=1"})).await;
    let url = text(&answer.json(), "/url");
    let request = url.strip_prefix(&format!("{}/request/", api.base)).unwrap_or_else(|| panic!("{url}"));
    assert_eq!(id(&json!([request]), "/0"), request);
    let sms = "Enter this code to verify for Hooli: 111-111";
    assert_answer(&answer, StatusCode::CREATED, &json!({"url": url, "match": true, "smsBody": sms}));
    let sent = api.understudy.messages(Some(PHONE)).unwrap();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].body.as_str(), sent[0].code.as_deref(), sent[0].link.as_deref()), (sms, Some("111111"), None));

    advance(&api, TimeDelta::minutes(1));
    let done = simulate(&api, "consent", json!({"url": url, "values": {"ssn": "222334455"}}));
    let uuid = id(&done, "/uuid");
    assert_ne!(uuid, request);
    let back = format!("https://app.example/done?x=1&1ClickUuid={uuid}&optedOut=false");
    assert_eq!(done, json!({"redirectUrl": back, "uuid": uuid}));

    advance(&api, TimeDelta::days(2)); // nothing runs out before the first reading
    let path = format!("/1-click/{uuid}");
    let answer = hooli.get(&path).await;
    let mut shared = richard(PHONE);
    shared["ssn"] = json!("222334455");
    let method = |pointer: &str| json!(if pointer == "/ssn" { "self_attested" } else { "phone_carrier" });
    let expected = entity(&answer.json(), json!("otp"), shared, &millis(60_000), method);
    assert_answer(&answer, StatusCode::OK, &expected);
    advance(&api, TimeDelta::milliseconds(299_999));
    assert_answer(&hooli.get(&path).await, StatusCode::OK, &expected);
    advance(&api, TimeDelta::milliseconds(1));
    assert_answer(&hooli.get(&path).await, StatusCode::NOT_FOUND, &no_one_click());
    assert_answer(&api.bearer(KREDITA).get(&path).await, StatusCode::NOT_FOUND, &no_one_click());
}

#[tokio::test]
async fn a_one_click_is_read_by_its_brand_only_once_it_is_finished() {
    let (api, hooli) = start_as(HOOLI);
    let started = start(&hooli, json!({"phone": PHONE})).await;
    let request = text(&started, "/url").rsplit('/').next().unwrap().to_owned();
    for unknown in [request.as_str(), "none", "22222222-2222-4222-8222-00000000000f"] {
        assert_answer(&hooli.get(&format!("/1-click/{unknown}")).await, StatusCode::NOT_FOUND, &no_one_click());
    }
    let uuid = consent(&api, &text(&started, "/url"), json!({}));
    // A reading that is refused starts no window.
    let path = format!("/1-click/{uuid}");
    for key in [KREDITA, ACME] {
        assert_answer(&api.bearer(key).get(&path).await, StatusCode::NOT_FOUND, &no_one_click());
    }
    advance(&api, TimeDelta::minutes(6));
    assert_eq!(hooli.get(&path.to_uppercase().replace("/1-CLICK", "/1-click")).await.status, StatusCode::OK);
    assert_eq!(hooli.get("/1-click/22222222-2222-4222-8222-000000000001").await.status, StatusCode::OK);
    assert_answer(
        &api.bearer(KREDITA).get("/1-click/22222222-2222-4222-8222-000000000001").await,
        StatusCode::NOT_FOUND,
        &no_one_click(),
    );
}

#[tokio::test]
async fn an_opt_out_can_be_read_again_and_again_and_says_whether_the_phone_was_verified() {
    let (api, hooli) = start_as(HOOLI);
    for (verified, method) in [(true, json!("otp")), (false, json!(null))] {
        let url = text(&start(&hooli, json!({"phone": PHONE})).await, "/url");
        if verified {
            let entered = api.post(&format!("{}/verify", url.strip_prefix(&api.base).unwrap()), [("code", "111-111")]).await;
            assert_eq!(entered.status, StatusCode::FOUND);
        }
        let done = simulate(&api, "decline", json!({"url": url}));
        let uuid = id(&done, "/uuid");
        let back = format!("http://localhost:7020/register?1ClickUuid={uuid}&optedOut=true");
        assert_eq!(done["redirectUrl"], back);
        let expected =
            json!({"identifiers": {"phone": PHONE}, "metadata": {"identifiers": {"phone": {"verificationMethod": method}}}});
        for _ in 0..3 {
            assert_answer(&hooli.get(&format!("/1-click/{uuid}")).await, StatusCode::OK, &expected);
            advance(&api, TimeDelta::minutes(10));
        }
    }
    let fixture = json!({
        "identifiers": {"phone": PHONE}, "metadata": {"identifiers": {"phone": {"verificationMethod": "otp"}}}
    });
    assert_answer(&hooli.get("/1-click/22222222-2222-4222-8222-000000000002").await, StatusCode::OK, &fixture);
}

#[tokio::test]
async fn the_message_and_the_answer_are_as_the_brand_asks() {
    for (options, hosted, sms) in [
        (json!(null), true, "Enter this code to verify for Kredita: 111-111"),
        (json!("only_code"), true, "Enter this code to verify for Kredita: 111-111"),
        (json!("only_link"), true, "Click this link to verify for Kredita: {link}"),
        (json!("both_link_and_code"), true, "Click this link to verify for Kredita: {link} or enter this code: 111-111"),
        (json!(null), false, "Enter this code to verify for Kredita: 111-111"),
        (json!("only_code"), false, "Enter this code to verify for Kredita: 111-111"),
        (json!("only_link"), false, "Click this link to verify for Kredita: {link}"),
        (json!("both_link_and_code"), false, "Click this link to verify for Kredita: {link} or enter this code: 111-111"),
    ] {
        let (api, kredita) = start_as(KREDITA);
        let sent = json!({"phone": PHONE, "verificationOptions": options, "isHosted": hosted, "birthDate": "1989-08-01"});
        let answer = kredita.post("/1-click", &sent).await;
        let body = answer.json();
        let message = &api.understudy.messages(None).unwrap()[0];
        assert_eq!(message.to, PHONE, "{sent}");
        let link = message.link.clone().unwrap_or_default();
        let sms = sms.replace("{link}", &link);
        assert_eq!(message.body, sms, "{sent}");
        assert_eq!(link.starts_with(&format!("{}/mt/", api.base)), sms.starts_with("Click"), "{sent}: {link}");
        assert_eq!(message.code.is_some(), options != "only_link", "{sent}");
        let expected = if hosted {
            json!({"url": body["url"], "match": true, "smsBody": sms})
        } else {
            let uuid = id(&body, "/uuid");
            let query = "phone=%2B10123456789&phoneCarrier=true";
            let rest = "issuePhoneCarrierCredentials=false&isHosted=false";
            let url = format!("{}/signin/verify/generic?{query}&requestId={uuid}&{rest}", api.base);
            if options == "only_link" {
                json!({"match": true, "smsBody": sms, "uuid": uuid})
            } else {
                json!({"url": url, "match": true, "smsBody": sms, "uuid": uuid})
            }
        };
        assert_answer(&answer, StatusCode::CREATED, &expected);
        // The link proves the phone like the code.
        if hosted && !link.is_empty() {
            let opened = api.get(link.strip_prefix(&api.base).unwrap()).await;
            assert_eq!((opened.status, opened.location()), (StatusCode::FOUND, body["url"].as_str().unwrap()), "{sent}");
        }
    }
}

#[tokio::test]
async fn a_non_hosted_flow_shares_at_once_when_the_code_arrives() {
    let (api, hooli) = start_as(HOOLI);
    let phone = "+12125550010";
    let sent = json!({"phone": phone, "isHosted": false});
    let message = "Additional information is required to source data for user: birthDate";
    assert_answer(&hooli.post("/1-click", sent).await, StatusCode::BAD_REQUEST, &one_click_error("OCE011", message));
    let sent = json!({"phone": phone, "isHosted": false, "birthDate": "1989-08-01", "redirectUrl": "https://app.example/in", "email": null});
    let started = start(&hooli, sent).await;
    let uuid = id(&started, "/uuid");
    let path = format!("/1-click/{uuid}");
    assert_answer(&hooli.get(&path).await, StatusCode::NOT_FOUND, &no_one_click());
    let url = text(&started, "/url");
    let entered = api.get(&format!("{}&code=111111", url.strip_prefix(&api.base).unwrap())).await;
    let back = format!("https://app.example/in?1ClickUuid={uuid}&optedOut=false");
    assert_eq!((entered.status, entered.location()), (StatusCode::FOUND, back.as_str()));
    let answer = hooli.get(&path).await;
    let expected = entity(&answer.json(), json!("otp"), richard(phone), &millis(0), |_| json!("phone_carrier"));
    assert_answer(&answer, StatusCode::OK, &expected);
    advance(&api, TimeDelta::milliseconds(299_999));
    assert_eq!(hooli.get(&path).await.status, StatusCode::OK);
    advance(&api, TimeDelta::milliseconds(1));
    assert_answer(&hooli.get(&path).await, StatusCode::NOT_FOUND, &no_one_click());
}

#[tokio::test]
async fn an_email_that_was_sent_is_an_identifier_nobody_verified() {
    let (api, hooli) = start_as(HOOLI);
    let url = text(
        &start(&hooli, json!({"phone": PHONE, "email": "Rich@example.com", "credentialRequests": ["SsnCredential"]})).await,
        "/url",
    );
    let uuid = consent(&api, &url, json!({}));
    let answer = hooli.get(&format!("/1-click/{uuid}")).await;
    let mut expected = entity(&answer.json(), json!("otp"), json!({"ssn": "123456789"}), &millis(0), |_| json!("phone_carrier"));
    expected["identifiers"] = json!({"phone": PHONE, "email": "Rich@example.com"});
    expected["metadata"]["identifiers"] = json!({"phone": {"verificationMethod": "otp"}, "email": {"verificationMethod": null}});
    assert_answer(&answer, StatusCode::OK, &expected);
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_named() {
    let (api, hooli) = start_as(HOOLI);
    let with = |field: &str, value: Value| json!({"phone": PHONE, field: value});
    let content = |field: &str, value: Value| with("content", json!({field: value}));
    let request = |value: Value| with("credentialRequests", json!([value]));
    let typed = |field: &str, value: Value| request(json!({"type": "SsnCredential", field: value}));
    let date = "birthDate must be in YYYY-MM-DD format";
    let titles = "content.title must be one of Signup, Verify, Apply, Login, Access";
    let options = "verificationOptions must be one of only_link, only_code, both_link_and_code";
    let mandatory = "credentialRequests[0].mandatory must be one of yes, no, if_available";
    let issuers = "credentialRequests[0].issuers must be an array of brand uuids";
    let part = "credentialRequests[0].children[1].type is required";
    for (sent, message) in [
        (with("email", json!("a@b")), "email must be a valid email address"),
        (with("email", json!(1)), "email must be a string"),
        (with("birthDate", json!("1989-02-30")), date),
        (with("birthDate", json!("08/01/1989")), date),
        (with("birthDate", json!("1989-8-1")), date),
        (with("birthDate", json!("")), date),
        (with("birthDate", json!(617_976_000_000_i64)), date),
        (with("verificationOptions", json!("only_mail")), options),
        (with("verificationOptions", json!("")), options),
        (with("verificationOptions", json!(true)), "verificationOptions must be a string"),
        (with("content", json!("Signup")), "content must be an object"),
        (with("content", json!([])), "content must be an object"),
        (content("title", json!("signup")), titles),
        (content("title", json!("")), titles),
        (content("title", json!(1)), titles),
        (content("description", json!(1)), "content.description must be a string"),
        (with("redirectUrl", json!("/done")), "redirectUrl must be an absolute URL"),
        (with("redirectUrl", json!("")), "redirectUrl must be an absolute URL"),
        (with("redirectUrl", json!("app.example/done")), "redirectUrl must be an absolute URL"),
        (with("redirectUrl", json!(1)), "redirectUrl must be a string"),
        (with("isHosted", json!("false")), "isHosted must be a boolean"),
        (with("isHosted", json!(0)), "isHosted must be a boolean"),
        (with("credentialRequests", json!([])), "credentialRequests is required"),
        (with("credentialRequests", json!({})), "credentialRequests is required"),
        (with("credentialRequests", json!("SsnCredential")), "credentialRequests is required"),
        (request(json!(1)), "credentialRequests[0] must be an object"),
        (request(json!("")), "credentialRequests[0] must be an object"),
        (request(json!({})), "credentialRequests[0].type is required"),
        (request(json!({"type": null})), "credentialRequests[0].type is required"),
        (request(json!({"type": ""})), "credentialRequests[0].type must be a string"),
        (request(json!({"type": 1})), "credentialRequests[0].type must be a string"),
        (typed("mandatory", json!("maybe")), mandatory),
        (typed("mandatory", json!(true)), mandatory),
        (typed("required", json!("yes")), "credentialRequests[0].required must be a boolean"),
        (typed("allowUserInput", json!(1)), "credentialRequests[0].allowUserInput must be a boolean"),
        (typed("description", json!({})), "credentialRequests[0].description must be a string"),
        (typed("issuers", json!("Hooli")), issuers),
        (typed("issuers", json!(["Hooli"])), issuers),
        (typed("issuers", json!([1])), issuers),
        (typed("issuers", json!(["7854ec22f9134d67824dadb2a756bf3c"])), issuers),
        (typed("children", json!({})), "credentialRequests[0].children must be an array"),
        (typed("children", json!(["A", {"issuers": []}])), part),
    ] {
        let answer = hooli.post("/1-click", &sent).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, bad_request(message)), "{sent}");
    }
    let missing = "Either 'phone' or 'email' is required";
    let unsupported = "Unsupported phone number to use 1-Click";
    for (sent, code, message) in [
        (json!({}), "OCE003", missing),
        (json!({"email": "a@b.co"}), "OCE003", missing),
        (json!({"phone": null}), "OCE003", missing),
        (json!({"phone": 10_123_456_789_i64}), "OCE003", missing),
        (json!({"phone": ""}), "OCE002", unsupported),
        (json!({"phone": "10123456789"}), "OCE002", unsupported),
        (json!({"phone": "+0123456789"}), "OCE002", unsupported),
        (json!({"phone": "+1 012 345 6789"}), "OCE002", unsupported),
        (json!({"phone": "+1234567890123456"}), "OCE002", unsupported),
        (json!({"phone": "+12125550022", "birthDate": "1989-08-02"}), "OCE012", "BirthDate mismatch."),
    ] {
        let answer = hooli.post("/1-click", &sent).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::BAD_REQUEST, one_click_error(code, message)), "{sent}");
    }
    assert_eq!(api.understudy.messages(None).unwrap().len(), 0, "a call that is refused sends nothing");
}

#[tokio::test]
async fn every_form_that_is_right_is_taken() {
    let (_api, hooli) = start_as(HOOLI);
    for sent in [
        json!({"phone": "+550123456789"}),
        json!({"phone": PHONE, "birthDate": "2004-02-29", "colour": 1}),
        json!({"phone": "+12125550022", "birthDate": "1989-08-01"}),
        json!({"phone": "+12125550022"}),
        json!({"phone": PHONE, "content": {"title": "Login", "description": "Is it you?"}}),
        json!({"phone": PHONE, "content": {"title": "Access"}}),
        json!({"phone": PHONE, "content": {"title": "Verify"}}),
        json!({"phone": PHONE, "content": {"title": "Apply"}}),
        json!({"phone": PHONE, "content": {"title": "Signup"}}),
        json!({"phone": PHONE, "content": null, "redirectUrl": null, "isHosted": null, "credentialRequests": null}),
        json!({"phone": PHONE, "redirectUrl": "myapp://done"}),
        json!({"phone": PHONE, "credentialRequests": ["DobCredential", {"type": "EmailCredential", "mandatory": null}]}),
        json!({"phone": PHONE, "credentialRequests": [{
            "type": "FullNameCredential", "issuers": ["C3BE0124-8F03-4983-BAEF-3302E0BE88F4"], "required": true, "mandatory": "yes",
            "description": "For us", "allowUserInput": false, "children": [{"type": "FirstNameCredential", "mandatory": "if_available"}]
        }]}),
    ] {
        assert_eq!(start(&hooli, sent.clone()).await["match"], true, "{sent}");
    }
}

#[tokio::test]
async fn where_nothing_can_be_had_there_is_no_match_and_no_message() {
    let (api, hooli) = start_as(HOOLI);
    let ask = |phone: &str, request: Value| json!({"phone": phone, "credentialRequests": [request]});
    let must = |kind: &str| json!({"type": kind, "mandatory": "yes"});
    for sent in [
        json!({"phone": "+447911123456"}),
        json!({"phone": "+12"}),
        json!({"phone": "+121255500100"}),
        json!({"phone": "+14045551300"}),
        ask("+13135550033", must("SsnCredential")),
        ask("+13135550030", json!({"type": "FullNameCredential", "required": true})),
        ask("+13135550031", must("AddressCredential")),
        ask("+13135550034", must("BirthDateCredential")),
        ask(PHONE, must("EmployerCredential")),
        ask(PHONE, must("DobCredential")),
        ask(PHONE, json!({"type": "SsnCredential", "mandatory": "yes", "issuers": ["f42c3a46-b45f-459e-a707-104ee6aa3000"]})),
        ask(PHONE, json!({"type": "FullNameCredential", "children": [{"type": "MiddleNameCredential", "mandatory": "yes"}]})),
    ] {
        assert_answer(&hooli.post("/1-click", &sent).await, StatusCode::CREATED, &json!({"match": false}));
    }
    assert_eq!(api.understudy.messages(None).unwrap().len(), 0);
    for sent in [
        ask("+13135550033", json!({"type": "SsnCredential", "mandatory": "yes", "allowUserInput": true})),
        ask("+13135550033", json!({"type": "SsnCredential", "mandatory": "if_available"})),
        ask("+13135550033", json!({"type": "SsnCredential", "mandatory": "no"})),
        json!({"phone": "+13135550030"}),
    ] {
        assert_eq!(start(&hooli, sent.clone()).await["match"], true, "{sent}");
    }
}

#[tokio::test]
async fn a_hosted_flow_that_nobody_finishes_is_over_after_half_an_hour() {
    let (api, hooli) = start_as(HOOLI);
    let url = text(&start(&hooli, json!({"phone": PHONE, "credentialRequests": ["SsnCredential"]})).await, "/url");
    let path = url.strip_prefix(&api.base).unwrap();
    let browser = api.with_cookies();
    assert_eq!(browser.post(&format!("{path}/verify"), [("code", "111111")]).await.status, StatusCode::FOUND);
    advance(&api, TimeDelta::milliseconds(30 * 60_000 - 1));
    assert_eq!(browser.get(path).await.status, StatusCode::OK);
    advance(&api, TimeDelta::milliseconds(1));
    assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND);
    let refused = api.understudy.simulate("verified", "consent", json!({"url": url}));
    assert!(matches!(refused, Err(Refusal::Conflict(_))), "{refused:?}");
}

#[tokio::test]
async fn a_code_holds_for_five_minutes_and_three_attempts() {
    let (api, hooli) = start_as(HOOLI);
    let attempt = |url: &str, code: &str| api.understudy.simulate("verified", "consent", json!({"url": url, "code": code}));
    let says = |text: &str| json!({"redirectUrl": null, "uuid": null, "error": text});
    let invalid = says("Invalid or expired verification code");
    let late = text(&start(&hooli, json!({"phone": PHONE})).await, "/url");
    let in_time = text(&start(&hooli, json!({"phone": PHONE})).await, "/url");
    advance(&api, TimeDelta::milliseconds(299_999));
    assert!(attempt(&in_time, "111-111").unwrap()["uuid"].is_string());
    advance(&api, TimeDelta::milliseconds(1));
    assert_eq!(attempt(&late, "111111").unwrap(), invalid);
    assert_eq!(simulate(&api, "consent", json!({"url": late})), invalid);

    let url = text(&start(&hooli, json!({"phone": PHONE})).await, "/url");
    assert_eq!(attempt(&url, "000000").unwrap(), invalid);
    assert_eq!(attempt(&url, "111112").unwrap(), invalid);
    let over = says("Maximum code attempts exceeded. Please start a new 1-Click flow.");
    assert_eq!(attempt(&url, "222222").unwrap(), over);
    let refused = attempt(&url, "111111");
    assert!(matches!(refused, Err(Refusal::Conflict(_))), "{refused:?}");
}

#[tokio::test]
async fn random_codes_are_in_the_message_and_nowhere_else() {
    let api = Api::with("verified", crate::harness::builder().setting("verified", "codes", json!("random")));
    let hooli = api.bearer(HOOLI);
    let mut codes = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let started = start(&hooli, json!({"phone": PHONE})).await;
        let message = api.understudy.messages(None).unwrap().pop().unwrap();
        let code = message.code.unwrap();
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        let sms = format!("Enter this code to verify for Hooli: {}-{}", &code[..3], &code[3..]);
        assert_eq!((started["smsBody"].as_str(), message.body.as_str()), (Some(sms.as_str()), sms.as_str()));
        consent(&api, &text(&started, "/url"), json!({}));
        codes.insert(code);
    }
    assert_eq!(codes.len(), 3);
}

#[tokio::test]
async fn a_person_can_be_simulated_from_every_address_that_they_get() {
    let (api, hooli) = start_as(HOOLI);
    for hosted in [true, false] {
        let sent =
            json!({"phone": PHONE, "verificationOptions": "both_link_and_code", "isHosted": hosted, "birthDate": "1989-08-01"});
        for by_link in [true, false] {
            let started = start(&hooli, sent.clone()).await;
            let link = api.understudy.messages(None).unwrap().pop().unwrap().link.unwrap();
            let uuid = consent(&api, if by_link { &link } else { started["url"].as_str().unwrap() }, json!({}));
            let read = hooli.get(&format!("/1-click/{uuid}")).await.json();
            assert_eq!(read["credentials"], richard(PHONE), "hosted {hosted}, by link {by_link}");
        }
    }
    let control = Client::new(api.understudy.control_url());
    let url = start(&hooli, json!({"phone": PHONE})).await["url"].clone();
    let wrong = control.post("/simulations/verified/consent", json!({"url": url, "values": {"ssn": "1"}})).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong.json()["detail"], "values.ssn: must match format \"ssn\"");
    let done = control.post("/simulations/verified/consent", json!({"url": url})).await;
    assert_eq!(done.status, StatusCode::OK);
    let again = control.post("/simulations/verified/decline", json!({"url": url})).await;
    assert_eq!(
        (again.status, &again.json()["detail"]),
        (StatusCode::CONFLICT, &json!("the request was decided before, or is over"))
    );
    let unknown = control.post("/simulations/verified/decline", json!({"url": "nowhere"})).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_call_starts_a_flow_of_its_own() {
    let (api, hooli) = start_as(HOOLI);
    let (one, two) = (start(&hooli, json!({"phone": PHONE})).await, start(&hooli, json!({"phone": PHONE})).await);
    assert_ne!(one["url"], two["url"]);
    assert_eq!(api.understudy.messages(Some(PHONE)).unwrap().len(), 2);
    let (first, second) =
        (consent(&api, &text(&one, "/url"), json!({})), consent(&api, &text(&two, "/url"), json!({"ssn": "222334455"})));
    assert_ne!(first, second);
    assert_eq!(hooli.get(&format!("/1-click/{first}")).await.json()["credentials"]["ssn"], "123456789");
    assert_eq!(hooli.get(&format!("/1-click/{second}")).await.json()["credentials"]["ssn"], "222334455");
}
