//! Runs one task in a child, and sends what it has left behind.

use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use daggy::NodeIndex;

use super::host::ChildHost;
use super::limit::{Limit, Meter};
use super::link::Link;
use super::received::{Received, Stores};
use crate::base::error::StoreError;
use crate::base::error_text::ErrorText;
use crate::base::panics;
use crate::engine::executor::process::message::{
    DoneMessage, FailedMessage, FromChild, JobMessage,
};
use crate::engine::failure::is_stop;
use crate::store::output::Output;
use crate::store::record::Meta;
use crate::store::{Folder, Store};
use crate::task::cx::{Attempt, Reads};
use crate::task::execute::{Executed, TaskRun};
use crate::task::input::Handle;

/// Runs the tasks of a child.
pub(super) struct Runner {
    link: Arc<Link>,
    stores: Arc<Stores>,
}

impl Runner {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { link, stores: Arc::default() }
    }

    /// Runs the task of a job, and sends what it has left behind.
    pub(super) fn run(&self, job: JobMessage) {
        let number = job.number;
        let store = self.stores.get(&job.store);
        let folder = job.folder.to_path();
        let (reads, attempt) = (Arc::default(), Arc::new(Attempt::new(&store, &folder)));
        let (limit, meter) = (Limit::set(job.memory), Meter::start());
        let executed =
            panics::catch_error(|| self.execute(job, (&store, &folder), &reads, &attempt));
        let executed = unless_written(&store, &folder, &reads, executed);
        drop(limit);
        let (result, meta) = match executed {
            Ok((output, meta)) => (Ok(output), meta),
            Err(error) => (Err(failed(&store, error)), attempt.take_meta()),
        };
        let (reads, used) = (reads.all(), meter.read());
        let done = DoneMessage { job: number, result, meta, reads, used };
        // The parent reads what was written before it receives the message.
        let _ = std::io::stdout().flush();
        let _ = std::io::stderr().flush();
        self.link.ended();
        self.link.send(&FromChild::Done(Box::new(done)));
    }

    fn execute(
        &self,
        job: JobMessage,
        (store, folder): (&Arc<Store>, &Folder),
        reads: &Arc<Reads>,
        attempt: &Arc<Attempt>,
    ) -> anyhow::Result<(Output, Meta)> {
        if let Some(current) = &job.current_folder {
            let current = current.to_path();
            std::env::set_current_dir(&current)
                .with_context(|| format!("cannot make {} the current folder", current.display()))?;
        }
        let received = Received::new(store, &self.stores, job.nodes)?;
        let node = NodeIndex::new(0);
        let task = received.build(node)?;
        let host = ChildHost {
            link: Arc::clone(&self.link),
            job: job.number,
            task: job.task,
            store: Arc::clone(store),
            stores: Arc::clone(&self.stores),
            stopper: self.link.stopper(),
            seed: job.seed,
            file_parameters: job.file_parameters,
            is_watched: job.is_watched,
            reads: Arc::clone(reads),
            was_stopped: AtomicBool::new(false),
            reported: Mutex::default(),
        };
        let (origin, run) = (Arc::clone(&received) as _, Arc::clone(&received) as _);
        let executed = (received.task_of(node).execute)(TaskRun {
            task,
            running: Handle::running(origin, run, node, reads),
            host: Arc::new(host),
            reads,
            attempt,
            store,
            folder,
            fingerprint: job.fingerprint,
            stand_in: None,
        })?;
        // The value stays here: the parent loads the output if a task needs it.
        let Executed { output, meta, value, .. } = executed;
        panics::discard(value);
        Ok((output, meta))
    }
}

/// Returns the result, or an error if a file that the task has read was written meanwhile.
///
/// The parent compares the content of these files as well. Only this process has their stamps from before.
fn unless_written(
    store: &Store,
    folder: &Folder,
    reads: &Reads,
    executed: anyhow::Result<(Output, Meta)>,
) -> anyhow::Result<(Output, Meta)> {
    match (executed, reads.check_unwritten(store.contents())) {
        (executed, Ok(())) => executed,
        (Ok((output, _)), Err(written)) => {
            store.discard(folder, &output);
            Err(written.into())
        }
        (Err(error), Err(_)) if is_stop(&error) => Err(error),
        (Err(error), Err(written)) => Err(error.context(written.to_string())),
    }
}

/// Describes the error of a task for the parent.
fn failed(store: &Store, error: anyhow::Error) -> FailedMessage {
    let unwritable = match panics::catch(|| store.unwritable(error.as_ref())) {
        Ok(Some(StoreError::Unwritable { path, source, .. })) => {
            source.raw_os_error().map(|code| (path.as_path().into(), code))
        }
        _ => None,
    };
    let failed = FailedMessage {
        is_stopped: is_stop(&error),
        has_panicked: panics::is_panic(&error),
        error: ErrorText::of(&error),
        unwritable,
    };
    panics::discard(error);
    failed
}
