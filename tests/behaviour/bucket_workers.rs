//! Workers that have nothing but a bucket in common with the run: what is carried, and what happens when a process, a request
//! or an object is lost.
//!
//! A worker is this test program, which runs the test [`worker`] alone, on a store of its own. The bucket is a folder that
//! both reach by [`Exchange`] alone.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::id;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use flow::File;
use flow::cluster::{JobQueues, JobSelection, PullWorkers, QueueStatus, Worker};
use flow::prelude::*;
use flow::remote::{Remote, RemoteFolder};
use flow::signature::{PublicKey, SigningKey, TrustedKeys};
use rustix::process::{Pid, Signal, kill_process};

use crate::isolation::{Opened, open};
use crate::pull_workers::{PATIENCE, Process, line_with, observed, start_test, wait_for};
use crate::support::{failed, failure, files_below, plan_error, ran};

/// The variable that makes the test [`worker`] a worker on the machine with this folder.
const MACHINE: &str = "FLOW_TEST_BUCKET_MACHINE";

/// The variable that makes the test [`run_that_is_killed`] a run in this folder, and the seed of that run.
const RUN: &str = "FLOW_TEST_BUCKET_RUN";
const SEED: &str = "FLOW_TEST_BUCKET_SEED";

/// The files of a worker that signs: its key, and the keys that it knows.
const KEY: &str = "flow.key";
const TRUSTED: &str = "trusted";

/// How long a lease is in these tests, and how often runs and workers poll. The machine may be busy.
const LEASE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(20);

/// A bucket: a folder, with a log of what is carried, whose requests may fail.
struct Exchange {
    folder: RemoteFolder,
    /// The folder of the test, which has the log, and the files that make requests fail.
    control: PathBuf,
    /// Who sends the requests, for the log.
    who: String,
    requests: AtomicU64,
}

impl Exchange {
    fn new(control: &Path, who: &str) -> Self {
        let folder = RemoteFolder::new(control.join("bucket"));
        let (control, who, requests) = (control.to_owned(), who.to_owned(), AtomicU64::new(0));
        Self { folder, control, who, requests }
    }

    /// Sends a request. Of those that fail, every second one is done, and its answer is lost.
    fn request<T>(
        &self,
        what: &str,
        name: &str,
        send: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        if self.control.join("gone").exists() {
            return Err(ErrorKind::TimedOut.into());
        }
        let every = fs::read_to_string(self.control.join("every")).unwrap_or_default();
        let every: u64 = every.parse().unwrap_or(0);
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let fails = every > 0 && number.is_multiple_of(every);
        if fails && number.is_multiple_of(2 * every) {
            return Err(ErrorKind::TimedOut.into());
        }
        if every > 0 {
            thread::sleep(Duration::from_millis(number % 5));
        }
        if name.starts_with("cluster/blobs/") {
            append(&self.control.join("log"), format_args!("{} {what} {name}", self.who))?;
        }
        let sent = send();
        if fails { Err(ErrorKind::ConnectionReset.into()) } else { sent }
    }
}

impl Remote for Exchange {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.request("list", folder, || self.folder.list(folder))
    }

    fn size(&self, name: &str) -> io::Result<Option<u64>> {
        self.request("size", name, || self.folder.size(name))
    }

    fn get(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        self.request("get", name, || self.folder.get(name))
    }

    fn put(&self, name: &str, content: &mut dyn Read, bytes: u64) -> io::Result<()> {
        self.request("put", name, || self.folder.put(name, content, bytes))
    }

    fn put_new(&self, name: &str, content: &mut dyn Read, bytes: u64) -> io::Result<bool> {
        self.request("put", name, || self.folder.put_new(name, content, bytes))
    }

    fn get_range(&self, name: &str, range: Range<u64>) -> io::Result<Vec<u8>> {
        self.request("range", name, || self.folder.get_range(name, range))
    }

    fn delete(&self, name: &str) -> io::Result<()> {
        self.request("delete", name, || self.folder.delete(name))
    }
}

/// Appends a line to a file.
fn append(path: &Path, line: impl std::fmt::Display) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(format!("{line}\n").as_bytes())
}

/// Is started by [`start_worker`].
#[test]
fn worker() -> Result<()> {
    let Some(machine) = std::env::var_os(MACHINE).map(PathBuf::from) else { return Ok(()) };
    let flow = as_machine(Flow::open(machine.join("data"))?.quiet(), &machine)?;
    let _interrupts = flow::interrupts::install()?;
    let (control, name) = (machine.parent().context("a folder")?, machine.file_name());
    let bucket = Exchange::new(control, &name.context("a name")?.to_string_lossy());
    let worker = Worker::new(&flow).bucket(bucket).poll(POLL).exit_when_idle(PATIENCE);
    worker.on_message(|message| eprintln!("{message}")).run()?;
    Ok(())
}

/// Returns the flow of a worker, which signs if its machine has a key.
fn as_machine(flow: Flow, machine: &Path) -> Result<Flow> {
    if !machine.join(KEY).exists() {
        return Ok(flow);
    }
    let lines = fs::read_to_string(machine.join(TRUSTED))?;
    let trusted: Result<TrustedKeys, _> = lines.lines().map(str::parse::<PublicKey>).collect();
    Ok(flow.sign(SigningKey::read(machine.join(KEY))?).require_signatures(trusted?))
}

/// Starts a worker on a machine of its own.
pub(crate) fn start_worker(opened: &Opened, machine: &str) -> Result<Process> {
    let machine = opened.folder.join(machine);
    fs::create_dir_all(&machine)?;
    let variables = [(MACHINE, machine.as_os_str())];
    start_test(&std::env::current_exe()?, "bucket_workers::worker", &variables)
}

/// Returns the executor of a run whose bucket is in this folder.
pub(crate) fn executor(folder: &Path) -> PullWorkers {
    PullWorkers::new().bucket(Exchange::new(folder, "run")).poll(POLL).lease(LEASE)
}

/// Returns a flow whose tasks are run by workers that have the bucket.
fn exchanging(opened: &Opened) -> Flow {
    opened.flow.workers(8).executor(executor(&opened.folder))
}

/// Returns the same flow with a lease that does not end on a busy machine, for tests that count what is carried.
fn counting(opened: &Opened) -> Flow {
    opened.flow.workers(8).executor(executor(&opened.folder).lease(PATIENCE))
}

/// Returns how often a process has carried each content in one direction.
fn carried(opened: &Opened, who: &str, what: &str) -> BTreeMap<String, usize> {
    let log = fs::read_to_string(opened.folder.join("log")).unwrap_or_default();
    let mut carried = BTreeMap::new();
    let begins = format!("{who} {what} ");
    for name in log.lines().filter_map(|line| line.strip_prefix(&begins)) {
        *carried.entry(name.to_owned()).or_insert(0) += 1;
    }
    carried
}

/// Returns the objects of the queue, without the contents of files and the presence of workers, and without what a worker
/// writes that has not noticed so far that its lease is over: the next run removes it.
fn queued(opened: &Opened) -> Vec<PathBuf> {
    let cluster = opened.folder.join("bucket/cluster");
    let mut files = files_below(&cluster);
    files.retain(|file| {
        let is_late = |part: &str| file.parent().is_some_and(|folder| folder.ends_with(part));
        let is_of = |part: &str| file.starts_with(cluster.join(part));
        !is_of("blobs") && !is_of("workers") && !is_late("messages") && !is_late("beats")
    });
    files
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    group: i32,
    value: i64,
}

#[derive(Task)]
#[task(target = Parquet<Vec<Row>>)]
struct Rows {
    #[param(default = 1)]
    seed: i64,
}

runs!(Rows: Vec<Row> = |self, cx| {
    cx.figure("rows", format!("<svg><!-- {} --></svg>", self.seed))?;
    Ok((0..100).map(|n| Row { group: n % 4, value: i64::from(n) * self.seed }).collect())
});

/// Several outputs.
#[derive(Outputs)]
struct Halves {
    #[output(Json)]
    low: Vec<i64>,
    #[output(Text)]
    note: String,
}

#[derive(Task)]
#[task(requires = Rows, outputs = Halves)]
struct Halved;

runs!(Halved: Halves = |self, cx| {
    let rows = cx.input().load()?;
    let low: Vec<_> = rows.iter().take(50).map(|row| row.value).collect();
    Ok(Halves { note: format!("{} of {}", low.len(), rows.len()), low })
});

/// A folder.
#[derive(Task)]
#[task(requires = Rows, target = Dataset<Vec<Row>>(partition_by = ["group"]))]
struct ByGroup;

runs!(ByGroup: Vec<Row> = |self, cx| Ok(cx.input().load()?.to_vec()));

#[derive(Task)]
#[task(requires = ByGroup, target = Json<i64>)]
struct OfGroup {
    group: i32,
}

runs!(OfGroup: i64 = |self, cx| {
    let rows = cx.input().load()?;
    Ok(rows.iter().filter(|row| row.group == self.group).map(|row| row.value).sum())
});

/// Requires an instance for each partition while it runs.
#[derive(Task)]
#[task(requires = ByGroup, may_require(OfGroup), target = Json<Vec<i64>>)]
struct Groups;

runs!(Groups: Vec<i64> = |self, cx| {
    let partitions = cx.input().partitions()?;
    let groups = partitions.iter().map(|partition| partition.get::<i32>("group"));
    let groups = groups.collect::<Result<Vec<_>>>()?;
    let sums = cx.over(OfGroup::GROUP, groups).require::<OfGroup>()?;
    sums.iter().map(|sum| Ok(*sum.load()?)).collect()
});

/// A file that the task writes itself.
#[derive(Task)]
#[task(requires = Halved, target = File(extension = "txt"))]
struct Written;

runs!(Written: PathBuf = |self, cx| {
    let path = cx.out_path()?;
    fs::write(&path, format!("written: {}", *cx.input().load_one(Halves::NOTE)?))?;
    Ok(path)
});

#[derive(Task)]
#[task(requires(halved = Halved, groups = Groups, written = Written), target = Text)]
struct Report;

runs!(Report: String = |self, cx| {
    let low: i64 = cx.input().halved.load_one(Halves::LOW)?.iter().sum();
    let written = fs::read_to_string(&*cx.input().written.load()?)?;
    Ok(format!("{low} {:?} {written}", cx.input().groups.load()?.to_vec()))
});

/// Returns what [`Report`] gives.
fn expected(seed: i64) -> String {
    let of_group = |group: i64| (0..25).map(|n| (4 * n + group) * seed).sum::<i64>();
    let groups: Vec<_> = (0..4).map(of_group).collect();
    format!("{} {groups:?} written: 50 of 100", (0..50).sum::<i64>() * seed)
}

/// Checks everything that a run has left behind.
fn assert_reported(opened: &Opened, flow: &Flow, seed: i64) -> Result<()> {
    assert_eq!(*flow.load::<Report>()?, expected(seed));
    let complete = opened.flow.with(Rows::SEED, seed);
    assert!(complete.is_complete::<Report>()? && opened.flow.store().verify()?.is_whole());
    Ok(())
}

#[test]
fn two_machines_that_have_only_a_bucket_in_common_compute_a_flow() -> Result<()> {
    let opened = open();
    let _workers = [start_worker(&opened, "one")?, start_worker(&opened, "two")?];
    let flow = counting(&opened);
    let summary = flow.run::<Report>()?;
    assert_eq!(ran(&summary).len(), 10);
    assert_reported(&opened, &flow, 1)?;
    assert_eq!(queued(&opened), Vec::<PathBuf>::new());
    let incoming = opened.flow.folder().join(".flow/incoming");
    assert_eq!(files_below(&incoming), Vec::<PathBuf>::new());
    let figures = flow.graph::<Report>().output::<Rows>()?.figures()?;
    assert_eq!(figures[0].read()?, b"<svg><!-- 1 --></svg>");
    for machine in ["one", "two"] {
        // Nothing is committed there, and no content fetched twice.
        let files = files_below(&opened.folder.join(machine));
        assert!(files.iter().all(|file| !file.ends_with("record.json")), "{files:?}");
        let fetched = carried(&opened, machine, "get");
        assert!(fetched.values().all(|times| *times == 1), "{machine}: {fetched:?}");
    }
    let fetched = carried(&opened, "run", "get");
    assert!(fetched.len() > 8 && fetched.values().all(|times| *times == 1), "{fetched:?}");
    // A worker has put whatever is an input of another task.
    assert_eq!(carried(&opened, "run", "put"), BTreeMap::new());
    // Another task with the same inputs carries its output alone.
    let before = [carried(&opened, "one", "get"), carried(&opened, "two", "get")];
    flow.with(OfGroup::GROUP, 7).run::<OfGroup>()?;
    let after = [carried(&opened, "one", "get"), carried(&opened, "two", "get")];
    let fetched: usize = after.iter().flat_map(BTreeMap::values).sum::<usize>()
        - before.iter().flat_map(BTreeMap::values).sum::<usize>();
    // Neither of the machines has all partitions, maybe, and none fetches one again.
    assert!(fetched <= 4 && after.iter().flat_map(BTreeMap::values).all(|times| *times == 1));
    Ok(())
}

#[test]
fn what_a_worker_has_signed_on_another_machine_is_committed_with_its_signature() -> Result<()> {
    let opened = open();
    let (own, of_worker) = (SigningKey::generate()?, SigningKey::generate()?);
    let (both, name) = ([own.public_key(), of_worker.public_key()], of_worker.public_key());
    let machine = opened.folder.join("one");
    fs::create_dir_all(&machine)?;
    of_worker.write(machine.join(KEY))?;
    fs::write(machine.join(TRUSTED), both.map(|key| key.to_string()).join("\n"))?;
    let _worker = start_worker(&opened, "one")?;
    let strict = opened.flow.sign(own).require_signatures(TrustedKeys::from_iter(both));
    let flow = strict.workers(8).executor(executor(&opened.folder).lease(PATIENCE));
    // Parts, partitions, a file, a figure and what is required while a task runs.
    assert_eq!(ran(&flow.run::<Report>()?).len(), 10);
    assert_eq!(*flow.load::<Report>()?, expected(1));
    let verified = strict.store().verify()?;
    assert!(verified.is_whole());
    let text = verified.to_string();
    assert!(text.contains(&format!("10 outputs are signed by {name}")), "{text}");
    Ok(())
}

#[test]
fn a_worker_on_another_machine_that_cannot_sign_leaves_the_jobs_to_one_that_can() -> Result<()> {
    let opened = open();
    let _refusing = start_worker(&opened, "one")?;
    let (own, of_worker) = (SigningKey::generate()?, SigningKey::generate()?);
    let (both, name) = ([own.public_key(), of_worker.public_key()], of_worker.public_key());
    let strict = opened.flow.sign(own).require_signatures(TrustedKeys::from_iter(both));
    let pulling = strict.workers(8).executor(executor(&opened.folder).lease(PATIENCE));
    let (flow, lines) = observed(&pulling);
    let run = thread::spawn(move || flow.run::<Rows>());
    let line = line_with(&lines, "refuses the jobs of this run")?;
    assert!(line.contains("it has no key to sign with, and no trusted keys"), "{line}");
    let machine = opened.folder.join("two");
    fs::create_dir_all(&machine)?;
    of_worker.write(machine.join(KEY))?;
    fs::write(machine.join(TRUSTED), both.map(|key| key.to_string()).join("\n"))?;
    let _signing = start_worker(&opened, "two")?;
    assert_eq!(ran(&run.join().expect("no panic")?), ["Rows"]);
    let verified = strict.store().verify()?.to_string();
    assert!(verified.contains(&format!("1 output is signed by {name}")), "{verified}");
    // It has neither fetched inputs nor computed anything.
    assert!(carried(&opened, "one", "put").is_empty() && carried(&opened, "one", "get").is_empty());
    Ok(())
}

#[test]
fn an_input_of_several_jobs_is_put_once() -> Result<()> {
    let opened = open();
    // The run computes the input, so the bucket lacks it.
    opened.flow.run::<ByGroup>()?;
    let _workers = [start_worker(&opened, "one")?, start_worker(&opened, "two")?];
    let flow = counting(&opened);
    let sums = flow.sweep::<OfGroup>().over(OfGroup::GROUP, 0..6_i32);
    assert_eq!(sums.run()?.ran().len(), 6);
    let put = carried(&opened, "run", "put");
    assert!(put.len() >= 4 && put.values().all(|times| *times == 1), "{put:?}");
    Ok(())
}

#[test]
fn contents_that_no_run_uses_are_removed_at_the_end() -> Result<()> {
    let opened = open();
    let _worker = start_worker(&opened, "one")?;
    let blobs = || files_below(&opened.folder.join("bucket/cluster/blobs")).len();
    exchanging(&opened).run::<Rows>()?;
    assert_eq!(blobs(), 2);
    let flow = opened.flow.workers(4);
    let flow = flow.executor(executor(&opened.folder).keep_inputs(Duration::ZERO));
    flow.with(Rows::SEED, 2).run::<Rows>()?;
    assert_eq!(blobs(), 0);
    Ok(())
}

#[test]
fn a_bucket_that_fails_is_slow_and_is_gone_for_a_while_delays_a_run() -> Result<()> {
    let opened = open();
    fs::create_dir_all(&opened.folder)?;
    fs::write(opened.folder.join("every"), "7")?;
    let _workers = [start_worker(&opened, "one")?, start_worker(&opened, "two")?];
    let flow = exchanging(&opened);
    let running = flow.clone();
    let run = thread::spawn(move || running.run::<Report>());
    let has_begun = || (!carried(&opened, "run", "get").is_empty()).then_some(());
    wait_for("the first output", has_begun)?;
    fs::write(opened.folder.join("gone"), "")?;
    thread::sleep(Duration::from_secs(1));
    fs::remove_file(opened.folder.join("gone"))?;
    run.join().expect("no panic")?;
    fs::remove_file(opened.folder.join("every"))?;
    assert_eq!(*flow.load::<Report>()?, expected(1));
    assert!(opened.flow.store().verify()?.is_whole());
    Ok(())
}

#[test]
fn a_content_that_is_damaged_in_the_bucket_is_noticed_and_put_again() -> Result<()> {
    let opened = open();
    opened.flow.run::<Rows>()?;
    let (flow, lines) = observed(&exchanging(&opened));
    let running = flow.clone();
    let run = thread::spawn(move || running.run::<Halved>());
    let blobs = opened.folder.join("bucket/cluster/blobs");
    let posted = opened.folder.join("bucket/cluster/open");
    wait_for("the job", || files_below(&posted).into_iter().next())?;
    for blob in files_below(&blobs) {
        let mut content = fs::read(&blob)?;
        let middle = content.len() / 2;
        content[middle] ^= 1;
        fs::write(&blob, content)?;
    }
    let _worker = start_worker(&opened, "one")?;
    let summary = run.join().expect("no panic")?;
    assert_eq!(ran(&summary), ["Halved"]);
    assert_eq!(*flow.output::<Halved>()?.load_one(Halves::NOTE)?, "50 of 100");
    let lines = lines.lock().expect("no panic");
    let line = lines.iter().find(|line| line.contains("it was lost")).context("a loss")?;
    assert!(line.contains("has other content than its digest says"), "{line}");
    Ok(())
}

#[derive(Task)]
#[task(external, path = self.folder.join("rows.json"), target = Json<Vec<i64>>)]
struct Outside {
    folder: PathBuf,
}

#[derive(Task)]
#[task(requires = Outside, target = Json<i64>)]
struct FromOutside;

runs!(FromOutside: i64 = |self, cx| Ok(cx.input().load()?.iter().sum()));

#[derive(Task)]
#[task(target = Json<usize>)]
struct Measured {
    #[param(file)]
    file: PathBuf,
}

runs!(Measured: usize = |self, _cx| Ok(fs::read(&self.file)?.len()));

/// Reads a variable.
#[derive(Task)]
#[task(target = Json<bool>)]
struct Environed;

runs!(Environed: bool = |self, cx| Ok(cx.env("PATH")?.is_some()));

#[test]
fn a_variable_that_cannot_be_compared_is_an_error_that_names_the_fix() -> Result<()> {
    let opened = open();
    let _worker = start_worker(&opened, "machine")?;
    let flow = exchanging(&opened);
    let summary = failure(flow.run::<Environed>());
    let error = summary.failed()[0].error.clone().context("an error")?;
    assert!(error.contains("the variable \"PATH\" cannot be compared"), "{error}");
    assert!(error.contains("give its value as a parameter"), "{error}");
    flow.in_process::<Environed>().run::<Environed>()?;
    Ok(())
}

#[test]
fn files_outside_the_store_are_an_error_of_the_plan_that_names_the_fix() -> Result<()> {
    let opened = open();
    fs::create_dir_all(&opened.folder)?;
    let file = opened.folder.join("rows.json");
    fs::write(&file, "[1,2]")?;
    let flow = exchanging(&opened).with(Outside::FOLDER, &*opened.folder);
    let error = plan_error::<FromOutside>(&flow);
    assert!(error.contains("its input `Outside` is the file "), "{error}");
    assert!(error.contains(&file.display().to_string()), "{error}");
    assert!(error.contains("`flow.in_process::<FromOutside>()`"), "{error}");
    let error = plan_error::<Measured>(&flow.with(Measured::FILE, &*file));
    assert!(error.contains("its parameter `file` is the file "), "{error}");
    // Workers that share the folder of the store may have the file, too.
    let shared = flow.executor(crate::pull_workers::pull());
    let _ = shared.preview::<FromOutside>()?;
    let here = flow.in_process::<FromOutside>().in_process::<Measured>();
    let here = here.with(Measured::FILE, &*file);
    here.run::<(FromOutside, Measured)>()?;
    assert_eq!((*here.load::<FromOutside>()?, *here.load::<Measured>()?), (3, 5));
    Ok(())
}

/// Writes that it begins, and waits until the file `open` is there. Returns its process.
#[derive(Task)]
#[task(requires = Rows, target = Json<u32>)]
struct Gated {
    folder: PathBuf,
}

runs!(Gated: u32 = |self, cx| {
    append(&self.folder.join("begun"), id())?;
    let begun = Instant::now();
    while !self.folder.join("open").exists() {
        cx.checkpoint()?;
        ensure!(begun.elapsed() < PATIENCE, "the gate stays closed");
        thread::sleep(Duration::from_millis(10));
    }
    ensure!(cx.input().load()?.len() == 100, "another input");
    append(&self.folder.join("ended"), id())?;
    Ok(id())
});

fn lines_of(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn wait_for_lines(path: &Path, count: usize) -> Result<()> {
    let what = format!("{count} lines of {}", path.display());
    wait_for(&what, || (lines_of(path).len() >= count).then_some(()))
}

/// Is started by the tests below, and killed.
#[test]
fn run_that_is_killed() -> Result<()> {
    let Some(folder) = std::env::var_os(RUN).map(PathBuf::from) else { return Ok(()) };
    let flow = Flow::open(folder.join("data"))?.quiet().workers(8).executor(executor(&folder));
    match std::env::var(SEED) {
        Ok(seed) => flow.with(Rows::SEED, seed.parse::<i64>()?).run::<Report>()?,
        Err(_) => flow.with(Gated::FOLDER, &*folder).run::<Gated>()?,
    };
    Ok(())
}

fn start_run(opened: &Opened, seed: Option<i64>) -> Result<Process> {
    let seed = seed.map(|seed| seed.to_string());
    let mut variables = vec![(RUN, opened.folder.as_os_str())];
    variables.extend(seed.iter().map(|seed| (SEED, OsStr::new(seed))));
    start_test(&std::env::current_exe()?, "bucket_workers::run_that_is_killed", &variables)
}

#[test]
fn a_job_that_ends_while_its_run_is_dead_is_adopted_by_the_next_run() -> Result<()> {
    let opened = open();
    let _worker = start_worker(&opened, "one")?;
    let run = start_run(&opened, None)?;
    wait_for_lines(&opened.folder.join("begun"), 1)?;
    drop(run);
    fs::write(opened.folder.join("open"), "")?;
    wait_for_lines(&opened.folder.join("ended"), 1)?;
    let (flow, lines) = observed(&exchanging(&opened).with(Gated::FOLDER, &*opened.folder));
    assert_eq!(ran(&flow.run::<Gated>()?), ["Gated"]);
    // It says what it waits for, before it does.
    let lines = lines.lock().expect("no panic");
    let check = " waits for the check whether another run is in progress: up to ";
    let says = lines.iter().position(|line| line.contains(check)).context("it says so")?;
    assert!(lines[says].ends_with(" s") && says < 3, "{lines:?}");
    let begun = lines_of(&opened.folder.join("begun"));
    assert_eq!(begun.len(), 1, "it runs once");
    assert_eq!(flow.load::<Gated>()?.to_string(), begun[0]);
    assert_eq!(queued(&opened), Vec::<PathBuf>::new());
    Ok(())
}

/// Returns the queue as a process sees it that has the bucket, and neither a run nor a worker.
fn observed_queue(opened: &Opened) -> JobQueues {
    let bucket = Exchange::new(&opened.folder, "observer");
    JobQueues::in_bucket(&opened.flow, bucket).listen(Duration::ZERO)
}

#[test]
fn a_job_in_a_bucket_is_listed_and_cancelled() -> Result<()> {
    let opened = open();
    let worker = start_worker(&opened, "one")?;
    let running = exchanging(&opened).with(Gated::FOLDER, &*opened.folder);
    let run = thread::spawn(move || running.run::<Gated>());
    wait_for_lines(&opened.folder.join("begun"), 1)?;
    let queues = observed_queue(&opened);
    // The worker writes for how long the job has run. Each look reads the lease from the beginning.
    let status = || queues.status(&JobSelection::all()).ok();
    let has_duration = |all: &QueueStatus| all.jobs.iter().any(|job| job.seconds.is_some());
    let listed = wait_for("a duration", || status().filter(has_duration))?;
    let [job] = listed.jobs.as_slice() else { bail!("{listed:?}") };
    assert_eq!((job.task.as_str(), listed.counts.running), ("Gated", 1));
    let shown = job.worker.clone().context("a worker")?;
    assert!(shown.ends_with(&format!(" (process {})", worker.0.id())), "{shown}");
    assert!(listed.runs.len() == 1 && listed.runs[0].is_running, "{:?}", listed.runs);
    let heard = observed_queue(&opened).listen(PATIENCE).status(&JobSelection::all())?.workers;
    assert_eq!((heard.len(), heard[0].process, heard[0].is_alive), (1, worker.0.id(), Some(true)));
    let asked = queues.cancel(&JobSelection::default().and_key(&job.key)?)?;
    assert_eq!((asked.runs, asked.asked, asked.ended), (1, 1, 0));
    let summary = failure(run.join().expect("no panic"));
    assert_eq!(failed(&summary), ["Gated"]);
    let error = summary.failed()[0].error.clone().context("an error")?;
    assert!(error.starts_with("it was cancelled: by request of "), "{error}");
    assert_eq!(lines_of(&opened.folder.join("ended")), Vec::<String>::new());
    assert_eq!(queued(&opened), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn a_bundle_whose_worker_died_while_it_took_it_is_given_to_another_one() -> Result<()> {
    let opened = open();
    let (flow, lines) = observed(&exchanging(&opened).with(Gated::FOLDER, &*opened.folder));
    fs::write(opened.folder.join("open"), "")?;
    let run = thread::spawn(move || flow.run::<Gated>());
    let open = opened.folder.join("bucket/cluster/open");
    let bundle = wait_for("a bundle is posted", || {
        let bundles = fs::read_dir(&open).ok()?.flatten();
        bundles.map(|bundle| bundle.path()).find(|bundle| bundle.join("bundle.json").exists())
    })?;
    // It has died before it has written that it holds the lease.
    fs::write(bundle.join("taken"), "node-1-00")?;
    line_with(&lines, "another worker: the worker that has taken it was not heard of since")?;
    let _worker = start_worker(&opened, "one")?;
    assert_eq!(ran(&run.join().expect("no panic")?), ["Gated", "Rows"]);
    assert_eq!(lines_of(&opened.folder.join("begun")).len(), 1);
    assert_eq!(queued(&opened), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn what_a_killed_run_has_left_in_a_bucket_is_cancelled() -> Result<()> {
    let opened = open();
    let _worker = start_worker(&opened, "one")?;
    let run = start_run(&opened, None)?;
    wait_for_lines(&opened.folder.join("begun"), 1)?;
    drop(run);
    let waits = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&waits);
    let queues = observed_queue(&opened);
    let queues = queues.on_wait(move |most| told.lock().expect("no panic").push(most));
    let left = queues.status(&JobSelection::all())?;
    let most = waits.lock().expect("no panic").clone();
    assert!(matches!(most.as_slice(), [most] if !most.is_zero()), "{most:?}");
    assert!(left.counts.running == 1 && !left.runs[0].is_running, "{left:?}");
    let summary = queues.cancel(&JobSelection::all())?;
    assert_eq!((summary.runs, summary.asked, summary.ended, summary.others), (0, 0, 1, 0));
    assert_eq!(queues.status(&JobSelection::all())?.counts.all(), 0);
    // Nothing of it is adopted, and the job runs once more.
    fs::write(opened.folder.join("open"), "")?;
    let flow = exchanging(&opened).with(Gated::FOLDER, &*opened.folder);
    assert_eq!(ran(&flow.run::<Gated>()?), ["Gated"]);
    assert_eq!(lines_of(&opened.folder.join("begun")).len(), 2);
    assert_eq!(queued(&opened), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn the_late_result_of_a_worker_that_was_given_up_is_not_committed() -> Result<()> {
    let opened = open();
    let first = start_worker(&opened, "one")?;
    let flow = exchanging(&opened).with(Gated::FOLDER, &*opened.folder);
    let running = flow.clone();
    let run = thread::spawn(move || running.run::<Gated>());
    wait_for_lines(&opened.folder.join("begun"), 1)?;
    // The worker is suspended, and its child process goes on.
    kill_process(Pid::from_child(&first.0), Signal::STOP)?;
    let second = start_worker(&opened, "two")?;
    wait_for_lines(&opened.folder.join("begun"), 2)?;
    fs::write(opened.folder.join("open"), "")?;
    run.join().expect("no panic")?;
    kill_process(Pid::from_child(&first.0), Signal::CONT)?;
    let begun = lines_of(&opened.folder.join("begun"));
    assert_eq!(flow.load::<Gated>()?.to_string(), begun[1]);
    // The worker finds that its lease is gone, and takes other work.
    drop(second);
    thread::sleep(Duration::from_millis(500));
    flow.with(Rows::SEED, 5).run::<Halved>()?;
    assert_eq!(flow.load::<Gated>()?.to_string(), begun[1]);
    assert!(opened.flow.store().verify()?.is_whole());
    assert_eq!(queued(&opened), Vec::<PathBuf>::new());
    Ok(())
}

#[test]
fn hostile_objects_are_ignored_or_cost_a_lease() -> Result<()> {
    let opened = open();
    let cluster = opened.folder.join("bucket/cluster");
    let lease = "0123456789abcdef0123456789abcdef-fedcba9876543210-00000000.node-1-aa";
    let bundle = lease.split('.').next().context("a name")?;
    for (name, content) in [
        ("open/notes/bundle.json".to_owned(), "{"),
        (format!("open/{bundle}/bundle.json"), "{\"format\":9}"),
        ("runs/x.json".to_owned(), "{"),
        ("workers/a.json".to_owned(), "[[[["),
        (format!("leases/fedcba9876543210/{lease}/orders/held"), ""),
        (format!("leases/fedcba9876543210/{lease}/messages/0000000000"), "{\"begun\":7}\n"),
        (format!("leases/fedcba9876543210/{lease}/messages/18446744073709551615"), "x"),
        ("blobs/notes".to_owned(), "no digest"),
    ] {
        let path = cluster.join(name);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        fs::write(path, content)?;
    }
    let _worker = start_worker(&opened, "one")?;
    let flow = exchanging(&opened);
    flow.run::<Report>()?;
    assert_eq!(*flow.load::<Report>()?, expected(1));
    // What belongs to a run that does not exist was removed.
    let left = queued(&opened);
    assert!(left.iter().all(|file| !file.to_string_lossy().contains("fedcba98")), "{left:?}");
    Ok(())
}

#[test]
fn runs_and_workers_that_are_killed_at_random_leave_every_output_right() -> Result<()> {
    let rounds = if std::env::var_os("FLOW_TEST_ALL").is_some() { 50 } else { 3 };
    let opened = open();
    fs::create_dir_all(&opened.folder)?;
    let mut random = std::env::var("FLOW_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut dice = move |sides: u64| {
        let last: u64 = random.unwrap_or(1);
        let next =
            last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random = Some(next);
        (next >> 33) % sides
    };
    let machines = ["one", "two"];
    let mut workers = machines
        .iter()
        .map(|machine| start_worker(&opened, machine))
        .collect::<Result<Vec<_>>>()?;
    for seed in 1..=rounds {
        let mut run = start_run(&opened, Some(seed))?;
        let begun = Instant::now();
        let mut kills = 0;
        loop {
            thread::sleep(Duration::from_millis(50 + dice(500)));
            if let Some(status) = run.0.try_wait()? {
                ensure!(status.success(), "round {seed}: {status}");
                break;
            }
            ensure!(begun.elapsed() < 3 * PATIENCE, "round {seed} takes too long");
            if kills == 4 {
                continue;
            }
            kills += 1;
            match dice(3) as usize {
                2 => {
                    drop(run);
                    run = start_run(&opened, Some(seed))?;
                }
                worker => workers[worker] = start_worker(&opened, machines[worker])?,
            }
        }
        assert_reported(&opened, &opened.flow.with(Rows::SEED, seed), seed)?;
    }
    Ok(())
}

#[test]
fn a_worker_is_named_with_its_job() -> Result<()> {
    let opened = open();
    let worker = start_worker(&opened, "one")?;
    let (flow, lines) = observed(&exchanging(&opened));
    flow.run::<Rows>()?;
    let shown = format!("(process {})", worker.0.id());
    let lines = lines.lock().expect("no panic");
    assert!(lines.iter().any(|line| line.contains(&shown)), "{lines:?}");
    Ok(())
}
