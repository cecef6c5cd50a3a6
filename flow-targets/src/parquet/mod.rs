//! [Parquet](https://parquet.apache.org): tables, by column, compressed, with their types.
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
//! # What comes back
//!
//! | value | loads as |
//! | --- | --- |
//! | `RecordBatch` | one batch of the same schema, its metadata included, and equal columns |
//! | `Vec<RecordBatch>` | batches of the same lengths: they are noted in the file, whose row groups are independent of them; a file of another program loads as a batch per row group |
//! | [`BatchStream`](crate::BatchStream) | the rows of its batches, in batches of other lengths, read when they are asked for |
//! | `Vec<R>` | the rows; columns' types come from `R`, see [below](#types-that-hide-their-columns) |
//!
//! Dates, times and decimals of rows are text columns, as their types serialise, and an enum without
//! data is a dictionary of its variants' names. An enum with data, and whatever else the format has
//! no type for, is an error of the plan where the type of the row shows it, else when it is saved; so is
//! a column whose type would not come back.
//!
//! # Types that hide their columns
//!
//! The type of a row says its columns, so that they are the same for no rows, for one and for many,
//! and for a field that is `None` throughout. A type that parses a text, such as
//! `jiff::civil::Date`, is a column of texts. Some types show nothing before there is a value:
//!
//! - a field of type `serde_json::Value` or with `#[serde(untagged)]`: its column is what the rows
//!   show, and of the type `Null` if there are none. The other columns are those of their types;
//! - a row with `#[serde(flatten)]`: all columns are what the rows show. No rows are a table without
//!   columns, so that [`load_columns`](flow_core::Columnar::load_columns) finds none there;
//! - a type that writes something else than it reads: its column is what the rows show;
//! - an enum some of whose variants hold data, in a row with a date or the like: it is text as long as
//!   no row has one of these variants.
//!
//! Such rows are read back from their columns while they are saved. What cannot be read, such as an
//! enum with `#[serde(tag = ..)]`, or would come back as another row, is an error.
//!
//! Where that matters, let the row hold a type that shows its form, or the columns themselves, as a
//! `RecordBatch`.
//!
//! # Files of other programs
//!
//! A field of a row is read from the column of its name, wherever it stands. A field without a column
//! is an error that names the nearest one, unless it has a `#[serde(default)]`, or the row leaves it
//! out where it is written, by `skip_serializing_if`. Columns without a field are not read.
//!
//! Files load in every codec of the format that the `parquet` crate has: Snappy, gzip, LZ4, Zstandard
//! and, with the cargo feature `brotli`, Brotli.
//!
//! # In part
//!
//! A file of any of these can be read batch by batch, by
//! [`stream`](flow_core::Streaming::stream), and some of its columns alone, by
//! [`load_columns`](flow_core::Columnar::load_columns). Writing a stream holds what is encoded of a
//! row group, which [`row_group_rows`](Parquet::row_group_rows) bounds, and one batch; reading one
//! holds a batch of at most 65,536 rows and a page of each column.
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
//! let stream = BatchStream::new(schema, (0..100).map(batch)); // nothing is made yet
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
//! A target is not [`EXACT`](flow_core::Target::EXACT): a dictionary array comes back with its
//! values in another order and without those that no row uses, and a slice without the rows
//! around it. The arrays are equal; what holds them is not the same.

mod read;
mod texts;
mod write;

use std::fmt;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use flow_core::target::Description;
use flow_core::{Code, Columnar, Pieces, Sink, Source, Streaming, Target};

use crate::compression::Compression;
use crate::limit::Limit;
use crate::table::{Cut, Table, Way, reading};

/// What errors call it.
const FORMAT: &str = "Parquet";

/// The note of how long the batches were, in the file's own metadata: see [`write::lengths`].
const LENGTHS: &str = "typed-flow:batches";

/// A Parquet file of a table: `RecordBatch`, `Vec<RecordBatch>`,
/// [`BatchStream`](crate::BatchStream), or `Vec<R>` where `R` is a struct that derives serde's
/// `Serialize` and `Deserialize`.
///
/// See [the module](self) for what comes back, and an example.
pub struct Parquet<T> {
    compression: Compression,
    row_group_rows: usize,
    statistics: Statistics,
    dictionary: bool,
    limit: Limit,
    way: Way<T>,
}

/// For what the least and greatest value and the number of nulls are noted in a file.
///
/// Readers skip by them what a filter cannot match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Statistics {
    /// For nothing.
    Off,
    /// For each column of a row group.
    RowGroup,
    /// For each page too.
    #[default]
    Page,
}

impl<T> Parquet<T> {
    /// Compressed by `Zstd(1)`, at most 1,048,576 rows in a row group, statistics for each page,
    /// and columns of few values as a dictionary.
    ///
    /// This is no impl of [`Default`], since the type alone does not say how its values become
    /// tables; see [`Table`].
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

    /// How pages are compressed. A level that does not exist is an error when saving.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// How many rows a row group has at most, and so how many a reader must hold. Zero is an
    /// error when saving.
    #[must_use]
    pub fn row_group_rows(mut self, rows: usize) -> Self {
        self.row_group_rows = rows;
        self
    }

    /// For what the least and greatest values are noted.
    #[must_use]
    pub fn statistics(mut self, statistics: Statistics) -> Self {
        self.statistics = statistics;
        self
    }

    /// Whether a column of few values is kept as those values and numbers that refer to them.
    #[must_use]
    pub fn dictionary(mut self, dictionary: bool) -> Self {
        self.dictionary = dictionary;
        self
    }

    /// Sets how many bytes a table may take when it is loaded whole: by default 4 GiB or, if that is
    /// more, 100 times the size of the file. Saving and loading a larger one is an error.
    ///
    /// A page of a few bytes can hold a value a billion times. What a table takes is counted
    /// by its rows, the types of its columns or of its rows, and its texts and lists. A [`BatchStream`](crate::BatchStream) is never whole in
    /// memory and has no limit.
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

    fn load(&self, source: &Source) -> Result<T> {
        let limit = (!self.way.stream).then_some(self.limit);
        let stored = || read::stored(source, self.way.cut, limit, self.way.row);
        reading(source, FORMAT, || (self.way.from_stored)(stored()?))
    }

    fn describe(&self, source: &Source) -> Result<Description> {
        let table = reading(source, FORMAT, || read::stored(source, Cut::Anywhere, None, None))?;
        let columns = crate::described::columns(&table.schema);
        let columns = columns.rust("Parquet<RecordBatch>").typed("Parquet<Vec<{}>>");
        Ok(columns.python(&["pyarrow"], "_frame(_parquet(path))"))
    }
}

impl<T: Send + Sync + 'static> Streaming for Parquet<T> {
    type Piece = RecordBatch;

    /// Batches of at most 65,536 rows. What is held is one of them, and of each column a page.
    fn stream(&self, source: &Source) -> Result<Pieces<RecordBatch>> {
        reading(source, FORMAT, || read::stored(source, Cut::Anywhere, None, None))?.read_later()
    }
}

impl<T: Send + Sync + 'static> Columnar for Parquet<T> {
    type Columns = RecordBatch;

    /// One batch of these columns. Without any names it has no columns, and still the rows.
    fn load_columns(&self, source: &Source, names: &[&str]) -> Result<RecordBatch> {
        reading(source, FORMAT, || read::columns(source, names, self.limit))
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
