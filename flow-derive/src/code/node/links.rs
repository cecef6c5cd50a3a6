//! Links: resolves the names in the code of an item, and adds the items to which they lead.
//!
//! A name is the path of an item, a method, or a path in the string of an attribute. The names count together with
//! the items: if an import is exchanged for another of the same name, the links change although the text of the code
//! does not.

use std::collections::BTreeSet;

use super::{Builder, Node, Scope};
use crate::code::names::{Name, kw};
use crate::code::references::{PathReference, References};
use crate::code::resolve::End;
use crate::code::source::{ItemId, Kind, Path};
use crate::code::standard::is_standard;

/// The item to which a name resolves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Link {
    Item(ItemId),
    Foreign(String),
}

impl Builder<'_> {
    /// Adds the items to which a path resolves. Returns whether the path cannot be resolved.
    pub(super) fn add_path(
        &self,
        scope: &Scope<'_>,
        references: &References,
        reference: &PathReference,
        node: &mut Node,
    ) -> bool {
        let source = self.resolver.source;
        let segments = &reference.path.segments;
        let (first, last) = match (segments.first(), segments.last()) {
            (Some(&first), Some(&last)) => (first, last),
            _ => return false,
        };
        if !reference.path.is_global && first == kw::SELF_TYPE {
            for &implementor in &scope.implementors {
                self.add_item(implementor, &segments[1..], node);
            }
            if scope.implementors.is_empty() && segments.len() > 1 {
                node.methods.insert(segments[1]);
            }
            return false;
        }
        if !reference.path.is_global && scope.generics.contains(&first) {
            node.methods.extend(segments.get(1));
            return false;
        }
        let meaning = self.resolver.path(&reference.path, scope.module, Some(&references.imports));
        for &(module, feature) in &meaning.features {
            node.add_condition(source, module, feature);
        }
        let mut links = BTreeSet::new();
        for end in &meaning.ends {
            match end {
                End::Item(item, rest) if self.is_apart(scope, reference, *item, rest) => {}
                // A macro can only be called, so a path without a call refers to another item of that name.
                End::Item(item, _) if matches!(source.items[*item].kind, Kind::Macro(_)) => {}
                End::Item(item, rest) => {
                    links.extend(self.add_item(*item, rest, node).into_iter().map(Link::Item));
                    if reference.is_dyn && source.is_trait(*item) {
                        node.objects.insert(*item);
                    }
                }
                End::Foreign(path) => {
                    links.insert(Link::Foreign(path.clone()));
                    if segments.len() > 1 {
                        node.foreign_methods.insert(last);
                    }
                }
                End::Module(_) => {}
            }
        }
        if !links.is_empty() {
            // The name of a task does not count, since a task may be renamed.
            let is_task = |link: &Link| matches!(link, Link::Item(item) if source.is_task(*item));
            let named = !links.iter().all(is_task);
            let name = if named { self.text(&reference.path) } else { String::new() };
            node.links.entry(name).or_default().extend(links);
        }
        if !meaning.ends.is_empty() {
            return false;
        }
        if segments.len() > 1 {
            node.foreign_methods.insert(last);
        }
        if scope.is_generated || scope.is_macro && reference.is_item {
            self.add_anywhere(scope, last, node);
        }
        reference.is_item && !is_standard(source.names.text(first))
    }

    /// Adds an item, and its members with the first name in `rest`. Returns all added items.
    fn add_item(&self, item: ItemId, rest: &[Name], node: &mut Node) -> Vec<ItemId> {
        node.items.insert(item);
        let mut found = vec![item];
        let Some(&name) = rest.first() else {
            return found;
        };
        let is_variant = matches!(
            &self.resolver.source.items[item].kind,
            Kind::Type(ty) if ty.variants.contains(&name)
        );
        if is_variant {
            return found;
        }
        let associated = self.relations.associated.get(&item).into_iter().flatten();
        found.extend(associated.filter(|entry| entry.0 == name).map(|entry| entry.1));
        if found.len() == 1 || self.resolver.source.is_trait(item) {
            node.methods.insert(name);
        }
        node.items.extend(&found);
        found
    }

    /// Adds all items of the package that have this name.
    pub(super) fn add_anywhere(&self, scope: &Scope<'_>, name: Name, node: &mut Node) {
        let package = self.resolver.source.modules[scope.module].package;
        let named = self.resolver.index.named(package, name).iter().copied();
        node.items.extend(named.filter(|&item| self.resolver.is_seen(item)));
    }

    /// Adds links to the traits in scope that declare `method`: if several traits declare it, the imports
    /// decide which method is called.
    pub(super) fn add_traits_in_scope(&self, scope: &Scope<'_>, method: Name, node: &mut Node) {
        let Some(traits) = self.relations.declared_by.get(&method) else {
            return;
        };
        if traits.len() < 2 {
            return;
        }
        let source = self.resolver.source;
        let module = &source.modules[scope.module];
        let mut seen: BTreeSet<ItemId> = BTreeSet::new();
        let mut see = |ends: Vec<End>| {
            seen.extend(ends.iter().filter_map(|end| match end {
                End::Item(item, _) if traits.contains(item) => Some(*item),
                _ => None,
            }));
        };
        for import in &module.unnamed {
            see(self.resolver.path(&import.path, scope.module, None).ends);
        }
        for &name in module.defs.keys() {
            see(self.resolver.member(scope.module, name).ends.clone());
        }
        for &of in traits {
            if let Some(name) = source.items[of].name {
                let path = Path { is_global: false, segments: vec![name] };
                let ends = self.resolver.path(&path, scope.module, None).ends;
                seen.extend(ends.contains(&End::Item(of, Vec::new())).then_some(of));
            }
        }
        let name = format!(".{}", source.names.text(method));
        node.links.entry(name).or_default().extend(seen.into_iter().map(Link::Item));
    }

    /// Adds the items to which a path in the string of an attribute resolves. A module stands for its
    /// functions.
    pub(super) fn add_quoted(&self, scope: &Scope<'_>, text: &str, node: &mut Node) {
        let source = self.resolver.source;
        let segments: Option<Vec<Name>> =
            text.split("::").map(|segment| source.names.find(segment)).collect();
        let Some(segments) = segments else {
            return;
        };
        let path = Path { is_global: false, segments };
        if path.segments.first() == Some(&kw::SELF_TYPE) {
            for &implementor in &scope.implementors {
                self.add_item(implementor, &path.segments[1..], node);
            }
            return;
        }
        for end in self.resolver.path(&path, scope.module, None).ends {
            match end {
                End::Item(item, rest) => {
                    if rest.is_empty() {
                        // `with = "Type"`: any function of the type may be called.
                        let own = self.relations.associated.get(&item).into_iter().flatten();
                        node.items.extend(own.map(|entry| entry.1));
                    }
                    let links = self.add_item(item, &rest, node).into_iter().map(Link::Item);
                    node.links.entry(text.to_owned()).or_default().extend(links);
                }
                End::Module(module) => {
                    // Includes the functions that the module re-exports.
                    for &name in source.modules[module].defs.keys() {
                        for end in &self.resolver.member(module, name).ends {
                            if let End::Item(item, _) = end
                                && matches!(source.items[*item].kind, Kind::Function)
                            {
                                node.items.insert(*item);
                                let links = node.links.entry(text.to_owned()).or_default();
                                links.insert(Link::Item(*item));
                            }
                        }
                    }
                    let items = source.modules[module].items.iter().copied();
                    let functions =
                        items.filter(|&item| matches!(source.items[item].kind, Kind::Function));
                    let functions: Vec<ItemId> = functions.collect();
                    node.items.extend(&functions);
                    let links = functions.into_iter().map(Link::Item);
                    node.links.entry(text.to_owned()).or_default().extend(links);
                }
                End::Foreign(_) => {}
            }
        }
    }

    pub(super) fn text(&self, path: &Path) -> String {
        let names = &self.resolver.source.names;
        let segments = path.segments.iter().map(|&segment| names.text(segment));
        segments.collect::<Vec<_>>().join("::")
    }
}
