//! One list of tasks for all executors: a task leaves the same record whether it runs in a thread or in a child process.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use flow::prelude::*;

use crate::isolation::open;
use crate::support::{files_below, ran};

struct Client(u64);

flow::provider!(Client, || Client(5));

#[derive(Task)]
#[task(target = Json<Vec<f64>>)]
struct Prices {
    #[param(default = 3)]
    days: usize,
    #[param(default = Secret::new("token".to_owned()))]
    token: Secret<String>,
}

runs!(Prices: Vec<f64> = |self, cx| {
    cx.meta("days", self.days)?;
    cx.meta("none", f64::NAN)?;
    Ok((0..self.days).map(|day| 0.1 + day as f64 + self.token.expose().len() as f64).collect())
});

#[derive(Task)]
#[task(requires(prices = Prices, more = [Prices { days } for days in 1..3_usize]), target = Text)]
struct Report;

runs!(Report: String = |self, cx| {
    let days: usize = cx.input().prices.meta("days")?;
    let token = cx.input().more[0].task().token.expose().clone();
    Ok(format!("{days} {} {token} {}", cx.input().more[1].load()?.len(), cx.seed()))
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

#[test]
fn threads_and_children_leave_the_same_records() -> Result<()> {
    let opened = open();
    // Secrets are hashed with a key of the store.
    let (threads, children) = (opened.flow.namespace("threads"), opened.flow.namespace("children"));
    threads.run::<Prices>()?;
    let secret = Path::new(".flow").join("secret");
    fs::create_dir_all(children.folder().join(".flow"))?;
    fs::copy(threads.folder().join(&secret), children.folder().join(&secret))?;

    let expected = ["Fetched", "Prices", "Prices", "Prices", "Report", "Search"];
    let of_threads = ran(&threads.force_all().run::<(Search, Fetched)>()?);
    let of_children = ran(&children.isolate().run::<(Search, Fetched)>()?);
    assert_eq!(
        (&of_threads[..], &of_children[..]),
        (&expected.map(String::from)[..], &expected.map(String::from)[..])
    );
    let (of_threads, of_children) = (records(threads.folder())?, records(children.folder())?);
    assert_eq!(of_threads.len(), expected.len());
    for (key, record) in &of_threads {
        assert_eq!(of_children.get(key), Some(record));
    }
    // Each executor finds the outputs of the other one complete.
    assert!(threads.isolate().is_complete::<(Search, Fetched)>()?);
    assert!(children.is_complete::<(Search, Fetched)>()?);
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
