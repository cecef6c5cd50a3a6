//! Streams of record batches: tables that are never in memory as a whole.

use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, anyhow, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use flow_core::Pieces;

/// How many batches a producing thread may be ahead of the writer.
const AHEAD: usize = 2;

/// A table that is never in memory as a whole: a schema, and batches that are computed or read one
/// by one.
///
/// A task with the target `Parquet<BatchStream>`, `ArrowIpc<BatchStream>` or `Csv<BatchStream>`
/// returns a stream, whose batches are computed while they are written. A loaded stream reads its
/// batches from the file on demand. Any other table in one of these formats can be read in the same
/// way with [`Input::stream`](flow_core::Input::stream).
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
    /// A function that opens the batches each time.
    Again(Arc<dyn Fn() -> Result<Pieces<RecordBatch>> + Send + Sync>),
}

impl BatchStream {
    /// Creates a stream of the batches of an iterator, which must all have this schema.
    ///
    /// An error among them fails the task, and nothing of the output is kept.
    pub fn new<I>(schema: impl Into<SchemaRef>, batches: I) -> Self
    where
        I: IntoIterator<Item = Result<RecordBatch>>,
        I::IntoIter: Send + 'static,
    {
        let batches: Pieces<RecordBatch> = Box::new(batches.into_iter());
        Self { schema: schema.into(), origin: Origin::Once(Mutex::new(Some(batches))) }
    }

    /// Creates a stream of the batches that `produce` sends from a thread of its own.
    ///
    /// The thread is at most two batches ahead of the writer.
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
        // The thread starts when the first batch is requested.
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

    /// Creates a stream whose batches can be read any number of times, each time from the result of
    /// `open`.
    pub(crate) fn reopened(
        schema: SchemaRef,
        open: impl Fn() -> Result<Pieces<RecordBatch>> + Send + Sync + 'static,
    ) -> Self {
        Self { schema, origin: Origin::Again(Arc::new(open)) }
    }

    /// Returns the schema of each batch.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the batches. A loaded stream reads its file again each time.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or the stream was created from an iterator and was read before.
    /// The iterator returns an error if a batch cannot be read or computed, or has another schema.
    pub fn batches(&self) -> Result<Pieces<RecordBatch>> {
        let batches = match &self.origin {
            Origin::Again(open) => open()?,
            Origin::Once(batches) => {
                let mut batches = batches
                    .lock()
                    .map_err(|_| anyhow!("an earlier read of the stream panicked"))?;
                batches
                    .take()
                    .context("a stream of an iterator is read once, and was read before")?
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

/// The sender of the batches of [`BatchStream::produced`].
#[derive(Clone)]
pub struct BatchSender(SyncSender<RecordBatch>);

impl BatchSender {
    /// Sends a batch, and blocks while two earlier batches are not written yet.
    ///
    /// # Errors
    ///
    /// The task has failed, so that no more batches are written.
    pub fn send(&self, batch: RecordBatch) -> Result<()> {
        self.0.send(batch).map_err(|_| anyhow!("the stream is closed: its task has failed"))
    }
}

/// A thread that produces batches, and the receiver of these batches.
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
