//! A lease that a worker holds: it is renewed while a job runs, and carries the messages of the job.
//!
//! The lease is held as long as lines can be appended to it. Once that fails because its folder is gone, the job that
//! runs is ended, and nothing of the lease is written any more.

use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use flow_core::Stopper;
use flow_core::executor::{JobFile, JobInbox, JobLink};

use crate::format::{FORMAT, Line, Order, line};
use crate::names::LeaseName;
use crate::tail::Tail;
use crate::transport::Transport;

/// How long the failure of a job whose process has crashed is held back: the worker may be about to be stopped by the same signal.
const CRASH: Duration = Duration::from_millis(300);

/// How often orders are read otherwise. Each time is an operation on a file system that all workers share.
const ORDERS: Duration = Duration::from_millis(500);

/// The most bytes of lines that are held back.
const MOST_HELD_BACK: usize = 1 << 20;

/// In how many parts a lease is divided: it is renewed after one of them.
const RENEWALS: u32 = 4;

/// A lease that is held.
pub(super) struct HeldLease<'a> {
    transport: &'a dyn Transport,
    name: LeaseName,
    stopper: &'a Stopper,
    written: Mutex<Written>,
    orders: Mutex<Orders>,
    /// The job that runs.
    running: Mutex<Option<(usize, Arc<JobInbox>)>>,
    /// Whether the job that runs waits for others, of whose end an order tells it.
    is_waiting: AtomicBool,
    /// The place of that job, and when it began.
    since: Mutex<Option<(usize, Instant)>>,
    is_lost: AtomicBool,
    /// Whether the worker gives the bundle back: messages of the job that runs do not count any more.
    is_leaving: AtomicBool,
    has_ended: AtomicBool,
}

/// What is written to the lease.
struct Written {
    /// The lines that are not written yet.
    held_back: Vec<u8>,
    /// The number of bytes that are known to be written.
    bytes: u64,
    /// Whether the last write has failed: it may have written a part of the lines.
    is_torn: bool,
    /// When lines were written last.
    at: Instant,
    /// For how long lines that are not urgent are held back, if each write has a price.
    hold: Duration,
    beats: u64,
    lease: Duration,
}

/// The orders of the run.
#[derive(Default)]
struct Orders {
    tail: Tail,
    left_out: HashSet<usize>,
    /// The messages to jobs that do not run, each with the place of the job: the run may stop a job that is about to run.
    early: Vec<(usize, String)>,
}

impl Written {
    /// Holds back no longer what is in the file after the bytes that are known to be there.
    fn take_back(&mut self, there: &[u8]) {
        let part = if self.held_back.starts_with(there) { there.len() } else { 0 };
        self.held_back.drain(..part);
        self.bytes += there.len() as u64;
        self.is_torn = false;
    }
}

impl Line {
    /// Returns the first line of a worker.
    pub(super) fn hello(host: &str, job: Option<&str>, ran: usize) -> Self {
        let (host, job) = (host.to_owned(), job.map(str::to_owned));
        Self::Hello { format: FORMAT, host, process: std::process::id(), job, ran }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> HeldLease<'a> {
    pub(super) fn new(transport: &'a dyn Transport, name: LeaseName, stopper: &'a Stopper) -> Self {
        let written = Written {
            held_back: Vec::new(),
            bytes: 0,
            is_torn: false,
            at: Instant::now(),
            hold: Duration::ZERO,
            beats: 0,
            lease: Duration::from_secs(1),
        };
        Self {
            transport,
            name,
            stopper,
            written: Mutex::new(written),
            orders: Mutex::default(),
            running: Mutex::default(),
            is_waiting: AtomicBool::new(false),
            since: Mutex::default(),
            is_lost: AtomicBool::new(false),
            is_leaving: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        }
    }

    /// Sets how long the lease lasts without being renewed.
    pub(super) fn set_lease(&self, lease: Duration) {
        lock(&self.written).lease = lease;
    }

    /// Returns whether the lease was taken away.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::SeqCst)
    }

    /// Returns whether nothing that the job does counts any more: the lease was taken away, or the worker is stopped.
    fn is_over(&self) -> bool {
        self.is_lost() || self.stopper.is_stopped()
    }

    /// Sets the job that runs, which receives the messages of the run.
    pub(super) fn set_running(&self, running: Option<(usize, Arc<JobInbox>)>) {
        lock(&self.running).clone_from(&running);
        *lock(&self.since) = running.as_ref().map(|(job, _)| (*job, Instant::now()));
        lock(&self.written).hold = Duration::ZERO;
        if let Some((job, inbox)) = running {
            let early = std::mem::take(&mut lock(&self.orders).early);
            let own = early.into_iter().filter(|(place, _)| *place == job);
            own.for_each(|(_, text)| inbox.send(text));
        }
        // The lease may have been lost before there was a job to end.
        if self.is_lost() {
            self.cancel();
        }
    }

    /// Appends a line. One that is not urgent is written with others, a moment later. Returns whether the lease is held.
    pub(super) fn write(&self, content: &Line, is_urgent: bool) -> bool {
        let mut written = lock(&self.written);
        written.held_back.extend(line(content));
        if is_urgent {
            self.flush(&mut written);
        }
        !self.is_lost()
    }

    /// Appends a line, and waits until it is written. Returns `false` if the lease is lost, or the worker is stopped, before
    /// that.
    ///
    /// A job must not run before the run can know it, and a bundle is not over before the run can read all its results.
    pub(super) fn write_through(&self, content: &Line) -> bool {
        let mut is_held = self.write(content, true);
        while is_held && self.has_held_back() {
            if self.stopper.is_stopped() {
                return false;
            }
            thread::sleep(self.transport.tick());
            self.flush(&mut lock(&self.written));
            is_held = !self.is_lost();
        }
        is_held
    }

    fn has_held_back(&self) -> bool {
        !lock(&self.written).held_back.is_empty()
    }

    /// Writes the lines that were held back.
    fn flush(&self, written: &mut Written) {
        if self.is_lost() || written.held_back.is_empty() {
            return;
        }
        if written.is_torn && self.transport.may_tear() {
            // A line that begins anew within another one could not be read by the run.
            let Ok(there) = self.transport.lines(&self.name, written.bytes) else { return };
            written.take_back(&there.unwrap_or_default());
        }
        match self.transport.append(&self.name, &written.held_back) {
            Ok(()) => {
                written.bytes += written.held_back.len() as u64;
                written.held_back.clear();
                written.at = Instant::now();
            }
            Err(error) if error.is_gone() => self.lose(),
            // A passing error, such as a full disk: the rest of the lines is written a moment later.
            Err(_) => written.is_torn = true,
        }
    }

    /// Ends the job that runs, because the lease was taken away.
    fn lose(&self) {
        self.is_lost.store(true, Ordering::SeqCst);
        self.cancel();
    }

    fn cancel(&self) {
        if let Some((_, inbox)) = &*lock(&self.running) {
            inbox.cancel();
        }
    }

    /// Renews the lease, writes what was held back, and passes on orders, until the end of the guard that
    /// [`ends_on_drop`](Self::ends_on_drop) returns.
    pub(super) fn keep(&self) {
        let mut read: Option<Instant> = None;
        let mut said = Instant::now();
        while !self.has_ended.load(Ordering::SeqCst) && !self.is_lost() {
            if self.has_stopped() {
                self.cancel();
            }
            let is_waiting = self.is_waiting.load(Ordering::SeqCst);
            if read.is_none_or(|read| are_orders_due(is_waiting, read.elapsed())) {
                read = Some(Instant::now());
                self.read_orders();
            }
            let pause = {
                let mut written = lock(&self.written);
                let renewal = written.lease / RENEWALS;
                let mut duration = Vec::new();
                if said.elapsed() >= renewal {
                    said = Instant::now();
                    duration = self.duration();
                }
                // In a bucket, a heartbeat with a duration takes the place of the one before.
                if written.at.elapsed() >= renewal || !duration.is_empty() {
                    if written.held_back.is_empty() {
                        // The task logs little.
                        written.hold = Duration::ZERO;
                    }
                    written.beats += 1;
                    let beat = line(&Line::Beat(written.beats));
                    written.held_back.extend(duration);
                    written.held_back.extend(beat);
                }
                if self.is_to_flush(&written, renewal) {
                    if !written.held_back.is_empty() {
                        written.hold = (2 * written.hold).max(self.transport.tick()).min(renewal);
                    }
                    self.flush(&mut written);
                }
                self.transport.tick().min(renewal)
            };
            // The end of the bundle does not wait for it.
            thread::park_timeout(pause);
        }
    }

    /// Returns whether the lines that are not urgent are written now.
    ///
    /// What a task logs all the time is written less and less often, down to once in a renewal: it is few objects in a bucket then. The
    /// first lines are written soon, so that they are there if the job is lost or abandoned.
    fn is_to_flush(&self, written: &Written, renewal: Duration) -> bool {
        !self.transport.is_costly_to_append()
            || written.is_torn
            || written.at.elapsed() >= written.hold.min(renewal)
            || written.held_back.len() >= MOST_HELD_BACK
    }

    /// Returns whether the worker is stopped. What its job sends from now on does not count.
    fn has_stopped(&self) -> bool {
        let is_stopped = self.stopper.is_stopped();
        if is_stopped {
            self.is_leaving.store(true, Ordering::SeqCst);
        }
        is_stopped
    }

    /// Returns a line that says for how long the job has run that runs; no byte if none does.
    fn duration(&self) -> Vec<u8> {
        let since = *lock(&self.since);
        let runs = |(job, since): (usize, Instant)| {
            line(&Line::Runs { job, seconds: since.elapsed().as_secs_f64() })
        };
        since.map(runs).unwrap_or_default()
    }

    /// Returns a guard that ends [`keep`](Self::keep), which runs on a thread, when it is dropped.
    pub(super) fn ends_on_drop(&self, keeper: Thread) -> EndsOnDrop<'_> {
        EndsOnDrop(&self.has_ended, keeper)
    }

    /// Reads the orders of the run, and passes messages on to the job that runs. Returns whether they could be read.
    fn read_orders(&self) -> bool {
        let mut orders = lock(&self.orders);
        let lines = match self.transport.orders(&self.name, orders.tail.offset()) {
            Ok(Some(bytes)) => orders.tail.take(&bytes),
            Ok(None) => {
                self.lose();
                return true;
            }
            // A passing error.
            Err(_) => return false,
        };
        // A run writes neither lines that are too long nor such that cannot be read.
        for order in lines.unwrap_or_default() {
            match serde_json::from_slice(&order) {
                Ok(Order::Skip(place)) => {
                    orders.left_out.insert(place);
                }
                Ok(Order::Message { job, text }) => match &*lock(&self.running) {
                    Some((running, inbox)) if *running == job => inbox.send(text),
                    _ => orders.early.push((job, text)),
                },
                Ok(Order::Adopt { .. }) | Err(_) => {}
            }
        }
        true
    }

    /// Returns whether a job is not to be run, of which the worker has written that it begins: the run has cancelled it, or the
    /// lease is lost.
    ///
    /// The run writes the order before it reads that line. So if this does not find the order, the run finds the line,
    /// and takes the lease away. As long as the orders cannot be read, this waits: the run may have given the job to another
    /// worker.
    pub(super) fn is_left_out(&self, place: usize) -> bool {
        while !self.read_orders() {
            if self.is_lost() || self.stopper.is_stopped() {
                return true;
            }
            thread::sleep(self.transport.tick());
        }
        self.is_lost() || lock(&self.orders).left_out.contains(&place)
    }
}

/// Returns whether orders are read, this long after they were read last.
fn are_orders_due(is_waiting: bool, since: Duration) -> bool {
    is_waiting || since >= ORDERS
}

/// Ends the thread that keeps a lease.
pub(super) struct EndsOnDrop<'a>(&'a AtomicBool, Thread);

impl Drop for EndsOnDrop<'_> {
    fn drop(&mut self) {
        let Self(has_ended, keeper) = self;
        has_ended.store(true, Ordering::SeqCst);
        keeper.unpark();
    }
}

/// Carries the messages of one job.
pub(super) struct LeaseLink<'a> {
    pub(super) lease: &'a HeldLease<'a>,
    /// The place of the job in the bundle.
    pub(super) job: usize,
    /// Is called when the job waits for others, and when it goes on.
    pub(super) wait: &'a (dyn Fn(bool) + Sync),
}

impl JobLink for LeaseLink<'_> {
    fn send(&self, text: String, is_urgent: bool) -> io::Result<()> {
        // The run learns that the bundle is given back, and not that the task has failed.
        let is_leaving = self.lease.is_leaving.load(Ordering::SeqCst);
        let message = Line::Message { job: self.job, text };
        match !is_leaving && self.lease.write(&message, is_urgent) {
            true => Ok(()),
            false => Err(ErrorKind::NotFound.into()),
        }
    }

    fn wait(&self, is_waiting: bool) {
        self.lease.is_waiting.store(is_waiting, Ordering::SeqCst);
        if is_waiting {
            // The request follows, and is urgent.
            self.lease.write(&Line::Waits, false);
        }
        (self.wait)(is_waiting);
    }

    fn crashed(&self) {
        let begun = Instant::now();
        while begun.elapsed() < CRASH && !self.lease.has_stopped() {
            thread::sleep(CRASH / 20);
        }
    }

    fn bring(&self, files: &[JobFile]) -> io::Result<()> {
        match self.lease.transport.blobs() {
            Some(blobs) => blobs.bring(files, true, &|| self.lease.is_over()),
            None => Ok(()),
        }
    }

    fn deliver(&self, files: &[JobFile]) -> io::Result<()> {
        let Some(blobs) = self.lease.transport.blobs() else { return Ok(()) };
        blobs.deliver(files, &|| self.lease.is_over())?;
        // The run may have given the job to another worker meanwhile.
        match self.lease.is_left_out(self.job) {
            true => Err(ErrorKind::NotFound.into()),
            false => Ok(()),
        }
    }

    fn draft(&self) -> Option<PathBuf> {
        self.lease.transport.draft(&self.lease.name, self.job)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use flow_core::fs::Disk;
    use flow_core::{Remote, RemoteFolder};

    use super::*;
    use crate::format::Bundle;
    use crate::names::{BundleName, WorkerName};
    use crate::transport::faulty_bucket::{Faults, FaultyBucket, Request};
    use crate::transport::{Blobs, Bucket, Folder};

    #[test]
    fn orders_are_read_often_only_as_long_as_a_job_waits_for_one() {
        assert!(are_orders_due(true, Duration::ZERO));
        assert!(!are_orders_due(false, ORDERS / 2));
        assert!(are_orders_due(false, ORDERS));
    }

    #[test]
    fn a_job_waits_until_the_run_can_know_that_it_begins_and_its_orders_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let transport = Folder::new(folder.path(), Arc::new(Disk));
        transport.prepare().expect("a queue");
        let bundle = BundleName::new("0123456789abcdef0123456789abcdef", "fedcba9876543210", 1);
        let name = LeaseName { bundle, worker: WorkerName::new("node") };
        let at = folder.path().join(".flow/queue/taken").join(name.to_string());
        // Neither can be used, and neither is gone.
        let (messages, orders) = (at.join("messages.jsonl"), at.join("orders.jsonl"));
        fs::create_dir_all(&messages).expect("a folder");
        fs::create_dir_all(&orders).expect("a folder");
        let stopper = Stopper::default();
        let lease = HeldLease::new(&transport, name, &stopper);
        thread::scope(|scope| {
            let begins = scope.spawn(|| lease.write_through(&Line::Begun(0)));
            thread::sleep(3 * transport.tick());
            assert!(!begins.is_finished());
            fs::remove_dir(&messages).expect("a folder");
            assert!(begins.join().expect("no panic"));
            let is_left_out = scope.spawn(|| lease.is_left_out(0));
            thread::sleep(3 * transport.tick());
            assert!(!is_left_out.is_finished());
            // Without its orders, the lease is gone.
            fs::remove_dir(&orders).expect("a folder");
            assert!(is_left_out.join().expect("no panic") && lease.is_lost());
        });
        let text = fs::read_to_string(&messages).expect("a file");
        assert_eq!(text, "{\"begun\":0}\n");
    }

    #[test]
    fn lines_of_which_a_part_was_written_are_continued() {
        let folder = tempfile::tempdir().expect("a folder");
        let transport = Folder::new(folder.path(), Arc::new(Disk));
        let bundle = BundleName::new("0123456789abcdef0123456789abcdef", "fedcba9876543210", 1);
        let name = LeaseName { bundle, worker: WorkerName::new("node") };
        let at = folder.path().join(".flow/queue/taken").join(name.to_string());
        let messages = at.join("messages.jsonl");
        fs::create_dir_all(&at).expect("a folder");
        let stopper = Stopper::default();
        let begun = "{\"begun\":0}\n";
        for part in ["", "{\"end", "{\"ended\":0}\n", "{\"ended\":0}\n\"ov"] {
            let lease = HeldLease::new(&transport, name.clone(), &stopper);
            fs::write(&messages, "").expect("a file");
            assert!(lease.write(&Line::Begun(0), true) && !lease.has_held_back());
            // It cannot be written, as if the disk were full.
            fs::remove_file(&messages).expect("a file");
            fs::create_dir(&messages).expect("a folder");
            assert!(lease.write(&Line::Ended(0), true) && lease.has_held_back());
            assert!(lease.write(&Line::Over, false));
            fs::remove_dir(&messages).expect("a folder");
            fs::write(&messages, format!("{begun}{part}")).expect("a file");
            assert!(lease.write_through(&Line::Beat(1)));
            let text = fs::read_to_string(&messages).expect("a file");
            let expected = "{\"ended\":0}\n\"over\"\n{\"beat\":1}\n";
            assert_eq!(text, format!("{begun}{expected}"), "after {part:?}");
            fs::remove_file(&messages).expect("a file");
        }
    }

    /// A bucket that stores objects, and loses the answers while it is deaf.
    #[derive(Default)]
    struct Deaf {
        is_deaf: AtomicBool,
    }

    impl Faults for Deaf {
        fn answer<T>(
            &self,
            request: Request<'_>,
            send: impl FnOnce() -> io::Result<T>,
        ) -> io::Result<T> {
            let sent = send()?;
            match matches!(request, Request::Put) && self.is_deaf.load(Ordering::SeqCst) {
                true => Err(ErrorKind::ConnectionReset.into()),
                false => Ok(sent),
            }
        }
    }

    /// Posts a bundle of a run, and returns the lease of a worker that takes it.
    fn taken(run: &Bucket, worker: &Bucket) -> LeaseName {
        let build = "0123456789abcdef0123456789abcdef";
        let bundle = BundleName::new(build, "fedcba9876543210", 1);
        run.post(&bundle, &Bundle::new(build, 30.0, Vec::new())).expect("it is posted");
        let taken = worker.take(&bundle, &WorkerName::new("node")).expect("no error");
        taken.expect("it is there")
    }

    #[test]
    fn no_line_is_lost_after_a_bucket_has_written_what_it_did_not_answer() {
        let folder = tempfile::tempdir().expect("a folder");
        let bucket = RemoteFolder::new(folder.path().join("bucket"));
        let remote = Arc::new(FaultyBucket { folder: bucket, faults: Deaf::default() });
        let queue = || {
            let remote = Arc::clone(&remote) as Arc<dyn Remote>;
            let blobs = Blobs::new(Arc::clone(&remote), folder.path(), Arc::new(Disk));
            Bucket::new(remote, Arc::new(blobs), (Duration::from_millis(10), Duration::ZERO))
        };
        let (run, worker) = (queue(), queue());
        let name = taken(&run, &worker);
        let read = |from: usize| {
            run.begin_poll();
            run.lines(&name, from as u64).expect("no error").expect("it is held")
        };
        let stopper = Stopper::default();
        let lease = HeldLease::new(&worker, name.clone(), &stopper);
        assert!(lease.write(&Line::Begun(0), true) && !lease.has_held_back());
        let mut lines = read(0);
        remote.faults.is_deaf.store(true, Ordering::SeqCst);
        assert!(lease.write(&Line::Ended(0), true) && lease.has_held_back());
        lines.extend(read(lines.len()));
        remote.faults.is_deaf.store(false, Ordering::SeqCst);
        assert!(lease.write_through(&Line::Over));
        lines.extend(read(lines.len()));
        let expected = [Line::Begun(0), Line::Ended(0), Line::Over].map(|content| line(&content));
        assert_eq!(lines, expected.concat());
    }

    #[test]
    fn what_a_task_logs_is_few_objects_in_a_bucket() {
        let folder = tempfile::tempdir().expect("a folder");
        let bucket = folder.path().join("bucket");
        let queue = || {
            let remote: Arc<dyn Remote> = Arc::new(RemoteFolder::new(&bucket));
            let blobs = Blobs::new(Arc::clone(&remote), folder.path(), Arc::new(Disk));
            Bucket::new(remote, Arc::new(blobs), (Duration::from_millis(10), Duration::ZERO))
        };
        let (run, worker) = (queue(), queue());
        let name = taken(&run, &worker);
        let read = || {
            run.begin_poll();
            run.lines(&name, 0).expect("no error").expect("it is held")
        };
        let stopper = Stopper::default();
        let lease = HeldLease::new(&worker, name.clone(), &stopper);
        lease.set_lease(Duration::from_secs(8));
        assert!(lease.write(&Line::Begun(0), true));
        let messages = bucket.join(format!("cluster/leases/fedcba9876543210/{name}/messages"));
        let objects = || fs::read_dir(&messages).expect("a folder").count();
        let says = |text: &str| {
            let waited = Instant::now();
            while !String::from_utf8_lossy(&read()).contains(text) {
                assert!(waited.elapsed() < Duration::from_secs(60), "{text} is not written");
                thread::sleep(Duration::from_millis(5));
            }
        };
        thread::scope(|scope| {
            let keeper = scope.spawn(|| lease.keep());
            let _ends = lease.ends_on_drop(keeper.thread().clone());
            let log = |text: &str| {
                assert!(lease.write(&Line::Message { job: 0, text: text.to_owned() }, false));
            };
            // The first lines are there if the job is lost, or takes too long.
            log("the first line");
            says("the first line");
            let before = objects();
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(1300) {
                log("one of many");
                thread::sleep(Duration::from_millis(2));
            }
            let made = objects() - before;
            assert!((1..=10).contains(&made), "{made} objects");
            log("the last line");
            // An urgent line takes along what is held back, in one object.
            let before = objects();
            assert!(lease.write(&Line::Ended(0), true));
            // The thread that keeps the lease may have written the last line just before.
            assert!(objects() <= before + 2);
            let written = read();
            assert!(written.ends_with(&line(&Line::Ended(0))));
            assert!(String::from_utf8_lossy(&written).contains("the last line"));
        });
    }

    #[test]
    fn a_worker_that_is_stopped_does_not_wait_for_the_queue() {
        let folder = tempfile::tempdir().expect("a folder");
        let transport = Folder::new(folder.path(), Arc::new(Disk));
        let bundle = BundleName::new("0123456789abcdef0123456789abcdef", "fedcba9876543210", 1);
        let name = LeaseName { bundle, worker: WorkerName::new("node") };
        let at = folder.path().join(".flow/queue/taken").join(name.to_string());
        fs::create_dir_all(at.join("messages.jsonl")).expect("a folder");
        fs::create_dir_all(at.join("orders.jsonl")).expect("a folder");
        let stopper = Stopper::default();
        stopper.stop();
        let lease = HeldLease::new(&transport, name, &stopper);
        assert!(!lease.write_through(&Line::Begun(0)));
        assert!(lease.is_left_out(0), "it must not run");
    }
}
