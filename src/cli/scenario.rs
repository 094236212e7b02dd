//! `understudy scenario`: what helps to write scenarios.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Failed, Outcome, print, replay};
use crate::scenario::{SCHEMA, Stage, library};

/// What to do with scenarios.
#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the JSON Schema of scenario files, for editors
    Schema,
    /// Check scenario files without playing them; exit status 2 and all mistakes if there are any
    Check {
        /// Scenario files, or folders of them
        #[arg(required = true, value_name = "FILE|DIR")]
        files: Vec<PathBuf>,
    },
    /// List the stories that come with the program
    List,
    /// Print a story that comes with the program, to begin one of your own with
    Print {
        /// Its name, as in the list
        story: String,
    },
}

/// Does it.
pub(super) fn run(options: &Options) -> Outcome {
    match &options.action {
        Action::Schema => print(SCHEMA.trim_end()),
        Action::Check { files } => {
            let files = replay::found(files)?;
            let scenarios = replay::read(&Stage::embedded().map_err(Failed::run)?, &files)?;
            print(format!("scenarios are right: {}", scenarios.len()))
        }
        Action::List => {
            let stories = library::all();
            let width = stories.iter().map(|story| story.name.len()).max().unwrap_or(0);
            let lines: Vec<String> = stories.iter().map(|story| format!("{:width$}  {}", story.name, story.title)).collect();
            print(lines.join("\n"))
        }
        Action::Print { story } => match library::text(story) {
            Some(text) => print(text.trim_end()),
            None => Err(Failed::usage(format!("there is no story {story:?}; `understudy scenario list` lists them"))),
        },
    }
}
