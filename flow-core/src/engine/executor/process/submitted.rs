//! Runs tasks elsewhere, by the [`JobExecutor`](crate::plan::executor::JobExecutor) of the flow.
//!
//! The thread of the worker submits the job, and serves the task until it has ended, as [`serve`](super::serve) does for a
//! child. A job that runs needs a message to stop; one that waits is cancelled at once.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use anyhow::{Context, anyhow};
use crossbeam_channel::{Receiver, Sender, unbounded};

use super::describe::{self, Way};
use super::message::{DoneMessage, FromChild, FromRelay, JobMessage, ToChild};
use super::moving;
use super::parent::{Parent, Reply};
use super::signed;
use crate::base::pause::{running_time, seconds_since};
use crate::base::process::{Elsewhere, executable, host};
use crate::base::stop::Stopped;
use crate::engine::executor::{Cancelled, Executor, Lost, RunsNowhere, TaskJob};
use crate::engine::failure::is_stop;
use crate::engine::running::{Ran, Running};
use crate::plan::executor::{Job, JobEvent, JobEvents, JobQueue, RunOfJobs, SubmittedJob};
use crate::plan::types::TypeIndex;
use crate::store::Folder;
use crate::store::output::Look;
use crate::store::trust::Trust;
use crate::task::cx::{Host, TaskReport};
use crate::task::execute::Executed;

/// The jobs that a run submits to the executor of its flow.
#[derive(Default)]
pub(crate) struct Submitted {
    queue: Mutex<Option<Arc<dyn JobQueue>>>,
    /// The jobs whose end was not received, by number.
    open: Mutex<HashMap<u64, Arc<dyn SubmittedJob>>>,
    /// The number of jobs so far.
    jobs: AtomicU64,
    /// The durations of tasks, in seconds, as far as they were found.
    typical: Mutex<HashMap<TypeIndex, f64>>,
}

/// What the thread that serves a job waits for.
enum Input {
    Event(JobEvent),
    /// The run was stopped, or the job abandoned.
    Woken,
}

/// Passes the events of a job on to the thread that serves it.
struct Inputs(Sender<Input>);

impl Inputs {
    fn send(&self, event: JobEvent) {
        // After its end, a job needs no event.
        let _ = self.0.send(Input::Event(event));
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        // Without this, the thread would wait forever for a job that the executor has forgotten.
        self.send(JobEvent::Lost("its executor has dropped it".to_owned()));
    }
}

impl Submitted {
    /// Cancels the jobs that are left, and ends the queue, if there is one. Returns what the queue could not do.
    ///
    /// The thread of a job that was abandoned may not have cancelled it so far, and nothing waits for that thread.
    pub(crate) fn end(&self) -> Vec<String> {
        let left = std::mem::take(&mut *self.open());
        left.values().for_each(|job| job.cancel());
        let queue = self.begun().take();
        queue.map_or_else(Vec::new, |queue| {
            queue.end();
            queue.warnings()
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<dyn SubmittedJob>>> {
        self.open.lock().expect("lock poisoned")
    }

    fn begun(&self) -> MutexGuard<'_, Option<Arc<dyn JobQueue>>> {
        // An executor that panics while it begins leaves no queue.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the queue of the run, which begins with the first job.
    fn queue(&self, running: &Running) -> anyhow::Result<Arc<dyn JobQueue>> {
        let mut queue = self.begun();
        if let Some(queue) = &*queue {
            return Ok(Arc::clone(queue));
        }
        let plan = &running.execution.plan;
        let executor = &plan.policies.executor.as_ref().expect("the flow has an executor").0;
        let name = executor.name();
        let build = executable().digest.with_context(|| {
            format!("the executor `{name}` cannot identify this program: its file cannot be read")
        })?;
        let (folder, fs) = (plan.store.root().to_owned(), Arc::clone(plan.store.fs()));
        // The queue belongs to the session of the execution, and may keep this.
        let (execution, node) = (Arc::downgrade(&running.execution), running.node);
        let tell = move |reason: &str| {
            if let Some(execution) = execution.upgrade() {
                execution.report_submitted(node, reason);
            }
        };
        let program = (build, executable().name.clone());
        let run = RunOfJobs::new((folder, fs), program, tell);
        let begun = executor.begin(&run);
        let begun = begun.with_context(|| format!("the executor `{name}` cannot begin"))?;
        Ok(Arc::clone(queue.insert(begun)))
    }

    /// Returns how long the task of an instance is expected to take, in seconds.
    fn expected_seconds(&self, running: &Running) -> Option<f64> {
        let (plan, node) = (&running.execution.plan, running.node);
        let task = plan.graph.node(node).task;
        plan.last_duration(node).or_else(|| {
            let known = self.typical.lock().expect("lock poisoned").get(&task).copied();
            known.or_else(|| {
                let found = plan.typical_duration(task)?;
                self.typical.lock().expect("lock poisoned").insert(task, found);
                Some(found)
            })
        })
    }

    /// Describes a job for the executor.
    fn job(&self, task: &TaskJob<'_>, message: &JobMessage, payload: String) -> Job {
        let Running { execution, node, .. } = &**task.running;
        let graph = &execution.plan.graph;
        let resources = task.policy.resources.iter();
        Job {
            key: graph.node(*node).key,
            fingerprint: task.fingerprint,
            task: graph.task(*node).decl.name.to_string(),
            label: graph.label(*node, crate::plan::label::Show::Clipped),
            attempt: task.attempt,
            expected_seconds: self.expected_seconds(task.running),
            threads: task.policy.threads,
            resources: resources.map(|(name, amount)| (name.to_string(), *amount)).collect(),
            timeout: task.policy.timeout,
            inputs: match message.moves_files {
                true => moving::of_inputs(&message.nodes),
                false => Vec::new(),
            },
            payload,
        }
    }
}

impl Executor for Submitted {
    fn execute(&self, task: &TaskJob<'_>) -> anyhow::Result<Executed> {
        let running = task.running;
        // The files of the log belong to this attempt from now on.
        let attempt = running.begin(task.folder);
        let number = self.jobs.fetch_add(1, Ordering::Relaxed) + 1;
        let way = match running.execution.plan.policies.moves_files() {
            true => Way::ExecutorWithFiles,
            false => Way::Executor,
        };
        let message = describe::job(task, number, way)?;
        let draft = message.draft.as_ref().map(|draft| draft.path.to_path()).unwrap_or_default();
        let payload = serde_json::to_string(&message).context("the job cannot be sent")?;
        let store = Arc::clone(&running.execution.plan.store);
        let payload = signed::seal(&store, signed::JOB, payload)?;
        let purpose = signed::order(message.key, task.fingerprint);
        if running.control.stopper.is_stopped() {
            return Err(Stopped.into());
        }
        let (inputs, received) = unbounded();
        let wake = inputs.clone();
        let _wakes = running.control.stopper.on_stop(move || {
            // The thread that serves the job has the receiver.
            let _ = wake.send(Input::Woken);
        });
        let inputs = Inputs(inputs);
        let events = JobEvents::new(move |event| inputs.send(event));
        let submitted = self.queue(running)?.submit(self.job(task, &message, payload), events)?;
        self.open().insert(number, Arc::clone(&submitted));
        let since = running_time();
        running.execution.report_submitted(running.node, "a worker");
        let to = Arc::clone(&submitted);
        let reply: Reply = Arc::new(move |message: ToChild| {
            let text = serde_json::to_string(&message).ok();
            let Some(Ok(text)) = text.map(|text| signed::seal(&store, &purpose, text)) else {
                return;
            };
            match &message {
                ToChild::Required(required) if way == Way::ExecutorWithFiles => {
                    to.send_with_files(text, &moving::of_inputs(&required.nodes));
                }
                _ => to.send(text),
            }
        });
        let mut served = Served {
            parent: Parent::new(running, attempt, draft, Arc::clone(&reply), way),
            running,
            folder: task.folder,
            begins: task.begins,
            number,
            moves_files: way == Way::ExecutorWithFiles,
            submitted,
            reply,
            received,
            since,
            has_begun: false,
            is_adopted: false,
            runs_for: None,
            is_told_to_stop: false,
        };
        let result = std::thread::scope(|scope| served.until_end(scope));
        if !served.has_begun {
            let queue_seconds = Some(seconds_since(since));
            running.control.set_elsewhere(Elsewhere { worker: None, queue_seconds });
        }
        self.open().remove(&number);
        // Lines of the task that arrive from now on are not those of this attempt.
        let _ = attempt.log().close();
        result
    }
}

/// A job that was submitted, and what is known of it.
struct Served<'a> {
    parent: Parent<'a>,
    running: &'a Arc<Running>,
    folder: &'a Folder,
    begins: &'a dyn Fn(),
    number: u64,
    /// Whether the executor carries the files of inputs and outputs.
    moves_files: bool,
    submitted: Arc<dyn SubmittedJob>,
    reply: Reply,
    received: Receiver<Input>,
    /// The [`running_time`] when it was submitted.
    since: Duration,
    has_begun: bool,
    is_adopted: bool,
    /// How long a job has run that was adopted, as its worker has said at this [`running_time`].
    runs_for: Option<(Duration, Duration)>,
    is_told_to_stop: bool,
}

impl Served<'_> {
    fn until_end<'scope>(&mut self, scope: &'scope Scope<'scope, '_>) -> anyhow::Result<Executed> {
        loop {
            if self.is_cancelled() {
                return Err(Stopped.into());
            }
            let event = match self.received.recv() {
                Ok(Input::Event(event)) => event,
                Ok(Input::Woken) => continue,
                // The last event of an executor that drops the job says so, so this does not happen.
                Err(_) => return Err(self.lost("its executor has dropped it".to_owned())),
            };
            let text = match event {
                JobEvent::Waiting(reason) => {
                    self.running.execution.report_submitted(self.running.node, &reason);
                    continue;
                }
                JobEvent::Begun { worker, is_adopted } => {
                    (self.has_begun, self.is_adopted) = (true, is_adopted);
                    // For how long it was in the queue of an earlier run is not known.
                    let queue_seconds = (!is_adopted).then(|| seconds_since(self.since));
                    let elsewhere =
                        Elsewhere { worker: Some(worker.as_str().into()), queue_seconds };
                    self.running.control.set_elsewhere(elsewhere);
                    (self.begins)();
                    self.running.report(TaskReport::Status(&format_args!("on {worker}")));
                    continue;
                }
                JobEvent::RunsFor(duration) => {
                    self.runs_for = Some((duration, running_time()));
                    continue;
                }
                JobEvent::Lost(reason) => return Err(self.lost(reason)),
                JobEvent::GivenBack(reason) => {
                    return Err(self.unless_stopped(Lost::GivenBack(reason).into()));
                }
                JobEvent::Failed(error) => {
                    let error = match self.has_begun {
                        true => anyhow!(error),
                        false => RunsNowhere(error).into(),
                    };
                    return Err(self.unless_stopped(error));
                }
                JobEvent::Cancelled(reason) => {
                    return Err(self.unless_stopped(Cancelled(reason).into()));
                }
                JobEvent::Message(text) => text,
            };
            let ended = match serde_json::from_str::<FromRelay>(&text) {
                Ok(FromRelay::Child(message)) => self.receive(*message, scope),
                Ok(FromRelay::Output(text)) => {
                    self.parent.log(text.as_bytes());
                    None
                }
                Ok(FromRelay::NotDelivered(reason)) => {
                    Some(Err(self.lost(format!("its worker cannot deliver its output: {reason}"))))
                }
                // Another machine may be able to.
                Ok(FromRelay::NotStarted(reason)) => {
                    Some(Err(self.lost(format!("its worker cannot start it: {reason}"))))
                }
                Ok(FromRelay::Crashed { reason, ran }) => {
                    self.running.set_ran(ran);
                    Some(Err(self.unless_stopped(anyhow!(reason))))
                }
                Ok(FromRelay::Ended) => {
                    Some(Err(self.lost("its worker or an earlier run has ended it".to_owned())))
                }
                Err(error) => {
                    self.submitted.cancel();
                    Some(Err(self.lost(format!("a message of its worker cannot be read: {error}"))))
                }
            };
            if let Some(ended) = ended {
                return ended;
            }
        }
    }

    /// Tells the task to stop if the run was stopped. Returns whether the job was cancelled: it had not begun, or takes too
    /// long.
    fn is_cancelled(&mut self) -> bool {
        let control = &self.running.control;
        if !control.stopper.is_stopped() {
            return false;
        }
        if control.is_abandoned() || !self.has_begun {
            self.submitted.cancel();
            self.parent.discard_draft();
            return true;
        }
        if !std::mem::replace(&mut self.is_told_to_stop, true) {
            (self.reply)(ToChild::Stop { job: self.number });
        }
        false
    }

    fn receive<'scope>(
        &mut self,
        mut message: FromChild,
        scope: &'scope Scope<'scope, '_>,
    ) -> Option<anyhow::Result<Executed>> {
        if self.moves_files && is_early(&message) {
            return None;
        }
        if let FromChild::Done(done) = &mut message {
            self.running.set_ran(done.ran.clone());
            if let Err(error) = self.bring_home(done) {
                return Some(Err(self.lost(format!("its output cannot be brought here: {error}"))));
            }
        }
        let ended = self.parent.receive(message, scope)?.result;
        Some(match ended {
            Err(error) if is_stop(&error) && self.was_stopped_before() => {
                Err(self.lost("an earlier run has stopped it".to_owned()))
            }
            Ok(executed) if self.is_adopted => self.whole(executed),
            ended => ended,
        })
    }

    /// Brings what the task has written to the store, if the executor carries files. Nothing names the files so far.
    fn bring_home(&self, done: &mut DoneMessage) -> io::Result<()> {
        if !self.moves_files {
            return Ok(());
        }
        let has_failed = done.result.is_err();
        let mut none = Vec::new();
        let files = done.result.as_mut().map_or(&mut none, |output| &mut output.files);
        let (store, figures) = (&self.running.execution.plan.store, &mut done.figures);
        let running = Arc::clone(self.running);
        let is_stopped = move || running.control.stopper.is_stopped();
        let brought = moving::bring_output(store, self.folder, (files, figures), |files| {
            self.submitted.fetch(files, &is_stopped)
        });
        match brought {
            // The error of the task counts more than its figures.
            Err(_) if has_failed => {
                done.figures.clear();
                Ok(())
            }
            brought => brought,
        }
    }

    /// Returns the output of a task that an earlier run has submitted, if its files are still there.
    fn whole(&self, executed: Executed) -> anyhow::Result<Executed> {
        let store = &self.running.execution.plan.store;
        let seen = store.look_at(self.folder, &executed.output, Trust::Content)?;
        match seen.look {
            Look::Whole => Ok(executed),
            Look::Gone | Look::Modified => {
                store.discard(self.folder, &executed.output);
                Err(self.lost(format!("{}, which it had written, is gone or modified", seen.what)))
            }
        }
    }

    /// Returns whether a task that was stopped was so by an earlier run, which had submitted the job: neither is this run
    /// stopped, nor tasks that it has required.
    fn was_stopped_before(&self) -> bool {
        self.is_adopted && !self.running.was_stopped()
    }

    fn lost(&self, reason: String) -> anyhow::Error {
        self.unless_stopped(Lost::Gone(reason).into())
    }

    /// Returns the error of a task whose process has left no result. In a run that was stopped, the task was stopped: the
    /// same Ctrl-C may have ended the worker.
    fn unless_stopped(&self, error: anyhow::Error) -> anyhow::Error {
        // Whatever the process has written does not count.
        self.parent.discard_draft();
        if let Some((before, said)) = self.runs_for {
            let so_far = before.saturating_add(running_time().saturating_sub(said));
            let now = jiff::Timestamp::now();
            let ago = jiff::SignedDuration::try_from(so_far).ok();
            let started = ago.and_then(|ago| now.checked_sub(ago).ok()).unwrap_or(now);
            self.running.set_ran(Ran { started, seconds: so_far.as_secs_f64(), host: host() });
        }
        match self.running.control.stopper.is_stopped() {
            true => Stopped.into(),
            false => error,
        }
    }
}

/// Returns whether a message names a file before the end of the task, when an executor that carries files brings it.
///
/// No worker sends one, and a process that can write messages could name a file of another output.
fn is_early(message: &FromChild) -> bool {
    matches!(message, FromChild::Figure { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue and a job that write down what is called.
    #[derive(Clone, Default)]
    struct Calls(Arc<Mutex<Vec<&'static str>>>);

    impl Calls {
        fn add(&self, call: &'static str) {
            self.0.lock().expect("lock poisoned").push(call);
        }
    }

    impl JobQueue for Calls {
        fn submit(&self, _: Job, _: JobEvents) -> anyhow::Result<Arc<dyn SubmittedJob>> {
            Ok(Arc::new(self.clone()))
        }

        fn end(&self) {
            self.add("end");
        }
    }

    impl SubmittedJob for Calls {
        fn send(&self, _: String) {}

        fn cancel(&self) {
            self.add("cancel");
        }
    }

    #[test]
    fn the_end_of_a_run_cancels_the_jobs_of_threads_that_were_abandoned() {
        let (calls, submitted) = (Calls::default(), Submitted::default());
        *submitted.begun() = Some(Arc::new(calls.clone()));
        submitted.open().insert(1, Arc::new(calls.clone()));
        assert!(submitted.end().is_empty());
        assert!(submitted.end().is_empty());
        assert_eq!(*calls.0.lock().expect("lock poisoned"), ["cancel", "end"]);
    }

    #[test]
    fn a_figure_that_is_named_before_its_file_is_brought_is_not_taken() {
        let early = |text: &str| match serde_json::from_str(text).expect("a message") {
            FromRelay::Child(message) => is_early(&message),
            _ => panic!("a message of the child"),
        };
        let file = format!(
            r#"{{"file":"figure-{0}-{0}.svg","digest":"{0}{0}","bytes":1,"modified":3}}"#,
            "0123456789abcdef"
        );
        assert!(early(&format!(r#"{{"Child":{{"Figure":{{"job":1,"file":{file}}}}}}}"#)));
        assert!(!early(r#"{"Child":{"Status":{"job":1,"text":"half of it"}}}"#));
    }

    #[test]
    fn a_job_whose_events_are_dropped_is_lost() {
        let (sender, received) = unbounded();
        let inputs = Inputs(sender);
        let events = JobEvents::new(move |event| inputs.send(event));
        let other = events.clone();
        drop(events);
        assert!(received.try_recv().is_err(), "the executor still has it");
        drop(other);
        let input = received.try_recv().expect("an event");
        assert!(
            matches!(input, Input::Event(JobEvent::Lost(reason)) if reason.contains("dropped"))
        );
    }
}
