//! Carries out the action of a step.

use std::borrow::Cow;

use http::Method;
use http::header::AUTHORIZATION;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use url::Url;

use super::catalog::{Operation, Sent, parameters};
use super::client::{Incoming, Outgoing};
use super::format::{Action, Body, Part, PartContent, Request, Scenario, Setting, Step, Target};
use super::report::Half;
use super::run::{Acted, Moment, Stage, World};
use super::vars::{Vars, fill, fill_with, plain};
use crate::control::access::TOKEN_HEADER;

/// What a path segment keeps as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How often a browser follows redirects for one address.
const MOST_REDIRECTS: usize = 10;

/// Between the parts of a multipart body.
const BOUNDARY: &str = "understudy-6f1c0c5e7a9b4d3e";

impl Action {
    /// The action in a few words, before it is carried out.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Request(request) => match &request.target {
                Target::Operation { slug, id } => format!("{slug}.{id}"),
                Target::Plain { method, url } => format!("{method} {url}"),
            },
            Self::Simulate { slug, name, .. } => format!("simulate {slug}/{name}"),
            Self::Advance(by) => format!("advance the clock by {by}"),
            Self::SetClock { now: Some(now), .. } => format!("set the clock to {now}"),
            Self::SetClock { running: Some(true), .. } => "let the clock run".to_owned(),
            Self::SetClock { .. } => "freeze the clock".to_owned(),
            Self::Settings(settings) => {
                let settings: Vec<String> =
                    settings.iter().map(|setting| format!("{}.{} = {}", setting.slug, setting.key, setting.value)).collect();
                format!("set {}", settings.join(", "))
            }
            Self::Fault(_) => "add a fault".to_owned(),
            Self::ClearFaults => "clear the faults".to_owned(),
            Self::Reset => "reset the world".to_owned(),
            Self::Outbox { to, .. } => match to {
                Some(to) => format!("read the newest message to {to}"),
                None => "read the newest message".to_owned(),
            },
            Self::Open(url) => format!("open {url}"),
            Self::Pause(_) => "pause".to_owned(),
            Self::Nothing => String::new(),
        }
    }
}

impl Stage {
    pub(super) fn act(
        &mut self,
        scenario: &Scenario,
        world: &World,
        step: &Step,
        vars: &Vars,
        show: &mut dyn FnMut(Moment<'_>),
    ) -> Result<Acted, String> {
        match &step.action {
            Action::Request(request) => self.request(scenario, world, request, vars),
            Action::Simulate { slug, name, input, .. } => {
                self.told(world, Method::POST, &format!("simulations/{slug}/{name}"), Some(&fill(input, vars)?))
            }
            Action::Advance(by) => {
                let by = fill_with(by, vars, str::to_owned)?;
                self.told(world, Method::POST, "clock/advance", Some(&json!({ "by": by })))
            }
            Action::SetClock { now, running } => {
                let mut wanted = serde_json::Map::new();
                if let Some(now) = now {
                    wanted.insert("now".to_owned(), fill_with(now, vars, str::to_owned)?.into());
                }
                if let Some(running) = running {
                    wanted.insert("mode".to_owned(), if *running { "running" } else { "frozen" }.into());
                }
                self.told(world, Method::PUT, "clock", Some(&wanted.into()))
            }
            Action::Settings(settings) => self.settings(world, settings, vars),
            Action::Fault(rule) => self.told(world, Method::POST, "faults", Some(&fill(rule, vars)?)),
            Action::ClearFaults => self.told(world, Method::DELETE, "faults", None),
            Action::Reset => {
                self.client.forget();
                self.told(world, Method::POST, "reset", Some(&json!({})))
            }
            Action::Outbox { to, channel, provider } => {
                let to = to.as_ref().map(|to| fill_with(to, vars, str::to_owned)).transpose()?;
                let slug = provider.as_ref().map(|(slug, _)| slug.as_str());
                self.message(world, to.as_deref(), channel.as_deref(), slug)
            }
            Action::Open(url) => {
                let url = fill_with(url, vars, str::to_owned)?;
                show(Moment::Opens(&url));
                let action = Some(format!("open {url}"));
                if step.expect.is_nothing() && step.capture.is_empty() {
                    return Ok(Acted { action, ..Acted::default() });
                }
                let answer = Some(self.browse(world, &url)?);
                Ok(Acted { action, request: None, answer })
            }
            Action::Pause(pause) => {
                show(Moment::Pause(*pause));
                Ok(Acted::default())
            }
            Action::Nothing => Ok(Acted::default()),
        }
    }

    /// A call of the control API, whose answer is the step's.
    fn told(&mut self, world: &World, method: Method, path: &str, body: Option<&Value>) -> Result<Acted, String> {
        let answer = self.client.control(method, &format!("{}/{path}", world.control), body);
        let request = body.map(|body| Half { status: None, body: body.clone() });
        Ok(Acted { action: None, request, answer: Some(answer) })
    }

    fn settings(&mut self, world: &World, settings: &[Setting], vars: &Vars) -> Result<Acted, String> {
        let mut last = Acted::default();
        for setting in settings {
            let value = json!({ &setting.key: fill(&setting.value, vars)? });
            last = self.told(world, Method::PUT, &format!("settings/{}", setting.slug), Some(&value))?;
            if last.answer.as_ref().is_some_and(|answer| answer.as_ref().map_or(true, |answer| answer.status >= 400)) {
                break;
            }
        }
        Ok(last)
    }

    fn message(&mut self, world: &World, to: Option<&str>, channel: Option<&str>, slug: Option<&str>) -> Result<Acted, String> {
        let mut all = self.client.command(Method::GET, &format!("{}/outbox", world.control), None)?;
        let word = |message: &Value, key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let messages = match all.get_mut("messages").map(Value::take) {
            Some(Value::Array(messages)) => messages,
            _ => Vec::new(),
        };
        let newest = messages.iter().rev().find(|message| {
            [("to", to), ("channel", channel), ("provider", slug)]
                .into_iter()
                .all(|(key, wanted)| wanted.is_none_or(|wanted| word(message, key) == wanted))
        });
        let found = newest.ok_or_else(|| {
            let others: Vec<String> =
                messages.iter().map(|message| format!("{} to {}", word(message, "channel"), word(message, "to"))).collect();
            format!("no such message was sent; there are {}: {}", others.len(), others.join(", "))
        })?;
        let answer = Incoming { status: 200, headers: http::HeaderMap::new(), body: found.to_string().into_bytes() };
        Ok(Acted { action: to.map(|to| format!("read the newest message to {to}")), request: None, answer: Some(Ok(answer)) })
    }

    /// Opens an address as a browser does: follows redirects, but not away from the server.
    fn browse(&mut self, world: &World, url: &str) -> Result<Result<Incoming, String>, String> {
        let mut url = absolute(world, url)?;
        for _ in 0..MOST_REDIRECTS {
            let headers = vec![("accept".to_owned(), "text/html,*/*;q=0.8".to_owned())];
            let answer = self.client.send(&Outgoing { method: Method::GET, url: url.clone(), headers, body: Vec::new() });
            let Ok(page) = &answer else { return Ok(answer) };
            let next = page.header("location").filter(|_| (300..400).contains(&page.status));
            let next = next.and_then(|next| Url::parse(&url).ok()?.join(&next).ok());
            match next {
                Some(next) if is_here(world, &next) => next.as_str().clone_into(&mut url),
                _ => return Ok(answer),
            }
        }
        Ok(Err(format!("{url} leads from redirect to redirect")))
    }

    fn request(&mut self, scenario: &Scenario, world: &World, request: &Request, vars: &Vars) -> Result<Acted, String> {
        let (method, address, slug) = self.address(world, request, vars)?;
        let mut url = Url::parse(&address).map_err(|error| format!("{address:?} is no URL: {error}"))?;
        if !is_here(world, &url) {
            return Err(format!("{address} is not on the server that the scenario plays on"));
        }
        let mut headers = Vec::new();
        for (name, value) in &request.headers {
            headers.push((name.clone(), plain(&fill(value, vars)?)));
        }
        if !request.query.is_empty() {
            let mut query = url.query_pairs_mut();
            for (name, value) in &request.query {
                query.append_pair(name, &plain(&fill(value, vars)?));
            }
        }
        if let Some(slug) = &slug {
            let usual = scenario.auth.iter().find(|(of, _, _)| of == slug).map(|(_, _, auth)| (auth, true));
            let auth = request.auth.as_ref().map(|(_, auth)| (auth, false)).or(usual);
            let operation = match &request.target {
                Target::Operation { slug, id } => self.catalog.operation(slug, id),
                Target::Plain { method, .. } => {
                    let base = world.bases.get(slug).map(String::as_str).unwrap_or_default();
                    self.catalog.at(slug, method, address.strip_prefix(base).unwrap_or_default())
                }
            };
            if let Some((auth, is_default)) = auth {
                for sent in self.catalog.sent(slug, operation, auth, is_default, vars)? {
                    match sent {
                        Sent::Header(name, value) => headers.push((name, value)),
                        Sent::Query(name, value) => drop(url.query_pairs_mut().append_pair(&name, &value)),
                    }
                }
            }
        }
        let has = |name: &str| headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        let brings_its_own = request.auth.is_some() || has(AUTHORIZATION.as_str()) || has(TOKEN_HEADER.as_str());
        if is_below(&world.control, url.as_str()) && !brings_its_own {
            headers.extend(self.client.token().map(|token| (TOKEN_HEADER.to_string(), token.to_owned())));
        }
        let (content_type, body) = bytes(&request.body, vars)?;
        if let Some(content_type) = content_type
            && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            headers.push(("content-type".to_owned(), content_type.into_owned()));
        }
        let shown = Half::new(None, &body);
        let below = url.as_str().strip_prefix(&world.url).unwrap_or(url.as_str());
        let action = Some(format!("{method} {below}"));
        let answer = self.client.send(&Outgoing { method, url: url.to_string(), headers, body });
        Ok(Acted { action, request: Some(shown), answer: Some(answer) })
    }

    /// Method, whole URL and provider of a request.
    fn address(&self, world: &World, request: &Request, vars: &Vars) -> Result<(Method, String, Option<String>), String> {
        match &request.target {
            Target::Operation { slug, id } => {
                let operation = self.catalog.operation(slug, id).ok_or_else(|| format!("`{slug}` has no operation `{id}`"))?;
                let base = world.bases.get(slug).ok_or_else(|| format!("there is no provider `{slug}`"))?;
                Ok((operation.method.clone(), format!("{base}{}", path(operation, request, vars)?), Some(slug.clone())))
            }
            Target::Plain { method, url } => {
                let url = absolute(world, &fill_with(url, vars, str::to_owned)?)?;
                let slug = world.bases.iter().find(|(_, base)| is_below(base, &url)).map(|(slug, _)| slug.clone());
                Ok((method.clone(), url, slug.filter(|slug| self.catalog.has(slug))))
            }
        }
    }
}

/// The path of an operation with its parameters put in.
fn path(operation: &Operation, request: &Request, vars: &Vars) -> Result<String, String> {
    let mut path = operation.path.clone();
    for name in parameters(&operation.path) {
        let value = request.path.iter().find(|(given, _, _)| given == name).map(|(_, _, value)| value);
        let value = plain(&fill(value.unwrap_or(&Value::Null), vars)?);
        let whole_rest = format!("{{*{name}}}");
        if path.contains(&whole_rest) {
            let segments: Vec<String> = value.split('/').map(|segment| utf8_percent_encode(segment, SEGMENT).to_string()).collect();
            path = path.replace(&whole_rest, &segments.join("/"));
        } else {
            path = path.replace(&format!("{{{name}}}"), &utf8_percent_encode(&value, SEGMENT).to_string());
        }
    }
    Ok(path)
}

/// A path that begins with a provider's slug (or `_understudy`) as a URL of the world; a URL as it is.
fn absolute(world: &World, url: &str) -> Result<String, String> {
    let Some(rest) = url.strip_prefix('/') else { return Ok(url.to_owned()) };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (slug, below) = rest.split_at(end);
    if slug == "_understudy" {
        return Ok(format!("{}{below}", world.control));
    }
    let base = world.bases.get(slug).ok_or_else(|| format!("`{url}` begins with no provider's slug"))?;
    Ok(format!("{base}{below}"))
}

/// Whether a URL begins with a base URL.
fn is_below(base: &str, url: &str) -> bool {
    url.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

/// Whether a URL is on the server: a scenario never calls anybody else.
fn is_here(world: &World, url: &Url) -> bool {
    let own = std::iter::once(&world.url).chain(world.bases.values());
    own.filter_map(|base| Url::parse(base).ok()).any(|base| base.origin() == url.origin())
}

/// The content type and the bytes of a body.
fn bytes<'a>(body: &'a Body, vars: &Vars) -> Result<(Option<Cow<'a, str>>, Vec<u8>), String> {
    Ok(match body {
        Body::None => (None, Vec::new()),
        Body::Json(json) => (Some("application/json".into()), fill(json, vars)?.to_string().into_bytes()),
        Body::Text(text) => (Some("text/plain; charset=utf-8".into()), fill_with(text, vars, str::to_owned)?.into_bytes()),
        Body::Bytes(bytes) => (Some("application/octet-stream".into()), bytes.clone()),
        Body::Form(fields) => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in fields {
                form.append_pair(name, &plain(&fill(value, vars)?));
            }
            (Some("application/x-www-form-urlencoded".into()), form.finish().into_bytes())
        }
        Body::Multipart(parts) => (Some(format!("multipart/form-data; boundary={BOUNDARY}").into()), multipart(parts, vars)?),
    })
}

fn multipart(parts: &[Part], vars: &Vars) -> Result<Vec<u8>, String> {
    let quoted = |text: &str| text.replace('"', "%22").replace(['\r', '\n'], " ");
    let mut body = Vec::new();
    for Part { name, file, content_type, content } in parts {
        let mut head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(name));
        if let Some(file) = file {
            head += &format!("; filename=\"{}\"", quoted(file));
        }
        if let Some(content_type) = content_type {
            head += &format!("\r\nContent-Type: {}", quoted(content_type));
        }
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(b"\r\n\r\n");
        match content {
            PartContent::Text(value) => body.extend_from_slice(plain(&fill(value, vars)?).as_bytes()),
            PartContent::Bytes(bytes) => body.extend_from_slice(bytes),
        }
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    Ok(body)
}
