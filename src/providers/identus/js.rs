//! Values as the service's JavaScript sees them.

use serde_json::{Map, Number, Value};

/// Whether a condition holds for a value: not for null, false, 0 and empty text.
pub(super) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Whether a value is neither `"false"` nor loosely equal to false (`false`, 0, `"0"`, `""`).
pub(super) fn switched_on(value: &Value) -> bool {
    match value {
        Value::Null | Value::Object(_) => true,
        Value::Bool(flag) => *flag,
        Value::Number(_) => truthy(value),
        Value::String(_) | Value::Array(_) => {
            let text = text(value);
            let text = text.trim();
            text != "false" && !text.is_empty() && text.parse::<f64>() != Ok(0.0)
        }
    }
}

/// `String(value)`.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            items.iter().map(|item| if item.is_null() { String::new() } else { text(item) }).collect::<Vec<_>>().join(",")
        }
        Value::Object(_) => "[object Object]".to_owned(),
    }
}

/// A value as it is after `JSON.parse` and `JSON.stringify`: `1.0` is `1`.
pub(super) fn normal(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(number.as_f64().filter(|_| number.is_f64()).map_or(number, float)),
        Value::Array(items) => Value::Array(items.into_iter().map(normal).collect()),
        Value::Object(members) => Value::Object(members.into_iter().map(|(name, value)| (name, normal(value))).collect()),
        other => other,
    }
}

/// A number as JSON writes it: without decimals where it has none.
pub(super) fn float(number: f64) -> Number {
    /// Up to it every integer is a number of JavaScript.
    const MAX_SAFE: f64 = 9_007_199_254_740_991.0;
    #[expect(clippy::cast_possible_truncation, reason = "an integer below 2^53 is exact as i64")]
    let whole = (number.fract() == 0.0 && number.abs() <= MAX_SAFE).then_some(number as i64);
    whole.map(Number::from).or_else(|| Number::from_f64(number)).unwrap_or_else(|| Number::from(0))
}

/// Claims as the service takes them: an object, or text that is JSON of one. Everything else is no claims.
pub(super) fn claims(value: Option<&Value>) -> Map<String, Value> {
    let parsed = match value {
        Some(Value::String(text)) => serde_json::from_str(text).map(normal).unwrap_or_default(),
        Some(other) => other.clone(),
        None => Value::Null,
    };
    match parsed {
        Value::Object(claims) => claims,
        _ => Map::new(),
    }
}

/// The claim that credentials are found by, as text; none when it is absent or JavaScript takes it for false.
pub(super) fn claim_type(claims: &Map<String, Value>) -> Option<String> {
    claims.get("claim_type").filter(|value| truthy(value)).map(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_true_and_false_as_in_javascript() {
        for (value, true_, on) in [
            (json!(null), false, true),
            (json!(false), false, false),
            (json!(true), true, true),
            (json!(0), false, false),
            (json!(0.0), false, false),
            (json!(2), true, true),
            (json!(""), false, false),
            (json!("0"), true, false),
            (json!(" 0.0 "), true, false),
            (json!("false"), true, false),
            (json!("False"), true, true),
            (json!("no"), true, true),
            (json!([]), true, false),
            (json!({}), true, true),
        ] {
            assert_eq!((truthy(&value), switched_on(&value)), (true_, on), "{value}");
        }
    }

    #[test]
    fn values_become_text_and_numbers_become_normal() {
        for (value, expected) in [
            (json!("a"), "a"),
            (json!(5), "5"),
            (json!(1.5), "1.5"),
            (json!(true), "true"),
            (json!(["a", null, 1]), "a,,1"),
            (json!({}), "[object Object]"),
        ] {
            assert_eq!(text(&value), expected);
        }
        assert_eq!(normal(json!({"a": [1.0, -0.5, 1e300]})).to_string(), r#"{"a":[1,-0.5,1e+300]}"#);
        assert_eq!(float(3600.0).to_string(), "3600");
    }

    #[test]
    fn claims_are_an_object_or_nothing() {
        for (value, expected) in [
            (None, json!({})),
            (Some(json!({"a": 1})), json!({"a": 1})),
            (Some(json!("{\"a\": 1.0}")), json!({"a": 1})),
            (Some(json!("{bad")), json!({})),
            (Some(json!("[1]")), json!({})),
            (Some(json!(["{}", "{}"])), json!({})),
            (Some(json!(7)), json!({})),
        ] {
            assert_eq!(Value::Object(claims(value.as_ref())), expected, "{value:?}");
        }
    }
}
