//! The picture of a graph: boxes of instances, tasks or groups, and arrows, as SVG in the page.
//!
//! The core lays it out, as it does for `plot`. Colors are classes of the style sheet, so that the picture fits a dark page.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

use flow_core::layout::{Area, LINE, Layout, PADDING, curve};
use maud::{Markup, html};

use crate::links::Links;
use crate::query::Query;
use crate::snapshot::{Snapshot, State};
use crate::text;

/// The number of instances of a task that are drawn when it is opened.
pub(crate) const OPENED: usize = 100;

/// The number of parameters of an instance that are shown.
const PARAMETERS: usize = 5;

/// The longest line in a box, in characters.
const LONGEST: usize = 36;

/// The number of reasons in a tooltip.
const REASONS: usize = 10;

/// What each box stands for, unless it was opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Instance,
    Task,
    Group,
}

impl By {
    /// Returns the word for it in an address.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Task => "task",
            Self::Group => "group",
        }
    }
}

/// What is drawn of a graph.
pub(crate) struct Selected<'a> {
    pub(crate) snapshot: &'a Snapshot,
    /// The state of each instance.
    pub(crate) states: &'a [State],
    pub(crate) by: By,
    /// For each instance, whether it is drawn.
    pub(crate) is_drawn: &'a [bool],
    /// For each instance, whether it fits the search. Boxes in which none does are dim.
    pub(crate) fits: &'a [bool],
    /// The present query, from which links follow.
    pub(crate) query: &'a Query,
    pub(crate) links: Links<'a>,
}

/// A box: an instance, all instances of a task, or all of a group.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Of {
    Instance(usize),
    Task(usize),
    Group(&'static str),
}

/// What a box has in common.
#[derive(Default)]
struct Contents {
    /// The position of its last instance, after which all of its inputs have their places.
    last: usize,
    states: BTreeMap<State, usize>,
    fits: bool,
}

/// A picture.
pub(crate) struct Drawing {
    boxes: Vec<DrawnBox>,
    arrows: Vec<(usize, usize)>,
}

struct DrawnBox {
    title: String,
    lines: Vec<String>,
    state: State,
    hint: String,
    /// `None` for a box of a report that leads nowhere.
    href: Option<String>,
    is_dim: bool,
}

impl Drawing {
    /// Draws a graph, in time linear in instances and dependencies, but for the sorting of the arrows.
    pub(crate) fn new(selected: &Selected<'_>) -> Self {
        let Selected { snapshot, states, is_drawn, fits, .. } = *selected;
        let opened: HashSet<&str> = selected.query.all("open").collect();
        let of_task: Vec<_> =
            (0..snapshot.tasks.len()).map(|task| selected.of_task(task, &opened)).collect();
        let of = snapshot.task_of.iter().enumerate();
        let of: Vec<_> =
            of.map(|(place, &task)| of_task[task].unwrap_or(Of::Instance(place))).collect();
        let mut contents: HashMap<Of, Contents> = HashMap::new();
        for (place, &of) in of.iter().enumerate().filter(|(place, _)| is_drawn[*place]) {
            let contents = contents.entry(of).or_default();
            contents.last = place;
            *contents.states.entry(states[place]).or_default() += 1;
            contents.fits |= fits[place];
        }
        let mut order: Vec<_> =
            contents.iter().map(|(&of, contents)| (contents.last, of)).collect();
        order.sort_unstable_by_key(|(last, _)| *last);
        let places: HashMap<Of, usize> =
            order.iter().enumerate().map(|(place, &(_, of))| (of, place)).collect();
        let mut arrows = Vec::new();
        for (place, inputs) in
            snapshot.inputs.iter().enumerate().filter(|(place, _)| is_drawn[*place])
        {
            let to = places[&of[place]];
            let from =
                inputs.iter().filter(|input| is_drawn[**input]).map(|&input| places[&of[input]]);
            // A task whose instances require one another has no arrow to itself.
            arrows.extend(from.filter(|from| *from != to).map(|from| (from, to)));
        }
        arrows.sort_unstable();
        arrows.dedup();
        let boxes = order.iter().map(|(_, of)| selected.drawn(*of, &contents[of]));
        Self { boxes: boxes.collect(), arrows }
    }

    /// Returns the number of boxes.
    pub(crate) fn len(&self) -> usize {
        self.boxes.len()
    }

    /// Returns the picture. A box is a link, if there is something that it leads to.
    pub(crate) fn svg(&self) -> Markup {
        let size = |one: &DrawnBox| Area::around(&one.title, one.state.word(), &one.lines);
        let layout = Layout::of(self.boxes.iter().map(size).collect(), &self.arrows);
        let (width, height) = layout.size();
        let (width, height) = (width.ceil() as u64, height.ceil() as u64);
        let paths: Vec<_> = layout.arrows.iter().map(|points| curve(points)).collect();
        let label = format!(
            "Graph of {} and {}",
            text::count(self.boxes.len(), "node"),
            text::count(self.arrows.len(), "dependency arrow")
        );
        html! {
            svg.graph viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="group" aria-label=(label) {
                defs {
                    marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto" {
                        path d="M0 0 8 4 0 8z" {}
                    }
                }
                @for path in &paths {
                    path.arrow d=(path) marker-end="url(#arrow)" {}
                }
                @for (drawn, area) in self.boxes.iter().zip(&layout.boxes) {
                    (drawn.markup(area))
                }
            }
        }
    }
}

impl Selected<'_> {
    /// Returns the box that the instances of a task are in; `None` if each has its own.
    fn of_task(&self, index: usize, opened: &HashSet<&str>) -> Option<Of> {
        let task = &self.snapshot.tasks[index];
        let is_open = |kind: &str, name: &str| opened.contains(format!("{kind}:{name}").as_str());
        if self.by == By::Instance {
            return None;
        }
        if self.by == By::Group
            && let Some(closed) =
                task.group.and_then(|group| around(group).find(|one| !is_open("group", one)))
        {
            return Some(Of::Group(closed));
        }
        let is_drawn_by_instance = task.count <= OPENED && is_open("task", &task.name);
        (!is_drawn_by_instance).then_some(Of::Task(index))
    }

    fn drawn(&self, of: Of, contents: &Contents) -> DrawnBox {
        let state = contents.states.keys().next_back().copied().unwrap_or(State::Complete);
        let count: usize = contents.states.values().sum();
        let line = |(state, count): (&State, &usize)| match contents.states.len() {
            1 => state.word().to_owned(),
            _ => format!("{count} {}", state.word()),
        };
        let (title, lines, hint, href) = match of {
            Of::Instance(place) => return self.instance(place, state, !contents.fits),
            Of::Task(index) => {
                let task = &self.snapshot.tasks[index];
                let name = text::clipped(&task.name, LONGEST);
                let title = if task.count == 1 { name } else { format!("{name} × {count}") };
                let lines: Vec<_> = contents.states.iter().map(line).collect();
                let (hint, href) = match (self.links, task.count) {
                    (links, 1) => {
                        let key = self.snapshot.instances[contents.last].key();
                        (task.name.clone(), links.instance(key))
                    }
                    (Links::Report(anchors), _) => {
                        (format!("The instances of {}", task.name), anchors.task(&task.name))
                    }
                    (Links::Server, 2..=OPENED) => {
                        let open = format!("task:{}", task.name);
                        (format!("Draw the instances of {}", task.name), self.toggled(&open))
                    }
                    (Links::Server, _) => {
                        let list = Query::default().with("task", Some(&task.name));
                        let list = list.href("/instances");
                        (format!("List the instances of {}", task.name), Some(list))
                    }
                };
                (title, lines, hint, href)
            }
            Of::Group(group) => {
                let title = format!("{} (group)", text::clipped(group, LONGEST));
                let mut lines = vec![text::count(count, "instance")];
                let inner = self.snapshot.groups_in(group);
                lines.extend((inner > 0).then(|| text::count(inner, "group")));
                lines.extend(contents.states.iter().map(line));
                let hint = format!("Open the group {group}");
                (title, lines, hint, self.toggled(&format!("group:{group}")))
            }
        };
        DrawnBox { title, lines, state, hint, href, is_dim: !contents.fits }
    }

    /// Returns the link that opens or closes a box. A report has none.
    fn toggled(&self, open: &str) -> Option<String> {
        self.links.is_server().then(|| self.query.toggled("open", open).href("/"))
    }

    fn instance(&self, place: usize, state: State, is_dim: bool) -> DrawnBox {
        let instance = &self.snapshot.instances[place];
        let parameters = instance.parameters();
        let shown = parameters.iter().take(PARAMETERS);
        let shown = shown.map(|(name, value)| text::clipped(&format!("{name}: {value}"), LONGEST));
        let mut lines: Vec<_> = shown.collect();
        if let Some(more @ 1..) = parameters.len().checked_sub(PARAMETERS) {
            lines.push(format!("… {more} more"));
        }
        let mut hint = text::clipped(&instance.to_string(), 500);
        for reason in instance.reasons().iter().take(REASONS) {
            let _ = write!(hint, "\n{}", text::clipped(&reason.to_string(), 300));
        }
        let title = text::clipped(instance.task(), LONGEST);
        let href = self.links.instance(instance.key());
        DrawnBox { title, lines, state, hint, href, is_dim }
    }
}

impl DrawnBox {
    fn markup(&self, area: &Area) -> Markup {
        let (left, right) = (area.left() + PADDING, area.right() - PADDING);
        let first = area.top() + LINE;
        let height = |row: usize| text::px(first + (row + 1) as f64 * LINE);
        html! {
            a.node.(self.state.word()).dim[self.is_dim] href=[&self.href] {
                title { (text::block(&self.hint)) }
                rect x=(text::px(area.left())) y=(text::px(area.top()))
                    width=(text::px(area.width)) height=(text::px(area.height)) rx="6" {}
                text.name x=(text::px(left)) y=(text::px(first)) { (self.title) }
                text.word x=(text::px(right)) y=(text::px(first)) text-anchor="end" { (self.state.word()) }
                @for (row, line) in self.lines.iter().enumerate() {
                    text x=(text::px(left)) y=(height(row)) { (line) }
                }
            }
        }
    }
}

/// Returns the groups that a group is in, the outermost first, and the group itself: `a`, `a/b` and `a/b/c` of `a/b/c`.
pub(crate) fn around(group: &'static str) -> impl Iterator<Item = &'static str> {
    let ends = group.match_indices('/').map(|(end, _)| end);
    ends.chain([group.len()]).map(move |end| &group[..end])
}
