//! Finds everything that a task's code reaches.
//!
//! The search starts at the impl, and follows the node of each item:
//!
//! - A method name reaches the methods of that name in all reached types. Code that creates a value of a
//!   type names the type, so that code and the type are reached, too; a method of an unreached type
//!   cannot be called. So `x.len()` does not reach every type that has a `len`. A type that is reached
//!   later adds its methods with the names that were called before.
//! - A type reaches all its impls of traits.
//! - A trait reaches its impls for types outside the source. If there are trait objects of it, it reaches
//!   all its impls, since a registry may contain any of them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use super::names::Name;
use super::node::Node;
use super::source::{ItemId, Kind};
use super::world::View;

/// The reached items.
#[derive(Default)]
pub(crate) struct Reached {
    pub(crate) items: BTreeSet<ItemId>,
    pub(crate) nodes: BTreeMap<ItemId, Rc<Node>>,
    queue: Vec<ItemId>,
    methods: HashSet<Name>,
    foreign_methods: HashSet<Name>,
}

impl Reached {
    /// Returns everything that `node` reaches.
    pub(crate) fn from(view: &View<'_>, node: &Node) -> Self {
        let mut reached = Self::default();
        reached.follow(view, node);
        while let Some(item) = reached.queue.pop() {
            let node = view.node(item);
            reached.follow(view, &node);
            reached.arrive(view, item);
            reached.nodes.insert(item, node);
        }
        reached
    }

    /// Returns whether reached code calls a method of this name.
    pub(crate) fn calls(&self, method: Name) -> bool {
        self.methods.contains(&method)
    }

    fn reach(&mut self, view: &View<'_>, item: ItemId) {
        if view.resolver.is_seen(item) && self.items.insert(item) {
            self.queue.push(item);
        }
    }

    fn follow(&mut self, view: &View<'_>, node: &Node) {
        for &item in &node.items {
            self.reach(view, item);
        }
        for object in &node.objects {
            for &item in view.relations.of_trait.get(object).into_iter().flatten() {
                self.reach(view, item);
            }
        }
        for &method in &node.methods {
            if self.methods.insert(method) {
                for &item in view.relations.by_method.get(&method).into_iter().flatten() {
                    if self.has_owner(view, item) {
                        self.reach(view, item);
                    }
                }
            }
        }
        for &method in &node.foreign_methods {
            if self.foreign_methods.insert(method) {
                for &item in view.relations.by_method.get(&method).into_iter().flatten() {
                    // Only traits have methods for types of other crates.
                    let kind = &view.resolver.source.items[item].kind;
                    if !view.relations.owners.contains_key(&item)
                        && !matches!(kind, Kind::Associated { .. })
                    {
                        self.reach(view, item);
                    }
                }
            }
        }
    }

    /// Returns whether a value can exist that has the method: one of the owning types is reached.
    fn has_owner(&self, view: &View<'_>, item: ItemId) -> bool {
        match view.relations.owners.get(&item) {
            Some(owners) if !owners.is_empty() => {
                owners.iter().any(|owner| self.items.contains(owner))
            }
            _ => true,
        }
    }

    /// Reaches the impls of an item, and its methods that were called before.
    fn arrive(&mut self, view: &View<'_>, item: ItemId) {
        let relations = view.relations;
        for &other in relations.with_type.get(&item).into_iter().flatten() {
            self.reach(view, other);
        }
        for &other in relations.with_trait.get(&item).into_iter().flatten() {
            self.reach(view, other);
        }
        for &(name, other) in relations.associated.get(&item).into_iter().flatten() {
            if self.methods.contains(&name) {
                self.reach(view, other);
            }
        }
    }
}
