//! Computes the node of an item: the items, method names, files and variables that its code refers to,
//! and the items to which its names resolve.
//!
//! [`calls`] follows macro calls, [`outputs`] the types of outputs, and [`checks`] the functions that check
//! outputs. [`derives`] decides which attributes are code. [`apart`] separates functions that are tasks from
//! their tasks. [`unknown`] handles names that cannot be resolved.

mod apart;
mod calls;
mod checks;
mod derives;
mod outputs;
mod unknown;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub(crate) use self::derives::Counted;
use super::attributes;
use super::locals::Locals;
use super::names::{Name, kw};
use super::references::{PathReference, References};
use super::relations::Relations;
use super::resolve::{End, Resolver};
use super::row::Row;
use super::source::{FileId, ItemId, Kind, ModuleId, Path, Source};
use super::standard::is_standard;
use super::tokens::Token;

/// Everything that an item refers to.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) items: BTreeSet<ItemId>,
    /// The traits of which trait objects are used.
    pub(crate) objects: BTreeSet<ItemId>,
    /// The names of called methods, whose types are unknown.
    pub(crate) methods: BTreeSet<Name>,
    /// The names of methods that are called on types of other crates.
    pub(crate) foreign_methods: BTreeSet<Name>,
    /// The items to which the names in the code resolve.
    pub(crate) links: BTreeMap<String, BTreeSet<Link>>,
    /// The files, variables and conditions that the code uses.
    pub(crate) rows: BTreeSet<Row>,
    /// Warnings about code that could not be followed.
    pub(crate) untracked: BTreeSet<String>,
}

impl Node {
    /// Adds everything that another node contains.
    pub(crate) fn extend(&mut self, other: Self) {
        self.items.extend(other.items);
        self.objects.extend(other.objects);
        self.methods.extend(other.methods);
        self.foreign_methods.extend(other.foreign_methods);
        for (name, links) in other.links {
            self.links.entry(name).or_default().extend(links);
        }
        self.rows.extend(other.rows);
        self.untracked.extend(other.untracked);
    }

    /// Adds a file that the code in the file `from` uses.
    fn add_file(&mut self, source: &Source, from: FileId, path: &std::path::Path) {
        match Row::file(source, from, path) {
            Ok(row) => drop(self.rows.insert(row)),
            Err(untracked) => drop(self.untracked.insert(untracked)),
        }
    }

    /// Adds a variable that `env!` reads in the file `from`.
    fn add_variable(&mut self, source: &Source, from: FileId, literal: Name) {
        match Row::variable(source, from, literal) {
            Ok(row) => self.rows.extend(row),
            Err(untracked) => drop(self.untracked.insert(untracked)),
        }
    }

    /// Adds a feature or another `cfg` that the code tests.
    fn add_condition(&mut self, source: &Source, module: ModuleId, condition: Name) {
        match Row::condition(source, module, condition) {
            Ok(row) => drop(self.rows.insert(row)),
            Err(untracked) => drop(self.untracked.insert(untracked)),
        }
    }
}

/// The item to which a name resolves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Link {
    Item(ItemId),
    Foreign(String),
}

/// The scope in which the names of some tokens are resolved.
struct Scope<'a> {
    /// The item that contains the tokens, unless a macro generates them.
    item: Option<ItemId>,
    module: ModuleId,
    file: FileId,
    /// The types that `Self` may be.
    implementors: Vec<ItemId>,
    generics: &'a [Name],
    is_generated: bool,
    /// Whether it is the body of a macro, whose names may be resolved where the macro is called.
    is_macro: bool,
    /// The local variables of a function.
    locals: Locals,
    /// Whether that function is a task.
    is_task: bool,
}

impl Scope<'_> {
    /// Returns the scope for tokens that a macro generates here, which do not see the local variables.
    fn of_macro(&self) -> Scope<'_> {
        let implementors = self.implementors.clone();
        Scope { item: None, implementors, locals: Locals::default(), is_task: false, ..*self }
    }
}

/// Computes nodes.
pub(crate) struct Builder<'a> {
    pub(crate) resolver: Resolver<'a>,
    pub(crate) relations: &'a Relations,
}

impl Builder<'_> {
    /// Returns the node of an item.
    pub(crate) fn node(&self, id: ItemId) -> Node {
        let source = self.resolver.source;
        let item = &source.items[id];
        let tokens = source.tokens(id);
        let mut references = References::default();
        if source.is_task(id) {
            // Of a task, only the types of its fields count. Its attributes are no code.
            for part in attributes::without(&tokens, item.body.clone()) {
                references.read(&tokens, part, &source.names);
            }
        } else {
            for attribute in self.counted_attributes(id) {
                references.read_attribute(&tokens, attribute.ranges(), &source.names);
            }
            let body = self.unchecked(id);
            for part in std::iter::once(&item.head).chain(&body) {
                references.read(&tokens, part.clone(), &source.names);
            }
        }
        let mut node = Node::default();
        let scope = self.scope(id);
        self.add(&scope, &references, &tokens, &mut node);
        for &feature in &item.features {
            node.add_condition(source, item.module, feature);
        }
        if source.is_task(id) {
            self.add_outputs(id, &mut node);
        }
        self.add_files_of_attributes(&scope, id, &mut node);
        if let Some(generated) = source.generated.get(&id) {
            node.untracked.extend(generated.untracked.clone());
            for path in &generated.files {
                node.add_file(source, item.file, path);
            }
        }
        if matches!(item.kind, Kind::ForeignBlock) {
            let shown = &source.files[item.file].shown;
            node.untracked.insert(format!(
                "the code that is linked for the `extern` block in {shown} is not tracked"
            ));
        }
        node.items.remove(&id);
        node
    }

    fn scope(&self, id: ItemId) -> Scope<'_> {
        let item = &self.resolver.source.items[id];
        let implementor = match &item.kind {
            Kind::Associated { implementor } => Some(implementor),
            Kind::Impl(an_impl) => Some(&an_impl.implementor),
            _ => None,
        };
        let implementors = match implementor {
            Some(range) => self.named(id, range.clone()),
            None if matches!(item.kind, Kind::Type(_) | Kind::Trait(_)) => vec![id],
            None => Vec::new(),
        };
        Scope {
            item: Some(id),
            module: item.module,
            file: item.file,
            implementors,
            generics: &item.generics,
            is_generated: item.is_generated,
            is_macro: matches!(item.kind, Kind::Macro(_)),
            locals: match item.kind {
                Kind::Function | Kind::Associated { .. } => {
                    Locals::find(&self.resolver.source.tokens(id), item.body.clone())
                }
                _ => Locals::default(),
            },
            is_task: item.task.is_some(),
        }
    }

    /// Returns the items to which the first path in a part of an item resolves.
    pub(super) fn named(&self, id: ItemId, range: Range<usize>) -> Vec<ItemId> {
        let source = self.resolver.source;
        let mut references = References::default();
        references.read(&source.tokens(id), range, &source.names);
        let Some(first) = references.paths.first() else {
            return Vec::new();
        };
        let ends = self.resolver.path(&first.path, source.items[id].module, None).ends;
        let items = ends.into_iter().filter_map(|end| match end {
            End::Item(item, _) => Some(item),
            _ => None,
        });
        items.collect()
    }

    /// Returns the task of an impl of `Run`, or of a function that is a task.
    pub(crate) fn tasks_of(&self, id: ItemId) -> Vec<ItemId> {
        if let Some(task) = self.resolver.source.items[id].task {
            return vec![task];
        }
        let mut implementors = self.scope(id).implementors;
        implementors.retain(|&item| self.resolver.source.is_task(item));
        implementors
    }

    fn add(&self, scope: &Scope<'_>, references: &References, tokens: &[Token], node: &mut Node) {
        let source = self.resolver.source;
        let mut is_open = false;
        for reference in &references.paths {
            let is_unknown = self.add_path(scope, references, reference, node);
            if is_unknown && reference.is_plain && !scope.is_generated && !scope.is_macro {
                self.add_unknown(scope, references, reference, tokens, node);
            }
            is_open |= is_unknown;
        }
        // An unresolved name may come from a glob import of another crate.
        if is_open {
            let globs = &source.modules[scope.module].globs;
            for glob in globs.iter().filter(|glob| self.resolver.in_test || !glob.is_test) {
                for end in self.resolver.path(&glob.path, scope.module, None).ends {
                    if let End::Foreign(path) = end {
                        let links = node.links.entry("*".to_owned()).or_default();
                        links.insert(Link::Foreign(path));
                    }
                }
            }
        }
        for &method in &references.methods {
            node.methods.insert(method);
            self.add_traits_in_scope(scope, method, node);
        }
        for text in &references.quoted {
            self.add_quoted(scope, text, node);
        }
        for call in &references.calls {
            self.add_call(scope, references, call, tokens, node);
        }
        for &feature in &references.features {
            node.add_condition(source, scope.module, feature);
        }
    }

    /// Adds the items to which a path resolves. Returns whether the path cannot be resolved.
    fn add_path(
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
    fn add_anywhere(&self, scope: &Scope<'_>, name: Name, node: &mut Node) {
        let package = self.resolver.source.modules[scope.module].package;
        let named = self.resolver.index.named(package, name).iter().copied();
        node.items.extend(named.filter(|&item| self.resolver.is_seen(item)));
    }

    /// Adds links to the traits in scope that declare `method`: if several traits declare it, the imports
    /// decide which method is called.
    fn add_traits_in_scope(&self, scope: &Scope<'_>, method: Name, node: &mut Node) {
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
    fn add_quoted(&self, scope: &Scope<'_>, text: &str, node: &mut Node) {
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

    fn text(&self, path: &Path) -> String {
        let names = &self.resolver.source.names;
        let segments = path.segments.iter().map(|&segment| names.text(segment));
        segments.collect::<Vec<_>>().join("::")
    }
}
