//! The steps of a recording.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::known::{Known, escaped};
use super::volatile::{is_volatile, is_volatile_number};
use super::{Event, Exchange, Move, Recording, rfc3339};

/// Time that passed between two events and does not matter: a running clock is not worth a step each time.
const MOMENT: TimeDelta = TimeDelta::milliseconds(20);

/// The longest body that is expected as a whole, in characters.
const LONGEST: usize = 4000;

/// Headers that say how a client speaks, and not what it wants.
const UNSAID: &[&str] = &[
    "host",
    "user-agent",
    "accept",
    "accept-encoding",
    "accept-language",
    "connection",
    "content-length",
    "transfer-encoding",
    "cookie",
    "te",
    "upgrade-insecure-requests",
    "understudy-world",
    "cache-control",
    "pragma",
    "priority",
    "referer",
    "origin",
    "keep-alive",
    "expect",
];

/// Steps in the making.
pub(super) struct Steps {
    known: Known,
    made: Vec<Map<String, Value>>,
    clock: DateTime<Utc>,
    operations: BTreeMap<(String, String), String>,
    basic_schemes: BTreeMap<String, String>,
}

impl Steps {
    /// The steps of a recording that began at this moment.
    pub(super) fn of(recording: &Recording, began: Option<DateTime<Utc>>, loosely: &[usize]) -> Vec<Value> {
        let credentials = recording.providers.iter().flat_map(|facts| &facts.credentials);
        let operations = recording
            .providers
            .iter()
            .flat_map(|facts| facts.operations.iter().map(|(id, path)| ((facts.slug.clone(), id.clone()), path.clone())));
        let mut steps = Self {
            known: Known::new(credentials.map(|(name, value)| (value.clone(), name.clone()))),
            made: Vec::new(),
            clock: began.unwrap_or_default(),
            operations: operations.collect(),
            basic_schemes: recording
                .providers
                .iter()
                .filter_map(|facts| Some((facts.slug.clone(), facts.basic.clone()?)))
                .collect(),
        };
        for event in &recording.events {
            match event {
                Event::Request(exchange) => {
                    steps.known.constant(exchange.base.clone(), format!("base.{}", exchange.slug));
                    steps.pass(exchange.at);
                    steps.request(exchange);
                }
                Event::Move(moved) => steps.moved(moved),
            }
        }
        steps.finish(loosely)
    }

    /// Lets the clock come to a moment.
    fn pass(&mut self, at: DateTime<Utc>) {
        if at - self.clock >= MOMENT {
            self.clock = at;
            self.made.push(members(json!({ "set_clock": rfc3339(at) })));
        }
    }

    fn request(&mut self, exchange: &Exchange) {
        let mut step = Map::new();
        let template =
            exchange.operation.as_ref().and_then(|id| Some((id, self.operations.get(&(exchange.slug.clone(), id.clone()))?)));
        let bound = template.and_then(|(id, template)| Some((id.clone(), bind(template, &exchange.path)?)));
        match bound {
            Some((id, values)) => {
                step.insert("request".to_owned(), format!("{}.{id}", exchange.slug).into());
                let path: Map<String, Value> =
                    values.into_iter().map(|(name, value)| (name, self.known.ask(&value).into())).collect();
                if !path.is_empty() {
                    step.insert("path".to_owned(), path.into());
                }
            }
            None => {
                let path = self.known.ask(&exchange.path);
                step.insert("request".to_owned(), format!("{} /{}{path}", exchange.method, exchange.slug).into());
            }
        }
        let query = self.pairs(&exchange.query);
        if !query.is_empty() {
            step.insert("query".to_owned(), query.into());
        }
        let content_type = exchange.headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let (body, usual_type) = self.body(content_type.as_deref().unwrap_or_default(), &exchange.body);
        let mut headers = self.headers(&exchange.headers, content_type.as_deref(), usual_type);
        if let Some(auth) = self.basic(exchange) {
            headers.remove(AUTHORIZATION.as_str());
            step.insert("auth".to_owned(), auth);
        }
        if !headers.is_empty() {
            step.insert("headers".to_owned(), headers.into());
        }
        step.extend(body);
        let mut expect = Map::new();
        let answer: Value = serde_json::from_slice(&exchange.response_body).unwrap_or_default();
        match exchange.status {
            None => drop(expect.insert("connection".to_owned(), "broken".into())),
            Some(status) => {
                expect.insert("status".to_owned(), status.into());
                if exchange.method != Method::HEAD && !answer.is_null() && answer.to_string().len() <= LONGEST {
                    expect.insert("json".to_owned(), self.expected("", &answer));
                }
            }
        }
        step.insert("expect".to_owned(), expect.into());
        self.known.learn(self.made.len(), &exchange.response_headers, &answer);
        self.made.push(step);
    }

    /// Basic credentials with names in them, by the scheme of the provider's contract.
    fn basic(&mut self, exchange: &Exchange) -> Option<Value> {
        let scheme = self.basic_schemes.get(&exchange.slug)?.clone();
        let encoded = exchange.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
        let pair = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (user, password) = pair.split_once(':')?;
        let pair = format!("{}:{}", self.known.ask(user), self.known.ask(password));
        Some(json!({ scheme: pair }))
    }

    fn pairs(&mut self, encoded: &str) -> Map<String, Value> {
        let mut found: Map<String, Value> = Map::new();
        for (name, value) in url::form_urlencoded::parse(encoded.as_bytes()) {
            let value = Value::from(self.known.ask(&value));
            match found.get_mut(name.as_ref()) {
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = json!([first.take(), value]),
                None => drop(found.insert(name.into_owned(), value)),
            }
        }
        found
    }

    fn headers(&mut self, headers: &HeaderMap, content_type: Option<&str>, usual_type: Option<&str>) -> Map<String, Value> {
        let mut found = Map::new();
        for name in headers.keys() {
            let is_usual = *name == CONTENT_TYPE && content_type == usual_type;
            if is_usual || UNSAID.contains(&name.as_str()) || name.as_str().starts_with("sec-") {
                continue;
            }
            let mut values: Vec<Value> = headers
                .get_all(name)
                .iter()
                .map(|value| self.known.ask(&String::from_utf8_lossy(value.as_bytes())).into())
                .collect();
            let value = if values.len() == 1 { values.pop().unwrap_or_default() } else { values.into() };
            found.insert(name.to_string(), value);
        }
        found
    }

    /// The body as a step has it, and the media type that it then has by itself.
    fn body(&mut self, content_type: &str, body: &[u8]) -> (Option<(String, Value)>, Option<&'static str>) {
        if body.is_empty() {
            return (None, None);
        }
        let text = std::str::from_utf8(body).ok();
        if content_type.contains("json")
            && let Ok(value) = serde_json::from_slice::<Value>(body)
            && !value.is_null()
        {
            return (Some(("json".to_owned(), self.known.ask_json(&value))), Some("application/json"));
        }
        match text {
            Some(text) if content_type.starts_with("application/x-www-form-urlencoded") => {
                (Some(("form".to_owned(), self.pairs(text).into())), Some("application/x-www-form-urlencoded"))
            }
            // Lines that end as those of mails do would not survive in YAML.
            Some(text) if !text.contains('\r') => {
                (Some(("text".to_owned(), self.known.ask(text).into())), Some("text/plain; charset=utf-8"))
            }
            _ => (Some(("base64".to_owned(), STANDARD.encode(body).into())), Some("application/octet-stream")),
        }
    }

    fn moved(&mut self, moved: &Move) {
        let path: Vec<&str> = moved.path.trim_matches('/').split('/').collect();
        let is_refused = moved.status >= 400;
        let step = match (moved.method.as_str(), path.as_slice()) {
            ("POST", ["simulations", slug, name]) => {
                json!({ "simulate": format!("{slug}/{name}"), "input": self.known.ask_json(&moved.body),
                    "expect": { "status": moved.status } })
            }
            _ if is_refused => return,
            ("POST", ["clock", "advance"]) => json!({ "advance": moved.body.get("by") }),
            ("PUT", ["clock"]) => json!({ "set_clock": moved.body }),
            ("PUT", ["settings", slug]) => json!({ "settings": { *slug: self.known.ask_json(&moved.body) } }),
            ("POST", ["faults"]) => json!({ "fault": self.known.ask_json(&moved.body) }),
            ("DELETE", ["faults"]) => json!({ "clear_faults": true }),
            ("GET", ["outbox"]) => return self.outbox(moved),
            ("DELETE", ["outbox"]) => {
                let query = self.pairs(&moved.query);
                let mut step = json!({ "request": "DELETE /_understudy/outbox" });
                if let Some(step) = step.as_object_mut()
                    && !query.is_empty()
                {
                    step.insert("query".to_owned(), query.into());
                }
                step
            }
            _ => return,
        };
        self.pass(moved.at);
        let answer = if path.first() == Some(&"simulations") { moved.answer.clone() } else { Value::Null };
        if let Some(now) = moved.answer.get("now").and_then(Value::as_str).and_then(|now| now.parse().ok())
            && path.first() == Some(&"clock")
        {
            self.clock = now;
        }
        self.known.learn(self.made.len(), &HeaderMap::new(), &answer);
        self.made.push(members(step));
    }

    /// A look at the messages: a step where something is taken from the newest.
    fn outbox(&mut self, moved: &Move) {
        let Some(newest) = moved.answer.get("messages").and_then(Value::as_array).and_then(|messages| messages.last()) else {
            return;
        };
        let to = newest.get("to").and_then(Value::as_str).unwrap_or_default();
        let to = self.known.ask(to);
        let channel = newest.get("channel").cloned().unwrap_or_default();
        self.pass(moved.at);
        let kept: Map<String, Value> =
            ["code", "link"].iter().filter_map(|key| Some(((*key).to_owned(), newest.get(*key)?.clone()))).collect();
        self.known.learn(self.made.len(), &HeaderMap::new(), &kept.into());
        self.made.push(members(json!({ "outbox": { "to": to, "channel": channel } })));
    }

    /// What an answer has to be like the next time.
    fn expected(&self, key: &str, value: &Value) -> Value {
        match value {
            Value::String(text) => match self.known.told(text) {
                Some(told) => told.into(),
                None if is_volatile(key, text) => json!({ "$type": "string" }),
                None => escaped(text).into(),
            },
            Value::Number(_) if is_volatile_number(value) => json!({ "$type": "number" }),
            Value::Array(items) => items.iter().map(|item| self.expected(key, item)).collect(),
            // A key that changes has no place in a pattern, and one that looks like a matcher would be taken for one.
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .filter(|(key, _)| !key.starts_with('$') && !is_volatile("", key))
                    .map(|(key, value)| (key.clone(), self.expected(key, value)))
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    fn finish(self, loosely: &[usize]) -> Vec<Value> {
        let mut captures = self.known.captures();
        let mut steps = Vec::new();
        for (index, mut step) in self.made.into_iter().enumerate() {
            if loosely.contains(&(index + 1))
                && let Some(expect) = step.get_mut("expect").and_then(Value::as_object_mut)
            {
                expect.remove("json");
            }
            if let Some(captures) = captures.remove(&index) {
                step.insert("capture".to_owned(), captures.into_iter().collect::<Map<_, _>>().into());
            }
            steps.push(step.into());
        }
        steps
    }
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The parameters of a path, decoded; none when the path cannot be made again from them.
fn bind(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut values = Vec::new();
    let mut given = path.split('/');
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned);
    for part in template.split('/') {
        let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
            (given.next()? == part).then_some(())?;
            continue;
        };
        if let Some(name) = name.strip_prefix('*') {
            let rest: Vec<&str> = given.by_ref().collect();
            values.push((name.to_owned(), decoded(&rest.join("/"))?));
            return Some(values);
        }
        values.push((name.to_owned(), decoded(given.next()?).filter(|value| !value.is_empty())?));
    }
    given.next().is_none().then_some(values)
}
