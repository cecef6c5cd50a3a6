//! One list of tasks for all executors: a task leaves the same record whether it runs in a thread, in a child process, or by
//! a worker that takes it from a queue in the folder of the store or in a bucket.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use flow::prelude::*;

use crate::bucket_workers;
use crate::isolation::{Opened, open};
use crate::pull_workers::{Process, pull, start_worker};
use crate::support::{failed, files_below, ran};

struct Client(u64);

flow::provider!(Client, || Client(5));

#[derive(Task)]
#[task(target = Json<Vec<f64>>)]
struct Prices {
    #[param(default = 3)]
    days: usize,
}

runs!(Prices: Vec<f64> = |self, cx| {
    cx.meta("days", self.days)?;
    cx.meta("none", f64::NAN)?;
    cx.log("days");
    Ok((0..self.days).map(|day| 0.1 + day as f64).collect())
});

/// Has a secret, which a job that is a file must not have.
#[derive(Task)]
#[task(target = Json<usize>)]
struct Login {
    #[param(default = Secret::new("token".to_owned()))]
    token: Secret<String>,
}

runs!(Login: usize = |self, _cx| Ok(self.token.expose().len()));

#[derive(Task)]
#[task(requires = Login, target = Text)]
struct Session;

runs!(Session: String = |self, cx| Ok(cx.input().task().token.expose().clone()));

#[derive(Task)]
#[task(requires(prices = Prices, more = [Prices { days } for days in 1..3_usize]), target = Text)]
struct Report;

runs!(Report: String = |self, cx| {
    let days: usize = cx.input().prices.meta("days")?;
    let first = cx.input().more[0].task().days;
    Ok(format!("{days} {} {first} {}", cx.input().more[1].load()?.len(), cx.seed()))
});

#[derive(Task)]
#[task(requires = Report, target = Json<f64>)]
struct Search {
    #[param(default = 2)]
    most: usize,
}

runs!(Search: f64 = |self, cx| {
    let mut sum = 0.0;
    for days in 1..=self.most {
        let prices = cx.with(Prices::DAYS, days).require::<Prices>()?;
        sum += prices.load()?.iter().sum::<f64>() + prices.meta::<f64>("days")?;
    }
    Ok(sum + cx.env("FLOW_TEST_UNSET")?.map_or(0.5, |_| 0.0))
});

#[derive(Task)]
#[task(target = Json<u64>, uses(Client))]
struct Fetched;

runs!(Fetched: u64 = |self, cx| Ok(cx.provided::<Client>().0 + cx.files(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/*.rs"))?.len() as u64));

#[derive(Task)]
#[task(target = Memory<u64>)]
struct InMemory;

runs!(InMemory: u64 = |self, _cx| Ok(3));

#[derive(Task)]
#[task(requires = InMemory, target = Json<u64>)]
struct AfterMemory;

runs!(AfterMemory: u64 = |self, cx| Ok(*cx.input().load()?));

/// Returns the records of a store by key, without what differs between two runs.
fn records(store: &Path) -> Result<BTreeMap<String, serde_json::Value>> {
    let mut records = BTreeMap::new();
    for path in files_below(store).iter().filter(|path| path.ends_with("record.json")) {
        let mut record: serde_json::Value = serde_json::from_slice(&fs::read(path)?)?;
        let fields = record.as_object_mut().context("an object")?;
        for field in ["started", "seconds", "host"] {
            fields.remove(field);
        }
        let files = fields["output"].get_mut("files").and_then(serde_json::Value::as_array_mut);
        for file in files.into_iter().flatten() {
            let file = file.as_object_mut().context("a file")?;
            file.remove("modified");
            // The end of the name is random.
            file.remove("file");
        }
        records.insert(fields["key"].to_string(), record);
    }
    Ok(records)
}

/// Fails, with metadata and a log.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Fails;

runs!(Fails: u64 = |self, cx| {
    cx.meta("tried", 1)?;
    cx.log("no luck today");
    Err(anyhow!("no luck")).context("it is Friday")
});

/// Panics.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Panics;

runs!(Panics: u64 = |self, _cx| panic!("index 7"));

/// The namespaces of the executors.
const STORES: [&str; 4] = ["threads", "children", "pulled", "exchanged"];

/// Returns the flows of all executors, each on a store of its own, and the workers of two of them.
fn executors(opened: &Opened) -> Result<(Vec<Flow>, [Process; 2])> {
    let [threads, children, pulled, exchanged] = STORES.map(|name| opened.flow.namespace(name));
    threads.run::<Login>()?;
    // Secrets are hashed with a key of the store.
    let secret = Path::new(".flow").join("secret");
    for other in [&children, &pulled, &exchanged] {
        fs::create_dir_all(other.folder().join(".flow"))?;
        fs::copy(threads.folder().join(&secret), other.folder().join(&secret))?;
    }
    let workers =
        [start_worker(pulled.folder())?, bucket_workers::start_worker(opened, "machine")?];
    let pulled = pulled.executor(pull()).in_process::<Login>().in_process::<Session>();
    let exchanged = exchanged.executor(bucket_workers::executor(&opened.folder));
    let exchanged = exchanged.in_process::<Login>().in_process::<Session>();
    Ok((vec![threads.force_all(), children.isolate(), pulled, exchanged], workers))
}

#[test]
fn all_executors_leave_the_same_records() -> Result<()> {
    let opened = open();
    let (flows, _workers) = executors(&opened)?;
    let expected =
        ["Fetched", "Login", "Prices", "Prices", "Prices", "Report", "Search", "Session"];
    let mut of_threads = BTreeMap::new();
    for flow in &flows {
        assert_eq!(ran(&flow.run::<(Search, Fetched, Session)>()?), expected);
        let records = records(flow.folder())?;
        assert_eq!(records.len(), expected.len());
        if of_threads.is_empty() {
            of_threads = records;
            continue;
        }
        for (key, record) in &of_threads {
            assert_eq!(records.get(key), Some(record), "{}", flow.folder().display());
        }
    }
    // Each executor finds the outputs of the other ones complete.
    for name in STORES {
        let flow = opened.flow.namespace(name);
        assert!(flow.isolate().is_complete::<(Search, Fetched)>()?);
        assert!(flow.executor(pull()).is_complete::<(Search, Fetched)>()?);
        assert!(flow.is_complete::<(Search, Fetched, Session)>()?);
    }
    Ok(())
}

#[test]
fn all_executors_report_failures_in_the_same_words() -> Result<()> {
    let opened = open();
    let (flows, _workers) = executors(&opened)?;
    for flow in flows {
        let summary = flow.allow_failures().run::<(Fails, Panics)>()?;
        assert_eq!(failed(&summary), ["Fails", "Panics"]);
        let errors: Vec<_> = summary.failed().into_iter().filter_map(|entry| entry.error).collect();
        assert!(errors.contains(&"it is Friday: no luck".to_owned()), "{errors:?}");
        let place = "it panicked at tests/behaviour/executors.rs:";
        let panicked = errors.iter().find(|error| error.contains(place)).context("a panic")?;
        assert!(panicked.ends_with(": index 7"), "{panicked}");
        let log = flow.log::<Fails>()?.context("a log")?;
        assert!(log.text().ends_with(" no luck today\n"), "{}", log.text());
    }
    Ok(())
}

#[test]
fn values_in_memory_stay_in_threads() -> Result<()> {
    let opened = open();
    assert_eq!(ran(&opened.flow.run::<AfterMemory>()?), ["AfterMemory", "InMemory"]);
    assert!(
        opened
            .flow
            .isolate()
            .with(Search::MOST, 1)
            .run::<InMemory>()
            .is_ok_and(|s| ran(&s).is_empty())
    );
    Ok(())
}
