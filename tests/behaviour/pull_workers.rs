//! Workers that take their work from a queue in the folder of the store: what runs where, and what happens when a worker, a
//! run or a file is lost.
//!
//! A worker is this test program, which runs the test [`worker`] alone. So does each child process of a worker, up to
//! `Flow::open`.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio, id};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use flow::cluster::{JobQueues, JobSelection, PullWorkers, Worker};
use flow::prelude::*;
use flow::store::InstanceOutcome;
use flow::{Event, Summary};
use rustix::process::{Pid, Signal, kill_process};

use crate::faulty::Faulty;
use crate::isolation::{Opened, open};
use crate::support::{failed, failure, faulty_flow, files_below, plan_error, ran};

/// The variable that makes the test [`worker`] a worker on this store.
const STORE: &str = "FLOW_TEST_WORKER";

/// How long a lease is in these tests. The machine may be busy.
const LEASE: Duration = Duration::from_secs(3);

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Is started by [`start_worker`].
#[test]
fn worker() -> Result<()> {
    let Some(store) = std::env::var_os(STORE) else { return Ok(()) };
    let flow = Flow::open(PathBuf::from(store))?.quiet();
    let _interrupts = flow::interrupts::install()?;
    let worker = Worker::new(&flow).poll(Duration::from_millis(10)).exit_when_idle(PATIENCE);
    worker.on_message(|message| eprintln!("{message}")).run()?;
    Ok(())
}

/// A process, which is killed on drop.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a test of this module in a process of its own.
fn start(program: &Path, test: &str, variable: &str, value: &OsStr) -> Result<Process> {
    start_test(program, &format!("pull_workers::{test}"), &[(variable, value)])
}

/// Starts a test in a process of its own.
pub(crate) fn start_test(
    program: &Path,
    test: &str,
    variables: &[(&str, &OsStr)],
) -> Result<Process> {
    let mut command = Command::new(program);
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]);
    command
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    loop {
        match command.spawn() {
            // Another test has just started a process, which still has the file of the program open.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                thread::sleep(Duration::from_millis(10));
            }
            spawned => return Ok(Process(spawned?)),
        }
    }
}

/// Starts a worker on a store.
pub(crate) fn start_worker(store: &Path) -> Result<Process> {
    start(&std::env::current_exe()?, "worker", STORE, store.as_os_str())
}

/// Returns the executor of these tests.
pub(crate) fn pull() -> PullWorkers {
    PullWorkers::new().poll(Duration::from_millis(10)).lease(LEASE)
}

/// Waits until something is there.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        ensure!(begun.elapsed() < PATIENCE, "{what}: it takes too long");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Returns the files of the queue, apart from those by which processes show that they are alive.
pub(crate) fn queued(store: &Path) -> Vec<PathBuf> {
    let queue = store.join(".flow/queue");
    let mut files = files_below(&queue);
    files.retain(|file| !file.starts_with(queue.join("workers")) && *file != queue.join("lock"));
    files
}

/// Appends a line to a file.
fn append(path: &Path, line: impl std::fmt::Display) -> Result<()> {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path)?;
    Ok(file.write_all(format!("{line}\n").as_bytes())?)
}

/// Writes that it begins, and waits until the file `open` is there. Returns its process.
#[derive(Task)]
#[task(target = Json<u32>)]
pub(crate) struct Gated {
    n: u64,
    folder: PathBuf,
}

runs!(Gated: u32 = |self, cx| {
    cx.log(format_args!("{} begins", self.n));
    cx.progress(self.n, 9);
    append(&self.folder.join(format!("begun-{}", self.n)), id())?;
    let begun = Instant::now();
    while !self.folder.join(format!("open-{}", self.n)).exists() {
        cx.checkpoint()?;
        ensure!(begun.elapsed() < PATIENCE, "the gate stays closed");
        thread::sleep(Duration::from_millis(10));
    }
    Ok(id())
});

/// Several of them.
#[derive(Task)]
#[task(requires = [Gated { n } for n in 0..self.count], target = Json<Vec<u32>>)]
pub(crate) struct All {
    #[param(default = 2)]
    count: u64,
}

runs!(All: Vec<u32> = |self, cx| {
    cx.input().iter().map(|gated| Ok(*gated.load()?)).collect()
});

/// The folder of the gates.
pub(crate) struct Gates(pub(crate) PathBuf);

impl Gates {
    pub(crate) fn new(opened: &Opened) -> Result<Self> {
        let folder = opened.folder.join("gates");
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    pub(crate) fn open(&self, n: u64) -> Result<()> {
        Ok(fs::write(self.0.join(format!("open-{n}")), "")?)
    }

    /// Returns the processes in which an instance has begun.
    pub(crate) fn begun(&self, n: u64) -> Vec<String> {
        let text = fs::read_to_string(self.0.join(format!("begun-{n}"))).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(crate) fn wait_until_begun(&self, n: u64, times: usize) -> Result<()> {
        let is_begun = || (self.begun(n).len() >= times).then_some(());
        wait_for(&format!("instance {n} begins {times} times"), is_begun)
    }
}

/// Returns a flow whose tasks are run by workers.
pub(crate) fn pulling(opened: &Opened, gates: &Gates) -> Flow {
    opened.flow.workers(8).executor(pull()).with(Gated::FOLDER, &*gates.0)
}

/// Runs on another thread.
pub(crate) fn run_all(flow: &Flow) -> JoinHandle<Result<Summary, flow::Error>> {
    let flow = flow.clone();
    thread::spawn(move || flow.run::<All>())
}

pub(crate) fn joined(
    run: JoinHandle<Result<Summary, flow::Error>>,
) -> Result<Summary, flow::Error> {
    run.join().expect("no panic")
}

/// Returns a flow with an observer, and the lines of the events that it has received.
pub(crate) fn observed(flow: &Flow) -> (Flow, Arc<Mutex<Vec<String>>>) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    let observed = flow.observe(move |event: &Event| {
        seen.lock().expect("no panic").push(event.to_string());
    });
    (observed, lines)
}

/// Returns the first line with a text, once there is one.
pub(crate) fn line_with(lines: &Mutex<Vec<String>>, text: &str) -> Result<String> {
    wait_for(text, || {
        let lines = lines.lock().expect("no panic");
        lines.iter().find(|line| line.contains(text)).cloned()
    })
}

#[test]
fn workers_run_jobs_and_the_run_commits_them() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    (0..6).try_for_each(|n| gates.open(n))?;
    let _workers = [start_worker(opened.flow.folder())?, start_worker(opened.flow.folder())?];
    let flow = pulling(&opened, &gates).with(All::COUNT, 6_u64);
    assert_eq!(ran(&flow.run::<All>()?).len(), 7);
    let processes = flow.load::<All>()?;
    assert!(processes.iter().all(|process| *process != id()), "{processes:?}");
    // The names of the files that a worker has written are in the records.
    assert!(flow.is_complete::<All>()? && flow.store().verify()?.is_whole());
    // Nothing is left, and no draft record for the next run.
    assert_eq!(queued(flow.folder()), Vec::<PathBuf>::new());
    assert_eq!(files_below(&flow.folder().join(".flow/drafts")), Vec::<PathBuf>::new());
    for n in 0..6 {
        assert_eq!(gates.begun(n).len(), 1, "instance {n} runs once");
    }
    Ok(())
}

#[test]
fn jobs_that_are_bundled_run_each_once() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    (0..40).try_for_each(|n| gates.open(n))?;
    let workers: Vec<_> =
        (0..3).map(|_| start_worker(opened.flow.folder())).collect::<Result<_>>()?;
    // The first run finds how long the task takes.
    let flow = pulling(&opened, &gates).workers(50);
    flow.with(All::COUNT, 1_u64).run::<All>()?;
    flow.with(All::COUNT, 40_u64).run::<All>()?;
    for n in 0..40 {
        assert_eq!(gates.begun(n).len(), 1, "instance {n} runs once");
    }
    drop(workers);
    Ok(())
}

#[test]
fn log_progress_and_place_of_a_job_are_seen_while_it_runs() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    gates.open(0)?;
    let worker = start_worker(opened.flow.folder())?;
    let (flow, lines) = observed(&pulling(&opened, &gates));
    let run = run_all(&flow);
    line_with(&lines, "1 of 9")?;
    line_with(&lines, &format!("(process {})", worker.0.id()))?;
    let has_line = |path: &PathBuf| {
        path.ends_with("log.txt")
            && fs::read_to_string(path).is_ok_and(|text| text.ends_with(" 1 begins\n"))
    };
    wait_for("the log", || files_below(&flow.folder().join("Gated")).into_iter().find(has_line))?;
    gates.open(1)?;
    joined(run)?;
    Ok(())
}

#[test]
fn a_job_whose_worker_is_killed_is_run_by_another() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    gates.open(0)?;
    let worker = start_worker(opened.flow.folder())?;
    // There are no retries: a job that is lost has not failed.
    let (flow, lines) = observed(&pulling(&opened, &gates));
    let run = run_all(&flow);
    gates.wait_until_begun(1, 1)?;
    // Its child process is killed with it.
    drop(worker);
    let _other = start_worker(opened.flow.folder())?;
    gates.wait_until_begun(1, 2)?;
    gates.open(1)?;
    let summary = joined(run)?;
    assert_eq!(ran(&summary), ["All", "Gated", "Gated"]);
    let line = line_with(&lines, "it was lost")?;
    assert!(line.starts_with("Gated {"), "{line}");
    assert!(
        line.contains("} runs again: it was lost: ") && line.contains("not been heard"),
        "{line}"
    );
    assert_eq!(flow.load::<All>()?[1].to_string(), gates.begun(1)[1]);
    // Neither the events nor the history say that an attempt has failed.
    let lines = lines.lock().expect("no panic").join("\n");
    assert!(!lines.contains("failed") && !lines.contains("attempt"), "{lines}");
    let runs = flow.store().runs()?;
    let history = runs.load(&runs.latest().context("a run")?.id)?;
    let lost = history.instances.iter().find(|run| run.losses > 0).context("a loss")?;
    assert_eq!((lost.outcome, lost.attempts, lost.losses), (InstanceOutcome::Ran, 1, 1));
    let shown = lost.to_string();
    assert!(shown.contains(", lost once, on ") && !shown.contains("attempt"), "{shown}");
    Ok(())
}

#[test]
fn a_worker_that_is_interrupted_gives_its_work_back_before_its_lease_ends() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    gates.open(0)?;
    let worker = start_worker(opened.flow.folder())?;
    let (flow, lines) = observed(&pulling(&opened, &gates).executor(pull().lease(10 * PATIENCE)));
    let run = run_all(&flow);
    gates.wait_until_begun(1, 1)?;
    kill_process(Pid::from_child(&worker.0), Signal::INT)?;
    let _other = start_worker(opened.flow.folder())?;
    gates.wait_until_begun(1, 2)?;
    gates.open(1)?;
    joined(run)?;
    let line = line_with(&lines, " runs again: ")?;
    assert!(line.ends_with("gave it back: it was stopped"), "{line}");
    assert!(!line.contains("lost") && !line.contains("failed"), "{line}");
    Ok(())
}

#[test]
fn the_late_result_of_a_worker_that_was_given_up_is_not_committed() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    gates.open(0)?;
    let worker = start_worker(opened.flow.folder())?;
    let flow = pulling(&opened, &gates);
    let run = run_all(&flow);
    gates.wait_until_begun(1, 1)?;
    // The worker is suspended, and its child process goes on.
    let suspended = Pid::from_child(&worker.0);
    kill_process(suspended, Signal::STOP)?;
    let _other = start_worker(opened.flow.folder())?;
    gates.wait_until_begun(1, 2)?;
    gates.open(1)?;
    joined(run)?;
    let of_other = gates.begun(1)[1].clone();
    kill_process(suspended, Signal::CONT)?;
    // It finds that its lease is gone, and takes other work.
    let more = flow.with(All::COUNT, 5_u64);
    (2..5).try_for_each(|n| gates.open(n))?;
    more.run::<All>()?;
    thread::sleep(Duration::from_millis(500));
    assert_eq!(files_below(&flow.folder().join(".flow/drafts")), Vec::<PathBuf>::new());
    assert!(flow.is_complete::<All>()?);
    assert_eq!(flow.load::<All>()?[1].to_string(), of_other);
    Ok(())
}

/// Returns the names of the bundles that no worker has taken.
fn posted(store: &Path) -> Vec<String> {
    let open = fs::read_dir(store.join(".flow/queue/open")).into_iter().flatten().flatten();
    open.map(|bundle| bundle.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn without_locks_a_run_keeps_its_jobs_while_another_one_begins() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    let _worker = start_worker(opened.flow.folder())?;
    let without_locks = || -> Result<Flow> {
        let flow = faulty_flow(&opened.folder, &Faulty::new().without_locks())?;
        Ok(flow.workers(8).executor(pull()).with(Gated::FOLDER, &*gates.0))
    };
    let run = run_all(&without_locks()?);
    // The only worker runs one of two jobs.
    let begun = || (0..2).any(|n| !gates.begun(n).is_empty());
    wait_for("a job begins", || begun().then_some(()))?;
    let store = opened.flow.folder();
    let of_first = wait_for("the other one waits", || match posted(store).as_slice() {
        [bundle] => Some(bundle.clone()),
        _ => None,
    })?;
    let other = without_locks()?.with(Gated::N, 7_u64);
    let second = thread::spawn(move || other.run::<Gated>());
    let all = wait_for("the job of the second run waits", || {
        let all = posted(store);
        all.iter().any(|bundle| *bundle != of_first).then_some(all)
    })?;
    assert!(all.contains(&of_first), "the second run leaves it: {all:?}");
    let queues = JobQueues::of(&without_locks()?)?.listen(Duration::ZERO);
    let runs = queues.status(&JobSelection::all())?.runs;
    assert!(runs.len() == 2 && runs.iter().all(|run| run.is_running), "{runs:?}");
    [0, 1, 7].into_iter().try_for_each(|n| gates.open(n))?;
    joined(run)?;
    joined(second)?;
    for n in [0, 1, 7] {
        assert_eq!(gates.begun(n).len(), 1, "instance {n} runs once");
    }
    assert_eq!(queued(store), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn a_worker_of_another_build_takes_nothing_and_the_run_says_so() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    (0..2).try_for_each(|n| gates.open(n))?;
    let current = std::env::current_exe()?;
    let name = current.file_name().context("a name")?;
    let folder = opened.folder.join("other_build");
    fs::create_dir(&folder)?;
    let program = folder.join(name);
    fs::copy(&current, &program)?;
    // What follows the program is not read, and changes its digest.
    append(&program, "another build")?;
    let _wrong = start(&program, "worker", STORE, opened.flow.folder().as_os_str())?;
    let (flow, lines) = observed(&pulling(&opened, &gates));
    let run = run_all(&flow);
    let line = line_with(&lines, "is of another build of this program")?;
    let expected = format!("waits for a worker of this build: `{}` on ", name.to_string_lossy());
    assert!(line.contains(&expected), "{line}");
    // This does not deny that there is one, and the command can be typed.
    let line = line_with(&lines, "only workers of others are running")?;
    let called = std::env::args().next().context("a program")?;
    assert!(line.contains(&format!("{called} worker --data ")), "{line}");
    assert_eq!(gates.begun(0).len() + gates.begun(1).len(), 0);
    let _right = start_worker(opened.flow.folder())?;
    joined(run)?;
    Ok(())
}

/// The variable that makes the test below a run on this store.
const RUN: &str = "FLOW_TEST_PULLING_RUN";

/// Is started by the tests below, and killed.
#[test]
fn run_that_is_killed() -> Result<()> {
    let Some(folder) = std::env::var_os(RUN).map(PathBuf::from) else { return Ok(()) };
    let flow = Flow::open(folder.join("data"))?.quiet().workers(8).executor(pull());
    // Without an observer, tasks would send no progress.
    let flow = flow.observe(|_| {});
    flow.with(Gated::FOLDER, &*folder.join("gates")).run::<All>()?;
    Ok(())
}

pub(crate) fn start_run(opened: &Opened) -> Result<Process> {
    start(&std::env::current_exe()?, "run_that_is_killed", RUN, opened.folder.as_os_str())
}

#[test]
fn a_run_that_was_killed_and_is_started_again_runs_nothing_twice() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    let _workers = [start_worker(opened.flow.folder())?, start_worker(opened.flow.folder())?];
    let run = start_run(&opened)?;
    gates.wait_until_begun(0, 1)?;
    gates.wait_until_begun(1, 1)?;
    drop(run);
    // One job ends while no run is there, and the other one runs on.
    gates.open(0)?;
    let (flow, lines) = observed(&pulling(&opened, &gates));
    let run = run_all(&flow);
    line_with(&lines, "1 of 9")?;
    gates.open(1)?;
    joined(run)?;
    assert_eq!((gates.begun(0).len(), gates.begun(1).len()), (1, 1));
    assert_eq!(flow.load::<All>()?[1].to_string(), gates.begun(1)[0]);
    // Neither is the draft record left whose name is in the job of the killed run.
    assert_eq!(files_below(&flow.folder().join(".flow/drafts")), Vec::<PathBuf>::new());
    assert!(flow.store().verify()?.is_whole());
    assert_eq!(queued(flow.folder()), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn two_runs_that_continue_one_that_was_killed_run_nothing_twice() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    let _workers = [start_worker(opened.flow.folder())?, start_worker(opened.flow.folder())?];
    let run = start_run(&opened)?;
    gates.wait_until_begun(0, 1)?;
    gates.wait_until_begun(1, 1)?;
    drop(run);
    // Which of the two waits for which instance of the other is left to them.
    let _other = start_run(&opened)?;
    let flow = pulling(&opened, &gates);
    let run = run_all(&flow);
    thread::sleep(Duration::from_secs(1));
    gates.open(0)?;
    gates.open(1)?;
    joined(run)?;
    assert_eq!((gates.begun(0).len(), gates.begun(1).len()), (1, 1));
    assert_eq!(flow.load::<All>()?[1].to_string(), gates.begun(1)[0]);
    Ok(())
}

#[test]
fn a_bundle_that_was_removed_from_outside_is_posted_again() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    (0..2).try_for_each(|n| gates.open(n))?;
    let flow = pulling(&opened, &gates);
    let run = run_all(&flow);
    let posted = flow.folder().join(".flow/queue/open");
    let bundles = wait_for("two bundles", || {
        let bundles = fs::read_dir(&posted).ok()?.map(|bundle| Some(bundle.ok()?.path()));
        let bundles: Vec<PathBuf> = bundles.collect::<Option<_>>()?;
        (bundles.len() == 2).then_some(bundles)
    })?;
    for bundle in &bundles {
        fs::remove_dir_all(bundle)?;
    }
    let _worker = start_worker(flow.folder())?;
    assert_eq!(ran(&joined(run)?), ["All", "Gated", "Gated"]);
    assert_eq!((gates.begun(0).len(), gates.begun(1).len()), (1, 1));
    assert_eq!(queued(flow.folder()), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn a_run_posts_no_more_bundles_than_workers_can_take_soon() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    (0..300).try_for_each(|n| gates.open(n))?;
    let flow = pulling(&opened, &gates).workers(310).with(All::COUNT, 300_u64);
    let run = run_all(&flow);
    let posted = flow.folder().join(".flow/queue/open");
    let count = || fs::read_dir(&posted).map_or(0, Iterator::count);
    // Their durations are not known, so each job is a bundle.
    wait_for("the bundles", || (count() == 256).then_some(()))?;
    thread::sleep(Duration::from_millis(300));
    assert_eq!(count(), 256);
    // The jobs that wait in the memory of the run are cancelled as those that were posted.
    flow.stopper().stop();
    assert!(ran(&failure(joined(run))).is_empty());
    assert_eq!(queued(flow.folder()), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn a_lease_that_the_run_does_not_know_is_ended() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    (0..2).try_for_each(|n| gates.open(n))?;
    let flow = pulling(&opened, &gates);
    let run = run_all(&flow);
    let queue = flow.folder().join(".flow/queue");
    let bundle =
        wait_for("a bundle", || Some(fs::read_dir(queue.join("open")).ok()?.next()?.ok()?.path()))?;
    // As if a bundle that could not be posted had been posted and taken in spite of the error.
    let name = bundle.file_name().context("a name")?.to_string_lossy().into_owned();
    let (of_run, _) = name.rsplit_once('-').context("a number")?;
    let lease = queue.join("taken").join(format!("{of_run}-99999999.node-1-00000000000000aa"));
    let making = opened.folder.join("lease");
    fs::create_dir(&making)?;
    fs::write(making.join("bundle.json"), "{}")?;
    fs::rename(&making, &lease)?;
    wait_for("it is ended", || (!lease.exists()).then_some(()))?;
    let _worker = start_worker(flow.folder())?;
    joined(run)?;
    assert_eq!(queued(flow.folder()), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn what_a_killed_run_has_queued_is_not_run() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    let run = start_run(&opened)?;
    let bundle = |path: &PathBuf| path.ends_with("bundle.json");
    wait_for("a bundle", || queued(opened.flow.folder()).into_iter().find(bundle))?;
    drop(run);
    assert!(!queued(opened.flow.folder()).is_empty());
    // The next run withdraws it, although it needs none of it.
    (0..9).try_for_each(|n| gates.open(n))?;
    let _worker = start_worker(opened.flow.folder())?;
    let flow = pulling(&opened, &gates);
    flow.with(Gated::N, 7_u64).run::<Gated>()?;
    assert_eq!(queued(opened.flow.folder()), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn a_stop_ends_jobs_at_their_checkpoints_and_empties_the_queue() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    let _worker = start_worker(opened.flow.folder())?;
    let flow = pulling(&opened, &gates).with(All::COUNT, 6_u64);
    let run = run_all(&flow);
    let has_begun = || (0..6).find(|&n| !gates.begun(n).is_empty());
    let begun = wait_for("a job begins", has_begun)?;
    flow.stopper().stop();
    let summary = failure(joined(run));
    assert!(ran(&summary).is_empty() && failed(&summary).is_empty(), "{summary}");
    assert_eq!(queued(flow.folder()), Vec::<PathBuf>::new());
    let others = (0..6).filter(|&n| n != begun).filter(|&n| !gates.begun(n).is_empty());
    assert_eq!(others.count(), 0, "one worker has begun one job");
    Ok(())
}

/// Waits until the file `open-0` is there, and has no checkpoint.
#[derive(Task)]
#[task(target = Json<u32>)]
struct Stubborn {
    folder: PathBuf,
}

runs!(Stubborn: u32 = |self, _cx| {
    append(&self.folder.join("begun-0"), id())?;
    let begun = Instant::now();
    while !self.folder.join("open-0").exists() {
        ensure!(begun.elapsed() < PATIENCE, "the gate stays closed");
        thread::sleep(Duration::from_millis(10));
    }
    Ok(id())
});

#[derive(Task)]
#[task(requires = Stubborn, target = Json<u32>)]
struct AfterStubborn;

runs!(AfterStubborn: u32 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn a_task_without_a_checkpoint_runs_to_its_end_after_a_stop_and_its_output_is_kept() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    let _worker = start_worker(opened.flow.folder())?;
    let flow = opened.flow.workers(8).executor(pull()).with(Stubborn::FOLDER, &*gates.0);
    let running = flow.clone();
    let run = thread::spawn(move || running.run::<AfterStubborn>());
    gates.wait_until_begun(0, 1)?;
    flow.stopper().stop();
    thread::sleep(Duration::from_millis(300));
    assert!(!run.is_finished(), "the run waits for the task");
    gates.open(0)?;
    let summary = failure(joined(run));
    assert_eq!(ran(&summary), ["Stubborn"], "{summary}");
    assert!(flow.is_complete::<Stubborn>()?);
    assert_eq!(queued(flow.folder()), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn a_job_that_takes_too_long_is_ended_and_the_worker_goes_on() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    gates.open(0)?;
    let _worker = start_worker(opened.flow.folder())?;
    let flow = pulling(&opened, &gates).timeout(Duration::from_secs(4));
    let summary = failure(flow.with(Gated::N, 1_u64).run::<Gated>());
    let error = summary.failed()[0].error.clone().context("an error")?;
    assert!(error.contains("timed out after 4"), "{error}");
    assert_eq!(ran(&flow.with(Gated::N, 0_u64).run::<Gated>()?), ["Gated"]);
    assert_eq!(queued(flow.folder()), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn torn_files_of_the_queue_are_refused_and_the_rest_goes_on() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    (0..2).try_for_each(|n| gates.open(n))?;
    let _worker = start_worker(opened.flow.folder())?;
    let queue = opened.flow.folder().join(".flow/queue");
    let build = wait_for("the file of the worker", || {
        let file = files_below(&queue.join("workers")).into_iter().next()?;
        let presence: serde_json::Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
        Some(presence["build"].as_str()?.to_owned())
    })?;
    // A bundle whose end is missing, and one of another release.
    for (number, text) in [(0, "{\"format\":1,\"build\":"), (1, "{\"format\":9}")] {
        let name = format!("{build}-00000000000000aa-{number:08}");
        let making = queue.join("making").join(&name);
        fs::create_dir(&making)?;
        fs::write(making.join("bundle.json"), text)?;
        fs::write(making.join("messages.jsonl"), "")?;
        fs::write(making.join("orders.jsonl"), "")?;
        fs::rename(&making, queue.join("open").join(&name))?;
    }
    wait_for("the worker gives both back", || {
        let messages = files_below(&queue.join("taken")).into_iter();
        let messages = messages.filter(|path| path.ends_with("messages.jsonl"));
        let texts = messages.filter_map(|path| fs::read_to_string(path).ok());
        (texts.filter(|text| text.contains("is damaged")).count() == 2).then_some(())
    })?;
    fs::write(queue.join("workers/torn.json"), "{")?;
    let flow = pulling(&opened, &gates);
    assert_eq!(ran(&flow.run::<All>()?), ["All", "Gated", "Gated"]);
    assert_eq!(queued(flow.folder()), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn messages_that_cannot_be_read_end_the_lease() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    gates.open(0)?;
    let _worker = start_worker(opened.flow.folder())?;
    let (flow, lines) = observed(&pulling(&opened, &gates));
    let run = run_all(&flow);
    gates.wait_until_begun(1, 1)?;
    let taken = flow.folder().join(".flow/queue/taken");
    let messages = wait_for("its messages", || {
        let held = |path: &PathBuf| {
            path.ends_with("messages.jsonl")
                && fs::read_to_string(path).is_ok_and(|text| text.contains("1 begins"))
        };
        files_below(&taken).into_iter().find(held)
    })?;
    append(&messages, "{\"begun\":7}")?;
    let line = line_with(&lines, "it was lost")?;
    assert!(line.contains("names a job that is not in the bundle"), "{line}");
    gates.wait_until_begun(1, 2)?;
    gates.open(1)?;
    joined(run)?;
    Ok(())
}

/// Requires an instance of [`Gated`] while it runs.
#[derive(Task)]
#[task(target = Json<u32>)]
struct Waits {
    first: u64,
    folder: PathBuf,
}

runs!(Waits: u32 = |self, cx| {
    let mut last = 0;
    for n in self.first..self.first + 2 {
        let gated = cx.with(Gated::N, n).with(Gated::FOLDER, &*self.folder);
        last = *gated.require::<Gated>()?.load()?;
    }
    Ok(last)
});

/// Several of them, which require the same instances.
#[derive(Task)]
#[task(requires = [Waits { first } for first in 0..3_u64], target = Json<usize>)]
struct AllWait;

runs!(AllWait: usize = |self, cx| Ok(cx.input().len()));

#[test]
fn one_worker_runs_what_its_job_waits_for() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    (0..9).try_for_each(|n| gates.open(n))?;
    let _worker = start_worker(opened.flow.folder())?;
    let flow = pulling(&opened, &gates).with(Waits::FOLDER, &*gates.0);
    assert_eq!(ran(&flow.run::<AllWait>()?).len(), 8);
    // With known durations, the jobs are in one bundle, and wait for each other in it.
    let flow = flow.force_all();
    let again = ran(&flow.run::<(AllWait, All)>()?);
    assert!(
        again.contains(&"AllWait".to_owned()) && again.contains(&"All".to_owned()),
        "{again:?}"
    );
    assert_eq!(queued(flow.folder()), Vec::<PathBuf>::new());
    Ok(())
}

#[derive(Task)]
#[task(target = Memory<u64>)]
struct Remembered;

runs!(Remembered: u64 = |self, _cx| Ok(7));

#[derive(Task)]
#[task(target = Json<usize>)]
struct Secretive {
    #[param(default = Secret::new("token".to_owned()))]
    token: Secret<String>,
}

runs!(Secretive: usize = |self, _cx| Ok(self.token.expose().len()));

#[derive(Task)]
#[task(requires = Secretive, target = Json<usize>)]
struct AfterSecretive;

runs!(AfterSecretive: usize = |self, cx| Ok(*cx.input().load()?));

/// Requires instances with a secret while it runs.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Requires;

runs!(Requires: u64 = |self, cx| {
    let given = cx.with(Secretive::TOKEN, Secret::new("other".to_owned())).require::<Secretive>();
    let given = given.expect_err("it is not sent").to_string();
    ensure!(given.contains("the value of `token` is a secret"), "{given}");
    let required = cx.require::<Secretive>().expect_err("it is not sent").to_string();
    ensure!(required.contains("is a secret, which would be written to a file"), "{required}");
    Ok(1)
});

#[test]
fn what_cannot_run_elsewhere_is_an_error_of_the_plan() -> Result<()> {
    let opened = open();
    let flow = opened.flow.executor(pull());
    let error = plan_error::<Remembered>(&flow);
    let expected = "`Remembered` cannot run elsewhere, by the executor `pull`: its output is kept in the memory of this process";
    assert!(error.starts_with(expected), "{error}");
    let error = plan_error::<AfterSecretive>(&flow.in_process::<Secretive>());
    assert!(error.contains("a file with the secret `Secretive.token`"), "{error}");
    assert!(error.contains("`flow.in_process::<AfterSecretive>()`"), "{error}");
    // In this process they run without any worker.
    let flow = flow.in_process::<Secretive>().in_process::<AfterSecretive>();
    assert_eq!(*flow.in_process::<Remembered>().get::<Remembered>()?, 7);
    assert_eq!(*flow.get::<AfterSecretive>()?, 5);
    Ok(())
}

#[test]
fn secrets_of_required_instances_are_in_no_file() -> Result<()> {
    let opened = open();
    let _worker = start_worker(opened.flow.folder())?;
    let flow = opened.flow.executor(pull()).in_process::<Secretive>();
    assert_eq!(ran(&flow.run::<Requires>()?), ["Requires", "Secretive"]);
    Ok(())
}
