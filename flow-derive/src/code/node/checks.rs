//! The functions in `check = ...`, by which outputs are checked when they are made.
//!
//! They are code of the task that makes the output. That of one output is an option of the task;
//! those of several stand at the fields of the struct of them, which tasks that load it name as well.
//! So what a struct leads to is read [without them](Builder::unchecked), and the task that makes it
//! adds them.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Builder, Node};
use crate::code::attributes;
use crate::code::references::References;
use crate::code::source::{ItemId, Kind};

impl Builder<'_> {
    /// What checks the outputs of a task. Returns whether all of it is known, which it is not if the
    /// struct of outputs is one of a type parameter, or made by a macro.
    pub(crate) fn add_checks(&self, task: ItemId, node: &mut Node) -> bool {
        let options = self.options(task);
        let of = |wanted: &'static str| {
            let options = options.iter().filter(move |(word, _)| *word == wanted);
            options.map(|(_, range)| range.clone())
        };
        of("check").for_each(|range| self.add_range(task, range, node));
        if of("target").next().is_some() {
            return true;
        }
        let mut named = Node::default();
        of("outputs").for_each(|range| self.add_range(task, range, &mut named));
        self.add_checks_of_named(named, node)
    }

    /// Those of the structs that `named` leads to by aliases; returns whether there are any structs.
    fn add_checks_of_named(&self, named: Node, node: &mut Node) -> bool {
        let mut queue: Vec<ItemId> = named.items.into_iter().collect();
        let mut met: BTreeSet<ItemId> = queue.iter().copied().collect();
        let mut is_known = false;
        while let Some(item) = queue.pop() {
            is_known |= self.add_checks_of(item, node);
            if matches!(self.resolver.source.items[item].kind, Kind::Value(_)) {
                let next = self.node(item).items.into_iter();
                queue.extend(next.filter(|&item| met.insert(item)));
            }
        }
        is_known
    }

    /// Those at the fields of a struct of outputs; returns whether the item is one.
    pub(crate) fn add_checks_of(&self, item: ItemId, node: &mut Node) -> bool {
        let outputs = self.fields_kept(item);
        let (source, tokens) = (self.resolver.source, self.resolver.source.tokens(item));
        for options in &outputs {
            if let Some(check) = attributes::check(&tokens, options.clone(), &source.names) {
                self.add_range(item, check, node);
            }
        }
        !outputs.is_empty()
    }

    /// The parts of an item's code between what checks its fields.
    pub(super) fn unchecked(&self, item: ItemId) -> Vec<Range<usize>> {
        let (source, tokens) = (self.resolver.source, self.resolver.source.tokens(item));
        let mut parts = source.code_of(item);
        for options in self.fields_kept(item) {
            if let Some(check) = attributes::check(&tokens, options, &source.names)
                && let Some(last) = parts.pop()
            {
                parts.extend([last.start..check.start, check.end..last.end]);
            }
        }
        parts
    }

    /// The options in `#[output(...)]` of the fields of a type, in their order.
    fn fields_kept(&self, item: ItemId) -> Vec<Range<usize>> {
        let source = self.resolver.source;
        let known = &source.items[item];
        if !matches!(known.kind, Kind::Type(_)) {
            return Vec::new();
        }
        attributes::outputs(&source.tokens(item), known.body.clone(), &source.names)
    }

    /// What the names in some tokens of an item lead to.
    fn add_range(&self, item: ItemId, range: Range<usize>, node: &mut Node) {
        let source = self.resolver.source;
        let tokens = source.tokens(item);
        let mut references = References::default();
        references.read(&tokens, range, &source.names);
        self.add(&self.scope(item), &references, &tokens, node);
    }
}
