//! One pipeline, built with other settings and in other folders: its code is the same everywhere.

use std::fs;
use std::path::Path;

use crate::fixture::Fixture;

/// Returns the pipeline as a program of another name than that of `retail`, which is edited at the
/// same time.
fn pipeline(folder: &str) -> Fixture {
    let fixture = Fixture::copy_as("retail", folder);
    let binary = "[[bin]]\nname = \"retail-places\"\npath = \"src/main.rs\"\n\n[profile.dev]";
    fixture.edit_in("Cargo.toml", "[profile.dev]", binary);
    fixture.write("src/lib.rs", LIBRARY);
    fixture
}

/// The library of the pipeline, with a task in a documentation example.
const LIBRARY: &str = r#"//! Common code of the shop's programs.
//!
//! ```
//! use flow::prelude::*;
//!
//! /// The days on which the shop is open.
//! #[derive(Task)]
//! #[task(target = Json<usize>)]
//! struct OpenDays;
//!
//! #[tracked]
//! impl Run for OpenDays {
//!     fn run(&self, _cx: &Cx<Self>) -> Result<usize> {
//!         Ok((1..=28).filter(|day| retail::calendar::is_open(*day)).count())
//!     }
//! }
//!
//! # fn main() -> Result<()> {
//! let flow = Flow::open("doctest-store")?;
//! flow.run::<OpenDays>()?;
//! assert_eq!(*flow.load::<OpenDays>()?, 24);
//! # Ok(())
//! # }
//! ```

pub mod calendar;
"#;

#[test]
fn nothing_is_pending_in_another_folder_or_build() {
    let here = pipeline("places/here");
    here.run();
    let preview = here.preview().expect("it was built before");
    assert!(preview.pending().is_empty(), "{:?}", preview.pending());

    // As a test of the same program, with `cfg(test)`.
    here.cargo(&["test", "--bins"]).unwrap_or_else(|error| panic!("cargo test: {error}"));

    // The same crate and store in another folder, first checked and then built as for a release. In all of them, as in
    // `.ci/long`, that is a release in a target folder of its own, for which every dependency is built again.
    let elsewhere = pipeline("places/far/away/elsewhere");
    let is_whole = std::env::var_os("FLOW_TEST_ALL").is_some();
    let elsewhere = if is_whole { elsewhere.with_target("code-elsewhere") } else { elsewhere };
    let settings: Vec<String> = ["retail", "stats", "mathkit"]
        .iter()
        .flat_map(|name| {
            let setting = |what| format!("profile.dev.package.{name}.{what}");
            [
                "--config".to_owned(),
                setting("opt-level=1"),
                "--config".to_owned(),
                setting("debug-assertions=false"),
            ]
        })
        .collect();
    let mut as_release = vec!["run"];
    if is_whole {
        as_release.push("--release");
    } else {
        as_release.extend(settings.iter().map(String::as_str));
    }
    as_release.extend(["--", "preview"]);
    copy(&here.folder().join("store"), &elsewhere.folder().join("store"));
    elsewhere.cargo(&["check"]).unwrap_or_else(|error| panic!("cargo check: {error}"));
    let release = elsewhere.cargo(&as_release);
    let release = release.unwrap_or_else(|error| panic!("as a release: {error}"));
    release.has("Report COMPLETE");
    assert!(release.pending().is_empty(), "{:?}", release.pending());

    // Both builds see a change, so that the result above was not due to missing tracking.
    for fixture in [&here, &elsewhere] {
        fixture.edit_in("src/prep.rs", "/ deviation)", "/ deviation / 2.0)");
    }
    let arguments: [&[&str]; 2] = [&["run", "--", "preview"], &as_release];
    for (fixture, arguments) in [&here, &elsewhere].into_iter().zip(arguments) {
        let preview = fixture.cargo(arguments).unwrap_or_else(|error| panic!("{error}"));
        preview.has("Features PENDING code: standardise (src/prep.rs) changed");
    }
}

#[test]
fn documentation_is_built_and_its_examples_run() {
    let fixture = pipeline("places/documented");
    let documented = fixture.cargo(&["doc", "--no-deps", "--document-private-items"]);
    documented.unwrap_or_else(|error| panic!("cargo doc: {error}"));
    fixture.cargo(&["test", "--doc"]).unwrap_or_else(|error| panic!("cargo test --doc: {error}"));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a store") {
        let entry = entry.expect("a file of a store");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}
