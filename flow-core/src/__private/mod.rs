//! Items that macro expansions call. They are not part of the public API.
//!
//! | module | content |
//! | --- | --- |
//! | `fields` | the fields of a struct of outputs |
//! | `limits` | the values that a parameter accepts: ranges and choices |
//! | `policy` | the options of an execution: a backoff, amounts of resources |
//! | `returned` | what the functions of a task return: outputs and results of checks |
//!
//! This file contains the rest: the declarations of fields and arguments, the inputs that an argument takes,
//! `refresh` expressions, and requirements. Expansions name every item as an item of this module.

mod fields;
mod limits;
mod policy;
mod returned;

pub use std::any::Any;
pub use std::borrow::Cow;
use std::fmt;
pub use std::sync::Arc;

pub use crate::base::code::{Code, Tracked};
pub use crate::base::decl::TaskDecl;
pub use crate::base::names::short_name;
pub use crate::check::all::{Report, Sound};
pub use crate::flow::Scratch;
pub use crate::store::draft::Draft;
pub use crate::store::place::Places;
pub use crate::target::Target;
pub use crate::target::footprint::{Footprint, Measured, footprint};
use crate::target::{Sink, Source};
use crate::task::Output;
pub use crate::task::cx::{Cx, NamedInput};
pub use crate::task::expectation::Checks;
pub use crate::task::input::{Input, Inputs, Wires};
pub use crate::task::keep::{
    Described, FileTarget, Files, Gathered, Keep, KeepPart, Outputs, Part, Saving, Several,
};
use crate::task::loaded::Loaded;
use crate::task::param::ParamKey;
pub use crate::task::param::{IntoParam, Param, ParamDecl, Parameter, Values, expect};
pub use crate::task::policy::{Declares, Policy};
pub use crate::task::provider::{Answers, Provider};
pub use crate::task::refresh::Refresh;
pub use crate::task::registry::Registered;
pub use crate::task::requirement::{Requirements, Settings};
pub use crate::task::{
    ByRun, Declared, HasOutput, HasRun, IsAggregate, IsExternal, Run, RunCode, Task, TaskKind,
    TaskType, Uses, coded, not_run,
};
pub use crate::value::AnyValue;
pub use crate::value::Value;
pub use anyhow;
pub use inventory;

pub use self::fields::{Stored, StoredAs, check_field_type, stored_as};
pub use self::limits::{
    ChoicesOf, RangeOf, TextChoices, TextRange, choices, in_range, list, one_of, optional_in_range,
    optional_one_of, optional_text_in_range, text_choices, text_in_range,
};
pub use self::policy::{GivesBackoff, amount, backoff};
pub use self::returned::{AnyReturned, CheckResult, Failure, Gives, Returned, checked, output};

/// Converts the value of `#[param(default = ...)]` to the type of the parameter.
///
/// It does not require [`Parameter`]: [`field`] reports a type that cannot be a parameter.
pub fn default<T: Send + Sync + 'static>(value: impl IntoParam<T>) -> AnyValue {
    Arc::new(value.into_param())
}

/// Returns the length of the longer of two chains of dependencies.
pub const fn longer(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// The type of the parameter that a field of type `T` names by `#[param(from = KEY)]`: `T` itself.
#[diagnostic::on_unimplemented(
    message = "a field of type `{T}` cannot take its value from a parameter of type `{Self}`",
    label = "this parameter is a `{Self}`, and the field a `{T}`",
    note = "give the field the type `{Self}`"
)]
pub trait SourceOf<T> {}

#[diagnostic::do_not_recommend]
impl<T> SourceOf<T> for T {}

/// Returns the source of `#[param(from = KEY)]`, which must have the type `T` of the field.
pub fn source<T, P: ParamKey>(key: P) -> (&'static TaskType, usize)
where
    P::Value: SourceOf<T>,
{
    (TaskType::of::<P::Task>(), key.param().index())
}

/// A type that a field can have: any [`Parameter`]. Reduces the compiler's errors for others to one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter",
    label = "not a parameter",
    note = "a parameter is a value that can be cloned, stored and sent to another thread; for a type of your own, write \
            `#[derive(Clone, Serialize, Deserialize)]` above it",
    note = "for a type of another crate, enable its feature `serde`; write `Vec<T>` for an array with more than 32 \
            items, and an `enum` with a `match` for a function or a trait object"
)]
pub trait FieldType: Parameter {}

#[diagnostic::do_not_recommend]
impl<T: Parameter> FieldType for T {}

/// The same for an argument of a task function, which may have been meant as an input.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter",
    label = "taken for a parameter, since no entry of `requires` has this name",
    note = "if this is the output of another task, require it: `#[task(requires(name_of_this_argument = other_task), ...)]`",
    note = "a parameter is a value that can be cloned, stored and sent to another thread; for a type of your own, write \
            `#[derive(Clone, Serialize, Deserialize)]` above it"
)]
pub trait ArgumentType: Parameter {}

#[diagnostic::do_not_recommend]
impl<T: Parameter> ArgumentType for T {}

/// The declaration of a field of type `T`.
pub struct Field<T> {
    pub decl: ParamDecl,
    clone: fn(&T) -> T,
}

/// Declares a field. It is the only place in an expansion that requires the traits of the field's type.
pub const fn field<T: FieldType>(name: &'static str, doc: &'static str) -> Field<T> {
    Field { decl: ParamDecl::new::<T>(name, doc), clone: T::clone }
}

/// Declares an argument of a function that has no `#[param]`, and so may be a forgotten input.
pub const fn argument<T: ArgumentType>(name: &'static str, doc: &'static str) -> Field<T> {
    Field { decl: ParamDecl::new::<T>(name, doc).argument(), clone: T::clone }
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

/// The inputs of a task that requires nothing. The compiler shows the name when such a task uses an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskRequiresNothing;

/// Inputs with an output to load. No type implements it, so that a use is reported.
#[diagnostic::on_unimplemented(
    message = "this task requires nothing, so it has no input to load",
    label = "no input",
    note = "name the task whose output this loads: `#[task(requires = Other, ...)]`"
)]
pub trait HasInput<T> {}

impl TaskRequiresNothing {
    /// Does not compile, and says why.
    ///
    /// # Errors
    ///
    /// None: it is never called.
    pub fn load<T>(&self) -> anyhow::Result<T>
    where
        Self: HasInput<T>,
    {
        unreachable!("the task requires nothing")
    }
}

impl Inputs for TaskRequiresNothing {
    fn take(_: &mut Wires<'_>) -> Self {
        Self
    }
}

/// Panics because a task has no parameter at `index`.
#[cold]
pub fn no_param(index: usize) -> &'static dyn Any {
    unreachable!("the task has no parameter at {index}")
}

/// A key of a map in `requires`, whose declared type is `T`.
#[diagnostic::on_unimplemented(
    message = "this key is of type `{Self}`, and is declared as `{T}`",
    label = "expected a `{T}`",
    note = "declare the key with the type that it has, as in `{{day: u32 => Load {{ day }} for day in 1..8}}`"
)]
pub trait MapKey<T> {
    fn map_key(&self) -> T;
}

#[diagnostic::do_not_recommend]
impl<T, K: IntoParam<T> + Clone> MapKey<T> for K {
    fn map_key(&self) -> T {
        self.clone().into_param()
    }
}

/// Converts an item to the key of a map. It takes a reference, for the expansion may use the item again.
pub fn map_key<T, K: MapKey<T>>(key: &K) -> T {
    key.map_key()
}

/// A value that `#[task(refresh = ...)]` accepts: one that serde can serialize, or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be the value of `refresh`, for it cannot be stored",
    label = "does not implement `Serialize`",
    note = "the task runs again if this value is not equal to the stored one: write a value that implements serde's \
            `Serialize`, such as a `String` or a number, or a `Result` of one"
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

/// A required task. Reduces the compiler's errors for a type that is not a task to one.
pub trait Required {
    type Task: Task;
}

impl<T: Task> Required for T {
    type Task = T;
}

/// Returns the empty settings of a requirement.
pub fn settings<K: Task>() -> Settings<K> {
    Settings::new()
}

/// Returns `key` unchanged. Reduces the compiler's errors for an expression of another type to one.
pub fn key<P: ParamKey>(key: P) -> Param<P::Task, P::Value> {
    key.param()
}

/// Returns the task that a parameter belongs to.
pub fn task_of<K: Task, T>(_: Param<K, T>) -> &'static TaskType {
    TaskType::of::<K>()
}

/// Returns the name of a task with its type arguments, such as `Fit<Ols, 3>`.
pub fn generic_name(name: &str, arguments: &[String]) -> String {
    format!("{name}<{}>", arguments.join(", "))
}
