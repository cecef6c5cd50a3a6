//! Previews: prints a plan as a tree, from the roots upstream.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io::IsTerminal;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use daggy::NodeIndex;

use crate::plan::Plan;
use crate::plan::cost::Cost;
use crate::plan::instance::Instance;
use crate::plan::label::Show;
use crate::plan::verdicts::Status;
use crate::plan::view::View;
use crate::plan::warning::Warning;

/// The number of inputs of one task that are shown one by one. The rest is counted.
const ALIKE: usize = 12;

/// The number of levels that are shown. Deeper ones are left out.
const LEVELS: usize = 48;

/// The cost of a run, in seconds, from which it is printed below the tree.
pub(crate) const TOLD: f64 = 1.0;

/// What running a flow would do: a tree of instances, each `COMPLETE` or `PENDING` with its reasons.
///
/// ```text
/// Train {model: Logistic, Preprocess.do_preprocess: false} PENDING never run
/// └─ Preprocess {do_preprocess: false} PENDING never run
///    └─ GetData {source: examples/data/iris.csv} COMPLETE
/// ```
///
/// The instances that an instance required while it ran, and would require again, are shown under it as `(in
/// run)`. An instance that several others require is shown in full once. The tree is colored if standard
/// output is a terminal and `NO_COLOR` is not set.
#[derive(Clone)]
pub struct Preview {
    pub(crate) plan: Arc<Plan>,
    cost: Cost,
    show: Show,
    pub(crate) all: bool,
    color: Option<bool>,
}

impl Preview {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        let cost = Cost::of(&plan);
        Self::costing(plan, cost)
    }

    /// Creates a preview whose cost is known.
    pub(crate) fn costing(plan: Arc<Plan>, cost: Cost) -> Self {
        Self { plan, cost, show: Show::default(), all: false, color: None }
    }

    /// Sets how much of the parameters is shown.
    ///
    /// By default, these are the parameters that distinguish instances, and as many more as fit on a line.
    pub fn parameters(self, show: Show) -> Self {
        Self { show, ..self }
    }

    /// Shows every instance, however many there are.
    pub fn all(self) -> Self {
        Self { all: true, ..self }
    }

    /// Turns color on or off, wherever it is printed.
    pub fn color(self, color: bool) -> Self {
        Self { color: Some(color), ..self }
    }

    /// Returns all instances, each after its inputs.
    pub fn instances(&self) -> impl DoubleEndedIterator<Item = Instance> + use<> {
        let plan = Arc::clone(&self.plan);
        self.plan.graph.nodes().map(move |node| Instance { plan: Arc::clone(&plan), node })
    }

    /// Returns the pending instances.
    pub fn pending(&self) -> Vec<Instance> {
        self.instances().filter(|instance| instance.status() == Status::Pending).collect()
    }

    /// Returns what a run would cost, estimated by how long the tasks took before.
    ///
    /// It is printed below the tree if it is a second or more.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Returns the warnings: settings that are legal but probably unintended.
    pub fn warnings(&self) -> &[Warning] {
        &self.plan.warnings
    }

    fn is_colored(&self) -> bool {
        self.color.unwrap_or_else(|| {
            std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                && std::io::stdout().is_terminal()
        })
    }
}

impl fmt::Debug for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.clone().color(false), f)
    }
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tree = Tree::new(self);
        for (i, &root) in self.plan.graph.roots.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            tree.write(f, root)?;
        }
        if self.cost.seconds >= TOLD {
            write!(f, "\nto run: {}", self.cost)?;
        }
        tree.write_warnings(f)
    }
}

/// The state of printing a preview.
pub(crate) struct Tree<'a> {
    preview: &'a Preview,
    colored: bool,
    /// The view of all graphs, if there are dynamic dependencies, which are in graphs of their own.
    view: Option<View>,
    seen: HashSet<NodeIndex>,
}

/// A line that is still to be written, with the text before it.
enum Line {
    Node { node: NodeIndex, before: String, last: bool, level: usize },
    Rest { text: String, before: String, last: bool },
}

impl<'a> Tree<'a> {
    pub(crate) fn new(preview: &'a Preview) -> Self {
        let plan = &preview.plan;
        let in_run = plan.verdicts.all_in_run();
        let view = (!in_run.is_empty()).then(|| {
            View::of(std::iter::once(&plan.graph).chain(in_run.iter().map(|plan| &plan.graph)))
        });
        Self { preview, colored: preview.is_colored(), view, seen: HashSet::new() }
    }

    pub(crate) fn write_warnings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for warning in self.preview.warnings() {
            write!(f, "\n{}", self.paint(AnsiColor::Yellow, &format!("warning: {warning}")))?;
        }
        Ok(())
    }

    /// Writes the trees of these nodes, each after a line break. Many nodes of one task are abbreviated.
    pub(crate) fn write_some(
        &mut self,
        f: &mut fmt::Formatter<'_>,
        nodes: impl IntoIterator<Item = NodeIndex>,
    ) -> fmt::Result {
        let (shown, rest) = self.abbreviate(nodes);
        for node in shown {
            writeln!(f)?;
            self.write(f, node)?;
        }
        rest.map_or(Ok(()), |rest| write!(f, "\n{rest}"))
    }

    /// Returns the nodes that are shown, and a text that counts the others.
    fn abbreviate(
        &self,
        nodes: impl IntoIterator<Item = NodeIndex>,
    ) -> (Vec<NodeIndex>, Option<String>) {
        let plan = &self.preview.plan;
        let mut shown = Vec::new();
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        let mut rest = BTreeMap::new();
        for node in nodes {
            let task = plan.graph.node(node).task;
            let count = counts.entry(task).or_default();
            *count += 1;
            if *count <= ALIKE || self.preview.all {
                shown.push(node);
            } else {
                *rest.entry((task, word(plan.verdicts.status(node)))).or_insert(0_usize) += 1;
            }
        }
        let others = rest.into_iter().map(|((task, word), count)| {
            format!("{count} more {} {word}", plan.graph.types.get(task).decl.name)
        });
        let others = others.collect::<Vec<_>>().join(", ");
        (shown, (!others.is_empty()).then(|| format!("… {others}")))
    }

    pub(crate) fn write(&mut self, f: &mut fmt::Formatter<'_>, root: NodeIndex) -> fmt::Result {
        f.write_str(&self.text(root))?;
        let mut lines = Vec::new();
        self.push_inputs(root, "", 1, &mut lines);
        while let Some(line) = lines.pop() {
            match line {
                Line::Rest { text, before, last } => {
                    let branch = if last { "└─" } else { "├─" };
                    write!(f, "\n{before}{branch} {text}")?;
                }
                Line::Node { node, before, last, level } => {
                    let branch = if last { "└─" } else { "├─" };
                    write!(f, "\n{before}{branch} {}", self.text(node))?;
                    // The indentation of deep levels no longer grows.
                    let before = match (level > LEVELS, last) {
                        (true, _) => before,
                        (false, true) => format!("{before}   "),
                        (false, false) => format!("{before}│  "),
                    };
                    self.push_inputs(node, &before, level + 1, &mut lines);
                }
            }
        }
        Ok(())
    }

    /// Pushes the inputs of a node that is shown for the first time, so that the first one is on top.
    fn push_inputs(&mut self, node: NodeIndex, before: &str, level: usize, lines: &mut Vec<Line>) {
        let graph = &self.preview.plan.graph;
        let in_run = self.in_run(node);
        if !self.seen.insert(node) || (graph.inputs(node).is_empty() && in_run.is_empty()) {
            return;
        }
        let before = before.to_owned();
        if level > LEVELS && !self.preview.all {
            let text = "… what this requires is not shown".to_owned();
            lines.push(Line::Rest { text, before, last: true });
            return;
        }
        let mut last = true;
        for text in in_run.into_iter().rev() {
            lines.push(Line::Rest { text, before: before.clone(), last });
            last = false;
        }
        let mut seen = HashSet::new();
        let inputs = graph.inputs(node).iter().copied().filter(|&input| seen.insert(input));
        let (inputs, rest) = self.abbreviate(inputs);
        if let Some(text) = rest {
            lines.push(Line::Rest { text, before: before.clone(), last });
            last = false;
        }
        for &input in inputs.iter().rev() {
            lines.push(Line::Node { node: input, before: before.clone(), last, level });
            last = false;
        }
    }

    fn text(&self, node: NodeIndex) -> String {
        let plan = &self.preview.plan;
        let label = self.label(plan, node);
        let shows_more =
            !plan.graph.inputs(node).is_empty() || !plan.verdicts.in_run(node).is_empty();
        if self.seen.contains(&node) && shows_more {
            return format!("{label} (above)");
        }
        self.verdict(plan, node)
    }

    /// Returns a line for each dynamic dependency of an instance that it would require again.
    fn in_run(&self, node: NodeIndex) -> Vec<String> {
        let answered = self.preview.plan.verdicts.in_run(node).iter();
        let roots = answered.flat_map(|a| a.plan.graph.roots.iter().map(|&root| (&a.plan, root)));
        let mut roots: Vec<_> = roots.collect();
        let more = roots.len().saturating_sub(ALIKE);
        if !self.preview.all {
            roots.truncate(ALIKE);
        }
        let lines = roots.into_iter().map(|(plan, root)| self.verdict(plan, root));
        let mut lines: Vec<_> = lines.map(|line| format!("(in run) {line}")).collect();
        if more > 0 && !self.preview.all {
            lines.push(format!("(in run) … {more} more"));
        }
        lines
    }

    /// Returns the label of an instance with its status and the reasons.
    fn verdict(&self, plan: &Plan, node: NodeIndex) -> String {
        format!("{} {}", self.label(plan, node), self.status(plan, node))
    }

    fn label(&self, plan: &Plan, node: NodeIndex) -> String {
        match &self.view {
            Some(view) => view.label(&plan.graph, node, self.preview.show),
            None => plan.graph.label(node, self.preview.show),
        }
    }

    /// Returns the status of an instance with the reasons.
    pub(crate) fn status(&self, plan: &Plan, node: NodeIndex) -> String {
        let status = plan.verdicts.status(node);
        // The reasons of a reused output concern only the instance's own folder, and are left out.
        let reasons = if status.is_complete() { &[] } else { plan.verdicts.reasons(node) };
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        let color = match status {
            Status::Complete | Status::Kept => AnsiColor::Green,
            Status::Evicted => AnsiColor::Cyan,
            Status::Unchecked => AnsiColor::BrightBlack,
            Status::Pending => AnsiColor::Yellow,
        };
        let status = self.paint(color, word(status));
        match reasons.join("; ").as_str() {
            "" => status,
            reasons => format!("{status} {reasons}"),
        }
    }

    fn paint(&self, color: AnsiColor, text: &str) -> String {
        if !self.colored {
            return text.to_owned();
        }
        let style = Style::new().fg_color(Some(color.into()));
        format!("{style}{text}{style:#}")
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Complete | Status::Kept => "COMPLETE",
        Status::Evicted => "EVICTED",
        Status::Unchecked => "UNCHECKED",
        Status::Pending => "PENDING",
    }
}
