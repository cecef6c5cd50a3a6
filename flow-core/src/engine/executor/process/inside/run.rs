//! Runs one task in a child, and sends what it has left behind.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::Context;
use daggy::NodeIndex;

use super::host::ChildHost;
use super::limit::{Limit, Meter};
use super::link::Link;
use super::received::{Received, Stores};
use crate::base::error::StoreError;
use crate::base::error_text::ErrorText;
use crate::base::key::Digest;
use crate::base::{panics, process};
use crate::engine::executor::process::message::{
    Bytes, DoneMessage, DraftMessage, EnclosingMessage, FailedMessage, FromChild, JobMessage,
    NodeMessage,
};
use crate::engine::failure::is_stop;
use crate::engine::nested::{Enclosing, Entered, RunningAt};
use crate::engine::running::Ran;
use crate::store::draft_record::DraftRecord;
use crate::store::output::Output;
use crate::store::record::{Meta, Record, RecordedRun};
use crate::store::{Folder, Store};
use crate::task::cx::{Attempt, LookedAt, Reads};
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
        let started = jiff::Timestamp::now();
        let begun = Instant::now();
        let store = self.stores.get(&job.store);
        let folder = job.folder.to_path();
        let (reads, attempt) = (Arc::default(), Arc::new(Attempt::new(&store, &folder)));
        let (limit, meter) = (Limit::set(job.memory), Meter::start());
        let host = Arc::new(self.host(&job, &store, &reads));
        let JobMessage { current_folder, enclosing, nodes, fingerprint, draft, .. } = job;
        let (writes_draft, sends_draft) = (job.writes_draft, job.sends_draft);
        let _entered = entered(enclosing);
        let at = (&store, &folder, fingerprint);
        let executed = panics::catch_error(|| {
            set_current_folder(current_folder)?;
            self.execute(nodes, &host, at, &reads, &attempt)
        });
        let executed = unless_written(&store, &folder, &reads, executed);
        drop(limit);
        let (mut has_draft, mut record) = (false, None);
        let figures = attempt.figures().take();
        let (result, meta) = match executed {
            Ok((output, meta)) => {
                let (columns, required) = (reads.columns(), host.recorded());
                let reads = reads.all();
                let (seconds, host) = (begun.elapsed().as_secs_f64(), process::host());
                let drafted = required.zip(draft).and_then(|(required, draft)| {
                    let (meta, crates) = (meta.clone(), draft.crates);
                    let output = Output { figures: figures.clone(), ..output.clone() };
                    let run = RecordedRun {
                        reads,
                        columns,
                        required,
                        output,
                        meta,
                        crates,
                        started,
                        seconds,
                        host,
                    };
                    draft_record(&folder, draft, run)
                });
                if let Some((path, drafted)) = drafted {
                    // Without the file the output is lost if the parent dies before the commit, and nothing else happens.
                    has_draft = writes_draft && store.write_draft_record(&path, &drafted).is_ok();
                    record = sends_draft.then(|| Box::new(drafted));
                }
                (Ok(output), meta)
            }
            Err(error) => (Err(failed(&store, error)), attempt.all_meta()),
        };
        let (reads, columns, used) = (reads.all(), reads.columns(), meter.read());
        let ran = Ran { started, seconds: begun.elapsed().as_secs_f64(), host: process::host() };
        let done = DoneMessage {
            job: number,
            result,
            meta,
            figures,
            reads,
            columns,
            used,
            ran,
            has_draft,
            record,
            signature: None,
        };
        // The parent reads what was written before it receives the message.
        let _ = std::io::stdout().flush();
        let _ = std::io::stderr().flush();
        self.link.ended();
        self.link.send(&FromChild::Done(Box::new(done)));
    }

    /// Returns the parent as the task of a job sees it.
    fn host(&self, job: &JobMessage, store: &Arc<Store>, reads: &Arc<Reads>) -> ChildHost {
        ChildHost {
            link: Arc::clone(&self.link),
            job: job.number,
            task: job.task.clone(),
            store: Arc::clone(store),
            stores: Arc::clone(&self.stores),
            stopper: self.link.stopper(),
            seed: job.seed,
            file_parameters: job.file_parameters.clone(),
            is_watched: job.is_watched,
            sends_secrets: job.sends_secrets,
            reads: Arc::clone(reads),
            was_stopped: AtomicBool::new(false),
            required: Mutex::default(),
            has_refused: AtomicBool::new(false),
            reported: Mutex::default(),
        }
    }

    fn execute(
        &self,
        nodes: Vec<NodeMessage>,
        host: &Arc<ChildHost>,
        (store, folder, fingerprint): (&Arc<Store>, &Folder, Digest),
        reads: &Arc<Reads>,
        attempt: &Arc<Attempt>,
    ) -> anyhow::Result<(Output, Meta)> {
        let received = Received::new(store, &self.stores, nodes)?;
        let node = NodeIndex::new(0);
        let task = received.build(node)?;
        let (origin, run) = (Arc::clone(&received) as _, Arc::clone(&received) as _);
        let executed = (received.task_of(node).execute)(TaskRun {
            task,
            running: Handle::running(origin, run, node, reads),
            host: Arc::clone(host) as _,
            reads,
            attempt,
            store,
            folder,
            fingerprint,
            stand_in: None,
        })?;
        // The value stays here: the parent loads the output if a task needs it.
        let Executed { output, meta, value, .. } = executed;
        panics::discard(value);
        Ok((output, meta))
    }
}

/// Declares that the tasks of the parent, and the task of the job, run on this thread.
fn entered(tasks: Vec<EnclosingMessage>) -> Entered {
    let around = |outer: Enclosing, EnclosingMessage { root, key, task }: EnclosingMessage| {
        outer.around(RunningAt::sent(root.to_path(), key, task))
    };
    tasks.into_iter().rev().fold(Enclosing::default(), around).enter()
}

/// Makes a folder the current one, against which the task resolves relative paths.
fn set_current_folder(folder: Option<Bytes>) -> anyhow::Result<()> {
    let Some(folder) = folder.map(|folder| folder.to_path()) else { return Ok(()) };
    std::env::set_current_dir(&folder)
        .with_context(|| format!("cannot make {} the current folder", folder.display()))
}

/// Returns a draft record, and where it belongs.
fn draft_record(
    folder: &Folder,
    draft: DraftMessage,
    run: RecordedRun,
) -> Option<(PathBuf, DraftRecord)> {
    let DraftMessage { path, module, instance, .. } = draft;
    let parts = folder.iter().map(|part| part.to_str());
    let parts = parts.collect::<Option<Vec<_>>>()?;
    let record = Record::new(instance, run);
    Some((path.to_path(), DraftRecord { folder: parts.join("/"), module, record }))
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
    match (executed, reads.check_unwritten(store.contents(), &LookedAt::default())) {
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
