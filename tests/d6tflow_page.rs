//! The guide's page "Coming from d6tflow" answers every public name of d6tflow 0.2.8, and its answers name methods that exist.
//!
//! `docs/guide/d6tflow_names.txt` lists the names. On the page, rows of tables with three columns answer them: the names, what
//! they do in d6tflow, and the counterpart, "Not yet", or "Not planned" with the reason. The examples of the page are
//! documentation tests of the facade.

use std::collections::BTreeSet;

const NAMES: &str = include_str!("../docs/guide/d6tflow_names.txt");
const PAGE: &str = include_str!("../docs/guide/src/from_d6tflow.md");
/// The public API, which `tests/public_api.rs` compares with the source.
const API: &str = include_str!("golden/public_api.txt");

/// A row of the page about names of d6tflow or of luigi.
struct Row {
    line: &'static str,
    names: Vec<&'static str>,
    meaning: &'static str,
    answer: &'static str,
}

/// Returns the names of the list.
fn listed() -> Vec<&'static str> {
    NAMES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Returns the texts between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn row(line: &'static str) -> Row {
    let inner = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")).expect("a row");
    let cells: Vec<_> = inner.split(" | ").collect();
    let [names, meaning, answer] = cells[..] else { panic!("not three cells: {line}") };
    Row { line, names: code(names).collect(), meaning, answer }
}

/// Returns the rows of the page that begin with a name of d6tflow or of luigi.
fn rows() -> Vec<Row> {
    let is_row = |line: &&str| line.starts_with("| `d6tflow") || line.starts_with("| `luigi");
    PAGE.lines().filter(is_row).map(row).collect()
}

/// Returns the methods that a piece of code calls: the names between a dot and a parenthesis or a turbofish.
fn methods(code: &str) -> impl Iterator<Item = &str> {
    code.split('.').skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        let (name, after) = rest.split_at(end);
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic());
        (is_name && (after.starts_with('(') || after.starts_with("::<"))).then_some(name)
    })
}

#[test]
fn the_list_names_each_name_once() {
    let listed = listed();
    assert!(listed.len() > 250, "{} names", listed.len());
    let mut seen = BTreeSet::new();
    for name in listed {
        assert!(name.starts_with("d6tflow."), "{name}");
        assert!(seen.insert(name), "{name} is listed twice");
    }
}

#[test]
fn each_name_has_one_row() {
    let rows = rows();
    let mut answered: Vec<_> = rows.iter().flat_map(|row| row.names.iter().copied()).collect();
    answered.retain(|name| name.starts_with("d6tflow"));
    let known: BTreeSet<_> = listed().into_iter().collect();
    let found: BTreeSet<_> = answered.iter().copied().collect();
    let missing: Vec<_> = known.difference(&found).collect();
    assert!(missing.is_empty(), "the page has no row for {missing:#?}");
    let unknown: Vec<_> = found.difference(&known).collect();
    assert!(unknown.is_empty(), "d6tflow has no {unknown:#?}");
    assert_eq!(answered.len(), found.len(), "a name has two rows");
}

#[test]
fn each_row_has_an_answer() {
    for Row { line, meaning, answer, .. } in rows() {
        assert!(!meaning.trim().is_empty(), "what it does in d6tflow is missing: {line}");
        let is_answer = if answer.starts_with("Not planned") {
            answer.contains(", because ")
        } else {
            answer.starts_with("Not yet") || answer.contains('`')
        };
        assert!(is_answer, "neither code, nor \"Not yet\", nor \"Not planned, because\": {line}");
    }
}

#[test]
fn each_method_of_an_answer_exists() {
    for Row { line, answer, .. } in rows() {
        for name in code(answer).flat_map(methods) {
            let exists = |after| API.contains(&format!("fn {name}{after}"));
            let is_method = exists('(') || exists('<');
            assert!(is_method, "the public API has no method `{name}`: {line}");
        }
    }
}

#[test]
fn calls_are_found_in_code() {
    let called = |code| methods(code).collect::<Vec<_>>();
    assert_eq!(called("flow.graph::<R>().at(T::N, 3).reset::<T>()"), ["graph", "at", "reset"]);
    assert_eq!(called("cx.input().0.load()"), ["input", "load"]);
    assert_eq!(called("sweep.uniform(T::C, 0.1..1.0)"), ["uniform"]);
    assert_eq!(called("flow.toml"), [""; 0]);
}
