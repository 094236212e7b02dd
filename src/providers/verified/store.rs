//! All SQL of the provider, and nothing but: brands, users and profiles here, the rest below.

pub(super) mod credentials;
pub(super) mod flows;
pub(super) mod ids;

use rusqlite::{Connection, OptionalExtension as _, Result, Row, named_params};

use super::fixture;
use super::profile::{Profile, SpecialPhone};
use super::types::{Brand, Caller, CredentialRequest};
use crate::world::store::AsJson;

fn brand_row(row: &Row<'_>) -> Result<Brand> {
    let requests = |column: usize| -> Result<Option<Vec<CredentialRequest>>> {
        Ok(row.get::<_, Option<AsJson<Vec<CredentialRequest>>>>(column)?.map(|json| json.0))
    };
    Ok(Brand {
        uuid: row.get(0)?,
        receiver_name: row.get(1)?,
        redirect_url: row.get(2)?,
        terms_url: row.get(3)?,
        privacy_url: row.get(4)?,
        colour: row.get(5)?,
        default_requests: requests(6)?,
        partner_requests: requests(7)?,
    })
}

/// The brand with this API key, as far as every operation needs it.
pub(super) fn caller(db: &Connection, key: &str) -> Result<Option<Caller>> {
    db.prepare_cached("SELECT uuid, trusted FROM verified_brand WHERE api_key = ?1")?
        .query_row([key], |row| Ok(Caller { uuid: row.get(0)?, trusted: row.get(1)? }))
        .optional()
}

/// The brand with this uuid.
pub(super) fn brand(db: &Connection, uuid: &str) -> Result<Option<Brand>> {
    db.prepare_cached(
        "SELECT uuid, receiver_name, redirect_url, terms_url, privacy_url, colour, default_requests, partner_requests
         FROM verified_brand WHERE uuid = ?1",
    )?
    .query_row([uuid], brand_row)
    .optional()
}

/// Keys of all brands that have one: issuer name and key, in the order of the fixture.
pub(super) fn keys(db: &Connection) -> Result<Vec<(String, String)>> {
    db.prepare_cached("SELECT issuer_name, api_key FROM verified_brand WHERE api_key IS NOT NULL ORDER BY rowid")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Whether `issuer` may issue with `partner` as its partner.
pub(super) fn are_linked(db: &Connection, issuer: &str, partner: &str) -> Result<bool> {
    db.prepare_cached("SELECT 1 FROM verified_link WHERE issuer = ?1 AND partner = ?2")?.exists([issuer, partner])
}

/// Adds a brand of a fixture.
pub(super) fn insert_brand(db: &Connection, brand: &fixture::Brand) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO verified_brand (uuid, api_key, issuer_name, receiver_name, trusted, redirect_url, terms_url, privacy_url, colour,
             default_requests, partner_requests)
         VALUES (:uuid, :api_key, :issuer_name, :receiver_name, :trusted, :redirect_url, :terms_url, :privacy_url, :colour,
             :default_requests, :partner_requests)",
    )?
    .execute(named_params! {
        ":uuid": brand.uuid,
        ":api_key": brand.api_key,
        ":issuer_name": brand.name,
        ":receiver_name": brand.receiver_name.as_ref().unwrap_or(&brand.name),
        ":trusted": brand.trusted,
        ":redirect_url": brand.redirect_url,
        ":terms_url": brand.terms_url,
        ":privacy_url": brand.privacy_url,
        ":colour": brand.colour,
        ":default_requests": brand.default_requests.as_ref().map(AsJson),
        ":partner_requests": brand.partner_requests.as_ref().map(AsJson),
    })?;
    Ok(())
}

/// Lets `issuer` issue with `partner` as its partner.
pub(super) fn insert_link(db: &Connection, issuer: &str, partner: &str) -> Result<()> {
    db.prepare_cached("INSERT INTO verified_link (issuer, partner) VALUES (?1, ?2)")?.execute([issuer, partner])?;
    Ok(())
}

/// The person behind a mail address (in lower case) or a phone number.
pub(super) fn user(db: &Connection, identifier: &str) -> Result<Option<String>> {
    db.prepare_cached("SELECT user FROM verified_identifier WHERE value = ?1")?.query_row([identifier], |row| row.get(0)).optional()
}

/// Adds a person.
pub(super) fn insert_user(db: &Connection, uuid: &str, is_test: bool) -> Result<()> {
    db.prepare_cached("INSERT INTO verified_user (uuid, is_test) VALUES (?1, ?2)")?.execute((uuid, is_test))?;
    Ok(())
}

/// Has a mail address (in lower case) or a phone number mean a person, unless it means one already.
pub(super) fn insert_identifier(db: &Connection, value: &str, user: &str) -> Result<()> {
    db.prepare_cached("INSERT INTO verified_identifier (value, user) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute([value, user])?;
    Ok(())
}

/// Adds a profile at its position, from 0.
pub(super) fn insert_profile(db: &Connection, position: usize, profile: &Profile) -> Result<()> {
    let position = i64::try_from(position).unwrap_or(i64::MAX);
    db.prepare_cached("INSERT INTO verified_profile (position, profile) VALUES (?1, ?2)")?.execute((position, AsJson(profile)))?;
    Ok(())
}

/// The profile at `position`; past the last one it begins again with the first.
pub(super) fn profile(db: &Connection, position: u32) -> Result<Option<Profile>> {
    db.prepare_cached("SELECT profile FROM verified_profile WHERE position = ?1 % (SELECT max(1, count(*)) FROM verified_profile)")?
        .query_row([position], |row| Ok(row.get::<_, AsJson<Profile>>(0)?.0))
        .optional()
}

/// Gives a number its own profile, or none.
pub(super) fn insert_special_phone(db: &Connection, phone: &str, special: &SpecialPhone) -> Result<()> {
    db.prepare_cached("INSERT INTO verified_phone (phone, position, lacks, is_strict) VALUES (?1, ?2, ?3, ?4)")?.execute((
        phone,
        special.profile,
        AsJson(&special.lacks),
        special.is_strict,
    ))?;
    Ok(())
}

/// What is special about a number.
pub(super) fn special_phone(db: &Connection, phone: &str) -> Result<Option<SpecialPhone>> {
    db.prepare_cached("SELECT position, lacks, is_strict FROM verified_phone WHERE phone = ?1")?
        .query_row([phone], |row| {
            Ok(SpecialPhone { profile: row.get(0)?, lacks: row.get::<_, AsJson<_>>(1)?.0, is_strict: row.get(2)? })
        })
        .optional()
}
