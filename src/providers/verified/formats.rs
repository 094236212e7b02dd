//! In which spelling a brand gets the data of a 1-Click (setting `formats`): dates by a pattern, codes or names, composites as one
//! text. The provider sets this for a brand on request; no call asks for it.

use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDate};
use serde::Deserialize;
use serde_json::Value;

use super::day;
use super::schema;

/// Formats of all brands, by uuid. A brand that is not named, and a format that is not given, has the default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct AllFormats(BTreeMap<String, Formats>);

/// Formats of a brand.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Formats {
    /// `unixTimestamp`, or a pattern of `y`, `M`, `d`, `/` and `-`.
    birth_date: Option<String>,
    state: Option<CodeFormat>,
    country: Option<CodeFormat>,
    /// `object`, or a template of the parts' names with separators.
    address: Option<String>,
    full_name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CodeFormat {
    Abbreviation,
    Full,
}

impl AllFormats {
    /// The formats of a brand.
    pub(super) fn of(mut self, brand: &str) -> Formats {
        self.0.remove(brand).unwrap_or_default()
    }
}

/// Refuses what cannot be a value of the setting.
pub(super) fn check(value: &Value) -> Result<(), String> {
    let all = AllFormats::deserialize(value).map_err(|error| error.to_string())?;
    for (brand, formats) in &all.0 {
        if uuid::Uuid::try_parse(brand).is_err() {
            return Err(format!("{brand:?} is no brand's uuid"));
        }
        if let Some(pattern) = formats.birth_date.as_deref().filter(|pattern| *pattern != "unixTimestamp")
            && (pattern.is_empty() || !pattern.chars().all(|c| "yYMdD/-".contains(c)))
        {
            return Err(format!("birthDate: {pattern:?} is neither unixTimestamp nor a pattern of y, M, d, / and -"));
        }
        for (composite, template) in [("AddressCredential", &formats.address), ("FullNameCredential", &formats.full_name)] {
            if let Some(template) = template.as_deref().filter(|template| *template != "object") {
                Template::read(composite, template)?;
            }
        }
    }
    Ok(())
}

impl Formats {
    /// A text of a type as the brand gets it.
    pub(super) fn written(&self, kind: &str, text: &str) -> String {
        let full = |set: &str| schema::label(set, text).unwrap_or(text).to_owned();
        match kind {
            "BirthDateCredential" => self.pattern().and_then(|pattern| Some(by_pattern(day::of_millis(text)?, pattern))),
            "StateCredential" if self.state == Some(CodeFormat::Full) => Some(full("usStates")),
            "CountryCredential" if self.country == Some(CodeFormat::Full) => Some(full("countries")),
            _ => None,
        }
        .unwrap_or_else(|| text.to_owned())
    }

    /// A text that the brand sent as a credential holds it; unchanged where it is in no format of the brand's.
    pub(super) fn read(&self, kind: &str, text: &str) -> String {
        let code = |set: &str| schema::value_of_label(set, text).unwrap_or(text).to_owned();
        match kind {
            "BirthDateCredential" => self.pattern().and_then(|pattern| day::to_millis(read_by_pattern(text, pattern)?)),
            "StateCredential" if self.state == Some(CodeFormat::Full) => Some(code("usStates")),
            "CountryCredential" if self.country == Some(CodeFormat::Full) => Some(code("countries")),
            _ => None,
        }
        .unwrap_or_else(|| text.to_owned())
    }

    /// The template in which the brand gets a composite, if it does not get it as an object.
    pub(super) fn template(&self, kind: &str) -> Option<Template> {
        let template = match kind {
            "AddressCredential" => self.address.as_deref()?,
            "FullNameCredential" => self.full_name.as_deref()?,
            _ => return None,
        };
        Template::read(kind, template).ok().filter(|_| template != "object")
    }

    fn pattern(&self) -> Option<&str> {
        self.birth_date.as_deref().filter(|pattern| *pattern != "unixTimestamp")
    }
}

/// `d/M/yy`: the runs of letters are year, month and day, as wide as they are long.
fn by_pattern(day: NaiveDate, pattern: &str) -> String {
    let mut written = String::new();
    for run in runs(pattern) {
        let width = run.len();
        match run.chars().next() {
            Some('y' | 'Y') if width <= 2 => written += &format!("{:0width$}", day.year().rem_euclid(100)),
            Some('y' | 'Y') => written += &format!("{:0width$}", day.year()),
            Some('M') => written += &format!("{:0width$}", day.month()),
            Some('d' | 'D') => written += &format!("{:0width$}", day.day()),
            _ => written += run,
        }
    }
    written
}

/// The day that a text means by a pattern. A year of two digits is the latest that is not in the future of 2030.
fn read_by_pattern(text: &str, pattern: &str) -> Option<NaiveDate> {
    let mut rest = text;
    let (mut year, mut month, mut day) = (None, None, None);
    let all = runs(pattern);
    for (at, run) in all.iter().enumerate() {
        let letter = run.chars().next()?;
        if matches!(letter, '/' | '-') {
            rest = rest.strip_prefix(run)?;
            continue;
        }
        // Without a separator behind it a number is exactly as wide as its run; with one it may be wider.
        let is_bounded = all.get(at + 1).is_none_or(|next| next.starts_with(['/', '-']));
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at_checked(if is_bounded { digits } else { run.len() })?;
        rest = tail;
        let value: i32 = number.parse().ok()?;
        match letter {
            'M' => month = u32::try_from(value).ok(),
            'd' | 'D' => day = u32::try_from(value).ok(),
            _ if run.len() <= 2 && value < 100 => year = Some(if value > 30 { 1900 + value } else { 2000 + value }),
            _ => year = Some(value),
        }
    }
    NaiveDate::from_ymd_opt(year?, month?, day?).filter(|_| rest.is_empty())
}

/// Runs of the same letter, `y` and `Y`, `d` and `D` being the same.
fn runs(pattern: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let same = |c: char| if first == 'M' { c == 'M' } else { c.eq_ignore_ascii_case(&first) };
        let (run, tail) = rest.split_at(rest.find(|c| !same(c)).unwrap_or(rest.len()));
        all.push(run);
        rest = tail;
    }
    all
}

/// A composite as one text: names of parts, each with the separator that stands before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<(String, String)>);

impl Template {
    fn read(composite: &str, text: &str) -> Result<Self, String> {
        let children = schema::credential_type(composite).map(|kind| kind.children.as_slice()).unwrap_or_default();
        let known =
            |name: &str| children.iter().filter_map(|child| schema::credential_type(child)).any(|child| child.short_name == name);
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (separator, tail) = rest.split_at(rest.find(char::is_alphanumeric).unwrap_or(rest.len()));
            let (name, tail) = tail.split_at(tail.find(|c: char| !c.is_alphanumeric()).unwrap_or(tail.len()));
            if !separator.chars().all(|c| matches!(c, ',' | '-' | ' ')) || !known(name) {
                return Err(format!(
                    "{text:?} is neither \"object\" nor a template of the parts of {composite} with commas, dashes and spaces"
                ));
            }
            parts.push((separator.to_owned(), name.to_owned()));
            rest = tail;
        }
        if parts.is_empty() { Err("a template cannot be empty".to_owned()) } else { Ok(Self(parts)) }
    }

    /// The text; a part without a value is left out with the separator before it.
    pub(super) fn write(&self, value: impl Fn(&str) -> Option<String>) -> String {
        let mut written = String::new();
        for (separator, name) in &self.0 {
            if let Some(value) = value(name) {
                if !written.is_empty() {
                    written += separator;
                }
                written += &value;
            }
        }
        written
    }

    /// The same without some of its parts, and the separators before those.
    pub(super) fn only(&self, keeps: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|(_, name)| keeps(name)).cloned().collect())
    }

    /// The parts of a text with all separators, by name; none where it has other ones.
    pub(super) fn parts(&self, text: &str) -> Option<Vec<(String, String)>> {
        let mut parts = Vec::new();
        let mut rest = text;
        let mut all = self.0.iter().peekable();
        while let Some((_, name)) = all.next() {
            let (value, tail) = match all.peek() {
                Some((separator, _)) => rest.split_once(separator.as_str())?,
                None => (rest, ""),
            };
            parts.push((name.clone(), value.to_owned()));
            rest = tail;
        }
        (!parts.is_empty()).then_some(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn dates_are_written_and_read_by_patterns() {
        let formats = |pattern: &str| Formats { birth_date: Some(pattern.to_owned()), ..Formats::default() };
        for (pattern, written) in [
            ("unixTimestamp", "617976000000"),
            ("MM/dd/yyyy", "08/01/1989"),
            ("yyyy-MM-dd", "1989-08-01"),
            ("YYYY-MM-DD", "1989-08-01"),
            ("d/M/yy", "1/8/89"),
            ("yyyyMMdd", "19890801"),
        ] {
            assert_eq!(formats(pattern).written("BirthDateCredential", "617976000000"), written, "{pattern}");
            assert_eq!(formats(pattern).read("BirthDateCredential", written), "617976000000", "{pattern}");
        }
        assert_eq!(formats("MM/dd/yyyy").read("BirthDateCredential", "617976000000"), "617976000000");
        assert_eq!(formats("MM/dd/yyyy").read("BirthDateCredential", "13/41/1989"), "13/41/1989");
    }

    #[test]
    fn templates_leave_out_what_has_no_value() {
        let address = Template::read("AddressCredential", "line1, line2, city, state-country").unwrap();
        let value = |name: &str| match name {
            "line1" => Some("5320 Newell Rd".to_owned()),
            "city" => Some("Palo Alto".to_owned()),
            "state" => Some("CA".to_owned()),
            "country" => Some("US".to_owned()),
            _ => None,
        };
        assert_eq!(address.write(value), "5320 Newell Rd, Palo Alto, CA-US");
        assert_eq!(address.write(|name| value(name).filter(|_| name != "line1")), "Palo Alto, CA-US");
        let name = Template::read("FullNameCredential", "firstName, lastName").unwrap();
        assert_eq!(
            name.parts("Richard, Hendricks").unwrap(),
            [("firstName".to_owned(), "Richard".to_owned()), ("lastName".to_owned(), "Hendricks".to_owned())]
        );
        assert_eq!(name.parts("Richard Hendricks"), None);
    }

    #[test]
    fn the_setting_refuses_what_it_cannot_be() {
        let brand = "7854ec22-f913-4d67-824d-adb2a756bf3c";
        for (right, wrong) in [
            (json!({brand: {"birthDate": "MM/dd/yyyy", "state": "full"}}), json!({brand: {"birthDate": "mm.dd"}})),
            (json!({brand: {"address": "line1, city"}}), json!({brand: {"address": "street; city"}})),
            (json!({brand: {"fullName": "object"}}), json!({brand: {"fullName": ""}})),
            (json!({}), json!({brand: {"colour": "full"}})),
            (json!({brand: {}}), json!({"Hooli": {}})),
            (json!({brand: {"country": "abbreviation"}}), json!({brand: {"country": "long"}})),
        ] {
            assert_eq!(check(&right), Ok(()), "{right}");
            assert!(check(&wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn reading_a_day_undoes_writing_it(
            number in 704_918_i32..=741_442, // from 1931 to 2030, where two digits of a year say which
            pattern in prop::sample::select(vec!["MM/dd/yyyy", "yyyy-MM-dd", "d/M/yy", "M-d-y", "yyyyMMdd", "ddMMyy"]),
        ) {
            let day = NaiveDate::from_num_days_from_ce_opt(number).ok_or_else(|| TestCaseError::fail("no day"))?;
            prop_assert_eq!(read_by_pattern(&by_pattern(day, pattern), pattern), Some(day));
        }

        #[test]
        fn no_text_panics_a_pattern_or_a_template(text in any::<String>(), pattern in "[yYMdD/-]{0,12}", template in "[a-zA-Z1, -]{0,30}") {
            let _ = read_by_pattern(&text, &pattern);
            let _ = by_pattern(NaiveDate::MIN, &pattern);
            if let Ok(template) = Template::read("AddressCredential", &template) {
                let _ = template.parts(&text);
            }
        }
    }
}
