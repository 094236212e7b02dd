//! The types as a whole; formats are tested beside their scanners.

use std::error::Error;

use proptest::prelude::*;

use super::*;

type Tested = Result<(), Box<dyn Error>>;

/// One case of `vectors.json`: what the provider's own validator made of the data.
#[derive(Deserialize)]
struct Vector {
    #[serde(rename = "type")]
    name: String,
    flattened: Map<String, Value>,
    valid: bool,
    /// Where it differs from `flattened`.
    stored: Option<Map<String, Value>>,
    message: Option<String>,
}

fn object(text: &str) -> serde_json::Result<Map<String, Value>> {
    serde_json::from_str(text)
}

#[test]
fn the_file_is_sound() -> Tested {
    let types = Types::read(include_str!("../credential_types.json"))?;
    assert_eq!(types.all.len(), 49);
    assert_eq!(types.by_name.len(), 49);
    assert_eq!(types.by_short_name.len(), 49, "short names are unique");
    for of in &types.all {
        let name = &of.name;
        assert_eq!(of.kind == Kind::Composite, !of.children.is_empty(), "{name}");
        assert_eq!(of.kind == Kind::Atomic, of.data_key.is_some(), "{name}");
        for child in &of.children {
            let child = credential_type(child).ok_or(format!("{name}: no type {child}"))?;
            let parents = child.kind == Kind::Composite || child.parents.contains(name);
            assert!(parents, "{name} is a parent of {}", child.name);
        }
        for child in &of.children_required_when_mandatory {
            assert!(of.children.contains(child), "{name} holds {child}");
        }
        for parent in &of.parents {
            let parent = credential_type(parent).ok_or(format!("{name}: no type {parent}"))?;
            assert!(parent.children.contains(name), "{name} is a child of {}", parent.name);
        }
    }
    Ok(())
}

#[test]
fn types_are_found_by_either_name() {
    for of in all() {
        let by_name = credential_type(&of.name).map(|found| &found.name);
        let by_short_name = by_short_name(&of.short_name).map(|found| &found.name);
        assert_eq!((by_name, by_short_name), (Some(&of.name), Some(&of.name)));
    }
    assert!(credential_type("fullName").is_none());
    assert!(by_short_name("FullNameCredential").is_none());
    assert_eq!(all().filter(|of| of.deprecated).count(), 9);
}

#[test]
fn the_vectors_come_out_as_they_did_at_the_provider() -> Tested {
    let vectors = include_str!("../../../../tests/it/verified/vectors.json");
    let vectors: Vec<Vector> = serde_json::from_str(vectors)?;
    assert_eq!(vectors.len(), 56);
    for Vector { name, flattened, valid, stored, message } in vectors {
        let expected = if valid { Ok(stored.unwrap_or_else(|| flattened.clone())) } else { Err(message.unwrap_or_default()) };
        let case = format!("{name} {}", Value::Object(flattened.clone()));
        assert_eq!(validate(&name, flattened), expected, "{case}");
    }
    Ok(())
}

/// Type, data, and what Ajv 8 makes of them under the provider's schemas and options.
const SEEN_IN_AJV: &[(&str, &str, Result<&str, &str>)] = &[
    ("EmailCredential", r#"{"email":["a@b.co"]}"#, Err("must be string")),
    ("EmailCredential", r#"{"email":null}"#, Err(r#"must match format "email""#)),
    ("EmailCredential", r#"{"email":true}"#, Err(r#"must match format "email""#)),
    ("AmountCredential", r#"{"amount":-1.50}"#, Err(r#"must match format "digits""#)),
    ("AmountCredential", r#"{"amount":1e21}"#, Err(r#"must match format "digits""#)),
    ("AmountCredential", r#"{"amount":-5.0}"#, Ok(r#"{"amount":"-5"}"#)),
    ("FirstNameCredential", r#"{"firstName":null}"#, Ok(r#"{"firstName":""}"#)),
    ("FirstNameCredential", r#"{"firstName":false}"#, Ok(r#"{"firstName":"false"}"#)),
    (
        "StateCredential",
        r#"{"state":"SP","country":"US"}"#,
        Err(r#"must match format "iso3166USRegionCode", must match "then" schema"#),
    ),
    (
        "StateCredential",
        r#"{"country":"US"}"#,
        Err("must have required property 'state', must match \"then\" schema, must have required property 'state'"),
    ),
    ("StateCredential", r#"{"state":"SP","country":"BR"}"#, Ok(r#"{"state":"SP","country":"BR"}"#)),
    ("ZipCodeCredential", r#"{"zipCode":9,"country":"US"}"#, Err(r#"must match format "usZipCode", must match "then" schema"#)),
    (
        "FullNameCredential",
        r#"{"x":"1","y":"2"}"#,
        Err("must have required property 'firstName', must have required property 'middleName', \
             must have required property 'lastName', must match a schema in anyOf, \
             must have required property 'fullName', must match a schema in anyOf, \
             FullNameCredential doesn't match the schema"),
    ),
    (
        "FullNameCredential",
        r#"{"firstName":{}}"#,
        Err("must be string, must have required property 'middleName', \
             must have required property 'lastName', must match a schema in anyOf, \
             must have required property 'fullName', must match a schema in anyOf, \
             FullNameCredential doesn't match the schema"),
    ),
    ("FullNameCredential", r#"{"firstName":null,"lastName":7}"#, Ok(r#"{"firstName":"","lastName":"7"}"#)),
    ("FullNameCredential", r#"{"middleName":"M","fullName":"R H"}"#, Ok(r#"{"middleName":"M","fullName":"R H"}"#)),
    (
        "AddressCredential",
        r#"{"address":"Houston"}"#,
        Err("must have required property 'line1', must have required property 'line2', \
             must have required property 'city', must have required property 'country', \
             must have required property 'state', must have required property 'zipCode', \
             must match a schema in anyOf, must match format \"address\", must match a schema in anyOf, \
             AddressCredential doesn't match the schema"),
    ),
    (
        "AddressCredential",
        r#"{"address":"107 SE Washington St, Houston, US-XX 65439","city":"Houston"}"#,
        Err("AddressCredential doesn't match the schema"),
    ),
    // The condition of `StateCredential` looks at `country`, yet that does not make it evaluated.
    ("AddressCredential", r#"{"state":"CA","country":"usa"}"#, Err("AddressCredential doesn't match the schema")),
    // Here it does, since what follows from it holds.
    ("GovernmentIdCredential", r#"{"state":"CA","country":"US"}"#, Ok(r#"{"state":"CA","country":"US"}"#)),
    ("GovernmentIdCredential", r#"{"state":"SP","country":"BR"}"#, Err("GovernmentIdCredential doesn't match the schema")),
    (
        "AnnualIncomeCredential",
        r#"{"income":"101000"}"#,
        Err("must have required property 'currency', must have required property 'amount', \
             must match format \"iso4217Amount\", must match a schema in anyOf, \
             must match format \"iso4217Amount\", must match \"then\" schema"),
    ),
    // Its condition forbids others, which evaluates them all, met or not …
    ("AnnualIncomeCredential", r#"{"currency":"USD","amount":"5","x":1}"#, Ok(r#"{"currency":"USD","amount":"5","x":1}"#)),
    // … and deletes them where it comes that far, also as part of an employer.
    ("AnnualIncomeCredential", r#"{"currency":"USD","income":"USD 5"}"#, Ok(r#"{"income":"USD 5"}"#)),
    ("EmployerCredential", r#"{"employer":"Hooli","income":"USD 5"}"#, Ok(r#"{"income":"USD 5"}"#)),
    (
        "AnnualIncomeCredential",
        r#"{"currency":"usd","amount":"5.0"}"#,
        Err("must match format \"iso4217\", must match format \"digits\", \
             must have required property 'income', must match a schema in anyOf"),
    ),
    ("EmployerCredential", r#"{"employer":"Hooli","startDate":"1"}"#, Err("EmployerCredential doesn't match the schema")),
    (
        "EmployerCredential",
        "{}",
        Err("must have required property 'employer', must have required property 'startDate', \
             must have required property 'title', must have required property 'incomeRange', \
             must have required property 'currency', must have required property 'amount', \
             must have required property 'income', must match a schema in anyOf, \
             must match a schema in anyOf"),
    ),
    ("PhoneInfoCredential", r#"{"phone":"+10123456789","type":"Fax"}"#, Err("PhoneInfoCredential doesn't match the schema")),
    (
        "PhoneInfoCredential",
        r#"{"phone":"1","type":"Fax"}"#,
        Err("must match format \"phone\", must match format \"lineType\", \
             must match a schema in anyOf, PhoneInfoCredential doesn't match the schema"),
    ),
];

#[test]
fn what_was_seen_in_ajv_is_so_here() -> Tested {
    for (name, flat, expected) in SEEN_IN_AJV {
        let found = validate(name, object(flat)?).map(|stored| Value::Object(stored).to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), *expected, "{name} {flat}");
    }
    Ok(())
}

#[test]
fn examples_are_valid_for_the_types_that_give_them() -> Tested {
    let mut tried = 0;
    for of in all() {
        let Some(key) = of.data_key.as_ref().or(of.legacy_single_key.as_ref()) else {
            continue;
        };
        let schema = json_schema(of).as_object().ok_or("not an object")?;
        let examples = property(schema, key).and_then(|property| property.get("examples"));
        for example in examples.and_then(Value::as_array).ok_or("no examples")? {
            // The provider misspells one of its own values.
            let expected = example != "NonFixVoIP";
            let flat = Map::from_iter([(key.clone(), example.clone())]);
            assert_eq!(validate(&of.name, flat).is_ok(), expected, "{} {example}", of.name);
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried}");
    Ok(())
}

#[test]
fn every_type_refuses_something() -> Tested {
    for of in all() {
        let message = |flat| validate(&of.name, flat).map_err(|message| message.clone());
        match (of.kind, &of.data_key) {
            (Kind::Empty, _) => {
                // Nothing: what it does not know, it drops.
                assert_eq!(message(object(r#"{"a":1,"b":{}}"#)?), Ok(Map::new()), "{}", of.name);
            }
            (Kind::Atomic, Some(key)) => {
                let missing = format!("must have required property '{key}'");
                assert_eq!(message(Map::new()), Err(missing), "{}", of.name);
                let list = Map::from_iter([(key.clone(), json!([]))]);
                assert_eq!(message(list), Err("must be string".to_owned()), "{}", of.name);
            }
            (_, _) => {
                let found = message(Map::new());
                let failed = found.is_err_and(|message| message.ends_with("must match a schema in anyOf"));
                assert!(failed, "{}", of.name);
            }
        }
    }
    Ok(())
}

#[test]
fn every_type_with_a_format_refuses_other_text() {
    for of in all() {
        let key = of.data_key.as_deref().unwrap_or_default();
        let format = json_schema(of).pointer(&format!("/properties/{key}/format"));
        if let Some(format) = format {
            let flat = Map::from_iter([(key.to_owned(), json!("no such thing"))]);
            let expected = Err(format!("must match format {format}"));
            assert_eq!(validate(&of.name, flat), expected, "{}", of.name);
        }
    }
}

#[test]
fn schemas_are_served_complete() -> Tested {
    for of in all() {
        let schema = json_schema(of);
        assert_eq!(schema.get("$id"), Some(&json!(of.name)));
        let text = schema.to_string();
        assert!(!text.contains(r#""inline""#) && !text.contains(r#""optionsRef""#), "{}", of.name);
    }
    let sex = credential_type("SexCredential").ok_or("no type")?;
    let plain = json_schema(sex).pointer("/properties/sex/input");
    assert_eq!(plain, Some(&json!({"type": "Select", "options": ["Male", "Female"]})));

    let employer = credential_type("EmployerCredential").ok_or("no type")?;
    let inlined = json_schema(employer).pointer("/anyOf/0/$id");
    assert_eq!(inlined, Some(&json!("EmployerNameCredential")));

    let state = credential_type("StateCredential").ok_or("no type")?;
    let labelled = json_schema(state).pointer("/then/properties/state/input/options/4");
    assert_eq!(labelled, Some(&json!({"value": "CA", "label": "California"})));
    Ok(())
}

#[test]
fn pages_find_what_they_show() -> Tested {
    let country = credential_type("CountryCredential").ok_or("no type")?;
    let input = country.input.as_ref().ok_or("no input")?;
    assert_eq!((input.kind, input.default.as_deref()), (InputKind::Select, Some("US")));
    let canada = Choice { value: "CA".to_owned(), label: "Canada".to_owned() };
    assert_eq!((input.options.len(), input.options.get(1)), (248, Some(&canada)));
    let name = credential_type("FullNameCredential").ok_or("no type")?;
    assert_eq!((name.title.as_str(), name.display_format), ("Full Name", Some(DisplayFormat::String)));
    for of in all() {
        assert!(of.kind != Kind::Atomic || of.display_format.is_some(), "{}", of.name);
    }
    Ok(())
}

#[test]
fn attributes_are_those_of_the_parts() -> Tested {
    let keys = |name: &str| {
        let of = credential_type(name).ok_or(format!("no type {name}"))?;
        Ok::<_, String>(attributes(of).attributes.iter().map(|attribute| attribute.key).collect::<Vec<_>>())
    };
    assert_eq!(keys("IdentityCredential")?, [""; 0]);
    assert_eq!(keys("PhoneInfoCredential")?, ["phone", "type"]);
    let employer = ["employer", "startDate", "title", "incomeRange", "currency", "amount"];
    assert_eq!(keys("EmployerCredential")?, employer);

    let ssn = credential_type("SsnCredential").ok_or("no type")?;
    let served = serde_json::to_string(&attributes(ssn))?;
    let expected = r#"{"type":"SsnCredential","attributes":[{"key":"ssn","label":"Social Security Number","comment":"A US Social Security number: its nine digits alone","displayFormat":"SSN"}]}"#;
    assert_eq!(served, expected);
    Ok(())
}

#[test]
fn values_have_labels() {
    let cases = [
        ("countries", "US", Some("United States of America")),
        ("usStates", "CA", Some("California")),
        ("currencies", "EUR", Some("EUR (Euro)")),
        ("incomeRanges", "USD min0_max25000", Some("Under $25,000")),
        ("documentTypes", "Passport", Some("Passport")),
        ("countries", "us", None),
        ("planets", "US", None),
    ];
    for (set, value, expected) in cases {
        assert_eq!(label(set, value), expected, "{set} {value}");
    }
}

#[test]
fn a_schema_beyond_what_is_known_does_not_compile() -> Tested {
    let refused = [
        (r#"{"oneOf":[]}"#, r#"cannot compile "oneOf": []"#),
        (r#"{"type":"array"}"#, r#"cannot compile "type": "array""#),
        (r#"{"$ref":"NopeCredential"}"#, "no schema NopeCredential"),
        (r#"{"properties":{"a":{"type":"string","format":"nope"}}}"#, "no format nope"),
        (r#"{"properties":{"a":{"type":"string","minLength":1}}}"#, r#"cannot compile "minLength": 1"#),
        (r#"{"properties":{"a":{}}}"#, "a is not a string"),
        (r#"{"required":"a"}"#, r#"not an array: "a""#),
    ];
    let none = Schemas { by_id: BTreeMap::new(), formats: BTreeMap::new(), sets: BTreeMap::new() };
    for (schema, expected) in refused {
        let found = Program::compile(&object(schema)?, &none).map(|_| ());
        assert_eq!(found, Err(expected.to_owned()), "{schema}");
    }
    Ok(())
}

/// A value of any shape, often one that some format accepts.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[A-Z]{2}(-[A-Z]{1,3})?( [0-9-]{1,10})?".prop_map(Value::from),
        ".{0,8},.{0,8}, US-.{0,5} .{0,6}".prop_map(Value::from),
        "-?[0-9]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(".{0,3}", inner, 0..3).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// An object of any properties, mostly such as some type knows.
fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    let keys = all().flat_map(|of| [of.data_key.clone(), of.legacy_single_key.clone()]);
    let known: Vec<String> = keys.flatten().collect();
    let key = prop_oneof![4 => prop::sample::select(known), 1 => any::<String>()];
    prop::collection::btree_map(key, any_value(), 0..7).prop_map(|members| members.into_iter().collect())
}

proptest! {
    #[test]
    fn no_object_panics_and_what_is_stored_stays_valid(flat in any_object()) {
        for of in all() {
            match validate(&of.name, flat.clone()) {
                Ok(stored) => prop_assert_eq!(validate(&of.name, stored.clone()), Ok(stored)),
                Err(message) => prop_assert!(!message.is_empty()),
            }
        }
    }

    #[test]
    fn no_type_name_panics(name in any::<String>()) {
        prop_assert_eq!(validate(&name, Map::new()), Err(format!("Schema not found for type: {name}")));
        prop_assert!(label(&name, &name).is_none());
    }
}
