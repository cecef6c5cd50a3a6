//! Outputs in memory have no file, and are recomputed only where they are needed.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flow::prelude::*;

use crate::support::{failure, files_below, flow, preview, ran, reused, unchanged};

/// A value that cannot be stored, and counts its living instances.
struct Live(u64, Arc<AtomicUsize>);

impl Drop for Live {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Reads a number from a file into memory. The flow provides the count of living values.
#[derive(Task)]
#[task(target = Memory<Live>, uses(Arc<AtomicUsize>))]
struct Number {
    path: PathBuf,
    #[param(default = 0)]
    unused: u64,
}

runs!(Number: Live = |self, cx| {
    let n = fs::read_to_string(cx.file(&self.path)?)?.trim().parse::<u64>()? + 0 * self.unused;
    let live = Arc::clone(cx.provided::<Arc<AtomicUsize>>());
    live.fetch_add(1, Ordering::SeqCst);
    if n == 666 {
        // The file changes while the task runs.
        fs::write(&self.path, "667")?;
    }
    Ok(Live(n, live))
});

#[derive(Task)]
#[task(requires = Number, target = Json<u64>)]
struct Twice {
    #[param(default = 2)]
    by: u64,
}

runs!(Twice: u64 = |self, cx| Ok(cx.input().load()?.0 * self.by));

struct Set {
    flow: Flow,
    path: PathBuf,
    live: Arc<AtomicUsize>,
    _folder: tempfile::TempDir,
}

fn set(n: u64) -> Set {
    let (flow, folder) = flow();
    let path = folder.path().join("number");
    fs::write(&path, n.to_string()).expect("a file");
    let live = Arc::new(AtomicUsize::new(0));
    let flow = flow.with(Number::PATH, &*path).provide(Arc::clone(&live));
    Set { flow, path, live, _folder: folder }
}

impl Set {
    /// Opens the store again, as another process would, so that no values are in memory.
    fn opened_again(&self) -> Flow {
        let flow = Flow::open(self.flow.folder()).expect("a store").quiet();
        flow.with(Number::PATH, &*self.path).provide(Arc::clone(&self.live))
    }
}

#[test]
fn all_flows_of_a_store_in_a_process_share_the_value() -> Result<()> {
    let set = set(5);
    assert_eq!(ran(&set.flow.run::<Twice>()?), ["Number", "Twice"]);
    assert_eq!(set.flow.load::<Number>()?.0, 5);
    assert_eq!(set.flow.clone().load::<Number>()?.0, 5);
    assert_eq!(set.flow.with(Twice::BY, 3u64).load::<Number>()?.0, 5);
    // A task that runs later loads the value, too.
    assert_eq!(ran(&set.flow.with(Twice::BY, 3u64).run::<Twice>()?), ["Twice"]);
    let names = files_below(&set.flow.folder().join("Number"));
    assert!(names.iter().all(|file| file.ends_with("record.json")), "{names:?}");
    assert_eq!(set.live.load(Ordering::SeqCst), 1);
    Ok(())
}

#[test]
fn another_process_recomputes_the_value_only_when_needed() -> Result<()> {
    let set = set(5);
    set.flow.run::<Twice>()?;
    let flow = set.opened_again();
    assert!(flow.is_complete::<Twice>()? && !flow.is_complete::<Number>()?);
    let shown = preview::<Number>(&flow);
    assert!(shown.contains("the value in memory is gone"), "{shown}");
    assert_eq!(ran(&flow.run::<Twice>()?), [""; 0]);
    assert_eq!(*flow.load::<Twice>()?, 10);
    let error = flow.graph::<Twice>().load::<Number>().err().expect("it is not there").to_string();
    assert!(error.contains("the value in memory is gone"), "{error}");
    // A task that runs needs the value.
    assert_eq!(ran(&flow.with(Twice::BY, 3u64).run::<Twice>()?), ["Number", "Twice"]);
    assert_eq!(flow.load::<Number>()?.0, 5);
    // As a root, the value itself is needed.
    assert_eq!(ran(&set.opened_again().run::<Number>()?), ["Number"]);
    Ok(())
}

#[test]
fn a_changed_file_recomputes_the_value() -> Result<()> {
    let set = set(5);
    set.flow.run::<Twice>()?;
    fs::write(&set.path, "60")?;
    assert_eq!(ran(&set.flow.run::<Twice>()?), ["Number", "Twice"]);
    assert_eq!((set.flow.load::<Number>()?.0, *set.flow.load::<Twice>()?), (60, 120));
    Ok(())
}

#[test]
fn a_replaced_value_is_dropped() -> Result<()> {
    let set = set(1);
    for n in 1..20 {
        fs::write(&set.path, n.to_string())?;
        set.flow.run::<Twice>()?;
        assert_eq!(set.live.load(Ordering::SeqCst), 1);
    }
    assert_eq!(*set.flow.load::<Twice>()?, 38);
    Ok(())
}

#[test]
fn a_value_of_a_file_that_changed_during_the_run_is_not_kept() -> Result<()> {
    let set = set(666);
    let error = failure(set.flow.run::<Number>()).failed()[0].error.clone().unwrap_or_default();
    assert!(error.contains("changed while the task was running"), "{error}");
    assert_eq!(set.live.load(Ordering::SeqCst), 0);
    Ok(())
}

#[test]
fn every_reset_drops_the_value() -> Result<()> {
    let resets = [
        |flow: &Flow| flow.reset::<Number>(),
        |flow: &Flow| flow.store().clear_task::<Number>(),
        |flow: &Flow| flow.graph::<Twice>().reset_all(),
        |flow: &Flow| flow.store().clear(),
    ];
    for reset in resets {
        let set = set(5);
        set.flow.run::<Twice>()?;
        reset(&set.flow)?;
        assert_eq!(set.live.load(Ordering::SeqCst), 0);
        assert!(!set.flow.is_complete::<Number>()?);
        assert!(ran(&set.flow.run::<Twice>()?).contains(&"Number".to_owned()));
        assert_eq!(set.flow.load::<Number>()?.0, 5);
    }
    Ok(())
}

#[test]
fn the_value_is_dropped_with_the_last_flow() -> Result<()> {
    let set = set(5);
    set.flow.run::<Twice>()?;
    let other = set.flow.with(Twice::BY, 9u64);
    let Set { flow, live, .. } = set;
    drop(flow);
    assert_eq!(live.load(Ordering::SeqCst), 1);
    drop(other);
    assert_eq!(live.load(Ordering::SeqCst), 0);
    Ok(())
}

#[derive(Task)]
#[task(requires = Half { n: self.n }, target = Memory<Vec<u64>>)]
struct Range {
    n: u64,
}

runs!(Range: Vec<u64> = |self, cx| Ok((0..*cx.input().load()?).collect()));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Half {
    n: u64,
}

runs!(Half: u64 = |self, _cx| Ok(self.n / 2));

#[derive(Task)]
#[task(requires = Half, target = Memory<Vec<u64>>)]
struct Counted;

runs!(Counted: Vec<u64> = |self, cx| Ok((0..*cx.input().load()?).collect()));

#[derive(Task)]
#[task(requires = Counted, target = Json<usize>)]
struct Len;

runs!(Len: usize = |self, cx| Ok(cx.input().load()?.len()));

#[test]
fn a_value_is_reused_between_instances() -> Result<()> {
    let (flow, _folder) = flow();
    let (four, five) = (flow.with(Half::N, 4u64), flow.with(Half::N, 5u64));
    four.run::<Len>()?;
    let summary = five.run::<Len>()?;
    assert_eq!(
        (ran(&summary), reused(&summary)),
        (vec!["Half".into()], vec!["Counted".into(), "Len".into()])
    );
    assert!(std::ptr::eq(&*four.load::<Counted>()?, &*five.load::<Counted>()?));
    // Resetting one instance drops the value of both. It is recomputed where it is needed.
    four.reset::<Counted>()?;
    assert!(five.is_complete::<Len>()?);
    assert_eq!(ran(&five.run::<Counted>()?), ["Counted"]);
    assert_eq!(*five.load::<Counted>()?, [0, 1]);
    Ok(())
}

#[test]
fn a_forced_value_cuts_off_downstream_tasks() -> Result<()> {
    let set = set(5);
    set.flow.run::<Twice>()?;
    let summary = set.flow.force::<Number>().run::<Twice>()?;
    assert_eq!((ran(&summary), unchanged(&summary)), (vec!["Number".into()], vec!["Twice".into()]));
    assert_eq!(set.live.load(Ordering::SeqCst), 1);
    // The parameters of the task are part of the fingerprint.
    let other = set.flow.with(Number::UNUSED, 1u64);
    assert_eq!(ran(&other.run::<Twice>()?), ["Number", "Twice"]);
    assert_eq!(*flow_of_range()?, [0, 1, 2]);
    Ok(())
}

/// Returns a value in memory of a task that passes its own parameter to its requirement.
fn flow_of_range() -> Result<flow::Loaded<Vec<u64>>> {
    let (flow, _folder) = flow();
    let flow = flow.with(Range::N, 7u64);
    flow.run::<Range>()?;
    Ok(flow.load::<Range>()?)
}
