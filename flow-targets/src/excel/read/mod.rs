//! Reads a sheet of a workbook as a table.
//!
//! [`table`] checks the size of the workbook and opens it. The cells of the sheet are read into
//! columns (`sheet`), the type of each column is given or inferred from its cells (`types`), and
//! the cells of each column are parsed into an array of that type (`arrays`).

mod arrays;
#[cfg(feature = "messy")]
mod grid;
mod sheet;
mod types;

use std::collections::BTreeSet;
use std::io::{BufReader, Read, Seek, SeekFrom};

use anyhow::{Context, Result, bail, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, SchemaRef};
use calamine::{Reader, Xlsx};

use self::arrays::array;
pub(super) use self::arrays::parse;
#[cfg(feature = "messy")]
pub(crate) use self::grid::{Sheets, grids};
use self::sheet::Sheet;
use self::types::schema;
use super::cell::reference;
use super::package;
use crate::limit::Limit;

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
