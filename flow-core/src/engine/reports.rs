//! The events of an execution, a function for each one.
//!
//! Instances whose event says that they are settled are numbered without gaps, in the order of their events. The
//! numbers change while an event is built, under the lock that orders the events; without an observer they do not change.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use daggy::NodeIndex;

use crate::engine::Execution;
use crate::engine::message::How;
use crate::plan::instance::Instance;
use crate::report::event::Event;
use crate::task::cx::TaskReport;

impl Execution {
    fn instance(&self, node: NodeIndex) -> Instance {
        Instance { plan: Arc::clone(&self.plan), node }
    }

    /// Counts one more settled instance. Returns the number of settled ones, and of those that are expected.
    fn count_settled(&self) -> (usize, usize) {
        let settled = self.session.settled.fetch_add(1, Ordering::Relaxed) + 1;
        (settled, self.session.open.load(Ordering::Relaxed))
    }

    /// Reports that the run begins.
    pub(super) fn report_planned(&self) {
        self.reporter.emit(|| Event::Planned {
            instances: self.plan.graph.len(),
            pending: self.session.open.load(Ordering::Relaxed),
        });
    }

    /// Reports that an attempt to run a task begins. The output of a test replaces the task, which does not run then.
    ///
    /// `worker` is that of an executor which runs it elsewhere.
    pub(super) fn report_started(&self, node: NodeIndex, attempt: u32, worker: Option<&str>) {
        if self.plan.graph.stand_in(node).is_none() {
            self.reporter.emit(|| Event::Started {
                instance: self.instance(node),
                attempt,
                worker: worker.map(str::to_owned),
            });
        }
    }

    /// Reports a running task's report about itself.
    pub(super) fn report(&self, node: NodeIndex, report: TaskReport<'_>) {
        if self.reporter.is_silent() {
            return;
        }
        let instance = self.instance(node);
        let event = match report {
            TaskReport::Progress { done, total } => Event::Progress { instance, done, total },
            // This is code of the task, and so not called by `emit`.
            TaskReport::Status(message) => Event::Status { instance, message: message.to_string() },
            TaskReport::Log(line) => Event::Log { instance, line: line.to_owned() },
        };
        self.reporter.emit(|| event);
    }

    /// Reports that a task failed, and is tried again after some time.
    pub(super) fn report_retried(
        &self,
        node: NodeIndex,
        failed: u32,
        error: &str,
        after: Duration,
    ) {
        self.reporter.emit(|| Event::Retried {
            instance: self.instance(node),
            attempt: failed,
            error: error.to_owned(),
            after,
        });
    }

    /// Reports that a task was lost with the process or machine that ran it, and is started again.
    pub(super) fn report_lost(&self, node: NodeIndex, reason: &str) {
        self.reporter
            .emit(|| Event::Lost { instance: self.instance(node), reason: reason.to_owned() });
    }

    /// Reports that an instance waits because another process computes it.
    pub(super) fn report_waiting(&self, node: NodeIndex) {
        self.report_waiting_for(node, "another process, which computes it", false);
    }

    /// Reports what an instance waits for that was submitted to an executor.
    pub(super) fn report_submitted(&self, node: NodeIndex, reason: &str) {
        self.report_waiting_for(node, reason, true);
    }

    fn report_waiting_for(&self, node: NodeIndex, reason: &str, is_submitted: bool) {
        self.reporter.emit(|| Event::Waiting {
            instance: self.instance(node),
            reason: reason.to_owned(),
            is_submitted,
        });
    }

    /// Reports how an instance was settled: its output is written, or is up to date.
    ///
    /// External and aggregate instances have no event.
    pub(super) fn report_settled(&self, node: NodeIndex, how: How, seconds: f32) {
        if how == How::Found {
            return;
        }
        self.reporter.emit(|| {
            let (instance, (settled, of)) = (self.instance(node), self.count_settled());
            match how {
                How::Ran => Event::Finished { instance, seconds: seconds.into(), settled, of },
                How::Given => Event::Given { instance, settled, of },
                How::Reused => Event::Reused { instance, settled, of },
                How::OtherProcess => Event::ByOtherProcess { instance, settled, of },
                How::Unchanged | How::Found => Event::Unchanged { instance, settled, of },
            }
        });
    }

    /// Reports that an instance failed.
    pub(super) fn report_failed(&self, node: NodeIndex, error: &str, seconds: f32) {
        self.reporter.emit(|| {
            let (settled, of) = self.count_settled();
            let (instance, error) = (self.instance(node), error.to_owned());
            Event::Failed { instance, error, seconds: seconds.into(), settled, of }
        });
    }

    /// Reports that an instance failed which was reported as settled: its output cannot be committed.
    pub(super) fn report_uncommitted(&self, node: NodeIndex, error: &str) {
        self.reporter.emit(|| Event::Failed {
            instance: self.instance(node),
            error: error.to_owned(),
            seconds: 0.0,
            settled: self.session.settled.load(Ordering::Relaxed),
            of: self.session.open.load(Ordering::Relaxed),
        });
    }

    /// Reports that the output of an instance is durable.
    pub(super) fn report_committed(&self, node: NodeIndex) {
        self.reporter.emit(|| Event::Committed { instance: self.instance(node) });
    }

    /// Reports that an instance is not run because another one failed. It is no longer expected to be settled.
    pub(super) fn report_skipped(&self, node: NodeIndex, because: NodeIndex) {
        self.reporter.emit(|| {
            self.session.open.fetch_sub(1, Ordering::Relaxed);
            Event::Skipped { instance: self.instance(node), because: self.instance(because) }
        });
    }

    /// Reports that a running task ended because the run was stopped.
    pub(super) fn report_stopped(&self, node: NodeIndex) {
        self.reporter.emit(|| Event::Stopped { instance: self.instance(node) });
    }

    /// Reports the comparison of an output, with the number of those that were compared and that will be.
    pub(super) fn report_compared(
        &self,
        node: NodeIndex,
        is_equal: bool,
        (done, of): (&AtomicUsize, usize),
    ) {
        self.reporter.emit(|| {
            let settled = done.fetch_add(1, Ordering::Relaxed) + 1;
            Event::Compared { instance: self.instance(node), is_equal, settled, of }
        });
    }
}
