//! Resets: which outputs they remove, and which tasks run again.

use flow::prelude::*;

use crate::support::{files_below, flow, ran};

#[derive(Task)]
#[task(target = Json<u32>)]
struct Get {
    #[param(default = 1)]
    n: u32,
}

runs!(Get: u32 = |self, _cx| Ok(self.n));

#[derive(Task)]
#[task(requires = Get, target = Json<u32>)]
struct Double;

runs!(Double: u32 = |self, cx| Ok(*cx.input().load()? * 2));

#[derive(Task)]
#[task(requires(Double, Aside), target = Json<u32>)]
struct Sum;

runs!(Sum: u32 = |self, cx| Ok(*cx.input().0.load()? + *cx.input().1.load()?));

#[derive(Task)]
#[task(target = Json<u32>)]
struct Aside;

runs!(Aside: u32 = |self, _cx| Ok(1));

#[test]
fn a_reset_of_one_task() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sum>()?;
    let path = flow.output::<Sum>()?.path()?;
    let removed = flow.reset::<Sum>()?;
    assert_eq!(removed.to_string(), "removed the output of Sum");
    assert_eq!(removed.instances, ["Sum"]);
    assert!(removed.files.contains(&path) && !path.exists());
    assert_eq!(flow.reset::<Sum>()?.to_string(), "nothing was removed");
    assert_eq!(ran(&flow.run::<Sum>()?), ["Sum"]);
    Ok(())
}

#[test]
fn a_reset_of_a_task_and_all_upstream_tasks() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sum>()?;
    assert_eq!(flow.graph::<Double>().reset_all()?.instances, ["Get {n: 1}", "Double"]);
    let summary = flow.run::<Sum>()?;
    assert_eq!(ran(&summary), ["Double", "Get"]);
    Ok(())
}

#[test]
fn a_reset_of_a_task_and_its_downstream_tasks() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sum>()?;
    let removed = flow.graph::<Sum>().reset_downstream::<Double>()?;
    assert_eq!(removed.instances, ["Double", "Sum"]);
    assert_eq!(ran(&flow.run::<Sum>()?), ["Double", "Sum"]);
    Ok(())
}

#[test]
fn a_reset_of_every_instance_of_a_task() -> Result<()> {
    let (flow, _folder) = flow();
    let two = flow.with(Get::N, 2);
    flow.run::<Sum>()?;
    two.run::<Sum>()?;
    assert_eq!(flow.store().clear_task::<Get>()?.instances.len(), 2);
    assert_eq!(ran(&flow.run::<Sum>()?), ["Get"]);
    assert_eq!(ran(&two.run::<Sum>()?), ["Get"]);
    Ok(())
}

#[test]
fn a_reset_of_the_whole_store() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sum>()?;
    let notes = flow.folder().join("notes.txt");
    std::fs::write(&notes, "mine")?;
    assert_eq!(flow.store().clear()?.instances.len(), 4);
    assert!(files_below(flow.folder()).contains(&notes), "what is not the store's own stays");
    assert_eq!(ran(&flow.run::<Sum>()?), ["Aside", "Double", "Get", "Sum"]);
    Ok(())
}

/// Returns the same whatever its parameter is.
#[derive(Task)]
#[task(target = Json<u32>)]
struct Same {
    #[param(default = 1)]
    n: u32,
}

runs!(Same: u32 = |self, _cx| Ok(self.n * 0));

#[derive(Task)]
#[task(requires = Same, target = Json<u32>)]
struct Of;

runs!(Of: u32 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn a_reset_output_is_not_reused_from_another_instance() -> Result<()> {
    let (flow, _folder) = flow();
    let other = flow.with(Same::N, 2);
    flow.run::<Of>()?;
    assert_eq!(ran(&other.run::<Of>()?), ["Same"], "the rest is taken over");
    flow.reset::<Of>()?;
    assert!(other.is_complete::<Of>()?);
    // Also in a store that was just opened, and in one that has read the index before.
    let later = Flow::open(flow.folder())?.quiet();
    assert_eq!(ran(&later.run::<Of>()?), ["Of"]);
    flow.reset::<Of>()?;
    assert_eq!(ran(&flow.run::<Of>()?), ["Of"]);
    Ok(())
}

#[test]
fn a_dry_run_lists_what_a_reset_removes() -> Result<()> {
    let (flow, _folder) = flow();
    let graph = flow.graph::<Sum>();
    assert!(graph.reset_all_dry_run()?.instances.is_empty());
    flow.run::<Sum>()?;
    for is_all in [false, true] {
        let dry = if is_all { graph.reset_all_dry_run()? } else { graph.reset_roots_dry_run()? };
        assert_eq!(dry.instances.len(), if is_all { 4 } else { 1 });
        assert!(flow.is_complete::<Sum>()? && dry.files.iter().all(|file| file.exists()));
        let removed = if is_all { graph.reset_all()? } else { graph.reset_roots()? };
        assert_eq!(removed.instances, dry.instances);
        assert!(dry.files.iter().all(|file| removed.files.contains(file)));
        assert_eq!(dry.files.len(), dry.instances.len());
        flow.run::<Sum>()?;
    }

    // An output that would be reused is reset, too.
    let other = flow.with(Same::N, 2);
    flow.run::<Of>()?;
    other.run::<Same>()?;
    assert!(other.is_complete::<Of>()?);
    let dry = other.graph::<Of>().reset_roots_dry_run()?;
    assert_eq!((dry.instances.len(), dry.files.len()), (1, 0));
    assert_eq!(other.graph::<Of>().reset_roots()?.instances, dry.instances);
    assert!(!other.is_complete::<Of>()?);
    Ok(())
}
