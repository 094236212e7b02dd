//! The bucket that documents are in, as the object store in front of it answers: files behind signed links, uploads by signed form.
//!
//! Its errors are short XML documents with the codes and words of Amazon S3.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HOST, HeaderValue, LOCATION};
use serde::Deserialize;
use serde_json::Value;

use super::error::Error;
use super::formats::split_uri;
use super::multipart::{self, Part};
use super::store;
use super::{API, PublicMint};
use crate::crypto::sigv4::{self, ALGORITHM, Signer};
use crate::http::{Links, Provider as _, Reply, Req, reply};
use crate::world::Cx;

/// Name of the bucket.
pub(super) const BUCKET: &str = "pmint-custodial-api-sandbox-identity-docs";

/// Where buckets are, below the provider's base.
const ROOT: &str = "/_s3/";

/// Whose signatures the bucket trusts: a pair of keys that is the same everywhere, and no secret.
pub(super) const SIGNER: Signer = Signer {
    access_key_id: "AKIAPMINTSANDBOX0001",
    secret: "pmint-sandbox-secret-0000000000000000001",
    region: "eu-west-1",
    service: "s3",
};

/// How long a link or a form is good, in seconds.
pub(super) const EXPIRES_S: u32 = 900;

/// The smallest file that can be uploaded, in bytes.
pub(super) const FILE_MIN: usize = 1;
/// The largest file that can be uploaded, in bytes: 10 MiB.
pub(super) const FILE_MAX: usize = 10 * 1024 * 1024;

/// The largest form with its file, in bytes.
pub(super) const FORM_MAX: usize = FILE_MAX + 256 * 1024;

/// What is served for a document whose file is elsewhere: a PNG of one pixel.
const PLACEHOLDER: &[u8] = include_bytes!("placeholder.png");

/// The parameters of a signed link.
const PARAMETERS: [&str; 6] =
    ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"];

/// Why the bucket refuses; `Display` is the message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BucketError {
    /// Nothing is signed.
    #[error("Access Denied")]
    AccessDenied,
    /// The link was good once.
    #[error("Request has expired")]
    Expired,
    /// The form was good once, or the upload is not what it allows.
    #[error("Invalid according to Policy: {0}")]
    Policy(String),
    /// Something else was signed.
    #[error("The request signature we calculated does not match the signature you provided. Check your key and signing method.")]
    SignatureDoesNotMatch,
    /// Nothing is there.
    #[error("The specified key does not exist.")]
    NoSuchKey,
    /// There is one bucket.
    #[error("The specified bucket does not exist")]
    NoSuchBucket,
    /// Not a form with a file.
    #[error("Bucket POST must be of the enclosure-type multipart/form-data")]
    NotMultipart,
    /// A form that cannot be read.
    #[error("The body of your POST request is not well-formed multipart/form-data.")]
    Malformed,
    /// A form without its file.
    #[error("POST requires exactly one file upload per request.")]
    NoFile,
    /// A form without one of its fields.
    #[error("Bucket POST must contain a field named '{0}'.  If it is specified, please check the order of the fields.")]
    NoField(&'static str),
    /// An empty file.
    #[error("Your proposed upload is smaller than the minimum allowed size")]
    EntityTooSmall,
    /// A file over the limit.
    #[error("Your proposed upload exceeds the maximum allowed size")]
    EntityTooLarge,
    /// Objects are read and posted.
    #[error("The specified method is not allowed against this resource.")]
    MethodNotAllowed,
    /// The body did not arrive.
    #[error("Your socket connection to the server was not read from or written to within the timeout period.")]
    RequestTimeout,
    /// More requests than are taken.
    #[error("Please reduce your request rate.")]
    SlowDown,
    /// The cause is in the log.
    #[error("We encountered an internal error. Please try again.")]
    InternalError,
}

impl BucketError {
    /// Status and code.
    pub(super) fn class(&self) -> (StatusCode, &'static str) {
        match self {
            Self::AccessDenied | Self::Expired | Self::Policy(_) => (StatusCode::FORBIDDEN, "AccessDenied"),
            Self::SignatureDoesNotMatch => (StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
            Self::NoSuchKey => (StatusCode::NOT_FOUND, "NoSuchKey"),
            Self::NoSuchBucket => (StatusCode::NOT_FOUND, "NoSuchBucket"),
            Self::NotMultipart => (StatusCode::PRECONDITION_FAILED, "PreconditionFailed"),
            Self::Malformed => (StatusCode::BAD_REQUEST, "MalformedPOSTRequest"),
            Self::NoFile | Self::NoField(_) => (StatusCode::BAD_REQUEST, "InvalidArgument"),
            Self::EntityTooSmall => (StatusCode::BAD_REQUEST, "EntityTooSmall"),
            Self::EntityTooLarge => (StatusCode::BAD_REQUEST, "EntityTooLarge"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
            Self::RequestTimeout => (StatusCode::BAD_REQUEST, "RequestTimeout"),
            Self::SlowDown => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
            Self::InternalError => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        }
    }
}

/// Whether a path belongs to the object store, and not to the API.
pub(super) fn is_bucket_path(path: &str) -> bool {
    path.starts_with(ROOT)
}

/// The URL of an object; that of the bucket for an empty key.
pub(super) fn url(links: &Links, key: &str) -> String {
    links.url(API, &format!("{ROOT}{BUCKET}/{key}"))
}

/// Host (with port) and path of a URL that [`url()`] made.
pub(super) fn host_and_path(url: &str) -> (&str, &str) {
    split_uri(url).unwrap_or_default()
}

/// Where the file of a document with this URL is in the bucket: the URL's path, or what follows the bucket in it when the file was
/// uploaded here.
pub(super) fn key_of(document_url: &str, links: &Links) -> String {
    let (authority, rest) = split_uri(document_url).unwrap_or_default();
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let whole = path.strip_prefix('/').unwrap_or(path);
    let is_own_host = authority == links.authority || is_loopback(authority) || is_real_host(authority);
    uploaded_key(whole).filter(|_| is_own_host).unwrap_or(whole).to_owned()
}

/// Whether a host can only be this machine.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => authority.split(':').next().unwrap_or_default(),
    };
    let host = host.to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_real_host(authority: &str) -> bool {
    let host = authority.split(':').next().unwrap_or_default();
    PublicMint::SITES.iter().flat_map(|site| site.hosts).any(|known| known.eq_ignore_ascii_case(host))
}

/// What follows the bucket in a path of ours: after the world's and the provider's prefix, where they are.
fn uploaded_key(path: &str) -> Option<&str> {
    let path = match path.strip_prefix('~') {
        Some(world) => world.split_once('/')?.1,
        None => path,
    };
    let path = path.strip_prefix(PublicMint::SLUG).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path);
    path.strip_prefix("_s3/")?.strip_prefix(BUCKET)?.strip_prefix('/')
}

/// `GET /_s3/{bucket}/{key}`: the file behind a signed link.
///
/// 200 with the file, or with a placeholder where a document's file was never uploaded; 403 `AccessDenied` when the link is not signed
/// or has expired, `SignatureDoesNotMatch` when it was signed for something else; 404 `NoSuchKey`, `NoSuchBucket`.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    check_link(req, cx.now)?;
    let bucket = req.params.raw("bucket");
    if bucket != BUCKET {
        return Err(BucketError::NoSuchBucket.into());
    }
    let key = req.path.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix(BUCKET)).unwrap_or_default();
    let key = key.strip_prefix('/').unwrap_or(key);
    if let Some(bytes) = store::documents::object(cx.db, key)? {
        return Ok(reply::body(StatusCode::OK, media_type(key), bytes));
    }
    if store::documents::is_in_use(cx.db, key)? {
        return Ok(reply::body(StatusCode::OK, HeaderValue::from_static("image/png"), Bytes::from_static(PLACEHOLDER)));
    }
    Err(BucketError::NoSuchKey.into())
}

fn media_type(key: &str) -> HeaderValue {
    let extension = key.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    HeaderValue::from_static(match extension.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    })
}

/// Refuses a link that is not signed, was signed for something else, or has expired.
fn check_link(req: &Req, now: DateTime<Utc>) -> Result<(), BucketError> {
    let pairs = sigv4::query_pairs(&req.query);
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let [Some(algorithm), Some(credential), Some(date), Some(expires), Some(signed_headers), Some(signature)] =
        PARAMETERS.map(value)
    else {
        return Err(BucketError::AccessDenied);
    };
    let mismatch = BucketError::SignatureDoesNotMatch;
    let Some(at) = sigv4::parse_timestamp(date) else { return Err(mismatch) };
    let Ok(expires_s) = expires.parse::<u32>() else { return Err(mismatch) };
    if algorithm != ALGORITHM || signed_headers != "host" || credential != SIGNER.credential(at) {
        return Err(mismatch);
    }
    let query = sigv4::canonical_query(
        pairs.iter().filter(|(name, _)| name != "X-Amz-Signature").map(|(name, value)| (name.as_str(), value.as_str())),
    );
    let path = format!("{}{}", req.links.prefix, req.path);
    // The host that the caller wrote, or the one that links are made for where a proxy stands between.
    let emitted = req.links.url(API, "");
    let hosts = [req.header(HOST.as_str()), Some(host_and_path(&emitted).0)];
    let is_right = hosts.into_iter().flatten().any(|host| {
        let request = sigv4::canonical_request(req.method.as_str(), &path, &query, host);
        sigv4::same(&SIGNER.signature(&request, at), signature)
    });
    if !is_right {
        return Err(mismatch);
    }
    if now > at + TimeDelta::seconds(expires_s.into()) {
        return Err(BucketError::Expired);
    }
    Ok(())
}

/// `POST /_s3/{bucket}`: uploads a file by a signed form (`multipart/form-data`, the file last).
///
/// 204 with its address; 400 `MalformedPOSTRequest`, `InvalidArgument` (a field or the file is missing), `EntityTooSmall`,
/// `EntityTooLarge`; 403 `SignatureDoesNotMatch`, or `AccessDenied` when nothing is signed, the form has expired or does not allow this;
/// 404 `NoSuchBucket`; 412 `PreconditionFailed` when it is no such form.
pub(super) fn upload(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    if req.params.raw("bucket") != BUCKET {
        return Err(BucketError::NoSuchBucket.into());
    }
    let content_type = req.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let boundary = multipart::boundary(content_type).ok_or(BucketError::NotMultipart)?;
    let parts = multipart::read(&req.body, boundary).ok_or(BucketError::Malformed)?;
    // What stands after the file is not looked at.
    let at = parts.iter().position(|part| part.name == "file").ok_or(BucketError::NoFile)?;
    let (fields, rest) = parts.split_at(at);
    let file = rest.first().ok_or(BucketError::NoFile)?;
    let key = check_form(fields, cx.now)?;
    if file.content.len() < FILE_MIN {
        return Err(BucketError::EntityTooSmall.into());
    }
    if file.content.len() > FILE_MAX {
        return Err(BucketError::EntityTooLarge.into());
    }
    store::documents::put_object(cx.db, &key, file.content)?;
    Ok(reply::empty(StatusCode::NO_CONTENT).header(LOCATION, url(&req.links, &key)))
}

/// What an upload must be like, as the form says.
#[derive(Deserialize)]
struct Policy {
    expiration: DateTime<Utc>,
    conditions: Vec<Value>,
}

/// Checks the fields of a form against the policy that they carry, and that against its signature; returns the key.
fn check_form(fields: &[Part<'_>], now: DateTime<Utc>) -> Result<String, BucketError> {
    let field = |name: &str| fields.iter().find(|part| part.name.eq_ignore_ascii_case(name)).map(Part::text);
    let key = field("key").ok_or(BucketError::NoField("key"))?;
    let policy = field("policy").ok_or(BucketError::AccessDenied)?;
    let required = |name: &'static str| field(name).ok_or(BucketError::NoField(name));
    let algorithm = required("X-Amz-Algorithm")?;
    let credential = required("X-Amz-Credential")?;
    let date = required("X-Amz-Date")?;
    let signature = required("X-Amz-Signature")?;
    let mismatch = BucketError::SignatureDoesNotMatch;
    let Some(at) = sigv4::parse_timestamp(&date) else { return Err(mismatch) };
    let is_right = algorithm == ALGORITHM
        && credential == SIGNER.credential(at)
        && sigv4::same(&SIGNER.policy_signature(&policy, at), &signature);
    if !is_right {
        return Err(mismatch);
    }
    let unreadable = || BucketError::Policy("Invalid Policy.".to_owned());
    let policy = STANDARD.decode(policy.as_bytes()).map_err(|_| unreadable())?;
    let policy: Policy = serde_json::from_slice(&policy).map_err(|_| unreadable())?;
    if now > policy.expiration {
        return Err(BucketError::Policy("Policy expired.".to_owned()));
    }
    let mut allowed = vec!["policy", "x-amz-signature"];
    for (name, value) in policy.conditions.iter().filter_map(Value::as_object).flatten() {
        let expected = value.as_str().unwrap_or_default();
        // The bucket need not be said again: the address says it.
        let is_met = field(name).map_or(name == "bucket", |sent| sent == expected);
        if !is_met {
            let reason = format!("Policy Condition failed: [\"eq\", \"${name}\", \"{expected}\"]");
            return Err(BucketError::Policy(reason));
        }
        allowed.push(name);
    }
    let extra =
        |part: &&Part<'_>| !part.name.starts_with("x-ignore-") && !allowed.iter().any(|name| name.eq_ignore_ascii_case(&part.name));
    if let Some(part) = fields.iter().find(extra) {
        return Err(BucketError::Policy(format!("Extra input fields: {}", part.name)));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_path_of_the_url_or_what_follows_the_bucket_in_ours() {
        let links = Links { scheme: "http", authority: "understudy.test:8080".to_owned(), prefix: String::new(), real: None };
        let ours = format!("_s3/{BUCKET}/b3/x.png");
        for (url, expected) in [
            ("https://bucket.s3.amazonaws.com/85/ba/x.png".to_owned(), "85/ba/x.png"),
            ("https://h.example/a%20b/c.pdf?v=1#p2".to_owned(), "a%20b/c.pdf"),
            ("https://h.example".to_owned(), ""),
            ("https://h.example//a".to_owned(), "/a"),
            (format!("http://localhost:8080/{ours}"), "b3/x.png"),
            (format!("http://127.0.0.1:1/publicmint/{ours}"), "b3/x.png"),
            (format!("http://[::1]:1/publicmint/{ours}"), "b3/x.png"),
            (format!("http://publicmint.localhost/{ours}"), "b3/x.png"),
            (format!("http://understudy.test:8080/~w/publicmint/{ours}"), "b3/x.png"),
            (format!("https://api.sandbox.publicmint.io/~w/{ours}?q"), "b3/x.png"),
            (format!("https://h.example/{ours}"), ours.as_str()),
            (format!("http://localhost/other/{ours}"), format!("other/{ours}").as_str()),
        ] {
            assert_eq!(key_of(&url, &links), expected, "{url}");
        }
    }

    #[test]
    fn media_types_follow_the_extension() {
        for (key, expected) in [
            ("a/b.png", "image/png"),
            ("b.JPG", "image/jpeg"),
            ("b.jpeg", "image/jpeg"),
            ("b.pdf", "application/pdf"),
            ("b.txt", "application/octet-stream"),
            ("b", "application/octet-stream"),
        ] {
            assert_eq!(media_type(key), expected, "{key}");
        }
    }
}
