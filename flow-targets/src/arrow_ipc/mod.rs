//! The target [`ArrowIpc`]: tables in [Arrow
//! IPC](https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format) files.
//!
//! The format is also called Feather. A file has the same layout as the table in memory, so that
//! loading it maps the file.
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
//! # What is preserved
//!
//! | value | loads as |
//! | --- | --- |
//! | `RecordBatch` | one batch of the same schema, including its metadata, and equal columns, which are views of the file |
//! | `Vec<RecordBatch>` | batches of the same lengths, which are views of the file |
//! | [`BatchStream`](crate::BatchStream) | the same rows, read on demand |
//! | `Vec<R>` | equal rows; the column types come from `R` as for [`Parquet`](crate::parquet#what-is-preserved) |
//!
//! All types are preserved, including unions, views, run-end encoded arrays and maps, with one
//! exception: saving a dictionary whose values are a dictionary is an error. An enum with data in a
//! row is a union.
//!
//! Row types that [hide their columns](crate::parquet#types-that-hide-their-columns), and fields
//! [without a column](crate::parquet#files-of-other-programs), behave as in Parquet.
//!
//! # Views
//!
//! An uncompressed output of the store is mapped into memory: a loaded column consists of the
//! file's own bytes. Of a column that is not used, the operating system loads only the bytes that
//! are checked. Texts are checked to be UTF-8, and offsets to be in bounds, so that a damaged file
//! is an error. If a file is removed, programs that have mapped it can still use it (on Windows, it
//! cannot be removed while it is mapped).
//!
//! This holds for local file systems. On a shared file system, another machine can remove or
//! truncate a file that is mapped here. The next access to its bytes then ends the process by the
//! signal `SIGBUS`, which cannot be turned into an error. So a file is mapped only if its file
//! system is known to be local, and is read otherwise. On Linux, these are ext4, XFS, Btrfs, ZFS,
//! tmpfs, overlayfs and similar ones; macOS says of each whether it is local; on other systems, no
//! file is mapped. The option [`mapped`](ArrowIpc::mapped) overrides this for one target: set
//! `mapped = true` on other systems if the store is on a local disk, and `mapped = false` if other
//! programs write into the store. Files of external tasks are never mapped, because they may be
//! rewritten at any time.
//!
//! A compressed file, see [`compression`](ArrowIpc::compression), is smaller, and is decompressed
//! when it is loaded.
//!
//! # Reading a part of a file
//!
//! A stream is written batch by batch, and read in batches of at most 65,536 rows. The smallest
//! unit that is read is a batch as it was written: an uncompressed long batch is a view, whose
//! pages are loaded on demand, but a compressed one is decompressed as a whole.
//!
//! # Files of other programs
//!
//! Feather files are Arrow IPC files. The stream format of Arrow, which often has the extension
//! `.arrows`, is read, too; a stream that has no end marker was cut off and is an error. A Feather file of version 1
//! is another format, and an error that says how to convert it.
//!
//! # Dictionaries
//!
//! A file has one dictionary for each column. If batches have different dictionaries, their values
//! are merged; the arrays come back equal, with other keys. If the merged dictionary has more
//! values than the key type allows, saving is an error.
//!
//! This is one reason why the target is not [`EXACT`](flow_core::Target::EXACT). Another one is
//! that a slice comes back without the rows around it.

mod claims;
mod content;
mod dictionaries;
mod read;
mod stream;
mod write;

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
const FORMAT: &str = "Arrow IPC";

/// An Arrow IPC file of a table.
///
/// The table is a `RecordBatch`, a `Vec<RecordBatch>`, a [`BatchStream`](crate::BatchStream), or a
/// `Vec<R>` where `R` is a struct that derives serde's `Serialize` and `Deserialize`. See [the
/// module](self) for what is preserved, and an example.
pub struct ArrowIpc<T> {
    compression: Compression,
    mapped: Option<bool>,
    limit: Limit,
    way: Way<T>,
}

impl<T> ArrowIpc<T> {
    /// Creates a target without compression, so that files can be mapped.
    ///
    /// This is not an impl of [`Default`], since the type alone does not determine how its values
    /// become tables; see [`Table`].
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

    /// Sets the compression of columns: [`Lz4`](Compression::Lz4) or [`Zstd`](Compression::Zstd).
    ///
    /// An invalid level is an error when saving, and so is [`Snappy`](Compression::Snappy), which
    /// Arrow IPC does not support.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Sets whether an uncompressed output of the store is mapped when it is loaded, or read.
    ///
    /// By default, it is mapped if it is known to be on a local file system: see
    /// [Views](self#views) for the risk on others.
    #[must_use]
    pub fn mapped(mut self, mapped: bool) -> Self {
        self.mapped = Some(mapped);
        self
    }

    /// Sets the most bytes that a compressed table may take when it is loaded whole.
    ///
    /// The default is 4 GiB or, if that is more, 100 times the size of the file. Saving and loading
    /// a larger table is an error.
    ///
    /// A [`BatchStream`](crate::BatchStream) is never in memory as a whole; for it, the limit
    /// applies to each batch.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.limit = Limit::new(bytes);
        self
    }

    /// Returns the reader of a file with the options of this target.
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

    fn memory_size(&self, value: &T) -> Option<u64> {
        table_size(value)
    }

    fn load(&self, source: &Source) -> Result<T> {
        let file = self.reader(source);
        let wanted = (self.way.wanted)();
        let stored = || file.stored(self.way.cut, self.way.row, wanted.as_ref());
        reading(source, FORMAT, || (self.way.from_stored)(stored()?))
    }

    fn loaded_columns(&self) -> Option<Vec<String>> {
        self.way.fields()
    }

    fn column_digests(&self, source: &Source, names: &[&str]) -> Result<Option<ColumnDigests>> {
        let of_columns = digests::of_file(names, |names| self.load_columns(source, names))?;
        // Without a shape, a query depends on the whole file.
        let shape = reading(source, FORMAT, || self.reader(source).shape()).ok();
        Ok(of_columns.map(|columns| match shape {
            Some(shape) => columns.with_shape(shape),
            None => columns,
        }))
    }

    #[cfg(feature = "polars")]
    fn __reader(&self) -> Option<Box<dyn std::any::Any>> {
        Some(Box::new(crate::frames::Scanner(std::sync::Arc::new(crate::frames::scan_ipc))))
    }

    fn describe(&self, source: &Source) -> Result<Description> {
        let table =
            reading(source, FORMAT, || self.reader(source).stored(Cut::Anywhere, None, None))?;
        let columns = crate::described::columns(&table.schema);
        let columns = columns.rust("ArrowIpc<RecordBatch>").typed("ArrowIpc<Vec<{}>>");
        let read = "_frame(pyarrow.feather.read_table(path))";
        Ok(columns.python(&["pyarrow.feather"], read))
    }
}

impl<T: Send + Sync + 'static> Streaming for ArrowIpc<T> {
    type Piece = RecordBatch;

    /// Reads batches of at most 65,536 rows.
    fn stream(&self, source: &Source) -> Result<Pieces<RecordBatch>> {
        reading(source, FORMAT, || self.reader(source).stored(Cut::Anywhere, None, None))?
            .read_later()
    }
}

impl<T: Send + Sync + 'static> Columnar for ArrowIpc<T> {
    type Columns = RecordBatch;

    /// Loads one batch with these columns. Without names, the batch has no columns, but all rows.
    ///
    /// The columns are views of the file. If the file has several batches, they are copied into
    /// one.
    fn load_columns(&self, source: &Source, names: &[&str]) -> Result<RecordBatch> {
        reading(source, FORMAT, || self.reader(source).columns(names))
    }
}

impl<T, R> ReadRows<R> for ArrowIpc<T>
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
