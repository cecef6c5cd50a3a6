//! What users write against: tasks, parameters, requirements, and what a running task can ask.
//!
//! [`Task`] is what the derive writes: the parameters, what is required, how the output is kept.
//! [`Run`] is what the user writes: how the output is made. A [`TaskType`] is both with the type
//! taken away, so that the tasks of a graph lie side by side in one plan.
//!
//! A running task gets a [`Cx`], and through it the [`Input`](input::Input) handles of what it requires.
//! Neither knows the planner or the engine: what they need of them is declared here as traits,
//! [`Host`](cx::Host) for a running task and [`Origin`](input::Origin) for a handle, which layers above
//! implement.

pub(crate) mod command;
pub(crate) mod cx;
pub(crate) mod error;
pub(crate) mod execute;
pub(crate) mod grid;
pub(crate) mod input;
pub(crate) mod instances;
pub(crate) mod keep;
pub(crate) mod loaded;
pub(crate) mod param;
pub(crate) mod refresh;
pub(crate) mod registry;
pub(crate) mod requirement;
pub(crate) mod setting;
pub(crate) mod task_type;

use std::any::{Any, TypeId};
use std::path::PathBuf;

use crate::base::code::Code;
use crate::base::decl::TaskDecl;
use crate::task::cx::Cx;
use crate::task::input::Inputs;
use crate::task::keep::Keep;
use crate::task::param::{ParamDecl, Values};
use crate::task::refresh::Refresh;
use crate::task::requirement::Requirements;
pub use crate::task::task_type::TaskType;
use crate::value::Value;

/// A step of a pipeline: a struct whose fields are its parameters.
///
/// Written by `#[derive(Task)]` and `#[task(...)]`; how the output is made is said by implementing
/// [`Run`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a task",
    label = "not a task",
    note = "write `#[derive(Task)]` and `#[task(target = ...)]` above the struct"
)]
pub trait Task: Declared {
    /// How the output is stored, and so what type it has.
    type Target: Keep;

    /// The type of [`Cx::input`]: a handle for each dependency, in the form of `#[task(requires ...)]`.
    type Inputs: Inputs;
}

/// The declaration of a task, which `#[derive(Task)]` writes beside [`Task`].
///
/// It is a trait of its own, which no prelude exports, so that its items are neither in the documentation of
/// `Task` nor among the completions of a user's task.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a task",
    label = "not a task",
    note = "write `#[derive(Task)]` and `#[task(target = ...)]` above the struct"
)]
pub trait Declared: Sized + Send + Sync + 'static {
    /// Whether the task is run, external, or an aggregate.
    type __Kind: TaskKind;

    /// The length of the longest chain of dependencies.
    ///
    /// It cannot be computed for a cycle, so that a task that requires itself does not compile. The compiler
    /// shows the name.
    #[expect(non_upper_case_globals, reason = "it is a part of the compiler's message")]
    const task_requires_itself: usize;

    const __PARAMS: &'static [ParamDecl];

    /// When the task runs again although nothing changed.
    const __REFRESH: Refresh = Refresh::Never;

    fn __decl() -> TaskDecl;

    fn __target() -> <Self as Task>::Target
    where
        Self: Task;

    /// Returns the task with these values of its parameters.
    fn __build(values: &Values<'_>) -> Self;

    /// Returns the field at `index`.
    fn __field(&self, index: usize) -> &dyn Any;

    /// Adds the dependencies of this instance.
    fn __requires(&self, to: &mut Requirements) -> anyhow::Result<()>;

    /// Visits every task that may be required, whatever the parameters are.
    fn __requirement_types(visit: &mut dyn FnMut(&'static TaskType));

    /// Visits every task that is declared as `may_require`.
    fn __may_require(_visit: &mut dyn FnMut(&'static TaskType)) {}

    fn __runs() -> Runs<Self>
    where
        Self: Task;

    /// Checks the output before it is stored.
    fn __check(_value: &Output<Self>) -> anyhow::Result<()>
    where
        Self: Task,
    {
        Ok(())
    }

    /// Evaluates the path of an external task.
    fn __path(&self) -> anyhow::Result<PathBuf> {
        anyhow::bail!("the task is not external")
    }

    /// Evaluates the expression of `refresh`.
    fn __refresh(&self) -> anyhow::Result<Value> {
        anyhow::bail!("the task has no `refresh` expression")
    }

    /// Returns the types of the handles that the task uses, with their names.
    fn __uses() -> Vec<(TypeId, &'static str)> {
        Vec::new()
    }
}

/// What a task returns and what loading its output gives.
pub type Output<T> = <<T as Task>::Target as Keep>::Value;

/// How an output comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By running the task.
    Made,
    /// Somewhere else.
    External,
    /// It has none: it stands for those of others.
    Aggregate,
}

/// How the output of a task comes about, as a type.
#[doc(hidden)]
#[expect(private_interfaces, reason = "the core asks, nobody else")]
pub trait TaskKind {
    const KIND: Kind;
}

#[doc(hidden)]
pub enum ByRun {}

#[doc(hidden)]
pub enum Elsewhere {}

#[doc(hidden)]
pub enum Together {}

impl TaskKind for ByRun {
    const KIND: Kind = Kind::Made;
}

impl TaskKind for Elsewhere {
    const KIND: Kind = Kind::External;
}

impl TaskKind for Together {
    const KIND: Kind = Kind::Aggregate;
}

/// A task that is run.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a task that is `external` or an `aggregate` has no `run`",
    label = "this task is not run",
    note = "leave out the impl of `Run`, or say in `#[task(...)]` how its output is kept"
)]
pub trait HasRun {}

impl HasRun for ByRun {}

/// A task that has an output of its own, which a test can give.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a task that is an `aggregate` has no output of its own",
    label = "this task has no output",
    note = "give outputs of the tasks that it requires"
)]
pub trait HasOutput {}

impl HasOutput for ByRun {}

impl HasOutput for Elsewhere {}

/// How a task makes its output.
///
/// Write `#[tracked]` above the impl: it fills in [`CODE`](Run::CODE), so that a change of the
/// code makes the task run again.
#[diagnostic::on_unimplemented(
    message = "the task `{Self}` does not say how it is made",
    label = "`Run` is not implemented for this task",
    note = "write `#[tracked] impl Run for {Self} {{ fn run(&self, cx: &Cx<Self>) -> Result<...> {{ ... }} }}`"
)]
pub trait Run: Task<__Kind: HasRun> {
    /// The code of `run`, filled in by `#[tracked]` above the impl.
    const CODE: Code;

    /// Makes the output.
    ///
    /// # Errors
    ///
    /// Any. The task then counts as failed with that message, what requires it is not run, and
    /// everything else goes on. A panic counts as an error.
    fn run(&self, cx: &Cx<Self>) -> anyhow::Result<Output<Self>>;
}

/// A task that says `#[task(uses(C))]`.
#[diagnostic::on_unimplemented(
    message = "the task `{Self}` does not say that it uses a `{C}`",
    label = "not among what the task uses",
    note = "write `#[task(uses({C}))]` above the task, and give the flow one with `flow.provide(...)`"
)]
pub trait Uses<C>: Task {}

/// How a task that is [`Run`] is run.
#[doc(hidden)]
pub struct Runs<T: Task> {
    pub(crate) code: Code,
    pub(crate) run: fn(&T, &Cx<T>) -> anyhow::Result<Output<T>>,
}

#[doc(hidden)]
pub const fn runs<T: Run>() -> Runs<T> {
    Runs { code: T::CODE, run: T::run }
}

/// How a task that is not run is not run.
#[doc(hidden)]
pub const fn not_run<T: Task>() -> Runs<T> {
    let run = |_: &T, _: &Cx<T>| Err(anyhow::anyhow!("it is not run: a mistake of this library"));
    Runs { code: Code::version(0), run }
}
