//! Tests of a queue in a bucket, for which a folder stands in.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, Ordering};

use flow_core::RemoteFolder;
use flow_core::fs::Disk;

use super::*;
use crate::format::{Line, job_for_tests, line};
use crate::transport::faulty_bucket::{Faults, FaultyBucket, Request};

const BUILD: &str = "0123456789abcdef0123456789abcdef";
const RUN: &str = "fedcba9876543210";

/// Counts the requests, and loses every so many answers.
#[derive(Default)]
struct Counted {
    requests: AtomicU64,
    loses_every: AtomicU64,
    /// An object that is too large to be read.
    too_large: Mutex<Option<String>>,
}

impl Faults for Counted {
    fn answer<T>(
        &self,
        request: Request<'_>,
        send: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        if let Request::Get(name) = request
            && self.too_large.lock().expect("lock poisoned").as_deref() == Some(name)
        {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let sent = send()?;
        let every = self.loses_every.load(Ordering::SeqCst);
        match every > 0 && number.is_multiple_of(every) {
            true => Err(ErrorKind::ConnectionReset.into()),
            false => Ok(sent),
        }
    }
}

/// A bucket, and the queues of processes that use it.
struct Tested {
    folder: tempfile::TempDir,
    remote: Arc<FaultyBucket<Counted>>,
}

impl Tested {
    fn new(loses_every: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let bucket = RemoteFolder::new(folder.path().join("bucket"));
        let faults = Counted { loses_every: AtomicU64::new(loses_every), ..Counted::default() };
        let remote = FaultyBucket { folder: bucket, faults };
        Self { folder, remote: Arc::new(remote) }
    }

    /// Returns the queue of a process.
    fn queue(&self) -> Bucket {
        let remote = Arc::clone(&self.remote) as Arc<dyn Remote>;
        let blobs = Blobs::new(Arc::clone(&remote), self.folder.path(), Arc::new(Disk));
        let times = (Duration::from_millis(10), Duration::from_secs(60));
        Bucket::new(remote, Arc::new(blobs), times)
    }

    /// Returns the queue of a process that neither submits jobs nor runs any.
    fn observer(&self) -> Bucket {
        let remote = Arc::clone(&self.remote) as Arc<dyn Remote>;
        let blobs = Blobs::new(Arc::clone(&remote), self.folder.path(), Arc::new(Disk));
        Bucket::of_observer(remote, Arc::new(blobs))
    }

    fn requests(&self) -> u64 {
        self.remote.faults.requests.load(Ordering::SeqCst)
    }
}

fn posted(queue: &Bucket, number: u32) -> BundleName {
    let name = BundleName::new(BUILD, RUN, number);
    queue.post(&name, &Bundle::new(BUILD, 30.0, vec![job_for_tests()])).expect("it is posted");
    name
}

fn taken(queue: &Bucket, name: &BundleName) -> LeaseName {
    queue.take(name, &WorkerName::new("node")).expect("no error").expect("it is there")
}

#[test]
fn one_of_many_workers_takes_a_bundle() {
    let tested = Tested::new(0);
    let run = tested.queue();
    for number in 0..10 {
        let name = posted(&run, number);
        let won: Vec<_> = std::thread::scope(|scope| {
            let take = || tested.queue().take(&name, &WorkerName::new("node")).expect("no error");
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(take)).collect();
            threads.into_iter().filter_map(|thread| thread.join().expect("no panic")).collect()
        });
        assert_eq!(won.len(), 1, "{won:?}");
        run.list_again();
        assert!(run.leases().expect("a list").contains(&won[0]));
        assert!(run.posted().expect("a list").is_empty());
    }
}

#[test]
fn a_bundle_is_either_taken_or_withdrawn() {
    let tested = Tested::new(0);
    let (run, worker) = (tested.queue(), tested.queue());
    let name = posted(&run, 1);
    assert!(run.withdraw(&name).expect("no error"));
    // The word of that is gone, too.
    assert_eq!(worker.take(&name, &WorkerName::new("node")).expect("no error"), None);
    assert!(run.list("cluster").expect("a list").is_empty());
    let name = posted(&run, 2);
    let lease = taken(&worker, &name);
    assert!(!run.withdraw(&name).expect("no error"));
    assert_eq!(run.leases().expect("a list"), std::slice::from_ref(&lease));
    for process in [&worker, &run] {
        assert_eq!(process.bundle(&lease).expect("a bundle").jobs.len(), 1);
    }
}

#[test]
fn a_worker_and_a_run_race_for_a_bundle_and_one_has_it() {
    let tested = Tested::new(0);
    let (run, worker) = (tested.queue(), tested.queue());
    for number in 0..20 {
        let name = posted(&run, number);
        let (withdrawn, lease) = std::thread::scope(|scope| {
            let take = scope.spawn(|| worker.take(&name, &WorkerName::new("node")));
            let withdrawn = run.withdraw(&name).expect("no error");
            (withdrawn, take.join().expect("no panic").expect("no error"))
        });
        assert_ne!(withdrawn, lease.is_some(), "{number}");
    }
}

#[test]
fn messages_and_orders_arrive_in_order_also_if_answers_are_lost() {
    for loses_every in [0, 2, 3, 5] {
        let tested = Tested::new(loses_every);
        let (run, worker) = (tested.queue(), tested.queue());
        let name = posted(&run, 1);
        let lease = taken(&worker, &name);
        let (mut sent, mut read, mut ordered) = (Vec::new(), Vec::new(), Vec::new());
        for job in 0..6 {
            let begun = line(&Line::Begun(job));
            worker.append(&lease, &begun).expect("it is held");
            sent.extend(begun);
            run.order(&lease, b"{\"skip\":0}\n").expect("it is held");
            run.begin_poll();
            let lines = run.lines(&lease, read.len() as u64).expect("no error");
            read.extend(lines.expect("it is held"));
            let orders = worker.orders(&lease, ordered.len() as u64).expect("no error");
            ordered.extend(orders.expect("it is held"));
        }
        assert_eq!(read, sent, "{loses_every}");
        assert_eq!(ordered, b"{\"skip\":0}\n".repeat(6), "{loses_every}");
    }
}

#[test]
fn a_heartbeat_takes_the_place_of_the_one_before() {
    let tested = Tested::new(0);
    let (run, worker) = (tested.queue(), tested.queue());
    let lease = taken(&worker, &posted(&run, 1));
    for beat in 1..4 {
        worker.append(&lease, &line(&Line::Beat(beat))).expect("it is held");
    }
    let beats = run.list(&format!("{}/beats", names::lease(&lease))).expect("a list");
    assert_eq!(beats, [names::beat(&lease, 3)]);
    let lines = run.lines(&lease, 0).expect("no error");
    assert_eq!(lines, Some(line(&Line::Beat(3))));
}

#[test]
fn a_message_that_is_too_long_ends_its_lease_and_no_other_one() {
    let tested = Tested::new(0);
    let (run, worker) = (tested.queue(), tested.queue());
    let leases = [1, 2].map(|number| taken(&worker, &posted(&run, number)));
    for lease in &leases {
        assert_eq!(run.lines(lease, 0).expect("no error"), Some(Vec::new()));
        worker.append(lease, b"\"over\"\n").expect("it is held");
    }
    *tested.remote.faults.too_large.lock().expect("lock poisoned") =
        Some(names::message(&leases[0], 0));
    run.begin_poll();
    let lines = run.lines(&leases[0], 0).expect("no error").expect("it is held");
    // A line that cannot be read makes the run revoke a lease.
    assert!(lines.ends_with(b"\n"));
    assert!(serde_json::from_slice::<Line>(&lines).is_err());
    assert_eq!(run.lines(&leases[1], 0).expect("no error"), Some(b"\"over\"\n".to_vec()));
}

#[test]
fn nothing_of_a_lease_is_read_after_it_was_revoked() {
    let tested = Tested::new(0);
    let (run, worker) = (tested.queue(), tested.queue());
    let lease = taken(&worker, &posted(&run, 1));
    worker.append(&lease, b"\"over\"\n").expect("it is held");
    assert_eq!(run.lines(&lease, 2).expect("no error"), Some(b"ver\"\n".to_vec()));
    run.revoke(&lease).expect("no error");
    assert_eq!(worker.orders(&lease, 0).expect("no error"), None, "the worker finds it");
    // What a worker writes that has looked just before that is never read.
    worker.append(&lease, b"\"over\"\n").expect("it does not know");
    for process in [&run, &tested.queue()] {
        process.begin_poll();
        assert_eq!(process.lines(&lease, 0).expect("no error"), None);
        assert!(process.leases().expect("a list").is_empty());
        assert!(process.bundle(&lease).expect_err("it is gone").is_gone());
    }
    run.revoke(&lease).expect("a second time, it does nothing");
    // The next run removes it.
    let next = tested.queue();
    next.forget_runs(&[]);
    assert!(next.list("cluster").expect("a list").is_empty());
}

#[test]
fn a_poll_is_one_list_and_a_get_for_each_new_object() {
    let tested = Tested::new(0);
    let (run, worker) = (tested.queue(), tested.queue());
    let mark = run.begin_run(RUN).expect("a mark");
    let leases: Vec<_> = (0..5).map(|number| taken(&worker, &posted(&run, number))).collect();
    let poll = |from: u64| {
        run.begin_poll();
        let before = tested.requests();
        run.leases().expect("a list");
        for lease in &leases {
            run.lines(lease, from).expect("no error").expect("it is held");
        }
        tested.requests() - before
    };
    assert_eq!(poll(0), 1);
    for lease in &leases {
        worker.append(lease, b"\"waits\"\n").expect("it is held");
    }
    assert_eq!(poll(0), 1 + 5);
    assert_eq!(poll(8), 1);
    drop(mark);
    let left = run.list("cluster").expect("a list");
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_bucket_that_does_not_answer_is_asked_once_in_a_poll() {
    let tested = Tested::new(0);
    let (run, worker) = (tested.queue(), tested.queue());
    let leases: Vec<_> = (0..5).map(|number| taken(&worker, &posted(&run, number))).collect();
    for lease in &leases {
        assert_eq!(run.lines(lease, 0).expect("no error"), Some(Vec::new()));
    }
    tested.remote.faults.loses_every.store(1, Ordering::SeqCst);
    run.begin_poll();
    let first = run.leases().expect_err("no answer").to_string();
    let asked = tested.requests();
    for lease in &leases {
        assert_eq!(run.lines(lease, 0).expect_err("no answer").to_string(), first);
    }
    assert_eq!(tested.requests(), asked);
    tested.remote.faults.loses_every.store(0, Ordering::SeqCst);
    run.begin_poll();
    for lease in &leases {
        assert_eq!(run.lines(lease, 0).expect("no error"), Some(Vec::new()));
    }
}

#[test]
fn a_run_that_was_killed_leaves_its_leases_to_the_next_one() {
    let tested = Tested::new(0);
    let (killed, worker) = (tested.queue(), tested.queue());
    let mark = br#"{"format":1,"beat":3,"seconds":0.2}"#;
    killed.put(&names::run(RUN), mark).expect("a mark that is not renewed");
    let lease = taken(&worker, &posted(&killed, 1));
    worker.append(&lease, b"\"waits\"\n").expect("it is held");
    let waiting = posted(&killed, 2);
    let next = tested.queue();
    let own = "00000000000000ff";
    let mark = next.begin_run(own).expect("a mark");
    assert!(!next.is_running(RUN) && next.is_running(own));
    assert_eq!(next.posted().expect("a list"), [waiting]);
    assert_eq!(next.leases().expect("a list"), std::slice::from_ref(&lease));
    // It adopts the lease, and so keeps the mark.
    next.forget_runs(&[own, RUN]);
    next.begin_poll();
    let lines = next.lines(&lease, 0).expect("no error");
    assert_eq!(lines, Some(b"\"waits\"\n".to_vec()));
    // A later one, which does not, removes everything.
    drop(mark);
    next.forget_runs(&[]);
    assert!(next.list("cluster").expect("a list").is_empty());
}

#[test]
fn requests_are_read_once_and_go_with_their_run() {
    let tested = Tested::new(0);
    let (run, other) = (tested.queue(), tested.observer());
    let mark = run.begin_run(RUN).expect("a mark");
    assert_eq!(other.runs().expect("a list"), [RUN]);
    other.request(RUN, b"a\n").expect("it is written");
    assert_eq!(run.requests(RUN, 0).expect("no error"), b"a\n");
    other.request(RUN, b"b\n").expect("it is written");
    assert_eq!(run.requests(RUN, 2).expect("no error"), b"b\n");
    assert!(run.requests(RUN, 4).expect("no error").is_empty());
    drop(mark);
    assert!(run.list("cluster").expect("a list").is_empty());
    // One that comes after the end is removed by the next run.
    other.request(RUN, b"c\n").expect("it is written");
    tested.queue().forget_runs(&[RUN]);
    assert!(run.list("cluster").expect("a list").is_empty());
}

#[test]
fn an_observer_reads_a_lease_from_the_beginning_each_time() {
    let tested = Tested::new(0);
    let (run, worker, observer) = (tested.queue(), tested.queue(), tested.observer());
    let name = posted(&run, 1);
    assert_eq!(observer.posted_bundle(&name).expect("a bundle").jobs.len(), 1);
    let lease = taken(&worker, &name);
    worker.append(&lease, &line(&Line::Begun(0))).expect("it is held");
    let mut beat = line(&Line::Runs { job: 0, seconds: 1.5 });
    beat.extend(line(&Line::Beat(1)));
    worker.append(&lease, &beat).expect("it is held");
    for _ in 0..2 {
        observer.look_anew().expect("no error");
        assert_eq!(observer.leases().expect("a list"), std::slice::from_ref(&lease));
        let lines = observer.lines(&lease, 0).expect("no error").expect("it is held");
        let lines = String::from_utf8(lines).expect("text");
        assert!(lines.starts_with("{\"begun\":0}\n{\"runs\":"), "{lines}");
        assert!(lines.contains("\"seconds\":1.5"), "{lines}");
    }
    // A run has no use for it, and asks for nothing more than the list.
    let lines = run.lines(&lease, 0).expect("no error").expect("it is held");
    assert_eq!(lines, [line(&Line::Begun(0)), line(&Line::Beat(1))].concat());
    // The orders of two observers do not take each other's place.
    for other in [&observer, &tested.observer()] {
        other.order(&lease, b"{\"skip\":0}\n").expect("it is held");
    }
    let orders = worker.orders(&lease, 0).expect("no error").expect("it is held");
    assert_eq!(orders, b"{\"skip\":0}\n".repeat(2));
    run.revoke(&lease).expect("no error");
    assert!(observer.posted_bundle(&name).expect_err("it is gone").is_gone());
}

#[test]
fn an_observer_finds_which_runs_have_died() {
    let tested = Tested::new(0);
    let mark = br#"{"format":1,"beat":3,"seconds":0.2}"#;
    tested.queue().put(&names::run(RUN), mark).expect("a mark that is not renewed");
    let observer = tested.observer();
    observer.look_anew().expect("no error");
    assert!(!observer.is_running(RUN));
    assert_eq!(observer.runs().expect("a list"), [RUN]);
}

#[test]
fn foreign_and_damaged_objects_are_left_out() {
    let tested = Tested::new(0);
    let (run, worker) = (tested.queue(), tested.queue());
    for name in ["cluster/open/notes/bundle.json", "cluster/leases/a/b", "cluster/workers/x"] {
        run.put(name, b"{").expect("an object");
    }
    assert!(run.posted().expect("a list").is_empty());
    assert!(run.leases().expect("a list").is_empty());
    assert!(run.workers().expect("a list").is_empty());
    let name = posted(&run, 1);
    run.put(&names::bundle(&name), b"{\"for").expect("an object");
    let lease = taken(&worker, &name);
    let error = worker.bundle(&lease).expect_err("it is damaged");
    assert!(error.to_string().contains("bundle.json is damaged"), "{error}");
    let name = WorkerName::new("node");
    let presence = Presence::new(("node", 7), ("train", BUILD), 2);
    worker.announce(&name, &presence).expect("it is written");
    assert_eq!(run.workers().expect("a list"), std::slice::from_ref(&name));
    let other = WorkerName::new("other");
    assert_eq!(run.presences(&[name.clone(), other]), [Some(presence), None]);
    worker.forget(&name);
    assert!(run.workers().expect("a list").is_empty());
}
