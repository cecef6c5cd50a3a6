//! The attributes of an item that are code.
//!
//! A derive of the standard library is none: where an item gains or loses it and nothing else changes,
//! the program that compiles before and after calls none of its methods. What uses a derive is code that
//! counts by its own tokens. There are three exceptions: a method that a type gains hides that of the type
//! that it derefs to, an impl for all types with the trait may apply to it and no longer to a reference to
//! it, and two types of one name may be told apart by their derives alone.

use std::ops::Range;

use super::Builder;
use crate::code::resolve::End;
use crate::code::source::{ItemId, Kind, Path};
use crate::code::standard::is_standard_derive;
use crate::code::{attributes, tokens};

/// An attribute that is code.
pub(crate) enum Counted {
    /// With its `#`.
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
    /// The attributes of an item that are code.
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

    /// Whether an import may exchange a type or a trait with another of its name and its tokens.
    ///
    /// The name that its outputs are stored under identifies a task.
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

    /// Whether a type derefs to another.
    fn derefs(&self, item: ItemId) -> bool {
        let source = self.resolver.source;
        let impls = self.relations.with_type.get(&item).into_iter().flatten();
        let mut kinds = impls.map(|&id| &source.items[id].kind);
        kinds.any(|kind| match kind {
            Kind::Impl(an_impl) => source.names.text(an_impl.of) == "Deref",
            // A macro may write one.
            Kind::Invocation { .. } => true,
            _ => false,
        })
    }
}
