//! The records that executors leave, and which of them count as complete for the others.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use flow::prelude::*;

use super::{EXECUTORS, Place, each};
use crate::support::{files_below, ran};

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

/// Returns the records of a store by key, without what differs between two runs.
pub(super) fn records(store: &Path) -> Result<BTreeMap<String, serde_json::Value>> {
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
fn all_executors_leave_the_same_records() -> Result<()> {
    each(|tested| {
        let expected =
            ["Fetched", "Login", "Prices", "Prices", "Prices", "Report", "Search", "Session"];
        tested.reference.run::<(Search, Fetched, Session)>()?;
        let of_threads = records(tested.reference.folder())?;
        // Secrets are hashed with a key of the store.
        let secret = Path::new(".flow").join("secret");
        fs::create_dir_all(tested.flow.folder().join(".flow"))?;
        fs::copy(tested.reference.folder().join(&secret), tested.flow.folder().join(&secret))?;
        let flow = match tested.executor.place {
            Place::Elsewhere | Place::Apart => {
                tested.flow.in_process::<Login>().in_process::<Session>()
            }
            Place::Thread | Place::Child => tested.flow.clone(),
        };
        assert_eq!(ran(&flow.run::<(Search, Fetched, Session)>()?), expected);
        let records = records(flow.folder())?;
        assert_eq!(records.len(), expected.len());
        for (key, record) in &of_threads {
            assert_eq!(records.get(key), Some(record));
        }
        // The other executors find the outputs complete.
        for other in EXECUTORS.iter().filter(|other| other.is_default) {
            let flow = (other.set)(&tested.in_threads, &tested.shared);
            assert!(flow.is_complete::<(Search, Fetched)>()?, "{}", other.name);
        }
        assert!(tested.in_threads.is_complete::<(Search, Fetched, Session)>()?);
        assert!(flow.store().verify()?.is_whole());
        Ok(())
    })
}
