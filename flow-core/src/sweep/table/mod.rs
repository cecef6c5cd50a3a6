//! Tables: a row for each variant of a sweep.
//!
//! A table is for programs: its columns have types, and its cells hold text as it was given. Its printed form is for
//! people: text is escaped and cut, and numbers are rounded. This crate knows no file format; a trait of `flow-targets`
//! converts a table to a record batch or CSV.

mod cell;
mod fill;
mod records;

use std::fmt;

use crate::flow::error::SelectError;
use crate::value::first_line;

/// The results of a sweep, with a row for each variant, created by [`Sweep::table`](crate::Sweep::table).
///
/// The columns are, in this order:
///
/// | column | content |
/// | --- | --- |
/// | `variant` | the name of the variant |
/// | `c`, ... | each parameter that any variant sets, if all instances of the task in this variant have the same value; `Fit.c` if two tasks have a parameter of that name |
/// | `status` | `complete`, `failed`, `not run` (a task upstream failed) or `pending` |
/// | `seconds` | how long the last run of the root took, without its upstream |
/// | `accuracy`, ... | the metadata that the root has recorded with [`cx.meta`](crate::Cx::meta), if it is complete |
/// | `Train.accuracy`, ... | the metadata of each task upstream, if the variant has one instance of it; `Train[ols].accuracy` for one of several instances that the root requires by the name `ols` |
/// | `failure` | why the root, or a task upstream, failed; only if any variant failed |
///
/// A column has one type: integers, floating-point numbers, booleans or text. Values with parts, such as lists,
/// are text, and so are columns with different types in different rows. A missing value is `None`, and not an empty
/// text. With several roots, the metadata columns of all roots are named like those of tasks upstream. If two
/// columns have the same name, the second is `c#2`, but `variant`, `status`, `seconds` and `failure` are
/// always the columns above.
///
/// A table is printed as text, with numbers rounded to six digits and the notes below. `flow::targets::SweepTable`,
/// which is part of the prelude, converts it to a `RecordBatch` or CSV.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    columns: Vec<TableColumn>,
    rows: usize,
    notes: Vec<String>,
}

/// A column of a [`Table`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TableColumn {
    /// The name of the column.
    pub name: String,
    /// The values, one for each row.
    pub cells: Cells,
    origin: Origin,
}

/// The source of a column's values.
#[derive(Clone, Debug, PartialEq)]
enum Origin {
    /// One of the reserved columns.
    Own,
    /// A parameter, with its constant in code.
    Parameter(String),
    /// Metadata, with all names that it can be referred to by.
    Meta(Vec<String>),
}

impl TableColumn {
    /// Returns whether the column is that of a parameter.
    pub(super) fn is_parameter(&self) -> bool {
        matches!(self.origin, Origin::Parameter(_))
    }
}

/// The values of a column, one for each row; `None` where a variant has no value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each says what it is")]
pub enum Cells {
    Bool(Vec<Option<bool>>),
    Int(Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    Text(Vec<Option<String>>),
}

impl Table {
    /// Returns the columns, in order.
    pub fn columns(&self) -> &[TableColumn] {
        &self.columns
    }

    /// Returns the values of the column with this name.
    pub fn column(&self, name: &str) -> Option<&Cells> {
        self.columns.iter().find(|column| column.name == name).map(|column| &column.cells)
    }

    /// Finds the column that a user refers to, by its name or by the constant of a parameter.
    ///
    /// # Errors
    ///
    /// The name is ambiguous: both a parameter and metadata have it.
    pub(super) fn find(&self, name: &str) -> Result<Option<&TableColumn>, SelectError> {
        let by_constant =
            |column: &&TableColumn| matches!(&column.origin, Origin::Parameter(of) if of == name);
        if let Some(column) = self.columns.iter().find(by_constant) {
            return Ok(Some(column));
        }
        let column = self.columns.iter().find(|column| column.name == name);
        let Some(TableColumn { origin: Origin::Parameter(constant), .. }) = column else {
            return Ok(column);
        };
        let is_meta = |column: &&TableColumn| matches!(&column.origin, Origin::Meta(names) if names.iter().any(|of| of == name));
        match self.columns.iter().find(is_meta) {
            Some(column) => Err(SelectError::TwoColumns {
                name: name.to_owned(),
                constant: constant.clone(),
                metadata: column.name.clone(),
            }),
            None => Ok(column),
        }
    }

    /// Returns the number of rows, which is the number of variants.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Returns whether there are no rows, which is never the case for a table of a sweep.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Returns notes for the reader: variants that are the same instance, and tasks with several instances.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Cells {
    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Bool(values) => values.len(),
            Self::Int(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number in a row, if there is one.
    pub fn number(&self, row: usize) -> Option<f64> {
        match self {
            Self::Int(values) => values[row].map(|value| value as f64),
            Self::Float(values) => values[row],
            Self::Bool(_) | Self::Text(_) => None,
        }
    }

    /// Returns the value in a row as text, if there is one.
    pub fn text(&self, row: usize) -> Option<String> {
        match self {
            Self::Bool(values) => values[row].map(|value| value.to_string()),
            Self::Int(values) => values[row].map(|value| value.to_string()),
            Self::Float(values) => values[row].map(|value| format!("{value:?}")),
            Self::Text(values) => values[row].clone(),
        }
    }

    fn is_numeric(&self) -> bool {
        matches!(self, Self::Int(_) | Self::Float(_))
    }
}

/// The most characters of a text that are printed.
const CLIPPED: usize = 60;

/// The text that is printed for a missing value.
const NOTHING: &str = "-";

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |cells: &Cells, row| match (cells, cells.text(row)) {
            (Cells::Float(values), Some(_)) => rounded(values[row].unwrap_or(f64::NAN)),
            (_, Some(text)) => one_line(&text),
            (_, None) => NOTHING.to_owned(),
        };
        let mut lines = vec![String::new(); self.rows + 1];
        for (place, TableColumn { name, cells, .. }) in self.columns.iter().enumerate() {
            let texts = std::iter::once(one_line(name));
            let texts: Vec<_> = texts.chain((0..self.rows).map(|row| text(cells, row))).collect();
            let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
            for (line, text) in lines.iter_mut().zip(texts) {
                if place > 0 {
                    line.push_str("  ");
                }
                line.push_str(&match cells.is_numeric() {
                    true => format!("{text:>width$}"),
                    false => format!("{text:width$}"),
                });
            }
        }
        let lines: Vec<_> = lines.iter().map(|line| line.trim_end()).collect();
        f.write_str(&lines.join("\n"))?;
        self.notes.iter().try_for_each(|note| write!(f, "\nnote: {note}"))
    }
}

/// Formats a number rounded to six digits.
fn rounded(value: f64) -> String {
    format!("{:?}", format!("{value:.5e}").parse().unwrap_or(value))
}

/// Returns the first line of a text, escaped, and cut if it is long.
fn one_line(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    match first.char_indices().nth(CLIPPED) {
        Some((end, _)) => format!("{}…", first_line(&first[..end])),
        None => first_line(text),
    }
}
