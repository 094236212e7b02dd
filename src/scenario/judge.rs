//! Holds an answer against what a step expects, and captures from it.

use http::HeaderMap;
use serde_json::Value;
use url::Url;

use super::client::Incoming;
use super::expect::{Difference, cut, regex, short};
use super::format::{Capture, Expect, Source, StatusPattern, Step};
use super::report::{Half, StepReport, status_words};
use super::vars::{Vars, plain};

/// Adds to `done` what was right, what was not, and what was captured; captured values join `vars`.
pub(super) fn judge(step: &Step, answer: Result<Incoming, String>, vars: &mut Vars, done: &mut StepReport) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(_) if step.expect.broken => {
            done.checked.push("the connection broke".to_owned());
            return;
        }
        Err(reason) => {
            done.differences.push(Difference::new("answer", "a whole one", reason));
            return;
        }
    };
    done.response = Some(Half::new(Some(answer.status), &answer.body));
    if step.expect.broken {
        done.differences.push(Difference::new("connection", "that it breaks", status_words(answer.status)));
        return;
    }
    let json = answer.json();
    Against { answer: &answer, json: json.as_ref(), vars, done }.expectations(&step.expect);
    if !done.differences.is_empty() {
        return;
    }
    for capture in &step.capture {
        match taken(capture, &answer, json.as_ref(), vars) {
            Ok(value) => {
                done.captured.insert(capture.name.clone(), value.clone());
                vars.insert(capture.name.clone(), value);
            }
            Err((expected, actual)) => {
                done.differences.push(Difference::new(format!("capture {}", capture.name), expected, actual));
                return;
            }
        }
    }
}

struct Against<'a> {
    answer: &'a Incoming,
    json: Option<&'a Value>,
    vars: &'a Vars,
    done: &'a mut StepReport,
}

impl Against<'_> {
    fn expectations(&mut self, expect: &Expect) {
        let vars = self.vars;
        self.status(&expect.status);
        for (name, pattern) in &expect.headers {
            let value = self.answer.header(name).map(Value::from);
            self.one(&format!("header {name}"), pattern.words(vars), |at, differences| {
                pattern.check(value.as_ref(), at, vars, differences);
            });
        }
        let wants_json = expect.json.is_some() || !expect.jsonpath.is_empty() || !expect.absent.is_empty();
        match self.json {
            Some(json) => self.json_expectations(expect, json),
            None if wants_json => self.differs("body", "JSON", &cut(&self.answer.text(), 400)),
            None => {}
        }
        let text = Value::from(self.answer.text());
        for pattern in &expect.text {
            self.one("text", pattern.words(vars), |at, differences| pattern.check(Some(&text), at, vars, differences));
        }
        if expect.empty_body {
            if self.answer.body.is_empty() {
                self.done.checked.push("the body is empty".to_owned());
            } else {
                self.differs("body", "an empty one", &cut(&self.answer.text(), 400));
            }
        }
    }

    fn status(&mut self, wanted: &[StatusPattern]) {
        let status = self.answer.status;
        let words: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        let (fits, words) = match wanted {
            [] => (status < 400, "success".to_owned()),
            _ => (wanted.iter().any(|pattern| pattern.fits(status)), words.join(" or ")),
        };
        if !fits {
            self.differs("status", &words, &status_words(status));
        } else if !wanted.is_empty() {
            self.done.checked.push(format!("status {}", status_words(status)));
        }
    }

    fn json_expectations(&mut self, expect: &Expect, json: &Value) {
        let vars = self.vars;
        if let Some(pattern) = &expect.json {
            self.one("$", pattern.words(vars), |at, differences| pattern.check(Some(json), at, vars, differences));
        }
        for (path, pattern) in &expect.jsonpath {
            self.one(&path.text, pattern.words(vars), |at, differences| match path.find(json, vars) {
                Ok(found) if found.is_empty() => pattern.check(None, at, vars, differences),
                Ok(found) => found.iter().for_each(|value| pattern.check(Some(value), at, vars, differences)),
                Err(reason) => differences.push(Difference::new(at, "a JSONPath", reason)),
            });
        }
        for path in &expect.absent {
            self.one(&path.text, "nothing".to_owned(), |at, differences| match path.find(json, vars) {
                Ok(found) => differences.extend(found.first().map(|value| Difference::new(at, "nothing", short(value)))),
                Err(reason) => differences.push(Difference::new(at, "a JSONPath", reason)),
            });
        }
    }

    /// Checks one thing, and notes how that went.
    fn one(&mut self, at: &str, words: String, check: impl FnOnce(&str, &mut Vec<Difference>)) {
        let before = self.done.differences.len();
        check(at, &mut self.done.differences);
        if self.done.differences.len() == before {
            self.done.checked.push(format!("{at} is {}", cut(&words, 200)));
        }
    }

    fn differs(&mut self, at: &str, expected: &str, actual: &str) {
        self.done.differences.push(Difference::new(at, expected, actual));
    }
}

/// The value that a capture takes, or what it wanted and what there was.
fn taken(capture: &Capture, answer: &Incoming, json: Option<&Value>, vars: &Vars) -> Result<Value, (String, String)> {
    let value = match &capture.from {
        Source::Body => Value::from(answer.text()),
        Source::Header(name) => answer.header(name).map(Value::from).ok_or_else(|| {
            let names: Vec<&str> = names(&answer.headers);
            (format!("a header {name}"), format!("only {}", names.join(", ")))
        })?,
        Source::Json(path) => {
            let json = json.ok_or_else(|| ("JSON".to_owned(), cut(&answer.text(), 400)))?;
            let found = path.find(json, vars).map_err(|reason| ("a JSONPath".to_owned(), reason))?;
            found.first().map(|value| (*value).clone()).ok_or_else(|| (format!("something at {}", path.text), short(json)))?
        }
    };
    let value = match &capture.query {
        None => value,
        Some(name) => {
            let text = plain(&value);
            // A relative address will do: its query is all that counts.
            let base = Url::parse("http://localhost/").ok();
            let url = Url::options().base_url(base.as_ref()).parse(&text).ok();
            let found =
                url.and_then(|url| url.query_pairs().find(|(key, _)| key == name.as_str()).map(|(_, value)| value.into_owned()));
            Value::from(found.ok_or_else(|| (format!("a URL with the parameter {name}"), text))?)
        }
    };
    match &capture.regex {
        None => Ok(value),
        Some(text) => {
            let regex = regex(text, vars).map_err(|reason| ("a regular expression".to_owned(), reason))?;
            let text = plain(&value);
            let found = regex.captures(&text).and_then(|groups| groups.get(1).or_else(|| groups.get(0)));
            Ok(found.ok_or_else(|| (format!("something that matches /{regex}/"), cut(&text, 400)))?.as_str().into())
        }
    }
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(http::HeaderName::as_str).collect()
}
