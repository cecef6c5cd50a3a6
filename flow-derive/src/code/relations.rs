//! The relations between items that do not name each other: types and their impls, traits and their
//! impls, and methods by name.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::names::{Name, kw};
use super::references::References;
use super::resolve::{End, Resolver};
use super::scan;
use super::source::{Impl, ItemId, Kind, Path};
use super::standard::is_standard_derive;
use super::tokens::{Delimiter, Token};

#[derive(Default)]
pub(crate) struct Relations {
    /// The members of a type's inherent impls, and the `run` of a task.
    pub(crate) associated: HashMap<ItemId, Vec<(Name, ItemId)>>,
    /// The types to which such a member, or an impl of `Run`, belongs.
    pub(crate) owners: HashMap<ItemId, Vec<ItemId>>,
    /// The items that are reached with a type: the impls of traits that name it.
    pub(crate) with_type: HashMap<ItemId, Vec<ItemId>>,
    /// The items that are reached with a trait: its impls for types outside the source, or for all types.
    pub(crate) with_trait: HashMap<ItemId, Vec<ItemId>>,
    /// All impls of a trait, which are reached where trait objects are used.
    pub(crate) of_trait: HashMap<ItemId, Vec<ItemId>>,
    /// The items that may define a method with this name.
    pub(crate) by_method: HashMap<Name, Vec<ItemId>>,
    /// The traits that declare a method with this name.
    pub(crate) declared_by: HashMap<Name, Vec<ItemId>>,
    /// The impls of `Target` for a type.
    pub(crate) targets: HashMap<ItemId, Vec<ItemId>>,
    /// Whether a blanket impl has a derivable trait as its bound: `impl<T: Clone> Fit for T`. Then a derive
    /// decides whether a call uses the method of a type or of a reference to it.
    pub(crate) derives_decide: bool,
}

impl Relations {
    pub(crate) fn new(resolver: &Resolver<'_>) -> Self {
        let mut relations = Self::default();
        for id in 0..resolver.source.items.len() {
            if resolver.is_seen(id) {
                relations.add(id, resolver);
            }
        }
        relations
    }

    fn add(&mut self, id: ItemId, resolver: &Resolver<'_>) {
        let item = &resolver.source.items[id];
        if matches!(item.kind, Kind::Value(_) | Kind::Function | Kind::Associated { .. }) {
            self.add_inner_impls(id, resolver);
        }
        // A function that is a task acts as the `run` of that task.
        if let (Some(task), Some(run)) = (item.task, resolver.source.names.find("run")) {
            self.associated.entry(task).or_default().push((run, id));
            self.owners.insert(id, vec![task]);
            self.method(run, id);
        }
        match &item.kind {
            Kind::Associated { implementor } => {
                let owners = head_types(resolver, id, implementor.clone());
                let Some(name) = item.name else {
                    // A macro call that generates methods: each word in it may be the name of one.
                    let names = words(resolver, id, item.body.clone());
                    names.into_iter().for_each(|name| self.method(name, id));
                    self.owners.insert(id, owners);
                    return;
                };
                for &owner in &owners {
                    self.associated.entry(owner).or_default().push((name, id));
                }
                self.owners.insert(id, owners);
                self.method(name, id);
            }
            Kind::Impl(an_impl) => self.add_impl(id, an_impl, resolver),
            Kind::Trait(declared) => {
                for &name in declared {
                    self.method(name, id);
                    self.declared_by.entry(name).or_default().push(id);
                }
            }
            Kind::Invocation { arguments, .. } => {
                let tasks = run_of(resolver, id, arguments.clone());
                if !tasks.is_empty() {
                    for called in resolver.macros_of(id) {
                        if let Kind::Macro(declared) = &resolver.source.items[called].kind {
                            self.add_run(id, declared, &tasks);
                        }
                    }
                    self.owners.insert(id, tasks);
                    return;
                }
                for &name in resolver.index.invocation_words(id).into_iter().flatten() {
                    self.method(name, id);
                }
                for called in resolver.macros_of(id) {
                    if let Kind::Macro(declared) = &resolver.source.items[called].kind {
                        declared.iter().for_each(|&name| self.method(name, id));
                    }
                }
                for ty in types(resolver, id, arguments.clone()) {
                    self.with_type.entry(ty).or_default().push(id);
                }
            }
            _ => {}
        }
    }

    /// Adds the impls inside a body, as in `const _: () = { impl Fit for Row {} };`, to their types.
    fn add_inner_impls(&mut self, id: ItemId, resolver: &Resolver<'_>) {
        let tokens = resolver.source.tokens(id);
        let body = resolver.source.items[id].body.clone();
        for at in body.clone().filter(|&at| tokens[at].word() == Some(kw::IMPL)) {
            let starts = at > body.start
                && matches!(
                    tokens[at - 1],
                    Token::Open(Delimiter::Brace, _) | Token::Close(_) | Token::Punct(b';', _)
                );
            if !starts {
                continue;
            }
            let is_body = |&at: &usize| matches!(tokens[at], Token::Open(Delimiter::Brace, _));
            let end = (at..body.end).find(is_body).unwrap_or(body.end);
            let named = types(resolver, id, at + 1..end);
            for ty in named {
                self.with_type.entry(ty).or_default().push(id);
            }
        }
    }

    fn add_impl(&mut self, id: ItemId, an_impl: &Impl, resolver: &Resolver<'_>) {
        let source = resolver.source;
        let own = head_types(resolver, id, an_impl.implementor.clone());
        if an_impl.of == kw::RUN && own.iter().any(|&own| source.is_task(own)) {
            self.add_run(id, &an_impl.functions, &own);
            self.owners.insert(id, own);
            return;
        }
        if an_impl.of == kw::TARGET {
            for &own in &own {
                self.targets.entry(own).or_default().push(id);
            }
        }
        let (item, tokens) = (&source.items[id], source.tokens(id));
        let first = paths(resolver, id, an_impl.implementor.clone()).into_iter().next();
        let is_of_all = first.is_some_and(|path| {
            path.segments.len() == 1 && item.generics.contains(&path.segments[0])
        });
        self.derives_decide |= is_of_all
            && tokens[item.body.clone()]
                .iter()
                .take_while(|token| !matches!(token, Token::Open(Delimiter::Brace, _)))
                .filter_map(|token| token.word())
                .any(|word| is_standard_derive(source.names.text(word)));
        let of = head_types(resolver, id, an_impl.of_range.clone());
        let mut named = types(resolver, id, an_impl.implementor.clone());
        named.extend(types(resolver, id, an_impl.of_range.clone()));
        named.retain(|named| !of.contains(named));
        let is_foreign = named.is_empty();
        for named in named {
            self.with_type.entry(named).or_default().push(id);
        }
        for of in of {
            self.of_trait.entry(of).or_default().push(id);
            if is_foreign {
                self.with_trait.entry(of).or_default().push(id);
            }
        }
        if is_foreign {
            for &name in &an_impl.functions {
                self.method(name, id);
            }
        }
    }

    /// Adds the functions of an impl of `Run` to its task.
    ///
    /// A task does not reach its own `Run`: code that names a task depends only on its output. Code that calls `run`
    /// reaches it by the name of the method.
    fn add_run(&mut self, id: ItemId, functions: &[Name], own: &[ItemId]) {
        for &name in functions {
            self.method(name, id);
            for &own in own {
                self.associated.entry(own).or_default().push((name, id));
            }
        }
    }

    fn method(&mut self, name: Name, item: ItemId) {
        self.by_method.entry(name).or_default().push(item);
    }
}

fn words(resolver: &Resolver<'_>, id: ItemId, range: Range<usize>) -> HashSet<Name> {
    let tokens = resolver.source.tokens(id);
    tokens[range].iter().copied().filter_map(Token::word).collect()
}

/// Returns the tasks for which a macro call in item position implements `Run`, if that is all that it may do.
///
/// A body with an `impl` in it may also implement a trait for another type.
fn run_of(resolver: &Resolver<'_>, id: ItemId, arguments: Range<usize>) -> Vec<ItemId> {
    let source = resolver.source;
    let tokens = source.tokens(id);
    let mut found = Vec::new();
    if let Some((path, _)) = scan::path(&tokens, arguments.start, arguments.end)
        && !tokens[arguments].contains(&Token::Word(kw::IMPL))
        && resolver.implements_run(id)
    {
        add_types(resolver, id, &path, 4, &mut found);
        found.retain(|&ty| source.is_task(ty));
    }
    found
}

/// Returns the types and traits of the source that a part of an item names.
fn types(resolver: &Resolver<'_>, id: ItemId, range: Range<usize>) -> Vec<ItemId> {
    let mut found = Vec::new();
    for path in paths(resolver, id, range) {
        add_types(resolver, id, &path, 4, &mut found);
    }
    found
}

/// Returns the first type or trait in a part of an item: `Table` in `Table<Row>`.
///
/// The result is empty if it is not in the source.
fn head_types(resolver: &Resolver<'_>, id: ItemId, range: Range<usize>) -> Vec<ItemId> {
    let mut found = Vec::new();
    if let Some(path) = paths(resolver, id, range).first() {
        add_types(resolver, id, path, 4, &mut found);
    }
    found
}

fn paths(resolver: &Resolver<'_>, id: ItemId, range: Range<usize>) -> Vec<Path> {
    let mut references = References::default();
    references.read(&resolver.source.tokens(id), range, &resolver.source.names);
    references.paths.into_iter().map(|reference| reference.path).collect()
}

fn add_types(
    resolver: &Resolver<'_>,
    id: ItemId,
    path: &Path,
    depth: usize,
    found: &mut Vec<ItemId>,
) {
    let item = &resolver.source.items[id];
    if path.segments.len() == 1 && item.generics.contains(&path.segments[0]) {
        return;
    }
    for end in resolver.path(path, item.module, None).ends {
        let End::Item(ty, _) = end else {
            continue;
        };
        if found.contains(&ty) {
            continue;
        }
        match &resolver.source.items[ty].kind {
            Kind::Type(_) | Kind::Trait(_) => found.push(ty),
            // An alias: adds the types that it stands for.
            Kind::Value(kw::TYPE) if depth > 0 => {
                let body = resolver.source.items[ty].body.clone();
                for path in paths(resolver, ty, body) {
                    add_types(resolver, ty, &path, depth - 1, found);
                }
            }
            _ => {}
        }
    }
}
