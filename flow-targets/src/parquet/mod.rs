//! The target [`Parquet`]: tables as compressed, typed columns in
//! [Parquet](https://parquet.apache.org) files.
//!
//! ```
//! use flow_core::{Sink, Source, Target};
//! use flow_targets::{Parquet, Zstd};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, PartialEq, Debug)]
//! struct Trade {
//!     symbol: String,
//!     price: f64,
//!     venue: Option<String>,
//! }
//!
//! let trades = vec![
//!     Trade { symbol: "ABC".into(), price: 12.5, venue: None },
//!     Trade { symbol: "XYZ".into(), price: 0.25, venue: Some("Zürich".into()) },
//! ];
//! let target = <Parquet<Vec<Trade>>>::default().compression(Zstd(3));
//!
//! let file = tempfile::NamedTempFile::new()?;
//! target.save(&trades, &mut Sink::new(&mut file.reopen()?))?;
//! assert_eq!(target.load(&Source::file(file.path()))?, trades);
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! # What is preserved
//!
//! | value | loads as |
//! | --- | --- |
//! | `RecordBatch` | one batch of the same schema, including its metadata, and equal columns |
//! | `Vec<RecordBatch>` | batches of the same lengths, which are recorded in the file's metadata, independent of its row groups; a file of another program loads as one batch per row group |
//! | [`BatchStream`](crate::BatchStream) | the same rows, in batches of other lengths, read on demand |
//! | `Vec<R>` | equal rows; the column types come from `R`, see [below](#types-that-hide-their-columns) |
//!
//! In rows that derive [`Row`](crate::rows), dates, times, decimals and enums are columns of their own types. In other
//! rows, dates, times and decimals are text columns, because their types serialize as text. An
//! enum without data is a dictionary of the names of its variants. For an enum with data, and any
//! other type that Parquet does not have, planning fails if the type of the row shows it; otherwise
//! saving fails. Saving also fails if a column would come back with another type.
//!
//! # Types that hide their columns
//!
//! The type of the row determines the columns. So they are the same for any number of rows, even for
//! none, and for a field that is `None` in every row. A type that is parsed from text, such as
//! `jiff::civil::Date`, is a text column. For some types, the columns depend on the values:
//!
//! - A field of type `serde_json::Value` or with `#[serde(untagged)]`: the rows determine its
//!   column, which has the type `Null` if there are no rows. The other columns come from their
//!   types.
//! - A row with `#[serde(flatten)]`: the rows determine all columns. A table without rows has no
//!   columns, so that [`load_columns`](flow_core::Columnar::load_columns) finds none.
//! - A type that serializes to another form than it deserializes from: the rows determine its
//!   column.
//! - An enum in which some variants have data, in a row that also has a date or a similar type: its
//!   column is text as long as no row has one of these variants.
//!
//! Such rows are read back from their columns while they are saved. If they cannot be read, as an
//! enum with `#[serde(tag = ..)]`, or come back as other rows, saving is an error.
//!
//! To avoid this, replace the type by one with fixed columns, such as a struct, or store a
//! `RecordBatch` instead of rows.
//!
//! # Files of other programs
//!
//! A field of a row is read from the column of its name, at any position. A field without a column
//! is an error that suggests the most similar column. There are two exceptions: a field with
//! `#[serde(default)]`, and a field that the row itself leaves out when it is written, by
//! `skip_serializing_if`. Columns without a field are not read, unless a field has no column, the type of the row hides its
//! fields, or it has `#[serde(deny_unknown_fields)]`.
//!
//! Files can be compressed by Snappy, gzip, LZ4, Zstandard and, with the cargo feature `brotli`,
//! Brotli.
//!
//! # Reading a part of a file
//!
//! A file of any of these values can be read batch by batch with
//! [`stream`](flow_core::Streaming::stream), and some of its columns with
//! [`load_columns`](flow_core::Columnar::load_columns). Writing a stream holds one batch and the
//! encoded part of a row group in memory, which [`row_group_rows`](Parquet::row_group_rows) limits.
//! Reading a stream holds a batch of at most 65,536 rows and one page of each column.
//!
//! ```
//! # use flow_core::{Columnar, Sink, Source, Streaming, Target};
//! # use std::sync::Arc;
//! # use arrow::array::{Float64Array, Int64Array, RecordBatch};
//! # use arrow::datatypes::{DataType, Field, Schema};
//! use flow_targets::{BatchStream, Parquet};
//!
//! let schema = Arc::new(Schema::new(vec![
//!     Field::new("n", DataType::Int64, false),
//!     Field::new("root", DataType::Float64, false),
//! ]));
//! let of = schema.clone();
//! let batch = move |n: i64| {
//!     let roots = Float64Array::from(vec![(n as f64).sqrt()]);
//!     Ok(RecordBatch::try_new(of.clone(), vec![Arc::new(Int64Array::from(vec![n])), Arc::new(roots)])?)
//! };
//! let stream = BatchStream::new(schema, (0..100).map(batch)); // no batch is computed yet
//!
//! let file = tempfile::NamedTempFile::new()?;
//! let target = <Parquet<BatchStream>>::default();
//! target.save(&stream, &mut Sink::new(&mut file.reopen()?))?;
//!
//! let source = Source::file(file.path());
//! let mut rows = 0;
//! for batch in target.stream(&source)? {
//!     rows += batch?.num_rows();
//! }
//! assert_eq!(rows, 100);
//! assert_eq!(target.load_columns(&source, &["root"])?.num_columns(), 1);
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! # Not exact
//!
//! The target is not [`EXACT`](flow_core::Target::EXACT): a dictionary array comes back with its
//! values in another order and without unused values, and a slice comes back without the rows
//! around it. The arrays are equal, but their memory is not the same.

pub(crate) mod read;
mod texts;
pub(crate) mod write;

use std::fmt;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use flow_core::target::{ColumnDigests, Description};
use flow_core::{Code, Columnar, Pieces, ReadRows, Sink, Source, Streaming, Target};
use serde::de::DeserializeOwned;

use crate::compression::Compression;
use crate::digests;
use crate::limit::Limit;
use crate::measured::table_size;
use crate::table::{Cut, Table, Way, fields_of, reading, rows_of};

/// The name of the format in errors.
const FORMAT: &str = "Parquet";

/// The key, in the file's own metadata, of the lengths of the batches: see [`write::lengths`].
const LENGTHS: &str = "typed-flow:batches";

/// The key, in the metadata of a file of a [`Dataset`](crate::Dataset), of the types of the partition columns.
pub(crate) const PARTITIONS: &str = "typed-flow:partitions";

/// A Parquet file of a table.
///
/// The table is a `RecordBatch`, a `Vec<RecordBatch>`, a [`BatchStream`](crate::BatchStream), or a
/// `Vec<R>` where `R` is a struct that derives serde's `Serialize` and `Deserialize`. See [the
/// module](self) for what is preserved, and an example.
pub struct Parquet<T> {
    compression: Compression,
    row_group_rows: usize,
    statistics: Statistics,
    dictionary: bool,
    pub(crate) limit: Limit,
    pub(crate) way: Way<T>,
}

/// The parts of a file for which minima, maxima and null counts are recorded.
///
/// Readers use them to skip parts that a filter cannot match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Statistics {
    /// No statistics.
    Off,
    /// Statistics for each column of a row group.
    RowGroup,
    /// Statistics for each page, too.
    #[default]
    Page,
}

impl<T> Parquet<T> {
    /// Creates a target with the default options.
    ///
    /// The file is compressed with `Zstd(1)`, has at most 1,048,576 rows in a row group and
    /// statistics for each page, and stores columns of few distinct values as dictionaries.
    ///
    /// This is not an impl of [`Default`], since the type alone does not determine how its values
    /// become tables; see [`Table`].
    #[expect(clippy::should_implement_trait, reason = "`Way` can be inferred in a call only")]
    pub fn default<Way>() -> Self
    where
        T: Table<Way>,
    {
        Self {
            compression: Compression::default(),
            row_group_rows: parquet::file::properties::DEFAULT_MAX_ROW_GROUP_ROW_COUNT,
            statistics: Statistics::default(),
            dictionary: true,
            limit: Limit::default(),
            way: self::Way::of::<Way>(),
        }
    }

    /// Sets the compression of pages, `Zstd(1)` by default. An invalid level is an error when
    /// saving.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Sets the most rows of a row group, which limits the memory of a reader. Zero is an error
    /// when saving.
    #[must_use]
    pub fn row_group_rows(mut self, rows: usize) -> Self {
        self.row_group_rows = rows;
        self
    }

    /// Sets for which parts of the file statistics are recorded.
    #[must_use]
    pub fn statistics(mut self, statistics: Statistics) -> Self {
        self.statistics = statistics;
        self
    }

    /// Sets whether a column of few distinct values is stored as a dictionary, `true` by default.
    #[must_use]
    pub fn dictionary(mut self, dictionary: bool) -> Self {
        self.dictionary = dictionary;
        self
    }

    /// Sets the most bytes that a table may take when it is loaded whole.
    ///
    /// The default is 4 GiB or, if that is more, 100 times the size of the file. Saving and loading
    /// a larger table is an error.
    ///
    /// A page of a few bytes can repeat a value a billion times. So the size of a table is computed
    /// from its number of rows, the types of its columns or rows, and the lengths of its texts and
    /// lists. A [`BatchStream`](crate::BatchStream) is never in memory as a whole and has no limit.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.limit = Limit::new(bytes);
        self
    }
}

impl<T: Send + Sync + 'static> Target for Parquet<T> {
    type Value = T;
    const EXTENSION: &'static str = "parquet";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &T, sink: &mut Sink<'_>) -> Result<()> {
        write::write(self, value, sink).context("cannot write this table as Parquet")
    }

    fn check_type(&self) -> Result<()> {
        self.way.check_type(write::check)
    }

    fn memory_size(&self, value: &T) -> Option<u64> {
        table_size(value)
    }

    fn load(&self, source: &Source) -> Result<T> {
        let limit = (!self.way.stream).then_some(self.limit);
        let wanted = (self.way.wanted)();
        let stored = || read::stored(source, self.way.cut, limit, self.way.row, wanted.as_ref());
        reading(source, FORMAT, || (self.way.from_stored)(stored()?))
    }

    #[cfg(feature = "polars")]
    fn __reader(&self) -> Option<Box<dyn std::any::Any>> {
        Some(Box::new(crate::frames::Scanner(std::sync::Arc::new(crate::frames::scan_parquet))))
    }

    fn loaded_columns(&self) -> Option<Vec<String>> {
        self.way.fields()
    }

    fn column_digests(&self, source: &Source, names: &[&str]) -> Result<Option<ColumnDigests>> {
        let of_columns = digests::of_file(names, |names| self.load_columns(source, names))?;
        // Without a shape, a query depends on the whole file.
        let shape = reading(source, FORMAT, || read::shape(source)).ok();
        Ok(of_columns.map(|columns| match shape {
            Some(shape) => columns.with_shape(shape),
            None => columns,
        }))
    }

    fn describe(&self, source: &Source) -> Result<Description> {
        let table =
            reading(source, FORMAT, || read::stored(source, Cut::Anywhere, None, None, None))?;
        let columns = crate::described::columns(&table.schema);
        let columns = columns.rust("Parquet<RecordBatch>").typed("Parquet<Vec<{}>>");
        Ok(columns.python(&["pyarrow"], "_frame(_parquet(path))"))
    }
}

impl<T: Send + Sync + 'static> Streaming for Parquet<T> {
    type Piece = RecordBatch;

    /// Reads batches of at most 65,536 rows. Memory holds one batch, and one page of each column.
    fn stream(&self, source: &Source) -> Result<Pieces<RecordBatch>> {
        reading(source, FORMAT, || read::stored(source, Cut::Anywhere, None, None, None))?
            .read_later()
    }
}

impl<T: Send + Sync + 'static> Columnar for Parquet<T> {
    type Columns = RecordBatch;

    /// Loads one batch with these columns. Without names, the batch has no columns, but all rows.
    fn load_columns(&self, source: &Source, names: &[&str]) -> Result<RecordBatch> {
        reading(source, FORMAT, || read::columns(source, names, self.limit))
    }
}

impl<T, R> ReadRows<R> for Parquet<T>
where
    T: Send + Sync + 'static,
    R: DeserializeOwned + 'static,
{
    fn row_columns() -> Result<Vec<String>> {
        fields_of::<R>()
    }

    fn rows_from(columns: RecordBatch) -> Result<Vec<R>> {
        rows_of(&columns)
    }
}

impl<T> Clone for Parquet<T> {
    fn clone(&self) -> Self {
        Self { way: self.way, ..*self }
    }
}

impl<T> fmt::Debug for Parquet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parquet")
            .field("compression", &self.compression)
            .field("row_group_rows", &self.row_group_rows)
            .field("statistics", &self.statistics)
            .field("dictionary", &self.dictionary)
            .field("limit", &self.limit)
            .finish()
    }
}
