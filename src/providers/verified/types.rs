//! What the operations speak of.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body;
use super::error::Error;
use super::identifier::Contact;

/// Who calls: as much of a brand as every operation needs.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub uuid: String,
    /// Whether it may use trusted 1-Click.
    pub trusted: bool,
}

/// A customer of the network: it issues, accepts, or both.
#[derive(Clone, Debug)]
pub(super) struct Brand {
    pub uuid: String,
    /// Its name where it is the one that receives data: in messages and on the consent page.
    pub receiver_name: String,
    pub redirect_url: Option<String>,
    pub terms_url: Option<String>,
    pub privacy_url: Option<String>,
    /// `#rrggbb`.
    pub colour: Option<String>,
    /// What its 1-Clicks ask for when the call does not say.
    pub default_requests: Option<Vec<CredentialRequest>>,
    /// What it asks for as the partner of an issuer.
    pub partner_requests: Option<Vec<CredentialRequest>>,
}

/// Whether a credential holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Valid,
    Revoked,
}

/// How dates, nothings and metadata are spelled, for a whole world (setting `wire`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Wire {
    /// As the reference documentation says.
    #[default]
    Seed,
    /// As seen in saved responses of the real sandbox.
    Observed,
}

/// Whether a credential must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mandatory {
    Yes,
    No,
    IfAvailable,
}

/// A credential that a brand asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CredentialRequest {
    /// `EmailCredential`, ...; a type without a schema is accepted and never matches.
    #[serde(rename = "type")]
    pub kind: String,
    /// Brands whose credentials are acceptable; empty for all.
    #[serde(default)]
    pub issuers: Vec<String>,
    /// Deprecated twin of `mandatory: yes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandatory: Option<Mandatory>,
    /// Shown to the person under the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether the person may type or edit the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_user_input: Option<bool>,
    /// The parts wanted of a composite; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<CredentialRequest>,
}

impl CredentialRequest {
    /// Whether a value must be there, whoever provides it.
    pub(super) fn is_mandatory(&self) -> bool {
        self.required == Some(true) || self.mandatory == Some(Mandatory::Yes)
    }

    /// Whether the person may type the value.
    pub(super) fn takes_input(&self) -> bool {
        self.allow_user_input == Some(true)
    }

    /// What a 1-Click asks for when neither the call nor the brand says.
    pub(super) fn defaults() -> Vec<Self> {
        let part = |kind: &str| Self { kind: kind.to_owned(), ..Self::default() };
        let input = |kind: &str, parts: &[&str]| Self {
            allow_user_input: Some(true),
            children: parts.iter().copied().map(part).collect(),
            ..part(kind)
        };
        vec![
            input("FullNameCredential", &["FirstNameCredential", "MiddleNameCredential", "LastNameCredential"]),
            input("EmailCredential", &[]),
            part("PhoneCredential"),
            input(
                "AddressCredential",
                &[
                    "Line1Credential",
                    "Line2Credential",
                    "CityCredential",
                    "StateCredential",
                    "CountryCredential",
                    "ZipCodeCredential",
                ],
            ),
            input("BirthDateCredential", &[]),
            input("SsnCredential", &[]),
        ]
    }

    /// Reads `credentialRequests`: a list of at least one, each an object or just a type's name.
    pub(super) fn list(value: Option<&Value>) -> Result<Vec<Self>, Error> {
        let elements = value
            .and_then(Value::as_array)
            .filter(|list| !list.is_empty())
            .ok_or_else(|| Error::bad("credentialRequests is required"))?;
        elements.iter().enumerate().map(|(at, element)| Self::read(element, &format!("credentialRequests[{at}]"))).collect()
    }

    fn read(value: &Value, at: &str) -> Result<Self, Error> {
        let wrong = |field: &str, what: &str| Error::bad(format!("{at}.{field} must be {what}"));
        let object = match value {
            Value::String(kind) if !kind.is_empty() => return Ok(Self { kind: kind.clone(), ..Self::default() }),
            Value::Object(object) => object,
            _ => return Err(Error::bad(format!("{at} must be an object"))),
        };
        // A field that is null is a field that is not there.
        let field = |name: &str| object.get(name).filter(|value| !value.is_null());
        let flag = |name: &str| field(name).map(|value| value.as_bool().ok_or_else(|| wrong(name, "a boolean"))).transpose();
        let kind = match field("type") {
            Some(Value::String(kind)) if !kind.is_empty() => kind.clone(),
            Some(_) => return Err(wrong("type", "a string")),
            None => return Err(Error::bad(format!("{at}.type is required"))),
        };
        let issuers = match field("issuers") {
            None => Vec::new(),
            Some(value) => {
                let uuid = |value: &Value| value.as_str().and_then(body::uuid);
                let list = value.as_array().and_then(|list| list.iter().map(uuid).collect());
                list.ok_or_else(|| wrong("issuers", "an array of brand uuids"))?
            }
        };
        let mandatory = match field("mandatory").map(Value::as_str) {
            None => None,
            Some(Some("yes")) => Some(Mandatory::Yes),
            Some(Some("no")) => Some(Mandatory::No),
            Some(Some("if_available")) => Some(Mandatory::IfAvailable),
            Some(_) => return Err(wrong("mandatory", "one of yes, no, if_available")),
        };
        let description = match field("description") {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => return Err(wrong("description", "a string")),
        };
        let children = match field("children") {
            None => Vec::new(),
            Some(Value::Array(children)) => children
                .iter()
                .enumerate()
                .map(|(number, child)| Self::read(child, &format!("{at}.children[{number}]")))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(wrong("children", "an array")),
        };
        let required = flag("required")?;
        let allow_user_input = flag("allowUserInput")?;
        Ok(Self { kind, issuers, required, mandatory, description, allow_user_input, children })
    }
}

/// Where a 1-Click stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum OneClickState {
    Created,
    SharedCredentials,
    UserOptedOut,
}

/// Where a person's visit to the wallet stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FlowState {
    Open,
    Shared,
    Declined,
    /// Nobody finished it in time.
    Expired,
    /// Three wrong codes.
    Locked,
}

/// A 1-Click as its brand can read it.
#[derive(Clone, Debug)]
pub(super) struct OneClick {
    pub uuid: String,
    pub brand: String,
    pub phone: String,
    pub email: Option<String>,
    pub state: OneClickState,
    pub phone_verified: bool,
    /// What was shared; absent before, and after an opt-out.
    pub shared: Option<Vec<super::credential::Credential>>,
    /// Whether the shared data was read once: from then on it can be read for five minutes.
    pub is_read: bool,
    /// Whether those five minutes are over.
    pub is_closed: bool,
}

/// A person's visit to the wallet, for a 1-Click or for a request of matching credentials.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// What stands in the wallet's address.
    pub id: String,
    /// The brand that receives the data.
    pub brand: String,
    /// The 1-Click that it serves.
    pub one_click: Option<String>,
    /// The person, where the network knows one.
    pub user: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub requests: Vec<CredentialRequest>,
    /// Whether the wallet shows pages; otherwise the brand's page sends the code here.
    pub is_hosted: bool,
    /// `Signup`, `Verify`, ...
    pub title: String,
    pub description: String,
    /// From the call that made it.
    pub redirect_url: Option<String>,
    /// From the wallet address that the person used.
    pub seen_redirect_url: Option<String>,
    /// Whether the person must say when they were born, or the end of their SSN.
    pub needs_identity: bool,
    pub state: FlowState,
    /// The code to enter, while it holds.
    pub code: Option<String>,
    /// Wrong codes so far.
    pub attempts: i64,
    /// Token of the short link, while it holds.
    pub link: Option<String>,
    /// Ids of the credentials that a partner token shows.
    pub scope: Option<Vec<String>>,
    /// What the issuer calls the person; passed on to a partner.
    pub tracking_id: Option<String>,
    /// The uuid that the redirect carries, once data was shared.
    pub outcome: Option<String>,
}

impl Flow {
    /// A request of matching credentials that nobody has looked at yet; brand and person are still missing.
    pub(super) fn matching(id: String, contact: Contact, requests: Vec<CredentialRequest>, description: &str) -> Self {
        Self {
            id,
            brand: String::new(),
            one_click: None,
            user: None,
            phone: contact.phone,
            email: contact.email,
            requests,
            is_hosted: true,
            title: String::new(),
            description: description.to_owned(),
            redirect_url: None,
            seen_redirect_url: None,
            needs_identity: false,
            state: FlowState::Open,
            code: None,
            attempts: 0,
            link: None,
            scope: None,
            tracking_id: None,
            outcome: None,
        }
    }
}

/// A browser's visit to a flow.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub token: String,
    /// Whether it came with a partner token, and sees those credentials only.
    pub is_scoped: bool,
    /// Whether the person answered the identity question.
    pub is_identified: bool,
}
