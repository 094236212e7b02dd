//! A scenario as its file says it, read and found right.

use chrono::{DateTime, Utc};
use http::Method;
use serde_json::Value;

use super::expect::{JsonPath, Pattern};
use super::mistakes::Place;

/// A story that can be played.
#[derive(Debug)]
pub struct Scenario {
    /// The file, as it was named.
    pub file: String,
    /// What it is called.
    pub title: String,
    /// What it shows, for people.
    pub description: Option<String>,
    pub(super) providers: Vec<(String, Place)>,
    pub(super) start: Start,
    pub(super) auth: Vec<(String, Place, Auth)>,
    pub(super) vars: Vec<(String, Place, Value)>,
    /// Variables that the values of `vars` and `start` name.
    pub(super) uses: Vec<Use>,
    pub(super) steps: Vec<Step>,
}

/// A variable that a text names.
#[derive(Clone, Debug)]
pub(super) struct Use {
    pub name: String,
    pub place: Place,
}

/// How the world begins.
#[derive(Debug)]
pub(super) struct Start {
    pub empty: bool,
    /// Additions to fixtures, by provider.
    pub fixtures: Vec<(String, Place, Value)>,
    pub now: DateTime<Utc>,
    pub running: bool,
    pub seed: u64,
    pub settings: Vec<Setting>,
    pub faults: Vec<Value>,
}

#[derive(Debug)]
pub(super) struct Setting {
    pub slug: String,
    pub place: Place,
    pub key: String,
    pub key_place: Place,
    pub value: Value,
}

#[derive(Debug)]
pub(super) struct Step {
    pub place: Place,
    pub say: Option<String>,
    pub action: Action,
    pub expect: Expect,
    pub capture: Vec<Capture>,
    pub uses: Vec<Use>,
}

/// Text in here may name variables.
#[derive(Debug)]
pub(super) enum Action {
    Request(Request),
    Simulate {
        slug: String,
        name: String,
        place: Place,
        input: Value,
    },
    Advance(String),
    SetClock {
        now: Option<String>,
        running: Option<bool>,
    },
    Settings(Vec<Setting>),
    Fault(Value),
    ClearFaults,
    Reset,
    Outbox {
        to: Option<String>,
        channel: Option<String>,
        provider: Option<(String, Place)>,
    },
    Open(String),
    Pause(Pause),
    /// For a step that could not be read.
    Nothing,
}

/// A wait, for demonstrations only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// So many milliseconds.
    For(u64),
    /// Until a key is pressed.
    Key,
}

#[derive(Debug)]
pub(super) struct Request {
    pub target: Target,
    pub place: Place,
    pub path: Vec<(String, Place, Value)>,
    pub query: Vec<(String, Value)>,
    pub headers: Vec<(String, Value)>,
    pub auth: Option<(Place, Auth)>,
    pub body: Body,
}

#[derive(Debug)]
pub(super) enum Target {
    /// An operation of a provider's contract.
    Operation { slug: String, id: String },
    /// A method, and an absolute URL or a path that begins with a provider's slug.
    Plain { method: Method, url: String },
}

#[derive(Debug)]
pub(super) enum Body {
    None,
    Json(Value),
    Form(Vec<(String, Value)>),
    Text(String),
    Bytes(Vec<u8>),
    Multipart(Vec<Part>),
}

#[derive(Debug)]
pub(super) struct Part {
    pub name: String,
    pub file: Option<String>,
    pub content_type: Option<String>,
    pub content: PartContent,
}

#[derive(Debug)]
pub(super) enum PartContent {
    Text(Value),
    Bytes(Vec<u8>),
}

/// With what a caller shows who they are: a credential's name, or the value itself.
#[derive(Clone, Debug)]
pub(super) enum Auth {
    /// Nothing is sent.
    None,
    /// Sent as the operation wants it.
    One(String),
    /// A value for each of these security schemes of the contract.
    Schemes(Vec<(String, Place, String)>),
}

#[derive(Debug, Default)]
pub(super) struct Expect {
    pub status: Vec<StatusPattern>,
    pub headers: Vec<(String, Pattern)>,
    pub json: Option<Pattern>,
    pub jsonpath: Vec<(JsonPath, Pattern)>,
    pub absent: Vec<JsonPath>,
    pub text: Vec<Pattern>,
    pub empty_body: bool,
    pub broken: bool,
}

impl Expect {
    pub(super) fn is_nothing(&self) -> bool {
        self.status.is_empty()
            && self.headers.is_empty()
            && self.json.is_none()
            && self.jsonpath.is_empty()
            && self.absent.is_empty()
            && self.text.is_empty()
            && !self.empty_body
            && !self.broken
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusPattern {
    Exactly(u16),
    /// All that begin with this digit.
    Class(u16),
}

impl StatusPattern {
    pub(super) fn fits(self, status: u16) -> bool {
        match self {
            Self::Exactly(exactly) => status == exactly,
            Self::Class(class) => status / 100 == class,
        }
    }
}

impl std::fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(status) => write!(f, "{status}"),
            Self::Class(class) => write!(f, "{class}xx"),
        }
    }
}

#[derive(Debug)]
pub(super) struct Capture {
    pub name: String,
    pub place: Place,
    pub from: Source,
    /// A parameter of the URL found there.
    pub query: Option<String>,
    /// What is cut out of the text found there: the first group, or else the whole match.
    pub regex: Option<String>,
}

#[derive(Debug)]
pub(super) enum Source {
    Json(JsonPath),
    Header(String),
    Body,
}
