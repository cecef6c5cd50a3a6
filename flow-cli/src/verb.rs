//! The declaration of a verb: its name, its arguments, its options, and the function that executes it.

use std::process::ExitCode;

use clap::Command;

pub(crate) use crate::context::Access;
use crate::context::Context;
use crate::error::CliError;

/// A verb of the command line.
pub(crate) struct Verb {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) takes: Takes,
    pub(crate) access: Access,
    /// Adds its options, apart from those of all verbs and those that are parameters.
    pub(crate) options: fn(Command) -> Command,
    pub(crate) run: fn(&Context) -> Result<ExitCode, CliError>,
}

/// The first arguments of a verb.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// One or more tasks, whose parameters are options.
    Tasks,
    /// One or more tasks, whose parameters are options that may have several values.
    Variants,
    /// One task, whose parameters are options.
    Task,
    /// One task or, with `--stored`, none.
    MaybeTask,
    /// Tasks, or nothing.
    MaybeTasks,
    /// No tasks.
    Nothing,
}

impl Takes {
    /// Returns whether the options that are parameters have one value each, which applies to the whole verb.
    pub(crate) fn one_value_each(self) -> bool {
        !matches!(self, Self::Variants | Self::Nothing)
    }
}
