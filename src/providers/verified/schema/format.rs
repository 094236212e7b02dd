//! The string formats that the schemas name, as scanners over bytes.
//!
//! Each does what the pattern or rule beside its name in `credential_types.json` says; a test holds the two together.

use std::collections::BTreeSet;
use std::sync::Arc;

/// The values of a set, shared by the formats that look into it.
pub(super) type Codes = Arc<BTreeSet<String>>;

/// The farthest moment, in milliseconds on either side of 1970, that the provider's language can date.
const LAST_DAY_MS: i64 = 8_640_000_000_000_000;

const DAY_MS: i64 = 86_400_000;

/// A format of a string value.
#[derive(Debug)]
pub(super) enum Format {
    /// An email address whose domain has a dot.
    Email,
    /// A phone number in E.164 notation.
    Phone,
    /// Nine digits.
    Ssn,
    /// A whole number of any length.
    Digits,
    /// Milliseconds since 1970 that fall on noon UTC.
    Noon,
    /// A data URI of an image in base64.
    ImageDataUri,
    /// A region code, without its country.
    RegionCode,
    /// A US ZIP code, of five or nine digits.
    UsZipCode,
    /// One of a set of values.
    OneOf(Codes),
    /// A currency code, a space, digits.
    Amount(Codes),
    /// A currency code, a space, `min<digits>_max<digits>`.
    AmountRange(Codes),
    /// A country code, a dash, a region code.
    Region(Places),
    /// Street, city, then a region as above and a postcode.
    Address(Places),
}

/// The codes of countries, and of the regions of the US.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub(super) countries: Codes,
    pub(super) us_regions: Codes,
}

impl Format {
    /// Whether `text` is of this format.
    pub(super) fn accepts(&self, text: &str) -> bool {
        match self {
            Self::Email => email(text),
            Self::Phone => phone(text),
            Self::Ssn => text.len() == 9 && digits(text),
            Self::Digits => whole_number(text),
            Self::Noon => noon(text),
            Self::ImageDataUri => image_data_uri(text),
            Self::RegionCode => region_code(text),
            Self::UsZipCode => us_zip_code(text),
            Self::OneOf(codes) => codes.contains(text),
            Self::Amount(currencies) => after_code(currencies, text).is_some_and(digits),
            Self::AmountRange(currencies) => after_code(currencies, text).is_some_and(range),
            Self::Region(places) => region(places, text).is_some(),
            Self::Address(places) => address(places, text),
        }
    }
}

fn all(text: &str, accepted: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(accepted)
}

fn digits(text: &str) -> bool {
    all(text, |byte| byte.is_ascii_digit())
}

fn whole_number(text: &str) -> bool {
    digits(text.strip_prefix('-').unwrap_or(text))
}

fn email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let in_local = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let in_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    all(local, in_local) && domain.contains('.') && domain.split('.').all(|label| all(label, in_label))
}

fn phone(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|number| (2..=15).contains(&number.len()) && !number.starts_with('0') && digits(number))
}

fn noon(text: &str) -> bool {
    whole_number(text)
        && text.parse::<i64>().is_ok_and(|ms| (-LAST_DAY_MS..=LAST_DAY_MS).contains(&ms) && ms.rem_euclid(DAY_MS) == DAY_MS / 2)
}

fn image_data_uri(text: &str) -> bool {
    let Some((subtype, data)) = text.strip_prefix("data:image/").and_then(|image| image.split_once(";base64,")) else {
        return false;
    };
    all(subtype, |byte| byte.is_ascii_alphabetic())
        && all(data.trim_end_matches('='), |byte| byte.is_ascii_alphanumeric() || b"/+".contains(&byte))
}

fn region_code(text: &str) -> bool {
    text.len() <= 3 && all(text, |byte| byte.is_ascii_alphanumeric())
}

fn us_zip_code(text: &str) -> bool {
    match text.split_once('-') {
        Some((zip, extension)) => zip.len() == 5 && digits(zip) && extension.len() == 4 && digits(extension),
        None => text.len() == 5 && digits(text),
    }
}

/// What follows the first space, when a code of the set precedes it.
fn after_code<'t>(codes: &Codes, text: &'t str) -> Option<&'t str> {
    let (code, rest) = text.split_once(' ')?;
    codes.contains(code).then_some(rest)
}

fn range(text: &str) -> bool {
    text.strip_prefix("min").and_then(|limits| limits.split_once("_max")).is_some_and(|(least, most)| digits(least) && digits(most))
}

/// The country of a full region code, such as `US` of `US-CA`; `None` when it is not one.
fn region<'t>(places: &Places, text: &'t str) -> Option<&'t str> {
    let (country, region) = text.split_once('-')?;
    let known = if country == "US" { places.us_regions.contains(region) } else { region_code(region) };
    (known && places.countries.contains(country)).then_some(country)
}

fn address(places: &Places, text: &str) -> bool {
    // From the back, because the street may hold commas of its own.
    let mut parts = text.rsplitn(3, ',').map(|part| part.trim_matches(is_space));
    let (Some(last), Some(city), Some(street)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let Some((code, postcode)) = last.split_once(' ') else {
        return false;
    };
    let postcode = postcode.trim_matches(is_space);
    !street.is_empty()
        && !city.is_empty()
        && !postcode.is_empty()
        && region(places, code).is_some_and(|country| country != "US" || us_zip_code(postcode))
}

/// What the provider's language trims: white space and the byte order mark, but not the next-line control.
fn is_space(character: char) -> bool {
    character == '\u{feff}' || (character.is_whitespace() && character != '\u{85}')
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn codes(values: &[&str]) -> Codes {
        Arc::new(values.iter().map(|&value| value.to_owned()).collect())
    }

    /// Every format, by the name it has in schemas.
    fn formats() -> Vec<(&'static str, Format)> {
        let currencies = codes(&["USD", "GBP"]);
        let places = Places { countries: codes(&["US", "GB", "FR"]), us_regions: codes(&["CA", "TX"]) };
        vec![
            ("email", Format::Email),
            ("phone", Format::Phone),
            ("ssn", Format::Ssn),
            ("digits", Format::Digits),
            ("unixMsEpochDayFormat", Format::Noon),
            ("dataUriBase64Image", Format::ImageDataUri),
            ("iso3166RegionCode", Format::RegionCode),
            ("usZipCode", Format::UsZipCode),
            ("iso4217", Format::OneOf(currencies.clone())),
            ("iso4217Amount", Format::Amount(currencies.clone())),
            ("iso4217AmountRange", Format::AmountRange(currencies)),
            ("iso3166", Format::Region(places.clone())),
            ("address", Format::Address(places)),
        ]
    }

    /// Format, what it accepts, what it refuses.
    const CASES: &[(&str, &[&str], &[&str])] = &[
        (
            "email",
            &["a@b.co", "you+me@piedpiper.net", "a.b!#$%&'*+/=?^_`{|}~-@x-y.z", ".@-.-"],
            &["", "a", "a@b", "@b.co", "a@", "a@.co", "a@b.", "a@b..co", "a@b@c.co", "a b@c.co", "ä@b.co", "a@b.co\n", "a@b_c.co"],
        ),
        (
            "phone",
            &["+10", "+12125550010", "+123456789012345"],
            &["", "+", "+1", "12125550010", "+0123", "+1234567890123456", "+1 2125550010", "+1212555001a", "++12"],
        ),
        ("ssn", &["111223333", "000000000"], &["", "11122333", "1112233334", "111-22-3333", "11122333a", "１１１２２３３３３"]),
        (
            "digits",
            &["0", "-0", "100000", "-5", "00", "123456789012345678901234567890"],
            &["", "-", "--1", "+1", "1.0", "1e5", " 1", "1-"],
        ),
        (
            "unixMsEpochDayFormat",
            &["617976000000", "-331560000000", "43200000", "-43200000", "000043200000", "8639999956800000"],
            &["", "0", "-0", "617976000001", "617947200000", "1989-08-01", "8640000043200000", "99999999999999999999999999"],
        ),
        (
            "dataUriBase64Image",
            &["data:image/png;base64,iVBORw0KGgo", "data:image/JPEG;base64,a/+9==", "data:image/x;base64,A==="],
            &[
                "",
                "data:image/png;base64,",
                "data:image/png;base64,==",
                "data:image/;base64,AA",
                "data:image/svg+xml;base64,AA",
                "data:text/plain;base64,AA",
                "data:image/png,AA",
                "data:image/png;base64,A=A",
                "data:image/png;base64,A A",
            ],
        ),
        ("iso3166RegionCode", &["CA", "9", "eng", "1A2"], &["", "ABCD", "A-", "Ä", "A B"]),
        (
            "usZipCode",
            &["94103", "94103-1234"],
            &["", "9410", "941033", "94103-", "94103-123", "94103-12345", "94103 1234", "9410a", "-"],
        ),
        ("iso4217", &["USD", "GBP"], &["", "usd", "XXX", "USD "]),
        (
            "iso4217Amount",
            &["USD 101000", "GBP 0"],
            &["", "USD", "USD ", "USD -1", "USD 1.5", "USD  1", "USD 1 2", "XXX 1", " 1", "101000"],
        ),
        (
            "iso4217AmountRange",
            &["USD min100000_max200000", "GBP min0_max0"],
            &[
                "",
                "USD",
                "USD min1",
                "USD min_max2",
                "USD min1_max",
                "USD max1_min2",
                "USD min1_max2 ",
                "USD min1-max2",
                "XXX min1_max2",
                "min1_max2",
                "USD min-1_max2",
            ],
        ),
        (
            "iso3166",
            &["US-CA", "GB-ENG", "FR-75", "GB-x"],
            &["", "US", "US-", "-CA", "US-XX", "US-ca", "us-CA", "XX-CA", "GB-ENGL", "GB-E-N", "GB-É", "Florida"],
        ),
        (
            "address",
            &[
                "107 SE Washington St, Houston, US-TX 65439",
                "307 3rd Ave, Apt #4, Palo Alto, US-CA 18025-9876",
                "10 Downing Street, London, GB-ENG SW1A 2AA",
                "a,b,FR-75  x",
                ",a,b,US-TX 65439",
                "\u{feff}a\u{a0},b, US-TX 65439\n",
            ],
            &[
                "",
                "Houston",
                "Houston, US-TX 65439",
                ", Houston, US-TX 65439",
                "a, , US-TX 65439",
                "a, b, ",
                "a, b, US-TX",
                "a, b, US-TX ",
                "a, b, US-TX 6543",
                "a, b, US-TX 65439 1",
                "a, b, US-XX 65439",
                "a, b, XX-A 1",
                "a, b, GB-ENGL 1",
                "a, b, GB 1",
                "a, b, 65439",
                "a\u{85},\u{feff},US-TX 65439",
            ],
        ),
    ];

    #[test]
    fn formats_accept_and_refuse() {
        let formats = formats();
        assert_eq!(CASES.len(), formats.len());
        for (name, accepted, refused) in CASES {
            for (_, format) in formats.iter().filter(|(known, _)| known == name) {
                for text in *accepted {
                    assert!(format.accepts(text), "{name} accepts {text:?}");
                }
                for text in *refused {
                    assert!(!format.accepts(text), "{name} refuses {text:?}");
                }
            }
        }
    }

    /// The pattern beside a format's name, without its anchors, so that a generator understands it.
    fn patterns() -> Result<Vec<(String, String)>, Box<dyn Error>> {
        let facts: Value = serde_json::from_str(include_str!("../credential_types.json"))?;
        let formats = facts.get("formats").and_then(Value::as_object).ok_or("no formats")?;
        Ok(formats
            .iter()
            .filter_map(|(name, fact)| {
                let pattern = fact.get("pattern")?.as_str()?.trim_start_matches('^').trim_end_matches('$');
                Some((name.clone(), pattern.replace(r"\d", "[0-9]")))
            })
            .collect())
    }

    #[test]
    fn scanners_accept_what_the_patterns_describe() -> Result<(), Box<dyn Error>> {
        let patterns = patterns()?;
        assert_eq!(patterns.len(), 8);
        for (name, pattern) in patterns {
            let texts = proptest::string::string_regex(&pattern)?;
            let formats = formats();
            let (_, format) = formats.iter().find(|(known, _)| *known == name).ok_or("no format")?;
            let mut runner = proptest::test_runner::TestRunner::deterministic();
            runner.run(&texts, |text| {
                let day = name == "unixMsEpochDayFormat"; // narrower than its pattern
                prop_assert!(day || format.accepts(&text), "{} accepts {:?}", name, text);
                Ok(())
            })?;
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn no_text_panics_a_format(text in any::<String>(), parts in "[ ,A-Z0-9_\u{a0}é-]{0,20}") {
            for (_, format) in formats() {
                let _ = format.accepts(&text);
                let _ = format.accepts(&parts);
            }
        }

        #[test]
        fn noon_of_any_day_is_a_day(day in -100_000_000_i64..100_000_000, off in 1..DAY_MS) {
            let noon = day * DAY_MS + DAY_MS / 2;
            prop_assert!(Format::Noon.accepts(&noon.to_string()));
            prop_assert!(!Format::Noon.accepts(&(noon + off).to_string()));
        }
    }
}
