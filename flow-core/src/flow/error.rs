//! The errors of a flow's operations.

use std::path::PathBuf;

use crate::base::error::StoreError;
use crate::flow::NotBlessed;
use crate::flow::debug::DebugError;
use crate::flow::summary::Summary;
use crate::flow::sweep_summary::SweepSummary;
use crate::plan::error::PlanError;
use crate::task::error::{LoadError, RequireError};
use crate::value::first_line;

/// The error of an operation of a flow, with a variant for each cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Planning failed, so that nothing has run.
    #[error(transparent)]
    Plan(#[from] Box<PlanError>),
    /// The store could not be read or written.
    ///
    /// If it is [`StoreError::Unwritable`], a run has ended because nothing can be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The requested output is not complete: it is missing, or not what running its task now would produce.
    #[error("{instance} is not complete ({reason}){}", remedy(root, variant))]
    #[non_exhaustive]
    NotComplete {
        /// The instance.
        instance: String,
        /// The root of the graph, or a tuple of roots, as Rust source: `flow.run` takes it as a type.
        root: String,
        /// Why it is not complete.
        reason: String,
        /// The variant of a sweep that the output belongs to.
        variant: Option<String>,
    },
    /// Tasks failed, or the run was stopped. Everything that does not depend on a failed task has run.
    #[error("{0}")]
    Failed(Box<Summary>),
    /// Tasks of a sweep failed, or its run was stopped. The summary has the outcome of each variant.
    #[error("{0}")]
    Sweep(Box<SweepSummary>),
    /// An output could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// An output that a task required while it ran is not available.
    #[error(transparent)]
    Required(#[from] RequireError),
    /// The selection has no instance of the task, or several; or the sweep has no such variant or column.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// An instance cannot be [debugged](crate::Flow::debug).
    #[error(transparent)]
    Debug(#[from] DebugError),
    /// Tasks that [`bless`](crate::FlowStore::bless) ran produced other outputs than the recorded ones.
    #[error("{0}")]
    NotBlessed(Box<NotBlessed>),
    /// The source of a pull is not a remote that outputs were pushed to.
    #[error("cannot pull: {why}")]
    #[non_exhaustive]
    NoRemote {
        /// The message of [`Remote::check`](crate::Remote::check).
        why: String,
    },
    /// A garbage collection of a remote cannot tell which outputs a root needs, and so would remove them.
    #[error(
        "cannot tell which outputs of the remote `{root}` needs: {why}; collect garbage where the file is"
    )]
    #[non_exhaustive]
    UnknownOutputs {
        /// The root of the graph, or a tuple of roots, as Rust source.
        root: String,
        /// The instance, and the file that is missing.
        why: String,
    },
    /// A push or an export has no outputs to copy.
    #[error("cannot {verb} the outputs of `{root}`: {}", nothing(root, incomplete))]
    #[non_exhaustive]
    Nothing {
        /// The operation: `push` or `export`.
        verb: &'static str,
        /// The root of the graph, or a tuple of roots, as Rust source.
        root: String,
        /// The instances, each with the reason why it is not complete. Empty if no task of the graph
        /// stores an output.
        incomplete: Vec<(String, String)>,
    },
    /// The source of an import is not an exported folder, or has no outputs.
    #[error("cannot import from {}: {why}", folder.display())]
    #[non_exhaustive]
    NoExport {
        /// The folder.
        folder: PathBuf,
        /// What is missing in it.
        why: &'static str,
    },
    /// An export would replace a file or folder that no export has written.
    #[error(
        "{} is in the way of an export, and is left alone: {why}; move it, or export to another folder",
        path.display()
    )]
    #[non_exhaustive]
    Occupied {
        /// The file or folder.
        path: PathBuf,
        /// Why it is not replaced.
        why: &'static str,
    },
    /// `export_crate` found no Rust type for all outputs of a task, for instance because their columns differ.
    #[error(
        "no type reads both {first} and {second}: {difference}; export outputs of the same code, or each \
         into its own folder"
    )]
    #[non_exhaustive]
    Unlike {
        /// One instance.
        first: String,
        /// Another instance.
        second: String,
        /// How their outputs differ.
        difference: String,
    },
    /// The flow [requires signatures](crate::Flow::require_signatures) and could not accept what a run would store. Nothing has
    /// run.
    #[error("the flow requires signatures, but {why}")]
    #[non_exhaustive]
    CannotSign {
        /// Why not, with the remedy.
        why: String,
    },
    /// The operating system refused to start a thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// Why a selection of an instance of a graph, or of a variant or column of a sweep, failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// The task is not in the graph, or no instance has the selected values.
    #[error("{root} requires no {task}{}", with(selected))]
    #[non_exhaustive]
    None {
        /// The root of the graph.
        root: String,
        /// The requested task.
        task: String,
        /// The selected values.
        selected: Vec<String>,
    },
    /// The selection has several instances of the task.
    #[error(
        "{root} requires {} instances of {task}: select one with `.at({task}::PARAMETER, value)`\n  {}",
        instances.len(), shorten(instances).join("\n  ")
    )]
    #[non_exhaustive]
    Several {
        /// The root of the graph.
        root: String,
        /// The requested task.
        task: String,
        /// All selected instances.
        instances: Vec<String>,
    },
    /// The selection has several instances of the task that failed.
    #[error(
        "{} instances of {task} failed: select one with `.at({task}::PARAMETER, value)`\n  {}",
        instances.len(), shorten(instances).join("\n  ")
    )]
    #[non_exhaustive]
    SeveralFailed {
        /// The requested task.
        task: String,
        /// All selected instances that failed.
        instances: Vec<String>,
    },
    /// Only some tasks may run, and instances that they require are not complete.
    #[error("{task} cannot run alone: {}", unready(inputs))]
    #[non_exhaustive]
    Incomplete {
        /// The task, or several.
        task: String,
        /// The instances that are not complete, each with the reason.
        inputs: Vec<String>,
    },
    /// The sweep has no variant of that name.
    #[error("the sweep has no variant `{}`{}", first_line(name), suggest(nearest, known))]
    #[non_exhaustive]
    Variant {
        /// The requested name.
        name: String,
        /// The most similar name of a variant.
        nearest: Option<String>,
        /// The names of all variants.
        known: Vec<String>,
    },
    /// A parameter of a sweep and recorded metadata have the same name.
    #[error(
        "`{0}` is a parameter, and `{1}` is metadata of the same name: use `{2}` for the parameter, or \
         `{1}` for the metadata",
        first_line(name),
        first_line(metadata),
        first_line(constant)
    )]
    #[non_exhaustive]
    TwoColumns {
        /// The ambiguous name, which is also the name of the parameter's column.
        name: String,
        /// A name for the parameter that is not ambiguous.
        constant: String,
        /// The column of the metadata.
        metadata: String,
    },
    /// No variant of the sweep has a number in the requested column.
    #[error(
        "no variant has a number `{name}`{}{}{}",
        run_first(left_out),
        list_columns(known),
        list_left_out(left_out)
    )]
    #[non_exhaustive]
    NoBest {
        /// The requested column.
        name: String,
        /// The columns that have numbers.
        known: Vec<String>,
        /// The variants, each with the reason why it has no number.
        left_out: Vec<(String, String)>,
    },
}

/// Returns why there is nothing to copy, and how to fix it.
fn nothing(root: &str, incomplete: &[(String, String)]) -> String {
    if incomplete.is_empty() {
        return "no task there stores an output".to_owned();
    }
    let lines = list_left_out(incomplete);
    format!("none is complete; run them first with `flow.run::<{root}>()`{lines}")
}

/// Returns how to complete an output. A variant is run by its sweep, since the user has no flow of it.
fn remedy(root: &str, variant: &Option<String>) -> String {
    match variant {
        None => format!(": run it with `flow.run::<{root}>()`"),
        Some(name) => format!(" in the variant `{}`: run it with `sweep.run()`", first_line(name)),
    }
}

fn suggest(nearest: &Option<String>, known: &[String]) -> String {
    match nearest {
        Some(name) => format!(": did you mean `{}`?", first_line(name)),
        None => {
            let known: Vec<_> = shorten(known).iter().map(|name| first_line(name)).collect();
            format!(": it has `{}`", known.join("`, `"))
        }
    }
}

/// Why a variant of a sweep that has not run has no number.
pub(crate) const NOT_RUN: &str = "is not complete";

/// Returns how to get numbers, if no variant has run.
fn run_first(left_out: &[(String, String)]) -> &'static str {
    let has_not_run = |(_, why): &(String, String)| why == NOT_RUN;
    match !left_out.is_empty() && left_out.iter().all(has_not_run) {
        true => "; run it first: `sweep.run()`",
        false => "",
    }
}

fn list_columns(known: &[String]) -> String {
    match known {
        [] => String::new(),
        known => format!("; there are `{}`", shorten(known).join("`, `")),
    }
}

fn list_left_out(left_out: &[(String, String)]) -> String {
    let line =
        |(name, why): &(String, String)| format!("{}: {}", first_line(name), first_line(why));
    let lines: Vec<_> = left_out.iter().map(line).collect();
    shorten(&lines).iter().map(|line| format!("\n  {line}")).collect()
}

/// The maximal number of instances in a message.
const LISTED: usize = 10;

fn shorten(instances: &[String]) -> Vec<String> {
    let mut shown: Vec<_> = instances.iter().take(LISTED).cloned().collect();
    if instances.len() > LISTED {
        shown.push(format!("… and {} more", instances.len() - LISTED));
    }
    shown
}

/// Returns which instances have to run first.
fn unready(inputs: &[String]) -> String {
    let lines = shorten(inputs).join("\n  ");
    match inputs.len() {
        1 => format!("an instance that it requires is not complete; run it first\n  {lines}"),
        several => {
            format!(
                "{several} instances that it requires are not complete; run them first\n  {lines}"
            )
        }
    }
}

fn with(selected: &[String]) -> String {
    if selected.is_empty() { String::new() } else { format!(" with {}", selected.join(", ")) }
}
