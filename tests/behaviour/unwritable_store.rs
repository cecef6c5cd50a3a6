//! A store that cannot be written ends a run at once with one error: no further task starts.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use flow::error::StoreError;
use flow::prelude::*;

use crate::faulty::{Fault, Faulty, Op};
use crate::support::{failed, failure, faulty_flow, files_below, ran};

const PARTS: u64 = 40;

/// All errors that mean that nothing can be written.
const KINDS: [ErrorKind; 4] = [
    ErrorKind::StorageFull,
    ErrorKind::QuotaExceeded,
    ErrorKind::ReadOnlyFilesystem,
    ErrorKind::PermissionDenied,
];

/// Counts the tasks that run.
#[derive(Clone, Default)]
struct Runs(Arc<AtomicU64>);

impl Runs {
    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(Task)]
#[task(uses(Runs), target = Json<u64>)]
struct Part {
    n: u64,
}

runs!(Part: u64 = |self, cx| {
    cx.provided::<Runs>().0.fetch_add(1, Ordering::SeqCst);
    Ok(self.n)
});

#[derive(Task)]
#[task(requires = [Part { n } for n in 0..PARTS], target = Json<u64>)]
struct Whole;

runs!(Whole: u64 = |self, cx| cx.input().iter().try_fold(0, |sum, part| Ok(sum + *part.load()?)));

/// Requires the parts while it runs.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Dynamic;

runs!(Dynamic: u64 = |self, cx| {
    let parts = cx.over(Part::N, 0..PARTS).require::<Part>()?;
    parts.iter().try_fold(0, |sum, part| Ok(sum + *part.load()?))
});

/// Returns a flow with one worker, its file system, and the number of tasks that it has run.
fn open(folder: &Path) -> Result<(Flow, Faulty, Runs)> {
    let (fs, runs) = (Faulty::new(), Runs::default());
    let flow = faulty_flow(folder, &fs)?.workers(1).provide(runs.clone());
    Ok((flow, fs, runs))
}

/// Lets each change of the store fail from the moment on at which `runs` tasks have begun.
fn fail_after(fs: &Faulty, runs: &Runs, count: u64, kind: ErrorKind) {
    let runs = runs.clone();
    fs.fail(move |_, op, _| (op.changes() && runs.count() >= count).then_some(Fault::Half(kind)));
}

/// Returns the message of a run that ended because its store cannot be written.
fn unwritable(run: Result<flow::Summary, flow::Error>) -> String {
    match run {
        Err(flow::Error::Store(error @ StoreError::Unwritable { .. })) => error.to_string(),
        other => panic!("expected that the store cannot be written, got {other:?}"),
    }
}

#[test]
fn no_task_runs_in_a_store_that_cannot_be_written() -> Result<()> {
    for (kind, remedy) in KINDS.into_iter().zip([
        "free space on its disk, then run again",
        "free space or raise the quota, then run again",
        "mount its file system for writing, or open a store in another folder",
        "let this user write to the folder, or open a store in another one",
    ]) {
        let folder = tempfile::tempdir()?;
        let (flow, fs, runs) = open(folder.path())?;
        fail_after(&fs, &runs, 0, kind);
        for flow in [&flow, &flow.allow_failures()] {
            let error = unwritable(flow.run::<Whole>());
            let store = format!("nothing can be stored in {}: cannot ", flow.folder().display());
            assert!(error.starts_with(&store) && error.contains(remedy), "{error}");
            unwritable(flow.run::<Dynamic>());
        }
        assert_eq!(runs.count(), 0, "{kind}");
        fs.heal();
        assert!(files_below(&flow.folder().join(".flow/running")).is_empty());
        assert_eq!(ran(&flow.run::<Whole>()?).len(), PARTS as usize + 1);
        assert!(flow.run::<Whole>()?.ran().is_empty());
    }
    Ok(())
}

#[test]
fn an_empty_file_on_a_full_disk_is_no_proof() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (flow, fs, runs) = open(folder.path())?;
    // A full disk still has room for names.
    fs.fail(|_, op, _| (op == Op::Write).then_some(Fault::Refuse(ErrorKind::StorageFull)));
    unwritable(flow.run::<Whole>());
    assert_eq!(runs.count(), 0);
    Ok(())
}

#[test]
fn the_first_output_that_cannot_be_stored_ends_the_run() -> Result<()> {
    for kind in KINDS {
        let folder = tempfile::tempdir()?;
        let (flow, fs, runs) = open(folder.path())?;
        fail_after(&fs, &runs, 3, kind);
        let error = unwritable(flow.run::<Whole>());
        assert!(error.contains(&*flow.folder().to_string_lossy()), "{error}");
        assert_eq!(runs.count(), 3, "{kind}: no task starts after the third one");
        // What was committed before is kept.
        fs.heal();
        let summary = flow.run::<Whole>()?;
        assert!(ran(&summary).len() >= PARTS as usize - 1, "{summary}");
        assert_eq!(*flow.load::<Whole>()?, (0..PARTS).sum::<u64>());
        let done = summary.already_complete().len() as u64;
        assert_eq!(runs.count(), 3 + PARTS - done, "{summary}");
    }
    Ok(())
}

#[test]
fn tasks_on_other_workers_end_and_no_other_starts() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (flow, fs, runs) = open(folder.path())?;
    let flow = flow.workers(4);
    fail_after(&fs, &runs, 8, ErrorKind::StorageFull);
    unwritable(flow.allow_failures().run::<Whole>());
    assert!((8..8 + 4).contains(&runs.count()), "{} tasks ran", runs.count());
    Ok(())
}

#[test]
fn a_requirement_that_cannot_be_stored_ends_the_run() -> Result<()> {
    for kind in [ErrorKind::StorageFull, ErrorKind::PermissionDenied] {
        let folder = tempfile::tempdir()?;
        let (flow, fs, runs) = open(folder.path())?;
        fail_after(&fs, &runs, 2, kind);
        unwritable(flow.run::<Dynamic>());
        assert_eq!(runs.count(), 2);
        fs.heal();
        flow.run::<Dynamic>()?;
        assert_eq!(*flow.load::<Dynamic>()?, (0..PARTS).sum::<u64>());
    }
    Ok(())
}

/// Runs long enough for a commit to fail meanwhile.
#[derive(Task)]
#[task(uses(Runs, Failing), target = Json<u64>)]
struct Slow {
    n: u64,
}

/// Whether a commit has failed.
#[derive(Clone, Default)]
struct Failing(Arc<AtomicBool>);

runs!(Slow: u64 = |self, cx| {
    cx.provided::<Runs>().0.fetch_add(1, Ordering::SeqCst);
    if self.n > 0 {
        let failing = &cx.provided::<Failing>().0;
        let tries = (0..5_000).take_while(|_| !failing.load(Ordering::SeqCst));
        tries.for_each(|_| std::thread::sleep(Duration::from_millis(1)));
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(self.n)
});

#[derive(Task)]
#[task(requires = [Slow { n } for n in 0..PARTS], target = Json<u64>)]
struct AllSlow;

runs!(AllSlow: u64 = |self, cx| Ok(cx.input().len() as u64));

#[test]
fn a_commit_that_fails_for_lack_of_space_ends_the_run() -> Result<()> {
    for op in [Op::Sync, Op::Rename] {
        let folder = tempfile::tempdir()?;
        let (flow, fs, runs) = open(folder.path())?;
        let failing = Failing::default();
        let flow = flow.provide(failing.clone());
        fs.fail(move |_, now, path| {
            let of_commit = now == op && (now == Op::Sync || path.ends_with("record.json"));
            failing.0.fetch_or(of_commit, Ordering::SeqCst);
            of_commit.then_some(Fault::Refuse(ErrorKind::StorageFull))
        });
        let error = unwritable(flow.run::<AllSlow>());
        assert!(error.contains("no storage space"), "{error}");
        assert!(runs.count() < PARTS, "each task has run");
    }
    Ok(())
}

#[test]
fn one_folder_that_cannot_be_written_fails_one_instance() -> Result<()> {
    for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
        let folder = tempfile::tempdir()?;
        let (flow, fs, runs) = open(folder.path())?;
        fs.fail(move |_, op, path| {
            let is_third = path.to_string_lossy().contains("n=3-");
            (op.changes() && is_third).then_some(Fault::Refuse(kind))
        });
        let summary = failure(flow.run::<Whole>());
        assert_eq!(failed(&summary), ["Part"]);
        assert_eq!(ran(&summary).len() as u64, PARTS - 1);
        assert_eq!(runs.count(), PARTS);
        // The file that was written to find this out is removed.
        let internal = std::fs::read_dir(flow.folder().join(".flow"))?;
        for entry in internal {
            let name = entry?.file_name();
            assert!(!name.to_string_lossy().starts_with("probe"), "{name:?}");
        }
    }
    Ok(())
}

/// Fails for want of space, though not in the store.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Scratching;

runs!(Scratching: u64 = |self, cx| Err(std::io::Error::from(ErrorKind::StorageFull).into()));

#[test]
fn a_disk_that_is_full_elsewhere_fails_one_task() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (flow, _, runs) = open(folder.path())?;
    let summary = failure(flow.run::<(Scratching, Whole)>());
    assert_eq!(failed(&summary), ["Scratching"]);
    assert_eq!(runs.count(), PARTS);
    Ok(())
}

#[test]
fn a_sweep_ends_with_the_same_error() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (flow, fs, runs) = open(folder.path())?;
    fail_after(&fs, &runs, 2, ErrorKind::StorageFull);
    let error = flow.sweep::<Part>().over(Part::N, 0..PARTS).run().expect_err("no space");
    assert!(matches!(error, flow::Error::Store(StoreError::Unwritable { .. })), "{error}");
    assert_eq!(runs.count(), 2);
    Ok(())
}

#[test]
fn a_run_that_stores_nothing_needs_no_writable_store() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (flow, fs, runs) = open(folder.path())?;
    flow.run::<Whole>()?;
    fail_after(&fs, &runs, 0, ErrorKind::ReadOnlyFilesystem);
    assert!(flow.run::<Whole>()?.ran().is_empty());
    assert_eq!(*flow.load::<Whole>()?, (0..PARTS).sum::<u64>());
    Ok(())
}
