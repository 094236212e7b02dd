//! `understudy env`: what clients of the providers need to know.

use std::path::PathBuf;

use clap::Args;

use super::{Failed, Outcome, print};
use crate::http::Links;
use crate::providers;
use crate::world::clock::real_now;
use crate::world::{Cx, Failure};
use crate::worlds::{DEFAULT, Registry, Spec, Worlds};

/// Whose variables, and for which server.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Base URL of the server
    #[arg(long, env = "UNDERSTUDY_URL", default_value = "http://127.0.0.1:11111")]
    url: String,
    /// Take <slug>.json files from this folder instead of the built-in fixtures
    #[arg(long, env = "UNDERSTUDY_FIXTURES", value_name = "DIR")]
    fixtures: Option<PathBuf>,
    /// Only these providers
    #[arg(long, env = "UNDERSTUDY_ONLY", value_name = "SLUG,...", value_delimiter = ',')]
    only: Vec<String>,
}

/// Prints shell assignments, each below a comment that says what it is.
pub(super) fn run(options: &Options) -> Outcome {
    let url = url::Url::parse(&options.url).map_err(|error| Failed::usage(format!("--url {:?}: {error}", options.url)))?;
    let host = url.host_str().ok_or_else(|| Failed::usage(format!("--url {:?} has no host", options.url)))?;
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let scheme = if url.scheme() == "https" { "https" } else { "http" };
    let base = url.path().trim_end_matches('/');

    let mut registry = Registry::new(providers::all());
    if let Some(folder) = &options.fixtures {
        registry = registry.with_fixtures(folder).map_err(Failed::run)?;
    }
    if !options.only.is_empty() {
        registry = registry.only(&options.only).map_err(Failed::usage)?;
    }
    let worlds = Worlds::new(registry, 0);
    let spec = Spec { name: Some(DEFAULT.to_owned()), ..Spec::default() };
    let world = worlds.create(spec, real_now()).map_err(Failed::run)?;
    for provider in worlds.registry.providers() {
        let about = provider.about();
        let links = Links { scheme, authority: authority.clone(), prefix: format!("{base}/{}", about.slug), real: None };
        let ask = |cx: &mut Cx<'_>| provider.environment(cx, &links);
        let variables = world.request(real_now(), about.slug, ask).1.map_err(|failure| match failure {
            Failure::Refused(error) => Failed::run(error),
            other => Failed::run(other),
        })?;
        print(format!("# {}", about.title))?;
        for variable in variables {
            print(format!("export {}={}  # {}", variable.name, quoted(&variable.value), variable.summary))?;
        }
    }
    Ok(())
}

/// A word that a shell reads as this text.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=+@,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("http://127.0.0.1:1/a"), "http://127.0.0.1:1/a");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
