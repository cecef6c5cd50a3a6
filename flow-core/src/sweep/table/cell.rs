//! Cells of a table, and the conversion of a column's cells to one type.

use super::Cells;
use crate::value::Value;

/// The value of a variant in a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Nothing,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl From<&Value> for Cell {
    fn from(value: &Value) -> Self {
        match value {
            Value::None | Value::Unit => Self::Nothing,
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(int) => match i64::try_from(*int) {
                Ok(int) => Self::Int(int),
                Err(_) => Self::Text(int.to_string()),
            },
            // Convert by the decimal text: 0.1 as an `f32` becomes 0.1, and not 0.10000000149.
            Value::Float(float) => match float.narrow() {
                Some(narrow) => Self::Float(narrow.to_string().parse().unwrap_or(f64::NAN)),
                None => Self::Float(float.get()),
            },
            Value::Some(value) => Self::from(&**value),
            // Text is kept as it is. It is escaped only when the table is printed.
            Value::Str(text) => Self::Text(text.to_string()),
            Value::Char(char) => Self::Text(char.to_string()),
            value => Self::Text(value.to_string()),
        }
    }
}

/// Converts recorded metadata.
impl From<&serde_json::Value> for Cell {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value as Json;

        match value {
            Json::Null => Self::Nothing,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(int), _) => Self::Int(int),
                // An integer that does not fit into an `i64`.
                _ if number.is_u64() => Self::Text(number.to_string()),
                (None, Some(float)) => Self::Float(float),
                (None, None) => Self::Text(number.to_string()),
            },
            Json::String(text) => match text.as_str() {
                // Numbers that are not finite are recorded as text.
                "NaN" => Self::Float(f64::NAN),
                "inf" => Self::Float(f64::INFINITY),
                "-inf" => Self::Float(f64::NEG_INFINITY),
                text => Self::Text(text.to_owned()),
            },
            Json::Array(_) | Json::Object(_) => Self::Text(value.to_string()),
        }
    }
}

impl Cell {
    /// Returns the value as text; `None` if there is no value.
    fn text(self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Float(value) => Some(format!("{value:?}")),
            Self::Text(text) => Some(text),
        }
    }

    /// Returns the value as a number, if it is one.
    fn float(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Nothing | Self::Bool(_) | Self::Text(_) => None,
        }
    }
}

/// Converts the cells of a column to the narrowest type that can hold all of them.
pub(super) fn column(cells: Vec<Cell>) -> Cells {
    let all = |holds: fn(&Cell) -> bool| {
        cells.iter().all(|cell| matches!(cell, Cell::Nothing) || holds(cell))
    };
    if all(|_| false) {
        return Cells::Text(vec![None; cells.len()]);
    }
    if all(|cell| matches!(cell, Cell::Bool(_))) {
        let value = |cell| if let Cell::Bool(value) = cell { Some(value) } else { None };
        return Cells::Bool(cells.into_iter().map(value).collect());
    }
    if all(|cell| matches!(cell, Cell::Int(_))) {
        let value = |cell| if let Cell::Int(value) = cell { Some(value) } else { None };
        return Cells::Int(cells.into_iter().map(value).collect());
    }
    if all(|cell| cell.float().is_some()) {
        return Cells::Float(cells.iter().map(Cell::float).collect());
    }
    Cells::Text(cells.into_iter().map(Cell::text).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn recorded(values: &[serde_json::Value]) -> Cells {
        column(values.iter().map(Cell::from).collect())
    }

    #[test]
    fn a_column_has_the_type_that_holds_all_of_it() {
        assert_eq!(recorded(&[json!(1), json!(null)]), Cells::Int(vec![Some(1), None]));
        assert_eq!(recorded(&[json!(1), json!(0.5)]), Cells::Float(vec![Some(1.0), Some(0.5)]));
        assert_eq!(recorded(&[json!(true), json!(null)]), Cells::Bool(vec![Some(true), None]));
        let mixed = [json!(1), json!("a"), json!(true), json!(null)];
        let texts = [Some("1"), Some("a"), Some("true"), None];
        assert_eq!(recorded(&mixed), Cells::Text(texts.map(|t| t.map(str::to_owned)).to_vec()));
        assert_eq!(recorded(&[json!(null)]), Cells::Text(vec![None]));
    }

    #[test]
    fn what_has_parts_and_what_is_too_large_is_text() {
        let large = recorded(&[json!(u64::MAX), json!(1)]);
        let texts = [Some(u64::MAX.to_string()), Some("1".to_owned())];
        assert_eq!(large, Cells::Text(texts.to_vec()));
        assert_eq!(recorded(&[json!([1, 2])]), Cells::Text(vec![Some("[1,2]".to_owned())]));
    }

    #[test]
    fn numbers_that_are_not_finite_are_numbers() {
        let Cells::Float(values) = recorded(&[json!("NaN"), json!("-inf"), json!(2)]) else {
            panic!("numbers are numbers")
        };
        assert!(values[0].is_some_and(f64::is_nan));
        assert_eq!(values[1..], [Some(f64::NEG_INFINITY), Some(2.0)]);
    }

    #[test]
    fn a_narrow_number_is_what_it_looks_like() -> Result<(), crate::value::ValueError> {
        assert_eq!(Cell::from(&crate::value::to_value(&0.1_f32)?), Cell::Float(0.1));
        assert_eq!(Cell::from(&crate::value::to_value(&Some(3_u8))?), Cell::Int(3));
        let huge = crate::value::to_value(&i128::MAX)?;
        assert_eq!(Cell::from(&huge), Cell::Text(i128::MAX.to_string()));
        Ok(())
    }
}
