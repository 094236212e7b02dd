//! What a fresh world holds, read strictly: apps with their keys, and identities in the form in which answers show them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::bucket;
use super::formats;
use super::store::{self, Verification, documents, email_key};
use super::types::{App, Identity, IdentityType, KycStatus, RiskRating};
use crate::http::Links;
use crate::http::fixture::{self, FixtureError};
use crate::world::Cx;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    apps: Vec<FixtureApp>,
    identities: Vec<FixtureIdentity>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FixtureApp {
    name: String,
    app_id: String,
    api_key: String,
    /// Where its webhooks go; nowhere when absent.
    webhook_url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FixtureIdentity {
    risk_rating: RiskRating,
    /// One for each KYC provider, by its name.
    verification_ids: BTreeMap<String, String>,
    #[serde(default)]
    face_images: Vec<String>,
    identity: Identity,
}

/// What must not come twice.
#[derive(Default)]
struct Seen {
    ids: BTreeSet<String>,
    keys: BTreeSet<String>,
    emails: BTreeSet<(String, String)>,
}

impl Seen {
    fn id(&mut self, path: &str, id: &str) -> Result<(), FixtureError> {
        if formats::uuid(id).as_deref() != Some(id) {
            return Err(FixtureError::content(path, format!("{id:?} is no version 4 UUID in lower case")));
        }
        if !self.ids.insert(id.to_owned()) {
            return Err(FixtureError::content(path, format!("{id} is there twice")));
        }
        Ok(())
    }
}

/// Fills the tables.
pub(super) fn load(cx: &mut Cx<'_>, text: &str) -> Result<(), FixtureError> {
    let Fixture { apps, identities } = fixture::read(text)?;
    let mut seen = Seen::default();
    let mut app_ids = BTreeSet::new();
    for (at, app) in apps.iter().enumerate() {
        load_app(cx, app, &format!("apps[{at}]"), &mut seen)?;
        app_ids.insert(app.app_id.as_str());
    }
    let types: BTreeMap<&str, (&str, IdentityType)> =
        identities.iter().map(|one| (one.identity.id.as_str(), (one.identity.app_id.as_str(), one.identity.r#type))).collect();
    for (at, one) in identities.iter().enumerate() {
        let path = format!("identities[{at}]");
        if !app_ids.contains(one.identity.app_id.as_str()) {
            return Err(FixtureError::content(
                format!("{path}.identity.appId"),
                format!("there is no app {}", one.identity.app_id),
            ));
        }
        check_owner(&one.identity, &format!("{path}.identity.identityOwner"), &types)?;
        load_identity(cx, one, &path, &mut seen)?;
    }
    Ok(())
}

fn load_app(cx: &Cx<'_>, app: &FixtureApp, path: &str, seen: &mut Seen) -> Result<(), FixtureError> {
    let wrong = |field: &str, reason: &str| Err(FixtureError::content(format!("{path}.{field}"), reason));
    seen.id(&format!("{path}.appId"), &app.app_id)?;
    if app.name.trim().is_empty() {
        return wrong("name", "it is blank");
    }
    if app.api_key.is_empty() || !app.api_key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return wrong("apiKey", "a key is made of letters and digits");
    }
    if !seen.keys.insert(app.api_key.clone()) {
        return wrong("apiKey", "another app has this key");
    }
    if app.webhook_url.as_deref().is_some_and(|url| !formats::is_uri(url)) {
        return wrong("webhookUrl", "it is no http or https URL");
    }
    let entry = App { id: app.app_id.clone(), webhook_url: app.webhook_url.clone() };
    Ok(store::insert_app(cx.db, &entry, &app.name, &app.api_key)?)
}

fn check_owner(identity: &Identity, path: &str, types: &BTreeMap<&str, (&str, IdentityType)>) -> Result<(), FixtureError> {
    let Some(owner) = &identity.identity_owner else { return Ok(()) };
    match types.get(owner.as_str()) {
        Some((app_id, IdentityType::Person)) if *app_id == identity.app_id => Ok(()),
        Some((app_id, _)) if *app_id != identity.app_id => {
            Err(FixtureError::content(path, format!("{owner} belongs to another app")))
        }
        Some(_) => Err(FixtureError::content(path, format!("{owner} is a company; only persons own"))),
        None => Err(FixtureError::content(path, format!("there is no identity {owner}"))),
    }
}

fn load_identity(cx: &Cx<'_>, one: &FixtureIdentity, path: &str, seen: &mut Seen) -> Result<(), FixtureError> {
    let identity = &one.identity;
    let within = format!("{path}.identity");
    seen.id(&format!("{within}.id"), &identity.id)?;
    if let Some((field, reason)) = flaw(identity) {
        return Err(FixtureError::content(format!("{within}.{field}"), reason));
    }
    if !seen.emails.insert((identity.app_id.clone(), email_key(&identity.email))) {
        return Err(FixtureError::content(format!("{within}.email"), "another identity of the app has this address"));
    }
    if let Some(at) = one.face_images.iter().position(|url| !formats::is_uri(url)) {
        return Err(FixtureError::content(format!("{path}.faceImages[{at}]"), "it is no http or https URL"));
    }
    let verifications = verifications(one, path, seen)?;
    let number = store::insert_identity(cx.db, identity, one.risk_rating, &one.face_images, &verifications)?;
    for (at, document) in identity.documents.iter().enumerate() {
        seen.id(&format!("{within}.documents[{at}].id"), &document.id)?;
        if !formats::is_uri(&document.url) {
            return Err(FixtureError::content(format!("{within}.documents[{at}].url"), "it is no http or https URL"));
        }
        documents::insert(cx.db, number, document, &bucket::key_of(&document.url, &Links::default()))?;
    }
    Ok(())
}

/// The KYC entries with their ids, which must be the same providers', each once and in the order of their names.
fn verifications(one: &FixtureIdentity, path: &str, seen: &mut Seen) -> Result<Vec<Verification>, FixtureError> {
    let entries = &one.identity.kyc_status;
    let mut verifications = Vec::with_capacity(entries.len());
    for (at, entry) in entries.iter().enumerate() {
        let place = format!("{path}.identity.kycStatus[{at}]");
        let wrong = |field: &str, reason: String| Err(FixtureError::content(format!("{place}.{field}"), reason));
        let Some(id) = one.verification_ids.get(&entry.provider) else {
            return wrong("provider", format!("verificationIds has none for {:?}", entry.provider));
        };
        if verifications.last().is_some_and(|last: &Verification| last.provider >= entry.provider) {
            return wrong("provider", "entries are sorted by provider, each of which comes once".to_owned());
        }
        let wants_exceptions = matches!(entry.status, KycStatus::Review | KycStatus::Rejected);
        if !wants_exceptions && !entry.exceptions.is_empty() || entry.status == KycStatus::Review && entry.exceptions.is_empty() {
            return wrong("exceptions", "a review has some, a rejection may have some, other states have none".to_owned());
        }
        seen.id(&format!("{path}.verificationIds.{}", entry.provider), id)?;
        let (id, provider, exceptions) = (id.clone(), entry.provider.clone(), entry.exceptions.clone());
        verifications.push(Verification { id, provider, status: entry.status, exceptions });
    }
    if one.verification_ids.len() != verifications.len() {
        return Err(FixtureError::content(format!("{path}.verificationIds"), "kycStatus has no entry for one of them"));
    }
    if one.identity.identity_confirmed != store::is_confirmed(&verifications) {
        return Err(FixtureError::content(
            format!("{path}.identity.identityConfirmed"),
            "it is true when every KYC entry is approved (and there is one), and false otherwise",
        ));
    }
    Ok(verifications)
}

/// What is wrong with an identity by itself: the field and the reason.
fn flaw(identity: &Identity) -> Option<(&'static str, &'static str)> {
    let is_blank = |text: &str| text.trim().is_empty();
    let lacks = |text: &Option<String>| text.as_deref().is_none_or(is_blank);
    let (address, tax) = (&identity.address, &identity.tax);
    let is_person = identity.r#type == IdentityType::Person;
    [
        (is_blank(&identity.name), "name", "it is blank"),
        (!formats::is_email(&identity.email), "email", "it is no e-mail address"),
        (is_blank(&address.city), "address.city", "it is blank"),
        (!formats::is_country(&address.country), "address.country", "it wants two capital letters"),
        (is_blank(&address.postal_code), "address.postalCode", "it is blank"),
        (address.country == "US" && lacks(&address.state), "address.state", "an address in the United States has one"),
        (is_blank(&address.street), "address.street", "it is blank"),
        (is_blank(&identity.phone.number), "phone.number", "it is blank"),
        (!formats::is_country(&tax.country), "tax.country", "it wants two capital letters"),
        (is_blank(&tax.id_number), "tax.idNumber", "it is blank"),
        (tax.country == "US" && lacks(&tax.state), "tax.state", "a tax number in the United States has one"),
        (!is_person && lacks(&tax.formation_region), "tax.formationRegion", "a company has one"),
        (!is_person && identity.identity_owner.is_none(), "identityOwner", "a company has one"),
        (is_person && identity.birthday.is_none(), "birthday", "a person has one"),
        (is_person && identity.gender.is_none(), "gender", "a person has one"),
        (identity.updated_at < identity.created_at, "updatedAt", "it is before createdAt"),
    ]
    .into_iter()
    .find_map(|(is_wrong, field, reason)| is_wrong.then_some((field, reason)))
}
