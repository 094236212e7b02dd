//! Reads a scenario file: its shape, with all mistakes at once. What only a server knows (names of operations, of credentials, of
//! settings) is checked by the catalogue.

use chrono::{DateTime, Utc};
use http::Method;
use serde_json::Value;

use super::expect::Notes;
use super::format::{Action, Auth, Pause, Scenario, Setting, Start, Step, Use};
use super::mistakes::{Mistakes, Place, instead};
use super::tree::{self, Entry, Kind, Node};
use super::vars::{Piece, is_name, pieces};
use crate::world::clock::duration;

/// The moment at which a scenario begins that names none.
const BEGINNING: &str = "2026-01-01T00:00:00Z";

const MEMBERS: &[&str] = &["title", "description", "providers", "start", "auth", "vars", "steps"];
const START_MEMBERS: &[&str] = &["from", "fixtures", "now", "clock", "seed", "settings", "faults"];
const ACTIONS: &[&str] =
    &["request", "simulate", "advance", "set_clock", "settings", "fault", "clear_faults", "reset", "outbox", "open", "pause"];
/// What may stand beside an action, whatever it is.
const COMMON: &[&str] = &["say", "expect", "capture"];
/// What may stand beside `request`.
const OF_REQUEST: &[&str] = &["path", "query", "headers", "auth", "json", "form", "text", "base64", "multipart"];
const BODIES: &[&str] = &["json", "form", "text", "base64", "multipart"];
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Reads the text of a file: what could be read of it, and all mistakes in its shape. It can be played where there are none.
pub(super) fn read(file: &str, text: &str) -> (Option<Scenario>, Mistakes) {
    let mut reader = Reader { mistakes: Mistakes::of(file), uses: Vec::new() };
    let scenario = match tree::read(text) {
        Ok(root) => reader.scenario(file, &root),
        Err((place, message)) => {
            reader.mistakes.add(place, message);
            None
        }
    };
    (scenario, reader.mistakes)
}

pub(super) struct Reader {
    mistakes: Mistakes,
    uses: Vec<Use>,
}

impl Notes for Reader {
    fn mistake(&mut self, place: Place, message: String) {
        self.mistakes.add(place, message);
    }

    fn text(&mut self, place: Place, text: &str) {
        match pieces(text) {
            Ok(pieces) => {
                let names = pieces.iter().filter_map(|piece| if let Piece::Name(name) = piece { Some(*name) } else { None });
                self.uses.extend(names.map(|name| Use { name: name.to_owned(), place }));
            }
            Err(reason) => self.mistakes.add(place, reason),
        }
    }

    fn json(&mut self, node: &Node) -> Value {
        match &node.kind {
            Kind::Scalar(value) => {
                if let Value::String(text) = value {
                    self.text(node.place, text);
                }
                value.clone()
            }
            Kind::List(items) => items.iter().map(|item| self.json(item)).collect(),
            Kind::Map(entries) => Value::Object(entries.iter().map(|entry| (entry.key.clone(), self.json(&entry.value))).collect()),
        }
    }
}

impl Reader {
    fn scenario(&mut self, file: &str, root: &Node) -> Option<Scenario> {
        let Kind::Map(entries) = &root.kind else {
            self.mistake(root.place, format!("a scenario is a mapping with `title` and `steps`, this is {}", root.what()));
            return None;
        };
        self.known(entries, MEMBERS, "a scenario has no");
        let title = self.required(root, entries, "title").and_then(|node| self.word(node, "`title`"));
        let description = find(entries, "description").and_then(|node| self.word(node, "`description`"));
        let providers = find(entries, "providers").map(|node| self.slugs(node)).unwrap_or_default();
        let start = self.start(find(entries, "start"));
        let auth = find(entries, "auth").map(|node| self.auths(node)).unwrap_or_default();
        let vars = find(entries, "vars").map(|node| self.vars(node)).unwrap_or_default();
        let uses = std::mem::take(&mut self.uses);
        let steps = match self.required(root, entries, "steps") {
            Some(Node { kind: Kind::List(items), .. }) if !items.is_empty() => items.iter().map(|item| self.step(item)).collect(),
            Some(other) => {
                self.mistake(other.place, format!("`steps` wants a list of at least one step, this is {}", other.what()));
                return None;
            }
            None => return None,
        };
        let title = title.unwrap_or_default();
        Some(Scenario { file: file.to_owned(), title, description, providers, start, auth, vars, uses, steps })
    }

    fn start(&mut self, node: Option<&Node>) -> Start {
        let beginning: DateTime<Utc> = BEGINNING.parse().unwrap_or_default();
        let mut start = Start {
            empty: false,
            fixtures: Vec::new(),
            now: beginning,
            running: false,
            seed: 0,
            settings: Vec::new(),
            faults: Vec::new(),
        };
        let Some(entries) = node.and_then(|node| self.map(node, "`start`")) else { return start };
        self.known(entries, START_MEMBERS, "`start` has no");
        for entry in entries {
            let node = &entry.value;
            match entry.key.as_str() {
                "from" => start.empty = self.choice(node, "`from`", &["fixtures", "empty"]) == Some("empty"),
                "fixtures" => {
                    for addition in self.map(node, "`fixtures`").unwrap_or_default() {
                        if self.map(&addition.value, "an addition to fixtures").is_some() {
                            start.fixtures.push((addition.key.clone(), addition.place, addition.value.to_json()));
                        }
                    }
                }
                "now" => start.now = self.moment(node).unwrap_or(beginning),
                "clock" => start.running = self.choice(node, "`clock`", &["frozen", "running"]) == Some("running"),
                "seed" => match &node.kind {
                    Kind::Scalar(Value::Number(seed)) if seed.is_u64() => start.seed = seed.as_u64().unwrap_or_default(),
                    _ => self.mistake(node.place, format!("`seed` wants a whole number from 0, this is {}", node.what())),
                },
                "settings" => start.settings = self.settings(node),
                "faults" => match &node.kind {
                    Kind::List(rules) => {
                        for rule in rules {
                            if self.map(rule, "a fault rule").is_some() {
                                start.faults.push(self.json(rule));
                            }
                        }
                    }
                    _ => self.mistake(node.place, format!("`faults` wants a list of rules, this is {}", node.what())),
                },
                _ => {}
            }
        }
        if start.empty
            && let Some((_, place, _)) = start.fixtures.first()
        {
            self.mistake(*place, "a world that begins empty has no fixtures to add to".to_owned());
        }
        start
    }

    fn step(&mut self, node: &Node) -> Step {
        self.uses.clear();
        let mut step = Step {
            place: node.place,
            say: None,
            action: Action::Nothing,
            expect: super::format::Expect::default(),
            capture: Vec::new(),
            uses: Vec::new(),
        };
        let Some(entries) = self.map(node, "a step") else { return step };
        let actions: Vec<&Entry> = entries.iter().filter(|entry| ACTIONS.contains(&entry.key.as_str())).collect();
        let action = match actions.as_slice() {
            [] => {
                self.mistake(node.place, format!("this step does nothing; it wants one of {}", ACTIONS.join(", ")));
                None
            }
            [one] => Some(*one),
            [first, second, ..] => {
                let message = format!(
                    "a step has one action; this one has `{}` already, so `{}` is a step of its own",
                    first.key, second.key
                );
                self.mistake(second.place, message);
                None
            }
        };
        let beside: &[&str] = match action.map(|action| action.key.as_str()) {
            Some("request") | None => OF_REQUEST,
            Some("simulate") => &["input"],
            _ => &[],
        };
        for entry in entries {
            let key = entry.key.as_str();
            if ACTIONS.contains(&key) || COMMON.contains(&key) || beside.contains(&key) {
                continue;
            }
            let owner =
                [("request", OF_REQUEST), ("simulate", &["input"] as &[&str])].into_iter().find(|(_, of)| of.contains(&key));
            let message = match (owner, action) {
                (Some((owner, _)), Some(action)) => {
                    format!("`{key}` belongs to `{owner}`, and this step's action is `{}`", action.key)
                }
                _ => {
                    let known = COMMON.iter().chain(ACTIONS).chain(beside).copied();
                    format!("a step has no `{key}`; {}", instead(key, known))
                }
            };
            self.mistake(entry.place, message);
        }
        if let Some(text) = find(entries, "say").and_then(|node| self.word(node, "`say`")) {
            let place = find(entries, "say").map_or(node.place, |node| node.place);
            self.text(place, &text);
            step.say = Some(text);
        }
        if let Some(action) = action {
            step.action = self.action(action, entries);
        }
        if let Some(expect) = find(entries, "expect") {
            step.expect = self.expect(expect);
        }
        if let Some(capture) = find(entries, "capture") {
            step.capture = self.captures(capture);
        }
        if let Some(action) = action
            && ["pause", "reset", "clear_faults"].contains(&action.key.as_str())
        {
            for key in ["expect", "capture"] {
                if let Some(entry) = entries.iter().find(|entry| entry.key == key) {
                    self.mistake(entry.place, format!("`{}` has no answer, so there is nothing to {key}", action.key));
                }
            }
        }
        step.uses = std::mem::take(&mut self.uses);
        step
    }

    fn action(&mut self, action: &Entry, entries: &[Entry]) -> Action {
        let node = &action.value;
        let read = match action.key.as_str() {
            "request" => self.request(node, entries).map(Action::Request),
            "simulate" => self.word(node, "`simulate`").and_then(|text| {
                let Some((slug, name)) = text.split_once('/') else {
                    self.mistake(node.place, format!("`{text}` is no simulation such as `verified/consent`"));
                    return None;
                };
                let input =
                    find(entries, "input").map_or_else(|| Value::Object(serde_json::Map::default()), |input| self.json(input));
                Some(Action::Simulate { slug: slug.to_owned(), name: name.to_owned(), place: node.place, input })
            }),
            "advance" => self.word(node, "`advance`").and_then(|text| {
                self.text(node.place, &text);
                if !text.contains("${") && duration(&text).is_none() {
                    let message = format!("`{text}` is no duration of days, hours, minutes, seconds such as `PT5M` or `P1DT2H`");
                    self.mistake(node.place, message);
                    return None;
                }
                Some(Action::Advance(text))
            }),
            "set_clock" => self.set_clock(node),
            "settings" => Some(Action::Settings(self.settings(node))),
            "fault" => self.map(node, "`fault`").map(|_| Action::Fault(self.json(node))),
            "clear_faults" => self.yes(node, "`clear_faults`").map(|()| Action::ClearFaults),
            "reset" => self.yes(node, "`reset`").map(|()| Action::Reset),
            "outbox" => self.outbox(node),
            "open" => self.word(node, "`open`").map(|url| {
                self.text(node.place, &url);
                Action::Open(url)
            }),
            "pause" => self.word(node, "`pause`").and_then(|text| match pause(&text) {
                Some(pause) => Some(Action::Pause(pause)),
                None => {
                    self.mistake(node.place, format!("`{text}` is no pause such as `2s`, `500ms` or `key`"));
                    None
                }
            }),
            _ => None,
        };
        read.unwrap_or(Action::Nothing)
    }

    fn set_clock(&mut self, node: &Node) -> Option<Action> {
        let mode = |word: &str| match word {
            "frozen" => Some(false),
            "running" => Some(true),
            _ => None,
        };
        match &node.kind {
            Kind::Map(entries) => {
                self.known(entries, &["now", "mode"], "`set_clock` has no");
                let now = find(entries, "now").and_then(|node| self.moment_text(node));
                let running =
                    find(entries, "mode").and_then(|node| self.choice(node, "`mode`", &["frozen", "running"])).and_then(mode);
                Some(Action::SetClock { now, running })
            }
            Kind::Scalar(Value::String(word)) if mode(word).is_some() => Some(Action::SetClock { now: None, running: mode(word) }),
            _ => Some(Action::SetClock { now: Some(self.moment_text(node)?), running: None }),
        }
    }

    fn outbox(&mut self, node: &Node) -> Option<Action> {
        let entries = self.map(node, "`outbox`")?;
        self.known(entries, &["to", "channel", "provider"], "`outbox` has no");
        let to = find(entries, "to").and_then(|node| self.word(node, "`to`").map(|to| (node, to)));
        let to = to.map(|(node, to)| {
            self.text(node.place, &to);
            to
        });
        let channel = find(entries, "channel")
            .and_then(|node| self.choice(node, "`channel`", &["sms", "email", "webhook"]))
            .map(str::to_owned);
        let provider = find(entries, "provider").and_then(|node| self.word(node, "`provider`").map(|slug| (slug, node.place)));
        Some(Action::Outbox { to, channel, provider })
    }

    pub(super) fn settings(&mut self, node: &Node) -> Vec<Setting> {
        let mut found = Vec::new();
        for provider in self.map(node, "`settings`").unwrap_or_default() {
            for setting in self.map(&provider.value, "a provider's settings").unwrap_or_default() {
                let value = self.json(&setting.value);
                found.push(Setting {
                    slug: provider.key.clone(),
                    place: provider.place,
                    key: setting.key.clone(),
                    key_place: setting.place,
                    value,
                });
            }
        }
        found
    }

    fn slugs(&mut self, node: &Node) -> Vec<(String, Place)> {
        let Kind::List(items) = &node.kind else {
            self.mistake(node.place, format!("`providers` wants a list of providers, this is {}", node.what()));
            return Vec::new();
        };
        items.iter().filter_map(|item| Some((self.word(item, "a provider")?, item.place))).collect()
    }

    fn auths(&mut self, node: &Node) -> Vec<(String, Place, Auth)> {
        let entries = self.map(node, "`auth`").unwrap_or_default();
        entries.iter().filter_map(|entry| Some((entry.key.clone(), entry.place, self.auth(&entry.value)?))).collect()
    }

    pub(super) fn auth(&mut self, node: &Node) -> Option<Auth> {
        match &node.kind {
            Kind::Scalar(Value::String(text)) if text == "none" => Some(Auth::None),
            Kind::Scalar(Value::String(text)) => {
                self.text(node.place, text);
                Some(Auth::One(text.clone()))
            }
            Kind::Map(entries) => {
                let schemes = entries.iter().filter_map(|entry| {
                    let text = self.word(&entry.value, "a credential")?;
                    self.text(entry.value.place, &text);
                    Some((entry.key.clone(), entry.value.place, text))
                });
                Some(Auth::Schemes(schemes.collect()))
            }
            _ => {
                let message =
                    format!("`auth` wants a credential, `none`, or a value for each security scheme, this is {}", node.what());
                self.mistake(node.place, message);
                None
            }
        }
    }

    fn vars(&mut self, node: &Node) -> Vec<(String, Place, Value)> {
        let mut found = Vec::new();
        for entry in self.map(node, "`vars`").unwrap_or_default() {
            if is_name(&entry.key) {
                let value = self.json(&entry.value);
                found.push((entry.key.clone(), entry.place, value));
            } else {
                self.bad_name(&entry.key, entry.place);
            }
        }
        found
    }

    pub(super) fn bad_name(&mut self, name: &str, place: Place) {
        self.mistake(place, format!("`{name}` cannot be a variable: a name is letters, digits and `_.-`, a letter first"));
    }

    /// The body of a request, of which there may be one.
    pub(super) fn one_body<'a>(&mut self, entries: &'a [Entry]) -> Option<&'a Entry> {
        let mut bodies = entries.iter().filter(|entry| BODIES.contains(&entry.key.as_str()));
        let first = bodies.next()?;
        if let Some(second) = bodies.next() {
            self.mistake(second.place, format!("a request has one body; this one has `{}` already", first.key));
        }
        Some(first)
    }

    /// `METHOD target`, if that is what it is.
    pub(super) fn plain_target(&mut self, text: &str, place: Place) -> Option<(Method, String)> {
        let (method, url) = text.split_once(' ')?;
        if !METHODS.contains(&method) {
            self.mistake(place, format!("`{method}` is no method; {}", instead(method, METHODS.iter().copied())));
        }
        let url = url.trim();
        if !(url.starts_with('/') || url.starts_with("${") || url.starts_with("http://") || url.starts_with("https://")) {
            self.mistake(place, format!("`{url}` is neither a path such as `/verified/1-click` nor a URL"));
        }
        self.text(place, url);
        Some((Method::from_bytes(method.as_bytes()).ok()?, url.to_owned()))
    }

    // What values have to be like.

    pub(super) fn map<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a [Entry]> {
        match &node.kind {
            Kind::Map(entries) => Some(entries),
            _ => {
                self.mistake(node.place, format!("{what} wants a mapping, this is {}", node.what()));
                None
            }
        }
    }

    /// Text, or a number or a truth value as text.
    pub(super) fn word(&mut self, node: &Node, what: &str) -> Option<String> {
        match &node.kind {
            Kind::Scalar(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            _ => {
                let is = if node.text().is_some() { "empty" } else { node.what() };
                let hint = if matches!(node.kind, Kind::Scalar(Value::Number(_))) { "; quotes make it text" } else { "" };
                self.mistake(node.place, format!("{what} wants text, this is {is}{hint}"));
                None
            }
        }
    }

    pub(super) fn yes(&mut self, node: &Node, what: &str) -> Option<()> {
        if matches!(node.kind, Kind::Scalar(Value::Bool(true))) {
            return Some(());
        }
        self.mistake(node.place, format!("{what} wants true"));
        None
    }

    pub(super) fn choice<'a>(&mut self, node: &Node, what: &str, choices: &[&'a str]) -> Option<&'a str> {
        let found = node.text().and_then(|text| choices.iter().find(|choice| **choice == text));
        if found.is_none() {
            let word = node.text().unwrap_or_default();
            self.mistake(node.place, format!("{what} is one of a few words; {}", instead(word, choices.iter().copied())));
        }
        found.copied()
    }

    fn moment(&mut self, node: &Node) -> Option<DateTime<Utc>> {
        let read = node.text().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        if read.is_none() {
            self.mistake(node.place, "a time is wanted, such as `2026-01-01T00:00:00Z`".to_owned());
        }
        read.map(|time| time.to_utc())
    }

    fn moment_text(&mut self, node: &Node) -> Option<String> {
        match node.text() {
            Some(text) if text.contains("${") => {
                self.text(node.place, text);
                Some(text.to_owned())
            }
            _ => self.moment(node).map(|time| time.to_rfc3339()),
        }
    }

    pub(super) fn known(&mut self, entries: &[Entry], known: &[&str], words: &str) {
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                self.mistake(entry.place, format!("{words} `{}`; {}", entry.key, instead(&entry.key, known.iter().copied())));
            }
        }
    }

    fn required<'a>(&mut self, root: &Node, entries: &'a [Entry], key: &str) -> Option<&'a Node> {
        let found = find(entries, key);
        if found.is_none() {
            self.mistake(root.place, format!("a scenario wants `{key}`"));
        }
        found
    }
}

/// The value of a key.
pub(super) fn find<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Node> {
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
}

fn pause(text: &str) -> Option<Pause> {
    if text == "key" {
        return Some(Pause::Key);
    }
    milliseconds(text).map(Pause::For)
}

/// `2s`, `1.5s`, `500ms` as milliseconds; no more than an hour.
pub fn milliseconds(text: &str) -> Option<u64> {
    let (number, unit_ms) = match text.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => (text.strip_suffix('s')?, 1000.0),
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let ms = number.parse::<f64>().ok()? * unit_ms;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and an hour")]
    (0.0..=3_600_000.0).contains(&ms).then_some(ms as u64)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn waits_are_seconds_or_milliseconds() {
        for (text, expected) in
            [("2s", Some(2000)), ("1.5s", Some(1500)), ("500ms", Some(500)), ("0s", Some(0)), ("3600s", Some(3_600_000))]
        {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
        for text in ["2", "s", "-1s", "2m", "1e3s", "3601s", "NaNs", ""] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }
}
