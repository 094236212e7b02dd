//! What 1-Click knows of the person behind a phone number: the sandbox's mock data.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::credential::{Credential, Data};
use super::error::Error;
use super::schema;
use super::store;
use super::types::Status;
use crate::world::Cx;

/// Uuid of the brand that issues the mock data: Verified Inc. itself.
pub(super) const ISSUER: &str = "c3be0124-8f03-4983-baef-3302e0be88f4";

/// The one number outside +1 that 1-Click serves.
const OTHER_TEST_PHONE: &str = "+550123456789";

/// How values of the mock data were verified.
pub(super) const PHONE_CARRIER: &str = "phone_carrier";

/// A person of the mock data; values as credentials hold them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Profile {
    pub first_name: String,
    pub last_name: String,
    /// Noon UTC of the day, in milliseconds since the epoch, as digits.
    pub birth_date: String,
    pub ssn: String,
    pub line1: String,
    pub city: String,
    pub state: String,
    pub country: String,
    pub zip_code: String,
    pub email: String,
}

/// What is special about a number.
#[derive(Clone, Debug, Default)]
pub(super) struct SpecialPhone {
    /// Position of its profile; none for a number without data.
    pub profile: Option<u32>,
    /// Types that its profile has no value for.
    pub lacks: Vec<String>,
    /// Whether the birth date must be right.
    pub is_strict: bool,
}

/// A number that 1-Click serves, and what it knows of its owner.
#[derive(Clone, Debug)]
pub(super) struct Subscriber {
    pub phone: String,
    pub profile: Profile,
    pub lacks: Vec<String>,
    /// Whether the birth date must be right.
    pub is_strict: bool,
}

/// Why a number has no mock data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoSubscriber {
    /// 1-Click does not serve such numbers.
    Unsupported,
    /// It serves the number, and knows nothing of its owner.
    NoData,
}

impl Subscriber {
    /// What is known of the owner of an E.164 number. Numbers without a profile of their own take the one that the sum of their
    /// digits picks.
    pub(super) fn find(cx: &Cx<'_>, phone: &str) -> Result<Result<Self, NoSubscriber>, Error> {
        let digits = phone.strip_prefix('+').unwrap_or(phone);
        let is_north_american = digits.len() == 11 && digits.starts_with('1');
        if !is_north_american && phone != OTHER_TEST_PHONE {
            return Ok(Err(NoSubscriber::Unsupported));
        }
        let special = store::special_phone(cx.db, phone)?.unwrap_or_else(|| SpecialPhone {
            profile: Some(digits.chars().filter_map(|digit| digit.to_digit(10)).sum()),
            ..SpecialPhone::default()
        });
        let profile = match special.profile {
            Some(position) => store::profile(cx.db, position)?,
            None => None,
        };
        Ok(profile.ok_or(NoSubscriber::NoData).map(|profile| Self {
            phone: phone.to_owned(),
            profile,
            lacks: special.lacks,
            is_strict: special.is_strict,
        }))
    }

    /// Whether this is the day on which the owner was born, as a credential holds it.
    pub(super) fn was_born(&self, birth_date: &str) -> bool {
        self.profile.birth_date == birth_date
    }

    /// Whether these are the last four digits of the owner's SSN.
    pub(super) fn has_ssn_ending(&self, ssn4: &str) -> bool {
        ssn4.len() == 4 && self.profile.ssn.ends_with(ssn4)
    }

    /// The mock data as credentials, whole, with new ids.
    pub(super) fn credentials(&self, cx: &mut Cx<'_>) -> Vec<Credential> {
        let Profile { first_name, last_name, birth_date, ssn, line1, city, state, country, zip_code, email } = &self.profile;
        let all: [(&str, &[(&str, &str)]); 6] = [
            ("FullNameCredential", &[("FirstNameCredential", first_name), ("LastNameCredential", last_name)]),
            ("EmailCredential", &[("", email)]),
            ("PhoneCredential", &[("", &self.phone)]),
            (
                "AddressCredential",
                &[
                    ("Line1Credential", line1),
                    ("CityCredential", city),
                    ("StateCredential", state),
                    ("CountryCredential", country),
                    ("ZipCodeCredential", zip_code),
                ],
            ),
            ("BirthDateCredential", &[("", birth_date)]),
            ("SsnCredential", &[("", ssn)]),
        ];
        let mut known = Vec::new();
        for (kind, parts) in all.into_iter().filter(|(kind, _)| !self.lacks.iter().any(|lacking| lacking == kind)) {
            let data = match parts {
                [("", value)] => fields(kind, value),
                parts => Data::Children(parts.iter().map(|(kind, value)| mock(cx, kind, fields(kind, value))).collect()),
            };
            known.push(mock(cx, kind, data));
        }
        known
    }
}

fn fields(kind: &str, value: &str) -> Data {
    let key = schema::credential_type(kind).and_then(|kind| kind.data_key.clone()).unwrap_or_default();
    Data::Fields(Map::from_iter([(key, Value::from(value))]).into())
}

fn mock(cx: &mut Cx<'_>, kind: &str, data: Data) -> Credential {
    Credential {
        id: cx.rng.uuid().to_string(),
        kind: kind.to_owned(),
        data,
        issuer: ISSUER.to_owned(),
        status: Status::Valid,
        created: cx.now,
        updated: cx.now,
        issued: cx.now,
        expires: None,
        verification_method: Some(PHONE_CARRIER.to_owned()),
    }
}
