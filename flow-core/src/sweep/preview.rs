//! The preview of a sweep: a line for each variant, then the instances that several variants share.

use std::fmt;
use std::sync::Arc;

use daggy::NodeIndex;

use super::upstream::{Owner, owners};
use crate::base::seconds::Seconds;
use crate::flow::sweep_summary::Counted;
use crate::flow::sweep_summary::LeftOut;
use crate::plan::Plan;
use crate::plan::cost::Cost;
use crate::plan::instance::Instance;
use crate::plan::label::Show;
use crate::plan::tree::{Preview, TOLD, Tree};
use crate::plan::verdicts::Status;
use crate::plan::warning::Warning;
use crate::value::escaped_text;

/// The most variants that are printed.
const LISTED: usize = 50;

/// A preview of what running a sweep would do, created by [`Sweep::preview`](crate::Sweep::preview).
///
/// It prints a line for each variant: its status, the reason, and the number of tasks that would run for this variant
/// alone. Below, it prints the instances that several variants share, as a tree.
///
/// ```text
/// 3 variants: 1 complete, 2 to run
///   base   COMPLETE
///   gbm    PENDING never run
///   raw    PENDING never run (2 tasks of its own)
/// several share:
/// Preprocess {do_preprocess: true} COMPLETE
/// └─ GetData {source: examples/data/iris.csv} COMPLETE
/// ```
#[derive(Clone)]
pub struct SweepPreview {
    preview: Preview,
    names: Vec<String>,
    left_out: LeftOut,
    /// For each variant, the cost of the instances that no other variant needs.
    alone: Vec<Cost>,
    /// The shared instances that no other shared instance requires: the roots of the printed tree.
    shared: Vec<NodeIndex>,
}

impl SweepPreview {
    pub(super) fn new(plan: Arc<Plan>, names: Vec<String>, left_out: LeftOut) -> Self {
        let graph = &plan.graph;
        let owners = owners(graph, graph.roots.len().checked_div(names.len()).unwrap_or(1));
        let cost = Cost::of(&plan);
        let mut alone = vec![Cost::default(); names.len()];
        Cost::each(&plan, |node, seconds| {
            if let Owner::One(place) = owners[node.index()] {
                alone[place].add(seconds);
            }
        });
        let is_shared = |node: NodeIndex| owners[node.index()] == Owner::Several;
        let is_top = |node: &NodeIndex| is_shared(*node) && !graph.consumers(*node).any(is_shared);
        let shared = graph.nodes().filter(is_top).collect();
        let preview = Preview::costing(Arc::clone(&plan), cost);
        Self { preview, names, left_out, alone, shared }
    }

    /// Sets how much of the parameters is shown; by default, as many as fit on a line.
    pub fn parameters(self, show: Show) -> Self {
        Self { preview: self.preview.parameters(show), ..self }
    }

    /// Shows all variants and all shared instances, however many there are.
    pub fn all(self) -> Self {
        Self { preview: self.preview.all(), ..self }
    }

    /// Sets whether the text is colored, instead of deciding by where it is printed to.
    pub fn color(self, color: bool) -> Self {
        Self { preview: self.preview.color(color), ..self }
    }

    /// Returns the variants that a run would cover, in order, each with its status.
    pub fn variants(&self) -> impl Iterator<Item = (&str, Status)> {
        let status = |place| self.preview.plan.verdicts.status(self.worst(place));
        self.names.iter().enumerate().map(move |(place, name)| (name.as_str(), status(place)))
    }

    /// Returns how many variants [`missing`](crate::Sweep::missing) leaves out because they are complete.
    pub fn left_out_complete(&self) -> usize {
        self.left_out.complete
    }

    /// Returns how many pending variants [`missing`](crate::Sweep::missing) leaves for a later run.
    pub fn left_for_later(&self) -> usize {
        self.left_out.later
    }

    /// Returns all instances, each after those that it requires.
    pub fn instances(&self) -> impl DoubleEndedIterator<Item = Instance> + use<> {
        self.preview.instances()
    }

    /// Returns the instances that are not complete.
    pub fn pending(&self) -> Vec<Instance> {
        self.preview.pending()
    }

    /// Returns the estimated cost of a run.
    pub fn cost(&self) -> Cost {
        self.preview.cost()
    }

    /// Returns the warnings: settings that are legal but probably unintended.
    pub fn warnings(&self) -> &[Warning] {
        self.preview.warnings()
    }

    /// Returns the root of a variant that is the furthest from complete.
    fn worst(&self, place: usize) -> NodeIndex {
        let roots = &self.preview.plan.graph.roots;
        let count = roots.len() / self.names.len();
        let rank = |root: &&NodeIndex| match self.preview.plan.verdicts.status(**root) {
            Status::Complete | Status::Kept => 0,
            Status::Unchecked => 1,
            Status::Evicted => 2,
            Status::Pending => 3,
        };
        // `max_by_key` returns the last of several maxima: reversed, that is the first root.
        let of_variant = roots[place * count..][..count].iter().rev();
        *of_variant.max_by_key(rank).expect("a variant has a root")
    }
}

impl fmt::Debug for SweepPreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.clone().color(false), f)
    }
}

impl fmt::Display for SweepPreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tree = Tree::new(&self.preview);
        let complete = self.variants().filter(|(_, status)| status.is_complete()).count();
        let open = self.names.len() - complete;
        write!(f, "{}", Counted(self.names.len()))?;
        match (complete, open) {
            (0, 0) => {}
            (0, open) => write!(f, ": {open} to run")?,
            (complete, 0) => write!(f, ": {complete} complete")?,
            (complete, open) => write!(f, ": {complete} complete, {open} to run")?,
        }
        write!(f, "{}", self.left_out)?;
        let listed = if self.preview.all { self.names.len() } else { LISTED };
        let names = self.names.iter().take(listed).map(|name| escaped_text(name.chars()));
        let names: Vec<_> = names.collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        for (place, name) in names.iter().enumerate() {
            let status = tree.status(&self.preview.plan, self.worst(place));
            write!(f, "\n  {name:width$}  {status}")?;
            let alone = self.alone[place];
            match (alone.tasks, alone.seconds) {
                (0 | 1, ..TOLD) => {}
                (1, seconds) => write!(f, " (about {})", Seconds(seconds))?,
                (tasks, ..TOLD) => write!(f, " ({tasks} tasks of its own)")?,
                (tasks, seconds) => {
                    write!(f, " ({tasks} tasks of its own, about {})", Seconds(seconds))?;
                }
            }
        }
        if let Some(more @ 1..) = self.names.len().checked_sub(listed) {
            let open = self.variants().skip(listed).filter(|(_, s)| !s.is_complete()).count();
            write!(f, "\n  … {more} more, {open} of them to run")?;
        }
        match &*self.shared {
            // A single variant shares nothing: show its tree.
            [] if self.names.len() == 1 => {
                tree.write_some(f, self.preview.plan.graph.roots.clone())?
            }
            [] => {}
            shared => {
                f.write_str("\nseveral share:")?;
                tree.write_some(f, shared.iter().copied())?;
            }
        }
        if self.cost().seconds >= TOLD {
            write!(f, "\nto run: {}", self.cost())?;
        }
        tree.write_warnings(f)
    }
}
