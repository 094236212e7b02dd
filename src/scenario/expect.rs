//! Patterns and matchers: what an answer is held against.

use chrono::DateTime;
use regex::Regex;
use serde_json::Value;

use super::mistakes::{Place, instead};
use super::tree::{Kind, Node};
use super::vars::{Vars, fill, fill_with, plain};

#[cfg(test)]
mod tests;

/// What a value has to be like. Text in it may name variables.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// This value.
    Literal(Value),
    /// An object with at least these members.
    Object(Vec<(String, Pattern)>),
    /// A list of as many items, each as said.
    List(Vec<Pattern>),
    /// All of these.
    All(Vec<Matcher>),
}

#[derive(Clone, Debug)]
pub(super) enum Matcher {
    Equals(Value),
    Not(Pattern),
    Exists(bool),
    Matches(String),
    Contains(Pattern),
    Starts(String),
    Type(Type),
    Length(Pattern),
    Order(Order, Value),
    OneOf(Vec<Pattern>),
    Each(Pattern),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    String,
    Number,
    Integer,
    Boolean,
    Object,
    Array,
    Null,
}

const TYPES: &[(&str, Type)] = &[
    ("string", Type::String),
    ("number", Type::Number),
    ("integer", Type::Integer),
    ("boolean", Type::Boolean),
    ("object", Type::Object),
    ("array", Type::Array),
    ("null", Type::Null),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

const MATCHERS: &[&str] = &[
    "$equals",
    "$not",
    "$exists",
    "$absent",
    "$matches",
    "$contains",
    "$starts",
    "$type",
    "$length",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$one_of",
    "$each",
];

/// Words of JSON Schema: documents that providers answer hold them, and they are no matchers.
const PLAIN: &[&str] = &["$id", "$schema", "$ref", "$defs", "$comment", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary"];

/// A JSONPath (RFC 9535) in which variables may be named.
#[derive(Clone, Debug)]
pub(super) struct JsonPath {
    pub text: String,
}

/// What reading a pattern reports to: mistakes, and the texts in which variables may be named.
pub(super) trait Notes {
    fn mistake(&mut self, place: Place, message: String);
    fn text(&mut self, place: Place, text: &str);
    fn json(&mut self, node: &Node) -> Value;
}

impl JsonPath {
    /// Reads a path; `place` is where it stands.
    pub(super) fn read(text: &str, place: Place, notes: &mut impl Notes) -> Self {
        notes.text(place, text);
        // A variable's value is text or a number; a digit fits wherever either does.
        let any: Result<String, String> = super::vars::pieces(text)
            .map(|pieces| pieces.iter().map(|piece| if let super::vars::Piece::Text(text) = piece { text } else { "0" }).collect());
        if let Ok(probe) = any
            && let Err(error) = serde_json_path::JsonPath::parse(&probe)
        {
            notes.mistake(place, format!("`{text}` is no JSONPath such as `$.items[0].id`: {error}"));
        }
        Self { text: text.to_owned() }
    }

    /// What it finds.
    pub(super) fn find<'a>(&self, json: &'a Value, vars: &Vars) -> Result<Vec<&'a Value>, String> {
        let text = fill_with(&self.text, vars, str::to_owned)?;
        let path = serde_json_path::JsonPath::parse(&text).map_err(|error| format!("`{text}` is no JSONPath: {error}"))?;
        Ok(path.query(json).all())
    }
}

impl Pattern {
    /// Reads a pattern: an object whose keys begin with `$` is made of matchers, all else stands for itself.
    pub(super) fn read(node: &Node, notes: &mut impl Notes) -> Self {
        match &node.kind {
            Kind::Scalar(_) => Self::Literal(notes.json(node)),
            Kind::List(items) => Self::List(items.iter().map(|item| Self::read(item, notes)).collect()),
            Kind::Map(entries) => {
                let is_matcher = |key: &str| key.starts_with('$') && !PLAIN.contains(&key);
                let matchers = entries.iter().filter(|entry| is_matcher(&entry.key)).count();
                if matchers == 0 {
                    return Self::Object(
                        entries.iter().map(|entry| (entry.key.clone(), Self::read(&entry.value, notes))).collect(),
                    );
                }
                let mut all = Vec::new();
                for entry in entries {
                    if is_matcher(&entry.key) {
                        all.extend(Matcher::read(&entry.key, entry.place, &entry.value, notes));
                    } else {
                        notes.mistake(
                            entry.place,
                            format!("`{}` stands beside a matcher; an object is made of matchers or of members", entry.key),
                        );
                    }
                }
                Self::All(all)
            }
        }
    }

    /// Holds a value (`None`: there is none) against the pattern; differences are added to `differences`.
    pub(super) fn check(&self, actual: Option<&Value>, at: &str, vars: &Vars, differences: &mut Vec<Difference>) {
        match (self, actual) {
            (Self::All(matchers), _) => matchers.iter().for_each(|matcher| matcher.check(actual, at, vars, differences)),
            (_, None) => differences.push(Difference::new(at, self.words(vars), "nothing there")),
            (Self::Literal(expected), Some(actual)) => match fill(expected, vars) {
                Ok(expected) if same(&expected, actual) => {}
                Ok(expected) => differences.push(Difference::new(at, expected.to_string(), actual.to_string())),
                Err(reason) => differences.push(Difference::new(at, reason, actual.to_string())),
            },
            (Self::Object(members), Some(Value::Object(actual))) => {
                for (key, pattern) in members {
                    pattern.check(actual.get(key), &member(at, key), vars, differences);
                }
            }
            (Self::List(patterns), Some(Value::Array(items))) if patterns.len() == items.len() => {
                for (index, (pattern, item)) in patterns.iter().zip(items).enumerate() {
                    pattern.check(Some(item), &format!("{at}[{index}]"), vars, differences);
                }
            }
            (Self::List(patterns), Some(Value::Array(items))) => {
                differences.push(Difference::new(
                    at,
                    format!("a list of {}", patterns.len()),
                    format!("a list of {}: {}", items.len(), short(&Value::Array(items.clone()))),
                ));
            }
            (Self::Object(_) | Self::List(_), Some(other)) => {
                differences.push(Difference::new(at, self.words(vars), short(other)));
            }
        }
    }

    /// Whether a value is like that.
    fn fits(&self, actual: Option<&Value>, vars: &Vars) -> bool {
        let mut differences = Vec::new();
        self.check(actual, "", vars, &mut differences);
        differences.is_empty()
    }

    /// The pattern in words.
    pub(super) fn words(&self, vars: &Vars) -> String {
        match self {
            Self::Literal(value) => fill(value, vars).map_or_else(|reason| reason, |value| value.to_string()),
            Self::Object(members) => {
                let members: Vec<String> =
                    members.iter().map(|(key, pattern)| format!("{key:?}:{}", pattern.words(vars))).collect();
                format!("{{{}}}", members.join(","))
            }
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(|pattern| pattern.words(vars)).collect();
                format!("[{}]", items.join(","))
            }
            Self::All(matchers) => {
                let words: Vec<String> = matchers.iter().map(|matcher| matcher.words(vars)).collect();
                words.join(", and ")
            }
        }
    }
}

impl Matcher {
    fn read(key: &str, place: Place, value: &Node, notes: &mut impl Notes) -> Option<Self> {
        let truth = match value.kind {
            Kind::Scalar(Value::Bool(truth)) => Some(truth),
            _ => None,
        };
        match key {
            "$equals" => Some(Self::Equals(notes.json(value))),
            "$not" => Some(Self::Not(Pattern::read(value, notes))),
            "$exists" | "$absent" => match truth {
                Some(truth) => Some(Self::Exists(truth == (key == "$exists"))),
                None => wrong(key, value, "true or false", notes),
            },
            "$matches" => match value.text() {
                Some(text) => {
                    regex_of(text, value.place, notes);
                    Some(Self::Matches(text.to_owned()))
                }
                None => wrong(key, value, "a regular expression", notes),
            },
            "$contains" => Some(Self::Contains(Pattern::read(value, notes))),
            "$starts" => match value.text() {
                Some(text) => {
                    notes.text(value.place, text);
                    Some(Self::Starts(text.to_owned()))
                }
                None => wrong(key, value, "text", notes),
            },
            "$type" => match value.text().and_then(|text| TYPES.iter().find(|(name, _)| *name == text)) {
                Some((_, kind)) => Some(Self::Type(*kind)),
                None => {
                    let word = value.text().unwrap_or_default();
                    let names = instead(word, TYPES.iter().map(|(name, _)| *name));
                    notes.mistake(value.place, format!("`$type` wants the name of a type; {names}"));
                    None
                }
            },
            "$length" => match &value.kind {
                Kind::Scalar(Value::Number(_)) | Kind::Map(_) => Some(Self::Length(Pattern::read(value, notes))),
                Kind::Scalar(Value::String(text)) if text.starts_with("${") => Some(Self::Length(Pattern::read(value, notes))),
                _ => wrong(key, value, "a number or matchers", notes),
            },
            "$gt" | "$gte" | "$lt" | "$lte" => {
                let order = match key {
                    "$gt" => Order::Greater,
                    "$gte" => Order::GreaterOrEqual,
                    "$lt" => Order::Less,
                    _ => Order::LessOrEqual,
                };
                match &value.kind {
                    Kind::Scalar(Value::Number(_) | Value::String(_)) => Some(Self::Order(order, notes.json(value))),
                    _ => wrong(key, value, "a number, a time or text", notes),
                }
            }
            "$one_of" => match &value.kind {
                Kind::List(items) => Some(Self::OneOf(items.iter().map(|item| Pattern::read(item, notes)).collect())),
                _ => wrong(key, value, "a list", notes),
            },
            "$each" => Some(Self::Each(Pattern::read(value, notes))),
            other => {
                let names = instead(other, MATCHERS.iter().copied());
                notes.mistake(place, format!("there is no matcher `{other}`; {names} (`$equals` takes an object as it is)"));
                None
            }
        }
    }

    fn check(&self, actual: Option<&Value>, at: &str, vars: &Vars, differences: &mut Vec<Difference>) {
        let mut differs = |expected: String| {
            differences.push(Difference::new(at, expected, actual.map_or_else(|| "nothing there".to_owned(), short)));
        };
        let Some(value) = actual else {
            let content = match self {
                Self::Exists(wanted) => !wanted,
                Self::Not(pattern) => !pattern.fits(None, vars),
                _ => false,
            };
            if !content {
                differs(self.words(vars));
            }
            return;
        };
        let fits = match self {
            Self::Equals(expected) => fill(expected, vars).map(|expected| same(&expected, value)),
            Self::Not(pattern) => Ok(!pattern.fits(Some(value), vars)),
            Self::Exists(wanted) => Ok(*wanted),
            Self::Matches(text) => {
                regex(text, vars).map(|regex| matches!(value, Value::String(_) | Value::Number(_)) && regex.is_match(&plain(value)))
            }
            Self::Contains(pattern) => contains(pattern, value, vars),
            Self::Starts(text) => fill_with(text, vars, str::to_owned)
                .map(|start| matches!(value, Value::String(_)) && plain(value).starts_with(&start)),
            Self::Type(kind) => Ok(kind.fits(value)),
            Self::Length(pattern) => match length(value) {
                Some(length) => {
                    pattern.check(Some(&length.into()), &format!("length of {at}"), vars, differences);
                    return;
                }
                None => Ok(false),
            },
            Self::Order(order, bound) => fill(bound, vars).map(|bound| order.fits(value, &bound)),
            Self::OneOf(patterns) => Ok(patterns.iter().any(|pattern| pattern.fits(Some(value), vars))),
            Self::Each(pattern) => match value {
                Value::Array(items) => {
                    for (index, item) in items.iter().enumerate() {
                        pattern.check(Some(item), &format!("{at}[{index}]"), vars, differences);
                    }
                    return;
                }
                _ => Ok(false),
            },
        };
        match fits {
            Ok(true) => {}
            Ok(false) => differs(self.words(vars)),
            Err(reason) => differs(reason),
        }
    }

    fn words(&self, vars: &Vars) -> String {
        let filled = |value: &Value| fill(value, vars).map_or_else(|reason| reason, |value| value.to_string());
        match self {
            Self::Equals(value) => format!("exactly {}", filled(value)),
            Self::Not(pattern) => format!("not {}", pattern.words(vars)),
            Self::Exists(true) => "something".to_owned(),
            Self::Exists(false) => "nothing".to_owned(),
            Self::Matches(text) => format!("something that matches /{text}/"),
            Self::Contains(pattern) => format!("something that contains {}", pattern.words(vars)),
            Self::Starts(text) => format!("something that begins with {}", filled(&Value::from(text.as_str()))),
            Self::Type(kind) => {
                let name = TYPES.iter().find(|(_, known)| known == kind).map_or("", |(name, _)| *name);
                format!("a value of type {name}")
            }
            Self::Length(pattern) => format!("something of length {}", pattern.words(vars)),
            Self::Order(order, bound) => format!("something {} {}", order.words(), filled(bound)),
            Self::OneOf(patterns) => {
                let words: Vec<String> = patterns.iter().map(|pattern| pattern.words(vars)).collect();
                format!("one of {}", words.join(", "))
            }
            Self::Each(pattern) => format!("a list of {}", pattern.words(vars)),
        }
    }
}

fn wrong(key: &str, value: &Node, expected: &str, notes: &mut impl Notes) -> Option<Matcher> {
    notes.mistake(value.place, format!("`{key}` wants {expected}, this is {}", value.what()));
    None
}

impl Type {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Self::Boolean => value.is_boolean(),
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::Null => value.is_null(),
        }
    }
}

impl Order {
    /// Numbers are compared as numbers, two RFC 3339 times as times, other text as text.
    fn fits(self, value: &Value, bound: &Value) -> bool {
        let ordering = match (value, bound) {
            (Value::Number(value), Value::Number(bound)) => value.as_f64().partial_cmp(&bound.as_f64()),
            (Value::String(value), Value::String(bound)) => {
                match (DateTime::parse_from_rfc3339(value), DateTime::parse_from_rfc3339(bound)) {
                    (Ok(value), Ok(bound)) => Some(value.cmp(&bound)),
                    _ => Some(value.cmp(bound)),
                }
            }
            _ => None,
        };
        ordering.is_some_and(|ordering| match self {
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
        })
    }

    fn words(self) -> &'static str {
        match self {
            Self::Greater => "greater than",
            Self::GreaterOrEqual => "at least",
            Self::Less => "less than",
            Self::LessOrEqual => "at most",
        }
    }
}

/// A difference between what was expected and what came.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// Where: `status`, `header location`, a JSONPath.
    pub at: String,
    /// What was expected there.
    pub expected: String,
    /// What was there.
    pub actual: String,
}

impl Difference {
    pub(super) fn new(at: impl Into<String>, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Self { at: at.into(), expected: expected.into(), actual: actual.into() }
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: expected {}, got {}", self.at, self.expected, self.actual)
    }
}

/// Checks a regular expression when it is read.
pub(super) fn regex_of(text: &str, place: Place, notes: &mut impl Notes) {
    notes.text(place, text);
    let probe: Result<String, String> = super::vars::pieces(text)
        .map(|pieces| pieces.iter().map(|piece| if let super::vars::Piece::Text(text) = piece { text } else { "0" }).collect());
    if let Ok(probe) = probe
        && let Err(error) = Regex::new(&probe)
    {
        let said = error.to_string();
        let reason = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
        notes.mistake(place, format!("`{text}` is no regular expression: {reason}"));
    }
}

/// A regular expression, the values of variables in it taken literally.
pub(super) fn regex(text: &str, vars: &Vars) -> Result<Regex, String> {
    let text = fill_with(text, vars, regex::escape)?;
    Regex::new(&text).map_err(|error| format!("/{text}/ is no regular expression: {error}"))
}

/// Numbers are the same where their values are.
fn same(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::Number(expected), Value::Number(actual)) => expected == actual || expected.as_f64() == actual.as_f64(),
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(expected, actual)| same(expected, actual))
        }
        (Value::Object(expected), Value::Object(actual)) => {
            expected.len() == actual.len()
                && expected.iter().all(|(key, expected)| actual.get(key).is_some_and(|actual| same(expected, actual)))
        }
        _ => expected == actual,
    }
}

fn contains(pattern: &Pattern, value: &Value, vars: &Vars) -> Result<bool, String> {
    match (value, pattern) {
        (Value::String(text), Pattern::Literal(part)) => Ok(text.contains(&plain(&fill(part, vars)?))),
        (Value::Array(items), _) => Ok(items.iter().any(|item| pattern.fits(Some(item), vars))),
        (Value::Object(members), Pattern::Literal(key)) => Ok(members.contains_key(&plain(&fill(key, vars)?))),
        (Value::Object(_), _) => Ok(pattern.fits(Some(value), vars)),
        _ => Ok(false),
    }
}

fn length(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.chars().count()),
        Value::Array(items) => Some(items.len()),
        Value::Object(members) => Some(members.len()),
        _ => None,
    }
}

/// A member's place, as a JSONPath.
fn member(at: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain && !key.starts_with(|first: char| first.is_ascii_digit()) { format!("{at}.{key}") } else { format!("{at}[{key:?}]") }
}

/// A value for a sentence: not longer than a few lines.
pub(super) fn short(value: &Value) -> String {
    cut(&value.to_string(), 400)
}

/// The beginning of a text.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}… ({} characters)", text.get(..end).unwrap_or_default(), text.chars().count()),
        None => text.to_owned(),
    }
}
