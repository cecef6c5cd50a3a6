//! The targets [`Csv`] and [`CsvGz`]: tables as [CSV](https://www.rfc-editor.org/rfc/rfc4180) text,
//! one line per row.
//!
//! ```
//! use flow_core::{Sink, Source, Target};
//! use flow_targets::Csv;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, PartialEq, Debug)]
//! struct City {
//!     name: String,
//!     zip: String,
//!     height: Option<f64>,
//! }
//!
//! let cities = vec![
//!     City { name: "Ulm; Donau".into(), zip: "089073".into(), height: Some(478.0) },
//!     City { name: String::new(), zip: "1".into(), height: None },
//! ];
//! let target = <Csv<Vec<City>>>::default().delimiter(';').null("NA");
//!
//! let file = tempfile::NamedTempFile::new()?;
//! target.save(&cities, &mut Sink::new(&mut file.reopen()?))?;
//! assert_eq!(
//!     std::fs::read_to_string(file.path())?,
//!     "name;zip;height\n\"Ulm; Donau\";089073;478.0\n\"\";\"1\";NA\n",
//! );
//! assert_eq!(target.load(&Source::file(file.path()))?, cities);
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! # What is preserved
//!
//! CSV cells are text without types. The type of the output determines how they are read:
//!
//! - **`Vec<R>`**, rows of a struct that derives serde's `Serialize` and `Deserialize`: the types
//!   come from `R`. Every field is parsed as its own type, and equal rows come back. A field
//!   without a column is an error that suggests the most similar column, or the delimiter that the
//!   file seems to have. There are two exceptions: a field with `#[serde(default)]`, and a field
//!   that the row itself leaves out when it is written, by `skip_serializing_if`.
//! - **`RecordBatch` with [`schema`](Csv::schema)**: the types come from that schema, which must
//!   equal the schema of the value. Every type that has a text form comes back equal: numbers,
//!   decimals, text, dates, times, timestamps of any time zone, dictionaries.
//! - **`RecordBatch` without a schema**: the types are inferred from the text. A column has the
//!   first of these types that fits all its cells, and the type `Null` if it has no values:
//!
//!   | type | cells |
//!   | --- | --- |
//!   | `Boolean` | `true`, `false` |
//!   | `Int64`, else `UInt64` | integers without leading zeros |
//!   | `Float64` | numbers, `NaN`, `inf`, `-inf`; integers among them only if a float can hold all of them without rounding |
//!   | `Date32` | `2024-02-29` |
//!   | `Timestamp` | `2024-02-29T12:00:00`, with the zone `Z` or none; in microseconds, or in nanoseconds if a cell has more than six digits and all times are between 1677 and 2262 |
//!   | `Utf8` | anything else, and every quoted cell |
//!
//!   So integers of all sizes load as 64-bit integers, and a `Float32` as the `Float64` of the same
//!   text, both in the run that saves them and in later runs. A type that cannot be inferred from its text, such as a
//!   decimal or a time with a zone, is an error when saving, which asks for the schema.
//! - **`Vec<RecordBatch>`**: like a `RecordBatch`. The file does not record the boundaries of
//!   batches, so that one batch comes back. A list without batches is an error when saving.
//! - **[`BatchStream`](crate::stream::BatchStream)**: like a `RecordBatch`, in batches of at most
//!   8,192 rows, which are read on demand. Without a schema, loading first reads the file once to
//!   infer the types.
//!
//! CSV cannot store lists, structs, maps and binary columns. If the type of the row shows such a
//! field, planning fails, before the task runs; otherwise saving fails.
//!
//! A null is written as the null text, which is empty by default, without quotes. Text is quoted if
//! it equals the null text, so that empty text and null stay apart, and if it looks like a number,
//! a boolean or a time. Programs that ignore quotes, such as pandas, read both as null; choose
//! another null text for them. Saving a number that equals the null text is an error.
//!
//! Lines are written with `\n`, and read with `\n`, `\r\n` or `\r`, also mixed. A byte order mark
//! is skipped. A line that ends in `\r\r\n`, as written by programs that translate line ends twice,
//! is an error: it may be one line end or two. A file whose last line has no line end was
//! truncated, and is an error unless [`final_newline(false)`](Csv::final_newline) is set.
//!
//! A cell that does not parse, or is null where the schema allows no nulls, is an error that names
//! its line and its column. A cell is also an error if its column's type would drop or round a part
//! of it: a time of day in a column of dates, an offset in a column of times without a zone, more
//! digits of a second than the unit has, more digits than the scale of a decimal, or a number out
//! of the range of a float. Booleans are `true` and `false`.
//!
//! A line may have 64 MiB and 100,000 cells, unless [`max_line`](Csv::max_line) and
//! [`max_columns`](Csv::max_columns) allow more.
//!
//! The target is not [`EXACT`](flow_core::Target::EXACT): a loaded value may have other types than
//! the saved one.
//!
//! # Reading a part of a file
//!
//! A file of any of these values can be read batch by batch, as if it were a `BatchStream`, or
//! single columns can be loaded as a `RecordBatch`. Cells of other columns are not parsed.
//!
//! ```
//! use std::sync::Arc;
//!
//! use arrow::array::{Int64Array, RecordBatch};
//! use arrow::datatypes::{DataType, Field, Schema};
//! use flow_core::{Columnar, Sink, Source, Streaming, Target};
//! use flow_targets::{BatchStream, Csv};
//!
//! let field = |name| Field::new(name, DataType::Int64, true);
//! let schema = Arc::new(Schema::new(vec![field("n"), field("square")]));
//! let of = schema.clone();
//! // Ten batches of a thousand rows, each computed after the previous ones are written.
//! let batch = move |i: i64| {
//!     let n = i * 1000..(i + 1) * 1000;
//!     let squares = Int64Array::from_iter_values(n.clone().map(|n| n * n));
//!     let n = Int64Array::from_iter_values(n);
//!     Ok(RecordBatch::try_new(of.clone(), vec![Arc::new(n), Arc::new(squares)])?)
//! };
//! let target = <Csv<BatchStream>>::default();
//! let file = tempfile::NamedTempFile::new()?;
//! let stream = BatchStream::new(schema, (0..10).map(batch));
//! target.save(&stream, &mut Sink::new(&mut file.reopen()?))?;
//!
//! let source = Source::file(file.path());
//! let mut rows = 0;
//! for batch in target.stream(&source)? {
//!     rows += batch?.num_rows();
//! }
//! assert_eq!(rows, 10_000);
//!
//! let squares = target.load_columns(&source, &["square"])?;
//! assert_eq!((squares.num_columns(), squares.num_rows()), (1, 10_000));
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! The memory that a stream takes does not grow with the file, only with its longest line.
//!
//! # Implementation
//!
//! Cells are scanned and written here, because the CSV crates do not report whether a cell was
//! quoted, which tells empty text from null. One scanner, whose buffer is as long as a chunk or the
//! longest line, serves both values that are loaded whole and streams. Without a schema it reads
//! the file twice, since the last cell may change the type of a column.

mod absent;
mod cell;
mod columns;
mod content;
mod describe;
mod deserialize;
mod format;
#[cfg(feature = "polars")]
mod frame;
#[cfg(feature = "csv-gz")]
mod gz;
mod kinds;
mod line;
#[cfg(feature = "messy")]
pub mod messy;
mod options;
mod rows;
mod scan;
mod serialize;
mod sheet;
mod typed;
mod write;

use std::fmt;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use flow_core::target::{ColumnDigests, Description};
use flow_core::{Code, Columnar, Pieces, Sink, Source, Streaming, Target};

use content::Content;
use format::{Format, setters};
#[cfg(feature = "csv-gz")]
pub use gz::CsvGz;
pub use sheet::Sheet;

use crate::measured::table_size;

/// A CSV file of a table.
///
/// The table is a `RecordBatch`, a `Vec<RecordBatch>`, a
/// [`BatchStream`](crate::stream::BatchStream), or a `Vec<R>` where `R` is a struct that derives
/// serde's `Serialize` and `Deserialize`. See [the module](self) for what is preserved, and an
/// example.
pub struct Csv<T> {
    format: Format<T>,
}

impl<T> Csv<T> {
    /// Creates a target with commas between cells, a header of column names, and empty text for
    /// null.
    ///
    /// This is not an impl of [`Default`], since the type alone does not determine how its values
    /// become cells; see [`Sheet`].
    #[expect(clippy::should_implement_trait, reason = "`Way` can be inferred in a call only")]
    pub fn default<Way>() -> Self
    where
        T: Sheet<Way>,
    {
        Self { format: Format::of::<Way>() }
    }

    setters!();
}

/// Returns the content of an uncompressed file.
fn plain(source: &Source) -> Content {
    Content::new(source, |file| Box::new(file))
}

impl<T: Send + Sync + 'static> Target for Csv<T> {
    type Value = T;
    const EXTENSION: &'static str = "csv";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &T, sink: &mut Sink<'_>) -> Result<()> {
        self.format.write(value, sink).context("cannot write this table as CSV")
    }

    fn check_type(&self) -> Result<()> {
        self.format.check_type()
    }

    fn memory_size(&self, value: &T) -> Option<u64> {
        table_size(value)
    }

    fn load(&self, source: &Source) -> Result<T> {
        self.format.read(&plain(source))
    }

    fn column_digests(&self, source: &Source, names: &[&str]) -> Result<Option<ColumnDigests>> {
        self.format.column_digests(&plain(source), names)
    }

    #[cfg(feature = "polars")]
    fn __reader(&self) -> Option<Box<dyn std::any::Any>> {
        use crate::frames::{Scan as _, Scanner};

        let target = self.clone();
        Some(Box::new(Scanner(std::sync::Arc::new(move |source: &Source| target.scan(source)))))
    }

    fn describe(&self, source: &Source) -> Result<Description> {
        self.format.describe(&plain(source), "Csv")
    }
}

#[cfg(feature = "polars")]
impl<T: Send + Sync + 'static> crate::frames::Scan for Csv<T> {
    /// Returns a lazy frame over a copy of the file: see [the module of frames](crate::frames#formats).
    fn scan(&self, source: &Source) -> Result<polars::prelude::LazyFrame> {
        self.format.scan(source, &plain(source), &[])
    }

    /// Returns a lazy frame over a copy of these columns. Cells of other columns are not parsed.
    fn scan_columns(&self, source: &Source, names: &[&str]) -> Result<polars::prelude::LazyFrame> {
        crate::frames::select(self.format.scan(source, &plain(source), names)?, names)
    }
}

impl<T: Send + Sync + 'static> Streaming for Csv<T> {
    type Piece = RecordBatch;

    fn stream(&self, source: &Source) -> Result<Pieces<RecordBatch>> {
        self.format.stream(&plain(source))
    }
}

impl<T: Send + Sync + 'static> Columnar for Csv<T> {
    type Columns = RecordBatch;

    fn load_columns(&self, source: &Source, names: &[&str]) -> Result<RecordBatch> {
        self.format.read_columns(&plain(source), names)
    }
}

impl<T> Clone for Csv<T> {
    fn clone(&self) -> Self {
        Self { format: self.format.clone() }
    }
}

impl<T> fmt::Debug for Csv<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Csv").field(&self.format.options).finish()
    }
}
