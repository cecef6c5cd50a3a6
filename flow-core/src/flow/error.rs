//! What can go wrong when a flow is used.

use std::path::PathBuf;

use crate::base::error::StoreError;
use crate::flow::NotBlessed;
use crate::flow::summary::Summary;
use crate::flow::sweep_summary::SweepSummary;
use crate::plan::error::PlanError;
use crate::task::error::{LoadError, RequireError};
use crate::value::first_line;

/// What can go wrong when a flow is used, by cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The flow itself is wrong; nothing has run.
    #[error(transparent)]
    Plan(#[from] Box<PlanError>),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An output was asked for that is not what running its task now would give.
    #[error("{instance} is not complete ({reason}){}", remedy(root, variant))]
    #[non_exhaustive]
    NotComplete {
        /// The instance.
        instance: String,
        /// What to run, as it is written in Rust: the root of the graph, or a tuple of them.
        root: String,
        /// Why it is not complete.
        reason: String,
        /// The variant of a sweep that it was asked for of.
        variant: Option<String>,
    },
    /// Tasks failed; everything that did not need them was done.
    #[error("{0}")]
    Failed(Box<Summary>),
    /// The same of a sweep, with what came of each variant.
    #[error("{0}")]
    Sweep(Box<SweepSummary>),
    /// An output could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// What a task required while it ran is not there.
    #[error(transparent)]
    Required(#[from] RequireError),
    /// No instance of the task, or several, are in the graph and were selected.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// Outputs are not what running their tasks now gives, and were not blessed.
    #[error("{0}")]
    NotBlessed(Box<NotBlessed>),
    /// A pull was asked of a place that outputs were not pushed to.
    #[error("cannot pull: {why}")]
    #[non_exhaustive]
    NoRemote {
        /// What the [remote](crate::Remote::check) said.
        why: String,
    },
    /// A push or an export would have copied nothing.
    #[error("cannot {verb} the outputs of `{root}`: {}", nothing(root, incomplete))]
    #[non_exhaustive]
    Nothing {
        /// What was asked for: `push` or `export`.
        verb: &'static str,
        /// The root of the graph, or a tuple of them, as it is written in Rust.
        root: String,
        /// The instances, each with why it is not complete; none if no task of the graph stores an
        /// output.
        incomplete: Vec<(String, String)>,
    },
    /// An import was asked of a folder that no export has written, or that has no outputs.
    #[error("cannot import from {}: {why}", folder.display())]
    #[non_exhaustive]
    NoExport {
        /// The folder.
        folder: PathBuf,
        /// What it lacks.
        why: &'static str,
    },
    /// A file of an export is in the way of another that is not its own.
    #[error(
        "{} is in the way of an export, and is left alone: {why}; move it, or export to another folder",
        path.display()
    )]
    #[non_exhaustive]
    Occupied {
        /// What is in the way.
        path: PathBuf,
        /// Why it is not replaced.
        why: &'static str,
    },
    /// Outputs of one task differ so that no type of Rust reads them all.
    #[error(
        "no type reads both {first} and {second}: {difference}; export what the same code has made, or \
         each into a folder of its own"
    )]
    #[non_exhaustive]
    Unlike {
        /// The instance of one.
        first: String,
        /// The instance of the other.
        second: String,
        /// In what they differ.
        difference: String,
    },
    /// The operating system refused to start a thread.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

/// Why a task's instance in a graph, or a variant of a sweep, could not be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectError {
    /// The task is not in the graph, or no instance has the values asked for.
    #[error("{root} requires no {task}{}", with(selected))]
    #[non_exhaustive]
    None {
        /// The root of the graph.
        root: String,
        /// The task asked for.
        task: String,
        /// The values asked for.
        selected: Vec<String>,
    },
    /// Several instances are in the graph.
    #[error(
        "{root} requires {} instances of {task}: select one with `.at({task}::PARAMETER, value)`\n  {}",
        instances.len(), shorten(instances).join("\n  ")
    )]
    #[non_exhaustive]
    Several {
        /// The root of the graph.
        root: String,
        /// The task asked for.
        task: String,
        /// All of them.
        instances: Vec<String>,
    },
    /// The sweep has no variant of that name.
    #[error("the sweep has no variant `{}`{}", first_line(name), suggest(nearest, known))]
    #[non_exhaustive]
    Variant {
        /// The name asked for.
        name: String,
        /// The name most like it.
        nearest: Option<String>,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A parameter of a sweep and what was noted have one name.
    #[error(
        "`{0}` is the parameter, and `{1}` is what was noted by that name: say `{2}` for the parameter, or \
         `{1}` for what was noted",
        first_line(name),
        first_line(noted),
        first_line(constant)
    )]
    #[non_exhaustive]
    TwoColumns {
        /// The name that was said, which is that of the parameter's column.
        name: String,
        /// What means the parameter alone.
        constant: String,
        /// The column of what was noted.
        noted: String,
    },
    /// No variant of the sweep is the best one.
    #[error("no variant has a number `{name}`{}{}", list_columns(known), list_left_out(left_out))]
    #[non_exhaustive]
    NoBest {
        /// What was to be the largest, or the smallest.
        name: String,
        /// What there are numbers of.
        known: Vec<String>,
        /// The variants, each with why it has none.
        left_out: Vec<(String, String)>,
    },
}

/// Why there is nothing to copy, and what to do.
fn nothing(root: &str, incomplete: &[(String, String)]) -> String {
    if incomplete.is_empty() {
        return "no task there stores an output".to_owned();
    }
    let lines = list_left_out(incomplete);
    format!("none is complete; run them first with `flow.run::<{root}>()`{lines}")
}

/// How an output comes to be complete: the flow of a variant is not at hand where a sweep is.
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

/// How many instances a message lists.
const LISTED: usize = 10;

fn shorten(instances: &[String]) -> Vec<String> {
    let mut shown: Vec<_> = instances.iter().take(LISTED).cloned().collect();
    if instances.len() > LISTED {
        shown.push(format!("… and {} more", instances.len() - LISTED));
    }
    shown
}

fn with(selected: &[String]) -> String {
    if selected.is_empty() { String::new() } else { format!(" with {}", selected.join(", ")) }
}
