//! The content of a plot: boxes, and arrows between them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::key::Key;
use crate::plan::Plan;
use crate::plan::label::Show;
use crate::plan::reason::Reason;
use crate::plan::verdicts::Status;
use crate::plan::view::View;

/// The number of characters of one parameter that are shown.
const CLIPPED: usize = 40;

/// The number of parameters that are shown.
const LINES: usize = 6;

/// The boxes, each after those that lead to it, and the arrows.
#[derive(Default)]
pub(super) struct Drawing {
    pub(super) boxes: Vec<Drawn>,
    pub(super) arrows: Vec<Arrow>,
}

/// A box: one instance, or all instances of a task.
pub(super) struct Drawn {
    /// The name of the task and, for several instances, their number.
    pub(super) title: String,
    /// The parameters, or the number of instances in each state.
    pub(super) lines: Vec<String>,
    pub(super) state: State,
    /// The tooltip: all parameters and reasons, a line each.
    pub(super) hint: String,
    /// The task and its parameters in one line.
    pub(super) label: String,
}

/// An arrow from a box to one that requires it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Whether the dependency is dynamic: required while the other one ran.
    pub(super) in_run: bool,
}

/// The state that the color of a box shows, the most urgent last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Complete,
    Unchecked,
    Evicted,
    Pending,
    Failed,
}

impl State {
    fn of(plan: &Plan, node: NodeIndex) -> Self {
        let failed = |reason: &Reason| matches!(reason, Reason::FailedLastTime { .. });
        match plan.verdicts.status(node) {
            Status::Complete | Status::Kept => Self::Complete,
            Status::Unchecked => Self::Unchecked,
            Status::Evicted => Self::Evicted,
            Status::Pending if plan.verdicts.reasons(node).iter().any(failed) => Self::Failed,
            Status::Pending => Self::Pending,
        }
    }

    /// Returns the word that a preview prints, or `FAILED` if the last run failed.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Complete => "COMPLETE",
            Self::Unchecked => "UNCHECKED",
            Self::Evicted => "EVICTED",
            Self::Pending => "PENDING",
            Self::Failed => "FAILED",
        }
    }

    /// Returns the colors of a box's area and edge.
    ///
    /// They can be distinguished by people who cannot see red and green: Okabe and Ito, *Color Universal
    /// Design*, 2008, with lightened areas.
    pub(super) fn colors(self) -> (&'static str, &'static str) {
        match self {
            Self::Complete => ("#d5efe6", "#009e73"),
            Self::Unchecked => ("#f2f2f2", "#999999"),
            Self::Evicted => ("#e6f3fb", "#56b4e9"),
            Self::Pending => ("#fdf1d5", "#e69f00"),
            Self::Failed => ("#f9dfd2", "#d55e00"),
        }
    }
}

impl Drawing {
    /// Draws a box for each instance, dynamic dependencies included.
    pub(super) fn of_instances(plan: &Arc<Plan>) -> Self {
        let mut drawing = Self::default();
        let mut plans = vec![&**plan];
        plans.extend(plan.verdicts.all_in_run());
        let view = View::of(plans.iter().map(|plan| &plan.graph));
        drawing.add(plan, &mut HashMap::new(), &view);
        drawing.arrows.sort_unstable();
        drawing.arrows.dedup();
        drawing
    }

    fn add(&mut self, plan: &Plan, places: &mut HashMap<Key, usize>, view: &View) {
        for node in plan.graph.nodes() {
            let key = plan.graph.node(node).key;
            if places.contains_key(&key) {
                continue;
            }
            let answered = plan.verdicts.in_run(node);
            answered.iter().for_each(|answered| self.add(&answered.plan, places, view));
            let to = self.boxes.len();
            places.insert(key, to);
            self.boxes.push(Drawn::of(plan, node, view));
            let inputs = plan.graph.inputs(node).iter().map(|&input| (plan, input, false));
            let in_run = answered.iter().flat_map(|answered| {
                answered.plan.graph.roots.iter().map(|&root| (&*answered.plan, root, true))
            });
            let arrows = inputs.chain(in_run).filter_map(|(plan, node, in_run)| {
                let from = *places.get(&plan.graph.node(node).key)?;
                Some(Arrow { from, to, in_run })
            });
            self.arrows.extend(arrows);
        }
    }

    /// Merges the boxes of each task into one, at the position of its last instance.
    pub(super) fn by_task(self) -> Self {
        let mut last: HashMap<&str, usize> = HashMap::new();
        for (place, drawn) in self.boxes.iter().enumerate() {
            last.insert(drawn.task(), place);
        }
        let mut order: Vec<_> = last.values().copied().collect();
        order.sort_unstable();
        let task_of: HashMap<&str, usize> = order
            .iter()
            .enumerate()
            .map(|(task, &place)| (self.boxes[place].task(), task))
            .collect();
        let task_at = |place: usize| task_of[self.boxes[place].task()];

        let mut states: Vec<BTreeMap<State, usize>> = vec![BTreeMap::new(); order.len()];
        for (place, drawn) in self.boxes.iter().enumerate() {
            *states[task_at(place)].entry(drawn.state).or_default() += 1;
        }
        let boxes = std::iter::zip(&order, &states);
        let boxes = boxes.map(|(&place, states)| Drawn::of_task(self.boxes[place].task(), states));
        let arrows = self.arrows.iter().map(|arrow| Arrow {
            from: task_at(arrow.from),
            to: task_at(arrow.to),
            in_run: arrow.in_run,
        });
        // A task whose instances require one another has no arrow to itself.
        let mut arrows: Vec<_> = arrows.filter(|arrow| arrow.from != arrow.to).collect();
        arrows.sort_unstable();
        arrows.dedup();
        Self { boxes: boxes.collect(), arrows }
    }
}

impl Drawn {
    fn of(plan: &Plan, node: NodeIndex, view: &View) -> Self {
        let title = plan.graph.task(node).decl.name.to_string();
        let (shown, count) = view.shown(&plan.graph, node);
        let is_ambiguous = view.is_ambiguous(&plan.graph, node, &shown, count);
        let places = shown.iter().take(count.max(LINES));
        let mut lines: Vec<_> = places.map(|one| one.text(CLIPPED)).collect();
        if let Some(more @ 1..) = shown.len().checked_sub(lines.len()) {
            lines.push(format!("… {more} more"));
        }
        if is_ambiguous {
            lines.push(format!("#{}", plan.graph.digits(node)));
        }
        let shown = shown.into_iter().map(|one| format!("{}: {}", one.name, one.value));
        let state = State::of(plan, node);
        let reasons = plan.verdicts.reasons(node).iter().map(ToString::to_string);
        let mut hint = vec![format!("{title} {}", state.word())];
        hint.extend(shown);
        hint.extend(reasons);
        let label = view.label(&plan.graph, node, Show::Clipped);
        Self { title, lines, state, hint: hint.join("\n"), label }
    }

    fn of_task(task: &str, states: &BTreeMap<State, usize>) -> Self {
        let count: usize = states.values().sum();
        let title = if count == 1 { task.to_owned() } else { format!("{task} × {count}") };
        let line = |(state, count): (&State, &usize)| match states.len() {
            1 => state.word().to_owned(),
            _ => format!("{count} {}", state.word()),
        };
        let lines: Vec<_> = states.iter().map(line).collect();
        let state = states.keys().next_back().copied().unwrap_or(State::Complete);
        let hint = format!("{title}\n{}", lines.join("\n"));
        Self { label: title.clone(), title, lines, state, hint }
    }

    /// The name of the task.
    fn task(&self) -> &str {
        &self.title
    }
}
