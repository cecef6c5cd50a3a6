//! Resets: what they remove, and what runs again.

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
fn of_one_task() -> Result<()> {
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
fn of_a_task_and_all_upstream() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sum>()?;
    assert_eq!(flow.graph::<Double>().reset_all()?.instances, ["Get {n: 1}", "Double"]);
    let summary = flow.run::<Sum>()?;
    assert_eq!(ran(&summary), ["Double", "Get"]);
    Ok(())
}

#[test]
fn of_what_a_task_may_affect() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sum>()?;
    let removed = flow.graph::<Sum>().reset_downstream::<Double>()?;
    assert_eq!(removed.instances, ["Double", "Sum"]);
    assert_eq!(ran(&flow.run::<Sum>()?), ["Double", "Sum"]);
    Ok(())
}

#[test]
fn of_every_instance_of_a_task() -> Result<()> {
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
fn of_all() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sum>()?;
    let notes = flow.folder().join("notes.txt");
    std::fs::write(&notes, "mine")?;
    assert_eq!(flow.store().clear()?.instances.len(), 4);
    assert!(files_below(flow.folder()).contains(&notes), "what is not the store's own stays");
    assert_eq!(ran(&flow.run::<Sum>()?), ["Aside", "Double", "Get", "Sum"]);
    Ok(())
}

/// Gives the same whatever it is told.
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
fn what_was_reset_is_not_taken_over_from_another_instance() -> Result<()> {
    let (flow, _folder) = flow();
    let other = flow.with(Same::N, 2);
    flow.run::<Of>()?;
    assert_eq!(ran(&other.run::<Of>()?), ["Same"], "the rest is taken over");
    flow.reset::<Of>()?;
    assert!(other.is_complete::<Of>()?);
    // Whoever has opened the store, and whether it has read the index before or not.
    let later = Flow::open(flow.folder())?.quiet();
    assert_eq!(ran(&later.run::<Of>()?), ["Of"]);
    flow.reset::<Of>()?;
    assert_eq!(ran(&flow.run::<Of>()?), ["Of"]);
    Ok(())
}
