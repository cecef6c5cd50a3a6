//! Values that can be written as lines of cells.
//!
//! The parameter `Way` is there for the same reason as that of a table: an impl for
//! `Vec<RecordBatch>` and one for every `Vec<R>` of rows may not be of one trait, since arrow
//! could make its batches serialisable. It is inferred where a target is made.

use std::slice;

use anyhow::{Result, bail};
use arrow::array::RecordBatch;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cells::{CellReader, CellWriter};
use super::options::Options;
use super::{columns, rows};

/// The way of values that are record batches.
#[doc(hidden)]
pub enum AsBatches {}

/// The way of values that are rows: structs that serde serialises.
#[doc(hidden)]
pub enum AsRows {}

/// A value that is lines of cells: `RecordBatch`, `Vec<RecordBatch>`, or `Vec<R>` where `R` is a
/// struct that derives serde's `Serialize` and `Deserialize`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a table",
    label = "not a table",
    note = "a table is a `RecordBatch`, a `Vec<RecordBatch>`, or a `Vec` of structs that derive `Serialize` and `Deserialize`",
    note = "for other values there are `Json<T>` and `Pickle<T>`"
)]
pub trait Sheet<Way>: Sized + Send + Sync + 'static {
    #[doc(hidden)]
    fn write(&self, options: &Options, cells: &mut CellWriter<'_, '_>) -> Result<()>;

    #[doc(hidden)]
    fn read(options: &Options, cells: &mut CellReader<'_>) -> Result<Self>;
}

impl Sheet<AsBatches> for RecordBatch {
    fn write(&self, options: &Options, cells: &mut CellWriter<'_, '_>) -> Result<()> {
        columns::write(self.schema_ref(), slice::from_ref(self), options, cells)
    }

    fn read(options: &Options, cells: &mut CellReader<'_>) -> Result<Self> {
        columns::read(options, cells)
    }
}

impl Sheet<AsBatches> for Vec<RecordBatch> {
    fn write(&self, options: &Options, cells: &mut CellWriter<'_, '_>) -> Result<()> {
        let Some(first) = self.first() else {
            bail!("a list without batches has no columns");
        };
        if let Some(i) = self.iter().position(|batch| batch.schema_ref() != first.schema_ref()) {
            bail!("batch {i} has another schema than batch 0");
        }
        columns::write(first.schema_ref(), self, options, cells)
    }

    fn read(options: &Options, cells: &mut CellReader<'_>) -> Result<Self> {
        Ok(vec![columns::read(options, cells)?])
    }
}

impl<R> Sheet<AsRows> for Vec<R>
where
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    fn write(&self, options: &Options, cells: &mut CellWriter<'_, '_>) -> Result<()> {
        rows::write(self, options, cells)
    }

    fn read(options: &Options, cells: &mut CellReader<'_>) -> Result<Self> {
        rows::read(options, cells)
    }
}

/// The functions of a [`Sheet`] impl, without the impl's type.
pub(super) struct Way<T> {
    pub(super) write: fn(&T, &Options, &mut CellWriter<'_, '_>) -> Result<()>,
    pub(super) read: fn(&Options, &mut CellReader<'_>) -> Result<T>,
}

impl<T> Way<T> {
    pub(super) fn of<W>() -> Self
    where
        T: Sheet<W>,
    {
        Self { write: T::write, read: T::read }
    }
}

impl<T> Clone for Way<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Way<T> {}
