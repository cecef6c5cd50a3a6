//! The target [`Excel`]: tables as a sheet of an Excel workbook.
//!
//! Use it for people who work with spreadsheets. The format is [Office Open
//! XML](https://www.ecma-international.org/publications-and-standards/standards/ecma-376/).
//!
//! ```
//! use flow_core::{Sink, Source, Target};
//! use flow_targets::Excel;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, PartialEq, Debug)]
//! struct City {
//!     name: String,
//!     people: u32,
//!     height: Option<f64>,
//! }
//!
//! let cities = vec![
//!     City { name: "Ulm".into(), people: 128_928, height: Some(478.0) },
//!     City { name: "東京".into(), people: 14_000_000, height: None },
//! ];
//! let target = <Excel<Vec<City>>>::default().sheet("Cities");
//!
//! let file = tempfile::NamedTempFile::new()?;
//! target.save(&cities, &mut Sink::new(&mut file.reopen()?))?;
//! assert_eq!(target.load(&Source::file(file.path()))?, cities);
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! The first row has the names of the columns, which are those of the table's columns or of the
//! row's fields. Each further row of the sheet is a row of the table.
//!
//! # What a cell can hold
//!
//! A cell holds a 64-bit float, which its number format may show as an integer, a date or a time; a
//! boolean; or a text of up to 32,767 characters.
//!
//! | value | cell |
//! | --- | --- |
//! | null | none |
//! | integer | a number with the format `0`, if its absolute value is at most 2⁵³ |
//! | float | a number, if it is finite, normal, and not −0.0 |
//! | decimal | a number, if it has at most 15 digits |
//! | date, timestamp | a date, from 1900-03-01 to 9999-12-31, in whole milliseconds |
//! | timestamp with a zone | its time in UTC, shown with a `Z` |
//! | time of day | a time, in whole milliseconds |
//! | duration | a time with the format `[h]:mm:ss`, in whole milliseconds and not negative |
//! | text | text; empty text is a blank cell with the format `@` ("Text") |
//!
//! A value that does not fit the second column is written as text if the types of the columns are
//! known when the file is read, and parsed from that text (except durations). Otherwise it is an
//! error when saving. Lists, structs, maps and bytes are always an error, and so is a table of more
//! than 1,048,575 rows or 16,384 columns.
//!
//! Other programs, such as pandas, read a blank cell as missing, whatever its format: for them,
//! null and empty text are the same. A carriage return, or a control character that XML does not
//! allow, is escaped as Excel does it (`_x000D_`). openpyxl and pandas do not unescape it.
//!
//! # What is preserved
//!
//! - **`Vec<R>`**, rows of a struct that derives serde's `Serialize` and `Deserialize`: equal rows.
//!   A row type that does not show its columns (with `#[serde(flatten)]` or a `serde_json::Value`)
//!   loads by the types of the cells. It is read back once while it is saved, and if other rows come
//!   back, saving is an error. A field without a column is an error that suggests the most similar column.
//!   There are two exceptions: a field with `#[serde(default)]`, and a field that the row itself
//!   leaves out when it is written, by `skip_serializing_if`.
//! - **`RecordBatch` with [`schema`](Excel::schema)**: a batch of that schema, which must equal the
//!   schema of the value.
//! - **`RecordBatch` without a schema**: the types that the cells show. Integers are `Int64`, other
//!   numbers `Float64`, dates `Date32`, timestamps are in microseconds, times of day and durations
//!   in milliseconds, and text is `Utf8`. A column without values is `Null`, and a column of
//!   several kinds is text. A type whose values would change, such as a decimal or a time with a
//!   zone, is an error when saving.
//! - **`Vec<RecordBatch>`** and **`BatchStream`**: like a `RecordBatch`; a single batch comes back.
//!
//! A workbook of another program loads in the same way, from its first sheet or the one with the
//! [name](Excel::sheet) that is set. A formula is read as its stored result. The type of a number
//! follows from its number format, interpreted as Excel does it, with sections, conditions, colors,
//! languages (`[$-de-DE]`) and quoted text:
//!
//! | format | number | type |
//! | --- | --- | --- |
//! | `0` | an integer up to 2⁵³ | `Int64` |
//! | any with hours or seconds, such as `hh:mm` | below 1 | time of day |
//! | any with `[h]`, `[m]` or `[s]` | any | duration |
//! | any with a year, month or day | without a fraction | date |
//! | the same | with a fraction | timestamp, and so is the whole column |
//! | any other, including `General` | any | `Float64` |
//!
//! A number with a built-in format of East Asian dates, for which the file has no format code, is a
//! date or a time. A decimal is read with the 15 digits that Excel shows. A decimal with more digits
//! than the scale of its column is an error, and so is a number out of the range of a float.
//!
//! An error of a cell names the sheet, the cell in Excel's notation (`C5`), and the column.
//!
//! Before a workbook is read, the checksums of all its parts are checked. A decompressed workbook
//! may have 1 GiB, and a sheet 50 million cells, unless [`max_bytes`](Excel::max_bytes) and
//! [`max_cells`](Excel::max_cells) allow more.
//!
//! The target is not [`EXACT`](flow_core::Target::EXACT). The whole table is in memory while it is
//! written or read; for tables of millions of cells, use Parquet or Arrow IPC.

mod cell;
mod number_format;
mod package;
mod read;
mod write;

use std::fmt;
use std::io::{Cursor, Read, Seek, Write as _};
use std::iter;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use flow_core::target::Description;
use flow_core::{Code, Sink, Source, Target};

use crate::limit::Limit;
use crate::measured::table_size;
use crate::rows::cells;
use crate::table::{Batches, Known, Stored, Table, Way, reading};
pub(crate) use cell::reference;
use read::{Limits, Types};
#[cfg(feature = "messy")]
pub(crate) use read::{Sheets, grids};

/// The name of the format in errors.
const FORMAT: &str = "Excel";

/// The name that Excel itself gives to the first sheet.
const SHEET: &str = "Sheet1";

/// The default of [`Excel::max_cells`].
const MAX_CELLS: u64 = 50_000_000;

/// An Excel workbook of a table.
///
/// The table is a `RecordBatch`, a `Vec<RecordBatch>`, a [`BatchStream`](crate::BatchStream), or a
/// `Vec<R>` where `R` is a struct that derives serde's `Serialize` and `Deserialize`. See [the
/// module](self) for what cells can hold, what is preserved, and an example.
pub struct Excel<T> {
    sheet: Option<String>,
    schema: Option<SchemaRef>,
    limits: Limits,
    way: Way<T>,
}

impl<T> Excel<T> {
    /// Creates a target that writes a single sheet, called `Sheet1`.
    ///
    /// This is not an impl of [`Default`], since the type alone does not determine how its values
    /// become tables; see [`Table`].
    #[expect(clippy::should_implement_trait, reason = "`Way` can be inferred in a call only")]
    pub fn default<Way>() -> Self
    where
        T: Table<Way>,
    {
        let limits = Limits { bytes: Limit::default(), cells: MAX_CELLS };
        Self { sheet: None, schema: None, limits, way: self::Way::of::<Way>() }
    }

    /// Sets the name of the sheet to write and read, of at most 31 characters.
    ///
    /// By default, `Sheet1` is written, and the first sheet is read.
    #[must_use]
    pub fn sheet(mut self, name: impl Into<String>) -> Self {
        self.sheet = Some(name.into());
        self
    }

    /// Sets the schema of record batches, so that their columns come back with these types.
    ///
    /// Rows ignore this option, since their types come from the struct.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<SchemaRef>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Sets the most bytes of a decompressed workbook.
    ///
    /// The default is 1 GiB or, if that is more, 100 times the size of the file. A workbook is a
    /// zip archive, and one of a megabyte can decompress to gigabytes. Saving and loading a larger
    /// one is an error.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.limits.bytes = Limit::new(bytes);
        self
    }

    /// Sets the most cells of a sheet, rows times columns: 50 million by default.
    ///
    /// The sheet extends to its last row and column, even if most cells are empty. Saving and
    /// loading a larger sheet is an error.
    #[must_use]
    pub fn max_cells(mut self, cells: u64) -> Self {
        self.limits.cells = cells;
        self
    }

    /// Returns what the type determines about the columns, as cells show them.
    fn known(&self) -> Known {
        match (self.way.known)() {
            Known::ByType(fields) => Known::ByType(cells::columns(&fields)),
            known => known,
        }
    }

    /// Converts a value to batches, as cells show them.
    fn batches<'a>(&self, value: &'a T) -> Result<Batches<'a>> {
        let table = (self.way.batches)(value)?;
        if !matches!((self.way.known)(), Known::ByType(_)) {
            return Ok(table);
        }
        let fields = cells::columns(table.schema.fields());
        let each = table.each.map(|batch| cells::batch(&batch?));
        Ok(Batches { schema: Arc::new(Schema::new(fields)), each: Box::new(each) })
    }

    /// Reads the name of the sheet, and its table.
    fn table(&self, file: impl Read + Seek) -> Result<(String, RecordBatch)> {
        let (sheet, limits) = (self.sheet.as_deref(), self.limits);
        match (self.known(), &self.schema) {
            (Known::ByValue, Some(schema)) => {
                read::table(file, sheet, Types::Schema(schema), limits)
            }
            (Known::ByType(fields), _) => read::table(file, sheet, Types::ByName(&fields), limits),
            (Known::ByValue | Known::Hidden | Known::Never(_), _) => {
                read::table(file, sheet, Types::Shown, limits)
            }
        }
    }

    fn read(&self, file: impl Read + Seek, source: &Source) -> Result<T> {
        let (sheet, batch) = self.table(file)?;
        let schema = batch.schema();
        // The file was read as a whole, and is not read again for each of its batches.
        let stored = Stored::new(schema, source, FORMAT, move |_| {
            Ok(Box::new(iter::once(Ok(batch.clone()))))
        });
        (self.way.from_stored)(stored.of_sheet(sheet))
    }

    /// Returns an error if another value would come back.
    fn check(&self, value: &T, file: &[u8]) -> Result<()> {
        let read = || -> Result<bool> {
            let back = self.read(Cursor::new(file), &Source::file(""))?;
            let batches =
                |value| -> Result<Vec<RecordBatch>> { self.batches(value)?.each.collect() };
            Ok(batches(value)? == batches(&back)?)
        };
        let same = read().context(
            "the type of these rows does not show what its columns are, and by their cells they \
             cannot be read back",
        )?;
        ensure!(
            same,
            "the type of these rows does not show what its columns are, and by their cells other \
             rows would come back; `Parquet` keeps them",
        );
        Ok(())
    }
}

impl<T: Send + Sync + 'static> Target for Excel<T> {
    type Value = T;
    const EXTENSION: &'static str = "xlsx";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &T, sink: &mut Sink<'_>) -> Result<()> {
        let mut write = || -> Result<()> {
            let known = self.known();
            let given = self.schema.as_deref().filter(|_| matches!(known, Known::ByValue));
            let table = self.batches(value)?;
            // The rows may serialize to another form than their type deserializes from.
            let by_type = match &known {
                Known::ByType(fields) => table.schema.fields()[..] == fields[..],
                _ => false,
            };
            let typed = given.is_some() || by_type;
            let sheet = self.sheet.as_deref().unwrap_or(SHEET);
            let file = write::workbook(sheet, table, self.way.cut, given, typed, self.limits)?;
            if !by_type && !matches!(known, Known::ByValue) {
                self.check(value, &file)?;
            }
            Ok(sink.write_all(&file)?)
        };
        write().context("cannot write this table as Excel")
    }

    fn check_type(&self) -> Result<()> {
        if let (Known::ByValue, Some(given)) = (self.known(), &self.schema) {
            return write::check_types(given, true);
        }
        self.way.check_type(|schema| {
            write::check_types(&Schema::new(cells::columns(schema.fields())), true)
        })?;
        (self.way.check_cells)()
    }

    fn memory_size(&self, value: &T) -> Option<u64> {
        table_size(value)
    }

    fn load(&self, source: &Source) -> Result<T> {
        reading(source, FORMAT, || self.read(source.open()?, source))
    }

    fn describe(&self, source: &Source) -> Result<Description> {
        let schema = match (self.known(), &self.schema) {
            (Known::ByType(fields), _) => Arc::new(Schema::new(fields)),
            (Known::ByValue, Some(schema)) => schema.clone(),
            _ => reading(source, FORMAT, || self.table(source.open()?))?.1.schema(),
        };
        let columns = crate::described::columns(&schema);
        let columns = columns.rust("Excel<RecordBatch>").typed("Excel<Vec<{}>>").feature("excel");
        let read = format!("_frame(_excel(path, {}))", crate::python::schema(&schema));
        Ok(columns.python(&["pyarrow"], read))
    }
}

impl<T> Clone for Excel<T> {
    fn clone(&self) -> Self {
        Self {
            sheet: self.sheet.clone(),
            schema: self.schema.clone(),
            limits: self.limits,
            way: self.way,
        }
    }
}

impl<T> fmt::Debug for Excel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Excel")
            .field("sheet", &self.sheet)
            .field("schema", &self.schema)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
