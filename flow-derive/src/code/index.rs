//! An index of items by name, for names that cannot be resolved in a module.

use std::collections::{HashMap, HashSet};

use super::names::Name;
use super::source::{ItemId, Kind, PackageId, Source};
use super::tokens::{Delimiter, Token};
use super::{rules, scan};

#[derive(Default)]
pub(crate) struct Index {
    macros: HashMap<(PackageId, Name), Vec<ItemId>>,
    named: HashMap<(PackageId, Name), Vec<ItemId>>,
    /// The types and traits by name, in all packages.
    types: HashMap<Name, Vec<ItemId>>,
    /// The words in the arguments of macro calls in item position that may become names of items.
    invocations: HashMap<ItemId, HashSet<Name>>,
    /// The macros that implement `Run` for their first argument, and define nothing else.
    runs: HashSet<ItemId>,
}

impl Index {
    pub(crate) fn new(source: &Source) -> Self {
        let mut index = Self::default();
        for (id, item) in source.items.iter().enumerate() {
            let package = source.package(id);
            if let Some(name) = item.name {
                index.named.entry((package, name)).or_default().push(id);
            }
            match &item.kind {
                Kind::Type(_) | Kind::Trait(_) => {
                    let name = item.name.into_iter();
                    name.for_each(|name| index.types.entry(name).or_default().push(id));
                }
                Kind::Macro(_) => {
                    let name = item.name.into_iter().map(|name| (package, name));
                    name.for_each(|key| index.macros.entry(key).or_default().push(id));
                    if rules::implement_run(&source.tokens(id), item.body.clone(), &source.names) {
                        index.runs.insert(id);
                    }
                }
                _ => {}
            }
        }
        for (id, item) in source.items.iter().enumerate() {
            if let Kind::Invocation { path, arguments, .. } = &item.kind {
                let is_foreign = path
                    .segments
                    .last()
                    .is_none_or(|last| !index.macros.keys().any(|(_, name)| name == last));
                let tokens = source.tokens(id);
                let words = arguments.clone().filter_map(|at| {
                    let word = tokens[at].word()?;
                    may_be_generated(&tokens, at, is_foreign).then_some(word)
                });
                index.invocations.insert(id, words.collect());
            }
        }
        index
    }

    pub(crate) fn macros(&self, package: PackageId, name: Name) -> Option<&Vec<ItemId>> {
        self.macros.get(&(package, name))
    }

    /// Returns all items of a package with this name, in any module.
    pub(crate) fn named(&self, package: PackageId, name: Name) -> &[ItemId] {
        self.named.get(&(package, name)).map_or(&[], Vec::as_slice)
    }

    /// Returns the types and traits with this name, in all packages.
    pub(crate) fn types(&self, name: Name) -> &[ItemId] {
        self.types.get(&name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn invocation_words(&self, item: ItemId) -> Option<&HashSet<Name>> {
        self.invocations.get(&item)
    }

    /// Returns whether a macro implements `Run` for its first argument, and defines nothing else.
    pub(crate) fn implements_run(&self, called: ItemId) -> bool {
        self.runs.contains(&called)
    }
}

/// Returns whether a macro may generate an item or a method named by the word at `at` in its arguments.
///
/// A called method, `x.len()` or `x.sum::<u8>()`, exists already. For a macro of another crate, so does `Cell::new(1)`.
fn may_be_generated(tokens: &[Token], at: usize, is_foreign: bool) -> bool {
    let before = &tokens[..at];
    let is_called = matches!(tokens.get(at + 1), Some(Token::Open(Delimiter::Parenthesis, _)))
        || scan::is_colons(tokens, at + 1) && scan::is(tokens, at + 3, b'<');
    let is_member = before.last().is_some_and(|token| token.is(b'.'));
    let is_of_path = before.last().is_some_and(|token| token.is(b':'))
        && before.len() > 1
        && before[before.len() - 2].is(b':');
    !(is_called && (is_member || is_foreign && is_of_path))
}
