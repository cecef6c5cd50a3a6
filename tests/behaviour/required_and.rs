//! Tasks that require others while they run, beside what else decides whether something runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use flow::Trust;
use flow::prelude::*;

use crate::support::{flow, preview, ran};

static TICK: AtomicU64 = AtomicU64::new(0);

/// Held by tests that fetch: they may run in one process.
static FETCHING: Mutex<()> = Mutex::new(());

#[derive(Task)]
#[task(target = Json<u64>, refresh = always)]
struct Fetched {
    #[param(default = 1)]
    n: u64,
}

runs!(Fetched: u64 = |self, _cx| Ok(self.n + TICK.load(Ordering::SeqCst)));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Report;

runs!(Report: u64 = |self, cx| {
    let fetched = cx.over(Fetched::N, [1, 2]).require::<Fetched>()?;
    fetched.iter().map(|one| Ok(*one.load()?)).sum()
});

#[derive(Task)]
#[task(target = Memory<u64>)]
struct Held {
    n: u64,
}

runs!(Held: u64 = |self, _cx| Ok(self.n * 10));

#[derive(Task)]
#[task(target = Memory<u64>)]
struct Holder;

runs!(Holder: u64 = |self, cx| Ok(*cx.with(Held::N, 2).require::<Held>()?.load()?));

#[derive(Task)]
#[task(requires = Holder, target = Json<u64>)]
struct Kept;

runs!(Kept: u64 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn what_is_always_fetched_runs_once_for_a_run_and_cuts_off() -> Result<()> {
    let _alone = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<Report>()?), ["Fetched", "Fetched", "Report"]);
    for trust in [Trust::Stamps, Trust::Content] {
        let flow = flow.trust(trust);
        assert!(!flow.is_complete::<Report>()?);
        assert!(preview::<Report>(&flow).contains("PENDING upstream: Fetched first"));
        assert_eq!(ran(&flow.run::<Report>()?), ["Fetched", "Fetched"]);
        assert_eq!(*flow.load::<Report>()?, 3);
    }
    // Both as a root and from within.
    assert_eq!(ran(&flow.run::<(Report, Fetched)>()?), ["Fetched", "Fetched"]);
    TICK.store(5, Ordering::SeqCst);
    assert_eq!(ran(&flow.run::<Report>()?), ["Fetched", "Fetched", "Report"]);
    assert_eq!(*flow.load::<Report>()?, 13);
    assert!(flow.verify::<Report>()?.is_whole());
    // Records are believed of roots alone.
    assert!(flow.trust(Trust::Records).is_complete::<Report>()?);
    TICK.store(0, Ordering::SeqCst);
    assert_eq!(ran(&flow.run::<Report>()?), ["Fetched", "Fetched"]);
    assert_eq!(*flow.load::<Report>()?, 3);
    Ok(())
}

#[test]
fn what_is_in_memory_is_made_again_only_if_it_is_loaded() -> Result<()> {
    let (flow, folder) = flow();
    assert_eq!(ran(&flow.run::<Kept>()?), ["Held", "Holder", "Kept"]);
    let later = Flow::open(folder.path().join("data"))?.quiet();
    assert!(later.is_complete::<Kept>()?, "{}", preview::<Kept>(&later));
    assert!(later.run::<Kept>()?.ran().is_empty());
    later.reset::<Kept>()?;
    assert_eq!(ran(&later.run::<Kept>()?), ["Held", "Holder", "Kept"]);
    assert_eq!(*later.load::<Kept>()?, 20);
    Ok(())
}

#[test]
fn what_is_required_is_kept_with_its_root() -> Result<()> {
    let _alone = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    let (flow, _folder) = flow();
    flow.run::<Kept>()?;
    flow.run::<Report>()?;
    let flow = flow.trust(Trust::Stamps);
    flow.gc()
        .older_than(std::time::Duration::ZERO)
        .keep::<(Kept, Report)>(&flow)?
        .find()?
        .remove()?;
    assert_eq!(ran(&flow.run::<Report>()?), ["Fetched", "Fetched"]);
    assert!(flow.run::<Kept>()?.ran().is_empty());
    Ok(())
}
