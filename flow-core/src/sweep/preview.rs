//! The preview of a sweep: a line for each variant, then what they share.

use std::fmt;
use std::sync::Arc;

use daggy::NodeIndex;

use super::upstream::{Owner, owners};
use crate::base::event::Seconds;
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

/// How many variants are printed one by one.
const LISTED: usize = 50;

/// What running a sweep would do: a line for each variant, which says whether it is complete, why it
/// is not, and what would run for it alone; then what several variants share, as a tree.
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
    /// What each variant costs that no other one needs.
    alone: Vec<Cost>,
    /// What several variants need, and nothing that they need besides requires.
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

    /// How much of the parameters is shown; by default, as many as fit on a line.
    pub fn parameters(self, show: Show) -> Self {
        Self { preview: self.preview.parameters(show), ..self }
    }

    /// Shows every variant, and everything that they share, however many there are.
    pub fn all(self) -> Self {
        Self { preview: self.preview.all(), ..self }
    }

    /// Colors it, or not, whatever it is printed to.
    pub fn color(self, color: bool) -> Self {
        Self { preview: self.preview.color(color), ..self }
    }

    /// The variants that a run is about, in order, each with its status.
    pub fn variants(&self) -> impl Iterator<Item = (&str, Status)> {
        let status = |place| self.preview.plan.verdicts.status(self.worst(place));
        self.names.iter().enumerate().map(move |(place, name)| (name.as_str(), status(place)))
    }

    /// How many variants are left out because they are complete, by
    /// [`missing`](crate::Sweep::missing).
    pub fn left_out_complete(&self) -> usize {
        self.left_out.complete
    }

    /// How many variants are left for later, by [`missing`](crate::Sweep::missing).
    pub fn left_for_later(&self) -> usize {
        self.left_out.later
    }

    /// All instances, each after what it requires.
    pub fn instances(&self) -> impl DoubleEndedIterator<Item = Instance> + use<> {
        self.preview.instances()
    }

    /// The instances that are not complete.
    pub fn pending(&self) -> Vec<Instance> {
        self.preview.pending()
    }

    /// What a run would cost.
    pub fn cost(&self) -> Cost {
        self.preview.cost()
    }

    /// What is not wrong, but hardly meant.
    pub fn warnings(&self) -> &[Warning] {
        self.preview.warnings()
    }

    /// That root of a variant which is the furthest from complete.
    fn worst(&self, place: usize) -> NodeIndex {
        let roots = &self.preview.plan.graph.roots;
        let count = roots.len() / self.names.len();
        let rank = |root: &&NodeIndex| match self.preview.plan.verdicts.status(**root) {
            Status::Complete | Status::Kept => 0,
            Status::Unchecked => 1,
            Status::Evicted => 2,
            Status::Pending => 3,
        };
        // Of equals, the first one.
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
            // There is nobody to share with.
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
