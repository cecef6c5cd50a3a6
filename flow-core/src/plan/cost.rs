//! What a run would cost: how many tasks, and how long they took before.

use std::collections::{HashMap, HashSet};
use std::fmt;

use daggy::NodeIndex;

use crate::base::event::Seconds;
use crate::plan::Plan;
use crate::plan::types::TypeIndex;
use crate::plan::verdicts::Status;
use crate::store::Found;
use crate::task::Kind;

/// How many instances of a task are asked how long they took, for one that never ran.
const ASKED: usize = 5;

/// What running a plan would cost, at most: an instance may be cut off if what it requires gives
/// the same as before.
///
/// How long an instance takes is what it took last time; if it never ran, the median of a few other
/// instances of its task.
///
/// What a task has required while it ran, and has to run before it, is counted as far as the preview
/// shows it. What it may require that it has not required before, nobody knows.
///
/// It is printed as `up to 4 tasks, about 2 min 10 s, and 1 that never ran`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Cost {
    /// How many instances would run.
    pub tasks: usize,
    /// How long they would take one after the other, in seconds; without those that are not known.
    pub seconds: f64,
    /// How many of them are of a task that never ran.
    pub unknown: usize,
}

impl Cost {
    /// The cost of what is pending, with what was required while tasks ran.
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

    /// Tells each instance that is pending in one plan, and how long it would take. What cannot be
    /// read is not known.
    pub(crate) fn each(plan: &Plan, mut tell: impl FnMut(NodeIndex, Option<f64>)) {
        let mut usual: HashMap<TypeIndex, Option<f64>> = HashMap::new();
        for node in plan.graph.nodes().filter(|&node| is_pending(plan, node)) {
            let task = plan.graph.node(node).task;
            let last = plan.took(node);
            tell(node, last.or_else(|| *usual.entry(task).or_insert_with(|| plan.usual(task))));
        }
    }

    /// Adds an instance that takes so long.
    pub(crate) fn add(&mut self, seconds: Option<f64>) {
        self.tasks += 1;
        self.seconds += seconds.unwrap_or_default();
        self.unknown += usize::from(seconds.is_none());
    }
}

fn is_pending(plan: &Plan, node: NodeIndex) -> bool {
    plan.verdicts.status(node) == Status::Pending && plan.graph.kind(node) == Kind::Made
}

impl Plan {
    /// How long an instance took when it ran last, in seconds.
    fn took(&self, node: NodeIndex) -> Option<f64> {
        let key = self.graph.node(node).key;
        let folder = self.store.listed(&self.graph.task(node).folder, key.short()).ok()??;
        match self.store.record(&folder, key).ok()? {
            Found::Record(record) => Some(record.seconds),
            Found::Nothing | Found::Damaged(_) => None,
        }
    }

    /// How long instances of a task take.
    fn usual(&self, task: TypeIndex) -> Option<f64> {
        let records = self.store.some_records(&self.graph.types.get(task).folder, ASKED);
        let mut seconds: Vec<_> = records.into_iter().map(|record| record.seconds).collect();
        seconds.sort_unstable_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied()
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = if self.tasks == 1 { "task" } else { "tasks" };
        write!(f, "up to {} {tasks}", self.tasks)?;
        if self.unknown < self.tasks {
            write!(f, ", about {}", Seconds(self.seconds))?;
        }
        match self.unknown {
            0 => Ok(()),
            unknown => write!(f, ", and {unknown} that never ran"),
        }
    }
}
