//! The target [`Dataset`]: a folder of Parquet files, with a folder for the rows of each partition.
//!
//! A dataset is a table that is divided by the values of some columns, its *partition columns*. The values are in the names
//! of folders, as in Apache Hive, and pandas, polars, pyarrow, DuckDB and Spark read such folders:
//!
//! ```text
//! year=2024/month=1/part-0.parquet
//! year=2024/month=2/part-0.parquet
//! ```
//!
//! ```
//! use flow_core::target::SinkFolder;
//! use flow_core::{Source, Target};
//! use flow_targets::Dataset;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, PartialEq, Debug)]
//! struct Sale {
//!     year: i32,
//!     shop: Option<String>,
//!     amount: f64,
//! }
//!
//! let sale = |year, shop: Option<&str>, amount| Sale { year, shop: shop.map(str::to_owned), amount };
//! let sales = vec![sale(2024, Some("Bern"), 1.5), sale(2023, None, 2.5), sale(2024, Some("Bern"), 3.5)];
//! let target = <Dataset<Vec<Sale>>>::default().partition_by(["year", "shop"]);
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("sales");
//! target.save_folder(&sales, &mut SinkFolder::new(&path)?)?;
//! assert!(path.join("year=2024/shop=Bern/part-0.parquet").is_file());
//!
//! let loaded = target.load(&Source::file(&path))?;
//! assert_eq!(loaded, [sale(2023, None, 2.5), sale(2024, Some("Bern"), 1.5), sale(2024, Some("Bern"), 3.5)]);
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! # Partitions
//!
//! Each partition counts by itself. When a task runs again, the file of a partition with equal rows is not written: it
//! becomes a hard link to the file of the output before. A task that reads some partitions with
//! [`Input::select`](flow_core::Input::select) runs again only if these change.
//!
//! # What is preserved
//!
//! All types of columns that [`Parquet`](crate::parquet) stores. A partition column is an integer, a boolean, a text or a
//! dictionary of texts, a date, a decimal or a timestamp; for others, saving or planning fails. Its type is recorded in the
//! metadata of each file, so that it comes back equal, and so does its place among the columns. Null is the folder
//! `__HIVE_DEFAULT_PARTITION__`. Bytes other than ASCII letters, digits, `-`, `_` and dots are written as `%` and two
//! hexadecimal digits.
//!
//! **The order of rows** is not preserved across partitions: rows come back partition by partition, in the order of the names
//! of the folders. Within a partition, they have the order in which they were written. A `Vec<RecordBatch>` comes back as a
//! batch for each file.
//!
//! # Streams
//!
//! A table in memory has one file for each partition. A [`BatchStream`](crate::BatchStream) is never in memory as a whole: at
//! most 128 files are open at a time, and their rows take at most about 64 MiB before they are written. If rows of a partition
//! follow after its file was closed, it gets a second file, `part-1.parquet`. A stream that is sorted by the partition columns
//! has one file for each partition.
//!
//! The stream itself is read a batch at a time. With the cargo feature `polars`, a `LazyFrame` is a stream, too: its query hands
//! over batches of 65,536 rows. One of them is being divided, two wait, and one is being computed, besides what the query itself needs. Equal
//! streams of equal batches give equal files. If more than 64 MiB of rows are written, the rows of one partition may change where the
//! row groups of another one end, so that the file of the other one has other bytes.
//!
//! # Files of other programs
//!
//! The path of an external task with this target is a folder, a pattern such as `trades/*/*.parquet`, or a file. Partition
//! columns are found in the names of the folders; `partition_by` is not needed. They have the types of the fields of the row
//! or, for record batches, are integers if all of their values are, and otherwise texts. A column that is in the files, too, is
//! read from there. All files must have the columns of the first one, with the same types. Names that begin with `_` or `.` are
//! left out.

mod layout;
mod read;
#[cfg(feature = "polars")]
mod scan;
mod values;
mod write;

use std::fmt;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::FieldRef;
use flow_core::target::{Description, Partitioned, SinkFolder};
use flow_core::{Code, Columnar, Pieces, ReadRows, Sink, Source, Streaming, Target};
use serde::de::DeserializeOwned;

use self::layout::Layout;
use self::read::Opened;
use crate::compression::Compression;
use crate::parquet::{Parquet, Statistics};
use crate::table::{Cut, Known, Table, fields_of, reading, rows_of};

/// The name of the format in errors.
const FORMAT: &str = "a dataset of Parquet files";

/// A folder of Parquet files, in which the names of folders are the values of partition columns.
///
/// The table is a `RecordBatch`, a `Vec<RecordBatch>`, a [`BatchStream`](crate::BatchStream), or a `Vec<R>` where `R` is a
/// struct that derives serde's `Serialize` and `Deserialize`. See [the module](self) for what is preserved, and an example.
pub struct Dataset<T> {
    partition_by: Vec<String>,
    /// The options of each file.
    file: Parquet<T>,
}

impl<T> Dataset<T> {
    /// Creates a target without partition columns, whose files have the default options of [`Parquet`].
    ///
    /// This is not an impl of [`Default`], since the type alone does not determine how its values become tables; see
    /// [`Table`].
    #[expect(clippy::should_implement_trait, reason = "`Way` can be inferred in a call only")]
    pub fn default<Way>() -> Self
    where
        T: Table<Way>,
    {
        Self { partition_by: Vec::new(), file: <Parquet<T>>::default::<Way>() }
    }

    /// Sets the partition columns, in the order of the folders: the first one is the outermost.
    ///
    /// A column that does not exist, or whose type has no form as text, is an error of the plan if the type of the rows shows
    /// it, and otherwise an error when saving.
    #[must_use]
    pub fn partition_by<N: Into<String>>(mut self, columns: impl IntoIterator<Item = N>) -> Self {
        self.partition_by = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the compression of pages, `Zstd(1)` by default. An invalid level is an error when saving.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> Self {
        self.file = self.file.compression(compression);
        self
    }

    /// Sets the most rows of a row group, which limits the memory of a reader. Zero is an error when saving.
    #[must_use]
    pub fn row_group_rows(mut self, rows: usize) -> Self {
        self.file = self.file.row_group_rows(rows);
        self
    }

    /// Sets for which parts of the files statistics are recorded.
    #[must_use]
    pub fn statistics(mut self, statistics: Statistics) -> Self {
        self.file = self.file.statistics(statistics);
        self
    }

    /// Sets the most bytes that a table may take when it is loaded whole, 4 GiB by default.
    ///
    /// Saving and loading a larger table is an error. A [`BatchStream`](crate::BatchStream) is never in memory as a whole and
    /// has no limit.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.file = self.file.max_bytes(bytes);
        self
    }

    /// Returns the columns that the type of the rows determines; none if it does not.
    fn known(&self) -> Vec<FieldRef> {
        match (self.file.way.known)() {
            Known::ByType(fields) => fields,
            Known::ByValue | Known::Hidden | Known::Never(_) => Vec::new(),
        }
    }

    /// Opens the folder with all columns.
    fn opened(&self, source: &Source) -> Result<Opened> {
        Opened::new(source, None, &self.known())
    }
}

impl<T: Send + Sync + 'static> Target for Dataset<T> {
    type Value = T;
    const EXTENSION: &'static str = "dataset";
    const IS_FOLDER: bool = true;
    const CODE: Code = Code::version(1);

    fn save(&self, _value: &T, _sink: &mut Sink<'_>) -> Result<()> {
        bail!("a dataset is a folder of files: call `save_folder`")
    }

    fn save_folder(&self, value: &T, folder: &mut SinkFolder) -> Result<()> {
        write::write(self, value, folder)
            .context("cannot write this table as a dataset of Parquet files")
    }

    fn check_type(&self) -> Result<()> {
        for (place, column) in self.partition_by.iter().enumerate() {
            let is_twice = self.partition_by[..place].contains(column);
            ensure!(!is_twice, "`partition_by` names the column `{column}` twice");
        }
        self.file.way.check_type(|schema| {
            let layout = Layout::new(&schema.clone().into(), &self.partition_by)?;
            crate::parquet::write::check(&layout.file)
        })
    }

    fn load(&self, source: &Source) -> Result<T> {
        let most = (!self.file.way.stream).then(|| self.file.limit.table(0));
        // The boundaries of batches are those of the files.
        let cut = if self.file.way.cut == Cut::Kept { Cut::Whole } else { Cut::Anywhere };
        let wanted = (self.file.way.wanted)();
        reading(source, FORMAT, || {
            let opened = Opened::new(source, wanted, &self.known())?;
            (self.file.way.from_stored)(opened.stored(source, cut, most))
        })
    }

    #[cfg(feature = "polars")]
    fn __reader(&self) -> Option<Box<dyn std::any::Any>> {
        use crate::frames::{Scan as _, Scanner};

        let target = self.clone();
        Some(Box::new(Scanner(std::sync::Arc::new(move |source: &Source| target.scan(source)))))
    }

    fn describe(&self, source: &Source) -> Result<Description> {
        let opened = reading(source, FORMAT, || self.opened(source))?;
        let columns = crate::described::columns(&opened.schema);
        let columns = columns.rust("Dataset<RecordBatch>").typed("Dataset<Vec<{}>>");
        let table = "_frame(pyarrow.dataset.dataset(path, partitioning=\"hive\").to_table())";
        Ok(columns.python(&["pyarrow.dataset"], table))
    }
}

#[cfg(feature = "polars")]
impl<T: Send + Sync + 'static> crate::frames::Scan for Dataset<T> {
    /// Returns a lazy frame over all files: see [the module of frames](crate::frames#formats).
    fn scan(&self, source: &Source) -> Result<polars::prelude::LazyFrame> {
        reading(source, FORMAT, || scan::scan(&self.opened(source)?, source))
    }
}

impl<T: Send + Sync + 'static> Partitioned for Dataset<T> {
    fn partition_columns(&self) -> &[String] {
        &self.partition_by
    }
}

impl<T: Send + Sync + 'static> Streaming for Dataset<T> {
    type Piece = RecordBatch;

    /// Reads batches of at most 65,536 rows, file by file. Memory holds one batch, and one page of each column.
    fn stream(&self, source: &Source) -> Result<Pieces<RecordBatch>> {
        let opened = reading(source, FORMAT, || self.opened(source))?;
        opened.stored(source, Cut::Anywhere, None).read_later()
    }
}

impl<T: Send + Sync + 'static> Columnar for Dataset<T> {
    type Columns = RecordBatch;

    /// Loads one batch with these columns. Without names, the batch has no columns, but all rows.
    fn load_columns(&self, source: &Source, names: &[&str]) -> Result<RecordBatch> {
        reading(source, FORMAT, || self.opened(source)?.columns(source, names, self.file.limit))
    }
}

impl<T, R> ReadRows<R> for Dataset<T>
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

impl<T> Clone for Dataset<T> {
    fn clone(&self) -> Self {
        Self { partition_by: self.partition_by.clone(), file: self.file.clone() }
    }
}

impl<T> fmt::Debug for Dataset<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("partition_by", &self.partition_by)
            .field("file", &self.file)
            .finish()
    }
}
