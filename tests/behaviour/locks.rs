//! File systems with and without locks: garbage collection keeps the files of an active run, and two exports do not
//! replace each other's manifest.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime};

use flow::prelude::*;

use crate::faulty::Faulty;
use crate::support::{faulty_flow, files_below, in_full};
use crate::wheat::{Bread, mill, sow};

struct Steps {
    begun: Sender<()>,
    go_on: Receiver<()>,
}

#[derive(Task)]
#[task(uses(Mutex<Steps>), target = Json<u64>)]
struct Slow;

runs!(Slow: u64 = |self, cx| {
    let steps = cx.provided::<Mutex<Steps>>().lock().expect("no panic");
    steps.begun.send(())?;
    steps.go_on.recv()?;
    Ok(1)
});

/// Calls `look` while a run is active in the store.
fn while_one_runs(flow: &Flow, look: impl FnOnce() -> Result<()>) -> Result<()> {
    let (begun, has_begun) = channel();
    let (go_on, goes_on) = channel();
    let slow = flow.provide(Mutex::new(Steps { begun, go_on: goes_on }));
    std::thread::scope(|scope| {
        // Dropped if `look` panics, so that the task does not wait for ever.
        let go_on = go_on;
        let running = scope.spawn(|| slow.run::<Slow>().map(drop));
        has_begun.recv()?;
        let looked = look();
        go_on.send(())?;
        running.join().expect("no panic")?;
        looked
    })
}

fn set_age(path: &Path, days: u64) -> Result<()> {
    let time = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
    Ok(fs::File::options().write(true).open(path)?.set_modified(time)?)
}

#[test]
fn files_of_an_active_run_are_kept_with_and_without_locks() -> Result<()> {
    for fs in [Faulty::new(), Faulty::new().without_locks()] {
        let folder = tempfile::tempdir()?;
        let grains = folder.path().join("grains.txt");
        let open = || Ok::<_, flow::Error>(mill(&faulty_flow(folder.path(), &fs)?, folder.path()));
        sow(&grains, &[1, 2, 3]);
        open()?.run::<Bread>()?;
        let data = |flow: &Flow| {
            let mut files = files_below(flow.folder());
            files.retain(|path| path.to_string_lossy().contains("data-"));
            files
        };
        let before = data(&open()?);
        while_one_runs(&open()?, || {
            // Another flow replaces outputs that the active run may read.
            let other = open()?
                .limits(flow::Limits::default().versions(0))
                .limits(flow::Limits::default().bytes(0));
            sow(&grains, &[4, 5]);
            other.run::<Bread>()?;
            let found = other.store().gc().older_than(Duration::ZERO).find()?;
            assert!(found.to_string().contains("a run is in progress"), "{found}");
            found.remove()?;
            assert!(before.iter().all(|path| path.exists()));
            Ok(())
        })?;
        assert!(files_below(&folder.path().join("data/.flow/running")).is_empty());
        // No run is active any more.
        let other = open()?.limits(flow::Limits::default().versions(0));
        other.store().gc().older_than(Duration::ZERO).find()?.remove()?;
        assert!(before.iter().all(|path| !path.exists()));
    }
    Ok(())
}

#[test]
fn the_marker_of_a_dead_run_counts_for_a_week() -> Result<()> {
    let fs = Faulty::new().without_locks();
    let folder = tempfile::tempdir()?;
    let flow = faulty_flow(folder.path(), &fs)?;
    let mark = flow.folder().join(".flow/running/0123456789abcdef");
    fs::create_dir_all(mark.parent().expect("a folder"))?;
    fs::write(&mark, "")?;
    for (days, is_left) in [(0, false), (6, false), (8, true)] {
        set_age(&mark, days)?;
        let found = flow.store().gc().older_than(Duration::ZERO).find()?;
        assert_eq!(found.files(), usize::from(is_left), "after {days} days: {found}");
        found.remove()?;
        assert_eq!(mark.exists(), !is_left);
    }
    Ok(())
}

#[test]
fn a_folder_among_the_run_markers_is_garbage() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let flow = faulty_flow(folder.path(), &Faulty::new())?;
    fs::create_dir_all(flow.folder().join(".flow/running/folder/within"))?;
    fs::write(flow.folder().join(".flow/running/folder/file"), "")?;
    let found = flow.store().gc().older_than(Duration::ZERO).find()?;
    assert_eq!(found.files(), 1, "{found}");
    found.remove()?;
    assert!(!flow.folder().join(".flow/running/folder").exists());
    Ok(())
}

#[test]
fn a_recent_export_lock_is_an_error_without_file_locks() -> Result<()> {
    let fs = Faulty::new().without_locks();
    let folder = tempfile::tempdir()?;
    sow(&folder.path().join("grains.txt"), &[1, 2, 3]);
    let flow = mill(&faulty_flow(folder.path(), &fs)?, folder.path());
    flow.run::<Bread>()?;
    let handed = folder.path().join("handed");
    let lock = handed.join(".exporting.lock");
    flow.export::<Bread>(&handed)?;
    assert!(!lock.exists());
    // A new lock file may belong to another export that is running.
    fs::write(&lock, "")?;
    let error = in_full(flow.export::<Bread>(&handed).expect_err("it may be at work"));
    assert!(error.contains(&*lock.to_string_lossy()), "{error}");
    assert!(error.contains("remove the file if none is"), "{error}");
    set_age(&lock, 1)?;
    flow.export::<Bread>(&handed)?;
    assert!(!lock.exists());
    Ok(())
}
