//! [CSV](https://www.rfc-editor.org/rfc/rfc4180): tables as text, a line a row.
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
//! # What comes back
//!
//! The format has cells of text and no types, so where they come from depends on the value:
//!
//! - **`Vec<R>`**, rows of a struct that derives serde's `Serialize` and `Deserialize`: from `R`.
//!   Every field is parsed as what it is; equal rows come back. A field without a column is an error
//!   that names the nearest one, or the delimiter that the file seems to have, unless the field has a
//!   `#[serde(default)]`, or the row leaves it out where it is written, by `skip_serializing_if`.
//! - **`RecordBatch` with [`schema`](Csv::schema)**: from that schema, which the value must have.
//!   Every type that has a text form comes back equal: numbers, decimals, text, dates, times,
//!   timestamps of any zone, dictionaries.
//! - **`RecordBatch` without**: from the text. The type of a column is the first of these that all
//!   its cells have, and a column without any value has type `Null`:
//!
//!   | type | cells |
//!   | --- | --- |
//!   | `Boolean` | `true`, `false` |
//!   | `Int64`, else `UInt64` | integers without leading zeros |
//!   | `Float64` | numbers, `NaN`, `inf`, `-inf`; integers among them only if a float holds them all without rounding |
//!   | `Date32` | `2024-02-29` |
//!   | `Timestamp` | `2024-02-29T12:00:00`, a zone being `Z` or nothing; in microseconds, or nanoseconds if a cell has more than six digits and all times are between 1677 and 2262 |
//!   | `Utf8` | anything else, and whatever is quoted |
//!
//!   So integers come back in 64 bits and `Float32` as the `Float64` of the same text, for a run in
//!   one go as for a later one. A type that the text would not give back at all, such as a decimal
//!   or a time with a zone, is an error when saving, which asks for the schema.
//! - **`Vec<RecordBatch>`** as a `RecordBatch`: the file does not say where a batch ended, so one
//!   comes back. A list without any is an error when saving.
//! - **[`BatchStream`](crate::stream::BatchStream)** as a `RecordBatch`, but in batches of at most
//!   8,192 rows, read when they are asked for. Without a schema, loading goes over the file once to
//!   find the types.
//!
//! Lists, structs, maps and binary columns are an error when saving. A row that always holds one is an
//! error of the plan, before its task runs.
//!
//! A null is the null text, by default nothing, without quotes; text that reads the same is
//! quoted, so that empty text and null stay apart, and so is text that looks like a number, a
//! truth value or a time. Readers that ignore quotes (pandas is one) see null for both; choose
//! another null text for them. A number that reads like the null text is an error when saving.
//!
//! Lines are written with `\n`, and read with `\n`, `\r\n` or `\r`, also mixed; a byte order mark is
//! skipped. A line that ends in `\r\r\n`, as programs make it that translate line ends twice, is an
//! error: it may be one line end or two. A file whose last line does not end was cut off, and is an
//! error unless [`final_newline(false)`](Csv::final_newline) is set.
//!
//! A cell that does not parse, or is null where the schema has no nulls, is an error that names
//! its line and its column. That includes what a column's type would drop or round: a time of day in
//! a column of dates, an offset in a column of times without a zone, more digits of a second than the
//! unit has, more digits than the scale of a decimal, and a number beyond those of a float. Truth
//! values are `true` and `false`.
//!
//! A line may have 64 MiB and 100,000 cells, unless [`max_line`](Csv::max_line) and
//! [`max_columns`](Csv::max_columns) allow more.
//!
//! Not [`EXACT`](flow_core::Target::EXACT), since what comes back is what the text says.
//!
//! # In part
//!
//! A file of any of these values can be read batch by batch, as if it were a `BatchStream`, or
//! some columns of it, as a `RecordBatch`; the cells of other columns are not parsed.
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
//! // Ten batches of a thousand rows, each made when those before are written.
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
//! What a stream holds in memory does not grow with the file, only with its longest line.

mod absent;
mod cell;
mod columns;
mod content;
mod describe;
mod deserialize;
mod format;
#[cfg(feature = "csv-gz")]
mod gz;
mod kinds;
mod options;
mod rows;
mod scan;
mod serialize;
mod sheet;
mod write;

use std::fmt;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use flow_core::target::Description;
use flow_core::{Code, Columnar, Pieces, Sink, Source, Streaming, Target};

use content::Content;
use format::{Format, setters};
#[cfg(feature = "csv-gz")]
pub use gz::CsvGz;
pub use sheet::Sheet;

/// A CSV file of a table: `RecordBatch`, `Vec<RecordBatch>`,
/// [`BatchStream`](crate::stream::BatchStream), or `Vec<R>` where `R` is a struct that derives
/// serde's `Serialize` and `Deserialize`.
///
/// See [the module](self) for what comes back, and an example.
pub struct Csv<T> {
    format: Format<T>,
}

impl<T> Csv<T> {
    /// Commas between cells, a header of the columns' names, and nothing for null.
    ///
    /// This is no impl of [`Default`], since the type alone does not say how its values become
    /// cells; see [`Sheet`].
    #[expect(clippy::should_implement_trait, reason = "`Way` can be inferred in a call only")]
    pub fn default<Way>() -> Self
    where
        T: Sheet<Way>,
    {
        Self { format: Format::of::<Way>() }
    }

    setters!();
}

/// The content of a file that is not packed.
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

    fn load(&self, source: &Source) -> Result<T> {
        self.format.read(&plain(source))
    }

    fn describe(&self, source: &Source) -> Result<Description> {
        self.format.describe(&plain(source), "Csv")
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
