//! The queue of jobs as another process sees it: what is listed of jobs, runs and workers, and what is cancelled.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flow::cluster::{JobQueues, JobSelection, JobState, QueueStatus};
use flow::prelude::*;
use flow::store::InstanceOutcome;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::isolation::{Opened, open};
use crate::pull_workers::{
    All, Gates, joined, line_with, observed, pulling, queued, run_all, start_run, start_worker,
    wait_for,
};
use crate::support::{failed, failure, files_below, ran};

const BUILD: &str = "0123456789abcdef0123456789abcdef";

/// Returns what is in the queue, without listening to workers.
fn status(flow: &Flow) -> Result<QueueStatus> {
    let queues = JobQueues::of(flow)?.listen(Duration::ZERO);
    Ok(queues.status(&JobSelection::all())?)
}

/// Waits until a worker has begun with one job of two. Returns the status, and the numbers of that job and of the other.
fn wait_until_one_runs(flow: &Flow, gates: &Gates) -> Result<(QueueStatus, u64, u64)> {
    let running = wait_for("a job begins", || (0..2).find(|&n| !gates.begun(n).is_empty()))?;
    let is_it = |status: &QueueStatus| (status.counts.running, status.counts.waiting) == (1, 1);
    let status = wait_for("one runs, one waits", || status(flow).ok().filter(is_it))?;
    Ok((status, running, 1 - running))
}

/// Writes a bundle that no worker has taken.
fn write_bundle(queue: &Path, number: u32, text: &str) -> Result<PathBuf> {
    let bundle = queue.join("open").join(format!("{BUILD}-00000000000000aa-{number:08}"));
    // Where it is moved to before it is removed.
    fs::create_dir_all(queue.join("ended"))?;
    fs::create_dir_all(&bundle)?;
    fs::write(bundle.join("bundle.json"), text)?;
    Ok(bundle)
}

fn bundle_of(jobs: impl Iterator<Item = u32>) -> String {
    let jobs = jobs.map(|n| {
        json!({
            "key": format!("{n:032x}"), "fingerprint": "f", "task": format!("Task{}", n % 2), "label": format!("Task {n}"),
            "attempt": 1, "expected_seconds": null, "payload": "",
        })
    });
    let jobs: Vec<_> = jobs.collect();
    json!({ "format": 1, "build": BUILD, "lease_seconds": 30.0, "jobs": jobs }).to_string()
}

#[test]
fn the_jobs_of_a_run_are_listed_with_their_states_and_workers() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    let worker = start_worker(opened.flow.folder())?;
    let flow = pulling(&opened, &gates);
    let run = run_all(&flow);
    let (listed, ..) = wait_until_one_runs(&flow, &gates)?;
    let [running, waiting] = listed.jobs.as_slice() else { bail!("{listed:?}") };
    assert_eq!((running.state, waiting.state), (JobState::Running, JobState::Waiting));
    let shown = running.worker.clone().context("a worker")?;
    assert!(shown.ends_with(&format!(" (process {})", worker.0.id())), "{shown}");
    assert_eq!((running.task.as_str(), running.attempt), ("Gated", 1));
    assert!(running.instance.starts_with("Gated {n: "), "{}", running.instance);
    assert!(waiting.worker.is_none() && waiting.seconds.is_none(), "{waiting:?}");
    let [only] = listed.runs.as_slice() else { bail!("{listed:?}") };
    assert!(only.is_running && only.counts == listed.counts, "{only:?}");
    assert_eq!((listed.tasks.len(), listed.tasks[0].counts), (1, listed.counts));
    // The worker writes for how long the job has run, by its own clock.
    let seconds = wait_for("a duration", || status(&flow).ok()?.jobs.first()?.seconds)?;
    assert!(seconds > 0.1, "{seconds}");
    // A selection, and a limit of the list.
    let queues = JobQueues::of(&flow)?.listen(Duration::ZERO).list(1);
    assert_eq!(queues.status(&JobSelection::tasks(["All"]))?.counts.all(), 0);
    let one = queues.status(&JobSelection::default().and_key(&waiting.key[..16])?)?;
    assert_eq!((one.counts.all(), one.counts.waiting), (1, 1));
    let first = queues.status(&JobSelection::all())?;
    assert_eq!((first.counts.all(), first.jobs.len()), (2, 1));
    (0..2).try_for_each(|n| gates.open(n))?;
    joined(run)?;
    let after = status(&flow)?;
    assert_eq!((after.counts.all(), after.runs.len(), after.unreadable.len()), (0, 0, 0));
    Ok(())
}

#[test]
fn a_worker_that_is_suspended_is_not_heard_of() -> Result<()> {
    let opened = open();
    let flow = &opened.flow;
    let workers = [start_worker(flow.folder())?, start_worker(flow.folder())?];
    wait_for("both workers", || (status(flow).ok()?.workers.len() == 2).then_some(()))?;
    assert!(status(flow)?.workers.iter().all(|worker| worker.is_alive.is_none()));
    let suspended = Pid::from_child(&workers[0].0);
    kill_process(suspended, Signal::STOP)?;
    let queues = JobQueues::of(flow)?.listen(Duration::from_secs(8));
    let heard = queues.status(&JobSelection::all())?.workers;
    kill_process(suspended, Signal::CONT)?;
    for (worker, is_alive) in workers.iter().zip([false, true]) {
        let listed = heard.iter().find(|one| one.process == worker.0.id()).context("a worker")?;
        assert_eq!(listed.is_alive, Some(is_alive), "{listed:?}");
        assert!(listed.is_same_build && listed.slots == 1, "{listed:?}");
    }
    Ok(())
}

#[test]
fn a_job_that_waits_is_cancelled_and_the_run_goes_on() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    let _worker = start_worker(opened.flow.folder())?;
    let flow = pulling(&opened, &gates);
    let run = run_all(&flow);
    let (listed, running, other) = wait_until_one_runs(&flow, &gates)?;
    let key = JobSelection::default().and_key(&listed.jobs[1].key)?;
    let asked = JobQueues::of(&flow)?.cancel(&key)?;
    assert_eq!((asked.runs, asked.asked, asked.ended), (1, 1, 0));
    wait_for("it is gone", || (status(&flow).ok()?.counts.waiting == 0).then_some(()))?;
    // The other one still runs.
    assert_eq!(status(&flow)?.counts.running, 1);
    gates.open(running)?;
    let summary = failure(joined(run));
    assert_eq!((ran(&summary), failed(&summary)), (vec!["Gated".into()], vec!["Gated".into()]));
    let error = summary.failed()[0].error.clone().context("an error")?;
    // It names who and when, and not the process that has asked, which is gone.
    assert!(error.starts_with("it was cancelled: by request of "), "{error}");
    assert!(error.contains(" at 2") && !error.contains("process"), "{error}");
    assert!(gates.begun(other).is_empty());
    assert_eq!(queued(flow.folder()), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn a_job_that_runs_is_cancelled_and_what_is_submitted_later_too() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    let _worker = start_worker(opened.flow.folder())?;
    // The other job waits in the run, which submits it later.
    let flow = pulling(&opened, &gates).workers(1);
    let run = run_all(&flow);
    let running = wait_for("a job begins", || (0..2).find(|&n| !gates.begun(n).is_empty()))?;
    let asked = JobQueues::of(&flow)?.cancel(&JobSelection::tasks(["Gated"]))?;
    assert_eq!((asked.runs, asked.asked), (1, 1));
    let summary = failure(joined(run));
    assert_eq!(failed(&summary), ["Gated", "Gated"]);
    assert!(gates.begun(1 - running).is_empty(), "it was never begun");
    assert_eq!(files_below(&flow.folder().join(".flow/drafts")), Vec::<PathBuf>::new());
    assert_eq!(queued(flow.folder()), Vec::<PathBuf>::new());
    // The next run is not asked for anything, and the worker takes its jobs.
    (0..2).try_for_each(|n| gates.open(n))?;
    assert_eq!(ran(&flow.run::<All>()?), ["All", "Gated", "Gated"]);
    Ok(())
}

/// Starts a run with a worker, and kills it when one job runs and the other one waits.
fn killed(opened: &Opened, gates: &Gates) -> Result<(u64, u64)> {
    let run = start_run(opened)?;
    let (_, running, other) = wait_until_one_runs(&opened.flow, gates)?;
    drop(run);
    Ok((running, other))
}

#[test]
fn what_a_killed_run_has_left_is_cancelled() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    let _worker = start_worker(opened.flow.folder())?;
    let (running, other) = killed(&opened, &gates)?;
    let flow = &opened.flow;
    let left = status(flow)?;
    assert!(left.counts.running == 1 && !left.runs[0].is_running, "{left:?}");
    let summary = JobQueues::of(flow)?.cancel(&JobSelection::all())?;
    assert_eq!((summary.runs, summary.asked, summary.ended), (0, 0, 2));
    assert_eq!(status(flow)?.counts.all(), 0);
    assert_eq!(JobQueues::of(flow)?.cancel(&JobSelection::all())?.ended, 0);
    // Nothing of it is adopted, and both jobs run once more.
    (0..2).try_for_each(|n| gates.open(n))?;
    let flow = pulling(&opened, &gates);
    assert_eq!(ran(&flow.run::<All>()?), ["All", "Gated", "Gated"]);
    assert_eq!((gates.begun(running).len(), gates.begun(other).len()), (2, 1));
    assert_eq!(queued(flow.folder()), Vec::<PathBuf>::new());
    assert!(flow.store().verify()?.is_whole());
    Ok(())
}

#[test]
fn a_job_that_was_adopted_is_cancelled_once_by_the_run_that_has_adopted_it() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    let _worker = start_worker(opened.flow.folder())?;
    let (running, other) = killed(&opened, &gates)?;
    let key = status(&opened.flow)?.jobs[0].key.clone();
    let has_run = |seconds: &f64| *seconds > 3.0;
    wait_for("its duration", || status(&opened.flow).ok()?.jobs.first()?.seconds.filter(has_run))?;
    let (flow, lines) = observed(&pulling(&opened, &gates));
    let run = run_all(&flow);
    // The killed run is not listed any more: its job is that of the run in progress.
    let is_adopted = |status: &QueueStatus| {
        let [only] = status.runs.as_slice() else { return false };
        only.is_running && only.counts.running == 1
    };
    wait_for("it is adopted", || status(&flow).ok().filter(is_adopted))?;
    line_with(&lines, " started")?;
    let asked = JobQueues::of(&flow)?.cancel(&JobSelection::default().and_key(&key)?)?;
    assert_eq!((asked.runs, asked.asked, asked.ended), (1, 1, 0));
    assert_eq!(asked.to_string(), "asked 1 run to cancel 1 job, and those that follow");
    gates.open(other)?;
    let summary = failure(joined(run));
    assert_eq!((ran(&summary), failed(&summary)), (vec!["Gated".into()], vec!["Gated".into()]));
    let error = summary.failed()[0].error.clone().context("an error")?;
    assert!(error.starts_with("it was cancelled: by request of "), "{error}");
    // It has one end: it was neither lost nor submitted again.
    let lines = lines.lock().expect("no panic").join("\n");
    assert!(!lines.contains("lost") && !lines.contains("runs again"), "{lines}");
    assert_eq!((gates.begun(running).len(), gates.begun(other).len()), (1, 1));
    let runs = flow.store().runs()?;
    let history = runs.load(&runs.latest().context("a run")?.id)?;
    let mut failed = history.instances.iter().filter(|run| run.outcome == InstanceOutcome::Failed);
    let cancelled = failed.next().context("a failure")?;
    assert_eq!((cancelled.attempts, cancelled.losses), (1, 0));
    // The time for which it has run includes that before it was adopted.
    assert!(cancelled.seconds > 3.0 && cancelled.worker.is_some(), "{cancelled}");
    assert_eq!(queued(flow.folder()), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn a_lease_that_ends_by_a_request_is_cancelled_and_not_lost() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    let _worker = start_worker(opened.flow.folder())?;
    let (flow, lines) = observed(&pulling(&opened, &gates));
    let run = run_all(&flow);
    let (listed, running, other) = wait_until_one_runs(&flow, &gates)?;
    let queue = flow.folder().join(".flow/queue");
    let lease = files_below(&queue.join("taken")).into_iter().next().context("a lease")?;
    let lease = lease.parent().context("its folder")?;
    // As `cancel` does with a job of a killed run, which a run adopts at the same moment: it asks, and ends the lease.
    let requests = queue.join("requests").join(format!("{}.jsonl", listed.runs[0].run));
    let selected = json!({ "keys": [listed.jobs[0].key] });
    let request = json!({ "format": 1, "cancel": selected, "host": "node8", "user": "anna" });
    fs::write(&requests, format!("{request}\n"))?;
    // The run may have read the request just now, and have ended the lease itself.
    let _ = fs::rename(lease, queue.join("ended/by_hand"));
    gates.open(other)?;
    let summary = failure(joined(run));
    let error = summary.failed()[0].error.clone().context("an error")?;
    assert_eq!(error, "it was cancelled: by request of anna@node8");
    let lines = lines.lock().expect("no panic").join("\n");
    assert!(!lines.contains("runs again") && !lines.contains("lost"), "{lines}");
    assert_eq!(gates.begun(running).len(), 1);
    Ok(())
}

#[test]
fn the_job_of_a_killed_run_that_waits_is_withdrawn_and_the_other_one_is_adopted() -> Result<()> {
    let opened = open();
    let gates = Gates::new(&opened)?;
    let _worker = start_worker(opened.flow.folder())?;
    let (running, other) = killed(&opened, &gates)?;
    let waiting = status(&opened.flow)?.jobs[1].key.clone();
    let queues = JobQueues::of(&opened.flow)?;
    let summary = queues.cancel(&JobSelection::default().and_key(&waiting)?)?;
    assert_eq!((summary.ended, summary.others), (1, 0));
    (0..2).try_for_each(|n| gates.open(n))?;
    let flow = pulling(&opened, &gates);
    flow.run::<All>()?;
    assert_eq!((gates.begun(running).len(), gates.begun(other).len()), (1, 1));
    assert_eq!(status(&flow)?.counts.all(), 0);
    Ok(())
}

#[test]
fn damaged_files_are_listed_and_hide_no_job() -> Result<()> {
    let opened = open();
    let flow = &opened.flow;
    let queue = flow.folder().join(".flow/queue");
    write_bundle(&queue, 1, "{\"format\":1,\"bui")?;
    write_bundle(&queue, 2, &bundle_of(0..1))?;
    write_bundle(&queue, 3, "{\"format\":7}")?;
    // A lease with a message that is none, and one that names a job which is not in the bundle.
    for (number, messages) in [(4, "nothing\n"), (5, "{\"begun\":3}\n")] {
        let taken = queue.join("taken");
        let name = format!("{BUILD}-00000000000000aa-{number:08}.node-1-00000000000000bb");
        fs::create_dir_all(&taken)?;
        fs::rename(write_bundle(&queue, number, &bundle_of(1..3))?, taken.join(&name))?;
        fs::write(taken.join(&name).join("messages.jsonl"), messages)?;
        fs::write(taken.join(&name).join("orders.jsonl"), "")?;
    }
    fs::create_dir_all(queue.join("workers"))?;
    fs::write(queue.join("workers/torn.json"), "{")?;
    // Names of other forms are of no queue.
    fs::create_dir_all(queue.join("open/notes"))?;
    let listed = status(flow)?;
    assert_eq!((listed.counts.all(), listed.jobs.len()), (1, 1), "{listed:?}");
    let reasons: Vec<_> = listed.unreadable.iter().map(|file| file.reason.as_str()).collect();
    assert_eq!(reasons.len(), 5, "{reasons:?}");
    for text in [
        "bundle.json is damaged",
        "of format 7",
        "a message of its worker cannot be read",
        "names a job that is not in the bundle",
        "the file of a worker is damaged",
    ] {
        assert!(reasons.iter().any(|reason| reason.contains(text)), "{text}: {reasons:?}");
    }
    // What can be read is cancelled.
    let summary = JobQueues::of(flow)?.cancel(&JobSelection::all())?;
    assert_eq!((summary.ended, summary.unreadable.len()), (1, 4));
    Ok(())
}

#[test]
fn a_hundred_thousand_jobs_are_counted_and_a_few_are_listed() -> Result<()> {
    let opened = open();
    let queue = opened.flow.folder().join(".flow/queue");
    for number in 0..20 {
        let first = number * 5_000;
        write_bundle(&queue, number, &bundle_of(first..first + 5_000))?;
    }
    let queues = JobQueues::of(&opened.flow)?.listen(Duration::ZERO).list(10);
    let listed = queues.status(&JobSelection::all())?;
    assert_eq!((listed.counts.waiting, listed.jobs.len()), (100_000, 10));
    let tasks: Vec<_> = listed.tasks.iter().map(|one| one.counts.waiting).collect();
    assert_eq!(tasks, [50_000, 50_000]);
    // Their run is gone, and so is its mark.
    assert!(listed.runs.len() == 1 && !listed.runs[0].is_running, "{:?}", listed.runs);
    // A bundle is withdrawn as a whole.
    let summary = queues.cancel(&JobSelection::tasks(["Task1"]))?;
    assert_eq!((summary.ended, summary.others), (50_000, 50_000));
    assert_eq!(queues.status(&JobSelection::all())?.counts.all(), 0);
    Ok(())
}

#[test]
fn the_queues_of_pools_are_listed_and_their_jobs_cancelled() -> Result<()> {
    let opened = open();
    let pool = "slurm-00000000000000ab";
    let queue = opened.flow.folder().join(".flow/queues").join(pool);
    write_bundle(&queue, 0, &bundle_of(0..2))?;
    let listed = status(&opened.flow)?;
    assert_eq!(listed.counts.waiting, 2);
    assert!(listed.jobs.iter().all(|job| job.pool.as_deref() == Some(pool)), "{listed:?}");
    assert_eq!(JobQueues::of(&opened.flow)?.cancel(&JobSelection::all())?.ended, 2);
    Ok(())
}

#[test]
fn cancel_says_that_it_waits_also_if_the_run_has_opened_no_pool() -> Result<()> {
    let opened = open();
    let queues = opened.flow.folder().join(".flow/queues");
    ["runs", "requests"].into_iter().try_for_each(|part| fs::create_dir_all(queues.join(part)))?;
    // The run was killed on another machine.
    let run = queues.join("runs/0123456789abcdef");
    fs::write(&run, "")?;
    let beat = json!({ "format": 1, "beat": 7, "seconds": 0.25, "machine": "another one" });
    fs::write(run.with_extension("beat"), beat.to_string())?;
    let waits = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&waits);
    let tell = move |most: Duration| told.lock().expect("no panic").push(most);
    JobQueues::of(&opened.flow)?.on_wait(tell).cancel(&JobSelection::all())?;
    assert_eq!(*waits.lock().expect("no panic"), [Duration::from_millis(250)]);
    Ok(())
}
