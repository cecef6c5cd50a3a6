//! The target of messy workbooks.

use std::fmt;
use std::path::Path;
use std::slice;

use anyhow::{Context, Result, bail, ensure};
use flow_core::{Code, Sink, Source, Target};

use super::combine::read;
use super::files::names;
use super::grid::Grid;
use super::options::{Options, setters};
use super::report::Cleaned;
use super::table::{MessyTable, Way};
use crate::excel::{Sheets, grids};
use crate::table::reading;

/// The default of [`MessyExcel::max_cells`].
const MAX_CELLS: u64 = 50_000_000;

/// A workbook of Excel that people edited, with titles, merged cells, errors and several sheets.
///
/// The table `T` is a `RecordBatch`, or a `Vec<R>` where `R` is a struct that derives serde's
/// `Serialize` and `Deserialize`. It is loaded as [`Cleaned<T>`](super::Cleaned), which has a report
/// and the rejected rows. The target only reads: it is for `external` tasks, `cx.read` and
/// [`read_all`](Self::read_all). It needs the cargo features `messy` and `excel`. See [the
/// module](super) for an example.
///
/// Numbers, dates and truth values are those of the cells. The notation of numbers and dates, and
/// the null words, apply to cells of text. A formula is read as its stored result.
pub struct MessyExcel<T> {
    options: Options,
    sheets: Sheets,
    way: Way<T>,
}

impl<T> MessyExcel<T> {
    /// Creates a target that reads the first sheet.
    ///
    /// This is not an impl of [`Default`], since the type alone does not determine how its values
    /// are read from cells; see [`MessyTable`].
    #[expect(clippy::should_implement_trait, reason = "`Way` can be inferred in a call only")]
    pub fn default<W>() -> Self
    where
        T: MessyTable<W>,
    {
        let sheets = Sheets {
            pattern: None,
            errors_as_null: false,
            fill_merged: true,
            max_cells: MAX_CELLS,
        };
        Self { options: Options::default(), sheets, way: Way::of::<W>() }
    }

    /// Sets the sheets to read by their names, the first sheet by default.
    ///
    /// In the pattern, `*` stands for any text and `?` for one character. Several sheets become one
    /// table, with the columns of all.
    #[must_use]
    pub fn sheets(mut self, pattern: impl Into<String>) -> Self {
        self.sheets.pattern = Some(pattern.into());
        self
    }

    /// Adds a column of this name with the name of the sheet that a row is from.
    #[must_use]
    pub fn sheet_column(mut self, name: impl Into<String>) -> Self {
        self.options.sheet_column = Some(name.into());
        self
    }

    /// Sets whether a formula that gave an error, such as `#DIV/0!`, is null.
    ///
    /// By default, its row is rejected.
    #[must_use]
    pub fn errors_as_null(mut self, as_null: bool) -> Self {
        self.sheets.errors_as_null = as_null;
        self
    }

    /// Sets whether each cell of a merged region has the value of the first, `true` by default.
    ///
    /// Otherwise, the other cells are null.
    #[must_use]
    pub fn fill_merged(mut self, fill: bool) -> Self {
        self.sheets.fill_merged = fill;
        self
    }

    /// Sets the most cells of a sheet, rows times columns: 50 million by default.
    #[must_use]
    pub fn max_cells(mut self, cells: u64) -> Self {
        self.sheets.max_cells = cells;
        self
    }

    setters!();

    /// Reads several workbooks as one table with the columns of all sheets.
    ///
    /// In a task, `cx.files(pattern)` returns the paths and tracks the files.
    ///
    /// # Errors
    ///
    /// A file cannot be read or is no table, or more rows are rejected than `max_rejected` allows.
    pub fn read_all<P: AsRef<Path>>(
        &self,
        paths: impl IntoIterator<Item = P>,
    ) -> Result<Cleaned<T>> {
        let sources: Vec<_> = paths.into_iter().map(|path| Source::file(path.as_ref())).collect();
        ensure!(!sources.is_empty(), "there are no files to read");
        let mut all = Vec::new();
        for (source, name) in std::iter::zip(&sources, names(&sources)) {
            let grids = self.grids(source, &name);
            all.extend(grids.with_context(|| unreadable(source))?);
        }
        let table = self.table(all);
        match sources.as_slice() {
            [source] => table.with_context(|| unreadable(source)),
            _ => table.with_context(|| format!("cannot read {} files as Excel", sources.len())),
        }
    }

    /// Reads the cells of the sheets of a file, which has this name in the report.
    fn grids(&self, source: &Source, name: &str) -> Result<Vec<Grid>> {
        let mut grids = grids(source.open()?, name, &self.sheets, self.options.limit)?;
        let Some(comment) = &self.options.comment else { return Ok(grids) };
        for grid in &mut grids {
            let all = grid.lines.len();
            grid.lines.retain(|line| {
                let first = line.cells.iter().find(|cell| !cell.text.trim().is_empty());
                !first.is_some_and(|cell| cell.text.trim_start().starts_with(comment.as_str()))
            });
            let comments = all - grid.lines.len();
            grid.steps.count("a comment is skipped", "{} comments are skipped", comments);
        }
        Ok(grids)
    }

    fn table(&self, grids: Vec<Grid>) -> Result<Cleaned<T>> {
        self.options.check()?;
        read(grids, &self.options, self.way)
    }
}

/// Returns the context of the errors of a file.
fn unreadable(source: &Source) -> String {
    format!("cannot read {} as Excel", source.path().display())
}

impl<T: Send + Sync + 'static> Target for MessyExcel<T> {
    type Value = Cleaned<T>;
    const EXTENSION: &'static str = "xlsx";
    const CODE: Code = Code::version(1);

    fn save(&self, _: &Cleaned<T>, _: &mut Sink<'_>) -> Result<()> {
        self.check_type()
    }

    fn check_type(&self) -> Result<()> {
        bail!(
            "`MessyExcel` only reads files of other programs, as the target of an `external` task; \
             store the cleaned rows with `Parquet` or `Excel`"
        )
    }

    fn load(&self, source: &Source) -> Result<Cleaned<T>> {
        let load = || {
            let names = names(slice::from_ref(source));
            let grids = names.iter().map(|name| self.grids(source, name));
            self.table(grids.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
        };
        reading(source, "Excel", load)
    }
}

impl<T> Clone for MessyExcel<T> {
    fn clone(&self) -> Self {
        Self { options: self.options.clone(), sheets: self.sheets.clone(), way: self.way }
    }
}

impl<T> fmt::Debug for MessyExcel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessyExcel")
            .field("options", &self.options)
            .field("sheets", &self.sheets)
            .finish_non_exhaustive()
    }
}
