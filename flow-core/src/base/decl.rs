//! What the user wrote about a task, apart from its parameters.

use std::borrow::Cow;

/// What the user wrote about a task, apart from its parameters.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct TaskDecl {
    /// The name, with type parameters: `Fit<Ols>`.
    pub name: Cow<'static, str>,
    /// The name it is stored under, if it was renamed.
    pub was: Option<Cow<'static, str>>,
    /// The path of the module it is declared in.
    pub module: &'static str,
    pub doc: &'static str,
    pub version: u32,
    /// How the user wrote the target.
    pub target: &'static str,
    /// The folder that those of the tasks of a group lie in.
    pub group: Option<&'static str>,
    /// The folder of its outputs, if it is not named as the task.
    pub dir: Option<&'static str>,
}

impl TaskDecl {
    /// The name it counts under in keys: the one it was first stored with.
    pub(crate) fn identity(&self) -> &str {
        self.was.as_ref().unwrap_or(&self.name)
    }
}
