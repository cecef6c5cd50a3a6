//! The instances of one task type, without the type.

use std::any::Any;
use std::path::PathBuf;

use crate::base::panics;
use crate::task::Task;
use crate::task::param::Values;
use crate::task::requirement::Requirements;
use crate::value::{AnyValue, Value};

/// The instances of one type, without the type.
pub(crate) trait Instances: Send + Sync {
    fn push(&mut self, values: &[AnyValue]) -> u32;
    fn get(&self, index: u32) -> &dyn Any;
    /// Takes an instance out, after which no place means what it did.
    fn take(&mut self, index: u32) -> Box<dyn Any>;
    fn field(&self, index: u32, field: usize) -> &dyn Any;
    /// Where the output lies of an external task.
    fn path(&self, index: u32) -> anyhow::Result<PathBuf>;
    /// What says whether it is to be refreshed.
    fn refresh(&self, index: u32) -> anyhow::Result<Value>;
    fn requires(&self, index: u32) -> anyhow::Result<Requirements>;
}

/// The instances of one type, in a vector of that type.
pub(crate) struct InstancesOf<T>(Vec<T>);

impl<T> Default for InstancesOf<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Drop for InstancesOf<T> {
    fn drop(&mut self) {
        // A plan is dropped by whichever thread has it last, which is one of the engine's maybe.
        if std::mem::needs_drop::<T>() {
            self.0.drain(..).for_each(panics::discard);
        }
    }
}

impl<T: Task> Instances for InstancesOf<T> {
    fn push(&mut self, values: &[AnyValue]) -> u32 {
        self.0.push(T::__build(&Values(values)));
        (self.0.len() - 1) as u32
    }

    fn get(&self, index: u32) -> &dyn Any {
        &self.0[index as usize]
    }

    fn take(&mut self, index: u32) -> Box<dyn Any> {
        Box::new(self.0.swap_remove(index as usize))
    }

    fn field(&self, index: u32, field: usize) -> &dyn Any {
        self.0[index as usize].__field(field)
    }

    fn path(&self, index: u32) -> anyhow::Result<PathBuf> {
        self.0[index as usize].__path()
    }

    fn refresh(&self, index: u32) -> anyhow::Result<Value> {
        self.0[index as usize].__refresh()
    }

    fn requires(&self, index: u32) -> anyhow::Result<Requirements> {
        let mut requirements = Requirements::default();
        self.0[index as usize].__requires(&mut requirements)?;
        Ok(requirements)
    }
}
