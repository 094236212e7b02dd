//! JSON as a service on the Java virtual machine writes it: its escapes, and its order of members.
//!
//! A signature covers the bytes, so a credential can only be compared byte for byte when both are the same.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Compact JSON: members in the order that they have, a slash as `\/`, control characters and U+2000 to U+20FF as `\uXXXX`.
pub(crate) fn write(value: &Value) -> String {
    let mut out = String::new();
    append(&mut out, value);
    out
}

fn append(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => quote(out, text),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                append(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (n, (name, member)) in members.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                quote(out, name);
                out.push(':');
                append(out, member);
            }
            out.push('}');
        }
    }
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '/' => out.push_str("\\/"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2000}'..='\u{20ff}' => {
                let _ = write!(out, "\\u{:04X}", u32::from(c)); // writing to a String cannot fail
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The value as it comes out of hash maps: members of each object in the order of `java.util.HashMap`, without those that are null;
/// nulls in arrays are gone too.
pub(crate) fn hashed(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(hashed_members(members)),
        Value::Array(items) => Value::Array(items.into_iter().filter(|item| !item.is_null()).map(hashed).collect()),
        other => other,
    }
}

fn hashed_members(members: Map<String, Value>) -> Map<String, Value> {
    let mut kept: Vec<(u32, (String, Value))> = members
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            let hash = string_hash(&name);
            (hash ^ (hash >> 16), (name, hashed(value)))
        })
        .collect();
    // A table of 16 buckets, doubled whenever more than three quarters of it are taken.
    let mut buckets = 16_u32;
    while u64::from(buckets) * 3 < kept.len() as u64 * 4 {
        buckets *= 2;
    }
    kept.sort_by_key(|(hash, _)| hash & (buckets - 1));
    kept.into_iter().map(|(_, member)| member).collect()
}

/// `String.hashCode()`.
fn string_hash(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash: u32, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn members_come_in_the_order_of_a_hash_map() {
        for (given, expected) in [
            (vec!["claim_type", "object", "id"], vec!["claim_type", "id", "object"]),
            (
                vec!["claim_type", "uid", "name", "created_at", "entity", "id"],
                vec!["uid", "name", "created_at", "claim_type", "id", "entity"],
            ),
        ] {
            let members: Map<String, Value> = given.into_iter().map(|name| (name.to_owned(), json!(1))).collect();
            let Value::Object(members) = hashed(Value::Object(members)) else { panic!("an object stays one") };
            assert_eq!(members.keys().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn nulls_are_dropped_at_any_depth() {
        let value = json!({"a": null, "b": [null, {"c": null, "d": 0}], "e": {}});
        assert_eq!(hashed(value), json!({"b": [{"d": 0}], "e": {}}));
    }

    #[test]
    fn a_table_of_thirteen_members_is_doubled() {
        assert_eq!(string_hash("claim_type"), "claim_type".bytes().fold(0_u32, |h, b| h.wrapping_mul(31).wrapping_add(b.into())));
        // "p" hashes to 112: bucket 0 of 16, bucket 16 of 32. "@" hashes to 64: bucket 0 of both.
        for (count, first) in [(12, "p"), (13, "@")] {
            let names = (0..count - 2).map(|n| char::from(b'A' + n).to_string()).chain(["p".to_owned(), "@".to_owned()]);
            let members: Map<String, Value> = names.map(|name| (name, json!(1))).collect();
            assert_eq!(members.len(), usize::from(count));
            let Value::Object(members) = hashed(Value::Object(members)) else { panic!("an object stays one") };
            let place = |name: &str| members.keys().position(|key| key == name).unwrap();
            assert_eq!(place("p") < place("@"), first == "p", "{members:?}");
        }
    }

    #[test]
    fn characters_are_escaped_as_the_service_escapes_them() {
        let text = "\"\\/\u{8}\u{c}\n\r\t\u{1}\u{7f}\u{9f}\u{a0}é\u{1fff}\u{2000}\u{20ff}\u{2100}😀";
        let expected = "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\u007F\\u009F\u{a0}é\u{1fff}\\u2000\\u20FF\u{2100}😀\"";
        assert_eq!(write(&json!(text)), expected);
        assert_eq!(write(&json!({"a": [1, 2.5, true, null, {}]})), r#"{"a":[1,2.5,true,null,{}]}"#);
    }

    proptest! {
        #[test]
        fn what_is_written_is_json(text: String) {
            let value = json!({ text.clone(): [text] });
            prop_assert_eq!(serde_json::from_str::<Value>(&write(&value)).unwrap(), value);
        }
    }
}
