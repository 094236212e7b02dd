//! Identities: create, read, change, delete.

use http::StatusCode;
use serde::Deserialize;

use super::auth;
use super::body::{self, path_id};
use super::bucket;
use super::error::Error;
use super::field_errors::FieldErrors;
use super::kyc;
use super::rules::{self, Changes, NewDocument, NewIdentity};
use super::store::{self, Stored, documents};
use super::types::{App, Data, Document, Identity, IdentityType, RiskRating};
use super::webhooks;
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// The setting `envelope`: what stands around a single identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Envelope {
    #[default]
    Data,
    None,
}

/// The one place where a single identity is put into its envelope.
fn show(cx: &Cx<'_>, identity: Identity) -> Result<Reply, Error> {
    Ok(match cx.setting("envelope")? {
        Envelope::Data => reply::json(StatusCode::OK, &Data { data: identity }),
        Envelope::None => reply::json(StatusCode::OK, &identity),
    })
}

/// The app's identity that the path names.
fn named(cx: &Cx<'_>, app: &App, req: &Req) -> Result<Stored, Error> {
    let mut errors = FieldErrors::default();
    let id = path_id(req, "id", &mut errors);
    errors.check()?;
    store::identity_of_app(cx.db, &app.id, &id)?.ok_or(Error::IdentityNotFound)
}

/// `POST /identities`: creates a person or a company, and asks the KYC providers about it.
///
/// 200 with the identity; 400 `validation_failed` with every field that is missing, not allowed or wrong; 400 `email_already_in_use`;
/// 404 `identity_owner_not_found`; 422 `identity_owner_must_be_of_type_person`.
pub(super) fn create(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let app = auth::caller(cx, req)?;
    let body = body::object(req)?;
    let NewIdentity { address, birthday, documents, email, face_images, gender, identity_owner, name, phone, tax, r#type } =
        rules::new_identity(&body, cx.now.date_naive())?;
    if store::number_by_email(cx.db, &app.id, &email)?.is_some() {
        return Err(Error::EmailAlreadyInUse);
    }
    if let Some(owner) = &identity_owner {
        check_owner(cx, &app, owner)?;
    }
    let id = cx.rng.uuid().to_string();
    let verifications = kyc::begin(cx)?;
    let identity = Identity {
        address,
        app_id: app.id.clone(),
        birthday,
        blocked: false,
        created_at: cx.now,
        documents: documents.into_iter().map(|document| new_document(cx, document)).collect(),
        email,
        gender,
        id,
        identity_confirmed: false,
        identity_owner,
        kyc_status: verifications.iter().map(store::Verification::entry).collect(),
        name,
        phone,
        tax,
        r#type,
        updated_at: cx.now,
    };
    let number = store::insert_identity(cx.db, &identity, RiskRating::Low, &face_images, &verifications)?;
    keep_documents(cx, req, number, &identity.documents)?;
    for verification in &verifications {
        webhooks::verification_created(cx, &app.id, &identity.id, &verification.id)?;
    }
    show(cx, identity)
}

/// `GET /identities/{id}`: an identity of the app.
///
/// 200 with it; 400 `validation_failed` when the id is none; 404 `identity_not_found`.
pub(super) fn get(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let app = auth::caller(cx, req)?;
    let stored = named(cx, &app, req)?;
    show(cx, stored.identity)
}

/// `PATCH /identities/{id}`: changes what the body names; objects are replaced as a whole, documents are added. A rejected identity
/// goes to its KYC providers again.
///
/// 200 with the identity; 400 `validation_failed` with every field that is not allowed, wrong, or locked since the identity is
/// confirmed; 400 `email_already_in_use`; 404 `identity_not_found`, `identity_owner_not_found`; 422
/// `identity_owner_must_be_of_type_person`.
pub(super) fn update(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let app = auth::caller(cx, req)?;
    let stored = named(cx, &app, req)?;
    let body = body::object(req)?;
    if body.is_empty() {
        return show(cx, stored.identity);
    }
    let Changes { address, birthday, documents, email, face_images, gender, identity_owner, name, phone, tax, r#type } =
        rules::changes(&body, &stored.identity, cx.now.date_naive())?;
    let before = &stored.identity;
    let mut after = Identity { updated_at: cx.now, ..before.clone() };
    let new_owner = identity_owner.clone().flatten();
    replace(&mut after.address, address);
    replace(&mut after.birthday, birthday);
    replace(&mut after.email, email);
    replace(&mut after.gender, gender);
    replace(&mut after.identity_owner, identity_owner);
    replace(&mut after.name, name);
    replace(&mut after.phone, phone);
    replace(&mut after.tax, tax);
    replace(&mut after.r#type, r#type);
    if before.identity_confirmed {
        rules::locked(before, &after)?;
    }
    if store::number_by_email(cx.db, &app.id, &after.email)?.is_some_and(|number| number != stored.number) {
        return Err(Error::EmailAlreadyInUse);
    }
    match new_owner {
        Some(owner) if owner == after.id && after.r#type != IdentityType::Person => return Err(Error::IdentityOwnerMustBePerson),
        Some(owner) if owner != after.id => check_owner(cx, &app, &owner)?,
        _ => {}
    }
    store::update_identity(cx.db, stored.number, &after, face_images.as_deref())?;
    let documents: Vec<Document> = documents.into_iter().map(|document| new_document(cx, document)).collect();
    keep_documents(cx, req, stored.number, &documents)?;
    kyc::resubmit(cx, &stored)?;
    let stored = store::identity(cx.db, stored.number)?.ok_or(Error::IdentityNotFound)?;
    show(cx, stored.identity)
}

/// `DELETE /identities/{id}`: deletes an identity, whatever its state. Its address becomes free; companies keep it as their owner.
///
/// 204; 400 `validation_failed` when the id is none; 404 `identity_not_found`, also when it was deleted before.
pub(super) fn delete(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let app = auth::caller(cx, req)?;
    let stored = named(cx, &app, req)?;
    store::delete_identity(cx.db, stored.number, cx.now)?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}

fn replace<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// An owner is a person of the same app.
fn check_owner(cx: &Cx<'_>, app: &App, id: &str) -> Result<(), Error> {
    match store::identity_of_app(cx.db, &app.id, id)?.map(|owner| owner.identity.r#type) {
        None => Err(Error::IdentityOwnerNotFound),
        Some(IdentityType::Company) => Err(Error::IdentityOwnerMustBePerson),
        Some(IdentityType::Person) => Ok(()),
    }
}

fn new_document(cx: &mut Cx<'_>, sent: NewDocument) -> Document {
    Document {
        created_at: cx.now,
        description: sent.description,
        id: cx.rng.uuid().to_string(),
        label: sent.label,
        side: sent.side,
        r#type: sent.r#type,
        updated_at: cx.now,
        url: sent.url,
    }
}

fn keep_documents(cx: &Cx<'_>, req: &Req, number: i64, all: &[Document]) -> Result<(), Error> {
    for document in all {
        documents::insert(cx.db, number, document, &bucket::key_of(&document.url, &req.links))?;
    }
    Ok(())
}
