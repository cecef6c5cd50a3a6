//! The core of typed-flow: tasks, parameters, keys, plans, the store and the engine.
//!
//! Users depend on the facade, `typed-flow`, which re-exports what they need of this crate.
#![allow(missing_docs, dead_code, clippy::todo)] // while the skeleton is filled in

mod code;
mod content;
mod cx;
mod engine;
mod error;
mod flow;
pub mod fs;
mod input;
mod key;
mod loaded;
mod param;
mod plan;
mod require;
mod secret;
mod store;
mod summary;
pub mod target;
mod task;
pub mod value;

pub use code::Code;
pub use cx::Cx;
pub use engine::progress::Event;
pub use engine::stopper::Stopper;
pub use error::{Error, LoadError, SelectError};
pub use flow::{Flow, Of, Removed, Roots};
pub use input::{Input, Inputs};
pub use key::{Digest, Key, NotHex};
pub use loaded::Loaded;
pub use param::{IntoParam, Param, Parameter};
pub use plan::error::{PlanError, PlanErrorKind};
pub use plan::instance::Instance;
pub use plan::label::Show;
pub use plan::reason::Reason;
pub use plan::tree::Preview;
pub use plan::verdicts::Status;
pub use plan::warning::Warning;
pub use secret::Secret;
pub use store::error::StoreError;
pub use summary::{Entry, Summary};
pub use target::{Sink, Source, Target};
pub use task::{Output, Run, Task};

/// What the macros' expansions call.
#[doc(hidden)]
pub mod __private {
    pub use std::any::Any;
    pub use std::borrow::Cow;
    use std::ops::RangeBounds;
    pub use std::sync::Arc;

    pub use crate::code::{Code, Item};
    pub use crate::cx::Cx;
    pub use crate::input::{Input, Inputs, Wires};
    pub use crate::param::{AnyValue, IntoParam, Param, ParamDecl, Parameter, Values, expect};
    pub use crate::require::{Requirements, Settings};
    pub use crate::target::Target;
    pub use crate::task::{Run, Runs, Task, TaskDecl, TaskType, runs};
    pub use anyhow;

    /// The value of `#[param(default = ...)]`.
    pub fn default<T: Parameter>(value: impl IntoParam<T>) -> AnyValue {
        Arc::new(value.into_param())
    }

    /// The longest of the chains that hang on a task's requirements, and the task itself.
    pub const fn depth(requirements: &[usize]) -> usize {
        let mut longest = 0;
        let mut i = 0;
        while i < requirements.len() {
            if requirements[i] > longest {
                longest = requirements[i];
            }
            i += 1;
        }
        longest + 1
    }

    /// The source of `#[param(from = KEY)]`, which must have the field's type.
    pub fn source<K: Task, T: Parameter>(key: Param<K, T>) -> (&'static TaskType, usize) {
        (TaskType::of::<K>(), key.index())
    }

    /// The value at `index`, which is of the type of the field there.
    pub fn value<T: Clone + 'static>(values: &Values<'_>, index: usize) -> T {
        expect::<T>(values.0[index].as_ref()).clone()
    }

    /// What is said of a parameter that is not there.
    #[cold]
    pub fn no_param(index: usize) -> &'static dyn Any {
        unreachable!("the task has no parameter at {index}")
    }

    /// Whether `#[param(range = ...)]` holds.
    pub fn in_range<T: PartialOrd + 'static, R: RangeBounds<T>>(
        range: &R,
        value: &dyn Any,
    ) -> bool {
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

    /// The task that a parameter belongs to.
    pub fn task_of<K: Task, T>(_: Param<K, T>) -> &'static TaskType {
        TaskType::of::<K>()
    }

    /// The name of a task with type arguments: `Fit<Ols, 3>`.
    pub fn generic_name(name: &str, arguments: &[String]) -> String {
        format!("{name}<{}>", arguments.join(", "))
    }

    /// The name of a type without the paths of modules: `Vec<Row>`.
    pub fn short_name<T: ?Sized>() -> String {
        let full = std::any::type_name::<T>();
        let mut short = String::with_capacity(full.len());
        let mut segment = 0;
        let mut rest = full;
        while let Some(next) = rest.chars().next() {
            if rest.starts_with("::") {
                short.truncate(segment);
                rest = &rest[2..];
                continue;
            }
            short.push(next);
            if !next.is_alphanumeric() && next != '_' {
                segment = short.len();
            }
            rest = &rest[next.len_utf8()..];
        }
        short
    }
}
