//! Draft records: what a child has computed is not lost if its parent dies before it commits.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use flow::prelude::*;
use rustix::process::{Signal, getpid, kill_process};

use crate::faulty::{Faulty, Op};
use crate::isolation::open;
use crate::support::{faulty_flow, files_below, ran};

#[derive(Task)]
#[task(target = Json<u64>)]
pub(crate) struct Part {
    n: u64,
}

runs!(Part: u64 = |self, _cx| Ok(self.n));

/// Reads, requires and records something, so that all of it must be in the draft.
#[derive(Task)]
#[task(requires = Part { n: 1 }, target = Json<u64>, isolate)]
pub(crate) struct Costly;

runs!(Costly: u64 = |self, cx| {
    cx.meta("cost", 1_000)?;
    let more = cx.with(Part::N, 2_u64).require::<Part>()?;
    Ok(*cx.input().load()? + *more.load()? + cx.env("FLOW_TEST_UNSET")?.map_or(0, |_| 1))
});

const FOLDER: &str = "FLOW_TEST_DRAFTS";

/// Is started by [`killed`], and kills itself before it commits the output of the child.
#[test]
fn parent() -> Result<()> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return Ok(()) };
    let fs = Faulty::new();
    // In a child, this call takes over.
    let flow = faulty_flow(&folder, &fs)?;
    fs.fail(|_, op, path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_costly = path.components().any(|part| part.as_os_str() == "Costly");
        if op == Op::Rename && is_costly && name.starts_with("record.json") {
            let _ = kill_process(getpid(), Signal::KILL);
        }
        None
    });
    flow.workers(1).run::<Costly>()?;
    bail!("it was not killed")
}

/// Runs the task in a process that is killed before the commit. Returns the draft that is left.
pub(crate) fn killed(folder: &Path) -> Result<PathBuf> {
    let status = Command::new(std::env::current_exe()?)
        .args(["isolation_drafts::parent", "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .status()?;
    ensure!(!status.success(), "the process was not killed");
    let mut drafts = files_below(&folder.join("data/.flow/drafts"));
    ensure!(drafts.len() == 1, "{drafts:?}");
    Ok(drafts.remove(0))
}

#[test]
fn the_next_run_commits_what_a_child_has_computed() -> Result<()> {
    let opened = open();
    let draft = killed(&opened.folder)?;
    let flow = &opened.flow;
    assert!(!flow.is_complete::<Costly>()?);
    // Its file is not garbage as long as the draft is there.
    let garbage = flow.store().gc().older_than(Duration::ZERO).find()?;
    let is_data = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("data-"))
    };
    assert!(!garbage.paths().iter().any(is_data), "{garbage}");
    assert!(!ran(&flow.run::<Costly>()?).contains(&"Costly".to_owned()));
    assert_eq!(*flow.load::<Costly>()?, 3);
    assert_eq!(flow.output::<Costly>()?.meta::<u64>("cost")?, 1_000);
    assert!(flow.is_complete::<Costly>()?);
    assert!(!draft.exists());
    assert!(flow.store().verify()?.is_whole());
    Ok(())
}

#[test]
fn a_draft_whose_file_is_damaged_is_removed() -> Result<()> {
    let opened = open();
    let draft = killed(&opened.folder)?;
    for file in files_below(&opened.flow.folder().join("Costly")) {
        fs::write(file, "4")?;
    }
    assert!(ran(&opened.flow.run::<Costly>()?).contains(&"Costly".to_owned()));
    assert_eq!(*opened.flow.load::<Costly>()?, 3);
    assert!(!draft.exists());
    Ok(())
}

#[test]
fn a_draft_that_is_older_than_the_record_is_removed() -> Result<()> {
    let opened = open();
    let draft = killed(&opened.folder)?;
    let kept = opened.folder.join("kept");
    fs::copy(&draft, &kept)?;
    opened.flow.run::<Costly>()?;
    opened.flow.force_all().run::<Costly>()?;
    let record = fs::read(crate::support::one_file(
        &opened.flow.folder().join("Costly"),
        "record",
        ".json",
    ))?;
    fs::copy(&kept, &draft)?;
    // Drafts are looked for if something is pending.
    let flow = opened.flow.with(Part::N, 9_u64);
    assert_eq!(ran(&flow.run::<(Costly, Part)>()?), ["Part"]);
    assert!(!draft.exists());
    let now = fs::read(crate::support::one_file(
        &opened.flow.folder().join("Costly"),
        "record",
        ".json",
    ))?;
    assert_eq!(now, record);
    Ok(())
}

#[test]
fn damaged_and_foreign_drafts_do_no_harm() -> Result<()> {
    let opened = open();
    let draft = killed(&opened.folder)?;
    let text = fs::read_to_string(&draft)?;
    let name = draft.file_name().context("a name")?.to_string_lossy().into_owned();
    // Another instance, a folder outside, a task of another program, and no draft at all.
    let digits = ["a", "b", "c"].into_iter().filter(|digit| !name.starts_with(digit));
    let others: Vec<_> =
        digits.map(|digit| draft.with_file_name(format!("{digit}{}", &name[1..]))).collect();
    let (other, cut) = (&others[0], &others[1]);
    fs::write(other, &text)?;
    fs::write(&draft, text.replacen("\"folder\":\"Costly/", "\"folder\":\"../Costly/", 1))?;
    opened.flow.run::<Costly>()?;
    assert!(!opened.folder.join("Costly").exists());
    assert!(!draft.exists() && !other.exists());
    fs::write(&draft, text.replace("isolation_drafts", "another_module"))?;
    fs::write(cut, &text[..text.len() / 2])?;
    let flow = opened.flow.with(Part::N, 9_u64);
    assert_eq!(ran(&flow.run::<(Costly, Part)>()?), ["Part"]);
    assert!(draft.exists(), "the other program may commit it");
    assert!(!cut.exists());
    Ok(())
}
