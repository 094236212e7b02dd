//! Links to the files of documents, and forms to upload them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{SecondsFormat, TimeDelta};
use http::StatusCode;
use serde::Serialize;

use super::auth;
use super::body::{self, Object, path_id};
use super::bucket::{self, BUCKET, EXPIRES_S, FILE_MAX, FILE_MIN, SIGNER};
use super::error::Error;
use super::field_errors::FieldErrors;
use super::store;
use super::types::{Data, Link, UploadFields, UploadForm};
use crate::crypto::sigv4::{self, ALGORITHM};
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// What a file's name is made of, after the folders.
const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The longest extension that is taken from the name of a file.
const EXTENSION_MAX: usize = 16;

/// `GET /identities/{identityId}/documents/{id}/presign-url`: a link to the file of a document, good for 15 minutes.
///
/// 200 with the link; 400 `validation_failed` with each id that is none; 404 `identity_not_found`, `document_not_found`.
pub(super) fn presign(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let app = auth::caller(cx, req)?;
    let mut errors = FieldErrors::default();
    let identity_id = path_id(req, "identityId", &mut errors);
    let id = path_id(req, "id", &mut errors);
    errors.check()?;
    let identity = store::number(cx.db, &app.id, &identity_id)?.ok_or(Error::IdentityNotFound)?;
    let key = store::documents::object_key(cx.db, identity, &id)?.ok_or(Error::DocumentNotFound)?;
    let url = bucket::url(&req.links, &key);
    let (host, path) = bucket::host_and_path(&url);
    let query = SIGNER.presign_get(host, path, cx.now, EXPIRES_S);
    Ok(reply::json(StatusCode::OK, &Data { data: Link { url: format!("{url}?{query}") } }))
}

/// What an upload must be like: the policy that its form carries.
#[derive(Serialize)]
struct Policy<'a> {
    expiration: String,
    conditions: [Condition<'a>; 6],
}

#[derive(Serialize)]
#[serde(untagged)]
enum Condition<'a> {
    Length(&'static str, usize, usize),
    Key { key: &'a str },
    Bucket { bucket: &'static str },
    Algorithm(Algorithm),
    Credential(Credential<'a>),
    Date(Date<'a>),
}

#[derive(Serialize)]
struct Algorithm {
    #[serde(rename = "X-Amz-Algorithm")]
    algorithm: &'static str,
}

#[derive(Serialize)]
struct Credential<'a> {
    #[serde(rename = "X-Amz-Credential")]
    credential: &'a str,
}

#[derive(Serialize)]
struct Date<'a> {
    #[serde(rename = "X-Amz-Date")]
    date: &'a str,
}

/// `POST /presign-url`: a form for uploading a file within 15 minutes. Its later address is the form's `url` and `key` together.
///
/// 200 with the form's address and fields; 400 `validation_failed` when `filename` is missing or wrong, or something else is there.
pub(super) fn presign_upload(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    auth::caller(cx, req)?;
    let body = body::object(req)?;
    let mut errors = FieldErrors::default();
    let root = Object::root(&body);
    root.refuse_others(&["filename"], &mut errors);
    let filename = root.required_text("filename", &mut errors).unwrap_or_default();
    errors.check()?;

    let key = new_key(cx, filename);
    let credential = SIGNER.credential(cx.now);
    let date = sigv4::timestamp(cx.now);
    let expiration = cx.now + TimeDelta::seconds(EXPIRES_S.into());
    let policy = Policy {
        expiration: expiration.to_rfc3339_opts(SecondsFormat::Secs, true),
        conditions: [
            Condition::Length("content-length-range", FILE_MIN, FILE_MAX),
            Condition::Key { key: &key },
            Condition::Bucket { bucket: BUCKET },
            Condition::Algorithm(Algorithm { algorithm: ALGORITHM }),
            Condition::Credential(Credential { credential: &credential }),
            Condition::Date(Date { date: &date }),
        ],
    };
    let policy = serde_json::to_vec(&policy).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let policy = STANDARD.encode(policy);
    let signature = SIGNER.policy_signature(&policy, cx.now);
    let fields = UploadFields { key, bucket: BUCKET, algorithm: ALGORITHM, credential, date, policy, signature };
    Ok(reply::json(StatusCode::OK, &Data { data: UploadForm { url: bucket::url(&req.links, ""), fields } }))
}

/// A key that nothing has yet: `b3/a6/24/13/KtQ2mZx81LwPvR5d.png`.
fn new_key(cx: &mut Cx<'_>, filename: &str) -> String {
    let folders = [cx.rng.hex::<1>(), cx.rng.hex::<1>(), cx.rng.hex::<1>(), cx.rng.hex::<1>()].join("/");
    let name: String = (0..16)
        .filter_map(|_| {
            let at = usize::try_from(cx.rng.below(62)).ok()?;
            ALPHANUMERIC.get(at).map(|byte| char::from(*byte))
        })
        .collect();
    let extension = extension(filename).map(|extension| format!(".{extension}")).unwrap_or_default();
    format!("{folders}/{name}{extension}")
}

/// What stands after the last dot of a file's name, if it can be an extension.
fn extension(filename: &str) -> Option<&str> {
    let (_, extension) = filename.rsplit_once('.')?;
    let fits = (1..=EXTENSION_MAX).contains(&extension.len()) && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    fits.then_some(extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_letters_and_digits_after_the_last_dot() {
        for (filename, expected) in [
            ("front.png", Some("png")),
            ("a.tar.gz", Some("gz")),
            ("FRONT.JPEG", Some("JPEG")),
            ("front", None),
            ("front.", None),
            ("a.b/c", None),
            ("a.p\u{f1}g", None),
            ("a.12345678901234567", None),
        ] {
            assert_eq!(extension(filename), expected, "{filename}");
        }
    }
}
