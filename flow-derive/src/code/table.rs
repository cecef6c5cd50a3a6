//! The table of a task's code, as the text that `#[tracked]` generates.
//!
//! The first line is the digest of which name refers to which item. Each following line is an item: the
//! digest of its tokens, a digest of the items to which its names resolve, its name, and, after a tab, its
//! file. The name and the file are shown in reasons, and are no part of the digests.
//!
//! The table is one string literal, so that 200 tasks with 100 items each add 200 tokens to the program, and
//! not a million.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::node::{Link, Node};
use super::reach::Reached;
use super::row::Row;
use super::source::{ItemId, ModuleId};
use super::tokens::digest_of_bytes;
use super::world::View;

/// The table, and the warnings about code that could not be followed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) text: String,
    pub(crate) untracked: BTreeSet<String>,
}

impl Table {
    /// Renders a table of these rows; `first` is the impl itself, if there is one.
    pub(crate) fn new(links: u128, first: Option<Row>, rows: BTreeSet<Row>) -> Self {
        let mut text = format!("{links:032x}\n");
        for row in first.into_iter().chain(rows) {
            let Row { digest, names, name, file } = row;
            let plain = |text: &str| text.replace(|char: char| char.is_control(), " ");
            let (name, file) = (plain(&name), plain(&file));
            let _ = writeln!(text, "{digest:032x}{names:016x}{name}\t{file}");
        }
        Self { text, untracked: BTreeSet::new() }
    }

    /// Returns the table of an impl, or of a function that is a task, and of everything that it reaches.
    ///
    /// `own` is its own row. It may be any of the items `roots`.
    pub(crate) fn of_impl(view: &View<'_>, roots: &[ItemId], own: Row) -> Self {
        let builder = view.builder();
        let mut node = Node::default();
        let mut required = BTreeSet::new();
        let mut checks_are_known = true;
        for &root in roots {
            node.extend(builder.node(root));
            let tasks = builder.tasks_of(root);
            checks_are_known &= !tasks.is_empty();
            for task in tasks {
                builder.add_inputs(task, &mut node, &mut required);
                // An impl names its task. A function does not, so its task is added here.
                node.items.insert(task);
                if view.resolver.source.is_function_task(task) {
                    node.links.entry(String::new()).or_default().insert(Link::Item(task));
                }
                checks_are_known &= builder.add_checks(task, &mut node);
            }
        }
        let from = |node: &mut Node| match checks_are_known {
            true => Reached::from(view, node),
            false => with_all_checks(view, node),
        };
        let mut reached = from(&mut node);
        // Code that calls `task` on an input may use the required task in any way.
        let task = view.resolver.source.names.find("task");
        if task.is_some_and(|task| reached.calls(task)) && !required.is_empty() {
            node.items.extend(&required);
            reached = from(&mut node);
        }
        reached.items.retain(|item| !roots.contains(item));
        let own = Row { names: view.names_in(&node), ..own };
        Self::build(view, Some(own), &node, &reached)
    }

    /// Returns the table of a type, which may be any of `types`.
    pub(crate) fn of_type(view: &View<'_>, types: &[ItemId]) -> Self {
        let mut node = Node { items: types.iter().copied().collect(), ..Node::default() };
        loop {
            // A task that is generic over the type may compute its outputs, and may call any method of its
            // traits.
            let reached = with_all_checks(view, &mut node);
            let traits = reached.items.iter().filter(|&&item| view.resolver.source.is_trait(item));
            let methods = traits.flat_map(|item| view.relations.associated.get(item)).flatten();
            let unreached: Vec<ItemId> = methods
                .map(|(_, method)| *method)
                .filter(|&method| view.resolver.is_seen(method) && !reached.items.contains(&method))
                .collect();
            if unreached.is_empty() {
                return Self::build(view, None, &node, &reached);
            }
            node.items.extend(unreached);
        }
    }

    /// Returns the table of all items, for `#[tracked(crate)]`.
    pub(crate) fn of_everything(view: &View<'_>, roots: &[ItemId], own: Row) -> Self {
        let mut reached = Reached::default();
        for item in 0..view.resolver.source.items.len() {
            if !roots.contains(&item) && view.resolver.is_seen(item) {
                reached.items.insert(item);
                reached.nodes.insert(item, view.node(item));
            }
        }
        let mut node = Node::default();
        roots.iter().for_each(|&root| node.extend(view.builder().node(root)));
        let own = Row { names: view.names_in(&node), ..own };
        Self::build(view, Some(own), &node, &reached)
    }

    fn build(view: &View<'_>, own: Option<Row>, node: &Node, reached: &Reached) -> Self {
        let source = view.resolver.source;
        let names = unique_names(view, reached);
        let mut rows = node.rows.clone();
        let mut untracked = node.untracked.clone();
        let mut packages = BTreeSet::from([0]);
        let own_digest = own.as_ref().map_or(0, |own| own.digest);
        let mut colors = vec![view.color_of(own_digest, node)];
        let mut tasks = BTreeSet::new();
        for (item, name) in names {
            let Some(node) = reached.nodes.get(&item) else {
                continue;
            };
            rows.extend(node.rows.iter().cloned());
            untracked.extend(node.untracked.iter().cloned());
            packages.insert(source.package(item));
            // A macro may generate several tasks with one name. Their number does not count.
            if source.is_task(item) {
                tasks.insert(view.color(item));
            } else {
                colors.push(view.color(item));
                rows.insert(Row {
                    digest: view.digest(item),
                    names: view.names_in(node),
                    name,
                    file: source.files[source.items[item].file].shown.clone(),
                });
            }
        }
        colors.extend(tasks);
        for package in packages {
            untracked.extend(source.packages[package].untracked.iter().cloned());
        }
        Self { untracked, ..Self::new(digest_of(colors), own, rows) }
    }
}

/// Returns everything that `node` reaches, with the checks of all reached structs of outputs.
///
/// It is used where it is unknown which of these structs the task computes.
fn with_all_checks(view: &View<'_>, node: &mut Node) -> Reached {
    let mut seen = BTreeSet::new();
    loop {
        let reached = Reached::from(view, node);
        let mut is_more = false;
        for &item in reached.items.iter().filter(|item| seen.insert(**item)) {
            is_more |= view.builder().add_checks_of(item, node);
        }
        if !is_more {
            return reached;
        }
    }
}

fn digest_of(mut digests: Vec<u128>) -> u128 {
    digests.sort_unstable();
    let bytes: Vec<u8> = digests.into_iter().flat_map(u128::to_le_bytes).collect();
    digest_of_bytes(&bytes)
}

/// Returns a unique name for each item, with its module if several items have the same name.
fn unique_names(view: &View<'_>, reached: &Reached) -> BTreeMap<ItemId, String> {
    let shown: Vec<(ItemId, String)> =
        reached.items.iter().map(|&item| (item, view.shown(item))).collect();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, name) in &shown {
        *times.entry(name).or_default() += 1;
    }
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut names = BTreeMap::new();
    for (item, name) in &shown {
        let mut name = name.clone();
        if times[name.as_str()] > 1 {
            let module = module_path(view, view.resolver.source.items[*item].module);
            if !module.is_empty() {
                name = format!("{name} in {module}");
            }
        }
        let count = taken.entry(name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            name = format!("{name} #{count}");
        }
        names.insert(*item, name);
    }
    names
}

fn module_path(view: &View<'_>, module: ModuleId) -> String {
    let source = view.resolver.source;
    let mut names = Vec::new();
    let mut at = Some(module);
    while let Some(module) = at {
        names.extend(source.modules[module].name.map(|name| source.names.text(name)));
        at = source.modules[module].parent;
    }
    names.reverse();
    names.join("::")
}
