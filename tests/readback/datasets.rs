//! Datasets that other programs read, and datasets that they have written.

use std::path::Path;
use std::process::Command;

use flow::prelude::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Visit {
    n: i64,
    year: i32,
    city: Option<String>,
}

/// The rows that `dataset.py` expects, too.
fn visits() -> Vec<Visit> {
    let rows = [(1, 2023, Some("Zürich / 1")), (2, 2024, None), (3, 2024, Some("a b=c"))];
    rows.map(|(n, year, city)| Visit { n, year, city: city.map(str::to_owned) }).to_vec()
}

#[derive(Task)]
#[task(target = Dataset<Vec<Visit>>(partition_by = ["year", "city"]))]
struct Visits;

#[tracked]
impl Run for Visits {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Visit>> {
        Ok(visits())
    }
}

#[test]
#[ignore = "it needs a Python with pandas: see the head of tests/readback/main.rs"]
fn python_libraries_read_and_write_datasets() -> Result<()> {
    let python = std::env::var("READBACK_PYTHON").context("READBACK_PYTHON is not set")?;
    let folder = tempfile::tempdir()?;
    let flow = Flow::open(folder.path().join("data"))?.quiet();
    flow.run::<Visits>()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("dataset.py");
    let dataset = flow.output::<Visits>()?.path()?;
    let output = Command::new(python).arg(script).arg(dataset).arg(folder.path()).output()?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    for by in ["pyarrow", "pandas", "duckdb"] {
        let target = <Dataset<Vec<Visit>>>::default();
        let mut read = flow::read(folder.path().join(by), target).context(by)?;
        read.sort_by_key(|visit| visit.n);
        let mut expected = visits();
        // The name that DuckDB gives to null depends on its version, so that it writes none.
        expected.retain(|visit| by != "duckdb" || visit.city.is_some());
        ensure!(read == expected, "{by}: {read:?}");
    }
    Ok(())
}
