//! Outputs given instead of being made: what the testing kit asks of a flow.

use std::any::Any;
use std::sync::Arc;

use serde::Serialize;

use super::Flow;
use crate::plan::given::Givens;
use crate::plan::stand_in::{Applies, StandIn};
use crate::store::record::Meta;
use crate::task::cx::meta_to_json;
use crate::task::{HasOutput, Output, Task, TaskType};

/// Which instances of a task an output is for.
type AppliesTo<A> = Box<dyn Fn(&A) -> bool + Send + Sync>;

/// A flow whose store nobody works with, so that outputs may be given to it.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Scratch(Flow);

impl Scratch {
    /// Says that nobody works with the store of this flow.
    pub fn new(flow: Flow) -> Self {
        Self(flow)
    }

    pub fn flow(&self) -> &Flow {
        &self.0
    }

    /// The same flow with another one's settings.
    #[must_use]
    pub fn map(&self, change: impl FnOnce(&Flow) -> Flow) -> Self {
        Self(change(&self.0))
    }

    /// Gives the output of the instances of `A` for which `applies` holds; without it, of all.
    #[must_use]
    pub fn with_output<A: Task<__Kind: HasOutput>>(
        &self,
        applies: Option<AppliesTo<A>>,
        value: Output<A>,
    ) -> Self {
        let applies = applies.map(|applies| {
            let applies: Applies = Arc::new(move |instance: &dyn Any| {
                applies(instance.downcast_ref().expect("only its own task is asked"))
            });
            applies
        });
        let stand_in = StandIn::new(TaskType::of::<A>(), applies, Arc::new(value), Meta::new());
        self.giving(|stand_ins| stand_ins.push(stand_in))
    }

    /// Records metadata of the output of `A` that was given last, as [`Cx::meta`](crate::Cx::meta) does;
    /// `None` if none was.
    ///
    /// # Errors
    ///
    /// The value cannot be written as JSON.
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
            self.giving(|stand_ins| stand_ins[last] = stand_ins[last].noting(name, value))
        }))
    }

    fn giving(&self, change: impl FnOnce(&mut Vec<StandIn>)) -> Self {
        let mut givens = Givens::clone(&self.0.givens);
        change(&mut givens.stand_ins);
        Self(Flow { givens: Arc::new(givens), ..self.0.clone() })
    }
}
