//! Parses the cells of a column into an array.

use std::sync::Arc;

use anyhow::{Result, anyhow, ensure};
use arrow::array::{
    Array, ArrayRef, DurationMillisecondArray, LargeStringArray, make_array, new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use arrow::util::display::FormatOptions;

use super::super::cell::{Cell, Form, Time, digits};
use super::sheet::Column;
use crate::exact::excess;

/// Options with which a value that does not parse is an error instead of null.
const STRICT: CastOptions<'_> = CastOptions { safe: false, format_options: FormatOptions::new() };

/// Returns a cell as text.
pub(super) fn text(cell: &Cell) -> Result<String> {
    Ok(match cell {
        Cell::Null => String::new(),
        Cell::Bool(value) => value.to_string(),
        Cell::Number { value, .. } => digits(*value),
        Cell::Time(time) => time.text()?,
        Cell::Text(text) => text.clone(),
    })
}

/// The error of a cell that is not a value of its column's type, or of a whole column.
pub(super) struct Misfit {
    /// The row in the sheet, counted from 0.
    pub(super) row: Option<usize>,
    pub(super) what: anyhow::Error,
}

impl<E: Into<anyhow::Error>> From<E> for Misfit {
    fn from(error: E) -> Self {
        Self { row: None, what: error.into() }
    }
}

/// Builds an array of a type by parsing the texts of the cells.
pub(super) fn array(column: &Column, rows: usize, as_type: &DataType) -> Result<ArrayRef, Misfit> {
    let wrong = |row: usize, cell: &Cell| {
        let shown = text(cell).unwrap_or_default();
        let reason = match cell {
            Cell::Number { .. } | Cell::Text(_) => excess(&shown, as_type),
            _ => None,
        };
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let kind = cell.kind();
        let what = anyhow!("{shown:?}, which the cell shows as {kind}, is no {as_type}{reason}");
        Misfit { row: Some(row), what }
    };
    if let Some((row, cell)) = column.iter().find(|(_, cell)| !fits(cell, as_type)) {
        return Err(wrong(*row, cell));
    }
    let mut cells = column.iter().peekable();
    let mut each = (1..=rows).map(|row| cells.next_if(|(at, _)| *at == row).map(|(_, cell)| cell));
    if let DataType::Duration(_) = as_type {
        let ms = |cell: &Cell| if let Cell::Time(time) = cell { Some(time.ms) } else { None };
        let ms = each.map(|cell| cell.and_then(ms));
        let array: DurationMillisecondArray = ms.collect();
        return Ok(cast_with_options(&array, as_type, &STRICT)?);
    }
    let texts = each.try_fold(Vec::with_capacity(rows), |mut texts, cell| {
        texts.push(cell.map(text).transpose()?);
        anyhow::Ok(texts)
    })?;
    let texts: ArrayRef = Arc::new(LargeStringArray::from_iter(texts));
    parse(&texts, as_type).map_err(|error| {
        // The cell that failed is searched only after an error.
        let alone = |row: usize| parse(&texts.slice(row - 1, 1), as_type).is_err();
        match column.iter().find(|(row, _)| alone(*row)) {
            Some((row, cell)) => wrong(*row, cell),
            None => Misfit { row: None, what: error },
        }
    })
}

/// Returns whether a cell of this kind may be a value of the type.
///
/// The parsers are too permissive: they accept 1 as `true`.
fn fits(cell: &Cell, as_type: &DataType) -> bool {
    let of_text = as_type.is_string();
    match (cell, as_type) {
        (_, DataType::Dictionary(_, values)) => fits(cell, values),
        (Cell::Null, _) => true,
        (Cell::Bool(_), _) => of_text || *as_type == DataType::Boolean,
        (Cell::Number { value, .. }, _) => {
            of_text || as_type.is_numeric() && holds(*value, as_type)
        }
        (Cell::Time(Time { form: Form::Clock, .. }), _) => {
            let is_time = matches!(as_type, DataType::Time32(_) | DataType::Time64(_));
            of_text || is_time || matches!(as_type, DataType::Duration(_))
        }
        (Cell::Time(Time { form: Form::Span, .. }), _) => {
            of_text || matches!(as_type, DataType::Duration(_))
        }
        (Cell::Time(time), DataType::Date32) => time.is_date(),
        (Cell::Time(_), _) => of_text || matches!(as_type, DataType::Timestamp(..)),
        (Cell::Text(_), DataType::Duration(_)) => false,
        (Cell::Text(text), _) => excess(text, as_type).is_none(),
    }
}

/// Returns whether a numeric type can hold the number of a cell.
fn holds(value: f64, as_type: &DataType) -> bool {
    // Excel shows 15 digits: a number that it shows as 0.3 may be stored as 0.30000000000000004.
    excess(&digits(value), as_type).is_none()
        || as_type.is_decimal() && excess(&format!("{value:.14e}"), as_type).is_none()
}

/// Parses texts in arrow's display format, without a zone, into an array of a type.
pub(in super::super) fn parse(text: &ArrayRef, as_type: &DataType) -> Result<ArrayRef> {
    match as_type {
        DataType::Null => {
            ensure!(text.null_count() == text.len(), "a column of type Null has a value");
            Ok(new_null_array(as_type, text.len()))
        }
        DataType::Dictionary(_, values) => {
            Ok(cast_with_options(&parse(text, values)?, as_type, &STRICT)?)
        }
        // Cells have the times of a zone in UTC, which an array with a zone stores.
        DataType::Timestamp(unit, Some(_)) => {
            let times = parse(text, &DataType::Timestamp(*unit, None))?;
            Ok(make_array(times.to_data().into_builder().data_type(as_type.clone()).build()?))
        }
        _ => Ok(cast_with_options(text, as_type, &STRICT)?),
    }
}
