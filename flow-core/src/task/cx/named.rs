//! The inputs of a running task by name, for crates that read outputs whose types they do not know: SQL over inputs.

use std::any::Any;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

use super::{Cx, meta_from_json};
use crate::target::Source;
use crate::task::Task;
use crate::task::error::LoadError;
use crate::task::input::Handle;
use crate::task::keep::Files;
use crate::task::requirement::Requirements;

/// An input of a running task, without the type of its task.
#[doc(hidden)]
pub struct NamedInput {
    name: String,
    handle: Handle,
}

impl<T: Task> Cx<T> {
    /// Returns all inputs, in the order of `requires`.
    ///
    /// The name is that of the entry in `requires` or, if it has none, that of the required task. All inputs of a list
    /// or a map have one name.
    ///
    /// # Errors
    ///
    /// `requires` evaluates its expressions again, and one of them returns an error.
    #[doc(hidden)]
    pub fn __named_inputs(&self) -> anyhow::Result<Vec<NamedInput>> {
        let task = self.running.origin.task(self.running.node);
        let task: &T = task.downcast_ref().expect("the node is an instance of the task");
        let mut requirements = Requirements::default();
        task.__requires(&mut requirements)?;
        let roles: Vec<_> = requirements.entries.iter().map(|entry| entry.role).collect();
        Ok(named(&self.running, &roles))
    }

    /// Returns a metadata value that the task has recorded before, if it has this type.
    #[doc(hidden)]
    pub fn __recorded<V: DeserializeOwned>(&self, name: &str) -> Option<V> {
        meta_from_json(&self.base.log.attempt().recorded(name)?).ok()
    }
}

/// Returns the inputs of the running instance, whose entries have these names.
///
/// The number of inputs of each entry is that of the plan: an expression in `requires` may have changed since.
fn named(running: &Handle, roles: &[&str]) -> Vec<NamedInput> {
    let mut named = Vec::new();
    for (entry, role) in roles.iter().enumerate() {
        let (_, len) = running.origin.entry(running.node, entry);
        for _ in 0..len {
            let handle = running.input(named.len());
            let name = match *role {
                "" => task_name(&handle),
                role => role.to_owned(),
            };
            named.push(NamedInput { name, handle });
        }
    }
    named
}

fn task_name(handle: &Handle) -> String {
    (handle.origin.task_type(handle.node).decl)().name.into_owned()
}

impl NamedInput {
    /// Returns the name of the input.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name of the required task.
    pub fn task(&self) -> String {
        task_name(&self.handle)
    }

    /// Returns another way to read the file of the output: see `Target::__reader`.
    pub fn reader(&self) -> Option<Box<dyn Any>> {
        (self.handle.origin.task_type(self.handle.node).reader)()
    }

    /// Reads the file of the output. The caller records how much of it was read, after an error, too.
    ///
    /// # Errors
    ///
    /// The file is missing, or the function returns an error.
    pub fn read<V>(&self, read: impl Fn(&Source) -> anyhow::Result<V>) -> Result<V, LoadError> {
        self.handle.read("", |files: &Files<'_>| read(&files.source("")?))
    }

    /// Records that the task has read all of the output, or that it is not known how much.
    pub fn read_whole(&self) {
        self.handle.read_content("", None);
    }

    /// Records that the task has read these columns of the output, and has seen its shape: the number of rows, and which
    /// columns there are. If a digest of these is not known, the whole output counts.
    pub fn read_columns(&self, names: &[&str]) {
        let of_type = self.handle.origin.task_type(self.handle.node);
        let digests = |source: &Source, names: &[&str]| (of_type.column_digests)(source, names);
        let digests =
            self.handle.read("", |files| Ok(files.read_shape_and_columns("", names, &digests)));
        self.handle.read_content("", digests.ok().flatten());
    }

    /// Returns the path of the output, or an error if it has no file. For a dataset it is the folder of its files, also if
    /// these are named by a pattern.
    ///
    /// It identifies the files, and must not be used to read them: nothing is recorded.
    ///
    /// # Errors
    ///
    /// The output does not exist any more, or has no file.
    pub fn path(&self) -> Result<PathBuf, LoadError> {
        let path = self.handle.path()?;
        let made = self.handle.made()?;
        let source = Files { of: &self.handle, made: &made }.source("");
        Ok(source.map_or(path, |source| source.path().to_owned()))
    }
}
