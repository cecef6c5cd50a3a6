//! Items that macro expansions call. They are not part of the public API.

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

/// Converts the value of `#[param(default = ...)]` to the type of the parameter.
pub fn default<T: Parameter>(value: impl IntoParam<T>) -> AnyValue {
    Arc::new(value.into_param())
}

/// Returns the length of the longer of two chains of dependencies.
pub const fn longer(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// Returns the source of `#[param(from = KEY)]`, which must have the type of the field.
pub fn source<K: Task, T: Parameter>(key: Param<K, T>) -> (&'static TaskType, usize) {
    (TaskType::of::<K>(), key.index())
}

/// A type that a field can have: any [`Parameter`]. Reduces the compiler's errors for others to one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter",
    label = "not a parameter",
    note = "write `#[derive(Clone, Serialize, Deserialize)]` above the type"
)]
pub trait FieldType: Parameter {}

#[diagnostic::do_not_recommend]
impl<T: Parameter> FieldType for T {}

/// The declaration of a field of type `T`.
pub struct Field<T> {
    pub decl: ParamDecl,
    clone: fn(&T) -> T,
}

/// Declares a field. It is the only place in an expansion that requires the traits of the field's type.
pub const fn field<T: FieldType>(name: &'static str, doc: &'static str) -> Field<T> {
    Field { decl: ParamDecl::new::<T>(name, doc), clone: T::clone }
}

impl<T: 'static> Field<T> {
    /// Returns the value at `index`, which must have the type of this field.
    pub fn value(&self, values: &Values<'_>, index: usize) -> T {
        (self.clone)(expect(values.0[index].as_ref()))
    }

    /// Clones the value of a field, to pass it to a task function by value.
    pub fn copy(&self, value: &T) -> T {
        (self.clone)(value)
    }
}

/// Placeholder for a type that the macro could not determine. `ERROR` fails to compile and reports why.
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

/// Panics because a task has no parameter at `index`.
#[cold]
pub fn no_param(index: usize) -> &'static dyn Any {
    unreachable!("the task has no parameter at {index}")
}

/// Returns whether a value is within `#[param(range = ...)]`.
pub fn in_range<T: PartialOrd + 'static, R: RangeBounds<T>>(range: R, value: &dyn Any) -> bool {
    range.contains(expect::<T>(value))
}

/// Returns whether a value is one of `#[param(choices = [...])]`.
pub fn one_of<T: PartialEq + 'static>(choices: &[T], value: &dyn Any) -> bool {
    choices.contains(expect::<T>(value))
}

/// Converts an item to the key of a map. It takes a reference, for the expansion may use the item again.
pub fn map_key<T, K: IntoParam<T> + Clone>(key: &K) -> T {
    key.clone().into_param()
}

/// A value that `#[task(refresh = ...)]` accepts: one that serde can serialize, or a `Result` of one.
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

/// The value of a `refresh` expression. Method resolution tells a `Result` from a plain value: the
/// impl of [`MayFail`] applies to a `Result`; that of [`NeverFails`] needs one more reference and so
/// applies to all other types.
pub struct Asked<T>(pub T);

pub trait MayFail {
    type Value;
    fn value(&self) -> anyhow::Result<&Self::Value>;
}

impl<T, E: fmt::Debug + fmt::Display> MayFail for Asked<Result<T, E>> {
    type Value = T;

    fn value(&self) -> anyhow::Result<&T> {
        // `{:#}` includes the causes of an `anyhow::Error`.
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

/// Converts the value of a `refresh` expression to a [`Value`].
pub fn compared<T: Compared>(value: &T) -> anyhow::Result<Value> {
    value.compared()
}

/// Loads the output of a dependency, as an argument of a task function.
pub fn load<A: Task>(input: &Input<A>) -> anyhow::Result<Loaded<Output<A>>> {
    Ok(input.load()?)
}

/// An output that a task function can take by value.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be taken by value, for it cannot be cloned",
    label = "not `Clone`",
    note = "others may have loaded the same value: take a reference to it, or write `#[derive(Clone)]` \
            above the type"
)]
pub trait TakenByValue: Clone {}

#[diagnostic::do_not_recommend]
impl<T: Clone> TakenByValue for T {}

/// Returns the loaded value as an owned one, cloning it if it is shared.
pub fn owned<T: TakenByValue>(loaded: Loaded<T>) -> T {
    loaded.into_owned()
}

/// An error that a task function can return.
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

/// A type that a task function can return if its target stores a `T`: a `T` or a `Result` of one.
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

/// Converts the return value of a task function to the output of its task.
pub fn output<T, G: Gives<T>>(given: G) -> anyhow::Result<T> {
    given.output()
}

/// Adds the name of the part to the error of a check. `part` is empty for a single output.
pub fn checked<E: Into<anyhow::Error>>(part: &str, result: Result<(), E>) -> anyhow::Result<()> {
    result.map_err(|error| {
        error.into().context(match part {
            "" => "the output is not as expected".to_owned(),
            part => format!("the output `{part}` is not as expected"),
        })
    })
}

/// A required task. Reduces the compiler's errors for a type that is not a task to one.
pub trait Required {
    type Task: Task;
}

impl<T: Task> Required for T {
    type Task = T;
}

/// Maps a struct of outputs to its target. Reduces the compiler's errors for other types to one.
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

/// Returns the empty settings of a requirement.
pub fn settings<K: Task>() -> Settings<K> {
    Settings::new()
}

/// Returns `key` unchanged. Reduces the compiler's errors for an expression of another type to one.
pub fn key<K: Task, T>(key: Param<K, T>) -> Param<K, T> {
    key
}

/// Returns the task that a parameter belongs to.
pub fn task_of<K: Task, T>(_: Param<K, T>) -> &'static TaskType {
    TaskType::of::<K>()
}

/// Returns the name of a task with its type arguments, such as `Fit<Ols, 3>`.
pub fn generic_name(name: &str, arguments: &[String]) -> String {
    format!("{name}<{}>", arguments.join(", "))
}
