//! Switches between two versions of the code of the example `iris`.

use std::fs;
use std::path::Path;

use crate::fixture::Fixture;

const SOURCE: &str = include_str!("../../examples/iris.rs");

/// Dependencies that no example uses. With them, the dependencies of an example have the features that they have for
/// the tests of this repository, so that Arrow and Parquet are not built once more.
const SAME_FEATURES: &str = r#"
getrandom = { version = "0.4", features = ["std", "sys_rng"] }
indexmap = { version = "2", features = ["serde"] }
memchr = "2"
rand = { version = "0.10", default-features = false, features = ["std", "sys_rng"] }
regex-syntax = "0.8"
simdutf8 = { version = "0.1", default-features = false, features = ["aarch64_neon", "public_imp"] }
tempfile = "3"

[build-dependencies]
memchr = "2"
serde_core = { version = "1", features = ["result"] }
syn = { version = "2", features = ["extra-traits", "full", "visit"] }
toml = "1"
"#;

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
    for member in ["flow-core", "flow-derive", "flow-targets", "typed-flow"] {
        profiles.push_str(&format!("\n[profile.dev.package.{member}]\n{lines}"));
    }
    format!(
        "[package]\nname = \"fixture-{name}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         arrow = {}\ncsv = {}\nserde = {}\nsmartcore = {}\n\
         flow = {{ package = \"typed-flow\", path = \"@LIBRARY@\", features = [\"excel\"] }}\n\
         {SAME_FEATURES}\n{profiles}",
        version("arrow")
            .replace("default-features = false", "features = [\"csv\"], default-features = false"),
        version("csv"),
        version("serde"),
        version("smartcore"),
    )
}

#[test]
fn going_back_to_earlier_code_runs_nothing() {
    // The dependencies are built already, for the tests.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    let fixture = Fixture::new("iris", SOURCE).with_target_at(target);
    fixture.write("Cargo.toml", &manifest("iris"));
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/iris.csv");
    fixture.write("examples/data/iris.csv", &fs::read_to_string(data).expect("the data"));

    let first = fixture.run();
    first.has("3 tasks in");
    first.has("3 ran");

    // Another version of a function: the variance of a sample.
    fixture.edit(".sum::<f64>() / rows;", ".sum::<f64>() / (rows - 1.0);");
    let second = fixture.run();
    second.has("Preprocess {do_preprocess: true} PENDING code: standardise (src/main.rs) changed");
    second.has("GetData {source: examples/data/iris.csv} COMPLETE");
    second.has("ran:\n    Preprocess");

    // The first version again: its outputs are kept, and nothing runs in either flow of the
    // example.
    fixture.edit(".sum::<f64>() / (rows - 1.0);", ".sum::<f64>() / rows;");
    let third = fixture.run();
    third.has("reused a stored output:");
    third.has_not("ran:");
    assert_eq!(third.line("accuracy:"), first.line("accuracy:"));
    assert_ne!(second.line("accuracy:"), "");

    // Once more the second version, and its outputs.
    fixture.edit(".sum::<f64>() / rows;", ".sum::<f64>() / (rows - 1.0);");
    let fourth = fixture.run();
    fourth.has_not("ran:");
    assert_eq!(fourth.line("accuracy:"), second.line("accuracy:"));
}
