//! What workers write, and what follows from it.

use std::time::{Duration, Instant};

use flow_core::executor::JobEvent;

use super::Queue;
use super::state::{Phase, Place, State, Step};
use crate::format::{FORMAT, Line, plain, shown};
use crate::names::BundleName;

impl Queue {
    /// Reads what a worker has written, and passes it on. Returns whether all of it could be read.
    pub(super) fn read(&self, state: &mut State, name: &BundleName) -> bool {
        let Some(held) = state.bundles.get_mut(name) else { return true };
        let Phase::Taken(taken) = &mut held.phase else { return true };
        let lines = match self.transport.lines(&taken.lease, taken.tail.offset()) {
            Ok(Some(bytes)) if bytes.is_empty() => return true,
            Ok(Some(bytes)) => {
                taken.heard = Instant::now();
                taken.tail.take(&bytes)
            }
            Ok(None) => {
                // A process that has cancelled its jobs has asked this run before it has ended the lease.
                self.take_requests(state);
                self.revoke(state, name, "its folder in the queue was removed");
                return true;
            }
            Err(error) => {
                // A queue that does not answer says nothing about the worker, which goes on.
                if error.may_pass() {
                    taken.heard = Instant::now();
                }
                state.tell_error(&error);
                return false;
            }
        };
        let Ok(lines) = lines else {
            self.revoke(state, name, "a message of its worker is too long");
            return true;
        };
        for line in lines {
            let line = match serde_json::from_slice(&line) {
                Ok(line) => line,
                Err(error) => {
                    let reason = format!("a message of its worker cannot be read: {error}");
                    self.revoke(state, name, &reason);
                    return true;
                }
            };
            if !self.receive(state, name, line) {
                return true;
            }
        }
        true
    }

    /// Takes a line of a worker. Returns whether its lease goes on.
    pub(super) fn receive(&self, state: &mut State, name: &BundleName, line: Line) -> bool {
        let Some(held) = state.bundles.get_mut(name) else { return false };
        let Phase::Taken(taken) = &mut held.phase else { return false };
        let place = match &line {
            Line::Begun(job)
            | Line::Ended(job)
            | Line::Message { job, .. }
            | Line::Runs { job, .. } => *job,
            _ => 0,
        };
        if place >= held.places.len() {
            self.revoke(state, name, "its worker names a job that is not in the bundle");
            return false;
        }
        match line {
            Line::Hello { format, .. } if format != FORMAT => {
                let reason = format!("its worker writes format {format}, and this run {FORMAT}");
                self.revoke(state, name, &reason);
                return false;
            }
            Line::Hello { host, process, job, ran, .. } => {
                taken.worker = shown(&host, process);
                taken.ran = ran;
                taken.job.clone_from(&job);
                state.seen.extend(job);
            }
            Line::Begun(_) => {
                held.places[place].step = Step::Begun;
                let (worker, is_adopted) = (taken.worker.clone(), held.is_adopted);
                state.deliver(name, place, JobEvent::Begun { worker, is_adopted });
            }
            Line::Message { text, .. } => state.deliver(name, place, JobEvent::Message(text)),
            Line::Ended(_) => {
                held.places[place].step = Step::Ended;
                taken.ran = taken.ran.saturating_add(1);
                // After the last message of the job, the run wants no event of it.
                let lost = JobEvent::Lost("its worker has ended it without a result".to_owned());
                let id = held.places[place].job;
                state.deliver(name, place, lost);
                if let Some(id) = id {
                    state.jobs.remove(&id);
                }
            }
            Line::Runs { seconds, .. } if held.is_adopted => {
                if let Ok(duration) = Duration::try_from_secs_f64(seconds) {
                    state.deliver(name, place, JobEvent::RunsFor(duration));
                }
            }
            Line::Waits => held.is_blocked = true,
            Line::Beat(_) | Line::Runs { .. } => {}
            Line::Left(reason) => {
                let reason = format!("{} gave it back: {}", taken.worker, plain(&reason));
                let is_running = |place: &Place| place.step == Step::Begun && place.job.is_some();
                // A scheduler that has ended the worker knows why.
                if taken.job.is_some()
                    && self.command.is_none()
                    && held.places.iter().any(is_running)
                {
                    held.given_back = Some((Instant::now(), reason));
                    return true;
                }
                held.is_returned = true;
                self.revoke(state, name, &reason);
                return false;
            }
            Line::Refused(reason) => {
                self.take_back(state, name, &plain(&reason));
                return false;
            }
            Line::Over if held.is_adopted => held.over = Some(Instant::now()),
            Line::Over => {
                self.revoke(state, name, "its worker has left it out");
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use flow_core::fs::Disk;
    use flow_core::{Remote, RemoteFolder};

    use super::super::state::Held;
    use super::super::{Names, Refusal};
    use super::*;
    use crate::format::{Bundle, line};
    use crate::names::{LeaseName, WorkerName};
    use crate::pull::Settings;
    use crate::transport::faulty_bucket::{Faults, FaultyBucket, Request};
    use crate::transport::{Blobs, Bucket, Folder, Transport};

    const BUILD: &str = "0123456789abcdef0123456789abcdef";
    const RUN: &str = "fedcba9876543210";
    const LEASE: Duration = Duration::from_secs(1);

    fn names() -> Names {
        Names { build: BUILD.to_owned(), program: "iris".to_owned(), run: RUN.to_owned() }
    }

    /// A bucket that does not answer as long as it is gone.
    #[derive(Default)]
    struct Away {
        is_gone: AtomicBool,
    }

    impl Faults for Away {
        fn answer<T>(
            &self,
            _request: Request<'_>,
            send: impl FnOnce() -> io::Result<T>,
        ) -> io::Result<T> {
            match self.is_gone.load(Ordering::SeqCst) {
                true => Err(ErrorKind::TimedOut.into()),
                false => send(),
            }
        }
    }

    #[test]
    fn no_worker_is_given_up_because_the_bucket_is_gone_for_longer_than_its_lease() {
        let folder = tempfile::tempdir().expect("a folder");
        let bucket = RemoteFolder::new(folder.path().join("bucket"));
        let remote = Arc::new(FaultyBucket { folder: bucket, faults: Away::default() });
        let transport = || {
            let remote = Arc::clone(&remote) as Arc<dyn Remote>;
            let blobs = Blobs::new(Arc::clone(&remote), folder.path(), Arc::new(Disk));
            Bucket::new(remote, Arc::new(blobs), (Duration::from_millis(10), LEASE))
        };
        let worker = transport();
        let names = names();
        let queue = Queue::begin(Box::new(transport()), Settings::default(), names, None);
        let queue = queue.expect("a bucket that can be read");
        let name = BundleName::new(BUILD, RUN, 0);
        let bundle = Bundle::new(BUILD, LEASE.as_secs_f64(), Vec::new());
        queue.transport.post(&name, &bundle).expect("it is posted");
        let lease = worker.take(&name, &WorkerName::new("node")).expect("no error");
        let lease = lease.expect("it is there");
        let mut state = queue.state();
        let held = Held::new(vec![Place::default()], Phase::taken(lease.clone()), LEASE);
        state.bundles.insert(name.clone(), held);
        remote.faults.is_gone.store(true, Ordering::SeqCst);
        std::thread::sleep(LEASE + LEASE / 10);
        queue.step(&mut state, Instant::now());
        remote.faults.is_gone.store(false, Ordering::SeqCst);
        worker.append(&lease, &line(&Line::Begun(0))).expect("it is held");
        queue.step(&mut state, Instant::now());
        let held = state.bundles.get(&name).expect("its worker has it");
        assert!(matches!(held.phase, Phase::Taken(_)) && held.ends.is_none());
        assert!(held.places[0].step == Step::Begun);
        // A worker that is silent in a bucket that answers is given up as before.
        std::thread::sleep(LEASE + LEASE / 10);
        queue.step(&mut state, Instant::now());
        assert!(worker.orders(&lease, 0).expect("no error").is_none(), "the lease is over");
    }

    /// Returns an empty queue whose workers a scheduler starts.
    fn scheduled(folder: &Path) -> Queue {
        let transport = Folder::new(folder, Arc::new(Disk));
        transport.prepare().expect("a queue");
        let queue = Queue::begin(Box::new(transport), Settings::default(), names(), None);
        queue.expect("a queue that can be read")
    }

    /// Adds a bundle of one job that a worker has taken.
    fn take(state: &mut State, number: u32, place: Place, is_adopted: bool) -> BundleName {
        let bundle = BundleName::new(BUILD, RUN, number);
        let lease = LeaseName { bundle: bundle.clone(), worker: WorkerName::new("node") };
        let held = Held::new(vec![place], Phase::taken(lease), LEASE);
        state.bundles.insert(bundle.clone(), Held { is_adopted, ..held });
        bundle
    }

    #[test]
    fn workers_of_a_scheduler_that_refuse_jobs_give_one_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let queue = scheduled(folder.path());
        let mut state = queue.state();
        let refused = |reason: &str| Line::Refused(reason.to_owned());
        // It has refused what a run required that was killed.
        let adopted = take(&mut state, 0, Place::default(), true);
        assert!(!queue.receive(&mut state, &adopted, refused("no key")));
        assert!(state.refused.is_none() && state.bundles.is_empty());
        let [first, second] =
            [1, 2].map(|number| take(&mut state, number, Place::default(), false));
        assert!(!queue.receive(&mut state, &first, refused("no key")));
        let error = state.refused.clone().expect("no worker can run the jobs");
        assert!(!queue.receive(&mut state, &second, refused("no key")));
        assert!(state.refused.as_ref().is_some_and(|same| Arc::ptr_eq(same, &error)));
        assert!(state.bundles.is_empty());
    }

    #[test]
    fn workers_that_another_run_has_started_may_refuse_jobs() {
        let folder = tempfile::tempdir().expect("a folder");
        let queue = scheduled(folder.path());
        let refuse = |number: u32, job: &str| {
            let mut state = queue.state();
            let bundle = take(&mut state, number, Place::default(), false);
            let (host, job, process) = ("node".to_owned(), Some(job.to_owned()), number);
            let hello = Line::Hello { format: FORMAT, host, process, job, ran: 0 };
            assert!(queue.receive(&mut state, &bundle, hello));
            assert!(!queue.receive(&mut state, &bundle, Line::Refused("no key".to_owned())));
            state.refused.is_some()
        };
        assert!(!refuse(1, "12_1"));
        queue.note_started("34");
        assert!(queue.state().refused.is_none());
        assert!(!refuse(2, "12_2") && refuse(3, "34_1"), "this run has started the last one");
        // The scheduler says late which array it has accepted.
        let other = tempfile::tempdir().expect("a folder");
        let queue = scheduled(other.path());
        let mut state = queue.state();
        state.refusals.insert("56".to_owned(), Refusal::new("no key"));
        drop(state);
        queue.note_started("56");
        assert!(queue.state().refused.is_some());
    }

    #[test]
    fn a_bundle_that_could_not_be_withdrawn_does_not_wait_for_a_worker_that_cannot_be_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let queue = scheduled(folder.path());
        let mut state = queue.state();
        state.refused = Some(Refusal::new("Slurm refuses it"));
        let bundle = BundleName::new(BUILD, RUN, 0);
        let jobs = Bundle::new(BUILD, LEASE.as_secs_f64(), Vec::new());
        queue.transport.post(&bundle, &jobs).expect("it is posted");
        let held = Held::new(vec![Place::default()], Phase::Posted, LEASE);
        state.bundles.insert(bundle, held);
        queue.step(&mut state, Instant::now());
        assert!(queue.transport.posted().expect("a list").is_empty());
        assert!(state.bundles.is_empty());
    }

    #[test]
    fn of_the_durations_of_a_job_that_was_not_submitted_so_far_the_last_ones_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let queue = scheduled(folder.path());
        let mut state = queue.state();
        let identity = Some(("key".to_owned(), "fingerprint".to_owned()));
        let bundle = take(&mut state, 0, Place { identity, ..Place::default() }, true);
        let runs = |seconds| Line::Runs { job: 0, seconds };
        let message = Line::Message { job: 0, text: "a line".to_owned() };
        for line in [Line::Begun(0), runs(1.0), runs(2.0), message, runs(3.0)] {
            assert!(queue.receive(&mut state, &bundle, line));
        }
        let past = &state.bundles.get(&bundle).expect("it is held").places[0].past;
        let runs_for = |seconds| JobEvent::RunsFor(Duration::from_secs(seconds));
        let kept = [runs_for(2), JobEvent::Message("a line".to_owned()), runs_for(3)];
        assert_eq!(past[1..], kept);
    }

    #[test]
    fn a_hostile_number_of_jobs_does_no_harm() {
        let folder = tempfile::tempdir().expect("a folder");
        let queue = scheduled(folder.path());
        let mut state = queue.state();
        let bundle = take(&mut state, 0, Place::default(), false);
        let (host, job, ran) = (String::new(), None, usize::MAX);
        let hello = Line::Hello { format: FORMAT, host, process: 1, job, ran };
        for line in [hello, Line::Begun(0), Line::Ended(0)] {
            assert!(queue.receive(&mut state, &bundle, line));
        }
    }
}
