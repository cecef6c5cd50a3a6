//! The versions of crates: with `#[tracked(lock)]` they count; without, others are told of.
//!
//! Two releases of a crate lie in a folder that stands for a registry, and cargo is told to use the
//! one or the other, as `cargo update` does it.

use crate::fixture::{Fixture, Printed};

const MANIFEST: &str = r#"[package]
name = "crates"
edition = "2024"

[workspace]

[dependencies]
flow = { package = "typed-flow", path = "@LIBRARY@", default-features = false, features = ["json"] }
dice = { version = "1", registry = "tests" }

[profile.dev]
debug = false
"#;

/// A registry that nobody asks, since a folder stands for it.
const CONFIG: &str = r#"[registries.tests]
index = "https://registry.invalid/index"

[source.tests]
registry = "https://registry.invalid/index"
replace-with = "folder"

[source.folder]
directory = "registry"
"#;

/// A task for which versions count, one for which they count with its body alone, one for which they
/// do not, and one that loads what `dice` gave.
const MAIN: &str = r#"
use flow::prelude::*;

#[derive(Task)]
#[task(target = Json<u64>)]
struct Followed;

#[tracked]
impl Run for Followed {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(dice::roll())
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Locked;

#[tracked(lock)]
impl Run for Locked {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(dice::roll())
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Bodily;

#[tracked(body, lock)]
impl Run for Bodily {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(helper())
    }
}

fn helper() -> u64 {
    dice::roll()
}

#[derive(Task)]
#[task(requires(Followed, Locked, Bodily), target = Json<Vec<u64>>)]
struct All;

#[tracked]
impl Run for All {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<u64>> {
        let (a, b, c) = cx.input();
        Ok(vec![*a.load()?, *b.load()?, *c.load()?])
    }
}

fn main() -> Result<()> {
    let flow = Flow::open("store")?.quiet().workers(1);
    println!("{}", flow.preview::<All>()?);
    let summary = flow.run::<All>()?;
    let ran = summary.ran();
    println!("ran: {}", ran.iter().map(flow::Entry::task).collect::<Vec<_>>().join(" "));
    println!("value: {:?}", flow.load::<All>()?);
    Ok(())
}
"#;

/// Puts a release of a crate into the registry, whose library is this.
fn release(fixture: &Fixture, name: &str, version: &str, dependencies: &str, library: &str) {
    let folder = format!("registry/{name}-{version}");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\n\n\
         [dependencies]\n{dependencies}"
    );
    fixture.write(&format!("{folder}/Cargo.toml"), &manifest);
    fixture.write(&format!("{folder}/.cargo-checksum.json"), "{\"files\":{}}");
    fixture.write(&format!("{folder}/src/lib.rs"), library);
}

fn with_dice(name: &str) -> Fixture {
    let fixture = Fixture::new(name, MAIN);
    fixture.write("Cargo.toml", MANIFEST);
    fixture.write(".cargo/config.toml", CONFIG);
    let on_sides =
        "sides = { version = \"2\", registry-index = \"https://registry.invalid/index\" }\n";
    for (version, more) in [("1.0.0", 0), ("1.1.0", 10)] {
        let library = format!("pub fn roll() -> u64 {{ sides::sides() + {more} }}\n");
        release(&fixture, "dice", version, on_sides, &library);
    }
    for (version, sides) in [("2.0.0", 6), ("2.0.1", 8)] {
        let library = format!("pub fn sides() -> u64 {{ {sides} }}\n");
        release(&fixture, "sides", version, "", &library);
    }
    use_release(&fixture, "dice", "1.0.0");
    use_release(&fixture, "sides", "2.0.0");
    fixture
}

fn use_release(fixture: &Fixture, name: &str, version: &str) {
    let updated = fixture.cargo(&["update", name, "--precise", version]);
    updated.map(|_: Printed| ()).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn versions_of_crates_count_with_lock_and_are_told_without() {
    let fixture = with_dice("crates");
    let first = fixture.run();
    assert_eq!(first.line("ran:"), "Followed Locked Bodily All");
    assert_eq!(first.line("value:"), "[6, 6, 6]");
    let none = fixture.run();
    assert_eq!(none.line("ran:"), "");
    none.has_not("warning");

    // Another release of the crate that the program names.
    use_release(&fixture, "dice", "1.1.0");
    let direct = fixture.run();
    direct.has("Followed COMPLETE");
    direct.has("warning: Followed was made with dice 1.0.0, now 1.1.0");
    direct.has("Locked PENDING code: dice 1.0.0 is 1.1.0 now\n");
    direct.has("Bodily PENDING code: dice 1.0.0 is 1.1.0 now\n");
    assert_eq!(direct.line("ran:"), "Locked Bodily All");
    assert_eq!(direct.line("value:"), "[6, 16, 16]");

    // One of a crate that is named by that crate alone: it is told where it counts.
    use_release(&fixture, "sides", "2.0.1");
    let deep = fixture.run();
    deep.has("Locked PENDING code: sides 2.0.0 is 2.0.1 now\n");
    deep.has("warning: Followed was made with dice 1.0.0, now 1.1.0");
    deep.has_not("made with sides");
    assert_eq!(deep.line("ran:"), "Locked Bodily All");
    assert_eq!(deep.line("value:"), "[6, 18, 18]");

    // And back: nothing runs, and nothing is told.
    use_release(&fixture, "dice", "1.0.0");
    use_release(&fixture, "sides", "2.0.0");
    let back = fixture.run();
    assert_eq!(back.line("ran:"), "");
    back.has_not("made with");
    assert_eq!(back.line("value:"), "[6, 6, 6]");
}
