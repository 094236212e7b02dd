//! Links to documents.

use chrono::TimeDelta;
use http::{Method, StatusCode};
use serde_json::json;
use understudy::crypto::sigv4::Signer;

use super::{ANA, ANAS_CARD, JOAO, JOAOS_CARD, NOBODY, as_b, assert_error, builder, create, id_of, maria, start, start_with, with};
use crate::client::{Client, Response};
use crate::harness::Api;

const SIGNER: Signer = Signer {
    access_key_id: "AKIAPMINTSANDBOX0001",
    secret: "pmint-sandbox-secret-0000000000000000001",
    region: "eu-west-1",
    service: "s3",
};
const BUCKET: &str = "pmint-custodial-api-sandbox-identity-docs";

/// A link to a document.
async fn link(client: &Client, identity: &str, document: &str) -> String {
    let answer = client.get(&format!("/identities/{identity}/documents/{document}/presign-url")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()["data"]["url"].as_str().unwrap().to_owned()
}

/// Opens a link as a browser does: without a key.
async fn open(api: &Api, url: &str) -> Response {
    let mut browser = api.client.clone();
    browser.headers.clear();
    browser.get(url).await
}

#[track_caller]
fn assert_refused(case: &str, answer: &Response, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{case}: {}", answer.text());
    assert_eq!(answer.header("content-type"), "application/xml", "{case}");
    let text = answer.text();
    assert!(text.starts_with(&format!("<Error><Code>{code}</Code><Message>")), "{case}: {text}");
    assert!(text.ends_with("</Message></Error>"), "{case}: {text}");
}

#[tokio::test]
async fn a_link_is_byte_for_byte_what_the_aws_library_signs() {
    let api = start_with(builder().listen("publicmint", 0));
    let base = format!("http://{}", api.understudy.addresses()[1]);
    let person = create(&api, maria()).await;
    let document = person["documents"][0]["id"].as_str().unwrap();
    let path = format!("{base}/identities/{}/documents/{document}/presign-url", id_of(&person));
    let answer = api.get(&path).header("host", "localhost:8080").await;
    let url = "http://localhost:8080/_s3/pmint-custodial-api-sandbox-identity-docs/b3/a6/24/13/KtQ2mZx81LwPvR5d.png\
               ?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAPMINTSANDBOX0001%2F20260102%2Feu-west-1%2Fs3%2Faws4_request\
               &X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host\
               &X-Amz-Signature=09fde9de6cbb160e312040168bee5dd59bea0c543cd8ea322667731cbec00dbe";
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({"data": {"url": url}})));
    let here = url.replace("http://localhost:8080", &base);
    let answer = api.get(&here).header("host", "localhost:8080").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "image/png"));
    assert!(answer.body.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert_refused("another host", &api.get(&here).await, 403, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn a_link_serves_a_placeholder_for_900_seconds() {
    let api = start();
    let url = link(&api, ANA, ANAS_CARD).await;
    let path =
        format!("{}/_s3/{BUCKET}/85/ba/77/35/STdsO41mwSVSvBBi.png?X-Amz-Algorithm=", api.understudy.provider_url("publicmint"));
    assert!(url.starts_with(&path), "{url}");
    let answer = open(&api, &url).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "image/png"));
    assert!(answer.body.starts_with(b"\x89PNG"));
    // The link was signed within the second that began 678 ms earlier.
    for (now, good) in [("2026-01-02T03:19:04.999Z", true), ("2026-01-02T03:19:05Z", true), ("2026-01-02T03:19:05.001Z", false)] {
        api.understudy.set_clock(now.parse().unwrap()).unwrap();
        let answer = open(&api, &url).await;
        if good {
            assert_eq!(answer.status, StatusCode::OK, "{now}");
        } else {
            assert_eq!(answer.text(), "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>");
            assert_refused(now, &answer, 403, "AccessDenied");
        }
    }
    assert_eq!(open(&api, &link(&api, ANA, ANAS_CARD).await).await.status, StatusCode::OK, "a new link");
}

#[tokio::test]
async fn two_links_of_one_second_are_the_same() {
    let api = start();
    let first = link(&api, ANA, ANAS_CARD).await;
    api.understudy.set_clock("2026-01-02T03:04:05.999Z".parse().unwrap()).unwrap();
    assert_eq!(link(&api, ANA, ANAS_CARD).await, first);
    api.understudy.advance(TimeDelta::milliseconds(1)).unwrap();
    assert_ne!(link(&api, ANA, ANAS_CARD).await, first);
}

#[tokio::test]
async fn what_is_not_there_has_no_link() {
    let api = start();
    let presign = |client: Client, identity: &str, document: &str| {
        let path = format!("/identities/{identity}/documents/{document}/presign-url");
        async move { client.get(&path).await }
    };
    for (identity, document) in [(ANA, JOAOS_CARD), (ANA, NOBODY), (JOAO, ANAS_CARD)] {
        let answer = presign(api.client.clone(), identity, document).await;
        assert_error(&answer, 404, "document_not_found", "Document not found");
    }
    let answer = presign(as_b(&api), ANA, ANAS_CARD).await;
    assert_error(&answer, 404, "identity_not_found", "Identity not found");
    let answer = presign(api.client.clone(), NOBODY, ANAS_CARD).await;
    assert_error(&answer, 404, "identity_not_found", "Identity not found");
    let answer = presign(api.client.clone(), ANA, "abc").await;
    assert_eq!(answer.json()["errors"].as_object().unwrap().keys().collect::<Vec<_>>(), ["id"]);
    let answer = presign(api.client.clone(), "abc", ANAS_CARD).await;
    assert_eq!(answer.json()["errors"].as_object().unwrap().keys().collect::<Vec<_>>(), ["identityId"]);
}

#[tokio::test]
async fn only_what_was_signed_is_served() {
    let api = start();
    let url = link(&api, ANA, ANAS_CARD).await;
    let replaced = |from: &str, to: &str| {
        assert!(url.contains(from), "{from}");
        url.replace(from, to)
    };
    let (base, query) = url.split_once('?').unwrap();
    let mut shuffled: Vec<&str> = query.split('&').collect();
    shuffled.reverse();
    let shuffled = format!("{base}?{}", shuffled.join("&"));
    assert_eq!(open(&api, &shuffled).await.status, StatusCode::OK, "the order of parameters does not matter");
    for (case, tampered) in [
        ("longer", replaced("X-Amz-Expires=900", "X-Amz-Expires=9000")),
        ("another date", replaced("T030405Z", "T030406Z")),
        ("another key", replaced("AKIAPMINTSANDBOX0001", "AKIAPMINTSANDBOX0002")),
        ("another file", replaced("STdsO41mwSVSvBBi", "wx9SXS5Q88MNxZjA")),
        ("another region", replaced("eu-west-1", "eu-west-2")),
        ("another algorithm", replaced("HMAC-SHA256", "HMAC-SHA512")),
        ("other headers", replaced("SignedHeaders=host", "SignedHeaders=host%3Brange")),
        ("more", format!("{url}&response-content-type=text%2Fhtml")),
        ("no signature", format!("{}0", url.trim_end_matches(|c: char| c.is_ascii_hexdigit()))),
        ("upper case", format!("{base}?{}", query.replace("X-Amz-Signature=", "X-Amz-Signature=A"))),
        ("no number", replaced("X-Amz-Expires=900", "X-Amz-Expires=x")),
        ("no date", replaced("X-Amz-Date=20260102T030405Z", "X-Amz-Date=x")),
    ] {
        assert_refused(case, &open(&api, &tampered).await, 403, "SignatureDoesNotMatch");
    }
    let mut bare = api.client.clone();
    bare.headers.clear();
    assert_refused("another path", &bare.get(&url.replace('?', "/?")).await, 403, "SignatureDoesNotMatch");
    assert_eq!(bare.call(Method::HEAD, &url).await.status, StatusCode::FORBIDDEN, "another method");
    for parameter in
        ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"]
    {
        let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with(parameter)).collect();
        assert_refused(parameter, &open(&api, &format!("{base}?{}", kept.join("&"))).await, 403, "AccessDenied");
    }
    assert_refused("nothing", &open(&api, base).await, 403, "AccessDenied");
}

#[tokio::test]
async fn whatever_is_signed_with_the_keys_is_honoured() {
    let api = start();
    let (_, host) = api.understudy.url().split_once("//").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let signed = |path: String, expires_s: u32| {
        let path = format!("/publicmint/_s3/{path}");
        let query = SIGNER.presign_get(&host, &path, super::start_time(), expires_s);
        format!("http://{host}{path}?{query}")
    };
    let card = format!("{BUCKET}/85/ba/77/35/STdsO41mwSVSvBBi.png");
    let long = signed(card.clone(), 86_400);
    let short = signed(card.clone(), 1);
    assert_eq!(open(&api, &short).await.status, StatusCode::OK);
    assert_refused("no such file", &open(&api, &signed(format!("{BUCKET}/85/ba/x.png"), 60)).await, 404, "NoSuchKey");
    assert_refused("the bucket", &open(&api, &signed(format!("{BUCKET}/"), 60)).await, 404, "NoSuchKey");
    assert_refused("the bucket", &open(&api, &signed(BUCKET.to_owned(), 60)).await, 404, "NoSuchKey");
    assert_refused("another bucket", &open(&api, &signed("other/85/ba/x.png".to_owned(), 60)).await, 404, "NoSuchBucket");
    api.understudy.advance(TimeDelta::hours(20)).unwrap();
    assert_eq!(open(&api, &long).await.status, StatusCode::OK);
    assert_refused("a second", &open(&api, &short).await, 403, "AccessDenied");
    api.delete(&format!("/identities/{ANA}")).await;
    assert_refused("deleted", &open(&api, &long).await, 404, "NoSuchKey");
}

#[tokio::test]
async fn any_address_of_a_document_has_a_link_that_works() {
    let api = start();
    let addresses = [
        "https://files.example/a%20b/c%2Fd.pdf?version=1#page=2",
        "http://files.example",
        "http://files.example/",
        "http://files.example//double//slash/",
        "https://user@files.example:8443/~x/'(1)'!*,;=:@&$+.bin",
    ];
    let keys = ["a%20b/c%2Fd.pdf", "", "", "/double//slash/", "~x/'(1)'!*,;=:@&$+.bin"];
    let documents: Vec<_> = addresses.iter().map(|url| json!({"side": "FrontSide", "type": "Other", "url": url})).collect();
    let person = create(&api, with(&maria(), &[("/documents", Some(json!(documents)))])).await;
    for (document, key) in person["documents"].as_array().unwrap().iter().zip(keys) {
        let url = link(&api, id_of(&person), document["id"].as_str().unwrap()).await;
        assert!(url.contains(&format!("/_s3/{BUCKET}/{key}?")), "{url}");
        // Not through the contract's eyes: it cannot tell empty segments.
        let answer = api.client.without_contract().get(&url).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "image/png"), "{url}");
    }
}

#[tokio::test]
async fn links_lead_back_to_where_the_caller_stands() {
    let api = start();
    let world =
        api.understudy.create_world(understudy::worlds::Spec { name: Some("other".to_owned()), ..Default::default() }).unwrap();
    let url = api.understudy.url();
    let authority = url.strip_prefix("http://").unwrap();
    let port = authority.rsplit_once(':').unwrap().1;
    let presign = format!("/identities/{ANA}/documents/{ANAS_CARD}/presign-url");
    let cases = [
        (
            format!("{}{presign}", world.provider_url("publicmint")),
            authority.to_owned(),
            String::new(),
            format!("http://{authority}/~other/publicmint/_s3/"),
        ),
        (
            format!("{url}/publicmint{presign}"),
            authority.to_owned(),
            "other".to_owned(),
            format!("http://{authority}/~other/publicmint/_s3/"),
        ),
        (
            format!("{url}{presign}"),
            format!("publicmint.localhost:{port}"),
            String::new(),
            format!("http://publicmint.localhost:{port}/_s3/"),
        ),
        (
            format!("{url}{presign}"),
            "api.sandbox.publicmint.io".to_owned(),
            String::new(),
            "http://api.sandbox.publicmint.io/_s3/".to_owned(),
        ),
        (
            format!("{url}{presign}"),
            "api.publicmint.io:8443".to_owned(),
            "other".to_owned(),
            "http://api.publicmint.io:8443/~other/_s3/".to_owned(),
        ),
    ];
    for (asked, host, world, expected) in cases {
        let mut call = api.get(&asked).header("host", &host);
        if !world.is_empty() {
            call = call.header("understudy-world", &world);
        }
        let answer = call.await;
        let link = answer.json()["data"]["url"].as_str().unwrap().to_owned();
        assert!(link.starts_with(&expected), "{link} begins with {expected}");
        let path = link.strip_prefix(&format!("http://{host}")).unwrap();
        let answer = api.get(&format!("{url}{path}")).header("host", &host).await;
        assert_eq!(answer.status, StatusCode::OK, "{link}");
    }
}

#[tokio::test]
async fn behind_a_proxy_links_are_signed_for_its_address() {
    let api = start_with(builder().external("https", "mint.test"));
    let here = format!("http://{}/publicmint", api.understudy.addresses()[0]);
    let answer = api.get(&format!("{here}/identities/{ANA}/documents/{ANAS_CARD}/presign-url")).await.json();
    let url = answer["data"]["url"].as_str().unwrap();
    let path = url.strip_prefix("https://mint.test/publicmint").unwrap();
    for host in ["mint.test", "127.0.0.1"] {
        let answer = api.get(&format!("{here}{path}")).header("host", host).await;
        assert_eq!(answer.status, StatusCode::OK, "{host}");
    }
}

#[tokio::test]
async fn the_bucket_takes_no_other_methods() {
    let api = start();
    let path = format!("/_s3/{BUCKET}/85/ba/77/35/STdsO41mwSVSvBBi.png");
    for method in [Method::PUT, Method::DELETE, Method::POST, Method::OPTIONS] {
        let answer = api.call(method.clone(), &path).await;
        assert_refused(method.as_str(), &answer, 405, "MethodNotAllowed");
        assert_eq!(answer.header("allow"), "GET, HEAD");
    }
    let answer = api.call(Method::DELETE, &format!("/_s3/{BUCKET}")).await;
    assert_refused("bucket", &answer, 405, "MethodNotAllowed");
    assert_eq!(answer.header("allow"), "GET, HEAD, POST");
}
