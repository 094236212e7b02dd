//! The data of a 1-Click as its brand reads it: values nested by short type, with metadata beside them.

use serde::Serialize;
use serde_json::{Map, Value};

use super::credential::{Credential, Data};
use super::formats::Formats;
use super::schema;
use super::types::{OneClick, OneClickState, Wire};

/// `OneClickEntity`.
#[derive(Debug, Serialize)]
pub(super) struct OneClickEntity<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<&'a str>,
    identifiers: Identifiers<'a>,
    /// Absent after an opt-out.
    #[serde(skip_serializing_if = "Option::is_none")]
    credentials: Option<Map<String, Value>>,
    metadata: Map<String, Value>,
}

#[derive(Debug, Serialize)]
struct Identifiers<'a> {
    phone: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    id: &'a str,
    verification_method: Option<&'a str>,
    status: super::types::Status,
    issuer_uuid: &'a str,
    issuance_date: String,
    expiration_date: Option<String>,
}

/// Kinds of metadata, in the order in which they are seen on the real wire.
const KINDS: [&str; 6] = ["id", "verificationMethod", "status", "expirationDate", "issuanceDate", "issuerUuid"];

impl<'a> OneClickEntity<'a> {
    /// What a 1-Click shared, without its uuid.
    pub(super) fn of(one_click: &'a OneClick, formats: &Formats, wire: Wire) -> Self {
        let shared = one_click.shared.as_deref().filter(|_| one_click.state == OneClickState::SharedCredentials);
        let phone = one_click.phone_verified.then_some("otp");
        let mut methods = Map::from_iter([("phone".to_owned(), Value::from(phone))]);
        if one_click.email.is_some() {
            methods.insert("email".to_owned(), Value::Null);
        }
        let mut metadata = Map::new();
        match wire {
            Wire::Seed => {
                let method = |method: Value| Value::Object(Map::from_iter([("verificationMethod".to_owned(), method)]));
                let identifiers: Map<_, _> = methods.into_iter().map(|(name, value)| (name, method(value))).collect();
                metadata.insert("identifiers".to_owned(), identifiers.into());
                if let Some(shared) = shared {
                    metadata.insert("credentials".to_owned(), nested(shared, &|leaf| Some(all_of(leaf))).into());
                }
            }
            Wire::Observed => {
                for kind in KINDS.into_iter().filter(|_| shared.is_some()) {
                    let of_kind = nested(shared.unwrap_or_default(), &|leaf| all_of(leaf).get(kind).cloned());
                    metadata.insert(kind.to_owned(), of_kind.into());
                }
                let identifiers = Map::from_iter([("verificationMethod".to_owned(), Value::Object(methods))]);
                metadata.insert("identifiers".to_owned(), identifiers.into());
            }
        }
        Self {
            uuid: None,
            identifiers: Identifiers { phone: &one_click.phone, email: one_click.email.as_deref() },
            credentials: shared.map(|shared| values(shared, formats)),
            metadata,
        }
    }
}

fn all_of(leaf: &Credential) -> Value {
    let metadata = Metadata {
        id: &leaf.id,
        verification_method: leaf.verification_method.as_deref(),
        status: leaf.status,
        issuer_uuid: &leaf.issuer,
        issuance_date: leaf.issued.timestamp_millis().to_string(),
        expiration_date: leaf.expires.map(|at| at.timestamp_millis().to_string()),
    };
    serde_json::to_value(metadata).unwrap_or_default()
}

/// Something about each leaf that has a text, nested by short type.
fn nested(credentials: &[Credential], about: &impl Fn(&Credential) -> Option<Value>) -> Map<String, Value> {
    let mut map = Map::new();
    for credential in credentials {
        let value = match &credential.data {
            Data::Children(children) => Some(nested(children, about)).filter(|inner| !inner.is_empty()).map(Value::Object),
            Data::Fields(_) => credential.text().filter(|text| !text.is_empty()).and_then(|_| about(credential)),
        };
        if let Some(value) = value {
            map.insert(short_name(&credential.kind), value);
        }
    }
    map
}

/// The values, in the brand's formats.
fn values(credentials: &[Credential], formats: &Formats) -> Map<String, Value> {
    let mut map = nested(credentials, &|leaf| Some(formats.written(&leaf.kind, leaf.text()?).into()));
    for credential in credentials {
        let short = short_name(&credential.kind);
        if let Some(template) = formats.template(&credential.kind)
            && let Some(parts) = map.get(&short).and_then(Value::as_object)
        {
            let text = template.write(|name| parts.get(name).and_then(Value::as_str).map(str::to_owned));
            map.insert(short, text.into());
        }
    }
    map
}

/// `FullNameCredential` is `fullName`.
pub(super) fn short_name(kind: &str) -> String {
    if let Some(known) = schema::credential_type(kind) {
        return known.short_name.clone();
    }
    let bare = kind.strip_suffix("Credential").unwrap_or(kind);
    let mut letters = bare.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
