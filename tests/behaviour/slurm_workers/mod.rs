//! Workers that Slurm starts: the messages about each end of a job, what is adopted, and that no job is left.
//!
//! A stand-in takes the place of Slurm, and one of HyperQueue: the shell scripts in this folder start workers as processes in the background. A worker
//! is this test program, which runs the test [`worker`] alone.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, id};
use std::thread;
use std::time::Duration;

use flow::cluster::{HyperQueue, JobOptions, JobQueues, JobSelection, Slurm, Worker};
use flow::prelude::*;
use flow::signature::{SigningKey, TrustedKeys};
use rustix::process::{Pid, Signal, kill_process};

use crate::isolation::{Opened, open};
use crate::pull_workers::{
    All, Gated, Gates, PATIENCE, Process, joined, line_with, observed, run_all, start_test,
    wait_for,
};
use crate::support::{failed, failure, plan_error, ran};

/// The arguments that make this program run the test [`worker`] alone.
const WORKER: [&str; 4] = ["slurm_workers::worker", "--exact", "--nocapture", "--test-threads=1"];

/// The variables of the test [`worker`].
const STORE: &str = "FLOW_TEST_SLURM_WORKER";
const POOL: &str = "FLOW_TEST_POOL";
const IDLE: &str = "FLOW_TEST_IDLE";

/// Is started by the stand-in for `sbatch`, or by a real Slurm or HyperQueue.
#[test]
fn worker() -> Result<()> {
    let Some(store) = given(STORE, "--data") else { return Ok(()) };
    let flow = Flow::open(PathBuf::from(store))?.quiet();
    let _interrupts = flow::interrupts::install()?;
    let idle = given(IDLE, "--exit-when-idle").context("a time")?;
    let idle = Duration::from_secs(idle.to_string_lossy().parse()?);
    let pool = given(POOL, "--pool").context("a pool")?;
    let worker = Worker::new(&flow).poll(Duration::from_millis(10)).exit_when_idle(idle);
    worker.pool(pool.to_string_lossy()).on_message(|message| eprintln!("{message}")).run()?;
    Ok(())
}

/// Returns an option of the test [`worker`]: the stand-in sets the variable, and a real scheduler passes the options on as arguments.
fn given(variable: &str, option: &str) -> Option<OsString> {
    std::env::var_os(variable).or_else(|| {
        let mut words = std::env::args_os().skip_while(|word| *word != *option);
        words.next()?;
        words.next()
    })
}

/// Returns the executor of the Slurm of this machine, whose workers run the test [`worker`].
pub(crate) fn real_slurm() -> Slurm {
    // After `--`, the test program takes the options of a worker for names of tests that it does not have.
    Slurm::new()
        .worker_arguments(WORKER.into_iter().chain(["--"]))
        .memory("500MB")
        .poll(Duration::from_millis(10))
        .ask_every(Duration::from_millis(200))
        .max_workers(4)
}

/// Returns the executor of the HyperQueue of this machine, whose workers run the test [`worker`].
pub(crate) fn real_hyper_queue() -> HyperQueue {
    // HyperQueue does not pass on the variables of the run, and cargo has changed this one.
    let path = std::env::var("PATH").unwrap_or_default();
    HyperQueue::new()
        .worker_arguments(WORKER.into_iter().chain(["--"]))
        .option(format!("--env=PATH={path}"))
        .poll(Duration::from_millis(10))
        .ask_every(Duration::from_millis(200))
        .max_workers(4)
}

/// The stand-in for Slurm in a folder.
struct StandIn(PathBuf);

impl StandIn {
    fn new(opened: &Opened) -> Result<Self> {
        let folder = opened.folder.join("slurm");
        fs::create_dir_all(folder.join("state"))?;
        fs::write(folder.join("common.sh"), include_str!("common.sh"))?;
        // What HyperQueue needs no script for.
        fs::write(folder.join("exec"), "exec \"$@\"\n")?;
        for (name, script) in [
            ("sbatch", include_str!("sbatch.sh")),
            ("squeue", include_str!("squeue.sh")),
            ("scancel", include_str!("scancel.sh")),
            ("hq", include_str!("hq.sh")),
            ("sacct", include_str!("sacct.sh")),
            ("scontrol", include_str!("scontrol.sh")),
        ] {
            // A process of another test that has this file open for writing would keep it from being run, so this one does not write
            // it: `cp` does.
            let (from, to) = (folder.join(format!("{name}.sh")), folder.join(name));
            fs::write(&from, script)?;
            let copied = Command::new("cp").args([&from, &to]).status()?;
            ensure!(copied.success(), "cp has failed");
            fs::set_permissions(&to, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self(folder))
    }

    fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    /// Returns the executor of these tests.
    fn executor(&self) -> Slurm {
        Slurm::new()
            .commands_in(&self.0)
            .worker_arguments(WORKER)
            .poll(Duration::from_millis(10))
            .ask_every(Duration::from_millis(200))
            .idle(PATIENCE)
            .max_workers(4)
    }

    /// Returns the tasks of all jobs with their states, such as `(1, 2, "RUNNING")`.
    fn tasks(&self) -> Vec<(u32, u32, String)> {
        let mut tasks = Vec::new();
        for job in fs::read_dir(self.state()).into_iter().flatten().flatten() {
            let Some(number) = number(&job.path()) else { continue };
            for file in fs::read_dir(job.path()).into_iter().flatten().flatten() {
                if let Some(task) = number_of_state(&file.path())
                    && let Ok(state) = fs::read_to_string(file.path())
                {
                    tasks.push((number, task, state.trim().to_owned()));
                }
            }
        }
        tasks.sort();
        tasks
    }

    fn running(&self) -> Vec<(u32, u32, String)> {
        self.tasks().into_iter().filter(|(.., state)| state == "RUNNING").collect()
    }

    /// Waits until no worker is there any more, as Slurm sees it and as processes.
    fn wait_until_empty(&self) -> Result<()> {
        wait_for("the workers end", || self.running().is_empty().then_some(()))?;
        for (job, task, _) in self.tasks() {
            let path = self.state().join(format!("{job}/{task}.pid"));
            let process = fs::read_to_string(path)?;
            wait_for("the process ends", || {
                let is_there = Path::new("/proc").join(process.trim()).exists();
                (!is_there).then_some(())
            })?;
        }
        Ok(())
    }

    /// Ends the worker in whose child an instance runs, with this state and signal.
    fn end_worker_of(&self, gates: &Gates, n: u64, state: &str, signal: Signal) -> Result<()> {
        let child = gates.begun(n).pop().context("it has begun")?;
        let status = fs::read_to_string(format!("/proc/{child}/status"))?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        let parent = parent.context("a parent")?.trim().to_owned();
        let tasks = self.running();
        let own = tasks.iter().find(|(job, task, _)| {
            let path = self.state().join(format!("{job}/{task}.pid"));
            fs::read_to_string(path).is_ok_and(|process| process.trim() == parent)
        });
        let (job, task, _) = own.with_context(|| format!("{parent} is none of {tasks:?}"))?;
        fs::write(self.state().join(format!("{job}/{task}.state")), state)?;
        // As Slurm does, the process of the task is ended by the same signal, and before the worker.
        kill_process(Pid::from_raw(child.parse()?).context("a process")?, signal)?;
        kill_process(Pid::from_raw(parent.parse()?).context("a process")?, signal)?;
        Ok(())
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // A test that has failed must leave no process.
        for (job, task, _) in self.running() {
            let process = fs::read_to_string(self.state().join(format!("{job}/{task}.pid")));
            let process =
                process.ok().and_then(|process| Pid::from_raw(process.trim().parse().ok()?));
            if let Some(process) = process {
                let _ = kill_process(process, Signal::KILL);
            }
        }
    }
}

fn number(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.parse().ok()
}

fn number_of_state(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.strip_suffix(".state")?.parse().ok()
}

/// Returns a flow whose tasks are run by workers of the stand-in.
fn scheduled(opened: &Opened, gates: &Gates, executor: Slurm) -> Flow {
    opened.flow.workers(8).executor(executor).with(Gated::FOLDER, &*gates.0)
}

/// Returns the names of the arrays that are noted in the store.
fn noted(flow: &Flow) -> Vec<String> {
    let pools = fs::read_dir(flow.folder().join(".flow/queues")).into_iter().flatten().flatten();
    let arrays =
        pools.flat_map(|pool| fs::read_dir(pool.path().join("arrays")).into_iter().flatten());
    arrays.flatten().map(|array| array.file_name().to_string_lossy().into_owned()).collect()
}

/// Returns the errors of a run that has failed.
fn error_of(result: Result<flow::Summary, flow::Error>) -> String {
    let summary = failure(result);
    let errors = summary.failed().into_iter().filter_map(|entry| Some(entry.error?.to_string()));
    errors.collect::<Vec<_>>().join("\n")
}

#[test]
fn slurm_starts_the_workers_and_none_is_left() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    (0..6).try_for_each(|n| gates.open(n))?;
    let flow = scheduled(&opened, &gates, slurm.executor()).with(All::COUNT, 6_u64);
    assert_eq!(ran(&flow.run::<All>()?).len(), 7);
    assert!(flow.load::<All>()?.iter().all(|process| *process != id()));
    for n in 0..6 {
        assert_eq!(gates.begun(n).len(), 1, "instance {n} runs once");
    }
    let tasks = slurm.tasks();
    assert!(
        (1..=5).contains(&tasks.len()),
        "at most 4 workers, and one for another pool: {tasks:?}"
    );
    slurm.wait_until_empty()?;
    assert_eq!(noted(&flow), Vec::<String>::new());
    Ok(())
}

#[test]
fn tasks_with_other_needs_have_a_pool_of_their_own() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    (0..2).try_for_each(|n| gates.open(n))?;
    let own = JobOptions::new().memory("300MiB").option("--constraint=fast");
    let executor = slurm.executor().memory("100MiB").for_task("Gated", own);
    let flow = scheduled(&opened, &gates, executor);
    assert_eq!(ran(&flow.run::<All>()?).len(), 3);
    let calls = fs::read_to_string(flow.folder().join(".flow/queues/slurm.log"))?;
    let submitted: Vec<_> = calls.lines().filter(|line| line.contains("\"sbatch ")).collect();
    assert!(submitted.iter().any(|line| line.contains("--mem=300M --constraint=fast")), "{calls}");
    assert!(submitted.iter().any(|line| line.contains("--mem=100M --output=")), "{calls}");
    slurm.wait_until_empty()
}

#[test]
fn a_job_whose_worker_is_cancelled_by_a_person_runs_again() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    gates.open(0)?;
    let (flow, lines) = observed(&scheduled(&opened, &gates, slurm.executor()));
    let run = run_all(&flow);
    gates.wait_until_begun(1, 1)?;
    slurm.end_worker_of(&gates, 1, "CANCELLED", Signal::TERM)?;
    gates.wait_until_begun(1, 2)?;
    gates.open(1)?;
    assert_eq!(ran(&joined(run)?), ["All", "Gated", "Gated"]);
    let line = line_with(&lines, "it was lost")?;
    assert!(line.contains(" of Slurm on node7 was cancelled by a user"), "{line}");
    slurm.wait_until_empty()
}

#[test]
fn a_job_whose_machine_fails_runs_again() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    gates.open(0)?;
    // The scheduler says it long before the lease would end.
    let executor = slurm.executor().lease(10 * PATIENCE);
    let (flow, lines) = observed(&scheduled(&opened, &gates, executor));
    let run = run_all(&flow);
    gates.wait_until_begun(1, 1)?;
    slurm.end_worker_of(&gates, 1, "NODE_FAIL", Signal::KILL)?;
    gates.wait_until_begun(1, 2)?;
    gates.open(1)?;
    joined(run)?;
    let line = line_with(&lines, "it was lost")?;
    assert!(line.contains("on node7 was lost, because its machine has failed"), "{line}");
    slurm.wait_until_empty()
}

#[test]
fn a_job_that_is_out_of_memory_or_time_has_failed() -> Result<()> {
    for (state, expected) in [
        ("OUT_OF_MEMORY", "on node7 needs more than its limit of 100 MiB"),
        ("TIMEOUT", "on node7 takes longer than its limit of 10 min"),
    ] {
        let opened = open();
        let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
        let minutes = Duration::from_secs(600);
        let executor = slurm.executor().memory("100MiB").time_limit(minutes);
        let flow = scheduled(&opened, &gates, executor);
        let run = run_all(&flow);
        (0..2).try_for_each(|n| gates.wait_until_begun(n, 1))?;
        slurm.end_worker_of(&gates, 1, state, Signal::KILL)?;
        gates.open(0)?;
        let error = error_of(joined(run));
        assert!(error.contains(expected), "{error}");
        // The rest goes on.
        assert_eq!((gates.begun(0).len(), gates.begun(1).len()), (1, 1));
        slurm.wait_until_empty()?;
    }
    Ok(())
}

#[test]
fn a_retry_asks_for_more() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    gates.open(0)?;
    let executor = slurm.executor().memory("100MiB").grow(2.0);
    let flow = scheduled(&opened, &gates, executor).retries(1);
    let run = run_all(&flow);
    gates.wait_until_begun(1, 1)?;
    slurm.end_worker_of(&gates, 1, "OUT_OF_MEMORY", Signal::KILL)?;
    gates.wait_until_begun(1, 2)?;
    gates.open(1)?;
    joined(run)?;
    let calls = fs::read_to_string(flow.folder().join(".flow/queues/slurm.log"))?;
    assert!(calls.contains("--mem=100M") && calls.contains("--mem=200M"), "{calls}");
    slurm.wait_until_empty()
}

#[test]
fn a_controller_that_is_down_for_a_while_is_waited_for() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    (0..2).try_for_each(|n| gates.open(n))?;
    fs::write(slurm.state().join("down"), "")?;
    let (flow, lines) = observed(&scheduled(&opened, &gates, slurm.executor()));
    let run = run_all(&flow);
    let line = line_with(&lines, "does not answer")?;
    assert!(
        line.contains("waits for Slurm, which does not answer: ")
            && line.contains("Unable to contact"),
        "{line}"
    );
    assert!(slurm.tasks().is_empty());
    fs::remove_file(slurm.state().join("down"))?;
    assert_eq!(ran(&joined(run)?).len(), 3);
    let told = lines
        .lock()
        .expect("no panic")
        .iter()
        .filter(|line| line.contains("sbatch: error"))
        .count();
    assert_eq!(told, 1, "it is said once");
    slurm.wait_until_empty()
}

#[test]
fn a_user_who_may_have_few_jobs_gets_small_arrays() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    (0..6).try_for_each(|n| gates.open(n))?;
    // Four workers are worth starting, and an array of four would never be accepted.
    fs::write(slurm.state().join("limit"), "1")?;
    let (flow, lines) = observed(&scheduled(&opened, &gates, slurm.executor()));
    assert_eq!(ran(&flow.with(All::COUNT, 6_u64).run::<All>()?).len(), 7);
    let line = line_with(&lines, "accepts no more jobs at the moment")?;
    assert!(
        line.contains("waits for Slurm, which") && line.contains("AssocMaxSubmitJobLimit"),
        "{line}"
    );
    assert!(slurm.tasks().iter().all(|(_, task, _)| *task == 1), "{:?}", slurm.tasks());
    slurm.wait_until_empty()?;
    assert_eq!(noted(&flow), Vec::<String>::new());
    Ok(())
}

#[test]
fn an_array_that_slurm_shows_late_is_not_left() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    (0..2).try_for_each(|n| gates.open(n))?;
    fs::write(slurm.state().join("late"), "1")?;
    // No worker ends by itself.
    let flow = scheduled(&opened, &gates, slurm.executor().idle(10 * PATIENCE));
    assert_eq!(ran(&flow.run::<All>()?).len(), 3);
    slurm.wait_until_empty()?;
    assert_eq!(noted(&flow), Vec::<String>::new());
    Ok(())
}

#[test]
fn a_worker_that_slurm_has_forgotten_keeps_its_job_as_long_as_it_is_heard_of() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    let executor = slurm.executor().idle(Duration::from_secs(2));
    let run = run_all(&scheduled(&opened, &gates, executor));
    (0..2).try_for_each(|n| gates.wait_until_begun(n, 1))?;
    let hidden = slurm.state().join("hidden");
    fs::write(&hidden, "100")?;
    // After the second question that does not find it, a worker is gone for the scheduler.
    wait_for("two questions are asked", || {
        let left = fs::read_to_string(&hidden).ok()?.trim().parse::<u32>().ok()?;
        (left <= 98).then_some(())
    })?;
    thread::sleep(Duration::from_millis(500));
    (0..2).try_for_each(|n| gates.open(n))?;
    joined(run)?;
    assert_eq!((gates.begun(0).len(), gates.begun(1).len()), (1, 1));
    fs::remove_file(&hidden)?;
    slurm.wait_until_empty()
}

#[test]
fn what_slurm_refuses_fails_the_task_with_its_words() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    let executor = slurm.executor().partition("none");
    let calls = executor.clone();
    let flow = scheduled(&opened, &gates, executor).retries(3);
    let error = error_of(flow.run::<All>());
    assert!(error.contains("Slurm refuses the workers of this task"), "{error}");
    assert!(error.contains("sbatch: error: invalid partition specified: none"), "{error}");
    assert!(error.contains("(the option is `--partition=none`)"), "{error}");
    assert_eq!(calls.calls(), 1, "it is not tried again");
    assert_eq!(noted(&flow), Vec::<String>::new());
    Ok(())
}

#[test]
fn a_wrong_setting_or_a_missing_command_is_an_error_before_anything_runs() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    let error = |executor| plan_error::<All>(&scheduled(&opened, &gates, executor));
    let text = error(slurm.executor().grow(0.5));
    assert!(text.starts_with("the executor `slurm` cannot run tasks: `grow` is 0.5"), "{text}");
    assert!(error(slurm.executor().max_workers(0)).contains("`max_workers` is 0"));
    let own = JobOptions::new().option("--array=1-9");
    let text = error(slurm.executor().for_task("Gated", own));
    assert!(
        text.contains("the options of the task `Gated` are wrong: the option `--array`"),
        "{text}"
    );
    let text = error(slurm.executor().commands_in(&gates.0));
    assert!(
        text.contains("there is no command `sbatch` in ") && text.contains("a login node"),
        "{text}"
    );
    let hq = HyperQueue::new().commands_in(&gates.0);
    let text = plan_error::<All>(&opened.flow.executor(hq).with(Gated::FOLDER, &*gates.0));
    assert!(text.contains("`hq` cannot run tasks: there is no command `hq` in "), "{text}");
    // Nothing of it is a failure of a task.
    assert!(opened.flow.store().runs()?.latest().is_none());
    assert!(slurm.tasks().is_empty());
    Ok(())
}

#[test]
fn a_slurm_that_cannot_be_reached_is_said_once_and_has_refused_nothing() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    fs::write(slurm.state().join("unconfigured"), "")?;
    let executor = slurm.executor();
    let calls = executor.clone();
    let flow = scheduled(&opened, &gates, executor).with(All::COUNT, 3_u64);
    let error = error_of(flow.run::<All>());
    assert!(error.contains("Slurm could not be reached: "), "{error}");
    assert!(error.contains("SLURM_CONF") && !error.contains("refuses"), "{error}");
    assert_eq!(error.matches("Could not establish a configuration source").count(), 1, "{error}");
    let others = error.matches("no worker can run it: see the error of `Gated {n: ");
    assert_eq!(others.count(), 2, "{error}");
    assert_eq!(calls.calls(), 1, "it is not asked again");
    assert_eq!(noted(&flow), Vec::<String>::new());
    Ok(())
}

#[test]
fn workers_that_could_not_be_cancelled_are_a_warning_of_the_run() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    let flow = scheduled(&opened, &gates, slurm.executor().idle(Duration::from_secs(3)));
    let run = run_all(&flow);
    (0..2).try_for_each(|n| gates.wait_until_begun(n, 1))?;
    fs::write(slurm.state().join("down"), "")?;
    (0..2).try_for_each(|n| gates.open(n))?;
    let summary = joined(run)?;
    let [warning] = summary.warnings() else { bail!("{:?}", summary.warnings()) };
    let text = warning.to_string();
    assert!(text.starts_with("the executor `slurm`: "), "{text}");
    assert!(
        text.contains("of Slurm (of the arrays 1") && text.contains("could not be cancelled: "),
        "{text}"
    );
    assert!(text.contains("Unable to contact slurm controller"), "{text}");
    assert!(!noted(&flow).is_empty(), "the next run finds them");
    // They end by themselves.
    slurm.wait_until_empty()
}

#[test]
fn workers_that_wait_at_the_scheduler_are_listed_and_others_with_their_jobs() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    fs::write(slurm.state().join("pending"), "")?;
    let flow = scheduled(&opened, &gates, slurm.executor());
    let run = run_all(&flow);
    // The run opens the pool with its first job.
    let listed =
        || JobQueues::of(&flow).ok()?.listen(Duration::ZERO).status(&JobSelection::all()).ok();
    let waiting = wait_for("two workers wait", || {
        let status = listed()?;
        status.runs.into_iter().find(|run| run.queued_workers == 2 && run.queued_for.is_some())
    })?;
    assert_eq!(waiting.queued_for.as_deref(), Some("Priority"));
    fs::remove_file(slurm.state().join("pending"))?;
    (0..2).try_for_each(|n| gates.wait_until_begun(n, 1))?;
    let running = wait_for("none waits", || {
        let status = listed()?;
        status.runs.iter().all(|run| run.queued_workers == 0).then_some(status)
    })?;
    let jobs: Vec<_> = running.workers.iter().filter_map(|worker| worker.job.clone()).collect();
    assert!(jobs.len() == 2 && jobs.iter().all(|job| job.contains('_')), "{jobs:?}");
    (0..2).try_for_each(|n| gates.open(n))?;
    joined(run)?;
    slurm.wait_until_empty()
}

#[test]
fn options_and_scripts_in_the_store_are_not_submitted() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    let run = start_run(&opened)?;
    (0..2).try_for_each(|n| gates.wait_until_begun(n, 1))?;
    drop(run);
    let queues = opened.flow.folder().join(".flow/queues");
    // Who can write to the store leaves these for the next run.
    fs::write(queues.join("worker.sh"), "#!/bin/sh\necho hostile >\"$0.ran\"\n")?;
    let options = r#"{"threads":1,"memory":null,"minutes":null,"partition":null,"account":null,"options":["--hostile=1"]}"#;
    for pool in fs::read_dir(&queues)? {
        let path = pool?.path();
        if path.join("open").is_dir() {
            fs::write(path.join("options.json"), options)?;
        }
    }
    // The adopted jobs are lost with their workers, and need new ones.
    let flow = scheduled(&opened, &gates, slurm.executor());
    let run = run_all(&flow);
    for n in 0..2 {
        slurm.end_worker_of(&gates, n, "NODE_FAIL", Signal::KILL)?;
    }
    (0..2).try_for_each(|n| gates.wait_until_begun(n, 2))?;
    (0..2).try_for_each(|n| gates.open(n))?;
    joined(run)?;
    let calls = fs::read_to_string(queues.join("slurm.log"))?;
    let submitted: Vec<_> = calls.lines().filter(|line| line.contains("\"sbatch ")).collect();
    assert!(submitted.len() >= 2, "{calls}");
    assert!(!calls.contains("--hostile"), "{calls}");
    let store = opened.flow.folder().display().to_string();
    let scripts = submitted.iter().map(|line| line.split("/worker.sh").next().unwrap_or_default());
    assert!(scripts.into_iter().all(|before| !before.ends_with(&format!("{store}/.flow/queues"))));
    assert!(!queues.join("worker.sh.ran").exists());
    slurm.wait_until_empty()
}

#[test]
fn workers_that_cannot_sign_as_required_fail_the_tasks_and_are_not_started_without_end()
-> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    (0..2).try_for_each(|n| gates.open(n))?;
    let key = SigningKey::generate()?;
    let trusted: TrustedKeys = [key.public_key()].into_iter().collect();
    let flow = scheduled(&opened, &gates, slurm.executor());
    let error = error_of(flow.sign(key).require_signatures(trusted).run::<All>());
    let expected = "refuses the jobs of this run: it has no key to sign with, and no trusted keys";
    assert!(error.contains(expected), "{error}");
    assert!(gates.begun(0).is_empty() && gates.begun(1).is_empty());
    assert!(slurm.tasks().len() <= 4, "{:?}", slurm.tasks());
    slurm.wait_until_empty()
}

#[test]
fn a_worker_that_cannot_start_shows_what_it_has_printed() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    let executor = slurm.executor().program("/none/iris");
    let flow = scheduled(&opened, &gates, executor);
    let error = error_of(flow.run::<All>());
    assert!(error.contains("no worker takes jobs: 3 of them have failed before"), "{error}");
    assert!(error.contains("It has printed: ") && error.contains("/none/iris"), "{error}");
    slurm.wait_until_empty()
}

#[test]
fn a_run_whose_executable_file_was_replaced_does_not_start_workers_forever() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    let current = std::env::current_exe()?;
    // It has the same name: another one is another program.
    let replaced = opened.folder.join("replaced");
    fs::create_dir(&replaced)?;
    let program = replaced.join(current.file_name().context("a name")?);
    // As the scripts of the stand-in, it is not written by this process.
    let script = "cp \"$1\" \"$2\" && echo 'another build' >>\"$2\"";
    let made = Command::new("sh").args(["-c", script, "sh"]).args([&current, &program]).status()?;
    ensure!(made.success(), "the program cannot be copied");
    let executor = slurm.executor().program(&program).idle(Duration::from_secs(3));
    let error = error_of(scheduled(&opened, &gates, executor).run::<All>());
    assert!(error.contains("no worker takes jobs: 3 of them are of another build"), "{error}");
    assert!(error.contains("start it again from the executable file of the run"), "{error}");
    assert_eq!((gates.begun(0).len(), gates.begun(1).len()), (0, 0));
    slurm.wait_until_empty()
}

#[test]
fn a_job_that_runs_in_a_pool_is_cancelled_by_request() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    let flow = scheduled(&opened, &gates, slurm.executor());
    let run = run_all(&flow);
    (0..2).try_for_each(|n| gates.wait_until_begun(n, 1))?;
    let queues = JobQueues::of(&flow)?.listen(Duration::ZERO);
    let listed = queues.status(&JobSelection::all())?;
    assert_eq!((listed.counts.running, listed.runs.len()), (2, 1), "{listed:?}");
    let pool = listed.jobs[0].pool.clone().context("a pool")?;
    assert!(pool.starts_with("slurm-"), "{pool}");
    let is_it = |label: &str| label.starts_with("Gated {n: 1");
    let job = listed.jobs.iter().find(|job| is_it(&job.instance)).context("the job")?;
    let asked = queues.cancel(&JobSelection::default().and_key(&job.key)?)?;
    assert_eq!((asked.runs, asked.asked, asked.ended), (1, 1, 0));
    gates.open(0)?;
    let summary = failure(joined(run));
    assert_eq!((ran(&summary), failed(&summary)), (vec!["Gated".into()], vec!["Gated".into()]));
    assert_eq!((gates.begun(0).len(), gates.begun(1).len()), (1, 1));
    slurm.wait_until_empty()
}

#[test]
fn a_request_reaches_the_pool_that_a_run_opens_later() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    let own = JobOptions::new().memory("300MiB");
    let flow = scheduled(&opened, &gates, slurm.executor().for_task("Gated", own));
    let run = run_all(&flow);
    (0..2).try_for_each(|n| gates.wait_until_begun(n, 1))?;
    // The task that waits for both has a pool of its own, which is not there so far.
    let asked = JobQueues::of(&flow)?.cancel(&JobSelection::tasks(["All"]))?;
    assert_eq!((asked.runs, asked.asked, asked.ended), (1, 0, 0));
    (0..2).try_for_each(|n| gates.open(n))?;
    let summary = failure(joined(run));
    assert_eq!((ran(&summary).len(), failed(&summary)), (2, vec!["All".into()]));
    let error = summary.failed()[0].error.clone().context("an error")?;
    assert!(error.starts_with("it was cancelled: by request of "), "{error}");
    slurm.wait_until_empty()?;
    // Nothing that was asked of the run is left.
    let requests = flow.folder().join(".flow/queues/requests");
    assert_eq!(fs::read_dir(requests)?.count(), 0);
    Ok(())
}

/// The variable that makes the test below a run in this folder.
const RUN: &str = "FLOW_TEST_SLURM_RUN";

/// Is started by the tests below, and killed.
#[test]
fn run_that_is_killed() -> Result<()> {
    let Some(folder) = std::env::var_os(RUN).map(PathBuf::from) else { return Ok(()) };
    let flow = Flow::open(folder.join("data"))?.quiet();
    let opened = Opened { flow, folder };
    let slurm = StandIn(opened.folder.join("slurm"));
    let gates = Gates(opened.folder.join("gates"));
    scheduled(&opened, &gates, slurm.executor()).observe(|_| {}).run::<All>()?;
    Ok(())
}

fn start_run(opened: &Opened) -> Result<Process> {
    let variables = [(RUN, opened.folder.as_os_str())];
    start_test(&std::env::current_exe()?, "slurm_workers::run_that_is_killed", &variables)
}

#[test]
fn a_run_that_was_killed_and_is_started_again_adopts_its_workers() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    let run = start_run(&opened)?;
    (0..2).try_for_each(|n| gates.wait_until_begun(n, 1))?;
    // It is killed with SIGKILL.
    drop(run);
    let workers = slurm.running();
    assert_eq!(workers.len(), 2);
    gates.open(0)?;
    let flow = scheduled(&opened, &gates, slurm.executor());
    let run = run_all(&flow);
    thread::sleep(Duration::from_secs(1));
    assert_eq!(slurm.tasks().len(), 2, "no further worker is needed: {:?}", slurm.tasks());
    gates.open(1)?;
    joined(run)?;
    assert_eq!((gates.begun(0).len(), gates.begun(1).len()), (1, 1));
    assert_eq!(flow.load::<All>()?[1].to_string(), gates.begun(1)[0]);
    slurm.wait_until_empty()?;
    assert_eq!(noted(&flow), Vec::<String>::new());
    assert!(flow.store().verify()?.is_whole());
    Ok(())
}

/// Returns the names of the bundles that no worker has taken.
fn posted(store: &Path) -> Vec<OsString> {
    let pools = fs::read_dir(store.join(".flow/queues")).into_iter().flatten().flatten();
    let open = pools.flat_map(|pool| fs::read_dir(pool.path().join("open")).into_iter().flatten());
    open.flatten().map(|bundle| bundle.file_name()).collect()
}

#[test]
fn what_a_killed_run_has_posted_is_withdrawn_by_a_run_with_other_options() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    fs::write(slurm.state().join("down"), "")?;
    let run = start_run(&opened)?;
    let store = opened.flow.folder().to_owned();
    wait_for("both are posted", || (posted(&store).len() == 2).then_some(()))?;
    drop(run);
    fs::remove_file(slurm.state().join("down"))?;
    // The pool of these is another one. A worker of the first pool would run them a second time.
    let flow = scheduled(&opened, &gates, slurm.executor().memory("300MiB"));
    let run = run_all(&flow);
    (0..2).try_for_each(|n| gates.wait_until_begun(n, 1))?;
    assert_eq!(posted(&store), Vec::<OsString>::new());
    (0..2).try_for_each(|n| gates.open(n))?;
    joined(run)?;
    slurm.wait_until_empty()?;
    assert_eq!(noted(&flow), Vec::<String>::new());
    Ok(())
}

#[test]
fn the_workers_of_a_killed_run_are_cancelled_if_the_file_of_their_array_is_damaged() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    let run = start_run(&opened)?;
    (0..2).try_for_each(|n| gates.wait_until_begun(n, 1))?;
    drop(run);
    let flow = scheduled(&opened, &gates, slurm.executor());
    for pool in fs::read_dir(flow.folder().join(".flow/queues"))? {
        for array in fs::read_dir(pool?.path().join("arrays")).into_iter().flatten() {
            fs::write(array?.path(), "{")?;
        }
    }
    let run = run_all(&flow);
    // Their jobs run again in other workers.
    (0..2).try_for_each(|n| gates.wait_until_begun(n, 2))?;
    wait_for("the first workers are cancelled", || {
        let running = slurm.running();
        running.iter().all(|(job, ..)| *job > 1).then_some(())
    })?;
    (0..2).try_for_each(|n| gates.open(n))?;
    joined(run)?;
    slurm.wait_until_empty()?;
    assert_eq!(noted(&flow), Vec::<String>::new());
    Ok(())
}

#[test]
fn a_run_that_is_stopped_leaves_no_worker() -> Result<()> {
    let opened = open();
    let (gates, slurm) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    let flow = scheduled(&opened, &gates, slurm.executor()).with(All::COUNT, 8_u64);
    let run = run_all(&flow);
    wait_for("four workers run", || (slurm.running().len() == 4).then_some(()))?;
    flow.stopper().stop();
    assert!(ran(&failure(joined(run))).is_empty());
    slurm.wait_until_empty()?;
    assert_eq!(noted(&flow), Vec::<String>::new());
    Ok(())
}

#[test]
fn hyperqueue_starts_workers_in_the_same_way() -> Result<()> {
    let opened = open();
    let (gates, stand_in) = (Gates::new(&opened)?, StandIn::new(&opened)?);
    gates.open(0)?;
    let executor = HyperQueue::new()
        .commands_in(&stand_in.0)
        .worker_arguments(WORKER)
        .poll(Duration::from_millis(10))
        .ask_every(Duration::from_millis(200))
        .idle(PATIENCE);
    let flow = opened.flow.workers(8).executor(executor).with(Gated::FOLDER, &*gates.0);
    let (flow, lines) = observed(&flow);
    let run = run_all(&flow);
    gates.wait_until_begun(1, 1)?;
    stand_in.end_worker_of(&gates, 1, "CANCELLED", Signal::TERM)?;
    gates.wait_until_begun(1, 2)?;
    gates.open(1)?;
    assert_eq!(ran(&joined(run)?), ["All", "Gated", "Gated"]);
    let line = line_with(&lines, "it was lost")?;
    assert!(line.contains(" of HyperQueue was cancelled by a user"), "{line}");
    stand_in.wait_until_empty()?;
    assert_eq!(noted(&flow), Vec::<String>::new());
    let of_slurm = HyperQueue::new().options(JobOptions::new().partition("main"));
    let error = plan_error::<All>(&flow.executor(of_slurm).force_roots());
    assert!(error.contains("HyperQueue has no partitions and accounts"), "{error}");
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Quick {
    n: u64,
}

runs!(Quick: u64 = |self, cx| Ok(self.n));

#[derive(Task)]
#[task(requires = [Quick { n } for n in 0..self.count], aggregate)]
struct Many {
    #[param(default = 1)]
    count: u64,
}

#[test]
fn two_thousand_jobs_cost_less_than_sixty_calls_of_the_scheduler() -> Result<()> {
    let opened = open();
    let slurm = StandIn::new(&opened)?;
    let executor = slurm.executor().ask_every(Duration::from_secs(1));
    let flow = opened.flow.workers(2000).executor(executor.clone());
    // The first run finds how long the task takes.
    flow.run::<Many>()?;
    let flow = flow.with(Many::COUNT, 2000_u64);
    assert_eq!(ran(&flow.run::<Many>()?).len(), 1999);
    assert!(executor.calls() < 60, "{} calls", executor.calls());
    let calls = fs::read_to_string(flow.folder().join(".flow/queues/slurm.log"))?;
    assert_eq!(calls.lines().count() as u64, executor.calls());
    slurm.wait_until_empty()
}
