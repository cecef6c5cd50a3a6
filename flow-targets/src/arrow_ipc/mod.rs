//! [Arrow IPC](https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format) files, also
//! called Feather: tables as they lie in memory, so that loading one is looking at it.
//!
//! ```
//! use std::sync::Arc;
//!
//! use arrow::array::{Float64Array, RecordBatch};
//! use arrow::datatypes::{DataType, Field, Schema};
//! use flow_core::{Columnar, Sink, Source, Target};
//! use flow_targets::ArrowIpc;
//!
//! let fields = ["x", "y"].map(|name| Field::new(name, DataType::Float64, true));
//! let column = || Arc::new(Float64Array::from(vec![Some(f64::NAN), None, Some(-0.0)]));
//! let schema = Arc::new(Schema::new(fields.to_vec()));
//! let batch = RecordBatch::try_new(schema, vec![column(), column()])?;
//! let target = <ArrowIpc<RecordBatch>>::default();
//!
//! let file = tempfile::NamedTempFile::new()?;
//! target.save(&batch, &mut Sink::new(&mut file.reopen()?))?;
//! let source = Source::file(file.path());
//! assert_eq!(target.load(&source)?, batch);
//! assert_eq!(target.load_columns(&source, &["y"])?, batch.project(&[1])?);
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! # What comes back
//!
//! | value | loads as |
//! | --- | --- |
//! | `RecordBatch` | one batch of the same schema, its metadata included, and equal columns: views of the file |
//! | `Vec<RecordBatch>` | batches of the same lengths: views of the file |
//! | [`BatchStream`](crate::BatchStream) | the rows of its batches, read when they are asked for |
//! | `Vec<R>` | the rows; columns' types come from `R` as for [`Parquet`](crate::parquet#what-comes-back) |
//!
//! All types come back, unions, views, runs and maps among them. An enum with data in a row is a
//! union. What cannot is an error when saving: a dictionary whose values are a dictionary.
//!
//! Rows of a type that hides its columns, such as one with a date, have the columns that their values
//! show: [no rows have none](crate::parquet#types-that-hide-their-columns), and a column that is
//! `None` throughout has no type.
//!
//! # Views
//!
//! An uncompressed file, which is what this target writes unless told otherwise, is mapped: a
//! loaded column is the file's own bytes, and of a column that nobody looks at nothing is read but
//! what it takes to check it. Text is checked to be UTF-8, and all that refers to other places to
//! stay inside, so that a damaged file is an error and no more. A file goes on to exist for those
//! who look at it when it was removed (on Windows it cannot be removed before).
//!
//! A compressed file, see [`compression`](ArrowIpc::compression), is smaller, and decompressed
//! when it is loaded.
//!
//! # In part
//!
//! A stream is written batch by batch, and read in pieces of at most 65,536 rows. A batch that was
//! written in one is the least that is read: a long one as a view of which pages come and go, but
//! if it is compressed it is decompressed whole.
//!
//! # Dictionaries
//!
//! A file has one dictionary for each column, and where batches have several their values are put
//! together; arrays come back equal, with other keys. If there are more values than keys the type
//! of the keys is too short, which is an error that says so.
//!
//! That is one of the reasons why the target is not [`EXACT`](flow_core::Target::EXACT). Another
//! is that a slice comes back without the rows around it.

mod content;
mod dictionaries;
mod read;
mod write;

use std::fmt;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use flow_core::target::Description;
use flow_core::{Code, Columnar, Pieces, Sink, Source, Streaming, Target};

use crate::compression::Compression;
use crate::table::{Cut, Table, Way, reading};

/// What errors call it.
const FORMAT: &str = "Arrow IPC";

/// An Arrow IPC file of a table: `RecordBatch`, `Vec<RecordBatch>`,
/// [`BatchStream`](crate::BatchStream), or `Vec<R>` where `R` is a struct that derives serde's
/// `Serialize` and `Deserialize`.
///
/// See [the module](self) for what comes back, and an example.
pub struct ArrowIpc<T> {
    compression: Compression,
    way: Way<T>,
}

impl<T> ArrowIpc<T> {
    /// Uncompressed, so that a file can be looked at without being read.
    ///
    /// This is no impl of [`Default`], since the type alone does not say how its values become
    /// tables; see [`Table`].
    #[expect(clippy::should_implement_trait, reason = "`Way` can be inferred in a call only")]
    pub fn default<Way>() -> Self
    where
        T: Table<Way>,
    {
        Self { compression: Compression::Uncompressed, way: self::Way::of::<Way>() }
    }

    /// How the columns are compressed: [`Lz4`](Compression::Lz4), which the format keeps in frames,
    /// or [`Zstd`](Compression::Zstd). A level that does not exist is an error when saving, and so
    /// is [`Snappy`](Compression::Snappy), which the format does not have.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }
}

impl<T: Send + Sync + 'static> Target for ArrowIpc<T> {
    type Value = T;
    const EXTENSION: &'static str = "arrow";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &T, sink: &mut Sink<'_>) -> Result<()> {
        write::write(self, value, sink).context("cannot write this table as Arrow IPC")
    }

    fn load(&self, source: &Source) -> Result<T> {
        reading(source, FORMAT, || (self.way.from_stored)(read::stored(source, self.way.cut)?))
    }

    fn describe(&self, source: &Source) -> Result<Description> {
        let table = reading(source, FORMAT, || read::stored(source, Cut::Anywhere))?;
        let columns = crate::described::columns(&table.schema);
        let columns = columns.rust("ArrowIpc<RecordBatch>").typed("ArrowIpc<Vec<{}>>");
        Ok(columns.python(&["pandas"], "pandas.read_feather(path)"))
    }
}

impl<T: Send + Sync + 'static> Streaming for ArrowIpc<T> {
    type Piece = RecordBatch;

    /// Batches of at most 65,536 rows.
    fn stream(&self, source: &Source) -> Result<Pieces<RecordBatch>> {
        reading(source, FORMAT, || read::stored(source, Cut::Anywhere))?.read_later()
    }
}

impl<T: Send + Sync + 'static> Columnar for ArrowIpc<T> {
    type Columns = RecordBatch;

    /// One batch of these columns. Without any names it has no columns, and still the rows. They
    /// are views of the file, unless it has several batches, which are copied into one.
    fn load_columns(&self, source: &Source, names: &[&str]) -> Result<RecordBatch> {
        reading(source, FORMAT, || read::columns(source, names))
    }
}

impl<T> Clone for ArrowIpc<T> {
    fn clone(&self) -> Self {
        Self { way: self.way, ..*self }
    }
}

impl<T> fmt::Debug for ArrowIpc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrowIpc").field("compression", &self.compression).finish()
    }
}
