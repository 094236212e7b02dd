//! Shows a scenario on a terminal, in colour where there is any.

use std::io::{IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::scenario::report::status_words;
use crate::scenario::{Half, Moment, Outcome, Report, StepReport};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const SENT: Style = AnsiColor::Cyan.on_default();

/// The longest text that is shown of a body, in characters, the longest within JSON, and the longest body on one line.
const MOST: usize = 1500;
const LONG: usize = 100;
const LINE: usize = 90;

/// The most lines that are shown of a body.
const LINES: usize = 60;

/// Shows moments as they come.
pub(super) struct Show {
    story: bool,
    total: usize,
    progress: bool,
}

impl Show {
    /// `story`: every step is told; otherwise there is a line a scenario, and more of those that fail.
    pub(super) fn new(story: bool, total: usize) -> Self {
        Self { story, total, progress: !story && total > 1 && std::io::stderr().is_terminal() }
    }

    /// Says what is being played, on a terminal.
    pub(super) fn progress(&self, number: usize, title: &str) {
        if self.progress {
            // A line that cannot be shown is not missed.
            let _ = write!(std::io::stderr(), "\r\x1b[K{number}/{} {title}", self.total);
        }
    }

    pub(super) fn moment(&self, moment: &Moment<'_>) {
        match moment {
            Moment::Begins(scenario, steps) if self.story => {
                let description = scenario.description.as_deref().map(|text| format!("\n{}", text.trim())).unwrap_or_default();
                line(&format!("{BOLD}{}{BOLD:#} {DIM}({steps} steps, {}){DIM:#}{description}\n", scenario.title, scenario.file));
            }
            Moment::Next(number, say, action) if self.story => {
                let say = say.unwrap_or(action).trim().replace('\n', "\n    ");
                line(&format!("{BOLD}{number:>2}{BOLD:#}  {say}"));
            }
            Moment::Opens(url) if self.story => line(&format!("    {SENT}open{SENT:#} {url}")),
            Moment::Done(step) if self.story => done(step),
            Moment::Ends(report) => self.ends(report),
            _ => {}
        }
    }

    fn ends(&self, report: &Report) {
        if self.progress {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
        let Report { file, title, steps, took_ms, .. } = report;
        if report.passed {
            line(&format!("{GOOD}ok{GOOD:#}      {file}: {title} {DIM}({} steps, {took_ms} ms){DIM:#}", steps.len()));
        } else {
            line(&format!("{BAD}failed{BAD:#}  {file}: {title}\n{report}"));
        }
        if let Some(world) = &report.world {
            line(&format!("        its world is {world}"));
        }
        if self.story {
            line("");
        }
    }

    /// What all came to.
    pub(super) fn summary(reports: &[Report]) {
        let passed = reports.iter().filter(|report| report.passed).count();
        let failed = reports.len() - passed;
        let style = if failed == 0 { GOOD } else { BAD };
        line(&format!("{style}{passed} passed, {failed} failed{style:#}"));
    }
}

fn done(step: &StepReport) {
    let mut text = String::new();
    // What the audience may open was shown before it was fetched.
    let is_told = step.action.starts_with("open ");
    if !is_told && (step.say.is_some() || step.request.is_some() || step.response.is_some()) {
        text += &format!("    {SENT}→ {}{SENT:#}", step.action);
    }
    if let Some(request) = &step.request {
        text += &body(request);
    }
    if let Some(response) = &step.response {
        let status = response.status.map(status_words).unwrap_or_default();
        text += &format!("\n    {SENT}← {status}{SENT:#}{}", body(response));
    }
    for checked in &step.checked {
        text += &format!("\n    {GOOD}✓{GOOD:#} {checked}");
    }
    for difference in &step.differences {
        text += &format!("\n    {BAD}✗ {difference}{BAD:#}");
    }
    for (name, value) in &step.captured {
        let value = shortened(value);
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text += &format!("\n    {DIM}{name} = {value}{DIM:#}");
    }
    if step.outcome != Outcome::Skipped {
        line(&format!("{}\n", text.trim_start_matches('\n')));
    }
}

/// A body below its first line, indented; short JSON on one line, and of what is long the beginning.
fn body(half: &Half) -> String {
    let shown = match &half.body {
        Value::Object(_) | Value::Array(_) => {
            let json = shortened(&half.body);
            let line = json.to_string();
            if line.chars().count() <= LINE { line } else { serde_json::to_string_pretty(&json).unwrap_or(line) }
        }
        // A page is for a browser.
        Value::String(text) if text.trim_start().starts_with('<') && text.chars().count() > LINE => {
            format!("a page of {} characters", text.chars().count())
        }
        _ => half.shown(MOST),
    };
    let lines: Vec<&str> = shown.lines().collect();
    let more = lines.len().saturating_sub(LINES);
    let mut text = String::new();
    for line in lines.iter().take(LINES) {
        text += &format!("\n      {line}");
    }
    if more > 0 {
        text += &format!("\n      {DIM}… ({more} more lines){DIM:#}");
    }
    text
}

/// A value with the beginnings of its long texts.
fn shortened(value: &Value) -> Value {
    match value {
        Value::String(text) => match text.char_indices().nth(LONG) {
            Some((end, _)) => format!("{}… ({} characters)", text.get(..end).unwrap_or_default(), text.chars().count()).into(),
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(shortened).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), shortened(value))).collect(),
        other => other.clone(),
    }
}

fn line(text: &str) {
    let mut out = anstream::AutoStream::auto(std::io::stdout().lock());
    // The exit status tells what a closed output cannot.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
