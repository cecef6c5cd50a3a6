//! Follows the types of outputs: those that a task stores, and those that it loads from its dependencies.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Builder, Node};
use crate::code::attributes;
use crate::code::references::References;
use crate::code::resolve::End;
use crate::code::scan;
use crate::code::source::{ItemId, Kind};
use crate::code::tokens::Token;

impl Builder<'_> {
    /// Adds the types of a task's outputs.
    pub(super) fn add_outputs(&self, task: ItemId, node: &mut Node) {
        for (word, range) in self.options(task) {
            if matches!(word, "target" | "outputs") {
                self.add_output(task, range, node);
            }
        }
    }

    /// Adds the types in `target = ...`.
    ///
    /// The code of a target of the source counts by the target's own constant `CODE`. Only the type of the
    /// values that it stores is added.
    fn add_output(&self, task: ItemId, range: Range<usize>, node: &mut Node) {
        let source = self.resolver.source;
        let tokens = source.tokens(task);
        let mut references = References::default();
        references.read(&tokens, range, &source.names);
        let scope = self.scope(task);
        let mut others = Vec::new();
        for reference in std::mem::take(&mut references.paths) {
            let ends = self.resolver.path(&reference.path, scope.module, None).ends;
            let targets = ends.iter().filter_map(|end| match end {
                End::Item(item, _) => self.relations.targets.get(item),
                _ => None,
            });
            let targets: Vec<ItemId> = targets.flatten().copied().collect();
            for &target in &targets {
                let Kind::Impl(an_impl) = &source.items[target].kind else {
                    continue;
                };
                let mut value = References::default();
                let range = an_impl.value.clone().unwrap_or_default();
                let tokens = source.tokens(target);
                value.read(&tokens, range, &source.names);
                self.add(&self.scope(target), &value, &tokens, node);
            }
            if targets.is_empty() {
                others.push(reference);
            }
        }
        references.paths = others;
        self.add(&scope, &references, &tokens, node);
    }

    /// Adds the types of the outputs that `task` requires.
    pub(crate) fn add_inputs(&self, task: ItemId, node: &mut Node, visited: &mut BTreeSet<ItemId>) {
        let source = self.resolver.source;
        let tokens = source.tokens(task);
        for (word, range) in self.options(task) {
            if word != "requires" {
                continue;
            }
            let mut at = range.start;
            while at < range.end {
                let Some((path, after)) = scan::path(&tokens, at, range.end) else {
                    at += 1;
                    continue;
                };
                at = after;
                for end in self.resolver.path(&path, source.items[task].module, None).ends {
                    let End::Item(required, rest) = end else {
                        continue;
                    };
                    if !rest.is_empty() || !source.is_task(required) || !visited.insert(required) {
                        continue;
                    }
                    self.add_outputs(required, node);
                    if self.options(required).iter().any(|(word, _)| *word == "aggregate") {
                        self.add_inputs(required, node, visited);
                    }
                    // `Fit<Ols>`: the output may be a type of `Ols`.
                    if scan::is(&tokens, after, b'<') && self.has_generic_output(required) {
                        at = scan::angles(&tokens, after, range.end);
                        let mut references = References::default();
                        references.read(&tokens, after..at, &source.names);
                        self.add(&self.scope(task), &references, &tokens, node);
                    }
                }
            }
        }
    }

    /// Returns whether the type of a task's output depends on a type parameter.
    fn has_generic_output(&self, task: ItemId) -> bool {
        let source = self.resolver.source;
        let (tokens, generics) = (source.tokens(task), &source.items[task].generics);
        let names = |token: &Token| token.word().is_some_and(|word| generics.contains(&word));
        let options = self.options(task).into_iter();
        let mut kept = options.filter(|(word, _)| matches!(*word, "target" | "outputs"));
        kept.any(|(_, range)| tokens[range].iter().any(names))
    }

    /// Returns the options of `#[task(...)]`, with their keywords.
    pub(super) fn options(&self, task: ItemId) -> Vec<(&'static str, Range<usize>)> {
        let source = self.resolver.source;
        let tokens = source.tokens(task);
        let attributes = source.items[task].attributes.iter();
        let inner = attributes.filter_map(|attribute| attributes::task(&tokens, attribute));
        inner.flat_map(|inner| attributes::options(&tokens, inner, &source.names)).collect()
    }
}
