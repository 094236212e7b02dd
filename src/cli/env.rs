//! `understudy env`: what clients of the providers need to know.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use super::{Failed, Outcome, ca, print};
use crate::control::access::Token;
use crate::http::{Links, Variable};
use crate::providers;
use crate::world::clock::real_now;
use crate::world::{Cx, Failure};
use crate::worlds::{DEFAULT, Registry, Spec, Worlds};

/// Whose variables, and for which server.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Base URL of the server; unless given, port 11111 of 127.0.0.1, by HTTP or, with --tls, HTTPS
    #[arg(long, env = "UNDERSTUDY_URL", value_name = "URL")]
    url: Option<String>,
    /// The server speaks HTTPS: add what has clients trust the local authority, which is made if there is none
    #[arg(long, env = "UNDERSTUDY_TLS", value_parser = FalseyValueParser::new())]
    tls: bool,
    #[command(flatten)]
    authority: ca::Authority,
    /// Take <slug>.json files from this folder instead of the built-in fixtures
    #[arg(long, env = "UNDERSTUDY_FIXTURES", value_name = "DIR")]
    fixtures: Option<PathBuf>,
    /// Only these providers
    #[arg(long, env = "UNDERSTUDY_ONLY", value_name = "SLUG,...", value_delimiter = ',')]
    only: Vec<String>,
    /// How to write them
    #[arg(long, value_enum, default_value_t = Format::Shell)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Assignments that a shell can evaluate, each with a comment
    Shell,
    /// An object: name and value
    Json,
    /// Lines for a .env file
    Dotenv,
}

/// Variables under a title.
pub(super) type Group = (String, Vec<Variable>);

/// Prints the variables.
pub(super) fn run(options: &Options) -> Outcome {
    let usual = if options.tls { "https://127.0.0.1:11111" } else { "http://127.0.0.1:11111" };
    let text = options.url.as_deref().unwrap_or(usual);
    let url = url::Url::parse(text).map_err(|error| Failed::usage(format!("--url {text:?}: {error}")))?;
    let host = url.host_str().ok_or_else(|| Failed::usage(format!("--url {text:?} has no host")))?;
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let scheme = if url.scheme() == "https" { "https" } else { "http" };
    if options.tls && scheme == "http" {
        return Err(Failed::usage(format!("--url {text:?} is not HTTPS, as --tls says that it is")));
    }
    let base = url.path().trim_end_matches('/');

    let mut groups = vec![server(&format!("{scheme}://{authority}{base}"), None)];
    if options.tls {
        groups.push(("Local authority".to_owned(), options.authority.variables()?));
    }
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
        let variables = world.request(real_now(), about.slug, ask).1.map_err(unanswered)?;
        groups.push((about.title.to_owned(), variables));
    }
    print(written(&groups, options.format).trim_end())
}

/// A provider that could not say what its clients need.
pub(super) fn unanswered(failure: Failure<rusqlite::Error>) -> Failed {
    match failure {
        Failure::Refused(error) => Failed::run(error),
        other => Failed::run(other),
    }
}

/// What leads to the server itself.
pub(super) fn server(url: &str, token: Option<&Token>) -> Group {
    let variable =
        |name: &str, value: String, summary: &str| Variable { name: name.to_owned(), value, summary: summary.to_owned() };
    let mut variables = vec![
        variable("UNDERSTUDY_URL", url.to_owned(), "base URL of the server"),
        variable("UNDERSTUDY_CONTROL_URL", format!("{url}/_understudy"), "base URL of the control API"),
    ];
    variables
        .extend(token.map(|token| variable("UNDERSTUDY_CONTROL_TOKEN", token.secret().to_owned(), "what control calls must have")));
    ("Understudy".to_owned(), variables)
}

fn written(groups: &[Group], format: Format) -> String {
    let mut text = String::new();
    match format {
        Format::Shell => {
            for (title, variables) in groups {
                text += &format!("# {title}\n");
                for Variable { name, value, summary } in variables {
                    text += &format!("export {name}={}  # {summary}\n", shell_word(value));
                }
            }
        }
        Format::Dotenv => {
            for (title, variables) in groups {
                text += &format!("# {title}\n");
                for Variable { name, value, summary } in variables {
                    // On a line of its own: some readers take a comment behind a value for a part of it.
                    text += &format!("# {summary}\n{name}={}\n", dotenv_word(value));
                }
            }
        }
        Format::Json => {
            let all = groups.iter().flat_map(|(_, variables)| variables);
            let object: Map<String, Value> = all.map(|one| (one.name.clone(), one.value.clone().into())).collect();
            text = format!("{:#}", Value::Object(object));
        }
    }
    text
}

/// A word that a shell reads as this text.
fn shell_word(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A value that readers of .env files take as this text: bare where all agree, in single quotes (where nothing is special) where that
/// is possible, and otherwise in double quotes with escapes.
fn dotenv_word(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else if !text.contains(['\'', '\n', '\r']) {
        format!("'{text}'")
    } else {
        let escaped = text.replace('\\', r"\\").replace('"', "\\\"").replace('$', r"\$");
        format!("\"{}\"", escaped.replace('\n', r"\n").replace('\r', r"\r"))
    }
}

fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=+@,".contains(&byte);
    !text.is_empty() && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::{dotenv_word, shell_word};

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(shell_word("http://127.0.0.1:1/a"), "http://127.0.0.1:1/a");
        assert_eq!(shell_word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn values_are_quoted_where_a_reader_of_env_files_needs_it() {
        for (value, expected) in [
            ("http://127.0.0.1:1/a?b=c", "'http://127.0.0.1:1/a?b=c'"),
            ("YWNtZQ==", "YWNtZQ=="),
            ("", "''"),
            ("a # b", "'a # b'"),
            ("$HOME", "'$HOME'"),
            (r"a\b", r"'a\b'"),
            ("it's $1 \"x\"", "\"it's \\$1 \\\"x\\\"\""),
            ("two\nlines", "\"two\\nlines\""),
        ] {
            assert_eq!(dotenv_word(value), expected, "{value}");
        }
    }
}
