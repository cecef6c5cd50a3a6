//! Reads the cells of a sheet into arrays.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use arrow::array::{
    Array, ArrayRef, DurationMillisecondArray, LargeStringArray, RecordBatch, make_array,
    new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use arrow::util::display::FormatOptions;
use calamine::{DataRef, Reader, Xlsx};

use super::cell::{
    CHARACTERS, COLUMNS, Cell, EMPTY_TEXT, Form, LAST_ROW, ROWS, Time, WHOLE, digits, reference,
};
use super::number_format::NumberFormat;
use super::package;
use crate::exact::excess;
use crate::limit::{Limit, check};

/// Options with which a value that does not parse is an error instead of null.
const STRICT: CastOptions<'_> = CastOptions { safe: false, format_options: FormatOptions::new() };

/// What is known about the columns before they are read.
#[derive(Clone, Copy)]
pub(super) enum Types<'a> {
    /// The whole schema.
    Schema(&'a SchemaRef),
    /// The types of some columns, by name.
    ByName(&'a [FieldRef]),
    /// Nothing: the cells determine the types.
    Shown,
}

/// The subject of the error of too many bytes in the texts of all cells.
pub(super) const TEXTS: &str = "the texts of its cells have";

/// The limits of a workbook.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The most decompressed bytes.
    pub(super) bytes: Limit,
    /// The most cells, rows times columns.
    pub(super) cells: u64,
}

impl Limits {
    /// Returns an error if a table has too many cells.
    pub(super) fn check_cells(self, rows: usize, columns: usize) -> Result<()> {
        let cells = (rows as u64).saturating_mul(columns as u64);
        ensure!(
            cells <= self.cells,
            "{rows} rows of {columns} columns are {cells} cells, more than {}; if the sheet is right, \
             raise the limit by the target's option `max_cells = ...`",
            self.cells,
        );
        Ok(())
    }
}

/// Reads the table of a sheet, and returns it with the sheet's name.
///
/// If `sheet` is `None`, the first sheet is read.
pub(super) fn table(
    mut file: impl Read + Seek,
    sheet: Option<&str>,
    types: Types<'_>,
    limits: Limits,
) -> Result<(String, RecordBatch)> {
    let bytes = file.seek(SeekFrom::End(0))?;
    let most = limits.bytes.expanded(bytes);
    file.rewind()?;
    package::check(&mut file, most)?;
    file.rewind()?;
    let formats = package::number_formats(&mut file)?;
    file.rewind()?;
    let mut workbook = Xlsx::new(BufReader::new(file))?;
    let sheets = workbook.sheet_names();
    let name = match sheet {
        Some(name) if sheets.iter().any(|sheet| sheet == name) => name.to_owned(),
        Some(name) => bail!("it has no sheet `{name}`, but {sheets:?}"),
        None => sheets.first().context("it has no sheet")?.clone(),
    };
    let table = read(&mut workbook, &name, &formats, types, limits, most);
    let table = table.with_context(|| format!("sheet `{name}`"))?;
    Ok((name, table))
}

fn read<F: Read + Seek>(
    workbook: &mut Xlsx<F>,
    name: &str,
    formats: &BTreeSet<u32>,
    types: Types<'_>,
    limits: Limits,
    most: u64,
) -> Result<RecordBatch> {
    let sheet = Sheet::read(workbook, name, formats, limits, most)?;
    let names = sheet.names()?;
    let schema = schema(&names, &sheet.columns, types)?;
    let mut arrays = Vec::new();
    for (index, (field, column)) in schema.fields().iter().zip(&sheet.columns).enumerate() {
        let array = array(column, sheet.rows, field.data_type()).map_err(|misfit| {
            let cell = misfit.row.map(|row| format!("cell {}, ", reference(row, index)));
            let cell = cell.unwrap_or_default();
            misfit.what.context(format!("{cell}column `{}`", field.name()))
        })?;
        arrays.push(array);
    }
    if arrays.is_empty() {
        return Ok(RecordBatch::new_empty(schema));
    }
    Ok(RecordBatch::try_new(schema, arrays)?)
}

/// The non-empty cells of a column, from the top down, with their row in the sheet.
///
/// The row of the column names is 0.
type Column = Vec<(usize, Cell)>;

/// The cells of a sheet by column: the names, and the rows below. Empty cells take no memory.
struct Sheet {
    names: BTreeMap<usize, Cell>,
    columns: Vec<Column>,
    /// The number of rows below the names.
    rows: usize,
}

impl Sheet {
    /// Reads the cells, whose texts may have at most `most` bytes together.
    fn read<F: Read + Seek>(
        workbook: &mut Xlsx<F>,
        name: &str,
        formats: &BTreeSet<u32>,
        limits: Limits,
        most: u64,
    ) -> Result<Self> {
        let mut sheet = Self { names: BTreeMap::new(), columns: Vec::new(), rows: 0 };
        let is_1904 = workbook.has_1904_epoch();
        let mut text_bytes = 0;
        let mut cells = workbook.worksheet_cells_reader(name)?;
        let formats: Vec<NumberFormat> =
            cells.styles().iter().map(|style| format(style, formats)).collect();
        let general = NumberFormat::default();
        while let Some((cell, style)) = cells.next_cell_with_style_id()? {
            let (row, column) = cell.get_position();
            ensure!(
                row < ROWS && (column as usize) < COLUMNS,
                "it has a cell in row {}, column {}, outside of a sheet",
                u64::from(row) + 1,
                u64::from(column) + 1,
            );
            let (row, column) = (row as usize, column as usize);
            let format = formats.get(style).unwrap_or(&general);
            let value = value(cell.get_value(), format, is_1904)
                .with_context(|| format!("cell {}", reference(row, column)))?;
            if let Cell::Text(text) = &value {
                // Many cells may refer to one shared text.
                text_bytes += text.len() as u64;
                check(TEXTS, text_bytes, most)?;
            }
            sheet.put(row, column, value, format.code() == LAST_ROW)?;
        }
        let named = sheet.names.last_key_value().map_or(0, |(column, _)| column + 1);
        let width = named.max(sheet.columns.len());
        limits.check_cells(sheet.rows, width)?;
        sheet.columns.resize_with(width, Column::new);
        Ok(sheet)
    }

    /// Adds a cell. An empty cell has only a format, and may mark the last row.
    fn put(&mut self, row: usize, column: usize, value: Cell, last: bool) -> Result<()> {
        if value == Cell::Null && !last {
            return Ok(());
        }
        self.rows = self.rows.max(row);
        if value == Cell::Null {
            return Ok(());
        }
        if row == 0 {
            self.names.insert(column, value);
            return Ok(());
        }
        if self.columns.len() <= column {
            self.columns.resize_with(column + 1, Column::new);
        }
        let cells = &mut self.columns[column];
        let is_below = cells.last().is_none_or(|(last, _)| *last < row);
        ensure!(is_below, "cell {} stands behind one that is below it", reference(row, column));
        cells.push((row, value));
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>> {
        let name = |column: usize| {
            let name = self.names.get(&column).map(text).transpose()?;
            name.with_context(|| {
                format!(
                    "cell {} must have the name of the column, and is empty",
                    reference(0, column)
                )
            })
        };
        (0..self.columns.len()).map(name).collect()
    }
}

/// Returns the number format of a style. `given` are the ids of the formats for which the file has
/// a code.
fn format(style: &calamine::Style, given: &BTreeSet<u32>) -> NumberFormat {
    let Some(format) = &style.number_format else { return NumberFormat::default() };
    match format.format_id {
        Some(id) if !given.contains(&id) => NumberFormat::built_in(&format.format_code, id),
        _ => NumberFormat::new(&format.format_code),
    }
}

fn value(cell: &DataRef<'_>, format: &NumberFormat, is_1904: bool) -> Result<Cell> {
    Ok(match cell {
        DataRef::Empty if format.code() == EMPTY_TEXT => Cell::Text(String::new()),
        DataRef::Empty => Cell::Null,
        DataRef::Bool(value) => Cell::Bool(*value),
        DataRef::Int(value) => bail!("{value} is no number of Excel"),
        DataRef::Float(value) => number(*value, format, is_1904)?,
        // Whether a number is a time is decided by `NumberFormat`, which evaluates the whole
        // format.
        DataRef::DateTime(time) => number(time.as_f64(), format, is_1904)?,
        DataRef::String(text) => self::characters(text)?,
        DataRef::SharedString(text) => self::characters(text)?,
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            Time::of_iso(text).map_or_else(|| Cell::Text(text.clone()), Cell::Time)
        }
        DataRef::Error(error) => bail!("the cell's formula gave the error {error}"),
    })
}

fn number(value: f64, format: &NumberFormat, is_1904: bool) -> Result<Cell> {
    Ok(match format.form(value) {
        Some(form) => Cell::Time(Time::of_serial(form, value, is_1904)?),
        None => Cell::Number { value, whole: format.code() == WHOLE },
    })
}

fn characters(text: &str) -> Result<Cell> {
    // A short byte length implies few characters, and most texts are short.
    let fits = text.len() <= CHARACTERS || text.encode_utf16().count() <= CHARACTERS;
    ensure!(fits, "a text is longer than the {CHARACTERS} characters that a cell holds");
    Ok(Cell::Text(text.to_owned()))
}

fn schema(names: &[String], columns: &[Column], types: Types<'_>) -> Result<SchemaRef> {
    if let Types::Schema(schema) = types {
        let expected: Vec<_> = schema.fields().iter().map(|field| field.name()).collect();
        ensure!(
            names.iter().eq(expected.iter().copied()),
            "the columns are {names:?}, and the schema given has {expected:?}",
        );
        return Ok(schema.clone());
    }
    let field = |(name, cells): (&String, &Column)| {
        let known = match types {
            Types::ByName(fields) => fields.iter().find(|field| field.name() == name),
            _ => None,
        };
        let data_type = known.map_or_else(|| shown(cells), |field| field.data_type().clone());
        Field::new(name, data_type, true)
    };
    Ok(Arc::new(Schema::new(names.iter().zip(columns).map(field).collect::<Vec<_>>())))
}

/// Returns the type of a column, as its cells show it.
fn shown(column: &Column) -> DataType {
    column.iter().filter_map(|(_, cell)| shown_by(cell)).reduce(both).unwrap_or(DataType::Null)
}

/// Returns the type that one cell shows.
fn shown_by(cell: &Cell) -> Option<DataType> {
    // Above 2^53, floats skip integers, so that the digits are not exact.
    let is_integer = |value: f64| value.fract() == 0.0 && value.abs() <= 2_f64.powi(53);
    Some(match cell {
        Cell::Null => return None,
        Cell::Bool(_) => DataType::Boolean,
        Cell::Number { value, whole: true } if is_integer(*value) => DataType::Int64,
        Cell::Number { .. } => DataType::Float64,
        Cell::Time(time) if time.form == Form::Date && time.is_date() => DataType::Date32,
        // The format may show only the date of a timestamp.
        Cell::Time(Time { form: Form::Date | Form::Moment, .. }) => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        Cell::Time(Time { form: Form::Clock, .. }) => DataType::Time32(TimeUnit::Millisecond),
        Cell::Time(Time { form: Form::Span, .. }) => DataType::Duration(TimeUnit::Millisecond),
        Cell::Text(_) => DataType::Utf8,
    })
}

/// Returns the type of a column that has cells of both types.
fn both(a: DataType, b: DataType) -> DataType {
    match (&a, &b) {
        _ if a == b => a,
        (DataType::Int64 | DataType::Float64, DataType::Int64 | DataType::Float64) => {
            DataType::Float64
        }
        (DataType::Timestamp(..), DataType::Date32) => a,
        (DataType::Date32, DataType::Timestamp(..)) => b,
        // A duration shorter than a day may be formatted as a time of day.
        (DataType::Duration(_), DataType::Time32(_)) => a,
        (DataType::Time32(_), DataType::Duration(_)) => b,
        _ => DataType::Utf8,
    }
}

fn text(cell: &Cell) -> Result<String> {
    Ok(match cell {
        Cell::Null => String::new(),
        Cell::Bool(value) => value.to_string(),
        Cell::Number { value, .. } => digits(*value),
        Cell::Time(time) => time.text()?,
        Cell::Text(text) => text.clone(),
    })
}

/// The error of a cell that is not a value of its column's type, or of a whole column.
struct Misfit {
    /// The row in the sheet, counted from 0.
    row: Option<usize>,
    what: anyhow::Error,
}

impl<E: Into<anyhow::Error>> From<E> for Misfit {
    fn from(error: E) -> Self {
        Self { row: None, what: error.into() }
    }
}

/// Builds an array of a type by parsing the texts of the cells.
fn array(column: &Column, rows: usize, as_type: &DataType) -> Result<ArrayRef, Misfit> {
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
pub(super) fn parse(text: &ArrayRef, as_type: &DataType) -> Result<ArrayRef> {
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
