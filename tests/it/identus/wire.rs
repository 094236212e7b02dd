//! What is the same for every call: keys, bodies, headers, paths.

use http::{Method, StatusCode};
use serde_json::json;

use super::*;

/// Every operation that wants a key, with a path that leads to it.
const KEYED: &[(&str, &str)] = &[
    ("GET", "/api/v1/vc/offers"),
    ("GET", "/api/v1/vc/match/test"),
    ("POST", "/api/v1/vc/offer-noschema"),
    ("POST", "/api/v1/vc/accept"),
    ("POST", "/api/v1/vc/issue"),
    ("GET", "/api/v1/vc/offer/x"),
    ("GET", "/api/v1/identity/dids"),
    ("POST", "/api/v1/identity/did"),
    ("PATCH", "/api/v1/identity/did/x"),
    ("GET", "/api/v1/p2p"),
    ("GET", "/api/v1/p2p/x"),
    ("POST", "/api/v1/p2p/invite"),
    ("POST", "/api/v1/p2p/accept"),
    ("GET", "/api/v1/proof/presentations"),
    ("GET", "/api/v1/proof/presentation/match/x"),
    ("POST", "/api/v1/proof/presentation"),
    ("POST", "/api/v1/proof/presentation/accept"),
    ("PATCH", "/api/v1/proof/presentation/x"),
    ("GET", "/api/v1/schema"),
    ("GET", "/api/v1/schema/x"),
    ("POST", "/api/v1/schema"),
    ("PATCH", "/api/v1/schema/x"),
    ("POST", "/api/v1/schema/install"),
    ("GET", "/api/v1/definition"),
    ("GET", "/api/v1/definition/x"),
    ("POST", "/api/v1/definition"),
];

#[tokio::test]
async fn a_missing_or_unknown_key_is_refused_everywhere() {
    let api = start();
    for (method, path) in KEYED {
        let method: Method = method.parse().unwrap();
        for (header, value, detail) in [
            ("x-none", "", "ApiKey key is not provided"),
            ("apikey", "", "ApiKey key is not provided"),
            ("apikey", "nope", "Invalid API key"),
            ("x-admin-api-key", ADMIN, "ApiKey key is not provided"),
        ] {
            let refused = api.call(method.clone(), path).header(header, value).await;
            agent_refusal_of(format!("{method} {path} {header}: {value}"), &refused, 401, detail);
        }
    }
}

#[tokio::test]
async fn the_key_may_be_spelled_out_as_authorization_but_its_own_header_wins() {
    let api = start();
    for value in [format!("apikey = {BOB}"), format!("apikey={BOB}"), format!("apikey {BOB}"), format!("APIKEY = {BOB}")] {
        let found = api.get("/api/v1/p2p").header("authorization", &value).await;
        assert_eq!(data(&found, StatusCode::OK)[0]["connectionId"], BOBS_CONNECTION, "{value}");
    }
    agent_refusal(&api.get("/api/v1/p2p").bearer(BOB).await, 401, "ApiKey key is not provided");
    agent_refusal(&api.get("/api/v1/p2p").header("authorization", "apikey = nope").await, 401, "Invalid API key");
    let both = api.get("/api/v1/p2p").header("authorization", &format!("apikey = {BOB}")).header("APIKEY", ALICE).await;
    assert_eq!(data(&both, StatusCode::OK)[0]["connectionId"], CONNECTION);
}

#[tokio::test]
async fn every_answer_carries_the_headers_of_the_service() {
    let api = start();
    let cached = "public, max-age=31557600";
    let not_cached = "private, no-cache, no-store, must-revalidate";
    for (reply, cache) in [
        (api.get("/api/v1/vc/offers").header("apikey", ALICE).await, cached),
        (api.get("/api/v1/public").await, cached),
        (api.get("/api/v1/vc/offers").await, not_cached),
        (api.post("/api/v1/wallet/mnemonic", ()).await, not_cached),
        (api.get("/api/v1/public/unauthorized_api").await, not_cached),
        (api.get("/api/v1/nothing").await, not_cached),
        (api.get("/").await, not_cached),
    ] {
        assert_eq!(reply.header("cache-control"), cache);
        for (name, value) in [
            ("access-control-allow-origin", "*"),
            ("access-control-allow-methods", "PUT, GET, POST, PATCH, DELETE, OPTIONS, LINK, UNLINK"),
            ("x-content-type-options", "nosniff"),
            ("x-xss-protection", "1; mode=block"),
            (
                "access-control-allow-headers",
                "Origin, X-Requested-With, charset, Content-Type, Accept, Authorization, Access-Control-Allow-Credentials, x-www-form-urlencoded, X-Content-Type-Options, X-XSS-Protection, Content-Security-Policy, Permissions-Policy",
            ),
            ("pragma", "no-cache"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(reply.header(name), value);
        }
        assert!(!reply.header("content-security-policy").is_empty());
        let cookie = reply.header("set-cookie");
        assert!(cookie.starts_with("identity=s%3A") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    }
    let uncached = with_setting("cache_control", json!(false));
    let reply = uncached.get("/api/v1/public").await;
    assert_eq!(reply.header("cache-control"), not_cached);
}

#[tokio::test]
async fn on_a_port_of_its_own_the_service_is_where_its_clients_expect_it() {
    let understudy = builder().listen("identus", 0).start().unwrap();
    let port = understudy.addresses()[1].port();
    let client = crate::client::Client::new(format!("http://127.0.0.1:{port}"));
    let status = client.get("/api/v1/public").header("host", "localhost:7999").await;
    assert_eq!(
        status.text(),
        r#"{"data":{"status":"running","app":"identity","host":"http://localhost:7999/","version":"1.0.0","isDebug":true,"isDocker":false}}"#
    );
    assert_eq!(status.header("etag"), r#"W/"80-QfH2WanpY7cqO4nvza4oXVhsVvk""#);
    assert_eq!(client.get("/nothing").await.location(), "/web/cracked");
    assert_eq!(client.get("/refresh").await.location(), "/");
}

#[tokio::test]
async fn a_representation_that_the_caller_has_is_not_sent_again() {
    let api = start();
    let first = api.get("/api/v1/vc/offers").header("apikey", ALICE).await;
    let tag = first.header("etag").to_owned();
    let strong = tag.trim_start_matches("W/").to_owned();
    for (sent, fresh) in
        [(tag.clone(), true), (strong, true), ("*".to_owned(), true), (format!("\"x\", {tag}"), true), ("\"x\"".to_owned(), false)]
    {
        let reply = api.get("/api/v1/vc/offers").header("apikey", ALICE).header("if-none-match", &sent).await;
        assert_eq!(reply.status == StatusCode::NOT_MODIFIED, fresh, "{sent}");
        assert_eq!(reply.body.is_empty(), fresh, "{sent}");
        assert_eq!(reply.headers.contains_key("content-type"), !fresh, "{sent}");
    }
    let anew = api
        .get("/api/v1/vc/offers")
        .header("apikey", ALICE)
        .header("if-none-match", &tag)
        .header("cache-control", "no-cache")
        .await;
    assert_eq!(anew.status, StatusCode::OK);
    let refused = api.get("/api/v1/vc/offers").await;
    let again = api.get("/api/v1/vc/offers").header("if-none-match", refused.header("etag")).await;
    assert_eq!(again.status, StatusCode::INTERNAL_SERVER_ERROR, "errors are sent again");
    api.offer(json!({})).await;
    let changed = api.get("/api/v1/vc/offers").header("apikey", ALICE).header("if-none-match", &tag).await;
    assert_eq!(changed.status, StatusCode::OK);
}

#[tokio::test]
async fn a_caller_with_a_session_gets_no_other() {
    let api = start();
    let client = api.with_cookies();
    assert!(client.get("/api/v1/public").await.headers.contains_key("set-cookie"));
    assert!(!client.get("/api/v1/public").await.headers.contains_key("set-cookie"));
    let forged = api.get("/api/v1/public").header("cookie", "identity=s%3Aabc.def").await;
    assert!(forged.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_before_any_route() {
    let api = start();
    let many = vec!["a=1"; 1001].join("&");
    let long = format!("a={}", "x".repeat(102_400));
    let form = "application/x-www-form-urlencoded";
    for (content_type, body, status, text) in [
        ("application/json", "{bad", 400, "SyntaxError: Unexpected token b in JSON at position 1"),
        ("application/json", "nope", 400, "SyntaxError: Unexpected token n in JSON at position 0"),
        ("application/json", "{\"a\":", 400, "SyntaxError: Unexpected end of JSON input"),
        ("application/json", "null", 400, "SyntaxError: Unexpected token n in JSON at position 0"),
        ("application/json; charset=latin1", "{}", 415, "UnsupportedMediaTypeError: unsupported charset &quot;LATIN1&quot;"),
        (
            "application/x-www-form-urlencoded; charset=utf-16",
            "a=1",
            415,
            "UnsupportedMediaTypeError: unsupported charset &quot;UTF-16&quot;",
        ),
        (form, long.as_str(), 413, "PayloadTooLargeError: request entity too large"),
        (form, many.as_str(), 413, "PayloadTooLargeError: too many parameters"),
    ] {
        for (method, path) in
            [(Method::POST, "/api/v1/vc/accept"), (Method::GET, "/api/v1/vc/offers"), (Method::POST, "/api/v1/nothing")]
        {
            let client = if path.ends_with("nothing") { api.without_contract() } else { api.client.clone() };
            let refused = client.call(method, path).header("content-type", content_type).body(body).await;
            assert_eq!(refused.status.as_u16(), status, "{content_type} {body:.20}");
            assert_eq!(refused.header("content-type"), "text/html; charset=utf-8");
            assert_eq!(refused.header("content-security-policy"), "default-src 'none'");
            assert_eq!(
                refused.text(),
                format!(
                    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n<pre>{text}</pre>\n</body>\n</html>\n"
                )
            );
        }
    }
}

#[tokio::test]
async fn a_body_over_fifty_megabytes_is_refused() {
    let api = start();
    let body = format!("[{}]", " ".repeat(52_428_800));
    let refused = api.post("/api/v1/vc/accept", body.as_str()).header("content-type", "application/json").await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(refused.text().contains("<pre>PayloadTooLargeError: request entity too large</pre>"));
    let largest = format!("[{}]", " ".repeat(52_428_798));
    let read = api.post("/api/v1/vc/accept", largest.as_str()).header("content-type", "application/json").await;
    agent_refusal(&read, 401, "ApiKey key is not provided");
}

#[tokio::test]
async fn a_body_of_another_kind_counts_as_empty_and_an_array_too() {
    let api = start();
    let missing = "Missing connectionId for credential offer";
    for (content_type, body) in [
        ("text/plain", "{\"connection\":\"nope\"}"),
        ("application/xml", "<a/>"),
        ("application/json", ""),
        ("application/json", "[{\"connection\":\"nope\"}]"),
        ("application/json; charset=UTF-8", "{\"other\":1}"),
    ] {
        let refused =
            api.post("/api/v1/vc/offer-noschema", body).header("content-type", content_type).header("apikey", ALICE).await;
        agent_refusal(&refused, 400, missing);
    }
    agent_refusal(&api.post("/api/v1/vc/offer-noschema", "{\"connection\":1}").header("apikey", ALICE).await, 400, missing);
}

#[tokio::test]
async fn paths_that_are_not_there_and_methods_that_are_not_are_refused_as_the_service_does() {
    let api = start();
    let refused = r#"{"data":null,"status":400,"statusText":"What made you think you could call this?"}"#;
    for (method, path) in [
        (Method::GET, "/api/v1/vc/nothing"),
        (Method::GET, "/api/v1/vc/match/"),
        (Method::GET, "/api/v1/"),
        (Method::GET, "/API/V1/nothing"),
        (Method::POST, "/api/v1/vc/offers"),
        (Method::PUT, "/api/v1/vc/accept"),
        (Method::DELETE, "/api/v1/public"),
        (Method::POST, "/api/v1/vc/definition"),
    ] {
        let reply = api.call(method.clone(), path).await;
        assert_eq!((reply.status, reply.text()), (StatusCode::BAD_REQUEST, refused), "{method} {path}");
    }
    let elsewhere = format!("{}/web/cracked", url_path(&api));
    for (method, path) in
        [(Method::GET, "/nothing"), (Method::GET, "/web/cracked"), (Method::POST, "/"), (Method::GET, "/api/v2/public")]
    {
        let reply = api.call(method.clone(), path).await;
        assert_eq!((reply.status, reply.location()), (StatusCode::FOUND, elsewhere.as_str()), "{method} {path}");
        assert_eq!(reply.text(), format!("Found. Redirecting to {elsewhere}"));
    }
    let page = api.get("/nothing").header("accept", "text/html").await;
    assert_eq!(page.text(), format!("<p>Found. Redirecting to <a href=\"{elsewhere}\">{elsewhere}</a></p>"));
}

/// The path of the provider's base URL.
fn url_path(api: &Api) -> String {
    url::Url::parse(&api.understudy.provider_url("identus")).unwrap().path().to_owned()
}

#[tokio::test]
async fn case_and_a_trailing_slash_make_no_difference_and_head_is_get() {
    let api = start();
    let expected = api.get("/api/v1/vc/match/test").header("apikey", BOB).await;
    for path in ["/API/V1/VC/MATCH/test", "/api/v1/vc/match/test/", "/Api/v1/Vc/Match/test/"] {
        let found = api.without_contract().get(path).header("apikey", BOB).await;
        assert_eq!(found.body, expected.body, "{path}");
    }
    let head = api.call(Method::HEAD, "/api/v1/vc/match/test").header("apikey", BOB).await;
    assert_eq!((head.status, head.header("etag")), (StatusCode::OK, expected.header("etag")));
    assert_eq!(head.header("content-length"), expected.body.len().to_string());
}

#[tokio::test]
async fn a_path_that_does_not_decode_is_refused() {
    let api = start();
    for (path, shown) in [
        ("/api/v1/vc/match/%zz", "%zz"),
        ("/api/v1/vc/match/%", "%"),
        ("/api/v1/vc/match/%ff", "%ff"),
        ("/api/v1/wallet/a%4", "a%4"),
    ] {
        let refused = api.get(path).header("apikey", BOB).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(
            refused.text().contains(&format!("<pre>URIError: Failed to decode param &#39;{shown}&#39;</pre>")),
            "{}",
            refused.text()
        );
    }
}

#[tokio::test]
async fn options_is_answered_on_any_path() {
    let api = start();
    for path in ["/api/v1/vc/offers", "/api/v1/nothing", "/nothing"] {
        let reply = api.call(Method::OPTIONS, path).header("access-control-request-headers", "apikey, x-y").await;
        assert_eq!((reply.status, reply.body.len()), (StatusCode::NO_CONTENT, 0));
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert_eq!(reply.header("access-control-allow-methods"), "OPTIONS,PUT,GET,POST,PATCH,DELETE,LINK,UNLINK");
        assert_eq!(reply.header("access-control-allow-headers"), "apikey, x-y");
        assert!(!reply.headers.contains_key("set-cookie"));
    }
    let bare = api.call(Method::OPTIONS, "/api/v1/vc/offers").await;
    assert!(!bare.headers.contains_key("access-control-allow-headers"));
}
