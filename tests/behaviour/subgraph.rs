//! `flow.graph` offers every operation for the tasks in the graph of some roots, and the store
//! lists its outputs.

use flow::Limits;
use flow::prelude::*;

use crate::support::{flow, ran, reused};

#[derive(Task)]
#[task(target = Json<u64>)]
pub(crate) struct Part {
    n: u64,
}

runs!(Part: u64 = |self, cx| {
    cx.meta("n", self.n)?;
    Ok(self.n * 10)
});

#[derive(Task)]
#[task(requires = Part { n: self.of }, target = Json<u64>)]
pub(crate) struct Double {
    of: u64,
}

runs!(Double: u64 = |self, cx| Ok(*cx.input().load()? * 2));

#[derive(Task)]
#[task(requires = [Double { of: n } for n in 1..=3u64], target = Json<u64>)]
pub(crate) struct Total;

runs!(Total: u64 = |self, cx| cx.input().iter().map(|double| Ok(*double.load()?)).sum());

fn names(instances: &[flow::plan::Instance]) -> Vec<String> {
    instances.iter().map(ToString::to_string).collect()
}

#[test]
fn a_subgraph_runs_loads_and_shows_its_tasks() -> Result<()> {
    let (flow, _folder) = flow();
    let graph = flow.graph::<Total>();
    assert!(!graph.is_complete()?);
    assert_eq!(graph.preview()?.pending().len(), 7);
    assert_eq!(graph.run()?.ran().len(), 7);
    assert!(graph.is_complete()? && graph.why()?.is_complete());
    assert_eq!(*graph.load::<Total>()?, 120);
    assert_eq!(*flow.get::<Total>()?, 120);
    assert_eq!(graph.outputs::<Part>()?.len(), 3);
    assert_eq!(*flow.graph::<Total>().at(Part::N, 2).load::<Double>()?, 40);
    assert_eq!(graph.instances()?.len(), 7);
    assert!(graph.plot()?.to_string().contains("Total COMPLETE"));
    Ok(())
}

#[test]
fn a_subgraph_lists_upstream_and_downstream_instances() -> Result<()> {
    let (flow, _folder) = flow();
    let upstream = flow.graph::<Total>().at(Double::OF, 2).upstream::<Double>()?;
    assert_eq!(names(&upstream), ["Part {n: 2}", "Double {of: 2}"]);
    let upstream = flow.graph::<Total>().upstream::<Total>()?;
    assert_eq!(names(&upstream), names(&flow.graph::<Total>().instances()?));
    let downstream = flow.graph::<Total>().downstream::<Double>()?;
    assert_eq!(names(&downstream), ["Double {of: 1}", "Double {of: 2}", "Double {of: 3}", "Total"]);
    Ok(())
}

#[test]
fn a_subgraph_returns_the_metadata_of_its_tasks() -> Result<()> {
    let (flow, _folder) = flow();
    assert!(flow.graph::<Total>().meta()?.is_empty());
    flow.run::<Total>()?;
    let meta = flow.graph::<Total>().meta()?;
    let meta: Vec<_> = meta.iter().map(|(i, meta)| (i.to_string(), meta["n"].as_u64())).collect();
    let part = |n: u64| (format!("Part {{n: {n}}}"), Some(n));
    assert_eq!(meta, [part(1), part(2), part(3)]);
    Ok(())
}

#[test]
fn a_subgraph_resets_and_forces_selected_instances() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Total>()?;
    let removed = flow.graph::<Total>().at(Double::OF, 3).reset::<Double>()?;
    assert_eq!(removed.instances, ["Double {of: 3}"]);
    assert_eq!(ran(&flow.run::<Total>()?), ["Double"]);
    let removed = flow.graph::<Total>().reset_downstream::<Double>()?;
    assert_eq!(removed.instances.len(), 4);
    assert_eq!(ran(&flow.graph::<Total>().force::<Part>().run()?).len(), 7);
    assert_eq!(flow.graph::<Total>().reset_all()?.instances.len(), 7);
    assert!(flow.store().list()?.is_empty());
    Ok(())
}

#[test]
fn the_store_lists_its_outputs_with_their_sizes() -> Result<()> {
    let (flow, _folder) = flow();
    assert!(flow.store().list()?.is_empty());
    flow.run::<Total>()?;
    let stored = flow.store().list()?;
    let listed: Vec<_> = stored.iter().map(|one| (one.instance.as_str(), one.bytes)).collect();
    assert!(listed.contains(&("Part {n: 3}", 2)) && listed.contains(&("Total", 3)), "{listed:?}");
    assert_eq!(stored.len(), 7);
    let total = stored.iter().find(|one| one.task == "Total").context("it is there")?;
    assert_eq!(total.key.to_string(), crate::support::key::<Total>(&flow));
    assert!(total.folder.join("record.json").is_file() && total.started > 1_600_000_000);
    assert_eq!(flow.store().clear_task::<Part>()?.instances.len(), 3);
    assert_eq!(flow.store().list()?.len(), 4);
    assert_eq!(flow.store().clear()?.instances.len(), 4);
    Ok(())
}

#[test]
fn a_limit_of_zero_versions_keeps_none() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.limits(Limits::default().versions(0).bytes(1 << 20));
    flow.run::<Total>()?;
    flow.force_all().run::<Total>()?;
    assert!(reused(&flow.run::<Total>()?).is_empty());
    assert!(flow.store().verify()?.is_whole());
    Ok(())
}
