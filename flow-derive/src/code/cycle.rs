//! Finds a cycle of required tasks in the source, so that the message can name the tasks.
//!
//! The compiler reports a cycle, too, with four lines for each task. As in [`declared`](super::declared), an answer is
//! certain: only unconditional requirements of tasks without type parameters count.
//!
//! The source is searched once for each task. The requirements of a task, and that it belongs to no cycle, are cached, so
//! that the searches of all tasks together are linear in practice.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::rc::Rc;

use proc_macro2::TokenStream;
use syn::{ItemStruct, PathArguments, Type, TypePath};

use super::declared::{is_plain, query, written};
use super::resolve::{End, Resolver};
use super::source::{self, ItemId, Kind};
use super::world::World;
use crate::attr::entry::Form;
use crate::attr::task::TaskAttr;
use crate::ctxt::Ctxt;

/// A task that a task requires unconditionally.
#[derive(Clone, Copy)]
pub(super) struct Edge {
    /// The index of the entry of `requires`.
    entry: usize,
    task: ItemId,
}

/// What is known of the requirements.
#[derive(Default)]
pub(super) struct Known {
    edges: HashMap<ItemId, Rc<[Edge]>>,
    /// The tasks that do not require themselves.
    acyclic: HashSet<ItemId>,
}

/// Returns the names of the tasks of a cycle that starts with the task with these tokens, and the index of the entry of
/// `requires` that leads into it. Of the tasks of a cycle, the one that is declared first reports it.
pub(crate) fn cycle(task: TokenStream, file: Option<&Path>) -> Option<(usize, Vec<String>)> {
    query(|world| look_up(world, task, file))
}

pub(super) fn look_up(
    world: &mut World,
    task: TokenStream,
    file: Option<&Path>,
) -> Option<(usize, Vec<String>)> {
    let [start] = world.known(task, file)[..] else { return None };
    let view = world.view(world.source.items[start].is_test);
    let known = &mut *view.cache.required.borrow_mut();
    let Some(cycle) = shortest(&view.resolver, start, known) else {
        known.acyclic.insert(start);
        return None;
    };
    let first = cycle.first()?.entry;
    let is_first = cycle.iter().all(|edge| start <= edge.task);
    let tasks = std::iter::once(start).chain(cycle.iter().map(|edge| edge.task));
    let name = |id: ItemId| world.source.items[id].name.map(|name| world.source.names.text(name));
    let names = tasks.map(|id| name(id).map(str::to_owned)).collect::<Option<Vec<_>>>()?;
    is_first.then_some((first, names))
}

/// Returns the edges of a shortest cycle from `start` to itself.
fn shortest(resolver: &Resolver<'_>, start: ItemId, known: &mut Known) -> Option<Vec<Edge>> {
    // Each visited task with the edge that leads to it, and the task before.
    let mut visited: HashMap<ItemId, (Edge, ItemId)> = HashMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(task) = queue.pop_front() {
        let edges = known.edges.entry(task).or_insert_with(|| edges(resolver, task)).clone();
        for &edge in edges.iter().filter(|edge| !known.acyclic.contains(&edge.task)) {
            if visited.contains_key(&edge.task) {
                continue;
            }
            visited.insert(edge.task, (edge, task));
            if edge.task == start {
                let mut cycle = Vec::new();
                let mut at = start;
                while let Some(&(edge, before)) = visited.get(&at) {
                    cycle.push(edge);
                    at = before;
                    if at == start {
                        break;
                    }
                }
                cycle.reverse();
                return Some(cycle);
            }
            queue.push_back(edge.task);
        }
    }
    None
}

/// Returns the tasks that a task requires unconditionally and certainly.
fn edges(resolver: &Resolver<'_>, task: ItemId) -> Rc<[Edge]> {
    read(resolver, task).unwrap_or_default().into()
}

fn read(resolver: &Resolver<'_>, task: ItemId) -> Option<Vec<Edge>> {
    let source = resolver.source;
    let item = &source.items[task];
    if !is_plain(source, task) || !item.generics.is_empty() {
        return None;
    }
    let attributes = written(source, task, &item.attributes);
    let found: ItemStruct = syn::parse_str(&format!("{attributes} struct Task;")).ok()?;
    let ctxt = Ctxt::new();
    let attr = TaskAttr::read(&found.attrs, &ctxt);
    if !ctxt.check().is_empty() {
        return None;
    }
    let requires = attr.requires?.value.0;
    let entries = requires.iter().enumerate().filter(|(_, entry)| matches!(entry.form, Form::One));
    let edges = entries.filter_map(|(entry, required)| {
        let Type::Path(TypePath { qself: None, path, .. }) = &required.dependency.task else {
            return None;
        };
        if path.segments.iter().any(|segment| !matches!(segment.arguments, PathArguments::None)) {
            return None;
        }
        let path = source::Path::of(path, &source.names)?;
        let ends = resolver.path(&path, item.module, None).ends;
        let task = required_task(resolver, &ends)?;
        is_plain(source, task).then_some(Edge { entry, task })
    });
    Some(edges.collect())
}

/// Returns the struct or the function of the task that a path resolves to.
pub(super) fn required_task(resolver: &Resolver<'_>, ends: &[End]) -> Option<ItemId> {
    let source = resolver.source;
    match ends {
        [End::Item(id, rest)] if rest.is_empty() => {
            let is_struct = source.is_task(*id) && !source.is_function_task(*id);
            (is_struct && matches!(source.items[*id].kind, Kind::Type(_))).then_some(*id)
        }
        // A function that is a task is two items: the task, and the function.
        [End::Item(a, rest), End::Item(b, more)] if rest.is_empty() && more.is_empty() => {
            let is_function = |id: &ItemId| [*a, *b].map(Some).contains(&source.items[*id].task);
            [*a, *b].into_iter().find(is_function)
        }
        _ => None,
    }
}
