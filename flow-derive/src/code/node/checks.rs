//! Follows the functions in `check = ...`, which check outputs before they are stored.
//!
//! A check is code of the task that computes the output. The check of a single output is an option of
//! `#[task(...)]`. The checks of several outputs stand on the fields of the struct with
//! `#[derive(Outputs)]`. Tasks that load these outputs name the struct, too, but do not run the checks. So the
//! node of the struct is computed [without the checks](Builder::unchecked), and the task that computes the
//! outputs adds them. If it is unknown which struct a task computes, the checks of all reached structs count.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Builder, Node};
use crate::code::attributes;
use crate::code::references::References;
use crate::code::source::{ItemId, Kind};

impl Builder<'_> {
    /// Adds the checks of a task's outputs.
    ///
    /// Returns whether all checks are known. They are not if the struct of outputs comes from a type parameter
    /// or a macro.
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

    /// Adds the checks of the structs in `named`, directly or through aliases. Returns whether there is such
    /// a struct.
    fn add_checks_of_named(&self, named: Node, node: &mut Node) -> bool {
        let mut queue: Vec<ItemId> = named.items.into_iter().collect();
        let mut visited: BTreeSet<ItemId> = queue.iter().copied().collect();
        let mut is_known = false;
        while let Some(item) = queue.pop() {
            is_known |= self.add_checks_of(item, node);
            if matches!(self.resolver.source.items[item].kind, Kind::Value(_)) {
                let next = self.node(item).items.into_iter();
                queue.extend(next.filter(|&item| visited.insert(item)));
            }
        }
        is_known
    }

    /// Adds the checks on the fields of a struct of outputs. Returns whether the item is such a struct.
    pub(crate) fn add_checks_of(&self, item: ItemId, node: &mut Node) -> bool {
        let outputs = self.output_options(item);
        let (source, tokens) = (self.resolver.source, self.resolver.source.tokens(item));
        for options in &outputs {
            if let Some(check) = attributes::check(&tokens, options.clone(), &source.names) {
                self.add_range(item, check, node);
            }
        }
        !outputs.is_empty()
    }

    /// Returns the parts of an item's code without the checks of its fields.
    pub(super) fn unchecked(&self, item: ItemId) -> Vec<Range<usize>> {
        let (source, tokens) = (self.resolver.source, self.resolver.source.tokens(item));
        let mut parts = source.code_of(item);
        for options in self.output_options(item) {
            if let Some(check) = attributes::check(&tokens, options, &source.names)
                && let Some(last) = parts.pop()
            {
                parts.extend([last.start..check.start, check.end..last.end]);
            }
        }
        parts
    }

    /// Returns the options of each `#[output(...)]` on the fields of a type, in order.
    fn output_options(&self, item: ItemId) -> Vec<Range<usize>> {
        let source = self.resolver.source;
        let known = &source.items[item];
        if !matches!(known.kind, Kind::Type(_)) {
            return Vec::new();
        }
        attributes::outputs(&source.tokens(item), known.body.clone(), &source.names)
    }

    /// Adds the items to which the names in some tokens of an item resolve.
    fn add_range(&self, item: ItemId, range: Range<usize>, node: &mut Node) {
        let source = self.resolver.source;
        let tokens = source.tokens(item);
        let mut references = References::default();
        references.read(&tokens, range, &source.names);
        self.add(&self.scope(item), &references, &tokens, node);
    }
}
