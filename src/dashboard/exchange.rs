//! The page about one request and its answer.

use askama::Template;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use super::Failed;
use crate::http::{Reply, Req, reply, wire};
use crate::pages::{Page, Shell};
use crate::world::World;
use crate::world::journal::Entry;

/// Characters of a body that the page shows.
const SHOWN: usize = 100_000;

#[derive(Debug, Template)]
#[template(path = "dashboard/exchange.html", config = "src/pages/askama.toml")]
struct ExchangePage<'a> {
    world: &'a str,
    id: &'a str,
    home: String,
    control: String,
    exchange: Option<View>,
}

#[derive(Debug)]
struct View {
    method: String,
    url: String,
    status: u16,
    reason: &'static str,
    at: String,
    took: String,
    provider: &'static str,
    operation: &'static str,
    curl: Option<String>,
    halves: [Half; 2],
    older: Option<u64>,
    newer: Option<u64>,
}

impl View {
    /// The class of its status, by its first digit.
    fn class(&self) -> u16 {
        self.status / 100
    }
}

#[derive(Debug)]
struct Half {
    id: &'static str,
    title: &'static str,
    headers: Vec<(String, String)>,
    body: Body,
    size: usize,
}

#[derive(Debug)]
enum Body {
    Empty,
    /// Text, and whether it is only the beginning.
    Text(String, bool),
    Binary,
}

impl Page for ExchangePage<'_> {
    fn shell(&self) -> Shell<'_> {
        Shell { failed: self.exchange.is_none(), ..Shell::new("services", format!("Request {}", self.id)) }
    }
}

/// 200 page about a request; 404 page when the journal does not hold it.
pub(super) fn page(world: &World, req: &Req, id: &str) -> Result<Reply, Failed> {
    let entry = id.parse().ok().and_then(|id| world.journal.get(id));
    let status = if entry.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let page = ExchangePage {
        world: world.name(),
        id,
        home: super::home(req),
        control: super::control(req),
        exchange: entry.map(|entry| view(world, &entry)),
    };
    Ok(reply::html(status, page.render()?))
}

fn view(world: &World, entry: &Entry) -> View {
    let kept = |id: u64| world.journal.get(id).map(|entry| entry.id);
    View {
        method: entry.method.to_string(),
        url: entry.url(),
        status: entry.status.as_u16(),
        reason: entry.status.canonical_reason().unwrap_or_default(),
        at: wire::to_rfc3339_millis(entry.at),
        took: super::took(entry),
        provider: entry.provider,
        operation: entry.operation.unwrap_or("no operation"),
        curl: curl(entry),
        halves: [
            half("sent", "Request", &entry.request_headers, &entry.request_body),
            half("answered", "Answer", &entry.response_headers, &entry.response_body),
        ],
        older: kept(entry.id.saturating_sub(1)),
        newer: kept(entry.id + 1),
    }
}

fn half(id: &'static str, title: &'static str, headers: &HeaderMap, body: &Bytes) -> Half {
    let shown = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let pairs = headers.iter().map(|(name, value)| (name.to_string(), shown(value))).collect();
    Half { id, title, headers: pairs, body: readable(headers, body), size: body.len() }
}

/// JSON with its structure shown, other text as it is.
fn readable(headers: &HeaderMap, body: &Bytes) -> Body {
    let Ok(text) = std::str::from_utf8(body) else { return Body::Binary };
    if text.is_empty() {
        return Body::Empty;
    }
    let says_json = headers.get(CONTENT_TYPE).is_some_and(|of| String::from_utf8_lossy(of.as_bytes()).contains("json"));
    let json = says_json.then(|| serde_json::from_str::<Value>(text).ok()).flatten();
    let text = json.and_then(|json| serde_json::to_string_pretty(&json).ok()).unwrap_or_else(|| text.to_owned());
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Body::Text(text.get(..end).unwrap_or_default().to_owned(), true),
        None => Body::Text(text, false),
    }
}

/// The command that sends the request again; none where its body is no text, or too long for a command.
fn curl(entry: &Entry) -> Option<String> {
    let body = std::str::from_utf8(&entry.request_body).ok().filter(|body| body.len() < SHOWN)?;
    let mut command = format!("curl {}", quoted(&entry.url()));
    if entry.method == Method::HEAD {
        command += " --head";
    } else if entry.method != Method::GET || !body.is_empty() {
        command += &format!(" -X {}", entry.method);
    }
    let own = [HOST, CONTENT_LENGTH];
    for (name, value) in entry.request_headers.iter().filter(|(name, _)| !own.contains(name)) {
        command += &format!(" \\\n  -H {}", quoted(&format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))));
    }
    if !body.is_empty() {
        command += &format!(" \\\n  --data-raw {}", quoted(body));
    }
    Some(command)
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_shell_ends_where_it_should() {
        assert_eq!(quoted("it's; rm -rf $HOME `x` \\"), r"'it'\''s; rm -rf $HOME `x` \'");
    }
}
