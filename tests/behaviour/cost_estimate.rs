//! A preview estimates the cost of a run from the recorded durations of the tasks.

use std::fs;
use std::path::Path;

use flow::prelude::*;

use crate::support::{flow, preview};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Fetch {
    #[param(default = 1)]
    day: u64,
}

runs!(Fetch: u64 = |self, _cx| Ok(self.day));

#[derive(Task)]
#[task(requires = Fetch, target = Json<u64>)]
struct Fit {
    #[param(default = 2)]
    degree: u64,
}

runs!(Fit: u64 = |self, cx| Ok(*cx.input().load()? * self.degree));

#[derive(Task)]
#[task(requires = Fit, target = Json<u64>)]
struct Report;

runs!(Report: u64 = |self, cx| Ok(*cx.input().load()?));

/// Writes this duration into all records of a task.
fn took(flow: &Flow, task: &str, seconds: f64) {
    for instance in fs::read_dir(flow.folder().join(task)).expect("instances") {
        let record = instance.expect("an instance").path().join("record.json");
        edit(&record, seconds);
    }
}

fn edit(record: &Path, seconds: f64) {
    let text = fs::read_to_string(record).expect("a record");
    let mut json: serde_json::Value = serde_json::from_str(&text).expect("a record is JSON");
    json["seconds"] = seconds.into();
    fs::write(record, json.to_string()).expect("the record");
}

#[test]
fn a_preview_estimates_how_long_the_pending_tasks_take() -> Result<()> {
    let (flow, _folder) = flow();
    let nothing_known = flow.preview::<Report>()?.cost();
    assert_eq!((nothing_known.tasks, nothing_known.unknown), (3, 3));
    assert_eq!(nothing_known.to_string(), "up to 3 tasks, whose durations are not known yet");

    flow.run::<Report>()?;
    took(&flow, "Fetch", 3600.0);
    took(&flow, "Fit", 100.0);
    took(&flow, "Report", 30.0);
    let flow = Flow::open(flow.folder())?.quiet();
    assert_eq!(flow.preview::<Report>()?.cost(), flow::plan::Cost::default());
    assert!(!preview::<Report>(&flow).contains("to run"));

    // Instances that never ran are estimated by other instances of the same task.
    let steeper = flow.with(Fit::DEGREE, 3);
    let cost = steeper.preview::<Report>()?.cost();
    assert_eq!((cost.tasks, cost.seconds, cost.unknown), (2, 130.0, 0));
    let shown = preview::<Report>(&steeper);
    assert!(shown.ends_with("\nto run: up to 2 tasks, about 2 min 10 s"), "{shown}");

    // An instance that ran is estimated by its own record.
    steeper.run::<Fit>()?;
    steeper.reset::<Fetch>()?;
    let cost = steeper.force::<Fit>().preview::<Fit>()?.cost();
    assert_eq!(cost.tasks, 2);
    assert!(cost.seconds > 100.0 - 100.0 && cost.seconds < 100.0, "{cost:?}");
    Ok(())
}

#[test]
fn an_estimate_says_that_it_is_without_tasks_of_which_no_instance_has_run() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Fit>()?;
    took(&flow, "Fetch", 20.0);
    took(&flow, "Fit", 4.0);
    let flow = Flow::open(flow.folder())?.quiet().force::<Fetch>().force::<Fit>();
    let shown = preview::<Report>(&flow);
    let expected =
        "\nto run: up to 3 tasks, about 24.0 s, without 1 task whose duration is not known yet";
    assert!(shown.ends_with(expected), "{shown}");
    Ok(())
}
