//! `cx.seed()`: a number that depends on the instance only.

use flow::prelude::*;

use crate::support::{flow, ran, reused};

#[derive(Task)]
#[task(target = Json<u32>)]
struct Get {
    #[param(default = 1)]
    n: u32,
}

runs!(Get: u32 = |self, _cx| Ok(self.n / 10));

#[derive(Task)]
#[task(requires = Get, target = Json<u64>)]
struct Draw {
    #[param(default = 1)]
    k: u32,
}

runs!(Draw: u64 = |self, cx| Ok(cx.seed() + 0 * u64::from(self.k + *cx.input().load()?)));

#[test]
fn an_instance_has_one_seed() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Draw>()?;
    let first = *flow.load::<Draw>()?;
    flow.reset::<Draw>()?;
    flow.workers(1).run::<Draw>()?;
    assert_eq!(*flow.load::<Draw>()?, first);
    let other = flow.with(Draw::K, 2);
    other.run::<Draw>()?;
    assert_ne!(*other.load::<Draw>()?, first);
    Ok(())
}

#[test]
fn an_output_computed_with_another_seed_is_not_reused() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Draw>()?;
    // Everything but the seed is the same.
    let other = flow.with(Get::N, 2);
    let summary = other.run::<Draw>()?;
    assert_eq!((ran(&summary), reused(&summary)), (vec!["Draw".into(), "Get".into()], vec![]));
    let drawn = *other.load::<Draw>()?;
    other.reset::<Draw>()?;
    other.run::<Draw>()?;
    assert_eq!(*other.load::<Draw>()?, drawn, "it is what running it gives");
    Ok(())
}
