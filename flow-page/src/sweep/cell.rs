//! Cells of the table of variants: values of parameters and metadata as they are compared.

use std::cmp::Ordering;

use serde_json::Value;

/// A value of a variant in a column. The kinds are those of the table of a sweep of the library. A whole number of any size is one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Nothing,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
}

/// Converts recorded metadata, or a recorded parameter.
impl From<&Value> for Cell {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match (number.as_i128(), number.as_f64()) {
                (Some(int), _) => Self::Int(int),
                (None, Some(float)) => Self::Float(float),
                (None, None) => Self::Text(number.to_string()),
            },
            Value::String(text) => match text.as_str() {
                // Numbers that are not finite are recorded as text.
                "NaN" => Self::Float(f64::NAN),
                "inf" => Self::Float(f64::INFINITY),
                "-inf" => Self::Float(f64::NEG_INFINITY),
                text => Self::Text(text.to_owned()),
            },
            Value::Array(_) | Value::Object(_) => Self::Text(value.to_string()),
        }
    }
}

impl Cell {
    /// Returns whether there is no value.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }

    /// Returns the number, if the value is one. It may be NaN or infinite.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Nothing | Self::Bool(_) | Self::Text(_) => None,
        }
    }

    /// Returns the number that variants are ranked by. As in the best variant of a sweep, a text that is a number counts.
    pub(crate) fn ranked(&self) -> Option<f64> {
        match self {
            Self::Text(text) => text.parse().ok(),
            cell => cell.number(),
        }
    }

    /// Returns the value as text; empty if there is none.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => format!("{value:?}"),
            Self::Text(text) => text.clone(),
        }
    }

    /// Compares two values: numbers before booleans before texts. Missing values and NaN are last in both directions.
    pub(crate) fn compare(&self, other: &Self, is_descending: bool) -> Ordering {
        let values = || match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            // The rank has separated NaN from numbers.
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Self::Int(a), Self::Float(b)) => by_value(*a, *b),
            (Self::Float(a), Self::Int(b)) => by_value(*b, *a).reverse(),
            (a, b) => a.kind().cmp(&b.kind()),
        };
        self.rank().cmp(&other.rank()).then_with(|| match is_descending {
            true => values().reverse(),
            false => values(),
        })
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Nothing => 2,
            Self::Float(value) if value.is_nan() => 1,
            _ => 0,
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Int(_) | Self::Float(_) => 0,
            Self::Bool(_) => 1,
            Self::Text(_) => 2,
            Self::Nothing => 3,
        }
    }
}

/// Compares a whole number with a float that is not NaN, without rounding either: neighboring whole numbers beyond 2^53 are equal
/// as floats, and an order in which they are is no order.
fn by_value(int: i128, float: f64) -> Ordering {
    // A cast of an infinity gives an end of the type.
    let of_fraction = || 0.0.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal);
    int.cmp(&(float.trunc() as i128)).then_with(of_fraction)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sorted(values: &[Value], is_descending: bool) -> Vec<String> {
        let mut cells: Vec<_> = values.iter().map(Cell::from).collect();
        cells.sort_by(|a, b| a.compare(b, is_descending));
        cells.iter().map(Cell::text).collect()
    }

    #[test]
    fn values_are_ordered_by_kind_and_missing_ones_are_last() {
        let values = [
            json!("b"),
            json!(null),
            json!(10),
            json!("NaN"),
            json!(true),
            json!(9.5),
            json!("-inf"),
            json!("a"),
            json!(false),
        ];
        let ascending = ["-inf", "9.5", "10", "false", "true", "a", "b", "NaN", ""];
        assert_eq!(sorted(&values, false), ascending);
        let descending = ["b", "a", "true", "false", "10", "9.5", "-inf", "NaN", ""];
        assert_eq!(sorted(&values, true), descending);
    }

    #[test]
    fn whole_numbers_of_any_size_are_ordered_exactly() {
        assert_eq!(Cell::from(&json!(u64::MAX)), Cell::Int(u64::MAX.into()));
        let values = [
            json!(u64::MAX),
            json!(9_007_199_254_740_993_u64),
            json!(9_007_199_254_740_992.0),
            json!(i64::MIN),
            json!(9_007_199_254_740_991_u64),
            json!(-2),
            json!(-2.5),
            json!("inf"),
        ];
        let ascending = [
            "-9223372036854775808",
            "-2.5",
            "-2",
            "9007199254740991",
            "9007199254740992.0",
            "9007199254740993",
            "18446744073709551615",
            "inf",
        ];
        assert_eq!(sorted(&values, false), ascending);
        let compare = |a: Value, b: Value| Cell::from(&a).compare(&Cell::from(&b), false);
        assert_eq!(compare(json!(0), json!(-0.0)), Ordering::Equal);
        assert_eq!(compare(json!(0.0), json!(-0.0)), Ordering::Equal);
        assert_eq!(compare(json!("-inf"), json!(i64::MIN)), Ordering::Less);
    }

    #[test]
    fn what_is_no_number_is_text() {
        assert_eq!(Cell::from(&json!([1, 2])).text(), "[1,2]");
        let ranked = [json!("0.5"), json!(2), json!("x"), json!(true), json!(null)];
        let ranked = ranked.iter().map(|value| Cell::from(value).ranked());
        assert_eq!(ranked.collect::<Vec<_>>(), [Some(0.5), Some(2.0), None, None, None]);
    }
}
