//! Days as the provider keeps them: noon UTC, in milliseconds since the epoch, as digits.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// `1989-08-01`, a real day.
pub(super) fn read_iso(text: &str) -> Option<NaiveDate> {
    let is_shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| is_shaped)
}

/// `August 1, 1989`.
pub(super) fn readable(day: NaiveDate) -> String {
    day.format("%B %-d, %Y").to_string()
}

/// The day of a text that is readable, or written in any way in which the wallet sends one.
pub(super) fn read_typed(text: &str) -> Option<NaiveDate> {
    read_iso(text).or_else(|| NaiveDate::parse_from_str(text, "%B %d, %Y").ok())
}

/// As a credential holds it.
pub(super) fn to_millis(day: NaiveDate) -> Option<String> {
    let noon = day.and_time(NaiveTime::from_hms_opt(12, 0, 0)?);
    Some(noon.and_utc().timestamp_millis().to_string())
}

/// The day of a text as a credential holds it.
pub(super) fn of_millis(text: &str) -> Option<NaiveDate> {
    Some(DateTime::<Utc>::from_timestamp_millis(text.parse().ok()?)?.date_naive())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_kept_as_noon_utc() {
        for (day, ms) in [("1989-08-01", "617976000000"), ("1970-01-01", "43200000"), ("1959-06-30", "-331560000000")] {
            assert_eq!(to_millis(read_iso(day).unwrap()).unwrap(), ms);
            assert_eq!(of_millis(ms).unwrap().to_string(), day);
        }
    }

    #[test]
    fn only_real_days_in_iso_form_are_read() {
        for wrong in ["1989-02-30", "1989-8-1", "89-08-01", "+1989-08-01", "1989-08-01T00:00:00Z", "", "08/01/1989"] {
            assert_eq!(read_iso(wrong), None, "{wrong}");
        }
        assert_eq!(read_typed("August 1, 1989"), read_iso("1989-08-01"));
        assert_eq!(readable(read_iso("1989-08-01").unwrap()), "August 1, 1989");
    }
}
