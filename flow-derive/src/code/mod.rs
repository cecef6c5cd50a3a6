//! Computes the code of a task: the impl below `#[tracked]`, and everything that it reaches.
//!
//! A macro sees only tokens, without types or resolved names. So this module reads the source of the crate
//! and of its path dependencies itself, and resolves names by the compiler's rules:
//!
//! 1. [`compilation`] finds the root file of the crate in the compiler's arguments. [`manifest`] and
//!    [`packages`] find the path dependencies in the manifests. [`builds`] finds the files and variables of
//!    their build scripts. [`load`] reads the files, [`lexer`] splits them into [`tokens`], [`parse`] finds
//!    modules and items, and [`generated`] finds files that only macro calls name. The result is the
//!    [`source`]. It is read once for each compilation, and [`world`] caches it.
//! 2. [`references`] lists the names in the tokens of an item. [`resolve`] resolves paths. [`relations`] finds
//!    the impls and methods that belong to a type or trait without being named, also those that a macro of the
//!    source generates, by its [`rules`]. Together they form a [`node`]: the items, files and variables that one
//!    item refers to.
//! 3. [`reach`] follows the nodes from one impl. The reached items form a [`table`]: a row for each item,
//!    file and variable, with a digest of its tokens or content, and one digest of
//!    [which name refers to which item](colors).
//!
//! **Invariant:** a task may run once too often, but not once too seldom. If a name is ambiguous, every
//! candidate is reached. The documentation of `#[tracked]` lists the code that is not tracked; a warning
//! reports it where it is recognized.
//!
//! **Invariant:** the result does not depend on the folder of the source or on how it is compiled.
//!
//! In an editor, and for a documentation example, the compiler's arguments name no root file, so the source
//! cannot be read. Then only the body of the impl counts. That is no error, but the reason states it.
//!
//! [`declared`] answers from the same source what a name in `requires` is, and [`cycle`] whether a task requires
//! itself, for the messages of the macros.
//!
//! [`lock`] adds the versions of the packages that are not read, as `Cargo.lock` lists them.

mod attributes;
mod builds;
mod colors;
mod compilation;
pub(crate) mod cycle;
pub(crate) mod declared;
pub(crate) mod file;
mod functions;
mod generated;
#[cfg(test)]
mod golden;
mod index;
mod lexer;
mod load;
mod locals;
pub(crate) mod lock;
pub(crate) mod manifest;
mod marks;
mod named;
pub(crate) mod names;
mod node;
mod packages;
mod parse;
mod quoted;
mod reach;
mod references;
mod relations;
mod resolve;
mod row;
mod rules;
mod scan;
mod source;
mod standard;
pub(crate) mod table;
#[cfg(test)]
mod tests;
pub(crate) mod tokens;
mod world;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;

use self::names::Names;
use self::row::Row;
use self::table::Table;
use self::world::World;
use crate::attr::tracked::Extent;

/// Returns the table of an impl, or of a function that is a task.
///
/// `item` are its tokens, `own` the tokens that count as its code, `name` its name in reasons, and `file`
/// the file that contains it.
pub(crate) fn of_run(
    item: TokenStream,
    own: TokenStream,
    name: String,
    file: Option<&Path>,
    extent: Extent,
) -> Table {
    let digest = digest_of_body(own);
    let row = |file| Row { digest, names: 0, name: name.clone(), file };
    let folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let shown = file.map_or_else(String::new, |file| file::shown(file, &folder));
    if extent == Extent::Body {
        return Table::new(0, Some(row(shown)), BTreeSet::new());
    }
    let alone = || {
        let alone = if shown.is_empty() { shown } else { format!("{shown}, its body alone") };
        Table::new(0, Some(row(alone)), BTreeSet::new())
    };
    with_world(|world| found(world, item, file, extent, row), alone)
}

/// Returns the digest of a body. The head of the impl does not count, so that a task can be renamed; the
/// parameters and targets that it names are in the fingerprint anyway.
fn digest_of_body(body: TokenStream) -> u128 {
    let mut names = Names::default();
    let tokens = tokens::flatten(body, &mut names);
    tokens::digest(&tokens::parts(&tokens, &names))
}

/// Returns the table of an impl for `extent`; `None` if its source is unknown.
fn found(
    world: &mut World,
    item: TokenStream,
    file: Option<&Path>,
    extent: Extent,
    row: impl FnOnce(String) -> Row,
) -> Option<Table> {
    let roots = world.find(item, file);
    let first = *roots.first()?;
    let shown = world.source.files[world.source.items[first].file].shown.clone();
    let view = world.view(roots.iter().any(|&root| world.source.items[root].is_test));
    Some(match extent {
        Extent::Crate => Table::of_everything(&view, &roots, row(shown)),
        Extent::Reached | Extent::Body => Table::of_impl(&view, &roots, row(shown)),
    })
}

/// Returns the table of a type; `None` if its source is unknown.
fn found_type(world: &mut World, item: TokenStream, file: Option<&Path>) -> Option<Table> {
    let mut types = world.find(item, file);
    for ty in &mut types {
        *ty = world.source.items[*ty].task.unwrap_or(*ty);
    }
    let view = world.view(types.iter().any(|&ty| world.source.items[ty].is_test));
    (!types.is_empty()).then(|| Table::of_type(&view, &types))
}

/// Returns the table that `query` computes from the source, or `alone()` if there is no source.
///
/// A panic in this module is a bug of this library and must not break the user's build: then the table is
/// `alone()`, too, with a warning.
fn with_world(
    query: impl FnOnce(&mut World) -> Option<Table>,
    alone: impl FnOnce() -> Table,
) -> Table {
    let found = catch_unwind(AssertUnwindSafe(|| World::with(|world| query(world?))));
    match found {
        Ok(found) => found.unwrap_or_else(alone),
        Err(_) => {
            let mistake = "the code outside this block (a bug of this library: please report it)";
            Table { untracked: BTreeSet::from([mistake.to_owned()]), ..alone() }
        }
    }
}

/// Returns the table of a type that stands in `file`.
pub(crate) fn of_type(item: TokenStream, file: Option<&Path>) -> Table {
    with_world(|world| found_type(world, item.clone(), file), || alone(item.clone()))
}

/// Returns the table of a type of which only its own tokens are known. The options of a task are no code.
fn alone(item: TokenStream) -> Table {
    let mut names = Names::default();
    let tokens = tokens::flatten(item, &mut names);
    let (marks, start) = marks::read(&tokens, 0, tokens.len(), &names, false);
    let attributes =
        marks.ranges.into_iter().filter(|range| attributes::task(&tokens, range).is_none());
    let mut parts = Vec::new();
    for part in attributes.chain(std::iter::once(start..tokens.len())) {
        tokens::append(&tokens[part.clone()], part.start, &names, &mut parts);
    }
    let digest = tokens::digest(&parts);
    let name = "a type argument".to_owned();
    let row = Row { digest, names: 0, name, file: "its definition alone".to_owned() };
    Table::new(0, Some(row), BTreeSet::new())
}
