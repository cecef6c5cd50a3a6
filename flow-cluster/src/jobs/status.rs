//! [`QueueStatus`]: what is in the queues, as a result that is shown and serialized.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::JobQueues;
use super::read::{self, Heard, SeenJob};
use crate::error::{ClusterError, text};
use crate::format::plain;
use crate::names::is_run;
use crate::request::JobSelection;

/// What is in the queues of a store: [`JobQueues::status`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct QueueStatus {
    /// The worker processes.
    pub workers: Vec<QueuedWorker>,
    /// The runs that have jobs in the queue, or are in progress.
    pub runs: Vec<QueuedRun>,
    /// The number of the selected jobs.
    pub counts: JobCounts,
    /// Their number by task, in the order of the names.
    pub tasks: Vec<TaskJobs>,
    /// The first of them: those that run, then those that wait, then those that have ended.
    pub jobs: Vec<QueuedJob>,
    /// The files that could not be read, with the reasons.
    pub unreadable: Vec<UnreadableFile>,
}

/// A worker process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QueuedWorker {
    /// The pool whose jobs it takes; `None` for the queue without a name.
    pub pool: Option<String>,
    /// The name of its machine.
    pub host: String,
    /// The number of the process on that machine.
    pub process: u32,
    /// The name of the program.
    pub program: String,
    /// The number of bundles that it works on at the same time.
    pub slots: usize,
    /// Whether it is of the build of this program. If not, it takes no jobs of this program's runs.
    #[serde(rename = "same_build")]
    pub is_same_build: bool,
    /// The job of the scheduler that has started it, such as `123_4`; `None` if none has.
    pub job: Option<String>,
    /// How often it has written that it is alive.
    pub beat: u64,
    /// Whether it has written so while this process [listened](JobQueues::listen); `None` if that did not listen.
    #[serde(rename = "alive")]
    pub is_alive: Option<bool>,
}

/// A run with jobs in a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QueuedRun {
    /// Its name in the queue.
    pub run: String,
    /// The pool; `None` for the queue without a name.
    pub pool: Option<String>,
    /// Whether it is in progress, and was not killed.
    #[serde(rename = "running")]
    pub is_running: bool,
    /// The number of its selected jobs that are in the queue. A run keeps the jobs that wait for room there in its memory.
    pub counts: JobCounts,
    /// The number of its workers that wait in the queue of the scheduler, as the run has found a moment ago. The run asks the
    /// scheduler less and less often. It is 0 for a run that was killed.
    pub queued_workers: usize,
    /// For what one of these workers waits, in the words of the scheduler, such as `Priority`.
    pub queued_for: Option<String>,
}

/// The number of jobs by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JobCounts {
    /// Those that no worker has begun with.
    pub waiting: usize,
    /// Those that a worker has begun with.
    pub running: usize,
    /// Those that have ended, and that their run may not have taken note of.
    pub ended: usize,
}

/// The number of jobs of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TaskJobs {
    /// The name of the task.
    pub task: String,
    /// The number of its jobs.
    pub counts: JobCounts,
}

/// A job in a queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct QueuedJob {
    /// The name of the task.
    pub task: String,
    /// The instance, for people.
    pub instance: String,
    /// The key of the instance.
    pub key: String,
    /// The number of the attempt, beginning with 1.
    pub attempt: u32,
    /// What becomes of it.
    pub state: JobState,
    /// The worker that has taken its bundle, such as `node7 (process 4711)`.
    pub worker: Option<String>,
    /// For how long it has run, in seconds, as its worker has written a few seconds ago. `None` if it has not begun, or only just.
    pub seconds: Option<f64>,
    /// How many seconds it was expected to take.
    pub expected_seconds: Option<f64>,
    /// The name of the run that has submitted it, in the queue; after that was killed, of a run in progress that has adopted it.
    pub run: String,
    /// The pool; `None` for the queue without a name.
    pub pool: Option<String>,
}

/// What becomes of a job in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobState {
    /// A worker has begun with it.
    Running,
    /// No worker has begun with it. One may have taken its bundle.
    Waiting,
    /// It has ended. Its run may not have taken note of that.
    Ended,
}

/// A file of a queue that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnreadableFile {
    /// The file, if the error names one.
    pub path: Option<PathBuf>,
    /// Why it could not be read.
    pub reason: String,
}

impl UnreadableFile {
    pub(super) fn new(error: &ClusterError) -> Self {
        let path = match error {
            ClusterError::Io { path, .. } | ClusterError::Damaged { path, .. } => {
                Some(path.clone())
            }
            ClusterError::NoBuild
            | ClusterError::NoPool { .. }
            | ClusterError::PoolInBucket
            | ClusterError::NoKey { .. }
            | ClusterError::Thread(_) => None,
        };
        Self { path, reason: plain(&text(error)) }
    }
}

impl JobState {
    /// Returns the state as it is shown and serialized.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Ended => "ended",
        }
    }
}

impl JobCounts {
    /// Returns the number of all jobs.
    pub fn all(self) -> usize {
        self.waiting + self.running + self.ended
    }

    fn add(&mut self, state: JobState) {
        *match state {
            JobState::Waiting => &mut self.waiting,
            JobState::Running => &mut self.running,
            JobState::Ended => &mut self.ended,
        } += 1;
    }
}

/// The jobs that are listed: of each state, as many as may be listed in all.
struct Listed {
    most: usize,
    running: Vec<QueuedJob>,
    waiting: Vec<QueuedJob>,
    ended: Vec<QueuedJob>,
}

impl Listed {
    fn add(&mut self, job: impl FnOnce() -> QueuedJob, state: JobState) {
        let jobs = match state {
            JobState::Running => &mut self.running,
            JobState::Waiting => &mut self.waiting,
            JobState::Ended => &mut self.ended,
        };
        if jobs.len() < self.most {
            jobs.push(job());
        }
    }

    fn into_jobs(self) -> Vec<QueuedJob> {
        let all = self.running.into_iter().chain(self.waiting).chain(self.ended);
        all.take(self.most).collect()
    }
}

impl JobQueues {
    /// Lists workers, runs and the selected jobs.
    ///
    /// If there are workers, it takes as long as this [listens](Self::listen) to them, at most.
    ///
    /// # Errors
    ///
    /// A queue cannot be listed. A file in it that cannot be read is no error.
    pub fn status(&self, selection: &JobSelection) -> Result<QueueStatus, ClusterError> {
        let mut heard = Vec::new();
        for queue in &self.queues {
            queue.transport.look_anew()?;
            heard.push(Heard::begin(&*queue.transport)?);
        }
        let mut status = QueueStatus::default();
        let mut tasks: BTreeMap<String, JobCounts> = BTreeMap::new();
        let (running, waiting, ended) = (Vec::new(), Vec::new(), Vec::new());
        let mut listed = Listed { most: self.most, running, waiting, ended };
        for queue in &self.queues {
            let mut runs: BTreeMap<String, JobCounts> = BTreeMap::new();
            for run in queue.transport.runs()?.into_iter().filter(|run| is_run(run)) {
                runs.entry(run).or_default();
            }
            let mut visit = |job: SeenJob| {
                let SeenJob { bundled, state, .. } = &job;
                let counts = runs.entry(job.run.clone()).or_default();
                if !selection.has(&bundled.task, &bundled.key) {
                    return;
                }
                counts.add(*state);
                status.counts.add(*state);
                match tasks.get_mut(&bundled.task) {
                    Some(counts) => counts.add(*state),
                    None => tasks.entry(bundled.task.clone()).or_default().add(*state),
                }
                let state = *state;
                listed.add(|| job.into_queued(queue.pool.clone()), state);
            };
            read::each_job(&*queue.transport, &mut visit, &mut status.unreadable)?;
            status.runs.extend(runs.into_iter().map(|(run, counts)| {
                let is_running = queue.transport.is_running(&run);
                let started = queue.transport.started_workers(&run).filter(|_| is_running);
                let queued_for = started.as_ref().and_then(|started| started.reason.as_deref());
                QueuedRun {
                    is_running,
                    pool: queue.pool.clone(),
                    queued_workers: started.as_ref().map_or(0, |started| started.queued as usize),
                    queued_for: queued_for.map(plain),
                    run,
                    counts,
                }
            }));
        }
        // A run that has ended, of which nothing is left but its mark, is of no interest.
        status.runs.retain(|run| run.is_running || run.counts.all() > 0);
        let named = |(task, counts)| TaskJobs { task, counts };
        status.tasks = tasks.into_iter().map(named).collect();
        status.jobs = listed.into_jobs();
        Heard::listen(&mut heard, &self.queues, self.listen);
        for (heard, queue) in heard.into_iter().zip(&self.queues) {
            let build = self.build.as_deref();
            let workers = heard.into_workers(&*queue.transport, build, &mut status.unreadable)?;
            let pool = |worker| QueuedWorker { pool: queue.pool.clone(), ..worker };
            status.workers.extend(workers.into_iter().map(pool));
        }
        if self.listen.is_zero() {
            status.workers.iter_mut().for_each(|worker| worker.is_alive = None);
        }
        Ok(status)
    }
}

impl SeenJob {
    fn into_queued(self, pool: Option<String>) -> QueuedJob {
        let Self { bundled, state, worker, seconds, run, .. } = self;
        QueuedJob {
            task: bundled.task,
            instance: plain(&bundled.label),
            key: plain(&bundled.key),
            attempt: bundled.attempt,
            state,
            worker,
            seconds,
            expected_seconds: bundled.expected_seconds,
            run,
            pool,
        }
    }
}
