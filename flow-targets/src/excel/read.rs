//! Cells to columns of arrays.

use std::io::Cursor;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::{Array, ArrayRef, LargeStringArray, RecordBatch, make_array, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use arrow::util::display::FormatOptions;
use calamine::{DataRef, ExcelDateTime, ExcelDateTimeType, Reader, Xlsx};

use super::cell::{Cell, EMPTY_TEXT, FROM_1904, Form, LAST_ROW, Time, WHOLE, digits};

/// A value that does not parse is an error, not a null.
const STRICT: CastOptions<'_> = CastOptions { safe: false, format_options: FormatOptions::new() };

/// What is known of the columns before they are read.
#[derive(Clone, Copy)]
pub(super) enum Types<'a> {
    /// All.
    Schema(&'a SchemaRef),
    /// The types of columns of some names.
    ByName(&'a [FieldRef]),
    /// Nothing.
    Shown,
}

/// The table of a sheet: of the first, if none is named.
pub(super) fn table(file: &[u8], sheet: Option<&str>, types: Types<'_>) -> Result<RecordBatch> {
    let mut workbook = Xlsx::new(Cursor::new(file))?;
    let sheets = workbook.sheet_names();
    let name = match sheet {
        Some(name) if sheets.iter().any(|sheet| sheet == name) => name,
        Some(name) => bail!("it has no sheet `{name}`, but {sheets:?}"),
        None => sheets.first().context("it has no sheet")?,
    };
    let sheet = Sheet::read(&mut workbook, name)?;
    let names = sheet.names()?;
    let schema = schema(&names, &sheet.columns, types)?;
    let arrays = schema
        .fields()
        .iter()
        .zip(&sheet.columns)
        .map(|(field, cells)| {
            array(cells, field.data_type()).with_context(|| format!("column `{}`", field.name()))
        })
        .collect::<Result<Vec<_>>>()?;
    if arrays.is_empty() {
        return Ok(RecordBatch::new_empty(schema));
    }
    Ok(RecordBatch::try_new(schema, arrays)?)
}

/// The cells by column: the names, and what is below them.
struct Sheet {
    names: Vec<Cell>,
    columns: Vec<Vec<Cell>>,
}

impl Sheet {
    fn read(workbook: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> Result<Self> {
        let mut sheet = Self { names: Vec::new(), columns: Vec::new() };
        let mut rows = 0;
        let mut cells = workbook.worksheet_cells_reader(name)?;
        let formats: Vec<String> = cells.styles().iter().map(format).collect();
        while let Some((cell, style)) = cells.next_cell_with_style_id()? {
            let (row, column) = cell.get_position();
            let (row, column) = (row as usize, column as usize);
            let format = formats.get(style).map_or("General", String::as_str);
            let value = value(cell.get_value(), format)
                .with_context(|| format!("row {}, column {}", row + 1, column + 1))?;
            if value == Cell::Null && format != LAST_ROW {
                continue; // It has nothing but a look.
            }
            let line = match row.checked_sub(1) {
                None => &mut sheet.names,
                Some(below) => {
                    rows = rows.max(row);
                    if value == Cell::Null {
                        continue;
                    }
                    if sheet.columns.len() <= column {
                        sheet.columns.resize_with(column + 1, Vec::new);
                    }
                    let cells = &mut sheet.columns[column];
                    ensure!(cells.len() <= below, "its cells are out of order");
                    cells.resize(below, Cell::Null);
                    cells.push(value);
                    continue;
                }
            };
            ensure!(line.len() <= column, "its cells are out of order");
            line.resize(column, Cell::Null);
            line.push(value);
        }
        let width = sheet.names.len().max(sheet.columns.len());
        sheet.names.resize(width, Cell::Null);
        sheet.columns.resize_with(width, Vec::new);
        sheet.columns.iter_mut().for_each(|cells| cells.resize(rows, Cell::Null));
        Ok(sheet)
    }

    fn names(&self) -> Result<Vec<String>> {
        let name = |(i, cell): (usize, &Cell)| match text(cell)? {
            Some(name) => Ok(name),
            None => bail!("column {} has no name in the first row", i + 1),
        };
        self.names.iter().enumerate().map(name).collect()
    }
}

fn format(style: &calamine::Style) -> String {
    style.number_format.as_ref().map_or_else(String::new, |format| format.format_code.clone())
}

fn value(cell: &DataRef<'_>, format: &str) -> Result<Cell> {
    Ok(match cell {
        DataRef::Empty if format == EMPTY_TEXT => Cell::Text(String::new()),
        DataRef::Empty => Cell::Null,
        DataRef::Bool(value) => Cell::Bool(*value),
        DataRef::Int(value) => bail!("{value} is no number of Excel"),
        DataRef::Float(value) => Cell::Number { value: *value, whole: format == WHOLE },
        DataRef::DateTime(time) if time.is_duration() => {
            Cell::Number { value: time.as_f64(), whole: false }
        }
        DataRef::DateTime(time) => {
            let serial = time.as_f64();
            let as_1904 = ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, true);
            let serial = if *time == as_1904 { serial + FROM_1904 } else { serial };
            Cell::Time(Time::of_serial(Time::form(format), serial)?)
        }
        DataRef::String(text) => Cell::Text(text.clone()),
        DataRef::SharedString(text) => Cell::Text((*text).to_owned()),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Cell::Text(text.clone()),
        DataRef::Error(error) => bail!("the cell's formula gave the error {error}"),
    })
}

fn schema(names: &[String], columns: &[Vec<Cell>], types: Types<'_>) -> Result<SchemaRef> {
    if let Types::Schema(schema) = types {
        let expected: Vec<_> = schema.fields().iter().map(|field| field.name()).collect();
        ensure!(
            names.iter().eq(expected.iter().copied()),
            "the columns are {names:?}, and the schema given has {expected:?}",
        );
        return Ok(schema.clone());
    }
    let field = |(name, cells): (&String, &Vec<Cell>)| {
        let known = match types {
            Types::ByName(fields) => fields.iter().find(|field| field.name() == name),
            _ => None,
        };
        let data_type = known.map_or_else(|| shown(cells), |field| field.data_type().clone());
        Field::new(name, data_type, true)
    };
    Ok(Arc::new(Schema::new(names.iter().zip(columns).map(field).collect::<Vec<_>>())))
}

/// The type that a column's cells show.
fn shown(cells: &[Cell]) -> DataType {
    let mut types = cells.iter().filter_map(|cell| {
        Some(match cell {
            Cell::Null => return None,
            Cell::Bool(_) => DataType::Boolean,
            Cell::Number { value, whole } if *whole && value.fract() == 0.0 => DataType::Int64,
            Cell::Number { .. } => DataType::Float64,
            Cell::Time(Time { form: Form::Date, .. }) => DataType::Date32,
            Cell::Time(Time { form: Form::Moment, .. }) => {
                DataType::Timestamp(TimeUnit::Microsecond, None)
            }
            Cell::Time(Time { form: Form::Clock, .. }) => DataType::Time32(TimeUnit::Millisecond),
            Cell::Text(_) => DataType::Utf8,
        })
    });
    let Some(first) = types.next() else {
        return DataType::Null;
    };
    types.fold(first, |a, b| match (&a, &b) {
        _ if a == b => a,
        (DataType::Int64 | DataType::Float64, DataType::Int64 | DataType::Float64) => {
            DataType::Float64
        }
        (DataType::Date32 | DataType::Timestamp(..), DataType::Date32) => a,
        (DataType::Date32, DataType::Timestamp(..)) => b,
        _ => DataType::Utf8,
    })
}

fn text(cell: &Cell) -> Result<Option<String>> {
    Ok(match cell {
        Cell::Null => None,
        Cell::Bool(value) => Some(value.to_string()),
        Cell::Number { value, .. } => Some(digits(*value)),
        Cell::Time(time) => Some(time.text()?),
        Cell::Text(text) => Some(text.clone()),
    })
}

/// The cells as a column of that type: parsed from their text, which every type has.
fn array(cells: &[Cell], as_type: &DataType) -> Result<ArrayRef> {
    if let Some(row) = cells.iter().position(|cell| !fits(cell, as_type)) {
        bail!("row {row} holds {:?}, which is no {as_type}", cells[row]);
    }
    let texts = cells.iter().map(text).collect::<Result<Vec<_>>>()?;
    let texts: ArrayRef = Arc::new(LargeStringArray::from_iter(texts));
    parse(&texts, as_type)
}

/// Whether a cell of that kind may be one of the type's values. Parsers are more generous: to them
/// 1 is true.
fn fits(cell: &Cell, as_type: &DataType) -> bool {
    let of_text = as_type.is_string();
    match (cell, as_type) {
        (_, DataType::Dictionary(_, values)) => fits(cell, values),
        (Cell::Null, _) => true,
        (Cell::Bool(_), _) => of_text || *as_type == DataType::Boolean,
        (Cell::Number { .. }, _) => of_text || as_type.is_numeric(),
        (Cell::Time(Time { form: Form::Clock, .. }), _) => {
            of_text || matches!(as_type, DataType::Time32(_) | DataType::Time64(_))
        }
        (Cell::Time(time), DataType::Date32) => time.is_date(),
        (Cell::Time(_), _) => of_text || matches!(as_type, DataType::Timestamp(..)),
        (Cell::Text(text), DataType::Boolean) => matches!(text.as_str(), "true" | "false"),
        (Cell::Text(_), _) => true,
    }
}

/// An array of that type, of the text that arrow writes for its values, without a zone.
pub(super) fn parse(text: &ArrayRef, as_type: &DataType) -> Result<ArrayRef> {
    match as_type {
        DataType::Null => {
            ensure!(text.null_count() == text.len(), "a column of type Null has a value");
            Ok(new_null_array(as_type, text.len()))
        }
        DataType::Dictionary(_, values) => {
            Ok(cast_with_options(&parse(text, values)?, as_type, &STRICT)?)
        }
        // The times of a zone stand in the cells as those of UTC, which is what a zone labels.
        DataType::Timestamp(unit, Some(_)) => {
            let times = parse(text, &DataType::Timestamp(*unit, None))?;
            Ok(make_array(times.to_data().into_builder().data_type(as_type.clone()).build()?))
        }
        _ => Ok(cast_with_options(text, as_type, &STRICT)?),
    }
}
