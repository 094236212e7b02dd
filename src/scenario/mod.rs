//! Scenarios: stories that are a demonstration, a test and documentation at once.
//!
//! A scenario is a client like any other: it plays over HTTP or HTTPS on a server in this process ([`run`]) or on a running one
//! ([`Stage::at`]), in a world of its own.
//!
//! # Writing one
//!
//! ```yaml
//! # yaml-language-server: $schema=./schema.json      (`understudy scenario schema` prints it)
//! title: One click
//! description: A person signs up with a phone number.
//! providers: [verified]                # those that the story uses; optional
//!
//! start:                               # how its world begins; all of it is optional
//!   from: fixtures                     # or `empty`
//!   fixtures: {verified: {users: []}}  # what is added to them: members are set, items of lists appended
//!   now: 2026-01-01T00:00:00Z          # this, unless given
//!   clock: frozen                      # or `running`
//!   seed: 0
//!   settings: {verified: {wire: observed}}
//!   faults:                            # rules as `POST /_understudy/faults` takes them
//!     - {provider: verified, operation: issueCredentials, times: 1, respond: {status: 503}}
//!
//! auth:                                # with what each provider's operations that want it are called
//!   verified: VERIFIED_API_KEY         # a test credential by name (`understudy env` lists them)
//!   identus: {apikey: IDENTUS_ISSUER_KEY, adminKey: IDENTUS_ADMIN_KEY}   # a value for each security scheme of the contract
//!   1kosmos: {keyId: KOSMOS_CLIENT_PUBLIC_KEY, keySecret: KOSMOS_CLIENT_PRIVATE_KEY, license: KOSMOS_LICENSE_KEY}
//!   5n: {clientBasic: "${FIVE_NORTH_ID_CLIENT_ID}:${FIVE_NORTH_ID_CLIENT_SECRET}"}
//!
//! vars:
//!   phone: "+10123456789"              # quotes: without them YAML reads a number
//!
//! steps:
//!   - say: Hooli asks Verified to sign up the person with this phone number.     # for the audience
//!     request: verified.createOneClick # an operation of the contract, or `POST /verified/1-click`, or `GET ${link}`
//!     json: {phone: "${phone}"}        # or `form`, `text`, `base64`, `multipart`
//!     expect:
//!       status: 201                    # or `2xx`, or a list; without it, anything below 400
//!       json: {uuid: {$type: string}}  # at least these members; lists in full
//!       jsonpath: {$.url: {$contains: /request/}}
//!       absent: [$.identity]
//!     capture:
//!       uuid: $.uuid                   # a JSONPath; or {header: location, query: 1ClickUuid, regex: "^(.*)$"}
//!   - request: verified.getOneClick
//!     path: {uuid: "${uuid}"}          # parameters of the path; also `query`, `headers`, `auth` (a credential, `none`, or as above)
//! ```
//!
//! **Actions**, one a step: `request`; `simulate: verified/consent` with `input`; `advance: PT5M`; `set_clock` (a time, `frozen`,
//! `running`, or `{now, mode}`); `settings: {slug: {key: value}}`; `fault: {…}`, `clear_faults: true`; `outbox: {to, channel,
//! provider}` (the newest such message: `$.body`, `$.code`, `$.link`); `open: URL` (shown to the audience; with `expect` or `capture`
//! it is fetched as a browser does, with cookies, redirects followed while they stay on the server); `reset: true`; `pause: 2s` or
//! `pause: key` (demonstrations only). The answer of a `simulate` or a clock step is the control API's, and can be expected and
//! captured too. A `request` to `/_understudy/…` has the control API's token, if there is one, unless it brings its own or has
//! `auth: none`.
//!
//! **Expectations**: `status`, `headers`, `json`, `jsonpath`, `absent`, `text` (parts of the body, or matchers for all of it),
//! `body: empty`, `connection: broken`. A JSONPath that finds several values wants each of them to fit, and at least one.
//!
//! **Matchers** stand wherever a value is expected: `$equals` (exactly), `$not`, `$exists`, `$absent`, `$matches` (a regular
//! expression), `$contains` (a part of text, an item of a list), `$starts`, `$type` (`string`, `number`, `integer`, `boolean`,
//! `object`, `array`, `null`), `$length`, `$gt`, `$gte`, `$lt`, `$lte` (numbers, times, text), `$one_of`, `$each`. Several in one
//! object must all fit.
//!
//! **Variables**: `${name}` in any value; a text that is nothing else keeps the type; `$${` is the two characters. Every scenario has
//! the providers' environment variables (`${VERIFIED_API_KEY}`, …), `${base.<slug>}`, `${control}` and `${now}` (the world's clock).
//! An address that the server handed out begins with its own address, which changes: expect it by `$contains`, `$matches` or capture.
//!
//! All mistakes in a file are reported at once, with line and column, before anything runs.
//!
//! ```no_run
//! # fn test() -> Result<(), understudy::scenario::Failed> {
//! understudy::scenario::run("scenarios/verified-one-click.yaml")?; // in a test of your own: `.unwrap()` shows what differs
//! # Ok(())
//! # }
//! ```

mod act;
mod catalog;
mod client;
mod expect;
mod format;
mod judge;
pub mod library;
mod mistakes;
mod read;
mod read_parts;
pub mod record;
pub mod report;
mod run;
mod tree;
mod vars;

use std::fmt;
use std::path::Path;

pub use expect::Difference;
pub use format::{Pause, Scenario};
pub use mistakes::{Mistake, Place};
pub use read::milliseconds;
pub use report::{Half, Outcome, Report, StepReport};
pub use run::{Moment, Stage};

use crate::WorldHandle;

/// JSON Schema (2020-12) of scenario files, for editors.
pub const SCHEMA: &str = include_str!("schema.json");

/// Why a scenario did not pass. It reads as what is wrong and where, whichever way it is shown.
pub enum Failed {
    /// The file has mistakes; nothing was played.
    Mistakes(Vec<Mistake>),
    /// There is no server to play on.
    Server(String),
    /// A step did not do what was expected.
    Expectation(Box<Report>),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mistakes(mistakes) => {
                for (index, mistake) in mistakes.iter().enumerate() {
                    write!(f, "{}{mistake}", if index == 0 { "" } else { "\n" })?;
                }
                Ok(())
            }
            Self::Server(reason) => f.write_str(reason),
            Self::Expectation(report) => report.fmt(f),
        }
    }
}

/// As [`Failed`]'s `Display`, so that `unwrap` in a test shows the differences as they are meant to be read.
impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl std::error::Error for Failed {}

/// Plays a scenario on a server of its own; fails with all mistakes in the file, or with what was not as expected.
pub fn run(path: impl AsRef<Path>) -> Result<Report, Failed> {
    on(Stage::embedded()?, path.as_ref())
}

/// Plays a scenario on the server of this world, in a fresh world of its own; the given one is not touched.
pub fn run_on(world: &WorldHandle, path: impl AsRef<Path>) -> Result<Report, Failed> {
    on(Stage::of(world)?, path.as_ref())
}

fn on(mut stage: Stage, path: &Path) -> Result<Report, Failed> {
    let scenario = stage.read(path).map_err(Failed::Mistakes)?;
    let report = stage.play(&scenario, &mut |_| {});
    if report.passed { Ok(report) } else { Err(Failed::Expectation(Box::new(report))) }
}
