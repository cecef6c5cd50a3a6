//! Tables in files, which may be damaged.
//!
//! Arrow asserts invariants that a damaged file may violate. So reading a file can panic wherever a
//! batch is decoded: while a value is loaded, or later, when a stream reaches the batch. This
//! module turns such a panic into an error that names the file.

use std::iter;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use flow_core::{Pieces, Source};

use super::{Counted, width};

/// A table in a file, whose batches can be read any number of times.
#[doc(hidden)]
pub struct Stored {
    /// The schema of each batch.
    pub schema: SchemaRef,
    source: Source,
    format: &'static str,
    open: Arc<Open>,
    pub(crate) place: Place,
    /// The most bytes that the table may take, if it will be in memory as a whole.
    pub(crate) most: Option<u64>,
    /// Scans the file as a lazy frame of polars, if polars scans the format.
    #[cfg(feature = "polars")]
    scan: Option<crate::frames::ScanFile>,
}

/// How errors describe the place of a value.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// By its column, and its row counted from 0.
    Table,
    /// By its cell, in the sheet of this name.
    #[cfg(feature = "excel")]
    Sheet(String),
}

/// Opens a file and reads its batches from the first one on.
type Open = dyn Fn(&Source) -> Result<Pieces<RecordBatch>> + Send + Sync;

impl Stored {
    /// Creates the table of a file. `open` reads all batches of `source`.
    pub(crate) fn new(
        schema: SchemaRef,
        source: &Source,
        format: &'static str,
        open: impl Fn(&Source) -> Result<Pieces<RecordBatch>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            schema,
            source: source.clone(),
            format,
            open: Arc::new(open),
            place: Place::Table,
            most: None,
            #[cfg(feature = "polars")]
            scan: None,
        }
    }

    /// Sets the function that scans the file as a lazy frame.
    #[cfg(all(feature = "polars", any(feature = "arrow", feature = "parquet")))]
    pub(crate) fn scanned_by(
        self,
        scan: impl Fn(&Source) -> Result<polars::prelude::LazyFrame> + Send + Sync + 'static,
    ) -> Self {
        Self { scan: Some(Arc::new(scan)), ..self }
    }

    /// Scans the file as a lazy frame; `None` if polars does not scan the format.
    #[cfg(feature = "polars")]
    pub(crate) fn scan(&self) -> Option<Result<polars::prelude::LazyFrame>> {
        self.scan.as_ref().map(|scan| scan(&self.source))
    }

    /// Sets the sheet whose cells errors name.
    #[cfg(feature = "excel")]
    pub(crate) fn of_sheet(self, name: String) -> Self {
        Self { place: Place::Sheet(name), ..self }
    }

    /// Sets the most bytes that the table may take as a whole.
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub(crate) fn within(self, most: Option<u64>) -> Self {
        Self { most, ..self }
    }

    /// Returns the batches, for a caller that takes them all within [`reading`].
    pub(crate) fn batches(&self) -> Result<Pieces<RecordBatch>> {
        (self.open)(&self.source)
    }

    /// Returns the batches, for a caller that keeps them all. The iterator ends with an error if
    /// they take too much memory.
    pub(crate) fn counted(&self) -> Result<Pieces<RecordBatch>> {
        let mut counted = Counted::columns(self.most, width(&self.schema));
        Ok(Box::new(self.batches()?.map(move |batch| {
            let batch = batch?;
            counted.add(&batch).map(|()| batch)
        })))
    }

    /// Returns the batches, for a caller that takes them later.
    ///
    /// An error ends the iterator and names the file. A panic becomes an error.
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

/// Runs `read`, and returns its error or panic as an error that names the file.
pub(crate) fn reading<V>(
    source: &Source,
    format: &str,
    read: impl FnOnce() -> Result<V>,
) -> Result<V> {
    panic::catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(anyhow!("the file is damaged")))
        .with_context(|| format!("cannot read {} as {format}", source.path().display()))
}
