//! Switches between two versions of the code of the example `iris`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::fixture::{Fixture, Printed};

const SOURCE: &str = include_str!("../../examples/iris.rs");

/// A dependency that no example uses, so that Arrow and Parquet are not built once more.
const SAME_FEATURES: &str = "flow-same-features = { path = \"@LIBRARY@/tests/same_features\", \
                             default-features = false, features = [\"tests\"] }\n";

/// Returns the manifest of an example, with the versions of dependencies from this repository.
pub(crate) fn manifest(name: &str) -> String {
    let library = include_str!("../../Cargo.toml");
    let version = |name: &str| {
        let start = format!("{name} = ");
        let line = library.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("{name} has a version"))
    };
    // Those of this repository, so that nothing is built once more.
    let lines = "debug = \"line-tables-only\"\n";
    let mut profiles =
        format!("[profile.dev]\n{lines}\n[profile.dev.package.\"*\"]\ndebug = false\n");
    for member in ["flow-cli", "flow-core", "flow-derive", "flow-targets", "typed-flow"] {
        profiles.push_str(&format!("\n[profile.dev.package.{member}]\n{lines}"));
    }
    format!(
        "[package]\nname = \"fixture-{name}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         arrow = {}\ncsv = {}\nserde = {}\nsmartcore = {}\n\
         flow = {{ package = \"typed-flow\", path = \"@LIBRARY@\", features = [\"cli-yaml\", \"excel\", \"tracing\"] }}\n\
         {SAME_FEATURES}\n{profiles}",
        version("arrow")
            .replace("default-features = false", "features = [\"csv\"], default-features = false"),
        version("csv"),
        version("serde"),
        version("smartcore"),
    )
}

/// Returns the crates of others, with their versions and features, that these arguments of `cargo tree` list.
fn crates(fixture: &Fixture, arguments: &[&str]) -> BTreeSet<String> {
    let tree = ["tree", "--prefix", "none", "--format", "{p} {f}"];
    let printed = fixture.cargo(&[&tree[..], arguments].concat());
    let printed = printed.unwrap_or_else(|error| panic!("{error}"));
    // Those of this repository have a path.
    let others = printed.lines().filter(|line| !line.contains("(/"));
    others.map(|line| line.trim_end_matches(" (*)").trim_end().to_owned()).collect()
}

#[test]
fn what_an_example_depends_on_is_built_once() {
    let fixture = Fixture::new("same", "fn main() {}\n");
    fixture.write("Cargo.toml", &manifest("same"));
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let built = crates(
        &fixture,
        &["--manifest-path", workspace, "--workspace", "--edges", "normal,build,dev"],
    );
    let depended = crates(&fixture, &["--edges", "normal,build"]);
    let more: Vec<_> = depended.difference(&built).collect();
    assert!(
        more.is_empty(),
        "with other features than the tests of the workspace have them, these are built once more; the features \
         that are missing belong in tests/same_features/Cargo.toml: {more:#?}"
    );
}

/// Builds the example and runs it with the arguments of `line`.
fn typed(fixture: &Fixture, line: &str) -> Printed {
    let arguments: Vec<_> = ["run", "--"].into_iter().chain(line.split(' ')).collect();
    fixture.cargo(&arguments).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the accuracy that the current code of the example has recorded.
fn accuracy(fixture: &Fixture) -> String {
    typed(fixture, "meta Train").line("  accuracy:").to_owned()
}

#[test]
fn going_back_to_earlier_code_runs_nothing() {
    // The dependencies are built already, for the tests.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let fixture = Fixture::new("iris", SOURCE).with_target_at(target);
    fixture.write("Cargo.toml", &manifest("iris"));
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/iris.csv");
    fixture.write("examples/data/iris.csv", &fs::read_to_string(data).expect("the data"));

    let first = typed(&fixture, "run Train");
    first.has("3 tasks in");
    first.has("3 ran");
    let first = accuracy(&fixture);

    // Another version of a function: the variance of a sample.
    fixture.edit(".sum::<f64>() / rows;", ".sum::<f64>() / (rows - 1.0);");
    let plan = typed(&fixture, "plan Train");
    plan.has("Preprocess {do_preprocess: true} PENDING code: standardise (src/main.rs) changed");
    plan.has("GetData {source: examples/data/iris.csv} COMPLETE");
    typed(&fixture, "run Train").has("ran:\n    Preprocess");
    let second = accuracy(&fixture);
    assert_ne!(second, "");

    // The first version again: its outputs are kept, and nothing runs.
    fixture.edit(".sum::<f64>() / (rows - 1.0);", ".sum::<f64>() / rows;");
    let third = typed(&fixture, "run Train");
    third.has("reused a stored output:");
    third.has_not("ran:");
    assert_eq!(accuracy(&fixture), first);

    // Once more the second version, and its outputs.
    fixture.edit(".sum::<f64>() / rows;", ".sum::<f64>() / (rows - 1.0);");
    typed(&fixture, "run Train").has_not("ran:");
    assert_eq!(accuracy(&fixture), second);
}
