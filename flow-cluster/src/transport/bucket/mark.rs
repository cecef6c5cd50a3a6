//! The marks of runs that are in progress: an object that the run writes anew again and again.
//!
//! A run that begins watches the marks of others. One that changes belongs to a run that is alive. One that stays the same for
//! the time that is written in it, by the clock of the run that watches, belongs to a run that has died.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, Builder, JoinHandle};
use std::time::{Duration, Instant};

use flow_core::Remote;
use serde::{Deserialize, Serialize};

use super::blobs::Blobs;
use super::{names, objects};
use crate::error::ClusterError;
use crate::format::FORMAT;

/// The longest time in which a run writes its mark anew, so that the next run need not wait longer to know that it has died.
const LONGEST: Duration = Duration::from_secs(20);

/// In how many parts that time is divided: the mark is written after one of them.
const RENEWALS: u32 = 4;

/// The times that a mark of another process may have, in seconds.
const TIMES: (f64, f64) = (0.05, 600.0);

/// How often marks are read while they are watched, at least and at most.
const LOOKS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// The most bytes of a mark.
const MOST: u64 = 4 << 10;

/// What is in a mark.
#[derive(Serialize, Deserialize)]
struct Mark {
    format: u32,
    /// Grows each time.
    beat: u64,
    /// After how many seconds without a change the run has died.
    seconds: f64,
}

/// The mark of this run, which is removed when it is dropped, with everything else that the run has left in the bucket.
pub(super) struct BucketMark {
    remote: Arc<dyn Remote>,
    run: String,
    ends: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
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
        let ends = Arc::new((Mutex::new(false), Condvar::new()));
        let (of_thread, its_ends, its_run) =
            (Arc::clone(remote), Arc::clone(&ends), run.to_owned());
        let renew = move || {
            let mut beat = 0;
            let mut has_ended = its_ends.0.lock().unwrap_or_else(PoisonError::into_inner);
            while !*has_ended {
                let waited = its_ends.1.wait_timeout(has_ended, time / RENEWALS);
                has_ended = waited.unwrap_or_else(PoisonError::into_inner).0;
                if *has_ended {
                    break;
                }
                drop(has_ended);
                beat += 1;
                // An error that passes: the next one renews it.
                let _ = write(&*of_thread, &its_run, beat, time);
                has_ended = its_ends.0.lock().unwrap_or_else(PoisonError::into_inner);
            }
        };
        let thread = Builder::new().name("flow-mark".to_owned()).spawn(renew);
        let thread = Some(thread.map_err(ClusterError::Thread)?);
        let (remote, run) = (Arc::clone(remote), run.to_owned());
        Ok(Self { remote, run, ends, thread, blobs: Arc::clone(blobs) })
    }
}

impl Drop for BucketMark {
    fn drop(&mut self) {
        *self.ends.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ends.1.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
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
    let mark = Mark { format: FORMAT, beat, seconds: time.as_secs_f64() };
    objects::put(remote, &names::run(run), &serde_json::to_vec(&mark).expect("plain data"))
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
    let mut first = read(remote, known)?;
    if let Some(most) = first.values().map(|mark| time_of(mark)).max() {
        on_wait(most);
    }
    // Afterwards: as long as the marks are read, which may take long, none of them can be seen to change.
    let begun = Instant::now();
    let mut dead = HashSet::new();
    let mut pause = LOOKS.0;
    while !first.is_empty() {
        thread::sleep(pause);
        pause = (2 * pause).min(LOOKS.1);
        let now = read(remote, known)?;
        first.retain(|run, mark| {
            // One that is gone has ended.
            let is_unchanged = now.get(run).is_some_and(|now| *now == *mark);
            let has_died = is_unchanged && begun.elapsed() >= time_of(mark);
            if has_died {
                dead.insert(run.clone());
            }
            is_unchanged && !has_died
        });
    }
    Ok(dead)
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

/// Returns after what time without a change a run has died.
fn time_of(mark: &[u8]) -> Duration {
    let seconds =
        serde_json::from_slice::<Mark>(mark).map_or(LONGEST.as_secs_f64(), |mark| mark.seconds);
    Duration::from_secs_f64(seconds.clamp(TIMES.0, TIMES.1))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;
    use std::sync::atomic::{AtomicU64, Ordering};

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

    #[test]
    fn a_hostile_mark_keeps_no_run_waiting_for_long() {
        assert_eq!(time_of(b"{"), LONGEST);
        let hostile = br#"{"format":1,"beat":0,"seconds":1e300}"#;
        assert_eq!(time_of(hostile), Duration::from_secs(600));
    }
}
