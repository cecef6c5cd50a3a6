//! Runs of a flow.

use std::sync::Arc;

use crate::base::event::Progress;
use crate::engine::{Execution, coordinator};
use crate::flow::error::Error;
use crate::flow::plan::roots_of;
use crate::flow::summary::Summary;
use crate::flow::{Flow, Roots};
use crate::plan::Plan;
use crate::plan::variant::Root;
use crate::plan::warning::Warning;

impl Flow {
    /// Runs every instance of the graph that is not complete, and returns a summary.
    ///
    /// A failed task stops only the tasks that require it, and the next run continues from there.
    ///
    /// # Errors
    ///
    /// Planning fails or the store cannot be read. If tasks failed or the run was stopped, the error is
    /// [`Error::Failed`] with the summary, unless the flow [allows failures](Self::allow_failures).
    pub fn run<R: Roots>(&self) -> Result<Summary, Error> {
        self.check_success(self.run_roots(&roots_of::<R>())?)
    }

    /// Runs the pending instances of `roots` and of their dependencies.
    pub(crate) fn run_roots(&self, roots: &[Root<'_>]) -> Result<Summary, Error> {
        let progress = self.progress.for_run();
        let mut summary = self.execute(self.to_run(roots)?, &progress)?;
        // A missing output that was computed again may have other content than its record said. The
        // verdicts that relied on the recorded content are outdated then, and the roots are planned again.
        // The loop ends, because each execution restores at least one missing output.
        for _ in 0..summary.len() {
            if !summary.is_outdated() || !summary.is_success() {
                break;
            }
            summary = self.execute(self.to_load(roots)?, &progress)?.after(&summary);
        }
        let panicked = progress.observer_panic();
        summary.add_warning(panicked.map(|message| Warning::ObserverPanicked { message }));
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

    fn execute(&self, plan: Arc<Plan>, progress: &Progress) -> Result<Summary, Error> {
        let workers = self.threads();
        let (stopper, progress) = (self.stopper.clone(), progress.clone());
        let execution = Execution::new(Arc::clone(&plan), workers, stopper, progress, self.limits)?;
        let outcomes = coordinator::run(&execution, workers).map_err(Error::Thread)?;
        plan.contents.keep();
        Ok(Summary::new(plan, outcomes))
    }
}
