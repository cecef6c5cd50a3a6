//! The summary of a run.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::seconds::Seconds;
use crate::base::stop::{self, Signal};
use crate::engine::outcome::{Outcome, Outcomes, TaskError};
use crate::plan::Plan;
use crate::plan::instance::Instance;
use crate::plan::label::Show;
use crate::plan::reason::Reason;
use crate::plan::stand_in;
use crate::plan::view::View;
use crate::plan::warning::Warning;

/// The maximal number of characters of an instance that ran and the reason, if both are printed on one line.
const WIDTH: usize = 100;

/// The maximal number of instances that are printed for each outcome.
const LISTED: usize = 10;

/// The result of a run: the outcome of each instance, with errors and warnings.
///
/// An instance that ran has a reason in parentheses, or below if the line would be too long, unless it had never run
/// before.
///
/// ```text
/// 3 tasks in 12.5 ms: 1 complete already, 2 ran
///   complete already:
///     GetData {source: examples/data/iris.csv}
///   ran:
///     Preprocess {do_preprocess: false} in 3.1 ms
///     Train {model: Logistic, Preprocess.do_preprocess: false} in 5.7 ms (code: train changed)
/// ```
pub struct Summary {
    plan: Arc<Plan>,
    outcomes: Outcomes,
    warnings: Vec<Warning>,
    interrupted: Option<Signal>,
    /// Whether a display on the standard error has shown the errors.
    are_errors_shown: bool,
}

/// The outcome of one instance in one plan.
struct NodeOutcome<'a> {
    plan: &'a Arc<Plan>,
    node: NodeIndex,
    outcome: Outcome,
    errors: &'a [TaskError],
}

/// An instance in a [`Summary`], with its duration and error.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The instance.
    pub instance: Instance,
    /// The duration of its run in seconds; 0 if it did not run.
    pub seconds: f64,
    /// Why it failed or was not run.
    pub error: Option<String>,
    /// The backtrace of the error, if one was captured because `RUST_BACKTRACE` is set.
    pub backtrace: Option<String>,
    /// The number of attempts to run its task, if it failed; otherwise 0. Up to three that were lost do not count.
    pub attempts: u32,
    /// The path of the log of its last attempt, if it failed and has logged anything.
    pub log: Option<PathBuf>,
}

impl Entry {
    /// Returns the name of the task.
    pub fn task(&self) -> &str {
        self.instance.task()
    }
}

impl Summary {
    pub(crate) fn new(plan: Arc<Plan>, outcomes: Outcomes) -> Self {
        let mut warnings = plan.warnings.clone();
        // The plan's warnings about unused test outputs are recomputed: a task that was required while another
        // one ran may have used one.
        warnings.retain(|warning| !matches!(warning, Warning::StandInUnused { .. }));
        warnings.extend(stand_in::unused(&plan.defaults.stand_ins));
        for warning in plan.refresh_warnings() {
            // Tasks that were required while another one ran may have added warnings about their `refresh`
            // expressions.
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        let is_stopped = |outcome: &Outcome| matches!(outcome, Outcome::Stopped | Outcome::Open);
        let interrupted = stop::interrupted().filter(|_| outcomes.nodes.iter().any(is_stopped));
        Self { plan, outcomes, warnings, interrupted, are_errors_shown: false }
    }

    /// Adds warnings about the run itself.
    pub(crate) fn add_warnings(&mut self, warnings: impl IntoIterator<Item = Warning>) {
        self.warnings.extend(warnings);
    }

    /// Says that a display on the standard error has shown the errors.
    pub(crate) fn set_errors_shown(&mut self) {
        self.are_errors_shown = true;
    }

    pub(crate) fn are_errors_shown(&self) -> bool {
        self.are_errors_shown
    }

    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    pub(crate) fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// Returns whether the plan relied on content that has changed since, so that it must be built again.
    pub(crate) fn is_outdated(&self) -> bool {
        self.outcomes.outdated
    }

    /// Adds the outcomes of an earlier execution of the same roots.
    pub(crate) fn after(mut self, earlier: &Self) -> Self {
        let keys = |summary: &Self| {
            let graph = &summary.plan.graph;
            graph.nodes().map(|node| graph.node(node).key).collect::<Vec<_>>()
        };
        // The graph may be another one, because `requires` may depend on state outside the flow.
        if keys(&self) == keys(earlier) {
            self.outcomes.add_earlier(&earlier.outcomes);
        }
        self.outcomes.in_run.splice(0..0, earlier.outcomes.in_run.iter().cloned());
        let is_of_run = |warning: &&Warning| {
            matches!(warning, Warning::NotAsExpected { .. } | Warning::Executor { .. })
        };
        self.warnings.extend(earlier.warnings.iter().filter(is_of_run).cloned());
        self
    }

    /// Returns the outcome of each instance of this plan and of those that were required while tasks ran.
    ///
    /// An instance may be in several of these plans. The most informative outcome is taken.
    fn node_outcomes(&self) -> Vec<NodeOutcome<'_>> {
        let own = (&self.plan, &self.outcomes.nodes, &self.outcomes.errors);
        let in_run =
            self.outcomes.in_run.iter().map(|part| (&part.plan, &part.nodes, &part.errors));
        let mut found: Vec<NodeOutcome<'_>> = Vec::with_capacity(own.1.len());
        let mut places = HashMap::new();
        for (plan, outcomes, errors) in std::iter::once(own).chain(in_run) {
            for (node, &outcome) in plan.graph.nodes().zip(outcomes) {
                let one = NodeOutcome { plan, node, outcome, errors };
                // Within one plan, each instance is one node.
                if self.outcomes.in_run.is_empty() {
                    found.push(one);
                    continue;
                }
                match places.entry(plan.graph.node(node).key) {
                    Slot::Vacant(slot) => {
                        slot.insert(found.len());
                        found.push(one);
                    }
                    Slot::Occupied(place) => {
                        let before = &mut found[*place.get()];
                        if outcome.tells() > before.outcome.tells() {
                            *before = one;
                        }
                    }
                }
            }
        }
        found
    }

    fn select(
        &self,
        select: impl Fn(Outcome, &[TaskError]) -> Option<(f64, Option<TaskError>)>,
    ) -> Vec<Entry> {
        let entry = |NodeOutcome { plan, node, outcome, errors }: NodeOutcome<'_>| {
            let (seconds, error) = select(outcome, errors)?;
            let error = match outcome {
                Outcome::NotRun { because } => {
                    let failed = Instance { plan: Arc::clone(plan), node: because };
                    Some(TaskError::from(format!("{failed} failed")))
                }
                _ => error,
            };
            let instance = Instance { plan: Arc::clone(plan), node };
            let entry =
                Entry { instance, seconds, error: None, backtrace: None, attempts: 0, log: None };
            Some(match error {
                Some(TaskError { text, backtrace, attempts, log, .. }) => {
                    Entry { error: Some(text), backtrace, attempts, log, ..entry }
                }
                None => entry,
            })
        };
        self.node_outcomes().into_iter().filter_map(entry).collect()
    }

    /// Returns the instances that were complete before the run.
    ///
    /// They include instances whose output is missing and was not needed, and those that
    /// [`Trust::Records`](crate::Trust::Records) does not check.
    pub fn already_complete(&self) -> Vec<Entry> {
        let before = |o: Outcome| matches!(o, Outcome::AlreadyComplete | Outcome::NotNeeded);
        // Instances that were only required while tasks ran are not part of the requested graph.
        let own = |entry: &Entry| Arc::ptr_eq(&entry.instance.plan, &self.plan);
        let entries = self.select(|outcome, _| before(outcome).then_some((0.0, None)));
        entries.into_iter().filter(own).collect()
    }

    /// Returns the instances that ran.
    pub fn ran(&self) -> Vec<Entry> {
        self.select(|outcome, _| match outcome {
            Outcome::Ran { seconds } => Some((f64::from(seconds), None)),
            _ => None,
        })
    }

    /// Returns the instances whose outputs a test provided, with `flow::testing`, and this run saved.
    pub fn given(&self) -> Vec<Entry> {
        self.select(|outcome, _| (outcome == Outcome::Given).then_some((0.0, None)))
    }

    /// Returns the instances that reused a stored output with the same fingerprint instead of running.
    pub fn reused(&self) -> Vec<Entry> {
        self.select(|outcome, _| (outcome == Outcome::Reused).then_some((0.0, None)))
    }

    /// Returns the instances that did not have to run, because upstream tasks ran and produced equal outputs.
    pub fn unchanged(&self) -> Vec<Entry> {
        self.select(|outcome, _| (outcome == Outcome::Unchanged).then_some((0.0, None)))
    }

    /// Returns the instances that another process computed during this run, which waited for their outputs.
    ///
    /// Another flow of this process that runs at the same time counts as another process.
    pub fn by_other_process(&self) -> Vec<Entry> {
        self.select(|outcome, _| (outcome == Outcome::OtherProcess).then_some((0.0, None)))
    }

    /// Returns the aggregate and external instances that became complete in this run.
    pub fn now_complete(&self) -> Vec<Entry> {
        self.select(|outcome, _| (outcome == Outcome::NowComplete).then_some((0.0, None)))
    }

    /// Returns the instances that failed, each with its error.
    pub fn failed(&self) -> Vec<Entry> {
        self.select(|outcome, errors| match outcome {
            Outcome::Failed { seconds, error } => {
                Some((f64::from(seconds), Some(errors[error as usize].clone())))
            }
            _ => None,
        })
    }

    /// Returns the instances that were not run, each with the reason: a failure upstream, a stopped run, or a failure
    /// elsewhere after which the flow [stops](crate::Flow::on_failure).
    pub fn not_run(&self) -> Vec<Entry> {
        self.select(|outcome, _| match outcome {
            Outcome::NotRun { .. } => Some((0.0, None)),
            Outcome::Stopped | Outcome::Open => {
                Some((0.0, Some(self.outcomes.stopped_by.to_string().into())))
            }
            _ => None,
        })
    }

    /// Returns whether every root is complete now.
    pub fn is_success(&self) -> bool {
        !self.outcomes.nodes.iter().any(|outcome| {
            matches!(
                outcome,
                Outcome::Failed { .. }
                    | Outcome::Elsewhere { error: Some(_) }
                    | Outcome::NotRun { .. }
                    | Outcome::Stopped
                    | Outcome::Open
            )
        })
    }

    /// Returns the signal that stopped the run, such as Ctrl-C: see `flow::interrupts`.
    ///
    /// It is `None` if no instance was left, or a [`Stopper`](crate::Stopper) stopped the run.
    pub fn interrupted(&self) -> Option<Signal> {
        self.interrupted
    }

    /// Returns the number of instances of the graph.
    ///
    /// Instances that were run, reused or failed because a task required them while it ran are included.
    pub fn len(&self) -> usize {
        let all = self.node_outcomes().into_iter();
        let counts =
            |one: &NodeOutcome<'_>| one.outcome.tells() > 0 || Arc::ptr_eq(one.plan, &self.plan);
        all.filter(counts).count()
    }

    /// Returns whether the graph has no instances. This is always `false`, because a graph has a root.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the duration of the run in seconds.
    pub fn seconds(&self) -> f64 {
        self.outcomes.seconds
    }

    /// Returns the warnings: settings that are legal but probably unintended.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

/// Returns why an instance ran, or `None` if it had never run before.
fn short_reason(reasons: &[Reason]) -> Option<String> {
    let is_upstream = |reason: &Reason| matches!(reason, Reason::Upstream { .. });
    if reasons.contains(&Reason::NeverRun) {
        return None;
    }
    match reasons.iter().find(|reason| !is_upstream(reason)) {
        Some(reason) => reason.to_string().lines().next().map(str::to_owned),
        // With unchanged inputs it would not have run.
        None => reasons.iter().any(is_upstream).then(|| "inputs changed".to_owned()),
    }
}

impl fmt::Debug for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(true, f)
    }
}

impl Summary {
    /// Writes the summary, with or without the texts of errors.
    pub(crate) fn write(&self, with_errors: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("complete already", "complete already", self.already_complete()),
            ("given by a test", "given", self.given()),
            ("ran", "ran", self.ran()),
            ("reused a stored output", "reused", self.reused()),
            ("inputs unchanged (early cutoff)", "with unchanged inputs", self.unchanged()),
            ("computed by another process", "computed by another process", self.by_other_process()),
            ("complete with their dependencies", "complete now", self.now_complete()),
            ("failed", "failed", self.failed()),
            ("not run", "not run", self.not_run()),
        ];
        let tasks = if self.len() == 1 { "task" } else { "tasks" };
        write!(f, "{} {tasks} in {}: ", self.len(), Seconds(self.seconds()))?;
        let counts = kinds.iter().filter(|(_, _, entries)| !entries.is_empty());
        let counts = counts.map(|(_, short, entries)| format!("{} {short}", entries.len()));
        f.write_str(&counts.collect::<Vec<_>>().join(", "))?;
        // Labels must be unique among all graphs: instances that were required while tasks ran are in others.
        let in_run = &self.outcomes.in_run;
        let view = (!in_run.is_empty()).then(|| {
            let in_run = in_run.iter().map(|part| &part.plan.graph);
            View::of(std::iter::once(&self.plan.graph).chain(in_run))
        });
        for (title, _, entries) in &kinds {
            if entries.is_empty() {
                continue;
            }
            let is_short = !with_errors && *title == "failed";
            write!(f, "\n  {title}{}:", if is_short { " (errors above)" } else { "" })?;
            for entry in entries.iter().take(LISTED) {
                let Instance { plan, node } = &entry.instance;
                let view = view.as_ref().unwrap_or_else(|| plan.graph.view());
                let label = view.label(&plan.graph, *node, Show::Clipped);
                write!(f, "\n    {label}")?;
                if *title == "ran" {
                    write!(f, " in {}", Seconds(entry.seconds))?;
                    if let Some(reason) = short_reason(entry.instance.reasons()) {
                        match label.chars().count() + reason.chars().count() <= WIDTH {
                            true => write!(f, " ({reason})")?,
                            // A reason at the end of a long label is easy to overlook.
                            false => write!(f, "\n      {reason}")?,
                        }
                    }
                }
                if let Some(error) = &entry.error {
                    if !is_short {
                        write!(f, ": {}", error.replace('\n', "\n      "))?;
                    }
                    if entry.attempts > 1 {
                        write!(f, " ({} attempts)", entry.attempts)?;
                    }
                    // The error of a program names the log already.
                    let log = entry.log.as_ref().map(|log| log.display().to_string());
                    if let Some(log) = log.filter(|log| !error.contains(&**log)) {
                        write!(f, "\n      log: {log}")?;
                    }
                }
                if let Some(backtrace) = &entry.backtrace {
                    let backtrace = backtrace.trim_end().replace('\n', "\n      ");
                    write!(f, "\n      backtrace:\n      {backtrace}")?;
                }
            }
            if entries.len() > LISTED {
                write!(f, "\n    … and {} more", entries.len() - LISTED)?;
            }
        }
        if let Some(signal) = self.interrupted {
            write!(f, "\nstopped by {signal}: the next run continues from here")?;
        }
        for warning in self.warnings() {
            write!(f, "\nwarning: {warning}")?;
        }
        Ok(())
    }
}
