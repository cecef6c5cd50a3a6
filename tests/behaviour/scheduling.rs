//! Scheduling: which tasks run first, which run at the same time, and on which thread.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use flow::OnFailure;
use flow::prelude::*;

use crate::support::{failed, failure, flow, not_run, ran};

static ORDER: Mutex<Vec<u64>> = Mutex::new(Vec::new());

#[derive(Task)]
#[task(target = Json<u64>, priority = (self.n % 3) as i32)]
struct Ordered {
    n: u64,
}

#[tracked]
impl Run for Ordered {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        ORDER.lock().expect("lock poisoned").push(self.n);
        Ok(self.n)
    }
}

#[derive(Task)]
#[task(requires = [Ordered { n } for n in 0..6u64], aggregate)]
struct AllOrdered;

#[test]
fn higher_priorities_start_first() -> Result<()> {
    let (flow, _folder) = flow();
    flow.workers(1).run::<AllOrdered>()?;
    assert_eq!(*ORDER.lock().expect("lock poisoned"), [2, 5, 1, 4, 0, 3]);
    Ok(())
}

static PATHS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Takes as long as `millis` says.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Timed {
    name: String,
    millis: u64,
    #[param(default = 1)]
    round: u64,
}

#[tracked]
impl Run for Timed {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        PATHS.lock().expect("lock poisoned").push(self.name.clone());
        thread::sleep(Duration::from_millis(self.millis));
        Ok(self.round)
    }
}

/// A short task with a long one after it.
#[derive(Task)]
#[task(requires = Timed { name: "before the long one".to_owned(), millis: 1 }, target = Json<u64>)]
struct Long;

#[tracked]
impl Run for Long {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        thread::sleep(Duration::from_millis(120));
        Ok(1)
    }
}

#[derive(Task)]
#[task(requires(a = Timed { name: "alone".to_owned(), millis: 20 }, b = Long), aggregate)]
struct Both;

#[test]
fn the_longest_path_starts_first_once_durations_are_known() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.workers(1);
    flow.run::<Both>()?;
    assert_eq!(*PATHS.lock().expect("lock poisoned"), ["alone", "before the long one"]);
    PATHS.lock().expect("lock poisoned").clear();
    flow.force_all().run::<Both>()?;
    assert_eq!(*PATHS.lock().expect("lock poisoned"), ["before the long one", "alone"]);
    Ok(())
}

static CALLS: AtomicI64 = AtomicI64::new(0);
static MOST_CALLS: AtomicI64 = AtomicI64::new(0);
static MEMORY: AtomicI64 = AtomicI64::new(0);
static MOST_MEMORY: AtomicI64 = AtomicI64::new(0);

fn using<T>(of: &AtomicI64, most: &AtomicI64, amount: i64, work: impl FnOnce() -> T) -> T {
    let now = of.fetch_add(amount, Ordering::SeqCst) + amount;
    most.fetch_max(now, Ordering::SeqCst);
    let value = work();
    of.fetch_sub(amount, Ordering::SeqCst);
    value
}

#[derive(Task)]
#[task(
    target = Json<u64>,
    resources(api = 1, memory = (self.n % 4 + 1) * 100),
)]
struct Call {
    n: u64,
}

#[tracked]
impl Run for Call {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        let amount = (self.n % 4 + 1) as i64 * 100;
        using(&CALLS, &MOST_CALLS, 1, || {
            using(&MEMORY, &MOST_MEMORY, amount, || thread::sleep(Duration::from_millis(1)));
        });
        Ok(self.n)
    }
}

#[derive(Task)]
#[task(requires = [Call { n } for n in 0..200u64], aggregate)]
struct Calls;

#[test]
fn resources_are_never_exceeded_while_200_instances_run() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.workers(8).offer("api", 3).offer("memory", 600);
    assert_eq!(flow.run::<Calls>()?.ran().len(), 200);
    let most = (MOST_CALLS.load(Ordering::SeqCst), MOST_MEMORY.load(Ordering::SeqCst));
    assert!(most.0 <= 3 && most.1 <= 600, "{most:?}");
    assert!(most.0 > 1, "nothing ran at the same time");
    Ok(())
}

#[test]
fn a_resource_that_is_not_offered_is_an_error_of_the_plan() {
    let (flow, _folder) = flow();
    let error = flow.offer("memory", 600).run::<Calls>().expect_err("nothing offers it");
    let error = format!("{error:#}");
    assert!(error.contains("Call {n: 0}") && error.contains(r#"flow.offer("api", 1)"#), "{error}");
}

static WIDE: AtomicI64 = AtomicI64::new(0);
static MOST_WIDE: AtomicI64 = AtomicI64::new(0);

#[derive(Task)]
#[task(target = Json<u64>, threads = if self.n.is_multiple_of(5) { 3 } else { 1 })]
struct Wide {
    n: u64,
}

#[tracked]
impl Run for Wide {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        let threads = if self.n.is_multiple_of(5) { 3 } else { 1 };
        using(&WIDE, &MOST_WIDE, threads, || thread::sleep(Duration::from_millis(2)));
        Ok(self.n)
    }
}

#[derive(Task)]
#[task(requires = [Wide { n } for n in 0..40u64], aggregate)]
struct AllWide;

#[test]
fn tasks_with_several_threads_do_not_exceed_the_workers() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(flow.workers(4).run::<AllWide>()?.ran().len(), 40);
    let most = MOST_WIDE.load(Ordering::SeqCst);
    assert!((3..=4).contains(&most), "{most}");
    Ok(())
}

/// Requires a task that demands the resource that it holds itself.
#[derive(Task)]
#[task(target = Json<u64>, resources(lock = 1))]
struct Outer;

#[tracked]
impl Run for Outer {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.require::<Inner>()?.load()? + 1)
    }
}

#[derive(Task)]
#[task(target = Json<u64>, resources(lock = 1))]
struct Inner;

#[tracked]
impl Run for Inner {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(1)
    }
}

#[test]
fn a_waiting_task_lends_its_resources_to_the_one_that_it_waits_for() -> Result<()> {
    let (flow, _folder) = flow();
    flow.offer("lock", 1).run::<Outer>()?;
    assert_eq!(*flow.offer("lock", 1).load::<Outer>()?, 2);
    Ok(())
}

static THREADS: Mutex<Vec<thread::ThreadId>> = Mutex::new(Vec::new());

#[derive(Task)]
#[task(target = Json<u64>)]
struct OnCaller {
    n: u64,
}

#[tracked]
impl Run for OnCaller {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        THREADS.lock().expect("lock poisoned").push(thread::current().id());
        match self.n {
            0 => Ok(0),
            n => Ok(*cx.with(OnCaller::N, n - 1).require::<OnCaller>()?.load()? + 1),
        }
    }
}

#[derive(Task)]
#[task(requires = [OnCaller { n } for n in [2, 9u64]], aggregate)]
struct AllOnCaller;

#[test]
fn without_workers_every_task_runs_on_the_calling_thread() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.workers(0);
    flow.run::<AllOnCaller>()?;
    let threads = THREADS.lock().expect("lock poisoned").clone();
    assert_eq!(threads.len(), 10);
    assert!(threads.iter().all(|id| *id == thread::current().id()));
    assert_eq!(*flow.with(OnCaller::N, 9).load::<OnCaller>()?, 9);
    assert_eq!(ran(&flow.run::<AllOnCaller>()?), [""; 0]);
    Ok(())
}

static AFTER: AtomicU32 = AtomicU32::new(0);

#[derive(Task)]
#[task(target = Json<u64>, priority = if self.n == 3 { 1 } else { 0 })]
struct Fails {
    n: u64,
}

#[tracked]
impl Run for Fails {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        AFTER.fetch_add(1, Ordering::SeqCst);
        match self.n {
            3 => bail!("no"),
            n => Ok(n),
        }
    }
}

#[derive(Task)]
#[task(requires = [Fails { n } for n in 0..30u64], aggregate)]
struct AllFail;

#[test]
fn a_run_continues_or_ends_after_a_failure() {
    for (mode, least, most) in
        [(OnFailure::Continue, 30, 30), (OnFailure::FinishRunning, 1, 3), (OnFailure::Stop, 1, 3)]
    {
        let (flow, _folder) = flow();
        AFTER.store(0, Ordering::SeqCst);
        let summary = failure(flow.workers(1).on_failure(mode).run::<AllFail>());
        let ran = AFTER.load(Ordering::SeqCst);
        assert!((least..=most).contains(&ran), "{mode:?}: {ran} ran");
        assert_eq!(failed(&summary), ["Fails"]);
        assert_eq!(summary.ran().len() + 1, ran as usize);
        assert_eq!(not_run(&summary).len(), 31 - ran as usize);
        // The flow itself is not stopped.
        let rest = failure(flow.run::<AllFail>());
        assert_eq!(rest.ran().len() + summary.ran().len(), 29, "{mode:?}");
    }
}

/// Fails first.
#[derive(Task)]
#[task(target = Json<u64>, priority = 1)]
struct Breaks;

#[tracked]
impl Run for Breaks {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        bail!("no")
    }
}

#[derive(Task)]
#[task(requires = Breaks, target = Json<u64>)]
struct AfterBreaks;

#[tracked]
impl Run for AfterBreaks {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()?)
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Unrelated {
    n: u64,
}

#[tracked]
impl Run for Unrelated {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.n)
    }
}

#[derive(Task)]
#[task(requires(AfterBreaks, [Unrelated { n } for n in 0..9u64]), aggregate)]
struct AllAfter;

#[test]
fn a_run_that_ends_after_a_failure_says_so() -> Result<()> {
    for mode in [OnFailure::FinishRunning, OnFailure::Stop, OnFailure::Continue] {
        let (flow, _folder) = flow();
        let summary = failure(flow.workers(1).on_failure(mode).run::<AllAfter>());
        assert_eq!(failed(&summary), ["Breaks"], "{mode:?}");
        let not_run = summary.not_run();
        let reasons = |task: &str| -> Vec<_> {
            let of_task = not_run.iter().filter(|entry| entry.task() == task);
            of_task.map(|entry| entry.error.clone().expect("a reason")).collect()
        };
        // These require what failed.
        assert_eq!(
            (reasons("AfterBreaks"), reasons("AllAfter")),
            (vec!["Breaks failed".to_owned()], vec!["Breaks failed".to_owned()],)
        );
        let unrelated = reasons("Unrelated");
        // One of them may have been running.
        let expected = if mode == OnFailure::Continue { 0..=0 } else { 7..=9 };
        assert!(expected.contains(&unrelated.len()), "{mode:?}: {summary}");
        let reason = "Breaks failed, and the flow stops after a failure";
        assert!(unrelated.iter().all(|text| text == reason), "{unrelated:?}");
        let line = format!("\n    Unrelated {{n: 8}}: {reason}");
        assert_eq!(summary.to_string().contains(&line), mode != OnFailure::Continue, "{summary}");

        // The history has the same reason.
        let runs = flow.store().runs()?;
        let history = runs.load(&runs.latest().context("a run")?.id)?;
        let stopped = history.instances.iter().filter(|run| run.task == "Unrelated");
        let stopped = stopped.filter(|run| run.error.as_deref() == Some(reason));
        assert_eq!(stopped.count(), unrelated.len(), "{history}");
    }
    Ok(())
}
