//! The data of an atomic credential.

use std::cell::OnceCell;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// An object that is taken apart when somebody looks into it: most credentials go from the database to the wire as they stand.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    written: Option<Box<RawValue>>,
    map: OnceCell<Map<String, Value>>,
}

impl Fields {
    /// Data as it was stored. What is no JSON object (which is never stored) has no fields.
    pub(super) fn stored(written: Box<RawValue>) -> Self {
        Self { written: Some(written), map: OnceCell::new() }
    }
}

impl From<Map<String, Value>> for Fields {
    fn from(map: Map<String, Value>) -> Self {
        Self { written: None, map: OnceCell::from(map) }
    }
}

impl Deref for Fields {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        let parse = |written: &RawValue| serde_json::from_str(written.get()).ok();
        self.map.get_or_init(|| self.written.as_deref().and_then(parse).unwrap_or_default())
    }
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Fields {}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.written {
            Some(written) => written.serialize(serializer),
            None => (**self).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_the_same_however_they_came() {
        let text = r#"{"ssn":"111223333","x":[1,null]}"#;
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let stored = Fields::stored(raw(text));
        let Value::Object(map) = json!({"x": [1, null], "ssn": "111223333"}) else { unreachable!() };
        let made = Fields::from(map);
        assert_eq!(stored, made);
        assert_eq!(serde_json::to_string(&stored).unwrap(), text);
        assert_eq!(serde_json::to_value(&stored).unwrap(), serde_json::to_value(&made).unwrap());
        assert_eq!(serde_json::from_str::<Fields>(text).unwrap(), stored);
        assert_eq!(stored.get("ssn"), Some(&json!("111223333")));
        assert!(Fields::stored(raw("[1]")).is_empty());
    }
}
