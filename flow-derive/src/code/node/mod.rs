//! Computes the node of an item: the items, method names, files and variables that its code refers to,
//! and the items to which its names resolve.
//!
//! [`links`] resolves names. [`calls`] follows macro calls, [`outputs`] the types of outputs, and [`checks`] the
//! functions that check outputs. [`derives`] decides which attributes are code. [`apart`] separates functions that
//! are tasks from their tasks. [`unknown`] handles names that cannot be resolved.

mod apart;
mod calls;
mod checks;
mod derives;
mod links;
mod outputs;
mod unknown;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub(crate) use self::derives::Counted;
pub(crate) use self::links::Link;
use super::attributes;
use super::locals::Locals;
use super::names::Name;
use super::references::References;
use super::relations::Relations;
use super::resolve::{End, Resolver};
use super::row::Row;
use super::source::{FileId, ItemId, Kind, ModuleId, Source};
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
        if !scope.is_generated && !scope.is_macro {
            for (_, import) in &references.imports {
                self.add_generators_of(scope, import, node);
            }
        }
        for reference in &references.paths {
            let is_unknown = self.add_path(scope, references, reference, node);
            if is_unknown && !scope.is_generated && !scope.is_macro {
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
}
