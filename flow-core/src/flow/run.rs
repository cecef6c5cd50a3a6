//! Runs of a flow.

use std::sync::Arc;

use crate::engine::{Execution, coordinator, recover};
use crate::flow::error::Error;
use crate::flow::plan::roots_of;
use crate::flow::summary::Summary;
use crate::flow::{Flow, Roots};
use crate::plan::Plan;
use crate::plan::variant::Root;
use crate::plan::verdicts::Status;
use crate::plan::warning::Warning;
use crate::report::reporter::Reporter;
use crate::store::history::Recorder;
use crate::store::memory::{Largest, Memory};

impl Flow {
    /// Runs every instance of the graph that is not complete, and returns a summary.
    ///
    /// A failed task stops only the tasks that require it, and the next run continues from there.
    ///
    /// The call blocks its thread until the run has ended. In an async function, await [`spawn`](Self::spawn) instead.
    /// Several threads may run one flow, or flows with one store, at the same time.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read or written. A [full disk](crate::StoreError::Unwritable) or the like
    /// ends the run: no further task starts. If tasks failed or the run was stopped, the error is
    /// [`Error::Failed`] with the summary, unless the flow [allows failures](Self::allow_failures).
    pub fn run<R: Roots>(&self) -> Result<Summary, Error> {
        self.run_of(&roots_of::<R>())
    }

    /// Runs these roots. Failed tasks are an error unless the flow allows failures.
    pub(super) fn run_of(&self, roots: &[Root<'_>]) -> Result<Summary, Error> {
        self.check_success(self.run_roots(roots)?)
    }

    /// Runs the pending instances of `roots` and of their dependencies.
    pub(crate) fn run_roots(&self, roots: &[Root<'_>]) -> Result<Summary, Error> {
        let mut plan = self.to_run(roots)?;
        let is_pending = |node| plan.verdicts.status(node) == Status::Pending;
        // A run that has died may have left what this one would compute.
        if plan.graph.nodes().any(is_pending) && recover::commit_drafts(&self.store) {
            plan = self.to_run(roots)?;
        }
        plan.check_executor()?;
        self.check_signer(&plan)?;
        let reporting = self.observers.begin(Some(self.threads())).map_err(Error::Thread)?;
        let history = Arc::new(Recorder::default());
        let (store, budget) = (Arc::clone(&plan.store), plan.policies.value_bytes());
        let added = store.memory().added();
        let result = self.run_until_settled(roots, plan, reporting.reporter(), &history);
        let unwritten = history.finish(result.as_ref().is_ok_and(Summary::is_success));
        let mut summary = result?;
        summary.add_warnings(reporting.finish());
        if !self.observers.is_quiet() {
            summary.set_errors_shown();
        }
        summary.add_warnings(unwritten.map(|error| Warning::HistoryNotWritten { error }));
        // A run that has kept no value repeats no warning.
        if store.memory().added() > added {
            summary.add_warnings(memory_warning(store.memory(), budget));
        }
        Ok(summary)
    }

    /// Runs `plan`, and then plans and runs `roots` until no output has other content than the plan relied on.
    fn run_until_settled(
        &self,
        roots: &[Root<'_>],
        plan: Arc<Plan>,
        reporter: &Arc<Reporter>,
        history: &Arc<Recorder>,
    ) -> Result<Summary, Error> {
        let mut summary = self.execute(plan, reporter, history)?;
        // A missing output that was computed again may have other content than its record said. The
        // verdicts that relied on the recorded content are outdated then, and the roots are planned again.
        // The loop ends, because each execution restores at least one missing output.
        for _ in 0..summary.len() {
            if !summary.is_outdated() || !summary.is_success() {
                break;
            }
            summary = self.execute(self.to_load(roots)?, reporter, history)?.after(&summary);
        }
        Ok(summary)
    }

    /// Returns the summary, or an error if the run did not succeed and the flow does not allow failures.
    pub(super) fn check_success(&self, summary: Summary) -> Result<Summary, Error> {
        if summary.is_success() || self.allow_failures {
            Ok(summary)
        } else {
            Err(Error::Failed(Box::new(summary)))
        }
    }

    pub(crate) fn allows_failures(&self) -> bool {
        self.allow_failures
    }

    /// Returns the number of worker threads.
    pub(super) fn threads(&self) -> usize {
        self.workers.unwrap_or_else(|| {
            std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
        })
    }

    fn execute(
        &self,
        plan: Arc<Plan>,
        reporter: &Arc<Reporter>,
        history: &Arc<Recorder>,
    ) -> Result<Summary, Error> {
        let workers = self.threads();
        let (stopper, reporter) = (self.stopper.clone(), Arc::clone(reporter));
        let (of_plan, limits) = (Arc::clone(&plan), self.limits);
        let execution = Execution::new(of_plan, workers, stopper, reporter, limits, history)?;
        let outcomes = coordinator::run(&execution, workers).map_err(Error::Thread)?;
        plan.contents.keep();
        match execution.session.take_unwritable() {
            Some(error) => Err(error.into()),
            None => {
                let mut summary = Summary::new(plan, outcomes);
                summary.add_warnings(execution.session.take_warnings());
                Ok(summary)
            }
        }
    }
}

/// Returns a warning if the values in memory exceed the budget.
fn memory_warning(memory: &Memory, budget: u64) -> Option<Warning> {
    if memory.bytes() <= budget {
        return None;
    }
    let Largest { task, values, bytes, total } = memory.largest()?;
    Some(Warning::MemoryOverBudget { task, values, bytes, total, budget })
}
