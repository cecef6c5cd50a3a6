//! A worker: a thread that settles one instance at a time.
//!
//! Settling means: judge the instance again, now that the content of its inputs is known; then accept the output
//! that is there, reuse a kept one, or run the task. The output is written under its final, unique name, its record is
//! staged, and the committer commits it.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};
use daggy::NodeIndex;

use crate::base::error::{IoContext, StoreError};
use crate::base::key::Digest;
use crate::base::panics;
use crate::base::panics::Contained;
use crate::base::stop::Stopped;
use crate::engine::Execution;
use crate::engine::committer::ToCommit;
use crate::engine::message::{How, Message, NewlyMade};
use crate::engine::outcome::TaskError;
use crate::engine::remake::Remake;
use crate::engine::watch::Watch;
use crate::plan::judge::{Judge, Judged, Upstream, Verdict};
use crate::plan::verdicts::Status;
use crate::store::Folder;
use crate::store::external_reads;
use crate::store::failure::Failure;
use crate::store::kept::Kept;
use crate::store::made::Made;
use crate::store::record::{FORMAT, MadeFrom, Record, RecordedInstance, RecordedRun};
use crate::task::Kind;
use crate::task::error::{RequireError, RequireErrorKind};
use crate::task::execute::Executed;

/// Settles the instances of the queue until it is closed, with one message for each.
pub(crate) fn work(jobs: &Receiver<Job>, messages: &Sender<Message>) {
    for job in jobs {
        let session = Arc::clone(&job.execution.session);
        let slot = session.slot();
        let (id, node) = (job.execution.id, job.node);
        // The job may have been sent before the execution was stopped.
        let message = match job.execution.stopper.is_stopped() {
            true => Message::GivenUp { execution: id, node },
            // The coordinator waits for a message of each job, even if the worker panics.
            false => panics::catch(|| Worker::new(&job.execution).message(&job)).unwrap_or_else(
                |error| {
                    let error = error.into();
                    Message::Failed { execution: id, node, error, seconds: 0.0 }
                },
            ),
        };
        drop(slot);
        // This may be the last reference to the plan and its tasks, whose destructors may panic.
        panics::discard(job);
        if messages.send(message).is_err() {
            return;
        }
    }
}

/// An instance to settle.
pub(crate) struct Job {
    pub(crate) execution: Arc<Execution>,
    pub(crate) node: NodeIndex,
    /// Whether the file of its output is needed: the instance is a root, or a consumer demanded it.
    pub(crate) needed: bool,
}

/// The result of settling an instance.
enum Settled {
    As(How, NewlyMade),
    /// The instance has to run, but the files of these inputs are missing.
    Demand(Vec<NodeIndex>),
    /// The instance has to run, but this instance with the same fingerprint is about to run.
    Wait(NodeIndex),
}

struct Worker<'a> {
    execution: &'a Arc<Execution>,
}

impl<'a> Worker<'a> {
    fn new(execution: &'a Arc<Execution>) -> Self {
        Self { execution }
    }

    /// Settles an instance, and returns the message for the coordinator.
    fn message(&self, job: &Job) -> Message {
        let (id, node) = (self.execution.id, job.node);
        let begun = Instant::now();
        let settled = panics::catch_error(|| self.settle(job));
        let seconds = begun.elapsed().as_secs_f32();
        match settled {
            Ok(Settled::Demand(inputs)) => Message::Demand { execution: id, node, inputs },
            Ok(Settled::Wait(first)) => Message::Wait { execution: id, node, first },
            Ok(Settled::As(how, made)) => {
                Message::Settled { execution: id, node, how, seconds, made: Box::new(made) }
            }
            Err(error) => {
                let is_stopped = is_stop(&error);
                let backtrace = panics::backtrace(&error);
                let error = TaskError { text: panics::render(error), backtrace };
                if is_stopped {
                    return Message::GivenUp { execution: id, node };
                }
                self.record_failure(node, &error);
                Message::Failed { execution: id, node, error, seconds }
            }
        }
    }

    fn settle(&self, job: &Job) -> anyhow::Result<Settled> {
        let node = job.node;
        let plan = &self.execution.plan;
        let remake = Remake { execution: self.execution };
        let judge = Judge::new(plan, &**self.execution, &remake);
        let Judged { folder, verdict, .. } = judge.judge(node)?;
        let relied_on = match &verdict {
            Verdict::Evicted(record, _) => Some(record.meta.clone()),
            _ => None,
        };
        let other_meta = || relied_on.is_some() && self.execution.meta(node) != relied_on;
        // A value in memory is identified by its fingerprint, which depends on the format of the record.
        let format = match &verdict {
            Verdict::Evicted(record, _) if record.output.is_in_memory() => record.format,
            _ => FORMAT,
        };
        let (kept, made_from, fingerprint) = match verdict {
            Verdict::Complete(record) => {
                self.execution.held.set_made(node, Made::new(folder, *record));
                return Ok(Settled::As(How::Unchanged, NewlyMade::default()));
            }
            Verdict::Adopt(kept, made_from) => {
                let fingerprint = kept.record.fingerprint;
                (Some(kept), made_from, fingerprint)
            }
            Verdict::Evicted(record, made_from) => {
                // Another instance may have an output with this fingerprint.
                let fingerprint = made_from.fingerprint(plan.graph.task(node).decl.identity());
                let kept = judge.kept(node, &made_from, fingerprint)?;
                if kept.is_none() && !job.needed {
                    self.execution.held.set_gone(node, Made::new(folder, *record));
                    return Ok(Settled::As(How::Unchanged, NewlyMade::default()));
                }
                (kept, made_from, fingerprint)
            }
            Verdict::Run(made_from, fingerprint) => (None, made_from, fingerprint),
            Verdict::There(digest) => return Ok(self.found(node, digest)),
            Verdict::Missing => {
                let path = plan.graph.external(node).display();
                anyhow::bail!("external file {path} does not exist");
            }
            // The instances that its record lists as required could not be produced before the stop.
            Verdict::Upstream if self.execution.stopper.is_stopped() => return Err(Stopped.into()),
            Verdict::Upstream => {
                anyhow::bail!("an input is not settled: a mistake of this library")
            }
        };
        if let Some(kept) = kept {
            match self.reuse(node, &folder, &kept, made_from.clone()) {
                Ok(staged) => {
                    let made =
                        NewlyMade { value: None, staged: Some(staged), other_meta: other_meta() };
                    return Ok(Settled::As(How::Reused, made));
                }
                // The kept output was removed after it was found: run the task.
                Err(_) if !plan.store.is_whole(&kept, plan.trust)? => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.execution.id == 0
            && let Some(first) =
                self.execution.session.running_fingerprints.enter(plan, node, fingerprint)
        {
            return Ok(Settled::Wait(first));
        }
        let gone = self.gone_inputs(node);
        if gone.is_empty() {
            let made = self.run(node, folder, made_from, fingerprint, format)?;
            let how = match plan.graph.stand_in(node) {
                Some(_) => How::Given,
                None => How::Ran,
            };
            Ok(Settled::As(how, NewlyMade { other_meta: other_meta(), ..made }))
        } else {
            Ok(Settled::Demand(gone))
        }
    }

    /// Settles an external or aggregate instance, whose content has this digest.
    fn found(&self, node: NodeIndex, digest: Digest) -> Settled {
        let graph = &self.execution.plan.graph;
        let gone = match graph.is_root(node) {
            true => self.gone_inputs(node),
            // A consumer that loads the aggregate demands the missing files itself.
            false => Vec::new(),
        };
        if !gone.is_empty() {
            return Settled::Demand(gone);
        }
        self.execution.held.set_made(node, graph.not_made(node, digest));
        Settled::As(How::Found, NewlyMade::default())
    }

    /// Returns the inputs whose files are known to be missing, members of aggregates included.
    fn gone_inputs(&self, node: NodeIndex) -> Vec<NodeIndex> {
        let mut inputs = self.execution.plan.graph.gathered_inputs(node);
        inputs.retain(|&input| self.is_gone(input));
        inputs
    }

    /// Whether the file of an input is known to be missing.
    fn is_gone(&self, input: NodeIndex) -> bool {
        let verdicts = &self.execution.plan.verdicts;
        let there = matches!(verdicts.status(input), Status::Complete);
        !there && self.execution.held.made(input).is_none()
    }

    /// Runs the task of an instance, and stages its output.
    fn run(
        &self,
        node: NodeIndex,
        folder: Folder,
        made_from: MadeFrom,
        fingerprint: Digest,
        format: u32,
    ) -> anyhow::Result<NewlyMade> {
        let plan = &self.execution.plan;
        let entry = plan.graph.task(node);
        if let Some((name, file)) = made_from.files.iter().find(|(_, file)| file.digest.is_none()) {
            anyhow::bail!(
                "{}, which is `{}.{name}`: create the file, or give the parameter another value",
                external_reads::no_file(&file.path),
                entry.decl.name
            );
        }
        if let Some(error) = plan.graph.refresh_error(node) {
            anyhow::bail!("evaluating `refresh` of {} failed: {error}", entry.decl.name);
        }
        plan.check_node(node)?;
        let started = jiff::Timestamp::now();
        let begun = Instant::now();
        let watch = Watch::begin(self.execution, node, &made_from)?;
        let executed = panics::catch_error(|| watch.running().execute(&folder, fingerprint));
        let seconds = begun.elapsed().as_secs_f64();
        let Executed { output, meta, value } = self.unless_changed(&folder, &watch, executed)?;
        let (reads, required) = (watch.running().reads().all(), watch.running().required());
        entry.keep_tables(&plan.store);
        let (crates, host) = (entry.crates, host());
        let instance = plan.graph.recorded(node, made_from, fingerprint);
        let record = Record::new(
            RecordedInstance { format, ..instance },
            RecordedRun { reads, required, output, meta, crates, started, seconds, host },
        );
        if plan.graph.is_forced(node) {
            self.execution.session.set_forced(record.key);
        }
        let in_memory = record.output.is_in_memory().then_some(record.output.digest);
        let staged = self.stage(node, folder, record)?;
        if let (Some(digest), Some(value)) = (in_memory, &value) {
            plan.store.memory().keep(digest, value.clone());
        }
        Ok(NewlyMade { value, staged: Some(staged), other_meta: false })
    }

    /// Returns the result of running a task, or an error if a file that it may have read was written meanwhile.
    fn unless_changed(
        &self,
        folder: &Folder,
        watch: &Watch<'_>,
        executed: anyhow::Result<Executed>,
    ) -> anyhow::Result<Executed> {
        match (executed, watch.check_unchanged()) {
            (executed, Ok(())) => executed,
            (Ok(executed), Err(changed)) => {
                self.execution.plan.store.discard(folder, &executed.output);
                Err(changed)
            }
            (Err(error), Err(_)) if is_stop(&error) => Err(error),
            // The change of the file may be why the task failed.
            (Err(error), Err(changed)) => Err(error.context(format!("{changed:#}"))),
        }
    }

    /// Links a kept output into the instance's folder, and stages a record for it.
    ///
    /// The record names what the task required in the run that produced the output.
    fn reuse(
        &self,
        node: NodeIndex,
        folder: &Folder,
        kept: &Kept,
        made_from: MadeFrom,
    ) -> Result<Box<ToCommit>, StoreError> {
        let plan = &self.execution.plan;
        if let Some(other) = &kept.from {
            let entry = plan.graph.task(node);
            plan.store.keep_code_table(&entry.codes, entry.code_digest);
            if let Some(digest) = kept.record.crates {
                plan.store.keep_crates(digest, || other.crates(digest));
            }
        }
        let owner = kept.from.as_ref().unwrap_or(&plan.store);
        let from = owner.root().join(&kept.folder);
        let output = &kept.record.output;
        if let (Some(other), true) = (&kept.from, output.is_in_memory()) {
            let forgotten = || std::io::Error::from(std::io::ErrorKind::NotFound);
            let value = other.memory().get(output.digest).ok_or_else(forgotten);
            let value = Contained::new(value.during("take over", &from)?);
            plan.store.memory().keep(output.digest, value);
        }
        // The links get new names even within one folder: another process may remove the kept version as
        // surplus, and must not remove this output with it.
        let output = plan.store.stage_links(&from, output, folder, kept.record.fingerprint)?;
        let fingerprint = made_from.fingerprint(plan.graph.task(node).decl.identity());
        let record = kept.record.reused(plan.graph.recorded(node, made_from, fingerprint), output);
        self.stage(node, folder.clone(), record)
    }

    /// Stages the record of an output whose files are in place, and makes the output visible to consumers.
    fn stage(
        &self,
        node: NodeIndex,
        folder: Folder,
        record: Record,
    ) -> Result<Box<ToCommit>, StoreError> {
        let plan = &self.execution.plan;
        let mut staged = plan.store.stage_record(&folder, &record, true).inspect_err(|_| {
            plan.store.discard(&folder, &record.output);
        })?;
        staged.is_forced = plan.graph.is_forced(node);
        self.execution.held.set_made(node, Made::new(folder, record));
        let task = Arc::clone(&plan.graph.task(node).folder);
        Ok(Box::new(ToCommit { execution: self.execution.id, node, task, staged }))
    }

    /// Records the failure of an instance in its folder, so that later plans can show it.
    fn record_failure(&self, node: NodeIndex, error: &TaskError) {
        let plan = &self.execution.plan;
        let key = plan.graph.node(node).key;
        if plan.graph.kind(node) != Kind::Made {
            return;
        }
        if let Ok(folder) = plan.graph.folder(node, &plan.store) {
            let TaskError { text: error, backtrace } = error.clone();
            let failure = Failure { key, error, backtrace, at: jiff::Timestamp::now() };
            plan.store.note_failure(&folder, &failure);
        }
    }
}

/// Whether an error says that the execution was stopped.
fn is_stop(error: &anyhow::Error) -> bool {
    let is_stop = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<Stopped>()
            || cause
                .downcast_ref::<RequireError>()
                .is_some_and(|e| e.kind == RequireErrorKind::Stopped)
    };
    // `source` is code of the error's type, and may panic.
    panics::catch(|| error.chain().any(is_stop)).unwrap_or(false)
}

/// Returns the host name of this machine.
fn host() -> String {
    static HOST: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    HOST.get_or_init(|| gethostname::gethostname().to_string_lossy().into_owned()).clone()
}
