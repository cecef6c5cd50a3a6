//! Reads the cells of a sheet.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use anyhow::{Context, Result, bail, ensure};
use calamine::{DataRef, Xlsx};

use super::super::cell::{
    CHARACTERS, COLUMNS, Cell, EMPTY_TEXT, LAST_ROW, ROWS, Time, WHOLE, reference,
};
use super::super::number_format::NumberFormat;
use super::arrays::text;
use super::{Limits, TEXTS};
use crate::limit::check;

/// The non-empty cells of a column, from the top down, with their row in the sheet.
///
/// The row of the column names is 0.
pub(super) type Column = Vec<(usize, Cell)>;

/// The cells of a sheet by column: the names, and the rows below. Empty cells take no memory.
pub(super) struct Sheet {
    names: BTreeMap<usize, Cell>,
    pub(super) columns: Vec<Column>,
    /// The number of rows below the names.
    pub(super) rows: usize,
}

impl Sheet {
    /// Reads the cells, whose texts may have at most `most` bytes together.
    pub(super) fn read<F: Read + Seek>(
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

    /// Returns the names of the columns.
    pub(super) fn names(&self) -> Result<Vec<String>> {
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
pub(super) fn format(style: &calamine::Style, given: &BTreeSet<u32>) -> NumberFormat {
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

pub(super) fn number(value: f64, format: &NumberFormat, is_1904: bool) -> Result<Cell> {
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
