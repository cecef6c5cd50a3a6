//! The versions of crates: with `#[tracked(lock)]` they count; without, others are told of.
//!
//! A folder stands for a registry; a crate in it is replaced by another release, which `cargo update`
//! then writes into the lock.

use crate::fixture::Fixture;

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

/// Puts a release into the registry, in the place of the one that was there: cargo takes the newest.
fn publish(fixture: &Fixture, name: &str, version: &str, dependencies: &str, library: &str) {
    let folder = format!("registry/{name}");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\n\n\
         [dependencies]\n{dependencies}"
    );
    fixture.write(&format!("{folder}/Cargo.toml"), &manifest);
    fixture.write(&format!("{folder}/.cargo-checksum.json"), "{\"files\":{}}");
    fixture.write(&format!("{folder}/src/lib.rs"), library);
}

fn publish_dice(fixture: &Fixture, version: &str, more: u64) {
    let on = "sides = { version = \"2\", registry-index = \"https://registry.invalid/index\" }\n";
    let library = format!("pub fn roll() -> u64 {{ sides::sides() + {more} }}\n");
    publish(fixture, "dice", version, on, &library);
}

fn publish_sides(fixture: &Fixture, version: &str, sides: u64) {
    let library = format!("pub fn sides() -> u64 {{ {sides} }}\n");
    publish(fixture, "sides", version, "", &library);
}

/// Lets the lock name what there is.
fn update(fixture: &Fixture, arguments: &[&str]) {
    let arguments = [&["update"], arguments].concat();
    fixture.cargo(&arguments).map(drop).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn versions_of_crates_count_with_lock_and_are_told_without() {
    let fixture = Fixture::new("crates", MAIN);
    fixture.write("Cargo.toml", MANIFEST);
    fixture.write(".cargo/config.toml", CONFIG);
    publish_dice(&fixture, "1.0.0", 0);
    publish_sides(&fixture, "2.0.0", 6);
    update(&fixture, &["--workspace"]);
    let first = fixture.run();
    assert_eq!(first.line("ran:"), "Followed Locked Bodily All");
    assert_eq!(first.line("value:"), "[6, 6, 6]");
    let none = fixture.run();
    assert_eq!(none.line("ran:"), "");
    none.has_not("warning");

    // Another release of the crate that the program names.
    publish_dice(&fixture, "1.1.0", 10);
    update(&fixture, &["dice"]);
    let direct = fixture.run();
    direct.has("Followed COMPLETE");
    direct.has("warning: Followed was made with dice 1.0.0, now 1.1.0");
    direct.has("Locked PENDING code: dice 1.0.0 is 1.1.0 now\n");
    direct.has("Bodily PENDING code: dice 1.0.0 is 1.1.0 now\n");
    assert_eq!(direct.line("ran:"), "Locked Bodily All");
    assert_eq!(direct.line("value:"), "[6, 16, 16]");

    // One of a crate that is named by that crate alone: it is told where it counts.
    publish_sides(&fixture, "2.0.1", 8);
    update(&fixture, &["sides"]);
    let deep = fixture.run();
    deep.has("Locked PENDING code: sides 2.0.0 is 2.0.1 now\n");
    deep.has("warning: Followed was made with dice 1.0.0, now 1.1.0");
    deep.has_not("made with sides");
    assert_eq!(deep.line("ran:"), "Locked Bodily All");
    assert_eq!(deep.line("value:"), "[6, 18, 18]");

    // And back: nothing runs, and nothing is told.
    publish_dice(&fixture, "1.0.0", 0);
    publish_sides(&fixture, "2.0.0", 6);
    update(&fixture, &["dice", "sides"]);
    let back = fixture.run();
    assert_eq!(back.line("ran:"), "");
    back.has_not("made with");
    assert_eq!(back.line("value:"), "[6, 6, 6]");
}
