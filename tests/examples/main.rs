//! The examples print and do what their documentation says.
//!
//! Most examples are command lines, and the tests run their verbs. Each test has a temporary folder with the store of
//! its example.

mod changing_data;
mod figures;
mod formats;
mod iris;
mod models;
#[cfg(feature = "polars")]
mod polars;
mod program;
mod quality;
mod sharing;
mod transcript;
mod within_programs;

use std::collections::BTreeMap;

use crate::program::{Example, library};

/// The examples whose `main` is a program of its own.
const PROGRAMS: [&str; 5] = ["async_client", "compare", "housekeeping", "service", "sweep"];

/// Returns the names of all examples, in order.
fn names() -> Vec<String> {
    let entries = std::fs::read_dir(library().join("examples")).expect("the examples");
    let paths = entries.map(|entry| entry.expect("a file").path());
    let sources = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let mut names: Vec<_> = sources
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    // It is built with this feature only.
    names.retain(|name| cfg!(feature = "polars") || name != "iris_polars");
    names.sort();
    names
}

/// Returns the source of an example.
fn source(name: &str) -> String {
    let path = library().join(format!("examples/{name}.rs"));
    std::fs::read_to_string(path).expect("an example")
}

#[test]
fn no_example_parses_arguments_itself() {
    for name in names() {
        let source = source(&name);
        assert!(!source.contains("env::args"), "{name} reads arguments");
        let is_program = PROGRAMS.contains(&name.as_str());
        let call = if is_program { "flow::open_configured()" } else { "flow::main!()" };
        assert!(source.contains(call), "{name} does not call {call}");
    }
}

#[test]
fn all_examples_can_share_the_default_store() {
    // A store refuses two tasks of one name that have other parameters or another target.
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for name in names() {
        for task in declared(&name) {
            let other = owners.insert(task.clone(), name.clone());
            assert!(
                other.as_ref().is_none_or(|other| *other == name),
                "{name} and {other:?} both have a task {task}"
            );
        }
    }
    assert!(owners.len() > 40, "{owners:?}");
}

/// Returns the names of the tasks that an example declares.
fn declared(name: &str) -> Vec<String> {
    let source = source(name);
    let mut tasks = Vec::new();
    let mut is_task = false;
    for line in source.lines().map(str::trim) {
        is_task |= line.starts_with("#[task(");
        let line = line.trim_start_matches("pub(super) ");
        let item = line.strip_prefix("struct ").or_else(|| line.strip_prefix("fn "));
        if let Some(item) = item.filter(|_| is_task) {
            let is_of_name = |c: &char| c.is_alphanumeric() || *c == '_';
            tasks.push(item.chars().take_while(is_of_name).collect());
            is_task = false;
        }
    }
    tasks
}

#[test]
fn every_command_line_lists_its_tasks() {
    for name in names().iter().filter(|name| !PROGRAMS.contains(&name.as_str())) {
        let listed = Example::new(name).json("list");
        let listed = listed.as_array().expect("a list").iter();
        let mut listed: Vec<_> = listed.filter_map(|task| task["name"].as_str()).collect();
        let mut declared = declared(name);
        listed.sort_unstable();
        declared.sort_unstable();
        assert_eq!(listed, declared, "{name}");
    }
}
