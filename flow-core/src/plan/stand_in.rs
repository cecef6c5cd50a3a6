//! Outputs that a test gave: they stand in for what a task would make.
//!
//! An instance that has a stand-in requires nothing, so that nothing upstream of it is planned. When it
//! is to be made, the value is saved by the task's target, and what requires it loads it from there as
//! it would load any output. Its key has a mark of the giving, which no other has: what was given
//! before, or what the task itself has made, is never taken for it.
//!
//! Only flows of the testing kit have stand-ins, for a store with such outputs must not be one that
//! somebody works with.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use daggy::NodeIndex;

use crate::base::key::{Digest, Hasher};
use crate::base::names::unique;
use crate::base::panics::Contained;
use crate::plan::Graph;
use crate::plan::warning::Warning;
use crate::store::record::Meta;
use crate::task::TaskType;
use crate::value::AnyValue;

/// Whether an output stands in for that of an instance.
pub(crate) type Applies = Arc<dyn Fn(&dyn Any) -> bool + Send + Sync>;

/// An output that was given instead of being made.
#[derive(Clone)]
pub(crate) struct StandIn {
    task: &'static TaskType,
    /// Which instances it is for; without this, for all.
    applies: Option<Applies>,
    value: Contained<AnyValue>,
    meta: Meta,
    /// The digits of this giving, which no other has: not one in another process either, for it may
    /// pull what is pushed here.
    mark: String,
    /// Whether an instance was planned that has it.
    is_used: Arc<AtomicBool>,
}

impl StandIn {
    pub(crate) fn new(
        task: &'static TaskType,
        applies: Option<Applies>,
        value: AnyValue,
        meta: Meta,
    ) -> Self {
        Self {
            task,
            applies,
            value: Contained::new(value),
            meta,
            mark: unique(),
            is_used: Arc::default(),
        }
    }

    /// The same, with something noted about the output.
    pub(crate) fn noting(&self, name: &str, value: serde_json::Value) -> Self {
        let mut noting = Self { mark: unique(), ..self.clone() };
        noting.meta.insert(name.to_owned(), value);
        noting
    }

    /// Whether it is for instances of this task.
    pub(crate) fn is_for(&self, task: TypeId) -> bool {
        (self.task.id)() == task
    }

    /// Whether it is for this instance; if so, it is used from now on.
    fn take(&self, instance: &dyn Any) -> bool {
        let takes = self.applies.as_ref().is_none_or(|applies| applies(instance));
        if takes {
            self.is_used.store(true, Ordering::Relaxed);
        }
        takes
    }

    /// The value, which is of the type of the task's output.
    pub(crate) fn value(&self) -> AnyValue {
        Arc::clone(&self.value)
    }

    pub(crate) fn meta(&self) -> Meta {
        self.meta.clone()
    }

    /// The digest of the parameters of an instance that has it, which no other instance has.
    pub(super) fn mark(&self, parameters: Digest) -> Digest {
        let mut hasher = Hasher::new("stand-in");
        hasher.part(parameters).text(&self.mark);
        hasher.digest()
    }
}

impl fmt::Debug for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an output of {}", (self.task.decl)().name)
    }
}

/// What was given last for this instance.
pub(super) fn find(given: &[StandIn], task: TypeId, instance: &dyn Any) -> Option<StandIn> {
    let mut of_task = given.iter().rev().filter(|stand_in| stand_in.is_for(task));
    of_task.find(|stand_in| stand_in.take(instance)).cloned()
}

/// A warning for each of those that no instance has.
pub(crate) fn unused(given: &[StandIn]) -> impl Iterator<Item = Warning> {
    let unused = given.iter().filter(|stand_in| !stand_in.is_used.load(Ordering::Relaxed));
    unused.map(|stand_in| Warning::StandInUnused { task: (stand_in.task.decl)().name.into_owned() })
}

impl Graph {
    /// The output that was given for an instance.
    pub(crate) fn stand_in(&self, node: NodeIndex) -> Option<&StandIn> {
        self.stand_ins.get(&node)
    }
}
