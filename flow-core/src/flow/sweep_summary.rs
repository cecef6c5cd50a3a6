//! The summary of a run of a sweep.

use std::fmt;
use std::ops::Deref;

use daggy::NodeIndex;

use crate::engine::outcome::{Outcome, Outcomes, StoppedBy, TaskError};
use crate::flow::summary::Summary;
use crate::plan::Plan;
use crate::plan::label::Show;
use crate::value::escaped_text;

/// The maximal number of variants that are printed for each outcome.
const LISTED: usize = 10;

/// The result of a run of a sweep: the outcome of each variant and the [`Summary`] of all instances.
///
/// It dereferences to the [`Summary`].
///
/// ```text
/// 24 variants: 23 ran, 1 failed
///   failed:
///     c=-1.0,degree=1: Fit {c: -1.0} failed: c must be positive
/// 39 tasks in 1.2 s: 37 ran, 1 failed, 1 not run
///   ...
/// ```
pub struct SweepSummary {
    summary: Summary,
    variants: Vec<(String, VariantOutcome)>,
    left_out: LeftOut,
}

/// The outcome of a variant: that of its root or, if there are several roots, the most important one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum VariantOutcome {
    /// It was complete before the run.
    AlreadyComplete,
    /// It is an aggregate or external, and became complete in this run.
    NowComplete,
    /// It did not have to run, because upstream tasks ran and produced equal outputs.
    Unchanged,
    /// Another process computed it during the run.
    OtherProcess,
    /// It reused a stored output with the same fingerprint instead of running.
    Reused,
    /// It ran.
    Ran {
        /// The duration in seconds, without that of its dependencies.
        seconds: f64,
    },
    /// It was not run.
    NotRun {
        /// The reason: a failure upstream with its error, or a stopped run.
        why: String,
    },
    /// It failed.
    Failed {
        /// The error.
        error: String,
    },
}

impl VariantOutcome {
    /// Returns whether the variant is complete now.
    pub fn is_success(&self) -> bool {
        !matches!(self, Self::NotRun { .. } | Self::Failed { .. })
    }

    /// Returns why the variant is not complete; `None` if it is.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::NotRun { why: error } | Self::Failed { error } => Some(error),
            _ => None,
        }
    }

    /// Returns the rank of an outcome: of several roots, the highest is shown.
    fn rank(&self) -> u8 {
        match self {
            Self::AlreadyComplete => 0,
            Self::NowComplete => 1,
            Self::Unchanged => 2,
            Self::OtherProcess => 3,
            Self::Reused => 4,
            Self::Ran { .. } => 5,
            Self::NotRun { .. } => 6,
            Self::Failed { .. } => 7,
        }
    }

    /// Combines the outcomes of two roots.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Ran { seconds: a }, Self::Ran { seconds: b }) => Self::Ran { seconds: a + b },
            (a, b) if b.rank() > a.rank() => b,
            (a, _) => a,
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::AlreadyComplete => "complete already",
            Self::NowComplete => "complete now",
            Self::Unchanged => "with unchanged inputs",
            Self::OtherProcess => "computed by another process",
            Self::Reused => "reused",
            Self::Ran { .. } => "ran",
            Self::NotRun { .. } => "not run",
            Self::Failed { .. } => "failed",
        }
    }
}

impl SweepSummary {
    pub(crate) fn new(summary: Summary, names: Vec<String>, left_out: LeftOut) -> Self {
        let graph = &summary.plan().graph;
        let roots_of_each = graph.roots.len().checked_div(names.len()).unwrap_or(1);
        let outcome = |&root: &NodeIndex| outcome(summary.plan(), summary.outcomes(), root);
        let outcomes = graph.roots.chunks(roots_of_each.max(1)).map(|roots| {
            // The roots of a restricted graph are repeated.
            let mut roots = roots.to_vec();
            roots.dedup();
            let all = roots.iter().map(outcome).reduce(VariantOutcome::and);
            all.expect("a variant has a root")
        });
        let variants = names.into_iter().zip(outcomes).collect();
        Self { summary, variants, left_out }
    }

    /// Returns the name and the outcome of each variant that was to run, in order.
    pub fn variants(&self) -> &[(String, VariantOutcome)] {
        &self.variants
    }

    /// Returns the outcome of the variant with this name; `None` if the variant was left out of the run.
    pub fn variant(&self, name: &str) -> Option<&VariantOutcome> {
        self.variants.iter().find(|(variant, _)| variant == name).map(|(_, outcome)| outcome)
    }

    /// Returns the names of the variants that are not complete, each with the reason.
    pub fn failed_variants(&self) -> Vec<(&str, &str)> {
        let failed = self.variants.iter();
        failed.filter_map(|(name, outcome)| Some((name.as_str(), outcome.error()?))).collect()
    }
}

impl Deref for SweepSummary {
    type Target = Summary;

    fn deref(&self) -> &Summary {
        &self.summary
    }
}

/// Returns the outcome of a root.
fn outcome(plan: &Plan, outcomes: &Outcomes, root: NodeIndex) -> VariantOutcome {
    let own = outcomes.nodes[root.index()];
    if matches!(own, Outcome::Elsewhere { error: None }) {
        // A task required the root while it ran: the plan of that requirement has the outcome.
        let key = plan.graph.node(root).key;
        for part in &outcomes.in_run {
            let graph = &part.plan.graph;
            let node = graph.nodes().find(|&node| {
                graph.node(node).key == key
                    && !matches!(part.nodes[node.index()], Outcome::Elsewhere { .. })
            });
            if let Some(node) = node {
                let own = part.nodes[node.index()];
                let by = &outcomes.stopped_by;
                return variant_outcome(&part.plan, own, &part.nodes, &part.errors, by);
            }
        }
    }
    variant_outcome(plan, own, &outcomes.nodes, &outcomes.errors, &outcomes.stopped_by)
}

/// Converts the outcome of a root, `own`; `all` are the outcomes of its plan.
fn variant_outcome(
    plan: &Plan,
    own: Outcome,
    all: &[Outcome],
    errors: &[TaskError],
    stopped_by: &StoppedBy,
) -> VariantOutcome {
    let error_of = |outcome: Outcome| match outcome {
        Outcome::Failed { error, .. } | Outcome::Elsewhere { error: Some(error) } => {
            Some(errors[error as usize].text.as_str())
        }
        _ => None,
    };
    match own {
        Outcome::AlreadyComplete | Outcome::NotNeeded => VariantOutcome::AlreadyComplete,
        Outcome::Ran { seconds } => VariantOutcome::Ran { seconds: f64::from(seconds) },
        Outcome::OtherProcess => VariantOutcome::OtherProcess,
        Outcome::Reused => VariantOutcome::Reused,
        Outcome::Unchanged => VariantOutcome::Unchanged,
        Outcome::NowComplete | Outcome::Given | Outcome::Elsewhere { error: None } => {
            VariantOutcome::NowComplete
        }
        Outcome::Failed { .. } | Outcome::Elsewhere { error: Some(_) } => {
            VariantOutcome::Failed { error: error_of(own).unwrap_or_default().to_owned() }
        }
        Outcome::NotRun { because } => {
            let failed = plan.graph.label(because, Show::Clipped);
            let why = match error_of(all[because.index()]) {
                Some(error) => format!("{failed} failed: {error}"),
                None => format!("{failed} failed"),
            };
            VariantOutcome::NotRun { why }
        }
        Outcome::Stopped | Outcome::Open => VariantOutcome::NotRun { why: stopped_by.to_string() },
    }
}

impl fmt::Debug for SweepSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SweepSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(true, f)
    }
}

impl SweepSummary {
    /// Writes the summary, with or without the texts of errors.
    pub(crate) fn write(&self, with_errors: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Counted(self.variants.len()))?;
        let mut kinds: Vec<_> = self.variants.iter().map(|(_, outcome)| outcome).collect();
        kinds.sort_by_key(|outcome| outcome.rank());
        for (place, kind) in kinds.chunk_by(|a, b| a.word() == b.word()).enumerate() {
            let comma = if place == 0 { ": " } else { ", " };
            write!(f, "{comma}{} {}", kind.len(), kind[0].word())?;
        }
        write!(f, "{}", self.left_out)?;
        for word in ["failed", "not run"] {
            let mut of_kind = self.variants.iter().filter(|(_, o)| o.word() == word).peekable();
            if of_kind.peek().is_none() {
                continue;
            }
            write!(f, "\n  {word}:")?;
            for (name, outcome) in of_kind.by_ref().take(LISTED) {
                write!(f, "\n    {}", escaped_text(name.chars()))?;
                if let Some(error) = outcome.error().filter(|_| with_errors) {
                    write!(f, ": {}", error.replace('\n', "\n      "))?;
                }
            }
            if let more @ 1.. = of_kind.count() {
                write!(f, "\n    … and {more} more")?;
            }
        }
        f.write_str("\n")?;
        self.summary.write(with_errors, f)
    }
}

/// How many variants a run leaves out, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Variants that are complete.
    pub(crate) complete: usize,
    /// Variants beyond the requested number.
    pub(crate) later: usize,
}

impl LeftOut {
    pub(crate) fn is_any(self) -> bool {
        self != Self::default()
    }
}

/// Displays a number of variants: `24 variants`.
pub(crate) struct Counted(pub(crate) usize);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "variant" } else { "variants" })
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.complete, "complete"), (self.later, "for later")];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<_> = parts.map(|(count, what)| format!("{count} {what}")).collect();
        if parts.is_empty() { Ok(()) } else { write!(f, " (left out: {})", parts.join(", ")) }
    }
}
