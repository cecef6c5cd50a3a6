//! Produces the instances that a record lists as required, before an instance is judged by that record.
//!
//! A record lists what its task required while it ran. Whether the output is still up to date depends on these
//! instances. If one of them is pending, a run produces it first, and then decides whether the task has to run; a
//! preview can only report that it is pending.

use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::engine::Execution;
use crate::engine::job::Control;
use crate::engine::session::Unmade;
use crate::plan::Plan;
use crate::plan::dynamic::{Again, Answer, Answered, Replay, answers};
use crate::plan::error::PlanError;
use crate::plan::verdicts::Status;
use crate::task::requirement::Dependency;

/// Answers recorded requirements as [`Replay`] does, but runs those that are pending.
pub(super) struct Remake<'a> {
    pub(super) execution: &'a Arc<Execution>,
    /// The job that judges the instance.
    pub(super) control: &'a Control,
}

impl Remake<'_> {
    fn replay(&self) -> Replay<'static> {
        Replay::knowing(&self.execution.session.known)
    }
}

impl Again for Remake<'_> {
    fn again(
        &self,
        plan: &Plan,
        requester: NodeIndex,
        dependencies: Vec<Dependency>,
        differs: &mut dyn FnMut(&Answered) -> Result<bool, StoreError>,
    ) -> Result<Result<Answered, Box<PlanError>>, StoreError> {
        let answered = match self.replay().again(plan, requester, dependencies, differs)? {
            Ok(answered) => answered,
            Err(error) => return Ok(Err(error)),
        };
        let is_settled = !answered.answers.contains(&Answer::Open);
        let is_kept = |root: &NodeIndex| answered.plan.verdicts.status(*root) == Status::Kept;
        let is_there = is_settled && !answered.plan.graph.roots.iter().any(is_kept);
        // Kept outputs among the roots are reused, too: an output must rest on outputs of this store, and not on
        // another store or a kept version that may be removed.
        if is_there || differs(&answered)? {
            return Ok(Ok(answered));
        }
        let requested = Arc::clone(&answered.plan);
        let (execution, reply) =
            self.execution.require(requester, Arc::clone(&requested), self.control);
        if reply.roots.iter().any(|root| matches!(root, Err(Unmade::Stopped))) {
            return Ok(Ok(answered));
        }
        let mut answers = answers(&requested, &*execution);
        for (answer, made) in answers.iter_mut().zip(&reply.roots) {
            // The content of a kept output is known even if it could not be reused.
            if made.is_err() {
                *answer = Answer::Failed;
            }
        }
        Ok(Ok(Answered { plan: requested, answers, made: Some(execution) }))
    }
}
