//! Everything that a task's code reaches.
//!
//! From the impl on, what each item leads to is followed. The name of a method leads to the methods
//! so named of all types that are reached, for only what is reached can make a value of a type; and
//! so a type that is reached later brings the methods that were called before. A type brings all
//! its impls of traits, a trait those for types that are not of the source, and, where there are
//! objects of it, all.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use super::names::Name;
use super::node::Node;
use super::source::{ItemId, Kind};
use super::world::View;

/// What was reached.
#[derive(Default)]
pub(crate) struct Reached {
    pub(crate) items: BTreeSet<ItemId>,
    pub(crate) nodes: BTreeMap<ItemId, Rc<Node>>,
    queue: Vec<ItemId>,
    methods: HashSet<Name>,
    foreign_methods: HashSet<Name>,
}

impl Reached {
    /// What `node` leads to.
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

    /// Whether a method of this name is called somewhere.
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

    /// Whether a value can exist that a method is of.
    fn has_owner(&self, view: &View<'_>, item: ItemId) -> bool {
        match view.relations.owners.get(&item) {
            Some(owners) if !owners.is_empty() => {
                owners.iter().any(|owner| self.items.contains(owner))
            }
            _ => true,
        }
    }

    /// What comes with an item.
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
