//! Why: from an instance that is not complete to the root causes of that.
//!
//! The reasons of one instance say what is different for itself. Two of them lead further: that
//! something *upstream* is not complete, whose reasons are there to be followed; and that an input
//! *gave other data*, for which the output that was used is looked up among the kept versions and
//! compared with the present one. What a task has required while it ran is followed as its inputs
//! are. All of that, breadth first, gives the shortest way to each root cause.

mod search;

use std::fmt;
use std::sync::Arc;

use crate::base::error::StoreError;
use crate::plan::Plan;
use crate::plan::instance::Instance;
use crate::plan::reason::{InputChange, Reason};

/// How many steps of a long way are printed, at each end.
const ENDS: usize = 3;

/// Why tasks are not complete, down to the root causes.
///
/// It is printed as a line for each root cause, from what was asked for to the cause:
///
/// ```text
/// Train: input: Preprocess gave other data ← code: standardise (src/prep.rs) changed
/// ```
#[derive(Clone)]
pub struct Why {
    plan: Arc<Plan>,
    causes: Vec<Cause>,
}

/// A root cause, and how it leads to a task that was asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cause {
    /// From the task that was asked for to the root cause: what each is not complete for.
    pub steps: Vec<Step>,
    /// How many more instances of the last task have the same cause.
    pub alike: usize,
}

/// An instance, and one reason why it is not complete, or gave something else than before.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// The instance.
    pub instance: Instance,
    /// What is different.
    pub reason: Reason,
}

impl Why {
    pub(crate) fn new(plan: Arc<Plan>) -> Result<Self, StoreError> {
        let causes = search::causes(&plan)?;
        Ok(Self { plan, causes })
    }

    /// Whether everything that was asked for is complete, so that there are no causes.
    pub fn is_complete(&self) -> bool {
        self.causes.is_empty()
    }

    /// The root causes, the nearest first.
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }
}

impl Cause {
    /// The root cause itself: the instance that it is found at, and what is different there.
    pub fn root(&self) -> &Step {
        self.steps.last().expect("a cause has at least one step")
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
        for (place, cause) in self.causes.iter().enumerate() {
            let end = if place == 0 { "" } else { "\n" };
            write!(f, "{end}{cause}")?;
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
            // The step before may have named it.
            let is_named = before.is_some_and(|before| match &before.reason {
                Reason::Upstream { tasks } => *tasks == [step.instance.task()],
                Reason::Input { what: InputChange::OtherData { task }, .. } => {
                    task == step.instance.task()
                }
                Reason::Required { what } => *what == format!("{} gave other data", step.instance),
                _ => false,
            });
            if !is_named || place == ENDS + left_out && left_out > 1 {
                write!(f, "{}: ", step.instance)?;
            }
            write!(f, "{}", step.reason)?;
        }
        match self.alike {
            0 => Ok(()),
            alike => write!(f, " (and {alike} more {} alike)", self.root().instance.task()),
        }
    }
}
