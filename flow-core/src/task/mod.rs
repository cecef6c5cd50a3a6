//! The API that users write tasks with: tasks, parameters, requirements, and the context of a running task.
//!
//! The derive implements [`Task`]: the parameters, the requirements, and the target of the output. The user
//! implements [`Run`], which computes the output. A [`TaskType`] is a task with its type erased, so that one plan
//! can hold tasks of all types.
//!
//! A running task gets a [`Cx`], and from it an [`Input`](input::Input) handle for each task that it requires.
//! Nothing here depends on the planner or the engine. What this layer needs of them it declares as three
//! traits, which the layers above implement: [`Host`](cx::Host) for a running task, and
//! [`Origin`](input::Origin) and [`RunOutputs`](input::RunOutputs) for a handle.
//!
//! | module | content |
//! | --- | --- |
//! | [`param`], [`setting`] | typed keys of parameters, their declarations, and values given to them |
//! | `into_param` | conversions of given values to the types of parameters |
//! | [`requirement`] | the dependencies of an instance, before they are resolved |
//! | [`task_type`], [`instances`], [`registry`], [`info`] | tasks without their types, and what tools read of them |
//! | [`cx`], [`command`] | what a running task can use: inputs, files, metadata, programs, further tasks |
//! | [`input`], [`loaded`] | handles on outputs, and loaded values |
//! | [`provider`] | constructors of the values that tasks use |
//! | [`keep`] | how an output is stored: in a file, in several, in memory |
//! | [`execute`] | runs a task where its type is known |
//! | [`expectation`] | what the check of an output reports, and what is recorded of it |
//! | [`policy`], [`backoff`], [`amount`] | how an instance is executed: retries, time-outs, resources |
//! | [`error`] | errors of loading an output and of requiring a task |

pub(crate) mod amount;
pub(crate) mod backoff;
pub(crate) mod code_item;
pub(crate) mod command;
pub(crate) mod cx;
pub(crate) mod error;
pub(crate) mod execute;
pub(crate) mod expectation;
pub(crate) mod grid;
pub(crate) mod info;
pub(crate) mod input;
pub(crate) mod instances;
mod into_param;
pub(crate) mod keep;
pub(crate) mod loaded;
pub(crate) mod param;
pub(crate) mod policy;
pub(crate) mod provider;
pub(crate) mod refresh;
pub(crate) mod registry;
pub(crate) mod requirement;
pub(crate) mod setting;
pub(crate) mod task_type;

use std::any::{Any, TypeId};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::code::Code;
use crate::base::decl::TaskDecl;
use crate::task::cx::Cx;
use crate::task::expectation::Checks;
use crate::task::input::Inputs;
use crate::task::keep::Keep;
use crate::task::param::{ParamDecl, Values};
use crate::task::policy::{Declares, Policy};
use crate::task::refresh::Refresh;
use crate::task::requirement::Requirements;
pub use crate::task::task_type::TaskType;
use crate::value::Value;

/// A step of a pipeline: a struct whose fields are its parameters.
///
/// `#[derive(Task)]` and `#[task(...)]` implement this trait. Implement [`Run`] to say how the output is computed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a task",
    label = "not a task",
    note = "write `#[derive(Task)]` and `#[task(target = ...)]` above the struct"
)]
pub trait Task: Declared {
    /// How the output is stored, which determines its type.
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

    /// Fails to compile for a generic task whose impl of `Run` has no `#[tracked]`.
    ///
    /// The code of a generic task is known only once it is instantiated. The compiler reports the error at the
    /// constant, which is therefore in the user's code. A task without type parameters is checked by another one.
    const __IS_TRACKED: () = ();

    const __PARAMS: &'static [ParamDecl];

    /// When the task runs again although nothing changed.
    const __REFRESH: Refresh = Refresh::Never;

    /// Which options of its execution the task declares.
    const __POLICY: Declares = Declares::Nothing;

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

    fn __runs() -> RunCode<Self>
    where
        Self: Task;

    /// Checks the output before it is stored.
    fn __check(_value: &Output<Self>, _checks: &mut Checks<'_>) -> anyhow::Result<()>
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

    /// Sets the options of the execution of one attempt. It is called if `__POLICY` says that there are any.
    fn __policy(&self, _attempt: u32, _to: &mut Policy) {}

    /// Returns the types of the handles that the task uses, with their names.
    fn __uses() -> Vec<(TypeId, &'static str)> {
        Vec::new()
    }
}

/// The type that a task returns, and that loading its output returns.
pub type Output<T> = <<T as Task>::Target as Keep>::Value;

/// How the output of a task is produced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// By running the task.
    Made,
    /// By another program: the output is an existing file.
    External,
    /// The task has no output of its own, and stands for the tasks that it requires.
    Aggregate,
}

/// How the output of a task is produced, as a type.
#[doc(hidden)]
#[expect(private_interfaces, reason = "only the core reads it")]
pub trait TaskKind {
    const KIND: Kind;
}

#[doc(hidden)]
pub enum ByRun {}

#[doc(hidden)]
pub enum IsExternal {}

#[doc(hidden)]
pub enum IsAggregate {}

impl TaskKind for ByRun {
    const KIND: Kind = Kind::Made;
}

impl TaskKind for IsExternal {
    const KIND: Kind = Kind::External;
}

impl TaskKind for IsAggregate {
    const KIND: Kind = Kind::Aggregate;
}

/// A task that is run.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a task that is `external` or an `aggregate` has no `run`",
    label = "this task is not run",
    note = "leave out the impl of `Run`; if the task is to run, leave out `external` or `aggregate` instead, and name \
            a `target`"
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

impl HasOutput for IsExternal {}

/// The code of a task, which computes its output.
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
    ///
    /// A task whose impl has neither `#[tracked]` nor a constant `CODE` does not compile.
    const CODE: Code = Code::__MISSING;

    /// Computes the output.
    ///
    /// # Errors
    ///
    /// Any error makes the task fail with that message. Tasks that require it are not run; all others are. A
    /// panic counts as an error.
    fn run(&self, cx: &Cx<Self>) -> anyhow::Result<Output<Self>>;
}

/// A task that is declared with `#[task(uses(C))]`.
#[diagnostic::on_unimplemented(
    message = "the task `{Self}` does not say that it uses a `{C}`",
    label = "not among what the task uses",
    note = "write `#[task(uses({C}))]` above the task, and give the flow one with `flow.provide(...)`"
)]
pub trait Uses<C>: Task {}

/// The code of a task, and the function that runs it.
#[doc(hidden)]
pub struct RunCode<T: Task> {
    pub(crate) code: Code,
    pub(crate) run: fn(&T, &Cx<T>) -> anyhow::Result<Output<T>>,
}

/// The code of a task, as a value that the compiler can compute although the output's type is unknown because of
/// another mistake.
#[doc(hidden)]
pub struct Coded<T: Task> {
    code: Code,
    runs: fn() -> RunCode<T>,
}

/// The only function in an expansion that requires `Run`, so that a missing impl is reported once.
#[doc(hidden)]
pub const fn coded<T: Run>() -> Coded<T> {
    Coded { code: T::CODE, runs: || RunCode { code: T::CODE, run: T::run } }
}

impl<T: Task> Coded<T> {
    pub fn runs(self) -> RunCode<T> {
        (self.runs)()
    }

    /// Fails to compile with `message` if `#[tracked]` was forgotten.
    pub const fn check(&self, message: &'static str) {
        self.code.__check(message);
    }
}

/// Returns the placeholder for external and aggregate tasks, which are never run.
#[doc(hidden)]
pub const fn not_run<T: Task>() -> RunCode<T> {
    let run = |_: &T, _: &Cx<T>| Err(anyhow::anyhow!("it is not run: a mistake of this library"));
    RunCode { code: Code::version(0), run }
}
