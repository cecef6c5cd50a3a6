//! Why an instance cannot be debugged.

/// Why an instance cannot be run again by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DebugError {
    /// The task is external or an aggregate: it has no code that could run again.
    #[error("{task} cannot be debugged: {reason}")]
    #[non_exhaustive]
    NotRun {
        /// The name of the task.
        task: String,
        /// Why it does not run.
        reason: &'static str,
    },
    /// The instance has neither failed nor an output: nothing is recorded of it.
    #[error("{instance} has never run, so that no run can be repeated: {}", remedy(root, failed))]
    #[non_exhaustive]
    NeverRun {
        /// The instance.
        instance: String,
        /// The root of the graph, or a tuple of roots, as Rust source.
        root: String,
        /// The instances upstream that failed, each with the name of its task as Rust source.
        failed: Vec<(String, String)>,
    },
    /// The record of the instance, or that of its failure, cannot be used.
    #[error(
        "nothing is known of the last run of {instance}: {reason}; run it with `flow.run::<{root}>()`"
    )]
    #[non_exhaustive]
    Record {
        /// The instance.
        instance: String,
        /// The root of the graph, or a tuple of roots, as Rust source.
        root: String,
        /// Why the record cannot be used.
        reason: String,
    },
    /// Inputs of the instance have no output that could be loaded.
    #[error(
        "{instance} cannot run again by itself, because inputs are missing; run their tasks first:{}",
        list(inputs)
    )]
    #[non_exhaustive]
    Missing {
        /// The instance.
        instance: String,
        /// The inputs, each with the reason.
        inputs: Vec<String>,
    },
    /// Inputs have changed since the run that is to be repeated.
    #[error(
        "{instance} cannot run again with the same inputs; to run it with the present ones, call \
         `accept_changes()` first:{}",
        list(changes)
    )]
    #[non_exhaustive]
    Changed {
        /// The instance.
        instance: String,
        /// The changes.
        changes: Vec<String>,
    },
    /// Another process was running the instance, and has computed its output.
    #[error(
        "{instance} was not run again, because another process has computed its output meanwhile; load \
         that output, or call `run_and_commit()` again to run it nevertheless"
    )]
    #[non_exhaustive]
    Computed {
        /// The instance.
        instance: String,
    },
    /// The output of the instance cannot be committed.
    #[error("the output of {instance} cannot be committed: {reason}")]
    #[non_exhaustive]
    NotCommitted {
        /// The instance.
        instance: String,
        /// Why not.
        reason: String,
    },
}

/// Returns what to do about an instance that has never run.
fn remedy(root: &str, failed: &[(String, String)]) -> String {
    match failed {
        [] => format!("run it with `flow.run::<{root}>()`"),
        [(instance, task)] => {
            format!(
                "upstream of it, {instance} failed; see `flow.graph::<{root}>().debug::<{task}>()`"
            )
        }
        several => {
            let line = |(instance, task): &(String, String)| {
                format!("{instance}: see `flow.graph::<{root}>().debug::<{task}>()`")
            };
            let lines: Vec<_> = several.iter().map(line).collect();
            format!("upstream of it, {} instances failed:{}", several.len(), list(&lines))
        }
    }
}

/// The number of lines that are printed.
const LISTED: usize = 10;

fn list(lines: &[String]) -> String {
    let shown =
        lines.iter().take(LISTED).map(|line| format!("\n  {}", line.replace('\n', "\n    ")));
    let mut text: String = shown.collect();
    if let Some(more @ 1..) = lines.len().checked_sub(LISTED) {
        text.push_str(&format!("\n  … and {more} more"));
    }
    text
}
