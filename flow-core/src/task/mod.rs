//! What users write against: tasks, parameters, requirements, and what a running task can ask.
//!
//! A type that implements [`Task`](decl::Task) becomes a [`TaskType`](decl::TaskType), which has the type
//! taken away: the planner sees tasks only so. A running task gets a [`Cx`](cx::Cx), and through it the
//! [`Input`](input::Input) handles of what it requires.

pub(crate) mod command;
pub(crate) mod cx;
pub(crate) mod decl;
pub(crate) mod input;
pub(crate) mod keep;
pub(crate) mod loaded;
pub(crate) mod param;
pub(crate) mod registry;
pub(crate) mod requirement;
pub(crate) mod setting;
