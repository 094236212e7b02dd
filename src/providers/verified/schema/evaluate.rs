//! Compiles a JSON Schema into steps, and runs them on the data of a credential.
//!
//! The provider checks data with Ajv (draft 2019-09; `allErrors`, `coerceTypes` and `removeAdditional` on; the
//! ajv-errors plugin), and clients see what comes of that, so this follows Ajv where it and the specification part:
//!
//! - keywords go in Ajv's order, whatever theirs is in the document, and messages in the order in which they arose;
//! - an `anyOf` of which one branch holds takes back what the other branches reported; one that fails keeps it all;
//! - a value is coerced where a keyword looks at it, and stays so even if that branch then fails;
//! - `additionalProperties: false` deletes the other properties instead of refusing them;
//! - which properties count as evaluated is settled partly when the schema is compiled, see [`Seen`].
//!
//! Only the keywords that the credential types use are known, and only objects of strings; others do not compile.

use serde_json::{Map, Number, Value};

use super::format::Format;

/// Where a compiler finds what a schema only names.
pub(super) trait Library {
    /// The schema with this `$id`.
    fn schema(&self, id: &str) -> Option<&Map<String, Value>>;
    /// The format of this name.
    fn format(&self, name: &str) -> Option<Format>;
}

/// A compiled schema.
#[derive(Debug)]
pub(super) struct Program {
    /// Every property that the schema names; a bit of [`Mark::Keys`] stands for the one at its place.
    keys: Vec<String>,
    slots: usize,
    root: Node,
}

/// One schema object within a program.
#[derive(Debug)]
struct Node {
    steps: Vec<Step>,
    /// Whether it goes on after a failure; the condition of an `if` does not.
    thorough: bool,
}

/// A keyword, or what is left of it.
#[derive(Debug)]
enum Step {
    AnyOf(Vec<Branch>),
    AllOf(Vec<Branch>),
    If {
        condition: Branch,
        then: Branch,
    },
    Required(Vec<String>),
    /// `additionalProperties: false`: deletes all but these.
    Keep(Vec<String>),
    Properties(Vec<Property>),
    Merge(Vec<Merge>),
    Unevaluated {
        node: usize,
        seen: Seen,
    },
    /// `errorMessage` for the unevaluated properties of a node.
    Reword {
        node: usize,
        message: String,
    },
}

/// A subschema for the same object, and what its parent then knows of evaluated properties.
#[derive(Debug)]
struct Branch {
    node: Node,
    merges: Vec<Merge>,
}

/// What a schema asks of one property.
#[derive(Debug)]
struct Property {
    key: String,
    format: Option<(String, Format)>,
    constant: Option<String>,
}

/// Evaluated properties, as far as the compiler can tell.
///
/// What depends on the data goes to a slot, and in two respects Ajv's slots are odd. The first is made where a keyword
/// succeeds and takes over what was certain by then, so that this is lost where the keyword fails. And a schema that knows
/// of nothing yet adopts the slot of a branch as its own, whether or not the branch holds.
#[derive(Debug, Clone, Copy)]
enum Seen {
    Nothing,
    Known(Mark),
    Slot(usize),
}

/// Evaluated properties, when they are certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Nothing,
    Keys(u64),
    All,
}

impl Mark {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Nothing, mark) | (mark, Self::Nothing) => mark,
            (Self::Keys(bits), Self::Keys(more)) => Self::Keys(bits | more),
        }
    }

    fn covers(self, bit: u64) -> bool {
        match self {
            Self::Nothing => false,
            Self::Keys(bits) => bits & bit != 0,
            Self::All => true,
        }
    }
}

/// Adds to the slot `into` what `from` holds.
#[derive(Debug)]
struct Merge {
    into: usize,
    from: Seen,
}

/// A message to be; many are taken back before they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault<'p> {
    Missing(&'p str),
    NotString,
    NotConstant,
    Format(&'p str),
    NoBranch,
    Then,
    Unevaluated(usize),
    Reworded(&'p str),
}

impl Fault<'_> {
    fn message(self) -> String {
        match self {
            Self::Missing(key) => format!("must have required property '{key}'"),
            Self::NotString => "must be string".to_owned(),
            Self::NotConstant => "must be equal to constant".to_owned(),
            Self::Format(name) => format!("must match format \"{name}\""),
            Self::NoBranch => "must match a schema in anyOf".to_owned(),
            Self::Then => "must match \"then\" schema".to_owned(),
            Self::Unevaluated(_) => "must NOT have unevaluated properties".to_owned(),
            Self::Reworded(message) => message.to_owned(),
        }
    }
}

impl Program {
    /// Compiles `schema`; fails, saying why, on a keyword, format or reference that is not known.
    pub(super) fn compile(schema: &Map<String, Value>, library: &dyn Library) -> Result<Self, String> {
        let mut compiler = Compiler { library, keys: Vec::new(), slots: 0, nodes: 0 };
        let (root, _) = compiler.node(schema, true)?;
        Ok(Self { keys: compiler.keys, slots: compiler.slots, root })
    }

    /// Checks `data`, coercing and deleting on the way; fails with the messages of all that is wrong.
    pub(super) fn run(&self, data: &mut Map<String, Value>) -> Result<(), String> {
        let mut run = Run { keys: &self.keys, data, slots: vec![Mark::Nothing; self.slots], faults: Vec::new() };
        if run.holds(&self.root) {
            return Ok(());
        }
        let messages: Vec<String> = run.faults.into_iter().map(Fault::message).collect();
        Err(messages.join(", "))
    }
}

struct Compiler<'l> {
    library: &'l dyn Library,
    keys: Vec<String>,
    slots: usize,
    nodes: usize,
}

impl Compiler<'_> {
    fn node(&mut self, schema: &Map<String, Value>, thorough: bool) -> Result<(Node, Seen), String> {
        for (keyword, value) in schema {
            match keyword.as_str() {
                "$id"
                | "$ref"
                | "anyOf"
                | "allOf"
                | "if"
                | "then"
                | "required"
                | "additionalProperties"
                | "properties"
                | "unevaluatedProperties"
                | "errorMessage" => {}
                "type" if value == "object" => {}
                _ => return Err(format!("cannot compile \"{keyword}\": {value}")),
            }
        }
        let id = self.nodes;
        self.nodes += 1;
        let mut steps = Vec::new();
        let mut seen = Seen::Nothing;

        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let library = self.library;
            let target = library.schema(reference).ok_or_else(|| format!("no schema {reference}"))?;
            steps.push(Step::AllOf(vec![self.branch(target, thorough, &mut seen, false)?]));
        }
        if let Some(schemas) = schema.get("anyOf") {
            let branches = objects(schemas)?.map(|schema| self.branch(schema?, thorough, &mut seen, true));
            steps.push(Step::AnyOf(branches.collect::<Result<_, _>>()?));
        }
        if let Some(schemas) = schema.get("allOf") {
            let branches = objects(schemas)?.map(|schema| self.branch(schema?, thorough, &mut seen, false));
            steps.push(Step::AllOf(branches.collect::<Result<_, _>>()?));
        }
        if let (Some(condition), Some(then)) = (schema.get("if"), schema.get("then")) {
            let condition = self.branch(object(condition)?, false, &mut seen, false)?;
            let then = self.branch(object(then)?, thorough, &mut seen, true)?;
            steps.push(Step::If { condition, then });
        }
        if let Some(names) = schema.get("required") {
            steps.push(Step::Required(strings(names)?));
        }
        let properties = schema.get("properties").map(object).transpose()?;
        if let Some(additional) = schema.get("additionalProperties") {
            seen = Seen::Known(Mark::All);
            if additional == false {
                steps.push(Step::Keep(properties.into_iter().flat_map(Map::keys).cloned().collect()));
            }
        }
        if let Some(properties) = properties.filter(|properties| !properties.is_empty()) {
            let mut declared = 0;
            for key in properties.keys() {
                declared |= self.bit(key)?;
            }
            let mut merges = Vec::new();
            seen = self.merge(Seen::Known(Mark::Keys(declared)), seen, false, &mut merges);
            let properties = properties.iter().map(|(key, rules)| self.property(key, object(rules)?));
            if !merges.is_empty() {
                steps.push(Step::Merge(merges));
            }
            steps.push(Step::Properties(properties.collect::<Result<_, String>>()?));
        }
        if schema.get("unevaluatedProperties").is_some_and(|allowed| allowed == false) {
            steps.push(Step::Unevaluated { node: id, seen });
            seen = Seen::Known(Mark::All);
        }
        if let Some(message) = schema.get("errorMessage") {
            let message = message.get("unevaluatedProperties").and_then(Value::as_str);
            let message = message.ok_or("errorMessage: only unevaluatedProperties is known")?.to_owned();
            steps.push(Step::Reword { node: id, message });
        }
        Ok((Node { steps, thorough }, seen))
    }

    /// A subschema for the same object; `seen` is what its parent knows, which grows, certainly or `if_it_holds`.
    fn branch(
        &mut self,
        schema: &Map<String, Value>,
        thorough: bool,
        seen: &mut Seen,
        if_it_holds: bool,
    ) -> Result<Branch, String> {
        let (node, found) = self.node(schema, thorough)?;
        let mut merges = Vec::new();
        *seen = self.merge(found, *seen, if_it_holds, &mut merges);
        Ok(Branch { node, merges })
    }

    /// What is known of `to` once `from` is added; what is left for the run goes to `merges`.
    fn merge(&mut self, from: Seen, to: Seen, in_slot: bool, merges: &mut Vec<Merge>) -> Seen {
        let sum = match (to, from) {
            (Seen::Known(Mark::All), _) | (_, Seen::Nothing) => return to,
            (Seen::Nothing, from) => from,
            (Seen::Slot(into), from) | (from, Seen::Slot(into)) => {
                merges.push(Merge { into, from });
                Seen::Slot(into)
            }
            (Seen::Known(to), Seen::Known(from)) => Seen::Known(to.and(from)),
        };
        if in_slot && matches!(sum, Seen::Known(_)) {
            let into = self.slots;
            self.slots += 1;
            merges.push(Merge { into, from: sum });
            return Seen::Slot(into);
        }
        sum
    }

    fn bit(&mut self, key: &str) -> Result<u64, String> {
        let place = self.keys.iter().position(|known| known == key).unwrap_or_else(|| {
            self.keys.push(key.to_owned());
            self.keys.len() - 1
        });
        let shift = u32::try_from(place).map_err(|error| error.to_string())?;
        1_u64.checked_shl(shift).ok_or_else(|| "more than 64 properties".to_owned())
    }

    fn property(&self, key: &str, rules: &Map<String, Value>) -> Result<Property, String> {
        let mut property = Property { key: key.to_owned(), format: None, constant: None };
        let mut typed = false;
        for (keyword, value) in rules {
            match (keyword.as_str(), value) {
                ("description" | "examples" | "title" | "displayFormat" | "input", _) => {}
                ("type", Value::String(name)) if name == "string" => typed = true,
                ("const", Value::String(constant)) => property.constant = Some(constant.clone()),
                ("format", Value::String(name)) => {
                    let format = self.library.format(name).ok_or_else(|| format!("no format {name}"))?;
                    property.format = Some((name.clone(), format));
                }
                _ => return Err(format!("cannot compile \"{keyword}\": {value}")),
            }
        }
        if typed { Ok(property) } else { Err(format!("{key} is not a string")) }
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("not an object: {value}"))
}

fn objects(value: &Value) -> Result<impl Iterator<Item = Result<&Map<String, Value>, String>>, String> {
    let values = value.as_array().ok_or_else(|| format!("not an array: {value}"))?;
    Ok(values.iter().map(object))
}

fn strings(value: &Value) -> Result<Vec<String>, String> {
    let values = value.as_array().ok_or_else(|| format!("not an array: {value}"))?;
    let strings = values.iter().map(|value| value.as_str().map(str::to_owned));
    strings.collect::<Option<_>>().ok_or_else(|| format!("not an array of strings: {value}"))
}

struct Run<'p, 'd> {
    keys: &'p [String],
    data: &'d mut Map<String, Value>,
    slots: Vec<Mark>,
    faults: Vec<Fault<'p>>,
}

impl<'p> Run<'p, '_> {
    fn holds(&mut self, node: &'p Node) -> bool {
        let before = self.faults.len();
        for step in &node.steps {
            self.step(step, node.thorough);
            if !node.thorough && self.faults.len() > before {
                break;
            }
        }
        self.faults.len() == before
    }

    fn step(&mut self, step: &'p Step, thorough: bool) {
        match step {
            Step::AnyOf(branches) => self.any_of(branches),
            Step::AllOf(branches) => {
                for branch in branches {
                    let held = self.holds(&branch.node);
                    self.merge(&branch.merges);
                    if !held && !thorough {
                        break;
                    }
                }
            }
            Step::If { condition, then } => {
                let before = self.faults.len();
                let met = self.holds(&condition.node);
                self.faults.truncate(before);
                self.merge(&condition.merges);
                if met {
                    if self.holds(&then.node) {
                        self.merge(&then.merges);
                    } else {
                        self.faults.push(Fault::Then);
                    }
                }
            }
            Step::Required(keys) => {
                let missing = keys.iter().filter(|key| !self.data.contains_key(key.as_str()));
                self.faults.extend(missing.map(|key| Fault::Missing(key)));
            }
            Step::Keep(keys) => self.data.retain(|key, _| keys.contains(key)),
            Step::Properties(properties) => {
                for property in properties {
                    let held = self.data.get_mut(&property.key).is_none_or(|value| property.check(value, &mut self.faults));
                    if !held && !thorough {
                        break;
                    }
                }
            }
            Step::Merge(merges) => self.merge(merges),
            Step::Unevaluated { node, seen } => {
                let seen = self.mark(*seen);
                let evaluated = |key: &String| {
                    let bits = self.keys.iter().position(|known| known == key).map_or(0, |place| 1 << place);
                    seen.covers(bits)
                };
                let others = self.data.keys().filter(|key| !evaluated(key));
                self.faults.extend(others.map(|_| Fault::Unevaluated(*node)));
            }
            Step::Reword { node, message } => {
                let all = self.faults.len();
                self.faults.retain(|fault| *fault != Fault::Unevaluated(*node));
                if self.faults.len() < all {
                    self.faults.push(Fault::Reworded(message));
                }
            }
        }
    }

    /// Goes through all branches even when one holds, for what they coerce and evaluate.
    fn any_of(&mut self, branches: &'p [Branch]) {
        let before = self.faults.len();
        let mut any = false;
        for branch in branches {
            if self.holds(&branch.node) {
                any = true;
                self.merge(&branch.merges);
            }
        }
        if any {
            self.faults.truncate(before);
        } else {
            self.faults.push(Fault::NoBranch);
        }
    }

    fn merge(&mut self, merges: &[Merge]) {
        for merge in merges {
            let from = self.mark(merge.from);
            if let Some(into) = self.slots.get_mut(merge.into) {
                *into = into.and(from);
            }
        }
    }

    fn mark(&self, seen: Seen) -> Mark {
        match seen {
            Seen::Nothing => Mark::Nothing,
            Seen::Known(mark) => mark,
            Seen::Slot(slot) => self.slots.get(slot).copied().unwrap_or(Mark::Nothing),
        }
    }
}

impl Property {
    fn check<'p>(&'p self, value: &mut Value, faults: &mut Vec<Fault<'p>>) -> bool {
        let before = faults.len();
        if let Some(coerced) = coerced(value) {
            *value = Value::String(coerced);
        }
        let text = value.as_str();
        if text.is_none() {
            faults.push(Fault::NotString);
        }
        if let (Some((name, format)), Some(text)) = (&self.format, text)
            && !format.accepts(text)
        {
            faults.push(Fault::Format(name));
        }
        if self.constant.is_some() && self.constant.as_deref() != text {
            faults.push(Fault::NotConstant);
        }
        faults.len() == before
    }
}

/// The string that a scalar of another type becomes.
fn coerced(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number_text(number)),
        Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A number as JavaScript, which knows only doubles, writes it.
fn number_text(number: &Number) -> String {
    /// Up to here every whole number is a double.
    const EXACT: u64 = 1 << 53;
    if number.as_i64().is_some_and(|whole| whole.unsigned_abs() <= EXACT) {
        return number.to_string();
    }
    let value = number.as_f64().unwrap_or_default();
    // The shortest digits that lead back to the value, as `1.2345e-7`.
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    let sign = if value < 0.0 { "-" } else { "" };
    match (exponent.parse::<i32>().unwrap_or_default(), digits.len()) {
        (power @ 0..=20, count) => {
            let whole = usize::try_from(power + 1).unwrap_or_default();
            if count <= whole {
                return format!("{sign}{digits:0<whole$}");
            }
            let (whole, fraction) = digits.split_at(whole);
            format!("{sign}{whole}.{fraction}")
        }
        (power @ -6..=-1, _) => {
            let zeros = usize::try_from(-1 - power).unwrap_or_default();
            format!("{sign}0.{:0<zeros$}{digits}", "")
        }
        (power, _) => format!("{sign}{mantissa}e{power:+}"),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn numbers_read_as_in_javascript() -> Result<(), Box<dyn Error>> {
        let cases = [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("111223333", "111223333"),
            ("-331560000000", "-331560000000"),
            ("1.0", "1"),
            ("1.50", "1.5"),
            ("-12.25", "-12.25"),
            ("9007199254740993", "9007199254740992"),
            ("12345678901234567890", "12345678901234567000"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("-1.25e22", "-1.25e+22"),
            ("0.000001", "0.000001"),
            ("-0.00012", "-0.00012"),
            ("1e-7", "1e-7"),
            ("1.5e-9", "1.5e-9"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("5e-324", "5e-324"),
        ];
        for (json, expected) in cases {
            let number: Number = serde_json::from_str(json)?;
            assert_eq!(number_text(&number), expected, "{json}");
        }
        Ok(())
    }
}
