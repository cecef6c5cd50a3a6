//! Executors that a program brings: what a run shows of their jobs, and what follows if they forget jobs or panic.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use flow::OnFailure;
use flow::executor::{
    Job, JobEvent, JobEvents, JobExecutor, JobInbox, JobLink, JobQueue, JobRunner, RunOfJobs,
    SubmittedJob,
};
use flow::prelude::*;
use flow::store::{InstanceOutcome, InstanceRun};

use crate::failure::with_backtraces;
use crate::isolation::open;
use crate::pull_workers::{PATIENCE, observed, wait_for};
use crate::support::{failed, failure, plan_error, ran};

/// Runs each job in a child process, after it has been queued for this long.
#[derive(Clone)]
pub(crate) struct Nearby {
    runner: Arc<JobRunner>,
    queued: Duration,
    /// Whether the jobs arrive damaged.
    damages: bool,
}

impl Nearby {
    pub(crate) fn new(flow: &Flow, queued: Duration) -> Self {
        Self { runner: Arc::new(flow.job_runner(4)), queued, damages: false }
    }
}

impl JobExecutor for Nearby {
    fn name(&self) -> &str {
        "nearby"
    }

    fn begin(&self, _run: &RunOfJobs) -> Result<Arc<dyn JobQueue>> {
        Ok(Arc::new(self.clone()))
    }
}

impl JobQueue for Nearby {
    fn submit(&self, job: Job, events: JobEvents) -> Result<Arc<dyn SubmittedJob>> {
        let (Self { runner, queued, damages }, inbox) = (self.clone(), Arc::new(JobInbox::new()));
        let messages = Arc::clone(&inbox);
        let payload = if damages { "{}".to_owned() } else { job.payload };
        thread::spawn(move || {
            thread::sleep(queued);
            let worker = "a thread".to_owned();
            events.send(JobEvent::Begun { worker, is_adopted: false });
            runner.run(&payload, &messages, &Link(events));
        });
        Ok(Arc::new(Running(inbox)))
    }

    fn end(&self) {}
}

/// From a job to the run.
struct Link(JobEvents);

impl JobLink for Link {
    fn send(&self, message: String, _is_urgent: bool) -> io::Result<()> {
        self.0.send(JobEvent::Message(message));
        Ok(())
    }

    fn draft(&self) -> Option<PathBuf> {
        None
    }

    fn wait(&self, _is_waiting: bool) {}
}

/// From the run to a job.
struct Running(Arc<JobInbox>);

impl SubmittedJob for Running {
    fn send(&self, message: String) {
        self.0.send(message);
    }

    fn cancel(&self) {
        self.0.cancel();
    }
}

/// Forgets each job that it is given, apart from the number of the attempt.
#[derive(Clone, Default)]
struct Forgetful(Arc<Mutex<Vec<u32>>>);

impl Forgetful {
    fn attempts(&self) -> Vec<u32> {
        self.0.lock().expect("no panic").clone()
    }
}

impl JobExecutor for Forgetful {
    fn name(&self) -> &str {
        "forgetful"
    }

    fn begin(&self, _run: &RunOfJobs) -> Result<Arc<dyn JobQueue>> {
        Ok(Arc::new(self.clone()))
    }
}

impl JobQueue for Forgetful {
    fn submit(&self, job: Job, _events: JobEvents) -> Result<Arc<dyn SubmittedJob>> {
        self.0.lock().expect("no panic").push(job.attempt);
        Ok(Arc::new(Forgotten))
    }

    fn end(&self) {}
}

struct Forgotten;

impl SubmittedJob for Forgotten {
    fn send(&self, _message: String) {}

    fn cancel(&self) {}
}

/// Fails each job, before it has begun or afterwards.
#[derive(Clone, Default)]
struct Failing {
    begins: bool,
    attempts: Arc<Mutex<Vec<u32>>>,
}

impl JobExecutor for Failing {
    fn name(&self) -> &str {
        "failing"
    }

    fn begin(&self, _run: &RunOfJobs) -> Result<Arc<dyn JobQueue>> {
        Ok(Arc::new(self.clone()))
    }
}

impl JobQueue for Failing {
    fn submit(&self, job: Job, events: JobEvents) -> Result<Arc<dyn SubmittedJob>> {
        self.attempts.lock().expect("no panic").push(job.attempt);
        if self.begins {
            let worker = "node7".to_owned();
            events.send(JobEvent::Begun { worker, is_adopted: false });
        }
        events.send(JobEvent::Failed("out of memory: it needs more than 2 GB".to_owned()));
        Ok(Arc::new(Forgotten))
    }

    fn end(&self) {}
}

/// Cancels the jobs of `Other` when a worker has begun with them, as a user would, and runs the others.
#[derive(Clone)]
struct Cancels(Nearby);

impl JobExecutor for Cancels {
    fn name(&self) -> &str {
        "cancels"
    }

    fn begin(&self, _run: &RunOfJobs) -> Result<Arc<dyn JobQueue>> {
        Ok(Arc::new(self.clone()))
    }
}

impl JobQueue for Cancels {
    fn submit(&self, job: Job, events: JobEvents) -> Result<Arc<dyn SubmittedJob>> {
        if job.task != "Other" {
            return self.0.submit(job, events);
        }
        let worker = "node7 (process 1)".to_owned();
        events.send(JobEvent::Begun { worker, is_adopted: false });
        events.send(JobEvent::Cancelled("by request of node8 (process 2)".to_owned()));
        Ok(Arc::new(Forgotten))
    }

    fn end(&self) {}
}

/// Cancels each job while it waits.
struct CancelsAll;

impl JobExecutor for CancelsAll {
    fn name(&self) -> &str {
        "cancels all"
    }

    fn begin(&self, _run: &RunOfJobs) -> Result<Arc<dyn JobQueue>> {
        Ok(Arc::new(Self))
    }
}

impl JobQueue for CancelsAll {
    fn submit(&self, _job: Job, events: JobEvents) -> Result<Arc<dyn SubmittedJob>> {
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            events.send(JobEvent::Cancelled("by request of node8 (process 2)".to_owned()));
        });
        Ok(Arc::new(Forgotten))
    }

    fn end(&self) {}
}

/// Panics when the first job is ready.
struct Panicking;

impl JobExecutor for Panicking {
    fn name(&self) -> &str {
        "panicking"
    }

    fn begin(&self, _run: &RunOfJobs) -> Result<Arc<dyn JobQueue>> {
        panic!("no scheduler")
    }
}

/// Finds before anything runs that it can run nothing.
struct Unready;

impl JobExecutor for Unready {
    fn name(&self) -> &str {
        "unready"
    }

    fn check(&self) -> Result<()> {
        bail!("there are no nodes: buy some")
    }

    fn begin(&self, _run: &RunOfJobs) -> Result<Arc<dyn JobQueue>> {
        unreachable!("it is checked before")
    }
}

/// Runs jobs, and cannot end one of its workers.
#[derive(Clone)]
struct Leaving(Nearby);

impl JobExecutor for Leaving {
    fn name(&self) -> &str {
        "leaving"
    }

    fn begin(&self, _run: &RunOfJobs) -> Result<Arc<dyn JobQueue>> {
        Ok(Arc::new(self.clone()))
    }
}

impl JobQueue for Leaving {
    fn submit(&self, job: Job, events: JobEvents) -> Result<Arc<dyn SubmittedJob>> {
        self.0.submit(job, events)
    }

    fn end(&self) {}

    fn warnings(&self) -> Vec<String> {
        vec!["1 worker could not be cancelled".to_owned()]
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Quick {
    #[param(default = 1)]
    n: u64,
}

runs!(Quick: u64 = |self, _cx| Ok(self.n));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Other;

runs!(Other: u64 = |self, _cx| Ok(2));

#[derive(Task)]
#[task(requires = Other, target = Json<u64>)]
struct AfterOther;

runs!(AfterOther: u64 = |self, cx| Ok(*cx.input().load()?));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Here;

runs!(Here: u64 = |self, _cx| Ok(3));

/// Writes that it has begun, and then nothing until it is stopped.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Silent {
    begun: PathBuf,
}

runs!(Silent: u64 = |self, cx| {
    fs::write(&self.begun, "")?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        cx.checkpoint()?;
        thread::sleep(Duration::from_millis(10));
    }
    bail!("it was not stopped")
});

/// Ends its process.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Aborts;

runs!(Aborts: u64 = |self, _cx| std::process::abort());

#[derive(Task)]
#[task(target = Memory<u64>)]
struct Kept;

runs!(Kept: u64 = |self, _cx| Ok(4));

/// Requires a task while it runs whose output is in the memory of the run.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Asks;

runs!(Asks: u64 = |self, cx| {
    let error = cx.require::<Kept>().expect_err("it is in another process").to_string();
    ensure!(error.contains("Kept is kept in the memory of the process that runs the flow"), "{error}");
    ensure!(error.contains("by `flow.in_process`"), "{error}");
    Ok(5)
});

fn secret_keys() -> Vec<Secret<String>> {
    vec![Secret::new("token".to_owned())]
}

/// Its job would have a secret, although no parameter is one.
#[derive(Task)]
#[task(requires = {key: Secret<String> => Quick { n: 2 } for key in &secret_keys()}, target = Json<usize>)]
struct Keyed;

runs!(Keyed: usize = |self, cx| Ok(cx.input().len()));

#[test]
fn a_task_starts_when_its_job_begins_and_not_when_it_is_queued() -> Result<()> {
    let opened = open();
    let queued = Duration::from_secs(3);
    let (flow, lines) = observed(&opened.flow.executor(Nearby::new(&opened.flow, queued)));
    let summary = flow.run::<Quick>()?;
    assert_eq!(ran(&summary), ["Quick"]);
    let seconds = summary.ran()[0].seconds;
    assert!(seconds < queued.as_secs_f64(), "{seconds} s include the time in the queue");
    let lines = lines.lock().expect("no panic");
    let find = |text: &str| lines.iter().position(|line| line.contains(text));
    let (waits, started) = (find(" waits for a worker"), find(" started"));
    assert!(waits.is_some() && waits < started, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.contains(" started")).count(), 1, "{lines:?}");
    Ok(())
}

#[test]
fn the_duration_of_a_crash_is_without_the_time_in_the_queue() -> Result<()> {
    let opened = open();
    let queued = Duration::from_secs(4);
    let summary = failure(opened.flow.executor(Nearby::new(&opened.flow, queued)).run::<Aborts>());
    let crash = &summary.failed()[0];
    assert!(crash.seconds < queued.as_secs_f64(), "{} s include that time", crash.seconds);
    // A crash is a failure, and not a loss.
    let error = crash.error.clone().context("an error")?;
    assert_eq!((crash.attempts, error.contains("lost")), (1, false), "{error}");
    Ok(())
}

#[test]
fn an_executor_that_can_run_nothing_is_an_error_before_anything_runs() -> Result<()> {
    let opened = open();
    let flow = opened.flow.executor(Unready);
    // `Other` could run here, and would run for nothing.
    let error = plan_error::<AfterOther>(&flow.in_process::<Other>());
    assert_eq!(error, "the executor `unready` cannot run tasks: there are no nodes: buy some");
    assert!(flow.store().list()?.is_empty() && flow.store().runs()?.latest().is_none());
    // What only looks works on a machine without the scheduler.
    let graph = flow.graph::<AfterOther>();
    assert_eq!(graph.instances()?.len(), 2);
    assert!(graph.why().is_ok() && graph.plot().is_ok() && graph.preview().is_err());
    // It is not asked if everything runs here, or is complete.
    let here = flow.in_process::<Other>().in_process::<AfterOther>();
    assert_eq!(ran(&here.run::<AfterOther>()?), ["AfterOther", "Other"]);
    assert!(ran(&flow.run::<AfterOther>()?).is_empty());
    Ok(())
}

#[test]
fn what_an_executor_could_not_end_is_a_warning_of_the_run() -> Result<()> {
    let opened = open();
    let leaving = Leaving(Nearby::new(&opened.flow, Duration::ZERO));
    let flow = opened.flow.executor(leaving);
    let summary = flow.run::<Quick>()?;
    let [warning] = summary.warnings() else { bail!("{:?}", summary.warnings()) };
    assert_eq!(warning.to_string(), "the executor `leaving`: 1 worker could not be cancelled");
    // A run that has submitted nothing has begun no queue.
    assert!(flow.run::<Quick>()?.warnings().is_empty());
    Ok(())
}

#[test]
fn a_stop_reaches_a_task_that_sends_nothing() -> Result<()> {
    let opened = open();
    let begun = opened.folder.join("begun");
    let flow = opened.flow.executor(Nearby::new(&opened.flow, Duration::ZERO));
    let flow = flow.with(Silent::BEGUN, &*begun);
    let run = thread::spawn({
        let flow = flow.clone();
        move || flow.run::<Silent>()
    });
    wait_for("the task begins", || begun.exists().then_some(()))?;
    flow.stopper().stop();
    let summary = failure(run.join().expect("no panic"));
    assert!(ran(&summary).is_empty() && failed(&summary).is_empty(), "{summary}");
    Ok(())
}

#[test]
fn a_job_that_its_executor_has_forgotten_is_lost() -> Result<()> {
    let opened = open();
    let executor = Forgetful::default();
    let flow = opened.flow.executor(executor.clone());
    let summary = failure(flow.run::<Quick>());
    let error = summary.failed()[0].error.clone().context("an error")?;
    assert_eq!(error, "it was lost: its executor has dropped it");
    // Three losses are free, so that each job is the first attempt, and there are no retries.
    assert_eq!(executor.attempts(), [1; 4]);
    assert_eq!(summary.failed()[0].attempts, 1);
    let quick = recorded(&flow, "Quick")?;
    assert_eq!((quick.outcome, quick.losses), (InstanceOutcome::Failed, 3));
    assert!(quick.to_string().contains("dropped it, lost 3 times"), "{quick}");
    Ok(())
}

#[test]
fn a_loss_that_is_not_free_is_a_retry_of_the_flow() -> Result<()> {
    let opened = open();
    let executor = Forgetful::default();
    let (flow, lines) = observed(&opened.flow.retries(1).executor(executor.clone()));
    let summary = failure(flow.run::<Quick>());
    assert_eq!((executor.attempts(), summary.failed()[0].attempts), (vec![1, 1, 1, 1, 2], 2));
    let lines = lines.lock().expect("no panic");
    let with = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
    assert_eq!(with(" runs again: it was lost: its executor has dropped it"), 3, "{lines:?}");
    assert_eq!(with(" failed in attempt 1, next at once: it was lost: "), 1, "{lines:?}");
    assert_eq!(with("runs again") + with("failed in attempt"), 4, "{lines:?}");
    Ok(())
}

#[test]
fn a_job_that_its_executor_fails_is_tried_again_as_often_as_its_retries_say() -> Result<()> {
    let opened = open();
    let executor = Failing { begins: true, ..Failing::default() };
    let flow = opened.flow.retries(2).executor(executor.clone());
    let summary = failure(flow.run::<Quick>());
    let error = summary.failed()[0].error.clone().context("an error")?;
    assert_eq!(error, "out of memory: it needs more than 2 GB");
    assert_eq!(*executor.attempts.lock().expect("no panic"), [1, 2, 3]);
    // One that can run nowhere would fail again.
    let executor = Failing::default();
    failure(flow.executor(executor.clone()).run::<Quick>());
    assert_eq!(*executor.attempts.lock().expect("no panic"), [1]);
    Ok(())
}

#[test]
fn a_job_that_its_worker_cannot_start_has_not_failed() -> Result<()> {
    let opened = open();
    let nearby = Nearby { damages: true, ..Nearby::new(&opened.flow, Duration::ZERO) };
    let (flow, lines) = observed(&opened.flow.executor(nearby));
    let summary = failure(flow.run::<Quick>());
    let error = summary.failed()[0].error.clone().context("an error")?;
    let expected = "it was lost: its worker cannot start it: the worker cannot read the job: ";
    assert!(error.starts_with(expected), "{error}");
    // As after each loss, three further attempts are free.
    let lines = lines.lock().expect("no panic");
    assert_eq!(lines.iter().filter(|line| line.contains(" started")).count(), 4, "{lines:?}");
    Ok(())
}

/// Returns what the history of the last run says of a task.
fn recorded(flow: &Flow, task: &str) -> Result<InstanceRun> {
    let runs = flow.store().runs()?;
    let history = runs.load(&runs.latest().context("a run")?.id)?;
    let run = history.instances.into_iter().find(|run| run.task == task);
    run.context("the task was settled")
}

#[test]
fn a_job_that_was_cancelled_fails_once_and_the_run_goes_on() -> Result<()> {
    let opened = open();
    let executor = Cancels(Nearby::new(&opened.flow, Duration::from_secs(1)));
    // A failure would stop the run before the other job begins.
    let flow = opened.flow.workers(4).executor(executor).retries(3).on_failure(OnFailure::Stop);
    let summary = failure(flow.run::<(Quick, AfterOther)>());
    assert_eq!((ran(&summary), failed(&summary)), (vec!["Quick".into()], vec!["Other".into()]));
    let error = summary.failed()[0].error.clone().context("an error")?;
    assert_eq!(error, "it was cancelled: by request of node8 (process 2)");
    let other = recorded(&flow, "Other")?;
    assert_eq!((other.outcome, other.attempts), (InstanceOutcome::Failed, 1));
    assert_eq!(other.worker.as_deref(), Some("node7 (process 1)"));
    assert_eq!(recorded(&flow, "AfterOther")?.outcome, InstanceOutcome::NotRun);
    // It is like any failed instance afterwards.
    assert!(flow.why::<Other>()?.to_string().contains("it was cancelled"));
    assert_eq!(ran(&opened.flow.run::<AfterOther>()?), ["AfterOther", "Other"]);
    Ok(())
}

#[test]
fn an_error_of_the_library_itself_has_no_backtrace() -> Result<()> {
    with_backtraces(|| {
        let opened = open();
        let summaries = [
            failure(opened.flow.executor(CancelsAll).run::<Quick>()),
            failure(opened.flow.executor(Forgetful::default()).run::<Quick>()),
            failure(opened.flow.executor(Failing::default()).run::<Quick>()),
        ];
        for summary in summaries {
            assert_eq!(summary.failed()[0].backtrace, None, "{summary}");
            assert!(!summary.to_string().contains("backtrace"), "{summary}");
        }
        Ok(())
    })
}

#[test]
fn the_history_has_the_worker_of_a_job_and_its_time_in_the_queue() -> Result<()> {
    let opened = open();
    let queued = Duration::from_secs(2);
    let flow = opened.flow.executor(Nearby::new(&opened.flow, queued)).in_process::<Here>();
    flow.run::<(Quick, Here)>()?;
    let quick = recorded(&flow, "Quick")?;
    assert_eq!(quick.worker.as_deref(), Some("a thread"));
    let seconds = quick.queue_seconds.context("a time")?;
    assert!(seconds >= queued.as_secs_f64() && quick.started.is_some(), "{quick:?}");
    let shown = quick.to_string();
    assert!(shown.contains(", on a thread, ") && shown.contains(" in the queue"), "{shown}");
    let here = recorded(&flow, "Here")?;
    assert_eq!((here.worker, here.queue_seconds), (None, None));
    Ok(())
}

#[test]
fn a_job_that_was_cancelled_while_it_waited_has_no_worker_and_no_start() -> Result<()> {
    let opened = open();
    let flow = opened.flow.executor(CancelsAll);
    let summary = failure(flow.run::<Quick>());
    assert!(summary.failed()[0].seconds < 0.1, "{summary}");
    let quick = recorded(&flow, "Quick")?;
    assert!(quick.to_string().contains(": failed: it was cancelled: by request of "), "{quick}");
    assert_eq!((quick.worker, quick.started, quick.attempts), (None, None, 0));
    assert!(quick.queue_seconds >= Some(0.1), "{:?}", quick.queue_seconds);
    Ok(())
}

#[test]
fn an_executor_that_panics_fails_its_tasks_and_no_other() -> Result<()> {
    let opened = open();
    let flow = opened.flow.executor(Panicking).in_process::<Here>().allow_failures();
    let summary = flow.run::<(Quick, Other, Here)>()?;
    assert_eq!(
        (failed(&summary), ran(&summary)),
        (vec!["Other".into(), "Quick".into()], vec!["Here".into()])
    );
    for entry in summary.failed() {
        let error = entry.error.context("an error")?;
        assert!(error.contains("no scheduler"), "{error}");
    }
    Ok(())
}

#[test]
fn a_value_in_memory_that_a_job_requires_is_an_error_with_what_to_do() -> Result<()> {
    let opened = open();
    let flow = opened.flow.executor(Nearby::new(&opened.flow, Duration::ZERO));
    // The task checks the error, and goes on.
    assert_eq!(ran(&flow.in_process::<Kept>().run::<Asks>()?), ["Asks", "Kept"]);
    Ok(())
}

#[test]
fn a_secret_key_of_a_map_of_inputs_is_in_no_job() -> Result<()> {
    let opened = open();
    let executor = Forgetful::default();
    let flow = opened.flow.executor(executor.clone()).in_process::<Quick>();
    let summary = failure(flow.run::<Keyed>());
    let error = summary.failed()[0].error.clone().context("an error")?;
    assert!(error.contains("a key of the inputs of Keyed is a secret"), "{error}");
    assert!(error.contains("`flow.in_process`"), "{error}");
    assert_eq!(executor.attempts(), [0; 0]);
    // In this process, it runs.
    assert_eq!(*flow.in_process::<Keyed>().get::<Keyed>()?, 1);
    Ok(())
}
