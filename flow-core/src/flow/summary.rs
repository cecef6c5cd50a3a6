//! Summaries: what an execution did.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::fmt;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::event::Seconds;
use crate::engine::outcome::{Outcome, Outcomes};
use crate::plan::Plan;
use crate::plan::instance::Instance;
use crate::plan::label::Show;
use crate::plan::stand_in;
use crate::plan::view::View;
use crate::plan::warning::Warning;

/// How many instances of a kind are printed one by one.
const LISTED: usize = 10;

/// What an execution did: which instances were complete before, ran, were adopted or cut off,
/// failed, or were not run, and why.
///
/// ```text
/// 3 tasks in 12.5 ms: 1 complete before, 2 ran
///   complete before:
///     GetData {source: examples/data/iris.csv}
///   ran:
///     Preprocess {do_preprocess: false} in 3.1 ms
///     Train {model: Logistic, Preprocess.do_preprocess: false} in 5.7 ms
/// ```
pub struct Summary {
    plan: Arc<Plan>,
    outcomes: Outcomes,
    warnings: Vec<Warning>,
}

/// What became of one instance in one plan.
struct Told<'a> {
    plan: &'a Arc<Plan>,
    node: NodeIndex,
    outcome: Outcome,
    errors: &'a [String],
}

/// What became of one instance.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The instance.
    pub instance: Instance,
    /// How long it ran, in seconds; 0 if it did not.
    pub seconds: f64,
    /// Why it failed, or was not run.
    pub error: Option<String>,
}

impl Entry {
    /// The name of the task.
    pub fn task(&self) -> &str {
        self.instance.task()
    }
}

impl Summary {
    pub(crate) fn new(plan: Arc<Plan>, outcomes: Outcomes) -> Self {
        let mut warnings = plan.warnings.clone();
        // A task that was required while another one ran may have used what seemed to be unused.
        warnings.retain(|warning| !matches!(warning, Warning::StandInUnused { .. }));
        warnings.extend(stand_in::unused(&plan.defaults.stand_ins));
        for warning in plan.refresh_warnings() {
            // So may one have been asked whether it is to be refreshed.
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        Self { plan, outcomes, warnings }
    }

    /// Adds a warning about the run itself.
    pub(crate) fn add_warning(&mut self, warning: Option<Warning>) {
        self.warnings.extend(warning);
    }

    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    pub(crate) fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// Whether what the plan took for good may not be.
    pub(crate) fn is_outdated(&self) -> bool {
        self.outcomes.outdated
    }

    /// Adds what an execution of the same roots did before this one.
    pub(crate) fn after(mut self, earlier: &Self) -> Self {
        let keys = |summary: &Self| {
            let graph = &summary.plan.graph;
            graph.nodes().map(|node| graph.node(node).key).collect::<Vec<_>>()
        };
        // A requirement may depend on what is not in the flow, and give another graph.
        if keys(&self) == keys(earlier) {
            self.outcomes.add_earlier(&earlier.outcomes);
        }
        self.outcomes.in_run.splice(0..0, earlier.outcomes.in_run.iter().cloned());
        self
    }

    /// What became of each instance, wherever it is required: of several schedules that have met it, the
    /// one that tells most.
    fn told(&self) -> Vec<Told<'_>> {
        let own = (&self.plan, &self.outcomes.nodes, &self.outcomes.errors);
        let in_run =
            self.outcomes.in_run.iter().map(|part| (&part.plan, &part.nodes, &part.errors));
        let mut told: Vec<Told<'_>> = Vec::with_capacity(own.1.len());
        let mut places = HashMap::new();
        for (plan, outcomes, errors) in std::iter::once(own).chain(in_run) {
            for (node, &outcome) in plan.graph.nodes().zip(outcomes) {
                let one = Told { plan, node, outcome, errors };
                // Within one plan each instance stands once.
                if self.outcomes.in_run.is_empty() {
                    told.push(one);
                    continue;
                }
                match places.entry(plan.graph.node(node).key) {
                    Slot::Vacant(slot) => {
                        slot.insert(told.len());
                        told.push(one);
                    }
                    Slot::Occupied(place) => {
                        let before = &mut told[*place.get()];
                        if outcome.tells() > before.outcome.tells() {
                            *before = one;
                        }
                    }
                }
            }
        }
        told
    }

    fn select(
        &self,
        select: impl Fn(Outcome, &[String]) -> Option<(f64, Option<String>)>,
    ) -> Vec<Entry> {
        let entry = |Told { plan, node, outcome, errors }: Told<'_>| {
            let (seconds, error) = select(outcome, errors)?;
            let error = match outcome {
                Outcome::NotRun { because } => {
                    let failed = Instance { plan: Arc::clone(plan), node: because };
                    Some(format!("{failed} failed"))
                }
                _ => error,
            };
            let instance = Instance { plan: Arc::clone(plan), node };
            Some(Entry { instance, seconds, error })
        };
        self.told().into_iter().filter_map(entry).collect()
    }

    /// The instances that were complete before, those whose output is gone and was not needed, and
    /// those that were not looked at, as [`Trust::Records`](crate::Trust::Records) has it.
    pub fn complete_before(&self) -> Vec<Entry> {
        let before = |o: Outcome| matches!(o, Outcome::CompleteBefore | Outcome::NotNeeded);
        // What was there of what was required while tasks ran is not a part of what was asked for.
        let own = |entry: &Entry| Arc::ptr_eq(&entry.instance.plan, &self.plan);
        let entries = self.select(|outcome, _| before(outcome).then_some((0.0, None)));
        entries.into_iter().filter(own).collect()
    }

    /// The instances that ran.
    pub fn ran(&self) -> Vec<Entry> {
        self.select(|outcome, _| match outcome {
            Outcome::Ran { seconds } => Some((f64::from(seconds), None)),
            _ => None,
        })
    }

    /// The instances whose outputs a test gave, and that were saved in this run.
    pub fn given(&self) -> Vec<Entry> {
        self.select(|outcome, _| (outcome == Outcome::Given).then_some((0.0, None)))
    }

    /// The instances that took over an output that was kept and is made from the same.
    pub fn adopted(&self) -> Vec<Entry> {
        self.select(|outcome, _| (outcome == Outcome::Adopted).then_some((0.0, None)))
    }

    /// The instances that did not have to run, for what they require ran and gave the same.
    pub fn cut_off(&self) -> Vec<Entry> {
        self.select(|outcome, _| (outcome == Outcome::CutOff).then_some((0.0, None)))
    }

    /// The instances that have no output of their own, or one that is made elsewhere, and that have
    /// become complete.
    pub fn found(&self) -> Vec<Entry> {
        self.select(|outcome, _| (outcome == Outcome::Found).then_some((0.0, None)))
    }

    /// The instances that failed, each with its error.
    pub fn failed(&self) -> Vec<Entry> {
        self.select(|outcome, errors| match outcome {
            Outcome::Failed { seconds, error } => {
                Some((f64::from(seconds), Some(errors[error as usize].clone())))
            }
            _ => None,
        })
    }

    /// The instances that were not run, each with what failed upstream.
    pub fn not_run(&self) -> Vec<Entry> {
        self.select(|outcome, _| match outcome {
            Outcome::NotRun { .. } => Some((0.0, None)),
            Outcome::Stopped | Outcome::Open => {
                Some((0.0, Some("the execution was stopped".to_owned())))
            }
            _ => None,
        })
    }

    /// Whether every root is complete now.
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

    /// How many instances the graph has, with those that were settled because tasks required them
    /// while they ran.
    pub fn len(&self) -> usize {
        let told = self.told().into_iter();
        let is_told = |one: &Told<'_>| one.outcome.tells() > 0 || Arc::ptr_eq(one.plan, &self.plan);
        told.filter(is_told).count()
    }

    /// Whether the graph has no instances, which no graph does.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How long it all took, in seconds.
    pub fn seconds(&self) -> f64 {
        self.outcomes.seconds
    }

    /// What is not wrong, but hardly meant.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

impl fmt::Debug for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("complete before", "complete before", self.complete_before()),
            ("given by a test", "given", self.given()),
            ("ran", "ran", self.ran()),
            ("adopted a kept output", "adopted", self.adopted()),
            ("cut off: upstream gave the same", "cut off", self.cut_off()),
            ("complete with what they require", "complete now", self.found()),
            ("failed", "failed", self.failed()),
            ("not run", "not run", self.not_run()),
        ];
        let tasks = if self.len() == 1 { "task" } else { "tasks" };
        write!(f, "{} {tasks} in {}: ", self.len(), Seconds(self.seconds()))?;
        let counts = kinds.iter().filter(|(_, _, entries)| !entries.is_empty());
        let counts = counts.map(|(_, short, entries)| format!("{} {short}", entries.len()));
        f.write_str(&counts.collect::<Vec<_>>().join(", "))?;
        // What was required while tasks ran stands in other graphs.
        let in_run = &self.outcomes.in_run;
        let view = (!in_run.is_empty()).then(|| {
            let in_run = in_run.iter().map(|part| &part.plan.graph);
            View::of(std::iter::once(&self.plan.graph).chain(in_run))
        });
        for (title, _, entries) in &kinds {
            if entries.is_empty() {
                continue;
            }
            write!(f, "\n  {title}:")?;
            for entry in entries.iter().take(LISTED) {
                let Instance { plan, node } = &entry.instance;
                let view = view.as_ref().unwrap_or_else(|| plan.graph.view());
                write!(f, "\n    {}", view.label(&plan.graph, *node, Show::Clipped))?;
                if *title == "ran" {
                    write!(f, " in {}", Seconds(entry.seconds))?;
                }
                if let Some(error) = &entry.error {
                    write!(f, ": {}", error.replace('\n', "\n      "))?;
                }
            }
            if entries.len() > LISTED {
                write!(f, "\n    … and {} more", entries.len() - LISTED)?;
            }
        }
        for warning in self.warnings() {
            write!(f, "\nwarning: {warning}")?;
        }
        Ok(())
    }
}
