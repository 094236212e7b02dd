//! The credential types of Verified Inc., and the check of credential data against their schemas.
//!
//! Source: the provider's public `schema-sdk` 2.9.0 (July 2024); the facts are in `credential_types.json`, the texts that
//! describe them are ours. Known gaps: a property that bears the name of a JavaScript built-in, such as `constructor`,
//! is an ordinary property here; which children a mandatory composite must hold is our reading, the provider publishes
//! no list.

mod evaluate;
mod format;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use evaluate::{Library, Program};
use format::{Codes, Format, Places};

/// What the data of a credential looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// An object with one property, [`CredentialType::data_key`].
    Atomic,
    /// A list of child credentials.
    Composite,
    /// An empty object.
    Empty,
}

/// How a value is shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub(super) enum DisplayFormat {
    /// As it is.
    String,
    /// A day, kept as its noon in UTC, in milliseconds since 1970.
    Date,
    /// A region code.
    State,
    /// A whole number.
    Number,
    /// A phone number in E.164 notation.
    Phone,
    /// The nine digits of a Social Security number.
    #[serde(rename = "SSN")]
    Ssn,
    /// A data URI of an image.
    Image,
    /// A postal address in one string.
    Address,
    /// A currency code and an amount.
    CurrencyAmount,
    /// A currency code and a range of amounts.
    CurrencyRange,
}

/// The control with which people enter a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub(super) enum InputKind {
    /// Any text.
    Text,
    /// An email address.
    Email,
    /// A phone number.
    Phone,
    /// A day.
    Date,
    /// One of [`Input::options`].
    Select,
    /// A Social Security number.
    #[serde(rename = "SSN")]
    Ssn,
    /// A picture.
    Image,
}

/// How people enter a value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Input {
    /// The control.
    #[serde(rename = "type")]
    pub(super) kind: InputKind,
    /// What a select offers, in this order.
    #[serde(default)]
    pub(super) options: Vec<Choice>,
    /// The regular expression that a browser may check the text with.
    pub(super) pattern: Option<String>,
    /// The value to begin with.
    pub(super) default: Option<String>,
}

/// A value of a set, and what people read for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "Entry")]
pub(super) struct Choice {
    /// As kept and sent.
    pub(super) value: String,
    /// As shown; the value itself where it is readable enough.
    pub(super) label: String,
}

/// The spellings of a [`Choice`].
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Readable(String),
    Pair(String, String),
    Option { value: String, label: String },
}

impl From<Entry> for Choice {
    fn from(entry: Entry) -> Self {
        match entry {
            Entry::Readable(value) => Self { label: value.clone(), value },
            Entry::Pair(value, label) | Entry::Option { value, label } => Self { value, label },
        }
    }
}

/// A credential type.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CredentialType {
    /// `FullNameCredential`.
    pub(super) name: String,
    /// What its data looks like.
    pub(super) kind: Kind,
    /// Whether a newer type has taken its place.
    pub(super) deprecated: bool,
    /// The name as 1-Click bodies and forms spell it: `fullName`.
    pub(super) short_name: String,
    /// The property that holds the value; atomic types only.
    pub(super) data_key: Option<String>,
    /// The types that it is made of, in this order; composite types only.
    pub(super) children: Vec<String>,
    /// The children that a mandatory composite must hold when the request lists none.
    pub(super) children_required_when_mandatory: Vec<String>,
    /// The composite types that it may be part of.
    pub(super) parents: Vec<String>,
    /// The property that may hold a composite as one string, the older form.
    pub(super) legacy_single_key: Option<String>,
    /// The label of its field.
    pub(super) title: String,
    /// What the value is, in a sentence; empty for most composites.
    pub(super) description: String,
    /// How the value is shown; a composite has one only for its older form.
    pub(super) display_format: Option<DisplayFormat>,
    /// How the value is entered; `None` where the provider offers no control.
    pub(super) input: Option<Input>,
    #[serde(skip)]
    schema: Value,
    #[serde(skip)]
    program: Program,
}

/// The older description of a type, half of the answer of `GET /schema/{type}`.
#[derive(Debug, Serialize)]
pub(super) struct Attributes {
    /// The name of the type.
    #[serde(rename = "type")]
    pub(super) name: &'static str,
    /// One for each property of the data; those of its children, at every depth, for a composite.
    pub(super) attributes: Vec<Attribute>,
}

/// A property of credential data.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attribute {
    /// The property.
    pub(super) key: &'static str,
    /// The label of its field.
    pub(super) label: &'static str,
    /// What the value is.
    pub(super) comment: &'static str,
    /// How the value is shown.
    pub(super) display_format: DisplayFormat,
}

/// The type of this name.
pub(super) fn credential_type(name: &str) -> Option<&'static CredentialType> {
    let place = *TYPES.by_name.get(name)?;
    TYPES.all.get(place)
}

/// The type of this shortened name: `fullName` is `FullNameCredential`.
pub(super) fn by_short_name(short: &str) -> Option<&'static CredentialType> {
    let place = *TYPES.by_short_name.get(short)?;
    TYPES.all.get(place)
}

/// All types, in the provider's order.
pub(super) fn all() -> impl Iterator<Item = &'static CredentialType> {
    TYPES.all.iter()
}

/// Checks data against the schema of a type, and returns it as the provider keeps it: scalars as strings, null as the
/// empty string.
///
/// For a composite, `flat` is the data of its children at every depth, merged into one object. Fails with the provider's
/// message. As there, properties that a schema with `additionalProperties: false` does not name are gone from the result.
pub(super) fn validate(type_name: &str, mut flat: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let found = credential_type(type_name).ok_or_else(|| format!("Schema not found for type: {type_name}"))?;
    found.program.run(&mut flat)?;
    Ok(flat)
}

/// The JSON Schema of a type, as the schema resolver serves it.
pub(super) fn json_schema(of: &'static CredentialType) -> &'static Value {
    &of.schema
}

/// The older description of a type, as the schema resolver serves it.
pub(super) fn attributes(of: &'static CredentialType) -> Attributes {
    let mut attributes = Vec::new();
    collect_attributes(of, &mut attributes);
    Attributes { name: &of.name, attributes }
}

fn collect_attributes(of: &'static CredentialType, into: &mut Vec<Attribute>) {
    if let (Some(key), Some(display_format)) = (&of.data_key, of.display_format) {
        into.push(Attribute { key, label: &of.title, comment: &of.description, display_format });
    }
    for child in of.children.iter().filter_map(|name| credential_type(name)) {
        collect_attributes(child, into);
    }
}

/// What people read for a value of a set: `countries`, `usStates`, `currencies`, `incomeRanges` and so on.
pub(super) fn label(set: &str, value: &str) -> Option<&'static str> {
    TYPES.labels.get(set)?.get(value).map(String::as_str)
}

/// The value of a set that people read as `label`.
pub(super) fn value_of_label(set: &str, label: &str) -> Option<&'static str> {
    TYPES.labels.get(set)?.iter().find(|(_, known)| *known == label).map(|(value, _)| value.as_str())
}

/// `credential_types.json`, read once.
#[expect(clippy::expect_used, reason = "the file is part of the binary, and the tests read it")]
static TYPES: LazyLock<Types> =
    LazyLock::new(|| Types::read(include_str!("credential_types.json")).expect("credential_types.json is sound"));

/// Everything there is to know about credential types.
struct Types {
    all: Vec<CredentialType>,
    by_name: BTreeMap<String, usize>,
    by_short_name: BTreeMap<String, usize>,
    labels: BTreeMap<String, BTreeMap<String, String>>,
}

/// `credential_types.json`, as written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    formats: BTreeMap<String, FormatFact>,
    value_sets: BTreeMap<String, Vec<Choice>>,
    types: Map<String, Value>,
}

/// What a format demands; patterns and rules are in `format.rs`, spelled out.
#[derive(Deserialize)]
struct FormatFact {
    /// The set that the value, or its first part, must come from.
    set: Option<String>,
    /// What is accepted besides the set.
    #[serde(default)]
    also: Vec<String>,
}

/// A type of `credential_types.json`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeFact {
    kind: Kind,
    #[serde(default)]
    deprecated: bool,
    short_name: String,
    data_key: Option<String>,
    #[serde(default)]
    children: Vec<String>,
    #[serde(default)]
    children_required_when_mandatory: Vec<String>,
    #[serde(default)]
    parents: Vec<String>,
    legacy_single_key: Option<String>,
    /// Of composites, whose schemas have none.
    title: Option<String>,
}

/// What a schema says of a property, apart from its rules.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PropertyFact {
    title: Option<String>,
    #[serde(default)]
    description: String,
    display_format: Option<DisplayFormat>,
    input: Option<Input>,
}

impl Types {
    fn read(text: &str) -> Result<Self, String> {
        let facts: Facts = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let schemas = Schemas {
            by_id: facts
                .types
                .iter()
                .map(|(name, fact)| Ok((name.clone(), resolved(fact.get("schema").unwrap_or(fact), &facts)?)))
                .collect::<Result<_, String>>()?,
            formats: facts.formats,
            sets: facts
                .value_sets
                .iter()
                .map(|(name, set)| (name.clone(), set.iter().map(|choice| choice.value.clone()).collect()))
                .collect(),
        };
        let all = facts
            .types
            .into_iter()
            .map(|(name, fact)| CredentialType::read(name, fact, &schemas))
            .collect::<Result<Vec<_>, _>>()?;
        let places = |key: fn(&CredentialType) -> &String| {
            all.iter().enumerate().map(|(place, found)| (key(found).clone(), place)).collect()
        };
        Ok(Self {
            by_name: places(|found| &found.name),
            by_short_name: places(|found| &found.short_name),
            labels: facts
                .value_sets
                .into_iter()
                .map(|(name, set)| (name, set.into_iter().map(|choice| (choice.value, choice.label)).collect()))
                .collect(),
            all,
        })
    }
}

impl CredentialType {
    fn read(name: String, fact: Value, schemas: &Schemas) -> Result<Self, String> {
        let failed = |why: String| format!("{name}: {why}");
        let fact: TypeFact = serde_json::from_value(fact).map_err(|error| failed(error.to_string()))?;
        let schema = schemas.schema(&name).ok_or_else(|| failed("no schema".to_owned()))?;
        let program = Program::compile(schema, schemas).map_err(failed)?;
        let key = fact.data_key.as_ref().or(fact.legacy_single_key.as_ref());
        let property = match key.and_then(|key| property(schema, key)) {
            Some(property) => PropertyFact::deserialize(property).map_err(|error| failed(error.to_string()))?,
            None => PropertyFact::default(),
        };
        Ok(Self {
            kind: fact.kind,
            deprecated: fact.deprecated,
            short_name: fact.short_name,
            data_key: fact.data_key,
            children: fact.children,
            children_required_when_mandatory: fact.children_required_when_mandatory,
            parents: fact.parents,
            legacy_single_key: fact.legacy_single_key,
            title: fact.title.or(property.title).ok_or_else(|| failed("no title".to_owned()))?,
            description: property.description,
            display_format: property.display_format,
            input: property.input,
            schema: Value::Object(schema.clone()),
            program,
            name,
        })
    }
}

/// Where a schema describes a property: itself, or one of its alternatives.
fn property<'s>(schema: &'s Map<String, Value>, key: &str) -> Option<&'s Value> {
    let own = schema.get("properties").and_then(|properties| properties.get(key));
    own.or_else(|| {
        let alternatives = schema.get("anyOf").and_then(Value::as_array)?;
        alternatives.iter().find_map(|alternative| alternative.get("properties")?.get(key))
    })
}

/// A schema as it is served: `{"inline": type}` is the schema of that type, and `"optionsRef": set` its options.
fn resolved(value: &Value, facts: &Facts) -> Result<Value, String> {
    Ok(match value {
        Value::Object(object) => {
            if let Some(Value::String(name)) = object.get("inline") {
                let inlined = facts.types.get(name).and_then(|fact| fact.get("schema"));
                return resolved(inlined.ok_or_else(|| format!("no type {name}"))?, facts);
            }
            let mut members = Map::new();
            for (key, value) in object {
                match (key.as_str(), value) {
                    ("optionsRef", Value::String(set)) => {
                        let set = facts.value_sets.get(set).ok_or_else(|| format!("no set {set}"))?;
                        members.insert("options".to_owned(), set.iter().map(option).collect());
                    }
                    _ => {
                        members.insert(key.clone(), resolved(value, facts)?);
                    }
                }
            }
            Value::Object(members)
        }
        Value::Array(values) => Value::Array(values.iter().map(|value| resolved(value, facts)).collect::<Result<_, _>>()?),
        _ => value.clone(),
    })
}

/// An option of a select, as schemas spell it.
fn option(choice: &Choice) -> Value {
    if choice.value == choice.label { json!(choice.value) } else { json!(choice) }
}

/// What the schemas refer to.
struct Schemas {
    by_id: BTreeMap<String, Value>,
    formats: BTreeMap<String, FormatFact>,
    sets: BTreeMap<String, BTreeSet<String>>,
}

impl Schemas {
    /// The values that a format accepts.
    fn codes(&self, format: &str) -> Option<Codes> {
        let fact = self.formats.get(format)?;
        let mut codes = self.sets.get(fact.set.as_ref()?)?.clone();
        codes.extend(fact.also.iter().cloned());
        Some(Arc::new(codes))
    }

    fn places(&self) -> Option<Places> {
        Some(Places { countries: self.codes("iso3361Alpha2")?, us_regions: self.codes("iso3166USRegionCode")? })
    }
}

impl Library for Schemas {
    fn schema(&self, id: &str) -> Option<&Map<String, Value>> {
        self.by_id.get(id)?.as_object()
    }

    fn format(&self, name: &str) -> Option<Format> {
        Some(match name {
            "email" => Format::Email,
            "phone" => Format::Phone,
            "ssn" => Format::Ssn,
            "digits" => Format::Digits,
            "unixMsEpochDayFormat" => Format::Noon,
            "dataUriBase64Image" => Format::ImageDataUri,
            "iso3166RegionCode" => Format::RegionCode,
            "usZipCode" => Format::UsZipCode,
            "iso4217Amount" => Format::Amount(self.codes(name)?),
            "iso4217AmountRange" => Format::AmountRange(self.codes(name)?),
            "iso3166" => Format::Region(self.places()?),
            "address" => Format::Address(self.places()?),
            _ => Format::OneOf(self.codes(name)?),
        })
    }
}

#[cfg(test)]
mod tests;
