//! Finds files that only a macro call refers to.
//!
//! A macro of the source, `modules!(ols)`, may expand to `mod ols;`. Macros of other crates, such as
//! `tonic::include_proto!("shop")` and `lalrpop_mod!(calc)`, include files that a build script has
//! written. Macros are not expanded here. The files that a call may read are found by the words and
//! string literals in its arguments and in the macros of the source that it calls:
//!
//! - the file of `mod word;`, if no module of the source has that file;
//! - a file that a macro of the source includes, with an argument as the value of a `$variable`;
//! - if the macro is of another crate, a file or folder that [a string names](super::named);
//! - if the macro is of another crate, a file in `OUT_DIR` with the name of a word or string. For a path
//!   dependency, the compiler recorded which of these files it read.
//!
//! Items of such a file are found by their own names, and also as members of a module with the name of
//! each word, since it is unknown which of the two the macro generates. They are marked as
//! [generated](super::source::Item::is_generated): their names may refer to anything in the package.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::builds::Environment;
use super::load::Place;
use super::marks::Marks;
use super::named::{self, Words, add_files};
use super::names::{Name, Names, kw};
use super::parse::Parser;
use super::scan;
use super::source::{FileId, ItemId, Kind, ModuleId, PackageId, Source};
use super::standard::is_standard_macro;
use super::tokens::Token;

/// The result of following a macro call in item position, apart from the modules that it generates.
#[derive(Debug, Default)]
pub(crate) struct Generated {
    /// The files that are not Rust source.
    pub(crate) files: Vec<PathBuf>,
    /// The warning about a file that could not be found.
    pub(crate) untracked: Option<String>,
    /// Whether a macro of another crate generates the items, so that they may have any name.
    pub(crate) is_open: bool,
    /// If it is not open, the possible names of the items: the words in the arguments and the macros.
    pub(crate) words: HashSet<Name>,
}

/// A module that a macro call in item position may generate.
pub(crate) struct GeneratedModule {
    /// The possible names of the module.
    pub(crate) words: BTreeSet<Name>,
    pub(crate) module: ModuleId,
}

/// Reads the files that macro calls refer to, in all packages.
///
/// The files of all modules must have been read before.
pub(super) fn read(source: &mut Source) {
    for package in 0..source.packages.len() {
        let unexplained = named::unexplained(source, package);
        source.packages[package].unexplained = unexplained;
    }
    let mut macros: HashMap<Name, Vec<ItemId>> = HashMap::new();
    let mut listed = 0;
    let mut at = 0;
    while at < source.items.len() {
        for id in listed..source.items.len() {
            if let (Kind::Macro(_), Some(name)) = (&source.items[id].kind, source.items[id].name) {
                macros.entry(name).or_default().push(id);
            }
        }
        listed = source.items.len();
        if let Some(call) = Call::new(source, at, &macros) {
            call.read(source);
        }
        at += 1;
    }
}

/// A macro call in item position.
struct Call {
    item: ItemId,
    name: String,
    package: PackageId,
    place: Place,
    /// The macros of the source that it calls, directly or through other macros.
    macros: Vec<ItemId>,
    /// Whether it calls a macro of another crate, directly or through other macros.
    is_open: bool,
    /// The words and strings in its arguments.
    arguments: Words,
    /// The words and strings in its arguments and in the macros.
    all: Words,
}

impl Call {
    fn new(source: &Source, item: ItemId, macros: &HashMap<Name, Vec<ItemId>>) -> Option<Self> {
        let known = &source.items[item];
        let Kind::Invocation { path, arguments, place } = &known.kind else {
            return None;
        };
        let &last = path.segments.last()?;
        let tokens = source.tokens(item);
        let words = |range| Words::collect(&tokens, range, &source.names);
        let mut call = Self {
            item,
            name: source.names.text(last).to_owned(),
            package: source.package(item),
            place: place.clone(),
            macros: Vec::new(),
            is_open: !macros.contains_key(&last),
            arguments: words(arguments.clone()),
            all: words(arguments.clone()),
        };
        let mut queue: Vec<ItemId> = macros.get(&last).cloned().unwrap_or_default();
        while let Some(called) = queue.pop() {
            if call.macros.contains(&called) {
                continue;
            }
            call.macros.push(called);
            let (tokens, body) = (source.tokens(called), source.items[called].body.clone());
            call.all.extend(&tokens, body.clone(), &source.names);
            for at in body {
                let Some(name) = called_at(&tokens, at) else {
                    continue;
                };
                match macros.get(&name) {
                    Some(more) => queue.extend(more),
                    None => call.is_open |= !is_standard_macro(source.names.text(name)),
                }
            }
        }
        Some(call)
    }

    fn read(self, source: &mut Source) {
        let has_modules = self.read_modules(source);
        let mut files = self.included(source);
        let is_include = |source: &Source| {
            self.name.starts_with("include")
                || self.macros.iter().any(|&called| {
                    let tokens = source.tokens(called);
                    source.items[called].body.clone().any(|at| {
                        called_at(&tokens, at)
                            .is_some_and(|name| source.names.text(name).starts_with("include"))
                    })
                })
        };
        let mut untracked = None;
        if self.is_open {
            let file = source.items[self.item].file;
            files.extend(named::files_of_call(source, file, &self.name, &self.all));
            let generated = generated_files(source, self.package);
            let unread: Vec<PathBuf> =
                generated.into_iter().filter(|path| !self.has_read(source, path)).collect();
            let mut named = unread.clone();
            named.retain(|path| is_named(path, &self.all, &source.names));
            if named.is_empty()
                && (self.arguments.words.is_empty() || named::names_files(&self.name))
            {
                let package = &source.packages[self.package];
                let is_own = |path: &PathBuf| {
                    package.environment.is_process()
                        || path.extension().is_some_and(|end| end == "rs")
                        || package.unexplained.contains(path)
                };
                named = unread.into_iter().filter(is_own).collect();
            }
            files.extend(named);
        }
        files.sort();
        files.dedup();
        let is_missing = files.is_empty() && !has_modules;
        if is_missing && (is_include(source) || self.name.ends_with("_mod")) {
            untracked = Some(format!("the file that `{}!` includes is not found", self.name));
        } else if self.is_open && is_missing {
            untracked = named::missing_files(&self.name, &self.all);
        } else if self.is_open {
            untracked = named::too_many(&files, &self.name);
        }
        let (rust, others): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|path| path.extension().is_some_and(|end| end == "rs"));
        for path in rust {
            // A file may be included in several places. The limit ends a file that includes itself.
            if source.times_read(&path) < 64 {
                self.parse(source, &path);
            }
        }
        let words = self.all.words.iter().copied().collect();
        let generated = Generated { files: others, untracked, is_open: self.is_open, words };
        source.generated.insert(self.item, generated);
    }

    /// Returns whether this file was read as a part of the package.
    fn has_read(&self, source: &Source, path: &Path) -> bool {
        source.files.iter().any(|file| file.package == self.package && file.path == path)
    }

    /// Reads the file of `mod word;` for each word that has a file, unless the file was read before. Returns
    /// whether a module was added.
    fn read_modules(&self, source: &mut Source) -> bool {
        let before = source.modules.len();
        let declares = self.all.words.contains(&kw::MOD);
        let words = match (declares, self.is_open) {
            (true, _) => &self.all.words,
            (false, true) => &self.arguments.words,
            (false, false) => return false,
        };
        for &word in words {
            let Some(path) = self.place.module_file(source.names.text(word)) else {
                continue;
            };
            if self.has_read(source, &path) {
                continue;
            }
            let module = self.module(source, BTreeSet::from([word]), Some(word));
            let marks = Marks { is_conditional: true, ..Marks::default() };
            self.parser(source).load_module(module, word, &marks);
        }
        for text in &self.arguments.texts {
            let path = self.place.relative_file(text);
            let is_module = path.extension().is_some_and(|end| end == "rs") && path.is_file();
            if is_module && !self.has_read(source, &path) {
                self.parse(source, &path);
            }
        }
        source.modules.len() > before
    }

    /// Returns the files that macros of the source include, with an argument as the value of a variable.
    fn included(&self, source: &Source) -> Vec<PathBuf> {
        let from = source.items[self.item].file;
        let mut found = Vec::new();
        for &called in &self.macros {
            let tokens = source.tokens(called);
            for at in source.items[called].body.clone() {
                let name = called_at(&tokens, at).map(|name| source.names.text(name));
                let Some((_, arguments)) = scan::group(&tokens, at + 2) else {
                    continue;
                };
                if matches!(name, Some("include" | "include_str" | "include_bytes")) {
                    found.extend(source.included_by_macro(
                        &tokens,
                        arguments,
                        from,
                        &self.arguments,
                    ));
                }
            }
        }
        found
    }

    /// Reads a file whose items the macro generates, either directly or in a module.
    fn parse(&self, source: &mut Source, path: &Path) {
        let module = self.module(source, self.arguments.words.clone(), None);
        source.modules[module].is_block = true;
        let before = source.items.len();
        source.read_into(module, path);
        for item in &mut source.items[before..] {
            item.is_generated = true;
        }
    }

    fn module(&self, source: &mut Source, words: BTreeSet<Name>, name: Option<Name>) -> ModuleId {
        let item = &source.items[self.item];
        let (around, is_test, features) = (item.module, item.is_test, item.features.clone());
        let module = source.module(self.package, Some(around), name);
        source.modules[module].is_test |= is_test;
        source.modules[module].features.extend(features);
        source.modules[around].generated.push(GeneratedModule { words, module });
        module
    }

    fn parser<'a>(&self, source: &'a mut Source) -> Parser<'a> {
        let item = &source.items[self.item];
        let (file, module) = (item.file, item.module);
        let tokens = source.files[file].tokens.clone();
        Parser { source, file, tokens, module, place: self.place.clone(), features: Vec::new() }
    }
}

/// Returns the name of the macro that is called at the token `at`, if there is a call.
pub(super) fn called_at(tokens: &[Token], at: usize) -> Option<Name> {
    let name = scan::word(tokens, at)?;
    (scan::is(tokens, at + 1, b'!') && scan::group(tokens, at + 2).is_some()).then_some(name)
}

/// Returns the files in the output folder of a package's build script.
///
/// For a path dependency, these are the files that the compiler read.
pub(super) fn generated_files(source: &Source, package: PackageId) -> Vec<PathBuf> {
    let environment = &source.packages[package].environment;
    let mut found = Vec::new();
    match environment {
        Environment::Process(Some(out_dir)) => add_files(out_dir, &mut found),
        Environment::Process(None) => {}
        Environment::Recorded(builds) => {
            let files: BTreeSet<&PathBuf> = builds.iter().flat_map(|build| &build.files).collect();
            found.extend(files.into_iter().cloned());
        }
    }
    found
}

/// Returns whether a file has the name of one of the words or strings.
pub(super) fn is_named(path: &Path, words: &Words, names: &Names) -> bool {
    let (Some(name), Some(stem)) = (path.file_name(), path.file_stem()) else {
        return false;
    };
    let (name, stem) = (name.to_string_lossy(), stem.to_string_lossy());
    let first = name.split('.').next().unwrap_or_default();
    words.words.iter().any(|&word| names.text(word) == first)
        || words.texts.iter().any(|text| {
            let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
            last == name || last == stem || last == first
        })
}

impl Source {
    /// Returns the files that the body of a macro includes, if the macro is called in the file `from`.
    ///
    /// Each word and string of the call may be the value of a `$variable`.
    pub(super) fn included_by_macro(
        &self,
        tokens: &[Token],
        arguments: Range<usize>,
        from: FileId,
        call: &Words,
    ) -> Vec<PathBuf> {
        let words = call.words.iter().map(|&word| self.names.text(word));
        let texts = words.chain(call.texts.iter().map(String::as_str));
        let paths = texts.map(Some).chain([None]).filter_map(|text| {
            self.included_as(tokens, arguments.clone(), from, text).filter(|path| path.is_file())
        });
        let mut found: Vec<PathBuf> = paths.collect();
        found.sort();
        found.dedup();
        found
    }
}
