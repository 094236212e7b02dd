//! Fault rules: what goes wrong on purpose, for which requests, and how often. What happens at the socket is the server's business.
//!
//! Rules are asked in the order of their creation. Delays add up; the first answer and the first connection fault win, and a rule
//! that would bring a second one is passed over, neither counting the request nor striking, so that rules with `times` follow one
//! another. Rules live as long as the world runs: they are not in its database, and neither copied nor kept with it.

mod pattern;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clock::duration;
use super::rng::Rng;
use pattern::Pattern;

/// The longest delay: ten minutes.
pub const MAX_DELAY_MS: u64 = 600_000;

/// How many rules a world takes.
pub const MAX_RULES: usize = 1000;

/// The pause between the pieces of an answer that drips, unless the rule says otherwise.
pub const DRIP_PAUSE: Duration = Duration::from_millis(100);

/// First of the random streams that rules draw from: far from those of requests, and of providers at a world's beginning.
const STREAMS: u64 = 1 << 62;

/// A fault: which requests it strikes, and what it does to them. It needs at least one effect: `delay_ms`, `respond`, `rate_limit`
/// or `connection`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only requests to this provider, by slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Only this operation, by its id in the provider's contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Only paths below the provider's base that fit: `*` and `{name}` stand for what is within a segment, `**` and a `*` at the end
    /// for anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Lets so many requests through first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Strikes so many times and no more; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// Strikes with this probability, 0 to 1, drawn from the world's seed; always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<f64>,
    /// Real time to wait, in milliseconds; with `drip`, the pause between two pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Answers instead of the provider, which never sees the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub respond: Option<Respond>,
    /// Lets so many requests through in each window of the world's clock; refuses the others with the provider's 429.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Breaks the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<Connection>,
    /// Whether delay and connection fault come before the provider does its work or after; after when there is a connection fault,
    /// otherwise before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
}

/// An answer instead of the provider's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Respond {
    /// Its status, 200 to 599.
    pub status: u16,
    /// Its headers, beside and instead of those that every answer of the provider carries.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Values>,
    /// Its body: a string is text, anything else is JSON; none when absent or null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// The values of a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// One.
    One(String),
    /// Several lines.
    Several(Vec<String>),
}

/// How many requests are let through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// So many in each window.
    pub requests: u64,
    /// Length of a window, an ISO 8601 duration. A window begins with the first request after the last one's end.
    pub per: String,
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Connection {
    /// It is reset (`RST`; a stream of HTTP/2: `RST_STREAM`) instead of an answer.
    Reset,
    /// The head of the answer and half of its body, then the end. An answer without a body is lost whole.
    Truncate,
    /// The body comes in at most twenty pieces with pauses between.
    Drip,
    /// No answer comes until the client leaves or the server stops.
    Hang,
}

/// On which side of the work a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Before: what does not come through never happened.
    Before,
    /// After: it happened, and the caller cannot know.
    After,
}

/// Why a rule cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// A part of it is wrong.
    #[error("{0}")]
    Invalid(String),
    /// There are too many.
    #[error("a world takes {MAX_RULES} fault rules; delete some")]
    TooMany,
}

/// A rule of a world, with what it did so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fault {
    /// 1, 2, 3, ... in the order of creation.
    pub id: u64,
    /// As it was made.
    #[serde(flatten)]
    pub rule: Rule,
    /// How often it struck.
    pub hits: u64,
    /// Whether it struck as often as it may.
    pub spent: bool,
}

/// A request, as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Slug of the provider.
    pub provider: &'a str,
    /// Id of the operation; none when no route matches.
    pub operation: Option<&'a str>,
    /// Method.
    pub method: &'a Method,
    /// Path below the provider's base.
    pub path: &'a str,
}

/// What is to happen to a request.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The rules that struck.
    pub faults: Vec<u64>,
    /// To wait before the work.
    pub before: Duration,
    /// To wait after it.
    pub after: Duration,
    /// The answer, instead of the work.
    pub answer: Option<Answer>,
    /// What happens to the connection.
    pub cut: Option<Cut>,
}

/// An answer that is no work of the provider's.
#[derive(Clone, Debug)]
pub enum Answer {
    /// As the rule has it.
    Respond {
        /// Status.
        status: StatusCode,
        /// Headers.
        headers: HeaderMap,
        /// Body.
        body: Option<Value>,
    },
    /// The provider's refusal.
    RateLimited {
        /// How many requests the window allows.
        limit: u64,
        /// Seconds until the next window.
        retry_after_s: u64,
    },
}

/// A connection fault that strikes.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Its kind.
    pub connection: Connection,
    /// Before the work or after it.
    pub when: When,
    /// Between two pieces of a body that drips.
    pub pause: Duration,
}

impl Plan {
    /// Whether nothing is done, and nothing answered.
    pub fn is_cut_before(&self) -> bool {
        self.cut.is_some_and(|cut| cut.when == When::Before)
    }
}

/// A rule in force. What its text says was read once.
#[derive(Debug)]
struct Held {
    fault: Fault,
    path: Option<Pattern>,
    method: Option<Method>,
    respond: Option<(StatusCode, HeaderMap)>,
    window: TimeDelta,
    /// Requests that it was asked about.
    seen: u64,
    /// Beginning of the current window, and how many requests it let through.
    current: Option<(DateTime<Utc>, u64)>,
}

#[derive(Debug, Default)]
struct Rules {
    held: Vec<Held>,
    last_id: u64,
}

/// The fault rules of a world.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Rules>,
    /// How many there are, for those who only need to know that there are none.
    count: AtomicUsize,
}

impl Faults {
    /// Makes a rule; returns its id.
    pub fn add(&self, rule: Rule) -> Result<u64, BadRule> {
        let mut held = read(rule).map_err(BadRule::Invalid)?;
        let mut rules = self.rules();
        if rules.held.len() >= MAX_RULES {
            return Err(BadRule::TooMany);
        }
        rules.last_id += 1;
        held.fault.id = rules.last_id;
        rules.held.push(held);
        self.count.store(rules.held.len(), Ordering::Release);
        Ok(rules.last_id)
    }

    /// All rules, spent ones too, in the order of creation.
    pub fn list(&self) -> Vec<Fault> {
        self.rules().held.iter().map(|held| held.fault.clone()).collect()
    }

    /// The rule with this id.
    pub fn get(&self, id: u64) -> Option<Fault> {
        self.rules().held.iter().find(|held| held.fault.id == id).map(|held| held.fault.clone())
    }

    /// How many rules may still strike.
    pub fn active(&self) -> usize {
        if self.is_empty() { 0 } else { self.rules().held.iter().filter(|held| !held.fault.spent).count() }
    }

    /// Whether there is no rule, spent or not.
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Takes a rule back; says whether there was one.
    pub fn remove(&self, id: u64) -> bool {
        let mut rules = self.rules();
        let before = rules.held.len();
        rules.held.retain(|held| held.fault.id != id);
        self.count.store(rules.held.len(), Ordering::Release);
        rules.held.len() < before
    }

    /// Takes all rules back; numbering goes on.
    pub fn clear(&self) {
        let mut rules = self.rules();
        rules.held.clear();
        self.count.store(0, Ordering::Release);
    }

    /// Takes all rules back, and starts numbering anew.
    pub(super) fn reset(&self) {
        let mut rules = self.rules();
        *rules = Rules::default();
        self.count.store(0, Ordering::Release);
    }

    /// What is to happen to a request at the moment `now` of a world with this seed.
    pub(super) fn strike(&self, call: &Call<'_>, seed: u64, now: DateTime<Utc>) -> Plan {
        let mut plan = Plan::default();
        for held in &mut self.rules().held {
            if held.fault.spent || !held.matches(call) || held.is_overruled(&plan) {
                continue;
            }
            if let Some(answer) = held.strike(seed, now) {
                plan.add(&held.fault, answer);
            }
        }
        plan
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plan {
    fn add(&mut self, fault: &Fault, answer: Option<Answer>) {
        let Fault { id, rule, .. } = fault;
        self.faults.push(*id);
        let delay = rule.delay_ms.map(Duration::from_millis);
        let when = rule.when.unwrap_or(if rule.connection.is_some() { When::After } else { When::Before });
        if let (Some(delay), false) = (delay, rule.connection == Some(Connection::Drip)) {
            match when {
                When::Before => self.before += delay,
                When::After => self.after += delay,
            }
        }
        if answer.is_some() {
            self.answer = answer;
        }
        if let Some(connection) = rule.connection {
            self.cut = Some(Cut { connection, when, pause: delay.unwrap_or(DRIP_PAUSE) });
        }
    }
}

impl Held {
    fn matches(&self, call: &Call<'_>) -> bool {
        let rule = &self.fault.rule;
        rule.provider.as_deref().is_none_or(|provider| provider == call.provider)
            && rule.operation.as_deref().is_none_or(|operation| Some(operation) == call.operation)
            && self.method.as_ref().is_none_or(|method| method == call.method)
            && self.path.as_ref().is_none_or(|path| path.matches(call.path))
    }

    /// Whether an earlier rule decided already what this one would.
    fn is_overruled(&self, plan: &Plan) -> bool {
        let rule = &self.fault.rule;
        let answers = rule.respond.is_some() || rule.rate_limit.is_some();
        (answers && (plan.answer.is_some() || plan.is_cut_before())) || (rule.connection.is_some() && plan.cut.is_some())
    }

    /// Counts a request that matches; whether it is struck, and with which answer.
    fn strike(&mut self, seed: u64, now: DateTime<Utc>) -> Option<Option<Answer>> {
        let rule = &self.fault.rule;
        self.seen += 1;
        if self.seen <= rule.after.unwrap_or(0) {
            return None;
        }
        if let Some(chance) = rule.chance {
            // A stream for each request that a rule sees: no draw disturbs another, and the same seed gives the same faults.
            let stream = STREAMS | ((self.fault.id & 0xFF_FFFF) << 32) | (self.seen & 0xFFFF_FFFF);
            if !Rng::new(seed, stream).source().random_bool(chance) {
                return None;
            }
        }
        let answer = match (&rule.rate_limit, &self.respond) {
            (Some(limit), _) => {
                let running = self.current.filter(|(began, _)| *began <= now && now < *began + self.window);
                let (began, used) = running.unwrap_or((now, 0));
                if used < limit.requests {
                    self.current = Some((began, used + 1));
                    return None;
                }
                self.current = Some((began, used));
                let left_ms = (began + self.window - now).num_milliseconds();
                let retry_after_s = u64::try_from(left_ms).unwrap_or(0).div_ceil(1000).max(1);
                Some(Answer::RateLimited { limit: limit.requests, retry_after_s })
            }
            (None, Some((status, headers))) => {
                let body = rule.respond.as_ref().and_then(|respond| respond.body.clone());
                Some(Answer::Respond { status: *status, headers: headers.clone(), body })
            }
            (None, None) => None,
        };
        self.fault.hits += 1;
        self.fault.spent = rule.times.is_some_and(|times| self.fault.hits >= times);
        Some(answer)
    }
}

/// Reads a rule, or says what is wrong with it.
fn read(rule: Rule) -> Result<Held, String> {
    let path = rule.path.as_deref().map(Pattern::read).transpose().map_err(|reason| format!("path: {reason}"))?;
    let method = match &rule.method {
        Some(name) => Some(
            Method::from_bytes(name.to_ascii_uppercase().as_bytes()).map_err(|_| format!("method: {name:?} is no HTTP method"))?,
        ),
        None => None,
    };
    check_numbers(&rule)?;
    check_effects(&rule)?;
    let respond = rule.respond.as_ref().map(read_respond).transpose()?;
    let window = rule.rate_limit.as_ref().map(read_window).transpose()?.unwrap_or_default();
    let fault = Fault { id: 0, rule, hits: 0, spent: false };
    Ok(Held { fault, path, method, respond, window, seen: 0, current: None })
}

fn check_numbers(rule: &Rule) -> Result<(), String> {
    if rule.times == Some(0) {
        return Err("times: it must be 1 or more".to_owned());
    }
    if rule.chance.is_some_and(|chance| !(0.0..=1.0).contains(&chance)) {
        return Err("chance: it must be from 0 to 1".to_owned());
    }
    if rule.delay_ms.is_some_and(|delay| !(1..=MAX_DELAY_MS).contains(&delay)) {
        return Err(format!("delay_ms: it must be from 1 to {MAX_DELAY_MS}"));
    }
    Ok(())
}

/// Refuses what does nothing, and effects that exclude each other.
fn check_effects(rule: &Rule) -> Result<(), String> {
    let Rule { delay_ms, respond, rate_limit, connection, when, .. } = rule;
    let lost = matches!(connection, Some(Connection::Reset | Connection::Hang));
    let refused = if delay_ms.is_none() && respond.is_none() && rate_limit.is_none() && connection.is_none() {
        "a fault needs an effect: delay_ms, respond, rate_limit or connection"
    } else if respond.is_some() && rate_limit.is_some() {
        "respond, rate_limit: a fault has one answer; make two faults"
    } else if respond.is_some() && lost {
        "respond, connection: no answer comes through a reset or hang"
    } else if rate_limit.is_some() && connection.is_some() {
        "rate_limit, connection: a refusal that is to be cut is a fault of its own"
    } else if rate_limit.is_some() && rule.chance.is_some() {
        "rate_limit, chance: a limit counts each request"
    } else if when.is_some() && !lost && (delay_ms.is_none() || *connection == Some(Connection::Drip)) {
        "when: it is for delay_ms and for the connection faults reset and hang"
    } else if *when == Some(When::Before) && *connection == Some(Connection::Truncate) {
        "when: an answer can be cut only after the work"
    } else if when.is_some() && (respond.is_some() || rate_limit.is_some()) {
        "when: there is no work before or after an answer that a fault gives"
    } else {
        return Ok(());
    };
    Err(refused.to_owned())
}

fn read_window(limit: &RateLimit) -> Result<TimeDelta, String> {
    let per = &limit.per;
    match duration(per) {
        Some(window) if window > TimeDelta::zero() && window <= TimeDelta::days(366) => Ok(window),
        _ => Err(format!("rate_limit.per: {per:?} is no ISO 8601 duration such as \"PT1M\", above zero and up to 366 days")),
    }
}

/// Headers that frame an answer, or that the server sets.
const OURS: [HeaderName; 8] =
    [CONNECTION, CONTENT_LENGTH, DATE, HeaderName::from_static("keep-alive"), TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

fn read_respond(respond: &Respond) -> Result<(StatusCode, HeaderMap), String> {
    let status = StatusCode::from_u16(respond.status).ok().filter(|status| (200..=599).contains(&status.as_u16()));
    let status = status.ok_or("respond.status: it must be from 200 to 599")?;
    if respond.body.is_some() && matches!(respond.status, 204 | 205 | 304) {
        return Err(format!("respond.body: an answer with status {} has none", respond.status));
    }
    let mut headers = HeaderMap::new();
    for (name, values) in &respond.headers {
        let header =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("respond.headers: {name:?} is no header's name"))?;
        if OURS.contains(&header) {
            return Err(format!("respond.headers.{name}: the server sets it"));
        }
        let values = match values {
            Values::One(value) => std::slice::from_ref(value),
            Values::Several(values) => values,
        };
        for value in values {
            let value = HeaderValue::from_str(value).map_err(|_| format!("respond.headers.{name}: {value:?} cannot be sent"))?;
            headers.append(header.clone(), value);
        }
    }
    Ok((status, headers))
}
