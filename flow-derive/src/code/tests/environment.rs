//! Tests which features, variables, files and packages count beside the items of the own package, and that the place
//! of the package does not.

use super::*;

#[test]
fn features_and_the_environment_count() {
    let mut package = Package::new(
        "fn go() { if cfg!(feature = \"fast\") { env!(\"CARGO_PKG_VERSION\"); \
                                    env!(\"CARGO_MANIFEST_DIR\"); } }",
    );
    assert_eq!(package.reached(), ["env CARGO_PKG_VERSION", "feature fast", "go"]);
    let off = digests(&package.table());
    package.features.push("fast".to_owned());
    assert_ne!(digests(&package.table()), off);

    // A feature that selects an import.
    let text = "mod fast { pub fn f() {} } mod slow { pub fn f() {} } \
                #[cfg(feature = \"fast\")] use fast::f; #[cfg(not(feature = \"fast\"))] use slow::f; fn go() { f() }";
    let names = Package::new(text).reached();
    assert!(names.contains(&"feature fast".to_owned()), "{names:?}");
}

#[test]
fn files_that_are_included_count() {
    let package =
        Package::new("const TEXT: &str = include_str!(\"../data/x.csv\"); fn go() { TEXT; }");
    let missing = package.table();
    assert!(
        missing.untracked.iter().any(|untracked| untracked.contains("include_str!")),
        "{missing:?}"
    );
    package.write("data/x.csv", "1");
    assert_eq!(package.reached(), ["const TEXT", "data/x.csv", "go"]);
    let was = digests(&package.table());
    package.write("data/x.csv", "2");
    assert_ne!(digests(&package.table()), was);
}

#[test]
fn a_file_whose_name_is_no_literal_is_a_warning() {
    let text = "macro_rules! name { () => { \"x.csv\" } } fn go() { include_str!(name!()); }";
    let untracked = Package::new(text).table().untracked;
    let expected = "`include_str!(name!())`: the name of the file is not a literal, so the file is not tracked";
    assert!(untracked.contains(expected), "{untracked:?}");
}

#[test]
fn path_dependencies_are_followed_by_whatever_name() {
    let package = Package::new("use stats::mean; fn go() { mean(); a::lib_fn(); kit::k!() }");
    package
        .write("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nstats = { package = \"deep-stats\", path = \"deep\" }\n\
                [target.'cfg(unix)'.dependencies]\nkit-of-macros = { workspace = true }\n\
                [workspace]\n[workspace.dependencies]\nkit-of-macros = { path = \"kit\" }\n")
        .write("src/lib.rs", "pub fn lib_fn() {}")
        .write("deep/Cargo.toml", "[package]\nname = \"deep-stats\"\n[dependencies]\na = { path = \"..\" }\n")
        .write("deep/src/lib.rs", "mod inner; pub use inner::mean;")
        .write("deep/src/inner.rs", "pub fn mean() { sum() } fn sum() {} fn unrelated() {}")
        .write("kit/Cargo.toml", "[package]\nname = \"kit-of-macros\"\n[lib]\nname = \"kit\"\npath = \"k.rs\"\n")
        .write("kit/k.rs", "#[macro_export] macro_rules! k { () => { $crate::helped() } } pub fn helped() {}");
    assert_eq!(package.reached(), ["go", "helped", "k!", "lib_fn", "mean", "sum"]);
}

#[test]
fn nothing_depends_on_the_folder() {
    let text = "fn go() { a::helper(env!(\"CARGO_MANIFEST_DIR\")) } mod a;";
    let make = || {
        let package = Package::new(text);
        package.write("src/a.rs", "pub fn helper(x: &str) { include_str!(\"a.rs\"); }");
        package.table()
    };
    assert_eq!(make(), make());
}
