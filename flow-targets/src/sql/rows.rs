//! Rows on their way from a database: a thread reads them, at most two batches ahead of the consumer.
//!
//! The statement of a database borrows its connection, and a stream of batches outlives the call that opens it. So the
//! thread owns both, and ends when the consumer drops the stream.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, anyhow, bail};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use flow_core::Pieces;

/// How many batches the thread may be ahead of the consumer.
const AHEAD: usize = 2;

enum Sent {
    Schema(SchemaRef),
    Batch(RecordBatch),
}

/// Where the thread sends what it reads: the schema, and then the batches.
pub(crate) struct Out(SyncSender<Result<Sent>>);

impl Out {
    /// Sends the schema of all batches.
    pub(crate) fn schema(&self, schema: SchemaRef) -> Result<()> {
        self.send(Sent::Schema(schema))
    }

    /// Sends a batch.
    pub(crate) fn batch(&self, batch: RecordBatch) -> Result<()> {
        self.send(Sent::Batch(batch))
    }

    fn send(&self, sent: Sent) -> Result<()> {
        self.0.send(Ok(sent)).map_err(|_| anyhow!("the rows are not needed any more"))
    }
}

/// Runs `read` on a thread of its own, and returns the schema that it sends and the batches that follow.
///
/// # Errors
///
/// The thread cannot be started, or `read` fails before it has sent the schema. A later error is an item of the batches.
pub(crate) fn start(
    read: impl FnOnce(&Out) -> Result<()> + Send + 'static,
) -> Result<(SchemaRef, Pieces<RecordBatch>)> {
    let (sender, received) = sync_channel(AHEAD);
    let thread = thread::Builder::new().name("flow-sql".to_owned()).spawn(move || {
        let out = Out(sender);
        if let Err(error) = read(&out) {
            // The consumer may be gone, and then needs no error.
            let _ = out.0.send(Err(error));
        }
    });
    let thread = thread.context("cannot start a thread that reads a database")?;
    let mut rows = Rows { received, thread: Some(thread) };
    match rows.next_sent().transpose()? {
        Some(Sent::Schema(schema)) => Ok((schema, Box::new(rows))),
        Some(Sent::Batch(_)) | None => bail!("the query returns no columns"),
    }
}

struct Rows {
    received: Receiver<Result<Sent>>,
    thread: Option<JoinHandle<()>>,
}

impl Rows {
    fn next_sent(&mut self) -> Option<Result<Sent>> {
        if let Ok(sent) = self.received.recv() {
            return Some(sent);
        }
        let panicked = self.thread.take()?.join().is_err();
        panicked.then(|| Err(anyhow!("the thread that reads the database panicked")))
    }
}

impl Iterator for Rows {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_sent()? {
                Ok(Sent::Batch(batch)) => return Some(Ok(batch)),
                Ok(Sent::Schema(_)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
