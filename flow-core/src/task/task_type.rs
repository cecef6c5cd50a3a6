//! A task with its type erased, so that one plan can hold tasks of all types.

use std::any::{Any, TypeId};

use crate::base::code::{Code, Codes};
use crate::base::decl::TaskDecl;
use crate::files::Named;
use crate::target::{ColumnDigests, Outside, Source};
use crate::task::execute::{Execute, execute};
use crate::task::instances::Build;
use crate::task::keep::{Described, Files, Keep};
use crate::task::param::ParamDecl;
use crate::task::policy::TaskPolicy;
use crate::task::refresh::Refresh;
use crate::task::{Kind, Output, Task, TaskKind};

/// A task with its type erased: its declarations, and functions over values without a type.
#[doc(hidden)]
pub struct TaskType {
    pub(crate) id: fn() -> TypeId,
    pub(crate) decl: fn() -> TaskDecl,
    pub(crate) params: &'static [ParamDecl],
    pub(crate) requirement_types: fn(&mut dyn FnMut(&'static TaskType)),
    pub(crate) may_require: fn(&mut dyn FnMut(&'static TaskType)),
    pub(crate) build: Build,
    pub(crate) codes: fn() -> Codes,
    pub(crate) execute: Execute,
    pub(crate) kind: Kind,
    pub(crate) refresh: Refresh,
    /// The options of its execution, if it declares any.
    pub(crate) policy: Option<TaskPolicy>,
    /// Whether the output stays in the memory of this process.
    pub(crate) in_memory: bool,
    /// Whether the target reads folders of files: see `Target::IS_FOLDER`.
    pub(crate) is_folder: bool,
    pub(crate) uses: fn() -> Vec<(TypeId, &'static str)>,
    /// Checks whether the target can store values of the output's type at all.
    pub(crate) check_type: fn() -> anyhow::Result<()>,
    /// Returns the digests of some columns of an output that is one file. `None` if it has no columns.
    pub(crate) column_digests: fn(&Source, &[&str]) -> anyhow::Result<Option<ColumnDigests>>,
    /// Returns what the target stores outside of the store.
    pub(crate) outside: fn() -> Option<Box<dyn Outside>>,
    pub(crate) describe: fn(&Files<'_>) -> anyhow::Result<Described>,
    /// Returns another way to read the file of the output: see `Target::__reader`.
    pub(crate) reader: fn() -> Option<Box<dyn Any>>,
    /// The name of the output's type.
    pub(crate) output: fn() -> &'static str,
    /// The name of the task's type in Rust, which may differ from the name that it is stored under.
    pub(crate) rust_name: fn() -> String,
}

impl TaskType {
    /// Returns the task `T` with its type erased.
    pub fn of<T: Task>() -> &'static TaskType {
        <T as HasTaskType>::TYPE
    }

    /// Returns how the path of an external task stands for files.
    ///
    /// A target that reads one file could not read those of a pattern.
    pub(crate) fn named(&self) -> Named {
        if self.is_folder { Named::AsPattern } else { Named::Exactly }
    }
}

trait HasTaskType {
    const TYPE: &'static TaskType;
}

impl<T: Task> HasTaskType for T {
    const TYPE: &'static TaskType = &TaskType {
        id: TypeId::of::<T>,
        decl: T::__decl,
        params: T::__PARAMS,
        requirement_types: T::__requirement_types,
        may_require: T::__may_require,
        build: |values| Box::new(T::__build(values)),
        codes: || codes(T::__runs().code, T::Target::__codes),
        kind: <T::__Kind as TaskKind>::KIND,
        refresh: T::__REFRESH,
        policy: TaskPolicy::of::<T>(),
        in_memory: <T::Target as Keep>::__IN_MEMORY,
        is_folder: <T::Target as Keep>::__IS_FOLDER,
        uses: || uses(T::__uses(), T::__target().__outside()),
        execute: execute::<T>,
        check_type: || T::__target().__check_type(),
        column_digests: |source, names| T::__target().__column_digests(source, names),
        outside: || T::__target().__outside(),
        describe: |files| T::__target().__describe(files),
        reader: || T::__target().__output_reader(),
        output: std::any::type_name::<Output<T>>,
        rust_name: crate::base::names::short_name::<T>,
    };
}

/// Returns the types of the values that a task and its target use.
fn uses(
    mut uses: Vec<(TypeId, &'static str)>,
    outside: Option<Box<dyn Outside>>,
) -> Vec<(TypeId, &'static str)> {
    let more = outside.and_then(|outside| outside.uses());
    let more = more.filter(|(id, _)| uses.iter().all(|(other, _)| other != id));
    uses.extend(more);
    uses
}

/// Returns the code of a task and of its targets.
fn codes(own: Code, of_targets: fn(&mut Vec<Code>)) -> Codes {
    let mut codes = vec![own];
    of_targets(&mut codes);
    Codes(codes)
}
