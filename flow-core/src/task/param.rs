//! Parameters: the fields of a task.
//!
//! For each field the derive creates a *typed key*, an associated constant of type [`Param`], and a
//! *declaration*, a [`ParamDecl`], with the attributes of the field. Users refer to a parameter by its key. The
//! planner, which holds tasks of all types and values as [`AnyValue`], works with the declaration.

use std::any::{Any, TypeId};
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::panics;
pub use crate::task::into_param::IntoParam;
use crate::task::{Task, TaskType};
use crate::value::{self, AnyValue, Value, ValueError, WithPaths};

/// A type that a parameter can have: serializable with serde, `Clone`, `Send` and `Sync`.
///
/// The trait is implemented for all such types.
///
/// Equal values must have equal serializations. The items of a `HashSet` or a `BinaryHeap` inside a value are
/// sorted, and the entries of a map are sorted by their keys; the order of an `IndexMap` counts. Sets are recognized
/// by their type: if your own `Serialize` writes the items of a `HashSet` one by one, their random order gives
/// equal values different keys. Use a `BTreeSet` there.
///
/// A record contains each parameter of its own task in full up to 1 MiB of JSON, and those of tasks upstream
/// up to 1 KiB. Longer values are recorded as their beginning, their end, and digits of a digest.
pub trait Parameter: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> Parameter for T {}

/// Identifies a parameter: by the type of its task, and its index among the parameters of the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ParamId {
    pub(crate) task: TypeId,
    pub(crate) place: usize,
}

impl ParamId {
    pub(crate) fn new(task: &TaskType, place: usize) -> Self {
        Self { task: (task.id)(), place }
    }
}

/// Returns `Task.parameter`.
pub(crate) fn full_name(task: &TaskType, place: usize) -> String {
    format!("{}.{}", (task.decl)().name, task.params[place].name)
}

/// The typed key of one parameter of the task `K`, whose values have type `T`.
///
/// `#[derive(Task)]` creates an associated constant for each field, named as the field
/// in capitals: `Preprocess::DO_PREPROCESS` is a `Param<Preprocess, bool>`. Because values are given by key, a
/// wrong name or a value of another type does not compile.
pub struct Param<K, T> {
    index: usize,
    of: PhantomData<fn() -> (K, T)>,
}

impl<K, T> Param<K, T> {
    #[doc(hidden)]
    pub const fn __new(index: usize) -> Self {
        Self { index, of: PhantomData }
    }

    /// Returns the index of the field among the fields of the task.
    pub(crate) const fn index(self) -> usize {
        self.index
    }
}

impl<K: Task, T> Param<K, T> {
    /// Returns the name of the field.
    pub fn name(self) -> &'static str {
        self.decl().name
    }

    /// Returns the field's documentation, empty if it has none.
    pub fn doc(self) -> &'static str {
        self.decl().doc
    }

    pub(crate) fn decl(self) -> &'static ParamDecl {
        &K::__PARAMS[self.index]
    }
}

/// A typed key of a parameter: a [`Param`].
///
/// The trait lets the compiler explain what else was given, such as the name of a parameter. It cannot be
/// implemented for other types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the key of a parameter",
    label = "expected a key, such as `Task::PARAMETER`",
    note = "the key is a constant of the task, named like the field in capitals; to give a parameter by its name, write \
            `with_named(\"name\", value)`"
)]
pub trait ParamKey: Copy + sealed::Sealed {
    /// The task that has the parameter.
    type Task: Task;
    /// The type of its values.
    type Value: Parameter;

    /// Returns the key itself.
    fn param(self) -> Param<Self::Task, Self::Value>;
}

#[diagnostic::do_not_recommend]
impl<K: Task, T: Parameter> ParamKey for Param<K, T> {
    type Task = K;
    type Value = T;

    fn param(self) -> Self {
        self
    }
}

mod sealed {
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not the key of a parameter",
        label = "expected a key, such as `Task::PARAMETER`"
    )]
    pub trait Sealed {}

    impl<K, T> Sealed for super::Param<K, T> {}
}

impl<K, T> Clone for Param<K, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, T> Copy for Param<K, T> {}

impl<K: Task, T> std::fmt::Debug for Param<K, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", K::__decl().name, self.name())
    }
}

/// A constraint on the values of a parameter: `range` or `choices`.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Rule {
    /// The constraint as the user wrote it, such as `1..=10` or `["a", "b"]`.
    pub text: &'static str,
    /// The values, if the user wrote the name of a list.
    pub list: Option<fn() -> String>,
    pub holds: fn(&dyn Any) -> bool,
}

impl Rule {
    /// Returns the constraint as it is shown: the values of a list that has a name, otherwise the text.
    pub(crate) fn shown(&self) -> String {
        self.list.map_or_else(|| self.text.to_owned(), |list| list())
    }
}

/// The parameter of another task that a field stands for, by `from`: that task, and the index of the parameter.
pub(crate) type Origin = fn() -> (&'static TaskType, usize);

/// The declaration of one parameter: its field, with the attributes.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct ParamDecl {
    pub name: &'static str,
    pub doc: &'static str,
    /// The name that it is stored under, if the field was renamed.
    pub was: Option<&'static str>,
    pub default: Option<fn() -> AnyValue>,
    /// Whether it is an argument of a function without `#[param]`, which may be a forgotten input.
    pub argument: bool,
    /// Whether the value is part of the key.
    pub significant: bool,
    /// Whether the value stays with this task and does not reach the tasks that it requires. A `local` parameter
    /// still takes a value that is given further downstream.
    pub local: bool,
    /// Whether the paths in the value are files whose content is part of the fingerprint.
    pub file: bool,
    pub from: Option<Origin>,
    pub range: Option<Rule>,
    pub choices: Option<Rule>,
    /// The functions of the field's type that the planner calls.
    pub kind: &'static Kind,
}

/// The type of a parameter, as functions over values without a type.
#[doc(hidden)]
pub struct Kind {
    pub id: fn() -> TypeId,
    pub name: fn() -> &'static str,
    pub to_value: fn(&dyn Any) -> Result<Value, ValueError>,
    pub(crate) to_value_with_paths: fn(&dyn Any) -> Result<WithPaths, ValueError>,
    pub from_value: fn(&Value) -> Result<AnyValue, ValueError>,
    /// Converts a value that is given by name, and may be text.
    pub(crate) from_given: fn(&Value) -> Result<AnyValue, ValueError>,
    /// Returns how a value may be written as text.
    pub(crate) example: fn() -> Option<String>,
    pub clone: fn(&dyn Any) -> AnyValue,
}

trait HasKind {
    const KIND: &'static Kind;
}

impl<T: Parameter> HasKind for T {
    const KIND: &'static Kind = &Kind {
        id: TypeId::of::<T>,
        name: std::any::type_name::<T>,
        to_value: |any| contained("Serialize", || value::to_parameter(expect::<T>(any))),
        to_value_with_paths: |any| {
            contained("Serialize", || value::to_parameter_with_paths(expect::<T>(any)))
        },
        from_value: |value| {
            contained("Deserialize", || Ok(Arc::new(value::from_value::<T>(value)?) as AnyValue))
        },
        from_given: |value| {
            contained("Deserialize", || Ok(Arc::new(value::from_given::<T>(value)?) as AnyValue))
        },
        example: || panics::catch(value::example::<T>).ok().flatten(),
        clone: |any| Arc::new(expect::<T>(any).clone()),
    };
}

/// Calls a serde implementation of a parameter's type, and turns a panic into an error.
fn contained<R>(
    trait_name: &str,
    call: impl FnOnce() -> Result<R, ValueError>,
) -> Result<R, ValueError> {
    panics::catch(call).unwrap_or_else(|message| {
        Err(ValueError::Custom { message: format!("its `{trait_name}` panicked: {message}") })
    })
}

/// Returns the value behind `any`, which the planner has stored as a `T`.
#[doc(hidden)]
pub fn expect<T: 'static>(any: &dyn Any) -> &T {
    any.downcast_ref().expect("a parameter's value has the type of its declaration")
}

impl ParamDecl {
    pub const fn new<T: Parameter>(name: &'static str, doc: &'static str) -> Self {
        Self {
            name,
            doc,
            was: None,
            default: None,
            argument: false,
            significant: true,
            local: false,
            file: false,
            from: None,
            range: None,
            choices: None,
            kind: T::KIND,
        }
    }

    pub const fn was(self, name: &'static str) -> Self {
        Self { was: Some(name), ..self }
    }

    pub const fn default(self, value: fn() -> AnyValue) -> Self {
        Self { default: Some(value), ..self }
    }

    pub const fn argument(self) -> Self {
        Self { argument: true, ..self }
    }

    pub const fn insignificant(self) -> Self {
        Self { significant: false, ..self }
    }

    pub const fn local(self) -> Self {
        Self { local: true, ..self }
    }

    pub const fn file(self) -> Self {
        Self { file: true, ..self }
    }

    pub const fn from(self, source: Origin) -> Self {
        Self { from: Some(source), ..self }
    }

    pub const fn range(self, text: &'static str, holds: fn(&dyn Any) -> bool) -> Self {
        Self { range: Some(Rule { text, list: None, holds }), ..self }
    }

    pub const fn choices(self, text: &'static str, holds: fn(&dyn Any) -> bool) -> Self {
        Self { choices: Some(Rule { text, list: None, holds }), ..self }
    }

    /// Limits the values to a list that has a name, and so is shown by its values.
    pub const fn choices_of(
        self,
        text: &'static str,
        list: fn() -> String,
        holds: fn(&dyn Any) -> bool,
    ) -> Self {
        Self { choices: Some(Rule { text, list: Some(list), holds }), ..self }
    }

    /// Returns the name that is hashed in keys: the one that the parameter was first stored with.
    ///
    /// So a renamed parameter keeps the keys of its task, and no output has to be moved.
    pub(crate) fn identity(&self) -> &'static str {
        self.was.unwrap_or(self.name)
    }
}

/// The resolved values of an instance's parameters, in the order of the fields.
///
/// The derive builds the task from them.
#[doc(hidden)]
pub struct Values<'a>(pub(crate) &'a [AnyValue]);

impl Values<'_> {
    pub fn get<T: Parameter>(&self, index: usize) -> T {
        expect::<T>(self.0[index].as_ref()).clone()
    }
}
