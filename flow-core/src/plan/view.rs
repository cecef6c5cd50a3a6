//! Views: labels that distinguish the instances that are shown together.
//!
//! A preview, a summary, a plot or an error shows instances side by side. Most of their parameters are equal,
//! and a few distinguish them. A [`View`] is built once, from all instances that are shown. A label starts
//! with the parameters that distinguish its instance, in full, and shows as many others as fit on a line.
//!
//! Within a view no two labels are equal. If the text of a value does not identify it (a secret prints as
//! `***`), the first digits of the key follow the label. Labels are for people: identity never follows from
//! them.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use daggy::NodeIndex;

use crate::base::key::{Digest, Key};
use crate::plan::Graph;
use crate::plan::draws::SetIndex;
use crate::plan::label::{Show, Shown};
use crate::task::param::ParamId;
use crate::value::{Value, shortened};

/// The maximum length of the parameters in a label, in characters, before common ones are cut.
const LENGTH: usize = 100;

/// The number of characters of one value in a label that is longer than [`LENGTH`].
const VALUE: usize = 48;

/// The parameters that distinguish the instances shown together, by task.
#[derive(Default)]
pub(crate) struct View {
    tasks: HashMap<TypeId, Distinction>,
    /// Whether instances of other graphs are shown beside these.
    is_part: bool,
}

/// The parameters that distinguish the instances of one task.
#[derive(Default)]
struct Distinction {
    parameters: HashSet<ParamId>,
    /// The parameters among them with values of several kinds, so that a text may look like a number.
    mixed: HashSet<ParamId>,
    /// The instances that no parameter distinguishes from some other instance.
    alike: HashSet<Key>,
}

impl View {
    /// Creates the view of all instances of some graphs.
    pub(crate) fn of<'a>(graphs: impl IntoIterator<Item = &'a Graph>) -> Self {
        let nodes = graphs.into_iter().flat_map(|graph| graph.nodes().map(move |n| (graph, n)));
        Self::of_nodes(nodes)
    }

    /// Creates the view of some instances.
    pub(crate) fn of_nodes<'a>(nodes: impl IntoIterator<Item = (&'a Graph, NodeIndex)>) -> Self {
        let mut tasks: HashMap<TypeId, Vec<(&Graph, NodeIndex)>> = HashMap::new();
        for (graph, node) in nodes {
            tasks.entry((graph.task(node).task.id)()).or_default().push((graph, node));
        }
        let several = tasks.into_iter().filter(|(_, members)| members.len() > 1);
        let tasks =
            several.map(|(task, members)| (task, Distinction::of(task, &members))).collect();
        Self { tasks, is_part: false }
    }

    /// Returns this view for use beside instances of other graphs.
    pub(crate) fn in_part(self) -> Self {
        Self { is_part: true, ..self }
    }

    fn distinguishes(&self, task: TypeId, parameter: &Shown) -> bool {
        self.tasks.get(&task).is_some_and(|task| task.parameters.contains(&parameter.id))
    }

    /// Returns the parameters that an instance shows, and how many of them distinguish it.
    ///
    /// The distinguishing ones come first, then the task's own, then those that its dependencies draw from
    /// outside it and that differ from their defaults.
    pub(crate) fn shown(&self, graph: &Graph, node: NodeIndex) -> (Vec<Shown>, usize) {
        let task = (graph.task(node).task.id)();
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for parameter in graph.all_shown(node) {
            // The parameter from which the value is inherited shows it already.
            let is_repeated = parameter.is_another || parameter.is_inherited;
            if self.distinguishes(task, &parameter) && !is_repeated {
                first.push(parameter);
            } else if parameter.is_usual() {
                rest.push(parameter);
            }
        }
        let count = first.len();
        first.extend(rest);
        (first, count)
    }

    /// Sorts the parameters so that the distinguishing ones come first.
    pub(crate) fn put_telling_first(&self, graph: &Graph, node: NodeIndex, shown: &mut [Shown]) {
        let task = (graph.task(node).task.id)();
        shown.sort_by_key(|parameter| !self.distinguishes(task, parameter));
    }

    /// Returns whether another instance may have a label with the same text.
    ///
    /// The first `count` parameters are those that distinguish the instance.
    pub(crate) fn is_ambiguous(
        &self,
        graph: &Graph,
        node: NodeIndex,
        shown: &[Shown],
        count: usize,
    ) -> bool {
        let distinction = self.tasks.get(&(graph.task(node).task.id)());
        if distinction.is_some_and(|distinction| distinction.alike.contains(&graph.node(node).key))
        {
            return true;
        }
        let mixed = distinction.map(|distinction| &distinction.mixed);
        let count = if self.is_part { shown.len() } else { count };
        shown[..count].iter().any(|parameter| {
            !parameter.value.is_told_by_text()
                || mixed.is_some_and(|mixed| mixed.contains(&parameter.id))
        })
    }

    /// Returns the label of an instance: the name of the task and its parameters.
    pub(crate) fn label(&self, graph: &Graph, node: NodeIndex, show: Show) -> String {
        let name = &graph.task(node).decl.name;
        if show == Show::Hidden {
            return name.to_string();
        }
        let (shown, count) = self.shown(graph, node);
        let mut is_ambiguous = self.is_ambiguous(graph, node, &shown, count);
        let text = match show {
            Show::Full => joined(&shown),
            _ => {
                let (text, is_cut) = clipped(&shown, count, LENGTH);
                is_ambiguous |= is_cut && self.is_part;
                text
            }
        };
        with_digits(graph, node, labeled(name, &text), is_ambiguous)
    }
}

impl Graph {
    /// Returns the label of an instance for a record, where the other instances are unknown.
    pub(crate) fn label_alone(&self, node: NodeIndex) -> String {
        let (shown, _) = View::default().shown(self, node);
        let (text, is_cut) = clipped(&shown, 0, 2 * LENGTH);
        with_digits(self, node, labeled(&self.task(node).decl.name, &text), is_cut)
    }

    /// Returns a label with all parameters, long values shortened, that differs from all other instances.
    pub(crate) fn label_apart(&self, node: NodeIndex) -> String {
        let (shown, _) = View::default().shown(self, node);
        let is_identified = |parameter: &Shown| parameter.value.is_told_by_text();
        let text = shown.iter().map(|parameter| parameter.text(4 * VALUE));
        let text = text.collect::<Vec<_>>().join(", ");
        let label = labeled(&self.task(node).decl.name, &text);
        with_digits(self, node, label, !shown.iter().all(is_identified))
    }
}

fn labeled(name: &str, text: &str) -> String {
    if text.is_empty() { name.to_owned() } else { format!("{name} {{{text}}}") }
}

/// Appends the first digits of the key to an ambiguous label.
fn with_digits(graph: &Graph, node: NodeIndex, label: String, is_ambiguous: bool) -> String {
    match is_ambiguous {
        true => format!("{label} #{}", graph.digits(node)),
        false => label,
    }
}

fn joined(shown: &[Shown]) -> String {
    let text = shown.iter().map(|parameter| format!("{}: {}", parameter.name, parameter.value));
    text.collect::<Vec<_>>().join(", ")
}

/// Returns the parameters on a line of about `length` characters, and whether some were left out.
///
/// The first `count` parameters are always included.
fn clipped(shown: &[Shown], count: usize, length: usize) -> (String, bool) {
    let whole = joined(shown);
    if whole.chars().nth(length).is_none() {
        return (whole, false);
    }
    let mut text = String::new();
    for (place, parameter) in shown.iter().enumerate() {
        let next = parameter.text(VALUE);
        let is_too_long = text.chars().count() + next.chars().count() + 2 > length;
        // At least one is shown.
        if is_too_long && place >= count.max(1) {
            text.push_str(", …");
            return (text, true);
        }
        if place > 0 {
            text.push_str(", ");
        }
        text.push_str(&next);
    }
    (text, false)
}

impl Shown {
    /// Returns `name: value`, with at most `length` characters of the value.
    pub(crate) fn text(&self, length: usize) -> String {
        format!("{}: {}", self.name, shortened(&self.value.to_string(), length))
    }
}

impl Distinction {
    fn of(task: TypeId, members: &[(&Graph, NodeIndex)]) -> Self {
        let mut distinction = Self::default();
        distinction.compare_own(task, members);
        distinction.compare_drawn(members);
        distinction
    }

    /// Finds the task's own parameters that differ.
    fn compare_own(&mut self, task: TypeId, members: &[(&Graph, NodeIndex)]) {
        let [(graph, first), others @ ..] = members else { return };
        let digest = graph.node(*first).parameters;
        if others.iter().all(|(graph, node)| graph.node(*node).parameters == digest) {
            return;
        }
        for (place, param) in graph.task(*first).task.params.iter().enumerate() {
            if !param.significant {
                continue;
            }
            let value = graph.own_value(*first, place);
            let has_one_kind = is_of_one_kind((param.kind.name)());
            let (mut has_text, mut has_others) = (false, false);
            for (graph, node) in members {
                let other = graph.own_value(*node, place);
                if other != value {
                    self.parameters.insert(ParamId { task, place });
                    if has_one_kind {
                        break;
                    }
                }
                match is_text(&other) {
                    Some(true) => has_text = true,
                    Some(false) => has_others = true,
                    None => {}
                }
            }
            if has_text && has_others {
                self.mixed.insert(ParamId { task, place });
            }
        }
    }

    /// Finds the drawn parameters that differ, and the instances that differ in no parameter.
    ///
    /// Such instances differ only in which input has which value.
    fn compare_drawn(&mut self, members: &[(&Graph, NodeIndex)]) {
        type Values = BTreeMap<ParamId, BTreeSet<Digest>>;

        let mut seen: HashMap<(*const Graph, SetIndex), usize> = HashMap::new();
        let mut all: BTreeMap<Values, usize> = BTreeMap::new();
        let mut first: Option<Values> = None;
        let mut same: HashMap<(Digest, usize), Key> = HashMap::new();
        for (graph, node) in members {
            let set = graph.node(*node).draws;
            let known = seen.entry((std::ptr::from_ref::<Graph>(graph), set));
            let place = *known.or_insert_with(|| {
                let mut values = Values::new();
                for draw in graph.draws.set(set) {
                    values.entry(graph.drawn_id(&draw)).or_default().insert(draw.digest);
                }
                let first = first.get_or_insert_with(|| values.clone());
                let ids = first.keys().chain(values.keys());
                let other = ids.filter(|id| first.get(id) != values.get(id));
                self.parameters.extend(other.copied());
                let next = all.len();
                *all.entry(values).or_insert(next)
            });
            let (own, key) = (graph.node(*node).parameters, graph.node(*node).key);
            match same.insert((own, place), key) {
                Some(other) if other != key => self.alike.extend([other, key]),
                _ => {}
            }
        }
    }
}

/// Returns whether the values of a Rust type, given by its name, are all text or all not text.
fn is_of_one_kind(name: &str) -> bool {
    !name.contains("::") || matches!(name, "alloc::string::String" | "std::path::PathBuf")
}

/// Returns whether a value is text; `None` for an absent value.
fn is_text(value: &Value) -> Option<bool> {
    match value {
        Value::Some(inner) => is_text(inner),
        Value::None => None,
        value => Some(matches!(value, Value::Str(_) | Value::Char(_))),
    }
}
