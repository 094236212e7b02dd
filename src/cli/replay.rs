//! `understudy replay`: plays scenarios, as tests or before an audience.

use std::io::{BufRead as _, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::show::Show;
use super::{Failed, Outcome, ca, print};
use crate::scenario::{self, Mistake, Moment, Pause, Report, Scenario, Stage, library, report};

/// What to play, where and how.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Scenario files, folders of them, or names of stories that come with the program (see `understudy scenario list`)
    #[arg(required = true, value_name = "FILE|DIR|STORY")]
    files: Vec<PathBuf>,
    /// Play on this running server, each scenario in a world that is made for it and deleted afterwards, rather than on a server
    /// in this process
    #[arg(long, value_name = "URL")]
    against: Option<String>,
    /// Token that the control API of that server asks for
    #[arg(long, env = "UNDERSTUDY_CONTROL_TOKEN", value_name = "TOKEN", hide_env_values = true, requires = "against")]
    control_token: Option<String>,
    #[command(flatten)]
    authority: ca::Folder,
    /// Leave the worlds there, to look at them
    #[arg(long, requires = "against")]
    keep: bool,
    /// Tell the story as it plays, and wait this long before each step
    #[arg(long, value_name = "SECONDS", value_parser = pace)]
    pace: Option<Duration>,
    /// Tell the story as it plays, and wait for Enter before each step
    #[arg(long, conflicts_with = "pace")]
    step: bool,
    /// Tell the story: each step with what was sent, what came back, and what was checked
    #[arg(long, short)]
    verbose: bool,
    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// JUnit XML, for build servers
    Junit,
}

fn pace(text: &str) -> Result<Duration, String> {
    let ms = scenario::milliseconds(text).or_else(|| scenario::milliseconds(&format!("{text}s")));
    ms.map(Duration::from_millis).ok_or_else(|| format!("{text:?} is no time such as 1s, 1.5s or 500ms"))
}

/// Plays all; exit status 1 when one fails, 2 when a file has mistakes (and then nothing is played).
pub(super) fn run(options: &Options) -> Outcome {
    let files = found(&options.files)?;
    let mut stage = stage(options)?.keeping(options.keep);
    let scenarios = read(&stage, &files)?;
    let mut reports = Vec::new();
    let live = options.pace.is_some() || options.step;
    let show = Show::new(live || options.verbose, scenarios.len());
    for scenario in &scenarios {
        if options.format == Format::Text {
            show.progress(reports.len() + 1, &scenario.title);
        }
        let report = stage.play(scenario, &mut |moment| {
            if options.format == Format::Text {
                show.moment(&moment);
            }
            match moment {
                Moment::Next(..) if options.step => wait_for_enter(),
                Moment::Next(..) => std::thread::sleep(options.pace.unwrap_or_default()),
                Moment::Pause(Pause::For(ms)) if live => std::thread::sleep(Duration::from_millis(ms)),
                Moment::Pause(Pause::Key) if live => wait_for_enter(),
                _ => {}
            }
        });
        reports.push(report);
    }
    finish(options, &reports)
}

/// The server to play on. One that speaks HTTPS is vouched for by the local authority.
fn stage(options: &Options) -> Result<Stage, Failed> {
    let Some(url) = &options.against else { return Stage::embedded().map_err(Failed::run) };
    let is_https = url::Url::parse(url).is_ok_and(|url| url.scheme() == "https");
    let trusted = if is_https { Some(options.authority.trusted()?.1) } else { None };
    Stage::at(url, options.control_token.clone(), trusted.as_deref()).map_err(Failed::run)
}

fn finish(options: &Options, reports: &[Report]) -> Outcome {
    match options.format {
        Format::Text => Show::summary(reports),
        Format::Json => print(serde_json::to_string_pretty(&report::json(reports)).map_err(Failed::run)?)?,
        Format::Junit => print(report::junit(reports).map_err(Failed::run)?.trim_end())?,
    }
    let failed = reports.iter().filter(|report| !report.passed).count();
    if failed == 0 { Ok(()) } else { Err(Failed::run(format!("{failed} of {} scenarios failed", reports.len()))) }
}

/// Reads all files; all mistakes of all of them at once.
pub(super) fn read(stage: &Stage, files: &[PathBuf]) -> Result<Vec<Scenario>, Failed> {
    let mut scenarios = Vec::new();
    let mut mistakes: Vec<Mistake> = Vec::new();
    for file in files {
        let read = match story(file) {
            Some((name, text)) => stage.read_text(name, text),
            None => stage.read(file),
        };
        match read {
            Ok(scenario) => scenarios.push(scenario),
            Err(more) => mistakes.extend(more),
        }
    }
    if mistakes.is_empty() {
        return Ok(scenarios);
    }
    let words: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let count = if mistakes.len() == 1 { "a mistake".to_owned() } else { format!("{} mistakes", mistakes.len()) };
    Err(Failed::usage(format!("{count}; nothing was played\n{}", words.join("\n"))))
}

/// The story of this name, its name and its text, where there is no such file.
fn story(named: &Path) -> Option<(&str, &'static str)> {
    let name = named.to_str().filter(|_| !named.exists())?;
    Some((name, library::text(name)?))
}

/// The files and stories that are named, and the files in the folders that are named, in order.
pub(super) fn found(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failed> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            let before = files.len();
            collect(path, &mut files).map_err(|error| Failed::usage(format!("{}: {error}", path.display())))?;
            if files.len() == before {
                return Err(Failed::usage(format!("{}: there is no .yaml file in this folder", path.display())));
            }
        } else if path.exists() || path.extension().is_some() || story(path).is_some() {
            files.push(path.clone());
        } else {
            let name = path.display();
            return Err(Failed::usage(format!(
                "{name}: there is no such file or story; `understudy scenario list` lists the stories"
            )));
        }
    }
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            collect(&entry, files)?;
        } else if entry.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(entry);
        }
    }
    Ok(())
}

fn wait_for_enter() {
    if std::io::stdin().is_terminal() {
        // Where nobody can be asked, there is nobody to wait for.
        let _ = std::io::stderr().write_all("      ⏎ ".as_bytes());
    }
    let _ = std::io::stdin().lock().read_line(&mut String::new());
}
