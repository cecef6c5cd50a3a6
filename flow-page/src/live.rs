//! The run of this process that is in progress: what its events say, for the views and for those who watch.
//!
//! A run never waits for a watcher. The observer updates the [`LiveRun`] and the number of the change; watchers wait for that
//! number, at most four times a second, and share the text that the first of them renders.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flow_core::{Event, Instance, Key};
use tokio::sync::watch;

/// The number of lines that are kept.
const LINES: usize = 200;

/// The longest line that is kept, in characters.
const LINE: usize = 500;

/// The number of jobs that are kept after they have ended.
const ENDED: usize = 50;

/// How long a text is shown while nothing changes but the time.
const FRESH: Duration = Duration::from_millis(900);

/// What is known of the runs of this process.
pub(crate) struct Live {
    state: Mutex<LiveRun>,
    changes: watch::Sender<u64>,
    /// The text that watchers share, when it was rendered, and the change that it shows.
    rendered: Mutex<Option<(u64, Instant, Arc<str>)>>,
}

/// The run in progress, or the last one.
#[derive(Clone, Default)]
pub(crate) struct LiveRun {
    /// Whether a run is in progress.
    pub(crate) is_running: bool,
    /// Whether it was asked to stop.
    pub(crate) is_stopping: bool,
    /// What was asked for on the page; empty if the program has begun it.
    pub(crate) title: String,
    /// When it began; `None` if there was none.
    pub(crate) begun: Option<Instant>,
    /// How long it took, once it has ended.
    pub(crate) seconds: Option<f64>,
    /// How it ended, once it has.
    pub(crate) result: Option<Result<String, String>>,
    /// The number of instances of the graph.
    pub(crate) instances: usize,
    /// The number of instances that are settled, and that will be.
    pub(crate) settled: usize,
    pub(crate) of: usize,
    pub(crate) failed: usize,
    /// The instances that run.
    pub(crate) running: HashMap<Key, RunningInstance>,
    /// The instances that were submitted to an executor, and have not ended.
    pub(crate) jobs: HashMap<Key, LiveJob>,
    /// The last ones that have ended, the latest last.
    pub(crate) ended: VecDeque<(Key, LiveJob)>,
    /// The last events, the latest last.
    pub(crate) lines: VecDeque<String>,
    /// The number of outputs that the runs of this process have committed.
    pub(crate) commits: u64,
}

/// An instance that runs.
#[derive(Clone)]
pub(crate) struct RunningInstance {
    pub(crate) label: String,
    pub(crate) begun: Instant,
    pub(crate) attempt: u32,
    /// The number of units that are done, and of all units, or 0.
    pub(crate) progress: Option<(u64, u64)>,
    pub(crate) status: Option<String>,
}

/// An instance that was submitted to an executor, which runs it elsewhere.
#[derive(Clone)]
pub(crate) struct LiveJob {
    pub(crate) label: Arc<str>,
    pub(crate) submitted: Instant,
    begun: Option<Instant>,
    /// When it ended, and how: a word such as `ran`.
    ended: Option<(Instant, &'static str)>,
    /// The worker that runs it.
    pub(crate) worker: Option<Arc<str>>,
}

impl LiveJob {
    fn new(instance: &Instance) -> Self {
        let (label, submitted) = (instance.to_string().into(), Instant::now());
        Self { label, submitted, begun: None, ended: None, worker: None }
    }

    /// Returns the state in a word.
    pub(crate) fn state(&self) -> &'static str {
        match (self.begun, self.ended) {
            (_, Some((_, how))) => how,
            (Some(_), None) => "running",
            (None, None) => "waiting",
        }
    }

    /// Returns how long it was in the queue, or is, in seconds.
    pub(crate) fn queue_seconds(&self) -> f64 {
        let until = self.begun.or(self.ended.map(|(at, _)| at)).unwrap_or_else(Instant::now);
        until.saturating_duration_since(self.submitted).as_secs_f64()
    }

    /// Returns how long it has run, in seconds, if a worker has begun with it.
    pub(crate) fn seconds(&self) -> Option<f64> {
        let until = self.ended.map_or_else(Instant::now, |(at, _)| at);
        Some(until.saturating_duration_since(self.begun?).as_secs_f64())
    }
}

impl Live {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::default(), changes: watch::Sender::new(0), rendered: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, LiveRun> {
        // Each change leaves the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut LiveRun)) {
        change(&mut self.lock());
        self.changes.send_modify(|number| *number += 1);
    }

    /// Returns a copy of what is known.
    pub(crate) fn run(&self) -> LiveRun {
        self.lock().clone()
    }

    /// Returns a receiver of the numbers of changes.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Returns what is known as text. Watchers that ask at about the same time get the same text, which `render` makes once.
    pub(crate) fn rendered(&self, render: impl FnOnce(&LiveRun) -> String) -> Arc<str> {
        let change = *self.changes.borrow();
        let mut rendered = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, at, text)) = &*rendered
            && *of == change
            && at.elapsed() < FRESH
        {
            return Arc::clone(text);
        }
        let text: Arc<str> = render(&self.run()).into();
        *rendered = Some((change, Instant::now(), Arc::clone(&text)));
        text
    }

    /// Returns the number of commits so far.
    pub(crate) fn commits(&self) -> u64 {
        self.lock().commits
    }

    /// Returns the keys of the instances that run.
    pub(crate) fn running(&self) -> Vec<Key> {
        self.lock().running.keys().copied().collect()
    }

    /// Notes that the page has begun a run. `title` says what it is.
    pub(crate) fn begin(&self, title: String) {
        self.change(|run| run.begin(title));
    }

    /// Notes that a run was asked to stop.
    pub(crate) fn stop(&self) {
        self.change(|run| run.is_stopping = run.is_running);
    }

    /// Notes how a run that the page has begun has ended.
    pub(crate) fn end(&self, result: Result<String, String>) {
        self.change(|run| {
            run.seconds = run.begun.map(|begun| begun.elapsed().as_secs_f64());
            run.result = Some(result);
            run.is_running = false;
            run.is_stopping = false;
            run.running.clear();
            run.jobs.clear();
        });
    }

    /// Notes an event. It is called on a thread of the run's observers.
    pub(crate) fn note(&self, event: &Event) {
        self.change(|run| run.note(event));
    }
}

impl LiveRun {
    fn begin(&mut self, title: String) {
        let commits = self.commits;
        let begun = Some(Instant::now());
        *self = Self { is_running: true, title, begun, commits, ..Self::default() };
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Planned { instances, pending, .. } => {
                // A run that has to plan again has another such event.
                (self.instances, self.of) = (*instances, *pending);
            }
            Event::Waiting { instance, is_submitted: true, .. } => {
                // It may have waited for other reasons before.
                self.jobs.entry(instance.key()).or_insert_with(|| LiveJob::new(instance));
            }
            Event::Started { instance, attempt, worker, .. } => {
                if let Some(worker) = worker {
                    let job = self.jobs.entry(instance.key());
                    let job = job.or_insert_with(|| LiveJob::new(instance));
                    (job.begun, job.worker) = (Some(Instant::now()), Some(cut(worker).into()));
                }
                let running = RunningInstance {
                    label: instance.to_string(),
                    begun: Instant::now(),
                    attempt: *attempt,
                    progress: None,
                    status: None,
                };
                self.running.insert(instance.key(), running);
            }
            Event::Progress { instance, done, total, .. } => {
                if let Some(running) = self.running.get_mut(&instance.key()) {
                    running.progress = Some((*done, *total));
                }
                // There may be thousands of them a second, and the instance shows them.
                return;
            }
            Event::Status { instance, message, .. } => {
                if let Some(running) = self.running.get_mut(&instance.key()) {
                    running.status = Some(cut(message));
                }
                return;
            }
            Event::Finished { instance, settled, of, .. }
            | Event::Reused { instance, settled, of, .. }
            | Event::Given { instance, settled, of, .. }
            | Event::Unchanged { instance, settled, of, .. }
            | Event::ByOtherProcess { instance, settled, of, .. } => {
                self.end_job(instance, "ran");
                self.settle(instance, *settled, *of);
            }
            Event::Failed { instance, settled, of, .. } => {
                self.failed += 1;
                self.end_job(instance, "failed");
                // The failure changes the plan, too.
                self.commits += 1;
                self.settle(instance, *settled, *of);
            }
            Event::Retried { instance, .. } => {
                self.end_job(instance, "failed");
                self.running.remove(&instance.key());
            }
            Event::Lost { instance, .. } => {
                self.end_job(instance, "lost");
                self.running.remove(&instance.key());
            }
            Event::Stopped { instance, .. } => {
                self.end_job(instance, "stopped");
                self.running.remove(&instance.key());
            }
            Event::Committed { .. } => {
                self.commits += 1;
                return;
            }
            _ => {}
        }
        self.lines.push_back(cut(&event.to_string()));
        if self.lines.len() > LINES {
            self.lines.pop_front();
        }
    }

    /// Notes that a job has ended, if the instance is one.
    fn end_job(&mut self, instance: &Instance, how: &'static str) {
        let Some(job) = self.jobs.remove(&instance.key()) else { return };
        self.ended
            .push_back((instance.key(), LiveJob { ended: Some((Instant::now(), how)), ..job }));
        if self.ended.len() > ENDED {
            self.ended.pop_front();
        }
    }

    fn settle(&mut self, instance: &Instance, settled: usize, of: usize) {
        self.running.remove(&instance.key());
        (self.settled, self.of) = (settled, of);
    }

    /// Returns how long the rest takes in seconds, if it goes on as it did.
    pub(crate) fn seconds_left(&self) -> Option<f64> {
        let spent = self.begun.filter(|_| self.is_running)?.elapsed().as_secs_f64();
        let left = self.of.checked_sub(self.settled)?;
        (self.settled > 0).then(|| spent / self.settled as f64 * left as f64)
    }
}

/// Returns the beginning of a text that may have any length.
fn cut(text: &str) -> String {
    match text.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
