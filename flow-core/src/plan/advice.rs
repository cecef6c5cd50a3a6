//! How to give a value to a parameter that has none.

use crate::task::TaskType;
use crate::task::param::full_name;

/// What the planner knows of a parameter without a value.
pub(crate) struct Missing<'a> {
    /// The parameter.
    pub(crate) param: &'a str,
    /// The task and the index of the parameter that it is: its own, or the one that it is `from`.
    pub(crate) origin: (&'a TaskType, usize),
    /// Whether it is `from` another parameter.
    pub(crate) is_from: bool,
    /// The name for `with_named`, if other tasks need the same parameter.
    pub(crate) named: Option<&'a str>,
    /// Whether its task is required while another one runs, so that values of the flow do not reach it.
    pub(crate) in_run: bool,
    /// Whether it is an argument of a function without `#[param]`, which may be a forgotten input.
    pub(crate) is_argument: bool,
}

impl Missing<'_> {
    /// Returns the second part of the message, after "has no value".
    pub(crate) fn advice(&self) -> String {
        let Self { param, origin: (task, place), .. } = *self;
        let (ty, origin) = ((task.rust_name)(), full_name(task, place));
        let key = format!("{ty}::{}", task.params[place].name.to_uppercase());
        let text = match (self.named, self.is_from) {
            _ if self.in_run => format!(
                ", and values of the flow do not reach a task that is required in a run: give one with \
                 `cx.with({key}, ...)` there, or write `#[param(default = ...)]`"
            ),
            (Some(name), _) => format!(
                ", and neither have other tasks with this parameter: give all of them one with \
                 `flow.with_named({name:?}, ...)`, or write `#[param(default = ...)]` in each of them"
            ),
            (None, false) => format!(
                ": give one with `flow.with({key}, ...)`, in the entry of `requires` that names `{ty}`, or write \
                 `#[param(default = ...)]`"
            ),
            (None, true) => format!(
                ": it takes its value from `{origin}` (`#[param(from = ...)]`); give one with \
                 `flow.with({key}, ...)`, or write `#[param(default = ...)]` at `{origin}`"
            ),
        };
        match self.is_argument {
            true => format!(
                "{text}; if `{param}` is the output of another task, require it: \
                 `#[task(requires({param} = that_task), ...)]`"
            ),
            false => text,
        }
    }
}
