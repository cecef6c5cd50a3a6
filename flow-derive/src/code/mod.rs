//! The code of a task: the impl that `#[tracked]` stands above, and all that it reaches.
//!
//! 1. [`compilation`] finds the root file of the crate in the compiler's arguments, [`manifest`]
//!    and [`packages`] the path dependencies in the manifests, [`builds`] what their build scripts have
//!    written and set. [`load`] reads files, [`lexer`] takes them apart into [`tokens`], [`parse`] finds
//!    modules and items in them, [`generated`] the files that only calls of macros lead to. The result is
//!    the [`source`]. This is done once for a compilation; [`world`] keeps it.
//! 2. [`references`] lists what the tokens of an item may refer to, [`resolve`] says what a path
//!    means, [`relations`] what belongs together without a path: impls, methods. Both together make
//!    a [`node`]: what one item leads to.
//! 3. [`reach`] follows the nodes from one impl. What is reached becomes a [`table`]: a row for
//!    each item, file and variable, with a digest of the tokens or the content, and one digest of
//!    [which name means which item](colors).
//!
//! Where it is not known what something means, all that it may mean is reached: to run once too
//! often is allowed, to run once too seldom is not. What a reader should know of the limits stands
//! in the documentation of `#[tracked]`.
//!
//! Beside the table stand [the versions](lock) of the packages that are not read, as `Cargo.lock`
//! names them.
//!
//! Nothing here depends on where the source lies, or on how it is compiled. Where it cannot be
//! read, in an editor or an example of the documentation, the impl alone counts.

mod attributes;
mod builds;
mod colors;
mod compilation;
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
mod manifest;
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

/// The table of an impl, or of a function that is a task, which is shown as `name`, stands in `file`
/// and of which `own` counts by itself.
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

/// What stands before the body does not count, so that a task can be renamed.
fn digest_of_body(body: TokenStream) -> u128 {
    let mut names = Names::default();
    let tokens = tokens::flatten(body, &mut names);
    tokens::digest(&tokens::parts(&tokens, &names))
}

/// The table of an impl, as far as `extent` says; none if its source is not known.
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

/// The table of a type; none if its source is not known.
fn found_type(world: &mut World, item: TokenStream, file: Option<&Path>) -> Option<Table> {
    let mut types = world.find(item, file);
    for ty in &mut types {
        *ty = world.source.items[*ty].task.unwrap_or(*ty);
    }
    let view = world.view(types.iter().any(|&ty| world.source.items[ty].is_test));
    (!types.is_empty()).then(|| Table::of_type(&view, &types))
}

/// What `ask` finds in the world of this crate; what counts `alone` if there is no source. A mistake
/// of this library must not keep a program from being built: then that counts, too, with a warning.
fn with_world(
    ask: impl FnOnce(&mut World) -> Option<Table>,
    alone: impl FnOnce() -> Table,
) -> Table {
    let found = catch_unwind(AssertUnwindSafe(|| World::with(|world| ask(world?))));
    match found {
        Ok(found) => found.unwrap_or_else(alone),
        Err(_) => {
            let mistake =
                "what is outside this block (a mistake of this library: please report it)";
            Table { unseen: BTreeSet::from([mistake.to_owned()]), ..alone() }
        }
    }
}

/// The table of a type, which stands in `file`.
pub(crate) fn of_type(item: TokenStream, file: Option<&Path>) -> Table {
    with_world(|world| found_type(world, item.clone(), file), || alone(item.clone()))
}

/// The table of a type whose source is not known but for its own tokens.
fn alone(item: TokenStream) -> Table {
    let mut names = Names::default();
    let tokens = tokens::flatten(item, &mut names);
    let digest = tokens::digest(&tokens::parts(&tokens, &names));
    let name = "a type argument".to_owned();
    let row = Row { digest, names: 0, name, file: "its definition alone".to_owned() };
    Table::new(0, Some(row), BTreeSet::new())
}
