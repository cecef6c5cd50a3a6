//! Tasks: structs whose fields are their parameters.
//!
//! [`Task`] is what the derive writes: the parameters, what is required, how the output is kept.
//! [`Run`] is what the user writes: how the output is made. A [`TaskType`] is both with the type
//! taken away, so that the tasks of a graph lie side by side in one plan.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::path::PathBuf;

use crate::base::code::{Code, Codes};
use crate::engine::execute::{Execute, execute};
use crate::plan::InstancesOf;
use crate::plan::refresh::Refresh;
use crate::plan::types::Instances;
use crate::task::cx::Cx;
use crate::task::input::Inputs;
use crate::task::keep::{Described, Files, Keep};
use crate::task::param::{ParamDecl, Values};
use crate::task::requirement::Requirements;
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
pub trait Task: Sized + Send + Sync + 'static {
    /// How the output is kept, and so what type it has.
    type Target: Keep;

    /// Whether it is run, made elsewhere, or an aggregate.
    #[doc(hidden)]
    type __Kind: TaskKind;

    /// What [`Cx::input`] gives: a handle for each task required, in the form that
    /// `#[task(requires ...)]` was written in.
    type Inputs: Inputs;

    /// How long the longest chain of requirements is. A cycle makes it impossible to compute, so
    /// that a task that requires itself does not compile.
    #[doc(hidden)]
    const __DEPTH: usize;

    #[doc(hidden)]
    const __PARAMS: &'static [ParamDecl];

    #[doc(hidden)]
    fn __decl() -> TaskDecl;

    #[doc(hidden)]
    fn __target() -> Self::Target;

    /// The task made of one value for each of its parameters.
    #[doc(hidden)]
    fn __build(values: &Values<'_>) -> Self;

    /// The field at `index`.
    #[doc(hidden)]
    fn __field(&self, index: usize) -> &dyn Any;

    #[doc(hidden)]
    fn __requires(&self, to: &mut Requirements) -> anyhow::Result<()>;

    /// Shows every task that may be required, whatever the parameters are.
    #[doc(hidden)]
    fn __requirement_types(visit: &mut dyn FnMut(&'static TaskType));

    /// Shows every task that it says to require while it runs.
    #[doc(hidden)]
    fn __may_require(_visit: &mut dyn FnMut(&'static TaskType)) {}

    #[doc(hidden)]
    fn __runs() -> Runs<Self>;

    /// Checks the output before it is kept.
    #[doc(hidden)]
    fn __check(_value: &Output<Self>) -> anyhow::Result<()> {
        Ok(())
    }

    /// Where the output lies that is made elsewhere.
    #[doc(hidden)]
    fn __path(&self) -> anyhow::Result<PathBuf> {
        anyhow::bail!("it is not made elsewhere")
    }

    /// When it runs again although nothing changed.
    #[doc(hidden)]
    const __REFRESH: Refresh = Refresh::Never;

    /// What says whether it is to be refreshed.
    #[doc(hidden)]
    fn __refresh(&self) -> anyhow::Result<Value> {
        anyhow::bail!("nothing says so")
    }

    /// The types of the handles that it uses, with their names.
    #[doc(hidden)]
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

/// A task with its type taken away.
#[doc(hidden)]
pub struct TaskType {
    pub(crate) id: fn() -> TypeId,
    pub(crate) decl: fn() -> TaskDecl,
    pub(crate) params: &'static [ParamDecl],
    pub(crate) requirement_types: fn(&mut dyn FnMut(&'static TaskType)),
    pub(crate) may_require: fn(&mut dyn FnMut(&'static TaskType)),
    pub(crate) instances: fn() -> Box<dyn Instances>,
    pub(crate) codes: fn() -> Codes,
    pub(crate) execute: Execute,
    pub(crate) kind: Kind,
    pub(crate) refresh: Refresh,
    pub(crate) uses: fn() -> Vec<(TypeId, &'static str)>,
    /// Whether its target can store values of its output's type at all.
    pub(crate) check_type: fn() -> anyhow::Result<()>,
    pub(crate) describe: fn(&Files<'_>) -> anyhow::Result<Described>,
    /// The name of the type of its output.
    pub(crate) output: fn() -> &'static str,
    /// Its own name in Rust, which may not be the one that it is stored under.
    pub(crate) rust_name: fn() -> String,
}

impl TaskType {
    /// The type `T`, taken away.
    pub fn of<T: Task>() -> &'static TaskType {
        <T as HasTaskType>::TYPE
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
        instances: || Box::new(InstancesOf::<T>::default()),
        codes: || {
            let mut codes = vec![T::__runs().code];
            T::Target::__codes(&mut codes);
            Codes(codes)
        },
        kind: <T::__Kind as TaskKind>::KIND,
        refresh: T::__REFRESH,
        uses: T::__uses,
        execute: execute::<T>,
        check_type: || T::__target().__check_type(),
        describe: |files| T::__target().__describe(files),
        output: std::any::type_name::<Output<T>>,
        rust_name: crate::__private::short_name::<T>,
    };
}
