//! `was`, and fields in another order: a new release finds the outputs of an old one.
//!
//! Two releases of a program are two modules with tasks of the same names that use the same store.
#![allow(dead_code, reason = "`run` is the same in all releases, and so reads no field")]

use flow::prelude::*;

use crate::support::{flow, key, preview, ran};

mod old {
    use super::*;

    #[derive(Task)]
    #[task(target = Json<u32>)]
    pub(super) struct Tallied {
        #[param(default = 3)]
        n: u32,
        #[param(default = "x")]
        text: String,
    }

    runs!(Tallied: u32 = |self, _cx| Ok(7));

    #[derive(Task)]
    #[task(requires = Tallied, target = Json<u32>)]
    pub(super) struct Total;

    runs!(Total: u32 = |self, cx| Ok(*cx.input().load()? + 1));
}

/// The fields in another order, one renamed, and an insignificant one added.
mod fields {
    use super::*;

    #[derive(Task)]
    #[task(target = Json<u32>)]
    pub(super) struct Tallied {
        #[param(default = "x")]
        text: String,
        #[param(default = 1, insignificant)]
        threads: u32,
        #[param(default = 3, was = "n")]
        number: u32,
    }

    runs!(Tallied: u32 = |self, _cx| Ok(7));

    #[derive(Task)]
    #[task(requires = Tallied, target = Json<u32>)]
    pub(super) struct Total;

    runs!(Total: u32 = |self, cx| Ok(*cx.input().load()? + 1));
}

/// The task renamed.
mod task {
    use super::*;

    #[derive(Task)]
    #[task(target = Json<u32>, was = "Tallied")]
    pub(super) struct Tally {
        #[param(default = 3)]
        n: u32,
        #[param(default = "x")]
        text: String,
    }

    runs!(Tally: u32 = |self, _cx| Ok(7));

    #[derive(Task)]
    #[task(requires = Tally, target = Json<u32>)]
    pub(super) struct Total;

    runs!(Total: u32 = |self, cx| Ok(*cx.input().load()? + 1));
}

#[test]
fn a_renamed_parameter_finds_its_outputs() -> Result<()> {
    let (flow, _folder) = flow();
    flow.with(old::Tallied::N, 4).run::<old::Total>()?;
    let new = Flow::open(flow.folder())?.quiet().with(fields::Tallied::NUMBER, 4);
    assert_eq!(
        preview::<fields::Total>(&new),
        "Total {Tallied.number: 4} COMPLETE\n└─ Tallied {text: x, threads: 1, number: 4} COMPLETE"
    );
    assert_eq!(ran(&new.run::<fields::Total>()?), [""; 0]);
    assert_eq!(*new.load::<fields::Total>()?, 8);
    assert_eq!(key::<fields::Total>(&new), key::<old::Total>(&flow.with(old::Tallied::N, 4)));
    Ok(())
}

#[test]
fn a_renamed_task_finds_its_outputs() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<old::Total>()?;
    let new = Flow::open(flow.folder())?.quiet();
    assert_eq!(preview::<task::Total>(&new), "Total COMPLETE\n└─ Tally {n: 3, text: x} COMPLETE");
    assert_eq!(ran(&new.run::<task::Total>()?), [""; 0]);
    // New outputs are stored under the new name.
    let more = new.with(task::Tally::N, 4);
    more.run::<task::Total>()?;
    assert!(flow.folder().join("Tally").is_dir());
    assert_eq!(*more.load::<task::Total>()?, 8);
    assert!(new.is_complete::<task::Total>()?);
    Ok(())
}
