//! Relative paths keep their meaning when the current folder changes while a flow is in use.
//!
//! The current folder belongs to the process, so the test starts this test program again as a child.

use std::path::{Path, PathBuf};
use std::process::Command;

use flow::prelude::*;
use flow::remote::RemoteFolder;

use crate::support::{files_below, ran};

const ELSEWHERE: &str = "FLOW_TEST_ELSEWHERE";

/// Changes the current folder, as a library may do.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Moves {
    to: PathBuf,
}

runs!(Moves: u64 = |self, _cx| {
    std::env::set_current_dir(&self.to)?;
    Ok(1)
});

#[derive(Task)]
#[task(requires = Moves, target = Json<u64>)]
struct Follows;

runs!(Follows: u64 = |self, cx| Ok(*cx.input().load()? + 1));

/// An external file with a relative path.
#[derive(Task)]
#[task(external, path = "in.json", target = Json<u64>)]
struct Given;

/// Changes the current folder and then loads its input.
#[derive(Task)]
#[task(requires = Given, target = Json<u64>)]
struct Reads {
    to: PathBuf,
}

runs!(Reads: u64 = |self, cx| {
    std::env::set_current_dir(&self.to)?;
    Ok(*cx.input().load()? + 1)
});

/// Starts in the folder `here`; its tasks change the current folder.
#[test]
fn child() -> Result<()> {
    let Some(elsewhere) = std::env::var_os(ELSEWHERE).map(PathBuf::from) else { return Ok(()) };
    let here = std::env::current_dir()?;
    let flow = Flow::open("data")?.quiet().workers(1).with(Moves::TO, &elsewhere);
    let other = Flow::open("other")?.quiet().with(Moves::TO, &elsewhere);
    let (remote, prod) = (RemoteFolder::new("remote"), flow.namespace("prod"));
    let source = flow::target::Source::file("in.json");
    let scratch = flow.with(Reads::TO, &elsewhere);

    assert_eq!(ran(&flow.run::<Follows>()?), ["Follows", "Moves"]);
    assert_eq!(std::env::current_dir()?, elsewhere);
    assert!(flow.is_complete::<Follows>()?);
    assert_eq!(*flow.load::<Follows>()?, 2);
    assert_eq!(flow.folder(), here.join("data"));
    assert_eq!(
        flow.output::<Follows>()?.path()?.parent().and_then(Path::parent),
        Some(&*here.join("data/Follows"))
    );
    prod.run::<Follows>()?;
    flow.push::<Follows>(&remote)?;
    other.pull::<Follows>(&remote)?;
    assert_eq!(*other.load::<Follows>()?, 2);
    assert_eq!(source.read()?, b"4");

    // The paths of external files are relative to the current folder at the start of the run.
    std::env::set_current_dir(&here)?;
    assert_eq!(ran(&scratch.run::<Reads>()?), ["Reads"]);
    std::env::set_current_dir(&here)?;
    assert_eq!(*scratch.load::<Reads>()?, 5);
    // The path of an export is relative to the current folder when `export` is called.
    flow.export::<Follows>("handed")?;
    std::env::set_current_dir(&elsewhere)?;
    assert!(here.join("handed/manifest.json").exists());
    Ok(())
}

#[test]
fn relative_paths_survive_a_change_of_the_current_folder() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().canonicalize()?;
    let (here, elsewhere) = (root.join("here"), root.join("elsewhere"));
    std::fs::create_dir(&here)?;
    std::fs::create_dir(&elsewhere)?;
    std::fs::write(here.join("in.json"), "4")?;
    let done = Command::new(std::env::current_exe()?)
        .args(["current_folder::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(ELSEWHERE, &elsewhere)
        .current_dir(&here)
        .output()?;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(String::from_utf8_lossy(&done.stdout).contains("1 passed"));
    assert!(files_below(&elsewhere).is_empty(), "{:?}", files_below(&elsewhere));
    assert!(here.join("data/env=prod/Follows").exists());
    Ok(())
}
