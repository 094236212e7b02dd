//! `requests?format=har`: the journal as an HTTP archive.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Controlled, issue};
use crate::client::Client;

/// Reads the archive, and holds it against the specification.
async fn archive(control: &Client, query: &str) -> Value {
    let answer = control.get(&format!("/requests?format=har{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    let archive = answer.json();
    let schema: Value = serde_json::from_str(include_str!("har.schema.json")).unwrap();
    let schema = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let flaws: Vec<String> = schema.iter_errors(&archive).map(|flaw| format!("{}: {flaw}", flaw.instance_path())).collect();
    assert_eq!(flaws, Vec::<String>::new(), "{archive:#}");
    archive
}

/// The only entry of the archive.
async fn entry(control: &Client) -> Value {
    let archive = archive(control, "").await;
    let entries = archive["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{archive:#}");
    entries[0].clone()
}

fn header<'a>(half: &'a Value, name: &str) -> Vec<&'a Value> {
    half["headers"].as_array().unwrap().iter().filter(|one| one["name"] == name).map(|one| &one["value"]).collect()
}

#[tokio::test]
async fn an_archive_is_a_file_named_for_its_world() {
    let server = Controlled::start();
    server.control.post("/worlds", json!({"name": "w", "now": "2030-01-01T00:00:00Z", "clock": "frozen"})).await;
    let (control, verified) = server.of("w");
    verified.get("/nothing").await;
    let answer = control.get("/requests?format=har").await;
    assert_eq!(answer.header("content-disposition"), r#"attachment; filename="understudy-w.har""#);
    let log = archive(&control, "").await["log"].clone();
    assert_eq!(log["creator"], json!({"name": "Understudy", "version": env!("CARGO_PKG_VERSION")}));
    assert_eq!(log["comment"], "World w. startedDateTime is what the world's clock showed, time is real.");
    assert_eq!(log["entries"][0]["startedDateTime"], "2030-01-01T00:00:00.000Z");
    let plain = server.control.get("/requests").await;
    assert!(!plain.headers.contains_key("content-disposition"), "only a file has a name");
}

#[tokio::test]
async fn an_exchange_is_an_entry_with_all_that_went_over_the_wire() {
    let server = Controlled::start();
    let answer = issue(&server.verified.header("x-trace", "one"), "a@example.com").await;
    let noted = entry(&server.control).await;
    let (request, response) = (&noted["request"], &noted["response"]);
    assert_eq!(request["method"], "POST");
    assert_eq!(request["url"], format!("{}/credentials", server.understudy.provider_url("verified")));
    assert_eq!((&request["httpVersion"], &response["httpVersion"]), (&json!("HTTP/1.1"), &json!("HTTP/1.1")));
    assert_eq!(header(request, "x-trace"), ["one"]);
    let text = r#"{"email":"a@example.com","credentials":[{"type":"EmailCredential","data":{"email":"a@example.com"}}]}"#;
    assert_eq!(request["postData"], json!({"mimeType": "application/json", "params": [], "text": text}));
    assert_eq!(request["bodySize"], text.len());
    assert_eq!((&response["status"], &response["statusText"]), (&json!(201), &json!("Created")));
    assert_eq!(
        response["content"],
        json!({"size": answer.body.len(), "mimeType": "application/json; charset=utf-8", "text": answer.text()})
    );
    assert_eq!(
        (&noted["_id"], &noted["_provider"], &noted["_operation"]),
        (&json!(1), &json!("verified"), &json!("issueCredentials"))
    );
    let timings = &noted["timings"];
    assert_eq!(noted["time"], timings["wait"], "nothing else takes time: {timings}");
}

#[tokio::test]
async fn bodies_of_every_kind_are_kept() {
    let server = Controlled::start();
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhi\r\n--b--\r\n";
    for (media_type, body, expected) in [
        ("application/json", b"{\"a\":1}".to_vec(), json!({"params": [], "text": "{\"a\":1}"})),
        ("text/plain", "é".as_bytes().to_vec(), json!({"params": [], "text": "é"})),
        (
            "application/x-www-form-urlencoded",
            b"a=b+c&d=%C3%A9&e".to_vec(),
            json!({
                "params": [{"name": "a", "value": "b c"}, {"name": "d", "value": "é"}, {"name": "e", "value": ""}],
                "text": "a=b+c&d=%C3%A9&e"
            }),
        ),
        ("multipart/form-data; boundary=b", multipart.into(), json!({"params": [], "text": multipart})),
        ("application/octet-stream", vec![0xff, 0], json!({"params": [], "text": "/wA=", "_encoding": "base64"})),
    ] {
        server.control.delete("/requests").await;
        server.verified.call(Method::POST, "/nothing").header("content-type", media_type).body(body.clone()).await;
        let request = entry(&server.control).await["request"].clone();
        let mut post = request["postData"].clone();
        assert_eq!(post.as_object_mut().unwrap().remove("mimeType"), Some(json!(media_type)));
        assert_eq!((post, &request["bodySize"]), (expected, &json!(body.len())), "{media_type}");
    }
    server.control.delete("/requests").await;
    server.verified.call(Method::POST, "/nothing").body(b"x".to_vec()).await;
    assert_eq!(entry(&server.control).await["request"]["postData"]["mimeType"], "x-unknown");
    server.control.delete("/requests").await;
    server.verified.call(Method::POST, "/nothing").await;
    let request = entry(&server.control).await["request"].clone();
    assert!(request.get("postData").is_none(), "{request}");
    assert_eq!(request["bodySize"], 0);
}

#[tokio::test]
async fn an_empty_answer_has_no_text() {
    let server = Controlled::start();
    server.verified.call(Method::HEAD, "/schema").await;
    let response = entry(&server.control).await["response"].clone();
    assert_eq!((&response["content"]["size"], &response["bodySize"]), (&json!(0), &json!(0)));
    assert!(response["content"].get("text").is_none(), "{response}");
}

#[tokio::test]
async fn queries_cookies_and_headers_of_several_values_are_taken_apart() {
    let server = Controlled::start();
    let path = "/nothing?a=b%20c&a=&d=%2B";
    let call = server.verified.get(path).header("cookie", "one=1; two=a=b").header("cookie", "three").header("x-many", "a");
    call.header("x-many", "b").await;
    let request = entry(&server.control).await["request"].clone();
    assert_eq!(
        request["queryString"],
        json!([{"name": "a", "value": "b c"}, {"name": "a", "value": ""}, {"name": "d", "value": "+"}])
    );
    assert_eq!(
        request["cookies"],
        json!([{"name": "one", "value": "1"}, {"name": "two", "value": "a=b"}, {"name": "three", "value": ""}])
    );
    assert_eq!(header(&request, "x-many"), ["a", "b"]);
}

#[tokio::test]
async fn redirects_and_cookies_that_are_set_are_taken_apart() {
    let server = Controlled::start();
    let wallet = super::start_flow(&server.verified).await;
    server.control.delete("/requests").await;
    let browser = Client::new(&wallet);
    let answer = browser.post("/verify", [("code", "111111")]).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text());
    let response = entry(&server.control).await["response"].clone();
    assert_eq!(response["redirectURL"], answer.location());
    let cookie = answer.header("set-cookie").to_owned();
    let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
    let noted = &response["cookies"][0];
    assert_eq!((&noted["name"], &noted["value"]), (&json!(name), &json!(value)), "{cookie}");
    assert_eq!(noted["httpOnly"].as_bool().unwrap_or(false), cookie.contains("HttpOnly"), "{cookie}");
    let path = cookie.split("Path=").nth(1).map(|rest| rest.split(';').next().unwrap());
    assert_eq!(noted["path"].as_str(), path, "{cookie}");
}

#[tokio::test]
async fn entries_are_filtered_like_any_listing_and_newest_last() {
    let server = Controlled::start();
    for path in ["/nothing", "/credentials/a", "/credentials/b", "/credentials/c"] {
        server.verified.get(path).await;
    }
    let archive = archive(&server.control, "&operation=getCredential&limit=2&wait_ms=60000").await;
    let entries = archive["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.iter().map(|one| &one["_id"]).collect::<Vec<_>>(), [3, 4]);
}

#[tokio::test]
async fn http_2_is_named() {
    let server = Controlled::start();
    Client::http2(server.understudy.provider_url("verified")).get("/nothing").await;
    let noted = entry(&server.control).await;
    assert_eq!((&noted["request"]["httpVersion"], &noted["response"]["httpVersion"]), (&json!("HTTP/2"), &json!("HTTP/2")));
    assert_eq!(noted["request"]["url"], format!("{}/nothing", server.understudy.provider_url("verified")));
}
