//! Items by name, for where a name is all that is known.

use std::collections::{HashMap, HashSet};

use super::names::Name;
use super::source::{ItemId, Kind, PackageId, Source};
use super::tokens::Token;

#[derive(Default)]
pub(crate) struct Index {
    macros: HashMap<(PackageId, Name), Vec<ItemId>>,
    named: HashMap<(PackageId, Name), Vec<ItemId>>,
    /// The words in the arguments of macros that are called in the place of items.
    invocations: HashMap<ItemId, HashSet<Name>>,
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
                Kind::Macro(_) => {
                    let name = item.name.into_iter().map(|name| (package, name));
                    name.for_each(|key| index.macros.entry(key).or_default().push(id));
                }
                Kind::Invocation { arguments, .. } => {
                    let tokens = source.tokens(id);
                    let words = tokens[arguments.clone()].iter().copied().filter_map(Token::word);
                    index.invocations.insert(id, words.collect());
                }
                _ => {}
            }
        }
        index
    }

    pub(crate) fn macros(&self, package: PackageId, name: Name) -> Option<&Vec<ItemId>> {
        self.macros.get(&(package, name))
    }

    /// All items of a package that are called `name`, wherever they are.
    pub(crate) fn named(&self, package: PackageId, name: Name) -> &[ItemId] {
        self.named.get(&(package, name)).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn invocation_words(&self, item: ItemId) -> Option<&HashSet<Name>> {
        self.invocations.get(&item)
    }
}
