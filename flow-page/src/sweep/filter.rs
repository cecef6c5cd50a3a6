//! Filters of the table: `c>0.5`, `model=gbm`, or a text that is anywhere in a row.

use std::cmp::Ordering;

use super::cell::Cell;
use super::table::Table;

/// The operators. Of two with the same beginning, the longer one is first.
const OPERATORS: [(&str, Operator); 6] = [
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("!=", Operator::Differs),
    ("=", Operator::Equals),
    ("<", Operator::Below),
    (">", Operator::Above),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    AtMost,
    AtLeast,
    Differs,
    Equals,
    Below,
    Above,
}

/// A condition on the rows of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    /// The value in a column compares with another one.
    Compared(Comparison),
    /// A text, in lower case, is in some cell.
    Contains(String),
}

/// A comparison with the value in a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comparison {
    column: usize,
    operator: Operator,
    value: String,
    /// The value as a number that is not NaN, if it is one.
    number: Option<Cell>,
}

impl Filter {
    /// Reads a filter. A text that begins with no name of a column and an operator is searched for.
    pub(crate) fn parse(text: &str, table: &Table) -> Self {
        let text = text.trim();
        for (name, column) in table.names() {
            let Some(rest) = text.strip_prefix(name).map(str::trim_start) else { continue };
            for (sign, operator) in OPERATORS {
                if let Some(value) = rest.strip_prefix(sign) {
                    return Self::Compared(Comparison::new(column, operator, value.trim()));
                }
            }
        }
        Self::Contains(text.to_lowercase())
    }

    /// Returns the text that is searched for although it looks like a comparison: no column has its name.
    pub(crate) fn unknown_column<'a>(&self, text: &'a str) -> Option<&'a str> {
        let Self::Contains(_) = self else { return None };
        let (name, _) = text.split_once(['<', '>', '='])?;
        let name = name.trim_end_matches('!').trim();
        (!name.is_empty()).then_some(name)
    }

    /// Returns whether a row fits.
    pub(crate) fn fits(&self, table: &Table, row: usize) -> bool {
        match self {
            Self::Compared(comparison) => {
                comparison.fits(&table.columns[comparison.column].cells[row])
            }
            Self::Contains(text) => {
                let mut cells = table.columns.iter().map(|column| column.cells[row].text());
                cells.any(|cell| cell.to_lowercase().contains(text))
            }
        }
    }
}

impl Comparison {
    fn new(column: usize, operator: Operator, value: &str) -> Self {
        let float = || value.parse::<f64>().ok().filter(|number| !number.is_nan());
        let number = match value.parse::<i128>() {
            Ok(int) => Some(Cell::Int(int)),
            Err(_) => float().map(Cell::Float),
        };
        Self { column, operator, value: value.to_owned(), number }
    }

    /// A missing value only differs from all others, and NaN is neither above nor below a number.
    fn fits(&self, cell: &Cell) -> bool {
        let order = match (cell, &self.number) {
            (Cell::Nothing, _) => None,
            (Cell::Float(number), Some(_)) if number.is_nan() => None,
            (Cell::Int(_) | Cell::Float(_), Some(value)) => Some(cell.compare(value, false)),
            // Another spelling of the same value, such as `NaN`, is compared as text.
            (Cell::Int(_) | Cell::Float(_), None) => {
                (cell.text() == self.value).then_some(Ordering::Equal)
            }
            (Cell::Bool(_) | Cell::Text(_), _) => Some(cell.text().as_str().cmp(&self.value)),
        };
        match self.operator {
            Operator::Equals => order == Some(Ordering::Equal),
            Operator::Differs => order != Some(Ordering::Equal),
            Operator::Below => order == Some(Ordering::Less),
            Operator::Above => order == Some(Ordering::Greater),
            Operator::AtMost => order.is_some_and(Ordering::is_le),
            Operator::AtLeast => order.is_some_and(Ordering::is_ge),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn fits(operator: Operator, value: &str, cell: &Value) -> bool {
        Comparison::new(0, operator, value).fits(&Cell::from(cell))
    }

    #[test]
    fn numbers_are_compared_as_numbers_and_texts_as_texts() {
        assert!(
            fits(Operator::Above, "0.5", &json!(0.75)) && fits(Operator::Above, "9", &json!(10))
        );
        assert!(
            !fits(Operator::Above, "0.5", &json!(0.5))
                && fits(Operator::AtLeast, "0.5", &json!(0.5))
        );
        assert!(
            fits(Operator::Equals, "1e0", &json!(1)) && fits(Operator::Equals, "1", &json!(1.0))
        );
        assert!(
            fits(Operator::Equals, "gbm", &json!("gbm"))
                && !fits(Operator::Equals, "g", &json!("gbm"))
        );
        assert!(
            fits(Operator::Differs, "gbm", &json!("ols"))
                && fits(Operator::Equals, "true", &json!(true))
        );
        assert!(fits(Operator::Below, "2026-02-01", &json!("2026-01-31")));
    }

    #[test]
    fn large_whole_numbers_are_compared_exactly() {
        let large = json!(9_007_199_254_740_993_u64);
        assert!(fits(Operator::Equals, "9007199254740993", &large));
        assert!(!fits(Operator::Equals, "9007199254740992", &large));
        assert!(fits(Operator::Above, "9007199254740992", &large));
        assert!(fits(Operator::Above, "9", &json!(u64::MAX)));
        assert!(fits(Operator::Equals, "18446744073709551615", &json!(u64::MAX)));
    }

    #[test]
    fn missing_values_and_nan_compare_with_nothing() {
        for operator in [Operator::Below, Operator::Above, Operator::AtMost, Operator::Equals] {
            assert!(!fits(operator, "1", &json!(null)), "{operator:?}");
            assert!(!fits(operator, "1", &json!("NaN")), "{operator:?}");
        }
        assert!(
            fits(Operator::Differs, "1", &json!(null))
                && fits(Operator::Equals, "NaN", &json!("NaN"))
        );
        assert!(fits(Operator::Above, "1", &json!("inf")));
    }
}
