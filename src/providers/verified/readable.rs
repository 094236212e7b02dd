//! Values as people read and type them.

use super::credential::{Credential, Data};
use super::day;
use super::schema::{self, CredentialType, DisplayFormat, InputKind, Kind};

/// `(012) 345-6789`; a number from elsewhere as it is.
pub(super) fn phone(number: &str) -> String {
    let digits = number.strip_prefix("+1").filter(|rest| rest.len() == 10);
    let parts = digits.and_then(|digits| Some((digits.get(..3)?, digits.get(3..6)?, digits.get(6..)?)));
    parts.map_or_else(|| number.to_owned(), |(area, exchange, line)| format!("({area}) {exchange}-{line}"))
}

/// A text of a type as people read it.
pub(super) fn text(kind: &CredentialType, text: &str) -> String {
    let shown = match kind.display_format {
        Some(DisplayFormat::Date) => day::of_millis(text).map(day::readable),
        Some(DisplayFormat::Phone) => Some(phone(text)),
        Some(DisplayFormat::Ssn) => ssn(text),
        Some(DisplayFormat::Image) => Some("Image".to_owned()),
        _ => {
            let options = kind.input.as_ref().map(|input| input.options.as_slice()).unwrap_or_default();
            options.iter().find(|option| option.value == text).map(|option| option.label.clone())
        }
    };
    shown.unwrap_or_else(|| text.to_owned())
}

fn ssn(text: &str) -> Option<String> {
    Some(format!("{}-{}-{}", text.get(..3)?, text.get(3..5)?, text.get(5..9)?))
}

/// A credential as people read it; a composite on one line.
pub(super) fn credential(credential: &Credential) -> String {
    match &credential.data {
        Data::Fields(_) => {
            let kind = schema::credential_type(&credential.kind);
            match (kind, credential.text()) {
                (Some(kind), Some(value)) => text(kind, value),
                _ => "Available".to_owned(),
            }
        }
        Data::Children(children) => {
            let separator = if credential.kind == "FullNameCredential" { " " } else { ", " };
            children.iter().map(self::credential).collect::<Vec<_>>().join(separator)
        }
    }
}

/// What was typed (or sent as it was shown) into the control of an atomic type, as a credential holds it. What makes no sense stays
/// as it is, for the schema to refuse.
pub(super) fn read(kind: &CredentialType, typed: &str) -> String {
    let typed = typed.trim();
    let read = match kind.input.as_ref().map(|input| input.kind) {
        Some(InputKind::Date) => day::read_typed(typed).and_then(day::to_millis),
        Some(InputKind::Ssn) => Some(typed.replace(['-', ' '], "")),
        Some(InputKind::Phone) => {
            let bare: String = typed.chars().filter(|c| !matches!(c, ' ' | '(' | ')' | '-' | '.')).collect();
            let is_national = bare.len() == 10 && bare.bytes().all(|byte| byte.is_ascii_digit());
            Some(if is_national { format!("+1{bare}") } else { bare })
        }
        _ => None,
    };
    read.unwrap_or_else(|| typed.to_owned())
}

/// What stands in the control of an atomic type for a text of it.
pub(super) fn in_control(kind: &CredentialType, text: &str) -> String {
    match kind.input.as_ref().map(|input| input.kind) {
        Some(InputKind::Date) => day::of_millis(text).map_or_else(|| text.to_owned(), |day| day.to_string()),
        Some(InputKind::Ssn) => ssn(text).unwrap_or_else(|| text.to_owned()),
        Some(InputKind::Phone) => phone(text),
        _ => text.to_owned(),
    }
}

/// Whether a value of a type can be typed at all.
pub(super) fn can_be_typed(kind: &CredentialType) -> bool {
    kind.kind != Kind::Empty
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_back_as_it_was() {
        for (kind, value, shown) in [
            ("BirthDateCredential", "617976000000", "August 1, 1989"),
            ("SsnCredential", "123456789", "123-45-6789"),
            ("PhoneCredential", "+10123456789", "(012) 345-6789"),
            ("PhoneCredential", "+550123456789", "+550123456789"),
            ("EmailCredential", "a@b.co", "a@b.co"),
        ] {
            let kind = schema::credential_type(kind).unwrap();
            assert_eq!(text(kind, value), shown);
            assert_eq!(read(kind, shown), value, "{shown}");
            assert_eq!(read(kind, &in_control(kind, value)), value, "{value}");
            assert_eq!(read(kind, value), value);
        }
    }
}
