//! What the engine records in the history of the store: the plan of a run, and what became of each instance.
//!
//! The coordinator calls [`Schedule::record`] when an instance is settled. The description of the instance is computed
//! on the thread of the history: it holds the plan and the output, and takes some microseconds.

use std::collections::BTreeMap;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::process::{Elsewhere, Spent};
use crate::engine::outcome::Outcome;
use crate::engine::schedule::Schedule;
use crate::plan::Plan;
use crate::plan::policy::free_losses;
use crate::plan::verdicts::Status;
use crate::store::history::{InstanceOutcome, InstanceRun, PlannedRun, ROOTS, Recorder};
use crate::store::limit::Limits;
use crate::store::made::Made;
use crate::store::run_lock::RunLock;
use crate::task::Kind;

/// Begins to record a run that has something to do.
pub(super) fn begin(
    history: &Recorder,
    plan: &Arc<Plan>,
    workers: usize,
    limits: Limits,
    run_lock: Option<&Arc<RunLock>>,
) {
    let planned = Arc::clone(plan);
    history.begin(&plan.store, run_lock, limits, move || describe_plan(&planned, workers));
}

fn describe_plan(plan: &Plan, workers: usize) -> PlannedRun {
    let graph = &plan.graph;
    let mut planned: BTreeMap<String, u64> = BTreeMap::new();
    for node in graph.nodes() {
        let status = match plan.verdicts.status(node) {
            Status::Complete => "complete",
            Status::Evicted => "evicted",
            Status::Kept => "reusable",
            Status::Unchecked => "unchecked",
            Status::Pending => "pending",
        };
        // Most instances have a status that was seen before.
        match planned.get_mut(status) {
            Some(count) => *count += 1,
            None => drop(planned.insert(status.to_owned(), 1)),
        }
    }
    PlannedRun {
        roots: graph.roots.iter().take(ROOTS).map(|&root| graph.label_alone(root)).collect(),
        root_count: graph.roots.len() as u64,
        workers: workers as u64,
        planned,
    }
}

/// Returns the outcome as the history has it; `None` if this schedule has done nothing with the instance.
fn recorded(outcome: Outcome) -> Option<InstanceOutcome> {
    Some(match outcome {
        Outcome::Ran { .. } => InstanceOutcome::Ran,
        Outcome::Given => InstanceOutcome::Given,
        Outcome::Reused => InstanceOutcome::Reused,
        Outcome::Unchanged => InstanceOutcome::Unchanged,
        Outcome::OtherProcess => InstanceOutcome::OtherProcess,
        Outcome::NowComplete => InstanceOutcome::Completed,
        Outcome::Failed { .. } => InstanceOutcome::Failed,
        Outcome::NotRun { .. } => InstanceOutcome::NotRun,
        Outcome::Stopped => InstanceOutcome::Stopped,
        Outcome::AlreadyComplete
        | Outcome::NotNeeded
        | Outcome::Open
        | Outcome::Elsewhere { .. } => return None,
    })
}

impl Schedule {
    /// Records what became of an instance in the history of the run.
    pub(super) fn record(&mut self, node: NodeIndex, outcome: Outcome) {
        let spent = self.spent.remove(&node);
        let Some(recorded) = recorded(outcome) else { return };
        let execution = &self.execution;
        let (plan, held) = (Arc::clone(&execution.plan), &execution.held);
        let (mut made, mut error) = (None, None);
        match outcome {
            Outcome::Failed { error: place, .. } => error = Some(self.error(place).to_owned()),
            Outcome::NotRun { .. } => {}
            Outcome::Stopped => error = Some(self.stopped_by.to_string()),
            _ => made = held.made(node).or_else(|| held.gone(node)),
        }
        let (attempt, losses) = (self.attempt(node), free_losses(self.losses(node)));
        let settled = Settled { outcome, recorded, made, error, spent, attempt, losses };
        execution.session.history.record(recorded, move || settled.describe(&plan, node));
    }
}

/// What is known of a settled instance besides its plan.
struct Settled {
    outcome: Outcome,
    recorded: InstanceOutcome,
    made: Option<Arc<Made>>,
    error: Option<String>,
    spent: Option<Spent>,
    /// The number of the last attempt.
    attempt: u32,
    /// How often the task was lost without that counting as an attempt.
    losses: u32,
}

impl Settled {
    fn describe(self, plan: &Plan, node: NodeIndex) -> InstanceRun {
        let Self { outcome, recorded, made, error, spent, attempt, losses } = self;
        let graph = &plan.graph;
        let error = match outcome {
            Outcome::NotRun { because } => Some(format!("{} failed", graph.label_alone(because))),
            _ => error,
        };
        let first = error.as_deref().map(|text| text.lines().next().unwrap_or_default().to_owned());
        let elsewhere = spent.as_ref().and_then(|spent| spent.elsewhere.clone());
        // A job that was cancelled may have waited only.
        let has_waited_only = elsewhere.as_ref().is_some_and(|at| at.worker.is_none());
        let spent = spent.filter(|_| !has_waited_only);
        let was_started = matches!(recorded, InstanceOutcome::Ran | InstanceOutcome::Failed)
            && graph.kind(node) == Kind::Made
            && spent.is_some();
        let (worker, queue_seconds) = match elsewhere {
            Some(Elsewhere { worker, queue_seconds }) => (worker, queue_seconds),
            None => (None, None),
        };
        InstanceRun {
            task: graph.task(node).decl.name.to_string(),
            instance: graph.label_alone(node),
            key: graph.node(node).key,
            outcome: recorded,
            fingerprint: made.as_ref().and_then(|made| made.fingerprint),
            output: made.as_ref().map(|made| made.output.digest),
            started: spent.as_ref().map(|spent| spent.started),
            seconds: spent.as_ref().map_or(0.0, |spent| spent.seconds),
            cpu_seconds: spent.as_ref().and_then(|spent| spent.cpu_seconds),
            peak_bytes: spent.as_ref().and_then(|spent| spent.peak_bytes),
            attempts: if was_started { attempt } else { 0 },
            losses,
            worker: worker.map(|worker| worker.to_string()),
            queue_seconds,
            reasons: plan.verdicts.reasons(node).iter().map(ToString::to_string).collect(),
            error_text: error.filter(|text| Some(text.trim_end()) != first.as_deref()),
            error: first,
            metadata: made.map(|made| made.meta.clone()).unwrap_or_default(),
        }
    }
}
