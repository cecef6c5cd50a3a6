//! Tests what the source shows about a name in `requires`, and that an answer is certain.

use super::*;
use crate::code::cycle;
use crate::code::declared::{Declared, is_member, look_up, runs};

/// Returns what `path` is in the task of a package with this source.
fn found(source: &str, path: &str) -> String {
    let package = Package::new(source);
    let path: syn::Path = syn::parse_str(path).expect("a path");
    let task = "struct Train;".parse().expect("tokens");
    match look_up(&mut package.world(), task, Some(&package.path("src/main.rs")), &path) {
        Some(Declared::Struct(found)) => {
            let fields = found.fields.iter().filter_map(|field| field.ident.as_ref());
            format!("struct {}", fields.map(ToString::to_string).collect::<Vec<_>>().join(" "))
        }
        Some(Declared::FunctionTask(found)) => format!("task {}", found.sig.inputs.len()),
        Some(Declared::Function) => "function".to_owned(),
        None => "unknown".to_owned(),
    }
}

#[test]
fn tasks_and_functions_are_found() {
    let load = "#[derive(Task)] #[task(target = Json<u8>)] pub struct Load { \
                #[param(default = 1)] pub n: usize, name: Option<&'static str> }";
    assert_eq!(found(load, "Load"), "struct n name");
    assert_eq!(
        found(&format!("mod a {{ {load} }} use a::Load as Other;"), "Other"),
        "struct n name"
    );
    assert_eq!(
        found("#[task(target = Json<u8>)] fn load(n: u8, m: u8) -> u8 { n }", "load"),
        "task 2"
    );
    assert_eq!(found("fn load(n: u8) -> u8 { n }", "load"), "function");
}

#[test]
fn what_is_not_certain_is_unknown() {
    let load = "#[derive(Task)] struct Load { n: usize }";
    assert_eq!(found(&format!("#[cfg(windows)] {load}"), "Load"), "unknown");
    assert_eq!(found(&format!("#[with_fields] {load}"), "Load"), "unknown");
    assert_eq!(found("type Load = Other; struct Other { n: usize }", "Load"), "unknown");
    assert_eq!(found("make!(Load);", "Load"), "unknown");
    assert_eq!(found("struct Load { n: usize }", "Load"), "unknown");
    assert_eq!(found("#[memoized] fn load() {}", "load"), "unknown");
    let tasks = "mod tasks { #[task(target = Json<u8>)] pub fn load() -> u8 { 1 } }";
    assert_eq!(found(&format!("{tasks} use tasks::*; fn load() {{}}"), "load"), "unknown");
    assert_eq!(found("use other::*; fn load() {}", "load"), "unknown");
    assert_eq!(found("make!(load); fn load() {}", "load"), "unknown");
    assert_eq!(found("mod a { make!(load); pub fn load() {} } use a::load;", "load"), "unknown");
}

#[test]
fn a_member_of_an_impl_is_found() {
    let task = "#[task(target = Json<u8>)] fn mean() -> u8 { 1 }";
    let is_in_impl = |source: &str| {
        let package = Package::new(source);
        let tokens = task.parse().expect("tokens");
        is_member(&mut package.world(), tokens, &package.path("src/main.rs"), "mean")
    };
    assert!(is_in_impl(&format!("struct Data; impl Data {{ {task} }}")));
    assert!(!is_in_impl(task));
    assert!(!is_in_impl(&format!("fn outer() {{ {task} }}")));
    assert!(!is_in_impl(&format!(
        "struct Data; impl Data {{ fn mean() {{}} }} mod a {{ {task} }}"
    )));
    assert!(!is_in_impl("make!(mean);"));
}

#[test]
fn an_impl_of_run_is_found() {
    let has_run = |source: &str| {
        let package = Package::new(source);
        let flow = "[dependencies]\nflow = { package = \"typed-flow\", version = \"1\" }\n";
        let manifest = format!("[package]\nname = \"a\"\nversion = \"1.2.3\"\n{flow}");
        package.write("Cargo.toml", &manifest);
        let task = "struct All;".parse().expect("tokens");
        runs(&mut package.world(), task, Some(&package.path("src/main.rs")))
    };
    let task = "#[derive(Task)] #[task(aggregate, requires = Train)] struct All;";
    assert!(has_run(&format!("{task} #[tracked] impl Run for All {{}}")));
    assert!(has_run(&format!("{task} mod a {{ impl flow::Run for super::All {{}} }}")));
    assert!(!has_run(task));
    assert!(!has_run(&format!("{task} mod a {{ trait Run {{}} impl Run for super::All {{}} }}")));
    assert!(!has_run(&format!("{task} mod a {{ use other::*; impl Run for super::All {{}} }}")));
    assert!(has_run(&format!(
        "{task} mod a {{ use flow::prelude::*; impl Run for super::All {{}} }}"
    )));
    assert!(!has_run(&format!("{task} #[cfg(windows)] impl Run for All {{}}")));
    assert!(!has_run(&format!("{task} mod a {{ struct All; impl Run for All {{}} }}")));
}

#[test]
fn a_cycle_is_reported_by_its_first_task() {
    let cycle = |source: &str, task: &str| {
        let package = Package::new(source);
        let mut world = package.world();
        let (task, file) = (task.parse().expect("tokens"), package.path("src/main.rs"));
        cycle::look_up(&mut world, task, Some(&file)).map(|(entry, names)| (entry, names.join(" ")))
    };
    let task = |name: &str, requires: &str| {
        format!("#[derive(Task)] #[task({requires}, target = Json<u8>)] struct {name};")
    };
    let three =
        [task("A", "requires(Train, x::C)"), task("B", "requires = A"), task("C", "requires = B")];
    let three = format!("mod x {{ pub use super::C; }} {}", three.join(" "));
    // Without names and with names, the index is that of the entry.
    assert_eq!(cycle(&three, "struct A;"), Some((1, "A C B A".to_owned())));
    assert_eq!(cycle(&three, "struct B;"), None);
    assert_eq!(cycle(&task("A", "requires(a = A)"), "struct A;"), Some((0, "A A".to_owned())));
    let functions = "#[task(requires = b, target = Json<u8>)] fn a(b: u8) -> u8 { b } \
                     #[task(requires = a, target = Json<u8>)] fn b(a: u8) -> u8 { a }";
    let first = "#[task(requires = b, target = Json<u8>)] fn a(b: u8) -> u8 { b }";
    assert_eq!(cycle(functions, first), Some((0, "a b a".to_owned())));
    for requires in ["requires = A if true", "requires = [A for _ in 0..3]", "requires = Train"] {
        assert_eq!(cycle(&task("A", requires), "struct A;"), None, "{requires}");
    }
    let other = format!("{} {}", task("A", "requires = B"), task("B", "requires = B"));
    assert_eq!(cycle(&other, "struct A;"), None);
}
