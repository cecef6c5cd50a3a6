//! Executors of other machines: the interface between a run and the crate that brings its jobs to a cluster.
//!
//! [`Flow::executor`](crate::Flow::executor) sets a [`JobExecutor`]. A run [begins](JobExecutor::begin) a [`JobQueue`] when
//! its first task is ready, and submits a [`Job`] for each attempt to run a task. The executor brings the job to a
//! process of the same build, which runs it by [`JobRunner`](crate::executor::JobRunner), and passes on what that process
//! reports as [`JobEvent`]s. The messages between the run and the task are texts that an executor does not understand.
//!
//! # What is whose
//!
//! - The *run* plans, judges, claims, retries and commits, as for a task in a thread. It does not know what kind of
//!   executor it has.
//! - The *executor* decides where and when a job runs, and whether the process that runs it is alive. It has *leases*: a
//!   process holds a job as long as it is heard of. It may *adopt* a job that runs already, because an earlier run has
//!   submitted the same key and fingerprint and was killed.
//! - The *process* of the job writes the files of the output, and a draft record if it can. It leaves jobs that it
//!   [refuses](crate::executor::JobRunner::refusal) to other processes: it could not sign their outputs as the run requires.
//! - The *files* of inputs and outputs are in a folder that both reach, unless the executor
//!   [moves files](JobExecutor::moves_files): then it carries them, to the same paths below the folder of each store.
//!
//! # The events of a job
//!
//! ```text
//! submit ──► Waiting* ──► Begun ──► Message* ──► the last message says how the task has ended
//!               │           │          │
//!               └───────────┴──────────┴───────► Lost, GivenBack, Failed, or Cancelled
//! ```
//!
//! - After `Lost`, `GivenBack` and `Failed`, no message follows, and nothing that the lost process does from then on can be committed: neither by
//!   this run nor, from its draft record, by a later one. The same holds when [`SubmittedJob::cancel`] has returned.
//! - The same holds after `Cancelled`: a user has ended this job, and not the run. The instance has failed, and is not tried
//!   again.
//! - A job that was lost or given back has not failed: the run submits it again, a few times, without counting it as a retry.
//! - A job fails without a message of its own if the executor knows that it is the cause: it needs more memory or time than a
//!   scheduler has given to it. Its retries apply, and the [attempt](Job::attempt) may ask for more.
//! - `Begun` may be followed by messages of the past, if the job was adopted: all of them, from the first one on.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::fs::Fs;
use crate::base::key::{Digest, Key};

/// Runs the tasks of a flow in processes that it reaches in its own way, such as on the machines of a cluster.
///
/// See the [module](crate::executor) for the contract. `typed-flow` has the executor `flow::cluster::PullWorkers`, with the
/// cargo feature `cluster`. This one has the other half in the same process:
///
/// ```no_run
/// use std::path::PathBuf;
/// use std::sync::Arc;
/// use std::{io, thread};
///
/// use flow::executor::{
///     Job, JobEvent, JobEvents, JobExecutor, JobInbox, JobLink, JobQueue, JobRunner, RunOfJobs, SubmittedJob,
/// };
/// use flow::prelude::*;
///
/// #[task(target = Json<u64>)]
/// fn square(#[param(default = 3)] n: u64) -> u64 {
///     n * n
/// }
///
/// /// Runs each job on a thread, in a child process.
/// struct Nearby(Arc<JobRunner>);
///
/// impl JobExecutor for Nearby {
///     fn name(&self) -> &str {
///         "nearby"
///     }
///
///     fn begin(&self, _run: &RunOfJobs) -> Result<Arc<dyn JobQueue>> {
///         Ok(Arc::new(Self(Arc::clone(&self.0))))
///     }
/// }
///
/// impl JobQueue for Nearby {
///     fn submit(&self, job: Job, events: JobEvents) -> Result<Arc<dyn SubmittedJob>> {
///         let (runner, inbox) = (Arc::clone(&self.0), Arc::new(JobInbox::new()));
///         let messages = Arc::clone(&inbox);
///         thread::spawn(move || {
///             let worker = "a thread".to_owned();
///             events.send(JobEvent::Begun { worker, is_adopted: false });
///             runner.run(&job.payload, &messages, &Link(events));
///         });
///         Ok(Arc::new(Running(inbox)))
///     }
///
///     fn end(&self) {}
/// }
///
/// /// From the job to the run.
/// struct Link(JobEvents);
///
/// impl JobLink for Link {
///     fn send(&self, message: String, _is_urgent: bool) -> io::Result<()> {
///         self.0.send(JobEvent::Message(message));
///         Ok(())
///     }
///
///     fn draft(&self) -> Option<PathBuf> {
///         None // if this process dies, the result is lost
///     }
///
///     fn wait(&self, _is_waiting: bool) {} // there is a thread for each job
/// }
///
/// /// From the run to the job.
/// struct Running(Arc<JobInbox>);
///
/// impl SubmittedJob for Running {
///     fn send(&self, message: String) {
///         self.0.send(message);
///     }
///
///     fn cancel(&self) {
///         self.0.cancel();
///     }
/// }
///
/// fn main() -> Result<()> {
///     // A child process runs `main` up to this call.
///     let flow = Flow::open("data")?;
///     let runner = Arc::new(flow.job_runner(4));
///     assert_eq!(*flow.executor(Nearby(runner)).get::<square>()?, 9);
///     Ok(())
/// }
/// ```
pub trait JobExecutor: Send + Sync {
    /// Returns the name of the executor for messages, such as `pull`.
    fn name(&self) -> &str;

    /// Returns whether the processes of jobs do not reach the folder of the store, so that the executor carries files.
    ///
    /// A job then has the list of its [inputs](Job::inputs), which [`JobLink::bring`](crate::executor::JobLink::bring) brings
    /// to the other machine. [`JobLink::deliver`](crate::executor::JobLink::deliver) takes the files of the output from
    /// there, and [`SubmittedJob::fetch`] brings them to the store. A task that needs files outside the store is an error of
    /// the plan. The default is `false`.
    fn moves_files(&self) -> bool {
        false
    }

    /// Checks what can be checked before anything runs: that the commands of a scheduler are there, and that all settings are
    /// valid.
    ///
    /// It is called by each run and each [`Flow::preview`](crate::Flow::preview) that has something to run elsewhere, so it is
    /// fast, and submits nothing. What only looks, such as [`Flow::why`](crate::Flow::why), works on machines without the scheduler.
    /// The default finds nothing wrong.
    ///
    /// # Errors
    ///
    /// Jobs could not be run. The error names the setting or the command, and what to do: it becomes a
    /// [`PlanErrorKind::NoExecutor`](crate::PlanErrorKind::NoExecutor).
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use flow::executor::{JobExecutor, JobQueue, RunOfJobs};
    /// use flow::prelude::*;
    ///
    /// #[task(target = Json<u64>)]
    /// fn square(#[param(default = 3)] n: u64) -> u64 {
    ///     n * n
    /// }
    ///
    /// /// Submits jobs to nodes that do not exist.
    /// struct Nowhere;
    ///
    /// impl JobExecutor for Nowhere {
    ///     fn name(&self) -> &str {
    ///         "nowhere"
    ///     }
    ///
    ///     fn check(&self) -> Result<()> {
    ///         bail!("there are no nodes: buy some")
    ///     }
    ///
    ///     fn begin(&self, _run: &RunOfJobs) -> Result<Arc<dyn JobQueue>> {
    ///         unreachable!("it is checked before")
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet().executor(Nowhere);
    /// let error = flow.run::<square>().unwrap_err();
    /// assert_eq!(error.to_string(), "the executor `nowhere` cannot run tasks: there are no nodes: buy some");
    /// # Ok(())
    /// # }
    /// ```
    fn check(&self) -> anyhow::Result<()> {
        Ok(())
    }

    /// Begins to run the jobs of a run.
    ///
    /// # Errors
    ///
    /// Jobs cannot be submitted, because a folder cannot be written, for example. The task fails that would have been the
    /// first job.
    fn begin(&self, run: &RunOfJobs) -> anyhow::Result<Arc<dyn JobQueue>>;
}

/// The jobs of one run.
pub trait JobQueue: Send + Sync {
    /// Submits a job, and returns without waiting for it. What becomes of it is sent to `events`.
    ///
    /// # Errors
    ///
    /// The job cannot be submitted. Its task fails.
    fn submit(&self, job: Job, events: JobEvents) -> anyhow::Result<Arc<dyn SubmittedJob>>;

    /// Ends the run: no job is in progress any more, and none follows.
    fn end(&self);

    /// Returns what could not be done at the [end](Self::end) of the run, such as workers that could not be cancelled: each text
    /// becomes a [warning](crate::Warning::Executor) of the summary. It is called after the end. The default returns nothing.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A job that was submitted.
pub trait SubmittedJob: Send + Sync {
    /// Sends a message to the process that runs the job. A job that runs nowhere receives none.
    fn send(&self, message: String);

    /// Sends a message to the process that runs the job, which needs these files then, if the executor
    /// [moves files](JobExecutor::moves_files). It may block while the files are carried.
    ///
    /// The default sends the message alone.
    fn send_with_files(&self, message: String, files: &[JobFile]) {
        let _ = files;
        self.send(message);
    }

    /// Brings the files of the output to the store, under their names, if the executor
    /// [moves files](JobExecutor::moves_files).
    ///
    /// It is called for the last message of the job, and blocks until the files are there. A file must not be visible under its
    /// name before it is whole, with the digest that it should have. `is_stopped` says that the run no longer needs them. The
    /// default does nothing.
    ///
    /// # Errors
    ///
    /// A file cannot be brought, or has another content. The job is lost: the run submits it again.
    fn fetch(&self, files: &[JobFile], is_stopped: &(dyn Fn() -> bool + Sync)) -> io::Result<()> {
        let _ = (files, is_stopped);
        Ok(())
    }

    /// Ends the job, whether it waits or runs. When this returns, no result of it can be committed any more.
    ///
    /// It may be called again, and for a job that has ended.
    fn cancel(&self);
}

/// Carries the messages of a job to the run that has submitted it.
pub trait JobLink: Send + Sync {
    /// Sends a message. One that is not urgent may be held back for a moment, to be sent with others.
    ///
    /// # Errors
    ///
    /// The run takes no more messages of this job, because it was taken away from this process, for example. The job is
    /// ended.
    fn send(&self, message: String, is_urgent: bool) -> io::Result<()>;

    /// Returns the path where the job's process writes a draft record of the output; `None` if it writes none.
    ///
    /// It must be on the file system of the store, in a folder that is gone once the job was taken away from this process.
    fn draft(&self) -> Option<PathBuf>;

    /// Takes note that the task waits for tasks that it has required, or that it goes on.
    ///
    /// What it waits for may be jobs of the same executor. So a task that waits must not keep them from running: neither
    /// by the place that it occupies, nor because they come after it.
    fn wait(&self, is_waiting: bool);

    /// Takes note that the process of the task has ended without a result. A message follows, which says that the task has failed.
    ///
    /// What ends all processes of a job, as a scheduler does, may have ended that one first. So a link may wait here for a
    /// moment until it is known whether this process is to end, too, and then refuse the message.
    fn crashed(&self) {}

    /// Brings files of inputs to the store of this machine, before the task begins or goes on.
    ///
    /// It is called if the executor [moves files](crate::executor::JobExecutor::moves_files), also for files that are there
    /// already. The folders of the files exist. A file must not be visible under its name before it is whole. The default
    /// does nothing.
    ///
    /// # Errors
    ///
    /// A file cannot be brought, or the job was taken away from this process. The job is lost.
    fn bring(&self, files: &[JobFile]) -> io::Result<()> {
        let _ = files;
        Ok(())
    }

    /// Takes the files of the output, which are whole in the store of this machine, to where the run finds them.
    ///
    /// It is called before the last message of the job is sent, which names the files, if the executor
    /// [moves files](crate::executor::JobExecutor::moves_files). The default does nothing.
    ///
    /// # Errors
    ///
    /// A file cannot be taken there, or the job was taken away from this process. The job is lost.
    fn deliver(&self, files: &[JobFile]) -> io::Result<()> {
        let _ = files;
        Ok(())
    }
}

/// What an executor learns about the run that begins.
#[derive(Clone)]
#[non_exhaustive]
pub struct RunOfJobs {
    /// The folder of the store, or of the namespace in it.
    pub folder: PathBuf,
    /// The file system through which files in this folder are reached. It follows no links.
    pub fs: Arc<dyn Fs>,
    /// The digest of this program. A job runs in a process of the same build only.
    pub build: Digest,
    /// The program's name.
    pub program: String,
    /// Tells the user what the first job waits for.
    tell: Arc<dyn Fn(&str) + Send + Sync>,
}

impl RunOfJobs {
    pub(crate) fn new(
        (folder, fs): (PathBuf, Arc<dyn Fs>),
        (build, program): (Digest, String),
        tell: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        Self { folder, fs, build, program, tell: Arc::new(tell) }
    }

    /// Tells the user why the queue has not begun so far: the end of the sentence "it waits for".
    ///
    /// An executor calls it before something in [`JobExecutor::begin`] that may take seconds.
    pub fn waits_for(&self, reason: &str) {
        (self.tell)(reason);
    }
}

/// One attempt to run the task of an instance.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Job {
    /// The key of the instance.
    pub key: Key,
    /// The fingerprint of the output. Of two jobs with the same key and fingerprint, one is enough.
    pub fingerprint: Digest,
    /// The name of the task.
    pub task: String,
    /// The instance as it is shown.
    pub label: String,
    /// The number of the attempt, beginning with 1. An attempt that was lost does not count, up to three times, and is made again.
    pub attempt: u32,
    /// How many seconds the task is expected to take: as long as the instance took the last time, or as other instances of
    /// its task. `None` if none of them ever ran.
    pub expected_seconds: Option<f64>,
    /// The number of threads that the task declares.
    pub threads: usize,
    /// The resources that the task declares, with their amounts.
    pub resources: Vec<(String, u64)>,
    /// The longest duration of the attempt. The run cancels a job that takes longer.
    pub timeout: Option<Duration>,
    /// The files of the inputs, if the executor [moves files](JobExecutor::moves_files), each once.
    pub inputs: Vec<JobFile>,
    /// What [`JobRunner::run`](crate::executor::JobRunner::run) needs: text that a process of the same build understands.
    pub payload: String,
}

/// A file of an input or an output, which an executor carries that [moves files](JobExecutor::moves_files).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobFile {
    /// The path below the folder of the store. It is the same on every machine, and names one content for ever.
    pub path: PathBuf,
    /// The digest of the content, which [`verified`](crate::executor::verified) compares.
    pub digest: Digest,
    /// The size in bytes.
    pub bytes: u64,
    /// Whether the file is to be executable.
    pub is_executable: bool,
}

impl JobFile {
    /// Creates the description of a file that is not executable.
    pub fn new(path: PathBuf, digest: Digest, bytes: u64) -> Self {
        Self { path, digest, bytes, is_executable: false }
    }
}

/// What becomes of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobEvent {
    /// The job waits, for a reason that the user should know: the end of the sentence "it waits for".
    Waiting(String),
    /// A process has begun to run the job.
    Begun {
        /// The process, as it is shown: `node7 (process 4711)`.
        worker: String,
        /// Whether it had begun before this run submitted the job.
        is_adopted: bool,
    },
    /// For how long the process has run the job, by its own clock, if it had begun before this run submitted the job. The last
    /// one counts: the time goes on from then.
    RunsFor(Duration),
    /// A message of the process that runs the job.
    Message(String),
    /// The process that runs the job is gone, with the reason.
    Lost(String),
    /// The process that runs the job has given it back, with a sentence that says who did so and why. The job runs again like
    /// one that was lost.
    GivenBack(String),
    /// The task has failed, with the error: it exceeds a limit of where it runs, or it can run nowhere.
    Failed(String),
    /// A user has cancelled the job, and not the run, with who did it: the end of the sentence "it was cancelled". Its instance
    /// fails, without a further attempt, and the run goes on.
    Cancelled(String),
}

/// How a job has ended in the process that has run it: [`JobRunner::run`](crate::executor::JobRunner::run).
///
/// It is for the messages of that process. The run decides by the messages of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobEnd {
    /// The task has an output, which the run may commit.
    Computed,
    /// The task has failed, or its process has crashed, with the error.
    Failed(String),
    /// The task was stopped, or its process ended, by the run or by the process that has run the job.
    Stopped,
    /// The job could not be started, or its output not delivered, for a reason that is not the task's.
    NotRun(String),
}

/// Receives the events of one job, from any thread.
///
/// An executor keeps it until the job has ended. If it drops the last clone before, the job is [lost](JobEvent::Lost).
#[derive(Clone)]
pub struct JobEvents(Arc<dyn Fn(JobEvent) + Send + Sync>);

impl JobEvents {
    /// Creates a receiver that calls a function with each event.
    pub fn new(receive: impl Fn(JobEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }

    /// Passes on an event, and never waits. Events of a job that has ended are dropped.
    pub fn send(&self, event: JobEvent) {
        (self.0)(event);
    }
}

impl fmt::Debug for JobEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobEvents").finish_non_exhaustive()
    }
}

/// The executor of a flow.
#[derive(Clone)]
pub(crate) struct ChosenExecutor(pub(crate) Arc<dyn JobExecutor>);

impl fmt::Debug for ChosenExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ChosenExecutor").field(&self.0.name()).finish()
    }
}

impl PartialEq for ChosenExecutor {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
