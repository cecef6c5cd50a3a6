//! Reads the cells of sheets that another program wrote, for
//! [`MessyExcel`](crate::csv::messy::MessyExcel).
//!
//! Unlike [`Sheet`](super::sheet::Sheet), a grid keeps rows as they are: titles, blank rows, merged regions.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read, Seek, SeekFrom};

use anyhow::{Context, Result, bail, ensure};
use calamine::{DataRef, Reader, Xlsx};

use super::super::cell::{COLUMNS, Cell, ROWS, reference};
use super::super::number_format::NumberFormat;
use super::super::package;
use super::arrays::text;
use super::sheet::{format, number};
use super::{Limits, TEXTS};
use crate::csv::messy::grid::{Form, Grid, GridLine, RawCell};
use crate::limit::{Limit, check};

/// The errors of formulas.
const ERRORS: [&str; 7] = ["#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"];

/// Which sheets are read, and how.
#[derive(Clone, Debug)]
pub(crate) struct Sheets {
    /// The names of the sheets, with `*` and `?`; the first sheet by default.
    pub(crate) pattern: Option<String>,
    /// Whether a formula that gave an error is null, instead of rejecting its row.
    pub(crate) errors_as_null: bool,
    /// Whether all cells of a merged region have the value of the first.
    pub(crate) fill_merged: bool,
    /// The most cells of a sheet.
    pub(crate) max_cells: u64,
}

/// Reads the sheets of a workbook. `name` is the name of the file.
///
/// # Errors
///
/// The file is no workbook, is damaged or too large, or has no such sheet.
pub(crate) fn grids(
    mut file: impl Read + Seek,
    name: &str,
    sheets: &Sheets,
    limit: Limit,
) -> Result<Vec<Grid>> {
    let most = limit.expanded(file.seek(SeekFrom::End(0))?);
    file.rewind()?;
    package::check(&mut file, most)?;
    file.rewind()?;
    let formats = package::number_formats(&mut file)?;
    file.rewind()?;
    let mut workbook = Xlsx::new(BufReader::new(file))?;
    let all = workbook.sheet_names();
    let selected: Vec<String> = match &sheets.pattern {
        Some(pattern) => all.iter().filter(|name| is_match(pattern, name)).cloned().collect(),
        None => all.first().cloned().into_iter().collect(),
    };
    ensure!(
        !selected.is_empty(),
        "no sheet is called `{}`; it has {all:?}",
        sheets.pattern.as_deref().unwrap_or("*"),
    );
    let limits = Limits { bytes: limit, cells: sheets.max_cells };
    let mut grids = Vec::with_capacity(selected.len());
    for sheet in selected {
        let mut cells = Cells { limits, ..Cells::default() };
        cells
            .read(&mut workbook, &sheet, &formats, sheets, most)
            .with_context(|| format!("sheet `{sheet}`"))?;
        grids.push(cells.into_grid(name, sheet));
    }
    Ok(grids)
}

/// Returns whether a name matches a pattern, in which `*` stands for any text and `?` for one
/// character.
fn is_match(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    // The positions after the last `*`, to which a mismatch returns.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                (p, n) = (at + 1, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The cells of a sheet, by row.
struct Cells {
    rows: BTreeMap<usize, Vec<RawCell>>,
    faults: BTreeMap<usize, String>,
    limits: Limits,
    /// The number of cells in memory.
    count: u64,
    /// The bytes of their texts.
    text_bytes: u64,
    steps: crate::csv::messy::report::Steps,
}

impl Default for Cells {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            faults: BTreeMap::new(),
            limits: Limits { bytes: Limit::default(), cells: 0 },
            count: 0,
            text_bytes: 0,
            steps: crate::csv::messy::report::Steps::default(),
        }
    }
}

impl Cells {
    fn read<F: Read + Seek>(
        &mut self,
        workbook: &mut Xlsx<F>,
        sheet: &str,
        formats: &BTreeSet<u32>,
        sheets: &Sheets,
        most: u64,
    ) -> Result<()> {
        let merged = workbook.merge_cells_by_sheet_name(sheet)?;
        let is_1904 = workbook.has_1904_epoch();
        let mut cells = workbook.worksheet_cells_reader(sheet)?;
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
            if let Some(error) = error(cell.get_value()) {
                self.add_error(row, column, &error, sheets.errors_as_null);
                continue;
            }
            let format = formats.get(style).unwrap_or(&general);
            let value = value(cell.get_value(), format, is_1904)
                .with_context(|| format!("cell {}", reference(row, column)))?;
            let Some(value) = value else { continue };
            self.text_bytes += value.text.len() as u64;
            check(TEXTS, self.text_bytes, most)?;
            self.put(row, column, value)?;
        }
        if sheets.fill_merged {
            for region in merged {
                let (start, end) = (region.start, region.end);
                let rows = start.0 as usize..=end.0 as usize;
                self.fill(rows, start.1 as usize..=end.1 as usize, most)?;
            }
        }
        Ok(())
    }

    /// Adds a cell.
    fn put(&mut self, row: usize, column: usize, value: RawCell) -> Result<()> {
        let cells = self.rows.entry(row).or_default();
        let added = (column + 1).saturating_sub(cells.len());
        self.count += added as u64;
        ensure!(
            self.count <= self.limits.cells,
            "it has more than {} cells; if the sheet is right, raise the limit by the target's option \
             `max_cells = ...`",
            self.limits.cells,
        );
        if added > 0 {
            cells.resize_with(column + 1, RawCell::default);
        }
        cells[column] = value;
        Ok(())
    }

    /// Adds a cell whose formula gave an error.
    fn add_error(&mut self, row: usize, column: usize, error: &str, as_null: bool) {
        if as_null {
            self.steps.count(
                "a formula with an error is read as null",
                "{} formulas with errors are read as null",
                1,
            );
            return;
        }
        let fault = format!("the formula in cell {} gave {error}", reference(row, column));
        self.faults.entry(row).or_insert(fault);
        self.rows.entry(row).or_default();
    }

    /// Gives all cells of a merged region the value of its first cell. All texts may have `most` bytes together.
    fn fill(
        &mut self,
        rows: std::ops::RangeInclusive<usize>,
        columns: std::ops::RangeInclusive<usize>,
        most: u64,
    ) -> Result<()> {
        let (top, left) = (*rows.start(), *columns.start());
        let first = self.rows.get(&top).and_then(|cells| cells.get(left)).cloned();
        let Some(first) = first.filter(|cell| !cell.text.is_empty()) else { return Ok(()) };
        let last = ROWS as usize - 1;
        if *rows.end() > last || *columns.end() >= COLUMNS {
            bail!("a merged region is larger than a sheet");
        }
        let form = if first.form == Form::Exact { Form::FilledExact } else { Form::FilledText };
        for row in rows {
            for column in columns.clone() {
                if (row, column) != (top, left) {
                    self.text_bytes += first.text.len() as u64;
                    check(TEXTS, self.text_bytes, most)?;
                    self.put(row, column, RawCell { text: first.text.clone(), form })?;
                }
            }
        }
        self.steps.count("a merged region is filled", "{} merged regions are filled", 1);
        Ok(())
    }

    /// Returns the cells as lines of equal length.
    fn into_grid(self, file: &str, sheet: String) -> Grid {
        let width = self.rows.values().map(Vec::len).max().unwrap_or_default();
        let mut faults = self.faults;
        let lines = self.rows.into_iter().map(|(row, mut cells)| {
            cells.resize_with(width, RawCell::default);
            GridLine { number: row + 1, cells, fault: faults.remove(&row) }
        });
        Grid {
            file: file.to_owned(),
            sheet: Some(sheet),
            lines: lines.collect(),
            steps: self.steps,
            ..Grid::default()
        }
    }
}

/// Returns the error that a formula gave. Some programs store it as text.
fn error(cell: &DataRef<'_>) -> Option<String> {
    let is_error = |text: &str| ERRORS.contains(&text).then(|| text.to_owned());
    match cell {
        DataRef::Error(error) => Some(error.to_string()),
        DataRef::String(text) => is_error(text),
        DataRef::SharedString(text) => is_error(text),
        _ => None,
    }
}

/// Returns the value of a cell, unless it is empty.
fn value(cell: &DataRef<'_>, format: &NumberFormat, is_1904: bool) -> Result<Option<RawCell>> {
    let exact =
        |cell: &Cell| -> Result<RawCell> { Ok(RawCell { text: text(cell)?, form: Form::Exact }) };
    Ok(Some(match cell {
        DataRef::Empty => return Ok(None),
        DataRef::Bool(value) => exact(&Cell::Bool(*value))?,
        DataRef::Int(value) => bail!("{value} is no number of Excel"),
        DataRef::Float(value) => exact(&number(*value, format, is_1904)?)?,
        DataRef::DateTime(time) => exact(&number(time.as_f64(), format, is_1904)?)?,
        DataRef::String(text) => RawCell::written(text.as_str()),
        DataRef::SharedString(text) => RawCell::written(*text),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            RawCell { text: text.clone(), form: Form::Exact }
        }
        DataRef::Error(error) => bail!("the cell's formula gave the error {error}"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_of_sheets_has_stars_and_question_marks() {
        for (pattern, name, matches) in [
            ("20*", "2024", true),
            ("20*", "Notes 2024", false),
            ("*24", "2024", true),
            ("Q?", "Q1", true),
            ("Q?", "Q10", false),
            ("*a*b", "xaxxbxb", true),
            ("*a*b", "xaxx", false),
            ("*", "", true),
            ("Sales", "Sales", true),
            ("Sales", "sales", false),
        ] {
            assert_eq!(is_match(pattern, name), matches, "{pattern} {name}");
        }
    }
}
