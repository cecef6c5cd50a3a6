//! Outputs that a test provides instead of running a task, for `flow::testing`.
//!
//! A provided output is saved by the target of its task and loaded from the store, so that a test also shows what
//! the target loses. Only a [`Scratch`] flow accepts such outputs. So a store with provided outputs is never
//! one that a user works with.

use std::any::Any;
use std::sync::Arc;

use serde::Serialize;

use super::Flow;
use crate::plan::given::Givens;
use crate::plan::stand_in::{Applies, StandIn};
use crate::store::record::Meta;
use crate::task::cx::meta_to_json;
use crate::task::{HasOutput, Output, Task, TaskType};

/// Selects the instances of a task that an output is provided for.
type AppliesTo<A> = Box<dyn Fn(&A) -> bool + Send + Sync>;

/// A flow with a temporary store for tests, which accepts provided outputs.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Scratch(Flow);

impl Scratch {
    /// Wraps a flow. The caller promises that its store is used by tests alone.
    pub fn new(flow: Flow) -> Self {
        Self(flow)
    }

    pub fn flow(&self) -> &Flow {
        &self.0
    }

    /// Applies `change` to the flow, such as a change of settings.
    #[must_use]
    pub fn map(&self, change: impl FnOnce(&Flow) -> Flow) -> Self {
        Self(change(&self.0))
    }

    /// Provides the output of the instances of `A` for which `applies` holds; of all if it is `None`.
    #[must_use]
    pub fn with_output<A: Task<__Kind: HasOutput>>(
        &self,
        applies: Option<AppliesTo<A>>,
        value: Output<A>,
    ) -> Self {
        let applies = applies.map(|applies| {
            let applies: Applies = Arc::new(move |instance: &dyn Any| {
                applies(instance.downcast_ref().expect("an instance of its own task"))
            });
            applies
        });
        let stand_in = StandIn::new(TaskType::of::<A>(), applies, Arc::new(value), Meta::new());
        self.with_stand_ins(|stand_ins| stand_ins.push(stand_in))
    }

    /// Adds metadata to the output of `A` that was provided last, as [`Cx::meta`](crate::Cx::meta) does.
    ///
    /// Returns `None` if no output of `A` was provided.
    ///
    /// # Errors
    ///
    /// The value cannot be serialized as JSON.
    pub fn with_meta<A: Task>(
        &self,
        name: &str,
        value: impl Serialize,
    ) -> anyhow::Result<Option<Self>> {
        let value = meta_to_json(&value)?;
        let task = std::any::TypeId::of::<A>();
        let stand_ins = &self.0.givens.stand_ins;
        let last = stand_ins.iter().rposition(|stand_in| stand_in.is_for(task));
        Ok(last.map(|last| {
            self.with_stand_ins(|stand_ins| stand_ins[last] = stand_ins[last].noting(name, value))
        }))
    }

    fn with_stand_ins(&self, change: impl FnOnce(&mut Vec<StandIn>)) -> Self {
        let mut givens = Givens::clone(&self.0.givens);
        change(&mut givens.stand_ins);
        Self(Flow { givens: Arc::new(givens), ..self.0.clone() })
    }
}
