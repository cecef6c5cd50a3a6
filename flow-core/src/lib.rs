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
}
