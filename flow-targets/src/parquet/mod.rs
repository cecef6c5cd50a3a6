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
//! | `Vec<R>` | the rows; columns' types come from `R`, or, if it holds a type that does not show its form (a date, a `#[serde(flatten)]`), from the rows |
//!
//! Dates, times and decimals of rows are text columns, as their types serialise. An enum with
//! data, and whatever else the format has no type for, is an error when saving, as is a column
//! whose type would not come back.
//!
//! A target is not [`EXACT`](flow_core::Target::EXACT): a dictionary array comes back with its
//! values in another order and without those that no row uses, and a slice without the rows
//! around it. The arrays are equal; what holds them is not the same.

mod read;
mod write;

use std::fmt;
use std::panic::{self, AssertUnwindSafe};

use anyhow::{Context, Result, anyhow};
use flow_core::{Code, Sink, Source, Target};

use crate::compression::Compression;
use crate::table::{Table, Way};

/// The note of how long the batches were, in the file's own metadata: see [`write::lengths`].
const LENGTHS: &str = "typed-flow:batches";

/// A Parquet file of a table: `RecordBatch`, `Vec<RecordBatch>`, or `Vec<R>` where `R` is a struct
/// that derives serde's `Serialize` and `Deserialize`.
///
/// See [the module](self) for what comes back, and an example.
pub struct Parquet<T> {
    compression: Compression,
    row_group_rows: usize,
    statistics: Statistics,
    dictionary: bool,
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
}

impl<T: Send + Sync + 'static> Target for Parquet<T> {
    type Value = T;
    const EXTENSION: &'static str = "parquet";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &T, sink: &mut Sink<'_>) -> Result<()> {
        write::write(self, value, sink).context("cannot write this table as Parquet")
    }

    fn load(&self, source: &Source) -> Result<T> {
        // Arrow asserts what a file with damaged pages does not keep to.
        panic::catch_unwind(AssertUnwindSafe(|| read::read(self, source)))
            .unwrap_or_else(|_| Err(anyhow!("the file is damaged")))
            .with_context(|| format!("cannot read {} as Parquet", source.path().display()))
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
            .finish()
    }
}
