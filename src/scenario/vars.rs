//! Variables in text: `${name}`, and `$${` for the two characters themselves.

use std::collections::BTreeMap;

use serde_json::Value;

/// Names and values.
pub(super) type Vars = BTreeMap<String, Value>;

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// A variable.
    Name(&'a str),
}

/// The parts of a text; an error says what is wrong with a variable in it.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(kept) = before.strip_suffix('$') {
            found.push(Piece::Text(kept));
            found.push(Piece::Text("${"));
            rest = from.get(2..).unwrap_or_default();
            continue;
        }
        let Some((name, after)) = from.get(2..).and_then(|from| from.split_once('}')) else {
            return Err("`${` opens a variable that no `}` closes; write `$${` for the characters".to_owned());
        };
        if !is_name(name) {
            return Err(format!("`${{{name}}}` names no variable: a name is letters, digits and `_.-`, a letter first"));
        }
        found.push(Piece::Text(before));
        found.push(Piece::Name(name));
        rest = after;
    }
    found.push(Piece::Text(rest));
    found.retain(|piece| *piece != Piece::Text(""));
    Ok(found)
}

/// Whether a variable can have this name.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// A text with its variables put in. A text that is one variable and nothing else keeps the type of its value.
pub(super) fn fill_text(text: &str, vars: &Vars) -> Result<Value, String> {
    let pieces = pieces(text)?;
    if let [Piece::Name(name)] = pieces.as_slice() {
        return value_of(name, vars).cloned();
    }
    fill_pieces(&pieces, vars, str::to_owned).map(Value::String)
}

/// A text with its variables put in, as text, each passed through `each` first.
pub(super) fn fill_with(text: &str, vars: &Vars, each: impl Fn(&str) -> String) -> Result<String, String> {
    fill_pieces(&pieces(text)?, vars, each)
}

/// JSON with variables put in wherever there is text.
pub(super) fn fill(value: &Value, vars: &Vars) -> Result<Value, String> {
    match value {
        Value::String(text) => fill_text(text, vars),
        Value::Array(items) => items.iter().map(|item| fill(item, vars)).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, value)| Ok((key.clone(), fill(value, vars)?))).collect::<Result<_, _>>().map(Value::Object)
        }
        other => Ok(other.clone()),
    }
}

/// A value as it stands in a header, a query or a sentence.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn fill_pieces(pieces: &[Piece<'_>], vars: &Vars, each: impl Fn(&str) -> String) -> Result<String, String> {
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => Ok((*text).to_owned()),
            Piece::Name(name) => Ok(each(&plain(value_of(name, vars)?))),
        })
        .collect()
}

fn value_of<'a>(name: &str, vars: &'a Vars) -> Result<&'a Value, String> {
    vars.get(name).ok_or_else(|| format!("the variable `{name}` has no value"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn vars() -> Vars {
        [("n".to_owned(), json!(5)), ("5n.key".to_owned(), json!("k")), ("o".to_owned(), json!({"a": 1}))].into()
    }

    #[test]
    fn variables_are_put_in() {
        for (text, expected) in [
            ("plain", json!("plain")),
            ("${n}", json!(5)),
            ("${o}", json!({"a": 1})),
            ("n=${n}", json!("n=5")),
            ("${5n.key}${n}", json!("k5")),
            ("$${n} costs $5", json!("${n} costs $5")),
            ("$.a[?@.b == '${n}']", json!("$.a[?@.b == '5']")),
            ("", json!("")),
        ] {
            assert_eq!(fill_text(text, &vars()), Ok(expected), "{text}");
        }
        assert_eq!(fill(&json!({"a": ["${n}", true]}), &vars()), Ok(json!({"a": [5, true]})));
        for text in ["${", "${n", "${}", "${a b}", "${-}", "${unknown}"] {
            assert!(fill_text(text, &vars()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_text_without_variables_stays(text in "[${}a-z. ]*") {
            let filled = fill_text(&text, &vars());
            if !text.contains("${") {
                prop_assert_eq!(filled, Ok(Value::String(text)));
            }
        }
    }
}
