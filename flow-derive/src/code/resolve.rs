//! Resolves a path in a module.
//!
//! The resolver follows the compiler's rules: items, imports with new names, groups and globs,
//! re-exports, blocks, and the crates that a package depends on. If the result is uncertain, because of
//! a `cfg` or because a macro may define the name, it returns all candidates. So a word in the arguments of a macro
//! call hides no crate.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::index::Index;
use super::names::{Name, kw};
use super::source::{Def, Extern, Import, ItemId, Kind, ModuleId, Path, Source};
use super::standard::{PRELUDE, is_standard};

/// The candidates to which a name or path may resolve.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) ends: Vec<End>,
    /// The features that select one of the candidates, with the module of the import.
    pub(crate) features: Vec<(ModuleId, Name)>,
}

/// The target of a resolved path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    /// An item, and the rest of the path: `Table::new` resolves to `Table` with the rest `new`.
    Item(ItemId, Vec<Name>),
    Module(ModuleId),
    /// The full path of an item of another crate.
    Foreign(String),
}

impl Meaning {
    fn add(&mut self, end: End) {
        if !self.ends.contains(&end) {
            self.ends.push(end);
        }
    }

    fn extend(&mut self, other: &Self) {
        for end in &other.ends {
            self.add(end.clone());
        }
        self.features.extend(&other.features);
    }
}

/// Resolves names and paths.
#[derive(Clone, Copy)]
pub(crate) struct Resolver<'a> {
    pub(crate) source: &'a Source,
    pub(crate) index: &'a Index,
    /// Whether items of tests are visible.
    pub(crate) in_test: bool,
    pub(crate) known: &'a Meanings,
}

/// The cache of resolved names.
#[derive(Default)]
pub(crate) struct Meanings {
    known: RefCell<HashMap<(ModuleId, Name), Rc<Meaning>>>,
    /// The names that are being resolved, to detect cyclic imports.
    active: RefCell<HashSet<(ModuleId, Name)>>,
}

impl Resolver<'_> {
    /// Returns whether any name in `module` may refer to another crate, because of a glob import.
    pub(crate) fn is_open(&self, module: ModuleId) -> bool {
        self.imports_all(module, &mut HashSet::new(), &|_| true)
    }

    /// Returns whether `name` may refer to another crate. A glob import of this library's prelude can define
    /// only the names of the prelude.
    pub(crate) fn may_be_foreign(&self, module: ModuleId, name: Name) -> bool {
        let is_of_prelude = PRELUDE.contains(&self.source.names.text(name));
        let mut module = module;
        loop {
            if self.imports_all(module, &mut HashSet::new(), &|path| {
                is_of_prelude || !self.is_prelude(module, path)
            }) {
                return true;
            }
            match self.source.modules[module].parent {
                Some(parent) if self.source.modules[module].is_block => module = parent,
                _ => return false,
            }
        }
    }

    /// Returns whether all names that a glob import of `end` defines are known.
    pub(crate) fn is_closed(&self, module: ModuleId, end: &End) -> bool {
        match end {
            End::Foreign(path) => self.is_prelude(module, path),
            End::Module(inner) => !self.is_open(*inner),
            End::Item(..) => true,
        }
    }

    fn is_prelude(&self, module: ModuleId, path: &str) -> bool {
        let package = &self.source.packages[self.source.modules[module].package];
        let mut facades = package.facades.iter().map(|&name| self.source.names.text(name));
        facades.any(|name| path.strip_prefix(name) == Some("::prelude"))
    }

    /// Returns whether a module has a glob import of another crate for which `counts` holds.
    ///
    /// Glob imports of other modules are followed.
    fn imports_all(
        &self,
        module: ModuleId,
        visited: &mut HashSet<ModuleId>,
        counts: &dyn Fn(&str) -> bool,
    ) -> bool {
        if !visited.insert(module) {
            return false;
        }
        self.source.modules[module].globs.iter().any(|glob| {
            let ends = self.path(&glob.path, module, None).ends;
            ends.is_empty()
                || ends.iter().any(|end| match end {
                    End::Foreign(path) => counts(path),
                    End::Module(inner) => self.imports_all(*inner, visited, counts),
                    End::Item(..) => false,
                })
        })
    }

    /// Resolves `name` as a member of `module`.
    pub(crate) fn member(&self, module: ModuleId, name: Name) -> Rc<Meaning> {
        if let Some(known) = self.known.known.borrow().get(&(module, name)) {
            return known.clone();
        }
        if !self.known.active.borrow_mut().insert((module, name)) {
            return Rc::default();
        }
        let found = Rc::new(self.look_up(module, name));
        let mut active = self.known.active.borrow_mut();
        active.remove(&(module, name));
        // Within a cycle, the result may be incomplete, so it is not cached.
        if active.is_empty() {
            self.known.known.borrow_mut().insert((module, name), found.clone());
        }
        found
    }

    fn look_up(&self, module: ModuleId, name: Name) -> Meaning {
        let mut found = Meaning::default();
        let place = &self.source.modules[module];
        for def in place.defs.get(&name).into_iter().flatten() {
            match def {
                Def::Item(item) if self.is_seen(*item) => {
                    found.add(End::Item(*item, Vec::new()));
                    let features = &self.source.items[*item].features;
                    found.features.extend(features.iter().map(|&feature| (module, feature)));
                }
                Def::Module(inner) if self.in_test || !self.source.modules[*inner].is_test => {
                    found.add(End::Module(*inner));
                }
                Def::Import(import) => self.import(module, import, &mut found),
                _ => {}
            }
        }
        if !found.ends.is_empty() {
            return found;
        }
        for &item in &place.invocations {
            if self.is_seen(item) && self.defines(item, name) {
                found.add(End::Item(item, Vec::new()));
            }
        }
        for generated in &place.generated {
            if self.in_test || !self.source.modules[generated.module].is_test {
                if generated.words.contains(&name) {
                    found.add(End::Module(generated.module));
                }
                found.extend(&self.member(generated.module, name));
            }
        }
        for glob in &place.globs {
            if glob.is_test && !self.in_test {
                continue;
            }
            for end in self.path(&glob.path, module, None).ends {
                match end {
                    End::Module(inner) if inner != module => {
                        let through = self.member(inner, name);
                        if !through.ends.is_empty() {
                            found.extend(&through);
                            let features = glob.features.iter().map(|&feature| (module, feature));
                            found.features.extend(features);
                        }
                    }
                    End::Item(item, _) if self.has_variant(item, name) => {
                        found.add(End::Item(item, Vec::new()));
                    }
                    _ => {}
                }
            }
        }
        found
    }

    fn import(&self, module: ModuleId, import: &Import, found: &mut Meaning) {
        if import.is_test && !self.in_test {
            return;
        }
        found.extend(&self.path(&import.path, module, None));
        found.features.extend(import.features.iter().map(|&feature| (module, feature)));
    }

    /// Returns whether an item exists: an item of tests exists only for tests.
    pub(crate) fn is_seen(&self, item: ItemId) -> bool {
        self.in_test || !self.source.items[item].is_test
    }

    fn has_variant(&self, item: ItemId, name: Name) -> bool {
        matches!(&self.source.items[item].kind, Kind::Type(ty) if ty.variants.contains(&name))
    }

    /// Returns whether a macro call in item position may define `name`.
    pub(crate) fn defines(&self, item: ItemId, name: Name) -> bool {
        let is_free = !is_standard(self.source.names.text(name));
        let is_word =
            is_free && self.index.invocation_words(item).is_some_and(|words| words.contains(&name));
        let called = self.macros_of(item);
        let is_declared = || {
            called.iter().any(|&called| {
                matches!(&self.source.items[called].kind, Kind::Macro(names) if names.contains(&name))
            })
        };
        (is_word || is_declared()) && !self.only_implement_run(&called)
    }

    /// Returns whether a macro call in item position only implements `Run` for its first argument, so that it defines no
    /// names.
    pub(crate) fn implements_run(&self, item: ItemId) -> bool {
        self.only_implement_run(&self.macros_of(item))
    }

    fn only_implement_run(&self, macros: &[ItemId]) -> bool {
        !macros.is_empty() && macros.iter().all(|&called| self.index.implements_run(called))
    }

    /// Returns the macros of the source that a macro call in item position may call.
    pub(crate) fn macros_of(&self, item: ItemId) -> Vec<ItemId> {
        match &self.source.items[item].kind {
            Kind::Invocation { path, .. } => {
                self.macros(path, self.source.items[item].module, None)
            }
            _ => Vec::new(),
        }
    }

    /// Returns the macros of the source to which a path may resolve.
    ///
    /// A single name resolves to every macro of that name in the package, since the textual scope of macros
    /// is not tracked. Other paths are resolved as usual.
    pub(crate) fn macros(
        &self,
        path: &Path,
        module: ModuleId,
        scope: Option<&Imports>,
    ) -> Vec<ItemId> {
        let is_single = path.segments.len() == 1 && !path.is_global;
        let package = self.source.modules[module].package;
        if is_single
            && let Some(&name) = path.segments.first()
            && let Some(found) = self.index.macros(package, name)
        {
            return found.iter().copied().filter(|&item| self.is_seen(item)).collect();
        }
        let ends = self.path(path, module, scope).ends;
        let items = ends.into_iter().filter_map(|end| match end {
            End::Item(item, _) => Some(item),
            _ => None,
        });
        items.collect()
    }

    /// Resolves a path in a module, or in a function of the module with the imports `scope`.
    pub(crate) fn path(&self, path: &Path, module: ModuleId, scope: Option<&Imports>) -> Meaning {
        let Some((&first, rest)) = path.segments.split_first() else {
            return Meaning::default();
        };
        let mut found = Meaning::default();
        if path.is_global {
            self.extern_crate(module, first, &mut found);
        } else if first == kw::CRATE {
            let package = self.source.modules[module].package;
            found.add(End::Module(self.source.packages[package].root));
        } else if first == kw::SELF {
            found.add(End::Module(self.enclosing(module)));
        } else if first == kw::SUPER {
            if let Some(parent) = self.source.modules[self.enclosing(module)].parent {
                found.add(End::Module(self.enclosing(parent)));
            }
        } else {
            found = self.first(first, module, scope);
            if !rest.is_empty() {
                // A function may have the name of a crate.
                found.ends.retain(|end| self.has_members(end));
                if !found.ends.iter().any(|end| self.is_certain(end)) {
                    self.extern_crate(module, first, &mut found);
                }
            }
        }
        for &next in rest {
            found = self.step(&found, next);
        }
        found
    }

    /// Returns whether further segments may follow in a path.
    fn has_members(&self, end: &End) -> bool {
        let End::Item(item, _) = end else {
            return true;
        };
        match self.source.items[*item].kind {
            Kind::Function => self.source.items[*item].task.is_some(),
            Kind::Value(keyword) => keyword == kw::TYPE,
            _ => true,
        }
    }

    /// Returns the module that contains a block.
    fn enclosing(&self, module: ModuleId) -> ModuleId {
        let mut module = module;
        while self.source.modules[module].is_block
            && let Some(parent) = self.source.modules[module].parent
        {
            module = parent;
        }
        module
    }

    /// Resolves the first segment of a path.
    fn first(&self, name: Name, module: ModuleId, scope: Option<&Imports>) -> Meaning {
        let mut found = Meaning::default();
        for (imported, path) in scope.into_iter().flatten() {
            match imported {
                Some(imported) if *imported == name => {
                    found.extend(&self.path(path, module, None));
                }
                None => {
                    for end in self.path(path, module, None).ends {
                        match end {
                            End::Module(inner) => found.extend(&self.member(inner, name)),
                            End::Item(item, _) if self.has_variant(item, name) => {
                                found.add(End::Item(item, Vec::new()));
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        let mut place = module;
        loop {
            found.extend(&self.member(place, name));
            if found.ends.iter().any(|end| self.is_certain(end)) {
                return found;
            }
            match self.source.modules[place].parent {
                Some(parent) if self.source.modules[place].is_block => place = parent,
                _ => break,
            }
        }
        self.extern_crate(module, name, &mut found);
        found
    }

    /// Returns whether a candidate hides names of outer blocks and crates. A macro call may define a name that is a word
    /// in its arguments, or may not.
    fn is_certain(&self, end: &End) -> bool {
        let End::Item(item, _) = end else {
            return true;
        };
        !matches!(self.source.items[*item].kind, Kind::Invocation { .. })
    }

    fn extern_crate(&self, module: ModuleId, name: Name, found: &mut Meaning) {
        let package = &self.source.packages[self.source.modules[module].package];
        match package.externs.get(&name) {
            Some(Extern::Package(package)) => {
                found.add(End::Module(self.source.packages[*package].root));
            }
            Some(Extern::Foreign) => {
                found.add(End::Foreign(self.source.names.text(name).to_owned()));
            }
            None => {}
        }
    }

    /// Resolves the segment `next` in the candidates for the path before it.
    fn step(&self, found: &Meaning, next: Name) -> Meaning {
        let mut stepped = Meaning { ends: Vec::new(), features: found.features.clone() };
        for end in &found.ends {
            match end {
                End::Item(item, rest) => {
                    let mut rest = rest.clone();
                    rest.push(next);
                    stepped.add(End::Item(*item, rest));
                }
                End::Module(module) if next == kw::SUPER => {
                    if let Some(parent) = self.source.modules[*module].parent {
                        stepped.add(End::Module(self.enclosing(parent)));
                    }
                }
                End::Module(module) if next == kw::SELF => stepped.add(End::Module(*module)),
                End::Module(module) => stepped.extend(&self.member(*module, next)),
                End::Foreign(path) => {
                    let next = self.source.names.text(next);
                    stepped.add(End::Foreign(format!("{path}::{next}")));
                }
            }
        }
        stepped
    }
}

/// The imports inside a function.
pub(crate) type Imports = Vec<(Option<Name>, Path)>;
