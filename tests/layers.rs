//! The layers of `flow-core`, `flow-derive`, `flow-page`, `flow-cluster`, `flow-signatures`, `flow-cli` and its program
//! `cargo flow`: each layer imports only from itself and from lower layers.
//!
//! The test reads the paths in the source that start with `crate::` or `super::`, in all code
//! except unit tests. ARCHITECTURE.md describes the layers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders and files at the top of a crate's `src`, lowest layer first. Those of one layer may
/// import each other.
type Layers = &'static [&'static [&'static str]];

const CORE: Layers = &[
    &["base"],
    &["value", "target"],
    &["files"],
    &["store"],
    &["task"],
    &["plan"],
    &["report"],
    &["engine"],
    &["flow", "remote", "export", "plot"],
    &["sweep", "check"],
    &["__private", "lib"],
];

const DERIVE: Layers = &[
    &["ctxt", "spans"],
    &["attr"],
    &["code", "text"],
    &["facade"],
    &["function"],
    &["model", "outputs", "row"],
    &["key_type"],
    &["check"],
    &["expand"],
    &["lib"],
];

const CLI: Layers = &[
    &["text", "toml_error"],
    &["error"],
    &["ui", "grid", "json", "given", "remotes"],
    &["settings", "options", "executor"],
    &["params"],
    &["context"],
    &["verb"],
    &["output", "table"],
    &["commands", "args"],
    &["app"],
    &["lib"],
];

/// The program `cargo flow`.
const CARGO_FLOW: Layers = &[
    &["error", "manifest"],
    &["name", "library", "workspace"],
    &["template"],
    &["new"],
    &["main"],
];

const PAGE: Layers = &[
    &["text", "token", "query", "options", "live"],
    &["error", "links", "elements", "markdown"],
    &["snapshot", "inside"],
    &["planned"],
    &["state"],
    &["frame", "assets", "drawing", "charts", "sweep"],
    &["guard", "views", "actions"],
    &["report", "router"],
    &["server"],
    &["lib"],
];

const CLUSTER: Layers = &[
    &["error", "names", "tail", "bundling"],
    &["format"],
    &["request", "transport"],
    &["pull", "worker", "jobs"],
    &["scheduler"],
    &["lib"],
];

const SIGNATURES: Layers = &[&["error"], &["file"], &["key"], &["trusted"], &["lib"]];

fn layer(layers: Layers, module: &str) -> Option<usize> {
    layers.iter().position(|modules| modules.contains(&module))
}

/// Returns the path of a folder with the source of a crate.
fn source(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
}

/// Collects the source files of a folder, except modules that are compiled for unit tests only, and programs in
/// `bin`, which are crates of their own.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).expect("a folder of the source");
    let paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    let tests: Vec<_> = paths.iter().filter(|path| path.is_file()).flat_map(test_modules).collect();
    for path in &paths {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        if stem.is_some_and(|stem| stem == "tests" || stem == "bin" || tests.contains(&stem)) {
            continue;
        }
        if path.is_dir() {
            files(path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path.clone());
        }
    }
}

/// Returns the modules that a file declares for unit tests only.
fn test_modules(path: &PathBuf) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let declared = text.split("#[cfg(test)]\nmod ").skip(1);
    declared.filter_map(|rest| Some(rest.split_once(';')?.0.to_owned())).collect()
}

/// Returns the path of a file's module, such as `["store", "gc"]`.
fn module(source: &Path, file: &Path) -> Vec<String> {
    let relative = file.strip_prefix(source).expect("a file of the source").with_extension("");
    let mut parts: Vec<_> =
        relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// Returns the code of a file without comments, string literals and the unit tests at its end.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines().map(|line| line.split("//").next().unwrap_or_default());
    let (mut code, mut in_text, mut before) = (String::new(), false, ' ');
    for c in lines.flat_map(|line| line.chars().chain(['\n'])) {
        if c == '"' && before != '\\' && before != '\'' {
            in_text = !in_text;
        } else if !in_text {
            code.push(c);
        }
        before = c;
    }
    code
}

/// Returns the first names after `root` in all paths of the code, including each name in braces.
fn names_after<'a>(code: &'a str, root: &str) -> Vec<&'a str> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut names = Vec::new();
    for (at, _) in code.match_indices(root) {
        if code[..at].ends_with(|c: char| is_name(c) || c == '$' || c == ':') {
            continue;
        }
        let rest = &code[at + root.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let group = group.split(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                depth < 0
            });
            let group = group.into_iter().next().unwrap_or_default();
            names.extend(group.split(',').map(str::trim).filter(|name| !name.is_empty()));
        } else {
            names.push(rest);
        }
    }
    let end = |name: &&str| name.find(|c| !is_name(c)).unwrap_or(name.len());
    names.into_iter().map(|name| &name[..end(&name)]).collect()
}

/// Returns the top-level modules that each file imports.
fn imports(source: &Path) -> BTreeMap<PathBuf, Vec<String>> {
    let mut found = Vec::new();
    files(source, &mut found);
    let imports = found.into_iter().map(|file| {
        let code = code(&fs::read_to_string(&file).expect("a file of the source"));
        let own = module(source, &file);
        let mut imported: Vec<_> =
            names_after(&code, "crate::").into_iter().map(str::to_owned).collect();
        // `super::` in a top-level module leads to the root of the crate.
        if own.len() == 1 {
            imported.extend(names_after(&code, "super::").into_iter().map(str::to_owned));
        }
        (file, imported)
    });
    imports.collect()
}

/// Returns the imports of a crate that lead to a higher layer.
fn upward(folder: &str, layers: Layers) -> Vec<String> {
    let source = source(folder);
    let mut upward = Vec::new();
    for (file, imported) in imports(&source) {
        let own = module(&source, &file).first().cloned().unwrap_or_default();
        let own_layer = layer(layers, &own)
            .unwrap_or_else(|| panic!("{} belongs to no layer: add it here", file.display()));
        for name in imported {
            let of = layer(layers, &name);
            if of.is_none_or(|of| of > own_layer) {
                let what = if of.is_none() { "no layer" } else { "a layer above" };
                upward.push(format!("{} imports crate::{name}, of {what}", file.display()));
            }
        }
    }
    upward.sort();
    upward.dedup();
    upward
}

#[test]
fn each_layer_imports_only_from_itself_and_lower_layers() {
    let crates = [
        ("flow-cli/src", CLI),
        ("flow-cli/src/bin/cargo-flow", CARGO_FLOW),
        ("flow-cluster/src", CLUSTER),
        ("flow-core/src", CORE),
        ("flow-derive/src", DERIVE),
        ("flow-page/src", PAGE),
        ("flow-signatures/src", SIGNATURES),
    ];
    for (folder, layers) in crates {
        let upward = upward(folder, layers);
        assert!(upward.is_empty(), "{} upward imports:\n{}", upward.len(), upward.join("\n"));
    }
}

#[test]
fn an_upward_import_is_found_in_every_form() {
    let code = code(
        "use crate::plan::{Graph, judge::{Judge, Upstream}};\n\
         use crate::{store::Store, engine};\n\
         /// [`Flow`](crate::flow::Flow)\n\
         fn f() -> crate::sweep::Sweep { other_crate::task() }\n\
         const TEXT: &str = \"crate::check\";\n\
         #[cfg(test)]\nmod tests { use crate::check::Checked; }",
    );
    assert_eq!(names_after(&code, "crate::"), ["plan", "store", "engine", "sweep"]);
}
