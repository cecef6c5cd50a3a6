//! Reads the columns of a record batch from cells.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow::array::{
    Array, ArrayRef, BooleanArray, LargeStringArray, RecordBatch, RecordBatchOptions, make_array,
    new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options, filter_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::FormatOptions;

use super::super::columns::data_type;
use super::super::kinds::Kind;
use super::combine::{Combined, Outcome};
use super::grid::RawCell;
use super::notation::{Notation, usual_null};
use super::options::Options;
use crate::absent;
use crate::exact::excess;

/// Options with which a value that does not parse is null.
const LENIENT: CastOptions<'_> = CastOptions { safe: true, format_options: FormatOptions::new() };

/// What the cells of a column are read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Number,
    Time,
    Boolean,
    Text,
}

/// Reads a batch with the given schema, or with types that fit all cells.
///
/// # Errors
///
/// The schema has a column that no file has, or a type that cells cannot be read as.
pub(super) fn read(
    combined: &Combined,
    options: &Options,
    outcome: &mut Outcome,
) -> Result<RecordBatch> {
    let (schema, columns) = match &options.schema {
        Some(schema) => (schema.clone(), find(combined, schema, outcome)?),
        None => {
            let columns: Vec<usize> = (0..combined.names.len()).collect();
            (inferred(combined, &options.notation, outcome), columns)
        }
    };
    let rows = combined.rows.len();
    // The reason for which each row is rejected.
    let mut faults: Vec<Option<String>> = vec![None; rows];
    let mut arrays = Vec::with_capacity(columns.len());
    for (field, &at) in schema.fields().iter().zip(&columns) {
        let name = field.name();
        let array =
            array(combined, at, field, &options.notation, &mut |row: usize, what: String| {
                faults[row].get_or_insert_with(|| format!("column `{name}`: {what}"));
            });
        arrays.push(array.with_context(|| format!("column `{name}`"))?);
    }
    let is_kept: BooleanArray = faults.iter().map(|fault| Some(fault.is_none())).collect();
    for (row, fault) in combined.rows.iter().zip(faults) {
        if let Some(reason) = fault {
            outcome.reject(combined, row, reason);
        }
    }
    // A rejected row may have a null where the schema allows none.
    let nullable: Vec<_> =
        schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    let lenient = Arc::new(Schema::new(nullable));
    let count = RecordBatchOptions::new().with_row_count(Some(rows));
    let all = RecordBatch::try_new_with_options(lenient, arrays, &count)?;
    let kept = filter_record_batch(&all, &is_kept)?;
    let count = RecordBatchOptions::new().with_row_count(Some(kept.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema, kept.columns().to_vec(), &count)?)
}

/// Returns the indices of the columns of a schema. Notes the columns that it leaves out.
fn find(combined: &Combined, schema: &SchemaRef, outcome: &mut Outcome) -> Result<Vec<usize>> {
    let names = &combined.names;
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let Some(at) = names.iter().position(|name| name == field.name()) else {
            let delimiter = combined.places.first().and_then(|place| place.delimiter);
            let instead = absent::Columns { names, delimiter }.instead_of(&[field.name().as_str()]);
            bail!("there is no column `{}`, which the schema has: {instead}", field.name());
        };
        columns.push(at);
    }
    let unused = names.iter().enumerate().filter(|(at, _)| !columns.contains(at));
    let unused: Vec<_> = unused.map(|(_, name)| format!("`{name}`")).collect();
    if !unused.is_empty() {
        let unused = unused.join(", ");
        outcome.notes.push(format!("columns that are not in the schema are left out: {unused}"));
    }
    Ok(columns)
}

/// Returns the array of a column. `fault` is called for each row that has no value of its type.
fn array(
    combined: &Combined,
    at: usize,
    field: &Field,
    notation: &Notation,
    fault: &mut dyn FnMut(usize, String),
) -> Result<ArrayRef> {
    let (data_type, reading) = (field.data_type(), reading(field.data_type()));
    let mut texts: Vec<Option<Cow<'_, str>>> = Vec::with_capacity(combined.rows.len());
    for (row, cells) in combined.rows.iter().enumerate() {
        let text = match value(&cells.cells[at], reading, notation) {
            Ok(None) if !field.is_nullable() => {
                fault(row, "it is null, which the schema does not allow".to_owned());
                None
            }
            Ok(Some(text)) => match excess(&text, data_type) {
                Some(reason) => {
                    fault(row, format!("{text:?} is no {data_type}: {reason}"));
                    None
                }
                None => Some(text),
            },
            Ok(None) => None,
            Err(reason) => {
                fault(row, reason);
                None
            }
        };
        texts.push(text);
    }
    let given: ArrayRef = Arc::new(LargeStringArray::from_iter(texts.iter().map(Option::as_deref)));
    let array = parsed(&given, data_type)?;
    if array.null_count() > given.null_count() || *data_type == DataType::Null {
        for (row, text) in texts.iter().enumerate() {
            let is_lost = array.is_null(row) || *data_type == DataType::Null;
            if let (Some(text), true) = (text, is_lost) {
                fault(row, format!("{text:?} is no {data_type}"));
            }
        }
    }
    Ok(array)
}

/// Parses texts as a type. What does not parse is null.
fn parsed(texts: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    Ok(match data_type {
        DataType::Null => new_null_array(data_type, texts.len()),
        DataType::Dictionary(_, values) => {
            cast_with_options(&parsed(texts, values)?, data_type, &LENIENT)?
        }
        // Text with an offset is parsed as the time in UTC, which an array with a zone stores.
        DataType::Timestamp(unit, Some(_)) => {
            let times = parsed(texts, &DataType::Timestamp(*unit, None))?;
            make_array(times.to_data().into_builder().data_type(data_type.clone()).build()?)
        }
        _ => cast_with_options(texts, data_type, &LENIENT)?,
    })
}

/// Returns what the cells of a column of this type are read as.
fn reading(data_type: &DataType) -> Reading {
    match data_type {
        DataType::Dictionary(_, values) => reading(values),
        DataType::Boolean => Reading::Boolean,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Reading::Time,
        data_type if data_type.is_numeric() => Reading::Number,
        _ => Reading::Text,
    }
}

/// Returns the value of a cell as text in the notation of arrow, and `None` for null.
///
/// # Errors
///
/// The cell is no value of this kind, for the reason returned.
fn value<'a>(
    cell: &'a RawCell,
    reading: Reading,
    notation: &Notation,
) -> Result<Option<Cow<'a, str>>, String> {
    if notation.is_null(cell) {
        return Ok(None);
    }
    let text = cell.text.trim();
    match reading {
        Reading::Number => match notation.number(cell) {
            Some(number) => Ok(Some(number)),
            None => Err(format!("{text:?} is not a number{}", notation.hint(cell))),
        },
        Reading::Time => {
            let time = notation.date(cell)?;
            Ok(Some(time.map_or(Cow::Borrowed(text), Cow::Owned)))
        }
        Reading::Boolean => match notation.boolean(cell) {
            Some(true) => Ok(Some(Cow::Borrowed("true"))),
            Some(false) => Ok(Some(Cow::Borrowed("false"))),
            None => {
                let (yes, no) = &notation.booleans;
                Err(format!("{text:?} is neither `{yes}` nor `{no}`"))
            }
        },
        Reading::Text => Ok(Some(Cow::Borrowed(text))),
    }
}

/// Returns a schema with types that fit all cells.
fn inferred(combined: &Combined, notation: &Notation, outcome: &mut Outcome) -> SchemaRef {
    let field = |(at, name): (usize, &String)| {
        if at >= combined.own {
            // The name of a file or of a sheet, which may look like a number.
            return Field::new(name, DataType::Utf8, true);
        }
        let cells = || combined.rows.iter().map(move |row| &row.cells[at]);
        let kind = kind(cells(), notation);
        if kind == Kind::Text {
            outcome.notes.extend(hint(name, cells, notation));
        }
        Field::new(name, data_type(kind), true)
    };
    Arc::new(Schema::new(combined.names.iter().enumerate().map(field).collect::<Vec<_>>()))
}

/// Returns the kind that fits all cells which are not null.
fn kind<'a>(cells: impl Iterator<Item = &'a RawCell> + Clone, notation: &Notation) -> Kind {
    let values = cells.filter(|cell| !notation.is_null(cell));
    if values.clone().next().is_none() {
        return Kind::Null;
    }
    for reading in [Reading::Number, Reading::Time, Reading::Boolean] {
        let mut all = Kind::Null;
        for cell in values.clone() {
            let kind = match value(cell, reading, notation) {
                Ok(Some(text)) => Kind::of(&text),
                _ => Kind::Text,
            };
            let fits = match reading {
                Reading::Number => matches!(kind, Kind::Integer { .. } | Kind::Float),
                Reading::Time => matches!(kind, Kind::Date { .. } | Kind::Time { .. }),
                Reading::Boolean => kind == Kind::Boolean,
                Reading::Text => false,
            };
            all = if fits { all.and(kind) } else { Kind::Text };
            if all == Kind::Text {
                break;
            }
        }
        if all != Kind::Text {
            return all;
        }
    }
    Kind::Text
}

/// Returns a note if a column is text only because of words that often stand for null.
fn hint<'a, I>(name: &str, cells: impl Fn() -> I, notation: &Notation) -> Option<String>
where
    I: Iterator<Item = &'a RawCell> + Clone,
{
    let is_word = |cell: &&RawCell| usual_null(cell.text.trim()).is_some();
    let word = cells().find(is_word)?.text.trim();
    let kind = kind(cells().filter(|cell| !is_word(cell)), notation);
    let is_typed = !matches!(kind, Kind::Text | Kind::Null);
    is_typed.then(|| {
        format!(
            "column `{name}` is text because of {word:?}; if that stands for null, set \
             `nulls = [{word:?}]`, and it is {}",
            data_type(kind)
        )
    })
}
