//! A worker: a thread that settles one instance at a time.
//!
//! Settling means: judge the instance again, now that the content of its inputs is known; then accept the output
//! that is there, reuse a kept one, or run the task. The output is written under its final, unique name, its record is
//! staged, and the committer commits it. Before the task runs, the worker [claims](crate::engine::claim) the instance.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::base::panics;
use crate::base::pause::{running_time, seconds_since};
use crate::base::process::{Spent, Stopwatch, host};
use crate::base::stop::Stopped;
use crate::engine::Execution;
use crate::engine::busy::Others;
use crate::engine::committer::ToCommit;
use crate::engine::executor::{self, TaskJob};
use crate::engine::failed::failed_run;
use crate::engine::failure::is_stop;
use crate::engine::job::Job;
use crate::engine::message::{End, How, Message, NewlyMade};
use crate::engine::remake::Remake;
use crate::engine::running::ProcessCost;
use crate::engine::watch::Watch;
use crate::plan::Plan;
use crate::plan::judge::{Judge, Judged, Verdict};
use crate::plan::verdicts::Status;
use crate::store::Folder;
use crate::store::claims::Claimed;
use crate::store::external_reads;
use crate::store::failure::{FailedInstance, FailedRun};
use crate::store::made::Made;
use crate::store::memory::Remembered;
use crate::store::record::{FORMAT, MadeFrom, Record, RecordedInstance, RecordedRun};
use crate::task::execute::Executed;
use crate::task::expectation::is_same_metadata;

/// Settles the instances of the queue until it is closed.
///
/// Returns `Break` as soon as a job of this thread was abandoned: the coordinator has replaced the thread.
pub(crate) fn work(jobs: &Receiver<Job>, messages: &Sender<Message>) -> ControlFlow<()> {
    jobs.iter().try_for_each(|job| settle(job, messages))
}

/// Settles the instances of the queue on the thread that called `run`, until it is closed.
pub(crate) fn work_on_caller(jobs: &Receiver<Job>, messages: &Sender<Message>) {
    for job in jobs {
        // The coordinator cannot replace this thread, so it goes on after an abandoned job.
        let _ = settle(job, messages);
    }
}

/// Settles the instance of a job, and sends one message about it, unless the job was abandoned.
///
/// Returns `Break` if the job was abandoned: the coordinator has replaced this thread.
pub(crate) fn settle(job: Job, messages: &Sender<Message>) -> ControlFlow<()> {
    let session = Arc::clone(&job.execution.session);
    job.control.begin(&session.slots);
    let (at, number) = ((job.execution.id, job.node), job.control.number);
    // The job may have been sent before the execution was stopped.
    let end = match job.control.stopper.is_stopped() || session.is_halted() {
        true => End::GivenUp,
        // The coordinator waits for a message of each job, even if the worker panics.
        false => panics::catch(|| Worker::new(&job, messages).end()).unwrap_or_else(|error| {
            let error = error.into();
            End::Failed { error, spent: None }
        }),
    };
    let counts = job.control.end(&session.slots);
    let plan = Arc::clone(&job.execution.plan);
    // This may be the last reference to the plan and its tasks, whose destructors may panic.
    panics::discard(job);
    if counts {
        let _ = messages.send(Message::Ended { at, number, end });
    } else {
        discard(&plan, end);
    }
    panics::discard(plan);
    if counts { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

/// Removes the files of an output that is not committed, because its job was abandoned.
fn discard(plan: &Plan, end: End) {
    if let End::Settled { made, .. } = end
        && let Some(ToCommit { staged, draft, .. }) = made.staged.map(|staged| *staged)
    {
        draft.iter().for_each(|draft| plan.store.discard_path(draft));
        plan.store.discard_path(&staged.draft);
        staged.output.iter().for_each(|output| plan.store.discard(&staged.folder, output));
    }
}

/// The result of settling an instance.
enum Settled {
    As(How, NewlyMade),
    /// The instance has to run, but the files of these inputs are missing.
    Demand(Vec<NodeIndex>),
    /// The instance has to run, but this instance with the same fingerprint is about to run.
    Wait(NodeIndex),
    /// The instance has to run, but another process is running it.
    Busy,
}

pub(super) struct Worker<'a> {
    pub(super) job: &'a Job,
    pub(super) execution: &'a Arc<Execution>,
    messages: &'a Sender<Message>,
    /// Whether the task has begun to run.
    pub(super) has_begun: Cell<bool>,
    /// What the task left behind and was about to compute, if it failed.
    pub(super) failed: Cell<Option<(FailedRun, FailedInstance)>>,
    /// What the process of the task has used, if it ran in one.
    used: Cell<Option<ProcessCost>>,
    /// When the task was started and how many seconds it took, if it ran elsewhere.
    ran: Cell<Option<(jiff::Timestamp, f64)>>,
}

impl<'a> Worker<'a> {
    fn new(job: &'a Job, messages: &'a Sender<Message>) -> Self {
        Self {
            job,
            execution: &job.execution,
            messages,
            has_begun: Cell::new(false),
            failed: Cell::default(),
            used: Cell::default(),
            ran: Cell::default(),
        }
    }

    /// Settles the instance, and returns the result for the coordinator.
    fn end(&self) -> End {
        let stopwatch = Stopwatch::start();
        let settled = panics::catch_error(|| self.settle());
        let mut spent = stopwatch.read();
        if let Some(ProcessCost { cpu_seconds, peak_bytes }) = self.used.get() {
            spent = Spent { cpu_seconds, peak_bytes, ..spent };
        }
        if let Some((started, seconds)) = self.ran.get() {
            spent = Spent { started, seconds, ..spent };
        }
        match settled {
            Ok(Settled::Demand(inputs)) => End::Demand(inputs),
            Ok(Settled::Wait(first)) => End::Wait(first),
            Ok(Settled::Busy) => End::Busy,
            Ok(Settled::As(how, made)) => {
                // The schedule decides whether an unchanged instance is reported, and the late result of an abandoned
                // job never is.
                let counts = self.job.control.conclude();
                if counts && !matches!(how, How::Unchanged | How::OtherProcess) {
                    self.execution.report_settled(self.job.node, how, spent.seconds as f32);
                }
                End::Settled { how, spent, made: Box::new(made) }
            }
            Err(error) => self.failure(error, spent),
        }
    }

    fn settle(&self) -> anyhow::Result<Settled> {
        let mut claim = None;
        loop {
            if let Some(settled) = self.try_settle(&mut claim)? {
                return Ok(settled);
            }
        }
    }

    /// Settles the instance. Returns `None` if it has to be judged again, now that it is claimed.
    fn try_settle(&self, claim: &mut Option<Arc<Claimed>>) -> anyhow::Result<Option<Settled>> {
        let Job { node, needed, control, others, .. } = self.job;
        let node = *node;
        let plan = &self.execution.plan;
        let remake = Remake { execution: self.execution, control };
        let judge = Judge::new(plan, &**self.execution, &remake);
        let Judged { folder, verdict, .. } = judge.judge(node)?;
        let relied_on = match &verdict {
            Verdict::Evicted(record, _) => Some(record.meta.clone()),
            _ => None,
        };
        let other_meta = |made: &NewlyMade| {
            let meta = made.made.as_ref().map(|made| &made.meta);
            relied_on
                .as_ref()
                .is_some_and(|relied_on| meta.is_none_or(|meta| !is_same_metadata(meta, relied_on)))
        };
        // A value in memory is identified by its fingerprint, which depends on the format of the record.
        let format = match &verdict {
            Verdict::Evicted(record, _) if record.output.is_in_memory() => record.format,
            _ => FORMAT,
        };
        let (kept, made_from, fingerprint) = match verdict {
            Verdict::Complete(record) => {
                let has_waited = *others == Others::Waited || claim.is_some();
                let how = match has_waited || self.is_new(node, &record) {
                    true => How::OtherProcess,
                    false => How::Unchanged,
                };
                self.execution.held.set_made(node, Made::new(folder, *record));
                return Ok(Some(Settled::As(how, NewlyMade::default())));
            }
            // Its files are in a remote, and nothing has needed them so far.
            Verdict::Adopt(kept, _) if kept.bring.is_some() && !needed => {
                self.execution.held.set_gone(node, Made::new(folder, *kept.record));
                return Ok(Some(Settled::As(How::Unchanged, NewlyMade::default())));
            }
            Verdict::Adopt(kept, made_from) => {
                // The kept output may have been computed from other content with the same columns. If it is gone
                // meanwhile, the task runs, and its output has today's fingerprint.
                let fingerprint = made_from.fingerprint(plan.graph.task(node).decl.identity());
                (Some(kept), made_from, fingerprint)
            }
            Verdict::Evicted(record, made_from) => {
                // Another instance may have an output with this fingerprint.
                let fingerprint = made_from.fingerprint(plan.graph.task(node).decl.identity());
                let kept = judge.kept(node, &made_from, fingerprint)?;
                if !needed && kept.as_ref().is_none_or(|kept| kept.bring.is_some()) {
                    self.execution.held.set_gone(node, Made::new(folder, *record));
                    return Ok(Some(Settled::As(How::Unchanged, NewlyMade::default())));
                }
                (kept, made_from, fingerprint)
            }
            Verdict::Run(made_from, fingerprint) => (None, made_from, fingerprint),
            Verdict::There(digest) => return Ok(Some(self.found(node, digest))),
            Verdict::Missing => {
                let path = plan.graph.external(node).display();
                anyhow::bail!("external file {path} does not exist");
            }
            // The instances that its record lists as required could not be produced before the stop.
            Verdict::Upstream if self.execution.is_stopped() => return Err(Stopped.into()),
            Verdict::Upstream => {
                anyhow::bail!("an input is not settled: a mistake of this library")
            }
        };
        if let Some(kept) = kept {
            match self.reuse(node, &folder, &kept, made_from.clone()) {
                Ok(made) => {
                    let other_meta = other_meta(&made);
                    let made = NewlyMade { other_meta, ..made };
                    return Ok(Some(Settled::As(How::Reused, made)));
                }
                // The kept output was removed after it was found: run the task.
                Err(_) if !plan.store.is_whole(&kept, plan.trust)? => {}
                Err(error) => return Err(error.into()),
            }
        }
        let enclosing = &self.execution.session.enclosing;
        if let Some(cycle) = enclosing.cycle(&plan.store, plan.graph.node(node).key) {
            anyhow::bail!("it requires itself while it runs: {}", cycle.join(" → "));
        }
        if claim.is_none() {
            if !self.claim(claim) {
                return Ok(Some(Settled::Busy));
            }
            // Another process may have committed it before it was claimed.
            if claim.is_some() && self.has_record(node, &folder, fingerprint)? {
                return Ok(None);
            }
        }
        if self.execution.id == 0
            && let Some(first) =
                self.execution.session.running_fingerprints.enter(plan, node, fingerprint)
        {
            return Ok(Some(Settled::Wait(first)));
        }
        let gone = self.gone_inputs(node);
        if gone.is_empty() {
            let mut made = self.run(node, folder, made_from, fingerprint, format)?;
            if let Some(staged) = &mut made.staged {
                staged.claim = claim.take();
            }
            let how = match plan.graph.stand_in(node) {
                Some(_) => How::Given,
                None => How::Ran,
            };
            let other_meta = other_meta(&made);
            Ok(Some(Settled::As(how, NewlyMade { other_meta, ..made })))
        } else {
            Ok(Some(Settled::Demand(gone)))
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
        let since = Cell::new((jiff::Timestamp::now(), running_time()));
        let watch = Watch::begin(self.execution, node, &made_from, &self.job.control)?;
        self.has_begun.set(true);
        if self.job.attempt > 1 {
            // If it cannot be renamed, the log of this attempt replaces it.
            let _ = plan.store.rotate_log(&folder, plan.graph.node(node).key, self.job.attempt - 1);
        }
        let has_timeout = self.job.policy.timeout.is_some();
        if has_timeout {
            self.job.control.set_computes(made_from.clone(), fingerprint);
        }
        let is_elsewhere = plan.policies.runs_elsewhere(&plan.graph, node);
        // The time in which a task waits to be run elsewhere does not count.
        let begins = || {
            if is_elsewhere {
                since.set((jiff::Timestamp::now(), running_time()));
            }
            self.execution.report_started(node, self.job.attempt);
            if has_timeout {
                let (at, number) = ((self.execution.id, node), self.job.control.number);
                let _ = self.messages.send(Message::Started { at, number });
            }
        };
        let entered = self.execution.around(node).enter();
        let executed = panics::catch_error(|| {
            let (attempt, policy) = (self.job.attempt, &*self.job.policy);
            let running = watch.running();
            let (folder, made_from) = (&folder, &made_from);
            let begins = &begins;
            let task = TaskJob {
                running,
                folder,
                fingerprint,
                made_from,
                format,
                attempt,
                policy,
                begins,
            };
            executor::of(&task).execute(&task)
        });
        drop(entered);
        self.used.set(watch.running().used());
        // The failure of an abandoned job was reported.
        if executed.as_ref().is_err_and(is_stop) && !self.job.control.is_abandoned() {
            self.execution.report_stopped(node);
        }
        let (started, begun) = since.get();
        let (started, seconds, host) = match watch.running().ran() {
            Some(ran) => (ran.started, ran.seconds, ran.host.clone()),
            None => (started, seconds_since(begun), host()),
        };
        self.ran.set(is_elsewhere.then_some((started, seconds)));
        let executed = self.unless_changed(&folder, &watch, executed).inspect_err(|_| {
            // The coordinator has taken what an abandoned job left behind.
            if self.job.control.is_abandoned() {
                return;
            }
            let run = failed_run(watch.running().attempt(), self.job.attempt, started, seconds);
            let run = FailedRun { host: host.clone(), ..run };
            let instance = self.execution.failed_instance(node, made_from.clone(), fingerprint);
            self.failed.set(Some((run, instance)));
        });
        let Executed { mut output, meta, value, footprint } = executed?;
        // The figures of an abandoned job are those of its failure.
        if !self.job.control.is_abandoned() {
            // Only now: as long as the task may fail, they are those of the failure.
            if let Some(attempt) = watch.running().attempt() {
                output.figures = attempt.figures().take();
            }
            self.execution.report_quality(node, &folder, &meta);
        }
        let (reads, required) = (watch.running().reads().all(), watch.running().required());
        let columns = watch.running().reads().columns();
        let draft = watch.running().draft();
        entry.keep_tables(&plan.store);
        let crates = entry.crates;
        let instance = plan.graph.recorded(node, made_from, fingerprint);
        let record = Record::new(
            RecordedInstance { format, ..instance },
            RecordedRun { reads, columns, required, output, meta, crates, started, seconds, host },
        );
        if plan.graph.is_forced(node) {
            self.execution.session.set_forced(record.key);
        }
        let in_memory = record.output.is_in_memory().then_some(record.output.digest);
        let mut made = self.stage(node, folder, record).inspect_err(|_| {
            draft.iter().for_each(|draft| plan.store.discard_path(draft));
        })?;
        if let Some(staged) = &mut made.staged {
            staged.draft = draft;
        }
        let bytes = match (in_memory, &value) {
            // A late value must not replace that of the next attempt, which has the same digest.
            (Some(digest), Some(value)) if !self.job.control.is_abandoned() => {
                let value = Remembered { value: value.clone(), footprint };
                plan.store.memory().keep(digest, value, &entry.decl.name);
                // Its memory is counted there.
                0
            }
            _ => footprint.total(),
        };
        Ok(NewlyMade { value, bytes, ..made })
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
                let store = &self.execution.plan.store;
                store.discard(folder, &executed.output);
                watch.running().draft().iter().for_each(|draft| store.discard_path(draft));
                Err(changed)
            }
            (Err(error), Err(_)) if is_stop(&error) => Err(error),
            // The change of the file may be why the task failed.
            (Err(error), Err(changed)) => Err(error.context(format!("{changed:#}"))),
        }
    }

    /// Stages the record of an output whose files are in place.
    ///
    /// The coordinator makes the output visible to consumers, unless the job was abandoned.
    pub(super) fn stage(
        &self,
        node: NodeIndex,
        folder: Folder,
        record: Record,
    ) -> Result<NewlyMade, StoreError> {
        let plan = &self.execution.plan;
        let mut staged = plan.store.stage_record(&folder, &record, true).inspect_err(|_| {
            plan.store.discard(&folder, &record.output);
        })?;
        staged.is_forced = plan.graph.is_forced(node);
        let task = Arc::clone(&plan.graph.task(node).folder);
        let execution = self.execution.id;
        let to_commit = ToCommit { execution, node, task, staged, claim: None, draft: None };
        let made = Some(Made::new(folder, record));
        Ok(NewlyMade { made, staged: Some(Box::new(to_commit)), ..NewlyMade::default() })
    }
}
