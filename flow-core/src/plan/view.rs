//! Views: what tells the instances apart that are shown together.
//!
//! A preview, a summary, a plot or an error shows instances side by side. Most of their parameters are the
//! same; a few tell them apart. A [`View`] knows which: it is made once of all instances shown, and a label
//! has what tells its instance apart first and whole, and of the rest as much as fits on a line.
//!
//! Within a view no two labels are alike. Where the text of a value is not its own (a secret, which prints
//! as `***`), the first digits of the key follow the label.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use daggy::NodeIndex;

use crate::base::key::{Digest, Key};
use crate::plan::Graph;
use crate::plan::draws::SetIndex;
use crate::plan::label::{Show, Shown};
use crate::value::{Value, shortened};

/// How long the parameters of a label may be, in characters, before what is common is cut.
const LENGTH: usize = 100;

/// How much of one value is shown in a label that is longer than that, in characters.
const VALUE: usize = 48;

/// A parameter: its task, and its place among the task's parameters.
pub(crate) type ParameterId = (TypeId, usize);

/// What tells the instances apart that are shown together, by their task.
#[derive(Default)]
pub(crate) struct View {
    tasks: HashMap<TypeId, Telling>,
    /// Whether instances of other graphs are shown beside these.
    is_part: bool,
}

/// What tells the instances of one task apart.
#[derive(Default)]
struct Telling {
    parameters: HashSet<ParameterId>,
    /// Those of these whose values are of several kinds, so that a text may look like a number.
    mixed: HashSet<ParameterId>,
    /// The instances that no parameter tells apart from another one.
    alike: HashSet<Key>,
}

impl View {
    /// The view of all instances of some graphs.
    pub(crate) fn of<'a>(graphs: impl IntoIterator<Item = &'a Graph>) -> Self {
        let nodes = graphs.into_iter().flat_map(|graph| graph.nodes().map(move |n| (graph, n)));
        Self::of_nodes(nodes)
    }

    /// The view of these instances.
    pub(crate) fn of_nodes<'a>(nodes: impl IntoIterator<Item = (&'a Graph, NodeIndex)>) -> Self {
        let mut tasks: HashMap<TypeId, Vec<(&Graph, NodeIndex)>> = HashMap::new();
        for (graph, node) in nodes {
            tasks.entry((graph.task(node).task.id)()).or_default().push((graph, node));
        }
        let several = tasks.into_iter().filter(|(_, members)| members.len() > 1);
        let tasks = several.map(|(task, members)| (task, Telling::of(task, &members))).collect();
        Self { tasks, is_part: false }
    }

    /// The same, where instances of other graphs are shown beside these.
    pub(crate) fn in_part(self) -> Self {
        Self { is_part: true, ..self }
    }

    fn tells(&self, task: TypeId, parameter: &Shown) -> bool {
        self.tasks.get(&task).is_some_and(|task| task.parameters.contains(&parameter.id))
    }

    /// The parameters that an instance shows: first those that tell it apart, then its own, then those that
    /// its requirements draw from outside it and that differ from their defaults; and how many come first.
    pub(crate) fn shown(&self, graph: &Graph, node: NodeIndex) -> (Vec<Shown>, usize) {
        let task = (graph.task(node).task.id)();
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for parameter in graph.all_shown(node) {
            // The parameter that a value is inherited from shows it already.
            let is_repeated = parameter.is_another || parameter.is_inherited;
            if self.tells(task, &parameter) && !is_repeated {
                first.push(parameter);
            } else if parameter.is_usual() {
                rest.push(parameter);
            }
        }
        let count = first.len();
        first.extend(rest);
        (first, count)
    }

    /// Puts the parameters first that tell an instance apart.
    pub(crate) fn put_telling_first(&self, graph: &Graph, node: NodeIndex, shown: &mut [Shown]) {
        let task = (graph.task(node).task.id)();
        shown.sort_by_key(|parameter| !self.tells(task, parameter));
    }

    /// Whether the labels of other instances may have the same text as these parameters, of which the first
    /// `count` tell their instance apart.
    pub(crate) fn is_ambiguous(
        &self,
        graph: &Graph,
        node: NodeIndex,
        shown: &[Shown],
        count: usize,
    ) -> bool {
        let telling = self.tasks.get(&(graph.task(node).task.id)());
        if telling.is_some_and(|telling| telling.alike.contains(&graph.node(node).key)) {
            return true;
        }
        let mixed = telling.map(|telling| &telling.mixed);
        let count = if self.is_part { shown.len() } else { count };
        shown[..count].iter().any(|parameter| {
            !parameter.value.is_told_by_text()
                || mixed.is_some_and(|mixed| mixed.contains(&parameter.id))
        })
    }

    /// The name of the task and its parameters.
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
    /// The label of an instance where nothing is known of others beside it, as it is recorded.
    pub(crate) fn label_alone(&self, node: NodeIndex) -> String {
        let (shown, _) = View::default().shown(self, node);
        let (text, is_cut) = clipped(&shown, 0, 2 * LENGTH);
        with_digits(self, node, labeled(&self.task(node).decl.name, &text), is_cut)
    }

    /// The label of an instance with all its parameters, long ones shortened, that is unlike those of all
    /// other instances.
    pub(crate) fn label_apart(&self, node: NodeIndex) -> String {
        let (shown, _) = View::default().shown(self, node);
        let is_told = |parameter: &Shown| parameter.value.is_told_by_text();
        let text = shown.iter().map(|parameter| parameter.text(4 * VALUE));
        let text = text.collect::<Vec<_>>().join(", ");
        let label = labeled(&self.task(node).decl.name, &text);
        with_digits(self, node, label, !shown.iter().all(is_told))
    }
}

fn labeled(name: &str, text: &str) -> String {
    if text.is_empty() { name.to_owned() } else { format!("{name} {{{text}}}") }
}

/// The label and, where it is `ambiguous`, the first digits of the key.
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

/// The parameters on a line of about `length` characters, the first `count` of them in any case; and
/// whether others were left out.
fn clipped(shown: &[Shown], count: usize, length: usize) -> (String, bool) {
    let whole = joined(shown);
    if whole.chars().nth(length).is_none() {
        return (whole, false);
    }
    let mut text = String::new();
    for (place, parameter) in shown.iter().enumerate() {
        let next = parameter.text(VALUE);
        let is_too_long = text.chars().count() + next.chars().count() + 2 > length;
        // One at least is shown.
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
    /// `name: value`, the value with at most `length` characters.
    pub(crate) fn text(&self, length: usize) -> String {
        format!("{}: {}", self.name, shortened(&self.value.to_string(), length))
    }
}

impl Telling {
    fn of(task: TypeId, members: &[(&Graph, NodeIndex)]) -> Self {
        let mut telling = Self::default();
        telling.compare_own(task, members);
        telling.compare_drawn(members);
        telling
    }

    /// Finds which of the task's own parameters differ.
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
                    self.parameters.insert((task, place));
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
                self.mixed.insert((task, place));
            }
        }
    }

    /// Finds which of the parameters differ that are drawn from outside, and the instances that differ
    /// in nothing that is drawn or their own: which input has which value tells these apart.
    fn compare_drawn(&mut self, members: &[(&Graph, NodeIndex)]) {
        type Values = BTreeMap<ParameterId, BTreeSet<Digest>>;

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

/// Whether the values of a Rust type are all text or all something else, by the type's name.
fn is_of_one_kind(name: &str) -> bool {
    !name.contains("::") || matches!(name, "alloc::string::String" | "std::path::PathBuf")
}

/// Whether a value is text; of one that is absent that is not known.
fn is_text(value: &Value) -> Option<bool> {
    match value {
        Value::Some(inner) => is_text(inner),
        Value::None => None,
        value => Some(matches!(value, Value::Str(_) | Value::Char(_))),
    }
}
