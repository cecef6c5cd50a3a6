//! The declaration of a task, without its parameters.

use std::borrow::Cow;

/// The declaration of a task, without its parameters.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct TaskDecl {
    /// The name with type parameters, such as `Fit<Ols>`.
    pub name: Cow<'static, str>,
    /// The name under which the task is stored, if it was renamed.
    pub was: Option<Cow<'static, str>>,
    /// The path of the module that declares the task.
    pub module: &'static str,
    pub doc: &'static str,
    pub version: u32,
    /// The target as the user wrote it.
    pub target: &'static str,
    /// The folder that holds the folders of all tasks of the group.
    pub group: Option<&'static str>,
    /// The folder of its outputs, if it differs from the name of the task.
    pub dir: Option<&'static str>,
}

impl TaskDecl {
    /// Returns the name that keys and fingerprints hash: the one under which the task was first
    /// stored.
    ///
    /// A renamed task keeps its keys, so that nothing has to be moved. Its new instances go to a
    /// folder of the new name.
    pub(crate) fn identity(&self) -> &str {
        self.was.as_ref().unwrap_or(&self.name)
    }
}
