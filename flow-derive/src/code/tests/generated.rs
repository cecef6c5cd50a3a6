//! Tests that code that a build script generates, or that only a macro names, is followed or is a warning.

use super::*;

/// Creates a program that depends on `mid`, which calls its own path dependency `proto`.
fn with_dependency(proto: &str) -> Package {
    let package = Package::new("fn go() { mid::f() }");
    package
        .write("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nmid = { path = \"mid\" }\n")
        .write(
            "mid/Cargo.toml",
            "[package]\nname = \"mid\"\n[dependencies]\nproto = { path = \"../proto\" }\n",
        )
        .write("mid/src/lib.rs", "pub fn f() -> f64 { proto::scale() }")
        .write("proto/Cargo.toml", "[package]\nname = \"proto\"\n")
        .write("proto/build.rs", "fn main() {}")
        .write("proto/src/lib.rs", proto)
        .write("target/debug/build/proto-1/out/gen.rs", "pub fn scale() -> f64 { 1.0 }")
        .write("target/debug/build/proto-1/out/table.txt", "1")
        .write("target/debug/build/proto-1/output", "cargo:rustc-env=SCHEMA=1\n");
    build(&package, "1", "1");
    package
}

/// Writes the dep-info of a build of `proto`, as the compiler does.
fn build(package: &Package, hash: &str, schema: &str) {
    let out = package.path("target/debug/build/proto-1/out");
    let out = out.to_str().expect("text");
    let text = format!(
        "x: y\n\nproto/src/lib.rs:\n{out}/gen.rs:\n{out}/table.txt:\n\n\
         # env-dep:OPTIONAL\n# env-dep:OUT_DIR={out}\n# env-dep:SCHEMA={schema}\n"
    );
    package.write(&format!("target/debug/deps/proto-{hash}.d"), &text);
}

const OUT: &str = "target/debug/build/proto-1/out";

#[test]
fn files_that_the_build_script_of_a_dependency_writes_count() {
    for (way, file) in [
        ("include!(concat!(env!(\"OUT_DIR\"), \"/gen.rs\"));", "gen.rs"),
        (
            "mod inner { include!(concat!(env!(\"OUT_DIR\"), \"/gen.rs\")); } pub use inner::*;",
            "gen.rs",
        ),
        (
            "macro_rules! gen { ($f:literal) => { include!(concat!(env!(\"OUT_DIR\"), \"/\", $f)); } } gen!(\"gen.rs\");",
            "gen.rs",
        ),
        ("lalrpop_util::lalrpop_mod!(gen); pub use gen::scale;", "gen.rs"),
        ("tonic::include_proto!(\"gen\");", "gen.rs"),
        ("slint::include_modules!();", "gen.rs"),
        (
            "pub fn scale() -> f64 { include_str!(concat!(env!(\"OUT_DIR\"), \"/table.txt\")).len() }",
            "table.txt",
        ),
        (
            "pub fn scale() -> f64 { include_bytes!(concat!(env!(\"OUT_DIR\"), \"/table.txt\")).len() }",
            "table.txt",
        ),
        (
            "macro_rules! text { ($f:literal) => { include_str!(concat!(env!(\"OUT_DIR\"), $f)) } } pub fn scale() { text!(\"/table.txt\") }",
            "table.txt",
        ),
        ("pub fn scale() -> f64 { include_bytes_aligned!(\"table.txt\").len() }", "table.txt"),
    ] {
        let package = with_dependency(way);
        counts(&package, &format!("{OUT}/{file}"), "pub fn scale() -> f64 { 2.0 }");
    }
    // A generated file that includes another file.
    let package = with_dependency("include!(concat!(env!(\"OUT_DIR\"), \"/gen.rs\"));");
    package
        .write(&format!("{OUT}/gen.rs"), "include!(\"deep.rs\");")
        .write(&format!("{OUT}/deep.rs"), "pub fn scale() {}");
    counts(&package, &format!("{OUT}/deep.rs"), "pub fn scale() { 1; }");
}

#[test]
fn variables_that_the_build_script_of_a_dependency_sets_count() {
    for way in [
        "pub fn scale() -> &'static str { env!(\"SCHEMA\") }",
        "pub fn scale() { option_env!(\"SCHEMA\") }",
        "const S: &str = env!(\"SCHEMA\"); pub fn scale() { S }",
        "macro_rules! of { ($n:literal) => { env!($n) } } pub fn scale() { of!(\"SCHEMA\") }",
        "macro_rules! of { () => { env!(\"SCHEMA\") } } pub fn scale() { of!() }",
    ] {
        let package = with_dependency(way);
        let before = package.table();
        assert!(before.untracked.is_empty(), "{way}: {:?}", before.untracked);
        build(&package, "1", "2");
        assert_ne!(digests(&before), digests(&package.table()), "{way}");
        // With several builds, the linked one is unknown.
        build(&package, "2", "1");
        let untracked = "the value of `env!(\"SCHEMA\")` in the package `proto` is not known";
        assert_eq!(package.table().untracked, [untracked.to_owned()].into(), "{way}");
    }
    let package = with_dependency(
        "pub fn scale() { option_env!(\"OPTIONAL\"); env!(\"CARGO_MANIFEST_DIR\") }",
    );
    assert!(package.table().untracked.is_empty());
    // There is no record of the build.
    let package = with_dependency("pub fn scale() { env!(\"SCHEMA\") }");
    fs::remove_file(package.path("target/debug/deps/proto-1.d")).expect("a file");
    assert_eq!(package.table().untracked.len(), 1);
}

#[test]
fn a_folder_in_a_variable_does_not_count() {
    let package = with_dependency("pub fn scale() { env!(\"SCHEMA\") }");
    let folder = package.path("proto/x");
    build(&package, "1", folder.to_str().expect("text"));
    let here = package.table();
    let package = with_dependency("pub fn scale() { env!(\"SCHEMA\") }");
    let folder = package.path("proto/x");
    build(&package, "1", folder.to_str().expect("text"));
    assert_eq!(digests(&here), digests(&package.table()));
}

#[test]
fn a_macro_of_a_dependency_sees_the_variables_and_files_of_its_caller() {
    let package = Package::new("fn go() { kit::name!(); kit::text!() }");
    package
        .write("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nkit = { path = \"kit\" }\n")
        .write("kit/Cargo.toml", "[package]\nname = \"kit\"\n")
        .write(
            "kit/src/lib.rs",
            "#[macro_export] macro_rules! name { () => { option_env!(\"FLOW_IS_NEVER_SET\") } } \
             #[macro_export] macro_rules! text { () => { include_str!(\"text.in\") } }",
        )
        .write("src/text.in", "1");
    counts(&package, "src/text.in", "2");
    assert!(package.reached().contains(&"env FLOW_IS_NEVER_SET".to_owned()));
}

#[test]
fn files_that_the_packages_own_build_script_writes_count() {
    for (way, file) in [
        ("include!(concat!(env!(\"OUT_DIR\"), \"/calc.rs\")); fn go() { v() }", "calc.rs"),
        ("lalrpop_util::lalrpop_mod!(calc); fn go() { calc::v() }", "calc.rs"),
        ("lalrpop_mod!(pub parser, \"/calc.rs\"); fn go() { parser::v() }", "calc.rs"),
        ("mod shop { tonic::include_proto!(\"calc\"); } use shop::v; fn go() { v() }", "calc.rs"),
        (
            "mod shop { prost::include_x!(); pub fn more() { v() } } fn go() { shop::more() }",
            "calc.rs",
        ),
        ("fn go() { include_bytes!(concat!(env!(\"OUT_DIR\"), \"/calc.bin\")) }", "calc.bin"),
        ("fn go() { include_dir::include_dir!(\"$OUT_DIR/calc.bin\") }", "calc.bin"),
    ] {
        let package = Package::new(way);
        package.write("out/calc.rs", "pub fn v() -> f64 { 1.0 }").write("out/calc.bin", "1");
        counts(&package, &format!("out/{file}"), "pub fn v() -> f64 { 2.0 }");
    }
    let package = Package::new("tonic::include_proto!(\"gone\"); fn go() { gone::v() }");
    let untracked = package.table().untracked;
    assert!(
        untracked.contains("the file that `include_proto!` includes is not found"),
        "{untracked:?}"
    );
}

#[test]
fn modules_that_a_macro_declares_are_read() {
    let local = "macro_rules! modules { ($($n:ident)*) => { $(mod $n;)* } } ";
    for way in [
        "modules!(ols other); fn go() { ols::v() }",
        "macro_rules! outer { ($n:ident) => { modules!($n); } } outer!(ols); use ols::v; fn go() { v() }",
        "macro_rules! fixed { () => { mod ols; } } fixed!(); fn go() { crate::ols::v() }",
        "macro_rules! at { ($n:ident, $p:literal) => { #[path = $p] mod $n; } } at!(x, \"ols.rs\"); fn go() { x::v() }",
        "cfg_if::cfg_if! { if #[cfg(unix)] { mod ols; use ols as os; } else { mod other; use other as os; } } fn go() { os::v() }",
        "cfg_select! { unix => { mod ols; } _ => {} } fn go() { ols::v() }",
        "passing! { #[cfg(unix)] pub mod ols; } fn go() { ols::v() }",
        "passing! { #[path = \"ols.rs\"] pub mod x; pub use x::v as w; } fn go() { w() }",
        "mod_use::mod_use!(ols); fn go() { v() }",
    ] {
        let package = Package::new(&format!("{local}{way}"));
        package
            .write("src/ols.rs", "pub fn v() -> f64 { 2.0 }")
            .write("src/other.rs", "pub fn v() {}");
        counts(&package, "src/ols.rs", "pub fn v() -> f64 { 3.0 }");
    }
}

#[test]
fn the_program_and_its_library_may_declare_the_same_module() {
    let modules = "macro_rules! modules { ($($n:ident)*) => { $(mod $n;)* } } modules!(ols);";
    let package = Package::new(&format!("{modules} fn go() {{ a::more(); ols::w() }}"));
    package
        .write("src/lib.rs", &format!("{modules} pub fn more() {{ ols::v() }}"))
        .write("src/ols.rs", "pub fn v() -> f64 { 2.0 } pub fn w() {}");
    counts(&package, "src/ols.rs", "pub fn v() -> f64 { 3.0 } pub fn w() {}");
}

#[test]
fn a_string_that_is_no_file_name_names_no_file() {
    let package = Package::new(
        "routes::route! { \"/\", \"/..\", \"..\", \".\", \"a b\" } fn go() { route() }",
    );
    package.write("data/x.csv", "1");
    assert_eq!(package.reached().len(), 2, "{:?}", package.reached());
}

#[test]
fn files_that_attributes_name_count() {
    for (way, file) in [
        ("#[derive(Parser)] #[grammar = \"shop.pest\"] struct P; fn go() { P }", "src/shop.pest"),
        (
            "#[derive(Template)] #[template(path = \"x.html\")] struct P; fn go() { P }",
            "templates/x.html",
        ),
        (
            "#[derive(RustEmbed)] #[folder = \"assets/\"] struct P; fn go() { P }",
            "assets/deep/a.txt",
        ),
    ] {
        let package = Package::new(way);
        package.write(file, "1");
        counts(&package, file, "2");
    }
}

#[test]
fn cfgs_that_a_build_script_sets_count() {
    let mut package = Package::new("#[cfg(fancy)] fn go() {} #[cfg(not(fancy))] fn go() { 1; }");
    let off = package.table();
    assert!(names(&off).contains(&"cfg fancy".to_owned()));
    package.cfgs.push("fancy".to_owned());
    assert_ne!(digests(&off), digests(&package.table()));
    // The `cfg`s of the machine and of the profile do not count.
    let text = "fn go() { if cfg!(all(unix, debug_assertions, target_os = \"linux\")) {} }";
    assert_eq!(Package::new(text).reached(), ["go"]);

    for library in [
        "pub fn scale() { if cfg!(fancy) { 1 } else { 2 } }",
        "#[cfg_attr(fancy, derive(X))] pub struct S; pub fn scale() -> S { S }",
        "include!(concat!(env!(\"OUT_DIR\"), \"/gen.rs\")); pub fn x() { cfg!(fancy) } pub fn scale() { x() }",
    ] {
        let package = with_dependency(library);
        counts(&package, "target/debug/build/proto-1/output", "cargo::rustc-cfg=fancy\n");
    }
    let package = with_dependency("pub fn scale() { cfg!(fancy) }");
    fs::remove_file(package.path("target/debug/deps/proto-1.d")).expect("a file");
    assert!(package.table().untracked.is_empty(), "there is one run");
    package.write("target/debug/build/proto-2/output", "cargo:rustc-cfg=fancy\n");
    let untracked = "whether `cfg(fancy)` holds in the package `proto` is not known";
    assert_eq!(package.table().untracked, [untracked.to_owned()].into());
}
