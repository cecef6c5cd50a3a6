//! Explains why instances are not complete, down to the root causes.
//!
//! The reasons of an instance describe its own changes. Two kinds of reasons lead further upstream. If
//! something *upstream* is not complete, its own reasons are followed. If an input *gave other data*, the
//! output that was used is found among the kept versions and compared with the present one. Dynamic
//! dependencies are followed like inputs. The search is breadth first, and so finds the shortest path to each
//! root cause.

mod search;

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::plan::Plan;
use crate::plan::failure::LastFailure;
use crate::plan::instance::Instance;
use crate::plan::reason::{InputChange, Reason};

/// The number of steps of a long path that are printed, at each end.
const ENDS: usize = 3;

/// Why tasks are not complete, down to the root causes.
///
/// It is printed as a line for each root cause, from the requested task to the cause:
///
/// ```text
/// Train: input: Preprocess gave other data ← code: standardise (src/prep.rs) changed
/// ```
///
/// Below a failure follow its causes, the number of attempts, the path of its log, the metadata and the backtrace, as
/// far as there are any.
#[derive(Clone)]
pub struct Why {
    plan: Arc<Plan>,
    causes: Vec<Cause>,
}

/// A root cause, and the steps that lead to it from a requested task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cause {
    /// The steps from the requested task to the root cause, each with the reason why it is not complete.
    pub steps: Vec<Step>,
    /// The number of further instances of the last task with the same cause.
    pub alike: usize,
    /// The failure that is the root cause, if it is one.
    pub failure: Option<LastFailure>,
}

/// An instance, and one reason why it is not complete or has another output than before.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// The instance.
    pub instance: Instance,
    /// The reason.
    pub reason: Reason,
}

impl Why {
    pub(crate) fn new(plan: Arc<Plan>) -> Result<Self, StoreError> {
        let mut causes = search::causes(&plan)?;
        for cause in &mut causes {
            if let Reason::FailedLastTime { .. } = cause.root().reason {
                cause.failure = cause.root().instance.failure()?;
            }
        }
        Ok(Self { plan, causes })
    }

    /// Returns whether all requested tasks are complete, so that there are no causes.
    pub fn is_complete(&self) -> bool {
        self.causes.is_empty()
    }

    /// Returns the root causes, the nearest first.
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }
}

impl Cause {
    /// Returns the root cause itself: the last step, with its instance and reason.
    pub fn root(&self) -> &Step {
        self.steps.last().expect("a cause has at least one step")
    }
}

/// The maximal number of reasons that the message of an incomplete instance has.
const REASONS: usize = 5;

impl Plan {
    /// Returns why an instance is not complete, as text, and which files are missing upstream.
    pub(crate) fn incomplete_reason(&self, node: NodeIndex) -> String {
        let own = self.verdicts.reasons(node).iter().map(ToString::to_string);
        let mut reasons: Vec<String> = own.collect();
        let mut seen = HashSet::from([node]);
        let mut open = VecDeque::from([node]);
        while let Some(node) = open.pop_front() {
            for &input in self.graph.inputs(node) {
                if self.verdicts.status(input).is_complete() || !seen.insert(input) {
                    continue;
                }
                open.push_back(input);
                let task = &self.graph.task(input).decl.name;
                let input = self.verdicts.reasons(input).iter();
                let missing = input.filter(|reason| reason.is_missing_file());
                let room = REASONS.saturating_sub(reasons.len());
                reasons.extend(missing.take(room).map(|reason| format!("{task}: {reason}")));
            }
        }
        reasons.join("; ")
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_complete() {
            let roots = self.plan.graph.roots.iter();
            let roots = roots.map(|&node| Instance { plan: Arc::clone(&self.plan), node });
            let roots = roots.map(|root| root.to_string()).collect::<Vec<_>>().join(", ");
            return write!(f, "{roots}: complete");
        }
        // Several roots may have the same cause, whose details are printed once.
        let mut detailed = HashSet::new();
        for (place, cause) in self.causes.iter().enumerate() {
            f.write_str(if place == 0 { "" } else { "\n" })?;
            cause.write_steps(f)?;
            if detailed.insert(cause.root().instance.key()) {
                cause.write_details(f)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_steps(f)?;
        self.write_details(f)
    }
}

impl Cause {
    /// Writes the line that leads from the requested task to the root cause.
    fn write_steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left_out = self.steps.len().saturating_sub(2 * ENDS);
        for (place, step) in self.steps.iter().enumerate() {
            if left_out > 1 && (ENDS..ENDS + left_out).contains(&place) {
                if place == ENDS {
                    write!(f, " ← … {left_out} more …")?;
                }
                continue;
            }
            let before = place.checked_sub(1).map(|before| &self.steps[before]);
            if before.is_some() {
                f.write_str(" ← ")?;
            }
            // The step before may have named the task already.
            let is_named = before.is_some_and(|before| match &before.reason {
                Reason::Upstream { tasks } => *tasks == [step.instance.task()],
                Reason::Input {
                    what:
                        InputChange::OtherData { task }
                        | InputChange::Columns { task, .. }
                        | InputChange::Partitions { task, .. },
                    ..
                } => task == step.instance.task(),
                Reason::Required { what } => *what == format!("{} gave other data", step.instance),
                _ => false,
            });
            if !is_named || place == ENDS + left_out && left_out > 1 {
                write!(f, "{}: ", step.instance)?;
            }
            write!(f, "{}", step.reason)?;
        }
        if self.alike > 0 {
            write!(f, " (and {} more {} alike)", self.alike, self.root().instance.task())?;
        }
        Ok(())
    }

    /// Writes what is known of the failure that is the root cause, below the line.
    fn write_details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for detail in self.failure.iter().flat_map(LastFailure::details) {
            write!(f, "\n  {}", detail.replace('\n', "\n  "))?;
        }
        Ok(())
    }
}
