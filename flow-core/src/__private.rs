//! What the expansions of the macros call: no part of the API.

pub use std::any::Any;
pub use std::borrow::Cow;
use std::fmt;
use std::ops::RangeBounds;
pub use std::sync::Arc;

pub use crate::base::code::{Code, Tracked};
pub use crate::base::decl::TaskDecl;
pub use crate::base::names::short_name;
pub use crate::check::all::{Report, Sound};
pub use crate::flow::Scratch;
pub use crate::store::draft::Draft;
pub use crate::store::place::Places;
pub use crate::target::Target;
use crate::target::{Sink, Source};
use crate::task::Output;
pub use crate::task::cx::Cx;
pub use crate::task::input::{Input, Inputs, Wires};
pub use crate::task::keep::{
    Described, Files, Gathered, Keep, KeepPart, Outputs, Part, Saving, Several,
};
use crate::task::loaded::Loaded;
pub use crate::task::param::{IntoParam, Param, ParamDecl, Parameter, Values, expect};
pub use crate::task::refresh::Refresh;
pub use crate::task::registry::Registered;
pub use crate::task::requirement::{Requirements, Settings};
pub use crate::task::{
    ByRun, Declared, Elsewhere, HasOutput, HasRun, Run, Runs, Task, TaskKind, TaskType, Together,
    Uses, not_run, runs,
};
pub use crate::value::AnyValue;
pub use crate::value::Value;
pub use anyhow;
pub use inventory;

/// The value of `#[param(default = ...)]`.
pub fn default<T: Parameter>(value: impl IntoParam<T>) -> AnyValue {
    Arc::new(value.into_param())
}

/// The longer of two chains of requirements.
pub const fn longer(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// The source of `#[param(from = KEY)]`, which must have the field's type.
pub fn source<K: Task, T: Parameter>(key: Param<K, T>) -> (&'static TaskType, usize) {
    (TaskType::of::<K>(), key.index())
}

/// A type that a field can have: a [`Parameter`], said in one message if it is none.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter",
    label = "not a parameter",
    note = "write `#[derive(Clone, Serialize, Deserialize)]` above the type"
)]
pub trait FieldType: Parameter {}

#[diagnostic::do_not_recommend]
impl<T: Parameter> FieldType for T {}

/// A field of type `T`.
pub struct Field<T> {
    pub decl: ParamDecl,
    clone: fn(&T) -> T,
}

/// What is known of a field by its type. All that asks for the type's traits goes through it.
pub const fn field<T: FieldType>(name: &'static str, doc: &'static str) -> Field<T> {
    Field { decl: ParamDecl::new::<T>(name, doc), clone: T::clone }
}

impl<T: 'static> Field<T> {
    /// The value at `index`, which is of the type of the field there.
    pub fn value(&self, values: &Values<'_>, index: usize) -> T {
        (self.clone)(expect(values.0[index].as_ref()))
    }

    /// A copy of the value of a field, for a function that takes it.
    pub fn copy(&self, value: &T) -> T {
        (self.clone)(value)
    }
}

/// A type that the macro could not make out, and has reported: its argument is the error.
pub struct Unknown<const ERROR: usize>;

impl<const ERROR: usize> Target for Unknown<ERROR> {
    type Value = [u8; ERROR];
    const EXTENSION: &'static str = "";
    const CODE: Code = Code::version(0);

    fn save(&self, _: &[u8; ERROR], _: &mut Sink<'_>) -> anyhow::Result<()> {
        anyhow::bail!("the task does not compile")
    }

    fn load(&self, _: &Source) -> anyhow::Result<[u8; ERROR]> {
        anyhow::bail!("the task does not compile")
    }
}

impl<const ERROR: usize> Inputs for Unknown<ERROR> {
    fn take(_: &mut Wires<'_>) -> Self {
        Self
    }
}

/// What is said of a parameter that is not there.
#[cold]
pub fn no_param(index: usize) -> &'static dyn Any {
    unreachable!("the task has no parameter at {index}")
}

/// Whether `#[param(range = ...)]` holds.
pub fn in_range<T: PartialOrd + 'static, R: RangeBounds<T>>(range: R, value: &dyn Any) -> bool {
    range.contains(expect::<T>(value))
}

/// Whether `#[param(choices = [...])]` holds.
pub fn one_of<T: PartialEq + 'static>(choices: &[T], value: &dyn Any) -> bool {
    choices.contains(expect::<T>(value))
}

/// The key of an item of a map. By reference, since the item may be needed for more.
pub fn map_key<T, K: IntoParam<T> + Clone>(key: &K) -> T {
    key.clone().into_param()
}

/// What `#[task(refresh = ...)]` may be: a value that serde can write, or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say whether a task is to be refreshed",
    label = "not a value that can be compared",
    note = "write a value that implements serde's `Serialize`, such as a `String` or a number, or a `Result` of one"
)]
pub trait Compared {
    fn compared(&self) -> anyhow::Result<Value>;
}

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize> Compared for T {
    fn compared(&self) -> anyhow::Result<Value> {
        Ok(crate::value::to_value(self)?)
    }
}

/// The value of the expression. Its methods find out by the type whether it may have failed: the
/// first impl fits what is a `Result`, and the second, for which one more reference is taken, the
/// rest.
pub struct Asked<T>(pub T);

pub trait MayFail {
    type Value;
    fn value(&self) -> anyhow::Result<&Self::Value>;
}

impl<T, E: fmt::Debug + fmt::Display> MayFail for Asked<Result<T, E>> {
    type Value = T;

    fn value(&self) -> anyhow::Result<&T> {
        // `{:#}` has the causes of an `anyhow::Error`, too.
        self.0.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))
    }
}

pub trait NeverFails<'a> {
    type Value: 'a;
    fn value(&self) -> anyhow::Result<&'a Self::Value>;
}

impl<'a, T> NeverFails<'a> for &'a Asked<T> {
    type Value = T;

    fn value(&self) -> anyhow::Result<&'a T> {
        Ok(&self.0)
    }
}

/// The value that an expression gave, in the common form.
pub fn compared<T: Compared>(value: &T) -> anyhow::Result<Value> {
    value.compared()
}

/// What a function that is a task is given: the output of a task that it requires.
pub fn load<A: Task>(input: &Input<A>) -> anyhow::Result<Loaded<Output<A>>> {
    Ok(input.load()?)
}

/// An output that a function can be given by value.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be taken by value, for it cannot be cloned",
    label = "not `Clone`",
    note = "others may have loaded the same value: take a reference to it, or write `#[derive(Clone)]` \
            above the type"
)]
pub trait TakenByValue: Clone {}

#[diagnostic::do_not_recommend]
impl<T: Clone> TakenByValue for T {}

/// The value, for the function to change.
pub fn owned<T: TakenByValue>(loaded: Loaded<T>) -> T {
    loaded.into_owned()
}

/// An error that a function that is a task can give.
#[diagnostic::on_unimplemented(
    message = "a task cannot fail with a `{Self}`",
    label = "not an error",
    note = "give an `anyhow::Error`, as `Result<T>` of the prelude does, or a type that implements \
            `std::error::Error`"
)]
pub trait Failure {
    fn into_error(self) -> anyhow::Error;
}

#[diagnostic::do_not_recommend]
impl<E: Into<anyhow::Error>> Failure for E {
    fn into_error(self) -> anyhow::Error {
        self.into()
    }
}

/// What a function can give whose target keeps a `T`: that, or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "the function gives a `{Self}`, and its target keeps a `{T}`",
    label = "not what the target keeps",
    note = "the function gives what `#[task(target = ...)]` keeps, or a `Result` of it"
)]
pub trait Gives<T> {
    fn output(self) -> anyhow::Result<T>;
}

#[diagnostic::do_not_recommend]
impl<T> Gives<T> for T {
    fn output(self) -> anyhow::Result<T> {
        Ok(self)
    }
}

impl<T, E: Failure> Gives<T> for Result<T, E> {
    fn output(self) -> anyhow::Result<T> {
        self.map_err(Failure::into_error)
    }
}

/// What a function has given, as the output of the task that it is.
pub fn output<T, G: Gives<T>>(given: G) -> anyhow::Result<T> {
    given.output()
}

/// What came of a check of an output, or of a part.
pub fn checked<E: Into<anyhow::Error>>(part: &str, result: Result<(), E>) -> anyhow::Result<()> {
    result.map_err(|error| {
        error.into().context(match part {
            "" => "the output is not as expected".to_owned(),
            part => format!("the output `{part}` is not as expected"),
        })
    })
}

/// A task that is required, so that one that is none is said once.
pub trait Required {
    type Task: Task;
}

impl<T: Task> Required for T {
    type Task = T;
}

/// How a struct of outputs is kept, so that one that is none is said once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no struct of outputs",
    label = "not outputs",
    note = "write `#[derive(Outputs)]` above the struct, and `#[output(Json)]` or the like above each field"
)]
pub trait KeptApart {
    type Target: Keep;
}

#[diagnostic::do_not_recommend]
impl<O: Outputs> KeptApart for O {
    type Target = Several<O>;
}

/// The settings of a requirement, none so far.
pub fn settings<K: Task>() -> Settings<K> {
    Settings::new()
}

/// A typed key, so that what is none is said once.
pub fn key<K: Task, T>(key: Param<K, T>) -> Param<K, T> {
    key
}

/// The task that a parameter belongs to.
pub fn task_of<K: Task, T>(_: Param<K, T>) -> &'static TaskType {
    TaskType::of::<K>()
}

/// The name of a task with type arguments: `Fit<Ols, 3>`.
pub fn generic_name(name: &str, arguments: &[String]) -> String {
    format!("{name}<{}>", arguments.join(", "))
}
