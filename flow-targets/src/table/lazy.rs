//! Implements [`Table`] for lazy frames of polars.
//!
//! A lazy frame that is saved is a stream: its query runs in a thread of its own, with the streaming engine of polars,
//! which hands over its rows a part at a time. All parts but the last have the same number of rows, so that the bytes of the
//! file do not depend on the number of processors. A lazy frame that is loaded is a scan of the file.

use std::num::NonZeroUsize;

use anyhow::Result;
use polars::prelude::{
    DataFrame, Engine, IntoLazy, LazyFrame, PlanCallback, PolarsError, PolarsResult,
};

use super::frame::CHUNK;
use super::{AsLazy, Batches, Cut, Stored, Table};
use crate::frames::from_polars;
use crate::stream::{BatchSender, BatchStream};

impl Table<AsLazy> for LazyFrame {
    const CUT: Cut = Cut::Anywhere;
    const STREAM: bool = true;

    fn batches(&self) -> Result<Batches<'_>> {
        let columns = self.clone().collect_schema()?;
        let (schema, _) = from_polars(DataFrame::empty_with_schema(&columns))?;
        let frame = self.clone();
        let parts = BatchStream::produced(schema.clone(), move |out| run(frame, out));
        Ok(Batches { schema, each: parts.batches()? })
    }

    fn from_stored(stored: Stored) -> Result<Self> {
        match stored.scan() {
            Some(scanned) => scanned,
            // A format that polars does not read is loaded as a whole.
            None => Ok(DataFrame::from_stored(stored)?.lazy()),
        }
    }
}

/// Runs the query, and sends its rows until the receiver is gone.
fn run(frame: LazyFrame, out: &BatchSender) -> Result<()> {
    let out = out.clone();
    let send = move |mut part: DataFrame| -> PolarsResult<bool> {
        // A part consists of what several threads have computed: its chunks say how many.
        part.rechunk_mut();
        let (_, batches) = from_polars(part)
            .map_err(|error| PolarsError::ComputeError(format!("{error:#}").into()))?;
        // A writer that has failed takes no more parts: the query ends.
        Ok(batches.into_iter().any(|batch| out.send(batch).is_err()))
    };
    let parts = frame.sink_batches(PlanCallback::new(send), true, NonZeroUsize::new(CHUNK))?;
    parts.collect_with_engine(Engine::Streaming)?;
    Ok(())
}
