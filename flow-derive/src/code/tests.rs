//! Tests which items a task reaches, in crates of a few lines.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;

use super::compilation::Compilation;
use super::row::Row;
use super::table::Table;
use super::world::World;

mod checks;
mod declared;
mod derives;
mod environment;
mod execution;
mod functions;
mod generated;
mod imports;
mod invisible;
mod named;
mod runs;
mod unknown;
mod ways;

/// A package in a temporary folder.
struct Package {
    folder: tempfile::TempDir,
    features: Vec<String>,
    cfgs: Vec<String>,
}

const RUN: &str = "impl Run for Train { fn run(&self) { go() } }";

/// Returns the source of the task, followed by `text`.
fn with_task(text: &str) -> String {
    format!(
        "use flow::{{Json, Run, Task, tracked}};\n#[derive(Task)] #[task(target = Json<u8>)] \
         struct Train;\n#[tracked] {RUN}\n{text}"
    )
}

impl Package {
    /// Creates a program whose `main.rs` contains the task and `text`.
    fn new(text: &str) -> Self {
        let package = Self {
            folder: tempfile::tempdir().expect("a folder"),
            features: Vec::new(),
            cfgs: Vec::new(),
        };
        package.write("Cargo.toml", "[package]\nname = \"a\"\nversion = \"1.2.3\"\n");
        package.write("src/main.rs", &with_task(text));
        package
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
        self
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn table(&self) -> Table {
        self.table_of(RUN)
    }

    /// Reads the source again, and returns the table of an impl.
    fn table_of(&self, run: &str) -> Table {
        self.table_of_tokens(run.parse().expect("tokens"))
    }

    fn table_of_tokens(&self, run: TokenStream) -> Table {
        let mut world = self.world();
        let roots = world.find(run, Some(&self.path("src/main.rs")));
        let own = Row { digest: 1, names: 0, name: "impl".to_owned(), file: String::new() };
        let view = world.view(roots.iter().any(|&root| world.source.items[root].is_test));
        Table::of_impl(&view, &roots, own)
    }

    /// Reads the source.
    fn world(&self) -> World {
        World::read(self.compilation(), Some(self.folder.path())).expect("a source")
    }

    /// Returns the arguments with which cargo would call the compiler.
    fn compilation(&self) -> Compilation {
        Compilation {
            root: self.path("src/main.rs"),
            features: self.features.clone(),
            cfgs: self.cfgs.clone(),
            externs: vec!["flow".to_owned()],
            library_folders: vec![self.path("target/debug/deps")],
            folder: self.path(""),
            out_dir: Some(self.path("out")).filter(|folder| folder.is_dir()),
            ..Compilation::default()
        }
    }

    /// Returns the sorted names of the reached items.
    fn reached(&self) -> Vec<String> {
        names(&self.table())
    }
}

fn names(table: &Table) -> Vec<String> {
    let rows = table.text.lines().skip(2);
    let mut names: Vec<String> =
        rows.map(|row| row[48..].split('\t').next().expect("a name").to_owned()).collect();
    names.sort();
    names
}

/// Asserts that an edit of `file` changes the table of the task.
#[track_caller]
fn counts(package: &Package, file: &str, text: &str) {
    let before = package.table();
    assert!(before.untracked.is_empty(), "{file}: {:?}", before.untracked);
    let kept = fs::read_to_string(package.path(file)).expect("a file");
    package.write(file, text);
    let after = package.table();
    package.write(file, &kept);
    assert_ne!(digests(&before), digests(&after), "{file} does not count in {before:?}");
}

/// Asserts that the task reaches these items of a program with one file.
#[track_caller]
fn reaches(text: &str, expected: &[&str]) {
    assert_eq!(Package::new(text).reached(), expected, "{text}");
}

/// Returns the digests of a table. The names and files in it do not count.
fn digests(table: &Table) -> Vec<String> {
    let lines = table.text.lines().enumerate();
    lines.map(|(at, line)| if at == 0 { line.to_owned() } else { line[..32].to_owned() }).collect()
}

#[test]
fn only_called_items_are_reached() {
    reaches(
        "fn go() { deep(LIMIT) } fn deep(x: u8) {} const LIMIT: u8 = 1; fn other() {}",
        &["const LIMIT", "deep", "go"],
    );
    reaches(
        "static TABLE: [fn(); 1] = [one]; fn one() {} fn go() { TABLE[0]() }",
        &["go", "one", "static TABLE"],
    );
    reaches(
        "fn go() -> Row { todo!() } type Row = Inner; struct Inner(Unit); enum Unit { A }",
        &["enum Unit", "go", "struct Inner", "type Row"],
    );
    // Local variables and fields are no items.
    reaches("fn go() { let x = 1; y.other } fn other() {}", &["go"]);
}

#[test]
fn a_block_of_foreign_functions_is_reached_by_each() {
    for block in ["extern \"C\"", "unsafe extern \"C\"", "extern"] {
        reaches(
            &format!("fn go() {{ sine(1.0) }} {block} {{ fn sine(x: f64); static N: u8; }}"),
            &["extern block", "go"],
        );
        reaches(&format!("fn go() {{}} {block} {{ fn sine(x: f64); }}"), &["go"]);
    }
    reaches(
        "fn go() { one(two) } extern \"C\" fn one() {} unsafe extern \"C\" fn two() {}",
        &["go", "one", "two"],
    );
}

#[test]
fn a_method_is_reached_where_its_type_is() {
    let types = "struct A; impl A { fn fit(&self) { a() } fn new() -> A { A } fn more(&self) {} } \
                 struct B; impl B { fn fit(&self) {} } fn a() {}";
    reaches(
        &format!("fn go() {{ A::new().fit() }} {types}"),
        &["A::fit", "A::new", "a", "go", "struct A"],
    );
    reaches(&format!("fn go(b: &B) {{ b.fit() }} {types}"), &["B::fit", "go", "struct B"]);
    // The type is reached after the call of the method.
    reaches(
        "fn go() { make().fit() } fn make() -> C { C } struct C; impl C { fn fit(&self) {} }",
        &["C::fit", "go", "make", "struct C"],
    );
}

#[test]
fn a_type_brings_its_impls_and_a_trait_what_has_no_type_here() {
    let text = "struct A; struct B; trait Fit { fn fit(&self) {} } impl Fit for A {} impl Fit for B {} \
                impl Fit for Vec<f64> {} impl Drop for A { fn drop(&mut self) { end() } } fn end() {} \
                impl From<A> for f64 { }";
    reaches(
        &format!("fn go() {{ A; }} {text}"),
        &[
            "end",
            "go",
            "impl Drop for A",
            "impl Fit for A",
            "impl Fit for Vec<f64>",
            "impl From<A> for f64",
            "struct A",
            "trait Fit",
        ],
    );
    reaches(
        &format!("fn go(x: &[f64]) {{ x.fit() }} {text}"),
        &["Fit::fit", "go", "impl Fit for Vec<f64>", "trait Fit"],
    );
    let objects = Package::new(&format!("fn go(x: &dyn Fit) {{}} {text}")).reached();
    assert!(objects.contains(&"impl Fit for B".to_owned()), "{objects:?}");
}

#[test]
fn macros_are_followed_with_the_items_that_they_generate() {
    reaches(
        "macro_rules! m { ($x:expr) => { inner($x) } } fn inner(x: u8) {} fn go() { m!(1) }",
        &["go", "inner", "m!"],
    );
    reaches(
        "macro_rules! make { ($n:ident) => { fn $n() { inner() } } } make!(made); make!(other); \
             fn inner() {} fn go() { made() }",
        &["go", "inner", "make!", "make!(made)"],
    );
    reaches(
        "macro_rules! call { ($x:ident, $f:ident) => { $x.$f() } } struct A; impl A { fn fit(&self) {} } \
             fn go(a: A) { call!(a, fit) }",
        &["A::fit", "call!", "go", "struct A"],
    );
    reaches("const LIMIT: u8 = 1; fn go() { println!(\"{LIMIT}\") }", &["const LIMIT", "go"]);
}

#[test]
fn strings_in_attributes_are_followed() {
    reaches(
        "#[derive(Deserialize)] struct Row { #[serde(default = \"limit\", with = \"money\")] x: u8 } \
             fn limit() -> u8 { 1 } mod money { pub fn serialize() {} } fn go() -> Row {}",
        &["go", "limit", "serialize", "struct Row"],
    );
}

#[test]
fn tests_are_not_seen_by_the_program() {
    let text = "fn go() { helper() } fn helper() {} #[cfg(test)] mod tests { use super::*; fn helper() {} \
                impl Fit for Train {} } #[cfg(not(test))] fn other() {}";
    reaches(text, &["go", "helper"]);
}

#[test]
fn the_inputs_of_a_task_bring_the_types_of_their_outputs() {
    let tasks = "#[derive(Task)] #[task(requires(Other, All), target = Json<u8>)] struct Train;\n\
        #[tracked] impl Run for Train { fn run(&self) { input().load().total() } }\n\
        #[derive(Task)] #[task(target = Json<Ledger>)] struct Other { kind: Kind }\n\
        #[tracked] impl Run for Other { fn run(&self) { other() } }\n\
        #[derive(Task)] #[task(aggregate, requires = Own)] struct All;\n\
        #[derive(Task)] #[task(external, target = Lines)] struct Own;\n\
        struct Lines; impl Target for Lines { type Value = Vec<Line>; fn save() { saved() } }\n\
        struct Line; fn saved() {} enum Kind { A } fn other() {}\n\
        struct Ledger; impl Ledger { fn total(&self) {} fn unused(&self) {} }";
    let package = Package::new("");
    package.write("src/main.rs", tasks);
    let run = "impl Run for Train { fn run(&self) { input().load().total() } }";
    assert_eq!(names(&package.table_of(run)), ["Ledger::total", "struct Ledger", "struct Line"]);
}

#[test]
fn a_task_may_be_renamed() {
    let text = "impl Train { fn more(&self) {} } impl Fit for Train {} trait Fit {}";
    let run = "impl Run for Train { fn run(&self) { self.more(); Self::more(self) } }";
    let text =
        format!("#[derive(Task)] #[task(target = Json<u8>)] struct Train {{ x: u8 }} {run} {text}");
    let (was, now) = (Package::new(""), Package::new(""));
    was.write("src/main.rs", &text);
    now.write("src/main.rs", &text.replace("Train", "Fitted"));
    let now = now.table_of(&run.replace("Train", "Fitted"));
    assert_eq!(digests(&was.table_of(run)), digests(&now));
}

#[test]
fn names_in_a_generated_impl_are_resolved_where_the_macro_is_called() {
    let package = Package::new("fn helper() {} mod m { pub fn far() {} }");
    let made = "impl Run for Made { fn run(&self) { helper(); far() } }";
    assert_eq!(names(&package.table_of(made)), ["far", "helper"]);
}

#[test]
fn a_broken_source_is_a_warning_and_reading_continues() {
    let package = Package::new("mod gone; mod odd; mod round; fn go() {} include!(\"main.rs\");");
    package
        .write("src/odd.rs", "fn f( { ] }")
        .write("src/round.rs", "#[path = \"round.rs\"] mod round;");
    let table = package.table();
    assert!(names(&table).contains(&"go".to_owned()));
    let untracked: Vec<&str> = table.untracked.iter().map(String::as_str).collect();
    assert!(untracked.contains(&"the file of `mod gone` is not found"), "{untracked:?}");
    assert!(untracked.contains(&"the file src/odd.rs cannot be read as Rust"), "{untracked:?}");

    for text in
        ["impl", "fn", "struct", "mod", "use", "enum E {", "macro_rules! m", "pub(", "#[", "const"]
    {
        let package = Package::new(text);
        World::read(package.compilation(), Some(Path::new(package.folder.path())));
    }
}

#[test]
fn no_source_makes_it_panic() {
    // Real sources with parts cut out, which are no valid Rust.
    let sources =
        [include_str!("parse/mod.rs"), include_str!("node/mod.rs"), include_str!("scan.rs")];
    let mut read = 0;
    for (source, step) in sources.iter().flat_map(|source| [(source, 173), (source, 311)]) {
        let words: Vec<&str> = source.split_inclusive(' ').collect();
        for start in (0..words.len()).step_by(step) {
            let cut = words[..start].iter().chain(words.iter().skip(start + start % 7 + 1));
            let text: String = cut.copied().collect();
            let package = Package::new("mod cut; use cut::*; fn go() { cut::f() }");
            package.write(
                "src/cut.rs",
                &text.replace(['{', '}'], if start % 2 == 0 { "" } else { " " }),
            );
            let table = package.table();
            package.write("src/cut.rs", &text);
            read += usize::from(table != package.table());
        }
    }
    assert!(read > 0);
}

#[test]
fn a_task_whose_impl_a_macro_generates_may_be_renamed() {
    let task = |name: &str| {
        format!(
            "use super::*; #[derive(Task)] #[task(target = Json<u8>)] struct {name} {{ x: u8 }} \
             runs!({name}: u8 = 7);"
        )
    };
    let package = Package::new(&format!(
        "macro_rules! runs {{ ($task:ty: $out:ty = $body:expr) => {{ impl Run for $task {{ fn run(&self) -> $out \
         {{ $body }} }} }} }} mod a {{ {} }} mod b {{ {} }} mod c {{ {} }}",
        task("Count"),
        task("Count"),
        task("Tally")
    ));
    let of = |name: &str| {
        package.table_of(&format!("impl Run for {name} {{ fn run(&self) -> u8 {{ 7 }} }}"))
    };
    assert_eq!(of("Count"), of("Tally"));
}
