//! The versions of dependency crates: with `#[tracked(lock)]` they are part of the code. Without
//! it, other versions cause a warning.
//!
//! A folder replaces a registry. A test replaces a crate in it by another release, and `cargo
//! update` writes that into the lock.

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

/// A registry that is never contacted, because a folder replaces it.
const CONFIG: &str = r#"[registries.tests]
index = "https://registry.invalid/index"

[source.tests]
registry = "https://registry.invalid/index"
replace-with = "folder"

[source.folder]
directory = "registry"
"#;

/// `Followed` ignores versions, `Locked` tracks them, `Bodily` tracks them together with its body
/// only, and `All` loads the three outputs.
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

/// Replaces the release of a crate in the registry, so that cargo finds the new one only.
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

/// Updates the lock to the releases in the registry.
fn update(fixture: &Fixture, arguments: &[&str]) {
    let arguments = [&["update"], arguments].concat();
    fixture.cargo(&arguments).map(drop).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn versions_of_crates_are_tracked_with_lock_and_warned_about_without() {
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

    // Another release of a direct dependency.
    publish_dice(&fixture, "1.1.0", 10);
    update(&fixture, &["dice"]);
    let direct = fixture.run();
    direct.has("Followed COMPLETE");
    direct.has("warning: Followed was made with dice 1.0.0, now 1.1.0");
    direct.has("Locked PENDING code: dice 1.0.0 is 1.1.0 now\n");
    direct.has("Bodily PENDING code: dice 1.0.0 is 1.1.0 now\n");
    assert_eq!(direct.line("ran:"), "Locked Bodily All");
    assert_eq!(direct.line("value:"), "[6, 16, 16]");

    // Another release of an indirect dependency: it only counts with `lock`.
    publish_sides(&fixture, "2.0.1", 8);
    update(&fixture, &["sides"]);
    let deep = fixture.run();
    deep.has("Locked PENDING code: sides 2.0.0 is 2.0.1 now\n");
    deep.has("warning: Followed was made with dice 1.0.0, now 1.1.0");
    deep.has_not("made with sides");
    assert_eq!(deep.line("ran:"), "Locked Bodily All");
    assert_eq!(deep.line("value:"), "[6, 18, 18]");

    // Back to the first releases: nothing runs, and there is no warning.
    publish_dice(&fixture, "1.0.0", 0);
    publish_sides(&fixture, "2.0.0", 6);
    update(&fixture, &["dice", "sides"]);
    let back = fixture.run();
    assert_eq!(back.line("ran:"), "");
    back.has_not("made with");
    assert_eq!(back.line("value:"), "[6, 6, 6]");
}
