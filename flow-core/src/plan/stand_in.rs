//! Stand-ins: outputs that a test provides instead of running a task.
//!
//! An instance with a stand-in requires nothing, so that nothing upstream of it is planned. When the instance
//! runs, its value is saved by the task's target, and consumers load it from there like any output. Its key
//! contains a mark that is unique to the stand-in. So neither an earlier stand-in nor an output of the task
//! itself is ever taken for it.
//!
//! Only flows of the testing kit have stand-ins, because a store with such outputs must never be used for
//! real work.

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

/// A function that returns whether a stand-in is for an instance.
pub(crate) type Applies = Arc<dyn Fn(&dyn Any) -> bool + Send + Sync>;

/// An output that is provided instead of being computed.
#[derive(Clone)]
pub(crate) struct StandIn {
    task: &'static TaskType,
    /// Returns whether it is for an instance; `None` if it is for all of them.
    applies: Option<Applies>,
    value: Contained<AnyValue>,
    meta: Meta,
    /// A mark that no other stand-in has.
    ///
    /// It is unique across processes, because another process may pull outputs that are pushed here.
    mark: String,
    /// Whether a planned instance has it.
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

    /// Returns this stand-in with additional metadata.
    pub(crate) fn noting(&self, name: &str, value: serde_json::Value) -> Self {
        let mut stand_in = Self { mark: unique(), ..self.clone() };
        stand_in.meta.insert(name.to_owned(), value);
        stand_in
    }

    /// Returns whether it is for instances of this task.
    pub(crate) fn is_for(&self, task: TypeId) -> bool {
        (self.task.id)() == task
    }

    /// Returns whether it is for this instance; if so, it counts as used.
    fn take(&self, instance: &dyn Any) -> bool {
        let takes = self.applies.as_ref().is_none_or(|applies| applies(instance));
        if takes {
            self.is_used.store(true, Ordering::Relaxed);
        }
        takes
    }

    /// Returns the value, which has the type of the task's output.
    pub(crate) fn value(&self) -> AnyValue {
        Arc::clone(&self.value)
    }

    pub(crate) fn meta(&self) -> Meta {
        self.meta.clone()
    }

    /// Returns the digest of the parameters of an instance with this stand-in, which no other instance has.
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

/// Returns the stand-in that was added last for this instance.
pub(super) fn find(given: &[StandIn], task: TypeId, instance: &dyn Any) -> Option<StandIn> {
    let mut of_task = given.iter().rev().filter(|stand_in| stand_in.is_for(task));
    of_task.find(|stand_in| stand_in.take(instance)).cloned()
}

/// Returns a warning for each stand-in that no instance has.
pub(crate) fn unused(given: &[StandIn]) -> impl Iterator<Item = Warning> {
    let unused = given.iter().filter(|stand_in| !stand_in.is_used.load(Ordering::Relaxed));
    unused.map(|stand_in| Warning::StandInUnused { task: (stand_in.task.decl)().name.into_owned() })
}

impl Graph {
    /// Returns the stand-in of an instance.
    pub(crate) fn stand_in(&self, node: NodeIndex) -> Option<&StandIn> {
        self.stand_ins.get(&node)
    }
}
