//! The marks of runs that are in progress: an object with the [heartbeat](super::super::heartbeat) of the run.
//!
//! A run that begins watches the marks of others.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use flow_core::Remote;

use super::blobs::Blobs;
use super::{names, objects};
use crate::error::ClusterError;
use crate::transport::heartbeat::{self, Beat, Heartbeat, LONGEST, MOST};

/// The mark of this run, which is removed when it is dropped, with everything else that the run has left in the bucket.
pub(super) struct BucketMark {
    remote: Arc<dyn Remote>,
    run: String,
    heartbeat: Option<Heartbeat>,
    blobs: Arc<Blobs>,
}

impl BucketMark {
    /// Writes the mark of a run, and renews it on another thread.
    ///
    /// # Errors
    ///
    /// The mark cannot be written, or the operating system refuses a thread.
    pub(super) fn begin(
        remote: &Arc<dyn Remote>,
        run: &str,
        time: Duration,
        blobs: &Arc<Blobs>,
    ) -> Result<Self, ClusterError> {
        let time = time.min(LONGEST);
        write(&**remote, run, 0, time)?;
        let (of_thread, its_run) = (Arc::clone(remote), run.to_owned());
        let heartbeat = Heartbeat::begin(time, move |beat| {
            // An error that passes: the next one renews it.
            let _ = write(&*of_thread, &its_run, beat, time);
        })?;
        let (remote, run) = (Arc::clone(remote), run.to_owned());
        Ok(Self { remote, run, heartbeat: Some(heartbeat), blobs: Arc::clone(blobs) })
    }
}

impl Drop for BucketMark {
    fn drop(&mut self) {
        // It must not write the mark again.
        drop(self.heartbeat.take());
        // What cannot be removed now is removed by the next run.
        let own = names::run(&self.run);
        if let Ok(marks) = objects::list(&*self.remote, names::RUNS)
            && marks.iter().all(|mark| *mark == own)
        {
            let _ = self.blobs.remove_old(&own);
        }
        let leases = objects::list(&*self.remote, &names::leases_of(&self.run));
        let mut left = leases.unwrap_or_default();
        let posted = objects::list(&*self.remote, names::OPEN).unwrap_or_default().into_iter();
        left.extend(posted.filter(|name| names::run_of_bundle(name).as_ref() == Some(&self.run)));
        let requests = objects::list(&*self.remote, &names::requests_of(&self.run));
        left.extend(requests.unwrap_or_default());
        let _ = objects::delete(&*self.remote, &left);
        let _ = objects::delete(&*self.remote, &[own]);
    }
}

fn write(remote: &dyn Remote, run: &str, beat: u64, time: Duration) -> Result<(), ClusterError> {
    objects::put(remote, &names::run(run), &Beat::new(beat, time).bytes())
}

/// Watches the marks of the runs that are not `known`, and returns those that have died. If there are marks, it calls `on_wait`
/// first, with how long that may take.
///
/// # Errors
///
/// The bucket cannot be read.
pub(super) fn dead_runs(
    remote: &dyn Remote,
    known: &HashSet<String>,
    on_wait: &dyn Fn(Duration),
) -> Result<HashSet<String>, ClusterError> {
    heartbeat::dead_runs(|| read(remote, known), on_wait)
}

/// Returns the marks of the runs that are not known.
fn read(
    remote: &dyn Remote,
    known: &HashSet<String>,
) -> Result<HashMap<String, Vec<u8>>, ClusterError> {
    let mut marks = HashMap::new();
    for name in objects::list(remote, names::RUNS)? {
        let Some(run) = names::parse_run(&name).filter(|run| !known.contains(*run)) else {
            continue;
        };
        if let Some(mark) = objects::get(remote, &name, MOST)? {
            marks.insert(run.to_owned(), mark);
        }
    }
    Ok(marks)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::{io, thread};

    use flow_core::RemoteFolder;
    use flow_core::fs::Disk;

    use super::*;
    use crate::transport::faulty_bucket::{Faults, FaultyBucket, Request};

    #[test]
    fn a_run_that_renews_its_mark_is_alive_and_another_one_has_died() {
        let folder = tempfile::tempdir().expect("a folder");
        let remote: Arc<dyn Remote> = Arc::new(RemoteFolder::new(folder.path().join("bucket")));
        let blobs = Arc::new(Blobs::new(Arc::clone(&remote), folder.path(), Arc::new(Disk)));
        let (alive, killed) = ("0123456789abcdef", "fedcba9876543210");
        let time = Duration::from_millis(400);
        let mark = BucketMark::begin(&remote, alive, time, &blobs).expect("a mark");
        write(&*remote, killed, 3, time).expect("a mark");
        let told = RefCell::new(Vec::new());
        let find = |known: &HashSet<String>| {
            let dead = dead_runs(&*remote, known, &|most| told.borrow_mut().push(most));
            dead.expect("a bucket that can be read")
        };
        let dead = find(&HashSet::new());
        assert_eq!(dead, HashSet::from([killed.to_owned()]));
        assert_eq!(told.borrow().as_slice(), [time], "it says once for how long it may wait");
        assert!(find(&dead).is_empty());
        drop(mark);
        assert!(find(&dead).is_empty());
        assert_eq!(told.borrow().len(), 2, "without a mark that is not known, it does not wait");
        let left = objects::list(&*remote, names::RUNS).expect("a list");
        assert_eq!(left, [names::run(killed)]);
    }

    const RUN: &str = "0123456789abcdef";

    /// The time in a mark.
    const TIME: Duration = Duration::from_millis(500);

    /// A bucket that takes long to answer the first get. The run renews its mark before each get from the third one on.
    struct Slow {
        folder: RemoteFolder,
        gets: AtomicU64,
    }

    impl Faults for Slow {
        fn answer<T>(
            &self,
            request: Request<'_>,
            send: impl FnOnce() -> io::Result<T>,
        ) -> io::Result<T> {
            if let Request::Get(_) = request {
                match self.gets.fetch_add(1, Ordering::SeqCst) {
                    0 => thread::sleep(TIME + TIME / 5),
                    1 => {}
                    beat => write(&self.folder, RUN, beat, TIME).expect("a mark"),
                }
            }
            send()
        }
    }

    #[test]
    fn a_run_does_not_count_as_dead_because_the_bucket_is_slow() {
        let folder = tempfile::tempdir().expect("a folder");
        let bucket = || RemoteFolder::new(folder.path().join("bucket"));
        let faults = Slow { folder: bucket(), gets: AtomicU64::new(0) };
        let slow = FaultyBucket { folder: bucket(), faults };
        write(&slow, RUN, 0, TIME).expect("a mark");
        let dead = dead_runs(&slow, &HashSet::new(), &|_| {}).expect("a bucket that can be read");
        assert!(dead.is_empty(), "{dead:?}");
    }
}
