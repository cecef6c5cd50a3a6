//! Tasks that write tables, for the tests of all databases: those of `tests/adbc` use this file, too.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use flow::Summary;
use flow::prelude::*;
use flow_targets::sql::{SqlTable, WriteMode};

/// The variable with the folder of the process that [`start_slow_writer`] starts.
pub(crate) const FOLDER: &str = "FLOW_TEST_SQL_FOLDER";

/// The variable that says how long that process waits halfway, in seconds.
const SECONDS: &str = "FLOW_TEST_SQL_SECONDS";

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
pub(crate) struct Price {
    pub(crate) day: String,
    pub(crate) price: f64,
    pub(crate) venue: Option<String>,
}

/// Returns the first `n` prices.
pub(crate) fn prices(n: u32) -> Vec<Price> {
    let price = |i: u32| Price {
        day: format!("day {i}"),
        price: f64::from(i) + 0.5,
        venue: i.is_multiple_of(2).then(|| "Zürich".to_owned()),
    };
    (0..n).map(price).collect()
}

/// Appends its own rows.
#[derive(Task)]
#[task(target = SqlTable<Vec<Price>>(name = "flow_parts", mode = WriteMode::AppendByKey))]
pub(crate) struct Part {
    pub(crate) n: u32,
}

#[tracked]
impl Run for Part {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Price>> {
        Ok(prices(self.n))
    }
}

/// The number of rows of each part.
#[derive(Task)]
#[task(requires = [Part { n } for n in &self.parts], target = Json<Vec<usize>>)]
pub(crate) struct Parts {
    #[param(default = [1, 2, 3])]
    pub(crate) parts: Vec<u32>,
}

#[tracked]
impl Run for Parts {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<usize>> {
        cx.input().iter().map(|part| Ok(part.load()?.len())).collect()
    }
}

/// Rows that take long to compute in the process that is killed.
#[derive(Task)]
#[task(target = SqlTable<BatchStream>(name = "flow_slow"))]
pub(crate) struct Slow;

#[tracked]
impl Run for Slow {
    fn run(&self, _cx: &Cx<Self>) -> Result<BatchStream> {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
        let of = Arc::clone(&schema);
        let batch = move |i: i64| {
            if let (3, Some(folder)) = (i, std::env::var_os(FOLDER)) {
                std::fs::write(PathBuf::from(folder).join("half"), "")?;
                let seconds = std::env::var(SECONDS).ok().and_then(|text| text.parse().ok());
                thread::sleep(Duration::from_secs(seconds.unwrap_or(60)));
            }
            let column = Arc::new(Int64Array::from_iter_values(i * 1000..(i + 1) * 1000));
            Ok(RecordBatch::try_new(Arc::clone(&of), vec![column])?)
        };
        Ok(BatchStream::new(schema, (0..5).map(batch)))
    }
}

/// Starts a process that runs this test, which runs [`Slow`], and waits until it has written half of the table.
///
/// There it waits for some seconds.
pub(crate) fn start_slow_writer(test: &str, folder: &Path, seconds: u32) -> Result<Child> {
    let child = Command::new(std::env::current_exe()?)
        .args(["--exact", test, "--ignored"])
        .env(FOLDER, folder)
        .env(SECONDS, seconds.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let half = folder.join("half");
    let begun = Instant::now();
    while !half.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the process has not begun to write");
        thread::sleep(Duration::from_millis(10));
    }
    std::fs::remove_file(half).unwrap();
    Ok(child)
}

/// Returns the names of the tasks that ran, sorted.
pub(crate) fn ran(summary: &Summary) -> Vec<String> {
    let mut ran: Vec<_> = summary.ran().iter().map(|entry| entry.task().to_owned()).collect();
    ran.sort();
    ran
}

/// Returns an error with its causes.
pub(crate) fn in_full(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}
