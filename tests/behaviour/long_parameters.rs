//! A long parameter is recorded in full by its own task, and shortened in the records of downstream tasks.

use std::fs;

use flow::prelude::*;

use crate::support::{flow, one_file, preview, ran};

#[derive(Task)]
#[task(target = Json<f64>)]
struct Total {
    numbers: Vec<f64>,
}

#[tracked]
impl Run for Total {
    fn run(&self, _cx: &Cx<Self>) -> Result<f64> {
        Ok(self.numbers.iter().sum())
    }
}

#[derive(Task)]
#[task(requires = Total, target = Json<f64>)]
struct Half;

#[tracked]
impl Run for Half {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        Ok(*cx.input().load()? / 2.0)
    }
}

#[derive(Task)]
#[task(requires = Half, target = Json<f64>)]
struct Quarter;

#[tracked]
impl Run for Quarter {
    fn run(&self, cx: &Cx<Self>) -> Result<f64> {
        Ok(*cx.input().load()? / 2.0)
    }
}

fn numbers(count: u32) -> Vec<f64> {
    (0..count).map(f64::from).collect()
}

/// Reads the record of the only instance of a task.
fn record(flow: &Flow, task: &str) -> Result<String> {
    Ok(fs::read_to_string(one_file(&flow.folder().join(task), "record.json", ""))?)
}

#[test]
fn a_long_value_is_recorded_once_and_shortened_downstream() -> Result<()> {
    let (flow, folder) = flow();
    let flow = flow.with(Total::NUMBERS, numbers(10_000));
    flow.run::<Quarter>()?;
    let own: serde_json::Value = serde_json::from_str(&record(&flow, "Total")?)?;
    assert_eq!(own["parameters"]["numbers"].as_array().map(Vec::len), Some(10_000));
    for task in ["Half", "Quarter"] {
        let record = record(&flow, task)?;
        assert!(record.len() < 3_000, "{task}: {} bytes", record.len());
        let record: serde_json::Value = serde_json::from_str(&record)?;
        let shown = record["parameters"]["Total.numbers"].as_str().context("a text")?.to_owned();
        assert!(shown.starts_with("[0.0, 1.0, ") && shown.contains("9999.0] #"), "{shown}");
    }

    // Everything that reads records works with the shortened value.
    let again = Flow::open(flow.folder())?.quiet().with(Total::NUMBERS, numbers(10_000));
    assert!(ran(&again.run::<Quarter>()?).is_empty());
    assert_eq!(*again.load::<Quarter>()?, 49_995_000.0 / 4.0);
    assert!(preview::<Quarter>(&again).lines().all(|line| line.len() < 200));
    assert!(again.store().verify()?.is_whole());
    assert!(again.why::<Quarter>()?.to_string().len() < 1_000);
    let more = again.with(Total::NUMBERS, numbers(10_001));
    more.run::<Quarter>()?;
    let to = folder.path().join("export");
    again.export_crate::<Quarter>(&to)?;
    more.export_crate::<Quarter>(&to)?;
    let readme = fs::read_to_string(to.join("README.md"))?;
    assert!(readme.lines().all(|line| line.len() < 1_000), "{readme}");
    let lib = fs::read_to_string(to.join("src/lib.rs"))?;
    assert!(lib.contains("9999.0] #") && lib.contains("10000.0] #"), "{lib}");
    Ok(())
}

#[test]
fn a_very_long_value_is_shortened_everywhere() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Total::NUMBERS, numbers(200_000));
    flow.run::<Total>()?;
    assert!(record(&flow, "Total")?.len() < 3_000);
    assert!(flow.is_complete::<Total>()?);
    // The digest distinguishes two values that differ anywhere.
    let mut other = numbers(200_000);
    other[100_000] = 0.5;
    let other = flow.with(Total::NUMBERS, other);
    assert!(!other.is_complete::<Total>()?);
    Ok(())
}
