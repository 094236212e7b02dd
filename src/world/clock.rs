//! The clock of a world: real time moved by an offset, or standing still.

use std::time::{Duration, UNIX_EPOCH};

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};

/// The first moment that a clock can show: 1970-01-01T00:00:00Z.
pub const EARLIEST_MS: i64 = 0;
/// The last moment that a clock can show: 2199-12-31T23:59:59.999Z. Daily timers fire once for each day that a jump passes over,
/// so the distance that a clock can jump has to be bounded.
pub const LATEST_MS: i64 = 7_258_118_399_999;

/// The real time of this machine, to the millisecond. Only the edge asks for it, once a request; handlers see the world's time.
pub fn real_now() -> DateTime<Utc> {
    #[expect(clippy::disallowed_methods, reason = "the one place where real time enters")]
    let since_epoch = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(LATEST_MS))
}

/// Measures how long something takes, in real time.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Begins to measure.
    pub fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "what is measured is this machine, not the world")]
        Self(std::time::Instant::now())
    }

    /// The time since then.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// The moment `ms` milliseconds after the epoch; the epoch itself for a number that no date can hold.
pub fn from_millis(ms: i64) -> DateTime<Utc> {
    Utc.timestamp_millis_opt(ms).single().unwrap_or(DateTime::UNIX_EPOCH)
}

/// Whether a clock follows real time or stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Real time plus an offset.
    Running,
    /// The same moment until somebody moves it.
    Frozen,
}

/// A moment that no clock of a world can show.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the clock can show 1970-01-01T00:00:00Z to 2199-12-31T23:59:59.999Z, and not {0}")]
pub struct OutOfRange(pub String);

/// A clock: a mode and one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Running or frozen.
    pub mode: Mode,
    /// Running: milliseconds ahead of real time. Frozen: the moment shown, in milliseconds since the epoch.
    pub value_ms: i64,
}

impl Clock {
    /// A clock that shows real time.
    pub const REAL: Self = Self { mode: Mode::Running, value_ms: 0 };

    /// A clock that shows `now` when real time is `real`, and goes on from there in `mode`.
    pub fn showing(now: DateTime<Utc>, mode: Mode, real: DateTime<Utc>) -> Result<Self, OutOfRange> {
        let now_ms = now.timestamp_millis();
        if !(EARLIEST_MS..=LATEST_MS).contains(&now_ms) {
            return Err(OutOfRange(now.to_rfc3339()));
        }
        let value_ms = match mode {
            Mode::Running => now_ms - real.timestamp_millis(),
            Mode::Frozen => now_ms,
        };
        Ok(Self { mode, value_ms })
    }

    /// What the clock shows when real time is `real`.
    pub fn now(&self, real: DateTime<Utc>) -> DateTime<Utc> {
        match self.mode {
            Mode::Running => from_millis((real.timestamp_millis() + self.value_ms).clamp(EARLIEST_MS, LATEST_MS)),
            Mode::Frozen => from_millis(self.value_ms),
        }
    }

    /// The distance from real time to what the clock shows.
    pub fn offset(&self, real: DateTime<Utc>) -> TimeDelta {
        self.now(real) - real
    }
}

/// Reads an ISO 8601 duration of weeks, days, hours, minutes and seconds (`P1DT12H`, `PT5M`, `PT0.25S`), which must be positive or
/// zero. Years and months are refused, since their length depends on where one stands.
pub fn duration(text: &str) -> Option<TimeDelta> {
    let rest = text.strip_prefix('P')?;
    let (days, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None if rest.is_empty() => return None,
        None => (rest, ""),
    };
    let mut total_ms = 0_i64;
    for (part, units) in [(days, "WD"), (time, "HMS")] {
        let mut left = part;
        let mut allowed = units;
        while !left.is_empty() {
            let end = left.find(|c: char| !c.is_ascii_digit() && c != '.')?;
            let (number, tail) = left.split_at(end);
            let unit = tail.chars().next()?;
            allowed = allowed.get(allowed.find(unit)? + 1..)?;
            left = tail.get(1..)?;
            total_ms = total_ms.checked_add(millis_of(number, unit)?)?;
        }
    }
    TimeDelta::try_milliseconds(total_ms)
}

fn millis_of(number: &str, unit: char) -> Option<i64> {
    let unit_ms = match unit {
        'W' => 7 * 86_400_000,
        'D' => 86_400_000,
        'H' => 3_600_000,
        'M' => 60_000,
        'S' => 1000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole_ms = whole.parse::<i64>().ok()?.checked_mul(unit_ms)?;
    if fraction.is_empty() {
        return (!number.contains('.')).then_some(whole_ms);
    }
    if unit != 'S' || fraction.len() > 3 {
        return None;
    }
    let fraction_ms = format!("{fraction:0<3}").parse::<i64>().ok()?;
    whole_ms.checked_add(fraction_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_or_refused() {
        for (text, expected_ms) in [
            ("PT5M", Some(300_000)),
            ("P1D", Some(86_400_000)),
            ("P1DT12H", Some(129_600_000)),
            ("P2W", Some(1_209_600_000)),
            ("PT0.25S", Some(250)),
            ("PT299.999S", Some(299_999)),
            ("PT0S", Some(0)),
            ("", None),
            ("P", None),
            ("PT", None),
            ("P1DT", None),
            ("5M", None),
            ("P1M", None),
            ("P1Y", None),
            ("PT5M3H", None),
            ("PT5M5M", None),
            ("PT5", None),
            ("PT-5M", None),
            ("PT0.5M", None),
            ("PT1.S", None),
            ("PT0.0001S", None),
            ("P99999999999999999999D", None),
            ("PT9223372036854775807H", None),
            ("PT5µ", None),
        ] {
            assert_eq!(duration(text).map(|d| d.num_milliseconds()), expected_ms, "{text:?}");
        }
    }

    #[test]
    fn the_last_moment_is_the_end_of_2199() {
        assert_eq!(from_millis(LATEST_MS).to_rfc3339(), "2199-12-31T23:59:59.999+00:00");
    }

    #[test]
    fn a_frozen_clock_stands_and_a_running_one_keeps_its_distance() {
        let real = from_millis(1_000_000);
        let later = from_millis(1_000_500);
        let frozen = Clock::showing(from_millis(5000), Mode::Frozen, real).unwrap();
        assert_eq!(frozen.now(later), from_millis(5000));
        let running = Clock::showing(from_millis(5000), Mode::Running, real).unwrap();
        assert_eq!(running.now(later), from_millis(5500));
        assert!(Clock::showing(from_millis(-1), Mode::Frozen, real).is_err());
        assert!(Clock::showing(from_millis(LATEST_MS + 1), Mode::Frozen, real).is_err());
    }
}
