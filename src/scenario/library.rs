//! The stories that come with the program.

use include_dir::{Dir, include_dir};
use serde::Serialize;

use super::read;

static STORIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// A story, for a list of them.
#[derive(Debug, Serialize)]
pub struct Story {
    /// Its name: that of its file, without the ending.
    pub name: &'static str,
    /// What it is called.
    pub title: String,
    /// What it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Slugs of the providers that it uses.
    pub providers: Vec<String>,
    /// How many steps it has.
    pub steps: usize,
}

/// Their names, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<&str> = STORIES
        .files()
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "yaml"))
        .filter_map(|file| file.path().file_stem()?.to_str())
        .collect();
    names.sort_unstable();
    names.into_iter()
}

/// The text of one.
pub fn text(name: &str) -> Option<&'static str> {
    names().find(|known| *known == name)?;
    STORIES.get_file(format!("{name}.yaml"))?.contents_utf8()
}

/// All of them.
pub fn all() -> Vec<Story> {
    let read = |name: &'static str| {
        let scenario = read::read(name, text(name)?).0?;
        let providers = scenario.providers.iter().map(|(slug, _)| slug.clone()).collect();
        Some(Story { name, title: scenario.title, description: scenario.description, providers, steps: scenario.steps.len() })
    };
    names().filter_map(read).collect()
}
