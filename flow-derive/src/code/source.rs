//! The source of a crate and of its path dependencies: packages, files, modules, and items.
//!
//! The source is read once for each compilation. An item stores where its tokens are; the names in them
//! are resolved when the item is reached.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::attributes;
use super::builds::Environment;
use super::generated::{Generated, GeneratedModule};
use super::load::Place;
use super::names::{Name, Names, kw};
use super::tokens::Token;

pub(crate) type PackageId = usize;
pub(crate) type FileId = usize;
pub(crate) type ModuleId = usize;
pub(crate) type ItemId = usize;

#[derive(Default)]
pub(crate) struct Source {
    pub(crate) names: Names,
    pub(crate) packages: Vec<Package>,
    pub(crate) files: Vec<File>,
    pub(crate) modules: Vec<Module>,
    pub(crate) items: Vec<Item>,
    /// The results of following macro calls in item position, apart from the modules.
    pub(crate) generated: HashMap<ItemId, Generated>,
}

/// A crate: the one being compiled, the library of its package, or a path dependency.
pub(crate) struct Package {
    /// The folder of its manifest.
    pub(crate) folder: PathBuf,
    pub(crate) root: ModuleId,
    /// The crates that its code can name.
    pub(crate) externs: HashMap<Name, Extern>,
    /// The names of this library's facade among the externs.
    pub(crate) facades: Vec<Name>,
    pub(crate) features: Vec<String>,
    /// The name in the manifest.
    pub(crate) name: String,
    /// The version in the manifest.
    pub(crate) version: String,
    /// The environment variables while the crate is compiled.
    pub(crate) environment: Environment,
    /// The enabled `cfg`s other than features; `None` if they are unknown.
    pub(crate) cfgs: Option<Vec<String>>,
    /// The files that macros and attributes read when a path dependency was compiled.
    pub(crate) unexplained: Vec<PathBuf>,
    /// Warnings about code that could not be followed.
    pub(crate) untracked: Vec<String>,
}

/// A crate that another one names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extern {
    /// A crate whose source is read.
    Package(PackageId),
    /// A crate of a registry, of the standard library, or of this library.
    Foreign,
}

pub(crate) struct File {
    pub(crate) path: PathBuf,
    /// The path that is shown: relative to the folder of the package, with `/`.
    pub(crate) shown: String,
    pub(crate) package: PackageId,
    /// The module that the file contains.
    pub(crate) module: ModuleId,
    pub(crate) tokens: Arc<[Token]>,
}

/// A module, or a block of a function with items in it.
pub(crate) struct Module {
    pub(crate) package: PackageId,
    pub(crate) parent: Option<ModuleId>,
    /// Whether it is a block, which sees the names of its parent; a module does not.
    pub(crate) is_block: bool,
    pub(crate) name: Option<Name>,
    pub(crate) defs: HashMap<Name, Vec<Def>>,
    pub(crate) globs: Vec<Import>,
    /// Imports of traits as `_`.
    pub(crate) unnamed: Vec<Import>,
    /// Macro calls in item position, which may define anything.
    pub(crate) invocations: Vec<ItemId>,
    /// The modules that these calls may generate.
    pub(crate) generated: Vec<GeneratedModule>,
    /// The features that decide whether the module exists.
    pub(crate) features: Vec<Name>,
    pub(crate) is_test: bool,
    pub(crate) items: Vec<ItemId>,
}

#[derive(Clone, Debug)]
pub(crate) enum Def {
    Item(ItemId),
    Module(ModuleId),
    Import(Arc<Import>),
}

/// A `use` of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) path: Path,
    pub(crate) features: Vec<Name>,
    pub(crate) is_test: bool,
}

/// A path, without its generic arguments.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Path {
    /// Whether it starts with `::`.
    pub(crate) is_global: bool,
    pub(crate) segments: Vec<Name>,
}

impl Path {
    /// Returns a path of the user's tokens; `None` if a name of it stands nowhere in the source.
    pub(crate) fn of(path: &syn::Path, names: &Names) -> Option<Self> {
        let segments = path.segments.iter().map(|segment| names.find(&segment.ident.to_string()));
        let is_global = path.leading_colon.is_some();
        Some(Self { is_global, segments: segments.collect::<Option<_>>()? })
    }
}

pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) name: Option<Name>,
    pub(crate) module: ModuleId,
    pub(crate) file: FileId,
    /// Its attributes, each with its `#`.
    pub(crate) attributes: Vec<Range<usize>>,
    /// The tokens before the body that several items share: `impl<T> Table<T>`.
    pub(crate) head: Range<usize>,
    /// All other tokens, without the visibility.
    pub(crate) body: Range<usize>,
    /// The parts of the body that belong to this item, if other parts are separate items.
    pub(crate) parts: Vec<Range<usize>>,
    /// The type parameters that its tokens may name.
    pub(crate) generics: Vec<Name>,
    /// The features that decide whether the item exists.
    pub(crate) features: Vec<Name>,
    pub(crate) is_test: bool,
    /// Whether a macro generated the item. Then its names may refer to anything in the package.
    pub(crate) is_generated: bool,
    /// For a function that is a task, the item of the task. It is a separate item, since code that names the
    /// task does not call the function. Its body is the list of arguments.
    pub(crate) task: Option<ItemId>,
}

impl Item {
    /// Returns the tokens from the head, if there is one, to the end of the body.
    pub(crate) fn range(&self) -> Range<usize> {
        let start = if self.head.is_empty() { self.body.start } else { self.head.start };
        start.min(self.body.start)..self.body.end
    }
}

#[derive(Debug)]
pub(crate) enum Kind {
    Function,
    /// A constant, a static or a type alias, with its keyword.
    Value(Name),
    /// A struct, an enum or a union.
    Type(Type),
    /// A trait, with the names of the members that it declares.
    Trait(Vec<Name>),
    Impl(Impl),
    /// A function, constant or type of an inherent impl, or a method of a trait that has a body. Such a
    /// method is an item of its own, so that it does not count where it is not used.
    Associated {
        implementor: Range<usize>,
    },
    /// A `macro_rules!` or `macro`, with the names of the items in its body.
    Macro(Vec<Name>),
    /// `name! { ... }` in item position.
    Invocation {
        path: Path,
        arguments: Range<usize>,
        /// Where the files of the modules are that it generates.
        place: Place,
    },
    /// `extern "C" { ... }`
    ForeignBlock,
}

#[derive(Debug)]
pub(crate) struct Type {
    /// `struct`, `enum` or `union`.
    pub(crate) keyword: Name,
    pub(crate) variants: Vec<Name>,
    /// Whether it is a task. The tokens of a task do not count: its parameters are in the key, and a
    /// renamed task keeps its outputs.
    pub(crate) is_task: bool,
}

/// `impl Trait for Type`
#[derive(Debug)]
pub(crate) struct Impl {
    /// The name of the trait: the last segment of its path.
    pub(crate) of: Name,
    /// The tokens of the trait, with its arguments.
    pub(crate) of_range: Range<usize>,
    pub(crate) implementor: Range<usize>,
    pub(crate) functions: Vec<Name>,
    /// The tokens after `type Value =`.
    pub(crate) value: Option<Range<usize>>,
}

impl Source {
    pub(crate) fn tokens(&self, item: ItemId) -> Arc<[Token]> {
        self.files[self.items[item].file].tokens.clone()
    }

    /// Returns the package of an item.
    pub(crate) fn package(&self, item: ItemId) -> PackageId {
        self.modules[self.items[item].module].package
    }

    pub(crate) fn is_task(&self, item: ItemId) -> bool {
        matches!(&self.items[item].kind, Kind::Type(ty) if ty.is_task)
    }

    /// Returns the tokens after the head of an item that are code.
    ///
    /// The attributes on the arguments of a function that is a task are no code, for the task itself and
    /// for code that calls the function.
    pub(crate) fn code_of(&self, item: ItemId) -> Vec<Range<usize>> {
        let body = self.items[item].body.clone();
        if !self.items[item].parts.is_empty() {
            return self.items[item].parts.clone();
        }
        let Some(task) = self.items[item].task else {
            return vec![body];
        };
        let (tokens, arguments) = (self.tokens(item), self.items[task].body.clone());
        // Each part must contain whole groups, so the parentheses are left out. A trailing comma is
        // formatting.
        let mut last = arguments.clone();
        last.end -= usize::from(!last.is_empty() && tokens[last.end - 1].is(b','));
        let (before, behind) = (body.start..arguments.start - 1, arguments.end + 1..body.end);
        let inside = attributes::without(&tokens, last);
        std::iter::once(before).chain(inside).chain([behind]).collect()
    }

    /// Returns the attributes of an item that are code. `#[task(...)]` above a function is none.
    pub(crate) fn attributes_of(&self, item: ItemId) -> impl Iterator<Item = &Range<usize>> {
        let known = &self.items[item];
        let tokens = self.tokens(item);
        let is_function_task = known.task.is_some();
        known.attributes.iter().filter(move |attribute| {
            !is_function_task || attributes::task(&tokens, attribute).is_none()
        })
    }

    /// Returns whether the item is the task of a function.
    pub(crate) fn is_function_task(&self, item: ItemId) -> bool {
        matches!(&self.items[item].kind, Kind::Type(ty) if ty.is_task && ty.keyword == kw::FN)
    }

    pub(crate) fn is_trait(&self, item: ItemId) -> bool {
        matches!(self.items[item].kind, Kind::Trait(_))
    }

    /// Adds an empty module to `parent`.
    pub(crate) fn module(
        &mut self,
        package: PackageId,
        parent: Option<ModuleId>,
        name: Option<Name>,
    ) -> ModuleId {
        self.modules.push(Module {
            package,
            parent,
            is_block: false,
            name,
            defs: HashMap::new(),
            globs: Vec::new(),
            unnamed: Vec::new(),
            invocations: Vec::new(),
            generated: Vec::new(),
            features: parent.map_or_else(Vec::new, |parent| self.modules[parent].features.clone()),
            is_test: parent.is_some_and(|parent| self.modules[parent].is_test),
            items: Vec::new(),
        });
        self.modules.len() - 1
    }
}
