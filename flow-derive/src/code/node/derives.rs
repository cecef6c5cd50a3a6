//! Decides which attributes of an item are code.
//!
//! A derive of the standard library is no code: if a program compiles with and without the derive, and nothing else
//! has changed, no code uses it. Code that uses a derive counts by its own tokens. There are three exceptions:
//!
//! - In a type that derefs to another type, a derived method may hide a method of that type.
//! - A blanket impl with the derived trait as its bound may apply to the type instead of a reference to it.
//! - Two types with the same name and equal tokens may differ only in their derives.

use std::ops::Range;

use super::Builder;
use crate::code::resolve::End;
use crate::code::source::{ItemId, Kind, Path};
use crate::code::standard::is_standard_derive;
use crate::code::{attributes, tokens};

/// An attribute that is code.
pub(crate) enum Counted {
    /// A whole attribute, with its `#`.
    Whole(Range<usize>),
    /// The paths in a `derive` that count.
    Derives(Vec<Range<usize>>),
}

impl Counted {
    pub(crate) fn ranges(&self) -> &[Range<usize>] {
        match self {
            Self::Whole(range) => std::slice::from_ref(range),
            Self::Derives(ranges) => ranges,
        }
    }
}

impl Builder<'_> {
    /// Returns the attributes of an item that are code.
    pub(crate) fn counted_attributes(&self, item: ItemId) -> Vec<Counted> {
        let source = self.resolver.source;
        let tokens = source.tokens(item);
        let count = |range: &Range<usize>| {
            let Some(derives) = attributes::derives(&tokens, range, &source.names) else {
                return Some(Counted::Whole(range.clone()));
            };
            let all_count =
                self.relations.derives_decide || self.derefs(item) || self.is_ambiguous(item);
            let counts = |path: &Path| all_count || !self.is_standard_derive(item, path);
            let derives = derives.into_iter().filter(|(path, _)| counts(path));
            let derives: Vec<Range<usize>> = derives.map(|(_, range)| range).collect();
            (!derives.is_empty()).then_some(Counted::Derives(derives))
        };
        source.attributes_of(item).filter_map(count).collect()
    }

    fn is_standard_derive(&self, item: ItemId, path: &Path) -> bool {
        let source = self.resolver.source;
        let Some(&last) = path.segments.last() else {
            return false;
        };
        let module = source.items[item].module;
        let ends = self.resolver.path(path, module, None).ends;
        let is_of_library = |end: &End| matches!(end, End::Foreign(path) if path.starts_with("std::") || path.starts_with("core::"));
        is_standard_derive(source.names.text(last))
            && ends.iter().all(is_of_library)
            && match path.segments.len() {
                1 if ends.is_empty() => {
                    let is_imported = source.modules[module].defs.contains_key(&last);
                    !is_imported && !self.resolver.may_be_foreign(module, last)
                }
                _ => !ends.is_empty(),
            }
    }

    /// Returns whether another type or trait has the same name and equal tokens.
    ///
    /// An edited import may exchange the two.
    /// Tasks are never ambiguous: the name under which a task is stored identifies it.
    pub(crate) fn is_ambiguous(&self, item: ItemId) -> bool {
        let source = self.resolver.source;
        if source.is_task(item) {
            return false;
        }
        let Some(name) = source.items[item].name else {
            return false;
        };
        let equal = self.resolver.index.types(name);
        if equal.len() < 2 || !equal.contains(&item) {
            return false;
        }
        let digest = |item: ItemId| {
            let tokens = source.tokens(item);
            let mut parts = Vec::new();
            for part in source.code_of(item) {
                tokens::append(&tokens[part.clone()], part.start, &source.names, &mut parts);
            }
            tokens::digest(&parts)
        };
        let own = digest(item);
        equal.iter().any(|&other| other != item && digest(other) == own)
    }

    /// Returns whether a type derefs to another type.
    fn derefs(&self, item: ItemId) -> bool {
        let source = self.resolver.source;
        let impls = self.relations.with_type.get(&item).into_iter().flatten();
        let mut kinds = impls.map(|&id| &source.items[id].kind);
        kinds.any(|kind| match kind {
            Kind::Impl(an_impl) => source.names.text(an_impl.of) == "Deref",
            // A macro may generate an impl of `Deref`.
            Kind::Invocation { .. } => true,
            _ => false,
        })
    }
}
