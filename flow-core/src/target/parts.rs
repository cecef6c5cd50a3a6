//! Outputs read in part: piece by piece, or some columns of them.

use super::{Source, Target};

/// The pieces of an output, one after the other; only one of them need be in memory.
pub type Pieces<P> = Box<dyn Iterator<Item = anyhow::Result<P>> + Send>;

/// A target whose output can be read piece by piece, in memory that does not grow with it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not read piece by piece",
    label = "its output is loaded whole",
    note = "the columnar targets are: `Parquet`, `ArrowIpc` and `Csv`; or implement `Streaming` for a target of your own"
)]
pub trait Streaming: Target {
    /// One piece, such as a record batch.
    type Piece: 'static;

    /// Opens the file, and gives what reads its pieces.
    ///
    /// # Errors
    ///
    /// What the format or the source says, now or when a piece is read.
    fn stream(&self, source: &Source) -> anyhow::Result<Pieces<Self::Piece>>;
}

/// A target of whose output some columns can be read, without the others.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no columns",
    label = "its output is loaded whole",
    note = "the columnar targets have: `Parquet`, `ArrowIpc` and `Csv`; or implement `Columnar` for a target of your own"
)]
pub trait Columnar: Target {
    /// What some columns are, such as a record batch.
    type Columns;

    /// Reads these columns, in this order.
    ///
    /// # Errors
    ///
    /// There is no column of one of the names, or several; what the format or the source says.
    fn load_columns(&self, source: &Source, names: &[&str]) -> anyhow::Result<Self::Columns>;
}
