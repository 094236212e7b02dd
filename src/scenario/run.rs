//! Plays a scenario on a server, in a world of its own.

use std::collections::BTreeMap;
use std::path::Path;

use http::Method;
use serde_json::{Map, Value, json};

use super::catalog::Catalog;
use super::client::Client;
use super::expect::{Difference, short};
use super::format::{Pause, Scenario, Step};
use super::mistakes::{Mistake, Place};
use super::report::{Outcome, Report, StepReport};
use super::vars::{Vars, fill, fill_with};
use super::{Failed, read};
use crate::world::clock::real_now;
use crate::{StartError, Understudy, WorldHandle};

/// A moment of a play, for whoever shows it.
#[derive(Debug)]
pub enum Moment<'a> {
    /// A scenario begins, with so many steps.
    Begins(&'a Scenario, usize),
    /// A step is next: its number, its sentence, what it will do.
    Next(usize, Option<&'a str>, &'a str),
    /// The scenario wants a pause.
    Pause(Pause),
    /// The audience may look at this address.
    Opens(&'a str),
    /// A step is done.
    Done(&'a StepReport),
    /// The scenario is over.
    Ends(&'a Report),
}

/// A server to play scenarios on.
#[derive(Debug)]
pub struct Stage {
    pub(super) client: Client,
    /// The control API of the default world.
    control: String,
    pub(super) catalog: Catalog,
    keep: bool,
    /// The server itself, where it runs in this process.
    _server: Option<Understudy>,
}

/// The world of one play.
pub(super) struct World {
    name: String,
    pub url: String,
    pub control: String,
    pub bases: BTreeMap<String, String>,
}

/// What an action brought about.
#[derive(Default)]
pub(super) struct Acted {
    /// What was done, in a few words, where more is known now.
    pub action: Option<String>,
    pub request: Option<super::report::Half>,
    pub answer: Option<Result<super::client::Incoming, String>>,
}

impl Stage {
    /// A server of its own, in this process.
    pub fn embedded() -> Result<Self, Failed> {
        let server = Understudy::builder().start().map_err(|error: StartError| Failed::Server(error.to_string()))?;
        let stage = Self::of(&server)?;
        Ok(Self { _server: Some(server), ..stage })
    }

    /// The server of this world.
    pub fn of(world: &WorldHandle) -> Result<Self, Failed> {
        Self::at(world.server_url(), world.token.as_ref().map(|token| token.secret().to_owned()), world.trusted())
    }

    /// A running server. `url` is that of its gateway, `token` what its control API asks for, `trusted` the certificates (PEM) of the
    /// authority that vouches for it where it speaks HTTPS; no other is trusted.
    pub fn at(url: &str, token: Option<String>, trusted: Option<&str>) -> Result<Self, Failed> {
        let control = format!("{}/_understudy", url.trim_end_matches('/'));
        let mut client = Client::new(token, trusted).map_err(Failed::Server)?;
        let catalog = Catalog::of(&mut client, &control).map_err(Failed::Server)?;
        Ok(Self { client, control, catalog, keep: false, _server: None })
    }

    /// Whether the worlds of the plays stay when they are over.
    #[must_use]
    pub fn keeping(self, keep: bool) -> Self {
        Self { keep, ..self }
    }

    /// Reads a file and checks it.
    pub fn read(&self, path: &Path) -> Result<Scenario, Vec<Mistake>> {
        let file = path.display().to_string();
        let nowhere = Place { line: 1, column: 1 };
        let text = std::fs::read(path).map_err(|error| error.to_string());
        let text = text.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()));
        let text = text.map_err(|reason| vec![Mistake { file: file.clone(), place: nowhere, message: reason }])?;
        self.read_text(&file, &text)
    }

    /// Reads a scenario and checks it; `file` is its name in reports.
    pub fn read_text(&self, file: &str, text: &str) -> Result<Scenario, Vec<Mistake>> {
        let (scenario, mut mistakes) = read::read(file, text);
        if let Some(scenario) = &scenario {
            self.catalog.check(scenario, &mut mistakes);
        }
        let mistakes = mistakes.into_all();
        scenario.filter(|_| mistakes.is_empty()).ok_or(mistakes)
    }

    /// Plays a scenario to its end or its first failure. `show` is told of each moment as it comes.
    pub fn play(&mut self, scenario: &Scenario, show: &mut dyn FnMut(Moment<'_>)) -> Report {
        let began = real_now();
        show(Moment::Begins(scenario, scenario.steps.len()));
        let mut report = Report {
            file: scenario.file.clone(),
            title: scenario.title.clone(),
            passed: false,
            took_ms: 0,
            world: None,
            error: None,
            steps: Vec::new(),
        };
        self.client.forget();
        match self.begin(scenario) {
            Ok((world, mut vars)) => {
                for (index, step) in scenario.steps.iter().enumerate() {
                    let skip = report.steps.iter().any(|step: &StepReport| step.outcome != Outcome::Passed);
                    let done = self.step(scenario, &world, index + 1, step, skip, &mut vars, show);
                    report.steps.push(done);
                }
                if self.keep {
                    report.world = Some(world.url);
                } else {
                    let url = format!("{}/worlds/{}", self.control, world.name);
                    report.error = self.client.command(Method::DELETE, &url, None).err();
                }
            }
            Err(reason) => report.error = Some(reason),
        }
        report.passed = report.error.is_none() && report.steps.iter().all(|step| step.outcome == Outcome::Passed);
        report.took_ms = u64::try_from((real_now() - began).num_milliseconds()).unwrap_or_default();
        show(Moment::Ends(&report));
        report
    }

    /// A world as the scenario wants it, and the first variables.
    fn begin(&mut self, scenario: &Scenario) -> Result<(World, Vars), String> {
        let start = &scenario.start;
        let clock = json!({ "now": start.now.to_rfc3339(), "mode": if start.running { "running" } else { "frozen" } });
        let mut settings: Map<String, Value> = Map::new();
        for setting in &start.settings {
            if let Some(values) = settings.entry(setting.slug.clone()).or_insert_with(|| json!({})).as_object_mut() {
                values.insert(setting.key.clone(), setting.value.clone());
            }
        }
        let fixtures: Map<String, Value> =
            start.fixtures.iter().map(|(slug, _, addition)| (slug.clone(), addition.clone())).collect();
        let wanted = json!({ "fixtures": fixtures, "seed": start.seed, "now": clock.get("now"), "clock": clock.get("mode"), "settings": settings });
        let made = self.client.command(Method::POST, &format!("{}/worlds", self.control), Some(&wanted))?;
        let world = World::read(&made).ok_or_else(|| format!("this is no answer of Understudy: {}", short(&made)))?;
        let begun = self.set_up(scenario, &world, &clock, &settings);
        if begun.is_err() {
            // The reason counts, not whether its traces could be removed.
            let _ = self.client.command(Method::DELETE, &format!("{}/worlds/{}", self.control, world.name), None);
        }
        Ok((world, begun?))
    }

    fn set_up(&mut self, scenario: &Scenario, world: &World, clock: &Value, settings: &Map<String, Value>) -> Result<Vars, String> {
        let control = &world.control;
        if scenario.start.empty {
            self.client.command(Method::POST, &format!("{control}/reset"), Some(&json!({ "to": "empty" })))?;
            self.client.command(Method::PUT, &format!("{control}/clock"), Some(clock))?;
            for (slug, values) in settings {
                self.client.command(Method::PUT, &format!("{control}/settings/{slug}"), Some(values))?;
            }
        }
        let mut vars = Catalog::variables(&mut self.client, control, &world.bases)?;
        let given: Vec<(String, Value)> =
            scenario.vars.iter().map(|(name, _, value)| Ok((name.clone(), fill(value, &vars)?))).collect::<Result<_, String>>()?;
        vars.extend(given);
        for rule in &scenario.start.faults {
            self.client.command(Method::POST, &format!("{control}/faults"), Some(&fill(rule, &vars)?))?;
        }
        Ok(vars)
    }

    #[expect(clippy::too_many_arguments, reason = "it is the body of a loop")]
    fn step(
        &mut self,
        scenario: &Scenario,
        world: &World,
        number: usize,
        step: &Step,
        skip: bool,
        vars: &mut Vars,
        show: &mut dyn FnMut(Moment<'_>),
    ) -> StepReport {
        let mut done = StepReport {
            number,
            place: step.place,
            say: step.say.clone(),
            action: step.action.words(),
            outcome: Outcome::Skipped,
            request: None,
            response: None,
            checked: Vec::new(),
            captured: Map::new(),
            differences: Vec::new(),
        };
        if skip {
            return done;
        }
        if step.uses.iter().any(|used| used.name == "now") {
            let clock = self.client.command(Method::GET, &format!("{}/clock", world.control), None).unwrap_or_default();
            vars.insert("now".to_owned(), clock.get("now").cloned().unwrap_or_default());
        }
        done.say = step.say.as_ref().map(|say| fill_with(say, vars, str::to_owned).unwrap_or_else(|_| say.clone()));
        show(Moment::Next(number, done.say.as_deref(), &done.action));
        match self.act(scenario, world, step, vars, show) {
            Ok(Acted { action, request, answer }) => {
                done.request = request;
                done.action = action.unwrap_or(done.action);
                if let Some(answer) = answer {
                    super::judge::judge(step, answer, vars, &mut done);
                }
            }
            Err(reason) => done.differences.push(Difference::new("action", "that it can be carried out", reason)),
        }
        done.outcome = if done.differences.is_empty() { Outcome::Passed } else { Outcome::Failed };
        show(Moment::Done(&done));
        done
    }
}

impl World {
    fn read(made: &Value) -> Option<Self> {
        let word = |key: &str| Some(made.get(key)?.as_str()?.to_owned());
        let bases = made.get("providers")?.as_object()?.iter();
        Some(Self {
            name: word("name")?,
            url: word("url")?,
            control: word("control")?,
            bases: bases.filter_map(|(slug, url)| Some((slug.clone(), url.as_str()?.to_owned()))).collect(),
        })
    }
}
