//! Tests what the source shows about a name in `requires`, and that an answer is certain.

use super::*;
use crate::code::declared::{Declared, is_member, look_up};

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
