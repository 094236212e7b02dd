//! Where values come from: answers that were seen, credentials, addresses.

use std::collections::{BTreeMap, BTreeSet};

use http::HeaderMap;
use http::header::LOCATION;
use serde_json::{Value, json};

use super::volatile::is_token;

/// The shortest value that is looked for inside of others.
const SHORTEST_PART: usize = 8;

/// A value, and how it is captured.
#[derive(Debug)]
struct Source {
    value: String,
    /// The index of the step whose answer has it.
    step: usize,
    /// What the capture is to be.
    capture: Value,
    /// What it might be called.
    hint: String,
    /// The variable, once somebody uses it.
    name: Option<String>,
}

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Value and name, the longest value first.
    constants: Vec<(String, String)>,
    sources: Vec<Source>,
    /// What clients sent of their own accord.
    sent: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Known {
    /// Values that have names from the start.
    pub(super) fn new(constants: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut known = Self::default();
        for (value, name) in constants {
            known.constant(value, name);
        }
        known
    }

    /// One more such value.
    pub(super) fn constant(&mut self, value: String, name: String) {
        if value.len() >= SHORTEST_PART && !self.constants.iter().any(|(there, _)| *there == value) {
            self.constants.push((value, name));
            self.constants.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        }
    }

    /// A text of a request, with variables where their values are.
    pub(super) fn ask(&mut self, text: &str) -> String {
        if let Some(name) = self.exactly(text) {
            return format!("${{{name}}}");
        }
        let asked = self.parts(text);
        if asked == escaped(text) && is_token("", text) {
            self.sent.insert(text.to_owned());
        }
        asked
    }

    /// JSON of a request, with variables where their values are.
    pub(super) fn ask_json(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.ask(text).into(),
            Value::Array(items) => items.iter().map(|item| self.ask_json(item)).collect(),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(key, value)| (key.clone(), self.ask_json(value))).collect())
            }
            other => other.clone(),
        }
    }

    /// A text of an answer as a client's own words or a variable, where it is one of them.
    pub(super) fn told(&self, text: &str) -> Option<String> {
        let constant = self.constants.iter().find(|(value, _)| value == text).map(|(_, name)| format!("${{{name}}}"));
        constant.or_else(|| self.sent.contains(text).then(|| escaped(text)))
    }

    /// The variable for a value that is known as a whole.
    fn exactly(&mut self, text: &str) -> Option<String> {
        if let Some((_, name)) = self.constants.iter().find(|(value, _)| value == text) {
            return Some(name.clone());
        }
        let index = self.sources.iter().rposition(|source| source.value == text)?;
        self.name_of(index)
    }

    fn name_of(&mut self, index: usize) -> Option<String> {
        let source = self.sources.get_mut(index)?;
        if source.name.is_none() {
            let mut name = source.hint.clone();
            let mut number = 2;
            while !self.names.insert(name.clone()) {
                name = format!("{}_{number}", source.hint);
                number += 1;
            }
            source.name = Some(name);
        }
        source.name.clone()
    }

    /// A text with variables in it.
    fn parts(&mut self, text: &str) -> String {
        let constant = self.constants.iter().find(|(value, _)| text.contains(value.as_str())).cloned();
        let found = match constant {
            Some((value, name)) => Some((value, name)),
            None => {
                let best = self
                    .sources
                    .iter()
                    .enumerate()
                    .filter(|(_, source)| source.value.len() >= SHORTEST_PART && text.contains(source.value.as_str()))
                    .max_by_key(|(index, source)| (source.value.len(), *index))
                    .map(|(index, source)| (index, source.value.clone()));
                best.and_then(|(index, value)| Some((value, self.name_of(index)?)))
            }
        };
        match found.and_then(|(value, name)| text.split_once(value.as_str()).map(|(before, after)| (before, name, after))) {
            Some((before, name, after)) => format!("{}${{{name}}}{}", self.parts(before), self.parts(after)),
            None => escaped(text),
        }
    }

    /// Learns what the answer of a step has.
    pub(super) fn learn(&mut self, step: usize, headers: &HeaderMap, body: &Value) {
        if let Some(location) = headers.get(LOCATION).and_then(|location| location.to_str().ok()) {
            self.learn_text(step, &json!({ "header": "location" }), "location", location);
        }
        self.learn_json(step, "$", "value", body);
    }

    fn learn_json(&mut self, step: usize, path: &str, hint: &str, value: &Value) {
        match value {
            Value::String(text) => self.learn_text(step, &json!({ "jsonpath": path }), hint, text),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.learn_json(step, &format!("{path}[{index}]"), hint, item);
                }
            }
            Value::Object(members) => {
                for (key, value) in members {
                    let quoted = key.replace('\\', "\\\\").replace('\'', "\\'");
                    let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                        && key.starts_with(|first: char| first.is_ascii_alphabetic());
                    let path = if plain { format!("{path}.{key}") } else { format!("{path}['{quoted}']") };
                    self.learn_json(step, &path, key, value);
                }
            }
            _ => {}
        }
    }

    fn learn_text(&mut self, step: usize, capture: &Value, hint: &str, text: &str) {
        self.add(step, capture.clone(), hint, text);
        let Ok(url) = url::Url::parse(text) else { return };
        for (name, value) in url.query_pairs() {
            let mut from = capture.clone();
            if let Some(members) = from.as_object_mut() {
                members.insert("query".to_owned(), name.as_ref().into());
            }
            self.add(step, from, &name, &value);
        }
        let segments: Vec<&str> = url.path_segments().into_iter().flatten().collect();
        for pair in segments.windows(2) {
            if let [before, segment] = pair {
                let mut from = capture.clone();
                if let Some(members) = from.as_object_mut() {
                    members.insert("regex".to_owned(), format!("/{}/([^/?#]+)", regex::escape(before)).into());
                }
                self.add(step, from, hint, segment);
            }
        }
    }

    fn add(&mut self, step: usize, capture: Value, hint: &str, value: &str) {
        let is_new = !self.sent.contains(value) && !self.constants.iter().any(|(there, _)| there == value);
        if is_new && is_token(hint, value) && !self.sources.iter().any(|source| source.value == value) {
            let hint: String = hint.chars().map(|one| if one.is_ascii_alphanumeric() || one == '_' { one } else { '_' }).collect();
            let hint = match hint.as_str() {
                // Names that every scenario has.
                "now" | "control" | "" => format!("{hint}_seen"),
                _ => hint,
            };
            self.sources.push(Source { value: value.to_owned(), step, capture, hint, name: None });
        }
    }

    /// The captures of each step that somebody used.
    pub(super) fn captures(&self) -> BTreeMap<usize, Vec<(String, Value)>> {
        let mut all: BTreeMap<usize, Vec<(String, Value)>> = BTreeMap::new();
        for source in &self.sources {
            if let Some(name) = &source.name {
                let capture = match source.capture.as_object() {
                    Some(members) if members.len() == 1 => {
                        source.capture.get("jsonpath").cloned().unwrap_or_else(|| source.capture.clone())
                    }
                    _ => source.capture.clone(),
                };
                all.entry(source.step).or_default().push((name.clone(), capture));
            }
        }
        all
    }
}

/// A text that is no variable, as a scenario writes it.
pub(super) fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}
