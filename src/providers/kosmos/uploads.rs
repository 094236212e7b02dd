//! Addresses to which images can be put without credentials, and the object storage behind them.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use http::StatusCode;
use http::header::{ETAG, HeaderValue};
use md5::{Digest as _, Md5};
use serde_json::Value;

use super::endpoint::Endpoint;
use super::error::Error;
use super::fields::{Checks, Object};
use super::lifecycle;
use super::store;
use super::store::resources::{Bucket, bucket, put_object};
use super::store::sessions::session;
use super::types::Status;
use crate::crypto::hex;
use crate::crypto::hs256::hmac_sha256_hex;
use crate::http::{Reply, Req, form, reply, wire};
use crate::world::Cx;

/// Images that can be uploaded.
pub(super) const IMAGES: &[&str] = &[
    "document_front_image",
    "document_front_image_compressed",
    "document_front_face",
    "document_back_image",
    "document_back_image_compressed",
    "document_back_imageBarcode",
    "document_back_imageBarcode_compressed",
    "selfie_liveness_image",
];

/// Seconds for which an address is valid.
const LIFETIME_S: i64 = 900;
/// Most bytes of an object.
const MOST_BYTES: usize = 25 * 1024 * 1024;
/// Version of the storage service that addresses of Azure name.
const AZURE_VERSION: &str = "2023-11-03";

const PRESIGN: Endpoint = Endpoint::signed(&[200, 400, 401, 403, 404, 500]);

/// `POST /idproofingapi/presignedurls/{sessionId}`: addresses to which images of the session can be put.
///
/// 200 with an address for each name; 400 for names that are missing or wrong; 401 without credentials; 403 when the session does
/// not go on or its images are not uploaded; 404 for an unknown session and where there is no bucket.
pub(super) fn presign(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    PRESIGN.answer(cx, req, |cx, call| {
        let body = call.body()?;
        let mut checks = Checks::default();
        let names = checks.choices(&body, "imagesUrl", IMAGES);
        match &names {
            None if body.get("imagesUrl").is_none_or(Value::is_null) => checks.mistake("imagesUrl is required"),
            Some(names) if names.is_empty() => checks.mistake("imagesUrl must contain at least 1 items"),
            _ => {}
        }
        checks.done()?;
        let session = lifecycle::find(cx, call)?;
        if session.status != Status::InProgress {
            return Err(call.wrong_state(session.status));
        }
        if !session.config.high_resolution() {
            return Err(Error::new(StatusCode::FORBIDDEN, "High resolution images are not enabled"));
        }
        let bucket = bucket(cx.db, &session.tenant_id, &session.community_id)?.filter(|bucket| bucket.enabled);
        let bucket = bucket.ok_or_else(|| call.missing("Bucket not found"))?;
        let mut urls = Object::new();
        for name in names.unwrap_or_default() {
            let url = address(cx, req, &bucket, &session.id, &name)?;
            urls.insert(name, Value::String(url));
        }
        call.reply(cx, &urls)
    })
}

/// The file that an image becomes.
fn file(name: &str) -> String {
    let extension = if name.ends_with("_compressed") || name.ends_with("_face") { "jpeg" } else { "png" };
    format!("{name}.{extension}")
}

fn address(cx: &Cx<'_>, req: &Req, bucket: &Bucket, session_id: &str, name: &str) -> Result<String, Error> {
    let path = format!("/_bucket/{}/{session_id}/{}", wire::uri_component(&bucket.name), file(name));
    let secret = store::secret(cx.db, "upload")?;
    let sign = |date: &str, expires: &str| signature(&secret, &path, date, expires);
    let query = match bucket.kind.as_str() {
        "azure" => {
            let expiry = (cx.now + TimeDelta::seconds(LIFETIME_S)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
            let signature = sign(AZURE_VERSION, &expiry);
            format!("sv={AZURE_VERSION}&se={}&sr=b&sp=cw&sig={signature}", wire::uri_component(&expiry))
        }
        kind => {
            let (vendor, algorithm) = if kind == "gcp" { ("Goog", "GOOG4") } else { ("Amz", "AWS4") };
            let date = cx.now.format("%Y%m%dT%H%M%SZ").to_string();
            let signature = sign(&date, &LIFETIME_S.to_string());
            format!(
                "X-{vendor}-Algorithm={algorithm}-HMAC-SHA256&X-{vendor}-Date={date}&X-{vendor}-Expires={LIFETIME_S}\
                 &X-{vendor}-SignedHeaders=host&X-{vendor}-Signature={signature}"
            )
        }
    };
    Ok(format!("{}?{query}", req.links.url("api", &path)))
}

fn signature(secret: &str, path: &str, date: &str, expires: &str) -> String {
    hmac_sha256_hex(secret.as_bytes(), format!("PUT\n{path}\n{date}\n{expires}").as_bytes())
}

/// What a signed address says about itself.
struct Signed {
    date: String,
    expires: String,
    signature: String,
    expiry: Option<DateTime<Utc>>,
    success: StatusCode,
}

impl Signed {
    fn read(query: &str) -> Option<Self> {
        let value = |name: &str| form::first(query.as_bytes(), name).map(std::borrow::Cow::into_owned);
        for vendor in ["Amz", "Goog"] {
            let part = |name: &str| value(&format!("X-{vendor}-{name}"));
            if let (Some(date), Some(expires), Some(signature)) = (part("Date"), part("Expires"), part("Signature")) {
                let begin = NaiveDateTime::parse_from_str(&date, "%Y%m%dT%H%M%SZ").ok();
                let lifetime = expires.parse().ok().and_then(TimeDelta::try_seconds);
                let expiry = begin.zip(lifetime).and_then(|(begin, lifetime)| begin.and_utc().checked_add_signed(lifetime));
                return Some(Self { date, expires, signature, expiry, success: StatusCode::OK });
            }
        }
        let (date, expires, signature) = (value("sv")?, value("se")?, value("sig")?);
        let expiry = DateTime::parse_from_rfc3339(&expires).ok().map(|expiry| expiry.to_utc());
        Some(Self { date, expires, signature, expiry, success: StatusCode::CREATED })
    }
}

/// `PUT /_bucket/{bucketName}/{sessionId}/{object}`: keeps an object, whatever its type; one of that name is replaced.
///
/// 200 (Azure: 201) without a body; 400 over 25 MiB; 403 for an address that is not signed, was changed, or has expired.
pub(super) fn put(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let Some(signed) = Signed::read(&req.query) else {
        return Ok(refusal(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"));
    };
    let secret = store::secret(cx.db, "upload")?;
    if signature(&secret, &req.path, &signed.date, &signed.expires) != signed.signature {
        let message = "The request signature we calculated does not match the signature you provided.";
        return Ok(refusal(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", message));
    }
    if signed.expiry.is_none_or(|expiry| cx.now >= expiry) {
        return Ok(refusal(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired"));
    }
    if req.body.len() > MOST_BYTES {
        return Ok(too_large());
    }
    let (session_id, object) = (req.param("sessionId"), req.param("object"));
    let name = object.rsplit_once('.').map_or(object.as_ref(), |(name, _)| name);
    if session(cx.db, &session_id)?.is_none() {
        return Ok(refusal(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"));
    }
    put_object(cx.db, &session_id, name, &req.body)?;
    let reply = reply::empty(signed.success);
    if signed.success == StatusCode::CREATED {
        return Ok(reply);
    }
    let digest = hex(Md5::digest(&req.body));
    Ok(reply.header(ETAG, format!("\"{digest}\"")))
}

/// `GET /_bucket/{bucketName}/{sessionId}/{object}`: nobody may read objects.
///
/// 403.
#[expect(clippy::unnecessary_wraps, reason = "handlers have this signature")]
pub(super) fn refuse(_cx: &mut Cx<'_>, _req: &Req) -> Result<Reply, Error> {
    Ok(refusal(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"))
}

/// The refusal of an object that is too large.
pub(super) fn too_large() -> Reply {
    refusal(StatusCode::BAD_REQUEST, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
}

/// The object store's refusal of more requests than it takes.
pub(super) fn slow_down() -> Reply {
    refusal(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.")
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Reply {
    let body =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    reply::body(status, HeaderValue::from_static("application/xml"), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_become_files_of_their_kind() {
        for (name, expected) in [
            ("document_front_image", "document_front_image.png"),
            ("document_front_image_compressed", "document_front_image_compressed.jpeg"),
            ("document_front_face", "document_front_face.jpeg"),
            ("document_back_imageBarcode", "document_back_imageBarcode.png"),
            ("selfie_liveness_image", "selfie_liveness_image.png"),
        ] {
            assert_eq!(file(name), expected);
        }
    }
}
