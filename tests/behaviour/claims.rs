//! One run computes an instance; other runs on the same store wait for it, and then take its output.
//!
//! Two flows of one process exclude each other as two processes do. Another process is this test program, started
//! again with a variable in its environment.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use flow::Summary;
use flow::prelude::*;

use crate::faulty::{Faulty, Op};
use crate::support::{assert_consistent, failed, failure, faulty_flow, not_run, ran};

const FOLDER: &str = "FLOW_TEST_CLAIMS";

/// The text of the event of an instance that another process computes.
const WAITS: &str = "waits for another process";

/// How long a test waits for an event. It takes much less.
const PATIENCE: Duration = Duration::from_secs(20);

/// Returns the names of the tasks that another process computed, sorted.
fn by_other_process(summary: &Summary) -> Vec<String> {
    let entries = summary.by_other_process().into_iter();
    let mut names: Vec<_> = entries.map(|entry| entry.task().to_owned()).collect();
    names.sort_unstable();
    names
}

struct Steps {
    begun: Sender<()>,
    /// Whether the task succeeds.
    go_on: Receiver<bool>,
}

/// The other end of [`Steps`].
struct Gate {
    begun: Receiver<()>,
    go_on: Sender<bool>,
}

impl Gate {
    /// Waits until the task has begun.
    fn wait(&self) -> Result<()> {
        Ok(self.begun.recv_timeout(PATIENCE)?)
    }
}

/// Returns a flow whose gated tasks wait for the gate. They fail when it is dropped.
fn gated(flow: &Flow) -> (Flow, Gate) {
    let (begun, has_begun) = channel();
    let (go_on, goes_on) = channel();
    let flow = flow.provide(Mutex::new(Steps { begun, go_on: goes_on }));
    (flow, Gate { begun: has_begun, go_on })
}

/// Returns a flow whose gated tasks fail at once, and the events of its run.
fn watched(flow: &Flow) -> (Flow, Receiver<String>) {
    let (event, events) = channel();
    let (flow, _) = gated(flow);
    (flow.observe(move |next| drop(event.send(next.to_string()))), events)
}

/// Waits until there was an event with each of these texts. Returns all events until then.
fn wait_for(events: &Receiver<String>, texts: &[&str]) -> Result<Vec<String>> {
    let mut seen: Vec<String> = Vec::new();
    while !texts.iter().all(|text| seen.iter().any(|event| event.contains(text))) {
        let next = events.recv_timeout(PATIENCE);
        seen.push(next.with_context(|| format!("{texts:?} are not all in {seen:?}"))?);
    }
    Ok(seen)
}

/// Says that a task has begun, and waits until the test lets it go on.
fn pass(steps: &Mutex<Steps>) -> Result<()> {
    let steps = steps.lock().expect("no panic");
    steps.begun.send(())?;
    ensure!(steps.go_on.recv()?, "it was told to fail");
    Ok(())
}

#[derive(Task)]
#[task(uses(Mutex<Steps>), target = Json<u64>)]
struct Slow;

runs!(Slow: u64 = |self, cx| {
    pass(cx.provided())?;
    Ok(1)
});

#[derive(Task)]
#[task(requires = Slow, target = Json<u64>)]
struct AfterSlow;

runs!(AfterSlow: u64 = |self, cx| Ok(*cx.input().load()? + 1));

/// Needs nothing.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Quick;

runs!(Quick: u64 = |self, cx| Ok(7));

/// Requires [`Slow`] while it runs.
#[derive(Task)]
#[task(target = Json<u64>)]
struct RequiresSlow;

runs!(RequiresSlow: u64 = |self, cx| Ok(*cx.require::<Slow>()?.load()? + 10));

fn flows(folder: &Path) -> Result<(Flow, Flow)> {
    let open = || Flow::open(folder.join("data")).map(|flow| flow.quiet().workers(1));
    Ok((open()?, open()?))
}

#[test]
fn a_run_says_once_that_it_waits_and_takes_the_output() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (owner, waiter) = flows(folder.path())?;
    let ((owner, gate), (waiter, events)) = (gated(&owner), watched(&waiter));
    std::thread::scope(|scope| {
        let gate = gate;
        let owner = scope.spawn(move || owner.run::<Slow>());
        gate.wait()?;
        let waiting = scope.spawn(|| waiter.run::<(AfterSlow, Quick)>());
        // The only worker is free for other tasks.
        wait_for(&events, &["Slow waits for another process", "Quick ran in"])?;
        // The run looks several times whether the claim is free.
        std::thread::sleep(Duration::from_millis(200));
        gate.go_on.send(true)?;
        assert_eq!(ran(&owner.join().expect("no panic")?), ["Slow"]);
        let summary = waiting.join().expect("no panic")?;
        assert_eq!(by_other_process(&summary), ["Slow"]);
        assert_eq!(ran(&summary), ["AfterSlow", "Quick"]);
        let text = summary.to_string();
        assert!(text.contains(": 2 ran, 1 computed by another process\n"), "{text}");
        assert!(text.contains("\n  computed by another process:\n    Slow"), "{text}");
        let rest = wait_for(&events, &["AfterSlow ran in"])?;
        assert_eq!(rest.iter().filter(|event| event.contains(WAITS)).count(), 0, "{rest:?}");
        assert!(rest.iter().any(|e| e.contains("Slow computed by another process")), "{rest:?}");
        anyhow::Ok(())
    })?;
    assert_eq!(*waiter.load::<AfterSlow>()?, 2);
    Ok(())
}

#[test]
fn a_running_task_waits_for_a_requirement_without_its_worker() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (owner, waiter) = flows(folder.path())?;
    let ((owner, gate), (waiter, events)) = (gated(&owner), watched(&waiter));
    std::thread::scope(|scope| {
        let gate = gate;
        let owner = scope.spawn(move || owner.run::<Slow>());
        gate.wait()?;
        let waiting = scope.spawn(|| waiter.run::<(RequiresSlow, Quick)>());
        wait_for(&events, &["Slow waits for another process", "Quick ran in"])?;
        gate.go_on.send(true)?;
        owner.join().expect("no panic")?;
        let summary = waiting.join().expect("no panic")?;
        assert_eq!(by_other_process(&summary), ["Slow"]);
        assert_eq!(ran(&summary), ["Quick", "RequiresSlow"]);
        anyhow::Ok(())
    })?;
    assert_eq!(*waiter.load::<RequiresSlow>()?, 11);
    Ok(())
}

#[test]
fn a_stopped_run_does_not_wait() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (owner, waiter) = flows(folder.path())?;
    let ((owner, gate), (waiter, events)) = (gated(&owner), watched(&waiter));
    std::thread::scope(|scope| {
        let gate = gate;
        let owner = scope.spawn(move || owner.run::<Slow>());
        gate.wait()?;
        for required in [false, true] {
            let waiter = &waiter;
            let waiting = scope.spawn(move || match required {
                false => waiter.run::<AfterSlow>(),
                true => waiter.run::<RequiresSlow>(),
            });
            wait_for(&events, &[WAITS])?;
            waiter.stopper().stop();
            let stopped = Instant::now();
            let summary = failure(waiting.join().expect("no panic"));
            assert!(stopped.elapsed() < Duration::from_secs(2), "{:?}", stopped.elapsed());
            assert!(not_run(&summary).contains(&"Slow".to_owned()), "{summary}");
            assert_eq!((failed(&summary), ran(&summary)), (vec![], vec![]));
            waiter.stopper().reset();
        }
        gate.go_on.send(true)?;
        owner.join().expect("no panic")?;
        anyhow::Ok(())
    })
}

#[test]
fn an_instance_that_failed_elsewhere_is_run() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (owner, waiter) = flows(folder.path())?;
    let ((owner, gate), (waiter, own)) = (gated(&owner), gated(&waiter));
    std::thread::scope(|scope| {
        let (gate, own) = (gate, own);
        let owner = scope.spawn(move || owner.run::<Slow>());
        gate.wait()?;
        let waiting = scope.spawn(|| waiter.run::<AfterSlow>());
        let early = own.begun.recv_timeout(Duration::from_millis(100));
        assert!(early.is_err(), "both run it at once");
        gate.go_on.send(false)?;
        assert_eq!(failed(&failure(owner.join().expect("no panic"))), ["Slow"]);
        own.wait()?;
        own.go_on.send(true)?;
        assert_eq!(ran(&waiting.join().expect("no panic")?), ["AfterSlow", "Slow"]);
        anyhow::Ok(())
    })
}

/// Begins a task that does not end, until the process is killed.
#[test]
fn hanging_child() -> Result<()> {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return Ok(()) };
    let (flow, gate) = gated(&Flow::open(folder.join("data"))?.quiet());
    std::thread::spawn(move || flow.run::<Slow>());
    gate.wait()?;
    std::fs::write(folder.join("begun"), "")?;
    std::thread::sleep(PATIENCE);
    bail!("it was not killed");
}

#[test]
fn a_killed_process_releases_its_claim() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["claims::hanging_child", "--exact", "--test-threads=1"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let started = Instant::now();
    while !folder.path().join("begun").exists() {
        assert!(started.elapsed() < PATIENCE, "the child does not begin");
        std::thread::sleep(Duration::from_millis(1));
    }
    let (flow, gate) = gated(&Flow::open(folder.path().join("data"))?);
    let (event, events) = channel();
    let flow = flow.observe(move |next| drop(event.send(next.to_string())));
    std::thread::scope(|scope| {
        let gate = gate;
        let waiting = scope.spawn(|| flow.run::<Slow>());
        wait_for(&events, &[WAITS])?;
        child.kill()?;
        child.wait()?;
        gate.wait()?;
        gate.go_on.send(true)?;
        assert_eq!(ran(&waiting.join().expect("no panic")?), ["Slow"]);
        anyhow::Ok(())
    })
}

#[test]
fn without_locks_both_compute_it_and_one_output_stays() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new().without_locks();
    let flow = || faulty_flow(folder.path(), &fs);
    let ((one, first), (other, second)) = (gated(&flow()?), gated(&flow()?));
    std::thread::scope(|scope| {
        let (first, second) = (first, second);
        let runs = [one, other].map(|flow| scope.spawn(move || flow.run::<AfterSlow>()));
        first.wait()?;
        second.wait()?;
        first.go_on.send(true)?;
        second.go_on.send(true)?;
        for run in runs {
            assert!(ran(&run.join().expect("no panic")?).contains(&"Slow".to_owned()));
        }
        anyhow::Ok(())
    })?;
    assert!(flow()?.run::<AfterSlow>()?.ran().is_empty());
    assert_eq!(*flow()?.load::<AfterSlow>()?, 2);
    assert_consistent(flow()?.folder());
    Ok(())
}

#[test]
fn an_output_that_is_committed_before_the_claim_is_taken() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    // Without locks, so that it does not wait for the claim.
    let (other, gate) = gated(&faulty_flow(folder.path(), &Faulty::new().without_locks())?);
    gate.go_on.send(true)?;
    let (flow, _) = gated(&faulty_flow(folder.path(), &fs)?);
    let looks = AtomicU64::new(0);
    fs.fail(move |_, op, path| {
        // The first look is that of the plan, the second that of the run, after the instance was judged and claimed.
        let is_look = op == Op::Stat && path.ends_with("record.json");
        if is_look && looks.fetch_add(1, Ordering::SeqCst) == 1 {
            other.run::<Slow>().expect("another run");
        }
        None
    });
    let summary = flow.run::<Slow>()?;
    assert_eq!((ran(&summary), by_other_process(&summary)), (vec![], vec!["Slow".to_owned()]));
    assert_eq!(*flow.load::<Slow>()?, 1);
    Ok(())
}

#[test]
fn an_output_that_is_committed_before_the_run_begins() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fs = Faulty::new();
    let (other, gate) = gated(&faulty_flow(folder.path(), &Faulty::new())?);
    gate.go_on.send(true)?;
    let (flow, _) = gated(&faulty_flow(folder.path(), &fs)?);
    let is_over = AtomicBool::new(false);
    fs.fail(move |_, op, path| {
        // The plan is judged before.
        let begins = op == Op::Open && path.ends_with(".flow/claims");
        if begins && !is_over.swap(true, Ordering::SeqCst) {
            other.run::<Slow>().expect("another run");
        }
        None
    });
    let summary = flow.run::<Slow>()?;
    assert_eq!((ran(&summary), by_other_process(&summary)), (vec![], vec!["Slow".to_owned()]));
    Ok(())
}

#[derive(Task)]
#[task(uses(Mutex<Steps>), target = Memory<u64>)]
struct InMemory;

runs!(InMemory: u64 = |self, cx| {
    pass(cx.provided())?;
    Ok(1)
});

#[test]
fn values_in_memory_are_computed_by_each_process() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (one, other) = flows(folder.path())?;
    let ((one, first), (other, second)) = (gated(&one), gated(&other));
    std::thread::scope(|scope| {
        let (first, second) = (first, second);
        let runs = [&one, &other].map(|flow| scope.spawn(move || flow.run::<InMemory>()));
        first.wait()?;
        second.wait()?;
        first.go_on.send(true)?;
        second.go_on.send(true)?;
        runs.into_iter().try_for_each(|run| run.join().expect("no panic").map(drop))?;
        anyhow::Ok(())
    })?;
    assert_eq!((*one.load::<InMemory>()?, *other.load::<InMemory>()?), (1, 1));
    Ok(())
}

/// Lets the task fail once, so that it can be debugged.
fn fail_slow(flow: &Flow) -> Result<()> {
    let (flow, gate) = gated(flow);
    gate.go_on.send(false)?;
    assert_eq!(failed(&failure(flow.run::<Slow>())), ["Slow"]);
    Ok(())
}

/// Runs the task by itself, and commits its output.
fn debugged(flow: &Flow) -> Result<u64, String> {
    let run = flow.debug::<Slow>().and_then(|debug| debug.run_and_commit());
    let run = run.map_err(|error| error.to_string())?;
    run.into_result().map(|value| *value).map_err(|error| format!("{error:#}"))
}

#[test]
fn an_instance_is_not_debugged_while_a_run_computes_it() -> Result<()> {
    for succeeds in [true, false] {
        let folder = tempfile::tempdir()?;
        let (owner, debugger) = flows(folder.path())?;
        fail_slow(&owner)?;
        let ((owner, gate), (debugger, own)) = (gated(&owner), gated(&debugger));
        std::thread::scope(|scope| {
            let (gate, own) = (gate, own);
            let owner = scope.spawn(move || owner.run::<Slow>());
            gate.wait()?;
            let debugging = scope.spawn(|| debugged(&debugger));
            let early = own.begun.recv_timeout(Duration::from_millis(200));
            assert!(early.is_err(), "both run it at once");
            gate.go_on.send(succeeds)?;
            let owner = owner.join().expect("no panic");
            if succeeds {
                assert_eq!(ran(&owner?), ["Slow"]);
                let error = debugging.join().expect("no panic").expect_err("it has not run");
                assert!(error.contains("another process has computed its output"), "{error}");
                assert!(own.begun.try_recv().is_err(), "it has run twice");
            } else {
                assert_eq!(failed(&failure(owner)), ["Slow"]);
                own.wait()?;
                own.go_on.send(true)?;
                assert_eq!(debugging.join().expect("no panic"), Ok(1));
            }
            anyhow::Ok(())
        })?;
        assert_eq!(*debugger.load::<Slow>()?, 1);
    }
    Ok(())
}

#[test]
fn a_run_waits_for_an_instance_that_is_debugged() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (debugger, waiter) = flows(folder.path())?;
    fail_slow(&debugger)?;
    let ((debugger, gate), (waiter, events)) = (gated(&debugger), watched(&waiter));
    std::thread::scope(|scope| {
        let gate = gate;
        let debugging = scope.spawn(move || debugged(&debugger));
        gate.wait()?;
        let waiting = scope.spawn(|| waiter.run::<AfterSlow>());
        wait_for(&events, &["Slow waits for another process"])?;
        gate.go_on.send(true)?;
        assert_eq!(debugging.join().expect("no panic"), Ok(1));
        let summary = waiting.join().expect("no panic")?;
        assert_eq!(by_other_process(&summary), ["Slow"]);
        assert_eq!(ran(&summary), ["AfterSlow"]);
        anyhow::Ok(())
    })
}

#[test]
fn a_stop_ends_the_wait_of_an_instance_that_is_debugged() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (owner, debugger) = flows(folder.path())?;
    fail_slow(&owner)?;
    let ((owner, gate), (debugger, own)) = (gated(&owner), gated(&debugger));
    std::thread::scope(|scope| {
        let (gate, own) = (gate, own);
        let owner = scope.spawn(move || owner.run::<Slow>());
        gate.wait()?;
        debugger.stopper().stop();
        let error = debugged(&debugger).expect_err("it was stopped");
        assert!(error.contains("was stopped while another process was running"), "{error}");
        assert!(own.begun.try_recv().is_err());
        gate.go_on.send(true)?;
        owner.join().expect("no panic")?;
        anyhow::Ok(())
    })
}

/// Returns a text that it reads from a file.
#[derive(Task)]
#[task(uses(Mutex<Steps>), target = Json<String>)]
struct SlowText {
    #[param(file)]
    text: PathBuf,
}

runs!(SlowText: String = |self, cx| {
    pass(cx.provided())?;
    Ok(std::fs::read_to_string(&self.text)?)
});

#[test]
fn a_file_that_changes_while_a_debugged_instance_waits_is_noticed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let text = folder.path().join("text");
    std::fs::write(&text, "before")?;
    let (owner, debugger) = flows(folder.path())?;
    let with_text = |flow: &Flow| flow.with(SlowText::TEXT, text.as_path());
    let (owner, debugger) = (with_text(&owner), with_text(&debugger));
    let (failing, gate) = gated(&owner);
    gate.go_on.send(false)?;
    assert_eq!(failed(&failure(failing.run::<SlowText>())), ["SlowText"]);
    let ((owner, gate), (debugger, own)) = (gated(&owner), gated(&debugger));
    std::thread::scope(|scope| {
        let (gate, own) = (gate, own);
        let owner = scope.spawn(move || owner.run::<SlowText>());
        gate.wait()?;
        let debugging = scope.spawn(|| {
            let run = debugger.debug::<SlowText>().and_then(|debug| debug.run_and_commit());
            run.map(drop).map_err(|error| error.to_string())
        });
        assert!(own.begun.recv_timeout(Duration::from_millis(300)).is_err(), "both run it");
        std::fs::write(&text, "afterwards")?;
        gate.go_on.send(false)?;
        assert_eq!(failed(&failure(owner.join().expect("no panic"))), ["SlowText"]);
        let error = debugging.join().expect("no panic").expect_err("the file has changed");
        assert!(error.contains("changed"), "{error}");
        assert!(own.begun.try_recv().is_err(), "it has run");
        anyhow::Ok(())
    })
}
