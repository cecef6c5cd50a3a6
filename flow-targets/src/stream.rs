//! Tables that are never whole in memory.

use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, anyhow, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use flow_core::Pieces;

/// How many batches a producing thread may be ahead of whoever writes them.
const AHEAD: usize = 2;

/// A table that is never whole in memory: a schema, and batches that come one by one.
///
/// A task whose target is `Parquet<BatchStream>`, `ArrowIpc<BatchStream>` or `Csv<BatchStream>`
/// returns one, and its batches are made while they are written; loaded, it reads them off the
/// file when it is asked for them. Any other table of these formats can be read in the same way by
/// [`Input::stream`](flow_core::Input::stream).
///
/// ```
/// use std::sync::Arc;
///
/// use arrow::array::{Int64Array, RecordBatch};
/// use arrow::datatypes::{DataType, Field, Schema};
/// use flow_targets::BatchStream;
///
/// let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
/// let of = schema.clone();
/// let batch = move |i: i64| {
///     Ok(RecordBatch::try_new(of.clone(), vec![Arc::new(Int64Array::from(vec![i, i + 1]))])?)
/// };
/// let stream = BatchStream::new(schema, (0..1000).map(batch));
/// let rows: usize = stream.batches()?.map(|batch| Ok(batch?.num_rows())).sum::<anyhow::Result<_>>()?;
/// assert_eq!(rows, 2000);
/// # Ok::<(), anyhow::Error>(())
/// ```
pub struct BatchStream {
    schema: SchemaRef,
    origin: Origin,
}

enum Origin {
    /// An iterator, until it is taken.
    Once(Mutex<Option<Pieces<RecordBatch>>>),
    /// Something that is opened whenever it is asked for.
    Again(Arc<dyn Fn() -> Result<Pieces<RecordBatch>> + Send + Sync>),
}

impl BatchStream {
    /// The batches that an iterator gives, which must have this schema. An error among them fails
    /// the task, and nothing of the output is kept.
    pub fn new<I>(schema: impl Into<SchemaRef>, batches: I) -> Self
    where
        I: IntoIterator<Item = Result<RecordBatch>>,
        I::IntoIter: Send + 'static,
    {
        let batches: Pieces<RecordBatch> = Box::new(batches.into_iter());
        Self { schema: schema.into(), origin: Origin::Once(Mutex::new(Some(batches))) }
    }

    /// The batches that `produce` sends, on a thread of its own, at most two ahead of whoever
    /// writes them.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{Int64Array, RecordBatch};
    /// # use arrow::datatypes::{DataType, Field, Schema};
    /// # use flow_targets::BatchStream;
    /// # let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
    /// let of = schema.clone();
    /// let stream = BatchStream::produced(schema, move |out| {
    ///     for n in 0..10 {
    ///         out.send(RecordBatch::try_new(of.clone(), vec![Arc::new(Int64Array::from(vec![n]))])?)?;
    ///     }
    ///     Ok(())
    /// });
    /// assert_eq!(stream.batches()?.count(), 10);
    /// # Ok::<(), anyhow::Error>(())
    /// ```
    pub fn produced(
        schema: impl Into<SchemaRef>,
        produce: impl FnOnce(&BatchSender) -> Result<()> + Send + 'static,
    ) -> Self {
        // The thread starts with the first batch that is asked for.
        let mut produced = None;
        let mut produce = Some(produce);
        Self::new(
            schema,
            std::iter::from_fn(move || {
                if let Some(produce) = produce.take() {
                    produced = Some(Produced::start(produce));
                }
                produced.as_mut()?.next()
            }),
        )
    }

    /// Batches that can be read any number of times, each time from what `open` gives.
    pub(crate) fn reopened(
        schema: SchemaRef,
        open: impl Fn() -> Result<Pieces<RecordBatch>> + Send + Sync + 'static,
    ) -> Self {
        Self { schema, origin: Origin::Again(Arc::new(open)) }
    }

    /// The schema of each batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The batches. A stream that was loaded reads its file anew each time.
    ///
    /// # Errors
    ///
    /// The file cannot be opened; or the stream was made of an iterator, and was read before. A
    /// batch is an error if it cannot be had, or has another schema.
    pub fn batches(&self) -> Result<Pieces<RecordBatch>> {
        let batches = match &self.origin {
            Origin::Again(open) => open()?,
            Origin::Once(batches) => {
                let mut batches = batches.lock().map_err(|_| anyhow!("reading it panicked"))?;
                batches.take().context("a stream that is made of an iterator is read once")?
            }
        };
        let schema = Arc::clone(&self.schema);
        Ok(Box::new(batches.enumerate().map(move |(i, batch)| check(&schema, i, batch?))))
    }
}

fn check(schema: &Schema, i: usize, batch: RecordBatch) -> Result<RecordBatch> {
    ensure!(
        batch.schema_ref().as_ref() == schema,
        "batch {i} of the stream has another schema than the stream: {} instead of {schema}",
        batch.schema_ref(),
    );
    Ok(batch)
}

impl fmt::Debug for BatchStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// Where [`BatchStream::produced`] sends its batches.
pub struct BatchSender(SyncSender<RecordBatch>);

impl BatchSender {
    /// Sends a batch, and waits if those before it are not written yet.
    ///
    /// # Errors
    ///
    /// Nobody writes them any more: the task has failed.
    pub fn send(&self, batch: RecordBatch) -> Result<()> {
        self.0.send(batch).map_err(|_| anyhow!("nobody reads the stream any more"))
    }
}

/// A thread that produces batches.
struct Produced {
    batches: Receiver<RecordBatch>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Produced {
    fn start(produce: impl FnOnce(&BatchSender) -> Result<()> + Send + 'static) -> Self {
        let (sender, batches) = sync_channel(AHEAD);
        let thread = thread::spawn(move || produce(&BatchSender(sender)));
        Self { batches, thread: Some(thread) }
    }
}

impl Iterator for Produced {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Ok(batch) = self.batches.recv() {
            return Some(Ok(batch));
        }
        match self.thread.take()?.join() {
            Ok(result) => result.err().map(Err),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
