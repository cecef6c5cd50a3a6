//! A project in another folder: another checkout, or a moved one. Outputs that do not depend on the path of
//! the project are complete there, and can be pulled.

use std::fs;
use std::path::{Path, PathBuf};

use flow::prelude::*;
use flow::remote::RemoteFolder;

use crate::support::{flow, plan_error, ran};

/// Reads a file whose path is insignificant.
#[derive(Task)]
#[task(target = Json<usize>)]
struct Lines {
    #[param(file, insignificant)]
    path: PathBuf,
}

runs!(Lines: usize = |self, _cx| Ok(fs::read_to_string(&self.path)?.lines().count()));

#[derive(Task)]
#[task(requires = Lines, target = Json<usize>)]
struct Twice;

runs!(Twice: usize = |self, cx| Ok(2 * *cx.input().load()?));

/// Reads a file whose path is part of the key.
#[derive(Task)]
#[task(target = Json<usize>)]
struct Placed {
    #[param(file)]
    path: PathBuf,
}

runs!(Placed: usize = |self, _cx| Ok(fs::read_to_string(&self.path)?.lines().count()));

/// Reads files by absolute paths that it computes while it runs.
#[derive(Task)]
#[task(target = Json<usize>)]
struct Found {
    #[param(insignificant)]
    project: PathBuf,
}

runs!(Found: usize = |self, cx| {
    let raw = fs::read_to_string(cx.file(self.project.join("raw.csv"))?)?.lines().count();
    Ok(raw + cx.files(self.project.join("parts/*.csv"))?.len())
});

/// Creates a checkout with data and a store in a folder.
fn checkout(at: &Path) -> Result<Flow> {
    fs::create_dir_all(at.join("parts"))?;
    for name in ["raw.csv", "parts/a.csv"] {
        if !at.join(name).exists() {
            fs::write(at.join(name), "1\n2\n")?;
        }
    }
    open(at)
}

fn open(at: &Path) -> Result<Flow> {
    let flow = Flow::open(at.join("data"))?.quiet();
    let flow = flow.with(Lines::PATH, at.join("raw.csv")).with(Placed::PATH, at.join("raw.csv"));
    Ok(flow.with(Found::PROJECT, at))
}

#[test]
fn another_checkout_pulls_outputs_that_depend_on_content_only() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (a, b) = (checkout(&folder.path().join("a"))?, checkout(&folder.path().join("b"))?);
    let remote = RemoteFolder::new(folder.path().join("remote"));
    a.run::<(Twice, Found)>()?;
    let pushed = a.push::<(Twice, Found)>(&remote)?;
    assert_eq!(pushed.warnings(), [""; 0]);
    let mut pulled = b.pull::<(Twice, Found)>(&remote)?.instances().to_vec();
    pulled.sort();
    assert_eq!(pulled.len(), 3, "{pulled:?}");
    assert!(b.is_complete::<(Twice, Found)>()?);
    assert_eq!((*b.load::<Twice>()?, *b.load::<Found>()?), (4, 3));

    // A changed content reruns the tasks in this checkout, and not in the other one.
    fs::write(folder.path().join("b/raw.csv"), "1\n2\n3\n")?;
    assert_eq!(ran(&b.run::<(Twice, Found)>()?), ["Found", "Lines", "Twice"]);
    assert_eq!((*b.load::<Twice>()?, *b.load::<Found>()?), (6, 4));
    assert!(a.is_complete::<(Twice, Found)>()?);
    fs::write(folder.path().join("b/parts/b.csv"), "")?;
    assert_eq!(ran(&b.run::<(Twice, Found)>()?), ["Found"]);
    Ok(())
}

#[test]
fn outputs_of_a_different_file_are_not_pulled() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let a = checkout(&folder.path().join("a"))?;
    let at = folder.path().join("b");
    fs::create_dir(&at)?;
    fs::write(at.join("raw.csv"), "1\n2\n3\n")?;
    let b = checkout(&at)?;
    let remote = RemoteFolder::new(folder.path().join("remote"));
    a.run::<(Twice, Found)>()?;
    a.push::<(Twice, Found)>(&remote)?;
    // The files that the pushed outputs were computed from exist only in the first checkout.
    assert_eq!(b.pull::<(Twice, Found)>(&remote)?.instances(), [""; 0]);
    b.run::<(Twice, Found)>()?;
    assert_eq!((*b.load::<Twice>()?, *b.load::<Found>()?), (6, 4));
    Ok(())
}

#[test]
fn a_moved_project_is_complete() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = folder.path().join("a");
    for env in [false, true] {
        let of = |flow: Flow| if env { flow.namespace("prod") } else { flow };
        of(checkout(&at)?).run::<(Twice, Found)>()?;
        let moved = folder.path().join("moved");
        fs::rename(&at, &moved)?;
        let there = of(open(&moved)?);
        assert!(there.is_complete::<(Twice, Found)>()?, "{}", there.preview::<(Twice, Found)>()?);
        assert_eq!(ran(&there.run::<(Twice, Found)>()?), [""; 0]);
        // Files at the old path of the project are dependencies, too, if they exist.
        fs::create_dir(&at)?;
        fs::write(at.join("raw.csv"), "other")?;
        assert!(there.is_complete::<Twice>()?);
        assert!(!there.is_complete::<Found>()?);
        fs::remove_dir_all(&at)?;
        fs::rename(&moved, &at)?;
    }
    Ok(())
}

#[test]
fn pushing_absolute_paths_is_a_warning() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let a = checkout(&folder.path().join("a"))?;
    let outside = folder.path().join("outside");
    fs::create_dir_all(outside.join("parts"))?;
    fs::write(outside.join("raw.csv"), "")?;
    fs::write(outside.join("parts/a.csv"), "")?;
    let a = a.with(Found::PROJECT, &outside);
    let remote = RemoteFolder::new(folder.path().join("remote"));
    a.run::<(Placed, Found)>()?;
    let pushed = a.push::<(Placed, Found)>(&remote)?;
    let warnings = pushed.warnings();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[0].starts_with("`Placed.path` is an absolute path, "), "{warnings:?}");
    assert!(warnings[0].ends_with("mark the parameter `#[param(file, insignificant)]`"));
    for warning in &warnings[1..] {
        assert!(warning.starts_with("`Found` reads an absolute path outside the project, "));
    }
    let shown = pushed.to_string();
    assert!(shown.contains("\n  warning: `Placed.path`"), "{shown}");
    Ok(())
}

#[derive(Task)]
#[task(requires(one = Lines { path: "one.csv" }, two = Lines { path: "two.csv" }), target = Json<usize>)]
struct Both;

runs!(Both: usize = |self, cx| Ok(*cx.input().one.load()? + *cx.input().two.load()?));

#[derive(Task)]
#[task(requires(one = Lines { path: "one.csv" }, two = Lines { path: "./one.csv" }), target = Json<usize>)]
struct Same;

runs!(Same: usize = |self, cx| Ok(*cx.input().one.load()? + *cx.input().two.load()?));

#[test]
fn two_files_under_one_key_are_an_error_of_the_plan() -> Result<()> {
    let (flow, _folder) = flow();
    let here = std::env::current_dir()?;
    let paths = format!("{:?} and {:?}", here.join("one.csv"), here.join("two.csv"));
    assert_eq!(
        plan_error::<Both>(&flow),
        format!(
            "two instances of `Lines` have one key and read different files, {paths}: remove `insignificant` \
             from `Lines.path`, or add a parameter that tells them apart\n  required by: Both → Lines"
        )
    );
    let sweep = flow.sweep::<Lines>().over(Lines::PATH, ["one.csv", "two.csv"]);
    let error = sweep.preview().expect_err("two files").to_string();
    assert!(error.contains(&paths), "{error}");
    // Two paths of the same file are no error.
    assert!(flow.preview::<Same>().is_ok());
    Ok(())
}

#[test]
fn another_file_of_the_same_key_is_another_output() -> Result<()> {
    let (flow, folder) = flow();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    fs::write(&one, "1")?;
    fs::write(&two, "1\n2")?;
    let (of_one, of_two) = (flow.with(Lines::PATH, one), flow.with(Lines::PATH, two));
    of_one.run::<Twice>()?;
    assert!(!of_two.is_complete::<Twice>()?);
    of_two.run::<Twice>()?;
    assert_eq!(*of_two.load::<Twice>()?, 4);
    assert_eq!(ran(&of_one.run::<Twice>()?), [""; 0]);
    assert_eq!(*of_one.load::<Twice>()?, 2);
    Ok(())
}
