//! Early cutoff: if an upstream task runs again and writes equal bytes, downstream tasks do not run.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use flow::prelude::*;

use crate::support::{flow, ran, unchanged};

#[derive(Task)]
#[task(target = Json<u32>)]
struct First;

#[tracked]
impl Run for First {
    fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
        Ok(7)
    }
}

macro_rules! step {
    ($name:ident after $before:ident) => {
        #[derive(Task)]
        #[task(requires = $before, target = Json<u32>)]
        struct $name;

        #[tracked]
        impl Run for $name {
            fn run(&self, cx: &Cx<Self>) -> Result<u32> {
                Ok(*cx.input().load()? + 1)
            }
        }
    };
}

step!(Second after First);
step!(Third after Second);
step!(Fourth after Third);
step!(Fifth after Fourth);
step!(Sixth after Fifth);

#[test]
fn equal_bytes_cut_off_all_downstream_tasks() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sixth>()?;
    flow.reset::<First>()?;
    // The output and its digest are gone, so the task runs. It computes the same bytes.
    let summary = flow.run::<Sixth>()?;
    assert_eq!(ran(&summary), ["First"]);
    assert_eq!(unchanged(&summary), ["Fifth", "Fourth", "Second", "Sixth", "Third"]);
    assert_eq!(*flow.load::<Sixth>()?, 12);
    Ok(())
}

static RUNS: AtomicU32 = AtomicU32::new(0);

#[derive(Task)]
#[task(target = Json<u32>)]
struct Counted {}

#[tracked]
impl Run for Counted {
    fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
        Ok(RUNS.fetch_add(1, Ordering::Relaxed))
    }
}

step!(AfterCounted after Counted);

#[test]
fn different_bytes_run_downstream_tasks() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<AfterCounted>()?;
    flow.reset::<Counted>()?;
    assert_eq!(ran(&flow.run::<AfterCounted>()?), ["AfterCounted", "Counted"]);
    Ok(())
}

#[test]
fn a_missing_output_is_recomputed_only_if_it_is_needed() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sixth>()?;
    std::fs::remove_file(flow.graph::<Sixth>().output::<Third>()?.path()?)?;
    assert!(flow.is_complete::<Sixth>()?);
    assert_eq!(ran(&flow.run::<Sixth>()?), [""; 0]);
    // `Fourth` has to run and needs the output of `Third`.
    flow.reset::<Fourth>()?;
    let summary = flow.run::<Sixth>()?;
    assert_eq!(ran(&summary), ["Fourth", "Third"]);
    assert_eq!(unchanged(&summary), ["Fifth", "Sixth"]);
    Ok(())
}

/// A task that returns a `HashMap`, whose entries come in another order each time, and a task that reads it.
macro_rules! unordered {
    ($name:ident, $after:ident, $target:ident) => {
        #[derive(Task)]
        #[task(target = $target<HashMap<String, u32>>)]
        struct $name;

        #[tracked]
        impl Run for $name {
            fn run(&self, _cx: &Cx<Self>) -> Result<HashMap<String, u32>> {
                Ok((0..50).map(|n| (format!("{n}"), n)).collect())
            }
        }

        #[derive(Task)]
        #[task(requires = $name, target = Json<usize>)]
        struct $after;

        #[tracked]
        impl Run for $after {
            fn run(&self, cx: &Cx<Self>) -> Result<usize> {
                Ok(cx.input().load()?.len())
            }
        }
    };
}

unordered!(AsText, AfterText, Json);
unordered!(Packed, AfterPacked, Pickle);

#[test]
fn an_unordered_map_is_stored_as_equal_bytes() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<(AfterText, AfterPacked)>()?;
    flow.reset::<AsText>()?;
    flow.reset::<Packed>()?;
    let summary = flow.run::<(AfterText, AfterPacked)>()?;
    assert_eq!(ran(&summary), ["AsText", "Packed"]);
    assert_eq!(unchanged(&summary), ["AfterPacked", "AfterText"]);
    Ok(())
}
