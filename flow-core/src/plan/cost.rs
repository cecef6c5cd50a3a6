//! The cost of a run: the number of tasks that would run, and how long they took before.
//!
//! Durations are read from records.

use std::collections::{HashMap, HashSet};
use std::fmt;

use daggy::NodeIndex;

use crate::base::seconds::Seconds;
use crate::plan::Plan;
use crate::plan::types::TypeIndex;
use crate::plan::verdicts::Status;
use crate::store::Found;
use crate::task::Kind;

/// The number of records from which the duration of a task is estimated.
const SAMPLED: usize = 5;

/// The cost of running a plan, at most: early cutoff may skip instances.
///
/// The duration of an instance is that of its last run. If it never ran, it is the median of a few other
/// instances of its task.
///
/// Dynamic dependencies that have to run are counted as far as the preview shows them. Those that a task
/// requires for the first time are not known before it runs.
///
/// It is printed as `up to 4 tasks, about 2 min 10 s, without 1 task whose duration is not known yet`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Cost {
    /// The number of instances that would run.
    pub tasks: usize,
    /// The sum of the known durations, in seconds.
    pub seconds: f64,
    /// The number of instances whose duration is unknown, because no instance of their task ever ran.
    pub unknown: usize,
}

impl Cost {
    /// Returns the cost of all pending instances, dynamic dependencies included.
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut cost = Self::default();
        let mut seen = HashSet::new();
        let mut add = |plan: &Plan| {
            Self::each(plan, |node, seconds| {
                if seen.insert(plan.graph.node(node).key) {
                    cost.add(seconds);
                }
            });
        };
        add(plan);
        for node in plan.graph.nodes().filter(|&node| is_pending(plan, node)) {
            plan.verdicts.in_run(node).iter().for_each(|answered| add(&answered.plan));
        }
        cost
    }

    /// Calls `visit` with each pending instance of one plan and its duration in seconds, if that is known.
    ///
    /// A record that cannot be read counts as missing.
    pub(crate) fn each(plan: &Plan, mut visit: impl FnMut(NodeIndex, Option<f64>)) {
        let mut typical: HashMap<TypeIndex, Option<f64>> = HashMap::new();
        for node in plan.graph.nodes().filter(|&node| is_pending(plan, node)) {
            let task = plan.graph.node(node).task;
            let last = plan.last_duration(node);
            visit(
                node,
                last.or_else(|| {
                    *typical.entry(task).or_insert_with(|| plan.typical_duration(task))
                }),
            );
        }
    }

    /// Adds an instance with this duration in seconds.
    pub(crate) fn add(&mut self, seconds: Option<f64>) {
        self.tasks += 1;
        self.seconds += seconds.unwrap_or_default();
        self.unknown += usize::from(seconds.is_none());
    }
}

/// Returns whether the task of an instance has to run, unless instances upstream turn out to be unchanged.
pub(crate) fn is_pending(plan: &Plan, node: NodeIndex) -> bool {
    plan.verdicts.status(node) == Status::Pending && plan.graph.kind(node) == Kind::Made
}

impl Plan {
    /// Returns the expected duration of an instance in seconds: that of its last run, or one of its task.
    #[cfg(feature = "terminal")]
    pub(crate) fn expected_duration(&self, node: NodeIndex) -> Option<f64> {
        self.last_duration(node).or_else(|| self.typical_duration(self.graph.node(node).task))
    }

    /// Returns how long the last run of an instance took, in seconds.
    pub(crate) fn last_duration(&self, node: NodeIndex) -> Option<f64> {
        let key = self.graph.node(node).key;
        let folder = self.store.listed(&self.graph.task(node).folder, key.short()).ok()??;
        match self.store.record(&folder, key).ok()? {
            Found::Record(record) => Some(record.seconds),
            Found::Nothing | Found::Damaged(_) => None,
        }
    }

    /// Returns the median duration of a few instances of a task, in seconds.
    pub(crate) fn typical_duration(&self, task: TypeIndex) -> Option<f64> {
        let records = self.store.some_records(&self.graph.types.get(task).folder, SAMPLED);
        let mut seconds: Vec<_> = records.into_iter().map(|record| record.seconds).collect();
        seconds.sort_unstable_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied()
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = |count: usize, one, many| if count == 1 { one } else { many };
        write!(f, "up to {} {}", self.tasks, several(self.tasks, "task", "tasks"))?;
        let whose = |count| {
            several(count, "whose duration is not known yet", "whose durations are not known yet")
        };
        match self.unknown {
            _ if self.tasks == 0 => Ok(()),
            unknown if unknown == self.tasks => write!(f, ", {}", whose(unknown)),
            0 => write!(f, ", about {}", Seconds(self.seconds)),
            unknown => {
                let tasks = several(unknown, "task", "tasks");
                let seconds = Seconds(self.seconds);
                write!(f, ", about {seconds}, without {unknown} {tasks} {}", whose(unknown))
            }
        }
    }
}
