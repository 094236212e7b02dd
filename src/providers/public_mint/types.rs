//! The wire, spelled as the service spells it: keys in the order in which it writes them.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::http::wire::rfc3339_millis;

/// Who an API key stands for.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub id: String,
    /// Where its webhooks go, unless the setting `webhooks` says otherwise.
    pub webhook_url: Option<String>,
}

/// What an identity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum IdentityType {
    Person,
    Company,
}

/// A person's gender; requests begin it with a capital.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Gender {
    Male,
    Female,
    Undefined,
}

/// How far a KYC provider is with an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum KycStatus {
    Pending,
    Review,
    Approved,
    Rejected,
}

/// How risky an identity is held to be. Lists can be filtered by it; no answer shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RiskRating {
    Low,
    Medium,
    High,
}

/// Which side of a document a file shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Side {
    FrontSide,
    BackSide,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum DocumentType {
    DriverLicense,
    IdentityCard,
    Other,
    Passport,
    ResidencePermit,
    UtilityBill,
}

/// A postal address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Address {
    pub city: String,
    /// Two capital letters.
    pub country: String,
    pub postal_code: String,
    /// Always there in the United States.
    pub state: Option<String>,
    pub street: String,
}

/// A telephone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phone {
    pub number: String,
    pub sms: bool,
}

/// What tax authorities know an identity by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Tax {
    /// Two capital letters.
    pub country: String,
    /// Where a company was formed; always there for companies.
    pub formation_region: Option<String>,
    pub id_number: String,
    /// Always there in the United States.
    pub state: Option<String>,
}

/// A KYC document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    #[serde(serialize_with = "rfc3339_millis")]
    pub created_at: DateTime<Utc>,
    pub description: Option<String>,
    pub id: String,
    pub label: Option<String>,
    pub side: Side,
    pub r#type: DocumentType,
    #[serde(serialize_with = "rfc3339_millis")]
    pub updated_at: DateTime<Utc>,
    pub url: String,
}

/// What one KYC provider thinks of an identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KycEntry {
    /// Why it is not content; usually empty.
    pub exceptions: Vec<String>,
    pub provider: String,
    pub status: KycStatus,
}

/// A person or a company, as every identity operation returns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Identity {
    pub address: Address,
    pub app_id: String,
    /// Always there for persons.
    pub birthday: Option<NaiveDate>,
    pub blocked: bool,
    #[serde(serialize_with = "rfc3339_millis")]
    pub created_at: DateTime<Utc>,
    pub documents: Vec<Document>,
    pub email: String,
    /// Always there for persons.
    pub gender: Option<Gender>,
    pub id: String,
    /// Whether every KYC provider has approved; some fields are locked then.
    pub identity_confirmed: bool,
    /// The person that owns a company; always there for companies.
    pub identity_owner: Option<String>,
    /// One entry for each KYC provider, by its name.
    pub kyc_status: Vec<KycEntry>,
    pub name: String,
    pub phone: Phone,
    pub tax: Tax,
    pub r#type: IdentityType,
    #[serde(serialize_with = "rfc3339_millis")]
    pub updated_at: DateTime<Utc>,
}

/// An identity's money operation.
#[derive(Debug, Serialize)]
pub(super) struct Operation<'a> {
    pub action: &'static str,
    pub code: &'static str,
    /// The KYC provider that it depends on.
    pub provider: &'a str,
    pub status: OperationStatus,
}

/// Whether a money operation can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OperationStatus {
    Inactive,
    Pending,
    Active,
}

/// The envelope of one thing, and of a list that does not come in pages.
#[derive(Debug, Serialize)]
pub(super) struct Data<T> {
    pub data: T,
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    /// How many there are on all pages.
    pub total: i64,
    pub data: Vec<Identity>,
}

/// What sandbox operations answer, and the gateway when it refuses.
#[derive(Debug, Serialize)]
pub(super) struct Message {
    pub message: &'static str,
}

/// A link.
#[derive(Debug, Serialize)]
pub(super) struct Link {
    pub url: String,
}

/// What an HTML form needs to upload a file.
#[derive(Debug, Serialize)]
pub(super) struct UploadForm {
    pub url: String,
    pub fields: UploadFields,
}

/// The fields of an upload, to be sent before the file.
#[derive(Debug, Serialize)]
pub(super) struct UploadFields {
    pub key: String,
    pub bucket: &'static str,
    #[serde(rename = "X-Amz-Algorithm")]
    pub algorithm: &'static str,
    #[serde(rename = "X-Amz-Credential")]
    pub credential: String,
    #[serde(rename = "X-Amz-Date")]
    pub date: String,
    #[serde(rename = "Policy")]
    pub policy: String,
    #[serde(rename = "X-Amz-Signature")]
    pub signature: String,
}
