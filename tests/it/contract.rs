//! A provider's OpenAPI 3.1 document as a judge: of every answer a test receives, and of itself.
//!
//! [`Contract::check`] says how an answer breaks the document, [`Contract::coverage`] which answers
//! were seen so far, and [`Contract::flaws`] what is wrong with the document.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header::CONTENT_TYPE};
use jsonschema::{Draft, Registry, ValidationError, Validator, error::ValidationErrorKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

/// Name under which schemas refer to the document that they are part of.
const BASE: &str = "urn:understudy:contract";

/// What a JSON pointer must escape to become the fragment of a reference.
const FRAGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'~').remove(b'-').remove(b'_');

/// Keys of a path item that are operations.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Formats that OpenAPI defines as hints, without a rule for strings. Any other format that is not
/// JSON Schema's own is a flaw: a misspelled one would check nothing.
const HINTS: [&str; 7] = ["int32", "int64", "float", "double", "password", "binary", "byte"];

/// Objects of a document whose keys are names chosen by its author, not keywords.
const NAMED: [&str; 16] = [
    "$defs",
    "callbacks",
    "content",
    "dependentSchemas",
    "encoding",
    "headers",
    "links",
    "parameters",
    "pathItems",
    "paths",
    "patternProperties",
    "properties",
    "requestBodies",
    "responses",
    "schemas",
    "webhooks",
];

/// Parts of a document that hold values and no description of any.
const VALUES: [&str; 6] = ["const", "default", "enum", "example", "examples", "mapping"];

/// An OpenAPI document, ready to check answers. Validators are made when first needed and kept, so
/// one contract, shared by all tests of a provider, pays for each schema once.
pub(crate) struct Contract {
    document: Value,
    registry: Registry<'static>,
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
    seen: Mutex<BTreeMap<String, BTreeSet<u16>>>,
}

impl Contract {
    /// Takes an OpenAPI 3.1 document.
    ///
    /// # Panics
    ///
    /// When it is of another version.
    pub(crate) fn new(openapi: Value) -> Self {
        let version = openapi["openapi"].as_str().unwrap_or("no version");
        assert!(version.starts_with("3.1."), "an OpenAPI 3.1 document is needed, not {version}");
        let resource = Draft::Draft202012.create_resource(openapi.clone());
        let registry = Registry::new()
            .add(BASE, resource)
            .and_then(jsonschema::RegistryBuilder::prepare)
            .unwrap_or_else(|error| panic!("the OpenAPI document refers outside itself: {error}"));
        Self { document: openapi, registry, validators: Mutex::default(), seen: Mutex::default() }
    }

    /// Checks one answer to `method` on `path`, which is relative to the provider's base URL and may
    /// carry a query. The error says which operation and status broke which rule, and shows the body.
    pub(crate) fn check(&self, method: &Method, path: &str, answer: &Response<Bytes>) -> Result<(), String> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let operation = self.operation(method, path);
        self.judge(method, path, answer, operation.as_ref().ok()).map_err(|reason| {
            let id = match &operation {
                Ok(operation) => operation.text("operationId").unwrap_or("an operation without id"),
                Err(why) => why,
            };
            let status = answer.status().as_u16();
            let body = excerpt(&String::from_utf8_lossy(answer.body()), 1000);
            format!("{method} {path} ({id}) answered {status}: {reason}\n  body: {body}")
        })
    }

    /// The statuses seen so far, by operation id.
    pub(crate) fn coverage(&self) -> BTreeMap<String, BTreeSet<u16>> {
        self.seen.lock().expect("no holder panics").clone()
    }

    /// All that is wrong with the document itself, each flaw with its place; none when it is sound:
    /// operations need a unique id, an answer and an `x-provenance`; schemas must be valid; examples
    /// must be valid under their schemas.
    pub(crate) fn flaws(&self) -> Vec<String> {
        self.flaws_of(true)
    }

    /// As [`Contract::flaws`], for an API of our own: nobody asks how sure we are of it.
    pub(crate) fn flaws_of_our_own(&self) -> Vec<String> {
        self.flaws_of(false)
    }

    fn flaws_of(&self, emulated: bool) -> Vec<String> {
        let mut flaws = Vec::new();
        let mut ids = BTreeSet::new();
        for operation in operations(&self.document) {
            let mut flaw = |what: &str| flaws.push(format!("{}: {what}", operation.pointer));
            match operation.text("operationId") {
                None => flaw("has no operationId"),
                Some(id) if !ids.insert(id) => flaw("has the operationId of another operation"),
                Some(_) => {}
            }
            if emulated && operation.value.get("x-provenance").is_none() {
                flaw("has no x-provenance");
            }
            if operation.children("responses").is_empty() {
                flaw("declares no response");
            }
        }
        walk(&self.root(), &mut |place| self.examine(place, &mut flaws));
        flaws
    }

    /// Checks what one object of the document says: its provenance, its schema and its examples.
    fn examine(&self, place: &Place<'_>, flaws: &mut Vec<String>) {
        if let Some(provenance) = place.raw("x-provenance") {
            let word = provenance.value.as_str().and_then(|text| text.split([':', ' ']).next());
            if !matches!(word, Some("documented" | "observed" | "assumed")) {
                flaws.push(format!("{}: not documented, observed or assumed", provenance.pointer));
            }
        }
        let own = place.pointer.rsplit_once('/').is_some_and(|(parent, _)| parent == "/components/schemas");
        let schema = if own { Some(place.clone()) } else { place.raw("schema") };
        if let Some(schema) = &schema {
            let validity = jsonschema::meta::validate(schema.value).map_err(|error| reason(&error));
            if let Err(error) = validity.and_then(|()| self.compile(&schema.pointer).map(drop)) {
                flaws.push(format!("{}: {error}", schema.pointer));
                return;
            }
        }
        let subject = place.raw("schema").unwrap_or_else(|| place.clone());
        let mut example = |at: String, value: &Value| {
            let verdict = self.compile(&subject.pointer).and_then(|v| verdict(&v, value));
            flaws.extend(verdict.err().map(|reason| format!("{at}: {reason}")));
        };
        if let Some(value) = place.raw("example") {
            example(value.pointer.clone(), value.value);
        }
        match place.raw("examples") {
            Some(list) if list.value.is_array() => {
                for (n, value) in list.value.as_array().into_iter().flatten().enumerate() {
                    example(format!("{}/{n}", list.pointer), value);
                }
            }
            Some(_) => {
                for (_, named) in place.children("examples") {
                    if let Some(value) = named.raw("value") {
                        example(value.pointer.clone(), value.value);
                    }
                }
            }
            None => {}
        }
    }

    fn judge(&self, method: &Method, path: &str, answer: &Response<Bytes>, operation: Option<&Place<'_>>) -> Result<(), String> {
        let status = answer.status();
        let Some(operation) = operation else {
            let due = self.due_without_operation(method, path);
            let words: Vec<_> = due.iter().map(u16::to_string).collect();
            return ensure(due.contains(&status.as_u16()), format!("{} was due", words.join(" or ")));
        };
        let declared = operation.children("responses");
        let range = format!("{}xx", &status.as_str()[..1]);
        let Some(response) = pick(&declared, [status.as_str(), &range, "default"]) else {
            if status == StatusCode::NOT_FOUND && path.len() > 1 && path.ends_with('/') {
                return Ok(()); // whether /things/ is /things is the real service's business
            }
            let declared: Vec<_> = declared.into_iter().map(|(status, _)| status).collect();
            return Err(format!("not among the declared statuses {}", declared.join(", ")));
        };
        let id = operation.text("operationId").unwrap_or(&operation.pointer).to_owned();
        self.seen.lock().expect("no holder panics").entry(id).or_default().insert(status.as_u16());
        self.judge_headers(response, answer.headers())?;
        self.judge_body(method, response, answer)
    }

    /// The statuses that may answer what the document has no operation for. A path item whose service does not answer another method
    /// with 405 lists its statuses under `x-method-not-allowed`.
    /// The statuses that are right where the document has no operation. A document may say so itself, for all of it
    /// (`"x-unmatched": {"path": "302 400", "method": "400", "preflight": "204"}`) or for a path (`"x-method-not-allowed": [401, 404]`).
    fn due_without_operation(&self, method: &Method, path: &str) -> Vec<u16> {
        let own = |case: &str| {
            let statuses = self.document["x-unmatched"][case].as_str()?;
            Some(statuses.split(' ').filter_map(|status| status.parse().ok()).collect())
        };
        let is_preflight = method == Method::OPTIONS;
        let Some(template) = self.template(path) else {
            return own(if is_preflight { "preflight" } else { "path" }).unwrap_or_else(|| vec![404]);
        };
        let item = self.root().child("paths").and_then(|paths| paths.child(template));
        let of_path = item.and_then(|item| Some(item.value.get("x-method-not-allowed")?.as_array()?.clone()));
        let of_path = of_path.map(|own| own.iter().filter_map(|status| u16::try_from(status.as_u64()?).ok()).collect());
        let usual = if is_preflight { vec![204, 405] } else { vec![405] };
        own(if is_preflight { "preflight" } else { "method" }).or(of_path).unwrap_or(usual)
    }

    /// Required headers are there; those that are there are valid, read as text or as JSON.
    fn judge_headers(&self, response: &Place<'_>, headers: &HeaderMap) -> Result<(), String> {
        for (name, header) in response.children("headers") {
            let Some(value) = headers.get(name) else {
                if header.value["required"] == true {
                    return Err(format!("the required header {name} is missing"));
                }
                continue;
            };
            let Some(schema) = header.raw("schema") else {
                continue;
            };
            let validator = self.validator(&schema.pointer);
            let text = String::from_utf8_lossy(value.as_bytes());
            let number = serde_json::from_str(&text).ok();
            if !number.is_some_and(|number| validator.is_valid(&number)) {
                verdict(&validator, &json!(text)).map_err(|why| format!("header {name}: {why}"))?;
            }
        }
        Ok(())
    }

    fn judge_body(&self, method: &Method, response: &Place<'_>, answer: &Response<Bytes>) -> Result<(), String> {
        let body = answer.body();
        let content = response.children("content");
        if content.is_empty() || method == Method::HEAD {
            return ensure(body.is_empty(), "a body, where none is due");
        }
        let sent = answer.headers().get(CONTENT_TYPE).map(|sent| String::from_utf8_lossy(sent.as_bytes()));
        let essence = essence(sent.as_deref().unwrap_or_default());
        let range = format!("{}/*", essence.split('/').next().unwrap_or_default());
        let Some(media) = pick(&content, [&essence, &range, "*/*"]) else {
            let declared: Vec<_> = content.iter().map(|(range, _)| *range).collect();
            let declared = declared.join(", ");
            return Err(format!("content type {essence:?} is not among the declared {declared}"));
        };
        ensure(!body.is_empty(), format!("no body, where {essence} is declared"))?;
        let schema = media.raw("schema");
        if essence == "application/json" || essence.ends_with("+json") {
            let value: Value = serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
            schema.map_or(Ok(()), |schema| verdict(&self.validator(&schema.pointer), &value))
        } else if let Some(schema) = schema.filter(|schema| schema.follow().text("type") == Some("string")) {
            let text = String::from_utf8_lossy(body);
            verdict(&self.validator(&schema.pointer), &json!(text))
        } else {
            Ok(())
        }
    }

    /// The operation that serves `method` on `path`, or why there is none. `HEAD` is served by `GET`.
    fn operation(&self, method: &Method, path: &str) -> Result<Place<'_>, &'static str> {
        let template = self.template(path).ok_or("no such path in the document")?;
        let item = self.root().child("paths").and_then(|paths| paths.child(template));
        let serving = |method: &str| item.as_ref()?.child(&method.to_ascii_lowercase());
        serving(method.as_str())
            .or_else(|| (method == Method::HEAD).then(|| serving("get")).flatten())
            .ok_or("no such method on this path in the document")
    }

    /// The document's spelling of `path`: of those that match, the one with the most leading literals. A last segment `{*name}` stands
    /// for one or more.
    fn template(&self, path: &str) -> Option<&str> {
        let asked = segments(path);
        let templates = self.document["paths"].as_object()?.keys();
        templates
            .filter_map(|template| {
                let parts = segments(template);
                let literal = |(part, asked): (&&str, &&str)| literal(part, asked);
                let literals: Option<Vec<_>> = parts.iter().zip(&asked).map(literal).collect();
                let catches_all = parts.last().is_some_and(|part| part.starts_with("{*"));
                let fits = parts.len() == asked.len() || (catches_all && parts.len() < asked.len());
                fits.then_some((literals?, template.as_str()))
            })
            .max()
            .map(|(_, template)| template)
    }

    fn root(&self) -> Place<'_> {
        Place { document: &self.document, pointer: String::new(), value: &self.document }
    }

    fn validator(&self, pointer: &str) -> Arc<Validator> {
        self.compile(pointer).unwrap_or_else(|error| panic!("the schema at {pointer} is unusable: {error}"))
    }

    /// The validator of the schema at `pointer`, made unless it is there already.
    fn compile(&self, pointer: &str) -> Result<Arc<Validator>, String> {
        if let Some(made) = self.validators.lock().expect("no holder panics").get(pointer) {
            return Ok(Arc::clone(made));
        }
        let mut options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_registry(&self.registry)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false);
        for hint in HINTS {
            options = options.with_format(hint, |_| true);
        }
        let reference = format!("{BASE}#{}", utf8_percent_encode(pointer, FRAGMENT));
        let made = options.build(&json!({ "$ref": reference })).map_err(|error| error.to_string())?;
        let mut validators = self.validators.lock().expect("no holder panics");
        Ok(Arc::clone(validators.entry(pointer.to_owned()).or_insert(Arc::new(made))))
    }
}

/// The ids of all operations in a document.
pub(crate) fn operation_ids(openapi: &Value) -> BTreeSet<String> {
    operations(openapi).iter().filter_map(|o| o.text("operationId")).map(str::to_owned).collect()
}

/// All operations of a document, in its order.
fn operations(document: &Value) -> Vec<Place<'_>> {
    let root = Place { document, pointer: String::new(), value: document };
    let items = root.children("paths").into_iter();
    items.flat_map(|(_, item)| METHODS.iter().filter_map(move |method| item.child(method))).collect()
}

/// A part of a document and where it is.
#[derive(Clone)]
struct Place<'a> {
    document: &'a Value,
    pointer: String,
    value: &'a Value,
}

impl<'a> Place<'a> {
    /// What stands under `key`, be it a reference.
    fn raw(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key)?;
        let pointer = format!("{}/{}", self.pointer, key.replace('~', "~0").replace('/', "~1"));
        Some(Self { document: self.document, pointer, value })
    }

    /// What stands under `key`, or where the reference there leads.
    fn child(&self, key: &str) -> Option<Self> {
        self.raw(key).map(|place| place.follow())
    }

    /// The children of the object under `key`, references followed.
    fn children(&self, key: &str) -> Vec<(&'a str, Self)> {
        let Some(parent) = self.child(key) else {
            return Vec::new();
        };
        let keys = parent.value.as_object().into_iter().flat_map(|object| object.keys());
        keys.filter_map(|key| Some((key.as_str(), parent.child(key)?))).collect()
    }

    /// Where the reference here leads, or this place when there is none.
    fn follow(&self) -> Self {
        let mut place = self.clone();
        while let Some(reference) = place.text("$ref") {
            let local = reference.strip_prefix('#').map(|r| percent_decode_str(r).decode_utf8_lossy());
            let target = local.as_ref().and_then(|pointer| self.document.pointer(pointer));
            let (Some(pointer), Some(value)) = (local.as_ref(), target) else {
                panic!("{}: the reference {reference} leads nowhere", place.pointer);
            };
            place = Self { document: self.document, pointer: pointer.to_string(), value };
        }
        place
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.value.get(key)?.as_str()
    }
}

/// Visits each object of the document that describes something, once, where it stands.
fn walk(place: &Place<'_>, visit: &mut impl FnMut(&Place<'_>)) {
    match place.value {
        Value::Object(object) => {
            visit(place);
            for key in object.keys() {
                let Some(child) = place.raw(key) else {
                    continue;
                };
                if VALUES.contains(&key.as_str()) || key.starts_with("x-") {
                    continue;
                }
                if NAMED.contains(&key.as_str()) && child.value.is_object() {
                    let names = child.value.as_object().into_iter().flat_map(|names| names.keys());
                    names.filter_map(|name| child.raw(name)).for_each(|named| walk(&named, visit));
                } else {
                    walk(&child, visit);
                }
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                let pointer = format!("{}/{n}", place.pointer);
                walk(&Place { document: place.document, pointer, value }, visit);
            }
        }
        _ => {}
    }
}

/// A path's segments; one trailing slash is no segment.
fn segments(path: &str) -> Vec<&str> {
    let path = path.strip_suffix('/').unwrap_or(path);
    path.strip_prefix('/').unwrap_or(path).split('/').collect()
}

/// Whether `part` of a template matches a segment literally (`Some(true)`), by a parameter
/// (`Some(false)`), or not at all. A parameter may be a part of its segment, as in `{id}.json`.
fn literal(part: &str, segment: &str) -> Option<bool> {
    match (part.split_once('{'), part.rsplit_once('}')) {
        (Some((before, _)), Some((_, after))) => {
            let fits = segment.starts_with(before) && segment.ends_with(after);
            (fits && segment.len() > before.len() + after.len()).then_some(false)
        }
        _ => (part == segment).then_some(true),
    }
}

/// The child that is declared under the first of `names`, media types without their parameters.
fn pick<'c, 'a>(children: &'c [(&str, Place<'a>)], names: [&str; 3]) -> Option<&'c Place<'a>> {
    let named = |name| children.iter().find(|(declared, _)| essence(declared) == name);
    names.into_iter().find_map(named).map(|(_, child)| child)
}

fn ensure(holds: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

/// A media type without its parameters.
fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The first few ways in which `value` is not valid.
fn verdict(validator: &Validator, value: &Value) -> Result<(), String> {
    let reasons: Vec<_> = validator.iter_errors(value).take(5).map(|error| reason(&error)).collect();
    if reasons.is_empty() { Ok(()) } else { Err(reasons.join("; ")) }
}

/// Place and cause of one error; for alternatives, why each was refused.
fn reason(error: &ValidationError<'_>) -> String {
    let instance = excerpt(&error.instance().to_string(), 80);
    let place = Some(error.instance_path().as_str()).filter(|path| !path.is_empty());
    let place = place.unwrap_or("the root");
    let mut words = format!("at {place}: {}", error.masked_with(instance));
    if let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } = error.kind() {
        let refusals = context.iter().filter_map(|errors| errors.first()).map(reason);
        words = format!("{words} ({})", refusals.collect::<Vec<_>>().join(" | "));
    }
    words
}

/// At most the first `limit` characters.
fn excerpt(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        json!({
            "openapi": "3.1.0",
            "info": {"title": "Acme", "version": "1"},
            "paths": {
                "/offers": {
                    "post": {
                        "operationId": "createOffer",
                        "x-provenance": "documented",
                        "responses": {
                            "201": {
                                "description": "Made",
                                "headers": {
                                    "Location": {"required": true, "schema": {"type": "string", "format": "uri"}},
                                    "X-Left": {"schema": {"type": "integer", "minimum": 0}}
                                },
                                "content": {"application/json": {
                                    "schema": {"$ref": "#/components/schemas/Offer"},
                                    "examples": {"usual": {"$ref": "#/components/examples/Offer"}}
                                }}
                            },
                            "4XX": {"$ref": "#/components/responses/Refused"}
                        }
                    }
                },
                "/offers/{id}": {
                    "get": {
                        "operationId": "getOffer",
                        "x-provenance": "observed",
                        "responses": {
                            "200": {"description": "It", "content": {"application/json": {
                                "schema": {"$ref": "#/components/schemas/Offer"}
                            }}}
                        }
                    },
                    "delete": {
                        "operationId": "deleteOffer",
                        "x-provenance": "assumed: the service shows no way to do it",
                        "responses": {"204": {"description": "Gone"}}
                    }
                },
                "/files/{*key}": {
                    "x-method-not-allowed": [401, 404],
                    "get": {
                        "operationId": "getFile",
                        "x-provenance": "documented",
                        "responses": {"204": {"description": "Empty"}}
                    }
                },
                "/offers/latest": {
                    "get": {
                        "operationId": "latestOffer",
                        "x-provenance": "documented",
                        "responses": {"200": {"description": "A page", "content": {
                            "text/html": {"schema": {"type": "string", "pattern": "^<!doctype html>"}},
                            "image/*": {}
                        }}}
                    }
                }
            },
            "components": {
                "schemas": {
                    "Offer": {
                        "type": "object",
                        "required": ["id", "at"],
                        "additionalProperties": false,
                        "properties": {
                            "id": {"type": "string", "format": "uuid"},
                            "at": {"type": "string", "format": "date-time", "examples": ["2026-01-01T00:00:00Z"]},
                            "page": {"type": "string", "format": "uri"},
                            "mail": {"type": "string", "format": "email"},
                            "count": {"type": "integer", "format": "int64"},
                            "example": {"type": "boolean"},
                            "next": {"$ref": "#/components/schemas/Offer"},
                            "claim": {"oneOf": [{"type": "string"}, {"type": "integer", "minimum": 1}]}
                        }
                    },
                    "Error": {"type": "object", "required": ["code"], "example": {"code": "x"}}
                },
                "responses": {
                    "Refused": {"description": "No", "content": {"application/problem+json": {
                        "schema": {"$ref": "#/components/schemas/Error"}
                    }}}
                },
                "examples": {"Offer": {"value": {"id": ID, "at": "2026-01-01T00:00:00Z"}}}
            }
        })
    }

    const ID: &str = "268dd29c-c13f-4b3d-8f4a-b679d7e097fe";

    struct Answer(Response<Bytes>);

    fn answer(status: u16, body: &str) -> Answer {
        Answer(Response::builder().status(status).body(body.to_owned().into()).expect("a status"))
    }

    fn json(status: u16, body: &Value) -> Answer {
        answer(status, &body.to_string()).with("content-type", "application/json; charset=utf-8")
    }

    impl Answer {
        fn with(mut self, name: &'static str, value: &str) -> Self {
            self.0.headers_mut().insert(name, value.parse().expect("a header value"));
            self
        }

        fn to(&self, method: Method, path: &str) -> Result<(), String> {
            Contract::new(document()).check(&method, path, &self.0)
        }
    }

    fn offer(more: Value) -> Value {
        let mut offer = json!({"id": ID, "at": "2026-01-01T00:00:00.000Z"});
        let more = more.as_object().expect("an object").clone();
        offer.as_object_mut().expect("an object").extend(more);
        offer
    }

    #[track_caller]
    fn broken(verdict: Result<(), String>, words: &[&str]) {
        let violation = verdict.expect_err("the violation should be seen");
        for word in words {
            assert!(violation.contains(word), "{word:?} should be in: {violation}");
        }
    }

    #[test]
    fn an_answer_as_declared_passes() {
        let made = json(201, &offer(json!({}))).with("location", "http://localhost/offers/1").with("x-left", "3");
        made.to(Method::POST, "/offers").expect("a full answer");
        made.to(Method::POST, "/offers/?dry=1").expect("a trailing slash and a query");
        let full = offer(json!({"page": "https://a.example/?b=c", "mail": "ana@a.example", "count": 1,
            "example": true, "claim": 2, "next": offer(json!({}))}));
        json(200, &full).to(Method::GET, "/offers/1").expect("all fields");
        json(200, &full).to(Method::GET, "/offers/did%3Aa%2Fb").expect("an encoded slash is no separator");
        answer(204, "").to(Method::DELETE, "/offers/1").expect("no content");
        let problem = answer(422, r#"{"code":"x"}"#).with("content-type", "application/problem+json");
        problem.to(Method::POST, "/offers").expect("a range of statuses by reference");
        let page = answer(200, "<!doctype html>").with("content-type", "text/html;charset=utf-8");
        page.to(Method::GET, "/offers/latest").expect("a page");
        let image = answer(200, "\u{1}").with("content-type", "image/png");
        image.to(Method::GET, "/offers/latest").expect("a media type range");
    }

    #[test]
    fn an_undeclared_status_is_caught() {
        let verdict = json(200, &offer(json!({}))).to(Method::POST, "/offers");
        broken(verdict, &["POST /offers", "createOffer", "200", "declared statuses 201, 4XX", ID]);
    }

    #[test]
    fn what_is_not_in_the_document_must_be_refused() {
        broken(json(200, &json!({})).to(Method::GET, "/nothing"), &["404 was due", "no such path"]);
        broken(json(404, &json!({})).to(Method::PUT, "/offers"), &["405 was due", "no such method"]);
        broken(answer(200, "").to(Method::OPTIONS, "/offers"), &["204 or 405 was due"]);
        answer(404, "").to(Method::GET, "/nothing").expect("an unknown path");
        answer(404, "").to(Method::GET, "/offers/1/2").expect("a longer path");
        answer(405, "").to(Method::PUT, "/offers").expect("an unknown method");
        answer(204, "").to(Method::OPTIONS, "/offers").expect("a preflight");
        answer(404, "").to(Method::DELETE, "/offers/1/").expect("a service may refuse a trailing slash");
        broken(answer(404, "").to(Method::DELETE, "/offers/1"), &["declared statuses 204"]);
        broken(answer(500, "").to(Method::DELETE, "/offers/1/"), &["declared statuses 204"]);
    }

    #[test]
    fn a_last_segment_with_a_star_stands_for_several() {
        for path in ["/files/a", "/files/a/b.png"] {
            answer(204, "").to(Method::GET, path).expect("a file");
            answer(401, "").to(Method::PUT, path).expect("what the path item lists");
            broken(answer(405, "").to(Method::OPTIONS, path), &["401 or 404 was due"]);
        }
        broken(answer(204, "").to(Method::GET, "/files"), &["404 was due"]);
    }

    #[test]
    fn a_document_may_say_how_the_service_refuses_what_is_not_in_it() {
        let mut document = document();
        document["x-unmatched"] = json!({"path": "302 400", "method": "400", "preflight": "204"});
        let contract = Contract::new(document);
        let check = |method, path, status| contract.check(&method, path, &answer(status, "").0);
        check(Method::GET, "/nothing", 302).expect("an unknown path");
        check(Method::GET, "/nothing", 400).expect("an unknown path");
        check(Method::PUT, "/offers", 400).expect("an unknown method");
        check(Method::OPTIONS, "/offers", 204).expect("a preflight");
        check(Method::OPTIONS, "/nothing", 204).expect("a preflight of an unknown path");
        broken(check(Method::GET, "/nothing", 404), &["302 or 400 was due"]);
        broken(check(Method::PUT, "/offers", 405), &["400 was due"]);
    }

    #[test]
    fn a_literal_segment_beats_a_parameter() {
        let verdict = json(200, &offer(json!({}))).to(Method::GET, "/offers/latest");
        broken(verdict, &["latestOffer", "application/json", "text/html, image/*"]);
        broken(answer(204, "").to(Method::DELETE, "/offers/latest"), &["405 was due"]);
    }

    #[test]
    fn a_body_that_is_not_valid_is_caught() {
        let cases = [
            (json!({"id": 1}), "/id", "1 is not of type \"string\""),
            (json!({"id": "1"}), "/id", "uuid"),
            (json!({"at": "2026-01-01 00:00:00"}), "/at", "date-time"),
            (json!({"page": "a b"}), "/page", "uri"),
            (json!({"mail": "ana"}), "/mail", "email"),
            (json!({"extra": 1}), "the root", "'extra' was unexpected"),
            (json!({"next": {"id": ID}}), "/next", "\"at\" is a required property"),
            (json!({"claim": 0}), "/claim", "0 is less than the minimum of 1"),
        ];
        for (fields, place, words) in cases {
            let verdict = json(200, &offer(fields)).to(Method::GET, "/offers/1");
            broken(verdict, &["getOffer", "200", &format!("at {place}: "), words, "body: {"]);
        }
        let html = |body| answer(200, body).with("content-type", "text/html");
        broken(html("<p>").to(Method::GET, "/offers/latest"), &["<!doctype"]);
    }

    #[test]
    fn a_body_of_another_kind_is_caught() {
        let valid = offer(json!({})).to_string();
        let cases = [
            (answer(200, &valid), "content type \"\""),
            (answer(200, &valid).with("content-type", "text/plain"), "content type \"text/plain\""),
            (answer(200, "").with("content-type", "application/json"), "no body"),
            (answer(200, "{").with("content-type", "application/json"), "not JSON"),
        ];
        for (answer, words) in cases {
            broken(answer.to(Method::GET, "/offers/1"), &[words]);
        }
        broken(answer(204, "x").to(Method::DELETE, "/offers/1"), &["a body, where none is due"]);
    }

    #[test]
    fn a_head_answer_is_that_of_get_without_a_body() {
        answer(200, "").to(Method::HEAD, "/offers/1").expect("no body");
        broken(json(200, &offer(json!({}))).to(Method::HEAD, "/offers/1"), &["getOffer", "a body"]);
        broken(answer(500, "").to(Method::HEAD, "/offers/1"), &["declared statuses 200"]);
    }

    #[test]
    fn missing_and_wrong_headers_are_caught() {
        let made = || json(201, &offer(json!({})));
        broken(made().to(Method::POST, "/offers"), &["required header Location is missing"]);
        broken(made().with("location", "a b").to(Method::POST, "/offers"), &["header Location", "uri"]);
        let made = made().with("location", "http://localhost/offers/1");
        broken(made.with("x-left", "-1").to(Method::POST, "/offers"), &["header X-Left"]);
    }

    #[test]
    fn coverage_lists_what_was_seen() {
        let contract = Contract::new(document());
        for (method, path, status) in [
            (Method::DELETE, "/offers/1", 204),
            (Method::GET, "/offers/1", 500),
            (Method::GET, "/nothing", 404),
            (Method::POST, "/offers", 400),
        ] {
            let _ = contract.check(&method, path, &answer(status, "").0);
        }
        let expected = [("createOffer", 400), ("deleteOffer", 204)];
        let expected = expected.map(|(id, status)| (id.to_owned(), BTreeSet::from([status])));
        assert_eq!(contract.coverage(), BTreeMap::from(expected));
    }

    #[test]
    fn only_an_emulated_api_must_say_where_its_operations_are_known_from() {
        let mut ours = document();
        ours["paths"]["/offers"]["post"].as_object_mut().expect("an operation").remove("x-provenance");
        assert_eq!(Contract::new(ours.clone()).flaws(), ["/paths/~1offers/post: has no x-provenance"]);
        assert_eq!(Contract::new(ours).flaws_of_our_own(), Vec::<String>::new());
    }

    #[test]
    fn a_sound_document_has_no_flaws() {
        assert_eq!(Contract::new(document()).flaws(), Vec::<String>::new());
        let ids = ["createOffer", "deleteOffer", "getFile", "getOffer", "latestOffer"];
        assert_eq!(operation_ids(&document()), ids.map(str::to_owned).into());
    }

    #[test]
    fn flaws_of_a_document_are_found() {
        let offer = "/components/schemas/Offer";
        let get = "/paths/~1offers~1{id}/get";
        let media = "/paths/~1offers/post/responses/201/content/application~1json";
        let cases = [
            (format!("{get}/x-provenance"), json!("guessed"), "/paths/~1offers~1{id}/get/x-provenance", "assumed"),
            (format!("{get}/operationId"), json!("createOffer"), get, "another operation"),
            (format!("{get}/operationId"), json!(null), get, "no operationId"),
            (format!("{get}/responses"), json!({}), get, "no response"),
            (format!("{offer}/required"), json!(true), offer, "true is not of type \"array\""),
            (format!("{offer}/properties/at/format"), json!("datetime"), offer, "datetime"),
            (format!("{offer}/properties/next/$ref"), json!("#/components/schemas/Of"), offer, "Of"),
            (
                format!("{offer}/properties/at/examples"),
                json!(["now"]),
                "/components/schemas/Offer/properties/at/examples/0",
                "date-time",
            ),
            ("/components/schemas/Error/example".to_owned(), json!({}), "/components/schemas/Error/example", "\"code\""),
            ("/components/examples/Offer/value".to_owned(), json!({"id": ID}), "/components/examples/Offer/value", "\"at\""),
            (
                format!("{media}/examples"),
                json!({"bad": {"value": 1}}),
                "/paths/~1offers/post/responses/201/content/application~1json/examples/bad/value",
                "object",
            ),
        ];
        for (pointer, value, place, words) in cases {
            let mut flawed = document();
            *flawed.pointer_mut(&pointer).expect("a place in the document") = value;
            let flaws = Contract::new(flawed).flaws();
            let found = flaws.iter().any(|f| f.starts_with(&format!("{place}: ")) && f.contains(words));
            assert!(found, "{pointer}: {place}: {words} should be in {flaws:#?}");
        }
    }
}
