//! Targets that read part of an output: piece by piece, or some columns.
//!
//! These are traits of targets, so that the core knows no columns and users' own targets can have them.

use super::{Source, Target};

/// The pieces of an output, in order. Only one of them needs to be in memory.
pub type Pieces<P> = Box<dyn Iterator<Item = anyhow::Result<P>> + Send>;

/// A target that reads an output piece by piece, in memory that does not grow with the output.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not read piece by piece",
    label = "its output is loaded whole",
    note = "the columnar targets are: `Parquet`, `ArrowIpc` and `Csv`; or implement `Streaming` for a target of your own"
)]
pub trait Streaming: Target {
    /// One piece, such as a record batch.
    type Piece: 'static;

    /// Opens the file, and returns an iterator over its pieces.
    ///
    /// # Errors
    ///
    /// The format or the source returns an error, now or when a piece is read.
    fn stream(&self, source: &Source) -> anyhow::Result<Pieces<Self::Piece>>;
}

/// A target that reads some columns of an output without the others.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no columns",
    label = "its output is loaded whole",
    note = "the columnar targets have: `Parquet`, `ArrowIpc` and `Csv`; or implement `Columnar` for a target of your own"
)]
pub trait Columnar: Target {
    /// The type of the columns that were read, such as a record batch.
    type Columns;

    /// Reads these columns, in this order.
    ///
    /// # Errors
    ///
    /// A name has no column or several, or the format or the source returns an error.
    fn load_columns(&self, source: &Source, names: &[&str]) -> anyhow::Result<Self::Columns>;
}

/// A target whose output is a folder of files, with the values of some columns in the names of the folders.
///
/// [`Input::select`](crate::Input::select) reads some of the partitions. [`load`](Target::load) and all others read the files
/// that [`Source::files`] returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no partitions",
    label = "its output is one file",
    note = "`Dataset<T>(partition_by = [\"year\"])` has, or implement `Partitioned` for a target of your own"
)]
pub trait Partitioned: Target {
    /// Returns the names of the partition columns, as far as the target names them.
    fn partition_columns(&self) -> &[String];
}

/// A columnar target whose rows can be read as another struct than the one that was saved, such as one with fewer fields.
#[diagnostic::on_unimplemented(
    message = "rows of `{Self}` cannot be read as `{R}`",
    label = "its rows are not read as another struct",
    note = "`Parquet` and `ArrowIpc` read rows as any struct that derives `Serialize` and `Deserialize`"
)]
pub trait ReadRows<R>: Columnar {
    /// Returns the names of the columns that are the fields of the struct.
    ///
    /// # Errors
    ///
    /// The type does not show its fields.
    fn row_columns() -> anyhow::Result<Vec<String>>;

    /// Converts columns to rows.
    ///
    /// # Errors
    ///
    /// A column has another type than the field.
    fn rows_from(columns: Self::Columns) -> anyhow::Result<Vec<R>>;
}
