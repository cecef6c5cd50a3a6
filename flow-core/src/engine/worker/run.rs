//! Runs the task of an instance, and stages its output for the committer.

use std::cell::Cell;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::base::panics;
use crate::base::pause::{running_time, seconds_since};
use crate::base::process::host;
use crate::engine::committer::ToCommit;
use crate::engine::executor::{self, TaskJob};
use crate::engine::failed::failed_run;
use crate::engine::failure::is_stop;
use crate::engine::message::{Message, NewlyMade};
use crate::engine::watch::Watch;
use crate::engine::worker::Worker;
use crate::store::Folder;
use crate::store::external_reads;
use crate::store::failure::FailedRun;
use crate::store::made::Made;
use crate::store::memory::Remembered;
use crate::store::record::{MadeFrom, Record, RecordedInstance, RecordedRun};
use crate::task::execute::Executed;

impl Worker<'_> {
    /// Runs the task of an instance, and stages its output.
    pub(super) fn run(
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
        if self.job.starts > 1 {
            // If it cannot be renamed, the log of this attempt replaces it.
            let _ = plan.store.rotate_log(&folder, plan.graph.node(node).key, self.job.starts - 1);
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
            let elsewhere = self.job.control.elsewhere();
            let worker = elsewhere.and_then(|elsewhere| elsewhere.worker.as_deref());
            self.execution.report_started(node, self.job.attempt(), worker);
            if has_timeout {
                let (at, number) = ((self.execution.id, node), self.job.control.number);
                let _ = self.messages.send(Message::Started { at, number });
            }
        };
        let entered = self.execution.around(node).enter();
        let executed = panics::catch_error(|| {
            let (attempt, policy) = (self.job.attempt(), &*self.job.policy);
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
            // It has waited for a worker, and none has begun with it.
            None if self.job.control.elsewhere().is_some_and(|at| at.worker.is_none()) => {
                (jiff::Timestamp::now(), 0.0, host())
            }
            None => (started, seconds_since(begun), host()),
        };
        self.ran.set(is_elsewhere.then_some((started, seconds)));
        let executed = self.unless_changed(&folder, &watch, executed).inspect_err(|_| {
            // The coordinator has taken what an abandoned job left behind.
            if self.job.control.is_abandoned() {
                return;
            }
            let counts = (self.job.starts, self.job.losses);
            let run = failed_run(watch.running().attempt(), counts, started, seconds);
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
        let (draft, signature) = (watch.running().draft(), watch.running().signature());
        entry.keep_tables(&plan.store);
        let crates = entry.crates;
        let instance = plan.graph.recorded(node, made_from, fingerprint);
        let mut record = Record::new(
            RecordedInstance { format, ..instance },
            RecordedRun { reads, columns, required, output, meta, crates, started, seconds, host },
        );
        record.signature = signature;
        // What a worker elsewhere says counts only if the worker has signed it, where signatures are required.
        if !(is_elsewhere && plan.store.signatures().are_required()) {
            plan.store.sign(&mut record).inspect_err(|_| {
                plan.store.discard(&folder, &record.output);
                draft.iter().for_each(|draft| plan.store.discard_path(draft));
            })?;
        }
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
    pub(in crate::engine) fn stage(
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
