//! Reads a page of the wallet as a browser without JavaScript does: what it shows, and what its forms would send.

use std::fmt::Write as _;

use crate::client::{Call, Client};

/// An element's start, with its attributes.
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, String)>,
}

impl<'a> Tag<'a> {
    fn read(text: &'a str) -> Self {
        let (name, mut rest) = text.split_at(text.find(|c: char| c.is_whitespace() || c == '/').unwrap_or(text.len()));
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
            if rest.is_empty() {
                return Self { name, attributes };
            }
            let end = rest.find(|c: char| c.is_whitespace() || c == '=' || c == '/').unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            let (value, after) = match after.strip_prefix("=\"") {
                Some(quoted) => quoted.split_once('"').expect("an attribute's value ends"),
                None => ("", after),
            };
            attributes.push((key, unescaped(value)));
            rest = after;
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    fn named(&self) -> Option<String> {
        self.get("name").map(str::to_owned)
    }
}

enum Piece<'a> {
    Start(Tag<'a>),
    End(&'a str),
    Text(String),
}

/// The pieces of the page's body, without drawings.
fn pieces(html: &str) -> Vec<Piece<'_>> {
    let body = html.split_once("<body>").expect("a page has a body").1;
    let mut pieces = Vec::new();
    let mut rest = body;
    while let Some((text, after)) = rest.split_once('<') {
        if !text.trim().is_empty() {
            pieces.push(Piece::Text(unescaped(text)));
        }
        let end = after.find('>').expect("a tag ends");
        let (tag, after) = after.split_at(end);
        rest = &after[1..];
        match tag.strip_prefix('/') {
            Some(name) => pieces.push(Piece::End(name)),
            None if tag.starts_with("svg") => rest = rest.split_once("</svg>").expect("a drawing ends").1,
            None => pieces.push(Piece::Start(Tag::read(tag))),
        }
    }
    pieces
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';').unwrap_or_else(|| panic!("a bare & stands in {text:?}"));
        let character = match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            code => {
                let code = code.strip_prefix('#').and_then(|code| code.parse().ok()).and_then(char::from_u32);
                code.unwrap_or_else(|| panic!("{entity:?} is an entity that this does not know"))
            }
        };
        plain.push(character);
        plain.push_str(rest);
    }
    plain
}

/// What a person sees of the card, a line a block. Fields are shown as `[name: value]`, selectors with all that they offer if that is
/// not much, links as `text <url>`.
pub(super) fn shown(html: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    let mut link = None;
    let mut hidden_depth = 0_usize;
    let mut select: Option<(String, Vec<String>, String)> = None;
    let mut option = None;
    let mut in_card = false;
    for piece in pieces(html) {
        let line = lines.last_mut().expect("there is always a line");
        match piece {
            Piece::Start(tag) if tag.name == "main" => in_card = true,
            _ if !in_card => {}
            Piece::Start(tag) if tag.get("class") == Some("vh") => {
                hidden_depth += usize::from(matches!(tag.name, "span" | "legend" | "caption"));
            }
            Piece::End("span" | "legend" | "caption") if hidden_depth > 0 => hidden_depth -= 1,
            Piece::Start(tag) => match tag.name {
                "a" => link = tag.get("href").map(str::to_owned),
                "input" => match tag.get("type") {
                    Some("hidden") => {}
                    Some("checkbox") => {
                        let mark = if tag.get("checked").is_some() { 'x' } else { ' ' };
                        let _ = write!(line, " [{mark}]");
                    }
                    _ => {
                        let _ =
                            write!(line, " [{}: {}]", tag.get("name").unwrap_or_default(), tag.get("value").unwrap_or_default());
                    }
                },
                "select" => select = Some((tag.named().unwrap_or_default(), Vec::new(), String::new())),
                "option" => option = Some(tag.get("selected").is_some()),
                "b" | "span" => {}
                _ => lines.push(String::new()),
            },
            Piece::Text(_) if hidden_depth > 0 => {}
            Piece::Text(text) => match (&mut select, option.take()) {
                (Some((_, options, chosen)), Some(selected)) => {
                    if selected {
                        chosen.clone_from(&text);
                    }
                    options.push(text);
                }
                _ => line.push_str(&text),
            },
            Piece::End("a") => {
                if let Some(link) = link.take() {
                    let _ = write!(line, " <{link}>");
                }
            }
            Piece::End("select") => {
                if let Some((name, options, chosen)) = select.take() {
                    let choice = if options.len() <= 5 { options.join(" | ") } else { format!("{} options", options.len()) };
                    let _ = write!(line, " [{name}: {chosen} of {choice}]");
                }
            }
            Piece::End("b" | "span" | "option") => {}
            Piece::End(_) => lines.push(String::new()),
        }
    }
    lines
        .iter()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// A form as a browser would send it.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub action: String,
    pub method: String,
    pub pairs: Vec<(String, String)>,
}

impl Form {
    /// The form of the page whose action contains `part`.
    #[track_caller]
    pub(super) fn of(html: &str, part: &str) -> Self {
        let mut forms: Vec<Self> = Vec::new();
        let mut select: Option<(String, Option<String>)> = None;
        let mut is_open = false;
        for piece in pieces(html) {
            match piece {
                Piece::Start(tag) if tag.name == "form" => {
                    is_open = true;
                    forms.push(Self {
                        action: tag.get("action").expect("a form has an action").to_owned(),
                        method: tag.get("method").unwrap_or("get").to_owned(),
                        pairs: Vec::new(),
                    });
                }
                Piece::End("form") => is_open = false,
                Piece::Start(tag) if is_open && tag.name == "input" => {
                    let is_unticked = tag.get("type") == Some("checkbox") && tag.get("checked").is_none();
                    if let (false, Some(name), Some(form)) = (is_unticked, tag.named(), forms.last_mut()) {
                        form.pairs.push((name, tag.get("value").unwrap_or_default().to_owned()));
                    }
                }
                Piece::Start(tag) if is_open && tag.name == "select" => select = tag.named().map(|name| (name, None)),
                Piece::Start(tag) if tag.name == "option" => {
                    if let Some((_, chosen)) = &mut select
                        && (tag.get("selected").is_some() || chosen.is_none())
                    {
                        *chosen = tag.get("value").map(str::to_owned);
                    }
                }
                Piece::End("select") => {
                    if let (Some((name, chosen)), Some(form)) = (select.take(), forms.last_mut()) {
                        form.pairs.push((name, chosen.unwrap_or_default()));
                    }
                }
                _ => {}
            }
        }
        forms.into_iter().find(|form| form.action.contains(part)).unwrap_or_else(|| panic!("no form leads to {part} in {html}"))
    }

    /// The value that a field has.
    #[track_caller]
    pub(super) fn value(&self, name: &str) -> &str {
        let pair = self.pairs.iter().find(|(key, _)| key == name);
        &pair.unwrap_or_else(|| panic!("there is no field {name} in {:?}", self.pairs)).1
    }

    /// The form after a person typed or selected something.
    #[track_caller]
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        let pair = self.pairs.iter_mut().find(|(key, _)| key == name);
        value.clone_into(&mut pair.unwrap_or_else(|| panic!("there is no field {name}")).1);
        self
    }

    /// The form after a person took an item's tick away.
    #[track_caller]
    pub(super) fn without(mut self, item: &str) -> Self {
        let at = self.pairs.iter().position(|(key, value)| key == "selected" && value == item);
        self.pairs.remove(at.unwrap_or_else(|| panic!("{item} cannot be left out: {:?}", self.pairs)));
        self
    }

    /// Sends it.
    pub(super) fn send<'a>(&self, client: &'a Client) -> Call<'a> {
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.pairs).finish();
        if self.method == "get" {
            return client.get(&format!("{}?{encoded}", self.action));
        }
        client.post(&self.action, encoded.as_str()).header("content-type", "application/x-www-form-urlencoded")
    }
}
