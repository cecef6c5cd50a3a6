//! Caches the source and everything computed from it, from one `#[tracked]` of a compilation to the next.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use proc_macro2::TokenStream;

use super::compilation::Compilation;
use super::index::Index;
use super::load::Place;
use super::marks;
use super::names::kw;
use super::node::{Builder, Counted, Node};
use super::parse::Parser;
use super::relations::Relations;
use super::resolve::{Meanings, Resolver};
use super::source::{File, ItemId, Kind, Source};
use super::tokens::{self, Part, Token};
use super::{cycle, packages, scan};
use crate::text;

/// The source, and the cached results.
pub(crate) struct World {
    pub(crate) source: Source,
    index: Index,
    /// Impls, types and functions that are tasks, by the digest of their tokens.
    by_digest: HashMap<u128, Vec<ItemId>>,
    /// One cache for the program, and one for its tests, which see items with `#[cfg(test)]`.
    caches: [Cache; 2],
}

#[derive(Default)]
pub(crate) struct Cache {
    meanings: Meanings,
    relations: OnceCell<Relations>,
    nodes: RefCell<HashMap<ItemId, Rc<Node>>>,
    digests: RefCell<HashMap<ItemId, u128>>,
    pub(crate) colors: RefCell<HashMap<ItemId, u128>>,
    pub(super) required: RefCell<cycle::Known>,
}

/// The source as the program or its tests see it.
pub(crate) struct View<'a> {
    pub(crate) resolver: Resolver<'a>,
    pub(crate) relations: &'a Relations,
    pub(crate) cache: &'a Cache,
}

thread_local! {
    /// A process compiles one crate, whose source is read for the first macro that needs it.
    static WORLD: RefCell<Option<Option<World>>> = const { RefCell::new(None) };
}

impl World {
    /// Calls `query` with the world of the crate that is being compiled, if its source can be read.
    pub(crate) fn with<R>(query: impl FnOnce(Option<&mut World>) -> R) -> R {
        WORLD.with_borrow_mut(|world| {
            let world = world.get_or_insert_with(|| {
                let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
                Self::read(Compilation::current()?, folder.as_deref())
            });
            query(world.as_mut())
        })
    }

    pub(crate) fn read(mut compilation: Compilation, folder: Option<&Path>) -> Option<Self> {
        compilation.root = compilation.root.canonicalize().ok()?;
        let folder = folder.map(|folder| folder.canonicalize()).transpose().ok()?;
        let source = packages::read(&compilation, folder.as_deref())?;
        let index = Index::new(&source);
        let mut by_digest: HashMap<u128, Vec<ItemId>> = HashMap::new();
        for (id, item) in source.items.iter().enumerate() {
            let is_function_task = source.is_function_task(id);
            let may_be_found =
                matches!(item.kind, Kind::Type(_) | Kind::Impl(_)) || item.task.is_some();
            if may_be_found && !is_function_task {
                let (tokens, body) = (source.tokens(id), item.body.clone());
                let mut parts = Vec::new();
                tokens::append(&tokens[body.clone()], body.start, &source.names, &mut parts);
                by_digest.entry(tokens::digest(&parts)).or_default().push(id);
            }
        }
        Some(Self { source, index, by_digest, caches: Default::default() })
    }

    pub(crate) fn view(&self, in_test: bool) -> View<'_> {
        let cache = &self.caches[usize::from(in_test)];
        let (source, index, known) = (&self.source, &self.index, &cache.meanings);
        let resolver = Resolver { source, index, in_test, known };
        let relations = cache.relations.get_or_init(|| Relations::new(&resolver));
        View { resolver, relations, cache }
    }

    /// Finds the item that the compiler passed to the macro as `stream`.
    ///
    /// The item is found in its file by its tokens: a line number would not identify an item that a
    /// macro generates. If several items have these tokens, all are returned, and all count. An item that
    /// stands in no file, since a macro generated it, is added.
    pub(crate) fn find(&mut self, stream: TokenStream, file: Option<&Path>) -> Vec<ItemId> {
        let item_tokens = tokens::flatten(stream, &mut self.source.names);
        let file = file.and_then(|file| file.canonicalize().ok());
        let mut found = self.in_file(&item_tokens, file.as_deref());
        if found.is_empty() {
            let item_tokens = tokens::without_invisible_groups(&item_tokens);
            found.extend(self.add(item_tokens, file.as_deref()));
        }
        found
    }

    /// Finds the item in its file; returns nothing for an item that a macro generated.
    pub(crate) fn known(&mut self, stream: TokenStream, file: Option<&Path>) -> Vec<ItemId> {
        let item_tokens = tokens::flatten(stream, &mut self.source.names);
        let file = file.and_then(|file| file.canonicalize().ok());
        self.in_file(&item_tokens, file.as_deref())
    }

    fn in_file(&self, item_tokens: &[Token], file: Option<&Path>) -> Vec<ItemId> {
        let start = after_attributes(item_tokens, &self.source);
        let mut parts = Vec::new();
        tokens::append(&item_tokens[start..], start, &self.source.names, &mut parts);
        let digest = tokens::digest(&parts);
        let in_file = |&id: &ItemId| {
            let path = &self.source.files[self.source.items[id].file].path;
            file.is_some_and(|file| file == path)
        };
        let equal = self.by_digest.get(&digest).into_iter().flatten().copied();
        let mut found: Vec<ItemId> = equal.filter(in_file).collect();
        if found.is_empty()
            && let [Token::Word(_), Token::Word(name), ..] = item_tokens[start..]
        {
            // The compiler may have removed a field with a `cfg` from the tokens. An item of this name that a macro
            // generates has other tokens.
            let is_function = item_tokens[start] == Token::Word(kw::FN);
            let named = (0..self.source.items.len()).filter(|&id| {
                let item = &self.source.items[id];
                let is_one = match item.kind {
                    Kind::Function => is_function && item.task.is_some(),
                    Kind::Type(_) => !is_function && !self.source.is_function_task(id),
                    _ => false,
                };
                is_one && item.name == Some(name) && !item.is_generated && self.has_all(id, &parts)
            });
            found = named.filter(in_file).collect();
        }
        found
    }

    /// Returns whether an item of a file has all words and literals of these parts, in this order. Brackets do not count: the
    /// compiler writes a `cfg_attr` with two attributes as two attributes.
    fn has_all(&self, id: ItemId, parts: &[Part<'_>]) -> bool {
        let (tokens, body) = (self.source.tokens(id), self.source.items[id].body.clone());
        let mut all = Vec::new();
        tokens::append(&tokens[body.clone()], body.start, &self.source.names, &mut all);
        let mut all = all.into_iter();
        let mut texts =
            parts.iter().filter(|part| matches!(part, Part::Word(_) | Part::Literal(_)));
        texts.all(|part| all.any(|other| other == *part))
    }

    /// Adds an item that a macro generated.
    ///
    /// Its names are resolved in the module of the file that calls the macro. Since the item may stand in a
    /// module inside that one, its names may also refer to any item of the package with that name.
    fn add(&mut self, tokens: Vec<Token>, file: Option<&Path>) -> Option<ItemId> {
        let known = self.source.files.iter().find(|known| file == Some(known.path.as_path()));
        let around = known.map_or(self.source.packages[0].root, |known| known.module);
        let shown = known.map_or_else(String::new, |known| known.shown.clone());
        let package = self.source.modules[around].package;
        let module = self.source.module(package, Some(around), None);
        self.source.modules[module].is_block = true;
        let path = file.unwrap_or(Path::new("")).to_owned();
        let tokens: std::sync::Arc<[Token]> = tokens.into();
        let all = 0..tokens.len();
        self.source.files.push(File { path, shown, package, module, tokens: tokens.clone() });
        let file = self.source.files.len() - 1;
        let place = Place::beside(&self.source.files[file].path.clone());
        let source = &mut self.source;
        Parser { source, file, tokens, module, place, features: Vec::new() }.items(all);
        let added = self.source.modules[module].items.last().copied()?;
        self.source.items[added].is_generated = true;
        if let Some(task) = self.source.items[added].task {
            self.source.items[task].is_generated = true;
        }
        Some(added)
    }
}

fn after_attributes(tokens: &[Token], source: &Source) -> usize {
    let (_, at) = marks::read(tokens, 0, tokens.len(), &source.names, false);
    match (scan::word(tokens, at), scan::group(tokens, at + 1)) {
        (Some(kw::PUB), Some((tokens::Delimiter::Parenthesis, inner))) => inner.end + 1,
        (Some(kw::PUB), _) => at + 1,
        _ => at,
    }
}

impl View<'_> {
    /// Returns the items, files and variables that an item refers to.
    pub(crate) fn node(&self, item: ItemId) -> Rc<Node> {
        if let Some(node) = self.cache.nodes.borrow().get(&item) {
            return node.clone();
        }
        let node = Rc::new(self.builder().node(item));
        self.cache.nodes.borrow_mut().insert(item, node.clone());
        node
    }

    pub(crate) fn builder(&self) -> Builder<'_> {
        Builder { resolver: self.resolver, relations: self.relations }
    }

    /// Returns the digest of an item's tokens, or 0 for the struct of a task, whose tokens do not count.
    pub(crate) fn digest(&self, item: ItemId) -> u128 {
        if self.resolver.source.is_task(item) {
            return 0;
        }
        if let Some(&digest) = self.cache.digests.borrow().get(&item) {
            return digest;
        }
        let source = self.resolver.source;
        let all = source.tokens(item);
        let known = &source.items[item];
        let mut parts: Vec<Part<'_>> = Vec::new();
        for attribute in self.builder().counted_attributes(item) {
            if let Counted::Derives(_) = attribute {
                parts.push(Part::Word("derive"));
            }
            for part in attribute.ranges() {
                tokens::append(&all[part.clone()], part.start, &source.names, &mut parts);
            }
        }
        let mut append = |part: std::ops::Range<usize>| {
            tokens::append(&all[part.clone()], part.start, &source.names, &mut parts);
        };
        // A task may be renamed, so its name does not count in its impls and methods.
        let of_task = |implementor: &std::ops::Range<usize>| {
            let named = self.builder().named(item, implementor.clone());
            named.iter().any(|&named| source.is_task(named))
        };
        match &known.kind {
            Kind::Associated { implementor } if of_task(implementor) => append(known.body.clone()),
            Kind::Impl(an_impl) if of_task(&an_impl.implementor) => {
                append(known.body.start..an_impl.implementor.start);
                append(an_impl.implementor.end..known.body.end);
            }
            _ => {
                append(known.head.clone());
                source.code_of(item).into_iter().for_each(append);
            }
        }
        let mut digest = tokens::digest(&parts);
        if self.builder().is_ambiguous(item) {
            digest = self.digest_with_methods(item, digest);
        }
        self.cache.digests.borrow_mut().insert(item, digest);
        digest
    }

    /// Returns the digest of a type or trait combined with the digests of its methods and impls.
    ///
    /// If an edit exchanges the imports of two types with the same name and equal tokens, only their methods and
    /// impls differ.
    fn digest_with_methods(&self, item: ItemId, digest: u128) -> u128 {
        let methods = self.relations.associated.get(&item).into_iter().flatten();
        let impls = self.relations.with_type.get(&item).into_iter().flatten();
        let others = methods.map(|(_, method)| *method).chain(impls.copied());
        let mut digests: Vec<u128> = others
            .filter(|&other| {
                !self.resolver.source.is_task(other) && !self.builder().is_ambiguous(other)
            })
            .map(|other| self.digest(other))
            .collect();
        digests.sort_unstable();
        digests.push(digest);
        let bytes: Vec<u8> = digests.into_iter().flat_map(u128::to_le_bytes).collect();
        tokens::digest_of_bytes(&bytes)
    }

    /// Returns the name of an item in a reason. It is no part of a digest.
    pub(crate) fn shown(&self, item: ItemId) -> String {
        let source = self.resolver.source;
        let known = &source.items[item];
        let name = known.name.map_or("_", |name| source.names.text(name));
        let part = |range: std::ops::Range<usize>| {
            let tokens = source.tokens(item);
            let mut parts = Vec::new();
            tokens::append(&tokens[range.clone()], range.start, &source.names, &mut parts);
            text::write(&text::short(&parts))
        };
        match &known.kind {
            Kind::Function => name.to_owned(),
            Kind::Value(keyword) => format!("{} {name}", source.names.text(*keyword)),
            Kind::Type(ty) => format!("{} {name}", source.names.text(ty.keyword)),
            Kind::Trait(_) => format!("trait {name}"),
            Kind::Impl(an_impl) => {
                let of = part(an_impl.of_range.clone());
                format!("impl {of} for {}", part(an_impl.implementor.clone()))
            }
            Kind::Associated { implementor } => {
                let of = part(implementor.clone());
                let end = of.find('<').filter(|&end| end > 0).unwrap_or(of.len());
                format!("{}::{name}", &of[..end])
            }
            Kind::Macro(_) => format!("{name}!"),
            Kind::Invocation { path, arguments, .. } => {
                let name = path.segments.last().map_or("_", |&name| source.names.text(name));
                let mut arguments: String = part(arguments.clone());
                if let Some((end, _)) = arguments.char_indices().nth(30) {
                    arguments.truncate(end);
                    arguments.push_str("...");
                }
                format!("{name}!({arguments})")
            }
            Kind::ForeignBlock => "extern block".to_owned(),
        }
    }
}
