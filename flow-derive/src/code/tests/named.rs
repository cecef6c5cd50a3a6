//! Tests that files that strings in macro calls and attributes name count, or are a warning.

use std::time::{Duration, Instant};

use super::*;

/// Creates a program with files that macros may read.
fn with_files(text: &str) -> Package {
    let package = Package::new(text);
    package
        .write("data.txt", "1")
        .write("locales/en.txt", "1")
        .write("locales/deep/de.txt", "1")
        .write("assets/a.txt", "1")
        .write("templates/base.html", "1")
        .write("templates/page.html", "{% extends \"base.html\" %}")
        .write("templates/deep/part.html", "{% include 'deep/piece.html' %}")
        .write("templates/deep/piece.html", "1");
    package
}

#[test]
fn files_and_folders_that_macros_of_other_crates_name_count() {
    for (text, file) in [
        ("fn go() { pm::table!(\"data.txt\") }", "data.txt"),
        ("fn go() { texts::hello() } mod texts { pm::i18n!(\"locales\"); }", "locales/en.txt"),
        ("fn go() { texts::hello() } mod texts { pm::i18n!(); }", "locales/deep/de.txt"),
        ("fn go() { pm::embed_migrations!(\"locales\") }", "locales/en.txt"),
        ("fn go() { pm::read_all!(\"./assets\", all) }", "assets/a.txt"),
        (
            "fn go() { A::get() } #[derive(pm::Embed)] #[folder = \"assets\"] struct A;",
            "assets/a.txt",
        ),
        ("#[pm::table(\"data.txt\")] fn go() {}", "data.txt"),
        (
            "fn go() { A } #[derive(pm::Many)] struct A { #[many(file = \"data.txt\")] x: u8 }",
            "data.txt",
        ),
        (
            "fn go() { P } #[derive(Template)] #[template(path = \"page.html\")] struct P;",
            "templates/base.html",
        ),
        (
            "fn go() { P } #[derive(Template)] #[template(path = \"deep/part.html\")] struct P;",
            "templates/deep/piece.html",
        ),
        (
            "macro_rules! t { ($p:literal) => { pm::table!($p) } } fn go() { t!(\"data.txt\") }",
            "data.txt",
        ),
        ("macro_rules! t { () => { pm::table!(\"data.txt\") } } fn go() { t!() }", "data.txt"),
    ] {
        println!("{text}");
        counts(&with_files(text), file, "2");
    }
    let package = with_files("fn go() { sqlx::migrate!() }");
    package.write("migrations/1.sql", "1");
    counts(&package, "migrations/1.sql", "2");
}

#[test]
fn a_macro_whose_files_are_not_found_is_a_warning() {
    for (text, untracked) in [
        ("fn go() { sqlx::migrate!() }", "the files that `migrate!` reads are not found"),
        (
            "fn go() { embed_migrations!(\"gone\") }",
            "the files that `embed_migrations!` reads are not found",
        ),
        (
            "fn go() { sqlx::query_file!(\"gone.sql\") }",
            "the files that `query_file!` reads are not found",
        ),
        (
            "fn go() { include_table!(\"gone\") }",
            "the file that `include_table!` names is not found",
        ),
        (
            "fn go() { P } #[derive(Template)] #[template(path = \"gone.html\")] struct P;",
            "the path that `#[template]` names is not found",
        ),
        (
            "fn go() { P } #[derive(RustEmbed)] #[folder = \"gone/\"] struct P;",
            "the path that `#[folder]` names is not found",
        ),
    ] {
        assert_eq!(with_files(text).table().untracked, [untracked.to_owned()].into(), "{text}");
    }
}

#[test]
fn strings_that_are_no_paths_name_no_files() {
    for text in [
        "fn go() { println!(\"data.txt\"); format!(\"locales\"); assert!(x, \"assets\") }",
        "fn go() { json!({ \"assets\": \"data.txt\" }); anyhow::bail!(\"locales\"); tracing::info!(\"assets\") }",
        "fn go() { A } #[derive(serde::Serialize)] #[serde(rename = \"assets\")] struct A { #[serde(rename = \"locales\")] x: u8 }",
        "fn go() { A } #[derive(clap::Parser)] struct A { #[arg(default_value = \"assets\")] x: u8 }",
        "fn go() { pm::name!(\"src\", \"templates of mine\", \"page\") }",
        "fn go() { A } #[cfg(not(feature = \"assets\"))] #[cfg_attr(unix, pm::x(\"locales\"))] struct A;",
    ] {
        let package = with_files(text);
        let before = package.table();
        for file in ["data.txt", "locales/en.txt", "assets/a.txt", "templates/page.html"] {
            package.write(file, "changed");
        }
        assert_eq!(digests(&before), digests(&package.table()), "{text}");
        assert!(before.untracked.is_empty(), "{text}: {:?}", before.untracked);
    }
}

#[test]
fn a_folder_with_a_store_does_not_count() {
    let package = with_files("fn go() { pm::open!(\"data\") }");
    package.write("data/.flow/index/x", "1").write("data/Train/record.json", "1");
    assert_eq!(package.reached(), ["go"]);
}

#[test]
fn the_files_that_macros_of_a_path_dependency_read_count() {
    for kit in [
        "pub fn f() -> f64 { pm::hidden!() }",
        "pub fn f() { inner::x() } mod inner { pm::hidden!(); }",
        "pub fn f() { A } #[derive(pm::Hidden)] pub struct A;",
    ] {
        let package = Package::new("fn go() { kit::f() }");
        let write = |path: &str, text: &str| {
            package.write(path, text);
        };
        write("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nkit = { path = \"kit\" }\n");
        write("kit/Cargo.toml", "[package]\nname = \"kit\"\n");
        write("kit/src/lib.rs", &format!("{kit} pub fn g() {{ include_str!(\"other.txt\") }}"));
        write("kit/src/other.txt", "1");
        write("kit/README.md", "1");
        write("kit/hidden/of macro.txt", "1");
        let dep_info = "x: y\n\nkit/src/lib.rs:\nkit/src/other.txt:\nkit/README.md:\nkit/hidden/of\\ macro.txt:\n";
        write("target/debug/deps/kit-1.d", dep_info);
        counts(&package, "kit/hidden/of macro.txt", "2");
        let before = package.table();
        write("kit/README.md", "2");
        write("kit/src/other.txt", "2");
        assert_eq!(digests(&before), digests(&package.table()), "{kit}");
    }
}

#[test]
fn a_procedural_macro_of_a_path_dependency_may_read_files() {
    let package = with_files("fn go() { pm::include_table!(\"data.txt\") }");
    package
        .write("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\npm = { path = \"pm\" }\n")
        .write("pm/Cargo.toml", "[package]\nname = \"pm\"\n[lib]\nproc-macro = true\n")
        .write("pm/src/lib.rs", "#[proc_macro] pub fn include_table(x: T) -> T { x } use std::T;");
    counts(&package, "data.txt", "2");
    counts(
        &package,
        "pm/src/lib.rs",
        "#[proc_macro] pub fn include_table(x: T) -> T { y } use std::T;",
    );
}

#[test]
fn linked_code_is_a_warning() {
    let block = "unsafe extern \"C\" { fn kernel(x: f64) -> f64; }";
    let package = Package::new(&format!("{block} fn go() {{ unsafe {{ kernel(1.0) }} }}"));
    let untracked = "the code that is linked for the `extern` block in src/main.rs is not tracked";
    assert_eq!(package.table().untracked, [untracked.to_owned()].into());
    // An `extern` block that the task does not reach causes no warning.
    assert!(Package::new(&format!("{block} fn go() {{}}")).table().untracked.is_empty());
}

#[test]
fn many_strings_are_looked_up_quickly() {
    let calls: Vec<String> =
        (0..5_000).map(|at| format!("pm::word!(\"word{at}\", \"a b {at}\");")).collect();
    let package = with_files(&format!("fn go() {{ {} }}", calls.join(" ")));
    for at in 0..2_000 {
        package.write(&format!("big/{at}.txt"), "1");
    }
    let begun = Instant::now();
    assert_eq!(package.reached(), ["go"]);
    let took = begun.elapsed();
    println!("5000 texts: {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}
