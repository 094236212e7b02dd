//! What a listing of the journal is asked for.

use std::time::Duration;

use chrono::DateTime;
use http::StatusCode;

use super::super::{Call, Details};
use crate::http::form;
use crate::world::journal::{Filter, MAX_ENTRIES, Since, Statuses};

/// The longest that a call waits, in milliseconds of real time.
const MAX_WAIT_MS: u64 = 60_000;

const PARAMETERS: &[&str] = &["provider", "operation", "method", "path", "status", "since", "limit", "count", "wait_ms", "format"];

/// How exchanges are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// As this API shows them.
    #[default]
    Json,
    /// As an HTTP archive.
    Har,
}

/// A query, read.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub filter: Filter,
    /// How many of the latest to show.
    pub limit: Option<usize>,
    /// How many must be there; none when nobody asks.
    pub count: Option<usize>,
    /// How long to wait for that many.
    pub patience: Duration,
    pub format: Format,
}

impl Query {
    /// Reads the query of a call; a parameter that does not exist, or says what cannot be, is refused.
    pub(super) fn read(call: &Call<'_>) -> Result<Self, Details> {
        call.takes_only(PARAMETERS)?;
        let mut query = Self::default();
        let filter = &mut query.filter;
        for (name, value) in form::pairs(call.req.query.as_bytes()) {
            let refused = |reason: String| Details::new(StatusCode::BAD_REQUEST, format!("{name}: {reason}"));
            let among = |lowest, highest| {
                let number = value.parse().ok().filter(|number| (lowest..=highest).contains(number));
                number.ok_or_else(|| refused(format!("{value:?} is no number from {lowest} to {highest}")))
            };
            let entries = || among(1, MAX_ENTRIES as u64).map(|number| usize::try_from(number).unwrap_or(MAX_ENTRIES));
            let list = || value.split(',').map(str::to_owned);
            match &*name {
                "provider" => filter.providers.extend(list()),
                "operation" => filter.operations.extend(list()),
                "method" => filter.methods.extend(list().map(|method| method.to_ascii_uppercase())),
                "path" => filter.path = Some(value.into_owned()),
                "status" => {
                    for one in value.split(',') {
                        let known = status(one);
                        filter.statuses.push(
                            known.ok_or_else(|| {
                                refused(format!("{one:?} is neither a status such as 404 nor a class such as 4xx"))
                            })?,
                        );
                    }
                }
                "since" => {
                    let id = || value.parse().ok().map(Since::Id);
                    let moment = || DateTime::parse_from_rfc3339(&value).ok().map(|at| Since::Moment(at.to_utc()));
                    let since = id().or_else(moment);
                    filter.since = Some(since.ok_or_else(|| {
                        refused(format!("{value:?} is neither the id of a request nor a moment such as 2026-01-01T00:00:00Z"))
                    })?);
                }
                "limit" => query.limit = Some(entries()?),
                "count" => query.count = Some(entries()?),
                "wait_ms" => query.patience = Duration::from_millis(among(0, MAX_WAIT_MS)?),
                _ => {
                    query.format = match &*value {
                        "json" => Format::Json,
                        "har" => Format::Har,
                        other => return Err(refused(format!("{other:?} is none of json, har, scenario"))),
                    }
                }
            }
        }
        if !query.patience.is_zero() {
            query.count.get_or_insert(1);
        }
        Ok(query)
    }
}

/// `404`, or `4xx` for a class.
fn status(text: &str) -> Option<Statuses> {
    if let Some(class) = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
        return class.parse().ok().filter(|class| (1..=5).contains(class)).map(Statuses::Class);
    }
    text.parse().ok().filter(|status| (100..=599).contains(status)).map(Statuses::One)
}
