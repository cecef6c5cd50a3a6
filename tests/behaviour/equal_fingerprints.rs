//! Equal fingerprints: of instances that turn out to have the same fingerprint during a run, one runs and the
//! others reuse its output, with any number of workers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use flow::prelude::*;

use crate::support::{failed, flow, ran, reused};

/// Returns the same value for every name.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Get {
    #[param(default = String::from("a"))]
    name: String,
    /// In milliseconds.
    #[param(default = 0, insignificant)]
    slow: u64,
}

runs!(Get: u64 = |self, _cx| {
    std::thread::sleep(Duration::from_millis(self.slow));
    Ok(7)
});

#[derive(Task)]
#[task(requires = Get, target = Json<u64>)]
struct Twice {
    #[param(default = 30, insignificant)]
    pause: u64,
}

runs!(Twice: u64 = |self, cx| {
    std::thread::sleep(Duration::from_millis(self.pause));
    Ok(*cx.input().load()? * 2)
});

#[derive(Task)]
#[task(requires = Twice, target = Json<u64>)]
struct Sum;

runs!(Sum: u64 = |self, cx| Ok(*cx.input().load()? + 1));

#[test]
fn one_instance_runs_and_the_others_reuse_its_output() -> Result<()> {
    for workers in [1, 2, 8] {
        let (flow, _folder) = flow();
        let names = ["a", "b", "c", "d", "e", "f"];
        let sweep = flow.workers(workers).sweep::<Sum>().over(Get::NAME, names);
        let summary = sweep.run()?;
        assert_eq!(ran(&summary), ["Get", "Get", "Get", "Get", "Get", "Get", "Sum", "Twice"]);
        let expected: Vec<_> = ["Sum"; 5].into_iter().chain(["Twice"; 5]).collect();
        assert_eq!(reused(&summary), expected, "{workers} workers");
        assert!(sweep.is_complete()?);
        assert!(sweep.load::<Sum>()?.values().all(|sum| **sum == 15));
        assert_eq!(ran(&*sweep.run()?), [""; 0]);
    }
    Ok(())
}

#[test]
fn forced_instances_all_run_and_refreshed_ones_may_be_reused() -> Result<()> {
    #[derive(Task)]
    #[task(requires = Get, target = Json<u64>, refresh = always)]
    struct Fetched;

    runs!(Fetched: u64 = |self, cx| Ok(*cx.input().load()?));

    let (flow, _folder) = flow();
    let forced = flow.force::<Twice>().sweep::<Twice>().over(Get::NAME, ["a", "b", "c"]);
    assert_eq!(ran(&*forced.run()?), ["Get", "Get", "Get", "Twice", "Twice", "Twice"]);
    let fetched = flow.sweep::<Fetched>().over(Get::NAME, ["a", "b", "c"]);
    for _ in 0..2 {
        // An instance that becomes ready after another one was committed reuses the output just fetched.
        let summary = fetched.run()?;
        let (ran, reused) = (ran(&summary).len(), reused(&summary).len());
        assert!(ran >= 1 && ran + reused == 3, "{summary}");
    }
    Ok(())
}

#[test]
fn if_the_first_instance_fails_the_others_run() -> Result<()> {
    static CALLS: AtomicU32 = AtomicU32::new(0);

    #[derive(Task)]
    #[task(requires = Get, target = Json<u64>)]
    struct FailsOnce;

    runs!(FailsOnce: u64 = |self, cx| {
        std::thread::sleep(Duration::from_millis(30));
        ensure!(CALLS.fetch_add(1, Ordering::SeqCst) > 0, "not the first time");
        Ok(*cx.input().load()?)
    });

    for workers in [1, 4] {
        CALLS.store(0, Ordering::SeqCst);
        let (flow, _folder) = flow();
        let flow = flow.workers(workers).allow_failures();
        let sweep = flow.sweep::<FailsOnce>().over(Get::NAME, ["a", "b", "c", "d"]);
        let summary = sweep.run()?;
        assert_eq!(failed(&summary), ["FailsOnce"], "{summary}");
        let made = ran(&summary).iter().filter(|task| *task == "FailsOnce").count();
        assert_eq!(made + reused(&summary).len(), 3, "{summary}");
        // In the next run, the failed instance reuses the output of the others.
        assert_eq!(reused(&*sweep.run()?), ["FailsOnce"]);
    }
    Ok(())
}

#[test]
fn a_stop_ends_instances_that_wait() -> Result<()> {
    static STOPPER: std::sync::OnceLock<flow::Stopper> = std::sync::OnceLock::new();

    #[derive(Task)]
    #[task(requires = Get, target = Json<u64>)]
    struct Stops;

    runs!(Stops: u64 = |self, cx| {
        std::thread::sleep(Duration::from_millis(100));
        STOPPER.get().expect("a stopper").stop();
        cx.checkpoint()?;
        Ok(1)
    });

    let (flow, _folder) = flow();
    STOPPER.get_or_init(|| flow.stopper());
    let sweep = flow.workers(4).allow_failures().sweep::<Stops>().over(Get::NAME, ["a", "b", "c"]);
    let summary = sweep.run()?;
    assert_eq!((ran(&summary).len(), summary.failed_variants().len()), (3, 3), "{summary}");
    Ok(())
}

#[test]
fn an_instance_required_by_the_running_one_does_not_wait_for_it() -> Result<()> {
    /// If `outer` is set, requires an instance of itself with another name and the same fingerprint.
    #[derive(Task)]
    #[task(requires = Get, target = Json<u64>)]
    struct Nested {
        #[param(local, default = false, insignificant)]
        outer: bool,
    }

    runs!(Nested: u64 = |self, cx| {
        if !self.outer {
            return Ok(*cx.input().load()?);
        }
        // Wait until the other variant waits for this one.
        std::thread::sleep(Duration::from_millis(400));
        Ok(*cx.with(Get::NAME, "b").with(Nested::OUTER, false).require::<Nested>()?.load()?)
    });

    for workers in [1, 4] {
        let (flow, _folder) = flow();
        let sweep = flow
            .workers(workers)
            .sweep::<Nested>()
            .variant("inner", |v| v.with(Get::NAME, "b").with(Get::SLOW, 100))
            .variant("outer", |v| v.with(Nested::OUTER, true));
        let summary = sweep.run()?;
        assert!(summary.is_success() && sweep.is_complete()?, "{summary}");
        assert!(sweep.load::<Nested>()?.values().all(|value| **value == 7));
    }
    Ok(())
}

#[test]
fn values_in_memory_are_shared_too() -> Result<()> {
    #[derive(Task)]
    #[task(requires = Get, target = Memory<u64>)]
    struct Held;

    runs!(Held: u64 = |self, cx| {
        std::thread::sleep(Duration::from_millis(30));
        Ok(*cx.input().load()? + 1)
    });

    let (flow, _folder) = flow();
    let sweep = flow.workers(4).sweep::<Held>().over(Get::NAME, ["a", "b", "c"]);
    let summary = sweep.run()?;
    assert_eq!(summary.ran().len() + summary.reused().len(), 3 + 3, "{summary}");
    assert_eq!(summary.reused().len(), 2, "{summary}");
    assert!(sweep.load::<Held>()?.values().all(|held| **held == 8));
    Ok(())
}
