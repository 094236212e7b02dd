//! The fixture `verified.json`: read strictly, checked, stored.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body;
use super::consent::as_sent;
use super::credential::{Credential, Data};
use super::draft::{Draft, Issuance, known_type};
use super::error::Error;
use super::identifier::{Identifier, is_email, is_phone};
use super::profile::{Profile, SpecialPhone, Subscriber};
use super::schema;
use super::store::{self, credentials, flows};
use super::types::{CredentialRequest, OneClick, OneClickState};
use crate::http::FixtureError;
use crate::http::fixture::read;
use crate::world::Cx;

/// All of the file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fixture {
    brands: Vec<Brand>,
    #[serde(default)]
    users: Vec<User>,
    /// Mock data of 1-Click, in the order in which digit sums pick them.
    profiles: Vec<Profile>,
    #[serde(default)]
    phones: Vec<Phone>,
    #[serde(default)]
    one_clicks: Vec<FinishedOneClick>,
    #[serde(default)]
    shared_credentials: Vec<SharedRecord>,
}

/// A brand.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Brand {
    pub uuid: String,
    pub name: String,
    /// `name` when absent.
    pub receiver_name: Option<String>,
    pub api_key: Option<String>,
    #[serde(default)]
    pub trusted: bool,
    pub redirect_url: Option<String>,
    pub terms_url: Option<String>,
    pub privacy_url: Option<String>,
    /// `#rrggbb`.
    pub colour: Option<String>,
    /// Uuids of the brands that it may issue with.
    #[serde(default)]
    pub partners: Vec<String>,
    pub default_requests: Option<Vec<CredentialRequest>>,
    pub partner_requests: Option<Vec<CredentialRequest>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct User {
    uuid: String,
    /// Whether the daily wipe takes the credentials issued to this person.
    #[serde(default)]
    is_test: bool,
    identifiers: Vec<String>,
    #[serde(default)]
    issued: Vec<Issued>,
}

/// Credentials issued by one brand at one time, spelled as in a call of `POST /credentials`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Issued {
    issuer: String,
    at: DateTime<Utc>,
    credentials: Vec<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Phone {
    phone: String,
    /// Position in `profiles`; absent for a number without data.
    profile: Option<u32>,
    #[serde(default)]
    lacks: Vec<String>,
    #[serde(default)]
    is_strict: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FinishedOneClick {
    uuid: String,
    brand: String,
    phone: String,
    email: Option<String>,
    /// Absent for an opt-out.
    shared: Option<Issued>,
    verification_method: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SharedRecord {
    uuid: String,
    brand: String,
    email: Option<String>,
    phone: Option<String>,
    /// Ids of credentials of `users`.
    credentials: Vec<String>,
}

/// Fills the tables.
pub(super) fn load(cx: &mut Cx<'_>, text: &str) -> Result<(), FixtureError> {
    let fixture: Fixture = read(text)?;
    let mut seen = Seen::default();
    for (at, brand) in fixture.brands.iter().enumerate() {
        let at = format!("brands[{at}]");
        seen.uuid(&brand.uuid, &format!("{at}.uuid"))?;
        seen.brands.insert(brand.uuid.clone());
        if let Some(key) = &brand.api_key
            && (key.trim() != key || key.is_empty() || !seen.keys.insert(key.clone()))
        {
            return Err(FixtureError::content(
                format!("{at}.apiKey"),
                "it is empty, begins or ends with a space, or is another brand's",
            ));
        }
        store::insert_brand(cx.db, brand)?;
    }
    for (at, brand) in fixture.brands.iter().enumerate() {
        for (number, partner) in brand.partners.iter().enumerate() {
            seen.brand(partner, &format!("brands[{at}].partners[{number}]"))?;
            store::insert_link(cx.db, &brand.uuid, partner)?;
        }
    }
    for (at, user) in fixture.users.iter().enumerate() {
        load_user(cx, &mut seen, user, &format!("users[{at}]"))?;
    }
    if fixture.profiles.is_empty() {
        return Err(FixtureError::content("profiles", "there must be at least one"));
    }
    for (at, profile) in fixture.profiles.iter().enumerate() {
        check_profile(cx, profile).map_err(|error| FixtureError::content(format!("profiles[{at}]"), error.to_string()))?;
        store::insert_profile(cx.db, at, profile)?;
    }
    for (at, phone) in fixture.phones.iter().enumerate() {
        load_phone(cx, &mut seen, phone, fixture.profiles.len(), &format!("phones[{at}]"))?;
    }
    for (at, one_click) in fixture.one_clicks.into_iter().enumerate() {
        load_one_click(cx, &mut seen, one_click, &format!("oneClicks[{at}]"))?;
    }
    for (at, record) in fixture.shared_credentials.into_iter().enumerate() {
        load_shared(cx, &mut seen, record, &format!("sharedCredentials[{at}]"))?;
    }
    Ok(())
}

/// What is taken and what exists, as the file goes on.
#[derive(Default)]
struct Seen {
    uuids: BTreeSet<String>,
    brands: BTreeSet<String>,
    keys: BTreeSet<String>,
    identifiers: BTreeSet<String>,
    phones: BTreeSet<String>,
    credentials: Vec<Credential>,
}

impl Seen {
    fn uuid(&mut self, uuid: &str, at: &str) -> Result<(), FixtureError> {
        if body::canonical(uuid).is_none() {
            return Err(FixtureError::content(at, format!("{uuid:?} is no UUID in lower case with hyphens")));
        }
        if !self.uuids.insert(uuid.to_owned()) {
            return Err(FixtureError::content(at, format!("{uuid} is used twice")));
        }
        Ok(())
    }

    fn brand(&self, uuid: &str, at: &str) -> Result<(), FixtureError> {
        if self.brands.contains(uuid) {
            Ok(())
        } else {
            Err(FixtureError::content(at, format!("no brand of this file is {uuid:?}")))
        }
    }
}

fn load_user(cx: &mut Cx<'_>, seen: &mut Seen, user: &User, at: &str) -> Result<(), FixtureError> {
    seen.uuid(&user.uuid, &format!("{at}.uuid"))?;
    store::insert_user(cx.db, &user.uuid, user.is_test)?;
    for (number, text) in user.identifiers.iter().enumerate() {
        let at = format!("{at}.identifiers[{number}]");
        let identifier = Identifier::read(text)
            .ok_or_else(|| FixtureError::content(&at, format!("{text:?} is neither an email nor a phone number")))?;
        if !seen.identifiers.insert(identifier.key().to_owned()) {
            return Err(FixtureError::content(at, format!("{text:?} is used twice")));
        }
        store::insert_identifier(cx.db, identifier.key(), &user.uuid)?;
    }
    for (number, issued) in user.issued.iter().enumerate() {
        for credential in read_issued(seen, issued, &format!("{at}.issued[{number}]"))? {
            credentials::insert(cx.db, &credential, &user.uuid, None)?;
            seen.credentials.push(credential);
        }
    }
    Ok(())
}

/// Reads credentials; every one of them, parts included, must have an id.
fn read_issued(seen: &mut Seen, issued: &Issued, at: &str) -> Result<Vec<Credential>, FixtureError> {
    seen.brand(&issued.issuer, &format!("{at}.issuer"))?;
    let of = Issuance { issuer: &issued.issuer, now: issued.at };
    let mut all = Vec::new();
    for (number, value) in issued.credentials.iter().enumerate() {
        let at = format!("{at}.credentials[{number}]");
        let wrong = |error: Error| FixtureError::content(&at, error.to_string());
        let draft = Draft::read(value.clone(), &"credential").map_err(wrong)?;
        let mut id = |given: Option<String>| {
            let id = given.ok_or_else(|| Error::bad("every credential of a fixture needs an id, parts included"))?;
            if seen.uuids.insert(id.clone()) { Ok(id) } else { Err(Error::IdTaken(id)) }
        };
        all.push(draft.issue(of, &mut id).map_err(wrong)?);
    }
    Ok(all)
}

/// Holds the values of a profile against their schemas.
fn check_profile(cx: &mut Cx<'_>, profile: &Profile) -> Result<(), Error> {
    let owner = Subscriber { phone: "+12125550100".to_owned(), profile: profile.clone(), lacks: Vec::new(), is_strict: false };
    for credential in owner.credentials(cx) {
        Draft::of(known_type(&credential.kind)?, as_sent(&credential.data), &"profile")?;
    }
    Ok(())
}

/// Refuses what is neither absent nor right.
fn check_contact(email: Option<&str>, phone: Option<&str>, at: &str) -> Result<(), FixtureError> {
    if let Some(email) = email.filter(|email| !is_email(email)) {
        return Err(FixtureError::content(format!("{at}.email"), format!("{email:?} is no email address")));
    }
    if let Some(phone) = phone.filter(|phone| !is_phone(phone)) {
        return Err(FixtureError::content(format!("{at}.phone"), format!("{phone:?} is no phone number in E.164")));
    }
    Ok(())
}

fn load_phone(cx: &mut Cx<'_>, seen: &mut Seen, phone: &Phone, profiles: usize, at: &str) -> Result<(), FixtureError> {
    if !is_phone(&phone.phone) || !seen.phones.insert(phone.phone.clone()) {
        return Err(FixtureError::content(
            format!("{at}.phone"),
            format!("{:?} is no E.164 number, or stands here twice", phone.phone),
        ));
    }
    if phone.profile.is_some_and(|position| usize::try_from(position).is_ok_and(|position| position >= profiles)) {
        return Err(FixtureError::content(format!("{at}.profile"), format!("there are {profiles} profiles, counted from 0")));
    }
    if let Some(unknown) = phone.lacks.iter().find(|kind| schema::credential_type(kind).is_none()) {
        return Err(FixtureError::content(format!("{at}.lacks"), format!("{unknown:?} is no credential type")));
    }
    let special = SpecialPhone { profile: phone.profile, lacks: phone.lacks.clone(), is_strict: phone.is_strict };
    store::insert_special_phone(cx.db, &phone.phone, &special)?;
    Ok(())
}

fn load_one_click(cx: &mut Cx<'_>, seen: &mut Seen, finished: FinishedOneClick, at: &str) -> Result<(), FixtureError> {
    seen.uuid(&finished.uuid, &format!("{at}.uuid"))?;
    seen.brand(&finished.brand, &format!("{at}.brand"))?;
    check_contact(finished.email.as_deref(), Some(&finished.phone), at)?;
    let shared = finished.shared.map(|issued| read_issued(seen, &issued, &format!("{at}.shared"))).transpose()?;
    let shared = shared.map(|shared| {
        let method = finished.verification_method.as_ref();
        shared.into_iter().map(|credential| with_method(credential, method)).collect::<Vec<_>>()
    });
    let state = if shared.is_some() { OneClickState::SharedCredentials } else { OneClickState::UserOptedOut };
    let one_click = OneClick {
        uuid: finished.uuid,
        brand: finished.brand,
        phone: finished.phone,
        email: finished.email,
        state,
        phone_verified: true,
        shared,
        is_read: false,
        is_closed: false,
    };
    flows::insert_one_click(cx.db, &one_click)?;
    Ok(())
}

fn with_method(credential: Credential, method: Option<&String>) -> Credential {
    let data = match credential.data {
        Data::Children(children) => Data::Children(children.into_iter().map(|child| with_method(child, method)).collect()),
        fields @ Data::Fields(_) => fields,
    };
    Credential { data, verification_method: method.cloned(), ..credential }
}

fn load_shared(cx: &mut Cx<'_>, seen: &mut Seen, record: SharedRecord, at: &str) -> Result<(), FixtureError> {
    seen.uuid(&record.uuid, &format!("{at}.uuid"))?;
    seen.brand(&record.brand, &format!("{at}.brand"))?;
    check_contact(record.email.as_deref(), record.phone.as_deref(), at)?;
    let mut credentials = Vec::new();
    for (number, id) in record.credentials.iter().enumerate() {
        let known = seen.credentials.iter().find(|credential| credential.id == *id);
        let known = known.ok_or_else(|| {
            FixtureError::content(format!("{at}.credentials[{number}]"), format!("no credential of a user is {id:?}"))
        })?;
        credentials.push(known.clone());
    }
    let SharedRecord { uuid, brand, email, phone, .. } = record;
    flows::insert_shared(cx.db, &flows::Shared { uuid, brand, email, phone, credentials, is_read: false })?;
    Ok(())
}
