//! Reads the parts of a step: requests, expectations, captures.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use serde_json::Value;

use super::expect::{JsonPath, Notes, Pattern, regex_of};
use super::format::{Body, Capture, Expect, Part, PartContent, Request, Source, StatusPattern, Target};
use super::mistakes::Place;
use super::read::{Reader, find};
use super::tree::{Entry, Kind, Node};
use super::vars::is_name;

const EXPECTATIONS: &[&str] = &["status", "headers", "json", "jsonpath", "absent", "text", "body", "connection"];
const CAPTURES: &[&str] = &["jsonpath", "header", "body", "query", "regex"];
const PARTS: &[&str] = &["file", "type", "text", "base64"];

impl Reader {
    pub(super) fn request(&mut self, node: &Node, entries: &[Entry]) -> Option<Request> {
        let text = self.word(node, "`request`")?;
        let target = match self.plain_target(&text, node.place) {
            Some((method, url)) => Target::Plain { method, url },
            None => match text.split_once('.') {
                Some((slug, id)) if !text.contains(' ') => Target::Operation { slug: slug.to_owned(), id: id.to_owned() },
                _ => {
                    let message = format!(
                        "`{text}` is neither an operation such as `verified.createOneClick` nor a method and path such as `POST /verified/1-click`"
                    );
                    self.mistake(node.place, message);
                    return None;
                }
            },
        };
        if matches!(target, Target::Plain { .. })
            && let Some(entry) = entries.iter().find(|entry| entry.key == "path")
        {
            self.mistake(entry.place, "`path` is for operations; here the path has its parameters in it".to_owned());
        }
        let path = self.parameters(find(entries, "path"), "`path`");
        let query = without_places(self.parameters(find(entries, "query"), "`query`"));
        let headers = self.parameters(find(entries, "headers"), "`headers`");
        for (name, place, _) in &headers {
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                self.mistake(*place, format!("`{name}` cannot be the name of a header"));
            }
        }
        let auth = find(entries, "auth").and_then(|node| Some((node.place, self.auth(node)?)));
        let body = self.body(entries);
        Some(Request { target, place: node.place, path, query, headers: without_places(headers), auth, body })
    }

    fn body(&mut self, entries: &[Entry]) -> Body {
        let Some(entry) = self.one_body(entries) else { return Body::None };
        let node = &entry.value;
        match entry.key.as_str() {
            "json" => Body::Json(self.json(node)),
            "form" => Body::Form(without_places(self.parameters(Some(node), "`form`"))),
            "base64" => Body::Bytes(self.base64(node).unwrap_or_default()),
            "multipart" => self.multipart(node),
            _ => match &node.kind {
                Kind::Scalar(Value::String(text)) => {
                    self.text(node.place, text);
                    Body::Text(text.clone())
                }
                _ => {
                    self.mistake(node.place, format!("`text` wants text, this is {}", node.what()));
                    Body::None
                }
            },
        }
    }

    fn base64(&mut self, node: &Node) -> Option<Vec<u8>> {
        let bytes = node.text().and_then(|text| STANDARD.decode(text.split_whitespace().collect::<String>()).ok());
        if bytes.is_none() {
            self.mistake(node.place, "`base64` wants bytes in base64".to_owned());
        }
        bytes
    }

    fn multipart(&mut self, node: &Node) -> Body {
        let mut parts = Vec::new();
        for entry in self.map(node, "`multipart`").unwrap_or_default() {
            let node = &entry.value;
            let mut part =
                Part { name: entry.key.clone(), file: None, content_type: None, content: PartContent::Text(Value::Null) };
            match &node.kind {
                Kind::Map(members) => {
                    self.known(members, PARTS, "a part has no");
                    part.file = find(members, "file").and_then(|node| self.word(node, "`file`"));
                    part.content_type = find(members, "type").and_then(|node| self.word(node, "`type`"));
                    match (find(members, "text"), find(members, "base64")) {
                        (Some(text), None) => part.content = PartContent::Text(self.json(text)),
                        (None, Some(bytes)) => part.content = PartContent::Bytes(self.base64(bytes).unwrap_or_default()),
                        _ => self.mistake(node.place, "a part wants either `text` or `base64`".to_owned()),
                    }
                }
                Kind::Scalar(_) => part.content = PartContent::Text(self.json(node)),
                Kind::List(_) => {
                    self.mistake(node.place, "a part wants text, or a mapping with `file`, `type` and content".to_owned());
                }
            }
            parts.push(part);
        }
        Body::Multipart(parts)
    }

    /// Names with a scalar each; a list gives a name several times.
    fn parameters(&mut self, node: Option<&Node>, what: &str) -> Vec<(String, Place, Value)> {
        let Some(entries) = node.and_then(|node| self.map(node, what)) else { return Vec::new() };
        let mut found = Vec::new();
        for entry in entries {
            let values = match &entry.value.kind {
                Kind::List(items) => items.iter().collect(),
                _ => vec![&entry.value],
            };
            for value in values {
                if matches!(value.kind, Kind::Scalar(ref scalar) if !scalar.is_null()) {
                    let json = self.json(value);
                    found.push((entry.key.clone(), entry.place, json));
                } else {
                    let message = format!("`{}` in {what} wants text or a number, this is {}", entry.key, value.what());
                    self.mistake(value.place, message);
                }
            }
        }
        found
    }

    pub(super) fn expect(&mut self, node: &Node) -> Expect {
        let mut expect = Expect::default();
        let Some(entries) = self.map(node, "`expect`") else { return expect };
        self.known(entries, EXPECTATIONS, "`expect` has no");
        for entry in entries {
            let node = &entry.value;
            match entry.key.as_str() {
                "status" => expect.status = self.statuses(node),
                "headers" => {
                    for header in self.map(node, "`headers`").unwrap_or_default() {
                        if HeaderName::from_bytes(header.key.as_bytes()).is_err() {
                            self.mistake(header.place, format!("`{}` cannot be the name of a header", header.key));
                        }
                        let pattern = Pattern::read(&header.value, self);
                        expect.headers.push((header.key.to_ascii_lowercase(), pattern));
                    }
                }
                "json" => expect.json = Some(Pattern::read(node, self)),
                "jsonpath" => {
                    for path in self.map(node, "`jsonpath`").unwrap_or_default() {
                        let found = JsonPath::read(&path.key, path.place, self);
                        let pattern = Pattern::read(&path.value, self);
                        expect.jsonpath.push((found, pattern));
                    }
                }
                "absent" => {
                    let paths = match &node.kind {
                        Kind::List(items) => items.iter().collect(),
                        _ => vec![node],
                    };
                    for path in paths {
                        if let Some(text) = self.word(path, "`absent`") {
                            expect.absent.push(JsonPath::read(&text, path.place, self));
                        }
                    }
                }
                "text" => expect.text = self.texts(node),
                "body" => expect.empty_body = self.choice(node, "`body`", &["empty"]).is_some(),
                "connection" => expect.broken = self.choice(node, "`connection`", &["broken"]).is_some(),
                _ => {}
            }
        }
        if expect.broken && entries.len() > 1 {
            self.mistake(node.place, "a broken connection brings no answer: nothing else can be expected of it".to_owned());
        }
        expect
    }

    /// Text that must be somewhere in the body (one or several), or matchers for all of it.
    fn texts(&mut self, node: &Node) -> Vec<Pattern> {
        let items = match &node.kind {
            Kind::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        let mut found = Vec::new();
        for item in items {
            match (&item.kind, Pattern::read(item, self)) {
                (Kind::Map(_), pattern @ Pattern::All(_)) => found.push(pattern),
                (Kind::Scalar(Value::String(_)), pattern) => {
                    found.push(Pattern::All(vec![super::expect::Matcher::Contains(pattern)]));
                }
                _ => self.mistake(item.place, format!("`text` wants text or matchers, this is {}", item.what())),
            }
        }
        found
    }

    fn statuses(&mut self, node: &Node) -> Vec<StatusPattern> {
        let items = match &node.kind {
            Kind::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        let mut found = Vec::new();
        for item in items {
            let status = match &item.kind {
                Kind::Scalar(Value::Number(number)) => number
                    .as_u64()
                    .and_then(|number| u16::try_from(number).ok())
                    .filter(|number| (100..1000).contains(number))
                    .map(StatusPattern::Exactly),
                Kind::Scalar(Value::String(text)) => text
                    .strip_suffix("xx")
                    .and_then(|class| class.parse().ok())
                    .filter(|class| (1..6).contains(class))
                    .map(StatusPattern::Class),
                _ => None,
            };
            match status {
                Some(status) => found.push(status),
                None => self.mistake(
                    item.place,
                    "`status` wants a number such as 200, a class such as `2xx`, or a list of them".to_owned(),
                ),
            }
        }
        found
    }

    pub(super) fn captures(&mut self, node: &Node) -> Vec<Capture> {
        let mut found = Vec::new();
        for entry in self.map(node, "`capture`").unwrap_or_default() {
            if !is_name(&entry.key) {
                self.bad_name(&entry.key, entry.place);
                continue;
            }
            let node = &entry.value;
            let mut capture = Capture { name: entry.key.clone(), place: entry.place, from: Source::Body, query: None, regex: None };
            match &node.kind {
                Kind::Scalar(Value::String(path)) => capture.from = Source::Json(JsonPath::read(path, node.place, self)),
                Kind::Map(members) => self.capture(&mut capture, node, members),
                _ => self.mistake(
                    node.place,
                    format!("a capture wants a JSONPath, or a mapping with {}, this is {}", CAPTURES.join(", "), node.what()),
                ),
            }
            found.push(capture);
        }
        found
    }

    fn capture(&mut self, capture: &mut Capture, node: &Node, members: &[Entry]) {
        self.known(members, CAPTURES, "a capture has no");
        let sources: Vec<&Entry> =
            members.iter().filter(|member| ["jsonpath", "header", "body"].contains(&member.key.as_str())).collect();
        if let [_, second, ..] = sources.as_slice() {
            self.mistake(second.place, "a capture takes from one place".to_owned());
        }
        match sources.first().map(|source| (source.key.as_str(), &source.value)) {
            Some(("jsonpath", node)) => {
                if let Some(path) = self.word(node, "`jsonpath`") {
                    capture.from = Source::Json(JsonPath::read(&path, node.place, self));
                }
            }
            Some(("header", node)) => {
                if let Some(name) = self.word(node, "`header`") {
                    capture.from = Source::Header(name.to_ascii_lowercase());
                }
            }
            Some((_, node)) => drop(self.yes(node, "`body`")),
            None if find(members, "regex").is_none() => {
                self.mistake(node.place, "a capture wants `jsonpath`, `header` or `regex`".to_owned());
            }
            None => {}
        }
        capture.query = find(members, "query").and_then(|node| self.word(node, "`query`"));
        if let Some(node) = find(members, "regex")
            && let Some(text) = self.word(node, "`regex`")
        {
            regex_of(&text, node.place, self);
            capture.regex = Some(text);
        }
    }
}

fn without_places(parameters: Vec<(String, Place, Value)>) -> Vec<(String, Value)> {
    parameters.into_iter().map(|(name, _, value)| (name, value)).collect()
}
