//! Large graphs are planned, shown and run in linear time, and without recursion on the stack.

use std::time::{Duration, Instant};

use flow::prelude::*;

use crate::support::flow;

#[derive(Task)]
#[task(target = Json<u64>)]
struct Ground {
    #[param(default = 1)]
    n: u64,
}

runs!(Ground: u64 = |self, _cx| Ok(self.n));

/// A level for each pair of names: both tasks require both tasks of the level below.
macro_rules! ladder {
    ($below_a:ident $below_b:ident:) => {
        type Top = $below_a;
    };
    ($below_a:ident $below_b:ident: $a:ident $b:ident $($rest:ident)*) => {
        ladder!(task $a $below_a $below_b);
        ladder!(task $b $below_a $below_b);
        ladder!($a $b: $($rest)*);
    };
    (task $name:ident $left:ident $right:ident) => {
        #[derive(Task)]
        #[task(requires($left, $right), target = Json<u64>)]
        struct $name {
            /// Named unlike the parameter of `Ground`, so that every level has its own.
            #[param(default = 1)]
            k: u64,
        }

        runs!($name: u64 = |self, cx| Ok(*cx.input().0.load()? / 2 + *cx.input().1.load()? / 2));
    };
}

ladder!(Ground Ground:
    A01 B01 A02 B02 A03 B03 A04 B04 A05 B05 A06 B06 A07 B07 A08 B08 A09 B09 A10 B10
    A11 B11 A12 B12 A13 B13 A14 B14 A15 B15 A16 B16 A17 B17 A18 B18 A19 B19 A20 B20
    A21 B21 A22 B22 A23 B23 A24 B24 A25 B25 A26 B26 A27 B27 A28 B28 A29 B29 A30 B30);

#[test]
fn a_ladder_of_diamonds_plans_each_task_once() -> Result<()> {
    let (flow, _folder) = flow();
    let travels = flow.with(Top::K, 7).with_named("n", 3);
    // From the middle on down, each task has two instances, one for each value.
    let splits = travels.with(A15::K, 8);
    for (flow, instances, at_ground) in [(&flow, 60, 2), (&travels, 60, 2), (&splits, 88, 4)] {
        let begun = Instant::now();
        let preview = flow.preview::<Top>()?;
        let text = preview.to_string();
        let took = begun.elapsed();
        // Each task lists its two requirements once; the tasks above the ground have one.
        let lines = 1 + 2 * (instances - 1 - at_ground) + at_ground;
        assert_eq!((preview.instances().count(), text.lines().count()), (instances, lines));
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
    Ok(())
}

#[derive(Task)]
#[task(requires = Day { n: self.n - 1 } if self.n > 0, target = Json<u64>)]
struct Day {
    n: u64,
}

runs!(Day: u64 = |self, cx| Ok(match cx.input() {
    Some(before) => *before.load()? + self.n,
    None => 0,
}));

#[test]
fn a_long_chain_is_planned_and_shown() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Day::N, 99_999);
    let preview = flow.preview::<Day>()?;
    assert_eq!(preview.instances().count(), 100_000);
    assert!(preview.to_string().starts_with("Day {n: 99999} PENDING never run\n└─ Day {n: 99998}"));
    Ok(())
}

#[test]
fn a_long_chain_runs() -> Result<()> {
    const N: u64 = 5_000;
    let (flow, _folder) = flow();
    let flow = flow.with(Day::N, N - 1);
    let summary = flow.run::<Day>()?;
    assert_eq!(summary.ran().len() as u64, N);
    assert_eq!(*flow.load::<Day>()?, N * (N - 1) / 2);
    assert_eq!(flow.run::<Day>()?.already_complete().len() as u64, N);
    Ok(())
}

#[derive(Task)]
#[task(requires = [Ground { n } for n in 0..self.n], target = Json<u64>)]
struct Fan {
    #[param(default = 5_000)]
    n: u64,
}

runs!(Fan: u64 = |self, cx| {
    let inputs = cx.input().iter().map(|input| Ok(*input.load()?));
    Ok(inputs.collect::<Result<Vec<u64>>>()?.iter().sum())
});

#[test]
fn a_wide_fan_runs() -> Result<()> {
    let (flow, _folder) = flow();
    let summary = flow.run::<Fan>()?;
    assert_eq!(summary.ran().len(), 5_001);
    assert_eq!(*flow.load::<Fan>()?, 5_000 * 4_999 / 2);
    // With one more input, only that input and the task that sums them up run.
    let summary = flow.with(Fan::N, 5_001).run::<Fan>()?;
    assert_eq!((summary.ran().len(), summary.already_complete().len()), (2, 5_000));
    Ok(())
}
