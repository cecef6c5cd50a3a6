//! Combines files and sheets into one table, and reads its values.
//!
//! The table has the columns of all files, in the order in which they first occur. A column that a
//! file does not have is null in its rows.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use super::grid::{Form, Grid, RawCell};
use super::options::Options;
use super::part::{Part, part};
use super::report::{Cleaned, CleaningReport, FileReport, RejectedRow, check_rejected};
use super::table::Way;

/// The rows of all files.
#[derive(Debug)]
pub struct Combined {
    /// The names of the columns.
    pub(super) names: Vec<String>,
    /// The number of columns of the files. The others were added.
    pub(super) own: usize,
    /// Whether the names are in the files, so that fields are matched by name.
    pub(super) is_named: bool,
    pub(super) rows: Vec<Row>,
    /// The file, the sheet and the delimiter of each part, by the `part` of a row.
    pub(super) places: Vec<Place>,
}

/// A file or a sheet, for rejected rows.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) sheet: Option<String>,
    pub(super) delimiter: Option<char>,
}

/// A row of the table, with a cell for each column.
#[derive(Debug)]
pub(super) struct Row {
    /// The index of its file or sheet.
    pub(super) part: usize,
    /// The number of the line, from 1.
    pub(super) line: usize,
    pub(super) cells: Vec<RawCell>,
}

/// What reading the values of a table adds to the report.
#[derive(Debug, Default)]
pub struct Outcome {
    pub(super) rejected: Vec<RejectedRow>,
    pub(super) notes: Vec<String>,
}

impl Outcome {
    /// Rejects a row.
    pub(super) fn reject(&mut self, combined: &Combined, row: &Row, reason: String) {
        let Place { file, sheet, delimiter } = &combined.places[row.part];
        let separator = delimiter.map_or_else(|| "; ".to_owned(), String::from);
        let own = row.cells.iter().take(combined.own);
        let cells: Vec<_> = own.map(|cell| cell.text.as_str()).collect();
        let place = (file.as_str(), sheet.as_deref());
        self.rejected.push(RejectedRow::new(place, row.line, reason, &cells.join(&separator)));
    }
}

/// Reads the table that some files and sheets make together.
///
/// # Errors
///
/// A file is no table, too many rows were rejected, or the columns are not those of the type.
pub(super) fn read<T>(grids: Vec<Grid>, options: &Options, way: Way<T>) -> Result<Cleaned<T>> {
    let several = grids.len() > 1;
    let mut parts = Vec::with_capacity(grids.len());
    for grid in grids {
        let name = match &grid.sheet {
            Some(sheet) => format!("{}, sheet `{sheet}`", grid.file),
            None => grid.file.clone(),
        };
        let part = part(grid, options);
        parts.push(if several { part.context(name)? } else { part? });
    }
    let (combined, mut rejected, files) = combine(parts, options)?;
    let all: usize = files.iter().map(|file| file.rows).sum();
    let places: BTreeMap<_, _> = combined
        .places
        .iter()
        .enumerate()
        .map(|(i, place)| ((place.file.clone(), place.sheet.clone()), i))
        .collect();
    let mut outcome = Outcome::default();
    let table = (way.read)(combined, options, &mut outcome)?;
    rejected.append(&mut outcome.rejected);
    rejected
        .sort_by_key(|row| (places.get(&(row.file.clone(), row.sheet.clone())).copied(), row.line));
    check_rejected(&rejected, all, options.max_rejected, several)?;
    let report = CleaningReport {
        rows: all - rejected.len(),
        rejected: rejected.len(),
        files,
        notes: outcome.notes,
    };
    Ok(Cleaned::new(table, report, rejected))
}

/// Combines the rows of files and sheets, and returns the rejected ones and the reports.
fn combine(
    parts: Vec<Part>,
    options: &Options,
) -> Result<(Combined, Vec<RejectedRow>, Vec<FileReport>)> {
    let mut names: Vec<String> = Vec::new();
    for name in parts.iter().flat_map(|part| &part.names) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let added: Vec<_> =
        [&options.file_column, &options.sheet_column].into_iter().flatten().cloned().collect();
    if let Some(name) = added.iter().find(|name| names.contains(name)) {
        bail!("the file has a column `{name}`; choose another name for the column that is added");
    }
    ensure!(
        options.file_column.is_none() || options.file_column != options.sheet_column,
        "`file_column` and `sheet_column` have the same name",
    );
    let is_named = options.header_rows != Some(0);
    let (mut rows, mut places, mut rejected, mut files) = (vec![], vec![], vec![], vec![]);
    for (index, mut part) in parts.into_iter().enumerate() {
        let at: Vec<Option<usize>> =
            names.iter().map(|name| part.names.iter().position(|own| own == name)).collect();
        for (name, at) in names.iter().zip(&at) {
            if at.is_none() {
                part.steps.add(format!("column `{name}` is missing, and null in all rows"));
            }
        }
        let exact = |text: &str| RawCell { text: text.to_owned(), form: Form::Exact };
        let file = options.file_column.as_ref().map(|_| exact(&part.report.file));
        let sheet = part.report.sheet.as_deref().map(exact).unwrap_or_default();
        let sheet = options.sheet_column.as_ref().map(|_| sheet);
        let added: Vec<RawCell> = file.into_iter().chain(sheet).collect();
        rows.reserve(part.rows.len());
        for mut row in part.rows {
            let take = |at: &Option<usize>| {
                at.map(|at| std::mem::take(&mut row.cells[at])).unwrap_or_default()
            };
            let mut cells: Vec<RawCell> = at.iter().map(take).collect();
            cells.extend(added.iter().cloned());
            rows.push(Row { part: index, line: row.line, cells });
        }
        rejected.append(&mut part.rejected);
        part.report.steps = part.steps.into_texts();
        places.push(Place {
            file: part.report.file.clone(),
            sheet: part.report.sheet.clone(),
            delimiter: part.report.delimiter,
        });
        files.push(part.report);
    }
    let own = names.len();
    names.extend(added);
    Ok((Combined { names, own, is_named, rows, places }, rejected, files))
}
