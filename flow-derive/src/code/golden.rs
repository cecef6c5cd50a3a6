//! Tests that the digests of code are those of earlier releases. If they differ for the same source, every
//! task of every user runs again.
//!
//! `tests/golden/code` is a package with all kinds of items and syntax, and `tests/golden/functions` is one
//! whose tasks are functions. The expected tables of their tasks are stored beside them.
//! `FLOW_ACCEPT_CODE=1` overwrites the tables, which is a decision to run everything again. The packages are
//! not compiled, so these tests check that the files are valid Rust.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

use super::compilation::Compilation;
use super::row::Row;
use super::table::Table;
use super::world::World;
use super::{Extent, digest_of_body, found, found_type};
use crate::ctxt::Ctxt;
use crate::function;

/// Copies a package, and renames `manifest.toml` to `Cargo.toml`. With its usual name, cargo would treat
/// the folder as a package of this repository.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the package") {
        let entry = entry.expect("an entry");
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            copy(&path, &to.join(name));
            continue;
        }
        let name = if name == "manifest.toml" { "Cargo.toml".into() } else { name };
        let text = fs::read(&path).expect("a file");
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::str::from_utf8(&text).expect("text");
            syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        fs::write(to.join(name), text).expect("a file");
    }
}

/// Returns the items below this attribute, with the arguments of the attribute.
fn items(file: &str, attribute: &str) -> Vec<(String, TokenStream)> {
    let mut items = Vec::new();
    for piece in file.split(&format!("\n#[{attribute}")).skip(1) {
        let (arguments, rest) = piece.split_once("]\n").expect("an attribute");
        let (item, _) = rest.split_once("\n}\n").expect("an item in braces");
        items.push((arguments.to_owned(), format!("{item}\n}}").parse().expect("tokens")));
    }
    items
}

fn table(world: &mut World, arguments: &str, item: TokenStream, file: &Path) -> (String, Table) {
    let extent = match arguments {
        "" => Extent::Reached,
        "(body)" => Extent::Body,
        "(crate)" => Extent::Crate,
        other => panic!("{other}"),
    };
    if let Ok(ty) = syn::parse2::<syn::ItemStruct>(item.clone()) {
        let name = format!("struct {}", ty.ident);
        return (name, found_type(world, item, Some(file)).expect("it is in the source"));
    }
    let parsed: syn::ItemImpl = syn::parse2(item.clone()).expect("an impl");
    let name = format!("impl Run for {}", parsed.self_ty.to_token_stream());
    let Some(TokenTree::Group(body)) = item.clone().into_iter().last() else { panic!("no body") };
    assert_eq!(body.delimiter(), Delimiter::Brace);
    let digest = digest_of_body(body.stream());
    let row = |file| Row { digest, names: 0, name: name.clone(), file };
    let table = match extent {
        Extent::Body => Table::new(0, Some(row("src/main.rs".to_owned())), [].into()),
        _ => found(world, item, Some(file), extent, row).expect("it is in the source"),
    };
    (name, table)
}

/// Returns the table of a function that is a task.
fn function_table(
    world: &mut World,
    arguments: &str,
    item: TokenStream,
    file: &Path,
) -> (String, Table) {
    let options = arguments.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let options = options.expect("parentheses").parse().expect("tokens");
    let parsed = function::parse(&item).expect("a function");
    let ctxt = Ctxt::new();
    let (function, _, attr) = function::read(options, parsed, &item, &ctxt);
    assert!(ctxt.check().is_empty(), "nothing is wrong with it");
    let name = format!("fn {}", function.item.sig.ident);
    let extent = attr.tracked.map_or(Extent::Reached, |written| written.value.extent());
    let digest = digest_of_body(function.own_code());
    let row = |file| Row { digest, names: 0, name: name.clone(), file };
    let table = match extent {
        Extent::Body => Table::new(0, Some(row("src/main.rs".to_owned())), [].into()),
        _ => found(world, function.written, Some(file), extent, row).expect("it is in the source"),
    };
    (name, table)
}

/// Compares the tables of the items in a package with the stored tables.
fn check(
    name: &str,
    attribute: &str,
    count: usize,
    table: impl Fn(&mut World, &str, TokenStream, &Path) -> (String, Table),
) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let folder = tempfile::tempdir().expect("a folder");
    copy(&here.join(name), folder.path());
    let root = folder.path().join("src/main.rs");
    let features = vec!["default".to_owned(), "fast".to_owned()];
    let compilation = Compilation { root: root.clone(), features, ..Compilation::default() };
    let mut world = World::read(compilation, Some(folder.path())).expect("a source");

    let mut tables = String::new();
    let items = items(&fs::read_to_string(&root).expect("a file"), attribute);
    assert_eq!(items.len(), count, "all are found");
    for (arguments, item) in items {
        let (name, table) = table(&mut world, &arguments, item, &root);
        let mut untracked = table.untracked.iter().filter(|what| !what.contains("`extern` block"));
        assert!(untracked.next().is_none(), "{name}: {:?}", table.untracked);
        writeln!(tables, "#[{attribute}{arguments}] {name}\n{}", table.text).expect("text");
    }

    let golden = here.join(format!("{name}.txt"));
    if std::env::var_os("FLOW_ACCEPT_CODE").is_some() {
        fs::write(&golden, &tables).expect("a file");
    }
    let kept = fs::read_to_string(&golden).expect("the tables of earlier releases");
    let differs = kept.lines().zip(tables.lines()).find(|(kept, now)| kept != now);
    assert!(
        kept == tables,
        "the code of tasks has other digests than in earlier releases, so every task would run \
         again: {differs:?}; if that is intended, FLOW_ACCEPT_CODE=1 accepts it"
    );
}

#[test]
fn the_digests_are_those_of_earlier_releases() {
    check("code", "tracked", 7, table);
}

#[test]
fn those_of_functions_are_those_of_earlier_releases() {
    check("functions", "task", 6, function_table);
}
