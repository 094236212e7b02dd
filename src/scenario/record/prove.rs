//! Makes sure that a recording plays again.

use http::Method;

use crate::scenario::client::Incoming;
use crate::scenario::{Failed, Outcome, Report, Stage};

/// How many answers turn out to be less steady than they look, before it is given up.
const MOST_LOOSE: usize = 200;

/// A recording, and what came of playing it in a fresh world.
#[derive(Debug)]
pub struct Recorded {
    /// The scenario, as its file has it.
    pub text: String,
    /// What came of it.
    pub report: Report,
}

impl Stage {
    /// What clients did in a world of this server, as a scenario that was played once in a fresh one. Where an answer was not the same
    /// again, only its status is expected. `world` is the world's URL, that of the gateway for the default world.
    pub fn record(&mut self, world: &str) -> Result<Recorded, Failed> {
        let mut loosely: Vec<String> = Vec::new();
        loop {
            let text = self.recording(world, &loosely.join(",")).map_err(Failed::Server)?;
            let scenario = self.read_text("recording.yaml", &text).map_err(Failed::Mistakes)?;
            let report = self.play(&scenario, &mut |_| {});
            let unsteady = report.steps.iter().find(|step| {
                let is_about_json = |at: &str| at == "body" || at.contains('$');
                step.outcome == Outcome::Failed && step.differences.iter().all(|one| is_about_json(&one.at))
            });
            let unsteady = unsteady.map(|step| step.number.to_string()).filter(|step| !loosely.contains(step));
            match unsteady {
                Some(step) if loosely.len() < MOST_LOOSE => loosely.push(step),
                _ => return Ok(Recorded { text, report }),
            }
        }
    }

    fn recording(&mut self, world: &str, loosely: &str) -> Result<String, String> {
        let url = format!("{}/_understudy/requests?format=scenario&loosely={loosely}", world.trim_end_matches('/'));
        let answer: Incoming = self.client.control(Method::GET, &url, None)?;
        if answer.status == 200 {
            return Ok(answer.text());
        }
        let detail = answer.json().and_then(|json| Some(json.get("detail")?.as_str()?.to_owned()));
        Err(detail.unwrap_or_else(|| answer.text()))
    }
}
