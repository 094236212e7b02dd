//! The authorization server.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CLIENT, SECRET, SLUG, TOKEN, USERS, ask_token, builder, ok, start};
use crate::harness::Api;

const SEE_LOG: &str = "For more on this error consult the server log at the debug level.";
const BAD_CLIENT: &str = "Invalid client or Invalid client credentials";
const FORM: &str = "application/x-www-form-urlencoded";

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

#[tokio::test]
async fn a_client_gets_an_access_token_like_keycloaks() {
    let api = start();
    for path in [TOKEN, "/oauth/token", "/realms/5n-apps-mainnet/protocol/openid-connect/token"] {
        let form = [("grant_type", "client_credentials"), ("client_id", CLIENT), ("client_secret", SECRET)];
        let answer = api.post(path, form).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("pragma"), "no-cache");
        let body = answer.json();
        let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["access_token", "expires_in", "refresh_expires_in", "token_type", "not-before-policy", "scope"]);
        let expected = json!({"access_token": body["access_token"], "expires_in": 3600, "refresh_expires_in": 0,
            "token_type": "Bearer", "not-before-policy": 0, "scope": "profile email"});
        assert_eq!(body, expected);

        let token = body["access_token"].as_str().unwrap();
        let header = token.split('.').next().unwrap();
        assert_eq!(
            String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap(),
            r#"{"alg":"ES256","typ":"JWT","kid":"1grm8Ifi-aBD70Z__qYvTcmzniSzx782_GTU9yHjSHI"}"#
        );
        let claims = claims(token);
        let realm = if path.contains("mainnet") { "5n-apps-mainnet" } else { "5n-apps" };
        let expected = json!({
            "exp": 1_771_246_800, "iat": 1_771_243_200, "jti": claims["jti"], "iss": format!("{}/realms/{realm}", api.base),
            "aud": "account", "sub": "5f0b7a44-2f35-4c36-9d0e-3a0b3f6f1c01", "typ": "Bearer", "azp": CLIENT, "acr": "1",
            "realm_access": {"roles": ["institution"]}, "scope": "profile email", "clientHost": "127.0.0.1",
            "email_verified": false, "preferred_username": "service-account-5n-sandbox-institution",
            "clientAddress": "127.0.0.1", "client_id": CLIENT,
        });
        assert_eq!(claims, expected);
        assert_eq!(claims.to_string(), expected.to_string(), "the order of claims");
        let jti = claims["jti"].as_str().unwrap();
        assert!(jti.starts_with("trrtcc:") && jti.len() == 43, "{jti}");
        let users = ok(&api.bearer(token), USERS).await;
        assert_eq!(users["totalCount"], 14, "a token of either realm is accepted");
    }
}

#[tokio::test]
async fn refusals_of_the_token_endpoint_come_in_keycloaks_order_and_words() {
    let api = start();
    let good = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}");
    let cases = [
        ("no grant type", "client_id=x".to_owned(), 400, "invalid_request", "Missing form parameter: grant_type"),
        ("an empty body", String::new(), 400, "invalid_request", "Missing form parameter: grant_type"),
        (
            "another grant type",
            "grant_type=password&client_id=x".to_owned(),
            400,
            "unsupported_grant_type",
            "Unsupported grant_type",
        ),
        ("an empty grant type", "grant_type=".to_owned(), 400, "unsupported_grant_type", "Unsupported grant_type"),
        ("no client", "grant_type=client_credentials".to_owned(), 401, "invalid_client", BAD_CLIENT),
        (
            "an unknown client",
            "grant_type=client_credentials&client_id=nobody&client_secret=x".to_owned(),
            401,
            "invalid_client",
            BAD_CLIENT,
        ),
        (
            "a disabled client",
            format!("grant_type=client_credentials&client_id=5n-sandbox-disabled&client_secret={SECRET}"),
            401,
            "invalid_client",
            BAD_CLIENT,
        ),
        (
            "a wrong secret",
            format!("grant_type=client_credentials&client_id={CLIENT}&client_secret=bad"),
            401,
            "unauthorized_client",
            BAD_CLIENT,
        ),
        ("no secret", format!("grant_type=client_credentials&client_id={CLIENT}"), 401, "unauthorized_client", BAD_CLIENT),
        ("a wrong secret, and a field twice", format!("{good}x&scope=email&scope=email"), 401, "unauthorized_client", BAD_CLIENT),
        ("a field twice", format!("{good}&scope=email&scope=email"), 400, "invalid_request", "duplicated parameter"),
        (
            "no service account, and an unknown scope",
            format!("grant_type=client_credentials&client_id=5n-sandbox-no-service-account&client_secret={SECRET}&scope=admin"),
            401,
            "unauthorized_client",
            "Client not enabled to retrieve service account",
        ),
        ("an unknown scope", format!("{good}&scope=email+admin"), 400, "invalid_scope", "Invalid scopes: email admin"),
    ];
    for path in [TOKEN, "/oauth/token"] {
        for (case, form, status, error, description) in &cases {
            let answer = api.post(path, form.as_str()).header("content-type", FORM).await;
            assert_eq!(answer.status.as_u16(), *status, "{case}");
            assert_eq!(answer.text(), json!({"error": error, "error_description": description}).to_string(), "{case}");
            assert_eq!(answer.header("cache-control"), "no-store", "{case}");
            assert_eq!(answer.header("pragma"), "no-cache", "{case}");
            assert_eq!(answer.header("content-type"), "application/json", "{case}");
        }
    }
}

#[tokio::test]
async fn what_is_no_form_is_refused_before_it_is_read() {
    let api = start();
    let expected = json!({"error": "HTTP 415 Unsupported Media Type", "error_description": SEE_LOG});
    for content_type in [Some("application/json"), Some("text/plain"), None] {
        let mut call = api.post(TOKEN, "grant_type=client_credentials");
        if let Some(content_type) = content_type {
            call = call.header("content-type", content_type);
        }
        let answer = call.await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type:?}");
        assert_eq!(answer.json(), expected, "{content_type:?}");
    }
    let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}");
    let answer = api.post(TOKEN, form.as_str()).header("content-type", "Application/X-WWW-Form-Urlencoded; charset=utf-8").await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn unknown_realms_methods_and_paths_are_answered_by_the_authorization_server() {
    let api = start();
    let no_realm = json!({"error": "Realm does not exist", "error_description": SEE_LOG});
    let other_realm = "/realms/other/protocol/openid-connect/token";
    let form = [("grant_type", "client_credentials")];
    for (case, answer) in [
        ("token", api.post(other_realm, form).await),
        ("token by another method", api.without_contract().get(other_realm).await),
        ("keys", api.get("/realms/other/protocol/openid-connect/certs").await),
        ("discovery", api.get("/realms/other/.well-known/openid-configuration").await),
        ("introspection", api.post("/realms/other/protocol/openid-connect/token/introspect", form).await),
        ("the realm itself", api.get("/realms/other").await),
    ] {
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{case}");
        assert_eq!(answer.json(), no_realm, "{case}");
    }
    for path in [TOKEN, "/oauth/token"] {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let answer = api.call(method.clone(), path).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(answer.header("allow"), "POST", "{method} {path}");
            let expected = json!({"error": "HTTP 405 Method Not Allowed", "error_description": SEE_LOG});
            assert_eq!(answer.json(), expected, "{method} {path}");
        }
    }
    let answer = api.get("/realms/5n-apps/account").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.json(), json!({"error": "HTTP 404 Not Found", "error_description": SEE_LOG}));
}

/// A case's name, header, fields of the form and expected status.
type BasicCase<'a> = (&'a str, String, Vec<(&'a str, &'a str)>, u16);

#[tokio::test]
async fn credentials_can_come_by_http_basic_and_fields_of_the_form_win() {
    let api = start();
    let basic = |id: &str, secret: &str| format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let cases: [BasicCase<'_>; 9] = [
        ("both by header", basic(CLIENT, SECRET), vec![], 200),
        ("percent-encoded", basic("5n%2Dsandbox%2dinstitution", "5n-sandbox%2Dsecret"), vec![], 200),
        ("scheme in lower case", basic(CLIENT, SECRET).replace("Basic", "basic"), vec![], 200),
        ("a wrong header, a right form", basic("x", "y"), vec![("client_id", CLIENT), ("client_secret", SECRET)], 200),
        ("the id in the form, the secret in the header", basic("x", SECRET), vec![("client_id", CLIENT)], 200),
        ("a right header, a wrong secret in the form", basic(CLIENT, SECRET), vec![("client_secret", "bad")], 401),
        ("a right header, an unknown client in the form", basic(CLIENT, SECRET), vec![("client_id", "nobody")], 401),
        ("no base64", "Basic ???".to_owned(), vec![], 401),
        ("no colon", format!("Basic {}", STANDARD.encode("abc")), vec![], 401),
    ];
    for (case, header, fields, status) in cases {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials").extend_pairs(fields);
        let body = form.finish();
        let answer = api.post(TOKEN, body.as_str()).header("content-type", FORM).header("authorization", &header).await;
        assert_eq!(answer.status.as_u16(), status, "{case}: {}", answer.text());
    }
}

#[tokio::test]
async fn scopes_of_the_three_known_ones_are_granted() {
    let api = start();
    for (asked, granted) in
        [("", "profile email"), ("email", "profile email"), ("profile email", "profile email"), ("openid", "openid profile email")]
    {
        let form = [("grant_type", "client_credentials"), ("client_id", CLIENT), ("client_secret", SECRET), ("scope", asked)];
        let body = api.post(TOKEN, form).await.json();
        assert_eq!(body["scope"], granted, "{asked:?}");
        assert_eq!(claims(body["access_token"].as_str().unwrap())["scope"], granted, "{asked:?}");
    }
}

#[tokio::test]
async fn the_discovery_document_leads_to_the_keys_that_tokens_are_signed_with() {
    let api = start();
    for realm in ["5n-apps", "5n-apps-mainnet"] {
        let document = ok(&api, &format!("/realms/{realm}/.well-known/openid-configuration")).await;
        let issuer = format!("{}/realms/{realm}", api.base);
        assert_eq!(document["issuer"], json!(issuer));
        assert_eq!(document["token_endpoint"], format!("{issuer}/protocol/openid-connect/token"));
        let keys = api.get(document["jwks_uri"].as_str().unwrap()).await.json();
        let expected = json!({"keys": [{
            "kid": "1grm8Ifi-aBD70Z__qYvTcmzniSzx782_GTU9yHjSHI", "kty": "EC", "alg": "ES256", "use": "sig", "crv": "P-256",
            "x": "BsdD0cg-JJCcSRhhls-5PKZp2K-FAlRcC03Ha_WbHLQ", "y": "5RjPVtY3QImpt1LR0jA4bkz8Fr0lqaQ3nIw8WwIOfiQ"
        }]});
        assert_eq!(keys, expected);
        assert_eq!(ok(&api, &format!("/realms/{realm}/protocol/openid-connect/certs")).await, expected);
    }
}

#[tokio::test]
async fn a_published_key_verifies_an_issued_token() {
    use p256::ecdsa::signature::Verifier as _;
    let api = start();
    let token = ask_token(&api, CLIENT, SECRET).await.json()["access_token"].as_str().unwrap().to_owned();
    let keys = ok(&api, "/realms/5n-apps/protocol/openid-connect/certs").await;
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(keys["keys"][0][name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = p256::ecdsa::Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    key.verify(signed.as_bytes(), &signature).unwrap();
}

#[tokio::test]
async fn introspection_tells_good_tokens_from_bad_ones() {
    let api = start();
    let path = "/realms/5n-apps/protocol/openid-connect/token/introspect";
    let token = ask_token(&api, "5n-sandbox-short-lived", SECRET).await.json()["access_token"].as_str().unwrap().to_owned();
    let ask = async |token: &str| api.post(path, [("client_id", CLIENT), ("client_secret", SECRET), ("token", token)]).await;

    let body = ask(&token).await.json();
    assert_eq!(body["active"], true);
    assert_eq!(body["client_id"], "5n-sandbox-short-lived");
    assert_eq!(body["username"], "service-account-5n-sandbox-short-lived");
    assert_eq!(body["exp"], 1_771_243_205);
    assert_eq!(ask("rubbish").await.json(), json!({"active": false}));
    api.understudy.advance(chrono::TimeDelta::seconds(5)).unwrap();
    assert_eq!(ask(&token).await.json(), json!({"active": false}));

    let answer = api.post(path, [("client_id", CLIENT), ("client_secret", "bad"), ("token", &token)]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json(), json!({"error": "invalid_request", "error_description": "Authentication failed."}));
    let answer = api.post(path, [("client_id", CLIENT), ("client_secret", SECRET)]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json(), json!({"error": "invalid_request", "error_description": "Token not provided."}));
    let answer = api.post(path, json!({"token": token})).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn the_real_hosts_are_served_and_name_each_other_in_links() {
    let api = Api::with(SLUG, builder());
    let gateway = crate::client::Client::new(api.understudy.url());
    let host = "auth.console-dev.fivenorth.io";
    let form = [("grant_type", "client_credentials"), ("client_id", CLIENT), ("client_secret", SECRET)];
    let token = gateway.post(TOKEN, form).header("host", host).await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(claims(&token)["iss"], format!("http://{host}/realms/5n-apps"));
    for api_host in ["id.devnet.cantonloop.com", "id.cantonloop.com"] {
        let link =
            gateway.post(super::LINK, json!({"contractId": super::RICHARD_GOOGLE})).bearer(&token).header("host", api_host).await;
        let link = link.json();
        let expected = format!("http://{api_host}/verify/{}", link["token"].as_str().unwrap());
        assert_eq!(link["verificationUrl"], expected);
    }
}
