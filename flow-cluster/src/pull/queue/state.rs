//! [`State`]: the jobs and bundles of a run, as far as they are known.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flow_core::executor::{Job, JobEvent, JobEvents};

use super::scheduled::Refusal;
use crate::error::{ClusterError, text};
use crate::names::{BundleName, LeaseName};
use crate::pull::requests::Requests;
use crate::pull::workers::Workers;
use crate::tail::Tail;

/// The number of a job, in the order in which jobs were submitted.
pub(crate) type JobId = u64;

/// The jobs and bundles of a run.
#[derive(Default)]
pub(crate) struct State {
    pub(super) submitted: JobId,
    /// The number of bundles so far.
    pub(super) posted: u32,
    /// The jobs that have not ended.
    pub(super) jobs: BTreeMap<JobId, Submitted>,
    /// Those that are in no bundle.
    pub(super) waiting: VecDeque<JobId>,
    /// Since when the first of them waits.
    pub(super) waiting_since: Option<Instant>,
    pub(super) bundles: BTreeMap<BundleName, Held>,
    /// The places of jobs of earlier runs, by key and fingerprint.
    pub(super) left: HashMap<(String, String), Vec<(BundleName, usize)>>,
    /// Whether there are as many bundles as there should be.
    pub(super) is_full: bool,
    pub(super) workers: Workers,
    /// When the folders were listed last.
    pub(super) looked: Option<Instant>,
    /// Since when there has been no worker of this build.
    pub(super) alone_since: Option<Instant>,
    /// What other processes have asked of this run.
    pub(super) requests: Requests,
    /// What the user was told.
    pub(super) told: HashSet<String>,
    /// The jobs of a scheduler whose workers have taken a bundle.
    pub(super) seen: HashSet<String>,
    /// The jobs of a scheduler whose workers are of another build.
    pub(super) others: HashSet<String>,
    /// The arrays of workers that this run has submitted to a scheduler.
    pub(super) started: HashSet<String>,
    /// Why workers of other arrays have refused jobs of this run, by array.
    pub(super) refusals: HashMap<String, Arc<Refusal>>,
    /// Why no worker can run the jobs that none has begun.
    pub(super) refused: Option<Arc<Refusal>>,
    pub(crate) is_ended: bool,
}

/// A job that has not ended.
pub(super) struct Submitted {
    pub(super) job: Job,
    pub(super) events: JobEvents,
    /// The bundle that it is in, and its place there.
    pub(super) at: Option<(BundleName, usize)>,
}

/// A bundle that has not ended.
pub(super) struct Held {
    pub(super) places: Vec<Place>,
    pub(super) phase: Phase,
    /// Whether an earlier run has posted it.
    pub(super) is_adopted: bool,
    /// Whether the jobs that have not begun are to be bundled anew, because the one that runs waits for others.
    pub(super) is_blocked: bool,
    /// How long its worker may not be heard of.
    pub(super) lease: Duration,
    /// Since when it was found neither among the bundles that were posted nor among those that were taken.
    pub(super) missing: Option<Instant>,
    /// When its worker has said that all its jobs have ended, if an earlier run has posted it.
    pub(super) over: Option<Instant>,
    /// Why its lease is to end, if that could not be done so far.
    pub(super) ends: Option<String>,
    /// When its worker has given it back, and why, if a scheduler may know better.
    pub(super) given_back: Option<(Instant, String)>,
    /// Whether the job that runs has failed by the end of its worker.
    pub(super) is_blamed: bool,
    /// Whether its lease ends because its worker has given it back.
    pub(super) is_returned: bool,
}

pub(super) enum Phase {
    /// No worker has taken it, as far as is known.
    Posted,
    Taken(Taken),
    /// It has ended. What its jobs have left behind may be adopted.
    Over,
}

pub(super) struct Taken {
    pub(super) lease: LeaseName,
    /// The worker, as it is shown.
    pub(super) worker: String,
    /// The job of the scheduler that has started it.
    pub(super) job: Option<String>,
    /// The number of jobs that the worker has begun before the one that runs.
    pub(super) ran: usize,
    pub(super) tail: Tail,
    /// The orders that could not be written so far.
    pub(super) unsent: Vec<u8>,
    /// When the worker was last heard of, by the clock of this process.
    pub(super) heard: Instant,
}

/// The place of a job in a bundle.
#[derive(Default)]
pub(super) struct Place {
    /// The job, if this run wants it.
    pub(super) job: Option<JobId>,
    /// The key and the fingerprint of a job of an earlier run that this run has not submitted so far.
    pub(super) identity: Option<(String, String)>,
    /// The task of a job of an earlier run.
    pub(super) task: String,
    pub(super) step: Step,
    /// The events of a job that this run has not submitted so far.
    pub(super) past: Vec<JobEvent>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Step {
    #[default]
    NotBegun,
    Begun,
    Ended,
}

impl Held {
    pub(super) fn new(places: Vec<Place>, phase: Phase, lease: Duration) -> Self {
        Self {
            places,
            phase,
            is_adopted: false,
            is_blocked: false,
            lease,
            missing: None,
            over: None,
            ends: None,
            given_back: None,
            is_blamed: false,
            is_returned: false,
        }
    }
}

impl Phase {
    pub(super) fn taken(lease: LeaseName) -> Self {
        let worker = lease.worker.to_string();
        let (tail, unsent, heard) = (Tail::default(), Vec::new(), Instant::now());
        Self::Taken(Taken { lease, worker, job: None, ran: 0, tail, unsent, heard })
    }
}

/// What is found of a job that is submitted.
pub(super) enum Adopted {
    Nothing,
    /// An earlier run has submitted it, and it is there.
    At((BundleName, usize)),
    /// It has ended, and its events were passed on.
    Ended,
}

impl State {
    /// Returns whether there is nothing to watch.
    pub(crate) fn is_idle(&self) -> bool {
        let is_watched = |held: &Held| !matches!(held.phase, Phase::Over);
        self.waiting.is_empty() && !self.bundles.values().any(is_watched)
    }

    /// Returns whether jobs wait to be bundled with others.
    pub(crate) fn is_gathering(&self) -> bool {
        !self.waiting.is_empty() && !self.is_full
    }

    /// Returns whether there are bundles of which it is not known that a worker has taken them.
    pub(super) fn has_posted(&self) -> bool {
        self.bundles.values().any(|held| matches!(held.phase, Phase::Posted))
    }

    /// Finds a job of an earlier run that does what this one would, and passes on its events so far.
    pub(super) fn adopt(&mut self, id: JobId, job: &Job, events: &JobEvents) -> Adopted {
        if self.left.is_empty() {
            return Adopted::Nothing;
        }
        let identity = (job.key.to_string(), job.fingerprint.to_string());
        let mut places = self.left.remove(&identity).unwrap_or_default();
        while let Some((name, at)) = places.pop() {
            let held = self.bundles.get_mut(&name);
            let place = held.and_then(|held| held.places.get_mut(at));
            let Some(place) = place.filter(|at| at.identity.as_ref() == Some(&identity)) else {
                continue;
            };
            // Another attempt is another job.
            place.identity = None;
            std::mem::take(&mut place.past).into_iter().for_each(|event| events.send(event));
            let has_ended = place.step == Step::Ended;
            if !has_ended {
                place.job = Some(id);
            }
            self.left.insert(identity, places);
            return if has_ended { Adopted::Ended } else { Adopted::At((name, at)) };
        }
        Adopted::Nothing
    }

    /// Passes on an event of a job, or keeps it for when the job is submitted.
    pub(super) fn deliver(&mut self, name: &BundleName, place: usize, event: JobEvent) {
        let Some(place) = self.bundles.get_mut(name).and_then(|held| held.places.get_mut(place))
        else {
            return;
        };
        match place.job {
            Some(id) => {
                if let Some(submitted) = self.jobs.get(&id) {
                    submitted.events.send(event);
                }
            }
            None if place.identity.is_some() => {
                let is_duration = |event: &JobEvent| matches!(event, JobEvent::RunsFor(_));
                // Of several in a row, the last one counts.
                if is_duration(&event) && place.past.last().is_some_and(is_duration) {
                    place.past.pop();
                }
                place.past.push(event);
            }
            // It was cancelled.
            None => {}
        }
    }

    /// Takes the jobs out of a bundle that no worker has any more: those that have begun are lost, for this reason, or have failed,
    /// and the others wait again.
    pub(super) fn release(&mut self, name: &BundleName, reason: &str) {
        let Some(mut held) = self.bundles.remove(name) else { return };
        let mut again = Vec::new();
        for place in &mut held.places {
            match (place.job.take(), place.step) {
                (Some(id), Step::NotBegun) => again.push(id),
                (Some(id), Step::Begun) => {
                    if let Some(submitted) = self.jobs.remove(&id) {
                        let reason = reason.to_owned();
                        submitted.events.send(match (held.is_blamed, held.is_returned) {
                            (true, _) => JobEvent::Failed(reason),
                            (false, true) => JobEvent::GivenBack(reason),
                            (false, false) => JobEvent::Lost(reason),
                        });
                    }
                }
                (None, Step::NotBegun | Step::Begun) => place.identity = None,
                (_, Step::Ended) => {}
            }
        }
        for &id in again.iter().rev() {
            if let Some(submitted) = self.jobs.get_mut(&id) {
                submitted.at = None;
                self.waiting.push_front(id);
            }
        }
        if !self.waiting.is_empty() {
            self.waiting_since.get_or_insert_with(Instant::now);
        }
        // What has ended, and was not submitted so far, may be adopted later.
        if held.places.iter().any(|place| place.identity.is_some()) {
            held.phase = Phase::Over;
            self.bundles.insert(name.clone(), held);
        }
    }

    /// Returns whether a job waits for a worker.
    pub(super) fn has_idle_job(&self) -> bool {
        self.first_idle().is_some()
    }

    /// Returns the first job that has not begun.
    pub(super) fn first_idle(&self) -> Option<&Submitted> {
        self.jobs.values().find(|submitted| {
            let step = submitted.at.as_ref().and_then(|(name, place)| {
                self.bundles.get(name)?.places.get(*place).map(|place| place.step)
            });
            step.is_none_or(|step| step == Step::NotBegun)
        })
    }

    /// Tells the user once that the queue cannot be used at the moment. The next poll tries again.
    pub(super) fn tell_error(&mut self, error: &ClusterError) {
        // Not once for each of its files.
        self.tell_once(&error.cause(), format!("its queue: {}", text(error)));
    }

    /// Returns the bundles that workers have taken.
    pub(super) fn taken(&self) -> Vec<BundleName> {
        let taken = self.bundles.iter().filter(|(_, held)| matches!(held.phase, Phase::Taken(_)));
        taken.map(|(name, _)| name.clone()).collect()
    }

    /// Tells the user once why jobs wait, by the first of them.
    pub(super) fn tell(&mut self, reason: &str) {
        self.tell_once(reason, reason.to_owned());
    }

    pub(super) fn tell_once(&mut self, subject: &str, reason: String) {
        if self.told.contains(subject) {
            return;
        }
        let Some(submitted) = self.first_idle() else { return };
        submitted.events.send(JobEvent::Waiting(reason));
        self.told.insert(subject.to_owned());
    }
}
