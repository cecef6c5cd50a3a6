//! Tables in files, which may be damaged.
//!
//! Arrow asserts what a damaged file does not keep to, so that reading one may panic wherever a
//! batch is decoded: while a value is loaded, or later, when a stream comes to it. Here a panic
//! becomes an error that names the file.

use std::iter;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use flow_core::{Pieces, Source};

use super::{Counted, width};

/// A table in a file, whose batches are read as often as they are asked for.
#[doc(hidden)]
pub struct Stored {
    /// That of each batch.
    pub schema: SchemaRef,
    source: Source,
    format: &'static str,
    open: Arc<Open>,
    pub(crate) place: Place,
    /// How many bytes it may take if it is to be whole in memory.
    pub(crate) most: Option<u64>,
}

/// What errors call the place of a value.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// Its column, and its row counted from 0.
    Table,
    /// Its cell in the sheet of this name, as the sheet calls it.
    #[cfg(feature = "excel")]
    Sheet(String),
}

/// Opens a file at its first batch.
type Open = dyn Fn(&Source) -> Result<Pieces<RecordBatch>> + Send + Sync;

impl Stored {
    /// `open` reads the file of `source` from its first batch to its last.
    pub(crate) fn new(
        schema: SchemaRef,
        source: &Source,
        format: &'static str,
        open: impl Fn(&Source) -> Result<Pieces<RecordBatch>> + Send + Sync + 'static,
    ) -> Self {
        let (place, most) = (Place::Table, None);
        Self { schema, source: source.clone(), format, open: Arc::new(open), place, most }
    }

    /// The same table, of which errors say what is in which cell of a sheet.
    #[cfg(feature = "excel")]
    pub(crate) fn of_sheet(self, name: String) -> Self {
        Self { place: Place::Sheet(name), ..self }
    }

    /// The same with a limit of what it takes if it is to be whole in memory.
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(crate) fn within(self, most: Option<u64>) -> Self {
        Self { most, ..self }
    }

    /// The batches, for whoever takes them all before [`reading`] returns.
    pub(crate) fn batches(&self) -> Result<Pieces<RecordBatch>> {
        (self.open)(&self.source)
    }

    /// The batches, for whoever keeps them all: an error is the last if they take too much.
    pub(crate) fn counted(&self) -> Result<Pieces<RecordBatch>> {
        let mut counted = Counted::columns(self.most, width(&self.schema));
        Ok(Box::new(self.batches()?.map(move |batch| {
            let batch = batch?;
            counted.add(&batch).map(|()| batch)
        })))
    }

    /// The batches, for whoever takes them later: an error ends them, names the file, and is what
    /// a panic becomes.
    pub(crate) fn read_later(&self) -> Result<Pieces<RecordBatch>> {
        let (source, format) = (self.source.clone(), self.format);
        let mut rest = Some(reading(&source, format, || self.batches())?);
        Ok(Box::new(iter::from_fn(move || {
            let mut batches = rest.take()?;
            let batch = reading(&source, format, || batches.next().transpose()).transpose()?;
            if batch.is_ok() {
                rest = Some(batches);
            }
            Some(batch)
        })))
    }
}

/// Reads a file, and names it in what goes wrong.
pub(crate) fn reading<V>(
    source: &Source,
    format: &str,
    read: impl FnOnce() -> Result<V>,
) -> Result<V> {
    panic::catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(anyhow!("the file is damaged")))
        .with_context(|| format!("cannot read {} as {format}", source.path().display()))
}
