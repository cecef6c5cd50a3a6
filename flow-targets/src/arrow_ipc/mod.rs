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
//! Types that [hide their columns](crate::parquet#types-that-hide-their-columns), and fields [without a
//! column](crate::parquet#files-of-other-programs), are as in Parquet.
//!
//! # Views
//!
//! An uncompressed output of the store is mapped into memory: a loaded column is the file's own bytes,
//! and of a column that nothing reads, the system loads only what it takes to check it. Text is
//! checked to be UTF-8, and all that refers to other places to stay inside, so that a damaged file is an
//! error. A file that is removed goes on to exist for the programs that have it mapped (on Windows it
//! cannot be removed before).
//!
//! That holds for file systems of this machine. On one that several machines share, another machine
//! can remove or shorten a file that is mapped here, and the next look at its bytes ends the process
//! by the signal `SIGBUS`, which no program can turn into an error. So on Linux a file is mapped only if
//! its file system is known to be local (ext4, XFS, Btrfs, ZFS, tmpfs, an overlay, and the like), and
//! read otherwise; on other systems every output is mapped. [`mapped`](ArrowIpc::mapped) says it for one
//! target: `mapped = false` for a store on a network drive of such a system, or where programs other
//! than this one write into the store. Files of external tasks are never mapped.
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

mod claims;
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
use crate::limit::Limit;
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
    mapped: Option<bool>,
    limit: Limit,
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
        Self {
            compression: Compression::Uncompressed,
            mapped: None,
            limit: Limit::default(),
            way: self::Way::of::<Way>(),
        }
    }

    /// How the columns are compressed: [`Lz4`](Compression::Lz4), which the format keeps in frames,
    /// or [`Zstd`](Compression::Zstd). A level that does not exist is an error when saving, and so
    /// is [`Snappy`](Compression::Snappy), which the format does not have.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Sets whether an uncompressed output of the store is mapped when it is loaded, or read. By
    /// default it is mapped if it lies on a file system of this machine: see
    /// [Views](self#views) for the risk elsewhere.
    #[must_use]
    pub fn mapped(mut self, mapped: bool) -> Self {
        self.mapped = Some(mapped);
        self
    }

    /// Sets how many bytes a compressed table may take when it is loaded whole: by default 4 GiB or, if
    /// that is more, 100 times the size of the file. Saving and loading a larger one is an error.
    ///
    /// A [`BatchStream`](crate::BatchStream) is never whole in memory; for it, the limit is that of one
    /// batch.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.limit = Limit::new(bytes);
        self
    }

    /// How the file is read.
    fn reader<'a>(&self, source: &'a Source) -> read::File<'a> {
        read::File { source, mapped: self.mapped, limit: self.limit }
    }
}

impl<T: Send + Sync + 'static> Target for ArrowIpc<T> {
    type Value = T;
    const EXTENSION: &'static str = "arrow";
    const CODE: Code = Code::version(1);

    fn save(&self, value: &T, sink: &mut Sink<'_>) -> Result<()> {
        write::write(self, value, sink).context("cannot write this table as Arrow IPC")
    }

    fn check_type(&self) -> Result<()> {
        self.way.check_type(write::check)
    }

    fn load(&self, source: &Source) -> Result<T> {
        let file = self.reader(source);
        reading(source, FORMAT, || (self.way.from_stored)(file.stored(self.way.cut, self.way.row)?))
    }

    fn describe(&self, source: &Source) -> Result<Description> {
        let table = reading(source, FORMAT, || self.reader(source).stored(Cut::Anywhere, None))?;
        let columns = crate::described::columns(&table.schema);
        let columns = columns.rust("ArrowIpc<RecordBatch>").typed("ArrowIpc<Vec<{}>>");
        let read = "_frame(pyarrow.feather.read_table(path))";
        Ok(columns.python(&["pyarrow.feather"], read))
    }
}

impl<T: Send + Sync + 'static> Streaming for ArrowIpc<T> {
    type Piece = RecordBatch;

    /// Batches of at most 65,536 rows.
    fn stream(&self, source: &Source) -> Result<Pieces<RecordBatch>> {
        reading(source, FORMAT, || self.reader(source).stored(Cut::Anywhere, None))?.read_later()
    }
}

impl<T: Send + Sync + 'static> Columnar for ArrowIpc<T> {
    type Columns = RecordBatch;

    /// One batch of these columns. Without any names it has no columns, and still the rows. They
    /// are views of the file, unless it has several batches, which are copied into one.
    fn load_columns(&self, source: &Source, names: &[&str]) -> Result<RecordBatch> {
        reading(source, FORMAT, || self.reader(source).columns(names))
    }
}

impl<T> Clone for ArrowIpc<T> {
    fn clone(&self) -> Self {
        Self { way: self.way, ..*self }
    }
}

impl<T> fmt::Debug for ArrowIpc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrowIpc")
            .field("compression", &self.compression)
            .field("mapped", &self.mapped)
            .field("limit", &self.limit)
            .finish()
    }
}
