use serde_json::json;

use super::*;
use crate::scenario::tree;

/// Takes patterns that have no mistakes.
struct Right;

impl Notes for Right {
    fn mistake(&mut self, place: Place, message: String) {
        panic!("{place:?}: {message}");
    }

    fn text(&mut self, _: Place, _: &str) {}

    fn json(&mut self, node: &Node) -> Value {
        match &node.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(|item| self.json(item)).collect(),
            Kind::Map(entries) => Value::Object(entries.iter().map(|entry| (entry.key.clone(), self.json(&entry.value))).collect()),
        }
    }
}

fn vars() -> Vars {
    [("n".to_owned(), json!(5)), ("dot".to_owned(), json!("a.c"))].into()
}

/// The places at which a value differs from a pattern.
fn differences(pattern: &str, actual: Option<Value>) -> Vec<Difference> {
    let pattern = Pattern::read(&tree::read(pattern).unwrap(), &mut Right);
    let mut differences = Vec::new();
    pattern.check(actual.as_ref(), "$", &vars(), &mut differences);
    differences
}

#[test]
fn values_fit_or_differ() {
    let time = "2026-01-01T00:00:00Z";
    for (pattern, fits, differs) in [
        ("5", vec![json!(5), json!(5.0)], vec![json!(6), json!("5"), json!(null)]),
        ("a", vec![json!("a")], vec![json!("A"), json!(1)]),
        ("null", vec![json!(null)], vec![json!(0), json!(false)]),
        ("${n}", vec![json!(5)], vec![json!("5")]),
        ("n${n}", vec![json!("n5")], vec![json!(5)]),
        ("{a: 1}", vec![json!({"a": 1}), json!({"a": 1, "b": 2})], vec![json!({"a": 2}), json!({}), json!([]), json!(1)]),
        ("{a: {b: [1]}}", vec![json!({"a": {"b": [1], "c": 1}})], vec![json!({"a": {"b": [1, 2]}}), json!({"a": {"b": []}})]),
        ("[1, {a: 2}]", vec![json!([1, {"a": 2, "b": 3}])], vec![json!([1]), json!([{"a": 2}, 1]), json!({"0": 1})]),
        ("{$equals: {a: 1}}", vec![json!({"a": 1.0})], vec![json!({"a": 1, "b": 2})]),
        ("{$not: 5}", vec![json!(6), json!("5")], vec![json!(5)]),
        ("{$not: {$contains: b}}", vec![json!("acd")], vec![json!("abc")]),
        ("{$exists: true}", vec![json!(null), json!(0)], vec![]),
        ("{$exists: false}", vec![], vec![json!(null)]),
        ("{$absent: true}", vec![], vec![json!(null)]),
        ("{$matches: '^a.c$'}", vec![json!("abc")], vec![json!("xabc"), json!(null)]),
        ("{$matches: '^[0-9]+$'}", vec![json!("12"), json!(12)], vec![json!("a")]),
        ("{$matches: '^${dot}$'}", vec![json!("a.c")], vec![json!("abc")]),
        ("{$contains: b}", vec![json!("abc"), json!(["b"]), json!({"b": 1})], vec![json!("ac"), json!(["abc"]), json!(5)]),
        ("{$contains: {a: 1}}", vec![json!([{"a": 1, "b": 2}]), json!({"a": 1})], vec![json!([{"a": 2}]), json!("a")]),
        ("{$starts: a}", vec![json!("abc")], vec![json!("bac"), json!(5)]),
        ("{$type: string}", vec![json!("")], vec![json!(1), json!(null)]),
        ("{$type: number}", vec![json!(1), json!(1.5)], vec![json!("1")]),
        ("{$type: integer}", vec![json!(1), json!(2.0)], vec![json!(1.5)]),
        ("{$type: boolean}", vec![json!(true)], vec![json!("true")]),
        ("{$type: object}", vec![json!({})], vec![json!([])]),
        ("{$type: array}", vec![json!([])], vec![json!({})]),
        ("{$type: 'null'}", vec![json!(null)], vec![json!(false)]),
        ("{$length: 2}", vec![json!("éa"), json!([1, 2]), json!({"a": 1, "b": 2})], vec![json!("a"), json!([]), json!(2)]),
        ("{$length: {$gte: 1, $lt: 3}}", vec![json!([1]), json!([1, 2])], vec![json!([]), json!([1, 2, 3])]),
        ("{$length: '${n}'}", vec![json!("12345")], vec![json!("1234")]),
        ("{$gt: 1}", vec![json!(2), json!(1.1)], vec![json!(1), json!("2")]),
        ("{$gte: 1}", vec![json!(1)], vec![json!(0.9)]),
        ("{$lt: 1}", vec![json!(0)], vec![json!(1)]),
        ("{$lte: 1}", vec![json!(1)], vec![json!(2)]),
        ("{$gt: '2026-01-01T01:00:00+01:00'}", vec![json!("2026-01-01T00:00:01Z")], vec![json!(time)]),
        ("{$gte: b}", vec![json!("b"), json!("c")], vec![json!("a")]),
        ("{$one_of: [1, {$type: string}]}", vec![json!(1), json!("x")], vec![json!(2)]),
        ("{$each: {a: 1}}", vec![json!([{"a": 1}, {"a": 1, "b": 2}]), json!([])], vec![json!([{"a": 1}, {}]), json!({"a": 1})]),
        ("{$type: string, $length: 2}", vec![json!("ab")], vec![json!([1, 2]), json!("a")]),
        ("{$id: x, $ref: y}", vec![json!({"$id": "x", "$ref": "y"})], vec![json!({"$id": "x"})]),
    ] {
        for value in fits {
            let differences = differences(pattern, Some(value.clone()));
            assert!(differences.is_empty(), "{pattern} {value}: {differences:?}");
        }
        for value in differs {
            assert!(!differences(pattern, Some(value.clone())).is_empty(), "{pattern} {value}");
        }
    }
}

#[test]
fn nothing_is_a_value_of_its_own() {
    for (pattern, fits) in [
        ("{$exists: false}", true),
        ("{$absent: true}", true),
        ("{$absent: false}", false),
        ("{$exists: true}", false),
        ("{$not: 5}", true),
        ("{$not: {$exists: true}}", true),
        ("{$not: {$absent: true}}", false),
        ("{$one_of: [1]}", false),
        ("{$type: 'null'}", false),
        ("null", false),
        ("{a: {$absent: true}}", false),
    ] {
        assert_eq!(differences(pattern, None).is_empty(), fits, "{pattern}");
    }
    assert!(differences("{a: {$absent: true}}", Some(json!({}))).is_empty());
}

#[test]
fn a_difference_names_its_place() {
    let found = differences("{a: [{b c: 1}, 2], d: {$length: 3}}", Some(json!({"a": [{"b c": 2}, 2], "d": "xx"})));
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(shown, [r#"$.a[0]["b c"]: expected 1, got 2"#, "length of $.d: expected 3, got 2"]);
    assert_eq!(differences("{a: '${unknown}'}", Some(json!({"a": 1})))[0].expected, "the variable `unknown` has no value");
}
