//! Sending back what a person changed in the brand's own form.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use super::credential::{Credential, Data};
use super::draft::{Draft, Issuance, known_type};
use super::entity::short_name;
use super::error::{Error, OneClickError};
use super::formats::{AllFormats, Formats};
use super::identifier::Contact;
use super::schema::{self, CredentialType, Kind};
use super::store::{credentials, flows, ids};
use super::{auth, body};
use crate::http::{Reply, Req, reply};
use crate::world::Cx;

/// How a value was verified that the person gave.
pub(super) const SELF_ATTESTED: &str = "self_attested";

/// An element of the answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SentBack<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    verification_method: Option<&'a str>,
    data: SentBackData<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum SentBackData<'a> {
    Fields(&'a Map<String, Value>),
    Children(Vec<SentBack<'a>>),
}

impl<'a> SentBack<'a> {
    fn of(credential: &'a Credential) -> Self {
        let data = match &credential.data {
            Data::Fields(fields) => SentBackData::Fields(fields),
            Data::Children(children) => SentBackData::Children(children.iter().map(Self::of).collect()),
        };
        Self { kind: &credential.kind, verification_method: credential.verification_method.as_deref(), data }
    }
}

/// `POST /1-click/{uuid}/credentials`: takes the data that a person changed in the brand's own form.
///
/// 201 with what was taken, as an array; 400 when the body's `uuid` is another, or `credentials` is missing, empty, of an unknown
/// type or against its schema; 404 `OCE015` for a 1-Click that is unknown, another brand's, or has shared nothing.
pub(super) fn send_back(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let caller = auth::caller(cx, req)?;
    let uuid = req.param("uuid").to_lowercase();
    let one_click = flows::one_click(cx.db, &uuid)?.filter(|one_click| one_click.brand == caller.uuid);
    let one_click = one_click.ok_or(OneClickError::NotFound)?;
    let shared = one_click.shared.as_deref().ok_or(OneClickError::NotFound)?;
    let body = body::object(req)?;
    match body.get("uuid") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) if text.eq_ignore_ascii_case(&uuid) => {}
        Some(_) => return Err(Error::bad("uuid must be the uuid of the path")),
    }
    let values = body.get("credentials").and_then(Value::as_object).filter(|values| !values.is_empty());
    let values = values.ok_or_else(|| Error::bad("credentials is required"))?;
    let formats = cx.setting::<AllFormats>("formats")?.of(&caller.uuid);

    let reader = Reader { formats: &formats, shared };
    let drafts: Vec<Draft> = values.iter().map(|(short, value)| reader.draft(short, value)).collect::<Result<_, _>>()?;
    let contact = Contact { email: one_click.email.clone(), phone: Some(one_click.phone.clone()) };
    let user = contact.known_user(cx)?;
    let of = Issuance { issuer: &caller.uuid, now: cx.now };
    let mut taken = Vec::new();
    for draft in drafts {
        credentials::delete_sent_back(cx.db, &uuid, &draft.kind.name)?;
        let row = credentials::next_row(cx.db)?;
        let credential = draft.issue(of, &mut |_| Ok(ids::fresh(&mut cx.rng, row)))?;
        let credential = attested(credential, shared);
        credentials::insert(cx.db, &credential, &user, Some(&uuid))?;
        taken.push(credential);
    }
    let answer: Vec<SentBack<'_>> = taken.iter().map(SentBack::of).collect();
    Ok(reply::json(StatusCode::CREATED, &answer))
}

fn type_of(short: &str) -> Result<&'static CredentialType, Error> {
    schema::by_short_name(short).map_or_else(
        || {
            let mut letters = short.chars();
            let name: String = letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
            known_type(&format!("{name}Credential"))
        },
        Ok,
    )
}

/// Reads values that a brand sends back.
struct Reader<'a> {
    formats: &'a Formats,
    shared: &'a [Credential],
}

impl Reader<'_> {
    /// A value in the nested form as a credential to be checked.
    fn draft(&self, short: &str, value: &Value) -> Result<Draft, Error> {
        let kind = type_of(short)?;
        Draft::of(kind, self.data(kind, value)?, &short)
    }

    /// The `data` that a value in the nested form stands for.
    fn data(&self, kind: &CredentialType, value: &Value) -> Result<Value, Error> {
        let object =
            |key: &Option<String>, value: Value| Value::Object(key.iter().map(|key| (key.clone(), value.clone())).collect());
        match (kind.kind, value) {
            (Kind::Composite, Value::Object(parts)) => {
                self.composite(parts.iter().map(|(short, value)| (short.as_str(), value.clone())))
            }
            (Kind::Composite, Value::String(text)) => match self.parts(kind, text) {
                Some(parts) => self.composite(parts.iter().map(|(short, text)| (short.as_str(), Value::from(text.as_str())))),
                None if kind.legacy_single_key.is_some() => Ok(object(&kind.legacy_single_key, value.clone())),
                None => Err(Error::bad(format!("{} must be an object", kind.short_name))),
            },
            (Kind::Composite, _) => Err(Error::bad(format!("{} must be an object", kind.short_name))),
            (_, Value::Object(_) | Value::Array(_)) => Err(Error::bad(format!("{} must be a string", kind.short_name))),
            (_, Value::String(text)) => Ok(object(&kind.data_key, self.formats.read(&kind.name, text).into())),
            (_, scalar) => Ok(object(&kind.data_key, scalar.clone())),
        }
    }

    fn composite<'v>(&self, parts: impl Iterator<Item = (&'v str, Value)>) -> Result<Value, Error> {
        parts
            .map(|(short, value)| {
                let kind = type_of(short)?;
                let child = [("type".to_owned(), Value::from(kind.name.as_str())), ("data".to_owned(), self.data(kind, &value)?)];
                Ok(Value::Object(Map::from_iter(child)))
            })
            .collect()
    }

    /// The parts of a composite in the brand's template, whole or without the parts that the brand got no value for.
    fn parts(&self, kind: &CredentialType, text: &str) -> Option<Vec<(String, String)>> {
        let template = self.formats.template(&kind.name)?;
        let given = self.shared.iter().find(|given| given.kind == kind.name).map(Credential::children).unwrap_or_default();
        let was_given = |short: &str| given.iter().any(|part| short_name(&part.kind) == short);
        template.parts(text).or_else(|| template.only(was_given).parts(text))
    }
}

/// A value that is as it was shared keeps how it was verified; any other is the person's word. A composite takes what its parts
/// have in common.
fn attested(mut credential: Credential, shared: &[Credential]) -> Credential {
    let before = shared.iter().find(|before| before.kind == credential.kind);
    let method = match &mut credential.data {
        Data::Fields(fields) => match before {
            Some(Credential { data: Data::Fields(same), verification_method, .. }) if same == fields => verification_method.clone(),
            _ => Some(SELF_ATTESTED.to_owned()),
        },
        Data::Children(children) => {
            let parts = before.map(Credential::children).unwrap_or_default();
            *children = std::mem::take(children).into_iter().map(|child| attested(child, parts)).collect();
            let first = children.first().and_then(|child| child.verification_method.clone());
            let in_common = children.iter().all(|child| child.verification_method == first);
            if in_common { first } else { Some(SELF_ATTESTED.to_owned()) }
        }
    };
    credential.verification_method = method;
    credential
}
