//! Running what is not complete.

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
    /// Planning failed, the store cannot be read, or, with the whole summary, tasks failed or the run was
    /// stopped.
    pub fn run<R: Roots>(&self) -> Result<Summary, Error> {
        self.told(self.run_roots(&roots_of::<R>())?)
    }

    /// Runs what is not complete of these roots.
    pub(crate) fn run_roots(&self, roots: &[Root<'_>]) -> Result<Summary, Error> {
        let progress = self.progress.for_run();
        let mut summary = self.execute(self.to_run(roots)?, &progress)?;
        // An output that was gone, and is made again for a task that has to run, may have other
        // content: what the plan took for good because of it has to be judged again. Each time
        // one more of those that were gone is there.
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

    /// The summary, or the error that it is.
    pub(super) fn told(&self, summary: Summary) -> Result<Summary, Error> {
        if summary.is_success() || self.allow_failures {
            Ok(summary)
        } else {
            Err(Error::Failed(Box::new(summary)))
        }
    }

    pub(crate) fn allows_failures(&self) -> bool {
        self.allow_failures
    }

    /// On how many threads it works.
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
