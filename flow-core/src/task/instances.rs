//! The instances of one task type, stored without their type.
//!
//! Each instance is a box behind the trait [`Instance`], whose methods are all that the compiler generates for a
//! task type here. A vector of the task's own type would need less memory, but all operations of a vector would be
//! generated for each task.

use std::any::Any;
use std::path::PathBuf;

use crate::base::panics;
use crate::task::Task;
use crate::task::param::Values;
use crate::task::requirement::Requirements;
use crate::value::{AnyValue, Value};

/// One instance of a task, without its type.
pub(crate) trait Instance: Send + Sync {
    /// Returns the task.
    fn task(&self) -> &dyn Any;
    /// Returns the owned task.
    fn into_task(self: Box<Self>) -> Box<dyn Any>;
    /// Returns the value of a parameter.
    fn field(&self, field: usize) -> &dyn Any;
    /// Evaluates the `path` of an external task.
    fn path(&self) -> anyhow::Result<PathBuf>;
    /// Evaluates the `refresh` expression.
    fn refresh(&self) -> anyhow::Result<Value>;
    /// Evaluates `requires`.
    fn requires(&self, to: &mut Requirements) -> anyhow::Result<()>;
}

impl<T: Task> Instance for T {
    fn task(&self) -> &dyn Any {
        self
    }

    fn into_task(self: Box<Self>) -> Box<dyn Any> {
        self
    }

    fn field(&self, field: usize) -> &dyn Any {
        self.__field(field)
    }

    fn path(&self) -> anyhow::Result<PathBuf> {
        self.__path()
    }

    fn refresh(&self) -> anyhow::Result<Value> {
        self.__refresh()
    }

    fn requires(&self, to: &mut Requirements) -> anyhow::Result<()> {
        self.__requires(to)
    }
}

/// Creates an instance of one task type.
pub(crate) type Build = fn(&Values<'_>) -> Box<dyn Instance>;

/// The instances of one task type.
pub(crate) struct Instances {
    build: Build,
    all: Vec<Box<dyn Instance>>,
}

impl Drop for Instances {
    fn drop(&mut self) {
        // The last owner of a plan may be a thread of the engine, where a panicking destructor must be contained.
        self.all.drain(..).for_each(panics::discard);
    }
}

impl Instances {
    pub(crate) fn new(build: Build) -> Self {
        Self { build, all: Vec::new() }
    }

    /// Adds an instance with these values of its parameters, and returns its index.
    pub(crate) fn push(&mut self, values: &[AnyValue]) -> u32 {
        self.all.push((self.build)(&Values(values)));
        (self.all.len() - 1) as u32
    }

    /// Returns the task of an instance.
    pub(crate) fn get(&self, index: u32) -> &dyn Any {
        self.all[index as usize].task()
    }

    /// Removes and returns the task of an instance. Indices are invalid afterwards.
    pub(crate) fn take(&mut self, index: u32) -> Box<dyn Any> {
        self.all.swap_remove(index as usize).into_task()
    }

    /// Returns the value of a parameter of an instance.
    pub(crate) fn field(&self, index: u32, field: usize) -> &dyn Any {
        self.all[index as usize].field(field)
    }

    /// Evaluates the `path` of an external task.
    pub(crate) fn path(&self, index: u32) -> anyhow::Result<PathBuf> {
        self.all[index as usize].path()
    }

    /// Evaluates the `refresh` expression.
    pub(crate) fn refresh(&self, index: u32) -> anyhow::Result<Value> {
        self.all[index as usize].refresh()
    }

    /// Evaluates `requires`.
    pub(crate) fn requires(&self, index: u32) -> anyhow::Result<Requirements> {
        let mut requirements = Requirements::default();
        self.all[index as usize].requires(&mut requirements)?;
        Ok(requirements)
    }
}
