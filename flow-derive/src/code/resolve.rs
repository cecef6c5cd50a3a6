//! What a path means in a module.
//!
//! The compiler's rules are followed where they can be: items, imports with new names, groups and
//! globs, re-exports, blocks, the crates that a package depends on. Where they are not known, for a
//! `cfg` that may be on or off and for what macros define, a name means all that it may mean.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::index::Index;
use super::names::{Name, kw};
use super::source::{Def, Extern, Import, ItemId, Kind, ModuleId, Path, Source};
use super::standard::{PRELUDE, is_standard};

/// What a name or a path may mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) ends: Vec<End>,
    /// The features that decide which of them it is, with the module of the import.
    pub(crate) features: Vec<(ModuleId, Name)>,
}

/// Something a path leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    /// An item, and what is left of the path: `Table::new` is `Table` and `new`.
    Item(ItemId, Vec<Name>),
    Module(ModuleId),
    /// Something of another crate, by its path.
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

/// Finds meanings.
#[derive(Clone, Copy)]
pub(crate) struct Resolver<'a> {
    pub(crate) source: &'a Source,
    pub(crate) index: &'a Index,
    /// Whether what exists for tests is seen.
    pub(crate) in_test: bool,
    pub(crate) known: &'a Meanings,
}

/// The meanings found so far.
#[derive(Default)]
pub(crate) struct Meanings {
    known: RefCell<HashMap<(ModuleId, Name), Rc<Meaning>>>,
    /// Names that are being looked up, so that imports in a circle come to an end.
    active: RefCell<HashSet<(ModuleId, Name)>>,
}

impl Resolver<'_> {
    /// Whether names in `module` may be those of other crates, since everything of one is imported.
    pub(crate) fn is_open(&self, module: ModuleId) -> bool {
        self.imports_all(module, &mut HashSet::new(), &|_| true)
    }

    /// The same for one name: the prelude of this library has none but its own.
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

    /// Whether all of what a path leads to is known when everything in it is imported.
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

    /// Whether a module, or one that it imports all of, imports all of something of another crate that
    /// `counts`.
    fn imports_all(
        &self,
        module: ModuleId,
        met: &mut HashSet<ModuleId>,
        counts: &dyn Fn(&str) -> bool,
    ) -> bool {
        if !met.insert(module) {
            return false;
        }
        self.source.modules[module].globs.iter().any(|glob| {
            let ends = self.path(&glob.path, module, None).ends;
            ends.is_empty()
                || ends.iter().any(|end| match end {
                    End::Foreign(path) => counts(path),
                    End::Module(inner) => self.imports_all(*inner, met, counts),
                    End::Item(..) => false,
                })
        })
    }

    /// What `name` means as a member of `module`.
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
        // Inside a circle, what was found may be a part only.
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
        for made in &place.made {
            if self.in_test || !self.source.modules[made.module].is_test {
                if made.words.contains(&name) {
                    found.add(End::Module(made.module));
                }
                found.extend(&self.member(made.module, name));
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

    pub(crate) fn is_seen(&self, item: ItemId) -> bool {
        self.in_test || !self.source.items[item].is_test
    }

    fn has_variant(&self, item: ItemId, name: Name) -> bool {
        matches!(&self.source.items[item].kind, Kind::Type(ty) if ty.variants.contains(&name))
    }

    /// Whether the call of a macro in the place of an item may define `name`.
    pub(crate) fn defines(&self, item: ItemId, name: Name) -> bool {
        let is_free = !is_standard(self.source.names.text(name));
        is_free && self.index.invocation_words(item).is_some_and(|words| words.contains(&name))
            || self.macros_of(item).iter().any(|&called| {
                matches!(&self.source.items[called].kind, Kind::Macro(names) if names.contains(&name))
            })
    }

    /// The macros of the source that an item in the place of a macro's call may be made by.
    pub(crate) fn macros_of(&self, item: ItemId) -> Vec<ItemId> {
        match &self.source.items[item].kind {
            Kind::Invocation { path, .. } => {
                self.macros(path, self.source.items[item].module, None)
            }
            _ => Vec::new(),
        }
    }

    /// The macros of the source that a path may mean: what is in scope, or any of that name in the
    /// package, since a macro is also in scope behind its definition.
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

    /// What a path means in a module, or in a function of it with imports of its own.
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
                if found.ends.is_empty() {
                    self.extern_crate(module, first, &mut found);
                }
            }
        }
        for &next in rest {
            found = self.step(&found, next);
        }
        found
    }

    /// Whether a path may go on behind this.
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

    /// The module that a block is in.
    fn enclosing(&self, module: ModuleId) -> ModuleId {
        let mut module = module;
        while self.source.modules[module].is_block
            && let Some(parent) = self.source.modules[module].parent
        {
            module = parent;
        }
        module
    }

    /// What the first name of a path means.
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
            if !found.ends.is_empty() {
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

    /// What is named `next` in what was found so far.
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

/// The imports that stand inside a function.
pub(crate) type Imports = Vec<(Option<Name>, Path)>;
