//! What the consent page offers, and what a person makes of it.

use serde_json::{Map, Value};

use super::credential::{Credential, Data};
use super::draft::{Draft, Issuance};
use super::entity::short_name;
use super::error::Error;
use super::profile::ISSUER;
use super::schema::{self, CredentialType, InputKind, Kind};
use super::send_back::SELF_ATTESTED;
use super::types::{CredentialRequest, Mandatory};
use super::views::{CHOICE, Choice, Control, Field, FieldKind, OFFERED, OTHER, SELECTED};
use super::{readable, sourcing};
use crate::world::Cx;

/// What stands next to a required field that was left empty.
const REQUIRED: &str = "This field is required.";

/// A form as it was sent, or values that a simulation sends like one.
#[derive(Clone, Debug, Default)]
pub(super) struct Form(pub Vec<(String, String)>);

impl Form {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(key, sent)| key == name && sent == value)
    }

    /// Whether the person took this item's tick away.
    fn deselects(&self, name: &str) -> bool {
        self.has(OFFERED, name) && !self.has(SELECTED, name)
    }
}

/// A request with the values that can answer it.
#[derive(Clone, Debug)]
pub(super) struct Item {
    request: CredentialRequest,
    name: String,
    values: Vec<Credential>,
}

/// What a person may choose and type from, in the order of the requests. Further requests of one type are numbered: `email-2`.
pub(super) fn items(cx: &Cx<'_>, requests: &[CredentialRequest], known: &[Credential]) -> Vec<Item> {
    let item = |(at, request): (usize, &CredentialRequest)| {
        let earlier = requests.iter().take(at).filter(|earlier| earlier.kind == request.kind).count();
        let short = short_name(&request.kind);
        Item {
            request: request.clone(),
            name: if earlier == 0 { short } else { format!("{short}-{}", earlier + 1) },
            values: sourcing::values(request, known, cx.now),
        }
    };
    requests.iter().enumerate().map(item).collect()
}

/// The fields of the page, as they are at first, or with what was sent and what is wrong with it.
pub(super) fn fields(items: &[Item], form: &Form, mistakes: &[Mistake]) -> Vec<Field> {
    items.iter().map(|item| item.field(form, mistakes)).collect()
}

/// A value that cannot be shared, by the name of its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub name: String,
    pub text: String,
}

/// What the person shares, in the order of the requests; or what is wrong with it.
pub(super) fn choose(cx: &mut Cx<'_>, items: &[Item], form: &Form) -> Result<Vec<Credential>, Vec<Mistake>> {
    let mut shared = Vec::new();
    let mut mistakes = Vec::new();
    for item in items {
        match item.chosen(cx, form) {
            Ok(Some(credential)) => shared.push(credential),
            Ok(None) => {}
            Err(mut wrong) => mistakes.append(&mut wrong),
        }
    }
    if mistakes.is_empty() { Ok(shared) } else { Err(mistakes) }
}

impl Item {
    fn kind(&self) -> Option<&'static CredentialType> {
        schema::credential_type(&self.request.kind)
    }

    /// Whether it cannot be left out.
    fn is_required(&self) -> bool {
        let is_there = !self.values.is_empty();
        self.request.is_mandatory() || (self.request.mandatory == Some(Mandatory::IfAvailable) && is_there)
    }

    fn takes_input(&self) -> bool {
        self.request.takes_input() && self.kind().is_some_and(readable::can_be_typed)
    }

    fn field(&self, form: &Form, mistakes: &[Mistake]) -> Field {
        let kind = self.kind();
        let required = self.is_required();
        let has_something = !self.values.is_empty() || self.takes_input();
        let several = self.values.len() > 1;
        let start = if several { None } else { self.values.first() };
        Field {
            name: self.name.clone(),
            label: kind.map_or_else(|| self.request.kind.clone(), |kind| kind.title.clone()),
            required,
            selected: (!required && has_something).then(|| !form.deselects(&self.name)),
            values: self
                .values
                .iter()
                .map(|value| Choice { value: value.id.clone(), label: readable::credential(value) })
                .collect(),
            chosen: form.get(&format!("{CHOICE}{}", self.name)).map(str::to_owned),
            kind: match kind {
                Some(kind) if self.takes_input() => typed_field(kind, &self.request, &self.name, start, form, mistakes),
                _ => FieldKind::Fixed,
            },
            description: self.request.description.clone(),
            error: mistake(mistakes, &self.name),
        }
    }

    /// What the person shares of this item: a known value as it is, a changed one, or nothing.
    fn chosen(&self, cx: &mut Cx<'_>, form: &Form) -> Result<Option<Credential>, Vec<Mistake>> {
        let required = self.is_required();
        if !required && form.deselects(&self.name) {
            return Ok(None);
        }
        let choice = form.get(&format!("{CHOICE}{}", self.name));
        let picked = choice.and_then(|id| self.values.iter().find(|value| value.id == id));
        if let Some(value) = picked {
            return Ok(Some(value.clone()));
        }
        let is_other = choice == Some(OTHER) && self.values.len() > 1;
        let start = if is_other { None } else { self.values.first() };
        let chosen = match self.kind() {
            Some(kind) if self.takes_input() => typed(cx, kind, &self.request, &self.name, start, form)?,
            _ => start.cloned(),
        };
        let empty = || Mistake { name: self.name.clone(), text: REQUIRED.to_owned() };
        if required && chosen.is_none() { Err(vec![empty()]) } else { Ok(chosen) }
    }
}

fn mistake(mistakes: &[Mistake], name: &str) -> Option<String> {
    mistakes.iter().find(|mistake| mistake.name == name).map(|mistake| mistake.text.clone())
}

/// The parts of a composite that a request wants. A mandatory one that does not say which needs those that make it whole.
fn parts(kind: &CredentialType, request: &CredentialRequest) -> Vec<CredentialRequest> {
    if request.children.is_empty() {
        let is_needed = |part: &String| request.is_mandatory() && kind.children_required_when_mandatory.contains(part);
        let part = |part: &String| CredentialRequest {
            kind: part.clone(),
            mandatory: is_needed(part).then_some(Mandatory::Yes),
            ..CredentialRequest::default()
        };
        kind.children.iter().map(part).collect()
    } else {
        request.children.iter().filter(|part| kind.children.contains(&part.kind)).cloned().collect()
    }
}

/// The controls in which a value of a type is typed.
fn typed_field(
    kind: &CredentialType,
    request: &CredentialRequest,
    name: &str,
    start: Option<&Credential>,
    form: &Form,
    mistakes: &[Mistake],
) -> FieldKind {
    if kind.kind != Kind::Composite {
        let known = start.and_then(Credential::text).map(|text| readable::in_control(kind, text)).unwrap_or_default();
        return FieldKind::Input { control: control(kind), value: form.get(name).map_or(known, str::to_owned) };
    }
    let part = |part: CredentialRequest| {
        let kind = schema::credential_type(&part.kind)?;
        let name = format!("{name}.{}", kind.short_name);
        let known = start.and_then(|start| start.children().iter().find(|child| child.kind == part.kind));
        let values = known.map(|known| Choice { value: known.id.clone(), label: readable::credential(known) });
        Some(Field {
            label: kind.title.clone(),
            required: part.is_mandatory(),
            selected: None,
            values: values.into_iter().collect(),
            chosen: None,
            kind: typed_field(kind, &part, &name, known, form, mistakes),
            description: None,
            error: mistake(mistakes, &name),
            name,
        })
    };
    FieldKind::Group(parts(kind, request).into_iter().filter_map(part).collect())
}

fn control(kind: &CredentialType) -> Control {
    match &kind.input {
        None => Control::Text,
        Some(input) => match input.kind {
            InputKind::Email => Control::Email,
            InputKind::Phone => Control::Phone,
            InputKind::Date => Control::Date,
            InputKind::Ssn => Control::Ssn,
            InputKind::Text | InputKind::Image => Control::Text,
            InputKind::Select => {
                let choice = |option: &schema::Choice| Choice { value: option.value.clone(), label: option.label.clone() };
                Control::Select(input.options.iter().map(choice).collect())
            }
        },
    }
}

/// The value that was typed, or `start` where nothing else was. Nothing when the controls were emptied.
fn typed(
    cx: &mut Cx<'_>,
    kind: &'static CredentialType,
    request: &CredentialRequest,
    name: &str,
    start: Option<&Credential>,
    form: &Form,
) -> Result<Option<Credential>, Vec<Mistake>> {
    let data = if kind.kind == Kind::Composite {
        typed_parts(cx, kind, request, name, start, form)?
    } else {
        match form.get(name).map(|typed| readable::read(kind, typed)) {
            None => return Ok(start.cloned()),
            Some(text) if text.is_empty() => return Ok(None),
            Some(text) if start.and_then(Credential::text) == Some(text.as_str()) => return Ok(start.cloned()),
            Some(text) => {
                let fields: Map<_, _> = kind.data_key.iter().map(|key| (key.clone(), Value::from(text.clone()))).collect();
                Some(Data::Fields(fields.into()))
            }
        }
    };
    let Some(data) = data else { return Ok(None) };
    if start.is_some_and(|start| start.data == data) {
        return Ok(start.cloned());
    }
    // What was typed is checked like anything that is issued.
    let wrong = |error: Error| {
        let parts = wrong_parts(name, &data);
        if parts.is_empty() { vec![Mistake { name: name.to_owned(), text: error.to_string() }] } else { parts }
    };
    let draft = Draft::of(kind, as_sent(&data), &name).map_err(wrong)?;
    let of = Issuance { issuer: ISSUER, now: cx.now };
    let mut credential = draft.issue(of, &mut |_| Ok(cx.rng.uuid().to_string())).map_err(wrong)?;
    credential.verification_method = Some(SELF_ATTESTED.to_owned());
    if let Data::Children(_) = data {
        // Parts that were not changed stay what they are.
        credential.data = data;
    }
    Ok(Some(credential))
}

/// The parts of a composite, each typed or as it was; nothing when there are none.
fn typed_parts(
    cx: &mut Cx<'_>,
    kind: &CredentialType,
    request: &CredentialRequest,
    name: &str,
    start: Option<&Credential>,
    form: &Form,
) -> Result<Option<Data>, Vec<Mistake>> {
    let mut children = Vec::new();
    let mut mistakes = Vec::new();
    let mut is_touched = false;
    for part in parts(kind, request) {
        let Some(kind) = schema::credential_type(&part.kind) else { continue };
        let name = format!("{name}.{}", kind.short_name);
        let known = start.and_then(|start| start.children().iter().find(|child| child.kind == part.kind));
        is_touched |= form.0.iter().any(|(key, value)| key.starts_with(&name) && !value.trim().is_empty());
        match typed(cx, kind, &part, &name, known, form) {
            Ok(Some(child)) => children.push(child),
            Ok(None) if part.is_mandatory() => mistakes.push(Mistake { name, text: REQUIRED.to_owned() }),
            Ok(None) => {}
            Err(mut wrong) => mistakes.append(&mut wrong),
        }
    }
    match start {
        // A composite in the old form has no parts to start from: untouched controls leave it as it is.
        Some(start) if start.is_legacy() && !is_touched => Ok(Some(start.data.clone())),
        _ if children.is_empty() && !is_touched => Ok(None),
        _ if mistakes.is_empty() => Ok(Some(Data::Children(children))),
        _ => Err(mistakes),
    }
}

/// The parts of a composite that do not fit the others, such as a zip code that the country does not have.
fn wrong_parts(name: &str, data: &Data) -> Vec<Mistake> {
    let Data::Children(children) = data else { return Vec::new() };
    let mut fields = Map::new();
    for child in children {
        if let Data::Fields(own) = &child.data {
            fields.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
    }
    let mistake = |child: &Credential| {
        let text = schema::validate(&child.kind, fields.clone()).err()?;
        Some(Mistake { name: format!("{name}.{}", short_name(&child.kind)), text })
    };
    children.iter().filter(|child| matches!(child.data, Data::Fields(_))).filter_map(mistake).collect()
}

/// `data` as a brand would send it.
pub(super) fn as_sent(data: &Data) -> Value {
    match data {
        Data::Fields(fields) => Value::Object((**fields).clone()),
        Data::Children(children) => {
            let child = |child: &Credential| {
                Value::Object(Map::from_iter([
                    ("type".to_owned(), Value::from(child.kind.as_str())),
                    ("data".to_owned(), as_sent(&child.data)),
                ]))
            };
            children.iter().map(child).collect()
        }
    }
}
