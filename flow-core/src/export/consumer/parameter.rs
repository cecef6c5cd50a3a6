//! The parameters of a task of a generated crate, with types that are derived from their values.

use serde_json::Value;

use super::names::Names;

/// A parameter of a task of the crate.
pub(super) struct Parameter {
    /// The name of its field.
    pub(super) field: String,
    /// The name in the export: `model`, or `Train.model` for a parameter of an upstream task.
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The value of each output, in their order.
    values: Vec<Value>,
}

/// The type of a parameter, which holds all of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    plain: Plain,
    is_optional: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    Truth,
    Int,
    Large,
    Float,
    Text,
    /// The text of the value's JSON.
    Json,
}

impl Parameter {
    /// Returns a parameter with its value in each output.
    pub(super) fn new(name: &str, values: Vec<Value>, names: &mut Names) -> Self {
        let kind = Kind::of(&values);
        Self { field: names.of_field(name), name: name.to_owned(), kind, values }
    }

    /// Returns the value in the output at this place, as a Rust literal.
    pub(super) fn literal(&self, place: usize) -> String {
        self.kind.literal(&self.values[place])
    }

    /// Returns the different values as Rust literals.
    pub(super) fn literals(&self) -> Vec<String> {
        let mut literals = Vec::new();
        for value in &self.values {
            let literal = self.kind.literal(value);
            if !literals.contains(&literal) {
                literals.push(literal);
            }
        }
        literals
    }
}

impl Kind {
    fn of(values: &[Value]) -> Self {
        let present: Vec<_> = values.iter().filter(|value| !value.is_null()).collect();
        let all = |is: fn(&Value) -> bool| present.iter().all(|value| is(value));
        let plain = match () {
            () if present.is_empty() => Plain::Text,
            () if all(Value::is_boolean) => Plain::Truth,
            () if all(Value::is_i64) => Plain::Int,
            () if all(Value::is_u64) => Plain::Large,
            () if all(Value::is_number) => Plain::Float,
            () if all(Value::is_string) => Plain::Text,
            () => Plain::Json,
        };
        Self { plain, is_optional: present.len() < values.len() }
    }

    /// Returns the type of the field.
    pub(super) fn owned(self) -> String {
        let plain = match self.plain {
            Plain::Text | Plain::Json => "String",
            _ => self.plain_borrowed(),
        };
        self.optional(plain)
    }

    /// Returns the type of a constant.
    pub(super) fn borrowed(self) -> String {
        self.optional(self.plain_borrowed())
    }

    /// Returns an expression that compares the field with a constant of the same name.
    pub(super) fn is(self, field: &str) -> String {
        match self.plain {
            Plain::Text | Plain::Json if self.is_optional => {
                format!("self.{field}.as_deref() == {field}")
            }
            _ => format!("self.{field} == {field}"),
        }
    }

    fn plain_borrowed(self) -> &'static str {
        match self.plain {
            Plain::Truth => "bool",
            Plain::Int => "i64",
            Plain::Large => "u64",
            Plain::Float => "f64",
            Plain::Text | Plain::Json => "&'static str",
        }
    }

    fn optional(self, plain: &str) -> String {
        if self.is_optional { format!("Option<{plain}>") } else { plain.to_owned() }
    }

    fn literal(self, value: &Value) -> String {
        let plain = match (self.plain, value) {
            (_, Value::Null) if self.is_optional => return "None".to_owned(),
            (Plain::Float, value) => format!("{:?}", value.as_f64().unwrap_or_default()),
            (Plain::Text, Value::String(text)) => format!("{text:?}"),
            (Plain::Text | Plain::Json, value) => format!("{:?}", value.to_string()),
            (_, value) => value.to_string(),
        };
        if self.is_optional { format!("Some({plain})") } else { plain }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(values: &[Value]) -> (String, Vec<String>) {
        let parameter = Parameter::new("x", values.to_vec(), &mut Names::default());
        (parameter.kind.owned(), parameter.literals())
    }

    #[test]
    fn the_type_holds_all_values() {
        let of = |kind: &str, literals: &[&str]| {
            (kind.to_owned(), literals.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(written(&[json!(1), json!(-2), json!(1)]), of("i64", &["1", "-2"]));
        assert_eq!(written(&[json!(u64::MAX)]), of("u64", &["18446744073709551615"]));
        assert_eq!(written(&[json!(1), json!(0.5)]), of("f64", &["1.0", "0.5"]));
        assert_eq!(written(&[json!("a\"\n")]), of("String", &["\"a\\\"\\n\""]));
        assert_eq!(
            written(&[json!(null), json!(true)]),
            of("Option<bool>", &["None", "Some(true)"])
        );
        assert_eq!(written(&[json!(null)]), of("Option<String>", &["None"]));
        assert_eq!(written(&[json!([1, "a"])]), of("String", &["\"[1,\\\"a\\\"]\""]));
        assert_eq!(written(&[json!("a"), json!(1)]), of("String", &["\"\\\"a\\\"\"", "\"1\""]));
    }
}
