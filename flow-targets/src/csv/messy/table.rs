//! Values that messy files can be read as.
//!
//! [`MessyTable`] has the parameter `Way` for the same reason as [`Sheet`](crate::csv::Sheet).

use anyhow::Result;
use arrow::array::RecordBatch;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::sheet::{AsBatches, AsRows};
use super::columns;
use super::combine::{Combined, Outcome};
use super::options::Options;
use super::rows;

/// A value that messy files can be read as.
///
/// It is a `RecordBatch`, or a `Vec<R>` where `R` is a struct that derives serde's `Serialize` and
/// `Deserialize`.
#[diagnostic::on_unimplemented(
    message = "messy files cannot be read as `{Self}`",
    label = "no table",
    note = "use a `RecordBatch`, or a `Vec` of structs that derive `Serialize` and `Deserialize`"
)]
pub trait MessyTable<Way>: Sized + Send + Sync + 'static {
    /// Reads the values of the cells.
    #[doc(hidden)]
    fn read(combined: Combined, options: &Options, outcome: &mut Outcome) -> Result<Self>;
}

impl MessyTable<AsBatches> for RecordBatch {
    fn read(combined: Combined, options: &Options, outcome: &mut Outcome) -> Result<Self> {
        columns::read(&combined, options, outcome)
    }
}

impl<R> MessyTable<AsRows> for Vec<R>
where
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    fn read(combined: Combined, options: &Options, outcome: &mut Outcome) -> Result<Self> {
        rows::read(&combined, options, outcome)
    }
}

/// The function of a [`MessyTable`] impl, independent of the impl's type.
pub(super) struct Way<T> {
    pub(super) read: fn(Combined, &Options, &mut Outcome) -> Result<T>,
}

impl<T> Way<T> {
    pub(super) fn of<W>() -> Self
    where
        T: MessyTable<W>,
    {
        Self { read: T::read }
    }
}

impl<T> Clone for Way<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Way<T> {}
