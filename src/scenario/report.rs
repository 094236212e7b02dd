//! What came of playing a scenario.

use std::fmt;

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::expect::{Difference, cut};
use super::mistakes::Place;

/// What came of a scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The file, as it was named.
    pub file: String,
    /// The scenario's title.
    pub title: String,
    /// Whether every step did what was expected.
    pub passed: bool,
    /// Real time that it took, in milliseconds.
    pub took_ms: u64,
    /// The address of its world, where that is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
    /// What went wrong outside the steps, such as a beginning that the server refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its steps.
    pub steps: Vec<StepReport>,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As expected.
    Passed,
    /// Not as expected.
    Failed,
    /// A step before it failed.
    Skipped,
}

/// What came of a step.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// 1, 2, 3, ...
    pub number: usize,
    /// Where it stands in the file.
    #[serde(flatten)]
    pub place: Place,
    /// Its sentence for the audience.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// What it did, in a few words.
    pub action: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What was sent, where it was a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Half>,
    /// What came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Half>,
    /// What was checked and found right.
    pub checked: Vec<String>,
    /// What was captured.
    pub captured: Map<String, Value>,
    /// What was not as expected.
    pub differences: Vec<Difference>,
}

/// One direction of an exchange.
#[derive(Clone, Debug, Serialize)]
pub struct Half {
    /// The status of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// JSON as such, other text as text, other bytes as their number.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub body: Value,
}

impl Half {
    pub(super) fn new(status: Option<u16>, body: &[u8]) -> Self {
        let body = match (serde_json::from_slice(body), std::str::from_utf8(body)) {
            _ if body.is_empty() => Value::Null,
            (Ok(json), _) => json,
            (_, Ok(text)) => text.into(),
            _ => format!("{} bytes", body.len()).into(),
        };
        Self { status, body }
    }

    /// The body in at most so many characters.
    pub fn shown(&self, most: usize) -> String {
        match &self.body {
            Value::Null => String::new(),
            Value::String(text) => cut(text.trim(), most),
            other => cut(&other.to_string(), most),
        }
    }
}

/// A status with its usual words.
pub fn status_words(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.map_or_else(|| status.to_string(), |reason| format!("{status} {reason}"))
}

/// A report that fails reads as what went wrong, and one that passes as a line.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, title, steps, .. } = self;
        if self.passed {
            return write!(f, "{file}: {title}: {} steps passed", steps.len());
        }
        if let Some(error) = &self.error {
            write!(f, "{file}: {title}: {error}")?;
        }
        for step in steps.iter().filter(|step| step.outcome == Outcome::Failed) {
            let Place { line, column } = step.place;
            write!(f, "{file}:{line}:{column}: step {} of {} failed", step.number, steps.len())?;
            if let Some(say) = &step.say {
                write!(f, ": {}", say.trim())?;
            }
            write!(f, "\n  {}", step.action)?;
            if let Some(status) = step.response.as_ref().and_then(|response| response.status) {
                write!(f, " answered {}", status_words(status))?;
            }
            for Difference { at, expected, actual } in &step.differences {
                write!(f, "\n    {at}\n      expected {expected}\n      got      {actual}")?;
            }
            for (name, half) in [("sent", &step.request), ("received", &step.response)] {
                let shown = half.as_ref().map(|half| half.shown(2000)).unwrap_or_default();
                if !shown.is_empty() {
                    write!(f, "\n  {name:<9}{}", shown.replace('\n', "\n           "))?;
                }
            }
        }
        Ok(())
    }
}

/// Reports as one JSON document.
pub fn json(reports: &[Report]) -> Value {
    let passed = reports.iter().filter(|report| report.passed).count();
    json!({ "passed": passed, "failed": reports.len() - passed, "scenarios": reports })
}

/// Reports as JUnit XML: a suite a scenario, a case a step.
pub fn junit(reports: &[Report]) -> Result<String, quick_junit::SerializeError> {
    use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
    let mut document = quick_junit::Report::new("understudy replay");
    for report in reports {
        let mut suite = TestSuite::new(report.title.as_str());
        suite.set_time(std::time::Duration::from_millis(report.took_ms));
        if let Some(error) = &report.error {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(error.as_str());
            let mut case = TestCase::new("beginning", status);
            case.set_classname(report.file.as_str());
            suite.add_test_case(case);
        }
        for step in &report.steps {
            let mut status = match step.outcome {
                Outcome::Passed => TestCaseStatus::success(),
                Outcome::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
                Outcome::Skipped => TestCaseStatus::skipped(),
            };
            if step.outcome == Outcome::Failed {
                let words: Vec<String> = step.differences.iter().map(ToString::to_string).collect();
                status.set_message(words.join("; "));
                status.set_description(report.to_string());
            }
            let say = step.say.as_deref().unwrap_or(&step.action).trim();
            let mut case = TestCase::new(format!("{} {say}", step.number), status);
            case.set_classname(report.file.as_str());
            suite.add_test_case(case);
        }
        document.add_test_suite(suite);
    }
    document.to_string()
}
