//! Verifying a document in one call, without a session.

use http::StatusCode;
use serde::Serialize;

use super::creation::{Basis, check_config};
use super::documents::{About, Certificate, Metadata, metadata};
use super::endpoint::{Call, Endpoint};
use super::error::Error;
use super::fields::{Checks, Object};
use super::steering::{self, Verdict, Wish};
use super::store;
use super::types::{DocumentType, Level, Outcome};
use super::utilities::CONNECTORS;
use crate::crypto::ecdh;
use crate::http::{Reply, Req};
use crate::world::Cx;

const VERIFY: Endpoint = Endpoint::licensed(&[Level::System, Level::Service], &[200, 400, 401, 403, 500]);
const FRONT: Endpoint = Endpoint::licensed(&[Level::System, Level::Service, Level::ServiceExt], &[200, 400, 401, 403, 404, 500]);

/// What `verify` can be asked to do.
const VERIFICATIONS: &[&str] = &["dl_authenticate", "ppt_authenticate", "idcard_authenticate", "id_capture"];
/// Images of a document; each may come as an address too.
const IMAGES: &[&str] = &["front_image", "back_image", "barcode_image", "front_image_flash"];

/// Answer of `verifyDocuverify`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Certified {
    doc_type: String,
    doc_id: String,
    certifications: Vec<Certificate>,
}

/// `POST /idproofingapi/verify`: verifies a document. The outcome follows the beginning of its id.
///
/// 200 with a certificate, also for a document that fails; 400 for a field that is missing or wrong; 401 without credentials; 403 for
/// a license that may not, and 403 or 500 where the document's id asks for it.
pub(super) fn verify(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    VERIFY.answer(cx, req, |cx, call| {
        let body = call.body()?;
        let mut checks = Checks::default();
        let connector = checks.object(&body, "connector").map(|connector| {
            checks.text(connector, "id");
            checks.optional_object(connector, "config");
            checks.choice(connector, "type", CONNECTORS)
        });
        let mut raw = false;
        let kind = checks.object(&body, "verification").map(|verification| {
            checks.text(verification, "id");
            checks.text(verification, "tag");
            if let Some(config) = checks.optional_object(verification, "config") {
                check_config(&mut checks, config);
                raw = config.get("returnRawData").and_then(serde_json::Value::as_bool).unwrap_or(false);
            }
            checks.choice(verification, "type", VERIFICATIONS)
        });
        let kind = kind.unwrap_or_default();
        let document = checks.object(&body, "document").map(|document| read_document(&mut checks, document, &kind));
        let recipient = checks.optional_text(&body, "referrerPublicKey");
        if recipient.as_ref().is_some_and(|key| !ecdh::is_public_key(call.keys.curve, key.as_bytes())) {
            checks.mistake("referrerPublicKey must be a valid public key");
        }
        checks.done()?;
        call.permit()?;
        let (doc_id, document_type) = document.unwrap_or((String::new(), DocumentType::Licence));
        let verdict = match steering::wish(&doc_id) {
            Some(Wish::Error(403)) => return Err(Error::forbidden()),
            Some(Wish::Error(_)) => return Err(Error::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")),
            Some(Wish::Always(verdict) | Wish::Once(verdict)) => verdict,
            None => Verdict::of(Outcome::Pass, None),
        };
        let about =
            about(cx, document_type, document_type.short().to_owned(), doc_id, kind, connector.unwrap_or_default(), verdict, raw)?;
        let certificate = Certificate::issue(cx, call, about, recipient.as_deref())?;
        call.reply(cx, &certificate)
    })
}

/// Id and type of the document, which must be one that the verification is about.
fn read_document(checks: &mut Checks, document: &Object, verification: &str) -> (String, DocumentType) {
    let id = checks.text(document, "id");
    let name = checks.text(document, "type");
    for image in IMAGES {
        checks.optional_text(document, image);
        checks.optional_text(document, &[image, "_url"].concat());
    }
    let document_type = DocumentType::of_short(&name);
    let matches = |document_type: DocumentType| verification == "id_capture" || verification == document_type.authentication();
    if VERIFICATIONS.contains(&verification) && !name.is_empty() && !document_type.is_some_and(matches) {
        checks.mistake("document type does not match verification type");
    }
    let document_type = document_type.unwrap_or(DocumentType::Licence);
    let has = |name: &str| document.get(name).and_then(serde_json::Value::as_str).is_some_and(|image| !image.is_empty());
    if document_type == DocumentType::Passport && !has("front_image") && !has("front_image_url") {
        checks.mistake("front_image is required");
    }
    (id, document_type)
}

/// `POST /docuverify/verify`: verifies a document in several ways. The outcome follows the beginning of its id, then the dvcID.
///
/// 200 with a certificate for each; 400 for a field that is missing or wrong; 401 without credentials; 403 for a license that may
/// not; 404 for an unknown dvcID.
pub(super) fn verify_at_front(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    FRONT.answer(cx, req, |cx, call| {
        let body = call.body()?;
        let mut checks = Checks::default();
        let dvc_id = checks.text(&body, "dvcID");
        let verifications = checks.texts(&body, "verifications");
        match &verifications {
            None if body.get("verifications").is_none_or(serde_json::Value::is_null) => checks.mistake("verifications is required"),
            Some(names) if names.is_empty() => checks.mistake("verifications must contain at least 1 items"),
            Some(names) if names.iter().any(String::is_empty) => checks.mistake("verifications is not allowed to be empty"),
            _ => {}
        }
        let document =
            checks.object(&body, "document").map(|document| (checks.text(document, "id"), checks.text(document, "type")));
        checks.done()?;
        call.permit()?;
        let basis = Basis::of_dvc(cx, &dvc_id)?.ok_or_else(|| Error::new(StatusCode::NOT_FOUND, "dvcID not found"))?;
        let (doc_id, name) = document.unwrap_or_default();
        let doc_type = name.to_lowercase();
        let wished = match steering::wish(&doc_id) {
            Some(Wish::Always(verdict) | Wish::Once(verdict)) => Some(verdict),
            Some(Wish::Error(_)) | None => None,
        };
        let configured = || steering::auto(&dvc_id).and_then(|auto| auto.outcome).map(|outcome| Verdict::of(outcome, None));
        let verdict = wished.or_else(configured).unwrap_or(Verdict::of(Outcome::Pass, None));
        let certifications = certify(cx, call, &basis, &doc_id, &doc_type, &verifications.unwrap_or_default(), verdict)?;
        call.reply(cx, &Certified { doc_type, doc_id, certifications })
    })
}

fn certify(
    cx: &mut Cx<'_>,
    call: &Call<'_>,
    basis: &Basis,
    doc_id: &str,
    doc_type: &str,
    verifications: &[String],
    verdict: Verdict,
) -> Result<Vec<Certificate>, Error> {
    let document_type = DocumentType::of_short(doc_type).unwrap_or(DocumentType::Licence);
    verifications
        .iter()
        .map(|kind| {
            let about = about(
                cx,
                document_type,
                doc_type.to_owned(),
                doc_id.to_owned(),
                kind.clone(),
                basis.connector_type.clone(),
                verdict,
                false,
            )?;
            Certificate::issue(cx, call, about, None)
        })
        .collect()
}

#[expect(clippy::too_many_arguments, reason = "a certificate says that much")]
fn about(
    cx: &Cx<'_>,
    document_type: DocumentType,
    doc_type: String,
    doc_id: String,
    kind: String,
    authority: String,
    verdict: Verdict,
    raw: bool,
) -> Result<About, Error> {
    let dns = store::first_tenant(cx.db)?.and_then(|tenant| tenant.other_dns.into_iter().next());
    // Checks read nothing from a document.
    let reads = VERIFICATIONS.contains(&kind.as_str()) || matches!(kind.as_str(), "dl_verify" | "ppt_verify" | "idcard_verify");
    Ok(About {
        document_type,
        doc_type,
        doc_id,
        kind,
        authority,
        at: cx.now,
        result: verdict.outcome,
        reason: verdict.reason.map(str::to_owned),
        metadata: if reads { metadata(document_type, None, None) } else { Metadata::default() },
        raw,
        audience: format!("https://{}/default", dns.as_deref().unwrap_or("localhost")),
        username: String::new(),
    })
}
