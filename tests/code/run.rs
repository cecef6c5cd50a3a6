//! When the body of `run` changes, the task runs again. Downstream tasks run again if its output
//! changed.

use crate::fixture::Fixture;

const PIPELINE: &str = r#"
use flow::prelude::*;

#[derive(Task)]
#[task(target = Json<Vec<i64>>)]
struct GetData;

#[tracked]
impl Run for GetData {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<i64>> {
        Ok(vec![3, 1, 2])
    }
}

#[derive(Task)]
#[task(requires = GetData, target = Json<Vec<i64>>)]
struct Preprocess;

#[tracked]
impl Run for Preprocess {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<i64>> {
        let data = cx.input().load()?;
        Ok(data.iter().map(|x| x * 2).collect())
    }
}

#[derive(Task)]
#[task(requires = Preprocess, target = Json<i64>)]
struct Train;

#[tracked]
impl Run for Train {
    fn run(&self, cx: &Cx<Self>) -> Result<i64> {
        Ok(cx.input().load()?.iter().sum())
    }
}

fn main() -> Result<()> {
    let flow = Flow::open("data")?.quiet();
    println!("{}", flow.preview::<Train>()?);
    let summary = flow.run::<Train>()?;
    let names = |entries: Vec<flow::Entry>| {
        entries.iter().map(|entry| entry.task().to_owned()).collect::<Vec<_>>().join(" ")
    };
    println!("ran: {}", names(summary.ran()));
    println!("reused: {}", names(summary.reused()));
    println!("unchanged: {}", names(summary.unchanged()));
    println!("value: {}", flow.load::<Train>()?);
    Ok(())
}
"#;

#[test]
fn a_change_of_run_reruns_its_task_and_downstream_tasks() {
    let fixture = Fixture::new("run", PIPELINE);
    let first = fixture.run();
    assert_eq!(first.line("ran:"), "GetData Preprocess Train");
    assert_eq!(first.line("value:"), "12");

    // Changes that are no code: a comment, documentation, formatting.
    fixture.edit("let data = cx", "// The rows.\n        let data   =\n            cx");
    fixture.edit("data.iter().map(|x| x * 2)", "data.iter().map(|x| x*2)");
    fixture.edit(
        "    fn run(&self, cx: &Cx<Self>) -> Result<i64>",
        "    /// Sums.\n    fn run(&self, cx: &Cx<Self>,) -> Result<i64>",
    );
    assert_eq!(fixture.run().line("ran:"), "");

    // A single character.
    fixture.edit("x*2", "x*3");
    let changed = fixture.run();
    changed.has("Preprocess PENDING code: impl Run for Preprocess (src/main.rs) changed");
    changed.has("GetData COMPLETE");
    assert_eq!(changed.line("ran:"), "Preprocess Train");
    assert_eq!(changed.line("value:"), "18");

    // Back to the first code: its outputs are reused.
    fixture.edit("x*3", "x*2");
    let back = fixture.run();
    assert_eq!((back.line("ran:"), back.line("reused:")), ("", "Preprocess Train"));
    assert_eq!(back.line("value:"), "12");

    // Other code with the same output leaves downstream tasks unchanged.
    fixture.edit("x*2", "2*x");
    let same = fixture.run();
    assert_eq!((same.line("ran:"), same.line("unchanged:")), ("Preprocess", "Train"));
}
