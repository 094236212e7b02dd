//! What a server offers: operations, credentials, simulations, settings. Names in scenarios are checked against it.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::client::Client;
use super::format::{Action, Auth, Request, Scenario, Setting, Target, Use};
use super::mistakes::{Mistakes, Place, instead};
use super::vars::{Vars, fill_with, plain};

/// What a server offers.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    providers: BTreeMap<String, Offer>,
}

#[derive(Debug, Default)]
struct Offer {
    operations: BTreeMap<String, Operation>,
    schemes: BTreeMap<String, Scheme>,
    credentials: BTreeSet<String>,
    simulations: BTreeSet<String>,
    settings: BTreeSet<String>,
}

/// An operation of a provider.
#[derive(Debug)]
pub(super) struct Operation {
    pub method: Method,
    /// Its path, parameters in braces.
    pub path: String,
    /// The security schemes that it takes, each alternative a list; none for a public one.
    security: Vec<Vec<String>>,
}

/// How a credential is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scheme {
    Bearer,
    Basic,
    Header(String),
    Query(String),
}

/// What a credential adds to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Header(String, String),
    Query(String, String),
}

#[derive(Deserialize)]
struct Info {
    providers: Vec<ProviderInfo>,
}

#[derive(Deserialize)]
struct ProviderInfo {
    slug: String,
    environment: Vec<Variable>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    value: String,
}

impl Catalog {
    /// Asks a server, whose control API is at `control`.
    pub(super) fn of(client: &mut Client, control: &str) -> Result<Self, String> {
        let info: Info = read(client, &format!("{control}/info"))?;
        let mut providers = BTreeMap::new();
        for provider in info.providers {
            let document: Value = read(client, &format!("{control}/openapi/{}.json", provider.slug))?;
            let settings: Value = read(client, &format!("{control}/settings/{}", provider.slug))?;
            let names = settings.get("settings").and_then(Value::as_array).into_iter().flatten();
            let offer = Offer {
                operations: operations(&document),
                schemes: schemes(&document),
                credentials: provider.environment.into_iter().map(|variable| variable.name).collect(),
                simulations: BTreeSet::new(),
                settings: names.filter_map(|setting| setting.get("key")?.as_str().map(str::to_owned)).collect(),
            };
            providers.insert(provider.slug, offer);
        }
        let simulations: Value = read(client, &format!("{control}/simulations"))?;
        for simulation in simulations.get("simulations").and_then(Value::as_array).into_iter().flatten() {
            let word = |key: &str| simulation.get(key).and_then(Value::as_str);
            if let (Some(slug), Some(name)) = (word("provider"), word("name"))
                && let Some(offer) = providers.get_mut(slug)
            {
                offer.simulations.insert(name.to_owned());
            }
        }
        Ok(Self { providers })
    }

    /// An operation of a provider.
    pub(super) fn operation(&self, slug: &str, id: &str) -> Option<&Operation> {
        self.providers.get(slug)?.operations.get(id)
    }

    /// The operation that a method and a path below a provider lead to.
    pub(super) fn at(&self, slug: &str, method: &Method, path: &str) -> Option<&Operation> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let fits = |operation: &&Operation| operation.method == *method && path_fits(&operation.path, path);
        // A path without parameters goes before one with them.
        let all = || self.providers.get(slug).into_iter().flat_map(|offer| offer.operations.values()).filter(fits);
        all().find(|operation| !operation.path.contains('{')).or_else(|| all().next())
    }

    /// Whether there is a provider with this slug.
    pub(super) fn has(&self, slug: &str) -> bool {
        self.providers.contains_key(slug)
    }

    /// The variables that every world gives: addresses, test credentials.
    pub(super) fn variables(client: &mut Client, control: &str, bases: &BTreeMap<String, String>) -> Result<Vars, String> {
        let info: Info = read(client, &format!("{control}/info"))?;
        let mut vars = Vars::new();
        for provider in info.providers {
            vars.extend(provider.environment.into_iter().map(|variable| (variable.name, variable.value.into())));
        }
        vars.extend(bases.iter().map(|(slug, url)| (format!("base.{slug}"), url.clone().into())));
        vars.insert("control".to_owned(), control.into());
        vars.insert("now".to_owned(), Value::Null);
        Ok(vars)
    }

    fn built_in(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = self.providers.keys().map(|slug| format!("base.{slug}")).collect();
        names.extend(self.providers.values().flat_map(|offer| offer.credentials.iter().cloned()));
        names.extend(["control".to_owned(), "now".to_owned()]);
        names
    }

    /// Adds to `mistakes` all names in a scenario that mean nothing here.
    pub(super) fn check(&self, scenario: &Scenario, mistakes: &mut Mistakes) {
        Check { catalog: self, scenario, mistakes }.all();
    }

    /// What a request has to carry so that the provider knows its caller.
    pub(super) fn sent(
        &self,
        slug: &str,
        operation: Option<&Operation>,
        auth: &Auth,
        is_default: bool,
        vars: &Vars,
    ) -> Result<Vec<Sent>, String> {
        let Some(offer) = self.providers.get(slug) else { return Ok(Vec::new()) };
        let value = |text: &str| match vars.get(text) {
            Some(value) if offer.credentials.contains(text) => Ok(plain(value)),
            _ => fill_with(text, vars, str::to_owned),
        };
        let security = operation.map(|operation| operation.security.as_slice()).unwrap_or_default();
        let wanted: BTreeSet<&String> = security.iter().flatten().collect();
        if is_default && wanted.is_empty() {
            return Ok(Vec::new());
        }
        match auth {
            Auth::None => Ok(Vec::new()),
            Auth::One(text) => {
                let name = offer.single(security).ok_or("the operation wants no single credential")?;
                let scheme = offer.schemes.get(name).ok_or("the contract does not say how a credential is sent")?;
                Ok(vec![scheme.send(value(text)?)])
            }
            Auth::Schemes(schemes) => schemes
                .iter()
                .filter(|(name, _, _)| !is_default || wanted.contains(name))
                .filter_map(|(name, _, text)| Some((offer.schemes.get(name)?, text)))
                .map(|(scheme, text)| Ok(scheme.send(value(text)?)))
                .collect(),
        }
    }
}

impl Offer {
    /// The scheme by which a single credential is sent to an operation with this security.
    fn single(&self, security: &[Vec<String>]) -> Option<&String> {
        let single = security.iter().find_map(|schemes| match schemes.as_slice() {
            [one] => self.schemes.get_key_value(one).map(|(name, _)| name),
            _ => None,
        });
        let several = security.iter().any(|schemes| !schemes.is_empty());
        single.or_else(|| self.schemes.keys().next().filter(|_| !several))
    }
}

impl Scheme {
    fn send(&self, value: String) -> Sent {
        match self {
            Self::Bearer => Sent::Header("authorization".to_owned(), format!("Bearer {value}")),
            Self::Basic => Sent::Header("authorization".to_owned(), format!("Basic {}", STANDARD.encode(value))),
            Self::Header(name) => Sent::Header(name.clone(), value),
            Self::Query(name) => Sent::Query(name.clone(), value),
        }
    }
}

struct Check<'a> {
    catalog: &'a Catalog,
    scenario: &'a Scenario,
    mistakes: &'a mut Mistakes,
}

impl<'a> Check<'a> {
    fn all(&mut self) {
        let scenario = self.scenario;
        for (slug, place) in &scenario.providers {
            self.offer(slug, *place);
        }
        for (slug, place, _) in &scenario.start.fixtures {
            self.offer(slug, *place);
        }
        self.settings(&scenario.start.settings);
        for (slug, place, auth) in &scenario.auth {
            if self.offer(slug, *place).is_some() {
                self.auth(slug, *place, auth, None);
            }
        }
        let built_in = self.catalog.built_in();
        let mut known = built_in.clone();
        self.uses(&scenario.uses, &known);
        for (name, place, _) in &scenario.vars {
            self.declare(name, *place, &built_in, &mut known);
        }
        for step in &scenario.steps {
            self.uses(&step.uses, &known);
            self.action(&step.action);
            for capture in &step.capture {
                self.declare(&capture.name, capture.place, &built_in, &mut known);
            }
        }
    }

    fn action(&mut self, action: &Action) {
        match action {
            Action::Request(request) => self.request(request),
            Action::Simulate { slug, name, place, .. } => {
                if let Some(offer) = self.offer(slug, *place)
                    && !offer.simulations.contains(name)
                {
                    let names = instead(name, offer.simulations.iter().map(String::as_str));
                    self.mistakes.add(*place, format!("`{slug}` has no simulation `{name}`; {names}"));
                }
            }
            Action::Settings(settings) => self.settings(settings),
            Action::Outbox { provider: Some((slug, place)), .. } => drop(self.offer(slug, *place)),
            _ => {}
        }
    }

    fn request(&mut self, request: &Request) {
        let place = request.place;
        let (slug, operation) = match &request.target {
            Target::Operation { slug, id } => {
                let Some(offer) = self.offer(slug, place) else { return };
                let Some(operation) = offer.operations.get(id) else {
                    let names = instead(id, offer.operations.keys().map(String::as_str));
                    self.mistakes.add(place, format!("`{slug}` has no operation `{id}`; {names}"));
                    return;
                };
                let wanted: Vec<&str> = parameters(&operation.path).collect();
                for (name, place, _) in &request.path {
                    if !wanted.contains(&name.as_str()) {
                        let names = instead(name, wanted.iter().copied());
                        self.mistakes.add(*place, format!("the path of `{id}` has no parameter `{name}`; {names}"));
                    }
                }
                for name in wanted.iter().filter(|name| !request.path.iter().any(|(given, _, _)| given == *name)) {
                    self.mistakes.add(place, format!("`path` wants `{name}`: the path of `{id}` is {}", operation.path));
                }
                (slug.as_str(), Some(operation))
            }
            Target::Plain { method, url } => {
                let Some(rest) = url.strip_prefix('/') else { return };
                let (slug, _) = rest.split_once('/').unwrap_or((rest, ""));
                if slug == "_understudy" || slug.contains("${") {
                    return;
                }
                if self.offer(slug, place).is_none() {
                    return;
                }
                (slug, self.catalog.at(slug, method, rest.strip_prefix(slug).unwrap_or_default()))
            }
        };
        if let Some((place, auth)) = &request.auth {
            self.auth(slug, *place, auth, operation);
        }
    }

    fn auth(&mut self, slug: &str, place: Place, auth: &Auth, operation: Option<&Operation>) {
        let catalog = self.catalog;
        let Some(offer) = catalog.providers.get(slug) else { return };
        let texts: Vec<(Place, &String)> = match auth {
            Auth::None => Vec::new(),
            Auth::One(text) => {
                let security = operation.map(|operation| operation.security.as_slice()).unwrap_or_default();
                if operation.is_some() && offer.single(security).is_none() {
                    let schemes: Vec<&str> = offer.schemes.keys().map(String::as_str).collect();
                    let message = format!(
                        "one credential is not enough here: give `auth` a value for each of the schemes that are wanted, of {}",
                        schemes.join(", ")
                    );
                    self.mistakes.add(place, message);
                }
                vec![(place, text)]
            }
            Auth::Schemes(schemes) => {
                for (name, place, _) in schemes {
                    if !offer.schemes.contains_key(name) {
                        let names = instead(name, offer.schemes.keys().map(String::as_str));
                        self.mistakes.add(*place, format!("`{slug}` has no security scheme `{name}`; {names}"));
                    }
                }
                schemes.iter().map(|(_, place, text)| (*place, text)).collect()
            }
        };
        for (place, text) in texts {
            let is_a_name = text.starts_with(|first: char| first.is_ascii_uppercase())
                && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
            if is_a_name && !offer.credentials.contains(text) {
                let names = instead(text, offer.credentials.iter().map(String::as_str));
                self.mistakes.add(place, format!("`{slug}` has no test credential `{text}`; {names}"));
            }
        }
    }

    fn settings(&mut self, settings: &[Setting]) {
        for setting in settings {
            if let Some(offer) = self.offer(&setting.slug, setting.place)
                && !offer.settings.contains(&setting.key)
            {
                let names = instead(&setting.key, offer.settings.iter().map(String::as_str));
                self.mistakes.add(setting.key_place, format!("`{}` has no setting `{}`; {names}", setting.slug, setting.key));
            }
        }
    }

    /// The provider with this slug, if there is one; a mistake otherwise, and where the scenario lists its providers without it.
    fn offer(&mut self, slug: &str, place: Place) -> Option<&'a Offer> {
        let catalog = self.catalog;
        let offer = catalog.providers.get(slug);
        if offer.is_none() {
            let names = instead(slug, catalog.providers.keys().map(String::as_str));
            self.mistakes.add(place, format!("there is no provider `{slug}`; {names}"));
        } else if !self.scenario.providers.is_empty() && !self.scenario.providers.iter().any(|(listed, _)| listed == slug) {
            self.mistakes.add(place, format!("`{slug}` is not among the `providers` of this scenario"));
        }
        offer
    }

    fn uses(&mut self, uses: &[Use], known: &BTreeSet<String>) {
        for used in uses {
            if !known.contains(&used.name) {
                let own: Vec<&str> = known.iter().map(String::as_str).collect();
                let message = format!("there is no variable `{}` here; {}", used.name, instead(&used.name, own));
                self.mistakes.add(used.place, message);
            }
        }
    }

    fn declare(&mut self, name: &str, place: Place, built_in: &BTreeSet<String>, known: &mut BTreeSet<String>) {
        if built_in.contains(name) {
            self.mistakes.add(place, format!("`{name}` is a variable that every scenario has; take another name"));
        }
        known.insert(name.to_owned());
    }
}

fn read<T: serde::de::DeserializeOwned>(client: &mut Client, url: &str) -> Result<T, String> {
    let value = client.command(Method::GET, url, None)?;
    serde_json::from_value(value).map_err(|error| format!("GET {url}: this is no answer of Understudy: {error}"))
}

/// The names of a path's parameters.
pub(super) fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.trim_start_matches('*'))
}

fn path_fits(template: &str, path: &str) -> bool {
    let mut given = path.trim_matches('/').split('/');
    for part in template.trim_matches('/').split('/') {
        if part.starts_with("{*") {
            return given.next().is_some();
        }
        match given.next() {
            Some(segment) if part.contains('{') && !segment.is_empty() => {}
            Some(segment) if part == segment => {}
            _ => return false,
        }
    }
    given.next().is_none()
}

fn operations(document: &Value) -> BTreeMap<String, Operation> {
    let security_of = |value: Option<&Value>| -> Vec<Vec<String>> {
        let alternatives = value.and_then(Value::as_array).into_iter().flatten();
        alternatives
            .filter_map(|alternative| Some(alternative.as_object()?.keys().cloned().collect::<Vec<_>>()))
            .filter(|schemes| !schemes.is_empty())
            .collect()
    };
    let usual = document.get("security");
    let mut found = BTreeMap::new();
    for (path, item) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if let Some(id) = operation.get("operationId").and_then(Value::as_str)
                && let Ok(method) = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
            {
                let security = security_of(operation.get("security").or(usual));
                found.insert(id.to_owned(), Operation { method, path: path.clone(), security });
            }
        }
    }
    found
}

fn schemes(document: &Value) -> BTreeMap<String, Scheme> {
    let all = document.pointer("/components/securitySchemes").and_then(Value::as_object).into_iter().flatten();
    all.filter_map(|(name, scheme)| {
        let word = |key: &str| scheme.get(key).and_then(Value::as_str).unwrap_or_default();
        let read = match (word("type"), word("scheme"), word("in")) {
            ("http", "bearer", _) => Scheme::Bearer,
            ("http", "basic", _) => Scheme::Basic,
            ("apiKey", _, "header") => Scheme::Header(word("name").to_owned()),
            ("apiKey", _, "query") => Scheme::Query(word("name").to_owned()),
            _ => return None,
        };
        Some((name.clone(), read))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_held_against_templates() {
        for (template, path, fits) in [
            ("/a/{id}", "/a/1", true),
            ("/a/{id}", "/a/", false),
            ("/a/{id}", "/a/1/2", false),
            ("/a/{*rest}", "/a/1/2", true),
            ("/a/b", "/a/b", true),
            ("/", "/", true),
        ] {
            assert_eq!(path_fits(template, path), fits, "{template} {path}");
        }
        assert_eq!(parameters("/a/{b}/c/{*d}").collect::<Vec<_>>(), ["b", "d"]);
    }
}
