//! The wallet's consent page: what it shows, and what becomes of what a person does there.

use http::StatusCode;
use serde_json::{Value, json};

use super::page::{Form, shown};
use super::wallet::{hosted, parameter, post, share_and_read, signed_in, text};
use super::{ACME, HOOLI, HOOLI_UUID, KREDITA};
use crate::client::Client;
use crate::harness::Api;

/// The consent page of a new 1-Click with these requests, its address, and the browser that sees it.
async fn consent(api: &Api, phone: &str, requests: Value) -> (String, Client, String) {
    let url = hosted(api, json!({"phone": phone, "credentialRequests": requests})).await;
    let browser = signed_in(api, &url).await;
    let page = browser.get(&url).await;
    assert_eq!(page.status, StatusCode::OK);
    (url, browser, page.text().to_owned())
}

/// Sends a form as a browser would, and reads the 1-Click.
async fn send_and_read(api: &Api, browser: &Client, form: &Form) -> Value {
    let shared = form.send(browser).await;
    let read = api.get(&format!("/1-click/{}", parameter(&shared, "1ClickUuid"))).bearer(HOOLI).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text());
    read.json()
}

/// How each value was verified, by dotted short type.
fn methods(read: &Value) -> Vec<(String, Value)> {
    fn collect(at: &str, node: &Value, into: &mut Vec<(String, Value)>) {
        for (name, inner) in node.as_object().unwrap() {
            let name = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
            match inner.get("verificationMethod") {
                Some(method) => into.push((name, method.clone())),
                None => collect(&name, inner, into),
            }
        }
    }
    let mut all = Vec::new();
    collect("", &read["metadata"]["credentials"], &mut all);
    all
}

/// The names of the values that a person gave.
fn self_attested(read: &Value) -> Vec<String> {
    methods(read).into_iter().filter(|(_, method)| method == "self_attested").map(|(name, _)| name).collect()
}

#[tokio::test]
async fn the_page_shows_every_request_with_what_is_known() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+10123456789"})).await;
    let page = signed_in(&api, &url).await.get(&url).await;
    insta::assert_snapshot!(shown(page.text()), @r"
    HHooli
    1-Click Signup
    Make sure everything is correct:
    This information comes from your phone carrier and other trusted sources, verified with your phone number.
    Full Name
    Share [x]
    First Name
    [fullName.firstName: Richard]
    Middle Name
    [fullName.middleName: ]
    Last Name
    [fullName.lastName: Hendricks]
    Email
    Share [x]
    [email: richard@piedpiper.net]
    Phone
    Share [x]
    (012) 345-6789
    Address
    Share [x]
    Address Line 1
    [address.line1: 5320 Newell Rd]
    Address Line 2
    [address.line2: ]
    City
    [address.city: Palo Alto]
    State or Region
    [address.state: CA]
    Country
    [address.country: United States of America of 248 options]
    Zip Code
    [address.zipCode: 94303]
    Birthday
    Share [x]
    [birthDate: 1989-08-01]
    On file: August 1, 1989
    Social Security Number
    Share [x]
    [ssn: 123-45-6789]
    1-Click Signup
    Enter info manually instead
    By choosing “1-Click Signup” you agree to share the information above with Hooli under its terms <https://hooli.example/terms> and privacy policy <https://hooli.example/privacy>.
    ");
}

#[tokio::test]
async fn the_page_says_what_the_brand_asked_it_to_say() {
    let api = Api::start("verified");
    let url = hosted(
        &api,
        json!({
            "phone": "+12125550010",
            "content": {"title": "Apply", "description": "Look twice:"},
            "credentialRequests": [
                {"type": "SsnCredential", "mandatory": "yes", "description": "We must know."},
                {"type": "FullNameCredential", "required": true, "children": [{"type": "LastNameCredential"}]},
                {"type": "PhoneCredential", "mandatory": "if_available"},
                {"type": "GenderCredential", "mandatory": "if_available", "allowUserInput": true, "description": "If you like."},
                {"type": "BirthDateCredential", "mandatory": "no"},
                {"type": "DobCredential", "required": false},
                "EmailCredential"
            ]
        }),
    )
    .await;
    let page = signed_in(&api, &url).await.get(&url).await;
    insta::assert_snapshot!(shown(page.text()), @r"
    HHooli
    1-Click Apply
    Look twice:
    This information comes from your phone carrier and other trusted sources, verified with your phone number.
    * Required
    Social Security Number *
    123-45-6789
    Hooli: We must know.
    Full Name *
    Hendricks
    Phone *
    (212) 555-0010
    Gender
    Share [x]
    [gender: of Male | Female | Non-Binary | Other]
    Hooli: If you like.
    Birthday
    Share [x]
    August 1, 1989
    DobCredential
    Not available
    Email
    Share [x]
    richard@piedpiper.net
    1-Click Apply
    Enter info manually instead
    By choosing “1-Click Apply” you agree to share the information above with Hooli under its terms <https://hooli.example/terms> and privacy policy <https://hooli.example/privacy>.
    ");
}

#[tokio::test]
async fn what_was_not_touched_is_shared_as_it_was() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+12125550010"})).await;
    let browser = signed_in(&api, &url).await;
    let bare = share_and_read(&api, &browser, &url, []).await;
    let url = hosted(&api, json!({"phone": "+12125550010"})).await;
    let browser = signed_in(&api, &url).await;
    let form = Form::of(browser.get(&url).await.text(), "/share");
    let from_browser = send_and_read(&api, &browser, &form).await;
    for read in [&bare, &from_browser] {
        assert_eq!(
            read["credentials"],
            json!({
                "fullName": {"firstName": "Richard", "lastName": "Hendricks"},
                "email": "richard@piedpiper.net",
                "phone": "+12125550010",
                "address": {"line1": "5320 Newell Rd", "city": "Palo Alto", "state": "CA", "country": "US", "zipCode": "94303"},
                "birthDate": "617976000000",
                "ssn": "123456789"
            })
        );
        let methods = methods(read);
        assert_eq!(methods.len(), 11, "{methods:?}");
        assert!(methods.iter().all(|(_, method)| method == "phone_carrier"), "{methods:?}");
    }
}

#[tokio::test]
async fn every_kind_of_field_can_be_edited() {
    let api = Api::start("verified");
    let one = |kind: &str| json!([{"type": kind, "allowUserInput": true}]);
    for (kind, field, typed, stored) in [
        ("SsnCredential", "ssn", "222334455", "222334455"),
        ("SsnCredential", "ssn", "222-33-4455", "222334455"),
        ("SsnCredential", "ssn", "222 33 4455", "222334455"),
        ("EmailCredential", "email", " jared@piedpiper.net ", "jared@piedpiper.net"),
        ("PhoneCredential", "phone", "+12025550123", "+12025550123"),
        ("PhoneCredential", "phone", "(202) 555-0123", "+12025550123"),
        ("PhoneCredential", "phone", "202.555.0123", "+12025550123"),
        ("PhoneCredential", "phone", "+44 20 7946 0958", "+442079460958"),
        ("BirthDateCredential", "birthDate", "1959-06-30", "-331560000000"),
        ("BirthDateCredential", "birthDate", "June 30, 1959", "-331560000000"),
        ("BirthDateCredential", "birthDate", "-331560000000", "-331560000000"),
        ("GenderCredential", "gender", "Non-Binary", "Non-Binary"),
        ("NationalityCredential", "nationality", "DE", "DE"),
        ("FullNameCredential", "fullName.firstName", "Erlich", "Erlich"),
        ("FullNameCredential", "fullName.middleName", "B.", "B."),
        ("AddressCredential", "address.line2", "Apt 2", "Apt 2"),
        ("AddressCredential", "address.zipCode", "94303-1234", "94303-1234"),
        ("EmployerCredential", "employer.employerName", "Pied Piper", "Pied Piper"),
        ("EmployerCredential", "employer.employmentStartDate", "2014-04-06", "1396785600000"),
        ("EmployerCredential", "employer.incomeRange", "USD min0_max25000", "USD min0_max25000"),
        ("FirstNameCredential", "firstName", "Erlich", "Erlich"),
    ] {
        let (url, browser, page) = consent(&api, "+12125550010", one(kind)).await;
        let form = Form::of(&page, "/share").with(field, typed);
        let read = send_and_read(&api, &browser, &form).await;
        let pointer = format!("/credentials/{}", field.replace('.', "/"));
        assert_eq!(read.pointer(&pointer), Some(&json!(stored)), "{field}={typed} in {read}");
        assert_eq!(self_attested(&read), [field], "{field}={typed}");

        let again = post(&browser, &url, "share", [(field, typed)]).await;
        assert_eq!(again.status, StatusCode::OK, "the flow is over");
        let (url, browser, _) = consent(&api, "+12125550010", one(kind)).await;
        let bare = share_and_read(&api, &browser, &url, [(field, typed)]).await;
        assert_eq!(bare.pointer(&pointer), Some(&json!(stored)), "{field}={typed} alone");
    }
}

#[tokio::test]
async fn a_nested_composite_is_typed_part_by_part() {
    let api = Api::start("verified");
    let requests = json!([{"type": "EmployerCredential", "allowUserInput": true}]);
    let (_, browser, page) = consent(&api, "+12125550010", requests).await;
    let form = Form::of(&page, "/share")
        .with("employer.employerName", "Pied Piper")
        .with("employer.annualIncome.currency", "USD")
        .with("employer.annualIncome.amount", "101000");
    let read = send_and_read(&api, &browser, &form).await;
    let expected = json!({"employer": {"employerName": "Pied Piper", "annualIncome": {"currency": "USD", "amount": "101000"}}});
    assert_eq!(read["credentials"], expected);
}

#[tokio::test]
async fn a_value_equal_to_the_shown_one_keeps_how_it_was_verified() {
    let api = Api::start("verified");
    for (field, typed) in [
        ("birthDate", "1989-08-01"),
        ("birthDate", "August 1, 1989"),
        ("birthDate", "617976000000"),
        ("ssn", "123-45-6789"),
        ("ssn", "123456789"),
        ("email", "richard@piedpiper.net"),
        ("address.line1", "5320 Newell Rd"),
        ("fullName.lastName", " Hendricks "),
    ] {
        let url = hosted(&api, json!({"phone": "+12125550010"})).await;
        let browser = signed_in(&api, &url).await;
        let read = share_and_read(&api, &browser, &url, [(field, typed)]).await;
        assert_eq!(self_attested(&read), Vec::<String>::new(), "{field}={typed}");
    }
}

#[tokio::test]
async fn fields_that_may_not_be_edited_are_ignored() {
    let api = Api::start("verified");
    let requests = json!([
        {"type": "PhoneCredential"},
        {"type": "SsnCredential", "allowUserInput": false},
        {"type": "FullNameCredential", "children": [{"type": "FirstNameCredential", "allowUserInput": true}]}
    ]);
    let (url, browser, page) = consent(&api, "+12125550010", requests).await;
    let offered: Vec<String> = Form::of(&page, "/share").pairs.into_iter().map(|(name, _)| name).collect();
    assert!(offered.iter().all(|name| name == "offered" || name == "selected"), "nothing can be typed: {offered:?}");
    let typed =
        [("phone", "+12025550123"), ("ssn", "222334455"), ("fullName.firstName", "Erlich"), ("email", "x@y.zz"), ("role", "admin")];
    let read = share_and_read(&api, &browser, &url, typed).await;
    let expected = json!({"phone": "+12125550010", "ssn": "123456789", "fullName": {"firstName": "Richard"}});
    assert_eq!(read["credentials"], expected);
    assert_eq!(self_attested(&read), Vec::<String>::new());
}

#[tokio::test]
async fn a_value_that_breaks_its_schema_is_refused_and_nothing_is_shared() {
    let api = Api::start("verified");
    for (field, typed, label, at, message) in [
        ("ssn", "12345678", "Social Security Number", "ssn", r#"must match format "ssn""#),
        ("ssn", "abc", "Social Security Number", "ssn", r#"must match format "ssn""#),
        ("email", "richard", "Email", "email", r#"must match format "email""#),
        ("birthDate", "1989-02-30", "Birthday", "birthDate", r#"must match format "unixMsEpochDayFormat""#),
        ("birthDate", "yesterday", "Birthday", "birthDate", r#"must match format "unixMsEpochDayFormat""#),
        ("address.country", "ZZ", "Country", "address-country", r#"must match format "iso3361Alpha2""#),
        ("address.state", "Texas", "State or Region", "address-state", r#"must match format "iso3166RegionCode""#),
        ("address.zipCode", "ABC", "Zip Code", "address-zipCode", r#"must match format "usZipCode", must match "then" schema"#),
        (
            "address.state",
            "BY",
            "State or Region",
            "address-state",
            r#"must match format "iso3166USRegionCode", must match "then" schema"#,
        ),
    ] {
        let url = hosted(&api, json!({"phone": "+12125550010"})).await;
        let browser = signed_in(&api, &url).await;
        let form = Form::of(browser.get(&url).await.text(), "/share");
        let typed_form = if field == "address.country" { form.clone() } else { form.clone().with("ssn", "222-33-4455") };
        let refused = typed_form.with(field, typed).send(&browser).await;
        let page = refused.text();
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{field}={typed}");
        let lines = shown(page);
        assert!(lines.contains("Please check the information below."), "{field}={typed}: {lines}");
        let listed =
            lines.lines().find(|line| line.starts_with(&format!("{label} <#"))).unwrap_or_else(|| panic!("{field}: {lines}"));
        let said = listed.split_once("> : ").or_else(|| listed.split_once(">: ")).expect("a mistake has a text").1;
        assert_eq!(said, message, "{field}={typed}");
        assert!(page.contains(&format!(r#"id="error-{at}""#)), "{field}={typed} is marked at {at}");
        assert_eq!(Form::of(page, "/share").value(field), typed, "what was typed is still there");
        assert!(page.contains("<title>Error: 1-Click Signup · Hooli</title>"));

        let read = send_and_read(&api, &browser, &form).await;
        assert_eq!(self_attested(&read), Vec::<String>::new(), "{field}={typed}: nothing of it was kept");
    }
}

#[tokio::test]
async fn several_mistakes_are_all_listed() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+12125550010"})).await;
    let browser = signed_in(&api, &url).await;
    let refused = post(&browser, &url, "share", [("ssn", "1"), ("email", "a"), ("address.state", "Texas")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let lines = shown(refused.text());
    let listed: Vec<&str> = lines.lines().filter_map(|line| line.split_once(" <#")).map(|(label, _)| label).collect();
    assert_eq!(listed, ["Email", "State or Region", "Social Security Number"], "{lines}");
}

#[tokio::test]
async fn optional_items_can_be_left_out_and_required_ones_cannot() {
    let api = Api::start("verified");
    let requests = json!([
        {"type": "SsnCredential", "mandatory": "yes"},
        {"type": "PhoneCredential", "mandatory": "if_available"},
        {"type": "BirthDateCredential", "required": true, "allowUserInput": true},
        {"type": "EmailCredential", "allowUserInput": true},
        {"type": "AddressCredential", "mandatory": "no"}
    ]);
    let (_, browser, page) = consent(&api, "+12125550010", requests.clone()).await;
    let form = Form::of(&page, "/share");
    let offered: Vec<&str> = form.pairs.iter().filter(|(name, _)| name == "offered").map(|(_, item)| item.as_str()).collect();
    assert_eq!(offered, ["email", "address"]);
    let read = send_and_read(&api, &browser, &form.without("email").without("address")).await;
    let required = json!({"ssn": "123456789", "phone": "+12125550010", "birthDate": "617976000000"});
    assert_eq!(read["credentials"], required);

    let (url, browser, _) = consent(&api, "+12125550010", requests).await;
    let all_offered =
        [("offered", "ssn"), ("offered", "phone"), ("offered", "birthDate"), ("offered", "email"), ("offered", "address")];
    let read = share_and_read(&api, &browser, &url, all_offered).await;
    assert_eq!(read["credentials"], required, "a form that claims otherwise changes nothing");
}

#[tokio::test]
async fn a_mistake_in_an_item_that_is_left_out_is_none() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+12125550010"})).await;
    let browser = signed_in(&api, &url).await;
    let form = Form::of(browser.get(&url).await.text(), "/share").with("ssn", "1").without("ssn");
    let read = send_and_read(&api, &browser, &form).await;
    assert_eq!(read["credentials"].get("ssn"), None);
}

#[tokio::test]
async fn an_emptied_field_is_shared_as_nothing() {
    let api = Api::start("verified");
    let url = hosted(&api, json!({"phone": "+12125550010"})).await;
    let browser = signed_in(&api, &url).await;
    let form = Form::of(browser.get(&url).await.text(), "/share");
    let form = form.with("ssn", "").with("address.zipCode", " ").with("fullName.firstName", "").with("fullName.lastName", "");
    let read = send_and_read(&api, &browser, &form).await;
    let address = json!({"line1": "5320 Newell Rd", "city": "Palo Alto", "state": "CA", "country": "US"});
    assert_eq!(
        read["credentials"],
        json!({"email": "richard@piedpiper.net", "phone": "+12125550010", "address": address, "birthDate": "617976000000"})
    );
}

#[tokio::test]
async fn what_is_missing_and_mandatory_is_typed_in() {
    let api = Api::start("verified");
    let requests = json!([
        {"type": "SsnCredential", "mandatory": "yes", "allowUserInput": true},
        {"type": "PhoneCredential"}
    ]);
    let (url, browser, page) = consent(&api, "+13135550033", requests).await;
    let lines = shown(&page);
    assert!(lines.contains("Social Security Number *\n[ssn: ]\n"), "{lines}");
    for (case, refused) in [
        ("the form as it came", Form::of(&page, "/share").send(&browser).await),
        ("no fields at all", post(&browser, &url, "share", []).await),
        ("blanks", post(&browser, &url, "share", [("ssn", "  ")]).await),
    ] {
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{case}");
        let lines = shown(refused.text());
        assert!(
            lines.contains("Social Security Number <#field-ssn> : This field is required.")
                || lines.contains("Social Security Number <#field-ssn>: This field is required."),
            "{case}: {lines}"
        );
    }
    let read = send_and_read(&api, &browser, &Form::of(&page, "/share").with("ssn", "222334455")).await;
    assert_eq!(read["credentials"], json!({"ssn": "222334455", "phone": "+13135550033"}));
    assert_eq!(self_attested(&read), ["ssn"]);
}

#[tokio::test]
async fn a_mandatory_composite_must_be_typed_in_whole() {
    let api = Api::start("verified");
    let requests = json!([{"type": "FullNameCredential", "mandatory": "yes", "allowUserInput": true}]);
    let (_, browser, page) = consent(&api, "+13135550030", requests).await;
    let lines = shown(&page);
    assert!(lines.contains("First Name *\n[fullName.firstName: ]\nMiddle Name\n[fullName.middleName: ]\nLast Name *\n"), "{lines}");
    let form = Form::of(&page, "/share").with("fullName.firstName", "Erlich");
    let refused = form.clone().send(&browser).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text().contains(r#"id="error-fullName-lastName""#));
    let read = send_and_read(&api, &browser, &form.with("fullName.lastName", "Bachman")).await;
    assert_eq!(read["credentials"], json!({"fullName": {"firstName": "Erlich", "lastName": "Bachman"}}));
}

#[tokio::test]
async fn the_mandatory_parts_of_a_composite_are_required_once_it_is_given() {
    let api = Api::start("verified");
    let requests = json!([{
        "type": "AddressCredential", "allowUserInput": true,
        "children": [{"type": "CityCredential"}, {"type": "StateCredential", "mandatory": "yes"}, {"type": "CountryCredential", "mandatory": "yes"}]
    }]);
    let (_, browser, page) = consent(&api, "+13135550031", requests.clone()).await;
    let form = Form::of(&page, "/share");
    let refused = form.clone().with("address.city", "Houston").send(&browser).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let lines = shown(refused.text());
    assert_eq!(lines.matches("This field is required.").count(), 4, "twice each, in the list and at the field: {lines}");
    let complete = form.clone().with("address.city", "Houston").with("address.state", "TX").with("address.country", "US");
    let read = send_and_read(&api, &browser, &complete).await;
    assert_eq!(read["credentials"], json!({"address": {"city": "Houston", "state": "TX", "country": "US"}}));

    let (_, browser, page) = consent(&api, "+13135550031", requests).await;
    let read = send_and_read(&api, &browser, &Form::of(&page, "/share")).await;
    assert_eq!(read["credentials"], json!({}), "an optional address may be left empty");
}

#[tokio::test]
async fn one_of_several_values_is_selected_or_another_one_typed() {
    let api = Api::start("verified");
    let issue = json!({"email": "jared@piedpiper.net", "credentials": [{"type": "EmailCredential", "data": {"email": "dunn@piedpiper.net"}}]});
    let issued = api.post("/credentials", issue).bearer(HOOLI).await.json();
    let second = text(&issued["credentials"][0], "id");
    let first = "11111111-1111-4111-8112-000000000001";
    let ask = |may_type: bool| {
        json!({"email": "jared@piedpiper.net", "credentialRequests": [
            {"type": "EmailCredential", "mandatory": "yes", "allowUserInput": may_type, "issuers": [HOOLI_UUID]}
        ]})
    };
    for (case, may_type, fields, expected) in [
        ("untouched", true, vec![], json!({"id": first, "data": {"email": "jared@piedpiper.net"}})),
        (
            "the second",
            true,
            vec![("choice.email", second.as_str())],
            json!({"id": second, "data": {"email": "dunn@piedpiper.net"}}),
        ),
        (
            "the second, fixed",
            false,
            vec![("choice.email", second.as_str())],
            json!({"id": second, "data": {"email": "dunn@piedpiper.net"}}),
        ),
        (
            "another",
            true,
            vec![("choice.email", "other"), ("email", "j@dunn.example")],
            json!({"data": {"email": "j@dunn.example"}}),
        ),
        (
            "typed, not chosen",
            true,
            vec![("choice.email", second.as_str()), ("email", "j@dunn.example")],
            json!({"id": second, "data": {"email": "dunn@piedpiper.net"}}),
        ),
    ] {
        let asked = api.post("/hasMatchingCredentials", ask(may_type)).bearer(KREDITA).await.json();
        let url = text(&asked, "url");
        let browser = signed_in(&api, &url).await;
        let page = browser.get(&url).await;
        let other = if may_type { " | Enter a different one" } else { "" };
        let line = format!("[choice.email: jared@piedpiper.net of jared@piedpiper.net | dunn@piedpiper.net{other}]");
        assert!(shown(page.text()).contains(&line), "{case}: {}", shown(page.text()));
        let mut form = Form::of(page.text(), "/share");
        for (name, value) in fields {
            form = form.with(name, value);
        }
        let shared = form.send(&browser).await;
        let read =
            api.get(&format!("/sharedCredentials/{}", parameter(&shared, "sharedCredentialsUuid"))).bearer(KREDITA).await.json();
        let credentials = read["credentials"].as_array().unwrap();
        assert_eq!(credentials.len(), 1, "{case}");
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(credentials[0][key], *value, "{case}: {key}");
        }
        let method = if expected.get("id").is_some() { Value::Null } else { json!("self_attested") };
        assert_eq!(credentials[0]["verificationMethod"], method, "{case}");
    }
    let url = text(&api.post("/hasMatchingCredentials", ask(true)).bearer(KREDITA).await.json(), "url");
    let browser = signed_in(&api, &url).await;
    let empty = Form::of(browser.get(&url).await.text(), "/share").with("choice.email", "other").send(&browser).await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);
    assert_eq!(Form::of(empty.text(), "/share").value("choice.email"), "other", "the selector stays where it was");
}

#[tokio::test]
async fn a_composite_in_the_old_form_is_shown_and_shared_as_it_is() {
    let api = Api::start("verified");
    let issue = json!({"email": "big.head@hooli.example", "credentials": [{"type": "FullNameCredential", "data": {"fullName": "Nelson Bighetti"}}]});
    assert_eq!(api.post("/credentials", issue).bearer(HOOLI).await.status, StatusCode::CREATED);
    for (case, typed, expected) in [
        ("untouched", None, json!({"fullName": "Nelson Bighetti"})),
        ("typed over", Some("Nelson"), json!([{"firstName": "Nelson"}])),
    ] {
        let ask = json!({"email": "big.head@hooli.example", "credentialRequests": [{"type": "FullNameCredential", "allowUserInput": true}]});
        let url = text(&api.post("/hasMatchingCredentials", ask).bearer(KREDITA).await.json(), "url");
        let browser = signed_in(&api, &url).await;
        let page = browser.get(&url).await;
        assert!(shown(page.text()).contains("On file: Nelson Bighetti"), "{case}: {}", shown(page.text()));
        let mut form = Form::of(page.text(), "/share");
        if let Some(typed) = typed {
            form = form.with("fullName.firstName", typed);
        }
        let uuid = parameter(&form.send(&browser).await, "sharedCredentialsUuid");
        let read = api.get(&format!("/sharedCredentials/{uuid}")).bearer(KREDITA).await.json();
        let data = &read["credentials"][0]["data"];
        let told = match data.as_array() {
            Some(children) => children.iter().map(|child| child["data"].clone()).collect(),
            None => data.clone(),
        };
        assert_eq!(told, expected, "{case}");
    }
}

#[tokio::test]
async fn hostile_values_are_shown_as_text() {
    let api = Api::start("verified");
    let hostile = r#"<script>alert(1)</script>"'&<b>x"#;
    let issue = json!({"email": "bobby@tables.example", "credentials": [
        {"type": "FullNameCredential", "data": [{"type": "FirstNameCredential", "data": {"firstName": hostile}}]}
    ]});
    assert_eq!(api.post("/credentials", issue).bearer(HOOLI).await.status, StatusCode::CREATED);
    for may_type in [false, true] {
        let ask = json!({"email": "bobby@tables.example", "description": hostile, "credentialRequests": [
            {"type": "FullNameCredential", "allowUserInput": may_type, "description": hostile},
            {"type": hostile}
        ]});
        let url = text(&api.post("/hasMatchingCredentials", ask).bearer(KREDITA).await.json(), "url");
        let browser = signed_in(&api, &url).await;
        let page = browser.get(&url).await;
        let (html, lines) = (page.text(), shown(page.text()));
        assert_eq!(html.matches("<script").count(), 0);
        assert_eq!(html.matches("<b>x").count(), 0);
        let name = if may_type { format!("[fullName.firstName: {hostile}]") } else { hostile.to_owned() };
        for expected in [hostile, &format!("Kredita: {hostile}"), &name] {
            assert!(lines.lines().any(|line| line == expected), "{expected} in {lines}");
        }
    }
    let url = hosted(&api, json!({"phone": "+12125550022", "content": {"description": hostile}})).await;
    let browser = signed_in(&api, &url).await;
    let again = post(&browser, &url, "identity", [("birthDate", hostile)]).await;
    assert_eq!(Form::of(again.text(), "/identity").value("birthDate"), hostile);
    assert_eq!(again.text().matches("<script").count(), 0);
    post(&browser, &url, "identity", [("ssn4", "6789")]).await;
    let refused = post(&browser, &url, "share", [("ssn", hostile)]).await;
    assert_eq!(Form::of(refused.text(), "/share").value("ssn"), hostile);
    assert_eq!(refused.text().matches("<script").count(), 0);
}

#[tokio::test]
async fn heading_and_button_are_the_title_of_the_call() {
    let api = Api::start("verified");
    for title in ["Signup", "Verify", "Apply", "Login", "Access"] {
        let url = hosted(&api, json!({"phone": "+12125550010", "content": {"title": title}})).await;
        let page = signed_in(&api, &url).await.get(&url).await;
        let lines = shown(page.text());
        let named = lines.lines().filter(|line| *line == format!("1-Click {title}")).count();
        assert_eq!(named, 2, "{title}: {lines}");
        assert!(page.text().contains(&format!("<title>1-Click {title} · Hooli</title>")), "{title}");
    }
}

#[tokio::test]
async fn a_brand_without_terms_has_no_links_to_them() {
    let api = Api::start("verified");
    let started = api.post("/1-click", json!({"phone": "+12125550010"})).bearer(ACME).await.json();
    let url = text(&started, "url");
    let page = signed_in(&api, &url).await.get(&url).await;
    let lines = shown(page.text());
    assert_eq!(lines.lines().next(), Some("AAcme Lending"));
    let legal = "By choosing “1-Click Signup” you agree to share the information above with Acme Lending under its terms and privacy policy.";
    assert_eq!(lines.lines().last(), Some(legal));
}

#[tokio::test]
async fn a_composite_that_lacks_a_mandatory_part_is_completed_by_the_person() {
    let api = Api::start("verified");
    let issue = json!({"email": "big.head@hooli.example", "credentials": [
        {"type": "EmailCredential", "data": {"email": "big.head@hooli.example"}},
        {"type": "FullNameCredential", "data": [{"type": "FirstNameCredential", "data": {"firstName": "Nelson"}}]}
    ]});
    assert_eq!(api.post("/credentials", issue).bearer(HOOLI).await.status, StatusCode::CREATED);
    let ask = json!({"email": "big.head@hooli.example", "credentialRequests": [
        "EmailCredential", {"type": "FullNameCredential", "mandatory": "yes", "allowUserInput": true}
    ]});
    let url = text(&api.post("/hasMatchingCredentials", ask).bearer(KREDITA).await.json(), "url");
    let browser = signed_in(&api, &url).await;
    let form = Form::of(browser.get(&url).await.text(), "/share");
    assert_eq!((form.value("fullName.firstName"), form.value("fullName.lastName")), ("Nelson", ""));
    assert_eq!(form.send(&browser).await.status, StatusCode::BAD_REQUEST);
    let shared = form.with("fullName.lastName", "Bighetti").send(&browser).await;
    let read = api.get(&format!("/sharedCredentials/{}", parameter(&shared, "sharedCredentialsUuid"))).bearer(KREDITA).await.json();
    let parts = read["credentials"][1]["data"].as_array().unwrap();
    let told: Vec<(&Value, &Value)> = parts.iter().map(|part| (&part["data"], &part["verificationMethod"])).collect();
    assert_eq!(
        told,
        [(&json!({"firstName": "Nelson"}), &Value::Null), (&json!({"lastName": "Bighetti"}), &json!("self_attested"))]
    );
}

#[tokio::test]
async fn two_requests_of_one_type_are_two_items() {
    let api = Api::start("verified");
    let ask = json!({"email": "jared@piedpiper.net", "credentialRequests": [
        {"type": "EmailCredential", "issuers": [HOOLI_UUID]}, {"type": "EmailCredential", "allowUserInput": true}
    ]});
    let url = text(&api.post("/hasMatchingCredentials", ask).bearer(KREDITA).await.json(), "url");
    let browser = signed_in(&api, &url).await;
    let page = browser.get(&url).await;
    for id in ["item-email", "item-email-2", "field-email-2", "select-email", "select-email-2"] {
        assert_eq!(page.text().matches(&format!(r#" id="{id}""#)).count(), 1, "{id}");
    }
    let form = Form::of(page.text(), "/share").without("email").with("email-2", "j@dunn.example");
    let shared = form.send(&browser).await;
    let read = api.get(&format!("/sharedCredentials/{}", parameter(&shared, "sharedCredentialsUuid"))).bearer(KREDITA).await.json();
    let told: Vec<&Value> = read["credentials"].as_array().unwrap().iter().map(|credential| &credential["data"]).collect();
    assert_eq!(told, [&json!({"email": "j@dunn.example"})]);
}
