//! How values must be spelled.

use std::net::Ipv6Addr;

use chrono::{Datelike as _, NaiveDate};

/// The least age, in years.
pub(super) const AGE_MIN: u32 = 18;
/// The greatest age, in years.
pub(super) const AGE_MAX: u32 = 99;

/// A version 4 UUID with its hyphens, in any case; returned in lower case.
pub(super) fn uuid(text: &str) -> Option<String> {
    let fits = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b' | b'A' | b'B'),
            _ => byte.is_ascii_hexdigit(),
        });
    fits.then(|| text.to_ascii_lowercase())
}

/// One `@`, something before it, a domain with a dot after it, no white space.
pub(super) fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    parts.is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.contains('@') && domain.contains('.') && !text.chars().any(char::is_whitespace)
    })
}

/// Two capital letters. Which countries there are is not asked.
pub(super) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// An absolute URI (RFC 3986) with the scheme http or https and a host.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((authority, rest)) = split_uri(text) else { return false };
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let user_is_sound = authority.rsplit_once('@').is_none_or(|(user, _)| is_made_of(user, "!$&'()*+,;=:"));
    let (host_is_sound, port) = match host_and_port.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => (address.parse::<Ipv6Addr>().is_ok(), port),
        None => {
            let (host, port) = host_and_port.find(':').map_or((host_and_port, ""), |at| host_and_port.split_at(at));
            (!host.is_empty() && is_made_of(host, "!$&'()*+,;="), port)
        }
    };
    let port_is_sound =
        port.is_empty() || port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    user_is_sound
        && host_is_sound
        && port_is_sound
        && is_made_of(rest, "!$&'()*+,;=:@/?")
        && is_made_of(fragment, "!$&'()*+,;=:@/?")
}

/// Authority and what follows it, of an http or https URI.
pub(super) fn split_uri(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    Some(rest.find(['/', '?', '#']).map_or((rest, ""), |at| rest.split_at(at)))
}

/// Letters, digits, `-._~`, percent-escapes and `others`.
fn is_made_of(text: &str, others: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let is_sound = match byte {
            b'%' => (0..2).all(|_| bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit())),
            b'-' | b'.' | b'_' | b'~' => true,
            byte => byte.is_ascii_alphanumeric() || others.as_bytes().contains(&byte),
        };
        if !is_sound {
            return false;
        }
    }
    true
}

/// `2000-11-11`, and no other spelling of a day.
pub(super) fn date(text: &str) -> Option<NaiveDate> {
    let is_shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() });
    if is_shaped { NaiveDate::parse_from_str(text, "%Y-%m-%d").ok() } else { None }
}

/// Whether somebody born on `birthday` has the right age on `today`: a year is over on the day itself, and on 1 March in years
/// without the day.
pub(super) fn is_of_age(birthday: NaiveDate, today: NaiveDate) -> bool {
    let years = today.year() - birthday.year();
    let is_before = (today.month(), today.day()) < (birthday.month(), birthday.day());
    u32::try_from(years - i32::from(is_before)).is_ok_and(|age| (AGE_MIN..=AGE_MAX).contains(&age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_of_version_4_and_hyphenated() {
        let upper = "43D170C5-3DC5-4E61-9E78-8B5D82D5A3FF";
        assert_eq!(uuid(upper), Some(upper.to_lowercase()));
        for text in [
            "",
            "123",
            "43d170c53dc54e619e788b5d82d5a3ff",
            "{43d170c5-3dc5-4e61-9e78-8b5d82d5a3ff}",
            "urn:uuid:43d170c5-3dc5-4e61-9e78-8b5d82d5a3ff",
            "43d170c5-3dc5-1e61-9e78-8b5d82d5a3ff",
            "43d170c5-3dc5-4e61-ce78-8b5d82d5a3ff",
            "43d170c5-3dc5-4e61-9e78-8b5d82d5a3fg",
            "43d170c5-3dc5-4e61-9e78-8b5d82d5a3f\u{e9}",
        ] {
            assert_eq!(uuid(text), None, "{text:?}");
        }
    }

    #[test]
    fn email_addresses_have_one_at_and_a_dotted_domain() {
        for text in ["a@b.c", "a+b@sub.example.com", "João@exemplo.pt", "A@B.C"] {
            assert!(is_email(text), "{text:?}");
        }
        for text in ["", "a", "@b.c", "a@b", "a@@b.c", "a@b@c.d", "a b@c.d", "a@b.c ", "a@b .c", "a\u{a0}b@c.d"] {
            assert!(!is_email(text), "{text:?}");
        }
    }

    #[test]
    fn uris_are_absolute_and_of_the_web() {
        for text in [
            "http://h",
            "https://user:pw@h.example:8443/a/b%20c?q=1&r=#f",
            "HTTPS://H/x",
            "http://[::1]:80/",
            "http://127.0.0.1?x",
            "http://h:",
        ] {
            assert!(is_uri(text), "{text:?}");
        }
        for text in [
            "",
            "h/x",
            "/x",
            "//h/x",
            "ftp://h/x",
            "http:/h/x",
            "http:h",
            "http://",
            "http:///x",
            "http://?x",
            "http://u@/x",
            "http://:80/x",
            "http://h:8a/x",
            "http://h/a b",
            "http://h/\u{e9}",
            "http://h/%zz",
            "http://h/%a",
            "http://h/[x]",
            "http://h/a#b#c",
            "http://[::1/x",
            "http://[nope]/x",
            "http://h/\"x\"",
            " http://h",
        ] {
            assert!(!is_uri(text), "{text:?}");
        }
    }

    #[test]
    fn dates_are_real_days_in_one_spelling() {
        assert_eq!(date("2000-02-29"), NaiveDate::from_ymd_opt(2000, 2, 29));
        for text in [
            "",
            "2001-02-29",
            "2000-13-01",
            "2000-1-01",
            "2000-01-1",
            "20000101",
            "01-01-2000",
            "2000-01-01T00:00:00Z",
            "+200-01-01",
        ] {
            assert_eq!(date(text), None, "{text:?}");
        }
    }

    #[test]
    fn ages_are_counted_to_the_day() {
        for (birthday, today, expected) in [
            ("2008-01-02", "2026-01-02", true),
            ("2008-01-03", "2026-01-02", false),
            ("1926-01-03", "2026-01-02", true),
            ("1926-01-02", "2026-01-02", false),
            ("2008-02-29", "2026-02-28", false),
            ("2008-02-29", "2026-03-01", true),
            ("1928-02-29", "2028-02-28", true),
            ("1928-02-29", "2028-02-29", false),
            ("2030-01-01", "2026-01-02", false),
        ] {
            assert_eq!(is_of_age(date(birthday).unwrap(), date(today).unwrap()), expected, "{birthday} on {today}");
        }
    }
}
