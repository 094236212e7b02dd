//! All SQL of the provider: apps, identities, their verifications and sandbox decisions.

pub(super) mod documents;
pub(super) mod list;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};

use super::kyc::Decision;
use super::types::{App, Document, Identity, KycEntry, KycStatus, RiskRating};
use crate::world::store::{AsJson, AsText, Millis};

/// An identity with what no answer shows.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    /// Its row.
    pub number: i64,
    pub identity: Identity,
    pub risk_rating: RiskRating,
    /// By provider.
    pub verifications: Vec<Verification>,
}

/// What one KYC provider thinks of an identity, with the id that webhooks tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verification {
    pub id: String,
    pub provider: String,
    pub status: KycStatus,
    pub exceptions: Vec<String>,
}

impl Verification {
    /// As answers show it.
    pub(super) fn entry(&self) -> KycEntry {
        KycEntry { exceptions: self.exceptions.clone(), provider: self.provider.clone(), status: self.status }
    }
}

/// Adds an app.
pub(super) fn insert_app(db: &Connection, app: &App, name: &str, api_key: &str) -> Result<()> {
    db.prepare_cached("INSERT INTO public_mint_app (id, name, api_key, webhook_url) VALUES (:id, :name, :api_key, :webhook_url)")?
        .execute(named_params! { ":id": app.id, ":name": name, ":api_key": api_key, ":webhook_url": app.webhook_url })?;
    Ok(())
}

fn app(row: &Row<'_>) -> Result<App> {
    Ok(App { id: row.get(0)?, webhook_url: row.get(1)? })
}

/// The app that a key stands for.
pub(super) fn app_by_key(db: &Connection, key: &str) -> Result<Option<App>> {
    db.prepare_cached("SELECT id, webhook_url FROM public_mint_app WHERE api_key = ?1")?.query_row([key], app).optional()
}

/// The app with an id.
pub(super) fn app_by_id(db: &Connection, id: &str) -> Result<Option<App>> {
    db.prepare_cached("SELECT id, webhook_url FROM public_mint_app WHERE id = ?1")?.query_row([id], app).optional()
}

/// Names, ids and keys of all apps, by name.
pub(super) fn apps(db: &Connection) -> Result<Vec<(String, String, String)>> {
    db.prepare_cached("SELECT name, id, api_key FROM public_mint_app ORDER BY name, id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

/// How e-mail addresses are compared.
pub(super) fn email_key(email: &str) -> String {
    email.to_lowercase()
}

/// Adds an identity with its verifications, but not its documents; returns its row.
pub(super) fn insert_identity(
    db: &Connection,
    identity: &Identity,
    risk_rating: RiskRating,
    face_images: &[String],
    verifications: &[Verification],
) -> Result<i64> {
    db.prepare_cached(
        "INSERT INTO public_mint_identity
             (id, app_id, type, name, email, email_key, birthday, gender, identity_owner, address, phone, tax, face_images, blocked,
              risk_rating, created_ms, updated_ms)
         VALUES (:id, :app_id, :type, :name, :email, :email_key, :birthday, :gender, :identity_owner, :address, :phone, :tax,
             :face_images, :blocked, :risk_rating, :created_ms, :updated_ms)",
    )?
    .execute(named_params! {
        ":id": identity.id,
        ":app_id": identity.app_id,
        ":type": AsText(identity.r#type),
        ":name": identity.name,
        ":email": identity.email,
        ":email_key": email_key(&identity.email),
        ":birthday": identity.birthday.map(|birthday| birthday.to_string()),
        ":gender": identity.gender.map(AsText),
        ":identity_owner": identity.identity_owner,
        ":address": AsJson(&identity.address),
        ":phone": AsJson(&identity.phone),
        ":tax": AsJson(&identity.tax),
        ":face_images": AsJson(face_images),
        ":blocked": identity.blocked,
        ":risk_rating": AsText(risk_rating),
        ":created_ms": Millis(identity.created_at),
        ":updated_ms": Millis(identity.updated_at),
    })?;
    let number = db.last_insert_rowid();
    for verification in verifications {
        set_verification(db, number, verification)?;
    }
    Ok(number)
}

/// Writes what an update may change; documents, verifications and what only staff may change are not touched.
pub(super) fn update_identity(db: &Connection, number: i64, identity: &Identity, face_images: Option<&[String]>) -> Result<()> {
    db.prepare_cached(
        "UPDATE public_mint_identity SET type = :type, name = :name, email = :email, email_key = :email_key, birthday = :birthday,
             gender = :gender, identity_owner = :identity_owner, address = :address, phone = :phone, tax = :tax,
             face_images = coalesce(:face_images, face_images), updated_ms = :updated_ms
         WHERE number = :number",
    )?
    .execute(named_params! {
        ":number": number,
        ":type": AsText(identity.r#type),
        ":name": identity.name,
        ":email": identity.email,
        ":email_key": email_key(&identity.email),
        ":birthday": identity.birthday.map(|birthday| birthday.to_string()),
        ":gender": identity.gender.map(AsText),
        ":identity_owner": identity.identity_owner,
        ":address": AsJson(&identity.address),
        ":phone": AsJson(&identity.phone),
        ":tax": AsJson(&identity.tax),
        ":face_images": face_images.map(AsJson),
        ":updated_ms": Millis(identity.updated_at),
    })?;
    Ok(())
}

/// Blocks or unblocks.
pub(super) fn set_blocked(db: &Connection, number: i64, blocked: bool, now: DateTime<Utc>) -> Result<()> {
    db.prepare_cached("UPDATE public_mint_identity SET blocked = ?2, updated_ms = ?3 WHERE number = ?1")?.execute((
        number,
        blocked,
        Millis(now),
    ))?;
    Ok(())
}

/// Rates.
pub(super) fn set_risk_rating(db: &Connection, number: i64, rating: RiskRating, now: DateTime<Utc>) -> Result<()> {
    db.prepare_cached("UPDATE public_mint_identity SET risk_rating = ?2, updated_ms = ?3 WHERE number = ?1")?.execute((
        number,
        AsText(rating),
        Millis(now),
    ))?;
    Ok(())
}

/// Notes that something about an identity changed.
pub(super) fn touch(db: &Connection, number: i64, now: DateTime<Utc>) -> Result<()> {
    db.prepare_cached("UPDATE public_mint_identity SET updated_ms = ?2 WHERE number = ?1")?.execute((number, Millis(now)))?;
    Ok(())
}

/// Deletes an identity; its row stays for companies that point to it.
pub(super) fn delete_identity(db: &Connection, number: i64, now: DateTime<Utc>) -> Result<()> {
    db.prepare_cached("UPDATE public_mint_identity SET deleted_ms = ?2 WHERE number = ?1")?.execute((number, Millis(now)))?;
    Ok(())
}

/// Adds or replaces what a KYC provider thinks.
pub(super) fn set_verification(db: &Connection, number: i64, verification: &Verification) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO public_mint_verification (identity, provider, id, status, exceptions)
         VALUES (:identity, :provider, :id, :status, :exceptions)
         ON CONFLICT (identity, provider) DO UPDATE SET status = excluded.status, exceptions = excluded.exceptions",
    )?
    .execute(named_params! {
        ":identity": number,
        ":provider": verification.provider,
        ":id": verification.id,
        ":status": AsText(verification.status),
        ":exceptions": AsJson(&verification.exceptions),
    })?;
    Ok(())
}

/// The row of an app's identity.
pub(super) fn number(db: &Connection, app_id: &str, id: &str) -> Result<Option<i64>> {
    db.prepare_cached("SELECT number FROM public_mint_identity WHERE id = ?1 AND app_id = ?2 AND deleted_ms IS NULL")?
        .query_row([id, app_id], |row| row.get(0))
        .optional()
}

/// The row of an app's identity with an e-mail address, whatever its case.
pub(super) fn number_by_email(db: &Connection, app_id: &str, email: &str) -> Result<Option<i64>> {
    db.prepare_cached("SELECT number FROM public_mint_identity WHERE app_id = ?1 AND email_key = ?2 AND deleted_ms IS NULL")?
        .query_row([app_id, &email_key(email)], |row| row.get(0))
        .optional()
}

/// The row of an identity, whoever owns it.
pub(super) fn number_in_any_app(db: &Connection, id: &str) -> Result<Option<i64>> {
    db.prepare_cached("SELECT number FROM public_mint_identity WHERE id = ?1 AND deleted_ms IS NULL")?
        .query_row([id], |row| row.get(0))
        .optional()
}

/// The identity in a row.
pub(super) fn identity(db: &Connection, number: i64) -> Result<Option<Stored>> {
    Ok(identities(db, &[number])?.pop())
}

/// An app's identity.
pub(super) fn identity_of_app(db: &Connection, app_id: &str, id: &str) -> Result<Option<Stored>> {
    match number(db, app_id, id)? {
        Some(number) => identity(db, number),
        None => Ok(None),
    }
}

/// The identities in these rows, in their order.
pub(super) fn identities(db: &Connection, numbers: &[i64]) -> Result<Vec<Stored>> {
    let wanted = AsJson(numbers);
    let mut documents = documents::of_identities(db, numbers)?;
    let mut verifications = verifications(db, numbers)?;
    let mut statement = db.prepare_cached(
        "SELECT number, id, app_id, type, name, email, birthday, gender, identity_owner, address, phone, tax, blocked, risk_rating,
             created_ms, updated_ms
         FROM public_mint_identity WHERE number IN (SELECT value FROM json_each(?1))",
    )?;
    let mut found = BTreeMap::new();
    let mut rows = statement.query([wanted])?;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let documents = documents.remove(&number).unwrap_or_default();
        let verifications = verifications.remove(&number).unwrap_or_default();
        found.insert(number, stored(row, number, documents, verifications)?);
    }
    Ok(numbers.iter().filter_map(|number| found.remove(number)).collect())
}

fn stored(row: &Row<'_>, number: i64, documents: Vec<Document>, verifications: Vec<Verification>) -> Result<Stored> {
    let identity = Identity {
        id: row.get(1)?,
        app_id: row.get(2)?,
        r#type: row.get::<_, AsText<_>>(3)?.0,
        name: row.get(4)?,
        email: row.get(5)?,
        birthday: row.get::<_, Option<AsText<_>>>(6)?.map(|birthday| birthday.0),
        gender: row.get::<_, Option<AsText<_>>>(7)?.map(|gender| gender.0),
        identity_owner: row.get(8)?,
        address: row.get::<_, AsJson<_>>(9)?.0,
        phone: row.get::<_, AsJson<_>>(10)?.0,
        tax: row.get::<_, AsJson<_>>(11)?.0,
        blocked: row.get(12)?,
        created_at: row.get::<_, Millis>(14)?.0,
        updated_at: row.get::<_, Millis>(15)?.0,
        documents,
        identity_confirmed: is_confirmed(&verifications),
        kyc_status: verifications.iter().map(Verification::entry).collect(),
    };
    Ok(Stored { number, identity, risk_rating: row.get::<_, AsText<_>>(13)?.0, verifications })
}

/// Whether every KYC provider has approved, and there is one.
pub(super) fn is_confirmed(verifications: &[Verification]) -> bool {
    !verifications.is_empty() && verifications.iter().all(|verification| verification.status == KycStatus::Approved)
}

fn verifications(db: &Connection, numbers: &[i64]) -> Result<BTreeMap<i64, Vec<Verification>>> {
    let mut statement = db.prepare_cached(
        "SELECT identity, id, provider, status, exceptions FROM public_mint_verification
         WHERE identity IN (SELECT value FROM json_each(?1)) ORDER BY identity, provider",
    )?;
    let mut found: BTreeMap<i64, Vec<Verification>> = BTreeMap::new();
    let mut rows = statement.query([AsJson(numbers)])?;
    while let Some(row) = rows.next()? {
        found.entry(row.get(0)?).or_default().push(Verification {
            id: row.get(1)?,
            provider: row.get(2)?,
            status: row.get::<_, AsText<_>>(3)?.0,
            exceptions: row.get::<_, AsJson<_>>(4)?.0,
        });
    }
    Ok(found)
}

/// Keeps a sandbox decision until its timer fires; a later one for the same identity takes its place.
pub(super) fn set_decision(db: &Connection, identity_id: &str, decision: Decision, exceptions: &[String]) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO public_mint_decision (identity_id, decision, exceptions) VALUES (?1, ?2, ?3)")?
        .execute((identity_id, AsText(decision), AsJson(exceptions)))?;
    Ok(())
}

/// Takes the sandbox decision that waits for an identity.
pub(super) fn take_decision(db: &Connection, identity_id: &str) -> Result<Option<(Decision, Vec<String>)>> {
    db.prepare_cached("DELETE FROM public_mint_decision WHERE identity_id = ?1 RETURNING decision, exceptions")?
        .query_row([identity_id], |row| Ok((row.get::<_, AsText<_>>(0)?.0, row.get::<_, AsJson<_>>(1)?.0)))
        .optional()
}
