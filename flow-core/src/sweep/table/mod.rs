//! Tables: a row for each variant of a sweep.

mod cell;
mod fill;

use std::fmt;

use crate::flow::error::SelectError;
use crate::value::first_line;

/// What came of the variants of a sweep: a row for each, in order. Made by
/// [`Sweep::table`](crate::Sweep::table).
///
/// Its columns are, in this order,
///
/// | column | what |
/// | --- | --- |
/// | `variant` | the name |
/// | `c`, ... | each parameter that a variant gives, with the value that this one has, if all its instances of that task have one; `Fit.c`, if two tasks have that name |
/// | `status` | `complete`, `failed` or `pending` |
/// | `seconds` | how long the root ran last, without what it requires |
/// | `accuracy`, ... | what the root has noted with [`cx.meta`](crate::Cx::meta), if it is complete |
/// | `Train.accuracy`, ... | what the tasks upstream have noted that a variant has one instance of; of one of several, `Train[ols].accuracy`, if the root requires it by that name |
/// | `failure` | why it failed, or what it requires did; only if any did |
///
/// A column has one type: whole numbers, numbers, truth values or text. What has parts, as a list,
/// is text, and so is what has different types in different rows. Where a variant has no value there
/// is none, and not an empty text. Of several roots, the columns of all are called as those upstream. Of two
/// columns of one name, the second is `c#2`; `variant`, `status`, `seconds` and `failure` are always these.
///
/// It is printed as text, with what there is to note below it, and numbers to six digits. `flow::targets::SweepTable`, which the
/// prelude brings, makes a `RecordBatch` and CSV of it.
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
    /// What it is called.
    pub name: String,
    /// What it holds, row after row.
    pub cells: Cells,
    origin: Origin,
}

/// Where what a column holds comes from.
#[derive(Clone, Debug, PartialEq)]
enum Origin {
    /// The table's own.
    Own,
    /// A parameter, by the constant that it has in code.
    Parameter(String),
    /// What was noted, by all names that somebody may call it.
    Noted(Vec<String>),
}

impl TableColumn {
    /// Whether it is of a parameter.
    pub(super) fn is_parameter(&self) -> bool {
        matches!(self.origin, Origin::Parameter(_))
    }
}

/// What a column holds, row after row; `None` where a variant has no value.
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
    /// The columns, in order.
    pub fn columns(&self) -> &[TableColumn] {
        &self.columns
    }

    /// The column with this name.
    pub fn column(&self, name: &str) -> Option<&Cells> {
        self.columns.iter().find(|column| column.name == name).map(|column| &column.cells)
    }

    /// The column that somebody means by this name, who may mean a parameter by its constant.
    ///
    /// # Errors
    ///
    /// It may be a parameter, and it may be what was noted.
    pub(super) fn meant(&self, name: &str) -> Result<Option<&TableColumn>, SelectError> {
        let by_constant =
            |column: &&TableColumn| matches!(&column.origin, Origin::Parameter(of) if of == name);
        if let Some(column) = self.columns.iter().find(by_constant) {
            return Ok(Some(column));
        }
        let column = self.columns.iter().find(|column| column.name == name);
        let Some(TableColumn { origin: Origin::Parameter(constant), .. }) = column else {
            return Ok(column);
        };
        let is_noted = |column: &&TableColumn| matches!(&column.origin, Origin::Noted(names) if names.iter().any(|of| of == name));
        match self.columns.iter().find(is_noted) {
            Some(noted) => Err(SelectError::TwoColumns {
                name: name.to_owned(),
                constant: constant.clone(),
                noted: noted.name.clone(),
            }),
            None => Ok(column),
        }
    }

    /// How many rows there are: as many as variants.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows, which no table of a sweep is without.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// What a reader should know of it: which variants are one and the same instance, and of which
    /// tasks there are several.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Cells {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Bool(values) => values.len(),
            Self::Int(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number in a row, if there is one.
    pub fn number(&self, row: usize) -> Option<f64> {
        match self {
            Self::Int(values) => values[row].map(|value| value as f64),
            Self::Float(values) => values[row],
            Self::Bool(_) | Self::Text(_) => None,
        }
    }

    /// What stands in a row, as text.
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

/// How much of a text is printed, in characters.
const CLIPPED: usize = 60;

/// What stands where there is no value.
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

/// A number to six digits.
fn rounded(value: f64) -> String {
    format!("{:?}", format!("{value:.5e}").parse().unwrap_or(value))
}

/// The first line of a text, cut if it is long, with nothing in it that breaks the line.
fn one_line(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    match first.char_indices().nth(CLIPPED) {
        Some((end, _)) => format!("{}…", first_line(&first[..end])),
        None => first_line(text),
    }
}
