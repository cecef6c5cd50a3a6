//! What becomes of an instance whose task failed, or that could not be judged.
//!
//! - It has failed, which is recorded in its folder.
//! - It was given up, because the execution was stopped.
//! - Nothing can be written to the store: then the whole run ends, because no other instance could store its output
//!   either.

use crate::base::error_text::ErrorText;
use crate::base::panics;
use crate::base::process::Spent;
use crate::base::stop::Stopped;
use crate::engine::executor::{Cancelled, Lost, RunsNowhere};
use crate::engine::job::Job;
use crate::engine::message::End;
use crate::engine::outcome::TaskError;
use crate::engine::worker::Worker;
use crate::store::failure::FailedRun;
use crate::task::error::{RequireError, RequireErrorKind};

impl Worker<'_> {
    /// Returns the end of a job whose instance was not settled because of this error.
    pub(super) fn failure(&self, error: anyhow::Error, spent: Spent) -> End {
        let Job { node, starts, losses, policy, control, .. } = self.job;
        let session = &self.execution.session;
        let store = &self.execution.plan.store;
        // `source` is code of the error's type, and may panic.
        let unwritable = panics::catch(|| store.unwritable(error.as_ref()));
        session.halt(unwritable.ok().flatten());
        let is_given_up = is_stop(&error) || session.is_halted();
        let text = ErrorText::of(&error);
        let (is_lost, is_cancelled) = (is::<Lost>(&error), is::<Cancelled>(&error));
        let runs_nowhere = is::<RunsNowhere>(&error);
        panics::discard(error);
        if is_given_up {
            self.discard_figures();
            return End::GivenUp;
        }
        // The coordinator reports failures that are followed by another attempt.
        let is_of_task = self.has_begun.get() && !is_cancelled && !runs_nowhere;
        let is_final = !is_of_task || !policy.tries_again(*starts, *losses, is_lost);
        let counts = control.conclude();
        let is_reported = is_final && counts;
        if is_reported {
            self.execution.report_failed(*node, &text.text, spent.seconds as f32);
        }
        if !counts {
            self.discard_figures();
        }
        let (run, instance) = self.failed.take().unzip();
        let attempts = run.as_ref().map_or(0, FailedRun::counted);
        let log = match counts {
            true => self.execution.record_failure(*node, &text, run, instance),
            false => None,
        };
        let error = TaskError::new(text, attempts, log);
        let error = TaskError { is_of_task, is_lost, is_cancelled, is_reported, ..error };
        End::Failed { error, spent: Some(spent) }
    }

    /// Removes the figures of an attempt that has failed, because no failure will name them.
    fn discard_figures(&self) {
        let Some((mut run, instance)) = self.failed.take() else { return };
        let figures = std::mem::take(&mut run.figures);
        self.failed.set(Some((run, instance)));
        let plan = &self.execution.plan;
        // Without a folder, they could not have been written.
        if let Ok(folder) = plan.graph.folder(self.job.node, &plan.store) {
            plan.store.discard_figures(&folder, &figures);
        }
    }
}

/// Whether an error, or one of its causes, is of a type: that the task was [`Lost`] or [`Cancelled`], or [`RunsNowhere`].
fn is<E: std::error::Error + 'static>(error: &anyhow::Error) -> bool {
    // `source` is code of the error's type, and may panic.
    panics::catch(|| error.chain().any(|cause| cause.is::<E>())).unwrap_or(false)
}

/// Whether an error says that the execution was stopped.
pub(super) fn is_stop(error: &anyhow::Error) -> bool {
    let is_stop = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<Stopped>()
            || cause
                .downcast_ref::<RequireError>()
                .is_some_and(|e| e.kind == RequireErrorKind::Stopped)
    };
    // `source` is code of the error's type, and may panic.
    panics::catch(|| error.chain().any(is_stop)).unwrap_or(false)
}
