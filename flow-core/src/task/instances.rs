//! The instances of one task type, stored in a vector of that type and accessed without it.

use std::any::Any;
use std::path::PathBuf;

use crate::base::panics;
use crate::task::Task;
use crate::task::param::Values;
use crate::task::requirement::Requirements;
use crate::value::{AnyValue, Value};

/// The instances of one task type, without the type.
pub(crate) trait Instances: Send + Sync {
    /// Adds an instance with these values of its parameters, and returns its index.
    fn push(&mut self, values: &[AnyValue]) -> u32;
    /// Returns the task of an instance.
    fn get(&self, index: u32) -> &dyn Any;
    /// Removes and returns the task of an instance. Indices are invalid afterwards.
    fn take(&mut self, index: u32) -> Box<dyn Any>;
    /// Returns the value of a parameter of an instance.
    fn field(&self, index: u32, field: usize) -> &dyn Any;
    /// Evaluates the `path` of an external task.
    fn path(&self, index: u32) -> anyhow::Result<PathBuf>;
    /// Evaluates the `refresh` expression.
    fn refresh(&self, index: u32) -> anyhow::Result<Value>;
    /// Evaluates `requires`.
    fn requires(&self, index: u32) -> anyhow::Result<Requirements>;
}

/// The instances of the task type `T`.
pub(crate) struct InstancesOf<T>(Vec<T>);

impl<T> Default for InstancesOf<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Drop for InstancesOf<T> {
    fn drop(&mut self) {
        // The last owner of a plan may be a thread of the engine, where a panicking destructor must be contained.
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
