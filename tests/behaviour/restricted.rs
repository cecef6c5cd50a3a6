//! A subgraph that is restricted to some of its tasks runs these, with the parameters that they have in the graph.

use flow::error::SelectError;
use flow::prelude::*;
use flow::task::TaskInfo;
use flow::{Error, Summary};

use crate::subgraph::{Double, Part, Total};
use crate::support::{flow, ran};

#[derive(Task)]
#[task(target = Json<u64>)]
struct Apart;

runs!(Apart: u64 = |self, _cx| Ok(0));

/// Returns the inputs that are not complete, of an error about a task that cannot run alone.
fn incomplete(error: Error) -> Vec<String> {
    match error {
        Error::Select(SelectError::Incomplete { inputs, .. }) => inputs,
        error => panic!("{error}"),
    }
}

fn count(summary: &Summary) -> usize {
    summary.ran().len()
}

#[test]
fn until_runs_a_task_and_its_upstream_as_the_root_requires_them() -> Result<()> {
    let (flow, _folder) = flow();
    let graph = flow.graph::<Total>().until::<Double>();
    assert_eq!(graph.preview()?.pending().len(), 6);
    assert_eq!(graph.instances()?.len(), 6);
    assert_eq!(count(&graph.run()?), 6);
    assert!(graph.is_complete()? && !flow.is_complete::<Total>()?);
    assert_eq!(flow.graph::<Total>().outputs::<Double>()?.len(), 3);
    assert_eq!(ran(&flow.run::<Total>()?), ["Total"]);
    assert_eq!(*flow.load::<Total>()?, 120);
    Ok(())
}

#[test]
fn several_tasks_are_the_roots_of_a_restricted_graph() -> Result<()> {
    let (flow, _folder) = flow();
    let graph = flow.graph::<(Total, Apart)>().until::<Part>().until::<Apart>();
    assert_eq!(ran(&graph.run()?), ["Apart", "Part", "Part", "Part"]);
    let graph = flow.graph_of([TaskInfo::of::<Total>()]).until_task(TaskInfo::of::<Double>());
    assert_eq!(count(&graph.run()?), 3);
    Ok(())
}

#[test]
fn only_runs_a_task_alone_if_its_inputs_are_complete() -> Result<()> {
    let (flow, _folder) = flow();
    let only = flow.graph::<Total>().only::<Double>();
    let inputs = incomplete(only.run().unwrap_err());
    assert_eq!(
        inputs,
        ["Part {n: 1}: never run", "Part {n: 2}: never run", "Part {n: 3}: never run"]
    );
    assert_eq!(incomplete(only.preview().unwrap_err()).len(), 3);
    flow.graph::<Total>().until::<Part>().run()?;
    assert_eq!(ran(&only.run()?), ["Double", "Double", "Double"]);
    assert_eq!(count(&only.run()?), 0);

    // A forced task runs alone, too.
    let forced = flow.graph::<Total>().only::<Double>().force::<Double>();
    assert_eq!(ran(&forced.run()?), ["Double", "Double", "Double"]);
    let total = flow.graph_of([TaskInfo::of::<Total>()]).only_task(TaskInfo::of::<Total>());
    assert_eq!(ran(&total.run()?), ["Total"]);
    Ok(())
}

#[test]
fn a_task_that_is_not_in_the_graph_is_an_error() {
    let (flow, _folder) = flow();
    let error = flow.graph::<Total>().until::<Apart>().run().unwrap_err();
    assert_eq!(error.to_string(), "Total requires no Apart");
}

#[test]
fn a_forced_task_that_a_restricted_graph_leaves_out_is_a_warning() -> Result<()> {
    let (flow, _folder) = flow();
    let warnings = |graph: flow::Subgraph<Total>| -> Result<Vec<String>> {
        Ok(graph.preview()?.warnings().iter().map(ToString::to_string).collect())
    };
    let left_out = warnings(flow.graph::<Total>().until::<Double>().force::<Total>())?;
    assert!(matches!(left_out.as_slice(), [one] if one.contains("Total")), "{left_out:?}");
    let there = warnings(flow.graph::<Total>().until::<Double>().force::<Part>())?;
    assert_eq!(there, [""; 0]);
    Ok(())
}

/// The sum of the first parts.
#[derive(Task)]
#[task(requires = [Part { n } for n in 1..=self.count], target = Json<u64>)]
struct Several {
    count: u64,
}

runs!(Several: u64 = |self, cx| cx.input().iter().map(|part| Ok(*part.load()?)).sum());

#[test]
fn a_sweep_is_restricted_in_each_variant() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Several>().over(Several::COUNT, [1, 3]);
    let only = incomplete(sweep.clone().only::<Several>().run().unwrap_err());
    assert_eq!(only.len(), 3);
    let until = sweep.clone().until::<Part>();
    // The variants share one part, and the second has two of its own.
    assert_eq!(until.preview()?.pending().len(), 3);
    let summary = until.run()?;
    assert_eq!(ran(&summary), ["Part", "Part", "Part"]);
    assert!(summary.variants().iter().all(|(_, outcome)| outcome.is_success()));
    assert_eq!(summary.variants().len(), 2);
    assert!(until.is_complete().is_ok_and(|complete| !complete));
    let only = sweep.clone().only::<Several>().run()?;
    assert_eq!(ran(&only), ["Several", "Several"]);
    assert_eq!(*sweep["count=3"].load::<Several>()?, 60);
    let none = sweep.until::<Apart>().run().unwrap_err().to_string();
    assert!(none.ends_with(" requires no Apart"), "{none}");
    Ok(())
}

#[test]
fn a_flow_of_a_restricted_sweep_is_not_restricted() -> Result<()> {
    let (flow, _folder) = flow();
    let sweep = flow.sweep::<Several>().over(Several::COUNT, [1, 2]).until::<Part>();
    assert_eq!(ran(&sweep["count=2"].run::<Several>()?), ["Part", "Part", "Several"]);
    Ok(())
}
