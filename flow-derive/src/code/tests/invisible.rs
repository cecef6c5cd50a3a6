//! Tests of tasks that a `macro_rules!` writes: its arguments come in groups without brackets.

use proc_macro2::{Delimiter, Group};
use quote::quote;

use super::*;

/// Returns the value of a `$variable`, as the compiler passes it on.
fn argument(text: &str) -> Group {
    Group::new(Delimiter::None, text.parse().expect("tokens"))
}

/// Asserts that nothing in the body is untracked, and that an edit of the file changes the table.
#[track_caller]
fn counts_in(package: &Package, body: &TokenStream, file: &str, text: &str) {
    let run = quote!(impl Run for Train { fn run(&self) { #body } });
    let before = package.table_of_tokens(run.clone());
    assert!(before.untracked.is_empty(), "{:?}", before.untracked);
    package.write(file, text);
    let after = package.table_of_tokens(run);
    assert_ne!(digests(&before), digests(&after), "{file} does not count in {before:?}");
}

#[test]
fn files_and_variables_that_an_argument_names_count() {
    let literal = argument("\"text.in\"");
    let expression = argument("concat!(\"text\", \".in\")");
    let (start, end) = (argument("\"text\""), argument("\".in\""));
    for body in [
        quote!(include_str!(#literal)),
        quote!(include_bytes!(#expression)),
        quote!(include_str!(concat!(#start, #end))),
    ] {
        let package = Package::new("");
        package.write("src/text.in", "1");
        counts_in(&package, &body, "src/text.in", "2");
    }
    let name = argument("\"CARGO_PKG_VERSION\"");
    let manifest = "[package]\nname = \"a\"\nversion = \"1.2.4\"\n";
    counts_in(&Package::new(""), &quote!(env!(#name)), "Cargo.toml", manifest);
}

#[test]
fn members_of_a_type_that_is_an_argument_count() {
    for (model, fit) in [("kit::Ols", "fit"), ("kit::Mean<u8>", "fit"), ("kit::Mean<u8>", "LIMIT")]
    {
        let model = argument(model);
        let member: TokenStream = fit.parse().expect("tokens");
        let package = Package::new("");
        package.write(
            "Cargo.toml",
            "[package]\nname = \"a\"\n[dependencies]\nkit = { path = \"kit\" }\n",
        );
        package.write("kit/Cargo.toml", "[package]\nname = \"kit\"\n");
        let library = |value| {
            format!(
                "pub struct Ols; impl Ols {{ pub fn fit() -> u8 {{ {value} }} }} pub struct Mean<T>(T); \
                 impl<T> Mean<T> {{ pub fn fit() -> u8 {{ {value} }} pub const LIMIT: u8 = {value}; }}"
            )
        };
        package.write("kit/src/lib.rs", &library(1));
        counts_in(&package, &quote!(#model::#member), "kit/src/lib.rs", &library(2));
    }
}

#[test]
fn an_item_behind_a_visibility_that_is_an_argument_keeps_its_attributes() {
    for visibility in ["", "pub", "pub(crate)"] {
        let visibility = argument(visibility);
        let mut world = Package::new("").world();
        let function = quote!(#[task(target = Json<u8>)] #visibility fn mean() -> u8 { 1 });
        let found = world.find(function, None);
        assert_eq!(found.len(), 1);
        assert!(world.source.items[found[0]].task.is_some());
        let ty = quote!(#[derive(Task)] #[task(target = Json<u8>)] #visibility struct Mean;);
        let found = world.find(ty, None);
        assert_eq!(found.len(), 1);
        assert!(world.source.is_task(found[0]));
    }
}

#[test]
fn a_function_of_a_macro_is_not_another_one_of_its_name() {
    let package = Package::new(
        "mod other { use flow::task; #[task(target = Json<u8>)] fn mean() -> u8 { 1 } } fn helper() -> u8 { 2 }",
    );
    let function = quote!(
        #[task(target = Json<u8>)]
        fn mean() -> u8 {
            helper()
        }
    );
    let reached = names(&package.table_of_tokens(function));
    assert!(reached.contains(&"helper".to_owned()), "{reached:?}");
}

#[test]
fn a_type_whose_attributes_the_compiler_has_unfolded_is_found_in_its_file() {
    let package = Package::new(
        "#[derive(Task)] struct Fit { #[cfg_attr(all(), param(local), serde(default))] n: u8, m: u8 }",
    );
    let unfolded = quote!(
        #[derive(Task)]
        struct Fit {
            #[param(local)]
            #[serde(default)]
            n: u8,
            m: u8,
        }
    );
    let mut world = package.world();
    let found = world.find(unfolded, Some(&package.path("src/main.rs")));
    assert_eq!(found.len(), 1);
    assert!(!world.source.items[found[0]].is_generated);
}
