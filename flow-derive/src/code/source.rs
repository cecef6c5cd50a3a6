//! The source of a crate and of the path dependencies that it names: files, modules, items.
//!
//! It is read once for a compilation. What is known of an item at first is where its tokens are;
//! what they refer to is found out when something reaches it.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::attributes;
use super::builds::Environment;
use super::generated::{Generated, MadeModule};
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
    /// What the calls of macros in the place of items lead to, beside modules.
    pub(crate) generated: HashMap<ItemId, Generated>,
}

/// A crate: the one being compiled, the library of its package, or a path dependency.
pub(crate) struct Package {
    /// The folder of its manifest.
    pub(crate) folder: PathBuf,
    pub(crate) root: ModuleId,
    /// The crates that its code can name.
    pub(crate) externs: HashMap<Name, Extern>,
    /// What this library is called among these.
    pub(crate) facades: Vec<Name>,
    pub(crate) features: Vec<String>,
    /// Of its manifest, as is the version.
    pub(crate) name: String,
    pub(crate) version: String,
    /// The variables that its code sees when it is compiled.
    pub(crate) environment: Environment,
    /// The `cfg`s other than features that are on; none where that is not known.
    pub(crate) cfgs: Option<Vec<String>>,
    /// Files that the compiler read when it built a path dependency, for a macro or attribute.
    pub(crate) unexplained: Vec<PathBuf>,
    /// What could not be followed.
    pub(crate) unseen: Vec<String>,
}

/// A crate that another one names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extern {
    /// One whose source is read.
    Package(PackageId),
    /// One of a registry, or of this library.
    Foreign,
}

pub(crate) struct File {
    pub(crate) path: PathBuf,
    /// Relative to the folder of the package, with `/`.
    pub(crate) shown: String,
    pub(crate) package: PackageId,
    /// The module that it is.
    pub(crate) module: ModuleId,
    pub(crate) tokens: Arc<[Token]>,
}

/// A module, or a block of a function with items in it.
pub(crate) struct Module {
    pub(crate) package: PackageId,
    pub(crate) parent: Option<ModuleId>,
    /// A block sees what surrounds it; a module does not.
    pub(crate) is_block: bool,
    pub(crate) name: Option<Name>,
    pub(crate) defs: HashMap<Name, Vec<Def>>,
    pub(crate) globs: Vec<Import>,
    /// Imports without a name: traits.
    pub(crate) unnamed: Vec<Import>,
    /// Calls of macros in the place of items, which may define anything.
    pub(crate) invocations: Vec<ItemId>,
    /// The modules that these may make.
    pub(crate) made: Vec<MadeModule>,
    /// The features that decide whether it is there.
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

pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) name: Option<Name>,
    pub(crate) module: ModuleId,
    pub(crate) file: FileId,
    /// Its attributes, each with its `#`.
    pub(crate) attributes: Vec<Range<usize>>,
    /// What stands before the body and belongs to several items: `impl<T> Table<T>`.
    pub(crate) head: Range<usize>,
    /// All else, without the visibility.
    pub(crate) body: Range<usize>,
    /// The parts of the body that are code, if there are some that are items of their own.
    pub(crate) parts: Vec<Range<usize>>,
    /// The type parameters that its tokens may name.
    pub(crate) generics: Vec<Name>,
    /// The features that decide whether it is there.
    pub(crate) features: Vec<Name>,
    pub(crate) is_test: bool,
    /// Made by a macro, so that its names may mean something from elsewhere in the package.
    pub(crate) is_made: bool,
    /// The task that a function is, too: an item of its own, for what names the task does not call the
    /// function. Its body is the list of the arguments.
    pub(crate) task: Option<ItemId>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Function,
    /// A constant, a static, a type alias, by its keyword.
    Value(Name),
    /// A struct, an enum or a union.
    Type(Type),
    /// With what it declares.
    Trait(Vec<Name>),
    Impl(Impl),
    /// A function, constant or type of an impl without a trait, or a method with a body of a trait.
    Associated {
        implementor: Range<usize>,
    },
    /// With the names of the items in its body.
    Macro(Vec<Name>),
    /// `name! { ... }` in the place of an item.
    Invocation {
        path: Path,
        arguments: Range<usize>,
        /// Where the files of modules are that it makes.
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
    /// A task: its parameters are in the key, so that its tokens do not count.
    pub(crate) is_task: bool,
}

/// `impl Trait for Type`
#[derive(Debug)]
pub(crate) struct Impl {
    /// The trait's name, which its path ends in.
    pub(crate) of: Name,
    /// The trait, with its arguments.
    pub(crate) of_range: Range<usize>,
    pub(crate) implementor: Range<usize>,
    pub(crate) functions: Vec<Name>,
    /// What stands after `type Value =`.
    pub(crate) value: Option<Range<usize>>,
}

impl Source {
    pub(crate) fn tokens(&self, item: ItemId) -> Arc<[Token]> {
        self.files[self.items[item].file].tokens.clone()
    }

    /// The package that an item is of.
    pub(crate) fn package(&self, item: ItemId) -> PackageId {
        self.modules[self.items[item].module].package
    }

    pub(crate) fn is_task(&self, item: ItemId) -> bool {
        matches!(&self.items[item].kind, Kind::Type(ty) if ty.is_task)
    }

    /// The tokens of an item behind its head that are code: of a function that is a task, what is said
    /// of its arguments is none.
    pub(crate) fn code_of(&self, item: ItemId) -> Vec<Range<usize>> {
        let body = self.items[item].body.clone();
        if !self.items[item].parts.is_empty() {
            return self.items[item].parts.clone();
        }
        let Some(task) = self.items[item].task else {
            return vec![body];
        };
        let (tokens, arguments) = (self.tokens(item), self.items[task].body.clone());
        // Each part has whole groups, so the brackets are left out; the last comma is formatting.
        let mut last = arguments.clone();
        last.end -= usize::from(!last.is_empty() && tokens[last.end - 1].is(b','));
        let (before, behind) = (body.start..arguments.start - 1, arguments.end + 1..body.end);
        let inside = attributes::without(&tokens, last);
        std::iter::once(before).chain(inside).chain([behind]).collect()
    }

    /// The attributes of an item that are code: what is said of a task is none.
    pub(crate) fn attributes_of(&self, item: ItemId) -> impl Iterator<Item = &Range<usize>> {
        let known = &self.items[item];
        let tokens = self.tokens(item);
        let is_function_task = known.task.is_some();
        known.attributes.iter().filter(move |attribute| {
            !is_function_task || attributes::task(&tokens, attribute).is_none()
        })
    }

    /// Whether it is the task that a function is.
    pub(crate) fn is_function_task(&self, item: ItemId) -> bool {
        matches!(&self.items[item].kind, Kind::Type(ty) if ty.is_task && ty.keyword == kw::FN)
    }

    pub(crate) fn is_trait(&self, item: ItemId) -> bool {
        matches!(self.items[item].kind, Kind::Trait(_))
    }

    /// A new module in `parent`, empty.
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
            made: Vec::new(),
            features: parent.map_or_else(Vec::new, |parent| self.modules[parent].features.clone()),
            is_test: parent.is_some_and(|parent| self.modules[parent].is_test),
            items: Vec::new(),
        });
        self.modules.len() - 1
    }
}
